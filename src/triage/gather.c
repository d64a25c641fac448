#include "triage/gather.h"
#include "triage/history.h"

#include <string.h>

enum { RESOURCES_MAX = 20000, BASIS_MAX = 200, FIND_LIMIT = 500, VISIT_DAYS_MAX = 366 };
#define MICROSECONDS_DAY (24LL * 3600 * 1000000)
#define FUTURE_TOLERANCE_US (15LL * 60 * 1000000) /* clocks of devices differ */

/* ---- what several readers ask ---------------------------------------------------------------------------------------- */

bool gather_has_code(const yyjson_val *concept, const char *system, const char *code) {
    size_t i, count;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        struct text own = json_get_text(coding, "system");
        if (text_is(json_get_text(coding, "code"), code) && (!system || !own.at || text_is(own, system)))
            return true;
    }
    return false;
}

struct text gather_path(const struct gather *gather, const struct gathered *item, const char *element) {
    return text_format(
        gather->scope->arena, "%s%s%s", item->path, element && element[0] ? "." : "", element ? element : "");
}

static int64_t time_of(const struct gather *gather, struct text value) {
    struct fhir_interval when;
    return value.size && fhir_interval_parse(&when, value, gather->options->zone_minutes) ? when.start_us : 0;
}

int64_t gather_time(const struct gather *gather, const yyjson_val *resource) {
    static const char *const elements[] = {
        "effectiveDateTime", "effectiveInstant", "onsetDateTime", "recordedDate", "issued"};
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        int64_t at = time_of(gather, json_get_text(resource, elements[i]));
        if (at)
            return at;
    }
    int64_t at = time_of(gather, json_get_text(json_get(resource, "effectivePeriod"), "start"));
    return at ? at : time_of(gather, json_get_text(json_get(resource, "period"), "start"));
}

