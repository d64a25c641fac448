#include "referral/consult.h"

#include <string.h>

#include "referral/proposal.h"

enum { TASK_BYTES_MAX = 4 << 20 };
#define MINUTE_US INT64_C(60000000)
#define MINUTES_MAX 100000.

/* ---- policy ------------------------------------------------------------------------------------------------------------- */

static enum status read_minutes(double out[6], const yyjson_val *section, const char *name, struct scope *scope) {
    const yyjson_val *values = json_get(json_get(section, name), "value");
    size_t index, count, found = 0;
    yyjson_val *item;
    if (values == NULL) {
        return STATUS_OK;
    }
    yyjson_arr_foreach((yyjson_val *)values, index, count, item) {
        double minutes = 0;
        if (count == 5 && text_to_double(&minutes, json_number_text(item)) && minutes > 0 && minutes <= MINUTES_MAX) {
            out[index + 1] = minutes;
            found++;
        }
    }
    return found == 5 ? STATUS_OK
                      : fault(scope, STATUS_INVALID, text_format(scope->arena, "consult.%s", name).at,
                            "policy: five times in minutes above 0, one a level");
}

enum status consult_policy_read(struct consult_policy *out, struct text document, struct scope *scope) {
    static const struct consult_policy built_in = {{0, 5, 10, 30, 240, 1440}, {0, 3, 5, 15, 60, 240}}; /* assumptions */
    yyjson_doc *parsed;
    *out = built_in;
    if (document.size == 0) {
        return STATUS_OK;
    }
    enum status status = json_read(&parsed, document, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *section = json_get(yyjson_doc_get_root(parsed), "consult");
    status = read_minutes(out->answer, section, "answer_minutes", scope);
    return status == STATUS_OK ? read_minutes(out->escalated, section, "escalated_minutes", scope) : status;
}

static enum status policy_and_room(struct consult_policy *policy, struct text *room, struct referral *referral,
    struct records_unit *unit, struct scope *scope) {
    const struct region_snapshot *snapshot;
    enum status status = region_hold_within(&snapshot, referral->region, unit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = consult_policy_read(policy, snapshot->policy, scope);
    *room = (struct text){0};
    if (snapshot->control_room >= 0) {
        struct text id = snapshot->places[snapshot->control_room].id;
        *room = text_format(scope->arena, "Organization/%.*s", (int)id.size, id.at);
    }
    region_release(snapshot);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

bool consult_is(const yyjson_val *task) {
    return text_is(coding_code(json_get(task, "code"), CONSULT_KIND_SYSTEM), CONSULT_CODE);
}

static const yyjson_val *value_in(const yyjson_val *task, const char *list, const char *system, const char *code) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(task, list), index, count, item) {
        if (text_is(coding_code(json_get(item, "type"), system), code)) {
            return item;
        }
    }
    return NULL;
}

static const yyjson_val *input_of(const yyjson_val *task, const char *code) {
    return value_in(task, "input", TASK_INPUT_SYSTEM, code);
}

static const yyjson_val *output_of(const yyjson_val *task, const char *code) {
    return value_in(task, "output", TASK_OUTPUT_SYSTEM, code);
}

struct text consult_answer_of(const yyjson_val *task) {
    bool answered = text_is(json_get_text(task, "status"), "completed");
    return answered ? reference_of(output_of(task, "communication"), "valueReference") : (struct text){0};
}

static int level_of(const yyjson_val *task) {
    int64_t level = 0;
    return json_get_int64(&level, input_of(task, "level"), "valueInteger") && level >= 1 && level <= 5 ? (int)level : 3;
}

static bool is_open(const yyjson_val *task) {
    return text_is(json_get_text(task, "status"), "requested");
}

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

/* What of a consultation's Task the engine sets; everything else stays as `json` has it. */
struct rewrite {
    const yyjson_val *json;
    const char *status, *state;
    struct text owner;                            /* reference */
    int64_t deadline_us;                          /* 0: none */
    struct text communication, referral, finding; /* more outputs; none. referral: what an answer `transfer` drew up */
};

static void write_concept(struct json_writer *w, const char *name, const char *system, const char *code) {
    fhir_write_concept(w, name, (struct fhir_coding){text_from(system), text_from(code), {0}}, (struct text){0});
}

/* What the engine alone says. */
static bool is_ours(const yyjson_val *output) {
    struct text code = coding_code(json_get(output, "type"), TASK_OUTPUT_SYSTEM);
    return text_is(code, "communication") || text_is(code, "referral") || text_is(code, "finding");
}

static void write_outputs(struct json_writer *w, const struct rewrite *rewrite) {
    const yyjson_val *outputs = json_get(rewrite->json, "output");
    size_t index, count, theirs = 0;
    yyjson_val *item;
    const struct {
        const char *code;
        struct text reference;
    } more[] = {
        {"communication", rewrite->communication}, {"referral", rewrite->referral}, {"finding", rewrite->finding}};
    yyjson_arr_foreach((yyjson_val *)outputs, index, count, item) {
        theirs += is_ours(item) ? 0 : 1;
    }
    if (theirs == 0 && rewrite->communication.size == 0) {
        return;
    }
    json_name(w, "output");
    json_array_open(w);
    yyjson_arr_foreach((yyjson_val *)outputs, index, count, item) {
        if (!is_ours(item)) {
            json_value(w, item);
        }
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (more[i].reference.size > 0) {
            json_object_open(w);
            write_concept(w, "type", TASK_OUTPUT_SYSTEM, more[i].code);
            fhir_write_reference(w, "valueReference", more[i].reference);
            json_object_close(w);
        }
    }
    json_array_close(w);
}

/* What a client or a region labels stays; versions and times are the record's. */
static void write_meta(struct json_writer *w, const yyjson_val *meta) {
    static const char *const kept[] = {"profile", "security", "tag"};
    bool any = false;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const yyjson_val *value = json_get(meta, kept[i]);
        if (value == NULL) {
            continue;
        }
        if (!any) {
            json_name(w, "meta");
            json_object_open(w);
            any = true;
        }
        json_name(w, kept[i]);
        json_value(w, value);
    }
    if (any) {
        json_object_close(w);
    }
}

