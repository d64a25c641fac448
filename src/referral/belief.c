/* Who says yes: learned from every answer, forgetting as it goes. Pure.
 *
 * Each level is a Beta posterior whose prior mean is what the level above expected of the same questions (Gelman et al., Bayesian Data
 * Analysis, ch. 5, partial pooling), moved onto the question at hand in log-odds. Weights fall by half every half-life, so that
 * what has changed is unlearned (exponential forgetting, West and Harrison 1997, power discounting). Half-lives and weights of the
 * priors: assumptions, held by the drift test to an expected calibration error of at most .05. */
#include <math.h>

#include "referral/referral.h"

#define DAY_US 86400e6
#define CHANCE_LEAST .005
#define TRUST_OF_NOTHING .9 /* assumption: a board that nobody has tested yet */
#define TRUST_WEIGHT 8.     /* assumption: so many answers weigh as much as that */
#define ANSWER_WEIGHT 6.    /* assumption: the same for the minutes to an answer */

struct habit {
    double half_life_days, weight; /* of the prior, in answers */
};
static const struct habit habit_region = {45, 100}, habit_place = {21, 6}, habit_hours = {30, 40},
                          habit_boards = {30, 40}, habit_needs = {45, 20}, habit_now = {1. / 16, 8},
                          habit_chances = {20, 30};

static double log_odds(double p) {
    return log(p / (1 - p));
}

static double chance_of(double log_odds_value) {
    return 1 / (1 + exp(-log_odds_value));
}

static double bounded(double p) {
    return fmin(1 - CHANCE_LEAST, fmax(CHANCE_LEAST, p));
}

static double kept(const struct referral_cell *cell, const struct habit *habit, int64_t now_us) {
    double days = (double)(now_us - cell->at_us) / DAY_US;
    return days > 0 ? exp2(-days / habit->half_life_days) : 1;
}

static double shift_of(const struct referral_cell *cell, const struct habit *habit, int64_t now_us) {
    if (cell->asked <= 0) {
        return 0;
    }
    double keep = kept(cell, habit, now_us), asked = cell->asked * keep;
    double mean = bounded(cell->expected / cell->asked);
    double learned = bounded((cell->yes * keep + habit->weight * mean) / (asked + habit->weight));
    return log_odds(learned) - log_odds(mean);
}

static void note(struct referral_cell *cell, const struct habit *habit, int64_t now_us, double yes, double expected) {
    double keep = kept(cell, habit, now_us);
    cell->yes = cell->yes * keep + yes;
    cell->asked = cell->asked * keep + 1;
    cell->expected = cell->expected * keep + expected;
    cell->at_us = now_us > cell->at_us ? now_us : cell->at_us;
}

/* ---- bands ------------------------------------------------------------------------------------------------------------ */

static int hour_band(const struct referral_asked *asked) {
    int64_t minute = asked->at_us / 60000000 + asked->zone_minutes;
    return (int)((minute / 60 % 24 + 24) % 24 / (24 / REFERRAL_HOUR_BANDS));
}

static int board_cell(const struct referral_asked *asked) {
    double age = asked->board_age_min, load = asked->load;
    int age_band = age < 0 ? 0 : age <= 15 ? 1 : age <= 60 ? 2 : 3;
    int load_band = load < 0 ? 0 : load < .7 ? 1 : load < 1 ? 2 : 3;
    return age_band * REFERRAL_LOAD_BANDS + load_band;
}

static int chance_band(double chance) {
    int band = (int)(chance * REFERRAL_CHANCE_BANDS);
    return band >= REFERRAL_CHANCE_BANDS ? REFERRAL_CHANCE_BANDS - 1 : band;
}

/* ---- the levels ------------------------------------------------------------------------------------------------------- */

enum { LEVELS_MAX = 8 };
struct level {
    struct referral_cell *cell;
    const struct habit *habit;
};

static int levels_of(
    struct level out[LEVELS_MAX], const struct referral_belief *belief, const struct referral_asked *asked) {
    int count = 0, hour = hour_band(asked), board = board_cell(asked);
    struct referral_belief_region *region = belief->region;
    bool need = asked->need >= 0 && asked->need < REGION_NEEDS_MAX;
    out[count++] = (struct level){&region->hours[hour], &habit_region};
    out[count++] = (struct level){&region->boards[board], &habit_region};
    if (need) {
        out[count++] = (struct level){&region->needs[asked->need], &habit_region};
    }
    if (asked->place < 0 || (size_t)asked->place >= belief->place_count) {
        return count;
    }
    struct referral_belief_place *place = &belief->places[asked->place];
    out[count++] = (struct level){&place->all, &habit_place};
    out[count++] = (struct level){&place->hours[hour], &habit_hours};
    out[count++] = (struct level){&place->boards[board], &habit_boards};
    if (need) {
        out[count++] = (struct level){&place->needs[asked->need], &habit_needs};
    }
    out[count++] = (struct level){&place->now, &habit_now};
    return count;
}