/* A time that is none makes a value neither of now nor of then. */
static enum status time_check(const struct gather *gather, const struct gathered *item) {
    static const struct {
        const char *within, *element;
    } rows[] = {{NULL, "effectiveDateTime"}, {NULL, "effectiveInstant"}, {NULL, "onsetDateTime"},
        {NULL, "recordedDate"}, {NULL, "issued"}, {"effectivePeriod", "start"}, {"period", "start"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const yyjson_val *holder = rows[i].within ? json_get(item->resource, rows[i].within) : item->resource;
        const yyjson_val *stated = json_get(holder, rows[i].element);
        struct fhir_interval when;
        struct text said = json_text(stated);
        if (!stated || (said.size && fhir_interval_parse(&when, said, gather->options->zone_minutes)))
            continue;
        const char *element = rows[i].within
                                  ? text_format(gather->scope->arena, "%s.%s", rows[i].within, rows[i].element).at
                                  : rows[i].element;
        return fault(gather->scope, STATUS_UNPROCESSABLE, gather_path(gather, item, element).at, "not a date or time");
    }
    return STATUS_OK;
}

static bool refers_to(struct text reference, const struct gathered *item) {
    struct text id = json_get_text(item->resource, "id");
    if (item->full_url.size && text_equal(reference, item->full_url))
        return true;
    if (!id.size || reference.size < item->type.size + 1 + id.size)
        return false;
    struct text tail = {reference.at + reference.size - id.size, id.size};
    struct text type = {reference.at + reference.size - id.size - 1 - item->type.size, item->type.size};
    return text_equal(tail, id) && text_equal(type, item->type) && tail.at[-1] == '/';
}

const struct gathered *gather_referred(const struct gather *gather, struct text reference, const char *type) {
    for (size_t i = 0; i < gather->count && reference.size; i++) {
        if (text_is(gather->resources[i].type, type) && refers_to(reference, &gather->resources[i]))
            return &gather->resources[i];
    }
    return NULL;
}

enum gather_visit gather_visit(const struct gather *gather, const yyjson_val *resource) {
    struct text reference = json_get_text(json_get(resource, "encounter"), "reference");
    if (!reference.size || !gather->encounter)
        return GATHER_NO_VISIT;
    return refers_to(reference, gather->encounter) ? GATHER_THIS_VISIT : GATHER_OTHER_VISIT;
}

static void note_stale(struct gather *gather, const struct gathered *item) {
    if (!gather->stale_noted)
        triage_facts_note(gather->facts, "stale", text_from(item->path),
            TEXT("24시간보다 오래된 측정값은 쓰지 않았습니다"),
            TEXT("values measured more than 24 hours before were not used"));
    gather->stale_noted = true;
}

static void note_future(struct gather *gather, const struct gathered *item) {
    if (!gather->future_noted)
        triage_facts_note(gather->facts, "future", text_from(item->path),
            TEXT("판정 시각보다 뒤로 적힌 측정값은 쓰지 않았습니다"),
            TEXT("values dated after the moment of the reading were not used"));
    gather->future_noted = true;
}

bool gather_is_current(struct gather *gather, const struct gathered *item) {
    if (gather_visit(gather, item->resource) == GATHER_OTHER_VISIT)
        return false;
    int64_t at = gather_time(gather, item->resource), moment = gather->facts->at_us;
    if (!at || !moment)
        return true;
    if (at < moment - MICROSECONDS_DAY) {
        note_stale(gather, item);
        return false;
    }
    if (at > moment + FUTURE_TOLERANCE_US) {
        note_future(gather, item);
        return false;
    }
    return true;
}

/* ---- the patient, the visit, the moment ------------------------------------------------------------------------------ */

static enum status patient_find(struct gather *gather) {
    for (size_t i = 0; i < gather->count; i++) {
        if (!text_is(gather->resources[i].type, "Patient"))
            continue;
        if (gather->patient)
            return fault(gather->scope, STATUS_UNPROCESSABLE, gather->resources[i].path,
                "a second Patient: a reading is of one");
        gather->patient = &gather->resources[i];
    }
    if (!gather->patient)
        return fault(gather->scope, STATUS_UNPROCESSABLE, "Bundle.entry", "no Patient");
    return STATUS_OK;
}

static bool is_planned(const struct gathered *item) {
    return text_is(json_get_text(item->resource, "status"), "planned");
}

/* One that is only planned stands back behind any that has begun. */
static enum status encounter_find(struct gather *gather) {
    struct text wanted = gather->options->encounter;
    int64_t latest = INT64_MIN, moment = gather->options->at_us;
    for (size_t i = 0; i < gather->count; i++) {
        const struct gathered *item = &gather->resources[i];
        struct text state = json_get_text(item->resource, "status");
        if (!text_is(item->type, "Encounter") || text_is(state, "cancelled") || text_is(state, "entered-in-error"))
            continue;
        if (wanted.size && !refers_to(wanted, item))
            continue;
        int64_t start = gather_time(gather, item->resource);
        bool stands_back = gather->encounter && is_planned(item) && !is_planned(gather->encounter);
        bool goes_before = gather->encounter && !is_planned(item) && is_planned(gather->encounter);
        if ((moment && start > moment + FUTURE_TOLERANCE_US && !wanted.size) || stands_back ||
            (start < latest && !goes_before))
            continue;
        latest = start;
        gather->encounter = item;
    }
    if (wanted.size && !gather->encounter)
        return fault(gather->scope, STATUS_UNPROCESSABLE, "encounter", "the visit is not among the patient's");
    return STATUS_OK;
}

/* Where none is handed in: the latest that the visit's observations, or the visit, speak of. A year after the visit began, or what the
 * clock has not reached, is no moment of it but a slip of the pen: it would make all that was measured old. */
static void moment_find(struct gather *gather) {
    int64_t latest = gather->encounter ? gather_time(gather, gather->encounter->resource) : 0;
    int64_t most = latest ? latest + VISIT_DAYS_MAX * MICROSECONDS_DAY : INT64_MAX;
    int64_t reached = gather->options->now_us + FUTURE_TOLERANCE_US;
    if (gather->options->now_us && latest <= reached && most > reached)
        most = reached;
    if (gather->options->at_us) {
        gather->facts->at_us = gather->options->at_us;
        return;
    }
    for (size_t i = 0; i < gather->count; i++) {
        const struct gathered *item = &gather->resources[i];
        bool speaks = text_is(item->type, "Observation") || (text_is(item->type, "Condition") && !latest);
        if (!speaks || gather_visit(gather, item->resource) == GATHER_OTHER_VISIT)
            continue;
        int64_t at = gather_time(gather, item->resource);
        latest = at > latest && at <= most ? at : latest;
    }
    gather->facts->at_us = latest;
}

struct day {
    int year, month, day;
};

/* Civil date of a day count since 1970-01-01 (proleptic Gregorian; H. Hinnant, "chrono-compatible low-level date algorithms"). */
static struct day day_of(int64_t time_us, int zone_minutes) {
    int64_t local = time_us + (int64_t)zone_minutes * 60000000;
    int64_t z = local / MICROSECONDS_DAY - (local % MICROSECONDS_DAY < 0) + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (struct day){(int)(year + era * 400 + (month <= 2)), month, (int)(of_year - (153 * shifted + 2) / 5 + 1)};
}

static enum status patient_put(struct gather *gather) {
    struct triage_facts *facts = gather->facts;
    const yyjson_val *patient = gather->patient->resource;
    struct text gender = json_get_text(patient, "gender"), birth = json_get_text(patient, "birthDate");
    struct text id = json_get_text(patient, "id");
    struct fhir_interval born;
    facts->patient =
        id.size ? text_format(gather->scope->arena, "Patient/%.*s", (int)id.size, id.at) : gather->patient->full_url;
    facts->sex = text_is(gender, "female") ? TRIAGE_FEMALE : text_is(gender, "male") ? TRIAGE_MALE : TRIAGE_SEX_UNKNOWN;
    if (json_get(patient, "gender") && facts->sex == TRIAGE_SEX_UNKNOWN && !text_is(gender, "other") &&
        !text_is(gender, "unknown"))
        return fault(gather->scope, STATUS_UNPROCESSABLE, gather_path(gather, gather->patient, "gender").at,
            "male, female, other or unknown");
    if (!json_get(patient, "birthDate"))
        return STATUS_OK;
    struct text path = gather_path(gather, gather->patient, "birthDate");
    if (!birth.size || !fhir_interval_parse(&born, birth, gather->options->zone_minutes))
        return fault(gather->scope, STATUS_UNPROCESSABLE, path.at, "not a date");
    if (!facts->at_us) {
        triage_facts_note(facts, "not-used", path, TEXT("언제의 기록인지 적혀 있지 않아 나이를 셀 수 없습니다"),
            TEXT("the age is not known: nothing says of when the record speaks"));
        return STATUS_OK;
    }
    if (birth.size < sizeof "2026-01-01" - 1)
        triage_facts_note(facts, "doubtful", path, TEXT("생년월일이 다 적혀 있지 않아 나이는 어림입니다"),
            TEXT("the birth date is not complete: the age is its most"));
    struct day from = day_of(born.start_us, gather->options->zone_minutes),
               to = day_of(facts->at_us, gather->options->zone_minutes);
    int months = (to.year - from.year) * 12 + to.month - from.month - (to.day < from.day);
    return triage_facts_put_age(facts, months, path, gather->scope);
}

/* ---- all together ---------------------------------------------------------------------------------------------------- */

void gather_basis(struct gather *gather, const struct gathered *item) {
    struct triage_facts *facts = gather->facts;
    struct text id = json_get_text(item->resource, "id");
    struct text reference =
        text_format(gather->scope->arena, "%.*s/%.*s", (int)item->type.size, item->type.at, (int)id.size, id.at);
    bool known = !id.size || facts->basis_count == BASIS_MAX;
    for (size_t i = 0; i < facts->basis_count && !known; i++)
        known = text_equal(facts->basis[i], reference); /* two medicines may lead to one Medication */
    if (!known)
        facts->basis[facts->basis_count++] = reference;
}

/* Which of the values come from where: changes when a resource gave one. */
static bool values_differ(const struct triage_value *before, const struct triage_value *after) {
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        if (before[i].known != after[i].known || before[i].path.at != after[i].path.at)
            return true;
    }
    return false;
}

