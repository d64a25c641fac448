/* Published scores as tables. A band is "up to and including"; values are rounded to the step in which the table is
 * published before they are banded, so that 35.04 is 35.0 and falls into no gap. */
#include "triage/triage.h"

#include <math.h>

enum { BANDS_MAX = 8 };
#define AND_ABOVE HUGE_VAL

struct band {
    double upto;
    int points;
};
struct band_table {
    double step; /* 1: integers, 0.1: tenths */
    struct band bands[BANDS_MAX];
};

/* Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, 2017, chart 1. */
static const struct band_table news2_respiration = {1, {{8, 3}, {11, 1}, {20, 0}, {24, 2}, {AND_ABOVE, 3}}};
static const struct band_table news2_spo2_scale_1 = {1, {{91, 3}, {93, 2}, {95, 1}, {AND_ABOVE, 0}}};
static const struct band_table news2_spo2_scale_2_air = {1, {{83, 3}, {85, 2}, {87, 1}, {AND_ABOVE, 0}}};
static const struct band_table news2_spo2_scale_2_oxygen = {
    1, {{83, 3}, {85, 2}, {87, 1}, {92, 0}, {94, 1}, {96, 2}, {AND_ABOVE, 3}}};
static const struct band_table news2_systolic = {1, {{90, 3}, {100, 2}, {110, 1}, {219, 0}, {AND_ABOVE, 3}}};
static const struct band_table news2_pulse = {1, {{40, 3}, {50, 1}, {90, 0}, {110, 1}, {130, 2}, {AND_ABOVE, 3}}};
static const struct band_table news2_temperature = {0.1, {{35.0, 3}, {36.0, 1}, {38.0, 0}, {39.0, 1}, {AND_ABOVE, 2}}};

/* Subbe CP et al. Validation of a modified Early Warning Score in medical admissions. QJM 2001;94:521-6, table 1. */
static const struct band_table mews_systolic = {1, {{70, 3}, {80, 2}, {100, 1}, {199, 0}, {AND_ABOVE, 2}}};
static const struct band_table mews_pulse = {1, {{40, 2}, {50, 1}, {100, 0}, {110, 1}, {129, 2}, {AND_ABOVE, 3}}};
static const struct band_table mews_respiration = {1, {{8, 2}, {14, 0}, {20, 1}, {29, 2}, {AND_ABOVE, 3}}};
static const struct band_table mews_temperature = {0.1, {{34.9, 2}, {38.4, 0}, {AND_ABOVE, 2}}};

/* Olsson T, Terent A, Lind L. Rapid Emergency Medicine score. J Intern Med 2004;255:579-87, table 1. A mean arterial
 * pressure of exactly 49 scores 4, and coma (GCS) counts: both are missed by a widely copied implementation. */
static const struct band_table rems_age = {1, {{44, 0}, {54, 2}, {64, 3}, {74, 5}, {AND_ABOVE, 6}}};
static const struct band_table rems_map = {1, {{49, 4}, {69, 2}, {109, 0}, {129, 2}, {159, 3}, {AND_ABOVE, 4}}};
static const struct band_table rems_pulse = {
    1, {{39, 4}, {54, 3}, {69, 2}, {109, 0}, {139, 2}, {179, 3}, {AND_ABOVE, 4}}};
static const struct band_table rems_respiration = {
    1, {{5, 4}, {9, 2}, {11, 1}, {24, 0}, {34, 1}, {49, 3}, {AND_ABOVE, 4}}};
static const struct band_table rems_spo2 = {1, {{74, 4}, {85, 3}, {89, 1}, {AND_ABOVE, 0}}};
static const struct band_table rems_gcs = {1, {{4, 4}, {7, 3}, {10, 2}, {13, 1}, {AND_ABOVE, 0}}};

/* Singer M et al. Sepsis-3. JAMA 2016;315:801-10: respiration 22 or more, systolic pressure 100 or less, altered mind. */
static const struct band_table qsofa_respiration = {1, {{21, 0}, {AND_ABOVE, 1}}};
static const struct band_table qsofa_systolic = {1, {{100, 1}, {AND_ABOVE, 0}}};

