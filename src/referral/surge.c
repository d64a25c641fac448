#include "referral/surge.h"

#include <math.h>

/* ---- policy ---------------------------------------------------------------------------------------------------------- */

static const struct surge_policy built_in = {{0, 16, 8, 4, 2, 1}}; /* assumption: each level twice the next */

enum status surge_policy_read(struct surge_policy *out, struct text document, struct scope *scope) {
    yyjson_doc *parsed;
    *out = built_in;
    if (document.size == 0) {
        return STATUS_OK;
    }
    enum status status = json_read(&parsed, document, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *weights =
        json_get(json_get(json_get(yyjson_doc_get_root(parsed), "surge"), "level_weights"), "value");
    if (weights == NULL) {
        return STATUS_OK;
    }
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)weights, index, count, item) {
        double weight = 0;
        bool good =
            count == 5 && text_to_double(&weight, json_number_text(item)) && weight > 0 && weight <= SURGE_WEIGHT_MAX;
        if (!good) {
            return fault(scope, STATUS_INVALID, "surge.level_weights",
                "policy: five weights, each above 0 and at most %g", SURGE_WEIGHT_MAX);
        }
        out->weights[index + 1] = weight;
    }
    return yyjson_is_arr((yyjson_val *)weights) && count == 5
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, "surge.level_weights", "policy: five weights, one a level");
}

/* ---- columns: beds ---------------------------------------------------------------------------------------------------- */

/* The kinds of bed that one patient of the group may take; a patient takes one. */
static int kinds_of(int out[NEED_BEDS_MAX], const struct rank *rank) {
    for (size_t n = 0; n < rank->need_count; n++) {
        if (rank->needs[n].bed_count > 0) {
            for (int i = 0; i < rank->needs[n].bed_count; i++) {
                out[i] = rank->needs[n].beds[i];
            }
            return rank->needs[n].bed_count;
        }
    }
    out[0] = rank->emergency_bed;
    return rank->emergency_bed >= 0 ? 1 : 0;
}

static int *slot_of(const struct surge *surge, int place, int bed) { /* column + 1; 0: none */
    return &surge->index[(size_t)place * (REGION_BEDS_MAX + 1) + (size_t)(bed + 1)];
}

int surge_column_find(const struct surge *surge, int place, int bed) {
    return *slot_of(surge, place, bed) - 1;
}

const struct surge_way *surge_way_find(const struct surge *surge, int group, int place) {
    const struct surge_way *ways = surge->ways[group];
    size_t low = 0, high = surge->way_count[group];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ways[middle].place < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < surge->way_count[group] && ways[low].place == place ? &ways[low] : NULL;
}

struct making {
    struct surge *surge;
    const struct surge_policy *policy;
    const struct surge_bed *beds;
    size_t bed_count;
    size_t column_room;
    struct surge_way *by_place; /* of the group that is looked at; cost ASSIGNMENT_NEVER: not there */
    struct scope *scope;
};

static const struct surge_bed *typed_bed(const struct making *making, int place, int bed) {
    for (size_t i = making->bed_count; i-- > 0;) {
        if (making->beds[i].place == place && making->beds[i].bed == bed) {
            return &making->beds[i];
        }
    }
    return NULL;
}

static bool add_column(struct making *making, int place, int bed) {
    struct surge *surge = making->surge;
    int *slot = slot_of(surge, place, bed);
    if (*slot != 0) {
        return true;
    }
    struct surge_column column = {.place = place, .bed = bed};
    const struct surge_bed *typed = bed < 0 ? NULL : typed_bed(making, place, bed);
    const struct region_count *count = bed < 0 ? NULL : &surge->snapshot->places[place].beds[bed];
    if (typed != NULL) {
        column.beds = typed->free;
        column.typed = true;
    } else if (count == NULL) {
        column.beds = 1;
        column.assumed = true;
    } else if (count->known) {
        column.beds = count->free;
    } else {
        return false;
    }
    if (surge->column_count == making->column_room) {
        size_t room = 2 * making->column_room + 64;
        surge->columns = arena_resize(
            making->scope->arena, surge->columns, making->column_room * sizeof column, room * sizeof column);
        making->column_room = room;
    }
    surge->columns[surge->column_count++] = column;
    *slot = (int)surge->column_count;
    return true;
}

/* ---- what a reading may hide ------------------------------------------------------------------------------------------------ */

enum { DOUBT_CHAINS = 1024 };

static bool is_alike(const struct surge_doubt *doubt, const struct surge_group *group) {
    const struct referral_case *a = &doubt->patient, *b = &group->patient;
    return a->level == b->level && a->age_months == b->age_months && a->needs == b->needs &&
           text_equal(doubt->read_as, group->read_as);
}

