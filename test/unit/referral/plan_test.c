/* The plan of asking against exhaustive search: every way of splitting every choice of places into batches, valued from the definition, in
 * random small cases; and what must hold of it. */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "referral/referral.h"
#include "unit/cmocka_all.h"

enum { CASES = 1500 };

static uint64_t seed = 88172645463325252u;
static double draw(double low, double high) { /* xorshift64*, Vigna 2016 */
    seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
    return low + (high - low) * (double)(seed * 2685821657736338717u >> 11) / 9007199254740992.0;
}

static struct referral_plan_space space;

/* ---- the definition, written anew ---------------------------------------------------------------------------------- */

static double curve(const struct referral_curve *c, double t, double weighed) {
    double v = exp(-c->decay_per_min * t) * fmax(0, 1 - c->slope_per_min * t);
    v *= c->threshold_min > 0 && t > c->threshold_min ? c->beyond : 1;
    return v * exp(-fmax(0, weighed) / c->span_min);
}

/* `departure`: minutes of asking after the patient could have left. */
static double worth(const struct referral_ask *a, const struct referral_curve *c, double departure) {
    double rolled = fmin(a->rolling * departure, a->rolls_max_min > 0 ? a->rolls_max_min : a->minutes);
    double sum = 0;
    for (int wrong = 0; wrong < 2; wrong++) {
        double t = departure - rolled + a->minutes + wrong * a->wrong_min, value;
        if (a->first_min < 0) {
            value = curve(c, t, t - a->worth_min);
        } else {
            double first = departure - rolled + a->first_min + wrong * a->wrong_min;
            double weighed = first + a->later_weight * (t - first) - a->worth_min;
            value = a->first_share * curve(c, first, weighed) + (1 - a->first_share) * curve(c, t, weighed);
        }
        sum += (wrong ? a->wrong : 1 - a->wrong) * value;
    }
    return sum * a->factor;
}

/* The chance that exactly these say no: by summing over which common causes there are. */
static double all_refuse(const struct referral_plan_question *q, unsigned set) {
    double sum = 0;
    for (unsigned causes = 0; causes < 1U << (REFERRAL_PLAN_GROUPS + 1); causes++) {
        bool everywhere = (causes >> REFERRAL_PLAN_GROUPS & 1) != 0;
        double chance = everywhere ? q->shock_all : 1 - q->shock_all;
        for (int g = 0; g < REFERRAL_PLAN_GROUPS; g++) {
            chance *= (causes >> g & 1) != 0 ? q->shocks[g] : 1 - q->shocks[g];
        }
        for (size_t i = 0; i < q->ask_count && chance > 0; i++) {
            const struct referral_ask *a = &q->asks[i];
            bool struck = everywhere || (a->group >= 0 && (causes >> a->group & 1) != 0);
            double free = (1 - q->shock_all) * (a->group >= 0 ? 1 - q->shocks[a->group] : 1);
            chance *= (set >> i & 1) == 0 || struck ? 1 : 1 - fmin(1, a->chance / free);
        }
        sum += chance;
    }
    return sum;
}

static double refused[1 << REFERRAL_PLAN_MAX];

static double steps(double minutes) {
    return fmax(1, ceil(minutes - 1e-9));
}