static enum status task_rewrite(struct text *out, const struct rewrite *rewrite, int64_t now_us, struct scope *scope) {
    static const char *const managed[] = {
        "status", "businessStatus", "owner", "restriction", "lastModified", "output", "meta", NULL};
    struct json_writer w = json_writer_open(scope->arena, TASK_BYTES_MAX);
    char now[TIME_TEXT_SIZE];
    size_t index, count;
    yyjson_val *name, *value;
    time_format_utc(now, now_us);
    json_object_open(&w);
    yyjson_obj_foreach((yyjson_val *)rewrite->json, index, count, name, value) {
        bool ours = false;
        for (const char *const *member = managed; *member != NULL; member++) {
            ours = ours || text_is(json_text(name), *member);
        }
        if (!ours) {
            json_name_text(&w, json_text(name));
            json_value(&w, value);
        }
    }
    write_meta(&w, json_get(rewrite->json, "meta"));
    json_member_string(&w, "status", rewrite->status);
    write_concept(&w, "businessStatus", CONSULT_STATE_SYSTEM, rewrite->state);
    fhir_write_reference(&w, "owner", rewrite->owner);
    json_member_string(&w, "lastModified", now);
    task_write_deadline(&w, rewrite->deadline_us);
    write_outputs(&w, rewrite);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

enum status consult_tell(
    struct referral *referral, struct records_unit *unit, const struct consult_message *message, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, TASK_BYTES_MAX);
    struct text out;
    char at[TIME_TEXT_SIZE];
    time_format_utc(at, message->at_us);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Communication");
    json_member_text(&w, "id", message->id);
    fhir_write_references(&w, "inResponseTo", &message->answers, message->answers.size > 0 ? 1 : 0);
    fhir_write_references(&w, "about", &message->about, message->about.size > 0 ? 1 : 0);
    json_member_string(&w, "status", "completed");
    json_name(&w, "category");
    json_array_open(&w);
    write_concept(&w, NULL, CONSULT_CATEGORY_SYSTEM, CONSULT_CODE);
    json_array_close(&w);
    fhir_write_reference(&w, "subject", message->subject);
    fhir_write_reference(&w, "encounter", message->encounter);
    json_member_string(&w, "sent", at);
    if (message->finding != NULL) {
        json_name(&w, "reasonCode");
        json_array_open(&w);
        json_value(&w, message->finding);
        json_array_close(&w);
    }
    fhir_write_references(&w, "recipient", &message->recipient, 1);
    fhir_write_reference(&w, "sender", message->sender);
    json_name(&w, "payload");
    json_array_open(&w);
    json_object_open(&w);
    json_member_text(&w, "contentString", message->text);
    json_object_close(&w);
    json_array_close(&w);
    json_object_close(&w);
    enum status status = json_finish(&out, &w, scope);
    return status == STATUS_OK ? own_write(referral, unit, message->id, out, scope) : status;
}

