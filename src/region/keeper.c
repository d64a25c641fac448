#include "region/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "region/map.h"
#include "region/table.h"

/* ---- marks ------------------------------------------------------------------------------------------------------ */

static void span_add(struct span *span, uint64_t sequence) {
    span->first = span->first == 0 || sequence < span->first ? sequence : span->first;
    span->last = sequence > span->last ? sequence : span->last;
}

static bool span_is_due(const struct span *span, uint64_t up_to) {
    return span->first != 0 && span->first <= up_to;
}

/* What was committed up to `read` is in the version now; what came later is still owed. */
static void span_settle(struct span *span, uint64_t read) {
    if (span->last <= read) {
        *span = (struct span){0};
    } else if (span->first <= read && span->first != 0) {
        span->first = read + 1;
    }
}

static void lane_mark_place(struct lane *lane, struct text place, uint64_t sequence) {
    size_t i = 0;
    while (i < lane->place_count && !text_is(place, lane->places[i].id)) {
        i++;
    }
    if (i == KEEPER_MARKS_MAX || place.size >= KEEPER_ID_SIZE) {
        span_add(&lane->structure, sequence); /* so many at once: all is read anew */
        return;
    }
    if (i == lane->place_count) {
        memset(&lane->places[i], 0, sizeof lane->places[i]);
        memcpy(lane->places[i].id, place.at, place.size);
        lane->place_count++;
    }
    span_add(&lane->places[i].span, sequence);
}

static bool lane_is_marked(const struct lane *lane) {
    return lane->structure.first != 0 || lane->place_count > 0;
}

static bool lane_is_due(const struct lane *lane, uint64_t up_to) {
    bool due = lane->current == NULL || span_is_due(&lane->structure, up_to);
    for (size_t i = 0; i < lane->place_count && !due; i++) {
        due = span_is_due(&lane->places[i].span, up_to);
    }
    return due;
}

static void lane_settle(struct lane *lane, uint64_t read) {
    size_t kept = 0;
    span_settle(&lane->structure, read);
    for (size_t i = 0; i < lane->place_count; i++) {
        span_settle(&lane->places[i].span, read);
        if (lane->places[i].span.first != 0) {
            memmove(&lane->places[kept++], &lane->places[i], sizeof lane->places[i]);
        }
    }
    lane->place_count = kept;
}

void keeper_mark_structure(struct region *region, uint64_t sequence) {
    pthread_mutex_lock(&region->lock);
    span_add(&region->shared.structure, sequence);
    span_add(&region->inner.structure, sequence);
    pthread_mutex_unlock(&region->lock);
}

void keeper_mark_place(struct region *region, struct text place, uint64_t sequence) {
    pthread_mutex_lock(&region->lock);
    lane_mark_place(&region->shared, place, sequence);
    lane_mark_place(&region->inner, place, sequence);
    pthread_mutex_unlock(&region->lock);
}

/* ---- reading anew ----------------------------------------------------------------------------------------------- */

/* What has to be read, taken down under the lock. */
struct errand {
    struct version *from; /* held; NULL: read the whole */
    char ids[KEEPER_MARKS_MAX][KEEPER_ID_SIZE];
    struct text places[KEEPER_MARKS_MAX];
    size_t place_count;
    uint64_t committed;
};

static void take_errand(struct errand *errand, const struct lane *lane, struct version *base, uint64_t up_to) {
    errand->from = NULL;
    errand->place_count = 0;
    if (base == NULL || span_is_due(&lane->structure, up_to)) {
        return;
    }
    errand->from = base;
    version_hold(base);
    for (size_t i = 0; i < lane->place_count; i++) {
        if (span_is_due(&lane->places[i].span, up_to)) {
            char *id = errand->ids[errand->place_count];
            memcpy(id, lane->places[i].id, KEEPER_ID_SIZE);
            errand->places[errand->place_count++] = text_from(id);
        }
    }
}

static enum status run_errand(
    struct version **out, const struct errand *errand, const struct gather_source *source, struct scope *scope) {
    return errand->from == NULL ? gather_structure(out, source, errand->committed, scope)
                                : gather_counts(out, errand->from, errand->places, errand->place_count, source,
                                      errand->committed, scope);
}

