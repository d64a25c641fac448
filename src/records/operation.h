/* operation: one interaction on its way: prepared in the caller's thread, applied in the writer's, answered when durable.
 *
 *     operation_start ── prepare ──ok──→ submit ── apply ──ok──→ durable ──→ finish (in a worker, where there is `after`)
 *                           └─refused──→ submit (audit row only)    └─undone: again (`retry`), or refused: audit row only
 *
 * An operation lives in its scope's arena. Whatever happens, an audit row says so, or the answer is not given. */
#ifndef SOYANG_RECORDS_OPERATION_H
#define SOYANG_RECORDS_OPERATION_H

#include "records/audit.h"
#include "records/unit.h"
#include "records/worker.h"

struct operation;
typedef enum status operation_prepare(struct operation *op, struct scope *scope);
typedef enum status operation_apply(struct operation *op, struct records_unit *unit, struct scope *scope);
typedef enum status operation_after(struct operation *op, struct scope *scope);

enum { OPERATION_ATTEMPTS_MAX = 4 };

struct operation {
    struct records *records;
    struct records_request request; /* the caller's texts; they live until `done` */
    struct records_answer *answer;
    struct scope *scope;
    records_done *done;
    void *done_context;
    struct audit_note note;

    operation_prepare *prepare;
    operation_apply *apply; /* NULL: the unit holds the audit row only */
    operation_after *after; /* in a worker, after the unit; NULL: none */
    bool has_no_unit;       /* a batch: its entries are units of their own */
    void *plan;             /* what prepare leaves for apply and after */

    bool retry; /* set by apply: undo, and apply again */
    int attempts;
    enum status outcome; /* what the audit row says and the answer will say */
    struct fault fault_before;
    struct text row;         /* of a read, composed before the unit */
    struct arena *row_arena; /* of a row that had no room elsewhere; NULL: none */
    struct store_work work;
    struct job job;
};
void operation_start(struct operation *op);
/* An operation for `request` in the scope's arena, not yet started. Its `done` is the opener's to set. */
MUST_CHECK enum status operation_open(struct operation **out, struct records_answer *answer, struct records *records,
    const struct records_request *request, struct scope *scope);

/* A search of the program's own: filters and _sort, parsed resources, noted in the operation's audit row. */
struct find_request {
    fhir_type type;
    const struct search_pair *pairs;
    size_t pair_count, limit;
};
MUST_CHECK enum status find_within(const yyjson_val ***out, size_t *count_out, struct operation *op,
    struct store_view *view, const struct find_request *find, struct scope *scope);

/* Waits for one thing that another thread does. */
struct waiter;
struct waiter *waiter_open(void); /* NULL: no memory */
void waiter_close(struct waiter *waiter);
void waiter_signal(void *waiter); /* a records_done */
void waiter_wait(struct waiter *waiter);

/* The interactions, in their files. */
enum status read_prepare(struct operation *op, struct scope *scope);
enum status vread_prepare(struct operation *op, struct scope *scope);
enum status create_prepare(struct operation *op, struct scope *scope);
enum status update_prepare(struct operation *op, struct scope *scope);
enum status delete_prepare(struct operation *op, struct scope *scope);
enum status patch_prepare(struct operation *op, struct scope *scope);
enum status history_prepare(struct operation *op, struct scope *scope);
enum status find_prepare(struct operation *op, struct scope *scope);
enum status bundle_prepare(struct operation *op, struct scope *scope);
enum status invocation_prepare(struct operation *op, struct scope *scope);

#endif
