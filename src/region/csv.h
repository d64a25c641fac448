/* csv: tables as RFC 4180 writes them, columns found by name. Private to region.
 *
 * UTF-8, comma, quotes; \n or \r\n. Rows keep the line they began on, for faults like "places.csv:12:lat". Knows no
 * column's meaning. Cells live in the arena of the scope they were read with. */
#ifndef SOYANG_REGION_CSV_H
#define SOYANG_REGION_CSV_H

#include "base/base.h"

enum { CSV_BYTES_MAX = 4 << 20, CSV_COLUMNS_MAX = 64, CSV_ROWS_MAX = 20000, CSV_FILE_NAME_MAX = 200 };

struct csv_row {
    int line;
    const struct text *cells;
};
struct csv {
    const char *file; /* as faults name it */
    const struct text *columns;
    size_t column_count;
    const struct csv_row *rows;
    size_t row_count;
};

/* STATUS_INVALID with file:line: what is no table: no header, a column named twice, rows of another width, a quote that
 * does not end, bytes that are no UTF-8. */
MUST_CHECK enum status csv_read(struct csv *out, const char *file, struct text content, struct scope *scope);
int csv_column(const struct csv *table, const char *name); /* -1: there is none */
/* Trimmed; none when blank or when the table has no such column. */
struct text csv_cell(const struct csv *table, const struct csv_row *row, const char *column);
/* The first row whose `column` is `value`; NULL. */
const struct csv_row *csv_find(const struct csv *table, const char *column, struct text value);
/* Says what is wrong with a cell. Returns STATUS_INVALID. */
enum status csv_fault(struct scope *scope, const struct csv *table, int line, const char *column, const char *format,
    ...) PRINTF_LIKE(5, 6);
/* The next of several values joined by ';', trimmed; none when there is no more. */
struct text csv_next_of(struct text *rest);

#endif
