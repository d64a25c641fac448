/* identity_cache: the identities that the writer met last; one slot a hash. */
#include "store/writer.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 16, KEY_MAX = 23 };

struct slot {
    uint64_t rid;
    uint8_t size, key[KEY_MAX];
};

struct identity_cache {
    struct slot slots[SLOTS];
};

struct identity_cache *identity_cache_open(void) {
    return calloc(1, sizeof(struct identity_cache));
}

void identity_cache_close(struct identity_cache *cache) {
    free(cache);
}

void identity_cache_clear(struct identity_cache *cache) {
    memset(cache, 0, sizeof *cache);
}

static size_t slot_of(struct text key) {
    uint64_t value = 1469598103934665603U; /* FNV-1a */
    for (size_t i = 0; i < key.size; i++) {
        value = (value ^ (uint8_t)key.at[i]) * 1099511628211U;
    }
    return (size_t)((value ^ value >> 32) & (SLOTS - 1));
}

uint64_t identity_cache_get(const struct identity_cache *cache, struct text key) {
    const struct slot *slot = &cache->slots[slot_of(key)];
    return slot->rid != 0 && slot->size == key.size && memcmp(slot->key, key.at, key.size) == 0 ? slot->rid : 0;
}

void identity_cache_put(struct identity_cache *cache, struct text key, uint64_t rid) {
    if (key.size > KEY_MAX) {
        return;
    }
    struct slot *slot = &cache->slots[slot_of(key)];
    slot->rid = rid;
    slot->size = (uint8_t)key.size;
    memcpy(slot->key, key.at, key.size);
}
