#include "triage/features.h"
#include "triage/lexicon.h"
#include "triage/policy.h"

#include <math.h>
#include <string.h>

enum { GRAM_LEAST = 3, GRAM_MOST = 5, GRAM_BUCKETS_MAX = 4096, POINTS_MAX = 512 };
#define FNV_OFFSET 14695981039346656037ull
#define FNV_PRIME 1099511628211ull

struct label_row {
    const char *name, *unit, *ko, *en;
};
static const struct label_row field_rows[VISIT_FIELD_COUNT] = {
    [VISIT_AGE] = {"age", "a", "나이", "age"},
    [VISIT_MALE] = {"male", "", "남성", "male sex"},
    [VISIT_AMBULANCE] = {"ambulance", "", "구급차로 도착", "came by ambulance"},
    [VISIT_WALKED] = {"walked", "", "걸어서 도착", "came on foot"},
    [VISIT_INJURY] = {"injury", "", "손상", "injury"},
    [VISIT_MIND] = {"mind", "", "의식 상태 (0 명료 … 4 무반응)", "consciousness (0 alert … 4 unresponsive)"},
    [VISIT_IN_PAIN] = {"in-pain", "", "통증 있음", "pain stated"},
    [VISIT_PAIN_SCORE] = {"pain-score", "{score}", "통증 점수", "pain score"},
    [VISIT_SYSTOLIC] = {"systolic", "mm[Hg]", "수축기 혈압", "systolic pressure"},
    [VISIT_DIASTOLIC] = {"diastolic", "mm[Hg]", "이완기 혈압", "diastolic pressure"},
    [VISIT_PULSE] = {"pulse", "/min", "맥박", "pulse"},
    [VISIT_RESPIRATION] = {"respiration", "/min", "호흡수", "respiratory rate"},
    [VISIT_TEMPERATURE] = {"temperature", "Cel", "체온", "temperature"},
    [VISIT_SPO2] = {"spo2", "%", "산소포화도", "oxygen saturation"},
    [VISIT_CROWD] = {"crowd", "/h", "시간당 내원 환자", "patients an hour"},
    [VISIT_HUMAN_LEVEL] = {"human-level", "", "사람이 정한 등급", "the human's level"},
    [VISIT_PRIVATE_AMBULANCE] = {"private-ambulance", "", "민간 구급차로 도착", "came by a private ambulance"},
};

/* Of the fields alone. A value that stands on a missing field is missing; scores count what is known (a lower bound), and are
 * missing only where nothing is. */
enum derived {
    DERIVED_SHOCK_INDEX,          /* pulse / systolic, Allgöwer and Burri 1967 */
    DERIVED_AGE_SHOCK_INDEX,      /* age × shock index, Zarzaur et al. 2008 */
    DERIVED_MEAN_PRESSURE,        /* diastolic + (systolic - diastolic) / 3 */
    DERIVED_MODIFIED_SHOCK_INDEX, /* pulse / mean pressure, Liu et al. 2012 */
    DERIVED_PULSE_PRESSURE,       /* systolic - diastolic */
    DERIVED_NEWS2,                /* scores.c */
    DERIVED_NEWS2_RED,            /* one vital alone scores 3 */
    DERIVED_REMS,                 /* scores.c */
    DERIVED_QSOFA,                /* scores.c */
    DERIVED_SIRS,                 /* scores.c; leucocytes are not known at triage */
    DERIVED_PAIN_LEVEL,           /* pain_level() */
    DERIVED_COMPLAINT_POINTS,     /* length of the complaint in characters */
    DERIVED_COUNT
};
static const struct label_row derived_rows[DERIVED_COUNT] = {
    [DERIVED_SHOCK_INDEX] = {"shock-index", "", "쇼크 지수", "shock index"},
    [DERIVED_AGE_SHOCK_INDEX] = {"age-shock-index", "", "나이 × 쇼크 지수", "age × shock index"},
    [DERIVED_MEAN_PRESSURE] = {"mean-pressure", "mm[Hg]", "평균 동맥압", "mean arterial pressure"},
    [DERIVED_MODIFIED_SHOCK_INDEX] = {"modified-shock-index", "", "수정 쇼크 지수", "modified shock index"},
    [DERIVED_PULSE_PRESSURE] = {"pulse-pressure", "mm[Hg]", "맥압", "pulse pressure"},
    [DERIVED_NEWS2] = {"news2", "{score}", "NEWS2", "NEWS2"},
    [DERIVED_NEWS2_RED] = {"news2-red", "", "NEWS2 단일 항목 3점", "a single 3 in NEWS2"},
    [DERIVED_REMS] = {"rems", "{score}", "REMS", "REMS"},
    [DERIVED_QSOFA] = {"qsofa", "{score}", "qSOFA", "qSOFA"},
    [DERIVED_SIRS] = {"sirs", "{score}", "SIRS", "SIRS"},
    [DERIVED_PAIN_LEVEL] = {"pain-level", "", "통증의 위치와 점수로 본 단계",
        "the level of the pain's place and score"},
    [DERIVED_COMPLAINT_POINTS] = {"complaint-length", "", "주호소 길이", "length of the complaint"},
};

