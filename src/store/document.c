#include "store/document.h"

#include "store/frame.h"
#include "store/text_index.h"

#include <string.h>

/* ---- keys ------------------------------------------------------------------------------------------------------------ */

static bool inside(struct text key, struct text low, struct text high) {
    return (low.at == NULL || text_compare(key, low) >= 0) && (high.at == NULL || text_compare(key, high) < 0);
}

bool plan_filter_passes(const struct store_plan *plan, struct text key) {
    if (plan->filter.kind == STORE_FILTER_NONE) {
        return true;
    }
    size_t back = plan->filter.offset < 0 ? (size_t) - (int64_t)plan->filter.offset : 0;
    size_t offset =
        plan->filter.offset < 0 ? (back <= key.size ? key.size - back : SIZE_MAX) : (size_t)plan->filter.offset;
    if (offset > key.size) {
        return false;
    }
    struct text slice = {key.at + offset, key.size - offset};
    if (plan->filter.kind == STORE_FILTER_CONTAINS) {
        return plan->filter.low.size == 0 ||
               memmem(slice.at, slice.size, plan->filter.low.at, plan->filter.low.size) != NULL;
    }
    if (plan->filter.length > 0) {
        if ((size_t)plan->filter.length > slice.size) {
            return false;
        }
        slice.size = (size_t)plan->filter.length;
    }
    return inside(slice, plan->filter.low, plan->filter.high);
}

bool plan_key_fits(const struct store_plan *plan, struct text key) {
    return inside(key, plan->low, plan->high) && plan_filter_passes(plan, key);
}

