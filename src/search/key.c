#include "search/key.h"

#include <string.h>

void key_put(struct key *key, struct text bytes) {
    invariant(key->size + bytes.size <= sizeof key->at);
    if (bytes.size > 0) {
        memcpy(key->at + key->size, bytes.at, bytes.size);
        key->size += bytes.size;
    }
}

void key_put_char(struct key *key, char c) {
    key_put(key, (struct text){&c, 1});
}

void key_put_bits(struct key *key, uint64_t bits) {
    char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(uint8_t)(bits >> (56 - 8 * i));
    }
    key_put(key, (struct text){bytes, sizeof bytes});
}

uint64_t key_int64_bits(int64_t value) {
    return (uint64_t)value ^ (UINT64_C(1) << 63);
}

void key_put_int64(struct key *key, int64_t value) {
    key_put_bits(key, key_int64_bits(value));
}

/* IEEE 754 doubles order like their bits once negative ones are inverted and the sign of the others is set. */
uint64_t key_number_bits(double value) {
    if (value == 0) {
        value = 0; /* minus zero is zero */
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (UINT64_C(1) << 63);
}

void key_put_number(struct key *key, double value) {
    key_put_bits(key, key_number_bits(value));
}

static uint64_t rotate(uint64_t value, int by) {
    return value << by | value >> (64 - by);
}

static void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static uint64_t sip_word(const char *at, size_t size) {
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)(uint8_t)at[i] << (8 * i);
    }
    return word;
}

static uint64_t hash(struct text value) {
    const uint64_t key[2] = {UINT64_C(0x736f79616e67206b), UINT64_C(0x6579206f66203236)};
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    size_t whole = value.size / 8 * 8;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t word = i < whole ? sip_word(value.at + i, 8)
                                  : sip_word(value.at + i, value.size - whole) | (uint64_t)(value.size & 0xff) << 56;
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* All zeros say "there is no value", so a value's hash never is. */
void key_put_hash(struct key *key, struct text value) {
    uint64_t bits = value.size == 0 ? 0 : hash(value);
    key_put_bits(key, value.size > 0 && bits == 0 ? 1 : bits);
}

void key_put_unit_hash(struct key *key, struct text value) {
    uint32_t bits = value.size == 0 ? 0 : (uint32_t)hash(value);
    if (value.size > 0 && bits == 0) {
        bits = 1;
    }
    for (int i = 0; i < 4; i++) {
        key_put_char(key, (char)(uint8_t)(bits >> (24 - 8 * i)));
    }
}

void key_put_mark(struct key *key, struct text value) {
    uint64_t bits = hash(value);
    for (int i = 0; i < KEY_MARK_SIZE; i++) {
        key_put_char(key, (char)(uint8_t)(0x80 | (bits & 0x3f)));
        bits >>= 6;
    }
}

void key_put_bounded(struct key *key, struct text value, size_t room) {
    if (value.size <= room) {
        key_put(key, value);
        return;
    }
    key_put(key, (struct text){value.at, room - KEY_MARK_SIZE});
    key_put_mark(key, value);
}

struct text key_text(const struct key *key) {
    return (struct text){key->at, key->size};
}

struct text key_copy(struct arena *arena, const struct key *key) {
    return text_copy(arena, key_text(key));
}
