/* The region itself: its bounds, its documents, its cities and counties, its districts, its control room. */
#include "region/base64.h"
#include "region/compose.h"
#include "region/naming.h"

struct text sigungu_id(const struct composing *c, struct text code) {
    struct text region = c->folder->settings.id;
    return text_format(c->scope->arena, "%.*s-sigungu-%.*s", (int)region.size, region.at, (int)code.size, code.at);
}

static struct text region_id_with(const struct composing *c, const char *prefix, const char *suffix) {
    struct text region = c->folder->settings.id;
    return text_format(c->scope->arena, "%s%.*s%s", prefix, (int)region.size, region.at, suffix);
}

/* ---- documents -------------------------------------------------------------------------------------------------- */

/* A file as it was read: its bytes and their SHA-256, so that the policy in force can be named and shown. */
static void put_file(struct json_writer *w, const char *title, const char *content_type, struct text bytes) {
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    digest_sha256(digest, bytes);
    digest_text(hex, digest);
    json_object_open(w);
    json_name(w, "extension");
    json_array_open(w);
    put_extension_text(w, EXTENSION_SHA256, "valueString", text_from(hex));
    json_array_close(w);
    json_member_string(w, "contentType", content_type);
    json_member_text(w, "data", base64_encode(w->buffer.arena, bytes));
    json_member_string(w, "title", title);
    json_object_close(w);
}

static struct json_writer open_library(
    struct composing *c, const char *suffix, const char *document, const char *title, unsigned labels) {
    struct json_writer w = resource_open(c, "Library", region_id_with(c, "region-", suffix), labels);
    json_member_string(&w, "status", "active");
    json_member_string(&w, "title", title);
    put_concept(&w, "type", &(struct coding){SYSTEM_DOCUMENT, text_from(document), {0}});
    json_name(&w, "content");
    json_array_open(&w);
    return w;
}

static void close_library(struct composing *c, struct json_writer *w) {
    json_array_close(w);
    resource_close(c, w);
}

static const char *csv_title(const struct composing *c, enum table table) {
    return text_format(c->scope->arena, "%s.csv", table_name(table)).at;
}

static void compose_documents(struct composing *c) {
    const struct region_folder *folder = c->folder;
    const char *title = text_string(c->scope->arena, folder->settings.name_en);
    struct json_writer w = open_library(c, "", DOCUMENT_REGION, title, LABELLED_NONE);
    put_file(&w, "region.json", "application/json", folder->region.source);
    put_file(&w, "policy.json", "application/json", folder->policy.source);
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        if (table_section_of(table) == SECTION_COUNTRY) {
            put_file(&w, csv_title(c, table), "text/csv", folder->table_sources[table]);
        }
    }
    close_library(c, &w);
    w = open_library(c, "-map", DOCUMENT_MAP, title, LABELLED_NONE);
    put_file(&w, "outline.json", "application/json", folder->outline.source);
    put_file(&w, csv_title(c, TABLE_SIGUNGU), "text/csv", folder->table_sources[TABLE_SIGUNGU]);
    close_library(c, &w);
    if (folder->assumptions.file != NULL) {
        w = open_library(c, "-assumptions", DOCUMENT_ASSUMPTIONS, title, LABELLED_ASSUMED);
        put_file(&w, "assumptions.json", "application/json", folder->assumptions.source);
        if (folder->readings.file != NULL) {
            put_file(&w, "readings.json", "application/json", folder->readings.source);
        }
        close_library(c, &w);
    }
}

/* ---- areas ------------------------------------------------------------------------------------------------------ */

static void put_box(struct json_writer *w, const char *url, const struct region_box *box) {
    extension_open(w, url);
    put_extension_decimal(w, "south", box->south, 7);
    put_extension_decimal(w, "west", box->west, 7);
    put_extension_decimal(w, "north", box->north, 7);
    put_extension_decimal(w, "east", box->east, 7);
    extension_close(w);
}

/* First of all: the guard of positions reads the bounds here. */
static void compose_region(struct composing *c) {
    const struct settings *settings = &c->folder->settings;
    struct json_writer w = resource_open(c, "Location", region_id_with(c, "region-", ""), LABELLED_NONE);
    json_name(&w, "extension");
    json_array_open(&w);
    put_box(&w, EXTENSION_BOUNDS, &settings->bounds);
    put_box(&w, EXTENSION_NEIGHBOURS, &settings->neighbour_bounds);
    json_array_close(&w);
    json_member_string(&w, "status", "active");
    json_member_text(&w, "name", settings->name_ko);
    put_string_list(&w, "alias", settings->name_en);
    json_member_string(&w, "mode", "instance");
    put_physical_type(&w, "jdn");
    resource_close(c, &w);
}

