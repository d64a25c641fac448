/* Time: the calendar both ways, what a FHIR instant may be, and clocks that never go back. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void instants_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.0000019Z", 1},
        {"1969-12-31T23:59:59.999Z", -1000},
        {"2000-02-29T12:00:00Z", 951825600000000},
        {"2024-02-29T23:59:59.5+09:00", 1709218799500000},
        {"2026-11-22T12:04:05.678+09:00", 1795316645678000},
        {"2026-11-22T03:04:05.678Z", 1795316645678000},
        {"2016-12-31T23:59:60Z", 1483228800000000},
        {"0001-01-01T00:00:00Z", -62135596800000000},
        {"9999-12-31T23:59:59.999Z", 253402300799999000},
        {"2020-01-01T00:00:00-14:00", 1577887200000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 1;
        assert_true(time_parse(&us, text_from(cases[i].text)));
        assert_true(us == cases[i].us);
    }
}

static void impossible_instants_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"", "2026", "2026-11-22", "2026-11-22T03:04Z", "2026-11-22T03:04:05",
        "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
        "0000-01-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+14:01", "2026-01-01T00:00:00+09:60", "2026-01-01T00:00:00+0900",
        "2026-01-01T00:00:00z", "2026-01-01t00:00:00Z", "2026-01-01T00:00:00Z ", " 2026-01-01T00:00:00Z",
        "2026-1-01T00:00:00Z", "+026-01-01T00:00:00Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00ZZ"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 7;
        assert_false(time_parse(&us, text_from(cases[i])));
        assert_true(us == 7);
    }
}

static void formatting_agrees_with_the_system_every_day(void **state) {
    (void)state;
    for (time_t day = -719162; day < 2932896; day += 13) { /* years 1 to 9999 */
        time_t seconds = day * 86400 + 3723;
        struct tm parts;
        assert_non_null(gmtime_r(&seconds, &parts));
        char expected[64], actual[TIME_TEXT_SIZE];
        strftime(expected, sizeof expected, "-%m-%dT%H:%M:%S.007Z", &parts);
        int64_t us = (int64_t)seconds * 1000000 + 7999, back;
        time_format_utc(actual, us);
        assert_int_equal(strtol(actual, NULL, 10), parts.tm_year + 1900);
        assert_string_equal(actual + 4, expected);
        assert_true(time_parse(&back, text_from(actual)));
        assert_true(back == us - 999);
    }
    char text[TIME_TEXT_SIZE];
    /* what no calendar of four digits shows is written as the nearest that it does: data must not end the process */
    static const struct {
        int64_t us;
        const char *nearest;
    } beyond[] = {{INT64_MAX, "9999-12-31T23:59:59.999Z"}, {253402300800000000, "9999-12-31T23:59:59.999Z"},
        {-62135596800000001, "0001-01-01T00:00:00.000Z"}, {INT64_MIN, "0001-01-01T00:00:00.000Z"}};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        time_format_utc(text, beyond[i].us);
        assert_string_equal(text, beyond[i].nearest);
    }
    time_format_utc(text, -1);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void manual_clocks_stand_still(void **state) {
    (void)state;
    struct clock *clock = clock_open_manual(1000);
    assert_true(clock_now_us(clock) == 1000);
    assert_true(clock_now_us(clock) == 1000);
    clock_advance(clock, 500);
    assert_true(clock_now_us(clock) == 1500);
    assert_true(clock_speed(clock) == 1);
    clock_close(clock);
}

static void *watch(void *object) {
    const struct clock *clock = object;
    int64_t last = clock_now_us(clock);
    for (int i = 0; i < 100000; i++) {
        int64_t now = clock_now_us(clock);
        if (now < last) {
            return object;
        }
        last = now;
    }
    return NULL;
}

static void real_clocks_never_go_back(void **state) {
    (void)state;
    struct clock *clock = clock_open(1);
    int64_t drift = clock_now_us(clock) - (int64_t)time(NULL) * 1000000;
    assert_true(drift > -2000000 && drift < 2000000);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, watch, clock);
    }
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    clock_close(clock);
    clock_close(NULL);
}

static void a_fast_clock_slows_down(void **state) {
    (void)state;
    struct clock *clock = clock_open(600);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    int64_t before_us = clock_now_us(clock);
    clock_set_speed(clock, 1);
    int64_t after_us = clock_now_us(clock);
    assert_true(after_us >= before_us);
    assert_true(clock_speed(clock) == 1);
    int64_t real_us = clock_monotonic_us();
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    int64_t passed_us = clock_now_us(clock) - after_us, real_passed_us = clock_monotonic_us() - real_us;
    assert_true(passed_us >= 20000 && passed_us <= real_passed_us + 1000000);
    clock_close(clock);
}

static void a_fast_clock_runs_fast(void **state) {
    (void)state;
    struct clock *clock = clock_open(60);
    int64_t real = clock_monotonic_us(), start = clock_now_us(clock);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    int64_t fast = clock_now_us(clock) - start, slow = clock_monotonic_us() - real;
    assert_true(fast > 60 * 19000);
    assert_true(fast <= slow * 60 + 60000);
    clock_close(clock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_read),
        cmocka_unit_test(impossible_instants_are_refused),
        cmocka_unit_test(formatting_agrees_with_the_system_every_day),
        cmocka_unit_test(manual_clocks_stand_still),
        cmocka_unit_test(real_clocks_never_go_back),
        cmocka_unit_test(a_fast_clock_runs_fast),
        cmocka_unit_test(a_fast_clock_slows_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
