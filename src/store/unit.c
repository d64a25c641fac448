/* unit: what a unit of work may do with resources. */
#include "store/frame.h"
#include "store/packer.h"
#include "store/seen_cache.h"
#include "store/writer.h"

#include <stdlib.h>
#include <string.h>

int64_t store_unit_time_us(const struct store_unit *unit) {
    return unit->time_us;
}

uint64_t store_unit_sequence(const struct store_unit *unit) {
    return unit->seq;
}

struct store_view *unit_view(struct store_unit *unit) {
    struct writer *writer = unit->writer;
    struct store_view *view = &writer->view;
    *view =
        (struct store_view){.store = writer->store, .connection = writer->connection, .seq = unit->seq, .open = true};
    state_copy(&view->state, &writer->state);
    view->state.seq = unit->seq;
    if (writer->store->merging != NULL) {
        view->generations[view->generation_count++] = writer->store->merging;
    }
    view->generations[view->generation_count++] = writer->store->active;
    return view;
}

/* What is absent stays so until rid_give() makes it known, which tells the cache. */
static enum status rid_find(
    uint64_t *out, struct store_unit *unit, uint16_t type, struct text id, struct text key, struct scope *scope) {
    struct writer *writer = unit->writer;
    *out = identity_cache_get(writer->identities, key);
    if (*out != 0) {
        *out = *out == IDENTITY_ABSENT ? 0 : *out;
        return STATUS_OK;
    }
    enum status status = view_rid(out, unit_view(unit), type, id, scope);
    if (status == STATUS_OK) {
        identity_cache_put(writer->identities, key, *out == 0 ? IDENTITY_ABSENT : *out);
    }
    return status;
}

enum status store_unit_get(struct store_resource *out, struct store_unit *unit, uint16_t type, struct text id,
    enum store_want want, struct scope *scope) {
    uint8_t bytes[IDENTITY_KEY_MAX];
    struct text key = {(const char *)bytes, type == 0 || id.size == 0 ? 0 : identity_key(bytes, type, id)};
    uint64_t rid = 0;
    enum status status =
        key.size == 0 ? view_rid(&rid, unit_view(unit), type, id, scope) : rid_find(&rid, unit, type, id, key, scope);
    if (status != STATUS_OK) {
        return status;
    }
    return rid == 0 ? STATUS_NOT_FOUND : view_resource(out, unit_view(unit), rid, want, scope);
}

enum status store_unit_select(
    struct store_page *out, struct store_unit *unit, const struct store_query *query, struct scope *scope) {
    return select_page(out, unit_view(unit), query, scope);
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

static bool node_list_add(struct node_list *list, struct mem_node *node) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 1024 : list->capacity * 2;
        struct mem_node **at = realloc(list->at, capacity * sizeof *at);
        if (at == NULL) {
            return false;
        }
        list->at = at;
        list->capacity = capacity;
    }
    list->at[list->count++] = node;
    return true;
}

/* One write of one resource. */
struct writing {
    struct store_unit *unit;
    struct resource_head head; /* as it was */
    struct version_head before;
    uint64_t vid;
    bool is_new; /* the rid was given by this write: no resource row yet */
    bool again;  /* this unit wrote the resource before */
    enum status status;
    struct mem_event events[MEM_BATCH]; /* not added yet; none where `again` */
    size_t event_count;
};

static bool events_add(struct store_unit *unit, const struct mem_event events[static MEM_BATCH], size_t count) {
    struct writer *writer = unit->writer;
    struct mem_node *nodes[MEM_BATCH];
    size_t added = mem_generation_add_all(nodes, writer->store->active, events, count, unit->seq);
    bool fine = added == count;
    for (size_t i = 0; i < added; i++) {
        if (!node_list_add(&writer->nodes, nodes[i])) {
            mem_node_kill(nodes[i]);
            fine = false;
        }
    }
    return fine;
}

static bool event_add(struct store_unit *unit, enum mem_kind kind, const struct row_place *place) {
    struct mem_event events[MEM_BATCH];
    events[0] = (struct mem_event){.place = *place, .kind = kind};
    return events_add(unit, events, 1);
}

static bool writing_flush(struct writing *writing) {
    size_t count = writing->event_count;
    writing->event_count = 0;
    return count == 0 || events_add(writing->unit, writing->events, count);
}

