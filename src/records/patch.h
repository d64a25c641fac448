/* patch: JSON Patch (RFC 6902) over a resource. */
#ifndef SOYANG_RECORDS_PATCH_H
#define SOYANG_RECORDS_PATCH_H

#include "records/unit.h"

/* STATUS_INVALID: the patch is malformed; STATUS_UNPROCESSABLE: it does not apply. Number text is kept. */
MUST_CHECK enum status patch_apply(
    struct text *out, const yyjson_val *document, const yyjson_val *patch, struct scope *scope);
/* A patch as it came: STATUS_UNSUPPORTED unless its format is JSON Patch. */
MUST_CHECK enum status patch_read(const yyjson_val **out, struct text format, struct text body, struct scope *scope);
/* From a bundle's Binary resource: its content, decoded. */
MUST_CHECK enum status patch_of_binary(
    struct text *format_out, struct text *body_out, const yyjson_val *resource, const char *path, struct scope *scope);
/* The current resource with the patch applied, as the draft of `write`, whose type and id are set. */
MUST_CHECK enum status patch_draft(
    struct write *write, struct records_unit *unit, const yyjson_val *patch, struct scope *scope);

#endif
