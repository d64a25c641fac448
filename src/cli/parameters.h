/* Reading FHIR Parameters. Private to cli. */
#ifndef SOYANG_CLI_PARAMETERS_H
#define SOYANG_CLI_PARAMETERS_H

#include "base/base.h"

/* The first parameter or part of that name; NULL when there is none. `list` is "parameter" of the root, or "part". */
const yyjson_val *answer_part(const yyjson_val *owner, const char *list, const char *name);
double answer_part_number(const yyjson_val *owner, const char *name); /* 0 when absent */
bool answer_part_true(const yyjson_val *owner, const char *name);
struct text answer_part_text(const yyjson_val *owner, const char *name); /* valueString or valueCode */
struct text answer_part_display(
    const yyjson_val *owner, const char *name); /* valueReference.display, or its reference */

#endif
