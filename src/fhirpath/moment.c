#include "fhirpath/moment.h"

#include <string.h>

#define NANOSECONDS INT64_C(1000000000)

enum { YEAR_MAX = 9999, ZONE_EAST_MAX = 14 * 60, ZONE_WEST_MAX = 12 * 60, DAY_MINUTES = 24 * 60 };

/* ---- calendar --------------------------------------------------------------------------------------------------- */

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in_month(int64_t year, int64_t month) {
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 0001-01-01. */
static int64_t day_number(int64_t year, int64_t month, int64_t day) {
    int64_t before = year - 1, days = before * 365 + before / 4 - before / 100 + before / 400;
    for (int64_t m = 1; m < month; m++) {
        days += days_in_month(year, m);
    }
    return days + day - 1;
}

static bool date_of_day_number(int64_t *part, int64_t days) {
    if (days < 0 || days > day_number(YEAR_MAX, 12, 31)) {
        return false;
    }
    int64_t year = days / 366 + 1;
    while (day_number(year + 1, 1, 1) <= days) {
        year++;
    }
    int64_t rest = days - day_number(year, 1, 1), month = 1;
    for (; rest >= days_in_month(year, month); month++) {
        rest -= days_in_month(year, month);
    }
    part[MOMENT_YEAR] = year;
    part[MOMENT_MONTH] = month;
    part[MOMENT_DAY] = rest + 1;
    return true;
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static bool cut_number(int64_t *out, struct text *rest, size_t digits) {
    if (rest->size < digits) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (rest->at[i] < '0' || rest->at[i] > '9') {
            return false;
        }
        value = value * 10 + (rest->at[i] - '0');
    }
    rest->at += digits;
    rest->size -= digits;
    *out = value;
    return true;
}

static bool cut_char(struct text *rest, char c) {
    if (rest->size == 0 || rest->at[0] != c) {
        return false;
    }
    rest->at++;
    rest->size--;
    return true;
}

static bool cut_fraction(struct moment *m, struct text *rest) {
    int64_t scale = NANOSECONDS, nanoseconds = 0;
    while (rest->size > 0 && rest->at[0] >= '0' && rest->at[0] <= '9') {
        scale /= 10;
        nanoseconds += (rest->at[0] - '0') * scale; /* finer than a nanosecond is cut */
        m->fraction_digits += m->fraction_digits < 9;
        rest->at++;
        rest->size--;
    }
    m->part[MOMENT_SECOND] += nanoseconds;
    return m->fraction_digits > 0;
}

static bool cut_time(struct moment *m, struct text *rest) {
    static const int64_t limit[] = {[MOMENT_HOUR] = 24, [MOMENT_MINUTE] = 60, [MOMENT_SECOND] = 60};
    for (int part = MOMENT_HOUR; part <= MOMENT_SECOND; part++) {
        if (part > MOMENT_HOUR && !cut_char(rest, ':')) {
            return true;
        }
        if (!cut_number(&m->part[part], rest, 2) || m->part[part] >= limit[part]) {
            return false;
        }
        m->precision = (enum moment_part)part;
    }
    m->part[MOMENT_SECOND] *= NANOSECONDS;
    return !cut_char(rest, '.') || cut_fraction(m, rest);
}

static bool cut_zone(struct moment *m, struct text *rest) {
    if (rest->size == 0) {
        return true;
    }
    m->has_zone = true;
    if (cut_char(rest, 'Z')) {
        return true;
    }
    bool west = rest->at[0] == '-';
    int64_t hours = 0, minutes = 0;
    if (!(cut_char(rest, '-') || cut_char(rest, '+')) || !cut_number(&hours, rest, 2) || !cut_char(rest, ':') ||
        !cut_number(&minutes, rest, 2) || hours > 14 || minutes > 59) {
        return false;
    }
    m->zone_minutes = (int)(hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

static bool cut_date(struct moment *m, struct text *rest) {
    if (!cut_number(&m->part[MOMENT_YEAR], rest, 4) || m->part[MOMENT_YEAR] < 1) {
        return false;
    }
    m->precision = MOMENT_YEAR;
    if (!cut_char(rest, '-')) {
        return true;
    }
    if (!cut_number(&m->part[MOMENT_MONTH], rest, 2) || m->part[MOMENT_MONTH] < 1 || m->part[MOMENT_MONTH] > 12) {
        return false;
    }
    m->precision = MOMENT_MONTH;
    if (!cut_char(rest, '-')) {
        return true;
    }
    m->precision = MOMENT_DAY;
    return cut_number(&m->part[MOMENT_DAY], rest, 2) && m->part[MOMENT_DAY] >= 1 &&
           m->part[MOMENT_DAY] <= days_in_month(m->part[MOMENT_YEAR], m->part[MOMENT_MONTH]);
}

bool moment_parse(struct moment *out, struct text text, enum moment_kind kind) {
    struct moment m = {.kind = kind, .part = {1, 1, 1}};
    if (kind == MOMENT_TIME) {
        *out = m;
        bool valid = cut_time(&m, &text) && text.size == 0;
        *out = m;
        return valid;
    }
    bool valid = cut_date(&m, &text);
    if (valid && kind == MOMENT_DATETIME && m.precision == MOMENT_DAY && cut_char(&text, 'T')) {
        valid = cut_time(&m, &text) && cut_zone(&m, &text);
    }
    *out = m;
    return valid && text.size == 0;
}

struct moment moment_from_clock(enum moment_kind kind, int64_t time_us, int zone_minutes) {
    struct moment m = {.kind = kind, .part = {1, 1, 1}};
    int64_t local_us = time_us + (int64_t)zone_minutes * 60 * 1000000;
    int64_t day_us = INT64_C(86400) * 1000000;
    int64_t days = local_us / day_us - (local_us % day_us < 0);
    int64_t in_day = local_us - days * day_us;
    if (kind != MOMENT_TIME && !date_of_day_number(m.part, days + day_number(1970, 1, 1))) {
        date_of_day_number(m.part, day_number(1970, 1, 1));
    }
    if (kind == MOMENT_DATE) {
        m.precision = MOMENT_DAY;
        return m;
    }
    int64_t milliseconds = in_day / 1000;
    m.precision = MOMENT_SECOND;
    m.fraction_digits = 3;
    m.part[MOMENT_HOUR] = milliseconds / 3600000;
    m.part[MOMENT_MINUTE] = milliseconds / 60000 % 60;
    m.part[MOMENT_SECOND] = milliseconds % 60000 * 1000000;
    m.has_zone = kind == MOMENT_DATETIME;
    m.zone_minutes = m.has_zone ? zone_minutes : 0;
    return m;
}

static void put_number(struct buffer *buffer, int64_t value, int digits) {
    buffer_put_format(buffer, "%0*lld", digits, (long long)value);
}

static void put_time(struct buffer *buffer, const struct moment *m) {
    put_number(buffer, m->part[MOMENT_HOUR], 2);
    if (m->precision >= MOMENT_MINUTE) {
        buffer_put_char(buffer, ':');
        put_number(buffer, m->part[MOMENT_MINUTE], 2);
    }
    if (m->precision >= MOMENT_SECOND) {
        buffer_put_char(buffer, ':');
        put_number(buffer, m->part[MOMENT_SECOND] / NANOSECONDS, 2);
        int64_t fraction = m->part[MOMENT_SECOND] % NANOSECONDS;
        for (int digits = 9; digits > m->fraction_digits; digits--) {
            fraction /= 10;
        }
        if (m->fraction_digits > 0) {
            buffer_put_char(buffer, '.');
            put_number(buffer, fraction, m->fraction_digits);
        }
    }
    if (m->has_zone && m->zone_minutes == 0) {
        buffer_put_char(buffer, 'Z');
    } else if (m->has_zone) {
        int minutes = m->zone_minutes < 0 ? -m->zone_minutes : m->zone_minutes;
        buffer_put_char(buffer, m->zone_minutes < 0 ? '-' : '+');
        put_number(buffer, minutes / 60, 2);
        buffer_put_char(buffer, ':');
        put_number(buffer, minutes % 60, 2);
    }
}

struct text moment_format(struct arena *arena, const struct moment *m) {
    struct buffer buffer = buffer_open(arena, 64);
    if (m->kind != MOMENT_TIME) {
        put_number(&buffer, m->part[MOMENT_YEAR], 4);
        for (int part = MOMENT_MONTH; part <= MOMENT_DAY && part <= (int)m->precision; part++) {
            buffer_put_char(&buffer, '-');
            put_number(&buffer, m->part[part], 2);
        }
    }
    if (m->precision >= MOMENT_HOUR) {
        if (m->kind != MOMENT_TIME) {
            buffer_put_char(&buffer, 'T');
        }
        put_time(&buffer, m);
    }
    return buffer_text(&buffer);
}

/* ---- comparison ------------------------------------------------------------------------------------------------- */

/* The same instant written in UTC; a moment that leaves the calendar stays as it is. */
static struct moment in_utc(const struct moment *a) {
    struct moment m = *a;
    int64_t minutes = m.part[MOMENT_HOUR] * 60 + m.part[MOMENT_MINUTE] - m.zone_minutes;
    int64_t days = minutes / DAY_MINUTES - (minutes % DAY_MINUTES < 0);
    minutes -= days * DAY_MINUTES;
    if (!date_of_day_number(m.part, day_number(m.part[MOMENT_YEAR], m.part[MOMENT_MONTH], m.part[MOMENT_DAY]) + days)) {
        return *a;
    }
    m.part[MOMENT_HOUR] = minutes / 60;
    m.part[MOMENT_MINUTE] = minutes % 60;
    m.zone_minutes = 0;
    return m;
}

static enum order compare_parts(const struct moment *a, const struct moment *b) {
    for (int part = MOMENT_YEAR; part < MOMENT_PARTS; part++) {
        if (part > (int)a->precision || part > (int)b->precision) {
            return a->precision == b->precision ? ORDER_EQUAL : ORDER_UNKNOWN;
        }
        if (a->part[part] != b->part[part]) {
            return a->part[part] < b->part[part] ? ORDER_LESS : ORDER_GREATER;
        }
    }
    return ORDER_EQUAL;
}

/* Nanoseconds do not fit beside the years: microseconds since 0001-01-01 UTC of the edge of what `m` may mean. */
static int64_t edge_us(const struct moment *m, enum moment_edge edge) {
    struct moment full;
    int64_t digits = m->kind == MOMENT_DATE ? 8 : 17;
    if (!moment_boundary(&full, m, edge, digits)) {
        full = *m;
    }
    int64_t minutes = day_number(full.part[MOMENT_YEAR], full.part[MOMENT_MONTH], full.part[MOMENT_DAY]) * DAY_MINUTES;
    if (m->kind == MOMENT_DATE) {
        minutes += edge == MOMENT_LOW ? -ZONE_EAST_MAX : DAY_MINUTES + ZONE_WEST_MAX;
    }
    minutes += full.part[MOMENT_HOUR] * 60 + full.part[MOMENT_MINUTE] - full.zone_minutes;
    return minutes * 60000000 + full.part[MOMENT_SECOND] / 1000;
}

/* One zone is known, the other not: certain only where the two cannot overlap. */
static enum order compare_edges(const struct moment *a, const struct moment *b) {
    if (edge_us(a, MOMENT_HIGH) < edge_us(b, MOMENT_LOW)) {
        return ORDER_LESS;
    }
    return edge_us(a, MOMENT_LOW) > edge_us(b, MOMENT_HIGH) ? ORDER_GREATER : ORDER_UNKNOWN;
}

enum order moment_compare(const struct moment *a, const struct moment *b) {
    if ((a->kind == MOMENT_TIME) != (b->kind == MOMENT_TIME)) {
        return ORDER_INCOMPARABLE;
    }
    if (a->has_zone != b->has_zone) {
        return compare_edges(a, b);
    }
    if (a->has_zone && a->zone_minutes != b->zone_minutes) {
        struct moment first = in_utc(a), second = in_utc(b);
        return compare_parts(&first, &second);
    }
    return compare_parts(a, b);
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------- */

/* Turns an amount into the moment's own precision, whole units only (FHIRPath 6.7). */
static enum moment_unit coarsen(int64_t *amount, enum moment_unit unit, const struct moment *m) {
    static const struct {
        enum moment_part needs;
        enum moment_unit next;
        int64_t divisor;
    } steps[] = {
        [MOMENT_UNIT_YEAR] = {MOMENT_YEAR, MOMENT_UNIT_YEAR, 1},
        [MOMENT_UNIT_MONTH] = {MOMENT_MONTH, MOMENT_UNIT_YEAR, 12},
        [MOMENT_UNIT_WEEK] = {MOMENT_DAY, MOMENT_UNIT_DAY, 1},
        [MOMENT_UNIT_DAY] = {MOMENT_DAY, MOMENT_UNIT_MONTH, 30},
        [MOMENT_UNIT_HOUR] = {MOMENT_HOUR, MOMENT_UNIT_DAY, 24},
        [MOMENT_UNIT_MINUTE] = {MOMENT_MINUTE, MOMENT_UNIT_HOUR, 60},
        [MOMENT_UNIT_SECOND] = {MOMENT_SECOND, MOMENT_UNIT_MINUTE, 60},
        [MOMENT_UNIT_MILLISECOND] = {MOMENT_SECOND, MOMENT_UNIT_SECOND, 1000},
    };
    if (unit == MOMENT_UNIT_WEEK) {
        *amount *= 7;
        unit = MOMENT_UNIT_DAY;
    }
    while (m->precision < steps[unit].needs) {
        if (unit == MOMENT_UNIT_DAY && m->precision == MOMENT_YEAR) {
            *amount /= 365;
            return MOMENT_UNIT_YEAR;
        }
        *amount /= steps[unit].divisor;
        unit = steps[unit].next;
    }
    return unit;
}

static bool add_months(struct moment *m, int64_t months) {
    int64_t count = m->part[MOMENT_YEAR] * 12 + m->part[MOMENT_MONTH] - 1 + months;
    int64_t year = count / 12;
    if (count < 12 || year > YEAR_MAX) {
        return false;
    }
    m->part[MOMENT_YEAR] = year;
    m->part[MOMENT_MONTH] = count % 12 + 1;
    int64_t last = days_in_month(year, m->part[MOMENT_MONTH]);
    m->part[MOMENT_DAY] = m->part[MOMENT_DAY] > last ? last : m->part[MOMENT_DAY];
    return true;
}

static int64_t floor_divide(int64_t *rest, int64_t value, int64_t divisor) {
    int64_t quotient = value / divisor - (value % divisor < 0);
    *rest = value - quotient * divisor;
    return quotient;
}

static bool add_clock(struct moment *m, int64_t seconds, int64_t nanoseconds) {
    int64_t fraction, second, minute, hour;
    int64_t carry = floor_divide(&fraction, m->part[MOMENT_SECOND] + nanoseconds, NANOSECONDS);
    int64_t total = m->part[MOMENT_HOUR] * 3600 + m->part[MOMENT_MINUTE] * 60 + seconds + carry;
    int64_t days = floor_divide(&total, total, INT64_C(86400));
    hour = floor_divide(&minute, total, 3600);
    minute = floor_divide(&second, minute, 60);
    m->part[MOMENT_HOUR] = hour;
    m->part[MOMENT_MINUTE] = minute;
    m->part[MOMENT_SECOND] = second * NANOSECONDS + fraction;
    if (m->kind == MOMENT_TIME) {
        return true; /* times wrap at midnight */
    }
    return date_of_day_number(
        m->part, day_number(m->part[MOMENT_YEAR], m->part[MOMENT_MONTH], m->part[MOMENT_DAY]) + days);
}

bool moment_add(
    struct moment *out, const struct moment *a, int64_t amount, enum moment_unit unit, int64_t nanoseconds) {
    static const int64_t amount_max = INT64_C(400000000000000); /* ms in 9,999 years: 3.2e14 */
    struct moment m = *a;
    if (amount > amount_max || amount < -amount_max || (m.kind == MOMENT_TIME && unit < MOMENT_UNIT_HOUR)) {
        return false;
    }
    bool is_added = false;
    switch (coarsen(&amount, unit, &m)) {
    case MOMENT_UNIT_YEAR:
        is_added = add_months(&m, amount * 12);
        break;
    case MOMENT_UNIT_MONTH:
        is_added = add_months(&m, amount);
        break;
    case MOMENT_UNIT_WEEK:
    case MOMENT_UNIT_DAY:
        is_added = date_of_day_number(
            m.part, day_number(m.part[MOMENT_YEAR], m.part[MOMENT_MONTH], m.part[MOMENT_DAY]) + amount);
        break;
    case MOMENT_UNIT_HOUR:
        is_added = add_clock(&m, amount * 3600, 0);
        break;
    case MOMENT_UNIT_MINUTE:
        is_added = add_clock(&m, amount * 60, 0);
        break;
    case MOMENT_UNIT_SECOND:
        is_added = add_clock(&m, amount, nanoseconds);
        break;
    case MOMENT_UNIT_MILLISECOND:
        is_added = add_clock(&m, amount / 1000, amount % 1000 * 1000000);
        break;
    }
    if (is_added && m.part[MOMENT_SECOND] % NANOSECONDS != 0 && m.fraction_digits < 3) {
        m.fraction_digits = 3;
    }
    *out = m;
    return is_added;
}

/* ---- boundaries ------------------------------------------------------------------------------------------------- */

struct digits_row {
    enum moment_part part;
    bool fraction;
    int8_t date_digits, time_digits; /* 0: not for these */
};
static const struct digits_row digits_rows[] = {
    {MOMENT_YEAR, false, 4, 0},
    {MOMENT_MONTH, false, 6, 0},
    {MOMENT_DAY, false, 8, 0},
    {MOMENT_HOUR, false, 10, 2},
    {MOMENT_MINUTE, false, 12, 4},
    {MOMENT_SECOND, false, 14, 6},
    {MOMENT_SECOND, true, 17, 9},
};

int moment_digits(const struct moment *a) {
    for (size_t i = 0; i < sizeof digits_rows / sizeof *digits_rows; i++) {
        const struct digits_row *row = &digits_rows[i];
        if (row->part == a->precision && (row->part != MOMENT_SECOND || row->fraction == (a->fraction_digits > 0))) {
            return a->kind == MOMENT_TIME ? row->time_digits : row->date_digits;
        }
    }
    return 0;
}

static void fill(struct moment *m, enum moment_edge edge) {
    bool high = edge == MOMENT_HIGH;
    enum moment_part given = m->precision;
    if (given < MOMENT_MONTH) {
        m->part[MOMENT_MONTH] = high ? 12 : 1;
    }
    if (given < MOMENT_DAY && m->kind != MOMENT_TIME) {
        m->part[MOMENT_DAY] = high ? days_in_month(m->part[MOMENT_YEAR], m->part[MOMENT_MONTH]) : 1;
    }
    if (given < MOMENT_HOUR) {
        m->part[MOMENT_HOUR] = high ? 23 : 0;
        m->part[MOMENT_MINUTE] = high ? 59 : 0;
    }
    /* FHIR has no hour without minutes: T08 is read as T08:00, as the R4 suite does. */
    if (given < MOMENT_SECOND) {
        m->part[MOMENT_SECOND] = high ? 60 * NANOSECONDS - 1000000 : 0;
    } else if (m->fraction_digits < 3 && high) {
        static const int64_t missing[] = {999, 99, 9};
        m->part[MOMENT_SECOND] += missing[m->fraction_digits] * 1000000;
    }
}

bool moment_boundary(struct moment *out, const struct moment *a, enum moment_edge edge, int64_t digits) {
    for (size_t i = 0; i < sizeof digits_rows / sizeof *digits_rows; i++) {
        const struct digits_row *row = &digits_rows[i];
        int64_t row_digits = a->kind == MOMENT_TIME ? row->time_digits : row->date_digits;
        if (row_digits == 0 || row_digits != digits || (a->kind == MOMENT_DATE && row->part > MOMENT_DAY)) {
            continue;
        }
        struct moment m = *a;
        fill(&m, edge);
        m.precision = row->part;
        m.fraction_digits = row->fraction ? 3 : 0;
        if (row->part < MOMENT_HOUR) {
            m.has_zone = false;
            m.zone_minutes = 0;
        } else if (m.kind == MOMENT_DATETIME && !m.has_zone) {
            m.has_zone = true;
            m.zone_minutes = edge == MOMENT_LOW ? ZONE_EAST_MAX : -ZONE_WEST_MAX;
        }
        *out = m;
        return true;
    }
    return false;
}
