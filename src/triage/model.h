/* model: trained trees as one flat, checksummed file; their evaluation and their exact explanation.
 *
 * Shape. A model holds features (inputs), outputs (each an ensemble of regression trees with a base margin), site calibrations,
 * escalation thresholds and parameters by name. An input vector holds one float a feature, in the file's order; NaN is missing.
 *
 * Evaluation is that of libxgboost 1.7, in float32: at a node the input goes left where input < threshold, right where not, and
 * where it is missing to the side the node names; an output's margin is its base, then tree after tree added in file order.
 *
 * Explanation is path-dependent TreeSHAP: Lundberg SM, Erion GG, Lee S-I. Consistent individualized feature attribution for tree
 * ensembles. arXiv:1802.03888, 2018, algorithm 2; Lundberg et al. Nat Mach Intell 2020;2:56-67. The terms and the expected value
 * add up to the margin. Written anew, in double precision.
 *
 * File (little-endian, no padding but what is named; at most TRIAGE_MODEL_BYTES_MAX bytes):
 *
 *   0   8 bytes  "SOYANGM2"
 *   8  12 x u32  file size, string bytes, features, outputs, trees, nodes, calibrations, points, escalations, parameters,
 *                drift edges, least age in months
 *  56   u32      least count of known features among those flagged MEASURED
 *  60   u32 x 4  name, version, cohort, card (string offsets)
 *  76   u32      splits
 *  80   features    48 bytes each: name, unit, label ko, label en, group (u32 string offsets), flags (u32),
 *                   low, high, usual (f32: range seen in training, and its median), missing share (f32), first edge (u32),
 *                   edges (u32)
 *       outputs     u32 name, u32 link, u32 softmax group, f32 base margin, u32 first tree, u32 trees, f32 prevalence
 *       splits      f32 threshold, u32 feature: each pair once, by feature and then by the threshold's bits
 *       nodes       u16 each, tree after tree, a node before its left side and that before its right: 0xFFFF a leaf, else a split's
 *                   number, and 0x8000 added where a missing input goes left
 *       leaves      f32 value, f32 cover, in the order of the nodes; a node's cover is the sum of its two sides' in double
 *                   precision, rounded once
 *       calibrations u32 site, u32 output, u32 kind, u32 visits, f32 slope, f32 intercept, u32 first point, u32 points
 *       points      f32 margin, f32 probability (margins rise strictly, probabilities never fall)
 *       escalations u32 human level, u32 level, u32 output, f32 probability
 *       parameters  u32 name, u32 zero, f64 value
 *       edges       f32 edge, f32 expected share below it and at or above the edge before (drift)
 *       strings     each ended by a zero byte; offset 0 is ""
 *       32 bytes    SHA-256 of all before
 *
 * The model's hash is the SHA-256 of the whole file.
 *
 * Errors. What does not hold together is STATUS_INVALID when opened: nothing in an open model can lead outside it, and evaluation
 * cannot fail. Threads: an open model is immutable. */
#ifndef SOYANG_TRIAGE_MODEL_H
#define SOYANG_TRIAGE_MODEL_H

#include "base/base.h"

enum {
    TRIAGE_MODEL_BYTES_MAX = 200 * 1024,
    TRIAGE_MODEL_DEPTH_MAX = 24, /* splits on a path */
    TRIAGE_MODEL_TREE_NODES_MAX = 4096,
    TRIAGE_MODEL_FEATURES_MAX = 1024,
    TRIAGE_MODEL_OUTPUTS_MAX = 16,
    TRIAGE_MODEL_LEAF = 0xFFFF,
    TRIAGE_MODEL_ANY_LEVEL = 0,
};

enum triage_model_flag {
    TRIAGE_FEATURE_REQUIRED = 1, /* abstain where it is missing */
    TRIAGE_FEATURE_RANGED = 2,   /* abstain where it lies outside low..high */
    TRIAGE_FEATURE_MEASURED = 4, /* counts towards the least number of known inputs */
    TRIAGE_FEATURE_WORDS = 8,    /* drawn from words: told as one term with the others of its group */
    TRIAGE_FEATURE_YES_NO = 16,  /* 0 or 1: told without its number */
};
enum triage_model_link { TRIAGE_LINK_NONE, TRIAGE_LINK_LOGISTIC, TRIAGE_LINK_SOFTMAX };

