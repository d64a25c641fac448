/* Facts: units, ranges, and what only shows in the whole. */
#include "triage/triage.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

/* Ranges hold what a living or dying patient can show; what lies outside is a slip of unit or key, and is refused. */
static const struct {
    const char *code, *unit, *ko, *en;
    double low, high;
} measures[TRIAGE_MEASURE_COUNT] = {
    [TRIAGE_RESPIRATION] = {"respiration", "/min", "호흡수", "respiratory rate", 0, 120},
    [TRIAGE_SPO2] = {"spo2", "%", "산소포화도", "oxygen saturation", 10, 100},
    [TRIAGE_SYSTOLIC] = {"systolic", "mm[Hg]", "수축기 혈압", "systolic pressure", 20, 320},
    [TRIAGE_DIASTOLIC] = {"diastolic", "mm[Hg]", "이완기 혈압", "diastolic pressure", 5,
        320}, /* exchanged pressures must come in */
    [TRIAGE_PULSE] = {"pulse", "/min", "심박수", "heart rate", 0, 350},
    [TRIAGE_TEMPERATURE] = {"temperature", "Cel", "체온", "temperature", 10, 46},
    [TRIAGE_GCS] = {"gcs", "{score}", "GCS", "GCS", 3, 15},
    [TRIAGE_PAIN] = {"pain", "{score}", "통증(NRS)", "pain (NRS)", 0, 10},
    [TRIAGE_LEUCOCYTES] = {"leucocytes", "10*3/uL", "백혈구", "leucocytes", 0, 1000},
    [TRIAGE_GLUCOSE] = {"glucose", "mg/dL", "혈당", "glucose", 5, 3000},
    [TRIAGE_POTASSIUM] = {"potassium", "mmol/L", "칼륨", "potassium", 0.5, 15},
    [TRIAGE_LACTATE] = {"lactate", "mmol/L", "젖산", "lactate", 0, 60},
};

const char *triage_measure_code(enum triage_measure measure) {
    return measures[measure].code;
}
const char *triage_measure_unit(enum triage_measure measure) {
    return measures[measure].unit;
}
const char *triage_measure_label(enum triage_measure measure, const char *language) {
    return strcmp(language, "ko") == 0 ? measures[measure].ko : measures[measure].en;
}
bool triage_measure_holds(enum triage_measure measure, double value) {
    return value >= measures[measure].low && value <= measures[measure].high;
}

