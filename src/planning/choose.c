/* choose: in which order each policy asks. Pure: what the chooser may know in, an order out. */
#include <math.h>
#include <string.h>

#include "planning/run.h"

static const char *const names[] = {
    [PLANNING_NEAREST] = "nearest",
    [PLANNING_CAPABLE] = "capable",
    [PLANNING_PARALLEL3] = "parallel3",
    [PLANNING_MEMORY] = "memory",
    [PLANNING_NATIONAL] = "national",
    [PLANNING_SOYANG] = "soyang",
    [PLANNING_CLAIRVOYANT] = "clairvoyant",
    [PLANNING_PRACTICE] = "practice",
};

const char *planning_policy_name(enum planning_policy policy) {
    return names[policy];
}

bool planning_policy_find(enum planning_policy *out, struct text name) {
    for (int i = 0; i < PLANNING_POLICIES; i++) {
        if (text_is(name, names[i])) {
            *out = (enum planning_policy)i;
            return true;
        }
    }
    return false;
}

/* Heart attack and stroke, by the national list. */
bool choose_vascular(const char *need) {
    return strncmp(need, "Y0010", 5) == 0 || strncmp(need, "Y002", 4) == 0 || strncmp(need, "Y003", 4) == 0;
}

/* Crews who ask the nearest first, by what they take it for. */
static double practice_nearest(const struct run *run, int patient) {
    const char *seen = run->p->conditions[run->world->patients[patient].seen].need;
    return choose_vascular(seen)            ? run->p->practice_nearest_vascular
           : strcmp(seen, "SY-TRAUMA") == 0 ? run->p->practice_nearest_trauma
                                            : run->p->practice_nearest;
}

struct mode run_mode(const struct run *run, int patient) {
    static const struct mode modes[] = {
        [PLANNING_NEAREST] = {.order = ORDER_NEAREST},
        [PLANNING_CAPABLE] = {.order = ORDER_CAPABLE},
        [PLANNING_PARALLEL3] = {.order = ORDER_CAPABLE, .digital = true},
        [PLANNING_MEMORY] = {.order = ORDER_MEMORY},
        [PLANNING_NATIONAL] = {.order = ORDER_BOARDS, .notify = true, .confirm = true},
        [PLANNING_SOYANG] = {.order = ORDER_ENGINE, .digital = true, .quicker = true, .rolling = true, .notify = true},
        [PLANNING_CLAIRVOYANT] = {.order = ORDER_TRUTH, .at_once = true},
        [PLANNING_PRACTICE] = {.order = ORDER_CAPABLE},
    };
    struct mode mode = modes[run->policy];
    uint64_t seed = run->world->span.seed;
    if (run->policy == PLANNING_PRACTICE && run->journeys[patient].leg == 0 &&
        random_unit(seed, STREAM_PRACTICE, (uint64_t)patient, 0, 0) < practice_nearest(run, patient)) {
        mode.order = ORDER_NEAREST;
    }
    if (mode.order == ORDER_NEAREST && run->journeys[patient].leg > 0) {
        mode.order = ORDER_CAPABLE; /* a doctor asks, who knows what is needed */
    }
    return mode;
}

int run_condition(const struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    if (journey->leg > 0 || (run->told & PLANNING_TOLD_NEED) != 0) {
        return who->condition;
    }
    return journey->read_again ? journey->read : who->seen;
}

int run_level(const struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    return run->journeys[patient].leg == 0 && (run->told & PLANNING_TOLD_LEVEL) == 0 ? who->level_seen : who->level;
}

