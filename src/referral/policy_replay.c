/* Decisions of the record under another policy: what would have been asked instead; and the guard that keeps a broken policy out. */
#include <openssl/evp.h>
#include <string.h>

#include "referral/decision.h"
#include "referral/service.h"

/* ---- another policy ---------------------------------------------------------------------------------------------------- */

static struct text asked_now(const struct decision *decision, struct scope *scope) {
    const struct referral_ranking *ranking = &decision->ranking;
    bool planned = ranking->plan.batch_count > 0;
    size_t now = planned ? ranking->plan.now_count : 1;
    struct text list = {0};
    for (size_t i = 0; i < now && i < ranking->option_count; i++) {
        struct text id = decision->snapshot->places[ranking->options[i].place].id;
        list = list.size == 0 ? id
                              : text_format(scope->arena, "%.*s + %.*s", (int)list.size, list.at, (int)id.size, id.at);
    }
    return list;
}

static void put_under(
    struct decision *decision, const struct policy *policy, struct region_snapshot *snapshot, struct scope *scope) {
    struct referral_case *patient = &decision->patient;
    policy_apply(patient, policy, patient->asking.elapsed_min);
    if (policy->ignored_after_min > 0) {
        snapshot->board = (struct region_board_model){policy->fades_from_min, policy->ignored_after_min};
    }
    struct text *codes = ARENA_ARRAY(scope->arena, struct text, REGION_NEEDS_MAX);
    size_t count = 0;
    for (uint64_t left = patient->needs; left != 0; left &= left - 1) {
        codes[count++] = snapshot->needs[__builtin_ctzll(left)].code;
    }
    const struct policy_extreme *extreme = policy_extreme_of(policy, patient->level, codes, count);
    if (patient->extreme) {
        patient->choice = extreme == NULL ? patient->choice : extreme->choose;
    }
}

enum status referral_policy_replay(struct referral_policy_difference *out, struct records *records,
    const yyjson_val *stored, struct text document, struct scope *scope) {
    *out = (struct referral_policy_difference){.decision = json_get_text(stored, "id")};
    struct policy policy;
    struct decision was;
    struct text inputs = decision_inputs_of(stored);
    enum status status = policy_read(&policy, document, scope);
    if (status == STATUS_OK) {
        status = inputs.size > 0 ? decision_replay(&was, inputs, &(struct decision_source){.records = records}, scope)
                                 : fault(scope, STATUS_UNPROCESSABLE, "GuidanceResponse.extension",
                                       "this is no decision of ours: its inputs are missing");
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct decision would = was;
    struct region_snapshot *snapshot = ARENA_NEW(scope->arena, struct region_snapshot);
    *snapshot = *was.snapshot;
    would.snapshot = snapshot;
    put_under(&would, &policy, snapshot, scope);
    status = referral_rank(&would.ranking, snapshot, &would.patient, REFERRAL_NUMBERS_ONLY, scope);
    if (status != STATUS_OK) {
        return status;
    }
    out->policy_was = was.policy_hash;
    out->level = was.patient.level;
    out->was = asked_now(&was, scope);
    out->would = asked_now(&would, scope);
    out->differs = !text_equal(out->was, out->would);
    out->minutes_was = was.ranking.option_count > 0 ? was.ranking.options[0].minutes : 0;
    out->minutes_would = would.ranking.option_count > 0 ? would.ranking.options[0].minutes : 0;
    return STATUS_OK;
}

enum status referral_policy_check(
    struct text *hash_out, struct text document, const struct region_needs *needs, struct scope *scope) {
    struct policy policy = {0};
    enum status status = policy_check(&policy, document, needs, scope);
    *hash_out = policy.hash;
    return status;
}

/* ---- the door ------------------------------------------------------------------------------------------------------------- */

/* `needs`: of the same Library, which keeps a region's files together. */
static enum status check_content(const yyjson_val *content, const struct region_needs *needs, struct scope *scope) {
    struct text data = json_get_text(content, "data"), hash = {0};
    uint8_t *bytes = ARENA_ARRAY(scope->arena, uint8_t, data.size + 4);
    int size = EVP_DecodeBlock(bytes, (const uint8_t *)data.at, (int)data.size);
    for (size_t i = data.size; size > 0 && i > 0 && data.at[i - 1] == '='; i--) {
        size--;
    }
    if (size < 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "Library.content.data", "the policy is no base64");
    }
    enum status status = referral_policy_check(
        &hash, (struct text){(const char *)bytes, (size_t)size}, needs->count > 0 ? needs : NULL, scope);
    return status == STATUS_INVALID ? STATUS_UNPROCESSABLE : status;
}

enum status guard_policy(void *context, struct records_change *change, struct scope *scope) {
    (void)context;
    size_t index, count;
    yyjson_val *content;
    yyjson_arr_foreach((yyjson_val *)json_get(change->after, "content"), index, count, content) {
        if (text_is(json_get_text(content, "title"), "policy.json")) {
            struct region_needs needs;
            enum status status = region_needs_of(&needs, change->after, scope);
            if (status == STATUS_OK) {
                status = check_content(content, &needs, scope);
            }
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}