/* Bone RC et al. Chest 1992;101:1644-55: T > 38 or < 36, pulse > 90, respiration > 20, leucocytes > 12 or < 4 (10^9/L). */
static const struct band_table sirs_temperature = {0.1, {{35.9, 1}, {38.0, 0}, {AND_ABOVE, 1}}};
static const struct band_table sirs_pulse = {1, {{90, 0}, {AND_ABOVE, 1}}};
static const struct band_table sirs_respiration = {1, {{20, 0}, {AND_ABOVE, 1}}};
static const struct band_table sirs_leucocytes = {0.01, {{3.99, 1}, {12.0, 0}, {AND_ABOVE, 1}}};

/* Gilboy N et al. Emergency Severity Index, version 4, implementation handbook 2012. AHRQ 12-0014, danger-zone vitals. */
static const struct {
    int below_months, pulse_over, respiration_over;
} esi_danger[] = {{3, 180, 50}, {36, 160, 40}, {96, 140, 30}, {INT32_MAX, 100, 20}};
static const struct band_table esi_spo2 = {1, {{91, 1}, {AND_ABOVE, 0}}};

/* First-order modifiers of the Canadian parent of KTAS: Bullard MJ et al. CJEM 2008;10:136-42 and 2017;19:S18-27. Points are
 * levels here. The licensed Korean table is a site's own to load. */
static const struct band_table ctas_spo2 = {1, {{89, 1}, {91, 2}, {94, 3}, {AND_ABOVE, 0}}};
static const struct band_table ctas_gcs = {1, {{9, 1}, {13, 2}, {AND_ABOVE, 0}}};
enum { CTAS_LOW_SYSTOLIC = 90 };

/* Lowest systolic pressure that is none of hypotension: under a month 60, to one year 70, to ten years 70 + 2 * years, then 90. Topjian
 * AA et al. Part 4: pediatric basic and advanced life support. 2020 AHA guidelines. Circulation 2020;142:S469-523 (definitions of
 * PALS). Facts hold months: the first stands for the first 28 days. */
static const struct {
    int below_months, least, for_each_year;
} pals_pressure[] = {{1, 60, 0}, {12, 70, 0}, {120, 70, 2}, {INT32_MAX, 90, 0}};

/* Acker SN et al. Pediatric specific shock index accurately identifies severely injured children. J Pediatr Surg 2015;50:331-4: over
 * 1.22 at 4 to 6 years, 1.0 at 7 to 12, 0.9 at 13 to 16, after blunt injury. */
static const struct {
    int below_months;
    double most;
} sipa_limits[] = {{84, 1.22}, {156, 1.0}, {204, 0.9}};
enum { SIPA_FROM_MONTHS = 48, SIPA_BELOW_MONTHS = 204, CHILD_BELOW_MONTHS = 192 };

static const struct {
    const char *code, *name, *source;
    int maximum, adult_months;
    bool not_pregnant;
} scores[TRIAGE_SCORE_COUNT] = {
    [TRIAGE_NEWS2] = {"news2", "NEWS2", "Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017", 20,
        192, true},
    [TRIAGE_MEWS] = {"mews", "MEWS", "Subbe et al., QJM 2001;94:521-6", 14, 192, true},
    [TRIAGE_REMS] = {"rems", "REMS", "Olsson et al., J Intern Med 2004;255:579-87", 26, 192, true},
    [TRIAGE_QSOFA] = {"qsofa", "qSOFA", "Singer et al. (Sepsis-3), JAMA 2016;315:801-10", 3, 216, true},
    [TRIAGE_SIRS] = {"sirs", "SIRS", "Bone et al., Chest 1992;101:1644-55", 4, 216, true},
    [TRIAGE_SHOCK_INDEX] = {"shock-index", "Shock index", "Allgöwer and Burri, Dtsch Med Wochenschr 1967;92:1947-50", 0,
        192, true},
    [TRIAGE_ESI_DANGER] = {"esi-danger", "ESI danger-zone vitals", "Gilboy et al., ESI version 4 handbook, AHRQ 2012",
        3, 0, false},
    [TRIAGE_CTAS_VITALS] = {"ctas-vitals", "CTAS first-order vitals",
        "Bullard et al., CJEM 2008;10:136-42, 2017;19:S18-27", 5, 0, false},
    [TRIAGE_PALS_PRESSURE] = {"pals-pressure", "PALS hypotension",
        "Topjian et al. (AHA), Circulation 2020;142:S469-523", 1, 0, false},
    [TRIAGE_SIPA] = {"sipa", "SIPA", "Acker et al., J Pediatr Surg 2015;50:331-4", 1, 0, false},
};

