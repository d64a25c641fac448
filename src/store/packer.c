#include "store/packer.h"

#include "store/frame.h"

#include <stdlib.h>
#include <time.h>

enum {
    BATCH = 1024,                  /* versions a transaction, at most */
    BATCH_BESIDE = 256,            /* likewise, where others write: they wait for it */
    BATCH_BYTES = 4 * 1024 * 1024, /* of bodies */
    ARENA_MOST = 96 * 1024 * 1024,
    REST_US = 10 * 1000 * 1000, /* after a failure */
    /* Compressed: two frames to a page of the database. */
    TARGET = 1930,
    MOST = 2010,
    LEAST = 1650,
    TRIES = 4,
    SHARE_LEAST = 2,          /* percent of a core, beside writers */
    ALONE_FREE = 1000 * 1000, /* versions that may lie alone whatever share of all they are */
    ALONE_RAMP = 500 * 1000,  /* so many more, at least, until the packer has all of a core */
};

enum packer_state { IDLE, ASKED, MADE };

/* `state` and `closing` are guarded by `lock`. What was made is the packer's while ASKED and the writer's otherwise; `from`,
 * `done_to`, `disturbed` and `rest_until_us` are the writer's. */
struct packer {
    struct store *store;
    struct connection *connection; /* the thread's */
    struct arena *arena;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, closing, disturbed;
    enum packer_state state;
    uint64_t from, done_to; /* where to go on; what is worth nothing before more is written */
    int64_t rest_until_us;  /* after a failure */
    int64_t made_us;        /* when the last batch was taken in */
    size_t batch;           /* versions to look at */
    int64_t cost_us;        /* processor time that the last batch took its thread */
    double ratio;           /* compressed to plain, of late */

    enum status status;
    struct frame_part *parts;
    size_t part_count;
    struct frame_made *frames;
    size_t frame_count, framed; /* frames; parts that are in them */
    uint64_t next;              /* the first version that is not done with */
    uint64_t looked;            /* the first that was not looked at */
};

/* ---- making -------------------------------------------------------------------------------------------------------- */

static void say_unreadable(uint64_t vid) {
    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)vid);
    log_event(LOG_ERROR, "store.version-damaged", "vid", number, NULL);
}

/* A body that cannot be read stays where it is: store_check names it. */
static enum status part_read(struct packer *packer, struct statement *list, struct scope *scope) {
    struct store_body body = {.dictionary = (uint32_t)column_int(list, 1),
        .gap = (uint32_t)column_int(list, 2),
        .size = (uint32_t)column_int(list, 3),
        .packed = column_bytes(list, 5)};
    struct frame_part part = {.vid = (uint64_t)column_int(list, 0), .gap = body.gap};
    if (body.size > FRAME_BODY_MAX) {
        return STATUS_OK;
    }
    struct scope trial = {.arena = scope->arena};
    enum status status =
        body.packed.size == 0 ? STATUS_OK : pack_expand(&part.body, packer->store->pack, &body, &trial);
    if (status == STATUS_FAILED) {
        say_unreadable(part.vid);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        fault_carry(scope, &trial.fault);
        return status;
    }
    part.rows = text_copy(scope->arena, column_bytes(list, 4));
    packer->parts[packer->part_count++] = part;
    return STATUS_OK;
}

static enum status parts_read(struct packer *packer, struct scope *scope) {
    struct statement *list = statement_take(packer->connection, SQL_SINGLES_FROM);
    bind_int(list, 1, (int64_t)packer->from);
    packer->parts = ARENA_ARRAY(scope->arena, struct frame_part, BATCH);
    size_t bytes = 0;
    enum status status = STATUS_OK;
    int code = SQLITE_DONE;
    for (size_t seen = 0; status == STATUS_OK && seen < packer->batch && bytes < BATCH_BYTES; seen++) {
        code = statement_step(list);
        if (code != SQLITE_ROW) {
            break;
        }
        packer->next = packer->looked = (uint64_t)column_int(list, 0) + 1;
        status = part_read(packer, list, scope);
        bytes += packer->part_count == 0 ? 0 : packer->parts[packer->part_count - 1].body.size;
    }
    if (status == STATUS_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
        status = connection_fault(packer->connection, scope);
    }
    statement_give(packer->connection, list);
    return status;
}

