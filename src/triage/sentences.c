#include "triage/sentences.h"

#include <math.h>
#include <string.h>

enum { SENTENCE_BYTES_MAX = 4000, QUOTE_BYTES_MAX = 160 };

static const char *const language_codes[LANGUAGE_COUNT] = {"ko", "en"};

/* How a unit is read aloud; UCUM stays in the data. */
static const struct {
    const char *unit, *shown[LANGUAGE_COUNT];
} shown_units[] = {
    {"/min", {"회/분", " /min"}},
    {"mm[Hg]", {" mmHg", " mmHg"}},
    {"Cel", {"℃", " °C"}},
    {"{score}", {"점", ""}},
    {"%", {"%", " %"}},
    {"a", {"세", " years"}},
    {"/h", {"명/시간", " an hour"}},
    {"10*3/uL", {" ×10³/µL", " ×10³/µL"}},
};

static void put_unit(struct buffer *buffer, const char *unit, enum language language) {
    for (size_t i = 0; i < sizeof shown_units / sizeof shown_units[0]; i++) {
        if (strcmp(shown_units[i].unit, unit) == 0) {
            buffer_put_string(buffer, shown_units[i].shown[language]);
            return;
        }
    }
    buffer_put_char(buffer, ' ');
    buffer_put_string(buffer, unit);
}

static void put_number(struct buffer *buffer, double value) {
    double rounded = floor(value * 100 + 0.5) / 100;
    buffer_put_format(buffer, "%g", rounded);
}

void sentence_put_quantity(struct buffer *buffer, double value, const char *unit, enum language language) {
    put_number(buffer, value);
    if (unit[0] != '\0')
        put_unit(buffer, unit, language);
}

static void put_measure(struct buffer *buffer, enum triage_measure measure, double value, enum language language) {
    buffer_put_string(buffer, triage_measure_label(measure, language_codes[language]));
    buffer_put_char(buffer, ' ');
    put_number(buffer, value);
    put_unit(buffer, triage_measure_unit(measure), language);
}

const char *mind_letter(enum triage_mind mind) {
    static const char *const letters[] = {"?", "A", "C", "V", "P", "U"};
    return letters[mind];
}

static void put_mind(struct buffer *buffer, enum triage_mind mind, enum language language) {
    static const char *const words[][LANGUAGE_COUNT] = {
        [TRIAGE_MIND_UNKNOWN] = {"의식 모름", "mind not known"},
        [TRIAGE_ALERT] = {"의식 A(명료)", "alert (A)"},
        [TRIAGE_CONFUSED] = {"의식 C(새로운 혼동)", "newly confused (C)"},
        [TRIAGE_VOICE] = {"의식 V(말에 반응)", "responds to voice (V)"},
        [TRIAGE_PAIN_ONLY] = {"의식 P(통증에 반응)", "responds to pain (P)"},
        [TRIAGE_UNRESPONSIVE] = {"의식 U(무반응)", "unresponsive (U)"},
    };
    buffer_put_string(buffer, words[mind][language]);
}

static void put_age(struct buffer *buffer, int months, enum language language) {
    static const char *const formats[2][LANGUAGE_COUNT] = {{"생후 %d개월", "%d months old"}, {"%d세", "%d years old"}};
    if (months == 1 && language == ENGLISH) {
        buffer_put_string(buffer, "1 month old");
        return;
    }
    bool years = months >= 24;
    buffer_put_format(buffer, formats[years][language], years ? months / 12 : months);
}

static void put_minutes(struct buffer *buffer, int minutes, enum language language) {
    if (minutes < 180)
        buffer_put_format(buffer, language == KOREAN ? "%d분 전 시작" : "began %d min ago", minutes);
    else if (minutes < 2880)
        buffer_put_format(buffer, language == KOREAN ? "%d시간 전 시작" : "began %d h ago", minutes / 60);
    else
        buffer_put_format(buffer, language == KOREAN ? "%d일 전 시작" : "began %d days ago", minutes / 1440);
}

static void put_score(struct buffer *buffer, const struct triage_score *score, enum language language) {
    buffer_put_format(buffer, "%s ", triage_score_name(score->kind));
    if (score->kind == TRIAGE_SHOCK_INDEX)
        put_number(buffer, score->total / 100.0);
    else
        buffer_put_format(buffer, language == KOREAN ? "%d점" : "%d", score->total);
    if (!score->complete && score->kind != TRIAGE_CTAS_VITALS)
        buffer_put_string(buffer, language == KOREAN ? " 이상(일부 값 없음)" : " or more (inputs missing)");
}

