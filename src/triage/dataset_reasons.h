/* dataset_reasons: the shape of the tables of what visits for a reason are like. Their rows are written by tools/triage/reasons.py
 * (dataset_reasons_table.h); what a column is stands beside the reader, in dataset_reasons.c, in the generator's order. */
#ifndef SOYANG_TRIAGE_DATASET_REASONS_H
#define SOYANG_TRIAGE_DATASET_REASONS_H

#include "triage/dataset.h"

enum { DATASET_REASON_PROFILES = 9 };

struct profile_row {
    int key; /* three or four digits of the code; 0: all */
    double means[DATASET_REASON_PROFILES];
};
struct complaint_row {
    const char *name; /* "": of all visits */
    double means[DATASET_COMPLAINT_PROFILES];
};

#endif
