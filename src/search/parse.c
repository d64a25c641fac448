#include <stdlib.h>
#include <string.h>

#include "search/edition.h"
#include "search/filter.h"
#include "search/kind.h"
#include "search/named.h"
#include "search/nearest.h"
#include "search/query.h"

enum { PAIRS_MAX = 200, SORT_NAME_MAX = 64 };

/* One resource type searched, with the filters that only it can plan. */
struct searched_type {
    fhir_type type;
    struct plan_list filters;
    bool is_bound;
};

struct parser {
    const struct search *search;
    const struct search_request *request;
    struct search_query *query;
    struct planner planner; /* its scope is the trial of the pair at hand */
    struct scope *scope;
    struct searched_type *types; /* none: all types */
    size_t type_count;
    struct plan_list shared;
    struct issue *warnings_last;
    bool is_count_zero, has_query;
};

typedef enum status parse_control(struct parser *parser, const struct search_pair *pair);

static enum status malformed(struct parser *parser, const struct search_pair *pair, const char *expected) {
    return fault(
        parser->planner.scope, STATUS_INVALID, "", "%.*s: expected %s", (int)pair->name.size, pair->name.at, expected);
}

/* ---- controls ------------------------------------------------------------------------------------------------------ */

struct word {
    const char *name;
    int value;
};

static bool word_find(int *out, const struct word *words, size_t count, struct text name) {
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, words[i].name)) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

static enum status parse_count(struct parser *parser, const struct search_pair *pair) {
    int64_t count;
    if (!text_to_int64(&count, pair->value) || count < 0) {
        return malformed(parser, pair, "a number of 0 or more");
    }
    size_t most = parser->request->count_max;
    parser->query->count = most > 0 && (uint64_t)count > most ? most : (size_t)count;
    parser->is_count_zero = count == 0;
    return STATUS_OK;
}

static enum status parse_total(struct parser *parser, const struct search_pair *pair) {
    static const struct word words[] = {
        {"none", SEARCH_TOTAL_NONE}, {"estimate", SEARCH_TOTAL_ESTIMATE}, {"accurate", SEARCH_TOTAL_ACCURATE}};
    int value;
    if (!word_find(&value, words, sizeof words / sizeof words[0], pair->value)) {
        return malformed(parser, pair, "none, estimate or accurate");
    }
    parser->query->total = (enum search_total)value;
    return STATUS_OK;
}

static enum status parse_summary(struct parser *parser, const struct search_pair *pair) {
    static const struct word words[] = {{"false", SEARCH_SUMMARY_FALSE}, {"true", SEARCH_SUMMARY_TRUE},
        {"text", SEARCH_SUMMARY_TEXT}, {"data", SEARCH_SUMMARY_DATA}, {"count", SEARCH_SUMMARY_COUNT}};
    int value;
    if (!word_find(&value, words, sizeof words / sizeof words[0], pair->value)) {
        return malformed(parser, pair, "true, text, data, count or false");
    }
    parser->query->summary = (enum search_summary)value;
    return STATUS_OK;
}

static enum status parse_elements(struct parser *parser, const struct search_pair *pair) {
    struct search_query *query = parser->query;
    struct text *elements = ARENA_ARRAY(parser->scope->arena, struct text, query->element_count + pair->value.size + 1);
    size_t count = query->element_count;
    if (count > 0) {
        memcpy(elements, query->elements, count * sizeof *elements);
    }
    for (struct text rest = pair->value; rest.at != NULL;) {
        struct text name = text_trim(text_cut(&rest, ','));
        if (!fhir_path_exists(parser->request->type, name)) {
            return malformed(parser, pair, "names of elements, with commas between");
        }
        elements[count++] = name;
    }
    query->elements = elements;
    query->element_count = count;
    return STATUS_OK;
}

/* Contained resources have no index rows of their own: they are found with what contains them. */
struct containment {
    const char *served, *unserved[2];
};

