/* The trained reader of levels: speaks or abstains, says what stands behind it and what would change it. */
#include "triage/history.h"
#include "triage/readers.h"
#include "triage/sentences.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TERMS_SAID = 5, CHANGES_MAX = 512, SENTENCE_MAX = 1000 };
/* Of the other values the nearest, then some of all that are farther, and every state of the mind. */
enum { TRIALS_NEAR = 100, TRIALS_FAR = 56, TRIALS_MIND = 4, TRIALS_MAX = TRIALS_NEAR + TRIALS_FAR + TRIALS_MIND };
#define NEAR_MOST 0.25 /* of the span of what was seen in training: what is farther is another patient */

struct question {
    const struct triage_readers *readers;
    enum triage_model_kind kind;
    const struct triage_model_source *content;
    const struct triage_facts *facts;
    struct visit visit;
    struct reader_inputs inputs;
    struct arena *arena;
};

static void remark_add(struct triage_opinion *out, const char *code, struct text ko, struct text en) {
    if (out->remark_count < TRIAGE_REMARKS_MAX)
        out->remarks[out->remark_count++] = (struct triage_remark){code, ko, en};
}

static const char *label_of(const struct question *q, size_t feature, enum language language) {
    const struct triage_model_feature *f = &q->content->features[feature];
    const char *own = language == KOREAN ? f->label_ko : f->label_en;
    struct feature_label label = features_label(q->readers->models[q->kind].features, feature);
    return own[0] ? own : language == KOREAN ? label.ko : label.en;
}

/* ---- abstaining ----------------------------------------------------------------------------------------------------- */

static struct text abstention_sentence(const struct question *q, enum language language) {
    static const char *const sentences[][2] = {
        [ABSTENTION_NO_AGE] = {"나이를 몰라 판독하지 않습니다", "it abstains: the age is not known"},
        [ABSTENTION_TOO_YOUNG] = {"16세 미만(또는 학습하지 않은 나이)이라 판독하지 않습니다",
            "it abstains: the patient is younger than those it learnt from (never under 16)"},
        [ABSTENTION_MISSING] = {"필요한 값이 없어 판독하지 않습니다", "it abstains: an input it needs is missing"},
        [ABSTENTION_TOO_FEW] = {"측정값이 너무 적어 판독하지 않습니다", "it abstains: too little was measured"},
        [ABSTENTION_OUT_OF_RANGE] = {"학습 범위를 벗어난 값이 있어 판독하지 않습니다",
            "it abstains: an input lies outside what it learnt from"},
    };
    const char *sentence = sentences[q->inputs.abstention][language];
    const char *lead = language == KOREAN ? "학습된 판독: " : "Trained reader: ";
    bool names = q->inputs.abstention == ABSTENTION_MISSING || q->inputs.abstention == ABSTENTION_OUT_OF_RANGE;
    if (!names)
        return text_format(q->arena, "%s%s.", lead, sentence);
    return text_format(q->arena, "%s%s (%s).", lead, sentence, label_of(q, q->inputs.feature, language));
}

/* ---- terms ---------------------------------------------------------------------------------------------------------- */

struct term {
    size_t feature; /* the first of its group */
    double sum;
    bool grouped;
};

static bool same_group(const struct triage_model_feature *a, const struct triage_model_feature *b) {
    if (a->group[0] || b->group[0])
        return strcmp(a->group, b->group) == 0;
    return (a->flags & TRIAGE_FEATURE_WORDS) && (b->flags & TRIAGE_FEATURE_WORDS);
}

static int term_greater(const void *a, const void *b) {
    const struct term *x = a, *y = b;
    double difference = fabs(y->sum) - fabs(x->sum);
    return difference > 0 ? 1 : difference < 0 ? -1 : x->feature < y->feature ? -1 : x->feature > y->feature;
}

/* Terms of one group are one; greatest first. */
static size_t terms_gather(struct term *terms, const struct question *q, size_t output) {
    double *values = ARENA_ARRAY(q->arena, double, q->content->feature_count);
    size_t count = 0;
    triage_model_explain(values, q->readers->models[q->kind].model, output, q->inputs.at);
    for (size_t i = 0; i < q->content->feature_count; i++) {
        size_t at = 0;
        while (at < count && !same_group(&q->content->features[terms[at].feature], &q->content->features[i]))
            at++;
        if (at < count) {
            terms[at].sum += values[i];
            terms[at].grouped = true;
        } else {
            terms[count++] = (struct term){.feature = i, .sum = values[i]};
        }
    }
    qsort(terms, count, sizeof *terms, term_greater);
    return count;
}

