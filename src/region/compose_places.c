/* Places of care: who they are, where they stand, what they can do, and, under assumptions only, what they are taken to have
 * free. A fact that is assumed says so where it stands, with the rule it was made by. */
#include "region/compose.h"
#include "region/naming.h"

/* One place on its way. */
struct place {
    const struct csv *table;
    const struct csv_row *row;
    struct text id, name_ko, name_en;
    const yyjson_val *assumed; /* its entry in assumptions.json; NULL */
    unsigned labels;
    bool is_post;
};

static struct text cell(const struct place *place, const char *column) {
    return csv_cell(place->table, place->row, column);
}

static struct text service_id(const struct composing *c, const struct place *place) {
    bool has_department = cell(place, "tier").size > 0;
    return text_format(c->scope->arena, "%.*s-%s", (int)place->id.size, place->id.at, has_department ? "ed" : "care");
}

static const struct csv_row *find_code(
    const struct composing *c, enum table table, const char *column, struct text code) {
    return csv_find(&c->folder->tables[table], column, code);
}

static struct coding coding_of(
    const struct composing *c, enum table table, const char *column, const char *system, struct text code) {
    const struct csv_row *row = find_code(c, table, column, code);
    struct text display = row == NULL ? (struct text){0} : csv_cell(&c->folder->tables[table], row, "display_ko");
    return (struct coding){system, code, display};
}

static struct coding need_coding(const struct composing *c, struct text code) {
    bool is_national = find_code(c, TABLE_CONDITIONS, "code", code) != NULL;
    return coding_of(c, is_national ? TABLE_CONDITIONS : TABLE_NEEDS_OWN, "code",
        is_national ? SYSTEM_CONDITION : SYSTEM_NEED, code);
}

/* ---- Organization, Location, OrganizationAffiliation ------------------------------------------------------------ */

static void put_sources(struct json_writer *w, const struct place *place) {
    static const struct {
        const char *column, *url;
    } sources[] = {
        {"identity_source", "identity"},
        {"source", "identity"},
        {"kind_source", "kind"},
        {"tier_source", "tier"},
        {"address_source", "address"},
        {"position_source", "position"},
        {"departments_source", "departments"},
        {"name_en_source", "name-en"},
    };
    extension_open(w, EXTENSION_SOURCE);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        put_extension_text(w, sources[i].url, "valueString", cell(place, sources[i].column));
    }
    extension_close(w);
}

static void put_identifier(struct json_writer *w, const char *system, struct text value) {
    if (value.size > 0) {
        json_object_open(w);
        json_member_string(w, "system", system);
        json_member_text(w, "value", value);
        json_object_close(w);
    }
}

/* A post that is also a hospital is one organisation: it keeps the post's id as an identifier. */
static void put_identifiers(struct json_writer *w, const struct composing *c, const struct place *place) {
    const struct csv *posts = &c->folder->tables[TABLE_POSTS];
    const struct csv_row *post = place->is_post ? NULL : csv_find(posts, "place", place->id);
    struct text hpid = cell(place, "hpid"), post_id = post == NULL ? (struct text){0} : csv_cell(posts, post, "id");
    if (place->is_post) {
        post_id = place->id;
    }
    if (hpid.size == 0 && post_id.size == 0) {
        return;
    }
    json_name(w, "identifier");
    json_array_open(w);
    put_identifier(w, IDENTIFIER_HPID, hpid);
    put_identifier(w, IDENTIFIER_POST, post_id);
    json_array_close(w);
}

static void put_address(struct json_writer *w, const struct composing *c, const struct place *place) {
    struct text province = cell(place, "province");
    json_object_open(w);
    json_member_text(w, "text", cell(place, "address"));
    json_member_text(w, "city", cell(place, "sigungu"));
    json_member_text(w, "state", province.size > 0 ? province : c->folder->settings.name_ko);
    json_member_text(w, "country", c->folder->settings.country);
    json_object_close(w);
}

