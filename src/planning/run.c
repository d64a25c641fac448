/* run: the events of a year. Each patient: call → vehicle → scene → whom to ask → journey → care, or onwards, or nowhere. */
#include "planning/run.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { CHOICE_ARENA_MAX = 64 << 20, WAVES_MAX = 2, WAVE_GAP_MIN = 60, SAME_VEHICLE_MIN = 5, HELI_REST_MIN = 30 };

static void push(struct run *run, double at, enum run_event kind, int a, int b, int c) {
    heap_push(&run->heap, (struct event){.at = at, .kind = (int)kind, .a = a, .b = b, .c = c});
}

static uint64_t fold(uint64_t digest, uint64_t value) {
    return random_mix(digest ^ value);
}

/* ---- vehicles --------------------------------------------------------------------------------------------------------- */

static int nearest_vehicle(const struct run *run, int district) {
    const struct planning_world *w = run->world;
    int best = -1;
    double least = INFINITY;
    for (int v = 0; v < w->vehicle_count; v++) {
        double minutes = w->by_district[run->vehicles[v].station * w->district_count + district];
        bool free = run->vehicles[v].free || (run->told & PLANNING_TOLD_VEHICLE) != 0;
        if (free && minutes < least) {
            least = minutes;
            best = v;
        }
    }
    return best;
}

static void dispatch(struct run *run, int patient) {
    const struct planning_world *w = run->world;
    struct journey *journey = &run->journeys[patient];
    int district = w->patients[patient].district, v = nearest_vehicle(run, district);
    if (v < 0) {
        run->queue[run->queue_tail++] = patient;
        return;
    }
    struct vehicle *vehicle = &run->vehicles[v];
    if ((run->told & PLANNING_TOLD_VEHICLE) == 0) {
        invariant(vehicle->free && vehicle->patient < 0);
        *vehicle = (struct vehicle){.station = vehicle->station, .patient = patient};
        journey->vehicle = v;
    }
    journey->state = JOURNEY_TO_SCENE;
    double minutes = w->by_district[vehicle->station * w->district_count + district];
    journey->scene_at = run->now + run->p->turnout_min + minutes * world_travel_factor(w, run->now);
    push(run, journey->scene_at, EVENT_SCENE, patient, 0, 0);
}

static void let_vehicle_go(struct run *run, int patient) {
    struct journey *journey = &run->journeys[patient];
    int v = journey->vehicle;
    if (v < 0) {
        return;
    }
    invariant(run->vehicles[v].patient == patient);
    run->vehicles[v].patient = -1;
    journey->vehicle = -1;
    const struct planning_world *w = run->world;
    double back = w->to_place[run->vehicles[v].station * w->place_count + journey->place];
    push(run, run->now + run->p->turnaround_min + back * world_travel_factor(w, run->now), EVENT_VEHICLE, v, 0, 0);
}

static void vehicle_home(struct run *run, int v) {
    invariant(!run->vehicles[v].free && run->vehicles[v].patient < 0);
    run->vehicles[v].free = true;
    if (run->queue_head < run->queue_tail) {
        dispatch(run, run->queue[run->queue_head++]);
    }
}

/* ---- on the way ------------------------------------------------------------------------------------------------------- */

static double from_scene(struct run *run, int patient, double leave) {
    const struct planning_world *w = run->world;
    struct journey *journey = &run->journeys[patient];
    int district = w->patients[patient].district;
    bool rolling = journey->roll_place >= 0 && leave > journey->ready_at;
    double factor =
        world_travel_factor(w, rolling ? journey->ready_at : leave); /* of the hour in which the way began */
    double ground = w->to_place[district * w->place_count + journey->place] * factor;
    if (rolling) { /* already under way to another place, or to this one */
        double whole = w->to_place[district * w->place_count + journey->roll_place] * factor;
        double done = fmin(1, (leave - journey->ready_at) / whole);
        if (journey->roll_place == journey->place) {
            return whole * (1 - done);
        }
        struct region_point a = w->districts[district].point, b = w->places[journey->roll_place].point;
        struct region_point here = {
            a.latitude + done * (b.latitude - a.latitude), a.longitude + done * (b.longitude - a.longitude)};
        return fmax(world_minutes(w, here, journey->place) * factor, ground - (leave - journey->ready_at));
    }
    if (journey->place == w->heli_base && w->patients[patient].level_seen <= 2 && leave >= run->heli_until) {
        double flight = world_helicopter(w, district, leave, ground - HELI_GAIN_MIN);
        if (isfinite(flight)) {
            measure_add(run, w->patients[patient].call_at, PLANNING_FLIGHTS, 1, 1);
            run->heli_until = leave + 2 * flight + HELI_REST_MIN;
            return flight;
        }
    }
    return ground;
}

