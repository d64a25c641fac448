/* What is known of needs: delay curve, first leg, beds. Rows by code; the national codes come first. */
#include <string.h>

#include "referral/rank.h"

/* Beds: those of regions/korea/needs-own.csv for the project's own needs; for the national codes an assumption.
 * Stay: infarction: lysis within 30 min (ACC/AHA 2025); stroke: a transfer costs thrombectomy patients 57 min (PMC6430601);
 * others 30 min, an assumption. */
static const struct need_trait traits[] = {
    /* answers are kept by a row's number: add at the end, before the last */
    {"Y0010", DELAY_INFARCTION, "SY-LYSIS-MI", 30, {"hv34", "hvicc", "hv31"}},
    {"Y0020", DELAY_STROKE, "SY-LYSIS-STROKE", 57, {"hvcc", "hv6", "hvicc"}},
    {"Y0031", DELAY_WINDOW, "SY-STABILISE", 30, {"hv6", "hvicc"}},
    {"Y0032", DELAY_WINDOW, "SY-STABILISE", 30, {"hv6", "hvicc"}},
    {"Y0041", DELAY_WINDOW, "SY-STABILISE", 30, {"hvccc"}},
    {"Y0042", DELAY_WINDOW, "SY-STABILISE", 30, {"hvccc", "hv3"}},
    {"Y0051", DELAY_WINDOW, "SY-STABILISE", 30, {"hvgc", "hv36"}},
    {"Y0052", DELAY_WINDOW, "SY-STABILISE", 30, {"hvgc", "hv36"}},
    {"Y0060", DELAY_WINDOW, "SY-STABILISE", 30, {"hvgc", "hv36"}},
    {"Y0070", DELAY_WINDOW, "SY-STABILISE", 30, {"hv37", "hvgc"}},
    {"Y0081", DELAY_WINDOW, "SY-STABILISE", 30, {"hvgc", "hv36"}},
    {"Y0082", DELAY_WINDOW, "SY-STABILISE", 30, {"hv37", "hvgc"}},
    {"Y0091", DELAY_WINDOW, "SY-STABILISE", 30, {"hvicc", "hv2"}},
    {"Y0092", DELAY_WINDOW, "SY-STABILISE", 30, {"hv32", "hv33"}},
    {"Y0100", DELAY_WINDOW, "SY-STABILISE", 30, {"hvncc"}},
    {"Y0111", DELAY_WINDOW, "SY-STABILISE", 30, {"hv42"}},
    {"Y0112", DELAY_WINDOW, "SY-STABILISE", 30, {"hv42", "hvoc"}},
    {"Y0113", DELAY_WINDOW, "SY-STABILISE", 30, {"hvgc", "hv36"}},
    {"Y0120", DELAY_WINDOW, "SY-STABILISE", 30, {"hv8"}},
    {"Y0131", DELAY_WINDOW, "SY-STABILISE", 30, {"hvoc", "hvgc"}},
    {"Y0132", DELAY_WINDOW, "SY-STABILISE", 30, {"hvoc", "hvgc"}},
    {"Y0141", DELAY_WINDOW, "SY-STABILISE", 30, {"hvgc", "hv36"}},
    {"Y0142", DELAY_WINDOW, "SY-STABILISE", 30, {"hvicc", "hv2"}},
    {"Y0150", DELAY_WINDOW, NULL, 0, {"hv40"}},
    {"Y0160", DELAY_WINDOW, "SY-STABILISE", 30, {"hvoc", "hvgc"}},
    {"Y0171", DELAY_WINDOW, "SY-STABILISE", 30, {"hvgc", "hvicc"}},
    {"Y0172", DELAY_WINDOW, "SY-STABILISE", 30, {"hv37", "hv32"}},
    {"SY-TRAUMA", DELAY_WINDOW, "SY-STABILISE", 30, {"hv60", "hv9", "hv61"}},
    {"SY-ROSC", DELAY_WINDOW, "SY-STABILISE", 30, {"hv31", "hvicc"}},
    {"SY-ECMO", DELAY_WINDOW, "SY-STABILISE", 30, {"hvccc", "hv34"}},
    {"SY-SEPSIS", DELAY_WINDOW, "SY-STABILISE", 30, {"hvicc", "hv2", "hv31"}},
    {"SY-PED-ED", DELAY_WINDOW, "SY-STABILISE", 30, {"hv28", "hvec"}},
    {"SY-ORTHO", DELAY_WINDOW, NULL, 0, {"hvgc", "hv36"}},
    {"SY-POISON", DELAY_WINDOW, "SY-STABILISE", 30, {"hvicc", "hvec"}},
    {"SY-HBO", DELAY_WINDOW, "SY-STABILISE", 30, {"hvec"}},
    {"SY-STABILISE", DELAY_WINDOW, NULL, 0, {"hvec"}},
    {"SY-LYSIS-MI", DELAY_WINDOW, NULL, 0, {"hvec"}},
    {"SY-LYSIS-STROKE", DELAY_WINDOW, NULL, 0, {"hvec"}},
    {"SY-ED", DELAY_WINDOW, NULL, 0, {"hvec"}},
    {"SY-WARD", DELAY_WINDOW, NULL, 0, {"hvgc", "hv36"}},
    {"SY-PRIMARY", DELAY_WINDOW, NULL, 0, {NULL}},
    {NULL, DELAY_WINDOW, "SY-STABILISE", 30, {NULL}},
};

