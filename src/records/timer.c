#include "records/timer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One thread. It sleeps until the earliest due time (by the records' clock, which may run fast), a nudge, or a short while,
 * since a clock that is moved by hand tells nobody; then it runs the handlers of all that is due, each in a unit of its own.
 *
 * Nothing that is due is ever lost: the row stays in the store until a unit that succeeded moved it. A handler that fails is
 * tried again, later and later; others do not wait for it. */

enum {
    SLEEP_MAX_US = 25 * 1000,
    LIST_MAX = 64,
    RETRY_FIRST_US = 250 * 1000,
    RETRY_MAX_US = 30 * 1000 * 1000,
};
#define HANDLER_ARENA_BYTES ((size_t)256 * 1024 * 1024)

struct failing {
    struct failing *next;
    int64_t again_us; /* clock_monotonic_us */
    int64_t wait_us;
    size_t owner_size, key_size;
    char bytes[]; /* owner, then key */
};

struct timer {
    struct records *records;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool running, stopping, nudged;
    _Atomic int64_t planned_us; /* the earliest due time that the sleep counts on; INT64_MIN: awake, or not running */
    struct failing *failing;
    size_t failing_count;
};

/* ---- what failed before ----------------------------------------------------------------------------------------- */

static bool is_of(const struct failing *failing, const struct store_due *due) {
    return text_equal((struct text){failing->bytes, failing->owner_size}, due->owner) &&
           text_equal((struct text){failing->bytes + failing->owner_size, failing->key_size}, due->key);
}

static struct failing **find_failing(struct timer *timer, const struct store_due *due) {
    struct failing **at = &timer->failing;
    while (*at != NULL && !is_of(*at, due)) {
        at = &(*at)->next;
    }
    return at;
}

static void forget_failing(struct timer *timer, const struct store_due *due) {
    struct failing **at = find_failing(timer, due);
    if (*at != NULL) {
        struct failing *gone = *at;
        *at = gone->next;
        free(gone);
        timer->failing_count--;
    }
}

static void remember_failing(struct timer *timer, const struct store_due *due) {
    struct failing **at = find_failing(timer, due);
    if (*at == NULL) {
        struct failing *failing = calloc(1, sizeof *failing + due->owner.size + due->key.size);
        if (failing == NULL) {
            return; /* it is tried again at once, then */
        }
        failing->owner_size = due->owner.size;
        failing->key_size = due->key.size;
        memcpy(failing->bytes, due->owner.at, due->owner.size);
        memcpy(failing->bytes + due->owner.size, due->key.at, due->key.size);
        *at = failing;
        timer->failing_count++;
    }
    struct failing *failing = *at;
    failing->wait_us = failing->wait_us == 0 ? RETRY_FIRST_US : failing->wait_us * 2;
    if (failing->wait_us > RETRY_MAX_US) {
        failing->wait_us = RETRY_MAX_US;
    }
    failing->again_us = clock_monotonic_us() + failing->wait_us;
}

/* ---- one due time ----------------------------------------------------------------------------------------------- */

struct handling {
    const struct due_owner *owner;
    const struct store_due *due;
};

static enum status handle(void *context, struct records_unit *unit, struct scope *scope) {
    const struct handling *handling = context;
    return handling->owner->handler(handling->owner->context, unit, handling->due->key, handling->due->at_us, scope);
}

static const struct records_caller system_caller = {
    .who = {"Device/soyang", sizeof "Device/soyang" - 1},
    .organisation = {"Organization/soyang", sizeof "Organization/soyang" - 1},
    .role = {"system", sizeof "system" - 1},
    .purpose = {"HOPERAT", sizeof "HOPERAT" - 1},
};

static const struct due_owner *owner_of(const struct timer *timer, const struct store_due *due) {
    const struct due_owner *owner = timer->records->owners;
    while (owner != NULL && !text_equal(owner->name, due->owner)) {
        owner = owner->next;
    }
    return owner;
}

static void log_failure(const struct store_due *due, enum status status, const struct scope *scope) {
    char owner[64] = {0};
    memcpy(owner, due->owner.at, due->owner.size < sizeof owner ? due->owner.size : sizeof owner - 1);
    log_event(LOG_WARNING, "due-handler-failed", "owner", owner, "status", status_name(status), "reason",
        scope->fault.first == NULL ? "" : scope->fault.first->text, NULL);
}

static enum status run_due(struct timer *timer, const struct store_due *due, struct scope *scope) {
    const struct due_owner *owner = owner_of(timer, due);
    if (owner == NULL) {
        return fault(scope, STATUS_UNSUPPORTED, "", "nobody is registered for this due time");
    }
    struct handling handling = {.owner = owner, .due = due};
    return records_unit_run(timer->records, &system_caller, "deadline", handle, &handling, scope);
}

/* ---- all that is due -------------------------------------------------------------------------------------------- */

/* A handler that succeeded and left its due time where it was would run for ever: that is a bug of its module. */
static bool still_due(struct timer *timer, const struct store_due *done, struct scope *scope) {
    struct store_due *list = NULL;
    size_t count = 0;
    enum status status =
        store_due_list(&list, &count, timer->records->store, done->at_us, LIST_MAX + timer->failing_count, scope);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (list[i].at_us == done->at_us && text_equal(list[i].owner, done->owner) &&
            text_equal(list[i].key, done->key)) {
            return true;
        }
    }
    return false;
}

