/* $consult: a question with the chart to a specialist elsewhere; one unit: the words, the Task, its deadline. */
#include <string.h>

#include "fhir/fhir.h"
#include "referral/consult.h"
#include "referral/parameters.h"

static const char *const names[] = {"patient", "encounter", "place", "department", "level", "need", "question", "onset",
    "onset-unknown", "imaging", "referral", "requester"};
enum { IMAGING_MAX = 16, BYTES_MAX = 1 << 20 };
#define SKEW_US INT64_C(120000000)
#define MINUTE_US INT64_C(60000000)

/* Where minutes since onset decide what can still be done: cerebral infarction, haemorrhage. */
static const char *const clocked[] = {"Y0020", "Y0031", "Y0032"};

struct asking {
    struct referral *referral;
    const struct referral_call *call;
    struct records_visit *visit;
    const yyjson_val *parameters;
    struct text patient, encounter, place, department, need, question, onset, loop, requester;
    struct text imaging[IMAGING_MAX];
    size_t imaging_count;
    int64_t level, now_us;
    bool onset_unknown;
    double minutes;
    struct text department_name;
    struct text id, message, body;
};

static const char *path_of(const struct asking *a, const char *name, const char *member, struct scope *scope) {
    return parameter_path(a->parameters, name, member, scope);
}

static enum status get(const yyjson_val **out, struct asking *a, const char *type, struct text reference,
    const char *name, struct scope *scope) {
    struct text id = reference_id(reference, type);
    enum status status = STATUS_NOT_FOUND;
    if (id.size > 0 && fhir_id_is_valid(id)) {
        status = records_visit_get(out, a->visit, fhir_type_find(text_from(type)), id, scope);
    }
    return status == STATUS_NOT_FOUND || status == STATUS_GONE
               ? fault(scope, STATUS_UNPROCESSABLE, path_of(a, name, "valueReference", scope), "there is no such %s",
                     type)
               : status;
}

static enum status read_patient(struct asking *a, struct scope *scope) {
    const yyjson_val *found = NULL;
    enum status status = parameter_reference(&a->patient, a->parameters, "patient", scope);
    if (status == STATUS_OK && a->call->id.size > 0) {
        a->patient = text_format(scope->arena, "Patient/%.*s", (int)a->call->id.size, a->call->id.at);
    }
    status = status == STATUS_OK ? get(&found, a, "Patient", a->patient, "patient", scope) : status;
    status = status == STATUS_OK ? parameter_reference(&a->encounter, a->parameters, "encounter", scope) : status;
    if (status == STATUS_OK && a->encounter.size > 0) {
        status = get(&found, a, "Encounter", a->encounter, "encounter", scope);
        if (status == STATUS_OK && !text_equal(reference_of(found, "subject"), a->patient)) {
            return fault(scope, STATUS_UNPROCESSABLE, path_of(a, "encounter", "valueReference", scope),
                "is a visit of another patient");
        }
    }
    status = status == STATUS_OK ? parameter_reference(&a->loop, a->parameters, "referral", scope) : status;
    if (status == STATUS_OK && a->loop.size > 0) {
        status = get(&found, a, "Task", a->loop, "referral", scope);
        if (status == STATUS_OK && (!task_is_governed(found) || !text_equal(reference_of(found, "for"), a->patient))) {
            return fault(scope, STATUS_UNPROCESSABLE, path_of(a, "referral", "valueReference", scope),
                "is no referral of this patient");
        }
    }
    return status;
}

