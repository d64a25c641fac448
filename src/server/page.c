/* The embedded page: files made by the build (tools/web/embed), already compressed, with ETags; and /region.json. */
#include <string.h>

#include "server/asset.h"
#include "server/exchange.h"

/* The tag of a file is weak, since it stands for both codings; any of the client's list will do (RFC 9110, 13.1.2). */
static bool is_known(const struct exchange *exchange, const char *etag) {
    struct text list = text_from(exchange_request_header(exchange, "If-None-Match"));
    while (list.size > 0) {
        struct text tag = text_trim(text_cut(&list, ','));
        if (text_starts(tag, "W/"))
            tag = (struct text){tag.at + 2, tag.size - 2};
        if (text_is(tag, etag) || text_is(tag, "*"))
            return true;
    }
    return false;
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
    exchange->is_encoded = true;
    exchange_header(exchange, "ETag", text_format(exchange->arena, "W/%s", asset->etag).at);
    exchange_header(exchange, "Cache-Control", asset->is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
    exchange_header(exchange, "Vary", "Accept-Encoding");
    exchange->content_type = asset->content_type;
    exchange->http_status = 200;
    if (is_known(exchange, asset->etag)) {
        exchange->http_status = 304;
        return STATUS_OK;
    }
    if (asset->gzip != NULL && exchange->coding == EXCHANGE_GZIP) {
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
    exchange_header(exchange, "Vary", "Accept-Encoding");
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
        return coding_take_accept(exchange, EXCHANGE_ALL_CODINGS, scope);
    }
    const struct asset *asset = find_asset(buffer_text(&path));
    if (asset == NULL)
        return fault(scope, STATUS_NOT_FOUND, "", "there is nothing at this path");
    enum status status = coding_take_accept(exchange, EXCHANGE_GZIP_ONLY, scope);
    return status == STATUS_OK ? answer_asset(exchange, asset) : status;
}