static void count_part(struct run *run, int patient, enum planning_part part, double until) {
    struct journey *journey = &run->journeys[patient];
    journey->parts[part] += fmax(0, until - journey->mark);
    journey->mark = fmax(journey->mark, until);
}

static void set_out(struct run *run, int patient) {
    const struct planning_world *w = run->world;
    struct journey *journey = &run->journeys[patient];
    double leave = fmax(run->now, journey->ready_at);
    journey->state = journey->leg == 0 ? JOURNEY_TRAVELLING : JOURNEY_MOVING;
    double minutes;
    if (journey->leg == 0) {
        minutes = from_scene(run, patient, leave);
        journey->left_at = journey->roll_place >= 0 ? journey->ready_at : leave; /* rolling: before anybody said yes */
    } else {
        minutes = w->between[journey->at_place * w->place_count + journey->place] * world_travel_factor(w, leave);
        push(run, leave, EVENT_RELEASE, journey->at_place, w->emergency_bed, 0);
    }
    run->digest = fold(fold(run->digest, (uint64_t)patient), (uint64_t)journey->place);
    count_part(run, patient, journey->leg == 0 ? PLANNING_PART_ASKING : PLANNING_PART_STAY, leave);
    count_part(run, patient, journey->leg == 0 ? PLANNING_PART_FIRST : PLANNING_PART_ONWARD, leave + minutes);
    push(run, leave + minutes, EVENT_ARRIVE, patient, 0, 0);
}

static bool needs_bed(const struct run *run, int condition) {
    return run->p->conditions[condition].stay != STAY_HOME;
}

static void go_to(struct run *run, int patient, int place) {
    struct journey *journey = &run->journeys[patient];
    const struct patient *who = &run->world->patients[patient];
    int bed, condition = run_condition(run, patient);
    journey->place = place;
    journey->told_at = run->now;
    journey->search++;
    journey->open = journey->open_count = 0;
    journey->tried |= UINT64_C(1) << place;
    invariant(journey->held_bed < 0);
    if (needs_bed(run, condition) && run_level(run, patient) <= 3 && hospital_bed_free(run, place, condition, &bed)) {
        hospital_use(run, place, bed, 1);
        journey->held_place = place;
        journey->held_bed = bed;
    }
    if (journey->leg == 0 && who->level_seen <= 3) {
        int batch = measure_batch(run, who->call_at);
        if (batch >= 0) {
            double minutes = run->now - journey->first_ask_at;
            run->accepted[run->accepted_count++] = (struct accept_time){(float)minutes, batch};
        }
    }
    set_out(run, patient);
}

static int nearest_stabilising(const struct run *run, int patient) {
    const struct planning_world *w = run->world;
    int district = w->patients[patient].district, best = 0;
    double least = INFINITY;
    for (int place = 0; place < w->place_count; place++) {
        double minutes = w->to_place[district * w->place_count + place];
        if (w->places[place].tier >= REGION_TIER_INSTITUTION && minutes < least) {
            least = minutes;
            best = place;
        }
    }
    return best;
}

/* ---- asking ------------------------------------------------------------------------------------------------------------- */

static void end(struct run *run, int patient, double start_at, bool placed) {
    struct journey *journey = &run->journeys[patient];
    invariant(journey->state != JOURNEY_ENDED && journey->vehicle < 0);
    journey->state = JOURNEY_ENDED;
    run->ended++;
    count_part(run, patient, PLANNING_PART_WAIT, start_at);
    run->digest = fold(fold(run->digest, (uint64_t)patient), placed ? (uint64_t)llround(start_at * 1000) : 1);
    measure_end(run, patient, start_at, placed);
}

