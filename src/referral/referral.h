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
/* Before it serves: other models than the built-in ones, and the sites document. `config`'s policy is put in here. */
MUST_CHECK enum status referral_readers_open(
    struct referral *referral, const struct triage_readers_config *config, struct scope *scope);
/* Figures of the trained readers, Prometheus text; what came of the visits is read from the record for `caller`. */
MUST_CHECK enum status referral_metrics(
    struct text *out, struct referral *referral, const struct records_caller *caller, struct scope *scope);
/* What came of the visits of the last `readings_max` readings, silent ones too: one row a forecast or level whose outcome the record
 * tells (outcomes.c says how). For administrators: what was read in silence is among it. */
MUST_CHECK enum status referral_outcomes(struct triage_followed **out, size_t *count, struct referral *referral,
    const struct records_caller *caller, size_t readings_max, struct scope *scope);
/* Reads with everything that was trained, and counts the reading. */
MUST_CHECK enum status referral_triage_read(
    struct triage_reading *out, struct referral *referral, const struct triage_facts *facts, struct scope *scope);

/* ---- whom to ask, in which order, how many at once (pure) ----------------------------------------------------------------- */

/* What care is worth when it begins `m` minutes from now, as a share of care at once:
 *
 *     e^(−m/span) · e^(−decay·m) · max(0, 1 − slope·m) · (m > threshold ? beyond : 1)
 *
 * Every part is optional (0). The threshold is the guideline's window; the slopes are published where there are any (delay.c names
 * them), `span` is time preference (assumption). */
struct referral_curve {
    double span_min, decay_per_min, slope_per_min;
    double threshold_min, beyond;
};
double referral_curve_at(const struct referral_curve *curve, double minutes);

enum { REFERRAL_PLAN_MAX = 8, REFERRAL_PLAN_STEPS = 64, REFERRAL_PLAN_GROUPS = 8 };

/* One place that may be asked. Minutes count from the departure; who rolls already while asking says so. */
struct referral_ask {
    double chance;     /* of a yes, 0..1, before anything was asked; every common cause of a no is in it */
    double answer_min; /* until a yes is known */
    double refuse_min; /* until a no, or silence taken for one, is known; below answer_min: as answer_min */
    double minutes;    /* from departure to definitive care: travel, wait, second leg */
    double first_min;  /* two legs: from departure until the first place begins; below 0: one leg */
    double
        first_share; /* two legs: share of the benefit that the first place's beginning decides; the rest is decided by `minutes` */
    double later_weight; /* two legs: what a minute after the first beginning weighs in the span, 0..1 */
    double worth_min;    /* minutes to its credit: continuity, family; less the scarcity price */
    double
        rolling; /* minutes on the way to here gained by each minute of asking: 1 the shared direction, 0 standing still */
    double rolls_max_min;    /* at most so many */
    double factor;           /* of the benefit, for all that is no delay (1: none; 0 is read as 1) */
    double wrong, wrong_min; /* chance that it cannot treat after all, and the minutes that this costs */
    int group;               /* refusals of one group have a common cause beside their own; -1: none */
    bool open;               /* asked already, unanswered: answer_min and refuse_min are what is left of them */
};
struct referral_plan_question {
    struct referral_ask asks[REFERRAL_PLAN_MAX];
    size_t ask_count; /* of more candidates, the caller gives the best eight */
    struct referral_curve curve;
    double shocks
        [REFERRAL_PLAN_GROUPS]; /* chance of a group's common cause (a hospital in this hour): then all of it refuse */
    double shock_all;           /* chance of a cause common to everybody (a province without a bed) */
    int parallel_max;           /* offers open at once, those that are open already included; at least 1 */
    double ask_cost_min;        /* asking intensity: minutes that one more question is worth. 0: minutes alone count */
    double
        ready_min; /* until the patient can leave, still treated where they are: asking costs nothing before; 0: now */
    double deadline_min; /* from now; then `unplaced_min` begins. Nothing is asked at or after it */
    double
        unplaced_min; /* minutes from giving up to definitive care, however that comes: what an unplaced patient costs */
    double
        step_min; /* grid of elapsed time; answers are rounded up to it. 0: 1 minute, or what spreads the deadline over the steps */
};
struct referral_plan {
    int order
        [REFERRAL_PLAN_MAX]; /* indices into asks, in the order of asking; within a batch in the order of answering */
    int batch[REFERRAL_PLAN_MAX]; /* of each in `order`: 0 is asked now, 1 when all of 0 have said no ... */
    size_t count, batch_count,
        now_count; /* now_count: how many of `order` are to be asked now; open ones are not in `order` */
    double value;  /* expected worth, 0..1, of following the plan */
    double placed, asked,
        minutes; /* expected: chance of a yes; questions (the open ones not counted); minutes to definitive care, the
                                    * unplaced at their penalty */
};
/* What one planning works in: 140 KB, the caller's, need not be cleared. */
struct referral_plan_space {
    double worth[1 << REFERRAL_PLAN_MAX][REFERRAL_PLAN_STEPS];
    uint8_t choice[1 << REFERRAL_PLAN_MAX][REFERRAL_PLAN_STEPS];
    double refused[1 << REFERRAL_PLAN_MAX];
    uint64_t reached[1 << REFERRAL_PLAN_MAX];
};
/* The best plan of batches, exactly, by a dynamic programme over (who has been asked in vain, how much time has passed). A batch goes out
 * at once; the first yes takes the patient and releases the others; when all have said no, the next batch goes. A no within a group
 * makes another no of that group likelier (common shock; Marshall and Olkin 1967), which the set of those asked tells exactly.
 * Deterministic: ties go to the smaller batch, then to the earlier in `asks`. */
