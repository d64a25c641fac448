/* history: versions, newest first; targets of one resource. */
#include "store/document.h"
#include "store/view.h"

#include <string.h>

/* The least vid whose column `at` is at least `least`. Both sequence numbers and times grow with vids, so it is searched
 * by halves; vids of versions that are gone are stepped over. */
static enum status vid_search(
    uint64_t *out, struct store_view *view, enum sql sql, int64_t least, struct scope *scope) {
    uint64_t low = 1, high = view->state.vid_next;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct statement *at = statement_take(view->connection, sql);
        bind_int(at, 1, (int64_t)middle);
        int code = statement_step(at);
        bool below = code == SQLITE_ROW && column_int(at, 1) < least;
        uint64_t found = code == SQLITE_ROW ? (uint64_t)column_int(at, 0) : high;
        if (code != SQLITE_ROW && code != SQLITE_DONE) {
            enum status status = connection_fault(view->connection, scope);
            statement_give(view->connection, at);
            return status;
        }
        statement_give(view->connection, at);
        if (below) {
            low = found + 1;
        } else {
            high = middle;
        }
    }
    *out = low;
    return STATUS_OK;
}

struct history {
    struct store_view *view;
    const struct store_history_query *query;
    struct scope *scope;
    uint64_t below, from;    /* vids from <= vid < below */
    struct store_page *page; /* NULL: only count */
    uint64_t count;
    uint64_t last;
    bool more;
};

static bool position_read(uint64_t *out, struct text after) {
    if (after.size != 8) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < 8; i++) {
        *out = *out << 8 | (uint8_t)after.at[i];
    }
    return true;
}

static struct text position_write(struct arena *arena, uint64_t vid) {
    char *bytes = arena_alloc(arena, 8);
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(vid >> (56 - 8 * i));
    }
    return (struct text){bytes, 8};
}

static enum status history_bounds(struct history *history) {
    const struct store_history_query *query = history->query;
    struct store_view *view = history->view;
    history->below = view->state.vid_next;
    history->from = 1;
    enum status status = STATUS_OK;
    if (view_is_past(view)) {
        status = vid_search(&history->below, view, SQL_VERSION_SEQ_AT, (int64_t)view->seq + 1, history->scope);
    }
    if (status == STATUS_OK && query->since_us != 0) {
        status = vid_search(&history->from, view, SQL_VERSION_TIME_AT, query->since_us, history->scope);
    }
    uint64_t after = 0;
    if (status == STATUS_OK && query->after.at != NULL) {
        if (!position_read(&after, query->after)) {
            return fault(history->scope, STATUS_INVALID, "", "this is no place where a page of a history goes on");
        }
        history->below = after < history->below ? after : history->below;
    }
    return status;
}

/* Whether the version was current at or after `at_us`: it is young enough, or no other followed up to then. */
static enum status was_current(
    bool *out, struct history *history, uint64_t vid, int64_t time_us, const struct resource_head *head) {
    int64_t at_us = history->query->at_us;
    *out = at_us == 0 || time_us >= at_us || head->vid == vid;
    uint64_t next = head->vid;
    while (!*out && next != 0 && next != vid) {
        struct version_head version;
        enum status status = version_head_read(&version, history->view->connection, next, history->scope);
        if (status != STATUS_OK) {
            return status;
        }
        if (version.previous == vid) {
            *out = version.time_us > at_us || version.seq > history->view->seq;
        }
        if (version.time_us <= at_us) {
            break;
        }
        if (version.previous >= next) {
            return fault(history->scope, STATUS_FAILED, "", "the versions of a resource are damaged");
        }
        next = version.previous;
    }
    return STATUS_OK;
}

/* STATUS_NOT_FOUND, and a line in the log, for one that cannot be read any more: one bad row fails no page. */
static enum status version_take(
    struct store_resource *out, const struct history *history, const struct resource_head *head, uint64_t vid) {
    enum store_want want = history->page == NULL ? STORE_WANT_IDENTITY : history->query->want;
    const struct store_view *view = history->view;
    struct scope own = {.arena = history->scope->arena, .deadline_us = history->scope->deadline_us};
    enum status status = version_resource_read(out, view->store, view->connection, head, vid, want, &own);
    if (status == STATUS_FAILED && view->connection->failed == STATUS_OK) {
        log_event(LOG_ERROR, "store.version-damaged", "vid", text_format(own.arena, "%llu", (unsigned long long)vid).at,
            NULL);
        return STATUS_NOT_FOUND;
    }
    fault_carry(history->scope, &own.fault);
    return status;
}

/* Takes one version. `history->more` ends the walk. */
static enum status history_take(struct history *history, uint64_t vid, uint64_t rid) {
    struct resource_head head;
    struct store_resource found;
    enum status status = resource_head_read(&head, history->view->connection, rid, history->scope);
    if (status != STATUS_OK) {
        return status;
    }
    bool fits = false;
    status = version_take(&found, history, &head, vid);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = was_current(&fits, history, vid, found.updated_us, &head);
    }
    if (status != STATUS_OK || !fits) {
        return status;
    }
    if (history->page == NULL) {
        history->count++;
        return STATUS_OK;
    }
    if (history->page->count == history->query->limit) {
        history->more = true;
        return STATUS_OK;
    }
    history->page->at[history->page->count++] = found;
    history->last = vid;
    return STATUS_OK;
}

