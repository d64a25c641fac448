/* From method and path to an interaction (https://hl7.org/fhir/R4/http.html): one table. */
#include <string.h>

#include "server/exchange.h"

/* One letter a path segment after "fhir": T a resource type, I an id, V a version, H "_history", S "_search", M "metadata",
 * O an operation ("$..."), C a type, or *, inside a compartment. */
struct route {
    const char *method, *shape;
    enum records_interaction interaction;
    enum { ROUTE_PLAIN, ROUTE_CONDITIONAL, ROUTE_FORM } kind;
};
static const struct route routes[] = {
    {"GET", "", RECORDS_SEARCH, ROUTE_PLAIN},
    {"POST", "", RECORDS_BUNDLE, ROUTE_PLAIN},
    {"GET", "H", RECORDS_HISTORY_SYSTEM, ROUTE_PLAIN},
    {"POST", "S", RECORDS_SEARCH, ROUTE_FORM},
    {"GET", "S", RECORDS_SEARCH, ROUTE_PLAIN}, /* not in R4's table; well-known clients send it */
    {"GET", "T", RECORDS_SEARCH, ROUTE_PLAIN},
    {"GET", "TS", RECORDS_SEARCH, ROUTE_PLAIN},
    {"POST", "TS", RECORDS_SEARCH, ROUTE_FORM},
    {"POST", "T", RECORDS_CREATE, ROUTE_PLAIN},
    {"PUT", "T", RECORDS_UPDATE, ROUTE_CONDITIONAL},
    {"PATCH", "T", RECORDS_PATCH, ROUTE_CONDITIONAL},
    {"DELETE", "T", RECORDS_DELETE, ROUTE_CONDITIONAL},
    {"GET", "TH", RECORDS_HISTORY_TYPE, ROUTE_PLAIN},
    {"GET", "TI", RECORDS_READ, ROUTE_PLAIN},
    {"PUT", "TI", RECORDS_UPDATE, ROUTE_PLAIN},
    {"PATCH", "TI", RECORDS_PATCH, ROUTE_PLAIN},
    {"DELETE", "TI", RECORDS_DELETE, ROUTE_PLAIN},
    {"GET", "TIH", RECORDS_HISTORY_INSTANCE, ROUTE_PLAIN},
    {"GET", "TIHV", RECORDS_VREAD, ROUTE_PLAIN},
    {"GET", "TIC", RECORDS_SEARCH, ROUTE_PLAIN},
    {"POST", "TICS", RECORDS_SEARCH, ROUTE_FORM},
    {"POST", "TIS", RECORDS_SEARCH, ROUTE_FORM}, /* of all types, as with * */
    {"GET", "O", RECORDS_OPERATION, ROUTE_PLAIN},
    {"POST", "O", RECORDS_OPERATION, ROUTE_PLAIN},
    {"GET", "TO", RECORDS_OPERATION, ROUTE_PLAIN},
    {"POST", "TO", RECORDS_OPERATION, ROUTE_PLAIN},
    {"GET", "TIO", RECORDS_OPERATION, ROUTE_PLAIN},
    {"POST", "TIO", RECORDS_OPERATION, ROUTE_PLAIN},
    {"GET", "TIHVO", RECORDS_OPERATION, ROUTE_PLAIN},
    {"POST", "TIHVO", RECORDS_OPERATION, ROUTE_PLAIN},
};

/* Codes of the capability statement (https://hl7.org/fhir/R4/valueset-type-restful-interaction.html): by interaction, at the level
 * of a type or of the system. A bundle is both of its kinds. */
static const struct {
    enum records_interaction interaction;
    const char *of_type, *of_system, *also;
} codes[] = {
    {RECORDS_READ, "read", NULL, NULL},
    {RECORDS_VREAD, "vread", NULL, NULL},
    {RECORDS_UPDATE, "update", NULL, NULL},
    {RECORDS_PATCH, "patch", NULL, NULL},
    {RECORDS_DELETE, "delete", NULL, NULL},
    {RECORDS_HISTORY_INSTANCE, "history-instance", NULL, NULL},
    {RECORDS_HISTORY_TYPE, "history-type", NULL, NULL},
    {RECORDS_CREATE, "create", NULL, NULL},
    {RECORDS_SEARCH, "search-type", "search-system", NULL},
    {RECORDS_BUNDLE, NULL, "transaction", "batch"},
    {RECORDS_HISTORY_SYSTEM, NULL, "history-system", NULL},
};

