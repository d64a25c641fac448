/* $send: one unit of work that turns a reading into a referral under way: request, reading, decision, loop, offers. */
#include <string.h>

#include "referral/intake.h"
#include "referral/proposal.h"
#include "referral/silent.h"
#include "referral/task.h"

static const char *const names[] = {"patient", "encounter", "requester", "origin", "human-level", "place",
    "override-reason", "question", "depart", "decision", "based-on", "family-place", "draft", "confirmed-need",
    "ready-in"};

struct sending {
    struct intake_question asked;
    struct intake intake;
    struct referral_case patient;
    struct decision decision;
    struct text requester, chosen, override_reason, question, basis, earlier_decision, draft;
    bool departs;
    /* made in the unit */
    struct text request, assessment, request_body, loop_id;
    struct loop *loop;
    struct text support[PROPOSAL_SUPPORT_MAX]; /* of the draft */
    size_t support_count;
    struct text loop_body, *offer_bodies;
    size_t offer_count;
};

/* ---- parameters ------------------------------------------------------------------------------------------------------- */

static enum status read_requester(struct sending *s, struct scope *scope) {
    const yyjson_val *parameters = s->intake.parameters;
    const struct records_caller *caller = s->intake.call->caller;
    enum status status = parameter_reference(&s->requester, parameters, "requester", scope);
    if (status != STATUS_OK) {
        return status;
    }
    const char *path = parameter_path(parameters, "requester", "valueReference", scope);
    if (s->requester.size == 0) {
        s->requester = caller->organisation;
    }
    if (reference_id(s->requester, "Organization").size == 0) {
        return fault(scope, STATUS_INVALID, path, "requester takes the Organization that sends");
    }
    bool may = text_equal(s->requester, caller->organisation) || text_is(caller->role, "administrator") ||
               text_is(caller->role, "control-room") || text_is(caller->role, "crew") ||
               text_is(caller->role, "system");
    return may ? STATUS_OK : fault(scope, STATUS_DENIED, path, "the caller's organisation is not the one that sends");
}

static enum status read_wishes(struct sending *s, struct scope *scope) {
    const yyjson_val *parameters = s->intake.parameters;
    bool found = false;
    struct text place = {0}, draft = {0};
    enum status status = parameter_reference(&place, parameters, "place", scope);
    if (status == STATUS_OK) {
        status = parameter_reference(&draft, parameters, "draft", scope);
    }
    if (status == STATUS_OK) {
        status = parameter_string(&s->override_reason, parameters, "override-reason", scope);
    }
    if (status == STATUS_OK) {
        status = parameter_string(&s->question, parameters, "question", scope);
    }
    if (status == STATUS_OK) {
        status = parameter_reference(&s->earlier_decision, parameters, "decision", scope);
    }
    if (status == STATUS_OK) {
        status = parameter_reference(&s->basis, parameters, "based-on", scope);
    }
    if (status == STATUS_OK) {
        status = parameter_boolean(&found, &s->departs, parameters, "depart", scope);
    }
    s->draft = reference_id(draft, "Task");
    if (status == STATUS_OK && draft.size > 0 && s->draft.size == 0) {
        return fault(scope, STATUS_INVALID, parameter_path(parameters, "draft", "valueReference", scope),
            "draft takes the Task of a referral that was drawn up");
    }
    s->chosen = reference_id(place, "Organization");
    if (status == STATUS_OK && place.size > 0 && s->chosen.size == 0) {
        return fault(scope, STATUS_INVALID, parameter_path(parameters, "place", "valueReference", scope),
            "place takes an Organization");
    }
    return status;
}

/* A human may choose any place of care; where it is not the first, a reason is kept with the decision. */
static enum status check_choice(struct sending *s, struct scope *scope) {
    const yyjson_val *parameters = s->intake.parameters;
    const struct region_snapshot *snapshot = s->intake.snapshot;
    if (s->chosen.size == 0) {
        return !s->patient.stay_local ? STATUS_OK
                                      : fault(scope, STATUS_UNPROCESSABLE, "Parameters.parameter",
                                            "this case stays local: care where the patient is now is enough; name a "
                                            "place to send all the same");
    }
    int index = region_place_find(snapshot, s->chosen);
    const char *path = parameter_path(parameters, "place", "valueReference", scope);
    if (index < 0 || snapshot->places[index].control_room || snapshot->places[index].closed) {
        return fault(scope, STATUS_UNPROCESSABLE, path, "no open place of care of the region by that id");
    }
    const struct referral_ranking *ranking = &s->decision.ranking;
    bool first =
        ranking->option_count > 0 && text_equal(s->decision.snapshot->places[ranking->options[0].place].id, s->chosen);
    if (!first && s->override_reason.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, parameter_path(parameters, "override-reason", "valueString", scope),
            "another place than the first was chosen: override-reason says why");
    }
    return STATUS_OK;
}

