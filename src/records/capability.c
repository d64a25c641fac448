#include "records/invocation.h"

#include <string.h>

/* What is claimed here is read from the tables that serve it: types and definitions from `fhir`, parameters from `search`,
 * interactions from the server's routes, operations from invocation.c. */

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

static void write_interactions(struct json_writer *w, const char *const codes[static RECORDS_CODES_MAX]) {
    json_name(w, "interaction");
    json_array_open(w);
    for (size_t i = 0; i < RECORDS_CODES_MAX && codes[i] != NULL; i++) {
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

/* "relatedPerson": the definitions are named by the type with a small first letter. */
static struct text compartment_id(fhir_type type, struct arena *arena) {
    const char *name = fhir_type_name(type);
    return text_format(arena, "%c%s", name[0] - 'A' + 'a', name + 1);
}

static bool serves(const struct records_served *served, const char *code) {
    for (size_t i = 0; i < RECORDS_CODES_MAX && served->type_interactions[i] != NULL; i++) {
        if (strcmp(served->type_interactions[i], code) == 0) {
            return true;
        }
    }
    return false;
}

/* conditional-delete-status: what a deletion by query does when several match. */
static const char *conditional_delete(const struct records *records, const struct records_served *served) {
    if (!served->deletes_by_query) {
        return "not-supported";
    }
    return records->deletes == RECORDS_DELETE_MANY ? "multiple" : "single";
}

static enum status write_type(struct json_writer *w, const struct records *records, const struct records_served *served,
    fhir_type type, struct scope *scope) {
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
    write_interactions(w, served->type_interactions);
    json_member_string(w, "versioning", "versioned-update");
    json_member_bool(w, "readHistory", serves(served, "vread"));
    json_member_bool(w, "updateCreate", serves(served, "update"));
    json_member_bool(w, "conditionalCreate", served->creates_unless_there);
    json_member_string(w, "conditionalRead", "full-support");
    json_member_bool(w, "conditionalUpdate", served->updates_by_query);
    json_member_string(w, "conditionalDelete", conditional_delete(records, served));
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

/* The compartments that some resource type belongs to. */
static void write_compartments(struct json_writer *w, struct arena *arena) {
    json_name(w, "compartment");
    json_array_open(w);
    for (int owner = 1; owner <= fhir_resource_count(); owner++) {
        fhir_type type = fhir_resource_type((uint16_t)owner);
        bool has_members = false;
        for (int member = 1; member <= fhir_resource_count() && !has_members; member++) {
            has_members = fhir_compartment_parameters(NULL, 0, type, fhir_resource_type((uint16_t)member)) > 0;
        }
        if (has_members) {
            struct text id = compartment_id(type, arena);
            json_string_text(
                w, text_format(arena, "http://hl7.org/fhir/CompartmentDefinition/%.*s", (int)id.size, id.at));
        }
    }
    json_array_close(w);
}

enum status records_capabilities(
    struct json_writer *w, struct records *records, const struct records_served *served, struct scope *scope) {
    json_name(w, "resource");
    json_array_open(w);
    for (int number = 1; number <= fhir_resource_count(); number++) {
        enum status status = write_type(w, records, served, fhir_resource_type((uint16_t)number), scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    json_array_close(w);
    write_interactions(w, served->system_interactions);
    invocation_write_capabilities(w, records, FHIR_TYPE_NONE);
    write_compartments(w, scope->arena);
    return STATUS_OK;
}

enum status records_terminology_capabilities(struct json_writer *w, struct records *records, struct scope *scope) {
    return records->terminology != NULL ? terminology_write_capabilities(w, records->terminology, scope)
                                        : fault(scope, STATUS_UNSUPPORTED, "", "no terminology is served here");
}
