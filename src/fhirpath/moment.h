/* moment: partial dates, dateTimes and times with their precision and zone, as FHIRPath reasons about them.
 *
 * Years 1 to 9999, proleptic Gregorian calendar, no leap seconds. */
#ifndef SOYANG_FHIRPATH_MOMENT_H
#define SOYANG_FHIRPATH_MOMENT_H

#include "base/base.h"
#include "fhirpath/order.h"

enum moment_kind { MOMENT_DATE, MOMENT_DATETIME, MOMENT_TIME };

/* The finest part given. A fraction of the second does not count as a precision of its own (FHIRPath 6.1). */
enum moment_part { MOMENT_YEAR, MOMENT_MONTH, MOMENT_DAY, MOMENT_HOUR, MOMENT_MINUTE, MOMENT_SECOND, MOMENT_PARTS };

struct moment {
    enum moment_kind kind;
    enum moment_part precision;
    int64_t part[MOMENT_PARTS]; /* the seconds in nanoseconds; parts beyond the precision are their lowest value */
    int fraction_digits;
    bool has_zone;
    int zone_minutes;
};

bool moment_parse(struct moment *out, struct text text, enum moment_kind kind);
struct moment moment_from_clock(enum moment_kind kind, int64_t time_us, int zone_minutes);
struct text moment_format(struct arena *arena, const struct moment *moment);

enum order moment_compare(const struct moment *a, const struct moment *b);
/* UNKNOWN where the precisions or a missing zone leave both answers possible; INCOMPARABLE between times and dates. */

enum moment_unit {
    MOMENT_UNIT_YEAR,
    MOMENT_UNIT_MONTH,
    MOMENT_UNIT_WEEK,
    MOMENT_UNIT_DAY,
    MOMENT_UNIT_HOUR,
    MOMENT_UNIT_MINUTE,
    MOMENT_UNIT_SECOND,
    MOMENT_UNIT_MILLISECOND,
};
/* Calendar arithmetic: `amount` whole units and `nanoseconds` more (seconds only). Units finer than the moment's precision are
 * turned into that precision first (24 months are 2 years of @2014). False outside the years 1..9999. */
bool moment_add(struct moment *out, const struct moment *a, int64_t amount, enum moment_unit unit, int64_t nanoseconds);

enum moment_edge { MOMENT_LOW, MOMENT_HIGH };
/* The first or last moment that `a` may mean, cut to so many digits: dates 4, 6, 8; dateTimes also 10, 12, 14, 17; times 2, 4, 6, 9. */
bool moment_boundary(struct moment *out, const struct moment *a, enum moment_edge edge, int64_t digits);
int moment_digits(const struct moment *a);

#endif
