/* model_file: the file's head and what opening and writing both check. Private to the models. */
#ifndef SOYANG_TRIAGE_MODEL_FILE_H
#define SOYANG_TRIAGE_MODEL_FILE_H

#include "triage/model.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "model files are little-endian and read as they stand"
#endif

#define MODEL_MAGIC "SOYANGM2"
struct model_header {
    char magic[8];
    uint32_t file_bytes, string_bytes, feature_count, output_count, tree_count, node_count, calibration_count,
        point_count, escalation_count, parameter_count, edge_count, least_age_months, least_measured;
    uint32_t name, version, cohort, card; /* string offsets */
    uint32_t split_count;
};
_Static_assert(sizeof(struct model_header) == 80, "the head has no padding");
struct model_split {
    float threshold;
    uint32_t feature;
};
_Static_assert(sizeof(struct model_split) == 8, "splits have no padding");
enum { MODEL_NODE_LEAF = 0xFFFF, MODEL_NODE_MISSING_LEFT = 0x8000, MODEL_SPLITS_MAX = 0x7FFF };

struct triage_model {
    struct triage_model_source content;
    char digest[DIGEST_TEXT_SIZE];
    double means[TRIAGE_MODEL_OUTPUTS_MAX]; /* expected margin of each output */
};

/* NULL, or what does not hold together. */
const char *model_flaw(const struct triage_model_source *source);
const char *model_tree_flaw(const struct triage_model_tree *tree, size_t feature_count);
const char *model_calibration_flaw(const struct triage_model_calibration *calibration, size_t output_count);

#endif
