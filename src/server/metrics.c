/* /metrics: figures for a monitor, as Prometheus text (exposition format 0.0.4). No patient's value is among them. */
#include <string.h>

#include "server/exchange.h"

static enum status write_metrics(struct exchange *exchange, struct scope *scope) {
    struct text metrics = {0};
    enum status status =
        referral_metrics(&metrics, exchange->server->config.referral, &exchange->request.caller, scope);
    if (status != STATUS_OK)
        return status;
    exchange->http_status = 200;
    exchange->content_type = "text/plain; version=0.0.4; charset=utf-8";
    exchange->content = metrics;
    return STATUS_OK;
}

bool metrics_is_asked(const struct exchange *exchange) {
    return exchange->server->config.referral != NULL && exchange->path_count == 1 &&
           text_is(exchange->path[0], "metrics");
}

enum status metrics_route(struct exchange *exchange, struct scope *scope) {
    enum status status = coding_take_accept(exchange, EXCHANGE_ALL_CODINGS, scope);
    if (status == STATUS_OK)
        status = local_caller(&exchange->request.caller, exchange, scope);
    if (status != STATUS_OK)
        return status;
    if (!exchange->is_head && strcmp(exchange->method, "GET") != 0) {
        exchange->http_status = 405;
        exchange_header(exchange, "Allow", "GET, HEAD");
        return fault(scope, STATUS_UNSUPPORTED, "", "the method %s is not served here", exchange->method);
    }
    if (!text_is(exchange->request.caller.role, "administrator"))
        return fault(scope, STATUS_DENIED, "", "the metrics are for administrators");
    exchange->worker_handler = write_metrics;
    exchange->step = EXCHANGE_TO_WORKER;
    return STATUS_OK;
}
