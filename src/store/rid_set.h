/* rid_set: a set of resources, one bit each, in pages that are made when they are needed. Rids are dense, so a million
 * takes 125 KB, and a handful next to nothing. */
#ifndef SOYANG_STORE_RID_SET_H
#define SOYANG_STORE_RID_SET_H

#include "base/base.h"

#define RID_NONE ((uint64_t)INT64_MAX) /* behind all rids */

enum { RID_PAGE_BITS = 4096, RID_PAGE_WORDS = RID_PAGE_BITS / 64 };

struct rid_set {
    struct arena *arena;
    uint64_t **pages; /* NULL: empty */
    uint64_t size;    /* rids below this fit */
    uint64_t page_count;
    uint64_t count;
};
struct rid_set *rid_set_open(struct arena *arena, uint64_t size);
void rid_set_add(struct rid_set *set, uint64_t rid);
void rid_set_remove(struct rid_set *set, uint64_t rid);
bool rid_set_has(const struct rid_set *set, uint64_t rid);
/* The first at or behind `rid`; RID_NONE: none. */
uint64_t rid_set_seek(const struct rid_set *set, uint64_t rid);
/* Both of one size. */
void rid_set_add_all(struct rid_set *set, const struct rid_set *other);
void rid_set_keep_all(struct rid_set *set, const struct rid_set *other);
void rid_set_remove_all(struct rid_set *set, const struct rid_set *other);

#endif