static void put_administrative_identifier(struct json_writer *w, struct text code) {
    json_name(w, "identifier");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "system", IDENTIFIER_ADMINISTRATIVE);
    json_member_text(w, "value", code);
    json_object_close(w);
    json_array_close(w);
}

static void compose_sigungu(struct composing *c, const struct csv *table, const struct csv_row *row) {
    struct text code = csv_cell(table, row, "code");
    struct json_writer w = resource_open(c, "Location", sigungu_id(c, code), LABELLED_NONE);
    put_administrative_identifier(&w, code);
    json_member_string(&w, "status", "active");
    json_member_text(&w, "name", csv_cell(table, row, "name_ko"));
    put_string_list(&w, "alias", csv_cell(table, row, "name_en"));
    json_member_string(&w, "mode", "instance");
    put_physical_type(&w, "jdn");
    put_position(&w, table, row);
    put_reference(&w, "partOf", "Location", region_id_with(c, "region-", ""));
    resource_close(c, &w);
}

static void put_population(struct json_writer *w, const struct csv *table, const struct csv_row *row) {
    static const struct {
        const char *column, *url;
    } counts[] = {
        {"population", "total"},
        {"age_0_4", "age-0-4"},
        {"age_5_14", "age-5-14"},
        {"age_15_64", "age-15-64"},
        {"age_65_74", "age-65-74"},
        {"age_75_84", "age-75-84"},
        {"age_85_up", "age-85-up"},
    };
    extension_open(w, EXTENSION_POPULATION);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t people = 0;
        if (text_to_int64(&people, csv_cell(table, row, counts[i].column))) {
            put_extension_int(w, counts[i].url, people);
        }
    }
    put_extension_text(w, "source", "valueString", csv_cell(table, row, "population_source"));
    put_extension_text(w, "as-of", "valueDateTime", csv_cell(table, row, "population_as_of"));
    extension_close(w);
}

static void compose_district(struct composing *c, const struct csv *table, const struct csv_row *row) {
    struct text code = csv_cell(table, row, "code");
    struct text id =
        text_format(c->scope->arena, "%s-%.*s", region_id_with(c, "", "-district").at, (int)code.size, code.at);
    struct json_writer w = resource_open(c, "Location", id, LABELLED_NONE);
    json_name(&w, "extension");
    json_array_open(&w);
    put_population(&w, table, row);
    put_extension_text(&w, EXTENSION_SOURCE, "valueString", csv_cell(table, row, "position_source"));
    json_array_close(&w);
    put_administrative_identifier(&w, code);
    json_member_string(&w, "status", "active");
    json_member_text(&w, "name", csv_cell(table, row, "name_ko"));
    json_member_string(&w, "mode", "instance");
    put_physical_type(&w, "area");
    put_position(&w, table, row);
    put_reference(&w, "partOf", "Location", sigungu_id(c, csv_cell(table, row, "sigungu_code")));
    resource_close(c, &w);
}

/* ---- who speaks for the region ---------------------------------------------------------------------------------- */

static void compose_role(
    struct composing *c, struct text id, const char *role, struct text name_ko, struct text name_en, unsigned labels) {
    struct json_writer w = resource_open(c, "Organization", id, labels);
    json_member_bool(&w, "active", true);
    put_concept_list(&w, "type", &(struct coding){SYSTEM_ROLE, text_from(role), {0}});
    json_member_text(&w, "name", name_ko);
    put_string_list(&w, "alias", name_en);
    resource_close(c, &w);
}

static void compose_roles(struct composing *c) {
    const struct settings *settings = &c->folder->settings;
    if (settings->control_room_id.size > 0) {
        compose_role(c, settings->control_room_id, ROLE_CONTROL_ROOM, json_get_text(settings->control_room, "name_ko"),
            json_get_text(settings->control_room, "name_en"), LABELLED_NONE);
    }
    if (c->folder->assumptions.file != NULL) {
        compose_role(c, region_id_with(c, "", "-assumptions"), ROLE_ASSUMPTIONS, TEXT("가정(출처 없음)"),
            TEXT("Assumption (not sourced)"), LABELLED_ASSUMED);
    }
}

void compose_area(struct composing *c) {
    compose_region(c);
    compose_documents(c);
    compose_roles(c);
    const struct csv *table = &c->folder->tables[TABLE_SIGUNGU];
    for (size_t i = 0; i < table->row_count; i++) {
        compose_sigungu(c, table, &table->rows[i]);
    }
    table = &c->folder->tables[TABLE_DISTRICTS];
    for (size_t i = 0; i < table->row_count; i++) {
        compose_district(c, table, &table->rows[i]);
    }
}
