/* Terminology's operations as rows of the table. They read no patient's data; that they were called, by whom, and how it
 * went is a row of the audit all the same. */
#include "records/service.h"

/* One row's context. */
struct concept_operation {
    struct records *records;
    const struct terminology_operation *operation;
    const char *what; /* "$expand": in the audit */
};

static enum status end_as(void *context, struct records_unit *unit, struct scope *scope) {
    (void)unit;
    (void)scope;
    return *(const enum status *)context;
}

static enum status run_operation(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    const struct concept_operation *row = context;
    struct terminology_pair *pairs = ARENA_ARRAY(scope->arena, struct terminology_pair, call->pair_count + 1);
    for (size_t i = 0; i < call->pair_count; i++) {
        pairs[i] = (struct terminology_pair){call->pairs[i].name, call->pairs[i].value};
    }
    const struct terminology_call inner = {
        .operation = row->operation,
        .id = call->id,
        .body = call->body,
        .pairs = pairs,
        .pair_count = call->pair_count,
    };
    enum status outcome = terminology_run(out, row->records->terminology, &inner, scope);
    return records_unit_run(row->records, call->caller, row->what, end_as, &outcome, scope);
}

void concepts_register(struct records *records) {
    struct arena *arena = records->arena;
    for (size_t i = 0; records->terminology != NULL && i < terminology_operation_count(); i++) {
        const struct terminology_operation *operation = terminology_operation_at(i);
        struct concept_operation *row = ARENA_NEW(arena, struct concept_operation);
        *row = (struct concept_operation){records, operation, text_format(arena, "$%s", operation->name).at};
        const struct records_operation claim = {
            .name = operation->name,
            .type = operation->type,
            .levels = (operation->on_type ? (unsigned)RECORDS_AT_TYPE : 0U) |
                      (operation->on_instance ? (unsigned)RECORDS_AT_INSTANCE : 0U),
            .effect = RECORDS_OPERATION_READS,
            .definition = operation->definition,
            .run = run_operation,
            .context = row,
        };
        records_operation_register(records, &claim);
    }
}
