#include "fhirpath/lexer.h"

#include <string.h>

static char peek(const struct lexer *l, size_t ahead) {
    return l->at + ahead < l->source.size ? l->source.at[l->at + ahead] : '\0';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_part(char c) {
    return is_name_start(c) || is_digit(c);
}

static enum status bad(size_t at, const char *what, struct scope *scope) {
    return fault(scope, STATUS_INVALID, "", "FHIRPath, column %zu: %s", at + 1, what);
}

static enum status skip_blanks(struct lexer *l, struct scope *scope) {
    for (;;) {
        char c = peek(l, 0);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            l->at++;
        } else if (c == '/' && peek(l, 1) == '/') {
            while (l->at < l->source.size && peek(l, 0) != '\n' && peek(l, 0) != '\r') {
                l->at++;
            }
        } else if (c == '/' && peek(l, 1) == '*') {
            size_t start = l->at;
            l->at += 2;
            while (!(peek(l, 0) == '*' && peek(l, 1) == '/')) {
                if (l->at >= l->source.size) {
                    return bad(start, "a comment is not closed", scope);
                }
                l->at++;
            }
            l->at += 2;
        } else {
            return STATUS_OK;
        }
    }
}

/* ---- quoted text ------------------------------------------------------------------------------------------------ */

static void put_utf8(struct buffer *buffer, uint32_t code) {
    if (code < 0x80) {
        buffer_put_char(buffer, (char)code);
        return;
    }
    if (code < 0x800) {
        buffer_put_char(buffer, (char)(0xC0 | (code >> 6)));
    } else {
        if (code < 0x10000) {
            buffer_put_char(buffer, (char)(0xE0 | (code >> 12)));
        } else {
            buffer_put_char(buffer, (char)(0xF0 | (code >> 18)));
            buffer_put_char(buffer, (char)(0x80 | ((code >> 12) & 0x3F)));
        }
        buffer_put_char(buffer, (char)(0x80 | ((code >> 6) & 0x3F)));
    }
    buffer_put_char(buffer, (char)(0x80 | (code & 0x3F)));
}

static bool read_hex(uint32_t *out, const struct lexer *l, size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = at + i < l->source.size ? l->source.at[at + i] : '\0';
        uint32_t digit = is_digit(c)              ? (uint32_t)(c - '0')
                         : (c >= 'a' && c <= 'f') ? (uint32_t)(c - 'a' + 10)
                         : (c >= 'A' && c <= 'F') ? (uint32_t)(c - 'A' + 10)
                                                  : 16;
        if (digit == 16) {
            return false;
        }
        value = value * 16 + digit;
    }
    *out = value;
    return true;
}

/* At the four digits of \uXXXX; a pair of surrogates is one character. */
static bool read_unicode(struct buffer *buffer, struct lexer *l) {
    uint32_t code = 0, low = 0;
    if (!read_hex(&code, l, l->at)) {
        return false;
    }
    l->at += 4;
    if (code >= 0xD800 && code < 0xDC00 && peek(l, 0) == '\\' && peek(l, 1) == 'u' && read_hex(&low, l, l->at + 2) &&
        low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        l->at += 6;
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000)) {
        return false;
    }
    put_utf8(buffer, code);
    return true;
}

static bool read_escape(struct buffer *buffer, struct lexer *l) {
    static const char from[] = "`'\"\\/fnrt", to[] = "`'\"\\/\f\n\r\t";
    char c = peek(l, 0);
    l->at++;
    if (c == 'u') {
        return read_unicode(buffer, l);
    }
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    if (found != NULL) {
        buffer_put_char(buffer, to[found - from]);
    } else {
        /* R4's own invariants hold escapes of regular expressions ('\\d' written '\d'): kept as written */
        buffer_put_char(buffer, '\\');
        buffer_put_char(buffer, c);
    }
    return c != '\0';
}

static enum status read_quoted(struct text *out, struct lexer *l, struct scope *scope) {
    size_t start = l->at;
    char quote = peek(l, 0);
    l->at++;
    struct buffer buffer = buffer_open(scope->arena, l->source.size);
    while (l->at < l->source.size && peek(l, 0) != quote) {
        char c = peek(l, 0);
        l->at++;
        if (c != '\\') {
            buffer_put_char(&buffer, c);
        } else if (!read_escape(&buffer, l)) {
            return bad(l->at, "an escape sequence that does not exist", scope);
        }
    }
    if (l->at >= l->source.size) {
        return bad(start, "a quote is not closed", scope);
    }
    l->at++;
    *out = buffer.size > 0 ? buffer_text(&buffer) : (struct text){"", 0};
    return STATUS_OK;
}

/* ---- literals --------------------------------------------------------------------------------------------------- */

static size_t digits_at(const struct lexer *l, size_t ahead) {
    size_t count = 0;
    while (is_digit(peek(l, ahead + count))) {
        count++;
    }
    return count;
}

static void read_number(struct token *out, struct lexer *l) {
    size_t start = l->at;
    l->at += digits_at(l, 0);
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        l->at += 1 + digits_at(l, 1);
    }
    out->kind = TOKEN_NUMBER;
    out->value = (struct text){l->source.at + start, l->at - start};
}

