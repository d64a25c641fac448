/* heap: what happens next. A binary heap by time; what is due at the same time comes out in the order it went in. */
#ifndef SOYANG_PLANNING_HEAP_H
#define SOYANG_PLANNING_HEAP_H

#include "base/base.h"

struct event {
    double at;
    uint64_t order; /* set by the heap */
    int kind, a, b, c;
};
struct heap {
    struct event *at;
    size_t count, capacity;
    uint64_t pushed;
    struct arena *arena;
};
struct heap heap_open(struct arena *arena, size_t capacity);
void heap_push(struct heap *heap, struct event event);
bool heap_pop(struct event *out, struct heap *heap); /* false: empty */

#endif
