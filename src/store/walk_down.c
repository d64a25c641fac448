/* A walk down goes from block to block backwards and reads each forwards, as a list of its keys. A key that has one row, in the
 * main table only, is given as it comes; any other is walked by itself, upwards, since equals are in the order of rid. */
#include "store/walk.h"

#include <string.h>

struct down_table { /* past */
    struct statement *statement;
    bool has;
    bool inside_key; /* the rest of a key's rows is to be jumped over */
    size_t size;
    char key[UINT8_MAX], below[UINT8_MAX + 1];
};

struct down_key { /* of a block */
    size_t at;    /* in `bytes` */
    uint8_t size;
    bool many; /* rows, also where the others are in blocks before */
    uint64_t rid, seq;
};

struct down_rows { /* the main table */
    struct block_cursor *cursor;
    bool has;
    struct down_key *keys;
    size_t at, count, capacity;
    char *bytes;
    size_t bytes_size, bytes_capacity;
};

struct walk_down {
    struct search_run *run;
    uint32_t lane;
    struct down_rows row;
    struct down_table past;
    struct mem_node *nodes[VIEW_GENERATIONS]; /* the last of each generation that is not behind the walk */
    struct walk *same;                        /* of the key that is walked by itself */
    bool in_same;
    struct text from;
    uint64_t first_rid; /* under the key `from` only */
    struct text key;
    char key_bytes[UINT8_MAX];
};

/* ---- the main table -------------------------------------------------------------------------------------------------- */

static struct text rows_key(const struct down_rows *rows) {
    const struct down_key *key = &rows->keys[rows->at];
    return (struct text){rows->bytes + key->at, key->size};
}

static void rows_add(struct down_rows *rows, const struct block_reader *reader, struct arena *arena) {
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 128 : rows->capacity * 2;
        rows->keys =
            arena_resize(arena, rows->keys, rows->capacity * sizeof *rows->keys, capacity * sizeof *rows->keys);
        rows->capacity = capacity;
    }
    if (rows->bytes_capacity - rows->bytes_size < reader->key_size) {
        size_t capacity = rows->bytes_capacity == 0 ? 4096 : rows->bytes_capacity * 2;
        rows->bytes = arena_resize(arena, rows->bytes, rows->bytes_capacity, capacity);
        rows->bytes_capacity = capacity;
    }
    memcpy(rows->bytes + rows->bytes_size, reader->key, reader->key_size);
    rows->keys[rows->count++] =
        (struct down_key){.at = rows->bytes_size, .size = reader->key_size, .rid = reader->rid, .seq = reader->seq};
    rows->bytes_size += reader->key_size;
}

/* The block's keys below `bound`. */
static void rows_list(struct walk_down *down, struct text bound) {
    struct down_rows *rows = &down->row;
    struct block_reader *reader = &rows->cursor->reader;
    const struct fence *fence = &rows->cursor->fence;
    rows->count = rows->bytes_size = 0;
    while (block_reader_next(reader)) {
        if (reader->same_key) {
            rows->keys[rows->count - 1].many = true;
            continue;
        }
        if (text_compare(block_reader_key(reader), bound) >= 0) {
            break;
        }
        rows_add(rows, reader, down->run->scope->arena);
    }
    if (rows->count > 0 && fence->rid > 0 && rows->keys[0].size == fence->key_size &&
        memcmp(rows->bytes, fence->key, fence->key_size) == 0) {
        rows->keys[0].many = true;
    }
    (void)search_run_touch(down->run, rows->count);
    if (reader->damaged) {
        search_run_fail(down->run, fault(down->run->scope, STATUS_FAILED, "", "a block of the index is damaged"));
    }
}

/* To the greatest key below `bound`, in the block of the last fence before (key, rid) or one before that. */
static void rows_find(struct walk_down *down, struct text key, uint64_t rid, struct text bound) {
    struct down_rows *rows = &down->row;
    struct search_run *run = down->run;
    rows->has = false;
    while (!rows->has && search_run_touch(run, 1)) {
        search_run_fail(
            run, block_load(rows->cursor, run->view->connection, BLOCK_BELOW, down->lane, key, rid, run->scope));
        if (run->status != STATUS_OK || !rows->cursor->loaded) {
            return;
        }
        rows_list(down, bound);
        rows->has = rows->count > 0 && run->status == STATUS_OK;
        rows->at = rows->count - 1;
        key = fence_key(&rows->cursor->fence);
        rid = rows->cursor->fence.rid;
    }
}

static void rows_step(struct walk_down *down) {
    struct down_rows *rows = &down->row;
    if (rows->at > 0) {
        rows->at--;
        return;
    }
    char bound[UINT8_MAX];
    struct text key = rows_key(rows);
    memcpy(bound, key.at, key.size);
    rows_find(down, fence_key(&rows->cursor->fence), rows->cursor->fence.rid, (struct text){bound, key.size});
}

/* ---- the past table -------------------------------------------------------------------------------------------------- */

static struct text table_key(const struct down_table *table) {
    return (struct text){table->key, table->size};
}

static void table_step(struct walk_down *down, struct down_table *table) {
    table->has = false;
    if (table->statement == NULL || !search_run_touch(down->run, 1)) {
        return;
    }
    int code = statement_step(table->statement);
    if (code != SQLITE_ROW) {
        if (code != SQLITE_DONE) {
            search_run_fail(down->run, connection_fault(down->run->view->connection, down->run->scope));
        }
        return;
    }
    struct text key = column_bytes(table->statement, 0);
    invariant(key.size <= sizeof table->key);
    if (key.size > 0) {
        memcpy(table->key, key.at, key.size);
    }
    table->size = key.size;
    table->has = true;
}

