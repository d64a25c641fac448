/* summary: a patient's record on one sheet for the doctor who receives: extracted, never generated.
 *
 * Every line is the record's own words, numbers and times in a fixed order, with the references of the resources it was taken
 * from. What the record does not hold is an empty section, which is not the same as "none". The extraction is pure: resources
 * in, lines out. `summary_draft` holds what another program made of the lines against them: a sentence without a line's number,
 * or with a number that its lines do not hold, is dropped. */
#ifndef SOYANG_REFERRAL_SUMMARY_H
#define SOYANG_REFERRAL_SUMMARY_H

#include "referral/service.h"

enum summary_section {
    SUMMARY_COMPLAINT,
    SUMMARY_ASKED,
    SUMMARY_PROBLEMS,
    SUMMARY_ALLERGIES,
    SUMMARY_MEDICINES,
    SUMMARY_VALUES,
    SUMMARY_FINDINGS,
    SUMMARY_DONE,
    SUMMARY_SECTION_COUNT
};
const char *summary_section_code(enum summary_section section);
const char *summary_section_title(enum summary_section section, const char *language);
const char *summary_notice(const char *language);

enum { SUMMARY_SOURCES_MAX = 4, SUMMARY_LINES_MAX = 160 };
struct summary_line {
    enum summary_section section;
    struct text ko, en;
    struct text sources[SUMMARY_SOURCES_MAX]; /* "Observation/1" */
    int source_count;
};
struct summary {
    struct text patient, encounter; /* references; encounter: the visit, none where there is none */
    struct summary_line *lines;     /* by section */
    size_t count;
    size_t left_out[SUMMARY_SECTION_COUNT]; /* further lines that the sheet has no room for */
};

/* What the sheet is made of: the newest first in each. */
enum summary_source {
    SUMMARY_ENCOUNTERS,
    SUMMARY_REQUESTS,
    SUMMARY_CONDITIONS,
    SUMMARY_ALLERGY_RECORDS,
    SUMMARY_STATEMENTS,
    SUMMARY_PRESCRIPTIONS,
    SUMMARY_OBSERVATIONS,
    SUMMARY_REPORTS,
    SUMMARY_PROCEDURES,
    SUMMARY_ADMINISTRATIONS,
    SUMMARY_SOURCE_COUNT
};
struct summary_record {
    struct text patient;            /* "Patient/1" */
    struct text encounter, request; /* wanted; none: the latest visit, all active requests */
    const yyjson_val **resources[SUMMARY_SOURCE_COUNT];
    size_t counts[SUMMARY_SOURCE_COUNT];
    const yyjson_val **medications; /* Medication resources that some of them refer to */
    size_t medication_count;
    int zone_minutes;
};
/* STATUS_UNPROCESSABLE where the visit or the request that is wanted is not among the patient's. */
MUST_CHECK enum status summary_of(struct summary *out, const struct summary_record *record, struct scope *scope);
/* Inside a visit: finds the resources. */
MUST_CHECK enum status summary_gather(
    struct summary_record *out, struct records_visit *visit, struct text patient_id, struct scope *scope);

struct summary_sentence {
    struct text text; /* without the numbers of its lines */
    struct text sources[SUMMARY_SOURCES_MAX * 2];
    int source_count;
};
struct summary_draft {
    struct summary_sentence *sentences;
    size_t count, dropped;
};
/* The lines as they are handed over: "[1] ...", one a row. */
struct text summary_numbered(const struct summary *summary, const char *language, struct scope *scope);
void summary_draft_check(struct summary_draft *out, const struct summary *summary, const char *language,
    struct text draft, struct scope *scope);

#endif
