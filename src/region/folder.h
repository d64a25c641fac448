/* folder: a region's files, read and checked whole before anything is made of them. Private to region. */
#ifndef SOYANG_REGION_FOLDER_H
#define SOYANG_REGION_FOLDER_H

#include "region/assumptions.h"
#include "region/settings.h"

struct region_folder {
    struct document region, policy, outline, assumptions,
        readings; /* assumptions, readings: file NULL when not asked for; readings also where the region has none */
    struct settings settings;
    struct csv tables[TABLE_COUNT]; /* file NULL: not loaded */
    struct text table_sources[TABLE_COUNT];
    const yyjson_val **definitions; /* resources of the country's definitions folder, by file name */
    size_t definition_count;
};
/* Says all faults of all files (as many as a fault keeps) and returns STATUS_INVALID, or STATUS_NOT_FOUND for a missing file. */
MUST_CHECK enum status folder_read(
    struct region_folder *out, const char *path, enum region_assumptions assumptions, struct scope *scope);

#endif
