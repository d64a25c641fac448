/* validate: does a resource obey R4's own rules, and those of profiles?
 *
 * `fhir` says what a resource may be made of; this module adds what needs more than the tables of types: invariants, value
 * sets, references' targets, extensions' definitions, and profiles (StructureDefinitions) with slicing. What R4 itself publishes
 * (constraints and bindings of every type, its extensions, its derived profiles) is built in; other definitions, codes and
 * referenced resources come through the environment's callbacks. Knows no store and no HTTP.
 *
 * A wrong resource is no fault of the call: what is wrong stands in the report. A fault is what kept it from being checked.
 * Texts name paths, rules and definitions; never a value of the resource.
 *
 * Threads. A validator is immutable once open and may be shared. A report lives in the scope's arena. */
#ifndef SOYANG_VALIDATE_H
#define SOYANG_VALIDATE_H

#include "base/base.h"
#include "fhir/fhir.h"
#include "terminology/terminology.h"

/* Limits. Past one, the report says which. */
enum {
    VALIDATE_ISSUES_MAX = 300,     /* of a report, of each severity; further ones are counted */
    VALIDATE_PROFILES_MAX = 64,    /* asked for in one request */
    VALIDATE_CHAIN_MAX = 16,       /* profiles derived from profiles; profiles asked for by profiles */
    VALIDATE_ELEMENTS_MAX = 20000, /* of one profile */
    VALIDATE_STEPS_MAX = 2000000,  /* of one invariant on one element */
    VALIDATE_INVARIANT_BYTES_MAX = 64 * 1024 * 1024,
};

/* ---- the report --------------------------------------------------------------------------------------------------- */

enum validate_severity { VALIDATE_ERROR, VALIDATE_WARNING, VALIDATE_INFORMATION };

struct validate_issue {
    struct validate_issue *next;
    enum validate_severity severity;
    const char *code;    /* OperationOutcome.issue.code: structure, required, value, invariant, code-invalid, ... */
    const char *path;    /* Bundle.entry[0].resource.name[1].family */
    const char *key;     /* of a constraint, "pat-1"; else NULL */
    const char *profile; /* canonical URL of the profile that says so; NULL: R4 itself */
    const char *text;
};
struct validate_report {
    struct validate_issue *first, *last;
    int errors, warnings, informations; /* all, kept or not */
};
/* For what the caller itself finds. The issue's texts are copied. */
void validate_report_add(struct validate_report *report, const struct validate_issue *issue, struct arena *arena);
/* The OperationOutcome of a report. Without issues it says that there are none. */
void validate_write_outcome(struct json_writer *w, const struct validate_report *report);

/* ---- what comes from outside ---------------------------------------------------------------------------------------- */

struct validate_coding {
    struct text system, code; /* no system: a plain code, whose system the value set tells */
};
enum validate_membership {
    VALIDATE_MEMBER,
    VALIDATE_NO_MEMBER,
    VALIDATE_UNKNOWN_VALUE_SET, /* not known, or it cannot be expanded here */
    VALIDATE_UNKNOWN_SYSTEM,    /* the value set takes codes of a system whose content is not here */
};
struct validate_environment {
    /* The StructureDefinition of a canonical URL, the latest version where `version` is none; *out NULL when there is none.
     * Asked before what is built in. May be NULL. */
    enum status (*find_definition)(
        const yyjson_val **out, void *context, struct text url, struct text version, struct scope *scope);
    /* NULL: bindings are not checked, and the report says so once. */
    enum status (*check_code)(enum validate_membership *out, void *context, const struct validate_coding *coding,
        struct text value_set, struct scope *scope);
    /* The resource that a reference names, parsed; *out NULL when unknown. What is contained, or in the same Bundle, is found
     * without it. May be NULL. */
    enum status (*resolve)(const yyjson_val **out, void *context, struct text reference, struct scope *scope);
    void *context;
    struct text own_base; /* the server's public base URL */
    int64_t now_us;
    int zone_minutes;
};

/* For check_code, by the terminology module. */
MUST_CHECK enum status validate_ask_terminology(enum validate_membership *out, struct terminology *terminology,
    const struct validate_coding *coding, struct text value_set, struct scope *scope);

/* ---- checking ------------------------------------------------------------------------------------------------------- */

struct validate;
/* Compiles R4's own invariants. Once in a process. */
MUST_CHECK enum status validate_open(struct validate **out, struct scope *scope);
void validate_close(struct validate *validate); /* accepts NULL */

enum validate_mode { VALIDATE_AS_IT_IS, VALIDATE_FOR_CREATE, VALIDATE_FOR_UPDATE };
struct validate_request {
    const yyjson_val *resource;
    const struct text *profiles; /* canonical URLs, |version allowed: the resource shall conform to each */
    size_t profile_count;
    bool ignores_declared; /* do not look at meta.profile */
    enum validate_mode mode;
    struct text id; /* for update: the id it shall have; may be none */
};
/* STATUS_OK with the report, however bad the resource is. STATUS_TOO_COSTLY when the scope's deadline passes. */
MUST_CHECK enum status validate_resource(struct validate_report *out, const struct validate *validate,
    const struct validate_request *request, const struct validate_environment *environment, struct scope *scope);

/* ---- profiles ------------------------------------------------------------------------------------------------------- */

/* A compiled StructureDefinition: the tree of what it asks beyond R4. From its snapshot, or, where there is none, from its
 * differential laid over its base. Lives in the scope's arena, and as long as the definition, of which it holds slices. */
struct validate_profile;
/* STATUS_INVALID or STATUS_UNSUPPORTED with the element's id when the definition cannot be used; STATUS_NOT_FOUND when a base is
 * not known. */
MUST_CHECK enum status validate_profile_compile(const struct validate_profile **out, const struct validate *validate,
    const yyjson_val *definition, const struct validate_environment *environment, struct scope *scope);
const char *validate_profile_url(const struct validate_profile *profile);
fhir_type validate_profile_type(const struct validate_profile *profile);

/* The StructureDefinitions that R4 publishes and this module holds (extensions, derived profiles), by URL; NULL when it has none of
 * that name. The types' own are not among them: `fhir` is these. */
struct text validate_published_definition(struct text url);

#endif
