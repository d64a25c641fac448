/* version: one state of the region as it is handed out, and how it is made from the record. Private to region.
 *
 * A version is immutable once published, and counted. One whose counts alone are newer shares the structure (names, codes,
 * needs, hours) of the version it came from, and so holds it. */
#ifndef SOYANG_REGION_VERSION_H
#define SOYANG_REGION_VERSION_H

#include <stdatomic.h>

#include "region/region.h"

/* What /region.json says that does not change from request to request: members and their JSON. */
enum { MAP_MEMBERS_MAX = 24 };
struct map_member {
    const char *name;
    struct text json;
};

struct version {
    struct region_snapshot snapshot; /* first: what is handed out is its address */
    atomic_int holders;
    struct arena *arena;
    struct version *structure; /* whose texts and codes are shared; NULL: its own */
    struct map_member map[MAP_MEMBERS_MAX];
    size_t map_count;
};
void version_hold(struct version *version);
void version_release(struct version *version); /* accepts NULL */

/* Where a gatherer reads: the committed record, or the inside of a unit. */
struct gather_source {
    struct records *records;
    struct records_unit *unit; /* NULL: committed data */
    const struct region_road_table *roads;
};
/* `sequence`: what the caller knows to be committed before this reads. */
MUST_CHECK enum status gather_structure(
    struct version **out, const struct gather_source *source, uint64_t sequence, struct scope *scope);
/* A version like `from` with the counts of these places read anew. */
MUST_CHECK enum status gather_counts(struct version **out, struct version *from, const struct text *places,
    size_t place_count, const struct gather_source *source, uint64_t sequence, struct scope *scope);

#endif
