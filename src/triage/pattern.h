/* pattern: one word of the lexicon against one place of a text. The text is lower-cased for ASCII, length unchanged. */
#ifndef SOYANG_TRIAGE_PATTERN_H
#define SOYANG_TRIAGE_PATTERN_H

#include "base/base.h"

struct pattern {
    const char *at;
    size_t size;
    bool edge_before, edge_after, open_end;
};
struct pattern_numbers { /* number words: "두" → 2 */
    size_t count;
    const struct pattern_number {
        struct text word;
        double value;
    } * at;
};

struct pattern triage_pattern_compile(struct text word, struct arena *arena);
/* The end of the match at `from`, or 0. *number is set where the pattern holds "#". */
size_t pattern_match(double *number, const struct pattern *pattern, const struct pattern_numbers *numbers,
    struct text text, size_t from);
bool pattern_number_begins(const struct pattern_numbers *numbers, struct text text, size_t at);
bool pattern_is_alnum(char c);                      /* a to z (the text is lower-cased), 0 to 9 */
bool pattern_is_break(struct text text, size_t at); /* an end of sentence stands here */

#endif
