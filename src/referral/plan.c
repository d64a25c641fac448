/* Whom to ask, in which order, how many at once: exact, over the best eight. Pure.
 *
 * Inside, places are numbered in the order of answering, so that the members of a batch, taken from the lowest bit up, are in the
 * order in which their yes would come. U(A, e) is the chance that all of A say no, times the best worth from then on. */
#include <math.h>
#include <string.h>

#include "referral/referral.h"

enum { SETS = 1 << REFERRAL_PLAN_MAX };
#define GAIN_GRAIN 1e-12 /* plans nearer than this are equal: the tie rule decides, not the last bit of a sum */

struct planning {
    const struct referral_plan_question *question;
    struct referral_plan_space *space;
    int count, parallel;
    int index[REFERRAL_PLAN_MAX];                             /* of the asks */
    int answer[REFERRAL_PLAN_MAX], refuse[REFERRAL_PLAN_MAX]; /* steps */
    double worth[REFERRAL_PLAN_MAX][REFERRAL_PLAN_STEPS];     /* by the step at which its yes comes */
    double given_up[REFERRAL_PLAN_STEPS];
    double discount[REFERRAL_PLAN_MAX + 1]; /* of asking so many */
    unsigned open;                          /* bits */
    double step_min;
    int deadline; /* step: nothing is asked from here on */
    uint8_t batches[SETS], slowest[SETS];
    int batch_count;
};

/* ---- worth -------------------------------------------------------------------------------------------------------- */

static double benefit_at(const struct referral_curve *curve, double minutes) {
    double value = 1;
    if (curve->decay_per_min > 0) {
        value *= exp(-curve->decay_per_min * minutes);
    }
    if (curve->slope_per_min > 0) {
        value *= fmax(0, 1 - curve->slope_per_min * minutes);
    }
    return curve->threshold_min > 0 && minutes > curve->threshold_min ? value * curve->beyond : value;
}

static double preference_at(const struct referral_curve *curve, double minutes) {
    return curve->span_min > 0 ? exp(-fmax(0, minutes) / curve->span_min) : 1;
}

double referral_curve_at(const struct referral_curve *curve, double minutes) {
    return benefit_at(curve, minutes) * preference_at(curve, minutes);
}

/* `late_min`: minutes of asking after the patient could have left. */
static double gained(const struct referral_ask *ask, double late_min) {
    double gain = ask->rolling * late_min;
    return ask->rolls_max_min > 0 ? fmin(gain, ask->rolls_max_min) : fmin(gain, ask->minutes);
}

static double worth_later(
    const struct referral_ask *ask, const struct referral_curve *curve, double late_min, double later_min) {
    double shift = late_min - gained(ask, late_min) + later_min, minutes = ask->minutes + shift;
    double benefit = benefit_at(curve, minutes), weighed = minutes;
    if (ask->first_min >= 0) {
        double first = ask->first_min + shift;
        benefit = ask->first_share * benefit_at(curve, first) + (1 - ask->first_share) * benefit;
        weighed = first + ask->later_weight * (minutes - first);
    }
    return benefit * preference_at(curve, weighed - ask->worth_min);
}

static double worth_of(const struct referral_ask *ask, const struct referral_curve *curve, double late_min) {
    double worth = worth_later(ask, curve, late_min, 0);
    if (ask->wrong > 0) {
        worth = (1 - ask->wrong) * worth + ask->wrong * worth_later(ask, curve, late_min, ask->wrong_min);
    }
    return ask->factor > 0 ? worth * ask->factor : worth;
}

/* ---- preparing ------------------------------------------------------------------------------------------------------ */

static int steps_of(double minutes, double step_min) {
    int steps = (int)ceil(fmax(0, minutes) / step_min - 1e-9);
    return steps < 1 ? 1 : steps; /* no answer is at once: or a plan would ask for ever in no time */
}

static double refuse_min(const struct referral_ask *ask) {
    return fmax(ask->answer_min, ask->refuse_min);
}

/* The grid: so fine that the deadline and the slowest answer after it have room. */
static void set_grid(struct planning *p) {
    const struct referral_plan_question *q = p->question;
    double slowest = 0;
    for (size_t i = 0; i < q->ask_count; i++) {
        slowest = fmax(slowest, refuse_min(&q->asks[i]));
    }
    double least = (fmax(0, q->deadline_min) + slowest) / (REFERRAL_PLAN_STEPS - 3);
    p->step_min = fmax(q->step_min > 0 ? q->step_min : 1, least);
    p->deadline = q->deadline_min > 0 ? steps_of(q->deadline_min, p->step_min) : 0;
}

