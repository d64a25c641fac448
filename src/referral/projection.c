/* The part of a snapshot that a case looks at, between struct and JSON: relevant needs, their beds, and of each place position,
 * tier, limits, counts and who is there at that moment. Health posts that serve none of the needs are left out. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "referral/decision.h"
#include "referral/rank.h"

enum { HOURS = 24 };

static void write_code(struct json_writer *w, const struct region_code *code) {
    json_object_open(w);
    json_member_text(w, "code", code->code);
    json_member_text(w, "system", code->system);
    json_member_text(w, "ko", code->name_ko);
    json_member_text(w, "en", code->name_en);
    json_object_close(w);
}

/* Which needs, beds and departments of the snapshot go along, as bits. */
struct relevance {
    uint64_t needs, beds;
    const uint64_t *departments;
};

static struct relevance relevance_of(const struct referral_case *patient, const struct region_snapshot *snapshot) {
    struct rank rank;
    rank_prepare(&rank, snapshot, patient);
    struct relevance out = {.needs = patient->needs, .departments = patient->departments};
    for (size_t i = 0; i < rank.need_count; i++) {
        if (rank.needs[i].stabilise >= 0) {
            out.needs |= UINT64_C(1) << rank.needs[i].stabilise;
        }
        for (int b = 0; b < rank.needs[i].bed_count; b++) {
            out.beds |= UINT64_C(1) << rank.needs[i].beds[b];
        }
    }
    if (rank.stabilise >= 0) {
        out.needs |= UINT64_C(1) << rank.stabilise;
    }
    int children = region_bed_find(snapshot, TEXT("hv28")), general = region_bed_find(snapshot, TEXT("hvec"));
    out.beds |= (children >= 0 ? UINT64_C(1) << children : 0) | (general >= 0 ? UINT64_C(1) << general : 0);
    return out;
}

/* What is as it is by default is left out: seventy places go into every decision. */
static void write_truth(struct json_writer *w, const char *name, bool value) {
    if (value) {
        json_member_bool(w, name, value);
    }
}

static void write_number(struct json_writer *w, const char *name, int value, int by_default) {
    if (value != by_default) {
        json_member_int(w, name, value);
    }
}

