#include "store/block_edit.h"

#include <string.h>

/* Numbers: those of a lane lie in a range of its own; behind all ranges they are given one after the other. */
#define LANE_NUMBERS (INT64_C(1) << 40)
#define LANES_WITH_RANGE (INT64_C(1) << 22)
#define NUMBERS_BEHIND (INT64_C(1) << 62)

enum {
    RUN_MOST = 32 * 1024,   /* bytes of entries gathered before they are written */
    RUN_ROOM = 128 * 1024,  /* and room for a block behind them, whatever its numbers become */
    BLOCK_BYTES_MAX = 4096, /* no block is that long */
    SPOT_PARTS = 16,        /* of the room for numbers, where entries come one behind the other */
    SPOT_PARTS_LAST = 1024, /* and where that is the end of the lane */
};

/* Invariant: while `open`, all entries of the block before the place where the edit stands are in `run`, changed; the others are
 * still in `old`, which stands on the first of them. */
struct block_edit {
    struct connection *connection;
    struct scope *scope;
    uint64_t horizon;
    bool open, exists, changed, shrunk;
    bool added, scattered; /* scattered: what was added has other entries in between */
    uint32_t added_end;    /* entries of the run up to the last that was added */
    uint32_t lane;
    int64_t number;
    struct fence fence;
    struct block_reader old;
    size_t old_capacity;
    uint8_t *old_bytes;
    struct block_writer run;
    bool has_next; /* the block behind: */
    int64_t next_number;
    struct fence next;
    uint8_t *run_bytes, *piece_bytes;
};

struct block_edit *block_edit_open(struct connection *connection, uint64_t horizon, struct scope *scope) {
    struct block_edit *edit = ARENA_NEW(scope->arena, struct block_edit);
    *edit = (struct block_edit){.connection = connection, .scope = scope, .horizon = horizon};
    edit->run_bytes = arena_alloc(scope->arena, RUN_ROOM);
    edit->piece_bytes = arena_alloc(scope->arena, RUN_ROOM);
    return edit;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static void fence_set(struct fence *fence, struct text key, uint64_t rid) {
    invariant(key.size <= BLOCK_KEY_MAX);
    fence->rid = rid;
    fence->key_size = (uint8_t)key.size;
    if (key.size > 0) {
        memcpy(fence->key, key.at, key.size);
    }
}

/* The block's columns: fence key and rid, entries, number. */
static enum status columns_take(struct block_edit *edit, struct statement *get) {
    struct text key = column_bytes(get, 0), bytes = column_bytes(get, 2);
    if (key.size > BLOCK_KEY_MAX || bytes.size < BLOCK_HEAD || bytes.size > BLOCK_BYTES_MAX) {
        return fault(edit->scope, STATUS_FAILED, "", "a block of the index is damaged");
    }
    if (edit->old_capacity < bytes.size) {
        edit->old_capacity = bytes.size + BLOCK_MOST;
        edit->old_bytes = arena_alloc(edit->scope->arena, edit->old_capacity);
    }
    memcpy(edit->old_bytes, bytes.at, bytes.size);
    block_reader_open(&edit->old, (struct text){(const char *)edit->old_bytes, bytes.size});
    (void)block_reader_next(&edit->old);
    return STATUS_OK;
}

static void bind_fence(struct statement *statement, uint32_t lane, const struct fence *fence) {
    bind_int(statement, 1, lane);
    bind_bytes(statement, 2, fence_key(fence));
    bind_int(statement, 3, (int64_t)fence->rid);
}

static enum status read_block(bool *found_out, struct block_edit *edit, enum sql sql, const struct fence *at) {
    struct statement *get = statement_take(edit->connection, sql);
    bind_fence(get, edit->lane, at);
    int code = statement_step(get);
    enum status status = STATUS_OK;
    *found_out = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        edit->number = column_int(get, 3);
        fence_set(&edit->fence, column_bytes(get, 0), (uint64_t)column_int(get, 1));
        status = columns_take(edit, get);
    } else if (code != SQLITE_DONE) {
        status = connection_fault(edit->connection, edit->scope);
    }
    statement_give(edit->connection, get);
    return status;
}

