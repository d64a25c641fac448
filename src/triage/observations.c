#include "triage/gather.h"

#include <math.h>
#include <string.h>

#define LOINC "http://loinc.org"
enum { WEEKS_MAX = 45, OWN_WEEKS_BELOW_MONTHS = 24, WORDS_BYTES_MAX = 1 << 20 };

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
    SPECIAL_INJURY,
    SPECIAL_PRESSURES
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
    {LOINC, "85354-9", SPECIAL_PRESSURES, NULL},
    {LOINC, "55284-4", SPECIAL_PRESSURES, NULL},
    {LOINC, "75636-1", SPECIAL_LEVEL, "esi"},
    {LOINC, "75910-0", SPECIAL_LEVEL, "ctas"},
    {TRIAGE_OBSERVATION_SYSTEM, "human-level", SPECIAL_LEVEL, "ktas"},
    {TRIAGE_OBSERVATION_SYSTEM, "spo2-scale", SPECIAL_SCALE, NULL},
    {TRIAGE_OBSERVATION_SYSTEM, "injury", SPECIAL_INJURY, NULL},
};

/* What turns the words of the scale round: "not alert", "명료하지 않음". Which state is meant is then not told. */
static const char *const mind_negations[] = {
    "not ", "no ", "non", "n't", "without", "않", "없", "아니", "아님", "불명료", "비명료"};

/* Words of depth that no published table places on the scale: drowsiness is roused easily (which is V) in Ropper et al., Adams and
 * Victor's Principles of Neurology, ch. 17, but has a median GCS of 10 between V (13) and P (8) in McNarry and Goldhill, Anaesthesia
 * 2004;59:34-7; "semicoma", "lethargy" and "obtundation" are called ambiguous in the former. Beside them only what is said of voice, pain or
 * no response counts. */
static const char *const mind_unplaced[] = {
    "drows", "기면", "semi", "반혼수", "letharg", "somnol", "obtund", "졸", "glasgow", "precoma", "pre-coma"};

/* Words and codes of the ACVPU scale; a word counts where the text holds it. Coma and stupor by definition (Posner et al., Plum and
 * Posner's Diagnosis of Stupor and Coma; Ropper et al., ch. 17; in Korean, 혼수 and 혼미, the MSD Manual, Maiese 2022): no stimulus
 * rouses from coma (U), from stupor only a vigorous one (P). What is roused is as the word says, not as somebody tried: a note says so. */
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
    {"coma", TRIAGE_UNRESPONSIVE},
    {"혼수", TRIAGE_UNRESPONSIVE},
    {"stupor", TRIAGE_PAIN_ONLY},
    {"혼미", TRIAGE_PAIN_ONLY},
    {"confus", TRIAGE_CONFUSED},
    {"혼동", TRIAGE_CONFUSED},
    {"130987000", TRIAGE_CONFUSED},
    {"alert", TRIAGE_ALERT},
    {"명료", TRIAGE_ALERT},
    {"248234008", TRIAGE_ALERT},
    {"la9340-6", TRIAGE_ALERT},
};
static const char *const mind_defined[] = {"coma", "혼수", "stupor", "혼미"};

/* ---- values ---------------------------------------------------------------------------------------------------------- */

struct reading_value {
    double number;
    struct text unit, word; /* word: what is not a number */
    const char *element;    /* "valueQuantity" */
    bool has_number, has_word;
    struct text comparator; /* "<", "<=", ">", ">="; none: the number itself */
};

/* The text of a concept, or its codings' code and display, as one word. */
static struct text concept_words(const yyjson_val *concept, struct arena *arena) {
    struct buffer words = buffer_open(arena, WORDS_BYTES_MAX);
    size_t i, count;
    yyjson_val *coding;
    buffer_put(&words, json_get_text(concept, "text"));
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        buffer_put_char(&words, ' ');
        buffer_put(&words, json_get_text(coding, "display"));
        buffer_put_char(&words, ' ');
        buffer_put(&words, json_get_text(coding, "code"));
    }
    return words.size ? text_trim(buffer_text(&words)) : (struct text){0};
}

