/* loop: one referral inside a unit of work: its loop Task, its offers, the policy and the places; and the steps between states.
 *
 * Every change of state goes through loop_step: a row of the table, found by its trigger, or a fault. loop_commit then writes
 * what must stand beside it (owner, deadline, due rows) and the Task itself, so that no step can leave a Task without them.
 *
 *     client's write → guard → transition_choose → effect_apply ─┐
 *     deadline       → due                                       ├→ loop_step → loop_commit
 *     $send          → operation                                ─┘ */
#ifndef SOYANG_REFERRAL_LOOP_H
#define SOYANG_REFERRAL_LOOP_H

#include "referral/decision.h"
#include "referral/service.h"
#include "referral/task.h"

/* Whoever asks may ask so often; the rest is kept for naming a destination, so that no deadline is left without a place to name. */
enum { LOOP_OFFERS_MAX = 64, LOOP_ASKED_MAX = 48 };
struct loop {
    struct referral *referral;
    struct records_unit *unit;
    struct scope *scope;
    int64_t now_us;
    const struct region_snapshot *snapshot;
    struct policy policy;
    struct task parent;
    struct task offers[LOOP_OFFERS_MAX];
    size_t offer_count;
    int level;
    const yyjson_val *case_json; /* of the first decision; NULL until loop_need_case found it */
    bool has_decision;
    struct decision decision; /* the latest that was read or made in this unit */
    struct text decision_reference;
};
/* Reads the loop's decision, where it has one: `has_decision` tells. */
MUST_CHECK enum status loop_need_case(struct loop *loop);
/* STATUS_NOT_FOUND without an issue when there is no such governed loop. */
MUST_CHECK enum status loop_open(
    struct loop **out, struct referral *referral, struct records_unit *unit, struct text id, struct scope *scope);
/* The same without a Task yet. */
MUST_CHECK enum status loop_begin(
    struct loop **out, struct referral *referral, struct records_unit *unit, struct scope *scope);

MUST_CHECK enum status loop_step(struct loop *loop, struct task *task, unsigned actors, const char *trigger);
MUST_CHECK enum status loop_move(struct loop *loop, struct task *task, const struct referral_transition *transition);
MUST_CHECK enum status loop_commit(struct loop *loop, struct task *task);
/* What the laws ask of a Task as it is about to be written. */
MUST_CHECK enum status law_check_task(const struct task *task, struct scope *scope);

struct text loop_patient_id(const struct loop *loop);
bool loop_is_asking(const struct loop *loop);     /* no destination yet: offered, rerouted, with-controller, draft */
bool loop_is_travelling(const struct loop *loop); /* en-route, diverted */
size_t loop_open_offers(const struct loop *loop);
struct task *loop_offer_of(
    struct loop *loop, struct text place_id);             /* the latest open or accepted offer to a place; NULL */
struct task *loop_destination_offer(struct loop *loop);   /* the accepted one; NULL */
struct text loop_destination_id(const struct loop *loop); /* place id of the loop's location; none */
struct text loop_control_room(const struct loop *loop);   /* reference */
/* On the way to a place, by the case's origin; half an hour where either is not known. */
double loop_travel_minutes(const struct loop *loop, struct text place_id);
struct text place_reference(struct scope *scope, const char *type, struct text id);

/* ---- claims (claim.c) ------------------------------------------------------------------------------------------------ */

/* The patient's one destination, for `holder` (a Task id of this loop). Moves it where this loop holds it already. */
MUST_CHECK enum status destination_take(struct loop *loop, struct text holder);
MUST_CHECK enum status destination_release(struct loop *loop);
/* A hold is a lease: it ends when care begins, when the offer does, or at its `hold-until`: the policy's minutes to depart, to arrive and
 * to be taken over, together. Then the bed is free again (due_hold, or the next who asks for it) and the offer says `hold-ended`. */