static bool is_routed(enum records_interaction interaction, bool of_type, int kind) {
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (routes[i].interaction == interaction && (routes[i].shape[0] == 'T') == of_type &&
            (int)routes[i].kind == kind)
            return true;
    return false;
}

struct records_served route_served(void) {
    struct records_served served = {
        .updates_by_query = is_routed(RECORDS_UPDATE, true, ROUTE_CONDITIONAL),
        .deletes_by_query = is_routed(RECORDS_DELETE, true, ROUTE_CONDITIONAL),
        .creates_unless_there = is_routed(RECORDS_CREATE, true, ROUTE_PLAIN), /* If-None-Exist */
    };
    size_t types = 0, systems = 0;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].of_type != NULL && is_routed(codes[i].interaction, true, ROUTE_PLAIN))
            served.type_interactions[types++] = codes[i].of_type;
        if (codes[i].of_system == NULL || !is_routed(codes[i].interaction, false, ROUTE_PLAIN))
            continue;
        served.system_interactions[systems++] = codes[i].of_system;
        if (codes[i].also != NULL)
            served.system_interactions[systems++] = codes[i].also;
    }
    return served;
}

/* Some type belongs to a compartment of this one. */
static bool has_compartment(fhir_type owner) {
    for (int number = 1; number <= fhir_resource_count(); number++)
        if (fhir_compartment_parameters(NULL, 0, owner, fhir_resource_type((uint16_t)number)) > 0)
            return true;
    return false;
}

/* Letters of the path, or a fault that names the part that is not understood. */
static enum status shape_of(
    char out[static EXCHANGE_PATH_MAX + 1], const struct exchange *exchange, struct scope *scope) {
    size_t n = 0;
    for (size_t i = 1; i < exchange->path_count; i++) {
        struct text part = exchange->path[i];
        char before = n == 0 ? '^' : out[n - 1];
        if (part.at[0] == '$')
            out[n++] = 'O';
        else if (text_is(part, "_history"))
            out[n++] = 'H';
        else if (text_is(part, "_search"))
            out[n++] = 'S';
        else if (text_is(part, "metadata") && before == '^')
            out[n++] = 'M';
        else if (before == 'T')
            out[n++] = 'I';
        else if (before == 'H')
            out[n++] = 'V';
        else if (before == '^' || before == 'I')
            out[n++] = before == '^' ? 'T' : 'C';
        else
            return fault(scope, STATUS_NOT_FOUND, "", "there is nothing at this path");
        bool is_inside = out[n - 1] == 'C' || (out[n - 1] == 'S' && before == 'I');
        if (is_inside && !has_compartment(fhir_type_find(exchange->path[1])))
            return fault(scope, STATUS_NOT_FOUND, "", "the path names a type that has no compartment");
        bool is_type = out[n - 1] == 'T' || (out[n - 1] == 'C' && !text_is(part, "*"));
        if (is_type && fhir_resource_number(fhir_type_find(part)) == 0)
            return fault(scope, STATUS_NOT_FOUND, "", "the path names a resource type that FHIR R4 does not have");
        if (out[n - 1] == 'I' && !fhir_id_is_valid(part))
            return fault(scope, STATUS_INVALID, "", "the id in the path is not 1 to 64 of A-Z a-z 0-9 - .");
    }
    out[n] = '\0';
    return STATUS_OK;
}

static const char *body_type(const struct exchange *exchange) {
    const char *type = exchange_request_header(exchange, "Content-Type");
    return type != NULL ? type : "";
}

