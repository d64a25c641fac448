/* validation: the simulator against published figures, under today's practice, before any policy is looked at. */
#include <math.h>
#include <string.h>

#include "planning/world.h"

enum { VALIDATION_DAYS = 243, FORTNIGHT = 14 }; /* January to August, as the figures */

static double predict(
    const struct figure_row *row, const struct planning_outcome *outcome, const struct planning_world *world) {
    static const struct {
        const char *name;
        enum planning_measure measure;
    } plain[] = {{"over60", PLANNING_OVER60}, {"retransfer", PLANNING_RETRANSFER}, {"response", PLANNING_RESPONSE},
        {"arranged", PLANNING_ARRANGED}, {"staff", PLANNING_STAFF}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(row->measure, plain[i].name) == 0) {
            return outcome->measures[plain[i].measure].value;
        }
    }
    if (strcmp(row->measure, "retransfer14") == 0) {
        double a_day = (double)outcome->patients / world->span.days;
        return outcome->measures[PLANNING_RETRANSFER].value / 100 * a_day * FORTNIGHT;
    }
    if (strncmp(row->measure, "vascular:", 9) == 0) {
        for (int i = 0; i < world->town_count; i++) {
            if (text_is(world->towns[i], row->measure + 9)) {
                return outcome->vascular_min[i];
            }
        }
    }
    return NAN;
}

static enum status run_year(struct planning_validation *out, struct planning_figure *figures,
    const struct planning_span *span, const struct region_snapshot *snapshot,
    const struct planning_parameters *parameters, struct text districts, const struct planning_run_options *options,
    struct scope *scope) {
    const struct planning_world *world;
    struct planning_outcome outcome;
    enum status status = planning_world_build(&world, snapshot, parameters, districts, span, scope);
    if (status == STATUS_OK) {
        status = planning_run(&outcome, world, options, scope);
    }
    for (size_t i = 0; status == STATUS_OK && i < parameters->figure_count; i++) {
        const struct figure_row *row = &parameters->figures[i];
        if (row->year != span->year) {
            continue;
        }
        double predicted = predict(row, &outcome, world);
        figures[i] = (struct planning_figure){.id = row->id,
            .figure = row->figure,
            .source = row->source,
            .predicted = predicted,
            .published = row->published,
            .tolerance = row->tolerance,
            .held_out = row->held_out,
            .judged = row->judged,
            .holds = isfinite(predicted) && fabs(predicted - row->published) <= row->tolerance};
        out->holds = out->holds && (figures[i].holds || !row->judged);
    }
    return status;
}

enum status planning_validate(struct planning_validation *out, const struct region_snapshot *snapshot,
    const struct planning_parameters *parameters, struct text districts, const struct planning_span *span,
    planning_progress *progress, void *context, struct scope *scope) {
    struct planning_run_options options = {.policy = PLANNING_PRACTICE, .progress = progress, .context = context};
    struct planning_figure *figures = ARENA_ARRAY(scope->arena, struct planning_figure, FIGURES_MAX);
    *out = (struct planning_validation){.figures = figures, .count = parameters->figure_count, .holds = true};
    enum status status = STATUS_OK;
    for (int year = 2023; year <= 2024 && status == STATUS_OK; year++) {
        struct planning_span of_year = {.seed = span->seed, .year = year, .days = VALIDATION_DAYS};
        status = run_year(out, figures, &of_year, snapshot, parameters, districts, &options, scope);
    }
    return status;
}
