#include "booster.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

struct booster {
    BoosterHandle handle;
};

static enum status failed(struct scope *scope) {
    return fault(scope, STATUS_FAILED, "", "libxgboost: %s", XGBGetLastError());
}

void booster_close(struct booster *booster) {
    if (booster->handle)
        (void)XGBoosterFree(booster->handle);
    booster->handle = NULL;
}

static void booster_closing(void *object) {
    booster_close(object);
}

/* `labels` may be NULL. The rows are copied: libxgboost wants them side by side. */
static enum status matrix_open(
    DMatrixHandle *out, struct matrix matrix, const int8_t *labels, struct sample sample, struct scope *scope) {
    size_t bytes = sample.count * matrix.columns * sizeof(float);
    float *values = malloc(bytes ? bytes : 1), *targets = calloc(sample.count + 1, sizeof *targets);
    enum status status = values && targets ? STATUS_OK : STATUS_UNAVAILABLE;
    for (size_t i = 0; i < sample.count && status == STATUS_OK; i++) {
        memcpy(
            values + i * matrix.columns, matrix.at + sample.rows[i] * matrix.columns, matrix.columns * sizeof(float));
        targets[i] = labels ? (float)labels[sample.rows[i]] : 0;
    }
    if (status == STATUS_OK && XGDMatrixCreateFromMat(values, sample.count, matrix.columns, NAN, out) != 0)
        status = failed(scope);
    if (status == STATUS_OK && labels && XGDMatrixSetFloatInfo(*out, "label", targets, sample.count) != 0)
        status = failed(scope);
    free(values);
    free(targets);
    return status;
}

static enum status parameter_set(BoosterHandle handle, const char *name, const char *value, struct scope *scope) {
    return XGBoosterSetParam(handle, name, value) == 0 ? STATUS_OK : failed(scope);
}

static enum status parameters_set(
    BoosterHandle handle, const yyjson_val *parameters, const char *monotone, uint64_t seed, struct scope *scope) {
    char number[32];
    snprintf(number, sizeof number, "%" PRIu64, seed & 0x7FFFFFFF);
    const struct {
        const char *name, *value;
    } fixed[] = {{"booster", "gbtree"}, {"objective", "binary:logistic"}, {"nthread", "1"}, {"verbosity", "0"},
        {"tree_method", "exact"}, {"seed", number}, {"monotone_constraints", monotone}};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (fixed[i].value && parameter_set(handle, fixed[i].name, fixed[i].value, scope) != STATUS_OK)
            return STATUS_FAILED;
    }
    size_t i, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)parameters, i, count, name, value) {
        struct text told = json_number_text(value).at ? json_number_text(value) : json_text(value);
        if (strcmp(yyjson_get_str(name), "rounds") == 0)
            continue;
        if (parameter_set(handle, yyjson_get_str(name), text_string(scope->arena, told), scope) != STATUS_OK)
            return STATUS_FAILED;
    }
    return STATUS_OK;
}

static enum status rounds_run(BoosterHandle handle, DMatrixHandle data, int64_t rounds, struct scope *scope) {
    for (int round = 0; round < (int)rounds; round++) {
        if (XGBoosterUpdateOneIter(handle, round, data) != 0)
            return failed(scope);
    }
    return STATUS_OK;
}

enum status booster_train(struct booster **out, struct matrix matrix, const int8_t *labels, struct sample sample,
    const yyjson_val *parameters, const char *monotone, uint64_t seed, struct arena *arena, struct scope *scope) {
    struct booster *booster = ARENA_NEW(arena, struct booster);
    arena_defer(arena, booster_closing, booster);
    DMatrixHandle data = NULL;
    int64_t rounds = 0;
    if (!json_get_int64(&rounds, parameters, "rounds") || rounds < 1 || rounds > 100000)
        return fault(scope, STATUS_INVALID, "rounds", "the plan's parameters need rounds");
    enum status status = matrix_open(&data, matrix, labels, sample, scope);
    if (status == STATUS_OK && XGBoosterCreate(&data, 1, &booster->handle) != 0)
        status = failed(scope);
    if (status == STATUS_OK)
        status = parameters_set(booster->handle, parameters, monotone, seed, scope);
    if (status == STATUS_OK)
        status = rounds_run(booster->handle, data, rounds, scope);
    if (data)
        (void)XGDMatrixFree(data);
    *out = booster;
    return status;
}

enum status booster_margins(
    double *margins, struct booster *booster, struct matrix matrix, struct sample sample, struct scope *scope) {
    enum { MARGINS = 1 };
    DMatrixHandle data = NULL;
    bst_ulong count = 0;
    const float *result = NULL;
    enum status status = sample.count ? matrix_open(&data, matrix, NULL, sample, scope) : STATUS_OK;
    if (status == STATUS_OK && data && XGBoosterPredict(booster->handle, data, MARGINS, 0, 0, &count, &result) != 0)
        status = failed(scope);
    for (size_t i = 0; i < sample.count && status == STATUS_OK; i++)
        margins[i] = (double)result[i];
    if (data)
        (void)XGDMatrixFree(data);
    return status;
}

enum status booster_json(struct text *out, struct booster *booster, struct arena *arena, struct scope *scope) {
    bst_ulong size = 0;
    const char *bytes = NULL;
    if (XGBoosterSaveModelToBuffer(booster->handle, "{\"format\":\"json\"}", &size, &bytes) != 0)
        return failed(scope);
    *out = text_copy(arena, (struct text){bytes, (size_t)size});
    return STATUS_OK;
}
