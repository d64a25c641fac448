/* assumptions: what no source states, and the hours of on-call patterns. Private to region. */
#ifndef SOYANG_REGION_ASSUMPTIONS_H
#define SOYANG_REGION_ASSUMPTIONS_H

#include "region/document.h"
#include "region/table.h"

/* Every code, pattern and rule it names must be known; no count may be negative. Says all faults. */
MUST_CHECK enum status assumptions_check(const struct document *assumptions, const struct table_context *context,
    struct text region_id, struct scope *scope);

/* A pattern by the hours of the region's clock: chance in percent that the specialist is there. */
enum { ON_CALL_PATTERNS_MAX = 16 };
struct on_call_pattern {
    struct text id;
    uint8_t weekday[24], weekend[24];
    uint8_t call_in_minutes;
};
struct on_call {
    struct on_call_pattern at[ON_CALL_PATTERNS_MAX];
    size_t count;
};
/* Hours of which no band speaks are a fault: nothing is guessed. */
MUST_CHECK enum status on_call_read(struct on_call *out, const struct document *assumptions, struct scope *scope);
const struct on_call_pattern *on_call_find(const struct on_call *patterns, struct text id);

#endif