/* Where this unit did the opposite before, both vanish. */
static bool event_cancels(struct store_unit *unit, const struct row_place *place) {
    struct mem_node *node = mem_generation_seek(unit->writer->store->active, place);
    for (; node != NULL; node = mem_node_next(node)) {
        struct row_place at = mem_node_place(node);
        if (row_place_compare(&at, place) != 0) {
            return false;
        }
        if (node->seq == unit->seq && mem_node_alive(node)) {
            mem_node_kill(node);
            return true;
        }
    }
    return false;
}

static bool row_changed(void *context, enum mem_kind kind, const struct lane_row *row) {
    struct writing *writing = context;
    struct row_place place = {.lane = row->lane, .key = row->key, .rid = writing->head.rid};
    if (writing->again) {
        return event_cancels(writing->unit, &place) || event_add(writing->unit, kind, &place);
    }
    writing->events[writing->event_count++] = (struct mem_event){.place = place, .kind = kind};
    return writing->event_count < MEM_BATCH || writing_flush(writing);
}

static bool own_row_changed(
    struct writing *writing, enum mem_kind kind, uint32_t space, const uint8_t *key, size_t size) {
    struct lane_row row = {.lane = lane_of_keys(space), .key = {(const char *)key, size}};
    return row_changed(writing, kind, &row);
}

static bool head_exists(const struct resource_head *head) {
    return head->version > 0 && head->method != STORE_DELETED;
}

static enum status events_write(
    struct writing *writing, enum store_method method, struct text rows, struct scope *scope) {
    const struct resource_head *head = &writing->head;
    struct store_state *state = &writing->unit->writer->state;
    uint8_t type[2], before[8], after[8];
    type_key(type, head->type);
    time_key(before, head->time_us);
    time_key(after, writing->unit->time_us);
    bool existed = head_exists(head), exists = method != STORE_DELETED, fine = true;
    if (existed != exists) {
        fine = own_row_changed(writing, exists ? MEM_ADDED : MEM_ENDED, SPACE_TYPE, type, sizeof type);
        state->resources += exists ? 1 : (uint64_t)-1;
    }
    if (fine && existed && (!exists || memcmp(before, after, sizeof before) != 0)) {
        fine = own_row_changed(writing, MEM_ENDED, STORE_SPACE_UPDATED, before, sizeof before);
    }
    if (fine && exists && (!existed || memcmp(before, after, sizeof before) != 0)) {
        fine = own_row_changed(writing, MEM_ADDED, STORE_SPACE_UPDATED, after, sizeof after);
    }
    fine = fine && lane_rows_differ(writing->before.rows, rows, row_changed, writing) && writing_flush(writing);
    return fine ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "no memory for index rows; try again later");
}

/* ---- identities ---------------------------------------------------------------------------------------------------- */

static enum status rid_give(uint64_t *out, struct store_unit *unit, struct text key, struct scope *scope) {
    struct writer *writer = unit->writer;
    unit->wrote = unit->changes = true;
    *out = writer->state.rid_next++;
    struct row_place place = {.lane = lane_of_keys(SPACE_IDENTITY), .key = key, .rid = *out};
    if (!event_add(unit, MEM_ADDED, &place)) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for index rows; try again later");
    }
    identity_cache_put(writer->identities, key, *out);
    return STATUS_OK;
}

static enum status resource_add(struct store_unit *unit, const struct resource_head *head, struct scope *scope) {
    struct statement *add = statement_take(unit->writer->connection, SQL_RESOURCE_ADD);
    seen_cache_change(unit->writer->store->heads, head->rid, unit->seq);
    bind_int(add, 1, (int64_t)head->rid);
    bind_int(add, 2, head->type);
    bind_bytes(add, 3, head->id);
    bind_int(add, 4, head->version);
    bind_int(add, 5, (int64_t)head->vid);
    bind_int(add, 6, (int64_t)head->seq);
    bind_int(add, 7, head->time_us);
    bind_int(add, 8, head->method);
    bind_int(add, 9, (int64_t)head->edition);
    return statement_finish(unit->writer->connection, add, scope);
}