static void compose_organization(struct composing *c, const struct place *place) {
    struct json_writer w = resource_open(c, "Organization", place->id, place->labels);
    json_name(&w, "extension");
    json_array_open(&w);
    put_sources(&w, place);
    json_array_close(&w);
    put_identifiers(&w, c, place);
    json_member_bool(&w, "active", true);
    struct coding kind = coding_of(c, TABLE_KINDS, "code", SYSTEM_KIND, cell(place, "kind"));
    put_concept_list(&w, "type", &kind);
    json_member_text(&w, "name", place->name_ko);
    put_string_list(&w, "alias", place->name_en);
    json_name(&w, "address");
    json_array_open(&w);
    put_address(&w, c, place);
    json_array_close(&w);
    resource_close(c, &w);
}

static void put_licensed_beds(struct json_writer *w, const struct place *place) {
    int64_t beds = 0;
    if (!text_to_int64(&beds, cell(place, "beds"))) {
        return;
    }
    json_name(w, "extension");
    json_array_open(w);
    extension_open(w, EXTENSION_BEDS);
    put_extension_int(w, "count", beds);
    put_extension_text(w, "source", "valueString", cell(place, "beds_source"));
    put_extension_text(w, "as-of", "valueDateTime", cell(place, "beds_as_of"));
    extension_close(w);
    json_array_close(w);
}

static void compose_location(struct composing *c, const struct place *place) {
    struct json_writer w = resource_open(c, "Location", place->id, place->labels);
    put_licensed_beds(&w, place);
    json_member_string(&w, "status", "active");
    json_member_text(&w, "name", place->name_ko);
    put_string_list(&w, "alias", place->name_en);
    json_member_string(&w, "mode", "instance");
    json_name(&w, "address");
    put_address(&w, c, place);
    put_physical_type(&w, "si");
    put_position(&w, place->table, place->row);
    put_reference(&w, "managingOrganization", "Organization", place->id);
    const struct csv *sigungu = &c->folder->tables[TABLE_SIGUNGU];
    const struct csv_row *row = csv_find(sigungu, "name_ko", cell(place, "sigungu"));
    if (row != NULL) {
        put_reference(&w, "partOf", "Location", sigungu_id(c, csv_cell(sigungu, row, "code")));
    }
    resource_close(c, &w);
}

static void compose_affiliation(struct composing *c, const struct place *place) {
    struct text tier = cell(place, "tier");
    if (tier.size == 0) {
        return;
    }
    struct json_writer w = resource_open(c, "OrganizationAffiliation", place->id, place->labels);
    json_member_bool(&w, "active", true);
    if (c->folder->settings.control_room_id.size > 0 && (place->labels & LABELLED_NEIGHBOUR) == 0) {
        put_reference(&w, "organization", "Organization", c->folder->settings.control_room_id);
    }
    put_reference(&w, "participatingOrganization", "Organization", place->id);
    struct coding coding = coding_of(c, TABLE_TIERS, "code", SYSTEM_TIER, tier);
    put_concept_list(&w, "code", &coding);
    put_reference_list(&w, "location", "Location", place->id);
    put_reference_list(&w, "healthcareService", "HealthcareService", service_id(c, place));
    resource_close(c, &w);
}

/* ---- HealthcareService ------------------------------------------------------------------------------------------ */

static void put_age_limits(struct json_writer *w, const yyjson_val *entry) {
    int64_t from = 0, below = 0;
    bool has_from = json_get_int64(&from, entry, "age_from_y"),
         has_below = json_get_int64(&below, entry, "age_below_y");
    if (!has_from && !has_below) {
        return;
    }
    extension_open(w, EXTENSION_AGE);
    if (has_from) {
        put_extension_int(w, "from", from);
    }
    if (has_below) {
        put_extension_int(w, "below", below);
    }
    extension_close(w);
}

