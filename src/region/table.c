#include "region/table.h"

#include "fhir/fhir.h"

static const struct {
    const char *name;
    enum table_section section;
} files[TABLE_COUNT] = {
    [TABLE_PLACES] = {"places", SECTION_FILES},
    [TABLE_POSTS] = {"posts", SECTION_FILES},
    [TABLE_DISTRICTS] = {"districts", SECTION_FILES},
    [TABLE_SIGUNGU] = {"sigungu", SECTION_FILES},
    [TABLE_NEIGHBOURS] = {"neighbours", SECTION_ASSUMED},
    [TABLE_WARDS] = {"wards", SECTION_ASSUMED},
    [TABLE_CONDITIONS] = {"conditions", SECTION_COUNTRY},
    [TABLE_NEEDS_OWN] = {"needs-own", SECTION_COUNTRY},
    [TABLE_BEDS] = {"beds", SECTION_COUNTRY},
    [TABLE_EQUIPMENT] = {"equipment", SECTION_COUNTRY},
    [TABLE_REASONS] = {"reasons", SECTION_COUNTRY},
    [TABLE_TIERS] = {"tiers", SECTION_COUNTRY},
    [TABLE_KINDS] = {"kinds", SECTION_COUNTRY},
    [TABLE_DEPARTMENTS] = {"departments", SECTION_COUNTRY},
    [TABLE_STATES] = {"states", SECTION_COUNTRY},
};
static const char *const section_names[] = {"files", "assumed_files", "country_file_list"};

const char *table_name(enum table table) {
    return files[table].name;
}

enum table_section table_section_of(enum table table) {
    return files[table].section;
}

