#include "records/body.h"

#include <string.h>

enum status body_read(
    const yyjson_val **out, fhir_type *type_out, struct text body, fhir_type expected, struct scope *scope) {
    if (body.size > RECORDS_RESOURCE_BYTES_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "", "a resource may have at most %d bytes", RECORDS_RESOURCE_BYTES_MAX);
    }
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(doc);
    fhir_type type = fhir_resource_type_of(root);
    if (type == FHIR_TYPE_NONE) {
        return fault(scope, STATUS_INVALID, "resourceType", "the body is not a resource of FHIR %s", FHIR_VERSION);
    }
    if (expected != FHIR_TYPE_NONE && type != expected) {
        return fault(scope, STATUS_INVALID, "resourceType", "the body is a %s where a %s is due", fhir_type_name(type),
            fhir_type_name(expected));
    }
    status = fhir_check(root, scope);
    if (status == STATUS_OK) {
        *out = root;
        if (type_out != NULL) {
            *type_out = type;
        }
    }
    return status;
}

/* ---- the normal form -------------------------------------------------------------------------------------------- */

/* What the server says of a version itself is not taken from the client. */
static bool is_of_server(struct text member) {
    static const char *const names[] = {"versionId", "lastUpdated", "_versionId", "_lastUpdated"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_is(member, names[i])) {
            return true;
        }
    }
    return false;
}

static void write_meta(size_t *gap_out, struct json_writer *w, const yyjson_val *meta) {
    json_name(w, "meta");
    json_object_open(w);
    *gap_out = w->buffer.size;
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)meta);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        if (!is_of_server(json_text(name))) {
            json_name_text(w, json_text(name));
            json_value(w, yyjson_obj_iter_get_val(name));
        }
    }
    json_object_close(w);
}

static void write_id(struct json_writer *w, struct text id) {
    json_name(w, "id");
    json_string_text(w, id);
}

/* Members keep their places. An id that was not there follows resourceType, a meta that was not there the id. */
static void write_normal(size_t *gap_out, struct json_writer *w, const yyjson_val *resource, struct text id) {
    bool has_id = json_get(resource, "id") != NULL;
    bool has_meta = yyjson_is_obj((yyjson_val *)json_get(resource, "meta"));
    json_object_open(w);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)resource);
    for (yyjson_val *key = NULL; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        struct text name = json_text(key);
        const yyjson_val *value = yyjson_obj_iter_get_val(key);
        bool is_id = text_is(name, "id");
        if (text_is(name, "meta") && has_meta) {
            write_meta(gap_out, w, value);
        } else if (!is_id) {
            json_name_text(w, name);
            json_value(w, value);
        }
        if (is_id || (text_is(name, "resourceType") && !has_id)) {
            write_id(w, id);
            if (!has_meta) {
                write_meta(gap_out, w, NULL);
            }
        }
    }
    json_object_close(w);
}

/* ---- references of the strict policy ---------------------------------------------------------------------------- */

struct gathering {
    const struct records *records;
    struct local_reference *first;
};

static enum status gather(struct text *out, void *context, enum fhir_link_kind kind, struct text value,
    const char *path, struct scope *scope) {
    struct gathering *gathering = context;
    struct fhir_reference reference;
    *out = (struct text){0};
    if (kind == FHIR_LINK_REFERENCE && fhir_reference_parse(&reference, value, gathering->records->own_base) &&
        reference.kind == FHIR_REFERENCE_LOCAL) {
        struct local_reference *local = ARENA_NEW(scope->arena, struct local_reference);
        *local = (struct local_reference){
            .next = gathering->first,
            .type = reference.type,
            .id = text_copy(scope->arena, reference.id),
            .path = text_string(scope->arena, text_from(path)),
        };
        gathering->first = local;
    }
    return STATUS_OK;
}