/* The models learnt from data that tell neither oxygen nor the scale, nor a counted GCS, nor leucocytes. Where these count, the score
 * beside it is another: what was left out. */
static const char *left_out(const struct question *q, const char *feature, float value, enum language language) {
    static const struct {
        const char *feature;
        enum triage_score_kind score;
        const char *words[LANGUAGE_COUNT];
    } rows[] = {
        {"news2", TRIAGE_NEWS2, {"(산소와 2번 척도 없이 셈)", " (without oxygen and scale 2)"}},
        {"news2-red", TRIAGE_NEWS2, {" (산소와 2번 척도 없이 셈)", " (without oxygen and scale 2)"}},
        {"rems", TRIAGE_REMS, {"(GCS는 의식 상태로 미루어 셈)", " (with the GCS estimated from the mind)"}},
        {"qsofa", TRIAGE_QSOFA, {"(GCS 없이 셈)", " (without the GCS)"}},
        {"sirs", TRIAGE_SIRS, {"(백혈구 없이 셈)", " (without leucocytes)"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].feature, feature) != 0)
            continue;
        struct triage_score score = triage_score(rows[i].score, q->facts);
        float own = (float)(strcmp(feature, "news2-red") == 0 ? score.single_red : score.total);
        return own == value ? "" : rows[i].words[language];
    }
    return "";
}

static struct text term_sentence(const struct question *q, const struct term *term, enum language language) {
    const struct triage_model_feature *f = &q->content->features[term->feature];
    struct buffer buffer = buffer_open(q->arena, SENTENCE_MAX);
    float value = q->inputs.at[term->feature];
    bool words = term->grouped || (f->flags & TRIAGE_FEATURE_WORDS);
    buffer_put_string(&buffer, label_of(q, term->feature, language));
    if (!words && isnan(value)) {
        buffer_put_string(&buffer, language == KOREAN ? ": 알 수 없음" : " not known");
    } else if (!words && (f->flags & TRIAGE_FEATURE_YES_NO)) {
        const char *answers[2][2] = {{": 아니요", ": no"}, {": 예", ": yes"}};
        buffer_put_string(&buffer, answers[value > 0][language]);
    } else if (!words) {
        buffer_put_char(&buffer, ' ');
        sentence_put_quantity(&buffer, (double)value, f->unit, language);
    }
    if (!words && !isnan(value))
        buffer_put_string(&buffer, left_out(q, f->name, value, language));
    const char *way = term->sum >= 0 ? (language == KOREAN ? "위험을 높임" : "raises the risk")
                                     : (language == KOREAN ? "위험을 낮춤" : "lowers the risk");
    buffer_put_format(
        &buffer, language == KOREAN ? " — %s (로그 오즈 %+.2f)" : " — %s (log odds %+.2f)", way, term->sum);
    return buffer_text(&buffer);
}

static void terms_say(struct triage_opinion *out, const struct question *q, size_t output) {
    struct term *terms = ARENA_ARRAY(q->arena, struct term, q->content->feature_count);
    size_t count = terms_gather(terms, q, output);
    for (size_t i = 0; i < count && i < TERMS_SAID && terms[i].sum != 0; i++)
        remark_add(out, "term", term_sentence(q, &terms[i], KOREAN), term_sentence(q, &terms[i], ENGLISH));
}

/* ---- what would change it -------------------------------------------------------------------------------------------- */

/* Measured values that a patient could have shown otherwise, beside the state of the mind; age, sex and the human's level are not among
 * them. */
static const enum visit_field changeable[] = {
    VISIT_PAIN_SCORE, VISIT_SYSTOLIC, VISIT_DIASTOLIC, VISIT_PULSE, VISIT_RESPIRATION, VISIT_TEMPERATURE, VISIT_SPO2};
enum { CHANGEABLE = sizeof changeable / sizeof changeable[0] };

/* One value otherwise. */
struct change {
    enum visit_field field;
    size_t feature;
    double value, distance; /* distance: in spans of what was seen in training */
};
struct changes {
    struct change at[CHANGES_MAX];
    size_t count;
};

