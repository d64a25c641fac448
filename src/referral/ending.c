/* The ways a loop ends: care begun, letter sent, letter read, cancelled, refused, died. */
#include <string.h>

#include "referral/loop.h"

/* ---- the ServiceRequest --------------------------------------------------------------------------------------------- */

/* The same resource with another status. */
static enum status rewrite_status(struct text *out, const yyjson_val *request, const char *to, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, 4 << 20);
    json_object_open(&w);
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach((yyjson_val *)request, index, count, key, value) {
        struct text name = json_text(key);
        if (text_is(name, "_status")) {
            continue;
        }
        json_name_text(&w, name);
        if (text_is(name, "status")) {
            json_string(&w, to);
        } else {
            json_value(&w, value);
        }
    }
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

static enum status close_request(struct loop *loop, struct text reference, const char *to) {
    struct text id = reference_id(reference, "ServiceRequest"), body = {0};
    const yyjson_val *request = NULL;
    if (id.size == 0) {
        return STATUS_OK;
    }
    enum status status = records_unit_get(&request, loop->unit, loop->referral->request, id, loop->scope);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK; /* a client's loop may name a request that is not here */
    }
    if (status == STATUS_OK) {
        status = rewrite_status(&body, request, to, loop->scope);
    }
    return status == STATUS_OK ? own_write(loop->referral, loop->unit, id, body, loop->scope) : status;
}

enum status loop_close(struct loop *loop) {
    enum status status = loop_withdraw_others(loop, NULL);
    if (status == STATUS_OK) {
        status = destination_release(loop);
    }
    if (status == STATUS_OK) {
        status = loop_release_patient(loop);
    }
    if (status == STATUS_OK) {
        status = loop_stop_clocks(loop);
    }
    bool whole = strcmp(loop->parent.state.status, "completed") == 0;
    if (status == STATUS_OK) {
        status = close_request(loop, loop->parent.focus, whole ? "completed" : "revoked");
    }
    if (status == STATUS_OK) {
        status = close_request(loop, task_output_text(&loop->parent, "return-request"), "completed");
    }
    return status;
}

/* ---- care ----------------------------------------------------------------------------------------------------------- */

enum status loop_take_over(struct loop *loop, const struct referral_transition *transition) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < loop->offer_count && status == STATUS_OK; i++) {
        struct task *offer = &loop->offers[i];
        const struct referral_transition *taken =
            transition_by_trigger(REFERRAL_OFFER, REFERRAL_SYSTEM, offer->state, "take-over");
        if (taken == NULL) {
            continue;
        }
        status = loop_move(loop, offer, taken);
        if (status == STATUS_OK) {
            status = bed_release(loop, offer); /* from here on the board says that the bed is taken */
        }
        if (status == STATUS_OK) {
            status = loop_commit(loop, offer);
        }
    }
    if (status == STATUS_OK) {
        status = loop_withdraw_others(loop, NULL);
    }
    if (status == STATUS_OK) {
        status = destination_release(loop);
    }
    if (status == STATUS_OK) {
        status = loop_release_patient(loop);
    }
    if (status == STATUS_OK) {
        status = loop_stop_clocks(loop);
    }
    if (status == STATUS_OK) {
        status = loop_move(loop, &loop->parent, transition);
    }
    return status == STATUS_OK ? loop_commit(loop, &loop->parent) : status;
}

/* ---- the letter ----------------------------------------------------------------------------------------------------- */

static enum status check_letter(struct loop *loop, struct text reference) {
    static const char *const path = "Task.output.valueReference";
    const struct {
        const char *name;
        fhir_type type;
    } kinds[] = {{"DocumentReference", loop->referral->letter}, {"Composition", loop->referral->composition}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct text id = reference_id(reference, kinds[i].name);
        const yyjson_val *letter = NULL;
        if (id.size == 0) {
            continue;
        }
        enum status status = records_unit_get(&letter, loop->unit, kinds[i].type, id, loop->scope);
        if (status == STATUS_NOT_FOUND) {
            return fault(loop->scope, STATUS_UNPROCESSABLE, path, "the return letter does not exist here");
        }
        if (status == STATUS_OK && !text_equal(reference_of(letter, "subject"), loop->parent.patient)) {
            return fault(loop->scope, STATUS_UNPROCESSABLE, path, "the return letter is about another patient");
        }
        return status;
    }
    return fault(loop->scope, STATUS_UNPROCESSABLE, path,
        "back-referred needs an output of code return-letter that refers to a DocumentReference or Composition");
}

/* The way back is a request of its own, based on the first: from the place that treated to the one that sent. */
static enum status write_return_request(struct text *out, const struct loop *loop, struct text letter) {
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, loop->now_us);
    struct json_writer writer = json_writer_open(loop->scope->arena, 64 * 1024), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "ServiceRequest");
    fhir_write_references(w, "basedOn", &loop->parent.focus, loop->parent.focus.size > 0 ? 1 : 0);
    json_member_string(w, "status", "active");
    json_member_string(w, "intent", "order");
    json_name(w, "code");
    json_object_open(w);
    json_member_string(w, "text", "회송 (back-referral)");
    json_object_close(w);
    fhir_write_reference(w, "subject", loop->parent.patient);
    json_member_string(w, "authoredOn", now);
    struct text destination = loop_destination_id(loop);
    fhir_write_reference(w, "requester",
        destination.size > 0 ? place_reference(loop->scope, "Organization", destination) : loop->parent.owner);
    fhir_write_references(w, "performer", &loop->parent.requester, loop->parent.requester.size > 0 ? 1 : 0);
    fhir_write_references(w, "supportingInfo", &letter, letter.size > 0 ? 1 : 0);
    json_object_close(w);
    return json_finish(out, w, loop->scope);
}

enum status loop_return(struct loop *loop, const struct referral_transition *transition) {
    struct text letter = task_output_text(&loop->parent, "return-letter"), body = {0}, id = {0};
    enum status status = check_letter(loop, letter);
    if (status == STATUS_OK) {
        status = write_return_request(&body, loop, letter);
    }
    if (status == STATUS_OK) {
        status = records_unit_put(&id, loop->unit, body, loop->scope);
    }
    if (status == STATUS_OK) {
        task_add_text(&loop->parent, true, "return-request", TASK_VALUE_REFERENCE,
            place_reference(loop->scope, "ServiceRequest", id));
        status = loop_move(loop, &loop->parent, transition);
    }
    return status == STATUS_OK ? loop_commit(loop, &loop->parent) : status;
}