static bool type_is(const char *content_type, const char *expected) {
    size_t size = strlen(expected);
    return strncasecmp(content_type, expected, size) == 0 &&
           (content_type[size] == '\0' || content_type[size] == ';' || content_type[size] == ' ');
}

/* JSON Patch in its own type, FHIRPath Patch as Parameters in FHIR's. */
static const char *const patch_formats[] = {
    "application/json-patch+json", "application/fhir+json", "application/fhir+xml"};

void route_write_patch_formats(struct json_writer *w) {
    json_name(w, "patchFormat");
    json_array_open(w);
    for (size_t i = 0; i < sizeof patch_formats / sizeof patch_formats[0]; i++)
        json_string(w, patch_formats[i]);
    json_array_close(w);
}

static const char *accepted_patches(struct scope *scope) {
    struct buffer list = buffer_open(scope->arena, 256);
    for (size_t i = 0; i < sizeof patch_formats / sizeof patch_formats[0]; i++) {
        buffer_put_string(&list, i > 0 ? ", " : "");
        buffer_put_string(&list, patch_formats[i]);
    }
    return text_string(scope->arena, buffer_text(&list));
}

static enum status fill_patch(struct exchange *exchange, struct scope *scope) {
    const char *json_patch = patch_formats[0];
    if (!type_is(body_type(exchange), json_patch)) { /* else FHIRPath Patch: Parameters, in any format */
        exchange->request.patch_format = text_from(patch_formats[1]);
        enum status status = format_take_body(&exchange->request.body, exchange, scope);
        if (exchange->http_status == 415) {
            exchange_header(exchange, "Accept-Patch", accepted_patches(scope)); /* RFC 5789 section 2.2 */
            fault(scope, status, "", "or, for a patch, application/json-patch+json");
        }
        return status;
    }
    exchange->request.patch_format = text_from(json_patch);
    if (exchange->body.size == 0)
        return fault(scope, STATUS_INVALID, "", "the request has no body");
    return STATUS_OK;
}

static struct text header_text(const struct exchange *exchange, const char *name, struct scope *scope) {
    const char *value = exchange_request_header(exchange, name);
    return value != NULL ? text_copy(scope->arena, text_from(value)) : (struct text){0};
}

static void fill_path(struct records_request *request, const struct exchange *exchange, const char *shape) {
    for (size_t i = 0; shape[i] != '\0'; i++) {
        struct text part = exchange->path[i + 1];
        if (shape[i] == 'T')
            request->type = fhir_type_find(part);
        else if (shape[i] == 'I')
            request->id = part;
        else if (shape[i] == 'V')
            request->version = part;
        else if (shape[i] == 'C' || (shape[i] == 'S' && request->id.size > 0)) {
            request->compartment.type = request->type;
            request->compartment.id = request->id;
            request->id = (struct text){0};
            request->type = shape[i] == 'C' ? fhir_type_find(part) : FHIR_TYPE_NONE;
        }
    }
}

/* An operation that changes something is not called by GET. Those of upper modules wait, so that they need a worker. */
static enum status fill_operation(struct exchange *exchange, struct scope *scope) {
    struct records_request *request = &exchange->request;
    struct text name = exchange->path[exchange->path_count - 1];
    request->operation = (struct text){name.at + 1, name.size - 1};
    const struct records_operation *operation = records_operation_find(
        exchange->server->config.records, request->operation, request->type, request->id, request->version);
    if (operation == NULL)
        return records_operation_missing(exchange->server->config.records, request->operation, "", scope);
    bool is_get = exchange->is_head || strcmp(exchange->method, "GET") == 0;
    if (is_get && operation->effect == RECORDS_OPERATION_WRITES) {
        exchange->http_status = 405;
        exchange_header(exchange, "Allow", "POST");
        return fault(scope, STATUS_UNSUPPORTED, "", "an operation that changes something is called by POST");
    }
    exchange->operation = operation->run != NULL ? operation : NULL;
    request->body = (struct text){0};
    return exchange->body.size == 0 ? STATUS_OK : format_take_body(&request->body, exchange, scope);
}

