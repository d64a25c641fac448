#include "records/operation.h"
#include "records/page.h"
#include "records/query.h"
#include "records/subset.h"

#include <string.h>

struct history_plan {
    struct store_history_query query;
    uint64_t sequence;
    int64_t at_end_us; /* _at: versions later than this are not asked for */
    bool has_at, wants_no_entries;
    struct text cursor;
    struct subset subset;
    struct page_frame frame;
    struct search_pair *self;
    size_t self_count;
};

/* ---- cursors ---------------------------------------------------------------------------------------------------- */

/* The sequence number of the first page and the store's own place, sealed for this path and these parameters. */
enum { SEQUENCE_BYTES = 8 };

static struct text history_path(const struct operation *op, struct arena *arena) {
    const struct records_request *request = &op->request;
    switch (request->interaction) {
    case RECORDS_HISTORY_INSTANCE:
        return text_format(
            arena, "%s/%.*s/_history", fhir_type_name(request->type), (int)request->id.size, request->id.at);
    case RECORDS_HISTORY_TYPE:
        return text_format(arena, "%s/_history", fhir_type_name(request->type));
    default:
        return TEXT("_history");
    }
}

static struct text cursor_purpose(const struct operation *op, const struct history_plan *plan, struct arena *arena) {
    struct buffer purpose = buffer_open(arena, SIZE_MAX);
    struct text path = history_path(op, arena);
    buffer_put_format(&purpose, "%zu:", path.size);
    buffer_put(&purpose, path);
    for (size_t i = 0; i < plan->self_count; i++) {
        const struct search_pair *pair = &plan->self[i];
        buffer_put_format(&purpose, "%zu,%zu:", pair->name.size, pair->value.size);
        buffer_put(&purpose, pair->name);
        buffer_put(&purpose, pair->value);
    }
    return buffer_text(&purpose);
}

static struct text write_cursor(const struct operation *op, const struct history_plan *plan, uint64_t sequence,
    struct text after, struct arena *arena) {
    struct buffer bytes = buffer_open(arena, SEAL_BYTES_MAX);
    for (int i = SEQUENCE_BYTES - 1; i >= 0; i--) {
        buffer_put_char(&bytes, (char)(sequence >> (8 * i) & 0xFF));
    }
    buffer_put(&bytes, after);
    return seal_close(arena, op->records->cursor_key, cursor_purpose(op, plan, arena), buffer_text(&bytes));
}

