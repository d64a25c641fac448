#include "triage/gather.h"

#include <stdlib.h>
#include <string.h>

enum { FINDING_DAYS = 7, ONSET_DAYS_MAX = 30 };
#define MICROSECONDS_MINUTE 60000000LL
#define MICROSECONDS_DAY (24 * 60 * MICROSECONDS_MINUTE)

static bool has_status(const yyjson_val *resource, const char *element, const char *code) {
    return gather_has_code(json_get(resource, element), NULL, code);
}

/* KCD-8 is the Korean modification of ICD-10 and keeps its codes; what it adds stands behind them (Statistics Korea, KCD-8, 2020). KR Core names
 * it kostat-kcd-8. Facts hold such a code as ICD-10's, which is what a policy lists. */
static struct text read_system(struct text system) {
    static const char korean[] = "kostat-kcd";
    bool is_korean = system.size && memmem(system.at, system.size, korean, sizeof korean - 1);
    return is_korean ? TEXT("http://hl7.org/fhir/sid/icd-10") : system;
}

/* A concept becomes its text, and each coding a statement of its own with system, code and display. */
static enum status concept_put(struct gather *gather, const struct gathered *item, const yyjson_val *concept,
    const char *element, struct triage_text statement) {
    struct text words = json_get_text(concept, "text");
    enum status status = STATUS_OK;
    size_t i, count;
    yyjson_val *coding;
    if (words.size) {
        statement.text = words;
        statement.path = gather_path(gather, item, text_format(gather->scope->arena, "%s.text", element).at);
        status = triage_facts_put_text(gather->facts, statement, gather->scope);
    }
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        if (status != STATUS_OK)
            return status;
        statement.text =
            text_equal(json_get_text(coding, "display"), words) ? (struct text){0} : json_get_text(coding, "display");
        statement.system = read_system(json_get_text(coding, "system"));
        statement.code = json_get_text(coding, "code");
        statement.path = gather_path(gather, item,
            text_format(gather->scope->arena, "%s.coding[%zu]%s", element, i, statement.text.size ? ".display" : "")
                .at);
        status = triage_facts_put_text(gather->facts, statement, gather->scope);
    }
    return status;
}

enum status gather_finding(struct gather *gather, const struct gathered *item, struct text words, const char *element) {
    if (!words.size)
        return STATUS_OK;
    struct triage_text statement = {
        .kind = TRIAGE_TEXT_FINDING, .text = words, .path = gather_path(gather, item, element)};
    return triage_facts_put_text(gather->facts, statement, gather->scope);
}

/* Of this visit: now. Of the problem list, another visit, or ended: history. With neither visit, category nor date: now. */
static enum triage_text_kind condition_kind(const struct gather *gather, const yyjson_val *resource) {
    size_t i, count;
    yyjson_val *category;
    if (has_status(resource, "clinicalStatus", "resolved") || has_status(resource, "clinicalStatus", "inactive") ||
        has_status(resource, "clinicalStatus", "remission"))
        return TRIAGE_TEXT_HISTORY;
    yyjson_arr_foreach(json_get(resource, "category"), i, count, category) {
        if (gather_has_code(category, NULL, "problem-list-item"))
            return TRIAGE_TEXT_HISTORY;
    }
    enum gather_visit visit = gather_visit(gather, resource);
    if (visit != GATHER_NO_VISIT)
        return visit == GATHER_THIS_VISIT ? TRIAGE_TEXT_FINDING : TRIAGE_TEXT_HISTORY;
    int64_t said = gather_time(gather, resource);
    bool old = said && gather->facts->at_us && said < gather->facts->at_us - FINDING_DAYS * MICROSECONDS_DAY;
    return old ? TRIAGE_TEXT_HISTORY : TRIAGE_TEXT_FINDING;
}

/* The onset of what brings the patient now, where it is known to the minute. */
static void onset_put(struct gather *gather, const yyjson_val *condition) {
    struct text onset = json_get_text(condition, "onsetDateTime");
    struct fhir_interval when;
    int64_t at = gather->facts->at_us;
    if (onset.size < sizeof "2026-01-01T00:00" - 1 || !at ||
        !fhir_interval_parse(&when, onset, gather->options->zone_minutes))
        return;
    if (when.start_us > at || when.start_us < at - ONSET_DAYS_MAX * MICROSECONDS_DAY)
        return;
    int minutes = (int)((at - when.start_us) / MICROSECONDS_MINUTE);
    if (gather->facts->onset_minutes < 0 || minutes < gather->facts->onset_minutes)
        gather->facts->onset_minutes = minutes;
}

/* When the record came to say so. */
static int64_t said_at(const struct gather *gather, const yyjson_val *condition) {
    struct text said = json_get_text(json_get(condition, "meta"), "lastUpdated");
    struct fhir_interval when;
    said = said.size ? said : json_get_text(condition, "recordedDate");
    return said.size && fhir_interval_parse(&when, said, gather->options->zone_minutes) ? when.start_us : 0;
}