static enum status resource_set(struct store_unit *unit, const struct resource_head *head, struct scope *scope) {
    struct statement *set = statement_take(unit->writer->connection, SQL_RESOURCE_SET);
    seen_cache_change(unit->writer->store->heads, head->rid, unit->seq);
    bind_int(set, 1, (int64_t)head->rid);
    bind_int(set, 2, head->version);
    bind_int(set, 3, (int64_t)head->vid);
    bind_int(set, 4, (int64_t)head->seq);
    bind_int(set, 5, head->time_us);
    bind_int(set, 6, head->method);
    bind_int(set, 7, (int64_t)head->edition);
    return statement_finish(unit->writer->connection, set, scope);
}

static enum status identity_check(
    size_t *size_out, uint8_t key[static IDENTITY_KEY_MAX], uint16_t type, struct text id, struct scope *scope) {
    *size_out = type == 0 || id.size == 0 ? 0 : identity_key(key, type, id);
    return *size_out != 0
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, "", "an identity is a type and an id of 1 to %d bytes", ID_MAX);
}

/* The rid of a reference's target; one that was never mentioned gets a resource row of version 0. */
static enum status target_rid(
    uint64_t *out, struct store_unit *unit, const struct store_row *row, struct scope *scope) {
    uint8_t bytes[IDENTITY_KEY_MAX];
    struct text key = {(const char *)bytes, 0};
    enum status status = identity_check(&key.size, bytes, row->target_type, row->target_id, scope);
    if (status == STATUS_OK) {
        status = rid_find(out, unit, row->target_type, row->target_id, key, scope);
    }
    if (status != STATUS_OK || *out != 0) {
        return status;
    }
    status = rid_give(out, unit, key, scope);
    struct resource_head ghost = {.rid = *out, .type = row->target_type, .id = {key.at + 2, key.size - 2}};
    return status == STATUS_OK ? resource_add(unit, &ghost, scope) : status;
}

/* ---- rows of a put -------------------------------------------------------------------------------------------------- */

static enum status lane_row_make(
    struct lane_row *out, struct store_unit *unit, const struct store_row *row, struct scope *scope) {
    if (row->space < STORE_SPACE_FIRST_OWN || row->space > UINT32_MAX / 2) {
        return fault(scope, STATUS_INVALID, "", "an index row names space %u, which is not the caller's", row->space);
    }
    if (row->target_type == 0) {
        *out = (struct lane_row){.lane = lane_of_keys(row->space), .key = row->key};
        return row->key.size <= STORE_KEY_MAX
                   ? STATUS_OK
                   : fault(scope, STATUS_INVALID, "", "an index key is longer than %d bytes", STORE_KEY_MAX);
    }
    uint64_t rid = 0;
    enum status status = target_rid(&rid, unit, row, scope);
    if (status != STATUS_OK) {
        return status;
    }
    uint8_t *key = arena_alloc(scope->arena, REFERENCE_KEY_MAX);
    *out = (struct lane_row){.lane = lane_of_references(row->space)};
    out->key = (struct text){(const char *)key, reference_key(key, row->target_type, rid)};
    return STATUS_OK;
}

