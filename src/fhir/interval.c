/* What a partial or full date may mean, as a half-open interval of µs. */
#include "fhir/calendar.h"

static const int64_t second_us = 1000000, minute_us = 60 * second_us, hour_us = 60 * minute_us, day_us = 24 * hour_us;

static int64_t start_of(const struct calendar_time *time) {
    return calendar_days_since_1970(time->year, time->month, time->day) * day_us + time->hour * hour_us +
           time->minute * minute_us + time->second * second_us + time->fraction_us;
}

static int64_t length_of(const struct calendar_time *time) {
    static const int64_t fraction_us[] = {second_us, 100000, 10000, 1000, 100, 10, 1};
    switch (time->precision) {
    case CALENDAR_YEAR:
        return (calendar_days_in_month(time->year, 2) + 337) * day_us;
    case CALENDAR_MONTH:
        return calendar_days_in_month(time->year, time->month) * day_us;
    case CALENDAR_DAY:
        return day_us;
    case CALENDAR_HOUR:
        return hour_us;
    case CALENDAR_MINUTE:
        return minute_us;
    case CALENDAR_SECOND:
        return second_us;
    case CALENDAR_FRACTION:
        return fraction_us[time->fraction_digits];
    }
    invariant(false);
    return 0;
}

bool fhir_interval_parse(struct fhir_interval *out, struct text value, int zone_minutes) {
    struct calendar_time time;
    if (!calendar_read(&time, value)) {
        return false;
    }
    int zone = time.has_zone ? time.zone_minutes : zone_minutes;
    out->start_us = start_of(&time) - zone * minute_us;
    out->end_us = out->start_us + length_of(&time);
    return true;
}

static bool period_interval(struct fhir_interval *out, const yyjson_val *period, int zone_minutes) {
    struct text start = json_get_text(period, "start"), end = json_get_text(period, "end");
    *out = (struct fhir_interval){INT64_MIN, INT64_MAX};
    struct fhir_interval bound;
    if (start.size > 0) {
        if (!fhir_interval_parse(&bound, start, zone_minutes)) {
            return false;
        }
        out->start_us = bound.start_us;
    }
    if (end.size > 0) {
        if (!fhir_interval_parse(&bound, end, zone_minutes)) {
            return false;
        }
        out->end_us = bound.end_us;
    }
    return start.size > 0 || end.size > 0;
}

static bool span_of_events(struct fhir_interval *out, const yyjson_val *events, int zone_minutes) {
    size_t index, count;
    yyjson_val *event;
    bool is_found = false;
    yyjson_arr_foreach((yyjson_val *)events, index, count, event) {
        struct fhir_interval one;
        if (!fhir_interval_parse(&one, json_text(event), zone_minutes)) {
            continue;
        }
        out->start_us = !is_found || one.start_us < out->start_us ? one.start_us : out->start_us;
        out->end_us = !is_found || one.end_us > out->end_us ? one.end_us : out->end_us;
        is_found = true;
    }
    return is_found;
}

bool fhir_interval_of_period(struct fhir_interval *out, const yyjson_val *period, int zone_minutes) {
    const yyjson_val *bounds = json_get(json_get(period, "repeat"), "boundsPeriod");
    struct fhir_interval of_events, of_bounds;
    if (period_interval(out, period, zone_minutes)) {
        return true;
    }
    bool has_events = span_of_events(&of_events, json_get(period, "event"), zone_minutes);
    bool has_bounds = bounds != NULL && period_interval(&of_bounds, bounds, zone_minutes);
    if (has_events && has_bounds) {
        out->start_us = of_events.start_us < of_bounds.start_us ? of_events.start_us : of_bounds.start_us;
        out->end_us = of_events.end_us > of_bounds.end_us ? of_events.end_us : of_bounds.end_us;
    } else if (has_events || has_bounds) {
        *out = has_events ? of_events : of_bounds;
    }
    return has_events || has_bounds;
}
