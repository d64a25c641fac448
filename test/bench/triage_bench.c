/* What the built-in models take for a prediction, an explanation and a whole reading, beside what they may take and beside a ceiling of
 * the same run: one pass over the nodes of the output's trees (a prediction must touch one path of each, an explanation all of them).
 * The visits are made up. Processor time of this thread: others on the machine do not count.
 *
 *     soyang_triage_bench       prints one line of JSON */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "triage/readers.h"

enum { RUNS = 20000, EXPLAINED = 2000, READINGS = 4000, PASSES = 2000, VISITS = 500, ARENA_MAX = 512 << 20 };
static const double prediction_us_most = 25, explanation_us_most = 1000;

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

struct figures {
    double median, p99, max;
};
static struct figures figures_of(double *times, size_t count) {
    qsort(times, count, sizeof *times, by_value);
    return (struct figures){times[count / 2], times[count - 1 - count / 100], times[count - 1]};
}

/* ---- visits --------------------------------------------------------------------------------------------------------- */

static uint64_t chance_state = 20261123;
static double chance(void) { /* splitmix64: Steele, Lea, Flood 2014 */
    uint64_t x = chance_state += 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return (double)((x ^ x >> 31) >> 11) / 9007199254740992.0;
}

static struct triage_facts *random_visit(struct arena *arena) {
    static const enum triage_measure measures[] = {TRIAGE_SYSTOLIC, TRIAGE_DIASTOLIC, TRIAGE_PULSE, TRIAGE_RESPIRATION,
        TRIAGE_TEMPERATURE, TRIAGE_SPO2, TRIAGE_PAIN};
    static const double low[] = {80, 45, 45, 10, 35, 88, 0}, high[] = {200, 110, 160, 36, 40, 100, 10};
    static const char *const complaints[] = {"어제부터 배가 아프고 열이 나요, no chest pain",
        "abdominal pain, vomiting since morning", "왼쪽 팔다리에 힘이 없고 말이 어눌함, 30분 전부터",
        "dyspnea, r/o pneumonia, h/o COPD", "fever, chills", "발목을 삐었어요"};
    struct triage_facts *facts = triage_facts_new(arena);
    facts->age_months = 220 + (int)(chance() * 800);
    facts->sex = chance() < 0.5 ? TRIAGE_FEMALE : TRIAGE_MALE;
    facts->mind = TRIAGE_ALERT;
    facts->human_level = 2 + (int)(chance() * 4);
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        facts->values[measures[i]] =
            (struct triage_value){.known = true, .value = floor(low[i] + chance() * (high[i] - low[i]))};
    facts->texts[facts->text_count++] = (struct triage_text){.kind = TRIAGE_TEXT_COMPLAINT,
        .text = text_from(complaints[(size_t)(chance() * (sizeof complaints / sizeof *complaints))]),
        .path = TEXT("bench")};
    return facts;
}

/* ---- one output of a model ------------------------------------------------------------------------------------------ */

struct timed {
    const char *file, *output;
    size_t nodes;
    double pass_us; /* the ceiling */
    struct figures prediction, explanation;
};
enum { TIMED_MAX = TRIAGE_MODEL_COUNT * 4 };
struct bench {
    struct timed rows[TIMED_MAX];
    size_t row_count;
    struct figures reading;
    double rules_us; /* the reading's ceiling: by rules alone */
};

static volatile double sink;

static double time_pass(size_t *nodes, const struct triage_model_output *output) {
    static double times[PASSES];
    for (int run = 0; run < PASSES; run++) {
        double began = now_us();
        float sum = 0;
        *nodes = 0;
        for (size_t t = 0; t < output->tree_count; t++) {
            *nodes += output->trees[t].node_count;
            for (size_t n = 0; n < output->trees[t].node_count; n++)
                sum += output->trees[t].nodes[n].threshold;
        }
        sink = (double)sum;
        times[run] = now_us() - began;
    }
    return figures_of(times, PASSES).median;
}

