#include "store/wait.h"

#include "store/store_internal.h"

#include <stdio.h>

enum { LONG_WAIT_US = 300 * 1000 };

static const char *const names[STORE_WAIT_COUNT] = {
    [STORE_WAIT_MEMORY] = "memory",
    [STORE_WAIT_UNITS] = "units",
    [STORE_WAIT_COMMIT] = "commit",
    [STORE_WAIT_COMMIT_BESIDE_LOG] = "commit-beside-log",
    [STORE_WAIT_ANSWERS] = "answers",
    [STORE_WAIT_MERGE] = "merge",
    [STORE_WAIT_PACK] = "pack",
    [STORE_WAIT_LOG] = "log",
    [STORE_WAIT_READER] = "reader",
    [STORE_WAIT_SNAPSHOT] = "snapshot",
};

const char *store_wait_name(enum store_wait cause) {
    return names[cause];
}

void wait_ended(struct waits *waits, enum store_wait cause, int64_t since_us) {
    int64_t took = clock_monotonic_us() - since_us;
    uint64_t us = took > 0 ? (uint64_t)took : 0;
    atomic_fetch_add_explicit(&waits->of[cause].count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&waits->of[cause].total_us, us, memory_order_relaxed);
    uint64_t longest = atomic_load_explicit(&waits->of[cause].longest_us, memory_order_relaxed);
    while (us > longest && !atomic_compare_exchange_weak_explicit(&waits->of[cause].longest_us, &longest, us,
                               memory_order_relaxed, memory_order_relaxed)) {
    }
    if (us < LONG_WAIT_US) {
        return;
    }
    atomic_fetch_add_explicit(&waits->of[cause].long_count, 1, memory_order_relaxed);
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)(us / 1000));
    log_event(LOG_WARNING, "store.stalled", "by", names[cause], "ms", text, NULL);
}

void store_waits(struct store_wait_figures out[static STORE_WAIT_COUNT], struct store *store) {
    for (size_t i = 0; i < STORE_WAIT_COUNT; i++) {
        out[i] = (struct store_wait_figures){
            .count = atomic_load_explicit(&store->waits.of[i].count, memory_order_relaxed),
            .long_count = atomic_load_explicit(&store->waits.of[i].long_count, memory_order_relaxed),
            .total_us = atomic_load_explicit(&store->waits.of[i].total_us, memory_order_relaxed),
            .longest_us = atomic_load_explicit(&store->waits.of[i].longest_us, memory_order_relaxed),
        };
    }
}
