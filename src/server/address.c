/* How this server is known from outside: its public URL, and what a trusted proxy says of a request (Forwarded, RFC 7239;
 * X-Forwarded-Proto, -Host, -Port, -Prefix).
 *
 * Of a list only the last member counts: it was added by the proxy that is trusted, all before it may be a client's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "server/exchange.h"

/* ---- the public URL --------------------------------------------------------------------------------------------- */

static bool is_made_of(struct text text, const char *also) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || strchr(also, c) == NULL))
            return false;
    }
    return true;
}

/* "host", "host:8443", "[::1]:80". */
static bool is_authority(struct text text) {
    const char *colon = text.size == 0 ? NULL : memrchr(text.at, ':', text.size);
    const char *bracket = text.size == 0 ? NULL : memrchr(text.at, ']', text.size);
    int64_t port = 1;
    if (text.size == 0 || text.size > 255 || !is_made_of(text, "-.:[]_"))
        return false;
    if (colon == NULL || (bracket != NULL && bracket > colon))
        return true;
    struct text digits = {colon + 1, text.size - (size_t)(colon + 1 - text.at)};
    return digits.size <= 5 && colon > text.at && text_to_int64(&port, digits) && port > 0 && port <= 65535;
}

/* "" or "/hospital/a". */
static bool is_path(struct text text) {
    if (text.size == 0)
        return true;
    if (text.at[0] != '/' || text.size > 255 || !is_made_of(text, "-._~/"))
        return false;
    for (size_t i = 1; i < text.size; i++)
        if (text.at[i - 1] == '/' && (text.at[i] == '/' || text.at[i] == '.'))
            return false;
    return true;
}

static struct text without_slash(struct text path) {
    while (path.size > 0 && path.at[path.size - 1] == '/')
        path.size--;
    return path;
}

enum status address_parse(struct address *out, struct text url, struct scope *scope) {
    struct text rest = url;
    size_t scheme = text_starts(url, "https://") ? 8 : text_starts(url, "http://") ? 7 : 0;
    rest.at += scheme;
    rest.size -= scheme;
    struct text path = rest, authority = text_cut(&path, '/');
    path = (struct text){authority.at + authority.size, rest.size - authority.size};
    path = without_slash(path);
    if (scheme == 0 || !is_authority(authority) || !is_path(path))
        return fault(scope, STATUS_INVALID, "--public-url",
            "the base of all links, like https://fhir.example.org/fhir, without query or fragment");
    size_t origin = scheme + authority.size;
    struct text base = text_copy(scope->arena, (struct text){url.at, origin + path.size});
    *out = (struct address){base, {base.at, origin}, {base.at + scheme, authority.size}};
    return STATUS_OK;
}

enum status server_check_public_url(const char *url, struct scope *scope) {
    struct address unused;
    return url == NULL ? STATUS_OK : address_parse(&unused, text_from(url), scope);
}

enum status server_check_proxies(const char *addresses, struct scope *scope) {
    for (struct text rest = text_from(addresses); rest.size > 0;) {
        struct in_addr address;
        const char *one = text_string(scope->arena, text_trim(text_cut(&rest, ',')));
        if (inet_pton(AF_INET, one, &address) != 1)
            return fault(scope, STATUS_INVALID, "--trust-proxy", "an IPv4 address, like 127.0.0.1");
    }
    return STATUS_OK;
}

/* ---- what a proxy says ------------------------------------------------------------------------------------------ */

struct forwarded {
    struct text scheme, host, port, prefix;
};

static bool is_from_proxy(const struct exchange *exchange) {
    const struct server *server = exchange->server;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr->sa_family != AF_INET)
        return false;
    struct sockaddr_in peer;
    memcpy(&peer, info->client_addr, sizeof peer);
    for (size_t i = 0; i < server->proxy_count; i++)
        if (server->proxies[i] == peer.sin_addr.s_addr)
            return true;
    return false;
}

static struct text last_of(const char *header) {
    struct text rest = text_from(header), last = {0};
    while (rest.size > 0)
        last = text_trim(text_cut(&rest, ','));
    return last;
}

static struct text unquoted(struct text value) {
    bool is_quoted = value.size >= 2 && value.at[0] == '"' && value.at[value.size - 1] == '"';
    return is_quoted ? (struct text){value.at + 1, value.size - 2} : value;
}

static bool is_name(struct text name, const char *expected) {
    return name.size == strlen(expected) && strncasecmp(name.at, expected, name.size) == 0;
}

static void read_forwarded(struct forwarded *out, const char *header) {
    struct text element = last_of(header);
    while (element.size > 0) {
        struct text value = text_trim(text_cut(&element, ';'));
        struct text name = text_cut(&value, '=');
        if (is_name(name, "proto"))
            out->scheme = unquoted(value);
        else if (is_name(name, "host"))
            out->host = unquoted(value);
    }
}

