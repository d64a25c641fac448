#include "region/csv.h"

#include <stdio.h>

/* Where the reader stands. */
struct cursor {
    const char *at, *end;
    int line;
    struct csv *table;
    struct scope *scope;
};

enum status csv_fault(
    struct scope *scope, const struct csv *table, int line, const char *column, const char *format, ...) {
    char said[512], path[CSV_FILE_NAME_MAX + 80];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    (void)snprintf(path, sizeof path, "%s:%d:%s", table->file, line, column);
    return fault(scope, STATUS_INVALID, path, "%s", said);
}

/* ---- cells ------------------------------------------------------------------------------------------------------ */

/* At most how long the quoted cell at the cursor is. */
static size_t quoted_size(const struct cursor *cursor) {
    const char *at = cursor->at;
    while (at < cursor->end && (*at != '"' || (at + 1 < cursor->end && at[1] == '"'))) {
        at += *at == '"' ? 2 : 1;
    }
    return (size_t)(at - cursor->at);
}

/* A quoted cell, its opening quote already read; "" stands for one quote (RFC 4180, 2.7). */
static enum status read_quoted(struct text *out, struct cursor *cursor) {
    int opened = cursor->line;
    char *copy = arena_alloc(cursor->scope->arena, quoted_size(cursor) + 1);
    size_t size = 0;
    for (; cursor->at < cursor->end; cursor->at++) {
        if (*cursor->at == '"') {
            if (cursor->at + 1 == cursor->end || cursor->at[1] != '"') {
                cursor->at++;
                *out = (struct text){copy, size};
                return STATUS_OK;
            }
            cursor->at++;
        }
        cursor->line += *cursor->at == '\n';
        copy[size++] = *cursor->at;
    }
    return csv_fault(cursor->scope, cursor->table, opened, "row", "a quote is opened and not closed");
}

static enum status read_bare(struct text *out, struct cursor *cursor) {
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != ',' && *cursor->at != '\n' && *cursor->at != '\r') {
        if (*cursor->at == '"') {
            return csv_fault(cursor->scope, cursor->table, cursor->line, "row", "a quote stands inside a bare cell");
        }
        cursor->at++;
    }
    *out = (struct text){start, (size_t)(cursor->at - start)};
    return STATUS_OK;
}

static enum status read_cell(struct text *out, struct cursor *cursor) {
    if (cursor->at == cursor->end || *cursor->at != '"') {
        return read_bare(out, cursor);
    }
    cursor->at++;
    return read_quoted(out, cursor);
}