/* By what the posterior looks at, which is not where the patient is; one whom a doctor has seen has no doubts of its own. */
static void find_doubt(struct making *making, struct surge_doubt *chains[DOUBT_CHAINS], int g) {
    struct surge *surge = making->surge;
    const struct surge_group *group = &surge->groups[g];
    struct arena *arena = making->scope->arena;
    if (!group->doubted || doctor_has_seen(&group->patient, surge->snapshot)) {
        return;
    }
    struct surge_doubt **chain = &chains[(size_t)(group->patient.age_months + 1) % DOUBT_CHAINS], *doubt = *chain;
    while (doubt != NULL && !is_alike(doubt, group)) {
        doubt = doubt->next;
    }
    if (doubt == NULL) {
        doubt = ARENA_NEW(arena, struct surge_doubt);
        *doubt = (struct surge_doubt){.read_as = group->read_as, .patient = group->patient, .next = *chain};
        referral_doubts_of(&doubt->patient, surge->snapshot, group->read_as, NULL, arena);
        referral_wrongs_of(&doubt->patient, surge->snapshot, arena);
        *chain = doubt;
        doubt->number = surge->doubt_count;
        surge->doubts[surge->doubt_count] = doubt;
        surge->doubt_count += doubt->patient.wrong != NULL ? 1 : 0;
    }
    surge->doubt_of[g] = doubt->patient.wrong != NULL ? doubt : NULL;
}

/* ---- ways: what a group gains where ------------------------------------------------------------------------------------- */

/* One group's ranking lives in an arena of its own: a wave of thousands leaves only its ways behind. */
struct looking {
    struct making *making;
    int group;
};

static void take_option(const struct looking *looking, const struct rank *rank, const struct referral_option *option,
    const int *kinds, int kind_count) {
    struct making *making = looking->making;
    double weight = making->policy->weights[rank->patient->level];
    double value = option->chance * option->benefit * preference_expected(rank, option->place, option->minutes);
    making->by_place[option->place] = (struct surge_way){.place = option->place,
        .minutes = option->minutes,
        .chance = option->chance,
        .value = value,
        .wrong = option->wrong,
        .wrong_min = option->wrong_min,
        .cost = llround(SURGE_COST_UNIT * weight * (1 - value))};
    bool known = false;
    for (int k = 0; k < kind_count; k++) {
        known = add_column(making, option->place, kinds[k]) || known;
    }
    if (!known) {
        add_column(making, option->place, -1);
    }
}

static enum status look_around(void *context, struct scope *scope) {
    const struct looking *looking = context;
    const struct surge *surge = looking->making->surge;
    const struct surge_doubt *doubt = surge->doubt_of[looking->group];
    struct referral_case patient = surge->groups[looking->group].patient;
    struct referral_ranking ranking;
    struct rank rank;
    int kinds[NEED_BEDS_MAX];
    if (doubt != NULL) {
        patient.doubts = doubt->patient.doubts;
        patient.doubt_count = doubt->patient.doubt_count;
        patient.wrong = doubt->patient.wrong;
    }
    enum status status = referral_rank(&ranking, surge->snapshot, &patient, REFERRAL_NUMBERS_ONLY, scope);
    rank_prepare(&rank, surge->snapshot, &patient);
    int kind_count = kinds_of(kinds, &rank);
    for (size_t i = 0; i < ranking.option_count && status == STATUS_OK; i++) {
        if (ranking.options[i].second_place < 0 && ranking.options[i].missing_need < 0) {
            take_option(looking, &rank, &ranking.options[i], kinds, kind_count);
        }
    }
    return status;
}

static enum status find_ways(struct making *making, int group, struct arena *scratch) {
    struct surge *surge = making->surge;
    size_t places = surge->snapshot->place_count;
    struct scope inner = {.deadline_us = making->scope->deadline_us};
    struct looking looking = {making, group};
    size_t count = 0;
    for (size_t i = 0; i < places; i++) {
        making->by_place[i].cost = ASSIGNMENT_NEVER;
    }
    enum status status = scope_run(&inner, scratch, look_around, &looking);
    if (status != STATUS_OK) {
        fault_carry(making->scope, &inner.fault);
    }
    for (size_t i = 0; i < places; i++) {
        count += making->by_place[i].cost != ASSIGNMENT_NEVER ? 1 : 0;
    }
    struct surge_way *ways = ARENA_ARRAY(making->scope->arena, struct surge_way, count + 1);
    surge->ways[group] = ways;
    for (size_t i = 0; i < places; i++) {
        const struct surge_way *best = surge->first_choice[group];
        if (making->by_place[i].cost == ASSIGNMENT_NEVER) {
            continue;
        }
        struct surge_way *way = &ways[surge->way_count[group]++];
        *way = making->by_place[i];
        if (best == NULL || way->cost < best->cost) {
            surge->first_choice[group] = way;
        }
    }
    arena_reset(scratch);
    return status;
}

