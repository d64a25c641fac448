/* Whatever the bytes are, every terminology operation ends, its answer is valid R4, and what it refuses it says. The bytes are
 * a body; the first of them also chooses the operation. */
#include "terminology/terminology.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct calling {
    struct terminology *terminology;
    struct terminology_call call;
};

static enum status run_call(void *context, struct scope *scope) {
    const struct calling *calling = context;
    struct text out;
    yyjson_doc *doc = NULL;
    scope->deadline_us = clock_monotonic_us() + 2000000;
    enum status status = terminology_run(&out, calling->terminology, &calling->call, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct scope checking = {.arena = scope->arena};
    invariant(json_read(&doc, out, &checking) == STATUS_OK);
    invariant(fhir_resource_type_of(yyjson_doc_get_root(doc)) != FHIR_TYPE_NONE);
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena *arena = arena_open(64 << 20);
    struct calling calling = {0};
    struct scope scope = {.arena = arena};
    if (size == 0 || terminology_open(&calling.terminology, &(struct terminology_config){0}, &scope) != STATUS_OK) {
        arena_close(arena);
        return 0;
    }
    calling.call.operation = terminology_operation_at(bytes[0] % terminology_operation_count());
    calling.call.body = (struct text){(const char *)bytes + 1, size - 1};
    enum status status = scope_run(&scope, arena, run_call, &calling);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    arena_close(arena);
    terminology_close(calling.terminology);
    return 0;
}
