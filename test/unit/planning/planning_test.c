/* planning: what comes out first, what is drawn again, what is assigned, and a world small enough to be computed by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka_all.h"
#include "planning/heap.h"
#include "planning/planning.h"
#include "planning/random.h"
#include "planning/run.h"

enum { ARENA_MAX = 512 << 20, FILE_MAX = 1 << 20, SMALL_DAYS = 20 };

static int open_arena(void **state) {
    *state = arena_open(ARENA_MAX);
    return *state == NULL;
}

static int close_arena(void **state) {
    arena_close(*state);
    return 0;
}

static void events_come_by_time_then_by_turn(void **state) {
    struct heap heap = heap_open(*state, 4);
    struct event event;
    double last = -1;
    int last_turn = -1;
    for (int i = 0; i < 2000; i++) {
        double at = floor(50 * random_unit(7, STREAM_GAP, (uint64_t)i, 0, 0));
        heap_push(&heap, (struct event){.at = at, .a = i});
    }
    for (int i = 0; i < 2000; i++) {
        assert_true(heap_pop(&event, &heap));
        assert_true(event.at > last || (event.at == last && event.a > last_turn));
        last = event.at;
        last_turn = event.a;
    }
    assert_false(heap_pop(&event, &heap));
}

static void numbers_are_functions_of_what_they_are_for(void **state) {
    (void)state;
    double sum = 0, squares = 0;
    enum { DRAWS = 20000 };
    assert_true(random_unit(1, STREAM_GAP, 5, 6, 7) == random_unit(1, STREAM_GAP, 5, 6, 7));
    assert_true(random_unit(1, STREAM_GAP, 5, 6, 7) != random_unit(2, STREAM_GAP, 5, 6, 7));
    assert_true(random_unit(1, STREAM_GAP, 5, 6, 7) != random_unit(1, STREAM_PLACE, 5, 6, 7));
    assert_true(random_unit(1, STREAM_GAP, 5, 6, 7) != random_unit(1, STREAM_GAP, 6, 5, 7));
    for (uint64_t i = 0; i < DRAWS; i++) {
        double unit = random_unit(3, STREAM_STAY, i, 0, 0);
        assert_true(unit > 0 && unit < 1);
        sum += unit;
        squares += unit * unit;
    }
    assert_true(fabs(sum / DRAWS - .5) < .01);
    assert_true(fabs(squares / DRAWS - 1 / 3.0) < .01);
}

/* ---- assignment ----------------------------------------------------------------------------------------------------- */

static double best_by_search(const double *cost, const int *capacity, int *used, int row, int rows, int columns) {
    double best = INFINITY;
    if (row == rows) {
        return 0;
    }
    for (int j = 0; j < columns; j++) {
        if (j == columns - 1 || used[j] < capacity[j]) {
            used[j]++;
            best = fmin(best, cost[row * columns + j] + best_by_search(cost, capacity, used, row + 1, rows, columns));
            used[j]--;
        }
    }
    return best;
}

static void assignments_are_optimal_and_certified(void **state) {
    for (uint64_t trial = 0; trial < 300; trial++) {
        int rows = 1 + (int)(5 * random_unit(11, STREAM_GAP, trial, 0, 0));
        int columns = 2 + (int)(4 * random_unit(11, STREAM_GAP, trial, 1, 0));
        double cost[64];
        int capacity[8], used[8] = {0}, taken[8] = {0};
        for (int i = 0; i < rows * columns; i++) {
            cost[i] = floor(20 * random_unit(11, STREAM_PLACE, trial, (uint64_t)i, 0));
        }
        for (int j = 0; j < columns; j++) {
            capacity[j] = (int)(3 * random_unit(11, STREAM_AGE, trial, (uint64_t)j, 0));
        }
        struct planning_assignment found;
        planning_assign(&found, cost, capacity, (size_t)rows, (size_t)columns, *state);
        double best = best_by_search(cost, capacity, used, 0, rows, columns);
        assert_true(fabs(found.cost - best) < 1e-9);
        assert_true(fabs(found.dual - best) < 1e-9);
        for (int i = 0; i < rows; i++) {
            taken[found.column[i]]++;
        }
        for (int j = 0; j < columns; j++) {
            assert_true(found.price[j] >= 0);
            assert_true(j == columns - 1 || taken[j] <= capacity[j]);
        }
    }
}

