/* surge: many patients at once over all places: who goes where, so that together most is gained. Pure.
 *
 * What a patient gains at a place is v = chance × benefit × preference, the parts of ranking ($rank-places), between 0 and 1; the preference
 * is expected over what the reading may hide, by ranking's own posterior and functions (referral_doubts_of, preference_expected). Minimised is
 * Σ weight(level)·(1 − v), in millionths; who stays unplaced gains nothing. The weights are the policy's (`surge.level_weights`; an
 * assumption). One patient takes one bed: of the kinds that serve the first need that names any, else of the emergency department. Two legs
 * are not planned here: the second leg is a wave of its own, once the first has arrived.
 *
 * Beds: a known count, however old (its age is told; the chance already fades with it); below zero counts as none. A place of which no
 * fitting kind is known takes one patient: assumption, told as such. */
#ifndef SOYANG_REFERRAL_SURGE_H
#define SOYANG_REFERRAL_SURGE_H

#include "referral/assignment.h"
#include "referral/rank.h"

enum { SURGE_PATIENTS_MAX = 20000, SURGE_COST_UNIT = 1000000 };
#define SURGE_WEIGHT_MAX 1000.

struct surge_policy {
    double weights[6]; /* by level 1..5 */
};
/* From the province's document; without the member: 16, 8, 4, 2, 1. */
MUST_CHECK enum status surge_policy_read(struct surge_policy *out, struct text document, struct scope *scope);

struct surge_group { /* patients that are alike */
    struct text label;
    struct referral_case patient; /* its doubts are not looked at: they are made here */
    struct text read_as;          /* what the reading is taken for (referral_read_as); looked at where it is doubted */
    bool doubted;
    int count;
};
/* What readings that are alike may hide, and what that means at each place; made once, however many groups there are. */
struct surge_doubt {
    struct text read_as;
    struct referral_case patient; /* level, age, needs, doubts, wrong; of the first group */
    struct surge_doubt *next;     /* of the same chain */
    size_t number;                /* in the order of making */
};
/* Beds of one kind at one place; bed -1: the place, of whose fitting beds nothing is known. */
struct surge_column {
    int place, bed, beds; /* beds: what the board says, may be negative */
    bool assumed, typed;  /* typed: said with this question */
};
struct surge_way { /* of one group to one place */
    int place;
    double minutes, chance, value;
    double wrong, wrong_min; /* that it cannot treat what the patient has after all, and what that costs */
    int64_t cost;
};
struct surge {
    const struct region_snapshot *snapshot;
    const struct surge_group *groups;
    size_t group_count, patient_count;
    int *group_of;                       /* by patient */
    size_t *first_of;                    /* by group: its first patient */
    const struct surge_doubt **doubt_of; /* by group; NULL: the reading is certain */
    struct surge_doubt **doubts;         /* each once */
    size_t doubt_count;
    const struct surge_way **first_choice; /* by group: the way of least cost, however full the place is; NULL: none */
    int *index;                            /* see surge_column_find */
    struct surge_column *columns;
    size_t column_count;
    struct surge_way **ways; /* by group: those there are, in the order of places; see surge_way_find */
    size_t *way_count;       /* by group */
    int64_t **costs;         /* by group, by column; ASSIGNMENT_NEVER: no way there */
    struct assignment_problem problem;
    int *capacity;
    struct assignment *assignment;
};
struct surge_bed { /* said with the question, instead of the board */
    int place, bed, free;
};
MUST_CHECK enum status surge_solve(struct surge *out, const struct region_snapshot *snapshot,
    const struct surge_policy *policy, const struct surge_group *groups, size_t group_count,
    const struct surge_bed *beds, size_t bed_count, struct scope *scope);
/* From groups, columns and costs: the problem that is solved. */
void surge_number_patients(struct surge *surge, const struct surge_policy *policy, struct arena *arena);
/* A group's way to a place; NULL: none. */
const struct surge_way *surge_way_find(const struct surge *surge, int group, int place);
/* The column of a place and bed kind; -1: no patient of the wave could take it. */
int surge_column_find(const struct surge *surge, int place, int bed);
#endif