/* `what` is assumed: the need itself, or only who is on call for it. */
static void put_need(
    struct json_writer *w, const struct composing *c, struct text code, const yyjson_val *entry, const char *what) {
    json_object_open(w);
    if (entry != NULL) {
        json_name(w, "extension");
        json_array_open(w);
        extension_open(w, EXTENSION_ASSUMED);
        put_extension_text(w, "what", "valueCode", text_from(what));
        put_extension_text(w, "rule", "valueString", json_get_text(entry, "rule"));
        put_extension_text(w, "on-call", "valueString", json_get_text(entry, "on_call"));
        extension_close(w);
        put_age_limits(w, entry);
        json_array_close(w);
    }
    json_name(w, "coding");
    json_array_open(w);
    struct coding coding = need_coding(c, code);
    put_coding(w, &coding);
    json_array_close(w);
    json_object_close(w);
}

static const yyjson_val *post_entry(const struct composing *c, const struct place *place) {
    size_t index, max;
    yyjson_val *entry;
    yyjson_arr_foreach(json_get(c->folder->assumptions.root, "posts_by_kind"), index, max, entry) {
        if (place->is_post && text_equal(json_get_text(entry, "kind"), cell(place, "kind"))) {
            return entry;
        }
    }
    return NULL;
}

static bool is_emergency_known(const struct composing *c, const struct place *place) {
    return cell(place, "tier").size > 0 && find_code(c, TABLE_NEEDS_OWN, "code", TEXT(NEED_EMERGENCY)) != NULL;
}

static void put_needs(struct json_writer *w, const struct composing *c, const struct place *place) {
    bool has_emergency = is_emergency_known(c, place);
    const yyjson_val *treats = json_get(place->assumed, "treats");
    const yyjson_val *post = post_entry(c, place), *post_needs = json_get(post, "treats");
    if (!has_emergency && json_count(treats) + json_count(post_needs) == 0) {
        return;
    }
    json_name(w, "type");
    json_array_open(w);
    size_t index, max;
    yyjson_val *entry;
    bool emergency_written = false;
    yyjson_arr_foreach((yyjson_val *)treats, index, max, entry) {
        struct text code = json_get_text(entry, "need");
        bool is_sourced = has_emergency && text_is(code, NEED_EMERGENCY);
        emergency_written = emergency_written || is_sourced;
        put_need(w, c, code, entry, is_sourced ? "on-call" : "need");
    }
    if (has_emergency && !emergency_written) {
        put_need(w, c, TEXT(NEED_EMERGENCY), NULL, NULL);
    }
    yyjson_arr_foreach((yyjson_val *)post_needs, index, max, entry) {
        put_need(w, c, json_text(entry), post, "need");
    }
    json_array_close(w);
}

static void put_specialties(struct json_writer *w, const struct composing *c, const struct place *place) {
    struct text rest = cell(place, "departments");
    if (rest.size == 0) {
        return;
    }
    json_name(w, "specialty");
    json_array_open(w);
    for (struct text code = csv_next_of(&rest); code.at != NULL; code = csv_next_of(&rest)) {
        struct coding coding = coding_of(c, TABLE_DEPARTMENTS, "code", SYSTEM_DEPARTMENT, code);
        json_object_open(w);
        json_name(w, "coding");
        json_array_open(w);
        put_coding(w, &coding);
        json_array_close(w);
        json_object_close(w);
    }
    json_array_close(w);
}

static void put_characteristic(struct json_writer *w, const struct coding *coding, struct text rule) {
    json_object_open(w);
    json_name(w, "extension");
    json_array_open(w);
    extension_open(w, EXTENSION_ASSUMED);
    put_extension_text(w, "what", "valueCode", TEXT("characteristic"));
    put_extension_text(w, "rule", "valueString", rule);
    extension_close(w);
    json_array_close(w);
    json_name(w, "coding");
    json_array_open(w);
    put_coding(w, coding);
    json_array_close(w);
    json_object_close(w);
}

