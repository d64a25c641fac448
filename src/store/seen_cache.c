#include "store/seen_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { PLACES = 128 * 1024 };

/* Invariant: while `turn` is even and stays the same, number, as_of and words are of one entry. */
struct place {
    _Atomic uint64_t turn; /* odd: being written */
    _Atomic uint64_t changed;
    _Atomic uint64_t number, as_of; /* number 0: empty */
    _Atomic uint64_t words[SEEN_WORDS];
};

struct seen_cache {
    struct place places[PLACES];
};

struct seen_cache *seen_cache_open(void) {
    return calloc(1, sizeof(struct seen_cache));
}

void seen_cache_close(struct seen_cache *cache) {
    free(cache);
}

bool seen_cache_get(struct seen *out, const struct seen_cache *cache, uint64_t number) {
    const struct place *place = &cache->places[number % PLACES];
    uint64_t turn = atomic_load_explicit(&place->turn, memory_order_acquire);
    if (number == 0 || (turn & 1) != 0 || atomic_load_explicit(&place->number, memory_order_acquire) != number) {
        return false;
    }
    out->as_of = atomic_load_explicit(&place->as_of, memory_order_acquire);
    for (size_t i = 0; i < SEEN_WORDS; i++) {
        out->words[i] = atomic_load_explicit(&place->words[i], memory_order_acquire);
    }
    return atomic_load_explicit(&place->turn, memory_order_relaxed) == turn &&
           atomic_load_explicit(&place->changed, memory_order_acquire) <= out->as_of;
}

void seen_cache_put(struct seen_cache *cache, uint64_t number, const struct seen *seen) {
    struct place *place = &cache->places[number % PLACES];
    uint64_t turn = atomic_load_explicit(&place->turn, memory_order_relaxed);
    if (atomic_load_explicit(&place->changed, memory_order_acquire) > seen->as_of || (turn & 1) != 0 ||
        !atomic_compare_exchange_strong_explicit(
            &place->turn, &turn, turn + 1, memory_order_acquire, memory_order_relaxed)) {
        return; /* it would not be believed, or another is faster */
    }
    atomic_store_explicit(&place->number, number, memory_order_release);
    atomic_store_explicit(&place->as_of, seen->as_of, memory_order_release);
    for (size_t i = 0; i < SEEN_WORDS; i++) {
        atomic_store_explicit(&place->words[i], seen->words[i], memory_order_release);
    }
    atomic_store_explicit(&place->turn, turn + 2, memory_order_release);
}

void seen_cache_change(struct seen_cache *cache, uint64_t number, uint64_t seq) {
    struct place *place = &cache->places[number % PLACES];
    if (atomic_load_explicit(&place->changed, memory_order_relaxed) < seq) {
        atomic_store(&place->changed, seq);
    }
}
