/* plan: from a plan to the set of its results. */
#ifndef SOYANG_STORE_PLAN_H
#define SOYANG_STORE_PLAN_H

#include "store/rid_set.h"
#include "store/walk.h"

/* All results at once. On failure run->status says why and the set is not to be used. */
struct rid_set *plan_gather(struct search_run *run, const struct store_plan *plan);

/* Whether a key lies in the plan's range and passes its filter. */
bool plan_key_fits(const struct store_plan *plan, struct text key);
/* True when low and high leave room for the key `low` alone. */
bool plan_is_one_key(const struct store_plan *plan);

/* The rows that the resource has at the view, packed; its own rows in SPACE_TYPE and STORE_SPACE_UPDATED are not among them.
 * STATUS_NOT_FOUND without an issue when it does not exist then. */
enum status document_read(struct text *rows_out, struct resource_head *head_out, struct search_run *run, uint64_t rid);

#endif
