/* From a ranking to a plan of asking, and what would have changed it. Pure. */
#include <math.h>

#include "referral/rank.h"

#define SILENCE .15        /* assumption: share of the questions that nobody answers */
#define SHOCK_ALL .03      /* assumption: a cause for which everybody refuses */
#define BACKWARD_LEAST -.5 /* assumption: who rolls the wrong way loses at most half of the minutes, then turns */
#define RADIANS (3.14159265358979323846 / 180.0)

struct asking {
    const struct rank *rank;
    struct candidate **sorted; /* the best of them, in the order of the ranking */
    size_t count;
    struct referral_plan_question question;
    struct referral_plan_space *space;
};

/* ---- the question ----------------------------------------------------------------------------------------------------- */

static void set_times(struct referral_ask *out, const struct asking *asking, double answer_min) {
    double silence = asking->rank->patient->asking.silence_min;
    out->answer_min = answer_min;
    out->refuse_min = answer_min + SILENCE * fmax(0, silence - answer_min);
}

static void set_wrong(struct referral_ask *out, const struct rank *rank, int place) {
    const struct referral_wrong *wrong = rank->patient->wrong;
    out->wrong = wrong == NULL ? 0 : wrong[place].chance;
    out->wrong_min = wrong == NULL ? 0 : wrong[place].minutes;
}

static void ask_of(struct referral_ask *out, const struct asking *asking, const struct candidate *candidate) {
    const struct referral_option *option = &candidate->option;
    *out = (struct referral_ask){.chance = option->chance,
        .minutes = option->minutes - option->answer_min,
        .first_min = -1,
        .worth_min = option->worth_min - option->scarcity_min,
        .factor = 1,
        .group = -1};
    set_times(out, asking, option->answer_min);
    set_wrong(out, asking->rank, option->place);
    if (candidate->first_min >= 0) {
        out->first_min = candidate->first_min - option->answer_min;
        legs_find(out, asking->rank, option->missing_need);
    }
}

/* Asked already and unanswered: what it would bring, as any other place, but for the time that has gone by. */
static void add_open(struct asking *asking, const struct referral_open *open) {
    const struct rank *rank = asking->rank;
    struct chance chance;
    struct region_travel travel;
    struct referral_ask *ask = &asking->question.asks[asking->question.ask_count++];
    chance_find(&chance, rank, open->place, rank->patient->needs & rank->snapshot->places[open->place].needs);
    region_travel_from(&travel, rank->snapshot, rank->patient->origin, open->place);
    *ask = (struct referral_ask){.chance = chance.value,
        .minutes = travel.minutes + wait_find(rank, open->place, rank->patient->needs, travel.minutes),
        .first_min = -1,
        .factor = 1,
        .group = -1,
        .open = true};
    double answer = answer_find(rank, open->place);
    set_wrong(ask, rank, open->place);
    set_times(ask, asking, answer);
    double refuse = rank->patient->asking.silence_min - open->since_min;
    ask->answer_min = fmax(1, answer - open->since_min);
    ask->refuse_min = open->since_min < answer ? fmax(ask->answer_min, ask->refuse_min - open->since_min) : refuse;
}

static void make_question(struct asking *asking) {
    const struct referral_case *patient = asking->rank->patient;
    struct referral_plan_question *q = &asking->question;
    *q = (struct referral_plan_question){.shock_all = SHOCK_ALL,
        .parallel_max = patient->asking.parallel_max,
        .ask_cost_min = patient->asking.ask_cost_min,
        .deadline_min = patient->asking.deadline_min,
        .ready_min = patient->asking.ready_min,
        .unplaced_min = patient->asking.unplaced_min};
    curve_find(&q->curve, asking->rank);
    size_t open = patient->open_count < REFERRAL_PLAN_MAX / 2 ? patient->open_count : REFERRAL_PLAN_MAX / 2;
    size_t room = REFERRAL_PLAN_MAX - open;
    asking->count = asking->count < room ? asking->count : room;
    for (size_t i = 0; i < asking->count; i++) {
        ask_of(&q->asks[q->ask_count++], asking, asking->sorted[i]);
    }
    for (size_t i = 0; i < open; i++) {
        add_open(asking, &patient->open[i]);
    }
}

