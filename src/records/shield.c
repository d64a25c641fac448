#include "records/service.h"

struct shielded {
    scope_work *work;
    void *context;
    const struct scope *outer;
};

static enum status enter(void *context, struct scope *inner) {
    const struct shielded *shielded = context;
    *inner = *shielded->outer;
    return shielded->work(shielded->context, inner);
}

enum status shield_run(struct scope *scope, scope_work *work, void *context) {
    struct shielded shielded = {.work = work, .context = context, .outer = scope};
    struct scope inner;
    enum status status = scope_run(&inner, scope->arena, enter, &shielded);
    scope->fault = inner.fault;
    return status;
}
