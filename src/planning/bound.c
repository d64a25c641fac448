/* bound: what nobody can beat. See planning_bound in planning.h for what is left out so that it stays a bound.
 *
 * Why each cost is least: the nearest station answers. A journey begun at t takes the factor f(t) of that hour for all of its way,
 * and may begin later than it could: so at any time no leg moves faster than by the least factor of all hours since the earliest start
 * (way_from). The travel model is increasing and concave with T(0) >= 0, hence subadditive: a way over other places is never
 * shorter. Care starts only while the team is there, and for who waits for a team that comes from home not before it was told and came:
 * no policy tells it before it has assessed the patient. A need's days are solved one by one: to forget what they take from
 * each other only lowers the cost. */
#include <math.h>

#include "planning/run.h"

/* Primal and dual from the costs alone. */
static void sum_up(
    struct planning_assignment *out, const double *cost, const int *capacity, size_t rows, size_t columns) {
    const double *price = out->price;
    out->cost = out->dual = 0;
    for (size_t i = 0; i < rows; i++) {
        double least = INFINITY;
        out->cost += cost[i * columns + (size_t)out->column[i]];
        for (size_t j = 0; j < columns; j++) {
            least = fmin(least, cost[i * columns + j] + price[j]);
        }
        out->dual += least;
    }
    for (size_t j = 0; j + 1 < columns; j++) {
        out->dual -= price[j] * capacity[j];
    }
}

void planning_assign(struct planning_assignment *out, const double *cost, const int *capacity, size_t rows,
    size_t columns, struct arena *arena) {
    out->column = ARENA_ARRAY(arena, int, rows + 1);
    out->price = ARENA_ARRAY(arena, double, columns);
    int *used = ARENA_ARRAY(arena, int, columns);
    double *dist = ARENA_ARRAY(arena, double, columns);
    int *from = ARENA_ARRAY(arena, int, columns);
    bool *done = ARENA_ARRAY(arena, bool, columns);
    const double *price = out->price;
    for (size_t row = 0; row < rows; row++) {
        for (size_t j = 0; j < columns; j++) {
            dist[j] = cost[row * columns + j] + price[j];
            from[j] = (int)row;
            done[j] = false;
        }
        size_t end;
        for (;;) {
            end = columns;
            for (size_t j = 0; j < columns; j++) {
                if (!done[j] && (end == columns || dist[j] < dist[end])) {
                    end = j;
                }
            }
            if (end == columns - 1 || used[end] < capacity[end]) {
                break;
            }
            done[end] = true;
            for (size_t i = 0; i < row; i++) {
                if (out->column[i] != (int)end) {
                    continue;
                }
                double base = dist[end] - cost[i * columns + end] - price[end];
                for (size_t k = 0; k < columns; k++) {
                    double by = base + cost[i * columns + k] + price[k];
                    if (!done[k] && by < dist[k]) {
                        dist[k] = by;
                        from[k] = (int)i;
                    }
                }
            }
        }
        for (size_t j = 0; j < columns; j++) {
            out->price[j] += done[j] ? dist[end] - dist[j] : 0;
        }
        used[end]++;
        for (int column = (int)end, i = -1; i != (int)row;) {
            i = from[column];
            int before = out->column[i];
            out->column[i] = column;
            column = before;
        }
    }
    sum_up(out, cost, capacity, rows, columns);
}

/* ---- costs -------------------------------------------------------------------------------------------------------- */

/* The earliest end of a way of so many dry-day minutes that begins at `from` or later, in one leg or in several. */
static double way_from(const struct planning_world *w, double from, double minutes) {
    double at = from, factor = INFINITY;
    while (minutes > 0) {
        double next = (floor(at / HOUR_MIN) + 1) * HOUR_MIN;
        factor = fmin(factor, world_travel_factor(w, at));
        if (minutes * factor <= next - at) {
            return at + minutes * factor;
        }
        minutes -= (next - at) / factor;
        at = next;
    }
    return at;
}

static double least_scene(const struct planning_world *w, const struct patient *who) {
    double least = INFINITY;
    for (int v = 0; v < w->vehicle_count; v++) {
        least = fmin(least, w->by_district[w->vehicle_station[v] * w->district_count + who->district]);
    }
    return way_from(w, who->call_at, least) + w->p->turnout_min;
}

static double least_arrival(const struct planning_world *w, const struct patient *who, double scene, int place) {
    double ready = scene + (double)who->scene_min;
    double by_road = way_from(w, ready, w->to_place[who->district * w->place_count + place]);
    double flight = w->heli_base >= 0 ? world_flight(w, who->district) : INFINITY;
    if (!isfinite(flight)) {
        return by_road;
    }
    double onwards = place == w->heli_base ? 0 : w->between[w->heli_base * w->place_count + place];
    return fmin(by_road, way_from(w, ready + flight, onwards));
}

/* Minutes from the arrival until a team from home is there: it is told when the crew has assessed the patient, at the earliest. */
static double least_wait(
    const struct planning_world *w, const struct patient *who, double scene, int place, double arrival) {
    int need = w->rows[who->condition].need;
    bool team = w->p->conditions[who->condition].team && need >= 0;
    double call_in = team ? w->places[place].call_in_minutes[need] : 0;
    return fmax(arrival, scene + w->p->assess_min + call_in) - arrival;
}

struct day {
    const struct planning_world *world;
    int condition;
    const int *patients;
    size_t count;
    double first; /* start of the first window */
    int windows;
};