/* ---- rolling ------------------------------------------------------------------------------------------------------------ */

/* How much of a minute towards `to` is also one towards `at`: the cosine between them, as seen from the patient. */
static double shared_way(struct region_point from, struct region_point to, struct region_point at) {
    double scale = cos(from.latitude * RADIANS);
    double x = (to.longitude - from.longitude) * scale, y = to.latitude - from.latitude;
    double u = (at.longitude - from.longitude) * scale, v = at.latitude - from.latitude;
    double length = sqrt((x * x + y * y) * (u * u + v * v));
    return length > 0 ? fmax(BACKWARD_LEAST, (x * u + y * v) / length) : 0;
}

static void head_for(struct asking *asking, size_t heading) {
    const struct region_place *places = asking->rank->snapshot->places;
    const struct referral_option *goal = &asking->sorted[heading]->option;
    for (size_t i = 0; i < asking->count; i++) {
        const struct referral_option *option = &asking->sorted[i]->option;
        struct referral_ask *ask = &asking->question.asks[i];
        ask->rolling =
            shared_way(asking->rank->patient->origin, places[goal->place].point, places[option->place].point);
        ask->rolls_max_min = fmin(goal->travel_min, option->travel_min);
        ask->rolling = ask->rolls_max_min > 0 ? ask->rolling : 0;
    }
}

/* The best direction, of the places that are asked now: the ambulance always has a place that it drives to. */
static int plan_rolling(struct referral_plan *plan, struct asking *asking) {
    struct referral_plan best = *plan, first = *plan;
    int heading = -1;
    for (size_t i = 0; i < first.now_count; i++) {
        if (first.order[i] >= (int)asking->count) {
            continue;
        }
        struct referral_plan rolled;
        head_for(asking, (size_t)first.order[i]);
        referral_plan(&rolled, &asking->question, asking->space);
        bool asked = false;
        for (size_t j = 0; j < rolled.now_count; j++) {
            asked = asked || rolled.order[j] == first.order[i];
        }
        if (asked && (heading < 0 || rolled.value > best.value)) {
            best = rolled;
            heading = first.order[i];
        }
    }
    if (heading >= 0) {
        head_for(asking, (size_t)heading);
    }
    *plan = best;
    return heading;
}

/* ---- what would have changed it ---------------------------------------------------------------------------------------- */

/* Whether this place, with another chance, would be the first by rank of those that are asked now. */
static bool would_be_first(struct asking *asking, size_t at, double chance) {
    if (rank_score(asking->sorted[at], asking->rank, chance) <= asking->sorted[0]->option.score) {
        return false;
    }
    if (asking->space == NULL) {
        return true;
    }
    struct referral_ask was = asking->question.asks[at];
    struct referral_plan plan;
    asking->question.asks[at].chance = chance;
    referral_plan(&plan, &asking->question, asking->space);
    asking->question.asks[at] = was;
    for (size_t i = 0; i < plan.now_count; i++) {
        if (plan.order[i] == (int)at) {
            return true;
        }
    }
    return false;
}

static void say_otherwise(struct referral_counterfactual *out, const struct rank *rank, struct arena *arena) {
    const struct region_place *place = &rank->snapshot->places[out->place];
    struct text ko = place->name_ko, en = place->name_en.size > 0 ? place->name_en : place->name_ko;
    if (out->bed < 0) {
        out->ko = text_format(arena, "담당 의료진이 지금 있었다면 %.*s이(가) 첫 순위였습니다.", (int)ko.size, ko.at);
        out->en = text_format(arena, "With the team there at this hour it would have been %.*s.", (int)en.size, en.at);
        return;
    }
    const struct region_code *bed = &rank->snapshot->beds[out->bed];
    struct text bed_en = bed->name_en.size > 0 ? bed->name_en : bed->name_ko;
    bool one = out->beds_free == 1;
    out->ko = text_format(arena, "%.*s에 %.*s %s 확실히 비어 있었다면 그곳이 첫 순위였습니다.", (int)ko.size, ko.at,
        (int)bed->name_ko.size, bed->name_ko.at, one ? "1병상이" : "2병상이");
    out->en = text_format(arena, "With %s (%.*s) surely free at %.*s it would have been %.*s.",
        one ? "one bed" : "two beds", (int)bed_en.size, bed_en.at, (int)en.size, en.at, (int)en.size, en.at);
}

