/* records: the FHIR interactions without HTTP; who may; guards; the timer; audit.
 *
 * Server, command line, referral and tests all come in here: there is no second way to a resource. Every call carries a
 * caller and leaves an audit row in the same durable commit as its effect (a read: before it is answered).
 *
 * Knows how interactions behave (https://hl7.org/fhir/R4/http.html), not how they travel.
 *
 * Threads. Everything may be called from any thread, except registering (before requests come) and an import (one thread at a
 * time). What waits (records_run, records_unit_run, records_visit_run, records_read, records_find, an import) is never called from inside a unit or a
 * `done`: it would wait for the thread it stands in. */
#ifndef SOYANG_RECORDS_H
#define SOYANG_RECORDS_H

#include "base/base.h"
#include "fhir/fhir.h"
#include "search/search.h"
#include "store/store.h"
#include "terminology/terminology.h"

struct records;

/* Limits. What passes one is refused by name. */
enum {
    RECORDS_BODY_BYTES_MAX = 128 * 1024 * 1024,    /* of a bundle */
    RECORDS_RESOURCE_BYTES_MAX = 48 * 1024 * 1024, /* the largest published example has 35 MB */
    RECORDS_ANSWER_BYTES_MAX = 256 * 1024 * 1024,
    RECORDS_BUNDLE_ENTRIES_MAX = 50000,
    RECORDS_GUARD_DEPTH_MAX = 8, /* guards that write what other guards see */
    RECORDS_DELETE_MAX = 1000,   /* of one deletion by query */
    RECORDS_PAGE_DEFAULT = 50,
    RECORDS_PAGE_MAX = 1000,
};

enum records_reference_policy {
    RECORDS_REFERENCES_LOOSE,
    RECORDS_REFERENCES_STRICT
}; /* plain references to absent resources */
/* What a deletion by query does when several match: refuse, or delete them all, at most RECORDS_DELETE_MAX. */
enum records_delete_policy { RECORDS_DELETE_ONE, RECORDS_DELETE_MANY };
/* Which interactions leave an audit row. Anything but ALL is for measuring, and whoever chooses it says so aloud. */
enum records_audit { RECORDS_AUDIT_ALL, RECORDS_AUDIT_WRITES, RECORDS_AUDIT_OFF };
struct records_config {
    struct store *store;
    struct search *search;           /* uploaded parameters are put into it */
    struct terminology *terminology; /* hears of what it keeps; NULL: $validate checks no codes */
    const struct clock *clock;
    struct text own_base; /* public base URL, e.g. http://127.0.0.1:8080/fhir */
    enum records_reference_policy references;
    enum records_delete_policy deletes;
    enum records_audit audit;
    int zone_minutes;
    size_t page_default, page_max; /* 0: RECORDS_PAGE_DEFAULT, RECORDS_PAGE_MAX */
};
MUST_CHECK enum status records_open(struct records **out, const struct records_config *config, struct scope *scope);
/* After everything submitted has called its `done`. Before the store is closed. Accepts NULL. */
void records_close(struct records *records);
struct store *records_store(struct records *records);
const struct clock *records_clock(const struct records *records);

/* ---- callers ------------------------------------------------------------------------------------------------------ */

/* Who asks, for whom, and why. All four are required: an empty one is STATUS_DENIED. `role` and `purpose` are codes:
 * role: primary-care, crew, receiving, control-room, planner, researcher, administrator, system;
 * purpose (HL7 v3 PurposeOfUse): TREAT, ETREAT, HOPERAT, HRESCH, HSYSADMIN, PUBHLTH, PATRQT. */
struct records_caller {
    struct text who;          /* "Practitioner/123", "Device/soyang" */
    struct text organisation; /* "Organization/A2200013" */
    struct text role, purpose;
};

/* ---- interactions -------------------------------------------------------------------------------------------------- */