static void fill_costs(struct making *making, int group) {
    struct surge *surge = making->surge;
    struct rank rank;
    rank_prepare(&rank, surge->snapshot, &surge->groups[group].patient);
    int kinds[NEED_BEDS_MAX], kind_count = kinds_of(kinds, &rank);
    int64_t *row = ARENA_ARRAY(making->scope->arena, int64_t, surge->column_count + 1);
    for (size_t i = 0; i < surge->snapshot->place_count; i++) {
        making->by_place[i].cost = ASSIGNMENT_NEVER;
    }
    for (size_t i = 0; i < surge->way_count[group]; i++) {
        making->by_place[surge->ways[group][i].place].cost = surge->ways[group][i].cost;
    }
    for (size_t j = 0; j < surge->column_count; j++) {
        const struct surge_column *column = &surge->columns[j];
        bool fits = false;
        for (int k = 0; k < kind_count; k++) {
            fits = fits || column->bed == kinds[k];
        }
        if (column->bed < 0) { /* only who finds no known kind there */
            fits = true;
            for (int k = 0; k < kind_count; k++) {
                fits = fits && surge_column_find(surge, column->place, kinds[k]) < 0;
            }
        }
        row[j] = fits ? making->by_place[column->place].cost : ASSIGNMENT_NEVER;
    }
    surge->costs[group] = row;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------ */

void surge_number_patients(struct surge *surge, const struct surge_policy *policy, struct arena *arena) {
    const int64_t **rows = ARENA_ARRAY(arena, const int64_t *, surge->patient_count + 1);
    int64_t *unplaced = ARENA_ARRAY(arena, int64_t, surge->patient_count + 1);
    surge->group_of = ARENA_ARRAY(arena, int, surge->patient_count + 1);
    surge->capacity = ARENA_ARRAY(arena, int, surge->column_count + 1);
    size_t patient = 0;
    for (size_t g = 0; g < surge->group_count; g++) {
        surge->first_of[g] = patient;
        for (int n = 0; n < surge->groups[g].count; n++, patient++) {
            surge->group_of[patient] = (int)g;
            rows[patient] = surge->costs[g];
            unplaced[patient] = llround(SURGE_COST_UNIT * policy->weights[surge->groups[g].patient.level]);
        }
    }
    for (size_t j = 0; j < surge->column_count; j++) {
        surge->capacity[j] = surge->columns[j].beds > 0 ? surge->columns[j].beds : 0;
    }
    surge->problem =
        (struct assignment_problem){surge->patient_count, surge->column_count, rows, unplaced, surge->capacity};
}

enum { RANKING_BYTES = 64 << 20 };

static void close_scratch(void *scratch) {
    arena_close(scratch);
}

enum status surge_solve(struct surge *out, const struct region_snapshot *snapshot, const struct surge_policy *policy,
    const struct surge_group *groups, size_t group_count, const struct surge_bed *beds, size_t bed_count,
    struct scope *scope) {
    *out = (struct surge){.snapshot = snapshot, .groups = groups, .group_count = group_count};
    out->ways = ARENA_ARRAY(scope->arena, struct surge_way *, group_count + 1);
    out->way_count = ARENA_ARRAY(scope->arena, size_t, group_count + 1);
    out->costs = ARENA_ARRAY(scope->arena, int64_t *, group_count + 1);
    struct making making = {.surge = out, .policy = policy, .beds = beds, .bed_count = bed_count, .scope = scope};
    making.by_place = ARENA_ARRAY(scope->arena, struct surge_way, snapshot->place_count + 1);
    out->index = ARENA_ARRAY(scope->arena, int, (snapshot->place_count + 1) * (REGION_BEDS_MAX + 1));
    out->first_of = ARENA_ARRAY(scope->arena, size_t, group_count + 1);
    out->doubt_of = ARENA_ARRAY(scope->arena, const struct surge_doubt *, group_count + 1);
    out->doubts = ARENA_ARRAY(scope->arena, struct surge_doubt *, group_count + 1);
    struct surge_doubt **chains = ARENA_ARRAY(scope->arena, struct surge_doubt *, DOUBT_CHAINS);
    out->first_choice = ARENA_ARRAY(scope->arena, const struct surge_way *, group_count + 1);
    struct arena *scratch = arena_open(RANKING_BYTES);
    if (scratch == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    }
    arena_defer(scope->arena, close_scratch, scratch);
    enum status status = STATUS_OK;
    for (size_t g = 0; g < group_count && status == STATUS_OK; g++) {
        out->patient_count += (size_t)groups[g].count;
        find_doubt(&making, chains, (int)g);
        status = find_ways(&making, (int)g, scratch);
        status = status == STATUS_OK ? scope_check_deadline(scope) : status;
    }
    if (status == STATUS_OK && out->patient_count > SURGE_PATIENTS_MAX) {
        status = fault(scope, STATUS_TOO_LARGE, "", "at most %d patients in one wave", SURGE_PATIENTS_MAX);
    }
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t g = 0; g < group_count; g++) {
        fill_costs(&making, (int)g);
    }
    surge_number_patients(out, policy, scope->arena);
    return assignment_solve(&out->assignment, &out->problem, scope);
}
