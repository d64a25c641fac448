/* A place that says that it cannot take a need: unlikely while that lasts, or left out where the policy wants it so. */
#include <setjmp.h>
#include <string.h>

#include "referral/referral.h"
#include "unit/cmocka_all.h"

#define NOW_US INT64_C(1795316400000000)
#define HOUR_US INT64_C(3600000000)
enum { FAR, NEAR, PLACES }; /* by id */

static struct region_place places[PLACES];
static struct region_snapshot snapshot;
static struct region_notice notice;

static struct region_place place_at(const char *id, double latitude) {
    return (struct region_place){.id = text_from(id),
        .name_ko = text_from(id),
        .name_en = text_from(id),
        .tier = REGION_TIER_LOCAL_CENTRE,
        .point = {latitude, 128},
        .needs = 1,
        .age_max_months = {INT32_MAX},
        .answer_minutes = 2};
}

static int setup(void **state) {
    (void)state;
    places[FAR] = place_at("far", 37.7);
    places[NEAR] = place_at("near", 37.53);
    notice = (struct region_notice){.need = 0, .from_us = NOW_US - HOUR_US, .until_us = NOW_US + HOUR_US};
    places[NEAR].notices = &notice;
    places[NEAR].notice_count = 1;
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

struct told {
    size_t options;
    double chance; /* of the near place; below 0: it is no option */
    enum referral_exclusion why;
    char sentence[200];
};

static struct told rank_at(int64_t now_us, bool excludes) {
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
        .notice_excludes = excludes,
        .now_us = now_us};
    struct referral_ranking ranking;
    struct told told = {.chance = -1};
    assert_int_equal(referral_rank(&ranking, &snapshot, &patient, REFERRAL_WITH_SENTENCES, &scope), STATUS_OK);
    told.options = ranking.option_count;
    for (size_t i = 0; i < ranking.option_count; i++) {
        const struct referral_option *option = &ranking.options[i];
        told.chance = option->place == NEAR ? option->chance : told.chance;
        for (size_t k = 0; k < option->reason_count && option->place == NEAR; k++) {
            struct text en = option->reasons[k].en;
            if (strcmp(option->reasons[k].code, "notice") == 0) {
                memcpy(told.sentence, en.at, en.size < sizeof told.sentence ? en.size : sizeof told.sentence - 1);
            }
        }
    }
    told.why = ranking.excluded_count > 0 ? ranking.excluded[0].why : REFERRAL_ELIGIBLE;
    arena_close(arena);
    return told;
}

static void a_notice_lowers_the_chance_while_it_lasts(void **state) {
    (void)state;
    struct told before = rank_at(notice.from_us - 1, false), first = rank_at(notice.from_us, false),
                last = rank_at(notice.until_us - 1, false), after = rank_at(notice.until_us, false);
    assert_true(before.chance > .5);
    assert_true(first.chance < .06 && first.chance > 0);
    assert_true(last.chance < .06);
    assert_true(after.chance > .5);
    assert_int_equal(first.options, PLACES);
    assert_int_equal(before.sentence[0], 0);
    assert_int_equal(after.sentence[0], 0);
}

static void a_notice_is_told_with_its_end(void **state) {
    (void)state;
    assert_string_equal(
        rank_at(NOW_US, false).sentence, "The place says that it cannot take x until 13:00 (since 60 min).");
    notice.until_us = NOW_US + 30 * HOUR_US;
    assert_string_equal(
        rank_at(NOW_US, false).sentence, "The place says that it cannot take x until 11-23 18:00 (since 60 min).");
}

static void a_policy_may_leave_such_places_out(void **state) {
    (void)state;
    struct told told = rank_at(NOW_US, true);
    assert_int_equal(told.options, 1);
    assert_true(told.chance < 0);
    assert_int_equal(told.why, REFERRAL_NOTICE);
    assert_int_equal(rank_at(notice.until_us, true).options, PLACES);
}

static void the_last_to_end_of_several_counts(void **state) {
    (void)state;
    struct region_notice several[] = {{0, NOW_US - 5, NOW_US + 10}, {0, NOW_US - 5, NOW_US + 20},
        {1, NOW_US - 5, NOW_US + 30}, {0, NOW_US + 1, NOW_US + 40}, {0, NOW_US - 9, NOW_US}};
    struct region_place place = {.notices = several, .notice_count = sizeof several / sizeof *several};
    assert_ptr_equal(region_notice_find(&place, 0, NOW_US), &several[1]);
    assert_null(region_notice_find(&place, 2, NOW_US));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_notice_lowers_the_chance_while_it_lasts, setup),
        cmocka_unit_test_setup(a_notice_is_told_with_its_end, setup),
        cmocka_unit_test_setup(a_policy_may_leave_such_places_out, setup),
        cmocka_unit_test_setup(the_last_to_end_of_several_counts, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
