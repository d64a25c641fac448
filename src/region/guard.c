/* Guards: what a capacity report and a place's position may say, by whatever door they come in; and the marks that make the
 * gatherer read anew. */
#include <string.h>

#include "fhir/fhir.h"
#include "region/admission.h"
#include "region/duty.h"
#include "region/fetch.h"
#include "region/naming.h"
#include "region/notice.h"
#include "region/said.h"

/* Every bed kind, need and piece of equipment, and twice as many notices as the national service is believed. */
enum { BOARD_GROUPS_MAX = 512 };

static uint64_t sequence_of(const struct records_change *change) {
    return store_unit_sequence(records_unit_store(change->unit));
}

static bool is_of_region(const yyjson_val *resource) {
    return resource != NULL && has_tag(resource, SYSTEM_REGION, NULL);
}

/* ---- tags stay -------------------------------------------------------------------------------------------------- */

/* A client that writes a place back without meta means no harm: the region's tags stay, or the place would be lost from
 * the map by an update of its telephone number. Labels of assumption go when whoever writes leaves them out. */
static bool must_stay(const yyjson_val *tag) {
    struct text system = json_get_text(tag, "system"), code = json_get_text(tag, "code");
    return text_is(system, SYSTEM_REGION) || (text_is(system, SYSTEM_LABEL) && text_is(code, LABEL_NEIGHBOUR));
}

static bool has_same_tag(const yyjson_val *resource, const yyjson_val *tag) {
    size_t index, max;
    yyjson_val *other;
    yyjson_arr_foreach(json_get(json_get(resource, "meta"), "tag"), index, max, other) {
        if (text_equal(json_get_text(other, "system"), json_get_text(tag, "system")) &&
            text_equal(json_get_text(other, "code"), json_get_text(tag, "code"))) {
            return true;
        }
    }
    return false;
}

static void put_meta(struct json_writer *w, const yyjson_val *before, const yyjson_val *after) {
    const yyjson_val *meta = json_get(after, "meta");
    size_t index, max;
    yyjson_val *name, *value, *tag;
    json_object_open(w);
    yyjson_obj_foreach((yyjson_val *)meta, index, max, name, value) {
        if (!text_is(json_text(name), "tag")) {
            json_name_text(w, json_text(name));
            json_value(w, value);
        }
    }
    json_name(w, "tag");
    json_array_open(w);
    yyjson_arr_foreach(json_get(meta, "tag"), index, max, tag) {
        json_value(w, tag);
    }
    yyjson_arr_foreach(json_get(json_get(before, "meta"), "tag"), index, max, tag) {
        if (must_stay(tag) && !has_same_tag(after, tag)) {
            json_value(w, tag);
        }
    }
    json_array_close(w);
    json_object_close(w);
}

static bool lacks_tags(const yyjson_val *before, const yyjson_val *after) {
    size_t index, max;
    yyjson_val *tag;
    yyjson_arr_foreach(json_get(json_get(before, "meta"), "tag"), index, max, tag) {
        if (must_stay(tag) && !has_same_tag(after, tag)) {
            return true;
        }
    }
    return false;
}

static enum status keep_tags(struct records_change *change, struct scope *scope) {
    if (change->before == NULL || change->after == NULL || !lacks_tags(change->before, change->after)) {
        return STATUS_OK;
    }
    struct json_writer w = json_writer_open(scope->arena, 8 << 20);
    size_t index, max;
    yyjson_val *name, *value;
    json_object_open(&w);
    yyjson_obj_foreach((yyjson_val *)change->after, index, max, name, value) {
        if (!text_is(json_text(name), "meta")) {
            json_name_text(&w, json_text(name));
            json_value(&w, value);
        }
    }
    json_name(&w, "meta");
    put_meta(&w, change->before, change->after);
    json_object_close(&w);
    return json_finish(&change->replacement, &w, scope);
}

static enum status guard_structure(void *context, struct records_change *change, struct scope *scope) {
    if (!is_of_region(change->before) && !is_of_region(change->after)) {
        return STATUS_OK;
    }
    keeper_mark_structure(context, sequence_of(change));
    return keep_tags(change, scope);
}

/* ---- positions -------------------------------------------------------------------------------------------------- */

static struct text region_tag(const yyjson_val *resource) {
    size_t index, max;
    yyjson_val *tag;
    yyjson_arr_foreach(json_get(json_get(resource, "meta"), "tag"), index, max, tag) {
        if (text_is(json_get_text(tag, "system"), SYSTEM_REGION)) {
            return json_get_text(tag, "code");
        }
    }
    return (struct text){0};
}

