/* audit: rows that only grow, each holding the digest of all before it. */
#include "store/view.h"
#include "store/writer.h"

#include <string.h>

enum { HEAD_SIZE = DIGEST_SIZE + 3 * 8 };

static void put_u64(uint8_t *out, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

void audit_digest(uint8_t out[static DIGEST_SIZE], const uint8_t before[static DIGEST_SIZE], uint64_t number,
    uint64_t seq, int64_t time_us, struct text entry, struct arena *arena) {
    uint8_t *bytes = arena_alloc(arena, HEAD_SIZE + entry.size);
    memcpy(bytes, before, DIGEST_SIZE);
    put_u64(bytes + DIGEST_SIZE, number);
    put_u64(bytes + DIGEST_SIZE + 8, seq);
    put_u64(bytes + DIGEST_SIZE + 16, (uint64_t)time_us);
    if (entry.size > 0) {
        memcpy(bytes + HEAD_SIZE, entry.at, entry.size);
    }
    digest_sha256(out, (struct text){(const char *)bytes, HEAD_SIZE + entry.size});
}

enum status store_unit_audit(struct store_unit *unit, struct text entry, struct scope *scope) {
    struct store_state *state = &unit->writer->state;
    uint8_t hash[DIGEST_SIZE];
    unit->wrote = true;
    audit_digest(hash, state->audit_hash, state->audit_number + 1, unit->seq, unit->time_us, entry, scope->arena);
    struct statement *add = statement_take(unit->writer->connection, SQL_AUDIT_ADD);
    bind_int(add, 1, (int64_t)state->audit_number + 1);
    bind_int(add, 2, (int64_t)unit->seq);
    bind_int(add, 3, unit->time_us);
    bind_bytes(add, 4, entry);
    bind_bytes(add, 5, (struct text){(const char *)hash, sizeof hash});
    enum status status = statement_finish(unit->writer->connection, add, scope);
    if (status == STATUS_OK) {
        state->audit_number++;
        memcpy(state->audit_hash, hash, sizeof hash);
    }
    return status;
}

static enum status audit_list(struct store_audit_entry **out, size_t *count_out, struct store_view *view,
    uint64_t after_number, size_t limit, struct scope *scope) {
    struct statement *list = statement_take(view->connection, SQL_AUDIT_LIST);
    bind_int(list, 1, (int64_t)(after_number > INT64_MAX ? INT64_MAX : after_number));
    size_t capacity = 0;
    int code = SQLITE_DONE;
    *out = NULL;
    *count_out = 0;
    while (*count_out < limit && (code = statement_step(list)) == SQLITE_ROW &&
           (uint64_t)column_int(list, 1) <= view->seq) {
        if (*count_out == capacity) {
            size_t more = capacity == 0 ? 16 : capacity * 2;
            *out = arena_resize(scope->arena, *out, capacity * sizeof **out, more * sizeof **out);
            capacity = more;
        }
        struct store_audit_entry *entry = &(*out)[(*count_out)++];
        *entry = (struct store_audit_entry){.number = (uint64_t)column_int(list, 0),
            .seq = (uint64_t)column_int(list, 1),
            .time_us = column_int(list, 2),
            .entry = text_copy(scope->arena, column_bytes(list, 3))};
        struct text hash = column_bytes(list, 4);
        memcpy(entry->hash, hash.at, hash.size < DIGEST_SIZE ? hash.size : DIGEST_SIZE);
    }
    enum status status =
        code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(view->connection, scope);
    statement_give(view->connection, list);
    return status;
}

enum status store_view_audit(struct store_audit_entry **out, size_t *count_out, struct store_view *view,
    uint64_t after_number, size_t limit, struct scope *scope) {
    if (!view->kept) {
        return audit_list(out, count_out, view, after_number, limit, scope);
    }
    struct store_view *newest = NULL; /* the kept snapshot may lack the latest rows */
    enum status status = store_view_open_fresh(&newest, view->store, scope);
    if (status == STATUS_OK) {
        status = audit_list(out, count_out, newest, after_number, limit, scope);
    }
    store_view_close(newest);
    return status;
}
