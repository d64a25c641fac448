/* Changing a Task from outside: read, rewrite the members that change, PUT with If-Match. */
#include <stdio.h>
#include <string.h>

#include "cli/demo.h"
#include "referral/referral.h"

enum { TASK_MAX = 1024 * 1024, HTTP_CONFLICT = 409, HTTP_PRECONDITION_FAILED = 412 };

enum status demo_get(const yyjson_val **out, struct remote *remote, const char *path, struct scope *scope) {
    struct remote_answer answer;
    yyjson_doc *document;
    enum status status = remote_send(&answer, remote, "GET", path, (struct text){0}, NULL, scope);
    if (status == STATUS_OK && answer.http_status != 200)
        status = fault(scope, STATUS_FAILED, path, "the server answered %d", answer.http_status);
    if (status == STATUS_OK)
        status = json_read(&document, answer.body, scope);
    if (status == STATUS_OK)
        *out = yyjson_doc_get_root(document);
    return status;
}

struct text demo_business(const yyjson_val *task) {
    size_t index, count;
    yyjson_val *coding;
    const yyjson_val *codings = json_get(json_get(task, "businessStatus"), "coding");
    yyjson_arr_foreach((yyjson_val *)codings, index, count, coding) {
        if (text_is(json_get_text(coding, "system"), REFERRAL_STATE_SYSTEM))
            return json_get_text(coding, "code");
    }
    return json_get_text(yyjson_arr_get_first((yyjson_val *)codings), "code");
}

static void write_concept(struct json_writer *w, const char *name, const char *system, const char *code) {
    fhir_write_concept(w, name, (struct fhir_coding){text_from(system), text_from(code), {0}}, (struct text){0});
}

static void write_letter(struct json_writer *w, const yyjson_val *outputs, struct text letter) {
    size_t index, count;
    yyjson_val *item;
    json_name(w, "output");
    json_array_open(w);
    yyjson_arr_foreach((yyjson_val *)outputs, index, count, item) json_value(w, item);
    json_object_open(w);
    write_concept(w, "type", TRIAGE_BASE "/CodeSystem/task-output", "return-letter");
    fhir_write_reference(w, "valueReference", letter);
    json_object_close(w);
    json_array_close(w);
}

/* The Task with the members of `change` in place of its own. */
static enum status write_changed(
    struct text *out, const yyjson_val *task, const struct demo_change *change, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, TASK_MAX);
    size_t index, count;
    yyjson_val *name, *value;
    json_object_open(&w);
    yyjson_obj_foreach((yyjson_val *)task, index, count, name, value) {
        struct text member = json_text(name);
        bool is_replaced = text_is(member, "status") || text_is(member, "businessStatus") || text_is(member, "meta") ||
                           (text_is(member, "statusReason") && change->reason != NULL) ||
                           (text_is(member, "location") && change->location.at != NULL) ||
                           (text_is(member, "owner") && change->owner.at != NULL) ||
                           (text_is(member, "output") && change->output.at != NULL);
        if (is_replaced)
            continue;
        json_name_text(&w, member);
        json_value(&w, value);
    }
    json_member_string(&w, "status", change->status);
    write_concept(&w, "businessStatus", REFERRAL_STATE_SYSTEM, change->business);
    if (change->reason != NULL)
        write_concept(&w, "statusReason", REFERRAL_DECLINE_SYSTEM, change->reason);
    if (change->location.at != NULL)
        fhir_write_reference(&w, "location", change->location);
    if (change->owner.at != NULL)
        fhir_write_reference(&w, "owner", change->owner);
    if (change->output.at != NULL)
        write_letter(&w, json_get(task, "output"), change->output);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

static const char *const roles[] = {
    [DEMO_SENDER] = "primary-care", [DEMO_RECEIVER] = "receiving", [DEMO_CONTROLLER] = "control-room"};

enum status demo_task_change(
    bool *refused, struct remote *remote, const char *id, const struct demo_change *change, struct scope *scope) {
    const char *path = text_format(scope->arena, "Task/%s", id).at;
    struct remote_answer answer;
    struct text body;
    yyjson_doc *document;
    *refused = false;
    enum status status = remote_send(&answer, remote, "GET", path, (struct text){0}, NULL, scope);
    if (status == STATUS_OK)
        status = json_read(&document, answer.body, scope);
    if (status == STATUS_OK)
        status = write_changed(&body, yyjson_doc_get_root(document), change, scope);
    if (status != STATUS_OK)
        return status;
    const char *headers[] = {
        text_format(scope->arena, "If-Match: %.*s", (int)answer.etag.size, answer.etag.at).at,
        text_format(scope->arena, "X-Soyang-Organization: Organization/%.*s", (int)change->organisation.size,
            change->organisation.at)
            .at,
        text_format(scope->arena, "X-Soyang-Role: %s", roles[change->actor]).at,
        text_format(
            scope->arena, "X-Soyang-Who: Organization/%.*s", (int)change->organisation.size, change->organisation.at)
            .at,
        "X-Soyang-Purpose: ETREAT",
        NULL,
    };
    status = remote_send(&answer, remote, "PUT", path, body, headers, scope);
    if (status != STATUS_OK)
        return status;
    *refused = answer.http_status == HTTP_CONFLICT || answer.http_status == HTTP_PRECONDITION_FAILED;
    if (*refused)
        log_event(LOG_DEBUG, "demonstration-refused", "task", id, "to", change->business, NULL);
    if (answer.http_status < 300 || *refused)
        return STATUS_OK;
    return fault(scope, STATUS_FAILED, path, "the change to '%s' was answered %d: %.*s", change->business,
        answer.http_status, (int)(answer.body.size < 600 ? answer.body.size : 600), answer.body.at);
}
