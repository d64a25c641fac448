#include "search/upload.h"

#include <string.h>

#include "search/expression.h"
#include "search/search.h"

/* One SearchParameter while it is read. */
struct reading {
    const struct search *search;
    const struct search_upload *upload;
    const struct search_definition *peers;
    size_t peer_count;
    struct fhir_search_parameter *parameter;
    struct scope *scope;
};

/* ---- what fits ------------------------------------------------------------------------------------------------------ */

/* https://hl7.org/fhir/R4/search.html#table: which datatypes a search type is made of. A profile of a type counts as it. */
static const struct {
    enum fhir_search_type type;
    const char *fitting[20];
} fits[] = {
    {FHIR_SEARCH_NUMBER, {"integer", "decimal", "Range", NULL}},
    {FHIR_SEARCH_DATE, {"date", "dateTime", "instant", "Period", "Timing", NULL}},
    {FHIR_SEARCH_STRING, {"string", "HumanName", "Address", NULL}},
    {FHIR_SEARCH_TOKEN,
        {"Coding", "CodeableConcept", "Identifier", "ContactPoint", "boolean", "string", "uri", "integer", NULL}},
    {FHIR_SEARCH_REFERENCE, {"Reference", "uri", NULL}},
    {FHIR_SEARCH_QUANTITY, {"Quantity", "Money", "Range", "SampledData", NULL}},
    {FHIR_SEARCH_URI, {"uri", NULL}},
};

static bool type_fits(enum fhir_search_type search_type, fhir_type type) {
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        for (const char *const *name = fits[i].fitting; fits[i].type == search_type && *name != NULL; name++) {
            if (fhir_type_is(type, fhir_type_find(text_from(*name)))) {
                return true;
            }
        }
    }
    return search_type == FHIR_SEARCH_COMPOSITE;
}

enum { TYPES_MAX = 64 };

static enum status check_types(const struct reading *reading, struct text branch, fhir_type base, const char *path) {
    fhir_type types[TYPES_MAX];
    size_t count = expression_types(types, TYPES_MAX, branch, base);
    for (size_t i = 0; i < count; i++) {
        if (type_fits(reading->parameter->type, types[i])) {
            return STATUS_OK;
        }
    }
    return count == 0 ? STATUS_OK
                      : fault(reading->scope, STATUS_UNPROCESSABLE, path,
                            "the expression yields %s, which a %s parameter is not made of", fhir_type_name(types[0]),
                            search_type_name(reading->parameter->type));
}

/* ---- simple members -------------------------------------------------------------------------------------------------- */

static enum status read_type(const struct reading *reading) {
    struct text name = json_get_text(reading->upload->resource, "type");
    for (int type = FHIR_SEARCH_NUMBER; type < FHIR_SEARCH_SPECIAL; type++) {
        if (text_is(name, search_type_name((enum fhir_search_type)type))) {
            reading->parameter->type = (enum fhir_search_type)type;
            return STATUS_OK;
        }
    }
    return fault(reading->scope, STATUS_UNPROCESSABLE, "SearchParameter.type",
        "special parameters need code of their own: they are not served by upload");
}