/* The level it would have advised; 0: none. */
static int level_with(const struct question *q, float *inputs, const struct change *change) {
    const struct triage_model_escalation *which;
    struct visit visit = q->visit;
    visit.fields[change->field] = change->value;
    if (change->field == VISIT_PAIN_SCORE)
        visit.fields[VISIT_IN_PAIN] = change->value > 0;
    features_fill(inputs, q->readers->models[q->kind].features, &visit, q->arena);
    return reader_escalates(&which, q->readers, q->kind, q->facts->human_level, inputs, q->facts->site);
}

/* A whole number, or a tenth of a degree, on the other side of the threshold. */
static double beyond(double threshold, double value, enum visit_field field) {
    double step = field == VISIT_TEMPERATURE ? 0.1 : 1;
    double steps = threshold / step;
    return threshold > value ? ceil(steps - 1e-6) * step : (ceil(steps - 1e-6) - 1) * step;
}

/* Pressures the other way round would have been read as exchanged. */
static bool is_exchanged(const struct question *q, enum visit_field field, double value) {
    return (field == VISIT_SYSTOLIC && value < q->visit.fields[VISIT_DIASTOLIC]) ||
           (field == VISIT_DIASTOLIC && value > q->visit.fields[VISIT_SYSTOLIC]);
}

static void change_add(
    struct changes *changes, const struct question *q, enum visit_field field, size_t feature, double threshold) {
    const struct triage_model_feature *f = &q->content->features[feature];
    double value = q->visit.fields[field], other = beyond(threshold, value, field);
    double span = f->high > f->low ? (double)f->high - (double)f->low : 1;
    bool inside = !(f->high > f->low) || (other >= (double)f->low && other <= (double)f->high);
    bool seen =
        !inside || other == value || is_exchanged(q, field, other) || changes->count == CHANGES_MAX - TRIALS_MIND;
    for (size_t i = 0; i < changes->count && !seen; i++)
        seen = changes->at[i].field == field && changes->at[i].value == other;
    if (!seen)
        changes->at[changes->count++] = (struct change){field, feature, other, fabs(other - value) / span};
}

/* Every other state: there are few, and what follows from them (NEWS2, REMS) is much. Not C: no data that the level's models learnt from
 * tell it. */
static void minds_add(struct changes *changes, const struct question *q) {
    int feature = triage_model_feature_find(q->readers->models[q->kind].model, visit_field_name(VISIT_MIND));
    double mind = q->visit.fields[VISIT_MIND];
    for (int i = 0; i <= TRIALS_MIND && feature >= 0 && !isnan(mind); i++) {
        if (i != (int)mind && i != TRIAGE_CONFUSED - TRIAGE_ALERT)
            changes->at[changes->count++] =
                (struct change){VISIT_MIND, (size_t)feature, i, fabs(i - mind) / TRIALS_MIND};
    }
}

/* Just beyond the trees' thresholds on the measured inputs: elsewhere nothing changes but through derived values. */
static void changes_gather(struct changes *changes, const struct question *q) {
    const struct reader_model *model = &q->readers->models[q->kind];
    signed char *fields =
        ARENA_ARRAY(q->arena, signed char, q->content->feature_count); /* changeable, counted from 1 */
    for (int i = 0; i < CHANGEABLE; i++) {
        int feature = triage_model_feature_find(model->model, visit_field_name(changeable[i]));
        if (feature >= 0 && !isnan(q->visit.fields[changeable[i]]))
            fields[feature] = (signed char)(i + 1);
    }
    for (size_t o = 0; o < q->content->output_count; o++) {
        for (size_t t = 0; t < q->content->outputs[o].tree_count; t++) {
            const struct triage_model_tree *tree = &q->content->outputs[o].trees[t];
            for (size_t n = 0; n < tree->node_count; n++) {
                const struct triage_model_node *node = &tree->nodes[n];
                if (node->feature != TRIAGE_MODEL_LEAF && fields[node->feature])
                    change_add(
                        changes, q, changeable[fields[node->feature] - 1], node->feature, (double)node->threshold);
            }
        }
    }
}

