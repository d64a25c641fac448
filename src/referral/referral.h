/* referral: which places can give the care, in which order to ask, offers with deadlines, and the closed loop.
 *
 * Halves. Engines (eligibility, ranking, the transition table, what happens at a deadline) are pure: structs in, structs out. The
 * gatherer and the guards move between them and the record.
 *
 * Laws kept here, whatever the door a change comes in by (docs/referral.md numbers them and names the function behind each):
 * every open Task has an owner and a deadline and something happens at it; one patient has at most one accepted destination and a bed
 * at most one hold (claims); a patient on the way has a destination at every moment; only legal transitions.
 *
 * Refuses to know HTTP. What a province decides (whom to notify, whom to ask, deadlines) is its policy, data of the region.
 *
 * Threads. `struct referral` may be shared; engines share nothing. */
#ifndef SOYANG_REFERRAL_H
#define SOYANG_REFERRAL_H

#include "base/base.h"
#include "records/records.h"
#include "region/region.h"
#include "triage/triage.h"

#define REFERRAL_STATE_SYSTEM TRIAGE_BASE "/CodeSystem/referral-state"
#define REFERRAL_DECLINE_SYSTEM TRIAGE_BASE "/CodeSystem/decline-reason"

struct referral;
/* Registers its guards (Task, ServiceRequest) and due handlers with records. */
MUST_CHECK enum status referral_open(
    struct referral **out, struct records *records, struct region *region, struct scope *scope);
void referral_close(struct referral *referral);

/* ---- ranking (pure) ---------------------------------------------------------------------------------------------------- */

/* What the policy says of an extreme: the best plan, or the nearest place that can stabilise. */
enum referral_choice { REFERRAL_BEST_PLAN, REFERRAL_NEAREST_STABILISING };

/* What ranking has to know of the patient. Zeroed is not a case: begin with referral_case_of, or set the -1 fields. */
struct referral_case {
    int level;      /* 1..5 */
    uint64_t needs; /* bits of the snapshot's needs */
    uint64_t departments[REGION_DEPARTMENTS_MAX / 64];
    enum triage_place place; /* the least kind of place that is enough */
    int window_minutes;      /* the shortest; 0: none */
    int age_months;          /* -1: unknown */
    bool extreme, stay_local;
    struct region_point origin;
    int origin_place; /* index of the place where the patient is; -1 */
    int known_place;  /* where the patient is known (continuity); -1 */
    enum referral_choice choice;
    double continuity_min; /* worth of known_place, in minutes; 0 where the policy does not count it */
    int64_t now_us;
    const int *excluded; /* places already asked or ruled out by a human */
    size_t excluded_count;
    size_t options_max; /* how many options are wanted; 0: all */
};

enum referral_exclusion {
    REFERRAL_ELIGIBLE,
    REFERRAL_NO_NEED,
    REFERRAL_AGE,
    REFERRAL_CLOSED,
    REFERRAL_TIER,
    REFERRAL_NO_EMERGENCY,
    REFERRAL_ASKED,
    REFERRAL_IS_ORIGIN,
    REFERRAL_CONTROL_ROOM,
};
const char *referral_exclusion_code(enum referral_exclusion exclusion);
const char *referral_exclusion_text(enum referral_exclusion exclusion, const char *language);

enum { REFERRAL_REASONS_MAX = 12, REFERRAL_LEGS_MAX = 2 };
struct referral_reason {
    const char *code;
    struct text ko, en;
};
struct referral_option {
    int place;
    int second_place; /* two-leg plan: stabilise at `place`, definitive care here; -1: one leg */
    double travel_min, wait_min, answer_min, second_leg_min;
    double minutes; /* to definitive care, all of the above */
    double distance_km;
    bool estimated;
    double chance;  /* of acceptance, 0..1 */
    double benefit; /* 0..1: 1 at once, falling with delay */
    double score;
    double board_age_min; /* of the count that mattered; -1: none known */
    int missing_need;     /* index of a need; -1 */
    struct referral_reason reasons[REFERRAL_REASONS_MAX];
    size_t reason_count;
};
struct referral_excluded {
    int place;
    enum referral_exclusion why;
    int need; /* which one it lacks; -1 */
};
struct referral_ranking {
    struct referral_option *options;
    size_t option_count;
    struct referral_excluded *excluded;
    size_t excluded_count;
};
enum referral_sentences { REFERRAL_NUMBERS_ONLY, REFERRAL_WITH_SENTENCES };
MUST_CHECK enum status referral_rank(struct referral_ranking *out, const struct region_snapshot *snapshot,
    const struct referral_case *patient, enum referral_sentences sentences, struct scope *scope);
/* The case of a reading: its needs and departments by the snapshot's numbers. A need the region does not know is STATUS_UNPROCESSABLE. */
MUST_CHECK enum status referral_case_of(struct referral_case *out, const struct region_snapshot *snapshot,
    const struct triage_reading *reading, const struct triage_facts *facts, struct scope *scope);

/* ---- transitions (pure) -------------------------------------------------------------------------------------------------- */

enum referral_actor { REFERRAL_INITIATOR = 1, REFERRAL_RECIPIENT = 2, REFERRAL_CONTROLLER = 4, REFERRAL_SYSTEM = 8 };
enum referral_task_kind { REFERRAL_LOOP = 1, REFERRAL_OFFER = 2 };
struct referral_state {
    const char *status;   /* Task.status */
    const char *business; /* code of REFERRAL_STATE_SYSTEM or of BSeR ("5.1.1") */
};
struct referral_transition {
    const char *id;         /* "T02" of BSeR, "S.." of Soyang */
    unsigned kinds, actors; /* bits */
    struct referral_state from, to;
    const char *trigger, *trigger_ko, *trigger_en;
    unsigned owner_after; /* one actor's bit; 0: nobody, it is closed */
    bool reason_required; /* Task.statusReason */
};
const struct referral_transition *referral_transitions(size_t *count_out);
/* NULL when illegal. */
const struct referral_transition *referral_transition_find(
    enum referral_task_kind kind, unsigned actors, struct referral_state from, struct referral_state to);

/* ---- operations: Parameters in, Parameters out (docs/api.md) --------------------------------------------------------------- */

struct referral_call {
    const struct records_caller *caller;
    fhir_type type; /* of the instance it was called on; NONE */
    struct text id;
    struct text parameters; /* JSON */
};
MUST_CHECK enum status referral_operation_triage(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
MUST_CHECK enum status referral_operation_rank(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
MUST_CHECK enum status referral_operation_send(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
/* Recomputes a stored decision from its recorded inputs and compares the bytes: law 3. STATUS_CONFLICT names the first difference. */
MUST_CHECK enum status referral_decision_replay(
    struct referral *referral, const struct records_caller *caller, struct text id, struct scope *scope);

#endif
