/* document: what one resource is at a view, read once and only when asked for; whether a plan holds for it. */
#ifndef SOYANG_STORE_DOCUMENT_H
#define SOYANG_STORE_DOCUMENT_H

#include "store/walk.h"

struct document {
    uint64_t rid;
    enum { DOCUMENT_UNREAD, DOCUMENT_THERE, DOCUMENT_ABSENT } found;
    struct resource_head head; /* of the version at the view */
    struct text rows; /* by document_rows: packed; those in SPACE_TYPE and STORE_SPACE_UPDATED are not among them */
};
struct document document_of(uint64_t rid);
/* False when it does not exist at the view, or on a failure, which the run keeps. */
bool document_read(struct document *document, struct search_run *run);
/* The same, and its rows, which lie elsewhere. */
bool document_rows(struct document *document, struct search_run *run);

/* Whether the plan's results hold the resource: from its own rows where that is cheap. */
bool document_fits(struct document *document, struct search_run *run, const struct store_plan *plan);

/* Whether a key lies in the plan's range and passes its filter. */
bool plan_key_fits(const struct store_plan *plan, struct text key);
bool plan_filter_passes(const struct store_plan *plan, struct text key);
/* True when low and high leave room for the key `low` alone. */
bool plan_is_one_key(const struct store_plan *plan);

#endif
