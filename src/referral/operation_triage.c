/* $triage: level, needs and reasons; kept as a RiskAssessment where the patient is stored. */
#include "referral/intake.h"
#include "referral/task.h"

static const char *const names[] = {"patient", "bundle", "encounter", "human-level", "save"};

struct saving {
    const struct intake *intake;
    struct text body;
};

static enum status save(void *context, struct records_unit *unit, struct scope *scope) {
    struct saving *saving = context;
    char id[ID_TEXT_SIZE];
    id_new(id, saving->intake->referral->clock);
    struct text text = text_copy(scope->arena, text_from(id));
    enum status status =
        intake_write_assessment(&saving->body, saving->intake, text, records_unit_time_us(unit), scope);
    return status == STATUS_OK ? records_unit_put(NULL, unit, saving->body, scope) : status;
}

static enum status make_reading(struct text *out, struct intake *intake, struct scope *scope) {
    bool has_save = false, wanted = true;
    enum status status = parameter_boolean(&has_save, &wanted, intake->parameters, "save", scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (intake->patient_id.size == 0 || !wanted) {
        int64_t now_us = clock_now_us(intake->referral->clock);
        return intake_write_assessment(out, intake, (struct text){0}, now_us, scope);
    }
    struct saving saving = {.intake = intake};
    status = records_unit_run(intake->referral->records, intake->call->caller, "$triage", save, &saving, scope);
    *out = saving.body;
    return status;
}

enum status referral_operation_triage(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    struct intake intake;
    struct text reading = {0};
    enum status status = intake_read(&intake, referral, call, names, sizeof names / sizeof *names, scope);
    if (status == STATUS_OK) {
        status = make_reading(&reading, &intake, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, 4 << 20);
    parameters_open(&w);
    intake_write_answer(&w, &intake, scope);
    parameter_write_resource(&w, "reading", reading);
    return parameters_finish(out, &w, scope);
}