/* ---- parameters ----------------------------------------------------------------------------------------------------- */

static const struct planning_parameters *read_parameters(struct scope *scope) {
    struct text json;
    const struct planning_parameters *out = NULL;
    assert_int_equal(file_read(&json, "regions/gangwon/simulation.json", FILE_MAX, scope), STATUS_OK);
    assert_int_equal(planning_parameters_read(&out, json, scope), STATUS_OK);
    return out;
}

static void parameters_name_their_source(void **state) {
    struct scope scope = {.arena = *state};
    size_t count;
    const struct planning_assumption *list = planning_parameters_list(&count, read_parameters(&scope));
    assert_true(count > 50);
    for (size_t i = 0; i < count; i++) {
        assert_true(list[i].source[0] != '\0');
    }
}

/* A number of the second reader, changed, is so in the world; what the engine believes of it stays. */
static void the_readers_numbers_change_the_world_alone(void **state) {
    struct scope scope = {.arena = *state};
    const struct planning_parameters *base = read_parameters(&scope), *changed = base;
    assert_int_equal(planning_parameters_with(&changed, changed, "reader.found", .25, &scope), STATUS_OK);
    assert_int_equal(planning_parameters_with(&changed, changed, "reader.mews-4.positive", .5, &scope), STATUS_OK);
    assert_int_equal(planning_parameters_with(&changed, changed, "reader.mews-4.otherwise", .125, &scope), STATUS_OK);
    assert_int_equal(planning_parameters_with(&base, base, "reader.mews-4.nothing", .5, &scope), STATUS_NOT_FOUND);
    int sepsis = region_readings_find(&base->readings, TEXT("SY-SEPSIS"));
    for (int c = 0; c < base->condition_count; c++) {
        assert_true(changed->readings.tests[0].positive[c] == (c == sepsis ? .5 : .125));
        assert_true(changed->believed.tests[0].positive[c] == base->readings.tests[0].positive[c]);
    }
    assert_true(changed->readings.consult.found == .25 && changed->believed.consult.found == .5);
    assert_true(base->readings.consult.found == .5);
}

static enum status read_changed(const char *from, const char *to, struct scope *scope) {
    struct text json;
    const struct planning_parameters *out;
    assert_int_equal(file_read(&json, "regions/gangwon/simulation.json", FILE_MAX, scope), STATUS_OK);
    struct buffer b = buffer_open(scope->arena, FILE_MAX);
    const char *at = strstr(json.at, from);
    assert_non_null(at);
    buffer_put(&b, (struct text){json.at, (size_t)(at - json.at)});
    buffer_put_string(&b, to);
    buffer_put_string(&b, at + strlen(from));
    return planning_parameters_read(&out, buffer_text(&b), scope);
}

