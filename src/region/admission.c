#include "region/admission.h"

#include <stdio.h>
#include <string.h>

#include "region/fetch.h"
#include "region/naming.h"
#include "region/said.h"

#define MEMORY_US (7 * 86400 * INT64_C(1000000))
#define ALREADY_DONE "done before: nothing changed"
enum { KEY_SIZE = 33, BOARD_MAX = 4 << 20, WARDS_MAX = 2 };

enum event {
    EVENT_ADMIT,
    EVENT_TRANSFER,
    EVENT_DISCHARGE,
    EVENT_UPDATE,
    EVENT_UNADMIT,
    EVENT_UNTRANSFER,
    EVENT_UNDISCHARGE
};
static const struct {
    const char *code;
    enum event event;
} events[] = {{"A01", EVENT_ADMIT}, {"A02", EVENT_TRANSFER}, {"A03", EVENT_DISCHARGE}, {"A08", EVENT_UPDATE},
    {"A11", EVENT_UNADMIT}, {"A12", EVENT_UNTRANSFER}, {"A13", EVENT_UNDISCHARGE}};

struct admission {
    struct region *region;
    const struct hl7_message *message;
    struct hl7_problem problem;
    const char *note;
    enum event event;
    struct text place;                 /* of MSH-4 */
    struct text ward_code, prior_code; /* PV1-3.1, PV1-6.1 */
    char visit[KEY_SIZE], control[KEY_SIZE], digest[KEY_SIZE];
    int64_t event_us;
    struct records_unit *unit;
    struct scope *scope;
};

/* ---- what the message says ------------------------------------------------------------------------------------------------ */

static bool refuse(struct admission *a, enum hl7_error error, const char *segment, int field, const char *text) {
    return hl7_refuse(&a->problem, error, segment, 1, field, text);
}

static struct text value(const struct admission *a, const char *segment, int field, int component) {
    return hl7_value(a->message, hl7_find(a->message, segment), field, component, a->scope->arena);
}

static void hash(char out[static KEY_SIZE], const struct text *parts, size_t count, struct arena *arena) {
    struct buffer all = buffer_open(arena, HL7_MESSAGE_MAX + 4096);
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        buffer_put(&all, parts[i]);
        buffer_put_char(&all, '\n');
    }
    digest_sha256(digest, buffer_text(&all));
    digest_text(hex, digest);
    (void)snprintf(out, KEY_SIZE, "%.*s", KEY_SIZE - 1, hex);
}

static bool read_header(struct admission *a) {
    struct text control = value(a, "MSH", 10, 1), event = value(a, "MSH", 9, 2);
    if (control.size == 0 || control.size > HL7_CONTROL_ID_MAX) {
        return refuse(a, HL7_REQUIRED, "MSH", 10, "a control id of 1 to 199 bytes is required");
    }
    if (!text_is(value(a, "MSH", 9, 1), "ADT")) {
        return refuse(a, HL7_MESSAGE_TYPE, "MSH", 9, "only ADT messages are taken");
    }
    size_t found = 0, count = sizeof events / sizeof *events;
    while (found < count && !text_is(event, events[found].code)) {
        found++;
    }
    if (found == count) {
        return refuse(a, HL7_EVENT, "MSH", 9, "taken are A01, A02, A03, A08, A11, A12 and A13");
    }
    a->event = events[found].event;
    if (!text_is(value(a, "MSH", 11, 1), "P")) {
        return refuse(a, HL7_PROCESSING, "MSH", 11, "only production messages (P) are taken");
    }
    if (!text_starts(value(a, "MSH", 12, 1), "2.")) {
        return refuse(a, HL7_VERSION, "MSH", 12, "only version 2 is taken");
    }
    a->place = value(a, "MSH", 4, 1);
    if (a->place.size == 0) {
        return refuse(a, HL7_REQUIRED, "MSH", 4, "the sending facility is required: the place's id");
    }
    struct text names[] = {value(a, "MSH", 3, 1), a->place, control};
    hash(a->control, names, 3, a->scope->arena);
    hash(a->digest, &a->message->text, 1, a->scope->arena);
    return true;
}

