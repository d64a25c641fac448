/* wording: what a code is called: by its code system, by the value set that lists it, in which language. */
#ifndef SOYANG_TERMINOLOGY_WORDING_H
#define SOYANG_TERMINOLOGY_WORDING_H

#include "terminology/compose.h"

struct designation {
    struct text language, value;
    struct text use_system, use_code, use_display;
};
struct designations {
    struct designation *at;
    size_t count;
};

/* In the inquiry's language where there is such a designation ("ko" takes "ko-KR" too), else as it stands. None: not known. */
struct text wording_display(struct inquiry *inquiry, const struct candidate *candidate);
/* Those of the value set, then those of the code system. */
void wording_designations(struct designations *out, struct inquiry *inquiry, const struct candidate *candidate);
struct text wording_definition(struct inquiry *inquiry, const struct candidate *candidate);

/* Is it one of the code's displays or designations, but for case and white space? */
bool wording_is_called(struct inquiry *inquiry, const struct candidate *candidate, struct text display);

/* A text filter: each of its words begins the code, or a word of what the code is called; Hangul, Han and kana may stand
 * anywhere in it. */
struct wording_filter {
    struct text words[16];
    size_t count;
};
void wording_filter_open(struct wording_filter *out, struct text filter, struct arena *arena);
bool wording_filter_takes(
    const struct wording_filter *filter, struct inquiry *inquiry, const struct candidate *candidate);

#endif
