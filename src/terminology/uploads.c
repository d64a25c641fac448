#include "terminology/uploads.h"

#include <stdlib.h>
#include <string.h>

#include "terminology/volume.h"

enum { READING_BYTES_MAX = 1 << 30, SCAN_PAGE = 16 };

uint64_t uploads_hash(struct text url) {
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < url.size; i++) {
        hash = (hash ^ (unsigned char)url.at[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

/* ---- marks ------------------------------------------------------------------------------------------------------ */

bool terminology_keeps(fhir_type type) {
    for (int kind = 0; kind < SHELF_KINDS; kind++) {
        if (type == shelf_type(kind)) {
            return true;
        }
    }
    return false;
}

static void mark(struct terminology *terminology, enum shelf_kind kind, struct text id, uint64_t sequence) {
    size_t i = 0;
    while (
        i < terminology->mark_count && (terminology->marks[i].kind != kind || !text_is(id, terminology->marks[i].id))) {
        i++;
    }
    if (i == SHELF_MARKS_MAX || id.size >= SHELF_ID_SIZE) { /* so many at once: all is read anew */
        terminology->must_scan = true;
        terminology->scan_sequence = sequence;
        return;
    }
    struct shelf_mark *at = &terminology->marks[i];
    if (i == terminology->mark_count) {
        *at = (struct shelf_mark){.kind = kind};
        memcpy(at->id, id.at, id.size);
        terminology->mark_count++;
    }
    at->sequence = sequence > at->sequence ? sequence : at->sequence;
}

void terminology_note_change(struct terminology *terminology, fhir_type type, struct text id, uint64_t sequence) {
    pthread_mutex_lock(&terminology->lock);
    for (int kind = 0; kind < SHELF_KINDS; kind++) {
        if (type == shelf_type(kind)) {
            mark(terminology, kind, id, sequence);
        }
    }
    pthread_mutex_unlock(&terminology->lock);
}

/* ---- one upload ------------------------------------------------------------------------------------------------- */

static void upload_close(struct terminology *terminology, struct upload *upload) {
    if (upload->volume != NULL) {
        terminology->kept_bytes -= upload->volume->bytes;
        volume_release(upload->volume);
    }
    free(upload->url);
}

void uploads_clear(struct terminology *terminology) {
    for (size_t i = 0; i < terminology->upload_count; i++) {
        upload_close(terminology, &terminology->uploads[i]);
    }
    terminology->upload_count = 0;
}

static void forget(struct terminology *terminology, enum shelf_kind kind, const char *id) {
    for (size_t i = 0; i < terminology->upload_count; i++) {
        struct upload *upload = &terminology->uploads[i];
        if (upload->kind == kind && strcmp(upload->id, id) == 0) {
            upload_close(terminology, upload);
            *upload = terminology->uploads[--terminology->upload_count];
            return;
        }
    }
}

static int status_rank(struct text status) {
    static const char *const statuses[] = {"active", "draft", "unknown", "retired"};
    int rank = 0;
    while (rank < 4 && !text_is(status, statuses[rank])) {
        rank++;
    }
    return rank;
}

static char *copy_string(char **to, struct text text) {
    char *start = *to;
    if (text.size > 0) {
        memcpy(start, text.at, text.size);
    }
    start[text.size] = '\0';
    *to += text.size + 1;
    return start;
}

/* A resource that is no use to anybody (no URL, a supplement) is not on the shelf. */
static bool upload_read(
    struct upload *out, enum shelf_kind kind, const struct store_resource *resource, const yyjson_val *json) {
    struct text url = json_get_text(json, "url"), version = json_get_text(json, "version");
    struct text value_set = json_get_text(json, "valueSet");
    bool is_supplement = text_is(json_get_text(json, "content"), "supplement");
    char *strings = malloc(url.size + version.size + value_set.size + 3);
    if (url.size == 0 || is_supplement || resource->id.size >= SHELF_ID_SIZE || strings == NULL) {
        free(strings);
        return false;
    }
    *out = (struct upload){
        .kind = kind,
        .url_hash = uploads_hash(url),
        .status_rank = status_rank(json_get_text(json, "status")),
        .updated_us = resource->updated_us,
        .seq = resource->seq,
    };
    memcpy(out->id, resource->id.at, resource->id.size);
    out->url = copy_string(&strings, url);
    out->version = copy_string(&strings, version);
    out->value_set = copy_string(&strings, value_set);
    return true;
}

/* Takes the place of what stood there, in one moment for those who look. */
static enum status shelve(struct terminology *terminology, const struct upload *upload) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&terminology->lock);
    forget(terminology, upload->kind, upload->id);
    if (terminology->upload_count == terminology->upload_capacity) {
        size_t capacity = terminology->upload_capacity == 0 ? 64 : terminology->upload_capacity * 2;
        struct upload *more = realloc(terminology->uploads, capacity * sizeof *more);
        if (more == NULL) {
            free(upload->url);
            status = STATUS_UNAVAILABLE;
        } else {
            terminology->uploads = more;
            terminology->upload_capacity = capacity;
        }
    }
    if (status == STATUS_OK) {
        terminology->uploads[terminology->upload_count] = *upload;
        terminology->uploads[terminology->upload_count++].scan = terminology->scans;
    }
    pthread_mutex_unlock(&terminology->lock);
    return status;
}

static void unshelve(struct terminology *terminology, enum shelf_kind kind, const char *id) {
    pthread_mutex_lock(&terminology->lock);
    forget(terminology, kind, id);
    pthread_mutex_unlock(&terminology->lock);
}

/* What the scan that just ended has not seen is gone. */
static void unshelve_unseen(struct terminology *terminology) {
    pthread_mutex_lock(&terminology->lock);
    for (size_t i = 0; i < terminology->upload_count;) {
        struct upload *upload = &terminology->uploads[i];
        if (upload->scan == terminology->scans) {
            i++;
        } else {
            upload_close(terminology, upload);
            *upload = terminology->uploads[--terminology->upload_count];
        }
    }
    pthread_mutex_unlock(&terminology->lock);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct terminology *terminology;
    struct store_view *view;
    struct shelf_mark marks[SHELF_MARKS_MAX];
    size_t mark_count;
    bool scans;
    uint64_t sequence;
};

struct body_reading {
    struct reading *reading;
    const struct store_resource *resource;
    enum shelf_kind kind;
};

static enum status read_body(void *context, struct scope *scope) {
    struct body_reading *body = context;
    yyjson_doc *doc = NULL;
    struct upload upload;
    enum status status = json_read(&doc, body->resource->body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (upload_read(&upload, body->kind, body->resource, yyjson_doc_get_root(doc))) {
        return shelve(body->reading->terminology, &upload);
    }
    unshelve(body->reading->terminology, body->kind, text_string(scope->arena, body->resource->id));
    return STATUS_OK;
}

/* Each body is parsed in memory of its own, so that a scan needs no more than its largest. */
static enum status take_body(
    struct reading *reading, enum shelf_kind kind, const struct store_resource *resource, struct scope *scope) {
    struct body_reading body = {reading, resource, kind};
    struct arena *arena = arena_open(READING_BYTES_MAX);
    struct scope inner = {.arena = arena};
    if (arena == NULL) {
        return STATUS_UNAVAILABLE;
    }
    enum status status = scope_run(&inner, arena, read_body, &body);
    if (status != STATUS_OK) {
        fault_carry(scope, &inner.fault);
    }
    arena_close(arena);
    return status;
}

struct page_reading {
    struct reading *reading;
    enum shelf_kind kind;
    char after[256];
    size_t after_size;
};

static enum status read_page(void *context, struct scope *scope) {
    struct page_reading *paging = context;
    struct reading *reading = paging->reading;
    const struct store_plan plan = {.kind = STORE_PLAN_TYPE, .type = fhir_resource_number(shelf_type(paging->kind))};
    const struct store_query query = {
        .plan = &plan,
        .limit = SCAN_PAGE,
        .after = {paging->after_size == 0 ? NULL : paging->after, paging->after_size},
        .want = STORE_WANT_BODY,
    };
    struct store_page page;
    enum status status = store_view_select(&page, reading->view, &query, scope);
    for (size_t i = 0; status == STATUS_OK && i < page.count; i++) {
        status = take_body(reading, paging->kind, &page.at[i], scope);
    }
    paging->after_size = 0;
    if (status == STATUS_OK && page.next.size > 0) {
        invariant(page.next.size <= sizeof paging->after);
        memcpy(paging->after, page.next.at, page.next.size);
        paging->after_size = page.next.size;
    }
    return status;
}

static enum status scan_kind(struct reading *reading, enum shelf_kind kind, struct scope *scope) {
    struct page_reading paging = {.reading = reading, .kind = kind};
    enum status status;
    do {
        struct arena *arena = arena_open(READING_BYTES_MAX);
        struct scope inner = {.arena = arena};
        if (arena == NULL) {
            return STATUS_UNAVAILABLE;
        }
        status = scope_run(&inner, arena, read_page, &paging);
        if (status != STATUS_OK) {
            fault_carry(scope, &inner.fault);
        }
        arena_close(arena);
    } while (status == STATUS_OK && paging.after_size > 0);
    return status;
}

static enum status read_marks(struct reading *reading, struct scope *scope) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < reading->mark_count && status == STATUS_OK; i++) {
        const struct shelf_mark *at = &reading->marks[i];
        struct store_resource resource;
        status = store_view_get(&resource, reading->view, fhir_resource_number(shelf_type(at->kind)), text_from(at->id),
            STORE_WANT_BODY, scope);
        if (status == STATUS_OK && resource.method != STORE_DELETED) {
            status = take_body(reading, at->kind, &resource, scope);
        } else if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
            unshelve(reading->terminology, at->kind, at->id);
            status = STATUS_OK; /* not found: its unit was undone, or is not committed yet */
        }
    }
    return status;
}

