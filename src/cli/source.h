/* A file of FHIR documents, compressed or not: one JSON document, or NDJSON. Private to cli. */
#ifndef SOYANG_CLI_SOURCE_H
#define SOYANG_CLI_SOURCE_H

#include "base/base.h"

struct source;
enum { SOURCE_DOCUMENT_MAX = 256 * 1024 * 1024 };
/* By the name's ending: .gz, .bz2, .zst are decompressed; .ndjson and .jsonl (before that ending) hold one document a line. */
MUST_CHECK enum status source_open(struct source **out, const char *path, struct scope *scope);
/* Whether all of these can be read: before anything is made for them. */
MUST_CHECK enum status sources_stand(const char *const *paths, int count, struct scope *scope);
void source_by_lines(struct source *source); /* a document a line, whatever its name; before the first is taken */
void source_close(struct source *source);    /* accepts NULL */
/* The next document, in scope->arena; none at the end. `line` (1..) is where it starts. */
MUST_CHECK enum status source_next(struct text *out, long *line, struct source *source, struct scope *scope);
/* Part of the file's bytes that were read, 0..1. */
double source_progress(const struct source *source);

#endif
