#include "records/page.h"

#include "records/query.h"

enum { LINK_BYTES_MAX = 64 * 1024 };

struct text page_base_in_json(struct arena *arena, struct text base) {
    struct json_writer w = json_writer_open(arena, SIZE_MAX);
    struct scope scope = {.arena = arena};
    struct text out = {0};
    json_string_text(&w, text_format(arena, "%.*s/", (int)base.size, base.at));
    invariant(json_finish(&out, &w, &scope) == STATUS_OK);
    return (struct text){out.at, out.size - 1};
}

struct page_frame page_frame_of(
    const struct records *records, const struct records_request *request, struct arena *arena) {
    bool is_own = request->base.size == 0 || text_equal(request->base, records->own_base);
    return (struct page_frame){
        .base = is_own ? records->own_base : request->base,
        .base_in_json = is_own ? records->base_in_json : page_base_in_json(arena, request->base),
        .form = request->form,
        .form_count = request->form_count,
    };
}

/* `separator` becomes what stands before the next pair. */
static void put_pairs(struct buffer *url, char *separator, const struct search_pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        buffer_put_char(url, *separator);
        query_put(url, pairs[i].name);
        buffer_put_char(url, '=');
        query_put(url, pairs[i].value);
        *separator = '&';
    }
}

static struct text link_url(const struct page_frame *frame, const struct page_link *link, struct arena *arena) {
    struct buffer url = buffer_open(arena, LINK_BYTES_MAX);
    buffer_put(&url, frame->base);
    if (link->path.size > 0) {
        buffer_put_char(&url, '/');
        buffer_put(&url, link->path);
    }
    char separator = '?';
    put_pairs(&url, &separator, link->pairs, link->pair_count);
    put_pairs(&url, &separator, frame->form, frame->form_count);
    if (link->cursor.at != NULL) {
        buffer_put_char(&url, separator);
        buffer_put_string(&url, "_cursor=");
        query_put(&url, link->cursor);
    }
    return buffer_text(&url);
}

void page_write_links(struct json_writer *w, const struct page_frame *frame, const struct page_link *links,
    size_t count, struct arena *arena) {
    json_name(w, "link");
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        json_object_open(w);
        json_member_string(w, "relation", links[i].relation);
        json_member_text(w, "url", link_url(frame, &links[i], arena));
        json_object_close(w);
    }
    json_array_close(w);
}

/* An id needs no escaping. */
void page_write_full_url(struct json_writer *w, const struct page_frame *frame, const struct store_resource *resource) {
    json_name(w, "fullUrl");
    json_raw(w, frame->base_in_json);
    buffer_put_string(&w->buffer, fhir_type_name(fhir_resource_type(resource->type)));
    buffer_put_char(&w->buffer, '/');
    buffer_put(&w->buffer, resource->id);
    buffer_put_char(&w->buffer, '"');
}

struct json_writer page_writer_open(struct arena *arena, const struct search_result *result) {
    enum { HEAD_BYTES = 4096, ENTRY_BYTES = 256 };
    struct json_writer w = json_writer_open(arena, RECORDS_ANSWER_BYTES_MAX);
    size_t capacity = HEAD_BYTES;
    for (size_t i = 0; i < result->matches.count; i++) {
        capacity += result->matches.at[i].body.size + ENTRY_BYTES;
    }
    for (size_t i = 0; i < result->included_count; i++) {
        capacity += result->included[i].body.size + ENTRY_BYTES;
    }
    if (capacity < RECORDS_ANSWER_BYTES_MAX) {
        w.buffer.at = arena_bytes(arena, capacity);
        w.buffer.capacity = capacity;
    }
    return w;
}

/* A mode is one of FHIR's codes and needs no escaping. */
static void write_mode(struct json_writer *w, const char *mode) {
    json_name(w, "search");
    json_raw(w, TEXT("{\"mode\":\""));
    buffer_put_string(&w->buffer, mode);
    buffer_put(&w->buffer, TEXT("\"}"));
}