/* ---- what a client may change ----------------------------------------------------------------------------------------------- */

struct update {
    struct referral *referral;
    struct records_change *change;
    const struct records_caller *caller;
    struct consult_policy policy;
    struct text room; /* the control room's reference; none */
    struct rewrite rewrite;
    int64_t now_us;
};

static bool is_room(const struct update *u) {
    return text_is(u->caller->role, "control-room") || text_is(u->caller->role, "administrator");
}

static enum status check_fixed(const struct update *u, struct scope *scope) {
    static const char *const fixed[] = {"code", "for", "requester", "intent", "basedOn", "encounter", "authoredOn",
        "input", "performerType", "priority"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const yyjson_val *old = json_get(u->change->before, fixed[i]), *new = json_get(u->change->after, fixed[i]);
        if ((old == NULL) != (new == NULL) || (old != NULL && !json_equal(old, new))) {
            return fault(scope, STATUS_CONFLICT, text_format(scope->arena, "Task.%s", fixed[i]).at,
                "this never changes in a consultation");
        }
    }
    return STATUS_OK;
}

static enum status check_answer(const struct update *u, struct scope *scope) {
    static const char *const answers[] = {"advice", "transfer", "stay"};
    const yyjson_val *after = u->change->after;
    struct text code = json_get_text(output_of(after, "answer"), "valueCode");
    struct text words = json_get_text(output_of(after, "answer-text"), "valueString");
    struct text organisation = u->caller->organisation;
    struct text asked = reference_of(input_of(u->change->before, "asked"), "valueReference");
    bool known = false;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        known = known || text_is(code, answers[i]);
    }
    if (!text_equal(organisation, asked) && !text_equal(organisation, reference_of(u->change->before, "owner"))) {
        if (!is_room(u)) {
            return fault(scope, STATUS_DENIED, "Task.status", "only who was asked answers");
        }
    }
    if (text_is(u->caller->role, "crew") || text_is(u->caller->role, "planner") ||
        text_is(u->caller->role, "researcher")) {
        return fault(
            scope, STATUS_DENIED, "Task.status", "a specialist answers, not a crew, a planner or a researcher");
    }
    bool for_another = is_room(u) && !text_equal(organisation, asked);
    if (!known) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.output",
            "an answer says what follows: output answer (valueCode) advice, transfer or stay");
    }
    if (text_trim(words).size == 0 || words.size > CONSULT_TEXT_MAX) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.output",
            "an answer has its words: output answer-text (valueString) of at most %d bytes", CONSULT_TEXT_MAX);
    }
    if (for_another && json_get_text(output_of(after, "telephone"), "valueString").size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.output",
            "an answer heard from another says who spoke: output telephone (valueString)");
    }
    return STATUS_OK;
}

