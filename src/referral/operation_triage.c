/* $triage: level, needs and reasons; kept as a RiskAssessment where the patient is stored. */
#include "referral/intake.h"
#include "referral/silent.h"
#include "referral/task.h"

static const char *const names[] = {
    "patient", "bundle", "encounter", "human-level", "save", "override-level", "override-reason"};

struct triaging {
    struct intake_question question;
    struct intake intake;
    bool saves;
    struct text body;
};

/* A human may decide otherwise, up or down, and says why. */
static enum status read_override(struct intake *intake, struct scope *scope) {
    int64_t level = 0;
    bool found = false;
    enum status status = parameter_integer(&found, &level, intake->parameters, "override-level", scope);
    if (status == STATUS_OK) {
        status = parameter_string(&intake->override_reason, intake->parameters, "override-reason", scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (found && (level < 1 || level > 5)) {
        return fault(scope, STATUS_INVALID, parameter_path(intake->parameters, "override-level", "valueInteger", scope),
            "a level is 1 to 5");
    }
    if (found != (text_trim(intake->override_reason).size > 0)) {
        return fault(scope, STATUS_INVALID, "Parameters.parameter",
            "override-level and override-reason are given together: who decides otherwise says why");
    }
    intake->override_level = (int)level;
    return STATUS_OK;
}

static enum status read(void *context, struct records_visit *visit, struct scope *scope) {
    struct triaging *triaging = context;
    struct intake *intake = &triaging->intake;
    bool has_save = false, wanted = true;
    enum status status = intake_read(intake, &triaging->question, visit, scope);
    if (status == STATUS_OK) {
        status = parameters_once(intake->parameters, names, sizeof names / sizeof *names, scope);
    }
    if (status == STATUS_OK) {
        status = read_override(intake, scope);
    }
    if (status == STATUS_OK) {
        status = parameter_boolean(&has_save, &wanted, intake->parameters, "save", scope);
    }
    triaging->saves = wanted && intake->patient_id.size > 0;
    return status;
}

static enum status assess(struct triaging *triaging, struct text id, int64_t at_us, struct scope *scope) {
    return intake_write_assessment(&triaging->body, &triaging->intake, id, at_us, scope);
}

static void write_agent(struct json_writer *w, struct text who) {
    json_object_open(w);
    json_name(w, "who");
    json_object_open(w);
    json_member_text(w, "reference", who);
    json_object_close(w);
    json_object_close(w);
}

/* Who read, from what, by which policy and models. */
static enum status write_provenance(
    struct text *out, const struct intake *intake, struct text id, int64_t now_us, struct scope *scope) {
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, now_us);
    struct json_writer writer = json_writer_open(scope->arena, 256 * 1024), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "Provenance");
    json_name(w, "target");
    json_array_open(w);
    json_object_open(w);
    json_member_text(w, "reference", text_format(scope->arena, "RiskAssessment/%.*s", (int)id.size, id.at));
    json_object_close(w);
    json_array_close(w);
    json_member_string(w, "recorded", now);
    json_name(w, "policy");
    json_array_open(w);
    json_string_text(w, text_format(scope->arena, "urn:sha256:%s", intake->reading.policy_digest));
    json_array_close(w);
    json_name(w, "agent");
    json_array_open(w);
    write_agent(w, TEXT(REFERRAL_DEVICE));
    write_agent(w, intake->call->caller->who);
    json_array_close(w);
    intake_write_entities(w, intake, scope);
    json_object_close(w);
    return json_finish(out, w, scope);
}

static enum status save(void *context, struct records_unit *unit, struct scope *scope) {
    struct triaging *triaging = context;
    if (!triaging->saves) {
        return STATUS_OK;
    }
    char id[ID_TEXT_SIZE];
    id_new(id, triaging->intake.referral->clock);
    struct text text = text_copy(scope->arena, text_from(id));
    enum status status = assess(triaging, text, records_unit_time_us(unit), scope);
    if (status == STATUS_OK) {
        status = records_unit_put(NULL, unit, triaging->body, scope);
    }
    if (status == STATUS_OK) {
        status = silent_keep(&triaging->intake.reading, unit, text, scope);
    }
    struct text provenance = {0};
    if (status == STATUS_OK) {
        status = write_provenance(&provenance, &triaging->intake, text, records_unit_time_us(unit), scope);
    }
    return status == STATUS_OK ? records_unit_put(NULL, unit, provenance, scope) : status;
}

enum status referral_operation_triage(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    struct triaging *triaging = ARENA_NEW(scope->arena, struct triaging);
    triaging->question = (struct intake_question){referral, call, names, sizeof names / sizeof *names};
    enum status status = records_visit_run(referral->records, call->caller, "$triage", read, save, triaging, scope);
    if (status == STATUS_OK && !triaging->saves) {
        status = assess(triaging, (struct text){0}, clock_now_us(referral->clock), scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, 4 << 20);
    fhir_parameters_open(&w);
    intake_write_answer(&w, &triaging->intake, scope);
    fhir_parameter_resource(&w, "reading", triaging->body);
    return fhir_parameters_finish(out, &w, scope);
}
