#include "fhirpath/decimal.h"

#include <math.h>

/* |mantissa| stays below 10^37, so that one more decimal digit never overflows 128 bits. */
static bool fits(decimal_mantissa mantissa) {
    static const uint64_t ten_18 = 1000000000000000000u;
    const decimal_mantissa limit = (decimal_mantissa)ten_18 * (decimal_mantissa)ten_18 * 10;
    return mantissa < limit && mantissa > -limit;
}

/* mantissa * 10^digits */
static bool shift_left(decimal_mantissa *out, decimal_mantissa mantissa, int digits) {
    for (; digits > 0 && mantissa != 0; digits--) {
        mantissa *= 10;
        if (!fits(mantissa)) {
            return false;
        }
    }
    *out = mantissa;
    return true;
}

static struct text cut_digits(struct text *rest) {
    struct text digits = {rest->at, 0};
    while (rest->size > 0 && rest->at[0] >= '0' && rest->at[0] <= '9') {
        rest->at++;
        rest->size--;
        digits.size++;
    }
    return digits;
}

static bool append_digits(decimal_mantissa *mantissa, struct text digits) {
    for (size_t i = 0; i < digits.size; i++) {
        *mantissa = *mantissa * 10 + (digits.at[i] - '0');
        if (!fits(*mantissa)) {
            return false;
        }
    }
    return true;
}

static bool cut_sign(struct text *rest) {
    if (rest->size > 0 && (rest->at[0] == '-' || rest->at[0] == '+')) {
        bool negative = rest->at[0] == '-';
        rest->at++;
        rest->size--;
        return negative;
    }
    return false;
}

static bool cut_exponent(int64_t *exponent, struct text *rest) {
    *exponent = 0;
    if (rest->size == 0 || (rest->at[0] != 'e' && rest->at[0] != 'E')) {
        return true;
    }
    struct text after = {rest->at + 1, rest->size - 1};
    bool negative = cut_sign(&after);
    struct text digits = cut_digits(&after);
    if (digits.size == 0 || digits.size > 4) {
        return false;
    }
    for (size_t i = 0; i < digits.size; i++) {
        *exponent = *exponent * 10 + (digits.at[i] - '0');
    }
    *exponent = negative ? -*exponent : *exponent;
    *rest = after;
    return true;
}

bool decimal_parse(struct decimal *out, struct text text) {
    bool negative = cut_sign(&text);
    struct text whole = cut_digits(&text), fraction = {text.at, 0};
    if (whole.size == 0) {
        return false;
    }
    if (text.size > 0 && text.at[0] == '.') {
        text.at++;
        text.size--;
        fraction = cut_digits(&text);
        if (fraction.size == 0) {
            return false;
        }
    }
    decimal_mantissa mantissa = 0;
    int64_t exponent = 0;
    if (!append_digits(&mantissa, whole) || !append_digits(&mantissa, fraction) || !cut_exponent(&exponent, &text) ||
        text.size != 0) {
        return false;
    }
    int64_t scale = (int64_t)fraction.size - exponent;
    if (scale < 0 && (scale < -DECIMAL_DIGITS_MAX || !shift_left(&mantissa, mantissa, (int)-scale))) {
        return false;
    }
    scale = scale < 0 ? 0 : scale;
    if (scale > DECIMAL_DIGITS_MAX) {
        return false;
    }
    *out = (struct decimal){negative ? -mantissa : mantissa, (int)scale};
    return true;
}

struct decimal decimal_from_int64(int64_t value) {
    return (struct decimal){value, 0};
}

long double decimal_to_long_double(struct decimal a) {
    return (long double)a.mantissa / powl(10.0L, a.scale);
}

bool decimal_from_long_double(struct decimal *out, long double value) {
    enum { DIGITS = 15 };
    if (!isfinite(value) || fabsl(value) >= 1e30L) {
        return false;
    }
    if (value == 0.0L || fabsl(value) < 1e-30L) {
        *out = (struct decimal){0, 1};
        return true;
    }
    int magnitude = (int)floorl(log10l(fabsl(value))) + 1;
    int scale = DIGITS - magnitude;
    long double mantissa = roundl(value * powl(10.0L, scale));
    for (; scale < 0; scale++) {
        mantissa *= 10.0L;
    }
    struct decimal exact = {(decimal_mantissa)mantissa, scale};
    for (; exact.scale > DECIMAL_DIGITS_MAX; exact.scale--) {
        exact.mantissa /= 10;
    }
    exact = decimal_trim(exact);
    if (exact.scale == 0) { /* a computed decimal stays a decimal to the eye: 9.0 */
        exact.scale = 1;
        exact.mantissa *= 10;
    }
    *out = exact;
    return fits(exact.mantissa);
}

bool decimal_to_int64(int64_t *out, struct decimal a) {
    struct decimal whole;
    if (!decimal_round(&whole, a, 0, DECIMAL_TOWARD_ZERO) || whole.mantissa > INT64_MAX || whole.mantissa < INT64_MIN) {
        return false;
    }
    *out = (int64_t)whole.mantissa;
    return true;
}

struct text decimal_format(struct arena *arena, struct decimal a) {
    enum { SIZE = 2 * DECIMAL_DIGITS_MAX + 4 };
    char *buffer = arena_alloc(arena, SIZE);
    char *at = buffer + SIZE;
    bool negative = a.mantissa < 0;
    decimal_mantissa rest = negative ? -a.mantissa : a.mantissa;
    int digits = 0;
    do {
        *--at = (char)('0' + (int)(rest % 10));
        rest /= 10;
        if (++digits == a.scale) {
            *--at = '.';
        }
    } while (rest != 0 || digits <= a.scale);
    if (negative) {
        *--at = '-';
    }
    return (struct text){at, (size_t)(buffer + SIZE - at)};
}