static bool read_body(struct admission *a, int zone_minutes, int64_t now_us) {
    static const char *const segments[] = {"EVN", "PID", "PV1"};
    for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
        if (hl7_find(a->message, segments[i]) == NULL) {
            return refuse(a, HL7_SEQUENCE, segments[i], 0, "this segment is required");
        }
    }
    struct text when = value(a, "EVN", 6, 1);
    int field = when.size > 0 ? 6 : 2;
    when = when.size > 0 ? when : value(a, "EVN", 2, 1);
    if (!hl7_time(&a->event_us, when, zone_minutes)) {
        return refuse(
            a, when.size == 0 ? HL7_REQUIRED : HL7_DATA, "EVN", field, "a time of day is required: YYYYMMDDHHMM");
    }
    if (a->event_us > now_us + GUARD_SKEW_US) {
        return refuse(a, HL7_DATA, "EVN", field, "lies in the future by more than 2 minutes");
    }
    struct text code = value(a, "EVN", 1, 1);
    if (code.size > 0 && !text_equal(code, value(a, "MSH", 9, 2))) {
        return refuse(a, HL7_TABLE, "EVN", 1, "is not the event of MSH-9");
    }
    struct text visit = value(a, "PV1", 19, 1);
    if (visit.size == 0) {
        return refuse(a, HL7_REQUIRED, "PV1", 19, "the visit number is required");
    }
    struct text names[] = {a->place, visit};
    hash(a->visit, names, 2, a->scope->arena);
    a->ward_code = value(a, "PV1", 3, 1);
    a->prior_code = value(a, "PV1", 6, 1);
    if (a->ward_code.size == 0 && a->event != EVENT_UPDATE) {
        return refuse(a, HL7_REQUIRED, "PV1", 3, "the point of care is required");
    }
    return true;
}

/* ---- wards and visits -------------------------------------------------------------------------------------------------------- */

struct ward {
    struct text id, bed; /* bed none: no kind that a board counts */
};

static bool find_ward(struct ward *out, struct admission *a, struct text code, int field) {
    const struct search_pair pair = {
        TEXT("identifier"), text_format(a->scope->arena, "%s|%.*s/%.*s", IDENTIFIER_POINT_OF_CARE, (int)a->place.size,
                                a->place.at, (int)code.size, code.at)};
    const yyjson_val **wards = NULL;
    size_t count = 0;
    bool plain = memchr(code.at, ',', code.size) == NULL && memchr(code.at, '|', code.size) == NULL &&
                 memchr(code.at, '\\', code.size) == NULL && memchr(a->place.at, ',', a->place.size) == NULL;
    enum status status = !plain ? STATUS_OK
                                : records_unit_search(&wards, &count, a->unit, fhir_type_find(TEXT("Location")), &pair,
                                      1, WARDS_MAX, a->scope);
    if (status != STATUS_OK || count != 1) {
        return refuse(a, HL7_UNKNOWN_KEY, "PV1", field,
            count > 1 ? "several wards have this point of care" : "no ward of this facility has this point of care");
    }
    out->id = json_get_text(wards[0], "id");
    out->bed = json_get_text(find_extension(wards[0], EXTENSION_WARD_BED), "valueCode");
    return true;
}

enum { HISTORY_MAX = 64 };
struct visit {
    bool known, open; /* known: it has been in a ward; an Encounter that somebody else wrote says nothing without one */
    struct text status;
    struct text wards[HISTORY_MAX],
        since[HISTORY_MAX];  /* the last is where the patient is; the first since none: not told yet */
    struct text first_until; /* then: when the first ward was left */
    size_t ward_count;
};

