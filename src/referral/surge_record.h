/* surge_record: a wave's decision, kept so that it can be made again to the byte: a GuidanceResponse with what was weighed (groups, what each costs at
 * each bed, beds with age and author, changes) and what came of it (how many of a group go where, who gives way, prices, certificate, exchanges).
 *
 * A replay solves the same assignment from the kept costs; it does not weigh the places anew. Patients of a group are alike: counts are kept, no
 * list of patients. Long texts are cut into several extensions of the same url, in order. */
#ifndef SOYANG_REFERRAL_SURGE_RECORD_H
#define SOYANG_REFERRAL_SURGE_RECORD_H

#include "referral/surge.h"

#define SURGE_MODULE TRIAGE_BASE "/OperationDefinition/surge"

struct surge_change {
    struct surge_bed bed;
    int column; /* -1: nobody of the wave could take it */
    struct assignment_move *moves;
    size_t move_count;
    int64_t saved; /* cost before less cost after */
    int64_t us;
};
/* Another count of beds in a column; *certificate is of what stands afterwards. */
MUST_CHECK enum status surge_change_apply(
    struct surge_change *change, struct surge *surge, struct assignment_certificate *certificate, struct scope *scope);

/* Before any change is applied. */
MUST_CHECK enum status surge_record_inputs(struct text *out, const struct surge *surge,
    const struct surge_policy *policy, const struct surge_change *changes, size_t change_count, int64_t now_us,
    struct scope *scope);
/* After all of them. */
MUST_CHECK enum status surge_record_outputs(struct text *out, const struct surge *surge,
    const struct assignment_certificate *certificate, const struct surge_change *changes, size_t change_count,
    struct scope *scope);
MUST_CHECK enum status surge_record_store(struct text *reference_out, struct records_unit *unit, struct text inputs,
    struct text outputs, struct scope *scope);

bool surge_record_is(const yyjson_val *guidance_response);
/* STATUS_CONFLICT names the first byte that differs. */
MUST_CHECK enum status surge_record_compare(const yyjson_val *stored, struct scope *scope);

#endif