/* Brings both to one scale; false when that overflows. */
static bool align(struct decimal *a, struct decimal *b) {
    if (a->scale < b->scale) {
        if (!shift_left(&a->mantissa, a->mantissa, b->scale - a->scale)) {
            return false;
        }
        a->scale = b->scale;
    } else if (b->scale < a->scale) {
        if (!shift_left(&b->mantissa, b->mantissa, a->scale - b->scale)) {
            return false;
        }
        b->scale = a->scale;
    }
    return true;
}

int decimal_compare(struct decimal a, struct decimal b) {
    struct decimal first = a, second = b;
    if (align(&first, &second)) {
        return (first.mantissa > second.mantissa) - (first.mantissa < second.mantissa);
    }
    long double x = decimal_to_long_double(a),
                y = decimal_to_long_double(b); /* so far apart that rounding is harmless */
    return (x > y) - (x < y);
}

bool decimal_add(struct decimal *out, struct decimal a, struct decimal b) {
    if (!align(&a, &b) || !fits(a.mantissa + b.mantissa)) {
        return false;
    }
    *out = (struct decimal){a.mantissa + b.mantissa, a.scale};
    return true;
}

bool decimal_multiply(struct decimal *out, struct decimal a, struct decimal b) {
    decimal_mantissa product;
    if (__builtin_mul_overflow(a.mantissa, b.mantissa, &product) || !fits(product)) {
        a = decimal_trim(a);
        b = decimal_trim(b);
        if (__builtin_mul_overflow(a.mantissa, b.mantissa, &product) || !fits(product)) {
            return false;
        }
    }
    if (a.scale + b.scale > DECIMAL_DIGITS_MAX) {
        return false;
    }
    *out = (struct decimal){product, a.scale + b.scale};
    return true;
}

/* Long division: 16 digits after the point, fewer when the mantissa is full. */
bool decimal_divide(struct decimal *out, struct decimal a, struct decimal b) {
    enum { QUOTIENT_SCALE = 16 };
    if (b.mantissa == 0) {
        return false;
    }
    a = decimal_trim(a);
    b = decimal_trim(b);
    int scale = a.scale - b.scale;
    decimal_mantissa quotient = a.mantissa / b.mantissa, rest = a.mantissa % b.mantissa;
    while ((rest != 0 && scale < QUOTIENT_SCALE) || scale < 0) {
        if (!fits(rest * 10) || !fits(quotient * 10 + 9)) {
            break;
        }
        rest *= 10;
        quotient = quotient * 10 + rest / b.mantissa;
        rest %= b.mantissa;
        scale++;
    }
    if (scale < 0 || scale > DECIMAL_DIGITS_MAX) {
        return false;
    }
    decimal_mantissa twice = rest < 0 ? -rest : rest;
    decimal_mantissa divisor = b.mantissa < 0 ? -b.mantissa : b.mantissa;
    if (twice >= divisor - twice) { /* the digit cut off was 5 or more */
        quotient += (a.mantissa < 0) == (b.mantissa < 0) ? 1 : -1;
    }
    *out = decimal_trim((struct decimal){quotient, scale});
    return true;
}

bool decimal_round(struct decimal *out, struct decimal a, int scale, enum decimal_rounding rounding) {
    if (scale < 0 || scale > DECIMAL_DIGITS_MAX) {
        return false;
    }
    if (scale >= a.scale) {
        decimal_mantissa mantissa;
        if (!shift_left(&mantissa, a.mantissa, scale - a.scale)) {
            return false;
        }
        *out = (struct decimal){mantissa, scale};
        return true;
    }
    decimal_mantissa divisor = 1;
    if (!shift_left(&divisor, 1, a.scale - scale)) {
        *out = (struct decimal){0, scale};
        return true;
    }
    decimal_mantissa quotient = a.mantissa / divisor, rest = a.mantissa % divisor;
    decimal_mantissa distance = rest < 0 ? -rest : rest;
    switch (rounding) {
    case DECIMAL_HALF_AWAY:
        quotient += distance >= divisor - distance ? (a.mantissa < 0 ? -1 : 1) : 0;
        break;
    case DECIMAL_FLOOR:
        quotient -= rest < 0;
        break;
    case DECIMAL_CEILING:
        quotient += rest > 0;
        break;
    case DECIMAL_TOWARD_ZERO:
        break;
    }
    *out = (struct decimal){quotient, scale};
    return true;
}

bool decimal_power(struct decimal *out, struct decimal base, int64_t exponent) {
    enum { EXPONENT_MAX = 1024 };
    if (exponent < 0 || exponent > EXPONENT_MAX) {
        return false;
    }
    struct decimal product = {1, 0};
    for (; exponent > 0; exponent--) {
        if (!decimal_multiply(&product, product, base)) {
            return false;
        }
    }
    *out = product;
    return true;
}

struct decimal decimal_negate(struct decimal a) {
    return (struct decimal){-a.mantissa, a.scale};
}

struct decimal decimal_trim(struct decimal a) {
    while (a.scale > 0 && a.mantissa % 10 == 0) {
        a.mantissa /= 10;
        a.scale--;
    }
    return a;
}
