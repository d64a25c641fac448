/* What came of the visits that a model forecast: stored RiskAssessments beside the Encounters they speak of.
 *
 * Forecasts: the visit's last reading, and what outcome.h finds in the Encounter. Levels: the visit's first reading that gives a
 * probability, and the last level that a human gave after it: an override, the human's level of a reading at least REASSESSED_US later,
 * and, where the first had no human's level, any later one or Encounter.priority. No record holds an expert's level: this is what those
 * who treated the patient came to, knowing the reading. */
#include <string.h>

#include "referral/outcome.h"
#include "referral/silent.h"

enum { AT_ONCE = 100, PLACES_MAX = 400 };
#define REASSESSED_US (10LL * 60 * 1000000)

/* One stored reading. */
struct reading_row {
    struct text encounter;  /* id */
    const yyjson_val *said; /* the reading, or what was kept in silence of it */
    int human_level, override_level;
    int64_t at_us;
};
/* One visit: its last reading's forecasts; its first reading's level and what a human said behind it. */
struct read_visit {
    struct text encounter;
    const yyjson_val *last, *first;
    int first_human, judged;
    int64_t first_us, judged_us;
    bool overridden;
};

static const yyjson_val *extension_find(const yyjson_val *resource, const char *name) {
    size_t i, count;
    yyjson_val *extension;
    yyjson_arr_foreach(json_get(resource, "extension"), i, count, extension) {
        struct text url = json_get_text(extension, "url");
        if (text_starts(url, TRIAGE_BASE "/StructureDefinition/") &&
            text_is((struct text){url.at + sizeof TRIAGE_BASE "/StructureDefinition/" - 1,
                        url.size - (sizeof TRIAGE_BASE "/StructureDefinition/" - 1)},
                name)) {
            return extension;
        }
    }
    return NULL;
}

/* None where the reference is no visit's here: what is no id would spoil the search for the others'. */
static struct text encounter_of(const yyjson_val *assessment) {
    static const char type[] = "Encounter/";
    struct text reference = json_get_text(json_get(assessment, "encounter"), "reference");
    if (!text_starts(reference, type)) {
        return (struct text){0};
    }
    struct text id = {reference.at + sizeof type - 1, reference.size - (sizeof type - 1)};
    return fhir_id_is_valid(id) ? id : (struct text){0};
}

/* A RiskAssessment is anybody's to write: what it calls a probability may be none. */
static bool probability_of(double *out, const yyjson_val *said, const char *member) {
    return json_get_double(out, said, member) && *out >= 0 && *out <= 1;
}

static int override_of(const yyjson_val *assessment) {
    size_t i, count;
    yyjson_val *part;
    int64_t level = 0;
    yyjson_arr_foreach(json_get(extension_find(assessment, "triage-override"), "extension"), i, count, part) {
        if (text_is(json_get_text(part, "url"), "level")) {
            (void)json_get_int64(&level, part, "valueInteger");
        }
    }
    return level >= 1 && level <= 5 ? (int)level : 0;
}

/* `said` stays NULL for one that was not written by $triage or $send. */
static enum status row_read(
    struct reading_row *out, struct referral *referral, const yyjson_val *assessment, struct scope *scope) {
    yyjson_doc *reading = NULL;
    struct text written = json_get_text(extension_find(assessment, "triage-reading"), "valueString");
    int64_t level = 0;
    bool silent = false;
    *out = (struct reading_row){.encounter = encounter_of(assessment)};
    if (out->encounter.size == 0 || written.size == 0) {
        return STATUS_OK;
    }
    struct fault kept = scope->fault;
    if (json_read(&reading, written, scope) != STATUS_OK) {
        scope->fault = kept;
        return STATUS_OK;
    }
    out->said = yyjson_doc_get_root(reading);
    out->override_level = override_of(assessment);
    out->human_level = json_get_int64(&level, out->said, "humanLevel") && level >= 1 && level <= 5 ? (int)level : 0;
    (void)time_parse(&out->at_us, json_get_text(assessment, "occurrenceDateTime"));
    (void)json_get_bool(&silent, out->said, "readerSilent");
    return silent ? silent_read(&out->said, referral, json_get_text(assessment, "id"), scope) : STATUS_OK;
}