static enum status read_inside(void *context, struct scope *scope) {
    struct reading *reading = context;
    struct terminology *terminology = reading->terminology;
    enum status status = store_view_open(&reading->view, terminology->store, 0, scope);
    if (status != STATUS_OK) {
        return status;
    }
    reading->sequence = store_view_sequence(reading->view);
    if (reading->scans) {
        pthread_mutex_lock(&terminology->lock);
        terminology->scans++;
        pthread_mutex_unlock(&terminology->lock);
        for (int kind = 0; kind < SHELF_KINDS && status == STATUS_OK; kind++) {
            status = scan_kind(reading, kind, scope);
        }
        if (status == STATUS_OK) {
            unshelve_unseen(terminology);
        }
    } else {
        status = read_marks(reading, scope);
    }
    store_view_close(reading->view);
    return status;
}

static void settle(struct terminology *terminology, const struct reading *reading) {
    size_t kept = 0;
    for (size_t i = 0; i < terminology->mark_count; i++) {
        if (terminology->marks[i].sequence > reading->sequence) {
            terminology->marks[kept++] = terminology->marks[i];
        }
    }
    terminology->mark_count = kept;
    terminology->read_sequence = reading->sequence;
    terminology->has_read = true;
    if (reading->scans && terminology->scan_sequence <= reading->sequence) {
        terminology->must_scan = false;
    }
}