/* value in the measure's unit = (value + shift) * factor. `same`: another spelling of the unit, no note. */
static const struct {
    enum triage_measure measure;
    const char *unit;
    double shift, factor;
    bool same;
} units[] = {
    {TRIAGE_RESPIRATION, "/min", 0, 1, true},
    {TRIAGE_RESPIRATION, "{breaths}/min", 0, 1, true},
    {TRIAGE_RESPIRATION, "1/min", 0, 1, true},
    {TRIAGE_RESPIRATION, "{Breaths}/min", 0, 1, true},
    {TRIAGE_RESPIRATION, "breaths/minute", 0, 1, true},
    {TRIAGE_RESPIRATION, "breaths/min", 0, 1, true},
    {TRIAGE_RESPIRATION, "/s", 0, 60, false},
    {TRIAGE_RESPIRATION, "Hz", 0, 60, false},
    {TRIAGE_SPO2, "%", 0, 1, true},
    {TRIAGE_SPO2, "percent", 0, 1, true},
    {TRIAGE_SPO2, "1", 0, 100, false},
    {TRIAGE_SYSTOLIC, "mm[Hg]", 0, 1, true},
    {TRIAGE_SYSTOLIC, "mmHg", 0, 1, true},
    {TRIAGE_SYSTOLIC, "mm Hg", 0, 1, true},
    {TRIAGE_SYSTOLIC, "kPa", 0, 7.500617, false},
    {TRIAGE_SYSTOLIC, "cm[Hg]", 0, 10, false},
    {TRIAGE_PULSE, "/min", 0, 1, true},
    {TRIAGE_PULSE, "{beats}/min", 0, 1, true},
    {TRIAGE_PULSE, "1/min", 0, 1, true},
    {TRIAGE_PULSE, "{Beats}/min", 0, 1, true},
    {TRIAGE_PULSE, "beats/minute", 0, 1, true},
    {TRIAGE_PULSE, "beats/min", 0, 1, true},
    {TRIAGE_PULSE, "bpm", 0, 1, true},
    {TRIAGE_PULSE, "/s", 0, 60, false},
    {TRIAGE_PULSE, "Hz", 0, 60, false},
    {TRIAGE_TEMPERATURE, "Cel", 0, 1, true},
    {TRIAGE_TEMPERATURE, "C", 0, 1, true},
    {TRIAGE_TEMPERATURE, "°C", 0, 1, true},
    {TRIAGE_TEMPERATURE, "degC", 0, 1, true},
    {TRIAGE_TEMPERATURE, "℃", 0, 1, true},
    {TRIAGE_TEMPERATURE, "degrees C", 0, 1, true},
    {TRIAGE_TEMPERATURE, "[degF]", -32, 5.0 / 9, false},
    {TRIAGE_TEMPERATURE, "degF", -32, 5.0 / 9, false},
    {TRIAGE_TEMPERATURE, "°F", -32, 5.0 / 9, false},
    {TRIAGE_TEMPERATURE, "℉", -32, 5.0 / 9, false},
    {TRIAGE_TEMPERATURE, "F", -32, 5.0 / 9, false},
    {TRIAGE_TEMPERATURE, "degrees F", -32, 5.0 / 9, false},
    {TRIAGE_TEMPERATURE, "K", -273.15, 1, false},
    {TRIAGE_GCS, "{score}", 0, 1, true},
    {TRIAGE_GCS, "1", 0, 1, true},
    {TRIAGE_GCS, "{GCS}", 0, 1, true},
    {TRIAGE_GCS, "score", 0, 1, true},
    {TRIAGE_PAIN, "{score}", 0, 1, true},
    {TRIAGE_PAIN, "1", 0, 1, true},
    {TRIAGE_PAIN, "{NRS}", 0, 1, true},
    {TRIAGE_PAIN, "score", 0, 1, true},
    {TRIAGE_LEUCOCYTES, "10*3/uL", 0, 1, true},
    {TRIAGE_LEUCOCYTES, "10*9/L", 0, 1, true},
    {TRIAGE_LEUCOCYTES, "K/uL", 0, 1, true},
    {TRIAGE_LEUCOCYTES, "/uL", 0, 0.001, false},
    {TRIAGE_LEUCOCYTES, "/mm3", 0, 0.001, false},
    {TRIAGE_GLUCOSE, "mg/dL", 0, 1, true},
    {TRIAGE_GLUCOSE, "mmol/L", 0, 18.016, false},
    {TRIAGE_POTASSIUM, "mmol/L", 0, 1, true},
    {TRIAGE_POTASSIUM, "meq/L", 0, 1, true},
    {TRIAGE_POTASSIUM, "mEq/L", 0, 1, true},
    {TRIAGE_LACTATE, "mmol/L", 0, 1, true},
    {TRIAGE_LACTATE, "mg/dL", 0, 0.111, false},
};
/* A bare number that can only be Fahrenheit, or only a fraction. */
enum { FAHRENHEIT_LOW = 77, FAHRENHEIT_HIGH = 115, AMBIGUOUS_BELOW = 20 };

struct triage_facts *triage_facts_new(struct arena *arena) {
    struct triage_facts *facts = ARENA_NEW(arena, struct triage_facts);
    facts->age_months = -1;
    facts->onset_minutes = -1;
    facts->texts = ARENA_ARRAY(arena, struct triage_text, TRIAGE_TEXTS_MAX);
    facts->notes = ARENA_ARRAY(arena, struct triage_note, TRIAGE_NOTES_MAX);
    return facts;
}

void triage_facts_note(struct triage_facts *facts, const char *code, struct text path, struct text ko, struct text en) {
    if (facts->note_count < TRIAGE_NOTES_MAX)
        facts->notes[facts->note_count++] = (struct triage_note){code, path, ko, en};
}

/* The step in which a converted value is kept: finer than any band of it. */
static double step_of(enum triage_measure measure) {
    return measure == TRIAGE_LEUCOCYTES ? 100 : 10;
}

