/* sentences: statements in Korean and English, with values, units and quotes. */
#ifndef SOYANG_TRIAGE_SENTENCES_H
#define SOYANG_TRIAGE_SENTENCES_H

#include "triage/condition.h"

enum language { KOREAN, ENGLISH, LANGUAGE_COUNT };

/* `sentence` followed by what it stands on: values with units, then quotes of the record. */
struct text sentence_with_grounds(struct text sentence, const struct condition_grounds *grounds,
    const struct condition_case *patient, enum language language, struct arena *arena);
struct text sentence_of_score(const struct triage_score *score, enum language language, struct arena *arena);
struct text sentence_of_human_level(const struct triage_facts *facts, enum language language, struct arena *arena);
/* The vital signs that were not measured; none when all were. */
struct text sentence_of_missing(const struct triage_facts *facts, enum language language, struct arena *arena);
/* "88 mmHg": a number as people read it, with its unit (UCUM; "" none). */
void sentence_put_quantity(struct buffer *buffer, double value, const char *unit, enum language language);
int vital_signs_known(const struct triage_facts *facts); /* of six */
const char *mind_letter(enum triage_mind mind);          /* A C V P U */

#endif
