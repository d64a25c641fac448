/* edition: which resources have index rows of which edition of the caller's tables. */
#include "store/view.h"

#include <stdio.h>

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
    const struct store_outdated *which, struct scope *scope) {
    struct statement *list = statement_take(view->connection, SQL_RESOURCES_OUTDATED);
    bind_int(list, 1, (int64_t)which->rid);
    bind_int(list, 2, LOOKED_AT_MAX);
    size_t count = 0, seen = 0;
    int code = SQLITE_DONE;
    *next_out = 0;
    while (count < which->limit && (code = statement_step(list)) == SQLITE_ROW) {
        uint64_t rid = (uint64_t)column_int(list, 0), type = (uint64_t)column_int(list, 1);
        *next_out = rid + 1;
        seen++;
        if (type < which->type_count && (uint64_t)column_int(list, 2) < which->required[type]) {
            rids[count++] = rid;
        }
    }
    if (count < which->limit && seen < LOOKED_AT_MAX) {
        *next_out = 0;
    }
    statement_give(view->connection, list);
    *count_out = count;
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : connection_fault(view->connection, scope);
}

static void log_unreadable(uint64_t rid) {
    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)rid);
    log_event(LOG_ERROR, "store.resource-unreadable", "rid", number, NULL);
}

enum status store_view_outdated(struct store_page *out, uint64_t *next_out, struct store_view *view,
    const struct store_outdated *which, struct scope *scope) {
    uint64_t *rids = ARENA_ARRAY(scope->arena, uint64_t, which->limit + 1);
    size_t count = 0;
    enum status status = list_outdated(rids, &count, next_out, view, which, scope);
    *out = (struct store_page){.at = ARENA_ARRAY(scope->arena, struct store_resource, count + 1)};
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct scope trial = {.arena = scope->arena};
        struct store_resource *resource = &out->at[out->count];
        status = view_resource(resource, view, rids[i], STORE_WANT_BODY, &trial);
        if (status == STATUS_FAILED && view->connection->failed == STATUS_OK) {
            log_unreadable(rids[i]); /* its body, not the database */
            status = STATUS_OK;
        } else if (status == STATUS_OK) {
            out->count += resource->method != STORE_DELETED;
        }
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
        if (status != STATUS_OK) {
            fault_carry(scope, &trial.fault);
        }
    }
    return status;
}
