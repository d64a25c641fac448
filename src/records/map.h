/* map: texts to small numbers, for the identities and links of one bundle. Lives in an arena. */
#ifndef SOYANG_RECORDS_MAP_H
#define SOYANG_RECORDS_MAP_H

#include "base/base.h"

struct map {
    struct arena *arena;
    struct map_slot {
        struct text key;
        size_t value;
    } * slots;
    size_t capacity, count;
};
struct map map_open(struct arena *arena, size_t expected);
/* False, and nothing changed, when the key was there. The key is kept, not copied. */
bool map_add(struct map *map, struct text key, size_t value);
bool map_find(size_t *out, const struct map *map, struct text key);

#endif