/* Where the next block begins. */
static enum status read_next(struct block_edit *edit) {
    struct statement *get = statement_take(edit->connection, SQL_FENCE_BEHIND);
    bind_fence(get, edit->lane, &edit->fence);
    int code = statement_step(get);
    edit->has_next = code == SQLITE_ROW;
    if (edit->has_next) {
        struct text key = column_bytes(get, 0);
        fence_set(&edit->next, key.size <= BLOCK_KEY_MAX ? key : TEXT(""), (uint64_t)column_int(get, 1));
        edit->next_number = column_int(get, 2);
    }
    enum status status =
        code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(edit->connection, edit->scope);
    statement_give(edit->connection, get);
    return status;
}

static enum status open_at(struct block_edit *edit, const struct row_place *place) {
    struct fence at;
    fence_set(&at, place->key, place->rid);
    edit->lane = place->lane;
    edit->changed = edit->shrunk = edit->added = edit->scattered = false;
    edit->added_end = 0;
    enum status status = read_block(&edit->exists, edit, SQL_BLOCK_AT, &at);
    if (status == STATUS_OK && !edit->exists) {
        fence_set(&edit->fence, TEXT(""), 0);
        edit->number = place->lane < LANES_WITH_RANGE ? place->lane * LANE_NUMBERS + 1 : 0;
        edit->old.has = false;
        edit->old.damaged = false;
    }
    if (status == STATUS_OK) {
        status = read_next(edit);
    }
    block_writer_open(&edit->run, edit->run_bytes);
    edit->open = status == STATUS_OK;
    return status;
}

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

static enum status write_entries(struct block_edit *edit, enum sql sql, int64_t number, struct text bytes) {
    struct statement *write = statement_take(edit->connection, sql);
    bind_int(write, 1, number);
    bind_bytes(write, 2, bytes);
    return statement_finish(edit->connection, write, edit->scope);
}

static enum status write_fence(struct block_edit *edit, const struct fence *fence, int64_t number) {
    struct statement *write = statement_take(edit->connection, SQL_FENCE_ADD);
    bind_fence(write, edit->lane, fence);
    bind_int(write, 4, number);
    return statement_finish(edit->connection, write, edit->scope);
}

static enum status remove_block(struct block_edit *edit, const struct fence *fence, int64_t number) {
    struct statement *remove = statement_take(edit->connection, SQL_FENCE_REMOVE);
    bind_fence(remove, edit->lane, fence);
    enum status status = statement_finish(edit->connection, remove, edit->scope);
    if (status != STATUS_OK) {
        return status;
    }
    remove = statement_take(edit->connection, SQL_BLOCK_REMOVE);
    bind_int(remove, 1, number);
    return statement_finish(edit->connection, remove, edit->scope);
}

/* A number for a block behind `number` and before the next, at the first of `parts` parts of the room between. */
static enum status number_give(int64_t *out, struct block_edit *edit, int64_t number, int64_t parts) {
    bool has_range = edit->lane < LANES_WITH_RANGE && number > 0 && number < NUMBERS_BEHIND;
    int64_t end = edit->has_next ? edit->next_number : has_range ? ((int64_t)edit->lane + 1) * LANE_NUMBERS : 0;
    if (has_range && end <= NUMBERS_BEHIND && end > number && (end - number) / parts > 0) {
        *out = number + (end - number) / parts;
        return STATUS_OK;
    }
    struct statement *last = statement_take(edit->connection, SQL_BLOCK_LAST);
    int code = statement_step(last);
    int64_t greatest = code == SQLITE_ROW ? column_int(last, 0) : 0;
    *out = greatest < NUMBERS_BEHIND ? NUMBERS_BEHIND + 1 : greatest + 1;
    enum status status =
        code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(edit->connection, edit->scope);
    statement_give(edit->connection, last);
    return status;
}

