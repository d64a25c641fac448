/* The order of places: direct ways and two legs in one ranking. */
#include "referral/rank.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_LEGS_MAX = 3 };  /* nearest places that can stabilise */
#define TWO_LEGS_FROM_MIN 60. /* assumption: at level 1 and 2 stabilise first when the direct way is longer */
#define TWO_LEGS_SAVE_MIN 30. /* assumption: to begin care earlier by less is not worth a second transport */
#define SECOND_NO_WEIGHT .5   /* assumption: once stabilised, a no from the second place costs half */
#define LYSIS_FROM_MIN 120.   /* no device within: lysis first (ACC/AHA 2025) */
#define UNSAFE_BYPASS_MIN 10. /* assumption: so much further than the nearest that can resuscitate is a bypass */
#define SCORE_GRAIN 1e-9      /* scores nearer than this are equal; the tie goes by minutes and id */

/* One place on the way to being an option. Directs come first in `at`. */
struct ranking {
    struct rank rank;
    struct arena *arena;
    struct candidate **at;
    size_t count, direct_count;
    double least_direct_min;
};

static void travel_to(struct region_travel *out, const struct rank *rank, int place) {
    if (place == rank->patient->origin_place) {
        *out = (struct region_travel){.estimated = false};
        return;
    }
    region_travel_from(out, rank->snapshot, rank->patient->origin, place);
}

static double grained(double score) {
    return round(score / SCORE_GRAIN) * SCORE_GRAIN;
}

static struct candidate *add(struct ranking *ranking, int place, uint64_t needs) {
    const struct rank *rank = &ranking->rank;
    struct candidate *candidate = ARENA_NEW(ranking->arena, struct candidate);
    ranking->at[ranking->count++] = candidate;
    struct referral_option *option = &candidate->option;
    struct region_travel travel;
    travel_to(&travel, rank, place);
    *option = (struct referral_option){
        .place = place,
        .second_place = -1,
        .travel_min = travel.minutes,
        .wait_min = wait_find(rank, place, needs, travel.minutes),
        .answer_min = answer_find(rank, place),
        .distance_km = travel.distance_km,
        .estimated = travel.estimated,
        .missing_need = -1,
    };
    chance_find(&candidate->chance, rank, place, needs);
    option->minutes = option->answer_min + option->travel_min + option->wait_min;
    option->chance = candidate->chance.value;
    option->learned_weight = candidate->chance.weight;
    option->board_age_min = candidate->chance.count_bed < 0 ? -1 : candidate->chance.count_age_min;
    candidate->id = rank->snapshot->places[place].id;
    candidate->second_id = (struct text){0};
    candidate->first_min = -1;
    return candidate;
}

static double worth_of(const struct rank *rank, int place) {
    const struct referral_case *patient = rank->patient;
    return (place == patient->known_place ? patient->continuity_min : 0) +
           (place == patient->family_place ? patient->family_min : 0);
}

static double net_worth(const struct referral_option *option) {
    return option->worth_min - option->scarcity_min;
}

double rank_score(const struct candidate *candidate, const struct rank *rank, double chance) {
    const struct referral_option *option = &candidate->option;
    double preference = preference_expected(rank, option->place, option->minutes - net_worth(option));
    return grained(asking_find(rank, chance, option->answer_min) * option->benefit * preference);
}

static void score_direct(struct candidate *candidate, const struct rank *rank) {
    struct referral_option *option = &candidate->option;
    option->benefit = benefit_find(rank, option->minutes, -1);
    option->worth_min = worth_of(rank, option->place);
    option->scarcity_min = scarcity_find(rank, option->place);
    if (rank->patient->wrong != NULL) {
        option->wrong = rank->patient->wrong[option->place].chance;
        option->wrong_min = rank->patient->wrong[option->place].minutes;
    }
    option->score = rank_score(candidate, rank, option->chance);
}

/* ---- two legs --------------------------------------------------------------------------------------------------- */

/* The need that the first place must serve to bridge what it lacks; false when something it lacks cannot be bridged. */
static bool bridge_of(uint64_t *out, double *stay_out, const struct rank *rank, uint64_t missing) {
    uint64_t bridge = 0;
    double stay = 0;
    for (; missing != 0; missing &= missing - 1) {
        const struct rank_need *need = rank_need_find(rank, __builtin_ctzll(missing));
        if (need == NULL || need->stabilise < 0) {
            return false;
        }
        bridge |= UINT64_C(1) << need->stabilise;
        stay = fmax(stay, need->trait->stay_min);
    }
    *out = bridge;
    *stay_out = stay;
    return true;
}

