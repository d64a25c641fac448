#include "triage/gather.h"

#include <math.h>
#include <string.h>

#define LOINC "http://loinc.org"
#define SNOMED "http://snomed.info/sct"

/* LOINC codes and what they measure. `unit`: what a bare number means where it is not the measure's own unit. */
static const struct {
    const char *code;
    enum triage_measure measure;
    const char *unit;
} measures[] = {
    {"9279-1", TRIAGE_RESPIRATION, ""},
    {"2708-6", TRIAGE_SPO2, ""},
    {"59408-5", TRIAGE_SPO2, ""},
    {"20564-1", TRIAGE_SPO2, ""},
    {"8480-6", TRIAGE_SYSTOLIC, ""},
    {"8462-4", TRIAGE_DIASTOLIC, ""},
    {"8867-4", TRIAGE_PULSE, ""},
    {"8889-8", TRIAGE_PULSE, ""},
    {"8310-5", TRIAGE_TEMPERATURE, ""},
    {"8331-1", TRIAGE_TEMPERATURE, ""},
    {"8328-7", TRIAGE_TEMPERATURE, ""},
    {"8332-5", TRIAGE_TEMPERATURE, ""},
    {"8329-5", TRIAGE_TEMPERATURE, ""},
    {"76010-8", TRIAGE_TEMPERATURE, ""},
    {"9269-2", TRIAGE_GCS, ""},
    {"72514-3", TRIAGE_PAIN, ""},
    {"6690-2", TRIAGE_LEUCOCYTES, ""},
    {"26464-8", TRIAGE_LEUCOCYTES, ""},
    {"2339-0", TRIAGE_GLUCOSE, ""},
    {"2345-7", TRIAGE_GLUCOSE, ""},
    {"41653-7", TRIAGE_GLUCOSE, ""},
    {"15074-8", TRIAGE_GLUCOSE, "mmol/L"},
    {"2823-3", TRIAGE_POTASSIUM, ""},
    {"6298-4", TRIAGE_POTASSIUM, ""},
    {"2524-7", TRIAGE_LACTATE, ""},
    {"32693-4", TRIAGE_LACTATE, ""},
};

enum special {
    SPECIAL_MIND,
    SPECIAL_OXYGEN_FLOW,
    SPECIAL_OXYGEN_FRACTION,
    SPECIAL_PREGNANCY,
    SPECIAL_WEEKS,
    SPECIAL_COMPLAINT,
    SPECIAL_LEVEL,
    SPECIAL_SCALE,
    SPECIAL_INJURY
};
static const struct {
    const char *system, *code;
    enum special special;
    const char *level_system;
} specials[] = {
    {LOINC, "67775-7", SPECIAL_MIND, NULL},
    {LOINC, "80288-4", SPECIAL_MIND, NULL},
    {LOINC, "11454-1", SPECIAL_MIND, NULL},
    {LOINC, "3151-8", SPECIAL_OXYGEN_FLOW, NULL},
    {LOINC, "3150-6", SPECIAL_OXYGEN_FRACTION, NULL},
    {LOINC, "19994-3", SPECIAL_OXYGEN_FRACTION, NULL},
    {LOINC, "82810-3", SPECIAL_PREGNANCY, NULL},
    {LOINC, "18185-9", SPECIAL_WEEKS, NULL},
    {LOINC, "49051-6", SPECIAL_WEEKS, NULL},
    {LOINC, "8661-1", SPECIAL_COMPLAINT, NULL},
    {LOINC, "10154-3", SPECIAL_COMPLAINT, NULL},
    {LOINC, "46239-0", SPECIAL_COMPLAINT, NULL},
    {LOINC, "75636-1", SPECIAL_LEVEL, "esi"},
    {LOINC, "75910-0", SPECIAL_LEVEL, "ctas"},
    {TRIAGE_OBSERVATION_SYSTEM, "human-level", SPECIAL_LEVEL, "ktas"},
    {TRIAGE_OBSERVATION_SYSTEM, "spo2-scale", SPECIAL_SCALE, NULL},
    {TRIAGE_OBSERVATION_SYSTEM, "injury", SPECIAL_INJURY, NULL},
};

