#include "escalation.h"

#include <math.h>
#include <stdlib.h>

struct candidate {
    double probability;
    bool right;
};

static int candidate_compare(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->probability != y->probability)
        return x->probability > y->probability ? -1 : 1;
    return (int)x->right - (int)y->right;
}

static double threshold_of(
    const struct escalation_plan *plan, struct candidate *candidates, size_t count, double most_seen) {
    double best = plan->least_gain, threshold = most_seen, gain = 0;
    qsort(candidates, count, sizeof *candidates, candidate_compare);
    for (size_t i = 0; i < count; i++) {
        gain += candidates[i].right ? 1 : -plan->harm_weight;
        bool last_of_ties = i + 1 == count || candidates[i + 1].probability < candidates[i].probability;
        if (last_of_ties && gain > best) {
            best = gain;
            threshold = candidates[i].probability;
        }
    }
    return threshold;
}

struct escalation escalation_choose(const struct escalation_plan *plan, const struct levels *levels, const size_t *rows,
    const double *probabilities, size_t count, struct arena *arena) {
    const double never = 2;
    struct escalation out;
    struct candidate *candidates = ARENA_ARRAY(arena, struct candidate, count + 1);
    for (int level = 0; level < ESCALATION_LEVELS; level++) {
        size_t found = 0;
        for (size_t i = 0; i < count && level >= 2; i++) {
            int human = levels->human[rows[i]], floor = levels->floor[rows[i]];
            if (human != level || (floor && floor < human) || isnan(probabilities[i]))
                continue;
            candidates[found++] = (struct candidate){probabilities[i], levels->expert[rows[i]] < level};
        }
        out.thresholds[level] = found ? threshold_of(plan, candidates, found, never) : never;
    }
    return out;
}

int escalation_level(const struct escalation *escalation, int human, int floor, double probability) {
    int level = floor && floor < human ? floor : human;
    bool raises = human >= 2 && human < ESCALATION_LEVELS && probability >= escalation->thresholds[human];
    return raises && human - 1 < level ? human - 1 : level;
}

void escalation_unseen(int *final, const struct escalation_plan *plan, const struct study *study,
    const struct unseen *unseen, const struct levels *levels, struct arena *arena) {
    for (int repeat = 0; repeat < unseen->repeats; repeat++) {
        size_t from = (size_t)repeat * study->count;
        for (int k = 0; k < study->folds; k++) {
            const double *inner = unseen->inner + ((size_t)repeat * (size_t)study->folds + (size_t)k) * study->count;
            struct escalation escalation = escalation_choose(plan, levels, study->rows, inner, study->count, arena);
            for (size_t i = 0; i < study->count; i++) {
                size_t row = study->rows[i];
                if (unseen->fold[from + i] == k)
                    final[from + i] = escalation_level(
                        &escalation, levels->human[row], levels->floor[row], unseen->probabilities[from + i]);
            }
        }
    }
}
