/* The embedded page: files made by the build (tools/web/embed), already compressed, with ETags; and /region.json. */
#include <string.h>

#include "server/asset.h"
#include "server/exchange.h"

static bool accepts_gzip(const struct exchange *exchange) {
    const char *encodings = exchange_request_header(exchange, "Accept-Encoding");
    return encodings != NULL && strstr(encodings, "gzip") != NULL;
}

static const struct asset *find_asset(struct text path) {
    if (path.size == 0)
        path = TEXT("index.html");
    for (size_t i = 0; i < asset_count; i++)
        if (text_is(path, assets[i].path))
            return &assets[i];
    return NULL;
}

static enum status answer_asset(struct exchange *exchange, const struct asset *asset) {
    const char *known = exchange_request_header(exchange, "If-None-Match");
    exchange_header(exchange, "ETag", asset->etag);
    exchange_header(exchange, "Cache-Control", asset->is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
    exchange_header(exchange, "Vary", "Accept-Encoding");
    exchange->content_type = asset->content_type;
    exchange->http_status = 200;
    if (known != NULL && strcmp(known, asset->etag) == 0) {
        exchange->http_status = 304;
        return STATUS_OK;
    }
    if (asset->gzip != NULL && accepts_gzip(exchange)) {
        exchange_header(exchange, "Content-Encoding", "gzip");
        exchange->content = (struct text){asset->gzip, (size_t)(asset->gzip_end - asset->gzip)};
    } else {
        exchange->content = (struct text){asset->plain, (size_t)(asset->plain_end - asset->plain)};
    }
    return STATUS_OK;
}

static enum status answer_map(struct exchange *exchange, struct scope *scope) {
    struct text json;
    enum status status = region_map_json(&json, exchange->server->config.region, scope);
    if (status != STATUS_OK)
        return status;
    exchange->http_status = 200;
    exchange->content_type = "application/json; charset=utf-8";
    exchange->content = json;
    exchange_header(exchange, "Cache-Control", "no-cache");
    return STATUS_OK;
}

static enum status run_map(struct exchange *exchange, struct scope *scope) {
    return answer_map(exchange, scope);
}

enum status page_answer(struct exchange *exchange, struct scope *scope) {
    if (!exchange->is_head && strcmp(exchange->method, "GET") != 0) {
        exchange->http_status = 405;
        exchange_header(exchange, "Allow", "GET, HEAD");
        return fault(scope, STATUS_UNSUPPORTED, "", "the page is only read");
    }
    struct buffer path = buffer_open(scope->arena, SERVER_TARGET_MAX);
    for (size_t i = 0; i < exchange->path_count; i++) {
        buffer_put_string(&path, i > 0 ? "/" : "");
        buffer_put(&path, exchange->path[i]);
    }
    if (text_is(buffer_text(&path), "region.json") && exchange->server->config.region != NULL) {
        exchange->worker_handler = run_map;
        exchange->step = EXCHANGE_TO_WORKER;
        return STATUS_OK;
    }
    const struct asset *asset = find_asset(buffer_text(&path));
    if (asset == NULL)
        return fault(scope, STATUS_NOT_FOUND, "", "there is nothing at this path");
    return answer_asset(exchange, asset);
}