/* Words and codes of the ACVPU scale; a word counts where the text holds it. */
static const struct {
    const char *word;
    enum triage_mind mind;
} mind_words[] = {
    {"unresponsive", TRIAGE_UNRESPONSIVE},
    {"no response", TRIAGE_UNRESPONSIVE},
    {"무반응", TRIAGE_UNRESPONSIVE},
    {"422107000", TRIAGE_UNRESPONSIVE},
    {"la9343-0", TRIAGE_UNRESPONSIVE},
    {"pain", TRIAGE_PAIN_ONLY},
    {"통증", TRIAGE_PAIN_ONLY},
    {"450847001", TRIAGE_PAIN_ONLY},
    {"la17107-6", TRIAGE_PAIN_ONLY},
    {"voice", TRIAGE_VOICE},
    {"verbal", TRIAGE_VOICE},
    {"음성", TRIAGE_VOICE},
    {"언어", TRIAGE_VOICE},
    {"300202002", TRIAGE_VOICE},
    {"la17108-4", TRIAGE_VOICE},
    {"confus", TRIAGE_CONFUSED},
    {"혼동", TRIAGE_CONFUSED},
    {"130987000", TRIAGE_CONFUSED},
    {"alert", TRIAGE_ALERT},
    {"명료", TRIAGE_ALERT},
    {"248234008", TRIAGE_ALERT},
    {"la9340-6", TRIAGE_ALERT},
};

/* ---- values ---------------------------------------------------------------------------------------------------------- */

struct reading_value {
    double number;
    struct text unit, word; /* word: what is not a number */
    const char *element;    /* "valueQuantity" */
    bool has_number, has_word;
};

/* The text of a concept, or its codings' code and display, as one word. */
static struct text concept_words(const yyjson_val *concept, struct arena *arena) {
    struct text words = json_get_text(concept, "text");
    size_t i, count;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        struct text display = json_get_text(coding, "display"), code = json_get_text(coding, "code");
        words = text_format(arena, "%.*s %.*s %.*s", (int)words.size, words.at ? words.at : "", (int)display.size,
            display.at ? display.at : "", (int)code.size, code.at ? code.at : "");
    }
    return words.at ? text_trim(words) : words;
}

static bool number_read(double *out, const yyjson_val *value) {
    return text_to_double(out, json_number_text(value));
}

/* False where nothing is stated (dataAbsentReason). A text that is a number counts as one: "#N/A" does not. */
static bool value_read(struct reading_value *out, const yyjson_val *holder, struct arena *arena) {
    const yyjson_val *quantity = json_get(holder, "valueQuantity"), *concept = json_get(holder, "valueCodeableConcept");
    *out = (struct reading_value){0};
    if (quantity) {
        struct text code = json_get_text(quantity, "code");
        out->element = "valueQuantity";
        out->unit = code.size ? code : json_get_text(quantity, "unit");
        const yyjson_val *value = json_get(quantity, "value");
        out->has_number = number_read(&out->number, value);
        out->has_word = value && !out->has_number; /* something is stated there that is no number: not passed over */
        out->word = out->has_word ? TEXT("no number") : (struct text){0};
        return value != NULL;
    }
    if (json_get(holder, "valueInteger")) {
        out->element = "valueInteger";
        out->has_number = number_read(&out->number, json_get(holder, "valueInteger"));
        return true;
    }
    out->element = concept ? "valueCodeableConcept" : "valueString";
    out->word = concept ? concept_words(concept, arena) : json_get_text(holder, "valueString");
    out->has_word = out->word.size > 0;
    out->has_number = out->has_word && text_to_double(&out->number, text_trim(out->word));
    return out->has_word;
}

static bool text_holds(struct text text, const char *word) {
    size_t size = strlen(word);
    for (size_t at = 0; at + size <= text.size; at++) {
        if (strncasecmp(text.at + at, word, size) == 0)
            return true;
    }
    return false;
}

