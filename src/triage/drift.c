/* Drift: counts of the inputs of late against the shares of training, and the figures that a monitor collects.
 *
 * Population stability index: sum over bins of (now - then) * ln(now / then); Siddiqi N. Credit risk scorecards. Wiley 2006. An empty
 * bin counts as one in ten thousand. The window is rolling: once the count passes twice WINDOW all counts are halved. */
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "triage/readers.h"

enum { WINDOW = 5000, METRICS_BYTES_MAX = 4 << 20, TALLIES_MAX = 256 };
#define SHARE_LEAST 1e-4

struct counts {
    double *bins; /* edge_count + 2 an input, the last: missing */
    size_t first[TRIAGE_MODEL_FEATURES_MAX];
    size_t bin_count;
    double readings;
};
struct triage_drift {
    const struct triage_readers *readers;
    pthread_mutex_t lock;
    struct counts models[2]; /* TRIAGE_MODEL_LEVEL and TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN */
    long readings, abstentions, escalations, silent;
};

static void drift_close(void *object) {
    struct triage_drift *drift = object;
    pthread_mutex_destroy(&drift->lock);
}

struct triage_drift *triage_drift_open(const struct triage_readers *readers, struct arena *arena) {
    struct triage_drift *drift = ARENA_NEW(arena, struct triage_drift);
    drift->readers = readers;
    pthread_mutex_init(&drift->lock, NULL);
    arena_defer(arena, drift_close, drift);
    for (int kind = 0; kind < 2; kind++) {
        struct counts *counts = &drift->models[kind];
        if (!readers->models[kind].model)
            continue;
        const struct triage_model_source *content = triage_model_content(readers->models[kind].model);
        for (size_t i = 0; i < content->feature_count; i++) {
            counts->first[i] = counts->bin_count;
            counts->bin_count += content->features[i].edge_count + 2;
        }
        counts->bins = ARENA_ARRAY(arena, double, counts->bin_count);
    }
    return drift;
}

static void counts_add(struct counts *counts, const struct triage_model_source *content, const float *inputs) {
    for (size_t i = 0; i < content->feature_count; i++) {
        const struct triage_model_feature *f = &content->features[i];
        size_t bin = 0;
        while (bin < f->edge_count && inputs[i] >= f->edges[bin])
            bin++;
        counts->bins[counts->first[i] + (isnan(inputs[i]) ? f->edge_count + 1 : bin)]++;
    }
    counts->readings++;
    if (counts->readings < 2 * WINDOW)
        return;
    counts->readings /= 2;
    for (size_t i = 0; i < counts->bin_count; i++)
        counts->bins[i] /= 2;
}

void triage_drift_count(struct triage_drift *drift, const struct triage_reading *reading) {
    if (!reading->reader_digest)
        return;
    enum triage_model_kind kind = reading->human_level ? TRIAGE_MODEL_LEVEL : TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN;
    pthread_mutex_lock(&drift->lock);
    drift->readings++;
    drift->abstentions += reading->reader_abstains;
    drift->escalations += reading->reader_level > 0;
    drift->silent += reading->reader_silent;
    if (reading->reader_inputs)
        counts_add(
            &drift->models[kind], triage_model_content(drift->readers->models[kind].model), reading->reader_inputs);
    pthread_mutex_unlock(&drift->lock);
}

static double share_term(double now, double then) {
    now = fmax(now, SHARE_LEAST);
    then = fmax(then, SHARE_LEAST);
    return (now - then) * log(now / then);
}

/* The training shares are of the known values; the missing share stands apart. */
static double stability_index(const struct counts *counts, const struct triage_model_feature *f, size_t feature) {
    const double *bins = counts->bins + counts->first[feature];
    double index = share_term(bins[f->edge_count + 1] / counts->readings, (double)f->missing_share);
    double known = 1 - (double)f->missing_share, rest = 1;
    for (size_t i = 0; i <= f->edge_count; i++) {
        double then = i < f->edge_count ? (double)f->shares[i] : rest;
        rest -= then;
        index += share_term(bins[i] / counts->readings, then * known);
    }
    return index;
}

static void put_label(struct buffer *buffer, const char *name, const char *value) {
    buffer_put_string(buffer, name);
    buffer_put_string(buffer, "=\"");
    for (const char *c = value; *c; c++) {
        if (*c == '\\' || *c == '"')
            buffer_put_char(buffer, '\\');
        buffer_put_string(buffer, *c == '\n' ? "\\n" : (const char[]){*c, '\0'});
    }
    buffer_put_char(buffer, '"');
}

static void put_stability(struct buffer *b, const struct triage_drift *drift) {
    buffer_put_string(b, "# HELP soyang_triage_input_psi Population stability index of an input against training.\n"
                         "# TYPE soyang_triage_input_psi gauge\n");
    for (int kind = 0; kind < 2; kind++) {
        const struct counts *counts = &drift->models[kind];
        if (counts->readings < TRIAGE_DRIFT_READINGS_LEAST)
            continue;
        const struct triage_model_source *content = triage_model_content(drift->readers->models[kind].model);
        for (size_t i = 0; i < content->feature_count; i++) {
            if (content->features[i].edge_count == 0 || !visit_field_of_facts(content->features[i].name))
                continue;
            buffer_put_string(b, "soyang_triage_input_psi{");
            put_label(b, "model", content->name);
            buffer_put_char(b, ',');
            put_label(b, "input", content->features[i].name);
            buffer_put_format(b, "} %.6f\n", stability_index(counts, &content->features[i], i));
        }
    }
}

