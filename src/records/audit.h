/* audit: the compact row that every unit of work and every read leaves behind.
 *
 * A row says who, for whom, in what role, for what purpose, did what, with which resources, and how it ended. It holds names
 * of search parameters and identities of resources, never a value of either. docs/records.md lists its members. */
#ifndef SOYANG_RECORDS_AUDIT_H
#define SOYANG_RECORDS_AUDIT_H

#include "records/records.h"

enum { AUDIT_REFERENCES_MAX = 256, AUDIT_NAMES_MAX = 32, AUDIT_NAME_BYTES_MAX = 96, AUDIT_ROW_BYTES_MAX = 64 * 1024 };

struct audit_reference {
    struct audit_reference *next;
    fhir_type type;
    struct text id;
};

/* What is gathered while an operation runs. Lives in the operation's arena. */
struct audit_note {
    const char *what;
    fhir_type type;
    const struct search_pair *pairs; /* of these only the names are written */
    size_t pair_count;
    struct audit_reference *first, *last;
    size_t kept, count; /* references kept (at most AUDIT_REFERENCES_MAX), and all */
};

void audit_note_add(struct audit_note *note, struct arena *arena, fhir_type type, struct text id);
/* Forgets the references, for an attempt that is undone. */
void audit_note_clear(struct audit_note *note);
MUST_CHECK enum status audit_row(struct text *out, const struct audit_note *note, const struct records_caller *caller,
    enum status outcome, struct scope *scope);

/* STATUS_DENIED unless all four are there and role and purpose are codes of the house. */
MUST_CHECK enum status audit_check_caller(const struct records_caller *caller, struct scope *scope);

#endif
