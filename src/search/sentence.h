/* sentence: the text of _filter (https://hl7.org/fhir/R4/search_filter.html) as a tree, and the tree as a plan.
 *
 *     sentence = test / "(" sentence ")" / "not" "(" sentence ")" / sentence ("and" / "or") sentence
 *     test     = path operator value
 *     path     = name / name "." path / name "[" sentence "]" "." path
 *     value    = JSON string / characters up to white space, ")" or "]"
 *
 * "and" and "or" bind alike, from left to right. A path goes along references; what stands in brackets holds of the resource
 * that the reference leads to. Issues name the position of what is wrong, in characters from 1. */
#ifndef SOYANG_SEARCH_SENTENCE_H
#define SOYANG_SEARCH_SENTENCE_H

#include "search/filter.h"

enum { SENTENCE_DEPTH_MAX = 16, SENTENCE_TESTS_MAX = 200, SENTENCE_LINKS_MAX = CHAIN_DEPTH_MAX + 1 };

enum sentence_kind { SENTENCE_AND, SENTENCE_OR, SENTENCE_NOT, SENTENCE_TEST };

struct sentence;
struct sentence_link {
    struct text name;
    size_t at;                     /* where the name stands */
    const struct sentence *filter; /* in brackets; NULL: none */
};
struct sentence {
    enum sentence_kind kind;
    struct sentence **parts; /* of and, or (two or more), not (one) */
    size_t part_count;
    struct sentence_link *path; /* of a test */
    size_t path_count;
    struct text operator, value;
    size_t operator_at, value_at;
};

MUST_CHECK enum status sentence_read(const struct sentence **out, struct text text, struct scope *scope);
/* Reads and plans: the resources of `type` for which it holds. */
MUST_CHECK enum status sentence_plan(struct filter *out, struct planner *planner, fhir_type type, struct text text);
/* Whether the type has all parameters that the sentence begins its paths with; also when it cannot be read. */
bool sentence_is_known(struct planner *planner, fhir_type type, struct text text);

/* The operators that a search type has, one a call; NULL behind the last. *position starts at 0. */
const char *sentence_operator_of(enum fhir_search_type type, size_t *position);

#endif
