/* worker: two threads for what would hold a caller's or the store's thread too long: batches, and the readings that a
 * transaction asks for once it is durable. */
#ifndef SOYANG_RECORDS_WORKER_H
#define SOYANG_RECORDS_WORKER_H

#include "records/service.h"

struct job {
    struct job *next; /* the worker's, while it waits */
    void (*run)(void *context);
    void *context;
};

struct worker;
MUST_CHECK enum status worker_open(struct worker **out, struct scope *scope);
void worker_close(struct worker *worker); /* after what waits was run; accepts NULL */
enum worker_bound { WORKER_REFUSES_WHEN_FULL, WORKER_ALWAYS_TAKES };
/* STATUS_UNAVAILABLE, and nothing is kept, when too much waits. Never allocates. */
MUST_CHECK enum status worker_take(struct worker *worker, struct job *job, enum worker_bound bound);

#endif
