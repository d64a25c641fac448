#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDS_MAX = 20, REPEATS_MAX = 50, STUDY_SITES_MAX = 16 };

double platt_apply(struct platt platt, double margin) {
    return 1 / (1 + exp(-(platt.slope * margin + platt.intercept)));
}

static int whole(const yyjson_val *plan, const char *name, int otherwise, int most) {
    int64_t value = otherwise;
    (void)json_get_int64(&value, plan, name);
    return (int)(value < 1 ? 1 : value > most ? most : value);
}

/* The plan's "stages": {"gate": an input, "column": a level from 1}: stage k is labelled with "at most k". */
static enum status stages_open(struct study *study, struct arena *arena, struct scope *scope) {
    const yyjson_val *plan = json_get(study->plan, "stages");
    struct stages *stages = ARENA_NEW(arena, struct stages);
    int *levels = ARENA_ARRAY(arena, int, study->visits->count);
    int8_t *labels[STAGES_MAX];
    bool found = false;
    *stages = (struct stages){.gate = 0};
    for (size_t i = 0; i < study->matrix.columns && !found; i++) {
        found = text_equal(study->names[i], json_get_text(plan, "gate"));
        stages->gate = i;
    }
    if (!found)
        return fault(scope, STATUS_INVALID, "stages", "the gate is no input of the model");
    enum status status = visits_integers(levels, study->visits, json_get_text(plan, "column"), scope);
    for (int k = 0; k < STAGES_MAX && status == STATUS_OK; k++) {
        labels[k] = ARENA_ARRAY(arena, int8_t, study->visits->count);
        for (size_t i = 0; i < study->visits->count; i++)
            labels[k][i] = levels[i] <= k + 1;
        stages->labels[k] = labels[k];
    }
    study->stages = stages;
    return status;
}

enum status study_open(struct study *out, const yyjson_val *model, const yyjson_val *output,
    const struct visits *visits, struct matrix matrix, const struct text *names, const char *monotone,
    struct arena *arena, struct scope *scope) {
    int64_t seed = 0;
    *out = (struct study){.plan = output, .visits = visits, .matrix = matrix, .names = names, .monotone = monotone};
    if (!json_get_int64(&seed, model, "seed") || yyjson_arr_size(json_get(output, "grid")) == 0)
        return fault(scope, STATUS_INVALID, "models", "a model needs a seed, and each output a grid");
    out->seed = (uint64_t)seed;
    out->folds = whole(model, "folds", 5, FOLDS_MAX);
    out->inner_folds = whole(model, "inner_folds", 4, FOLDS_MAX);
    out->inner_repeats = whole(model, "inner_repeats", 1, REPEATS_MAX);
    (void)json_get_bool(&out->fixed, model, "fixed");
    (void)json_get_bool(&out->by_site, output, "calibrated_by_site");
    out->repeats = whole(model, "repeats", 1, REPEATS_MAX);
    if (out->folds < 2 || out->inner_folds < 2)
        return fault(scope, STATUS_INVALID, "models", "at least two folds");
    if (out->fixed && yyjson_arr_size(json_get(output, "grid")) != 1)
        return fault(scope, STATUS_INVALID, "models", "a fixed model has one entry in its grid");
    if (out->by_site && !out->fixed)
        return fault(scope, STATUS_INVALID, "models", "only a fixed model is calibrated by site");
    out->labels = ARENA_ARRAY(arena, int8_t, visits->count);
    out->rows = ARENA_ARRAY(arena, size_t, visits->count);
    enum status status = visits_label(out->labels, visits, json_get(output, "label"), scope);
    size_t events = 0;
    for (size_t i = 0; i < visits->count; i++) {
        events += out->labels[i] == 1;
        if (out->labels[i] >= 0)
            out->rows[out->count++] = i;
    }
    if (status == STATUS_OK && json_get(output, "stages"))
        status = stages_open(out, arena, scope);
    if (status == STATUS_OK && (events < (size_t)out->folds || out->count - events < (size_t)out->folds))
        return fault(scope, STATUS_INVALID, "models", "too few visits with or without the outcome");
    return status;
}

