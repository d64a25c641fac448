/* duty: people on call, and until when they are in theatre. Private to region.
 *
 * On call is a PractitionerRole with the code on-call; in theatre is an extension of its Practitioner, one for each person, and so
 * one for all places that share the person (docs/region.md). */
#ifndef SOYANG_REGION_DUTY_H
#define SOYANG_REGION_DUTY_H

#include "region/fetch.h"
#include "region/keeper.h"

/* Adds the duty to its place, in `arena`; one that is not active, says no need or has a period that cannot be read adds nothing.
 * `person` may be NULL. */
void duty_keep(struct region_place *place, const struct region_snapshot *snapshot, const yyjson_val *duty,
    const yyjson_val *person, struct arena *arena);
/* Duties of the version before go when it goes. */
void duty_copy(struct region_place *place, struct arena *arena);
bool duty_is_on_call(const yyjson_val *role); /* accepts NULL */

void duty_guard_register(struct region *region);

#endif
