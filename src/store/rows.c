/* rows: the index rows of one version as a sorted list and as packed bytes.
 *
 * Packed: for each row the lane's distance from the row before (a varint), the key's size (a varint), the key. */
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- keys that the store makes itself ----------------------------------------------------------------------------- */

static void put_u16(uint8_t *out, uint16_t value) {
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

size_t reference_key(uint8_t out[static REFERENCE_KEY_MAX], uint16_t type, uint64_t rid) {
    put_u16(out, type);
    size_t size = 1;
    while (size < 8 && rid >> (8 * size) != 0) {
        size++;
    }
    out[2] = (uint8_t)size;
    for (size_t i = 0; i < size; i++) {
        out[3 + i] = (uint8_t)(rid >> (8 * (size - 1 - i)));
    }
    return 3 + size;
}

uint64_t reference_key_rid(struct text key) {
    uint64_t rid = 0;
    for (size_t i = 3; i < key.size; i++) {
        rid = rid << 8 | (uint8_t)key.at[i];
    }
    return rid;
}

uint16_t reference_key_type(struct text key) {
    return (uint16_t)((uint8_t)key.at[0] << 8 | (uint8_t)key.at[1]);
}

void time_key(uint8_t out[static 8], int64_t time_us) {
    uint64_t bits = (uint64_t)time_us ^ (1ULL << 63);
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(bits >> (8 * (7 - i)));
    }
}

void type_key(uint8_t out[static 2], uint16_t type) {
    put_u16(out, type);
}

struct text store_prefix_end(struct arena *arena, struct text prefix) {
    size_t size = prefix.size;
    while (size > 0 && (uint8_t)prefix.at[size - 1] == UINT8_MAX) {
        size--;
    }
    if (size == 0) {
        return (struct text){0};
    }
    char *end = arena_alloc(arena, size);
    memcpy(end, prefix.at, size);
    end[size - 1] = (char)((uint8_t)end[size - 1] + 1);
    return (struct text){end, size};
}

/* ---- lists --------------------------------------------------------------------------------------------------------- */

int lane_row_compare(const void *a, const void *b) {
    const struct lane_row *left = a, *right = b;
    if (left->lane != right->lane) {
        return left->lane < right->lane ? -1 : 1;
    }
    return text_compare(left->key, right->key);
}

void lane_rows_sort(struct lane_rows *rows) {
    if (rows->count == 0) {
        return;
    }
    qsort(rows->at, rows->count, sizeof *rows->at, lane_row_compare);
    size_t kept = 1;
    for (size_t i = 1; i < rows->count; i++) {
        if (lane_row_compare(&rows->at[kept - 1], &rows->at[i]) != 0) {
            rows->at[kept++] = rows->at[i];
        }
    }
    rows->count = kept;
}

/* ---- packed --------------------------------------------------------------------------------------------------------- */

enum { VARINT32_MAX = 5 };

static size_t varint_put(uint8_t *out, uint32_t value) {
    size_t size = 0;
    while (value >= 0x80) {
        out[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[size++] = (uint8_t)value;
    return size;
}

static bool varint_get(uint32_t *out, struct lane_reader *reader) {
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (reader->at == reader->end) {
            return false;
        }
        uint8_t byte = *reader->at++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

struct text lane_rows_pack(struct arena *arena, const struct lane_rows *rows) {
    size_t most = 0;
    for (size_t i = 0; i < rows->count; i++) {
        most += 2 * VARINT32_MAX + rows->at[i].key.size;
    }
    uint8_t *packed = arena_alloc(arena, most);
    size_t size = 0;
    uint32_t lane = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct lane_row *row = &rows->at[i];
        size += varint_put(packed + size, row->lane - lane);
        size += varint_put(packed + size, (uint32_t)row->key.size);
        if (row->key.size > 0) {
            memcpy(packed + size, row->key.at, row->key.size);
        }
        size += row->key.size;
        lane = row->lane;
    }
    return (struct text){(const char *)packed, size};
}

struct lane_reader lane_reader_open(struct text packed) {
    const uint8_t *at = (const uint8_t *)packed.at;
    return (struct lane_reader){.at = at, .end = at == NULL ? at : at + packed.size};
}

bool lane_reader_next(struct lane_row *out, struct lane_reader *reader) {
    uint32_t distance = 0, size = 0;
    if (!varint_get(&distance, reader) || !varint_get(&size, reader) || size > (size_t)(reader->end - reader->at)) {
        return false;
    }
    reader->lane += distance;
    *out = (struct lane_row){.lane = reader->lane, .key = {(const char *)reader->at, size}};
    reader->at += size;
    return true;
}

bool lane_rows_differ(struct text before, struct text after, lane_change *change, void *context) {
    struct lane_reader old_rows = lane_reader_open(before), new_rows = lane_reader_open(after);
    struct lane_row old_row, new_row;
    bool has_old = lane_reader_next(&old_row, &old_rows), has_new = lane_reader_next(&new_row, &new_rows);
    while (has_old || has_new) {
        int order = !has_old ? 1 : !has_new ? -1 : lane_row_compare(&old_row, &new_row);
        if (order < 0 && !change(context, MEM_ENDED, &old_row)) {
            return false;
        }
        if (order > 0 && !change(context, MEM_ADDED, &new_row)) {
            return false;
        }
        has_old = order <= 0 ? lane_reader_next(&old_row, &old_rows) : has_old;
        has_new = order >= 0 ? lane_reader_next(&new_row, &new_rows) : has_new;
    }
    return true;
}