const char *triage_score_code(enum triage_score_kind kind) {
    return scores[kind].code;
}
const char *triage_score_name(enum triage_score_kind kind) {
    return scores[kind].name;
}
const char *triage_score_source(enum triage_score_kind kind) {
    return scores[kind].source;
}

static int band_points(const struct band_table *table, double value) {
    double rounded = floor(value / table->step + 0.5); /* in steps: exact where the value is */
    int row = 0;
    while (rounded > floor(table->bands[row].upto / table->step + 0.5))
        row++;
    return table->bands[row].points;
}

static struct triage_part *part_add(
    struct triage_score *score, const char *code, bool known, double value, int points) {
    invariant(score->part_count < TRIAGE_PARTS_MAX);
    struct triage_part *part = &score->parts[score->part_count++];
    *part =
        (struct triage_part){.code = code, .known = known, .value = known ? value : 0, .points = known ? points : 0};
    return part;
}

static void part_add_measure(struct triage_score *score, const struct triage_facts *facts, enum triage_measure measure,
    const struct band_table *table) {
    const struct triage_value *value = &facts->values[measure];
    part_add(score, triage_measure_code(measure), value->known, value->value,
        value->known ? band_points(table, value->value) : 0);
}

/* Points for each state of the mind, alert first. */
static void part_add_mind(struct triage_score *score, const struct triage_facts *facts, const int points[static 5]) {
    bool known = facts->mind != TRIAGE_MIND_UNKNOWN;
    part_add(score, "mind", known, (double)facts->mind, known ? points[facts->mind - TRIAGE_ALERT] : 0);
}

static void score_news2(struct triage_score *score, const struct triage_facts *facts) {
    const struct band_table *spo2 = facts->hypercapnic != TRIAGE_YES ? &news2_spo2_scale_1
                                    : facts->oxygen == TRIAGE_YES    ? &news2_spo2_scale_2_oxygen
                                                                     : &news2_spo2_scale_2_air;
    part_add_measure(score, facts, TRIAGE_RESPIRATION, &news2_respiration);
    part_add_measure(score, facts, TRIAGE_SPO2, spo2);
    part_add(score, "oxygen", facts->oxygen != TRIAGE_UNKNOWN, facts->oxygen == TRIAGE_YES,
        facts->oxygen == TRIAGE_YES ? 2 : 0);
    part_add_measure(score, facts, TRIAGE_SYSTOLIC, &news2_systolic);
    part_add_measure(score, facts, TRIAGE_PULSE, &news2_pulse);
    part_add_mind(score, facts, (const int[]){0, 3, 3, 3, 3});
    part_add_measure(score, facts, TRIAGE_TEMPERATURE, &news2_temperature);
}

static void score_mews(struct triage_score *score, const struct triage_facts *facts) {
    part_add_measure(score, facts, TRIAGE_SYSTOLIC, &mews_systolic);
    part_add_measure(score, facts, TRIAGE_PULSE, &mews_pulse);
    part_add_measure(score, facts, TRIAGE_RESPIRATION, &mews_respiration);
    part_add_measure(score, facts, TRIAGE_TEMPERATURE, &mews_temperature);
    part_add_mind(score, facts, (const int[]){0, 0, 1, 2, 3}); /* AVPU has no C: the confused are awake */
}

/* McNarry AF, Goldhill DR. Anaesthesia 2004;59:34-7: median GCS 15, 13, 8, 6 for A, V, P, U. C is read as 14. */
static const int gcs_of_mind[] = {[TRIAGE_ALERT] = 15,
    [TRIAGE_CONFUSED] = 14,
    [TRIAGE_VOICE] = 13,
    [TRIAGE_PAIN_ONLY] = 8,
    [TRIAGE_UNRESPONSIVE] = 6};

static void score_rems(struct triage_score *score, const struct triage_facts *facts) {
    const struct triage_value *systolic = &facts->values[TRIAGE_SYSTOLIC],
                              *diastolic = &facts->values[TRIAGE_DIASTOLIC];
    int years = facts->age_months / 12;
    double map = (systolic->value + 2 * diastolic->value) / 3;
    bool pressures = systolic->known && diastolic->known;
    part_add(score, "age", facts->age_months >= 0, years, facts->age_months >= 0 ? band_points(&rems_age, years) : 0);
    part_add(score, "map", pressures, map, pressures ? band_points(&rems_map, map) : 0);
    part_add_measure(score, facts, TRIAGE_PULSE, &rems_pulse);
    part_add_measure(score, facts, TRIAGE_RESPIRATION, &rems_respiration);
    part_add_measure(score, facts, TRIAGE_SPO2, &rems_spo2);
    if (!facts->values[TRIAGE_GCS].known && facts->mind != TRIAGE_MIND_UNKNOWN) {
        int gcs = gcs_of_mind[facts->mind];
        part_add(score, "gcs", true, gcs, band_points(&rems_gcs, gcs))->estimated = true;
    } else {
        part_add_measure(score, facts, TRIAGE_GCS, &rems_gcs);
    }
}

