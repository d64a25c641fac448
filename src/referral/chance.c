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

#define BEDS_UNKNOWN .85     /* a count that is missing or no longer believed */
#define BEDS_NONE .35        /* a believed zero: lowers, never excludes */
#define BEDS_NONE_URGENT .80 /* the emergency department's own zero at level 1 and 2 */
#define BEDS_ONE .80
#define TIER_LOW .85
#define CHANCE_LEAST .02
#define CHANCE_MOST .98
#define ON_CALL_LEAST .05
#define THEATRE .15           /* all who are on call for a need are in theatre: a colleague, or another team */
#define THEATRE_WAIT_MOST 30. /* minutes at the place: so long the patient is stabilised and waits */
#define MINUTE_US 60e6

static double trust_by_age(const struct rank *rank, const struct region_count *count) {
    const struct region_board_model *model = &rank->snapshot->board;
    bool stated = model->ignored_after_min > 0;
    return region_count_trust_under(stated ? model : &region_board_default, count, rank->patient->now_us);
}

/* By its age, and by how often what this place calls free was so. */
static double trust_of(const struct rank *rank, const struct region_place *place, const struct region_count *count) {
    const struct referral_learned *learned = rank->patient->learned;
    double trust = trust_by_age(rank, count);
    double board = learned == NULL ? 0 : learned[place - rank->snapshot->places].board_trust;
    return board > 0 ? trust * board : trust;
}

static double unknown_factor(const struct rank *rank) {
    return rank->patient->unknown_factor > 0 ? rank->patient->unknown_factor : BEDS_UNKNOWN;
}

static double count_factor(int free, double none) {
    return free <= 0 ? none : free == 1 ? BEDS_ONE : 1;
}

double chance_by_beds(int free) {
    return count_factor(free, BEDS_NONE);
}

/* Believed as far as the board's age allows; what is not believed counts as not known. */
static double believed(const struct rank *rank, double trust, const struct region_count *count, double none) {
    return trust * count_factor(count->free, none) + (1 - trust) * unknown_factor(rank);
}

/* The kind of bed that speaks best for the place, of those that would do for this need. */
static double need_beds(
    struct chance *out, const struct rank *rank, const struct region_place *place, const struct rank_need *need) {
    double best = -1;
    int64_t now_us = rank->patient->now_us;
    for (int i = 0; i < need->bed_count; i++) {
        int bed = need->beds[i];
        const struct region_count *count = &place->beds[bed];
        if (!count->known) {
            continue;
        }
        double none = bed == rank->emergency_bed && rank->patient->level <= 2 ? BEDS_NONE_URGENT : BEDS_NONE;
        double trust = trust_of(rank, place, count);
        double factor = believed(rank, trust, count, none);
        if (factor > best) {
            best = factor;
            out->count_bed = bed;
            out->count_free = count->free;
            out->count_age_min = fmax(0, (double)(now_us - count->said_us) / MINUTE_US);
            out->count_trust = trust;
            out->count_trust_by_age = trust_by_age(rank, count);
        }
    }
    return best < 0 ? unknown_factor(rank) : best;
}

static double on_call(const struct rank *rank, const struct region_place *place, uint64_t needs) {
    double least = 1;
    for (uint64_t left = needs; left != 0; left &= left - 1) {
        int percent = region_on_call(rank->snapshot, place, __builtin_ctzll(left), rank->patient->now_us);
        if (percent >= 0) {
            least = fmin(least, fmax(percent / 100.0, ON_CALL_LEAST));
        }
    }
    return least;
}

/* Of the needs whose people on call are all in theatre the one that waits longest. */
static int theatre_need(int64_t *until_us_out, const struct rank *rank, int place_index, uint64_t needs) {
    int longest = -1;
    *until_us_out = INT64_MIN;
    for (uint64_t left = needs; left != 0; left &= left - 1) {
        int need = __builtin_ctzll(left);
        int64_t until_us = region_theatre_until(&rank->snapshot->places[place_index], need, rank->patient->now_us);
        if (until_us > *until_us_out) {
            *until_us_out = until_us;
            longest = need;
        }
    }
    return longest;
}