/* The least that divides the entry before from the one behind. */
static void fence_between(struct fence *out, struct text before, struct text behind, uint64_t rid) {
    size_t shared = 0;
    while (shared < before.size && shared < behind.size && before.at[shared] == behind.at[shared]) {
        shared++;
    }
    bool same = shared == before.size && shared == behind.size;
    fence_set(out, (struct text){behind.at, same ? behind.size : shared + 1}, same ? rid : 0);
}

/* The number that the first of the pieces is written under: the block's own, made now where it is new. */
static enum status number_first(struct block_edit *edit) {
    if (edit->exists || edit->number != 0) {
        return STATUS_OK;
    }
    return number_give(&edit->number, edit, 0, 1);
}

/* One piece of the run: the first stands where the block stood. */
static enum status write_piece(
    struct block_edit *edit, const struct fence *fence, int64_t number, struct block_writer *piece, bool is_first) {
    bool again = is_first && edit->exists;
    enum status status = write_entries(edit, again ? SQL_BLOCK_SET : SQL_BLOCK_ADD, number, block_writer_bytes(piece));
    return status == STATUS_OK && !again ? write_fence(edit, fence, number) : status;
}

/* How a run that is too long for one block is cut: behind what was added where that is all in one place, since more of it may
 * come; else into equal parts. */
struct cut {
    size_t size;
    uint32_t at; /* behind so many entries too; 0: nowhere */
    int64_t parts;
};

static struct cut cut_of(const struct block_edit *edit) {
    size_t pieces = (edit->run.size + BLOCK_MOST - 1) / BLOCK_MOST;
    if (pieces <= 1) {
        return (struct cut){.size = SIZE_MAX, .parts = 2};
    }
    if (edit->scattered) {
        return (struct cut){.size = edit->run.size / pieces, .parts = (int64_t)pieces + 1};
    }
    bool at_end = !edit->has_next && edit->added_end == edit->run.count;
    return (struct cut){
        .size = BLOCK_MOST, .at = edit->added_end, .parts = at_end ? SPOT_PARTS_LAST : SPOT_PARTS + (int64_t)pieces};
}

static enum status write_pieces(struct block_edit *edit, struct cut cut) {
    struct block_reader reader;
    struct block_writer piece;
    struct fence fence = edit->fence;
    int64_t number = edit->number;
    uint32_t seen = 0;
    if (cut.size == SIZE_MAX) {
        return write_piece(edit, &fence, number, &edit->run, true);
    }
    bool is_first = true;
    enum status status = STATUS_OK;
    block_reader_open(&reader, block_writer_bytes(&edit->run));
    block_writer_open(&piece, edit->piece_bytes);
    for (; status == STATUS_OK && block_reader_next(&reader); seen++) {
        struct text key = block_reader_key(&reader);
        if (piece.size >= cut.size || (seen == cut.at && seen > 0)) {
            struct fence next;
            fence_between(&next, (struct text){(const char *)piece.key, piece.key_size}, key, reader.rid);
            status = write_piece(edit, &fence, number, &piece, is_first);
            if (status == STATUS_OK) {
                status = number_give(&number, edit, number, cut.parts > 2 ? cut.parts-- : 2);
            }
            fence = next;
            is_first = false;
            block_writer_open(&piece, edit->piece_bytes);
        }
        block_writer_add(&piece, key, reader.rid, reader.seq);
    }
    return status == STATUS_OK ? write_piece(edit, &fence, number, &piece, is_first) : status;
}