static bool read_box(struct region_box *out, const yyjson_val *region, const char *url) {
    const yyjson_val *box = find_extension(region, url);
    return json_get_double(&out->south, find_extension(box, "south"), "valueDecimal") &&
           json_get_double(&out->west, find_extension(box, "west"), "valueDecimal") &&
           json_get_double(&out->north, find_extension(box, "north"), "valueDecimal") &&
           json_get_double(&out->east, find_extension(box, "east"), "valueDecimal");
}

/* Bounds are the region's own Location; before it is there (its first load) nothing can be outside. */
static enum status check_position(const struct records_change *change, const yyjson_val *tagged, struct scope *scope) {
    const yyjson_val *position = json_get(change->after, "position"), *region = NULL;
    double latitude = 0, longitude = 0;
    if (!json_get_double(&latitude, position, "latitude") || !json_get_double(&longitude, position, "longitude")) {
        return STATUS_OK;
    }
    struct text code = region_tag(tagged);
    struct text id = text_format(scope->arena, "region-%.*s", (int)code.size, code.at);
    enum status status = records_unit_get(&region, change->unit, change->type, id, scope);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    struct region_box box;
    bool is_neighbour =
        has_tag(tagged, SYSTEM_LABEL, LABEL_NEIGHBOUR) || has_tag(change->after, SYSTEM_LABEL, LABEL_NEIGHBOUR);
    if (!read_box(&box, region, is_neighbour ? EXTENSION_NEIGHBOURS : EXTENSION_BOUNDS) ||
        region_box_holds(&box, latitude, longitude)) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_UNPROCESSABLE, "Location.position",
        "the coordinates lie outside the region (latitude %g to %g, longitude %g to %g)", box.south, box.north,
        box.west, box.east);
}

static enum status guard_location(void *context, struct records_change *change, struct scope *scope) {
    const yyjson_val *tagged = is_of_region(change->before) ? change->before : change->after;
    if (change->after != NULL && is_of_region(tagged)) {
        enum status status = check_position(change, tagged, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return guard_structure(context, change, scope);
}

/* ---- capacity --------------------------------------------------------------------------------------------------- */

static bool is_board(const struct records_change *change) {
    return text_starts(change->id, CAPACITY_PREFIX) ||
           text_is(json_get_text(change->after, "measure"), MEASURE_BOARD) ||
           text_is(json_get_text(change->before, "measure"), MEASURE_BOARD);
}

static bool is_operator(const struct records_caller *caller) {
    return text_is(caller->role, "administrator") || text_is(caller->role, "system");
}

static bool is_organisation(struct text reference, struct text id) {
    const struct text prefix = TEXT("Organization/");
    return text_starts(reference, prefix.at) &&
           text_equal((struct text){reference.at + prefix.size, reference.size - prefix.size}, id);
}

bool guard_speaks_for(const struct records_caller *caller, struct text place) {
    static const char *const others[] = {"crew", "planner", "researcher"}; /* of a place, and yet not its voice */
    bool speaks = is_organisation(caller->organisation, place);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        speaks = speaks && !text_is(caller->role, others[i]);
    }
    return speaks || is_operator(caller) || text_is(caller->role, "control-room");
}

static enum status check_speaker(const struct records_change *change, struct text place, struct scope *scope) {
    const struct records_caller *caller = records_unit_caller(change->unit);
    if (guard_speaks_for(caller, place)) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_DENIED, "MeasureReport.reporter",
        "only the place itself and the control room report its capacity");
}

static enum status check_author(const struct records_change *change, struct text place, struct scope *scope) {
    const struct records_caller *caller = records_unit_caller(change->unit);
    struct text reporter = json_get_text(json_get(change->after, "reporter"), "reference");
    if (reporter.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "MeasureReport.reporter", "a count says who reported it");
    }
    if (is_operator(caller) || text_equal(reporter, caller->organisation) || text_equal(reporter, caller->who) ||
        (text_is(caller->role, "control-room") && is_organisation(reporter, place))) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_DENIED, "MeasureReport.reporter", "the reporter is neither who asks nor for whom");
}

