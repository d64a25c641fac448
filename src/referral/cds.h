/* cds: CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0/) without HTTP: services, what a call brings with it, cards, feedback.
 *
 * A call's data are its prefetch; a key that is missing is read from this server's own record, where the patient is in it, else
 * the call fails with STATUS_PRECONDITION. The address and token of the caller's FHIR server are never used: nothing is fetched
 * from elsewhere. Every call is one audited visit. Private to referral; the entry points stand in referral.h. */
#ifndef SOYANG_REFERRAL_CDS_H
#define SOYANG_REFERRAL_CDS_H

#include "referral/service.h"

#define CDS_FEEDBACK_SYSTEM TRIAGE_BASE "/CodeSystem/cds-feedback"
#define CDS_OVERRIDE_SYSTEM TRIAGE_BASE "/CodeSystem/cds-override-reason"
#define CDS_CARD_SYSTEM TRIAGE_BASE "/NamingSystem/cds-card"
#define CDS_SUGGESTION_SYSTEM TRIAGE_BASE "/NamingSystem/cds-suggestion"

enum cds_hook { CDS_PATIENT_VIEW, CDS_ENCOUNTER_START, CDS_ORDER_SIGN };
struct cds_service {
    const char *id, *hook_name;
    enum cds_hook hook;
    const char *title, *description;
};
const struct cds_service *cds_service_find(struct text id); /* NULL: there is none */

/* What is fetched for each service: key, type and query template. */
struct cds_prefetch {
    const char *key, *type, *template, *sort; /* sort: of the own record's search; NULL: none */
    bool is_one;                              /* a resource, not a Bundle */
};
extern const struct cds_prefetch cds_prefetches[];
extern const size_t cds_prefetch_count;

/* One call as it goes on. */
struct cds_run {
    struct referral *referral;
    const struct referral_cds_call *call;
    const struct cds_service *service;
    const yyjson_val *request, *context;
    struct text patient_id, encounter_id; /* ids; encounter: none where the context names none */
    const struct region_snapshot *snapshot;
    const yyjson_val *bundle; /* what was prefetched and read, as one collection */
    struct triage_facts *facts;
    struct triage_reading reading;
    bool is_ours;     /* the patient is in this server's record, where the page finds them */
    bool has_reading; /* false: no visit is open, or nothing is known to read */
};

/* Inside the visit: the collection of prefetch and own record. */
MUST_CHECK enum status cds_collect(struct cds_run *run, struct records_visit *visit, struct scope *scope);
/* The answer {"cards": [...]}. */
MUST_CHECK enum status cds_write_cards(struct text *out, const struct cds_run *run, struct scope *scope);
bool cds_uuid_is_valid(struct text uuid);

#endif
