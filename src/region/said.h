/* said: the age and author of one count, written into its group. Private to region. */
#ifndef SOYANG_REGION_SAID_H
#define SOYANG_REGION_SAID_H

#include "base/base.h"

#define DEVICE_MLLP "Device/mllp"
#define DEVICE_NATIONAL "Device/national-board"

struct said {
    struct text at, by, basis; /* instants; by: a reference */
};
/* A group's own, else the report's date and reporter. */
struct said said_of(const yyjson_val *report, const yyjson_val *group);
void said_write(struct json_writer *w, const struct said *said); /* the member `extension` of a group */

#endif
