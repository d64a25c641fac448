/* study: one output of one model: what it learns, how its settings are chosen, and what it says of visits it has not seen.
 *
 * Nested cross-validation. Rows are dealt into folds by patient (or alone), by label. For each outer fold the settings are chosen
 * by log loss over inner folds of the other rows alone; so is the calibration (Platt) and, later, every threshold. A visit's
 * prediction never comes from a tree, a setting, a calibration or a threshold that saw its label. The whole is repeated with
 * other folds. The model that is written is then trained on all rows with settings chosen the same way over all rows. */
#ifndef SOYANG_TRAIN_STUDY_H
#define SOYANG_TRAIN_STUDY_H

#include "booster.h"
#include "metrics.h"
#include "visits.h"

struct study {
    const yyjson_val *plan; /* the output's entry */
    const struct visits *visits;
    struct matrix matrix;
    const struct text *names; /* of the matrix' columns */
    const char *monotone;
    int8_t *labels;              /* by visit; -1: not part of the study */
    const struct stages *stages; /* NULL: none */
    size_t *rows;                /* those that are part of it */
    size_t count;
    uint64_t seed;
    int folds, inner_folds, inner_repeats, repeats;
    bool
        fixed; /* one setting, and no inner folds: nothing is chosen, and nothing calibrates but the folds themselves */
    bool by_site; /* of a fixed one: each hospital gets Platt's numbers of its own */
};
struct platt {
    double slope, intercept;
};
double platt_apply(struct platt platt, double margin);

/* What was said of unseen visits: by repeat, then by place in study.rows. */
struct unseen {
    int repeats;
    double *probabilities;
    /* By repeat, outer fold, place: calibrated inner out-of-fold predictions of the rows that were NOT in the fold (NaN for
     * those in it): on these a threshold for that fold may be chosen. `fold` by repeat and place. */
    double *inner;
    int *fold;
    const double *uncalibrated; /* as probabilities, before the hospitals' own calibration; NULL: there is none */
};
struct site_platt {
    struct text site;
    struct platt platt;
    size_t visits;
};
struct chosen {
    size_t parameters;              /* place in the plan's "grid" */
    struct platt platt;             /* by out-of-fold margins of all rows */
    double *probability;            /* these margins, calibrated: for the thresholds that are written */
    const struct site_platt *sites; /* the hospitals' own, where by_site */
    size_t site_count;
};
MUST_CHECK enum status study_open(struct study *out, const yyjson_val *model, const yyjson_val *output,
    const struct visits *visits, struct matrix matrix, const struct text *names, const char *monotone,
    struct arena *arena, struct scope *scope);
MUST_CHECK enum status study_unseen(
    struct unseen *out, const struct study *study, struct arena *arena, struct scope *scope);
MUST_CHECK enum status study_choose(
    struct chosen *out, const struct study *study, struct sample sample, struct arena *arena, struct scope *scope);
/* The same study inside the training rows of one outer fold (from 1) of the first repeat: forms are compared there, and the fold's
 * own visits are not looked at. */
MUST_CHECK enum status study_inside(
    struct study *out, const struct study *study, int fold, struct arena *arena, struct scope *scope);
/* Of one repeat's probabilities, by place. */
double study_log_loss(const struct study *study, const double *probabilities);
/* Of a fixed study: Platt's numbers from the first repeat's predictions of unseen visits. */
void study_calibrate(struct chosen *out, const struct study *study, const struct unseen *unseen, struct arena *arena);
/* Of a fixed study that is by_site: `unseen` becomes what each hospital's own calibration makes of it, a fold's fitted to the
 * other folds; `out` gets those of all folds of the first repeat. As at a site (triage calibrate) it takes 100 visits, 10 with and
 * 10 without the outcome; else a hospital stays as it is. */
void study_calibrate_sites(struct chosen *out, struct unseen *unseen, const struct study *study, struct arena *arena);
/* Trained on `sample` with grid entry `parameters`. */
MUST_CHECK enum status study_fit(struct booster **out, const struct study *study, struct sample sample,
    size_t parameters, uint64_t seed, struct arena *arena, struct scope *scope);

/* Trained and chosen on all rows but these, which are then predicted: a hospital, a later year. */
struct held_out {
    struct sample sample;
    double *probabilities;
    struct chosen chosen; /* on the other rows */
    struct sample others;
};
MUST_CHECK enum status study_hold_out(
    struct held_out *out, const struct study *study, struct sample sample, struct arena *arena, struct scope *scope);

#endif