/* Studies of this patient; their pictures are where their Endpoints say (DICOMweb). */
static enum status read_imaging(struct asking *a, struct scope *scope) {
    size_t index = 0;
    enum status status = STATUS_OK;
    for (const yyjson_val *item;
         status == STATUS_OK && (item = parameter_find(&index, a->parameters, "imaging")) != NULL; index++) {
        const char *path = text_format(scope->arena, "Parameters.parameter[%zu].valueReference", index).at;
        struct text reference = json_get_text(json_get(item, "valueReference"), "reference");
        struct text id = reference_id(reference, "ImagingStudy");
        const yyjson_val *study = NULL;
        if (a->imaging_count == IMAGING_MAX) {
            return fault(scope, STATUS_TOO_LARGE, path, "at most %d studies", IMAGING_MAX);
        }
        if (id.size == 0 || !fhir_id_is_valid(id)) {
            return fault(scope, STATUS_INVALID, path, "imaging takes an ImagingStudy");
        }
        status = records_visit_get(&study, a->visit, fhir_type_find(TEXT("ImagingStudy")), id, scope);
        if (status == STATUS_NOT_FOUND ||
            (status == STATUS_OK && !text_equal(reference_of(study, "subject"), a->patient))) {
            return fault(scope, STATUS_UNPROCESSABLE, path, "is no study of this patient");
        }
        a->imaging[a->imaging_count++] = reference;
    }
    return status;
}

static enum status read_onset(struct asking *a, struct scope *scope) {
    size_t index = 0;
    bool found = false, clock = false;
    struct fhir_interval onset;
    const yyjson_val *item = parameter_find(&index, a->parameters, "onset");
    enum status status = parameter_boolean(&found, &a->onset_unknown, a->parameters, "onset-unknown", scope);
    a->onset = json_get_text(item, "valueDateTime");
    for (size_t i = 0; i < sizeof clocked / sizeof *clocked; i++) {
        clock = clock || text_is(a->need, clocked[i]);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const char *path = path_of(a, "onset", "valueDateTime", scope);
    if (item != NULL &&
        (!fhir_interval_parse(&onset, a->onset, 0) || memchr(a->onset.at, 'T', a->onset.size) == NULL)) {
        return fault(scope, STATUS_INVALID, path, "onset is a dateTime with its time of day and zone");
    }
    if (item != NULL && onset.start_us > a->now_us + SKEW_US) {
        return fault(scope, STATUS_UNPROCESSABLE, path, "lies in the future");
    }
    return clock && item == NULL && !a->onset_unknown ? fault(scope, STATUS_UNPROCESSABLE, path,
                                                            "for infarction and haemorrhage of the brain the onset is "
                                                            "said, or that it is not known (onset-unknown)")
                                                      : STATUS_OK;
}

static struct text code_of(const struct asking *a, const char *name) {
    size_t index = 0;
    const yyjson_val *item = parameter_find(&index, a->parameters, name);
    struct text code = json_get_text(item, "valueCode");
    return code.size > 0 ? code : json_get_text(json_get(item, "valueCoding"), "code");
}

static enum status read_place(struct asking *a, struct scope *scope) {
    const struct region_snapshot *snapshot;
    struct consult_policy policy;
    enum status status = parameter_reference(&a->place, a->parameters, "place", scope);
    status = status == STATUS_OK ? region_hold(&snapshot, a->referral->region, scope) : status;
    if (status != STATUS_OK) {
        return status;
    }
    int place = region_place_find(snapshot, reference_id(a->place, "Organization"));
    a->department = code_of(a, "department");
    a->need = code_of(a, "need");
    int department = a->department.size > 0 ? region_department_find(snapshot, a->department) : -1;
    if (place < 0) {
        status = fault(
            scope, STATUS_UNPROCESSABLE, path_of(a, "place", "valueReference", scope), "is no place of the region");
    } else if (text_equal(reference_id(a->place, "Organization"), reference_id(a->requester, "Organization"))) {
        status = fault(scope, STATUS_UNPROCESSABLE, path_of(a, "place", "valueReference", scope),
            "is who asks: a question goes to another place");
    } else if (a->department.size > 0 && department < 0) {
        status = fault(
            scope, STATUS_UNPROCESSABLE, path_of(a, "department", "", scope), "the region knows no such department");
    } else if (a->need.size > 0 && region_need_find(snapshot, a->need) < 0) {
        status = fault(scope, STATUS_UNPROCESSABLE, path_of(a, "need", "", scope), "the region knows no such need");
    } else {
        status = consult_policy_read(&policy, snapshot->policy, scope);
        a->minutes = status == STATUS_OK ? policy.answer[a->level] : 0;
        a->department_name =
            department >= 0 ? text_copy(scope->arena, snapshot->departments[department].name_ko) : (struct text){0};
    }
    region_release(snapshot);
    return status;
}

static enum status read_words(struct asking *a, struct scope *scope) {
    bool found = false;
    enum status status = parameter_integer(&found, &a->level, a->parameters, "level", scope);
    if (status == STATUS_OK && (!found || a->level < 1 || a->level > 5)) {
        return fault(
            scope, STATUS_INVALID, path_of(a, "level", "valueInteger", scope), "a level of 1 to 5 is required");
    }
    status = status == STATUS_OK ? parameter_string(&a->question, a->parameters, "question", scope) : status;
    if (status == STATUS_OK && (text_trim(a->question).size == 0 || a->question.size > CONSULT_TEXT_MAX)) {
        return fault(scope, STATUS_INVALID, path_of(a, "question", "valueString", scope),
            "a question of 1 to %d bytes is required", CONSULT_TEXT_MAX);
    }
    const struct records_caller *caller = a->call->caller;
    status = status == STATUS_OK ? parameter_reference(&a->requester, a->parameters, "requester", scope) : status;
    a->requester = a->requester.size > 0 ? a->requester : caller->organisation;
    bool may = text_equal(a->requester, caller->organisation) || text_is(caller->role, "administrator") ||
               text_is(caller->role, "control-room") || text_is(caller->role, "crew");
    if (status == STATUS_OK && !may) {
        return fault(scope, STATUS_DENIED, path_of(a, "requester", "valueReference", scope),
            "the caller's organisation is not the one that asks");
    }
    return status;
}

static enum status look(void *context, struct records_visit *visit, struct scope *scope) {
    struct asking *a = context;
    a->visit = visit;
    a->now_us = clock_now_us(a->referral->clock);
    enum status status =
        parameters_read(&a->parameters, a->call->parameters, names, sizeof names / sizeof *names, scope);
    enum status (*const parts[])(struct asking *, struct scope *) = {
        read_words, read_patient, read_place, read_onset, read_imaging};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == STATUS_OK; i++) {
        status = parts[i](a, scope);
    }
    return status;
}

