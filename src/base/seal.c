/* base64url without padding (RFC 4648, section 5) of the bytes and of 16 bytes of HMAC-SHA256 (RFC 2104) over purpose and bytes. */
#include "base/base.h"

#include <openssl/crypto.h>
#include <string.h>

enum { MAC_SIZE = 16 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct text write_base64url(struct arena *arena, const uint8_t *bytes, size_t size) {
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

static bool read_base64url(uint8_t *out, size_t *size_out, struct text value) {
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
    return count < 6 && (bits & ((1U << count) - 1)) == 0; /* one text for one seal */
}

/* The purpose's length goes first, so that no purpose and bytes can be taken for others. */
static void mac(uint8_t out[static MAC_SIZE], struct arena *arena, struct text key, struct text purpose,
    const uint8_t *bytes, size_t size) {
    uint8_t whole[DIGEST_SIZE];
    struct buffer said = buffer_open(arena, SIZE_MAX);
    buffer_put_format(&said, "%zu:", purpose.size);
    buffer_put(&said, purpose);
    buffer_put(&said, (struct text){(const char *)bytes, size});
    invariant(key.size > 0);
    digest_hmac(whole, key, buffer_text(&said));
    memcpy(out, whole, MAC_SIZE);
}

struct text seal_close(struct arena *arena, struct text key, struct text purpose, struct text bytes) {
    invariant(bytes.size <= SEAL_BYTES_MAX);
    uint8_t *whole = arena_alloc(arena, bytes.size + MAC_SIZE);
    memcpy(whole, bytes.at, bytes.size);
    mac(whole + bytes.size, arena, key, purpose, whole, bytes.size);
    return write_base64url(arena, whole, bytes.size + MAC_SIZE);
}

bool seal_open(struct text *out, struct arena *arena, struct text key, struct text purpose, struct text sealed) {
    uint8_t *bytes = arena_alloc(arena, sealed.size + 1), expected[MAC_SIZE];
    size_t size = 0;
    if (sealed.size > (SEAL_BYTES_MAX + MAC_SIZE) * 4 / 3 + 4 || !read_base64url(bytes, &size, sealed) ||
        size <= MAC_SIZE) {
        return false;
    }
    size -= MAC_SIZE;
    mac(expected, arena, key, purpose, bytes, size);
    *out = (struct text){(const char *)bytes, size};
    return CRYPTO_memcmp(expected, bytes + size, MAC_SIZE) == 0;
}
