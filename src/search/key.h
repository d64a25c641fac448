/* key: how values become bytes whose order is the order searched in. docs/search.md tabulates the layouts.
 *
 * Hashes are SipHash-2-4 (Aumasson, Bernstein 2012) under a fixed key: they shorten systems, units and over-long values.
 * They stand in the data folder, so neither the function nor its key may ever change. */
#ifndef SOYANG_SEARCH_KEY_H
#define SOYANG_SEARCH_KEY_H

#include "base/base.h"
#include "store/store.h"

enum {
    KEY_HASH_SIZE = 8,
    KEY_UNIT_SIZE = 4,
    KEY_NUMBER_SIZE = 8,
    /* A hash as text: bytes 0x80..0xBF only, which can begin no UTF-8 character, so that a `contains` filter never
     * matches inside it. */
    KEY_MARK_SIZE = 11,
    KEY_TEXT_MAX = STORE_KEY_MAX - 1 - KEY_MARK_SIZE, /* folded text before its zero byte and mark */
    KEY_CODE_MAX = STORE_KEY_MAX - 1 - KEY_HASH_SIZE, /* a code before its zero byte and the hash of its system */
    KEY_URI_MAX = STORE_KEY_MAX,
};

struct key {
    size_t size;
    char at[STORE_KEY_MAX];
};

void key_put(struct key *key, struct text bytes);
void key_put_char(struct key *key, char c);
void key_put_int64(struct key *key, int64_t value);
void key_put_number(struct key *key, double value);
void key_put_hash(struct key *key, struct text value);      /* 8 bytes; none or empty: zeros */
void key_put_unit_hash(struct key *key, struct text value); /* 4 bytes; none or empty: zeros */
void key_put_mark(struct key *key, struct text value);
/* The value, or when it is longer than `room` its first bytes and a mark that tells it from others. */
void key_put_bounded(struct key *key, struct text value, size_t room);
struct text key_text(const struct key *key); /* a slice of the key itself */
struct text key_copy(struct arena *arena, const struct key *key);

/* The order-preserving image of a double and its neighbours, for bounds. */
uint64_t key_number_bits(double value);
void key_put_bits(struct key *key, uint64_t bits);
uint64_t key_int64_bits(int64_t value);

#endif
