/* Claims: one destination a patient, one hold a bed, one loop under way a patient. The store keeps them unique. */
#include <string.h>

#include "referral/loop.h"
#include "referral/rank.h"

#define CLAIM_DESTINATION TEXT("referral.destination")
#define CLAIM_BED TEXT("referral.bed")
#define CLAIM_LOOP TEXT("referral.loop")
#define MINUTE_US 60000000.0

/* ---- destination ---------------------------------------------------------------------------------------------------- */

static bool is_ours(const struct loop *loop, struct text holder) {
    if (text_equal(holder, loop->parent.id)) {
        return true;
    }
    for (size_t i = 0; i < loop->offer_count; i++) {
        if (text_equal(holder, loop->offers[i].id)) {
            return true;
        }
    }
    return false;
}

enum status destination_take(struct loop *loop, struct text holder) {
    struct store_unit *unit = records_unit_store(loop->unit);
    struct text patient = loop_patient_id(loop), other = {0};
    enum status status = store_unit_claim(&other, unit, CLAIM_DESTINATION, patient, holder, loop->scope);
    if (status != STATUS_CONFLICT) {
        return status;
    }
    if (!is_ours(loop, other)) {
        return fault(loop->scope, STATUS_CONFLICT, "Task.status",
            "this patient already has an accepted destination, by Task/%.*s", (int)other.size, other.at);
    }
    status = store_unit_release(unit, CLAIM_DESTINATION, patient, other, loop->scope);
    return status == STATUS_OK ? store_unit_claim(NULL, unit, CLAIM_DESTINATION, patient, holder, loop->scope) : status;
}

enum status destination_release(struct loop *loop) {
    struct store_unit *unit = records_unit_store(loop->unit);
    struct text patient = loop_patient_id(loop), holder = {0};
    enum status status = store_unit_holder(&holder, unit, CLAIM_DESTINATION, patient, loop->scope);
    if (status == STATUS_OK && holder.size > 0 && is_ours(loop, holder)) {
        status = store_unit_release(unit, CLAIM_DESTINATION, patient, holder, loop->scope);
    }
    return status;
}

/* ---- one loop under way --------------------------------------------------------------------------------------------- */

enum status loop_claim_patient(struct loop *loop) {
    struct text holder = {0};
    enum status status = store_unit_claim(
        &holder, records_unit_store(loop->unit), CLAIM_LOOP, loop_patient_id(loop), loop->parent.id, loop->scope);
    if (status == STATUS_CONFLICT) {
        return fault(loop->scope, STATUS_CONFLICT, "Parameters.parameter",
            "this patient is being referred already, by Task/%.*s", (int)holder.size, holder.at);
    }
    return status;
}

enum status loop_release_patient(struct loop *loop) {
    struct store_unit *unit = records_unit_store(loop->unit);
    struct text patient = loop_patient_id(loop), holder = {0};
    enum status status = store_unit_holder(&holder, unit, CLAIM_LOOP, patient, loop->scope);
    if (status == STATUS_OK && text_equal(holder, loop->parent.id)) {
        status = store_unit_release(unit, CLAIM_LOOP, patient, holder, loop->scope);
    }
    return status;
}

/* ---- beds ----------------------------------------------------------------------------------------------------------- */

/* The kinds of bed that this patient could need at a place, the need's own before the emergency department's. */
static size_t bed_kinds(int out[REGION_BEDS_MAX], const struct loop *loop, const struct region_place *place) {
    const struct region_snapshot *snapshot = loop->snapshot;
    size_t count = 0;
    if (loop->has_decision) {
        struct referral_case patient = loop->decision.patient;
        patient.needs = 0;
        for (uint64_t left = loop->decision.patient.needs; left != 0; left &= left - 1) {
            int need = region_need_find(snapshot, loop->decision.snapshot->needs[__builtin_ctzll(left)].code);
            patient.needs |= need >= 0 ? UINT64_C(1) << need : 0;
        }
        struct rank rank;
        rank_prepare(&rank, snapshot, &patient);
        for (size_t i = 0; i < rank.need_count; i++) {
            for (int b = 0; b < rank.needs[i].bed_count && count < REGION_BEDS_MAX - 1; b++) {
                out[count++] = rank.needs[i].beds[b];
            }
        }
    }
    int emergency = region_bed_find(snapshot, TEXT("hvec"));
    if (emergency >= 0) {
        out[count++] = emergency;
    }
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (place->beds[out[i]].known && place->beds[out[i]].free > 0) {
            out[known++] = out[i];
        }
    }
    return known;
}