/* Whether two legs are worth showing, by what is lacking at the first place and how long the direct way takes. */
static bool two_legs_open(const struct ranking *ranking, uint64_t missing) {
    const struct referral_case *patient = ranking->rank.patient;
    if (ranking->direct_count == 0) {
        return true;
    }
    for (; missing != 0; missing &= missing - 1) {
        const struct rank_need *need = rank_need_find(&ranking->rank, __builtin_ctzll(missing));
        if (need->trait->curve == DELAY_INFARCTION && ranking->least_direct_min <= LYSIS_FROM_MIN) {
            return false;
        }
        bool late = ranking->least_direct_min > TWO_LEGS_FROM_MIN ||
                    (patient->window_minutes > 0 && ranking->least_direct_min > patient->window_minutes);
        if (need->trait->curve == DELAY_WINDOW && (patient->level > 2 || !late)) {
            return false;
        }
    }
    return true;
}

struct first_leg {
    int place;
    uint64_t bridge, missing;
    double stay_min, minutes;
};

/* The nearest few that lack only what can be bridged. */
static size_t find_first_legs(struct first_leg out[FIRST_LEGS_MAX], const struct ranking *ranking) {
    const struct rank *rank = &ranking->rank;
    size_t count = 0;
    for (int i = 0; i < (int)rank->snapshot->place_count; i++) {
        const struct region_place *place = &rank->snapshot->places[i];
        struct first_leg leg = {.place = i, .missing = rank->patient->needs & ~place->needs};
        int lacking = -1;
        if (leg.missing == 0 || !bridge_of(&leg.bridge, &leg.stay_min, rank, leg.missing)) {
            continue;
        }
        uint64_t here = (rank->patient->needs & place->needs) | leg.bridge;
        if (!two_legs_open(ranking, leg.missing) || eligible_find(&lacking, rank, i, here) != REFERRAL_ELIGIBLE) {
            continue;
        }
        struct region_travel travel;
        travel_to(&travel, rank, i);
        leg.minutes = travel.minutes + answer_find(rank, i);
        if (leg.minutes + TWO_LEGS_SAVE_MIN > ranking->least_direct_min) {
            continue;
        }
        size_t at = count;
        while (at > 0 && leg.minutes < out[at - 1].minutes) {
            at--;
        }
        if (at == FIRST_LEGS_MAX) {
            continue;
        }
        count = count < FIRST_LEGS_MAX ? count + 1 : count;
        for (size_t j = count - 1; j > at; j--) {
            out[j] = out[j - 1];
        }
        out[at] = leg;
    }
    return count;
}

static void score_two_legs(struct candidate *candidate, const struct rank *rank) {
    struct referral_option *option = &candidate->option;
    option->benefit = benefit_find(rank, option->minutes, candidate->first_min);
    const struct rank_need *missing = rank_need_find(rank, option->missing_need);
    bool begun = missing != NULL && missing->trait->curve != DELAY_WINDOW;
    double weight = begun ? AFTER_LYSIS_WEIGHT : AFTER_STABILISING_WEIGHT;
    double weighed = candidate->first_min + weight * (option->minutes - candidate->first_min);
    double asking = asking_find(rank, option->chance, option->answer_min);
    option->score = grained(asking * option->benefit * preference_find(rank, weighed - net_worth(option)));
}

