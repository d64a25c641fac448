#include "table.h"

#include <string.h>

/* Quoted cells keep their inner quotes doubled: no set that is read here has any that matter. */
static struct text cell_cut(struct text *rest, char separator) {
    struct text all = *rest;
    size_t at = 0;
    bool quoted = false;
    for (; at < all.size && (quoted || all.at[at] != separator); at++)
        quoted = all.at[at] == '"' ? !quoted : quoted;
    bool more = at < all.size;
    *rest = more ? (struct text){all.at + at + 1, all.size - at - 1} : (struct text){0};
    struct text cell = text_trim((struct text){all.at, at});
    if (cell.size >= 2 && cell.at[0] == '"' && cell.at[cell.size - 1] == '"')
        cell = text_trim((struct text){cell.at + 1, cell.size - 2});
    return cell;
}

bool table_cells(struct text *cells, const struct table *table, struct text row) {
    size_t count = 0;
    struct text rest = row;
    while (rest.at && count < table->column_count)
        cells[count++] = cell_cut(&rest, table->separator);
    return count == table->column_count && !rest.at;
}

int table_column(const struct table *table, struct text name) {
    for (size_t i = 0; i < table->column_count; i++) {
        if (text_equal(table->names[i], name))
            return (int)i;
    }
    return -1;
}

static struct text line_cut(struct text *rest) {
    struct text all = *rest;
    size_t at = 0;
    bool quoted = false;
    for (; at < all.size && (quoted || all.at[at] != '\n'); at++)
        quoted = all.at[at] == '"' ? !quoted : quoted;
    *rest = at < all.size ? (struct text){all.at + at + 1, all.size - at - 1} : (struct text){0};
    if (at > 0 && all.at[at - 1] == '\r')
        at--;
    return (struct text){all.at, at};
}

enum status table_read(
    struct table *out, struct text source, char separator, struct arena *arena, struct scope *scope) {
    if (text_starts(source, "\xef\xbb\xbf"))
        source = (struct text){source.at + 3, source.size - 3};
    size_t lines = 1;
    for (size_t i = 0; i < source.size; i++)
        lines += source.at[i] == '\n';
    struct text rest = source, header = line_cut(&rest);
    *out = (struct table){.separator = separator, .rows = ARENA_ARRAY(arena, struct text, lines)};
    size_t most = 1;
    for (size_t i = 0; i < header.size; i++)
        most += header.at[i] == separator;
    out->names = ARENA_ARRAY(arena, struct text, most);
    for (struct text names = header; names.at;)
        out->names[out->column_count++] = cell_cut(&names, separator);
    struct text *cells = ARENA_ARRAY(arena, struct text, out->column_count);
    while (rest.at) {
        struct text row = line_cut(&rest);
        if (text_trim(row).size == 0)
            continue;
        if (!table_cells(cells, out, row))
            return fault(
                scope, STATUS_INVALID, "", "row %zu has another count of cells than the header", out->row_count + 1);
        out->rows[out->row_count++] = row;
    }
    return STATUS_OK;
}
