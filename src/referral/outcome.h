/* outcome: what one Encounter tells of how a visit ended. Pure. Private to this module.
 *
 * A stay is the class, or a class of classHistory, IMP, ACUTE or NONAC (v3-ActCode). How a finished visit that was none ended stands in
 * hospitalization.dischargeDisposition. Intensive care stands where the patient lay: Encounter.location with a Location whose type is
 * ICU, PEDICU or PEDNICU (v3-RoleCode), or the same as its physicalType. It is denied only by a finished visit that went home, or by a
 * finished stay of whose every location the kind is known. Whatever else: not told. */
#ifndef SOYANG_REFERRAL_OUTCOME_H
#define SOYANG_REFERRAL_OUTCOME_H

#include "triage/triage.h"

enum outcome { OUTCOME_NOT_TOLD, OUTCOME_NO, OUTCOME_YES };
enum outcome_unit { OUTCOME_UNIT_UNKNOWN, OUTCOME_UNIT_OTHER, OUTCOME_UNIT_INTENSIVE };

struct outcome_place {
    struct text id; /* of a Location */
    enum outcome_unit unit;
};
struct outcome_places {
    struct outcome_place *at;
    size_t count;
};
enum outcome_unit outcome_unit_of(const yyjson_val *concept); /* of a type or physicalType */
/* `forecast`: "disposition" (admitted, transferred, died), "admission" or "intensive-care". */
enum outcome outcome_of(const yyjson_val *encounter, const struct outcome_places *places, struct text forecast);
/* The Location's id; none. */
struct text outcome_location(const yyjson_val *entry);
int outcome_priority(const yyjson_val *encounter); /* the human's level that stands in Encounter.priority; 0: none */

#endif
