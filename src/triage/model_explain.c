/* Path-dependent TreeSHAP, after algorithm 2 of Lundberg, Erion and Lee, arXiv:1802.03888: a path keeps, for every number of its
 * features that could be known, the summed weight of the subsets of that number; a leaf asks what each feature is worth to it.
 *
 * `known` is the share of the weight that goes on where the feature is known (1 on the patient's own way, else 0), `unknown`
 * where it is not (the covers' ratio). */
#include <string.h>

#include "triage/model_file.h"

struct step {
    int feature; /* -1: the root's own */
    double known, unknown, weight;
};
/* One path a depth, each one longer than the one before. */
enum { PATH_STEPS = TRIAGE_MODEL_DEPTH_MAX + 2, STEPS_MAX = PATH_STEPS * (PATH_STEPS + 1) / 2 };

/* 1 / n, so that a leaf costs multiplications. */
static const double reciprocals[PATH_STEPS + 1] = {0, 1.0, 1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5, 1.0 / 6, 1.0 / 7,
    1.0 / 8, 1.0 / 9, 1.0 / 10, 1.0 / 11, 1.0 / 12, 1.0 / 13, 1.0 / 14, 1.0 / 15, 1.0 / 16, 1.0 / 17, 1.0 / 18,
    1.0 / 19, 1.0 / 20, 1.0 / 21, 1.0 / 22, 1.0 / 23, 1.0 / 24, 1.0 / 25, 1.0 / 26};

static void path_extend(struct step *path, int length, struct step added) {
    path[length] = added;
    path[length].weight = length == 0 ? 1 : 0;
    double known = added.known * reciprocals[length + 1], unknown = added.unknown * reciprocals[length + 1];
    for (int i = length - 1; i >= 0; i--) {
        path[i + 1].weight += known * path[i].weight * (i + 1);
        path[i].weight = unknown * path[i].weight * (length - i);
    }
}

/* The weights as if the step at `at` had never come; `last` is the index of the last step. Returns their sum. */
static double path_without(double *weights, const struct step *path, int last, int at) {
    double sum = 0, length = last + 1;
    if (path[at].known != 0) { /* then it is 1: a product of ones */
        double next = path[last].weight, lost = path[at].unknown * reciprocals[last + 1];
        for (int i = last - 1; i >= 0; i--) {
            weights[i] = next * length * reciprocals[i + 1];
            next = path[i].weight - weights[i] * lost * (last - i);
            sum += weights[i];
        }
        return sum;
    }
    double scale = length / path[at].unknown;
    for (int i = last - 1; i >= 0; i--) {
        weights[i] = path[i].weight * scale * reciprocals[last - i];
        sum += weights[i];
    }
    return sum;
}

static void path_remove(struct step *path, int last, int at) {
    double weights[PATH_STEPS];
    path_without(weights, path, last, at);
    for (int i = at; i < last; i++)
        path[i] = path[i + 1];
    for (int i = 0; i < last; i++)
        path[i].weight = weights[i];
}

struct walk {
    const struct triage_model_tree *tree;
    const float *inputs;
    double *terms;
};

static bool goes_left(const struct triage_model_node *node, const float *inputs) {
    float input = inputs[node->feature];
    return input != input ? node->missing_left : input < node->threshold;
}

static int step_find(const struct step *path, int length, int feature) {
    for (int i = 1; i < length; i++) {
        if (path[i].feature == feature)
            return i;
    }
    return -1;
}

/* `parent` holds the path of `length` steps down to here; `added` is what this node adds to it. */
static void explain_node(const struct walk *walk, size_t at, const struct step *parent, int length, struct step added) {
    const struct triage_model_node *node = &walk->tree->nodes[at];
    struct step path[PATH_STEPS];
    if (length > 0)
        memcpy(path, parent, (size_t)length * sizeof *path);
    path_extend(path, length, added);
    int last = length;
    if (node->feature == TRIAGE_MODEL_LEAF) {
        /* What a step that is not known takes away is the same for each: its own share cancels out. */
        double weights[PATH_STEPS], value = (double)node->threshold, lost = 0;
        for (int i = 0; i < last; i++)
            lost += path[i].weight * reciprocals[last - i];
        lost *= (last + 1) * value;
        for (int i = 1; i <= last; i++)
            walk->terms[path[i].feature] +=
                path[i].known != 0 ? path_without(weights, path, last, i) * (1 - path[i].unknown) * value : -lost;
        return;
    }
    struct step next = {.feature = node->feature, .known = 1, .unknown = 1};
    int seen = step_find(path, last + 1, node->feature);
    if (seen >= 0) {
        next.known = path[seen].known;
        next.unknown = path[seen].unknown;
        path_remove(path, last, seen);
        last--;
    }
    const size_t children[] = {node->left, node->right};
    int own = goes_left(node, walk->inputs) ? 0 : 1;
    double portion = 1 / (double)node->cover;
    for (int k = 0; k < 2; k++) {
        double share = (double)walk->tree->nodes[children[k]].cover * portion;
        explain_node(walk, children[k], path, last + 1,
            (struct step){
                .feature = next.feature, .known = k == own ? next.known : 0, .unknown = next.unknown * share});
    }
}

double triage_model_explain(double *terms, const struct triage_model *model, size_t output, const float *inputs) {
    const struct triage_model_output *ensemble = &model->content.outputs[output];
    memset(terms, 0, model->content.feature_count * sizeof *terms);
    for (size_t i = 0; i < ensemble->tree_count; i++) {
        struct walk walk = {&ensemble->trees[i], inputs, terms};
        explain_node(&walk, 0, NULL, 0, (struct step){.feature = -1, .known = 1, .unknown = 1});
    }
    return model->means[output];
}