void referral_plan(
    struct referral_plan *out, const struct referral_plan_question *question, struct referral_plan_space *space);

/* ---- learning who says yes (pure) ------------------------------------------------------------------------------------------ */

/* What is asked of the model, and what an answer teaches it. Indices are the caller's own numbering, fixed for one belief. */
struct referral_asked {
    int place, need; /* need -1: none in particular */
    int64_t at_us;
    int zone_minutes; /* of the region's own clock */
    double prior; /* chance from structure alone: what the place could do if nothing were known of its answers; 0..1 */
    double load;  /* of its emergency department, occupied over all; below 0: not known */
    double board_age_min; /* of the count that mattered; below 0: none known */
    int board_free;       /* what that count said; looked at where board_age_min is known */
};
enum referral_answer { REFERRAL_YES, REFERRAL_NO, REFERRAL_NO_BED, REFERRAL_SILENT };

/* One cell: weights that halve every half-life. */
struct referral_cell {
    double yes, asked, expected; /* answers yes, answers, and the yes that the level above expected of them */
    int64_t at_us;               /* as of when the weights count */
};
enum { REFERRAL_HOUR_BANDS = 4, REFERRAL_LOAD_BANDS = 4, REFERRAL_AGE_BANDS = 4, REFERRAL_CHANCE_BANDS = 10 };
enum { REFERRAL_BOARD_CELLS = REFERRAL_LOAD_BANDS * REFERRAL_AGE_BANDS };
struct referral_belief_region {
    struct referral_cell hours[REFERRAL_HOUR_BANDS], needs[REGION_NEEDS_MAX], boards[REFERRAL_BOARD_CELLS];
    struct referral_cell chances[REFERRAL_CHANCE_BANDS]; /* by what was said: the last correction */
};
struct referral_belief_place {
    struct referral_cell all, hours[REFERRAL_HOUR_BANDS], boards[REFERRAL_BOARD_CELLS], needs[REGION_NEEDS_MAX];
    struct referral_cell now; /* the last hours: forgets within the hour */
    struct referral_cell
        board; /* of the answers given while the board said free: how many had a bed (yes, or no for another reason) */
    struct referral_cell current; /* of the questions: at how many the board was at most an hour old */
    struct referral_cell spoken;  /* of the questions: how many were answered at all */
    struct referral_cell answer;  /* yes: sum of minutes until an answer; asked: answers */
};
/* The belief of one region; both parts are the caller's, all zeros at the beginning, plain data that may be copied. */
struct referral_belief {
    struct referral_belief_region *region;
    struct referral_belief_place *places;
    size_t place_count;
};
/* The chance of a yes: the prior, corrected level by level (region and hour, need, board; place, its hours, boards, needs, its last hour;
 * what such chances came to), each correction a Beta mean with the level above as its prior, applied in log-odds. */
