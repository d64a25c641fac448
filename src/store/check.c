/* check: whether a folder is whole. */
#include "store/document.h"
#include "store/frame.h"
#include "store/text_index.h"

#include <string.h>

enum { CHECK_ARENA = 1 << 30, PROGRESS_EVERY = 1000 };

struct checking {
    struct store *store;
    struct store_view *view;
    store_progress *progress;
    void *progress_context;
    uint64_t done, total;
    struct scope *scope; /* takes the issues */
    struct arena *arena; /* for one thing at a time */
    uint64_t rows_expected, rows_seen;
    uint64_t text_versions;
    enum status status;
};

static void wrong(struct checking *checking, const char *what, uint64_t number) {
    checking->status = fault(checking->scope, STATUS_FAILED, "", "%s (%llu)", what, (unsigned long long)number);
}

static void advance(struct checking *checking) {
    checking->done++;
    if (checking->progress != NULL && checking->done % PROGRESS_EVERY == 0) {
        checking->progress(checking->progress_context, checking->done, checking->total);
    }
    arena_reset(checking->arena);
}

static struct search_run run_of(struct checking *checking, struct scope *scope) {
    *scope = (struct scope){.arena = checking->arena};
    return search_run_open(checking->view, SIZE_MAX, scope);
}

/* Steps a list and calls back for each row; a fault of the database ends it. */
typedef void check_row(struct checking *checking, struct statement *list);

static void check_all(struct checking *checking, enum sql sql, const int64_t *from, check_row *check) {
    struct connection *connection = checking->view->connection;
    struct statement *list = statement_take(connection, sql);
    if (from != NULL) {
        bind_int(list, 1, *from);
    }
    int code;
    while ((code = statement_step(list)) == SQLITE_ROW) {
        check(checking, list);
        advance(checking);
    }
    if (code != SQLITE_DONE) {
        checking->status = connection_fault(connection, checking->scope);
    }
    statement_give(connection, list);
}

/* ---- pages ------------------------------------------------------------------------------------------------------------ */

static void check_page(struct checking *checking, struct statement *list) {
    struct text line = column_bytes(list, 0);
    if (!text_is(line, "ok")) {
        checking->status =
            fault(checking->scope, STATUS_FAILED, "", "the database is damaged: %.*s", (int)line.size, line.at);
    }
}

/* ---- bodies ----------------------------------------------------------------------------------------------------------- */

static void check_body(struct checking *checking, struct statement *list) {
    if ((enum store_method)column_int(list, 1) == STORE_DELETED) {
        return;
    }
    uint64_t vid = (uint64_t)column_int(list, 0);
    struct scope scope = {.arena = checking->arena};
    struct text bytes = {0};
    uint32_t gap = 0;
    enum status status = version_body_read(&bytes, &gap, checking->store, checking->view->connection, vid, &scope);
    if (status != STATUS_OK || gap > bytes.size) {
        wrong(checking, "the body of a version cannot be read", vid);
    }
}

/* ---- blocks ------------------------------------------------------------------------------------------------------------ */

/* Where the last block ended: its lane, and its last entry or, when it has none, its fence. */
struct last_block {
    bool any;
    uint32_t lane;
    struct fence at;
    uint64_t blocks, entries;
};

static void last_set(struct last_block *last, uint32_t lane, struct text key, uint64_t rid) {
    last->any = true;
    last->lane = lane;
    last->at.rid = rid;
    last->at.key_size = (uint8_t)key.size;
    if (key.size > 0) {
        memcpy(last->at.key, key.at, key.size);
    }
}

/* A fence is the lane's first, or behind the last entry of the block before. */
static bool fence_fits(const struct last_block *last, uint32_t lane, struct text key, uint64_t rid) {
    if (!last->any || last->lane != lane) {
        return key.size == 0 && rid == 0;
    }
    int order = text_compare(key, fence_key(&last->at));
    return order > 0 || (order == 0 && rid > last->at.rid);
}

static bool entry_fits(const struct last_block *last, const struct block_reader *reader, bool is_first) {
    int order = text_compare(block_reader_key(reader), fence_key(&last->at));
    return order > 0 || (order == 0 && (reader->rid > last->at.rid || (is_first && reader->rid == last->at.rid)));
}

