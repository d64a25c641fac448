/* validation: the simulator against published figures, under today's practice, before any policy is looked at. A prediction is the
 * mean over runs of seeds 1, 2, ...: one year's luck neither passes nor fails it. */
#include <math.h>
#include <string.h>

#include "planning/run.h"

enum { VALIDATION_DAYS = 243, FORTNIGHT = 14, RUNS_MAX = 16, NEAR_MIN = 30, FAR_MIN = 60, NOON = 12 };
enum { FEBRUARY_TO_AUGUST = 212, YEAR_ARENA_MAX = 1 << 30 };

/* ---- what the network alone says --------------------------------------------------------------------------------------- */

/* "" is everybody; else the name of a city or county, or what it ends in: 시 for the cities, 군 for the counties. */
static bool lives_in(const struct planning_world *w, const struct district *district, const char *where) {
    return text_ends(w->towns[district->town], where);
}

/* Percent of people whose nearest place of at least a tier is within minutes, by the region's travel model as a car drives. */
static double reach(const struct planning_world *w, enum region_tier tier, double minutes, const char *where) {
    double near = 0, all = 0;
    for (int d = 0; d < w->district_count; d++) {
        const struct district *district = &w->districts[d];
        double least = INFINITY;
        for (int place = 0; place < w->place_count; place++) {
            bool counts = !w->places[place].neighbour && w->places[place].tier >= tier;
            least = counts ? fmin(least, w->to_place[d * w->place_count + place]) : least;
        }
        if (lives_in(w, district, where)) {
            all += district->all;
            near += least <= minutes ? district->all : 0;
        }
    }
    return all > 0 ? 100 * near / all : NAN;
}

/* Percent of (centre, severe condition of the national list) pairs that can be taken on a weekday's noon. */
static double able_at_noon(const struct planning_world *w) {
    double able = 0, all = 0;
    for (int place = 0; place < w->place_count; place++) {
        const struct region_place *row = &w->places[place];
        for (int need = 0; need < (int)w->snapshot.need_count; need++) {
            bool listed = w->snapshot.needs[need].code.at[0] == 'Y' && row->tier >= REGION_TIER_LOCAL_CENTRE;
            bool can = listed && (row->needs >> need & 1) != 0;
            all += listed && !row->neighbour ? 1 : 0;
            able += can && !row->neighbour ? w->team_share[place][need][0][NOON] * (1 - w->p->theatre_busy) : 0;
        }
    }
    return all > 0 ? 100 * able / all : NAN;
}

static double share_of_levels(const struct planning_world *w, int from, int to) {
    double count = 0;
    for (int i = 0; i < w->patient_count; i++) {
        count += w->patients[i].level >= from && w->patients[i].level <= to ? 1 : 0;
    }
    return w->patient_count > 0 ? 100 * count / w->patient_count : NAN;
}

/* ---- figures ------------------------------------------------------------------------------------------------------------ */

static const char *after(const char *text, const char *prefix) {
    size_t size = strlen(prefix);
    return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

static double predict_year(
    const struct figure_row *row, const struct planning_outcome *outcome, const struct planning_world *world) {
    static const char *const readings[PLANNING_READINGS] = {[PLANNING_VASCULAR] = "vascular:",
        [PLANNING_VASCULAR_LEAVING] = "vascular-leaving:",
        [PLANNING_SUSPECTED] = "suspected:",
        [PLANNING_SUSPECTED_LEAVING] = "suspected-leaving:"};
    double a_day = (double)outcome->patients / world->span.days;
    if (strcmp(row->measure, "retransfer14") == 0) {
        return outcome->measures[PLANNING_RETRANSFER].value / 100 * a_day * FORTNIGHT;
    }
    if (strcmp(row->measure, "over60count") == 0) {
        return outcome->measures[PLANNING_OVER60].value / 100 * a_day * FEBRUARY_TO_AUGUST;
    }
    for (int reading = 0; reading < PLANNING_READINGS; reading++) {
        const char *where = after(row->measure, readings[reading]);
        for (int i = 0; where != NULL && i < world->town_count; i++) {
            if (text_is(world->towns[i], where)) {
                return outcome->vascular_min[reading][i];
            }
        }
    }
    return NAN;
}

static double predict(
    const struct figure_row *row, const struct planning_outcome *outcome, const struct planning_world *world) {
    static const struct {
        const char *name;
        enum planning_measure measure;
    } plain[] = {{"over60", PLANNING_OVER60}, {"retransfer", PLANNING_RETRANSFER}, {"response", PLANNING_RESPONSE},
        {"arranged", PLANNING_ARRANGED}, {"staff", PLANNING_STAFF}, {"trauma", PLANNING_TRAUMA},
        {"specialist", PLANNING_SPECIALIST}, {"flights", PLANNING_FLIGHTS}, {"wrong_heart", PLANNING_WRONG_HEART},
        {"wrong_suspected", PLANNING_WRONG_SUSPECTED}, {"wrong_stroke", PLANNING_WRONG_STROKE}};
    static const struct {
        const char *name;
        int from, to;
    } levels[] = {{"levels12", 1, 2}, {"levels3", 3, 3}, {"levels45", 4, 5}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(row->measure, plain[i].name) == 0) {
            return outcome->measures[plain[i].measure].value;
        }
    }
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(row->measure, levels[i].name) == 0) {
            return share_of_levels(world, levels[i].from, levels[i].to);
        }
    }
    const char *where = after(row->measure, "reach30:");
    if (where != NULL) {
        return reach(world, REGION_TIER_REPORTED, NEAR_MIN, where);
    }
    if (strcmp(row->measure, "beyond60") == 0) {
        return 100 - reach(world, REGION_TIER_REGIONAL_CENTRE, FAR_MIN, "");
    }
    return strcmp(row->measure, "able") == 0 ? able_at_noon(world) : predict_year(row, outcome, world);
}