/* Transfers between hospitals that were hard: the first inquiries were in vain. Each is counted once, at its first round of asking. */
static void measure_arranged(struct run *run, int patient, bool arranged) {
    const struct journey *journey = &run->journeys[patient];
    const struct patient *who = &run->world->patients[patient];
    if (journey->leg > 0 && journey->waves == 0 && world_severe(who) && !journey->same_vehicle &&
        journey->asked_leg > (int)run->p->transfer_tries) {
        measure_add(run, who->call_at, PLANNING_ARRANGED, arranged ? 100 : 0, 1);
    }
}

/* Nobody said yes: the control room names a place; between hospitals one waits and asks all once more. */
static void none_left(struct run *run, int patient) {
    struct journey *journey = &run->journeys[patient];
    if (journey->leg == 0) {
        journey->designated = true;
        go_to(run, patient, nearest_stabilising(run, patient));
        return;
    }
    measure_arranged(run, patient, false);
    journey->search++;
    if (++journey->waves < WAVES_MAX) {
        journey->tried = UINT64_C(1) << journey->at_place;
        push(run, run->now + WAVE_GAP_MIN, EVENT_SEARCH, patient, 0, 0);
        return;
    }
    push(run, run->now, EVENT_RELEASE, journey->at_place, run->world->emergency_bed, 0);
    let_vehicle_go(run, patient);
    end(run, patient, 0, false);
}

static void ask(struct run *run, int patient, int place) {
    const struct planning_parameters *p = run->p;
    struct journey *journey = &run->journeys[patient];
    struct mode mode = run_mode(run, patient);
    uint64_t seed = run->world->span.seed, a = (uint64_t)patient, b = (uint64_t)place;
    double night = world_night(run->now) ? p->answer_night : 1;
    double unit = random_unit(seed, STREAM_ANSWER_TIME, a, b, 0);
    bool offers = journey->leg > 0 && (run->told & PLANNING_TRANSFER_OFFERS) != 0;
    bool digital = mode.digital && journey->leg == 0; /* between hospitals one telephones */
    digital = offers || (digital && !(mode.quicker && choose_telephone(p, record_time(run->now))));
    bool silent = digital && random_unit(seed, STREAM_SILENT, a, b, 0) >= p->digital_response;
    double phone = p->phone_next_min + random_exponential(p->phone_mean_min * night, unit);
    double typed = fmin(p->digital_limit_min, random_exponential(p->digital_mean_min * night, unit));
    double wait = silent ? p->digital_limit_min + phone : digital ? typed : phone; /* who is silent is telephoned */
    struct referral_open *offer = &journey->open_offers[journey->open_count];
    const struct referral_belief *belief = journey->leg > 0 ? &run->between : &run->belief;
    journey->believed[journey->open_count] =
        mode.order == ORDER_ENGINE ? referral_belief_chance(belief, &run->asking_now[place]) : NAN;
    journey->asked_of[journey->open_count++] = run->asking_now[place];
    *offer = (struct referral_open){place, run->now};
    journey->tried |= UINT64_C(1) << place;
    journey->asked++;
    journey->asked_leg++;
    journey->open++;
    wait = (run->told & PLANNING_TOLD_NO_WAIT) != 0 ? 0 : wait;
    push(run, run->now + wait, EVENT_ANSWER, patient, place, (int)journey->search);
}

static bool is_late(const struct run *run, int patient) {
    const struct journey *journey = &run->journeys[patient];
    const struct patient *who = &run->world->patients[patient];
    double limit = run->p->search_max_min;
    if (journey->leg == 0 && run_mode(run, patient).confirm) {
        limit = who->level_seen <= 2 ? run->p->national_confirm_min : run->p->national_designate_min;
    }
    return run->now - journey->search_from >= limit;
}

static bool may_ask(const struct run *run, const struct journey *journey, bool late) {
    return !late && journey->next < journey->order_count && journey->asked_leg < (int)run->p->asks_max;
}

