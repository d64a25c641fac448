/* rebuild: at opening, the events that the main table lacks are made again from the versions behind the merged mark, each in the
 * generation that it was in. */
#include "store/frame.h"
#include "store/writer.h"

#include <string.h>

struct rebuilding {
    struct store *store;
    struct mem_generation *merging, *active; /* merging: NULL where none was */
    const struct store_state *state;
    uint64_t rid, seq;
    bool has_log; /* rows were made anew since the mark */
};

/* Events of the merging generation at or before the mark are in the table. */
static bool is_merged(const struct rebuilding *rebuilding, const struct row_place *place, uint64_t seq) {
    const struct store_state *state = rebuilding->state;
    return state->merged.set && seq < state->active_from && row_place_compare(place, &state->merged.place) <= 0;
}

static struct mem_generation *generation_of(const struct rebuilding *rebuilding, uint64_t seq) {
    return rebuilding->merging != NULL && seq < rebuilding->state->active_from ? rebuilding->merging
                                                                               : rebuilding->active;
}

static bool event_again(
    struct rebuilding *rebuilding, enum mem_kind kind, const struct row_place *place, uint64_t seq) {
    return is_merged(rebuilding, place, seq) ||
           mem_generation_add(generation_of(rebuilding, seq), place, seq, kind) != NULL;
}

/* A unit that wrote a resource twice left two versions with one number: what the second takes back vanishes. */
static bool cancelled(struct rebuilding *rebuilding, const struct row_place *place) {
    const struct mem_generation *generation = generation_of(rebuilding, rebuilding->seq);
    for (struct mem_node *node = mem_generation_seek(generation, place); node != NULL; node = mem_node_next(node)) {
        struct row_place at = mem_node_place(node);
        if (row_place_compare(&at, place) != 0) {
            return false;
        }
        if (node->seq == rebuilding->seq && mem_node_alive(node)) {
            mem_node_kill(node);
            return true;
        }
    }
    return false;
}

static bool row_again(void *context, enum mem_kind kind, const struct lane_row *row) {
    struct rebuilding *rebuilding = context;
    struct row_place place = {.lane = row->lane, .key = row->key, .rid = rebuilding->rid};
    return cancelled(rebuilding, &place) || event_again(rebuilding, kind, &place, rebuilding->seq);
}

static bool own_row_again(
    struct rebuilding *rebuilding, enum mem_kind kind, uint32_t space, const uint8_t *key, size_t size) {
    struct lane_row row = {.lane = lane_of_keys(space), .key = {(const char *)key, size}};
    return row_again(rebuilding, kind, &row);
}

static bool version_again(
    struct rebuilding *rebuilding, const struct version_head *before, const struct version_head *version) {
    uint8_t type[2], old_time[8], new_time[8];
    type_key(type, version->type);
    time_key(old_time, before->time_us);
    time_key(new_time, version->time_us);
    bool existed = before->vid != 0 && before->method != STORE_DELETED, exists = version->method != STORE_DELETED,
         fine = true;
    bool moved = before->time_us != version->time_us;
    if (existed != exists) {
        fine = own_row_again(rebuilding, exists ? MEM_ADDED : MEM_ENDED, SPACE_TYPE, type, sizeof type);
    }
    if (fine && existed && (!exists || moved)) {
        fine = own_row_again(rebuilding, MEM_ENDED, STORE_SPACE_UPDATED, old_time, sizeof old_time);
    }
    if (fine && exists && (!existed || moved)) {
        fine = own_row_again(rebuilding, MEM_ADDED, STORE_SPACE_UPDATED, new_time, sizeof new_time);
    }
    return fine && lane_rows_differ(before->rows, version->rows, row_again, rebuilding);
}

static enum status identities_again(struct rebuilding *rebuilding, struct connection *connection, struct scope *scope) {
    struct statement *list = statement_take(connection, SQL_RESOURCES_FROM);
    bind_int(list, 1, (int64_t)rebuilding->state->merge_from_rid);
    int code = SQLITE_DONE;
    bool fine = true;
    while (fine && (code = statement_step(list)) == SQLITE_ROW) {
        uint8_t key[IDENTITY_KEY_MAX];
        struct text id = column_bytes(list, 2);
        uint64_t rid = (uint64_t)column_int(list, 0);
        invariant(id.size <= PACKED_ID_MAX);
        type_key(key, (uint16_t)column_int(list, 1));
        memcpy(key + 2, id.at, id.size);
        struct row_place place = {
            .lane = lane_of_keys(SPACE_IDENTITY), .key = {(const char *)key, id.size + 2}, .rid = rid};
        uint64_t seq =
            rid < rebuilding->state->active_from_rid ? rebuilding->state->merge_from : rebuilding->state->active_from;
        fine = event_again(rebuilding, MEM_ADDED, &place, seq > rebuilding->state->seq ? rebuilding->state->seq : seq);
    }
    enum status status = STATUS_OK;
    if (!fine) {
        status = fault(scope, STATUS_UNAVAILABLE, "", "no memory for index rows");
    } else if (code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    statement_give(connection, list);
    return status;
}

static enum status first_vid(
    uint64_t *out, const struct store_state *state, struct connection *connection, struct scope *scope) {
    uint64_t low = 1, high = state->vid_next;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct statement *at = statement_take(connection, SQL_VERSION_SEQ_AT);
        bind_int(at, 1, (int64_t)middle);
        int code = statement_step(at);
        bool below = code == SQLITE_ROW && (uint64_t)column_int(at, 1) < state->merge_from;
        uint64_t found = code == SQLITE_ROW ? (uint64_t)column_int(at, 0) : high;
        if (code != SQLITE_ROW && code != SQLITE_DONE) {
            enum status status = connection_fault(connection, scope);
            statement_give(connection, at);
            return status;
        }
        statement_give(connection, at);
        low = below ? found + 1 : low;
        high = below ? high : middle;
    }
    *out = low;
    return STATUS_OK;
}

