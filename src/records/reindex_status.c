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
    fhir_parameter_open(w, "parameter");
    fhir_parameter_text(w, "base", "valueCode", text_from(fhir_type_name(progress->type)));
    fhir_parameter_text(w, "code", "valueCode", text_from(progress->code));
    if (progress->upload.at != NULL) {
        fhir_parameter_text(w, "definition", "valueString",
            text_format(
                telling->scope->arena, "SearchParameter/%.*s", (int)progress->upload.size, progress->upload.at));
    }
    fhir_parameter_text(w, "status", "valueCode", text_from(status_of(progress)));
    fhir_parameter_integer(w, "indexed", (int64_t)figures.indexed);
    fhir_parameter_integer(w, "total", (int64_t)figures.total);
    fhir_parameter_close(w);
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
    fhir_parameter_text(&telling->w, "status", "valueCode", text_from(is_complete ? "complete" : "indexing"));
    fhir_parameter_integer(&telling->w, "indexed", (int64_t)all.indexed);
    fhir_parameter_integer(&telling->w, "total", (int64_t)all.total);
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
        fhir_parameter_text(&telling->w, "status", "valueCode", TEXT("not-active"));
        return STATUS_OK;
    }
    struct scope trial = {.arena = telling->scope->arena};
    if (search_upload_check(telling->records->search, &upload, &trial) == STATUS_OK) { /* the definitions do it */
        fhir_parameter_text(&telling->w, "status", "valueCode", TEXT("complete"));
        return STATUS_OK;
    }
    fhir_parameter_text(&telling->w, "status", "valueCode", TEXT("not-served"));
    fhir_parameter_text(
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
    fhir_parameters_open(w);
    if (id.size > 0 && progress_count == 0) {
        status = write_unserved(telling, id, &resource);
    } else {
        write_all(telling, progress, progress_count);
    }
    fhir_parameters_close(w);
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
