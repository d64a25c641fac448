/* table: which files a region is made of, what their columns must hold. Private to region. */
#ifndef SOYANG_REGION_TABLE_H
#define SOYANG_REGION_TABLE_H

#include "region/csv.h"
#include "region/region.h"

enum table {
    TABLE_PLACES,
    TABLE_POSTS,
    TABLE_DISTRICTS,
    TABLE_SIGUNGU,
    TABLE_NEIGHBOURS,
    TABLE_WARDS,
    TABLE_CONDITIONS,
    TABLE_NEEDS_OWN,
    TABLE_BEDS,
    TABLE_EQUIPMENT,
    TABLE_REASONS,
    TABLE_TIERS,
    TABLE_KINDS,
    TABLE_DEPARTMENTS,
    TABLE_STATES,
    TABLE_COUNT
};
const char *table_name(enum table table); /* key in region.json: "needs-own" */

/* What a region.json section holds the file of a table, and where that lies. */
enum table_section { SECTION_FILES, SECTION_ASSUMED, SECTION_COUNTRY };
const char *table_section_name(enum table_section section); /* "assumed_files" */
enum table_section table_section_of(enum table table);

struct region_box {
    double south, west, north, east;
};
bool region_box_holds(const struct region_box *box, double latitude, double longitude);

/* What the checks look things up in. */
struct table_context {
    const struct csv *tables;  /* [TABLE_COUNT]; file NULL where not loaded */
    const yyjson_val *sources; /* region.json's */
    struct region_box bounds, neighbour_bounds;
};
/* Checks one table cell by cell and says every fault; STATUS_INVALID when there was one. */
MUST_CHECK enum status table_check(enum table table, const struct table_context *context, struct scope *scope);

/* National designations by their code in tiers.csv; REGION_TIER_NONE when unknown. */
enum region_tier table_tier(struct text code);
const char *table_tier_code(enum region_tier tier); /* NULL for none */

#endif
