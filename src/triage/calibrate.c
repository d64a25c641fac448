/* Recalibration for one site: Platt's two numbers on the logit of what the model said, and what they bring. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "triage/readers.h"

enum { NEWTON_STEPS = 50, BINS = 10 };

static double logit(double probability) {
    double bounded = fmin(fmax(probability, 1e-6), 1 - 1e-6);
    return log(bounded / (1 - bounded));
}

static double logistic_of(double x) {
    return 1 / (1 + exp(-x));
}

/* Platt JC. Probabilistic outputs for support vector machines. In: Advances in large margin classifiers. MIT Press 1999: targets
 * are drawn in from 0 and 1, so that a site of few visits gets no certainty. Newton's method; a slope that is not above 0 (the
 * model ranks this site's patients the wrong way round, or not at all) is a refusal. */
static bool is_spread(const struct triage_calibrate_question *q) {
    double low = 1, high = 0;
    for (size_t i = 0; i < q->count; i++) {
        low = fmin(low, q->outcomes[i].probability);
        high = fmax(high, q->outcomes[i].probability);
    }
    return high - low > 1e-6;
}

static bool platt_fit(double *slope, double *intercept, const struct triage_calibrate_question *q, size_t events) {
    double a = 1, b = 0;
    double high = ((double)events + 1) / ((double)events + 2);
    double low = 1 / ((double)(q->count - events) + 2);
    for (int step = 0; step < NEWTON_STEPS; step++) {
        double ga = 0, gb = 0, haa = 1e-9, hab = 0, hbb = 1e-9;
        for (size_t i = 0; i < q->count; i++) {
            double x = logit(q->outcomes[i].probability), p = logistic_of(a * x + b);
            double error = p - (q->outcomes[i].happened ? high : low), weight = p * (1 - p);
            ga += error * x;
            gb += error;
            haa += weight * x * x;
            hab += weight * x;
            hbb += weight;
        }
        double determinant = haa * hbb - hab * hab;
        if (!(determinant > 1e-12))
            return false;
        double da = (hbb * ga - hab * gb) / determinant, db = (haa * gb - hab * ga) / determinant;
        double scale = fmax(fabs(da), fabs(db)) > 2 ? 2 / fmax(fabs(da), fabs(db)) : 1;
        a -= scale * da;
        b -= scale * db;
        if (fabs(da) < 1e-10 && fabs(db) < 1e-10)
            break;
    }
    *slope = a;
    *intercept = b;
    return isfinite(a) && isfinite(b) && a >= SITE_SLOPE_LEAST;
}

static int outcome_order(const void *a, const void *b) {
    double x = ((const struct triage_outcome *)a)->probability, y = ((const struct triage_outcome *)b)->probability;
    return x < y ? -1 : x > y;
}

/* Bins of equal count over the sorted probabilities. */
static double calibration_error(const struct triage_outcome *sorted, size_t count) {
    double error = 0;
    for (size_t bin = 0; bin < BINS; bin++) {
        size_t from = count * bin / BINS, to = count * (bin + 1) / BINS;
        double expected = 0, observed = 0;
        for (size_t i = from; i < to; i++) {
            expected += sorted[i].probability;
            observed += sorted[i].happened;
        }
        error += fabs(expected - observed);
    }
    return error / (double)count;
}

static void measure(double *expected, double *ece, double *brier, struct triage_outcome *outcomes, size_t count) {
    qsort(outcomes, count, sizeof *outcomes, outcome_order);
    *expected = *brier = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = outcomes[i].probability - outcomes[i].happened;
        *expected += outcomes[i].probability;
        *brier += difference * difference / (double)count;
    }
    *ece = calibration_error(outcomes, count);
}

/* One more than a document may hold would make it one that nobody opens. */
static enum status site_own(struct site **out, struct sites *sites, struct text id, struct scope *scope) {
    for (size_t i = 0; i < sites->count; i++) {
        *out = &sites->at[i];
        if (text_is(id, sites->at[i].id))
            return STATUS_OK;
    }
    if (sites->count == SITES_MAX)
        return fault(scope, STATUS_TOO_LARGE, "sites", "a sites document holds at most %d sites", SITES_MAX);
    *out = &sites->at[sites->count++]; /* sites_read leaves room for one */
    **out = (struct site){.id = text_string(scope->arena, id)};
    return STATUS_OK;
}

