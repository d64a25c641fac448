/* memtable: index events that are not in the main table yet, in sorted generations.
 *
 * An event says that from a sequence number on a resource has (MEM_ADDED) or has no longer (MEM_ENDED) a row
 * (lane, key). Events of one (lane, key, rid) alternate and sort by sequence number, so the last one at or before a view's
 * number decides.
 *
 * Threads. One writer; any number of readers without a lock. Nodes are never moved or freed before their generation is;
 * a generation is counted by its users. An event that was undone stays, marked dead. */
#ifndef SOYANG_STORE_MEMTABLE_H
#define SOYANG_STORE_MEMTABLE_H

#include "base/base.h"

#include <stdatomic.h>

enum mem_kind { MEM_ADDED = 1, MEM_ENDED = 2 };
enum { MEM_LEVELS = 16 };

/* Its links lie before it, that of the lowest level last, so that what a search looks at is together. */
struct mem_node {
    uint64_t rid, seq;
    uint64_t prefix; /* the key's first bytes as a number that sorts as they do */
    uint32_t lane;
    uint8_t key_size, kind, levels;
    _Atomic uint8_t dead;
    char key[];
};
struct text mem_node_key(const struct mem_node *node);

/* (lane, key, rid): where a walk or a merge stands. */
struct row_place {
    uint32_t lane;
    struct text key;
    uint64_t rid;
};
int row_place_compare(const struct row_place *a, const struct row_place *b);
struct row_place mem_node_place(const struct mem_node *node);

struct mem_generation;
/* `from_seq` numbers it: the least sequence number that it may hold. NULL: no memory. */
struct mem_generation *mem_generation_open(uint64_t from_seq, uint64_t from_rid);
void mem_generation_hold(struct mem_generation *generation);
void mem_generation_drop(struct mem_generation *generation); /* accepts NULL; frees it after the last user */
uint64_t mem_generation_from(const struct mem_generation *generation);
uint64_t mem_generation_from_rid(const struct mem_generation *generation);
size_t mem_generation_count(const struct mem_generation *generation); /* events, dead ones too */

/* NULL: no memory. */
struct mem_node *mem_generation_add(
    struct mem_generation *generation, const struct row_place *place, uint64_t seq, enum mem_kind kind);
/* Many at once, of one sequence number: their searches take turns, so that the memory of one is fetched while another goes on.
 * Returns how many were added, from the first on; fewer than `count`: no memory. */
struct mem_event {
    struct row_place place;
    enum mem_kind kind;
};
enum { MEM_BATCH = 32 };
size_t mem_generation_add_all(struct mem_node *out[static MEM_BATCH], struct mem_generation *generation,
    const struct mem_event events[static MEM_BATCH], size_t count, uint64_t seq);
/* The first node at or behind `place` (any sequence number); NULL: none. */
struct mem_node *mem_generation_seek(const struct mem_generation *generation, const struct row_place *place);
/* The last node before `place`; NULL: none. */
struct mem_node *mem_generation_seek_before(const struct mem_generation *generation, const struct row_place *place);
struct mem_node *mem_node_next(const struct mem_node *node);
bool mem_node_alive(const struct mem_node *node);
void mem_node_kill(struct mem_node *node);

#endif
