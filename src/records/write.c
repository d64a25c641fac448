#include <string.h>

#include "records/condition.h"
#include "records/hints.h"
#include "records/operation.h"

/* create, update, delete: each is a `write`, and where it is conditional a condition that says of what. */
struct write_plan {
    struct write write;
    struct condition condition;
    bool is_conditional;
    const yyjson_val *resource; /* as the client sent it, checked */
    struct text own_id;         /* in the client's body, for a conditional update */
    struct text new_id;         /* for what is not there yet */
};

static struct text made_id(const struct records *records, struct arena *arena) {
    char id[ID_TEXT_SIZE];
    id_new(id, records->clock);
    return text_copy(arena, text_from(id));
}

static enum status check_type(const struct operation *op, struct scope *scope) {
    return fhir_resource_number(op->request.type) != 0 ? STATUS_OK
                                                       : fault(scope, STATUS_NOT_FOUND, "", "no such resource type");
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static void answer_written(struct operation *op, const struct write *write, struct scope *scope) {
    struct records_answer *answer = op->answer;
    answer->type = write->type;
    answer->id = write->id;
    answer->version = write->version;
    answer->updated_us = write->updated_us;
    if (write->kind != WRITE_DELETE) {
        answer->created = write->created;
        answer->body =
            body_splice_parts(scope->arena, write->draft.json, write->draft.gap, write->version, write->updated_us);
    }
}

/* A conditional create that found the one it asked for: that one is the answer. */
static enum status answer_existing(
    struct operation *op, struct records_unit *unit, struct text id, struct scope *scope) {
    struct standing standing;
    enum status status = unit_standing(&standing, unit, op->request.type, id, STORE_WANT_BODY, scope);
    if (status == STATUS_OK) {
        struct records_answer *answer = op->answer;
        answer->id = id;
        answer->version = standing.resource.version;
        answer->updated_us = standing.resource.updated_us;
        answer->body = body_splice(scope->arena, &standing.resource);
        audit_note_add(unit->note, scope->arena, op->request.type, id);
    }
    return status;
}

static enum status apply_write(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct write_plan *plan = op->plan;
    enum status status = write_apply(&plan->write, unit, scope);
    if (status == STATUS_OK) {
        answer_written(op, &plan->write, scope);
    }
    return status;
}

static enum status open_pairs_condition(struct write_plan *plan, const struct operation *op, struct scope *scope) {
    const struct records_request *request = &op->request;
    plan->is_conditional = true;
    plan->condition = (struct condition){.type = request->type, .path = ""};
    if (request->pair_count == 0) {
        return fault(scope, STATUS_PRECONDITION, "", "a condition without parameters would match every %s",
            fhir_type_name(request->type));
    }
    return condition_query(
        &plan->condition.query, op->records, request->type, request->pairs, request->pair_count, 2, scope);
}

/* ---- references by condition ------------------------------------------------------------------------------------ */

static enum status refuse_condition(struct text *out, void *context, enum fhir_link_kind kind, struct text value,
    const char *path, struct scope *scope) {
    const struct records *records = context;
    struct fhir_reference reference;
    *out = (struct text){0};
    bool is_carried = strstr(path, ".resource.") != NULL; /* in a bundle that is only kept: it may still be sent */
    bool is_condition = kind == FHIR_LINK_REFERENCE && !is_carried &&
                        fhir_reference_parse(&reference, value, records->own_base) &&
                        reference.kind == FHIR_REFERENCE_CONDITIONAL;
    return is_condition ? fault(scope, STATUS_INVALID, path,
                              "a reference by condition is resolved in a transaction only "
                              "(https://hl7.org/fhir/R4/http.html#trules)")
                        : STATUS_OK;
}

/* Kept as it is, it would never lead anywhere. */
static enum status check_references(
    const struct operation *op, const yyjson_val *resource, struct text body, struct scope *scope) {
    if (memchr(body.at, '?', body.size) == NULL) {
        return STATUS_OK;
    }
    struct json_writer unused = json_writer_open(scope->arena, SIZE_MAX);
    return fhir_write_rewritten(&unused, resource, refuse_condition, op->records, scope);
}

/* What is told beside a success, if it was asked for. */
static void take_hints(struct operation *op, const struct write_plan *plan, struct scope *scope) {
    if (op->request.returns == RECORDS_RETURN_OUTCOME) {
        op->answer->hints = hints_of(op->records, plan->resource, scope);
    }
}

/* ---- create ----------------------------------------------------------------------------------------------------- */

static enum status apply_create(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct write_plan *plan = op->plan;
    if (plan->is_conditional) {
        bool changed = false;
        enum status status = condition_look_again(&changed, &plan->condition, unit, scope);
        if (status != STATUS_OK) {
            return status;
        }
        if (plan->condition.matches == CONDITION_MANY) {
            return condition_refuse_many(&plan->condition, scope);
        }
        if (plan->condition.matches == CONDITION_ONE) {
            return answer_existing(op, unit, plan->condition.id, scope);
        }
    }
    return apply_write(op, unit, scope);
}

enum status create_prepare(struct operation *op, struct scope *scope) {
    const struct records_request *request = &op->request;
    struct write_plan *plan = ARENA_NEW(scope->arena, struct write_plan);
    enum status status = check_type(op, scope);
    if (status == STATUS_OK) {
        status = body_read(&plan->resource, NULL, request->body, request->type, scope);
    }
    if (status == STATUS_OK) {
        status = check_references(op, plan->resource, request->body, scope);
    }
    if (status == STATUS_OK && request->if_none_exist.at != NULL) {
        plan->is_conditional = true;
        status = condition_open(
            &plan->condition, op->records, request->type, request->if_none_exist, "If-None-Exist", scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    plan->write = (struct write){
        .kind = WRITE_CREATE,
        .type = request->type,
        .id = made_id(op->records, scope->arena),
        .origin = STORE_ID_MADE,
    };
    op->plan = plan;
    op->apply = apply_create;
    take_hints(op, plan, scope);
    return draft_make(&plan->write.draft, op->records, plan->resource, plan->write.id, scope);
}

/* ---- update ----------------------------------------------------------------------------------------------------- */

/* Which resource a conditional update means, by what its condition matches now. */
static enum status choose_updated(struct write_plan *plan, struct text *id_out, struct scope *scope) {
    const struct condition *condition = &plan->condition;
    switch (condition->matches) {
    case CONDITION_MANY:
        return condition_refuse_many(condition, scope);
    case CONDITION_ONE:
        if (plan->own_id.size > 0 && !text_equal(plan->own_id, condition->id)) {
            return fault(
                scope, STATUS_INVALID, "id", "the body's id is not that of the resource the condition matches");
        }
        *id_out = condition->id;
        return STATUS_OK;
    case CONDITION_NONE:
        break;
    }
    *id_out = plan->own_id.size > 0 ? plan->own_id : plan->new_id;
    return STATUS_OK;
}

/* No match, and an id in the body: it becomes a new resource of that id, if there is none yet. */
static enum status check_free(const struct write_plan *plan, struct records_unit *unit, struct scope *scope) {
    if (plan->condition.matches != CONDITION_NONE || plan->own_id.size == 0) {
        return STATUS_OK;
    }
    struct standing standing;
    enum status status = unit_standing(&standing, unit, plan->write.type, plan->own_id, STORE_WANT_IDENTITY, scope);
    if (status == STATUS_OK && standing.exists) {
        return fault(
            scope, STATUS_CONFLICT, "id", "the condition matches nothing, but a resource with the body's id exists");
    }
    return status;
}

static enum status apply_conditional_update(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct write_plan *plan = op->plan;
    bool changed = false;
    struct text id = {0};
    enum status status = condition_look_again(&changed, &plan->condition, unit, scope);
    if (status == STATUS_OK) {
        status = choose_updated(plan, &id, scope);
    }
    if (status == STATUS_OK) {
        status = check_free(plan, unit, scope);
    }
    if (status == STATUS_OK && !text_equal(id, plan->write.id)) {
        plan->write.id = id;
        status = draft_make(&plan->write.draft, op->records, plan->resource, id, scope);
    }
    return status == STATUS_OK ? apply_write(op, unit, scope) : status;
}

static enum status prepare_conditional_update(struct operation *op, struct write_plan *plan, struct scope *scope) {
    plan->new_id = made_id(op->records, scope->arena);
    op->apply = apply_conditional_update;
    enum status status = open_pairs_condition(plan, op, scope);
    if (status == STATUS_OK) {
        status = condition_look(&plan->condition, op->records, scope);
    }
    if (status == STATUS_OK) {
        status = choose_updated(plan, &plan->write.id, scope);
    }
    return status;
}

static enum status prepare_plain_update(struct operation *op, struct write_plan *plan, struct scope *scope) {
    op->apply = apply_write;
    plan->write.id = op->request.id;
    if (!fhir_id_is_valid(op->request.id)) {
        return fault(scope, STATUS_INVALID, "id", "an id has 1 to 64 letters, digits, hyphens or points");
    }
    if (!text_equal(plan->own_id, op->request.id)) {
        return fault(scope, STATUS_INVALID, "id",
            plan->own_id.at == NULL ? "an update's body must hold the id of its URL"
                                    : "the body's id is not the id of the URL");
    }
    return STATUS_OK;
}

enum status update_prepare(struct operation *op, struct scope *scope) {
    const struct records_request *request = &op->request;
    struct write_plan *plan = ARENA_NEW(scope->arena, struct write_plan);
    plan->write = (struct write){
        .kind = WRITE_UPDATE,
        .type = request->type,
        .if_match = request->if_match,
        .if_none_match = request->if_none_match,
    };
    op->plan = plan;
    enum status status = check_type(op, scope);
    if (status == STATUS_OK) {
        status = body_read(&plan->resource, NULL, request->body, request->type, scope);
    }
    if (status == STATUS_OK) {
        status = check_references(op, plan->resource, request->body, scope);
    }
    if (status == STATUS_OK) {
        plan->own_id = json_get_text(plan->resource, "id");
        status = request->is_conditional ? prepare_conditional_update(op, plan, scope)
                                         : prepare_plain_update(op, plan, scope);
    }
    if (status == STATUS_OK) {
        take_hints(op, plan, scope);
        status = draft_make(&plan->write.draft, op->records, plan->resource, plan->write.id, scope);
    }
    return status;
}

/* ---- delete ----------------------------------------------------------------------------------------------------- */

static enum status apply_conditional_delete(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct write_plan *plan = op->plan;
    bool changed = false;
    enum status status = condition_look_again(&changed, &plan->condition, unit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (plan->condition.matches == CONDITION_MANY) {
        return condition_refuse_many(&plan->condition, scope);
    }
    if (plan->condition.matches == CONDITION_NONE) {
        return STATUS_OK;
    }
    plan->write.id = plan->condition.id;
    return apply_write(op, unit, scope);
}

/* All or none: they are one unit. */
static enum status apply_delete_of_many(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct write_plan *plan = op->plan;
    struct store_page page = {0};
    enum status status =
        search_match(&page, op->records->search, plan->condition.query, unit->store, RECORDS_DELETE_MAX + 1, scope);
    if (status == STATUS_OK && page.count > RECORDS_DELETE_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "the condition matches more than %d resources", RECORDS_DELETE_MAX);
    }
    for (size_t i = 0; i < page.count && status == STATUS_OK; i++) {
        struct write write = plan->write;
        write.id = page.at[i].id;
        status = write_apply(&write, unit, scope);
    }
    return status;
}

enum status delete_prepare(struct operation *op, struct scope *scope) {
    const struct records_request *request = &op->request;
    struct write_plan *plan = ARENA_NEW(scope->arena, struct write_plan);
    plan->write = (struct write){
        .kind = WRITE_DELETE,
        .type = request->type,
        .id = request->id,
        .if_match = request->if_match,
    };
    op->plan = plan;
    op->apply = apply_write;
    enum status status = check_type(op, scope);
    if (status == STATUS_OK && request->is_conditional) {
        bool many = op->records->deletes == RECORDS_DELETE_MANY;
        op->apply = many ? apply_delete_of_many : apply_conditional_delete;
        return open_pairs_condition(plan, op, scope);
    }
    if (status == STATUS_OK && !fhir_id_is_valid(request->id)) {
        status = fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", fhir_type_name(request->type));
    }
    return status;
}
