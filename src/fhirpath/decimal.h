/* decimal: exact decimal arithmetic for FHIRPath: a 128-bit mantissa and a scale.
 *
 * Limit: 37 significant digits and a scale of 0..37. An operation whose exact result needs more says false, except division,
 * which is cut to what fits. No value here is ever rounded silently otherwise. */
#ifndef SOYANG_FHIRPATH_DECIMAL_H
#define SOYANG_FHIRPATH_DECIMAL_H

#include "base/base.h"

__extension__ typedef __int128 decimal_mantissa;

enum { DECIMAL_DIGITS_MAX = 37 };

struct decimal {
    decimal_mantissa mantissa; /* the value is mantissa / 10^scale */
    int scale;                 /* digits after the point, as written: 1.00 has 2 */
};

enum decimal_rounding { DECIMAL_HALF_AWAY, DECIMAL_FLOOR, DECIMAL_CEILING, DECIMAL_TOWARD_ZERO };

bool decimal_parse(struct decimal *out, struct text text); /* [+-]digits[.digits][e[+-]digits], the whole text */
struct decimal decimal_from_int64(int64_t value);
bool decimal_from_long_double(struct decimal *out, long double value); /* 15 significant digits */
long double decimal_to_long_double(struct decimal a);
bool decimal_to_int64(int64_t *out, struct decimal a); /* cut toward zero */
struct text decimal_format(struct arena *arena, struct decimal a);

int decimal_compare(struct decimal a, struct decimal b); /* by value: 1.0 and 1.00 are equal */
bool decimal_add(struct decimal *out, struct decimal a, struct decimal b);
bool decimal_multiply(struct decimal *out, struct decimal a, struct decimal b);
bool decimal_divide(struct decimal *out, struct decimal a, struct decimal b); /* false for a zero divisor */
bool decimal_round(struct decimal *out, struct decimal a, int scale, enum decimal_rounding rounding);
bool decimal_power(struct decimal *out, struct decimal base, int64_t exponent); /* exponent 0..1024 */
struct decimal decimal_negate(struct decimal a);
struct decimal decimal_trim(struct decimal a); /* without trailing zeros after the point */

#endif
