#include "cli/document.h"
#include "cli/source.h"

enum status source_json(yyjson_doc **out, struct text json, const char *path, struct scope *scope) {
    struct scope own = {.arena = scope->arena, .deadline_us = scope->deadline_us};
    enum status status = json_read(out, json, &own);
    for (const struct issue *issue = own.fault.first; issue != NULL; issue = issue->next)
        fault(scope, status, path, "%s%s%s", issue->path, issue->path[0] != '\0' ? ": " : "", issue->text);
    return status;
}

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
        status = source_json(&document, json, path, scope);
    if (status == STATUS_OK)
        *out = yyjson_doc_get_root(document);
    return status;
}
