/* $triage: level, needs and reasons; kept as a RiskAssessment where the patient is stored. */
#include "referral/intake.h"
#include "referral/task.h"

static const char *const names[] = {"patient", "bundle", "encounter", "human-level", "save"};

struct triaging {
    struct intake_question question;
    struct intake intake;
    bool saves;
    struct text body;
};

static enum status read(void *context, struct records_visit *visit, struct scope *scope) {
    struct triaging *triaging = context;
    struct intake *intake = &triaging->intake;
    bool has_save = false, wanted = true;
    enum status status = intake_read(intake, &triaging->question, visit, scope);
    if (status == STATUS_OK) {
        status = parameter_boolean(&has_save, &wanted, intake->parameters, "save", scope);
    }
    triaging->saves = wanted && intake->patient_id.size > 0;
    return status;
}

static enum status assess(struct triaging *triaging, struct text id, int64_t at_us, struct scope *scope) {
    return intake_write_assessment(&triaging->body, &triaging->intake, id, at_us, scope);
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
    return status == STATUS_OK ? records_unit_put(NULL, unit, triaging->body, scope) : status;
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
    parameters_open(&w);
    intake_write_answer(&w, &triaging->intake, scope);
    parameter_write_resource(&w, "reading", triaging->body);
    return parameters_finish(out, &w, scope);
}
