#include "search/edition.h"
#include "search/nearest.h"

/* Once other parameters are published, rows of those that left are dropped. A view that was open before still has them. */
static enum status check_tables_stand(
    const struct search *search, const struct search_query *query, struct scope *scope) {
    bool stand = !query->reads_uploads || search->keeper == NULL || search_edition(search) == query->search->edition;
    return stand ? STATUS_OK
                 : fault_coded(scope, STATUS_UNAVAILABLE, "transient", "",
                       "the uploaded search parameters have just changed; search again");
}

static enum status total_fill(
    struct search_result *out, const struct search_query *query, struct store_view *view, struct scope *scope) {
    if (query->has_cursor && query->cursor.has_total) {
        out->has_total = true;
        out->total = query->cursor.total;
        return STATUS_OK;
    }
    bool is_required = query->total == SEARCH_TOTAL_ACCURATE || query->summary == SEARCH_SUMMARY_COUNT;
    if (!is_required && query->total == SEARCH_TOTAL_NONE) {
        if (!query->has_cursor && out->matches.next.at == NULL) { /* all of it is here */
            out->has_total = true;
            out->total = out->matches.count;
        }
        return STATUS_OK;
    }
    struct scope trial = {.arena = scope->arena, .deadline_us = scope->deadline_us};
    enum status status = store_view_count(&out->total, view, query->plan, 0, &trial);
    out->has_total = status == STATUS_OK;
    if (status == STATUS_TOO_COSTLY && !is_required) {
        return STATUS_OK; /* an estimate is exact or absent */
    }
    fault_carry(scope, &trial.fault);
    return status;
}

static enum status page_fill(struct search_result *out, const struct search *search, const struct search_query *query,
    struct store_view *view, struct scope *scope) {
    struct store_query select = {
        .plan = query->plan, .sort_count = query->sort_count, .limit = query->count, .want = STORE_WANT_BODY};
    select.type = query->type == FHIR_TYPE_NONE ? 0 : fhir_resource_number(query->type);
    for (size_t i = 0; i < query->sort_count; i++) {
        select.sorts[i] = query->sorts[i];
    }
    if (query->has_cursor) {
        select.after = query->cursor.position;
    }
    enum status status = query->nearest.point_count > 0 ? nearest_select(&out->matches, query, &select, view, scope)
                                                        : store_view_select(&out->matches, view, &select, scope);
    return status == STATUS_OK ? include_run(out, search, query, view, scope) : status;
}

static enum status run_on(struct search_result *out, const struct search *search, const struct search_query *query,
    struct store_view *view, struct scope *scope) {
    enum status status = check_tables_stand(search, query, scope);
    *out = (struct search_result){.self = query->self,
        .self_count = query->self_count,
        .warnings = query->warnings,
        .sequence = store_view_sequence(view)};
    if (status == STATUS_OK && query->summary != SEARCH_SUMMARY_COUNT) {
        status = page_fill(out, query->search, query, view, scope);
    }
    if (status == STATUS_OK) {
        status = total_fill(out, query, view, scope);
    }
    if (status == STATUS_OK && out->matches.next.at != NULL) {
        const struct cursor cursor = {.sequence = out->sequence,
            .total = out->total,
            .has_total = out->has_total,
            .count = (uint32_t)query->count,
            .position = out->matches.next};
        out->cursor = cursor_write(query, &cursor, scope);
    }
    return status;
}

enum status search_run(
    struct search_result *out, const struct search *search, const struct search_query *query, struct scope *scope) {
    struct store_view *view = NULL;
    if (query->has_cursor && query->cursor.sequence < query->complete_at_seq) {
        return fault(scope, STATUS_GONE, "", "_cursor: a search parameter was indexed anew since; search again");
    }
    enum status status = store_view_open(&view, search->store, query->has_cursor ? query->cursor.sequence : 0, scope);
    if (status == STATUS_GONE && scope->fault.count == 0) {
        fault(scope, STATUS_GONE, "", "_cursor: it is too old; search again");
    }
    if (status == STATUS_OK) {
        status = run_on(out, search, query, view, scope);
    }
    store_view_close(view);
    return status;
}

enum status search_run_within(struct search_result *out, const struct search *search, const struct search_query *query,
    struct store_view *view, struct scope *scope) {
    invariant(!query->has_cursor);
    return run_on(out, search, query, view, scope);
}

enum status search_match(struct store_page *out, const struct search *search, const struct search_query *query,
    struct store_unit *unit, size_t limit, struct scope *scope) {
    *out = (struct store_page){0};
    if (query->has_control || query->has_cursor) {
        return fault(
            scope, STATUS_INVALID, "", "a condition holds filters only: nothing that sorts, counts, pages or includes");
    }
    enum status status = check_tables_stand(search, query, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct store_query select = {.plan = query->plan, .limit = limit, .want = STORE_WANT_IDENTITY};
    return store_unit_select(out, unit, &select, scope);
}