static enum status check_containment(
    struct parser *parser, const struct search_pair *pair, const struct containment *known) {
    if (text_is(pair->value, known->served)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < 2 && known->unserved[i] != NULL; i++) {
        if (text_is(pair->value, known->unserved[i])) {
            return fault_coded(parser->planner.scope, STATUS_INVALID, "not-supported", "",
                "%.*s: %s is not supported (contained resources are found with what contains them), only %s is",
                (int)pair->name.size, pair->name.at, known->unserved[i], known->served);
        }
    }
    return malformed(parser, pair, known->served);
}

static enum status parse_contained(struct parser *parser, const struct search_pair *pair) {
    static const struct containment known = {"false", {"true", "both"}};
    return check_containment(parser, pair, &known);
}

static enum status parse_contained_type(struct parser *parser, const struct search_pair *pair) {
    static const struct containment known = {"container", {"contained", NULL}};
    return check_containment(parser, pair, &known);
}

static bool sort_equals(const struct store_sort *a, const struct store_sort *b) {
    return a->by == b->by && a->space == b->space && a->type == b->type;
}

/* A key that was asked for before orders nothing any more. */
static enum status sort_add(struct parser *parser, const struct store_sort *sort) {
    struct search_query *query = parser->query;
    for (size_t i = 0; i < query->sort_count; i++) {
        if (sort_equals(&query->sorts[i], sort)) {
            return STATUS_OK;
        }
    }
    if (query->sort_count == STORE_SORTS_MAX) {
        return fault(parser->planner.scope, STATUS_TOO_COSTLY, "", "_sort: more than %d keys", STORE_SORTS_MAX);
    }
    query->sorts[query->sort_count++] = *sort;
    return STATUS_OK;
}

static enum status no_order(struct parser *parser, const struct parameter *parameter) {
    return fault(parser->planner.scope, STATUS_INVALID, "", "_sort: what %s finds has no order", parameter->code);
}

/* Distances are from the points that `near` itself names, which may stand before or behind. */
static enum status sort_by_distance(struct parser *parser, const struct parameter *parameter, bool descending) {
    const struct search_request *request = parser->request;
    struct search_query *query = parser->query;
    if (query->nearest.point_count > 0) {
        return STATUS_OK;
    }
    if (query->sort_count > 0) {
        return fault(parser->planner.scope, STATUS_INVALID, "", "_sort: %s stands before other keys", parameter->code);
    }
    for (size_t i = 0; i < request->pair_count; i++) {
        if (text_is(request->pairs[i].name, parameter->code)) {
            query->nearest.descending = descending;
            return nearest_points_read(&query->nearest, &parser->planner, parameter, &request->pairs[i]);
        }
    }
    return fault(parser->planner.scope, STATUS_INVALID, "",
        "_sort: distances are from the points that %s names, and the search has none", parameter->code);
}

static enum status sort_by(
    struct store_sort *out, struct parser *parser, fhir_type type, const struct parameter *parameter) {
    struct scope *scope = parser->planner.scope;
    out->type = type == FHIR_TYPE_NONE ? 0 : fhir_resource_number(type);
    if (parameter->role == ROLE_UPDATED) {
        out->space = STORE_SPACE_UPDATED;
        return STATUS_OK;
    }
    if (parameter->role == ROLE_ID) {
        out->by = STORE_SORT_ID;
        return STATUS_OK;
    }
    if (parameter->role != ROLE_INDEXED || parameter->use_count == 0) {
        return no_order(parser, parameter);
    }
    out->by = parameter->type == FHIR_SEARCH_REFERENCE ? STORE_SORT_TARGETS : STORE_SORT_KEYS;
    enum status status = planner_reads(&parser->planner, parameter->uses[0].slot);
    return status == STATUS_OK ? slot_space(&out->space, parser->search, parameter->uses[0].slot, FACET_MAIN, scope)
                               : status;
}

