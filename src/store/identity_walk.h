/* identity_walk: the identities of one type in the order of their ids as texts, which is not that of their packed form: UUIDs and
 * other ids lie apart there and are merged here. Identities that are only mentioned are among them. */
#ifndef SOYANG_STORE_IDENTITY_WALK_H
#define SOYANG_STORE_IDENTITY_WALK_H

#include "store/walk.h"

enum walk_direction { WALK_UP, WALK_DOWN };

struct identity_walk;
/* Starts at the id `from`, or as near to it as there is one; none: at the end that the direction begins with. */
struct identity_walk *identity_walk_open(
    struct search_run *run, uint16_t type, struct text from, enum walk_direction direction);
void identity_walk_close(struct identity_walk *walk);
/* The id is valid until the next call. */
bool identity_walk_next(struct text *id_out, uint64_t *rid_out, struct identity_walk *walk);

/* The least packed UUID whose text is not below `id`; false: none is. */
bool uuid_from(uint8_t out[static 16], struct text id);

#endif