static enum status history_of_one(struct history *history) {
    const struct store_history_query *query = history->query;
    uint64_t rid = 0, vid = 0;
    struct resource_head head;
    enum status status = view_rid(&rid, history->view, query->type, query->id, history->scope);
    if (status != STATUS_OK || rid == 0) {
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    status = resource_head_read(&head, history->view->connection, rid, history->scope);
    if (status == STATUS_OK) {
        status = view_current(&vid, history->view, &head, history->scope);
    }
    if (status == STATUS_OK && vid == 0) {
        return STATUS_NOT_FOUND;
    }
    while (status == STATUS_OK && vid >= history->from && vid != 0 && !history->more) {
        struct version_head version;
        status = version_head_read(&version, history->view->connection, vid, history->scope);
        if (status == STATUS_OK && vid < history->below) {
            status = history_take(history, vid, rid);
        }
        if (status == STATUS_OK) {
            status = scope_check_deadline(history->scope);
        }
        vid = status == STATUS_OK ? version.previous : 0;
    }
    return status;
}

static enum status history_of_many(struct history *history) {
    struct connection *connection = history->view->connection;
    uint16_t type = history->query->type;
    struct statement *list = statement_take(connection, type == 0 ? SQL_HISTORY_ALL : SQL_HISTORY_TYPE);
    bind_int(list, 1, (int64_t)history->below);
    bind_int(list, 2, (int64_t)history->from);
    if (type != 0) {
        bind_int(list, 3, type);
    }
    int code = SQLITE_DONE;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !history->more && (code = statement_step(list)) == SQLITE_ROW) {
        status = history_take(history, (uint64_t)column_int(list, 0), (uint64_t)column_int(list, 1));
        if (status == STATUS_OK) {
            status = scope_check_deadline(history->scope);
        }
    }
    if (status == STATUS_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
        status = connection_fault(connection, history->scope);
    }
    statement_give(connection, list);
    return status;
}

enum status store_view_history(
    struct store_page *out, struct store_view *view, const struct store_history_query *query, struct scope *scope) {
    struct history history = {.view = view, .query = query, .scope = scope, .page = out};
    *out = (struct store_page){0};
    enum status status = history_bounds(&history);
    if (status != STATUS_OK) {
        return status;
    }
    size_t most = history.below < query->limit ? (size_t)history.below : query->limit;
    out->at = ARENA_ARRAY(scope->arena, struct store_resource, most);
    status = query->id.at != NULL ? history_of_one(&history) : history_of_many(&history);
    if (status == STATUS_OK && history.more && out->count > 0) {
        out->next = position_write(scope->arena, history.last);
    }
    return status;
}

static enum status count_many(uint64_t *out, const struct history *history) {
    struct connection *connection = history->view->connection;
    uint16_t type = history->query->type;
    struct statement *count = statement_take(connection, type == 0 ? SQL_HISTORY_COUNT_ALL : SQL_HISTORY_COUNT_TYPE);
    bind_int(count, 1, (int64_t)history->below);
    bind_int(count, 2, (int64_t)history->from);
    if (type != 0) {
        bind_int(count, 3, type);
    }
    int code = statement_step(count);
    enum status status = code == SQLITE_ROW ? STATUS_OK : connection_fault(connection, history->scope);
    *out = code == SQLITE_ROW ? (uint64_t)column_int(count, 0) : 0;
    statement_give(connection, count);
    return status;
}

enum status store_view_history_count(
    uint64_t *out, struct store_view *view, const struct store_history_query *query, struct scope *scope) {
    struct store_history_query all = *query;
    all.after = (struct text){0};
    struct history history = {.view = view, .query = &all, .scope = scope};
    enum status status = history_bounds(&history);
    if (status != STATUS_OK) {
        return status;
    }
    if (query->id.at == NULL && query->at_us == 0) {
        return count_many(out, &history);
    }
    status = query->id.at != NULL ? history_of_one(&history) : history_of_many(&history);
    *out = history.count;
    return status;
}

/* ---- targets ----------------------------------------------------------------------------------------------------------- */

static enum status target_read(struct store_resource *out, struct store_view *view, uint64_t rid, struct scope *scope) {
    enum status status = view_resource(out, view, rid, STORE_WANT_IDENTITY, scope);
    if (status == STATUS_OK && out->method != STORE_DELETED) {
        return STATUS_OK;
    }
    struct resource_head head;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        status = resource_head_read(&head, view->connection, rid, scope);
    }
    if (status == STATUS_OK) {
        *out = (struct store_resource){.rid = rid, .type = head.type, .id = id_unpack(scope->arena, head.id)};
    }
    return status;
}

enum status store_view_targets(struct store_page *out, struct store_view *view, uint16_t type, struct text id,
    uint32_t space, struct scope *scope) {
    struct search_run run = search_run_open(view, 0, scope);
    uint64_t rid = 0;
    *out = (struct store_page){0};
    enum status status = view_rid(&rid, view, type, id, scope);
    struct document document = document_of(rid);
    if (status == STATUS_OK && (rid == 0 || !document_rows(&document, &run))) {
        status = run.status == STATUS_OK ? STATUS_NOT_FOUND : run.status;
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct text rows = document.rows;
    size_t most = rows.size / 3; /* what a packed row takes at least */
    out->at = ARENA_ARRAY(scope->arena, struct store_resource, most);
    struct lane_reader reader = lane_reader_open(rows);
    struct lane_row row;
    while (status == STATUS_OK && lane_reader_next(&row, &reader)) {
        if (!lane_is_references(row.lane) || (space != 0 && row.lane != lane_of_references(space))) {
            continue;
        }
        uint64_t target = reference_key_rid(row.key);
        bool known = false;
        for (size_t i = 0; i < out->count; i++) {
            known = known || out->at[i].rid == target;
        }
        if (!known) {
            status = target_read(&out->at[out->count], view, target, scope);
            out->count += status == STATUS_OK;
        }
    }
    return status;
}
