/* pattern: regular expressions, by PCRE2, with limits on matching effort and on the size of what replacement makes. */
#ifndef SOYANG_FHIRPATH_PATTERN_H
#define SOYANG_FHIRPATH_PATTERN_H

#include "fhirpath/machine.h"

struct pattern;

/* matches, matchesFull, replaceMatches: the first argument is an expression. */
bool pattern_is_argument_of(const struct function *function);
/* Lives in the scope's arena; may be shared between threads. STATUS_INVALID for what PCRE2 refuses. */
MUST_CHECK enum status pattern_compile(
    const struct pattern **out, struct text source, const struct function *function, struct scope *scope);
call_run matches_run, replace_matches_run;

enum { PATTERN_PART, PATTERN_FULL, PATTERN_REPLACE }; /* a function's `detail` */

#endif