void asking_of(struct asking *out, const struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    bool scene = journey->leg == 0;
    *out = (struct asking){.at = record_time(run->now),
        .district = scene ? who->district : -1,
        .from_place = scene ? -1 : journey->at_place,
        .condition = run_condition(run, patient),
        .level = run_level(run, patient),
        .age_months = who->age_months,
        .seen = {.condition = who->seen, .level = run_level(run, patient), .age_months = who->age_months},
        .tried = journey->tried,
        .patient = patient,
        .since = record_time(journey->search_from),
        .heli = run->now >= run->heli_until,
        .ready = record_time(scene ? journey->scene_at + run->p->scene_mean_min : journey->ready_at),
        .open_count = run->policy == PLANNING_SOYANG ? journey->open_count : 0};
    if (scene && journey->read_again) {
        out->seen = journey->seen;
    }
    for (int i = 0; i < out->open_count; i++) {
        double ago = run->now - journey->open_offers[i].since_min;
        out->open[i] = (struct referral_open){journey->open_offers[i].place, record_time(ago)};
    }
    out->from = scene ? run->world->districts[who->district].point : run->world->places[journey->at_place].point;
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static double memory_left(const struct run *run, const struct remembered *one, double at) {
    return exp2(-(at - one->at) / DAY_MIN / run->p->memory_half_life_days);
}

static double memory_chance(const struct run *run, int place, int condition, double at) {
    const struct remembered *one = &run->memory[place][condition];
    double left = memory_left(run, one, at);
    return (1.6 + one->yes * left) /
           (2 + (one->yes + one->no) * left); /* assumption: begins at four in five, weight two */
}

static enum referral_answer as_engine(enum answer answer) {
    bool bed = answer == ANSWER_ICU || answer == ANSWER_WARD || answer == ANSWER_ED;
    return answer == ANSWER_YES ? REFERRAL_YES : bed ? REFERRAL_NO_BED : REFERRAL_NO;
}

void learn(struct run *run, const struct lesson *lesson) {
    struct remembered *one = &run->memory[lesson->place][lesson->condition];
    double left = memory_left(run, one, lesson->at);
    bool yes = lesson->answer == ANSWER_YES;
    *one = (struct remembered){one->yes * left + (yes ? 1 : 0), one->no * left + (yes ? 0 : 1), lesson->at};
    if (run->policy == PLANNING_SOYANG) {
        referral_belief_learn(lesson->between ? &run->between : &run->belief, &lesson->asked, as_engine(lesson->answer),
            lesson->answer_min);
    }
}

/* ---- orders by a key ------------------------------------------------------------------------------------------------- */

static double way(const struct run *run, const struct asking *asking, int place) {
    const struct planning_world *w = run->world;
    return asking->district >= 0 ? w->to_place[asking->district * w->place_count + place]
                                 : w->between[asking->from_place * w->place_count + place];
}

/* The boards' word: minutes that a place which says "full" or "nobody there" is put back by; assumption, fading with age. */
static double board_doubt(const struct run *run, const struct asking *asking, int place) {
    enum { NO_TEAM_MIN = 60, NO_BED_MIN = 40 };
    const struct condition_row *row = &run->world->rows[asking->condition];
    const struct region_place *said = &run->seen_places[place];
    double age = asking->at - run->said_at[place];
    double trust = run->said_at[place] < -1e8 || age > 60 ? 0 : age <= 15 ? 1 : (60 - age) / 45;
    double doubt = 0;
    if (run->p->conditions[asking->condition].team && row->need >= 0 && (run->said_team[place] >> row->need & 1) == 0) {
        doubt += NO_TEAM_MIN;
    }
    bool room = row->bed_count == 0;
    for (int i = 0; i < row->bed_count; i++) {
        room = room || said->beds[row->beds[i]].free > 0;
    }
    return trust * (doubt + (room ? 0 : NO_BED_MIN));
}

/* When care would begin as things stand: the way as it is driven now, the team from home told now, the patient's true need. */
static double truth_start(const struct run *run, const struct asking *asking, int place, double minutes) {
    const struct planning_world *w = run->world;
    const struct patient *who = &w->patients[asking->patient];
    int need = w->rows[who->condition].need;
    bool called = run->p->conditions[who->condition].team && need >= 0 && who->level <= 3;
    double leave = fmax(asking->at, run->journeys[asking->patient].ready_at);
    enum answer why;
    double start = hospital_start(run, asking->patient, place, leave + minutes * world_travel_factor(w, leave), &why);
    return fmax(start, asking->at + (called ? w->places[place].call_in_minutes[need] : 0));
}

static double key_of(const struct run *run, enum order order, const struct asking *asking, int place) {
    double minutes = way(run, asking, place);
    double chance;
    switch (order) {
    case ORDER_MEMORY:
        chance = memory_chance(run, place, asking->condition, asking->at);
        return minutes + run->p->memory_cost_min * (1 - chance) / chance;
    case ORDER_BOARDS:
        return minutes + board_doubt(run, asking, place);
    case ORDER_TRUTH:
        return truth_start(run, asking, place, minutes) - asking->at;
    default:
        return minutes;
    }
}

static void order_by_key(struct journey *out, const struct run *run, enum order order, const struct asking *asking) {
    double keys[PLACES_MAX];
    const struct planning_world *w = run->world;
    int condition = order == ORDER_TRUTH ? w->patients[asking->patient].condition : asking->condition;
    out->order_count = 0;
    for (int place = 0; place < w->place_count; place++) {
        bool can = order == ORDER_NEAREST || world_serves(w, place, condition, asking->age_months);
        if (!can || place == asking->from_place || (asking->tried >> place & 1) != 0) {
            continue;
        }
        double key = key_of(run, order, asking, place);
        int at = out->order_count;
        if (!isfinite(key)) {
            continue;
        }
        out->order_count++;
        for (; at > 0 && keys[at - 1] > key; at--) {
            keys[at] = keys[at - 1];
            out->order[at] = out->order[at - 1];
        }
        keys[at] = key;
        out->order[at] = place;
    }
    for (int i = 0; i < out->order_count; i++) {
        out->order_second[i] = -1;
    }
}

/* ---- the engine -------------------------------------------------------------------------------------------------------- */

/* The extremes of regions/korea/policy.json: arrest, unsecured airway, major trauma. */
bool choose_extreme(const char *need) {
    return strcmp(need, "SY-STABILISE") == 0 || strcmp(need, "SY-ROSC") == 0 || strcmp(need, "SY-TRAUMA") == 0;
}

static bool is_extreme(const struct run *run, const struct asking *asking) {
    const char *need = run->p->conditions[asking->condition].need;
    return asking->level <= 2 && choose_extreme(need);
}

/* As regions/korea/policy.json, levels: parallel_offers, ask_cost_minutes, unplaced_minutes, scarcity_minutes (assumptions there). */
static const struct {
    int parallel;
    double ask_cost_min, unplaced_min, scarcity_min;
} level_asking[LEVELS + 1] = {{0}, {3, 0, 120, 0}, {2, .5, 150, 1}, {1, 2, 180, 4}, {1, 10, 240, 8}, {1, 20, 360, 12}};

bool choose_telephone(const struct planning_parameters *p, double at) {
    if (p->engine_parallel >= 1) {
        return false; /* so many at once is asked for: by terminal */
    }
    double night = world_night(at) ? p->answer_night : 1, mean = p->digital_mean_min * night;
    double telephone = p->phone_next_min + p->phone_mean_min * night;
    double typed = mean * (1 - exp(-p->digital_limit_min / mean)); /* of an exponential time, cut off at the limit */
    return telephone < p->digital_response * typed + (1 - p->digital_response) * (p->digital_limit_min + telephone);
}

static void engine_case(struct referral_case *out, struct run *run, const struct asking *asking) {
    const struct condition *condition = &run->p->conditions[asking->condition];
    int need = run->world->rows[asking->condition].need;
    bool scene = asking->from_place < 0;
    *out = (struct referral_case){.level = asking->level,
        .needs = need >= 0 ? UINT64_C(1) << need : 0,
        .place = TRIAGE_PLACE_INSTITUTION,
        .window_minutes = condition->window_min,
        .age_months = asking->age_months,
        .extreme = scene && is_extreme(run, asking),
        .stay_local = asking->level >= 4,
        .origin = asking->from,
        .origin_place = asking->from_place,
        .known_place = -1,
        .family_place = -1,
        .choice = scene && is_extreme(run, asking) && strcmp(condition->need, "SY-TRAUMA") != 0
                      ? REFERRAL_NEAREST_STABILISING
                      : REFERRAL_BEST_PLAN,
        .scarcity_min = level_asking[asking->level].scarcity_min,
        .departs = scene,
        .one_leg = true,
        .now_us = world_us(run->world, asking->at)};
    out->asking.parallel_max = level_asking[asking->level].parallel;
    out->asking.ask_cost_min = level_asking[asking->level].ask_cost_min;
    out->asking.unplaced_min = level_asking[asking->level].unplaced_min;
    out->asking.deadline_min = fmax(1, run->p->search_max_min - (asking->at - asking->since));
    out->asking.ready_min = fmax(0, asking->ready - asking->at);
    out->asking.silence_min = run->p->digital_limit_min + run->p->phone_next_min + run->p->phone_mean_min;
    out->asking.ask_cost_min *= run->p->engine_ask_cost;
    if (run->p->engine_parallel >= 1) {
        out->asking.parallel_max = (int)run->p->engine_parallel;
    }
    bool offers = !scene && (run->told & PLANNING_TRANSFER_OFFERS) != 0;
    if (!offers &&
        (!scene || choose_telephone(run->p, asking->at))) { /* one after the other, and nobody stays silent */
        out->asking.parallel_max = 1;
        out->asking.silence_min = 0;
    }
    if (asking->level >= 4 && scene) {
        out->asking = (struct referral_asking){0};
    }
}

static void take_options(
    struct journey *out, struct run *run, const struct referral_ranking *ranking, const struct referral_case *patient) {
    uint64_t listed = 0;
    bool planned = patient->asking.parallel_max > 0;
    out->order_count = 0;
    out->now = planned ? (int)ranking->plan.now_count : 1;
    for (size_t i = 0; i < ranking->option_count && out->order_count < PLACES_MAX; i++) {
        int place = ranking->options[i].place;
        bool twice = patient->origin_place >= 0 && ranking->options[i].second_place >= 0; /* stabilised already */
        if (twice && planned && i < ranking->plan.now_count) {
            out->now--;
        }
        if (!twice && (listed >> place & 1) == 0) {
            listed |= UINT64_C(1) << place;
            out->order_second[out->order_count] = ranking->options[i].second_place;
            out->order[out->order_count++] = place;
            referral_asked_of(&run->asking_now[place], &run->seen, patient, place);
        }
    }
    if (ranking->heading >= 0 && ranking->heading < (int)ranking->option_count && out->leg == 0) {
        out->roll_place = out->roll_place < 0 ? ranking->options[ranking->heading].place : out->roll_place;
    }
}

/* Developers' runs: what nobody could know. */
static bool ruled_out(struct run *run, const struct asking *asking, int place) {
    enum answer why;
    if ((run->told & PLANNING_TOLD_BOARD) != 0) {
        hospital_true(run, place);
    }
    if ((run->told & PLANNING_TOLD_START) != 0 &&
        !isfinite(hospital_start(run, asking->patient, place, asking->at + way(run, asking, place), &why))) {
        return true;
    }
    return (run->told & PLANNING_TOLD_ACCEPT) != 0 && hospital_answer(run, asking->patient, place) != ANSWER_YES;
}

/* What a step up to a higher centre costs the province, in minutes of a severe patient (assumption): the less likely the patient is one,
 * the dearer. */
#define SCARCITY_MIN 1.
#define SEVERE_LEAST .01

/* Today's ways, as a region with its closures and weather would show them: an ambulance's minutes, night and snow. The helicopter counts
 * from when the crew is done, where it flies in this hour's weather. */
static void see_ways(struct run *run, const struct asking *asking) {
    const struct planning_world *w = run->world;
    double factor = world_travel_factor(w, asking->at);
    run->seen.travel.base_min = w->snapshot.travel.base_min * factor;
    run->seen.travel.detour = w->snapshot.travel.detour * factor;
    if (w->heli_base < 0) {
        return;
    }
    struct region_place *base = &run->seen_places[w->heli_base];
    base->road_min = 0;
    if (asking->district >= 0 && asking->level <= 2 && asking->heli) {
        double ground = way(run, asking, w->heli_base) * factor;
        double flight = world_helicopter(w, asking->district, asking->at, ground - HELI_GAIN_MIN);
        base->road_min = isfinite(flight) ? flight : 0;
    }
}

static enum status order_by_engine(struct journey *out, struct run *run, const struct asking *asking) {
    int excluded[PLACES_MAX];
    size_t excluded_count = 0;
    struct referral_case patient;
    for (int place = 0; place < run->world->place_count; place++) {
        if ((asking->tried >> place & 1) != 0 || ruled_out(run, asking, place)) {
            excluded[excluded_count++] = place;
        }
    }
    engine_case(&patient, run, asking);
    see_ways(run, asking);
    patient.excluded = excluded;
    patient.excluded_count = excluded_count;
    patient.open = asking->open;
    patient.open_count = (size_t)asking->open_count;
    if (asking->from_place < 0 && asking->level <= 3 &&
        (run->told & PLANNING_TOLD_NEED) == 0) { /* between hospitals a doctor has found out */
        double severe = doubt_find(run->wrong, run, asking);
        patient.scarcity_min = SCARCITY_MIN / fmax(SEVERE_LEAST, severe);
        patient.wrong = run->wrong;
    }
    const struct referral_belief *belief = asking->from_place >= 0 ? &run->between : &run->belief;
    referral_learned_of(run->learned, &patient, &run->seen, belief);
    struct referral_ranking ranking;
    struct scope scope = {.arena = run->choice_arena};
    enum status status = referral_rank(&ranking, &run->seen, &patient, REFERRAL_NUMBERS_ONLY, &scope);
    if (status == STATUS_OK) {
        take_options(out, run, &ranking, &patient);
    }
    fault_carry(run->scope, &scope.fault);
    arena_reset(run->choice_arena);
    return status;
}

enum status choose(struct journey *out, struct run *run, const struct asking *asking) {
    enum order order = run_mode(run, asking->patient).order;
    enum status status = STATUS_OK;
    if (order == ORDER_ENGINE) {
        status = order_by_engine(out, run, asking);
    } else {
        order_by_key(out, run, order, asking);
    }
    record_decision(run, asking, out);
    return status;
}