/* ---- resources -------------------------------------------------------------------------------------------------------- */

static void write_reasons(struct json_writer *w, const struct triage_reading *reading) {
    if (reading->need_count == 0) {
        return;
    }
    json_name(w, "reasonCode");
    json_array_open(w);
    for (size_t i = 0; i < reading->need_count; i++) {
        const struct triage_need *need = reading->needs[i].need;
        fhir_write_concept(w, NULL, (struct fhir_coding){need->system, need->code, need->name_en}, need->name_ko);
    }
    json_array_close(w);
}

static void write_note(struct json_writer *w, struct text question) {
    if (question.size == 0) {
        return;
    }
    json_name(w, "note");
    json_array_open(w);
    json_object_open(w);
    json_member_text(w, "text", question);
    json_object_close(w);
    json_array_close(w);
}

static enum status write_request(
    struct text *out, const struct sending *s, struct text first, int64_t now_us, struct scope *scope) {
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, now_us);
    struct text support[3 + PROPOSAL_SUPPORT_MAX] = {s->assessment, s->loop->decision_reference};
    size_t support_count = 2;
    if (s->earlier_decision.size > 0) {
        support[support_count++] = s->earlier_decision;
    }
    for (size_t i = 0; i < s->support_count; i++) {
        support[support_count++] = s->support[i];
    }
    struct json_writer writer = json_writer_open(scope->arena, 1 << 20), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "ServiceRequest");
    json_member_text(w, "id", s->request);
    if (s->basis.size > 0) {
        fhir_write_references(w, "basedOn", &s->basis, 1);
    }
    json_member_string(w, "status", "active");
    json_member_string(w, "intent", "order");
    json_member_string(w, "priority", task_priority(s->patient.level));
    json_name(w, "code");
    json_object_open(w);
    json_member_string(w, "text", "진료 의뢰 (referral)");
    json_object_close(w);
    fhir_write_reference(w, "subject", s->intake.patient);
    fhir_write_reference(w, "encounter", s->intake.encounter);
    json_member_string(w, "authoredOn", now);
    fhir_write_reference(w, "requester", s->requester);
    if (first.size > 0) {
        struct text performer = place_reference(scope, "Organization", first);
        fhir_write_references(w, "performer", &performer, 1);
    }
    write_reasons(w, &s->intake.reading);
    fhir_write_references(w, "supportingInfo", support, support_count);
    write_note(w, s->question);
    json_object_close(w);
    return json_finish(out, w, scope);
}

/* Who read, from what, by which policy. */
static enum status write_provenance(struct text *out, const struct sending *s, int64_t now_us, struct scope *scope) {
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, now_us);
    struct text targets[] = {
        s->assessment, s->loop->decision_reference, place_reference(scope, "ServiceRequest", s->request)};
    struct json_writer writer = json_writer_open(scope->arena, 256 * 1024), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "Provenance");
    fhir_write_references(w, "target", targets, sizeof targets / sizeof *targets);
    json_member_string(w, "recorded", now);
    json_name(w, "policy");
    json_array_open(w);
    json_string_text(w, text_format(scope->arena, "urn:sha256:%s", s->intake.reading.policy_digest));
    json_string_text(
        w, text_format(scope->arena, "urn:sha256:%.*s", (int)s->decision.policy_hash.size, s->decision.policy_hash.at));
    json_array_close(w);
    json_name(w, "agent");
    json_array_open(w);
    json_object_open(w);
    fhir_write_reference(w, "who", TEXT(REFERRAL_DEVICE));
    fhir_write_reference(w, "onBehalfOf", s->requester);
    json_object_close(w);
    json_object_open(w);
    fhir_write_reference(w, "who", s->intake.call->caller->who);
    fhir_write_reference(w, "onBehalfOf", s->requester);
    json_object_close(w);
    json_array_close(w);
    intake_write_entities(w, &s->intake, scope);
    json_object_close(w);
    return json_finish(out, w, scope);
}

static enum status ensure_device(struct sending *s, struct records_unit *unit, struct scope *scope) {
    const yyjson_val *device = NULL;
    enum status status = records_unit_get(&device, unit, s->intake.referral->device, TEXT("soyang"), scope);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    return records_unit_put(NULL, unit,
        TEXT("{\"resourceType\":\"Device\",\"id\":\"soyang\",\"status\":\"active\",\"deviceName\":[{\"name\":"
             "\"Soyang\",\"type\":\"user-friendly-name\"}]}"),
        scope);
}

/* ---- the unit --------------------------------------------------------------------------------------------------------- */

static struct text new_id(const struct sending *s, struct scope *scope) {
    char id[ID_TEXT_SIZE];
    id_new(id, s->intake.referral->clock);
    return text_copy(scope->arena, text_from(id));
}

