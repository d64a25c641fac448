/* selection: the filters of an include, made ready to be asked of many concepts of one code system
 * (https://hl7.org/fhir/R4/valueset-filter-operator.html). */
#ifndef SOYANG_TERMINOLOGY_SELECTION_H
#define SOYANG_TERMINOLOGY_SELECTION_H

#include "terminology/inquiry.h"

struct selection_filter;
struct selection {
    struct inquiry *inquiry;
    struct shelf_ref system;
    struct selection_filter *filters;
    size_t count;
    bool is_unknown; /* a filter starts at a code, or asks for a property, that a system known in part does not have */
};

/* STATUS_UNPROCESSABLE for what means nothing: a broken expression, a hierarchy of what has none, a property that
 * nobody declares. */
MUST_CHECK enum status selection_open(struct selection *out, struct inquiry *inquiry, struct shelf_ref system,
    const struct terminology_book *book, const struct include_row *include);
/* May a filter on this property have this operator? */
bool selection_serves(struct text property, enum book_operator op);
/* Do all filters take the concept? */
MUST_CHECK enum status selection_takes(bool *out, const struct selection *selection, uint32_t position);

#endif
