/* readers: opened models bound to their inputs, and what is known of sites. Private to this module. */
#ifndef SOYANG_TRIAGE_READERS_H
#define SOYANG_TRIAGE_READERS_H

#include "triage/features.h"
#include "triage/model.h"

/* One model with its inputs bound by name. */
struct reader_model {
    const struct triage_model *model; /* NULL: there is none */
    const struct feature_set *features;
    const struct text *columns; /* of data sets, as its inputs name them */
    size_t column_count;
};

/* What a sites document says (docs/triage.md). */
struct site_calibration {
    const char *model; /* digest */
    const char *output;
    struct triage_model_calibration calibration;
    double observed, expected; /* of the visits it was fitted on, after fitting */
};
struct site {
    const char *id; /* "Organization/hospital-1"; "" speaks for visits of unknown and unlisted sites */
    bool silent;
    const struct site_calibration *calibrations;
    size_t calibration_count;
};
struct sites {
    struct site *at;
    size_t count;
};
enum { SITES_MAX = 2000, SITE_CALIBRATIONS_MAX = 64 };
#define SITE_SLOPE_LEAST 1e-6 /* what a document's six decimals still tell from 0 */
MUST_CHECK enum status sites_read(struct sites *out, struct text document, struct arena *arena, struct scope *scope);
MUST_CHECK enum status sites_write(struct text *out, const struct sites *sites, struct scope *scope);
/* The site's own row, else that of "", else NULL. */
const struct site *site_find(const struct sites *sites, struct text id);

struct triage_readers {
    struct reader_model models[TRIAGE_MODEL_COUNT];
    struct sites sites;
    char sites_digest[DIGEST_TEXT_SIZE]; /* "" none */
};

enum abstention {
    ABSTENTION_NONE,
    ABSTENTION_NO_MODEL,
    ABSTENTION_NO_AGE,
    ABSTENTION_TOO_YOUNG,
    ABSTENTION_MISSING, /* of an input that must be there */
    ABSTENTION_TOO_FEW, /* measured inputs */
    ABSTENTION_OUT_OF_RANGE,
};
/* Fills the inputs and judges whether the model may speak. `feature` is the input that MISSING and OUT_OF_RANGE mean. */
struct reader_inputs {
    float *at;
    enum abstention abstention;
    size_t feature;
};
struct reader_inputs reader_fill(const struct reader_model *model, const struct visit *visit, struct arena *arena);
/* Calibrated by the sites document, else by the model's own. */
double reader_probability(const struct triage_readers *readers, enum triage_model_kind kind, size_t output,
    const float *inputs, struct text site, bool *calibrated);
/* The output `name`; where the data set's columns are not known, NAME-record where the model has it: trained on what a record holds
 * alone. */
size_t reader_output(const struct triage_model *model, const char *name, bool columns_known);
/* The most urgent level that the model's escalations speak for, 0: none; *which is the one. */
int reader_escalates(const struct triage_model_escalation **which, const struct triage_readers *readers,
    enum triage_model_kind kind, int human_level, const float *inputs, struct text site);

/* What the level's reader and the forecasts ask about: one visit, looked through once. */
struct reader_visit {
    const struct triage_readers *readers;
    struct visit visit;
};
/* `reader->model` is a reader_visit. */
void reader_read_level(struct triage_opinion *out, const struct triage_reader *reader, const struct triage_facts *facts,
    const struct triage_reading *rules, struct arena *arena);
void reader_forecast(struct triage_reading *reading, const struct reader_visit *visit, const struct triage_facts *facts,
    struct arena *arena);

#endif
