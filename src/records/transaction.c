#include "records/bundle.h"
#include "records/hints.h"

/* What a POST to the base URL holds: a transaction, which is one unit, or a batch, whose entries go their own ways. */

/* Answers of more entries are written by a worker, not by the store's thread. */
enum { ANSWERED_IN_UNIT_MAX = 250 };

static enum status apply_transaction(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct bundle *bundle = op->plan;
    enum status status = bundle_apply(&op->retry, bundle, unit, scope);
    if (status == STATUS_OK && op->after == NULL) {
        status = bundle_answer(&op->answer->body, bundle, scope);
    }
    return status;
}

static enum status answer_written(struct operation *op, struct scope *scope) {
    return bundle_answer(&op->answer->body, op->plan, scope);
}

static enum status answer_after_reads(struct operation *op, struct scope *scope) {
    enum status status = bundle_run_entries(op->plan, BUNDLE_READS, &op->request.caller, scope);
    return status == STATUS_OK ? bundle_answer(&op->answer->body, op->plan, scope) : status;
}

/* A reading that could never be answered is refused before anything is written. */
static enum status check_reads(const struct bundle *bundle, struct scope *scope) {
    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_entry *entry = &bundle->entries[i];
        enum target_kind kind = entry->target.kind;
        if (entry->method != BUNDLE_GET ||
            (kind != TARGET_TYPE && kind != TARGET_SYSTEM && kind != TARGET_COMPARTMENT)) {
            continue;
        }
        struct search_pair *pairs = NULL;
        size_t count = 0;
        const struct search_query *query = NULL;
        enum status status = query_pairs(&pairs, &count, entry->target.query, entry->path, scope);
        if (status == STATUS_OK) {
            const struct search_request request = {
                .type = entry->target.type,
                .compartment = {entry->target.owner,
                    entry->target.owner == FHIR_TYPE_NONE ? (struct text){0} : entry->target.id},
                .pairs = pairs,
                .pair_count = count,
                .handling = SEARCH_STRICT,
                .cursor_key = bundle->records->cursor_key,
                .count_default = bundle->records->page_default,
                .count_max = bundle->records->page_max,
            };
            status = search_parse(&query, bundle->records->search, &request, scope);
        }
        if (status != STATUS_OK) {
            return fault(scope, status, entry->path, "this entry is why nothing of the bundle was done");
        }
    }
    return STATUS_OK;
}

static enum status look_at_entries(struct bundle *bundle, struct scope *scope) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < bundle->condition_count && status == STATUS_OK; i++) {
        status = condition_look(bundle->conditions[i], bundle->records, scope);
    }
    return status;
}

enum { HINTS_MAX_US = 5000000 }; /* for all entries together; those behind say that it was done, no more */

/* What is told beside a success, if it was asked for: of each resource what a single create or update would say. */
static void take_hints(const struct bundle *bundle, struct scope *scope) {
    int64_t end_us = clock_monotonic_us() + HINTS_MAX_US;
    for (size_t i = 0; i < bundle->count && clock_monotonic_us() < end_us; i++) {
        struct bundle_entry *entry = &bundle->entries[i];
        bool writes = entry->method == BUNDLE_POST || entry->method == BUNDLE_PUT;
        if (writes && entry->operation == NULL && entry->resource != NULL && !entry->is_settled) {
            entry->answer.hints = hints_of(bundle->records, entry->resource, scope);
        }
    }
}

static enum status prepare_transaction(struct operation *op, const yyjson_val *root, struct scope *scope) {
    struct bundle *bundle = ARENA_NEW(scope->arena, struct bundle);
    op->note.what = "transaction";
    op->plan = bundle;
    op->apply = apply_transaction;
    enum status status = fhir_check(root, scope);
    if (status == STATUS_OK) {
        status = bundle_read(bundle, op->records, BUNDLE_TRANSACTION, root, scope);
        bundle->returns = op->request.returns;
        bundle->base = op->request.base;
    }
    if (status == STATUS_OK) {
        status = look_at_entries(bundle, scope);
    }
    if (status == STATUS_OK) {
        status = bundle_compose(bundle, scope);
    }
    if (status == STATUS_OK) {
        status = check_reads(bundle, scope);
    }
    if (status == STATUS_OK && bundle->returns == RECORDS_RETURN_OUTCOME) {
        take_hints(bundle, scope);
    }
    bool is_long = bundle->count > ANSWERED_IN_UNIT_MAX && bundle->returns != RECORDS_RETURN_REPRESENTATION;
    op->after = bundle->has_reads ? answer_after_reads : is_long ? answer_written : NULL;
    return status;
}

/* ---- batch ------------------------------------------------------------------------------------------------------ */

static enum status run_batch(struct operation *op, struct scope *scope) {
    enum status status = bundle_run_entries(op->plan, BUNDLE_ALL, &op->request.caller, scope);
    return status == STATUS_OK ? bundle_answer(&op->answer->body, op->plan, scope) : status;
}

static enum status prepare_batch(struct operation *op, const yyjson_val *root, struct scope *scope) {
    yyjson_val *entries = (yyjson_val *)json_get(root, "entry");
    struct bundle *bundle = ARENA_NEW(scope->arena, struct bundle);
    op->note.what = "batch";
    op->plan = bundle;
    op->after = run_batch;
    op->has_no_unit = true;
    if (entries != NULL && !yyjson_is_arr(entries)) {
        return fault(scope, STATUS_INVALID, "Bundle.entry", "an array is due here");
    }
    size_t count = yyjson_arr_size(entries);
    if (count > RECORDS_BUNDLE_ENTRIES_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "Bundle.entry", "a bundle may have at most %d entries",
            RECORDS_BUNDLE_ENTRIES_MAX);
    }
    *bundle = (struct bundle){
        .records = op->records,
        .kind = BUNDLE_BATCH,
        .returns = op->request.returns,
        .base = op->request.base,
        .entries = ARENA_ARRAY(scope->arena, struct bundle_entry, count + 1),
        .count = count,
    };
    yyjson_arr_iter items = yyjson_arr_iter_with(entries);
    for (size_t i = 0; i < count; i++) {
        struct scope own = {.arena = scope->arena};
        struct bundle_entry *entry = &bundle->entries[i];
        enum status status = bundle_read_entry(entry, op->records, yyjson_arr_iter_next(&items), i, &own);
        entry->answer.status = status;
        entry->fault = own.fault;
    }
    return STATUS_OK;
}

enum status bundle_prepare(struct operation *op, struct scope *scope) {
    struct text body = op->request.body;
    if (body.size > RECORDS_BODY_BYTES_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "", "a bundle may have at most %d bytes", RECORDS_BODY_BYTES_MAX);
    }
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(doc);
    if (!text_is(json_get_text(root, "resourceType"), "Bundle")) {
        return fault(scope, STATUS_INVALID, "resourceType", "a Bundle is due here");
    }
    struct text type = json_get_text(root, "type");
    if (text_is(type, "transaction")) {
        return prepare_transaction(op, root, scope);
    }
    if (text_is(type, "batch")) {
        return prepare_batch(op, root, scope);
    }
    return fault(scope, STATUS_INVALID, "Bundle.type", "only a transaction or a batch can be processed here");
}
