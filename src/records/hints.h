/* hints: what is worth saying of a resource that is taken all the same (Prefer: return=OperationOutcome,
 * https://hl7.org/fhir/R4/http.html#ops). Private to records. */
#ifndef SOYANG_RECORDS_HINTS_H
#define SOYANG_RECORDS_HINTS_H

#include "records/service.h"

/* Adds what a ValueSet or ConceptMap will fail by when it is used: it names itself, or cannot be expanded. */
void hints_add_terms(
    struct validate_report *report, const struct records *records, const yyjson_val *resource, struct scope *scope);
/* The OperationOutcome of a resource to be stored: what $validate says, no error among it, since nothing failed. None where that
 * could not be found out. */
struct text hints_of(const struct records *records, const yyjson_val *resource, struct scope *scope);

#endif