static bool block_fits(struct last_block *last, struct statement *list) {
    uint32_t lane = (uint32_t)column_int(list, 4);
    uint64_t rid = (uint64_t)column_int(list, 1);
    struct text bytes = column_bytes(list, 2), key = column_bytes(list, 0);
    if (bytes.at == NULL || key.size > BLOCK_KEY_MAX || !fence_fits(last, lane, key, rid)) {
        return false;
    }
    struct block_reader reader;
    last_set(last, lane, key, rid);
    block_reader_open(&reader, bytes);
    for (bool is_first = true; block_reader_next(&reader); is_first = false) {
        if (!entry_fits(last, &reader, is_first)) {
            return false;
        }
        last->at.rid = reader.rid;
        if (!reader.same_key) {
            last_set(last, lane, block_reader_key(&reader), reader.rid);
        }
        last->entries++;
    }
    return !reader.damaged;
}

/* Every block is whole, in order and where its fence says, none stands without a fence, and the state row counts their entries. */
static void check_blocks(struct checking *checking) {
    struct connection *connection = checking->view->connection;
    struct last_block last = {0};
    struct statement *list = statement_take(connection, SQL_BLOCKS);
    int code;
    while ((code = statement_step(list)) == SQLITE_ROW) {
        if (!block_fits(&last, list)) {
            wrong(checking, "a block of the index is damaged", (uint64_t)column_int(list, 3));
        }
        last.blocks++;
        advance(checking);
    }
    statement_give(connection, list);
    struct statement *count = statement_take(connection, SQL_BLOCK_COUNT);
    if (code != SQLITE_DONE || statement_step(count) != SQLITE_ROW) {
        checking->status = connection_fault(connection, checking->scope);
    } else if ((uint64_t)column_int(count, 0) != last.blocks) {
        wrong(checking, "there are blocks of the index that no place leads to",
            (uint64_t)column_int(count, 0) - last.blocks);
    }
    statement_give(connection, count);
    if (last.entries != checking->view->state.rows) {
        wrong(checking, "the index does not have as many rows as were counted", checking->view->state.rows);
    }
}

/* ---- rows ------------------------------------------------------------------------------------------------------------- */

static void expect_row(
    struct checking *checking, struct search_run *run, uint32_t lane, struct text key, uint64_t rid) {
    checking->rows_expected++;
    if (!walk_has(run, lane, key, rid)) {
        wrong(checking, "an index row of a resource is missing", rid);
    }
}

static void check_resource(struct checking *checking, struct statement *list) {
    struct scope scope;
    struct search_run run = run_of(checking, &scope);
    uint64_t rid = (uint64_t)column_int(list, 0);
    uint8_t identity[IDENTITY_KEY_MAX], type[2], time[8];
    struct text id = column_bytes(list, 2);
    if (id.size == 0 || id.size > PACKED_ID_MAX) {
        wrong(checking, "the id of a resource is damaged", rid);
        return;
    }
    type_key(identity, (uint16_t)column_int(list, 1));
    memcpy(identity + 2, id.at, id.size);
    expect_row(checking, &run, lane_of_keys(SPACE_IDENTITY), (struct text){(const char *)identity, id.size + 2}, rid);
    struct document document = document_of(rid);
    if (!document_rows(&document, &run)) {
        if (run.status != STATUS_OK) {
            wrong(checking, "a resource cannot be read", rid);
        }
        return;
    }
    type_key(type, document.head.type);
    time_key(time, document.head.time_us);
    expect_row(checking, &run, lane_of_keys(SPACE_TYPE), (struct text){(const char *)type, sizeof type}, rid);
    expect_row(checking, &run, lane_of_keys(STORE_SPACE_UPDATED), (struct text){(const char *)time, sizeof time}, rid);
    struct lane_reader reader = lane_reader_open(document.rows);
    struct lane_row row;
    while (lane_reader_next(&row, &reader)) {
        expect_row(checking, &run, row.lane, row.key, rid);
    }
    if (reader.at != reader.end) {
        wrong(checking, "the packed rows of a resource are damaged", rid);
    }
}

