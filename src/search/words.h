/* words: the text of a resource as words, for `_text` and `_content`, and their queries.
 *
 * Letters and digits make words, everything else parts them; they are folded as strings are (NFC, case, Latin marks). Scripts
 * written without blanks between words (Hangul, Han, kana) are cut into overlapping pairs of characters, and the last character
 * of a run stands alone behind them: 고혈압 is 고혈, 혈압, 압. So every part of a run is found, two syllables and one too. */
#ifndef SOYANG_SEARCH_WORDS_H
#define SOYANG_SEARCH_WORDS_H

#include "search/kind.h"

enum {
    WORD_BYTES_MAX = 64, /* of a longer one the first */
    WORDS_QUERY_BYTES_MAX = 1024,
    WORDS_TERMS_MAX = 64, /* words and phrases of a query */
    WORDS_DEPTH_MAX = 16, /* parentheses */
    WORDS_PREFIX_MIN = 2, /* letters in front of a * */
};

/* How a cut text ends. */
struct words_end {
    enum { WORDS_NONE, WORDS_LETTERS, WORDS_DENSE } script;
    size_t count;   /* characters of the last run */
    size_t last_at; /* dense: where its last character begins, the one that stands alone */
};
/* Appends the words of `prose`, a blank behind each. */
struct words_end words_put(struct buffer *out, struct text prose);

/* What the store asks for: field 0 holds the narratives, field 1 all other text. */
enum { WORDS_NARRATIVE, WORDS_OTHER };
extern const struct store_text_source words_source;

/* A query of _text or _content. */
MUST_CHECK enum status words_plan(plan_node *out, struct planner *planner, const struct criterion *criterion);

#endif