/* The codings of a finding in order, so that a long list is not held against another pair by pair. */
struct coded {
    struct text system, code;
};
struct codings {
    struct coded *at;
    size_t count;
};

static int coded_order(const void *a, const void *b) {
    const struct coded *x = a, *y = b;
    int order = text_compare(x->code, y->code);
    return order ? order : text_compare(x->system, y->system);
}

static struct coded coded_of(const yyjson_val *coding) {
    return (struct coded){json_get_text(coding, "system"), json_get_text(coding, "code")};
}

static struct codings codings_of(const yyjson_val *condition, struct arena *arena) {
    yyjson_val *list = json_get(json_get(condition, "code"), "coding"), *coding;
    struct codings codings = {ARENA_ARRAY(arena, struct coded, yyjson_arr_size(list) + 1), 0};
    size_t i, count;
    yyjson_arr_foreach(list, i, count, coding) {
        struct coded coded = coded_of(coding);
        if (coded.code.size)
            codings.at[codings.count++] = coded;
    }
    qsort(codings.at, codings.count, sizeof *codings.at, coded_order);
    return codings;
}

static bool shares_code(const struct codings *codings, const yyjson_val *other) {
    size_t i, count;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(json_get(other, "code"), "coding"), i, count, coding) {
        struct coded wanted = coded_of(coding);
        if (bsearch(&wanted, codings->at, codings->count, sizeof *codings->at, coded_order))
            return true;
    }
    return false;
}

/* A finding is withdrawn where the same code is refuted later, or nobody knows which was later. */
static bool is_refuted(const struct gather *gather, const yyjson_val *condition) {
    const struct codings codings = codings_of(condition, gather->scope->arena);
    int64_t said = said_at(gather, condition);
    for (size_t i = 0; i < gather->count; i++) {
        const yyjson_val *other = gather->resources[i].resource;
        if (!text_is(gather->resources[i].type, "Condition") || !has_status(other, "verificationStatus", "refuted") ||
            !shares_code(&codings, other))
            continue;
        int64_t refuted = said_at(gather, other);
        if (!said || !refuted || refuted >= said)
            return true;
    }
    return false;
}

/* Marked as confirmed, standing, and by somebody whose word counts; what counts for less is noted. */
static enum status confirmed_read(bool *out, struct gather *gather, const struct gathered *item) {
    const struct triage_gather_options *options = gather->options;
    struct triage_facts *facts = gather->facts;
    *out = has_status(item->resource, "verificationStatus", "confirmed") && !is_refuted(gather, item->resource);
    if (!*out || !options->confirms)
        return STATUS_OK;
    enum status status = options->confirms(out, options->confirms_context, item->resource, gather->scope);
    if (status == STATUS_OK && !*out && facts->note_count < TRIAGE_NOTES_MAX)
        facts->notes[facts->note_count++] = (struct triage_note){.code = "not-confirmed",
            .path = gather_path(gather, item, "verificationStatus"),
            .ko = TEXT("확진이라고 적혀 있으나, 누가 확인했는지가 도의 지침에 맞지 않아 확정으로 보지 않았습니다"),
            .en = TEXT(
                "Marked as confirmed, but not by somebody whose word the province's policy takes: it stays in doubt")};
    return status;
}

static enum status condition_put(struct gather *gather, const struct gathered *item) {
    static const char *const doubts[] = {"unconfirmed", "provisional", "differential"};
    const yyjson_val *resource = item->resource;
    struct triage_text statement = {.kind = condition_kind(gather, resource)};
    if (has_status(resource, "verificationStatus", "refuted") ||
        has_status(resource, "verificationStatus", "entered-in-error"))
        return STATUS_OK;
    for (size_t i = 0; i < sizeof doubts / sizeof doubts[0]; i++)
        statement.doubtful = statement.doubtful || has_status(resource, "verificationStatus", doubts[i]);
    if (statement.kind == TRIAGE_TEXT_FINDING) {
        onset_put(gather, resource);
        enum status status = confirmed_read(&statement.confirmed, gather, item);
        if (status != STATUS_OK)
            return status;
    }
    return concept_put(gather, item, json_get(resource, "code"), "code", statement);
}

