#include "store/walk.h"

#include <string.h>

enum { DEADLINE_EVERY = 4096 };

struct search_run search_run_open(struct store_view *view, size_t rows_max, struct scope *scope) {
    return (struct search_run){.view = view,
        .costs = &view->store->costs,
        .scope = scope,
        .rows_max = rows_max == 0 ? ROWS_MAX_DEFAULT : rows_max};
}

void search_run_fail(struct search_run *run, enum status status) {
    if (run->status == STATUS_OK) {
        run->status = status;
    }
}

bool search_run_knows(struct search_run *run, uint64_t rid) {
    if (rid < run->view->state.rid_next) {
        return true;
    }
    search_run_fail(run, fault(run->scope, STATUS_FAILED, "", "a block of the index is damaged"));
    return false;
}

bool search_run_touch(struct search_run *run, uint64_t rows) {
    if (run->status != STATUS_OK) {
        return false;
    }
    uint64_t before = run->rows;
    run->rows += rows;
    if (run->rows > run->rows_max) {
        search_run_fail(
            run, fault(run->scope, STATUS_TOO_COSTLY, "", "the search touches more than %llu index rows, the limit",
                     (unsigned long long)run->rows_max));
        return false;
    }
    if (before / DEADLINE_EVERY != run->rows / DEADLINE_EVERY) {
        search_run_fail(run, scope_check_deadline(run->scope));
    }
    return run->status == STATUS_OK;
}

/* ---- the main table -------------------------------------------------------------------------------------------------- */

struct block_cursor *cursor_take(struct search_run *run) {
    struct block_cursor *cursor = run->free_cursors;
    if (cursor == NULL) {
        cursor = ARENA_NEW(run->scope->arena, struct block_cursor);
        cursor->loaded = false;
        cursor->capacity = 0;
        return cursor;
    }
    run->free_cursors = cursor->next_free;
    return cursor;
}

void cursor_give(struct search_run *run, struct block_cursor *cursor) {
    if (cursor != NULL) {
        cursor->next_free = run->free_cursors;
        run->free_cursors = cursor;
    }
}

static bool row_has(const struct walk *walk) {
    return walk->row != NULL && block_cursor_has(walk->row);
}

static struct text row_key(const struct walk *walk) {
    return walk->shape == WALK_KEY ? walk->low : block_reader_key(&walk->row->reader);
}

static bool key_is_behind(const struct walk *walk, struct text key) {
    return walk->high.at != NULL && text_compare(key, walk->high) >= 0;
}

/* What lies behind the walk's end is not there. */
static void row_settle(struct walk *walk, enum status status) {
    struct block_reader *reader = &walk->row->reader;
    search_run_fail(walk->run, status);
    if (!row_has(walk) || (reader->same_key && walk->row_settled)) {
        return;
    }
    struct text key = block_reader_key(reader);
    bool inside = walk->shape == WALK_KEY ? text_equal(key, walk->low) : !key_is_behind(walk, key);
    reader->has = inside && status == STATUS_OK;
    walk->row_settled = reader->has;
}

static void row_step(struct walk *walk) {
    if (!search_run_touch(walk->run, 1)) {
        walk->row->reader.has = false;
        return;
    }
    row_settle(walk, block_cursor_next(walk->row, walk->run->view->connection, walk->run->scope));
}

static void row_seek(struct walk *walk, enum cursor_move move, struct text key, uint64_t rid) {
    walk->row_settled = false;
    if (!search_run_touch(walk->run, 1)) {
        walk->row->loaded = false;
        return;
    }
    row_settle(
        walk, block_cursor_seek(walk->row, walk->run->view->connection, move, walk->lane, key, rid, walk->run->scope));
}

/* ---- the past table -------------------------------------------------------------------------------------------------- */

static void past_step(struct walk *walk) {
    struct walk_table *table = &walk->past;
    for (;;) {
        table->has = false;
        if (!search_run_touch(walk->run, 1)) {
            return;
        }
        int code = statement_step(table->statement);
        if (code != SQLITE_ROW) {
            if (code != SQLITE_DONE) {
                search_run_fail(walk->run, connection_fault(walk->run->view->connection, walk->run->scope));
            }
            return;
        }
        int column = walk->shape == WALK_RANGE ? 1 : 0;
        if (column == 1) {
            table->key = column_bytes(table->statement, 0);
            if (key_is_behind(walk, table->key)) {
                return;
            }
        }
        table->rid = (uint64_t)column_int(table->statement, column);
        uint64_t seq = (uint64_t)column_int(table->statement, column + 1), at = walk->run->view->seq;
        if (seq > at || (uint64_t)column_int(table->statement, column + 2) <= at) {
            continue; /* a row that is not visible decides nothing */
        }
        table->has = true;
        return;
    }
}

