#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { US_PER_MS = 1000, US_PER_S = 1000000, S_PER_DAY = 86400 };

/* Real time is the monotonic clock plus an offset that only grows: a forward step of the system's clock is followed at
 * once; after a backward step time goes on from where it was, so that deadlines neither stand still nor come twice. */
struct pace {
    double speed;
    int64_t real_us, time_us; /* where it began: real time, and the time shown */
    struct pace *before;      /* kept until closing: a reader may still hold it */
};
struct clock {
    bool manual;
    _Atomic(struct pace *) pace;
    _Atomic int64_t offset_us; /* real: offset to the monotonic clock; manual: the time itself */
    _Atomic int64_t ahead_us;  /* what a demonstration has skipped */
};

static int64_t read_clock_us(clockid_t id) {
    struct timespec now;
    invariant(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void) {
    return read_clock_us(CLOCK_MONOTONIC);
}

static int64_t real_now_us(struct clock *clock) {
    int64_t real = read_clock_us(CLOCK_REALTIME); /* first: being interrupted in between makes the offset too small */
    int64_t monotonic = clock_monotonic_us();
    int64_t offset = atomic_load(&clock->offset_us);
    while (real - monotonic > offset) {
        if (atomic_compare_exchange_weak(&clock->offset_us, &offset, real - monotonic)) {
            offset = real - monotonic;
        }
    }
    return monotonic + offset;
}

static struct pace *pace_open(double speed, int64_t real_us, int64_t time_us, struct pace *before) {
    struct pace *pace = malloc(sizeof *pace);
    invariant(pace != NULL); /* at the start of the program, where nothing can go on without one */
    *pace = (struct pace){speed, real_us, time_us, before};
    return pace;
}

struct clock *clock_open(double speed) {
    invariant(speed > 0);
    struct clock *clock = calloc(1, sizeof *clock);
    invariant(clock != NULL);
    atomic_init(&clock->offset_us, INT64_MIN / 2);
    int64_t now_us = real_now_us(clock);
    atomic_init(&clock->pace, pace_open(speed, now_us, now_us, NULL));
    return clock;
}

struct clock *clock_open_manual(int64_t start_us) {
    struct clock *clock = calloc(1, sizeof *clock);
    invariant(clock != NULL);
    clock->manual = true;
    atomic_init(&clock->pace, pace_open(1, start_us, start_us, NULL));
    atomic_init(&clock->offset_us, start_us);
    return clock;
}

void clock_close(struct clock *clock) {
    struct pace *pace = clock != NULL ? atomic_load(&clock->pace) : NULL;
    while (pace != NULL) {
        struct pace *before = pace->before;
        free(pace);
        pace = before;
    }
    free(clock);
}

static int64_t shown_us(const struct clock *clock, const struct pace *pace, int64_t real_us) {
    bool is_real = pace->speed == 1 && pace->before == NULL;
    int64_t passed_us = is_real ? real_us - pace->real_us : (int64_t)((double)(real_us - pace->real_us) * pace->speed);
    return pace->time_us + passed_us + atomic_load(&clock->ahead_us);
}

int64_t clock_now_us(const struct clock *clock) {
    if (clock->manual) {
        return atomic_load(&clock->offset_us);
    }
    const struct pace *pace =
        atomic_load(&clock->pace); /* first: a pace set meanwhile begins after the real time read next */
    return shown_us(clock, pace,
        real_now_us((struct clock *)clock)); /* the offset is a cache: reading the time changes no answer */
}

double clock_speed(const struct clock *clock) {
    return atomic_load(&clock->pace)->speed;
}

void clock_set_speed(struct clock *clock, double speed) {
    struct pace *before = atomic_load(&clock->pace);
    invariant(!clock->manual && speed > 0);
    int64_t real_us = real_now_us(clock);
    int64_t time_us = shown_us(clock, before, real_us) - atomic_load(&clock->ahead_us);
    atomic_store(&clock->pace, pace_open(speed, real_us, time_us, before));
}

void clock_advance(struct clock *clock, int64_t by_us) {
    invariant((clock->manual || clock_speed(clock) != 1) && by_us >= 0);
    atomic_fetch_add(clock->manual ? &clock->offset_us : &clock->ahead_us, by_us);
}

/* ---- the calendar ----------------------------------------------------------------------------------------------- */

/* Proleptic Gregorian. Counting years from March puts the leap day last: month m (March = 0) starts on day
 * (153 m + 2) / 5 of its year; an era is 400 years, 146097 days. */
enum { DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468 };

static int64_t days_from_date(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_1970;
}

static void date_from_days(int *year, int *month, int *day, int64_t days) {
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static void put_digits(char *at, int value, int width) {
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

#define YEAR_1_US (INT64_C(-62135596800) * US_PER_S)
#define YEAR_10000_US (INT64_C(253402300800) * US_PER_S)

void time_format_utc(char out[static TIME_TEXT_SIZE], int64_t time_us) {
    time_us = time_us < YEAR_1_US ? YEAR_1_US : time_us >= YEAR_10000_US ? YEAR_10000_US - 1 : time_us;
    int64_t seconds = time_us / US_PER_S - (time_us % US_PER_S < 0);
    int64_t days = seconds / S_PER_DAY - (seconds % S_PER_DAY < 0);
    int rest = (int)(seconds - days * S_PER_DAY);
    int year, month, day;
    date_from_days(&year, &month, &day, days);
    invariant(year >= 1 && year <= 9999);
    memcpy(out, "0000-00-00T00:00:00.000Z", sizeof "0000-00-00T00:00:00.000Z");
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, rest / 3600, 2);
    put_digits(out + 14, rest / 60 % 60, 2);
    put_digits(out + 17, rest % 60, 2);
    put_digits(out + 20, (int)((time_us - seconds * US_PER_S) / US_PER_MS), 3);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* Takes `width` digits off the front, then the byte `end` (when not 0). */
static bool take_digits(int *out, struct text *rest, size_t width, char end) {
    size_t size = width + (end != 0);
    if (rest->size < size || (end != 0 && rest->at[width] != end)) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < width; i++) {
        if (rest->at[i] < '0' || rest->at[i] > '9') {
            return false;
        }
        *out = *out * 10 + (rest->at[i] - '0');
    }
    rest->at += size;
    rest->size -= size;
    return true;
}

/* Digits beyond the microsecond are dropped. */
static bool take_fraction_us(int *out, struct text *rest) {
    *out = 0;
    if (rest->size == 0 || rest->at[0] != '.') {
        return true;
    }
    size_t at = 1;
    for (int unit = US_PER_S / 10; at < rest->size && rest->at[at] >= '0' && rest->at[at] <= '9'; at++, unit /= 10) {
        *out += (rest->at[at] - '0') * unit;
    }
    rest->at += at;
    rest->size -= at;
    return at > 1;
}

static bool take_zone_s(int *out, struct text *rest) {
    if (rest->size == 1 && rest->at[0] == 'Z') {
        *out = 0;
        return true;
    }
    if (rest->size != 6 || (rest->at[0] != '+' && rest->at[0] != '-')) {
        return false;
    }
    int sign = rest->at[0] == '-' ? -1 : 1;
    int hours, minutes;
    struct text zone = {rest->at + 1, 5};
    if (!take_digits(&hours, &zone, 2, ':') || !take_digits(&minutes, &zone, 2, 0) || minutes > 59 ||
        hours * 60 + minutes > 14 * 60) {
        return false;
    }
    *out = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* FHIR R4 datatypes, `instant`: seconds are a must, second 60 is allowed and means the next minute's first. */
bool time_parse(int64_t *out_us, struct text iso) {
    int year, month, day, hour, minute, second, fraction_us, zone_s;
    struct text rest = iso;
    if (!take_digits(&year, &rest, 4, '-') || !take_digits(&month, &rest, 2, '-') ||
        !take_digits(&day, &rest, 2, 'T') || !take_digits(&hour, &rest, 2, ':') ||
        !take_digits(&minute, &rest, 2, ':') || !take_digits(&second, &rest, 2, 0) ||
        !take_fraction_us(&fraction_us, &rest) || !take_zone_s(&zone_s, &rest)) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60) {
        return false;
    }
    int64_t seconds = days_from_date(year, month, day) * S_PER_DAY + hour * 3600 + minute * 60 + second - zone_s;
    *out_us = seconds * US_PER_S + fraction_us;
    return true;
}