static enum status mind_read(
    enum triage_mind *out, const struct reading_value *value, const char *path, struct scope *scope) {
    static const char letters[] = "ACVPU";
    struct text word = text_trim(value->word);
    if (word.size == 1) {
        char c = (char)(word.at[0] & ~0x20);
        const char *at = strchr(letters, c);
        if (at && c) {
            *out = (enum triage_mind)(TRIAGE_ALERT + (at - letters));
            return STATUS_OK;
        }
    }
    for (size_t i = 0; i < sizeof mind_words / sizeof mind_words[0]; i++) {
        if (value->has_word && text_holds(word, mind_words[i].word)) {
            *out = mind_words[i].mind;
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_UNPROCESSABLE, path, "the state of mind is none of A, C, V, P, U");
}

/* ---- one observation ------------------------------------------------------------------------------------------------- */

/* 0 for what is no whole number from 1 to 5: refused by who takes it. */
static int whole_level(const struct reading_value *value) {
    bool whole = value->has_number && value->number >= 1 && value->number <= 5 && floor(value->number) == value->number;
    return whole ? (int)value->number : 0;
}

static enum status special_read(
    struct gather *gather, const struct gathered *item, const yyjson_val *holder, size_t row) {
    struct triage_facts *facts = gather->facts;
    struct reading_value value;
    bool flag = false, stated = value_read(&value, holder, gather->scope->arena);
    struct text path = gather_path(gather, item, value.element);
    int64_t at = gather_time(gather, item->resource), *standing = &gather->special_at[specials[row].special];
    if (specials[row].special != SPECIAL_COMPLAINT && at < *standing)
        return STATUS_OK;
    *standing = stated || json_get(holder, "valueBoolean") ? at : *standing;
    switch (specials[row].special) {
    case SPECIAL_MIND:
        return stated ? mind_read(&facts->mind, &value, path.at, gather->scope) : STATUS_OK;
    case SPECIAL_OXYGEN_FLOW:
        if (stated && (!value.has_number || value.number < 0 || value.number > 100))
            return fault(gather->scope, STATUS_UNPROCESSABLE, path.at, "oxygen flow lies between 0 and 100 L/min");
        facts->oxygen = !stated ? facts->oxygen : value.number > 0 ? TRIAGE_YES : TRIAGE_NO;
        return STATUS_OK;
    case SPECIAL_OXYGEN_FRACTION:
        if (stated && (!value.has_number || value.number <= 0 || value.number > 100))
            return fault(gather->scope, STATUS_UNPROCESSABLE, path.at, "the oxygen fraction lies between 0 and 100 %%");
        if (stated)
            facts->oxygen = (value.number <= 1 ? value.number * 100 : value.number) > 21.5 ? TRIAGE_YES : TRIAGE_NO;
        return STATUS_OK;
    case SPECIAL_PREGNANCY:
        if (stated)
            facts->pregnant = text_holds(value.word, "60001007") || text_holds(value.word, "not pregnant") ||
                                      text_holds(value.word, "LA26683-5")
                                  ? TRIAGE_NO
                              : text_holds(value.word, "77386006") || text_holds(value.word, "LA15173-0") ||
                                      text_is(value.word, "pregnant")
                                  ? TRIAGE_YES
                                  : facts->pregnant;
        return STATUS_OK;
    case SPECIAL_WEEKS:
        facts->pregnant = stated && value.has_number ? TRIAGE_YES : facts->pregnant;
        return STATUS_OK;
    case SPECIAL_COMPLAINT:
        return !value.has_word
                   ? STATUS_OK
                   : triage_facts_put_text(facts,
                         (struct triage_text){.kind = TRIAGE_TEXT_COMPLAINT, .text = value.word, .path = path},
                         gather->scope);
    case SPECIAL_LEVEL:
        return !stated ? STATUS_OK
                       : triage_facts_put_human_level(
                             facts, whole_level(&value), text_from(specials[row].level_system), path, gather->scope);
    case SPECIAL_SCALE:
        facts->hypercapnic =
            stated && value.has_number ? (value.number == 2 ? TRIAGE_YES : TRIAGE_NO) : facts->hypercapnic;
        return STATUS_OK;
    case SPECIAL_INJURY:
        if (json_get_bool(&flag, holder, "valueBoolean"))
            facts->injury = flag ? TRIAGE_YES : TRIAGE_NO;
        return STATUS_OK;
    }
    return STATUS_OK;
}

static enum status measure_read(
    struct gather *gather, const struct gathered *item, const yyjson_val *holder, size_t row, const char *holder_path) {
    struct reading_value value;
    if (!value_read(&value, holder, gather->scope->arena))
        return STATUS_OK;
    const char *element = text_format(gather->scope->arena, "%s%s", holder_path, value.element).at;
    struct text path = gather_path(gather, item, element);
    if (!value.has_number)
        return fault(gather->scope, STATUS_UNPROCESSABLE, path.at, "%s is not a number",
            triage_measure_label(measures[row].measure, "en"));
    struct text unit = value.unit.size ? value.unit : text_from(measures[row].unit);
    return triage_facts_put(gather->facts, measures[row].measure, value.number, unit, path,
        gather_time(gather, item->resource), gather->scope);
}

/* *known: the code is one of the tables'. */
static enum status holder_read(bool *known, struct gather *gather, const struct gathered *item,
    const yyjson_val *holder, const char *holder_path) {
    const yyjson_val *code = json_get(holder, "code");
    *known = true;
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++) {
        if (gather_has_code(code, LOINC, measures[i].code))
            return measure_read(gather, item, holder, i, holder_path);
    }
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (gather_has_code(code, specials[i].system, specials[i].code))
            return special_read(gather, item, holder, i);
    }
    *known = false;
    return STATUS_OK;
}