double referral_belief_chance(const struct referral_belief *belief, const struct referral_asked *asked);
/* The same in parts, so that a decision can be kept with what was believed: the sum of the corrections by what is known of the question
 * (in log-odds), the last correction by band of chance, and both applied to a prior. */
double referral_belief_shift(const struct referral_belief *belief, const struct referral_asked *asked);
void referral_belief_corrections(
    double out[REFERRAL_CHANCE_BANDS], const struct referral_belief *belief, int64_t now_us);
double referral_belief_apply(double prior, double shift, const double corrections[REFERRAL_CHANCE_BANDS]);
/* How many answers of a place still count. */
double referral_belief_weight(const struct referral_belief *belief, int place, int64_t now_us);
/* A cell's mean of `yes`, with `weight` times `prior` beside it. */
double referral_belief_share(const struct referral_cell *cell, int64_t now_us, double prior, double weight);
/* Learns one answer, in O(1). `answer_min` below 0: not known. An answer from before what is known is taken as of now. */
void referral_belief_learn(
    struct referral_belief *belief, const struct referral_asked *asked, enum referral_answer answer, double answer_min);
/* Mean minutes to an answer; `otherwise` is the prior. */
double referral_belief_answer_min(const struct referral_belief *belief, int place, double otherwise, int64_t now_us);
/* How far the board of a place is to be believed, 0..1, by how often what it called free was so; 0.9 of nothing (assumption). */
double referral_belief_board_trust(const struct referral_belief *belief, int place, int64_t now_us);

/* ---- ranking (pure) ---------------------------------------------------------------------------------------------------- */

/* What the policy says of an extreme: the best plan, or the nearest place that can stabilise. */
enum referral_choice { REFERRAL_BEST_PLAN, REFERRAL_NEAREST_STABILISING };

/* How the policy wants it asked. parallel_max 0: only ranked, nobody is to be asked. */
struct referral_asking {
    int parallel_max;
    double ask_cost_min, deadline_min, unplaced_min; /* as of struct referral_plan_question */
    double ready_min;                                /* as there */
    double silence_min;                              /* when an offer expires */
    double elapsed_min;                              /* since the first offer; kept, not looked at */
};
struct referral_open {
    int place;
    double since_min;
};
/* What is believed of one place for one case. */
struct referral_learned {
    double shift, weight; /* in log-odds; answers behind it */
    double board_trust;   /* times the trust by age; 0: 1 */
    double answer_min;    /* 0: as the place states */
};

/* How likely a place cannot treat what the patient turns out to have (the reading of a need is uncertain), and the minutes until care
 * elsewhere begins that this costs. */
struct referral_wrong {
    double chance, minutes;
    int doubt;    /* index into the case's doubts: the one that counts most; looked at where `share` is not 0 */
    double share; /* of it in `chance` */
};
/* What else the patient may need, with its chance. */
struct referral_doubt {
    struct text need, name_ko, name_en; /* the need's code and names */
    double chance;
};
enum { REFERRAL_DOUBTS_MAX = REGION_CONDITIONS_MAX };