/* A finding counts by its codes. */
static enum status check_finding(const struct update *u, struct scope *scope) {
    const yyjson_val *output = output_of(u->change->after, "answer-finding");
    size_t index, count, coded = 0;
    yyjson_val *coding;
    yyjson_arr_foreach(
        (yyjson_val *)json_get(json_get(output, "valueCodeableConcept"), "coding"), index, count, coding) {
        coded += json_get_text(coding, "system").size > 0 && json_get_text(coding, "code").size > 0 ? 1 : 0;
    }
    return output == NULL || (coded > 0 && coded == count)
               ? STATUS_OK
               : fault(scope, STATUS_UNPROCESSABLE, "Task.output",
                     "what it is comes as output answer-finding (valueCodeableConcept), each coding with system and "
                     "code");
}

/* What the specialist says that it is, as a finding of this visit: readings take it as certain until somebody refutes it. */
static enum status record_finding(struct update *u, const struct consult_message *said, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, TASK_BYTES_MAX);
    struct text out, id = {0};
    char at[TIME_TEXT_SIZE];
    if (said->finding == NULL) {
        return STATUS_OK;
    }
    time_format_utc(at, said->at_us);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Condition");
    write_concept(&w, "clinicalStatus", "http://terminology.hl7.org/CodeSystem/condition-clinical", "active");
    write_concept(&w, "verificationStatus", "http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed");
    json_name(&w, "category");
    json_array_open(&w);
    write_concept(&w, NULL, "http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis");
    json_array_close(&w);
    json_name(&w, "code");
    json_value(&w, said->finding);
    fhir_write_reference(&w, "subject", said->subject);
    fhir_write_reference(&w, "encounter", said->encounter);
    json_member_string(&w, "recordedDate", at);
    json_name(&w, "evidence");
    json_array_open(&w);
    json_object_open(&w);
    fhir_write_references(&w, "detail", &u->rewrite.communication, 1);
    json_object_close(&w);
    json_array_close(&w);
    json_object_close(&w);
    enum status status = json_finish(&out, &w, scope);
    status = status == STATUS_OK ? records_unit_put(&id, u->change->unit, out, scope) : status;
    u->rewrite.finding = text_format(scope->arena, "Condition/%.*s", (int)id.size, id.at);
    return status;
}

/* "Send the patient": what is known becomes a draft of who asked. A question that belongs to a referral has it already. */
static enum status propose(struct update *u, const struct consult_message *said, struct scope *scope) {
    const yyjson_val *before = u->change->before;
    const yyjson_val *loop = yyjson_arr_get_first((yyjson_val *)json_get(before, "basedOn"));
    if (loop != NULL) {
        u->rewrite.referral = json_get_text(loop, "reference");
        return STATUS_OK;
    }
    struct proposal proposal = {
        .patient = said->subject,
        .encounter = said->encounter,
        .requester = said->recipient,
        .performer = reference_of(input_of(before, "asked"), "valueReference"),
        .basis = said->about,
        .need = json_get_text(input_of(before, "need"), "valueCode"),
        .words = said->text,
        .level = level_of(before),
    };
    proposal.support[proposal.support_count++] = said->answers;
    proposal.support[proposal.support_count++] = u->rewrite.communication;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(before, "input"), index, count, item) {
        if (text_is(coding_code(json_get(item, "type"), TASK_INPUT_SYSTEM), "imaging") &&
            proposal.support_count < PROPOSAL_SUPPORT_MAX) {
            proposal.support[proposal.support_count++] = reference_of(item, "valueReference");
        }
    }
    return proposal_make(&u->rewrite.referral, u->referral, u->change->unit, &proposal, scope);
}