static void write_place_needs(struct json_writer *w, const struct region_place *place, const struct relevance *relevant,
    const struct region_snapshot *snapshot, int64_t now_us) {
    json_name(w, "needs");
    json_array_open(w);
    int index = 0;
    for (uint64_t left = relevant->needs; left != 0; left &= left - 1, index++) {
        int need = __builtin_ctzll(left);
        if ((place->needs >> need & 1) == 0) {
            continue;
        }
        json_object_open(w);
        json_member_int(w, "n", index);
        write_truth(w, "sourced", (place->needs_sourced >> need & 1) != 0);
        write_number(w, "from", place->age_min_months[need], 0);
        write_number(w, "to", place->age_max_months[need], INT_MAX);
        write_number(w, "on_call", region_on_call(snapshot, place, need, now_us), -1);
        write_number(w, "call_in", place->call_in_minutes[need], 0);
        int64_t theatre_us = region_theatre_until(place, need, now_us);
        if (theatre_us != INT64_MIN) {
            json_member_int(w, "theatre_until_us", theatre_us);
        }
        const struct region_notice *notice = region_notice_find(place, need, now_us);
        if (notice != NULL) {
            json_member_int(w, "notice_from_us", notice->from_us);
            json_member_int(w, "notice_until_us", notice->until_us);
        }
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_place_beds(
    struct json_writer *w, const struct region_place *place, const struct relevance *relevant) {
    const struct region_count *before = NULL;
    json_name(w, "beds");
    json_array_open(w);
    int index = 0;
    for (uint64_t left = relevant->beds; left != 0; left &= left - 1, index++) {
        const struct region_count *count = &place->beds[__builtin_ctzll(left)];
        if (!count->known) {
            continue;
        }
        json_object_open(w);
        json_member_int(w, "b", index);
        json_member_int(w, "free", count->free);
        json_member_int(w, "total", count->total);
        if (before == NULL || before->said_us != count->said_us || !text_equal(before->author, count->author)) {
            json_member_int(w, "said_us", count->said_us); /* of this row and of those behind it */
            json_member_text(w, "author", count->author);
        }
        json_object_close(w);
        before = count;
    }
    json_array_close(w);
}

/* A place that serves nothing of what is looked for is excluded for that alone, and is no first of two legs either: the rest of it changes
 * nothing. */
static bool is_beside_the_point(
    const struct region_place *place, const struct relevance *relevant, const struct referral_case *patient) {
    return patient->needs != 0 && (place->needs & relevant->needs) == 0;
}

/* What the roads say of this place: minutes from the case's origin, and on from here to each place that could end a plan of two legs. A graph
 * may be replaced; a decision is replayed with what it was made from. */
static void write_roads(struct json_writer *w, const struct region_place *place, const struct relevance *relevant,
    const struct region_snapshot *snapshot, const struct referral_case *patient) {
    struct region_travel travel;
    int index = (int)(place - snapshot->places);
    if (snapshot->roads == NULL) {
        return;
    }
    region_travel_from(&travel, snapshot, patient->origin, index);
    if (!travel.estimated) {
        json_member_decimal(w, "road", travel.minutes, 3);
    }
    json_name(w, "road_to");
    json_object_open(w);
    for (size_t i = 0; i < snapshot->place_count && patient->needs != 0 && patient->level <= 2; i++) {
        const struct region_place *to = &snapshot->places[i];
        if ((int)i != index && !to->post && (to->needs & relevant->needs) != 0) {
            region_travel_between(&travel, snapshot, index, (int)i);
            if (!travel.estimated) {
                json_name_text(w, to->id);
                json_decimal(w, travel.minutes, 1);
            }
        }
    }
    json_object_close(w);
}

static void write_place(struct json_writer *w, const struct region_place *place, const struct relevance *relevant,
    const struct region_snapshot *snapshot, const struct referral_case *patient) {
    json_object_open(w);
    json_member_text(w, "id", place->id);
    json_member_text(w, "ko", place->name_ko);
    json_member_text(w, "en", place->name_en);
    write_truth(w, "post", place->post);
    write_truth(w, "closed", place->closed);
    write_truth(w, "neighbour", place->neighbour);
    write_truth(w, "control_room", place->control_room);
    if (isfinite(place->point.latitude) && isfinite(place->point.longitude)) {
        json_member_decimal(w, "latitude", place->point.latitude, 7);
        json_member_decimal(w, "longitude", place->point.longitude, 7);
    }
    if (!is_beside_the_point(place, relevant, patient)) {
        json_member_int(w, "tier", place->tier);
        json_member_decimal(w, "answer", place->answer_minutes, 6);
        json_member_decimal(w, "night_factor", place->answer_night_factor, 6);
        write_place_needs(w, place, relevant, snapshot, patient->now_us);
        write_place_beds(w, place, relevant);
        write_roads(w, place, relevant, snapshot, patient);
    }
    json_object_close(w);
}

static void write_codes(
    struct json_writer *w, const char *name, const struct region_code *codes, size_t count, const uint64_t *bits) {
    json_name(w, name);
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        if ((bits[i / 64] >> (i % 64) & 1) != 0) {
            write_code(w, &codes[i]);
        }
    }
    json_array_close(w);
}

void projection_write(
    struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot) {
    struct relevance relevant = relevance_of(patient, snapshot);
    json_object_open(w);
    json_member_text(w, "id", snapshot->id);
    json_member_int(w, "zone_minutes", snapshot->zone_minutes);
    json_member_decimal(w, "fades_from_min", snapshot->board.fades_from_min, 3);
    json_member_decimal(w, "ignored_after_min", snapshot->board.ignored_after_min, 3);
    json_name(w, "travel");
    json_object_open(w);
    json_member_decimal(w, "base_min", snapshot->travel.base_min, 6);
    json_member_decimal(w, "detour", snapshot->travel.detour, 6);
    json_member_decimal(w, "near_km", snapshot->travel.near_km, 6);
    json_member_decimal(w, "near_kmh", snapshot->travel.near_kmh, 6);
    json_member_decimal(w, "far_kmh", snapshot->travel.far_kmh, 6);
    json_object_close(w);
    write_codes(w, "needs", snapshot->needs, snapshot->need_count, &relevant.needs);
    write_codes(w, "beds", snapshot->beds, snapshot->bed_count, &relevant.beds);
    write_codes(w, "departments", snapshot->departments, snapshot->department_count, relevant.departments);
    json_name(w, "places");
    json_array_open(w);
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct region_place *place = &snapshot->places[i];
        bool named = (int)i == patient->origin_place || (int)i == patient->known_place;
        if (!place->post || named || (patient->needs != 0 && (patient->needs & ~place->needs) == 0)) {
            write_place(w, place, &relevant, snapshot, patient);
        }
    }
    json_array_close(w);
    json_object_close(w);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static int integer_or(const yyjson_val *json, const char *name, int otherwise) {
    int64_t value = 0;
    return json_get_int64(&value, json, name) && value >= INT_MIN && value <= INT_MAX ? (int)value : otherwise;
}

static int integer_of(const yyjson_val *json, const char *name) {
    return integer_or(json, name, 0);
}

static double decimal_of(const yyjson_val *json, const char *name, double otherwise) {
    double value = 0;
    return json_get_double(&value, json, name) ? value : otherwise;
}

static bool truth_of(const yyjson_val *json, const char *name) {
    bool value = false;
    return json_get_bool(&value, json, name) && value;
}

static size_t read_codes(struct region_code *out, size_t capacity, const yyjson_val *array) {
    size_t found = 0, index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)array, index, count, item) {
        if (found < capacity) {
            out[found++] = (struct region_code){json_get_text(item, "code"), json_get_text(item, "system"),
                json_get_text(item, "ko"), json_get_text(item, "en")};
        }
    }
    return found;
}