/* Under `lock`. What is marked is not committed yet while the store stands where it stood at the last reading. */
static bool is_behind(const struct terminology *terminology) {
    bool is_marked = terminology->mark_count > 0 || terminology->must_scan;
    return is_marked && !(terminology->has_read && store_sequence(terminology->store) == terminology->read_sequence);
}

/* Under `lock`: takes what is to be read. False: nothing that could have changed. */
static bool reading_begin(struct reading *out, struct terminology *terminology) {
    if (!is_behind(terminology)) {
        return false;
    }
    out->scans = terminology->must_scan;
    out->mark_count = terminology->mark_count;
    memcpy(out->marks, terminology->marks, terminology->mark_count * sizeof out->marks[0]);
    return true;
}

static enum status read_alone(struct reading *reading) {
    struct terminology *terminology = reading->terminology;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&terminology->reading);
    pthread_mutex_lock(&terminology->lock);
    bool begins = reading_begin(reading, terminology);
    pthread_mutex_unlock(&terminology->lock);
    if (begins) {
        struct arena *arena = arena_open(READING_BYTES_MAX);
        struct scope inner = {.arena = arena};
        status = arena == NULL ? STATUS_UNAVAILABLE : scope_run(&inner, arena, read_inside, reading);
        if (status == STATUS_OK) {
            pthread_mutex_lock(&terminology->lock);
            settle(terminology, reading);
            pthread_mutex_unlock(&terminology->lock);
        }
        arena_close(arena);
    }
    pthread_mutex_unlock(&terminology->reading);
    return status;
}

enum status uploads_refresh(struct terminology *terminology, struct scope *scope) {
    if (terminology->store == NULL) {
        return STATUS_OK;
    }
    pthread_mutex_lock(&terminology->lock);
    bool behind = is_behind(terminology);
    pthread_mutex_unlock(&terminology->lock);
    if (!behind) {
        return STATUS_OK;
    }
    struct reading *reading = ARENA_NEW(scope->arena, struct reading);
    reading->terminology = terminology;
    enum status status = read_alone(reading);
    if (status != STATUS_OK) {
        return fault(scope, status, "", "the uploaded code systems and value sets cannot be read just now");
    }
    return STATUS_OK;
}
