/* Binary: content of any type, in and out as it is, and as a resource for those who ask for FHIR
 * (https://hl7.org/fhir/R4/binary.html#rest). */
#include <string.h>

#include "server/exchange.h"

enum { TYPE_MAX = 256, CONTEXT_MAX = 1024 };

/* ---- base64 (RFC 4648, section 4) ------------------------------------------------------------------------------- */

static struct text encode(struct arena *arena, struct text bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = arena_bytes(arena, (bytes.size + 2) / 3 * 4 + 1);
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.at[i] << 16;
        group |= left > 1 ? (uint32_t)(unsigned char)bytes.at[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(unsigned char)bytes.at[i + 2] : 0;
        out[size++] = digits[group >> 18];
        out[size++] = digits[group >> 12 & 63];
        out[size++] = left > 1 ? digits[group >> 6 & 63] : '=';
        out[size++] = left > 2 ? digits[group & 63] : '=';
    }
    return (struct text){out, size};
}

static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What was stored was checked to be base64; white space may stand in it. */
static struct text decode(struct arena *arena, struct text coded) {
    char *out = arena_bytes(arena, coded.size / 4 * 3 + 3);
    size_t size = 0;
    uint32_t group = 0;
    int bits = 0;
    for (size_t i = 0; i < coded.size; i++) {
        int digit = digit_of(coded.at[i]);
        if (digit < 0)
            continue;
        group = group << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[size++] = (char)(group >> bits & 0xFF);
        }
    }
    return (struct text){out, size};
}

/* ---- in --------------------------------------------------------------------------------------------------------- */

static bool is_binary_json(struct text body, struct scope *scope) {
    struct scope apart = {.arena = scope->arena};
    yyjson_doc *doc = NULL;
    return json_read(&doc, body, &apart) == STATUS_OK &&
           text_is(json_get_text(yyjson_doc_get_root(doc), "resourceType"), "Binary");
}

/* The root's name: behind the declaration, comments and instructions. */
static bool is_binary_xml(struct text body) {
    struct text rest = text_trim(body);
    if (text_starts(rest, "\xEF\xBB\xBF"))
        rest = text_trim((struct text){rest.at + 3, rest.size - 3});
    while (text_starts(rest, "<?") || text_starts(rest, "<!")) {
        const char *close = memchr(rest.at, '>', rest.size);
        if (close == NULL)
            return false;
        rest = text_trim((struct text){close + 1, rest.size - (size_t)(close + 1 - rest.at)});
    }
    return text_starts(rest, "<Binary ") || text_starts(rest, "<Binary>");
}