static enum status check_date(const struct records_change *change, struct scope *scope) {
    struct fhir_interval said;
    struct text date = json_get_text(change->after, "date");
    if (date.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "MeasureReport.date", "a count says when it was true");
    }
    if (!fhir_interval_parse(&said, date, 0) || memchr(date.at, 'T', date.size) == NULL) {
        return fault(scope, STATUS_UNPROCESSABLE, "MeasureReport.date", "a count says its time of day, with zone");
    }
    if (said.start_us > records_unit_time_us(change->unit) + GUARD_SKEW_US) {
        return fault(scope, STATUS_UNPROCESSABLE, "MeasureReport.date", "lies in the future by more than 2 minutes");
    }
    return STATUS_OK;
}

static enum status check_subject(const struct records_change *change, struct text place, struct scope *scope) {
    const yyjson_val *location = NULL;
    if (!text_is(json_get_text(change->after, "measure"), MEASURE_BOARD)) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "MeasureReport.measure", "a report with this id measures %s", MEASURE_BOARD);
    }
    if (place.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "MeasureReport.id",
            "the report of a place has the id %s and the place's", CAPACITY_PREFIX);
    }
    if (!text_equal(region_reference_id(change->after, "subject", "Location"), place)) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "MeasureReport.subject", "is not the Location that the report's id names");
    }
    enum status status = records_unit_get(&location, change->unit, fhir_type_find(TEXT("Location")), place, scope);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !is_of_region(location))) {
        return fault(scope, STATUS_UNPROCESSABLE, "MeasureReport.subject", "is no place of a loaded region");
    }
    return status;
}

/* Whether a severe condition is taken now (accepts), or equipment can be used (available): 1 or 0. */
static enum status check_declared(const yyjson_val *group, const char *code, const char *path, struct scope *scope) {
    size_t index, max;
    yyjson_val *population;
    int64_t said = -1;
    yyjson_arr_foreach(json_get(group, "population"), index, max, population) {
        if (text_is(concept_code(json_get(population, "code"), SYSTEM_COUNT), code)) {
            (void)json_get_int64(&said, population, "count");
        }
    }
    return said == 0 || said == 1
               ? STATUS_OK
               : fault(scope, STATUS_UNPROCESSABLE, path, "this is so or not: code %s, 1 or 0", code);
}

/* A free count may be negative: patients beyond capacity. A total may not. */
static enum status check_group(const yyjson_val *groups, const yyjson_val *group, size_t number, struct scope *scope) {
    const char *path = text_format(scope->arena, "MeasureReport.group[%zu]", number).at;
    struct text bed = concept_code(json_get(group, "code"), SYSTEM_BED);
    size_t index, max;
    yyjson_val *population, *other;
    bool has_free = false;
    if (bed.size == 0 && concept_code(json_get(group, "code"), SYSTEM_CONDITION).size > 0) {
        return check_declared(group, "accepts", path, scope);
    }
    if (bed.size == 0 && concept_code(json_get(group, "code"), SYSTEM_EQUIPMENT).size > 0) {
        return check_declared(group, "available", path, scope);
    }
    if (bed.size == 0 && notice_is(group)) {
        struct notice notice;
        return notice_read(&notice, group) ? STATUS_OK
                                           : fault(scope, STATUS_UNPROCESSABLE, path,
                                                 "a notice says from when and until when, the end after the beginning");
    }
    if (bed.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, path, "a count names its bed kind by a code of %s", SYSTEM_BED);
    }
    yyjson_arr_foreach((yyjson_val *)groups, index, max, other) {
        if (index < number && text_equal(concept_code(json_get(other, "code"), SYSTEM_BED), bed)) {
            return fault(scope, STATUS_UNPROCESSABLE, path, "repeats the bed kind of group[%zu]", index);
        }
    }
    yyjson_arr_foreach(json_get(group, "population"), index, max, population) {
        int64_t count = 0;
        struct text code = concept_code(json_get(population, "code"), SYSTEM_COUNT);
        bool has_count = json_get_int64(&count, population, "count");
        if (has_count && (count < -GUARD_COUNT_MOST || count > GUARD_COUNT_MOST)) {
            return fault(
                scope, STATUS_UNPROCESSABLE, path, "a count lies within %lld either way", (long long)GUARD_COUNT_MOST);
        }
        has_free = has_free || (has_count && text_is(code, "free"));
        if (has_count && text_is(code, "total") && count < 0) {
            return fault(scope, STATUS_UNPROCESSABLE, path, "a total is not negative");
        }
    }
    return has_free ? STATUS_OK
                    : fault(scope, STATUS_UNPROCESSABLE, path, "says no free count (population with code %s#free)",
                          SYSTEM_COUNT);
}

