#include "referral/task.h"

#include <string.h>

/* ---- references and codings --------------------------------------------------------------------------------------- */

struct text reference_of(const yyjson_val *object, const char *name) {
    return json_get_text(json_get(object, name), "reference");
}

struct text reference_id(struct text reference, const char *type) {
    size_t size = strlen(type);
    if (!text_starts(reference, type) || reference.size <= size + 1 || reference.at[size] != '/') {
        return (struct text){0};
    }
    struct text id = {reference.at + size + 1, reference.size - size - 1};
    return text_cut(&id, '/');
}

struct text coding_code(const yyjson_val *concept, const char *system) {
    size_t index, count;
    yyjson_val *coding;
    yyjson_arr_foreach((yyjson_val *)json_get(concept, "coding"), index, count, coding) {
        if (text_is(json_get_text(coding, "system"), system)) {
            return json_get_text(coding, "code");
        }
    }
    return (struct text){0};
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

enum referral_task_kind task_kind_of(const yyjson_val *json) {
    return json_count(json_get(json, "partOf")) > 0 ? REFERRAL_OFFER : REFERRAL_LOOP;
}

bool task_is_governed(const yyjson_val *json) {
    if (json == NULL) {
        return false;
    }
    const yyjson_val *business = json_get(json, "businessStatus");
    if (coding_code(business, REFERRAL_STATE_SYSTEM).size > 0 || coding_code(business, BSER_STATE_SYSTEM).size > 0) {
        return true;
    }
    return text_is(coding_code(json_get(json, "code"), TASK_CODE_SYSTEM), "fulfill") &&
           reference_id(reference_of(json, "focus"), "ServiceRequest").size > 0;
}

static int64_t instant(struct text value) {
    int64_t at = 0;
    return value.size > 0 && time_parse(&at, value) ? at : 0;
}

static struct text first_reference(const yyjson_val *array) {
    return json_get_text(yyjson_arr_get_first((yyjson_val *)array), "reference");
}

bool task_read(struct task *out, const yyjson_val *json) {
    const yyjson_val *business = json_get(json, "businessStatus");
    struct text code = coding_code(business, REFERRAL_STATE_SYSTEM);
    if (code.size == 0) {
        code = coding_code(business, BSER_STATE_SYSTEM);
    }
    struct text status = json_get_text(json, "status");
    enum referral_task_kind kind = task_kind_of(json);
    const struct state_row *row = state_find(kind, status, code);
    if (row == NULL) {
        return false;
    }
    *out = (struct task){
        .id = json_get_text(json, "id"),
        .kind = kind,
        .state = state_of(row, status),
        .json = json,
        .patient = reference_of(json, "for"),
        .focus = reference_of(json, "focus"),
        .requester = reference_of(json, "requester"),
        .encounter = reference_of(json, "encounter"),
        .part_of = first_reference(json_get(json, "partOf")),
        .owner = reference_of(json, "owner"),
        .location = reference_of(json, "location"),
        .priority = json_get_text(json, "priority"),
        .authored_us = instant(json_get_text(json, "authoredOn")),
        .deadline_us = instant(json_get_text(json_get(json_get(json, "restriction"), "period"), "end")),
    };
    return true;
}

const struct state_row *task_row(const struct task *task) {
    return state_find(task->kind, text_from(task->state.status), text_from(task->state.business));
}

bool task_is_open(const struct task *task) {
    const struct state_row *row = task_row(task);
    return row != NULL && row->open;
}

/* ---- inputs and outputs --------------------------------------------------------------------------------------------- */

static struct task_extra *add_extra(struct task *task) {
    invariant(task->extra_count < TASK_EXTRAS_MAX);
    return &task->extras[task->extra_count++];
}

void task_add_text(struct task *task, bool is_output, const char *code, enum task_value kind, struct text text) {
    *add_extra(task) = (struct task_extra){.is_output = is_output, .code = code, .kind = kind, .text = text};
}

void task_add_number(struct task *task, bool is_output, const char *code, enum task_value kind, int64_t number) {
    *add_extra(task) = (struct task_extra){.is_output = is_output, .code = code, .kind = kind, .number = number};
}

static const struct task_extra *find_extra(const struct task *task, bool is_output, const char *code) {
    for (size_t i = task->extra_count; i > 0; i--) {
        const struct task_extra *extra = &task->extras[i - 1];
        if (extra->is_output == is_output && strcmp(extra->code, code) == 0) {
            return extra;
        }
    }
    return NULL;
}

static const yyjson_val *find_member(const yyjson_val *json, bool is_output, const char *code) {
    const yyjson_val *found = NULL;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(json, is_output ? "output" : "input"), index, count, item) {
        if (text_is(coding_code(json_get(item, "type"), is_output ? TASK_OUTPUT_SYSTEM : TASK_INPUT_SYSTEM), code)) {
            found = item;
        }
    }
    return found;
}

