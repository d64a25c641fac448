/* proposal: a referral that a specialist advised (e-consult answered `transfer`), drawn up as far as it is known and sent by nobody.
 *
 * A ServiceRequest and a loop Task, both drafts, of who asked: the patient, the visit, the level, the need, the place that answered, the words
 * and the pictures. A human looks at it and sends it ($send with `draft`), or cancels it; left alone it is abandoned at the policy's `draft`
 * deadline. It claims nothing: patient, destination and beds are free until it is sent. */
#ifndef SOYANG_REFERRAL_PROPOSAL_H
#define SOYANG_REFERRAL_PROPOSAL_H

#include "referral/loop.h"

enum { PROPOSAL_SUPPORT_MAX = 24 };
struct proposal {
    struct text patient, encounter, requester, performer, basis; /* references; basis: the Task that advised it */
    struct text need, words;                                     /* code, or none; what the specialist said */
    struct text support[PROPOSAL_SUPPORT_MAX];                   /* references: Communications, ImagingStudies */
    size_t support_count;
    int level;
};
/* *out refers to the draft loop's Task. */
MUST_CHECK enum status proposal_make(struct text *out, struct referral *referral, struct records_unit *unit,
    const struct proposal *proposal, struct scope *scope);
/* The draft that is now sent becomes loop->parent; *support_out are the references that its ServiceRequest has. STATUS_CONFLICT when it is no
 * draft of this patient and requester (any more). */
MUST_CHECK enum status proposal_take(struct loop *loop, struct text support_out[PROPOSAL_SUPPORT_MAX],
    size_t *support_count_out, struct text id, struct text patient, struct text requester);

#endif