struct triage_model_feature {
    const char *name; /* as in features.h */
    const char *unit; /* UCUM; "" none */
    const char *label_ko, *label_en;
    const char *group; /* features of one group are explained as one term, told by the first one's labels; "" alone */
    unsigned flags;
    float low, high, usual; /* of the training visits; usual: the median */
    float missing_share;
    /* Drift: share of the known training values in [edge before, edge); what is left is at or above the last edge. */
    const float *edges, *shares;
    size_t edge_count;
};
struct triage_model_node {
    float threshold; /* or the leaf's value */
    float cover;     /* training weight that came by (xgboost: sum_hessian) */
    uint16_t feature, left, right;
    uint8_t missing_left, zero;
};
struct triage_model_tree {
    const struct triage_model_node *nodes;
    size_t node_count;
};
struct triage_model_output {
    const char *name; /* "level-1", "admission" */
    enum triage_model_link link;
    unsigned softmax_group; /* outputs of one group share a softmax */
    float base;             /* margin before the first tree */
    float prevalence;       /* in training; 0: not stated */
    const struct triage_model_tree *trees;
    size_t tree_count;
};
enum triage_calibration_kind { TRIAGE_CALIBRATION_PLATT, TRIAGE_CALIBRATION_ISOTONIC };
/* Margin to probability, in place of the link. Platt: 1 / (1 + exp(-(slope * margin + intercept))) (Platt 1999); isotonic: straight
 * lines between the points, level outside them (Zadrozny and Elkan 2002). */
struct triage_model_calibration {
    const char *site; /* "" stands for every site that has none of its own, and does not make a site calibrated */
    unsigned output;
    enum triage_calibration_kind kind;
    unsigned visits; /* it was fitted on */
    float slope, intercept;
    const float *margins, *probabilities;
    size_t point_count;
};
/* The reader speaks for `level` where the human's level is `human` (TRIAGE_MODEL_ANY_LEVEL: any, and none) and less urgent than
 * `level`, and the output's calibrated probability is at least `probability`. The most urgent that holds counts. */
struct triage_model_escalation {
    unsigned human, level, output;
    float probability;
};
/* How often the rules' floor was right where it raised a level: the chance of under-triage there, to be joined with the model's own as
 * that of two that err apart. */
#define TRIAGE_PARAMETER_RULES_RIGHT "rules-right"
struct triage_model_parameter {
    const char *name;
    double value;
};

/* Everything a file holds, for writing. */
struct triage_model_source {
    const char *name, *version, *cohort, *card;
    unsigned least_age_months, least_measured;
    const struct triage_model_feature *features;
    size_t feature_count;
    const struct triage_model_output *outputs;
    size_t output_count;
    const struct triage_model_calibration *calibrations;
    size_t calibration_count;
    const struct triage_model_escalation *escalations;
    size_t escalation_count;
    const struct triage_model_parameter *parameters;
    size_t parameter_count;
};
/* The file's bytes. Same source, same bytes. STATUS_INVALID names what does not hold together, STATUS_TOO_LARGE the size. */
MUST_CHECK enum status triage_model_write(
    struct text *out, const struct triage_model_source *source, struct scope *scope);

/* A booster saved by libxgboost 1.7 as JSON (XGBoosterSaveModelToBuffer, "json"): appends its outputs to `out`, one, or one a class,
 * named by `names`. Trees, covers and base margin are taken over; STATUS_INVALID for what is no tree booster. */
struct triage_model_outputs {
    struct triage_model_output at[TRIAGE_MODEL_OUTPUTS_MAX];
    size_t count;
};
MUST_CHECK enum status triage_model_from_xgboost(struct triage_model_outputs *out, struct text json,
    const char *const *names, size_t name_count, struct scope *scope);

struct triage_model;
/* `file` is copied where it must be; the model lives in `arena`. */
MUST_CHECK enum status triage_model_open(
    const struct triage_model **out, struct text file, struct arena *arena, struct scope *scope);
const char *triage_model_digest(const struct triage_model *model);                        /* SHA-256 of the file, hex */
const struct triage_model_source *triage_model_content(const struct triage_model *model); /* the file, opened */
int triage_model_output_find(const struct triage_model *model, const char *name);         /* -1: none */
int triage_model_feature_find(const struct triage_model *model, const char *name);        /* -1: none */
bool triage_model_parameter_find(double *out, const struct triage_model *model, const char *name);

/* `inputs` has feature_count floats. */
float triage_model_margin(const struct triage_model *model, size_t output, const float *inputs);
/* By the link alone, without calibration. */
float triage_model_raw(const struct triage_model *model, size_t output, const float *inputs);
/* Calibrated for the site where it is, by the pooled calibration where that is, else by the link. *calibrated (may be NULL) tells
 * whether the site's own was used. `site` may be NULL. */
float triage_model_probability(
    const struct triage_model *model, size_t output, const float *inputs, const char *site, bool *calibrated);
/* One calibration's probability of a margin. */
float triage_calibration_apply(const struct triage_model_calibration *calibration, float margin);

/* terms[feature_count]: what each input adds to the output's margin; returns the expected margin. Terms and expected value add up to
 * the margin within 1e-5. Needs no memory. */
double triage_model_explain(double *terms, const struct triage_model *model, size_t output, const float *inputs);

#endif
