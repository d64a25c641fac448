#include "records/bundle.h"

#include "records/page.h"

#include <string.h>

/* ---- one entry's request ---------------------------------------------------------------------------------------- */

enum target_bit { TO_TYPE = 1, TO_TYPE_BY_QUERY = 2, TO_INSTANCE = 4, TO_ANY = 8 };

static const struct {
    const char *name;
    enum bundle_method method;
    unsigned targets;
    enum { WITHOUT_RESOURCE, WITH_RESOURCE } resource;
} requests[] = {
    {"DELETE", BUNDLE_DELETE, TO_INSTANCE | TO_TYPE_BY_QUERY, WITHOUT_RESOURCE},
    {"POST", BUNDLE_POST, TO_TYPE, WITH_RESOURCE},
    {"PUT", BUNDLE_PUT, TO_INSTANCE | TO_TYPE_BY_QUERY, WITH_RESOURCE},
    {"PATCH", BUNDLE_PATCH, TO_INSTANCE | TO_TYPE_BY_QUERY, WITH_RESOURCE},
    {"GET", BUNDLE_GET, TO_ANY, WITHOUT_RESOURCE},
    {"HEAD", BUNDLE_GET, TO_ANY, WITHOUT_RESOURCE},
};

static unsigned target_bit(const struct target *target) {
    switch (target->kind) {
    case TARGET_TYPE:
        return target->has_query ? TO_TYPE_BY_QUERY : TO_TYPE;
    case TARGET_INSTANCE:
        return target->has_query ? 0 : TO_INSTANCE;
    default:
        return 0;
    }
}

static enum status check_resource(const struct bundle_entry *entry, struct scope *scope) {
    if (!yyjson_is_obj((yyjson_val *)entry->resource)) {
        return fault(scope, STATUS_INVALID, entry->path, "the entry's method needs a resource");
    }
    if (entry->method == BUNDLE_PATCH) {
        return STATUS_OK;
    }
    fhir_type type = fhir_resource_type_of(entry->resource);
    if (type == FHIR_TYPE_NONE || type != entry->target.type) {
        return fault(scope, STATUS_INVALID, entry->path, "the entry's resource is not of the type that its URL names");
    }
    struct text id = json_get_text(entry->resource, "id");
    if (entry->method == BUNDLE_PUT && entry->target.kind == TARGET_INSTANCE && !text_equal(id, entry->target.id)) {
        return fault(scope, STATUS_INVALID, entry->path, "the id of the entry's resource is not the id of its URL");
    }
    return STATUS_OK;
}

/* What only reads takes its turn with the readings. */
static enum status read_operation(
    struct bundle_entry *entry, const struct records *records, struct text method, struct scope *scope) {
    const struct target *target = &entry->target;
    entry->operation = records_operation_find(records, target->operation, target->type, target->id, target->version);
    if (entry->operation == NULL) {
        return records_operation_missing(records, target->operation, entry->path, scope);
    }
    bool reads = entry->operation->effect == RECORDS_OPERATION_READS;
    entry->method = reads ? BUNDLE_GET : BUNDLE_POST;
    if (text_is(method, "POST") || (reads && text_is(method, "GET"))) {
        return STATUS_OK;
    }
    return fault(
        scope, STATUS_INVALID, entry->path, "the entry's operation is called by POST%s", reads ? " or GET" : "");
}

static enum status read_request(
    struct bundle_entry *entry, const struct records *records, const yyjson_val *request, struct scope *scope) {
    struct text method = json_get_text(request, "method"), url = json_get_text(request, "url");
    if (method.at == NULL || url.at == NULL) {
        return fault(scope, STATUS_INVALID, entry->path, "the entry needs a request with method and url");
    }
    entry->if_match = json_get_text(request, "ifMatch");
    entry->if_none_match = json_get_text(request, "ifNoneMatch");
    entry->if_none_exist = json_get_text(request, "ifNoneExist");
    entry->if_modified_since = json_get_text(request, "ifModifiedSince");
    enum status status = target_parse(&entry->target, url, records->own_base, entry->path, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (entry->target.kind == TARGET_OPERATION) {
        return read_operation(entry, records, method, scope);
    }
    entry->is_head = text_is(method, "HEAD");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (!text_is(method, requests[i].name)) {
            continue;
        }
        entry->method = requests[i].method;
        if ((requests[i].targets & (target_bit(&entry->target) | TO_ANY)) == 0) {
            return fault(scope, STATUS_INVALID, entry->path, "%s is not possible on the entry's URL", requests[i].name);
        }
        return requests[i].resource == WITH_RESOURCE ? check_resource(entry, scope) : STATUS_OK;
    }
    return fault(
        scope, STATUS_INVALID, entry->path, "the request's method must be GET, HEAD, POST, PUT, PATCH or DELETE");
}

