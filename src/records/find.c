#include "records/explain.h"
#include "records/operation.h"
#include "records/page.h"

/* How a search's page becomes a Bundle. */
struct page_writing {
    struct json_writer w;
    struct page_frame frame;
    struct subset subset;
    struct audit_note *note;
    struct scope *scope;
};

static enum status write_entry(
    struct page_writing *page, const struct store_resource *resource, const char *mode, const struct subset *subset) {
    audit_note_add(page->note, page->scope->arena, fhir_resource_type(resource->type), resource->id);
    enum status status = page_write_part(&page->w, &page->frame, resource, mode, subset, page->scope);
    return status == STATUS_OK ? scope_check_deadline(page->scope) : status;
}

static void write_outcome_entry(struct json_writer *w, const struct issue *issues) {
    json_object_open(w);
    json_name(w, "resource");
    page_write_outcome(w, issues, "warning");
    json_name(w, "search");
    json_object_open(w);
    json_member_string(w, "mode", "outcome");
    json_object_close(w);
    json_object_close(w);
}

static enum status write_entries(struct page_writing *page, const struct search_result *result) {
    if (result->matches.count + result->included_count == 0 && result->warnings == NULL) {
        return STATUS_OK; /* an empty array is not FHIR */
    }
    enum status status = STATUS_OK;
    json_name(&page->w, "entry");
    json_array_open(&page->w);
    for (size_t i = 0; i < result->matches.count && status == STATUS_OK; i++) {
        status = write_entry(page, &result->matches.at[i], "match", &page->subset);
    }
    /* _elements is about the resources asked for; _summary is about all of the answer. */
    const struct subset included = {
        .summary = page->subset.element_count > 0 ? SEARCH_SUMMARY_FALSE : page->subset.summary};
    for (size_t i = 0; i < result->included_count && status == STATUS_OK; i++) {
        status = write_entry(page, &result->included[i], "include", &included);
    }
    if (result->warnings != NULL) {
        write_outcome_entry(&page->w, result->warnings);
    }
    json_array_close(&page->w);
    return status;
}

static struct text search_path(const struct records_request *request, struct arena *arena) {
    const char *type = request->type == FHIR_TYPE_NONE ? NULL : fhir_type_name(request->type);
    if (request->compartment.type == FHIR_TYPE_NONE) {
        return text_from(type);
    }
    struct text id = request->compartment.id;
    return text_format(
        arena, "%s/%.*s/%s", fhir_type_name(request->compartment.type), (int)id.size, id.at, type == NULL ? "*" : type);
}

static enum status write_page(
    struct operation *op, const struct search_query *query, const struct search_result *result, struct scope *scope) {
    struct page_writing page = {
        .w = page_writer_open(scope->arena, result),
        .frame = page_frame_of(op->records, &op->request, scope->arena),
        .subset = {.summary = search_query_summary(query)},
        .note = &op->note,
        .scope = scope,
    };
    page.subset.elements = search_query_elements(&page.subset.element_count, query);
    struct text path = search_path(&op->request, scope->arena);
    const struct page_link links[] = {
        {.relation = "self", .path = path, .pairs = result->self, .pair_count = result->self_count},
        {.relation = "next",
            .path = path,
            .pairs = result->self,
            .pair_count = result->self_count,
            .cursor = result->cursor},
    };
    struct json_writer *w = &page.w;
    json_object_open(w);
    json_member_string(w, "resourceType", "Bundle");
    json_member_string(w, "type", "searchset");
    if (result->has_total) {
        json_member_int(w, "total", (int64_t)result->total);
    }
    page_write_links(w, &page.frame, links, result->cursor.at == NULL ? 1 : 2, scope->arena);
    enum status status = STATUS_OK;
    if (page.subset.summary != SEARCH_SUMMARY_COUNT) {
        status = write_entries(&page, result);
    }
    json_object_close(w);
    return status == STATUS_OK ? json_finish(&op->answer->body, w, scope) : status;
}

static bool is_of_format(struct text name) {
    return text_is(name, "_format") || text_is(name, "_pretty");
}

/* How the answer is written down is not a matter of searching. */
static void leave_out_formats(struct search_request *request, struct scope *scope) {
    struct search_pair *pairs = ARENA_ARRAY(scope->arena, struct search_pair, request->pair_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < request->pair_count; i++) {
        if (!is_of_format(request->pairs[i].name)) {
            pairs[count++] = request->pairs[i];
        }
    }
    request->pairs = pairs;
    request->pair_count = count;
}