static enum status read_visit(struct visit *out, struct admission *a) {
    const yyjson_val *encounter = NULL;
    *out = (struct visit){0};
    struct text id = text_format(a->scope->arena, "adt-%s", a->visit);
    enum status status = records_unit_get(&encounter, a->unit, fhir_type_find(TEXT("Encounter")), id, a->scope);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    out->status = json_get_text(encounter, "status");
    size_t index, count;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)json_get(encounter, "location"), index, count, entry) {
        struct text ward = region_reference_id(entry, "location", "Location");
        if (ward.size > 0 && out->ward_count < HISTORY_MAX) {
            out->since[out->ward_count] = json_get_text(json_get(entry, "period"), "start");
            if (out->ward_count == 0 && out->since[0].size == 0) {
                out->first_until = json_get_text(json_get(entry, "period"), "end");
            }
            out->wards[out->ward_count++] = ward;
        }
    }
    out->known = out->ward_count > 0;
    out->open = out->known && text_is(out->status, "in-progress");
    return status;
}

static enum status write_visit(struct admission *a, const struct visit *visit, const char *status) {
    struct json_writer w = json_writer_open(a->scope->arena, 1 << 20);
    struct text out;
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Encounter");
    json_member_text(&w, "id", text_format(a->scope->arena, "adt-%s", a->visit));
    json_name(&w, "identifier");
    json_array_open(&w);
    json_object_open(&w);
    json_member_string(&w, "system", IDENTIFIER_VISIT);
    json_member_string(&w, "value", a->visit);
    json_object_close(&w);
    json_array_close(&w);
    json_member_string(&w, "status", status);
    json_name(&w, "class");
    json_object_open(&w);
    json_member_string(&w, "system", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
    json_member_string(&w, "code", "IMP");
    json_object_close(&w);
    json_name(&w, "location");
    json_array_open(&w);
    for (size_t i = 0; i < visit->ward_count; i++) {
        json_object_open(&w);
        json_name(&w, "location");
        json_object_open(&w);
        json_member_text(&w, "reference",
            text_format(a->scope->arena, "Location/%.*s", (int)visit->wards[i].size, visit->wards[i].at));
        json_object_close(&w);
        json_name(&w, "period");
        json_object_open(&w);
        json_member_text(&w, visit->since[i].size > 0 ? "start" : "end",
            visit->since[i].size > 0 ? visit->since[i] : visit->first_until);
        json_object_close(&w);
        json_object_close(&w);
    }
    json_array_close(&w);
    json_name(&w, "serviceProvider");
    json_object_open(&w);
    json_member_text(
        &w, "reference", text_format(a->scope->arena, "Organization/%.*s", (int)a->place.size, a->place.at));
    json_object_close(&w);
    json_object_close(&w);
    enum status finished = json_finish(&out, &w, a->scope);
    return finished == STATUS_OK ? records_unit_put(NULL, a->unit, out, a->scope) : finished;
}

/* ---- counts ------------------------------------------------------------------------------------------------------------------ */

struct shift { /* of free beds, by kind */
    struct text bed;
    int by;
};

static int shift_of(const struct shift *shifts, struct text bed) {
    int by = 0;
    for (int i = 0; i < WARDS_MAX; i++) {
        by += bed.size > 0 && text_equal(shifts[i].bed, bed) ? shifts[i].by : 0;
    }
    return by;
}

static const yyjson_val *population_of(const yyjson_val *group, const char *code) {
    size_t index, count;
    yyjson_val *population;
    yyjson_arr_foreach((yyjson_val *)json_get(group, "population"), index, count, population) {
        if (text_is(concept_code(json_get(population, "code"), SYSTEM_COUNT), code)) {
            return population;
        }
    }
    return NULL;
}

struct recount {
    struct admission *a;
    const yyjson_val *report;
    const struct shift *shifts;
    struct text now; /* instant */
    bool changed;
};

/* One bed kind: moved where the message moves it, else as it was, with its own age and author. */
static void write_group(struct json_writer *w, struct recount *recount, const yyjson_val *group) {
    struct admission *a = recount->a;
    struct said said = said_of(recount->report, group);
    int64_t basis_us = 0, free = 0, total = 0;
    const yyjson_val *free_count = population_of(group, "free"), *total_count = population_of(group, "total");
    int shift = shift_of(recount->shifts, concept_code(json_get(group, "code"), SYSTEM_BED));
    bool moves = shift != 0 && json_get_int64(&free, free_count, "count") && free >= -GUARD_COUNT_MOST &&
                 free <= GUARD_COUNT_MOST && !(time_parse(&basis_us, said.basis) && a->event_us < basis_us);
    size_t index, count;
    yyjson_val *name, *item;
    recount->changed = recount->changed || moves;
    json_object_open(w);
    if (moves) {
        said.at = recount->now;
        said.by = TEXT(DEVICE_MLLP);
    }
    said_write(w, &said);
    yyjson_obj_foreach((yyjson_val *)group, index, count, name, item) {
        if (text_is(json_text(name), "population") || text_is(json_text(name), "extension")) {
            continue;
        }
        json_name_text(w, json_text(name));
        json_value(w, item);
    }
    free = moves ? free + shift : free;
    if (json_get_int64(&total, total_count, "count") && total > 0 && free > total) {
        free = total;
    }
    json_name(w, "population");
    json_array_open(w);
    yyjson_arr_foreach((yyjson_val *)json_get(group, "population"), index, count, item) {
        if (!moves || item != free_count) {
            json_value(w, item);
            continue;
        }
        json_object_open(w);
        json_name(w, "code");
        json_value(w, json_get(item, "code"));
        json_member_int(w, "count", free);
        json_object_close(w);
    }
    json_array_close(w);
    json_object_close(w);
}

static void write_tags(struct json_writer *w, const yyjson_val *report) {
    size_t index, count;
    yyjson_val *tag;
    json_name(w, "meta");
    json_object_open(w);
    json_name(w, "tag");
    json_array_open(w);
    yyjson_arr_foreach((yyjson_val *)json_get(json_get(report, "meta"), "tag"), index, count, tag) {
        if (!text_is(json_get_text(tag, "system"), SYSTEM_LABEL)) { /* it is not assumed any more, nor said to be */
            json_value(w, tag);
        }
    }
    json_array_close(w);
    json_object_close(w);
}

static void write_report(struct json_writer *w, struct recount *recount) {
    static const char *const kept[] = {"resourceType", "id", "status", "type", "measure", "subject"};
    const yyjson_val *report = recount->report;
    size_t index, count;
    yyjson_val *group;
    json_object_open(w);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        json_member_text(w, kept[i], json_get_text(report, kept[i]));
        if (json_get(report, kept[i]) != NULL && json_get_text(report, kept[i]).size == 0) {
            json_name(w, kept[i]);
            json_value(w, json_get(report, kept[i]));
        }
    }
    if (json_count(json_get(json_get(report, "meta"), "tag")) > 0) {
        write_tags(w, report);
    }
    json_member_text(w, "date", recount->now);
    json_name(w, "period");
    json_object_open(w);
    json_member_text(w, "start", recount->now);
    json_member_text(w, "end", recount->now);
    json_object_close(w);
    json_name(w, "reporter");
    json_object_open(w);
    json_member_string(w, "reference", DEVICE_MLLP);
    json_object_close(w);
    json_name(w, "group");
    json_array_open(w);
    yyjson_arr_foreach((yyjson_val *)json_get(report, "group"), index, count, group) {
        write_group(w, recount, group);
    }
    json_array_close(w);
    json_object_close(w);
}

