/* What R4 adds to FHIRPath (hl7.org/fhir/R4/fhirpath.html#functions). */
#include "fhirpath/functions.h"
#include "fhirpath/value.h"

#include <string.h>

/* ---- extensions and values -------------------------------------------------------------------------------------- */

static enum status add_extensions(struct collection *out, const struct call *call, struct text url) {
    for (size_t i = 0; i < call->input->count; i++) {
        struct collection all = {0};
        enum status status = member_add_named(&all, call->machine, &call->input->at[i], TEXT("extension"));
        for (size_t j = 0; status == STATUS_OK && j < all.count; j++) {
            if (text_equal(json_get_text(all.at[j].node, "url"), url)) {
                status = collection_add(out, call->machine, &all.at[j]);
            }
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status extension_run(struct collection *out, const struct call *call) {
    struct text url;
    enum presence presence;
    enum status status = call_argument_text(&url, &presence, call, 0);
    return status != STATUS_OK || presence == ABSENT ? status : add_extensions(out, call, url);
}

enum status has_extension_run(struct collection *out, const struct call *call) {
    struct collection found = {0};
    enum status status = extension_run(&found, call);
    return status != STATUS_OK ? status : give_boolean(out, call, found.count > 0);
}

static bool has_value(const struct call *call) {
    struct fhirpath_item value;
    return call->input->count == 1 && item_value(&value, call->machine, &call->input->at[0]) &&
           !(call->input->at[0].kind == FHIRPATH_NODE && yyjson_is_ctn((yyjson_val *)call->input->at[0].node));
}

enum status has_value_run(struct collection *out, const struct call *call) {
    return give_boolean(out, call, has_value(call));
}

enum status get_value_run(struct collection *out, const struct call *call) {
    struct fhirpath_item value;
    return has_value(call) && item_value(&value, call->machine, &call->input->at[0])
               ? collection_add(out, call->machine, &value)
               : STATUS_OK;
}

enum status check_modifiers_run(struct collection *out, const struct call *call) {
    for (size_t i = 0; i < call->input->count; i++) {
        struct collection modifiers = {0};
        enum status status =
            member_add_named(&modifiers, call->machine, &call->input->at[i], TEXT("modifierExtension"));
        for (size_t j = 0; status == STATUS_OK && j < modifiers.count; j++) {
            bool known = false;
            for (uint32_t k = 0; status == STATUS_OK && call_has(call, k) && !known; k++) {
                struct text url;
                enum presence presence;
                status = call_argument_text(&url, &presence, call, k);
                known = status == STATUS_OK && presence == PRESENT &&
                        text_equal(url, json_get_text(modifiers.at[j].node, "url"));
            }
            if (status == STATUS_OK && !known) {
                return machine_fault(call->machine, call->node, "a modifier extension that was not named");
            }
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return collection_add_all(out, call->machine, call->input);
}

/* ---- references ------------------------------------------------------------------------------------------------- */

static const yyjson_val *root_of(const struct machine *m) {
    return m->environment->root_resource != NULL ? m->environment->root_resource : m->environment->resource;
}

static const yyjson_val *find_contained(const struct machine *m, struct text id) {
    yyjson_val *contained = (yyjson_val *)json_get(root_of(m), "contained"), *each;
    size_t index, count;
    if (contained == NULL) {
        return NULL;
    }
    yyjson_arr_foreach(contained, index, count, each) {
        if (text_equal(json_get_text(each, "id"), id)) {
            return each;
        }
    }
    return NULL;
}

/* In a bundle, an entry whose fullUrl is the reference or, for Type/id, ends with it. */
static const yyjson_val *find_in_bundle(const struct machine *m, struct text reference) {
    yyjson_val *entries = (yyjson_val *)json_get(root_of(m), "entry"), *entry;
    size_t index, count;
    if (entries == NULL || fhir_resource_type_of(root_of(m)) != m->program->types.bundle) {
        return NULL;
    }
    yyjson_arr_foreach(entries, index, count, entry) {
        struct text url = json_get_text(entry, "fullUrl");
        bool is_tail = url.size > reference.size && url.at[url.size - reference.size - 1] == '/' &&
                       memcmp(url.at + url.size - reference.size, reference.at, reference.size) == 0;
        if (text_equal(url, reference) || is_tail) {
            return json_get(entry, "resource");
        }
    }
    return NULL;
}

static enum status find_resource(const yyjson_val **out, struct machine *m, struct text reference) {
    if (reference.at[0] == '#') {
        struct text id = {reference.at + 1, reference.size - 1};
        *out = id.size == 0 ? root_of(m) : find_contained(m, id);
        return STATUS_OK;
    }
    *out = find_in_bundle(m, reference);
    if (*out != NULL || m->environment->resolve == NULL) {
        return STATUS_OK;
    }
    return m->environment->resolve(out, m->environment->context, reference, m->scope);
}

/* Without a store: what the reference itself tells of the type it points to. */
static fhir_type told_type(const struct fhirpath_item *item, struct text reference) {
    struct fhir_reference parsed;
    struct text none = {NULL, 0};
    if (reference.size > 0 && fhir_reference_parse(&parsed, reference, none) && parsed.type != FHIR_TYPE_NONE) {
        return parsed.type;
    }
    struct text type = json_get_text(item->node, "type");
    return type.size > 0 ? fhir_type_find(type) : FHIR_TYPE_NONE;
}

static enum status resolve_item(struct collection *out, const struct call *call, const struct fhirpath_item *item) {
    struct machine *m = call->machine;
    struct text reference = {NULL, 0};
    const yyjson_val *resource = NULL;
    enum status status = STATUS_OK;
    if (item->kind == FHIRPATH_NODE && item->type == m->program->types.reference) {
        reference = json_get_text(item->node, "reference");
    } else if (!item_string(&reference, m, item)) {
        return STATUS_OK; /* neither Reference nor url */
    }
    if (reference.size > 0) {
        status = find_resource(&resource, m, reference);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct fhirpath_item found = {.kind = FHIRPATH_NODE, .node = resource};
    if (resource != NULL) {
        found.type = fhir_resource_type_of(resource);
    } else if (m->environment->resolve == NULL) {
        found.type = told_type(item, reference);
    }
    return found.type != FHIR_TYPE_NONE ? collection_add(out, m, &found) : STATUS_OK;
}

enum status resolve_run(struct collection *out, const struct call *call) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < call->input->count; i++) {
        status = resolve_item(out, call, &call->input->at[i]);
    }
    return status;
}

/* ---- terminology and profiles ----------------------------------------------------------------------------------- */

enum status member_of_run(struct collection *out, const struct call *call) {
    const struct fhirpath_item *item = NULL;
    struct text value_set;
    enum presence presence;
    bool is_member = false, is_known = false;
    const struct fhirpath_environment *environment = call->machine->environment;
    enum status status = call_one(&item, call, call->input);
    if (status == STATUS_OK) {
        status = call_argument_text(&value_set, &presence, call, 0);
    }
    if (status != STATUS_OK || item == NULL || presence == ABSENT || environment->member_of == NULL) {
        return status;
    }
    status = environment->member_of(&is_member, &is_known, environment->context, item, value_set, call->machine->scope);
    return status != STATUS_OK || !is_known ? status : give_boolean(out, call, is_member);
}

/* Of the base definitions; profiles are the business of `validate`. */
enum status conforms_to_run(struct collection *out, const struct call *call) {
    static const char base[] = "http://hl7.org/fhir/StructureDefinition/";
    const struct fhirpath_item *item = NULL;
    struct text url;
    enum presence presence;
    enum status status = call_one(&item, call, call->input);
    if (status == STATUS_OK) {
        status = call_argument_text(&url, &presence, call, 0);
    }
    if (status != STATUS_OK || item == NULL || presence == ABSENT) {
        return status;
    }
    fhir_type type = FHIR_TYPE_NONE;
    if (text_starts(url, base)) {
        type = fhir_type_find((struct text){url.at + sizeof base - 1, url.size - (sizeof base - 1)});
    }
    if (type == FHIR_TYPE_NONE) {
        return machine_fault(call->machine, call->node, "an unknown profile");
    }
    return give_boolean(out, call, item->kind == FHIRPATH_NODE && fhir_type_is(item->type, type));
}