/* The engine plans anew after every answer, with what is still open; the others go down their list. */
static enum status ask_more(struct run *run, int patient) {
    struct journey *journey = &run->journeys[patient];
    bool late = is_late(run, patient), engine = run_mode(run, patient).order == ORDER_ENGINE;
    enum status status = STATUS_OK;
    if (engine && journey->asked_leg > 0 && !late) {
        struct asking asking;
        asking_of(&asking, run, patient);
        status = choose(journey, run, &asking);
        journey->next = 0;
    }
    /* Where the engine would rather give up, a patient still has to go somewhere: the next is asked. */
    int most = engine ? journey->open + journey->now : journey->parallel;
    most = most > 0 ? most : 1;
    while (status == STATUS_OK && journey->open < most && journey->open < REFERRAL_PLAN_MAX &&
           may_ask(run, journey, late)) {
        ask(run, patient, journey->order[journey->next++]);
    }
    if (status == STATUS_OK && journey->open == 0) {
        none_left(run, patient);
    }
    return status;
}

static int parallel_of(const struct run *run, int patient) {
    bool several = run_mode(run, patient).digital && run->journeys[patient].leg == 0;
    return several ? (int)run->p->digital_parallel : 1;
}

static void take_second(struct journey *journey, int place) {
    for (int i = 0; i < journey->order_count; i++) {
        if (journey->order[i] == place) {
            journey->second = journey->order_second[i];
        }
    }
}

static enum status search(struct run *run, int patient) {
    struct journey *journey = &run->journeys[patient];
    struct mode mode = run_mode(run, patient);
    struct asking asking;
    journey->state = JOURNEY_SEARCHING;
    journey->next = journey->open = journey->asked_leg = journey->open_count = 0;
    journey->yes = -1;
    journey->search++;
    journey->search_from = run->now;
    journey->parallel = parallel_of(run, patient);
    if (journey->leg == 0) {
        journey->first_ask_at = run->now;
    }
    asking_of(&asking, run, patient);
    enum status status = choose(journey, run, &asking);
    if (status != STATUS_OK) {
        return status;
    }
    bool mild = journey->leg == 0 && asking.level >= 4;
    const char *need = run->p->conditions[asking.condition].need;
    bool extreme = mode.notify && journey->leg == 0 && asking.level <= 2 && choose_extreme(need);
    if ((mild || extreme || mode.at_once) && journey->order_count > 0) {
        journey->asked += mild ? 0 : 1;
        take_second(journey, journey->order[0]);
        go_to(run, patient, journey->order[0]);
        return STATUS_OK;
    }
    return ask_more(run, patient);
}

static bool place_before(const struct journey *journey, int a, int b) {
    for (int i = 0; i < journey->order_count; i++) {
        if (journey->order[i] == a || journey->order[i] == b) {
            return journey->order[i] == a && a != b;
        }
    }
    return false;
}

static enum status on_answer(struct run *run, const struct event *event) {
    int patient = event->a;
    struct journey *journey = &run->journeys[patient];
    if ((int)journey->search != event->c) {
        return STATUS_OK;
    }
    int place = event->b, condition = run_condition(run, patient);
    journey->open--;
    enum answer answer = hospital_answer(run, patient, place);
    struct lesson lesson = {.place = place, .condition = condition, .answer = answer, .at = record_time(run->now)};
    lesson.between = journey->leg > 0;
    for (int i = 0; i < journey->open_count; i++) {
        if (journey->open_offers[i].place == place) {
            lesson.asked = journey->asked_of[i];
            lesson.answer_min = record_time(run->now - journey->open_offers[i].since_min);
            if (isfinite(journey->believed[i]) && measure_batch(run, run->now) >= 0) {
                measure_belief(run, journey->believed[i], answer == ANSWER_YES);
            }
            journey->open_count--;
            journey->open_offers[i] = journey->open_offers[journey->open_count];
            journey->asked_of[i] = journey->asked_of[journey->open_count];
            journey->believed[i] = journey->believed[journey->open_count];
            break;
        }
    }
    record_answer(run, &lesson);
    learn(run, &lesson);
    if (answer == ANSWER_YES && (journey->yes < 0 || place_before(journey, place, journey->yes))) {
        journey->yes = place;
    }
    if (journey->yes < 0) {
        return ask_more(run, patient);
    }
    bool engine = run_mode(run, patient).order == ORDER_ENGINE;
    for (int i = 0; i < journey->open_count && !engine; i++) {
        if (place_before(journey, journey->open_offers[i].place, journey->yes)) {
            return STATUS_OK; /* a nearer one may still say yes */
        }
    }
    place = journey->yes;
    measure_arranged(run, patient, true);
    take_second(journey, place);
    go_to(run, patient, place);
    return STATUS_OK;
}