/* 1 when the mind is altered: GCS below 15, or not alert. */
static void part_add_altered(struct triage_score *score, const struct triage_facts *facts) {
    const struct triage_value *gcs = &facts->values[TRIAGE_GCS];
    bool known = gcs->known || facts->mind != TRIAGE_MIND_UNKNOWN;
    bool altered = (gcs->known && gcs->value < 15) || facts->mind > TRIAGE_ALERT;
    part_add(score, "altered", known, altered, altered);
}

static void score_qsofa(struct triage_score *score, const struct triage_facts *facts) {
    part_add_measure(score, facts, TRIAGE_RESPIRATION, &qsofa_respiration);
    part_add_measure(score, facts, TRIAGE_SYSTOLIC, &qsofa_systolic);
    part_add_altered(score, facts);
}

static void score_sirs(struct triage_score *score, const struct triage_facts *facts) {
    part_add_measure(score, facts, TRIAGE_TEMPERATURE, &sirs_temperature);
    part_add_measure(score, facts, TRIAGE_PULSE, &sirs_pulse);
    part_add_measure(score, facts, TRIAGE_RESPIRATION, &sirs_respiration);
    part_add_measure(score, facts, TRIAGE_LEUCOCYTES, &sirs_leucocytes);
}

static void score_shock_index(struct triage_score *score, const struct triage_facts *facts) {
    const struct triage_value *pulse = &facts->values[TRIAGE_PULSE], *systolic = &facts->values[TRIAGE_SYSTOLIC];
    bool known = pulse->known && systolic->known && systolic->value > 0;
    double ratio = known ? pulse->value / systolic->value : 0;
    part_add(score, "ratio", known, ratio, (int)floor(ratio * 100 + 0.5));
}

static void score_esi_danger(struct triage_score *score, const struct triage_facts *facts) {
    const struct triage_value *pulse = &facts->values[TRIAGE_PULSE], *respiration = &facts->values[TRIAGE_RESPIRATION];
    bool age = facts->age_months >= 0;
    size_t row = 0;
    while (age && facts->age_months >= esi_danger[row].below_months)
        row++;
    if (!age)
        part_add(score, "age", false, 0, 0);
    if (age || !pulse->known) /* without the age neither rate counts, and it is the age that is missing */
        part_add(score, "pulse", pulse->known, pulse->value, pulse->value > esi_danger[row].pulse_over);
    if (age || !respiration->known)
        part_add(score, "respiration", respiration->known, respiration->value,
            respiration->value > esi_danger[row].respiration_over);
    part_add_measure(score, facts, TRIAGE_SPO2, &esi_spo2);
}

/* The parent puts circulation in words (shock, haemodynamic compromise). Read here as: systolic below 90, with an altered mind
 * shock, without it compromise; for adults. Children's rates in standard deviations need the licensed table: not scored. */
static void score_ctas(struct triage_score *score, const struct triage_facts *facts) {
    const struct triage_value *systolic = &facts->values[TRIAGE_SYSTOLIC];
    bool adult = facts->age_months < 0 || facts->age_months >= 192;
    bool low = systolic->known && systolic->value < CTAS_LOW_SYSTOLIC;
    part_add_measure(score, facts, TRIAGE_SPO2, &ctas_spo2);
    if (adult)
        part_add(score, "systolic", systolic->known, systolic->value, !low ? 0 : facts->mind > TRIAGE_ALERT ? 1 : 2);
    if (facts->values[TRIAGE_GCS].known) {
        part_add_measure(score, facts, TRIAGE_GCS, &ctas_gcs);
    } else {
        const int levels[] = {0, 0, 2, 1, 1}; /* V as GCS 13, P as 8, U as 6: McNarry 2004 */
        part_add_mind(score, facts, levels);
    }
    if (!adult)
        part_add(score, "child-rates", false, 0, 0);
}