/* Where it is told by reference: the Medication inside, or the one that is gathered; and what the reference itself says. */
static enum status medicine_referred_put(
    struct gather *gather, const struct gathered *item, const yyjson_val *link, struct triage_text statement) {
    struct text reference = json_get_text(link, "reference");
    const struct gathered *medication = gather_referred(gather, reference, "Medication");
    size_t i, count;
    yyjson_val *inside;
    statement.text = json_get_text(link, "display");
    statement.path = gather_path(gather, item, "medicationReference.display");
    enum status status =
        statement.text.size ? triage_facts_put_text(gather->facts, statement, gather->scope) : STATUS_OK;
    statement.text = (struct text){0};
    if (status == STATUS_OK && medication) {
        gather_basis(gather, medication);
        return concept_put(gather, medication, json_get(medication->resource, "code"), "code", statement);
    }
    yyjson_arr_foreach(json_get(item->resource, "contained"), i, count, inside) {
        struct text id = json_get_text(inside, "id");
        bool meant = id.size && reference.size == id.size + 1 && reference.at[0] == '#' &&
                     text_ends(reference, text_string(gather->scope->arena, id));
        if (status == STATUS_OK && meant)
            status = concept_put(gather, item, json_get(inside, "code"),
                text_format(gather->scope->arena, "contained[%zu].code", i).at, statement);
    }
    return status;
}

/* An order not to give, or one that nobody has signed, is no medicine of the patient's. */
static enum status medicine_put(struct gather *gather, const struct gathered *item) {
    static const char *const none[] = {"entered-in-error", "stopped", "cancelled", "not-taken", "draft"};
    struct text state = json_get_text(item->resource, "status");
    bool forbids = false;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        if (text_is(state, none[i]))
            return STATUS_OK;
    }
    if (json_get_bool(&forbids, item->resource, "doNotPerform") && forbids)
        return STATUS_OK;
    struct triage_text statement = {.kind = TRIAGE_TEXT_HISTORY};
    const yyjson_val *link = json_get(item->resource, "medicationReference");
    return link ? medicine_referred_put(gather, item, link, statement)
                : concept_put(gather, item, json_get(item->resource, "medicationCodeableConcept"),
                      "medicationCodeableConcept", statement);
}

static enum status allergy_put(struct gather *gather, const struct gathered *item) {
    struct triage_text statement = {.kind = TRIAGE_TEXT_HISTORY};
    if (has_status(item->resource, "verificationStatus", "refuted") ||
        has_status(item->resource, "verificationStatus", "entered-in-error"))
        return STATUS_OK;
    return concept_put(gather, item, json_get(item->resource, "code"), "code", statement);
}

/* Concluded in words, by codes, or both. */
static enum status report_put(struct gather *gather, const struct gathered *item) {
    struct text state = json_get_text(item->resource, "status");
    if (text_is(state, "entered-in-error") || text_is(state, "cancelled") || !gather_is_current(gather, item))
        return STATUS_OK;
    enum status status = gather_finding(gather, item, json_get_text(item->resource, "conclusion"), "conclusion");
    size_t i, count;
    yyjson_val *coded;
    yyjson_arr_foreach(json_get(item->resource, "conclusionCode"), i, count, coded) {
        if (status == STATUS_OK)
            status = concept_put(gather, item, coded, text_format(gather->scope->arena, "conclusionCode[%zu]", i).at,
                (struct triage_text){.kind = TRIAGE_TEXT_FINDING});
    }
    return status;
}

enum status gather_statement(struct gather *gather, const struct gathered *item) {
    static const struct {
        const char *type;
        enum status (*put)(struct gather *gather, const struct gathered *item);
    } readers[] = {{"Condition", condition_put}, {"MedicationStatement", medicine_put},
        {"MedicationRequest", medicine_put}, {"AllergyIntolerance", allergy_put}, {"DiagnosticReport", report_put}};
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (text_is(item->type, readers[i].type))
            return readers[i].put(gather, item);
    }
    return STATUS_OK;
}

/* The visit's reasons are the complaint; its priority may be a human's level. */
enum status gather_complaints(struct gather *gather) {
    if (!gather->encounter)
        return STATUS_OK;
    const yyjson_val *encounter = gather->encounter->resource;
    enum status status = STATUS_OK;
    size_t i, count;
    yyjson_val *reason, *coding;
    yyjson_arr_foreach(json_get(encounter, "reasonCode"), i, count, reason) {
        if (status == STATUS_OK)
            status = concept_put(gather, gather->encounter, reason,
                text_format(gather->scope->arena, "reasonCode[%zu]", i).at,
                (struct triage_text){.kind = TRIAGE_TEXT_COMPLAINT});
    }
    yyjson_arr_foreach(json_get(json_get(encounter, "priority"), "coding"), i, count, coding) {
        int64_t level = 0;
        struct text system = json_get_text(coding, "system");
        bool ours = text_is(system, TRIAGE_LEVEL_SYSTEM);
        if (status != STATUS_OK || !ours || gather->options->human_level)
            continue;
        if (!text_to_int64(&level, json_get_text(coding, "code")))
            level = 0;
        status = triage_facts_put_human_level(
            gather->facts, level, TEXT("ktas"), gather_path(gather, gather->encounter, "priority"), gather->scope);
    }
    return status;
}
