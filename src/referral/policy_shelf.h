/* policy_shelf: the province's policy as it was last read, so that not every case reads it anew. One policy at a time, known by its hash; whoever
 * holds one keeps it. May be shared by threads. Private to this module. */
#ifndef SOYANG_REFERRAL_POLICY_SHELF_H
#define SOYANG_REFERRAL_POLICY_SHELF_H

#include "referral/policy.h"

struct policy_shelf;
struct policy_shelf *policy_shelf_open(void);        /* NULL: no memory */
void policy_shelf_close(struct policy_shelf *shelf); /* accepts NULL; nobody holds anything */
/* The snapshot's policy, until the scope's arena ends. Faults as of policy_read. */
MUST_CHECK enum status policy_shelf_hold(
    const struct policy **out, struct policy_shelf *shelf, const struct region_snapshot *snapshot, struct scope *scope);

#endif
