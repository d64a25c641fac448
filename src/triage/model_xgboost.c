/* Boosters saved by libxgboost 1.7 as JSON, taken over tree by tree. */
#include <math.h>
#include <string.h>

#include "triage/model_file.h"

struct columns {
    const yyjson_val *left, *right, *feature, *threshold, *missing_left, *cover;
    size_t count;
};
struct taking {
    const struct columns *columns;
    struct triage_model_node *nodes;
    size_t count;
    bool broken;
};

static double number_at(const yyjson_val *array, size_t index) {
    double value = NAN;
    const yyjson_val *item = json_at(array, index);
    if (yyjson_is_bool((yyjson_val *)item))
        return yyjson_get_bool((yyjson_val *)item);
    return text_to_double(&value, json_number_text(item)) ? value : (double)NAN;
}

/* Takes the node `from` and all below it; returns where it stands now. */
static uint16_t take_node(struct taking *taking, double from, int depth) {
    const struct columns *c = taking->columns;
    if (!(from >= 0) || from >= (double)c->count || depth > TRIAGE_MODEL_DEPTH_MAX || taking->count >= c->count) {
        taking->broken = true;
        return 0;
    }
    size_t index = (size_t)from, at = taking->count++;
    struct triage_model_node *node = &taking->nodes[at];
    double left = number_at(c->left, index), right = number_at(c->right, index);
    node->threshold = (float)number_at(c->threshold, index);
    node->cover = (float)number_at(c->cover, index);
    if (left < 0) {
        node->feature = TRIAGE_MODEL_LEAF;
        return (uint16_t)at;
    }
    double feature = number_at(c->feature, index);
    taking->broken = taking->broken || !(feature >= 0 && feature < TRIAGE_MODEL_FEATURES_MAX);
    if (taking->broken)
        return 0;
    node->feature = (uint16_t)feature;
    node->missing_left = number_at(c->missing_left, index) > 0;
    node->left = take_node(taking, left, depth + 1);
    node->right = take_node(taking, right, depth + 1);
    return (uint16_t)at;
}

static bool take_tree(struct triage_model_tree *out, const yyjson_val *json, struct arena *arena) {
    struct columns c = {json_get(json, "left_children"), json_get(json, "right_children"),
        json_get(json, "split_indices"), json_get(json, "split_conditions"), json_get(json, "default_left"),
        json_get(json, "sum_hessian"), 0};
    c.count = json_count(c.left);
    if (c.count == 0 || c.count > TRIAGE_MODEL_TREE_NODES_MAX || json_count(json_get(json, "categories")) > 0)
        return false;
    struct taking taking = {.columns = &c, .nodes = ARENA_ARRAY(arena, struct triage_model_node, c.count)};
    take_node(&taking, 0, 0);
    *out = (struct triage_model_tree){taking.nodes, taking.count};
    return !taking.broken;
}

/* The base score stands as a probability; what the trees add to is the margin of it, made as libxgboost makes it. */
static bool base_margin(float *out, enum triage_model_link *link, const yyjson_val *learner) {
    double score = 0;
    const char *objective = json_get_text(json_get(learner, "objective"), "name").at;
    struct text name = text_from(objective);
    if (!text_to_double(&score, json_get_text(json_get(learner, "learner_model_param"), "base_score")))
        return false;
    *out = (float)score;
    *link = TRIAGE_LINK_NONE;
    if (text_is(name, "multi:softprob") || text_is(name, "multi:softmax")) {
        *link = TRIAGE_LINK_SOFTMAX;
    } else if (text_is(name, "binary:logistic") || text_is(name, "reg:logistic")) {
        *link = TRIAGE_LINK_LOGISTIC;
        *out = -logf(1.0F / (float)score - 1.0F);
    } else if (text_is(name, "binary:logitraw")) {
        *link = TRIAGE_LINK_LOGISTIC;
    }
    return isfinite(*out);
}

static enum status take_booster(struct triage_model_outputs *out, const yyjson_val *root, const char *const *names,
    size_t name_count, struct scope *scope) {
    const yyjson_val *learner = json_get(root, "learner"), *booster = json_get(learner, "gradient_booster"),
                     *model = json_get(booster, "model");
    yyjson_val *trees = (yyjson_val *)json_get(model, "trees"), *info = (yyjson_val *)json_get(model, "tree_info");
    size_t tree_count = yyjson_arr_size(trees), first = out->count;
    float base = 0;
    enum triage_model_link link;
    bool fits = text_is(json_get_text(booster, "name"), "gbtree") && base_margin(&base, &link, learner);
    if (!fits || name_count == 0 || first + name_count > TRIAGE_MODEL_OUTPUTS_MAX)
        return fault(scope, STATUS_INVALID, "", "no booster of trees, or no names for its outputs");
    struct triage_model_tree **slots = ARENA_ARRAY(scope->arena, struct triage_model_tree *, name_count);
    for (size_t i = 0; i < name_count; i++) {
        slots[i] = ARENA_ARRAY(scope->arena, struct triage_model_tree, tree_count + 1);
        out->at[first + i] = (struct triage_model_output){
            .name = names[i], .link = link, .softmax_group = (unsigned)first, .base = base, .trees = slots[i]};
    }
    for (size_t i = 0; i < tree_count; i++) {
        double class = number_at(info, i);
        if (!(class >= 0 && class < (double)name_count))
            return fault(scope, STATUS_INVALID, "", "the booster has more outputs than there are names");
        struct triage_model_output *output = &out->at[first + (size_t) class];
        if (!take_tree(&slots[(size_t) class][output->tree_count++], yyjson_arr_get(trees, i), scope->arena))
            return fault(scope, STATUS_INVALID, "", "tree %zu cannot be taken over", i);
    }
    out->count = first + name_count;
    return STATUS_OK;
}

enum status triage_model_from_xgboost(struct triage_model_outputs *out, struct text json, const char *const *names,
    size_t name_count, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, json, scope);
    return status == STATUS_OK ? take_booster(out, yyjson_doc_get_root(doc), names, name_count, scope) : status;
}
