#include "store/block_cache.h"

#include <stdlib.h>
#include <string.h>

/* ---- slices ------------------------------------------------------------------------------------------------------------- */

void slices_begin(struct slices *slices) {
    atomic_fetch_add(&slices->begun, 1);
}

void slices_touch(struct slices *slices, uint32_t lane) {
    _Atomic uint64_t *mark = &slices->lanes[lane % LANE_MARKS];
    uint64_t slice = atomic_load_explicit(&slices->begun, memory_order_relaxed);
    if (atomic_load_explicit(mark, memory_order_relaxed) != slice) {
        atomic_store(mark, slice);
    }
}

void slices_end(struct slices *slices) {
    atomic_store(&slices->done, atomic_load_explicit(&slices->begun, memory_order_relaxed));
}

uint64_t slices_before(const struct slices *slices) {
    return atomic_load(&slices->done);
}

/* None has begun since: the snapshot holds all that had ended, and no other. Numbers begin at 1. */
uint64_t slices_after(const struct slices *slices, uint64_t before) {
    return atomic_load(&slices->begun) == before ? before + 1 : 0;
}

/* ---- kept blocks -------------------------------------------------------------------------------------------------------- */

enum {
    KEPT_MOST = 3072,
    KEPT_BYTES = 2048, /* a larger block is not kept */
    MARKS = 16,
    MARK_KEY_MAX = 16, /* no mark stands where the key is longer */
};

/* An entry where reading may begin. */
struct mark {
    uint64_t rid, seq;
    uint16_t at, left; /* behind it */
    uint8_t key_size;
    uint8_t key[MARK_KEY_MAX];
};

struct bound {
    uint64_t rid;
    uint8_t key_size;
    uint8_t key[BLOCK_KEY_MAX];
};

/* `bound`: no fence lies behind this one and before it. `behind`: the serial number of the next block where that is kept too;
 * BEHIND_NONE where there is none, 0 where nobody knows. */
struct kept {
    uint32_t lane;
    bool used; /* since the hand last passed */
    uint64_t slice, serial, behind;
    struct fence fence;
    struct bound bound;
    size_t mark_count, size;
    struct mark marks[MARKS];
    uint8_t bytes[KEPT_BYTES];
};
#define BEHIND_NONE UINT64_MAX

/* Invariant: `at` is in the order of (lane, fence), each fence once. */
struct block_cache {
    const struct slices *slices;
    uint64_t slice, serial;
    size_t count, hand;
    struct kept *spare; /* taken out: the next one's memory */
    struct kept *at[KEPT_MOST];
};

struct block_cache *block_cache_open(const struct slices *slices) {
    struct block_cache *cache = calloc(1, sizeof *cache);
    if (cache != NULL) {
        cache->slices = slices;
    }
    return cache;
}

void block_cache_close(struct block_cache *cache) {
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < cache->count; i++) {
        free(cache->at[i]);
    }
    free(cache->spare);
    free(cache);
}

void block_cache_stand(struct block_cache *cache, uint64_t slice) {
    cache->slice = slice;
}

static int compare(struct text a_key, uint64_t a_rid, struct text b_key, uint64_t b_rid) {
    int order = text_compare(a_key, b_key);
    return order != 0 ? order : (a_rid > b_rid) - (a_rid < b_rid);
}

static int fence_compare(const struct kept *kept, uint32_t lane, struct text key, uint64_t rid) {
    if (kept->lane != lane) {
        return kept->lane < lane ? -1 : 1;
    }
    return compare(fence_key(&kept->fence), kept->fence.rid, key, rid);
}

static struct text bound_key(const struct bound *bound) {
    return (struct text){(const char *)bound->key, bound->key_size};
}

static void bound_raise(struct kept *kept, struct text key, uint64_t rid) {
    struct bound *bound = &kept->bound;
    if (key.size <= sizeof bound->key && compare(bound_key(bound), bound->rid, key, rid) < 0) {
        bound->rid = rid;
        bound->key_size = (uint8_t)key.size;
        if (key.size > 0) {
            memcpy(bound->key, key.at, key.size);
        }
    }
}

