#include "base/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
enum { RED_ZONE = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
enum { RED_ZONE = 0 };
#endif

enum {
    ALIGNMENT = 16,
    CHUNK_FIRST = 32 * 1024,
    CHUNK_MAX = 4 * 1024 * 1024,
    CHUNK_HUGE = 4 * 1024 * 1024, /* from here on in pages of 2 MB, where the system has them: a fault is dear */
    FAULT_RESERVE = 64 * 1024,    /* FAULT_ISSUES_MAX issues with their texts fit */
};

struct chunk {
    struct chunk *next;
    size_t capacity, used;
    _Alignas(ALIGNMENT) unsigned char at[];
};

struct arena_deferred {
    struct arena_deferred *next;
    void (*close)(void *);
    void *object;
};

/* Invariants: `chunks` is never empty and its last element is the first chunk ever made; an object that would take a
 * quarter of the next chunk has a chunk of its own in `large`, newest first, so that it can grow by realloc; `used`
 * counts rounded sizes handed out and passes `limit` only by FAULT_RESERVE. */
struct arena {
    struct chunk *chunks, *large;
    struct arena_escape *escape;
    struct arena_deferred *deferred;
    size_t limit, used, chunk_size;
    struct issue last_issue;
};

static size_t rounded(size_t size) {
    return size == 0 ? ALIGNMENT : (size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
}

/* A wish: where it is not granted nothing is lost. */
static void ask_for_huge_pages(struct chunk *chunk) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)chunk + page - 1) & ~(page - 1),
              to = ((uintptr_t)chunk->at + chunk->capacity) & ~(page - 1);
    if (to > from) {
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
    }
}

static struct chunk *chunk_open(size_t capacity) {
    struct chunk *chunk = malloc(sizeof *chunk + capacity);
    if (chunk == NULL) {
        return NULL;
    }
    *chunk = (struct chunk){.capacity = capacity};
    if (capacity >= CHUNK_HUGE) {
        ask_for_huge_pages(chunk);
    }
    return chunk;
}

struct arena *arena_open(size_t limit_bytes) {
    struct arena *arena = malloc(sizeof *arena);
    struct chunk *chunk = chunk_open(CHUNK_FIRST);
    if (arena == NULL || chunk == NULL) {
        free(arena);
        free(chunk);
        return NULL;
    }
    ASAN_POISON_MEMORY_REGION(chunk->at, chunk->capacity);
    *arena = (struct arena){.chunks = chunk, .limit = limit_bytes, .chunk_size = CHUNK_FIRST};
    return arena;
}

static void close_deferred_until(struct arena *arena, const struct arena_deferred *end) {
    while (arena->deferred != end) {
        struct arena_deferred *deferred = arena->deferred;
        arena->deferred = deferred->next;
        deferred->close(deferred->object);
    }
}

