/* The trained reader of levels: speaks or abstains, says what stands behind it and what would change it. */
#include "triage/history.h"
#include "triage/readers.h"
#include "triage/sentences.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TERMS_SAID = 5, TRIALS_MAX = 160, CHANGES_MAX = 512, SENTENCE_MAX = 1000 };

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

/* Measured values that a patient could have shown otherwise; age, sex and the human's level are not among them. */
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

static bool speaks_with(const struct question *q, float *inputs, const struct change *change) {
    const struct triage_model_escalation *which;
    struct visit visit = q->visit;
    visit.fields[change->field] = change->value;
    features_fill(inputs, q->readers->models[q->kind].features, &visit, q->arena);
    return reader_escalates(&which, q->readers, q->kind, q->facts->human_level, inputs, q->facts->site) != 0;
}

/* A whole number, or a tenth of a degree, on the other side of the threshold. */
static double beyond(double threshold, double value, enum visit_field field) {
    double step = field == VISIT_TEMPERATURE ? 0.1 : 1;
    double steps = threshold / step;
    return threshold > value ? ceil(steps - 1e-6) * step : (ceil(steps - 1e-6) - 1) * step;
}

static void change_add(
    struct changes *changes, const struct question *q, enum visit_field field, size_t feature, double threshold) {
    const struct triage_model_feature *f = &q->content->features[feature];
    double value = q->visit.fields[field], other = beyond(threshold, value, field);
    double span = f->high > f->low ? (double)f->high - (double)f->low : 1;
    bool inside = !(f->high > f->low) || (other >= (double)f->low && other <= (double)f->high);
    bool seen = !inside || other == value || changes->count == CHANGES_MAX;
    for (size_t i = 0; i < changes->count && !seen; i++)
        seen = changes->at[i].field == field && changes->at[i].value == other;
    if (!seen)
        changes->at[changes->count++] = (struct change){field, feature, other, fabs(other - value) / span};
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

static struct text change_sentence(const struct question *q, const struct change *change, enum language language) {
    struct buffer buffer = buffer_open(q->arena, SENTENCE_MAX);
    const char *unit = q->content->features[change->feature].unit;
    if (language == KOREAN) {
        buffer_put_format(&buffer, "%s 값만 ", label_of(q, change->feature, KOREAN));
        sentence_put_quantity(&buffer, change->value, unit, KOREAN);
        enum korean_end end = korean_end(buffer_text(&buffer)); /* "80회/분이었다면", "120 mmHg였다면" */
        buffer_put_string(&buffer, end == KOREAN_END_CLOSED || end == KOREAN_END_RIEUL ? "이었다면" : "였다면");
        buffer_put_string(&buffer, " 올리지 않았을 것입니다.");
    } else {
        buffer_put_format(&buffer, "With %s alone at ", label_of(q, change->feature, ENGLISH));
        sentence_put_quantity(&buffer, change->value, unit, ENGLISH);
        buffer_put_string(&buffer, " it would not have raised the level.");
    }
    return buffer_text(&buffer);
}

/* The nearest with which it would not have spoken. */
static void change_say(struct triage_opinion *out, const struct question *q) {
    struct changes *changes = ARENA_NEW(q->arena, struct changes);
    float *inputs = ARENA_ARRAY(q->arena, float, q->content->feature_count);
    changes_gather(changes, q);
    qsort(changes->at, changes->count, sizeof *changes->at, change_nearer);
    for (size_t i = 0; i < changes->count && i < TRIALS_MAX; i++) {
        const struct change *change = &changes->at[i];
        if (!speaks_with(q, inputs, change)) {
            remark_add(out, "change", change_sentence(q, change, KOREAN), change_sentence(q, change, ENGLISH));
            return;
        }
    }
    remark_add(out, "change", TEXT("한 가지 측정값만 달라서는 판독이 바뀌지 않습니다."),
        TEXT("No single measured value alone would change what it says."));
}

/* ---- speaking ------------------------------------------------------------------------------------------------------- */

static void opinion_speak(
    struct triage_opinion *out, const struct question *q, const struct triage_model_escalation *which, size_t output) {
    double percent = out->probability * 100;
    if (which) {
        double threshold = (double)which->probability * 100;
        out->ko = text_format(q->arena, "학습된 판독: %d단계로 볼 것을 권합니다(확률 %.0f%%, 기준 %.0f%%).", out->level,
            percent, threshold);
        out->en = text_format(q->arena, "Trained reader: level %d is advised (probability %.0f %%, threshold %.0f %%).",
            out->level, percent, threshold);
    } else {
        const char *of_ko = q->facts->human_level ? "사람의 단계보다 위급할" : "1–2단계일";
        const char *of_en = q->facts->human_level ? "more urgent than the human's level" : "level 1 or 2";
        out->ko =
            text_format(q->arena, "학습된 판독: 단계를 올릴 까닭을 찾지 못했습니다(%s 확률 %.0f%%).", of_ko, percent);
        out->en = text_format(q->arena,
            "Trained reader: it finds no cause to raise the level (probability of %s: %.0f %%).", of_en, percent);
    }
    terms_say(out, q, output);
    if (which)
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
