/* measure: sums by batch of days, and intervals from the spread of the batches (batch means; Student's t). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planning/run.h"

int measure_batch(const struct run *run, double at) {
    if (at < 0 || at >= run->world->end_at) {
        return -1;
    }
    return (int)(at / run->world->end_at * run->batch_count);
}

void measure_add(struct run *run, double at, enum planning_measure measure, double value, double count) {
    int batch = measure_batch(run, at);
    if (batch >= 0 && count > 0) {
        run->tallies[batch].sum[measure] += value;
        run->tallies[batch].count[measure] += count;
    }
}

static bool is_local(const struct run *run, int patient, int place) {
    const struct planning_world *w = run->world;
    int district = w->patients[patient].district;
    if (w->places[place].tier != REGION_TIER_REGIONAL_CENTRE) {
        return true;
    }
    for (int i = 0; i < w->place_count; i++) {
        if (w->to_place[district * w->place_count + i] < w->to_place[district * w->place_count + place]) {
            return false;
        }
    }
    return true;
}

static void measure_parts(struct run *run, int patient, bool placed) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    struct planning_parts *parts = &run->parts[who->condition][journey->first];
    if (measure_batch(run, who->call_at) < 0) {
        return;
    }
    parts->patients++;
    for (int i = 0; i < PLANNING_PARTS; i++) {
        parts->minutes[i] += placed ? journey->parts[i] : i == PLANNING_PART_PENALTY ? run->p->penalty_min : 0;
    }
}

void measure_end(struct run *run, int patient, double start_at, bool placed) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    double at = who->call_at;
    measure_add(run, at, PLANNING_PLACED, placed ? 100 : 0, 1);
    measure_add(run, at, PLANNING_RETRANSFER, journey->retransferred ? 100 : 0, 1);
    if (strcmp(run->p->conditions[who->condition].need, "Y0020") == 0) {
        measure_add(run, at, PLANNING_WRONG_STROKE, journey->moved_on ? 100 : 0, 1);
    }
    if (who->level_seen <= 3) {
        measure_add(run, at, PLANNING_ASKED, journey->asked, 1);
    }
    if (world_severe(who)) {
        measure_parts(run, patient, placed);
        measure_add(run, at, PLANNING_PLACED_SEVERE, placed ? 100 : 0, 1);
        measure_add(run, at, PLANNING_ASKED_SEVERE, journey->asked, 1);
        measure_add(run, at, PLANNING_FIRST_WRONG, journey->wrong ? 100 : 0, 1);
        measure_add(run, at, PLANNING_MINUTES_SEVERE, placed ? start_at - at : run->p->penalty_min, 1);
    } else if (who->level >= 4) {
        measure_add(run, at, PLANNING_LOCAL_MILD, is_local(run, patient, journey->place) ? 100 : 0, 1);
    }
}

/* Hours over capacity, of the province's regional centres. */
void measure_over(struct run *run, int place) {
    const struct region_place *row = &run->world->places[place];
    if (row->neighbour || row->tier != REGION_TIER_REGIONAL_CENTRE) {
        return;
    }
    int bed = run->world->emergency_bed;
    bool over = run->used[place][bed] > row->beds[bed].total;
    if (over && !run->over[place]) {
        run->over_from[place] = run->now;
    } else if (!over && run->over[place]) {
        double from = fmax(0, run->over_from[place]), to = fmin(run->now, run->world->end_at);
        int batch = measure_batch(run, from);
        if (to > from && batch >= 0) {
            run->tallies[batch].sum[PLANNING_OVERLOAD] += (to - from) / HOUR_MIN;
        }
    }
    run->over[place] = over;
}

/* Two-sided 95 % points of Student's t by degrees of freedom 1..19 (any table of the distribution). */
static const double student[] = {0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
    2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093};

static struct planning_estimate interval(double value, const double *batches, int count) {
    struct planning_estimate out = {value, NAN, NAN};
    double mean = 0, squares = 0;
    if (count < 2 || !isfinite(value)) {
        return out;
    }
    for (int i = 0; i < count; i++) {
        mean += batches[i] / count;
    }
    for (int i = 0; i < count; i++) {
        squares += (batches[i] - mean) * (batches[i] - mean);
    }
    double half = student[count - 1] * sqrt(squares / (count - 1) / count);
    out.low = value - half;
    out.high = value + half;
    return out;
}

double planning_half_width(const double *batches, const double *others, size_t count) {
    double sum = 0, squares = 0;
    int n = 0;
    for (size_t i = 0; i < count; i++) {
        double one = batches[i] - others[i];
        if (isfinite(one)) {
            sum += one;
            squares += one * one;
            n++;
        }
    }
    invariant(n <= BATCHES_MAX);
    return n < 2 ? NAN : student[n - 1] * sqrt(fmax(0, squares / n - sum / n * (sum / n)) / (n - 1));
}

static struct planning_estimate ratio(const struct run *run, enum planning_measure measure) {
    double batches[BATCHES_MAX], sum = 0, count = 0;
    int n = 0;
    for (int i = 0; i < run->batch_count; i++) {
        const struct tally *tally = &run->tallies[i];
        sum += tally->sum[measure];
        count += tally->count[measure];
        if (tally->count[measure] > 0) {
            batches[n++] = tally->sum[measure] / tally->count[measure];
        }
    }
    return interval(count > 0 ? sum / count : NAN, batches, n);
}

