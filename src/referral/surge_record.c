#include "referral/surge_record.h"

#include <math.h>

#include "referral/task.h"

#define INPUTS_URL TRIAGE_BASE "/StructureDefinition/surge-inputs"
#define OUTPUTS_URL TRIAGE_BASE "/StructureDefinition/surge-outputs"
enum { RECORD_BYTES_MAX = 32 << 20, CHUNK_BYTES = 256 * 1024 }; /* a FHIR string has at most 1,048,576 characters */

/* ---- changes ------------------------------------------------------------------------------------------------------------ */

enum status surge_change_apply(
    struct surge_change *change, struct surge *surge, struct assignment_certificate *certificate, struct scope *scope) {
    struct assignment_certificate before;
    if (change->column < 0) {
        return STATUS_OK;
    }
    assignment_certify(&before, surge->assignment, &surge->problem);
    int64_t began_us = clock_monotonic_us();
    enum status status = assignment_change(
        &change->moves, &change->move_count, surge->assignment, change->column, change->bed.free, scope);
    change->us = clock_monotonic_us() - began_us;
    if (status == STATUS_OK) {
        surge->capacity[change->column] = change->bed.free;
        surge->columns[change->column].beds = change->bed.free;
        surge->columns[change->column].typed = true;
        assignment_certify(certificate, surge->assignment, &surge->problem);
        change->saved = before.primal - certificate->primal;
    }
    return status;
}

/* Of the wave's inputs. /1: readings were certain, their costs too; the costs are kept, so that both replay alike. */
static const char *const formats[] = {"soyang-surge/1", "soyang-surge/2"};
#define FORMAT formats[1]
#define CHANCE_TOLD 5e-7 /* six decimals of less are none */

/* ---- inputs --------------------------------------------------------------------------------------------------------------- */

static void write_group(struct json_writer *w, const struct surge *surge, size_t g) {
    const struct surge_group *group = &surge->groups[g];
    const struct surge_way *first = surge->first_choice[g];
    json_object_open(w);
    json_member_text(w, "label", group->label);
    json_member_int(w, "level", group->patient.level);
    json_member_int(w, "count", group->count);
    json_name(w, "needs");
    json_array_open(w);
    for (uint64_t left = group->patient.needs; left != 0; left &= left - 1) {
        json_string_text(w, surge->snapshot->needs[__builtin_ctzll(left)].code);
    }
    json_array_close(w);
    json_member_decimal(w, "latitude", group->patient.origin.latitude, 6);
    json_member_decimal(w, "longitude", group->patient.origin.longitude, 6);
    if (group->patient.confirmed.size > 0) {
        json_member_text(w, "confirmed", group->patient.confirmed);
    }
    if (surge->doubt_of[g] != NULL) {
        json_member_int(w, "doubt", (int64_t)surge->doubt_of[g]->number);
    }
    if (first != NULL) {
        json_member_text(w, "first", surge->snapshot->places[first->place].id);
    }
    json_name(w, "ways"); /* by column: cost, minutes, chance, value */
    json_array_open(w);
    for (size_t j = 0; j < surge->column_count; j++) {
        if (surge->costs[g][j] == ASSIGNMENT_NEVER) {
            continue;
        }
        const struct surge_way *way = surge_way_find(surge, (int)g, surge->columns[j].place);
        json_array_open(w);
        json_int(w, (int64_t)j);
        json_int(w, surge->costs[g][j]);
        json_decimal(w, way->minutes, 1);
        json_decimal(w, way->chance, 3);
        json_decimal(w, way->value, 6);
        json_array_close(w);
    }
    json_array_close(w);
    json_object_close(w);
}

static void write_column(struct json_writer *w, const struct surge *surge, const struct surge_column *column) {
    json_object_open(w);
    json_member_text(w, "place", surge->snapshot->places[column->place].id);
    json_member_int(w, "free", column->beds);
    if (column->bed >= 0) {
        const struct region_count *count = &surge->snapshot->places[column->place].beds[column->bed];
        json_member_text(w, "bed", surge->snapshot->beds[column->bed].code);
        if (column->typed) {
            json_member_bool(w, "typed", true);
        } else {
            json_member_int(w, "said_us", count->said_us);
            json_member_text(w, "author", count->author);
        }
    } else {
        json_member_bool(w, "assumed", true);
    }
    json_object_close(w);
}

