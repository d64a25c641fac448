/* expression: published search expressions as text: cut into the branches of their unions, and what a branch's text
 * tells without evaluating it. */
#ifndef SOYANG_SEARCH_EXPRESSION_H
#define SOYANG_SEARCH_EXPRESSION_H

#include "base/base.h"
#include "fhir/fhir.h"

/* Cuts *rest at the first `|` outside parentheses and strings; the branch is trimmed. */
struct text expression_cut(struct text *rest);
/* False for a branch of another resource type. A branch that names no resource type belongs to all. */
bool expression_concerns(struct text branch, fhir_type type);
/* The resource type that a branch names; NONE: it names none. */
fhir_type expression_type(struct text branch);
/* The types of what a branch yields for resources of `type`, as far as its text tells: how many, at most `most` are written; 0:
 * it does not tell. */
size_t expression_types(fhir_type *out, size_t most, struct text branch, fhir_type type);
/* The member of the resource without which the branch is empty; none when that cannot be told. */
struct text expression_member(struct text branch);
/* Splits "X.where(resolve() is T)" into X and T. */
bool expression_narrowed(struct text *base_out, fhir_type *type_out, struct text branch);
/* The element that a plain path ("Patient.gender") leads to, else NULL. */
const struct fhir_element *expression_element(struct text branch, fhir_type type);
/* A composite's component expression, with the known errors of the published definitions put right. */
struct text expression_of_component(const char *parameter_url, const char *published);

#endif
