/* What requests wait for is counted by cause, the longest kept; threads may tell of theirs at once. */
#include "fixture.h"

#include "store/view.h"
#include "store/wait.h"

#include <pthread.h>

enum { THREADS = 4, TURNS = 20000 };

static enum status note(void *context, struct store_unit *unit, struct scope *scope) {
    (void)context;
    return store_unit_audit(unit, TEXT("read"), scope);
}

static void a_unit_and_a_view_are_counted(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store_wait_figures before[STORE_WAIT_COUNT], after[STORE_WAIT_COUNT];
    struct store_view *view = NULL;
    store_waits(before, fixture->store);
    assert_int_equal(store_run(fixture->store, note, NULL, &fixture->scope), STATUS_OK);
    assert_int_equal(store_view_open_fresh(&view, fixture->store, &fixture->scope), STATUS_OK);
    store_view_close(view);
    assert_int_equal(
        store_run(fixture->store, note, NULL, &fixture->scope), STATUS_OK); /* the first has been told by now */
    store_waits(after, fixture->store);
    for (size_t i = 0; i < STORE_WAIT_COUNT; i++) {
        assert_non_null(store_wait_name((enum store_wait)i));
        assert_true(after[i].total_us >= after[i].longest_us);
    }
    assert_true(after[STORE_WAIT_COMMIT].count >= before[STORE_WAIT_COMMIT].count + 2);
    assert_true(after[STORE_WAIT_ANSWERS].count > before[STORE_WAIT_ANSWERS].count);
    assert_true(after[STORE_WAIT_SNAPSHOT].count > before[STORE_WAIT_SNAPSHOT].count);
    assert_int_equal(after[STORE_WAIT_MEMORY].count, 0);
    assert_int_equal(after[STORE_WAIT_READER].count, 0);
    fixture_close(fixture);
}

static void *tell(void *context) {
    struct waits *waits = context;
    for (int i = 0; i < TURNS; i++) {
        wait_ended(waits, STORE_WAIT_SNAPSHOT, clock_monotonic_us() - i);
    }
    return NULL;
}

static void threads_lose_none_and_the_longest_stays(void **state) {
    (void)state;
    static struct waits waits;
    pthread_t threads[THREADS];
    wait_ended(&waits, STORE_WAIT_SNAPSHOT, clock_monotonic_us() - 5000000);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, tell, &waits), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&waits.of[STORE_WAIT_SNAPSHOT].count), THREADS * TURNS + 1);
    assert_true(atomic_load(&waits.of[STORE_WAIT_SNAPSHOT].longest_us) >= 5000000);
    assert_true(atomic_load(&waits.of[STORE_WAIT_SNAPSHOT].long_count) >= 1);
    assert_int_equal(atomic_load(&waits.of[STORE_WAIT_COMMIT].count), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_and_a_view_are_counted),
        cmocka_unit_test(threads_lose_none_and_the_longest_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
