#include "store/rid_set.h"

struct rid_set *rid_set_open(struct arena *arena, uint64_t size) {
    struct rid_set *set = ARENA_NEW(arena, struct rid_set);
    set->size = (size + 63) & ~(uint64_t)63;
    set->words = ARENA_ARRAY(arena, uint64_t, set->size / 64);
    return set;
}

void rid_set_add(struct rid_set *set, uint64_t rid) {
    invariant(rid < set->size);
    uint64_t bit = 1ULL << (rid & 63);
    set->count += (set->words[rid / 64] & bit) == 0;
    set->words[rid / 64] |= bit;
}

bool rid_set_has(const struct rid_set *set, uint64_t rid) {
    return rid < set->size && (set->words[rid / 64] >> (rid & 63) & 1) != 0;
}

uint64_t rid_set_seek(const struct rid_set *set, uint64_t rid) {
    if (rid >= set->size) {
        return RID_NONE;
    }
    uint64_t at = rid / 64, word = set->words[at] & ~0ULL << (rid & 63);
    while (word == 0) {
        if (++at == set->size / 64) {
            return RID_NONE;
        }
        word = set->words[at];
    }
    return at * 64 + (uint64_t)__builtin_ctzll(word);
}

static void count_again(struct rid_set *set) {
    set->count = 0;
    for (uint64_t i = 0; i < set->size / 64; i++) {
        set->count += (uint64_t)__builtin_popcountll(set->words[i]);
    }
}

void rid_set_add_all(struct rid_set *set, const struct rid_set *other) {
    invariant(set->size == other->size);
    for (uint64_t i = 0; i < set->size / 64; i++) {
        set->words[i] |= other->words[i];
    }
    count_again(set);
}

void rid_set_keep_all(struct rid_set *set, const struct rid_set *other) {
    invariant(set->size == other->size);
    for (uint64_t i = 0; i < set->size / 64; i++) {
        set->words[i] &= other->words[i];
    }
    count_again(set);
}

void rid_set_remove_all(struct rid_set *set, const struct rid_set *other) {
    invariant(set->size == other->size);
    for (uint64_t i = 0; i < set->size / 64; i++) {
        set->words[i] &= ~other->words[i];
    }
    count_again(set);
}
