#include "terminology/operation.h"

#define DEFINITION(type, name) "http://hl7.org/fhir/OperationDefinition/" type "-" name

static const struct {
    struct terminology_operation face;
    terminology_function *function;
} operations[] = {
    {{"expand", "ValueSet", DEFINITION("ValueSet", "expand"), true, true}, terminology_expand},
    {{"validate-code", "ValueSet", DEFINITION("ValueSet", "validate-code"), true, true},
        terminology_validate_in_value_set},
    {{"validate-code", "CodeSystem", DEFINITION("CodeSystem", "validate-code"), true, true},
        terminology_validate_in_system},
    {{"lookup", "CodeSystem", DEFINITION("CodeSystem", "lookup"), true, false}, terminology_lookup},
    {{"subsumes", "CodeSystem", DEFINITION("CodeSystem", "subsumes"), true, true}, terminology_subsumes},
    {{"translate", "ConceptMap", DEFINITION("ConceptMap", "translate"), true, true}, terminology_translate},
};
enum { OPERATION_COUNT = sizeof operations / sizeof operations[0] };

size_t terminology_operation_count(void) {
    return OPERATION_COUNT;
}

const struct terminology_operation *terminology_operation_at(size_t index) {
    invariant(index < OPERATION_COUNT);
    return &operations[index].face;
}

const struct terminology_operation *terminology_operation_find(fhir_type type, struct text name, bool is_instance) {
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        const struct terminology_operation *face = &operations[i].face;
        if (text_is(name, face->name) && type == fhir_type_find(text_from(face->type)) &&
            (is_instance ? face->on_instance : face->on_type)) {
            return face;
        }
    }
    return NULL;
}

enum status terminology_run(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope) {
    size_t i = 0;
    while (i < OPERATION_COUNT && call->operation != &operations[i].face) {
        i++;
    }
    invariant(i < OPERATION_COUNT);
    return operations[i].function(out, terminology, call, scope);
}

/* ---- what it is about ------------------------------------------------------------------------------------------- */

static enum status find_named(
    struct shelf_ref *out, struct inquiry *inquiry, enum shelf_kind kind, struct text url, struct text version) {
    struct text canonical = url;
    if (version.size > 0) {
        canonical =
            text_format(inquiry->scope->arena, "%.*s|%.*s", (int)url.size, url.at, (int)version.size, version.at);
    }
    return kind == SHELF_SYSTEMS      ? inquiry_system(out, inquiry, url, version)
           : kind == SHELF_VALUE_SETS ? inquiry_value_set(out, inquiry, canonical)
                                      : inquiry_map(out, inquiry, canonical);
}

enum status subject_find(struct shelf_ref *out, struct inquiry *inquiry, const struct subject *subject,
    const struct arguments *arguments, const struct terminology_call *call) {
    static const char *const names[SHELF_KINDS] = {
        [SHELF_SYSTEMS] = "code system", [SHELF_VALUE_SETS] = "value set", [SHELF_MAPS] = "concept map"};
    struct scope *scope = inquiry->scope;
    const struct argument *resource = arguments_find(arguments, subject->resource_name);
    struct text url = arguments_text(arguments, subject->url_name);
    enum status status;
    *out = (struct shelf_ref){0};
    if (call->id.size > 0) {
        status = shelf_find_id(out, inquiry->terminology, subject->kind, call->id, scope);
        return status == STATUS_NOT_FOUND
                   ? fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", names[subject->kind])
                   : status;
    }
    if (resource != NULL) {
        return inquiry_give(out, inquiry, subject->kind, resource->node);
    }
    if (url.size == 0) {
        return STATUS_OK;
    }
    status = find_named(out, inquiry, subject->kind, url, arguments_text(arguments, subject->version_name));
    return status == STATUS_NOT_FOUND ? inquiry_fault_missing(inquiry, names[subject->kind]) : status;
}
