/* Facts read back from a written reading, and the reading made again from them. */
#include <string.h>

#include "triage/triage.h"

enum { READING_BYTES_MAX = 4 << 20 };

static enum triage_answer answer_of(struct text code) {
    return text_is(code, "yes") ? TRIAGE_YES : text_is(code, "no") ? TRIAGE_NO : TRIAGE_UNKNOWN;
}

static enum triage_mind mind_of(struct text letter) {
    static const char *const letters[] = {"", "A", "C", "V", "P", "U"};
    for (int i = TRIAGE_ALERT; i <= TRIAGE_UNRESPONSIVE; i++) {
        if (text_is(letter, letters[i]))
            return (enum triage_mind)i;
    }
    return TRIAGE_MIND_UNKNOWN;
}

static bool read_values(struct triage_facts *facts, const yyjson_val *list) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        struct text code = json_get_text(item, "code");
        int measure = 0;
        while (measure < TRIAGE_MEASURE_COUNT && !text_is(code, triage_measure_code((enum triage_measure)measure)))
            measure++;
        if (measure == TRIAGE_MEASURE_COUNT)
            return false;
        struct triage_value *value = &facts->values[measure];
        *value = (struct triage_value){.known = true, .path = json_get_text(item, "path")};
        if (!json_get_double(&value->value, item, "value") ||
            !triage_measure_holds((enum triage_measure)measure, value->value))
            return false;
    }
    return true;
}

static bool read_texts(struct triage_facts *facts, const yyjson_val *list) {
    static const char *const kinds[] = {"complaint", "finding", "history"};
    size_t i, count;
    yyjson_val *item;
    if (json_count(list) > TRIAGE_TEXTS_MAX)
        return false;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        struct text kind = json_get_text(item, "kind");
        struct triage_text *text = &facts->texts[facts->text_count++];
        *text = (struct triage_text){.text = json_get_text(item, "text"),
            .system = json_get_text(item, "system"),
            .code = json_get_text(item, "code"),
            .path = json_get_text(item, "path")};
        (void)json_get_bool(&text->doubtful, item, "doubtful");
        (void)json_get_bool(&text->confirmed, item, "confirmed");
        int at = 0;
        while (at < 3 && !text_is(kind, kinds[at]))
            at++;
        if (at == 3)
            return false;
        text->kind = (enum triage_text_kind)at;
    }
    return true;
}

static bool read_notes(struct triage_facts *facts, const yyjson_val *list, struct arena *arena) {
    size_t i, count;
    yyjson_val *item;
    if (json_count(list) > TRIAGE_NOTES_MAX)
        return false;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        facts->notes[facts->note_count++] =
            (struct triage_note){.code = text_string(arena, json_get_text(item, "code")),
                .path = json_get_text(item, "path"),
                .ko = json_get_text(item, "ko"),
                .en = json_get_text(item, "en")};
    }
    return true;
}

static int integer_of(const yyjson_val *json, const char *name, int otherwise) {
    int64_t value = otherwise;
    (void)json_get_int64(&value, json, name);
    return value >= -1 && value < INT32_MAX ? (int)value : otherwise;
}

enum status triage_facts_read(struct triage_facts **out, const yyjson_val *json, struct scope *scope) {
    struct triage_facts *facts = triage_facts_new(scope->arena);
    struct text sex = json_get_text(json, "sex"), at = json_get_text(json, "at");
    facts->patient = json_get_text(json, "patient");
    facts->encounter = json_get_text(json, "encounter");
    facts->site = json_get_text(json, "site");
    facts->age_months = integer_of(json, "ageMonths", -1);
    facts->onset_minutes = integer_of(json, "onsetMinutes", -1);
    facts->past.visits = integer_of(json, "pastVisits", -1);
    facts->past.admissions = integer_of(json, "pastAdmissions", -1);
    facts->past.known = facts->past.visits >= 0 && facts->past.admissions >= 0;
    if (!facts->past.known)
        facts->past = (struct triage_past){.known = false};
    facts->human_level = integer_of(json, "humanLevel", 0);
    facts->human_system = json_get_text(json, "humanSystem");
    facts->sex = text_is(sex, "female") ? TRIAGE_FEMALE : text_is(sex, "male") ? TRIAGE_MALE : TRIAGE_SEX_UNKNOWN;
    facts->pregnant = answer_of(json_get_text(json, "pregnant"));
    facts->oxygen = answer_of(json_get_text(json, "oxygen"));
    facts->hypercapnic = answer_of(json_get_text(json, "hypercapnic"));
    facts->injury = answer_of(json_get_text(json, "injury"));
    facts->mind = mind_of(json_get_text(json, "mind"));
    bool holds = (at.size == 0 || time_parse(&facts->at_us, at)) && read_values(facts, json_get(json, "values")) &&
                 read_texts(facts, json_get(json, "texts")) &&
                 read_notes(facts, json_get(json, "notes"), scope->arena) && facts->human_level >= 0 &&
                 facts->human_level <= 5 && facts->age_months <= TRIAGE_AGE_MAX_MONTHS;
    *out = facts;
    return holds ? STATUS_OK : fault(scope, STATUS_INVALID, "facts", "these are no facts as they are written");
}

/* ---- the same again ----------------------------------------------------------------------------------------------------- */

