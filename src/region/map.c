#include "region/map.h"

#include <math.h>

#include "region/naming.h"

enum { MAP_BYTES_MAX = 8 << 20 };

/* ---- parts ------------------------------------------------------------------------------------------------------ */

struct map_writing {
    struct version *version;
    const struct region_documents *documents;
    struct scope *scope; /* on the version's arena */
    enum status status;
};

static struct json_writer member_open(const struct map_writing *m) {
    return json_writer_open(m->scope->arena, MAP_BYTES_MAX);
}

static void member_close(struct map_writing *m, const char *name, struct json_writer *w) {
    struct map_member *member = &m->version->map[m->version->map_count];
    invariant(m->version->map_count < MAP_MEMBERS_MAX);
    enum status status = json_finish(&member->json, w, m->scope);
    member->name = name;
    m->version->map_count += status == STATUS_OK;
    m->status = status == STATUS_OK ? m->status : status;
}

static void put_string_member(struct map_writing *m, const char *name, struct text value) {
    struct json_writer w = member_open(m);
    json_string_text(&w, value);
    member_close(m, name, &w);
}

static void put_names(struct json_writer *w, struct text ko, struct text en) {
    json_member_text(w, "ko", ko);
    json_member_text(w, "en", en.size > 0 ? en : ko);
}

/* Codes of a table as an object: {"Y0010": {"ko": ..., "en": ...}}; the first of equal codes counts. */
static void put_table(struct json_writer *w, const struct csv *table, const char *column) {
    for (size_t i = 0; table->file != NULL && i < table->row_count; i++) {
        const struct csv_row *row = &table->rows[i];
        struct text code = csv_cell(table, row, column);
        if (code.size == 0 || csv_find(table, column, code) != row) {
            continue;
        }
        json_name_text(w, code);
        json_object_open(w);
        put_names(w, csv_cell(table, row, "display_ko"), csv_cell(table, row, "display_en"));
        json_object_close(w);
    }
}

static void put_codes(struct map_writing *m) {
    static const struct {
        const char *name, *column;
        enum table first, second;
    } lists[] = {
        {"needs", "code", TABLE_CONDITIONS, TABLE_NEEDS_OWN},
        {"beds", "free", TABLE_BEDS, TABLE_BEDS},
        {"departments", "code", TABLE_DEPARTMENTS, TABLE_DEPARTMENTS},
        {"kinds", "code", TABLE_KINDS, TABLE_KINDS},
        {"tiers", "code", TABLE_TIERS, TABLE_TIERS},
        {"reasons", "code", TABLE_REASONS, TABLE_REASONS},
        {"states", "code", TABLE_STATES, TABLE_STATES},
        {"equipment", "code", TABLE_EQUIPMENT, TABLE_EQUIPMENT},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct json_writer w = member_open(m);
        json_object_open(&w);
        put_table(&w, &m->documents->tables[lists[i].first], lists[i].column);
        if (lists[i].second != lists[i].first) {
            put_table(&w, &m->documents->tables[lists[i].second], lists[i].column);
        }
        json_object_close(&w);
        member_close(m, lists[i].name, &w);
    }
}

static void put_point(struct json_writer *w, double latitude, double longitude) {
    if (!isnan(latitude) && !isnan(longitude)) {
        json_member_decimal(w, "lat", latitude, 6);
        json_member_decimal(w, "lon", longitude, 6);
    }
}

static void put_place(struct json_writer *w, const struct region_place *place) {
    json_object_open(w);
    json_member_text(w, "id", place->id);
    put_names(w, place->name_ko, place->name_en);
    json_member_text(w, "kind", place->kind);
    json_member_string(w, "tier", table_tier_code(place->tier));
    put_point(w, place->point.latitude, place->point.longitude);
    if (!place->post) {
        json_member_bool(w, "neighbour", place->neighbour);
    }
    if (place->control_room) {
        json_member_bool(w, "controlRoom", true);
    }
    json_object_close(w);
}

static void put_places(struct map_writing *m, const char *name, bool posts) {
    const struct region_snapshot *snapshot = &m->version->snapshot;
    struct json_writer w = member_open(m);
    json_array_open(&w);
    for (size_t i = 0; i < snapshot->place_count; i++) {
        if (snapshot->places[i].post == posts) {
            put_place(&w, &snapshot->places[i]);
        }
    }
    json_array_close(&w);
    member_close(m, name, &w);
}

static void put_sigungu(struct map_writing *m) {
    const struct csv *table = &m->documents->tables[TABLE_SIGUNGU];
    struct json_writer w = member_open(m);
    json_array_open(&w);
    for (size_t i = 0; table->file != NULL && i < table->row_count; i++) {
        const struct csv_row *row = &table->rows[i];
        double latitude = NAN, longitude = NAN;
        json_object_open(&w);
        json_member_text(&w, "code", csv_cell(table, row, "code"));
        put_names(&w, csv_cell(table, row, "name_ko"), csv_cell(table, row, "name_en"));
        if (text_to_double(&latitude, csv_cell(table, row, "lat")) &&
            text_to_double(&longitude, csv_cell(table, row, "lon"))) {
            put_point(&w, latitude, longitude);
        }
        json_object_close(&w);
    }
    json_array_close(&w);
    member_close(m, "sigungu", &w);
}

static void put_box(struct map_writing *m) {
    const struct region_snapshot *snapshot = &m->version->snapshot;
    struct json_writer w = member_open(m);
    json_array_open(&w);
    json_decimal(&w, snapshot->south_west.longitude, 4);
    json_decimal(&w, snapshot->south_west.latitude, 4);
    json_decimal(&w, snapshot->north_east.longitude, 4);
    json_decimal(&w, snapshot->north_east.latitude, 4);
    json_array_close(&w);
    member_close(m, "bbox", &w);
}

enum status map_compose(struct version *version, const struct region_documents *documents, struct scope *scope) {
    struct map_writing m = {.version = version, .documents = documents, .scope = scope};
    const struct region_snapshot *snapshot = &version->snapshot;
    put_string_member(&m, "id", snapshot->id);
    struct json_writer w = member_open(&m);
    json_object_open(&w);
    put_names(&w, snapshot->name_ko, snapshot->name_en);
    json_object_close(&w);
    member_close(&m, "names", &w);
    put_string_member(&m, "policy", snapshot->policy_hash);
    w = member_open(&m);
    json_int(&w, snapshot->zone_minutes);
    member_close(&m, "utcOffsetMinutes", &w);
    w = member_open(&m);
    json_int(&w, (int64_t)snapshot->district_count);
    member_close(&m, "districts", &w);
    put_box(&m);
    put_sigungu(&m);
    put_places(&m, "places", false);
    put_places(&m, "posts", true);
    put_codes(&m);
    if (documents->outline.file != NULL) {
        put_string_member(&m, "attribution", json_get_text(documents->outline.root, "attribution"));
        w = member_open(&m);
        json_value(&w, documents->outline.root);
        member_close(&m, "outline", &w);
    }
    return m.status;
}
