/* Gathering: the region's resources become one snapshot of plain structs. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "region/duty.h"
#include "region/fetch.h"
#include "region/keeper.h"
#include "region/map.h"
#include "region/naming.h"
#include "region/notice.h"

enum { VERSION_ARENA_MAX = 64 << 20, SCRATCH_ARENA_MAX = 512 << 20, MONTHS_PER_YEAR = 12 };

struct gathering {
    const struct fetched *fetched;
    struct region_documents documents;
    struct on_call patterns;
    struct version *version;
    struct region_place *places; /* sorted by id */
    const struct region_road_table *roads;
    double people[REGION_AGE_BANDS];
    struct scope *scope; /* on the version's arena */
};

static struct text keep(const struct gathering *g, struct text text) {
    return text.at == NULL ? text : text_copy(g->scope->arena, text);
}

/* ---- codes ------------------------------------------------------------------------------------------------------ */

static size_t keep_codes(struct region_code *out, size_t count, size_t most, const struct gathering *g,
    enum table table, const char *column, const char *system) {
    const struct csv *csv = &g->documents.tables[table];
    for (size_t i = 0; csv->file != NULL && i < csv->row_count && count < most; i++) {
        const struct csv_row *row = &csv->rows[i];
        out[count++] = (struct region_code){
            .code = keep(g, csv_cell(csv, row, column)),
            .system = text_from(system),
            .name_ko = keep(g, csv_cell(csv, row, "display_ko")),
            .name_en = keep(g, csv_cell(csv, row, "display_en")),
        };
    }
    return count;
}

static void keep_all_codes(struct gathering *g) {
    struct region_snapshot *s = &g->version->snapshot;
    s->need_count = keep_codes(s->needs, 0, REGION_NEEDS_MAX, g, TABLE_CONDITIONS, "code", SYSTEM_CONDITION);
    s->need_count = keep_codes(s->needs, s->need_count, REGION_NEEDS_MAX, g, TABLE_NEEDS_OWN, "code", SYSTEM_NEED);
    s->bed_count = keep_codes(s->beds, 0, REGION_BEDS_MAX, g, TABLE_BEDS, "free", SYSTEM_BED);
    for (size_t i = 0; i < s->bed_count; i++) {
        const struct csv *beds = &g->documents.tables[TABLE_BEDS];
        s->bed_totals[i] = keep(g, csv_cell(beds, &beds->rows[i], "total"));
    }
    const struct csv *conditions = &g->documents.tables[TABLE_CONDITIONS];
    for (size_t i = 0; conditions->file != NULL && i < conditions->row_count && i < REGION_NEEDS_MAX; i++) {
        s->need_fields[i] = keep(g, csv_cell(conditions, &conditions->rows[i], "field"));
    }
    s->department_count =
        keep_codes(s->departments, 0, REGION_DEPARTMENTS_MAX, g, TABLE_DEPARTMENTS, "code", SYSTEM_DEPARTMENT);
}

static int find_code(const struct region_code *codes, size_t count, struct text code) {
    for (size_t i = 0; i < count; i++) {
        if (text_equal(codes[i].code, code)) {
            return (int)i;
        }
    }
    return -1;
}

int region_need_find(const struct region_snapshot *snapshot, struct text code) {
    return find_code(snapshot->needs, snapshot->need_count, code);
}

int region_bed_find(const struct region_snapshot *snapshot, struct text code) {
    return find_code(snapshot->beds, snapshot->bed_count, code);
}

int region_department_find(const struct region_snapshot *snapshot, struct text code) {
    return find_code(snapshot->departments, snapshot->department_count, code);
}