bool task_input_number(int64_t *out, const struct task *task, const char *code) {
    const struct task_extra *extra = find_extra(task, false, code);
    if (extra != NULL) {
        *out = extra->number;
        return true;
    }
    return json_get_int64(out, find_member(task->json, false, code), "valueInteger");
}

static struct text value_text(const yyjson_val *member) {
    static const char *const names[] = {"valueString", "valueCode", "valueInstant"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct text text = json_get_text(member, names[i]);
        if (text.size > 0) {
            return text;
        }
    }
    return reference_of(member, "valueReference");
}

struct text task_input_text(const struct task *task, const char *code) {
    const struct task_extra *extra = find_extra(task, false, code);
    return extra != NULL ? extra->text : value_text(find_member(task->json, false, code));
}

struct text task_output_text(const struct task *task, const char *code) {
    const struct task_extra *extra = find_extra(task, true, code);
    return extra != NULL ? extra->text : value_text(find_member(task->json, true, code));
}

bool task_has_input(const struct task *task, const char *code) {
    return find_extra(task, false, code) != NULL || find_member(task->json, false, code) != NULL;
}

size_t task_count_inputs(const yyjson_val *json, const char *code) {
    size_t found = 0, index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(json, "input"), index, count, item) {
        found += text_is(coding_code(json_get(item, "type"), TASK_INPUT_SYSTEM), code) ? 1 : 0;
    }
    return found;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static void write_instant(struct json_writer *w, const char *name, int64_t at_us) {
    char text[TIME_TEXT_SIZE];
    time_format_utc(text, at_us);
    json_member_string(w, name, text);
}

static void write_business(struct json_writer *w, const struct task *task) {
    const struct state_row *row = task_row(task);
    if (row == NULL || row->code[0] == '\0') {
        return;
    }
    bool bser = state_is_bser(row->code);
    json_name(w, "businessStatus");
    json_object_open(w);
    json_name(w, "coding");
    json_array_open(w);
    fhir_write_coding(w, (struct fhir_coding){text_from(bser ? BSER_STATE_SYSTEM : REFERRAL_STATE_SYSTEM),
                             text_from(row->code), text_from(row->display_en)});
    const char *companion = state_companion(task->kind, row->code);
    if (companion != NULL) {
        fhir_write_coding(w, (struct fhir_coding){text_from(BSER_STATE_SYSTEM), text_from(companion), {0}});
    }
    json_array_close(w);
    json_member_string(w, "text", row->display_ko);
    json_object_close(w);
}

static void write_reason(struct json_writer *w, const struct task *task) {
    if (task->reason_code.size == 0 && task->reason_text.size == 0) {
        const yyjson_val *kept = json_get(task->json, "statusReason");
        if (kept != NULL && !task->reason_dropped) {
            json_name(w, "statusReason");
            json_value(w, kept);
        }
        return;
    }
    json_name(w, "statusReason");
    json_object_open(w);
    if (task->reason_code.size > 0) {
        json_name(w, "coding");
        json_array_open(w);
        json_object_open(w);
        json_member_text(w, "system", task->reason_system);
        json_member_text(w, "code", task->reason_code);
        json_object_close(w);
        json_array_close(w);
    }
    json_member_text(w, "text", task->reason_text);
    json_object_close(w);
}

static void write_extra(struct json_writer *w, const struct task_extra *extra) {
    json_object_open(w);
    fhir_write_concept(w, "type",
        (struct fhir_coding){
            text_from(extra->is_output ? TASK_OUTPUT_SYSTEM : TASK_INPUT_SYSTEM), text_from(extra->code), {0}},
        (struct text){0});
    switch (extra->kind) {
    case TASK_VALUE_STRING:
        json_member_text(w, "valueString", extra->text);
        break;
    case TASK_VALUE_CODE:
        json_member_text(w, "valueCode", extra->text);
        break;
    case TASK_VALUE_INTEGER:
        json_member_int(w, "valueInteger", extra->number);
        break;
    case TASK_VALUE_REFERENCE:
        fhir_write_reference(w, "valueReference", extra->text);
        break;
    case TASK_VALUE_INSTANT:
        write_instant(w, "valueInstant", extra->number);
        break;
    }
    json_object_close(w);
}

static void write_extras(struct json_writer *w, const struct task *task, bool is_output) {
    const char *name = is_output ? "output" : "input";
    const yyjson_val *kept = json_get(task->json, name);
    bool any = json_count(kept) > 0;
    for (size_t i = 0; i < task->extra_count; i++) {
        any = any || task->extras[i].is_output == is_output;
    }
    if (!any) {
        return;
    }
    json_name(w, name);
    json_array_open(w);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)kept, index, count, item) {
        json_value(w, item);
    }
    for (size_t i = 0; i < task->extra_count; i++) {
        if (task->extras[i].is_output == is_output) {
            write_extra(w, &task->extras[i]);
        }
    }
    json_array_close(w);
}