/* A number without its unit that another unit makes likelier: a diastolic pressure in kPa, glucose in mmol/L. */
static bool is_ambiguous(enum triage_measure measure, double value, struct text unit) {
    return unit.size == 0 && (measure == TRIAGE_DIASTOLIC || measure == TRIAGE_GLUCOSE) && value < AMBIGUOUS_BELOW;
}

static const char *path_string(struct text path, struct scope *scope) {
    return path.at ? text_string(scope->arena, path) : "";
}

/* Pressures share one list of units. */
static enum triage_measure unit_family(enum triage_measure measure) {
    return measure == TRIAGE_DIASTOLIC ? TRIAGE_SYSTOLIC : measure;
}

/* Brings *value into the measure's unit. *converted tells what it was, NULL when it was right already. */
static bool unit_convert(double *value, const char **converted, enum triage_measure measure, struct text unit) {
    *converted = NULL;
    if (unit.size == 0) {
        if (measure == TRIAGE_TEMPERATURE && *value >= FAHRENHEIT_LOW && *value <= FAHRENHEIT_HIGH)
            unit = TEXT("[degF]");
        else if (measure == TRIAGE_SPO2 && *value > 0 && *value <= 1)
            unit = TEXT("1");
        else
            return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].measure != unit_family(measure) || !text_is(unit, units[i].unit))
            continue;
        *value = (*value + units[i].shift) * units[i].factor;
        if (!units[i].same)
            *converted = units[i].unit;
        return true;
    }
    return false;
}

/* Both units are in daily use, and a number of the one can be one of the other. */
static bool is_in_two_units(enum triage_measure measure) {
    return measure == TRIAGE_TEMPERATURE || measure == TRIAGE_GLUCOSE || measure == TRIAGE_LACTATE;
}

static const char *shown_unit(enum triage_measure measure) {
    return measure == TRIAGE_TEMPERATURE ? "°C" : measures[measure].unit;
}

/* Two values of one kind and one moment: the one that comes last stands, and the other is told. */
static void note_second(struct triage_facts *facts, enum triage_measure measure, double value, struct scope *scope) {
    const struct triage_value *first = &facts->values[measure];
    const char *when_ko = first->at_us ? "같은 때의" : "때가 적히지 않은";
    const char *when_en = first->at_us ? "of one moment" : "without a time";
    triage_facts_note(facts, "not-used", first->path,
        text_format(scope->arena, "%s %s 값이 둘입니다: 쓴 값 %g, 쓰지 않은 값 %g", when_ko, measures[measure].ko,
            value, first->value),
        text_format(scope->arena, "there are two values of %s %s: %g was used, %g was not", measures[measure].en,
            when_en, value, first->value));
}

enum status triage_facts_put(struct triage_facts *facts, enum triage_measure measure, double value, struct text unit,
    struct text path, int64_t at_us, struct scope *scope) {
    const char *converted = NULL, *where = path_string(path, scope);
    if (!isfinite(value))
        return fault(scope, STATUS_UNPROCESSABLE, where, "%s is not a number", measures[measure].en);
    if (!unit_convert(&value, &converted, measure, unit))
        return fault(scope, STATUS_UNPROCESSABLE, where, "the unit does not fit %s; it is given in %s",
            measures[measure].en, measures[measure].unit);
    if (!triage_measure_holds(measure, value))
        return fault(scope, STATUS_UNPROCESSABLE, where, "%s is impossible: it lies between %g and %g %s",
            measures[measure].en, measures[measure].low, measures[measure].high, measures[measure].unit);
    if (is_ambiguous(measure, value, unit))
        return fault(
            scope, STATUS_UNPROCESSABLE, where, "%s under %d needs its unit", measures[measure].en, AMBIGUOUS_BELOW);
    if (measure == TRIAGE_GCS && value != floor(value))
        return fault(scope, STATUS_UNPROCESSABLE, where, "GCS is a whole number");
    if (converted) {
        value = floor(value * step_of(measure) + 0.5) / step_of(measure);
        triage_facts_note(facts, "converted", path,
            text_format(scope->arena, "%s 단위를 바꿔 읽었습니다(%s → %s)", measures[measure].ko, converted,
                measures[measure].unit),
            text_format(scope->arena, "the unit of %s was converted (%s → %s)", measures[measure].en, converted,
                measures[measure].unit));
    }
    if (unit.size == 0 && !converted && is_in_two_units(measure))
        triage_facts_note(facts, "assumed", path,
            text_format(scope->arena, "%s에 단위가 없어 %s로 읽었습니다", measures[measure].ko, shown_unit(measure)),
            text_format(scope->arena, "%s has no unit and was read in %s", measures[measure].en, shown_unit(measure)));
    struct triage_value *slot = &facts->values[measure];
    if (slot->known && at_us == slot->at_us && value != slot->value)
        note_second(facts, measure, value, scope);
    if (!slot->known || at_us >= slot->at_us)
        *slot = (struct triage_value){.known = true, .value = value, .path = path, .at_us = at_us};
    return STATUS_OK;
}