static void put_atom(struct buffer *buffer, const struct condition_atom *atom, const struct condition_case *patient,
    enum language language) {
    static const struct {
        enum condition_kind kind;
        const char *words[LANGUAGE_COUNT];
    } flags[] = {
        {CONDITION_FEMALE, {"여성", "female"}},
        {CONDITION_MALE, {"남성", "male"}},
        {CONDITION_PREGNANT, {"임신", "pregnant"}},
        {CONDITION_OXYGEN, {"산소 투여 중", "on oxygen"}},
        {CONDITION_INJURY, {"손상", "injury"}},
        {CONDITION_HYPERCAPNIC, {"평소 산소포화도가 낮음", "a lower usual saturation"}},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].kind == atom->kind)
            buffer_put_string(buffer, flags[i].words[language]);
    }
    if (atom->kind == CONDITION_MEASURE)
        put_measure(buffer, (enum triage_measure)atom->index, patient->facts->values[atom->index].value, language);
    else if (atom->kind == CONDITION_SCORE)
        put_score(buffer, &patient->scores[atom->index], language);
    else if (atom->kind == CONDITION_AGE_YEARS || atom->kind == CONDITION_AGE_MONTHS)
        put_age(buffer, patient->facts->age_months, language);
    else if (atom->kind == CONDITION_ONSET)
        put_minutes(buffer, patient->onset_minutes, language);
    else if (atom->kind == CONDITION_MIND)
        put_mind(buffer, patient->facts->mind, language);
}

static bool same_ground(const struct condition_atom *a, const struct condition_atom *b) {
    bool ages = (a->kind == CONDITION_AGE_YEARS || a->kind == CONDITION_AGE_MONTHS) &&
                (b->kind == CONDITION_AGE_YEARS || b->kind == CONDITION_AGE_MONTHS);
    return ages || (a->kind == b->kind && a->index == b->index);
}

struct text sentence_with_grounds(struct text sentence, const struct condition_grounds *grounds,
    const struct condition_case *patient, enum language language, struct arena *arena) {
    struct buffer buffer = buffer_open(arena, SENTENCE_BYTES_MAX);
    int put = 0;
    buffer_put(&buffer, sentence);
    for (int i = 0; i < grounds->atom_count; i++) {
        bool again = false;
        for (int k = 0; k < i; k++)
            again = again || same_ground(grounds->atoms[k], grounds->atoms[i]);
        if (again)
            continue;
        buffer_put_string(&buffer, put++ ? ", " : " (");
        put_atom(&buffer, grounds->atoms[i], patient, language);
    }
    for (int i = 0; i < grounds->match_count; i++) {
        const struct lexicon_match *match = grounds->matches[i];
        const struct triage_text *text = &patient->facts->texts[match->text];
        struct text quote = {text->text.at + match->quote_from, match->to - match->quote_from};
        if (match->by_code && quote.size == 0)
            quote = text->code;
        if (quote.size > QUOTE_BYTES_MAX)
            quote = text->code.size ? text->code : TEXT("…");
        buffer_put_string(&buffer, put++ ? ", “" : " (“");
        buffer_put(&buffer, quote);
        buffer_put_string(&buffer, "”");
    }
    if (put)
        buffer_put_char(&buffer, ')');
    return buffer_text(&buffer);
}

static void put_part(struct buffer *buffer, const struct triage_part *part, enum language language) {
    static const struct {
        const char *code, *words[LANGUAGE_COUNT];
    } names[] = {{"age", {"나이", "age"}}, {"map", {"평균 동맥압", "mean arterial pressure"}},
        {"oxygen", {"산소 투여", "added oxygen"}}, {"altered", {"의식 변화", "altered mind"}},
        {"ratio", {"심박수/수축기 혈압", "heart rate/systolic"}},
        {"child-rates", {"소아 호흡·맥박 표(사용권이 있는 기관만)", "children's rates (licensed table)"}},
        {"mind", {"의식", "mind"}}};
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        if (strcmp(part->code, triage_measure_code((enum triage_measure)i)) != 0)
            continue;
        if (part->known)
            put_measure(buffer, (enum triage_measure)i, part->value, language);
        else
            buffer_put_string(buffer, triage_measure_label((enum triage_measure)i, language_codes[language]));
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(part->code, names[i].code) != 0)
            continue;
        buffer_put_string(buffer, names[i].words[language]);
        if (part->known && strcmp(part->code, "mind") == 0) {
            buffer_put_format(buffer, " %s", mind_letter((enum triage_mind)part->value));
        } else if (part->known && strcmp(part->code, "oxygen") != 0 && strcmp(part->code, "altered") != 0) {
            buffer_put_char(buffer, ' ');
            put_number(buffer, part->value);
        }
    }
}

