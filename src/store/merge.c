/* merge: events from memory into the main table, ended rows into the past table and out of it.
 *
 *      active ──full──▶ merging ──slices, sorted──▶ block ──ended──▶ past ──STORE_CURSOR_LIFE_S──▶ gone
 *
 * Invariants: there is at most one merging generation; all its events are committed; `merge_at` is its first node that is not
 * merged; the active generation takes no event below state.active_from. */
#include "store/block_edit.h"
#include "store/checkpoint.h"
#include "store/writer.h"

#include <string.h>

enum {
    SLICE_LEAST = 256, /* events a transaction */
    SLICE_MOST = 2000,
    SLICE_LARGE = 16 * 1000,   /* behind a group that had as many itself */
    SLICE_US = 5 * 1000,       /* where groups are small: each waits for the slice before it */
    SLICE_LATE_US = 80 * 1000, /* in proportion to what is late of the whole generation, so much more */
    SLICE_IDLE = 2000,
    SLICE_BEHIND = 4000, /* while units wait for it */
    SWEEP_ROWS = 2000,   /* past rows looked at a transaction */
    EXPIRED_MAX = 2000,
};

size_t writer_rows_in_memory(const struct writer *writer) {
    const struct store *store = writer->store;
    return mem_generation_count(store->active) + (store->merging == NULL ? 0 : mem_generation_count(store->merging));
}

static size_t active_most(const struct writer *writer) {
    return writer->store->memory_rows_max / 2;
}

/* What a large unit put in at once is room that others need not wait for, so far as it is not more than there is in all. */
bool merge_is_behind(const struct writer *writer) {
    const struct store *store = writer->store;
    size_t large = writer->events_of_large, most = store->memory_rows_max;
    size_t bound = active_most(writer) + (large < most ? large : most);
    return mem_generation_count(store->active) >= bound && store->merging != NULL;
}

/* ---- rotation -------------------------------------------------------------------------------------------------------- */

static void rotate(struct writer *writer) {
    struct store *store = writer->store;
    struct mem_generation *next = mem_generation_open(writer->seq_next, writer->state.rid_next);
    if (next == NULL) {
        return; /* the active one grows on; tried again at the next turn */
    }
    writer->state.active_from = writer->seq_next;
    writer->state.active_from_rid = writer->state.rid_next;
    writer->state.merged.set = false;
    pthread_mutex_lock(&store->publish);
    atomic_fetch_add_explicit(&store->epoch, 1, memory_order_release);
    store->merging = store->active;
    store->active = next;
    pthread_mutex_unlock(&store->publish);
    writer->merge_at = mem_generation_seek(store->merging, &(struct row_place){0});
    writer->events_of_large = 0;
    writer->events_merged = 0;
}

static void merging_done(struct writer *writer) {
    struct store *store = writer->store;
    struct mem_generation *merged = store->merging;
    pthread_mutex_lock(&store->publish);
    store->merging = NULL;
    pthread_mutex_unlock(&store->publish);
    mem_generation_drop(merged);
}

/* ---- one place ------------------------------------------------------------------------------------------------------- */

static enum status past_add(
    struct writer *writer, const struct row_place *place, uint64_t seq, uint64_t ended, struct scope *scope) {
    if (ended <= writer->purge_horizon) {
        return STATUS_OK;
    }
    struct statement *add = statement_take(writer->connection, SQL_PAST_ADD);
    bind_int(add, 1, place->lane);
    bind_bytes(add, 2, place->key);
    bind_int(add, 3, (int64_t)place->rid);
    bind_int(add, 4, (int64_t)seq);
    bind_int(add, 5, (int64_t)ended);
    return statement_finish(writer->connection, add, scope);
}

static void bind_place(struct statement *statement, const struct row_place *place) {
    bind_int(statement, 1, place->lane);
    bind_bytes(statement, 2, place->key);
    bind_int(statement, 3, (int64_t)place->rid);
}

