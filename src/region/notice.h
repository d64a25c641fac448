/* notice: a place's word that it cannot take a need for a time, as a group of its board. Private to region.
 *
 * The group's code is the need's, of SYSTEM_NOTICE; its one population has the count `refuses` 1 and the extension EXTENSION_NOTICE (from,
 * until, words), so that whoever writes a board anew and keeps its populations keeps notices too. Age and author are the group's `said`. */
#ifndef SOYANG_REGION_NOTICE_H
#define SOYANG_REGION_NOTICE_H

#include "region/region.h"
#include "region/said.h"

struct notice {
    struct text need, words; /* words: the place's own; none */
    int64_t from_us, until_us;
};
bool notice_is(const yyjson_val *group);
/* False: it is none, or broken. */
bool notice_read(struct notice *out, const yyjson_val *group);
void notice_write(struct json_writer *w, const struct notice *notice, const struct said *said);
void notice_keep(
    struct region_place *place, const struct region_snapshot *snapshot, const yyjson_val *group, struct arena *arena);
/* Notices of the version before go when it goes. */
void notice_copy(struct region_place *place, struct arena *arena);

#endif