/* Children's: outside their ages they have no part. */
static void score_pals_pressure(struct triage_score *score, const struct triage_facts *facts) {
    const struct triage_value *systolic = &facts->values[TRIAGE_SYSTOLIC];
    size_t row = 0;
    if (facts->age_months < 0 || facts->age_months >= CHILD_BELOW_MONTHS)
        return;
    while (facts->age_months >= pals_pressure[row].below_months)
        row++;
    int least = pals_pressure[row].least + pals_pressure[row].for_each_year * (facts->age_months / 12);
    part_add(score, "systolic", systolic->known, systolic->value, systolic->value < least);
}

static void score_sipa(struct triage_score *score, const struct triage_facts *facts) {
    const struct triage_value *pulse = &facts->values[TRIAGE_PULSE], *systolic = &facts->values[TRIAGE_SYSTOLIC];
    bool known = pulse->known && systolic->known && systolic->value > 0;
    size_t row = 0;
    if (facts->age_months < SIPA_FROM_MONTHS || facts->age_months >= SIPA_BELOW_MONTHS)
        return;
    while (facts->age_months >= sipa_limits[row].below_months)
        row++;
    double ratio = known ? pulse->value / systolic->value : 0;
    part_add(score, "ratio", known, ratio, ratio > sipa_limits[row].most + 1e-9);
}

typedef void score_work(struct triage_score *score, const struct triage_facts *facts);
static score_work *const works[TRIAGE_SCORE_COUNT] = {
    [TRIAGE_NEWS2] = score_news2,
    [TRIAGE_MEWS] = score_mews,
    [TRIAGE_REMS] = score_rems,
    [TRIAGE_QSOFA] = score_qsofa,
    [TRIAGE_SIRS] = score_sirs,
    [TRIAGE_SHOCK_INDEX] = score_shock_index,
    [TRIAGE_ESI_DANGER] = score_esi_danger,
    [TRIAGE_CTAS_VITALS] = score_ctas,
    [TRIAGE_PALS_PRESSURE] = score_pals_pressure,
    [TRIAGE_SIPA] = score_sipa,
};

static void score_judge_fit(struct triage_score *score, const struct triage_facts *facts) {
    int adult = scores[score->kind].adult_months;
    score->fits = true;
    if (adult && facts->age_months < 0) {
        score->unfit_ko = "나이를 몰라 이 점수가 맞는지 알 수 없습니다";
        score->unfit_en = "the age is not known, so that nobody can say whether this score is meant for this patient";
    } else if (adult && facts->age_months < adult) {
        score->unfit_ko =
            adult == 192 ? "16세 미만에게는 맞지 않는 점수입니다" : "18세 미만에게는 맞지 않는 점수입니다";
        score->unfit_en = adult == 192 ? "the score is not meant for patients under 16"
                                       : "the score is not meant for patients under 18";
    } else if (scores[score->kind].not_pregnant && facts->pregnant == TRIAGE_YES) {
        score->unfit_ko = "임신 중에는 맞지 않는 점수입니다";
        score->unfit_en = "the score is not meant for pregnancy";
    }
    if (score->kind == TRIAGE_PALS_PRESSURE && score->part_count == 0) {
        score->unfit_ko = "16세 미만 어린이를 위한 기준입니다";
        score->unfit_en = "the limit is meant for children under 16";
    } else if (score->kind == TRIAGE_SIPA && score->part_count == 0) {
        score->unfit_ko = "4–16세를 위한 점수입니다";
        score->unfit_en = "the score is meant for 4 to 16 years";
    } else if (score->kind == TRIAGE_SIPA && facts->injury != TRIAGE_YES) {
        score->unfit_ko = "다친 어린이를 위한 점수입니다";
        score->unfit_en = "the score is meant for injured children";
    }
    if (score->unfit_ko)
        score->fits = false;
}

struct triage_score triage_score(enum triage_score_kind kind, const struct triage_facts *facts) {
    struct triage_score score = {.kind = kind, .maximum = scores[kind].maximum, .complete = true};
    works[kind](&score, facts);
    for (int i = 0; i < score.part_count; i++) {
        const struct triage_part *part = &score.parts[i];
        score.complete = score.complete && part->known;
        score.any = score.any || part->known;
        score.single_red = score.single_red || (kind == TRIAGE_NEWS2 && part->points == 3);
        if (kind != TRIAGE_CTAS_VITALS)
            score.total += part->points;
        else if (part->points && (!score.total || part->points < score.total))
            score.total = part->points;
    }
    score.complete = score.complete && score.part_count > 0;
    score_judge_fit(&score, facts);
    return score;
}
