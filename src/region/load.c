/* Loading a region's folder: read and checked whole, composed, then compared and written in one unit. */
#include "region/compose.h"
#include "region/naming.h"
#include "region/region.h"

enum { LOAD_ARENA_MAX = 1 << 30 };

/* ---- what changed ----------------------------------------------------------------------------------------------- */

static bool is_tagged(const yyjson_val *resource, const char *system, const char *code) {
    size_t index, max;
    yyjson_val *tag;
    yyjson_arr_foreach(json_get(json_get(resource, "meta"), "tag"), index, max, tag) {
        if (text_is(json_get_text(tag, "system"), system) && text_is(json_get_text(tag, "code"), code)) {
            return true;
        }
    }
    return false;
}

/* Members that make no difference between what stands and what would be written. */
static bool is_ignored(struct text member, bool is_board) {
    return text_is(member, "meta") || (is_board && (text_is(member, "date") || text_is(member, "period")));
}

static bool holds_members(const yyjson_val *a, const yyjson_val *b, bool is_board) {
    size_t index, max;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)a, index, max, name, value) {
        const yyjson_val *other = yyjson_obj_getn((yyjson_val *)b, yyjson_get_str(name), yyjson_get_len(name));
        if (!is_ignored(json_text(name), is_board) && (other == NULL || !json_equal(value, other))) {
            return false;
        }
    }
    return true;
}

static bool is_same(const yyjson_val *standing, const yyjson_val *wanted, bool is_board) {
    const yyjson_val *tags = json_get(json_get(wanted, "meta"), "tag"); /* a definition's file may have none */
    const yyjson_val *standing_tags = json_get(json_get(standing, "meta"), "tag");
    return holds_members(standing, wanted, is_board) && holds_members(wanted, standing, is_board) &&
           (tags == NULL || (standing_tags != NULL && json_equal(standing_tags, tags)));
}

/* ---- the unit --------------------------------------------------------------------------------------------------- */

struct loading {
    const struct composed *composed;
    struct region_loaded *loaded;
};

static bool must_write(const yyjson_val *standing, const yyjson_val *wanted, fhir_type type) {
    bool is_board = type == fhir_type_find(TEXT("MeasureReport"));
    if (is_board && !is_tagged(standing, SYSTEM_LABEL, LABEL_ASSUMED)) {
        return false; /* somebody has typed the board since: an assumption never overwrites that */
    }
    return !is_same(standing, wanted, is_board);
}

static enum status write_one(
    struct loading *loading, struct records_unit *unit, struct text resource, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, resource, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *wanted = yyjson_doc_get_root(doc), *standing = NULL;
    fhir_type type = fhir_type_find(json_get_text(wanted, "resourceType"));
    status = records_unit_get(&standing, unit, type, json_get_text(wanted, "id"), scope);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    if (status == STATUS_OK && !must_write(standing, wanted, type)) {
        loading->loaded->resources_unchanged++;
        return STATUS_OK;
    }
    loading->loaded->resources_written++;
    return records_unit_put(NULL, unit, resource, scope);
}

static enum status write_all(void *context, struct records_unit *unit, struct scope *scope) {
    struct loading *loading = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < loading->composed->count && status == STATUS_OK; i++) {
        status = write_one(loading, unit, loading->composed->at[i], scope);
    }
    return status;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

struct reading {
    const char *folder;
    enum region_assumptions assumptions;
    int64_t now_us;
    struct composed composed;
    struct region_loaded *loaded;
};

static enum status read_and_compose(void *context, struct scope *scope) {
    struct reading *reading = context;
    struct region_folder *folder = ARENA_NEW(scope->arena, struct region_folder);
    enum status status = folder_read(folder, reading->folder, reading->assumptions, scope);
    if (status == STATUS_OK) {
        status = compose_folder(&reading->composed, folder, reading->now_us, scope);
    }
    reading->loaded->places = folder->tables[TABLE_PLACES].row_count + folder->tables[TABLE_NEIGHBOURS].row_count;
    reading->loaded->posts = folder->tables[TABLE_POSTS].row_count;
    reading->loaded->districts = folder->tables[TABLE_DISTRICTS].row_count;
    return status;
}

enum status region_load(struct region_loaded *out, struct records *records, const struct records_caller *caller,
    const char *folder, enum region_assumptions assumptions, struct scope *scope) {
    *out = (struct region_loaded){0};
    struct arena *arena = arena_open(LOAD_ARENA_MAX);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to load a region");
    }
    struct reading reading = {folder, assumptions, clock_now_us(records_clock(records)), {0}, out};
    struct scope own;
    enum status status = scope_run(&own, arena, read_and_compose, &reading);
    if (status == STATUS_OK) {
        struct loading loading = {&reading.composed, out};
        own.deadline_us = scope->deadline_us;
        status = records_unit_run(records, caller, "region load", write_all, &loading, &own);
    }
    if (status != STATUS_OK) {
        out->resources_written = 0;
        fault_carry(scope, &own.fault);
    }
    arena_close(arena);
    return status;
}