/* Nobody who is on call for this need was free: as one person who is in theatre until then. */
static void read_theatre(struct region_place *out, const yyjson_val *item, int need, struct arena *arena) {
    int64_t until_us = 0;
    if (!json_get_int64(&until_us, item, "theatre_until_us")) {
        return;
    }
    struct region_duty *duties = ARENA_ARRAY(arena, struct region_duty, out->duty_count + 1);
    for (size_t i = 0; i < out->duty_count; i++) {
        duties[i] = out->duties[i];
    }
    duties[out->duty_count++] = (struct region_duty){
        .needs = UINT64_C(1) << need, .from_us = INT64_MIN, .to_us = INT64_MAX, .theatre_until_us = until_us};
    out->duties = duties;
}

static void read_notice(struct region_place *out, const yyjson_val *item, int need, struct arena *arena) {
    struct region_notice notice = {.need = need};
    if (!json_get_int64(&notice.from_us, item, "notice_from_us") ||
        !json_get_int64(&notice.until_us, item, "notice_until_us")) {
        return;
    }
    struct region_notice *notices = ARENA_ARRAY(arena, struct region_notice, out->notice_count + 1);
    for (size_t i = 0; i < out->notice_count; i++) {
        notices[i] = out->notices[i];
    }
    notices[out->notice_count++] = notice;
    out->notices = notices;
}

static void read_place_needs(struct region_place *out, const yyjson_val *json, struct arena *arena) {
    uint8_t *on_call = NULL;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(json, "needs"), index, count, item) {
        int need = integer_of(item, "n"), percent = integer_or(item, "on_call", -1);
        if (need < 0 || need >= REGION_NEEDS_MAX) {
            continue;
        }
        out->needs |= UINT64_C(1) << need;
        out->needs_sourced |= (uint64_t)truth_of(item, "sourced") << need;
        out->age_min_months[need] = integer_of(item, "from");
        out->age_max_months[need] = integer_or(item, "to", INT_MAX);
        out->call_in_minutes[need] = (uint8_t)integer_of(item, "call_in");
        read_theatre(out, item, need, arena);
        read_notice(out, item, need, arena);
        if (percent >= 0 && on_call == NULL) {
            on_call = ARENA_ARRAY(arena, uint8_t, HOURS * REGION_NEEDS_MAX);
            memset(on_call, 100, HOURS * REGION_NEEDS_MAX);
        }
        for (size_t hour = 0; hour < HOURS && percent >= 0; hour++) {
            on_call[hour * REGION_NEEDS_MAX + (size_t)need] = (uint8_t)percent;
        }
    }
    out->on_call = on_call;
    out->on_call_weekend = on_call;
}

static void read_place_beds(struct region_place *out, const yyjson_val *json) {
    struct region_count said = {0};
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(json, "beds"), index, count, item) {
        int bed = integer_of(item, "b");
        if (json_get_int64(&said.said_us, item, "said_us")) {
            said.author = json_get_text(item, "author");
        }
        if (bed >= 0 && bed < REGION_BEDS_MAX) {
            out->beds[bed] = (struct region_count){.known = true,
                .free = integer_of(item, "free"),
                .total = integer_of(item, "total"),
                .said_us = said.said_us,
                .author = said.author};
        }
    }
}

/* `out` is all zeros: it is large. */
static void read_place(struct region_place *out, const yyjson_val *json, struct arena *arena) {
    out->id = json_get_text(json, "id");
    out->name_ko = json_get_text(json, "ko");
    out->name_en = json_get_text(json, "en");
    out->tier = (enum region_tier)integer_of(json, "tier");
    out->point = (struct region_point){decimal_of(json, "latitude", NAN), decimal_of(json, "longitude", NAN)};
    out->post = truth_of(json, "post");
    out->closed = truth_of(json, "closed");
    out->neighbour = truth_of(json, "neighbour");
    out->control_room = truth_of(json, "control_room");
    out->answer_minutes = decimal_of(json, "answer", 0);
    out->answer_night_factor = decimal_of(json, "night_factor", 1);
    read_place_needs(out, json, arena);
    read_place_beds(out, json);
}

