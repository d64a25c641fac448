#include "base/arena.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text text_from(const char *string) {
    return (struct text){string, string == NULL ? 0 : strlen(string)};
}

bool text_equal(struct text a, struct text b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

bool text_is(struct text a, const char *string) {
    return text_equal(a, text_from(string));
}

bool text_starts(struct text a, const char *prefix) {
    size_t size = strlen(prefix);
    return size == 0 || (a.size >= size && memcmp(a.at, prefix, size) == 0);
}

bool text_ends(struct text a, const char *suffix) {
    size_t size = strlen(suffix);
    return size == 0 || (a.size >= size && memcmp(a.at + a.size - size, suffix, size) == 0);
}

int text_compare(struct text a, struct text b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text a) {
    while (a.size > 0 && is_blank(a.at[0])) {
        a.at++;
        a.size--;
    }
    while (a.size > 0 && is_blank(a.at[a.size - 1])) {
        a.size--;
    }
    return a;
}

struct text text_cut(struct text *rest, char separator) {
    struct text whole = *rest;
    const char *found = whole.size == 0 ? NULL : memchr(whole.at, separator, whole.size);
    if (found == NULL) {
        *rest = (struct text){NULL, 0};
        return whole;
    }
    size_t before = (size_t)(found - whole.at);
    *rest = (struct text){found + 1, whole.size - before - 1};
    return (struct text){whole.at, before};
}

const char *text_string(struct arena *arena, struct text a) {
    char *copy = arena_take(arena, a.size + 1);
    if (a.size > 0) {
        memcpy(copy, a.at, a.size);
    }
    copy[a.size] = '\0';
    return copy;
}

struct text text_copy(struct arena *arena, struct text a) {
    return a.at == NULL ? a : (struct text){text_string(arena, a), a.size};
}

struct text text_format(struct arena *arena, const char *format, ...) {
    char small[256]; /* nearly all fit, and are formatted once */
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    invariant(size >= 0);
    char *at = arena_take(arena, (size_t)size + 1);
    if ((size_t)size < sizeof small) {
        memcpy(at, small, (size_t)size + 1);
    } else {
        (void)vsnprintf(at, (size_t)size + 1, format, again);
    }
    va_end(again);
    return (struct text){at, (size_t)size};
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

bool text_to_int64(int64_t *out, struct text a) {
    size_t at = 0;
    bool negative = a.size > 0 && a.at[0] == '-';
    if (a.size > 0 && (a.at[0] == '-' || a.at[0] == '+')) {
        at = 1;
    }
    if (at == a.size) {
        return false;
    }
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */
    for (; at < a.size; at++) {
        char c = a.at[at];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, c - '0', &value)) {
            return false;
        }
    }
    if (!negative && value == INT64_MIN) {
        return false;
    }
    *out = negative ? value : -value;
    return true;
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void open_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    invariant(c_locale != (locale_t)0);
}

/* Most numbers are short: a whole number below 2^53 over a power of ten up to 10^22 is rounded once, and so exactly as strtod does (Clinger
 * 1990). False: it is none of these. */
static bool short_decimal(double *out, struct text a) {
    static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    enum { DIGITS_MAX = 15 };
    size_t at = a.size > 0 && a.at[0] == '-' ? 1 : 0, digits = 0, behind = 0;
    bool point = false, minus = at == 1;
    uint64_t whole = 0;
    for (; at < a.size; at++) {
        char c = a.at[at];
        if (c >= '0' && c <= '9' && digits < DIGITS_MAX) {
            whole = whole * 10 + (uint64_t)(c - '0');
            digits++;
            behind += point ? 1 : 0;
        } else if (c == '.' && !point && digits > 0) {
            point = true;
        } else {
            return false;
        }
    }
    if (digits == 0 || (point && behind == 0)) {
        return false;
    }
    double value = (double)whole / tens[behind];
    *out = minus ? -value : value;
    return true;
}

bool text_to_double(double *out, struct text a) {
    if (short_decimal(out, a)) {
        return true;
    }
    char digits[512];
    if (a.size == 0 || a.size >= sizeof digits) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) { /* neither hexadecimal, "nan" nor leading blanks, which strtod would take */
        if (strchr("0123456789+-.eE", a.at[i]) == NULL || a.at[i] == '\0') {
            return false;
        }
        digits[i] = a.at[i];
    }
    digits[a.size] = '\0';
    pthread_once(&c_locale_once, open_c_locale);
    char *end = NULL;
    double value = strtod_l(digits, &end, c_locale);
    if (end != digits + a.size || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

/* ---- buffers ---------------------------------------------------------------------------------------------------- */

struct buffer buffer_open(struct arena *arena, size_t limit_bytes) {
    return (struct buffer){.arena = arena, .limit = limit_bytes};
}

/* Room for `more` bytes; false once the limit is passed. */
static bool reserve(struct buffer *buffer, size_t more) {
    if (buffer->full || more > buffer->limit - buffer->size) {
        buffer->full = true;
        return false;
    }
    size_t needed = buffer->size + more;
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity == 0 ? 256 : buffer->capacity * 2;
    capacity = capacity < needed ? needed : capacity;
    capacity = capacity > buffer->limit ? buffer->limit : capacity;
    buffer->at = arena_grow(buffer->arena, buffer->at, buffer->capacity, capacity);
    buffer->capacity = capacity;
    return true;
}

void buffer_put(struct buffer *buffer, struct text text) {
    if (text.size > 0 && reserve(buffer, text.size)) {
        memcpy(buffer->at + buffer->size, text.at, text.size);
        buffer->size += text.size;
    }
}

void buffer_put_string(struct buffer *buffer, const char *string) {
    buffer_put(buffer, text_from(string));
}

void buffer_put_char(struct buffer *buffer, char c) {
    buffer_put(buffer, (struct text){&c, 1});
}

void buffer_put_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    invariant(size >= 0);
    /* vsnprintf ends with a zero, for which the limit has no room: it is written into the arena and copied */
    char stack[256];
    char *at = (size_t)size < sizeof stack ? stack : arena_take(buffer->arena, (size_t)size + 1);
    (void)vsnprintf(at, (size_t)size + 1, format, again);
    va_end(again);
    buffer_put(buffer, (struct text){at, (size_t)size});
}

struct text buffer_text(const struct buffer *buffer) {
    return buffer->at == NULL ? TEXT("") : (struct text){buffer->at, buffer->size};
}
