#include "referral/proposal.h"

#include <string.h>

#include "referral/task.h"

static struct text new_id(const struct referral *referral, struct scope *scope) {
    char id[ID_TEXT_SIZE];
    id_new(id, referral->clock);
    return text_copy(scope->arena, text_from(id));
}

static void write_text(struct json_writer *w, const char *name, struct text text) {
    json_name(w, name);
    json_array_open(w);
    json_object_open(w);
    json_member_text(w, "text", text);
    json_object_close(w);
    json_array_close(w);
}

static void write_need(struct json_writer *w, const struct loop *loop, struct text code) {
    int need = region_need_find(loop->snapshot, code);
    if (need < 0) {
        return;
    }
    const struct region_code *row = &loop->snapshot->needs[need];
    json_name(w, "reasonCode");
    json_array_open(w);
    fhir_write_concept(w, NULL, (struct fhir_coding){row->system, row->code, row->name_en}, row->name_ko);
    json_array_close(w);
}

static enum status write_request(
    struct text *out, const struct loop *loop, const struct proposal *proposal, struct text id) {
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, loop->now_us);
    struct json_writer writer = json_writer_open(loop->scope->arena, 256 * 1024), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "ServiceRequest");
    json_member_text(w, "id", id);
    json_member_string(w, "status", "draft");
    json_member_string(w, "intent", "order");
    json_member_string(w, "priority", task_priority(proposal->level));
    json_name(w, "code");
    json_object_open(w);
    json_member_string(w, "text", "진료 의뢰 (referral)");
    json_object_close(w);
    fhir_write_reference(w, "subject", proposal->patient);
    fhir_write_reference(w, "encounter", proposal->encounter);
    json_member_string(w, "authoredOn", now);
    fhir_write_reference(w, "requester", proposal->requester);
    fhir_write_references(w, "performer", &proposal->performer, proposal->performer.size > 0 ? 1 : 0);
    write_need(w, loop, proposal->need);
    fhir_write_references(w, "supportingInfo", proposal->support, proposal->support_count);
    write_text(w, "note", proposal->words);
    json_object_close(w);
    return json_finish(out, w, loop->scope);
}

enum status proposal_make(struct text *out, struct referral *referral, struct records_unit *unit,
    const struct proposal *proposal, struct scope *scope) {
    struct text request = new_id(referral, scope), body = {0};
    struct loop *loop = NULL;
    invariant(proposal->level >= 1 && proposal->level <= 5);
    enum status status = loop_begin(&loop, referral, unit, scope);
    if (status == STATUS_OK) {
        status = write_request(&body, loop, proposal, request);
    }
    if (status == STATUS_OK) {
        status = own_write(referral, unit, request, body, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const struct state_row *draft = state_find(REFERRAL_LOOP, TEXT("draft"), (struct text){0});
    invariant(draft != NULL);
    loop->level = proposal->level;
    loop->parent = (struct task){
        .id = new_id(referral, scope),
        .kind = REFERRAL_LOOP,
        .state = {draft->status, draft->code},
        .patient = proposal->patient,
        .encounter = proposal->encounter,
        .focus = place_reference(scope, "ServiceRequest", request),
        .requester = proposal->requester,
        .owner = proposal->requester,
        .priority = text_from(task_priority(proposal->level)),
        .authored_us = loop->now_us,
        .deadline_us =
            loop->now_us + (int64_t)(policy_minutes(&loop->policy, draft->deadline, proposal->level, 0) * 60e6),
    };
    task_add_number(&loop->parent, false, "level", TASK_VALUE_INTEGER, proposal->level);
    task_add_text(&loop->parent, false, "consult", TASK_VALUE_REFERENCE, proposal->basis);
    *out = place_reference(scope, "Task", loop->parent.id);
    return loop_commit(loop, &loop->parent);
}

static void read_support(struct text out[PROPOSAL_SUPPORT_MAX], size_t *count_out, const yyjson_val *request) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(request, "supportingInfo"), index, count, item) {
        struct text reference = json_get_text(item, "reference");
        if (reference.size > 0 && *count_out < PROPOSAL_SUPPORT_MAX) {
            out[(*count_out)++] = reference;
        }
    }
}

enum status proposal_take(struct loop *loop, struct text support_out[PROPOSAL_SUPPORT_MAX], size_t *support_count_out,
    struct text id, struct text patient, struct text requester) {
    static const char *const path = "Parameters.parameter.where(name='draft')";
    const yyjson_val *json = NULL, *request = NULL;
    *support_count_out = 0;
    enum status status = records_unit_get(&json, loop->unit, loop->referral->task, id, loop->scope);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    bool is_loop = status == STATUS_OK && task_is_governed(json) && task_read(&loop->parent, json) &&
                   loop->parent.kind == REFERRAL_LOOP;
    if (!is_loop || !text_equal(loop->parent.patient, patient) || !text_equal(loop->parent.requester, requester)) {
        return fault(loop->scope, STATUS_UNPROCESSABLE, path, "is no draft of a referral of this patient and sender");
    }
    if (strcmp(loop->parent.state.status, "draft") != 0) {
        return fault(loop->scope, STATUS_CONFLICT, path, "was sent or ended already");
    }
    struct text focus = reference_id(loop->parent.focus, "ServiceRequest");
    status = focus.size == 0 ? STATUS_NOT_FOUND
                             : records_unit_get(&request, loop->unit, loop->referral->request, focus, loop->scope);
    if (status == STATUS_NOT_FOUND) {
        return fault(loop->scope, STATUS_UNPROCESSABLE, path, "has no ServiceRequest here: send it without the draft");
    }
    if (status == STATUS_OK) {
        read_support(support_out, support_count_out, request);
    }
    return status;
}
