/* metrics: how good predictions are. Pure. Sources of the measures stand in metrics.c. Labels are 0 or 1, probabilities 0..1. */
#ifndef SOYANG_TRAIN_METRICS_H
#define SOYANG_TRAIN_METRICS_H

#include "base/base.h"

struct predictions {
    size_t count;
    const int8_t *labels;
    const double *probabilities;
};
struct performance {
    size_t count, events;
    double auroc, brier, ece, slope, intercept, observed_expected;
};
double metric_auroc(struct predictions p, struct arena *arena); /* NaN where one class is missing */
double metric_brier(struct predictions p);
enum { METRIC_BINS = 10 };
double metric_ece(struct predictions p, struct arena *arena); /* ten bins of equal counts */
/* logit(label) = intercept + slope * logit(probability) by maximum likelihood; false where it has none. */
bool metric_platt(double *slope, double *intercept, struct predictions p);
struct performance performance_of(struct predictions p, struct arena *arena);
double metric_net_benefit(struct predictions p, double threshold);
/* Of those with label 1, the share at or above the threshold; of those with 0, the share below it. */
void metric_split(double *sensitivity, double *specificity, double *flagged, struct predictions p, double threshold);
/* The highest threshold with at least this sensitivity. */
double metric_threshold(struct predictions p, double sensitivity, struct arena *arena);
/* Events among the highest-ranked share of the visits; ties by order. */
size_t metric_caught(struct predictions p, double share, struct arena *arena);

struct level_outcome {
    size_t count;
    double accuracy, under, over, kappa; /* kappa: quadratic weights */
    size_t urgent_missed;                /* the experts say 1 or 2, this says 3 to 5 */
};
struct level_outcome level_outcome_of(const int *levels, const int *experts, size_t count);

/* A small generator of its own, so that a seed means the same everywhere: SplitMix64 (Steele, Lea and Flood 2014). */
uint64_t random_next(uint64_t *state);
size_t random_below(uint64_t *state, size_t limit);
/* The 2.5 and 97.5 percentiles of `values`, which are sorted in place; NaN are left out. */
void interval_of(double out[static 2], double *values, size_t count);

#endif
