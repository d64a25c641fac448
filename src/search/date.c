/* Dates are half-open intervals of µs. Keys: start and end; intervals of more than a day also stand by end and start in
 * FACET_WIDE, so that "ends after" need not read every earlier start: what is narrow and ends after t starts after
 * t - 1 day. The comparisons are those of https://hl7.org/fhir/R4/search.html#prefix. */
#include <string.h>
#include <time.h>

#include "search/kind.h"

static const int64_t narrow_us = INT64_C(86400000000);

static int64_t sum_bounded(int64_t a, int64_t b) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return b < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

static bool is_wide(struct fhir_interval interval) {
    return sum_bounded(interval.start_us, narrow_us) < interval.end_us;
}

bool date_interval(
    struct fhir_interval *out, const struct search *search, const struct fhirpath_item *item, struct scope *scope) {
    if (item->kind == FHIRPATH_NODE &&
        (item->type == search->datatypes.period || item->type == search->datatypes.timing)) {
        return item->node != NULL && fhir_interval_of_period(out, item->node, search->zone_minutes);
    }
    struct text value = fhirpath_item_text(item, scope);
    return value.size > 0 && fhir_interval_parse(out, value, search->zone_minutes);
}

static void date_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    struct fhir_interval interval;
    if (!date_interval(&interval, emitter->search, item, emitter->scope)) {
        return;
    }
    struct key key = {0};
    key_put_int64(&key, interval.start_us);
    key_put_int64(&key, interval.end_us);
    emit_key(emitter, FACET_MAIN, &key);
    if (is_wide(interval)) {
        struct key wide = {0};
        key_put_int64(&wide, interval.end_us);
        key_put_int64(&wide, interval.start_us);
        emit_key(emitter, FACET_WIDE, &wide);
    }
}

/* ---- comparisons --------------------------------------------------------------------------------------------------- */