static enum status wrap(
    struct text *out, struct exchange *exchange, const char *type, struct text id, struct scope *scope) {
    const char *context = exchange_request_header(exchange, "X-Security-Context");
    struct text content_type = text_trim(text_from(type));
    if (content_type.size > TYPE_MAX || !text_is_utf8(content_type))
        return fault(scope, STATUS_INVALID, "Binary.contentType", "the Content-Type is no media type");
    struct json_writer w = json_writer_open(scope->arena, RECORDS_RESOURCE_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Binary");
    json_member_text(&w, "id", id);
    json_member_text(&w, "contentType", content_type);
    if (context != NULL && strlen(context) <= CONTEXT_MAX) {
        json_name(&w, "securityContext");
        json_object_open(&w);
        json_member_string(&w, "reference", context);
        json_object_close(&w);
    }
    json_member_text(&w, "data", encode(scope->arena, buffer_text(&exchange->body)));
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

enum status binary_take_body(struct text *out, struct exchange *exchange, struct text id, struct scope *scope) {
    struct text body = buffer_text(&exchange->body);
    const char *type = exchange_request_header(exchange, "Content-Type");
    if (body.size == 0)
        return fault(scope, STATUS_INVALID, "", "the request has no body");
    enum exchange_format format = format_find(text_from(type));
    bool is_resource =
        (format == EXCHANGE_JSON && is_binary_json(body, scope)) || (format == EXCHANGE_XML && is_binary_xml(body));
    if (is_resource)
        return format_take_body(out, exchange, scope);
    return wrap(out, exchange, type != NULL ? type : "application/octet-stream", id, scope);
}

/* ---- out -------------------------------------------------------------------------------------------------------- */

bool binary_is_read(const struct exchange *exchange) {
    bool is_get = exchange->is_head || strcmp(exchange->method, "GET") == 0;
    bool is_instance =
        exchange->path_count == 3 || (exchange->path_count == 5 && text_is(exchange->path[3], "_history"));
    return is_get && is_instance && text_is(exchange->path[1], "Binary") && exchange->path[2].at[0] != '_' &&
           exchange->path[2].at[0] != '$';
}

enum status binary_take_accept(struct exchange *exchange, struct scope *scope) {
    struct text rest = text_from(exchange_request_header(exchange, "Accept"));
    bool wants_fhir = exchange->is_format_given || exchange->pair_count > 0;
    while (rest.size > 0) {
        struct text parameters = text_cut(&rest, ',');
        struct text range = text_trim(text_cut(&parameters, ';'));
        wants_fhir = wants_fhir || (format_names_fhir(range) && format_weight(parameters) > 0);
    }
    if (wants_fhir)
        return format_take_accept(exchange, scope);
    exchange->binary = EXCHANGE_AS_CONTENT;
    return STATUS_OK;
}

/* Does the Accept header take this type? Its most specific range counts. */
static bool is_accepted(struct text accept, struct text type) {
    struct text essence = text_trim(text_cut(&type, ';'));
    int best = 0, weight = 0;
    if (text_trim(accept).size == 0)
        return true;
    while (accept.size > 0) {
        struct text parameters = text_cut(&accept, ',');
        struct text range = text_trim(text_cut(&parameters, ';'));
        struct text main_type = range;
        main_type = text_cut(&main_type, '/');
        bool any_subtype = text_ends(range, "/*") && essence.size > main_type.size &&
                           strncasecmp(essence.at, main_type.at, main_type.size) == 0 &&
                           essence.at[main_type.size] == '/';
        bool same = range.size == essence.size && strncasecmp(range.at, essence.at, range.size) == 0;
        int specificity = same ? 3 : any_subtype ? 2 : text_is(range, "*/*") ? 1 : 0;
        if (specificity > best) {
            best = specificity;
            weight = format_weight(parameters);
        }
    }
    return weight > 0;
}

/* A header may hold neither controls nor line ends. */
static bool is_header_value(struct text value) {
    for (size_t i = 0; i < value.size; i++)
        if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7F)
            return false;
    return value.size > 0;
}

/* Content of strangers: it is saved, or shown in a box that may do nothing. */
static void present_content(
    struct exchange *exchange, const yyjson_val *binary, struct text type, struct arena *arena) {
    struct text context = json_get_text(json_get(binary, "securityContext"), "reference");
    exchange->content_type = text_string(arena, type);
    exchange->content = decode(arena, json_get_text(binary, "data"));
    exchange->is_encoded = !text_starts(type, "text/") && !exchange->is_identity_refused;
    exchange_header(exchange, "Content-Disposition", "attachment");
    if (is_header_value(context))
        exchange_header(exchange, "X-Security-Context", text_string(arena, context));
}

enum status binary_present(struct exchange *exchange, struct text json, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, json, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *binary = yyjson_doc_get_root(doc);
    struct text type = json_get_text(binary, "contentType");
    struct text accept = text_from(exchange_request_header(exchange, "Accept"));
    if (is_header_value(type) && is_accepted(accept, type)) {
        present_content(exchange, binary, type, scope->arena);
        return STATUS_OK;
    }
    exchange->binary = EXCHANGE_AS_RESOURCE;
    status = format_take_accept(exchange, scope); /* 406 where it takes no resource either */
    return status == STATUS_OK ? format_present(exchange, json, scope) : status;
}