/* Best worth from here on, times the chance of being here. Grid of one minute. */
static double search(const struct referral_plan_question *q, unsigned asked, double now, bool first) {
    unsigned open = 0;
    for (size_t i = 0; i < q->ask_count; i++) {
        open |= q->asks[i].open ? 1U << i : 0;
    }
    double unplaced = fmax(0, now - q->ready_min) + q->unplaced_min,
           best = refused[asked] * curve(&q->curve, unplaced, unplaced);
    if (now >= steps(q->deadline_min)) {
        return best;
    }
    bool waits = first && open != 0;
    best = waits ? -1 : best;
    struct referral_curve smooth = q->curve;
    smooth.threshold_min = 0;
    for (unsigned fresh = 0; fresh < 1U << q->ask_count; fresh++) {
        unsigned batch = fresh | (first ? open : 0);
        int size = __builtin_popcount(batch);
        bool fits = (fresh & (asked | open)) == 0 && batch != 0 && (fresh == 0 || size <= q->parallel_max);
        if (!fits) {
            continue;
        }
        double slowest = 0, sum = 0;
        unsigned left = batch, said_no = asked;
        while (left != 0) { /* who answers first, then the earlier in the list */
            int next = -1;
            for (int i = 0; i < (int)q->ask_count; i++) {
                bool sooner = next < 0 || steps(q->asks[i].answer_min) < steps(q->asks[next].answer_min);
                next = (left >> i & 1) != 0 && sooner ? i : next;
            }
            const struct referral_ask *a = &q->asks[next];
            sum += (refused[said_no] - refused[said_no | 1U << next]) *
                   worth(a, &q->curve, fmax(0, now + steps(a->answer_min) - q->ready_min));
            said_no |= 1U << next;
            left &= ~(1U << next);
            slowest = fmax(slowest, steps(fmax(a->answer_min, a->refuse_min)));
        }
        sum += search(q, said_no, now + slowest, false);
        sum *= pow(curve(&smooth, q->ask_cost_min, q->ask_cost_min), __builtin_popcount(fresh));
        best = fmax(best, sum);
    }
    return best;
}

/* ---- random cases ---------------------------------------------------------------------------------------------------- */

static void draw_question(struct referral_plan_question *q, size_t count) {
    *q = (struct referral_plan_question){.ask_count = count,
        .parallel_max = 1 + (int)draw(0, 3),
        .ask_cost_min = draw(0, 1) < .5 ? 0 : draw(0, 8),
        .deadline_min = 1 + floor(draw(0, 24)),
        .ready_min = draw(0, 1) < .5 ? 0 : floor(draw(0, 12)),
        .unplaced_min = draw(60, 300),
        .step_min = 1,
        .shock_all = draw(0, 1) < .5 ? 0 : draw(0, .2)};
    q->curve = (struct referral_curve){.span_min = draw(30, 400),
        .decay_per_min = draw(0, 1) < .5 ? 0 : .0012,
        .slope_per_min = draw(0, 1) < .5 ? 0 : .0011,
        .threshold_min = draw(0, 1) < .3 ? 0 : draw(10, 120),
        .beyond = draw(.2, 1)};
    for (int g = 0; g < 2; g++) {
        q->shocks[g] = draw(0, .5);
    }
    for (size_t i = 0; i < count; i++) {
        bool legs = draw(0, 1) < .3;
        double minutes = draw(5, 120);
        q->asks[i] = (struct referral_ask){.chance = draw(.02, .98),
            .answer_min = draw(0, 9),
            .refuse_min = draw(0, 12),
            .minutes = minutes,
            .first_min = legs ? draw(2, minutes) : -1,
            .first_share = draw(0, 1),
            .later_weight = draw(0, 1),
            .worth_min = draw(0, 1) < .7 ? 0 : draw(-10, 10),
            .rolling = draw(0, 1) < .6 ? 0 : draw(-.5, 1),
            .rolls_max_min = draw(0, 1) < .5 ? 0 : draw(1, 30),
            .factor = draw(.5, 1),
            .wrong = draw(0, 1) < .5 ? 0 : draw(0, .3),
            .wrong_min = draw(0, 60),
            .group = (int)draw(-1, 1.999),
            .open = draw(0, 1) < .15};
    }
}

static void same_as_exhaustive_search(void **state) {
    (void)state;
    double asked_sum = 0, batched = 0;
    for (int c = 0; c < CASES; c++) {
        struct referral_plan_question q;
        struct referral_plan plan;
        draw_question(&q, 1 + (size_t)draw(0, 4.999));
        for (unsigned set = 0; set < 1U << q.ask_count; set++) {
            refused[set] = all_refuse(&q, set);
        }
        referral_plan(&plan, &q, &space);
        double best = search(&q, 0, 0, true);
        if (fabs(plan.value - best) > 1e-9) {
            fail_msg("case %d of %zu: planned %.12f, best %.12f", c, q.ask_count, plan.value, best);
        }
        asked_sum += (double)plan.count;
        batched += plan.now_count > 1;
    }
    assert_true(asked_sum > CASES && batched > CASES / 20); /* the cases are not all trivial */
}

