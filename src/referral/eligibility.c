/* Who is excluded: only those that structurally cannot, each with its reason. A count on a board excludes nobody. */
#include <limits.h>

#include "referral/rank.h"

static const struct {
    const char *code, *ko, *en;
} exclusions[] = {
    [REFERRAL_ELIGIBLE] = {"eligible", "가능", "eligible"},
    [REFERRAL_NO_NEED] = {"no-need", "필요한 진료를 하지 않는 기관", "does not offer the care that is needed"},
    [REFERRAL_AGE] = {"age", "나이 제한에 해당", "outside the ages it treats"},
    [REFERRAL_CLOSED] = {"closed", "운영하지 않음", "closed"},
    [REFERRAL_TIER] = {"tier", "필요한 응급의료 단계보다 낮음", "a lower emergency tier than is needed"},
    [REFERRAL_NO_EMERGENCY] = {"no-emergency", "응급실이 없음", "no emergency department"},
    [REFERRAL_ASKED] = {"asked", "이미 문의했거나 사람이 제외함", "already asked, or ruled out by a human"},
    [REFERRAL_IS_ORIGIN] = {"is-origin", "환자가 지금 있는 곳", "where the patient is now"},
    [REFERRAL_NOTICE] = {"notice", "지금은 받을 수 없다고 알림", "says that it cannot take this now"},
    [REFERRAL_UNSAFE_BYPASS] = {"unsafe-bypass", "소생이 가능한 더 가까운 기관을 지나치게 됨",
        "would drive past a nearer place that can resuscitate"},
    [REFERRAL_CONTROL_ROOM] = {"control-room", "상황실은 진료 기관이 아님", "the control room is no place of care"},
};

const char *referral_exclusion_code(enum referral_exclusion exclusion) {
    return exclusions[exclusion].code;
}

const char *referral_exclusion_text(enum referral_exclusion exclusion, const char *language) {
    return language[0] == 'k' ? exclusions[exclusion].ko : exclusions[exclusion].en;
}

static bool is_excluded(const struct referral_case *patient, int place) {
    for (size_t i = 0; i < patient->excluded_count; i++) {
        if (patient->excluded[i] == place) {
            return true;
        }
    }
    return false;
}

static bool age_fits(const struct region_place *place, int need, int age_months) {
    int max = place->age_max_months[need];
    return age_months < 0 || (age_months >= place->age_min_months[need] && (max == 0 || age_months <= max));
}

static const enum region_tier least_tier[] = {
    [TRIAGE_PLACE_CLINIC] = REGION_TIER_NONE,
    [TRIAGE_PLACE_INSTITUTION] = REGION_TIER_REPORTED,
    [TRIAGE_PLACE_LOCAL_CENTRE] = REGION_TIER_LOCAL_CENTRE,
    [TRIAGE_PLACE_REGIONAL_CENTRE] = REGION_TIER_REGIONAL_CENTRE,
};

/* The tier counts only where no specific need says what a place can do: services are structure, a tier is a label. */
static enum referral_exclusion tier_fits(const struct region_place *place, const struct referral_case *patient) {
    enum region_tier least = least_tier[patient->place];
    if (least == REGION_TIER_NONE || place->tier >= least) {
        return REFERRAL_ELIGIBLE;
    }
    return place->tier == REGION_TIER_NONE ? REFERRAL_NO_EMERGENCY : REFERRAL_TIER;
}

enum referral_exclusion eligible_find(int *need_out, const struct rank *rank, int place, uint64_t needs) {
    const struct region_place *row = &rank->snapshot->places[place];
    const struct referral_case *patient = rank->patient;
    *need_out = -1;
    if (row->control_room || place == rank->snapshot->control_room) {
        return REFERRAL_CONTROL_ROOM;
    }
    if (row->closed) {
        return REFERRAL_CLOSED;
    }
    if (place == patient->origin_place && !patient->stay_local) {
        return REFERRAL_IS_ORIGIN;
    }
    if (is_excluded(patient, place)) {
        return REFERRAL_ASKED;
    }
    uint64_t missing = needs & ~row->needs;
    if (missing != 0) {
        *need_out = __builtin_ctzll(missing);
        return REFERRAL_NO_NEED;
    }
    for (uint64_t left = needs; left != 0; left &= left - 1) {
        int need = __builtin_ctzll(left);
        if (!age_fits(row, need, patient->age_months)) {
            *need_out = need;
            return REFERRAL_AGE;
        }
        if (patient->notice_excludes && region_notice_find(row, need, patient->now_us) != NULL) {
            *need_out = need;
            return REFERRAL_NOTICE;
        }
    }
    return needs == 0 ? tier_fits(row, patient) : REFERRAL_ELIGIBLE;
}