enum status bundle_read_entry(struct bundle_entry *out, const struct records *records, const yyjson_val *value,
    size_t index, struct scope *scope) {
    *out = (struct bundle_entry){
        .index = index,
        .path = text_string(scope->arena, text_format(scope->arena, "Bundle.entry[%zu]", index)),
        .full_url = json_get_text(value, "fullUrl"),
        .resource = json_get(value, "resource"),
    };
    return read_request(out, records, json_get(value, "request"), scope);
}

/* ---- an import's entries ---------------------------------------------------------------------------------------- */

static const char *const urn_prefixes[] = {"urn:uuid:", "urn:oid:"};

/* The same bundle imported twice gives the same identities: the resource's own id, else the one in its urn. */
static struct text imported_id(const struct bundle_entry *entry) {
    struct text id = json_get_text(entry->resource, "id");
    for (size_t i = 0; id.size == 0 && i < 2; i++) {
        struct text prefix = text_from(urn_prefixes[i]);
        if (text_starts(entry->full_url, urn_prefixes[i])) {
            id = (struct text){entry->full_url.at + prefix.size, entry->full_url.size - prefix.size};
        }
    }
    return fhir_id_is_valid(id) ? id : (struct text){0};
}

static bool has_char(struct text text, char c) {
    return text.size > 0 && memchr(text.at, c, text.size) != NULL;
}

/* Bundles of any kind are imported: what asks for a deletion is deleted, what only reads, and what calls an operation, is passed over, and all else is put. */
static enum status read_imported(bool *wanted, struct bundle_entry *out, const struct records *records,
    const yyjson_val *value, size_t index, struct scope *scope) {
    const yyjson_val *request = json_get(value, "request");
    struct text method = json_get_text(request, "method");
    fhir_type type = fhir_resource_type_of(json_get(value, "resource"));
    *wanted = true;
    if (text_is(method, "DELETE") || text_is(method, "PUT") || text_is(method, "PATCH")) {
        return bundle_read_entry(out, records, value, index, scope);
    }
    bool is_call = has_char(json_get_text(request, "url"), '$');
    if (type == FHIR_TYPE_NONE || is_call || text_is(json_get_text(json_get(value, "search"), "mode"), "outcome")) {
        *wanted = false;
        return STATUS_OK;
    }
    *out = (struct bundle_entry){
        .index = index,
        .path = text_string(scope->arena, text_format(scope->arena, "Bundle.entry[%zu]", index)),
        .method = BUNDLE_POST,
        .target = {.kind = TARGET_TYPE, .type = type},
        .full_url = json_get_text(value, "fullUrl"),
        .resource = json_get(value, "resource"),
        .if_none_exist = json_get_text(request, "ifNoneExist"),
    };
    out->new_id = imported_id(out);
    return STATUS_OK;
}

/* ---- conditions ------------------------------------------------------------------------------------------------- */

void bundle_add_condition(struct bundle *bundle, struct condition *condition, struct arena *arena) {
    if (bundle->condition_count == bundle->condition_capacity) {
        size_t capacity = bundle->condition_capacity == 0 ? 16 : 2 * bundle->condition_capacity;
        bundle->conditions = arena_resize(arena, bundle->conditions,
            bundle->condition_capacity * sizeof *bundle->conditions, capacity * sizeof *bundle->conditions);
        bundle->condition_capacity = capacity;
    }
    bundle->conditions[bundle->condition_count++] = condition;
}

static enum status open_entry_condition(struct bundle *bundle, struct bundle_entry *entry, struct scope *scope) {
    bool by_query = entry->method != BUNDLE_GET && entry->target.kind == TARGET_TYPE && entry->target.has_query;
    struct text query = by_query ? entry->target.query : entry->if_none_exist;
    if (!by_query && (entry->method != BUNDLE_POST || query.size == 0)) {
        return STATUS_OK;
    }
    entry->condition = ARENA_NEW(scope->arena, struct condition);
    enum status status =
        condition_open(entry->condition, bundle->records, entry->target.type, query, entry->path, scope);
    if (status != STATUS_OK) {
        return status;
    }
    entry->condition->text = query;
    bundle_add_condition(bundle, entry->condition, scope->arena);
    return STATUS_OK;
}

/* ---- all entries ------------------------------------------------------------------------------------------------ */