/* What ranking has to know of the patient. Zeroed is not a case: the fields that can be -1 have to be set. */
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
    int family_place;      /* where the family is; looked at where family_min is not 0 */
    double family_min;
    double
        scarcity_min; /* price of a higher centre than needed: minutes a step of tier, times how full it is believed to be */
    bool notice_excludes;  /* who says that it cannot take a need is left out, instead of being unlikely */
    double unknown_factor; /* of the chance, where no count is believed: too old, or none. 0: .85 */
    struct referral_asking asking;
    bool departs;                     /* rolls while it is asked */
    const struct referral_open *open; /* asked already and unanswered; they are in `excluded` too */
    size_t open_count;
    const struct referral_learned *learned; /* by place of the snapshot; NULL: nothing is learned */
    double corrections[REFERRAL_CHANCE_BANDS];
    bool tells_learned; /* sentences tell the answers behind a chance, and what a board is believed: decisions of before
                                         * format 4, and never a new one */
    const struct referral_wrong *wrong; /* by place of the snapshot; NULL: the reading is taken as certain */
    const struct referral_doubt
        *doubts; /* what `wrong` was made of; kept, so that it can be made anew for other places and hours */
    size_t doubt_count;
    struct text confirmed; /* a need that a doctor has confirmed: code; none: none has */
    struct text confirmed_quote,
        confirmed_source; /* the record's words and where they stand; none: said with the question */
    bool
        one_leg; /* minutes to definitive care alone count, each as much as any other (no curve, no window, no time preference): two
                   * legs only where no place in reach treats it */
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
    REFERRAL_NOTICE,        /* says that it cannot take it now, and the policy leaves such out */
    REFERRAL_UNSAFE_BYPASS, /* arrest, unsecured airway: passes a nearer place that can resuscitate */
};
/* Who goes along on a second leg: "physician" at levels 1 and 2, else "nurse-or-paramedic" (assumption). */
const char *referral_escort_code(int level);
const char *referral_exclusion_code(enum referral_exclusion exclusion);
const char *referral_exclusion_text(enum referral_exclusion exclusion, const char *language);

enum { REFERRAL_REASONS_MAX = 16, REFERRAL_LEGS_MAX = 2 };
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
    double board_age_min;           /* of the count that mattered; -1: none known */
    int missing_need;               /* index of a need; -1 */
    double worth_min, scarcity_min; /* what counted for it, and its price, in minutes */
    double learned_weight;          /* answers of this place behind `chance`; 0: assumed */
    double wrong, wrong_min;        /* chance that it cannot treat what the patient has after all; minutes lost then */
    int ask_batch;                  /* 1: to be asked now, 2: when all of those have said no ...; 0: not in the plan */
    double
        vehicle_away_min; /* two legs: how long the transfer's vehicle is away from the first place's district; there and back */
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
    /* Where asking.parallel_max is not 0: `order` are the first options, in that order. now_count of them are to be asked now. */
    struct referral_plan plan;
    int heading; /* where who departs while asking rolls to: an option; -1 */
    /* What small change would have made another place the first; place -1: none found. */
    struct referral_counterfactual {
        int place, bed, beds_free; /* bed -1: the team on call */
        struct text ko, en;
    } otherwise;
};
enum referral_sentences { REFERRAL_NUMBERS_ONLY, REFERRAL_WITH_SENTENCES };
MUST_CHECK enum status referral_rank(struct referral_ranking *out, const struct region_snapshot *snapshot,
    const struct referral_case *patient, enum referral_sentences sentences, struct scope *scope);
/* What a belief says of every place for this case: `learned` and `corrections` of it. `out` has room for all places of the snapshot;
 * belief->places are numbered as the snapshot's. */
void referral_learned_of(struct referral_learned *out, struct referral_case *patient,
    const struct region_snapshot *snapshot, const struct referral_belief *belief);
/* What the reading is taken for: the first of its needs that the region's readings know; none where it has no need. False where nothing is
 * to be doubted: the region states no readings, or they know none of its needs. */
bool referral_read_as(
    struct text *out, const struct region_snapshot *snapshot, const struct text *needs, size_t need_count);
/* What else the patient may need: by the snapshot's readings, for levels 1 to 3, from the need that was read first, the level, the age
 * and, where `facts` is not NULL, what the region's second reader finds in them.
 * None where the region states no readings, a doctor has confirmed the need or works at an emergency department where the patient is (as the
 * simulated year has it), the nearest place is wanted, or the readings do not know the need. */
void referral_doubts_of(struct referral_case *out, const struct region_snapshot *snapshot, struct text read_as,
    const struct triage_facts *facts, struct arena *arena);
