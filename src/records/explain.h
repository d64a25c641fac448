/* explain: `_explain=true`: the plan of a search instead of its results. */
#ifndef SOYANG_RECORDS_EXPLAIN_H
#define SOYANG_RECORDS_EXPLAIN_H

#include "records/operation.h"

/* Takes `_explain` out of the pairs. STATUS_DENIED when it is "true" and the caller is no administrator: a plan shows index
 * keys, and those hold values. */
MUST_CHECK enum status explain_take(
    bool *asked, struct search_request *request, const struct records_caller *caller, struct scope *scope);
/* Runs the query and answers with Parameters: `search`, the parameters that were used, `plan`, `matches`, `total` and how long parsing
 * and running took. */
MUST_CHECK enum status explain_answer(
    struct operation *op, const struct search_query *query, int64_t parse_us, struct text path, struct scope *scope);

#endif
