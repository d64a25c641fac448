/* compile: a CodeSystem, ValueSet or ConceptMap resource as a book of its own. */
#ifndef SOYANG_TERMINOLOGY_COMPILE_H
#define SOYANG_TERMINOLOGY_COMPILE_H

#include "terminology/book.h"

/* The book and all it needs live in scope->arena. STATUS_UNPROCESSABLE, with the element's path, for what cannot mean
 * anything: a filter without a known operator, a code system too large. */
MUST_CHECK enum status compile_resource(
    const struct terminology_book **out, const yyjson_val *resource, struct scope *scope);

/* A value set of all codes of a system, or of those that `op` leaves: op BOOK_OPERATORS for none. */
struct compile_implicit {
    struct text url, system, version, code;
    enum book_operator op;
};
const struct terminology_book *compile_implicit(const struct compile_implicit *what, struct arena *arena);

#endif
