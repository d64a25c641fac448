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
/* Margins here and there, and libxgboost's terms, are added up in float32, tree after tree, from a base that went through a
 * probability: among many patients some sums lie further apart than that. */
static const double tolerance_of_many = 5e-6;

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

/* ---- the models that are built in, given back to libxgboost ------------------------------------------------------------ */

extern const char triage_model_level[], triage_model_level_end[], triage_model_level_without_human[],
    triage_model_level_without_human_end[], triage_model_disposition[], triage_model_disposition_end[],
    triage_model_intensive_care[], triage_model_intensive_care_end[], triage_model_admission[],
    triage_model_admission_end[];

enum column {
    LEFT,
    RIGHT,
    PARENT,
    FEATURE,
    MISSING_LEFT,
    KIND,
    WHOLE_COLUMNS,
    THRESHOLD = WHOLE_COLUMNS,
    COVER,
    CHANGE,
    WEIGHT,
    COLUMN_COUNT
};
static const char *const column_names[COLUMN_COUNT] = {"left_children", "right_children", "parents", "split_indices",
    "default_left", "split_type", "split_conditions", "sum_hessian", "loss_changes", "base_weights"};

/* libxgboost goes to the left child's place plus one for the right one: children stand side by side. */
struct order {
    size_t nodes[TRIAGE_MODEL_TREE_NODES_MAX];
    int places[TRIAGE_MODEL_TREE_NODES_MAX], parents[TRIAGE_MODEL_TREE_NODES_MAX];
};

static void order_nodes(struct order *order, const struct triage_model_tree *tree) {
    size_t count = 1;
    order->nodes[0] = 0;
    order->places[0] = 0;
    order->parents[0] = 2147483647;
    for (size_t i = 0; i < count; i++) {
        const struct triage_model_node *node = &tree->nodes[order->nodes[i]];
        if (node->feature == TRIAGE_MODEL_LEAF)
            continue;
        for (int side = 0; side < 2; side++) {
            size_t child = side ? node->right : node->left;
            order->places[child] = (int)count;
            order->parents[child] = (int)i;
            order->nodes[count++] = child;
        }
    }
    assert_int_equal(count, tree->node_count);
}

static double cell_of(const struct triage_model_tree *tree, size_t at, const struct order *order, enum column column) {
    const struct triage_model_node *node = &tree->nodes[at];
    bool leaf = node->feature == TRIAGE_MODEL_LEAF;
    switch (column) {
    case LEFT:
        return leaf ? -1 : order->places[node->left];
    case RIGHT:
        return leaf ? -1 : order->places[node->right];
    case PARENT:
        return order->parents[at];
    case FEATURE:
        return leaf ? 0 : node->feature;
    case MISSING_LEFT:
        return !leaf && node->missing_left;
    case THRESHOLD:
        return (double)node->threshold;
    case COVER:
        return (double)node->cover;
    default:
        return 0;
    }
}

static void put_tree(struct buffer *out, const struct triage_model_tree *tree, size_t id, size_t features) {
    static struct order order;
    order_nodes(&order, tree);
    buffer_put_string(out, id ? ",{" : "{");
    for (int column = 0; column < COLUMN_COUNT; column++) {
        buffer_put_format(out, "\"%s\":[", column_names[column]);
        for (size_t i = 0; i < tree->node_count; i++) {
            double value = cell_of(tree, order.nodes[i], &order, (enum column)column);
            buffer_put_format(out, column < WHOLE_COLUMNS ? "%s%.0f" : "%s%.9f", i ? "," : "", value);
        }
        buffer_put_string(out, "],");
    }
    buffer_put_format(out,
        "\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[],\"id\":%zu,"
        "\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"%zu\",\"num_nodes\":\"%zu\",\"size_leaf_vector\":"
        "\"0\"}}",
        id, features, tree->node_count);
}

static struct text booster_text(const struct triage_model_output *output, size_t features, struct scope *scope) {
    struct buffer out = buffer_open(scope->arena, 64 << 20);
    buffer_put_string(&out,
        "{\"learner\":{\"attributes\":{},\"feature_names\":[],\"feature_types\":[],\"gradient_booster\":{\"model\":{");
    buffer_put_format(&out,
        "\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"%zu\",\"size_leaf_vector\":\"0\"},"
        "\"tree_info\":[",
        output->tree_count);
    for (size_t i = 0; i < output->tree_count; i++)
        buffer_put_string(&out, i ? ",0" : "0");
    buffer_put_string(&out, "],\"trees\":[");
    for (size_t i = 0; i < output->tree_count; i++)
        put_tree(&out, &output->trees[i], i, features);
    buffer_put_format(&out,
        "]},\"name\":\"gbtree\"},\"learner_model_param\":{\"base_score\":\"%.9g\",\"num_class\":\"0\",\"num_feature\":"
        "\"%zu\","
        "\"num_target\":\"1\"},\"objective\":{\"name\":\"binary:logistic\",\"reg_loss_param\":{\"scale_pos_weight\":"
        "\"1\"}}},"
        "\"version\":[1,7,4]}",
        1 / (1 + exp(-(double)output->base)), features);
    return buffer_text(&out);
}