static struct text header_or(const struct exchange *exchange, const char *name, struct text otherwise) {
    const char *value = exchange_request_header(exchange, name);
    return otherwise.size > 0 || value == NULL ? otherwise : last_of(value);
}

static bool has_port(struct text host) {
    return memchr(host.at, ':', host.size) != NULL && host.at[host.size - 1] != ']';
}

static enum status compose(struct exchange *exchange, const struct forwarded *said, struct scope *scope) {
    bool is_secure = is_name(said->scheme, "https");
    int64_t port = 0;
    if ((!is_secure && !is_name(said->scheme, "http")) || !is_authority(said->host) || !is_path(said->prefix) ||
        (said->port.size > 0 && (!text_to_int64(&port, said->port) || port < 1 || port > 65535)))
        return fault(scope, STATUS_INVALID, "Forwarded", "the proxy's forwarded headers are no address");
    struct buffer base = buffer_open(scope->arena, 1024);
    buffer_put_string(&base, is_secure ? "https://" : "http://");
    buffer_put(&base, said->host);
    if (port != 0 && !has_port(said->host) && port != (is_secure ? 443 : 80))
        buffer_put_format(&base, ":%d", (int)port);
    buffer_put(&base, without_slash(said->prefix));
    buffer_put_string(&base, "/fhir");
    exchange->base = buffer_text(&base);
    return STATUS_OK;
}

enum status address_take(struct exchange *exchange, struct scope *scope) {
    exchange->base = exchange->server->address.base;
    if (exchange->server->proxy_count == 0 || !is_from_proxy(exchange))
        return STATUS_OK;
    struct forwarded said = {0};
    const char *header = exchange_request_header(exchange, "Forwarded");
    if (header != NULL)
        read_forwarded(&said, header);
    said.scheme = header_or(exchange, "X-Forwarded-Proto", said.scheme);
    said.host = header_or(exchange, "X-Forwarded-Host", said.host);
    said.port = header_or(exchange, "X-Forwarded-Port", said.port);
    said.prefix = header_or(exchange, "X-Forwarded-Prefix", said.prefix);
    if (said.scheme.size + said.host.size + said.port.size + said.prefix.size == 0)
        return STATUS_OK;
    if (said.host.size == 0) /* checked before: it is ours */
        said.host = text_from(exchange_request_header(exchange, "Host"));
    if (said.scheme.size == 0)
        said.scheme = TEXT("http");
    return compose(exchange, &said, scope);
}

/* The page that this server itself serves, as the client's browser knows it. */
bool address_is_of_page(const struct exchange *exchange, const char *origin) {
    size_t size = strlen(origin);
    struct text base = exchange->base;
    return base.size > size && memcmp(base.at, origin, size) == 0 && base.at[size] == '/';
}

/* ---- references to ourselves ------------------------------------------------------------------------------------ */

static bool is_foreign(const struct exchange *exchange) {
    return !text_equal(exchange->base, exchange->server->address.base);
}

static bool is_below(struct text base, struct text value) {
    return value.size > base.size + 1 && memcmp(value.at, base.at, base.size) == 0 && value.at[base.size] == '/';
}

struct text address_localise_value(const struct exchange *exchange, struct text value) {
    if (!is_foreign(exchange) || !is_below(exchange->base, value))
        return value;
    size_t cut = exchange->base.size + 1;
    return (struct text){value.at + cut, value.size - cut};
}

static const char *after_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* Start of the string that is the value of the member at `at`; NULL when it is none of ours. */
static const char *own_value(const char *at, const char *end, struct text base) {
    at = after_blanks(at, end);
    if (at == end || *at != ':')
        return NULL;
    at = after_blanks(at + 1, end);
    if (at == end || *at != '"')
        return NULL;
    return is_below(base, (struct text){at + 1, (size_t)(end - at - 1)}) ? at + 1 : NULL;
}

/* A quotation mark inside of a string is escaped: the pattern is a member's name. */
struct text address_localise_body(const struct exchange *exchange, struct text json, struct arena *arena) {
    static const char pattern[] = "\"reference\"";
    if (!is_foreign(exchange) || memmem(json.at, json.size, exchange->base.at, exchange->base.size) == NULL)
        return json;
    struct buffer out = buffer_open(arena, SIZE_MAX);
    const char *from = json.at, *at = json.at, *end = json.at + json.size;
    while ((at = memmem(at, (size_t)(end - at), pattern, sizeof pattern - 1)) != NULL) {
        at += sizeof pattern - 1;
        const char *value = own_value(at, end, exchange->base);
        if (value != NULL) {
            buffer_put(&out, (struct text){from, (size_t)(value - from)});
            from = at = value + exchange->base.size + 1;
        }
    }
    buffer_put(&out, (struct text){from, (size_t)(end - from)});
    return buffer_text(&out);
}
