/* hospital: true beds and teams, what a department answers, and what its board says. */
#include <math.h>

#include "planning/run.h"

enum { TEAM_STEP_MIN = 10, TEAM_ASK_AHEAD_MIN = 30 };

void hospital_use(struct run *run, int place, int bed, int by) {
    run->used[place][bed] += by;
    invariant(run->used[place][bed] >= 0);
    if (bed == run->world->emergency_bed) {
        measure_over(run, place);
    }
}

bool hospital_bed_free(const struct run *run, int place, int condition, int *bed_out) {
    const struct condition_row *row = &run->world->rows[condition];
    for (int i = 0; i < row->bed_count; i++) {
        int bed = row->beds[i];
        if (bed != run->world->emergency_bed && run->used[place][bed] < run->world->places[place].beds[bed].total) {
            *bed_out = bed;
            return true;
        }
    }
    *bed_out = -1;
    return false;
}

/* Beds of an emergency department never turn anybody away by themselves; what lies behind it may. */
static bool bed_needed(const struct run *run, int condition) {
    const struct condition_row *row = &run->world->rows[condition];
    for (int i = 0; i < row->bed_count; i++) {
        if (row->beds[i] == run->world->emergency_bed) {
            return false;
        }
    }
    return row->bed_count > 0 && run->p->conditions[condition].stay != STAY_HOME;
}

static double team_free_at(const struct run *run, int place, int need) {
    double least = INFINITY;
    for (int i = 0; i < (int)run->p->teams && i < TEAMS_MAX; i++) {
        least = fmin(least, run->busy_until[place][need][i]);
    }
    return least;
}

static double hour_shock(const struct run *run, int place, double at) {
    uint64_t hour = (uint64_t)(floor(at / HOUR_MIN) + WARM_DAYS * HOURS), h = (uint64_t)place;
    uint64_t seed = run->world->span.seed;
    return random_normal(random_unit(seed, STREAM_SHOCK, h, hour, 0), random_unit(seed, STREAM_SHOCK, h, hour, 1));
}

static bool says_other(const struct run *run, int patient, int place) {
    const struct journey *journey = &run->journeys[patient];
    /* The second leg of a plan was asked for with the first, as for any patient at a scene. */
    bool transfer = journey->leg > 0 && !journey->planned && (run->told & PLANNING_TOLD_TRANSFER) == 0;
    double base = transfer ? run->p->transfer_refuse : run->p->refuse_base;
    if (base <= 0) {
        return false;
    }
    base = 1 - world_drifted(run->world, 1 - base, run->now);
    bool half = transfer && (run->told & PLANNING_TRANSFER_HALF) != 0;
    double logit =
        log(base / (1 - base)) + (half ? log(.5) : 0) + run->p->hour_shock * hour_shock(run, place, run->now);
    double unit = random_unit(run->world->span.seed, STREAM_ANSWER, (uint64_t)patient, (uint64_t)place, 0);
    return unit < 1 / (1 + exp(-logit));
}

static enum answer team_answer(const struct run *run, int patient, int place, int condition) {
    int need = run->world->rows[condition].need;
    uint64_t seed = run->world->span.seed;
    if (!run->p->conditions[condition].team || need < 0) {
        return ANSWER_YES;
    }
    if (!world_team(run->world, place, need, run->now)) {
        double unit = random_unit(seed, STREAM_ERROR, (uint64_t)patient, (uint64_t)place, 0);
        return unit < run->p->answer_error ? ANSWER_YES : ANSWER_STAFF;
    }
    return team_free_at(run, place, need) > run->now + TEAM_ASK_AHEAD_MIN ? ANSWER_THEATRE : ANSWER_YES;
}

/* The first of two planned legs is asked for no more than its emergency department. */
static bool asked_to_stabilise(const struct journey *journey, int place) {
    for (int i = 0; i < journey->order_count; i++) {
        if (journey->order[i] == place) {
            return journey->order_second[i] >= 0;
        }
    }
    return false;
}

enum answer hospital_answer(struct run *run, int patient, int place) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    int condition = run_condition(run, patient), level = run_level(run, patient), bed;
    bool stabilise = asked_to_stabilise(journey, place);
    bool serves = world_serves(run->world, place, condition, who->age_months);
    double unit = random_unit(run->world->span.seed, STREAM_FIRST, (uint64_t)patient, (uint64_t)place, 0);
    if (!serves && !stabilise && (journey->leg > 0 || unit >= run->p->first_aid_yes)) {
        return ANSWER_SCOPE;
    }
    bool definitive = serves && !stabilise;
    enum answer team = definitive ? team_answer(run, patient, place, condition) : ANSWER_YES;
    if (team != ANSWER_YES) {
        return team;
    }
    if (definitive && bed_needed(run, condition) && !hospital_bed_free(run, place, condition, &bed)) {
        return run->p->conditions[condition].stay == STAY_ICU ? ANSWER_ICU : ANSWER_WARD;
    }
    int emergency = run->world->emergency_bed;
    double full = run->p->ed_full_refuse * (level == 1 ? .5 : 1); /* assumption: half as often at level 1 */
    if (run->used[place][emergency] >= run->world->places[place].beds[emergency].total &&
        random_unit(run->world->span.seed, STREAM_FULL, (uint64_t)patient, (uint64_t)place, 0) < full) {
        return ANSWER_ED;
    }
    return says_other(run, patient, place) ? ANSWER_OTHER : ANSWER_YES;
}

