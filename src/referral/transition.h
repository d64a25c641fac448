/* transition: the tables of states, transitions and decline reasons, and what they say. Pure.
 *
 * The rows are made from regions/korea at build time; nothing here names a transition, and only a state's companion in
 * BSeR's code system is written by hand. */
#ifndef SOYANG_REFERRAL_TRANSITION_H
#define SOYANG_REFERRAL_TRANSITION_H

#include "referral/referral.h"

#define BSER_STATE_SYSTEM "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"

enum destination_rule { DESTINATION_NO, DESTINATION_MAY, DESTINATION_MUST };
struct state_row {
    const char *code; /* "": draft */
    unsigned kinds;
    const char *status, *other_status; /* Task.status; the second may be NULL */
    bool open;
    unsigned owner;          /* an actor's bit; 0: nobody */
    const char *deadline;    /* key of the policy's minutes; NULL: none */
    const char *at_deadline; /* trigger; NULL: none */
    enum destination_rule destination;
    const char *display_ko, *display_en;
};
extern const struct state_row state_rows[];
extern const size_t state_row_count;

extern const struct referral_transition transition_rows[];
extern const size_t transition_row_count;

struct reason_row {
    const char *code, *display_ko, *display_en;
};
extern const struct reason_row reason_rows[];
extern const size_t reason_row_count;
const struct reason_row *reason_find(struct text code); /* NULL: unknown */

/* NULL when there is no such state of this kind, or not with this status. An empty status means any. */
const struct state_row *state_find(enum referral_task_kind kind, struct text status, struct text business);
struct referral_state state_of(const struct state_row *row, struct text status);
bool state_equal(struct referral_state a, struct referral_state b);
bool state_is_bser(const char *business);
/* The BSeR code that is shown beside a state of ours; NULL: none. */
const char *state_companion(enum referral_task_kind kind, const char *business);

/* By trigger, for the engine's own steps. NULL when illegal. */
const struct referral_transition *transition_by_trigger(
    enum referral_task_kind kind, unsigned actors, struct referral_state from, const char *trigger);
/* What a client asks for: status and business code, one of which may be none (any). The first row that fits and that
 * one of `actors` may do. STATUS_CONFLICT names what is legal from here; STATUS_DENIED when only others may. */
struct transition_wish {
    enum referral_task_kind kind;
    unsigned actors;
    struct referral_state from;
    struct text status, business;
    bool business_is_bser;
    bool by_telephone; /* the answer of another was heard: rows that record it come first */
};
MUST_CHECK enum status transition_choose(
    const struct referral_transition **out, const struct transition_wish *wish, struct scope *scope);

#endif
