#include "referral/parameters.h"

#include <string.h>

enum status parameters_read(
    const yyjson_val **out, struct text body, const char *const *names, size_t name_count, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(doc);
    if (!text_is(json_get_text(root, "resourceType"), "Parameters")) {
        return fault(scope, STATUS_INVALID, "resourceType", "the body must be a Parameters resource");
    }
    status = fhir_check(root, scope);
    if (status != STATUS_OK) {
        return status;
    }
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(root, "parameter"), index, count, item) {
        bool known = false;
        for (size_t i = 0; i < name_count && !known; i++) {
            known = text_is(json_get_text(item, "name"), names[i]);
        }
        if (!known) {
            const char *path = text_format(scope->arena, "Parameters.parameter[%zu].name", index).at;
            return fault(scope, STATUS_INVALID, path, "this operation knows no such parameter");
        }
    }
    *out = root;
    return STATUS_OK;
}

enum status parameters_once(
    const yyjson_val *parameters, const char *const *names, size_t name_count, struct scope *scope) {
    for (size_t k = 0; k < name_count; k++) {
        size_t i, count, seen = 0;
        yyjson_val *item;
        yyjson_arr_foreach(json_get(parameters, "parameter"), i, count, item) {
            seen += text_is(json_get_text(item, "name"), names[k]);
            if (seen == 2) {
                return fault(scope, STATUS_INVALID, text_format(scope->arena, "Parameters.parameter[%zu].name", i).at,
                    "this parameter is given once");
            }
        }
    }
    return STATUS_OK;
}

const yyjson_val *parameter_find(size_t *index, const yyjson_val *parameters, const char *name) {
    yyjson_val *array = (yyjson_val *)json_get(parameters, "parameter");
    size_t count = yyjson_arr_size(array);
    for (size_t i = *index; i < count; i++) {
        const yyjson_val *item = yyjson_arr_get(array, i);
        if (text_is(json_get_text(item, "name"), name)) {
            *index = i;
            return item;
        }
    }
    return NULL;
}

const char *parameter_path(const yyjson_val *parameters, const char *name, const char *member, struct scope *scope) {
    size_t index = 0;
    if (parameter_find(&index, parameters, name) == NULL) {
        return text_format(scope->arena, "Parameters.parameter.where(name='%s')", name).at;
    }
    return text_format(scope->arena, "Parameters.parameter[%zu]%s%s", index, member[0] == '\0' ? "" : ".", member).at;
}

static const yyjson_val *find(const yyjson_val *parameters, const char *name) {
    size_t index = 0;
    return parameter_find(&index, parameters, name);
}

static enum status refuse(const yyjson_val *parameters, const char *name, const char *member, struct scope *scope) {
    return fault(scope, STATUS_INVALID, parameter_path(parameters, name, member, scope), "the parameter %s takes a %s",
        name, member);
}

enum status parameter_reference(struct text *out, const yyjson_val *parameters, const char *name, struct scope *scope) {
    const yyjson_val *item = find(parameters, name);
    *out = json_get_text(json_get(item, "valueReference"), "reference");
    return item == NULL || out->size > 0 ? STATUS_OK : refuse(parameters, name, "valueReference", scope);
}

enum status parameter_string(struct text *out, const yyjson_val *parameters, const char *name, struct scope *scope) {
    const yyjson_val *item = find(parameters, name);
    *out = json_get_text(item, "valueString");
    return item == NULL || out->size > 0 ? STATUS_OK : refuse(parameters, name, "valueString", scope);
}

enum status parameter_integer(
    bool *found, int64_t *out, const yyjson_val *parameters, const char *name, struct scope *scope) {
    const yyjson_val *item = find(parameters, name);
    *found = item != NULL;
    if (item == NULL) {
        return STATUS_OK;
    }
    return json_get_int64(out, item, "valueInteger") || json_get_int64(out, item, "valuePositiveInt")
               ? STATUS_OK
               : refuse(parameters, name, "valueInteger", scope);
}

enum status parameter_boolean(
    bool *found, bool *out, const yyjson_val *parameters, const char *name, struct scope *scope) {
    const yyjson_val *item = find(parameters, name);
    *found = item != NULL;
    return item == NULL || json_get_bool(out, item, "valueBoolean") ? STATUS_OK
                                                                    : refuse(parameters, name, "valueBoolean", scope);
}

const yyjson_val *parameter_resource(const yyjson_val *parameters, const char *name) {
    return json_get(find(parameters, name), "resource");
}
