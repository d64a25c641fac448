#include "store/frame_cache.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS = 16, SLOTS = 1024, PART_LEAST = 8, HINTS = 64 * 1024, HINT_SHIFT = 8 };

/* Invariant: `bytes` is the sum of the sizes of all entries, each of which stands in one slot's list and in the list by age. */
struct shard {
    pthread_mutex_t lock;
    struct frame *slots[SLOTS];
    struct frame *oldest, *newest;
    size_t bytes;
};

struct frame_cache {
    size_t shard_bytes_max;
    _Atomic uint64_t hints[HINTS]; /* vid << HINT_SHIFT | distance to the last of its frame; one word, so never half */
    struct shard shards[SHARDS];
};

bool frame_key_equal(const struct frame_key *a, const struct frame_key *b) {
    return a->last == b->last && a->made == b->made && a->kind == b->kind;
}

struct frame *frame_new(const struct frame_key *key, uint64_t first, size_t size) {
    struct frame *frame = malloc(sizeof *frame + size);
    if (frame == NULL) {
        return NULL;
    }
    *frame = (struct frame){.key = *key, .first = first, .size = size};
    atomic_init(&frame->users, 1);
    return frame;
}

void frame_drop(struct frame *frame) {
    if (frame != NULL && atomic_fetch_sub_explicit(&frame->users, 1, memory_order_acq_rel) == 1) {
        free(frame);
    }
}

struct frame_cache *frame_cache_open(size_t bytes_max) {
    struct frame_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    cache->shard_bytes_max = bytes_max / SHARDS;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&cache->shards[i].lock, NULL);
    }
    return cache;
}

void frame_cache_close(struct frame_cache *cache) {
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        struct frame *frame = cache->shards[i].oldest;
        while (frame != NULL) {
            struct frame *newer = frame->newer;
            frame_drop(frame);
            frame = newer;
        }
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    free(cache);
}

static uint64_t hash_of(const struct frame_key *key) {
    uint64_t hash = (key->last * 2 + (uint64_t)key->kind) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

static struct shard *shard_of(struct frame_cache *cache, uint64_t hash) {
    return &cache->shards[hash % SHARDS];
}

static struct frame **slot_of(struct shard *shard, uint64_t hash) {
    return &shard->slots[hash / SHARDS % SLOTS];
}

static struct frame *find(struct frame *frame, const struct frame_key *key) {
    while (frame != NULL && !frame_key_equal(&frame->key, key)) {
        frame = frame->next;
    }
    return frame;
}

static void age_remove(struct shard *shard, struct frame *frame) {
    *(frame->older == NULL ? &shard->oldest : &frame->older->newer) = frame->newer;
    *(frame->newer == NULL ? &shard->newest : &frame->newer->older) = frame->older;
}

static void age_add(struct shard *shard, struct frame *frame) {
    frame->older = shard->newest;
    frame->newer = NULL;
    *(shard->newest == NULL ? &shard->oldest : &shard->newest->newer) = frame;
    shard->newest = frame;
}

struct frame *frame_cache_get(struct frame_cache *cache, const struct frame_key *key) {
    uint64_t hash = hash_of(key);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    struct frame *frame = find(*slot_of(shard, hash), key);
    if (frame != NULL) {
        frame->was_got = true; /* its neighbours by age are left alone: they lie elsewhere in memory */
        atomic_fetch_add_explicit(&frame->users, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&shard->lock);
    return frame;
}

struct frame *frame_cache_of(struct frame_cache *cache, uint64_t vid) {
    uint64_t hint = atomic_load_explicit(&cache->hints[vid % HINTS], memory_order_relaxed);
    if (hint == 0 || hint >> HINT_SHIFT != vid) {
        return NULL;
    }
    const struct frame_key key = {.last = vid + (hint & UINT8_MAX), .kind = FRAME_BODIES};
    struct frame *frame = frame_cache_get(cache, &key);
    if (frame != NULL && frame->first > vid) {
        frame_drop(frame);
        return NULL;
    }
    return frame;
}

void frame_cache_hint(struct frame_cache *cache, uint64_t vid, const struct frame *frame) {
    uint64_t distance = frame->key.last - vid;
    if (distance <= UINT8_MAX && vid >> (64 - HINT_SHIFT) == 0) {
        atomic_store_explicit(&cache->hints[vid % HINTS], vid << HINT_SHIFT | distance, memory_order_relaxed);
    }
}

/* Takes the oldest out; the caller drops it behind the lock. */
static struct frame *take_oldest(struct shard *shard) {
    while (shard->oldest->was_got) { /* goes round once more */
        struct frame *spared = shard->oldest;
        spared->was_got = false;
        age_remove(shard, spared);
        age_add(shard, spared);
    }
    struct frame *frame = shard->oldest;
    struct frame **link = slot_of(shard, hash_of(&frame->key));
    while (*link != frame) {
        link = &(*link)->next;
    }
    *link = frame->next;
    age_remove(shard, frame);
    shard->bytes -= frame->size;
    return frame;
}

void frame_cache_put(struct frame_cache *cache, struct frame *frame) {
    if (frame->size > cache->shard_bytes_max / PART_LEAST) {
        return;
    }
    uint64_t hash = hash_of(&frame->key);
    struct shard *shard = shard_of(cache, hash);
    struct frame *out = NULL;
    pthread_mutex_lock(&shard->lock);
    struct frame **slot = slot_of(shard, hash);
    if (find(*slot, &frame->key) == NULL) {
        atomic_fetch_add_explicit(&frame->users, 1, memory_order_relaxed);
        frame->next = *slot;
        *slot = frame;
        age_add(shard, frame);
        shard->bytes += frame->size;
        while (shard->bytes > cache->shard_bytes_max) {
            struct frame *oldest = take_oldest(shard);
            oldest->next = out;
            out = oldest;
        }
    }
    pthread_mutex_unlock(&shard->lock);
    while (out != NULL) {
        struct frame *next = out->next;
        frame_drop(out);
        out = next;
    }
}
