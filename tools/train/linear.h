/* linear: ridge logistic regression over binned inputs, which is a sum of trees of one input each.
 *
 * Each column is cut at sixteenths of its known training values; a bin stands for its values' mean, centred and divided by the
 * column's standard deviation over the sample, held to three deviations; a missing value stands for 0. Columns of grams count
 * `gram_scale` times. What is minimised is the sum of log losses plus penalty / 2 times the squared weights (Hoerl and Kennard 1970; le
 * Cessie and van Houwelingen 1992), the intercept free, by Newton's method with cyclic coordinate descent inside (Friedman, Hastie
 * and Tibshirani, J Stat Softw 2010;33(1)). One thread, a fixed order: the same input gives the same weights. */
#ifndef SOYANG_TRAIN_LINEAR_H
#define SOYANG_TRAIN_LINEAR_H

#include "booster.h"

struct linear;
MUST_CHECK enum status linear_train(struct linear **out, struct matrix matrix, const int8_t *labels,
    struct sample sample, double penalty, double gram_scale, struct arena *arena, struct scope *scope);
double linear_margin(const struct linear *linear, const float *inputs);
/* Adds share times each column's term (what it adds to the margin less its mean over the sample) and, behind them, share times the
 * expected margin. */
void linear_terms(float *terms, const struct linear *linear, const float *inputs, double share);
size_t linear_tree_count(const struct linear *linear);
double linear_intercept(const struct linear *linear);
/* trees[linear_tree_count]: leaves times `share`. A bin that no row was in, and missing where nothing was, covers one row. */
void linear_trees(struct triage_model_tree *trees, const struct linear *linear, double share, struct arena *arena);

#endif
