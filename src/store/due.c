/* due: what falls due when. */
#include "store/writer.h"

enum status store_unit_due_set(
    struct store_unit *unit, struct text owner, struct text key, int64_t at_us, struct scope *scope) {
    unit->wrote = unit->changes = true;
    unit->writer->due_touched = true;
    struct statement *set = statement_take(unit->writer->connection, SQL_DUE_SET);
    bind_bytes(set, 1, owner);
    bind_bytes(set, 2, key);
    bind_int(set, 3, at_us);
    return statement_finish(unit->writer->connection, set, scope);
}

enum status store_unit_due_clear(struct store_unit *unit, struct text owner, struct text key, struct scope *scope) {
    unit->wrote = unit->changes = true;
    unit->writer->due_touched = true;
    struct statement *clear = statement_take(unit->writer->connection, SQL_DUE_CLEAR);
    bind_bytes(clear, 1, owner);
    bind_bytes(clear, 2, key);
    return statement_finish(unit->writer->connection, clear, scope);
}

enum status due_refresh(struct store *store, struct connection *connection) {
    struct statement *earliest = statement_take(connection, SQL_DUE_EARLIEST);
    int code = statement_step(earliest);
    if (code == SQLITE_ROW) {
        bool none = sqlite3_column_type(earliest->at, 0) == SQLITE_NULL;
        atomic_store_explicit(
            &store->due_earliest_us, none ? INT64_MAX : column_int(earliest, 0), memory_order_release);
    }
    statement_give(connection, earliest);
    return code == SQLITE_ROW ? STATUS_OK : STATUS_FAILED;
}

int64_t store_due_earliest_us(const struct store *store) {
    return atomic_load_explicit(&store->due_earliest_us, memory_order_acquire);
}

enum status store_due_list(
    struct store_due **out, size_t *count_out, struct store *store, int64_t now_us, size_t limit, struct scope *scope) {
    struct store_view *view = NULL;
    *out = NULL;
    *count_out = 0;
    enum status status = store_view_open(&view, store, 0, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct statement *list = statement_take(view->connection, SQL_DUE_LIST);
    bind_int(list, 1, now_us);
    bind_int(list, 2, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    size_t capacity = 0;
    int code;
    while ((code = statement_step(list)) == SQLITE_ROW) {
        if (*count_out == capacity) {
            size_t more = capacity == 0 ? 16 : capacity * 2;
            *out = arena_resize(scope->arena, *out, capacity * sizeof **out, more * sizeof **out);
            capacity = more;
        }
        (*out)[(*count_out)++] = (struct store_due){
            .owner = text_copy(scope->arena, column_bytes(list, 0)),
            .key = text_copy(scope->arena, column_bytes(list, 1)),
            .at_us = column_int(list, 2),
        };
    }
    if (code != SQLITE_DONE) {
        status = connection_fault(view->connection, scope);
    }
    statement_give(view->connection, list);
    store_view_close(view);
    return status;
}
