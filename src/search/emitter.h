/* emitter: collects the index rows of one resource. A row is named by facet of the slot being filled. */
#ifndef SOYANG_SEARCH_EMITTER_H
#define SOYANG_SEARCH_EMITTER_H

#include "search/catalog.h"
#include "search/key.h"

/* A resource; past it STATUS_TOO_COSTLY. A code system, value set or map has one or more for each concept: as many as
 * TERMINOLOGY_CONCEPTS_MAX says that it may have. */
enum { ROWS_MAX = 50000, TERMINOLOGY_ROWS_MAX = 1000000 };

struct emitter {
    const struct search *search;
    struct scope *scope;
    const struct fhirpath_environment *environment;
    struct slot *slot;
    struct store_row *rows;
    size_t count, capacity, most;
    enum status status; /* the first failure; later rows are dropped */
};

void emit_key(struct emitter *emitter, enum facet facet, const struct key *key);
void emit_reference(struct emitter *emitter, fhir_type type, struct text id);

#endif
