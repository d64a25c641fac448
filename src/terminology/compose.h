/* compose: what a value set's definition means: all its codes, or whether one is among them
 * (https://hl7.org/fhir/R4/valueset.html#compositions).
 *
 * Includes are united; the value sets of one include, its system, its list and its filters all have to agree; excludes
 * take away. An answer that hangs on a code system which is not known here is UNKNOWN. */
#ifndef SOYANG_TERMINOLOGY_COMPOSE_H
#define SOYANG_TERMINOLOGY_COMPOSE_H

#include "terminology/inquiry.h"

/* A code on its way into or out of a value set. */
struct candidate {
    struct text system, version, code;
    struct shelf_ref ref;                   /* its code system; book NULL: not known */
    uint32_t position;                      /* its concept there; BOOK_NO_CONCEPT */
    const struct terminology_book *listing; /* the value set that lists it with words of its own, else NULL */
    uint32_t listed;                        /* and where */
};
static inline const struct concept_row *candidate_concept(const struct candidate *candidate) {
    return candidate->ref.book == NULL || candidate->position == BOOK_NO_CONCEPT
               ? NULL
               : book_concept(candidate->ref.book, shelf_system(candidate->ref), candidate->position);
}

/* `whole`, where not NULL, is told of a code system that is in the value set whole and whose codes are not known here;
 * without it that is STATUS_NOT_FOUND with an issue. A code may come more than once. */
struct compose_visitor {
    enum status (*code)(void *context, const struct candidate *candidate);
    enum status (*whole)(void *context, struct text system);
    void *context;
};
MUST_CHECK enum status compose_each(
    struct inquiry *inquiry, struct shelf_ref value_set, const struct compose_visitor *visitor);

/* Of a candidate `system`, `version` and `code` are asked. UNKNOWN: inquiry->missing says what is not known. */
MUST_CHECK enum status compose_has(enum terminology_verdict *out, struct inquiry *inquiry, struct shelf_ref value_set,
    const struct candidate *candidate);

/* The code systems that a value set and its imports name, each once. */
enum { COMPOSE_SYSTEMS_MAX = 256 };
struct compose_systems {
    struct text at[COMPOSE_SYSTEMS_MAX];
    size_t count;
};
MUST_CHECK enum status compose_systems(
    struct compose_systems *out, struct inquiry *inquiry, struct shelf_ref value_set);

/* Fills `ref` and `position` of a candidate from its code system, where that is known. */
MUST_CHECK enum status compose_resolve(struct inquiry *inquiry, struct candidate *candidate);

#endif