/* ---- the unit ---------------------------------------------------------------------------------------------------------------- */

static void input_open(struct json_writer *w, const char *code) {
    json_object_open(w);
    fhir_write_concept(
        w, "type", (struct fhir_coding){TEXT(TASK_INPUT_SYSTEM), text_from(code), {0}}, (struct text){0});
}

static void put_input(struct json_writer *w, const char *code, const char *member, struct text value) {
    if (value.size > 0) {
        input_open(w, code);
        json_member_text(w, member, value);
        json_object_close(w);
    }
}

static void put_input_reference(struct json_writer *w, const char *code, struct text reference) {
    input_open(w, code);
    fhir_write_reference(w, "valueReference", reference);
    json_object_close(w);
}

static void put_inputs(struct json_writer *w, const struct asking *a) {
    json_name(w, "input");
    json_array_open(w);
    put_input(w, "question", "valueString", a->question);
    input_open(w, "level");
    json_member_int(w, "valueInteger", a->level);
    json_object_close(w);
    put_input(w, "need", "valueCode", a->need);
    put_input(w, "onset", "valueDateTime", a->onset);
    if (a->onset_unknown) {
        input_open(w, "onset-unknown");
        json_member_bool(w, "valueBoolean", true);
        json_object_close(w);
    }
    put_input_reference(w, "asked", a->place);
    put_input_reference(w, "communication", a->message);
    for (size_t i = 0; i < a->imaging_count; i++) {
        put_input_reference(w, "imaging", a->imaging[i]);
    }
    json_array_close(w);
}

