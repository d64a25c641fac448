#include "fhir/calendar.h"

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, char c) {
    if (cursor->at == cursor->end || *cursor->at != c) {
        return false;
    }
    cursor->at++;
    return true;
}

static bool take_digits(int *out, struct cursor *cursor, int count) {
    if (cursor->end - cursor->at < count) {
        return false;
    }
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = cursor->at[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    cursor->at += count;
    *out = value;
    return true;
}

static bool take_field(int *out, struct cursor *cursor, int low, int high) {
    return take_digits(out, cursor, 2) && *out >= low && *out <= high;
}

int calendar_days_in_month(int year, int month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* Counts years from March, so that the leap day ends one; 400-year cycles have 146,097 days. */
int64_t calendar_days_since_1970(int year, int month, int day) {
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t cycle = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t year_of_cycle = shifted - cycle * 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    return cycle * 146097 + day_of_cycle - 719468;
}

static bool take_fraction(struct calendar_time *out, struct cursor *cursor) {
    const char *start = cursor->at;
    int scale = 100000;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        out->fraction_us += (*cursor->at - '0') * scale;
        scale /= 10;
        cursor->at++;
    }
    int64_t digits = cursor->at - start;
    out->fraction_digits = digits > FRACTION_DIGITS_MAX ? FRACTION_DIGITS_MAX : (int)digits;
    out->precision = CALENDAR_FRACTION;
    return digits > 0;
}

static bool take_clock(struct calendar_time *out, struct cursor *cursor) {
    if (!take_field(&out->hour, cursor, 0, 23)) {
        return false;
    }
    out->precision = CALENDAR_HOUR;
    if (!take(cursor, ':')) {
        return true;
    }
    if (!take_field(&out->minute, cursor, 0, 59)) {
        return false;
    }
    out->precision = CALENDAR_MINUTE;
    if (!take(cursor, ':')) {
        return true;
    }
    if (!take_field(&out->second, cursor, 0, 60)) {
        return false;
    }
    out->precision = CALENDAR_SECOND;
    return !take(cursor, '.') || take_fraction(out, cursor);
}

static bool take_zone(struct calendar_time *out, struct cursor *cursor) {
    if (cursor->at == cursor->end) {
        return true;
    }
    out->has_zone = true;
    if (take(cursor, 'Z')) {
        return true;
    }
    bool is_west = *cursor->at == '-';
    int hours, minutes;
    if (!(take(cursor, '+') || take(cursor, '-')) || !take_field(&hours, cursor, 0, 14) || !take(cursor, ':') ||
        !take_field(&minutes, cursor, 0, 59) || (hours == 14 && minutes != 0)) {
        return false;
    }
    out->zone_minutes = is_west ? -(hours * 60 + minutes) : hours * 60 + minutes;
    return true;
}

bool calendar_read(struct calendar_time *out, struct text value) {
    struct cursor cursor = {value.at, value.at + value.size};
    *out = (struct calendar_time){.precision = CALENDAR_YEAR, .month = 1, .day = 1};
    if (!take_digits(&out->year, &cursor, 4) || out->year == 0) {
        return false;
    }
    if (cursor.at == cursor.end) {
        return true;
    }
    if (!take(&cursor, '-') || !take_field(&out->month, &cursor, 1, 12)) {
        return false;
    }
    out->precision = CALENDAR_MONTH;
    if (cursor.at == cursor.end) {
        return true;
    }
    if (!take(&cursor, '-') || !take_field(&out->day, &cursor, 1, 31) ||
        out->day > calendar_days_in_month(out->year, out->month)) {
        return false;
    }
    out->precision = CALENDAR_DAY;
    if (cursor.at == cursor.end) {
        return true;
    }
    return take(&cursor, 'T') && take_clock(out, &cursor) && take_zone(out, &cursor) && cursor.at == cursor.end;
}

bool calendar_read_clock(struct calendar_time *out, struct text value) {
    struct cursor cursor = {value.at, value.at + value.size};
    *out = (struct calendar_time){.month = 1, .day = 1};
    return take_clock(out, &cursor) && cursor.at == cursor.end;
}
