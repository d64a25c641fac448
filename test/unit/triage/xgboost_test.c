/* Our evaluator and TreeSHAP against libxgboost itself, on random boosters: margins bit for bit, probabilities and contributions
 * to 1e-6. Links libxgboost, which nothing but tests and the trainer does. */
#include "triage/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

#include <cmocka.h> /* after what it needs */

enum { ROWS = 400, COLUMNS = 12, CLASSES = 5, ARENA_BYTES = 256 << 20 };
static const double tolerance = 1e-6;

static uint64_t seed = 0x9E3779B97F4A7C15u;
static double chance(void) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (double)((seed * 0x2545F4914F6CDD1Du) >> 33) / (double)(1u << 31);
}

struct shape {
    const char *objective, *depth, *rounds, *rate, *lambda;
    size_t outputs;
};
static const struct shape shapes[] = {
    {"binary:logistic", "1", "40", "0.3", "1", 1},
    {"binary:logistic", "3", "120", "0.1", "1", 1},
    {"binary:logistic", "6", "60", "0.2", "0", 1},
    {"binary:logistic", "9", "15", "0.3", "1", 1},
    {"multi:softprob", "4", "25", "0.2", "1", CLASSES},
    {"reg:squarederror", "5", "50", "0.1", "1", 1},
};

static void fill(float *data, float *labels, const struct shape *shape) {
    for (int i = 0; i < ROWS; i++) {
        float *row = data + (ptrdiff_t)i * COLUMNS;
        for (int k = 0; k < COLUMNS; k++) {
            double value = k < 4 ? floor(chance() * 10) : k < 6 ? (chance() < 0.3) : chance() * 200 - 50;
            row[k] = chance() < 0.15 ? NAN : (float)value;
        }
        double sum = (isnan(row[0]) ? 4 : (double)row[0]) + (isnan(row[7]) ? 0 : (double)row[7] / 20) + chance() * 4;
        labels[i] = shape->outputs > 1                            ? (float)((int)(sum + 5) % CLASSES)
                    : strncmp(shape->objective, "binary", 6) == 0 ? (float)(sum > 8)
                                                                  : (float)sum;
    }
}

#define CONFIG(type)                                                                                                   \
    "{\"type\": " #type ", \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": true}"
#define XGB(call) assert_int_equal((call), 0)

static BoosterHandle booster_train(DMatrixHandle matrix, const struct shape *shape) {
    BoosterHandle booster = NULL;
    XGB(XGBoosterCreate(&matrix, 1, &booster));
    XGB(XGBoosterSetParam(booster, "objective", shape->objective));
    XGB(XGBoosterSetParam(booster, "max_depth", shape->depth));
    XGB(XGBoosterSetParam(booster, "eta", shape->rate));
    XGB(XGBoosterSetParam(booster, "lambda", shape->lambda));
    XGB(XGBoosterSetParam(booster, "nthread", "1"));
    XGB(XGBoosterSetParam(booster, "tree_method", "exact"));
    if (shape->outputs > 1)
        XGB(XGBoosterSetParam(booster, "num_class", "5"));
    for (int i = 0; i < (int)strtol(shape->rounds, NULL, 10); i++)
        XGB(XGBoosterUpdateOneIter(booster, i, matrix));
    return booster;
}

static float *predicted(BoosterHandle booster, DMatrixHandle matrix, const char *config, size_t count) {
    const bst_ulong *shape = NULL;
    bst_ulong dimensions = 0, size = 1;
    const float *result = NULL;
    XGB(XGBoosterPredictFromDMatrix(booster, matrix, config, &shape, &dimensions, &result));
    for (bst_ulong i = 0; i < dimensions; i++)
        size *= shape[i];
    assert_int_equal(size, count);
    float *copy = calloc(count, sizeof *copy);
    memcpy(copy, result, count * sizeof *copy);
    return copy;
}