bool plan_is_one_key(const struct store_plan *plan) {
    return plan->low.at != NULL && plan->high.at != NULL && plan->high.size == plan->low.size + 1 &&
           plan->high.at[plan->low.size] == '\0' && memcmp(plan->low.at, plan->high.at, plan->low.size) == 0;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

struct document document_of(uint64_t rid) {
    return (struct document){.rid = rid};
}

static enum status read_at_view(struct document *document, struct search_run *run) {
    struct store_view *view = run->view;
    struct resource_head *head = &document->head;
    struct version_head version = {0};
    uint64_t vid = 0;
    enum status status = resource_head_read(head, view->connection, document->rid, run->scope);
    if (status == STATUS_OK) {
        status = view_current(&vid, view, head, run->scope);
    }
    if (status != STATUS_OK || vid == 0) {
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    if (vid == head->vid) { /* what the resource table says is what its current version says */
        return head->method == STORE_DELETED ? STATUS_NOT_FOUND : STATUS_OK;
    }
    status = version_head_read(&version, view->connection, vid, run->scope);
    if (status != STATUS_OK || version.method == STORE_DELETED) {
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    head->vid = version.vid;
    head->version = version.version;
    head->seq = version.seq;
    head->time_us = version.time_us;
    head->method = version.method;
    return STATUS_OK;
}

bool document_read(struct document *document, struct search_run *run) {
    if (document->found == DOCUMENT_UNREAD) {
        (void)search_run_touch(run, 1);
        enum status status = run->status == STATUS_OK ? read_at_view(document, run) : run->status;
        document->found = status == STATUS_OK ? DOCUMENT_THERE : DOCUMENT_ABSENT;
        if (status != STATUS_NOT_FOUND) {
            search_run_fail(run, status);
        }
    }
    return document->found == DOCUMENT_THERE;
}

bool document_rows(struct document *document, struct search_run *run) {
    if (!document_read(document, run) || document->rows.at != NULL) {
        return document->found == DOCUMENT_THERE;
    }
    struct store_view *view = run->view;
    enum status status =
        version_rows_find(&document->rows, view->store, view->connection, document->head.vid, run->scope);
    search_run_fail(run, status);
    return status == STATUS_OK;
}

/* ---- fitting --------------------------------------------------------------------------------------------------------- */

static bool fits_type(struct document *document, struct search_run *run, const struct store_plan *plan) {
    if (plan->type != 0 && document->found == DOCUMENT_UNREAD) {
        uint8_t key[2];
        type_key(key, plan->type);
        return walk_has(run, lane_of_keys(SPACE_TYPE), (struct text){(const char *)key, sizeof key}, document->rid);
    }
    return document_read(document, run) && (plan->type == 0 || document->head.type == plan->type);
}

static bool fits_id(struct document *document, struct search_run *run, const struct store_plan *plan) {
    uint8_t packed[PACKED_ID_MAX];
    size_t size = id_pack(packed, plan->id);
    return document_read(document, run) && document->head.type == plan->type &&
           text_equal(document->head.id, (struct text){(const char *)packed, size});
}

static bool fits_range(struct document *document, struct search_run *run, const struct store_plan *plan) {
    if (document->found == DOCUMENT_UNREAD && plan_is_one_key(plan)) {
        return plan_filter_passes(plan, plan->low) &&
               walk_has(run, lane_of_keys(plan->space), plan->low, document->rid);
    }
    if (!document_read(document, run)) {
        return false;
    }
    if (plan->space == STORE_SPACE_UPDATED) {
        uint8_t key[8];
        time_key(key, document->head.time_us);
        return plan_key_fits(plan, (struct text){(const char *)key, sizeof key});
    }
    if (!document_rows(document, run)) {
        return false;
    }
    struct lane_reader reader = lane_reader_open(document->rows);
    struct lane_row row;
    while (lane_reader_next(&row, &reader)) {
        if (row.lane == lane_of_keys(plan->space) && plan_key_fits(plan, row.key)) {
            return true;
        }
    }
    return false;
}

static bool fits_combined(struct document *document, struct search_run *run, const struct store_plan *plan) {
    for (size_t i = 0; i < plan->child_count && run->status == STATUS_OK; i++) {
        bool fits = document_fits(document, run, plan->children[i]);
        if (plan->kind == STORE_PLAN_UNION ? fits : fits == (plan->kind == STORE_PLAN_SUBTRACT && i > 0)) {
            return plan->kind == STORE_PLAN_UNION;
        }
    }
    return plan->kind != STORE_PLAN_UNION && plan->child_count > 0;
}

/* Has a reference row in the space to what the plan asks for. */
static bool fits_reference(struct document *document, struct search_run *run, const struct store_plan *plan) {
    if (!document_rows(document, run)) {
        return false;
    }
    uint64_t wanted = 0;
    if (plan->kind == STORE_PLAN_SOURCES && plan->child_count == 0) {
        search_run_fail(run, view_rid(&wanted, run->view, plan->type, plan->id, run->scope));
        if (wanted == 0) {
            return false;
        }
    }
    struct lane_reader reader = lane_reader_open(document->rows);
    struct lane_row row;
    while (run->status == STATUS_OK && lane_reader_next(&row, &reader)) {
        if (row.lane != lane_of_references(plan->space)) {
            continue;
        }
        if (plan->kind == STORE_PLAN_REFERRING) {
            if (plan->type == 0 || reference_key_type(row.key) == plan->type) {
                return true;
            }
        } else if (wanted != 0) {
            if (reference_key_rid(row.key) == wanted) {
                return true;
            }
        } else {
            struct document target = document_of(reference_key_rid(row.key));
            if (document_fits(&target, run, plan->children[0])) {
                return true;
            }
        }
    }
    return false;
}

/* Some result of the child refers to it. */
static bool fits_targets(struct document *document, struct search_run *run, const struct store_plan *plan) {
    if (!document_read(document, run)) {
        return false;
    }
    uint8_t bytes[REFERENCE_KEY_MAX];
    struct text key = {(const char *)bytes, reference_key(bytes, document->head.type, document->rid)};
    struct walk *walk =
        walk_open(run, WALK_KEY, lane_of_references(plan->space), text_copy(run->scope->arena, key), (struct text){0});
    bool fits = false;
    while (!fits && walk_next(walk)) {
        struct document source = document_of(walk->rid);
        fits = document_fits(&source, run, plan->children[0]);
    }
    walk_close(walk);
    return fits;
}

bool document_fits(struct document *document, struct search_run *run, const struct store_plan *plan) {
    switch (plan->kind) {
    case STORE_PLAN_NONE:
        return false;
    case STORE_PLAN_TYPE:
        return fits_type(document, run, plan);
    case STORE_PLAN_ID:
        return fits_id(document, run, plan);
    case STORE_PLAN_RANGE:
        return fits_range(document, run, plan);
    case STORE_PLAN_UNION:
    case STORE_PLAN_INTERSECT:
    case STORE_PLAN_SUBTRACT:
        return fits_combined(document, run, plan);
    case STORE_PLAN_SOURCES:
    case STORE_PLAN_REFERRING:
        return fits_reference(document, run, plan);
    case STORE_PLAN_TARGETS:
        return fits_targets(document, run, plan);
    case STORE_PLAN_TEXT:
        return text_document_fits(document, run, plan->text);
    }
    return false;
}