/* hh(:mm(:ss(.f+)?)?)? */
static bool skip_time(struct lexer *l) {
    if (digits_at(l, 0) != 2) {
        return false;
    }
    l->at += 2;
    for (int part = 0; part < 2; part++) {
        if (peek(l, 0) != ':' || digits_at(l, 1) < 2) {
            return true;
        }
        l->at += 3;
    }
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        l->at += 1 + digits_at(l, 1);
    }
    return true;
}

static bool skip_date(struct lexer *l) {
    if (digits_at(l, 0) != 4) {
        return false;
    }
    l->at += 4;
    for (int part = 0; part < 2 && peek(l, 0) == '-' && digits_at(l, 1) == 2; part++) {
        l->at += 3;
    }
    return true;
}

static void skip_zone(struct lexer *l) {
    char c = peek(l, 0);
    if (c == 'Z') {
        l->at++;
    } else if ((c == '+' || c == '-') && digits_at(l, 1) == 2 && peek(l, 3) == ':' && digits_at(l, 4) == 2) {
        l->at += 6;
    }
}

static enum status read_moment(struct token *out, struct lexer *l, struct scope *scope) {
    size_t start = l->at++;
    size_t size = 0;
    if (peek(l, 0) == 'T') {
        l->at++;
        out->kind = TOKEN_TIME;
        if (!skip_time(l)) {
            return bad(start, "a time is not hh, hh:mm or hh:mm:ss", scope);
        }
        out->value = (struct text){l->source.at + start + 2, l->at - start - 2};
        return STATUS_OK;
    }
    if (!skip_date(l)) {
        return bad(start, "a date is not yyyy, yyyy-mm or yyyy-mm-dd", scope);
    }
    out->kind = TOKEN_DATE;
    size = l->at - start - 1;
    if (peek(l, 0) == 'T') {
        l->at++;
        out->kind = TOKEN_DATETIME;
        if (skip_time(l)) {
            skip_zone(l);
            size = l->at - start - 1;
        }
    }
    out->value = (struct text){l->source.at + start + 1, size};
    return STATUS_OK;
}

static struct text read_name(struct lexer *l) {
    size_t start = l->at;
    while (is_name_part(peek(l, 0))) {
        l->at++;
    }
    return (struct text){l->source.at + start, l->at - start};
}

static enum status read_constant(struct token *out, struct lexer *l, struct scope *scope) {
    size_t start = l->at++;
    out->kind = TOKEN_CONSTANT;
    char c = peek(l, 0);
    if (c == '`' || c == '\'' || c == '"') {
        return read_quoted(&out->value, l, scope);
    }
    if (!is_name_start(c)) {
        return bad(start, "% without a name", scope);
    }
    out->value = read_name(l);
    /* R4 itself writes %vs-name and %ext-name without quotes */
    if ((text_is(out->value, "vs") || text_is(out->value, "ext")) && peek(l, 0) == '-') {
        while (peek(l, 0) == '-' || is_name_part(peek(l, 0))) {
            l->at++;
        }
        out->value.size = l->at - start - 1;
    }
    return STATUS_OK;
}

static enum status read_symbol(struct token *out, struct lexer *l, struct scope *scope) {
    static const char *const symbols[] = {"<=", ">=", "!=", "!~", "+", "-", "*", "/", "&", "|", "<", ">", "=", "~", "(",
        ")", "[", "]", "{", "}", ".", ","};
    struct text rest = {l->source.at + l->at, l->source.size - l->at};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (text_starts(rest, symbols[i])) {
            out->kind = TOKEN_SYMBOL;
            out->value = text_from(symbols[i]);
            l->at += out->value.size;
            return STATUS_OK;
        }
    }
    return bad(l->at, "a character that FHIRPath does not know", scope);
}

enum status lexer_next(struct token *out, struct lexer *l, struct scope *scope) {
    enum status status = skip_blanks(l, scope);
    if (status != STATUS_OK) {
        return status;
    }
    *out = (struct token){.kind = TOKEN_END, .column = (uint32_t)l->at + 1};
    if (l->at >= l->source.size) {
        return STATUS_OK;
    }
    char c = peek(l, 0);
    if (is_name_start(c)) {
        out->kind = TOKEN_IDENTIFIER;
        out->value = read_name(l);
        return STATUS_OK;
    }
    if (is_digit(c)) {
        read_number(out, l);
        return STATUS_OK;
    }
    switch (c) {
    case '\'':
        out->kind = TOKEN_STRING;
        return read_quoted(&out->value, l, scope);
    case '`':
    case '"': /* the delimiter of names before FHIRPath 2.0.0, still met in R4 */
        out->kind = TOKEN_DELIMITED;
        return read_quoted(&out->value, l, scope);
    case '@':
        return read_moment(out, l, scope);
    case '%':
        return read_constant(out, l, scope);
    case '$':
        out->kind = TOKEN_VARIABLE;
        l->at++;
        out->value = read_name(l);
        out->value = (struct text){out->value.at - 1, out->value.size + 1};
        return STATUS_OK;
    default:
        return read_symbol(out, l, scope);
    }
}