static enum status resource_put(struct gather *gather, const struct gathered *item) {
    struct triage_facts *facts = gather->facts, before = *facts;
    enum status status = time_check(gather, item);
    if (status == STATUS_OK)
        status = text_is(item->type, "Observation") ? gather_observation(gather, item) : gather_statement(gather, item);
    bool said = facts->text_count != before.text_count || facts->mind != before.mind ||
                facts->oxygen != before.oxygen || facts->pregnant != before.pregnant ||
                facts->human_level != before.human_level || values_differ(before.values, facts->values);
    if (status == STATUS_OK && said)
        gather_basis(gather, item);
    return status;
}

static enum status gather_all(struct triage_facts **out, struct gather *gather) {
    const struct triage_gather_options *options = gather->options;
    gather->facts = triage_facts_new(gather->scope->arena);
    gather->facts->basis = ARENA_ARRAY(gather->scope->arena, struct text, BASIS_MAX);
    *out = gather->facts;
    enum status status = patient_find(gather);
    if (status == STATUS_OK)
        status = encounter_find(gather);
    if (status != STATUS_OK)
        return status;
    moment_find(gather);
    if (gather->encounter) {
        struct text id = json_get_text(gather->encounter->resource, "id");
        gather->facts->encounter = id.size ? text_format(gather->scope->arena, "Encounter/%.*s", (int)id.size, id.at)
                                           : gather->encounter->full_url;
        gather->facts->site = json_get_text(json_get(gather->encounter->resource, "serviceProvider"), "reference");
        gather_basis(gather, gather->encounter);
    }
    history_gather(gather);
    status = patient_put(gather);
    if (status == STATUS_OK)
        status = gather_complaints(gather);
    for (size_t i = 0; i < gather->count && status == STATUS_OK; i++) {
        status = resource_put(gather, &gather->resources[i]);
        if (status == STATUS_OK)
            status = scope_check_deadline(gather->scope);
    }
    if (status == STATUS_OK && options->human_level)
        status = triage_facts_put_human_level(
            gather->facts, options->human_level, options->human_system, TEXT("human-level"), gather->scope);
    return status == STATUS_OK ? triage_facts_check(gather->facts, gather->scope) : status;
}

