/* escalation: from probabilities of under-triage to thresholds by the human's level, and what they do to unseen visits.
 *
 * A threshold for level h speaks for h - 1. It is the one that, among the visits the thresholds may be chosen on, brings the most
 * right raises less `harm_weight` times the raises of visits whose level was urgent enough; none where that stays below
 * `least_gain`. It can only raise. */
#ifndef SOYANG_TRAIN_ESCALATION_H
#define SOYANG_TRAIN_ESCALATION_H

#include "study.h"

enum { ESCALATION_LEVELS = 6 };
struct escalation_plan {
    double harm_weight, least_gain;
};
struct escalation {
    double thresholds[ESCALATION_LEVELS]; /* by human level 2..5; above 1: never */
};
struct levels {                        /* by visit */
    const int *human, *floor, *expert; /* floor 0: no rule */
};
struct escalation escalation_choose(const struct escalation_plan *plan, const struct levels *levels, const size_t *rows,
    const double *probabilities, size_t count, struct arena *arena);
/* The most urgent of human, floor and what the threshold speaks for. */
int escalation_level(const struct escalation *escalation, int human, int floor, double probability);
/* final[repeat * study->count + place]: thresholds of each outer fold chosen on the other folds alone. */
void escalation_unseen(int *final, const struct escalation_plan *plan, const struct study *study,
    const struct unseen *unseen, const struct levels *levels, struct arena *arena);

#endif