static enum status write_task(struct asking *a, int64_t now_us, int64_t end_us, struct scope *scope) {
    static const char *const priorities[] = {"", "stat", "stat", "asap", "urgent", "routine"};
    struct json_writer w = json_writer_open(scope->arena, BYTES_MAX);
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, now_us);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Task");
    json_member_text(&w, "id", a->id);
    if (a->loop.size > 0) {
        json_name(&w, "basedOn");
        json_array_open(&w);
        json_object_open(&w);
        json_member_text(&w, "reference", a->loop);
        json_object_close(&w);
        json_array_close(&w);
    }
    json_member_string(&w, "status", "requested");
    fhir_write_concept(
        &w, "businessStatus", (struct fhir_coding){TEXT(CONSULT_STATE_SYSTEM), TEXT("asked"), {0}}, (struct text){0});
    json_member_string(&w, "intent", "order");
    json_member_string(&w, "priority", priorities[a->level]);
    fhir_write_concept(&w, "code", (struct fhir_coding){TEXT(CONSULT_KIND_SYSTEM), TEXT(CONSULT_CODE), TEXT("협진")},
        (struct text){0});
    fhir_write_reference(&w, "for", a->patient);
    fhir_write_reference(&w, "encounter", a->encounter);
    json_member_string(&w, "authoredOn", now);
    json_member_string(&w, "lastModified", now);
    fhir_write_reference(&w, "requester", a->requester);
    if (a->department.size > 0) {
        json_name(&w, "performerType");
        json_array_open(&w);
        fhir_write_concept(&w, NULL,
            (struct fhir_coding){TEXT(TASK_DEPARTMENT_SYSTEM), a->department, a->department_name}, (struct text){0});
        json_array_close(&w);
    }
    fhir_write_reference(&w, "owner", a->place);
    task_write_deadline(&w, end_us);
    put_inputs(&w, a);
    json_object_close(&w);
    return json_finish(&a->body, &w, scope);
}

static struct text new_id(const struct asking *a, struct scope *scope) {
    char id[ID_TEXT_SIZE];
    id_new(id, a->referral->clock);
    return text_copy(scope->arena, text_from(id));
}

static enum status put(void *context, struct records_unit *unit, struct scope *scope) {
    struct asking *a = context;
    int64_t now_us = records_unit_time_us(unit), end_us = now_us + (int64_t)(a->minutes * (double)MINUTE_US);
    struct consult_message message = {.id = new_id(a, scope),
        .subject = a->patient,
        .encounter = a->encounter,
        .sender = a->requester,
        .recipient = a->place,
        .text = a->question,
        .at_us = now_us};
    a->id = new_id(a, scope);
    message.about = text_format(scope->arena, "Task/%.*s", (int)a->id.size, a->id.at);
    a->message = text_format(scope->arena, "Communication/%.*s", (int)message.id.size, message.id.at);
    enum status status = consult_tell(a->referral, unit, &message, scope);
    status = status == STATUS_OK ? write_task(a, now_us, end_us, scope) : status;
    status = status == STATUS_OK ? own_write(a->referral, unit, a->id, a->body, scope) : status;
    return status == STATUS_OK ? store_unit_due_set(records_unit_store(unit), TEXT(DUE_CONSULT), a->id, end_us, scope)
                               : status;
}

enum status referral_operation_consult(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    struct asking *a = ARENA_NEW(scope->arena, struct asking);
    a->referral = referral;
    a->call = call;
    enum status status = records_visit_run(referral->records, call->caller, "$consult", look, put, a, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, BYTES_MAX);
    fhir_parameters_open(&w);
    fhir_parameter_resource(&w, "consult", a->body);
    fhir_parameter_reference(&w, "communication", a->message, (struct text){0});
    fhir_parameter_decimal(&w, "minutes", a->minutes, 1);
    return fhir_parameters_finish(out, &w, scope);
}
