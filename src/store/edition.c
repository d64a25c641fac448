/* edition: which resources have index rows of which edition of the caller's tables. */
#include "store/view.h"

enum { LOOKED_AT_MAX = 20000, EDITIONS_FIRST = 64 };

enum status store_view_editions(
    struct store_edition **out, size_t *count_out, struct store_view *view, struct scope *scope) {
    struct statement *list = statement_take(view->connection, SQL_EDITIONS);
    size_t capacity = EDITIONS_FIRST, count = 0;
    struct store_edition *found = ARENA_ARRAY(scope->arena, struct store_edition, capacity);
    int code;
    while ((code = statement_step(list)) == SQLITE_ROW) {
        if (count == capacity) {
            found = arena_resize(scope->arena, found, capacity * sizeof *found, capacity * 2 * sizeof *found);
            capacity *= 2;
        }
        found[count++] = (struct store_edition){
            .type = (uint16_t)column_int(list, 0),
            .edition = (uint64_t)column_int(list, 1),
            .count = (uint64_t)column_int(list, 2),
        };
    }
    enum status status = code == SQLITE_DONE ? STATUS_OK : connection_fault(view->connection, scope);
    statement_give(view->connection, list);
    *out = found;
    *count_out = count;
    return status;
}

/* The rids of a stretch of resources that are behind; their bodies are read afterwards. */
static enum status list_outdated(uint64_t *rids, size_t *count_out, uint64_t *next_out, struct store_view *view,
    const uint64_t *required, uint64_t rid, size_t limit, struct scope *scope) {
    struct statement *list = statement_take(view->connection, SQL_RESOURCES_OUTDATED);
    bind_int(list, 1, (int64_t)rid);
    bind_int(list, 2, LOOKED_AT_MAX);
    size_t count = 0, seen = 0;
    int code = SQLITE_DONE;
    *next_out = 0;
    while (count < limit && (code = statement_step(list)) == SQLITE_ROW) {
        uint64_t at = (uint64_t)column_int(list, 0);
        *next_out = at + 1;
        seen++;
        if ((uint64_t)column_int(list, 2) < required[column_int(list, 1)]) {
            rids[count++] = at;
        }
    }
    if (count < limit && seen < LOOKED_AT_MAX) {
        *next_out = 0;
    }
    statement_give(view->connection, list);
    *count_out = count;
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(view->connection, scope);
}

enum status store_view_outdated(struct store_page *out, uint64_t *next_out, struct store_view *view,
    const uint64_t *required, uint64_t rid, size_t limit, struct scope *scope) {
    uint64_t *rids = ARENA_ARRAY(scope->arena, uint64_t, limit + 1);
    size_t count = 0;
    enum status status = list_outdated(rids, &count, next_out, view, required, rid, limit, scope);
    *out = (struct store_page){.at = ARENA_ARRAY(scope->arena, struct store_resource, count + 1)};
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = view_resource(&out->at[out->count], view, rids[i], STORE_WANT_BODY, scope);
        bool is_there = status == STATUS_OK && out->at[out->count].method != STORE_DELETED;
        out->count += is_there;
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status;
}