/* A version's rows as they were at `seq`: those that the next remaking after it replaced, else the ones it has. */
static enum status rows_at(struct text *rows, const struct rebuilding *rebuilding, struct connection *connection,
    uint64_t vid, uint64_t seq, struct scope *scope) {
    if (!rebuilding->has_log) {
        return STATUS_OK;
    }
    struct statement *after = statement_take(connection, SQL_REINDEXED_AFTER);
    bind_int(after, 1, (int64_t)vid);
    bind_int(after, 2, (int64_t)seq);
    int code = statement_step(after);
    if (code == SQLITE_ROW) {
        *rows = text_copy(scope->arena, column_bytes(after, 0));
    }
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(connection, scope);
    statement_give(connection, after);
    return status;
}

/* One version with what it replaced. */
static enum status versions_again(struct rebuilding *rebuilding, struct connection *connection, struct statement *list,
    struct arena *arena, struct scope *scope) {
    struct version_head version = {
        .vid = (uint64_t)column_int(list, 0),
        .rid = (uint64_t)column_int(list, 1),
        .previous = (uint64_t)column_int(list, 3),
        .type = (uint16_t)column_int(list, 4),
        .seq = (uint64_t)column_int(list, 5),
        .time_us = column_int(list, 6),
        .method = (enum store_method)column_int(list, 7),
    };
    struct version_head before = {0};
    struct scope own = {.arena = arena};
    enum status status = STATUS_OK;
    if (version.previous != 0) {
        status = version_rows_read(&before, rebuilding->store, connection, version.previous, &own);
    }
    if (status == STATUS_OK) {
        status = version_rows_find(&version.rows, rebuilding->store, connection, version.vid, &own);
    }
    if (status == STATUS_OK) {
        status = rows_at(&version.rows, rebuilding, connection, version.vid, version.seq, &own);
    }
    fault_carry(scope, &own.fault);
    rebuilding->rid = version.rid;
    rebuilding->seq = version.seq;
    if (status == STATUS_OK && !version_again(rebuilding, &before, &version)) {
        status = fault(scope, STATUS_UNAVAILABLE, "", "no memory for index rows");
    }
    arena_reset(arena);
    return status;
}

/* Rows that were made anew, each time with what they replaced. */
static enum status log_again(
    struct rebuilding *rebuilding, struct connection *connection, struct arena *arena, struct scope *scope) {
    struct statement *list = statement_take(connection, SQL_REINDEXED_FROM);
    bind_int(list, 1, (int64_t)rebuilding->state->merge_from);
    int code = SQLITE_DONE;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (code = statement_step(list)) == SQLITE_ROW) {
        struct scope own = {.arena = arena};
        struct version_head version = {0};
        uint64_t vid = (uint64_t)column_int(list, 1);
        rebuilding->seq = (uint64_t)column_int(list, 0);
        status = version_rows_read(&version, rebuilding->store, connection, vid, &own);
        if (status == STATUS_OK) {
            status = rows_at(&version.rows, rebuilding, connection, vid, rebuilding->seq, &own);
        }
        rebuilding->rid = version.rid;
        fault_carry(scope, &own.fault);
        if (status == STATUS_OK && !lane_rows_differ(column_bytes(list, 2), version.rows, row_again, rebuilding)) {
            status = fault(scope, STATUS_UNAVAILABLE, "", "no memory for index rows");
        }
        arena_reset(arena);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    statement_give(connection, list);
    return status;
}

enum status store_rebuild(
    struct store *store, const struct store_state *state, struct connection *connection, struct scope *scope) {
    struct rebuilding rebuilding = {.store = store, .merging = store->merging, .active = store->active, .state = state};
    uint64_t first = 0, logged = 0;
    enum status status = first_vid(&first, state, connection, scope);
    if (status == STATUS_OK) {
        status = log_first(&logged, connection, scope);
        rebuilding.has_log = logged != 0;
    }
    if (status == STATUS_OK) {
        status = identities_again(&rebuilding, connection, scope);
    }
    struct arena *arena = arena_open(SIZE_MAX / 4);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to open the folder");
    }
    struct statement *list = statement_take(connection, SQL_VERSIONS_FROM);
    bind_int(list, 1, (int64_t)first);
    int code = SQLITE_ROW;
    while (status == STATUS_OK && (code = statement_step(list)) == SQLITE_ROW) {
        status = versions_again(&rebuilding, connection, list, arena, scope);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    statement_give(connection, list);
    if (status == STATUS_OK && rebuilding.has_log) {
        status = log_again(&rebuilding, connection, arena, scope);
    }
    arena_close(arena);
    return status;
}
