/* reader: the second reader's part of the file of readings, and its likelihoods. Private to region. */
#ifndef SOYANG_REGION_READER_H
#define SOYANG_REGION_READER_H

#include "region/region.h"

/* The member "reader" of the file: none, or an empty one, is a region without a second reader. Conditions are read before. */
MUST_CHECK enum status reader_read(struct region_readings *out, const yyjson_val *root, struct scope *scope);
/* How likely the second reader says what it said, by the condition in truth; 1 where it said nothing. */
void reader_likelihood(
    double out[REGION_CONDITIONS_MAX], const struct region_readings *readings, const struct region_seen *seen);

#endif