static bool number_read(double *out, const yyjson_val *value) {
    return text_to_double(out, json_number_text(value));
}

/* A value of a kind that is not read here (valueRange, valueSampledData ...) is stated all the same. */
static bool other_value_read(struct reading_value *out, const yyjson_val *holder) {
    size_t i, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)holder, i, count, name, value) {
        const char *element = yyjson_get_str(name);
        if (strncmp(element, "value", 5) == 0 && element[5] != '\0') {
            out->element = element;
            return true;
        }
    }
    out->element = "valueString";
    return false;
}

/* False where nothing is stated (dataAbsentReason). A text that is a number counts as one: "#N/A" does not. What is stated and is
 * neither number nor word has neither: never passed over. */
static bool value_read(struct reading_value *out, const yyjson_val *holder, struct arena *arena) {
    const yyjson_val *quantity = json_get(holder, "valueQuantity"), *concept = json_get(holder, "valueCodeableConcept");
    *out = (struct reading_value){0};
    if (quantity) {
        struct text code = json_get_text(quantity, "code");
        out->element = "valueQuantity";
        out->unit = code.size ? code : json_get_text(quantity, "unit");
        out->comparator = json_get_text(quantity, "comparator");
        const yyjson_val *value = json_get(quantity, "value");
        out->has_number = number_read(&out->number, value);
        return value != NULL || !yyjson_is_obj((yyjson_val *)quantity);
    }
    if (json_get(holder, "valueInteger")) {
        out->element = "valueInteger";
        out->has_number = number_read(&out->number, json_get(holder, "valueInteger"));
        return true;
    }
    if (!concept && !json_get(holder, "valueString"))
        return other_value_read(out, holder);
    out->element = concept ? "valueCodeableConcept" : "valueString";
    out->word = concept ? concept_words(concept, arena) : json_get_text(holder, "valueString");
    out->has_word = out->word.size > 0;
    out->has_number = out->has_word && text_to_double(&out->number, text_trim(out->word));
    return true;
}

static bool text_holds(struct text text, const char *word) {
    size_t size = strlen(word);
    for (size_t at = 0; at + size <= text.size; at++) {
        if (strncasecmp(text.at + at, word, size) == 0)
            return true;
    }
    return false;
}

static bool is_one_of(const char *word, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static bool holds_one_of(struct text text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (text_holds(text, words[i]))
            return true;
    }
    return false;
}

/* `defined`: by what the word means, not by the scale's own words. */
static enum status mind_read(
    enum triage_mind *out, bool *defined, const struct reading_value *value, const char *path, struct scope *scope) {
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
    bool negated = holds_one_of(word, mind_negations, sizeof mind_negations / sizeof mind_negations[0]);
    bool unplaced = holds_one_of(word, mind_unplaced, sizeof mind_unplaced / sizeof mind_unplaced[0]);
    for (size_t i = 0; i < sizeof mind_words / sizeof mind_words[0] && value->has_word; i++) {
        enum triage_mind mind = mind_words[i].mind;
        bool by_definition = is_one_of(mind_words[i].word, mind_defined, sizeof mind_defined / sizeof mind_defined[0]);
        if (!text_holds(word, mind_words[i].word) || (negated && (mind != TRIAGE_UNRESPONSIVE || by_definition)) ||
            (unplaced && (by_definition || mind < TRIAGE_VOICE)))
            continue;
        *out = mind;
        *defined = by_definition;
        return STATUS_OK;
    }
    return fault(scope, STATUS_UNPROCESSABLE, path, "the state of mind is none of A, C, V, P, U");
}

/* ---- one observation ------------------------------------------------------------------------------------------------- */

/* 0 for what is no whole number from 1 to 5: refused by who takes it. */
static int whole_level(const struct reading_value *value) {
    bool whole = value->has_number && value->number >= 1 && value->number <= 5 && floor(value->number) == value->number;
    return whole ? (int)value->number : 0;
}