/* Around the training range, each known in four of five. */
static void inputs_draw(float *data, const struct triage_model_source *content) {
    for (size_t i = 0; i < content->feature_count; i++) {
        const struct triage_model_feature *f = &content->features[i];
        double value = (double)f->low + chance() * ((double)f->high - (double)f->low);
        data[i] = chance() < 0.2 ? NAN : (float)((f->flags & TRIAGE_FEATURE_YES_NO) ? round(value) : value);
        if (strcmp(f->name, "human-level") == 0)
            data[i] = (float)(1 + (int)(chance() * 5));
    }
}

enum { OUR_ROWS = 60 };

struct agreement {
    double margin, term;
    long beyond; /* patients with a term beyond the tolerance */
};

static void rows_compare(
    struct agreement *worst, const struct triage_model *model, size_t at, BoosterHandle booster, struct arena *arena) {
    const struct triage_model_source *content = triage_model_content(model);
    size_t count = content->feature_count;
    float *data = ARENA_ARRAY(arena, float, OUR_ROWS *count);
    double *terms = ARENA_ARRAY(arena, double, count);
    DMatrixHandle matrix = NULL;
    for (size_t i = 0; i < OUR_ROWS; i++)
        inputs_draw(data + i * count, content);
    XGB(XGDMatrixCreateFromMat(data, OUR_ROWS, count, NAN, &matrix));
    float *margins = predicted(booster, matrix, CONFIG(1), OUR_ROWS);
    float *theirs = predicted(booster, matrix, CONFIG(2), OUR_ROWS * (count + 1));
    for (size_t i = 0; i < OUR_ROWS; i++) {
        double margin = (double)triage_model_margin(model, at, data + i * count);
        (void)triage_model_explain(terms, model, at, data + i * count);
        worst->margin = fmax(worst->margin, fabs(margin - (double)margins[i]));
        double term = 0;
        for (size_t k = 0; k < count; k++) {
            double other = (double)theirs[i * (count + 1) + k];
            term = fmax(term, fabs(terms[k] - other) / fmax(1, fabs(other)));
        }
        worst->term = fmax(worst->term, term);
        worst->beyond += term > tolerance;
    }
    free(theirs);
    free(margins);
    XGB(XGDMatrixFree(matrix));
}

/* SOYANG_XGBOOST_PATIENTS: how many random patients for each output, in place of 60. */
static void ours_compare(const struct triage_model *model, size_t at, struct scope *scope) {
    const struct triage_model_source *content = triage_model_content(model);
    struct text json = booster_text(&content->outputs[at], content->feature_count, scope);
    struct agreement worst = {0, 0, 0};
    const char *asked = getenv("SOYANG_XGBOOST_PATIENTS");
    long patients = asked ? strtol(asked, NULL, 10) : OUR_ROWS, read = 0;
    BoosterHandle booster = NULL;
    struct arena *arena = arena_open(ARENA_BYTES);
    XGB(XGBoosterCreate(NULL, 0, &booster));
    XGB(XGBoosterLoadModelFromBuffer(booster, json.at, json.size));
    for (; read < patients; read += OUR_ROWS) {
        rows_compare(&worst, model, at, booster, arena);
        arena_reset(arena);
    }
    print_message(
        "%s %s: %zu trees, %ld patients, worst difference of a margin %.1e, of a term %.1e (%ld beyond 1e-6)\n",
        content->name, content->outputs[at].name, content->outputs[at].tree_count, read, worst.margin, worst.term,
        worst.beyond);
    double most = asked ? tolerance_of_many : tolerance;
    assert_true(read >= OUR_ROWS && worst.margin <= most && worst.term <= most);
    XGB(XGBoosterFree(booster));
    arena_close(arena);
}

static enum status compare_ours(void *context, struct scope *scope) {
    const struct {
        const char *from, *to;
    } files[] = {{triage_model_level, triage_model_level_end},
        {triage_model_level_without_human, triage_model_level_without_human_end},
        {triage_model_disposition, triage_model_disposition_end},
        {triage_model_intensive_care, triage_model_intensive_care_end},
        {triage_model_admission, triage_model_admission_end}};
    (void)context;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const struct triage_model *model = NULL;
        struct text file = {files[i].from, (size_t)(files[i].to - files[i].from)};
        if (!file.size)
            continue;
        assert_int_equal(triage_model_open(&model, file, scope->arena, scope), STATUS_OK);
        for (size_t o = 0; o < triage_model_content(model)->output_count; o++)
            ours_compare(model, o, scope);
    }
    return STATUS_OK;
}

static void test_our_models_agree(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_BYTES);
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, compare_ours, NULL), STATUS_OK);
    arena_close(arena);
}

static void test_agrees_with_libxgboost(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_BYTES);
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, compare_all, NULL), STATUS_OK);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_libxgboost), cmocka_unit_test(test_our_models_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
