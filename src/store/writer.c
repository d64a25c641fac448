/* The writer thread.
 *
 *      store_submit            queue_pop              group_run                          done
 *   (any thread) ──▶ queued ──────────▶ in the group ──COMMIT──▶ durable ──▶ answered ──▶ (caller)
 *                                        │    └─ apply ≠ OK: ROLLBACK TO, its events die ──┘ (after the group)
 *                                        └─ the database fails: ROLLBACK, all of the group answered with that
 *
 * Invariants:
 * 1. Only this thread writes to the database, adds events to a generation, or changes `state`.
 * 2. A unit's events are in the active generation before the group's COMMIT; readers take a view's sequence number from the
 *    database, so they see none of them until then. What is undone is marked dead before the next unit's number is given.
 * 3. Sequence numbers are given once: an undone unit that wrote burns its own.
 * 4. state.time_us grows with every unit that writes, also across restarts.
 * 5. Rotation and merging happen between transactions; a merge slice and the state row that tells of it are one transaction.
 * 6. Whatever is in the queue is answered exactly once, also when the store closes. */
#include "store/writer.h"

#include "store/checkpoint.h"
#include "store/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
    IDLE_WAIT_MS = 20,
    SWEEP_WAIT_MS = 1000,
    PACKER_WAIT_MS = 2,
    GATHER_MS = 2,                  /* what a unit that can wait may have to */
    GATHER_UNITS = 16,              /* with more, a commit's share of each is small */
    GATHER_CONTENT = 64,            /* groups between two wishes for more than came */
    PACK_BEFORE_CLOSE = 100 * 1000, /* versions; with more, closing does not wait for the packer */
};

bool writer_is_this_thread(const struct writer *writer) {
    return writer->started && pthread_equal(pthread_self(), writer->thread);
}

/* ---- queue --------------------------------------------------------------------------------------------------------- */

enum status store_submit(struct store *store, const struct store_work *work) {
    struct writer *writer = store->writer;
    pthread_mutex_lock(&writer->lock);
    bool accepted = !writer->closing && writer->queue_count < writer->queue_capacity;
    if (accepted) {
        writer->queue[(writer->queue_first + writer->queue_count) % writer->queue_capacity] = *work;
        writer->hasty += !work->can_wait;
        writer->queue_count++;
        bool is_enough = writer->waits_until > 0 && (!work->can_wait || writer->queue_count == writer->waits_until);
        if (writer->queue_count == 1 || is_enough) {
            pthread_cond_signal(&writer->work_waits);
        }
    }
    pthread_mutex_unlock(&writer->lock);
    return accepted ? STATUS_OK : STATUS_UNAVAILABLE;
}

bool queue_pop(struct store_work *out, struct writer *writer) {
    pthread_mutex_lock(&writer->lock);
    bool any = writer->queue_count > 0;
    if (any) {
        *out = writer->queue[writer->queue_first];
        writer->queue_first = (writer->queue_first + 1) % writer->queue_capacity;
        writer->queue_count--;
        writer->hasty -= !out->can_wait;
    }
    pthread_mutex_unlock(&writer->lock);
    return any;
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done;
    enum status status;
};

static void wake(void *context, enum status status, uint64_t seq) {
    struct waiting *waiting = context;
    (void)seq;
    pthread_mutex_lock(&waiting->lock);
    waiting->done = true;
    waiting->status = status;
    pthread_cond_signal(&waiting->ended);
    pthread_mutex_unlock(&waiting->lock);
}

struct forwarded { /* apply and done of store_work share one context */
    store_apply *apply;
    void *context;
    struct waiting waiting;
};

static enum status apply_forwarded(void *context, struct store_unit *unit, struct scope *scope) {
    struct forwarded *forwarded = context;
    return forwarded->apply(forwarded->context, unit, scope);
}

static void done_forwarded(void *context, enum status status, uint64_t seq) {
    wake(&((struct forwarded *)context)->waiting, status, seq);
}

