/* filter: one name and value of a query as a plan: parameters with modifiers, chains, _has, :missing, _list, _filter. */
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
/* One parameter whose modifier and value are read already; its value may still be several, with commas between. */
struct criterion;
MUST_CHECK enum status filter_criterion(
    struct filter *out, struct planner *planner, fhir_type type, struct criterion *criterion);

/* Along a reference, to resources of the type `wanted` (NONE: of every type it may lead to that knows the rest). */
struct chain_link {
    struct text name; /* as given, for issues */
    const struct parameter *parameter;
    fhir_type wanted;
};
struct chain_rest {
    bool (*is_known)(struct planner *planner, fhir_type type, const void *context);
    enum status (*plan)(struct filter *out, struct planner *planner, fhir_type type, const void *context);
    const void *context;
};
MUST_CHECK enum status filter_chain(struct filter *out, struct planner *planner, fhir_type type,
    const struct chain_link *link, const struct chain_rest *rest);

/* The modifiers of a search type, one a call; NULL behind the last. *position starts at 0. */
const char *filter_modifier_of(enum fhir_search_type type, size_t *position);

/* Whether a name is planned without knowing the type: _tag, _lastUpdated, ... */
bool filter_is_shared(const struct search *search, struct text name);
/* Those of `type` in the compartment of (owner, id); id none: of any owner. */
MUST_CHECK enum status filter_compartment(
    plan_node *out, struct planner *planner, fhir_type type, fhir_type owner, struct text id);
/* Whether R4 puts resources of `type` into compartments of `owner`. */
bool filter_has_compartment(fhir_type owner, fhir_type type);

#endif
