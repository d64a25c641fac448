/* filter: one name and value of a query as a plan: parameters with modifiers, chains, _has, :missing, _list. */
#ifndef SOYANG_SEARCH_FILTER_H
#define SOYANG_SEARCH_FILTER_H

#include "search/planner.h"

struct filter {
    plan_node plan;
    bool is_bound; /* yields resources of the type asked only; else the caller intersects with that type */
};
/* Resources of `type` (NONE: of all, by the parameters that all share). */
MUST_CHECK enum status filter_plan(
    struct filter *out, struct planner *planner, fhir_type type, struct text name, struct text value);
/* Whether a name is planned without knowing the type: _tag, _lastUpdated, ... */
bool filter_is_shared(const struct search *search, struct text name);
/* Those of `type` in the compartment of (owner, id). */
MUST_CHECK enum status filter_compartment(
    plan_node *out, struct planner *planner, fhir_type type, fhir_type owner, struct text id);
/* Whether R4 puts resources of `type` into compartments of `owner`. */
bool filter_has_compartment(fhir_type owner, fhir_type type);

#endif
