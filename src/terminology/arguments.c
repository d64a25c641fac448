#include "terminology/arguments.h"

#include <string.h>

enum { ARGUMENTS_MAX = 1000 };

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool is_accepted(const char *const *names, struct text name) {
    static const char *const shared[] = {
        "displayLanguage", "system-version", "check-system-version", "force-system-version", "tx-resource", NULL};
    for (size_t i = 0; shared[i] != NULL; i++) {
        if (text_is(name, shared[i])) {
            return true;
        }
    }
    for (size_t i = 0; names[i] != NULL; i++) {
        if (text_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static enum status add(struct arguments *out, const char *const *names, const struct argument *argument) {
    struct text name = argument->name;
    if (!is_accepted(names, name)) {
        return fault_coded(out->scope, STATUS_INVALID, "not-supported", "",
            "%.*s: the operation has no such parameter here", (int)name.size, name.size > 0 ? name.at : "");
    }
    if (out->count == ARGUMENTS_MAX) {
        return fault(out->scope, STATUS_TOO_COSTLY, "", "more than %d parameters", ARGUMENTS_MAX);
    }
    out->at[out->count++] = *argument;
    return STATUS_OK;
}

/* value[x] of any type; a resource; or parts. */
static struct argument read_entry(const yyjson_val *entry) {
    struct argument argument = {.name = json_get_text(entry, "name"), .node = entry};
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)entry);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        const yyjson_val *value = yyjson_obj_iter_get_val(key);
        if (text_is(json_text(key), "resource")) {
            argument.node = value;
        } else if (!text_starts(json_text(key), "value")) {
            continue;
        } else if (yyjson_is_obj((yyjson_val *)value)) {
            argument.node = value;
        } else if (yyjson_is_bool((yyjson_val *)value)) {
            argument.value = yyjson_is_true((yyjson_val *)value) ? TEXT("true") : TEXT("false");
        } else {
            argument.value = yyjson_is_str((yyjson_val *)value) ? json_text(value) : json_number_text(value);
        }
    }
    return argument;
}

static enum status read_body(
    struct arguments *out, struct text body, const char *const *names, const char *whole_name) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body, out->scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(doc);
    if (!text_is(json_get_text(root, "resourceType"), "Parameters")) {
        if (whole_name == NULL || json_get(root, "resourceType") == NULL) {
            return fault(out->scope, STATUS_INVALID, "resourceType", "the body is not a Parameters resource");
        }
        const struct argument whole = {.name = text_from(whole_name), .node = root};
        return add(out, names, &whole);
    }
    yyjson_arr_iter entries = yyjson_arr_iter_with(json_get(root, "parameter"));
    for (yyjson_val *entry; status == STATUS_OK && (entry = yyjson_arr_iter_next(&entries)) != NULL;) {
        const struct argument argument = read_entry(entry);
        status = add(out, names, &argument);
    }
    return status;
}

enum status arguments_read(struct arguments *out, const struct terminology_call *call, const char *const *names,
    const char *whole_name, struct scope *scope) {
    enum status status = STATUS_OK;
    *out = (struct arguments){.scope = scope, .at = ARENA_ARRAY(scope->arena, struct argument, ARGUMENTS_MAX)};
    if (call->body.size > 0) {
        status = read_body(out, call->body, names, whole_name);
    }
    for (size_t i = 0; i < call->pair_count && status == STATUS_OK; i++) {
        const struct argument argument = {.name = call->pairs[i].name, .value = call->pairs[i].value};
        status = add(out, names, &argument);
    }
    return status;
}

const struct argument *arguments_find(const struct arguments *arguments, const char *name) {
    for (size_t i = 0; i < arguments->count; i++) {
        if (text_is(arguments->at[i].name, name)) {
            return &arguments->at[i];
        }
    }
    return NULL;
}

struct text arguments_text(const struct arguments *arguments, const char *name) {
    const struct argument *found = arguments_find(arguments, name);
    return found == NULL ? (struct text){NULL, 0} : found->value;
}

enum status arguments_bool(bool *out, const struct arguments *arguments, const char *name) {
    const struct argument *found = arguments_find(arguments, name);
    if (found != NULL && !text_is(found->value, "true") && !text_is(found->value, "false")) {
        return fault(arguments->scope, STATUS_INVALID, name, "%s is true or false", name);
    }
    if (found != NULL) {
        *out = text_is(found->value, "true");
    }
    return STATUS_OK;
}

enum status arguments_count(int64_t *out, const struct arguments *arguments, const char *name) {
    const struct argument *found = arguments_find(arguments, name);
    if (found != NULL && (!text_to_int64(out, found->value) || *out < 0)) {
        return fault(arguments->scope, STATUS_INVALID, name, "%s is a number, 0 or more", name);
    }
    return STATUS_OK;
}