/* Rows come newest first. */
static void visit_add(struct read_visit *visit, const struct reading_row *row) {
    double probability = 0;
    int judged = row->override_level > 0 ? row->override_level : row->human_level;
    if (visit->judged == 0 && judged > 0) {
        visit->judged = judged;
        visit->judged_us = row->at_us;
        visit->overridden = row->override_level > 0;
    }
    if (row->said == NULL) {
        return;
    }
    visit->last = visit->last != NULL ? visit->last : row->said;
    if (probability_of(&probability, row->said, "readerProbability")) {
        visit->first = row->said;
        visit->first_human = row->human_level;
        visit->first_us = row->at_us;
    }
}

static enum status visits_take(struct read_visit *out, size_t *taken, struct referral *referral,
    const yyjson_val *const *assessments, size_t count, struct scope *scope) {
    for (size_t i = 0; i < count; i++) {
        struct reading_row row;
        enum status status = row_read(&row, referral, assessments[i], scope);
        if (status != STATUS_OK) {
            return status;
        }
        size_t at = 0;
        while (at < *taken && !text_equal(out[at].encounter, row.encounter)) {
            at++;
        }
        if (row.encounter.size == 0 || (row.said == NULL && at == *taken)) {
            continue;
        }
        if (at == *taken) {
            out[(*taken)++] = (struct read_visit){.encounter = row.encounter};
        }
        visit_add(&out[at], &row);
    }
    return STATUS_OK;
}

/* ---- what came of it ---------------------------------------------------------------------------------------------------- */

static int judged_level(const struct read_visit *visit, const yyjson_val *encounter) {
    bool later = visit->judged_us > visit->first_us;
    if (visit->judged > 0 && (visit->overridden || (visit->first_human == 0 && later) ||
                                 visit->judged_us >= visit->first_us + REASSESSED_US)) {
        return visit->judged;
    }
    return visit->first_human == 0 ? outcome_priority(encounter) : 0;
}

static void follow_level(
    struct triage_followed *out, size_t *count, const struct read_visit *visit, const yyjson_val *encounter) {
    struct triage_followed row = {.site = json_get_text(json_get(encounter, "serviceProvider"), "reference"),
        .output = json_get_text(visit->first, "readerOutput"),
        .model = json_get_text(visit->first, "readerDigest")};
    int judged = visit->first != NULL ? judged_level(visit, encounter) : 0;
    bool under = text_is(row.output, "under-triage") && visit->first_human > 0;
    bool severe = text_is(row.output, "level-1-2");
    if (judged == 0 || !(under || severe) || !probability_of(&row.probability, visit->first, "readerProbability")) {
        return;
    }
    (void)json_get_bool(&row.calibrated, visit->first, "readerCalibrated");
    row.happened = under ? judged < visit->first_human : judged <= 2;
    out[(*count)++] = row;
}

/* The reading's forecast of a kind; NULL: none. */
static const yyjson_val *forecast_find(const yyjson_val *reading, const char *code) {
    size_t i, count;
    yyjson_val *forecast;
    yyjson_arr_foreach(json_get(reading, "forecasts"), i, count, forecast) {
        if (text_is(json_get_text(forecast, "code"), code)) {
            return forecast;
        }
    }
    return NULL;
}

