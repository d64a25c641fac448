/* assignment: many patients to places of limited capacity at the least total cost, with a certificate. Pure.
 *
 * The capacitated transportation problem with unit supplies:
 *     min Σ c(i, place of i)   every patient at one place or unplaced, at most capacity(j) patients at place j.
 * Its dual: max Σ u(i) − Σ capacity(j)·p(j)   with u(i) ≤ c(i,j) + p(j), u(i) ≤ unplaced(i), p(j) ≥ 0: p(j) is what one more bed at j
 * saves, the bed's price.
 *
 * Method: successive shortest augmenting paths (Edmonds and Karp 1972 for the potentials; Ahuja, Magnanti, Orlin, "Network Flows",
 * 1993, ch. 9.7) on the graph of places alone: the way from a to b costs min over the patients i at a of c(i,b) − c(i,a), kept in one heap
 * a pair. A changed capacity is one augmentation a bed, forward or backward, from the optimum that stands.
 *
 * Costs are integers, so that the certificate is exact: primal and dual values are equal, not nearly. Ties go to the place that comes
 * first, then to the patient that comes first: the same problem gives the same answer.
 *
 * Memory lives in the arena of the scope that solved; one thread at a time. */
#ifndef SOYANG_REFERRAL_ASSIGNMENT_H
#define SOYANG_REFERRAL_ASSIGNMENT_H

#include "base/base.h"

#define ASSIGNMENT_NEVER INT64_MAX                 /* this patient cannot go there */
#define ASSIGNMENT_COST_MAX INT64_C(1000000000000) /* of one patient, to either side of 0 */
enum { ASSIGNMENT_UNPLACED = -1, ASSIGNMENT_PLACES_MAX = 4096, ASSIGNMENT_PATIENTS_MAX = 200000 };

struct assignment_problem {
    size_t patient_count, place_count;
    const int64_t *const
        *cost; /* by patient a row of place_count; rows may be shared; they stay the caller's and unchanged */
    const int64_t *unplaced; /* by patient; never ASSIGNMENT_NEVER */
    const int *capacity;     /* by place; not negative */
};
/* One patient changes place: a step of an exchange path. Either end may be ASSIGNMENT_UNPLACED. */
struct assignment_move {
    int patient, from, to;
};

struct assignment;
/* STATUS_UNPROCESSABLE for a capacity below 0 or a cost beyond ASSIGNMENT_COST_MAX, TOO_LARGE past the limits above, TOO_COSTLY
 * past the scope's deadline. */
MUST_CHECK enum status assignment_solve(
    struct assignment **out, const struct assignment_problem *problem, struct scope *scope);
int assignment_place(const struct assignment *assignment, int patient);
int assignment_load(const struct assignment *assignment, int place);
int assignment_capacity(const struct assignment *assignment, int place);
int64_t assignment_price(const struct assignment *assignment, int place);
/* Changes one place's capacity and solves again from where it stands. The moves, in the order of the path, each patient at most once a
 * bed, live in `scope`. STATUS_UNPROCESSABLE: no such place, or below 0; TOO_COSTLY past the scope's deadline, on the way. */
MUST_CHECK enum status assignment_change(struct assignment_move **moves_out, size_t *count_out,
    struct assignment *assignment, int place, int capacity, struct scope *scope);

/* Checks from the costs alone, without trusting how the answer was found. */
struct assignment_certificate {
    int64_t primal, dual; /* equal at the optimum */
    size_t infeasible;    /* patients at a place that they cannot go to, places over their capacity */
    size_t
        slack; /* broken complementary slackness: a patient not at a place of least cost + price, a price on a free bed */
    bool optimal; /* all of the above is as it should be */
};
void assignment_certify(
    struct assignment_certificate *out, const struct assignment *assignment, const struct assignment_problem *problem);

#endif