/* A composite is ordered by its components, the first one first, each as the parameter that defines it. */
static enum status sort_by_components(
    struct parser *parser, fhir_type type, const struct parameter *composite, struct store_sort sort) {
    const struct fhir_search_parameter *definition = composite->definition;
    enum status status = STATUS_OK;
    for (int i = 0; i < definition->component_count && status == STATUS_OK; i++) {
        const struct parameter *component =
            catalog_find_by_url(parser->search, type, definition->components[i].parameter_url);
        if (component == NULL || component->type == FHIR_SEARCH_COMPOSITE) {
            return no_order(parser, composite);
        }
        struct store_sort own = {.descending = sort.descending};
        status = sort_by(&own, parser, type, component);
        if (status == STATUS_OK) {
            status = sort_add(parser, &own);
        }
    }
    return status;
}

static enum status parse_sort(struct parser *parser, const struct search_pair *pair) {
    fhir_type type = parser->type_count == 1 ? parser->types[0].type : FHIR_TYPE_NONE;
    enum status status = STATUS_OK;
    for (struct text rest = pair->value; rest.at != NULL && status == STATUS_OK;) {
        struct text code = text_cut(&rest, ',');
        struct store_sort sort = {.descending = text_starts(code, "-")};
        if (sort.descending) {
            code = (struct text){code.at + 1, code.size - 1};
        }
        const struct parameter *parameter = catalog_find(parser->search, type, code);
        if (parameter == NULL) {
            return malformed(parser, pair, "names of search parameters, with commas between");
        }
        if (parameter->role == ROLE_NEAR) {
            status = sort_by_distance(parser, parameter, sort.descending);
            continue;
        }
        if (parameter->type == FHIR_SEARCH_COMPOSITE && parameter->use_count > 0) {
            status = sort_by_components(parser, type, parameter, sort);
            continue;
        }
        status = sort_by(&sort, parser, type, parameter);
        if (status == STATUS_OK) {
            status = sort_add(parser, &sort);
        }
    }
    return status;
}

/* "MedicationRequest:requester:Practitioner", "MedicationRequest:*", "*". */
static bool include_read(struct include *out, struct parser *parser, struct text value) {
    if (text_is(value, "*")) {
        return true;
    }
    struct text rest = value;
    struct text type = text_cut(&rest, ':');
    struct text code = text_cut(&rest, ':');
    out->source = fhir_type_find(type);
    if (fhir_resource_number(out->source) == 0 || code.size == 0) {
        return false;
    }
    if (!text_is(code, "*")) {
        out->parameter = catalog_find(parser->search, out->source, code);
        if (out->parameter == NULL || out->parameter->type != FHIR_SEARCH_REFERENCE ||
            out->parameter->role != ROLE_INDEXED) {
            return false;
        }
    }
    if (rest.at != NULL) {
        out->target = fhir_type_find(rest);
        return fhir_resource_number(out->target) != 0;
    }
    return true;
}

