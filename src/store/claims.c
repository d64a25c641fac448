/* claims and notes: small named things that a unit reads and writes. */
#include "store/writer.h"

/* The first column of the one result; none when there is no result. */
static enum status value_read(
    struct text *out, bool *found, struct connection *connection, struct statement *get, struct scope *scope) {
    int code = statement_step(get);
    enum status status = STATUS_OK;
    *out = (struct text){0};
    *found = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        *out = text_copy(scope->arena, column_bytes(get, 0));
    } else if (code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    statement_give(connection, get);
    return status;
}

static enum status holder_read(struct text *out, bool *found, struct connection *connection, struct text space,
    struct text key, struct scope *scope) {
    struct statement *get = statement_take(connection, SQL_CLAIM_GET);
    bind_bytes(get, 1, space);
    bind_bytes(get, 2, key);
    return value_read(out, found, connection, get, scope);
}

enum status store_unit_claim(struct text *holder_out, struct store_unit *unit, struct text space, struct text key,
    struct text holder, struct scope *scope) {
    struct connection *connection = unit->writer->connection;
    struct text held;
    bool found = false;
    enum status status = holder_read(&held, &found, connection, space, key, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (holder_out != NULL) {
        *holder_out = found ? held : holder;
    }
    if (found) {
        return text_equal(held, holder) ? STATUS_OK : STATUS_CONFLICT;
    }
    unit->wrote = unit->changes = true;
    struct statement *add = statement_take(connection, SQL_CLAIM_ADD);
    bind_bytes(add, 1, space);
    bind_bytes(add, 2, key);
    bind_bytes(add, 3, holder);
    return statement_finish(connection, add, scope);
}

enum status store_unit_release(
    struct store_unit *unit, struct text space, struct text key, struct text holder, struct scope *scope) {
    struct connection *connection = unit->writer->connection;
    struct text held;
    bool found = false;
    enum status status = holder_read(&held, &found, connection, space, key, scope);
    if (status != STATUS_OK || !found) {
        return status;
    }
    if (!text_equal(held, holder)) {
        return STATUS_CONFLICT;
    }
    unit->wrote = unit->changes = true;
    struct statement *remove = statement_take(connection, SQL_CLAIM_REMOVE);
    bind_bytes(remove, 1, space);
    bind_bytes(remove, 2, key);
    return statement_finish(connection, remove, scope);
}

enum status store_unit_holder(
    struct text *out, struct store_unit *unit, struct text space, struct text key, struct scope *scope) {
    bool found = false;
    return holder_read(out, &found, unit->writer->connection, space, key, scope);
}

enum status store_view_holder(
    struct text *out, struct store_view *view, struct text space, struct text key, struct scope *scope) {
    bool found = false;
    return holder_read(out, &found, view->connection, space, key, scope);
}

/* ---- notes ----------------------------------------------------------------------------------------------------------- */

enum status store_unit_note_set(struct store_unit *unit, struct text name, struct text value, struct scope *scope) {
    unit->wrote = unit->changes = true;
    struct statement *set = statement_take(unit->writer->connection, SQL_NOTE_SET);
    bind_bytes(set, 1, name);
    bind_bytes(set, 2, value);
    return statement_finish(unit->writer->connection, set, scope);
}

enum status store_unit_note(struct text *out, struct store_unit *unit, struct text name, struct scope *scope) {
    bool found = false;
    struct statement *get = statement_take(unit->writer->connection, SQL_NOTE_GET);
    bind_bytes(get, 1, name);
    return value_read(out, &found, unit->writer->connection, get, scope);
}

enum status store_view_note(struct text *out, struct store_view *view, struct text name, struct scope *scope) {
    bool found = false;
    struct statement *get = statement_take(view->connection, SQL_NOTE_GET);
    bind_bytes(get, 1, name);
    return value_read(out, &found, view->connection, get, scope);
}
