/* named: searches that a client asks for by name, each a row of criteria in one table:
 *
 *     functional lists  _list=$current-problems   https://hl7.org/fhir/R4/lifecycle.html#lists
 *     named queries     _query=open-referrals     https://hl7.org/fhir/R4/search.html#query
 *
 * A functional list is computed from what is recorded now: no List has to be kept. What keeps a statement out of it is
 * what is recorded to end or to deny it; a status that is missing keeps nothing out. */
#ifndef SOYANG_SEARCH_NAMED_H
#define SOYANG_SEARCH_NAMED_H

#include "search/filter.h"

/* What a functional list (`name` with its $) holds of `type`; NONE: of all its types. */
MUST_CHECK enum status named_list_plan(struct filter *out, struct planner *planner, fhir_type type, struct text name);
/* Whether the list is unknown (its plan says so) or holds resources of `type`. */
bool named_list_concerns(fhir_type type, struct text name);

MUST_CHECK enum status named_query_plan(struct filter *out, struct planner *planner, fhir_type type, struct text name);

#endif
