/* rank: the parts of one ranking, shared by its files. Pure: a snapshot and a case in, numbers out.
 *
 *     rank_prepare → eligible_find → candidates (direct, two legs) → chance, benefit, score → order → sentences
 *
 * Every threshold and factor stands in a table beside its source; what has none is marked "assumption". */
#ifndef SOYANG_REFERRAL_RANK_H
#define SOYANG_REFERRAL_RANK_H

#include "referral/referral.h"

/* ---- what is known of a need ------------------------------------------------------------------------------------- */

enum delay_curve { DELAY_WINDOW, DELAY_INFARCTION, DELAY_STROKE };
enum { NEED_BEDS_MAX = 4 };
struct need_trait {
    const char *code; /* NULL: the row for all others */
    enum delay_curve curve;
    const char *stabilise;           /* need that the first of two legs must serve; NULL: no two legs */
    double stay_min;                 /* at the first place, until the second leg departs */
    const char *beds[NEED_BEDS_MAX]; /* any of these kinds free is enough */
};
const struct need_trait *need_trait_of(struct text code); /* never NULL */
int need_number(struct text code); /* the same in every region and for ever, by which answers are kept; -1: none */

/* ---- one ranking -------------------------------------------------------------------------------------------------- */

struct rank_need {
    int index, stabilise; /* of the snapshot; -1: none */
    const struct need_trait *trait;
    int beds[NEED_BEDS_MAX];
    int bed_count;
};
struct rank {
    const struct region_snapshot *snapshot;
    const struct referral_case *patient;
    struct rank_need needs[REGION_NEEDS_MAX];
    size_t need_count;
    int emergency_bed;           /* the count of the emergency department that fits the patient; -1 */
    int stabilise;               /* SY-STABILISE; -1: the region does not know it */
    enum region_tier least_tier; /* of those that can */
};
void rank_prepare(struct rank *out, const struct region_snapshot *snapshot, const struct referral_case *patient);
const struct rank_need *rank_need_find(const struct rank *rank, int index); /* NULL: not of this case */

enum referral_exclusion eligible_find(int *need_out, const struct rank *rank, int place, uint64_t needs);

/* What made a chance: kept for the sentences. */
struct chance {
    double value, prior; /* prior: before learning */
    double weight;       /* answers behind it */
    double tier, on_call, beds;
    double theatre;           /* factor; 1: somebody is free in time */
    int theatre_need;         /* whose people on call are all in theatre; -1: none */
    int64_t theatre_until_us; /* the first of them comes out then */
    int count_bed;            /* bed kind that mattered; -1: none known */
    int count_free;
    double count_age_min, count_trust;
    double count_trust_by_age; /* without what was learned of the board */
    bool tier_low;
};
void chance_find(struct chance *out, const struct rank *rank, int place, uint64_t needs);
double wait_find(const struct rank *rank, int place, uint64_t needs, double travel_min);
double answer_find(const struct rank *rank, int place);
double load_find(
    const struct rank *rank, int place); /* of its emergency department, believed or not; below 0: not known */
/* What it costs the province, in this patient's minutes, to take a place of a higher centre than needed. */
double scarcity_find(const struct rank *rank, int place);
double chance_by_beds(int free); /* the factor of a count surely believed */
double chance_learned(const struct rank *rank, int place, double prior);
/* What a belief that holds this place alone (as its place 0), or none, says of it. Of a case in which nothing is learned yet. */
void learned_find(
    struct referral_learned *out, const struct rank *rank, int place, const struct referral_belief *belief);

/* Share of what immediate care would give that is left. `first_min` is when a first place stabilises; below 0: one leg. */
double benefit_find(const struct rank *rank, double minutes, double first_min);
double preference_find(const struct rank *rank, double minutes); /* e^(−minutes/T) */
/* The same, expected over what the reading may hide: where this place cannot treat it after all, the minutes lost are added. */
double preference_expected(const struct rank *rank, int place, double minutes);
/* The same for a plan: the curve of this case, and of two legs by the need that the first lacks. */
void curve_find(struct referral_curve *out, const struct rank *rank);
void legs_find(struct referral_ask *out, const struct rank *rank, int missing_need);
#define AFTER_LYSIS_WEIGHT .5       /* assumption: once reperfusion has begun, further minutes weigh half */
#define AFTER_STABILISING_WEIGHT .7 /* assumption: once stabilised, a little less than before */

/* What a chance is worth when the next place is asked after a no: 0..1. */
double asking_find(const struct rank *rank, double chance, double answer_min);

/* A need is confirmed, or the patient is in an emergency department, where a doctor has found out (assumption). */
bool doctor_has_seen(const struct referral_case *patient, const struct region_snapshot *snapshot);

struct candidate {
    struct referral_option option;
    struct chance chance;
    struct text id, second_id;
    bool local;       /* stays where the patient is, or nearest by */
    double first_min; /* two legs: until the first place begins */
};
void sentences_write(struct candidate *candidate, const struct rank *rank, struct arena *arena);

/* The plan over the best of `sorted`, which it puts in its order: those it asks first. With sentences also what would have changed it. */
void ask_plan(struct referral_ranking *out, const struct rank *rank, struct candidate **sorted, size_t count,
    enum referral_sentences sentences, struct arena *arena);
int rank_order(const void *left, const void *right); /* of candidates, for qsort */
double rank_score(const struct candidate *candidate, const struct rank *rank, double chance); /* of one leg */

#endif