static enum status answer(struct update *u, struct scope *scope) {
    const yyjson_val *before = u->change->before;
    enum status status = check_answer(u, scope);
    status = status == STATUS_OK ? check_finding(u, scope) : status;
    if (status != STATUS_OK) {
        return status;
    }
    char id[ID_TEXT_SIZE];
    id_new(id, u->referral->clock);
    struct consult_message message = {
        .id = text_copy(scope->arena, text_from(id)),
        .about = text_format(scope->arena, "Task/%.*s", (int)u->change->id.size, u->change->id.at),
        .subject = reference_of(before, "for"),
        .encounter = reference_of(before, "encounter"),
        .sender = u->caller->organisation,
        .recipient = reference_of(before, "requester"),
        .text = json_get_text(output_of(u->change->after, "answer-text"), "valueString"),
        .answers = reference_of(input_of(before, "communication"), "valueReference"),
        .finding = json_get(output_of(u->change->after, "answer-finding"), "valueCodeableConcept"),
        .at_us = u->now_us,
    };
    u->rewrite.status = "completed";
    u->rewrite.state = "answered";
    u->rewrite.deadline_us = 0;
    u->rewrite.communication = text_format(scope->arena, "Communication/%.*s", (int)message.id.size, message.id.at);
    status = consult_tell(u->referral, u->change->unit, &message, scope);
    status = status == STATUS_OK ? record_finding(u, &message, scope) : status;
    bool transfer = text_is(json_get_text(output_of(u->change->after, "answer"), "valueCode"), "transfer");
    return status == STATUS_OK && transfer ? propose(u, &message, scope) : status;
}

static enum status cancel(struct update *u, struct scope *scope) {
    bool asker = text_equal(u->caller->organisation, reference_of(u->change->before, "requester"));
    if (!asker && !is_room(u)) {
        return fault(scope, STATUS_DENIED, "Task.status", "only who asked and the control room take a question back");
    }
    if (text_trim(json_get_text(json_get(u->change->after, "statusReason"), "text")).size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.statusReason", "taking a question back has a reason (text)");
    }
    u->rewrite.status = "cancelled";
    u->rewrite.state = "cancelled";
    u->rewrite.deadline_us = 0;
    return STATUS_OK;
}

/* The control room asks another place. */
static enum status reassign(struct update *u, struct scope *scope) {
    const struct region_snapshot *snapshot;
    struct text owner = reference_of(u->change->after, "owner"), id = reference_id(owner, "Organization");
    if (!is_room(u)) {
        return fault(scope, STATUS_DENIED, "Task.owner", "only the control room asks another place");
    }
    enum status status = region_hold_within(&snapshot, u->referral->region, u->change->unit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    bool known = region_place_find(snapshot, id) >= 0;
    region_release(snapshot);
    if (!known) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.owner", "is no place of the region");
    }
    if (text_equal(id, reference_id(reference_of(u->change->before, "requester"), "Organization"))) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.owner", "is who asks: a question goes to another place");
    }
    u->rewrite.owner = owner;
    u->rewrite.state = "asked";
    u->rewrite.deadline_us = u->now_us + (int64_t)(u->policy.answer[level_of(u->change->before)] * (double)MINUTE_US);
    return STATUS_OK;
}

static enum status apply(struct update *u, struct scope *scope) {
    struct text status = json_get_text(u->change->after, "status");
    struct text owner = reference_of(u->change->after, "owner");
    bool moved = !text_equal(owner, reference_of(u->change->before, "owner"));
    if (text_is(status, "completed")) {
        return moved ? fault(scope, STATUS_CONFLICT, "Task.owner", "an answer moves nothing to another")
                     : answer(u, scope);
    }
    if (output_of(u->change->after, "answer") != NULL) {
        return fault(scope, STATUS_CONFLICT, "Task.output", "an answer closes the question: status completed");
    }
    if (text_is(status, "cancelled")) {
        return cancel(u, scope);
    }
    if (text_is(status, "requested") && moved) {
        return reassign(u, scope);
    }
    return text_is(status, "requested") ? STATUS_OK
                                        : fault(scope, STATUS_CONFLICT, "Task.status",
                                              "an open consultation becomes completed (answered) or cancelled");
}

static enum status set_due(struct records_unit *unit, struct text id, int64_t at_us, struct scope *scope) {
    struct store_unit *store = records_unit_store(unit);
    return at_us > 0 ? store_unit_due_set(store, TEXT(DUE_CONSULT), id, at_us, scope)
                     : store_unit_due_clear(store, TEXT(DUE_CONSULT), id, scope);
}

