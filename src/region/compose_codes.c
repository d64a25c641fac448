/* What the region's resources are coded with: own code systems (those of KR Core are HL7 Korea's), the board's measure, and
 * the resources that the country's definitions folder holds. */
#include "region/compose.h"
#include "region/naming.h"

struct own_code {
    const char *code, *ko, *en;
};
static const struct own_code labels[] = {
    {LABEL_ASSUMED, "가정", "assumption"}, {LABEL_NEIGHBOUR, "인접 시도", "neighbouring province"}, {NULL, NULL, NULL}};
static const struct own_code counts[] = {{"free", "가용", "free now"}, {"total", "전체", "total"},
    {"accepts", "진료 가능", "taken now"}, {"available", "사용 가능", "can be used now"}, {NULL, NULL, NULL}};
static const struct own_code documents[] = {{DOCUMENT_REGION, "지역 정의", "region"},
    {DOCUMENT_MAP, "지도", "map of the region"}, {DOCUMENT_ASSUMPTIONS, "가정", "assumptions of the region"},
    {NULL, NULL, NULL}};
static const struct own_code roles[] = {{ROLE_CONTROL_ROOM, "광역응급의료상황실", "regional emergency control room"},
    {ROLE_ASSUMPTIONS, "가정", "assumption, no publisher"}, {NULL, NULL, NULL}};
static const struct own_code traits[] = {{"trauma-centre", "권역외상센터", "trauma centre"},
    {"burn-centre", "화상전문병원", "burn centre"}, {"helicopter", "닥터헬기", "helicopter"}, {NULL, NULL, NULL}};

/* A code system from a table's rows, or from own codes. `only`: rows of that origin. */
static const struct code_system {
    const char *id, *title, *content;
    enum table table;
    const char *code_column, *only_column, *only;
    const struct own_code *own;
} systems[] = {
    {"severe-condition", "27 severe conditions of the national board", "complete", TABLE_CONDITIONS, "code", NULL, NULL,
        NULL},
    {"need", "Needs beside the national severe conditions", "complete", TABLE_NEEDS_OWN, "code", NULL, NULL, NULL},
    {"board-bed", "Bed kinds of the national board", "complete", TABLE_BEDS, "free", NULL, NULL, NULL},
    {"board-equipment", "Equipment of the national board", "complete", TABLE_EQUIPMENT, "code", NULL, NULL, NULL},
    {"decline-reason", "Reasons for not accepting a patient", "complete", TABLE_REASONS, "code", NULL, NULL, NULL},
    {"emergency-tier", "Designations of emergency departments", "complete", TABLE_TIERS, "code", NULL, NULL, NULL},
    {"referral-state", "States of a referral", "complete", TABLE_STATES, "code", "origin", "soyang", NULL},
    {"label", "What kind of statement a resource is", "complete", 0, NULL, NULL, NULL, labels},
    {"board-count", "What a count on a board counts", "complete", 0, NULL, NULL, NULL, counts},
    {"document", "Documents of a region", "complete", 0, NULL, NULL, NULL, documents},
    {"organization-role", "Organisations that are no place of care", "complete", 0, NULL, NULL, NULL, roles},
    {"place-trait", "What a place is publicly known for", "fragment", 0, NULL, NULL, NULL, traits},
};

static bool is_defined(const struct composing *c, const char *type, const char *id) {
    for (size_t i = 0; i < c->folder->definition_count; i++) {
        const yyjson_val *definition = c->folder->definitions[i];
        if (text_is(json_get_text(definition, "resourceType"), type) && text_is(json_get_text(definition, "id"), id)) {
            return true;
        }
    }
    return false;
}

static void put_code(struct json_writer *w, struct text code, struct text ko, struct text en) {
    json_object_open(w);
    json_member_text(w, "code", code);
    json_member_text(w, "display", ko);
    if (en.size > 0) {
        json_name(w, "designation");
        json_array_open(w);
        json_object_open(w);
        json_member_string(w, "language", "en");
        json_member_text(w, "value", en);
        json_object_close(w);
        json_array_close(w);
    }
    json_object_close(w);
}

static bool is_repeated(const struct csv *table, size_t row, const char *column) {
    return csv_find(table, column, csv_cell(table, &table->rows[row], column)) != &table->rows[row];
}

static void put_rows(struct json_writer *w, const struct csv *table, const struct code_system *system) {
    for (size_t i = 0; i < table->row_count; i++) {
        const struct csv_row *row = &table->rows[i];
        struct text code = csv_cell(table, row, system->code_column);
        bool is_meant = system->only == NULL || text_is(csv_cell(table, row, system->only_column), system->only);
        if (code.size > 0 && is_meant && !is_repeated(table, i, system->code_column)) {
            put_code(w, code, csv_cell(table, row, "display_ko"), csv_cell(table, row, "display_en"));
        }
    }
}

static void compose_code_system(struct composing *c, const struct code_system *system) {
    struct json_writer w = resource_open(c, "CodeSystem", text_from(system->id), LABELLED_NONE);
    json_member_text(&w, "url", text_format(c->scope->arena, "%s%s", NAMING_CODES, system->id));
    json_member_string(&w, "title", system->title);
    json_member_string(&w, "status", "active");
    json_member_bool(&w, "experimental", true);
    json_member_string(&w, "language", "ko");
    json_member_bool(&w, "caseSensitive", true);
    json_member_string(&w, "content", system->content);
    json_name(&w, "concept");
    json_array_open(&w);
    if (system->own == NULL) {
        put_rows(&w, &c->folder->tables[system->table], system);
    }
    for (const struct own_code *own = system->own; own != NULL && own->code != NULL; own++) {
        put_code(&w, text_from(own->code), text_from(own->ko), text_from(own->en));
    }
    json_array_close(&w);
    resource_close(c, &w);
}

/* What capacity reports measure: counts as they stand, one group a bed kind. */
static void compose_measure(struct composing *c) {
    struct json_writer w = resource_open(c, "Measure", TEXT("board"), LABELLED_NONE);
    json_member_string(&w, "url", MEASURE_BOARD);
    json_member_string(&w, "title", "가용 병상 · Beds of a place as they stand");
    json_member_string(&w, "status", "active");
    json_member_bool(&w, "experimental", true);
    json_member_string(&w, "description",
        "One group a bed kind (code of the national board), populations free and total. A free count below zero says "
        "that there are "
        "patients beyond capacity.");
    resource_close(c, &w);
}

static void compose_definition(struct composing *c, const yyjson_val *definition) {
    struct json_writer w = json_writer_open(c->scope->arena, 8 << 20);
    json_object_open(&w);
    size_t index, max;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)definition, index, max, name, value) {
        json_name_text(&w, json_text(name));
        json_value(&w, value);
    }
    resource_close(c, &w);
}

void compose_codes(struct composing *c) {
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        bool has_codes = systems[i].own != NULL || c->folder->tables[systems[i].table].row_count > 0;
        if (has_codes && !is_defined(c, "CodeSystem", systems[i].id)) {
            compose_code_system(c, &systems[i]);
        }
    }
    if (!is_defined(c, "Measure", "board")) {
        compose_measure(c);
    }
    for (size_t i = 0; i < c->folder->definition_count; i++) {
        compose_definition(c, c->folder->definitions[i]);
    }
}
