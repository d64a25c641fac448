#include "card.h"
#include "tripod.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CARD_BYTES_MAX = 4 << 20, BOOTSTRAPS = 500, SUBGROUP_LEAST = 200, SITES_MAX = 64, DECIMALS = 4 };
#define SUBGROUP_LOW 0.90
#define TENTH 0.10
#define SUBGROUP_HIGH 1.10

static void member_number(struct json_writer *w, const char *name, double value) {
    if (isfinite(value)) {
        json_member_decimal(w, name, value, DECIMALS);
        return;
    }
    json_name(w, name);
    json_null(w);
}

static void member_interval(struct json_writer *w, const char *name, const double interval[static 2]) {
    json_name(w, name);
    json_array_open(w);
    for (int i = 0; i < 2; i++) {
        if (isfinite(interval[i]))
            json_decimal(w, interval[i], DECIMALS);
        else
            json_null(w);
    }
    json_array_close(w);
}

/* ---- one output ------------------------------------------------------------------------------------------------------- */

/* Labels and the first repeat's probabilities by place. */
static struct predictions predictions_of(const struct card_output *output, int repeat, struct arena *arena) {
    const struct study *study = output->study;
    int8_t *labels = ARENA_ARRAY(arena, int8_t, study->count + 1);
    for (size_t i = 0; i < study->count; i++)
        labels[i] = study->labels[study->rows[i]];
    return (struct predictions){study->count, labels, output->unseen->probabilities + (size_t)repeat * study->count};
}

static void write_performance(struct json_writer *w, struct predictions p, struct arena *arena) {
    struct performance performance = performance_of(p, arena);
    json_member_int(w, "count", (int64_t)performance.count);
    json_member_int(w, "events", (int64_t)performance.events);
    member_number(w, "auroc", performance.auroc);
    member_number(w, "brier", performance.brier);
    member_number(w, "ece", performance.ece);
    member_number(w, "slope", performance.slope);
    member_number(w, "intercept", performance.intercept);
    member_number(w, "observed_expected", performance.observed_expected);
}

/* Visits are drawn anew with replacement; the model is not trained anew: the interval is that of the sample, not of training. */
static void write_intervals(struct json_writer *w, struct predictions p, uint64_t seed, struct arena *arena) {
    double *aurocs = ARENA_ARRAY(arena, double, BOOTSTRAPS), *briers = ARENA_ARRAY(arena, double, BOOTSTRAPS),
           *eces = ARENA_ARRAY(arena, double, BOOTSTRAPS), *ratios = ARENA_ARRAY(arena, double, BOOTSTRAPS),
           *drawn = ARENA_ARRAY(arena, double, p.count + 1), interval[2];
    int8_t *labels = ARENA_ARRAY(arena, int8_t, p.count + 1);
    struct arena *scratch = arena_open((size_t)1 << 30);
    for (int b = 0; b < BOOTSTRAPS && scratch; b++) {
        double observed = 0, expected = 0;
        for (size_t i = 0; i < p.count; i++) {
            size_t at = random_below(&seed, p.count);
            drawn[i] = p.probabilities[at];
            labels[i] = p.labels[at];
            observed += labels[i];
            expected += drawn[i];
        }
        struct predictions sample = {p.count, labels, drawn};
        ratios[b] = expected > 0 ? observed / expected : (double)NAN;
        aurocs[b] = metric_auroc(sample, scratch);
        briers[b] = metric_brier(sample);
        eces[b] = metric_ece(sample, scratch);
        arena_reset(scratch);
    }
    arena_close(scratch);
    interval_of(interval, aurocs, BOOTSTRAPS);
    member_interval(w, "auroc_interval", interval);
    interval_of(interval, briers, BOOTSTRAPS);
    member_interval(w, "brier_interval", interval);
    interval_of(interval, eces, BOOTSTRAPS);
    member_interval(w, "ece_interval", interval);
    interval_of(interval, ratios, BOOTSTRAPS);
    member_interval(w, "observed_expected_interval", interval);
}