static void lane_publish(struct lane *lane, struct version *version, uint64_t read, struct version **old) {
    *old = lane->current;
    lane->current = version;
    lane_settle(lane, read);
}

/* With `building` held. */
static enum status refresh_shared(struct region *region, struct scope *scope) {
    struct errand errand;
    struct version *version = NULL, *old = NULL, *old_inner = NULL;
    pthread_mutex_lock(&region->lock);
    errand.committed = store_sequence(records_store(region->records));
    bool due = lane_is_due(&region->shared, errand.committed); /* another thread may have been faster */
    if (due) {
        take_errand(&errand, &region->shared, region->shared.current, errand.committed);
    }
    pthread_mutex_unlock(&region->lock);
    if (!due) {
        return STATUS_OK;
    }
    enum status status = run_errand(
        &version, &errand, &(struct gather_source){.records = region->records, .roads = region->roads}, scope);
    version_release(errand.from);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&region->lock);
    lane_publish(&region->shared, version, errand.committed, &old);
    if (!lane_is_marked(&region->shared)) { /* exact: units need no version of their own */
        old_inner = region->inner.current;
        region->inner = (struct lane){0};
    }
    pthread_mutex_unlock(&region->lock);
    version_release(old);
    version_release(old_inner);
    return STATUS_OK;
}

static struct version *hold_if_fresh(struct region *region) {
    struct version *version = NULL;
    pthread_mutex_lock(&region->lock);
    if (!lane_is_due(&region->shared, store_sequence(records_store(region->records)))) {
        version = region->shared.current;
        version_hold(version);
    }
    pthread_mutex_unlock(&region->lock);
    return version;
}

enum status region_hold(const struct region_snapshot **out, struct region *region, struct scope *scope) {
    struct version *version = hold_if_fresh(region);
    enum status status = STATUS_OK;
    if (version == NULL) {
        pthread_mutex_lock(&region->building);
        status = refresh_shared(region, scope);
        pthread_mutex_unlock(&region->building);
        if (status != STATUS_OK) {
            return status;
        }
        pthread_mutex_lock(&region->lock); /* as fresh as this call found the record */
        version = region->shared.current;
        version_hold(version);
        pthread_mutex_unlock(&region->lock);
    }
    *out = &version->snapshot;
    return STATUS_OK;
}

/* Units run one after the other, in one thread: nobody else builds in this lane. */
static enum status refresh_inner(struct region *region, struct records_unit *unit, struct scope *scope) {
    struct errand errand;
    struct version *version = NULL, *old = NULL;
    pthread_mutex_lock(&region->lock);
    errand.committed = store_sequence(records_store(region->records));
    struct version *base = region->inner.current != NULL ? region->inner.current : region->shared.current;
    take_errand(&errand, &region->inner, base, UINT64_MAX);
    pthread_mutex_unlock(&region->lock);
    const struct gather_source source = {.records = region->records, .unit = unit, .roads = region->roads};
    enum status status = run_errand(&version, &errand, &source, scope);
    version_release(errand.from);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&region->lock);
    lane_publish(&region->inner, version, errand.committed, &old);
    pthread_mutex_unlock(&region->lock);
    version_release(old);
    return STATUS_OK;
}

/* The shared version, where it is exact; the inner one, where that is; NULL: read anew. */
static struct version *hold_for_unit(struct region *region) {
    pthread_mutex_lock(&region->lock);
    struct version *version = NULL;
    if (region->shared.current != NULL && !lane_is_marked(&region->shared)) {
        version = region->shared.current;
    } else if (region->inner.current != NULL && !lane_is_marked(&region->inner)) {
        version = region->inner.current;
    }
    if (version != NULL) {
        version_hold(version);
    }
    pthread_mutex_unlock(&region->lock);
    return version;
}

enum status region_hold_within(
    const struct region_snapshot **out, struct region *region, struct records_unit *unit, struct scope *scope) {
    struct version *version = hold_for_unit(region);
    if (version == NULL) {
        enum status status = refresh_inner(region, unit, scope);
        if (status != STATUS_OK) {
            return status;
        }
        pthread_mutex_lock(&region->lock);
        version = region->inner.current;
        bool was_reset = version == NULL; /* the shared lane became exact meanwhile */
        version = was_reset ? region->shared.current : version;
        version_hold(version);
        pthread_mutex_unlock(&region->lock);
    }
    *out = &version->snapshot;
    return STATUS_OK;
}

