/* table: a file of separated values, one row a visit. Quotes as in RFC 4180. Rows are cut when they are asked for, so that a wide
 * file costs its bytes alone. */
#ifndef SOYANG_TRAIN_TABLE_H
#define SOYANG_TRAIN_TABLE_H

#include "base/base.h"

struct table {
    struct text *names; /* of the header, trimmed, without a byte order mark */
    size_t column_count, row_count;
    struct text *rows; /* without the header and without empty lines */
    char separator;
};
/* STATUS_INVALID with the row's number where a row has another count of cells than the header. */
MUST_CHECK enum status table_read(
    struct table *out, struct text source, char separator, struct arena *arena, struct scope *scope);
int table_column(const struct table *table, struct text name); /* -1: none */
/* cells[column_count], trimmed; slices of the row. False where the count differs. */
bool table_cells(struct text *cells, const struct table *table, struct text row);

#endif
