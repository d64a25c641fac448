/* What the patient may have instead of what was read, and what that means at each place. Pure.
 *
 * The posterior is the region's (region.h, what a reading may hide): Bayes over published and assumed shares, level and age, and over those
 * tests of the region's second reader that can be read off the facts. The rest of the vital signs is not in it: no source gives those
 * likelihoods by need. */
#include <string.h>

#include "referral/rank.h"

#define NO_NEED "SY-ED"   /* a reading without a need is read as an ordinary visit (assumption) */
#define CHANCE_LEAST .001 /* of a doubt worth keeping */
enum { DOUBTED_LEVELS = 3 };

/* In an emergency department a doctor has found out. */
bool doctor_has_seen(const struct referral_case *patient, const struct region_snapshot *snapshot) {
    return patient->confirmed.size > 0 ||
           (patient->origin_place >= 0 && snapshot->places[patient->origin_place].tier > REGION_TIER_NONE);
}

bool referral_read_as(
    struct text *out, const struct region_snapshot *snapshot, const struct text *needs, size_t need_count) {
    *out = (struct text){0};
    for (size_t i = 0; i < need_count && snapshot->readings != NULL && out->size == 0; i++) {
        *out = region_readings_find(snapshot->readings, needs[i]) >= 0 ? needs[i] : *out;
    }
    return snapshot->readings != NULL && (out->size > 0 || need_count == 0);
}

/* A score that is incomplete, or not meant for the patient, is no test. */
static void see_mews(bool *done, bool *positive, const struct triage_facts *facts) {
    enum { SEPSIS_FROM = 4 }; /* Bayer, Acad Emerg Med 2015;22:868: the cut that the test's error rates belong to */
    struct triage_score score = triage_score(TRIAGE_MEWS, facts);
    *done = score.complete && score.fits;
    *positive = *done && score.total >= SEPSIS_FROM;
}

static void see_systolic(bool *done, bool *positive, const struct triage_facts *facts) {
    enum { HAEMORRHAGE_FROM_MMHG = 180 }; /* Geisler, Neurol Res Pract 2021;3:1 */
    const struct triage_value *pressure = &facts->values[TRIAGE_SYSTOLIC];
    *done = pressure->known;
    *positive = *done && pressure->value >= HAEMORRHAGE_FROM_MMHG;
}

void referral_observe(
    struct region_seen *seen, const struct region_readings *readings, const struct triage_facts *facts) {
    static const struct {
        const char *id;
        void (*see)(bool *done, bool *positive, const struct triage_facts *facts);
    } rows[] = {{"mews-4", see_mews}, {"systolic-180", see_systolic}};
    unsigned due = region_tests_due(readings, seen);
    for (int t = 0; t < readings->test_count; t++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if ((due >> t & 1) != 0 && strcmp(readings->tests[t].id, rows[i].id) == 0) {
                bool done = false, positive = false;
                rows[i].see(&done, &positive, facts);
                seen->done |= (unsigned)done << t;
                seen->positive |= (unsigned)positive << t;
            }
        }
    }
}

void referral_doubts_of(struct referral_case *out, const struct region_snapshot *snapshot, struct text read_as,
    const struct triage_facts *facts, struct arena *arena) {
    const struct region_readings *readings = snapshot->readings;
    double chance[REGION_CONDITIONS_MAX];
    out->doubts = NULL;
    out->doubt_count = 0;
    if (readings == NULL || out->level > DOUBTED_LEVELS || out->choice == REFERRAL_NEAREST_STABILISING ||
        doctor_has_seen(out, snapshot)) {
        return;
    }
    struct region_seen seen = {.condition = region_readings_find(readings, read_as.size > 0 ? read_as : TEXT(NO_NEED)),
        .level = out->level,
        .age_months = out->age_months};
    if (seen.condition < 0) {
        return;
    }
    if (facts != NULL) {
        referral_observe(&seen, readings, facts);
    }
    (void)region_readings_weigh(chance, readings, &seen);
    struct referral_doubt *doubts = ARENA_ARRAY(arena, struct referral_doubt, REFERRAL_DOUBTS_MAX);
    for (int c = 0; c < readings->condition_count; c++) {
        int need = readings->needs[c];
        if (c != seen.condition && need >= 0 && (out->needs >> need & 1) == 0 && chance[c] >= CHANCE_LEAST) {
            const struct region_code *code = &snapshot->needs[need];
            doubts[out->doubt_count++] = (struct referral_doubt){code->code, code->name_ko, code->name_en, chance[c]};
        }
    }
    out->doubts = doubts;
}

/* How likely the place treats it when the patient comes: services, and who is on call as far as is known. */
static double treats(const struct region_snapshot *snapshot, const struct referral_case *patient, int place, int c) {
    const struct region_readings *readings = snapshot->readings;
    const struct region_place *row = &snapshot->places[place];
    if (!region_serves(row, readings->needs[c], patient->age_months)) {
        return 0;
    }
    int percent =
        readings->conditions[c].team ? region_on_call(snapshot, row, readings->needs[c], patient->now_us) : -1;
    return percent < 0 ? 1 : percent / 100.0;
}

static void weigh(struct referral_wrong *out, const struct region_snapshot *snapshot,
    const struct referral_case *patient, const int conditions[REFERRAL_DOUBTS_MAX], int place) {
    double minutes = 0;
    for (size_t i = 0; i < patient->doubt_count; i++) {
        int c = conditions[i];
        double fails = c < 0 ? 0 : patient->doubts[i].chance * (1 - treats(snapshot, patient, place, c));
        if (fails <= 0) {
            continue;
        }
        out->chance += fails;
        minutes += fails * region_readings_onward_min(snapshot, place, c, patient->age_months);
        if (fails > out->share) {
            out->share = fails;
            out->doubt = (int)i;
        }
    }
    out->minutes = out->chance > 0 ? minutes / out->chance : 0;
}

void referral_wrongs_of(struct referral_case *out, const struct region_snapshot *snapshot, struct arena *arena) {
    int conditions[REFERRAL_DOUBTS_MAX];
    out->wrong = NULL;
    if (out->doubt_count == 0 || snapshot->readings == NULL) {
        return;
    }
    for (size_t i = 0; i < out->doubt_count; i++) {
        int c = region_readings_find(snapshot->readings, out->doubts[i].need);
        conditions[i] = c >= 0 && snapshot->readings->needs[c] >= 0 ? c : -1;
    }
    struct referral_wrong *wrong = ARENA_ARRAY(arena, struct referral_wrong, snapshot->place_count + 1);
    for (size_t place = 0; place < snapshot->place_count; place++) {
        const struct region_place *row = &snapshot->places[place];
        if (!row->post && !row->control_room && (out->needs & ~row->needs) == 0) {
            weigh(&wrong[place], snapshot, out, conditions, (int)place);
        }
    }
    out->wrong = wrong;
}
