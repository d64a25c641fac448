/* visits: a set's rows as visits, as the plan says (docs/triage.md, "Training"). What the plan does not name is not read: no
 * column that is known only after triage can enter by itself. */
#ifndef SOYANG_TRAIN_VISITS_H
#define SOYANG_TRAIN_VISITS_H

#include "table.h"
#include "triage/features.h"

struct visits {
    struct table table;
    struct visit *at;
    struct text *sites;     /* hospital, none where the set has no such column */
    struct text *patients;  /* rows of one patient stay in one fold; none: each row is alone */
    struct text *periods;   /* for splits by time */
    size_t *rows;           /* row in the file, from 1 */
    size_t count, left_out; /* left out: under age */
    struct text *columns;   /* what visit.columns holds */
    size_t column_count;
    const yyjson_val *plan;
};
/* `plan` is one entry of the plan's "sets". STATUS_NOT_FOUND where the file or a column is missing. */
MUST_CHECK enum status visits_read(
    struct visits *out, const yyjson_val *plan, const char *folder, struct arena *arena, struct scope *scope);
/* A label of the plan for each visit: 0, 1, or -1 where it cannot be said. */
MUST_CHECK enum status visits_label(
    int8_t *out, const struct visits *visits, const yyjson_val *label, struct scope *scope);
/* A column's whole numbers; 0 where there is none. */
MUST_CHECK enum status visits_integers(int *out, const struct visits *visits, struct text column, struct scope *scope);

#endif
