/* silent: what the models said at a site where they are silent. It is kept as a note of the store under the id of its RiskAssessment: no
 * FHIR interaction reads notes, so that nobody who treats the patient sees it. It holds levels, probabilities and models' hashes, no
 * patient. With the RiskAssessment it goes. Private to this module. */
#ifndef SOYANG_REFERRAL_SILENT_H
#define SOYANG_REFERRAL_SILENT_H

#include "referral/service.h"

/* Within the unit that writes the RiskAssessment; nothing where the reading was not silent. */
MUST_CHECK enum status silent_keep(
    const struct triage_reading *reading, struct records_unit *unit, struct text assessment, struct scope *scope);
/* As triage_write_silent wrote it; NULL where there is none. */
MUST_CHECK enum status silent_read(
    const yyjson_val **out, struct referral *referral, struct text assessment, struct scope *scope);
enum status guard_assessment(void *context, struct records_change *change, struct scope *scope);

#endif