/* ---- arriving ------------------------------------------------------------------------------------------------------------ */

static void drop_held(struct run *run, struct journey *journey) {
    if (journey->held_bed >= 0) {
        hospital_use(run, journey->held_place, journey->held_bed, -1);
        journey->held_bed = journey->held_place = -1;
    }
}

static double stay_of(const struct run *run, int patient, enum stay stay) {
    const double hours[] = {[STAY_HOME] = 0, [STAY_WARD] = run->p->ward_stay_h, [STAY_ICU] = run->p->icu_stay_h};
    double unit = random_unit(run->world->span.seed, STREAM_STAY, (uint64_t)patient, 0, 0);
    return random_exponential(hours[stay] * HOUR_MIN, unit);
}

static void occupy(struct run *run, int patient, double start) {
    const struct patient *who = &run->world->patients[patient];
    struct journey *journey = &run->journeys[patient];
    const struct condition *condition = &run->p->conditions[who->condition];
    int place = journey->place, need = run->world->rows[who->condition].need, bed = -1;
    double mean = (who->level >= 4 ? run->p->mild_stay_h : run->p->ed_stay_h) * HOUR_MIN;
    double unit = random_unit(run->world->span.seed, STREAM_STAY, (uint64_t)patient, 1, 0);
    hospital_use(run, place, run->world->emergency_bed, 1);
    push(run, run->now + random_exponential(mean, unit), EVENT_RELEASE, place, run->world->emergency_bed, 0);
    drop_held(run, journey);
    bool admitted = condition->stay != STAY_HOME && who->level <= 3;
    if (admitted && hospital_bed_free(run, place, who->condition, &bed)) {
        hospital_use(run, place, bed, 1);
        push(run, start + stay_of(run, patient, condition->stay), EVENT_RELEASE, place, bed, 0);
    }
    if (admitted && condition->team && need >= 0) {
        int slot = 0;
        for (int i = 1; i < (int)run->p->teams && i < TEAMS_MAX; i++) {
            slot = run->busy_until[place][need][i] < run->busy_until[place][need][slot] ? i : slot;
        }
        run->busy_until[place][need][slot] = fmax(run->busy_until[place][need][slot], start + run->p->procedure_min);
    }
}

/* Minutes in a department until a doctor begins, by level: assumption, as the engine has it (chance.c). */
static double begins_after(const struct run *run, int patient, double start) {
    static const double wait_min[] = {0, 0, 0, 5, 15, 30};
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    int need = run->world->rows[who->condition].need;
    bool team = run->p->conditions[who->condition].team && need >= 0;
    double call_in = team ? run->world->places[journey->place].call_in_minutes[need] : 0;
    return fmax(start + wait_min[who->level], who->level <= 3 ? journey->told_at + call_in : 0);
}

