/* nearest: a page in the order of distance, for _sort=near. Distances are those from the nearest of the points that the query's
 * own `near` names, on a sphere (see near.c). They are no keys of an index: every match is looked at for each page, so a
 * search that finds more than NEAREST_MAX is refused. A page's position is a number of matches: at the cursor's sequence
 * number they stand in the same order again. */
#ifndef SOYANG_SEARCH_NEAREST_H
#define SOYANG_SEARCH_NEAREST_H

#include "search/query.h"

enum { NEAREST_MAX = 20000 };

/* The points of `near=latitude|longitude...,...`, for query->nearest. */
MUST_CHECK enum status nearest_points_read(
    struct nearest *out, struct planner *planner, const struct parameter *parameter, const struct search_pair *pair);
/* Takes the place of store_view_select where query->nearest has points. */
MUST_CHECK enum status nearest_select(struct store_page *out, const struct search_query *query,
    const struct store_query *select, struct store_view *view, struct scope *scope);

#endif