static void write_repeats(struct json_writer *w, const struct card_output *output, struct arena *arena) {
    double sum = 0, least = HUGE_VAL, most = -HUGE_VAL, caught = 0;
    for (int repeat = 0; repeat < output->unseen->repeats; repeat++) {
        caught += (double)metric_caught(predictions_of(output, repeat, arena), 0.10, arena);
        double auroc = metric_auroc(predictions_of(output, repeat, arena), arena);
        sum += auroc;
        least = fmin(least, auroc);
        most = fmax(most, auroc);
    }
    json_name(w, "repeats");
    json_object_open(w);
    json_member_int(w, "count", output->unseen->repeats);
    member_number(w, "auroc_mean", sum / output->unseen->repeats);
    member_number(w, "auroc_least", least);
    member_number(w, "auroc_most", most);
    member_number(w, "caught_in_top_tenth_mean", caught / output->unseen->repeats);
    json_object_close(w);
}

static void write_operating(struct json_writer *w, struct predictions p, struct arena *arena) {
    static const double sensitivities[] = {0.80, 0.90, 0.95}, thresholds[] = {0.02, 0.05, 0.10, 0.20, 0.30, 0.50},
                        shares[] = {0.05, 0.10, 0.20};
    double sensitivity = 0, specificity = 0, flagged = 0, prevalence = 0;
    for (size_t i = 0; i < p.count; i++)
        prevalence += p.labels[i] / (double)p.count;
    json_name(w, "at_sensitivity");
    json_array_open(w);
    for (size_t i = 0; i < sizeof sensitivities / sizeof sensitivities[0]; i++) {
        double threshold = metric_threshold(p, sensitivities[i], arena);
        metric_split(&sensitivity, &specificity, &flagged, p, threshold);
        json_object_open(w);
        member_number(w, "threshold", threshold);
        member_number(w, "sensitivity", sensitivity);
        member_number(w, "specificity", specificity);
        member_number(w, "flags_per_100", flagged * 100);
        json_object_close(w);
    }
    json_array_close(w);
    json_name(w, "decision_curve"); /* against treating all and none (none: 0) */
    json_array_open(w);
    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        double t = thresholds[i];
        metric_split(&sensitivity, &specificity, &flagged, p, t);
        json_object_open(w);
        member_number(w, "threshold", t);
        member_number(w, "net_benefit", metric_net_benefit(p, t));
        member_number(w, "net_benefit_all", prevalence - (1 - prevalence) * t / (1 - t));
        member_number(w, "flags_per_100", flagged * 100);
        json_object_close(w);
    }
    json_array_close(w);
    json_name(w, "reviewed");
    json_array_open(w);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        json_object_open(w);
        member_number(w, "share", shares[i]);
        json_member_int(w, "caught", (int64_t)metric_caught(p, shares[i], arena));
        json_object_close(w);
    }
    json_array_close(w);
}

/* ---- subgroups and sites ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum visit_field field;
    double from, below;
} subgroups[] = {
    {"female", VISIT_MALE, 0, 1},
    {"male", VISIT_MALE, 1, 2},
    {"age 16-39", VISIT_AGE, 16, 40},
    {"age 40-64", VISIT_AGE, 40, 65},
    {"age 65-79", VISIT_AGE, 65, 80},
    {"age 80 and over", VISIT_AGE, 80, 200},
    {"injury", VISIT_INJURY, 1, 2},
    {"by ambulance", VISIT_AMBULANCE, 1, 2},
};

/* The places for which `site` is the hospital, or the field lies in the range. */
static struct predictions predictions_part(const struct card_output *output, struct predictions p,
    const struct text *site, size_t subgroup, struct arena *arena) {
    const struct study *study = output->study;
    int8_t *labels = ARENA_ARRAY(arena, int8_t, p.count + 1);
    double *probabilities = ARENA_ARRAY(arena, double, p.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < p.count; i++) {
        size_t row = study->rows[i];
        double value = study->visits->at[row].fields[subgroups[subgroup].field];
        bool inside = site ? text_equal(study->visits->sites[row], *site)
                           : value >= subgroups[subgroup].from && value < subgroups[subgroup].below;
        if (!inside)
            continue;
        labels[count] = p.labels[i];
        probabilities[count++] = p.probabilities[i];
    }
    return (struct predictions){count, labels, probabilities};
}

