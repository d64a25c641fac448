#include "cli/document.h"
#include "cli/source.h"

enum status source_document(const yyjson_val **out, const char *path, struct scope *scope) {
    struct source *source = NULL;
    struct text json = {0};
    yyjson_doc *document;
    long line;
    enum status status = source_open(&source, path, scope);
    if (status == STATUS_OK)
        status = source_next(&json, &line, source, scope);
    source_close(source);
    if (status == STATUS_OK && json.size == 0)
        status = fault(scope, STATUS_INVALID, path, "the file is empty");
    if (status == STATUS_OK)
        status = json_read(&document, json, scope);
    if (status == STATUS_OK)
        *out = yyjson_doc_get_root(document);
    return status;
}
