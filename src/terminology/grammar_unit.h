/* grammar_unit: is a text a UCUM code? */
#ifndef SOYANG_TERMINOLOGY_GRAMMAR_UNIT_H
#define SOYANG_TERMINOLOGY_GRAMMAR_UNIT_H

#include "terminology/terminology.h"

/* UNKNOWN: well-formed, with an atom that the tables do not have. */
enum terminology_verdict grammar_unit(struct text code);

#endif
