/* unit: UCUM codes and FHIRPath's calendar words, as factors of base units.
 *
 * Knows the atoms that R4 examples and clinical data use, with the definitions of UCUM 2.1 (ucum.org/ucum), all metric
 * prefixes, products, quotients, exponents, annotations. A bracketed atom that it does not know is an arbitrary unit:
 * comparable with itself only. Differs from UCUM in one thing: the mole is a base unit, not a number. */
#ifndef SOYANG_FHIRPATH_UNIT_H
#define SOYANG_FHIRPATH_UNIT_H

#include "base/base.h"
#include "fhirpath/decimal.h"
#include "fhirpath/moment.h"
#include "fhirpath/order.h"

struct unit {
    uint64_t dimension; /* eight exponents of eight bits: m s g rad K C cd mol */
    uint64_t arbitrary; /* sum of the hashes of arbitrary atoms times their exponents */
    struct decimal numerator, denominator;
    struct decimal offset; /* added to the value first: Celsius, Fahrenheit */
    int calendar_months;   /* 1 for month, 12 for year, else 0: not comparable with UCUM's mo and a */
    bool is_special;       /* has an offset: not to be multiplied */
};

bool unit_parse(struct unit *out, struct text code);
bool unit_is_comparable(const struct unit *a, const struct unit *b);
/* The calendar unit that a word ("days", "year") or a UCUM code of fixed length ("d", "wk", "h") means in date arithmetic. */
bool unit_calendar(enum moment_unit *out, bool *is_word, struct text code);
/* "days" → "day" for calendar words, others as they are. */
struct text unit_singular(struct text code);

struct quantity {
    struct decimal value;
    struct text unit; /* "1" for none */
};
enum order quantity_compare(const struct quantity *a, const struct quantity *b);
/* Equality to the precision of the less precise one; calendar words equal the UCUM codes of the same name. */
bool quantity_is_equivalent(const struct quantity *a, const struct quantity *b);
bool quantity_convert(struct decimal *out, const struct quantity *a, struct text unit);
bool quantity_multiply(struct quantity *out, const struct quantity *a, const struct quantity *b, struct arena *arena);
bool quantity_divide(struct quantity *out, const struct quantity *a, const struct quantity *b, struct arena *arena);
/* The value in base units: what two comparable quantities can be ordered by. */
bool quantity_canonical(long double *value, struct unit *unit, const struct quantity *a);
/* The dimension as a UCUM code of base units ("g.m-3", "1"); an arbitrary unit's hash stands in brackets. */
struct text unit_dimension_text(struct arena *arena, const struct unit *unit);

#endif
