/* Pages of other origins: listed ones may call, without credentials (https://fetch.spec.whatwg.org/#http-cors-protocol). */
#include <string.h>

#include "server/exchange.h"

#define MAX_AGE_S "600"

static const char methods[] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
static const char request_headers[] =
    "Accept, Accept-Encoding, Accept-Language, Authorization, Content-Encoding, Content-Type, If-Match, "
    "If-Modified-Since, If-None-Exist, "
    "If-None-Match, "
    "Prefer, X-Request-Id, X-Security-Context, X-Soyang-Organization, X-Soyang-Purpose, X-Soyang-Role, X-Soyang-Who";
static const char answer_headers[] =
    "Content-Location, ETag, Last-Modified, Location, X-Request-Id, X-Security-Context";

bool origin_permit(struct exchange *exchange, const char *origin) {
    const struct server *server = exchange->server;
    for (size_t i = 0; i < server->cors_origin_count; i++) {
        if (!text_is(server->cors_origins[i], origin))
            continue;
        exchange_header(exchange, "Access-Control-Allow-Origin", server->cors_origins[i].at);
        exchange_header(exchange, "Access-Control-Expose-Headers", answer_headers);
        return true;
    }
    return false;
}

bool origin_is_preflight(const struct exchange *exchange) {
    return strcmp(exchange->method, "OPTIONS") == 0 && exchange_request_header(exchange, "Origin") != NULL &&
           exchange_request_header(exchange, "Access-Control-Request-Method") != NULL;
}

/* Its origin was let through by local_check. */
enum status origin_preflight(struct exchange *exchange, struct scope *scope) {
    (void)scope;
    exchange_header(exchange, "Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    exchange_header(exchange, "Access-Control-Allow-Methods", methods);
    exchange_header(exchange, "Access-Control-Allow-Headers", request_headers);
    exchange_header(exchange, "Access-Control-Max-Age", MAX_AGE_S);
    exchange->http_status = 204;
    return STATUS_OK;
}

/* "https://page.example.org:8443": scheme and authority, nothing behind. */
static bool is_origin(struct text origin) {
    struct text rest = origin;
    if (!text_starts(origin, "https://") && !text_starts(origin, "http://"))
        return false;
    for (int slashes = 0; slashes < 2; slashes++)
        text_cut(&rest, '/');
    for (size_t i = 0; i < rest.size; i++)
        if (strchr("/?#@*, ", rest.at[i]) != NULL)
            return false;
    return rest.size > 0;
}

enum status server_check_origins(const char *origins, struct scope *scope) {
    for (struct text rest = text_from(origins); rest.size > 0;)
        if (!is_origin(text_trim(text_cut(&rest, ','))))
            return fault(scope, STATUS_INVALID, "--cors-origin",
                "an origin is a scheme and a host, like https://page.example.org; there is no star");
    return STATUS_OK;
}
