#include "region/document.h"

#include <stdio.h>

#include "region/locate.h"

enum { DOCUMENT_PATH_MAX = 200, COUNT_MAX = 1000000 };

enum status document_fault(
    struct scope *scope, const struct document *document, const char *path, const char *format, ...) {
    char said[512], where[2 * DOCUMENT_PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    (void)snprintf(where, sizeof where, "%s:%d:%s", document->file, locate_line(document->source, path), path);
    return fault(scope, STATUS_INVALID, where, "%s", said);
}

/* What is wrong with the text is said by json_read without the file's name: it is asked in a scope of its own. */
enum status region_document_read(struct document *out, const char *file, struct text source, struct scope *scope) {
    *out = (struct document){.file = file, .source = source};
    struct scope asked = {.arena = scope->arena, .deadline_us = scope->deadline_us};
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, source, &asked);
    if (status != STATUS_OK) {
        char where[DOCUMENT_PATH_MAX];
        const struct issue *issue = asked.fault.first;
        (void)snprintf(where, sizeof where, "%s:1:%s", file, issue == NULL ? "" : issue->path);
        return fault(scope, STATUS_INVALID, where, "%s", issue == NULL ? "not JSON" : issue->text);
    }
    out->root = yyjson_doc_get_root(doc);
    return yyjson_is_obj((yyjson_val *)out->root) ? STATUS_OK : document_fault(scope, out, "", "is not a JSON object");
}

static void join(char out[static DOCUMENT_PATH_MAX], const char *path, const char *name) {
    (void)snprintf(out, DOCUMENT_PATH_MAX, "%s%s%s", path, path[0] == '\0' ? "" : ".", name);
}

enum status document_text(struct text *out, const struct document *document, const yyjson_val *object, const char *path,
    const char *name, struct scope *scope) {
    *out = text_trim(json_get_text(object, name));
    if (out->size > 0) {
        return STATUS_OK;
    }
    char where[DOCUMENT_PATH_MAX];
    join(where, path, name);
    return document_fault(scope, document, where, "must be a string that says something");
}

enum status document_number(double *out, const struct document *document, const yyjson_val *object, const char *path,
    const char *name, struct scope *scope) {
    if (json_get_double(out, object, name)) {
        return STATUS_OK;
    }
    char where[DOCUMENT_PATH_MAX];
    join(where, path, name);
    return document_fault(scope, document, where, "must be a number");
}

enum status document_count(int64_t *out, const struct document *document, const yyjson_val *object, const char *path,
    const char *name, int64_t low, struct scope *scope) {
    char where[DOCUMENT_PATH_MAX];
    join(where, path, name);
    if (!json_get_int64(out, object, name)) {
        return document_fault(scope, document, where, "must be a whole number");
    }
    if (*out < low) {
        return document_fault(scope, document, where, "must not be below %lld", (long long)low);
    }
    return *out <= COUNT_MAX ? STATUS_OK : document_fault(scope, document, where, "is too large");
}
