/* block_cache: blocks of the index that a reader has read, in the order of their fences; bounded, one for each reader.
 *
 * Blocks change by slices alone. The writer counts them (struct slices) and says before it commits one which lanes it touches; a
 * reader knows which slices its snapshot holds. So a kept block is right as long as no later slice touches its lane. What lies
 * between a block's fence and its bound has no other fence, and the block behind may be known: only then is a place answered. */
#ifndef SOYANG_STORE_BLOCK_CACHE_H
#define SOYANG_STORE_BLOCK_CACHE_H

#include "store/block_cursor.h"

#include <stdatomic.h>

/* Slices begun and ended, and the last one that touched a lane; lanes share marks. */
enum { LANE_MARKS = 1024 };
struct slices {
    _Atomic uint64_t begun, done;
    _Atomic uint64_t lanes[LANE_MARKS];
};
void slices_begin(struct slices *slices);
void slices_touch(struct slices *slices, uint32_t lane); /* between the two, before the commit */
void slices_end(struct slices *slices);
/* Before a snapshot is taken, and after: the number of the last slice in it, or 0 where that is not certain. */
uint64_t slices_before(const struct slices *slices);
uint64_t slices_after(const struct slices *slices, uint64_t before);

struct block_cache;
struct block_cache *block_cache_open(const struct slices *slices); /* NULL: no memory */
void block_cache_close(struct block_cache *cache);                 /* accepts NULL */
/* The snapshot that is read from now on; 0: nothing is kept of it. It never goes back. */
void block_cache_stand(struct block_cache *cache, uint64_t slice);
/* Into the cursor, as block_load does; false: not known. A lane's end is found with `loaded` false. */
bool block_cache_find(struct block_cursor *cursor, struct block_cache *cache, enum block_side side, uint32_t lane,
    struct text key, uint64_t rid);
/* Keeps what the database said. */
void block_cache_keep(struct block_cache *cache, const struct block_cursor *cursor, enum block_side side, uint32_t lane,
    struct text key, uint64_t rid);

#endif
