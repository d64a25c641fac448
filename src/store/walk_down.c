/* A walk down reads each table backwards with one statement. A key that has one row, in the main table only, is given as it
 * comes; any other is walked by itself, upwards, since equals are in the order of rid. */
#include "store/walk.h"

#include <string.h>

struct down_table {
    struct statement *statement;
    bool has;
    bool inside_key; /* the rest of a key's rows is to be jumped over */
    size_t size;
    char key[UINT8_MAX], below[UINT8_MAX + 1];
    uint64_t rid, seq;
};

struct walk_down {
    struct search_run *run;
    uint32_t lane;
    struct down_table row, past;
    struct mem_node *nodes[VIEW_GENERATIONS]; /* the last of each generation that is not behind the walk */
    struct walk *same;                        /* of the key that is walked by itself */
    bool in_same;
    struct text from;
    uint64_t first_rid; /* under the key `from` only */
    struct text key;
    char key_bytes[UINT8_MAX];
};

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
    table->rid = (uint64_t)column_int(table->statement, 1);
    table->seq = (uint64_t)column_int(table->statement, 2);
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

static void table_open(struct walk_down *down, struct down_table *table, enum sql sql, struct text below) {
    struct connection *connection = down->run->view->connection;
    table->statement = statement_take(connection, sql);
    if (table->statement == NULL) {
        search_run_fail(down->run, connection_fault(connection, down->run->scope));
        return;
    }
    table_seek(down, table, below);
}

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
    table_open(down, &down->row, SQL_ROW_DOWN, (struct text){below, size});
    if (view_is_past(run->view)) {
        table_open(down, &down->past, SQL_PAST_DOWN, (struct text){below, size});
    }
    for (size_t i = 0; i < run->view->generation_count; i++) {
        node_before(down, i, (struct text){below, size});
    }
    return down;
}

void walk_down_close(struct walk_down *down) {
    statement_give(down->run->view->connection, down->row.statement);
    statement_give(down->run->view->connection, down->past.statement);
    if (down->same != NULL) {
        walk_close(down->same);
    }
}

/* The greatest key that a source stands on. */
static bool greatest(struct text *out, const struct walk_down *down) {
    bool any = down->row.has;
    *out = any ? table_key(&down->row) : (struct text){0};
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
    *rid = down->row.rid;
    *seq = down->row.seq;
    bool alone = table_leaves(down, &down->row) && !down->row.inside_key;
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
    if (down->row.inside_key) {
        table_seek(down, &down->row, down->key);
    }
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