/* After all places: what a place says of the roads names others. */
static void read_roads(
    struct region_place *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct arena *arena) {
    const yyjson_val *road_to = json_get(json, "road_to");
    if (road_to == NULL) {
        return;
    }
    float *minutes = ARENA_ARRAY(arena, float, snapshot->place_count);
    for (size_t i = 0; i < snapshot->place_count; i++) {
        minutes[i] = NAN;
    }
    size_t index, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)road_to, index, count, name, value) {
        int place = region_place_find(snapshot, json_text(name));
        double known;
        if (place >= 0 && text_to_double(&known, json_number_text(value))) {
            minutes[place] = (float)known;
        }
    }
    out->road_min = decimal_of(json, "road", 0);
    out->road_to = minutes;
}

static bool is_time(int64_t at_us) {
    return at_us > -DECISION_TIME_MOST_US && at_us < DECISION_TIME_MOST_US;
}

static bool place_is_sound(const struct region_place *place) {
    bool sound = place->tier >= REGION_TIER_NONE && place->tier <= REGION_TIER_REGIONAL_CENTRE;
    for (size_t i = 0; i < REGION_BEDS_MAX; i++) {
        sound = sound && is_time(place->beds[i].said_us);
    }
    for (size_t i = 0; i < place->duty_count; i++) {
        sound = sound && is_time(place->duties[i].theatre_until_us);
    }
    for (size_t i = 0; i < place->notice_count; i++) {
        sound = sound && is_time(place->notices[i].from_us) && is_time(place->notices[i].until_us);
    }
    return sound;
}

/* A stored decision is text that somebody may have written: what would lead out of a table or of a clock is none. */
static enum status check_sound(const struct region_snapshot *snapshot, struct scope *scope) {
    bool sound = snapshot->travel.near_kmh > 0 && snapshot->travel.far_kmh > 0 && snapshot->zone_minutes > -1440 &&
                 snapshot->zone_minutes < 1440;
    for (size_t i = 0; i < snapshot->place_count && sound; i++) {
        sound = place_is_sound(&snapshot->places[i]);
    }
    return sound ? STATUS_OK : fault(scope, STATUS_INVALID, "region", "no region is as the decision's inputs say");
}

enum status projection_read(struct region_snapshot **out, const yyjson_val *json, struct scope *scope) {
    struct region_snapshot *snapshot = ARENA_NEW(scope->arena, struct region_snapshot);
    const yyjson_val *travel = json_get(json, "travel"), *places = json_get(json, "places");
    if (travel == NULL || places == NULL) {
        return fault(scope, STATUS_INVALID, "region", "the decision's inputs hold no region");
    }
    snapshot->id = json_get_text(json, "id");
    snapshot->zone_minutes = integer_of(json, "zone_minutes");
    snapshot->control_room = -1;
    snapshot->board.fades_from_min = decimal_of(json, "fades_from_min", 0);
    snapshot->board.ignored_after_min = decimal_of(json, "ignored_after_min", 0);
    snapshot->travel.base_min = decimal_of(travel, "base_min", 0);
    snapshot->travel.detour = decimal_of(travel, "detour", 1);
    snapshot->travel.near_km = decimal_of(travel, "near_km", 0);
    snapshot->travel.near_kmh = decimal_of(travel, "near_kmh", 1);
    snapshot->travel.far_kmh = decimal_of(travel, "far_kmh", 1);
    snapshot->need_count = read_codes(snapshot->needs, REGION_NEEDS_MAX, json_get(json, "needs"));
    snapshot->bed_count = read_codes(snapshot->beds, REGION_BEDS_MAX, json_get(json, "beds"));
    snapshot->department_count =
        read_codes(snapshot->departments, REGION_DEPARTMENTS_MAX, json_get(json, "departments"));
    struct region_place *rows = ARENA_ARRAY(scope->arena, struct region_place, json_count(places) + 1);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)places, index, count, item) {
        read_place(&rows[index], item, scope->arena);
    }
    snapshot->places = rows;
    snapshot->place_count = count;
    yyjson_arr_foreach((yyjson_val *)places, index, count, item) {
        read_roads(&rows[index], item, snapshot, scope->arena);
    }
    *out = snapshot;
    return check_sound(snapshot, scope);
}