static enum status read_code(const struct reading *reading) {
    struct text code = json_get_text(reading->upload->resource, "code");
    bool is_fine = code.size > 0 && code.size <= UPLOAD_CODE_MAX && code.at[0] != '_';
    for (size_t i = 0; i < code.size && is_fine; i++) {
        char c = code.at[i];
        is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    reading->parameter->code = text_string(reading->scope->arena, code);
    return is_fine ? STATUS_OK
                   : fault(reading->scope, STATUS_UNPROCESSABLE, "SearchParameter.code",
                         "a code has 1 to %d letters, digits, - and _, and does not begin with _", UPLOAD_CODE_MAX);
}

/* A list of type names as rows; abstract ones too. */
static enum status read_type_list(
    const fhir_type **out, uint16_t *count_out, const struct reading *reading, const char *member) {
    const yyjson_val *list = json_get(reading->upload->resource, member);
    fhir_type *types = ARENA_ARRAY(reading->scope->arena, fhir_type, json_count(list) + 1);
    size_t index, size;
    yyjson_val *item;
    *count_out = 0;
    yyjson_arr_foreach((yyjson_val *)list, index, size, item) {
        fhir_type type = fhir_type_find(json_text(item));
        if (type == FHIR_TYPE_NONE || fhir_type_kind(type) != FHIR_RESOURCE || *count_out == UINT16_MAX) {
            return fault(reading->scope, STATUS_UNPROCESSABLE,
                text_format(reading->scope->arena, "SearchParameter.%s[%zu]", member, index).at,
                "no resource type of R4");
        }
        types[(*count_out)++] = type;
    }
    *out = types;
    return STATUS_OK;
}

/* ---- the expression -------------------------------------------------------------------------------------------------- */

static const char expression_path[] = "SearchParameter.expression";

static enum status compile(const struct reading *reading, struct text expression, fhir_type root, const char *path) {
    const struct fhirpath *program = NULL;
    struct scope trial = {.arena = reading->scope->arena};
    enum status status = fhirpath_compile(&program, expression, &trial);
    if (status == STATUS_OK && root != FHIR_TYPE_NONE) {
        status = fhirpath_check(program, root, &trial);
    }
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    return fault(reading->scope, STATUS_UNPROCESSABLE, path, "no FHIRPath expression over %s: %s",
        root == FHIR_TYPE_NONE ? "any resource" : fhir_type_name(root),
        trial.fault.first == NULL ? status_name(status) : trial.fault.first->text);
}

/* Every base has a branch, and every branch of it means something there. */
static enum status check_base(const struct reading *reading, fhir_type base) {
    fhir_type concrete = fhir_type_is_abstract(base) ? FHIR_TYPE_NONE : base;
    enum status status = STATUS_OK;
    size_t concerned = 0;
    for (struct text rest = text_from(reading->parameter->expression); rest.at != NULL && status == STATUS_OK;) {
        struct text branch = expression_cut(&rest);
        if (branch.size == 0 || !catalog_concerns(branch, concrete)) {
            continue;
        }
        concerned++;
        status = compile(reading, branch, base, expression_path);
        if (status == STATUS_OK) {
            status = check_types(reading, branch, base, expression_path);
        }
    }
    if (status == STATUS_OK && concerned == 0) {
        return fault(reading->scope, STATUS_UNPROCESSABLE, expression_path, "no part of the expression is about %s",
            fhir_type_name(base));
    }
    return status;
}

/* What an index cannot hold: what lies behind a reference or a value set, and what changes though nothing is written. */
static const struct {
    const char *call, *behind, *why;
} unindexed[] = {
    {"resolve()", "is ", "of what resolve() leads to only the type is looked at: resolve() is TYPE"},
    {"memberOf(", NULL, "memberOf() is not asked while indexing"},
    {"conformsTo(", NULL, "conformsTo() is not asked while indexing"},
    {"now()", NULL, "an index holds nothing that changes with time"},
    {"today()", NULL, "an index holds nothing that changes with time"},
    {"timeOfDay()", NULL, "an index holds nothing that changes with time"},
};

static enum status check_calls(const struct reading *reading, struct text expression) {
    bool quoted = false;
    for (struct text rest = expression; rest.size > 0; rest = (struct text){rest.at + 1, rest.size - 1}) {
        quoted = rest.at[0] == '\'' ? !quoted : quoted;
        for (size_t i = 0; i < sizeof unindexed / sizeof *unindexed && !quoted; i++) {
            size_t size = strlen(unindexed[i].call);
            if (text_starts(rest, unindexed[i].call) &&
                (unindexed[i].behind == NULL ||
                    !text_starts(text_trim((struct text){rest.at + size, rest.size - size}), unindexed[i].behind))) {
                return fault(reading->scope, STATUS_UNPROCESSABLE, expression_path, "%s", unindexed[i].why);
            }
        }
    }
    return STATUS_OK;
}

static enum status read_expression(const struct reading *reading) {
    struct text expression = json_get_text(reading->upload->resource, "expression");
    if (text_trim(expression).size == 0 || expression.size > UPLOAD_EXPRESSION_MAX) {
        return fault(reading->scope, STATUS_UNPROCESSABLE, expression_path,
            "an active search parameter has an expression of 1 to %d bytes", UPLOAD_EXPRESSION_MAX);
    }
    reading->parameter->expression = text_string(reading->scope->arena, expression);
    size_t branches = 0;
    enum status status = check_calls(reading, expression);
    for (struct text rest = expression; rest.at != NULL && status == STATUS_OK;) {
        struct text branch = expression_cut(&rest);
        if (branch.size == 0 || ++branches > UPLOAD_BRANCHES_MAX) {
            return fault(reading->scope, STATUS_UNPROCESSABLE, expression_path,
                "an expression has 1 to %d parts with | between, none of them empty", UPLOAD_BRANCHES_MAX);
        }
        status = compile(reading, branch, FHIR_TYPE_NONE, expression_path);
    }
    return status;
}

/* ---- components ------------------------------------------------------------------------------------------------------ */

static const struct fhir_search_parameter *find_by_url(const struct reading *reading, const char *url) {
    const struct fhir_search_parameter *found = fhir_search_parameter_by_url(text_from(url));
    for (size_t i = 0; i < reading->peer_count && found == NULL; i++) {
        if (strcmp(reading->peers[i].parameter.url, url) == 0) {
            found = &reading->peers[i].parameter;
        }
    }
    return found;
}

static bool pair_is_served(const enum fhir_search_type *types, size_t count) {
    bool has_head = types[0] == FHIR_SEARCH_TOKEN || types[0] == FHIR_SEARCH_REFERENCE;
    static const bool seconds[] = {[FHIR_SEARCH_TOKEN] = true,
        [FHIR_SEARCH_QUANTITY] = true,
        [FHIR_SEARCH_STRING] = true,
        [FHIR_SEARCH_DATE] = true,
        [FHIR_SEARCH_NUMBER] = true,
        [FHIR_SEARCH_SPECIAL] = false};
    if (count == 3) {
        return has_head && types[1] == FHIR_SEARCH_NUMBER && types[2] == FHIR_SEARCH_NUMBER;
    }
    return count == 2 && has_head && seconds[types[1]];
}

static enum status read_component(struct fhir_search_component *out, enum fhir_search_type *type_out,
    const struct reading *reading, const yyjson_val *component, size_t index) {
    struct arena *arena = reading->scope->arena;
    out->parameter_url = text_string(arena, json_get_text(component, "definition"));
    out->expression = text_string(arena, json_get_text(component, "expression"));
    const struct fhir_search_parameter *meaning = find_by_url(reading, out->parameter_url);
    if (meaning == NULL) {
        return fault(reading->scope, STATUS_UNPROCESSABLE,
            text_format(arena, "SearchParameter.component[%zu].definition", index).at,
            "no search parameter that is served here has this URL");
    }
    *type_out = meaning->type;
    return compile(reading, text_from(out->expression), FHIR_TYPE_NONE,
        text_format(arena, "SearchParameter.component[%zu].expression", index).at);
}

static enum status read_components(const struct reading *reading) {
    const yyjson_val *list = json_get(reading->upload->resource, "component");
    size_t count = json_count(list);
    if (reading->parameter->type != FHIR_SEARCH_COMPOSITE) {
        return STATUS_OK;
    }
    struct fhir_search_component *components =
        ARENA_ARRAY(reading->scope->arena, struct fhir_search_component, COMPONENTS_MAX);
    enum fhir_search_type types[COMPONENTS_MAX] = {FHIR_SEARCH_SPECIAL};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && i < COMPONENTS_MAX && status == STATUS_OK; i++) {
        status = read_component(&components[i], &types[i], reading, json_at(list, i), i);
    }
    if (status == STATUS_OK && !pair_is_served(types, count)) {
        return fault(reading->scope, STATUS_UNPROCESSABLE, "SearchParameter.component",
            "served are a token or reference with a token, quantity, string, date or number, or with two numbers");
    }
    reading->parameter->components = components;
    reading->parameter->component_count = (uint16_t)count;
    return status;
}