static void bad_parameters_are_refused(void **state) {
    static const struct {
        const char *from, *to;
        enum status status;
    } rows[] = {
        {"soyang-simulation/1", "soyang-simulation/2", STATUS_INVALID},
        {"\"value\": 211.2", "\"value\": -1", STATUS_UNPROCESSABLE},
        {"\"value\": 211.2", "\"value\": \"many\"", STATUS_INVALID},
        {"\"turnout_min\"", "\"turnout\"", STATUS_INVALID},
        {"\"share_percent\": 1.57", "\"share_percent\": -1.57", STATUS_INVALID},
        {"\"as\": \"SY-ED\"", "\"as\": \"SY-NOWHERE\"", STATUS_INVALID},
        {"\"exact\": 0.646", "\"exact\": 1.646", STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scope scope = {.arena = *state};
        assert_int_equal(read_changed(rows[i].from, rows[i].to, &scope), rows[i].status);
        assert_true(scope.fault.count > 0);
    }
    struct scope scope = {.arena = *state};
    const struct planning_parameters *p = read_parameters(&scope);
    assert_int_equal(planning_parameters_with(&p, p, "no_such", 1, &scope), STATUS_NOT_FOUND);
}

/* ---- a world by hand ------------------------------------------------------------------------------------------------- */

static const char districts[] = "sigungu,lat,lon,age_0_4,age_5_14,age_15_64,age_65_74,age_75_84,age_85_up\n"
                                "작은군,37.5,128.0,10,20,100,40,30,10\n";

/* One hospital at the only district, a thousand beds, no team that could be away: what is left is driving and the scene. */
static struct region_snapshot *small_region(struct arena *arena) {
    struct region_snapshot *out = ARENA_NEW(arena, struct region_snapshot);
    struct region_place *place = ARENA_NEW(arena, struct region_place);
    *place = (struct region_place){.id = TEXT("only"),
        .name_ko = TEXT("하나병원"),
        .tier = REGION_TIER_REGIONAL_CENTRE,
        .point = {37.5, 128.0},
        .answer_minutes = 1};
    place->beds[0] = (struct region_count){.total = 1000};
    out->places = place;
    out->place_count = 1;
    out->beds[0] = (struct region_code){.code = TEXT("hvec")};
    out->bed_count = 1;
    out->travel =
        (struct region_travel_model){.base_min = 3, .detour = 1.435, .near_km = 8, .near_kmh = 30, .far_kmh = 60};
    out->control_room = -1;
    out->zone_minutes = 540;
    return out;
}

static const struct planning_parameters *small_parameters(struct scope *scope) {
    static const struct {
        const char *name;
        double value;
    } changes[] = {{"scene_sd_min", 0}, {"night_travel", 1}, {"snow_day_chance", 0}, {"phone_mean_min", .1},
        {"phone_next_min", 0}, {"refuse_base", 0}, {"ed_load", 0}, {"ed_full_refuse", 0}, {"ambulance_travel", 1},
        {"digital_mean_min", .1}, {"digital_response", 1}, {"answer_night", 1}, {"turnout_min", 2.5}};
    const struct planning_parameters *p = read_parameters(scope);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_int_equal(planning_parameters_with(&p, p, changes[i].name, changes[i].value, scope), STATUS_OK);
    }
    return p;
}

static const struct planning_world *small_world(uint64_t seed, struct scope *scope) {
    const struct planning_parameters *p = small_parameters(scope);
    const struct planning_world *world = NULL;
    struct planning_span span = {.seed = seed, .year = 2023, .days = SMALL_DAYS};
    assert_int_equal(
        planning_world_build(&world, small_region(scope->arena), p, TEXT(districts), &span, scope), STATUS_OK);
    return world;
}

/* Call → scene: 2.5 to set out and the model's 3 for no distance. Scene 11. Scene → hospital 3. Nothing else for the severe. */
static void a_small_world_comes_out_as_by_hand(void **state) {
    struct scope scope = {.arena = *state};
    const struct planning_world *world = small_world(1, &scope);
    double by_hand = 2.5 + 3 + 11 + 3;
    for (int policy = 0; policy < PLANNING_POLICIES; policy++) {
        struct planning_outcome out;
        struct planning_run_options options = {.policy = (enum planning_policy)policy};
        assert_int_equal(planning_run(&out, world, &options, &scope), STATUS_OK);
        assert_true(out.patients > 3000 && out.severe > 200);
        assert_true(fabs(out.measures[PLANNING_MINUTES_SEVERE].value - by_hand) < 1e-6);
        assert_true(out.measures[PLANNING_PLACED].value == 100);
        assert_true(out.measures[PLANNING_FIRST_WRONG].value == 0);
        assert_true(out.measures[PLANNING_ASKED_SEVERE].value <= 1);
        assert_true(out.measures[PLANNING_OVERLOAD].value == 0);
        assert_true(fabs(out.measures[PLANNING_RESPONSE].value - 5.5) < 1e-6);
    }
    struct planning_bound bound;
    assert_int_equal(planning_bound_find(&bound, world, &scope), STATUS_OK);
    assert_true(fabs(bound.dual_mean - by_hand) < 1e-6);
    assert_true(fabs(bound.primal_mean - by_hand) < 1e-6);
}