static const struct triage_model *model_of(BoosterHandle booster, const struct shape *shape, struct scope *scope) {
    static const char *const names[CLASSES] = {"level-1", "level-2", "level-3", "level-4", "level-5"};
    struct triage_model_feature features[COLUMNS];
    struct triage_model_outputs outputs = {.count = 0};
    const char *json = NULL;
    bst_ulong size = 0;
    XGB(XGBoosterSaveModelToBuffer(booster, "{\"format\": \"json\"}", &size, &json));
    assert_int_equal(
        triage_model_from_xgboost(&outputs, (struct text){json, size}, names, shape->outputs, scope), STATUS_OK);
    for (int i = 0; i < COLUMNS; i++)
        features[i] = (struct triage_model_feature){.name = text_format(scope->arena, "f%d", i).at};
    struct triage_model_source source = {.name = "random",
        .features = features,
        .feature_count = COLUMNS,
        .outputs = outputs.at,
        .output_count = outputs.count};
    struct text file = {0};
    const struct triage_model *model = NULL;
    assert_int_equal(triage_model_write(&file, &source, scope), STATUS_OK);
    assert_int_equal(triage_model_open(&model, file, scope->arena, scope), STATUS_OK);
    return model;
}

struct differences {
    double probability, term, sum;
};

static void row_compare(struct differences *worst, const struct triage_model *model, size_t output, const float *row,
    const float *theirs, float margin, float probability) {
    double terms[COLUMNS], mean = triage_model_explain(terms, model, output, row), sum = mean;
    float ours = triage_model_margin(model, output, row);
    assert_memory_equal(&ours, &margin, sizeof ours); /* the same float operations in the same order */
    for (int k = 0; k < COLUMNS; k++) {
        double scale = fmax(1, fabs((double)theirs[k]));
        worst->term = fmax(worst->term, fabs(terms[k] - (double)theirs[k]) / scale);
        sum += terms[k];
    }
    worst->term = fmax(worst->term, fabs(mean - (double)theirs[COLUMNS]) / fmax(1, fabs(mean)));
    worst->sum = fmax(worst->sum, fabs(sum - (double)ours));
    worst->probability =
        fmax(worst->probability, fabs((double)triage_model_raw(model, output, row) - (double)probability));
}

static void shape_compare(const struct shape *shape, struct scope *scope) {
    float *data = calloc((size_t)ROWS * COLUMNS, sizeof *data), *labels = calloc(ROWS, sizeof *labels);
    DMatrixHandle matrix = NULL;
    fill(data, labels, shape);
    XGB(XGDMatrixCreateFromMat(data, ROWS, COLUMNS, NAN, &matrix));
    XGB(XGDMatrixSetFloatInfo(matrix, "label", labels, ROWS));
    BoosterHandle booster = booster_train(matrix, shape);
    size_t outputs = shape->outputs;
    float *margins = predicted(booster, matrix, CONFIG(1), ROWS * outputs);
    float *values = predicted(booster, matrix, CONFIG(0), ROWS * outputs);
    float *terms = predicted(booster, matrix, CONFIG(2), ROWS * outputs * (COLUMNS + 1));
    const struct triage_model *model = model_of(booster, shape, scope);
    struct differences worst = {0};
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < outputs; k++) {
            size_t at = i * outputs + k;
            row_compare(&worst, model, k, data + i * COLUMNS, terms + at * (COLUMNS + 1), margins[at], values[at]);
        }
    }
    print_message("%s depth %s: worst difference of a probability %.1e, of a term %.1e, of the sum %.1e\n",
        shape->objective, shape->depth, worst.probability, worst.term, worst.sum);
    assert_true(worst.probability <= tolerance);
    assert_true(worst.term <= tolerance);
    assert_true(worst.sum <= 1e-5);
    free(terms);
    free(values);
    free(margins);
    XGB(XGBoosterFree(booster));
    XGB(XGDMatrixFree(matrix));
    free(labels);
    free(data);
}

static enum status compare_all(void *context, struct scope *scope) {
    (void)context;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        shape_compare(&shapes[i], scope);
    return STATUS_OK;
}

static void test_agrees_with_libxgboost(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_BYTES);
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, compare_all, NULL), STATUS_OK);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees_with_libxgboost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
