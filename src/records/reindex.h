/* reindex: uploaded search parameters are served, and index rows follow the tables they are made by, while reads and writes go on.
 *
 *     SearchParameter written ─guard─▶ checked, its codes claimed, a new edition noted ─COMMIT─▶ settled: published, in the writer's thread
 *                                                                                          └─▶ the thread: slices of what is behind, counted
 *
 * Invariants:
 * 1. Tables are published in the writer's thread, between groups: whatever a later unit writes is held against them, so after
 *    that nothing arrives whose rows are older than its type requires.
 * 2. An edition is durable before anything carries it.
 * 3. Complete is what was counted: in one view, as many resources of a type as have rows of the edition asked for. */
#ifndef SOYANG_RECORDS_REINDEX_H
#define SOYANG_RECORDS_REINDEX_H

#include "records/unit.h"

struct reindex;
/* Reads what the folder was indexed by, publishes the uploads that are there, and starts the thread. */
MUST_CHECK enum status reindex_open(struct reindex **out, struct records *records, struct scope *scope);
void reindex_close(struct reindex *reindex); /* accepts NULL */
/* After a unit, in the writer's thread, before it is answered. Costs a glance when no SearchParameter was written. */
void reindex_settle(struct reindex *reindex);
/* Rows of a resource that was just put, made anew by the tables of now, if they were made by older ones than its type requires. */
MUST_CHECK enum status reindex_written(
    struct records_unit *unit, fhir_type type, struct text id, uint64_t edition, struct scope *scope);

/* reindex_status.c: SearchParameter/$reindex-status. */
void reindex_status_register(struct records *records);

#endif
