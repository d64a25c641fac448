/* emitter: collects the index rows of one resource. A row is named by facet of the slot being filled. */
#ifndef SOYANG_SEARCH_EMITTER_H
#define SOYANG_SEARCH_EMITTER_H

#include "search/catalog.h"
#include "search/key.h"

enum { ROWS_MAX = 50000 }; /* a resource; past it STATUS_TOO_COSTLY */

struct emitter {
    const struct search *search;
    struct scope *scope;
    const struct fhirpath_environment *environment;
    struct slot *slot;
    struct store_row *rows;
    size_t count, capacity;
    enum status status; /* the first failure; later rows are dropped */
};

void emit_key(struct emitter *emitter, enum facet facet, const struct key *key);
void emit_reference(struct emitter *emitter, fhir_type type, struct text id);

#endif
