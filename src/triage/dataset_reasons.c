#include "triage/dataset_reasons_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const profile_names[DATASET_REASON_PROFILES] = {
    "ambulance", "age", "news2", "unmeasured", "chronic", "shock-index", "spo2", "systolic", "respiration"};
static const char *const complaint_profile_names[DATASET_COMPLAINT_PROFILES] = {"ambulance", "age", "pulse", "systolic",
    "respiration", "spo2", "temperature", "admissions", "visits", "unmeasured"};

enum { FIFTH_DIGIT = 10, CODE_LEAST = 10000, CODE_MOST = 99999 };

static int profile_order(const void *key, const void *row) {
    int value = *(const int *)key, other = ((const struct profile_row *)row)->key;
    return (value > other) - (value < other);
}

static const struct profile_row *profile_find(int key) {
    return bsearch(&key, profiles, sizeof profiles / sizeof profiles[0], sizeof profiles[0], profile_order);
}

int dataset_reason_profile_find(struct text name) {
    for (int i = 0; i < DATASET_REASON_PROFILES; i++) {
        if (text_is(name, profile_names[i]))
            return i;
    }
    return -1;
}

double dataset_reason_profile(double code, int profile) {
    const struct profile_row *row = NULL;
    if (!(code >= CODE_LEAST && code <= CODE_MOST))
        return (double)NAN;
    for (int key = (int)code / FIFTH_DIGIT, level = 0; !row && level < 2; level++, key /= FIFTH_DIGIT)
        row = profile_find(key);
    return (row ? row : &profiles[0])->means[profile];
}

static int complaint_order(const void *name, const void *row) {
    return strcmp(name, ((const struct complaint_row *)row)->name);
}

int dataset_complaint_profile_find(struct text name) {
    for (int i = 0; i < DATASET_COMPLAINT_PROFILES; i++) {
        if (text_is(name, complaint_profile_names[i]))
            return i;
    }
    return -1;
}

const double *dataset_complaint_profile(const char *plain_name) {
    const struct complaint_row *row = bsearch(
        plain_name, complaints, sizeof complaints / sizeof complaints[0], sizeof complaints[0], complaint_order);
    return (row ? row : &complaints[0])->means;
}
