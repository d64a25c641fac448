/* unit: the inside of a unit of work: reads, guarded writes, preconditions. */
#ifndef SOYANG_RECORDS_UNIT_H
#define SOYANG_RECORDS_UNIT_H

#include "records/audit.h"
#include "records/body.h"
#include "records/service.h"

struct records_unit {
    struct records *records;
    struct store_unit *store;
    const struct records_caller *caller;
    struct audit_note *note;
    int guard_depth;
    struct local_reference *owed;    /* strict policy: must exist when the unit ends */
    struct local_reference *deleted; /* strict policy: nobody may refer to it when the unit ends */
};

enum write_kind { WRITE_CREATE, WRITE_UPDATE, WRITE_PATCH, WRITE_DELETE };

/* One change asked for by a client, with its preconditions. */
struct write {
    enum write_kind kind;
    fhir_type type;
    struct text id;
    enum store_id_origin origin;
    struct text if_match, if_none_match;
    struct draft draft; /* not of a deletion */
    /* how it went */
    bool created;
    uint32_t version; /* 0: nothing was there to delete */
    int64_t updated_us;
};
MUST_CHECK enum status write_apply(struct write *write, struct records_unit *unit, struct scope *scope);

/* What stands under an identity now. `body` is asked for where somebody will look at it. */
struct standing {
    bool known, exists; /* known and not existing: deleted */
    struct store_resource resource;
};
MUST_CHECK enum status unit_standing(struct standing *out, struct records_unit *unit, fhir_type type, struct text id,
    enum store_want want, struct scope *scope);
MUST_CHECK enum status unit_preconditions(
    const struct standing *standing, struct text if_match, struct text if_none_match, struct scope *scope);
/* Strict policy: every local reference that was written has its target, and nothing refers to what was deleted. */
MUST_CHECK enum status unit_finish(struct records_unit *unit, struct scope *scope);

/* Runs the guards of a type over a change; a replacement is checked and made into *draft. draft NULL: a deletion. */
bool guard_exists(const struct records *records, fhir_type type);
MUST_CHECK enum status guard_run(struct draft *draft, struct records_unit *unit, fhir_type type, struct text id,
    const yyjson_val *before, struct scope *scope);

#endif