static void move_on(struct run *run, int patient, enum answer why) {
    const struct patient *who = &run->world->patients[patient];
    struct journey *journey = &run->journeys[patient];
    bool planned =
        journey->leg == 0 && journey->second >= 0 && run->world->places[journey->place].tier >= REGION_TIER_INSTITUTION;
    drop_held(run, journey);
    journey->planned = planned;
    if (journey->leg == 0) {
        journey->first = planned                                        ? PLANNING_FIRST_PLANNED
                         : why == ANSWER_SCOPE                          ? PLANNING_FIRST_SCOPE
                         : why == ANSWER_STAFF || why == ANSWER_THEATRE ? PLANNING_FIRST_TEAM
                                                                        : PLANNING_FIRST_BED;
    }
    if (journey->leg == 0 && !planned) {
        double unit = random_unit(run->world->span.seed, STREAM_TURN_AWAY, (uint64_t)patient, 0, 0);
        journey->wrong = true;
        journey->same_vehicle = unit < run->world->turn_away;
        journey->retransferred = journey->same_vehicle;
        if (journey->same_vehicle) {
            measure_add(run, who->call_at, PLANNING_SPECIALIST, why == ANSWER_ICU || why == ANSWER_WARD ? 0 : 100, 1);
        }
    }
    if (journey->leg > 0 || !journey->same_vehicle) {
        journey->same_vehicle = false;
        let_vehicle_go(run, patient);
    }
    if (world_severe(who) && !journey->same_vehicle && why != ANSWER_SCOPE) {
        bool staff = why == ANSWER_STAFF || why == ANSWER_THEATRE;
        measure_add(run, who->call_at, PLANNING_STAFF, staff ? 100 : 0, 1);
    }
    hospital_use(run, journey->place, run->world->emergency_bed, 1);
    journey->moved_on = true;
    journey->at_place = journey->place;
    journey->second = -1;
    journey->leg++;
    journey->waves = 0;
    journey->tried = UINT64_C(1) << journey->at_place;
    double ready = journey->same_vehicle ? SAME_VEHICLE_MIN : fmax(run->p->stabilise_min, run->p->transfer_prepare_min);
    journey->ready_at = run->now + ready;
    if (journey->leg >= LEGS_MAX) {
        push(run, run->now, EVENT_RELEASE, journey->at_place, run->world->emergency_bed, 0);
        let_vehicle_go(run, patient);
        end(run, patient, 0, false);
        return;
    }
    journey->state = JOURNEY_SEARCHING;
    push(run, run->now, EVENT_SEARCH, patient, 0, 0);
}

/* Heart and brain by city or county, in every reading of "from the scene to the hospital". */
static void measure_town(struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    const double from[] = {journey->scene_at, journey->left_at};
    const int conditions[] = {who->condition, who->seen};
    int town = run->world->districts[who->district].town;
    for (int i = 0; i < PLANNING_READINGS && measure_batch(run, who->call_at) >= 0; i++) {
        bool leaving = i == PLANNING_VASCULAR_LEAVING || i == PLANNING_SUSPECTED_LEAVING;
        bool seen = i == PLANNING_SUSPECTED || i == PLANNING_SUSPECTED_LEAVING;
        if (choose_vascular(run->p->conditions[conditions[seen]].need)) {
            run->vascular_sum[i][town] += run->now - from[leaving];
            run->vascular_count[i][town]++;
        }
    }
}

static void measure_journey(struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    const char *need = run->p->conditions[who->condition].need;
    double minutes = run->now - journey->scene_at;
    bool january = world_day(who->call_at) < 31;
    if (run->policy != PLANNING_PRACTICE || !january) { /* the published count begins in February */
        measure_add(run, who->call_at, PLANNING_OVER60, minutes > 60 ? 100 : 0, 1);
    }
    if (strcmp(need, "SY-ROSC") == 0 || strcmp(need, "SY-STABILISE") == 0) {
        measure_add(run, who->call_at, PLANNING_RESPONSE, journey->scene_at - who->call_at, 1);
    }
    measure_town(run, patient);
    int batch = measure_batch(run, who->call_at);
    if (strcmp(need, "SY-TRAUMA") == 0 && batch >= 0) {
        run->trauma[run->trauma_count++] = (struct accept_time){(float)(run->now - who->call_at), batch};
    }
    if (strcmp(need, "Y0010") == 0) {
        bool serves = world_serves(run->world, journey->place, who->condition, who->age_months);
        measure_add(run, who->call_at, PLANNING_WRONG_HEART, serves ? 0 : 100, 1);
    }
    if (strcmp(run->p->conditions[who->seen].need, "Y0010") == 0) {
        bool serves = world_serves(run->world, journey->place, who->seen, who->age_months);
        measure_add(run, who->call_at, PLANNING_WRONG_SUSPECTED, serves ? 0 : 100, 1);
    }
    if (who->level == 1 && measure_batch(run, who->call_at) >= 0) {
        const struct planning_world *w = run->world;
        int near = nearest_stabilising(run, patient);
        double gain = minutes - w->to_place[who->district * w->place_count + near] - who->scene_min;
        measure_add(run, who->call_at, PLANNING_UNSAFE, minutes > 60 && gain > 30 ? 100 : 0, 1);
    }
}