/* How many fences lie at or before the place. */
static size_t place_in(const struct block_cache *cache, uint32_t lane, struct text key, uint64_t rid) {
    size_t low = 0, high = cache->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (fence_compare(cache->at[middle], lane, key, rid) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_right(const struct block_cache *cache, const struct kept *kept) {
    return atomic_load_explicit(&cache->slices->lanes[kept->lane % LANE_MARKS], memory_order_acquire) < kept->slice;
}

static void take_out(struct block_cache *cache, size_t index) {
    free(cache->spare);
    cache->spare = cache->at[index];
    cache->count--;
    memmove(cache->at + index, cache->at + index + 1, (cache->count - index) * sizeof(struct kept *));
}

/* The one of the last fence at or before the place; NULL: none of this lane is right. What is not is taken out. */
static struct kept *kept_at(
    size_t *index_out, struct block_cache *cache, uint32_t lane, struct text key, uint64_t rid) {
    for (size_t index = place_in(cache, lane, key, rid); index > 0 && cache->at[index - 1]->lane == lane; index--) {
        if (is_right(cache, cache->at[index - 1])) {
            *index_out = index - 1;
            return cache->at[index - 1];
        }
        take_out(cache, index - 1);
    }
    return NULL;
}

static bool is_fence_of(const struct kept *kept, struct text key, uint64_t rid) {
    return compare(fence_key(&kept->fence), kept->fence.rid, key, rid) == 0;
}

static struct kept *neighbour(const struct block_cache *cache, size_t index, uint32_t lane) {
    struct kept *kept = index < cache->count ? cache->at[index] : NULL;
    return kept != NULL && kept->lane == lane && is_right(cache, kept) ? kept : NULL;
}

static struct kept *look(
    bool *none_out, struct block_cache *cache, enum block_side side, uint32_t lane, struct text key, uint64_t rid) {
    size_t index;
    struct kept *kept = kept_at(&index, cache, lane, key, rid), *other;
    if (kept == NULL) {
        return NULL;
    }
    int order = compare(key, rid, bound_key(&kept->bound), kept->bound.rid);
    switch (side) {
    case BLOCK_AT:
        return order < 0 ? kept : NULL;
    case BLOCK_BELOW:
        if (!is_fence_of(kept, key, rid)) {
            return order <= 0 ? kept : NULL;
        }
        other = index == 0 ? NULL : neighbour(cache, index - 1, lane);
        return other != NULL && other->behind == kept->serial ? other : NULL;
    case BLOCK_BEHIND:
        *none_out = is_fence_of(kept, key, rid) && kept->behind == BEHIND_NONE;
        other = is_fence_of(kept, key, rid) ? neighbour(cache, index + 1, lane) : NULL;
        return other != NULL && kept->behind == other->serial ? other : NULL;
    }
    return NULL;
}

static int mark_compare(const struct mark *mark, struct text key, uint64_t rid) {
    return compare((struct text){(const char *)mark->key, mark->key_size}, mark->rid, key, rid);
}

/* From the last mark before the place on: nothing between the block's begin and the mark is at or behind the place. */
static void start_near(struct block_cursor *cursor, const struct kept *kept, struct text key, uint64_t rid) {
    size_t low = 0, high = kept->mark_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (mark_compare(&kept->marks[middle], key, rid) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0) {
        const struct mark *mark = &kept->marks[low - 1];
        struct block_reader *reader = &cursor->reader;
        reader->at = cursor->bytes + mark->at;
        reader->left = mark->left;
        reader->has = true;
        reader->rid = mark->rid;
        reader->seq = mark->seq;
        reader->key_size = mark->key_size;
        memcpy(reader->key, mark->key, mark->key_size);
    }
}

bool block_cache_find(struct block_cursor *cursor, struct block_cache *cache, enum block_side side, uint32_t lane,
    struct text key, uint64_t rid) {
    bool none = false;
    struct kept *kept = cache->slice == 0 ? NULL : look(&none, cache, side, lane, key, rid);
    if (kept != NULL) {
        kept->used = true;
        cursor->fence = kept->fence;
        block_cursor_fill(cursor, (struct text){(const char *)kept->bytes, kept->size});
        if (side == BLOCK_AT) {
            start_near(cursor, kept, key, rid);
        }
    }
    return kept != NULL || none;
}

/* ---- keeping ------------------------------------------------------------------------------------------------------------ */

/* Round the clock: the first that was not used since the hand last passed. */
static void make_room(struct block_cache *cache) {
    for (;; cache->hand++) {
        cache->hand = cache->hand < cache->count ? cache->hand : 0;
        if (!cache->at[cache->hand]->used) {
            take_out(cache, cache->hand);
            return;
        }
        cache->at[cache->hand]->used = false;
    }
}

static void mark_add(struct kept *kept, const struct block_reader *reader) {
    struct mark *mark = &kept->marks[kept->mark_count++];
    *mark = (struct mark){.rid = reader->rid,
        .seq = reader->seq,
        .at = (uint16_t)(reader->at - kept->bytes),
        .left = (uint16_t)reader->left,
        .key_size = reader->key_size};
    memcpy(mark->key, reader->key, reader->key_size);
}

/* Once through: marks at even distances, and where it ends. */
static void look_through(struct kept *kept) {
    struct text bytes = {(const char *)kept->bytes, kept->size};
    uint32_t count = block_count(bytes), step = count / (MARKS + 1) + 1, behind = 0;
    struct block_reader reader;
    kept->mark_count = 0;
    block_reader_open(&reader, bytes);
    while (block_reader_next(&reader)) {
        if (++behind >= step && reader.key_size <= MARK_KEY_MAX && kept->mark_count < MARKS) {
            mark_add(kept, &reader);
            behind = 0;
        }
        if (reader.left == 0) {
            bound_raise(kept, block_reader_key(&reader), reader.rid + 1);
        }
    }
}

static struct kept *kept_new(struct block_cache *cache, const struct block_cursor *cursor) {
    if (cache->count == KEPT_MOST) {
        make_room(cache);
    }
    struct kept *kept = cache->spare == NULL ? malloc(sizeof *kept) : cache->spare;
    if (kept == NULL) {
        return NULL;
    }
    cache->spare = NULL;
    struct text fence = fence_key(&cursor->fence);
    size_t index = place_in(cache, cursor->lane, fence, cursor->fence.rid);
    memmove(cache->at + index + 1, cache->at + index, (cache->count - index) * sizeof(struct kept *));
    cache->at[index] = kept;
    cache->count++;
    kept->lane = cursor->lane;
    kept->used = false;
    kept->slice = cache->slice;
    kept->serial = ++cache->serial;
    kept->behind = 0;
    kept->fence = cursor->fence;
    kept->bound.key_size = 0;
    kept->bound.rid = 0;
    kept->size = cursor->size;
    memcpy(kept->bytes, cursor->bytes, cursor->size);
    look_through(kept);
    return kept;
}

static struct kept *kept_of(struct block_cache *cache, const struct block_cursor *cursor) {
    size_t index;
    struct kept *kept = kept_at(&index, cache, cursor->lane, fence_key(&cursor->fence), cursor->fence.rid);
    if (kept != NULL && is_fence_of(kept, fence_key(&cursor->fence), cursor->fence.rid)) {
        return kept;
    }
    return cursor->size > KEPT_BYTES ? NULL : kept_new(cache, cursor);
}

void block_cache_keep(struct block_cache *cache, const struct block_cursor *cursor, enum block_side side, uint32_t lane,
    struct text key, uint64_t rid) {
    size_t index;
    if (cache->slice == 0) {
        return;
    }
    struct kept *kept = cursor->loaded ? kept_of(cache, cursor) : NULL;
    struct kept *before = side == BLOCK_AT ? NULL : kept_at(&index, cache, lane, key, rid);
    before = before != NULL && is_fence_of(before, key, rid) ? before : NULL;
    if (side == BLOCK_BEHIND && before != NULL) {
        before->behind = !cursor->loaded ? BEHIND_NONE : kept == NULL ? 0 : kept->serial;
    }
    if (kept == NULL) {
        return;
    }
    if (side == BLOCK_AT) {
        bound_raise(kept, key, rid + 1);
    } else if (side == BLOCK_BELOW) {
        bound_raise(kept, key, rid);
        kept->behind = before != NULL ? before->serial : kept->behind;
    }
}