static enum status put_assessment(struct sending *s, struct records_unit *unit, struct scope *scope) {
    struct text id = new_id(s, scope), body = {0};
    s->assessment = place_reference(scope, "RiskAssessment", id);
    enum status status = intake_write_assessment(&body, &s->intake, id, records_unit_time_us(unit), scope);
    if (status == STATUS_OK) {
        status = records_unit_put(NULL, unit, body, scope);
    }
    return status == STATUS_OK ? silent_keep(&s->intake.reading, unit, id, scope) : status;
}

static enum status draw_up_loop(struct sending *s, struct scope *scope) {
    struct loop *loop = s->loop;
    const struct state_row *draft = state_find(REFERRAL_LOOP, TEXT("draft"), (struct text){0});
    invariant(draft != NULL);
    enum policy_mode mode = s->patient.extreme ? POLICY_NOTIFY : loop->policy.levels[s->patient.level].mode;
    loop->level = s->patient.level;
    if (s->draft.size > 0) {
        enum status status =
            proposal_take(loop, s->support, &s->support_count, s->draft, s->intake.patient, s->requester);
        if (status != STATUS_OK) {
            return status;
        }
        s->request = reference_id(loop->parent.focus, "ServiceRequest");
        loop->parent.priority = text_from(task_priority(s->patient.level));
    } else {
        s->request = new_id(s, scope);
        loop->parent = (struct task){
            .id = new_id(s, scope),
            .kind = REFERRAL_LOOP,
            .state = {draft->status, draft->code},
            .patient = s->intake.patient,
            .encounter = s->intake.encounter,
            .focus = place_reference(scope, "ServiceRequest", s->request),
            .requester = s->requester,
            .owner = s->requester,
            .priority = text_from(task_priority(s->patient.level)),
            .authored_us = loop->now_us,
        };
    }
    task_add_number(&loop->parent, false, "level", TASK_VALUE_INTEGER, s->patient.level);
    task_add_text(&loop->parent, false, "mode", TASK_VALUE_CODE, text_from(policy_mode_code(mode)));
    task_add_text(&loop->parent, false, "decision", TASK_VALUE_REFERENCE, loop->decision_reference);
    if (s->intake.reading.extreme_rule.size > 0) {
        task_add_text(&loop->parent, false, "extreme", TASK_VALUE_CODE, s->intake.reading.extreme_rule);
    }
    if (s->question.size > 0) {
        task_add_text(&loop->parent, false, "question", TASK_VALUE_STRING, s->question);
    }
    return STATUS_OK;
}

static struct text first_place(const struct sending *s) {
    const struct referral_ranking *ranking = &s->decision.ranking;
    if (s->chosen.size > 0) {
        return s->chosen;
    }
    return ranking->option_count > 0 ? s->decision.snapshot->places[ranking->options[0].place].id : (struct text){0};
}

static bool has_offer(const struct loop *loop, struct text place) {
    for (size_t i = 0; i < loop->offer_count; i++) {
        if (text_equal(reference_id(loop->offers[i].owner, "Organization"), place)) {
            return true;
        }
    }
    return false;
}

/* A human's choice is asked alone; else as many at once as the level allows. Where every department of the first is busy already,
 * the next by rank comes first; the engine's own rule for asking on serves here too. */
static enum status ask(struct sending *s) {
    struct loop *loop = s->loop;
    size_t asked = 0;
    if (s->chosen.size > 0) {
        return offer_ask(loop, s->chosen);
    }
    enum status status = loop_ask_listed(&asked, loop);
    if (status == STATUS_OK && asked == 0 && !has_offer(loop, first_place(s)) && first_place(s).size > 0) {
        status = offer_ask(
            loop, first_place(s)); /* all are busy: the best is asked all the same, nobody is asked by nobody */
    }
    return status;
}

/* Where who departs at once rolls to: the direction that the plan shares, if that place is asked; else who is asked first. */
static struct text heading_of(const struct sending *s) {
    const struct referral_ranking *ranking = &s->decision.ranking;
    if (ranking->heading >= 0 && (size_t)ranking->heading < ranking->option_count) {
        struct text place = s->decision.snapshot->places[ranking->options[ranking->heading].place].id;
        if (has_offer(s->loop, place)) {
            return place;
        }
    }
    return reference_id(s->loop->offers[0].owner, "Organization");
}

