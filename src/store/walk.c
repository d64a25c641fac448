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

/* ---- the two tables ------------------------------------------------------------------------------------------------- */

static bool key_is_behind(const struct walk *walk, struct text key) {
    return walk->high.at != NULL && text_compare(key, walk->high) >= 0;
}

static void table_step(struct walk *walk, struct walk_table *table, bool is_past) {
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
        if (is_past && (seq > at || (uint64_t)column_int(table->statement, column + 2) <= at)) {
            continue; /* a row that is not visible decides nothing */
        }
        table->has = true;
        walk->row_visible = is_past ? walk->row_visible : seq <= at;
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

static void table_seek(struct walk *walk, struct walk_table *table, struct text key, uint64_t rid, bool is_past) {
    struct statement *statement = table->statement;
    sqlite3_reset(statement->at);
    bind_int(statement, 1, walk->lane);
    bind_bytes(statement, 2, key_to_bind(walk, table, key));
    bind_int(statement, 3, (int64_t)rid);
    table->key = walk->low;
    table_step(walk, table, is_past);
}

static bool table_open(struct walk *walk, struct walk_table *table, enum sql sql) {
    table->statement = statement_take(walk->run->view->connection, sql);
    if (table->statement == NULL) {
        search_run_fail(walk->run, connection_fault(walk->run->view->connection, walk->run->scope));
    }
    return table->statement != NULL;
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
    table_seek(walk, &walk->row, walk->low, 0, false);
    nodes_seek(walk, walk->low, 0);
    if (walk->past.statement != NULL) {
        table_seek(walk, &walk->past, walk->low, 0, true);
    }
}

void walk_reopen(struct walk *walk, uint32_t lane, struct text key) {
    walk->lane = lane;
    walk->low = key;
    if (walk->row.statement != NULL) {
        start(walk);
    }
}

struct walk *walk_open(
    struct search_run *run, enum walk_shape shape, uint32_t lane, struct text low, struct text high) {
    struct walk *walk = ARENA_NEW(run->scope->arena, struct walk);
    *walk = (struct walk){.run = run, .shape = shape, .lane = lane, .low = low, .high = high};
    walk->key_bytes = shape == WALK_RANGE ? arena_alloc(run->scope->arena, UINT8_MAX) : NULL;
    bool fine = table_open(walk, &walk->row, shape == WALK_RANGE ? SQL_ROW_RANGE : SQL_ROW_KEY);
    if (fine && view_is_past(run->view)) {
        fine = table_open(walk, &walk->past, shape == WALK_RANGE ? SQL_PAST_RANGE : SQL_PAST_KEY);
    }
    if (fine) {
        start(walk);
    }
    return walk;
}

void walk_close(struct walk *walk) {
    statement_give(walk->run->view->connection, walk->row.statement);
    statement_give(walk->run->view->connection, walk->past.statement);
    walk->row.statement = walk->past.statement = NULL;
}

static int place_compare(
    const struct walk *walk, struct text a_key, uint64_t a_rid, struct text b_key, uint64_t b_rid) {
    int order = walk->shape == WALK_RANGE ? text_compare(a_key, b_key) : 0;
    return order != 0 ? order : (a_rid > b_rid) - (a_rid < b_rid);
}

/* The least of what all sources stand on; false when all are at their end. */
static bool least(struct walk *walk, struct text *key, uint64_t *rid) {
    bool any = walk->row.has;
    *key = walk->row.key;
    *rid = walk->row.rid;
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

static bool table_is_at(const struct walk *walk, const struct walk_table *table) {
    return table->has && place_compare(walk, table->key, table->rid, walk->key, walk->rid) == 0;
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
        if (table_is_at(walk, &walk->row)) {
            visible = walk->row_visible;
            table_step(walk, &walk->row, false);
        }
        while (table_is_at(walk, &walk->past)) {
            visible = true;
            table_step(walk, &walk->past, true);
        }
        enum mem_kind first = 0, last = 0;
        for (size_t i = 0; i < walk->run->view->generation_count; i++) {
            if (walk->nodes[i] != NULL) {
                node_consume(walk, i, &first, &last);
            }
        }
        if (last == 0 ? visible : last == MEM_ADDED) {
            return walk->run->status == STATUS_OK;
        }
    }
    return false;
}

static void table_catch_up(struct walk *walk, struct walk_table *table, struct text key, uint64_t rid, bool is_past) {
    for (uint64_t i = 0; table->has && place_compare(walk, table->key, table->rid, key, rid) < 0; i++) {
        if (i == walk->run->costs->steps_before_seek) {
            table_seek(walk, table, key, rid, is_past);
            return;
        }
        table_step(walk, table, is_past);
    }
}

bool walk_seek(struct walk *walk, struct text key, uint64_t rid) {
    table_catch_up(walk, &walk->row, key, rid, false);
    if (walk->past.statement != NULL) {
        table_catch_up(walk, &walk->past, key, rid, true);
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

static bool table_has(struct search_run *run, const struct row_place *place) {
    struct statement *at = statement_take(run->view->connection, SQL_ROW_AT);
    bind_int(at, 1, place->lane);
    bind_bytes(at, 2, place->key);
    bind_int(at, 3, (int64_t)place->rid);
    int code = statement_step(at);
    bool has = code == SQLITE_ROW && (uint64_t)column_int(at, 0) <= run->view->seq;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        search_run_fail(run, connection_fault(run->view->connection, run->scope));
    }
    statement_give(run->view->connection, at);
    return has;
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

static void table_last(struct best_key *best, struct search_run *run, enum sql sql, uint32_t lane, struct text bound) {
    struct statement *last = statement_take(run->view->connection, sql);
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

bool walk_key_before(
    struct text *out, char bytes[static UINT8_MAX], struct search_run *run, uint32_t lane, const struct text *bound) {
    char greatest[UINT8_MAX];
    memset(greatest, UINT8_MAX, sizeof greatest);
    struct row_place place = {.lane = lane, .key = bound == NULL ? (struct text){greatest, sizeof greatest} : *bound};
    struct best_key best = {0};
    table_last(&best, run, SQL_ROW_LAST, lane, place.key);
    if (view_is_past(run->view)) {
        table_last(&best, run, SQL_PAST_LAST, lane, place.key);
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
