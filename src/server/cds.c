/* CDS Hooks 2.0 over HTTP (https://cds-hooks.hl7.org/2.0/): /cds-services, /cds-services/ID, /cds-services/ID/feedback. The services
 * themselves are referral's. The caller is named by the same headers as everywhere; a bearer token is not read. */
#include <string.h>

#include "server/exchange.h"

static enum status answer(struct exchange *exchange, struct text json) {
    exchange->http_status = 200;
    exchange->content_type = "application/json; charset=utf-8";
    exchange->content = json;
    return STATUS_OK;
}

/* Where the page is: the base of links without its last segment. */
static struct text page_of(const struct exchange *exchange, struct scope *scope) {
    struct text base = exchange->base;
    if (text_ends(base, "/fhir"))
        base.size -= strlen("/fhir");
    return text_format(scope->arena, "%.*s/", (int)base.size, base.at);
}

static struct referral_cds_call call_of(struct exchange *exchange, struct scope *scope) {
    const char *language = exchange_request_header(exchange, "Accept-Language");
    return (struct referral_cds_call){
        .caller = &exchange->request.caller,
        .service = exchange->path[1],
        .body = buffer_text(&exchange->body),
        .page = page_of(exchange, scope),
        .english = language != NULL && strncasecmp(language, "en", 2) == 0,
    };
}

static enum status run_service(struct exchange *exchange, struct scope *scope) {
    const struct referral_cds_call call = call_of(exchange, scope);
    struct text json = {0};
    enum status status = referral_cds_run(&json, exchange->server->config.referral, &call, scope);
    return status == STATUS_OK ? answer(exchange, json) : status;
}

static enum status run_feedback(struct exchange *exchange, struct scope *scope) {
    const struct referral_cds_call call = call_of(exchange, scope);
    enum status status = referral_cds_feedback(exchange->server->config.referral, &call, scope);
    return status == STATUS_OK ? answer(exchange, TEXT("{}")) : status;
}

static enum status discover(struct exchange *exchange, struct scope *scope) {
    struct text json = {0};
    enum status status = referral_cds_services(&json, scope);
    return status == STATUS_OK ? answer(exchange, json) : status;
}

static const struct {
    const char *method;
    size_t parts;
    exchange_handler *run;
} rows[] = {{"GET", 1, discover}, {"POST", 2, run_service}, {"POST", 3, run_feedback}};

bool cds_is_asked(const struct exchange *exchange) {
    return exchange->server->config.referral != NULL && exchange->path_count > 0 &&
           text_is(exchange->path[0], "cds-services");
}

static enum status check_type(struct exchange *exchange, struct scope *scope) {
    const char *type = exchange_request_header(exchange, "Content-Type");
    struct text rest = text_from(type != NULL ? type : "");
    struct text name = text_trim(text_cut(&rest, ';'));
    if (name.size == strlen("application/json") && strncasecmp(name.at, "application/json", name.size) == 0)
        return STATUS_OK;
    exchange->http_status = 415;
    return fault(scope, STATUS_UNSUPPORTED, "", "the Content-Type of a CDS Hooks request is application/json");
}

enum status cds_route(struct exchange *exchange, struct scope *scope) {
    const char *method = exchange->is_head ? "GET" : exchange->method;
    bool is_feedback = exchange->path_count == 3 && text_is(exchange->path[2], "feedback");
    bool has_origins = exchange->server->cors_origin_count > 0;
    exchange_header(exchange, "Vary",
        has_origins ? "Accept-Encoding, Accept-Language, Origin" : "Accept-Encoding, Accept-Language");
    enum status status = coding_take_accept(exchange, EXCHANGE_ALL_CODINGS, scope);
    if (status == STATUS_OK)
        status = coding_take_body(exchange, scope);
    if (status == STATUS_OK)
        status = local_caller(&exchange->request.caller, exchange, scope);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].parts != exchange->path_count || (exchange->path_count == 3 && !is_feedback))
            continue;
        if (strcmp(rows[i].method, method) != 0) {
            exchange->http_status = 405;
            exchange_header(exchange, "Allow", rows[i].parts == 1 ? "GET, HEAD" : rows[i].method);
            return fault(scope, STATUS_UNSUPPORTED, "", "the method %s is not served here", exchange->method);
        }
        exchange->worker_handler = rows[i].run;
        exchange->step = EXCHANGE_TO_WORKER;
        return rows[i].parts == 1 ? STATUS_OK : check_type(exchange, scope);
    }
    return fault(scope, STATUS_NOT_FOUND, "", "there is nothing at this path");
}
