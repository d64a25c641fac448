#include "search/kind.h"

const struct image_range image_all = {0, UINT64_MAX};

static struct text image_bound(struct arena *arena, struct text prefix, uint64_t bits) {
    struct key key = {0};
    key_put(&key, prefix);
    key_put_bits(&key, bits);
    return key_copy(arena, &key);
}

struct text image_low(struct arena *arena, struct text prefix, struct image_range range) {
    return range.low == 0 ? prefix : image_bound(arena, prefix, range.low);
}

struct text image_high(struct arena *arena, struct text prefix, struct image_range range) {
    if (range.high < UINT64_MAX) {
        return image_bound(arena, prefix, range.high);
    }
    return prefix.size == 0 ? (struct text){NULL, 0} : store_prefix_end(arena, prefix);
}

struct plan_filter image_filter(struct arena *arena, int offset, struct image_range range) {
    const struct text nothing = {NULL, 0};
    if (range.low == 0 && range.high == UINT64_MAX) {
        return (struct plan_filter){.kind = STORE_FILTER_NONE};
    }
    return (struct plan_filter){.kind = STORE_FILTER_SLICE,
        .offset = offset,
        .length = KEY_NUMBER_SIZE,
        .low = range.low == 0 ? nothing : image_bound(arena, nothing, range.low),
        .high = range.high == UINT64_MAX ? nothing : image_bound(arena, nothing, range.high)};
}