/* What the region's second reader finds in the facts: sets `done` and `positive` for those of its tests that are due, that this program can
 * read (mews-4: MEWS, complete; systolic-180), and whose values are known. A specialist's answer is no test here: it comes as a confirmed
 * need. */
void referral_observe(
    struct region_seen *seen, const struct region_readings *readings, const struct triage_facts *facts);
/* What the case's doubts mean at each place of the snapshot now: sets `wrong`. */
void referral_wrongs_of(struct referral_case *out, const struct region_snapshot *snapshot, struct arena *arena);
/* The question as learning sees it, when this place is asked for this case: prior, board, load. */
void referral_asked_of(
    struct referral_asked *out, const struct region_snapshot *snapshot, const struct referral_case *patient, int place);

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
    struct text parameters; /* JSON; none when called by GET */
    const struct search_pair *pairs;
    size_t pair_count;
};
MUST_CHECK enum status referral_operation_triage(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
MUST_CHECK enum status referral_operation_rank(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
MUST_CHECK enum status referral_operation_send(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
/* The sheet for the receiving doctor: extracted from the record, each line with its sources. By GET too. */
MUST_CHECK enum status referral_operation_summary(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
/* Who rewrites the sheet's numbered lines as a draft, where the operator has configured somebody; none by default. False with
 * *problem (a sentence without a patient's values) when there is no answer. Called outside of any unit or view; may wait. */
typedef bool referral_draft_write(struct text *out, const char **problem, void *context, struct text lines,
    const char *language, struct scope *scope);
void referral_draft_set(
    struct referral *referral, referral_draft_write *write, void *context); /* before requests come */
/* A question with the chart to a specialist elsewhere (consult.h). */
MUST_CHECK enum status referral_operation_consult(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
/* Many patients at once over all places (surge.h); for the control room, planners and operators. */
MUST_CHECK enum status referral_operation_surge(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
/* CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0/), JSON in and out. STATUS_NOT_FOUND: no such service; STATUS_INVALID with the
 * member's path; STATUS_PRECONDITION: data that are neither prefetched nor in the record. */
struct referral_cds_call {
    const struct records_caller *caller;
    struct text service, body;
    struct text page; /* of the links in cards, ends with a slash */
    bool english;     /* else Korean */
};
MUST_CHECK enum status referral_cds_services(struct text *out, struct scope *scope);
MUST_CHECK enum status referral_cds_run(
    struct text *out, struct referral *referral, const struct referral_cds_call *call, struct scope *scope);
MUST_CHECK enum status referral_cds_feedback(
    struct referral *referral, const struct referral_cds_call *call, struct scope *scope);
/* On an Organization: what was learned of it, for itself and the control room; on the type: over all, for planners and the control room.
 * Everybody else: STATUS_DENIED. */
MUST_CHECK enum status referral_operation_trust(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
/* ---- the province's policy ------------------------------------------------------------------------------------------------ */

/* Every fault with its path: cycles, missing ends, unknown actions, members and needs. `needs`: those of its region; NULL: those that the
 * program knows by itself. *hash_out is its SHA-256. */
MUST_CHECK enum status referral_policy_check(
    struct text *hash_out, struct text document, const struct region_needs *needs, struct scope *scope);
/* What a stored decision (GuidanceResponse) would have been under another policy: the places asked at once, joined by " + ". */
struct referral_policy_difference {
    struct text decision, policy_was, was, would;
    int level;
    double minutes_was, minutes_would; /* of the first place */
    bool differs;
};
/* STATUS_GONE: what was learned for it, which is kept apart from it, is not in these records. */
MUST_CHECK enum status referral_policy_replay(struct referral_policy_difference *out, struct records *records,
    const yyjson_val *stored, struct text document, struct scope *scope);

/* Recomputes a stored decision from its recorded inputs and compares the bytes: law 3. STATUS_CONFLICT names the first difference;
 * STATUS_GONE: what was learned for it, which is kept apart from it, is not in this store. */
MUST_CHECK enum status referral_decision_replay(
    struct referral *referral, const struct records_caller *caller, struct text id, struct scope *scope);

#endif
