/* lexicon: words and codes → concepts, and whether the record says that they are there.
 *
 * All words come from the policy. A word's pattern: lower case; a blank matches any run of blanks, and none beside Hangul;
 * "~" a gap inside the sentence, "#" a number, "^" and "$" the edge of a word, "*" at the end any further letters. Latin words
 * begin and end at word edges and may carry a plural s (not those of two letters). Offsets are into the text as it was given. */
#ifndef SOYANG_TRIAGE_LEXICON_H
#define SOYANG_TRIAGE_LEXICON_H

#include "triage/triage.h"

enum { LEXICON_MATCHES_MAX = 1024 };

enum lexicon_assertion { LEXICON_PRESENT, LEXICON_POSSIBLE, LEXICON_PAST, LEXICON_NEGATED, LEXICON_FAMILY };

struct lexicon_match {
    uint16_t concept;
    uint16_t text; /* index into facts->texts */
    enum lexicon_assertion assertion;
    bool by_code; /* matched the text's code: from = 0, to = whole text */
    size_t from, to;
    size_t
        quote_from; /* = from, or where the relative's word begins who may be the patient or not ("아버지가 심근경색") */
};
struct lexicon_matches {
    struct lexicon_match *at;
    size_t count;
    int onset_minutes; /* from the complaints' words; -1: none */
};

struct lexicon;
/* Compiles the policy's "lexicon"; lives in `arena`. */
MUST_CHECK enum status lexicon_open(
    const struct lexicon **out, const yyjson_val *document, struct arena *arena, struct scope *scope);
int lexicon_concept_find(const struct lexicon *lexicon, struct text code); /* -1: unknown */
struct text lexicon_concept_code(const struct lexicon *lexicon, int concept);
struct lexicon_matches lexicon_scan(
    const struct lexicon *lexicon, const struct triage_facts *facts, struct arena *arena);

#endif