static enum status admit(struct bundle *bundle, struct bundle_entry *entry, struct scope *scope) {
    if (entry->method == BUNDLE_GET) {
        bundle->has_reads = true;
        return STATUS_OK;
    }
    if (entry->operation != NULL) {
        return fault(scope, STATUS_UNSUPPORTED, entry->path, "in a transaction an operation may only read");
    }
    bundle->writes_type[fhir_resource_number(entry->target.type)] = true;
    if (entry->full_url.size > 0 && !map_add(&bundle->full_urls, entry->full_url, bundle->count)) {
        return fault_coded(scope, STATUS_INVALID, "duplicate", entry->path, "another entry has the same fullUrl");
    }
    if (entry->method != BUNDLE_DELETE && entry->new_id.size == 0) {
        char id[ID_TEXT_SIZE];
        id_new(id, bundle->records->clock);
        entry->new_id = text_copy(scope->arena, text_from(id));
    }
    return open_entry_condition(bundle, entry, scope);
}

enum status bundle_read(
    struct bundle *out, struct records *records, enum bundle_kind kind, const yyjson_val *root, struct scope *scope) {
    yyjson_val *entries = (yyjson_val *)json_get(root, "entry");
    size_t count = yyjson_arr_size(entries);
    if (count > RECORDS_BUNDLE_ENTRIES_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "Bundle.entry", "a bundle may have at most %d entries",
            RECORDS_BUNDLE_ENTRIES_MAX);
    }
    *out = (struct bundle){
        .records = records,
        .kind = kind,
        .entries = ARENA_ARRAY(scope->arena, struct bundle_entry, count + 1),
        .references = map_open(scope->arena, 0),
        .full_urls = map_open(scope->arena, count),
        .writes_type = ARENA_ARRAY(scope->arena, bool, (size_t)fhir_resource_count() + 1),
    };
    yyjson_arr_iter items = yyjson_arr_iter_with(entries);
    enum status status = STATUS_OK;
    size_t index = 0;
    for (yyjson_val *item = NULL; status == STATUS_OK && (item = yyjson_arr_iter_next(&items)) != NULL; index++) {
        struct bundle_entry *entry = &out->entries[out->count];
        bool wanted = true;
        status = kind == BUNDLE_IMPORT ? read_imported(&wanted, entry, records, item, index, scope)
                                       : bundle_read_entry(entry, records, item, index, scope);
        if (status == STATUS_OK && wanted) {
            status = admit(out, entry, scope);
            out->count++;
        }
    }
    return status;
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static const char *entry_status_line(const struct bundle_entry *entry) {
    const struct records_answer *answer = &entry->answer;
    if (answer->status != STATUS_OK) {
        return page_status_line(answer->status);
    }
    if (answer->created) {
        return "201 Created";
    }
    if (answer->not_modified) {
        return "304 Not Modified";
    }
    return entry->method == BUNDLE_DELETE ? "204 No Content" : "200 OK";
}

static void write_done(struct json_writer *w) {
    const struct issue done = {.status = STATUS_OK, .path = "", .text = "done"};
    json_name(w, "outcome");
    page_write_outcome(w, &done, "information");
}

static void write_response(
    struct json_writer *w, const struct bundle *bundle, const struct bundle_entry *entry, struct arena *arena) {
    const struct records_answer *answer = &entry->answer;
    json_object_open(w);
    json_member_string(w, "status", entry_status_line(entry));
    if (answer->status == STATUS_OK && answer->version != 0) {
        char time[TIME_TEXT_SIZE];
        time_format_utc(time, answer->updated_us);
        if (entry->method != BUNDLE_GET) {
            json_member_text(w, "location", page_location(arena, answer->type, answer->id, answer->version));
        }
        json_member_text(w, "etag", text_format(arena, "W/\"%u\"", answer->version));
        json_member_string(w, "lastModified", time);
    }
    if (answer->status != STATUS_OK) {
        json_name(w, "outcome");
        page_write_outcome(w, entry->fault.first, "error");
    } else if (bundle->returns == RECORDS_RETURN_OUTCOME && entry->method != BUNDLE_GET) {
        if (answer->hints.size > 0) {
            json_name(w, "outcome");
            json_raw(w, answer->hints);
        } else {
            write_done(w);
        }
    }
    json_object_close(w);
}

enum status bundle_answer(struct text *out, struct bundle *bundle, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Bundle");
    json_member_string(&w, "type", bundle->kind == BUNDLE_BATCH ? "batch-response" : "transaction-response");
    if (bundle->count > 0) {
        json_name(&w, "entry");
        json_array_open(&w);
    }
    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_entry *entry = &bundle->entries[i];
        json_object_open(&w);
        if (entry->answer.body.size > 0 && !entry->is_head) {
            json_name(&w, "resource");
            json_raw(&w, entry->answer.body);
        }
        json_name(&w, "response");
        write_response(&w, bundle, entry, scope->arena);
        json_object_close(&w);
    }
    if (bundle->count > 0) {
        json_array_close(&w);
    }
    json_object_close(&w);
    return json_finish(out, &w, scope);
}