/* So many parts from `at` on as have `bytes` of bodies, at least one. */
static size_t parts_within(const struct packer *packer, size_t at, double bytes) {
    double sum = 0;
    size_t count = 0;
    double most = bytes < FRAME_RAW_MAX ? bytes : FRAME_RAW_MAX;
    while (at + count < packer->part_count && count < FRAME_COUNT_MAX) {
        sum += (double)packer->parts[at + count].body.size;
        if (count > 0 && sum > most) {
            break;
        }
        count++;
    }
    return count;
}

/* Tries sizes until the frame fits its half of a page well. *count_out: the parts that it took. */
static enum status frame_fit(
    struct frame_made *out, size_t *count_out, struct packer *packer, size_t at, struct scope *scope) {
    size_t count = parts_within(packer, at, TARGET / packer->ratio), bound = packer->part_count - at + 1;
    for (int tries = 0;; tries++) {
        enum status status = frame_bodies_make(out, packer->store->pack, packer->parts + at, count, scope);
        if (status != STATUS_OK) {
            return status;
        }
        *count_out = count;
        size_t size = out->body.size;
        double ratio = (double)size / (double)out->body_size;
        size_t next = parts_within(packer, at, TARGET / ratio);
        if (tries == TRIES || (size >= LEAST && size <= MOST)) {
            break;
        }
        if (size > MOST) {
            bound = count;
            next = next < bound ? next : bound - 1;
        } else {
            next = next < bound ? next : bound - 1;
        }
        if (next == 0 || (size <= MOST && next <= count)) {
            break;
        }
        count = next;
    }
    packer->ratio = (packer->ratio * 3 + (double)out->body.size / (double)out->body_size) / 4;
    return STATUS_OK;
}

/* A frame at the end that could take more waits for more. */
static bool is_full(const struct packer *packer, const struct frame_made *made, size_t at, size_t count) {
    return at + count < packer->part_count || made->body.size >= LEAST || made->body_size >= FRAME_RAW_MAX ||
           count == FRAME_COUNT_MAX;
}

static enum status frames_make(struct packer *packer, struct scope *scope) {
    packer->frames = ARENA_ARRAY(scope->arena, struct frame_made, packer->part_count + 1);
    size_t at = 0;
    while (at < packer->part_count) {
        struct frame_made *made = &packer->frames[packer->frame_count];
        size_t count = 0;
        enum status status = frame_fit(made, &count, packer, at, scope);
        if (status == STATUS_OK && !is_full(packer, made, at, count)) {
            packer->next = packer->parts[at].vid;
            break;
        }
        if (status == STATUS_OK) {
            status = frame_rows_make(made, packer->store->pack, packer->parts + at, count, scope);
        }
        if (status != STATUS_OK) {
            return status;
        }
        packer->frame_count++;
        at += count;
    }
    packer->framed = at;
    return STATUS_OK;
}

static enum status make(void *context, struct scope *scope) {
    struct packer *packer = context;
    enum status status = STATUS_OK;
    if (packer->connection == NULL) {
        status = connection_open(&packer->connection, packer->store->path, CONNECTION_CHECKPOINTS, scope);
    }
    if (status == STATUS_OK) {
        status = statement_run(packer->connection, SQL_BEGIN_READ, scope);
    }
    if (status == STATUS_OK) {
        status = parts_read(packer, scope);
    }
    if (packer->connection != NULL) {
        connection_reset(packer->connection);
        sqlite3_exec(packer->connection->database, "ROLLBACK", NULL, NULL, NULL);
    }
    return status == STATUS_OK ? frames_make(packer, scope) : status;
}

static int64_t thread_time_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000 * 1000 + time.tv_nsec / 1000;
}

static bool wait_until_asked(struct packer *packer) {
    pthread_mutex_lock(&packer->lock);
    while (packer->state != ASKED && !packer->closing) {
        pthread_cond_wait(&packer->changed, &packer->lock);
    }
    bool goes_on = !packer->closing;
    pthread_mutex_unlock(&packer->lock);
    return goes_on;
}