static enum status row_end(struct writer *writer, struct block_edit *edit, const struct row_place *place,
    uint64_t ended, struct scope *scope) {
    bool found = false;
    uint64_t seq = 0;
    enum status status = block_edit_remove(&found, &seq, edit, place);
    if (status != STATUS_OK || !found) {
        return status; /* one that is missing stops nobody; store_check names it */
    }
    writer->state.rows--;
    return past_add(writer, place, seq, ended, scope);
}

/* Identities hold whatever the sequence number is. */
static enum status row_add(
    struct writer *writer, struct block_edit *edit, const struct row_place *place, uint64_t seq) {
    bool is_new = false;
    uint64_t since = place->lane == lane_of_keys(SPACE_IDENTITY) ? 0 : seq;
    enum status status = block_edit_add(&is_new, edit, place, since);
    writer->state.rows += is_new;
    return status;
}

/* Applies all events of the place at *node, which it moves behind them. */
static enum status place_merge(
    struct mem_node **node, size_t *count, struct writer *writer, struct block_edit *edit, struct scope *scope) {
    struct row_place place = mem_node_place(*node);
    uint64_t added = 0;
    enum status status = STATUS_OK;
    for (; *node != NULL && status == STATUS_OK; *node = mem_node_next(*node)) {
        struct row_place at = mem_node_place(*node);
        if (row_place_compare(&at, &place) != 0) {
            break;
        }
        ++*count;
        if (!mem_node_alive(*node)) {
            continue;
        }
        if ((*node)->kind == MEM_ADDED) {
            invariant(added == 0);
            added = (*node)->seq;
        } else if (added != 0) {
            status = past_add(writer, &place, added, (*node)->seq, scope);
            added = 0;
        } else {
            status = row_end(writer, edit, &place, (*node)->seq, scope);
        }
    }
    return status == STATUS_OK && added != 0 ? row_add(writer, edit, &place, added) : status;
}

/* ---- past rows --------------------------------------------------------------------------------------------------------- */

struct expired {
    struct row_place at[EXPIRED_MAX];
    uint64_t seqs[EXPIRED_MAX];
    size_t count;
};

static bool sweep_due(struct writer *writer) {
    return writer->purge_place.set || writer->purge_horizon > writer->purge_swept;
}

/* Looks at the next past rows and notes those that no view can name. */
static enum status sweep_look(struct expired *expired, struct writer *writer, struct scope *scope) {
    struct place_kept *at = &writer->purge_place;
    if (!at->set) {
        place_keep(at, &(struct row_place){0});
        writer->purge_seq = 0;
    }
    struct statement *list = statement_take(writer->connection, SQL_PAST_EXPIRED);
    struct row_place from = {
        .lane = at->place.lane, .key = text_copy(scope->arena, at->place.key), .rid = at->place.rid};
    if (list != NULL) {
        bind_place(list, &from);
    }
    bind_int(list, 4, (int64_t)writer->purge_seq);
    int code = SQLITE_DONE;
    for (size_t seen = 0; seen < SWEEP_ROWS && (code = statement_step(list)) == SQLITE_ROW; seen++) {
        struct row_place place = {
            .lane = (uint32_t)column_int(list, 0), .key = column_bytes(list, 1), .rid = (uint64_t)column_int(list, 2)};
        place_keep(at, &place);
        writer->purge_seq = (uint64_t)column_int(list, 3);
        if ((uint64_t)column_int(list, 4) <= writer->purge_horizon) {
            place.key = text_copy(scope->arena, place.key);
            expired->at[expired->count] = place;
            expired->seqs[expired->count++] = writer->purge_seq;
        }
    }
    statement_give(writer->connection, list);
    if (code == SQLITE_DONE) {
        at->set = false;
        writer->purge_swept = writer->purge_horizon;
    }
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(writer->connection, scope);
}