/* Cells of one row; *count may pass `capacity` by one, which says that there are more. */
static enum status read_cells(struct text *cells, size_t *count, size_t capacity, struct cursor *cursor) {
    *count = 0;
    for (;;) {
        struct text cell;
        enum status status = read_cell(&cell, cursor);
        if (status != STATUS_OK) {
            return status;
        }
        if (*count < capacity) {
            cells[*count] = cell;
        }
        *count += *count <= capacity;
        if (cursor->at == cursor->end || *cursor->at != ',') {
            break;
        }
        cursor->at++;
    }
    if (cursor->at < cursor->end && *cursor->at == '\r') {
        cursor->at++;
    }
    if (cursor->at < cursor->end && *cursor->at != '\n') {
        return csv_fault(cursor->scope, cursor->table, cursor->line, "row", "something follows a closing quote");
    }
    cursor->at += cursor->at < cursor->end;
    cursor->line++;
    return STATUS_OK;
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

static enum status read_header(struct cursor *cursor) {
    struct text *columns = ARENA_ARRAY(cursor->scope->arena, struct text, CSV_COLUMNS_MAX);
    struct csv *table = cursor->table;
    if (cursor->at == cursor->end) {
        return csv_fault(cursor->scope, table, 1, "row", "the file is empty");
    }
    enum status status = read_cells(columns, &table->column_count, CSV_COLUMNS_MAX, cursor);
    if (status != STATUS_OK) {
        return status;
    }
    if (table->column_count > CSV_COLUMNS_MAX) {
        return csv_fault(cursor->scope, table, 1, "row", "more than %d columns", CSV_COLUMNS_MAX);
    }
    for (size_t i = 0; i < table->column_count; i++) {
        columns[i] = text_trim(columns[i]);
        for (size_t j = 0; j < i; j++) {
            if (text_equal(columns[i], columns[j])) {
                return csv_fault(cursor->scope, table, 1, text_string(cursor->scope->arena, columns[i]),
                    "the column is named twice");
            }
        }
    }
    table->columns = columns;
    return STATUS_OK;
}

static size_t count_lines(struct text content) {
    size_t lines = 1;
    for (size_t i = 0; i < content.size; i++) {
        lines += content.at[i] == '\n';
    }
    return lines;
}

static enum status read_row(struct csv_row *out, bool *is_blank, struct cursor *cursor) {
    struct csv *table = cursor->table;
    struct text *cells = ARENA_ARRAY(cursor->scope->arena, struct text, table->column_count);
    size_t count = 0;
    *out = (struct csv_row){.line = cursor->line, .cells = cells};
    enum status status = read_cells(cells, &count, table->column_count, cursor);
    if (status != STATUS_OK) {
        return status;
    }
    *is_blank = count == 1 && cells[0].size == 0;
    if (!*is_blank && count != table->column_count) {
        return csv_fault(cursor->scope, table, out->line, "row", "%s%zu cells where the header has %zu",
            count > table->column_count ? "at least " : "", count, table->column_count);
    }
    return STATUS_OK;
}

enum status csv_read(struct csv *out, const char *file, struct text content, struct scope *scope) {
    *out = (struct csv){.file = file};
    if (content.size > CSV_BYTES_MAX) {
        return csv_fault(scope, out, 1, "row", "more than %d bytes", CSV_BYTES_MAX);
    }
    if (!text_is_utf8(content)) {
        return csv_fault(scope, out, 1, "row", "the file is not UTF-8");
    }
    if (text_starts(content, "\xEF\xBB\xBF")) { /* a spreadsheet's byte order mark */
        content = (struct text){content.at + 3, content.size - 3};
    }
    struct cursor cursor = {content.at, content.at + content.size, 1, out, scope};
    enum status status = read_header(&cursor);
    if (status != STATUS_OK) {
        return status;
    }
    size_t lines = count_lines(content);
    if (lines > CSV_ROWS_MAX) {
        return csv_fault(scope, out, CSV_ROWS_MAX, "row", "more than %d lines", CSV_ROWS_MAX);
    }
    struct csv_row *rows = ARENA_ARRAY(scope->arena, struct csv_row, lines);
    while (status == STATUS_OK && cursor.at < cursor.end) {
        bool is_blank = false;
        status = read_row(&rows[out->row_count], &is_blank, &cursor);
        out->row_count += status == STATUS_OK && !is_blank;
    }
    out->rows = rows;
    return status;
}

/* ---- looking things up ------------------------------------------------------------------------------------------ */

int csv_column(const struct csv *table, const char *name) {
    for (size_t i = 0; i < table->column_count; i++) {
        if (text_is(table->columns[i], name)) {
            return (int)i;
        }
    }
    return -1;
}

struct text csv_cell(const struct csv *table, const struct csv_row *row, const char *column) {
    int index = csv_column(table, column);
    struct text cell = index < 0 ? (struct text){0} : text_trim(row->cells[index]);
    return cell.size == 0 ? (struct text){0} : cell;
}

const struct csv_row *csv_find(const struct csv *table, const char *column, struct text value) {
    int index = csv_column(table, column);
    for (size_t i = 0; index >= 0 && i < table->row_count; i++) {
        if (text_equal(text_trim(table->rows[i].cells[index]), value)) {
            return &table->rows[i];
        }
    }
    return NULL;
}

struct text csv_next_of(struct text *rest) {
    while (rest->at != NULL) {
        struct text value = text_trim(text_cut(rest, ';'));
        if (value.size > 0) {
            return value;
        }
    }
    return (struct text){0};
}