static void put_parts(struct buffer *buffer, const struct triage_score *score, bool known, enum language language) {
    int put = 0;
    for (int i = 0; i < score->part_count; i++) {
        const struct triage_part *part = &score->parts[i];
        if (part->known != known || (known && part->points == 0))
            continue;
        if (!put++)
            buffer_put_string(buffer, known ? ": " : language == KOREAN ? "; 빠진 값: " : "; missing: ");
        else
            buffer_put_string(buffer, ", ");
        put_part(buffer, part, language);
        if (known && score->kind != TRIAGE_SHOCK_INDEX)
            buffer_put_format(buffer, " → %d", part->points);
    }
}

struct text sentence_of_score(const struct triage_score *score, enum language language, struct arena *arena) {
    struct buffer buffer = buffer_open(arena, SENTENCE_BYTES_MAX);
    const char *unfit = language == KOREAN ? score->unfit_ko : score->unfit_en;
    if (score->kind == TRIAGE_CTAS_VITALS && score->total)
        buffer_put_format(&buffer, language == KOREAN ? "%s: %d단계를 가리킵니다" : "%s point to level %d",
            triage_score_name(score->kind), score->total);
    else if (score->kind == TRIAGE_CTAS_VITALS)
        buffer_put_format(&buffer,
            language == KOREAN ? "%s: 단계를 높일 값이 없습니다" : "%s: nothing that raises the level",
            triage_score_name(score->kind));
    else
        put_score(&buffer, score, language);
    if (score->maximum && score->kind != TRIAGE_CTAS_VITALS)
        buffer_put_format(&buffer, language == KOREAN ? " (최고 %d점)" : " (of %d)", score->maximum);
    put_parts(&buffer, score, true, language);
    put_parts(&buffer, score, false, language);
    if (unfit)
        buffer_put_format(&buffer, language == KOREAN ? ". 참고만: %s" : ". For information only: %s", unfit);
    buffer_put_char(&buffer, '.');
    return buffer_text(&buffer);
}

struct text sentence_of_human_level(const struct triage_facts *facts, enum language language, struct arena *arena) {
    if (facts->human_level == 0)
        return language == KOREAN ? TEXT("사람이 정한 단계가 없습니다: 규칙만으로 읽은 단계입니다.")
                                  : TEXT("No human level given: this level was read from the rules alone.");
    char system[16] = "";
    for (size_t i = 0; i < facts->human_system.size && i + 1 < sizeof system; i++) {
        char c = facts->human_system.at[i];
        system[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    const char *gap = system[0] ? " " : "";
    return text_format(arena, language == KOREAN ? "사람이 정한 단계: %s%s%d." : "Level given by a human: %s%s%d.",
        system, gap, facts->human_level);
}

static const enum triage_measure vital_signs[] = {
    TRIAGE_RESPIRATION, TRIAGE_SPO2, TRIAGE_SYSTOLIC, TRIAGE_PULSE, TRIAGE_TEMPERATURE};
enum { VITAL_SIGNS = sizeof vital_signs / sizeof vital_signs[0] };

int vital_signs_known(const struct triage_facts *facts) {
    int known = facts->mind != TRIAGE_MIND_UNKNOWN;
    for (int i = 0; i < VITAL_SIGNS; i++)
        known += facts->values[vital_signs[i]].known;
    return known;
}

struct text sentence_of_missing(const struct triage_facts *facts, enum language language, struct arena *arena) {
    if (vital_signs_known(facts) == VITAL_SIGNS + 1)
        return (struct text){0};
    struct buffer buffer = buffer_open(arena, SENTENCE_BYTES_MAX);
    const char *separator = language == KOREAN ? "측정되지 않은 활력징후: " : "Vital signs not measured: ";
    for (int i = 0; i < VITAL_SIGNS; i++) {
        if (facts->values[vital_signs[i]].known)
            continue;
        buffer_put_string(&buffer, separator);
        buffer_put_string(&buffer, triage_measure_label(vital_signs[i], language_codes[language]));
        separator = ", ";
    }
    if (facts->mind == TRIAGE_MIND_UNKNOWN) {
        buffer_put_string(&buffer, separator);
        buffer_put_string(&buffer, language == KOREAN ? "의식" : "state of mind");
    }
    buffer_put_char(&buffer, '.');
    return buffer_text(&buffer);
}