static int change_nearer(const void *a, const void *b) {
    const struct change *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    if (x->field != y->field)
        return x->field < y->field ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

/* `level`: what it would have advised; 0: it would not have raised. */
static struct text change_sentence(
    const struct question *q, const struct change *change, int level, enum language language) {
    static const char *const minds[][LANGUAGE_COUNT] = {{"A(명료)", "A (alert)"},
        {"C(새로운 혼동)", "C (newly confused)"}, {"V(말에 반응)", "V (responds to voice)"},
        {"P(통증에 반응)", "P (responds to pain)"}, {"U(무반응)", "U (unresponsive)"}};
    struct buffer buffer = buffer_open(q->arena, SENTENCE_MAX);
    bool mind = change->field == VISIT_MIND;
    if (language == KOREAN && mind)
        buffer_put_format(&buffer, "의식만 %s", minds[(int)change->value][KOREAN]);
    else if (mind)
        buffer_put_format(&buffer, "With the mind alone at %s", minds[(int)change->value][ENGLISH]);
    else
        buffer_put_format(
            &buffer, language == KOREAN ? "%s 값만 " : "With %s alone at ", label_of(q, change->feature, language));
    if (!mind)
        sentence_put_quantity(&buffer, change->value, q->content->features[change->feature].unit, language);
    if (language == KOREAN) {
        enum korean_end end = korean_end(buffer_text(&buffer)); /* "80회/분이었다면", "120 mmHg였다면" */
        buffer_put_string(&buffer, end == KOREAN_END_CLOSED || end == KOREAN_END_RIEUL ? "이었다면 " : "였다면 ");
    }
    if (level)
        buffer_put_format(&buffer,
            language == KOREAN ? "%d단계로 볼 것을 권했을 것입니다." : " it would have advised level %d.", level);
    else
        buffer_put_string(
            &buffer, language == KOREAN ? "올리지 않았을 것입니다." : " it would not have raised the level.");
    return buffer_text(&buffer);
}

/* Whether the i-th nearest of `count` is tried. */
static bool is_tried(const struct changes *changes, size_t i) {
    size_t far = i - TRIALS_NEAR, all = changes->count - TRIALS_NEAR;
    if (changes->count <= TRIALS_MAX || i < TRIALS_NEAR || changes->at[i].field == VISIT_MIND)
        return true;
    return far * TRIALS_FAR / all != (far + 1) * TRIALS_FAR / all;
}

static bool could_raise(const struct question *q) {
    for (size_t i = 0; i < q->content->escalation_count; i++) {
        const struct triage_model_escalation *e = &q->content->escalations[i];
        if ((e->human == TRIAGE_MODEL_ANY_LEVEL || (int)e->human == q->facts->human_level) &&
            (int)e->level < q->facts->human_level)
            return true;
    }
    return false;
}

/* The nearest with which it would not have spoken; of one that did not raise a human's level, the nearest with which it would have. */
static void change_say(struct triage_opinion *out, const struct question *q) {
    bool raised = out->level != 0;
    if (!raised && !could_raise(q))
        return;
    struct changes *changes = ARENA_NEW(q->arena, struct changes);
    float *inputs = ARENA_ARRAY(q->arena, float, q->content->feature_count);
    size_t trials = 0;
    changes_gather(changes, q);
    minds_add(changes, q);
    qsort(changes->at, changes->count, sizeof *changes->at, change_nearer);
    for (size_t i = 0; i < changes->count && (raised || changes->at[i].distance <= NEAR_MOST); i++) {
        const struct change *change = &changes->at[i];
        if (!is_tried(changes, i))
            continue;
        int level = level_with(q, inputs, change);
        trials++;
        if ((level != 0) != raised) {
            remark_add(
                out, "change", change_sentence(q, change, level, KOREAN), change_sentence(q, change, level, ENGLISH));
            return;
        }
    }
    if (raised)
        remark_add(out, "change",
            text_format(q->arena, "측정값 하나만 바꾸어서는 판독이 달라지지 않았습니다(%zu가지를 해 봄).", trials),
            text_format(q->arena,
                "No single measured value was found that alone would change what it says (%zu tried).", trials));
}

/* ---- speaking ------------------------------------------------------------------------------------------------------- */

/* The least probability of this output at which it would have raised; NULL: at none. */
static const struct triage_model_escalation *least_escalation(const struct question *q, size_t output, bool *others) {
    const struct triage_model_escalation *least = NULL;
    int human = q->facts->human_level;
    for (size_t i = 0; i < q->content->escalation_count; i++) {
        const struct triage_model_escalation *e = &q->content->escalations[i];
        bool meant = e->human == TRIAGE_MODEL_ANY_LEVEL || (int)e->human == human;
        if (!meant || (human && (int)e->level >= human))
            continue;
        *others = *others || e->output != output;
        if (e->output == output && (!least || e->probability < least->probability))
            least = e;
    }
    return least;
}

/* As many decimals as tell the two apart. */
static int decimals_between(double percent, double threshold) {
    int decimals = 0;
    for (double scale = 1; decimals < 4 && floor(percent * scale + 0.5) == floor(threshold * scale + 0.5); scale *= 10)
        decimals++;
    return decimals;
}

static void say_no_cause(struct triage_opinion *out, const struct question *q, size_t output) {
    bool others = false;
    const struct triage_model_escalation *least = least_escalation(q, output, &others);
    int human = q->facts->human_level;
    double percent = out->probability * 100, threshold = least ? (double)least->probability * 100 : 0;
    const char *of_ko = human ? "사람의 단계보다 위급할" : "1–2단계일";
    const char *of_en = human ? "more urgent than the human's level" : "level 1 or 2";
    if (least) {
        int decimals = decimals_between(percent, threshold);
        out->ko = text_format(q->arena, "학습된 판독: %s 확률이 %.*f%%로, 단계를 올리는 기준 %.*f%%에 못 미칩니다.",
            of_ko, decimals, percent, decimals, threshold);
        out->en = text_format(q->arena,
            "Trained reader: the probability of %s is %.*f %%, below the %.*f %% at which it would raise the level.",
            of_en, decimals, percent, decimals, threshold);
    } else if (others) {
        out->ko = text_format(q->arena, "학습된 판독: 단계를 올리지 않습니다(%s 확률 %.0f%%).", of_ko, percent);
        out->en = text_format(
            q->arena, "Trained reader: it does not raise the level (probability of %s: %.0f %%).", of_en, percent);
    } else {
        struct text beside_ko =
            human ? text_format(q->arena, "사람의 단계가 %d이면", human) : TEXT("사람의 단계가 없으면");
        struct text beside_en =
            human ? text_format(q->arena, "beside a human's level of %d", human) : TEXT("without a human's level");
        out->ko = text_format(q->arena, "학습된 판독: %.*s 단계를 올리지 않습니다(%s 확률 %.0f%%).",
            (int)beside_ko.size, beside_ko.at, of_ko, percent);
        out->en = text_format(q->arena, "Trained reader: %.*s it raises nothing (probability of %s: %.0f %%).",
            (int)beside_en.size, beside_en.at, of_en, percent);
    }
}

static void opinion_speak(
    struct triage_opinion *out, const struct question *q, const struct triage_model_escalation *which, size_t output) {
    if (which) {
        double percent = out->probability * 100, threshold = (double)which->probability * 100;
        out->ko = text_format(q->arena, "학습된 판독: %d단계로 볼 것을 권합니다(확률 %.0f%%, 기준 %.0f%%).", out->level,
            percent, threshold);
        out->en = text_format(q->arena, "Trained reader: level %d is advised (probability %.0f %%, threshold %.0f %%).",
            out->level, percent, threshold);
    } else {
        say_no_cause(out, q, output);
    }
    terms_say(out, q, output);
    if (which || q->facts->human_level)
        change_say(out, q);
    if (!out->calibrated)
        remark_add(out, "uncalibrated",
            TEXT("이 기관에 맞추어 보정되지 않은 모델입니다: 확률은 학습한 기관의 것입니다."),
            TEXT("The model is not calibrated for this site: its probabilities are those of where it learnt."));
}

void reader_read_level(struct triage_opinion *out, const struct triage_reader *reader, const struct triage_facts *facts,
    const struct triage_reading *rules, struct arena *arena) {
    (void)rules;
    const struct reader_visit *asked = reader->model;
    struct question q = {.readers = asked->readers, .facts = facts, .visit = asked->visit, .arena = arena};
    const struct site *site = site_find(&q.readers->sites, facts->site);
    q.kind = facts->human_level ? TRIAGE_MODEL_LEVEL : TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN;
    q.content = triage_model_content(q.readers->models[q.kind].model);
    q.visit.columns =
        history_columns(facts, q.readers->models[q.kind].columns, q.readers->models[q.kind].column_count, arena);
    q.inputs = reader_fill(&q.readers->models[q.kind], &q.visit, arena);
    *out = (struct triage_opinion){.silent = site && site->silent, .probability = -1};
    if (q.inputs.abstention != ABSTENTION_NONE) {
        out->abstains = true;
        out->ko = abstention_sentence(&q, KOREAN);
        out->en = abstention_sentence(&q, ENGLISH);
        return;
    }
    const struct triage_model_escalation *which = NULL;
    const char *judged = facts->human_level ? "under-triage" : "level-1-2";
    out->inputs = q.inputs.at;
    out->level = reader_escalates(&which, q.readers, q.kind, facts->human_level, q.inputs.at, facts->site);
    size_t output = which ? which->output : (size_t)triage_model_output_find(q.readers->models[q.kind].model, judged);
    out->probability = reader_probability(q.readers, q.kind, output, q.inputs.at, facts->site, &out->calibrated);
    out->output = q.content->outputs[output].name;
    opinion_speak(out, &q, which, output);
}

/* ---- forecasts ------------------------------------------------------------------------------------------------------ */

static const struct {
    enum triage_model_kind model;
    const char *code, *ko, *en;
} forecasts[TRIAGE_FORECAST_COUNT] = {
    [TRIAGE_DISPOSITION] = {TRIAGE_MODEL_DISPOSITION, "disposition", "입원·전원·사망", "admission, transfer or death"},
    [TRIAGE_INTENSIVE_CARE] = {TRIAGE_MODEL_INTENSIVE_CARE, "intensive-care", "중환자실 치료", "intensive care"},
    [TRIAGE_ADMISSION] = {TRIAGE_MODEL_ADMISSION, "admission", "입원", "admission"},
};

const char *triage_forecast_code(enum triage_forecast_kind kind) {
    return forecasts[kind].code;
}

static void forecast_make(struct triage_forecast *out, const struct question *q, enum triage_forecast_kind kind) {
    const struct triage_model *model = q->readers->models[q->kind].model;
    *out = (struct triage_forecast){.kind = kind, .probability = -1, .digest = triage_model_digest(model)};
    if (q->inputs.abstention != ABSTENTION_NONE) {
        out->abstains = true;
        out->ko = abstention_sentence(q, KOREAN);
        out->en = abstention_sentence(q, ENGLISH);
        return;
    }
    size_t output = reader_output(model, forecasts[kind].code, false);
    out->probability = reader_probability(q->readers, q->kind, output, q->inputs.at, q->facts->site, &out->calibrated);
    out->ko = text_format(q->arena, "%s 확률 %.0f%%%s.", forecasts[kind].ko, out->probability * 100,
        out->calibrated ? "" : " (이 기관에 맞추어 보정되지 않음)");
    out->en = text_format(q->arena, "Probability of %s: %.0f %%%s.", forecasts[kind].en, out->probability * 100,
        out->calibrated ? "" : " (not calibrated for this site)");
}

void reader_forecast(struct triage_reading *reading, const struct reader_visit *visit, const struct triage_facts *facts,
    struct arena *arena) {
    const struct triage_readers *readers = visit->readers;
    const struct site *site = site_find(&readers->sites, facts->site);
    bool silent = site && site->silent;
    for (int i = 0; i < TRIAGE_FORECAST_COUNT; i++) {
        struct question q = {
            .readers = readers, .kind = forecasts[i].model, .facts = facts, .visit = visit->visit, .arena = arena};
        q.visit.columns =
            history_columns(facts, readers->models[q.kind].columns, readers->models[q.kind].column_count, arena);
        q.inputs = reader_fill(&readers->models[q.kind], &q.visit, arena);
        if (q.inputs.abstention == ABSTENTION_NO_MODEL)
            continue;
        q.content = triage_model_content(readers->models[q.kind].model);
        forecast_make(silent ? &reading->silent_forecasts[reading->silent_forecast_count++]
                             : &reading->forecasts[reading->forecast_count++],
            &q, (enum triage_forecast_kind)i);
    }
}