static void sort_asks(struct planning *p) {
    const struct referral_plan_question *q = p->question;
    p->count = 0;
    for (size_t i = 0; i < q->ask_count && i < REFERRAL_PLAN_MAX; i++) {
        int answer = steps_of(q->asks[i].answer_min, p->step_min), at = p->count++;
        for (; at > 0 && p->answer[at - 1] > answer; at--) {
            p->answer[at] = p->answer[at - 1];
            p->index[at] = p->index[at - 1];
        }
        p->answer[at] = answer;
        p->index[at] = (int)i;
    }
    p->open = 0;
    for (int i = 0; i < p->count; i++) {
        const struct referral_ask *ask = &q->asks[p->index[i]];
        p->refuse[i] = steps_of(refuse_min(ask), p->step_min);
        p->open |= ask->open ? 1U << i : 0;
    }
}

static void set_worths(struct planning *p) {
    const struct referral_plan_question *q = p->question;
    for (int step = 0; step < REFERRAL_PLAN_STEPS; step++) {
        double minutes = fmax(0, step * p->step_min - q->ready_min);
        for (int i = 0; i < p->count; i++) {
            bool asked_in_time = step >= p->answer[i] && step < p->deadline + p->answer[i];
            p->worth[i][step] = asked_in_time ? worth_of(&q->asks[p->index[i]], &q->curve, minutes) : 0;
        }
        p->given_up[step] = referral_curve_at(&q->curve, minutes + q->unplaced_min);
    }
    struct referral_curve smooth = q->curve;
    smooth.threshold_min = 0; /* a question costs minutes, not the window */
    double one = referral_curve_at(&smooth, q->ask_cost_min);
    p->discount[0] = 1;
    for (int i = 1; i <= p->count; i++) {
        p->discount[i] = p->discount[i - 1] * one;
    }
}

/* Chance that a whole set says no. */
static void set_refusals(struct planning *p) {
    const struct referral_plan_question *q = p->question;
    for (unsigned set = 0; set < 1U << p->count; set++) {
        double alone = 1, together[REFERRAL_PLAN_GROUPS];
        for (int g = 0; g < REFERRAL_PLAN_GROUPS; g++) {
            together[g] = 1;
        }
        for (unsigned left = set; left != 0; left &= left - 1) {
            const struct referral_ask *ask = &q->asks[p->index[__builtin_ctz(left)]];
            bool grouped = ask->group >= 0 && ask->group < REFERRAL_PLAN_GROUPS;
            double free = (1 - q->shock_all) * (grouped ? 1 - q->shocks[ask->group] : 1);
            double no = 1 - (free > 0 ? fmin(1, fmax(0, ask->chance) / free) : 0);
            *(grouped ? &together[ask->group] : &alone) *= no;
        }
        for (int g = 0; g < REFERRAL_PLAN_GROUPS; g++) {
            alone *= q->shocks[g] + (1 - q->shocks[g]) * together[g];
        }
        p->space->refused[set] = q->shock_all + (1 - q->shock_all) * alone;
    }
}

/* Smaller batches first, then by who answers sooner. */
static void list_batches(struct planning *p) {
    p->batch_count = 0;
    for (int size = 1; size <= p->parallel; size++) {
        for (unsigned set = 1; set < 1U << p->count; set++) {
            if (__builtin_popcount(set) == size) {
                p->batches[p->batch_count++] = (uint8_t)set;
            }
        }
    }
    for (unsigned set = 0; set < 1U << p->count; set++) {
        int slowest = 0;
        for (unsigned left = set; left != 0; left &= left - 1) {
            int refuse = p->refuse[__builtin_ctz(left)];
            slowest = refuse > slowest ? refuse : slowest;
        }
        p->slowest[set] = (uint8_t)slowest;
    }
}

/* ---- the programme --------------------------------------------------------------------------------------------------- */

static uint64_t before_deadline(const struct planning *p) {
    return (UINT64_C(1) << p->deadline) - 1;
}

/* What may be asked of those who are left: nothing is open any more but at the very beginning. */
static bool fits(const struct planning *p, unsigned asked, unsigned batch) {
    return (batch & asked) == 0 && (batch & p->open) == 0;
}

static int room_at_first(const struct planning *p) {
    int room = p->parallel - __builtin_popcount(p->open);
    return room > 0 ? room : 0;
}

static void reach(struct planning *p) {
    struct referral_plan_space *space = p->space;
    memset(space->reached, 0, sizeof space->reached[0] << p->count);
    uint64_t early = before_deadline(p);
    space->reached[0] = 1;
    for (unsigned asked = 0; asked < 1U << p->count; asked++) {
        uint64_t from = space->reached[asked] & early;
        if (from == 0) {
            continue;
        }
        unsigned with = asked == 0 ? p->open : 0;
        if (with != 0) {
            space->reached[with] |= from << p->slowest[with];
        }
        for (int b = 0; b < p->batch_count; b++) {
            unsigned batch = p->batches[b];
            if (!fits(p, asked, batch) || (with != 0 && __builtin_popcount(batch) > room_at_first(p))) {
                continue;
            }
            space->reached[asked | batch | with] |= from << p->slowest[batch | with];
        }
    }
}