static bool category_speaks(const yyjson_val *resource) {
    static const char *const mute[] = {"survey", "social-history", "vital-signs", "laboratory"};
    size_t i, count;
    yyjson_val *category;
    yyjson_arr_foreach(json_get(resource, "category"), i, count, category) {
        for (size_t k = 0; k < sizeof mute / sizeof mute[0]; k++) {
            if (gather_has_code(category, NULL, mute[k]))
                return false;
        }
    }
    return true;
}

/* What an examination says in words: "ST elevation in II, III, aVF"; a finding that is true. */
static enum status finding_read(struct gather *gather, const struct gathered *item) {
    const yyjson_val *resource = item->resource;
    bool present = false;
    if (!category_speaks(resource))
        return STATUS_OK;
    if (json_get_bool(&present, resource, "valueBoolean"))
        return !present ? STATUS_OK
                        : gather_finding(
                              gather, item, concept_words(json_get(resource, "code"), gather->scope->arena), "code");
    struct text words = json_get_text(resource, "valueString");
    if (words.size)
        return gather_finding(gather, item, words, "valueString");
    words = concept_words(json_get(resource, "valueCodeableConcept"), gather->scope->arena);
    return words.size ? gather_finding(gather, item, words, "valueCodeableConcept") : STATUS_OK;
}

enum status gather_observation(struct gather *gather, const struct gathered *item) {
    struct text observed = json_get_text(item->resource, "status");
    if (text_is(observed, "entered-in-error") || text_is(observed, "cancelled") || !gather_is_current(gather, item))
        return STATUS_OK;
    bool known = false, any = false;
    enum status status = holder_read(&known, gather, item, item->resource, "");
    any = known;
    size_t i, count;
    yyjson_val *component;
    yyjson_arr_foreach(json_get(item->resource, "component"), i, count, component) {
        if (status != STATUS_OK)
            return status;
        status =
            holder_read(&known, gather, item, component, text_format(gather->scope->arena, "component[%zu].", i).at);
        any = any || known;
    }
    return status != STATUS_OK || any ? status : finding_read(gather, item);
}