void page_write_entry(
    struct json_writer *w, const struct page_frame *frame, const struct store_resource *resource, const char *mode) {
    json_object_open(w);
    page_write_full_url(w, frame, resource);
    json_name(w, "resource");
    body_write(w, resource);
    write_mode(w, mode);
    json_object_close(w);
}

enum status page_write_part(struct json_writer *w, const struct page_frame *frame,
    const struct store_resource *resource, const char *mode, const struct subset *subset, struct scope *scope) {
    if (subset_is_whole(subset)) {
        page_write_entry(w, frame, resource, mode);
        return STATUS_OK;
    }
    struct text body = body_splice(scope->arena, resource);
    enum status status = subset_write(&body, subset, body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    json_object_open(w);
    page_write_full_url(w, frame, resource);
    json_name(w, "resource");
    json_raw(w, body);
    write_mode(w, mode);
    json_object_close(w);
    return STATUS_OK;
}

struct text page_location(struct arena *arena, fhir_type type, struct text id, uint32_t version) {
    const char *name = fhir_type_name(type);
    return version == 0 ? text_format(arena, "%s/%.*s", name, (int)id.size, id.at)
                        : text_format(arena, "%s/%.*s/_history/%u", name, (int)id.size, id.at, version);
}

/* ---- outcomes --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *code, *line;
} outcomes[] = {
    [STATUS_OK] = {"informational", "200 OK"},
    [STATUS_INVALID] = {"invalid", "400 Bad Request"},
    [STATUS_DENIED] = {"forbidden", "403 Forbidden"},
    [STATUS_NOT_FOUND] = {"not-found", "404 Not Found"},
    [STATUS_CONFLICT] = {"conflict", "409 Conflict"},
    [STATUS_GONE] = {"deleted", "410 Gone"},
    [STATUS_PRECONDITION] = {"conflict", "412 Precondition Failed"},
    [STATUS_TOO_LARGE] = {"too-long", "413 Content Too Large"},
    [STATUS_UNPROCESSABLE] = {"business-rule", "422 Unprocessable Content"},
    [STATUS_TOO_COSTLY] = {"too-costly", "403 Forbidden"},
    [STATUS_UNSUPPORTED] = {"not-supported", "501 Not Implemented"},
    [STATUS_FAILED] = {"exception", "500 Internal Server Error"},
    [STATUS_UNAVAILABLE] = {"transient", "503 Service Unavailable"},
    [STATUS_STORAGE_FULL] = {"no-store", "507 Insufficient Storage"},
};

const char *page_status_line(enum status status) {
    invariant((size_t)status < sizeof outcomes / sizeof *outcomes);
    return outcomes[status].line;
}

const char *page_issue_code(const struct issue *issue) {
    return issue->code != NULL ? issue->code : outcomes[issue->status].code;
}

static void write_issue(struct json_writer *w, const struct issue *issue, const char *severity) {
    json_object_open(w);
    json_member_string(w, "severity", severity);
    json_member_string(w, "code", page_issue_code(issue));
    json_member_string(w, "diagnostics", issue->text);
    if (issue->path != NULL && issue->path[0] != '\0') {
        json_name(w, "expression");
        json_array_open(w);
        json_string(w, issue->path);
        json_array_close(w);
    }
    json_object_close(w);
}

void page_write_outcome_of(struct json_writer *w, const struct page_issues *lists, size_t count) {
    json_object_open(w);
    json_member_string(w, "resourceType", "OperationOutcome");
    json_name(w, "issue");
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        for (const struct issue *issue = lists[i].first; issue != NULL; issue = issue->next) {
            write_issue(w, issue, lists[i].severity);
        }
    }
    json_array_close(w);
    json_object_close(w);
}

void page_write_outcome(struct json_writer *w, const struct issue *issues, const char *severity) {
    const struct page_issues list = {issues, severity};
    page_write_outcome_of(w, &list, 1);
}
