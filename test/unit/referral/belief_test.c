/* What is learned of who says yes, held against seeded provinces whose truth is known and changes. */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "referral/referral.h"
#include "unit/cmocka_all.h"

enum { PLACES = 20, NEEDS = 12, DAYS = 540, QUESTIONS_A_DAY = 40, BINS = 10 };
#define NOON_US INT64_C(1795316400000000)
#define DAY_US INT64_C(86400000000)

static uint64_t seed;
static double draw(void) { /* xorshift64*, Vigna 2016 */
    seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
    return (double)(seed * 2685821657736338717u >> 11) / 9007199254740992.0;
}

static struct referral_belief_region region;
static struct referral_belief_place places[PLACES];
static struct referral_belief belief = {&region, places, PLACES};

static void forget_all(void) {
    memset(&region, 0, sizeof region);
    memset(places, 0, sizeof places);
    seed = 88172645463325252u;
}

/* A province's truth: places and needs differ, nights are worse, boards lie, an hour may strike a whole hospital, and in the middle of
 * the time a third of the places turn round. */
struct truth {
    double place[PLACES], need[NEEDS], turned[PLACES];
    int64_t struck_hour[PLACES];
    bool struck[PLACES];
};

static void make_truth(struct truth *t, bool drifts) {
    *t = (struct truth){0};
    for (int i = 0; i < PLACES; i++) {
        t->place[i] = 2.4 * draw() - 1.2;
        t->turned[i] = drifts && i % 3 == 0 ? (t->place[i] > 0 ? -1.8 : 1.8) : 0;
    }
    for (int i = 0; i < NEEDS; i++) {
        t->need[i] = 1.6 * draw() - .8;
    }
}

static bool answer_of(struct truth *t, const struct referral_asked *asked, int day) {
    int64_t hour = asked->at_us / 3600000000;
    int p = asked->place;
    if (t->struck_hour[p] != hour) {
        t->struck_hour[p] = hour;
        t->struck[p] = draw() < .08;
    }
    double x = log(asked->prior / (1 - asked->prior)) + t->place[p] + t->need[asked->need];
    x += day >= DAYS / 2 ? t->turned[p] : 0;
    int64_t clock_hour = (asked->at_us / 60000000 + 540) / 60 % 24;
    x -= clock_hour < 6 ? .7 : 0;
    x -= asked->board_age_min > 60 ? .5 : 0;
    return !t->struck[p] && draw() < 1 / (1 + exp(-x));
}

struct calibration {
    double said[BINS], yes[BINS], count[BINS], brier, all;
};

static void add(struct calibration *c, double chance, bool yes) {
    int bin = (int)(chance * BINS) < BINS ? (int)(chance * BINS) : BINS - 1;
    c->said[bin] += chance, c->yes[bin] += yes, c->count[bin] += 1, c->all += 1;
    c->brier += (chance - yes) * (chance - yes);
}

static double ece(const struct calibration *c) {
    double sum = 0;
    for (int i = 0; i < BINS; i++) {
        sum += fabs(c->said[i] - c->yes[i]);
    }
    return sum / c->all;
}

/* Asks through the whole time; the first 30 days only teach. */
static void live(struct calibration *model, struct calibration *prior, struct calibration *turning, bool drifts) {
    struct truth truth;
    forget_all();
    make_truth(&truth, drifts);
    for (int day = 0; day < DAYS; day++) {
        for (int i = 0; i < QUESTIONS_A_DAY; i++) {
            double age = draw() < .2 ? -1 : 120 * draw() * draw();
            struct referral_asked asked = {.place = (int)(draw() * PLACES),
                .need = (int)(draw() * NEEDS),
                .at_us = NOON_US + day * DAY_US + i * (DAY_US / QUESTIONS_A_DAY),
                .zone_minutes = 540,
                .prior = .35 + .6 * draw(),
                .load = draw() < .2 ? -1 : 1.2 * draw(),
                .board_age_min = age,
                .board_free = (int)(4 * draw())};
            double chance = referral_belief_chance(&belief, &asked);
            bool yes = answer_of(&truth, &asked, day);
            if (day >= 30) {
                add(model, chance, yes);
                add(prior, asked.prior, yes);
            }
            if (day >= DAYS / 2 && day < DAYS / 2 + 60) {
                add(turning, chance, yes);
            }
            referral_belief_learn(&belief, &asked, yes ? REFERRAL_YES : REFERRAL_NO, 6);
        }
    }
}