static bool count_said(int64_t *out, const yyjson_val *group, const char *code) {
    size_t index, max;
    yyjson_val *population;
    yyjson_arr_foreach(json_get(group, "population"), index, max, population) {
        if (text_is(concept_code(json_get(population, "code"), SYSTEM_COUNT), code)) {
            return json_get_int64(out, population, "count");
        }
    }
    return false;
}

static bool free_of(int64_t *out, const yyjson_val *group) {
    return count_said(out, group, "free");
}

/* More free than there are: one of the two is wrong, and ranking would take the place for emptier than empty. What stood so before this was
 * looked at stays, so that no other count of that board is held up. */
static enum status check_total(
    const struct records_change *change, const yyjson_val *group, size_t number, struct scope *scope) {
    struct text bed = concept_code(json_get(group, "code"), SYSTEM_BED);
    int64_t free = 0, total = 0, free_before = 0, total_before = 0;
    if (bed.size == 0 || !free_of(&free, group) || !count_said(&total, group, "total") || free <= total) {
        return STATUS_OK;
    }
    size_t index, max;
    yyjson_val *before;
    yyjson_arr_foreach(json_get(change->before, "group"), index, max, before) {
        if (text_equal(concept_code(json_get(before, "code"), SYSTEM_BED), bed) && free_of(&free_before, before) &&
            count_said(&total_before, before, "total") && free_before == free && total_before == total) {
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_UNPROCESSABLE,
        text_format(scope->arena, "MeasureReport.group[%zu].population", number).at,
        "more is free than there is: correct the count or the total; a total that is not known is left out");
}

/* The group says the age and author that its count had before, its own or its report's, and the same count. */
static bool stands(const struct records_change *change, const yyjson_val *before, const yyjson_val *group) {
    struct said stood = said_of(change->before, before), stated = said_of(change->after, group);
    int64_t free = 0, free_before = 0;
    bool same_count = json_equal(json_get(before, "population"), json_get(group, "population")) ||
                      (free_of(&free, group) && free_of(&free_before, before) && free == free_before);
    struct text bed = concept_code(json_get(group, "code"), SYSTEM_BED);
    bool same_code = bed.size > 0 ? text_equal(bed, concept_code(json_get(before, "code"), SYSTEM_BED))
                                  : json_equal(json_get(before, "code"), json_get(group, "code"));
    return same_count && same_code && text_equal(stated.at, stood.at) && text_equal(stated.by, stood.by) &&
           (stated.basis.size == 0 || text_equal(stated.basis, stood.basis));
}

/* Whoever sends a group with an age of its own says it as it stood: another count, or a later time, says it anew. */
static enum status check_said(
    const struct records_change *change, const yyjson_val *group, size_t number, struct scope *scope) {
    const yyjson_val *said = find_extension(group, EXTENSION_SAID);
    const char *path = text_format(scope->arena, "MeasureReport.group[%zu].extension", number).at;
    int64_t at_us = 0;
    struct text who = records_unit_caller(change->unit)->who;
    if (said == NULL || text_is(who, DEVICE_MLLP) || text_is(who, DEVICE_NATIONAL)) {
        return STATUS_OK;
    }
    if (!time_parse(&at_us, json_get_text(find_extension(said, "at"), "valueInstant")) ||
        at_us > records_unit_time_us(change->unit) + GUARD_SKEW_US) {
        return fault(scope, STATUS_UNPROCESSABLE, path, "a count's own time is an instant, not in the future");
    }
    size_t index, max;
    yyjson_val *before;
    yyjson_arr_foreach(json_get(change->before, "group"), index, max, before) {
        if (json_equal(before, group) || stands(change, before, group)) {
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_UNPROCESSABLE, path, "a changed count is said anew: leave its old time and author out");
}

/* Codes that the loaded region's code systems hold; a system that is not loaded holds nobody to anything. */
struct code_book {
    const char *system, *id, *also; /* of a group; the CodeSystem that has its codes, and a second */
};
static const struct code_book code_books[] = {{SYSTEM_BED, "board-bed", NULL},
    {SYSTEM_CONDITION, "severe-condition", NULL}, {SYSTEM_EQUIPMENT, "board-equipment", NULL},
    {SYSTEM_NOTICE, "severe-condition", "need"}};

struct codes {
    bool known; /* the system is loaded */
    const yyjson_val *concepts;
};

static enum status read_codes(
    struct codes *out, const struct records_change *change, const char *id, struct scope *scope) {
    const yyjson_val *system = NULL;
    *out = (struct codes){0};
    if (id == NULL) {
        return STATUS_OK;
    }
    enum status status =
        records_unit_get(&system, change->unit, fhir_type_find(TEXT("CodeSystem")), text_from(id), scope);
    *out = (struct codes){status == STATUS_OK, json_get(system, "concept")};
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool has_code(const struct codes *codes, struct text code) {
    size_t index, max;
    yyjson_val *concept;
    yyjson_arr_foreach((yyjson_val *)codes->concepts, index, max, concept) {
        if (text_equal(json_get_text(concept, "code"), code)) {
            return true;
        }
    }
    return false;
}

static bool names_system(const yyjson_val *groups, const char *system) {
    size_t index, max;
    yyjson_val *group;
    yyjson_arr_foreach((yyjson_val *)groups, index, max, group) {
        if (concept_code(json_get(group, "code"), system).size > 0) {
            return true;
        }
    }
    return false;
}

/* Each book is opened once for all groups. */
static enum status check_codes(const struct records_change *change, const struct code_book *book, struct scope *scope) {
    const yyjson_val *groups = json_get(change->after, "group");
    struct codes codes, also;
    if (!names_system(groups, book->system)) {
        return STATUS_OK;
    }
    enum status status = read_codes(&codes, change, book->id, scope);
    status = status == STATUS_OK ? read_codes(&also, change, book->also, scope) : status;
    bool all_loaded = status == STATUS_OK && codes.known && (book->also == NULL || also.known);
    size_t index, max;
    yyjson_val *group;
    yyjson_arr_foreach((yyjson_val *)groups, index, max, group) {
        struct text code = concept_code(json_get(group, "code"), book->system);
        if (all_loaded && code.size > 0 && !has_code(&codes, code) && !has_code(&also, code)) {
            return fault(scope, STATUS_UNPROCESSABLE,
                text_format(scope->arena, "MeasureReport.group[%zu].code", index).at,
                "the region has no such code of %s", book->system);
        }
    }
    return status;
}

static enum status check_groups(const struct records_change *change, struct scope *scope) {
    const yyjson_val *groups = json_get(change->after, "group");
    enum status status = STATUS_OK;
    size_t index, max;
    yyjson_val *group;
    if (json_count(groups) > BOARD_GROUPS_MAX) {
        return fault(
            scope, STATUS_TOO_COSTLY, "MeasureReport.group", "a board has at most %d groups", BOARD_GROUPS_MAX);
    }
    yyjson_arr_foreach((yyjson_val *)groups, index, max, group) {
        if (status == STATUS_OK) {
            status = check_group(groups, group, index, scope);
            status = status == STATUS_OK ? check_total(change, group, index, scope) : status;
            status = status == STATUS_OK ? check_said(change, group, index, scope) : status;
        }
    }
    for (size_t i = 0; i < sizeof code_books / sizeof *code_books && status == STATUS_OK; i++) {
        status = check_codes(change, &code_books[i], scope);
    }
    return status;
}

static enum status guard_report(void *context, struct records_change *change, struct scope *scope) {
    if (!is_board(change)) {
        return STATUS_OK;
    }
    const size_t prefix = sizeof CAPACITY_PREFIX - 1;
    struct text place = {0};
    if (text_starts(change->id, CAPACITY_PREFIX)) {
        place = (struct text){change->id.at + prefix, change->id.size - prefix};
    }
    enum status status = check_speaker(change, place, scope);
    if (status == STATUS_OK && change->after != NULL) {
        static enum status (*const checks[])(const struct records_change *, struct text, struct scope *) = {
            check_subject, check_author};
        for (size_t i = 0; i < sizeof checks / sizeof *checks && status == STATUS_OK; i++) {
            status = checks[i](change, place, scope);
        }
        status = status == STATUS_OK ? check_date(change, scope) : status;
        status = status == STATUS_OK ? check_groups(change, scope) : status;
    }
    if (status != STATUS_OK) {
        return status;
    }
    keeper_mark_place(context, place, sequence_of(change));
    return keep_tags(change, scope);
}

void guard_register(struct region *region) {
    static const char *const structure[] = {"Organization", "HealthcareService", "OrganizationAffiliation", "Library"};
    for (size_t i = 0; i < sizeof structure / sizeof *structure; i++) {
        records_guard_register(region->records, fhir_type_find(text_from(structure[i])), guard_structure, region);
    }
    records_guard_register(region->records, fhir_type_find(TEXT("Location")), guard_location, region);
    records_guard_register(region->records, fhir_type_find(TEXT("MeasureReport")), guard_report, region);
    duty_guard_register(region);
    records_due_register(region->records, DUE_MESSAGE, admission_forget, region);
}