static bool flag_read(enum triage_answer *out, const yyjson_val *holder) {
    bool flag = false;
    if (!json_get_bool(&flag, holder, "valueBoolean"))
        return false;
    *out = flag ? TRIAGE_YES : TRIAGE_NO;
    return true;
}

static bool word_is_one_of(struct text word, const char *const *list) {
    for (; *list; list++) {
        if (word.size == strlen(*list) && strncasecmp(word.at, *list, word.size) == 0)
            return true;
    }
    return false;
}

static bool word_holds_one_of(struct text word, const char *const *list) {
    while (*list && !text_holds(word, *list))
        list++;
    return *list != NULL;
}

/* LOINC 82810-3, its answers and SNOMED CT's; what is neither is not used, and said. */
static void pregnancy_read(struct triage_facts *facts, const struct reading_value *value, struct text path) {
    static const char *const no[] = {"60001007", "LA26683-5", "not pregnant", "임신 아님", "임신아님", "비임신", NULL};
    static const char *const yes_codes[] = {"77386006", "LA15173-0", NULL},
                             *const yes[] = {"pregnant", "yes", "임신", "임신 중", "임신중", NULL},
                             *const unknown[] = {"LA4489-6", "261665006", "unknown", "모름", NULL};
    struct text word = text_trim(value->word);
    if (word_holds_one_of(word, no))
        facts->pregnant = TRIAGE_NO;
    else if (word_holds_one_of(word, yes_codes) || word_is_one_of(word, yes))
        facts->pregnant = TRIAGE_YES;
    else if (!word_holds_one_of(word, unknown))
        triage_facts_note(facts, "not-used", path, TEXT("임신 여부로 적힌 것을 알아듣지 못해 쓰지 않았습니다"),
            TEXT("what is recorded of a pregnancy was not understood and not used"));
}

/* Weeks of a pregnancy; a small child's are those it was born at. */
static enum status weeks_read(
    struct triage_facts *facts, const struct reading_value *value, struct text path, struct scope *scope) {
    bool days = text_is(value->unit, "d");
    double weeks = days ? value->number / 7 : value->number;
    bool other_unit = value->unit.size && !days && !text_is(value->unit, "wk") && !text_is(value->unit, "weeks");
    if (!value->has_number || other_unit || !(weeks >= 1 && weeks <= WEEKS_MAX))
        return fault(scope, STATUS_UNPROCESSABLE, path.at, "gestational age lies between 1 and %d wk", WEEKS_MAX);
    if (facts->age_months < 0 || facts->age_months >= OWN_WEEKS_BELOW_MONTHS)
        facts->pregnant = TRIAGE_YES;
    return STATUS_OK;
}

static enum status flow_read(
    struct triage_facts *facts, const struct reading_value *value, struct text path, struct scope *scope) {
    static const char *const litres[] = {"L/min", "L/Min", "lpm", "{L}/min", NULL};
    bool millilitres = text_is(value->unit, "mL/min");
    if (value->unit.size && !millilitres && !word_is_one_of(value->unit, litres))
        return fault(scope, STATUS_UNPROCESSABLE, path.at, "the unit does not fit oxygen flow; it is given in L/min");
    double flow = millilitres ? value->number / 1000 : value->number;
    if (!value->has_number || !(flow >= 0 && flow <= 100))
        return fault(scope, STATUS_UNPROCESSABLE, path.at, "oxygen flow lies between 0 and 100 L/min");
    facts->oxygen = flow > 0 ? TRIAGE_YES : TRIAGE_NO;
    return STATUS_OK;
}