/* The best place to go on to, by the score of the whole way. */
static void choose_second(struct candidate *candidate, const struct ranking *ranking, const struct first_leg *leg) {
    const struct rank *rank = &ranking->rank;
    struct candidate best = *candidate;
    for (size_t i = 0; i < ranking->direct_count; i++) {
        const struct referral_option *direct = &ranking->at[i]->option;
        struct candidate whole = *candidate;
        struct region_travel second;
        region_travel_between(&second, rank->snapshot, leg->place, direct->place);
        whole.option.second_place = direct->place;
        whole.option.second_leg_min = leg->stay_min + second.minutes;
        whole.option.vehicle_away_min = 2 * second.minutes;
        whole.option.worth_min = worth_of(rank, direct->place);
        whole.option.scarcity_min = direct->scarcity_min;
        whole.option.minutes = candidate->option.minutes + whole.option.second_leg_min;
        whole.option.chance = candidate->option.chance * (1 - SECOND_NO_WEIGHT * (1 - direct->chance));
        whole.second_id = ranking->at[i]->id;
        score_two_legs(&whole, rank);
        bool better = best.option.second_place < 0 || whole.option.score > best.option.score ||
                      (whole.option.score == best.option.score && text_compare(whole.second_id, best.second_id) < 0);
        if (better) {
            best = whole;
        }
    }
    *candidate = best;
}

static void add_two_legs(struct ranking *ranking) {
    struct first_leg legs[FIRST_LEGS_MAX];
    size_t count = find_first_legs(legs, ranking);
    for (size_t i = 0; i < count; i++) {
        const struct rank *rank = &ranking->rank;
        uint64_t here = (rank->patient->needs & rank->snapshot->places[legs[i].place].needs) | legs[i].bridge;
        struct candidate *candidate = add(ranking, legs[i].place, here);
        candidate->option.missing_need = __builtin_ctzll(legs[i].missing);
        candidate->first_min = candidate->option.minutes;
        if (ranking->direct_count > 0) {
            choose_second(candidate, ranking, &legs[i]);
        } else { /* nobody in reach serves the need: stabilise, and the control room looks further */
            score_two_legs(candidate, rank);
        }
    }
}

/* ---- special orders --------------------------------------------------------------------------------------------- */

/* Arrest, airway: what counts is who can begin first, the rest follows from there. */
static void rank_nearest(struct ranking *ranking) {
    const struct rank *rank = &ranking->rank;
    uint64_t stabilise = rank->stabilise < 0 ? 0 : UINT64_C(1) << rank->stabilise;
    size_t direct_count = ranking->direct_count;
    for (size_t i = 0; i < direct_count; i++) {
        struct candidate *direct = ranking->at[i];
        direct->option.score = grained(preference_find(rank, direct->option.minutes));
    }
    for (int i = 0; i < (int)rank->snapshot->place_count && stabilise != 0; i++) {
        int lacking = -1;
        uint64_t missing = rank->patient->needs & ~rank->snapshot->places[i].needs;
        if (missing == 0 || eligible_find(&lacking, rank, i, stabilise) != REFERRAL_ELIGIBLE) {
            continue;
        }
        struct candidate *candidate = add(ranking, i, stabilise);
        candidate->option.missing_need = __builtin_ctzll(missing);
        candidate->first_min = candidate->option.minutes;
        struct first_leg leg = {.place = i, .stay_min = 30};
        choose_second(candidate, ranking, &leg);
        candidate->option.benefit = benefit_find(rank, candidate->option.minutes, candidate->first_min);
        candidate->option.score = grained(preference_find(rank, candidate->first_min));
    }
}

static double first_care_min(const struct candidate *candidate) {
    return candidate->first_min >= 0 ? candidate->first_min : candidate->option.minutes;
}

/* Without a pulse or an airway, to drive past who can resuscitate is no option at all (docs/referral.md). One remains always. */
static void exclude_unsafe(struct ranking *ranking, struct referral_ranking *out) {
    double nearest = INFINITY;
    for (size_t i = 0; i < ranking->count; i++) {
        nearest = fmin(nearest, first_care_min(ranking->at[i]));
    }
    size_t kept = 0, direct = 0;
    for (size_t i = 0; i < ranking->count; i++) {
        struct candidate *candidate = ranking->at[i];
        if (first_care_min(candidate) > nearest + UNSAFE_BYPASS_MIN) {
            if (i < ranking->direct_count) { /* the others lack a need, and say so already */
                out->excluded[out->excluded_count++] = (struct referral_excluded){
                    .place = candidate->option.place, .why = REFERRAL_UNSAFE_BYPASS, .need = -1};
            }
            continue;
        }
        direct += i < ranking->direct_count ? 1 : 0;
        ranking->at[kept++] = candidate;
    }
    ranking->count = kept;
    ranking->direct_count = direct;
}

