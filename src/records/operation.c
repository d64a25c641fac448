#include "records/operation.h"
#include "records/reindex.h"
#include "records/timer.h"

#include <pthread.h>
#include <stdlib.h>

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int signals;
};

struct waiter *waiter_open(void) {
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter != NULL) {
        pthread_mutex_init(&waiter->mutex, NULL);
        pthread_cond_init(&waiter->wake, NULL);
    }
    return waiter;
}

void waiter_close(struct waiter *waiter) {
    if (waiter != NULL) {
        pthread_cond_destroy(&waiter->wake);
        pthread_mutex_destroy(&waiter->mutex);
        free(waiter);
    }
}

void waiter_signal(void *context) {
    struct waiter *waiter = context;
    pthread_mutex_lock(&waiter->mutex);
    waiter->signals++;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->mutex);
}

void waiter_wait(struct waiter *waiter) {
    pthread_mutex_lock(&waiter->mutex);
    while (waiter->signals == 0) {
        pthread_cond_wait(&waiter->wake, &waiter->mutex);
    }
    waiter->signals--;
    pthread_mutex_unlock(&waiter->mutex);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void finish(struct operation *op, enum status status) {
    struct records_answer *answer = op->answer;
    if (status != STATUS_OK) {
        *answer = (struct records_answer){.type = answer->type, .id = answer->id};
        if (op->scope->fault.count == 0) {
            fault(op->scope, status, "", "the request ended with \"%s\"", status_name(status));
        }
    }
    answer->status = status;
    arena_close(op->row_arena);
    op->row_arena = NULL;
    op->done(op->done_context);
}

static enum status run_after(void *context, struct scope *scope) {
    struct operation *op = context;
    return op->after(op, scope);
}

static void run_after_job(void *context) {
    struct operation *op = context;
    finish(op, shield_run(op->scope, run_after, op));
}

/* ---- the unit --------------------------------------------------------------------------------------------------- */

/* With the audit narrowed (RECORDS_AUDIT_WRITES, RECORDS_AUDIT_OFF) what changes nothing needs no unit. */
static bool leaves_a_row(const struct operation *op) {
    enum records_audit audit = op->records->audit;
    return audit == RECORDS_AUDIT_ALL || (audit == RECORDS_AUDIT_WRITES && op->apply != NULL);
}

static enum status compose_row(void *context, struct scope *scope) {
    struct operation *op = context;
    return audit_row(&op->row, &op->note, &op->request.caller, op->outcome, scope);
}

/* When the request's own memory is what ran out, its row still needs some. */
static enum status compose_row_apart(struct operation *op) {
    op->row_arena = arena_open(4 * AUDIT_ROW_BYTES_MAX);
    if (op->row_arena == NULL) {
        return STATUS_UNAVAILABLE;
    }
    struct scope apart = {.arena = op->row_arena};
    return shield_run(&apart, compose_row, op);
}

struct application {
    struct operation *op;
    struct store_unit *store;
};

static enum status apply_shielded(void *context, struct scope *scope) {
    const struct application *application = context;
    struct operation *op = application->op;
    struct records_unit unit = {
        .records = op->records,
        .store = application->store,
        .caller = &op->request.caller,
        .note = &op->note,
    };
    enum status status = STATUS_OK;
    if (op->apply != NULL) {
        audit_note_clear(&op->note); /* what the unit touches is said anew */
        status = op->apply(op, &unit, scope);
        if (status == STATUS_OK) {
            status = unit_finish(&unit, scope);
        }
    }
    if (status != STATUS_OK || op->records->audit == RECORDS_AUDIT_OFF) {
        return status;
    }
    if (op->row.at == NULL) {
        status = compose_row(op, scope);
    }
    return status == STATUS_OK ? store_unit_audit(application->store, op->row, scope) : status;
}

static enum status apply_in_unit(void *context, struct store_unit *store, struct scope *scope) {
    struct application application = {.op = context, .store = store};
    return shield_run(scope, apply_shielded, &application);
}

static void submit(struct operation *op);

/* Tells the audit that it was refused, and why; the answer waits for that. */
static void refuse(struct operation *op, enum status status) {
    bool leaves = leaves_a_row(op);
    op->apply = NULL;
    op->after = NULL;
    op->outcome = status;
    if (!leaves) {
        finish(op, status);
        return;
    }
    if (compose_row_apart(op) != STATUS_OK) {
        log_event(LOG_ERROR, "audit-row-lost", "interaction", op->note.what, "outcome", status_name(status), NULL);
        finish(op, status);
        return;
    }
    submit(op);
}

static void unit_done(void *context, enum status status, uint64_t seq) {
    struct operation *op = context;
    (void)seq;
    timer_nudge(op->records->timer);
    reindex_settle(op->records->reindex);
    if (status == STATUS_OK && op->after != NULL) {
        op->job = (struct job){.run = run_after_job, .context = op};
        invariant(worker_take(op->records->worker, &op->job, WORKER_ALWAYS_TAKES) == STATUS_OK);
    } else if (status == STATUS_OK) {
        finish(op, op->outcome);
    } else if (op->retry && ++op->attempts < OPERATION_ATTEMPTS_MAX) {
        op->retry = false;
        op->scope->fault = op->fault_before;
        if (op->scope->fault.last != NULL) {
            op->scope->fault.last->next = NULL;
        }
        submit(op);
    } else if (op->apply != NULL) {
        refuse(op, status);
    } else { /* not even the audit row: a reading may not be answered then, and a refusal stays one */
        log_event(LOG_ERROR, "audit-row-lost", "interaction", op->note.what, "status", status_name(status), NULL);
        finish(op, op->outcome == STATUS_OK ? status : op->outcome);
    }
}

static void submit(struct operation *op) {
    op->work = (struct store_work){.apply = apply_in_unit,
        .done = unit_done,
        .context = op,
        .scope = op->scope,
        .can_wait = op->apply == NULL}; /* it leaves its audit row and nothing else */
    enum status status = store_submit(op->records->store, &op->work);
    if (status != STATUS_OK) {
        if (op->outcome != STATUS_OK) {
            log_event(
                LOG_ERROR, "audit-row-lost", "interaction", op->note.what, "outcome", status_name(op->outcome), NULL);
        }
        finish(op, op->outcome == STATUS_OK ? status : op->outcome);
    }
}

/* ---- the start -------------------------------------------------------------------------------------------------- */

static enum status prepare_shielded(void *context, struct scope *scope) {
    struct operation *op = context;
    if (op->request.id.size > 0) {
        audit_note_add(&op->note, scope->arena, op->request.type, op->request.id);
    }
    enum status status = audit_check_caller(&op->request.caller, scope);
    if (status == STATUS_OK) {
        status = op->prepare(op, scope);
    }
    if (status == STATUS_OK && op->apply == NULL && !op->has_no_unit && leaves_a_row(op)) {
        status = compose_row(op, scope); /* off the writer's thread */
    }
    return status;
}

void operation_start(struct operation *op) {
    enum status status = shield_run(op->scope, prepare_shielded, op);
    if (!leaves_a_row(op) && op->apply == NULL && op->after == NULL && !op->has_no_unit) {
        finish(op, status);
        return;
    }
    if (status != STATUS_OK) {
        refuse(op, status);
        return;
    }
    op->fault_before = op->scope->fault;
    if (!op->has_no_unit) {
        submit(op);
        return;
    }
    op->job = (struct job){.run = run_after_job, .context = op};
    if (worker_take(op->records->worker, &op->job, WORKER_REFUSES_WHEN_FULL) != STATUS_OK) {
        finish(op, STATUS_UNAVAILABLE);
    }
}

/* ---- by name ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    operation_prepare *prepare;
} interactions[] = {
    [RECORDS_READ] = {"read", read_prepare},
    [RECORDS_VREAD] = {"vread", vread_prepare},
    [RECORDS_CREATE] = {"create", create_prepare},
    [RECORDS_UPDATE] = {"update", update_prepare},
    [RECORDS_DELETE] = {"delete", delete_prepare},
    [RECORDS_HISTORY_INSTANCE] = {"history-instance", history_prepare},
    [RECORDS_HISTORY_TYPE] = {"history-type", history_prepare},
    [RECORDS_HISTORY_SYSTEM] = {"history-system", history_prepare},
    [RECORDS_SEARCH] = {"search", find_prepare},
    [RECORDS_BUNDLE] = {"bundle", bundle_prepare},
    [RECORDS_PATCH] = {"patch", patch_prepare},
    [RECORDS_OPERATION] = {"operation", invocation_prepare},
};

struct opening {
    struct operation *op;
    struct records_answer *answer;
    struct records *records;
    const struct records_request *request;
    struct scope *outer;
};

static enum status open_operation(void *context, struct scope *scope) {
    struct opening *opening = context;
    const struct records_request *request = opening->request;
    struct operation *op = ARENA_NEW(scope->arena, struct operation);
    *op = (struct operation){
        .records = opening->records,
        .request = *request,
        .answer = opening->answer,
        .scope = opening->outer,
        .prepare = interactions[request->interaction].prepare,
        .note =
            {
                .what = interactions[request->interaction].name,
                .type = request->type,
                .pairs = request->pairs,
                .pair_count = request->pair_count,
            },
    };
    opening->op = op;
    return STATUS_OK;
}

enum status operation_open(struct operation **out, struct records_answer *answer, struct records *records,
    const struct records_request *request, struct scope *scope) {
    invariant((size_t)request->interaction < sizeof interactions / sizeof *interactions);
    *answer = (struct records_answer){.type = request->type, .id = request->id};
    struct opening opening = {.answer = answer, .records = records, .request = request, .outer = scope};
    enum status status = shield_run(scope, open_operation, &opening);
    answer->status = status;
    *out = opening.op;
    return status;
}

void records_submit(struct records_answer *answer, struct records *records, const struct records_request *request,
    records_done *done, void *context, struct scope *scope) {
    struct operation *op = NULL;
    if (operation_open(&op, answer, records, request, scope) != STATUS_OK) {
        done(context);
        return;
    }
    op->done = done;
    op->done_context = context;
    operation_start(op);
}

enum status records_run(struct records_answer *answer, struct records *records, const struct records_request *request,
    struct scope *scope) {
    struct waiter *waiter = waiter_open();
    if (waiter == NULL) {
        *answer = (struct records_answer){.status = STATUS_UNAVAILABLE};
        return fault(scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later");
    }
    records_submit(answer, records, request, waiter_signal, waiter, scope);
    waiter_wait(waiter);
    waiter_close(waiter);
    return answer->status;
}

/* ---- units of upper modules ------------------------------------------------------------------------------------- */

struct unit_call {
    records_work *work;
    void *work_context;
    enum status *status_out;
    struct records_answer answer;
    records_done *done;
    void *done_context;
};

static enum status prepare_nothing(struct operation *op, struct scope *scope) {
    (void)op;
    (void)scope;
    return STATUS_OK;
}

static enum status apply_call(struct operation *op, struct records_unit *unit, struct scope *scope) {
    const struct unit_call *call = op->plan;
    return call->work(call->work_context, unit, scope);
}

static void call_done(void *context) {
    const struct unit_call *call = context;
    *call->status_out = call->answer.status;
    call->done(call->done_context);
}

struct unit_opening {
    struct operation *op;
    struct records *records;
    const struct records_caller *caller;
    const char *what;
    struct unit_call call;
    struct scope *outer;
};

static enum status open_unit(void *context, struct scope *scope) {
    struct unit_opening *opening = context;
    struct unit_call *call = ARENA_NEW(scope->arena, struct unit_call);
    *call = opening->call;
    struct operation *op = ARENA_NEW(scope->arena, struct operation);
    *op = (struct operation){
        .records = opening->records,
        .request = {.caller = *opening->caller},
        .answer = &call->answer,
        .scope = opening->outer,
        .done = call_done,
        .done_context = call,
        .note = {.what = opening->what},
        .prepare = prepare_nothing,
        .apply = apply_call,
        .plan = call,
    };
    opening->op = op;
    return STATUS_OK;
}

/* NOLINTNEXTLINE(readability-function-size): one argument over eight, as declared */
void records_unit_submit(enum status *status_out, struct records *records, const struct records_caller *caller,
    const char *what, records_work *work, void *work_context, records_done *done, void *done_context,
    struct scope *scope) {
    struct unit_opening opening = {
        .records = records,
        .caller = caller,
        .what = what,
        .call = {.work = work,
            .work_context = work_context,
            .status_out = status_out,
            .done = done,
            .done_context = done_context},
        .outer = scope,
    };
    enum status status = shield_run(scope, open_unit, &opening);
    if (status != STATUS_OK) {
        *status_out = status;
        done(done_context);
        return;
    }
    operation_start(opening.op);
}

enum status records_unit_run(struct records *records, const struct records_caller *caller, const char *what,
    records_work *work, void *context, struct scope *scope) {
    struct waiter *waiter = waiter_open();
    if (waiter == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later");
    }
    enum status status = STATUS_OK;
    records_unit_submit(&status, records, caller, what, work, context, waiter_signal, waiter, scope);
    waiter_wait(waiter);
    waiter_close(waiter);
    return status;
}