/* ---- clashes ---------------------------------------------------------------------------------------------------------- */

/* Each part of `some` that is about the type is also one of `all`. */
static bool is_within(struct text some, struct text all, fhir_type type) {
    while (some.at != NULL) {
        struct text branch = expression_cut(&some);
        bool is_there = !catalog_concerns(branch, type);
        for (struct text rest = all; rest.at != NULL && !is_there;) {
            is_there = text_equal(expression_cut(&rest), branch);
        }
        if (!is_there) {
            return false;
        }
    }
    return true;
}

/* A guide's copy of a parameter of R4: it finds the same. */
static bool is_the_same(const struct reading *reading, const struct fhir_search_parameter *other, fhir_type base) {
    const struct fhir_search_parameter *mine = reading->parameter;
    fhir_type type = fhir_type_is_abstract(base) ? FHIR_TYPE_NONE : base;
    return mine->type == other->type && mine->type != FHIR_SEARCH_COMPOSITE && other->expression != NULL &&
           is_within(text_from(mine->expression), text_from(other->expression), type) &&
           is_within(text_from(other->expression), text_from(mine->expression), type);
}

static enum status clash(const struct reading *reading, const struct parameter *other, fhir_type base) {
    if (other->upload.at == NULL) {
        return fault(reading->scope, STATUS_CONFLICT, "SearchParameter.code",
            "%s has a search parameter of this code already: %s", fhir_type_name(base), other->definition->url);
    }
    return fault(reading->scope, STATUS_CONFLICT, "SearchParameter.code",
        "%s has a search parameter of this code already: SearchParameter/%.*s", fhir_type_name(base),
        (int)other->upload.size, other->upload.at);
}

