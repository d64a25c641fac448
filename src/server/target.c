/* The request target: path segments and query parameters, percent-decoded once. */
#include <string.h>

#include "server/exchange.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum decode_rule { DECODE_PATH, DECODE_QUERY }; /* in a query '+' is a blank (HTML form encoding) */

static enum status decode(struct text *out, struct text encoded, enum decode_rule rule, struct scope *scope) {
    char *to = arena_bytes(scope->arena, encoded.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < encoded.size; i++) {
        char c = encoded.at[i];
        if (c == '+' && rule == DECODE_QUERY) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 1 < encoded.size ? hex_digit(encoded.at[i + 1]) : -1;
            int low = i + 2 < encoded.size ? hex_digit(encoded.at[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return fault(
                    scope, STATUS_INVALID, "", "the URL has a broken percent escape at byte %zu of a component", i);
            c = (char)(high * 16 + low);
            i += 2;
        }
        to[size++] = c;
    }
    *out = (struct text){to, size};
    if (!text_is_utf8(*out))
        return fault(scope, STATUS_INVALID, "", "the URL is not UTF-8");
    return STATUS_OK;
}

static enum status take_pair(struct exchange *exchange, struct text item, struct scope *scope) {
    struct text value = item;
    struct text name = text_cut(&value, '=');
    struct search_pair pair;
    enum status status = decode(&pair.name, name, DECODE_QUERY, scope);
    if (status == STATUS_OK)
        status = decode(&pair.value, value, DECODE_QUERY, scope);
    if (status != STATUS_OK)
        return status;
    bool is_of_form = text_is(pair.name, "_pretty") || text_is(pair.name, "_format");
    if (is_of_form && exchange->form_count < EXCHANGE_FORM_MAX)
        exchange->form[exchange->form_count++] = pair;
    if (text_is(pair.name, "_pretty")) {
        if (!text_is(pair.value, "true") && !text_is(pair.value, "false"))
            return fault(scope, STATUS_INVALID, "_pretty", "_pretty is true or false");
        exchange->is_pretty = text_is(pair.value, "true");
        return STATUS_OK;
    }
    if (text_is(pair.name, "_format"))
        return format_take_parameter(exchange, pair.value, scope);
    exchange->pairs[exchange->pair_count++] = pair;
    return STATUS_OK;
}

static size_t pair_most(struct text form) {
    size_t most = 1;
    for (size_t i = 0; i < form.size; i++)
        most += form.at[i] == '&';
    return most;
}

enum status target_parse_form(struct exchange *exchange, struct text form, struct scope *scope) {
    size_t more = pair_most(form), held = exchange->pair_count;
    if (form.size == 0)
        return STATUS_OK;
    if (held + more > EXCHANGE_PAIRS_MAX)
        return fault(scope, STATUS_TOO_COSTLY, "", "more than %d query parameters", EXCHANGE_PAIRS_MAX);
    exchange->pairs = arena_resize(
        scope->arena, exchange->pairs, held * sizeof *exchange->pairs, (held + more) * sizeof *exchange->pairs);
    while (form.size > 0) {
        struct text item = text_cut(&form, '&');
        if (item.size == 0)
            continue;
        enum status status = take_pair(exchange, item, scope);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

void target_take_authority(struct exchange *exchange) {
    struct text target = exchange->target;
    size_t scheme = text_starts(target, "http://") ? 7 : text_starts(target, "https://") ? 8 : 0;
    if (scheme == 0)
        return;
    size_t end = scheme;
    while (end < target.size && target.at[end] != '/' && target.at[end] != '?')
        end++;
    exchange->authority = (struct text){target.at + scheme, end - scheme};
    exchange->target = (struct text){target.at + end, target.size - end};
}

enum status exchange_target_parse(struct exchange *exchange, struct scope *scope) {
    struct text query = exchange->target;
    struct text path = text_cut(&query, '?');
    if (exchange->target.size > SERVER_TARGET_MAX) {
        exchange->http_status = 414;
        return fault(scope, STATUS_TOO_LARGE, "", "the URL is longer than %d bytes", SERVER_TARGET_MAX);
    }
    while (path.size > 0) {
        struct text segment = text_cut(&path, '/');
        if (segment.size == 0)
            continue;
        if (exchange->path_count == EXCHANGE_PATH_MAX)
            return fault(scope, STATUS_NOT_FOUND, "", "the path has too many parts");
        enum status status = decode(&exchange->path[exchange->path_count++], segment, DECODE_PATH, scope);
        if (status != STATUS_OK)
            return status;
    }
    return target_parse_form(exchange, query, scope);
}
