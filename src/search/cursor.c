/* A cursor is a seal of
 *
 *     1 byte version | 8 sequence | 4 page size | 1 has total | 8 total | 16 digest of the query | the store's position
 *
 * numbers big-endian. */
#include <string.h>

#include "search/query.h"

enum { CURSOR_VERSION = 1, HEAD_SIZE = 1 + 8 + 4 + 1 + 8 + CURSOR_DIGEST_SIZE, POSITION_SIZE_MAX = 2048 };

static const struct text purpose = {"search", 6};

static uint8_t *put_number(uint8_t *at, uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

static uint64_t take_number(const uint8_t **at, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | *(*at)++;
    }
    return value;
}

struct text cursor_write(const struct search_query *query, const struct cursor *cursor, struct scope *scope) {
    invariant(cursor->position.size <= POSITION_SIZE_MAX && query->cursor_key.size > 0);
    uint8_t bytes[HEAD_SIZE + POSITION_SIZE_MAX];
    uint8_t *at = bytes;
    *at++ = CURSOR_VERSION;
    at = put_number(at, cursor->sequence, 8);
    at = put_number(at, cursor->count, 4);
    *at++ = cursor->has_total ? 1 : 0;
    at = put_number(at, cursor->total, 8);
    memcpy(at, query->digest, CURSOR_DIGEST_SIZE);
    at += CURSOR_DIGEST_SIZE;
    memcpy(at, cursor->position.at, cursor->position.size);
    at += cursor->position.size;
    return seal_close(
        scope->arena, query->cursor_key, purpose, (struct text){(const char *)bytes, (size_t)(at - bytes)});
}

enum status cursor_read(struct cursor *out, const struct search_query *query, struct text value, struct scope *scope) {
    struct text bytes;
    bool is_ours = query->cursor_key.size > 0 && seal_open(&bytes, scope->arena, query->cursor_key, purpose, value) &&
                   bytes.size > HEAD_SIZE && bytes.at[0] == CURSOR_VERSION;
    if (!is_ours) {
        return fault(scope, STATUS_INVALID, "", "_cursor: this server did not write it");
    }
    const uint8_t *at = (const uint8_t *)bytes.at + 1;
    out->sequence = take_number(&at, 8);
    out->count = (uint32_t)take_number(&at, 4);
    out->has_total = *at++ != 0;
    out->total = take_number(&at, 8);
    if (memcmp(at, query->digest, CURSOR_DIGEST_SIZE) != 0) {
        return fault(scope, STATUS_INVALID, "", "_cursor: it belongs to a search with other parameters");
    }
    at += CURSOR_DIGEST_SIZE;
    out->position = (struct text){(const char *)at, bytes.size - HEAD_SIZE};
    return STATUS_OK;
}