enum records_interaction {
    RECORDS_READ,
    RECORDS_VREAD,
    RECORDS_CREATE,
    RECORDS_UPDATE,
    RECORDS_DELETE,
    RECORDS_HISTORY_INSTANCE,
    RECORDS_HISTORY_TYPE,
    RECORDS_HISTORY_SYSTEM,
    RECORDS_SEARCH,
    RECORDS_BUNDLE,
    RECORDS_PATCH,
    RECORDS_OPERATION,
};
/* What a write sends back of what it wrote (Prefer: return=). Unsaid: the resource; in a bundle nothing. */
enum records_return {
    RECORDS_RETURN_UNSAID,
    RECORDS_RETURN_MINIMAL,
    RECORDS_RETURN_REPRESENTATION,
    RECORDS_RETURN_OUTCOME
};
struct records_request {
    enum records_interaction interaction;
    struct records_caller caller;
    fhir_type type;
    struct text id, version;   /* version: vread */
    struct text body;          /* create, update, bundle, patch */
    struct text if_match;      /* W/"3" or 3 */
    struct text if_none_match; /* read: an ETag; update: "*" makes only what is not there */
    struct text if_none_exist; /* conditional create: the query */
    struct text if_modified_since;
    const struct search_pair *pairs; /* search, conditional update/delete/patch, history; read: _summary, _elements */
    size_t pair_count;
    bool is_conditional; /* update, delete, patch by query instead of id */
    struct {
        fhir_type type;
        struct text id;
    } compartment;
    enum search_handling handling;
    struct text patch_format;       /* "application/json-patch+json" or a FHIRPath Patch type */
    enum records_return returns;    /* of the entries of a bundle */
    struct text base;               /* of the links in the answer, as the caller knows this server; none: own_base */
    const struct search_pair *form; /* `_format`, `_pretty`: the links of the answer keep them */
    size_t form_count;
    struct text
        operation; /* "everything"; its level is told by type, id and version; body: Parameters, a resource or none */
};
struct records_answer {
    enum status status;
    bool created;      /* 201 */
    bool not_modified; /* 304 */
    struct text body;  /* a resource or Bundle as JSON; none when there is none (delete) */
    fhir_type type;
    struct text id;   /* with version: for ETag and Location */
    uint32_t version; /* 0: not versioned */
    int64_t updated_us;
    struct text hints; /* RECORDS_RETURN_OUTCOME of what was written: an OperationOutcome; may be none */
};
/* Starts an interaction. `done` is called once, from this or a store thread, when all of it is durable, the audit row too;
 * then `answer` is filled (its texts live in scope->arena) and, unless its status is STATUS_OK, the issues are in scope.
 * Call it outside scope_run: it guards its own preparation, and from its return until `done` scope and arena belong to the store. */
typedef void records_done(void *context);
void records_submit(struct records_answer *answer, struct records *records, const struct records_request *request,
    records_done *done, void *context, struct scope *scope);
/* The same, waiting. Returns answer->status. */
MUST_CHECK enum status records_run(
    struct records_answer *answer, struct records *records, const struct records_request *request, struct scope *scope);

/* ---- operations ---------------------------------------------------------------------------------------------------- */

/* FHIR operations ("$everything"): one table, from which requests, batches and the capability statement are served. Some rows are
 * built in; upper modules add theirs. */
enum records_operation_level {
    RECORDS_AT_SYSTEM = 1,
    RECORDS_AT_TYPE = 2,
    RECORDS_AT_INSTANCE = 4,
    RECORDS_AT_VERSION = 8
};
enum records_operation_effect { RECORDS_OPERATION_READS /* GET will do */, RECORDS_OPERATION_WRITES };
struct records_operation_call {
    const struct records_caller *caller;
    fhir_type type; /* NONE: at the system */
    struct text id, version;
    struct text body; /* none, when called by GET */
    const struct search_pair *pairs;
    size_t pair_count;
};
/* Answers with JSON. May wait: it runs in a worker. */
typedef enum status records_operation_run(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope);
struct records_operation {
    const char *name, *type; /* without the dollar; type NULL: any */
    unsigned levels;
    enum records_operation_effect effect;
    const char *definition;     /* canonical of its OperationDefinition */
    records_operation_run *run; /* NULL: built in, served by RECORDS_OPERATION without waiting */
    void *context;
};
void records_operation_register(
    struct records *records, const struct records_operation *operation); /* copied; its texts are kept */