static enum status move_counts(struct admission *a, const struct shift *shifts) {
    struct text id = text_format(a->scope->arena, "%s%.*s", CAPACITY_PREFIX, (int)a->place.size, a->place.at), out;
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, records_unit_time_us(a->unit));
    struct recount recount = {.a = a, .shifts = shifts, .now = text_from(now)};
    enum status status =
        records_unit_get(&recount.report, a->unit, fhir_type_find(TEXT("MeasureReport")), id, a->scope);
    if (status == STATUS_NOT_FOUND) {
        a->note = "no board: no count to move";
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(a->scope->arena, BOARD_MAX);
    write_report(&w, &recount);
    status = json_finish(&out, &w, a->scope);
    if (status == STATUS_OK && !recount.changed) {
        a->note = "no count moved";
        return STATUS_OK;
    }
    return status == STATUS_OK ? records_unit_put(NULL, a->unit, out, a->scope) : status;
}

/* ---- events -------------------------------------------------------------------------------------------------------------------- */

static bool push_ward(struct admission *a, struct visit *visit, struct text ward, struct text since) {
    if (visit->ward_count == HISTORY_MAX) {
        return refuse(a, HL7_SEQUENCE, "PV1", 3, "too many transfers of one visit");
    }
    visit->wards[visit->ward_count] = ward;
    visit->since[visit->ward_count++] = since;
    return true;
}