static int64_t now_us(const struct search *search) {
    if (search->clock != NULL) {
        return clock_now_us(search->clock);
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* `ap`: a tenth of the time between then and now, on both sides. */
static struct fhir_interval widened(struct fhir_interval interval, int64_t now) {
    int64_t distance = now > interval.end_us     ? now - interval.end_us
                       : interval.start_us > now ? interval.start_us - now
                                                 : 0;
    return (struct fhir_interval){
        sum_bounded(interval.start_us, -(distance / 10)), sum_bounded(interval.end_us, distance / 10)};
}

static void range_add(struct date_query *query, struct image_range start, struct image_range end) {
    query->at[query->count++] = (struct date_range){start, end};
}

static void query_fill(struct date_query *query) {
    const uint64_t start = key_int64_bits(query->interval.start_us), end = key_int64_bits(query->interval.end_us);
    const struct image_range before = {0, start}, within = {start, end}, from = {start, UINT64_MAX},
                             after = {end, UINT64_MAX};
    const struct image_range ends_by = {0, end + 1}, ends_later = {end + 1, UINT64_MAX};
    switch (query->prefix) {
    case PREFIX_EQ:
        range_add(query, within, ends_by);
        return;
    case PREFIX_NE:
        range_add(query, before, image_all);
        range_add(query, within, ends_later);
        range_add(query, after, image_all);
        return;
    case PREFIX_LT:
        range_add(query, before, image_all);
        return;
    case PREFIX_LE:
        range_add(query, before, image_all);
        range_add(query, within, ends_by);
        return;
    case PREFIX_GT:
        range_add(query, image_all, ends_later);
        return;
    case PREFIX_GE: /* what starts within either ends within, too, or ends later: both count */
        range_add(query, from, image_all);
        range_add(query, before, ends_later);
        return;
    case PREFIX_SA:
        range_add(query, after, image_all);
        return;
    case PREFIX_EB:
        range_add(query, before, (struct image_range){0, start + 1});
        return;
    case PREFIX_AP:
        range_add(query, (struct image_range){0, end}, (struct image_range){start + 1, UINT64_MAX});
        return;
    }
}

enum status date_query_read(struct date_query *out, struct planner *planner, const struct criterion *criterion) {
    struct text value = value_unescape(planner->scope->arena, criterion->value);
    *out = (struct date_query){0};
    if (!value_take_prefix(&out->prefix, &value) ||
        !fhir_interval_parse(&out->interval, value, planner->search->zone_minutes)) {
        bool has_blank = value.size > 0 && memchr(value.at, ' ', value.size) != NULL; /* what a bare + in a URL is */
        return criterion_malformed(planner, criterion,
            has_blank ? "a date or time, with a comparison prefix or none; + is written %2B in a URL"
                      : "a date or time, with a comparison prefix or none");
    }
    if (criterion->modifier == MODIFIER_OVERLAPS) {
        out->prefix = PREFIX_AP; /* as near as can be: with a moment in common */
    } else if (out->prefix == PREFIX_AP) {
        out->interval = widened(out->interval, now_us(planner->search));
    }
    query_fill(out);
    return STATUS_OK;
}

/* ---- plans --------------------------------------------------------------------------------------------------------- */

static enum status list_range(struct plan_list *list, struct planner *planner, struct slot *slot, enum facet facet,
    struct image_range first, struct image_range second) {
    const struct text nothing = {NULL, 0};
    struct arena *arena = planner->scope->arena;
    struct plan_filter filter = image_filter(arena, KEY_NUMBER_SIZE, second);
    plan_node node;
    enum status status = plan_range(
        &node, planner, slot, facet, image_low(arena, nothing, first), image_high(arena, nothing, first), &filter);
    plan_list_add(planner, list, node);
    return status;
}

/* Where only the end is bounded from below, the narrow lie near that bound and the wide are found by their end. */
static enum status list_late(
    struct plan_list *list, struct planner *planner, struct slot *slot, struct date_range range) {
    int64_t end_us = (int64_t)(range.end.low ^ (UINT64_C(1) << 63));
    struct image_range near = {key_int64_bits(sum_bounded(end_us, -narrow_us - 1)), range.start.high};
    enum status status = STATUS_OK;
    if (near.low < near.high) {
        status = list_range(list, planner, slot, FACET_MAIN, near, range.end);
    }
    return status == STATUS_OK ? list_range(list, planner, slot, FACET_WIDE, range.end, range.start) : status;
}

static enum status date_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct date_query query;
    enum status status = date_query_read(&query, planner, criterion);
    struct plan_list list = {0};
    for (int i = 0; i < query.count && status == STATUS_OK; i++) {
        const struct date_range *range = &query.at[i];
        if (range->start.low == 0 && range->end.low > 0) {
            status = list_late(&list, planner, use->slot, *range);
        } else {
            status = list_range(&list, planner, use->slot, FACET_MAIN, range->start, range->end);
        }
    }
    if (status == STATUS_OK) {
        *out = plan_union(planner, &list);
    }
    return status;
}

enum status date_updated_plan(plan_node *out, struct planner *planner, const struct criterion *criterion) {
    struct date_query query;
    enum status status = date_query_read(&query, planner, criterion);
    if (status != STATUS_OK) {
        return status;
    }
    const uint64_t start = key_int64_bits(query.interval.start_us), end = key_int64_bits(query.interval.end_us);
    struct plan_list list = {0};
    switch (query.prefix) {
    case PREFIX_EQ:
    case PREFIX_AP:
        plan_list_add(planner, &list, plan_updated(planner, start, end));
        break;
    case PREFIX_NE:
        plan_list_add(planner, &list, plan_updated(planner, 0, start));
        plan_list_add(planner, &list, plan_updated(planner, end, UINT64_MAX));
        break;
    case PREFIX_LT:
    case PREFIX_EB:
        plan_list_add(planner, &list, plan_updated(planner, 0, start));
        break;
    case PREFIX_LE:
        plan_list_add(planner, &list, plan_updated(planner, 0, end));
        break;
    case PREFIX_GT:
    case PREFIX_SA:
        plan_list_add(planner, &list, plan_updated(planner, end, UINT64_MAX));
        break;
    case PREFIX_GE:
        plan_list_add(planner, &list, plan_updated(planner, start, UINT64_MAX));
        break;
    }
    *out = plan_union(planner, &list);
    return STATUS_OK;
}

const struct kind kind_date = {date_emit, date_plan};
