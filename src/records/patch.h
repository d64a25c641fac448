/* patch: JSON Patch (RFC 6902) and FHIRPath Patch over a resource. */
#ifndef SOYANG_RECORDS_PATCH_H
#define SOYANG_RECORDS_PATCH_H

#include "records/fhirpatch.h"
#include "records/unit.h"

/* JSON Patch. STATUS_INVALID: the patch is malformed; STATUS_UNPROCESSABLE: it does not apply. Number text is kept. */
MUST_CHECK enum status patch_apply(
    struct text *out, const yyjson_val *document, const yyjson_val *patch, struct scope *scope);

/* One of them, understood. */
struct patch {
    const yyjson_val *json;
    const struct fhirpatch *fhir;
};
/* A patch as it came. The format tells which: application/json-patch+json, or a Parameters resource of FHIRPath Patch under a FHIR
 * JSON type; STATUS_UNSUPPORTED for any other. */
MUST_CHECK enum status patch_read(struct patch *out, struct text format, struct text body, struct scope *scope);
/* From a bundle's entry: a Binary that holds a patch of either format, or the Parameters themselves. */
MUST_CHECK enum status patch_of_entry(
    struct text *format_out, struct text *body_out, const yyjson_val *resource, const char *path, struct scope *scope);
/* The current resource with the patch applied, as the draft of `write`, whose type and id are set. */
MUST_CHECK enum status patch_draft(
    struct write *write, struct records_unit *unit, const struct patch *patch, struct scope *scope);

#endif