/* What readings that are alike may hide, and what it means at the places of the wave: [need, chance], [place, chance, minutes]. */
static void write_doubt(struct json_writer *w, const struct surge *surge, const struct surge_doubt *doubt) {
    const struct referral_case *patient = &doubt->patient;
    json_object_open(w);
    if (doubt->read_as.size > 0) {
        json_member_text(w, "read_as", doubt->read_as);
    }
    json_member_int(w, "level", patient->level);
    json_member_int(w, "age_months", patient->age_months);
    json_name(w, "may_need");
    json_array_open(w);
    for (size_t i = 0; i < patient->doubt_count; i++) {
        json_array_open(w);
        json_string_text(w, patient->doubts[i].need);
        json_decimal(w, patient->doubts[i].chance, 6);
        json_array_close(w);
    }
    json_array_close(w);
    json_name(w, "wrong");
    json_array_open(w);
    for (size_t i = 0; i < surge->snapshot->place_count; i++) {
        const struct referral_wrong *wrong = &patient->wrong[i];
        if (wrong->chance < CHANCE_TOLD) {
            continue;
        }
        json_array_open(w);
        json_string_text(w, surge->snapshot->places[i].id);
        json_decimal(w, wrong->chance, 6);
        json_decimal(w, wrong->minutes, 1);
        json_array_close(w);
    }
    json_array_close(w);
    json_object_close(w);
}

enum status surge_record_inputs(struct text *out, const struct surge *surge, const struct surge_policy *policy,
    const struct surge_change *changes, size_t change_count, int64_t now_us, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORD_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "format", FORMAT);
    json_member_text(&w, "policy", surge->snapshot->policy_hash);
    json_member_int(&w, "now_us", now_us);
    json_name(&w, "weights");
    json_array_open(&w);
    for (int level = 1; level <= 5; level++) {
        json_decimal(&w, policy->weights[level], 6);
    }
    json_array_close(&w);
    json_name(&w, "columns");
    json_array_open(&w);
    for (size_t j = 0; j < surge->column_count; j++) {
        write_column(&w, surge, &surge->columns[j]);
    }
    json_array_close(&w);
    json_name(&w, "doubts");
    json_array_open(&w);
    for (size_t i = 0; i < surge->doubt_count; i++) {
        write_doubt(&w, surge, surge->doubts[i]);
    }
    json_array_close(&w);
    json_name(&w, "groups");
    json_array_open(&w);
    for (size_t g = 0; g < surge->group_count; g++) {
        write_group(&w, surge, g);
    }
    json_array_close(&w);
    json_name(&w, "changes");
    json_array_open(&w);
    for (size_t i = 0; i < change_count; i++) {
        json_object_open(&w);
        json_member_int(&w, "column", surge_column_find(surge, changes[i].bed.place, changes[i].bed.bed));
        json_member_text(&w, "place", surge->snapshot->places[changes[i].bed.place].id);
        json_member_text(&w, "bed", surge->snapshot->beds[changes[i].bed.bed].code);
        json_member_int(&w, "free", changes[i].bed.free);
        json_object_close(&w);
    }
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

/* ---- outputs -------------------------------------------------------------------------------------------------------------- */

static void write_certificate(struct json_writer *w, const struct assignment_certificate *certificate) {
    json_name(w, "certificate");
    json_object_open(w);
    json_member_bool(w, "optimal", certificate->optimal);
    json_member_int(w, "primal", certificate->primal);
    json_member_int(w, "dual", certificate->dual);
    json_object_close(w);
}

/* How many of a group are in each column; the last place of `counts` is for who stays unplaced. */
static void count_group(int *counts, const struct surge *surge, size_t g) {
    for (size_t j = 0; j <= surge->column_count; j++) {
        counts[j] = 0;
    }
    for (int n = 0; n < surge->groups[g].count; n++) {
        int column = assignment_place(surge->assignment, (int)surge->first_of[g] + n);
        counts[column == ASSIGNMENT_UNPLACED ? surge->column_count : (size_t)column]++;
    }
}

