/* inquiry: one question's work: what was given beside it, what it has found so far, how much it has looked at. */
#ifndef SOYANG_TERMINOLOGY_INQUIRY_H
#define SOYANG_TERMINOLOGY_INQUIRY_H

#include "terminology/shelf.h"

enum { INQUIRY_GIVEN_MAX = 16, INQUIRY_FOUND_MAX = 32, INQUIRY_SELECTIONS_MAX = 32 };

struct selection;
struct import_note;

/* Which version of a code system: system-version where nothing else is said, force-system-version whatever is said,
 * check-system-version refuses others. */
enum inquiry_version_kind { INQUIRY_VERSION_DEFAULT, INQUIRY_VERSION_CHECK, INQUIRY_VERSION_FORCE };
struct inquiry_version {
    enum inquiry_version_kind kind;
    struct text system, version;
};

struct inquiry_found {
    enum shelf_kind kind;
    struct text url, version;
    enum status status;
    struct shelf_ref ref;
};

struct inquiry {
    struct terminology *terminology;
    struct scope *scope;
    struct {
        enum shelf_kind kind;
        struct shelf_ref ref;
    } given[INQUIRY_GIVEN_MAX]; /* resources that came with the question: they go before all others */
    size_t given_count;
    const struct inquiry_version *versions;
    size_t version_count;
    struct text language; /* of displays; none: as they are */
    struct inquiry_found found[INQUIRY_FOUND_MAX];
    size_t found_count;
    struct {
        const struct include_row *include;
        const struct system_row *system;
        const struct selection *selection;
    } selections[INQUIRY_SELECTIONS_MAX]; /* filters made ready: they are asked again and again */
    size_t selection_count;
    struct import_note *notes; /* of value sets that were met; by imports.h */
    size_t note_slots, note_count;
    struct terminology_coding asked; /* the code that opinions are about, and how many were before it */
    uint64_t turn;
    uint64_t walks; /* begun through value sets and what they import */
    size_t visits;
    struct text missing; /* the canonical last looked for in vain */
};

/* A resource that came with the question. */
MUST_CHECK enum status inquiry_give(
    struct shelf_ref *out, struct inquiry *inquiry, enum shelf_kind kind, const yyjson_val *resource);

/* STATUS_NOT_FOUND without an issue, and then `missing` names it. */
MUST_CHECK enum status inquiry_system(
    struct shelf_ref *out, struct inquiry *inquiry, struct text url, struct text version);
/* A canonical with or without version, "ValueSet/id", "system?fhir_vs...", the value set of all codes of a system. */
MUST_CHECK enum status inquiry_value_set(struct shelf_ref *out, struct inquiry *inquiry, struct text canonical);
MUST_CHECK enum status inquiry_map(struct shelf_ref *out, struct inquiry *inquiry, struct text canonical);
/* Says that `missing` is not known here. */
enum status inquiry_fault_missing(struct inquiry *inquiry, const char *what);

/* Counts one more code that was looked at. */
MUST_CHECK enum status inquiry_visit(struct inquiry *inquiry);

#endif