static void arrive(struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    struct journey *journey = &run->journeys[patient];
    enum answer why;
    if (journey->leg == 0) {
        measure_journey(run, patient);
    }
    double start = hospital_start(run, patient, journey->place, run->now, &why);
    if (!isfinite(start) && who->level >= 4) {
        start = run->now; /* seen, treated as far as it goes, and given an appointment */
    }
    if (!isfinite(start)) {
        move_on(run, patient, why);
        return;
    }
    let_vehicle_go(run, patient);
    occupy(run, patient, start);
    end(run, patient, begins_after(run, patient, start), true);
}

/* ---- the loop --------------------------------------------------------------------------------------------------------------- */

static enum status on_scene(struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    struct journey *journey = &run->journeys[patient];
    journey->ready_at = run->now + who->scene_min;
    journey->mark = who->call_at;
    count_part(run, patient, PLANNING_PART_RESPONSE, run->now);
    count_part(run, patient, PLANNING_PART_SCENE, journey->ready_at);
    journey->leg = 0;
    journey->state = JOURNEY_SEARCHING;
    if (run->reader) {
        reader_look(run, patient);
    }
    push(run, run->now + run->p->assess_min + reader_minutes(run, patient), EVENT_SEARCH, patient, 0, 0);
    return STATUS_OK;
}

static enum status handle(struct run *run, const struct event *event) {
    switch ((enum run_event)event->kind) {
    case EVENT_CALL:
        if (event->a + 1 < run->world->patient_count) {
            push(run, run->world->patients[event->a + 1].call_at, EVENT_CALL, event->a + 1, 0, 0);
        }
        run->started++;
        dispatch(run, event->a);
        return STATUS_OK;
    case EVENT_SCENE:
        return on_scene(run, event->a);
    case EVENT_SEARCH:
        return search(run, event->a);
    case EVENT_ANSWER:
        return on_answer(run, event);
    case EVENT_ARRIVE:
        arrive(run, event->a);
        return STATUS_OK;
    case EVENT_VEHICLE:
        vehicle_home(run, event->a);
        return STATUS_OK;
    case EVENT_OTHER:
        hospital_other(run, event);
        return STATUS_OK;
    case EVENT_RELEASE:
        hospital_use(run, event->a, event->b, -1);
        return STATUS_OK;
    case EVENT_BOARD:
        hospital_board(run, event->a);
        return STATUS_OK;
    }
    return STATUS_OK;
}

static void open_boards(struct run *run, struct arena *arena) {
    const struct planning_world *w = run->world;
    run->seen = w->snapshot;
    run->seen.places = run->seen_places;
    for (int i = 0; i < w->place_count; i++) {
        struct region_place *place = &run->seen_places[i];
        *place = w->places[i];
        run->said_at[i] = -1e9;
        for (int bed = 0; bed < REGION_BEDS_MAX; bed++) {
            place->beds[bed].known = false;
        }
        const uint8_t *from[2] = {w->places[i].on_call, w->places[i].on_call_weekend};
        for (int k = 0; k < 2 && from[0] != NULL; k++) {
            run->seen_on_call[i][k] = arena_bytes(arena, (size_t)HOURS * REGION_NEEDS_MAX);
            memcpy(run->seen_on_call[i][k], from[k] != NULL ? from[k] : from[0], (size_t)HOURS * REGION_NEEDS_MAX);
        }
        place->on_call = run->seen_on_call[i][0];
        place->on_call_weekend = run->seen_on_call[i][1];
    }
}