static enum status start(struct sending *s, struct scope *scope) {
    struct loop *loop = s->loop;
    struct text first = first_place(s);
    if (first.size == 0) {
        enum status status = loop_step(loop, &loop->parent, REFERRAL_INITIATOR, "ask-controller");
        return status == STATUS_OK ? loop_commit(loop, &loop->parent) : status;
    }
    if (s->patient.extreme) {
        return loop_name_destination(loop, first, REFERRAL_INITIATOR, "notify");
    }
    enum status status = ask(s);
    if (status == STATUS_OK) {
        status = loop_start_clocks(loop);
    }
    if (status == STATUS_OK) {
        status = loop_step(loop, &loop->parent, REFERRAL_INITIATOR, "send");
    }
    if (status == STATUS_OK && s->departs) {
        loop->parent.location = place_reference(scope, "Location", heading_of(s));
        task_add_number(&loop->parent, false, "departed", TASK_VALUE_INSTANT, loop->now_us);
    }
    return status == STATUS_OK ? loop_commit(loop, &loop->parent) : status;
}

static enum status collect(struct sending *s, struct scope *scope) {
    struct loop *loop = s->loop;
    enum status status = task_write(&s->loop_body, &loop->parent, loop->now_us, scope);
    s->offer_bodies = ARENA_ARRAY(scope->arena, struct text, loop->offer_count + 1);
    for (size_t i = 0; i < loop->offer_count && status == STATUS_OK; i++) {
        status = task_write(&s->offer_bodies[s->offer_count++], &loop->offers[i], loop->now_us, scope);
    }
    return status;
}

static enum status put_written(
    struct records_unit *unit, enum status status, const struct text *body, struct scope *scope) {
    return status == STATUS_OK ? records_unit_put(NULL, unit, *body, scope) : status;
}

static enum status send(void *context, struct records_unit *unit, struct scope *scope) {
    struct sending *s = context;
    s->offer_count = 0; /* a unit may be undone and run again */
    struct text provenance = {0};
    enum status status = loop_begin(&s->loop, s->intake.referral, unit, scope);
    if (status == STATUS_OK) {
        status = ensure_device(s, unit, scope);
    }
    if (status == STATUS_OK) {
        status = put_assessment(s, unit, scope);
    }
    struct decision_stamp stamp = {.patient = s->intake.patient,
        .encounter = s->intake.encounter,
        .chosen = s->chosen,
        .override_reason = s->override_reason,
        .who = s->intake.call->caller->who};
    if (status == STATUS_OK) {
        status = loop_adopt(s->loop, &s->decision, &stamp);
    }
    if (status == STATUS_OK) {
        status = draw_up_loop(s, scope);
    }
    if (status == STATUS_OK) {
        status = loop_claim_patient(s->loop);
    }
    if (status == STATUS_OK) {
        status = write_request(&s->request_body, s, first_place(s), s->loop->now_us, scope);
    }
    if (status == STATUS_OK) {
        status = own_write(s->intake.referral, unit, s->request, s->request_body, scope);
    }
    if (status == STATUS_OK) {
        status = put_written(unit, write_provenance(&provenance, s, s->loop->now_us, scope), &provenance, scope);
    }
    if (status == STATUS_OK) {
        status = start(s, scope);
    }
    return status == STATUS_OK ? collect(s, scope) : status;
}

/* ---- the operation ---------------------------------------------------------------------------------------------------- */

static enum status decide(void *context, struct records_visit *visit, struct scope *scope) {
    struct sending *s = context;
    struct text reading = {0};
    enum status status = intake_read(&s->intake, &s->asked, visit, scope);
    if (status == STATUS_OK) {
        status = read_requester(s, scope);
    }
    if (status == STATUS_OK) {
        status = read_wishes(s, scope);
    }
    if (status == STATUS_OK && s->intake.patient_id.size == 0) {
        status = fault(scope, STATUS_INVALID, "Parameters.parameter", "only a stored patient is sent");
    }
    if (status == STATUS_OK) {
        status = intake_case(&s->patient, &s->intake, s->requester, scope);
    }
    if (status == STATUS_OK) {
        status = intake_write_reading(&reading, &s->intake, scope);
    }
    if (status == STATUS_OK) {
        s->patient.departs = s->departs;
        status = decision_make(&s->decision, s->intake.snapshot, &s->patient, reading, scope);
    }
    return status == STATUS_OK ? check_choice(s, scope) : status;
}

enum status referral_operation_send(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    struct sending *s = ARENA_NEW(scope->arena, struct sending);
    s->asked = (struct intake_question){referral, call, names, sizeof names / sizeof *names};
    enum status status = records_visit_run(referral->records, call->caller, "$send", decide, send, s, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, 8 << 20);
    fhir_parameters_open(&w);
    fhir_parameter_resource(&w, "request", s->request_body);
    fhir_parameter_resource(&w, "loop", s->loop_body);
    for (size_t i = 0; i < s->offer_count; i++) {
        fhir_parameter_resource(&w, "offer", s->offer_bodies[i]);
    }
    return fhir_parameters_finish(out, &w, scope);
}
