/* value: the text of a query's value: separators, and the escapes \, \$ \| \\ that guard them
 * (https://hl7.org/fhir/R4/search.html#escaping). */
#ifndef SOYANG_SEARCH_VALUE_H
#define SOYANG_SEARCH_VALUE_H

#include "base/base.h"

enum value_prefix {
    PREFIX_EQ,
    PREFIX_NE,
    PREFIX_GT,
    PREFIX_LT,
    PREFIX_GE,
    PREFIX_LE,
    PREFIX_SA,
    PREFIX_EB,
    PREFIX_AP,
};

/* Cuts *rest at the first `separator` that is not escaped, like text_cut. The part is still escaped. */
struct text value_cut(struct text *rest, char separator);
bool value_has(struct text value, char separator); /* not escaped */
struct text value_unescape(struct arena *arena, struct text value);
/* Takes the comparison prefix off; false when two letters stand there that are none. */
bool value_take_prefix(enum value_prefix *out, struct text *value);

#endif