/* A share of 1 or of 100; nobody breathes less than air holds (a fifth, as some write it). */
static enum status fraction_read(
    struct triage_facts *facts, const struct reading_value *value, struct text path, struct scope *scope) {
    bool of_one = text_is(value->unit, "1") || (value->unit.size == 0 && value->number <= 1);
    double percent = of_one ? value->number * 100 : value->number;
    if (!value->has_number || (value->unit.size && !of_one && !text_is(value->unit, "%")) ||
        !(percent >= 20 && percent <= 100))
        return fault(scope, STATUS_UNPROCESSABLE, path.at, "the oxygen fraction lies between 20 and 100 %%");
    facts->oxygen = percent > 21.5 ? TRIAGE_YES : TRIAGE_NO;
    return STATUS_OK;
}

static enum status mind_put(
    struct triage_facts *facts, const struct reading_value *value, struct text path, struct scope *scope) {
    bool defined = false;
    enum status status = mind_read(&facts->mind, &defined, value, path.at, scope);
    if (status == STATUS_OK && defined)
        triage_facts_note(facts, "derived", path, TEXT("의식(AVPU)은 혼수·혼미라는 말의 뜻으로 미루어 읽었습니다"),
            TEXT("the state of mind (AVPU) was read from what coma or stupor means"));
    return status;
}

static enum status stated_read(struct gather *gather, const struct reading_value *value, size_t row, struct text path) {
    struct triage_facts *facts = gather->facts;
    struct triage_text complaint = {.kind = TRIAGE_TEXT_COMPLAINT, .text = value->word, .path = path};
    switch (specials[row].special) {
    case SPECIAL_MIND:
        return mind_put(facts, value, path, gather->scope);
    case SPECIAL_OXYGEN_FLOW:
        return flow_read(facts, value, path, gather->scope);
    case SPECIAL_OXYGEN_FRACTION:
        return fraction_read(facts, value, path, gather->scope);
    case SPECIAL_PREGNANCY:
        pregnancy_read(facts, value, path);
        return STATUS_OK;
    case SPECIAL_WEEKS:
        return weeks_read(facts, value, path, gather->scope);
    case SPECIAL_COMPLAINT:
        return value->has_word ? triage_facts_put_text(facts, complaint, gather->scope)
                               : fault(gather->scope, STATUS_UNPROCESSABLE, path.at, "a complaint is words");
    case SPECIAL_LEVEL:
        return triage_facts_put_human_level(
            facts, whole_level(value), text_from(specials[row].level_system), path, gather->scope);
    case SPECIAL_SCALE:
        if (!value->has_number || (value->number != 1 && value->number != 2))
            return fault(gather->scope, STATUS_UNPROCESSABLE, path.at, "the SpO2 scale of NEWS2 is 1 or 2");
        facts->hypercapnic = value->number == 2 ? TRIAGE_YES : TRIAGE_NO;
        return STATUS_OK;
    case SPECIAL_INJURY:
        return fault(gather->scope, STATUS_UNPROCESSABLE, path.at, "an injury is told by valueBoolean");
    case SPECIAL_PRESSURES:
        return fault(gather->scope, STATUS_UNPROCESSABLE, path.at,
            "a panel of pressures holds them in its components, 8480-6 and 8462-4");
    }
    return STATUS_OK;
}

/* A flow and a fraction tell of one oxygen, weeks and a test of one pregnancy: the later replaces the earlier, whichever it is. */
static enum special fact_of(enum special special) {
    return special == SPECIAL_OXYGEN_FRACTION ? SPECIAL_OXYGEN_FLOW
           : special == SPECIAL_WEEKS         ? SPECIAL_PREGNANCY
                                              : special;
}

static enum triage_answer more_careful(enum triage_answer before, enum triage_answer now) {
    return before == TRIAGE_YES ? before : now;
}