static void write_placed(struct json_writer *w, const struct surge *surge, const int *counts, size_t g) {
    const struct surge_way *first = surge->first_choice[g];
    for (size_t j = 0; j <= surge->column_count; j++) {
        if (counts[j] == 0) {
            continue;
        }
        json_object_open(w);
        json_member_text(w, "label", surge->groups[g].label);
        json_member_int(w, "patients", counts[j]);
        if (j == surge->column_count) {
            json_member_bool(w, "unplaced", true);
        } else {
            json_member_int(w, "column", (int64_t)j);
        }
        if (first != NULL && (j == surge->column_count || surge->columns[j].place != first->place)) {
            json_member_text(w, "gives_way_at", surge->snapshot->places[first->place].id);
        }
        json_object_close(w);
    }
}

static void write_exchange(struct json_writer *w, const struct surge_change *change) {
    json_object_open(w);
    json_member_int(w, "column", change->column);
    json_member_int(w, "saved", change->saved);
    json_name(w, "moves");
    json_array_open(w);
    for (size_t i = 0; i < change->move_count; i++) {
        json_array_open(w);
        json_int(w, change->moves[i].patient);
        json_int(w, change->moves[i].from);
        json_int(w, change->moves[i].to);
        json_array_close(w);
    }
    json_array_close(w);
    json_object_close(w);
}

enum status surge_record_outputs(struct text *out, const struct surge *surge,
    const struct assignment_certificate *certificate, const struct surge_change *changes, size_t change_count,
    struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORD_BYTES_MAX);
    int *counts = ARENA_ARRAY(scope->arena, int, surge->column_count + 1);
    json_object_open(&w);
    write_certificate(&w, certificate);
    json_name(&w, "placed");
    json_array_open(&w);
    for (size_t g = 0; g < surge->group_count; g++) {
        count_group(counts, surge, g);
        write_placed(&w, surge, counts, g);
    }
    json_array_close(&w);
    json_name(&w, "beds"); /* by column: used, price */
    json_array_open(&w);
    for (size_t j = 0; j < surge->column_count; j++) {
        json_array_open(&w);
        json_int(&w, assignment_load(surge->assignment, (int)j));
        json_int(&w, assignment_price(surge->assignment, (int)j));
        json_array_close(&w);
    }
    json_array_close(&w);
    json_name(&w, "exchanges");
    json_array_open(&w);
    for (size_t i = 0; i < change_count; i++) {
        write_exchange(&w, &changes[i]);
    }
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

/* ---- keeping -------------------------------------------------------------------------------------------------------------- */

static size_t chunk_of(struct text rest) {
    size_t size = rest.size < CHUNK_BYTES ? rest.size : CHUNK_BYTES;
    while (size < rest.size && ((unsigned char)rest.at[size] & 0xC0) == 0x80) {
        size--; /* not within a character */
    }
    return size;
}

static void write_chunks(struct json_writer *w, const char *url, struct text whole) {
    for (struct text rest = whole; rest.size > 0;) {
        size_t size = chunk_of(rest);
        json_object_open(w);
        json_member_string(w, "url", url);
        json_member_text(w, "valueString", (struct text){rest.at, size});
        json_object_close(w);
        rest = (struct text){rest.at + size, rest.size - size};
    }
}

static struct text read_chunks(const yyjson_val *stored, const char *url, struct scope *scope) {
    struct buffer out = buffer_open(scope->arena, 2 * (size_t)RECORD_BYTES_MAX);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(stored, "extension"), index, count, item) {
        if (text_is(json_get_text(item, "url"), url)) {
            buffer_put(&out, json_get_text(item, "valueString"));
        }
    }
    return buffer_text(&out);
}