/* Takes the next block's entries in: the edit goes on in it as if they had been in its own. */
static enum status join_next(struct block_edit *edit) {
    bool found = false;
    struct fence own = edit->fence, next = edit->next;
    int64_t number = edit->number, next_number = edit->next_number;
    enum status status = read_block(&found, edit, SQL_BLOCK_AT, &next);
    if (status == STATUS_OK && found) {
        status = remove_block(edit, &next, next_number);
    }
    if (status == STATUS_OK && found) {
        status = read_next(edit); /* behind the one that is gone */
    }
    edit->fence = own;
    edit->number = number;
    return status;
}

static void keep_rest(struct block_edit *edit) {
    block_writer_take(&edit->run, &edit->old, NULL, 0, edit->horizon);
}

static enum status damaged(struct block_edit *edit) {
    return fault(edit->scope, STATUS_FAILED, "", "a block of the index is damaged");
}

enum status block_edit_finish(struct block_edit *edit) {
    enum status status = STATUS_OK;
    if (!edit->open || !edit->changed) {
        edit->open = false;
        return STATUS_OK;
    }
    edit->open = false;
    keep_rest(edit);
    if (edit->old.damaged) {
        return damaged(edit);
    }
    if (edit->shrunk && edit->has_next && edit->run.size < BLOCK_LEAST) {
        status = join_next(edit);
        edit->scattered = true;
        keep_rest(edit);
        if (status == STATUS_OK && edit->old.damaged) {
            return damaged(edit);
        }
    }
    bool is_first_of_lane = edit->fence.key_size == 0 && edit->fence.rid == 0;
    if (status == STATUS_OK && edit->run.count == 0 && edit->exists && !is_first_of_lane) {
        return remove_block(edit, &edit->fence, edit->number);
    }
    if (status == STATUS_OK) {
        status = number_first(edit);
    }
    return status == STATUS_OK ? write_pieces(edit, cut_of(edit)) : status;
}

/* ---- changes ---------------------------------------------------------------------------------------------------------- */

static bool is_behind(const struct block_edit *edit, const struct row_place *place) {
    if (place->lane != edit->lane || edit->run.size >= RUN_MOST) {
        return true;
    }
    int order = edit->has_next ? text_compare(place->key, fence_key(&edit->next)) : -1;
    return order > 0 || (order == 0 && place->rid >= edit->next.rid);
}

/* Stands in the place's block, with all entries before the place kept. */
static enum status go_to(bool *there_out, struct block_edit *edit, const struct row_place *place) {
    enum status status = STATUS_OK;
    if (edit->open && is_behind(edit, place)) {
        status = block_edit_finish(edit);
    }
    if (status == STATUS_OK && !edit->open) {
        status = open_at(edit, place);
    }
    *there_out = false;
    if (status != STATUS_OK) {
        return status;
    }
    block_writer_take(&edit->run, &edit->old, &place->key, place->rid, edit->horizon);
    *there_out = edit->old.has && edit->old.rid == place->rid && text_equal(block_reader_key(&edit->old), place->key);
    return edit->old.damaged ? damaged(edit) : STATUS_OK;
}

enum status block_edit_remove(
    bool *found_out, uint64_t *seq_out, struct block_edit *edit, const struct row_place *place) {
    enum status status = go_to(found_out, edit, place);
    if (status == STATUS_OK && *found_out) {
        *seq_out = edit->old.seq;
        edit->changed = edit->shrunk = true;
        (void)block_reader_next(&edit->old);
    }
    return status;
}

enum status block_edit_add(bool *new_out, struct block_edit *edit, const struct row_place *place, uint64_t seq) {
    bool there = false;
    enum status status = go_to(&there, edit, place);
    if (status != STATUS_OK) {
        return status;
    }
    *new_out = !there;
    if (there) {
        (void)block_reader_next(&edit->old);
    }
    edit->scattered = edit->scattered || (edit->added && edit->added_end != edit->run.count);
    edit->changed = edit->added = true;
    block_writer_add(&edit->run, place->key, place->rid, seq <= edit->horizon ? 0 : seq);
    edit->added_end = edit->run.count;
    return STATUS_OK;
}