/* False, with the reason in out->why, where what is loaded is not what the reading was made with. */
static bool is_same(
    struct triage_replayed *out, const char *what, struct text was, const char *here, struct scope *scope) {
    struct text own = text_from(here);
    if (text_equal(was, own))
        return true;
    out->why = text_format(scope->arena, "it was made with %s %.*s, and here is %s", what, was.size ? (int)was.size : 4,
        was.size ? was.at : "none", own.size ? here : "none");
    return false;
}

/* A silent site's readings tell no forecast; others tell one for each model there is. */
static bool has_same_forecasts(
    struct triage_replayed *out, const yyjson_val *json, const struct triage_readers *readers, struct scope *scope) {
    static const enum triage_model_kind kinds[] = {[TRIAGE_DISPOSITION] = TRIAGE_MODEL_DISPOSITION,
        [TRIAGE_INTENSIVE_CARE] = TRIAGE_MODEL_INTENSIVE_CARE,
        [TRIAGE_ADMISSION] = TRIAGE_MODEL_ADMISSION};
    bool silent = false;
    (void)json_get_bool(&silent, json, "readerSilent");
    const yyjson_val *list = json_get(json, "forecasts");
    for (int kind = 0; kind < TRIAGE_FORECAST_COUNT && (list || !silent); kind++) {
        const char *code = triage_forecast_code((enum triage_forecast_kind)kind);
        struct text was = {0};
        size_t i, count;
        yyjson_val *item;
        yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
            if (text_is(json_get_text(item, "code"), code))
                was = json_get_text(item, "model");
        }
        const char *what = text_format(scope->arena, "the model of %s", code).at;
        if (!is_same(out, what, was, readers ? triage_readers_digest(readers, kinds[kind]) : NULL, scope))
            return false;
    }
    return true;
}

static bool is_made_with(struct triage_replayed *out, const yyjson_val *json, const struct triage_policy *policy,
    const struct triage_readers *readers, const struct triage_facts *facts, struct scope *scope) {
    enum triage_model_kind kind = facts->human_level ? TRIAGE_MODEL_LEVEL : TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN;
    return is_same(out, "policy", json_get_text(json, "policy"), triage_policy_digest(policy), scope) &&
           is_same(out, "the model of the level", json_get_text(json, "readerDigest"),
               readers ? triage_readers_digest(readers, kind) : NULL, scope) &&
           is_same(out, "the sites document", json_get_text(json, "sites"),
               readers ? triage_readers_sites_digest(readers) : NULL, scope) &&
           has_same_forecasts(out, json, readers, scope);
}

/* The bytes in the stored one's form: an engine's number and the output's name came later than the first readings. */
static enum status write_again(struct text *out, struct triage_reading *again, const yyjson_val *json,
    const struct triage_facts *facts, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, READING_BYTES_MAX);
    again->engine = integer_of(json, "engine", 0);
    if (!json_get(json, "readerOutput"))
        again->reader_output = NULL;
    triage_write(&w, again, facts);
    return json_finish(out, &w, scope);
}

static enum status compare(
    struct triage_replayed *out, struct text reading, struct text written, int engine, struct scope *scope) {
    size_t at = 0;
    while (at < written.size && at < reading.size && written.at[at] == reading.at[at])
        at++;
    out->bytes = at;
    if (at == written.size && at == reading.size)
        return STATUS_OK;
    if (engine == TRIAGE_ENGINE)
        return fault(scope, STATUS_CONFLICT, "reading",
            "the reading does not replay: first difference at byte %zu of %zu", at, reading.size);
    out->possible = false;
    out->why = engine > 0 ? text_format(scope->arena, "engine %d made it, and this is engine %d", engine, TRIAGE_ENGINE)
                          : text_format(scope->arena, "an engine of before engine 1 made it, and this is engine %d",
                                TRIAGE_ENGINE);
    return STATUS_OK;
}

enum status triage_replay(struct triage_replayed *out, struct text reading, const struct triage_policy *policy,
    const struct triage_readers *readers, struct scope *scope) {
    yyjson_doc *doc = NULL;
    struct triage_facts *facts = NULL;
    struct triage_reading again;
    struct text written = {0};
    *out = (struct triage_replayed){.possible = false};
    enum status status = json_read(&doc, reading, scope);
    const yyjson_val *json = status == STATUS_OK ? yyjson_doc_get_root(doc) : NULL;
    if (status == STATUS_OK)
        status = triage_facts_read(&facts, json_get(json, "facts"), scope);
    if (status != STATUS_OK)
        return status;
    out->possible = is_made_with(out, json, policy, readers, facts, scope);
    if (!out->possible)
        return STATUS_OK;
    status = triage_read_all(&again, policy, readers, facts, scope);
    if (status == STATUS_OK)
        status = write_again(&written, &again, json, facts, scope);
    return status == STATUS_OK ? compare(out, reading, written, integer_of(json, "engine", 0), scope) : status;
}

struct text triage_reading_of(const yyjson_val *risk_assessment) {
    size_t i, count;
    yyjson_val *extension;
    yyjson_arr_foreach(json_get(risk_assessment, "extension"), i, count, extension) {
        if (text_is(json_get_text(extension, "url"), TRIAGE_BASE "/StructureDefinition/triage-reading"))
            return json_get_text(extension, "valueString");
    }
    return (struct text){0};
}