static const char *const managed[] = {"resourceType", "id", "meta", "status", "_status", "businessStatus",
    "statusReason", "intent", "_intent", "priority", "_priority", "code", "focus", "for", "encounter", "partOf",
    "requester", "owner", "location", "authoredOn", "_authoredOn", "lastModified", "_lastModified", "restriction",
    "input", "output"};

static void write_others(struct json_writer *w, const yyjson_val *json) {
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach((yyjson_val *)json, index, count, key, value) {
        struct text name = json_text(key);
        bool skip = false;
        for (size_t i = 0; i < sizeof managed / sizeof *managed && !skip; i++) {
            skip = text_is(name, managed[i]);
        }
        if (!skip) {
            json_name_text(w, name);
            json_value(w, value);
        }
    }
}

static void write_kept(struct json_writer *w, const struct task *task, const char *name, struct text reference) {
    const yyjson_val *kept = json_get(task->json, name);
    if (kept != NULL && text_equal(json_get_text(kept, "reference"), reference)) {
        json_name(w, name);
        json_value(w, kept);
    } else {
        fhir_write_reference(w, name, reference);
    }
}

static void write_code(struct json_writer *w, const struct task *task) {
    const yyjson_val *kept = json_get(task->json, "code");
    json_name(w, "code");
    if (kept != NULL) {
        json_value(w, kept);
        return;
    }
    fhir_write_concept(
        w, NULL, (struct fhir_coding){text_from(TASK_CODE_SYSTEM), TEXT("fulfill"), {0}}, (struct text){0});
}

void task_write_deadline(struct json_writer *w, int64_t deadline_us) {
    if (deadline_us == 0) {
        return;
    }
    json_name(w, "restriction");
    json_object_open(w);
    json_name(w, "period");
    json_object_open(w);
    write_instant(w, "end", deadline_us);
    json_object_close(w);
    json_object_close(w);
}

/* Version and time are the store's; an object that has nothing else is left out. */
static void write_meta(struct json_writer *w, const yyjson_val *meta) {
    bool any = false;
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach((yyjson_val *)meta, index, count, key, value) {
        struct text name = json_text(key);
        if (text_is(name, "versionId") || text_is(name, "lastUpdated")) {
            continue;
        }
        if (!any) {
            json_name(w, "meta");
            json_object_open(w);
            any = true;
        }
        json_name_text(w, name);
        json_value(w, value);
    }
    if (any) {
        json_object_close(w);
    }
}

static void write_department(struct json_writer *w, const struct task *task) {
    if (task->json != NULL || task->department.size == 0) {
        return; /* of an older Task it is among the kept members */
    }
    json_name(w, "performerType");
    json_array_open(w);
    fhir_write_concept(
        w, NULL, (struct fhir_coding){text_from(TASK_DEPARTMENT_SYSTEM), task->department, {0}}, (struct text){0});
    json_array_close(w);
}

enum status task_write(struct text *out, const struct task *task, int64_t now_us, struct scope *scope) {
    struct json_writer writer = json_writer_open(scope->arena, 4 << 20), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "Task");
    json_member_text(w, "id", task->id);
    write_meta(w, json_get(task->json, "meta"));
    write_others(w, task->json);
    if (task->part_of.size > 0) {
        json_name(w, "partOf");
        json_array_open(w);
        json_object_open(w);
        json_member_text(w, "reference", task->part_of);
        json_object_close(w);
        json_array_close(w);
    }
    json_member_string(w, "status", task->state.status);
    write_reason(w, task);
    write_business(w, task);
    json_member_string(w, "intent", "order");
    json_member_text(w, "priority", task->priority);
    write_code(w, task);
    write_kept(w, task, "focus", task->focus);
    write_kept(w, task, "for", task->patient);
    write_kept(w, task, "encounter", task->encounter);
    write_instant(w, "authoredOn", task->authored_us != 0 ? task->authored_us : now_us);
    write_instant(w, "lastModified", now_us);
    write_kept(w, task, "requester", task->requester);
    write_kept(w, task, "owner", task->owner);
    write_kept(w, task, "location", task->location);
    write_department(w, task);
    task_write_deadline(w, task->deadline_us);
    write_extras(w, task, false);
    write_extras(w, task, true);
    json_object_close(w);
    return json_finish(out, w, scope);
}

const char *task_priority(int level) {
    static const char *const priorities[] = {"routine", "stat", "asap", "urgent", "routine", "routine"};
    return priorities[level];
}
