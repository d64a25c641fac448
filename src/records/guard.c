#include "records/unit.h"

void records_guard_register(struct records *records, fhir_type type, records_guard *guard, void *context) {
    uint16_t number = fhir_resource_number(type);
    invariant(number != 0 && guard != NULL);
    struct guard_row **end = &records->guards[number];
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = ARENA_NEW(records->arena, struct guard_row);
    **end = (struct guard_row){.guard = guard, .context = context};
}

bool guard_exists(const struct records *records, fhir_type type) {
    return records->guards[fhir_resource_number(type)] != NULL;
}

/* What a guard writes instead is held to what a client's text is held to. */
static enum status take_replacement(
    struct draft *draft, const struct records *records, fhir_type type, struct text replacement, struct scope *scope) {
    const yyjson_val *resource = NULL;
    enum status status = body_read(&resource, NULL, replacement, type, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct text id = json_get_text(resource, "id");
    if (id.at != NULL && !text_equal(id, draft->id)) {
        return fault(scope, STATUS_FAILED, "id", "a rule of the house tried to change a resource's identity");
    }
    return draft_make(draft, records, resource, draft->id, scope);
}

static enum status run_one(
    const struct guard_row *row, struct records_change *change, struct draft *draft, struct scope *scope) {
    change->after = draft == NULL ? NULL : draft->root;
    change->replacement = (struct text){0};
    enum status status = row->guard(row->context, change, scope);
    if (status != STATUS_OK) {
        return scope->fault.count > 0
                   ? status
                   : fault(scope, status, fhir_type_name(change->type), "a rule of the house refuses this");
    }
    if (change->replacement.at == NULL) {
        return STATUS_OK;
    }
    invariant(draft != NULL); /* a deletion has nothing to replace */
    return take_replacement(draft, change->unit->records, change->type, change->replacement, scope);
}

enum status guard_run(struct draft *draft, struct records_unit *unit, fhir_type type, struct text id,
    const yyjson_val *before, struct scope *scope) {
    const struct guard_row *row = unit->records->guards[fhir_resource_number(type)];
    if (row == NULL) {
        return STATUS_OK;
    }
    if (unit->guard_depth == RECORDS_GUARD_DEPTH_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, fhir_type_name(type),
            "rules of the house call each other more than %d deep", RECORDS_GUARD_DEPTH_MAX);
    }
    unit->guard_depth++;
    enum status status = STATUS_OK;
    for (; row != NULL && status == STATUS_OK; row = row->next) {
        struct records_change change = {.unit = unit, .type = type, .id = id, .before = before};
        status = run_one(row, &change, draft, scope);
    }
    unit->guard_depth--;
    return status;
}
