/* condition: "the one Patient with this identifier": conditional URLs and references, and what they match.
 *
 * A condition is looked up in a view first, in the caller's thread, so that bodies can be prepared on what it says; the unit
 * looks again, and only when the answer changed is anything prepared anew. */
#ifndef SOYANG_RECORDS_CONDITION_H
#define SOYANG_RECORDS_CONDITION_H

#include "records/unit.h"

enum condition_matches { CONDITION_NONE, CONDITION_ONE, CONDITION_MANY };

struct condition {
    struct text text; /* as it stood: of a reference "Practitioner?identifier=…", of an entry the query */
    const char *path; /* where it stood */
    fhir_type type;
    const struct search_query *query;
    enum condition_matches matches;
    struct text id;    /* of the one */
    bool in_reference; /* decided after the writes of its bundle */
    bool is_pinned;    /* decided by an attempt before */
};

/* A plan for filters only. STATUS_PRECONDITION when there is no filter at all: it would match everything. */
MUST_CHECK enum status condition_query(const struct search_query **out, const struct records *records, fhir_type type,
    const struct search_pair *pairs, size_t pair_count, size_t limit, struct scope *scope);
MUST_CHECK enum status condition_open(struct condition *out, const struct records *records, fhir_type type,
    struct text query, const char *path, struct scope *scope);
/* As of now, outside a unit. */
MUST_CHECK enum status condition_look(struct condition *condition, const struct records *records, struct scope *scope);
/* Inside the unit. *changed is set when it says something else than before, and left alone otherwise. */
MUST_CHECK enum status condition_look_again(
    bool *changed, struct condition *condition, const struct records_unit *unit, struct scope *scope);
enum status condition_refuse_none(const struct condition *condition, struct scope *scope);
enum status condition_refuse_many(const struct condition *condition, struct scope *scope);

#endif
