/* identity: (type, id) as bytes. */
#include "store/store_internal.h"

#include <string.h>

enum { UUID_TEXT = 36, UUID_BYTES = 16 };

static const char hex[] = "0123456789abcdef";

static bool is_dash(size_t at) {
    return at == 8 || at == 13 || at == 18 || at == 23;
}

static int hex_value(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool uuid_pack(uint8_t *out, struct text id) {
    if (id.size != UUID_TEXT) {
        return false;
    }
    memset(out, 0, UUID_BYTES);
    size_t nibbles = 0;
    for (size_t i = 0; i < UUID_TEXT; i++) {
        int value = hex_value(id.at[i]);
        if (is_dash(i) ? id.at[i] != '-' : value < 0) {
            return false;
        }
        if (!is_dash(i)) {
            out[nibbles / 2] = (uint8_t)(out[nibbles / 2] << 4 | value);
            nibbles++;
        }
    }
    return true;
}

size_t id_pack(uint8_t out[static PACKED_ID_MAX], struct text id) {
    if (id.size > ID_MAX) {
        return 0;
    }
    if (uuid_pack(out + 1, id)) {
        out[0] = ID_FORM_UUID;
        return 1 + UUID_BYTES;
    }
    out[0] = ID_FORM_TEXT;
    if (id.size > 0) {
        memcpy(out + 1, id.at, id.size);
    }
    return 1 + id.size;
}

bool id_is_packed(struct text packed) {
    return packed.size > 0 &&
           (packed.at[0] == ID_FORM_TEXT ? packed.size <= PACKED_ID_MAX
                                         : packed.at[0] == ID_FORM_UUID && packed.size == 1 + UUID_BYTES);
}

struct text id_unpack(struct arena *arena, struct text packed) {
    if (packed.size == 0) {
        return (struct text){"", 0};
    }
    if (packed.at[0] == ID_FORM_TEXT) {
        return text_copy(arena, (struct text){packed.at + 1, packed.size - 1});
    }
    invariant(packed.size == 1 + UUID_BYTES);
    char *id = arena_alloc(arena, UUID_TEXT);
    size_t nibbles = 0;
    for (size_t i = 0; i < UUID_TEXT; i++) {
        if (is_dash(i)) {
            id[i] = '-';
            continue;
        }
        uint8_t byte = (uint8_t)packed.at[1 + nibbles / 2];
        id[i] = hex[nibbles % 2 == 0 ? byte >> 4 : byte & 15];
        nibbles++;
    }
    return (struct text){id, UUID_TEXT};
}

size_t identity_key(uint8_t out[static IDENTITY_KEY_MAX], uint16_t type, struct text id) {
    type_key(out, type);
    size_t size = id_pack(out + 2, id);
    return size == 0 ? 0 : size + 2;
}
