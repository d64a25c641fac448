/* gather: FHIR resources → facts. `gather.c` finds the patient, the visit and the moment; `observations.c` reads what was
 * measured; `statements.c` what was said. */
#ifndef SOYANG_TRIAGE_GATHER_H
#define SOYANG_TRIAGE_GATHER_H

#include "triage/triage.h"

struct gathered {
    const yyjson_val *resource;
    struct text type, full_url;
    const char *path; /* "Observation/rr1", or "Bundle.entry[3].resource" */
};
enum { GATHER_SPECIALS_MAX = 16 };
/* When the value that stands was observed, and what said so: a later one replaces it. */
struct gather_standing {
    bool is_set;
    int64_t at_us;
    int by;
};
struct gather {
    struct triage_facts *facts;
    const struct triage_gather_options *options;
    struct scope *scope;
    struct gathered *resources;
    size_t count;
    const struct gathered *patient, *encounter;
    bool stale_noted, future_noted;
    struct gather_standing specials[GATHER_SPECIALS_MAX];
};

/* Every kind of time a resource of this kind bears, as µs; 0: none. */
int64_t gather_time(const struct gather *gather, const yyjson_val *resource);
enum gather_visit { GATHER_THIS_VISIT, GATHER_OTHER_VISIT, GATHER_NO_VISIT };
enum gather_visit gather_visit(const struct gather *gather, const yyjson_val *resource);
/* Of this visit or of none, and not older than a day before the moment. Notes what it leaves out. */
bool gather_is_current(struct gather *gather, const struct gathered *item);
bool gather_has_code(const yyjson_val *concept, const char *system, const char *code);
struct text gather_path(const struct gather *gather, const struct gathered *item, const char *element);

/* The resource of this type that the reference leads to, among those gathered; NULL: none. */
const struct gathered *gather_referred(const struct gather *gather, struct text reference, const char *type);
/* Notes that the reading rests on it. */
void gather_basis(struct gather *gather, const struct gathered *item);

MUST_CHECK enum status gather_observation(struct gather *gather, const struct gathered *item);
MUST_CHECK enum status gather_statement(struct gather *gather, const struct gathered *item);
MUST_CHECK enum status gather_complaints(struct gather *gather);
MUST_CHECK enum status gather_finding(
    struct gather *gather, const struct gathered *item, struct text words, const char *element);

#endif
