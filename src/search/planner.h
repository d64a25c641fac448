/* planner: builds plan trees out of the store's plan kinds, bounded in size.
 *
 * Constructors cannot fail: past PLAN_NODES_MAX they go on, and the whole is refused by planner_check. */
#ifndef SOYANG_SEARCH_PLANNER_H
#define SOYANG_SEARCH_PLANNER_H

#include "search/catalog.h"
#include "search/key.h"

enum {
    PLAN_NODES_MAX = 50000,
    CHAIN_DEPTH_MAX = 8,     /* links of a chain or nested _has */
    HIERARCHY_DEPTH_MAX = 8, /* levels that :above and :below of references follow */
    VALUES_MAX = 1000,       /* comma-separated values of one parameter */
    VALUE_SIZE_MAX = 8192,
};

struct planner {
    const struct search *search;
    struct scope *scope;
    size_t nodes;
    int depth;
    bool met_pending; /* something was asked whose index is not complete */
    bool reads_uploads;
    uint64_t complete_at_seq; /* a view below may miss rows of what was asked */
};
/* Before a plan reads a slot: refuses one that is not complete. */
MUST_CHECK enum status planner_reads(struct planner *planner, const struct slot *slot);
MUST_CHECK enum status planner_check(struct planner *planner);

typedef const struct store_plan *plan_node;
struct plan_list {
    plan_node *at;
    size_t count, capacity;
};
void plan_list_add(struct planner *planner, struct plan_list *list, plan_node node);

plan_node plan_none(struct planner *planner);
plan_node plan_type(struct planner *planner, fhir_type type); /* NONE: all */
plan_node plan_id(struct planner *planner, fhir_type type, struct text id);
/* One that a page of the view has, in which the plan is run. */
plan_node plan_found(struct planner *planner, const struct store_resource *resource);
plan_node plan_union(struct planner *planner, const struct plan_list *list);
plan_node plan_intersect(struct planner *planner, const struct plan_list *list);
plan_node plan_without(struct planner *planner, plan_node all, plan_node excluded);

/* Key ranges of a facet. `low` and `high` are half-open; none: unbounded. */
struct plan_filter {
    enum store_filter_kind kind;
    int offset, length;
    struct text low, high;
};
MUST_CHECK enum status plan_range(plan_node *out, struct planner *planner, struct slot *slot, enum facet facet,
    struct text low, struct text high, const struct plan_filter *filter); /* filter may be NULL */
/* All keys that start with `prefix`. */
MUST_CHECK enum status plan_prefix(plan_node *out, struct planner *planner, struct slot *slot, enum facet facet,
    struct text prefix, const struct plan_filter *filter);
/* Whose words fit. */
plan_node plan_words(struct planner *planner, const struct store_text *text);
/* Last changed in the half-open range of images (key_int64_bits) of µs; UINT64_MAX: unbounded. */
plan_node plan_updated(struct planner *planner, uint64_t low, uint64_t high);
/* This key alone. */
MUST_CHECK enum status plan_key(
    plan_node *out, struct planner *planner, struct slot *slot, enum facet facet, const struct key *key);
struct plan_filter plan_filter_equal(struct planner *planner, int offset, struct text bytes);

MUST_CHECK enum status plan_sources(plan_node *out, struct planner *planner, struct slot *slot, plan_node of);
MUST_CHECK enum status plan_sources_of(
    plan_node *out, struct planner *planner, struct slot *slot, fhir_type type, struct text id);
MUST_CHECK enum status plan_targets(plan_node *out, struct planner *planner, struct slot *slot, plan_node of);
MUST_CHECK enum status plan_referring(plan_node *out, struct planner *planner, struct slot *slot, fhir_type type);

#endif
