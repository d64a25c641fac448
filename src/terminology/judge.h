/* judge: is a coding right, in a value set or in a code system, and if not, why not. */
#ifndef SOYANG_TERMINOLOGY_JUDGE_H
#define SOYANG_TERMINOLOGY_JUDGE_H

#include "terminology/wording.h"

enum judge_abstract { JUDGE_ABSTRACT_ALLOWED, JUDGE_ABSTRACT_REFUSED };
struct judge_question {
    struct terminology_coding coding;
    enum terminology_rule rule;
    enum judge_abstract abstract;
};
MUST_CHECK enum status judge_in_value_set(struct terminology_answer *out, struct inquiry *inquiry,
    struct shelf_ref value_set, const struct judge_question *question);
/* In the coding's own code system. */
MUST_CHECK enum status judge_in_system(
    struct terminology_answer *out, struct inquiry *inquiry, const struct judge_question *question);

#endif