static void time_output(struct timed *out, const struct triage_model *model, size_t output, float *const *visits) {
    static double times[RUNS], terms[TRIAGE_MODEL_FEATURES_MAX];
    out->output = triage_model_content(model)->outputs[output].name;
    out->pass_us = time_pass(&out->nodes, &triage_model_content(model)->outputs[output]);
    for (int i = 0; i < RUNS; i++) {
        double began = now_us();
        sink = (double)triage_model_probability(model, output, visits[i % VISITS], NULL, NULL);
        times[i] = now_us() - began;
    }
    out->prediction = figures_of(times, RUNS);
    for (int i = 0; i < EXPLAINED; i++) {
        double began = now_us();
        sink = triage_model_explain(terms, model, output, visits[i % VISITS]);
        times[i] = now_us() - began;
    }
    out->explanation = figures_of(times, EXPLAINED);
}

static void time_models(struct bench *bench, const struct triage_readers *readers, struct arena *arena) {
    for (int kind = 0; kind < TRIAGE_MODEL_COUNT; kind++) {
        const struct reader_model *model = &readers->models[kind];
        const struct triage_model_source *content = triage_model_content(model->model);
        float **visits = ARENA_ARRAY(arena, float *, VISITS);
        for (int i = 0; i < VISITS; i++) {
            struct visit visit = visit_from_facts(random_visit(arena), arena);
            visits[i] = ARENA_ARRAY(arena, float, content->feature_count + 1);
            features_fill(visits[i], model->features, &visit, arena);
        }
        for (size_t o = 0; o < content->output_count && bench->row_count < TIMED_MAX; o++) {
            struct timed *row = &bench->rows[bench->row_count++];
            row->file = triage_model_file_name((enum triage_model_kind)kind);
            time_output(row, model->model, o, visits);
        }
    }
}

/* ---- readings ------------------------------------------------------------------------------------------------------- */

static enum status time_readings(
    struct figures *out, const struct triage_policy *policy, const struct triage_readers *readers, struct arena *own) {
    static double times[READINGS];
    enum status status = STATUS_OK;
    for (int i = 0; i < READINGS && status == STATUS_OK; i++) {
        struct scope inner = {.arena = own};
        struct triage_reading reading;
        const struct triage_facts *facts = random_visit(own);
        double began = now_us();
        status = triage_read_all(&reading, policy, readers, facts, &inner);
        times[i] = now_us() - began;
        arena_reset(own);
    }
    *out = figures_of(times, READINGS);
    return status;
}

static enum status run(void *context, struct scope *scope) {
    struct bench *bench = context;
    const struct triage_policy *policy = NULL;
    const struct triage_readers *readers = NULL;
    struct triage_readers_config config = {0};
    struct figures rules;
    enum status status = triage_policy_open(&policy, (struct text){0}, scope->arena, scope);
    config.policy = policy;
    if (status == STATUS_OK)
        status = triage_readers_open(&readers, &config, scope->arena, scope);
    if (status != STATUS_OK)
        return status;
    time_models(bench, readers, scope->arena);
    struct arena *own = arena_open(64 << 20);
    status = own ? time_readings(&rules, policy, NULL, own) : STATUS_UNAVAILABLE;
    if (status == STATUS_OK)
        status = time_readings(&bench->reading, policy, readers, own);
    bench->rules_us = rules.median;
    arena_close(own);
    return status;
}

static void print(const char *name, const struct figures *figures, double most) {
    printf("\"%s\": {\"median_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f, \"most_us\": %.0f}", name,
        figures->median, figures->p99, figures->max, most);
}

int main(void) {
    static struct bench bench;
    struct scope scope;
    struct arena *arena = arena_open(ARENA_MAX);
    if (arena == NULL || scope_run(&scope, arena, run, &bench) != STATUS_OK)
        return 1;
    printf("{\"outputs\": [");
    for (size_t i = 0; i < bench.row_count; i++) {
        const struct timed *row = &bench.rows[i];
        printf("%s{\"model\": \"%s\", \"output\": \"%s\", \"nodes\": %zu, \"pass_us\": %.3f, ", i ? ", " : "",
            row->file, row->output, row->nodes, row->pass_us);
        print("prediction", &row->prediction, prediction_us_most);
        printf(", ");
        print("explanation", &row->explanation, explanation_us_most);
        printf("}");
    }
    printf("], \"rules_us\": %.2f, ", bench.rules_us);
    printf("\"reading\": {\"median_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f}}\n", bench.reading.median,
        bench.reading.p99, bench.reading.max);
    arena_close(arena);
    return 0;
}