static enum status sweep(struct writer *writer, struct scope *scope) {
    struct expired *expired = ARENA_NEW(scope->arena, struct expired);
    enum status status = sweep_look(expired, writer, scope);
    for (size_t i = 0; status == STATUS_OK && i < expired->count; i++) {
        struct statement *remove = statement_take(writer->connection, SQL_PAST_REMOVE);
        if (remove != NULL) {
            bind_place(remove, &expired->at[i]);
        }
        bind_int(remove, 4, (int64_t)expired->seqs[i]);
        status = statement_finish(writer->connection, remove, scope);
    }
    return status;
}

/* ---- the log of rows made anew -------------------------------------------------------------------------------------------- */

/* What is merged need not be made again. */
static bool log_due(const struct writer *writer) {
    return writer->reindexed_from != 0 && writer->reindexed_from < writer->state.merge_from;
}

static enum status log_trim(struct writer *writer, struct scope *scope) {
    struct statement *remove = statement_take(writer->connection, SQL_REINDEXED_REMOVE);
    bind_int(remove, 1, (int64_t)writer->state.merge_from);
    bind_int(remove, 2, SWEEP_ROWS);
    enum status status = statement_finish(writer->connection, remove, scope);
    return status == STATUS_OK ? log_first(&writer->reindexed_from, writer->connection, scope) : status;
}

enum status log_first(uint64_t *out, struct connection *connection, struct scope *scope) {
    struct statement *first = statement_take(connection, SQL_REINDEXED_FIRST);
    int code = statement_step(first);
    *out = code == SQLITE_ROW ? (uint64_t)column_int(first, 0) : 0;
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(connection, scope);
    statement_give(connection, first);
    return status;
}

/* ---- slices ------------------------------------------------------------------------------------------------------------- */

struct slice {
    struct writer *writer;
    size_t size, merged; /* events */
    int64_t time_us;     /* it ends where that has passed, after SLICE_LEAST events */
    struct mem_node *node;
};

/* Events that the next slice should take, so that the merging generation is in the table before the active one is full. */
static size_t slice_size(int64_t *time_us_out, const struct writer *writer, enum merge_pace pace) {
    const struct store *store = writer->store;
    *time_us_out = INT64_MAX;
    if (store->merging == NULL) {
        return 0;
    }
    if (pace == MERGE_IDLE) {
        return SLICE_IDLE;
    }
    size_t active = mem_generation_count(store->active), most = active_most(writer);
    if (active >= most) {
        return SLICE_BEHIND;
    }
    if (active < most / 4 * 3 && checkpointer_is_ending_log(writer->checkpointer)) {
        return 0; /* made up for afterwards */
    }
    /* The whole of it in seven eighths of the time in which the active one fills. */
    size_t all = mem_generation_count(store->merging);
    size_t due = (size_t)((double)active * (double)all / ((double)most * 7 / 8 + 1));
    size_t share = due > writer->events_merged ? due - writer->events_merged : 0;
    if (writer->nodes.count <= SLICE_MOST) {
        *time_us_out = SLICE_US + (int64_t)((double)SLICE_LATE_US * (double)share / (double)(all + 1));
    }
    size_t bound = writer->nodes.count * 3 / 2;
    bound = bound < SLICE_MOST ? SLICE_MOST : bound > SLICE_LARGE ? SLICE_LARGE : bound;
    return share < SLICE_LEAST ? 0 : share > bound ? bound : share;
}

static bool slice_goes_on(const struct slice *slice, int64_t since_us) {
    return slice->node != NULL && slice->merged < slice->size &&
           (slice->merged < SLICE_LEAST || slice->time_us == INT64_MAX ||
               clock_monotonic_us() - since_us < slice->time_us);
}

