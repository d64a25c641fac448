/* encode, decode, escape, unescape: base64, urlbase64, hex, html, json. */
#include "fhirpath/functions.h"
#include "fhirpath/value.h"

#include <string.h>

typedef bool encoding_turn(struct buffer *out, struct text in);

/* ---- base64 (RFC 4648) and hex ---------------------------------------------------------------------------------- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

static bool put_base64(struct buffer *out, struct text in, const char *digits) {
    for (size_t i = 0; i < in.size; i += 3) {
        size_t size = in.size - i < 3 ? in.size - i : 3;
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++) {
            bits = bits << 8 | (j < size ? (unsigned char)in.at[i + j] : 0);
        }
        for (size_t j = 0; j < 4; j++) {
            buffer_put_char(out, j <= size ? digits[bits >> (18 - 6 * j) & 63] : '=');
        }
    }
    return true;
}

static bool take_base64(struct buffer *out, struct text in, const char *digits) {
    uint32_t bits = 0;
    int count = 0;
    while (in.size > 0 && in.at[in.size - 1] == '=') {
        in.size--;
    }
    for (size_t i = 0; i < in.size; i++) {
        const char *digit = in.at[i] != '\0' ? strchr(digits, in.at[i]) : NULL;
        if (digit == NULL) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            buffer_put_char(out, (char)(bits >> count & 0xFF));
        }
    }
    return in.size % 4 != 1;
}

static bool encode_base64(struct buffer *out, struct text in) {
    return put_base64(out, in, base64_digits);
}

static bool decode_base64(struct buffer *out, struct text in) {
    return take_base64(out, in, base64_digits);
}

static bool encode_url(struct buffer *out, struct text in) {
    return put_base64(out, in, url_digits);
}

static bool decode_url(struct buffer *out, struct text in) {
    return take_base64(out, in, url_digits);
}

static bool encode_hex(struct buffer *out, struct text in) {
    for (size_t i = 0; i < in.size; i++) {
        buffer_put_char(out, hex_digits[(unsigned char)in.at[i] >> 4]);
        buffer_put_char(out, hex_digits[(unsigned char)in.at[i] & 15]);
    }
    return true;
}

static bool decode_hex(struct buffer *out, struct text in) {
    for (size_t i = 0; i + 1 < in.size; i += 2) {
        unsigned byte = 0;
        for (size_t j = 0; j < 2; j++) {
            char c = in.at[i + j];
            const char *digit = c != '\0' ? strchr(hex_digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
            if (digit == NULL) {
                return false;
            }
            byte = byte * 16 + (unsigned)(digit - hex_digits);
        }
        buffer_put_char(out, (char)byte);
    }
    return in.size % 2 == 0;
}

/* ---- escapes ---------------------------------------------------------------------------------------------------- */

struct escape {
    char plain;
    const char *escaped;
};
static const struct escape html_escapes[] = {
    {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}, {'\0', NULL}};
static const struct escape json_escapes[] = {{'\\', "\\\\"}, {'"', "\\\""}, {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"},
    {'\f', "\\f"}, {'\b', "\\b"}, {'\0', NULL}};

static bool put_escaped(struct buffer *out, struct text in, const struct escape *escapes) {
    for (size_t i = 0; i < in.size; i++) {
        const struct escape *row = escapes;
        while (row->escaped != NULL && row->plain != in.at[i]) {
            row++;
        }
        if (row->escaped != NULL) {
            buffer_put_string(out, row->escaped);
        } else {
            buffer_put_char(out, in.at[i]);
        }
    }
    return true;
}

static bool put_unescaped(struct buffer *out, struct text in, const struct escape *escapes) {
    while (in.size > 0) {
        const struct escape *row = escapes;
        while (row->escaped != NULL && !text_starts(in, row->escaped)) {
            row++;
        }
        size_t size = row->escaped != NULL ? strlen(row->escaped) : 1;
        buffer_put_char(out, row->escaped != NULL ? row->plain : in.at[0]);
        in = (struct text){in.at + size, in.size - size};
    }
    return true;
}

static bool escape_html(struct buffer *out, struct text in) {
    return put_escaped(out, in, html_escapes);
}

static bool unescape_html(struct buffer *out, struct text in) {
    return put_unescaped(out, in, html_escapes);
}

static bool escape_json(struct buffer *out, struct text in) {
    return put_escaped(out, in, json_escapes);
}

static bool unescape_json(struct buffer *out, struct text in) {
    return put_unescaped(out, in, json_escapes);
}

/* ---- the functions ---------------------------------------------------------------------------------------------- */

static const struct {
    int function;
    const char *name;
    encoding_turn *turn;
} encodings[] = {
    {TEXT_ENCODE, "base64", encode_base64},
    {TEXT_DECODE, "base64", decode_base64},
    {TEXT_ENCODE, "urlbase64", encode_url},
    {TEXT_DECODE, "urlbase64", decode_url},
    {TEXT_ENCODE, "hex", encode_hex},
    {TEXT_DECODE, "hex", decode_hex},
    {TEXT_ESCAPE, "html", escape_html},
    {TEXT_UNESCAPE, "html", unescape_html},
    {TEXT_ESCAPE, "json", escape_json},
    {TEXT_UNESCAPE, "json", unescape_json},
};

enum status encoding_run(struct collection *out, const struct call *call) {
    struct text input, name;
    enum presence presence, has_name;
    enum status status = call_text(&input, &presence, call, call->input);
    if (status == STATUS_OK) {
        status = call_argument_text(&name, &has_name, call, 0);
    }
    if (status != STATUS_OK || presence == ABSENT || has_name == ABSENT) {
        return status;
    }
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        if (encodings[i].function != call->node->function->detail || !text_is(name, encodings[i].name)) {
            continue;
        }
        struct buffer buffer = buffer_open(call->machine->scope->arena, input.size * 6 + 8);
        if (!encodings[i].turn(&buffer, input) || !text_is_utf8(buffer_text(&buffer))) {
            return STATUS_OK; /* not of that encoding: empty */
        }
        return give_text(out, call, FHIRPATH_STRING, buffer.size > 0 ? buffer_text(&buffer) : TEXT(""));
    }
    return STATUS_OK; /* an unknown encoding: empty */
}