static enum status sites_take(struct sites *out, struct text document, struct scope *scope) {
    *out = (struct sites){ARENA_ARRAY(scope->arena, struct site, 2), 0};
    return document.size ? sites_read(out, document, scope->arena, scope) : STATUS_OK;
}

/* In place of the one that there was for the same model and output. */
static enum status calibration_put(struct site *site, const struct site_calibration *added, struct scope *scope) {
    struct site_calibration *list = ARENA_ARRAY(scope->arena, struct site_calibration, site->calibration_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < site->calibration_count; i++) {
        const struct site_calibration *old = &site->calibrations[i];
        if (strcmp(old->model, added->model) != 0 || strcmp(old->output, added->output) != 0)
            list[count++] = *old;
    }
    if (count == SITE_CALIBRATIONS_MAX)
        return fault(scope, STATUS_TOO_LARGE, "sites", "a site holds at most %d calibrations", SITE_CALIBRATIONS_MAX);
    list[count++] = *added;
    site->calibrations = list;
    site->calibration_count = count;
    return STATUS_OK;
}

static enum status question_check(size_t *events, const struct triage_calibrate_question *q, struct scope *scope) {
    *events = 0;
    for (size_t i = 0; i < q->count; i++) {
        if (!(q->outcomes[i].probability >= 0 && q->outcomes[i].probability <= 1))
            return fault(scope, STATUS_UNPROCESSABLE, text_format(scope->arena, "row %zu", i + 1).at,
                "a probability lies between 0 and 1");
        *events += q->outcomes[i].happened;
    }
    size_t rarer = *events < q->count - *events ? *events : q->count - *events;
    if (q->count < TRIAGE_CALIBRATION_VISITS_LEAST || rarer < TRIAGE_CALIBRATION_EVENTS_LEAST)
        return fault(scope, STATUS_UNPROCESSABLE, "",
            "too few visits to calibrate on: %zu, %zu of them with the outcome; at least %d, and %d with and without "
            "it",
            q->count, *events, TRIAGE_CALIBRATION_VISITS_LEAST, TRIAGE_CALIBRATION_EVENTS_LEAST);
    if (!q->site.size || q->site.size > 200)
        return fault(scope, STATUS_INVALID, "site", "a site is named by a reference, like Organization/hospital-1");
    return STATUS_OK;
}

enum status triage_calibrate(struct text *out, struct triage_calibrated *measured,
    const struct triage_calibrate_question *question, struct scope *scope) {
    struct triage_calibrated m = {.visits = question->count};
    struct sites sites;
    enum status status = question_check(&m.events, question, scope);
    if (status == STATUS_OK)
        status = sites_take(&sites, question->sites, scope);
    if (status != STATUS_OK)
        return status;
    if (!is_spread(question) || !platt_fit(&m.slope, &m.intercept, question, m.events))
        return fault(scope, STATUS_UNPROCESSABLE, "",
            "the model does not tell this site's patients apart: it cannot be calibrated here, and should be silent");
    struct triage_outcome *outcomes = ARENA_ARRAY(scope->arena, struct triage_outcome, question->count);
    memcpy(outcomes, question->outcomes, question->count * sizeof *outcomes);
    measure(&m.expected_before, &m.ece_before, &m.brier_before, outcomes, question->count);
    for (size_t i = 0; i < question->count; i++)
        outcomes[i].probability = logistic_of(m.slope * logit(outcomes[i].probability) + m.intercept);
    measure(&m.expected_after, &m.ece_after, &m.brier_after, outcomes, question->count);
    struct site_calibration added = {.model = question->model_digest,
        .output = question->output,
        .calibration = {.kind = TRIAGE_CALIBRATION_PLATT,
            .visits = (unsigned)question->count,
            .slope = (float)m.slope,
            .intercept = (float)m.intercept},
        .observed = (double)m.events,
        .expected = m.expected_after};
    struct site *site = NULL;
    status = site_own(&site, &sites, question->site, scope);
    if (status == STATUS_OK)
        status = calibration_put(site, &added, scope);
    *measured = m;
    return status == STATUS_OK ? sites_write(out, &sites, scope) : status;
}

enum status triage_site_silence(
    struct text *out, struct text document, struct text site, bool silent, struct scope *scope) {
    struct sites sites;
    struct site *own = NULL;
    enum status status = sites_take(&sites, document, scope);
    if (status == STATUS_OK)
        status = site_own(&own, &sites, site, scope);
    if (status != STATUS_OK)
        return status;
    own->silent = silent;
    return sites_write(out, &sites, scope);
}