static void table_seek(struct walk_down *down, struct down_table *table, struct text below) {
    if (table->statement == NULL) {
        return;
    }
    memcpy(table->below, below.at, below.size);
    sqlite3_reset(table->statement->at);
    bind_int(table->statement, 1, down->lane);
    bind_bytes(table->statement, 2, (struct text){table->below, below.size});
    table->inside_key = false;
    table_step(down, table);
}

static void past_open(struct walk_down *down, struct text below) {
    struct connection *connection = down->run->view->connection;
    down->past.statement = statement_take(connection, SQL_PAST_DOWN);
    if (down->past.statement == NULL) {
        search_run_fail(down->run, connection_fault(connection, down->run->scope));
        return;
    }
    table_seek(down, &down->past, below);
}

/* ---- all places ------------------------------------------------------------------------------------------------------ */

static void node_before(struct walk_down *down, size_t generation, struct text below) {
    struct row_place place = {.lane = down->lane, .key = below};
    struct mem_node *node = mem_generation_seek_before(down->run->view->generations[generation], &place);
    down->nodes[generation] = node != NULL && node->lane == down->lane ? node : NULL;
}

struct walk_down *walk_down_open(struct search_run *run, uint32_t lane, const struct text *from, uint64_t from_rid) {
    struct walk_down *down = ARENA_NEW(run->scope->arena, struct walk_down);
    *down = (struct walk_down){.run = run, .lane = lane, .first_rid = from_rid};
    char *below = arena_alloc(run->scope->arena, UINT8_MAX + 1);
    size_t size = UINT8_MAX + 1;
    if (from == NULL) {
        memset(below, UINT8_MAX, size);
    } else { /* the key after `from`, which is walked too */
        size = from->size + 1;
        memcpy(below, from->at, from->size);
        down->from = *from;
        below[from->size] = '\0';
    }
    down->row.cursor = cursor_take(run);
    rows_find(down, (struct text){below, size}, 0, (struct text){below, size});
    if (view_is_past(run->view)) {
        past_open(down, (struct text){below, size});
    }
    for (size_t i = 0; i < run->view->generation_count; i++) {
        node_before(down, i, (struct text){below, size});
    }
    return down;
}

void walk_down_close(struct walk_down *down) {
    cursor_give(down->run, down->row.cursor);
    down->row.cursor = NULL;
    statement_give(down->run->view->connection, down->past.statement);
    if (down->same != NULL) {
        walk_close(down->same);
    }
}

/* The greatest key that a source stands on. */
static bool greatest(struct text *out, const struct walk_down *down) {
    bool any = down->row.has;
    *out = any ? rows_key(&down->row) : (struct text){0};
    if (down->past.has && (!any || text_compare(table_key(&down->past), *out) > 0)) {
        any = true;
        *out = table_key(&down->past);
    }
    for (size_t i = 0; i < down->run->view->generation_count; i++) {
        if (down->nodes[i] != NULL && (!any || text_compare(mem_node_key(down->nodes[i]), *out) > 0)) {
            any = true;
            *out = mem_node_key(down->nodes[i]);
        }
    }
    return any;
}

/* Steps behind one row; what is left of the key is jumped over when the next key is asked for. True when it had a row. */
static bool table_leaves(struct walk_down *down, struct down_table *table) {
    if (!table->has || !text_equal(table_key(table), down->key)) {
        return false;
    }
    table_step(down, table);
    table->inside_key = table->has && text_equal(table_key(table), down->key);
    return true;
}

/* Moves every source below down->key. True when only the main table had it, and one row of it: then which. */
static bool leave_key(struct walk_down *down, uint64_t *rid, uint64_t *seq) {
    bool alone = down->row.has && text_equal(rows_key(&down->row), down->key);
    if (alone) {
        const struct down_key *key = &down->row.keys[down->row.at];
        *rid = key->rid;
        *seq = key->seq;
        alone = !key->many;
        rows_step(down);
    }
    alone = !table_leaves(down, &down->past) && alone;
    for (size_t i = 0; i < down->run->view->generation_count; i++) {
        if (down->nodes[i] != NULL && text_equal(mem_node_key(down->nodes[i]), down->key)) {
            alone = false;
            node_before(down, i, down->key);
        }
    }
    return alone;
}

/* Opens the walk of down->key alone. */
static bool same_open(struct walk_down *down) {
    if (down->same == NULL) {
        down->same = walk_open(down->run, WALK_KEY, down->lane, down->key, (struct text){0});
    } else {
        walk_reopen(down->same, down->lane, down->key);
    }
    uint64_t first_rid = down->first_rid;
    down->first_rid = 0;
    return walk_seek(down->same, down->key, first_rid);
}

static void jump_over_rest(struct walk_down *down) {
    if (down->past.inside_key) {
        table_seek(down, &down->past, down->key);
    }
}

bool walk_down_next(struct text *key_out, uint64_t *rid_out, struct walk_down *down) {
    struct text key;
    bool stands = down->in_same && walk_next(down->same);
    while (!stands) {
        down->in_same = false;
        jump_over_rest(down);
        if (down->run->status != STATUS_OK || !greatest(&key, down)) {
            return false;
        }
        if (key.size > 0) {
            memcpy(down->key_bytes, key.at, key.size);
        }
        down->key = (struct text){down->key_bytes, key.size};
        down->first_rid = text_equal(down->key, down->from) ? down->first_rid : 0;
        uint64_t seq;
        if (leave_key(down, rid_out, &seq)) {
            bool visible = seq <= down->run->view->seq && *rid_out >= down->first_rid;
            down->first_rid = 0;
            if (visible) {
                *key_out = down->key;
                return down->run->status == STATUS_OK;
            }
            continue;
        }
        stands = down->in_same = same_open(down);
    }
    *key_out = down->key;
    *rid_out = down->same->rid;
    return true;
}
