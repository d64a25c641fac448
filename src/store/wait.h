/* What requests wait for, counted by cause. Knows nothing of what is done in between; takes no lock. Of each cause the waits, their
 * sum and the longest since the store was opened; one of LONG_WAIT_US and more is logged as store.stalled with its cause. */
#ifndef SOYANG_STORE_WAIT_H
#define SOYANG_STORE_WAIT_H

#include "store/store.h"

#include <stdatomic.h>

struct waits {
    struct {
        _Atomic uint64_t count, long_count, total_us, longest_us;
    } of[STORE_WAIT_COUNT];
};

/* `since_us`: clock_monotonic_us() when it began. */
void wait_ended(struct waits *waits, enum store_wait cause, int64_t since_us);

#endif