/* ---- folds ------------------------------------------------------------------------------------------------------------ */

struct deal {
    struct text patient;
    uint64_t key;
    size_t place;
    bool event; /* of the patient, in any visit */
};

static int deal_by_patient(const void *a, const void *b) {
    const struct deal *x = a, *y = b;
    int order = text_compare(x->patient, y->patient);
    return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static int deal_by_key(const void *a, const void *b) {
    const struct deal *x = a, *y = b;
    if (x->event != y->event)
        return x->event ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* fold[place]: patients are shuffled within those with an event and those without, then dealt one by one. */
static void folds_deal(
    int *fold, const struct study *study, struct sample sample, int folds, uint64_t seed, struct arena *arena) {
    struct deal *deals = ARENA_ARRAY(arena, struct deal, sample.count + 1);
    for (size_t i = 0; i < sample.count; i++) {
        size_t row = sample.rows[i];
        deals[i] = (struct deal){study->visits->patients[row], random_next(&seed), i, study->labels[row] == 1};
    }
    qsort(deals, sample.count, sizeof *deals, deal_by_patient);
    for (size_t from = 0; from < sample.count;) {
        size_t to = from + 1;
        bool event = deals[from].event;
        while (deals[from].patient.size && to < sample.count && text_equal(deals[to].patient, deals[from].patient))
            event = deals[to++].event || event;
        for (size_t i = from; i < to; i++) {
            deals[i].event = event;
            deals[i].key = deals[from].key;
        }
        from = to;
    }
    qsort(deals, sample.count, sizeof *deals, deal_by_key);
    int next = -1;
    for (size_t i = 0; i < sample.count; i++) {
        if (i == 0 || deals[i].key != deals[i - 1].key)
            next = (next + 1) % folds;
        fold[deals[i].place] = next;
    }
}

/* The rows of a sample whose fold is (or is not) `which`, and their places in it. */
static struct sample sample_part(
    struct sample sample, const int *fold, int which, bool inside, size_t **places, struct arena *arena) {
    size_t *rows = ARENA_ARRAY(arena, size_t, sample.count + 1), count = 0;
    *places = ARENA_ARRAY(arena, size_t, sample.count + 1);
    for (size_t i = 0; i < sample.count; i++) {
        if ((fold[i] == which) != inside)
            continue;
        (*places)[count] = i;
        rows[count++] = sample.rows[i];
    }
    return (struct sample){rows, count};
}

/* ---- fitting ---------------------------------------------------------------------------------------------------------- */

enum status study_fit(struct booster **out, const struct study *study, struct sample sample, size_t parameters,
    uint64_t seed, struct arena *arena, struct scope *scope) {
    const yyjson_val *entry = yyjson_arr_get(json_get(study->plan, "grid"), parameters);
    return booster_train(
        out, study->matrix, study->labels, study->stages, sample, entry, study->monotone, seed, arena, scope);
}

/* margins[place]: each by trees that were trained without its fold. */
static enum status out_of_fold(double *margins, const struct study *study, struct sample sample, const int *fold,
    int folds, size_t parameters, uint64_t seed, struct arena *arena, struct scope *scope) {
    enum status status = STATUS_OK;
    for (int k = 0; k < folds && status == STATUS_OK; k++) {
        size_t *inside = NULL, *outside = NULL;
        struct sample test = sample_part(sample, fold, k, true, &inside, arena);
        struct sample train = sample_part(sample, fold, k, false, &outside, arena);
        double *part = ARENA_ARRAY(arena, double, test.count + 1);
        struct booster *booster = NULL;
        status = study_fit(&booster, study, train, parameters, seed + (uint64_t)k, arena, scope);
        if (status == STATUS_OK)
            status = booster_margins(part, booster, study->matrix, test, scope);
        booster_close(booster);
        for (size_t i = 0; i < test.count; i++)
            margins[inside[i]] = part[i];
    }
    return status;
}

static double log_loss(const double *margins, const struct study *study, struct sample sample) {
    double sum = 0;
    for (size_t i = 0; i < sample.count; i++) {
        double margin = study->labels[sample.rows[i]] == 1 ? -margins[i] : margins[i];
        sum += margin > 30 ? margin : log1p(exp(margin));
    }
    return sum / (double)sample.count;
}

static struct platt platt_of(
    const double *margins, const struct study *study, struct sample sample, struct arena *arena) {
    double *raw = ARENA_ARRAY(arena, double, sample.count + 1);
    int8_t *labels = ARENA_ARRAY(arena, int8_t, sample.count + 1);
    struct platt platt = {1, 0};
    for (size_t i = 0; i < sample.count; i++) {
        raw[i] = 1 / (1 + exp(-margins[i]));
        labels[i] = study->labels[sample.rows[i]];
    }
    struct predictions p = {sample.count, labels, raw};
    if (!metric_platt(&platt.slope, &platt.intercept, p) || platt.slope <= 0)
        platt = (struct platt){1, 0};
    return platt;
}

/* The sample as often as the inner folds are dealt, one after the other. */
static struct sample sample_repeated(const struct study *study, struct sample sample, struct arena *arena) {
    size_t times = (size_t)study->inner_repeats;
    size_t *rows = ARENA_ARRAY(arena, size_t, times * sample.count + 1);
    for (size_t i = 0; i < times * sample.count; i++)
        rows[i] = sample.rows[i % sample.count];
    return (struct sample){rows, times * sample.count};
}

/* margins[deal, place] of grid entry `parameters`: each deal of the inner folds has boosters of its own. */
static enum status inner_margins(double *margins, const struct study *study, struct sample sample, const int *folds,
    size_t parameters, struct arena *arena, struct scope *scope) {
    enum { DEAL_SEEDS = 100 };
    enum status status = STATUS_OK;
    for (int deal = 0; deal < study->inner_repeats && status == STATUS_OK; deal++) {
        size_t first = (size_t)deal * sample.count;
        status = out_of_fold(margins + first, study, sample, folds + first, study->inner_folds, parameters,
            study->seed + DEAL_SEEDS * (uint64_t)deal, arena, scope);
    }
    return status;
}

enum status study_choose(
    struct chosen *out, const struct study *study, struct sample sample, struct arena *arena, struct scope *scope) {
    size_t grid = yyjson_arr_size(json_get(study->plan, "grid"));
    uint64_t seed = study->seed ^ (sample.count * 0x9E3779B97F4A7C15ull);
    *out = (struct chosen){.platt = {1, 0}, .probability = ARENA_ARRAY(arena, double, sample.count + 1)};
    for (size_t i = 0; i < sample.count && study->fixed; i++)
        out->probability[i] = (double)NAN;
    if (study->fixed)
        return STATUS_OK;
    struct sample repeated = sample_repeated(study, sample, arena);
    int *folds = ARENA_ARRAY(arena, int, repeated.count + 1);
    double *margins = ARENA_ARRAY(arena, double, repeated.count + 1), best = HUGE_VAL;
    for (int deal = 0; deal < study->inner_repeats; deal++)
        folds_deal(
            folds + (size_t)deal * sample.count, study, sample, study->inner_folds, seed + (uint64_t)deal, arena);
    for (size_t g = 0; g < grid; g++) {
        enum status status = inner_margins(margins, study, sample, folds, g, arena, scope);
        if (status != STATUS_OK)
            return status;
        double loss = log_loss(margins, study, repeated);
        if (loss >= best)
            continue;
        best = loss;
        out->parameters = g;
        out->platt = platt_of(margins, study, repeated, arena);
        for (size_t i = 0; i < sample.count; i++)
            out->probability[i] = 0;
        for (size_t i = 0; i < repeated.count; i++)
            out->probability[i % sample.count] += platt_apply(out->platt, margins[i]) / study->inner_repeats;
    }
    return STATUS_OK;
}

/* ---- unseen ----------------------------------------------------------------------------------------------------------- */

static enum status fold_unseen(
    struct unseen *out, const struct study *study, int repeat, int k, struct arena *arena, struct scope *scope) {
    struct sample all = {study->rows, study->count};
    size_t *inside = NULL, *outside = NULL;
    int *fold = out->fold + (size_t)repeat * study->count;
    struct sample test = sample_part(all, fold, k, true, &inside, arena);
    struct sample train = sample_part(all, fold, k, false, &outside, arena);
    double *margins = ARENA_ARRAY(arena, double, test.count + 1);
    double *inner = out->inner + ((size_t)repeat * (size_t)study->folds + (size_t)k) * study->count;
    struct chosen chosen;
    struct booster *booster = NULL;
    uint64_t seed = study->seed + 1000 * (uint64_t)(repeat + 1) + (uint64_t)k;
    enum status status = study_choose(&chosen, study, train, arena, scope);
    if (status == STATUS_OK)
        status = study_fit(&booster, study, train, chosen.parameters, seed, arena, scope);
    if (status == STATUS_OK)
        status = booster_margins(margins, booster, study->matrix, test, scope);
    if (booster)
        booster_close(booster);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < test.count; i++)
        out->probabilities[(size_t)repeat * study->count + inside[i]] = platt_apply(chosen.platt, margins[i]);
    for (size_t i = 0; i < train.count; i++)
        inner[outside[i]] = chosen.probability[i];
    return STATUS_OK;
}

enum status study_unseen(struct unseen *out, const struct study *study, struct arena *arena, struct scope *scope) {
    size_t cells = (size_t)study->repeats * study->count, inner = cells * (size_t)study->folds;
    *out = (struct unseen){study->repeats, ARENA_ARRAY(arena, double, cells), ARENA_ARRAY(arena, double, inner),
        ARENA_ARRAY(arena, int, cells), NULL};
    for (size_t i = 0; i < inner; i++)
        out->inner[i] = (double)NAN;
    enum status status = STATUS_OK;
    for (int repeat = 0; repeat < study->repeats && status == STATUS_OK; repeat++) {
        folds_deal(out->fold + (size_t)repeat * study->count, study, (struct sample){study->rows, study->count},
            study->folds, study->seed + (uint64_t)repeat, arena);
        for (int k = 0; k < study->folds && status == STATUS_OK; k++)
            status = fold_unseen(out, study, repeat, k, arena, scope);
    }
    return status;
}

enum status study_inside(
    struct study *out, const struct study *study, int fold, struct arena *arena, struct scope *scope) {
    struct sample all = {study->rows, study->count};
    size_t *places = NULL;
    int *dealt = ARENA_ARRAY(arena, int, study->count + 1);
    if (fold < 1 || fold > study->folds)
        return fault(scope, STATUS_INVALID, "inside", "there is no outer fold %d", fold);
    folds_deal(dealt, study, all, study->folds, study->seed, arena);
    struct sample train = sample_part(all, dealt, fold - 1, false, &places, arena);
    size_t *rows = ARENA_ARRAY(arena, size_t, train.count + 1);
    memcpy(rows, train.rows, train.count * sizeof *rows);
    *out = *study;
    out->rows = rows;
    out->count = train.count;
    return STATUS_OK;
}

double study_log_loss(const struct study *study, const double *probabilities) {
    double sum = 0;
    for (size_t i = 0; i < study->count; i++) {
        double bounded = fmin(fmax(probabilities[i], 1e-9), 1 - 1e-9);
        sum -= log(study->labels[study->rows[i]] == 1 ? bounded : 1 - bounded);
    }
    return sum / (double)study->count;
}

void study_calibrate(struct chosen *out, const struct study *study, const struct unseen *unseen, struct arena *arena) {
    double *margins = ARENA_ARRAY(arena, double, study->count + 1);
    for (size_t i = 0; i < study->count; i++) {
        double bounded = fmin(fmax(unseen->probabilities[i], 1e-9), 1 - 1e-9);
        margins[i] = log(bounded / (1 - bounded));
    }
    out->platt = platt_of(margins, study, (struct sample){study->rows, study->count}, arena);
    for (size_t i = 0; i < study->count; i++)
        out->probability[i] = platt_apply(out->platt, margins[i]);
}

/* Fitted to a hospital's places outside the fold; false where they are too few. */
static bool site_fit(struct site_platt *out, const struct study *study, const double *probabilities, const int *fold,
    int without, struct arena *arena) {
    enum { VISITS_LEAST = 100, EITHER_LEAST = 10 };
    double *kept = ARENA_ARRAY(arena, double, study->count + 1);
    int8_t *labels = ARENA_ARRAY(arena, int8_t, study->count + 1);
    size_t count = 0, events = 0;
    for (size_t i = 0; i < study->count; i++) {
        if (fold[i] == without || !text_equal(study->visits->sites[study->rows[i]], out->site))
            continue;
        kept[count] = probabilities[i];
        labels[count] = study->labels[study->rows[i]];
        events += labels[count++] == 1;
    }
    out->visits = count;
    return count >= VISITS_LEAST && events >= EITHER_LEAST && count - events >= EITHER_LEAST &&
           metric_platt(&out->platt.slope, &out->platt.intercept, (struct predictions){count, labels, kept}) &&
           out->platt.slope > 0;
}

static size_t sites_list(struct site_platt *out, const struct study *study) {
    size_t count = 0;
    for (size_t i = 0; i < study->count; i++) {
        struct text site = study->visits->sites[study->rows[i]];
        bool known = site.size == 0;
        for (size_t k = 0; k < count && !known; k++)
            known = text_equal(out[k].site, site);
        if (!known && count < STUDY_SITES_MAX)
            out[count++].site = site;
    }
    return count;
}

void study_calibrate_sites(struct chosen *out, struct unseen *unseen, const struct study *study, struct arena *arena) {
    struct site_platt *sites = ARENA_ARRAY(arena, struct site_platt, STUDY_SITES_MAX);
    size_t cells = (size_t)unseen->repeats * study->count, count = sites_list(sites, study), fitted = 0;
    double *before = ARENA_ARRAY(arena, double, cells + 1);
    memcpy(before, unseen->probabilities, cells * sizeof *before);
    unseen->uncalibrated = before;
    for (size_t s = 0; s < count; s++) {
        for (int repeat = 0; repeat < unseen->repeats; repeat++) {
            size_t first = (size_t)repeat * study->count;
            for (int k = 0; k < study->folds; k++) {
                struct site_platt one = {.site = sites[s].site};
                if (!site_fit(&one, study, before + first, unseen->fold + first, k, arena))
                    continue;
                for (size_t i = 0; i < study->count; i++) {
                    double bounded = fmin(fmax(before[first + i], 1e-9), 1 - 1e-9);
                    if (unseen->fold[first + i] == k && text_equal(study->visits->sites[study->rows[i]], one.site))
                        unseen->probabilities[first + i] = platt_apply(one.platt, log(bounded / (1 - bounded)));
                }
            }
        }
        struct site_platt whole = {.site = sites[s].site};
        if (site_fit(&whole, study, before, unseen->fold, -1, arena))
            sites[fitted++] = whole;
    }
    out->sites = sites;
    out->site_count = fitted;
}

enum status study_hold_out(
    struct held_out *out, const struct study *study, struct sample sample, struct arena *arena, struct scope *scope) {
    size_t *rows = ARENA_ARRAY(arena, size_t, study->count + 1), count = 0, next = 0;
    for (size_t i = 0; i < study->count; i++) { /* both ascend */
        if (next < sample.count && sample.rows[next] == study->rows[i])
            next++;
        else
            rows[count++] = study->rows[i];
    }
    *out = (struct held_out){
        .sample = sample, .others = {rows, count}, .probabilities = ARENA_ARRAY(arena, double, sample.count + 1)};
    struct booster *booster = NULL;
    enum status status = study_choose(&out->chosen, study, out->others, arena, scope);
    if (status == STATUS_OK)
        status = study_fit(&booster, study, out->others, out->chosen.parameters, study->seed, arena, scope);
    if (status == STATUS_OK)
        status = booster_margins(out->probabilities, booster, study->matrix, sample, scope);
    if (booster)
        booster_close(booster);
    for (size_t i = 0; i < sample.count && status == STATUS_OK; i++)
        out->probabilities[i] = platt_apply(out->chosen.platt, out->probabilities[i]);
    return status;
}
