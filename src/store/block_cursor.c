#include "store/block_cursor.h"

#include "store/block_cache.h"

#include <string.h>

static const enum sql sql_of_side[] = {
    [BLOCK_AT] = SQL_BLOCK_AT, [BLOCK_BELOW] = SQL_BLOCK_BELOW, [BLOCK_BEHIND] = SQL_BLOCK_BEHIND};

static enum status damaged(struct scope *scope) {
    return fault(scope, STATUS_FAILED, "", "a block of the index is damaged");
}

enum { CURSOR_BYTES = 2048 }; /* few blocks are larger */

static void room_make(struct block_cursor *cursor, size_t size, struct scope *scope) {
    if (cursor->capacity < size) {
        cursor->capacity = size;
        cursor->bytes = arena_bytes(scope->arena, size);
    }
}

void block_cursor_fill(struct block_cursor *cursor, struct text bytes) {
    memcpy(cursor->bytes, bytes.at, bytes.size);
    cursor->size = bytes.size;
    cursor->loaded = true;
    block_reader_open(&cursor->reader, (struct text){(const char *)cursor->bytes, bytes.size});
}

enum status block_load(struct block_cursor *cursor, struct connection *connection, enum block_side side, uint32_t lane,
    struct text key, uint64_t rid, struct scope *scope) {
    cursor->lane = lane;
    cursor->loaded = cursor->reader.has = false;
    room_make(cursor, CURSOR_BYTES, scope);
    if (connection->blocks != NULL && block_cache_find(cursor, connection->blocks, side, lane, key, rid)) {
        return STATUS_OK;
    }
    struct statement *get = statement_take(connection, sql_of_side[side]);
    bind_int(get, 1, lane);
    bind_bytes(get, 2, key);
    bind_int(get, 3, (int64_t)rid);
    int code = statement_step(get);
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(connection, scope);
    if (code == SQLITE_ROW) {
        struct text fence = column_bytes(get, 0), bytes = column_bytes(get, 2);
        if (fence.size > BLOCK_KEY_MAX || bytes.size < BLOCK_HEAD) {
            status = damaged(scope);
        } else {
            cursor->fence.key_size = (uint8_t)fence.size;
            if (fence.size > 0) {
                memcpy(cursor->fence.key, fence.at, fence.size);
            }
            cursor->fence.rid = (uint64_t)column_int(get, 1);
            room_make(cursor, bytes.size, scope);
            block_cursor_fill(cursor, bytes);
        }
    }
    if (status == STATUS_OK && connection->blocks != NULL) {
        block_cache_keep(connection->blocks, cursor, side, lane, key, rid);
    }
    statement_give(connection, get);
    return status;
}

/* From behind a block's last entry to the first of those that follow; a block may be empty. */
static enum status cross(struct block_cursor *cursor, struct connection *connection, struct scope *scope) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && cursor->loaded && !cursor->reader.has) {
        if (cursor->reader.damaged) {
            return damaged(scope);
        }
        status = block_load(
            cursor, connection, BLOCK_BEHIND, cursor->lane, fence_key(&cursor->fence), cursor->fence.rid, scope);
        if (status == STATUS_OK && cursor->loaded) {
            (void)block_reader_next(&cursor->reader);
        }
    }
    return status;
}

enum status block_cursor_next(struct block_cursor *cursor, struct connection *connection, struct scope *scope) {
    return block_reader_next(&cursor->reader) ? STATUS_OK : cross(cursor, connection, scope);
}

/* The place is in the block at hand: not before its fence, and not behind the entry that the cursor stands on. */
static bool cursor_covers(const struct block_cursor *cursor, uint32_t lane, struct text key, uint64_t rid) {
    if (!block_cursor_has(cursor) || cursor->lane != lane) {
        return false;
    }
    int low = text_compare(fence_key(&cursor->fence), key), high = text_compare(key, block_reader_key(&cursor->reader));
    return (low < 0 || (low == 0 && cursor->fence.rid <= rid)) &&
           (high < 0 || (high == 0 && rid <= cursor->reader.rid));
}

enum status block_cursor_seek(struct block_cursor *cursor, struct connection *connection, enum cursor_move move,
    uint32_t lane, struct text key, uint64_t rid, struct scope *scope) {
    if (move == CURSOR_ONWARD && block_cursor_has(cursor) && block_reader_seek(&cursor->reader, key, rid)) {
        return STATUS_OK;
    }
    if (cursor_covers(cursor, lane, key, rid)) {
        block_reader_open(&cursor->reader, (struct text){(const char *)cursor->bytes, cursor->size});
        if (block_reader_seek(&cursor->reader, key, rid)) {
            return STATUS_OK;
        }
    }
    enum status status = block_load(cursor, connection, BLOCK_AT, lane, key, rid, scope);
    if (status != STATUS_OK || !cursor->loaded) {
        return status;
    }
    return block_reader_seek(&cursor->reader, key, rid) ? STATUS_OK : cross(cursor, connection, scope);
}

enum status block_first_rid(
    uint64_t *out, struct connection *connection, uint32_t lane, struct text key, struct scope *scope) {
    struct block_reader reader = {0};
    struct statement *get = statement_take(connection, SQL_BLOCK_AT);
    bind_int(get, 1, lane);
    bind_bytes(get, 2, key);
    bind_int(get, 3, 0);
    int code = statement_step(get);
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(connection, scope);
    *out = 0;
    if (code == SQLITE_ROW) {
        block_reader_open(&reader, column_bytes(get, 2));
        if (block_reader_seek(&reader, key, 0) && text_equal(block_reader_key(&reader), key)) {
            *out = reader.rid;
        }
        status = reader.damaged ? damaged(scope) : STATUS_OK;
    }
    statement_give(connection, get);
    if (status != STATUS_OK || code != SQLITE_ROW || reader.has) {
        return status;
    }
    struct block_cursor cursor = {0}; /* the block ends before the key: rows of it may lie behind */
    status = block_cursor_seek(&cursor, connection, CURSOR_ANYWHERE, lane, key, 0, scope);
    if (status == STATUS_OK && block_cursor_has(&cursor) && text_equal(block_reader_key(&cursor.reader), key)) {
        *out = cursor.reader.rid;
    }
    return status;
}
