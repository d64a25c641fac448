/* group: units of work in one durable commit. */
#include "store/checkpoint.h"
#include "store/writer.h"

/* ---- one unit ------------------------------------------------------------------------------------------------------ */

struct unit_run {
    struct store_unit *unit;
    const struct store_work *work;
};

static enum status apply(void *context, struct scope *scope) {
    struct unit_run *run = context;
    scope->deadline_us = run->work->scope->deadline_us;
    return run->work->apply(run->work->context, run->unit, scope);
}

static void kill_from(struct writer *writer, size_t first) {
    for (size_t i = first; i < writer->nodes.count; i++) {
        mem_node_kill(writer->nodes.at[i]);
    }
    writer->nodes.count = first;
}

static void state_restore(struct writer *writer, const struct store_state *before) {
    if (writer->state.rid_next != before->rid_next) {
        identity_cache_clear(writer->identities);
    }
    state_copy(&writer->state, before);
}

static int64_t unit_time(const struct writer *writer) {
    int64_t now = clock_now_us(writer->store->clock);
    return now > writer->state.time_us ? now : writer->state.time_us + 1;
}

/* Runs one unit in a savepoint. Only a fault of the database itself is returned; the unit's own end is in `member`. */
static enum status unit_run(struct writer *writer, struct member *member, struct scope *group_scope) {
    struct store_unit unit = {
        .writer = writer, .seq = writer->seq_next, .time_us = unit_time(writer), .first_node = writer->nodes.count};
    state_copy(&unit.before, &writer->state);
    enum status status = statement_run(writer->connection, SQL_SAVEPOINT, group_scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct scope scope;
    struct unit_run run = {.unit = &unit, .work = &member->work};
    member->status = scope_run(&scope, member->work.scope->arena, apply, &run);
    fault_carry(member->work.scope, &scope.fault);
    if (writer->connection->failed != STATUS_OK) {
        connection_reset(writer->connection);
        return writer->connection->failed;
    }
    size_t events = writer->nodes.count - unit.first_node;
    writer->events_of_large += events >= EVENTS_LARGE ? events : 0;
    if (unit.wrote) {
        writer->seq_next++;
    }
    if (member->status != STATUS_OK) {
        connection_reset(writer->connection);
        kill_from(writer, unit.first_node);
        state_restore(writer, &unit.before);
        status = statement_run(writer->connection, SQL_ROLLBACK_TO, group_scope);
    } else if (unit.wrote) {
        writer->state.seq = unit.seq;
        writer->state.time_us = unit.time_us;
        writer->changes = writer->changes || unit.changes;
    }
    member->seq = writer->state.seq;
    return status == STATUS_OK ? statement_run(writer->connection, SQL_RELEASE, group_scope) : status;
}

/* ---- the group ----------------------------------------------------------------------------------------------------- */

static bool moment_due(const struct writer *writer, struct moment *out) {
    struct store *store = writer->store;
    pthread_mutex_lock(&store->publish);
    size_t last = (store->moments_first + store->moments_count + MOMENTS_MAX - 1) % MOMENTS_MAX;
    bool due = store->moments_count == 0 || writer->state.time_us - store->moments[last].time_us >= MOMENT_GAP_US;
    pthread_mutex_unlock(&store->publish);
    *out = (struct moment){.seq = writer->state.seq, .time_us = writer->state.time_us};
    return due && writer->state.seq != writer->group_state.seq;
}

static enum status moment_write(struct writer *writer, struct moment moment, struct scope *scope) {
    struct statement *add = statement_take(writer->connection, SQL_MOMENT_ADD);
    bind_int(add, 1, (int64_t)moment.seq);
    bind_int(add, 2, moment.time_us);
    enum status status = statement_finish(writer->connection, add, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct statement *remove = statement_take(writer->connection, SQL_MOMENT_REMOVE);
    bind_int(remove, 1, (int64_t)store_horizon(writer->store));
    return statement_finish(writer->connection, remove, scope);
}

/* A file that has been taken away can be written and synced, and is lost all the same. */
static bool folder_has_moved(const struct writer *writer) {
    int moved = 0;
    int code = sqlite3_file_control(writer->connection->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return code == SQLITE_OK && moved != 0;
}

static enum status group_commit(struct writer *writer, struct scope *scope) {
    struct moment moment;
    if (folder_has_moved(writer)) {
        return fault(scope, STATUS_FAILED, "", "the data folder was moved or removed");
    }
    bool has_moment = moment_due(writer, &moment);
    enum status status = space_table_flush(writer->store->spaces, writer->connection, scope);
    if (status == STATUS_OK && has_moment) {
        status = moment_write(writer, moment, scope);
    }
    if (status == STATUS_OK && writer->state.seq != writer->group_state.seq) {
        status = state_write(&writer->state, writer->connection, scope); /* without it nothing is synced */
    }
    if (status == STATUS_OK) {
        int64_t since_us = clock_monotonic_us();
        bool is_copied = checkpointer_is_copying(writer->checkpointer);
        status = statement_run(writer->connection, SQL_COMMIT, scope);
        wait_ended(&writer->store->waits, is_copied ? STORE_WAIT_COMMIT_BESIDE_LOG : STORE_WAIT_COMMIT, since_us);
    }
    if (status == STATUS_OK && has_moment) {
        moments_add(writer->store, moment);
    }
    return status;
}

static void group_publish(struct writer *writer) {
    struct store *store = writer->store;
    if (writer->changes) {
        atomic_fetch_add_explicit(&store->epoch, 1, memory_order_release);
    }
    atomic_store_explicit(&store->committed_seq, writer->state.seq, memory_order_release);
    atomic_store_explicit(&store->resources, writer->state.resources, memory_order_relaxed);
    atomic_store_explicit(&store->versions, writer->state.vid_next - 1, memory_order_relaxed);
    atomic_store_explicit(&store->audit_entries, writer->state.audit_number, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->units, writer->member_count, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->groups, 1, memory_order_relaxed);
    if (writer->due_touched) {
        writer->due_touched = due_refresh(store, writer->connection) != STATUS_OK;
    }
}

static const char *undone_text(const struct writer *writer, enum status why) {
    if (why == STATUS_STORAGE_FULL) {
        return "there is no room left on the disk; nothing was written";
    }
    return folder_has_moved(writer)
               ? "the data folder was moved or removed while the server was using it; nothing was written"
               : "the database failed; nothing was written";
}

static void group_undo(struct writer *writer, enum status why, struct scope *scope) {
    const char *text = undone_text(writer, why);
    connection_reset(writer->connection);
    if (sqlite3_get_autocommit(writer->connection->database) == 0) {
        (void)statement_run(writer->connection, SQL_ROLLBACK, scope);
    }
    writer->connection->failed = STATUS_OK;
    kill_from(writer, 0);
    state_restore(writer, &writer->group_state);
    identity_cache_clear(writer->identities);
    for (size_t i = 0; i < writer->member_count; i++) {
        struct member *member = &writer->members[i];
        member->status = fault(member->work.scope, why, "", "%s", text);
        member->seq = writer->state.seq;
    }
}

static enum status group_fill(struct writer *writer, struct scope *scope) {
    int64_t since_us = clock_monotonic_us(), end_us = since_us + GROUP_TIME_US;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && writer->member_count < GROUP_UNITS_MAX) {
        struct member *member = &writer->members[writer->member_count];
        *member = (struct member){0};
        if (!queue_pop(&member->work, writer)) {
            break;
        }
        writer->member_count++;
        status = unit_run(writer, member, scope);
        if (clock_monotonic_us() >= end_us) {
            break;
        }
    }
    wait_ended(&writer->store->waits, STORE_WAIT_UNITS, since_us);
    return status;
}

static enum status group_write(void *context, struct scope *scope) {
    struct writer *writer = context;
    enum status status = transaction_begin(writer->connection, scope);
    if (status != STATUS_OK) {
        writer->member_count = 1; /* somebody must hear of it */
        if (!queue_pop(&writer->members[0].work, writer)) {
            writer->member_count = 0;
        }
        return status;
    }
    status = group_fill(writer, scope);
    return status == STATUS_OK ? group_commit(writer, scope) : status;
}

void group_run(struct writer *writer) {
    struct arena *arena = arena_open(1024 * 1024);
    if (arena == NULL) {
        return; /* the units stay queued until there is memory */
    }
    struct scope scope;
    writer->member_count = 0;
    writer->nodes.count = 0;
    writer->changes = false;
    writer->connection->failed = STATUS_OK;
    state_copy(&writer->group_state, &writer->state);
    enum status status = scope_run(&scope, arena, group_write, writer);
    space_table_flushed(writer->store->spaces, status == STATUS_OK);
    if (status == STATUS_OK) {
        group_publish(writer);
    } else {
        log_event(LOG_ERROR, "store.group-undone", "why", status_name(status), NULL);
        group_undo(writer, status, &scope);
    }
    arena_close(arena);
    int64_t since_us = clock_monotonic_us();
    for (size_t i = 0; i < writer->member_count; i++) {
        const struct member *member = &writer->members[i];
        member->work.done(member->work.context, member->status, member->seq);
    }
    wait_ended(&writer->store->waits, STORE_WAIT_ANSWERS, since_us);
}
