/* volume: the book of one upload, compiled from the store, counted by those who hold it. */
#ifndef SOYANG_TERMINOLOGY_VOLUME_H
#define SOYANG_TERMINOLOGY_VOLUME_H

#include <stdatomic.h>

#include "terminology/shelf.h"

struct volume {
    struct arena *arena;
    const struct terminology_book *book;
    size_t bytes;
    atomic_uint holders;
};
/* Reads (kind, id) from the store and compiles it; held once. STATUS_NOT_FOUND without an issue when it is gone. */
MUST_CHECK enum status volume_open(
    struct volume **out, struct terminology *terminology, enum shelf_kind kind, const char *id, struct scope *scope);
void volume_release(void *volume);

#endif
