/* Ranking over what the patient may have: a place that may turn out unable is worth less, by the minutes that this costs. */
#include <setjmp.h>

#include "referral/referral.h"
#include "unit/cmocka_all.h"

#define KM_PER_DEGREE 111.19508372419141 /* of latitude, on the sphere of 6371.0088 km */
enum { FAR, NEAR, PLACES };              /* by id */

static struct region_place places[PLACES];
static struct region_snapshot snapshot;

static struct region_place place_at(const char *id, double km) {
    return (struct region_place){.id = text_from(id),
        .name_ko = text_from(id),
        .name_en = text_from(id),
        .tier = REGION_TIER_LOCAL_CENTRE,
        .point = {37.5 + km / KM_PER_DEGREE, 128},
        .needs = 1,
        .age_max_months = {INT32_MAX},
        .answer_minutes = 2};
}

/* near is 14.5 min away, far 29.8: 15.3 more. */
static int setup(void **state) {
    (void)state;
    places[FAR] = place_at("far", 18.6);
    places[NEAR] = place_at("near", 4);
    snapshot = (struct region_snapshot){.control_room = -1,
        .zone_minutes = 540,
        .board = region_board_default,
        .travel = {3, 1.435, 8, 30, 60, {0}},
        .needs = {{TEXT("SY-X"), TEXT("urn:x"), TEXT("x"), TEXT("x")}},
        .need_count = 1,
        .places = places,
        .place_count = PLACES};
    return 0;
}

static int first_of(const struct referral_wrong *wrong, int parallel) {
    struct arena *arena = arena_open((size_t)1 << 22);
    struct scope scope = {.arena = arena};
    struct referral_case patient = {.level = 2,
        .needs = 1,
        .place = TRIAGE_PLACE_INSTITUTION,
        .age_months = 40 * 12,
        .origin = {37.5, 128},
        .origin_place = -1,
        .known_place = -1,
        .family_place = -1,
        .one_leg = true,
        .wrong = wrong,
        .asking = {.parallel_max = parallel, .deadline_min = 60, .unplaced_min = 180},
        .now_us = INT64_C(1795316400000000)};
    struct referral_ranking ranking;
    assert_int_equal(referral_rank(&ranking, &snapshot, &patient, REFERRAL_NUMBERS_ONLY, &scope), STATUS_OK);
    assert_int_equal(ranking.option_count, PLACES);
    int first = ranking.options[0].place;
    arena_close(arena);
    return first;
}

static void a_certain_reading_goes_near(void **state) {
    (void)state;
    assert_int_equal(first_of(NULL, 0), NEAR);
    assert_int_equal(first_of(NULL, 1), NEAR);
}

/* .05 x 120 = 6 min expected, less than the 15 min further; .3 x 120 = 36, more. */
static void doubt_counts_by_its_minutes(void **state) {
    (void)state;
    struct referral_wrong little[PLACES] = {[NEAR] = {.05, 120}}, much[PLACES] = {[NEAR] = {.3, 120}};
    for (int parallel = 0; parallel < 3; parallel++) {
        assert_int_equal(first_of(little, parallel), NEAR);
        assert_int_equal(first_of(much, parallel), FAR);
    }
}

/* What both may be unable to do moves nothing. */
static void a_doubt_that_all_share_moves_nothing(void **state) {
    (void)state;
    struct referral_wrong both[PLACES] = {{.chance = .3, .minutes = 120}, {.chance = .3, .minutes = 120}};
    assert_int_equal(first_of(both, 0), NEAR);
    assert_int_equal(first_of(both, 1), NEAR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certain_reading_goes_near),
        cmocka_unit_test(doubt_counts_by_its_minutes),
        cmocka_unit_test(a_doubt_that_all_share_moves_nothing),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