static enum status special_read(
    struct gather *gather, const struct gathered *item, const yyjson_val *holder, size_t row) {
    enum special special = specials[row].special;
    struct reading_value value;
    if (!value_read(&value, holder, gather->scope->arena))
        return STATUS_OK;
    int64_t at = gather_time(gather, item->resource);
    struct triage_facts *facts = gather->facts;
    struct gather_standing *standing = &gather->specials[fact_of(special)];
    if (special != SPECIAL_COMPLAINT && standing->is_set && at < standing->at_us)
        return STATUS_OK;
    bool is_beside = standing->is_set && at == standing->at_us && standing->by != (int)special;
    enum triage_answer oxygen = facts->oxygen, pregnant = facts->pregnant;
    *standing = (struct gather_standing){true, at, (int)special};
    if ((special == SPECIAL_PREGNANCY && flag_read(&facts->pregnant, holder)) ||
        (special == SPECIAL_INJURY && flag_read(&facts->injury, holder)))
        return STATUS_OK;
    enum status status = stated_read(gather, &value, row, gather_path(gather, item, value.element));
    if (is_beside) { /* of one moment, in whatever order */
        facts->oxygen = more_careful(oxygen, facts->oxygen);
        facts->pregnant = more_careful(pregnant, facts->pregnant);
    }
    return status;
}

/* "< 90" is read one step beyond the bound, so that no band is missed: 89. */
static void bound_read(
    struct gather *gather, struct reading_value *value, enum triage_measure measure, struct text path) {
    bool fine = measure == TRIAGE_TEMPERATURE || measure == TRIAGE_POTASSIUM || measure == TRIAGE_LACTATE;
    double step = text_is(value->unit, "1") ? 0.01 : fine ? 0.1 : 1;
    bool strict = text_is(value->comparator, "<") || text_is(value->comparator, ">");
    bool below = text_starts(value->comparator, "<");
    double beyond = value->number + (below ? -step : step);
    if (strict && beyond >= 0)
        value->number = beyond;
    triage_facts_note(gather->facts, "bound", path,
        text_format(gather->scope->arena, "%s: 값이 아니라 한계로 적혀 있어 그 바로 너머로 읽었습니다",
            triage_measure_label(measure, "ko")),
        text_format(gather->scope->arena, "%s is recorded as a bound and was read just beyond it",
            triage_measure_label(measure, "en")));
}

static enum status measure_read(
    struct gather *gather, const struct gathered *item, const yyjson_val *holder, size_t row, const char *holder_path) {
    enum triage_measure measure = measures[row].measure;
    struct reading_value value;
    if (!value_read(&value, holder, gather->scope->arena))
        return STATUS_OK;
    const char *element = text_format(gather->scope->arena, "%s%s", holder_path, value.element).at;
    struct text path = gather_path(gather, item, element);
    if (!value.has_number)
        return fault(
            gather->scope, STATUS_UNPROCESSABLE, path.at, "%s is not a number", triage_measure_label(measure, "en"));
    if (value.comparator.size)
        bound_read(gather, &value, measure, path);
    struct text unit = value.unit.size ? value.unit : text_from(measures[row].unit);
    return triage_facts_put(
        gather->facts, measure, value.number, unit, path, gather_time(gather, item->resource), gather->scope);
}

/* A value beside the reason why there is none: one of the two is wrong. */
static enum status absence_check(
    struct gather *gather, const struct gathered *item, const yyjson_val *holder, const char *holder_path) {
    struct reading_value value;
    if (!json_get(holder, "dataAbsentReason") || !value_read(&value, holder, gather->scope->arena))
        return STATUS_OK;
    const char *element = text_format(gather->scope->arena, "%sdataAbsentReason", holder_path).at;
    return fault(gather->scope, STATUS_UNPROCESSABLE, gather_path(gather, item, element).at,
        "a value stands beside the reason why there is none");
}

/* *known: the code is one of the tables'. */
static enum status holder_read(bool *known, struct gather *gather, const struct gathered *item,
    const yyjson_val *holder, const char *holder_path) {
    const yyjson_val *code = json_get(holder, "code");
    *known = true;
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++) {
        if (!gather_has_code(code, LOINC, measures[i].code))
            continue;
        enum status status = absence_check(gather, item, holder, holder_path);
        return status == STATUS_OK ? measure_read(gather, item, holder, i, holder_path) : status;
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