/* At most one of each kind, for which there is room. */
static void follow_forecasts(struct triage_followed *out, size_t *count, const struct read_visit *visit,
    const yyjson_val *encounter, const struct outcome_places *places) {
    for (int kind = 0; kind < TRIAGE_FORECAST_COUNT; kind++) {
        const yyjson_val *forecast = forecast_find(visit->last, triage_forecast_code((enum triage_forecast_kind)kind));
        struct triage_followed row = {.site = json_get_text(json_get(encounter, "serviceProvider"), "reference"),
            .output = json_get_text(forecast, "code"),
            .model = json_get_text(forecast, "model")};
        enum outcome outcome = outcome_of(encounter, places, row.output);
        (void)json_get_bool(&row.calibrated, forecast, "calibrated");
        if (outcome == OUTCOME_NOT_TOLD || !probability_of(&row.probability, forecast, "probability")) {
            continue;
        }
        row.happened = outcome == OUTCOME_YES;
        out[(*count)++] = row;
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

struct follower {
    struct referral *referral;
    const struct records_caller *caller;
    struct triage_followed *rows;
    size_t row_count;
};

static enum status find_by_ids(const yyjson_val ***out, size_t *found, const struct follower *f, const char *type,
    struct text ids, struct scope *scope) {
    const struct search_pair pair = {TEXT("_id"), ids};
    *found = 0;
    return ids.size == 0 ? STATUS_OK
                         : records_find(out, found, f->referral->records, f->caller, fhir_type_find(text_from(type)),
                               &pair, 1, AT_ONCE, scope);
}

/* Each once. */
static void places_note(struct outcome_places *out, const yyjson_val *const *encounters, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t k, entries;
        yyjson_val *entry;
        yyjson_arr_foreach(json_get(encounters[i], "location"), k, entries, entry) {
            struct text id = outcome_location(entry);
            bool known = id.size == 0 || out->count == PLACES_MAX;
            for (size_t at = 0; at < out->count && !known; at++) {
                known = text_equal(out->at[at].id, id);
            }
            if (!known) {
                out->at[out->count++] = (struct outcome_place){.id = id};
            }
        }
    }
}

static void place_tell(struct outcome_places *places, const yyjson_val *location) {
    for (size_t at = 0; at < places->count; at++) {
        struct outcome_place *place = &places->at[at];
        size_t i, count;
        yyjson_val *type;
        if (!text_equal(place->id, json_get_text(location, "id"))) {
            continue;
        }
        yyjson_arr_foreach(json_get(location, "type"), i, count, type) {
            enum outcome_unit unit = outcome_unit_of(type);
            place->unit = unit > place->unit ? unit : place->unit;
        }
    }
}

static enum status places_read(struct outcome_places *places, const struct follower *f, struct scope *scope) {
    enum status status = STATUS_OK;
    for (size_t from = 0; from < places->count && status == STATUS_OK; from += AT_ONCE) {
        struct buffer ids = buffer_open(scope->arena, AT_ONCE * 66);
        const yyjson_val **locations = NULL;
        size_t found = 0;
        for (size_t i = from; i < places->count && i < from + AT_ONCE; i++) {
            buffer_put_format(&ids, "%s%.*s", i > from ? "," : "", (int)places->at[i].id.size, places->at[i].id.at);
        }
        status = find_by_ids(&locations, &found, f, "Location", buffer_text(&ids), scope);
        for (size_t i = 0; i < found && status == STATUS_OK; i++) {
            place_tell(places, locations[i]);
        }
    }
    return status;
}

/* The encounters of some visits, and what they say of them. */
static enum status visits_follow(
    struct follower *f, const struct read_visit *visits, size_t visit_count, struct scope *scope) {
    struct buffer ids = buffer_open(scope->arena, AT_ONCE * 66);
    struct outcome_places places = {ARENA_ARRAY(scope->arena, struct outcome_place, PLACES_MAX), 0};
    const yyjson_val **encounters = NULL;
    size_t found = 0;
    for (size_t i = 0; i < visit_count; i++) {
        buffer_put_format(&ids, "%s%.*s", i > 0 ? "," : "", (int)visits[i].encounter.size, visits[i].encounter.at);
    }
    enum status status = find_by_ids(&encounters, &found, f, "Encounter", buffer_text(&ids), scope);
    if (status == STATUS_OK) {
        places_note(&places, encounters, found);
        status = places_read(&places, f, scope);
    }
    for (size_t i = 0; i < found && status == STATUS_OK; i++) {
        for (size_t k = 0; k < visit_count; k++) {
            if (text_equal(json_get_text(encounters[i], "id"), visits[k].encounter)) {
                follow_forecasts(f->rows, &f->row_count, &visits[k], encounters[i], &places);
                follow_level(f->rows, &f->row_count, &visits[k], encounters[i]);
            }
        }
    }
    return status;
}

enum status referral_outcomes(struct triage_followed **out, size_t *count, struct referral *referral,
    const struct records_caller *caller, size_t readings_max, struct scope *scope) {
    const struct search_pair pairs[] = {{TEXT("_sort"), TEXT("-date")}};
    const yyjson_val **assessments = NULL;
    size_t found = 0, visit_count = 0;
    struct follower f = {.referral = referral, .caller = caller};
    *count = 0;
    enum status status = records_find(&assessments, &found, referral->records, caller,
        fhir_type_find(TEXT("RiskAssessment")), pairs, 1, readings_max, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct read_visit *visits = ARENA_ARRAY(scope->arena, struct read_visit, found + 1);
    status = visits_take(visits, &visit_count, referral, assessments, found, scope);
    f.rows = ARENA_ARRAY(scope->arena, struct triage_followed, visit_count * (TRIAGE_FORECAST_COUNT + 1) + 1);
    for (size_t from = 0; from < visit_count && status == STATUS_OK; from += AT_ONCE) {
        size_t part = visit_count - from < AT_ONCE ? visit_count - from : AT_ONCE;
        status = visits_follow(&f, visits + from, part, scope);
    }
    *out = f.rows;
    *count = f.row_count;
    return status;
}
