/* grammar: code systems whose codes are made by rules and listed nowhere: units of measure, media types, languages. */
#ifndef SOYANG_TERMINOLOGY_GRAMMAR_H
#define SOYANG_TERMINOLOGY_GRAMMAR_H

#include "terminology/terminology.h"

/* Is `system` one of them? */
bool grammar_rules(struct text system);
/* One after the other; NULL behind the last. */
const char *grammar_system_at(size_t index);
/* UNKNOWN: well-formed, but made of parts that are not known here. */
enum terminology_verdict grammar_verdict(struct text system, struct text code, struct scope *scope);

#endif
