/* Something happens at every deadline: by a clock moved by hand, after failures, and after a restart. */
#include "unit/records/fixture.h"

#include <stdatomic.h>
#include <time.h>

#define MINUTE_US INT64_C(60000000)

struct bell {
    _Atomic int rings, failures_left;
    _Atomic int64_t at_us;
};

/* Writes what happened, and moves or clears its due time. */
static enum status ring(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope) {
    struct bell *bell = context;
    struct text body = text_format(scope->arena,
        "{\"resourceType\":\"Basic\",\"id\":\"%.*s\",\"code\":{\"text\":\"rung\"}}", (int)key.size, key.at);
    enum status status = records_unit_put(NULL, unit, body, scope);
    if (status == STATUS_OK && atomic_load(&bell->failures_left) > 0) {
        atomic_fetch_sub(&bell->failures_left, 1);
        return fault(scope, STATUS_CONFLICT, "", "not now");
    }
    atomic_store(&bell->at_us, at_us);
    atomic_fetch_add(&bell->rings, 1);
    if (text_is(key, "again") && atomic_load(&bell->rings) < 3) {
        return store_unit_due_set(records_unit_store(unit), TEXT("bell"), key, at_us + MINUTE_US, scope);
    }
    return status == STATUS_OK ? store_unit_due_clear(records_unit_store(unit), TEXT("bell"), key, scope) : status;
}

struct setting {
    const char *owner, *key;
    int64_t at_us;
};

static enum status set_due(void *context, struct records_unit *unit, struct scope *scope) {
    const struct setting *setting = context;
    return store_unit_due_set(
        records_unit_store(unit), text_from(setting->owner), text_from(setting->key), setting->at_us, scope);
}

static void set(struct house *house, const char *owner, const char *key, int64_t at_us) {
    struct setting setting = {.owner = owner, .key = key, .at_us = at_us};
    house->scope = (struct scope){.arena = house->arena};
    assert_int_equal(records_unit_run(house->records, &nurse, "$set", set_due, &setting, &house->scope), STATUS_OK);
}

static void start(struct house *house) {
    house->scope = (struct scope){.arena = house->arena};
    assert_int_equal(records_timer_start(house->records, &house->scope), STATUS_OK);
}

static void pause_ms(long milliseconds) {
    const struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* The last handler may not be durable yet when it has rung: whatever is asked after it is answered after it. */
static void wait_for(struct house *house, const struct bell *bell, int rings) {
    for (int i = 0; i < 1000 && atomic_load(&bell->rings) < rings; i++) {
        pause_ms(10);
    }
    assert_int_equal(atomic_load(&bell->rings), rings);
    ask(house, reading("Basic", "nothing"));
}

static int open_manual(void **state) {
    *state = house_open_with(clock_open_manual(START_US), RECORDS_REFERENCES_LOOSE);
    return 0;
}

static void test_falls_due_once(void **state) {
    struct house *house = *state;
    struct bell bell = {0};
    records_due_register(house->records, "bell", ring, &bell);
    start(house);
    set(house, "bell", "one", START_US + MINUTE_US);
    pause_ms(120);
    assert_int_equal(atomic_load(&bell.rings), 0);
    clock_advance(house->clock, 2 * MINUTE_US);
    wait_for(house, &bell, 1);
    assert_int_equal(atomic_load(&bell.at_us), START_US + MINUTE_US);
    pause_ms(120);
    assert_int_equal(atomic_load(&bell.rings), 1);
    ask_ok(house, reading("Basic", "one"));
    assert_int_equal(store_due_earliest_us(house->store), INT64_MAX);
    size_t count = 0;
    struct store_audit_entry *entries = audit_entries(house, &count);
    bool told = false;
    for (size_t i = 0; i < count; i++) {
        const yyjson_val *row = parse(house, entries[i].entry);
        told =
            told || (text_is(json_get_text(row, "do"), "deadline") && text_is(json_get_text(row, "role"), "system") &&
                        text_is(json_get_text(row, "who"), "Device/soyang"));
    }
    assert_true(told);
}

static void test_moved_due_times(void **state) {
    struct house *house = *state;
    struct bell bell = {0};
    records_due_register(house->records, "bell", ring, &bell);
    start(house);
    set(house, "bell", "again", START_US + MINUTE_US);
    clock_advance(house->clock, 10 * MINUTE_US);
    wait_for(house, &bell, 3);
    assert_int_equal(atomic_load(&bell.at_us), START_US + 3 * MINUTE_US);
    assert_int_equal(store_due_earliest_us(house->store), INT64_MAX);
}

static void test_failures_are_tried_again(void **state) {
    struct house *house = *state;
    struct bell bell = {.failures_left = 2};
    struct bell other = {0};
    records_due_register(house->records, "bell", ring, &bell);
    records_due_register(house->records, "other", ring, &other);
    set(house, "bell", "one", START_US);
    set(house, "nobody", "lost?", START_US);
    start(house);
    wait_for(house, &bell, 1);
    assert_int_equal(atomic_load(&bell.failures_left), 0);
    assert_int_equal(ask_ok(house, reading("Basic", "one")).version, 1); /* the failed units left nothing */
    assert_int_equal(store_due_earliest_us(house->store), START_US);     /* nobody's due time is kept */
}

static void test_missed_while_down(void **state) {
    struct house *house = *state;
    set(house, "bell", "one", START_US + MINUTE_US);
    set(house, "bell", "two", START_US + 2 * MINUTE_US);
    house_stop(house);
    clock_advance(house->clock, 5 * MINUTE_US);
    house_start(house);
    struct bell bell = {0};
    records_due_register(house->records, "bell", ring, &bell);
    start(house);
    wait_for(house, &bell, 2);
    ask_ok(house, reading("Basic", "two"));
}

static void test_many_at_once(void **state) {
    struct house *house = *state;
    struct bell bell = {0};
    records_due_register(house->records, "bell", ring, &bell);
    char key[16];
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "key%d", i);
        set(house, "bell", key, START_US + MINUTE_US);
    }
    start(house);
    clock_advance(house->clock, MINUTE_US);
    wait_for(house, &bell, 200);
    records_timer_stop(house->records);
    assert_int_equal(store_due_earliest_us(house->store), INT64_MAX);
}

static void test_fast_clock(void **state) {
    (void)state;
    struct house *house = house_open_with(clock_open(600), RECORDS_REFERENCES_LOOSE);
    struct bell bell = {0};
    records_due_register(house->records, "bell", ring, &bell);
    start(house);
    int64_t began_us = clock_monotonic_us();
    set(house, "bell", "one", clock_now_us(house->clock) + 2 * MINUTE_US); /* 0.2 s of real time */
    wait_for(house, &bell, 1);
    int64_t took_us = clock_monotonic_us() - began_us;
    assert_true(took_us > 100000 && took_us < 5000000);
    house_close(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_manual, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_falls_due_once),
        TEST(test_moved_due_times),
        TEST(test_failures_are_tried_again),
        TEST(test_missed_while_down),
        TEST(test_many_at_once),
        cmocka_unit_test(test_fast_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
