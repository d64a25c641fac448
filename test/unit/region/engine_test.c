/* Distances, travel times, trust of counts, hours on call: against values worked out by hand. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "region/region.h"
#include "unit/cmocka_all.h"

static void assert_near(double value, double wanted, double tolerance) {
    if (!(fabs(value - wanted) <= tolerance)) {
        fail_msg("%.9f is not within %g of %.9f", value, tolerance, wanted);
    }
}

/* On one meridian or the equator the great circle is an arc of the angle itself: 6371.0088 km · degrees · π/180. */
static void test_distance(void **state) {
    (void)state;
    const double degree_km = 6371.0088 * 3.14159265358979323846 / 180;
    const struct {
        struct region_point a, b;
        double km;
    } cases[] = {
        {{37, 128}, {37, 128}, 0},
        {{37, 128}, {38, 128}, degree_km},
        {{0, 0}, {0, 1}, degree_km},
        {{0, 179.5}, {0, -179.5}, degree_km},
        {{0, 0}, {0, 180}, degree_km * 180},
        {{90, 0}, {-90, 77}, degree_km * 180},
        /* 60° north: sin²(½°)·¼ → 2R·asin(½·sin ½°) */
        {{60, 10}, {60, 11}, 2 * 6371.0088 * asin(0.5 * sin(0.5 * 3.14159265358979323846 / 180))},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_near(region_distance_km(cases[i].a, cases[i].b), cases[i].km, 1e-6);
        assert_near(region_distance_km(cases[i].b, cases[i].a), cases[i].km, 1e-6);
    }
}

/* Gangwon's travel model: 3 + 60·1.435·(min(d,8)/30 + max(d−8,0)/60) minutes. */
static void test_travel(void **state) {
    (void)state;
    const struct region_travel_model model = {
        .base_min = 3, .detour = 1.435, .near_km = 8, .near_kmh = 30, .far_kmh = 60};
    const double degree_km = 6371.0088 * 3.14159265358979323846 / 180;
    const struct {
        double km, minutes;
    } cases[] = {{0, 3}, {4, 3 + 11.48}, {8, 3 + 22.96}, {20, 3 + 22.96 + 17.22}, {100, 3 + 22.96 + 132.02}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct region_travel travel;
        region_travel_estimate(
            &travel, &model, (struct region_point){37, 128}, (struct region_point){37 + cases[i].km / degree_km, 128});
        assert_near(travel.minutes, cases[i].minutes, 1e-6);
        assert_near(travel.distance_km, cases[i].km, 1e-6);
        assert_true(travel.estimated);
    }
}

static void test_travel_grows_with_distance(void **state) {
    (void)state;
    const struct region_travel_model model = {
        .base_min = 3, .detour = 1.435, .near_km = 8, .near_kmh = 30, .far_kmh = 60};
    double before = 0;
    for (int step = 0; step < 400; step++) {
        struct region_travel travel;
        region_travel_estimate(
            &travel, &model, (struct region_point){37, 128}, (struct region_point){37 + step * 0.005, 128});
        assert_true(travel.minutes > before);
        before = travel.minutes;
    }
}

static void test_trust(void **state) {
    (void)state;
    const int64_t minute = 60000000, said = INT64_C(1000000) * minute;
    struct region_count count = {.known = true, .free = 3, .said_us = said};
    const struct {
        double age_min, trust;
    } cases[] = {
        {-2, 1}, {0, 1}, {15, 1}, {30, 2.0 / 3}, {37.5, 0.5}, {45, 1.0 / 3}, {59.999999, 1e-6 / 45}, {60, 0}, {600, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_near(
            region_count_trust(&count, said + (int64_t)(cases[i].age_min * (double)minute)), cases[i].trust, 1e-6);
    }
    const struct region_board_model slow = {.fades_from_min = 30, .ignored_after_min = 360};
    assert_near(region_count_trust_under(&slow, &count, said + 30 * minute), 1, 0);
    assert_near(region_count_trust_under(&slow, &count, said + 195 * minute), 0.5, 1e-9);
    assert_near(region_count_trust_under(&slow, &count, said + 360 * minute), 0, 0);
    count.known = false;
    assert_near(region_count_trust(&count, said), 0, 0);
    assert_near(region_board_default.fades_from_min, 15, 0);
    assert_near(region_board_default.ignored_after_min, 60, 0);
}

/* 2026-11-20 is a Friday, 2026-11-21 a Saturday; Seoul is nine hours ahead. */
static void test_on_call(void **state) {
    (void)state;
    static uint8_t weekday[24 * REGION_NEEDS_MAX], weekend[24 * REGION_NEEDS_MAX];
    for (int hour = 0; hour < 24; hour++) {
        weekday[hour * REGION_NEEDS_MAX + 5] = (uint8_t)hour;
        weekend[hour * REGION_NEEDS_MAX + 5] = (uint8_t)(50 + hour);
    }
    const struct region_snapshot snapshot = {.zone_minutes = 540};
    const struct region_place place = {.on_call = weekday, .on_call_weekend = weekend};
    const struct {
        const char *utc;
        int percent;
    } cases[] = {{"2026-11-20T00:00:00Z", 9}, {"2026-11-20T14:59:59Z", 23}, {"2026-11-20T15:00:00Z", 50},
        {"2026-11-21T03:30:00Z", 62}, {"2026-11-22T14:59:59Z", 73}, {"2026-11-22T15:00:00Z", 0},
        {"1969-12-31T14:00:00Z", 23}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t now_us = 0;
        assert_true(time_parse(&now_us, text_from(cases[i].utc)));
        assert_int_equal(region_on_call(&snapshot, &place, 5, now_us), cases[i].percent);
    }
    const struct region_place silent = {.on_call = NULL};
    assert_int_equal(region_on_call(&snapshot, &silent, 5, 0), -1);
    assert_int_equal(region_on_call(&snapshot, &place, -1, 0), -1);
}

static void test_tier_texts(void **state) {
    (void)state;
    assert_string_equal(region_tier_text(REGION_TIER_REGIONAL_CENTRE, "ko"), "권역응급의료센터");
    assert_string_equal(region_tier_text(REGION_TIER_REPORTED, "en"), "reported emergency room");
    assert_string_equal(region_tier_text(REGION_TIER_NONE, "en"), "no emergency department");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_travel),
        cmocka_unit_test(test_travel_grows_with_distance),
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_on_call),
        cmocka_unit_test(test_tier_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
