/* upload: SearchParameter resources of this server as definitions, and why one cannot be served. */
#ifndef SOYANG_SEARCH_UPLOAD_H
#define SOYANG_SEARCH_UPLOAD_H

#include "search/catalog.h"

enum {
    UPLOADS_MAX = 256,        /* served at once */
    UPLOAD_BRANCHES_MAX = 32, /* of one expression */
    UPLOAD_EXPRESSION_MAX = 8192,
    UPLOAD_CODE_MAX = 64,
};

/* The definition in an active SearchParameter, checked against `search` (whose uploads but this one's own are others). `peers`
 * are definitions that a composite's components may also name. What the definitions serve already is no base of it: it may be
 * left without any. Faults tell the element. */
MUST_CHECK enum status upload_read(struct search_definition *out, const struct search *search,
    const struct search_upload *upload, const struct search_definition *peers, size_t peer_count, struct scope *scope);

#endif
