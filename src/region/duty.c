#include "region/duty.h"

#include <string.h>

#include "fhir/fhir.h"
#include "region/naming.h"

bool duty_is_on_call(const yyjson_val *role) {
    size_t index, max;
    yyjson_val *code;
    yyjson_arr_foreach(json_get(role, "code"), index, max, code) {
        if (text_is(concept_code(code, SYSTEM_DUTY), DUTY_ON_CALL)) {
            return true;
        }
    }
    return false;
}

static uint64_t needs_of(const struct region_snapshot *snapshot, const yyjson_val *role) {
    uint64_t needs = 0;
    size_t index, max;
    yyjson_val *concept;
    yyjson_arr_foreach(json_get(role, "specialty"), index, max, concept) {
        struct text code = concept_code(concept, SYSTEM_CONDITION);
        int need = region_need_find(snapshot, code.size > 0 ? code : concept_code(concept, SYSTEM_NEED));
        needs |= need >= 0 ? UINT64_C(1) << need : 0;
    }
    return needs;
}

void duty_keep(struct region_place *place, const struct region_snapshot *snapshot, const yyjson_val *role,
    const yyjson_val *person, struct arena *arena) {
    bool active = true;
    (void)json_get_bool(&active, role, "active");
    struct region_duty duty = {.needs = needs_of(snapshot, role), .theatre_until_us = INT64_MIN};
    const yyjson_val *period = json_get(role, "period");
    struct fhir_interval during = {INT64_MIN, INT64_MAX};
    if (!active || duty.needs == 0 ||
        (period != NULL && !fhir_interval_of_period(&during, period, snapshot->zone_minutes))) {
        return;
    }
    duty.from_us = during.start_us;
    duty.to_us = during.end_us;
    int64_t until_us = 0;
    const yyjson_val *theatre = find_extension(person, EXTENSION_THEATRE);
    if (time_parse(&until_us, json_get_text(find_extension(theatre, "until"), "valueInstant"))) {
        duty.theatre_until_us = until_us;
    }
    size_t count = place->duty_count;
    struct region_duty *duties = (struct region_duty *)place->duties;
    if ((count & (count - 1)) == 0) { /* full: 0, 1, 2, 4, 8 ... */
        duties = ARENA_ARRAY(arena, struct region_duty, count == 0 ? 1 : 2 * count);
        if (count > 0) {
            memcpy(duties, place->duties, count * sizeof *duties);
        }
    }
    duties[count] = duty;
    place->duties = duties;
    place->duty_count = count + 1;
}

void duty_copy(struct region_place *place, struct arena *arena) {
    if (place->duty_count == 0) {
        return;
    }
    struct region_duty *duties = ARENA_ARRAY(arena, struct region_duty, place->duty_count);
    memcpy(duties, place->duties, place->duty_count * sizeof *duties);
    place->duties = duties;
}

int64_t region_theatre_until(const struct region_place *place, int need, int64_t now_us) {
    int64_t first_us = INT64_MIN;
    if (need < 0 || need >= REGION_NEEDS_MAX) {
        return INT64_MIN;
    }
    for (size_t i = 0; i < place->duty_count; i++) {
        const struct region_duty *duty = &place->duties[i];
        if ((duty->needs >> need & 1) == 0 || now_us < duty->from_us || now_us > duty->to_us) {
            continue;
        }
        if (duty->theatre_until_us <= now_us) {
            return INT64_MIN; /* somebody is free */
        }
        first_us = first_us == INT64_MIN || duty->theatre_until_us < first_us ? duty->theatre_until_us : first_us;
    }
    return first_us;
}