static void put_characteristics(struct json_writer *w, const struct composing *c, const struct place *place) {
    const yyjson_val *equipment = json_get(place->assumed, "equipment"), *known = json_get(place->assumed, "known_for");
    if (json_count(equipment) + json_count(known) == 0) {
        return;
    }
    json_name(w, "characteristic");
    json_array_open(w);
    size_t index, max;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)equipment, index, max, entry) {
        struct coding coding = coding_of(c, TABLE_EQUIPMENT, "code", SYSTEM_EQUIPMENT, json_get_text(entry, "code"));
        put_characteristic(w, &coding, json_get_text(entry, "rule"));
    }
    yyjson_arr_foreach((yyjson_val *)known, index, max, entry) {
        put_characteristic(w, &(struct coding){SYSTEM_TRAIT, json_text(entry), {0}}, TEXT("known-for"));
    }
    json_array_close(w);
}

static void put_response(struct json_writer *w, const struct place *place) {
    const yyjson_val *response = json_get(place->assumed, "response");
    double minutes = 0, factor = 1;
    if (!json_get_double(&minutes, response, "minutes") || !json_get_double(&factor, response, "night_factor")) {
        return;
    }
    json_name(w, "extension");
    json_array_open(w);
    extension_open(w, EXTENSION_RESPONSE);
    put_extension_decimal(w, "minutes", minutes, 2);
    put_extension_decimal(w, "night-factor", factor, 2);
    put_extension_text(w, "rule", "valueString", json_get_text(response, "rule"));
    extension_close(w);
    json_array_close(w);
}

static void compose_service(struct composing *c, const struct place *place) {
    bool is_assumed = place->assumed != NULL || post_entry(c, place) != NULL;
    struct json_writer w = resource_open(
        c, "HealthcareService", service_id(c, place), place->labels | (is_assumed ? LABELLED_ASSUMED : LABELLED_NONE));
    put_response(&w, place);
    json_member_bool(&w, "active", true);
    put_reference(&w, "providedBy", "Organization", place->id);
    put_needs(&w, c, place);
    put_specialties(&w, c, place);
    put_reference_list(&w, "location", "Location", place->id);
    json_member_text(&w, "name", place->name_ko);
    put_characteristics(&w, c, place);
    resource_close(c, &w);
}

/* ---- MeasureReport ---------------------------------------------------------------------------------------------- */

static void put_population(struct json_writer *w, const char *code, int64_t count) {
    json_object_open(w);
    put_concept(w, "code", &(struct coding){SYSTEM_COUNT, text_from(code), {0}});
    json_member_int(w, "count", count);
    json_object_close(w);
}

static void put_group(struct json_writer *w, const struct composing *c, const yyjson_val *entry) {
    const struct csv *beds = &c->folder->tables[TABLE_BEDS];
    const struct csv_row *row = csv_find(beds, "total", json_get_text(entry, "code"));
    int64_t total = 0, free = 0;
    if (row == NULL || !json_get_int64(&total, entry, "total") || !json_get_int64(&free, entry, "free")) {
        return;
    }
    json_object_open(w);
    put_concept(
        w, "code", &(struct coding){SYSTEM_BED, csv_cell(beds, row, "free"), csv_cell(beds, row, "display_ko")});
    json_name(w, "population");
    json_array_open(w);
    put_population(w, "free", free);
    put_population(w, "total", total);
    json_array_close(w);
    json_object_close(w);
}

