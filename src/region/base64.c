#include "region/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct text base64_encode(struct arena *arena, struct text bytes) {
    char *out = arena_alloc(arena, (bytes.size + 2) / 3 * 4 + 1);
    const unsigned char *in = (const unsigned char *)bytes.at;
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group =
            (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0U);
        out[size++] = digits[group >> 18];
        out[size++] = digits[group >> 12 & 63];
        out[size++] = left > 1 ? digits[group >> 6 & 63] : '=';
        out[size++] = left > 2 ? digits[group & 63] : '=';
    }
    return (struct text){out, size};
}

static int digit_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct text *out, struct arena *arena, struct text text) {
    char *bytes = arena_alloc(arena, text.size / 4 * 3 + 4);
    uint32_t bits = 0;
    size_t size = 0, count = 0, padding = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            continue;
        }
        int value = c == '=' ? 0 : digit_value(c);
        padding += c == '=';
        if (value < 0 || padding > 2 || (padding > 0 && c != '=')) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        if (++count % 4 == 0) {
            bytes[size++] = (char)(bits >> 16 & 255);
            bytes[size++] = (char)(bits >> 8 & 255);
            bytes[size++] = (char)(bits & 255);
        }
    }
    *out = (struct text){bytes, size - padding};
    return count % 4 == 0;
}