void region_release(const struct region_snapshot *snapshot) {
    version_release((struct version *)snapshot);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

void region_use_roads(struct region *region, const struct region_road_table *roads) {
    region->roads = roads;
}

enum status region_open(struct region **out, struct records *records, struct scope *scope) {
    struct region *region = calloc(1, sizeof *region);
    if (region == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the region");
    }
    region->records = records;
    pthread_mutex_init(&region->lock, NULL);
    pthread_mutex_init(&region->building, NULL);
    guard_register(region);
    *out = region;
    return STATUS_OK;
}

void region_close(struct region *region) {
    if (region == NULL) {
        return;
    }
    version_release(region->shared.current);
    version_release(region->inner.current);
    pthread_mutex_destroy(&region->lock);
    pthread_mutex_destroy(&region->building);
    free(region);
}

/* ---- small answers ---------------------------------------------------------------------------------------------- */

enum { DECLARED_NO_PERCENT = 5 }; /* assumption: what is left where a place says that it does not take a need now */

static int declared(
    const struct region_snapshot *snapshot, const struct region_place *place, int need, int64_t now_us, int percent) {
    if (region_notice_find(place, need, now_us) != NULL) {
        return percent < 0 || percent > DECLARED_NO_PERCENT ? DECLARED_NO_PERCENT : percent;
    }
    if ((place->declared_no >> need & 1) == 0) {
        return percent;
    }
    const struct region_count said = {.known = true, .said_us = place->declared_us[need]};
    bool stated = snapshot->board.ignored_after_min > 0;
    double trust = region_count_trust_under(stated ? &snapshot->board : &region_board_default, &said, now_us);
    int otherwise = percent < 0 ? 100 : percent;
    double least = otherwise < DECLARED_NO_PERCENT ? otherwise : DECLARED_NO_PERCENT;
    return trust <= 0 ? percent : (int)(trust * least + (1 - trust) * otherwise + .5);
}

int region_on_call(const struct region_snapshot *snapshot, const struct region_place *place, int need, int64_t now_us) {
    if (need < 0 || need >= REGION_NEEDS_MAX) {
        return -1;
    }
    if (place->on_call == NULL) {
        return declared(snapshot, place, need, now_us, -1);
    }
    const int64_t hour_us = INT64_C(3600000000), day_us = 24 * hour_us;
    int64_t local_us = now_us + snapshot->zone_minutes * INT64_C(60000000);
    int64_t day = local_us / day_us - (local_us % day_us < 0);
    int64_t hour = (local_us - day * day_us) / hour_us;
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday: 0 is Monday */
    const uint8_t *hours = weekday < 5 ? place->on_call : place->on_call_weekend;
    return declared(snapshot, place, need, now_us, hours[hour * REGION_NEEDS_MAX + need]);
}

static void release_held(void *held) {
    region_release(*(const struct region_snapshot **)held);
    *(const struct region_snapshot **)held = NULL;
}

enum status region_map_json(struct text *out, struct region *region, struct scope *scope) {
    const struct region_snapshot **held = arena_alloc(scope->arena, sizeof *held);
    arena_defer(scope->arena, release_held, held); /* before holding: what follows allocates and may leave */
    enum status status = region_hold(held, region, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct version *version = (const struct version *)*held;
    const struct version *structure = version->structure != NULL ? version->structure : version;
    const struct clock *clock = records_clock(region->records);
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, clock_now_us(clock));
    struct json_writer w = json_writer_open(scope->arena, 16 << 20);
    json_object_open(&w);
    json_member_string(&w, "time", now);
    json_member_decimal(&w, "speed", clock_speed(clock), 3);
    for (size_t i = 0; i < structure->map_count; i++) {
        json_name(&w, structure->map[i].name);
        json_raw(&w, structure->map[i].json);
    }
    json_object_close(&w);
    return json_finish(out, &w, scope);
}
