#include "base/unicode.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Depth d (from 1) owns bit d-1 of both sets: whether it is an object, and whether something stands in it already. */
static uint64_t depth_bit(const struct json_writer *w) {
    return UINT64_C(1) << ((w->depth - 1) % 64);
}

static int depth_word(const struct json_writer *w) {
    return (w->depth - 1) / 64;
}

static bool in_object(const struct json_writer *w) {
    return w->depth > 0 && (w->object_bits[depth_word(w)] & depth_bit(w)) != 0;
}

struct json_writer json_writer_open(struct arena *arena, size_t limit_bytes) {
    return (struct json_writer){.buffer = buffer_open(arena, limit_bytes)};
}

static void put_comma(struct json_writer *w) {
    uint64_t *commas = &w->comma_bits[depth_word(w)];
    if ((*commas & depth_bit(w)) != 0) {
        buffer_put_char(&w->buffer, ',');
    }
    *commas |= depth_bit(w);
}

/* Before every value: a comma where one is due. */
static void begin_value(struct json_writer *w) {
    if (in_object(w)) {
        invariant(w->after_name);
        w->after_name = false;
    } else if (w->depth > 0) {
        put_comma(w);
    } else {
        invariant(w->buffer.size == 0); /* one value at the root */
    }
}

static void open_container(struct json_writer *w, char bracket, bool object) {
    begin_value(w);
    invariant(w->depth < JSON_WRITE_DEPTH_MAX);
    w->depth++;
    w->comma_bits[depth_word(w)] &= ~depth_bit(w);
    uint64_t *objects = &w->object_bits[depth_word(w)];
    *objects = object ? *objects | depth_bit(w) : *objects & ~depth_bit(w);
    buffer_put_char(&w->buffer, bracket);
}

void json_object_open(struct json_writer *w) {
    open_container(w, '{', true);
}

void json_object_close(struct json_writer *w) {
    invariant(in_object(w) && !w->after_name);
    w->depth--;
    buffer_put_char(&w->buffer, '}');
}

void json_array_open(struct json_writer *w) {
    open_container(w, '[', false);
}

void json_array_close(struct json_writer *w) {
    invariant(w->depth > 0 && !in_object(w));
    w->depth--;
    buffer_put_char(&w->buffer, ']');
}

/* ---- strings ---------------------------------------------------------------------------------------------------- */

