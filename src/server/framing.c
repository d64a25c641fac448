/* What would let a proxy and this server see different requests (RFC 9112 sections 2.2, 3.2, 5.1, 5.2, 6.1 and 6.3): told twice, told in
 * two ways, or in lines that not everybody parts alike. The library joins a folded line to the header's name and takes a bare LF for the
 * end of a line, so that both are looked for where it left the head: name, colon, blanks and value stand behind one another in its
 * buffer, and CR LF (which it overwrites with zeros) before the next name. */
#include <string.h>
#include <strings.h>

#include "server/exchange.h"

enum { GAP_MAX = 64 * 1024 }; /* a head is smaller */

struct framing {
    int hosts, lengths, codings;
    bool has_bad_name, has_bad_value, is_folded, has_bare_break, has_unknown_coding;
    const char *line_end; /* where the line before ended: its first byte of CR LF */
};

/* RFC 9110 section 5.6.2: token. */
static bool is_token(const char *name, size_t size) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_plain && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return size > 0;
}

static bool has_control(const char *value, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return true;
    return false;
}

/* Nothing but the colon and blanks stands between a name and its value, unless a line was folded. */
static bool is_in_one_line(const char *name, size_t name_size, const char *value) {
    uintptr_t colon = (uintptr_t)name + name_size, start = (uintptr_t)value;
    if (start <= colon || start - colon > GAP_MAX)
        return false;
    for (const char *at = name + name_size + 1; at < value; at++)
        if (*at != ' ' && *at != '\t')
            return false;
    return true;
}

static enum MHD_Result frame(
    void *context, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value, size_t value_size) {
    struct framing *framing = context;
    (void)kind;
    bool is_coding = strcasecmp(name, "Transfer-Encoding") == 0;
    framing->hosts += strcasecmp(name, "Host") == 0;
    framing->lengths += strcasecmp(name, "Content-Length") == 0;
    framing->codings += is_coding;
    framing->has_bad_name = framing->has_bad_name || !is_token(name, name_size);
    framing->has_bare_break = framing->has_bare_break || (framing->line_end != NULL && name == framing->line_end + 1);
    framing->line_end = NULL;
    if (value == NULL)
        return MHD_YES;
    framing->has_bad_value = framing->has_bad_value || has_control(value, value_size);
    framing->is_folded = framing->is_folded || !is_in_one_line(name, name_size, value);
    struct text coding = text_trim((struct text){value, value_size});
    if (is_coding && (coding.size != 7 || strncasecmp(coding.at, "chunked", 7) != 0))
        framing->has_unknown_coding = true;
    framing->line_end = value + value_size;
    return MHD_YES;
}

static const char *complaint(const struct exchange *exchange, const struct framing *framing) {
    if (framing->hosts > 1 || framing->lengths + framing->codings > 1)
        return "Host, and Content-Length or Transfer-Encoding, stand once in a request";
    if (framing->has_bad_name || framing->has_bad_value)
        return "a header has a name that is no token (no blank stands around it), or a control character";
    if (framing->is_folded)
        return "a header's line is folded";
    if (framing->has_bare_break)
        return "a line of the request's head ends in LF without CR";
    if (framing->codings > 0 && strcmp(exchange->version, "HTTP/1.1") != 0)
        return "HTTP/1.0 has no Transfer-Encoding";
    return NULL;
}

static struct framing framing_of(const struct exchange *exchange) {
    struct framing framing = {.line_end = exchange->version + strlen(exchange->version)};
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, frame, &framing);
    return framing;
}

bool framing_is_sound(const struct exchange *exchange) {
    const struct framing framing = framing_of(exchange);
    return complaint(exchange, &framing) == NULL && !framing.has_unknown_coding;
}

enum status framing_check(struct exchange *exchange, struct scope *scope) {
    const struct framing framing = framing_of(exchange);
    const char *why = complaint(exchange, &framing);
    if (why == NULL && !framing.has_unknown_coding)
        return STATUS_OK;
    exchange_header(exchange, "Connection", "close");
    return why != NULL ? fault(scope, STATUS_INVALID, "", "%s", why)
                       : fault(scope, STATUS_UNSUPPORTED, "", "the only Transfer-Encoding here is chunked");
}