static enum status include_add(struct parser *parser, const struct search_pair *pair, bool is_reverse) {
    struct search_query *query = parser->query;
    struct include include = {.is_reverse = is_reverse};
    struct text modifier = pair->name;
    (void)text_cut(&modifier, ':');
    include.is_iterated = text_is(modifier, "iterate") || text_is(modifier, "recurse");
    if (modifier.at != NULL && !include.is_iterated) {
        return malformed(parser, pair, "no modifier, or iterate");
    }
    if (!include_read(&include, parser, pair->value)) {
        return malformed(parser, pair, "Type:reference-parameter, Type:reference-parameter:Type, Type:* or *");
    }
    for (size_t i = 0; include.parameter != NULL && i < include.parameter->use_count; i++) {
        enum status status = planner_reads(&parser->planner, include.parameter->uses[i].slot);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (query->include_count == INCLUDES_MAX) {
        return fault(parser->planner.scope, STATUS_TOO_COSTLY, "", "more than %d includes", INCLUDES_MAX);
    }
    query->includes[query->include_count++] = include;
    return STATUS_OK;
}

static enum status parse_include(struct parser *parser, const struct search_pair *pair) {
    return include_add(parser, pair, false);
}

static enum status parse_revinclude(struct parser *parser, const struct search_pair *pair) {
    return include_add(parser, pair, true);
}

static enum status parse_type(struct parser *parser, const struct search_pair *pair) {
    return parser->request->type == FHIR_TYPE_NONE ? STATUS_OK /* read before the others */
                                                   : malformed(parser, pair, "_type only in a search over all types");
}

/* Criteria under a name, beside others: one query of one type. */
static enum status parse_query(struct parser *parser, const struct search_pair *pair) {
    struct filter filter;
    if (parser->has_query) {
        return malformed(parser, pair, "no more than one query");
    }
    fhir_type type = parser->type_count == 1 ? parser->types[0].type : FHIR_TYPE_NONE;
    enum status status = named_query_plan(&filter, &parser->planner, type, pair->value);
    if (status == STATUS_OK) {
        parser->has_query = true;
        plan_list_add(&parser->planner, &parser->types[0].filters, filter.plan);
        parser->types[0].is_bound = true;
    }
    return status;
}

static enum status parse_nothing(struct parser *parser, const struct search_pair *pair) {
    (void)parser, (void)pair;
    return STATUS_OK;
}

enum control_place { CONTROL_USED, CONTROL_SKIPPED };
static const struct control {
    const char *name;
    parse_control *parse;
    enum control_place place; /* skipped: not of the query, and not in its self link */
} controls[] = {
    {"_count", parse_count, CONTROL_USED},
    {"_total", parse_total, CONTROL_USED},
    {"_summary", parse_summary, CONTROL_USED},
    {"_elements", parse_elements, CONTROL_USED},
    {"_sort", parse_sort, CONTROL_USED},
    {"_include", parse_include, CONTROL_USED},
    {"_revinclude", parse_revinclude, CONTROL_USED},
    {"_type", parse_type, CONTROL_USED},
    {"_contained", parse_contained, CONTROL_USED},
    {"_containedType", parse_contained_type, CONTROL_USED},
    {"_query", parse_query, CONTROL_USED},
    {"_cursor", parse_nothing, CONTROL_SKIPPED},
    {"_format", parse_nothing, CONTROL_SKIPPED},
    {"_pretty", parse_nothing, CONTROL_SKIPPED},
    {"_explain", parse_nothing, CONTROL_SKIPPED},
};

static const struct control *control_find(struct text name) {
    struct text code = text_cut(&name, ':');
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        bool takes_modifier = controls[i].parse == parse_include || controls[i].parse == parse_revinclude;
        if (text_is(code, controls[i].name) && (name.at == NULL || takes_modifier)) {
            return &controls[i];
        }
    }
    return NULL;
}

/* ---- filters ------------------------------------------------------------------------------------------------------- */