/* A world without hospitals' surprises: the team comes from home in 60 minutes, told three minutes after the crew is there. No policy,
 * and no bound, has care begin before it. */
static void nobody_begins_before_the_team_from_home(void **state) {
    struct scope scope = {.arena = *state};
    struct region_snapshot *region = small_region(*state);
    region->needs[0] = (struct region_code){.code = TEXT("Y0010")};
    region->need_count = 1;
    struct region_place *place = (struct region_place *)(uintptr_t)region->places;
    place->needs = 1;
    place->call_in_minutes[0] = 60;
    const struct planning_parameters *p = small_parameters(&scope);
    const struct planning_world *world = NULL;
    struct planning_span span = {.seed = 3, .year = 2023, .days = SMALL_DAYS};
    assert_int_equal(planning_world_build(&world, region, p, TEXT(districts), &span, &scope), STATUS_OK);
    struct planning_bound bound;
    struct planning_outcome out;
    struct planning_run_options options = {.policy = PLANNING_CLAIRVOYANT};
    assert_int_equal(planning_bound_find(&bound, world, &scope), STATUS_OK);
    assert_int_equal(planning_run(&out, world, &options, &scope), STATUS_OK);
    assert_true(bound.dual_mean > 2.5 + 3 + 11 + 3 + .5); /* some wait for the team */
    assert_true(out.measures[PLANNING_MINUTES_SEVERE].value >= bound.dual_mean - 1e-6);
}

/* The clock of a run starts a week before the year: nobody is in theatre then. */
static void teams_are_free_when_the_clock_starts(void **state) {
    struct scope scope = {.arena = *state};
    const struct planning_world *world = small_world(1, &scope);
    struct run *run = ARENA_NEW(scope.arena, struct run);
    run_open(run, world, PLANNING_PRACTICE, &scope);
    assert_true(run->now == -(double)WARM_DAYS * DAY_MIN);
    for (int place = 0; place < PLACES_MAX; place++) {
        for (int need = 0; need < REGION_NEEDS_MAX; need++) {
            for (int team = 0; team < TEAMS_MAX; team++) {
                assert_true(run->busy_until[place][need][team] <= run->now);
            }
        }
    }
}

static bool has_vascular(const struct planning_world *world, const struct patient *who, bool suspected) {
    return choose_vascular(world->p->conditions[suspected ? who->seen : who->condition].need);
}

/* Reaching the scene, 11 minutes there, 3 to the hospital. The week before the year is not counted. */
static void the_scene_to_the_hospital_has_four_readings(void **state) {
    static const struct {
        enum planning_reading reading;
        bool suspected;
        double minutes;
    } rows[] = {{PLANNING_VASCULAR, false, 14}, {PLANNING_VASCULAR_LEAVING, false, 3}, {PLANNING_SUSPECTED, true, 14},
        {PLANNING_SUSPECTED_LEAVING, true, 3}};
    struct scope scope = {.arena = *state};
    const struct planning_world *world = small_world(2, &scope);
    struct planning_outcome out;
    struct planning_run_options options = {.policy = PLANNING_PRACTICE};
    assert_int_equal(planning_run(&out, world, &options, &scope), STATUS_OK);
    size_t counts[2] = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t count = 0;
        for (int k = 0; k < world->patient_count; k++) {
            const struct patient *who = &world->patients[k];
            count += who->call_at >= 0 && who->call_at < world->end_at && has_vascular(world, who, rows[i].suspected);
        }
        assert_true(count > 50);
        assert_int_equal(out.vascular_count[rows[i].reading][0], count);
        assert_true(fabs(out.vascular_min[rows[i].reading][0] - rows[i].minutes) < 1e-3);
        counts[rows[i].suspected] = count;
    }
    assert_int_not_equal(counts[0], counts[1]); /* crews miss some and suspect others */
}

