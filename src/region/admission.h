/* admission: what an HL7 v2 ADT message says of occupancy, carried into the record. Private to region.
 *
 *     A01 admit          a bed of the ward in PV1-3 is taken
 *     A02 transfer       the bed before is free, one of the ward in PV1-3 is taken
 *     A03 discharge      the bed is free
 *     A08 update         nothing of occupancy
 *     A11 cancel admit   as if it had not been
 *     A12 cancel transfer, A13 cancel discharge   back to where the visit was
 *
 * A visit is an Encounter of its own, known by sending facility (MSH-4, the place's id) and visit number (PV1-19), of which a hash is kept:
 * nothing of PID is. Wards are Locations with the identifier point-of-care, "PLACE/CODE". One message is one unit: visit, counts, claim.
 *
 * A count follows: free less or more by one from what was last typed, said now by Device/mllp. What happened before the count was last typed
 * is in it already and moves nothing. A kind without a known count stays unknown: occupancy alone tells no free beds.
 *
 * Idempotent by MSH-3, MSH-4 and MSH-10: the same message again is accepted and changes nothing; another one under the same id is
 * refused. An id is remembered for 7 days. */
#ifndef SOYANG_REGION_ADMISSION_H
#define SOYANG_REGION_ADMISSION_H

#include "region/hl7.h"
#include "region/keeper.h"

#define DUE_MESSAGE "region.message"
enum status admission_forget(
    void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope);

#endif