static void compose_board(struct composing *c, const struct place *place) {
    const yyjson_val *beds = json_get(place->assumed, "beds");
    if (json_count(beds) == 0) {
        return;
    }
    struct text region = c->folder->settings.id;
    char when[TIME_TEXT_SIZE];
    time_format_utc(when, c->now_us);
    struct text id = text_format(c->scope->arena, "%s%.*s", CAPACITY_PREFIX, (int)place->id.size, place->id.at);
    struct json_writer w = resource_open(c, "MeasureReport", id, place->labels | LABELLED_ASSUMED);
    json_member_string(&w, "status", "complete");
    json_member_string(&w, "type", "summary");
    json_member_string(&w, "measure", MEASURE_BOARD);
    put_reference(&w, "subject", "Location", place->id);
    json_member_string(&w, "date", when);
    put_reference(
        &w, "reporter", "Organization", text_format(c->scope->arena, "%.*s-assumptions", (int)region.size, region.at));
    json_name(&w, "period");
    json_object_open(&w);
    json_member_string(&w, "start", when);
    json_member_string(&w, "end", when);
    json_object_close(&w);
    json_name(&w, "group");
    json_array_open(&w);
    size_t index, max;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)beds, index, max, entry) {
        put_group(&w, c, entry);
    }
    json_array_close(&w);
    resource_close(c, &w);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static const yyjson_val *assumed_entry(const struct composing *c, struct text id) {
    size_t index, max;
    yyjson_val *entry;
    yyjson_arr_foreach(json_get(c->folder->assumptions.root, "places"), index, max, entry) {
        if (text_equal(json_get_text(entry, "place"), id)) {
            return entry;
        }
    }
    return NULL;
}

static void compose_place(struct composing *c, enum table table, size_t index) {
    const struct csv *csv = &c->folder->tables[table];
    struct place place = {.table = csv, .row = &csv->rows[index], .is_post = table == TABLE_POSTS};
    if (place.is_post && cell(&place, "place").size > 0) {
        return; /* a hospital of the region too: written as that */
    }
    place.id = cell(&place, "id");
    place.name_ko = cell(&place, "name_ko");
    place.name_en = cell(&place, "name_en");
    place.assumed = place.is_post ? NULL : assumed_entry(c, place.id);
    place.labels = table == TABLE_NEIGHBOURS ? LABELLED_ASSUMED | LABELLED_NEIGHBOUR : LABELLED_NONE;
    compose_organization(c, &place);
    compose_location(c, &place);
    compose_service(c, &place);
    compose_affiliation(c, &place);
    compose_board(c, &place);
}

/* The wards that admissions name: which code of a place's own is which kind of bed. */
static void compose_ward(struct composing *c, const struct csv *wards, const struct csv_row *row) {
    struct text place = csv_cell(wards, row, "place"), code = csv_cell(wards, row, "point_of_care");
    struct json_writer w = resource_open(c, "Location", csv_cell(wards, row, "id"), LABELLED_ASSUMED);
    struct text bed = csv_cell(wards, row, "bed");
    if (bed.size > 0) {
        json_name(&w, "extension");
        json_array_open(&w);
        put_extension_text(&w, EXTENSION_WARD_BED, "valueCode", bed);
        json_array_close(&w);
    }
    json_name(&w, "identifier");
    json_array_open(&w);
    json_object_open(&w);
    json_member_string(&w, "system", IDENTIFIER_POINT_OF_CARE);
    json_member_text(
        &w, "value", text_format(c->scope->arena, "%.*s/%.*s", (int)place.size, place.at, (int)code.size, code.at));
    json_object_close(&w);
    json_array_close(&w);
    json_member_string(&w, "status", "active");
    json_member_text(&w, "name", csv_cell(wards, row, "name_ko"));
    json_member_string(&w, "mode", "instance");
    put_physical_type(&w, "wa");
    put_reference(&w, "managingOrganization", "Organization", place);
    put_reference(&w, "partOf", "Location", place);
    resource_close(c, &w);
}

void compose_places(struct composing *c) {
    static const enum table owners[] = {TABLE_PLACES, TABLE_NEIGHBOURS, TABLE_POSTS};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        size_t rows = c->folder->tables[owners[i]].row_count;
        for (size_t row = 0; row < rows; row++) {
            compose_place(c, owners[i], row);
        }
    }
    const struct csv *wards = &c->folder->tables[TABLE_WARDS];
    for (size_t row = 0; row < wards->row_count; row++) {
        compose_ward(c, wards, &wards->rows[row]);
    }
}