struct terminology_coding arguments_coding_of(const yyjson_val *coding) {
    return (struct terminology_coding){
        .system = json_get_text(coding, "system"),
        .version = json_get_text(coding, "version"),
        .code = json_get_text(coding, "code"),
        .display = json_get_text(coding, "display"),
    };
}

bool arguments_coding(struct terminology_coding *out, const struct arguments *arguments, const char *name) {
    const struct argument *found = arguments_find(arguments, name);
    *out = (struct terminology_coding){0};
    if (found == NULL) {
        return false;
    }
    if (found->node != NULL) {
        *out = arguments_coding_of(found->node);
        return true;
    }
    struct text code = found->value;
    struct text system = text_cut(&code, '|');
    out->code = code.at == NULL ? system : code;
    out->system = code.at == NULL ? (struct text){NULL, 0} : system;
    return true;
}

/* ---- the inquiry ------------------------------------------------------------------------------------------------ */

static enum status take_versions(struct inquiry *inquiry, const struct arguments *arguments) {
    static const char *const names[] = {[INQUIRY_VERSION_DEFAULT] = "system-version",
        [INQUIRY_VERSION_CHECK] = "check-system-version",
        [INQUIRY_VERSION_FORCE] = "force-system-version"};
    struct inquiry_version *versions = ARENA_ARRAY(inquiry->scope->arena, struct inquiry_version, arguments->count + 1);
    for (size_t i = 0; i < arguments->count; i++) {
        for (int kind = INQUIRY_VERSION_DEFAULT; kind <= INQUIRY_VERSION_FORCE; kind++) {
            if (!text_is(arguments->at[i].name, names[kind])) {
                continue;
            }
            struct text version = arguments->at[i].value;
            struct text system = text_cut(&version, '|');
            if (system.size == 0 || version.size == 0) {
                return fault(inquiry->scope, STATUS_INVALID, names[kind], "%s is system|version", names[kind]);
            }
            versions[inquiry->version_count++] = (struct inquiry_version){kind, system, version};
        }
    }
    inquiry->versions = versions;
    return STATUS_OK;
}

static enum status take_resource(struct inquiry *inquiry, const yyjson_val *resource) {
    struct text type = json_get_text(resource, "resourceType");
    for (int kind = 0; kind < SHELF_KINDS; kind++) {
        if (text_is(type, fhir_type_name(shelf_type(kind)))) {
            struct shelf_ref ref;
            return inquiry_give(&ref, inquiry, kind, resource);
        }
    }
    return fault(inquiry->scope, STATUS_INVALID, "tx-resource", "a code system, value set or concept map is due");
}

enum status arguments_inquiry(struct inquiry *out, const struct arguments *arguments, struct terminology *terminology) {
    *out = (struct inquiry){.terminology = terminology,
        .scope = arguments->scope,
        .language = arguments_text(arguments, "displayLanguage")};
    enum status status = take_versions(out, arguments);
    for (size_t i = 0; i < arguments->count && status == STATUS_OK; i++) {
        if (text_is(arguments->at[i].name, "tx-resource")) {
            status = take_resource(out, arguments->at[i].node);
        }
    }
    return status;
}

/* ---- codings ---------------------------------------------------------------------------------------------------- */

static void take_concept(struct codings *out, const yyjson_val *concept, struct arena *arena) {
    const yyjson_val *codings = json_get(concept, "coding");
    out->at = ARENA_ARRAY(arena, struct terminology_coding, json_count(codings) + 1);
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)codings);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        out->at[out->count++] = arguments_coding_of(item);
    }
    out->form = CODINGS_CONCEPT;
}

enum status arguments_codings(
    struct codings *out, const struct arguments *arguments, const char *system_name, const char *version_name) {
    struct scope *scope = arguments->scope;
    const struct argument *concept = arguments_find(arguments, "codeableConcept");
    const struct argument *code = arguments_find(arguments, "code");
    int given = (concept != NULL) + (code != NULL) + (arguments_find(arguments, "coding") != NULL);
    *out = (struct codings){0};
    if (given != 1) {
        return fault(scope, STATUS_INVALID, "code", "expected one of code, coding and codeableConcept");
    }
    if (concept != NULL) {
        if (concept->node == NULL) {
            return fault(scope, STATUS_INVALID, "codeableConcept", "a codeableConcept is sent by POST");
        }
        take_concept(out, concept->node, scope->arena);
        return STATUS_OK;
    }
    out->at = ARENA_NEW(scope->arena, struct terminology_coding);
    out->count = 1;
    out->form = code != NULL ? CODINGS_CODE : CODINGS_CODING;
    if (code == NULL) {
        (void)arguments_coding(out->at, arguments, "coding");
        return STATUS_OK;
    }
    *out->at = (struct terminology_coding){
        .system = arguments_text(arguments, system_name),
        .version = arguments_text(arguments, version_name),
        .code = code->value,
        .display = arguments_text(arguments, "display"),
    };
    return STATUS_OK;
}
