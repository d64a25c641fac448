/* /metrics: figures for a monitor, as Prometheus text (exposition format 0.0.4). No patient's value is among them. */
#include <string.h>

#include "server/exchange.h"
#include "store/store.h"

enum { WAITS_BYTES = 16 * 1024 };

static void put_waits(struct buffer *b, const char *name, const char *type, const char *help,
    const struct store_wait_figures figures[static STORE_WAIT_COUNT],
    double (*value)(const struct store_wait_figures *)) {
    buffer_put_format(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    for (int i = 0; i < STORE_WAIT_COUNT; i++)
        buffer_put_format(b, "%s{cause=\"%s\"} %.6g\n", name, store_wait_name((enum store_wait)i), value(&figures[i]));
}

static double waits_counted(const struct store_wait_figures *figures) {
    return (double)figures->count;
}
static double waits_long(const struct store_wait_figures *figures) {
    return (double)figures->long_count;
}
static double waits_seconds(const struct store_wait_figures *figures) {
    return (double)figures->total_us / 1e6;
}
static double waits_longest_s(const struct store_wait_figures *figures) {
    return (double)figures->longest_us / 1e6;
}

/* What the record's own threads and readers waited for: docs/store.md names the causes. */
static void put_store(struct buffer *b, struct store *store) {
    struct store_wait_figures figures[STORE_WAIT_COUNT];
    store_waits(figures, store);
    put_waits(b, "soyang_store_waits_total", "counter", "Waits in the store, by cause.", figures, waits_counted);
    put_waits(b, "soyang_store_wait_seconds_total", "counter", "Their sum.", figures, waits_seconds);
    put_waits(
        b, "soyang_store_waits_long_total", "counter", "Those of 0.3 s and more, also logged.", figures, waits_long);
    put_waits(
        b, "soyang_store_wait_longest_seconds", "gauge", "The longest since the start.", figures, waits_longest_s);
}

static enum status write_metrics(struct exchange *exchange, struct scope *scope) {
    struct text metrics = {0};
    enum status status =
        referral_metrics(&metrics, exchange->server->config.referral, &exchange->request.caller, scope);
    if (status != STATUS_OK)
        return status;
    struct buffer b = buffer_open(scope->arena, metrics.size + WAITS_BYTES);
    buffer_put(&b, metrics);
    put_store(&b, records_store(exchange->server->config.records));
    exchange->http_status = 200;
    exchange->content_type = "text/plain; version=0.0.4; charset=utf-8";
    exchange->content = buffer_text(&b);
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