static enum status gather_references(struct draft *draft, const struct records *records, struct scope *scope) {
    if (records->references != RECORDS_REFERENCES_STRICT) {
        return STATUS_OK;
    }
    struct gathering gathering = {.records = records};
    struct json_writer unused = json_writer_open(scope->arena, SIZE_MAX);
    enum status status = fhir_write_rewritten(&unused, draft->root, gather, &gathering, scope);
    draft->references = gathering.first;
    return status;
}

/* ---- drafts ----------------------------------------------------------------------------------------------------- */

enum status draft_make(
    struct draft *out, const struct records *records, const yyjson_val *resource, struct text id, struct scope *scope) {
    struct draft draft = {.type = fhir_resource_type_of(resource), .id = id};
    invariant(draft.type != FHIR_TYPE_NONE && fhir_id_is_valid(id));
    struct json_writer w = json_writer_open(scope->arena, RECORDS_RESOURCE_BYTES_MAX);
    size_t gap = 0;
    write_normal(&gap, &w, resource, id);
    enum status status = json_finish(&draft.json, &w, scope);
    if (status != STATUS_OK) {
        return status;
    }
    draft.gap = (uint32_t)gap;
    yyjson_doc *doc = NULL;
    status = json_read(&doc, draft.json, scope);
    if (status != STATUS_OK) {
        return status;
    }
    draft.root = yyjson_doc_get_root(doc);
    status = search_extract_edition(&draft.rows, &draft.row_count, &draft.edition, records->search, draft.root, scope);
    if (status == STATUS_OK) {
        status = gather_references(&draft, records, scope);
    }
    if (status == STATUS_OK) {
        status = store_body_pack(&draft.packed, records->store, draft.json, draft.gap, scope);
    }
    if (status == STATUS_OK) {
        *out = draft;
    }
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct text body_splice_parts(
    struct arena *arena, struct text json, uint32_t gap, uint32_t version, int64_t updated_us) {
    invariant(gap > 0 && gap < json.size);
    char time[TIME_TEXT_SIZE];
    time_format_utc(time, updated_us);
    const char *comma = json.at[gap] == '}' ? "" : ",";
    struct text said = text_format(arena, "\"versionId\":\"%u\",\"lastUpdated\":\"%s\"%s", version, time, comma);
    char *at = arena_bytes(arena, json.size + said.size + 1);
    memcpy(at, json.at, gap);
    memcpy(at + gap, said.at, said.size);
    memcpy(at + gap + said.size, json.at + gap, json.size - gap);
    at[json.size + said.size] = '\0';
    return (struct text){at, json.size + said.size};
}

struct text body_splice(struct arena *arena, const struct store_resource *resource) {
    return body_splice_parts(arena, resource->body, resource->gap, resource->version, resource->updated_us);
}

static void put_number(struct buffer *buffer, uint32_t number) {
    char digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_put(buffer, (struct text){digits + at, sizeof digits - at});
}

void body_write(struct json_writer *w, const struct store_resource *resource) {
    struct text json = resource->body;
    size_t gap = resource->gap;
    invariant(gap > 0 && gap < json.size);
    char time[TIME_TEXT_SIZE];
    time_format_utc(time, resource->updated_us);
    json_raw(w, (struct text){json.at, gap});
    buffer_put(&w->buffer, TEXT("\"versionId\":\""));
    put_number(&w->buffer, resource->version);
    buffer_put(&w->buffer, TEXT("\",\"lastUpdated\":\""));
    buffer_put_string(&w->buffer, time);
    buffer_put(&w->buffer, json.at[gap] == '}' ? TEXT("\"") : TEXT("\","));
    buffer_put(&w->buffer, (struct text){json.at + gap, json.size - gap});
}

enum status body_parse(const yyjson_val **out, const struct store_resource *resource, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body_splice(scope->arena, resource), scope);
    if (status == STATUS_OK) {
        *out = yyjson_doc_get_root(doc);
    }
    return status;
}