int region_place_find(const struct region_snapshot *snapshot, struct text id) {
    size_t low = 0, high = snapshot->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(snapshot->places[middle].id, id);
        if (order == 0) {
            return (int)middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return -1;
}

/* ---- organisations and locations -------------------------------------------------------------------------------- */

static struct text type_code(const yyjson_val *organization, const char *system) {
    size_t index, max;
    yyjson_val *type;
    yyjson_arr_foreach(json_get(organization, "type"), index, max, type) {
        struct text code = concept_code(type, system);
        if (code.at != NULL) {
            return code;
        }
    }
    return (struct text){0};
}

static bool is_post(const yyjson_val *organization) {
    size_t index, max;
    yyjson_val *identifier;
    yyjson_arr_foreach(json_get(organization, "identifier"), index, max, identifier) {
        if (text_is(json_get_text(identifier, "system"), IDENTIFIER_POST)) {
            return text_equal(json_get_text(identifier, "value"), json_get_text(organization, "id"));
        }
    }
    return false;
}

/* Ages the name of a condition implies hold wherever it is treated. */
static void limit_ages(struct region_place *place, int need, int64_t from_years, int64_t below_years) {
    int from = (int)(from_years < 200 ? from_years : 200) * MONTHS_PER_YEAR;
    int last = (int)(below_years < 200 ? below_years : 200) * MONTHS_PER_YEAR - 1;
    if (from_years >= 0 && from > place->age_min_months[need]) {
        place->age_min_months[need] = from;
    }
    if (below_years >= 0 && last < place->age_max_months[need]) {
        place->age_max_months[need] = last;
    }
}

static void start_ages(struct region_place *place, const struct gathering *g) {
    const struct csv *conditions = &g->documents.tables[TABLE_CONDITIONS];
    for (int need = 0; need < REGION_NEEDS_MAX; need++) {
        place->age_max_months[need] = INT_MAX;
    }
    for (size_t i = 0; conditions->file != NULL && i < conditions->row_count && i < REGION_NEEDS_MAX; i++) {
        int64_t from = -1, below = -1;
        (void)text_to_int64(&from, csv_cell(conditions, &conditions->rows[i], "age_from_y"));
        (void)text_to_int64(&below, csv_cell(conditions, &conditions->rows[i], "age_below_y"));
        limit_ages(place, (int)i, from, below);
    }
}

static void keep_organization(struct region_place *out, const struct gathering *g, const yyjson_val *organization) {
    bool active = true;
    (void)json_get_bool(&active, organization, "active");
    out->id = keep(g, json_get_text(organization, "id"));
    out->name_ko = keep(g, json_get_text(organization, "name"));
    out->name_en = keep(g, json_text(yyjson_arr_get_first(json_get(organization, "alias"))));
    out->kind = keep(g, type_code(organization, SYSTEM_KIND));
    out->point = (struct region_point){NAN, NAN};
    out->answer_night_factor = 1;
    out->closed = !active;
    out->neighbour = has_tag(organization, SYSTEM_LABEL, LABEL_NEIGHBOUR);
    out->control_room = text_is(type_code(organization, SYSTEM_ROLE), ROLE_CONTROL_ROOM);
    out->post = is_post(organization);
    start_ages(out, g);
}

static int compare_places(const void *a, const void *b) {
    return text_compare(((const struct region_place *)a)->id, ((const struct region_place *)b)->id);
}

static void keep_organizations(struct gathering *g) {
    size_t count = g->fetched->of[FETCHED_ORGANIZATION].count;
    g->places = ARENA_ARRAY(g->scope->arena, struct region_place, count + 1);
    for (size_t i = 0; i < count; i++) {
        const yyjson_val *organization = g->fetched->of[FETCHED_ORGANIZATION].at[i];
        if (!text_is(type_code(organization, SYSTEM_ROLE), ROLE_ASSUMPTIONS)) {
            keep_organization(&g->places[g->version->snapshot.place_count++], g, organization);
        }
    }
    qsort(g->places, g->version->snapshot.place_count, sizeof *g->places, compare_places);
    g->version->snapshot.places = g->places;
}

static struct region_place *find_place(const struct gathering *g, struct text id) {
    int index = region_place_find(&g->version->snapshot, id);
    return index < 0 ? NULL : &g->places[index];
}

/* A district's residents, by the bands of regions/README.md. */
static void count_people(struct gathering *g, const yyjson_val *district) {
    static const char *const bands[REGION_AGE_BANDS] = {
        "age-0-4", "age-5-14", "age-15-64", "age-65-74", "age-75-84", "age-85-up"};
    const yyjson_val *population = find_extension(district, EXTENSION_POPULATION);
    for (int i = 0; i < REGION_AGE_BANDS && population != NULL; i++) {
        int64_t people = 0;
        if (json_get_int64(&people, find_extension(population, bands[i]), "valueInteger")) {
            g->people[i] += (double)people;
        }
    }
}

static void keep_location(struct gathering *g, const yyjson_val *location) {
    if (text_is(concept_code(
                    json_get(location, "physicalType"), "http://terminology.hl7.org/CodeSystem/location-physical-type"),
            "area")) {
        g->version->snapshot.district_count++;
        count_people(g, location);
        return;
    }
    struct text id = json_get_text(location, "id");
    struct region_place *place = find_place(g, id);
    const yyjson_val *position = json_get(location, "position");
    if (place == NULL || !text_equal(region_reference_id(location, "managingOrganization", "Organization"), id)) {
        return;
    }
    (void)json_get_double(&place->point.latitude, position, "latitude");
    (void)json_get_double(&place->point.longitude, position, "longitude");
    struct text status = json_get_text(location, "status");
    place->closed = place->closed || (status.at != NULL && !text_is(status, "active"));
}

/* A place that stands nowhere cannot be reached: it is no place for a patient, unless it is the control room. */
static void drop_unplaced(struct gathering *g) {
    struct region_snapshot *s = &g->version->snapshot;
    size_t kept = 0;
    s->control_room = -1;
    for (size_t i = 0; i < s->place_count; i++) {
        bool is_placed = !isnan(g->places[i].point.latitude) && !isnan(g->places[i].point.longitude);
        if (!is_placed && !g->places[i].control_room) {
            continue;
        }
        g->places[kept] = g->places[i];
        s->control_room = g->places[kept].control_room ? (int)kept : s->control_room;
        kept++;
    }
    s->place_count = kept;
}

/* ---- what a place can do ---------------------------------------------------------------------------------------- */

static void keep_pattern(
    struct region_place *place, struct gathering *g, int need, const struct on_call_pattern *pattern) {
    enum { HOURS = 24, CELLS = HOURS * REGION_NEEDS_MAX };
    if (place->on_call == NULL) {
        uint8_t *hours = arena_alloc(g->scope->arena, 2 * CELLS);
        memset(hours, 100, 2 * CELLS);
        place->on_call = hours;
        place->on_call_weekend = hours + CELLS;
    }
    for (int hour = 0; hour < HOURS; hour++) {
        ((uint8_t *)place->on_call)[hour * REGION_NEEDS_MAX + need] = pattern->weekday[hour];
        ((uint8_t *)place->on_call_weekend)[hour * REGION_NEEDS_MAX + need] = pattern->weekend[hour];
    }
    place->call_in_minutes[need] = pattern->call_in_minutes;
}

static void keep_need(struct region_place *place, struct gathering *g, const yyjson_val *type) {
    struct text code = concept_code(type, SYSTEM_CONDITION);
    int need = region_need_find(&g->version->snapshot, code.at != NULL ? code : concept_code(type, SYSTEM_NEED));
    if (need < 0) {
        return;
    }
    const yyjson_val *assumed = find_extension(type, EXTENSION_ASSUMED), *ages = find_extension(type, EXTENSION_AGE);
    int64_t from = -1, below = -1;
    place->needs |= UINT64_C(1) << need;
    if (assumed == NULL || !text_is(json_get_text(find_extension(assumed, "what"), "valueCode"), "need")) {
        place->needs_sourced |= UINT64_C(1) << need;
    }
    (void)json_get_int64(&from, find_extension(ages, "from"), "valueInteger");
    (void)json_get_int64(&below, find_extension(ages, "below"), "valueInteger");
    limit_ages(place, need, from, below);
    const struct on_call_pattern *pattern =
        on_call_find(&g->patterns, json_get_text(find_extension(assumed, "on-call"), "valueString"));
    if (pattern != NULL) {
        keep_pattern(place, g, need, pattern);
    }
}

/* Outside of these a response is not stated: what one place writes must not make another's minutes infinite. */
#define RESPONSE_MOST_MIN 1440.
#define RESPONSE_FACTOR_MOST 10.

static void keep_response(struct region_place *place, const yyjson_val *response) {
    double minutes = 0, factor = 0;
    if (json_get_double(&minutes, find_extension(response, "minutes"), "valueDecimal") && minutes >= 0 &&
        minutes <= RESPONSE_MOST_MIN) {
        place->answer_minutes = minutes;
    }
    if (json_get_double(&factor, find_extension(response, "night-factor"), "valueDecimal") && factor > 0 &&
        factor <= RESPONSE_FACTOR_MOST) {
        place->answer_night_factor = factor;
    }
}

static void keep_service(struct gathering *g, const yyjson_val *service) {
    bool active = true;
    (void)json_get_bool(&active, service, "active");
    struct region_place *place = find_place(g, region_reference_id(service, "providedBy", "Organization"));
    if (place == NULL || !active) {
        return;
    }
    size_t index, max;
    yyjson_val *concept;
    yyjson_arr_foreach(json_get(service, "type"), index, max, concept) {
        keep_need(place, g, concept);
    }
    yyjson_arr_foreach(json_get(service, "specialty"), index, max, concept) {
        int department = region_department_find(&g->version->snapshot, concept_code(concept, SYSTEM_DEPARTMENT));
        if (department >= 0) {
            place->departments[department / 64] |= UINT64_C(1) << (department % 64);
        }
    }
    keep_response(place, find_extension(service, EXTENSION_RESPONSE));
}

static void keep_affiliation(struct gathering *g, const yyjson_val *affiliation) {
    bool active = true;
    (void)json_get_bool(&active, affiliation, "active");
    struct region_place *place =
        find_place(g, region_reference_id(affiliation, "participatingOrganization", "Organization"));
    size_t index, max;
    yyjson_val *code;
    yyjson_arr_foreach(json_get(affiliation, "code"), index, max, code) {
        enum region_tier tier = table_tier(concept_code(code, SYSTEM_TIER));
        if (place != NULL && active && tier > place->tier) {
            place->tier = tier;
        }
    }
}

/* ---- counts ----------------------------------------------------------------------------------------------------- */

static void keep_count(struct region_count *count, const yyjson_val *group) {
    size_t index, max;
    yyjson_val *population;
    yyjson_arr_foreach(json_get(group, "population"), index, max, population) {
        int64_t number = 0;
        struct text code = concept_code(json_get(population, "code"), SYSTEM_COUNT);
        if (!json_get_int64(&number, population, "count") || number < -GUARD_COUNT_MOST || number > GUARD_COUNT_MOST) {
            continue;
        }
        if (text_is(code, "free")) {
            count->free = (int)number;
            count->known = true;
        } else if (text_is(code, "total")) {
            count->total = (int)number;
        }
    }
}

/* A count that followed admissions, or stood while another did, has an age and an author of its own. */
static void keep_said(struct region_count *count, const yyjson_val *said, struct arena *arena) {
    int64_t at_us = 0;
    struct text by = json_get_text(json_get(find_extension(said, "by"), "valueReference"), "reference");
    if (said != NULL && by.size > 0 && time_parse(&at_us, json_get_text(find_extension(said, "at"), "valueInstant"))) {
        count->said_us = at_us;
        count->author = text_copy(arena, by);
    }
}

static void keep_declared(
    struct region_place *place, const struct region_snapshot *snapshot, const yyjson_val *group, int64_t said_us) {
    int need = region_need_find(snapshot, concept_code(json_get(group, "code"), SYSTEM_CONDITION));
    int64_t accepts = -1;
    size_t index, max;
    yyjson_val *population;
    yyjson_arr_foreach(json_get(group, "population"), index, max, population) {
        if (text_is(concept_code(json_get(population, "code"), SYSTEM_COUNT), "accepts")) {
            (void)json_get_int64(&accepts, population, "count");
        }
    }
    if (need >= 0 && accepts >= 0) {
        *(accepts == 1 ? &place->declared_yes : &place->declared_no) |= UINT64_C(1) << need;
        place->declared_us[need] = said_us;
    }
}

static void keep_report(
    struct region_place *place, const struct region_snapshot *snapshot, const yyjson_val *report, struct arena *arena) {
    struct fhir_interval said;
    memset(place->beds, 0, sizeof place->beds);
    place->declared_yes = place->declared_no = 0;
    place->notice_count = 0;
    if (!fhir_interval_parse(&said, json_get_text(report, "date"), snapshot->zone_minutes)) {
        return; /* a count without its age is not believed */
    }
    struct text author = text_copy(arena, json_get_text(json_get(report, "reporter"), "reference"));
    size_t index, max;
    yyjson_val *group;
    yyjson_arr_foreach(json_get(report, "group"), index, max, group) {
        int bed = region_bed_find(snapshot, concept_code(json_get(group, "code"), SYSTEM_BED));
        if (bed >= 0) {
            place->beds[bed] = (struct region_count){.said_us = said.start_us, .author = author};
            keep_said(&place->beds[bed], find_extension(group, EXTENSION_SAID), arena);
            keep_count(&place->beds[bed], group);
        } else if (notice_is(group)) {
            notice_keep(place, snapshot, group, arena);
        } else {
            struct region_count own = {.said_us = said.start_us};
            keep_said(&own, find_extension(group, EXTENSION_SAID), arena);
            keep_declared(place, snapshot, group, own.said_us);
        }
    }
}

static void keep_duties(const struct fetched *fetched, const struct region_snapshot *snapshot,
    struct region_place *places, struct arena *arena) {
    for (size_t i = 0; i < fetched->of[FETCHED_DUTY].count; i++) {
        const yyjson_val *duty = fetched->of[FETCHED_DUTY].at[i];
        int place = region_place_find(snapshot, region_reference_id(duty, "organization", "Organization"));
        if (place >= 0) {
            duty_keep(&places[place], snapshot, duty, fetched->of[FETCHED_PERSON].at[i], arena);
        }
    }
}

static struct text place_of_report(const yyjson_val *report) {
    struct text id = json_get_text(report, "id");
    const size_t prefix = sizeof CAPACITY_PREFIX - 1;
    return text_starts(id, CAPACITY_PREFIX) ? (struct text){id.at + prefix, id.size - prefix} : (struct text){0};
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static enum status keep_settings(struct gathering *g, struct scope *scope) {
    struct region_snapshot *s = &g->version->snapshot;
    struct settings settings;
    if (g->documents.region.file == NULL || g->documents.policy.file == NULL) {
        return fault(scope, STATUS_INVALID, "Library",
            "the region's documents lack region.json or policy.json: load the region again");
    }
    enum status status = settings_read(&settings, &g->documents.region, scope);
    if (status == STATUS_OK) {
        status = settings_read_board(&s->board, &g->documents.policy, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    s->id = keep(g, settings.id);
    s->name_ko = keep(g, settings.name_ko);
    s->name_en = keep(g, settings.name_en);
    s->travel = settings.travel;
    s->travel.source = keep(g, settings.travel.source);
    s->south_west = (struct region_point){settings.bounds.south, settings.bounds.west};
    s->north_east = (struct region_point){settings.bounds.north, settings.bounds.east};
    s->zone_minutes = settings.zone_minutes;
    s->policy = keep(g, g->documents.policy.source);
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    digest_sha256(digest, s->policy);
    digest_text(hex, digest);
    s->policy_hash = keep(g, text_from(hex));
    return g->documents.assumptions.file == NULL ? STATUS_OK
                                                 : on_call_read(&g->patterns, &g->documents.assumptions, scope);
}

/* After the places and what they can do. */
static enum status keep_readings(struct gathering *g, struct scope *scope) {
    struct region_snapshot *s = &g->version->snapshot;
    if (g->documents.readings.file == NULL) {
        return STATUS_OK;
    }
    struct region_readings *readings = ARENA_NEW(scope->arena, struct region_readings);
    enum status status = region_readings_read(readings, g->documents.readings.root, scope);
    if (status == STATUS_OK) {
        for (int i = 0; i < REGION_AGE_BANDS; i++) {
            readings->people[i] = g->people[i];
        }
        region_readings_settle(readings, s, scope->arena);
        s->readings = readings;
    }
    return status;
}

static void keep_each(
    struct gathering *g, enum fetched_kind kind, void (*keep_one)(struct gathering *, const yyjson_val *)) {
    for (size_t i = 0; i < g->fetched->of[kind].count; i++) {
        keep_one(g, g->fetched->of[kind].at[i]);
    }
}

static void keep_first_report(struct gathering *g, const yyjson_val *report) {
    struct region_place *place = find_place(g, place_of_report(report));
    if (place != NULL) {
        keep_report(place, &g->version->snapshot, report, g->scope->arena);
    }
}

static enum status build_structure(void *context, struct scope *scope) {
    struct gathering *g = context;
    g->scope = scope;
    g->version->snapshot.control_room = -1;
    g->version->snapshot.board = region_board_default;
    g->version->snapshot.roads = g->roads;
    if (g->fetched->of[FETCHED_LIBRARY].count == 0) {
        return STATUS_OK; /* no region is loaded: an empty snapshot */
    }
    enum status status = keep_settings(g, scope);
    if (status != STATUS_OK) {
        return status;
    }
    keep_all_codes(g);
    keep_organizations(g);
    keep_each(g, FETCHED_LOCATION, keep_location);
    drop_unplaced(g);
    keep_each(g, FETCHED_SERVICE, keep_service);
    keep_each(g, FETCHED_AFFILIATION, keep_affiliation);
    keep_each(g, FETCHED_REPORT, keep_first_report);
    keep_duties(g->fetched, &g->version->snapshot, g->places, scope->arena);
    enum status kept = keep_readings(g, scope);
    return kept == STATUS_OK ? map_compose(g->version, &g->documents, scope) : kept;
}

static struct version *version_open(uint64_t sequence) {
    struct arena *arena = arena_open(VERSION_ARENA_MAX);
    struct version *version = arena == NULL ? NULL : calloc(1, sizeof *version);
    if (version == NULL) {
        arena_close(arena);
        return NULL;
    }
    version->arena = arena;
    version->snapshot.sequence = sequence;
    atomic_init(&version->holders, 1);
    return version;
}

void version_hold(struct version *version) {
    atomic_fetch_add_explicit(&version->holders, 1, memory_order_relaxed);
}

void version_release(struct version *version) {
    while (version != NULL && atomic_fetch_sub_explicit(&version->holders, 1, memory_order_acq_rel) == 1) {
        struct version *structure = version->structure;
        arena_close(version->arena);
        free(version);
        version = structure;
    }
}

/* Publishes nothing: on failure nothing is left and the issues are in `scope`. */
static enum status finish(
    struct version **out, struct version *version, enum status status, const struct fault *said, struct scope *scope) {
    if (status == STATUS_OK) {
        *out = version;
        return STATUS_OK;
    }
    fault_carry(scope, said);
    version_release(version);
    return status;
}

/* What is read lives in an arena of its own, for as long as it takes. Inside a unit, running out of it must not end the
 * unit's thread, so that the reading is shielded; records shields its own. */
struct fetching {
    struct fetched fetched;
    const struct gather_source *source;
    const struct text *places; /* NULL: the whole region */
    size_t place_count;
    struct gathering *gathering; /* documents go there */
};

static enum status fetch(void *context, struct scope *scope) {
    struct fetching *f = context;
    if (f->places != NULL) {
        return fetch_reports(&f->fetched, f->places, f->place_count, f->source, scope);
    }
    return fetch_region(&f->fetched, f->source, scope);
}

static enum status fetch_all(void *context, struct scope *scope) {
    struct fetching *f = context;
    return f->places != NULL ? STATUS_OK : fetch_documents(&f->gathering->documents, &f->fetched, scope);
}

static enum status run_fetch(struct fetching *f, struct arena *scratch, struct scope *own) {
    *own = (struct scope){.arena = scratch};
    enum status status = f->source->unit != NULL ? scope_run(own, scratch, fetch, f) : fetch(f, own);
    return status == STATUS_OK ? scope_run(own, scratch, fetch_all, f) : status;
}

enum status gather_structure(
    struct version **out, const struct gather_source *source, uint64_t sequence, struct scope *scope) {
    struct arena *scratch = arena_open(SCRATCH_ARENA_MAX);
    struct version *version = version_open(sequence);
    if (scratch == NULL || version == NULL) {
        arena_close(scratch);
        version_release(version);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to gather the region");
    }
    struct gathering gathering = {.version = version, .roads = source->roads};
    struct fetching fetching = {.source = source, .gathering = &gathering};
    struct scope own;
    enum status status = run_fetch(&fetching, scratch, &own);
    struct scope building = own;
    if (status == STATUS_OK) {
        gathering.fetched = &fetching.fetched;
        status = scope_run(&building, version->arena, build_structure, &gathering);
    }
    status = finish(out, version, status, &building.fault, scope);
    arena_close(scratch);
    return status;
}

/* ---- counts alone ----------------------------------------------------------------------------------------------- */

struct recount {
    struct version *version;
    const struct version *from;
    const struct fetched *fetched;
    const struct text *places;
    size_t place_count;
};

/* Authors of the version before go when it goes: each is copied, neighbouring equal ones once. */
static void keep_authors(struct region_place *place, struct arena *arena) {
    struct text old = {0}, copy = {0};
    for (size_t bed = 0; bed < REGION_BEDS_MAX; bed++) {
        struct text author = place->beds[bed].author;
        if (author.at != NULL && author.at != old.at) {
            old = author;
            copy = text_copy(arena, author);
        }
        place->beds[bed].author = author.at == NULL ? author : copy;
    }
}

static enum status build_counts(void *context, struct scope *scope) {
    struct recount *recount = context;
    struct region_snapshot *s = &recount->version->snapshot;
    struct region_place *places = ARENA_ARRAY(scope->arena, struct region_place, s->place_count + 1);
    memcpy(places, s->places, s->place_count * sizeof *places);
    for (size_t i = 0; i < s->place_count; i++) {
        keep_authors(&places[i], scope->arena);
        duty_copy(&places[i], scope->arena);
        notice_copy(&places[i], scope->arena);
    }
    s->places = places;
    for (size_t i = 0; i < recount->place_count; i++) {
        int place = region_place_find(s, recount->places[i]);
        if (place >= 0) {
            memset(places[place].beds, 0, sizeof places[place].beds);
            places[place].declared_yes = places[place].declared_no = 0;
            places[place].duty_count = 0;
            places[place].notice_count = 0;
        }
    }
    keep_duties(recount->fetched, s, places, scope->arena);
    for (size_t i = 0; i < recount->fetched->of[FETCHED_REPORT].count; i++) {
        const yyjson_val *report = recount->fetched->of[FETCHED_REPORT].at[i];
        int place = region_place_find(s, place_of_report(report));
        if (place >= 0) {
            keep_report(&places[place], s, report, scope->arena);
        }
    }
    return STATUS_OK;
}

enum status gather_counts(struct version **out, struct version *from, const struct text *places, size_t place_count,
    const struct gather_source *source, uint64_t sequence, struct scope *scope) {
    struct arena *scratch = arena_open(SCRATCH_ARENA_MAX);
    struct version *version = version_open(sequence);
    if (scratch == NULL || version == NULL) {
        arena_close(scratch);
        version_release(version);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to gather the region");
    }
    version->snapshot = from->snapshot;
    version->snapshot.sequence = sequence;
    version->structure = from->structure != NULL ? from->structure : from;
    version_hold(version->structure);
    struct fetching fetching = {.source = source, .places = places, .place_count = place_count};
    struct scope own;
    enum status status = run_fetch(&fetching, scratch, &own);
    struct scope building = own;
    if (status == STATUS_OK) {
        struct recount recount = {version, from, &fetching.fetched, places, place_count};
        status = scope_run(&building, version->arena, build_counts, &recount);
    }
    status = finish(out, version, status, &building.fault, scope);
    arena_close(scratch);
    return status;
}