MUST_CHECK enum status bed_hold(struct loop *loop, struct task *offer);
MUST_CHECK enum status bed_release(struct loop *loop, struct task *offer);
MUST_CHECK enum status loop_claim_patient(struct loop *loop);
MUST_CHECK enum status loop_release_patient(struct loop *loop);

/* ---- offers (offer.c) -------------------------------------------------------------------------------------------------- */

/* Ranks anew, without the places of `but` (all that were offered, or only those that said no). The result is kept as a decision. */
enum loop_without { WITHOUT_ASKED, WITHOUT_DECLINED, WITHOUT_NOBODY };
MUST_CHECK enum status loop_rank(struct loop *loop, enum loop_without without, enum referral_choice choice);
/* A new offer Task, still a draft, for a place. */
MUST_CHECK enum status offer_new(struct task **out, struct loop *loop, struct text place_id);
/* STATUS_CONFLICT past LOOP_ASKED_MAX. */
MUST_CHECK enum status offer_ask(struct loop *loop, struct text place_id);
/* Asks the next places until as many are open as the level allows; *asked_out says how many were asked now. */
MUST_CHECK enum status loop_fill(size_t *asked_out, struct loop *loop);
/* The same from the ranking that the loop has, without making another. */
MUST_CHECK enum status loop_ask_listed(size_t *asked_out, struct loop *loop);
/* Keeps a decision and makes it the loop's. */
MUST_CHECK enum status loop_adopt(
    struct loop *loop, const struct decision *decision, const struct decision_stamp *stamp);
MUST_CHECK enum status loop_reroute(struct loop *loop, unsigned actors, const char *trigger);
/* Who rolls while it asks rolls towards one of those that are asked: the next of them, where its destination is none. With nobody asked it
 * rolls on. The parent is not committed. */
void loop_turn(struct loop *loop);
/* This place is asked no more: if it was to act, or the patient rolls towards it, the next that is asked is turned to. */
MUST_CHECK enum status loop_turn_from(struct loop *loop, const struct task *offer);
MUST_CHECK enum status loop_withdraw_others(struct loop *loop, const struct task *but);
MUST_CHECK enum status loop_accept(struct loop *loop, struct task *offer, const struct referral_transition *transition);
MUST_CHECK enum status loop_decline(
    struct loop *loop, struct task *offer, const struct referral_transition *transition);
/* Makes a place the destination without asking: notification, designation. */
MUST_CHECK enum status loop_name_destination(
    struct loop *loop, struct text place_id, unsigned actors, const char *trigger);
/* The nearest place that can stabilise becomes the destination; *named_out is false where there is none at all. */
MUST_CHECK enum status loop_name_stabilising(bool *named_out, struct loop *loop, const char *trigger);

/* ---- clocks (clocks.c) ------------------------------------------------------------------------------------------------ */

/* From the first offer on: sets `first-offer` where it is not set, and the due rows of confirming and of each trigger. */
MUST_CHECK enum status loop_start_clocks(struct loop *loop);
MUST_CHECK enum status loop_stop_clocks(struct loop *loop);

/* ---- ends (ending.c) -------------------------------------------------------------------------------------------------- */

/* After the loop reached a closed state: offers withdrawn, claims released, the ServiceRequest closed. */
MUST_CHECK enum status loop_close(struct loop *loop);
MUST_CHECK enum status loop_take_over(struct loop *loop, const struct referral_transition *transition);
/* The letter of a loop that is back-referred, and the second ServiceRequest. */
MUST_CHECK enum status loop_return(struct loop *loop, const struct referral_transition *transition);

/* ---- what a client's transition brings along (effect.c) ---------------------------------------------------------------- */

struct effect {
    struct loop *loop;
    struct task *subject;
    const struct referral_transition *transition;
    const struct records_caller *caller;
    struct text owner_wish, location_wish; /* references the client set anew; none */
};
MUST_CHECK enum status effect_apply(const struct effect *effect);

#endif