static void check_lanes(struct checking *checking) {
    uint32_t spaces = (uint32_t)(STORE_SPACE_FIRST_OWN + space_table_count(checking->store->spaces));
    for (uint32_t lane = lane_of_keys(STORE_SPACE_UPDATED); lane < lane_of_keys(spaces); lane++) {
        struct scope scope;
        struct search_run run = run_of(checking, &scope); /* what it holds goes with the arena */
        struct walk *walk = walk_open(&run, WALK_RANGE, lane, TEXT(""), (struct text){0});
        while (walk_next(walk)) {
            checking->rows_seen++;
        }
        walk_close(walk);
        if (run.status != STATUS_OK) {
            wrong(checking, "the index cannot be read", lane);
        }
        arena_reset(checking->arena);
    }
    if (checking->rows_seen > checking->rows_expected) {
        wrong(checking, "there are index rows that belong to no current version",
            checking->rows_seen - checking->rows_expected);
    }
}

/* ---- audit ------------------------------------------------------------------------------------------------------------ */

static enum status check_audit(struct checking *checking) {
    uint8_t hash[DIGEST_SIZE] = {0};
    uint64_t number = 0;
    for (;;) {
        struct scope scope = {.arena = checking->arena};
        struct store_audit_entry *entries = NULL;
        size_t count = 0;
        enum status status = store_view_audit(&entries, &count, checking->view, number, PROGRESS_EVERY, &scope);
        if (status != STATUS_OK) {
            return status;
        }
        for (size_t i = 0; i < count; i++) {
            const struct store_audit_entry *entry = &entries[i];
            audit_digest(hash, hash, entry->number, entry->seq, entry->time_us, entry->entry, checking->arena);
            if (entry->number != ++number || memcmp(hash, entry->hash, DIGEST_SIZE) != 0) {
                wrong(checking, "the chain of audit rows breaks", number);
                return STATUS_OK;
            }
            checking->done++;
        }
        arena_reset(checking->arena);
        if (count == 0) {
            break;
        }
    }
    if (number != checking->view->state.audit_number ||
        memcmp(hash, checking->view->state.audit_hash, DIGEST_SIZE) != 0) {
        wrong(checking, "the chain of audit rows is cut off", number);
    }
    return STATUS_OK;
}

/* ---- words ------------------------------------------------------------------------------------------------------------ */

static void check_text(struct checking *checking) {
    struct scope scope = {.arena = checking->arena};
    enum status status = text_check(&checking->text_versions, checking->store, &scope);
    if (status != STATUS_OK) {
        checking->status = status;
        fault_carry(checking->scope, &scope.fault);
    }
    arena_reset(checking->arena);
}

static enum status check_folder(void *context, struct scope *scope) {
    (void)scope;
    struct checking *checking = context;
    const struct store_state *state = &checking->view->state;
    checking->total = state->rid_next + state->vid_next + state->audit_number;
    check_all(checking, SQL_INTEGRITY, NULL, check_page);
    check_all(checking, SQL_VERSION_BODIES, NULL, check_body);
    check_blocks(checking);
    check_all(checking, SQL_RESOURCES_FROM, &(int64_t){0}, check_resource);
    check_lanes(checking);
    enum status status = check_audit(checking);
    check_text(checking);
    if (checking->progress != NULL) {
        checking->progress(checking->progress_context, checking->total, checking->total);
    }
    return status == STATUS_OK ? checking->status : status;
}

enum status store_check(
    uint64_t *text_versions_out, struct store *store, store_progress *progress, void *context, struct scope *scope) {
    struct checking checking = {.store = store, .progress = progress, .progress_context = context, .scope = scope};
    enum status status = store_view_open_fresh(&checking.view, store, scope);
    if (status != STATUS_OK) {
        return status;
    }
    checking.arena = arena_open(CHECK_ARENA);
    if (checking.arena == NULL) {
        store_view_close(checking.view);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to check the folder");
    }
    struct scope own;
    status = scope_run(&own, checking.arena, check_folder, &checking);
    fault_carry(scope, &own.fault);
    arena_close(checking.arena);
    store_view_close(checking.view);
    if (text_versions_out != NULL) {
        *text_versions_out = checking.text_versions;
    }
    return status;
}