/* The plan as printed is worth what it says: simulated from its own order and batches. */
static void holds_what_it_promises(void **state) {
    (void)state;
    for (int c = 0; c < 300; c++) {
        struct referral_plan_question q;
        struct referral_plan plan;
        draw_question(&q, 8);
        referral_plan(&plan, &q, &space);
        assert_true(plan.value >= 0 && plan.value <= 1.5 && plan.placed >= -1e-12 && plan.placed <= 1 + 1e-12);
        int open = 0, now = 0;
        for (size_t i = 0; i < q.ask_count; i++) {
            open += q.asks[i].open;
        }
        for (size_t i = 0; i < plan.count; i++) {
            assert_false(q.asks[plan.order[i]].open);
            assert_true(i == 0 || plan.batch[i] >= plan.batch[i - 1]);
            now += plan.batch[i] == 0;
            for (size_t j = 0; j < i; j++) {
                assert_true(plan.order[i] != plan.order[j]);
            }
        }
        assert_int_equal(now, plan.now_count);
        assert_true(plan.now_count == 0 || now + open <= q.parallel_max);
    }
}

/* Asking dearer never means asking more: the frontier of questions against minutes can be drawn. */
static void dearer_questions_are_fewer(void **state) {
    (void)state;
    for (int c = 0; c < 60; c++) {
        struct referral_plan_question q;
        draw_question(&q, 6);
        q.parallel_max = 3;
        double most = 0, least = 0;
        for (int weight = 0; weight < 2; weight++) {
            struct referral_plan plan;
            q.ask_cost_min = weight * 60;
            referral_plan(&plan, &q, &space);
            *(weight == 0 ? &most : &least) = plan.asked;
        }
        assert_true(least <= most + 1e-9);
    }
}

static void gives_up_where_nobody_is(void **state) {
    (void)state;
    struct referral_plan plan;
    struct referral_plan_question q = {
        .curve = {.span_min = 60}, .parallel_max = 3, .deadline_min = 15, .unplaced_min = 60};
    referral_plan(&plan, &q, &space);
    assert_int_equal(plan.count, 0);
    assert_true(fabs(plan.value - exp(-1)) < 1e-12);
    assert_true(plan.minutes == 60 && plan.placed == 0 && plan.asked == 0);
}

/* A sure no of one department tells of the other: who shares its cause is not asked next. */
static void a_common_cause_moves_the_next_question(void **state) {
    (void)state;
    struct referral_plan plan;
    struct referral_plan_question q = {.ask_count = 3,
        .curve = {.span_min = 60},
        .parallel_max = 1,
        .deadline_min = 40,
        .unplaced_min = 300,
        .shocks = {.4}};
    for (int i = 0; i < 3; i++) {
        q.asks[i] = (struct referral_ask){.chance = .58 - .02 * i,
            .answer_min = 5,
            .minutes = 20 + i,
            .first_min = -1,
            .factor = 1,
            .group = i < 2 ? 0 : -1};
    }
    referral_plan(&plan, &q, &space);
    assert_int_equal(plan.order[0], 0);
    assert_int_equal(plan.order[1], 2);
    q.shocks[0] = 0;
    referral_plan(&plan, &q, &space);
    assert_int_equal(plan.order[1], 1);
}

static void how_long_it_takes(void **state) {
    (void)state;
    struct referral_plan_question q;
    struct referral_plan plan;
    double sum = 0;
    int64_t spent_us = 0;
    for (int c = 0; c < 200; c++) {
        draw_question(&q, 8);
        q.parallel_max = 3;
        q.deadline_min = 15;
        int64_t began = clock_monotonic_us();
        referral_plan(&plan, &q, &space);
        spent_us += clock_monotonic_us() - began;
        sum += plan.value;
    }
    print_message("%.1f us a plan of 8, 3 at once, 15 min (sum %.3f)\n", (double)spent_us / 200, sum);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_exhaustive_search),
        cmocka_unit_test(holds_what_it_promises),
        cmocka_unit_test(dearer_questions_are_fewer),
        cmocka_unit_test(gives_up_where_nobody_is),
        cmocka_unit_test(a_common_cause_moves_the_next_question),
        cmocka_unit_test(how_long_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
