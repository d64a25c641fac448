/* Whatever the bytes are, reading ends; what is read writes back to the same values. */
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static enum status read_and_write(void *context, struct scope *scope) {
    const struct text *source = context;
    yyjson_doc *first = NULL, *second = NULL;
    struct text folded = text_fold(scope->arena, *source);
    invariant(text_equal(folded, text_fold(scope->arena, folded)));
    enum status status = json_read(&first, *source, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer writer = json_writer_open(scope->arena, 8 << 20);
    json_value(&writer, yyjson_doc_get_root(first));
    struct text written = {NULL, 0};
    status = json_finish(&written, &writer, scope);
    if (status != STATUS_OK) {
        return status;
    }
    invariant(json_read(&second, written, scope) == STATUS_OK);
    invariant(json_equal(yyjson_doc_get_root(first), yyjson_doc_get_root(second)));
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena *arena = arena_open(64 << 20);
    struct text source = {(const char *)bytes, size};
    struct scope scope;
    enum status status = scope_run(&scope, arena, read_and_write, &source);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    arena_close(arena);
    return 0;
}
