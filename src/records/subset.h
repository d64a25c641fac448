/* subset: a resource with some of its elements only: _summary and _elements. */
#ifndef SOYANG_RECORDS_SUBSET_H
#define SOYANG_RECORDS_SUBSET_H

#include "records/records.h"

struct subset {
    enum search_summary summary;
    const struct text *elements;
    size_t element_count;
};
bool subset_is_whole(const struct subset *subset);
/* From the parameters of a read of `type` (NONE: of any), which knows no others. */
MUST_CHECK enum status subset_parse(struct subset *out, fhir_type type, const struct search_pair *pairs, size_t count,
    enum search_handling handling, struct scope *scope);
/* From these names wherever they stand among other parameters. */
MUST_CHECK enum status subset_take(struct subset *out, struct text summary, struct text elements, struct scope *scope);
/* Keeps what was asked for and what is mandatory, and says so in meta.tag. */
MUST_CHECK enum status subset_write(
    struct text *out, const struct subset *subset, struct text resource, struct scope *scope);

#endif
