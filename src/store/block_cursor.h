/* block_cursor: entries of one lane from the tables `fence` and `block`, in order.
 *
 * A fence (lane, key, rid) lies at or before the first entry of its block and behind all entries of the block before. A lane's
 * first fence is the empty key and rid 0. So the entry at a place, if there is one, is in the block of the last fence at or
 * before it.
 *
 * A cursor holds a copy of one block and no statement. It is right as long as the connection's snapshot stands. */
#ifndef SOYANG_STORE_BLOCK_CURSOR_H
#define SOYANG_STORE_BLOCK_CURSOR_H

#include "store/block.h"
#include "store/statement.h"

struct fence {
    uint64_t rid;
    uint8_t key_size;
    uint8_t key[BLOCK_KEY_MAX];
};
static inline struct text fence_key(const struct fence *fence) {
    return (struct text){(const char *)fence->key, fence->key_size};
}

struct block_cursor {
    struct block_cursor *next_free;
    uint32_t lane;
    bool loaded;
    struct fence fence; /* of the block that it holds */
    struct block_reader reader;
    size_t size, capacity;
    uint8_t *bytes; /* the arena's */
};
/* A block's bytes, before its first entry; there is room for them. */
void block_cursor_fill(struct block_cursor *cursor, struct text bytes);

/* A block of a lane by a place, into the cursor, before its first entry. `loaded` stays false where the lane has none. */
enum block_side {
    BLOCK_AT,     /* where the place's entry is, or would be */
    BLOCK_BELOW,  /* of the last fence before the place */
    BLOCK_BEHIND, /* of the first fence behind the place */
};
enum status block_load(struct block_cursor *cursor, struct connection *connection, enum block_side side, uint32_t lane,
    struct text key, uint64_t rid, struct scope *scope);

/* To the first entry at or behind (key, rid): anywhere, or, with CURSOR_ONWARD, not before where it stands. */
enum cursor_move { CURSOR_ANYWHERE, CURSOR_ONWARD };
enum status block_cursor_seek(struct block_cursor *cursor, struct connection *connection, enum cursor_move move,
    uint32_t lane, struct text key, uint64_t rid, struct scope *scope);
enum status block_cursor_next(struct block_cursor *cursor, struct connection *connection, struct scope *scope);
static inline bool block_cursor_has(const struct block_cursor *cursor) {
    return cursor->loaded && cursor->reader.has;
}
/* The least rid under a key, read where the block lies; 0: there is none. */
enum status block_first_rid(
    uint64_t *out, struct connection *connection, uint32_t lane, struct text key, struct scope *scope);

#endif