enum status surge_record_store(struct text *reference_out, struct records_unit *unit, struct text inputs,
    struct text outputs, struct scope *scope) {
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, records_unit_time_us(unit));
    struct json_writer writer = json_writer_open(scope->arena, 4 * (size_t)RECORD_BYTES_MAX), *w = &writer;
    struct text body = {0}, id = {0};
    json_object_open(w);
    json_member_string(w, "resourceType", "GuidanceResponse");
    json_name(w, "extension");
    json_array_open(w);
    write_chunks(w, INPUTS_URL, inputs);
    write_chunks(w, OUTPUTS_URL, outputs);
    json_array_close(w);
    json_member_string(w, "moduleUri", SURGE_MODULE);
    json_member_string(w, "status", "success");
    json_member_string(w, "occurrenceDateTime", now);
    json_name(w, "performer");
    json_object_open(w);
    json_member_string(w, "reference", REFERRAL_DEVICE);
    json_object_close(w);
    json_object_close(w);
    enum status status = json_finish(&body, w, scope);
    if (status == STATUS_OK) {
        status = records_unit_put(&id, unit, body, scope);
    }
    if (status == STATUS_OK) {
        *reference_out = text_format(scope->arena, "GuidanceResponse/%.*s", (int)id.size, id.at);
    }
    return status;
}

/* ---- again ---------------------------------------------------------------------------------------------------------------- */

bool surge_record_is(const yyjson_val *guidance_response) {
    return text_is(json_get_text(guidance_response, "moduleUri"), SURGE_MODULE);
}

struct rebuilding {
    struct surge surge;
    struct surge_policy policy;
    struct region_snapshot *snapshot; /* places by id, nothing else */
    struct region_place *places;
    struct surge_change *changes;
    size_t change_count;
    struct scope *scope;
};

/* In the order of their coming, not by id: no place for region_place_find. */
static int place_of(struct rebuilding *r, struct text id) {
    for (size_t i = 0; i < r->snapshot->place_count; i++) {
        if (text_equal(r->places[i].id, id)) {
            return (int)i;
        }
    }
    r->places[r->snapshot->place_count] = (struct region_place){.id = id};
    return (int)r->snapshot->place_count++;
}

static int64_t whole(const yyjson_val *object, const char *name) {
    int64_t value = 0;
    (void)json_get_int64(&value, object, name);
    return value;
}

static bool rebuild_columns(struct rebuilding *r, const yyjson_val *columns) {
    size_t index, count;
    yyjson_val *item;
    r->surge.columns = ARENA_ARRAY(r->scope->arena, struct surge_column, json_count(columns) + 1);
    yyjson_arr_foreach((yyjson_val *)columns, index, count, item) {
        r->surge.columns[r->surge.column_count++] =
            (struct surge_column){.place = place_of(r, json_get_text(item, "place")), .beds = (int)whole(item, "free")};
    }
    return r->surge.column_count <= ASSIGNMENT_PLACES_MAX;
}

static bool rebuild_ways(struct rebuilding *r, int64_t *costs, const yyjson_val *ways) {
    size_t index, count;
    yyjson_val *way;
    for (size_t j = 0; j < r->surge.column_count; j++) {
        costs[j] = ASSIGNMENT_NEVER;
    }
    yyjson_arr_foreach((yyjson_val *)ways, index, count, way) {
        int64_t column = -1, cost = 0;
        bool good = text_to_int64(&column, json_number_text(yyjson_arr_get(way, 0))) &&
                    text_to_int64(&cost, json_number_text(yyjson_arr_get(way, 1)));
        if (!good || column < 0 || column >= (int64_t)r->surge.column_count) {
            return false;
        }
        costs[column] = cost;
    }
    return true;
}

