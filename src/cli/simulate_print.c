/* What `soyang simulate` prints: validation first, then the policies, with the misfit beside each. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/simulate.h"

enum { JSON_MAX = 16 << 20, NOTE_SIZE = 128 };
#define NOTHING "–" /* where there is no number */

static const struct column {
    enum planning_measure measure;
    const char *json, *head;
    int decimals;
} columns[] = {
    {PLANNING_ACCEPT_MEDIAN, "accept_median_min", "accept med", 1},
    {PLANNING_ACCEPT_P95, "accept_p95_min", "p95 min", 1},
    {PLANNING_ASKED, "asked_per_patient", "asked", 2},
    {PLANNING_FIRST_WRONG, "first_place_wrong_severe", "1st wrong %", 2},
    {PLANNING_LOCAL_MILD, "kept_local_mild", "local %", 1},
    {PLANNING_MINUTES_SEVERE, "minutes_to_definitive_severe", "min severe", 1},
    {PLANNING_OVERLOAD, "overload_hours_tertiary", "overload h", 0},
    {PLANNING_PLACED, "placed_percent", "placed %", 2},
    {PLANNING_PLACED_SEVERE, "placed_severe_percent", "sev. pl. %", 2},
    {PLANNING_RETRANSFER, "retransfer_percent", "re-tr. %", 2},
    {PLANNING_ASKED_SEVERE, "asked_per_severe", "asked sev.", 2},
    {PLANNING_UNSAFE, "unsafe_bypass_percent", "unsafe %", 2},
    {PLANNING_ECE, "acceptance_ece_percent", "ECE %", 2},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* "[4.30, 4.40]"; of one run, or of fewer than two batches, "[–]". `sign`: "+" or none. */
static const char *interval_of(char out[NOTE_SIZE], const struct planning_estimate *e, const char *sign, int decimals) {
    static const char *const plain = "[%.*f, %.*f]", *const signs = "[%+.*f, %+.*f]";
    if (!isfinite(e->low) || !isfinite(e->high)) {
        (void)snprintf(out, NOTE_SIZE, "[" NOTHING "]");
    } else {
        (void)snprintf(out, NOTE_SIZE, sign[0] != '\0' ? signs : plain, decimals, e->low, decimals, e->high);
    }
    return out;
}
static const char *interval_text(char out[NOTE_SIZE], const struct planning_estimate *e, const char *sign) {
    return interval_of(out, e, sign, 1);
}

static const char *estimate_text(char out[NOTE_SIZE], const struct planning_estimate *e, int decimals) {
    char interval[NOTE_SIZE];
    (void)interval_of(interval, e, "", decimals);
    if (!isfinite(e->value)) {
        (void)snprintf(out, NOTE_SIZE, NOTHING);
    } else {
        (void)snprintf(out, NOTE_SIZE, "%.*f %.80s", decimals, e->value, interval);
    }
    return out;
}

static const char *number_text(char out[NOTE_SIZE], int decimals, double value) {
    (void)snprintf(out, NOTE_SIZE, isfinite(value) ? "%.*f" : NOTHING, decimals, value);
    return out;
}

/* Right-aligned in so many columns: a dash is one column and three bytes. */
static int columns_of(int width, const char *text) {
    return strstr(text, NOTHING) != NULL ? width + (int)strlen(NOTHING) - 1 : width;
}

/* The largest held-out misfit, in tolerances: printed beside every result. */
static double worst_misfit(const struct planning_validation *validation, bool held_out) {
    double worst = 0;
    for (size_t i = 0; i < validation->count; i++) {
        const struct planning_figure *f = &validation->figures[i];
        double misfit = fabs(f->predicted - f->published) / f->tolerance;
        if (f->judged && f->held_out == held_out && !(misfit <= worst)) {
            worst = misfit;
        }
    }
    return worst;
}

static const char *line_mark(const struct simulate_result *result) {
    return result->validation.holds ? "" : "MISFIT ";
}

static const char *figure_kind(const struct planning_figure *f) {
    return !isfinite(f->published) ? "kept back"
           : f->fitted             ? "fitted"
           : !f->judged            ? "shown"
           : f->held_out           ? "held out"
                                   : "judged";
}

static const char *figure_verdict(const struct planning_figure *f) {
    return !isfinite(f->published) ? "" : f->holds ? "holds" : f->judged ? "FAILS" : "misses";
}

void simulate_print_validation(const struct simulate_result *result) {
    const struct planning_validation *v = &result->validation;
    if (v->runs == 1) {
        printf("%sValidation: today's practice simulated, January to August of each year, one run (seed 1): no "
               "intervals\n",
            line_mark(result));
    } else {
        printf("%sValidation: today's practice simulated, January to August of each year, mean of %d runs (seeds 1 to "
               "%d)\n",
            line_mark(result), v->runs, v->runs);
    }
    printf("%s%-19s %26s %9s %9s %9s  %-9s %-7s %s\n", line_mark(result), "figure", "predicted", "published", "misfit",
        "tolerance", "", "", "what");
    for (size_t i = 0; i < v->count; i++) {
        const struct planning_figure *f = &v->figures[i];
        char predicted[NOTE_SIZE];
        struct planning_estimate estimate = {f->predicted, f->predicted_low, f->predicted_high};
        (void)estimate_text(predicted, &estimate, 2);
        int width = columns_of(26, predicted);
        if (isfinite(f->published)) {
            printf("%s%-19s %*s %9.2f %+9.2f %9.2f  %-9s %-7s %s\n", line_mark(result), f->id, width, predicted,
                f->published, f->predicted - f->published, f->tolerance, figure_kind(f), figure_verdict(f), f->figure);
        } else {
            printf("%s%-19s %*s %9s %9s %9.2f  %-9s %-7s %s\n", line_mark(result), f->id, width, predicted, "-", "-",
                f->tolerance, figure_kind(f), figure_verdict(f), f->figure);
        }
    }
    printf("%sobjective of fitting %.4f; parameters %s%s\n\n", line_mark(result), v->objective,
        planning_parameters_hash(result->parameters), result->frozen ? ", frozen" : ", NOT FROZEN");
    (void)fflush(stdout);
}

void simulate_gap_find(struct simulate_gap *out, const struct simulate_cell *cell, const bool *chosen) {
    double best = INFINITY;
    *out = (struct simulate_gap){0};
    for (int i = 0; i <= PLANNING_NATIONAL; i++) {
        double value = cell->outcomes[i].measures[PLANNING_MINUTES_SEVERE].value;
        if (chosen[i] && value < best) {
            best = value;
            out->best = (enum planning_policy)i;
            out->known = true;
        }
    }
    out->known = out->known && chosen[PLANNING_SOYANG] && cell->bounded;
    if (!out->known) {
        return;
    }
    const struct planning_outcome *soyang = &cell->outcomes[PLANNING_SOYANG], *base = &cell->outcomes[out->best];
    double gap = best - cell->bound.dual_mean, won = best - soyang->measures[PLANNING_MINUTES_SEVERE].value;
    double half = planning_half_width(base->batch_minutes, soyang->batch_minutes, soyang->batch_count);
    out->closed = (struct planning_estimate){100 * won / gap, 100 * (won - half) / gap, 100 * (won + half) / gap};
    out->minutes = (struct planning_estimate){-won, -won - half, -won + half};
    out->judged = isfinite(half);
    out->lost = out->judged && out->minutes.low > 0;
}

/* As the gap, of a policy with or without the second reader. */
static double also_closed(const struct simulate_cell *cell, const struct simulate_gap *gap, int i) {
    double best = cell->outcomes[gap->best].measures[PLANNING_MINUTES_SEVERE].value;
    double won = best - cell->also[i].measures[PLANNING_MINUTES_SEVERE].value;
    return gap->known ? 100 * won / (best - cell->bound.dual_mean) : NAN;
}

static void print_also(
    const struct simulate_result *result, const struct simulate_cell *cell, const struct simulate_gap *gap) {
    for (int i = 0; i < SIMULATE_ALSO && cell->with_also; i++) {
        const struct planning_estimate *of = cell->also[i].measures;
        char minutes[NOTE_SIZE], wrong[NOTE_SIZE], closed[NOTE_SIZE];
        printf("%sreading      %-55s %6s minutes, first place wrong %5s %%, gap closed %6s %%\n", line_mark(result),
            simulate_also[i].says, number_text(minutes, 1, of[PLANNING_MINUTES_SEVERE].value),
            number_text(wrong, 1, of[PLANNING_FIRST_WRONG].value), number_text(closed, 1, also_closed(cell, gap, i)));
    }
}

static void print_cell(const struct simulate_result *result, const struct simulate_cell *cell) {
    const char *mark = line_mark(result);
    printf("%s%s: %s\n%s%-12s %8s", mark, cell->name, cell->says, mark, "policy", "patients");
    for (int c = 0; c < COLUMNS; c++) {
        printf(" %22s", columns[c].head);
    }
    printf(" %7s\n", "misfit");
    for (int i = 0; i < PLANNING_POLICIES; i++) {
        const struct planning_outcome *outcome = &cell->outcomes[i];
        if (!result->chosen[i]) {
            continue;
        }
        printf("%s%-12s %8zu", mark, planning_policy_name((enum planning_policy)i), outcome->patients);
        for (int c = 0; c < COLUMNS; c++) {
            const struct planning_estimate *e = &outcome->measures[columns[c].measure];
            char text[NOTE_SIZE];
            (void)estimate_text(text, e, columns[c].decimals);
            printf(" %*s", columns_of(22, text), text);
        }
        printf(" %7.2f\n", worst_misfit(&result->validation, true));
    }
    if (cell->bounded) {
        printf(
            "%slimit        %8zu severe: at least %.2f minutes to definitive care under any policy (dual; assignment "
            "%.2f; %zu servable nowhere in time)\n",
            mark, cell->bound.patients, cell->bound.dual_mean, cell->bound.primal_mean, cell->bound.unservable);
    }
    struct simulate_gap gap;
    simulate_gap_find(&gap, cell, result->chosen);
    if (gap.known) {
        char interval[NOTE_SIZE];
        printf("%sgap          soyang, with its second reader, closes %.1f %% %s of what lies between %s and the "
               "limit%s\n",
            mark, gap.closed.value, interval_text(interval, &gap.closed, ""), planning_policy_name(gap.best),
            gap.lost                ? ": LOST"
            : !gap.judged           ? ": no interval"
            : gap.closed.value < 0  ? ": behind, by less than chance may be"
            : gap.closed.value < 50 ? ": short of 50 %"
                                    : "");
    }
    print_also(result, cell, &gap);
    printf("\n");
}

static void print_change(const struct simulate_result *result, const struct simulate_cell *cell) {
    struct simulate_gap gap;
    simulate_gap_find(&gap, cell, result->chosen);
    const struct planning_estimate *of = cell->outcomes[PLANNING_SOYANG].measures;
    char minutes[NOTE_SIZE], wrong[NOTE_SIZE], interval[NOTE_SIZE];
    printf("%ssensitivity  %-24s %8s  soyang %6s minutes, first place wrong %5s %%", line_mark(result), cell->name,
        cell->says, number_text(minutes, 1, of[PLANNING_MINUTES_SEVERE].value),
        number_text(wrong, 1, of[PLANNING_FIRST_WRONG].value));
    if (!gap.known) {
        printf("\n");
        return;
    }
    printf(", gap closed %6.1f %%, against %s %+.1f %s minutes%s\n", gap.closed.value, planning_policy_name(gap.best),
        gap.minutes.value, interval_text(interval, &gap.minutes, "+"),
        gap.lost                ? ": LOST"
        : !gap.judged           ? ": no interval"
        : gap.minutes.high >= 0 ? ": spans zero"
                                : "");
}

void simulate_print_table(const struct simulate_result *result) {
    size_t count, assumed = 0;
    for (size_t i = 0; i < result->cells.count; i++) {
        print_cell(result, &result->cells.at[i]);
    }
    for (size_t i = 0; i < result->frontier.count; i++) {
        const struct simulate_cell *cell = &result->frontier.at[i];
        const struct planning_estimate *of = cell->outcomes[PLANNING_SOYANG].measures;
        printf("%sfrontier     %-12s %5.2f asked, %6.1f minutes (severe): %s\n", line_mark(result), cell->name,
            of[PLANNING_ASKED_SEVERE].value, of[PLANNING_MINUTES_SEVERE].value, cell->says);
    }
    for (size_t i = 0; i < result->sensitivity.count; i++) {
        print_change(result, &result->sensitivity.at[i]);
    }
    const struct planning_assumption *list = planning_parameters_list(&count, result->parameters);
    printf("%sassumed (no source):", line_mark(result));
    for (size_t i = 0; i < count; i++) {
        if (list[i].assumed || list[i].changed) {
            printf("%s %s=%g%s", assumed++ > 0 ? "," : "", list[i].name, list[i].value,
                list[i].changed ? " (changed)" : "");
        }
    }
    printf("\n%sparameters %s  region %s  policy %s  seed %llu  year %d  days %d\n", line_mark(result),
        planning_parameters_hash(result->parameters), result->region_hash, result->policy_hash,
        (unsigned long long)result->span.seed, result->span.year, result->span.days);
    printf("%sSynthetic patients. Intervals: 95 %%, batch means; [" NOTHING
           "] where there are fewer than two. Misfit: the "
           "worst held-out figure, in tolerances.\n",
        line_mark(result));
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

static void number(struct json_writer *w, const char *name, double value) {
    if (isfinite(value)) {
        json_member_decimal(w, name, value, 4);
    } else {
        json_name(w, name);
        json_null(w);
    }
}

static void write_outcome(struct json_writer *w, const struct simulate_result *result,
    const struct planning_outcome *outcome, struct arena *arena) {
    json_object_open(w);
    json_member_string(w, "policy", planning_policy_name(outcome->policy));
    if (!result->validation.holds) {
        json_member_bool(w, "MISFIT", true);
    }
    json_member_int(w, "patients", (int64_t)outcome->patients);
    json_member_int(w, "patients_lo", (int64_t)outcome->patients); /* counted: the same for every policy */
    json_member_int(w, "patients_hi", (int64_t)outcome->patients);
    json_member_int(w, "severe", (int64_t)outcome->severe);
    const struct planning_estimate *placed = &outcome->measures[PLANNING_PLACED];
    double each = (double)outcome->patients / 100;
    number(w, "placed", round(placed->value * each));
    number(w, "placed_lo", placed->low * each);
    number(w, "placed_hi", placed->high * each);
    for (int c = 0; c < COLUMNS; c++) {
        const struct planning_estimate *e = &outcome->measures[columns[c].measure];
        number(w, columns[c].json, e->value);
        number(w, text_format(arena, "%s_lo", columns[c].json).at, e->low);
        number(w, text_format(arena, "%s_hi", columns[c].json).at, e->high);
    }
    number(w, "misfit", worst_misfit(&result->validation, true));
    json_member_string(w, "digest", outcome->digest);
    json_object_close(w);
}

static void write_also(struct json_writer *w, const struct simulate_cell *cell, const struct simulate_gap *gap) {
    json_name(w, "reading");
    json_array_open(w);
    for (int i = 0; i < SIMULATE_ALSO; i++) {
        const struct planning_estimate *minutes = &cell->also[i].measures[PLANNING_MINUTES_SEVERE],
                                       *wrong = &cell->also[i].measures[PLANNING_FIRST_WRONG];
        json_object_open(w);
        json_member_string(w, "who", simulate_also[i].says);
        number(w, "minutes_to_definitive_severe", minutes->value);
        number(w, "minutes_to_definitive_severe_lo", minutes->low);
        number(w, "minutes_to_definitive_severe_hi", minutes->high);
        number(w, "first_place_wrong_severe", wrong->value);
        number(w, "first_place_wrong_severe_lo", wrong->low);
        number(w, "first_place_wrong_severe_hi", wrong->high);
        number(w, "closed_percent", also_closed(cell, gap, i));
        json_member_string(w, "digest", cell->also[i].digest);
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_cell(struct json_writer *w, const struct simulate_result *result, const struct simulate_cell *cell,
    struct arena *arena) {
    struct simulate_gap gap;
    json_object_open(w);
    json_member_string(w, "cell", cell->name);
    json_member_string(w, "says", cell->says);
    json_name(w, "policies");
    json_array_open(w);
    for (int i = 0; i < PLANNING_POLICIES; i++) {
        bool run = cell->outcomes[i].digest[0] != '\0'; /* the sensitivity leaves the clairvoyant out */
        if (result->chosen[i] && run) {
            write_outcome(w, result, &cell->outcomes[i], arena);
        }
    }
    json_array_close(w);
    if (cell->bounded) {
        json_name(w, "limit");
        json_object_open(w);
        json_member_int(w, "severe", (int64_t)cell->bound.patients);
        number(w, "dual_min", cell->bound.dual_mean);
        number(w, "primal_min", cell->bound.primal_mean);
        json_member_int(w, "unservable", (int64_t)cell->bound.unservable);
        json_object_close(w);
    }
    simulate_gap_find(&gap, cell, result->chosen);
    if (gap.known) {
        json_name(w, "gap");
        json_object_open(w);
        json_member_string(w, "best_baseline", planning_policy_name(gap.best));
        number(w, "closed_percent", gap.closed.value);
        number(w, "closed_percent_lo", gap.closed.low);
        number(w, "closed_percent_hi", gap.closed.high);
        number(w, "minutes_against_best", gap.minutes.value);
        number(w, "minutes_against_best_lo", gap.minutes.low);
        number(w, "minutes_against_best_hi", gap.minutes.high);
        json_member_bool(w, "behind", gap.closed.value < 0);
        json_member_bool(w, "lost", gap.lost);
        json_object_close(w);
    }
    if (cell->with_also) {
        write_also(w, cell, &gap);
    }
    json_object_close(w);
}

static void write_cells(struct json_writer *w, const char *name, const struct simulate_result *result,
    const struct simulate_cells *cells, struct arena *arena) {
    if (cells->count == 0) {
        return;
    }
    json_name(w, name);
    json_array_open(w);
    for (size_t i = 0; i < cells->count; i++) {
        write_cell(w, result, &cells->at[i], arena);
    }
    json_array_close(w);
}

static void write_validation(struct json_writer *w, const struct planning_validation *validation) {
    json_name(w, "validation");
    json_array_open(w);
    for (size_t i = 0; i < validation->count; i++) {
        const struct planning_figure *f = &validation->figures[i];
        json_object_open(w);
        json_member_string(w, "id", f->id);
        json_member_string(w, "figure", f->figure);
        json_member_int(w, "year", f->year);
        number(w, "predicted", f->predicted);
        number(w, "predicted_lo", f->predicted_low);
        number(w, "predicted_hi", f->predicted_high);
        number(w, "published", f->published);
        number(w, "misfit", f->predicted - f->published);
        number(w, "tolerance", f->tolerance);
        json_member_bool(w, "held_out", f->held_out);
        json_member_bool(w, "judged", f->judged);
        json_member_bool(w, "fitted", f->fitted);
        json_member_bool(w, "kept_back", !isfinite(f->published));
        json_member_bool(w, "holds", f->holds);
        json_member_string(w, "source", f->source);
        json_object_close(w);
    }
    json_array_close(w);
    json_member_bool(w, "validation_holds", validation->holds);
    json_member_int(w, "validation_runs", validation->runs);
    number(w, "fit_objective", validation->objective);
}

static void write_parameters(struct json_writer *w, const struct simulate_result *result) {
    size_t count;
    const struct planning_assumption *list = planning_parameters_list(&count, result->parameters);
    json_name(w, "parameters");
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        json_object_open(w);
        json_member_string(w, "name", list[i].name);
        number(w, "value", list[i].value);
        json_member_string(w, "source", list[i].source);
        json_member_bool(w, "assumed", list[i].assumed);
        json_member_bool(w, "changed", list[i].changed);
        json_object_close(w);
    }
    json_array_close(w);
    json_name(w, "hashes");
    json_object_open(w);
    json_member_string(w, "parameters", planning_parameters_hash(result->parameters));
    json_member_string(w, "region", result->region_hash);
    json_member_string(w, "policy", result->policy_hash);
    json_member_bool(w, "frozen", result->frozen);
    json_object_close(w);
}

enum status simulate_json(struct text *out, const struct simulate_result *result, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, JSON_MAX);
    json_object_open(&w);
    json_member_string(&w, "region", result->region);
    json_member_string(&w, "label", "synthetic patients; research and decision support only");
    json_member_int(&w, "year", result->span.year);
    json_member_int(&w, "days", result->span.days);
    json_member_int(&w, "seed", (int64_t)result->span.seed);
    write_validation(&w, &result->validation);
    write_cells(&w, "cells", result, &result->cells, scope->arena);
    write_cells(&w, "sensitivity", result, &result->sensitivity, scope->arena);
    if (result->frontier.count > 0) {
        struct simulate_result engine = *result;
        for (int i = 0; i < PLANNING_POLICIES; i++) {
            engine.chosen[i] = i == PLANNING_SOYANG;
        }
        write_cells(&w, "frontier", &engine, &result->frontier, scope->arena);
    }
    if (result->cells.count > 0) {
        json_name(&w, "policies");
        json_array_open(&w);
        for (int i = 0; i < PLANNING_POLICIES; i++) {
            if (result->chosen[i]) {
                write_outcome(&w, result, &result->cells.at[0].outcomes[i], scope->arena);
            }
        }
        json_array_close(&w);
    }
    write_parameters(&w, result);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}
