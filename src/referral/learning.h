/* learning: the belief of the region that is loaded, kept in the record beside it: read for a case, taught by every answer.
 *
 * It is kept as notes of the store, one a place, so that no FHIR interaction reads it: `$trust` alone shows it, to whom it may.
 * What an answer teaches is written in the unit that changes the Task; a unit that is undone has taught nothing.
 *
 * Memory is a copy. A unit marks what it wrote; who reads outside of units reads marked notes anew once they are committed, who
 * reads inside a unit reads them through it. */
#ifndef SOYANG_REFERRAL_LEARNING_H
#define SOYANG_REFERRAL_LEARNING_H

#include "referral/loop.h"

struct learning;
MUST_CHECK enum status learning_open(
    struct learning **out, struct records *records, struct arena *arena, struct scope *scope);
void learning_close(struct learning *learning);

/* Sets what is believed for a case: `unit` is the one that asks, or NULL outside of units. */
MUST_CHECK enum status learning_apply(struct referral_case *patient, struct learning *learning,
    const struct region_snapshot *snapshot, struct records_unit *unit, struct scope *scope);
/* Teaches the answer of an offer that was open. */
MUST_CHECK enum status learning_note(struct loop *loop, const struct task *offer, enum referral_answer answer);
/* The answer that a Task's change is: an expiry, a decline by its reason. */
enum referral_answer learning_answer_of(const struct task *offer, bool expired);

/* Who may see what was learned of a place: the place itself, by its own voice, and the control room. The one rule for every door. */
bool learning_is_shown(const struct records_caller *caller, struct text place);
/* A copy of what is believed of one place (all zeros: nothing) and of the whole region. */
MUST_CHECK enum status learning_place(
    struct referral_belief_place *out, struct learning *learning, struct text place, struct scope *scope);
/* Of all places: their number, and the sum of a cell over them by `cell`, for aggregates. */
typedef void learning_visit(void *context, const struct referral_belief_place *place);
MUST_CHECK enum status learning_each(struct referral_belief_region *region_out, struct learning *learning,
    learning_visit *visit, void *context, struct scope *scope);

#endif