static enum status rows_make(
    struct text *packed_out, struct store_unit *unit, const struct store_put *put, struct scope *scope) {
    struct lane_rows rows = {.at = ARENA_ARRAY(scope->arena, struct lane_row, put->row_count), .count = put->row_count};
    for (size_t i = 0; i < put->row_count; i++) {
        enum status status = lane_row_make(&rows.at[i], unit, &put->rows[i], scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    lane_rows_sort(&rows);
    *packed_out = lane_rows_pack(scope->arena, &rows);
    return STATUS_OK;
}

/* ---- versions ------------------------------------------------------------------------------------------------------- */

/* What was made for this put is known to this unit alone, as the target of a reference at most. */
static uint64_t rid_find_own(const struct store_unit *unit, struct text key) {
    const struct writer *writer = unit->writer;
    if (writer->state.rid_next == unit->before.rid_next) {
        return 0;
    }
    struct row_place place = {.lane = lane_of_keys(SPACE_IDENTITY), .key = key};
    struct mem_node *node = mem_generation_seek(writer->store->active, &place);
    for (; node != NULL && node->lane == place.lane && text_equal(mem_node_key(node), key);
         node = mem_node_next(node)) {
        if (mem_node_alive(node)) {
            return node->rid;
        }
    }
    return 0;
}

/* Finds the resource, or makes its identity known. */
static enum status writing_open(struct writing *writing, const struct store_put *put, struct scope *scope) {
    uint16_t type = put->type;
    struct text id = put->id;
    struct store_unit *unit = writing->unit;
    uint8_t *bytes = arena_alloc(scope->arena, IDENTITY_KEY_MAX);
    struct text key = {(const char *)bytes, 0};
    uint64_t rid = 0;
    enum status status = identity_check(&key.size, bytes, type, id, scope);
    if (status == STATUS_OK && put->origin == STORE_ID_MADE) {
        rid = rid_find_own(unit, key);
    } else if (status == STATUS_OK) {
        status = rid_find(&rid, unit, type, id, key, scope);
    }
    if (status == STATUS_OK && rid == 0) {
        writing->is_new = true;
        writing->head = (struct resource_head){.type = type};
        status = rid_give(&writing->head.rid, unit, key, scope);
    } else if (status == STATUS_OK) {
        status = resource_head_read(&writing->head, unit->writer->connection, rid, scope);
        if (status == STATUS_NOT_FOUND) {
            status = fault(scope, STATUS_FAILED, "", "a resource is missing in the database");
        }
    }
    writing->head.id = (struct text){key.at + 2, key.size - 2};
    if (status == STATUS_OK && writing->head.version > 0) {
        writing->again = writing->head.seq == unit->seq;
        status = version_rows_read(
            &writing->before, unit->writer->store, unit->writer->connection, writing->head.vid, scope);
    }
    return status;
}

static uint64_t base_of(const struct writing *writing) {
    if (writing->head.version == 0) {
        return 0;
    }
    return writing->head.version % VERSION_STRIDE == 0 ? writing->head.vid : writing->before.base;
}

static enum status version_add(
    struct writing *writing, const struct store_put *put, struct text rows, struct scope *scope) {
    struct writer *writer = writing->unit->writer;
    struct statement *add = statement_take(writer->connection, SQL_VERSION_ADD);
    bind_int(add, 1, (int64_t)writing->vid);
    bind_int(add, 2, (int64_t)writing->head.rid);
    bind_int(add, 3, writing->head.version + 1);
    bind_int(add, 4, (int64_t)writing->head.vid);
    bind_int(add, 5, (int64_t)base_of(writing));
    bind_int(add, 6, put->type);
    bind_int(add, 7, (int64_t)writing->unit->seq);
    bind_int(add, 8, writing->unit->time_us);
    bind_int(add, 9, put->method);
    enum status status = statement_finish(writer->connection, add, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct statement *single = statement_take(writer->connection, SQL_SINGLE_ADD);
    bind_int(single, 1, (int64_t)writing->vid);
    bind_int(single, 2, put->body.dictionary);
    bind_int(single, 3, put->body.gap);
    bind_int(single, 4, put->body.size);
    bind_bytes(single, 5, rows);
    bind_bytes(single, 6, put->body.packed);
    return statement_finish(writer->connection, single, scope);
}

static enum status version_write(
    struct store_resource *out, struct writing *writing, const struct store_put *put, struct scope *scope) {
    struct store_unit *unit = writing->unit;
    struct text rows = {0};
    unit->wrote = unit->changes = true;
    enum status status = rows_make(&rows, unit, put, scope);
    if (status != STATUS_OK) {
        return status;
    }
    writing->vid = unit->writer->state.vid_next++;
    status = version_add(writing, put, rows, scope);
    if (status == STATUS_OK) {
        status = events_write(writing, put->method, rows, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct resource_head head = writing->head;
    head.version++;
    head.vid = writing->vid;
    head.seq = unit->seq;
    head.time_us = unit->time_us;
    head.method = put->method;
    head.edition = put->edition;
    if (out != NULL) {
        *out = (struct store_resource){.rid = head.rid,
            .type = put->type,
            .id = text_copy(scope->arena, put->id),
            .version = head.version,
            .seq = head.seq,
            .updated_us = head.time_us,
            .method = head.method,
            .gap = put->body.gap};
    }
    return writing->is_new ? resource_add(unit, &head, scope) : resource_set(unit, &head, scope);
}

enum status store_unit_put(
    struct store_resource *out, struct store_unit *unit, const struct store_put *put, struct scope *scope) {
    invariant(put->method == STORE_CREATED || put->method == STORE_UPDATED || put->method == STORE_PATCHED);
    struct writing writing = {.unit = unit};
    enum status status = writing_open(&writing, put, scope);
    return status == STATUS_OK ? version_write(out, &writing, put, scope) : status;
}

enum status store_unit_delete(
    struct store_resource *out, struct store_unit *unit, uint16_t type, struct text id, struct scope *scope) {
    uint64_t rid = 0;
    enum status status = view_rid(&rid, unit_view(unit), type, id, scope);
    if (status != STATUS_OK || rid == 0) {
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    struct writing writing = {.unit = unit};
    struct store_put put = {.type = type, .id = id, .method = STORE_DELETED};
    status = writing_open(&writing, &put, scope);
    if (status != STATUS_OK || writing.head.version == 0) {
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    return version_write(out, &writing, &put, scope);
}

/* ---- rows made anew --------------------------------------------------------------------------------------------------- */

static enum status edition_set(struct store_unit *unit, uint64_t rid, uint64_t edition, struct scope *scope) {
    struct statement *set = statement_take(unit->writer->connection, SQL_RESOURCE_EDITION);
    bind_int(set, 1, (int64_t)rid);
    bind_int(set, 2, (int64_t)edition);
    return statement_finish(unit->writer->connection, set, scope);
}

/* What the version's rows were, for as long as a crash would have to make the events again. */
static enum status rows_remember(const struct writing *writing, struct scope *scope) {
    struct writer *writer = writing->unit->writer;
    struct statement *add = statement_take(writer->connection, SQL_REINDEXED_ADD);
    bind_int(add, 1, (int64_t)writing->unit->seq);
    bind_int(add, 2, (int64_t)writing->head.vid);
    bind_bytes(add, 3, writing->before.rows);
    if (writer->reindexed_from == 0) {
        writer->reindexed_from = writing->unit->seq;
    }
    return statement_finish(writer->connection, add, scope);
}

static enum status rows_replace(struct writing *writing, struct text rows, struct scope *scope) {
    struct writer *writer = writing->unit->writer;
    enum status status = STATUS_OK;
    if (writing->head.seq != writing->unit->seq) {
        status = rows_remember(writing, scope);
    }
    if (status == STATUS_OK) {
        bool single = false;
        seen_cache_change(writer->store->row_places, writing->head.vid, writing->unit->seq);
        status = version_rows_put(&single, writer->store, writer->connection, writing->head.vid, rows, scope);
        if (single) {
            packer_disturb(writer->packer);
        }
    }
    if (status == STATUS_OK && !lane_rows_differ(writing->before.rows, rows, row_changed, writing)) {
        status = fault(scope, STATUS_UNAVAILABLE, "", "no memory for index rows; try again later");
    }
    return status;
}

enum status store_unit_reindex(
    bool *done_out, struct store_unit *unit, const struct store_reindex *reindex, struct scope *scope) {
    uint64_t rid = 0;
    *done_out = false;
    enum status status = view_rid(&rid, unit_view(unit), reindex->type, reindex->id, scope);
    if (status != STATUS_OK || rid == 0) {
        return status;
    }
    struct writing writing = {.unit = unit, .again = true};
    status = resource_head_read(&writing.head, unit->writer->connection, rid, scope);
    if (status != STATUS_OK || !head_exists(&writing.head) || writing.head.version != reindex->version) {
        return status;
    }
    unit->wrote = unit->changes = true;
    struct text rows = {0};
    const struct store_put put = {.rows = reindex->rows, .row_count = reindex->row_count};
    status = version_rows_read(&writing.before, unit->writer->store, unit->writer->connection, writing.head.vid, scope);
    if (status == STATUS_OK) {
        status = rows_make(&rows, unit, &put, scope);
    }
    if (status == STATUS_OK && !text_equal(rows, writing.before.rows)) {
        status = rows_replace(&writing, rows, scope);
    }
    *done_out = status == STATUS_OK;
    return status == STATUS_OK ? edition_set(unit, rid, reindex->edition, scope) : status;
}