/* Pain inside head, chest or abdomen, or of an organ: "central" in CTAS (Bullard et al., CJEM 2008;10:136-42). */
static const char *const central_concepts[] = {
    "headache", "chest-pain", "abdominal-pain", "upper-right", "lower-right", "flank-pain", "eye-problem"};
enum { CENTRAL_COUNT = sizeof central_concepts / sizeof central_concepts[0] };

enum feature_kind { FEATURE_FIELD, FEATURE_DERIVED, FEATURE_CONCEPT, FEATURE_GRAM, FEATURE_COLUMN, FEATURE_MARK };
struct feature {
    struct text name;
    enum feature_kind kind;
    int index; /* field, derived, concept, bucket or column */
    int buckets;
};
struct feature_set {
    struct feature *at;
    size_t count;
    const struct lexicon *lexicon;
    bool has_concepts, has_grams, has_derived;
    int central[CENTRAL_COUNT]; /* concepts; -1: the lexicon has none */
};

const char *visit_field_name(enum visit_field field) {
    return field_rows[field].name;
}

struct visit visit_new(void) {
    struct visit visit = {0};
    for (int i = 0; i < VISIT_FIELD_COUNT; i++)
        visit.fields[i] = (double)NAN;
    return visit;
}

/* ---- facts ↔ visit ---------------------------------------------------------------------------------------------------- */

static const struct {
    enum visit_field field;
    enum triage_measure measure;
} measured[] = {
    {VISIT_PAIN_SCORE, TRIAGE_PAIN},
    {VISIT_SYSTOLIC, TRIAGE_SYSTOLIC},
    {VISIT_DIASTOLIC, TRIAGE_DIASTOLIC},
    {VISIT_PULSE, TRIAGE_PULSE},
    {VISIT_RESPIRATION, TRIAGE_RESPIRATION},
    {VISIT_TEMPERATURE, TRIAGE_TEMPERATURE},
    {VISIT_SPO2, TRIAGE_SPO2},
};
enum { MEASURED_COUNT = sizeof measured / sizeof measured[0] };

static struct text complaints_joined(const struct triage_facts *facts, struct arena *arena) {
    struct buffer joined = buffer_open(arena, 1 << 16);
    for (size_t i = 0; i < facts->text_count; i++) {
        const struct triage_text *text = &facts->texts[i];
        if (text->kind != TRIAGE_TEXT_COMPLAINT || text->text.size == 0)
            continue;
        if (joined.size)
            buffer_put_char(&joined, ' ');
        buffer_put(&joined, text->text);
    }
    return joined.size ? buffer_text(&joined) : (struct text){0};
}

