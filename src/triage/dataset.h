/* dataset: rows of the three public data sets → facts and a visit. The batch and the trainer read them here, so that a model sees
 * the same inputs in both.
 *
 * ktas    Moon SH et al. PLoS ONE 2019;14:e0216972 (data set on Kaggle): `;` or `,` between cells, decimal commas, "#BO…" where no
 *         pain was scored. Codes as its data dictionary has them: Sex 1 female 2 male; Arrival mode 1 walking, 2 public and
 *         4 private ambulance, 3 private vehicle, 5-7 other; Injury 1 no 2 yes; Mental 1 alert 2 voice 3 pain 4 unresponsive.
 * nhamcs  National Hospital Ambulatory Medical Care Survey, emergency departments, public use files (NCHS): AGE in years; SEX
 *         1 female 2 male; ARREMS 1 yes 2 no; TEMPF in degrees or tenths of a degree Fahrenheit; negative codes (-9 blank,
 *         -8 unknown, -7 not applicable) are missing; 998 in PULSE, BPSYS or BPDIAS (Doppler, palpated) is missing. RFV1, a
 *         code, is the complaint, as words (dataset_words.c).
 * yale    Hong WS, Haimovich AD, Taylor RA. PLoS ONE 2018;13:e0201016: gender, arrivalmode, triage_vital_*, Fahrenheit. The
 *         columns cc_* that hold more than 0 are the complaint, as words. dep_name is the hospital: no input, but it says which
 *         calibration is the visit's own.
 *
 * Columns are found by name, in any order, without regard to case and signs. Only those that are listed here or named by a model
 * are looked at; what is known only after triage (and, for yale, ESI and medicines) never is: dataset_forbids. A cell that holds no
 * possible value is missing, with a note. */
#ifndef SOYANG_TRIAGE_DATASET_H
#define SOYANG_TRIAGE_DATASET_H

#include "triage/features.h"

struct dataset;
/* `columns`: what a model's "column:NAME" inputs want. NAME is a header's name, or "header=value": 1 where the cell says value, else
 * 0; or "header~profile": what visits for the reason in the cell are like; for yale "cc~profile", the mean of its complaints'. One that
 * the file lacks is missing in every row, with a note. STATUS_INVALID for one that is forbidden, for a profile that there is not, for
 * a header that is not UTF-8, without an age and without a vital sign, and for a name that is looked at and stands there twice. */
MUST_CHECK enum status dataset_open(struct dataset **out, enum triage_batch_format format, struct text header,
    const struct text *columns, size_t column_count, struct arena *arena, struct scope *scope);
bool dataset_forbids(enum triage_batch_format format, struct text column);

struct dataset_row {
    struct triage_facts *facts; /* checked, unless nothing_known */
    struct visit visit;         /* of the facts, and what facts do not hold: arrival, crowd, columns */
    bool nothing_known;         /* neither a complaint, nor a vital sign, nor a human's level */
};
/* Never fails for what a cell holds. Everything lives in scope->arena. */
MUST_CHECK enum status dataset_read(
    struct dataset_row *out, struct dataset *dataset, struct text line, struct scope *scope);
const struct triage_batch_note *dataset_notes(const struct dataset *dataset, size_t *count);
/* A complaint's column without its "cc_", letters and digits alone, as words; "" for one that says nothing. */
const char *dataset_column_words(const char *plain_name);
/* A reason for visit as words; NULL for a code that is not told here. */
const char *dataset_reason_words(int code);
/* What visits for a reason, or with a complaint, are like when they come: means over earlier visits, without any outcome
 * (dataset_reasons.c). A place among them by name; -1 for none. */
enum { DATASET_COMPLAINT_PROFILES = 10 };
int dataset_reason_profile_find(struct text name);
int dataset_complaint_profile_find(struct text name);
/* NaN where `code` is no reason. */
double dataset_reason_profile(double code, int profile);
/* [DATASET_COMPLAINT_PROFILES]; of all visits where the complaint is rare. `plain_name` as above. */
const double *dataset_complaint_profile(const char *plain_name);
/* Cells of a line: quotes are taken off, doubled ones made single. */
size_t dataset_cells(struct text *out, size_t room, struct text line, char separator, struct arena *arena);
/* A line's quotes, and how many cells it has. */
struct dataset_quotes {
    bool open; /* one is not closed at the line's end */
    bool odd;  /* something stands between a closing one and the next cell */
};
struct dataset_quotes dataset_quotes(size_t *count, struct text line, char separator);
char dataset_separator(enum triage_batch_format format, struct text header);

#endif
