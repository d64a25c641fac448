/* seen_cache: what a table says under a number, kept in memory for all readers; bounded.
 *
 * An entry says as of which sequence number it was read, and a place of the cache since which number something that belongs
 * there may have changed. The writer raises that before it commits. So an entry is what the newest snapshot says where nothing has
 * changed since it was read: writing takes away what it touches and no more. Whether it is also what an older snapshot says, its reader
 * must know.
 *
 * Threads. One writer changes, many readers get and put, without a lock: an entry that is being written is not there. */
#ifndef SOYANG_STORE_SEEN_CACHE_H
#define SOYANG_STORE_SEEN_CACHE_H

#include "base/base.h"

enum { SEEN_WORDS = 7 };
struct seen {
    uint64_t as_of; /* the sequence number of the newest unit in the snapshot that it was read in */
    uint64_t words[SEEN_WORDS];
};

struct seen_cache;
struct seen_cache *seen_cache_open(void);        /* NULL: no memory */
void seen_cache_close(struct seen_cache *cache); /* accepts NULL */
bool seen_cache_get(struct seen *out, const struct seen_cache *cache, uint64_t number);
void seen_cache_put(struct seen_cache *cache, uint64_t number, const struct seen *seen);
/* A unit with that sequence number, which no snapshot holds yet, writes what stands under the number. */
void seen_cache_change(struct seen_cache *cache, uint64_t number, uint64_t seq);

#endif
