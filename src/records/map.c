#include "records/map.h"

enum { CAPACITY_LEAST = 16 };

static uint64_t hashed(struct text key) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a; a flood of collisions is bounded by the bundle's limit */
    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ (unsigned char)key.at[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ (hash >> 29);
}

static struct map_slot *slot_for(const struct map *map, struct text key) {
    size_t at = (size_t)hashed(key) & (map->capacity - 1);
    while (map->slots[at].key.at != NULL && !text_equal(map->slots[at].key, key)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->slots[at];
}

struct map map_open(struct arena *arena, size_t expected) {
    size_t capacity = CAPACITY_LEAST;
    while (capacity < expected * 2) {
        capacity *= 2;
    }
    return (struct map){.arena = arena, .slots = ARENA_ARRAY(arena, struct map_slot, capacity), .capacity = capacity};
}

static void grow(struct map *map) {
    struct map larger = map_open(map->arena, map->capacity);
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].key.at != NULL) {
            *slot_for(&larger, map->slots[i].key) = map->slots[i];
        }
    }
    larger.count = map->count;
    *map = larger;
}

bool map_add(struct map *map, struct text key, size_t value) {
    if (map->count * 2 >= map->capacity) {
        grow(map);
    }
    struct map_slot *slot = slot_for(map, key);
    if (slot->key.at != NULL) {
        return false;
    }
    *slot = (struct map_slot){.key = key.at == NULL ? TEXT("") : key, .value = value};
    map->count++;
    return true;
}

bool map_find(size_t *out, const struct map *map, struct text key) {
    const struct map_slot *slot = slot_for(map, key);
    if (slot->key.at == NULL) {
        return false;
    }
    *out = slot->value;
    return true;
}