double hospital_start(const struct run *run, int patient, int place, double from, enum answer *why_out) {
    const struct patient *who = &run->world->patients[patient];
    int condition = who->condition, bed, need = run->world->rows[condition].need;
    *why_out = ANSWER_YES;
    if (!world_serves(run->world, place, condition, who->age_months)) {
        *why_out = ANSWER_SCOPE;
        return INFINITY;
    }
    if (run->p->conditions[condition].stay == STAY_ICU && bed_needed(run, condition) &&
        !hospital_bed_free(run, place, condition, &bed) && run->journeys[patient].held_place != place) {
        *why_out = ANSWER_ICU;
        return INFINITY;
    }
    if (!run->p->conditions[condition].team || need < 0) {
        return from;
    }
    bool there = false;
    for (double at = from; at <= from + run->p->hold_wait_min; at += TEAM_STEP_MIN) {
        bool now = world_team(run->world, place, need, at);
        there = there || now;
        if (now && team_free_at(run, place, need) <= at) {
            return at;
        }
    }
    *why_out = there ? ANSWER_THEATRE : ANSWER_STAFF;
    return INFINITY;
}

/* ---- others: walk-ins, private transfers, those already lying there --------------------------------------------------- */

enum pool { POOL_ED, POOL_ICU, POOL_WARD, POOLS };
static enum pool pool_of(const struct run *run, int bed) {
    static const char *const intensive[] = {
        "hv31", "hv2", "hv3", "hvncc", "hv32", "hv33", "hvcc", "hv6", "hv8", "hv9", "hv34", "hvccc", "hvicc", "hv35"};
    if (bed == run->world->emergency_bed) {
        return POOL_ED;
    }
    for (size_t i = 0; i < sizeof intensive / sizeof intensive[0]; i++) {
        if (text_is(run->world->snapshot.beds[bed].code, intensive[i])) {
            return POOL_ICU;
        }
    }
    return POOL_WARD;
}

static double stay_min(const struct run *run, enum pool pool) {
    const double hours[POOLS] = {run->p->ed_stay_h, run->p->icu_stay_h, run->p->ward_stay_h};
    return hours[pool] * HOUR_MIN;
}

static void push_other(struct run *run, int place, int bed, int n, double after) {
    const double load[POOLS] = {run->p->ed_load, run->p->icu_load, run->p->ward_load};
    enum pool pool = pool_of(run, bed);
    double rate = load[pool] * run->world->places[place].beds[bed].total / stay_min(run, pool);
    if (rate <= 0) {
        return;
    }
    uint64_t key = (uint64_t)place * REGION_BEDS_MAX + (uint64_t)bed;
    double gap =
        random_exponential(1 / rate, random_unit(run->world->span.seed, STREAM_OTHER_GAP, key, (uint64_t)n, 0));
    heap_push(&run->heap, (struct event){.at = after + gap, .kind = EVENT_OTHER, .a = place, .b = bed, .c = n});
}

static double other_stay(const struct run *run, int place, int bed, int n) {
    uint64_t key = (uint64_t)place * REGION_BEDS_MAX + (uint64_t)bed;
    return random_exponential(
        stay_min(run, pool_of(run, bed)), random_unit(run->world->span.seed, STREAM_OTHER_STAY, key, (uint64_t)n, 0));
}

/* Starts filled to the load; the week before settles the rest. */
void hospital_start_others(struct run *run) {
    const double load[POOLS] = {run->p->ed_load, run->p->icu_load, run->p->ward_load};
    for (int place = 0; place < run->world->place_count; place++) {
        for (int bed = 0; bed < (int)run->world->snapshot.bed_count; bed++) {
            int total = run->world->places[place].beds[bed].total;
            int filled = (int)(load[pool_of(run, bed)] * total);
            for (int i = 0; i < filled; i++) {
                hospital_use(run, place, bed, 1);
                heap_push(&run->heap, (struct event){.at = run->now + other_stay(run, place, bed, -1 - i),
                                          .kind = EVENT_RELEASE,
                                          .a = place,
                                          .b = bed});
            }
            push_other(run, place, bed, 0, run->now);
        }
        if (run->policy == PLANNING_NATIONAL || run->policy == PLANNING_SOYANG) { /* who else chooses reads no board */
            hospital_board_next(run, place);
        }
    }
}

