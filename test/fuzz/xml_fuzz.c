/* Whatever the bytes are, reading ends; what is read is JSON that is written as XML and comes back the same. Bytes that are
 * JSON are written too: where they are a valid resource, an XML that is read again. */
#include "fhir/fhir.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static enum status parse(const yyjson_val **out, struct text json, struct scope *scope) {
    yyjson_doc *document = NULL;
    enum status status = json_read(&document, json, scope);
    *out = status == STATUS_OK ? yyjson_doc_get_root(document) : NULL;
    return status;
}

static enum status both_ways(void *context, struct scope *scope) {
    const struct text *source = context;
    const yyjson_val *first = NULL, *second = NULL;
    struct text json, xml;
    enum status status = fhir_xml_read(&json, *source, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = parse(&first, json, scope);
    if (status != STATUS_OK) { /* one level too deep */
        return status;
    }
    invariant(fhir_xml_write(&xml, first, FHIR_XML_INDENTED, scope) == STATUS_OK);
    invariant(fhir_xml_read(&json, xml, scope) == STATUS_OK);
    invariant(parse(&second, json, scope) == STATUS_OK);
    invariant(json_equal(first, second));
    return STATUS_OK;
}

static enum status from_json(void *context, struct scope *scope) {
    const yyjson_val *root = NULL;
    struct text json, xml;
    enum status status = parse(&root, *(const struct text *)context, scope);
    if (status == STATUS_OK) {
        status = fhir_check(root, scope);
    }
    if (status != STATUS_OK) {
        struct scope inner = {.arena = scope->arena};
        return root != NULL ? fhir_xml_write(&xml, root, FHIR_XML_COMPACT, &inner) : status;
    }
    invariant(fhir_xml_write(&xml, root, FHIR_XML_COMPACT, scope) == STATUS_OK);
    invariant(fhir_xml_read(&json, xml, scope) == STATUS_OK);
    invariant(parse(&root, json, scope) == STATUS_OK);
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena *arena = arena_open(64 << 20);
    struct text source = {(const char *)bytes, size};
    struct scope scope;
    enum status status = scope_run(&scope, arena, both_ways, &source);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    (void)scope_run(&scope, arena, from_json, &source);
    arena_close(arena);
    return 0;
}
