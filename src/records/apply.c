#include "records/bundle.h"
#include "records/patch.h"

/* ---- in the unit ------------------------------------------------------------------------------------------------ */

/* What was decided by an attempt before stays so until the writes are there to ask again. */
static enum status look_before(struct bundle *bundle, struct records_unit *unit, struct scope *scope) {
    bool changed = false;
    for (size_t i = 0; i < bundle->condition_count; i++) {
        struct condition *condition = bundle->conditions[i];
        if (condition->is_pinned) {
            continue;
        }
        enum status status = condition_look_again(&changed, condition, unit, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return changed || !bundle->is_composed ? bundle_compose(bundle, scope) : STATUS_OK;
}

static enum status look_after(bool *retry_out, struct bundle *bundle, struct records_unit *unit, struct scope *scope) {
    for (size_t i = 0; i < bundle->condition_count; i++) {
        struct condition *condition = bundle->conditions[i];
        if (!condition->in_reference) {
            continue;
        }
        bool changed = false;
        enum status status = condition_look_again(&changed, condition, unit, scope);
        if (status != STATUS_OK) {
            return status;
        }
        if (condition->matches != CONDITION_ONE) {
            return condition->matches == CONDITION_MANY ? condition_refuse_many(condition, scope)
                                                        : condition_refuse_none(condition, scope);
        }
        if (changed) {
            condition->is_pinned = true;
            *retry_out = true;
        }
    }
    return *retry_out ? fault(scope, STATUS_CONFLICT, "", "the references' conditions kept changing; try again")
                      : STATUS_OK;
}

/* Nothing to write: a deletion of nothing, or a creation that matched the one it asked for. */
static enum status answer_settled(
    struct bundle_entry *entry, enum records_return returns, struct records_unit *unit, struct scope *scope) {
    const struct write *write = &entry->write;
    bool wants_body = returns == RECORDS_RETURN_REPRESENTATION;
    struct standing standing;
    if (entry->method == BUNDLE_DELETE) {
        return STATUS_OK;
    }
    enum status status = unit_standing(
        &standing, unit, write->type, write->id, wants_body ? STORE_WANT_BODY : STORE_WANT_IDENTITY, scope);
    if (status != STATUS_OK) {
        return status;
    }
    entry->answer.version = standing.resource.version;
    entry->answer.updated_us = standing.resource.updated_us;
    entry->answer.body =
        wants_body && standing.exists ? body_splice(scope->arena, &standing.resource) : (struct text){0};
    audit_note_add(unit->note, scope->arena, write->type, write->id);
    return STATUS_OK;
}

static enum status make_patch_draft(struct bundle_entry *entry, struct records_unit *unit, struct scope *scope) {
    struct text format = {0}, body = {0};
    struct patch patch;
    enum status status = patch_of_entry(&format, &body, entry->resource, entry->path, scope);
    if (status == STATUS_OK) {
        status = patch_read(&patch, format, body, scope);
    }
    return status == STATUS_OK ? patch_draft(&entry->write, unit, &patch, scope) : status;
}

static enum status write_entry(
    struct bundle_entry *entry, enum records_return returns, struct records_unit *unit, struct scope *scope) {
    struct write *write = &entry->write;
    entry->answer = (struct records_answer){.type = write->type, .id = write->id, .hints = entry->answer.hints};
    if (entry->is_settled) {
        return answer_settled(entry, returns, unit, scope);
    }
    enum status status = entry->method == BUNDLE_PATCH ? make_patch_draft(entry, unit, scope) : STATUS_OK;
    if (status == STATUS_OK) {
        status = write_apply(write, unit, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    entry->answer.version = write->version;
    entry->answer.updated_us = write->updated_us;
    entry->answer.created = write->created && write->kind != WRITE_DELETE;
    if (returns == RECORDS_RETURN_REPRESENTATION && write->kind != WRITE_DELETE) {
        entry->answer.body =
            body_splice_parts(scope->arena, write->draft.json, write->draft.gap, write->version, write->updated_us);
    }
    return STATUS_OK;
}

/* Readings are answered after the commit, but what is not there fails the whole. */
static enum status check_read(const struct bundle_entry *entry, struct records_unit *unit, struct scope *scope) {
    if (entry->target.kind != TARGET_INSTANCE) {
        return STATUS_OK;
    }
    struct standing standing;
    enum status status =
        unit_standing(&standing, unit, entry->target.type, entry->target.id, STORE_WANT_IDENTITY, scope);
    if (status == STATUS_OK && !standing.exists) {
        status = fault(scope, standing.known ? STATUS_GONE : STATUS_NOT_FOUND, entry->path, "there is no such %s",
            fhir_type_name(entry->target.type));
    }
    return status;
}

static int step_of(enum bundle_method method) {
    return method == BUNDLE_PATCH ? BUNDLE_PUT : (int)method;
}

static enum status run_step(struct bundle *bundle, int step, struct records_unit *unit, struct scope *scope) {
    for (size_t i = 0; i < bundle->count; i++) {
        struct bundle_entry *entry = &bundle->entries[i];
        if (step_of(entry->method) != step) {
            continue;
        }
        enum status status = entry->method == BUNDLE_GET ? check_read(entry, unit, scope)
                                                         : write_entry(entry, bundle->returns, unit, scope);
        if (status != STATUS_OK) {
            return fault(scope, status, entry->path, "this entry is why nothing of the bundle was done");
        }
    }
    return STATUS_OK;
}

enum status bundle_apply(bool *retry_out, struct bundle *bundle, struct records_unit *unit, struct scope *scope) {
    enum status status = look_before(bundle, unit, scope);
    for (int step = BUNDLE_DELETE; step <= BUNDLE_GET && status == STATUS_OK; step++) {
        status = run_step(bundle, step, unit, scope);
    }
    if (status == STATUS_OK) {
        status = look_after(retry_out, bundle, unit, scope);
    }
    bundle->is_composed = status == STATUS_OK; /* drafts are used up; another attempt makes new ones */
    return status;
}