/* ---- runs --------------------------------------------------------------------------------------------------------------- */

struct predictions {
    double of[FIGURES_MAX][RUNS_MAX];
};
struct question {
    const struct region_snapshot *snapshot;
    const struct planning_parameters *parameters;
    struct text districts;
    const struct planning_validation_options *options;
    struct predictions *predictions;
    int run;
};

static enum status run_year(const struct question *q, const struct planning_span *span, struct scope *scope) {
    const struct planning_world *world;
    struct planning_outcome outcome;
    struct planning_run_options run = {
        .policy = PLANNING_PRACTICE, .progress = q->options->progress, .context = q->options->context};
    enum status status = planning_world_build(&world, q->snapshot, q->parameters, q->districts, span, scope);
    if (status == STATUS_OK) {
        status = planning_run(&outcome, world, &run, scope);
    }
    for (size_t i = 0; status == STATUS_OK && i < q->parameters->figure_count; i++) {
        const struct figure_row *row = &q->parameters->figures[i];
        if (row->year == span->year && (row->fitted || !q->options->fitted_only)) {
            q->predictions->of[i][q->run] = predict(row, &outcome, world);
        }
    }
    return status;
}

static enum status run_apart(const struct question *q, const struct planning_span *span, struct scope *scope) {
    struct arena *arena = arena_open(YEAR_ARENA_MAX);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for a year");
    }
    struct scope own = {.arena = arena};
    enum status status = run_year(q, span, &own);
    fault_carry(scope, &own.fault);
    arena_close(arena);
    return status;
}

static struct planning_figure judge(const struct figure_row *row, const double *runs, int count) {
    struct planning_estimate mean = measure_mean(runs, count);
    double tolerance = row->tolerance;
    return (struct planning_figure){.id = row->id,
        .figure = row->figure,
        .source = row->source,
        .year = row->year,
        .predicted = mean.value,
        .predicted_low = mean.low,
        .predicted_high = mean.high,
        .published = row->published,
        .tolerance = tolerance,
        .held_out = row->held_out,
        .judged = row->judged,
        .fitted = row->fitted,
        .holds = isfinite(mean.value) && fabs(mean.value - row->published) <= tolerance};
}

enum status planning_validate(struct planning_validation *out, const struct region_snapshot *snapshot,
    const struct planning_parameters *parameters, struct text districts,
    const struct planning_validation_options *options, struct scope *scope) {
    int runs = options->runs < 1 ? 1 : options->runs > RUNS_MAX ? RUNS_MAX : options->runs;
    struct predictions *predictions = ARENA_NEW(scope->arena, struct predictions);
    struct planning_figure *figures = ARENA_ARRAY(scope->arena, struct planning_figure, FIGURES_MAX);
    struct question question = {snapshot, parameters, districts, options, predictions, 0};
    int last = options->fitted_only ? PLANNING_FITTED_YEAR : PLANNING_LAST_YEAR;
    enum status status = STATUS_OK;
    for (int run = 0; run < runs; run++) {
        question.run = run;
        for (int year = PLANNING_FITTED_YEAR; year <= last && status == STATUS_OK; year++) {
            struct planning_span span = {.seed = (uint64_t)(run + 1), .year = year, .days = VALIDATION_DAYS};
            status = run_apart(&question, &span, scope);
        }
    }
    *out = (struct planning_validation){.figures = figures, .runs = runs, .holds = true};
    for (size_t i = 0; status == STATUS_OK && i < parameters->figure_count; i++) {
        const struct figure_row *row = &parameters->figures[i];
        if (row->fitted || !options->fitted_only) {
            struct planning_figure *figure = &figures[out->count++];
            *figure = judge(row, predictions->of[i], runs);
            out->holds = out->holds && (figure->holds || !row->judged);
            double share = (figure->predicted - figure->published) / figure->tolerance;
            out->objective += row->fitted ? share * share : 0;
        }
    }
    return status;
}
