/* Chance of acceptance, and waiting. A prior in place of what will be learned: every number is an assumption unless said. */
#include <math.h>

#include "referral/rank.h"

/* Assumption: larger departments accept more of what they can structurally do. */
static const double tier_prior[] = {
    [REGION_TIER_NONE] = .55,
    [REGION_TIER_REPORTED] = .60,
    [REGION_TIER_INSTITUTION] = .72,
    [REGION_TIER_LOCAL_CENTRE] = .82,
    [REGION_TIER_REGIONAL_CENTRE] = .90,
};
static const enum region_tier wanted_tier[] = {
    [TRIAGE_PLACE_CLINIC] = REGION_TIER_NONE,
    [TRIAGE_PLACE_INSTITUTION] = REGION_TIER_REPORTED,
    [TRIAGE_PLACE_LOCAL_CENTRE] = REGION_TIER_LOCAL_CENTRE,
    [TRIAGE_PLACE_REGIONAL_CENTRE] = REGION_TIER_REGIONAL_CENTRE,
};

#define BEDS_UNKNOWN .85       /* a count that is missing or no longer believed */
#define BEDS_NONE .35          /* a believed zero: lowers, never excludes */
#define BEDS_NONE_URGENT .80   /* the emergency department's own zero at level 1 and 2 */
#define BEDS_ONE .80
#define TIER_LOW .85
#define CHANCE_LEAST .02
#define CHANCE_MOST .98
#define ON_CALL_LEAST .05
#define MINUTE_US 60e6

static double count_factor(int free, double none) {
    return free <= 0 ? none : free == 1 ? BEDS_ONE : 1;
}

/* Believed as far as the board's age allows; what is not believed counts as not known. */
static double believed(const struct region_count *count, double none, int64_t now_us) {
    double trust = region_count_trust(count, now_us);
    return trust * count_factor(count->free, none) + (1 - trust) * BEDS_UNKNOWN;
}

/* The kind of bed that speaks best for the place, of those that would do for this need. */
static double need_beds(struct chance *out, const struct rank *rank, const struct region_place *place,
    const struct rank_need *need) {
    double best = -1;
    int64_t now_us = rank->patient->now_us;
    for (int i = 0; i < need->bed_count; i++) {
        int bed = need->beds[i];
        const struct region_count *count = &place->beds[bed];
        if (!count->known) {
            continue;
        }
        double none = bed == rank->emergency_bed && rank->patient->level <= 2 ? BEDS_NONE_URGENT : BEDS_NONE;
        double factor = believed(count, none, now_us);
        if (factor > best) {
            best = factor;
            out->count_bed = bed;
            out->count_free = count->free;
            out->count_age_min = fmax(0, (double)(now_us - count->said_us) / MINUTE_US);
            out->count_trust = region_count_trust(count, now_us);
        }
    }
    return best < 0 ? BEDS_UNKNOWN : best;
}

static double on_call(const struct rank *rank, const struct region_place *place, uint64_t needs) {
    double least = 1;
    int hour = rank->patient->hour;
    if (place->on_call == NULL || hour < 0 || hour > 23) {
        return least;
    }
    for (uint64_t left = needs; left != 0; left &= left - 1) {
        size_t need = (size_t)__builtin_ctzll(left);
        double chance = place->on_call[(size_t)hour * rank->snapshot->need_count + need] / 100.0;
        least = fmin(least, fmax(chance, ON_CALL_LEAST));
    }
    return least;
}

void chance_find(struct chance *out, const struct rank *rank, int place_index, uint64_t needs) {
    const struct region_place *place = &rank->snapshot->places[place_index];
    *out = (struct chance){.count_bed = -1, .tier = tier_prior[place->tier], .beds = 1};
    out->on_call = on_call(rank, place, needs);
    for (uint64_t left = needs; left != 0; left &= left - 1) {
        int index = __builtin_ctzll(left);
        struct rank_need own = {.index = index};
        const struct rank_need *need = rank_need_find(rank, index);
        if (need == NULL) { /* the first leg's need: its bed is the emergency department's */
            own.beds[0] = rank->emergency_bed;
            own.bed_count = rank->emergency_bed >= 0 ? 1 : 0;
            need = &own;
        }
        if (need->bed_count > 0) {
            struct chance one = *out;
            double factor = need_beds(&one, rank, place, need);
            if (factor < out->beds || out->count_bed < 0) {
                double beds = fmin(out->beds, factor);
                *out = one;
                out->beds = beds;
            }
        }
    }
    if (needs == 0 && rank->emergency_bed >= 0) {
        struct rank_need emergency = {.beds = {rank->emergency_bed}, .bed_count = 1};
        out->beds = need_beds(out, rank, place, &emergency);
    }
    out->tier_low = place->tier < wanted_tier[rank->patient->place];
    double value = out->tier * out->on_call * out->beds * (out->tier_low ? TIER_LOW : 1);
    out->value = fmin(CHANCE_MOST, fmax(CHANCE_LEAST, value));
}

/* Assumption: minutes until a doctor begins, by level, in a department that is not crowded. */
static const double level_wait_min[] = {0, 0, 5, 15, 30, 30};

double wait_find(const struct rank *rank, int place_index) {
    const struct region_place *place = &rank->snapshot->places[place_index];
    double factor = 1;
    if (rank->emergency_bed >= 0 && place->beds[rank->emergency_bed].known) {
        const struct region_count *count = &place->beds[rank->emergency_bed];
        double load = count->total > 0 ? (double)(count->total - count->free) / count->total : 0;
        double crowding = fmin(2, fmax(0, (load - .7) / .3)); /* from 70 % full; twice over when as many wait as there are beds */
        factor += region_count_trust(count, rank->patient->now_us) * crowding;
    }
    return level_wait_min[rank->patient->level] * factor;
}