enum status store_run(struct store *store, store_apply *apply, void *context, struct scope *scope) {
    invariant(!writer_is_this_thread(store->writer));
    struct forwarded forwarded = {.apply = apply,
        .context = context,
        .waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, STATUS_OK}};
    struct store_work work = {.apply = apply_forwarded, .done = done_forwarded, .context = &forwarded, .scope = scope};
    enum status status = store_submit(store, &work);
    if (status != STATUS_OK) {
        return fault(scope, status, "", "too many writes are waiting; try again later");
    }
    pthread_mutex_lock(&forwarded.waiting.lock);
    while (!forwarded.waiting.done) {
        pthread_cond_wait(&forwarded.waiting.ended, &forwarded.waiting.lock);
    }
    pthread_mutex_unlock(&forwarded.waiting.lock);
    pthread_mutex_destroy(&forwarded.waiting.lock);
    pthread_cond_destroy(&forwarded.waiting.ended);
    return forwarded.waiting.status;
}

/* ---- thread -------------------------------------------------------------------------------------------------------- */

enum wake_reason { WOKEN_BY_WORK, WOKEN_BY_TIME, WOKEN_TO_CLOSE };

static struct timespec time_in(int ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

static enum wake_reason wait_for_work(struct writer *writer, int wait_ms) {
    struct timespec until = time_in(wait_ms);
    int code = 0;
    pthread_mutex_lock(&writer->lock);
    while (writer->queue_count == 0 && !writer->closing && code != ETIMEDOUT) {
        code = pthread_cond_timedwait(&writer->work_waits, &writer->lock, &until);
    }
    enum wake_reason reason = writer->queue_count > 0 ? WOKEN_BY_WORK
                              : writer->closing       ? WOKEN_TO_CLOSE
                                                      : WOKEN_BY_TIME;
    pthread_mutex_unlock(&writer->lock);
    return reason;
}

/* A commit costs the same for one audit row as for ten. Units that can wait do so while others like them keep coming: one client
 * alone never waits, many at once share their commits. A unit that cannot wait ends it. */
static void gather(struct writer *writer) {
    struct gathering *gathering = &writer->gathering;
    struct timespec until = {0};
    int code = 0;
    pthread_mutex_lock(&writer->lock);
    while (writer->queue_count < gathering->wanted && writer->hasty == 0 && !writer->closing && code != ETIMEDOUT) {
        until = writer->waits_until == 0 ? time_in(GATHER_MS) : until;
        writer->waits_until = gathering->wanted;
        code = pthread_cond_timedwait(&writer->work_waits, &writer->lock, &until);
    }
    writer->waits_until = 0;
    size_t came = writer->queue_count;
    bool was_free = writer->hasty == 0 && !writer->closing;
    pthread_mutex_unlock(&writer->lock);
    if (!was_free) {
        return;
    }
    if (came < gathering->wanted) {
        gathering->wanted = came;
        gathering->content = GATHER_CONTENT;
    } else if (gathering->content > 0) {
        gathering->content--;
    } else if (came > 1) { /* one alone has nobody to wait for */
        size_t more = gathering->wanted + gathering->wanted / 2 + 1;
        gathering->wanted = more < GATHER_UNITS ? more : GATHER_UNITS;
    }
}

/* One turn of what is done beside units. False: nothing is left to do. */
static bool tidy(struct writer *writer, enum merge_pace pace) {
    bool did = false;
    enum status status = merge_step(&did, writer, pace);
    enum packer_did packed = packer_turn(writer->packer, writer, pace);
    checkpointer_turn(writer->checkpointer, writer->store, writer->connection);
    return (status == STATUS_OK && did) || packed == PACKER_PACKED;
}

/* Memory is full: what is in it is merged before another unit begins. */
static void make_room(struct writer *writer) {
    int64_t since_us = clock_monotonic_us();
    bool did = false;
    while (merge_is_behind(writer) && tidy(writer, MERGE_PACED)) {
        did = true;
    }
    if (did) {
        wait_ended(&writer->store->waits, STORE_WAIT_MEMORY, since_us);
    }
}

/* With nothing to do, the log goes into the database file and the page cache back to the system. */
static void rest(struct writer *writer) {
    if (writer->connection->wal_pages > 0) {
        int64_t since_us = clock_monotonic_us();
        readers_refresh(writer->store);
        sqlite3_wal_checkpoint_v2(writer->connection->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        writer->connection->wal_pages = 0; /* the next commit counts again */
        sqlite3_db_release_memory(writer->connection->database);
        wait_ended(&writer->store->waits, STORE_WAIT_LOG, since_us);
    }
}

/* So that what was imported lies in frames when the import ends. */
static void pack_the_rest(struct writer *writer) {
    if (packer_behind(writer->packer, writer) > PACK_BEFORE_CLOSE) {
        return;
    }
    while (packer_turn(writer->packer, writer, MERGE_IDLE) != PACKER_NOTHING) {
        nanosleep(&(struct timespec){.tv_nsec = PACKER_WAIT_MS * 1000 * 1000 / 4}, NULL);
    }
}

static void *writer_main(void *context) {
    struct writer *writer = context;
    int wait_ms = IDLE_WAIT_MS;
    pthread_setname_np(pthread_self(), "soyang-writer");
    for (;;) {
        switch (wait_for_work(writer, wait_ms)) {
        case WOKEN_BY_WORK:
            make_room(writer);
            gather(writer);
            group_run(writer);
            tidy(writer, MERGE_PACED);
            wait_ms = IDLE_WAIT_MS;
            break;
        case WOKEN_BY_TIME:
            if (tidy(writer, MERGE_IDLE)) {
                wait_ms = 0;
            } else {
                bool packs = packer_turn(writer->packer, writer, MERGE_IDLE) == PACKER_WAITS;
                rest(writer);
                wait_ms = packs ? PACKER_WAIT_MS : SWEEP_WAIT_MS;
            }
            break;
        case WOKEN_TO_CLOSE:
            while (tidy(writer, MERGE_IDLE)) {
            }
            pack_the_rest(writer);
            return NULL;
        }
    }
}

static void writer_free(struct writer *writer) {
    checkpointer_close(writer->checkpointer);
    packer_close(writer->packer);
    connection_close(writer->connection);
    identity_cache_close(writer->identities);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->work_waits);
    free(writer->queue);
    free(writer->members);
    free(writer->nodes.at);
    free(writer);
}

enum status writer_open(
    struct store *store, struct connection *connection, const struct store_state *state, struct scope *scope) {
    struct writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        connection_close(connection);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the writer");
    }
    writer->store = store;
    writer->connection = connection;
    state_copy(&writer->state, state);
    writer->purge_horizon = writer->purge_swept = state->horizon;
    enum status status = log_first(&writer->reindexed_from, connection, scope);
    writer->seq_next = state->seq + 1 > state->active_from ? state->seq + 1 : state->active_from;
    if (store->merging != NULL) {
        writer->merge_at = mem_generation_seek(store->merging, &(struct row_place){0});
    }
    writer->queue_capacity = store->queue_max;
    writer->queue = calloc(store->queue_max, sizeof *writer->queue);
    writer->members = calloc(GROUP_UNITS_MAX, sizeof *writer->members);
    writer->identities = identity_cache_open();
    writer->checkpointer = checkpointer_open(store->path);
    writer->packer = packer_open(store);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->work_waits, &attributes);
    pthread_condattr_destroy(&attributes);
    store->writer = writer;
    if (status != STATUS_OK) {
        return status;
    }
    if (writer->queue == NULL || writer->members == NULL || writer->identities == NULL ||
        writer->checkpointer == NULL || writer->packer == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the writer");
    }
    pthread_mutex_lock(&writer->lock); /* the thread reads `started` and `thread` only behind it */
    int code = pthread_create(&writer->thread, NULL, writer_main, writer);
    writer->started = code == 0;
    pthread_mutex_unlock(&writer->lock);
    return code == 0 ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "the writer thread cannot be started");
}

void writer_close(struct writer *writer) {
    if (writer == NULL) {
        return;
    }
    if (writer->started) {
        pthread_mutex_lock(&writer->lock);
        writer->closing = true;
        pthread_cond_signal(&writer->work_waits);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->thread, NULL);
    }
    writer_free(writer);
}