static void *packer_main(void *context) {
    struct packer *packer = context;
    pthread_setname_np(pthread_self(), "soyang-packer");
    while (wait_until_asked(packer)) {
        struct scope scope;
        arena_reset(packer->arena);
        packer->part_count = packer->frame_count = packer->framed = 0;
        packer->next = packer->looked = packer->from;
        int64_t began_us = thread_time_us();
        packer->status = scope_run(&scope, packer->arena, make, packer);
        packer->cost_us = thread_time_us() - began_us;
        if (packer->status != STATUS_OK && packer->connection != NULL) {
            connection_reset(packer->connection);
            if (sqlite3_get_autocommit(packer->connection->database) == 0) {
                sqlite3_exec(packer->connection->database, "ROLLBACK", NULL, NULL, NULL);
            }
        }
        pthread_mutex_lock(&packer->lock);
        packer->state = MADE;
        pthread_mutex_unlock(&packer->lock);
    }
    connection_close(packer->connection);
    return NULL;
}

/* ---- taking in ------------------------------------------------------------------------------------------------------- */

static enum status frame_write(struct connection *connection, const struct frame_made *made, struct scope *scope) {
    struct statement *add = statement_take(connection, SQL_FRAME_ADD);
    bind_int(add, 1, (int64_t)made->last);
    bind_int(add, 2, (int64_t)made->first);
    bind_int(add, 3, (int64_t)made->body_size);
    bind_int(add, 4, made->dictionary);
    bind_bytes(add, 5, made->body);
    enum status status = statement_finish(connection, add, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct statement *rows = statement_take(connection, SQL_FRAME_ROWS_ADD);
    bind_int(rows, 1, (int64_t)made->last);
    bind_int(rows, 2, (int64_t)made->first);
    bind_int(rows, 3, (int64_t)made->rows_size);
    bind_bytes(rows, 4, made->rows);
    return statement_finish(connection, rows, scope);
}

static enum status take_in(void *context, struct scope *scope) {
    struct writer *writer = context;
    const struct packer *packer = writer->packer;
    struct connection *connection = writer->connection;
    enum status status = transaction_begin(connection, scope);
    for (size_t i = 0; status == STATUS_OK && i < packer->frame_count; i++) {
        status = frame_write(connection, &packer->frames[i], scope);
    }
    for (size_t i = 0; status == STATUS_OK && i < packer->framed; i++) {
        struct statement *remove = statement_take(connection, SQL_SINGLE_REMOVE);
        bind_int(remove, 1, (int64_t)packer->parts[i].vid);
        status = statement_finish(connection, remove, scope);
    }
    return status == STATUS_OK ? statement_run(connection, SQL_COMMIT, scope) : status;
}

static enum status take_in_undone(struct writer *writer, enum status why, struct scope *scope) {
    log_event(LOG_ERROR, "store.packing-undone", "why", status_name(why), NULL);
    connection_reset(writer->connection);
    if (sqlite3_get_autocommit(writer->connection->database) == 0) {
        (void)statement_run(writer->connection, SQL_ROLLBACK, scope);
    }
    writer->connection->failed = STATUS_OK;
    return why;
}

static enum status take_in_run(struct writer *writer) {
    struct arena *arena = arena_open(1024 * 1024);
    if (arena == NULL) {
        return STATUS_UNAVAILABLE;
    }
    struct scope scope;
    int64_t since_us = clock_monotonic_us();
    sqlite3_exec(writer->connection->database, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    enum status status = scope_run(&scope, arena, take_in, writer);
    if (status != STATUS_OK) {
        status = take_in_undone(writer, status, &scope);
    }
    sqlite3_exec(writer->connection->database, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    arena_close(arena);
    wait_ended(&writer->store->waits, STORE_WAIT_PACK, since_us);
    return status;
}

static enum packer_state state_of(struct packer *packer) {
    pthread_mutex_lock(&packer->lock);
    enum packer_state state = packer->state;
    pthread_mutex_unlock(&packer->lock);
    return state;
}

static void state_set(struct packer *packer, enum packer_state state) {
    pthread_mutex_lock(&packer->lock);
    packer->state = state;
    pthread_cond_signal(&packer->changed);
    pthread_mutex_unlock(&packer->lock);
}

uint64_t packer_behind(const struct packer *packer, const struct writer *writer) {
    return writer->state.vid_next > packer->done_to ? writer->state.vid_next - packer->done_to : 0;
}

void packer_disturb(struct packer *packer) {
    packer->disturbed = true;
}

unsigned packer_share_percent(uint64_t behind, uint64_t versions) {
    uint64_t free = versions / 4 * 3, most = versions / 10 * 9;
    free = free > ALONE_FREE ? free : ALONE_FREE;
    most = most > free + ALONE_RAMP ? most : free + ALONE_RAMP;
    if (behind <= free) {
        return SHARE_LEAST;
    }
    return behind >= most ? 100 : SHARE_LEAST + (unsigned)((behind - free) * (100 - SHARE_LEAST) / (most - free));
}

/* Where others write, a batch is followed by as much rest as keeps to the share. */
static bool may_ask(const struct packer *packer, const struct writer *writer, enum merge_pace pace) {
    int64_t now_us = clock_monotonic_us();
    uint64_t behind = packer_behind(packer, writer);
    if (behind < packer->store->pack_least || now_us < packer->rest_until_us) {
        return false;
    }
    if (pace == MERGE_IDLE || packer->store->packing == STORE_PACKS_AT_ONCE) {
        return true;
    }
    int64_t share = packer_share_percent(behind, writer->state.vid_next);
    return now_us - packer->made_us >= packer->cost_us * (100 - share) / share;
}

static enum packer_did take_in_made(struct packer *packer, struct writer *writer) {
    enum packer_did did = PACKER_NOTHING;
    enum status status = packer->status;
    if (status == STATUS_OK && !packer->disturbed && packer->frame_count > 0) {
        status = take_in_run(writer);
        did = status == STATUS_OK ? PACKER_PACKED : PACKER_NOTHING;
    }
    packer->made_us = clock_monotonic_us();
    if (status != STATUS_OK) {
        packer->rest_until_us = packer->made_us + REST_US;
    } else if (!packer->disturbed) {
        packer->from = packer->next;
        packer->done_to =
            packer->frame_count > 0 && packer->part_count == packer->batch ? packer->next : packer->looked;
        atomic_store_explicit(&packer->store->packed_to, packer->from, memory_order_relaxed);
    }
    return did;
}

enum packer_did packer_turn(struct packer *packer, struct writer *writer, enum merge_pace pace) {
    enum packer_state state = state_of(packer);
    enum packer_did did = PACKER_NOTHING;
    if (state == ASKED) {
        return PACKER_WAITS;
    }
    if (state == MADE) {
        did = take_in_made(packer, writer);
        state_set(packer, IDLE);
    }
    if (may_ask(packer, writer, pace)) {
        bool beside = pace != MERGE_IDLE && packer->store->packing == STORE_PACKS_AT_REST;
        packer->disturbed = false;
        packer->batch = beside ? BATCH_BESIDE : BATCH;
        state_set(packer, ASKED);
        return did == PACKER_NOTHING ? PACKER_WAITS : did;
    }
    return did;
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

struct packer *packer_open(struct store *store) {
    enum { RATIO_AT_FIRST_PERCENT = 15 };
    struct packer *packer = calloc(1, sizeof *packer);
    if (packer == NULL) {
        return NULL;
    }
    packer->store = store;
    packer->ratio = RATIO_AT_FIRST_PERCENT / 100.0;
    packer->from = packer->done_to = atomic_load(&store->packed_to);
    pthread_mutex_init(&packer->lock, NULL);
    pthread_cond_init(&packer->changed, NULL);
    packer->arena = arena_open(ARENA_MOST);
    packer->started = packer->arena != NULL && pthread_create(&packer->thread, NULL, packer_main, packer) == 0;
    if (!packer->started) {
        packer_close(packer);
        return NULL;
    }
    return packer;
}

void packer_close(struct packer *packer) {
    if (packer == NULL) {
        return;
    }
    if (packer->started) {
        pthread_mutex_lock(&packer->lock);
        packer->closing = true;
        pthread_cond_signal(&packer->changed);
        pthread_mutex_unlock(&packer->lock);
        pthread_join(packer->thread, NULL);
    }
    arena_close(packer->arena);
    pthread_mutex_destroy(&packer->lock);
    pthread_cond_destroy(&packer->changed);
    free(packer);
}