static bool is_waiting(struct timer *timer, const struct store_due *due) {
    const struct failing *failing = *find_failing(timer, due);
    return failing != NULL && failing->again_us > clock_monotonic_us();
}

static bool is_stopping(struct timer *timer) {
    pthread_mutex_lock(&timer->mutex);
    bool stopping = timer->stopping;
    pthread_mutex_unlock(&timer->mutex);
    return stopping;
}

static void handle_due(struct timer *timer, const struct store_due *due) {
    struct arena *arena = arena_open(HANDLER_ARENA_BYTES);
    if (arena == NULL) {
        return; /* it stays due */
    }
    struct scope scope = {.arena = arena};
    enum status status = run_due(timer, due, &scope);
    if (status == STATUS_OK) {
        invariant(!still_due(timer, due, &scope));
        forget_failing(timer, due);
    } else if (!is_stopping(timer)) {
        log_failure(due, status, &scope);
        remember_failing(timer, due);
    }
    arena_close(arena);
}

static void handle_all_due(struct timer *timer) {
    const struct records *records = timer->records;
    int64_t now_us = clock_now_us(records->clock);
    if (store_due_earliest_us(records->store) > now_us) {
        return;
    }
    struct arena *arena = arena_open(HANDLER_ARENA_BYTES);
    if (arena == NULL) {
        return;
    }
    struct scope scope = {.arena = arena};
    struct store_due *list = NULL;
    size_t count = 0;
    enum status status = store_due_list(&list, &count, records->store, now_us, LIST_MAX + timer->failing_count, &scope);
    for (size_t i = 0; status == STATUS_OK && i < count && !is_stopping(timer); i++) {
        if (!is_waiting(timer, &list[i])) {
            handle_due(timer, &list[i]);
        }
    }
    arena_close(arena);
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static int64_t sleep_us(struct timer *timer) {
    int64_t earliest_us = store_due_earliest_us(timer->records->store);
    atomic_store(&timer->planned_us, earliest_us);
    int64_t now_us = clock_now_us(timer->records->clock);
    if (earliest_us <= now_us) {
        return timer->failing_count > 0 ? SLEEP_MAX_US : 0;
    }
    double wait_us = (double)(earliest_us - now_us) / clock_speed(timer->records->clock);
    return wait_us < SLEEP_MAX_US ? (int64_t)wait_us + 1 : SLEEP_MAX_US;
}

static bool wait_for_next(struct timer *timer) {
    int64_t wait_us = sleep_us(timer);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + wait_us % 1000000 * 1000;
    until.tv_sec += wait_us / 1000000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_mutex_lock(&timer->mutex);
    int code = 0;
    while (!timer->stopping && !timer->nudged && code != ETIMEDOUT) {
        code = pthread_cond_timedwait(&timer->wake, &timer->mutex, &until);
    }
    timer->nudged = false;
    bool goes_on = !timer->stopping;
    pthread_mutex_unlock(&timer->mutex);
    return goes_on;
}

static void *run_timer(void *context) {
    struct timer *timer = context;
    do {
        handle_all_due(timer);
    } while (wait_for_next(timer));
    return NULL;
}

/* A unit that set no earlier due time wakes nobody. */
void timer_nudge(struct timer *timer) {
    if (store_due_earliest_us(timer->records->store) >= atomic_load(&timer->planned_us)) {
        return;
    }
    pthread_mutex_lock(&timer->mutex);
    timer->nudged = true;
    pthread_cond_signal(&timer->wake);
    pthread_mutex_unlock(&timer->mutex);
}

/* ---- registering and starting ----------------------------------------------------------------------------------- */

void records_due_register(struct records *records, const char *owner, records_due_handler *handler, void *context) {
    struct due_owner *row = ARENA_NEW(records->arena, struct due_owner);
    *row = (struct due_owner){
        .next = records->owners,
        .name = text_copy(records->arena, text_from(owner)),
        .handler = handler,
        .context = context,
    };
    records->owners = row;
}

enum status timer_open(struct timer **out, struct records *records, struct scope *scope) {
    struct timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the timer");
    }
    timer->records = records;
    atomic_store(&timer->planned_us, INT64_MIN);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&timer->mutex, NULL);
    pthread_cond_init(&timer->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = timer;
    return STATUS_OK;
}

static void stop(struct timer *timer) {
    if (!timer->running) {
        return;
    }
    pthread_mutex_lock(&timer->mutex);
    timer->stopping = true;
    pthread_cond_signal(&timer->wake);
    pthread_mutex_unlock(&timer->mutex);
    pthread_join(timer->thread, NULL);
    timer->running = timer->stopping = false;
    atomic_store(&timer->planned_us, INT64_MIN);
}

void timer_close(struct timer *timer) {
    if (timer == NULL) {
        return;
    }
    stop(timer);
    while (timer->failing != NULL) {
        struct failing *next = timer->failing->next;
        free(timer->failing);
        timer->failing = next;
    }
    pthread_cond_destroy(&timer->wake);
    pthread_mutex_destroy(&timer->mutex);
    free(timer);
}

enum status records_timer_start(struct records *records, struct scope *scope) {
    struct timer *timer = records->timer;
    invariant(!timer->running);
    timer->running = pthread_create(&timer->thread, NULL, run_timer, timer) == 0;
    return timer->running ? STATUS_OK
                          : fault(scope, STATUS_UNAVAILABLE, "", "the system gives no thread for the timer");
}

void records_timer_stop(struct records *records) {
    stop(records->timer);
}
