/* document: a JSON file of a region, with faults that name file, line and element. Private to region. */
#ifndef SOYANG_REGION_DOCUMENT_H
#define SOYANG_REGION_DOCUMENT_H

#include "base/base.h"

struct document {
    const char *file; /* as faults name it; NULL: not loaded */
    struct text source;
    const yyjson_val *root; /* an object */
};
MUST_CHECK enum status region_document_read(
    struct document *out, const char *file, struct text source, struct scope *scope);
/* Says file:line:path. Returns STATUS_INVALID. `path` is where the element is, or should be: "bbox.lat_min". */
enum status document_fault(
    struct scope *scope, const struct document *document, const char *path, const char *format, ...) PRINTF_LIKE(4, 5);

/* Members that must be there, of an object that stands at `path` ("" for the root). */
MUST_CHECK enum status document_text(struct text *out, const struct document *document, const yyjson_val *object,
    const char *path, const char *name, struct scope *scope);
MUST_CHECK enum status document_number(double *out, const struct document *document, const yyjson_val *object,
    const char *path, const char *name, struct scope *scope);
/* A whole number, `low` or more. */
MUST_CHECK enum status document_count(int64_t *out, const struct document *document, const yyjson_val *object,
    const char *path, const char *name, int64_t low, struct scope *scope);

#endif
