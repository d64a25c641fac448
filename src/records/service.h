/* service: what one open `records` holds. Private to this module.
 *
 * All of it is written while opening and registering, before requests come; later it is only read, so that threads share it
 * without a lock. Worker and timer bring their own. */
#ifndef SOYANG_RECORDS_SERVICE_H
#define SOYANG_RECORDS_SERVICE_H

#include "records/records.h"
#include "validate/validate.h"

struct reindex;
struct worker;
struct timer;

struct guard_row {
    struct guard_row *next; /* in the order of registration */
    records_guard *guard;
    void *context;
};

struct due_owner {
    struct due_owner *next;
    struct text name;
    records_due_handler *handler;
    void *context;
};

struct operation_link {
    struct operation_link *next; /* in the order of registration */
    struct records_operation operation;
};

struct records {
    struct arena *arena;
    struct store *store;
    struct search *search;
    struct terminology *terminology; /* NULL: none */
    struct validate *validate;
    const struct clock *clock;
    struct text own_base;
    struct text base_in_json; /* "http://host/fhir/ with its first quotation mark: what a full URL begins with */
    enum records_reference_policy references;
    enum records_delete_policy deletes;
    enum records_audit audit;
    int zone_minutes;
    size_t page_default, page_max;
    struct text cursor_key;
    struct guard_row **guards; /* by resource number; [0] is unused */
    struct due_owner *owners;
    struct operation_link *operations;
    struct reindex *reindex;
    struct worker *worker;
    struct timer *timer;
};

/* concepts.c: the operations of the terminology, where there is one. */
void concepts_register(struct records *records);

/* Runs `work` where running out of memory ends it and not the process, keeping the scope's issues and deadline. Unlike
 * scope_run it may be used where the scope is already under way. */
MUST_CHECK enum status shield_run(struct scope *scope, scope_work *work, void *context);

#endif