/* What each member of a batch brings, weighted by the chance that its yes is the first. */
static int first_yes(double weights[REFERRAL_PLAN_MAX], int members[REFERRAL_PLAN_MAX], const struct planning *p,
    unsigned asked, unsigned batch) {
    int count = 0;
    for (unsigned left = batch; left != 0; left &= left - 1) {
        unsigned after = asked | (left & -left);
        members[count] = __builtin_ctz(left);
        weights[count++] = p->space->refused[asked] - p->space->refused[after];
        asked = after;
    }
    return count;
}

static void try_batch(struct planning *p, unsigned asked, unsigned fresh, unsigned batch, uint64_t steps) {
    struct referral_plan_space *space = p->space;
    double weights[REFERRAL_PLAN_MAX];
    int members[REFERRAL_PLAN_MAX], slowest = p->slowest[batch];
    int count = first_yes(weights, members, p, asked, batch);
    double discount = p->discount[__builtin_popcount(fresh)];
    const double *later = space->worth[asked | batch];
    for (uint64_t left = steps; left != 0; left &= left - 1) {
        int step = __builtin_ctzll(left);
        double worth = later[step + slowest];
        for (int i = 0; i < count; i++) {
            worth += weights[i] * p->worth[members[i]][step + p->answer[members[i]]];
        }
        worth *= discount;
        if (worth > space->worth[asked][step] + GAIN_GRAIN) {
            space->worth[asked][step] = worth;
            space->choice[asked][step] = (uint8_t)fresh;
        }
    }
}

static void solve_set(struct planning *p, unsigned asked) {
    struct referral_plan_space *space = p->space;
    for (uint64_t left = space->reached[asked]; left != 0; left &= left - 1) {
        int step = __builtin_ctzll(left);
        space->worth[asked][step] = space->refused[asked] * p->given_up[step];
        space->choice[asked][step] = 0;
    }
    uint64_t steps = space->reached[asked] & before_deadline(p);
    if (steps == 0) {
        return;
    }
    unsigned with = asked == 0 ? p->open : 0;
    if (with != 0) { /* what is asked already cannot be unasked: waiting for it is the least */
        space->worth[asked][0] = -1;
        try_batch(p, asked, 0, with, steps);
    }
    for (int b = 0; b < p->batch_count; b++) {
        unsigned batch = p->batches[b];
        if (fits(p, asked, batch) && (with == 0 || __builtin_popcount(batch) <= room_at_first(p))) {
            try_batch(p, asked, batch, batch | with, steps);
        }
    }
}

/* ---- the answer ----------------------------------------------------------------------------------------------------- */

static double minutes_of(const struct planning *p, int member, int step) {
    const struct referral_ask *ask = &p->question->asks[p->index[member]];
    double late = fmax(0, (step + p->answer[member]) * p->step_min - p->question->ready_min);
    return late - gained(ask, late) + ask->minutes;
}

/* When all say no, what follows is certain: the plan is one row of batches. */
static void follow(struct referral_plan *out, const struct planning *p) {
    const struct referral_plan_space *space = p->space;
    unsigned asked = 0;
    int step = 0;
    out->value = space->worth[0][0];
    for (bool first = true;; first = false) {
        unsigned fresh = step < p->deadline ? space->choice[asked][step] : 0;
        unsigned batch = fresh | (first && step < p->deadline ? p->open : 0);
        if (batch == 0) {
            break;
        }
        double weights[REFERRAL_PLAN_MAX];
        int members[REFERRAL_PLAN_MAX], count = first_yes(weights, members, p, asked, batch);
        for (int i = 0; i < count; i++) {
            out->minutes += weights[i] * minutes_of(p, members[i], step);
            if ((fresh >> members[i] & 1) != 0) {
                out->order[out->count] = p->index[members[i]];
                out->batch[out->count++] = (int)out->batch_count;
                out->now_count += first ? 1 : 0;
            }
        }
        out->asked += space->refused[asked] * __builtin_popcount(fresh);
        out->batch_count++;
        asked |= batch;
        step += p->slowest[batch];
    }
    out->placed = 1 - space->refused[asked];
    out->minutes +=
        space->refused[asked] * (fmax(0, step * p->step_min - p->question->ready_min) + p->question->unplaced_min);
}

void referral_plan(
    struct referral_plan *out, const struct referral_plan_question *question, struct referral_plan_space *space) {
    struct planning p = {.question = question, .space = space};
    *out = (struct referral_plan){0};
    set_grid(&p);
    sort_asks(&p);
    p.parallel = question->parallel_max < 1 ? 1 : question->parallel_max > p.count ? p.count : question->parallel_max;
    set_worths(&p);
    set_refusals(&p);
    list_batches(&p);
    reach(&p);
    for (unsigned asked = 1U << p.count; asked-- > 0;) {
        solve_set(&p, asked);
    }
    follow(out, &p);
}
