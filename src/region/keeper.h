/* keeper: which version is current, and what has changed since. Private to region.
 *
 * Two lanes. The shared lane serves everybody and holds committed data only: a change is marked with the sequence number of
 * its unit, and read anew once that is committed. The inner lane serves units, in the store's writer thread, where waiting
 * for a read would wait for oneself: it reads through the unit, and counts every mark at once. A mark stays until its number is
 * committed, so that what an undone unit left behind is read again. */
#ifndef SOYANG_REGION_KEEPER_H
#define SOYANG_REGION_KEEPER_H

#include <pthread.h>

#include "region/version.h"

enum { KEEPER_MARKS_MAX = 64, KEEPER_ID_SIZE = 65 };

/* The units that changed one thing since it was read: the first and the last; 0 and 0: none. */
struct span {
    uint64_t first, last;
};
struct lane {
    struct version *current; /* NULL: not built yet */
    struct span structure;
    struct {
        char id[KEEPER_ID_SIZE];
        struct span span;
    } places[KEEPER_MARKS_MAX]; /* whose counts changed */
    size_t place_count;
};

struct region {
    struct records *records;
    const struct region_road_table *roads; /* NULL: none */
    pthread_mutex_t lock;                  /* lanes; held for moments, never while allocating from an arena */
    pthread_mutex_t building;              /* one reader of the record at a time, in the shared lane */
    struct lane shared, inner;
};

/* Called by guards, inside a unit. */
void keeper_mark_structure(struct region *region, uint64_t sequence);
void keeper_mark_place(struct region *region, struct text place, uint64_t sequence);

/* The place itself and the control room speak for a place; an operator loads and repairs. */
bool guard_speaks_for(const struct records_caller *caller, struct text place);
/* A hospital's clock may run ahead of ours by this much. */
#define GUARD_SKEW_US INT64_C(120000000)
/* Beyond that, either way, a number is no count of anybody's beds. */
#define GUARD_COUNT_MOST INT64_C(100000)

/* Registers the guards of what a region is made of. */
void guard_register(struct region *region);

#endif
