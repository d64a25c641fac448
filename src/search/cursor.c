/* A cursor: base64url without padding (RFC 4648, section 5) of
 *
 *     1 byte version | 8 sequence | 4 page size | 1 has total | 8 total | 16 digest of the query | the store's position | 16 MAC
 *
 * numbers big-endian; MAC is HMAC-SHA256 (RFC 2104) over all before it, cut to 16 bytes. */
#include <openssl/crypto.h>
#include <string.h>

#include "search/query.h"

enum {
    CURSOR_VERSION = 1,
    MAC_SIZE = 16,
    HEAD_SIZE = 1 + 8 + 4 + 1 + 8 + CURSOR_DIGEST_SIZE,
    POSITION_SIZE_MAX = 2048
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct text base64url_write(struct arena *arena, const uint8_t *bytes, size_t size) {
    char *out = arena_alloc(arena, size * 4 / 3 + 4);
    size_t length = 0;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6) {
            out[length++] = alphabet[bits >> (count - 6) & 63];
        }
    }
    if (count > 0) {
        out[length++] = alphabet[bits << (6 - count) & 63];
    }
    return (struct text){out, length};
}

static bool base64url_read(uint8_t *out, size_t *size_out, struct text value) {
    uint32_t bits = 0;
    int count = 0;
    *size_out = 0;
    for (size_t i = 0; i < value.size; i++) {
        const char *at = value.at[i] == '\0' ? NULL : strchr(alphabet, value.at[i]);
        if (at == NULL) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(at - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[(*size_out)++] = (uint8_t)(bits >> count);
        }
    }
    return (bits & ((1U << count) - 1)) == 0; /* one text for one cursor */
}

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

static void mac(uint8_t out[static MAC_SIZE], struct text key, const uint8_t *bytes, size_t size) {
    uint8_t whole[DIGEST_SIZE];
    digest_hmac(whole, key, (struct text){(const char *)bytes, size});
    memcpy(out, whole, MAC_SIZE);
}

struct text cursor_write(const struct search_query *query, const struct cursor *cursor, struct scope *scope) {
    invariant(cursor->position.size <= POSITION_SIZE_MAX && query->cursor_key.size > 0);
    uint8_t bytes[HEAD_SIZE + POSITION_SIZE_MAX + MAC_SIZE];
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
    mac(at, query->cursor_key, bytes, (size_t)(at - bytes));
    return base64url_write(scope->arena, bytes, (size_t)(at - bytes) + MAC_SIZE);
}

enum status cursor_read(struct cursor *out, const struct search_query *query, struct text value, struct scope *scope) {
    uint8_t *bytes = arena_alloc(scope->arena, value.size + 1), expected[MAC_SIZE];
    size_t size;
    bool is_whole = value.size <= (HEAD_SIZE + POSITION_SIZE_MAX + MAC_SIZE) * 4 / 3 + 4 &&
                    base64url_read(bytes, &size, value) && size > HEAD_SIZE + MAC_SIZE && query->cursor_key.size > 0;
    if (is_whole) {
        mac(expected, query->cursor_key, bytes, size - MAC_SIZE);
        is_whole = CRYPTO_memcmp(expected, bytes + size - MAC_SIZE, MAC_SIZE) == 0 && bytes[0] == CURSOR_VERSION;
    }
    if (!is_whole) {
        return fault(scope, STATUS_INVALID, "", "_cursor: this server did not write it");
    }
    const uint8_t *at = bytes + 1;
    out->sequence = take_number(&at, 8);
    out->count = (uint32_t)take_number(&at, 4);
    out->has_total = *at++ != 0;
    out->total = take_number(&at, 8);
    if (memcmp(at, query->digest, CURSOR_DIGEST_SIZE) != 0) {
        return fault(scope, STATUS_INVALID, "", "_cursor: it belongs to a search with other parameters");
    }
    at += CURSOR_DIGEST_SIZE;
    out->position = (struct text){(const char *)at, size - HEAD_SIZE - MAC_SIZE};
    return STATUS_OK;
}