enum status triage_facts_put_age(struct triage_facts *facts, int months, struct text path, struct scope *scope) {
    if (months < 0)
        return fault(
            scope, STATUS_UNPROCESSABLE, path_string(path, scope), "the birth lies after the moment of the reading");
    if (months > TRIAGE_AGE_MAX_MONTHS)
        return fault(scope, STATUS_UNPROCESSABLE, path_string(path, scope), "the age is impossible: over 130 years");
    facts->age_months = months;
    return STATUS_OK;
}

enum status triage_facts_put_human_level(
    struct triage_facts *facts, int64_t level, struct text system, struct text path, struct scope *scope) {
    if (level < 1 || level > 5)
        return fault(
            scope, STATUS_UNPROCESSABLE, path_string(path, scope), "a triage level is a whole number from 1 to 5");
    facts->human_level = (int)level;
    facts->human_system = system;
    return STATUS_OK;
}

/* Composed Hangul and letters, so that offsets and words agree; a copy only where something changes. */
static struct text compose(struct text source, struct arena *arena) {
    bool ascii = true;
    for (size_t i = 0; i < source.size && ascii; i++)
        ascii = (unsigned char)source.at[i] < 0x80;
    if (ascii)
        return source;
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)source.at, (utf8proc_ssize_t)source.size, &composed,
        UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (size < 0)
        return source;
    struct text result = text_copy(arena, (struct text){(const char *)composed, (size_t)size});
    free(composed);
    return result;
}

enum { TEXT_BYTES_MAX = 8000, ALL_TEXT_BYTES_MAX = 64000 };

static size_t text_bytes(const struct triage_facts *facts) {
    size_t size = 0;
    for (size_t i = 0; i < facts->text_count; i++)
        size += facts->texts[i].text.size;
    return size;
}

/* Cuts before a character, never inside one. */
static struct text cut_text(struct text text, size_t size) {
    while (size > 0 && ((unsigned char)text.at[size] & 0xC0) == 0x80)
        size--;
    return (struct text){text.at, size};
}

enum status triage_facts_put_text(struct triage_facts *facts, struct triage_text text, struct scope *scope) {
    if (facts->text_count == TRIAGE_TEXTS_MAX || (text.text.size == 0 && text.code.size == 0))
        return STATUS_OK; /* the newest come first; what lies beyond four hundred statements says nothing new */
    if (text.text.size > 0 && !text_is_utf8(text.text))
        return fault(scope, STATUS_UNPROCESSABLE, path_string(text.path, scope), "not UTF-8");
    size_t read = text_bytes(facts), left = read < ALL_TEXT_BYTES_MAX ? ALL_TEXT_BYTES_MAX - read : 0;
    size_t most = left < TEXT_BYTES_MAX ? left : TEXT_BYTES_MAX;
    if (text.text.size > most) {
        triage_facts_note(facts, "not-used", text.path, TEXT("긴 글은 앞부분만 읽었습니다"),
            TEXT("of a long text only the beginning was read"));
        text.text = cut_text(text.text, most);
    }
    if (text.text.size > 0)
        text.text = compose(text.text, scope->arena);
    if (text.text.size > 0 || text.code.size > 0)
        facts->texts[facts->text_count++] = text;
    return STATUS_OK;
}

