/* terminology: code systems, value sets and concept maps: those of the R4 definitions, carried in the program as read-only
 * tables, and those uploaded into the record.
 *
 * Knows what a code means as far as it has its code system. What it has not (SNOMED CT, LOINC) it says it does not know: it
 * never guesses. Refuses to know HTTP, callers and audit: `records` and `server` stand above.
 *
 * Uploaded resources are found by canonical URL and version; without a version the latest is taken: active before draft before
 * retired, then the greater version, then the later change. An uploaded one goes before a built-in one of the same URL. They
 * are compiled on first use and kept, up to a bound; `terminology_note_change` says that one of them changed.
 *
 * Results live in scope->arena, or for as long as it does.
 *
 * Threads. A `struct terminology` may be shared. Reading what changed opens a view of the store, so that nothing uncommitted
 * is seen. */
#ifndef SOYANG_TERMINOLOGY_H
#define SOYANG_TERMINOLOGY_H

#include "base/base.h"
#include "fhir/fhir.h"
#include "fhirpath/fhirpath.h"
#include "store/store.h"

/* Limits. What passes one is refused by name (too-costly). */
enum {
    TERMINOLOGY_EXPANSION_MAX = 50000,    /* codes of an expansion, before paging */
    TERMINOLOGY_VISITS_MAX = 2000000,     /* codes looked at for one question */
    TERMINOLOGY_IMPORT_DEPTH_MAX = 32,    /* value sets that import value sets */
    TERMINOLOGY_CONCEPTS_MAX = 1000000,   /* of one uploaded code system */
    TERMINOLOGY_KEPT_BYTES_MAX = 64 << 20 /* of compiled uploads that nobody holds */
};

struct terminology;
struct terminology_config {
    struct store *store;       /* where uploads are; NULL: the built-in ones alone */
    const struct clock *clock; /* dates expansions; NULL: the system's time */
};
MUST_CHECK enum status terminology_open(
    struct terminology **out, const struct terminology_config *config, struct scope *scope);
void terminology_close(struct terminology *terminology); /* accepts NULL */

/* Types whose changes it must hear of: CodeSystem, ValueSet, ConceptMap. */
bool terminology_keeps(fhir_type type);
/* Called inside the unit that changes (type, id), with its sequence number. Cheap; allocates nothing from an arena. */
void terminology_note_change(struct terminology *terminology, fhir_type type, struct text id, uint64_t sequence);

/* ---- codes ------------------------------------------------------------------------------------------------------ */

/* What is not said is none. */
struct terminology_coding {
    struct text system, version, code, display;
};

enum terminology_verdict {
    TERMINOLOGY_NO,
    TERMINOLOGY_YES,
    TERMINOLOGY_UNKNOWN, /* cannot be said: a value set or a code system that is needed is not known here */
};

/* A canonical "url", "url|version", "ValueSet/id", or an implicit one: "system?fhir_vs", "system?fhir_vs=isa/CODE". */
struct terminology_answer {
    enum terminology_verdict verdict;
    struct text display; /* what the code is called, where known */
    struct text system;  /* of the code, also where it was inferred */
    struct text missing; /* UNKNOWN: the canonical that is not known here */
    struct text
        message; /* why not; or a hint beside a yes; none: nothing to say. Holds no patient's value but codes. */
};
enum terminology_rule { TERMINOLOGY_CODING, TERMINOLOGY_CODE_ALONE /* system none: inferred from the value set */ };
/* Is the coding in the value set? A display that is given must be one of the code's. Abstract codes are in it. STATUS_OK
 * also for UNKNOWN; other statuses are what failed (a cycle of imports, a limit). */
MUST_CHECK enum status terminology_validate(struct terminology_answer *out, struct terminology *terminology,
    struct text value_set, const struct terminology_coding *coding, enum terminology_rule rule, struct scope *scope);

/* The callback of fhirpath_environment; `context` is the struct terminology. Codes, Codings, CodeableConcepts, Quantities'
 * units and strings. */
enum status terminology_member_of(bool *out, bool *known, void *context, const struct fhirpath_item *code,
    struct text value_set, struct scope *scope);

/* ---- for search ------------------------------------------------------------------------------------------------- */

/* The codes of a value set; and systems that are in it whole without their codes being known here. */
struct terminology_codes {
    struct terminology_coding *at;
    size_t count;
    struct text *whole_systems;
    size_t whole_count;
};
/* STATUS_NOT_FOUND, naming it, when the value set or a code system that is needed is not known. */
MUST_CHECK enum status terminology_codes(
    struct terminology_codes *out, struct terminology *terminology, struct text value_set, struct scope *scope);
enum terminology_direction { TERMINOLOGY_BELOW, TERMINOLOGY_ABOVE };
/* The code and what it subsumes, or what subsumes it. STATUS_NOT_FOUND when the system or the code is not known. */
MUST_CHECK enum status terminology_relatives(struct terminology_codes *out, struct terminology *terminology,
    const struct terminology_coding *coding, enum terminology_direction direction, struct scope *scope);

/* ---- operations ------------------------------------------------------------------------------------------------- */

/* FHIR's own operations, by table: $expand, $validate-code, $lookup, $subsumes, $translate. */
struct terminology_operation {
    const char *name;       /* "expand" */
    const char *type;       /* "ValueSet" */
    const char *definition; /* canonical of the OperationDefinition */
    bool on_type, on_instance;
};
size_t terminology_operation_count(void);
const struct terminology_operation *terminology_operation_at(size_t index);
/* `name` without the dollar; NULL when there is none such. */
const struct terminology_operation *terminology_operation_find(fhir_type type, struct text name, bool is_instance);

struct terminology_pair {
    struct text name, value;
};
struct terminology_call {
    const struct terminology_operation *operation;
    struct text id;   /* of the instance; none: type level */
    struct text body; /* Parameters, or the resource itself; none: GET */
    const struct terminology_pair *pairs;
    size_t pair_count;
};
/* The result as JSON: Parameters, or the expanded ValueSet. */
MUST_CHECK enum status terminology_run(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope);

/* What a TerminologyCapabilities claims: writes `lockedDate`, `codeSystem`, `expansion`, `codeSearch`, `validateCode` and
 * `translation` into an open object. Filters and properties are named of the built-in systems only. */
MUST_CHECK enum status terminology_write_capabilities(
    struct json_writer *w, struct terminology *terminology, struct scope *scope);

/* For capability statements: how many are built in. */
struct terminology_figures {
    size_t systems, concepts, value_sets, maps;
};
void terminology_builtin_figures(struct terminology_figures *out);

#endif