static enum status parse_filter(struct parser *parser, const struct search_pair *pair) {
    struct filter filter;
    if (parser->type_count == 0 || (parser->type_count > 1 && filter_is_shared(parser->search, pair->name))) {
        enum status status = filter_plan(&filter, &parser->planner, FHIR_TYPE_NONE, pair->name, pair->value);
        if (status == STATUS_OK) {
            plan_list_add(&parser->planner, &parser->shared, filter.plan);
        }
        return status;
    }
    struct filter *of_type = ARENA_ARRAY(parser->scope->arena, struct filter, parser->type_count);
    for (size_t i = 0; i < parser->type_count; i++) {
        enum status status = filter_plan(&of_type[i], &parser->planner, parser->types[i].type, pair->name, pair->value);
        if (status != STATUS_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < parser->type_count; i++) {
        plan_list_add(&parser->planner, &parser->types[i].filters, of_type[i].plan);
        parser->types[i].is_bound = parser->types[i].is_bound || of_type[i].is_bound;
    }
    return STATUS_OK;
}

/* ---- the types searched -------------------------------------------------------------------------------------------- */

static void type_add(struct parser *parser, fhir_type type) {
    for (size_t i = 0; i < parser->type_count; i++) {
        if (parser->types[i].type == type) {
            return;
        }
    }
    parser->types[parser->type_count++] = (struct searched_type){.type = type};
}

static enum status types_of_pair(struct parser *parser, const struct search_pair *pair) {
    for (struct text rest = pair->value; rest.at != NULL;) {
        fhir_type type = fhir_type_find(text_cut(&rest, ','));
        if (fhir_resource_number(type) == 0) {
            return fault(
                parser->scope, STATUS_INVALID, "", "_type: expected names of resource types, with commas between");
        }
        type_add(parser, type);
    }
    return STATUS_OK;
}

static enum status types_read(struct parser *parser) {
    const struct search_request *request = parser->request;
    parser->types = ARENA_ARRAY(parser->scope->arena, struct searched_type, (size_t)fhir_resource_count() + 1);
    if (request->type != FHIR_TYPE_NONE) {
        type_add(parser, request->type);
        return STATUS_OK;
    }
    for (size_t i = 0; i < request->pair_count; i++) {
        if (text_is(request->pairs[i].name, "_type")) {
            enum status status = types_of_pair(parser, &request->pairs[i]);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    if (parser->type_count > 0 || request->compartment.type == FHIR_TYPE_NONE) {
        return STATUS_OK;
    }
    for (int number = 1; number <= fhir_resource_count(); number++) {
        fhir_type type = fhir_resource_type((uint16_t)number);
        if (filter_has_compartment(request->compartment.type, type)) {
            type_add(parser, type);
        }
    }
    return STATUS_OK;
}

static enum status compartment_add(struct parser *parser) {
    const struct search_request *request = parser->request;
    enum status status = STATUS_OK;
    if (request->compartment.type == FHIR_TYPE_NONE) {
        return status;
    }
    for (size_t i = 0; i < parser->type_count && status == STATUS_OK; i++) {
        plan_node node;
        status = filter_compartment(
            &node, &parser->planner, parser->types[i].type, request->compartment.type, request->compartment.id);
        plan_list_add(&parser->planner, &parser->types[i].filters, node);
        parser->types[i].is_bound = true;
    }
    return status;
}

/* The shared filters and, for each type, its own; a type is named itself where nothing else holds to it. */
static plan_node whole_plan(struct parser *parser) {
    struct planner *planner = &parser->planner;
    struct plan_list all = parser->shared, types = {0};
    for (size_t i = 0; i < parser->type_count; i++) {
        struct searched_type *type = &parser->types[i];
        if (!type->is_bound) {
            plan_list_add(planner, &type->filters, plan_type(planner, type->type));
        }
        plan_list_add(planner, &types, plan_intersect(planner, &type->filters));
    }
    if (types.count > 0) {
        plan_list_add(planner, &all, plan_union(planner, &types));
    }
    if (all.count == 0) {
        plan_list_add(planner, &all, plan_type(planner, FHIR_TYPE_NONE));
    }
    return plan_intersect(planner, &all);
}

/* ---- the request --------------------------------------------------------------------------------------------------- */

static void warnings_add(struct parser *parser, const struct fault *from) {
    for (const struct issue *issue = from->first; issue != NULL; issue = issue->next) {
        struct issue *copy = ARENA_NEW(parser->scope->arena, struct issue);
        *copy = *issue;
        copy->next = NULL;
        if (parser->warnings_last == NULL) {
            parser->query->warnings = copy;
        } else {
            parser->warnings_last->next = copy;
        }
        parser->warnings_last = copy;
    }
}

static enum status parse_pair(struct parser *parser, const struct search_pair *pair) {
    struct scope trial = {.arena = parser->scope->arena, .deadline_us = parser->scope->deadline_us};
    parser->planner.scope = &trial;
    parser->planner.depth = 0;
    parser->planner.met_pending = false;
    const struct search_query before = *parser->query;
    const struct control *control = control_find(pair->name);
    enum status status;
    if (control != NULL && control->place == CONTROL_USED && pair->value.size == 0) {
        status = malformed(parser, pair, "a value");
    } else {
        status = control != NULL ? control->parse(parser, pair) : parse_filter(parser, pair);
    }
    parser->planner.scope = parser->scope;
    bool is_ours = status == STATUS_INVALID || status == STATUS_UNSUPPORTED || parser->planner.met_pending;
    if (status != STATUS_OK && is_ours && parser->request->handling == SEARCH_LENIENT) {
        *parser->query = before; /* also what was read of it before its fault */
        warnings_add(parser, &trial.fault);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        fault_carry(parser->scope, &trial.fault);
        return status;
    }
    if (control == NULL || control->place == CONTROL_USED) {
        parser->query->self[parser->query->self_count++] = *pair;
        parser->query->has_control = parser->query->has_control || control != NULL;
    }
    return STATUS_OK;
}

static void put_part(struct buffer *buffer, struct text part) {
    buffer_put_format(buffer, "%zu:", part.size);
    buffer_put(buffer, part);
}

static void digest_fill(struct search_query *query, const struct search_request *request, struct scope *scope) {
    struct buffer whole = buffer_open(scope->arena, SIZE_MAX);
    put_part(&whole, text_from(request->type == FHIR_TYPE_NONE ? "" : fhir_type_name(request->type)));
    put_part(&whole,
        text_from(request->compartment.type == FHIR_TYPE_NONE ? "" : fhir_type_name(request->compartment.type)));
    put_part(&whole, request->compartment.id);
    for (size_t i = 0; i < query->self_count; i++) {
        put_part(&whole, query->self[i].name);
        put_part(&whole, query->self[i].value);
    }
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(digest, buffer_text(&whole));
    memcpy(query->digest, digest, sizeof query->digest);
}

static enum status cursor_take(struct parser *parser) {
    struct search_query *query = parser->query;
    const struct search_request *request = parser->request;
    for (size_t i = 0; i < request->pair_count; i++) {
        if (!text_is(request->pairs[i].name, "_cursor")) {
            continue;
        }
        if (query->has_cursor) {
            return fault(parser->scope, STATUS_INVALID, "", "_cursor: given twice");
        }
        enum status status = cursor_read(&query->cursor, query, request->pairs[i].value, parser->scope);
        if (status != STATUS_OK) {
            return status;
        }
        query->has_cursor = true;
        query->count = query->cursor.count;
    }
    return STATUS_OK;
}

static struct search_query *query_start(const struct search_request *request, struct scope *scope) {
    struct search_query *query = ARENA_NEW(scope->arena, struct search_query);
    query->type = request->type;
    query->count = request->count_default;
    query->cursor_key = request->cursor_key;
    query->self = ARENA_ARRAY(scope->arena, struct search_pair, request->pair_count + 1);
    query->includes = ARENA_ARRAY(scope->arena, struct include, INCLUDES_MAX);
    return query;
}

enum status search_parse(const struct search_query **out, const struct search *search,
    const struct search_request *request, struct scope *scope) {
    *out = NULL;
    if (request->pair_count > PAIRS_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "more than %d parameters", PAIRS_MAX);
    }
    search = search_hold(search, scope);
    struct search_query *query = query_start(request, scope);
    query->search = search;
    struct parser parser = {.search = search,
        .request = request,
        .query = query,
        .scope = scope,
        .planner = {.search = search, .scope = scope}};
    enum status status = types_read(&parser);
    for (size_t i = 0; i < request->pair_count && status == STATUS_OK; i++) {
        status = parse_pair(&parser, &request->pairs[i]);
    }
    if (status == STATUS_OK) {
        status = compartment_add(&parser);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (parser.is_count_zero && !query->has_cursor) {
        query->summary = SEARCH_SUMMARY_COUNT; /* https://hl7.org/fhir/R4/search.html#count */
    }
    query->plan = whole_plan(&parser);
    digest_fill(query, request, scope);
    query->complete_at_seq = parser.planner.complete_at_seq;
    query->reads_uploads = parser.planner.reads_uploads;
    status = cursor_take(&parser);
    if (status == STATUS_OK) {
        status = planner_check(&parser.planner);
    }
    *out = query;
    return status;
}

enum search_summary search_query_summary(const struct search_query *query) {
    return query->summary;
}

const struct text *search_query_elements(size_t *count_out, const struct search_query *query) {
    *count_out = query->element_count;
    return query->elements;
}
