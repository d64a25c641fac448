#include "records/operation.h"

/* A visit is an operation whose `prepare` is somebody else's: what it reads is noted, and what it then writes is noted behind. */
struct records_visit {
    struct operation *op;
    struct store_view *view; /* NULL: nothing was read yet */
    records_look *look;
    records_work *work;
    void *context;
    struct audit_note gathered;
};

static enum status open_view(struct records_visit *visit, struct scope *scope) {
    return visit->view != NULL ? STATUS_OK : store_view_open(&visit->view, visit->op->records->store, 0, scope);
}

enum status records_visit_get(
    const yyjson_val **out, struct records_visit *visit, fhir_type type, struct text id, struct scope *scope) {
    struct store_resource resource = {0};
    enum status status = open_view(visit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    audit_note_add(&visit->op->note, scope->arena, type, id);
    status = store_view_get(&resource, visit->view, fhir_resource_number(type), id, STORE_WANT_BODY, scope);
    if (status == STATUS_OK && resource.method == STORE_DELETED) {
        return STATUS_NOT_FOUND;
    }
    return status == STATUS_OK ? body_parse(out, &resource, scope) : status;
}

/* NOLINTNEXTLINE(readability-function-size): one argument over eight, as declared */
enum status records_visit_find(const yyjson_val ***out, size_t *count_out, struct records_visit *visit, fhir_type type,
    const struct search_pair *pairs, size_t pair_count, size_t limit, struct scope *scope) {
    enum status status = open_view(visit, scope);
    return status == STATUS_OK
               ? find_within(out, count_out, visit->op, visit->view,
                     &(struct find_request){.type = type, .pairs = pairs, .pair_count = pair_count, .limit = limit},
                     scope)
               : status;
}

static enum status look_around(struct operation *op, struct scope *scope) {
    struct records_visit *visit = op->plan;
    enum status status = visit->look(visit->context, visit, scope);
    store_view_close(visit->view);
    visit->view = NULL;
    visit->gathered = op->note;
    return status;
}

static enum status do_work(struct operation *op, struct records_unit *unit, struct scope *scope) {
    const struct records_visit *visit = op->plan;
    *unit->note = visit->gathered; /* it read these, and writes more */
    return visit->work(visit->context, unit, scope);
}

struct visit_opening {
    struct records *records;
    const struct records_caller *caller;
    const char *what;
    struct records_visit visit;
    struct records_answer *answer;
    struct scope *outer;
    struct waiter *waiter;
    struct operation *op;
};

static enum status open_visit(void *context, struct scope *scope) {
    struct visit_opening *opening = context;
    struct records_visit *visit = ARENA_NEW(scope->arena, struct records_visit);
    *visit = opening->visit;
    visit->op = opening->op = ARENA_NEW(scope->arena, struct operation);
    *visit->op = (struct operation){
        .records = opening->records,
        .request = {.caller = *opening->caller},
        .answer = opening->answer,
        .scope = opening->outer,
        .done = waiter_signal,
        .done_context = opening->waiter,
        .note = {.what = opening->what},
        .prepare = look_around,
        .apply = visit->work == NULL ? NULL : do_work,
        .plan = visit,
    };
    return STATUS_OK;
}

enum status records_visit_run(struct records *records, const struct records_caller *caller, const char *what,
    records_look *look, records_work *work, void *context, struct scope *scope) {
    struct records_answer answer = {0};
    struct waiter *waiter = waiter_open();
    struct visit_opening opening = {.records = records,
        .caller = caller,
        .what = what,
        .visit = {.look = look, .work = work, .context = context},
        .answer = &answer,
        .outer = scope,
        .waiter = waiter};
    if (waiter == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later");
    }
    enum status status = shield_run(scope, open_visit, &opening);
    if (status == STATUS_OK) {
        operation_start(opening.op);
        waiter_wait(waiter);
        status = answer.status;
    }
    waiter_close(waiter);
    return status;
}