double referral_belief_shift(const struct referral_belief *belief, const struct referral_asked *asked) {
    struct level levels[LEVELS_MAX];
    int count = levels_of(levels, belief, asked);
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += shift_of(levels[i].cell, levels[i].habit, asked->at_us);
    }
    return sum;
}

void referral_belief_corrections(
    double out[REFERRAL_CHANCE_BANDS], const struct referral_belief *belief, int64_t now_us) {
    for (int i = 0; i < REFERRAL_CHANCE_BANDS; i++) {
        out[i] = shift_of(&belief->region->chances[i], &habit_chances, now_us);
    }
}

double referral_belief_apply(double prior, double shift, const double corrections[REFERRAL_CHANCE_BANDS]) {
    double sum = log_odds(bounded(prior)) + shift;
    return bounded(chance_of(sum + corrections[chance_band(chance_of(sum))]));
}

double referral_belief_chance(const struct referral_belief *belief, const struct referral_asked *asked) {
    double corrections[REFERRAL_CHANCE_BANDS];
    referral_belief_corrections(corrections, belief, asked->at_us);
    return referral_belief_apply(asked->prior, referral_belief_shift(belief, asked), corrections);
}

double referral_belief_weight(const struct referral_belief *belief, int place, int64_t now_us) {
    bool known = place >= 0 && (size_t)place < belief->place_count;
    const struct referral_cell *all = known ? &belief->places[place].all : NULL;
    return known ? all->asked * kept(all, &habit_place, now_us) : 0;
}

/* ---- learning ----------------------------------------------------------------------------------------------------------- */

static void learn_place(struct referral_belief_place *place, const struct referral_asked *asked,
    enum referral_answer answer, double answer_min) {
    int64_t now_us = asked->at_us;
    bool board = asked->board_age_min >= 0;
    if (board && asked->board_free > 0 && answer != REFERRAL_SILENT) {
        note(&place->board, &habit_needs, now_us, answer == REFERRAL_NO_BED ? 0 : 1, TRUST_OF_NOTHING);
    }
    note(&place->current, &habit_needs, now_us, board && asked->board_age_min <= 60 ? 1 : 0, 1);
    note(&place->spoken, &habit_needs, now_us, answer == REFERRAL_SILENT ? 0 : 1, 1);
    if (answer_min >= 0 && answer != REFERRAL_SILENT) {
        note(&place->answer, &habit_needs, now_us, answer_min, 1);
    }
}

void referral_belief_learn(struct referral_belief *belief, const struct referral_asked *asked,
    enum referral_answer answer, double answer_min) {
    struct level levels[LEVELS_MAX];
    int count = levels_of(levels, belief, asked);
    double yes = answer == REFERRAL_YES ? 1 : 0, sum = log_odds(bounded(asked->prior));
    double said = chance_of(sum + referral_belief_shift(belief, asked));
    for (int i = 0; i < count; i++) {
        note(levels[i].cell, levels[i].habit, asked->at_us, yes, chance_of(sum));
        sum += shift_of(levels[i].cell, levels[i].habit, asked->at_us); /* what this level took in, the next need not */
    }
    note(&belief->region->chances[chance_band(said)], &habit_chances, asked->at_us, yes, said);
    if (asked->place >= 0 && (size_t)asked->place < belief->place_count) {
        learn_place(&belief->places[asked->place], asked, answer, answer_min);
    }
}

/* ---- what else is learned -------------------------------------------------------------------------------------------------- */

double referral_belief_share(const struct referral_cell *cell, int64_t now_us, double prior, double weight) {
    double keep = kept(cell, &habit_needs, now_us);
    return (cell->yes * keep + weight * prior) / (cell->asked * keep + weight);
}

double referral_belief_answer_min(const struct referral_belief *belief, int place, double otherwise, int64_t now_us) {
    bool known = place >= 0 && (size_t)place < belief->place_count;
    return known ? referral_belief_share(&belief->places[place].answer, now_us, otherwise, ANSWER_WEIGHT) : otherwise;
}

double referral_belief_board_trust(const struct referral_belief *belief, int place, int64_t now_us) {
    bool known = place >= 0 && (size_t)place < belief->place_count;
    return known ? referral_belief_share(&belief->places[place].board, now_us, TRUST_OF_NOTHING, TRUST_WEIGHT)
                 : TRUST_OF_NOTHING;
}
