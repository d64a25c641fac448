/* expand: the codes of a value set, each once, in the order of its definition. */
#ifndef SOYANG_TERMINOLOGY_EXPAND_H
#define SOYANG_TERMINOLOGY_EXPAND_H

#include "terminology/wording.h"

enum expand_inactive { EXPAND_ALL, EXPAND_ACTIVE_ONLY };
enum expand_abstracts { EXPAND_HEADINGS, EXPAND_SELECTABLE };
struct expand_request {
    struct shelf_ref value_set;
    struct text filter;
    enum expand_inactive inactive;
    enum expand_abstracts abstracts;
    const struct text *excluded_systems; /* exclude-system */
    size_t excluded_count;
    enum { EXPAND_NO_WHOLE_SYSTEMS, EXPAND_WHOLE_SYSTEMS } whole; /* may systems stand for codes that are not known? */
};
struct expansion {
    struct candidate *at;
    size_t count, capacity;
    struct text *whole_systems;
    size_t whole_count, whole_capacity;
};
MUST_CHECK enum status expand_codes(
    struct expansion *out, struct inquiry *inquiry, const struct expand_request *request);

#endif
