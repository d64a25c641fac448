/* history: what the record tells of the time before this visit, for models that ask for it by the data set's own names of columns.
 *
 * Visits and stays: those that began in the 365 days before the moment. They are known only where the record holds at least one earlier
 * Encounter of the patient; else the columns are missing, not 0: a record that begins today is no proof of a life without hospitals.
 * Diseases: codes of ICD-10 (KCD has the same first characters) or SNOMED CT in the history, as the categories of the Clinical
 * Classifications Software of AHRQ that the set of Hong et al. 2018 names its columns by. A disease that is found is 1, one that is not is
 * missing. Not every category is mapped, and what the record cannot tell (counts of imaging, of operations) never is. */
#ifndef SOYANG_TRIAGE_HISTORY_H
#define SOYANG_TRIAGE_HISTORY_H

#include "triage/gather.h"

/* Fills facts->past. */
void history_gather(struct gather *gather);
/* One value a column; NaN: not known. NULL where there is no column. */
const double *history_columns(
    const struct triage_facts *facts, const struct text *columns, size_t count, struct arena *arena);

#endif