enum status find_prepare(struct operation *op, struct scope *scope) {
    const struct records_request *asked = &op->request;
    struct search_request request = {
        .type = asked->type,
        .compartment = {asked->compartment.type, asked->compartment.id},
        .pairs = asked->pairs,
        .pair_count = asked->pair_count,
        .handling = asked->handling,
        .cursor_key = op->records->cursor_key,
        .count_default = op->records->page_default,
        .count_max = op->records->page_max,
    };
    bool explains = false;
    leave_out_formats(&request, scope);
    enum status status = explain_take(&explains, &request, &asked->caller, scope);
    if (asked->compartment.type != FHIR_TYPE_NONE) {
        audit_note_add(&op->note, scope->arena, asked->compartment.type, asked->compartment.id);
    }
    const struct search_query *query = NULL;
    struct search_result result = {0};
    int64_t began_us = explains ? clock_monotonic_us() : 0;
    if (status == STATUS_OK) {
        status = search_parse(&query, op->records->search, &request, scope);
    }
    if (status == STATUS_OK && explains) {
        return explain_answer(op, query, clock_monotonic_us() - began_us, search_path(asked, scope->arena), scope);
    }
    if (status == STATUS_OK) {
        status = search_run(&result, op->records->search, query, scope);
    }
    return status == STATUS_OK ? write_page(op, query, &result, scope) : status;
}

/* ---- for upper modules ------------------------------------------------------------------------------------------ */

/* Reads for code and not for a client: the resources come parsed, and one row says which. */
struct inner_find {
    struct find_request request;
    struct text id; /* none: by pairs */
    const yyjson_val **found;
    size_t count;
};

static enum status find_one(
    struct operation *op, struct inner_find *find, struct store_view *view, struct scope *scope) {
    struct store_resource resource = {0};
    uint16_t type = fhir_resource_number(op->request.type);
    enum status status = store_view_get(&resource, view, type, find->id, STORE_WANT_BODY, scope);
    if (status == STATUS_OK && resource.method == STORE_DELETED) {
        status = STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK) {
        find->found = ARENA_ARRAY(scope->arena, const yyjson_val *, 1);
        find->count = 1;
        status = body_parse(&find->found[0], &resource, scope);
    }
    return status;
}

enum status find_within(const yyjson_val ***out, size_t *count_out, struct operation *op, struct store_view *view,
    const struct find_request *find, struct scope *scope) {
    const struct search_request request = {
        .type = find->type,
        .pairs = find->pairs,
        .pair_count = find->pair_count,
        .handling = SEARCH_STRICT,
        .cursor_key = op->records->cursor_key,
        .count_default = find->limit,
        .count_max = find->limit,
    };
    const struct search_query *query = NULL;
    struct search_result result = {0};
    enum status status = search_parse(&query, op->records->search, &request, scope);
    if (status == STATUS_OK) {
        status = search_run_within(&result, op->records->search, query, view, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    size_t count = result.matches.count + result.included_count;
    const yyjson_val **found = ARENA_ARRAY(scope->arena, const yyjson_val *, count + 1);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct store_resource *resource =
            i < result.matches.count ? &result.matches.at[i] : &result.included[i - result.matches.count];
        audit_note_add(&op->note, scope->arena, fhir_resource_type(resource->type), resource->id);
        status = body_parse(&found[i], resource, scope);
    }
    *out = found;
    *count_out = count;
    return status;
}

static enum status inner_prepare(struct operation *op, struct scope *scope) {
    struct inner_find *find = op->plan;
    struct store_view *view = NULL;
    enum status status = store_view_open(&view, op->records->store, 0, scope);
    if (status == STATUS_OK) {
        status = find->id.at != NULL ? find_one(op, find, view, scope)
                                     : find_within(&find->found, &find->count, op, view, &find->request, scope);
    }
    store_view_close(view);
    return status;
}

static enum status run_inner(
    struct inner_find *find, struct records *records, const struct records_caller *caller, struct scope *scope) {
    struct waiter *waiter = waiter_open();
    if (waiter == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later");
    }
    struct records_answer answer;
    const struct records_request request = {
        .interaction = find->id.at != NULL ? RECORDS_READ : RECORDS_SEARCH,
        .caller = *caller,
        .type = find->request.type,
        .id = find->id,
        .pairs = find->request.pairs,
        .pair_count = find->request.pair_count,
    };
    struct operation *op = NULL;
    enum status status = operation_open(&op, &answer, records, &request, scope);
    if (status != STATUS_OK) {
        waiter_close(waiter);
        return status;
    }
    op->prepare = inner_prepare;
    op->plan = find;
    op->done = waiter_signal;
    op->done_context = waiter;
    operation_start(op);
    waiter_wait(waiter);
    waiter_close(waiter);
    return answer.status;
}

enum status records_read(const yyjson_val **out, struct records *records, const struct records_caller *caller,
    fhir_type type, struct text id, struct scope *scope) {
    struct inner_find find = {.request = {.type = type}, .id = id.at == NULL ? TEXT("") : id};
    enum status status = run_inner(&find, records, caller, scope);
    if (status == STATUS_OK) {
        *out = find.found[0];
    }
    return status;
}

/* NOLINTNEXTLINE(readability-function-size): one argument over eight, as declared */
enum status records_find(const yyjson_val ***out, size_t *count_out, struct records *records,
    const struct records_caller *caller, fhir_type type, const struct search_pair *pairs, size_t pair_count,
    size_t limit, struct scope *scope) {
    struct inner_find find = {.request = {.type = type, .pairs = pairs, .pair_count = pair_count, .limit = limit}};
    enum status status = run_inner(&find, records, caller, scope);
    if (status == STATUS_OK) {
        *out = find.found;
        *count_out = find.count;
    }
    return status;
}
