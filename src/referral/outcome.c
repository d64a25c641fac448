#include "referral/outcome.h"

/* Codes of http://terminology.hl7.org/CodeSystem/discharge-disposition; a code that is not here says nothing. The disposition model
 * foresees admission, transfer and death; the admission model admission alone. */
static const struct {
    const char *code;
    enum outcome disposition, admission;
} dispositions[] = {
    {"home", OUTCOME_NO, OUTCOME_NO},
    {"alt-home", OUTCOME_NO, OUTCOME_NO},
    {"aadvice", OUTCOME_NO, OUTCOME_NO},
    {"other-hcf", OUTCOME_YES, OUTCOME_NOT_TOLD},
    {"hosp", OUTCOME_YES, OUTCOME_NOT_TOLD}, /* hospice */
    {"long", OUTCOME_YES, OUTCOME_NOT_TOLD},
    {"psy", OUTCOME_YES, OUTCOME_NOT_TOLD},
    {"rehab", OUTCOME_YES, OUTCOME_NOT_TOLD},
    {"snf", OUTCOME_YES, OUTCOME_NOT_TOLD},
    {"exp", OUTCOME_YES, OUTCOME_NOT_TOLD},
};

static bool is_stay(const yyjson_val *coding) {
    struct text code = json_get_text(coding, "code");
    return text_is(code, "IMP") || text_is(code, "ACUTE") || text_is(code, "NONAC");
}

static bool was_admitted(const yyjson_val *encounter) {
    size_t i, count;
    yyjson_val *entry;
    bool stay = is_stay(json_get(encounter, "class"));
    yyjson_arr_foreach(json_get(encounter, "classHistory"), i, count, entry) {
        stay = stay || is_stay(json_get(entry, "class"));
    }
    return stay;
}

static bool is_finished(const yyjson_val *encounter) {
    return text_is(json_get_text(encounter, "status"), "finished");
}

/* Of one that was no stay. */
static enum outcome discharge_of(const yyjson_val *encounter, bool disposition) {
    const yyjson_val *told = json_get(json_get(encounter, "hospitalization"), "dischargeDisposition");
    size_t i, count;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(told, "coding"), i, count, coding) {
        for (size_t k = 0; k < sizeof dispositions / sizeof *dispositions; k++) {
            if (text_is(json_get_text(coding, "code"), dispositions[k].code)) {
                return disposition ? dispositions[k].disposition : dispositions[k].admission;
            }
        }
    }
    return OUTCOME_NOT_TOLD;
}

/* ---- intensive care ----------------------------------------------------------------------------------------------------- */

enum outcome_unit outcome_unit_of(const yyjson_val *concept) {
    size_t i, count;
    yyjson_val *coding;
    enum outcome_unit unit = OUTCOME_UNIT_UNKNOWN;
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        struct text code = json_get_text(coding, "code");
        if (!text_is(json_get_text(coding, "system"), "http://terminology.hl7.org/CodeSystem/v3-RoleCode")) {
            continue;
        }
        if (text_is(code, "ICU") || text_is(code, "PEDICU") || text_is(code, "PEDNICU")) {
            return OUTCOME_UNIT_INTENSIVE;
        }
        /* "Hospital" and "hospital unit" may hold one: they say nothing. */
        unit = text_is(code, "HOSP") || text_is(code, "HU") ? unit : OUTCOME_UNIT_OTHER;
    }
    return unit;
}

struct text outcome_location(const yyjson_val *entry) {
    struct text reference = json_get_text(json_get(entry, "location"), "reference");
    return text_starts(reference, "Location/") ? (struct text){reference.at + 9, reference.size - 9} : (struct text){0};
}

static enum outcome_unit unit_of_entry(const yyjson_val *entry, const struct outcome_places *places) {
    enum outcome_unit unit = outcome_unit_of(json_get(entry, "physicalType"));
    struct text id = outcome_location(entry);
    for (size_t i = 0; i < places->count && unit != OUTCOME_UNIT_INTENSIVE; i++) {
        if (text_equal(places->at[i].id, id) && places->at[i].unit != OUTCOME_UNIT_UNKNOWN) {
            unit = places->at[i].unit;
        }
    }
    return unit;
}

static enum outcome intensive_care_of(const yyjson_val *encounter, const struct outcome_places *places) {
    size_t i, count, known = 0;
    yyjson_val *entry, *list = json_get(encounter, "location");
    yyjson_arr_foreach(list, i, count, entry) {
        enum outcome_unit unit = unit_of_entry(entry, places);
        if (unit == OUTCOME_UNIT_INTENSIVE) {
            return OUTCOME_YES;
        }
        known += unit == OUTCOME_UNIT_OTHER;
    }
    if (!is_finished(encounter)) {
        return OUTCOME_NOT_TOLD;
    }
    if (!was_admitted(encounter)) {
        return discharge_of(encounter, true) == OUTCOME_NO ? OUTCOME_NO : OUTCOME_NOT_TOLD;
    }
    return known > 0 && known == yyjson_arr_size(list) ? OUTCOME_NO : OUTCOME_NOT_TOLD;
}

enum outcome outcome_of(const yyjson_val *encounter, const struct outcome_places *places, struct text forecast) {
    bool disposition = text_is(forecast, "disposition");
    if (text_is(forecast, "intensive-care")) {
        return intensive_care_of(encounter, places);
    }
    if (!disposition && !text_is(forecast, "admission")) {
        return OUTCOME_NOT_TOLD;
    }
    if (was_admitted(encounter)) {
        return OUTCOME_YES;
    }
    return is_finished(encounter) ? discharge_of(encounter, disposition) : OUTCOME_NOT_TOLD;
}

int outcome_priority(const yyjson_val *encounter) {
    size_t i, count;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(json_get(encounter, "priority"), "coding"), i, count, coding) {
        int64_t level = 0;
        if (text_is(json_get_text(coding, "system"), TRIAGE_LEVEL_SYSTEM) &&
            text_to_int64(&level, json_get_text(coding, "code")) && level >= 1 && level <= 5) {
            return (int)level;
        }
    }
    return 0;
}