static void check_pressures(struct triage_facts *facts) {
    struct triage_value *systolic = &facts->values[TRIAGE_SYSTOLIC], *diastolic = &facts->values[TRIAGE_DIASTOLIC];
    if (!systolic->known || !diastolic->known)
        return;
    if (systolic->value < diastolic->value && systolic->at_us != diastolic->at_us) {
        struct triage_value *earlier = systolic->at_us < diastolic->at_us ? systolic : diastolic;
        triage_facts_note(facts, "not-used", earlier->path,
            TEXT("다른 때에 잰 혈압과 맞지 않아 먼저 잰 값은 쓰지 않았습니다"),
            TEXT("of two pressures of different moments that contradict each other the earlier was not used"));
        *earlier = (struct triage_value){.known = false};
    } else if (systolic->value < diastolic->value) {
        struct triage_value kept = *systolic;
        *systolic = *diastolic;
        *diastolic = kept;
        triage_facts_note(facts, "swapped", systolic->path, TEXT("수축기와 이완기 혈압이 뒤바뀌어 있어 바로잡았습니다"),
            TEXT("systolic and diastolic pressure stood exchanged and were put right"));
    } else if (systolic->value == diastolic->value) {
        triage_facts_note(facts, "doubtful", systolic->path, TEXT("수축기와 이완기 혈압이 같습니다: 다시 재 주세요"),
            TEXT("systolic and diastolic pressure are equal: please measure again"));
    }
}

/* Kelly CA et al. Resuscitation 2004;62:137-41 and McNarry 2004: between the medians 15, 13, 8 and 3-6. */
static enum triage_mind mind_of_gcs(double gcs) {
    return gcs >= 15   ? TRIAGE_ALERT
           : gcs >= 14 ? TRIAGE_CONFUSED
           : gcs >= 9  ? TRIAGE_VOICE
           : gcs >= 4  ? TRIAGE_PAIN_ONLY
                       : TRIAGE_UNRESPONSIVE;
}

/* Below 13 nobody is alert, at 8 and below nobody merely confused, at 15 nobody needs a voice: where they contradict each other the
 * milder of the two is not read, by any score. */
static void check_mind(struct triage_facts *facts) {
    struct triage_value *gcs = &facts->values[TRIAGE_GCS];
    if (!gcs->known)
        return;
    bool milder_mind =
        (gcs->value <= 12 && facts->mind == TRIAGE_ALERT) || (gcs->value <= 8 && facts->mind == TRIAGE_CONFUSED);
    if (facts->mind == TRIAGE_MIND_UNKNOWN) {
        facts->mind = mind_of_gcs(gcs->value);
        triage_facts_note(facts, "derived", gcs->path, TEXT("의식(AVPU)은 GCS로 미루어 읽었습니다"),
            TEXT("the state of mind (AVPU) was read from the GCS"));
    } else if (milder_mind || (gcs->value == 15 && facts->mind >= TRIAGE_VOICE)) {
        triage_facts_note(facts, "doubtful", gcs->path,
            TEXT("GCS와 AVPU가 서로 맞지 않습니다: 더 위급한 쪽으로 읽었습니다"),
            TEXT("GCS and AVPU contradict each other: the more urgent was read"));
        if (milder_mind)
            facts->mind = mind_of_gcs(gcs->value);
        else
            *gcs = (struct triage_value){.known = false};
    }
}

enum status triage_facts_check(struct triage_facts *facts, struct scope *scope) {
    check_pressures(facts);
    check_mind(facts);
    const struct triage_value *diastolic = &facts->values[TRIAGE_DIASTOLIC];
    if (diastolic->known && diastolic->value > 230)
        return fault(scope, STATUS_UNPROCESSABLE, path_string(diastolic->path, scope),
            "diastolic pressure is impossible: it lies between 5 and 230 mm[Hg]");
    if (facts->pregnant == TRIAGE_YES && facts->sex == TRIAGE_MALE)
        triage_facts_note(facts, "doubtful", facts->patient, TEXT("남성으로 적힌 환자에게 임신이 적혀 있습니다"),
            TEXT("a pregnancy is recorded for a patient recorded as male"));
    bool measured = facts->mind != TRIAGE_MIND_UNKNOWN || facts->human_level > 0;
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++)
        measured = measured || facts->values[i].known;
    for (size_t i = 0; i < facts->text_count; i++)
        measured = measured || facts->texts[i].kind != TRIAGE_TEXT_HISTORY;
    if (!measured)
        return fault_coded(scope, STATUS_UNPROCESSABLE, TRIAGE_NOTHING_TO_READ, path_string(facts->patient, scope),
            "nothing to read: neither a complaint, nor a vital sign, nor a human level");
    return STATUS_OK;
}