static enum status read_cursor(struct history_plan *plan, const struct operation *op, struct scope *scope) {
    struct text bytes = {0}, purpose = cursor_purpose(op, plan, scope->arena);
    if (!seal_open(&bytes, scope->arena, op->records->cursor_key, purpose, plan->cursor) ||
        bytes.size <= SEQUENCE_BYTES) {
        return fault(scope, STATUS_INVALID, "_cursor", "this server did not write it, or for another history");
    }
    for (size_t i = 0; i < SEQUENCE_BYTES; i++) {
        plan->sequence = plan->sequence << 8 | (unsigned char)bytes.at[i];
    }
    plan->query.after = (struct text){bytes.at + SEQUENCE_BYTES, bytes.size - SEQUENCE_BYTES};
    return STATUS_OK;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

typedef enum status take_parameter(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope);

static enum status take_since(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope) {
    struct fhir_interval since;
    if (!fhir_interval_parse(&since, value, records->zone_minutes)) {
        return fault(
            scope, STATUS_INVALID, "_since", "an instant, like 2026-11-22T09:00:00+09:00 (+ is written %%2B in a URL)");
    }
    plan->query.since_us = since.start_us;
    return STATUS_OK;
}

static enum status take_at(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope) {
    struct fhir_interval at;
    if (!fhir_interval_parse(&at, value, records->zone_minutes)) {
        return fault(scope, STATUS_INVALID, "_at", "a date or a time, like 2026-11-22");
    }
    plan->query.at_us = at.start_us;
    plan->at_end_us = at.end_us;
    plan->has_at = true;
    return STATUS_OK;
}

static enum status take_count(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope) {
    int64_t count = 0;
    if (!text_to_int64(&count, value) || count < 0) {
        return fault(scope, STATUS_INVALID, "_count", "a number, not negative");
    }
    plan->wants_no_entries = plan->wants_no_entries || count == 0;
    if (count > 0) {
        plan->query.limit = (uint64_t)count > records->page_max ? records->page_max : (size_t)count;
    }
    return STATUS_OK;
}

static enum status take_cursor(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope) {
    (void)records;
    (void)scope;
    plan->cursor = value.at == NULL ? TEXT("") : value;
    return STATUS_OK;
}

static enum status take_nothing(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope) {
    (void)plan;
    (void)records;
    (void)value;
    (void)scope;
    return STATUS_OK;
}

static enum status take_subset(struct history_plan *plan, const char *name, struct text value, struct scope *scope) {
    const struct search_pair pair = {text_from(name), value};
    struct subset one;
    enum status status = subset_parse(&one, fhir_resource_type(plan->query.type), &pair, 1, SEARCH_STRICT, scope);
    if (one.element_count > 0) {
        plan->subset.elements = one.elements;
        plan->subset.element_count = one.element_count;
    } else {
        plan->subset.summary = one.summary;
    }
    return status;
}

static enum status take_summary(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope) {
    (void)records;
    plan->wants_no_entries = plan->wants_no_entries || text_is(value, "count");
    return text_is(value, "count") ? STATUS_OK : take_subset(plan, "_summary", value, scope);
}

static enum status take_elements(
    struct history_plan *plan, const struct records *records, struct text value, struct scope *scope) {
    (void)records;
    return take_subset(plan, "_elements", value, scope);
}

static const struct {
    const char *name;
    take_parameter *take;
    enum { IN_SELF, NOT_IN_SELF } self;
} parameters[] = {
    {"_since", take_since, IN_SELF},
    {"_at", take_at, IN_SELF},
    {"_count", take_count, IN_SELF},
    {"_summary", take_summary, IN_SELF},
    {"_elements", take_elements, IN_SELF},
    {"_cursor", take_cursor, NOT_IN_SELF},
    {"_format", take_nothing, NOT_IN_SELF},
    {"_pretty", take_nothing, NOT_IN_SELF},
};

static enum status take_pair(
    struct history_plan *plan, const struct operation *op, const struct search_pair *pair, struct scope *scope) {
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (text_is(pair->name, parameters[i].name)) {
            if (parameters[i].self == IN_SELF) {
                plan->self[plan->self_count++] = *pair;
            }
            return parameters[i].take(plan, op->records, pair->value, scope);
        }
    }
    if (op->request.handling == SEARCH_LENIENT) {
        return STATUS_OK;
    }
    return fault(
        scope, STATUS_INVALID, "", "a history knows the parameters _since, _at, _count, _summary and _elements only");
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

static const char *method_name(enum store_method method) {
    switch (method) {
    case STORE_CREATED:
        return "POST";
    case STORE_UPDATED:
        return "PUT";
    case STORE_PATCHED:
        return "PATCH";
    case STORE_DELETED:
        break;
    }
    return "DELETE";
}

static void write_request(struct json_writer *w, const struct store_resource *version, struct arena *arena) {
    fhir_type type = fhir_resource_type(version->type);
    json_name(w, "request");
    json_object_open(w);
    json_member_string(w, "method", method_name(version->method));
    if (version->method == STORE_CREATED) {
        json_member_string(w, "url", fhir_type_name(type));
    } else {
        json_member_text(w, "url", page_location(arena, type, version->id, 0));
    }
    json_object_close(w);
}

static void write_response(struct json_writer *w, const struct store_resource *version, struct arena *arena) {
    char time[TIME_TEXT_SIZE];
    time_format_utc(time, version->updated_us);
    bool deleted = version->method == STORE_DELETED;
    json_name(w, "response");
    json_object_open(w);
    json_member_string(w, "status", deleted ? "204" : version->version == 1 ? "201" : "200");
    json_member_text(w, "etag", text_format(arena, "W/\"%u\"", version->version));
    json_member_string(w, "lastModified", time);
    json_object_close(w);
}

static enum status write_version(struct json_writer *w, struct operation *op, const struct history_plan *plan,
    const struct store_resource *version, struct scope *scope) {
    enum status status = STATUS_OK;
    audit_note_add(&op->note, scope->arena, fhir_resource_type(version->type), version->id);
    json_object_open(w);
    page_write_full_url(w, &plan->frame, version);
    if (version->method != STORE_DELETED) {
        struct text body = body_splice(scope->arena, version);
        if (!subset_is_whole(&plan->subset)) {
            status = subset_write(&body, &plan->subset, body, scope);
        }
        json_name(w, "resource");
        json_raw(w, body);
    }
    write_request(w, version, scope->arena);
    write_response(w, version, scope->arena);
    json_object_close(w);
    return status == STATUS_OK ? scope_check_deadline(scope) : status;
}

static bool is_asked(const struct history_plan *plan, const struct store_resource *version) {
    return !plan->has_at || version->updated_us < plan->at_end_us;
}

static size_t asked_of(const struct history_plan *plan, const struct store_page *page) {
    size_t asked = 0;
    for (size_t i = 0; i < page->count; i++) {
        asked += is_asked(plan, &page->at[i]);
    }
    return asked;
}

static enum status write_versions(struct json_writer *w, struct operation *op, const struct history_plan *plan,
    const struct store_page *page, struct scope *scope) {
    enum status status = STATUS_OK;
    if (asked_of(plan, page) == 0) {
        return status; /* an empty array is not FHIR */
    }
    json_name(w, "entry");
    json_array_open(w);
    for (size_t i = 0; i < page->count && status == STATUS_OK; i++) {
        if (is_asked(plan, &page->at[i])) {
            status = write_version(w, op, plan, &page->at[i], scope);
        }
    }
    json_array_close(w);
    return status;
}

/* Those current at or after the start of `_at`, without those that began after its end. */
static enum status count_versions(
    uint64_t *out, const struct history_plan *plan, struct store_view *view, struct scope *scope) {
    struct store_history_query query = plan->query;
    query.after = (struct text){0};
    enum status status = store_view_history_count(out, view, &query, scope);
    if (status != STATUS_OK || !plan->has_at || plan->at_end_us == INT64_MAX) {
        return status;
    }
    uint64_t later = 0;
    query.at_us = 0;
    query.since_us = query.since_us > plan->at_end_us ? query.since_us : plan->at_end_us;
    status = store_view_history_count(&later, view, &query, scope);
    *out = *out > later ? *out - later : 0;
    return status;
}

/* ---- the interaction -------------------------------------------------------------------------------------------- */

static enum status write_bundle(struct operation *op, const struct history_plan *plan, struct store_view *view,
    const struct store_page *page, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Bundle");
    json_member_string(&w, "type", "history");
    uint64_t total = 0;
    enum status status = count_versions(&total, plan, view, scope);
    if (status != STATUS_OK) {
        return status;
    }
    json_member_int(&w, "total", (int64_t)total);
    struct text path = history_path(op, scope->arena);
    bool has_next = page->next.at != NULL && !plan->wants_no_entries;
    const struct page_link links[] = {
        {.relation = "self", .path = path, .pairs = plan->self, .pair_count = plan->self_count},
        {
            .relation = "next",
            .path = path,
            .pairs = plan->self,
            .pair_count = plan->self_count,
            .cursor = has_next ? write_cursor(op, plan, store_view_sequence(view), page->next, scope->arena)
                               : (struct text){0},
        },
    };
    page_write_links(&w, &plan->frame, links, has_next ? 2 : 1, scope->arena);
    if (!plan->wants_no_entries) {
        status = write_versions(&w, op, plan, page, scope);
    }
    json_object_close(&w);
    return status == STATUS_OK ? json_finish(&op->answer->body, &w, scope) : status;
}

static enum status read_history(
    struct operation *op, struct history_plan *plan, struct store_view *view, struct scope *scope) {
    struct store_page page = {0};
    enum status status = store_view_history(&page, view, &plan->query, scope);
    while (status == STATUS_OK && asked_of(plan, &page) == 0 && page.next.at != NULL) {
        plan->query.after = page.next; /* all of it later than _at: no page for the client */
        status = scope_check_deadline(scope);
        if (status == STATUS_OK) {
            status = store_view_history(&page, view, &plan->query, scope);
        }
    }
    bool is_instance = op->request.interaction == RECORDS_HISTORY_INSTANCE;
    if (status == STATUS_NOT_FOUND && scope->fault.count == 0) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", fhir_type_name(op->request.type));
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (is_instance && page.count == 0) {
        struct store_resource known;
        status = store_view_get(&known, view, plan->query.type, plan->query.id, STORE_WANT_IDENTITY, scope);
        if (status == STATUS_NOT_FOUND) {
            return fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", fhir_type_name(op->request.type));
        }
    }
    return status == STATUS_OK ? write_bundle(op, plan, view, &page, scope) : status;
}

static enum status aim(struct history_plan *plan, const struct operation *op, struct scope *scope) {
    const struct records_request *request = &op->request;
    if (request->interaction != RECORDS_HISTORY_SYSTEM) {
        plan->query.type = fhir_resource_number(request->type);
        if (plan->query.type == 0) {
            return fault(scope, STATUS_NOT_FOUND, "", "no such resource type");
        }
    }
    if (request->interaction == RECORDS_HISTORY_INSTANCE) {
        plan->query.id = request->id;
        if (!fhir_id_is_valid(request->id)) {
            return fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", fhir_type_name(request->type));
        }
    }
    return STATUS_OK;
}

enum status history_prepare(struct operation *op, struct scope *scope) {
    struct history_plan plan = {
        .query = {.limit = op->records->page_default, .want = STORE_WANT_BODY},
        .subset = {.summary = SEARCH_SUMMARY_FALSE},
        .frame = page_frame_of(op->records, &op->request, scope->arena),
        .self = ARENA_ARRAY(scope->arena, struct search_pair, op->request.pair_count + 1),
    };
    enum status status = aim(&plan, op, scope);
    for (size_t i = 0; i < op->request.pair_count && status == STATUS_OK; i++) {
        status = take_pair(&plan, op, &op->request.pairs[i], scope);
    }
    if (status == STATUS_OK && plan.cursor.at != NULL) {
        status = read_cursor(&plan, op, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct store_view *view = NULL;
    status = store_view_open(&view, op->records->store, plan.sequence, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = read_history(op, &plan, view, scope);
    store_view_close(view);
    return status;
}