static void the_same_seed_gives_the_same_bytes(void **state) {
    struct scope scope = {.arena = *state};
    struct planning_outcome outs[3];
    for (int i = 0; i < 3; i++) {
        struct planning_run_options options = {.policy = PLANNING_SOYANG};
        const struct planning_world *world = small_world(i == 2 ? 9 : 8, &scope);
        assert_int_equal(planning_run(&outs[i], world, &options, &scope), STATUS_OK);
    }
    assert_string_equal(outs[0].digest, outs[1].digest);
    assert_string_not_equal(outs[0].digest, outs[2].digest);
}

struct told_count {
    int sepsis, sepsis_positive, others, others_positive, asked, answered, missed, found, right, kept;
};

static void count_one(struct told_count *out, const struct run *run, int patient, int sepsis) {
    const struct patient *who = &run->world->patients[patient];
    const struct journey *journey = &run->journeys[patient];
    if ((journey->seen.done & 1) != 0) {
        bool positive = (journey->seen.positive & 1) != 0;
        *(who->condition == sepsis ? &out->sepsis : &out->others) += 1;
        *(who->condition == sepsis ? &out->sepsis_positive : &out->others_positive) += positive;
    }
    out->asked += region_consult_due(&run->p->readings, &journey->seen);
    if (journey->seen.consult > 0) {
        bool so = journey->seen.consult - 1 == who->condition, missed = who->seen != who->condition;
        out->answered++;
        *(missed ? &out->missed : &out->right) += 1;
        *(missed ? &out->found : &out->kept) += so;
        assert_true(journey->read == journey->seen.consult - 1);
    }
}

/* What the second reader says errs as simulation.json states; who has none reads as the crew does. */
static void the_second_reader_errs_as_stated(void **state) {
    struct scope scope = {.arena = *state};
    const struct planning_world *world = small_world(5, &scope);
    const struct region_readings *readings = &world->p->readings;
    struct run *run = ARENA_NEW(scope.arena, struct run);
    struct told_count count = {0};
    run_open(run, world, PLANNING_SOYANG, &scope);
    assert_string_equal(readings->tests[0].id, "mews-4");
    for (int i = 0; i < world->patient_count; i++) {
        assert_int_equal(run_condition(run, i), world->patients[i].seen);
        reader_look(run, i);
        count_one(&count, run, i, region_readings_find(readings, TEXT("SY-SEPSIS")));
    }
    assert_true(count.sepsis > 30 && count.asked > 500 && count.missed > 30);
    assert_true(fabs((double)count.sepsis_positive / count.sepsis - .74) < .15);
    assert_true(fabs((double)count.others_positive / count.others - .25) < .03);
    assert_true(fabs((double)count.answered / count.asked - readings->consult.answered) < .05);
    assert_true(fabs((double)count.found / count.missed - readings->consult.found) < .15);
    assert_true(fabs((double)count.kept / count.right - readings->consult.kept) < .03);
}

static void the_second_reader_is_given_and_taken(void **state) {
    static const struct {
        enum planning_policy policy;
        unsigned told;
        bool as_plain; /* the same bytes as the policy by itself */
    } rows[] = {{PLANNING_MEMORY, 0, true}, {PLANNING_MEMORY, PLANNING_WITH_READER, false},
        {PLANNING_SOYANG, PLANNING_NO_READER, false}, {PLANNING_MEMORY, PLANNING_TOLD_NEED, true}};
    struct scope scope = {.arena = *state};
    const struct planning_world *world = small_world(6, &scope);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct planning_outcome plain, out;
        struct planning_run_options options = {.policy = rows[i].policy};
        struct buffer record = buffer_open(scope.arena, 64 << 20), own = buffer_open(scope.arena, 64 << 20);
        options.record = &record;
        assert_int_equal(planning_run(&plain, world, &options, &scope), STATUS_OK);
        options.told = rows[i].told;
        options.record = &own;
        assert_int_equal(planning_run(&out, world, &options, &scope), STATUS_OK);
        assert_int_equal(text_equal(buffer_text(&record), buffer_text(&own)), rows[i].as_plain);
        assert_int_equal(strstr(own.at, "\"reader\":[") != NULL, (rows[i].told & PLANNING_WITH_READER) != 0);
        size_t decisions = 0;
        assert_int_equal(planning_replay(&decisions, world, buffer_text(&own), &scope), STATUS_OK);
        assert_true(decisions > 3000);
    }
}

