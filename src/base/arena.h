/* arena: what the other files of base need of it beyond base.h. */
#ifndef SOYANG_BASE_ARENA_H
#define SOYANG_BASE_ARENA_H

#include "base/base.h"

#include <setjmp.h>

/* Where allocation leaves to when memory is gone; on the stack of scope_run. */
struct arena_escape {
    struct arena_escape *outer;
    struct arena_deferred *deferred; /* what was registered before: stays open */
    enum status status;              /* why it was taken */
    jmp_buf jump;
};

void arena_escape_push(struct arena *arena, struct arena_escape *escape);
void arena_escape_pop(struct arena *arena, struct arena_escape *escape);
/* Closes what was registered since the escape was pushed. */
void arena_escape_close_deferred(struct arena *arena, const struct arena_escape *escape);

/* Like arena_alloc and arena_resize, but what is new is not zeroed. */
void *arena_take(struct arena *arena, size_t size);
void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size);

/* For what must be said when memory is gone: may use a small reserve past the limit; NULL instead of leaving. */
void *arena_take_reserve(struct arena *arena, size_t size);
/* One issue that is always there, so that running out can be reported without allocating. */
struct issue *arena_last_issue(struct arena *arena);

#endif