static int64_t lease_of(const struct loop *loop, const struct region_place *place) {
    const struct policy *policy = &loop->policy;
    double travel = loop_travel_minutes(loop, place->id);
    double minutes = policy_minutes(policy, "depart", loop->level, 0) +
                     policy_minutes(policy, "arrive", loop->level, travel) +
                     policy_minutes(policy, "take-over", loop->level, 0);
    return loop->now_us + (int64_t)(minutes * MINUTE_US);
}

/* Whether the lease under which another offer has this bed is over, though its due row has not run yet. */
static enum status is_over(bool *out, const struct loop *loop, struct text holder) {
    const yyjson_val *json = NULL;
    struct task task;
    int64_t until_us = 0;
    enum status status = records_unit_get(&json, loop->unit, loop->referral->task, holder, loop->scope);
    *out = status == STATUS_OK && task_read(&task, json) &&
           time_parse(&until_us, task_output_text(&task, "hold-until")) && until_us <= loop->now_us;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status claim_bed(bool *taken_out, struct loop *loop, const struct task *offer, struct text key) {
    struct store_unit *unit = records_unit_store(loop->unit);
    struct text holder = {0};
    bool over = false;
    enum status status = store_unit_claim(&holder, unit, CLAIM_BED, key, offer->id, loop->scope);
    *taken_out = status == STATUS_OK;
    if (status != STATUS_CONFLICT) {
        return status;
    }
    status = is_over(&over, loop, holder);
    if (status != STATUS_OK || !over) {
        return status;
    }
    status = store_unit_release(unit, CLAIM_BED, key, holder, loop->scope);
    if (status == STATUS_OK) {
        status = store_unit_claim(NULL, unit, CLAIM_BED, key, offer->id, loop->scope);
    }
    *taken_out = status == STATUS_OK;
    return status;
}

/* Holds the first bed that the board shows free and nobody holds. A place that accepts with nothing free on its board is believed:
 * then there is no hold, and no bed is held twice. */
enum status bed_hold(struct loop *loop, struct task *offer) {
    int index = region_place_find(loop->snapshot, reference_id(offer->owner, "Organization"));
    if (index < 0) {
        return STATUS_OK;
    }
    const struct region_place *place = &loop->snapshot->places[index];
    int kinds[REGION_BEDS_MAX];
    size_t count = bed_kinds(kinds, loop, place);
    for (size_t i = 0; i < count; i++) {
        struct text code = loop->snapshot->beds[kinds[i]].code;
        for (int number = 1; number <= place->beds[kinds[i]].free; number++) {
            struct text key = text_format(
                loop->scope->arena, "%.*s/%.*s/%d", (int)place->id.size, place->id.at, (int)code.size, code.at, number);
            bool taken = false;
            enum status status = claim_bed(&taken, loop, offer, key);
            if (status == STATUS_OK && taken) {
                int64_t until_us = lease_of(loop, place);
                task_add_text(offer, true, "hold", TASK_VALUE_STRING, key);
                task_add_number(offer, true, "hold-until", TASK_VALUE_INSTANT, until_us);
                return store_unit_due_set(
                    records_unit_store(loop->unit), TEXT(DUE_HOLD), offer->id, until_us, loop->scope);
            }
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}

enum status bed_release(struct loop *loop, struct task *offer) {
    struct text key = task_output_text(offer, "hold"), holder = {0};
    if (key.size == 0) {
        return STATUS_OK;
    }
    struct store_unit *unit = records_unit_store(loop->unit);
    enum status status = store_unit_holder(&holder, unit, CLAIM_BED, key, loop->scope);
    if (status == STATUS_OK && text_equal(holder, offer->id)) {
        status = store_unit_release(unit, CLAIM_BED, key, holder, loop->scope);
    }
    return status == STATUS_OK ? store_unit_due_clear(unit, TEXT(DUE_HOLD), offer->id, loop->scope) : status;
}