static enum status slice_write(void *context, struct scope *scope) {
    struct slice *slice = context;
    struct writer *writer = slice->writer;
    struct block_edit *edit = block_edit_open(writer->connection, writer->purge_horizon, scope);
    int64_t since_us = clock_monotonic_us();
    enum status status = transaction_begin(writer->connection, scope);
    while (status == STATUS_OK && slice_goes_on(slice, since_us)) {
        struct row_place place = mem_node_place(slice->node);
        slices_touch(&writer->store->slices, place.lane);
        status = place_merge(&slice->node, &slice->merged, writer, edit, scope);
        place_keep(&writer->state.merged, &place);
    }
    if (status == STATUS_OK) {
        status = block_edit_finish(edit);
    }
    if (status == STATUS_OK && writer->store->merging != NULL && slice->node == NULL) {
        writer->state.merge_from = writer->state.active_from;
        writer->state.merge_from_rid = writer->state.active_from_rid;
        writer->state.merged.set = false;
    }
    writer->state.horizon = writer->purge_horizon;
    if (status == STATUS_OK && sweep_due(writer)) {
        status = sweep(writer, scope);
    }
    if (status == STATUS_OK && log_due(writer)) {
        status = log_trim(writer, scope);
    }
    if (status == STATUS_OK) {
        status = state_write(&writer->state, writer->connection, scope);
    }
    return status == STATUS_OK ? statement_run(writer->connection, SQL_COMMIT, scope) : status;
}

static void slice_undo(struct writer *writer, struct scope *scope) {
    connection_reset(writer->connection);
    if (sqlite3_get_autocommit(writer->connection->database) == 0) {
        (void)statement_run(writer->connection, SQL_ROLLBACK, scope);
    }
    writer->connection->failed = STATUS_OK;
    state_copy(&writer->state, &writer->group_state);
    writer->purge_place.set = false;
}

/* Not synced: the next group's commit is, and until then a crash loses only this slice, which is made again. */
static enum status slice_run(struct slice *slice) {
    struct writer *writer = slice->writer;
    struct arena *arena = arena_open(16 * 1024 * 1024);
    if (arena == NULL) {
        return STATUS_UNAVAILABLE;
    }
    struct scope scope;
    int64_t since_us = clock_monotonic_us();
    state_copy(&writer->group_state, &writer->state);
    sqlite3_exec(writer->connection->database, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    slices_begin(&writer->store->slices);
    enum status status = scope_run(&scope, arena, slice_write, slice);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "store.merge-undone", "why", status_name(status), NULL);
        slice_undo(writer, &scope);
    }
    slices_end(&writer->store->slices);
    sqlite3_exec(writer->connection->database, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    arena_close(arena);
    wait_ended(&writer->store->waits, STORE_WAIT_MERGE, since_us);
    return status;
}

enum status merge_step(bool *did_out, struct writer *writer, enum merge_pace pace) {
    struct store *store = writer->store;
    *did_out = false;
    size_t active = mem_generation_count(store->active);
    if (store->merging == NULL && (active >= active_most(writer) || (pace == MERGE_IDLE && active > 0))) {
        rotate(writer);
    }
    uint64_t horizon = store_horizon(store);
    if (!writer->purge_place.set && horizon > writer->purge_horizon) {
        writer->purge_horizon = horizon;
    }
    struct slice slice = {.writer = writer, .node = writer->merge_at};
    slice.size = slice_size(&slice.time_us, writer, pace);
    bool sweeps = (sweep_due(writer) || log_due(writer)) && (pace == MERGE_IDLE || slice.size > 0);
    if ((slice.size == 0 || store->merging == NULL) && !sweeps) {
        return STATUS_OK;
    }
    enum status status = slice_run(&slice);
    if (status != STATUS_OK) {
        return status;
    }
    *did_out = true;
    atomic_fetch_add_explicit(&store->epoch, 1, memory_order_release);
    writer->events_merged += slice.merged;
    writer->merge_at = slice.node;
    atomic_store_explicit(&store->rows_merged, writer->state.rows, memory_order_relaxed);
    if (store->merging != NULL && slice.node == NULL) {
        merging_done(writer);
    }
    return STATUS_OK;
}