static bool is_word(struct text word, const char *expected) {
    return word.size == strlen(expected) && strncasecmp(word.at, expected, word.size) == 0;
}

/* name=value, or name="value", in either case of letters (RFC 7240 section 2). What is not known is passed over. */
static bool prefers(const struct exchange *exchange, const char *name, const char *value) {
    for (struct text rest = text_from(exchange_request_header(exchange, "Prefer")); rest.size > 0;)
        for (struct text part = text_cut(&rest, ','); part.size > 0;) {
            struct text own = text_trim(text_cut(&part, ';'));
            struct text own_name = text_trim(text_cut(&own, '='));
            own = text_trim(own);
            if (own.size >= 2 && own.at[0] == '"' && own.at[own.size - 1] == '"')
                own = (struct text){own.at + 1, own.size - 2};
            if (is_word(own_name, name) && is_word(own, value))
                return true;
        }
    return false;
}

static enum records_return preferred_return(const struct exchange *exchange) {
    if (prefers(exchange, "return", "minimal"))
        return RECORDS_RETURN_MINIMAL;
    if (prefers(exchange, "return", "representation"))
        return RECORDS_RETURN_REPRESENTATION;
    return prefers(exchange, "return", "OperationOutcome") ? RECORDS_RETURN_OUTCOME : RECORDS_RETURN_UNSAID;
}

/* A reference parameter that names us as the proxy's clients know us. */
static void localise_pairs(struct exchange *exchange) {
    for (size_t i = 0; i < exchange->pair_count; i++) {
        struct text name = exchange->pairs[i].name;
        const struct fhir_search_parameter *parameter =
            fhir_search_parameter_find(exchange->request.type, text_cut(&name, ':'));
        if (parameter != NULL && parameter->type == FHIR_SEARCH_REFERENCE)
            exchange->pairs[i].value = address_localise_value(exchange, exchange->pairs[i].value);
    }
}

static enum status fill_request(
    struct exchange *exchange, const struct route *route, const char *shape, struct scope *scope) {
    struct records_request *request = &exchange->request;
    request->interaction = exchange->interaction = route->interaction;
    request->is_conditional = route->kind == ROUTE_CONDITIONAL;
    request->handling = prefers(exchange, "handling", "lenient") ? SEARCH_LENIENT : SEARCH_STRICT;
    request->returns = preferred_return(exchange);
    fill_path(request, exchange, shape);
    request->if_match = header_text(exchange, "If-Match", scope);
    request->if_none_match = header_text(exchange, "If-None-Match", scope);
    request->if_none_exist = header_text(exchange, "If-None-Exist", scope);
    request->if_modified_since = header_text(exchange, "If-Modified-Since", scope);
    request->body = buffer_text(&exchange->body);
    request->base = exchange->base;
    enum status status = STATUS_OK;
    bool is_binary = request->type == fhir_type_find(TEXT("Binary"));
    if (route->kind == ROUTE_FORM) {
        if (request->body.size > 0 && !type_is(body_type(exchange), "application/x-www-form-urlencoded")) {
            exchange->http_status = 415;
            return fault(
                scope, STATUS_UNSUPPORTED, "", "the Content-Type of _search must be application/x-www-form-urlencoded");
        }
        status = target_parse_form(exchange, request->body, scope);
        request->body = (struct text){0};
    } else if (is_binary && (route->interaction == RECORDS_CREATE || route->interaction == RECORDS_UPDATE)) {
        status = binary_take_body(&request->body, exchange, request->id, scope);
    } else if (route->interaction == RECORDS_CREATE || route->interaction == RECORDS_UPDATE ||
               route->interaction == RECORDS_BUNDLE) {
        status = format_take_body(&request->body, exchange, scope);
    } else if (route->interaction == RECORDS_PATCH) {
        status = fill_patch(exchange, scope);
    } else if (route->interaction == RECORDS_OPERATION) {
        status = fill_operation(exchange, scope);
    }
    request->body = address_localise_body(exchange, request->body, scope->arena);
    localise_pairs(exchange);
    request->pairs = exchange->pairs;
    request->pair_count = exchange->pair_count;
    request->form = exchange->form;
    request->form_count = exchange->form_count;
    exchange->worker_handler = operation_run;
    exchange->step = exchange->operation != NULL               ? EXCHANGE_TO_WORKER
                     : route->interaction == RECORDS_OPERATION ? EXCHANGE_TO_RECORDS_BY_WORKER
                                                               : EXCHANGE_TO_RECORDS;
    return status;
}

