/* confirmation: whose word makes a finding certain. Private to this module.
 *
 * A Condition that is marked confirmed counts as that only where the province's policy takes the word of who says so
 * (`confirmation.by`):
 *
 *   hospital      its asserter, else its recorder, is a PractitionerRole at a hospital of the region, or a Practitioner who has
 *                 such a role there. A hospital has an emergency department, or is of HIRA's type 01, 11, 21, 28, 29 or 75.
 *   e-consult     its evidence is a specialist's answer: the Communication that a governed consultation names as its answer, about
 *                 this patient, which holds every coding of the Condition.
 *   control-room  the same as hospital, with a role at the control room.
 *   anybody       whoever wrote it.
 *
 * A crew's own note, and one that says nobody, is then a finding like another: what it says is needed, and still doubted. A role is taken as the
 * record has it; who wrote a record is in its audit. */
#ifndef SOYANG_REFERRAL_CONFIRMATION_H
#define SOYANG_REFERRAL_CONFIRMATION_H

#include "referral/policy.h"
#include "referral/service.h"

struct confirmation {
    struct referral *referral;
    const struct region_snapshot *snapshot;
    struct records_visit *visit;
    const yyjson_val *bundle; /* NULL: the record */
};
/* A triage_confirms; the context is a struct confirmation. */
MUST_CHECK enum status confirmation_counts(bool *out, void *context, const yyjson_val *condition, struct scope *scope);
/* Whether the caller may say with a question that a need is confirmed; STATUS_DENIED with the path. Operators may. */
MUST_CHECK enum status confirmation_check_caller(const struct records_caller *caller,
    const struct region_snapshot *snapshot, const struct policy *policy, const char *path, struct scope *scope);

#endif
