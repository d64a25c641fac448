/* booster: gradient-boosted trees by libxgboost's C interface. One thread, a fixed seed and an exact or histogram method: the same
 * input gives the same trees. Whatever it says to STATUS_FAILED is libxgboost's own sentence.
 *
 * Stages. What the human's level makes of a question may be asked of several boosters: stage k (from 1) is trained on all rows with
 * labels of its own and answers for the rows whose input `gate` is k + 1; where it is 1 the answer is STAGE_NEVER. So "the experts'
 * level is more urgent than the human's" is learnt as "1", "1 or 2", "1 to 3", "1 to 4" of all visits, and asked where it matters. With
 * "seeds": N each stage is the mean of N boosters that differ in their seed alone.
 *
 * Masked inputs. What a server may not know (how the patient came) is hidden in every third training row, drawn by the seed. So trees
 * learn what to say where it is missing, though no row of the set misses it.
 *
 * Parts. "parts" in place of settings is a list of them: each is trained by itself, and the margin is the mean of theirs. A part with
 * "seeds": N is the mean of N boosters that differ in their seed alone (Breiman, Bagging predictors, Mach Learn 1996;24). A part
 * {"linear": penalty, "grams": scale} is a ridge regression (linear.h), which masks nothing: to it a missing value is the mean. In
 * the model's file every part is trees, with leaves times its share of the margin. Parts and stages do not go together. */
#ifndef SOYANG_TRAIN_BOOSTER_H
#define SOYANG_TRAIN_BOOSTER_H

#include "triage/model.h"

struct matrix {
    const float *at; /* row after row; NaN is missing */
    size_t rows, columns;
    const size_t *masked; /* columns that are hidden in a third of the rows */
    size_t masked_count;
    const bool *grams; /* by column: hashed pieces of words; NULL: none */
};
enum { STAGES_MAX = 4, PARTS_MAX = 12 };
#define STAGE_NEVER (-6.0)
struct stages {
    size_t gate; /* the column that says which stage answers */
    const int8_t *labels[STAGES_MAX];
};
struct sample { /* rows of a matrix, in order */
    const size_t *rows;
    size_t count;
};
struct booster;
/* `parameters` is an object of the plan: names and values as libxgboost has them, and "rounds". `labels` by the matrix' rows.
 * `monotone` is libxgboost's monotone_constraints, NULL for none. `stages` may be NULL: then `labels` alone count. Closed with the
 * arena. */
MUST_CHECK enum status booster_train(struct booster **out, struct matrix matrix, const int8_t *labels,
    const struct stages *stages, struct sample sample, const yyjson_val *parameters, const char *monotone,
    uint64_t seed, struct arena *arena, struct scope *scope);
/* margins[sample.count] */
MUST_CHECK enum status booster_margins(
    double *margins, struct booster *booster, struct matrix matrix, struct sample sample, struct scope *scope);
/* Appends one output of the model's file. Stages become one ensemble: each tree stands behind two splits on the gate, so that margin
 * and explanation are those of the stage that answers; covers are shared out by the gate's values in `sample`. */
MUST_CHECK enum status booster_output(struct triage_model_outputs *out, struct booster *booster, const char *name,
    struct matrix matrix, struct sample sample, struct arena *arena, struct scope *scope);
bool booster_is_staged(const struct booster *booster);
/* Of one that has no stages. terms[sample.count * (columns + 1)]: libxgboost's own SHAP terms of the margin, the expected margin behind them. */
MUST_CHECK enum status booster_terms(
    float *terms, struct booster *booster, struct matrix matrix, struct sample sample, struct scope *scope);
/* Gives libxgboost's memory back before the arena ends. */
void booster_close(struct booster *booster);

#endif