/* What is left of it when the patient is there, after the answer and the way. */
static double theatre_left_min(const struct rank *rank, int place_index, int64_t until_us, double travel_min) {
    return (double)(until_us - rank->patient->now_us) / MINUTE_US - answer_find(rank, place_index) - travel_min;
}

static void find_theatre(struct chance *out, const struct rank *rank, int place_index, uint64_t needs) {
    out->theatre = 1;
    out->theatre_need = theatre_need(&out->theatre_until_us, rank, place_index, needs);
    if (out->theatre_need < 0) {
        return;
    }
    struct region_travel travel = {0};
    if (place_index != rank->patient->origin_place) {
        region_travel_from(&travel, rank->snapshot, rank->patient->origin, place_index);
    }
    out->theatre =
        theatre_left_min(rank, place_index, out->theatre_until_us, travel.minutes) > THEATRE_WAIT_MOST ? THEATRE : 1;
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
    find_theatre(out, rank, place_index, needs);
    double value = out->tier * out->on_call * out->theatre * out->beds * (out->tier_low ? TIER_LOW : 1);
    out->prior = fmin(CHANCE_MOST, fmax(CHANCE_LEAST, value));
    out->value = chance_learned(rank, place_index, out->prior);
    out->weight = rank->patient->learned == NULL ? 0 : rank->patient->learned[place_index].weight;
}

double chance_learned(const struct rank *rank, int place, double prior) {
    const struct referral_case *patient = rank->patient;
    if (patient->learned == NULL) {
        return prior;
    }
    double value = referral_belief_apply(prior, patient->learned[place].shift, patient->corrections);
    return fmin(CHANCE_MOST, fmax(CHANCE_LEAST, value));
}

double load_find(const struct rank *rank, int place_index) {
    const struct region_place *place = &rank->snapshot->places[place_index];
    if (rank->emergency_bed < 0 || !place->beds[rank->emergency_bed].known) {
        return -1;
    }
    const struct region_count *count = &place->beds[rank->emergency_bed];
    return count->total > 0 ? ((double)count->total - count->free) / count->total : -1;
}

/* Assumption: a price a step of tier above the least that can, times how full the department is believed to be: the fuller it is and
 * the less the patient needs it, the dearer. */
double scarcity_find(const struct rank *rank, int place_index) {
    const struct region_place *place = &rank->snapshot->places[place_index];
    int steps = (int)place->tier - (int)rank->least_tier;
    if (rank->patient->scarcity_min <= 0 || steps <= 0) {
        return 0;
    }
    double load = load_find(rank, place_index), full = .5;
    if (load >= 0) {
        double trust = trust_of(rank, place, &place->beds[rank->emergency_bed]);
        full = trust * fmin(1.5, load) + (1 - trust) * full;
    }
    return rank->patient->scarcity_min * steps * full;
}

/* ---- as learning sees it ----------------------------------------------------------------------------------------------- */

static void asked_of(struct referral_asked *out, const struct rank *rank, int place) {
    struct chance chance;
    const struct referral_case *patient = rank->patient;
    chance_find(&chance, rank, place, patient->needs);
    *out = (struct referral_asked){.place = place,
        .need = patient->needs != 0 ? need_number(rank->snapshot->needs[__builtin_ctzll(patient->needs)].code) : -1,
        .at_us = patient->now_us,
        .zone_minutes = rank->snapshot->zone_minutes,
        .prior = chance.prior,
        .load = load_find(rank, place),
        .board_age_min = chance.count_bed < 0 ? -1 : chance.count_age_min,
        .board_free = chance.count_free};
}

void referral_asked_of(struct referral_asked *out, const struct region_snapshot *snapshot,
    const struct referral_case *patient, int place) {
    struct rank rank;
    rank_prepare(&rank, snapshot, patient);
    asked_of(out, &rank, place);
}

/* As much as a tenth is doubted of every board: what is learned counts beside that. */
static double learned_trust(const struct referral_belief *belief, int place, int64_t now_us) {
    double nothing = referral_belief_board_trust(belief, -1, now_us);
    return fmin(1, referral_belief_board_trust(belief, place, now_us) / nothing);
}

