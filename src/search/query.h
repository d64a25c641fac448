/* query: a request once parsed and planned; and where a page of it goes on. */
#ifndef SOYANG_SEARCH_QUERY_H
#define SOYANG_SEARCH_QUERY_H

#include "search/planner.h"
#include "search/search.h"

enum { INCLUDES_MAX = 64, INCLUDED_MAX = 10000, INCLUDE_ROUNDS_MAX = 16 };

struct include {
    fhir_type source;                  /* whose reference; NONE: any */
    const struct parameter *parameter; /* NULL: every reference parameter */
    fhir_type target;                  /* NONE: any */
    bool is_reverse, is_iterated;
};

enum { CURSOR_DIGEST_SIZE = 16 };

/* What a cursor carries. `position` is the store's. */
struct cursor {
    uint64_t sequence, total;
    bool has_total;
    uint32_t count;
    struct text position;
};

/* _sort=near: from where. */
struct near_point;
struct nearest {
    struct near_point *points;
    size_t point_count; /* 0: not asked */
    bool descending;
};

struct search_query {
    const struct search *search; /* the tables that it was parsed by; held by the scope */
    uint64_t complete_at_seq;    /* a view below may miss rows of what it asks */
    bool reads_uploads;
    fhir_type type;
    plan_node plan;
    struct store_sort sorts[STORE_SORTS_MAX];
    size_t sort_count;
    struct nearest nearest; /* before the sorts */
    size_t count;
    enum search_total total;
    enum search_summary summary;
    struct text *elements;
    size_t element_count;
    struct include *includes;
    size_t include_count;
    struct search_pair *self;
    size_t self_count;
    const struct issue *warnings;
    bool has_cursor, has_control; /* control: anything but filters */
    struct cursor cursor;
    uint8_t digest[CURSOR_DIGEST_SIZE]; /* of type, compartment and the parameters used */
    struct text cursor_key;
};

/* Opaque text for a next link, signed with the query's key; forged, or of another query: STATUS_INVALID. */
struct text cursor_write(const struct search_query *query, const struct cursor *cursor, struct scope *scope);
MUST_CHECK enum status cursor_read(
    struct cursor *out, const struct search_query *query, struct text value, struct scope *scope);

/* Adds what the includes of `query` bring for result->matches. */
MUST_CHECK enum status include_run(struct search_result *result, const struct search *search,
    const struct search_query *query, struct store_view *view, struct scope *scope);

#endif