/* At the level told by type (NONE: the system), id and version; NULL when there is none such. */
const struct records_operation *records_operation_find(
    const struct records *records, struct text name, fhir_type type, struct text id, struct text version);
/* STATUS_NOT_FOUND, with the places where one of this name is called. */
enum status records_operation_missing(
    const struct records *records, struct text name, const char *path, struct scope *scope);
/* Runs one with a `run`, for the request that names it. */
MUST_CHECK enum status records_operation_answer(struct text *out, const struct records_operation *operation,
    const struct records_request *request, struct scope *scope);

/* ---- guards and units of upper modules ----------------------------------------------------------------------------- */

/* The inside of a unit, for guards, due handlers and operations: reads and writes that see the unit so far. */
struct records_unit;
int64_t records_unit_time_us(const struct records_unit *unit);
struct store_unit *records_unit_store(struct records_unit *unit); /* claims, due times */
const struct records_caller *records_unit_caller(const struct records_unit *unit);
/* The current resource, parsed, with id and meta; STATUS_NOT_FOUND (also when deleted) without an issue. */
MUST_CHECK enum status records_unit_get(
    const yyjson_val **out, struct records_unit *unit, fhir_type type, struct text id, struct scope *scope);
/* Writes a whole resource (id inside it, or a new one made when absent): checks, extracts, runs the guards of its type.
 * *id_out, where not NULL, is its id. */
MUST_CHECK enum status records_unit_put(
    struct text *id_out, struct records_unit *unit, struct text resource, struct scope *scope);
/* Deletes, with the guards of its type; what is not there is STATUS_OK. */
MUST_CHECK enum status records_unit_delete(
    struct records_unit *unit, fhir_type type, struct text id, struct scope *scope);
/* Only filters (no _sort, no _include); at most `limit` resources, in no particular order. */
MUST_CHECK enum status records_unit_search(const yyjson_val ***out, size_t *count_out, struct records_unit *unit,
    fhir_type type, const struct search_pair *pairs, size_t pair_count, size_t limit, struct scope *scope);

/* Runs `work` as one unit for `caller`, waiting for the durable end. `what` names it in the audit row ("$send"). */
typedef enum status records_work(void *context, struct records_unit *unit, struct scope *scope);
MUST_CHECK enum status records_unit_run(struct records *records, const struct records_caller *caller, const char *what,
    records_work *work, void *context, struct scope *scope);
/* The same without waiting: `done` as with records_submit; *status_out is set before it. */
void records_unit_submit(enum status *status_out, struct records *records, const struct records_caller *caller,
    const char *what, records_work *work, void *work_context, records_done *done, void *done_context,
    struct scope *scope);

/* A guard sees every change of its resource type on every path in (create, update, patch, delete, bundle, conditional,
 * import, units) inside the unit, before it is written. It may refuse, read, claim, set due times and write other resources.
 * `before` and `after` are NULL for creation and deletion. It may replace what is written: *replacement, none by default. */
struct records_change {
    struct records_unit *unit;
    fhir_type type;
    struct text id;
    const yyjson_val *before, *after;
    struct text replacement;
};
typedef enum status records_guard(void *context, struct records_change *change, struct scope *scope);
void records_guard_register(struct records *records, fhir_type type, records_guard *guard, void *context);

/* Due times: the handler runs in a unit of its own, as the caller "system", when `key` of `owner` is due; it must clear or
 * move the due time, or invariant_broken follows: something happens at every deadline. */
