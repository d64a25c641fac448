/* booster: gradient-boosted trees by libxgboost's C interface. One thread, a fixed seed and an exact or histogram method: the same
 * input gives the same trees. Whatever it says to STATUS_FAILED is libxgboost's own sentence. */
#ifndef SOYANG_TRAIN_BOOSTER_H
#define SOYANG_TRAIN_BOOSTER_H

#include "base/base.h"

struct matrix {
    const float *at; /* row after row; NaN is missing */
    size_t rows, columns;
};
struct sample { /* rows of a matrix, in order */
    const size_t *rows;
    size_t count;
};
struct booster;
/* `parameters` is an object of the plan: names and values as libxgboost has them, and "rounds". `labels` by the matrix' rows.
 * `monotone` is libxgboost's monotone_constraints, NULL for none. Closed with the arena. */
MUST_CHECK enum status booster_train(struct booster **out, struct matrix matrix, const int8_t *labels,
    struct sample sample, const yyjson_val *parameters, const char *monotone, uint64_t seed, struct arena *arena,
    struct scope *scope);
/* margins[sample.count] */
MUST_CHECK enum status booster_margins(
    double *margins, struct booster *booster, struct matrix matrix, struct sample sample, struct scope *scope);
MUST_CHECK enum status booster_json(
    struct text *out, struct booster *booster, struct arena *arena, struct scope *scope);
/* Gives libxgboost's memory back before the arena ends. */
void booster_close(struct booster *booster);

#endif
