/* fhirpatch: FHIRPath Patch (http://hl7.org/fhir/R4/fhirpatch.html): a Parameters resource whose operations add, insert, delete,
 * replace and move the elements that FHIRPath expressions name. */
#ifndef SOYANG_RECORDS_FHIRPATCH_H
#define SOYANG_RECORDS_FHIRPATCH_H

#include "base/base.h"

struct fhirpatch; /* immutable; lives in the arena it was read into, beside the document it was read from */

/* From a checked Parameters resource. STATUS_INVALID: it is malformed, or an expression is. */
MUST_CHECK enum status fhirpatch_read(const struct fhirpatch **out, const yyjson_val *parameters, struct scope *scope);
/* STATUS_UNPROCESSABLE: an operation finds no element, or several, or what it adds is there already. */
MUST_CHECK enum status fhirpatch_apply(
    struct text *out, const yyjson_val *resource, const struct fhirpatch *patch, int64_t now_us, struct scope *scope);

#endif
