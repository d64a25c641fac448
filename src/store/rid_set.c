#include "store/rid_set.h"

struct rid_set *rid_set_open(struct arena *arena, uint64_t size) {
    struct rid_set *set = ARENA_NEW(arena, struct rid_set);
    set->arena = arena;
    set->size = size;
    set->page_count = size / RID_PAGE_BITS + 1;
    set->pages = ARENA_ARRAY(arena, uint64_t *, set->page_count);
    return set;
}

static uint64_t *page_make(struct rid_set *set, uint64_t page) {
    if (set->pages[page] == NULL) {
        set->pages[page] = ARENA_ARRAY(set->arena, uint64_t, RID_PAGE_WORDS);
    }
    return set->pages[page];
}

void rid_set_add(struct rid_set *set, uint64_t rid) {
    invariant(rid < set->size);
    uint64_t *word = &page_make(set, rid / RID_PAGE_BITS)[rid % RID_PAGE_BITS / 64], bit = 1ULL << (rid & 63);
    set->count += (*word & bit) == 0;
    *word |= bit;
}

void rid_set_remove(struct rid_set *set, uint64_t rid) {
    if (rid_set_has(set, rid)) {
        set->pages[rid / RID_PAGE_BITS][rid % RID_PAGE_BITS / 64] &= ~(1ULL << (rid & 63));
        set->count--;
    }
}

bool rid_set_has(const struct rid_set *set, uint64_t rid) {
    if (rid >= set->size) {
        return false;
    }
    const uint64_t *page = set->pages[rid / RID_PAGE_BITS];
    return page != NULL && (page[rid % RID_PAGE_BITS / 64] >> (rid & 63) & 1) != 0;
}

/* In one page from the bit on; RID_PAGE_BITS: none. */
static uint64_t page_seek(const uint64_t *page, uint64_t bit) {
    uint64_t mask = ~0ULL << (bit & 63);
    for (uint64_t word = bit / 64; word < RID_PAGE_WORDS; word++) {
        uint64_t bits = page[word] & mask;
        if (bits != 0) {
            return word * 64 + (uint64_t)__builtin_ctzll(bits);
        }
        mask = ~0ULL;
    }
    return RID_PAGE_BITS;
}

uint64_t rid_set_seek(const struct rid_set *set, uint64_t rid) {
    uint64_t bit = rid % RID_PAGE_BITS;
    for (uint64_t page = rid / RID_PAGE_BITS; page < set->page_count; page++) {
        uint64_t found = set->pages[page] == NULL ? RID_PAGE_BITS : page_seek(set->pages[page], bit);
        if (found < RID_PAGE_BITS) {
            return page * RID_PAGE_BITS + found;
        }
        bit = 0;
    }
    return RID_NONE;
}

static uint64_t page_bits(const uint64_t *page) {
    uint64_t bits = 0;
    for (uint64_t i = 0; page != NULL && i < RID_PAGE_WORDS; i++) {
        bits += (uint64_t)__builtin_popcountll(page[i]);
    }
    return bits;
}

void rid_set_add_all(struct rid_set *set, const struct rid_set *other) {
    invariant(set->size == other->size);
    for (uint64_t page = 0; page < set->page_count; page++) {
        const uint64_t *from = other->pages[page];
        if (from == NULL) {
            continue;
        }
        uint64_t *to = page_make(set, page), before = page_bits(to);
        for (uint64_t i = 0; i < RID_PAGE_WORDS; i++) {
            to[i] |= from[i];
        }
        set->count += page_bits(to) - before;
    }
}

void rid_set_keep_all(struct rid_set *set, const struct rid_set *other) {
    invariant(set->size == other->size);
    set->count = 0;
    for (uint64_t page = 0; page < set->page_count; page++) {
        uint64_t *to = set->pages[page];
        const uint64_t *from = other->pages[page];
        if (from == NULL) {
            set->pages[page] = NULL;
            continue;
        }
        for (uint64_t i = 0; to != NULL && i < RID_PAGE_WORDS; i++) {
            to[i] &= from[i];
        }
        set->count += page_bits(to);
    }
}

void rid_set_remove_all(struct rid_set *set, const struct rid_set *other) {
    invariant(set->size == other->size);
    for (uint64_t page = 0; page < set->page_count; page++) {
        uint64_t *to = set->pages[page];
        const uint64_t *from = other->pages[page];
        if (to == NULL || from == NULL) {
            continue;
        }
        set->count -= page_bits(to);
        for (uint64_t i = 0; i < RID_PAGE_WORDS; i++) {
            to[i] &= ~from[i];
        }
        set->count += page_bits(to);
    }
}
