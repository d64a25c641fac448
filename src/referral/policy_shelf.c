#include "referral/policy_shelf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { POLICY_ARENA_MAX = 16 << 20 };

/* One policy with the arena that holds it; the shelf is one of its holders. */
struct shelved {
    atomic_int holders;
    struct arena *arena;
    struct text hash; /* of the snapshot that it was read for */
    struct policy policy;
};
struct policy_shelf {
    pthread_mutex_t lock;
    struct shelved *current; /* NULL: none was read yet */
};

struct policy_shelf *policy_shelf_open(void) {
    struct policy_shelf *shelf = calloc(1, sizeof *shelf);
    if (shelf != NULL && pthread_mutex_init(&shelf->lock, NULL) != 0) {
        free(shelf);
        return NULL;
    }
    return shelf;
}

static void release(void *shelved) {
    struct shelved *one = shelved;
    if (one != NULL && atomic_fetch_sub_explicit(&one->holders, 1, memory_order_acq_rel) == 1) {
        arena_close(one->arena); /* it lies in it itself */
    }
}

void policy_shelf_close(struct policy_shelf *shelf) {
    if (shelf != NULL) {
        release(shelf->current);
        pthread_mutex_destroy(&shelf->lock);
        free(shelf);
    }
}

static struct shelved *hold_current(struct policy_shelf *shelf, struct text hash) {
    struct shelved *found = NULL;
    pthread_mutex_lock(&shelf->lock);
    if (shelf->current != NULL && text_equal(shelf->current->hash, hash)) {
        found = shelf->current;
        atomic_fetch_add_explicit(&found->holders, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&shelf->lock);
    return found;
}

struct reading {
    const struct region_snapshot *snapshot;
    struct shelved *out;
};

static enum status read_policy(void *context, struct scope *scope) {
    struct reading *reading = context;
    struct shelved *shelved = ARENA_NEW(scope->arena, struct shelved);
    atomic_init(&shelved->holders, 1);
    shelved->arena = scope->arena;
    shelved->hash = text_copy(scope->arena, reading->snapshot->policy_hash);
    reading->out = shelved;
    return policy_read(&shelved->policy, text_copy(scope->arena, reading->snapshot->policy), scope);
}

static void put_on_shelf(struct policy_shelf *shelf, struct shelved *shelved) {
    atomic_fetch_add_explicit(&shelved->holders, 1, memory_order_relaxed);
    pthread_mutex_lock(&shelf->lock);
    struct shelved *old = shelf->current;
    shelf->current = shelved;
    pthread_mutex_unlock(&shelf->lock);
    release(old);
}

enum status policy_shelf_hold(const struct policy **out, struct policy_shelf *shelf,
    const struct region_snapshot *snapshot, struct scope *scope) {
    struct shelved *shelved = hold_current(shelf, snapshot->policy_hash);
    if (shelved == NULL) {
        struct reading reading = {.snapshot = snapshot};
        struct arena *arena = arena_open(POLICY_ARENA_MAX);
        if (arena == NULL) {
            return fault(scope, STATUS_UNAVAILABLE, "", "no memory to read the policy");
        }
        struct scope own = {.arena = arena, .deadline_us = scope->deadline_us};
        enum status status = scope_run(&own, arena, read_policy, &reading);
        if (status != STATUS_OK) {
            fault_carry(scope, &own.fault);
            arena_close(arena);
            return status;
        }
        shelved = reading.out;
        put_on_shelf(shelf, shelved);
    }
    arena_defer(scope->arena, release, shelved);
    *out = &shelved->policy;
    return STATUS_OK;
}
