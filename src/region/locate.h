/* locate: the line of a JSON file on which an element stands, for faults. Private to region. */
#ifndef SOYANG_REGION_LOCATE_H
#define SOYANG_REGION_LOCATE_H

#include "base/base.h"

/* `path` like "places[3].treats[0].need". `source` is valid JSON. The line of the deepest element that exists. */
int locate_line(struct text source, const char *path);

#endif
