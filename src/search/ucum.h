/* ucum: which unit a unit can be compared in, and the numbers that lead there. What codes mean is fhirpath's to know
 * (fhirpath_unit_read).
 *
 * Scales that are powers of ten are applied to the decimal's text, so that 185 cm and 1.85 m become the same double. */
#ifndef SOYANG_SEARCH_UCUM_H
#define SOYANG_SEARCH_UCUM_H

#include "base/base.h"

#define UCUM_SYSTEM "http://unitsofmeasure.org"

enum { UCUM_NAME_SIZE = 64 };
struct ucum_conversion {
    char canonical[UCUM_NAME_SIZE]; /* the unit compared in: a UCUM code, or what stands for its dimension */
    bool is_canonical;              /* the unit is that unit */
    long double factor, offset;     /* canonical = value * factor * 10^exponent + offset */
    int exponent;
};
/* False for units that have no other: arbitrary ones, annotations, logarithms, unknown codes. */
bool ucum_conversion_find(struct ucum_conversion *out, struct text unit);
double ucum_convert(const struct ucum_conversion *conversion, struct text decimal);
double ucum_convert_number(const struct ucum_conversion *conversion, double value);

#endif
