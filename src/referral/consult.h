/* consult: a question to a specialist elsewhere (협진), before or instead of moving the patient.
 *
 * One Task (code {S}/CodeSystem/task-kind#e-consult; no part of a referral's loop, which it names in basedOn) is the question with its
 * deadline; two Communications, both immutable, are what was asked and what was said. States (businessStatus, {S}/CodeSystem/consult-state):
 *
 *     asked ──deadline──→ escalated ──deadline──→ escalated …     the control room owns it; nothing ends by itself
 *       │ answer               │ answer, reassign (→ asked)
 *       ↓                      ↓
 *     answered: advice | transfer | stay        cancelled (by who asked, or the control room, with a reason)
 *
 * An answer may state what it is (output answer-finding): the same unit then puts it into the record as a Condition, verificationStatus
 * confirmed, with the answer's Communication as its evidence: that is how its word is known (confirmation.h). Whoever may write Conditions takes it back there: refuted, entered-in-error.
 *
 * Laws, on every way in (guard_consult, guard_communication): a consultation begins by $consult; who, of whom and what was asked never
 * changes; every open one has an owner, a deadline and a due row; only the places asked answer, the control room for them by telephone
 * with who spoke; what is closed stays; neither Task nor Communication is deleted. */
#ifndef SOYANG_REFERRAL_CONSULT_H
#define SOYANG_REFERRAL_CONSULT_H

#include "referral/service.h"
#include "referral/task.h"

#define CONSULT_KIND_SYSTEM TRIAGE_BASE "/CodeSystem/task-kind"
#define CONSULT_STATE_SYSTEM TRIAGE_BASE "/CodeSystem/consult-state"
#define CONSULT_ANSWER_SYSTEM TRIAGE_BASE "/CodeSystem/consult-answer"
#define CONSULT_CATEGORY_SYSTEM TRIAGE_BASE "/CodeSystem/communication-kind"
#define CONSULT_CODE "e-consult"
enum { CONSULT_TEXT_MAX = 8000 };

struct consult_policy { /* minutes, by level 1..5 */
    double answer[6], escalated[6];
};
/* From the province's document (`consult`); without it 5, 10, 30, 240, 1440 and 3, 5, 15, 60, 240: assumptions. */
MUST_CHECK enum status consult_policy_read(struct consult_policy *out, struct text document, struct scope *scope);

bool consult_is(const yyjson_val *task);
struct text consult_answer_of(const yyjson_val *task); /* its Communication; none before it is answered */
struct consult_message {
    struct text id, about, subject, encounter, sender, recipient, text,
        answers;               /* references; answers: the question, or none */
    const yyjson_val *finding; /* CodeableConcept: what it is; NULL: not said */
    int64_t at_us;
};
MUST_CHECK enum status consult_tell(
    struct referral *referral, struct records_unit *unit, const struct consult_message *message, struct scope *scope);

enum status guard_consult(void *context, struct records_change *change, struct scope *scope);
enum status guard_communication(void *context, struct records_change *change, struct scope *scope);
enum status due_consult(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope);
#define DUE_CONSULT "referral.consult"

#endif
