/* member: what the resources that this module writes have in common. Writes to the writer given; nothing fails here (json_finish tells). */
#ifndef SOYANG_REFERRAL_MEMBER_H
#define SOYANG_REFERRAL_MEMBER_H

#include "base/base.h"

/* The member `name`, a Reference; nothing where the reference is empty. */
void member_reference(struct json_writer *w, const char *name, struct text reference);

#endif
