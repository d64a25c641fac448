/* What a table said under a number, kept for readers: never of two times, never what was changed since. */
#include "fixture.h"

#include "store/seen_cache.h"

#include <pthread.h>
#include <stdatomic.h>

enum { NUMBER = 77, OTHER = NUMBER + 128 * 1024, TURNS = 200000, READERS = 3 };

static struct seen seen_of(uint64_t as_of, uint64_t word) {
    struct seen seen = {.as_of = as_of};
    for (size_t i = 0; i < SEEN_WORDS; i++) {
        seen.words[i] = word;
    }
    return seen;
}

static void a_change_ends_what_was_read_before(void **state) {
    (void)state;
    struct seen_cache *cache = seen_cache_open();
    struct seen found, old = seen_of(5, 1), new = seen_of(9, 2);
    assert_false(seen_cache_get(&found, cache, NUMBER));
    seen_cache_put(cache, NUMBER, &old);
    assert_true(seen_cache_get(&found, cache, NUMBER));
    assert_int_equal(found.as_of, 5);
    assert_int_equal(found.words[SEEN_WORDS - 1], 1);
    seen_cache_change(cache, NUMBER, 8);
    assert_false(seen_cache_get(&found, cache, NUMBER));
    seen_cache_put(cache, NUMBER, &old); /* a reader that is behind */
    assert_false(seen_cache_get(&found, cache, NUMBER));
    seen_cache_put(cache, NUMBER, &new);
    assert_true(seen_cache_get(&found, cache, NUMBER));
    assert_int_equal(found.words[0], 2);
    seen_cache_change(cache, NUMBER, 3); /* a mark is never lowered */
    assert_true(seen_cache_get(&found, cache, NUMBER));
    seen_cache_close(cache);
}

static void numbers_that_share_a_place_are_not_confused(void **state) {
    (void)state;
    struct seen_cache *cache = seen_cache_open();
    struct seen found, one = seen_of(5, 1), two = seen_of(5, 2);
    assert_false(seen_cache_get(&found, cache, 0));
    seen_cache_put(cache, NUMBER, &one);
    assert_false(seen_cache_get(&found, cache, OTHER));
    seen_cache_put(cache, OTHER, &two);
    assert_false(seen_cache_get(&found, cache, NUMBER));
    assert_true(seen_cache_get(&found, cache, OTHER));
    assert_int_equal(found.words[0], 2);
    seen_cache_close(cache);
}

struct race {
    struct seen_cache *cache;
    _Atomic uint64_t committed; /* what the table says, and the number of its unit */
    _Atomic bool done;
    _Atomic uint64_t wrong, found;
};

/* As a reader does: takes a snapshot, believes the cache where it may, else reads and keeps. */
static void *read_on(void *context) {
    struct race *race = context;
    while (!atomic_load(&race->done)) {
        uint64_t snapshot = atomic_load(&race->committed);
        struct seen seen;
        if (seen_cache_get(&seen, race->cache, NUMBER)) {
            bool even = true;
            for (size_t i = 1; i < SEEN_WORDS; i++) {
                even = even && seen.words[i] == seen.words[0];
            }
            atomic_fetch_add(&race->wrong, !even || seen.words[0] != seen.as_of || seen.as_of < snapshot);
            atomic_fetch_add(&race->found, 1);
        } else {
            seen = seen_of(snapshot, snapshot);
            seen_cache_put(race->cache, NUMBER, &seen);
        }
    }
    return NULL;
}

static void readers_never_find_what_is_older_than_their_snapshot(void **state) {
    (void)state;
    struct race race = {.cache = seen_cache_open()};
    pthread_t readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        pthread_create(&readers[i], NULL, read_on, &race);
    }
    for (uint64_t seq = 1; seq <= TURNS || (atomic_load(&race.found) == 0 && seq < 1000 * TURNS); seq++) {
        seen_cache_change(race.cache, NUMBER, seq);
        atomic_store(&race.committed, seq);
    }
    atomic_store(&race.done, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_int_equal(atomic_load(&race.wrong), 0);
    seen_cache_close(race.cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_ends_what_was_read_before),
        cmocka_unit_test(numbers_that_share_a_place_are_not_confused),
        cmocka_unit_test(readers_never_find_what_is_older_than_their_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
