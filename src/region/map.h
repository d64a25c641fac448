/* map: what the page's map needs of a region. Private to region. */
#ifndef SOYANG_REGION_MAP_H
#define SOYANG_REGION_MAP_H

#include "region/fetch.h"
#include "region/version.h"

/* Makes the members that do not change from request to request. */
MUST_CHECK enum status map_compose(
    struct version *version, const struct region_documents *documents, struct scope *scope);

#endif
