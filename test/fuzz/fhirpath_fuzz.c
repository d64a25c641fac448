/* The first line is an expression, the rest a resource. Whatever they are, compiling, checking and evaluating end within their
 * limits, and every item that comes out has a text or is complex. */
#include "fhirpath/fhirpath.h"

enum { FUZZ_STEPS_MAX = 20000, FUZZ_ARENA_MAX = 256 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void look_at(const struct fhirpath_items *items, struct scope *scope) {
    for (size_t i = 0; i < items->count; i++) {
        const struct fhirpath_item *item = &items->at[i];
        struct text text = fhirpath_item_text(item, scope);
        invariant(item->kind == FHIRPATH_NODE || text.at != NULL);
    }
}

static enum status evaluate(void *context, struct scope *scope) {
    struct text rest = *(const struct text *)context, expression = text_cut(&rest, '\n');
    const struct fhirpath *program = NULL;
    yyjson_doc *doc = NULL;
    struct fhirpath_items items = {0};
    if (rest.size == 0) {
        rest = TEXT("{\"resourceType\":\"Patient\",\"id\":\"p\",\"active\":true,\"birthDate\":\"1974-12-25\","
                    "\"_birthDate\":{\"extension\":[{\"url\":\"u\",\"valueDateTime\":\"1974-12-25T14:35:45-05:00\"}]},"
                    "\"name\":[{\"use\":\"official\",\"given\":[\"A\",null],\"_given\":[null,{\"id\":\"x\"}]}],"
                    "\"multipleBirthInteger\":2,\"managingOrganization\":{\"reference\":\"Organization/1\"}}");
    }
    enum status status = fhirpath_compile(&program, expression, scope);
    if (status == STATUS_OK) {
        status = json_read(&doc, rest, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct fhirpath_environment environment = {
        .resource = yyjson_doc_get_root(doc),
        .now_us = INT64_C(1795316645678000),
        .zone_minutes = 540,
        .steps_max = FUZZ_STEPS_MAX,
    };
    struct scope check = {.arena = scope->arena};
    status = fhirpath_check(program, fhir_resource_type_of(environment.resource), &check);
    invariant((status == STATUS_OK) == (check.fault.count == 0));
    status = fhirpath_evaluate(&items, program, NULL, &environment, scope);
    if (status == STATUS_OK && fhir_resource_type_of(environment.resource) != FHIR_TYPE_NONE) {
        look_at(&items, scope);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena *arena = arena_open(FUZZ_ARENA_MAX);
    struct text source = {(const char *)bytes, size};
    struct scope scope;
    enum status status = scope_run(&scope, arena, evaluate, &source);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    arena_close(arena);
    return 0;
}
