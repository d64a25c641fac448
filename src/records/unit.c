#include "records/unit.h"
#include "records/condition.h"
#include "records/query.h"
#include "records/reindex.h"

int64_t records_unit_time_us(const struct records_unit *unit) {
    return store_unit_time_us(unit->store);
}

struct store_unit *records_unit_store(struct records_unit *unit) {
    return unit->store;
}

const struct records_caller *records_unit_caller(const struct records_unit *unit) {
    return unit->caller;
}

/* ---- what stands ------------------------------------------------------------------------------------------------ */

enum status unit_standing(struct standing *out, struct records_unit *unit, fhir_type type, struct text id,
    enum store_want want, struct scope *scope) {
    *out = (struct standing){0};
    enum status status = store_unit_get(&out->resource, unit->store, fhir_resource_number(type), id, want, scope);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    out->known = status == STATUS_OK;
    out->exists = out->known && out->resource.method != STORE_DELETED;
    return status;
}

enum status unit_preconditions(
    const struct standing *standing, struct text if_match, struct text if_none_match, struct scope *scope) {
    if (if_match.size > 0 && !(standing->exists && etag_matches(if_match, standing->resource.version))) {
        return fault(scope, STATUS_PRECONDITION, "",
            standing->exists ? "If-Match: the current version is %u" : "If-Match: there is no current version (%u)",
            standing->exists ? standing->resource.version : 0U);
    }
    if (if_none_match.size > 0 && standing->exists && etag_matches(if_none_match, standing->resource.version)) {
        return fault(scope, STATUS_PRECONDITION, "", "If-None-Match: there is a current version, %u",
            standing->resource.version);
    }
    return STATUS_OK;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void owe_references(struct records_unit *unit, struct draft *draft) {
    while (draft->references != NULL) {
        struct local_reference *reference = draft->references;
        draft->references = reference->next;
        reference->next = unit->owed;
        unit->owed = reference;
    }
}

static enum status check_owed(struct records_unit *unit, struct scope *scope) {
    enum status status = STATUS_OK;
    for (const struct local_reference *owed = unit->owed; owed != NULL; owed = owed->next) {
        struct standing standing;
        enum status found = unit_standing(&standing, unit, owed->type, owed->id, STORE_WANT_IDENTITY, scope);
        if (found != STATUS_OK) {
            return found;
        }
        if (!standing.exists) {
            status = fault_coded(scope, STATUS_UNPROCESSABLE, "not-found", owed->path,
                "the reference points to a %s that does not exist here", fhir_type_name(owed->type));
        }
    }
    return status;
}

/* What was deleted may have been made again by the same unit. */
static enum status check_deleted(struct records_unit *unit, struct scope *scope) {
    for (const struct local_reference *gone = unit->deleted; gone != NULL; gone = gone->next) {
        struct standing standing;
        struct store_page referrers = {0};
        enum status status = unit_standing(&standing, unit, gone->type, gone->id, STORE_WANT_IDENTITY, scope);
        if (status == STATUS_OK && !standing.exists) {
            status = search_referrers(&referrers, unit->records->search, gone->type, gone->id, unit->store, 1, scope);
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (referrers.count > 0) {
            return fault(scope, STATUS_CONFLICT, fhir_type_name(gone->type),
                "a %s still refers to what would be deleted", fhir_type_name(fhir_resource_type(referrers.at[0].type)));
        }
    }
    return STATUS_OK;
}

enum status unit_finish(struct records_unit *unit, struct scope *scope) {
    enum status status = check_owed(unit, scope);
    return status == STATUS_OK ? check_deleted(unit, scope) : status;
}

static const enum store_method methods[] = {
    [WRITE_CREATE] = STORE_CREATED,
    [WRITE_UPDATE] = STORE_UPDATED,
    [WRITE_PATCH] = STORE_PATCHED,
    [WRITE_DELETE] = STORE_DELETED,
};

static void tell_terminology(const struct write *write, const struct records_unit *unit) {
    struct terminology *terminology = unit->records->terminology;
    if (terminology != NULL && terminology_keeps(write->type)) {
        terminology_note_change(terminology, write->type, write->id, store_unit_sequence(unit->store));
    }
}

static enum status put(struct write *write, struct records_unit *unit, struct scope *scope) {
    struct draft *draft = &write->draft;
    const struct store_put put = {
        .type = fhir_resource_number(write->type),
        .id = write->id,
        .origin = write->origin,
        .method = methods[write->kind],
        .body = draft->packed,
        .rows = draft->rows,
        .row_count = draft->row_count,
        .edition = draft->edition,
    };
    struct store_resource stored = {0};
    enum status status = store_unit_put(&stored, unit->store, &put, scope);
    if (status == STATUS_OK) {
        write->version = stored.version;
        write->updated_us = stored.updated_us;
        owe_references(unit, draft);
        tell_terminology(write, unit);
        status = reindex_written(unit, write->type, write->id, draft->edition, scope);
    }
    return status;
}

static void owe_absence(struct records_unit *unit, const struct write *write, struct arena *arena) {
    if (unit->records->references == RECORDS_REFERENCES_STRICT) {
        struct local_reference *gone = ARENA_NEW(arena, struct local_reference);
        *gone = (struct local_reference){.next = unit->deleted, .type = write->type, .id = write->id, .path = ""};
        unit->deleted = gone;
    }
}

static enum status take_away(struct write *write, struct records_unit *unit, struct scope *scope) {
    struct store_resource stored = {0};
    enum status status = store_unit_delete(&stored, unit->store, fhir_resource_number(write->type), write->id, scope);
    if (status == STATUS_OK) {
        write->version = stored.version;
        write->updated_us = stored.updated_us;
        owe_absence(unit, write, scope->arena);
        tell_terminology(write, unit);
    }
    return status;
}

enum status write_apply(struct write *write, struct records_unit *unit, struct scope *scope) {
    bool guarded = guard_exists(unit->records, write->type);
    struct standing standing = {0};
    enum status status = STATUS_OK;
    if (write->origin == STORE_ID_GIVEN) {
        enum store_want want = guarded ? STORE_WANT_BODY : STORE_WANT_IDENTITY;
        status = unit_standing(&standing, unit, write->type, write->id, want, scope);
    }
    if (status == STATUS_OK) {
        status = unit_preconditions(&standing, write->if_match, write->if_none_match, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    audit_note_add(unit->note, scope->arena, write->type, write->id);
    if (write->kind == WRITE_DELETE && !standing.exists) {
        write->version = 0;
        return STATUS_OK; /* gone already, or never there: what was asked for holds */
    }
    const yyjson_val *before = NULL;
    if (guarded && standing.exists) {
        status = body_parse(&before, &standing.resource, scope);
    }
    struct draft *draft = write->kind == WRITE_DELETE ? NULL : &write->draft;
    if (status == STATUS_OK) {
        status = guard_run(draft, unit, write->type, write->id, before, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    write->created = !standing.exists;
    return draft == NULL ? take_away(write, unit, scope) : put(write, unit, scope);
}

/* ---- for guards, handlers and operations ------------------------------------------------------------------------ */

enum status records_unit_get(
    const yyjson_val **out, struct records_unit *unit, fhir_type type, struct text id, struct scope *scope) {
    struct standing standing;
    enum status status = unit_standing(&standing, unit, type, id, STORE_WANT_BODY, scope);
    if (status != STATUS_OK) {
        return status;
    }
    return standing.exists ? body_parse(out, &standing.resource, scope) : STATUS_NOT_FOUND;
}

enum status records_unit_put(
    struct text *id_out, struct records_unit *unit, struct text resource, struct scope *scope) {
    const yyjson_val *root = NULL;
    struct write write = {.kind = WRITE_UPDATE};
    enum status status = body_read(&root, &write.type, resource, FHIR_TYPE_NONE, scope);
    if (status != STATUS_OK) {
        return status;
    }
    write.id = text_copy(scope->arena, json_get_text(root, "id"));
    if (write.id.size == 0) {
        char id[ID_TEXT_SIZE];
        id_new(id, unit->records->clock);
        write.id = text_copy(scope->arena, text_from(id));
        write.kind = WRITE_CREATE;
        write.origin = STORE_ID_MADE;
    }
    status = draft_make(&write.draft, unit->records, root, write.id, scope);
    if (status == STATUS_OK) {
        status = write_apply(&write, unit, scope);
    }
    if (status == STATUS_OK && id_out != NULL) {
        *id_out = write.id;
    }
    return status;
}

enum status records_unit_delete(struct records_unit *unit, fhir_type type, struct text id, struct scope *scope) {
    struct write write = {.kind = WRITE_DELETE, .type = type, .id = id};
    return write_apply(&write, unit, scope);
}

enum status records_unit_search(const yyjson_val ***out, size_t *count_out, struct records_unit *unit, fhir_type type,
    const struct search_pair *pairs, size_t pair_count, size_t limit, struct scope *scope) {
    const struct search_query *query = NULL;
    enum status status = condition_query(&query, unit->records, type, pairs, pair_count, limit, scope);
    struct store_page page = {0};
    if (status == STATUS_OK) {
        status = search_match(&page, unit->records->search, query, unit->store, limit, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val **found = ARENA_ARRAY(scope->arena, const yyjson_val *, page.count + 1);
    for (size_t i = 0; i < page.count && status == STATUS_OK; i++) {
        fhir_type of = fhir_resource_type(page.at[i].type);
        status = records_unit_get(&found[i], unit, of, page.at[i].id, scope);
    }
    *out = found;
    *count_out = page.count;
    return status;
}
