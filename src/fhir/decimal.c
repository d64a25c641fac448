#include "fhir/decimal.h"

#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool put_digit(struct decimal *out, char digit) {
    if (digit == '0' && out->digit_count == 0) {
        return true;
    }
    if (out->digit_count == DECIMAL_DIGITS_MAX) {
        return false;
    }
    out->digits[out->digit_count++] = digit;
    return true;
}

static bool read_exponent(int *out, const char *at, const char *end) {
    bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    if (at == end) {
        return false;
    }
    int value = 0;
    for (; at < end; at++) {
        if (!is_digit(*at) || value > 10 * DECIMAL_MAGNITUDE_MAX) {
            return false;
        }
        value = value * 10 + (*at - '0');
    }
    *out = is_negative ? -value : value;
    return true;
}

bool decimal_read(struct decimal *out, struct text value) {
    const char *at = value.at, *end = value.at + value.size;
    out->digit_count = 0;
    out->is_negative = at < end && *at == '-';
    at += out->is_negative;
    if (at == end || !is_digit(*at) || (*at == '0' && at + 1 < end && is_digit(at[1]))) {
        return false;
    }
    int places = 0, exponent = 0;
    for (; at < end && is_digit(*at); at++) {
        if (!put_digit(out, *at)) {
            return false;
        }
    }
    if (at < end && *at == '.') {
        const char *start = ++at;
        for (; at < end && is_digit(*at); at++) {
            if (!put_digit(out, *at)) {
                return false;
            }
        }
        if (at == start || at - start > 2 * DECIMAL_MAGNITUDE_MAX) {
            return false;
        }
        places = (int)(at - start);
    }
    out->is_bare_exponent = at < end && places == 0;
    if (at < end && ((*at != 'e' && *at != 'E') || !read_exponent(&exponent, at + 1, end))) {
        return false;
    }
    out->last_place = exponent - places;
    out->magnitude = out->digit_count == 0 ? 0 : out->digit_count + out->last_place;
    return out->magnitude >= -DECIMAL_MAGNITUDE_MAX && out->magnitude <= DECIMAL_MAGNITUDE_MAX &&
           out->last_place >= -2 * DECIMAL_MAGNITUDE_MAX && out->last_place <= DECIMAL_MAGNITUDE_MAX;
}

enum { KEY_DIGITS = 2 * (FHIR_DECIMAL_KEY_SIZE - 3), KEY_MAGNITUDE_BIAS = 0x4000 };

/* One byte of sign, two of magnitude, then two digits a byte; what follows the sign is inverted below zero. */
bool fhir_decimal_key(uint8_t out[static FHIR_DECIMAL_KEY_SIZE], struct text value) {
    struct decimal decimal;
    if (!decimal_read(&decimal, value)) {
        return false;
    }
    memset(out, 0, FHIR_DECIMAL_KEY_SIZE);
    if (decimal.digit_count == 0) {
        out[0] = 1;
        return true;
    }
    int biased = decimal.magnitude + KEY_MAGNITUDE_BIAS;
    out[0] = decimal.is_negative ? 0 : 2;
    out[1] = (uint8_t)(biased >> 8);
    out[2] = (uint8_t)biased;
    for (int i = 0; i < decimal.digit_count && i < KEY_DIGITS; i++) {
        int digit = decimal.digits[i] - '0';
        out[3 + i / 2] |= (uint8_t)(i % 2 == 0 ? digit << 4 : digit);
    }
    for (int i = 1; decimal.is_negative && i < FHIR_DECIMAL_KEY_SIZE; i++) {
        out[i] = (uint8_t)~out[i];
    }
    return true;
}

enum { RANGE_DIGITS = 40 }; /* more than twice what a double tells apart */

static void cut_digits(struct decimal *decimal) {
    if (decimal->digit_count > RANGE_DIGITS) {
        decimal->last_place += decimal->digit_count - RANGE_DIGITS;
        decimal->digit_count = RANGE_DIGITS;
    }
}

/* The number section of the R4 search page reads 1e2 as [95, 105): as if it were 1.0e2. */
static void imply_digit(struct decimal *decimal) {
    if (decimal->is_bare_exponent && decimal->digit_count > 0 && decimal->digit_count < RANGE_DIGITS) {
        decimal->digits[decimal->digit_count++] = '0';
        decimal->last_place--;
    }
}

/* The magnitude, half a unit of its last place further from zero (`outward`) or nearer to it, as a double. */
static double half_a_unit_away(const struct decimal *decimal, bool outward) {
    char text[RANGE_DIGITS + 16];
    size_t size = 0;
    if (decimal->digit_count == 0) {
        text[size++] = outward ? '0' : '-';
    }
    for (int i = 0; i < decimal->digit_count; i++) {
        text[size++] = decimal->digits[i];
    }
    for (size_t i = size; !outward && decimal->digit_count > 0 && i-- > 0;) {
        if (text[i] != '0') {
            text[i]--;
            break;
        }
        text[i] = '9';
    }
    text[size++] = '5';
    text[size++] = 'e';
    int exponent = decimal->last_place - 1;
    text[size++] = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    for (int unit = 1000; unit > 0; unit /= 10) {
        text[size++] = (char)('0' + exponent / unit % 10);
    }
    double result;
    bool is_number = text_to_double(&result, (struct text){text, size});
    invariant(is_number);
    return result;
}

bool fhir_decimal_range(struct fhir_decimal_range *out, struct text value) {
    struct decimal decimal;
    if (!decimal_read(&decimal, value)) {
        return false;
    }
    cut_digits(&decimal);
    imply_digit(&decimal);
    double near = half_a_unit_away(&decimal, false), far = half_a_unit_away(&decimal, true);
    *out = decimal.is_negative && decimal.digit_count > 0 ? (struct fhir_decimal_range){-far, -near}
                                                          : (struct fhir_decimal_range){near, far};
    return true;
}
