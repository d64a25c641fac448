/* frame_cache: expanded frames of versions, kept for the next reader within a bound.
 *
 * What stands under a key never changes, so an entry is never wrong, only thrown away; see frame.h.
 *
 * Threads. Any. An entry that was got or put stays until its user drops it. */
#ifndef SOYANG_STORE_FRAME_CACHE_H
#define SOYANG_STORE_FRAME_CACHE_H

#include "base/base.h"

#include <stdatomic.h>

enum frame_kind { FRAME_BODIES, FRAME_ROWS };
struct frame_key {
    uint64_t last; /* the last version in it */
    uint64_t made; /* how often it was made anew: 0 for bodies, which are not */
    enum frame_kind kind;
};
bool frame_key_equal(const struct frame_key *a, const struct frame_key *b);

struct frame {
    struct frame_key key;
    uint64_t first;
    size_t size;
    _Atomic size_t users;
    struct frame *older, *newer, *next; /* the cache's own, under its lock */
    bool was_got;                       /* since it became the newest */
    char bytes[];
};
/* With one user. NULL: no memory. */
struct frame *frame_new(const struct frame_key *key, uint64_t first, size_t size);
void frame_drop(struct frame *frame); /* accepts NULL */

struct frame_cache;
struct frame_cache *frame_cache_open(size_t bytes_max); /* NULL: no memory */
void frame_cache_close(struct frame_cache *cache);      /* accepts NULL; nobody uses it any more */
/* NULL: it is not there. */
struct frame *frame_cache_get(struct frame_cache *cache, const struct frame_key *key);
/* A frame of bodies that holds the version, if frame_cache_hint was told of it and it is still there; NULL otherwise. */
struct frame *frame_cache_of(struct frame_cache *cache, uint64_t vid);
/* The version lies in this frame of bodies: one that is committed. */
void frame_cache_hint(struct frame_cache *cache, uint64_t vid, const struct frame *frame);
/* Keeps it too, if it is small enough for one of many. */
void frame_cache_put(struct frame_cache *cache, struct frame *frame);

#endif