static enum status update_consult(struct referral *referral, struct records_change *change, struct scope *scope) {
    struct update u = {.referral = referral,
        .change = change,
        .caller = records_unit_caller(change->unit),
        .now_us = records_unit_time_us(change->unit)};
    int64_t end_us = 0;
    (void)time_parse(&end_us, json_get_text(json_get(json_get(change->before, "restriction"), "period"), "end"));
    struct text state = coding_code(json_get(change->before, "businessStatus"), CONSULT_STATE_SYSTEM);
    u.rewrite = (struct rewrite){.json = change->after,
        .status = "requested",
        .state = text_is(state, "escalated") ? "escalated" : "asked",
        .owner = reference_of(change->before, "owner"),
        .deadline_us = end_us};
    if (!is_open(change->before)) {
        return fault(scope, STATUS_CONFLICT, "Task.status", "a closed consultation stays as it is: ask anew");
    }
    enum status status = check_fixed(&u, scope);
    status = status == STATUS_OK ? policy_and_room(&u.policy, &u.room, referral, change->unit, scope) : status;
    status = status == STATUS_OK ? apply(&u, scope) : status;
    status = status == STATUS_OK ? set_due(change->unit, change->id, u.rewrite.deadline_us, scope) : status;
    return status == STATUS_OK ? task_rewrite(&change->replacement, &u.rewrite, u.now_us, scope) : status;
}

enum status guard_consult(void *context, struct records_change *change, struct scope *scope) {
    struct referral *referral = context;
    bool was = consult_is(change->before), is = consult_is(change->after);
    if ((!was && !is) || own_write_is(referral, change)) {
        return STATUS_OK;
    }
    if (!was) {
        return fault(scope, STATUS_CONFLICT, "Task.code", "a consultation begins by $consult");
    }
    if (change->after == NULL) {
        return fault(scope, STATUS_CONFLICT, "Task", "a consultation is not deleted: cancel it");
    }
    return update_consult(referral, change, scope);
}

static bool is_message(const yyjson_val *communication) {
    size_t index, count;
    yyjson_val *category;
    yyjson_arr_foreach((yyjson_val *)json_get(communication, "category"), index, count, category) {
        if (text_is(coding_code(category, CONSULT_CATEGORY_SYSTEM), CONSULT_CODE)) {
            return true;
        }
    }
    return false;
}

enum status guard_communication(void *context, struct records_change *change, struct scope *scope) {
    if ((!is_message(change->before) && !is_message(change->after)) || own_write_is(context, change)) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_CONFLICT, "Communication",
        "what was asked and said in a consultation stays, and comes by $consult and its answer alone");
}

/* ---- deadlines ------------------------------------------------------------------------------------------------------------- */

enum status due_consult(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope) {
    struct referral *referral = context;
    const yyjson_val *task = NULL;
    struct consult_policy policy;
    struct text room, body;
    (void)at_us;
    int64_t now_us = records_unit_time_us(unit), end_us = 0;
    enum status status = records_unit_get(&task, unit, referral->task, key, scope);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && (!consult_is(task) || !is_open(task)))) {
        return set_due(unit, key, 0, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    (void)time_parse(&end_us, json_get_text(json_get(json_get(task, "restriction"), "period"), "end"));
    if (end_us > now_us && end_us > clock_now_us(referral->clock)) {
        return set_due(unit, key, end_us, scope);
    }
    status = policy_and_room(&policy, &room, referral, unit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct rewrite rewrite = {.json = task,
        .status = "requested",
        .state = "escalated",
        .owner = room.size > 0 ? room : reference_of(task, "owner"),
        .deadline_us = now_us + (int64_t)(policy.escalated[level_of(task)] * (double)MINUTE_US)};
    status = task_rewrite(&body, &rewrite, now_us, scope);
    status = status == STATUS_OK ? own_write(referral, unit, key, body, scope) : status;
    return status == STATUS_OK ? set_due(unit, key, rewrite.deadline_us, scope) : status;
}