const struct need_trait *need_trait_of(struct text code) {
    const struct need_trait *trait = traits;
    while (trait->code != NULL && !text_is(code, trait->code)) {
        trait++;
    }
    return trait;
}

int need_number(struct text code) {
    const struct need_trait *trait = need_trait_of(code);
    return trait->code == NULL ? -1 : (int)(trait - traits);
}

static void prepare_need(struct rank_need *out, const struct region_snapshot *snapshot, int index) {
    const struct need_trait *trait = need_trait_of(snapshot->needs[index].code);
    *out = (struct rank_need){.index = index, .stabilise = -1, .trait = trait};
    if (trait->stabilise != NULL) {
        out->stabilise = region_need_find(snapshot, text_from(trait->stabilise));
    }
    for (int i = 0; i < NEED_BEDS_MAX && trait->beds[i] != NULL; i++) {
        int bed = region_bed_find(snapshot, text_from(trait->beds[i]));
        if (bed >= 0) {
            out->beds[out->bed_count++] = bed;
        }
    }
}

enum { CHILD_BELOW_MONTHS = 15 * 12 }; /* the board's own line between child and adult, assumed in conditions.csv */

void rank_prepare(struct rank *out, const struct region_snapshot *snapshot, const struct referral_case *patient) {
    out->snapshot = snapshot;
    out->patient = patient;
    out->need_count = 0;
    out->least_tier = REGION_TIER_NONE;
    for (int i = 0; i < (int)snapshot->need_count; i++) {
        if ((patient->needs >> i & 1) != 0) {
            prepare_need(&out->needs[out->need_count++], snapshot, i);
        }
    }
    bool child = patient->age_months >= 0 && patient->age_months < CHILD_BELOW_MONTHS;
    out->emergency_bed = child ? region_bed_find(snapshot, TEXT("hv28")) : -1;
    if (out->emergency_bed < 0) {
        out->emergency_bed = region_bed_find(snapshot, TEXT("hvec"));
    }
    out->stabilise = region_need_find(snapshot, TEXT("SY-STABILISE"));
}

const struct rank_need *rank_need_find(const struct rank *rank, int index) {
    for (size_t i = 0; i < rank->need_count; i++) {
        if (rank->needs[i].index == index) {
            return &rank->needs[i];
        }
    }
    return NULL;
}
