#include "store/block.h"

#include <string.h>

enum { FLAG_KEY = 1, FLAG_SEQ = 2, FLAG_BITS = 2, HALF = 15 };

/* ---- numbers --------------------------------------------------------------------------------------------------------- */

static uint64_t zigzag(uint64_t distance) {
    return distance << 1 ^ (uint64_t)((int64_t)distance >> 63);
}

static uint64_t zagzig(uint64_t value) {
    return value >> 1 ^ (0 - (value & 1));
}

static size_t number_put(uint8_t *out, uint64_t value) {
    size_t size = 0;
    while (value >= 0x80) {
        out[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[size++] = (uint8_t)value;
    return size;
}

static bool number_get(uint64_t *out, struct block_reader *reader) {
    if (reader->at < reader->end && *reader->at < 0x80) {
        *out = *reader->at++;
        return true;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

uint32_t block_count(struct text bytes) {
    const uint8_t *at = (const uint8_t *)bytes.at;
    return bytes.size < BLOCK_HEAD ? 0 : (uint32_t)at[0] << 8 | at[1];
}

void block_reader_open(struct block_reader *reader, struct text bytes) {
    const uint8_t *at = (const uint8_t *)bytes.at;
    reader->left = block_count(bytes);
    reader->damaged = bytes.size < BLOCK_HEAD;
    reader->at = reader->damaged ? at : at + BLOCK_HEAD;
    reader->end = at + bytes.size;
    reader->has = reader->same_key = false;
    reader->key_size = 0;
    reader->rid = reader->seq = 0;
}

static bool half_get(size_t *out, struct block_reader *reader, unsigned half) {
    *out = half;
    if (half == HALF) {
        if (reader->at == reader->end) {
            return false;
        }
        *out = *reader->at++;
    }
    return true;
}

static bool key_get(struct block_reader *reader) {
    size_t shared, more;
    if (reader->at == reader->end) {
        return false;
    }
    uint8_t halves = *reader->at++;
    if (!half_get(&shared, reader, halves >> 4) || !half_get(&more, reader, halves & HALF) ||
        shared > reader->key_size || shared + more > BLOCK_KEY_MAX || more > (size_t)(reader->end - reader->at)) {
        return false;
    }
    memcpy(reader->key + shared, reader->at, more);
    reader->at += more;
    reader->key_size = (uint8_t)(shared + more);
    return true;
}

static bool entry_get(struct block_reader *reader) {
    uint64_t head, seq;
    if (!number_get(&head, reader)) {
        return false;
    }
    uint64_t distance = head >> FLAG_BITS;
    reader->same_key = (head & FLAG_KEY) == 0;
    if (!reader->same_key && !key_get(reader)) {
        return false;
    }
    reader->rid += reader->same_key ? distance : zagzig(distance);
    if ((head & FLAG_SEQ) != 0) {
        if (!number_get(&seq, reader)) {
            return false;
        }
        reader->seq += zagzig(seq);
    }
    return true;
}

bool block_reader_next(struct block_reader *reader) {
    reader->has = false;
    if (reader->left == 0 || reader->damaged) {
        reader->damaged = reader->damaged || reader->at != reader->end;
        return false;
    }
    reader->left--;
    reader->has = entry_get(reader);
    reader->damaged = !reader->has;
    return reader->has;
}

/* Over entries of the same key and number, which most are, up to the last one before `rid`. */
static void run_over(struct block_reader *reader, uint64_t rid) {
    const uint8_t *at = reader->at, *end = reader->end;
    uint64_t here = reader->rid;
    uint32_t left = reader->left;
    while (left > 0 && end - at >= 2 && (at[0] & (FLAG_KEY | FLAG_SEQ)) == 0) {
        bool is_short = at[0] < 0x80;
        if (!is_short && at[1] >= 0x80) {
            break;
        }
        uint64_t next = here + (is_short ? at[0] >> FLAG_BITS : ((at[0] & 0x7fU) | (unsigned)at[1] << 7) >> FLAG_BITS);
        if (next >= rid) {
            break;
        }
        here = next;
        at += is_short ? 1 : 2;
        left--;
    }
    reader->same_key = reader->same_key || reader->left != left;
    reader->at = at;
    reader->rid = here;
    reader->left = left;
}

bool block_reader_seek(struct block_reader *reader, struct text key, uint64_t rid) {
    bool more = reader->has || block_reader_next(reader);
    int order = more ? text_compare(block_reader_key(reader), key) : 0;
    while (more && (order < 0 || (order == 0 && reader->rid < rid))) {
        run_over(reader, order < 0 ? UINT64_MAX : rid);
        more = block_reader_next(reader);
        if (more && !reader->same_key) {
            order = text_compare(block_reader_key(reader), key);
        }
    }
    return more;
}

uint64_t block_reader_count(bool *more_out, struct block_reader *reader, struct text key) {
    uint64_t count = 0;
    bool any = block_reader_seek(reader, key, 0), under = any && text_equal(block_reader_key(reader), key);
    while (under) {
        count++;
        any = block_reader_next(reader);
        under = any && reader->same_key;
    }
    *more_out = !any;
    return count;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

void block_writer_open(struct block_writer *writer, uint8_t *at) {
    writer->at = at;
    writer->size = BLOCK_HEAD;
    writer->count = 0;
    writer->key_size = 0;
    writer->rid = writer->seq = 0;
}

static void key_put(struct block_writer *writer, struct text key) {
    size_t shared = 0, less = writer->key_size < key.size ? writer->key_size : key.size;
    while (shared < less && writer->key[shared] == (uint8_t)key.at[shared]) {
        shared++;
    }
    size_t more = key.size - shared;
    uint8_t *at = writer->at + writer->size;
    *at++ = (uint8_t)((shared < HALF ? shared : HALF) << 4 | (more < HALF ? more : HALF));
    if (shared >= HALF) {
        *at++ = (uint8_t)shared;
    }
    if (more >= HALF) {
        *at++ = (uint8_t)more;
    }
    if (more > 0) {
        memcpy(at, key.at + shared, more);
        memcpy(writer->key + shared, key.at + shared, more);
    }
    writer->size = (size_t)(at + more - writer->at);
    writer->key_size = (uint8_t)key.size;
}

void block_writer_add(struct block_writer *writer, struct text key, uint64_t rid, uint64_t seq) {
    invariant(key.size <= BLOCK_KEY_MAX && writer->count < UINT16_MAX);
    bool other = writer->count == 0 || key.size != writer->key_size ||
                 (key.size > 0 && memcmp(key.at, writer->key, key.size) != 0);
    uint64_t distance = other ? zigzag(rid - writer->rid) : rid - writer->rid;
    unsigned flags = (other ? FLAG_KEY : 0U) | (seq != writer->seq ? FLAG_SEQ : 0U);
    writer->size += number_put(writer->at + writer->size, distance << FLAG_BITS | flags);
    if (other) {
        key_put(writer, key);
    }
    if (seq != writer->seq) {
        writer->size += number_put(writer->at + writer->size, zigzag(seq - writer->seq));
    }
    writer->rid = rid;
    writer->seq = seq;
    writer->count++;
}

/* Whether the entry that the reader stands on lies before (key, rid); every one does where key is NULL. */
static bool is_before(int *order, const struct block_reader *reader, const struct text *key, uint64_t rid) {
    if (key != NULL && !reader->same_key) {
        *order = text_compare(block_reader_key(reader), *key);
    }
    return *order < 0 || (*order == 0 && reader->rid < rid);
}

/* The first entry of a run is written anew, since it says what differs from the one before; those behind it of the same number are
 * copied as they are. */
static void take_run(int *order, struct block_writer *writer, struct block_reader *reader, const struct text *key,
    uint64_t rid, uint64_t horizon) {
    uint64_t seq = reader->seq;
    block_writer_add(writer, block_reader_key(reader), reader->rid, seq <= horizon ? 0 : seq);
    const uint8_t *from = reader->at, *to = from;
    bool goes_on = true;
    while (goes_on && block_reader_next(reader)) {
        goes_on = is_before(order, reader, key, rid) && reader->seq == seq;
        if (goes_on) {
            to = reader->at;
            writer->count++;
            writer->rid = reader->rid;
            if (!reader->same_key) {
                memcpy(writer->key, reader->key, reader->key_size);
                writer->key_size = reader->key_size;
            }
        }
    }
    memcpy(writer->at + writer->size, from, (size_t)(to - from));
    writer->size += (size_t)(to - from);
}

void block_writer_take(
    struct block_writer *writer, struct block_reader *reader, const struct text *key, uint64_t rid, uint64_t horizon) {
    int order = key == NULL || !reader->has ? -1 : text_compare(block_reader_key(reader), *key);
    while (reader->has && (order < 0 || (order == 0 && reader->rid < rid))) {
        take_run(&order, writer, reader, key, rid, horizon);
    }
}

struct text block_writer_bytes(struct block_writer *writer) {
    writer->at[0] = (uint8_t)(writer->count >> 8);
    writer->at[1] = (uint8_t)writer->count;
    return (struct text){(const char *)writer->at, writer->size};
}