/* `at` is the place's number in the belief. */
static void learned_of(
    struct referral_learned *out, const struct rank *rank, int place, int at, const struct referral_belief *belief) {
    struct referral_asked asked;
    int64_t now_us = rank->patient->now_us;
    asked_of(&asked, rank, place);
    asked.place = at;
    double stated = rank->snapshot->places[place].answer_minutes;
    double learned = referral_belief_answer_min(belief, at, stated, now_us);
    *out = (struct referral_learned){.shift = referral_belief_shift(belief, &asked),
        .weight = referral_belief_weight(belief, at, now_us),
        .board_trust = learned_trust(belief, at, now_us),
        .answer_min = fabs(learned - stated) > 1e-9 ? learned : 0};
}

void learned_find(
    struct referral_learned *out, const struct rank *rank, int place, const struct referral_belief *belief) {
    learned_of(out, rank, place, 0, belief);
}

void referral_learned_of(struct referral_learned *out, struct referral_case *patient,
    const struct region_snapshot *snapshot, const struct referral_belief *belief) {
    struct rank rank;
    patient->learned = NULL;
    rank_prepare(&rank, snapshot, patient);
    for (int i = 0; i < (int)snapshot->place_count; i++) {
        out[i] = (struct referral_learned){0};
        bool serves = (patient->needs & ~snapshot->places[i].needs) == 0;
        if (!snapshot->places[i].control_room && (!snapshot->places[i].post || serves)) {
            learned_of(&out[i], &rank, i, i, belief);
        }
    }
    patient->learned = out;
    referral_belief_corrections(patient->corrections, belief, patient->now_us);
}

/* Assumption: minutes until a doctor begins, by level, in a department that is not crowded. */
static const double level_wait_min[] = {0, 0, 5, 15, 30, 30};

static double crowded_wait(const struct rank *rank, const struct region_place *place) {
    double factor = 1;
    if (rank->emergency_bed >= 0 && place->beds[rank->emergency_bed].known) {
        const struct region_count *count = &place->beds[rank->emergency_bed];
        double load = count->total > 0 ? ((double)count->total - count->free) / count->total : 0;
        double crowding =
            fmin(2, fmax(0, (load - .7) / .3)); /* from 70 % full; twice over when as many wait as there are beds */
        factor += trust_of(rank, place, count) * crowding;
    }
    return level_wait_min[rank->patient->level] * factor;
}

/* A team that is called from home sets out when the place is told, so that only what the way does not cover is waited for. */
double wait_find(const struct rank *rank, int place_index, uint64_t needs, double travel_min) {
    const struct region_place *place = &rank->snapshot->places[place_index];
    double call_in = 0;
    for (uint64_t left = needs; left != 0; left &= left - 1) {
        call_in = fmax(call_in, place->call_in_minutes[__builtin_ctzll(left)]);
    }
    int64_t until_us = INT64_MIN;
    if (theatre_need(&until_us, rank, place_index, needs) >= 0) {
        double theatre_min = theatre_left_min(rank, place_index, until_us, travel_min);
        if (theatre_min <= THEATRE_WAIT_MOST) { /* a longer one lowers the chance instead */
            call_in = fmax(call_in, theatre_min + travel_min);
        }
    }
    return fmax(crowded_wait(rank, place), call_in - travel_min);
}

enum { NIGHT_FROM_HOUR = 23, NIGHT_TO_HOUR = 8 };

double answer_find(const struct rank *rank, int place_index) {
    const struct region_place *place = &rank->snapshot->places[place_index];
    if (rank->patient->extreme) {
        return 0; /* told, not asked */
    }
    const struct referral_learned *learned = rank->patient->learned;
    if (learned != NULL && learned[place_index].answer_min > 0) {
        return learned[place_index].answer_min; /* of the answers themselves, nights among them */
    }
    int64_t hour = (rank->patient->now_us / 60000000 + rank->snapshot->zone_minutes) / 60 % 24;
    bool night = hour >= NIGHT_FROM_HOUR || hour < NIGHT_TO_HOUR;
    return place->answer_minutes * (night && place->answer_night_factor > 0 ? place->answer_night_factor : 1);
}
