/* From a StructureDefinition to a tree: the elements of its snapshot, or those of its base followed by its differential's, are
 * laid over one another in order. */
#include "validate/profile.h"

#define CORE "http://hl7.org/fhir/StructureDefinition/"

struct validate_known {
    struct validate_known *next;
    struct text url, version;
    const struct validate_profile *profile; /* NULL: not known, or of no use */
};

struct compiling {
    const struct validate *validate;
    const struct validate_environment *environment;
    struct validate_profile *profile;
    int depth;
    size_t elements;
};

struct validate_profile_url validate_canonical(struct text canonical) {
    struct validate_profile_url out = {0};
    out.version = canonical;
    out.url = text_cut(&out.version, '|');
    return out;
}

fhir_type validate_core_type(struct text url) {
    if (!text_starts(url, CORE)) {
        return FHIR_TYPE_NONE;
    }
    struct text name = {url.at + sizeof CORE - 1, url.size - (sizeof CORE - 1)};
    fhir_type type = fhir_type_find(name);
    return type != FHIR_TYPE_NONE && fhir_type_kind(type) == FHIR_BACKBONE ? FHIR_TYPE_NONE : type;
}

/* From outside first, so that a record may hold a newer one; *out NULL when there is none. */
static enum status find_definition(const yyjson_val **out, const struct validate_environment *environment,
    struct text url, struct text version, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = STATUS_OK;
    *out = NULL;
    if (environment->find_definition != NULL) {
        status = environment->find_definition(out, environment->context, url, version, scope);
    }
    struct text built_in = validate_published_definition(url);
    if (status != STATUS_OK || *out != NULL || built_in.at == NULL ||
        (version.size > 0 && !text_starts(TEXT(FHIR_VERSION), text_string(scope->arena, version)))) {
        return status;
    }
    status = json_read(&doc, built_in, scope);
    *out = status == STATUS_OK ? yyjson_doc_get_root(doc) : NULL;
    return status;
}

/* ---- compiling -------------------------------------------------------------------------------------------------- */

