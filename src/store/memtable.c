/* A skip list a generation, its nodes in chunks that are freed together. */
#include "store/memtable.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK_SIZE = 256 * 1024 };

struct mem_chunk {
    struct mem_chunk *next;
    size_t used;
    _Alignas(8) unsigned char at[];
};

/* Invariants:
 * 1. Only the writer adds nodes; a node is filled before a release store links it, level 0 first.
 * 2. Nodes sort by (lane, key, rid, seq, order of adding).
 * 3. `users` counts the store and every open view; the chunks are freed with the last one. */
struct mem_generation {
    uint64_t from_seq, from_rid;
    _Atomic size_t users, count;
    uint64_t random;
    struct mem_chunk *chunks;
    struct mem_node *head;
};

struct text mem_node_key(const struct mem_node *node) {
    return (struct text){node->key, node->key_size};
}

struct row_place mem_node_place(const struct mem_node *node) {
    return (struct row_place){.lane = node->lane, .key = mem_node_key(node), .rid = node->rid};
}

static int key_compare(const char *a, size_t a_size, const char *b, size_t b_size) {
    size_t shorter = a_size < b_size ? a_size : b_size;
    int order = shorter == 0 ? 0 : memcmp(a, b, shorter);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

int row_place_compare(const struct row_place *a, const struct row_place *b) {
    if (a->lane != b->lane) {
        return a->lane < b->lane ? -1 : 1;
    }
    int order = key_compare(a->key.at, a->key.size, b->key.at, b->key.size);
    return order != 0 ? order : (a->rid > b->rid) - (a->rid < b->rid);
}

static uint64_t prefix_of(struct text key) {
    uint8_t bytes[8] = {0};
    uint64_t prefix = 0;
    if (key.size > 0) {
        memcpy(bytes, key.at, key.size < sizeof bytes ? key.size : sizeof bytes);
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        prefix = prefix << 8 | bytes[i];
    }
    return prefix;
}

static int node_compare(const struct mem_node *node, const struct row_place *place, uint64_t prefix) {
    if (node->lane != place->lane) {
        return node->lane < place->lane ? -1 : 1;
    }
    if (node->prefix != prefix) {
        return node->prefix < prefix ? -1 : 1;
    }
    int order = key_compare(node->key, node->key_size, place->key.at, place->key.size);
    return order != 0 ? order : (node->rid > place->rid) - (node->rid < place->rid);
}

typedef _Atomic(struct mem_node *) node_link;

static node_link *link_at(struct mem_node *node, int level) {
    return (node_link *)(void *)node - 1 - level;
}

static struct mem_node *link_follow(const struct mem_node *node, int level) {
    const node_link *link = (const node_link *)(const void *)node - 1 - level;
    return atomic_load_explicit(link, memory_order_acquire);
}

static void *chunk_take(struct mem_generation *generation, size_t size) {
    size = (size + 7) & ~(size_t)7;
    struct mem_chunk *chunk = generation->chunks;
    if (chunk == NULL || CHUNK_SIZE - sizeof *chunk - chunk->used < size) {
        chunk = mmap(NULL, CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
            0); /* goes back at once when freed */
        if (chunk == MAP_FAILED) {
            return NULL;
        }
        chunk->next = generation->chunks;
        generation->chunks = chunk;
    }
    void *at = chunk->at + chunk->used;
    chunk->used += size;
    return at;
}

static struct mem_node *node_new(struct mem_generation *generation, const struct row_place *place, int levels) {
    size_t links = (size_t)levels * sizeof(node_link);
    char *bytes = chunk_take(generation, links + sizeof(struct mem_node) + place->key.size);
    if (bytes == NULL) {
        return NULL;
    }
    struct mem_node *node = (struct mem_node *)(void *)(bytes + links);
    memset(bytes, 0, links + sizeof *node);
    node->lane = place->lane;
    node->rid = place->rid;
    node->prefix = prefix_of(place->key);
    node->levels = (uint8_t)levels;
    node->key_size = (uint8_t)place->key.size;
    if (place->key.size > 0) {
        memcpy(node->key, place->key.at, place->key.size);
    }
    return node;
}

struct mem_generation *mem_generation_open(uint64_t from_seq, uint64_t from_rid) {
    struct mem_generation *generation = calloc(1, sizeof *generation);
    if (generation == NULL) {
        return NULL;
    }
    *generation = (struct mem_generation){.from_seq = from_seq, .from_rid = from_rid, .random = 0x9E3779B97F4A7C15U};
    atomic_init(&generation->users, 1);
    atomic_init(&generation->count, 0);
    generation->head = node_new(generation, &(struct row_place){0}, MEM_LEVELS);
    if (generation->head == NULL) {
        free(generation);
        return NULL;
    }
    return generation;
}

void mem_generation_hold(struct mem_generation *generation) {
    atomic_fetch_add_explicit(&generation->users, 1, memory_order_relaxed);
}

void mem_generation_drop(struct mem_generation *generation) {
    if (generation == NULL || atomic_fetch_sub_explicit(&generation->users, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct mem_chunk *chunk = generation->chunks;
    while (chunk != NULL) {
        struct mem_chunk *next = chunk->next;
        munmap(chunk, CHUNK_SIZE);
        chunk = next;
    }
    free(generation);
}

uint64_t mem_generation_from(const struct mem_generation *generation) {
    return generation->from_seq;
}

uint64_t mem_generation_from_rid(const struct mem_generation *generation) {
    return generation->from_rid;
}

size_t mem_generation_count(const struct mem_generation *generation) {
    return atomic_load_explicit(&generation->count, memory_order_relaxed);
}

static int random_levels(struct mem_generation *generation) {
    generation->random ^= generation->random << 13;
    generation->random ^= generation->random >> 7;
    generation->random ^= generation->random << 17;
    int levels = 1;
    for (uint64_t bits = generation->random; (bits & 3) == 0 && levels < MEM_LEVELS; bits >>= 2) {
        levels++;
    }
    return levels;
}

/* Links a node behind all that sorts at or before it; `before` may be further to the front than that. */
static void link_in(struct mem_generation *generation, struct mem_node *node, const struct row_place *place,
    struct mem_node *const before[static MEM_LEVELS]) {
    for (int level = 0; level < node->levels; level++) {
        struct mem_node *at = before[level];
        struct mem_node *next = atomic_load_explicit(link_at(at, level), memory_order_relaxed);
        while (next != NULL) {
            int order = node_compare(next, place, node->prefix);
            if (order > 0 || (order == 0 && next->seq > node->seq)) {
                break;
            }
            at = next;
            next = atomic_load_explicit(link_at(at, level), memory_order_relaxed);
        }
        atomic_store_explicit(link_at(node, level), next, memory_order_relaxed);
        atomic_store_explicit(link_at(at, level), node, memory_order_release);
    }
    atomic_fetch_add_explicit(&generation->count, 1, memory_order_relaxed);
}

/* The way down to one place, a step at a time. `next` has been asked for when a step begins. */
struct descent {
    const struct row_place *place;
    uint64_t prefix;
    struct mem_node *at, *next, *known; /* known: behind the place, as a higher level has shown */
    int level;                          /* -1: there */
};

/* In before[level]: the last node there that sorts at or before (place, seq). */
static void descend(
    struct descent *descent, struct mem_node *before[static MEM_LEVELS], const struct mem_generation *generation) {
    *descent = (struct descent){.place = descent->place,
        .prefix = prefix_of(descent->place->key),
        .at = generation->head,
        .level = MEM_LEVELS - 1};
    descent->next = link_follow(descent->at, descent->level);
    for (; descent->next == NULL && descent->level > 0; descent->level--) { /* levels that nothing reaches */
        before[descent->level] = descent->at;
        descent->next = link_follow(descent->at, descent->level - 1);
    }
    __builtin_prefetch(descent->next);
}

static void descend_on(struct descent *descent, struct mem_node *before[static MEM_LEVELS], uint64_t seq) {
    struct mem_node *next = descent->next;
    int order = next == NULL || next == descent->known ? 1 : node_compare(next, descent->place, descent->prefix);
    if (order < 0 || (order == 0 && next->seq <= seq)) {
        descent->at = next;
        descent->next = link_follow(next, descent->level);
    } else {
        descent->known = next;
        do {
            before[descent->level--] = descent->at;
            descent->next = descent->level < 0 ? NULL : link_follow(descent->at, descent->level);
        } while (descent->level >= 0 && (descent->next == NULL || descent->next == descent->known));
    }
    __builtin_prefetch(descent->next);
}

size_t mem_generation_add_all(struct mem_node *out[static MEM_BATCH], struct mem_generation *generation,
    const struct mem_event events[static MEM_BATCH], size_t count, uint64_t seq) {
    struct mem_node *before[MEM_BATCH][MEM_LEVELS];
    struct descent descents[MEM_BATCH];
    invariant(count <= MEM_BATCH);
    for (size_t i = 0; i < count; i++) {
        descents[i].place = &events[i].place;
        descend(&descents[i], before[i], generation);
    }
    for (size_t going = count; going > 0;) {
        going = 0;
        for (size_t i = 0; i < count; i++) {
            if (descents[i].level >= 0) {
                descend_on(&descents[i], before[i], seq);
                going++;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        invariant(events[i].place.key.size <= UINT8_MAX);
        struct mem_node *node = node_new(generation, &events[i].place, random_levels(generation));
        if (node == NULL) {
            return i;
        }
        node->seq = seq;
        node->kind = (uint8_t)events[i].kind;
        link_in(generation, node, &events[i].place, before[i]);
        out[i] = node;
    }
    return count;
}

struct mem_node *mem_generation_add(
    struct mem_generation *generation, const struct row_place *place, uint64_t seq, enum mem_kind kind) {
    struct mem_event events[MEM_BATCH];
    struct mem_node *nodes[MEM_BATCH];
    events[0] = (struct mem_event){.place = *place, .kind = kind};
    return mem_generation_add_all(nodes, generation, events, 1, seq) == 1 ? nodes[0] : NULL;
}

/* The last node before (lane, key, rid), the head when there is none; in *behind the node that was found to follow it. Its link
 * must not be read again for that: a node that is linked meanwhile may lie before the place. */
static struct mem_node *last_before(
    struct mem_node **behind, const struct mem_generation *generation, const struct row_place *place) {
    struct mem_node *at = generation->head, *known = NULL;
    uint64_t prefix = prefix_of(place->key);
    for (int level = MEM_LEVELS - 1; level >= 0; level--) {
        struct mem_node *next = link_follow(at, level);
        while (next != NULL && next != known && node_compare(next, place, prefix) < 0) {
            at = next;
            next = link_follow(at, level);
        }
        known = next;
    }
    *behind = known;
    return at;
}

struct mem_node *mem_generation_seek(const struct mem_generation *generation, const struct row_place *place) {
    struct mem_node *behind;
    (void)last_before(&behind, generation, place);
    return behind;
}

struct mem_node *mem_generation_seek_before(const struct mem_generation *generation, const struct row_place *place) {
    struct mem_node *behind, *at = last_before(&behind, generation, place);
    return at == generation->head ? NULL : at;
}

struct mem_node *mem_node_next(const struct mem_node *node) {
    return link_follow(node, 0);
}

bool mem_node_alive(const struct mem_node *node) {
    return atomic_load_explicit(&node->dead, memory_order_relaxed) == 0;
}

void mem_node_kill(struct mem_node *node) {
    atomic_store_explicit(&node->dead, 1, memory_order_relaxed);
}