/* Keeps the base, drops it where the definitions serve the same, or refuses it. */
static enum status judge_base(bool *keeps_out, const struct reading *reading, fhir_type base) {
    bool is_shared = fhir_type_is_abstract(base);
    struct text code = text_from(reading->parameter->code);
    *keeps_out = true;
    for (int number = is_shared ? 0 : fhir_resource_number(base);
         number <= (is_shared ? fhir_resource_count() : fhir_resource_number(base)); number++) {
        fhir_type type = number == 0 ? FHIR_TYPE_NONE : fhir_resource_type((uint16_t)number);
        const struct parameter *other = catalog_find(reading->search, type, code);
        if (other == NULL || text_equal(other->upload, reading->upload->id)) {
            continue;
        }
        if (is_shared || other->upload.at != NULL || !is_the_same(reading, other->definition, base)) {
            return clash(reading, other, type == FHIR_TYPE_NONE ? base : type);
        }
        *keeps_out = false;
    }
    return STATUS_OK;
}

static enum status read_bases(const struct reading *reading) {
    struct fhir_search_parameter *parameter = reading->parameter;
    fhir_type *bases = ARENA_ARRAY(reading->scope->arena, fhir_type, (size_t)parameter->base_count + 1);
    uint16_t kept = 0;
    if (parameter->base_count == 0) {
        return fault(reading->scope, STATUS_UNPROCESSABLE, "SearchParameter.base", "a search parameter has a base");
    }
    for (uint16_t i = 0; i < parameter->base_count; i++) {
        bool keeps;
        enum status status = check_base(reading, parameter->bases[i]);
        if (status == STATUS_OK) {
            status = judge_base(&keeps, reading, parameter->bases[i]);
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (keeps) {
            bases[kept++] = parameter->bases[i];
        }
    }
    parameter->bases = bases;
    parameter->base_count = kept;
    return STATUS_OK;
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */

bool search_upload_is_active(const yyjson_val *resource) {
    return text_is(json_get_text(resource, "status"), "active");
}

enum status upload_read(struct search_definition *out, const struct search *search, const struct search_upload *upload,
    const struct search_definition *peers, size_t peer_count, struct scope *scope) {
    *out = (struct search_definition){.id = text_copy(scope->arena, upload->id)};
    struct fhir_search_parameter *parameter = &out->parameter;
    const struct reading reading = {search, upload, peers, peer_count, parameter, scope};
    parameter->url = text_string(scope->arena, json_get_text(upload->resource, "url"));
    enum status status = read_type(&reading);
    if (status == STATUS_OK) {
        status = read_code(&reading);
    }
    if (status == STATUS_OK) {
        status = read_type_list(&parameter->bases, &parameter->base_count, &reading, "base");
    }
    if (status == STATUS_OK) {
        status = read_type_list(&parameter->targets, &parameter->target_count, &reading, "target");
    }
    if (status == STATUS_OK) {
        status = read_expression(&reading);
    }
    if (status == STATUS_OK) {
        status = read_components(&reading);
    }
    return status == STATUS_OK ? read_bases(&reading) : status;
}
