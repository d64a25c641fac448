/* What came of the visits that a model forecast: stored RiskAssessments beside the Encounters they speak of. */
#include <string.h>

#include "referral/service.h"

enum { ENCOUNTERS_AT_ONCE = 100 };

/* Codes of http://terminology.hl7.org/CodeSystem/discharge-disposition; a code that is not here, or NOT_TOLD, says nothing. The
 * disposition model foresees admission, transfer and death; the admission model admission alone. */
enum answer { NOT_TOLD, NO, YES };
static const struct {
    const char *code;
    enum answer disposition, admission;
} dispositions[] = {
    {"home", NO, NO},
    {"alt-home", NO, NO},
    {"aadvice", NO, NO},
    {"other-hcf", YES, NOT_TOLD},
    {"hosp", YES, NOT_TOLD}, /* hospice */
    {"long", YES, NOT_TOLD},
    {"psy", YES, NOT_TOLD},
    {"rehab", YES, NOT_TOLD},
    {"snf", YES, NOT_TOLD},
    {"exp", YES, NOT_TOLD},
};

/* A stay: the classes IMP, ACUTE and NONAC of v3-ActCode. */
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

static enum answer answer_of(const yyjson_val *encounter, struct text forecast) {
    bool disposition = text_is(forecast, "disposition"), admission = text_is(forecast, "admission");
    if (!disposition && !admission) {
        return NOT_TOLD; /* intensive care stands in no Encounter */
    }
    if (was_admitted(encounter)) {
        return YES;
    }
    if (!text_is(json_get_text(encounter, "status"), "finished")) {
        return NOT_TOLD;
    }
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
    return NOT_TOLD;
}

/* One visit's last reading. */
struct read_visit {
    struct text encounter; /* id */
    const yyjson_val *forecasts;
};

static const yyjson_val *forecasts_of(const yyjson_val *assessment, struct scope *scope) {
    size_t i, count;
    yyjson_val *extension;
    yyjson_arr_foreach(json_get(assessment, "extension"), i, count, extension) {
        yyjson_doc *reading = NULL;
        if (!text_is(json_get_text(extension, "url"), TRIAGE_BASE "/StructureDefinition/triage-reading")) {
            continue;
        }
        struct fault kept = scope->fault;
        struct text written = json_get_text(extension, "valueString");
        if (json_read(&reading, written, scope) == STATUS_OK) {
            return json_get(yyjson_doc_get_root(reading), "forecasts");
        }
        scope->fault = kept;
    }
    return NULL;
}

static struct text encounter_of(const yyjson_val *assessment) {
    struct text reference = json_get_text(json_get(assessment, "encounter"), "reference");
    return text_starts(reference, "Encounter/") ? (struct text){reference.at + 10, reference.size - 10}
                                                : (struct text){0};
}

/* Newest first; of one visit the last reading counts. */
static size_t visits_take(
    struct read_visit *out, const yyjson_val *const *assessments, size_t count, struct scope *scope) {
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        struct read_visit visit = {encounter_of(assessments[i]), NULL};
        bool known = visit.encounter.size == 0;
        for (size_t k = 0; k < taken && !known; k++) {
            known = text_equal(out[k].encounter, visit.encounter);
        }
        if (!known) {
            visit.forecasts = forecasts_of(assessments[i], scope);
        }
        if (visit.forecasts != NULL) {
            out[taken++] = visit;
        }
    }
    return taken;
}

static void visit_follow(
    struct triage_followed *out, size_t *count, const struct read_visit *visit, const yyjson_val *encounter) {
    size_t i, forecast_count;
    yyjson_val *forecast;
    yyjson_arr_foreach((yyjson_val *)visit->forecasts, i, forecast_count, forecast) {
        struct triage_followed row = {.site = json_get_text(json_get(encounter, "serviceProvider"), "reference"),
            .output = json_get_text(forecast, "code"),
            .model = json_get_text(forecast, "model")};
        enum answer answer = answer_of(encounter, row.output);
        (void)json_get_bool(&row.calibrated, forecast, "calibrated");
        if (answer == NOT_TOLD || !json_get_double(&row.probability, forecast, "probability")) {
            continue;
        }
        row.happened = answer == YES;
        out[(*count)++] = row;
    }
}

/* The encounters of some visits, and what they say of their forecasts. */
static enum status visits_follow(struct triage_followed *out, size_t *count, struct referral *referral,
    const struct records_caller *caller, const struct read_visit *visits, size_t visit_count, struct scope *scope) {
    struct buffer ids = buffer_open(scope->arena, ENCOUNTERS_AT_ONCE * 66);
    const yyjson_val **encounters = NULL;
    size_t found = 0;
    for (size_t i = 0; i < visit_count; i++) {
        buffer_put_format(&ids, "%s%.*s", i > 0 ? "," : "", (int)visits[i].encounter.size, visits[i].encounter.at);
    }
    const struct search_pair pair = {TEXT("_id"), buffer_text(&ids)};
    enum status status = records_find(&encounters, &found, referral->records, caller, fhir_type_find(TEXT("Encounter")),
        &pair, 1, ENCOUNTERS_AT_ONCE, scope);
    for (size_t i = 0; i < found && status == STATUS_OK; i++) {
        for (size_t k = 0; k < visit_count; k++) {
            if (text_equal(json_get_text(encounters[i], "id"), visits[k].encounter)) {
                visit_follow(out, count, &visits[k], encounters[i]);
            }
        }
    }
    return status;
}

enum status referral_outcomes(struct triage_followed **out, size_t *count, struct referral *referral,
    const struct records_caller *caller, size_t readings_max, struct scope *scope) {
    const struct search_pair pairs[] = {{TEXT("_sort"), TEXT("-date")}};
    const yyjson_val **assessments = NULL;
    size_t found = 0;
    *count = 0;
    enum status status = records_find(&assessments, &found, referral->records, caller,
        fhir_type_find(TEXT("RiskAssessment")), pairs, 1, readings_max, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct read_visit *visits = ARENA_ARRAY(scope->arena, struct read_visit, found + 1);
    size_t visit_count = visits_take(visits, assessments, found, scope);
    *out = ARENA_ARRAY(scope->arena, struct triage_followed, visit_count * TRIAGE_FORECAST_COUNT + 1);
    for (size_t from = 0; from < visit_count && status == STATUS_OK; from += ENCOUNTERS_AT_ONCE) {
        size_t part = visit_count - from < ENCOUNTERS_AT_ONCE ? visit_count - from : ENCOUNTERS_AT_ONCE;
        status = visits_follow(*out, count, referral, caller, visits + from, part, scope);
    }
    return status;
}