/* The bed kinds that a visit leaves and takes; false: the message does not fit what is known of the visit. */
struct step {
    struct ward from, to; /* id none: neither */
    const char *status;   /* of the Encounter afterwards; NULL: nothing is written */
};

static bool ward_of(struct ward *out, struct admission *a, struct text id) {
    const yyjson_val *ward = NULL;
    *out = (struct ward){.id = id};
    if (records_unit_get(&ward, a->unit, fhir_type_find(TEXT("Location")), id, a->scope) == STATUS_OK) {
        out->bed = json_get_text(find_extension(ward, EXTENSION_WARD_BED), "valueCode");
    }
    return true;
}

/* An admission that comes after what followed it: the visit is where it is by now, and the bed was taken all the same. */
static bool is_late(const struct admission *a, const struct visit *visit) {
    int64_t until_us = 0;
    return visit->known && visit->ward_count > 0 && visit->since[0].size == 0 &&
           time_parse(&until_us, visit->first_until) && a->event_us <= until_us;
}

/* A discharge that was none is taken back first; a visit that was cancelled as if it had not been is admitted anew. */
static bool refuse_ended(struct admission *a, const struct visit *visit) {
    return refuse(a, HL7_SEQUENCE, "PV1", 19,
        text_is(visit->status, "cancelled")
            ? "this visit was cancelled: A01 admits it"
            : "this visit has ended: A13 takes back its discharge, then this is sent again");
}

static bool enter(
    struct step *out, struct admission *a, struct visit *visit, const struct ward *ward, struct text since) {
    if (a->event == EVENT_ADMIT) {
        if (is_late(a, visit)) {
            visit->since[0] = since;
            out->to = *ward;
            out->status = text_string(a->scope->arena, visit->status);
            return true;
        }
        if (visit->known && !text_is(visit->status, "cancelled")) {
            return refuse(a, HL7_DUPLICATE_KEY, "PV1", 19,
                "this visit has been admitted before: A13 takes back its discharge, another visit has its own number");
        }
        visit->ward_count = 0;
        out->to = *ward;
        out->status = "in-progress";
        return push_ward(a, visit, ward->id, since);
    }
    if (visit->known && !visit->open) {
        return refuse_ended(a, visit);
    }
    struct ward prior = {0};
    if (a->prior_code.size > 0 && !find_ward(&prior, a, a->prior_code, 6)) {
        return false;
    }
    if (visit->known) {
        struct text last = visit->wards[visit->ward_count - 1];
        if (prior.id.size > 0 && !text_equal(prior.id, last)) {
            return refuse(a, HL7_UNKNOWN_KEY, "PV1", 6, "the visit is not there");
        }
        ward_of(&out->from, a, last);
    } else {
        if (prior.id.size == 0) {
            return refuse(
                a, HL7_UNKNOWN_KEY, "PV1", 19, "this visit is not known: a transfer names the prior location");
        }
        out->from = prior;
        visit->first_until = since;
        (void)push_ward(a, visit, prior.id, (struct text){0});
    }
    out->to = *ward;
    out->status = "in-progress";
    return push_ward(a, visit, ward->id, since);
}