static const char *item_path(
    const yyjson_val *resource, struct text type, const char *fallback, size_t index, struct scope *scope) {
    struct text id = json_get_text(resource, "id");
    return id.size ? text_format(scope->arena, "%.*s/%.*s", (int)type.size, type.at, (int)id.size, id.at).at
                   : text_format(scope->arena, "%s[%zu].resource", fallback, index).at;
}

/* The Bundle itself, or the one inside Parameters. */
static const yyjson_val *bundle_inside(const yyjson_val *resource) {
    size_t i, count;
    yyjson_val *parameter;
    yyjson_arr_foreach(json_get(resource, "parameter"), i, count, parameter) {
        const yyjson_val *inner = json_get(parameter, "resource");
        if (text_is(json_get_text(inner, "resourceType"), "Bundle"))
            return inner;
    }
    return resource;
}

enum status triage_gather_bundle(struct triage_facts **out, const yyjson_val *bundle,
    const struct triage_gather_options *options, struct scope *scope) {
    bundle = bundle_inside(bundle);
    if (!text_is(json_get_text(bundle, "resourceType"), "Bundle"))
        return fault(scope, STATUS_UNPROCESSABLE, "", "not a Bundle");
    yyjson_val *entries = json_get(bundle, "entry"), *entry;
    size_t i, count = yyjson_arr_size(entries);
    if (count > RESOURCES_MAX)
        return fault(scope, STATUS_TOO_COSTLY, "Bundle.entry", "more than %d entries", RESOURCES_MAX);
    struct gather gather = {
        .options = options, .scope = scope, .resources = ARENA_ARRAY(scope->arena, struct gathered, count + 1)};
    yyjson_arr_foreach(entries, i, count, entry) {
        const yyjson_val *resource = json_get(entry, "resource");
        struct text type = json_get_text(resource, "resourceType");
        if (!type.size)
            continue;
        gather.resources[gather.count++] = (struct gathered){.resource = resource,
            .type = type,
            .full_url = json_get_text(entry, "fullUrl"),
            .path = item_path(resource, type, "Bundle.entry", i, scope)};
    }
    return gather_all(out, &gather);
}

/* ---- from the record ------------------------------------------------------------------------------------------------- */

