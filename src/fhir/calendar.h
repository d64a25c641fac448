/* calendar: the text of dates and times, taken apart. Proleptic Gregorian, years 0001 to 9999. Private to fhir. */
#ifndef SOYANG_FHIR_CALENDAR_H
#define SOYANG_FHIR_CALENDAR_H

#include "fhir/fhir.h"

enum calendar_precision {
    CALENDAR_YEAR,
    CALENDAR_MONTH,
    CALENDAR_DAY,
    CALENDAR_HOUR,
    CALENDAR_MINUTE,
    CALENDAR_SECOND,
    CALENDAR_FRACTION,
};
enum { FRACTION_DIGITS_MAX = 6 }; /* kept; further ones are read and dropped, since time is counted in µs */

struct calendar_time {
    enum calendar_precision precision;
    int year, month, day;     /* 1 where the text does not say */
    int hour, minute, second; /* a second of 60 is a leap second */
    int fraction_us, fraction_digits;
    bool has_zone;
    int zone_minutes; /* east of UTC */
};

/* YYYY[-MM[-DD[Thh[:mm[:ss[.f+]]][Z|±hh:mm]]]]: all of the text, every field in its range, days that exist. */
bool calendar_read(struct calendar_time *out, struct text value);
/* hh:mm[:ss[.f+]]: a time of day. */
bool calendar_read_clock(struct calendar_time *out, struct text value);

int calendar_days_in_month(int year, int month);
int64_t calendar_days_since_1970(int year, int month, int day);

#endif