static bool leave(
    struct step *out, struct admission *a, struct visit *visit, const struct ward *ward, struct text since) {
    if (visit->known && !visit->open) {
        return refuse_ended(a, visit);
    }
    if (!visit->known) {
        if (a->event == EVENT_UNADMIT) {
            return refuse(a, HL7_UNKNOWN_KEY, "PV1", 19, "this visit is not known");
        }
        visit->first_until = since;
        (void)push_ward(a, visit, ward->id, (struct text){0});
    }
    ward_of(&out->from, a, visit->wards[visit->ward_count - 1]);
    out->status = a->event == EVENT_DISCHARGE ? "finished" : "cancelled";
    return true;
}

static bool undo(struct step *out, struct admission *a, struct visit *visit, const struct ward *ward) {
    bool discharge = a->event == EVENT_UNDISCHARGE;
    if (!visit->known || (discharge ? !text_is(visit->status, "finished") : !visit->open) ||
        (!discharge && visit->ward_count < 2)) {
        return refuse(a, HL7_UNKNOWN_KEY, "PV1", 19,
            discharge ? "no discharge of this visit is known" : "no transfer of this visit is known");
    }
    if (!discharge) {
        ward_of(&out->from, a, visit->wards[--visit->ward_count]);
    }
    ward_of(&out->to, a, visit->wards[visit->ward_count - 1]);
    if (!text_equal(out->to.id, ward->id)) {
        return refuse(a, HL7_UNKNOWN_KEY, "PV1", 3, "is not where the visit was before");
    }
    out->status = "in-progress";
    return true;
}

static bool step_of(struct step *out, struct admission *a, struct visit *visit) {
    struct ward ward = {0};
    char since[TIME_TEXT_SIZE];
    *out = (struct step){0};
    if (a->event == EVENT_UPDATE) {
        return true;
    }
    if (!find_ward(&ward, a, a->ward_code, 3)) {
        return false;
    }
    time_format_utc(since, a->event_us);
    struct text when = text_copy(a->scope->arena, text_from(since));
    switch (a->event) {
    case EVENT_ADMIT:
    case EVENT_TRANSFER:
        return enter(out, a, visit, &ward, when);
    case EVENT_DISCHARGE:
    case EVENT_UNADMIT:
        return leave(out, a, visit, &ward, when);
    case EVENT_UNTRANSFER:
    case EVENT_UNDISCHARGE:
        return undo(out, a, visit, &ward);
    case EVENT_UPDATE:
        break;
    }
    return true;
}

/* ---- the unit -------------------------------------------------------------------------------------------------------------------- */

static enum status check_place(struct admission *a) {
    const yyjson_val *location = NULL;
    enum status status = STATUS_NOT_FOUND;
    if (fhir_id_is_valid(a->place)) {
        status = records_unit_get(&location, a->unit, fhir_type_find(TEXT("Location")), a->place, a->scope);
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !has_tag(location, SYSTEM_REGION, NULL))) {
        (void)refuse(a, HL7_UNKNOWN_KEY, "MSH", 4, "the sending facility is no place of the region");
        return STATUS_UNPROCESSABLE;
    }
    return status;
}

