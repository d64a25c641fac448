/* $reindex-status: which uploaded search parameters are served, and how far their indexes are. */
#include "records/reindex.h"

/* One answer while it is written. */
struct telling {
    struct records *records;
    struct json_writer w;
    const struct store_edition *editions; /* counted in one view */
    size_t edition_count;
    struct scope *scope;
};

static enum status end_as(void *context, struct records_unit *unit, struct scope *scope) {
    (void)unit;
    (void)scope;
    return *(const enum status *)context;
}

static enum status count(struct telling *telling, struct store_view *view) {
    struct store_edition *editions = NULL;
    enum status status = store_view_editions(&editions, &telling->edition_count, view, telling->scope);
    telling->editions = editions;
    return status;
}

/* ---- parameters ---------------------------------------------------------------------------------------------------- */

static void write_text(struct json_writer *w, const char *name, const char *value_name, struct text value) {
    json_object_open(w);
    json_member_string(w, "name", name);
    json_member_text(w, value_name, value);
    json_object_close(w);
}

static void write_number(struct json_writer *w, const char *name, uint64_t number) {
    json_object_open(w);
    json_member_string(w, "name", name);
    json_member_int(w, "valueInteger", (int64_t)number);
    json_object_close(w);
}

struct figures {
    uint64_t indexed, total;
};

static struct figures figures_of(const struct telling *telling, const struct search_progress *progress) {
    struct figures figures = {0};
    uint16_t number = fhir_resource_number(progress->type); /* 0: of all types */
    for (size_t i = 0; i < telling->edition_count; i++) {
        const struct store_edition *row = &telling->editions[i];
        if (number == 0 || row->type == number) {
            figures.total += row->count;
            figures.indexed += row->edition >= progress->since ? row->count : 0;
        }
    }
    return figures;
}

static const char *status_of(const struct search_progress *progress) {
    return progress->is_complete ? "complete" : "indexing";
}

static void write_progress(struct telling *telling, const struct search_progress *progress) {
    struct json_writer *w = &telling->w;
    struct figures figures = figures_of(telling, progress);
    json_object_open(w);
    json_member_string(w, "name", "parameter");
    json_name(w, "part");
    json_array_open(w);
    write_text(w, "base", "valueCode", text_from(fhir_type_name(progress->type)));
    write_text(w, "code", "valueCode", text_from(progress->code));
    if (progress->upload.at != NULL) {
        write_text(w, "definition", "valueString",
            text_format(
                telling->scope->arena, "SearchParameter/%.*s", (int)progress->upload.size, progress->upload.at));
    }
    write_text(w, "status", "valueCode", text_from(status_of(progress)));
    write_number(w, "indexed", figures.indexed);
    write_number(w, "total", figures.total);
    json_array_close(w);
    json_object_close(w);
}

/* The whole is as far as all of its bases together. */
static void write_all(struct telling *telling, const struct search_progress *progress, size_t progress_count) {
    struct figures all = {0};
    bool is_complete = true;
    for (size_t i = 0; i < progress_count; i++) {
        struct figures figures = figures_of(telling, &progress[i]);
        all.indexed += figures.indexed;
        all.total += figures.total;
        is_complete = is_complete && progress[i].is_complete;
    }
    write_text(&telling->w, "status", "valueCode", text_from(is_complete ? "complete" : "indexing"));
    write_number(&telling->w, "indexed", all.indexed);
    write_number(&telling->w, "total", all.total);
    for (size_t i = 0; i < progress_count; i++) {
        write_progress(telling, &progress[i]);
    }
}

/* ---- one that is not in the tables ----------------------------------------------------------------------------------- */

static enum status write_unserved(struct telling *telling, struct text id, const struct store_resource *resource) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, resource->body, telling->scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct search_upload upload = {id, yyjson_doc_get_root(doc), NULL};
    if (!search_upload_is_active(upload.resource)) {
        write_text(&telling->w, "status", "valueCode", TEXT("not-active"));
        return STATUS_OK;
    }
    struct scope trial = {.arena = telling->scope->arena};
    if (search_upload_check(telling->records->search, &upload, &trial) == STATUS_OK) { /* the definitions do it */
        write_text(&telling->w, "status", "valueCode", TEXT("complete"));
        return STATUS_OK;
    }
    write_text(&telling->w, "status", "valueCode", TEXT("not-served"));
    write_text(
        &telling->w, "reason", "valueString", text_from(trial.fault.first == NULL ? "" : trial.fault.first->text));
    return STATUS_OK;
}

static enum status find_resource(
    struct store_resource *out, struct store_view *view, struct text id, struct scope *scope) {
    uint16_t type = fhir_resource_number(fhir_type_find(TEXT("SearchParameter")));
    enum status status = store_view_get(out, view, type, id, STORE_WANT_BODY, scope);
    if (status == STATUS_NOT_FOUND) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no such SearchParameter");
    }
    if (status == STATUS_OK && out->method == STORE_DELETED) {
        return fault(scope, STATUS_GONE, "", "this SearchParameter was deleted");
    }
    return status;
}

static enum status write_answer(struct telling *telling, struct text id, struct store_view *view) {
    struct search_progress *progress = NULL;
    struct store_resource resource = {0};
    size_t progress_count = 0;
    enum status status = id.size == 0 ? STATUS_OK : find_resource(&resource, view, id, telling->scope);
    if (status == STATUS_OK) {
        status = search_progress_of(&progress, &progress_count, telling->records->search, id, telling->scope);
    }
    if (status == STATUS_OK) {
        status = count(telling, view);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer *w = &telling->w;
    json_object_open(w);
    json_member_string(w, "resourceType", "Parameters");
    json_name(w, "parameter");
    json_array_open(w);
    if (id.size > 0 && progress_count == 0) {
        status = write_unserved(telling, id, &resource);
    } else {
        write_all(telling, progress, progress_count);
    }
    json_array_close(w);
    json_object_close(w);
    return status;
}

/* ---- the operation ------------------------------------------------------------------------------------------------------ */

static enum status tell(struct text *out, struct records *records, struct text id, struct scope *scope) {
    struct telling telling = {
        .records = records, .w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX), .scope = scope};
    struct store_view *view = NULL;
    enum status status = store_view_open(&view, records->store, 0, scope);
    if (status == STATUS_OK) {
        status = write_answer(&telling, id, view);
    }
    store_view_close(view);
    return status == STATUS_OK ? json_finish(out, &telling.w, scope) : status;
}

static enum status run(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    struct records *records = context;
    enum status outcome = tell(out, records, call->id, scope);
    return records_unit_run(records, call->caller, "$reindex-status", end_as, &outcome, scope);
}

void reindex_status_register(struct records *records) {
    const struct records_operation operation = {
        .name = "reindex-status",
        .type = "SearchParameter",
        .levels = (unsigned)RECORDS_AT_TYPE | (unsigned)RECORDS_AT_INSTANCE,
        .effect = RECORDS_OPERATION_READS,
        .definition = "https://fhir.soyang.example/OperationDefinition/reindex-status",
        .run = run,
        .context = records,
    };
    records_operation_register(records, &operation);
}
