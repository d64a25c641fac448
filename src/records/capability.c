#include "records/invocation.h"

/* What is claimed here is read from the tables that serve it: types and definitions from `fhir`, parameters from `search`, and
 * the interactions that operation.c dispatches, operations from invocation.c. */

static const char *const type_interactions[] = {
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
};
static const char *const system_interactions[] = {"transaction", "batch", "history-system", "search-system"};

static const char *const search_types[] = {
    [FHIR_SEARCH_NUMBER] = "number",
    [FHIR_SEARCH_DATE] = "date",
    [FHIR_SEARCH_STRING] = "string",
    [FHIR_SEARCH_TOKEN] = "token",
    [FHIR_SEARCH_REFERENCE] = "reference",
    [FHIR_SEARCH_COMPOSITE] = "composite",
    [FHIR_SEARCH_QUANTITY] = "quantity",
    [FHIR_SEARCH_URI] = "uri",
    [FHIR_SEARCH_SPECIAL] = "special",
};

static void write_interactions(struct json_writer *w, const char *const *codes, size_t count) {
    json_name(w, "interaction");
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        json_object_open(w);
        json_member_string(w, "code", codes[i]);
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_includes(struct json_writer *w, fhir_type type, const struct search_parameter_claim *claims,
    size_t count, struct arena *arena) {
    bool open = false;
    for (size_t i = 0; i < count; i++) {
        if (claims[i].type != FHIR_SEARCH_REFERENCE) {
            continue;
        }
        if (!open) {
            json_name(w, "searchInclude");
            json_array_open(w);
            open = true;
        }
        json_string_text(w, text_format(arena, "%s:%s", fhir_type_name(type), claims[i].name));
    }
    if (open) {
        json_array_close(w);
    }
}

static void write_parameters(struct json_writer *w, const struct search_parameter_claim *claims, size_t count) {
    if (count == 0) {
        return;
    }
    json_name(w, "searchParam");
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        json_object_open(w);
        json_member_string(w, "name", claims[i].name);
        json_member_string(w, "definition", claims[i].url);
        json_member_string(w, "type", search_types[claims[i].type]);
        json_object_close(w);
    }
    json_array_close(w);
}

static enum status write_type(
    struct json_writer *w, const struct records *records, fhir_type type, struct scope *scope) {
    struct search_parameter_claim *claims = NULL;
    size_t count = 0;
    enum status status = search_claims(&claims, &count, records->search, type, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const char *name = fhir_type_name(type);
    json_object_open(w);
    json_member_string(w, "type", name);
    json_member_text(w, "profile", text_format(scope->arena, "http://hl7.org/fhir/StructureDefinition/%s", name));
    write_interactions(w, type_interactions, sizeof type_interactions / sizeof *type_interactions);
    json_member_string(w, "versioning", "versioned-update");
    json_member_bool(w, "readHistory", true);
    json_member_bool(w, "updateCreate", true);
    json_member_bool(w, "conditionalCreate", true);
    json_member_string(w, "conditionalRead", "full-support");
    json_member_bool(w, "conditionalUpdate", true);
    json_member_string(w, "conditionalDelete", records->deletes == RECORDS_DELETE_MANY ? "multiple" : "single");
    json_name(w, "referencePolicy");
    json_array_open(w);
    json_string(w, "literal");
    json_string(w, "local");
    if (records->references == RECORDS_REFERENCES_STRICT) {
        json_string(w, "enforced");
    }
    json_array_close(w);
    write_includes(w, type, claims, count, scope->arena);
    write_parameters(w, claims, count);
    invocation_write_capabilities(w, records, type);
    json_object_close(w);
    return STATUS_OK;
}

enum status records_capabilities(struct json_writer *w, struct records *records, struct scope *scope) {
    json_name(w, "resource");
    json_array_open(w);
    for (int number = 1; number <= fhir_resource_count(); number++) {
        enum status status = write_type(w, records, fhir_resource_type((uint16_t)number), scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    json_array_close(w);
    write_interactions(w, system_interactions, sizeof system_interactions / sizeof *system_interactions);
    invocation_write_capabilities(w, records, FHIR_TYPE_NONE);
    return STATUS_OK;
}
