/* escalation: from probabilities to levels. A rule speaks for a level where the human gave a less urgent one and an output's
 * calibrated probability is at least `harm` / (`harm` + `gain`): where raising a visit that is as urgent as the probability says is
 * worth more than it costs (expected cost; Pauker and Kassirer, N Engl J Med 1980;302:1109-17). Costs stand in the plan; nothing is
 * fitted to any visit, and no rule can lower. */
#ifndef SOYANG_TRAIN_ESCALATION_H
#define SOYANG_TRAIN_ESCALATION_H

#include "study.h"

enum { ESCALATION_RULES_MAX = 24 };
struct escalation_rule {
    unsigned human, level, output;
    double gain, harm, probability;
};
struct escalation {
    struct escalation_rule rules[ESCALATION_RULES_MAX];
    size_t count;
};
/* The plan's "rules"; `names` of the model's outputs. */
MUST_CHECK enum status escalation_open(
    struct escalation *out, const yyjson_val *rules, const char *const *names, size_t name_count, struct scope *scope);

struct levels {                        /* by visit */
    const int *human, *floor, *expert; /* floor 0: no rule; human 0: none given */
    const bool *silent;                /* too little was measured: the reader abstains */
};
/* The most urgent of human, floor and what a rule speaks for; 0 where nothing speaks. `probabilities` by output. */
int escalation_level(const struct escalation *escalation, int human, int floor, const double *probabilities);
/* final[repeat * study->count + place], from unseen[output]. */
void escalation_unseen(int *final, const struct escalation *escalation, const struct study *study,
    const struct unseen *unseen, size_t output_count, const struct levels *levels);
/* How often a level that the rules' floor raised was too mild in the experts' eyes: (right + 1) / (raised + 2), Laplace's rule of
 * succession, over the visits of a repeat that are not in fold `besides` (fold NULL: all). */
double escalation_rules_right(const struct study *study, const struct levels *levels, const int *fold, int besides);
/* The order of review: out[repeat * study->count + place] is the output's probability p, and where the rules raise the level
 * 1 - (1 - p)(1 - r), r being escalation_rules_right of the other folds: the rules and the model as two that err apart. */
void escalation_review(
    double *out, const struct study *study, const struct unseen *unseen, const struct levels *levels);

#endif
