/* operation: FHIR's terminology operations, each a function from a call to a resource
 * (https://hl7.org/fhir/R4/terminology-service.html). */
#ifndef SOYANG_TERMINOLOGY_OPERATION_H
#define SOYANG_TERMINOLOGY_OPERATION_H

#include "terminology/arguments.h"

typedef enum status terminology_function(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope);

terminology_function terminology_expand, terminology_validate_in_value_set, terminology_validate_in_system,
    terminology_lookup, terminology_subsumes, terminology_translate;

extern const char *const terminology_expand_names[]; /* the parameters of $expand; NULL behind the last */

/* The resource an operation is about: the instance, the one that came along as `resource_name`, or the one that `url_name`
 * names. STATUS_NOT_FOUND with an issue; ref->book NULL when none is named at all. */
struct subject {
    enum shelf_kind kind;
    const char *resource_name, *url_name, *version_name;
};
MUST_CHECK enum status subject_find(struct shelf_ref *out, struct inquiry *inquiry, const struct subject *subject,
    const struct arguments *arguments, const struct terminology_call *call);

#endif