static enum status lay_elements(struct compiling *compiling, const yyjson_val *elements, struct scope *scope) {
    size_t index, count;
    yyjson_val *each;
    yyjson_arr_foreach((yyjson_val *)elements, index, count, each) {
        if (++compiling->elements > VALIDATE_ELEMENTS_MAX) {
            return fault(scope, STATUS_TOO_COSTLY, "", "a profile of more than %d elements", VALIDATE_ELEMENTS_MAX);
        }
        enum status status = validate_apply_element(compiling->profile->root, compiling->validate, each, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status lay_definition(struct compiling *compiling, const yyjson_val *definition, struct scope *scope);

static enum status lay_base(struct compiling *compiling, struct text canonical, struct scope *scope) {
    const yyjson_val *base = NULL;
    struct validate_profile_url url = validate_canonical(canonical);
    if (canonical.size == 0 || validate_core_type(url.url) != FHIR_TYPE_NONE) {
        return STATUS_OK;
    }
    if (text_is(url.url, compiling->profile->url)) {
        return fault(scope, STATUS_INVALID, "StructureDefinition.baseDefinition", "it is derived from itself");
    }
    if (++compiling->depth > VALIDATE_CHAIN_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "derived over more than %d profiles", VALIDATE_CHAIN_MAX);
    }
    enum status status = find_definition(&base, compiling->environment, url.url, url.version, scope);
    if (status == STATUS_OK && base == NULL) {
        return fault(scope, STATUS_NOT_FOUND, "StructureDefinition.baseDefinition", "the base %.*s is not known here",
            (int)canonical.size, canonical.at);
    }
    return status == STATUS_OK ? lay_definition(compiling, base, scope) : status;
}

static enum status lay_definition(struct compiling *compiling, const yyjson_val *definition, struct scope *scope) {
    const yyjson_val *snapshot = json_get(json_get(definition, "snapshot"), "element");
    if (json_count(snapshot) > 0) {
        return lay_elements(compiling, snapshot, scope);
    }
    enum status status = lay_base(compiling, json_get_text(definition, "baseDefinition"), scope);
    if (status != STATUS_OK) {
        return status;
    }
    return lay_elements(compiling, json_get(json_get(definition, "differential"), "element"), scope);
}

static enum status compile(const struct validate_profile **out, struct compiling *compiling,
    const yyjson_val *definition, struct scope *scope) {
    struct text url = json_get_text(definition, "url"), name = json_get_text(definition, "type");
    struct validate_profile_url canonical_type = validate_canonical(name);
    fhir_type type = validate_core_type(canonical_type.url);
    type = type != FHIR_TYPE_NONE ? type : fhir_type_find(name);
    if (!text_is(json_get_text(definition, "resourceType"), "StructureDefinition") || url.size == 0) {
        return fault(scope, STATUS_INVALID, "StructureDefinition.url", "a StructureDefinition with a url was expected");
    }
    if (type == FHIR_TYPE_NONE || text_is(json_get_text(definition, "kind"), "logical")) {
        return fault(scope, STATUS_UNSUPPORTED, "StructureDefinition.type",
            "profiles of R4's types are supported, logical models are not");
    }
    struct validate_profile *profile = ARENA_NEW(scope->arena, struct validate_profile);
    *profile = (struct validate_profile){
        .contexts = json_get(definition, "context"),
        .root = ARENA_NEW(scope->arena, struct validate_node),
        .url = text_string(scope->arena, url),
        .type = type,
    };
    *profile->root = (struct validate_node){
        .name = text_from(fhir_type_name(type)), .id = fhir_type_name(type), .type = type, .max = UINT32_MAX};
    compiling->profile = profile;
    enum status status = lay_definition(compiling, definition, scope);
    if (status == STATUS_OK) {
        validate_prune(profile->root);
        *out = profile;
    }
    return status;
}

enum status validate_profile_compile(const struct validate_profile **out, const struct validate *validate,
    const yyjson_val *definition, const struct validate_environment *environment, struct scope *scope) {
    struct compiling compiling = {.validate = validate, .environment = environment};
    *out = NULL;
    return compile(out, &compiling, definition, scope);
}

const char *validate_profile_url(const struct validate_profile *profile) {
    return profile->url;
}

fhir_type validate_profile_type(const struct validate_profile *profile) {
    return profile->type;
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

static const struct validate_profile *read_profile(
    struct validate_run *run, const struct validate_frame *frame, struct text url, struct text version) {
    struct scope scope = validate_side_scope(run);
    const yyjson_val *definition = NULL;
    const struct validate_profile *profile = NULL;
    enum status status = find_definition(&definition, run->environment, url, version, &scope);
    if (status == STATUS_OK && definition != NULL) {
        status = validate_profile_compile(&profile, run->validate, definition, run->environment, &scope);
    }
    if (status != STATUS_OK && !validate_stops(run, status)) {
        const struct issue *issue = scope.fault.first;
        validate_say(run, VALIDATE_WARNING, "not-supported", NULL, frame, "the definition %.*s cannot be used: %s%s%s",
            (int)url.size, url.at, issue != NULL ? issue->path : "",
            issue != NULL && issue->path[0] != '\0' ? ": " : "", issue != NULL ? issue->text : status_name(status));
    }
    return profile;
}

const struct validate_profile *validate_find_profile(
    struct validate_run *run, const struct validate_frame *frame, struct text url, struct text version) {
    for (const struct validate_known *known = run->known; known != NULL; known = known->next) {
        if (text_equal(known->url, url) && text_equal(known->version, version)) {
            return known->profile;
        }
    }
    struct validate_known *known = ARENA_NEW(run->scope->arena, struct validate_known);
    *known = (struct validate_known){run->known, url, version, NULL};
    run->known = known;
    known->profile = read_profile(run, frame, url, version);
    return known->profile;
}