static bool rebuild_groups(struct rebuilding *r, const yyjson_val *groups) {
    struct surge *surge = &r->surge;
    struct arena *arena = r->scope->arena;
    size_t index, count, room = json_count(groups) + 1;
    yyjson_val *item;
    struct surge_group *rows = ARENA_ARRAY(arena, struct surge_group, room);
    surge->groups = rows;
    surge->costs = ARENA_ARRAY(arena, int64_t *, room);
    surge->first_of = ARENA_ARRAY(arena, size_t, room);
    surge->first_choice = ARENA_ARRAY(arena, const struct surge_way *, room);
    yyjson_arr_foreach((yyjson_val *)groups, index, count, item) {
        int64_t level = whole(item, "level"), patients = whole(item, "count");
        struct text first = json_get_text(item, "first");
        surge->costs[index] = ARENA_ARRAY(arena, int64_t, surge->column_count + 1);
        if (level < 1 || level > 5 || patients < 1 || patients > SURGE_PATIENTS_MAX ||
            !rebuild_ways(r, surge->costs[index], json_get(item, "ways"))) {
            return false;
        }
        rows[index] = (struct surge_group){
            .label = json_get_text(item, "label"), .patient = {.level = (int)level}, .count = (int)patients};
        surge->patient_count += (size_t)patients;
        if (first.size > 0) {
            struct surge_way *way = ARENA_NEW(arena, struct surge_way);
            *way = (struct surge_way){.place = place_of(r, first)};
            surge->first_choice[index] = way;
        }
        surge->group_count++;
    }
    return surge->patient_count <= SURGE_PATIENTS_MAX;
}

static bool is_format(struct text format) {
    return text_is(format, formats[0]) || text_is(format, formats[1]);
}

static bool rebuild(struct rebuilding *r, const yyjson_val *root) {
    const yyjson_val *columns = json_get(root, "columns"), *groups = json_get(root, "groups");
    const yyjson_val *changes = json_get(root, "changes");
    struct arena *arena = r->scope->arena;
    size_t index, count;
    yyjson_val *item;
    r->places = ARENA_ARRAY(arena, struct region_place, json_count(columns) + json_count(groups) + 1);
    r->snapshot = ARENA_NEW(arena, struct region_snapshot);
    r->snapshot->places = r->places;
    r->surge.snapshot = r->snapshot;
    yyjson_arr_foreach((yyjson_val *)json_get(root, "weights"), index, count, item) {
        if (index < 5) {
            (void)text_to_double(&r->policy.weights[index + 1], json_number_text(item));
        }
    }
    if (!is_format(json_get_text(root, "format")) || !rebuild_columns(r, columns) || !rebuild_groups(r, groups)) {
        return false;
    }
    r->changes = ARENA_ARRAY(arena, struct surge_change, json_count(changes) + 1);
    yyjson_arr_foreach((yyjson_val *)changes, index, count, item) {
        int64_t column = whole(item, "column");
        if (column < -1 || column >= (int64_t)r->surge.column_count) {
            return false;
        }
        r->changes[r->change_count++] =
            (struct surge_change){.column = (int)column, .bed = {.free = (int)whole(item, "free")}};
    }
    surge_number_patients(&r->surge, &r->policy, arena);
    return true;
}

static enum status again(struct text *out, struct text inputs, struct scope *scope) {
    struct rebuilding r = {.scope = scope};
    struct assignment_certificate certificate;
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, inputs, scope);
    if (status == STATUS_OK && !rebuild(&r, yyjson_doc_get_root(doc))) {
        status = fault(scope, STATUS_UNPROCESSABLE, "GuidanceResponse.extension", "the inputs are of no wave");
    }
    status = status == STATUS_OK ? assignment_solve(&r.surge.assignment, &r.surge.problem, scope) : status;
    if (status == STATUS_OK) {
        assignment_certify(&certificate, r.surge.assignment, &r.surge.problem);
    }
    for (size_t i = 0; i < r.change_count && status == STATUS_OK; i++) {
        status = surge_change_apply(&r.changes[i], &r.surge, &certificate, scope);
    }
    return status == STATUS_OK ? surge_record_outputs(out, &r.surge, &certificate, r.changes, r.change_count, scope)
                               : status;
}

enum status surge_record_compare(const yyjson_val *stored, struct scope *scope) {
    struct text inputs = read_chunks(stored, INPUTS_URL, scope), outputs = read_chunks(stored, OUTPUTS_URL, scope);
    struct text made = {0};
    enum status status = again(&made, inputs, scope);
    size_t at = 0;
    if (status != STATUS_OK || text_equal(made, outputs)) {
        return status;
    }
    while (at < made.size && at < outputs.size && made.at[at] == outputs.at[at]) {
        at++;
    }
    return fault(scope, STATUS_CONFLICT, "GuidanceResponse.extension",
        "the decision does not replay: first difference at byte %zu of %zu", at, outputs.size);
}
