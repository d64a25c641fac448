/* intake: what all three operations begin with: the parameters, the patient, the facts and the reading; then the case. */
#ifndef SOYANG_REFERRAL_INTAKE_H
#define SOYANG_REFERRAL_INTAKE_H

#include "referral/decision.h"
#include "referral/parameters.h"
#include "referral/service.h"

struct intake {
    struct referral *referral;
    struct records_visit *visit; /* while it lasts */
    const struct referral_call *call;
    const yyjson_val *parameters;
    struct text patient_id;         /* of a stored patient; none: a bundle was given */
    struct text patient, encounter; /* references; none */
    const yyjson_val *bundle;
    const struct region_snapshot *snapshot;
    struct triage_facts *facts;
    struct triage_reading reading;
    int override_level; /* what a human decides against the reading; 0: nothing */
    struct text override_reason;
};
/* Reads the facts and the reading. The snapshot is held until the scope's arena ends. */
struct intake_question {
    struct referral *referral;
    const struct referral_call *call;
    const char *const *names; /* the parameters that the operation takes */
    size_t name_count;
};
MUST_CHECK enum status intake_read(
    struct intake *out, const struct intake_question *question, struct records_visit *visit, struct scope *scope);
/* Where the patient is: the parameter `origin`, else the place of `otherwise` (an Organization's reference). */
MUST_CHECK enum status intake_case(
    struct referral_case *out, struct intake *intake, struct text otherwise, struct scope *scope);
/* The JSON of facts and reading, for the decision. */
MUST_CHECK enum status intake_write_reading(struct text *out, const struct intake *intake, struct scope *scope);
/* The RiskAssessment; `id` none leaves it out. */
MUST_CHECK enum status intake_write_assessment(
    struct text *out, const struct intake *intake, struct text id, int64_t at_us, struct scope *scope);
/* Provenance.entity: the models by their hash, and the resources that were read. */
void intake_write_entities(struct json_writer *w, const struct intake *intake, struct scope *scope);
/* The parameters of $triage's answer, but for `reading`. */
void intake_write_answer(struct json_writer *w, const struct intake *intake, struct scope *scope);

#endif