static const char *short_escape(unsigned char c) {
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static void put_escaped(struct buffer *out, unsigned char c) {
    const char *escape = short_escape(c);
    if (escape != NULL) {
        buffer_put_string(out, escape);
        return;
    }
    static const char digits[] = "0123456789abcdef";
    char code[] = "\\u0000";
    code[4] = digits[c >> 4];
    code[5] = digits[c & 15];
    buffer_put_string(out, code);
}

/* Marks the first byte of eight that needs an escape: below 0x20, a quote or a backslash leaves its high bit in one of the three terms.
 * A borrow may mark bytes too many, but only behind a true one. */
static uint64_t escape_marks(const char *at) {
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
    return (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & highs;
}

static bool is_escaped(char c) {
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* How many bytes at the start need no escape. */
static size_t plain_run(struct text a) {
    size_t at = 0;
    while (at + 8 <= a.size && escape_marks(a.at + at) == 0) {
        at += 8;
    }
    while (at < a.size && !is_escaped(a.at[at])) {
        at++;
    }
    return at;
}

/* Which of eight bytes is the first that was marked. */
static size_t first_marked(uint64_t marks, const char *at) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    (void)at;
    return (size_t)__builtin_ctzll(marks) / 8;
#else
    size_t first = 0;
    while (marks != 0 && !is_escaped(at[first])) {
        first++;
    }
    return first;
#endif
}

enum { PIECE_BYTES = 512 };

/* By way of a piece on the stack, since JSON inside JSON has a quotation mark every few bytes. */
static void put_string_trusted(struct buffer *out, struct text value) {
    char piece[PIECE_BYTES + 16];
    size_t size = 0;
    const char *at = value.at, *end = at + value.size;
    piece[size++] = '"';
    while (at < end) {
        if (size >= PIECE_BYTES) {
            buffer_put(out, (struct text){piece, size});
            size = 0;
        }
        if (end - at >= 8) {
            uint64_t marks = escape_marks(at);
            size_t run = marks == 0 ? 8 : first_marked(marks, at);
            memcpy(piece + size, at, 8);
            size += run;
            at += run;
        } else if (!is_escaped(*at)) {
            piece[size++] = *at++;
        }
        if (at < end && (*at == '"' || *at == '\\')) {
            piece[size++] = '\\';
            piece[size++] = *at++;
        } else if (at < end && (unsigned char)*at < 0x20) {
            buffer_put(out, (struct text){piece, size});
            size = 0;
            put_escaped(out, (unsigned char)*at++);
        }
    }
    piece[size++] = '"';
    buffer_put(out, (struct text){piece, size});
}

/* A byte that is no UTF-8 becomes U+FFFD: whatever reaches the writer, what leaves it is JSON. */
static void put_string_repaired(struct buffer *out, struct text value) {
    buffer_put_char(out, '"');
    while (value.size > 0) {
        size_t size = unicode_sequence_size(value);
        unsigned char c = (unsigned char)value.at[0];
        if (size == 0) {
            buffer_put_string(out, "\xEF\xBF\xBD");
        } else if (c < 0x20 || c == '"' || c == '\\') {
            put_escaped(out, c);
        } else {
            buffer_put(out, (struct text){value.at, size});
        }
        size += size == 0;
        value.at += size;
        value.size -= size;
    }
    buffer_put_char(out, '"');
}

static void put_string(struct buffer *out, struct text value) {
    if (text_is_utf8(value)) {
        put_string_trusted(out, value);
    } else {
        put_string_repaired(out, value);
    }
}

void json_name_text(struct json_writer *w, struct text name) {
    invariant(in_object(w) && !w->after_name);
    put_comma(w);
    put_string(&w->buffer, name);
    buffer_put_char(&w->buffer, ':');
    w->after_name = true;
}

/* The program's own names: plain ones need no second look. */
void json_name(struct json_writer *w, const char *name) {
    struct text text = text_from(name);
    struct buffer *out = &w->buffer;
    if (plain_run(text) < text.size || out->capacity - out->size < text.size + 4) {
        json_name_text(w, text);
        return;
    }
    invariant(in_object(w) && !w->after_name);
    put_comma(w);
    out->at[out->size++] = '"';
    memcpy(out->at + out->size, text.at, text.size);
    out->size += text.size;
    out->at[out->size++] = '"';
    out->at[out->size++] = ':';
    w->after_name = true;
}

void json_string_text(struct json_writer *w, struct text value) {
    begin_value(w);
    put_string(&w->buffer, value);
}

void json_string(struct json_writer *w, const char *value) {
    json_string_text(w, text_from(value));
}

/* ---- the other values ------------------------------------------------------------------------------------------- */

/* The digits of a number, right-aligned before `end`; at least `least` of them. */
static char *put_digits(char *end, uint64_t value, int least) {
    while (value > 0 || least > 0) {
        *--end = (char)('0' + value % 10);
        value /= 10;
        least--;
    }
    return end;
}

void json_int(struct json_writer *w, int64_t value) {
    char digits[24], *end = digits + sizeof digits;
    char *at = put_digits(end, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
    if (value < 0) {
        *--at = '-';
    }
    json_raw(w, (struct text){at, (size_t)(end - at)});
}

#define SCALED_MAX 1e12 /* below it a product is exact to 1/8192: far from a tie it rounds as the exact value does */
#define TIE_DISTANCE 1e-3

/* The same digits as printf's, without its arbitrary precision; false where only that can tell. */
static bool put_short_decimal(struct json_writer *w, double value, int decimals) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    if (decimals >= (int)(sizeof powers / sizeof *powers)) {
        return false;
    }
    double scaled = fabs(value) * powers[decimals], whole = floor(scaled);
    if (!(scaled < SCALED_MAX) || fabs(scaled - whole - .5) < TIE_DISTANCE) {
        return false;
    }
    char digits[24], *end = digits + sizeof digits;
    uint64_t number = (uint64_t)whole + (scaled - whole > .5), power = (uint64_t)powers[decimals];
    char *at = end;
    if (decimals > 0) {
        at = put_digits(at, number % power, decimals);
        *--at = '.';
    }
    at = put_digits(at, number / power, 1);
    if (value < 0 && number > 0) { /* what rounds to nothing has no sign */
        *--at = '-';
    }
    json_raw(w, (struct text){at, (size_t)(end - at)});
    return true;
}

void json_decimal(struct json_writer *w, double value, int decimals) {
    invariant(isfinite(value) && decimals >= 0 && decimals <= 17);
    if (put_short_decimal(w, value, decimals)) {
        return;
    }
    char digits[352]; /* DBL_MAX has 309 digits before the point */
    int size = snprintf(digits, sizeof digits, "%.*f", decimals, value);
    invariant(size > 0 && (size_t)size < sizeof digits);
    struct text text = {digits, (size_t)size};
    if (digits[0] == '-' && strpbrk(digits, "123456789") == NULL) {
        text.at++;
        text.size--;
    }
    json_raw(w, text);
}

void json_bool(struct json_writer *w, bool value) {
    json_raw(w, value ? TEXT("true") : TEXT("false"));
}

void json_null(struct json_writer *w) {
    json_raw(w, TEXT("null"));
}

void json_raw(struct json_writer *w, struct text json) {
    invariant(json.size > 0);
    begin_value(w);
    buffer_put(&w->buffer, json);
}

static void put_object(struct json_writer *w, yyjson_val *object) {
    size_t index, count;
    yyjson_val *name, *value;
    json_object_open(w);
    yyjson_obj_foreach(object, index, count, name, value) {
        put_comma(w);
        put_string_trusted(&w->buffer, json_text(name));
        buffer_put_char(&w->buffer, ':');
        w->after_name = true;
        json_value(w, value);
    }
    json_object_close(w);
}

static void put_array(struct json_writer *w, yyjson_val *array) {
    size_t index, count;
    yyjson_val *value;
    json_array_open(w);
    yyjson_arr_foreach(array, index, count, value) {
        json_value(w, value);
    }
    json_array_close(w);
}

/* Recursion is as deep as the document, at most JSON_DEPTH_MAX. */
void json_value(struct json_writer *w, const yyjson_val *value) {
    yyjson_val *plain = (yyjson_val *)value;
    switch (yyjson_get_type(plain)) {
    case YYJSON_TYPE_OBJ:
        put_object(w, plain);
        break;
    case YYJSON_TYPE_ARR:
        put_array(w, plain);
        break;
    case YYJSON_TYPE_STR:
        begin_value(w);
        put_string_trusted(&w->buffer, json_text(plain));
        break;
    case YYJSON_TYPE_RAW:
        json_raw(w, json_number_text(plain));
        break;
    case YYJSON_TYPE_BOOL:
        json_bool(w, yyjson_get_bool(plain));
        break;
    default:
        invariant(yyjson_is_null(plain));
        json_null(w);
    }
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

void json_member_text(struct json_writer *w, const char *name, struct text value) {
    if (value.at != NULL) {
        json_name(w, name);
        json_string_text(w, value);
    }
}

void json_member_string(struct json_writer *w, const char *name, const char *value) {
    json_member_text(w, name, text_from(value));
}

void json_member_int(struct json_writer *w, const char *name, int64_t value) {
    json_name(w, name);
    json_int(w, value);
}

void json_member_decimal(struct json_writer *w, const char *name, double value, int decimals) {
    json_name(w, name);
    json_decimal(w, value, decimals);
}

void json_member_bool(struct json_writer *w, const char *name, bool value) {
    json_name(w, name);
    json_bool(w, value);
}

enum status json_finish(struct text *out, struct json_writer *w, struct scope *scope) {
    invariant(w->depth == 0 && !w->after_name);
    if (w->buffer.full) {
        return fault(scope, STATUS_TOO_LARGE, "", "the answer would be larger than %zu bytes", w->buffer.limit);
    }
    *out = buffer_text(&w->buffer);
    return STATUS_OK;
}