const char *table_section_name(enum table_section section) {
    return section_names[section];
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

enum cell_kind {
    CELL_TEXT,
    CELL_ID,     /* becomes a FHIR id, or a part of one */
    CELL_CODE,   /* a FHIR code: no blanks inside */
    CELL_NUMBER, /* 0 or more, decimals allowed */
    CELL_COUNT,  /* a whole number, 0 or more */
    CELL_LATITUDE,
    CELL_LONGITUDE,
    CELL_DATE,
    CELL_TIER,      /* a designation the program knows */
    CELL_SOURCE,    /* a key of region.json's sources */
    CELL_KNOWN,     /* stands in a column of another table */
    CELL_ALL_KNOWN, /* several of them, joined by ';' */
};
enum cell_need {
    MAY = 0,    /* the column may be missing */
    COLUMN = 1, /* the column must be there, a cell may be blank */
    FILLED = 3, /* every cell must say something */
    UNIQUE = 4, /* no two cells say the same */
};
struct cell_rule {
    enum table table;
    const char *column;
    enum cell_kind kind;
    int need;
    enum table known_table;
    const char *known_column;
};

static const struct cell_rule rules[] = {
    {TABLE_PLACES, "id", CELL_ID, FILLED | UNIQUE, 0, NULL},
    {TABLE_PLACES, "name_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_PLACES, "kind", CELL_KNOWN, FILLED, TABLE_KINDS, "code"},
    {TABLE_PLACES, "tier", CELL_KNOWN, MAY, TABLE_TIERS, "code"},
    {TABLE_PLACES, "hpid", CELL_CODE, UNIQUE, 0, NULL},
    {TABLE_PLACES, "sigungu", CELL_KNOWN, FILLED, TABLE_SIGUNGU, "name_ko"},
    {TABLE_PLACES, "lat", CELL_LATITUDE, FILLED, 0, NULL},
    {TABLE_PLACES, "lon", CELL_LONGITUDE, FILLED, 0, NULL},
    {TABLE_PLACES, "beds", CELL_COUNT, MAY, 0, NULL},
    {TABLE_PLACES, "staff", CELL_COUNT, MAY, 0, NULL},
    {TABLE_PLACES, "departments", CELL_ALL_KNOWN, MAY, TABLE_DEPARTMENTS, "code"},
    {TABLE_PLACES, "beds_as_of", CELL_DATE, MAY, 0, NULL},
    {TABLE_PLACES, "kind_source", CELL_SOURCE, FILLED, 0, NULL},
    {TABLE_PLACES, "tier_source", CELL_SOURCE, MAY, 0, NULL},
    {TABLE_PLACES, "address_source", CELL_SOURCE, MAY, 0, NULL},
    {TABLE_PLACES, "position_source", CELL_SOURCE, FILLED, 0, NULL},
    {TABLE_PLACES, "beds_source", CELL_SOURCE, MAY, 0, NULL},
    {TABLE_PLACES, "departments_source", CELL_SOURCE, MAY, 0, NULL},
    {TABLE_PLACES, "name_en_source", CELL_SOURCE, MAY, 0, NULL},
    {TABLE_POSTS, "id", CELL_ID, FILLED | UNIQUE, 0, NULL},
    {TABLE_POSTS, "name_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_POSTS, "kind", CELL_KNOWN, FILLED, TABLE_KINDS, "code"},
    {TABLE_POSTS, "sigungu", CELL_KNOWN, FILLED, TABLE_SIGUNGU, "name_ko"},
    {TABLE_POSTS, "district_code", CELL_KNOWN, FILLED, TABLE_DISTRICTS, "code"},
    {TABLE_POSTS, "lat", CELL_LATITUDE, FILLED, 0, NULL},
    {TABLE_POSTS, "lon", CELL_LONGITUDE, FILLED, 0, NULL},
    {TABLE_POSTS, "place", CELL_KNOWN, MAY, TABLE_PLACES, "id"},
    {TABLE_POSTS, "source", CELL_SOURCE, FILLED, 0, NULL},
    {TABLE_POSTS, "position_source", CELL_SOURCE, FILLED, 0, NULL},
    {TABLE_POSTS, "source_row", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "code", CELL_ID, FILLED | UNIQUE, 0, NULL},
    {TABLE_DISTRICTS, "name_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "sigungu", CELL_KNOWN, FILLED, TABLE_SIGUNGU, "name_ko"},
    {TABLE_DISTRICTS, "sigungu_code", CELL_KNOWN, FILLED, TABLE_SIGUNGU, "code"},
    {TABLE_DISTRICTS, "area_km2", CELL_NUMBER, MAY, 0, NULL},
    {TABLE_DISTRICTS, "lat", CELL_LATITUDE, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "lon", CELL_LONGITUDE, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "position_source", CELL_SOURCE, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "population", CELL_COUNT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "age_0_4", CELL_COUNT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "age_5_14", CELL_COUNT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "age_15_64", CELL_COUNT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "age_65_74", CELL_COUNT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "age_75_84", CELL_COUNT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "age_85_up", CELL_COUNT, FILLED, 0, NULL},
    {TABLE_DISTRICTS, "population_source", CELL_SOURCE, MAY, 0, NULL},
    {TABLE_DISTRICTS, "population_as_of", CELL_DATE, MAY, 0, NULL},
    {TABLE_SIGUNGU, "code", CELL_ID, FILLED | UNIQUE, 0, NULL},
    {TABLE_SIGUNGU, "name_ko", CELL_TEXT, FILLED | UNIQUE, 0, NULL},
    {TABLE_SIGUNGU, "kind", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_SIGUNGU, "lat", CELL_LATITUDE, FILLED, 0, NULL},
    {TABLE_SIGUNGU, "lon", CELL_LONGITUDE, FILLED, 0, NULL},
    {TABLE_NEIGHBOURS, "id", CELL_ID, FILLED | UNIQUE, 0, NULL},
    {TABLE_NEIGHBOURS, "name_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_NEIGHBOURS, "kind", CELL_KNOWN, FILLED, TABLE_KINDS, "code"},
    {TABLE_NEIGHBOURS, "tier", CELL_KNOWN, MAY, TABLE_TIERS, "code"},
    {TABLE_NEIGHBOURS, "hpid", CELL_CODE, UNIQUE, 0, NULL},
    {TABLE_NEIGHBOURS, "lat", CELL_LATITUDE, FILLED, 0, NULL},
    {TABLE_NEIGHBOURS, "lon", CELL_LONGITUDE, FILLED, 0, NULL},
    {TABLE_NEIGHBOURS, "beds", CELL_COUNT, MAY, 0, NULL},
    {TABLE_NEIGHBOURS, "departments", CELL_ALL_KNOWN, MAY, TABLE_DEPARTMENTS, "code"},
    {TABLE_NEIGHBOURS, "identity_source", CELL_SOURCE, FILLED, 0, NULL},
    {TABLE_NEIGHBOURS, "position_source", CELL_SOURCE, FILLED, 0, NULL},
    {TABLE_NEIGHBOURS, "note", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_WARDS, "id", CELL_ID, FILLED | UNIQUE, 0, NULL},
    {TABLE_WARDS, "place", CELL_KNOWN, FILLED, TABLE_PLACES, "id"},
    {TABLE_WARDS, "point_of_care", CELL_CODE, FILLED, 0, NULL},
    {TABLE_WARDS, "name_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_WARDS, "bed", CELL_KNOWN, MAY, TABLE_BEDS, "free"},
    {TABLE_CONDITIONS, "code", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_CONDITIONS, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_CONDITIONS, "display_en", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_CONDITIONS, "departments", CELL_ALL_KNOWN, MAY, TABLE_DEPARTMENTS, "code"},
    {TABLE_CONDITIONS, "age_from_y", CELL_COUNT, MAY, 0, NULL},
    {TABLE_CONDITIONS, "age_below_y", CELL_COUNT, MAY, 0, NULL},
    {TABLE_NEEDS_OWN, "code", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_NEEDS_OWN, "version", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_NEEDS_OWN, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_NEEDS_OWN, "display_en", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_NEEDS_OWN, "departments", CELL_ALL_KNOWN, MAY, TABLE_DEPARTMENTS, "code"},
    {TABLE_NEEDS_OWN, "beds", CELL_ALL_KNOWN, MAY, TABLE_BEDS, "free"},
    {TABLE_BEDS, "free", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_BEDS, "total", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_BEDS, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_BEDS, "display_en", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_EQUIPMENT, "code", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_EQUIPMENT, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_EQUIPMENT, "display_en", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_REASONS, "code", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_REASONS, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_REASONS, "display_en", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_TIERS, "code", CELL_TIER, FILLED | UNIQUE, 0, NULL},
    {TABLE_TIERS, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_TIERS, "display_en", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_KINDS, "code", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_KINDS, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_DEPARTMENTS, "code", CELL_CODE, FILLED | UNIQUE, 0, NULL},
    {TABLE_DEPARTMENTS, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_STATES, "code", CELL_CODE, COLUMN, 0, NULL},
    {TABLE_STATES, "origin", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_STATES, "display_ko", CELL_TEXT, FILLED, 0, NULL},
    {TABLE_STATES, "display_en", CELL_TEXT, FILLED, 0, NULL},
};

/* ---- designations ----------------------------------------------------------------------------------------------- */

/* The four designations of the Emergency Medical Service Act (응급의료에 관한 법률): the program compares their ranks. */
static const struct {
    const char *code, *ko, *en;
} tiers[] = {
    [REGION_TIER_NONE] = {NULL, "응급실 없음", "no emergency department"},
    [REGION_TIER_REPORTED] = {"reported", "응급실운영신고기관", "reported emergency room"},
    [REGION_TIER_INSTITUTION] = {"local-institution", "지역응급의료기관", "local emergency medical institution"},
    [REGION_TIER_LOCAL_CENTRE] = {"local-centre", "지역응급의료센터", "local emergency medical centre"},
    [REGION_TIER_REGIONAL_CENTRE] = {"regional-centre", "권역응급의료센터", "regional emergency medical centre"},
};

const char *region_tier_text(enum region_tier tier, const char *language) {
    return text_is(text_from(language), "ko") ? tiers[tier].ko : tiers[tier].en;
}

enum region_tier table_tier(struct text code) {
    for (int tier = REGION_TIER_REPORTED; tier <= REGION_TIER_REGIONAL_CENTRE; tier++) {
        if (text_is(code, tiers[tier].code)) {
            return (enum region_tier)tier;
        }
    }
    return REGION_TIER_NONE;
}

const char *table_tier_code(enum region_tier tier) {
    return tiers[tier].code;
}

/* ---- checks ----------------------------------------------------------------------------------------------------- */

bool region_box_holds(const struct region_box *box, double latitude, double longitude) {
    return latitude >= box->south && latitude <= box->north && longitude >= box->west && longitude <= box->east;
}

/* One cell under check. */
struct checked {
    const struct cell_rule *rule;
    const struct csv *table;
    const struct csv_row *row;
    struct text value;
    const struct table_context *context;
    struct scope *scope;
};

#define SAY(checked, ...)                                                                                              \
    csv_fault((checked)->scope, (checked)->table, (checked)->row->line, (checked)->rule->column, __VA_ARGS__)

static enum status check_id(const struct checked *c) {
    return fhir_id_is_valid(c->value) && c->value.size <= 40
               ? STATUS_OK
               : SAY(c, "may hold letters, digits, '-' and '.', at most 40 of them");
}

static enum status check_code(const struct checked *c) {
    return fhir_primitive_is_valid(fhir_type_find(TEXT("code")), c->value) ? STATUS_OK : SAY(c, "is no code");
}

static enum status check_number(const struct checked *c) {
    double number = 0;
    if (!text_to_double(&number, c->value)) {
        return SAY(c, "is not a number");
    }
    return number >= 0 ? STATUS_OK : SAY(c, "is negative");
}

static enum status check_count(const struct checked *c) {
    int64_t count = 0;
    if (!text_to_int64(&count, c->value)) {
        return SAY(c, "is not a whole number");
    }
    if (count < 0) {
        return SAY(c, "is negative");
    }
    return count <= 100000000 ? STATUS_OK : SAY(c, "is too large");
}

static enum status check_between(const struct checked *c, double low, double high) {
    double number = 0;
    if (!text_to_double(&number, c->value)) {
        return SAY(c, "is not a number");
    }
    return number >= low && number <= high ? STATUS_OK : SAY(c, "lies outside the region's box (%g to %g)", low, high);
}

static const struct region_box *box_of(const struct checked *c) {
    return c->rule->table == TABLE_NEIGHBOURS ? &c->context->neighbour_bounds : &c->context->bounds;
}

static enum status check_latitude(const struct checked *c) {
    return check_between(c, box_of(c)->south, box_of(c)->north);
}

static enum status check_longitude(const struct checked *c) {
    return check_between(c, box_of(c)->west, box_of(c)->east);
}

static enum status check_date(const struct checked *c) {
    return fhir_primitive_is_valid(fhir_type_find(TEXT("dateTime")), c->value) ? STATUS_OK : SAY(c, "is not a date");
}

static enum status check_tier(const struct checked *c) {
    return table_tier(c->value) != REGION_TIER_NONE ? STATUS_OK : SAY(c, "is no designation this program knows");
}

static enum status check_source(const struct checked *c) {
    return yyjson_obj_getn((yyjson_val *)c->context->sources, c->value.at, c->value.size) != NULL
               ? STATUS_OK
               : SAY(c, "is not among the sources of region.json");
}

static bool is_known(const struct checked *c, struct text value) {
    const struct csv *known = &c->context->tables[c->rule->known_table];
    return known->file != NULL && csv_find(known, c->rule->known_column, value) != NULL;
}

static enum status check_known(const struct checked *c) {
    return is_known(c, c->value)
               ? STATUS_OK
               : SAY(c, "is not known: '%s' has no such %s", files[c->rule->known_table].name, c->rule->known_column);
}

static enum status check_all_known(const struct checked *c) {
    struct text rest = c->value;
    for (struct text value = csv_next_of(&rest); value.at != NULL; value = csv_next_of(&rest)) {
        if (!is_known(c, value)) {
            return SAY(c, "holds what '%s' does not know", files[c->rule->known_table].name);
        }
    }
    return STATUS_OK;
}

static enum status check_text(const struct checked *c) {
    return c->value.size <= 2000 ? STATUS_OK : SAY(c, "is too long");
}

static enum status (*const checks[])(const struct checked *) = {
    [CELL_TEXT] = check_text,
    [CELL_ID] = check_id,
    [CELL_CODE] = check_code,
    [CELL_NUMBER] = check_number,
    [CELL_COUNT] = check_count,
    [CELL_LATITUDE] = check_latitude,
    [CELL_LONGITUDE] = check_longitude,
    [CELL_DATE] = check_date,
    [CELL_TIER] = check_tier,
    [CELL_SOURCE] = check_source,
    [CELL_KNOWN] = check_known,
    [CELL_ALL_KNOWN] = check_all_known,
};

static enum status check_cell(const struct checked *c) {
    if (c->value.at == NULL) {
        return (c->rule->need & FILLED) == FILLED ? SAY(c, "must not be blank") : STATUS_OK;
    }
    enum status status = checks[c->rule->kind](c);
    if (status == STATUS_OK && (c->rule->need & UNIQUE) != 0) {
        const struct csv_row *first = csv_find(c->table, c->rule->column, c->value);
        if (first != c->row) {
            return SAY(c, "repeats line %d", first->line);
        }
    }
    return status;
}

enum status table_check(enum table table, const struct table_context *context, struct scope *scope) {
    const struct csv *csv = &context->tables[table];
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct cell_rule *rule = &rules[i];
        if (rule->table != table) {
            continue;
        }
        if (csv_column(csv, rule->column) < 0) {
            if ((rule->need & COLUMN) != 0) {
                status = csv_fault(scope, csv, 1, rule->column, "the column is missing");
            }
            continue;
        }
        for (size_t row = 0; row < csv->row_count; row++) {
            const struct checked checked = {
                rule, csv, &csv->rows[row], csv_cell(csv, &csv->rows[row], rule->column), context, scope};
            if (check_cell(&checked) != STATUS_OK) {
                status = STATUS_INVALID;
            }
        }
    }
    return status;
}