static void free_chunks_until(struct chunk *chunk, const struct chunk *end) {
    while (chunk != end) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

static struct chunk *first_chunk(const struct arena *arena) {
    struct chunk *chunk = arena->chunks;
    while (chunk->next != NULL) {
        chunk = chunk->next;
    }
    return chunk;
}

void arena_close(struct arena *arena) {
    if (arena == NULL) {
        return;
    }
    close_deferred_until(arena, NULL);
    free_chunks_until(arena->large, NULL);
    free_chunks_until(arena->chunks, NULL);
    free(arena);
}

void arena_reset(struct arena *arena) {
    close_deferred_until(arena, NULL);
    struct chunk *first = first_chunk(arena);
    free_chunks_until(arena->large, NULL);
    free_chunks_until(arena->chunks, first);
    first->used = 0;
    ASAN_POISON_MEMORY_REGION(first->at, first->capacity);
    arena->chunks = first;
    arena->large = NULL;
    arena->used = 0;
    arena->chunk_size = CHUNK_FIRST;
    arena->last_issue = (struct issue){0};
}

size_t arena_used(const struct arena *arena) {
    return arena->used;
}

/* ---- taking ----------------------------------------------------------------------------------------------------- */

/* STATUS_OK when `more` bytes may still be charged. */
static enum status charge(struct arena *arena, size_t more, size_t limit) {
    if (arena->used > limit || more > limit - arena->used) {
        return STATUS_TOO_COSTLY;
    }
    arena->used += more;
    return STATUS_OK;
}

static void *take_large(struct arena *arena, size_t need) {
    struct chunk *chunk = chunk_open(need);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->used = need;
    chunk->next = arena->large;
    arena->large = chunk;
    return chunk->at;
}

static bool add_chunk(struct arena *arena) {
    size_t capacity = arena->chunk_size >= CHUNK_MAX ? CHUNK_MAX : arena->chunk_size * 2;
    struct chunk *chunk = chunk_open(capacity);
    if (chunk == NULL) {
        return false;
    }
    ASAN_POISON_MEMORY_REGION(chunk->at, chunk->capacity);
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->chunk_size = capacity;
    return true;
}

static enum status take(void **out, struct arena *arena, size_t size, size_t limit) {
    if (size > SIZE_MAX / 4) {
        return STATUS_TOO_COSTLY;
    }
    size_t need = rounded(size);
    enum status status = charge(arena, need, limit);
    if (status != STATUS_OK) {
        return status;
    }
    struct chunk *chunk = arena->chunks;
    if (need + RED_ZONE > chunk->capacity - chunk->used) {
        if (need >= arena->chunk_size / 4) {
            *out = take_large(arena, need);
            goto end;
        }
        if (!add_chunk(arena)) {
            *out = NULL;
            goto end;
        }
        chunk = arena->chunks;
    }
    *out = chunk->at + chunk->used;
    chunk->used += need + RED_ZONE;
    ASAN_UNPOISON_MEMORY_REGION(*out, size);
end:
    if (*out == NULL) {
        arena->used -= need;
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

static _Noreturn void leave(struct arena *arena, enum status status) {
    struct arena_escape *escape = arena->escape;
    if (escape == NULL) {
        invariant_broken(__FILE__, __LINE__,
            status == STATUS_TOO_COSTLY ? "an arena's limit was passed outside scope_run"
                                        : "the system's memory ran out outside scope_run");
    }
    escape->status = status;
    longjmp(escape->jump, 1);
}

void *arena_take(struct arena *arena, size_t size) {
    void *at = NULL;
    enum status status = take(&at, arena, size, arena->limit);
    if (status != STATUS_OK) {
        leave(arena, status);
    }
    return at;
}

void *arena_take_reserve(struct arena *arena, size_t size) {
    void *at = NULL;
    size_t limit = arena->limit > SIZE_MAX - FAULT_RESERVE ? SIZE_MAX : arena->limit + FAULT_RESERVE;
    return take(&at, arena, size, limit) == STATUS_OK ? at : NULL;
}

struct issue *arena_last_issue(struct arena *arena) {
    return &arena->last_issue;
}

void *arena_alloc(struct arena *arena, size_t size) {
    void *at = arena_take(arena, size);
    memset(at, 0, size);
    return at;
}

void *arena_bytes(struct arena *arena, size_t size) {
    return arena_take(arena, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        leave(arena, STATUS_TOO_COSTLY);
    }
    return arena_alloc(arena, bytes);
}

/* ---- growing ---------------------------------------------------------------------------------------------------- */

/* True when `old` was the last object of the newest chunk and there is room behind it. */
static bool grow_last(struct arena *arena, unsigned char *old, size_t old_size, size_t new_size) {
    struct chunk *chunk = arena->chunks;
    size_t more = rounded(new_size) - rounded(old_size);
    if (old + rounded(old_size) + RED_ZONE != chunk->at + chunk->used || more > chunk->capacity - chunk->used) {
        return false;
    }
    enum status status = charge(arena, more, arena->limit);
    if (status != STATUS_OK) {
        leave(arena, status);
    }
    chunk->used += more;
    ASAN_UNPOISON_MEMORY_REGION(old, new_size);
    return true;
}

static void *grow_large(struct arena *arena, size_t new_size) {
    struct chunk *chunk = arena->large;
    size_t need = rounded(new_size);
    size_t more = need - chunk->capacity;
    enum status status = charge(arena, more, arena->limit);
    if (status != STATUS_OK) {
        leave(arena, status);
    }
    struct chunk *grown = realloc(chunk, sizeof *chunk + need);
    if (grown == NULL) {
        arena->used -= more;
        leave(arena, STATUS_UNAVAILABLE);
    }
    grown->capacity = need;
    grown->used = need;
    arena->large = grown;
    return grown->at;
}

void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size) {
    if (old == NULL) {
        return arena_take(arena, new_size);
    }
    if (new_size <= rounded(old_size)) {
        ASAN_UNPOISON_MEMORY_REGION(old, new_size);
        return old;
    }
    if (new_size > SIZE_MAX / 4) {
        leave(arena, STATUS_TOO_COSTLY);
    }
    if (arena->large != NULL && old == arena->large->at) {
        return new_size <= arena->large->capacity ? old : grow_large(arena, new_size);
    }
    if (grow_last(arena, old, old_size, new_size)) {
        return old;
    }
    void *at = arena_take(arena, new_size);
    memcpy(at, old, old_size);
    return at;
}

void *arena_resize(struct arena *arena, void *old, size_t old_size, size_t new_size) {
    unsigned char *at = arena_grow(arena, old, old_size, new_size);
    size_t kept = old == NULL ? 0 : old_size;
    if (new_size > kept) {
        memset(at + kept, 0, new_size - kept);
    }
    return at;
}

/* ---- leaving ---------------------------------------------------------------------------------------------------- */

void arena_defer(struct arena *arena, void (*close)(void *), void *object) {
    struct arena_deferred *deferred = NULL;
    void *at = NULL;
    enum status status = take(&at, arena, sizeof *deferred, arena->limit);
    if (status != STATUS_OK) {
        close(object); /* nobody else knows of it yet */
        leave(arena, status);
    }
    deferred = at;
    *deferred = (struct arena_deferred){.next = arena->deferred, .close = close, .object = object};
    arena->deferred = deferred;
}

void arena_escape_push(struct arena *arena, struct arena_escape *escape) {
    escape->outer = arena->escape;
    escape->deferred = arena->deferred;
    arena->escape = escape;
}

void arena_escape_pop(struct arena *arena, struct arena_escape *escape) {
    invariant(arena->escape == escape);
    arena->escape = escape->outer;
}

void arena_escape_close_deferred(struct arena *arena, const struct arena_escape *escape) {
    close_deferred_until(arena, escape->deferred);
}

/* ---- as yyjson's allocator -------------------------------------------------------------------------------------- */

static void *json_malloc(void *arena, size_t size) {
    return arena_take(arena, size);
}

static void *json_realloc(void *arena, void *old, size_t old_size, size_t size) {
    return size <= old_size ? old : arena_grow(arena, old, old_size, size);
}

static void json_free(void *arena, void *at) {
    (void)arena;
    (void)at;
}

yyjson_alc arena_json_allocator(struct arena *arena) {
    return (yyjson_alc){.malloc = json_malloc, .realloc = json_realloc, .free = json_free, .ctx = arena};
}
