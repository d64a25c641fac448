/* doubt: what the patient may have instead of what the crew sees, by the published confusion, and what a place costs that cannot treat
 * it. Pure; from the parameters and the static network alone: no patient's truth is looked at. */
#include <math.h>
#include <stdlib.h>

#include "planning/run.h"

enum { ADULT_MONTHS = 40 * 12, CHILD_MONTHS = 5 * 12, CHILD_BELOW_MONTHS = 15 * 12, NO_ANSWER_GAP_MIN = 60 };

struct next_place {
    int place;
    double minutes;
};

static int by_minutes(const void *left, const void *right) {
    const struct next_place *a = left, *b = right;
    return a->minutes != b->minutes ? (a->minutes < b->minutes ? -1 : 1) : a->place - b->place;
}

/* From here to who treats it: one hospital after the other is asked, nearest first, each says no with the published share. */
static double onward_of(const struct run *run, const struct next_place *order, int count, int condition, int age) {
    double left = 1, minutes = 0, refuse = run->p->transfer_refuse, last = run->p->penalty_min;
    for (int i = 0; i < count; i++) {
        if (world_serves(run->world, order[i].place, condition, age)) {
            minutes += left * (1 - refuse) * order[i].minutes;
            last = left >= 1 ? order[i].minutes + NO_ANSWER_GAP_MIN : last;
            left *= refuse;
        }
    }
    return fmax(run->p->stabilise_min, run->p->transfer_prepare_min) + minutes + left * last;
}

void doubt_open(struct run *run) {
    const struct planning_world *w = run->world;
    struct next_place order[PLACES_MAX];
    for (int place = 0; place < w->place_count; place++) {
        int count = 0;
        for (int to = 0; to < w->place_count; to++) {
            if (to != place) {
                order[count++] =
                    (struct next_place){to, w->between[place * w->place_count + to] * run->p->ambulance_travel};
            }
        }
        qsort(order, (size_t)count, sizeof order[0], by_minutes);
        for (int c = 0; c < run->p->condition_count; c++) {
            run->onward[0][place][c] = onward_of(run, order, count, c, ADULT_MONTHS);
            run->onward[1][place][c] = onward_of(run, order, count, c, CHILD_MONTHS);
        }
    }
}

/* Chance that the place treats it when the patient comes: services, and who is on call as far as is known. */
static double treats(const struct run *run, const struct asking *asking, int place, int c) {
    int need = run->world->rows[c].need;
    if (!world_serves(run->world, place, c, asking->age_months)) {
        return 0;
    }
    if (!run->p->conditions[c].team || need < 0) {
        return 1;
    }
    const struct planning_world *w = run->world;
    double way = asking->district >= 0 ? w->to_place[asking->district * w->place_count + place] : 0;
    double at = fmax(asking->ready, asking->at) + way * world_travel_factor(w, asking->at);
    int percent = region_on_call(&run->seen, &run->seen_places[place], need, world_us(w, at));
    double team = percent < 0 ? 1 : percent / 100.0;
    team *= 1 - run->p->theatre_busy;
    return c == asking->condition ? team / (team + run->p->answer_error * (1 - team)) : team;
}

double doubt_find(struct referral_wrong out[PLACES_MAX], const struct run *run, const struct asking *asking) {
    double chance[CONDITIONS_MAX] = {0};
    int child = asking->age_months < CHILD_BELOW_MONTHS ? 1 : 0;
    double severe = region_readings_weigh(chance, &run->readings, &asking->seen);
    for (int place = 0; place < run->world->place_count; place++) {
        double wrong = 0, minutes = 0;
        for (int c = 0; c < run->p->condition_count; c++) {
            double fails = chance[c] > 0 ? chance[c] * (1 - treats(run, asking, place, c)) : 0;
            wrong += fails;
            minutes += fails * run->onward[child][place][c];
        }
        out[place] = (struct referral_wrong){.chance = wrong, .minutes = wrong > 0 ? minutes / wrong : 0};
    }
    return severe;
}
