/* One JSON document from a file, compressed or not. Private to cli. */
#ifndef SOYANG_CLI_DOCUMENT_H
#define SOYANG_CLI_DOCUMENT_H

#include "base/base.h"

enum { DOCUMENT_MAX = 64 * 1024 * 1024 };
MUST_CHECK enum status source_document(const yyjson_val **out, const char *path, struct scope *scope);

/* JSON of the file `path`: a fault names it. */
MUST_CHECK enum status source_json(yyjson_doc **out, struct text json, const char *path, struct scope *scope);

#endif
