/* How long a trained model takes for a prediction, an explanation and a whole reading, beside what they may take. The models are made
 * up (random trees), of about the greatest size a file may have. Processor time of this thread: others on the machine do not count.
 *
 *     soyang_triage_bench       prints one line of JSON */
#include <stdio.h>
#include <time.h>

#include "triage/readers.h"
#include "unit/triage/made_up_models.h"

enum { RUNS = 20000, EXPLAINED = 4000, READINGS = 2000, TREES = 420, ARENA_MAX = 512 << 20 };
static const double prediction_us_most = 25, explanation_us_most = 1000, reading_us_most = 5000;

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
    double median, p99;
};
static struct figures figures_of(double *times, size_t count) {
    qsort(times, count, sizeof *times, by_value);
    return (struct figures){times[count / 2], times[count - 1 - count / 100]};
}

static struct triage_facts *random_visit(struct arena *arena) {
    struct triage_facts *facts = triage_facts_new(arena);
    static const enum triage_measure measures[] = {TRIAGE_SYSTOLIC, TRIAGE_DIASTOLIC, TRIAGE_PULSE, TRIAGE_RESPIRATION,
        TRIAGE_TEMPERATURE, TRIAGE_SPO2, TRIAGE_PAIN};
    static const double low[] = {80, 45, 45, 10, 35, 80, 0}, high[] = {200, 110, 160, 36, 40, 100, 10};
    facts->age_months = 200 + (int)(made_up_chance() * 900);
    facts->mind = TRIAGE_ALERT;
    facts->human_level = 2 + (int)(made_up_chance() * 4);
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        facts->values[measures[i]] =
            (struct triage_value){.known = true, .value = floor(low[i] + made_up_chance() * (high[i] - low[i]))};
    facts->texts[facts->text_count++] = (struct triage_text){.kind = TRIAGE_TEXT_COMPLAINT,
        .text = TEXT("어제부터 배가 아프고 열이 나요, no chest pain"),
        .path = TEXT("bench")};
    return facts;
}

/* One output of many trees: some 190 KB of file. */
static enum status large_model(struct text *out, struct arena *arena, struct scope *scope) {
    struct triage_model_feature features[MADE_UP_INPUTS];
    struct triage_model_tree *trees = ARENA_ARRAY(arena, struct triage_model_tree, TREES);
    size_t count = 0;
    for (int i = 0; i < MADE_UP_INPUTS; i++)
        features[i] = (struct triage_model_feature){.name = made_up_inputs[i].name};
    while (count < TREES) {
        struct triage_model_output part = made_up_output("x", 0, MADE_UP_INPUTS, arena);
        for (size_t i = 0; i < part.tree_count && count < TREES; i++)
            trees[count++] = part.trees[i];
    }
    struct triage_model_output output = {
        .name = "x", .link = TRIAGE_LINK_LOGISTIC, .trees = trees, .tree_count = TREES};
    struct triage_model_source source = {
        .name = "large", .features = features, .feature_count = MADE_UP_INPUTS, .outputs = &output, .output_count = 1};
    return triage_model_write(out, &source, scope);
}

struct bench {
    struct figures prediction, explanation, reading;
    size_t model_bytes;
};

static enum status time_model(struct bench *bench, struct arena *arena, struct scope *scope) {
    static double times[RUNS];
    struct text file = {0};
    const struct triage_model *model = NULL;
    volatile double sum = 0;
    enum status status = large_model(&file, arena, scope);
    if (status == STATUS_OK)
        status = triage_model_open(&model, file, arena, scope);
    if (status != STATUS_OK)
        return status;
    bench->model_bytes = file.size;
    for (int pass = 0; pass < 2; pass++) {
        int runs = pass == 0 ? RUNS : EXPLAINED;
        for (int i = 0; i < runs; i++) {
            float inputs[MADE_UP_INPUTS];
            double terms[MADE_UP_INPUTS];
            for (int k = 0; k < MADE_UP_INPUTS; k++)
                inputs[k] = made_up_chance() < 0.1
                                ? NAN
                                : made_up_inputs[k].low +
                                      (float)made_up_chance() * (made_up_inputs[k].high - made_up_inputs[k].low);
            double began = now_us();
            if (pass == 0)
                sum += (double)triage_model_probability(model, 0, inputs, NULL, NULL);
            else
                sum += triage_model_explain(terms, model, 0, inputs);
            times[i] = now_us() - began;
        }
        *(pass == 0 ? &bench->prediction : &bench->explanation) = figures_of(times, (size_t)runs);
    }
    return STATUS_OK;
}

static enum status time_readings(struct bench *bench, struct arena *arena, struct scope *scope) {
    static double times[READINGS];
    const struct triage_policy *policy = NULL;
    const struct triage_readers *readers = NULL;
    struct triage_readers_config config = {.only_given = true};
    enum status status = triage_policy_open(&policy, (struct text){0}, arena, scope);
    config.policy = policy;
    for (int i = 0; i < TRIAGE_MODEL_COUNT && status == STATUS_OK; i++)
        status = made_up_model(&config.models[i], (enum triage_model_kind)i, NULL, arena, scope);
    if (status == STATUS_OK)
        status = triage_readers_open(&readers, &config, arena, scope);
    struct arena *own = arena_open(64 << 20);
    for (int i = 0; i < READINGS && status == STATUS_OK; i++) {
        struct scope inner = {.arena = own};
        struct triage_reading reading;
        const struct triage_facts *facts = random_visit(own);
        double began = now_us();
        status = triage_read_all(&reading, policy, readers, facts, &inner);
        times[i] = now_us() - began;
        arena_reset(own);
    }
    arena_close(own);
    bench->reading = figures_of(times, READINGS);
    return status;
}

static enum status run(void *context, struct scope *scope) {
    struct bench *bench = context;
    enum status status = time_model(bench, scope->arena, scope);
    return status == STATUS_OK ? time_readings(bench, scope->arena, scope) : status;
}

static void print(const char *name, const struct figures *figures, double most) {
    printf("\"%s\": {\"median_us\": %.2f, \"p99_us\": %.2f, \"most_us\": %.0f, \"p99_share_of_most\": %.3f}, ", name,
        figures->median, figures->p99, most, figures->p99 / most);
}

int main(void) {
    struct bench bench = {0};
    struct scope scope;
    struct arena *arena = arena_open(ARENA_MAX);
    if (arena == NULL || scope_run(&scope, arena, run, &bench) != STATUS_OK)
        return 1;
    putchar('{');
    print("prediction", &bench.prediction, prediction_us_most);
    print("explanation", &bench.explanation, explanation_us_most);
    print("reading", &bench.reading, reading_us_most);
    printf("\"model_bytes\": %zu}\n", bench.model_bytes);
    arena_close(arena);
    return 0;
}