struct visit visit_from_facts(const struct triage_facts *facts, struct arena *arena) {
    struct visit visit = visit_new();
    if (facts->age_months >= 0)
        visit.fields[VISIT_AGE] = trunc(facts->age_months / 12.0); /* whole years, as the training data have them */
    if (facts->sex != TRIAGE_SEX_UNKNOWN)
        visit.fields[VISIT_MALE] = facts->sex == TRIAGE_MALE;
    if (facts->injury != TRIAGE_UNKNOWN)
        visit.fields[VISIT_INJURY] = facts->injury == TRIAGE_YES;
    if (facts->mind != TRIAGE_MIND_UNKNOWN)
        visit.fields[VISIT_MIND] = (double)facts->mind - TRIAGE_ALERT;
    for (int i = 0; i < MEASURED_COUNT; i++) {
        const struct triage_value *value = &facts->values[measured[i].measure];
        if (value->known)
            visit.fields[measured[i].field] = value->value;
    }
    if (facts->values[TRIAGE_PAIN].known)
        visit.fields[VISIT_IN_PAIN] = facts->values[TRIAGE_PAIN].value > 0;
    if (facts->human_level)
        visit.fields[VISIT_HUMAN_LEVEL] = facts->human_level;
    visit.complaint = complaints_joined(facts, arena);
    return visit;
}

bool visit_field_of_facts(const char *name) {
    static const enum visit_field unknown_to_facts[] = {
        VISIT_AMBULANCE, VISIT_WALKED, VISIT_CROWD, VISIT_PRIVATE_AMBULANCE};
    for (size_t i = 0; i < sizeof unknown_to_facts / sizeof unknown_to_facts[0]; i++) {
        if (strcmp(name, visit_field_name(unknown_to_facts[i])) == 0)
            return false;
    }
    return true;
}

/* What the scores need of a visit. Neither oxygen nor scale, GCS nor leucocytes: the sets that the models learnt from tell none, and an
 * input keeps the meaning it was learnt with. A sentence says so where it differs from the score (opinion.c). */
static struct triage_facts facts_from_visit(const struct visit *visit) {
    struct triage_facts facts = {.age_months = -1, .onset_minutes = -1};
    if (visit->fields[VISIT_AGE] >= 0 && visit->fields[VISIT_AGE] < 200)
        facts.age_months = (int)(visit->fields[VISIT_AGE] * 12);
    if (visit->fields[VISIT_MIND] >= 0 && visit->fields[VISIT_MIND] <= TRIAGE_UNRESPONSIVE - TRIAGE_ALERT)
        facts.mind = (enum triage_mind)(TRIAGE_ALERT + (int)visit->fields[VISIT_MIND]);
    for (int i = 0; i < MEASURED_COUNT; i++) {
        double value = visit->fields[measured[i].field];
        if (!isnan(value))
            facts.values[measured[i].measure] = (struct triage_value){.known = true, .value = value};
    }
    return facts;
}

/* ---- names ------------------------------------------------------------------------------------------------------------ */

static int row_find(const struct label_row *rows, int count, struct text name) {
    for (int i = 0; i < count; i++) {
        if (text_is(name, rows[i].name))
            return i;
    }
    return -1;
}

static enum status unknown(struct text name, struct scope *scope) {
    return fault(scope, STATUS_INVALID, text_string(scope->arena, name), "no such feature");
}

static enum status gram_open(struct feature *feature, struct text rest, struct scope *scope) {
    int64_t buckets = 0, bucket = 0;
    struct text first = text_cut(&rest, ':');
    if (!text_to_int64(&buckets, first) || !text_to_int64(&bucket, rest) || buckets < 1 || buckets > GRAM_BUCKETS_MAX ||
        bucket < 0 || bucket >= buckets)
        return unknown(feature->name, scope);
    feature->kind = FEATURE_GRAM;
    feature->buckets = (int)buckets;
    feature->index = (int)bucket;
    return STATUS_OK;
}