/* Care stays where the patient is, or next to it. */
static void mark_local(struct ranking *ranking) {
    struct candidate *local = NULL;
    for (size_t i = 0; i < ranking->direct_count; i++) {
        struct candidate *candidate = ranking->at[i];
        bool here = candidate->option.place == ranking->rank.patient->origin_place;
        if (here) {
            local = candidate;
            break;
        }
        if (local == NULL || candidate->option.travel_min < local->option.travel_min ||
            (candidate->option.travel_min == local->option.travel_min && text_compare(candidate->id, local->id) < 0)) {
            local = candidate;
        }
    }
    if (local != NULL) {
        local->local = true;
    }
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

int rank_order(const void *left, const void *right) {
    const struct candidate *a = *(struct candidate *const *)left, *b = *(struct candidate *const *)right;
    if (a->local != b->local) {
        return a->local ? -1 : 1;
    }
    if (a->option.score != b->option.score) {
        return a->option.score > b->option.score ? -1 : 1;
    }
    if (a->option.minutes != b->option.minutes) {
        return a->option.minutes < b->option.minutes ? -1 : 1;
    }
    int ids = text_compare(a->id, b->id);
    return ids != 0 ? ids : text_compare(a->second_id, b->second_id);
}

static void collect(struct ranking *ranking, struct referral_ranking *out) {
    const struct rank *rank = &ranking->rank;
    ranking->least_direct_min = INFINITY;
    ranking->rank.least_tier = REGION_TIER_REGIONAL_CENTRE;
    for (int i = 0; i < (int)rank->snapshot->place_count; i++) {
        int need = -1;
        enum referral_exclusion why = eligible_find(&need, rank, i, rank->patient->needs);
        if (why != REFERRAL_ELIGIBLE) {
            out->excluded[out->excluded_count++] = (struct referral_excluded){.place = i, .why = why, .need = need};
            continue;
        }
        struct candidate *candidate = add(ranking, i, rank->patient->needs);
        ranking->least_direct_min = fmin(ranking->least_direct_min, candidate->option.minutes);
        enum region_tier tier = rank->snapshot->places[i].tier;
        ranking->rank.least_tier = tier < ranking->rank.least_tier ? tier : ranking->rank.least_tier;
    }
    ranking->direct_count = ranking->count;
    for (size_t i = 0; i < ranking->count; i++) {
        score_direct(ranking->at[i], rank);
    }
    if (rank->patient->choice == REFERRAL_NEAREST_STABILISING) {
        rank_nearest(ranking);
        exclude_unsafe(ranking, out);
    } else if (rank->patient->needs != 0 && (!rank->patient->one_leg || ranking->direct_count == 0)) {
        add_two_legs(ranking);
    }
    if (rank->patient->stay_local) {
        mark_local(ranking);
    }
}

enum status referral_rank(struct referral_ranking *out, const struct region_snapshot *snapshot,
    const struct referral_case *patient, enum referral_sentences sentences, struct scope *scope) {
    *out = (struct referral_ranking){0};
    if (patient->level < 1 || patient->level > 5) {
        return fault(scope, STATUS_UNPROCESSABLE, "", "ranking needs a level from 1 to 5");
    }
    struct ranking *ranking = ARENA_NEW(scope->arena, struct ranking);
    rank_prepare(&ranking->rank, snapshot, patient);
    ranking->arena = scope->arena;
    ranking->at = ARENA_ARRAY(scope->arena, struct candidate *, 2 * snapshot->place_count + FIRST_LEGS_MAX);
    out->excluded = ARENA_ARRAY(scope->arena, struct referral_excluded, snapshot->place_count + 1);
    collect(ranking, out);

    struct candidate **sorted = ranking->at;
    qsort(sorted, ranking->count, sizeof *sorted, rank_order);
    ask_plan(out, &ranking->rank, sorted, ranking->count, sentences, scope->arena);
    size_t wanted =
        patient->options_max > 0 && patient->options_max < ranking->count ? patient->options_max : ranking->count;
    out->options = ARENA_ARRAY(scope->arena, struct referral_option, wanted + 1);
    out->option_count = wanted;
    for (size_t i = 0; i < wanted; i++) {
        if (sentences == REFERRAL_WITH_SENTENCES) {
            sentences_write(sorted[i], &ranking->rank, scope->arena);
        }
        out->options[i] = sorted[i]->option;
    }
    return STATUS_OK;
}