void run_open(struct run *run, const struct planning_world *world, enum planning_policy policy, struct scope *scope) {
    struct arena *arena = scope->arena;
    size_t patients = (size_t)world->patient_count;
    memset(run, 0, sizeof *run);
    run->world = world;
    run->p = world->p;
    run->policy = policy;
    run->scope = scope;
    run->now = -(double)WARM_DAYS * DAY_MIN;
    run->heli_until = run->now;
    run->heap = heap_open(arena, 1 << 14);
    run->journeys = ARENA_ARRAY(arena, struct journey, patients + 1);
    run->vehicles = ARENA_ARRAY(arena, struct vehicle, (size_t)world->vehicle_count);
    run->queue = ARENA_ARRAY(arena, int, patients + 1);
    run->accepted = ARENA_ARRAY(arena, struct accept_time, patients + 1);
    run->trauma = ARENA_ARRAY(arena, struct accept_time, patients + 1);
    run->batch_count = world->span.days < BATCHES_MAX ? world->span.days : BATCHES_MAX;
    for (size_t i = 0; i < patients; i++) {
        run->journeys[i] = (struct journey){
            .vehicle = -1, .place = -1, .second = -1, .held_bed = -1, .held_place = -1, .roll_place = -1};
    }
    for (int v = 0; v < world->vehicle_count; v++) {
        run->vehicles[v] = (struct vehicle){.station = world->vehicle_station[v], .free = true, .patient = -1};
    }
    for (int place = 0; place < PLACES_MAX; place++) { /* nobody is in theatre when the week before the year begins */
        for (int need = 0; need < REGION_NEEDS_MAX; need++) {
            for (int team = 0; team < TEAMS_MAX; team++) {
                run->busy_until[place][need][team] = run->now;
            }
        }
    }
    open_boards(run, arena);
    run->readings = run->p->believed;
    run->readings.scale = run->p->confusion * run->p->engine_confusion;
    for (int i = 0; i < world->district_count * AGE_BANDS; i++) {
        run->readings.people[i % AGE_BANDS] += world->districts[i / AGE_BANDS].people[i % AGE_BANDS];
    }
    doubt_open(run);
    run->belief = (struct referral_belief){.region = ARENA_NEW(arena, struct referral_belief_region),
        .places = ARENA_ARRAY(arena, struct referral_belief_place, (size_t)world->place_count),
        .place_count = (size_t)world->place_count};
    run->between = run->belief;
    run->between.region = ARENA_NEW(arena, struct referral_belief_region);
    run->between.places = ARENA_ARRAY(arena, struct referral_belief_place, (size_t)world->place_count);
}

static enum status loop(struct run *run, const struct planning_run_options *options) {
    struct event event;
    double whole = run->world->end_at + WARM_DAYS * DAY_MIN, told = 0;
    enum status status = STATUS_OK;
    bool more = true;
    size_t patients = (size_t)run->world->patient_count;
    while (status == STATUS_OK && (more || run->ended < run->started) && heap_pop(&event, &run->heap)) {
        invariant(event.at >= run->now);
        run->now = event.at;
        status = handle(run, &event);
        more = run->started < patients;
        double share = fmin(1, (run->now + WARM_DAYS * DAY_MIN) / whole);
        if (options->progress != NULL && share >= told + .02) {
            told = share;
            options->progress(options->context, share);
        }
    }
    invariant(status != STATUS_OK || (run->ended == patients && run->started == patients));
    return status;
}

enum status planning_run(struct planning_outcome *out, const struct planning_world *world,
    const struct planning_run_options *options, struct scope *scope) {
    struct run *run = ARENA_NEW(scope->arena, struct run);
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    run_open(run, world, options->policy, scope);
    run->record = options->record;
    const unsigned reader = PLANNING_NO_READER | PLANNING_WITH_READER | PLANNING_LIKELIEST;
    run->told = options->policy == PLANNING_SOYANG ? options->told : options->told & reader;
    run->reader = options->policy == PLANNING_SOYANG ? (run->told & PLANNING_NO_READER) == 0 : run->told != 0;
    run->choice_arena = arena_open(CHOICE_ARENA_MAX);
    if (run->choice_arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for decisions");
    }
    record_head(run);
    hospital_start_others(run);
    if (world->patient_count > 0) {
        push(run, world->patients[0].call_at, EVENT_CALL, 0, 0, 0);
    }
    enum status status = loop(run, options);
    arena_close(run->choice_arena);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    *out = (struct planning_outcome){.policy = options->policy};
    out->processor_s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    return status == STATUS_OK ? measure_finish(out, run, scope) : status;
}