/* Observed over expected outside .90 to 1.10, of 200 visits or more. */
static void write_failing(struct json_writer *w, struct predictions p, struct arena *arena) {
    double ratio = performance_of(p, arena).observed_expected;
    json_member_bool(w, "failing", p.count >= SUBGROUP_LEAST && !(ratio >= SUBGROUP_LOW && ratio <= SUBGROUP_HIGH));
}

static void write_subgroups(
    struct json_writer *w, const struct card_output *output, struct predictions p, struct arena *arena) {
    json_name(w, "subgroups");
    json_array_open(w);
    for (size_t i = 0; i < sizeof subgroups / sizeof subgroups[0]; i++) {
        struct predictions part = predictions_part(output, p, NULL, i, arena);
        if (part.count < SUBGROUP_LEAST)
            continue;
        json_object_open(w);
        json_member_string(w, "name", subgroups[i].name);
        write_performance(w, part, arena);
        write_intervals(w, part, output->study->seed + 31 + i, arena);
        write_failing(w, part, arena);
        json_object_close(w);
    }
    json_array_close(w);
}

static int text_order(const void *a, const void *b) {
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static size_t sites_of(struct text *out, const struct study *study) {
    size_t count = 0;
    for (size_t i = 0; i < study->count; i++) {
        struct text site = study->visits->sites[study->rows[i]];
        bool known = site.size == 0;
        for (size_t k = 0; k < count && !known; k++)
            known = text_equal(out[k], site);
        if (!known && count < SITES_MAX)
            out[count++] = site;
    }
    qsort(out, count, sizeof *out, text_order);
    return count;
}

/* Each fifth of the site's visits is judged by slope and intercept that were fitted to the other four. */
static void write_recalibrated(struct json_writer *w, struct predictions p, struct arena *arena) {
    enum { PARTS = 5 };
    int8_t *labels = ARENA_ARRAY(arena, int8_t, p.count + 1);
    double *fit = ARENA_ARRAY(arena, double, p.count + 1), *judged = ARENA_ARRAY(arena, double, p.count + 1);
    bool can = true;
    for (size_t part = 0; part < PARTS; part++) {
        struct platt platt = {1, 0};
        size_t fitted = 0;
        for (size_t i = 0; i < p.count; i++) {
            if (i % PARTS == part)
                continue;
            labels[fitted] = p.labels[i];
            fit[fitted++] = p.probabilities[i];
        }
        can = metric_platt(&platt.slope, &platt.intercept, (struct predictions){fitted, labels, fit}) && can;
        for (size_t i = part; i < p.count; i += PARTS) {
            double bounded = fmin(fmax(p.probabilities[i], 1e-6), 1 - 1e-6);
            judged[i] = platt_apply(platt, log(bounded / (1 - bounded)));
        }
    }
    json_name(w, "recalibrated");
    json_object_open(w);
    json_member_bool(w, "fitted", can);
    write_performance(w, (struct predictions){p.count, p.labels, judged}, arena);
    json_object_close(w);
}

static struct predictions predictions_held(
    const struct study *study, const struct held_out *held, struct arena *arena) {
    int8_t *labels = ARENA_ARRAY(arena, int8_t, held->sample.count + 1);
    for (size_t i = 0; i < held->sample.count; i++)
        labels[i] = study->labels[held->sample.rows[i]];
    return (struct predictions){held->sample.count, labels, held->probabilities};
}

/* The threshold that gives a sensitivity of .90 on the training rows, on the others. */
static void write_threshold(
    struct json_writer *w, struct predictions others, struct predictions p, struct arena *arena) {
    double threshold = metric_threshold(others, 0.90, arena), sensitivity = 0, specificity = 0, flagged = 0;
    metric_split(&sensitivity, &specificity, &flagged, p, threshold);
    json_name(w, "at_threshold_of_training");
    json_object_open(w);
    member_number(w, "threshold", threshold);
    member_number(w, "sensitivity", sensitivity);
    member_number(w, "specificity", specificity);
    member_number(w, "flags_per_100", flagged * 100);
    json_object_close(w);
}

/* For the second computation of the card's numbers: a repeat by the name of what was held out. */
static void held_keep(
    const struct card_output *output, const char *name, const struct held_out *held, struct arena *arena) {
    if (!output->kept || output->kept->count == CARD_KEPT_MAX)
        return;
    output->kept->names[output->kept->count] = text_string(arena, text_from(name));
    output->kept->at[output->kept->count++] = *held;
}

static enum status write_held_out(struct json_writer *w, const struct card_output *output, const char *name,
    struct sample sample, struct arena *arena, struct scope *scope) {
    struct held_out held;
    size_t events = 0;
    for (size_t i = 0; i < sample.count; i++)
        events += output->study->labels[sample.rows[i]] == 1;
    if (sample.count < SUBGROUP_LEAST || events < 10 || output->study->count - sample.count < SUBGROUP_LEAST)
        return STATUS_OK;
    enum status status = study_hold_out(&held, output->study, sample, arena, scope);
    if (status != STATUS_OK)
        return status;
    struct predictions p = predictions_held(output->study, &held, arena);
    struct predictions others = {held.others.count, NULL, held.chosen.probability};
    int8_t *labels = ARENA_ARRAY(arena, int8_t, held.others.count + 1);
    for (size_t i = 0; i < held.others.count; i++)
        labels[i] = output->study->labels[held.others.rows[i]];
    others.labels = labels;
    held_keep(output, name, &held, arena);
    json_object_open(w);
    json_member_string(w, "name", name);
    write_performance(w, p, arena);
    write_intervals(w, p, output->study->seed + 17, arena);
    write_failing(w, p, arena);
    if (!output->study->fixed)
        write_threshold(w, others, p, arena);
    write_operating(w, p, arena);
    write_recalibrated(w, p, arena);
    json_object_close(w);
    return STATUS_OK;
}

static enum status write_sites(struct json_writer *w, const struct card_output *output, struct predictions p,
    struct arena *arena, struct scope *scope) {
    const struct study *study = output->study;
    struct text sites[SITES_MAX];
    size_t count = sites_of(sites, study);
    json_name(w, "sites");
    json_array_open(w);
    for (size_t s = 0; s < count; s++) {
        struct predictions part = predictions_part(output, p, &sites[s], 0, arena);
        json_object_open(w);
        json_member_text(w, "name", sites[s]);
        write_performance(w, part, arena);
        write_intervals(w, part, study->seed + 53 + s, arena);
        write_failing(w, part, arena);
        json_object_close(w);
    }
    json_array_close(w);
    json_name(w, "held_out_sites");
    json_array_open(w);
    enum status status = STATUS_OK;
    for (size_t s = 0; s < count && count > 1 && status == STATUS_OK; s++) {
        size_t *rows = ARENA_ARRAY(arena, size_t, study->count + 1), held = 0;
        for (size_t i = 0; i < study->count; i++) {
            if (text_equal(study->visits->sites[study->rows[i]], sites[s]))
                rows[held++] = study->rows[i];
        }
        status = write_held_out(w, output, text_string(arena, sites[s]), (struct sample){rows, held}, arena, scope);
    }
    json_array_close(w);
    return status;
}

/* The plan's "later": the periods that are predicted from all others. */
static enum status write_later(struct json_writer *w, const struct card_output *output, const yyjson_val *model,
    struct arena *arena, struct scope *scope) {
    const struct study *study = output->study;
    struct text later = json_get_text(model, "later");
    size_t *rows = ARENA_ARRAY(arena, size_t, study->count + 1), held = 0;
    for (size_t i = 0; i < study->count && later.size; i++) {
        if (text_equal(study->visits->periods[study->rows[i]], later))
            rows[held++] = study->rows[i];
    }
    json_name(w, "later_period");
    json_array_open(w);
    enum status status = STATUS_OK;
    if (held)
        status = write_held_out(w, output, text_string(arena, later), (struct sample){rows, held}, arena, scope);
    json_array_close(w);
    return status;
}

static enum status write_output(
    struct json_writer *w, const struct card *card, size_t index, struct arena *arena, struct scope *scope) {
    const struct card_output *output = &card->outputs[index];
    struct predictions p = predictions_of(output, 0, arena);
    json_object_open(w);
    json_member_string(w, "name", output->name);
    json_member_text(w, "means", json_get_text(output->study->plan, "means"));
    json_name(w, "label");
    json_value(w, json_get(output->study->plan, "label"));
    json_name(w, "settings");
    json_value(w, yyjson_arr_get(json_get(output->study->plan, "grid"), output->chosen->parameters));
    json_name(w, "performance");
    json_object_open(w);
    write_performance(w, p, arena);
    write_intervals(w, p, output->study->seed, arena);
    json_object_close(w);
    write_repeats(w, output, arena);
    if (output->unseen->uncalibrated) {
        struct predictions before = {p.count, p.labels, output->unseen->uncalibrated};
        json_name(w, "before_site_calibration");
        json_object_open(w);
        write_performance(w, before, arena);
        json_object_close(w);
    }
    write_operating(w, p, arena);
    write_subgroups(w, output, p, arena);
    enum status status = write_sites(w, output, p, arena, scope);
    if (status == STATUS_OK)
        status = write_later(w, output, card->model, arena, scope);
    json_object_close(w);
    return status;
}

/* ---- levels ----------------------------------------------------------------------------------------------------------- */

static void write_level_outcome(struct json_writer *w, const char *name, struct level_outcome outcome) {
    json_name(w, name);
    json_object_open(w);
    json_member_int(w, "count", (int64_t)outcome.count);
    member_number(w, "accuracy", outcome.accuracy);
    member_number(w, "under_triage", outcome.under);
    member_number(w, "over_triage", outcome.over);
    member_number(w, "kappa", outcome.kappa);
    json_member_int(w, "urgent_missed", (int64_t)outcome.urgent_missed);
    json_object_close(w);
}

struct level_rows {
    int *human, *floor, *final, *expert;
    size_t count;
};

static struct level_rows level_rows_of(const struct card *card, int repeat, struct arena *arena) {
    const struct study *study = card->outputs[0].study;
    size_t count = study->count;
    struct level_rows out = {ARENA_ARRAY(arena, int, count + 1), ARENA_ARRAY(arena, int, count + 1),
        ARENA_ARRAY(arena, int, count + 1), ARENA_ARRAY(arena, int, count + 1), count};
    for (size_t i = 0; i < count; i++) {
        size_t row = study->rows[i];
        int floor = card->levels->floor[row];
        out.human[i] = card->levels->human[row];
        out.floor[i] = floor && floor < out.human[i] ? floor : out.human[i];
        out.final[i] = card->final[(size_t)repeat * count + i];
        out.expert[i] = card->levels->expert[row];
    }
    return out;
}

/* The difference of under-triage to the human's, visit by visit, under resampling of visits. */
static void paired_interval(double out[static 2], struct level_rows rows, uint64_t seed, struct arena *arena) {
    double *differences = ARENA_ARRAY(arena, double, BOOTSTRAPS);
    for (int b = 0; b < BOOTSTRAPS; b++) {
        double sum = 0;
        for (size_t i = 0; i < rows.count; i++) {
            size_t at = random_below(&seed, rows.count);
            sum += (rows.final[at] > rows.expert[at]) - (rows.human[at] > rows.expert[at]);
        }
        differences[b] = sum / (double)rows.count;
    }
    interval_of(out, differences, BOOTSTRAPS);
}

static struct predictions repeat_of(
    const struct card *card, const double *probabilities, int repeat, struct arena *arena) {
    const struct study *study = card->outputs[0].study;
    int8_t *labels = ARENA_ARRAY(arena, int8_t, study->count + 1);
    for (size_t i = 0; i < study->count; i++)
        labels[i] = study->labels[study->rows[i]];
    return (struct predictions){study->count, labels, probabilities + (size_t)repeat * study->count};
}

/* How many more events the highest tenth holds than by the model alone, under resampling of the first repeat's visits. */
static void review_interval(
    double out[static 2], struct predictions alone, struct predictions both, uint64_t seed, struct arena *arena) {
    double *differences = ARENA_ARRAY(arena, double, BOOTSTRAPS), *one = ARENA_ARRAY(arena, double, alone.count + 1),
           *other = ARENA_ARRAY(arena, double, alone.count + 1);
    int8_t *labels = ARENA_ARRAY(arena, int8_t, alone.count + 1);
    for (int b = 0; b < BOOTSTRAPS; b++) {
        for (size_t i = 0; i < alone.count; i++) {
            size_t at = random_below(&seed, alone.count);
            labels[i] = alone.labels[at];
            one[i] = alone.probabilities[at];
            other[i] = both.probabilities[at];
        }
        struct predictions p = {alone.count, labels, one}, q = {alone.count, labels, other};
        differences[b] = (double)metric_caught(q, TENTH, arena) - (double)metric_caught(p, TENTH, arena);
    }
    interval_of(out, differences, BOOTSTRAPS);
}

static void write_review(struct json_writer *w, const struct card *card, struct arena *arena) {
    const struct card_output *first = &card->outputs[0];
    int repeats = first->unseen->repeats;
    double caught = 0, alone = 0, interval[2];
    for (int repeat = 0; repeat < repeats; repeat++) {
        caught += (double)metric_caught(repeat_of(card, card->reviewed, repeat, arena), TENTH, arena) / repeats;
        alone +=
            (double)metric_caught(repeat_of(card, first->unseen->probabilities, repeat, arena), TENTH, arena) / repeats;
    }
    review_interval(interval, repeat_of(card, first->unseen->probabilities, 0, arena),
        repeat_of(card, card->reviewed, 0, arena), first->study->seed + 6, arena);
    json_name(w, "reviewed");
    json_object_open(w);
    member_number(w, "share", TENTH);
    member_number(w, "caught_mean", caught);
    member_number(w, "caught_by_the_model_alone_mean", alone);
    member_interval(w, "difference_interval", interval);
    member_number(w, "rules_right", escalation_rules_right(first->study, card->levels, NULL, 0));
    json_object_close(w);
}

static void write_levels(struct json_writer *w, const struct card *card, struct arena *arena) {
    struct level_rows rows = level_rows_of(card, 0, arena);
    int repeats = card->outputs[0].unseen->repeats;
    struct level_outcome mean = {.count = rows.count};
    double interval[2], missed = 0;
    for (int repeat = 0; repeat < repeats; repeat++) {
        struct level_rows other = level_rows_of(card, repeat, arena);
        struct level_outcome outcome = level_outcome_of(other.final, other.expert, other.count);
        mean.accuracy += outcome.accuracy / repeats;
        mean.under += outcome.under / repeats;
        mean.over += outcome.over / repeats;
        mean.kappa += outcome.kappa / repeats;
        missed += (double)outcome.urgent_missed / repeats;
    }
    mean.urgent_missed = (size_t)(missed + 0.5);
    json_name(w, "levels");
    json_object_open(w);
    write_level_outcome(w, "human", level_outcome_of(rows.human, rows.expert, rows.count));
    write_level_outcome(w, "human_and_floor", level_outcome_of(rows.floor, rows.expert, rows.count));
    write_level_outcome(w, "final", level_outcome_of(rows.final, rows.expert, rows.count));
    write_level_outcome(w, "final_mean_of_repeats", mean);
    paired_interval(interval, rows, card->outputs[0].study->seed + 5, arena);
    member_interval(w, "under_triage_difference_interval", interval);
    member_number(w, "over_triage_above_human", mean.over - level_outcome_of(rows.human, rows.expert, rows.count).over);
    member_number(w, "urgent_missed_mean_of_repeats", missed);
    write_review(w, card, arena);
    json_name(w, "thresholds");
    json_array_open(w);
    for (size_t i = 0; i < card->escalation->count; i++) {
        const struct escalation_rule *rule = &card->escalation->rules[i];
        json_object_open(w);
        json_member_int(w, "human_level", rule->human);
        json_member_int(w, "level", rule->level);
        json_member_string(w, "output", card->outputs[rule->output].name);
        member_number(w, "gain", rule->gain);
        member_number(w, "harm", rule->harm);
        member_number(w, "probability", rule->probability);
        json_object_close(w);
    }
    json_array_close(w);
    json_object_close(w);
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */

static void write_head(struct json_writer *w, const struct card *card, struct arena *arena) {
    const yyjson_val *set = card->visits->plan;
    (void)arena;
    json_member_string(w, "format", "soyang-model-card/1");
    json_member_text(w, "name", json_get_text(card->model, "name"));
    json_member_text(w, "version", json_get_text(card->plan, "version"));
    json_member_string(w, "model_sha256", card->digest);
    json_member_int(w, "model_bytes", (int64_t)card->model_bytes);
    json_member_text(w, "intended_use", json_get_text(card->model, "intended_use"));
    json_member_text(w, "not_for", json_get_text(card->model, "not_for"));
    if (json_get(card->model, "limits"))
        json_member_text(w, "limits", json_get_text(card->model, "limits"));
    json_name(w, "data");
    json_object_open(w);
    if (json_get(set, "rule"))
        json_member_text(w, "rule", json_get_text(set, "rule"));
    json_member_text(w, "set", json_get_text(set, "name"));
    json_member_text(w, "citation", json_get_text(set, "citation"));
    json_member_int(w, "visits", (int64_t)card->visits->count);
    json_member_int(w, "left_out_under_age", (int64_t)card->visits->left_out);
    json_object_close(w);
    json_name(w, "features");
    json_array_open(w);
    for (size_t i = 0; i < card->inputs->count; i++)
        json_string_text(w, card->inputs->names[i]);
    json_array_close(w);
    json_member_string(
        w, "intervals", "95 %, bootstrap over visits (500 draws) of predictions of unseen visits; not over training");
}

static void write_goals(struct json_writer *w, const yyjson_val *model, yyjson_doc *numbers) {
    size_t i, count;
    yyjson_val *goal;
    json_name(w, "goals");
    json_array_open(w);
    yyjson_arr_foreach(json_get(model, "goals"), i, count, goal) {
        const char *pointer = json_get_text(goal, "number").at;
        yyjson_val *number = pointer ? yyjson_doc_ptr_get(numbers, pointer) : NULL;
        double value = 0, bound = 0;
        bool known = number && text_to_double(&value, json_number_text(number));
        bool met = known && ((json_get_double(&bound, goal, "at_least") && value >= bound) ||
                                (json_get_double(&bound, goal, "at_most") && value <= bound));
        json_object_open(w);
        json_member_text(w, "what", json_get_text(goal, "what"));
        json_member_string(w, "number", pointer);
        json_name(w, json_get(goal, "at_least") ? "at_least" : "at_most");
        json_value(w, json_get(goal, "at_least") ? json_get(goal, "at_least") : json_get(goal, "at_most"));
        member_number(w, "reached", known ? value : (double)NAN);
        json_member_bool(w, "met", met);
        json_object_close(w);
    }
    json_array_close(w);
}

static enum status card_numbers(struct text *out, const struct card *card, struct arena *arena, struct scope *scope) {
    struct json_writer w = json_writer_open(arena, CARD_BYTES_MAX);
    json_object_open(&w);
    write_head(&w, card, arena);
    json_name(&w, "outputs");
    json_array_open(&w);
    for (size_t i = 0; i < card->output_count; i++) {
        enum status status = write_output(&w, card, i, arena, scope);
        if (status != STATUS_OK)
            return status;
    }
    json_array_close(&w);
    if (card->levels)
        write_levels(&w, card, arena);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

enum status card_write(struct text *json, const struct card *card, struct arena *arena, struct scope *scope) {
    struct text numbers;
    yyjson_doc *doc = NULL;
    enum status status = card_numbers(&numbers, card, arena, scope);
    if (status == STATUS_OK)
        status = json_read(&doc, numbers, scope);
    if (status != STATUS_OK)
        return status;
    struct json_writer w = json_writer_open(arena, CARD_BYTES_MAX);
    size_t i, count;
    yyjson_val *name, *value;
    json_object_open(&w);
    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, count, name, value) {
        json_name(&w, yyjson_get_str(name));
        json_value(&w, value);
    }
    write_goals(&w, card->model, doc);
    json_name(&w, "tripod_ai");
    status = tripod_write(&w, card, doc, arena, scope);
    if (status != STATUS_OK)
        return status;
    json_object_close(&w);
    return json_finish(json, &w, scope);
}
