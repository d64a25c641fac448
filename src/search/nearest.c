#include "search/nearest.h"

#include <math.h>
#include <stdlib.h>

#include "search/kind.h"

enum { LOOK_ARENA_BYTES = 256 * 1024 * 1024, POSITION_SIZE = 4 };

enum status nearest_points_read(
    struct nearest *out, struct planner *planner, const struct parameter *parameter, const struct search_pair *pair) {
    struct criterion criterion = {.name = pair->name, .parameter = parameter};
    size_t most = 1;
    for (size_t i = 0; i < pair->value.size; i++) {
        most += pair->value.at[i] == ',' ? 1 : 0;
    }
    out->points = ARENA_ARRAY(planner->scope->arena, struct near_point, most);
    enum status status = STATUS_OK;
    for (struct text rest = pair->value; rest.at != NULL && status == STATUS_OK;) {
        criterion.value = value_cut(&rest, ',');
        status = near_point_read(&out->points[out->point_count++], planner, &criterion);
    }
    return status;
}

/* ---- distances ------------------------------------------------------------------------------------------------------ */

struct placed {
    double km;    /* negative where the farthest come first; without a position: greater than all */
    size_t order; /* among the store's */
};

static double distance_km(const struct nearest *nearest, const yyjson_val *resource) {
    const yyjson_val *position = json_get(resource, "position");
    struct near_point point;
    double least = INFINITY;
    if (!json_get_double(&point.latitude, position, "latitude") ||
        !json_get_double(&point.longitude, position, "longitude")) {
        return least;
    }
    for (size_t i = 0; i < nearest->point_count; i++) {
        least = fmin(least, near_distance_km(&nearest->points[i], &point));
    }
    return round(least * 10000) / 10000; /* what differs by less than a decimetre is as far: the next key decides */
}

struct look {
    const struct nearest *nearest;
    struct store_view *view;
    const struct store_resource *resource;
    double km;
};

static enum status look_inside(void *context, struct scope *scope) {
    struct look *look = context;
    struct store_resource stored;
    yyjson_doc *doc = NULL;
    enum status status =
        store_view_get(&stored, look->view, look->resource->type, look->resource->id, STORE_WANT_BODY, scope);
    if (status == STATUS_OK) {
        status = json_read(&doc, stored.body, scope);
    }
    if (status == STATUS_OK) {
        double km = distance_km(look->nearest, yyjson_doc_get_root(doc));
        look->km = look->nearest->descending && isfinite(km) ? -km : km;
    }
    return status;
}

static void close_arena(void *arena) {
    arena_close(arena);
}

/* One whose body cannot be read stands last, as one without a position. */
static enum status place(struct placed *out, const struct nearest *nearest, const struct store_page *all,
    struct store_view *view, struct scope *scope) {
    struct arena *arena = arena_open(LOOK_ARENA_BYTES);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to sort by distance");
    }
    arena_defer(scope->arena, close_arena, arena);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < all->count && status == STATUS_OK; i++) {
        struct look look = {.nearest = nearest, .view = view, .resource = &all->at[i], .km = INFINITY};
        struct scope trial;
        if (scope_run(&trial, arena, look_inside, &look) != STATUS_OK) {
            look.km = INFINITY;
        }
        arena_reset(arena);
        out[i] = (struct placed){look.km, i};
        status = scope_check_deadline(scope);
    }
    return status;
}

static int compare_placed(const void *a, const void *b) {
    const struct placed *one = a, *other = b;
    if (one->km != other->km) {
        return one->km < other->km ? -1 : 1;
    }
    return one->order < other->order ? -1 : one->order > other->order ? 1 : 0;
}

/* ---- pages ---------------------------------------------------------------------------------------------------------- */

static size_t position_read(struct text position) {
    size_t number = 0;
    for (size_t i = 0; i < position.size; i++) {
        number = number << 8 | (uint8_t)position.at[i];
    }
    return number;
}

static struct text position_write(size_t number, struct arena *arena) {
    char *bytes = arena_alloc(arena, POSITION_SIZE);
    for (int i = 0; i < POSITION_SIZE; i++) {
        bytes[i] = (char)(uint8_t)(number >> (8 * (POSITION_SIZE - 1 - i)));
    }
    return (struct text){bytes, POSITION_SIZE};
}

static enum status all_matches(
    struct store_page *out, const struct store_query *select, struct store_view *view, struct scope *scope) {
    struct store_query all = *select;
    all.after = (struct text){NULL, 0};
    all.limit = NEAREST_MAX;
    all.want = STORE_WANT_IDENTITY;
    enum status status = store_view_select(out, view, &all, scope);
    return status == STATUS_OK && out->next.at != NULL
               ? fault(scope, STATUS_TOO_COSTLY, "", "_sort: more than %d matches to measure distances of", NEAREST_MAX)
               : status;
}

enum status nearest_select(struct store_page *out, const struct search_query *query, const struct store_query *select,
    struct store_view *view, struct scope *scope) {
    struct store_page all = {0};
    enum status status = all_matches(&all, select, view, scope);
    struct placed *placed = ARENA_ARRAY(scope->arena, struct placed, all.count + 1);
    if (status == STATUS_OK) {
        status = place(placed, &query->nearest, &all, view, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    qsort(placed, all.count, sizeof *placed, compare_placed);
    size_t at = position_read(select->after), end = at + select->limit;
    *out = (struct store_page){.at = ARENA_ARRAY(scope->arena, struct store_resource, select->limit + 1)};
    for (; at < all.count && at < end && status == STATUS_OK; at++) {
        const struct store_resource *match = &all.at[placed[at].order];
        struct scope trial = {.arena = scope->arena, .deadline_us = scope->deadline_us};
        status = store_view_get(&out->at[out->count], view, match->type, match->id, select->want, &trial);
        out->count += status == STATUS_OK ? 1 : 0;
        status = status == STATUS_FAILED ? STATUS_OK : status; /* one bad body never fails a page */
        fault_carry(scope, status == STATUS_OK ? &(struct fault){0} : &trial.fault);
    }
    if (at < all.count) {
        out->next = position_write(at, scope->arena);
    }
    return status;
}
