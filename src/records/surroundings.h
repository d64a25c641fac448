/* surroundings: what a validation asks of the record: profiles by canonical URL, codes, the resources that references name. All
 * of it as of one view. Private to records. */
#ifndef SOYANG_RECORDS_SURROUNDINGS_H
#define SOYANG_RECORDS_SURROUNDINGS_H

#include "records/service.h"

struct surroundings {
    const struct records *records;
    struct store_view *view;
    struct validate_environment environment; /* for validate_resource */
};
/* The view is the caller's, and stays open as long as the surroundings are used. */
void surroundings_of(struct surroundings *out, const struct records *records, struct store_view *view);

#endif