/* The earliest start within a window at a place; INFINITY where the team is not there. */
static double start_within(const struct day *day, int place, double arrival, int window) {
    const struct planning_world *w = day->world;
    double from = day->first + window * w->p->procedure_min, to = from + w->p->procedure_min;
    double at = fmax(from, arrival);
    int need = w->rows[day->condition].need;
    while (at < to) {
        if (world_team(w, place, need, at)) {
            return at;
        }
        at = (floor(at / HOUR_MIN) + 1) * HOUR_MIN;
    }
    return INFINITY;
}

static void fill_costs(double *cost, const struct day *day, const int *places, int place_count) {
    const struct planning_world *w = day->world;
    size_t columns = (size_t)place_count * (size_t)day->windows + 1;
    for (size_t i = 0; i < day->count; i++) {
        const struct patient *who = &w->patients[day->patients[i]];
        double scene = least_scene(w, who);
        for (int k = 0; k < place_count; k++) {
            double arrival = least_arrival(w, who, scene, places[k]);
            double called_in = arrival + least_wait(w, who, scene, places[k], arrival);
            bool serves = world_serves(w, places[k], day->condition, who->age_months);
            for (int window = 0; window < day->windows; window++) {
                double start = serves ? start_within(day, places[k], arrival, window) : INFINITY;
                double minutes = fmax(start, called_in) - who->call_at;
                cost[i * columns + (size_t)(k * day->windows + window)] =
                    minutes < w->p->penalty_min ? minutes : w->p->penalty_min;
            }
        }
        cost[i * columns + columns - 1] = w->p->penalty_min;
    }
}

static void add_to(
    struct planning_bound *out, const struct planning_world *w, int patient, double primal, double dual) {
    out->primal_mean += primal;
    out->dual_mean += dual;
    double at = w->patients[patient].call_at;
    size_t batch = (size_t)(at / w->end_at * (double)out->batch_count);
    out->batch_dual[batch] += dual;
}

static void solve_day(struct planning_bound *out, const struct day *day, struct arena *arena) {
    const struct planning_world *w = day->world;
    int places[PLACES_MAX], place_count = 0;
    for (int place = 0; place < w->place_count; place++) {
        if (world_serves(w, place, day->condition, 12 * 40) || world_serves(w, place, day->condition, 12)) {
            places[place_count++] = place;
        }
    }
    size_t columns = (size_t)place_count * (size_t)day->windows + 1;
    double *cost = ARENA_ARRAY(arena, double, columns * day->count);
    int *capacity = ARENA_ARRAY(arena, int, columns);
    bool counted = w->p->conditions[day->condition].team && w->rows[day->condition].need >= 0 &&
                   w->p->conditions[day->condition].stay != STAY_HOME;
    for (size_t j = 0; j < columns; j++) {
        capacity[j] = counted ? (int)w->p->teams : (int)day->count;
    }
    fill_costs(cost, day, places, place_count);
    struct planning_assignment assignment;
    planning_assign(&assignment, cost, capacity, day->count, columns, arena);
    for (size_t i = 0; i < day->count; i++) {
        double own = cost[i * columns + (size_t)assignment.column[i]];
        out->unservable += own >= w->p->penalty_min ? 1 : 0;
        add_to(out, w, day->patients[i], own, assignment.dual / (double)day->count);
    }
}

enum { BOUND_ARENA_MAX = 256 << 20 };
static void solve_condition(
    struct planning_bound *out, const struct planning_world *w, int condition, int *patients, struct arena *arena) {
    const struct planning_parameters *p = w->p;
    size_t count = 0;
    int today = 0;
    for (int i = 0; i <= w->patient_count; i++) {
        const struct patient *who = &w->patients[i < w->patient_count ? i : 0];
        bool mine = i < w->patient_count && world_severe(who) && who->condition == condition && who->call_at >= 0;
        if (count > 0 && (i == w->patient_count || (mine && world_day(who->call_at) != today))) {
            int windows = (int)ceil((DAY_MIN + p->penalty_min) / p->procedure_min) + 1;
            struct day day = {.world = w,
                .condition = condition,
                .patients = patients,
                .count = count,
                .first = floor(today * DAY_MIN / p->procedure_min) * p->procedure_min,
                .windows = windows};
            solve_day(out, &day, arena);
            arena_reset(arena);
            count = 0;
        }
        if (mine) {
            today = world_day(who->call_at);
            patients[count++] = i;
        }
    }
}

enum status planning_bound_find(struct planning_bound *out, const struct planning_world *world, struct scope *scope) {
    double counts[BATCHES_MAX] = {0};
    int *patients = ARENA_ARRAY(scope->arena, int, (size_t)world->patient_count + 1);
    struct arena *arena = arena_open(BOUND_ARENA_MAX);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the limit");
    }
    *out = (struct planning_bound){
        .batch_count = (size_t)(world->span.days < BATCHES_MAX ? world->span.days : BATCHES_MAX)};
    for (int i = 0; i < world->patient_count; i++) {
        const struct patient *who = &world->patients[i];
        if (world_severe(who) && who->call_at >= 0) {
            out->patients++;
            counts[(size_t)(who->call_at / world->end_at * (double)out->batch_count)]++;
        }
    }
    for (int c = 0; c < world->p->condition_count; c++) {
        solve_condition(out, world, c, patients, arena);
    }
    arena_close(arena);
    if (out->patients > 0) {
        out->primal_mean /= (double)out->patients;
        out->dual_mean /= (double)out->patients;
    }
    for (size_t i = 0; i < out->batch_count; i++) {
        out->batch_dual[i] = counts[i] > 0 ? out->batch_dual[i] / counts[i] : NAN;
    }
    return STATUS_OK;
}