static void put_counter(struct buffer *b, const char *name, const char *help, long value) {
    buffer_put_format(b, "# HELP %s %s\n# TYPE %s counter\n%s %ld\n", name, help, name, name, value);
}

static void put_site_row(
    struct buffer *b, const char *name, const struct site *site, const struct site_calibration *c, double value) {
    buffer_put_format(b, "%s{", name);
    put_label(b, "site", site->id);
    buffer_put_char(b, ',');
    put_label(b, "output", c->output);
    buffer_put_format(b, "} %.3f\n", value);
}

static void put_sites(struct buffer *b, const struct triage_drift *drift) {
    buffer_put_string(b,
        "# HELP soyang_triage_observed_expected Observed over expected when a site was last calibrated.\n"
        "# TYPE soyang_triage_observed_expected gauge\n");
    const struct sites *sites = &drift->readers->sites;
    for (size_t i = 0; i < sites->count; i++) {
        for (size_t k = 0; k < sites->at[i].calibration_count; k++) {
            const struct site_calibration *c = &sites->at[i].calibrations[k];
            if (c->expected > 0)
                put_site_row(b, "soyang_triage_observed_expected", &sites->at[i], c, c->observed / c->expected);
        }
    }
}

/* ---- what came of them ------------------------------------------------------------------------------------------------ */

struct tally {
    struct text site, output;
    double visits, observed, expected;
};

static size_t tally_all(struct tally *tallies, const struct triage_followed *followed, size_t count) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < used &&
               !(text_equal(tallies[at].site, followed[i].site) && text_equal(tallies[at].output, followed[i].output)))
            at++;
        if (at == TALLIES_MAX)
            continue;
        if (at == used)
            tallies[used++] = (struct tally){followed[i].site, followed[i].output, 0, 0, 0};
        tallies[at].visits++;
        tallies[at].observed += followed[i].happened;
        tallies[at].expected += followed[i].probability;
    }
    return used;
}

static void put_tallies(struct buffer *b, const struct triage_followed *followed, size_t count, struct arena *arena) {
    static const struct {
        const char *name, *help;
        size_t offset;
    } rows[] = {
        {"soyang_triage_rolling_visits", "Visits among the last readings whose outcome the record tells.",
            offsetof(struct tally, visits)},
        {"soyang_triage_rolling_observed", "Of these, those in which it happened.", offsetof(struct tally, observed)},
        {"soyang_triage_rolling_expected", "The sum of their probabilities.", offsetof(struct tally, expected)},
    };
    struct tally *tallies = ARENA_ARRAY(arena, struct tally, TALLIES_MAX);
    size_t used = tally_all(tallies, followed, count);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        buffer_put_format(b, "# HELP %s %s\n# TYPE %s gauge\n", rows[r].name, rows[r].help, rows[r].name);
        for (size_t i = 0; i < used; i++) {
            buffer_put_format(b, "%s{", rows[r].name);
            put_label(b, "site", text_string(arena, tallies[i].site));
            buffer_put_char(b, ',');
            put_label(b, "output", text_string(arena, tallies[i].output));
            buffer_put_format(b, "} %.3f\n", *(const double *)((const char *)&tallies[i] + rows[r].offset));
        }
    }
}

enum status triage_drift_write(struct text *out, struct triage_drift *drift, const struct triage_followed *followed,
    size_t followed_count, struct scope *scope) {
    struct triage_drift now;
    double *bins[2];
    for (int kind = 0; kind < 2; kind++)
        bins[kind] = ARENA_ARRAY(scope->arena, double, drift->models[kind].bin_count + 1);
    pthread_mutex_lock(&drift->lock);
    now = *drift;
    for (int kind = 0; kind < 2; kind++) {
        if (now.models[kind].bin_count)
            memcpy(bins[kind], drift->models[kind].bins, now.models[kind].bin_count * sizeof *bins[kind]);
    }
    pthread_mutex_unlock(&drift->lock);
    now.models[0].bins = bins[0];
    now.models[1].bins = bins[1];
    struct buffer buffer = buffer_open(scope->arena, METRICS_BYTES_MAX), *b = &buffer;
    put_counter(b, "soyang_triage_readings_total", "Readings by a trained reader.", now.readings);
    put_counter(b, "soyang_triage_abstentions_total", "Readings in which it abstained.", now.abstentions);
    put_counter(b, "soyang_triage_escalations_total", "Readings in which it spoke for a level.", now.escalations);
    put_counter(b, "soyang_triage_silent_total", "Readings at sites where it is silent.", now.silent);
    put_stability(b, &now);
    put_sites(b, &now);
    put_tallies(b, followed, followed_count, scope->arena);
    if (buffer.full)
        return fault(scope, STATUS_TOO_LARGE, "", "the metrics are too many");
    *out = buffer_text(&buffer);
    return STATUS_OK;
}
