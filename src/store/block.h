/* block: a run of index entries, (key, rid) with the sequence number since which it holds, as bytes.
 *
 * A block belongs to one lane; its entries are in the order of (key, rid), without doubles. Its bytes:
 *
 *      count of entries, 2 bytes big-endian
 *      for each entry:
 *          varint   (distance of its rid) * 4 + FLAG_KEY (it has another key than the entry before) + FLAG_SEQ (other sequence number)
 *          FLAG_KEY: one byte of two halves, the bytes it shares with the key before and those that follow; a half of 15 says
 *                    that the number stands in a byte of its own behind; then the bytes that follow
 *          FLAG_SEQ: varint of the distance of its sequence number
 *
 * The distance of a rid is from the entry before: as it is where the key is the same, zigzag where it is not; that of a sequence
 * number is zigzag always. Before the first entry stand an empty key, rid 0 and sequence number 0, and it always has FLAG_KEY.
 *
 * Whatever the bytes are, reading them stays inside them and ends; what cannot be right is `damaged`. */
#ifndef SOYANG_STORE_BLOCK_H
#define SOYANG_STORE_BLOCK_H

#include "base/base.h"

enum {
    BLOCK_HEAD = 2,
    BLOCK_KEY_MAX = UINT8_MAX,
    BLOCK_ENTRY_MAX = 10 + 3 + BLOCK_KEY_MAX + 10, /* bytes that an entry takes at most */
    BLOCK_MOST = 1900,                             /* a block of more bytes is cut */
    BLOCK_LEAST = 400,                             /* one that shrinks below is joined with the next */
};

/* Invariant: while `has`, `key`, `rid` and `seq` are of the entry that it stands on, and `same_key` says whether that has the key of
 * the entry before. */
struct block_reader {
    const uint8_t *at, *end;
    uint32_t left; /* entries behind the one that it stands on */
    bool has, same_key, damaged;
    uint8_t key_size;
    uint64_t rid, seq;
    uint8_t key[BLOCK_KEY_MAX];
};
/* Stands before the first entry. The bytes stay the caller's. */
void block_reader_open(struct block_reader *reader, struct text bytes);
/* To the next entry; false at the end and where the bytes are damaged. */
bool block_reader_next(struct block_reader *reader);
/* To the first entry at or behind (key, rid); stays where it is when it stands there. */
bool block_reader_seek(struct block_reader *reader, struct text key, uint64_t rid);
/* From before the block's first entry: how many are under the key. *more_out: the block ends before one that lies behind it. */
uint64_t block_reader_count(bool *more_out, struct block_reader *reader, struct text key);
static inline struct text block_reader_key(const struct block_reader *reader) {
    return (struct text){(const char *)reader->key, reader->key_size};
}
/* Entries that it says it has. */
uint32_t block_count(struct text bytes);

struct block_writer {
    uint8_t *at;
    size_t size;
    uint32_t count;
    uint8_t key_size;
    uint64_t rid, seq;
    uint8_t key[BLOCK_KEY_MAX];
};
/* `at` has room for BLOCK_HEAD and BLOCK_ENTRY_MAX for each entry. */
void block_writer_open(struct block_writer *writer, uint8_t *at);
/* Behind all entries so far. */
void block_writer_add(struct block_writer *writer, struct text key, uint64_t rid, uint64_t seq);
/* The reader's entries from the one that it stands on up to the first at or behind (key, rid), or all where key is NULL; their
 * numbers at or below `horizon` become 0. Most are copied without being made anew. They lie behind all entries so far. */
void block_writer_take(
    struct block_writer *writer, struct block_reader *reader, const struct text *key, uint64_t rid, uint64_t horizon);
/* The bytes so far. */
struct text block_writer_bytes(struct block_writer *writer);

#endif