typedef enum status records_due_handler(
    void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope);
void records_due_register(struct records *records, const char *owner, records_due_handler *handler, void *context);
/* Starts the timer thread; before it, nothing falls due. Deadlines missed while the process was down fall due at once. */
MUST_CHECK enum status records_timer_start(struct records *records, struct scope *scope);
void records_timer_stop(struct records *records);

/* A small named value of an upper module as it is committed; none when there is none. Inside units: store_unit_note. */
MUST_CHECK enum status records_note(struct text *out, struct records *records, struct text name, struct scope *scope);
uint64_t records_sequence(const struct records *records); /* of the last committed unit */

/* ---- reading for upper modules -------------------------------------------------------------------------------------- */

/* Reads for a caller, audited as one row for the whole call, waiting for it. Parsed, with id and meta. */
MUST_CHECK enum status records_read(const yyjson_val **out, struct records *records,
    const struct records_caller *caller, fhir_type type, struct text id, struct scope *scope);
MUST_CHECK enum status records_find(const yyjson_val ***out, size_t *count_out, struct records *records,
    const struct records_caller *caller, fhir_type type, const struct search_pair *pairs, size_t pair_count,
    size_t limit, struct scope *scope);

/* A visit: first reads, as of one moment, in the caller's thread; then what follows from them, as a unit; waiting for the durable end.
 * All of it leaves one audit row, in the unit's commit. `work` NULL: it only reads. Where `look` fails nothing is written but the
 * row that says so. */
struct records_visit;
typedef enum status records_look(void *context, struct records_visit *visit, struct scope *scope);
MUST_CHECK enum status records_visit_run(struct records *records, const struct records_caller *caller, const char *what,
    records_look *look, records_work *work, void *context, struct scope *scope);
/* Inside `look`. The current resource, parsed, with id and meta; STATUS_NOT_FOUND (also when deleted) without an issue. */
MUST_CHECK enum status records_visit_get(
    const yyjson_val **out, struct records_visit *visit, fhir_type type, struct text id, struct scope *scope);
MUST_CHECK enum status records_visit_find(const yyjson_val ***out, size_t *count_out, struct records_visit *visit,
    fhir_type type, const struct search_pair *pairs, size_t pair_count, size_t limit, struct scope *scope);

/* ---- import ---------------------------------------------------------------------------------------------------------- */

/* Loads many resources fast: `feed` each document (a resource, or a Bundle of them with ids), then `close`. Guards run.
 * A fault in one names its position and stops the import; what was committed stays. */
struct records_import;
MUST_CHECK enum status records_import_open(
    struct records_import **out, struct records *records, const struct records_caller *caller, struct scope *scope);
MUST_CHECK enum status records_import_feed(struct records_import *import, struct text document, struct scope *scope);
MUST_CHECK enum status records_import_close(uint64_t *count_out, struct records_import *import, struct scope *scope);

/* The capability statement's rest part, made from the tables that serve it: writes the members `resource`, `interaction`,
 * `searchParam`, `operation` and `compartment` into the open object of an element of `rest`. What travels is the caller's to say. */
enum { RECORDS_CODES_MAX = 16 };
struct records_served {
    const char *type_interactions[RECORDS_CODES_MAX], *system_interactions[RECORDS_CODES_MAX]; /* NULL after the last */
    bool updates_by_query, deletes_by_query, creates_unless_there;
};
MUST_CHECK enum status records_capabilities(
    struct json_writer *w, struct records *records, const struct records_served *served, struct scope *scope);
/* The same of a TerminologyCapabilities; STATUS_UNSUPPORTED where there is no terminology. */
MUST_CHECK enum status records_terminology_capabilities(
    struct json_writer *w, struct records *records, struct scope *scope);
enum records_audit records_audit_of(const struct records *records);

#endif
