#include "booster.h"
#include "linear.h"
#include "metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

struct booster {
    BoosterHandle handles[PARTS_MAX]; /* by stage and seed, or by part */
    struct linear *linear[PARTS_MAX]; /* where the part is no booster */
    double shares[PARTS_MAX];         /* of the parts in the margin; they sum up to 1 */
    int count, parts;
    int seeds;   /* of each stage */
    size_t gate; /* where there are stages */
    bool staged;
};

static enum status failed(struct scope *scope) {
    return fault(scope, STATUS_FAILED, "", "libxgboost: %s", XGBGetLastError());
}

void booster_close(struct booster *booster) {
    for (int i = 0; i < PARTS_MAX; i++) {
        if (booster->handles[i])
            (void)XGBoosterFree(booster->handles[i]);
        booster->handles[i] = NULL;
    }
}

static void booster_closing(void *object) {
    booster_close(object);
}

static bool is_masked(size_t row, uint64_t seed) {
    uint64_t state = seed ^ (row * 0x9E3779B97F4A7C15ull);
    return random_below(&state, 3) == 0;
}

/* `labels` may be NULL: then nothing is trained on it, and nothing is masked. The rows are copied: libxgboost wants them side by
 * side. */
static enum status matrix_open(DMatrixHandle *out, struct matrix matrix, const int8_t *labels, struct sample sample,
    uint64_t seed, struct scope *scope) {
    size_t bytes = sample.count * matrix.columns * sizeof(float);
    float *values = malloc(bytes ? bytes : 1), *targets = calloc(sample.count + 1, sizeof *targets);
    enum status status = values && targets ? STATUS_OK : STATUS_UNAVAILABLE;
    for (size_t i = 0; i < sample.count && status == STATUS_OK; i++) {
        float *row = values + i * matrix.columns;
        memcpy(row, matrix.at + sample.rows[i] * matrix.columns, matrix.columns * sizeof(float));
        targets[i] = labels ? (float)labels[sample.rows[i]] : 0;
        bool masked = labels && matrix.masked_count && is_masked(sample.rows[i], seed);
        for (size_t k = 0; masked && k < matrix.masked_count; k++)
            row[matrix.masked[k]] = NAN;
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
        if (strcmp(yyjson_get_str(name), "rounds") == 0 || strcmp(yyjson_get_str(name), "seeds") == 0)
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

_Static_assert((int)PARTS_MAX >= (int)STAGES_MAX, "parts stand where stages stand");

static enum status one_train(BoosterHandle *out, struct matrix matrix, const int8_t *labels, struct sample sample,
    const yyjson_val *parameters, const char *monotone, uint64_t seed, struct scope *scope) {
    DMatrixHandle data = NULL;
    int64_t rounds = 0;
    if (!json_get_int64(&rounds, parameters, "rounds") || rounds < 1 || rounds > 100000)
        return fault(scope, STATUS_INVALID, "rounds", "the plan's parameters need rounds");
    enum status status = matrix_open(&data, matrix, labels, sample, seed, scope);
    if (status == STATUS_OK && XGBoosterCreate(&data, 1, out) != 0)
        status = failed(scope);
    if (status == STATUS_OK)
        status = parameters_set(*out, parameters, monotone, seed, scope);
    if (status == STATUS_OK)
        status = rounds_run(*out, data, rounds, scope);
    if (data)
        (void)XGDMatrixFree(data);
    return status;
}

/* One entry of "parts": a ridge regression, or boosters that differ in their seed alone. They share `share`. */
static enum status part_train(struct booster *booster, struct matrix matrix, const int8_t *labels, struct sample sample,
    const yyjson_val *part, double share, const char *monotone, uint64_t seed, struct arena *arena,
    struct scope *scope) {
    double penalty = 0, grams = 1;
    int64_t seeds = 1;
    enum status status = STATUS_OK;
    (void)json_get_double(&grams, part, "grams");
    (void)json_get_int64(&seeds, part, "seeds");
    if (seeds < 1 || seeds > PARTS_MAX - booster->parts || (seeds > 1 && json_get(part, "linear")))
        return fault(
            scope, STATUS_INVALID, "parts", "from 1 to %d boosters in all, and a linear part has no seeds", PARTS_MAX);
    for (int64_t i = 0; i < seeds && status == STATUS_OK; i++) {
        int at = booster->parts++;
        booster->shares[at] = share / (double)seeds;
        if (!json_get(part, "linear"))
            status = one_train(
                &booster->handles[at], matrix, labels, sample, part, monotone, seed + 7919 * (uint64_t)at, scope);
        else if (json_get_double(&penalty, part, "linear") && penalty > 0)
            status = linear_train(&booster->linear[at], matrix, labels, sample, penalty, grams, arena, scope);
        else
            status = fault(scope, STATUS_INVALID, "parts", "a linear part needs a penalty above 0");
    }
    return status;
}

static enum status parts_train(struct booster *booster, struct matrix matrix, const int8_t *labels,
    struct sample sample, const yyjson_val *parts, const char *monotone, uint64_t seed, struct arena *arena,
    struct scope *scope) {
    size_t i, count, found = yyjson_arr_size((yyjson_val *)parts);
    yyjson_val *part;
    enum status status = STATUS_OK;
    if (found < 1)
        return fault(scope, STATUS_INVALID, "parts", "from 1 to %d parts", PARTS_MAX);
    booster->parts = 0;
    yyjson_arr_foreach((yyjson_val *)parts, i, count, part) {
        if (status == STATUS_OK)
            status =
                part_train(booster, matrix, labels, sample, part, 1.0 / (double)found, monotone, seed, arena, scope);
    }
    booster->count = booster->parts;
    return status;
}

/* Stages, each the mean of boosters that differ in their seed alone; without stages one booster. */
static enum status stages_train(struct booster *booster, struct matrix matrix, const int8_t *labels,
    const struct stages *stages, struct sample sample, const yyjson_val *parameters, const char *monotone,
    uint64_t seed, struct scope *scope) {
    int64_t seeds = 1;
    enum status status = STATUS_OK;
    (void)json_get_int64(&seeds, parameters, "seeds");
    if (seeds < 1 || seeds > PARTS_MAX / STAGES_MAX || (seeds > 1 && !stages))
        return fault(
            scope, STATUS_INVALID, "seeds", "from 1 to %d for each stage, else of a part", PARTS_MAX / STAGES_MAX);
    booster->seeds = (int)seeds;
    booster->count *= (int)seeds;
    for (int i = 0; i < booster->count && status == STATUS_OK; i++) {
        int stage = i / booster->seeds, again = i % booster->seeds;
        status = one_train(&booster->handles[i], matrix, stages ? stages->labels[stage] : labels, sample, parameters,
            monotone, seed + 7919 * (uint64_t)(stage + STAGES_MAX * again), scope);
    }
    return status;
}

enum status booster_train(struct booster **out, struct matrix matrix, const int8_t *labels, const struct stages *stages,
    struct sample sample, const yyjson_val *parameters, const char *monotone, uint64_t seed, struct arena *arena,
    struct scope *scope) {
    struct booster *booster = ARENA_NEW(arena, struct booster);
    *booster = (struct booster){
        .shares = {1}, .count = stages ? STAGES_MAX : 1, .parts = 1, .seeds = 1, .staged = stages != NULL, .gate = 0};
    *out = booster;
    if (stages)
        booster->gate = stages->gate;
    arena_defer(arena, booster_closing, booster);
    if (json_get(parameters, "parts"))
        return stages ? fault(scope, STATUS_INVALID, "parts", "not together with stages")
                      : parts_train(booster, matrix, labels, sample, json_get(parameters, "parts"), monotone, seed,
                            arena, scope);
    return stages_train(booster, matrix, labels, stages, sample, parameters, monotone, seed, scope);
}

/* Of one booster of a stage, its share of the mean: added for the rows that the stage answers for. */
static enum status stage_margins(
    double *margins, struct booster *booster, int at, struct matrix matrix, struct sample sample, struct scope *scope) {
    enum { MARGINS = 1 };
    DMatrixHandle data = NULL;
    bst_ulong count = 0;
    const float *result = NULL;
    int stage = at / booster->seeds;
    enum status status = sample.count ? matrix_open(&data, matrix, NULL, sample, 0, scope) : STATUS_OK;
    if (status == STATUS_OK && data &&
        XGBoosterPredict(booster->handles[at], data, MARGINS, 0, 0, &count, &result) != 0)
        status = failed(scope);
    for (size_t i = 0; i < sample.count && status == STATUS_OK; i++) {
        float gate = booster->staged ? matrix.at[sample.rows[i] * matrix.columns + booster->gate] : 0;
        if (!booster->staged || (int)gate == stage + 2)
            margins[i] += (double)result[i] / booster->seeds;
        else if (!(gate > 1))
            margins[i] = STAGE_NEVER;
    }
    if (data)
        (void)XGDMatrixFree(data);
    return status;
}

static enum status parts_margins(
    double *margins, struct booster *booster, struct matrix matrix, struct sample sample, struct scope *scope) {
    double *one = calloc(sample.count + 1, sizeof *one);
    enum status status = one ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    for (size_t i = 0; i < sample.count; i++)
        margins[i] = 0;
    for (int part = 0; part < booster->parts && status == STATUS_OK; part++) {
        const struct linear *linear = booster->linear[part];
        memset(one, 0, sample.count * sizeof *one);
        if (!linear)
            status = stage_margins(one, booster, part, matrix, sample, scope);
        for (size_t i = 0; i < sample.count && status == STATUS_OK; i++)
            margins[i] += booster->shares[part] *
                          (linear ? linear_margin(linear, matrix.at + sample.rows[i] * matrix.columns) : one[i]);
    }
    free(one);
    return status;
}

enum status booster_margins(
    double *margins, struct booster *booster, struct matrix matrix, struct sample sample, struct scope *scope) {
    enum status status = STATUS_OK;
    if (!booster->staged)
        return parts_margins(margins, booster, matrix, sample, scope);
    for (size_t i = 0; i < sample.count; i++)
        margins[i] = 0;
    for (int i = 0; i < booster->count && status == STATUS_OK; i++)
        status = stage_margins(margins, booster, i, matrix, sample, scope);
    return status;
}

bool booster_is_staged(const struct booster *booster) {
    return booster->staged;
}

/* Adds a part's own terms times its share. */
static enum status part_terms(
    float *terms, struct booster *booster, int part, struct matrix matrix, struct sample sample, struct scope *scope) {
    enum { TERMS = 4 };
    DMatrixHandle data = NULL;
    bst_ulong count = 0;
    const float *result = NULL;
    enum status status = matrix_open(&data, matrix, NULL, sample, 0, scope);
    if (status == STATUS_OK && XGBoosterPredict(booster->handles[part], data, TERMS, 0, 0, &count, &result) != 0)
        status = failed(scope);
    if (status == STATUS_OK && count != sample.count * (matrix.columns + 1))
        status = fault(scope, STATUS_FAILED, "", "libxgboost gave another count of terms");
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        terms[i] += result[i] * (float)booster->shares[part];
    if (data)
        (void)XGDMatrixFree(data);
    return status;
}

enum status booster_terms(
    float *terms, struct booster *booster, struct matrix matrix, struct sample sample, struct scope *scope) {
    enum status status = STATUS_OK;
    if (booster->staged)
        return fault(scope, STATUS_INVALID, "", "stages have no terms of their own");
    for (size_t i = 0; i < sample.count * (matrix.columns + 1); i++)
        terms[i] = 0;
    for (int part = 0; part < booster->parts && status == STATUS_OK; part++) {
        const struct linear *linear = booster->linear[part];
        if (!linear)
            status = part_terms(terms, booster, part, matrix, sample, scope);
        for (size_t i = 0; linear && i < sample.count; i++)
            linear_terms(terms + i * (matrix.columns + 1), linear, matrix.at + sample.rows[i] * matrix.columns,
                booster->shares[part]);
    }
    return status;
}

/* ---- into the model's file -------------------------------------------------------------------------------------------- */

static enum status stage_take(struct triage_model_outputs *out, struct booster *booster, int stage, const char *name,
    struct arena *arena, struct scope *scope) {
    bst_ulong size = 0;
    const char *bytes = NULL;
    if (XGBoosterSaveModelToBuffer(booster->handles[stage], "{\"format\":\"json\"}", &size, &bytes) != 0)
        return failed(scope);
    return triage_model_from_xgboost(out, text_copy(arena, (struct text){bytes, (size_t)size}), &name, 1, scope);
}

/* gate < low: 0; else gate < high: the tree; else 0. The shares are of the rows below low, and of those in the range among the
 * others. */
struct gate {
    uint16_t input;
    float low, high;
    double below_share, inside_share;
};

/* No cover may be nothing: a gate that no training row went through counts as one in ten thousand. */
static double share_bounded(double share) {
    return fmin(fmax(share, 1e-4), 1 - 1e-4);
}

static struct triage_model_tree tree_gated(
    struct triage_model_tree tree, const struct gate *gate, struct arena *arena) {
    enum { FRONT = 4 };
    size_t count = tree.node_count + FRONT;
    struct triage_model_node *nodes = ARENA_ARRAY(arena, struct triage_model_node, count);
    double below = share_bounded(gate->below_share), inside = (1 - below) * share_bounded(gate->inside_share);
    float cover = tree.nodes[0].cover, behind = (float)((double)cover * (1 - below));
    nodes[0] = (struct triage_model_node){
        .threshold = gate->low, .cover = cover, .feature = gate->input, .left = 1, .right = 2};
    nodes[1] = (struct triage_model_node){.cover = (float)((double)cover * below), .feature = TRIAGE_MODEL_LEAF};
    nodes[2] = (struct triage_model_node){
        .threshold = gate->high, .cover = behind, .feature = gate->input, .left = FRONT, .right = 3};
    nodes[3] = (struct triage_model_node){
        .cover = (float)((double)cover * (1 - below - inside)), .feature = TRIAGE_MODEL_LEAF};
    for (size_t i = 0; i < tree.node_count; i++) {
        nodes[FRONT + i] = tree.nodes[i];
        nodes[FRONT + i].cover = (float)((double)tree.nodes[i].cover * inside);
        if (tree.nodes[i].feature == TRIAGE_MODEL_LEAF)
            continue;
        nodes[FRONT + i].left = (uint16_t)(tree.nodes[i].left + FRONT);
        nodes[FRONT + i].right = (uint16_t)(tree.nodes[i].right + FRONT);
    }
    return (struct triage_model_tree){nodes, count};
}

static struct triage_model_tree tree_never(uint16_t input, double share, float cover, struct arena *arena) {
    struct triage_model_node *nodes = ARENA_ARRAY(arena, struct triage_model_node, 3);
    float below = (float)((double)cover * share_bounded(share));
    nodes[0] = (struct triage_model_node){.threshold = 1.5F, .cover = cover, .feature = input, .left = 1, .right = 2};
    nodes[1] =
        (struct triage_model_node){.threshold = (float)STAGE_NEVER, .cover = below, .feature = TRIAGE_MODEL_LEAF};
    nodes[2] = (struct triage_model_node){.threshold = 0, .cover = cover - below, .feature = TRIAGE_MODEL_LEAF};
    return (struct triage_model_tree){nodes, 3};
}

static double share_below(float limit, struct booster *booster, struct matrix matrix, struct sample sample) {
    size_t below = 0;
    for (size_t i = 0; i < sample.count; i++)
        below += matrix.at[sample.rows[i] * matrix.columns + booster->gate] < limit;
    return sample.count ? (double)below / (double)sample.count : 0;
}

static struct triage_model_tree tree_scaled(struct triage_model_tree tree, float share, struct arena *arena) {
    struct triage_model_node *nodes = ARENA_ARRAY(arena, struct triage_model_node, tree.node_count);
    for (size_t i = 0; i < tree.node_count; i++) {
        nodes[i] = tree.nodes[i];
        if (nodes[i].feature == TRIAGE_MODEL_LEAF)
            nodes[i].threshold *= share;
    }
    return (struct triage_model_tree){nodes, tree.node_count};
}

static enum status stages_join(struct triage_model_outputs *out, struct booster *booster, const char *name,
    struct matrix matrix, struct sample sample, struct arena *arena, struct scope *scope) {
    struct triage_model_outputs *parts = ARENA_NEW(arena, struct triage_model_outputs);
    enum status status = STATUS_OK;
    size_t count = 1;
    for (int i = 0; i < booster->count && status == STATUS_OK; i++)
        status = stage_take(parts, booster, i, name, arena, scope);
    for (size_t i = 0; i < parts->count; i++) {
        count += parts->at[i].tree_count;
        if (status == STATUS_OK && parts->at[i].base != 0)
            status = fault(scope, STATUS_INVALID, name, "stages need a base score of one half");
    }
    if (status != STATUS_OK || out->count == TRIAGE_MODEL_OUTPUTS_MAX)
        return status != STATUS_OK ? status : fault(scope, STATUS_TOO_LARGE, name, "too many outputs");
    struct triage_model_tree *trees = ARENA_ARRAY(arena, struct triage_model_tree, count);
    count = 0;
    for (size_t i = 0; i < parts->count; i++) {
        float low = (float)(i / (size_t)booster->seeds) + 1.5F, share = 1 / (float)booster->seeds;
        double below = share_below(low, booster, matrix, sample);
        double inside = share_below(low + 1, booster, matrix, sample) - below;
        struct gate gate = {(uint16_t)booster->gate, low, low + 1, below, below < 1 ? inside / (1 - below) : 0};
        for (size_t t = 0; t < parts->at[i].tree_count; t++)
            trees[count++] = tree_gated(tree_scaled(parts->at[i].trees[t], share, arena), &gate, arena);
    }
    trees[count++] = tree_never((uint16_t)booster->gate, share_below(1.5F, booster, matrix, sample),
        parts->at[0].trees[0].nodes[0].cover, arena);
    struct triage_model_output *output = &out->at[out->count++];
    *output = parts->at[0];
    output->trees = trees;
    output->tree_count = count;
    return STATUS_OK;
}

static enum status parts_join(struct triage_model_outputs *out, struct booster *booster, const char *name,
    struct arena *arena, struct scope *scope) {
    struct triage_model_outputs *parts = ARENA_NEW(arena, struct triage_model_outputs);
    const struct triage_model_output *taken[PARTS_MAX] = {0};
    size_t count = 0, first = 0;
    double base = 0;
    if (out->count == TRIAGE_MODEL_OUTPUTS_MAX)
        return fault(scope, STATUS_TOO_LARGE, name, "too many outputs");
    for (int i = 0; i < booster->parts; i++) {
        if (booster->linear[i]) {
            count += linear_tree_count(booster->linear[i]);
            base += booster->shares[i] * linear_intercept(booster->linear[i]);
            continue;
        }
        enum status status = stage_take(parts, booster, i, name, arena, scope);
        if (status != STATUS_OK)
            return status;
        taken[i] = &parts->at[parts->count - 1];
        count += taken[i]->tree_count;
        base += booster->shares[i] * (double)taken[i]->base;
    }
    struct triage_model_tree *trees = ARENA_ARRAY(arena, struct triage_model_tree, count + 1);
    for (int i = 0; i < booster->parts; i++) {
        if (booster->linear[i])
            linear_trees(trees + first, booster->linear[i], booster->shares[i], arena);
        first += booster->linear[i] ? linear_tree_count(booster->linear[i]) : 0;
        for (size_t t = 0; taken[i] && t < taken[i]->tree_count; t++)
            trees[first++] = tree_scaled(taken[i]->trees[t], (float)booster->shares[i], arena);
    }
    out->at[out->count++] = (struct triage_model_output){
        .name = name, .link = TRIAGE_LINK_LOGISTIC, .base = (float)base, .trees = trees, .tree_count = count};
    return STATUS_OK;
}

enum status booster_output(struct triage_model_outputs *out, struct booster *booster, const char *name,
    struct matrix matrix, struct sample sample, struct arena *arena, struct scope *scope) {
    if (booster->staged)
        return stages_join(out, booster, name, matrix, sample, arena, scope);
    if (booster->parts > 1 || booster->linear[0])
        return parts_join(out, booster, name, arena, scope);
    return stage_take(out, booster, 0, name, arena, scope);
}