/* Nobody is sent away from an emergency department's door; a full ward or unit sends its other patients elsewhere. */
void hospital_other(struct run *run, const struct event *event) {
    int place = event->a, bed = event->b;
    bool emergency = bed == run->world->emergency_bed;
    if (emergency || run->used[place][bed] < run->world->places[place].beds[bed].total) {
        hospital_use(run, place, bed, 1);
        heap_push(&run->heap,
            (struct event){
                .at = run->now + other_stay(run, place, bed, event->c), .kind = EVENT_RELEASE, .a = place, .b = bed});
    }
    push_other(run, place, bed, event->c + 1, run->now);
}

/* ---- boards --------------------------------------------------------------------------------------------------------- */

void hospital_board_next(struct run *run, int place) {
    int n = run->boards_typed[place]++;
    double mean = run->p->board_interval_min * (world_night(run->now) ? 2 : 1);
    double unit = random_unit(run->world->span.seed, STREAM_BOARD_GAP, (uint64_t)place, (uint64_t)n, 0);
    heap_push(&run->heap,
        (struct event){.at = run->now + random_exponential(mean, unit), .kind = EVENT_BOARD, .a = place, .b = n});
}

static bool is_false(const struct run *run, int place, int n, int entry) {
    return random_unit(run->world->span.seed, STREAM_BOARD_FALSE, (uint64_t)place, (uint64_t)n, (uint64_t)entry) <
           run->p->board_false;
}

static bool promises(const struct run *run, int place, int n, int entry) {
    return random_unit(run->world->span.seed, STREAM_BOARD_BIAS, (uint64_t)place, (uint64_t)n, (uint64_t)entry) <
           run->p->board_bias;
}

void hospital_said(struct run *run, int place, const int *free, uint64_t teams, double at) {
    enum { SAID_YES = 97, SAID_NO = 8 }; /* percent; assumption: how far a statement about a team is believed at once */
    struct region_place *said = &run->seen_places[place];
    const struct region_place *plain = &run->world->places[place];
    for (int bed = 0; bed < (int)run->world->snapshot.bed_count; bed++) {
        if (plain->beds[bed].total > 0) {
            said->beds[bed] = (struct region_count){
                .known = true, .free = free[bed], .total = plain->beds[bed].total, .said_us = world_us(run->world, at)};
        }
    }
    run->said_team[place] = teams;
    run->said_at[place] = at;
    if (plain->on_call == NULL || run->seen_on_call[place][0] == NULL) {
        return;
    }
    int hours[2] = {world_hour(at), (world_hour(at) + 1) % HOURS};
    for (int k = 0; k < 2; k++) {
        const uint8_t *from = k == 0 || plain->on_call_weekend == NULL ? plain->on_call : plain->on_call_weekend;
        uint8_t *to = run->seen_on_call[place][k];
        for (int i = 0; i < HOURS * REGION_NEEDS_MAX; i++) {
            to[i] = from[i];
        }
        for (int i = 0; i < 2 * REGION_NEEDS_MAX; i++) {
            int need = i % REGION_NEEDS_MAX;
            to[hours[i / REGION_NEEDS_MAX] * REGION_NEEDS_MAX + need] = teams >> need & 1 ? SAID_YES : SAID_NO;
        }
    }
}

void hospital_true(struct run *run, int place) {
    int free[REGION_BEDS_MAX] = {0};
    uint64_t teams = 0;
    for (int bed = 0; bed < (int)run->world->snapshot.bed_count; bed++) {
        free[bed] = run->world->places[place].beds[bed].total - run->used[place][bed];
    }
    for (int need = 0; need < (int)run->world->snapshot.need_count; need++) {
        bool there = world_team(run->world, place, need, run->now) && team_free_at(run, place, need) <= run->now;
        teams |= (uint64_t)there << need;
    }
    hospital_said(run, place, free, teams, record_time(run->now));
}

/* What is typed was true some minutes ago; an entry that is false promises a bed or a team too much, or hides one. */
void hospital_board(struct run *run, int place) {
    int free[REGION_BEDS_MAX] = {0}, n = run->boards_typed[place];
    uint64_t teams = 0;
    double at = record_time(run->now - run->p->board_delay_min);
    for (int bed = 0; bed < (int)run->world->snapshot.bed_count; bed++) {
        int total = run->world->places[place].beds[bed].total;
        free[bed] = total - run->used[place][bed];
        if (total > 0 && is_false(run, place, n, bed)) {
            free[bed] = promises(run, place, n, bed) ? (free[bed] > 0 ? free[bed] : 0) + 2 : 0;
        }
    }
    for (int need = 0; need < (int)run->world->snapshot.need_count; need++) {
        bool there = world_team(run->world, place, need, run->now) && team_free_at(run, place, need) <= run->now;
        if (is_false(run, place, n, REGION_BEDS_MAX + need)) {
            there = promises(run, place, n, REGION_BEDS_MAX + need);
        }
        teams |= (uint64_t)there << need;
    }
    record_board(run, place, free, teams, at);
    hospital_said(run, place, free, teams, at);
    hospital_board_next(run, place);
}