static enum status remember(struct admission *a) {
    struct text holder = {0};
    struct store_unit *unit = records_unit_store(a->unit);
    enum status status =
        store_unit_claim(&holder, unit, TEXT("hl7-message"), text_from(a->control), text_from(a->digest), a->scope);
    if (status == STATUS_CONFLICT) {
        (void)refuse(a, HL7_DUPLICATE_KEY, "MSH", 10, "another message came under this control id");
        return STATUS_CONFLICT;
    }
    return status == STATUS_OK ? store_unit_due_set(unit, TEXT(DUE_MESSAGE), text_from(a->control),
                                     records_unit_time_us(a->unit) + MEMORY_US, a->scope)
                               : status;
}

static enum status carry(void *context, struct records_unit *unit, struct scope *scope) {
    struct admission *a = context;
    struct visit visit;
    struct step step;
    struct text holder = {0};
    a->unit = unit;
    a->scope = scope;
    enum status status =
        store_unit_holder(&holder, records_unit_store(unit), TEXT("hl7-message"), text_from(a->control), scope);
    if (status == STATUS_OK && text_is(holder, a->digest)) {
        a->note = ALREADY_DONE;
        return STATUS_OK;
    }
    status = status == STATUS_OK ? check_place(a) : status;
    status = status == STATUS_OK ? remember(a) : status;
    status = status == STATUS_OK ? read_visit(&visit, a) : status;
    if (status != STATUS_OK) {
        return status;
    }
    if (!step_of(&step, a, &visit)) {
        return STATUS_UNPROCESSABLE;
    }
    if (step.status == NULL) {
        return STATUS_OK;
    }
    const struct shift shifts[WARDS_MAX] = {{step.from.bed, 1}, {step.to.bed, -1}};
    status = write_visit(a, &visit, step.status);
    return status == STATUS_OK ? move_counts(a, shifts) : status;
}

enum status admission_forget(
    void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope) {
    (void)context, (void)at_us;
    struct store_unit *store = records_unit_store(unit);
    struct text holder = {0};
    enum status status = store_unit_holder(&holder, store, TEXT("hl7-message"), key, scope);
    if (status == STATUS_OK && holder.size > 0) {
        status = store_unit_release(store, TEXT("hl7-message"), key, holder, scope);
    }
    return status == STATUS_OK ? store_unit_due_clear(store, TEXT(DUE_MESSAGE), key, scope) : status;
}

static bool carry_out(struct admission *a) {
    const struct region_snapshot *snapshot = NULL;
    enum status status = region_hold(&snapshot, a->region, a->scope);
    if (status != STATUS_OK) {
        return refuse(a, HL7_INTERNAL, "", 0, "the region cannot be read");
    }
    int zone_minutes = snapshot->zone_minutes;
    region_release(snapshot);
    struct scope *scope = a->scope;
    int64_t now_us = clock_now_us(records_clock(a->region->records));
    if (!read_header(a) || !read_body(a, zone_minutes, now_us)) {
        return false;
    }
    const struct records_caller caller = {.who = TEXT(DEVICE_MLLP),
        .organisation = text_format(scope->arena, "Organization/%.*s", (int)a->place.size, a->place.at),
        .role = TEXT("receiving"),
        .purpose = TEXT("HOPERAT")};
    status = records_unit_run(a->region->records, &caller, "ADT", carry, a, scope);
    a->scope = scope;
    if (status != STATUS_OK && a->problem.error == HL7_ACCEPTED) {
        return refuse(a, HL7_INTERNAL, "", 0, "the record did not take it");
    }
    return status == STATUS_OK;
}

struct text region_hl7_answer(struct region *region, struct text bytes, struct scope *scope) {
    struct hl7_message *message = ARENA_NEW(scope->arena, struct hl7_message);
    struct admission a = {.region = region, .message = message, .scope = scope};
    if (hl7_parse(message, &a.problem, bytes, scope->arena)) {
        (void)carry_out(&a);
    }
    return hl7_acknowledge(message, &a.problem, a.note, clock_now_us(records_clock(region->records)), scope->arena);
}
