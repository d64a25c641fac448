/* decimal: the text of a decimal, taken apart without loss. Private to fhir. */
#ifndef SOYANG_FHIR_DECIMAL_H
#define SOYANG_FHIR_DECIMAL_H

#include "fhir/fhir.h"

/* Limits on what is taken for a decimal: R4 asks for 18 digits; a double ends near 1e308, and search compares doubles. */
enum { DECIMAL_DIGITS_MAX = 128, DECIMAL_MAGNITUDE_MAX = 300 };

/* ±0.d₁d₂…dₙ × 10^magnitude. Leading zeros are gone, trailing ones kept, as they are precision. Zero has no digits. */
struct decimal {
    bool is_negative;
    bool is_bare_exponent; /* an exponent behind digits without a point: "1e2", not "1.0e2" */
    int digit_count;
    int magnitude;
    int last_place; /* power of ten of the last digit written: -2 for "1.00" and for "0.00" */
    char digits[DECIMAL_DIGITS_MAX];
};

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?, all of the text, within the limits. */
bool decimal_read(struct decimal *out, struct text value);

#endif