/* One bed surely free, or two, else the team there: the least change that makes this place the first. */
static bool try_otherwise(struct referral_counterfactual *out, struct asking *asking, size_t at) {
    const struct rank *rank = asking->rank;
    const struct chance *chance = &asking->sorted[at]->chance;
    int place = asking->sorted[at]->option.place;
    for (int free = 1; free <= 2 && chance->beds > 0 && chance->count_bed >= 0; free++) {
        double factor = chance_by_beds(free);
        bool better = factor > chance->beds + 1e-9;
        if (better && would_be_first(asking, at, chance_learned(rank, place, chance->prior / chance->beds * factor))) {
            *out = (struct referral_counterfactual){.place = place, .bed = chance->count_bed, .beds_free = free};
            return true;
        }
    }
    if (chance->on_call < 1 &&
        would_be_first(asking, at, chance_learned(rank, place, fmin(.98, chance->prior / chance->on_call)))) {
        *out = (struct referral_counterfactual){.place = place, .bed = -1};
        return true;
    }
    return false;
}

static void find_otherwise(struct referral_ranking *out, struct asking *asking, struct arena *arena) {
    for (size_t i = 1; i < asking->count; i++) {
        if (asking->sorted[i]->first_min < 0 && try_otherwise(&out->otherwise, asking, i)) {
            say_otherwise(&out->otherwise, asking->rank, arena);
            return;
        }
    }
}

/* ---- the order ------------------------------------------------------------------------------------------------------------ */

static int by_batch(const struct candidate *candidate) {
    return candidate->option.ask_batch > 0 ? candidate->option.ask_batch : REFERRAL_PLAN_MAX + 1;
}

/* Those that are asked first; within a batch and behind the plan by rank. */
static void reorder(struct referral_ranking *out, struct asking *asking, int heading) {
    const struct candidate *rolls = heading < 0 ? NULL : asking->sorted[heading];
    for (size_t i = 0; i < out->plan.count; i++) {
        asking->sorted[out->plan.order[i]]->option.ask_batch = out->plan.batch[i] + 1;
    }
    for (size_t i = 1; i < asking->count; i++) {
        struct candidate *one = asking->sorted[i];
        size_t at = i;
        for (; at > 0 && by_batch(asking->sorted[at - 1]) > by_batch(one); at--) {
            asking->sorted[at] = asking->sorted[at - 1];
        }
        asking->sorted[at] = one;
    }
    for (size_t i = 0; i < asking->count; i++) {
        out->heading = asking->sorted[i] == rolls ? (int)i : out->heading;
    }
    for (size_t i = 0; i < out->plan.count; i++) {
        out->plan.order[i] = (int)i;
        out->plan.batch[i] = asking->sorted[i]->option.ask_batch - 1;
    }
}

void ask_plan(struct referral_ranking *out, const struct rank *rank, struct candidate **sorted, size_t count,
    enum referral_sentences sentences, struct arena *arena) {
    const struct referral_case *patient = rank->patient;
    struct asking asking = {.rank = rank, .sorted = sorted, .count = count};
    out->heading = -1;
    out->otherwise = (struct referral_counterfactual){.place = -1, .bed = -1};
    if (patient->stay_local || patient->choice == REFERRAL_NEAREST_STABILISING || count == 0) {
        return;
    }
    bool asks = patient->asking.parallel_max > 0 && !patient->extreme;
    struct referral_plan_space space; /* on the stack, whose pages are there already: an arena would clear them */
    if (asks) {
        asking.space = &space;
    }
    make_question(&asking);
    int heading = -1;
    if (asks) {
        referral_plan(&out->plan, &asking.question, asking.space);
        heading = patient->departs ? plan_rolling(&out->plan, &asking) : -1;
    }
    if (sentences == REFERRAL_WITH_SENTENCES) {
        find_otherwise(out, &asking, arena);
    }
    reorder(out, &asking, heading);
}