static void a_changed_record_is_found(void **state) {
    struct scope scope = {.arena = *state};
    const struct planning_world *world = small_world(4, &scope);
    struct buffer record = buffer_open(scope.arena, 64 << 20);
    struct planning_run_options options = {.policy = PLANNING_SOYANG, .record = &record};
    struct planning_outcome out;
    size_t decisions = 0;
    assert_int_equal(planning_run(&out, world, &options, &scope), STATUS_OK);
    assert_int_equal(planning_replay(&decisions, world, buffer_text(&record), &scope), STATUS_OK);
    assert_true(decisions > 3000);
    char *now = strstr(record.at, "\"order\":[\"only\"]");
    assert_non_null(now);
    now[10] = 'L';
    assert_int_equal(planning_replay(&decisions, world, buffer_text(&record), &scope), STATUS_CONFLICT);
    assert_int_equal(planning_replay(&decisions, world, TEXT("{\"what\":\"record\"}\n"), &scope), STATUS_INVALID);
}

static void bad_worlds_are_refused(void **state) {
    struct scope scope = {.arena = *state};
    const struct planning_parameters *p = read_parameters(&scope);
    const struct planning_world *world;
    struct region_snapshot *region = small_region(scope.arena), *empty = ARENA_NEW(scope.arena, struct region_snapshot);
    struct planning_span good = {.seed = 1, .year = 2023, .days = 1}, negative = {.year = 2023, .days = -1},
                         other = {.year = 1999, .days = 1};
    assert_int_equal(planning_world_build(&world, region, p, TEXT(districts), &negative, &scope), STATUS_UNPROCESSABLE);
    assert_int_equal(planning_world_build(&world, region, p, TEXT(districts), &other, &scope), STATUS_UNPROCESSABLE);
    assert_int_equal(planning_world_build(&world, empty, p, TEXT(districts), &good, &scope), STATUS_UNPROCESSABLE);
    assert_int_equal(planning_world_build(&world, region, p, TEXT("lat,lon\n1,2\n"), &good, &scope), STATUS_INVALID);
    assert_int_equal(planning_world_build(&world, region, p,
                         TEXT("sigungu,lat,lon,age_0_4,age_5_14,age_15_64,age_65_74,age_75_84,age_85_up\nx,a,1,1,1,1,1,"
                              "1,1\n"),
                         &good, &scope),
        STATUS_INVALID);
}

/* Differences 1, 2, 3, 4: mean 2.5, standard error .6455; Student's t is 3.182 with 3 degrees of freedom, 4.303 with 2. */
static void intervals_know_how_many_batches_there_are(void **state) {
    (void)state;
    const double others[] = {5, 5, 5, 5}, some[] = {6, 7, 8, 9}, gap[] = {6, NAN, 8, 9}, one[] = {NAN, 7, NAN, NAN};
    assert_true(fabs(planning_half_width(some, others, 4) - 3.182 * 0.645497) < 1e-4);
    assert_true(fabs(planning_half_width(gap, others, 4) - 4.303 * 0.881917) < 1e-4); /* 1, 3, 4 */
    assert_true(isnan(planning_half_width(one, others, 4)));
    assert_true(isnan(planning_half_width(some, others, 1)));
    assert_true(isnan(planning_half_width(some, others, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_by_time_then_by_turn, open_arena, close_arena),
        cmocka_unit_test(numbers_are_functions_of_what_they_are_for),
        cmocka_unit_test(intervals_know_how_many_batches_there_are),
        cmocka_unit_test_setup_teardown(assignments_are_optimal_and_certified, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(parameters_name_their_source, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_readers_numbers_change_the_world_alone, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(bad_parameters_are_refused, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_small_world_comes_out_as_by_hand, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(nobody_begins_before_the_team_from_home, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(teams_are_free_when_the_clock_starts, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_scene_to_the_hospital_has_four_readings, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_same_seed_gives_the_same_bytes, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_second_reader_errs_as_stated, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_second_reader_is_given_and_taken, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_changed_record_is_found, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(bad_worlds_are_refused, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
