/* Who may speak to a server without sign-in: this machine, through our own page or a program; and the caller's headers. */
#include <string.h>

#include "server/exchange.h"

/* Our own loopback names, with our port. */
static bool is_own_authority(const struct server *server, const char *authority) {
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size = strlen(names[i]);
        if (strncmp(authority, names[i], size) == 0 && authority[size] == ':' &&
            text_is(server->port_text, authority + size + 1))
            return true;
    }
    return false;
}

/* The name that a configured proxy passes on. */
static bool is_public_authority(const struct server *server, const char *authority) {
    return server->config.public_url != NULL && text_is(server->address.authority, authority);
}

static bool is_own_page(const struct exchange *exchange, const char *origin) {
    return (strncmp(origin, "http://", 7) == 0 && is_own_authority(exchange->server, origin + 7)) ||
           (exchange->server->config.public_url != NULL && text_is(exchange->server->address.origin, origin)) ||
           address_is_of_page(exchange, origin);
}

/* The Host that came is what counts, whatever a forwarded header says: a page whose name leads here sends its own. */
enum status local_check(struct exchange *exchange, struct scope *scope) {
    const char *host = exchange->authority.size > 0 ? text_string(scope->arena, exchange->authority)
                                                    : exchange_request_header(exchange, "Host");
    if (host == NULL || (!is_own_authority(exchange->server, host) && !is_public_authority(exchange->server, host)))
        return fault(scope, STATUS_DENIED, "",
            "the Host header is not this server's loopback address; until sign-in exists it answers "
            "this machine only");
    enum status status = address_take(exchange, scope);
    const char *origin = exchange_request_header(exchange, "Origin");
    if (status != STATUS_OK || origin == NULL || is_own_page(exchange, origin) || origin_permit(exchange, origin))
        return status;
    return fault(scope, STATUS_DENIED, "",
        "the Origin header is another site's; until sign-in exists only this server's own page and listed ones may "
        "call");
}

static const char *const roles[] = {
    "primary-care", "crew", "receiving", "control-room", "planner", "researcher", "administrator", NULL};
static const char *const purposes[] = {"TREAT", "ETREAT", "HOPERAT", "HRESCH", "HSYSADMIN", "PUBHLTH", "PATRQT", NULL};

/* One header of docs/api.md: absent, it is the local operator's; present, it must be one of `allowed` (NULL: any text). */
static enum status caller_header(struct text *out, const struct exchange *exchange, const char *name,
    const char *otherwise, const char *const *allowed, struct scope *scope) {
    const char *value = exchange_request_header(exchange, name);
    if (value == NULL) {
        *out = text_from(otherwise);
        return STATUS_OK;
    }
    if (value[0] == '\0' || strlen(value) > 200)
        return fault(scope, STATUS_DENIED, name, "the header %s is empty or too long", name);
    *out = text_copy(scope->arena, text_from(value));
    for (size_t i = 0; allowed != NULL; i++) {
        if (allowed[i] == NULL)
            return fault(scope, STATUS_DENIED, name, "the header %s has an unknown code", name);
        if (strcmp(allowed[i], value) == 0)
            break;
    }
    return STATUS_OK;
}

enum status local_caller(struct records_caller *out, const struct exchange *exchange, struct scope *scope) {
    enum status status = caller_header(&out->who, exchange, "X-Soyang-Who", "Device/local", NULL, scope);
    if (status == STATUS_OK)
        status =
            caller_header(&out->organisation, exchange, "X-Soyang-Organization", "Organization/local", NULL, scope);
    if (status == STATUS_OK)
        status = caller_header(&out->role, exchange, "X-Soyang-Role", "administrator", roles, scope);
    if (status == STATUS_OK)
        status = caller_header(&out->purpose, exchange, "X-Soyang-Purpose", "HSYSADMIN", purposes, scope);
    return status;
}