static void is_calibrated_under_drift(void **state) {
    (void)state;
    for (int drifts = 0; drifts < 2; drifts++) {
        struct calibration model = {0}, prior = {0}, turning = {0};
        live(&model, &prior, &turning, drifts != 0);
        print_message("%s: ECE %.4f (prior alone %.4f), Brier %.4f (%.4f); 60 days from the middle: ECE %.4f\n",
            drifts ? "drift" : "no drift", ece(&model), ece(&prior), model.brier / model.all, prior.brier / prior.all,
            ece(&turning));
        assert_true(ece(&model) <= .05);
        assert_true(ece(&turning) <= .05);
        assert_true(model.brier < prior.brier);
    }
}

static struct referral_asked question(int place, int64_t at_us) {
    return (struct referral_asked){.place = place,
        .need = 1,
        .at_us = at_us,
        .zone_minutes = 540,
        .prior = .7,
        .load = -1,
        .board_age_min = 5,
        .board_free = 2};
}

static void knows_nothing_at_first(void **state) {
    (void)state;
    forget_all();
    struct referral_asked asked = question(3, NOON_US);
    assert_true(fabs(referral_belief_chance(&belief, &asked) - .7) < 1e-12);
    assert_true(fabs(referral_belief_answer_min(&belief, 3, 7, NOON_US) - 7) < 1e-12);
    assert_true(referral_belief_weight(&belief, 3, NOON_US) <= 0);
    asked.place = 999; /* a place of a later region: the province's part is all that is known */
    assert_true(fabs(referral_belief_chance(&belief, &asked) - .7) < 1e-12);
}

static void an_answer_moves_its_own_place_most_and_fades(void **state) {
    (void)state;
    forget_all();
    for (int i = 0; i < 6; i++) {
        struct referral_asked asked = question(3, NOON_US + i * 60000000);
        referral_belief_learn(&belief, &asked, i < 5 ? REFERRAL_NO_BED : REFERRAL_SILENT, 11);
    }
    int64_t later = NOON_US + INT64_C(600000000);
    struct referral_asked own = question(3, later), other = question(4, later),
                          long_after = question(3, later + 365 * DAY_US);
    double now = referral_belief_chance(&belief, &own), beside = referral_belief_chance(&belief, &other);
    double faded = referral_belief_chance(&belief, &long_after);
    print_message("after six: own %.3f, another %.3f, own a year later %.3f\n", now, beside, faded);
    assert_true(now > .05 && now < .3 && beside > .55 && beside < .7);
    assert_true(faded > .65 && faded < .7);
    assert_true(referral_belief_board_trust(&belief, 3, later) < .6);
    assert_true(fabs(referral_belief_board_trust(&belief, 4, later) - .9) < 1e-12);
    assert_true(referral_belief_answer_min(&belief, 3, 5, later) > 7);
    assert_true(referral_belief_share(&places[3].spoken, later, 1, 1) < .95);
}

/* Kept with a decision in parts, it comes to the same. */
static void parts_make_the_whole(void **state) {
    (void)state;
    struct calibration unused[3] = {0};
    live(&unused[0], &unused[1], &unused[2], true);
    double corrections[REFERRAL_CHANCE_BANDS];
    int64_t now = NOON_US + DAYS * DAY_US;
    referral_belief_corrections(corrections, &belief, now);
    for (int p = 0; p < PLACES; p++) {
        struct referral_asked asked = question(p, now);
        double whole = referral_belief_chance(&belief, &asked);
        double parts = referral_belief_apply(asked.prior, referral_belief_shift(&belief, &asked), corrections);
        assert_true(fabs(whole - parts) < 1e-12);
        assert_true(whole >= .005 && whole <= .995);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_nothing_at_first),
        cmocka_unit_test(an_answer_moves_its_own_place_most_and_fades),
        cmocka_unit_test(is_calibrated_under_drift),
        cmocka_unit_test(parts_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