/* Newest first where a type may hold a lifetime. */
static const struct {
    const char *type, *sort;
} record_types[] = {{"Encounter", "-date"}, {"Observation", "-date"}, {"Condition", "-recorded-date"},
    {"MedicationStatement", NULL}, {"MedicationRequest", "-authoredon"}, {"AllergyIntolerance", NULL},
    {"DiagnosticReport", "-date"}};
enum { RECORD_TYPES = sizeof record_types / sizeof record_types[0] };

static enum status find_rows(const yyjson_val ***out, size_t *count, struct records_visit *visit, size_t row,
    struct text patient, struct scope *scope) {
    struct search_pair pairs[] = {{TEXT("patient"), patient}, {TEXT("_sort"), text_from(record_types[row].sort)}};
    size_t pair_count = record_types[row].sort ? 2 : 1;
    fhir_type type = fhir_type_find(text_from(record_types[row].type));
    return records_visit_find(out, count, visit, type, pairs, pair_count, FIND_LIMIT, scope);
}

enum { MEDICATIONS_MAX = 100 };

/* "Medication/1" of a medicine that is only referred to, without a word of what it is; none otherwise. */
static struct text medication_id(const yyjson_val *medicine) {
    const yyjson_val *link = json_get(medicine, "medicationReference");
    struct text reference = json_get_text(link, "reference");
    bool leads = text_starts(reference, "Medication/") && !json_get_text(link, "display").size;
    struct text id = leads ? (struct text){reference.at + 11, reference.size - 11} : (struct text){0};
    return fhir_id_is_valid(id) ? id : (struct text){0};
}

static void gathered_add(struct gather *gather, const yyjson_val *resource) {
    struct text type = json_get_text(resource, "resourceType");
    gather->resources[gather->count] = (struct gathered){
        .resource = resource, .type = type, .path = item_path(resource, type, "record", gather->count, gather->scope)};
    gather->count++;
}

/* The Medications that the medicines lead to. */
static enum status medications_add(struct gather *gather, struct records_visit *visit) {
    fhir_type type = fhir_type_find(TEXT("Medication"));
    size_t count = gather->count, added = 0;
    for (size_t i = 0; i < count && added < MEDICATIONS_MAX; i++) {
        const yyjson_val *found = NULL;
        struct text id = medication_id(gather->resources[i].resource);
        if (!id.size || gather_referred(gather,
                            text_format(gather->scope->arena, "Medication/%.*s", (int)id.size, id.at), "Medication"))
            continue;
        enum status status = records_visit_get(&found, visit, type, id, gather->scope);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND && status != STATUS_GONE)
            return status;
        if (status == STATUS_OK) {
            gathered_add(gather, found);
            added++;
        }
    }
    return STATUS_OK;
}

enum status triage_gather_records(struct triage_facts **out, struct records_visit *visit, struct text patient,
    const struct triage_gather_options *options, struct scope *scope) {
    struct gather gather = {.options = options, .scope = scope};
    const yyjson_val *resource = NULL, **found[RECORD_TYPES];
    size_t counts[RECORD_TYPES], total = 1;
    enum status status = records_visit_get(&resource, visit, fhir_type_find(TEXT("Patient")), patient, scope);
    if (status != STATUS_OK)
        return scope->fault.count ? status : fault(scope, status, "patient", "no such patient in the record");
    struct text reference = text_format(scope->arena, "Patient/%.*s", (int)patient.size, patient.at);
    for (size_t row = 0; row < RECORD_TYPES; row++) {
        status = find_rows(&found[row], &counts[row], visit, row, reference, scope);
        if (status != STATUS_OK)
            return status;
        counts[row] = counts[row] < FIND_LIMIT ? counts[row] : FIND_LIMIT;
        total += counts[row];
    }
    gather.resources = ARENA_ARRAY(scope->arena, struct gathered, total + MEDICATIONS_MAX);
    gathered_add(&gather, resource);
    for (size_t row = 0; row < RECORD_TYPES; row++) {
        for (size_t i = 0; i < counts[row]; i++)
            gathered_add(&gather, found[row][i]);
    }
    status = medications_add(&gather, visit);
    return status == STATUS_OK ? gather_all(out, &gather) : status;
}
