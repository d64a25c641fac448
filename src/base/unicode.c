#include "base/unicode.h"

#include "base/arena.h"

#include <string.h>
#include <utf8proc.h>

/* RFC 3629, section 4: the range of the second byte depends on the first. */
static bool second_fits(unsigned char first, unsigned char second) {
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return second >= 0x80 && second <= 0xBF;
    }
}

size_t unicode_sequence_size(struct text a) {
    const unsigned char *at = (const unsigned char *)a.at;
    unsigned char first = at[0];
    if (first < 0x80) {
        return 1;
    }
    size_t size = first >= 0xC2 && first <= 0xDF   ? 2
                  : first >= 0xE0 && first <= 0xEF ? 3
                  : first >= 0xF0 && first <= 0xF4 ? 4
                                                   : 0;
    if (size == 0 || a.size < size || !second_fits(first, at[1])) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return size;
}

/* How many bytes at the start are ASCII, found eight at a time. */
static size_t ascii_run(struct text a) {
    size_t at = 0;
    while (at + 8 <= a.size) {
        uint64_t word;
        memcpy(&word, a.at + at, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        at += 8;
    }
    while (at < a.size && (unsigned char)a.at[at] < 0x80) {
        at++;
    }
    return at;
}

bool text_is_utf8(struct text a) {
    while (a.size > 0) {
        const unsigned char *at = (const unsigned char *)a.at;
        size_t size = ascii_run(a);
        if (size == 0 && a.size >= 3 && at[0] >= 0xE1 && at[0] <= 0xEC) { /* most of Hangul and Han */
            size = (at[1] & 0xC0) == 0x80 && (at[2] & 0xC0) == 0x80 ? 3 : 0;
        } else if (size == 0) {
            size = unicode_sequence_size(a);
        }
        if (size == 0) {
            return false;
        }
        a.at += size;
        a.size -= size;
    }
    return true;
}

/* ---- the search form -------------------------------------------------------------------------------------------- */

static struct text fold_ascii(struct arena *arena, struct text a) {
    char *out = arena_take(arena, a.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < a.size; i++) {
        char c = a.at[i];
        bool blank = c == ' ' || (c >= '\t' && c <= '\r');
        if (blank && (size == 0 || out[size - 1] == ' ')) {
            continue;
        }
        out[size++] = blank ? ' ' : (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    size -= size > 0 && out[size - 1] == ' ';
    out[size] = '\0';
    return (struct text){out, size};
}

/* Bytes that are no UTF-8 become U+FFFD each, so that folding never fails. */
static struct text repaired(struct arena *arena, struct text a) {
    if (text_is_utf8(a)) {
        return a;
    }
    struct buffer buffer = buffer_open(arena, SIZE_MAX / 8);
    while (a.size > 0) {
        size_t size = unicode_sequence_size(a);
        buffer_put(&buffer, size > 0 ? (struct text){a.at, size} : TEXT("\xEF\xBF\xBD"));
        size += size == 0;
        a.at += size;
        a.size -= size;
    }
    return buffer_text(&buffer);
}

/* Blocks of Latin letters (Unicode 15, Blocks.txt); the text is decomposed, so few letters beyond ASCII are left. */
static bool is_latin(utf8proc_int32_t point) {
    return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || (point >= 0x00C0 && point <= 0x02AF) ||
           (point >= 0x1E00 && point <= 0x1EFF) || (point >= 0x2C60 && point <= 0x2C7F) ||
           (point >= 0xA720 && point <= 0xA7FF) || (point >= 0xAB30 && point <= 0xAB6F);
}

static bool is_space(utf8proc_int32_t point) {
    utf8proc_category_t category = utf8proc_category(point);
    return (point >= '\t' && point <= '\r') || point == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

/* Drops marks after Latin letters and joins white space; returns how many code points are left. */
static size_t reduce(utf8proc_int32_t *points, size_t count) {
    size_t kept = 0;
    bool after_latin = false;
    for (size_t i = 0; i < count; i++) {
        utf8proc_int32_t point = points[i];
        bool mark = utf8proc_category(point) == UTF8PROC_CATEGORY_MN;
        if (mark && after_latin) {
            continue;
        }
        if (!mark) {
            after_latin = is_latin(point);
        }
        if (is_space(point)) {
            if (kept > 0 && points[kept - 1] != ' ') {
                points[kept++] = ' ';
            }
            continue;
        }
        points[kept++] = point;
    }
    return kept - (kept > 0 && points[kept - 1] == ' ');
}

struct text text_fold(struct arena *arena, struct text a) {
    if (a.at == NULL) {
        return a;
    }
    if (ascii_run(a) == a.size) {
        return fold_ascii(arena, a);
    }
    struct text source = repaired(arena, a);
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)source.at;
    utf8proc_ssize_t size = (utf8proc_ssize_t)source.size;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD;
    utf8proc_ssize_t count = utf8proc_decompose(bytes, size, NULL, 0, options);
    invariant(count >= 0); /* valid UTF-8 cannot fail */
    utf8proc_int32_t *points = arena_array(arena, (size_t)count + 1, sizeof *points);
    invariant(utf8proc_decompose(bytes, size, points, count, options) == count);
    count = (utf8proc_ssize_t)reduce(points, (size_t)count);
    /* writes UTF-8 over the code points, which are never narrower; composes first */
    size = utf8proc_reencode(points, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    invariant(size >= 0);
    return (struct text){(const char *)points, (size_t)size};
}