static enum status column_open(
    struct feature *feature, struct text name, const struct text *columns, size_t count, struct scope *scope) {
    for (size_t i = 0; i < count; i++) {
        if (text_equal(columns[i], name)) {
            feature->kind = text_starts(feature->name, "mark:") ? FEATURE_MARK : FEATURE_COLUMN;
            feature->index = (int)i;
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_NOT_FOUND, text_string(scope->arena, name), "the data have no such column");
}

static enum status feature_open(struct feature *feature, const struct lexicon *lexicon, const struct text *columns,
    size_t column_count, struct scope *scope) {
    struct text name = feature->name, rest = name, head = text_cut(&rest, ':');
    if (rest.at && text_is(head, "gram"))
        return gram_open(feature, rest, scope);
    if (rest.at && (text_is(head, "column") || text_is(head, "mark")))
        return column_open(feature, rest, columns, column_count, scope);
    if (rest.at && text_is(head, "concept")) {
        feature->kind = FEATURE_CONCEPT;
        feature->index = lexicon_concept_find(lexicon, rest);
    } else if ((feature->index = row_find(field_rows, VISIT_FIELD_COUNT, name)) >= 0) {
        feature->kind = FEATURE_FIELD;
    } else {
        feature->kind = FEATURE_DERIVED;
        feature->index = row_find(derived_rows, DERIVED_COUNT, name);
    }
    return feature->index < 0 ? unknown(name, scope) : STATUS_OK;
}

enum status features_open(const struct feature_set **out, const struct text *names, size_t count,
    const struct text *columns, size_t column_count, const struct triage_policy *policy, struct arena *arena,
    struct scope *scope) {
    struct feature_set *set = ARENA_NEW(arena, struct feature_set);
    *set = (struct feature_set){
        ARENA_ARRAY(arena, struct feature, count + 1), count, policy->lexicon, false, false, false, {0}};
    for (int i = 0; i < CENTRAL_COUNT; i++)
        set->central[i] = lexicon_concept_find(set->lexicon, text_from(central_concepts[i]));
    for (size_t i = 0; i < count; i++) {
        struct feature *feature = &set->at[i];
        feature->name = text_copy(arena, names[i]);
        enum status status = feature_open(feature, set->lexicon, columns, column_count, scope);
        if (status != STATUS_OK)
            return status;
        bool placed = feature->kind == FEATURE_DERIVED && feature->index == DERIVED_PAIN_LEVEL;
        set->has_concepts = set->has_concepts || placed || feature->kind == FEATURE_CONCEPT;
        set->has_grams = set->has_grams || feature->kind == FEATURE_GRAM;
        set->has_derived = set->has_derived || feature->kind == FEATURE_DERIVED;
    }
    *out = set;
    return STATUS_OK;
}

size_t features_count(const struct feature_set *set) {
    return set->count;
}

/* ---- the complaint's words -------------------------------------------------------------------------------------------- */

/* The hashes of its grams. */
struct grams {
    uint64_t *at;
    size_t count;
};

static struct grams grams_scan(struct text complaint, size_t *points, struct arena *arena) {
    struct text folded = text_fold(arena, complaint);
    struct grams grams = {.count = 0};
    size_t starts[POINTS_MAX + 3], count = 0;
    struct buffer padded = buffer_open(arena, folded.size + 3);
    buffer_put_char(&padded, ' ');
    buffer_put(&padded, folded);
    buffer_put_char(&padded, ' ');
    struct text text = buffer_text(&padded);
    size_t at = 0;
    for (; at < text.size && count < POINTS_MAX + 2; at++) {
        if (((unsigned char)text.at[at] & 0xC0) != 0x80)
            starts[count++] = at;
    }
    while (at < text.size && ((unsigned char)text.at[at] & 0xC0) == 0x80)
        at++; /* a very long complaint is cut after a whole character */
    starts[count] = at;
    *points = count - 2;
    grams.at = ARENA_ARRAY(arena, uint64_t, count * (GRAM_MOST - GRAM_LEAST + 1) + 1);
    for (size_t from = 0; from < count; from++) {
        for (size_t length = GRAM_LEAST; length <= GRAM_MOST && from + length <= count; length++) {
            uint64_t hash = FNV_OFFSET;
            for (size_t i = starts[from]; i < starts[from + length]; i++)
                hash = (hash ^ (unsigned char)text.at[i]) * FNV_PRIME;
            grams.at[grams.count++] = hash;
        }
    }
    return grams;
}

static float concept_value(const struct lexicon_matches *matches, int concept) {
    float value = 0;
    for (size_t i = 0; i < matches->count; i++) {
        if (matches->at[i].concept != concept)
            continue;
        if (matches->at[i].assertion == LEXICON_PRESENT)
            return 1;
        if (matches->at[i].assertion == LEXICON_POSSIBLE)
            value = 0.5F;
    }
    return value;
}

/* What the complaint says, whichever set asks. */
struct visit_words {
    struct lexicon_matches matches;
    struct grams grams;
    size_t points;
};

static bool is_words(struct text complaint) {
    return text_trim(complaint).size > 0 && text_is_utf8(complaint);
}

static struct visit_words words_scan(struct text complaint, const struct lexicon *lexicon, struct arena *arena) {
    struct triage_text text = {.kind = TRIAGE_TEXT_COMPLAINT, .text = complaint};
    struct triage_facts facts = {.texts = &text, .text_count = 1};
    struct visit_words words = {.matches = lexicon_scan(lexicon, &facts, arena)};
    words.grams = grams_scan(complaint, &words.points, arena);
    return words;
}

void visit_scan(struct visit *visit, const struct feature_set *set, struct arena *arena) {
    struct visit_words *words = ARENA_NEW(arena, struct visit_words);
    if (is_words(visit->complaint))
        *words = words_scan(visit->complaint, set->lexicon, arena);
    visit->words = words;
}

/* Which buckets of so many the grams fall into. */
struct gram_set {
    int buckets; /* 0: not made yet */
    uint64_t bits[GRAM_BUCKETS_MAX / 64];
};

static float gram_value(struct gram_set *made, const struct grams *grams, const struct feature *feature) {
    if (made->buckets != feature->buckets) {
        *made = (struct gram_set){.buckets = feature->buckets};
        for (size_t i = 0; i < grams->count; i++) {
            uint64_t bucket = grams->at[i] % (uint64_t)feature->buckets;
            made->bits[bucket / 64] |= 1ull << bucket % 64;
        }
    }
    return (float)(made->bits[feature->index / 64] >> feature->index % 64 & 1);
}

/* ---- filling ---------------------------------------------------------------------------------------------------------- */

static double score_total(enum triage_score_kind kind, const struct triage_facts *facts) {
    struct triage_score score = triage_score(kind, facts);
    return score.any ? score.total : (double)NAN;
}

/* Acute pain's first-order modifier of CTAS (Bullard et al., CJEM 2008;10:136-42): central 8-10: 2, 4-7: 3, 1-3: 4; peripheral 8-10:
 * 3, 4-7: 4; 5 for less. Whether it is acute is not known: it is an input, not a rule. */
static double pain_level(const struct feature_set *set, double score, const struct lexicon_matches *matches) {
    bool central = false;
    for (int i = 0; i < CENTRAL_COUNT && !central; i++)
        central = set->central[i] >= 0 && concept_value(matches, set->central[i]) > 0;
    if (isnan(score))
        return (double)NAN;
    double level = score >= 8 ? 2 : score >= 4 ? 3 : score > 0 ? 4 : 5;
    return central || level == 5 ? level : level + 1;
}

static void derived_fill(double out[static DERIVED_COUNT], const struct visit *visit, size_t points) {
    const double *field = visit->fields;
    double systolic = field[VISIT_SYSTOLIC], mean = field[VISIT_DIASTOLIC] + (systolic - field[VISIT_DIASTOLIC]) / 3;
    double index = systolic > 0 ? field[VISIT_PULSE] / systolic : (double)NAN;
    struct triage_facts facts = facts_from_visit(visit);
    struct triage_score news2 = triage_score(TRIAGE_NEWS2, &facts);
    out[DERIVED_SHOCK_INDEX] = index;
    out[DERIVED_AGE_SHOCK_INDEX] = index * field[VISIT_AGE];
    out[DERIVED_MEAN_PRESSURE] = mean;
    out[DERIVED_MODIFIED_SHOCK_INDEX] = mean > 0 ? field[VISIT_PULSE] / mean : (double)NAN;
    out[DERIVED_PULSE_PRESSURE] = systolic - field[VISIT_DIASTOLIC];
    out[DERIVED_NEWS2] = news2.any ? news2.total : (double)NAN;
    out[DERIVED_NEWS2_RED] = news2.any ? news2.single_red : (double)NAN;
    out[DERIVED_REMS] = score_total(TRIAGE_REMS, &facts);
    out[DERIVED_QSOFA] = score_total(TRIAGE_QSOFA, &facts);
    out[DERIVED_SIRS] = score_total(TRIAGE_SIRS, &facts);
    out[DERIVED_COMPLAINT_POINTS] = visit->complaint.size ? (double)points : (double)NAN;
}

void features_fill(float *out, const struct feature_set *set, const struct visit *visit, struct arena *arena) {
    struct visit_words said = {.points = 0};
    struct gram_set grams;
    grams.buckets = 0;
    double derived[DERIVED_COUNT];
    struct visit known = *visit;
    if (!is_words(known.complaint))
        known.complaint = (struct text){0};
    bool words = known.complaint.size > 0;
    if (words && visit->words)
        said = *visit->words;
    else if (words && (set->has_concepts || set->has_grams || set->has_derived))
        said = words_scan(known.complaint, set->lexicon, arena);
    if (set->has_derived) {
        derived_fill(derived, &known, said.points);
        derived[DERIVED_PAIN_LEVEL] =
            words ? pain_level(set, known.fields[VISIT_PAIN_SCORE], &said.matches) : (double)NAN;
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct feature *feature = &set->at[i];
        switch (feature->kind) {
        case FEATURE_FIELD:
            out[i] = (float)known.fields[feature->index];
            break;
        case FEATURE_DERIVED:
            out[i] = (float)derived[feature->index];
            break;
        case FEATURE_CONCEPT:
            out[i] = words ? concept_value(&said.matches, feature->index) : NAN;
            break;
        case FEATURE_GRAM:
            out[i] = words ? gram_value(&grams, &said.grams, feature) : NAN;
            break;
        case FEATURE_COLUMN:
            out[i] = known.columns ? (float)known.columns[feature->index] : NAN;
            break;
        case FEATURE_MARK:
            out[i] = known.columns && known.columns[feature->index] > 0 ? 1.0F : NAN;
            break;
        }
    }
}

struct feature_label features_label(const struct feature_set *set, size_t index) {
    const struct feature *feature = &set->at[index];
    const struct label_row *row = feature->kind == FEATURE_FIELD     ? &field_rows[feature->index]
                                  : feature->kind == FEATURE_DERIVED ? &derived_rows[feature->index]
                                                                     : NULL;
    bool is_word = feature->kind == FEATURE_CONCEPT || feature->kind == FEATURE_GRAM;
    if (row)
        return (struct feature_label){feature->name, row->unit, row->ko, row->en, false};
    return (struct feature_label){feature->name, "", is_word ? "주호소의 낱말" : "자료의 항목",
        is_word ? "words of the complaint" : "a column of the data", is_word};
}