/* The statement keeps the key while it steps, so that a key of the caller's, which may be gone by then, is copied. */
static struct text key_to_bind(struct walk *walk, struct walk_table *table, struct text key) {
    if (key.at == walk->low.at || key.size == 0) {
        return key;
    }
    invariant(key.size <= UINT8_MAX);
    if (table->bound == NULL) {
        table->bound = arena_alloc(walk->run->scope->arena, UINT8_MAX);
    }
    memcpy(table->bound, key.at, key.size);
    return (struct text){table->bound, key.size};
}

static void past_seek(struct walk *walk, struct text key, uint64_t rid) {
    struct walk_table *table = &walk->past;
    sqlite3_reset(table->statement->at);
    bind_int(table->statement, 1, walk->lane);
    bind_bytes(table->statement, 2, key_to_bind(walk, table, key));
    bind_int(table->statement, 3, (int64_t)rid);
    table->key = walk->low;
    past_step(walk);
}

static void past_open(struct walk *walk) {
    walk->past.statement =
        statement_take(walk->run->view->connection, walk->shape == WALK_RANGE ? SQL_PAST_RANGE : SQL_PAST_KEY);
    if (walk->past.statement == NULL) {
        search_run_fail(walk->run, connection_fault(walk->run->view->connection, walk->run->scope));
    }
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

static bool node_inside(const struct walk *walk, const struct mem_node *node) {
    if (node == NULL || node->lane != walk->lane) {
        return false;
    }
    struct text key = mem_node_key(node);
    return walk->shape == WALK_KEY ? text_equal(key, walk->low) : !key_is_behind(walk, key);
}

static void node_set(struct walk *walk, size_t generation, struct mem_node *node) {
    walk->nodes[generation] = node_inside(walk, node) ? node : NULL;
}

/* Events at or before state.merged in the merging generation are in the table already. */
static struct mem_node *skip_merged(const struct walk *walk, size_t generation, struct mem_node *node) {
    const struct store_view *view = walk->run->view;
    const struct mem_generation *of = view->generations[generation];
    if (mem_generation_from(of) < view->state.merge_from) {
        return NULL;
    }
    if (node == NULL || !view->state.merged.set || mem_generation_from(of) != view->state.merge_from ||
        view->state.merge_from == view->state.active_from) {
        return node;
    }
    struct row_place at = mem_node_place(node), next = view->state.merged.place;
    if (row_place_compare(&at, &next) > 0) {
        return node;
    }
    next.rid++;
    return mem_generation_seek(of, &next);
}

static void nodes_seek(struct walk *walk, struct text key, uint64_t rid) {
    struct row_place place = {.lane = walk->lane, .key = key, .rid = rid};
    const struct store_view *view = walk->run->view;
    for (size_t i = 0; i < view->generation_count; i++) {
        node_set(walk, i, skip_merged(walk, i, mem_generation_seek(view->generations[i], &place)));
    }
}

/* Moves the generation's node behind the place where the walk stands; in *first and *last
 * the events that the view sees, from the older generations on. */
static void node_consume(struct walk *walk, size_t generation, enum mem_kind *first, enum mem_kind *last) {
    struct mem_node *node = walk->nodes[generation];
    while (node != NULL && node->rid == walk->rid && text_equal(mem_node_key(node), walk->key) &&
           node->lane == walk->lane) {
        if (node->seq <= walk->run->view->seq && mem_node_alive(node)) {
            *last = (enum mem_kind)node->kind;
            *first = *first == 0 ? *last : *first;
        }
        (void)search_run_touch(walk->run, 1);
        node = mem_node_next(node);
    }
    node_set(walk, generation, node);
}

/* ---- the walk -------------------------------------------------------------------------------------------------------- */

static void start(struct walk *walk) {
    row_seek(walk, CURSOR_ANYWHERE, walk->low, 0);
    nodes_seek(walk, walk->low, 0);
    if (walk->past.statement != NULL) {
        past_seek(walk, walk->low, 0);
    }
}

void walk_reopen(struct walk *walk, uint32_t lane, struct text key) {
    walk->lane = lane;
    walk->low = key;
    if (walk->row != NULL) {
        start(walk);
    }
}

struct walk *walk_open(
    struct search_run *run, enum walk_shape shape, uint32_t lane, struct text low, struct text high) {
    struct walk *walk = ARENA_NEW(run->scope->arena, struct walk);
    *walk = (struct walk){.run = run, .shape = shape, .lane = lane, .low = low, .high = high};
    walk->key_bytes = shape == WALK_RANGE ? arena_alloc(run->scope->arena, UINT8_MAX) : NULL;
    walk->row = cursor_take(run);
    walk->row->loaded = false;
    if (view_is_past(run->view)) {
        past_open(walk);
    }
    start(walk);
    return walk;
}

void walk_close(struct walk *walk) {
    statement_give(walk->run->view->connection, walk->past.statement);
    cursor_give(walk->run, walk->row);
    walk->past.statement = NULL;
    walk->row = NULL;
}

static int place_compare(
    const struct walk *walk, struct text a_key, uint64_t a_rid, struct text b_key, uint64_t b_rid) {
    int order = walk->shape == WALK_RANGE ? text_compare(a_key, b_key) : 0;
    return order != 0 ? order : (a_rid > b_rid) - (a_rid < b_rid);
}

/* The least of what all sources stand on; false when all are at their end. */
static bool least(struct walk *walk, struct text *key, uint64_t *rid) {
    bool any = row_has(walk);
    *key = any ? row_key(walk) : (struct text){0};
    *rid = any ? walk->row->reader.rid : 0;
    if (walk->past.has && (!any || place_compare(walk, walk->past.key, walk->past.rid, *key, *rid) < 0)) {
        any = true;
        *key = walk->past.key;
        *rid = walk->past.rid;
    }
    for (size_t i = 0; i < walk->run->view->generation_count; i++) {
        const struct mem_node *node = walk->nodes[i];
        if (node != NULL && (!any || place_compare(walk, mem_node_key(node), node->rid, *key, *rid) < 0)) {
            any = true;
            *key = mem_node_key(node);
            *rid = node->rid;
        }
    }
    return any;
}

static bool row_is_at(const struct walk *walk) {
    return row_has(walk) && place_compare(walk, row_key(walk), walk->row->reader.rid, walk->key, walk->rid) == 0;
}

static bool past_is_at(const struct walk *walk) {
    return walk->past.has && place_compare(walk, walk->past.key, walk->past.rid, walk->key, walk->rid) == 0;
}

static void stand(struct walk *walk, struct text key, uint64_t rid) {
    walk->rid = rid;
    if (walk->shape == WALK_KEY) {
        walk->key = walk->low;
        return;
    }
    invariant(key.size <= UINT8_MAX);
    if (key.size > 0) {
        memcpy(walk->key_bytes, key.at, key.size);
    }
    walk->key = (struct text){walk->key_bytes, key.size};
}

bool walk_next(struct walk *walk) {
    struct text key;
    uint64_t rid;
    while (walk->run->status == STATUS_OK && least(walk, &key, &rid)) {
        bool visible = false;
        stand(walk, key, rid);
        if (row_is_at(walk)) {
            visible = walk->row->reader.seq <= walk->run->view->seq;
            row_step(walk);
        }
        while (past_is_at(walk)) {
            visible = true;
            past_step(walk);
        }
        enum mem_kind first = 0, last = 0;
        for (size_t i = 0; i < walk->run->view->generation_count; i++) {
            if (walk->nodes[i] != NULL) {
                node_consume(walk, i, &first, &last);
            }
        }
        if (last == 0 ? visible : last == MEM_ADDED) {
            return walk->run->status == STATUS_OK && search_run_knows(walk->run, rid);
        }
    }
    return false;
}

static void row_catch_up(struct walk *walk, struct text key, uint64_t rid) {
    if (row_has(walk) && place_compare(walk, row_key(walk), walk->row->reader.rid, key, rid) < 0) {
        row_seek(walk, CURSOR_ONWARD, key, rid);
    }
}

static void past_catch_up(struct walk *walk, struct text key, uint64_t rid) {
    for (uint64_t i = 0; walk->past.has && place_compare(walk, walk->past.key, walk->past.rid, key, rid) < 0; i++) {
        if (i == walk->run->costs->steps_before_seek) {
            past_seek(walk, key, rid);
            return;
        }
        past_step(walk);
    }
}

bool walk_seek(struct walk *walk, struct text key, uint64_t rid) {
    row_catch_up(walk, key, rid);
    if (walk->past.statement != NULL) {
        past_catch_up(walk, key, rid);
    }
    for (size_t i = 0; i < walk->run->view->generation_count; i++) {
        struct mem_node *node = walk->nodes[i];
        if (node != NULL && place_compare(walk, mem_node_key(node), node->rid, key, rid) < 0) {
            struct row_place place = {.lane = walk->lane, .key = key, .rid = rid};
            node_set(walk, i, mem_generation_seek(walk->run->view->generations[i], &place));
        }
    }
    return walk_next(walk);
}

/* ---- one row ---------------------------------------------------------------------------------------------------------- */

/* The cursor that lookups in a lane share: what is asked for next often lies in the same block. */
static struct spot *spot_of(struct search_run *run, const struct row_place *place) {
    struct spot **spot = &run->spots[(place->lane / 2) % SEARCH_SPOTS];
    if (*spot == NULL) {
        *spot = ARENA_NEW(run->scope->arena, struct spot);
    }
    return *spot;
}

/* How the entry that it stands on lies to the place; behind it where there is none. */
static int spot_compare(const struct spot *spot, const struct row_place *place) {
    const struct block_reader *reader = &spot->cursor.reader;
    if (!block_cursor_has(&spot->cursor)) {
        return 1;
    }
    int order = text_compare(block_reader_key(reader), place->key);
    return order != 0 ? order : (reader->rid > place->rid) - (reader->rid < place->rid);
}

/* Between where the last seek began and where it came to, there is nothing. */
static bool spot_knows(const struct spot *spot, const struct row_place *place) {
    return spot->sought && spot->cursor.lane == place->lane && spot->from <= place->rid &&
           text_equal((struct text){spot->key, spot->key_size}, place->key) && spot_compare(spot, place) >= 0;
}

static enum status spot_seek(struct spot *spot, struct search_run *run, const struct row_place *place) {
    bool onward = block_cursor_has(&spot->cursor) && spot->cursor.lane == place->lane && spot_compare(spot, place) <= 0;
    invariant(place->key.size <= sizeof spot->key);
    enum status status = block_cursor_seek(&spot->cursor, run->view->connection,
        onward ? CURSOR_ONWARD : CURSOR_ANYWHERE, place->lane, place->key, place->rid, run->scope);
    spot->sought = status == STATUS_OK;
    spot->cursor.loaded = spot->cursor.loaded && spot->sought;
    spot->from = place->rid;
    spot->key_size = place->key.size;
    if (place->key.size > 0) {
        memcpy(spot->key, place->key.at, place->key.size);
    }
    return status;
}

static bool table_has(struct search_run *run, const struct row_place *place) {
    struct spot *spot = spot_of(run, place);
    enum status status = spot_knows(spot, place) ? STATUS_OK : spot_seek(spot, run, place);
    search_run_fail(run, status);
    return status == STATUS_OK && block_cursor_has(&spot->cursor) && spot_compare(spot, place) == 0 &&
           spot->cursor.reader.seq <= run->view->seq;
}

bool walk_has(struct search_run *run, uint32_t lane, struct text key, uint64_t rid) {
    struct row_place place = {.lane = lane, .key = key, .rid = rid};
    struct walk walk = {.run = run, .shape = WALK_KEY, .lane = lane, .low = key, .key = key, .rid = rid};
    if (view_is_past(run->view)) {
        struct walk *whole = walk_open(run, WALK_KEY, lane, key, (struct text){0});
        bool found = walk_seek(whole, key, rid) && whole->rid == rid;
        walk_close(whole);
        return found;
    }
    enum mem_kind first = 0, last = 0;
    (void)search_run_touch(run, 1);
    for (size_t i = 0; i < run->view->generation_count; i++) {
        node_set(&walk, i, skip_merged(&walk, i, mem_generation_seek(run->view->generations[i], &place)));
        if (walk.nodes[i] != NULL) {
            node_consume(&walk, i, &first, &last);
        }
    }
    return last != 0 ? last == MEM_ADDED : table_has(run, &place);
}

uint64_t walk_least(struct search_run *run, uint32_t lane, struct text key, uint64_t rid) {
    struct row_place place = {.lane = lane, .key = key, .rid = rid};
    uint64_t least = RID_NONE;
    (void)search_run_touch(run, 1);
    if (view_is_past(run->view)) {
        return rid; /* what has ended since lies elsewhere */
    }
    for (size_t i = 0; i < run->view->generation_count; i++) {
        const struct mem_node *node = mem_generation_seek(run->view->generations[i], &place);
        if (node != NULL && node->lane == lane && text_equal(mem_node_key(node), key)) {
            least = node->rid < least ? node->rid : least;
        }
    }
    const struct spot *spot = spot_of(run, &place);
    enum status status = spot_knows(spot, &place) ? STATUS_OK : spot_seek(spot_of(run, &place), run, &place);
    search_run_fail(run, status);
    if (status == STATUS_OK && block_cursor_has(&spot->cursor) &&
        text_equal(block_reader_key(&spot->cursor.reader), key)) {
        least = spot->cursor.reader.rid < least ? spot->cursor.reader.rid : least;
    }
    return least;
}

/* ---- memory alone ------------------------------------------------------------------------------------------------------ */

struct walk_events {
    struct walk walk;
};

struct walk_events *walk_events_open(struct search_run *run, uint32_t lane, struct text key) {
    struct walk_events *events = ARENA_NEW(run->scope->arena, struct walk_events);
    events->walk = (struct walk){.run = run, .shape = WALK_KEY, .lane = lane, .low = key, .key = key};
    nodes_seek(&events->walk, key, 0);
    return events;
}

bool walk_events_next(enum mem_kind *first_out, enum mem_kind *last_out, struct walk_events *events) {
    struct walk *walk = &events->walk;
    struct text key;
    uint64_t rid;
    while (walk->run->status == STATUS_OK && least(walk, &key, &rid)) {
        walk->rid = rid;
        *first_out = *last_out = 0;
        for (size_t i = 0; i < walk->run->view->generation_count; i++) {
            if (walk->nodes[i] != NULL) {
                node_consume(walk, i, first_out, last_out);
            }
        }
        if (*last_out != 0) {
            return true;
        }
    }
    return false;
}

/* ---- from behind ------------------------------------------------------------------------------------------------------ */

struct best_key {
    bool any;
    size_t size;
    char at[UINT8_MAX];
};

static void key_offer(struct best_key *best, struct text key) {
    if (!best->any || text_compare(key, (struct text){best->at, best->size}) > 0) {
        invariant(key.size <= sizeof best->at);
        best->any = true;
        best->size = key.size;
        if (key.size > 0) {
            memcpy(best->at, key.at, key.size);
        }
    }
}

static void past_last(struct best_key *best, struct search_run *run, uint32_t lane, struct text bound) {
    struct statement *last = statement_take(run->view->connection, SQL_PAST_LAST);
    bind_int(last, 1, lane);
    bind_bytes(last, 2, bound);
    (void)search_run_touch(run, 1);
    int code = statement_step(last);
    if (code == SQLITE_ROW) {
        key_offer(best, column_bytes(last, 0));
    } else if (code != SQLITE_DONE) {
        search_run_fail(run, connection_fault(run->view->connection, run->scope));
    }
    statement_give(run->view->connection, last);
}

/* Blocks from that of the bound down, until one has a key below it. */
static void row_last(struct best_key *best, struct search_run *run, uint32_t lane, struct text bound) {
    struct block_cursor *cursor = cursor_take(run);
    struct connection *connection = run->view->connection;
    (void)search_run_touch(run, 1);
    enum status status = block_load(cursor, connection, BLOCK_BELOW, lane, bound, 0, run->scope);
    bool found = false;
    while (status == STATUS_OK && cursor->loaded && !found) {
        struct block_reader *reader = &cursor->reader;
        struct text key;
        uint8_t bytes[BLOCK_KEY_MAX];
        size_t size = 0;
        while (block_reader_next(reader)) {
            key = block_reader_key(reader);
            if (!reader->same_key && text_compare(key, bound) >= 0) {
                break;
            }
            found = true;
            if (!reader->same_key) {
                memcpy(bytes, key.at, key.size);
                size = key.size;
            }
        }
        if (found) {
            key_offer(best, (struct text){(const char *)bytes, size});
        } else if (reader->damaged) {
            status = fault(run->scope, STATUS_FAILED, "", "a block of the index is damaged");
        } else {
            status = block_load(
                cursor, connection, BLOCK_BELOW, lane, fence_key(&cursor->fence), cursor->fence.rid, run->scope);
        }
    }
    search_run_fail(run, status);
    cursor_give(run, cursor);
}

bool walk_key_before(
    struct text *out, char bytes[static UINT8_MAX], struct search_run *run, uint32_t lane, const struct text *bound) {
    char greatest[UINT8_MAX];
    memset(greatest, UINT8_MAX, sizeof greatest);
    struct row_place place = {.lane = lane, .key = bound == NULL ? (struct text){greatest, sizeof greatest} : *bound};
    struct best_key best = {0};
    row_last(&best, run, lane, place.key);
    if (view_is_past(run->view)) {
        past_last(&best, run, lane, place.key);
    }
    for (size_t i = 0; i < run->view->generation_count; i++) {
        const struct mem_node *node = mem_generation_seek_before(run->view->generations[i], &place);
        if (node != NULL && node->lane == lane) {
            key_offer(&best, mem_node_key(node));
        }
    }
    memcpy(bytes, best.at, best.size);
    *out = (struct text){bytes, best.size};
    return best.any && run->status == STATUS_OK;
}