static struct planning_estimate a_year(const struct run *run, enum planning_measure measure) {
    double batches[BATCHES_MAX], sum = 0;
    double years = run->world->end_at / DAY_MIN / 365;
    for (int i = 0; i < run->batch_count; i++) {
        sum += run->tallies[i].sum[measure] / years;
        batches[i] = run->tallies[i].sum[measure] / years * run->batch_count;
    }
    return interval(sum, batches, run->batch_count);
}

struct planning_estimate measure_mean(const double *values, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += values[i];
    }
    return interval(sum / count, values, count);
}

void measure_belief(struct run *run, double believed, bool yes) {
    int bin = (int)fmin(BELIEF_BINS - 1, fmax(0, believed * BELIEF_BINS));
    run->believed_sum[bin] += believed;
    run->yes_sum[bin] += yes ? 1 : 0;
    run->asked_sum[bin]++;
}

/* Expected calibration error (Naeini et al., AAAI 2015): over ten bins of equal width, weighted by what was asked. */
static struct planning_estimate calibration(const struct run *run) {
    double off = 0, all = 0;
    for (int i = 0; i < BELIEF_BINS; i++) {
        off += fabs(run->believed_sum[i] - run->yes_sum[i]);
        all += run->asked_sum[i];
    }
    return (struct planning_estimate){all > 0 ? 100 * off / all : NAN, NAN, NAN};
}

static int by_minutes(const void *a, const void *b) {
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static double quantile_of(float *sorted, size_t count, double share) {
    return count == 0 ? NAN : (double)sorted[(size_t)((double)(count - 1) * share)];
}

static struct planning_estimate quantile(
    const struct run *run, const struct accept_time *times, size_t times_count, double share, struct arena *arena) {
    float *all = ARENA_ARRAY(arena, float, times_count + 1);
    double batches[BATCHES_MAX];
    int n = 0;
    for (int batch = 0; batch < run->batch_count; batch++) {
        size_t count = 0;
        for (size_t i = 0; i < times_count; i++) {
            if (times[i].batch == batch) {
                all[count++] = times[i].minutes;
            }
        }
        qsort(all, count, sizeof *all, by_minutes);
        if (count > 0) {
            batches[n++] = quantile_of(all, count, share);
        }
    }
    for (size_t i = 0; i < times_count; i++) {
        all[i] = times[i].minutes;
    }
    qsort(all, times_count, sizeof *all, by_minutes);
    return interval(quantile_of(all, times_count, share), batches, n);
}

enum status measure_finish(struct planning_outcome *out, struct run *run, struct scope *scope) {
    for (int place = 0; place < run->world->place_count; place++) {
        if (run->over[place]) { /* the year ends in the middle of it */
            run->now = fmax(run->now, run->world->end_at);
            int bed = run->world->emergency_bed, used = run->used[place][bed];
            run->used[place][bed] = 0;
            measure_over(run, place);
            run->used[place][bed] = used;
        }
    }
    for (int m = 0; m < PLANNING_MEASURES; m++) {
        out->measures[m] = ratio(run, (enum planning_measure)m);
    }
    out->measures[PLANNING_OVERLOAD] = a_year(run, PLANNING_OVERLOAD);
    out->measures[PLANNING_ACCEPT_MEDIAN] = quantile(run, run->accepted, run->accepted_count, .5, scope->arena);
    out->measures[PLANNING_ACCEPT_P95] = quantile(run, run->accepted, run->accepted_count, .95, scope->arena);
    out->measures[PLANNING_TRAUMA] = quantile(run, run->trauma, run->trauma_count, .5, scope->arena);
    out->measures[PLANNING_FLIGHTS] = a_year(run, PLANNING_FLIGHTS);
    out->measures[PLANNING_ECE] = calibration(run);
    memcpy(out->parts, run->parts, sizeof out->parts);
    out->batch_count = (size_t)run->batch_count;
    out->batch_minutes = ARENA_ARRAY(scope->arena, double, BATCHES_MAX);
    for (int i = 0; i < run->batch_count; i++) {
        const struct tally *tally = &run->tallies[i];
        double count = tally->count[PLANNING_MINUTES_SEVERE];
        out->patients += (size_t)tally->count[PLANNING_PLACED];
        out->severe += (size_t)count;
        out->mild += (size_t)tally->count[PLANNING_LOCAL_MILD];
        out->batch_minutes[i] = count > 0 ? tally->sum[PLANNING_MINUTES_SEVERE] / count : NAN;
    }
    for (int reading = 0; reading < PLANNING_READINGS; reading++) {
        for (int i = 0; i < TOWNS_MAX; i++) {
            size_t count = run->vascular_count[reading][i];
            out->vascular_count[reading][i] = count;
            out->vascular_min[reading][i] = count > 0 ? run->vascular_sum[reading][i] / (double)count : NAN;
        }
    }
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(digest, (struct text){(const char *)&run->digest, sizeof run->digest});
    digest_text(out->digest, digest);
    return STATUS_OK;
}