/* 404 where no method has the shape, 405 where another has, with Allow. */
static enum status no_route(struct exchange *exchange, const char *shape, struct scope *scope) {
    struct buffer allow = buffer_open(scope->arena, 256);
    if (strcmp(shape, "M") == 0)
        buffer_put_string(&allow, "GET");
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].shape, shape) == 0) {
            buffer_put_string(&allow, allow.size > 0 ? ", " : "");
            buffer_put_string(&allow, routes[i].method);
        }
    if (allow.size == 0)
        return fault(scope, STATUS_NOT_FOUND, "", "there is nothing at this path");
    exchange->http_status = 405;
    exchange_header(exchange, "Allow", text_string(scope->arena, buffer_text(&allow)));
    return fault(scope, STATUS_UNSUPPORTED, "", "the method %s is not served here", exchange->method);
}

static enum status route_fhir(struct exchange *exchange, struct scope *scope) {
    char shape[EXCHANGE_PATH_MAX + 1];
    bool has_origins = exchange->server->cors_origin_count > 0;
    exchange_header(exchange, "Vary", has_origins ? "Accept, Accept-Encoding, Origin" : "Accept, Accept-Encoding");
    enum status status = coding_take_accept(exchange, EXCHANGE_ALL_CODINGS, scope);
    if (status == STATUS_OK)
        status = binary_is_read(exchange) ? binary_take_accept(exchange, scope) : format_take_accept(exchange, scope);
    if (status == STATUS_OK)
        status = coding_take_body(exchange, scope);
    if (status == STATUS_OK)
        status = local_caller(&exchange->request.caller, exchange, scope);
    if (status == STATUS_OK)
        status = shape_of(shape, exchange, scope);
    if (status != STATUS_OK)
        return status;
    const char *method = exchange->is_head ? "GET" : exchange->method;
    if (strcmp(shape, "M") == 0 && strcmp(method, "GET") == 0)
        return capability_answer(exchange, scope);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].method, method) == 0 && strcmp(routes[i].shape, shape) == 0)
            return fill_request(exchange, &routes[i], shape, scope);
    return no_route(exchange, shape, scope);
}

enum { REQUEST_ID_MAX = 200 };

/* Said again, so that the client finds its request (https://hl7.org/fhir/R4/http.html#custom). */
static void echo_request_id(struct exchange *exchange) {
    const char *id = exchange_request_header(exchange, "X-Request-Id");
    size_t size = id != NULL ? strlen(id) : 0;
    for (size_t i = 0; i < size; i++)
        if (id[i] <= ' ' || id[i] > '~')
            return;
    if (size > 0 && size <= REQUEST_ID_MAX)
        exchange_header(exchange, "X-Request-Id", id);
}

enum status route_run(struct exchange *exchange, struct scope *scope) {
    echo_request_id(exchange);
    enum status status = exchange->is_sound ? STATUS_OK : framing_check(exchange, scope);
    target_take_authority(exchange);
    if (status == STATUS_OK)
        status = local_check(exchange, scope);
    if (status == STATUS_OK && origin_is_preflight(exchange))
        return origin_preflight(exchange, scope);
    if (status == STATUS_OK)
        status = exchange_target_parse(exchange, scope);
    if (status != STATUS_OK)
        return status;
    if (exchange->path_count > 0 && text_is(exchange->path[0], "fhir"))
        return route_fhir(exchange, scope);
    if (metrics_is_asked(exchange))
        return metrics_route(exchange, scope);
    if (cds_is_asked(exchange))
        return cds_route(exchange, scope);
    return page_answer(exchange, scope);
}
