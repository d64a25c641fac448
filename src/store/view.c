/* view: opening, and single resources. */
#include "store/view.h"

#include "store/block_cursor.h"
#include "store/frame.h"
#include "store/seen_cache.h"

#include <stdlib.h>
#include <string.h>

/* ---- readers --------------------------------------------------------------------------------------------------------- */

enum status reader_take(struct connection **out, struct store *store, struct scope *scope) {
    int64_t since_us = 0;
    pthread_mutex_lock(&store->readers_lock);
    while (store->readers_idle == NULL && store->readers_open >= READERS_MAX) {
        since_us = since_us == 0 ? clock_monotonic_us() : since_us;
        pthread_cond_wait(&store->readers_free, &store->readers_lock);
    }
    *out = store->readers_idle;
    if (*out != NULL) {
        store->readers_idle = (*out)->next;
        store->readers_idle_count--;
    } else {
        store->readers_open++;
    }
    pthread_mutex_unlock(&store->readers_lock);
    if (since_us != 0) {
        wait_ended(&store->waits, STORE_WAIT_READER, since_us);
    }
    if (*out != NULL) {
        return STATUS_OK;
    }
    enum status status = connection_open(out, store->path, CONNECTION_READS, scope);
    if (status == STATUS_OK && ((*out)->blocks = block_cache_open(&store->slices)) == NULL) {
        connection_close(*out);
        *out = NULL;
        status = fault(scope, STATUS_UNAVAILABLE, "", "no memory for a reader");
    }
    if (status != STATUS_OK) {
        pthread_mutex_lock(&store->readers_lock);
        store->readers_open--;
        pthread_cond_signal(&store->readers_free);
        pthread_mutex_unlock(&store->readers_lock);
    }
    return status;
}

enum { SNAPSHOT_LIFE_US = 50 * 1000 }; /* the log cannot begin anew while one is open */

static void snapshot_end(struct connection *connection) {
    connection->rows_stand = false;
    connection->heads = connection->row_places = NULL;
    if (connection->blocks != NULL) {
        block_cache_stand(connection->blocks, 0);
    }
    if (sqlite3_get_autocommit(connection->database) == 0) {
        sqlite3_exec(connection->database, "ROLLBACK", NULL, NULL, NULL);
    }
    if (connection->snapshot != NULL) {
        connection->snapshot->open = false;
    }
}

/* Nothing changed since it was taken, and it is not old. */
static bool snapshot_is_good(const struct store *store, const struct connection *connection) {
    const struct snapshot *snapshot = connection->snapshot;
    return snapshot != NULL && snapshot->open &&
           snapshot->epoch == atomic_load_explicit(&store->epoch, memory_order_acquire) &&
           clock_monotonic_us() - snapshot->since_us < SNAPSHOT_LIFE_US;
}

void reader_give(struct store *store, struct connection *connection) {
    connection_reset(connection);
    if (connection->failed != STATUS_OK || !snapshot_is_good(store, connection)) {
        snapshot_end(connection);
    }
    connection->failed = STATUS_OK;
    pthread_mutex_lock(&store->readers_lock);
    if (store->readers_idle_count < store->readers_kept) {
        connection->next = store->readers_idle;
        store->readers_idle = connection;
        store->readers_idle_count++;
        connection = NULL;
    } else {
        store->readers_open--;
    }
    pthread_cond_signal(&store->readers_free);
    pthread_mutex_unlock(&store->readers_lock);
    connection_close(connection);
}

void readers_refresh(struct store *store) {
    pthread_mutex_lock(&store->readers_lock);
    for (struct connection *connection = store->readers_idle; connection != NULL; connection = connection->next) {
        snapshot_end(connection);
    }
    pthread_mutex_unlock(&store->readers_lock);
}

void readers_close(struct store *store) {
    while (store->readers_idle != NULL) {
        struct connection *connection = store->readers_idle;
        store->readers_idle = connection->next;
        connection_close(connection);
    }
}

/* ---- moments: which sequence numbers are kept ------------------------------------------------------------------------ */

void moments_add(struct store *store, struct moment moment) {
    pthread_mutex_lock(&store->publish);
    if (store->moments_count == MOMENTS_MAX) {
        store->moments_first = (store->moments_first + 1) % MOMENTS_MAX;
        store->moments_count--;
    }
    store->moments[(store->moments_first + store->moments_count++) % MOMENTS_MAX] = moment;
    pthread_mutex_unlock(&store->publish);
}

/* All numbers below a moment's were replaced by its time, so nobody has been given one of them since. */
uint64_t store_horizon(struct store *store) {
    int64_t oldest_us = clock_now_us(store->clock) - (int64_t)STORE_CURSOR_LIFE_S * 1000 * 1000;
    pthread_mutex_lock(&store->publish);
    while (store->moments_count > 0 && store->moments[store->moments_first].time_us <= oldest_us) {
        store->horizon = store->moments[store->moments_first].seq;
        store->moments_first = (store->moments_first + 1) % MOMENTS_MAX;
        store->moments_count--;
    }
    uint64_t horizon = store->horizon;
    pthread_mutex_unlock(&store->publish);
    return horizon;
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static void generations_drop(struct store_view *view) {
    for (size_t i = 0; i < view->generation_count; i++) {
        mem_generation_drop(view->generations[i]);
    }
    view->generation_count = 0;
}

static void generations_hold(struct store_view *view) {
    struct store *store = view->store;
    pthread_mutex_lock(&store->publish);
    if (store->merging != NULL) {
        view->generations[view->generation_count++] = store->merging;
    }
    view->generations[view->generation_count++] = store->active;
    for (size_t i = 0; i < view->generation_count; i++) {
        mem_generation_hold(view->generations[i]);
    }
    pthread_mutex_unlock(&store->publish);
}

void store_view_close(struct store_view *view) {
    if (view == NULL || !view->open) {
        return;
    }
    view->open = false;
    generations_drop(view);
    if (view->connection != NULL) {
        reader_give(view->store, view->connection);
    }
}

static void view_close_deferred(void *view) {
    store_view_close(view);
}

/* `epoch` was read before the snapshot was taken: a change in between makes it old at once. */
static void snapshot_keep(struct store_view *view, uint64_t epoch) {
    struct connection *connection = view->connection;
    if (connection->snapshot == NULL) {
        connection->snapshot = calloc(1, sizeof *connection->snapshot);
    }
    if (connection->snapshot != NULL) {
        connection->snapshot->open = true;
        connection->snapshot->epoch = epoch;
        connection->snapshot->since_us = clock_monotonic_us();
        state_copy(&connection->snapshot->state, &view->state);
    }
}

/* Goes on with the snapshot that the reader has kept. False when it is not good any more. */
static bool view_resume(struct store_view *view, uint64_t seq) {
    const struct snapshot *snapshot = view->connection->snapshot;
    if (!snapshot_is_good(view->store, view->connection) || seq > snapshot->state.seq) {
        return false;
    }
    generations_hold(view);
    if (!snapshot_is_good(view->store, view->connection)) { /* these generations may be too new for it */
        generations_drop(view);
        return false;
    }
    state_copy(&view->state, &snapshot->state);
    view->kept = true;
    return true;
}

/* Takes generations, then a snapshot. When the writer has begun a generation between the two, it is done again. */
static enum status view_begin(struct store_view *view, struct scope *scope) {
    int64_t since_us = clock_monotonic_us();
    snapshot_end(view->connection);
    for (;;) {
        uint64_t epoch = atomic_load_explicit(&view->store->epoch, memory_order_acquire);
        uint64_t slices = slices_before(&view->store->slices);
        generations_hold(view);
        enum status status = statement_run(view->connection, SQL_BEGIN_READ, scope);
        if (status == STATUS_OK) {
            status = state_read(&view->state, view->connection, scope);
        }
        uint64_t newest = mem_generation_from(view->generations[view->generation_count - 1]);
        if (status == STATUS_OK && view->state.active_from <= newest) {
            view->connection->heads = view->store->heads;
            view->connection->row_places = view->store->row_places;
            view->connection->snapshot_seq = view->state.seq;
            block_cache_stand(view->connection->blocks, slices_after(&view->store->slices, slices));
            snapshot_keep(view, epoch);
            wait_ended(&view->store->waits, STORE_WAIT_SNAPSHOT, since_us);
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            return status;
        }
        generations_drop(view);
        status = statement_run(view->connection, SQL_ROLLBACK, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

static enum status gone(struct scope *scope) {
    return fault(scope, STATUS_GONE, "", "this state of the record is no longer kept: start the search again");
}

enum freshness { FRESH_ENOUGH, FRESH_NOW };

static enum status view_open(
    struct store_view **out, struct store *store, uint64_t seq, enum freshness freshness, struct scope *scope) {
    struct store_view *view = ARENA_NEW(scope->arena, struct store_view);
    view->store = store;
    arena_defer(scope->arena, view_close_deferred, view);
    if (seq != 0 && seq < store_horizon(store)) {
        return gone(scope);
    }
    view->open = true;
    enum status status = reader_take(&view->connection, store, scope);
    if (status == STATUS_OK && (freshness == FRESH_NOW || !view_resume(view, seq))) {
        status = view_begin(view, scope);
    }
    if (status == STATUS_OK && seq > view->state.seq) {
        status = fault(scope, STATUS_INVALID, "", "this state of the record does not exist");
    }
    if (status == STATUS_OK && seq != 0 && seq < view->state.horizon) {
        status = gone(scope);
    }
    if (status != STATUS_OK) {
        store_view_close(view);
        return status;
    }
    view->seq = seq == 0 ? view->state.seq : seq;
    *out = view;
    return STATUS_OK;
}

enum status store_view_open(struct store_view **out, struct store *store, uint64_t seq, struct scope *scope) {
    return view_open(out, store, seq, FRESH_ENOUGH, scope);
}

enum status store_view_open_fresh(struct store_view **out, struct store *store, struct scope *scope) {
    return view_open(out, store, 0, FRESH_NOW, scope);
}

uint64_t store_view_sequence(const struct store_view *view) {
    return view->seq;
}

bool view_is_past(const struct store_view *view) {
    return view->seq < view->state.seq;
}

/* ---- identities ------------------------------------------------------------------------------------------------------- */

enum status view_rid(uint64_t *out, struct store_view *view, uint16_t type, struct text id, struct scope *scope) {
    uint8_t bytes[IDENTITY_KEY_MAX];
    struct text key = {(const char *)bytes, identity_key(bytes, type, id)};
    *out = 0;
    if (key.size == 0) {
        return STATUS_OK;
    }
    struct row_place place = {.lane = lane_of_keys(SPACE_IDENTITY), .key = key};
    for (size_t i = view->generation_count; i-- > 0;) {
        struct mem_node *node = mem_generation_seek(view->generations[i], &place);
        for (; node != NULL && node->lane == place.lane && text_equal(mem_node_key(node), key);
             node = mem_node_next(node)) {
            if (node->seq <= view->state.seq && mem_node_alive(node)) {
                *out = node->rid;
                return STATUS_OK;
            }
        }
    }
    return block_first_rid(out, view->connection, place.lane, key, scope);
}

/* ---- resources -------------------------------------------------------------------------------------------------------- */

static struct text id_copy(struct arena *arena, const char *id, size_t size) {
    char *copy = arena_bytes(arena, size);
    memcpy(copy, id, size);
    return (struct text){copy, size};
}

enum { HEAD_ID_WORDS = 3, HEAD_ID_MAX = HEAD_ID_WORDS * 8 }; /* a longer id is not kept */
_Static_assert(HEAD_ID_WORDS + 4 == SEEN_WORDS, "a head fills an entry");

static void head_keep(struct connection *connection, const struct resource_head *head) {
    if (connection->heads == NULL || head->id.size > HEAD_ID_MAX) {
        return;
    }
    struct seen seen = {.as_of = connection->snapshot_seq,
        .words = {head->vid, head->seq, (uint64_t)head->time_us,
            (uint64_t)head->id.size << 56 | (uint64_t)head->method << 48 | (uint64_t)head->type << 32 | head->version}};
    memcpy(seen.words + 4, head->id.at, head->id.size);
    seen_cache_put(connection->heads, head->rid, &seen);
}

/* What was current later is current in this snapshot where it was written no later. */
static bool head_kept(struct resource_head *out, struct connection *connection, uint64_t rid, struct arena *arena) {
    struct seen seen;
    if (connection->heads == NULL || !seen_cache_get(&seen, connection->heads, rid) ||
        seen.words[1] > connection->snapshot_seq) {
        return false;
    }
    *out = (struct resource_head){.rid = rid,
        .vid = seen.words[0],
        .seq = seen.words[1],
        .time_us = (int64_t)seen.words[2],
        .version = (uint32_t)seen.words[3],
        .type = (uint16_t)(seen.words[3] >> 32),
        .method = (enum store_method)(seen.words[3] >> 48 & UINT8_MAX),
        .id = id_copy(arena, (const char *)(seen.words + 4), seen.words[3] >> 56)};
    return true;
}

static bool head_is_sound(struct statement *row) {
    int64_t type = column_int(row, 0), version = column_int(row, 2), method = column_int(row, 6);
    return id_is_packed(column_bytes(row, 1)) && type >= 0 && type <= UINT16_MAX && version >= 0 &&
           version <= UINT32_MAX && method >= 0 && method <= STORE_PATCHED;
}

enum status resource_head_read(
    struct resource_head *out, struct connection *connection, uint64_t rid, struct scope *scope) {
    if (head_kept(out, connection, rid, scope->arena)) {
        return STATUS_OK;
    }
    struct statement *get = statement_take(connection, SQL_RESOURCE_GET);
    bind_int(get, 1, (int64_t)rid);
    int code = statement_step(get);
    if (code != SQLITE_ROW) {
        enum status status = code == SQLITE_DONE ? STATUS_NOT_FOUND : connection_fault(connection, scope);
        statement_give(connection, get);
        return status;
    }
    if (!head_is_sound(get)) {
        statement_give(connection, get);
        return fault(scope, STATUS_FAILED, "", "a resource's row in the database is damaged");
    }
    *out = (struct resource_head){
        .rid = rid,
        .type = (uint16_t)column_int(get, 0),
        .version = (uint32_t)column_int(get, 2),
        .vid = (uint64_t)column_int(get, 3),
        .seq = (uint64_t)column_int(get, 4),
        .time_us = column_int(get, 5),
        .method = (enum store_method)column_int(get, 6),
    };
    struct text packed = column_bytes(get, 1);
    char id[PACKED_ID_MAX];
    size_t size = packed.size;
    memcpy(id, packed.at, size);
    statement_give(connection, get);
    out->id = id_copy(scope->arena, id, size);
    head_keep(connection, out);
    return STATUS_OK;
}

static enum status version_missing(struct connection *connection, int code, struct scope *scope) {
    return code == SQLITE_DONE ? fault(scope, STATUS_FAILED, "", "a version of a resource is missing in the database")
                               : connection_fault(connection, scope);
}

enum status version_head_read(
    struct version_head *out, struct connection *connection, uint64_t vid, struct scope *scope) {
    struct statement *get = statement_take(connection, SQL_VERSION_HEAD);
    bind_int(get, 1, (int64_t)vid);
    int code = statement_step(get);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        *out = (struct version_head){
            .vid = vid,
            .rid = (uint64_t)column_int(get, 0),
            .version = (uint32_t)column_int(get, 1),
            .previous = (uint64_t)column_int(get, 2),
            .base = (uint64_t)column_int(get, 3),
            .seq = (uint64_t)column_int(get, 4),
            .time_us = column_int(get, 5),
            .method = (enum store_method)column_int(get, 6),
            .type = (uint16_t)column_int(get, 7),
        };
    } else {
        status = version_missing(connection, code, scope);
    }
    statement_give(connection, get);
    return status;
}

enum status version_rows_read(
    struct version_head *out, struct store *store, struct connection *connection, uint64_t vid, struct scope *scope) {
    enum status status = version_head_read(out, connection, vid, scope);
    return status == STATUS_OK ? version_rows_find(&out->rows, store, connection, vid, scope) : status;
}

enum status version_resource_read(struct store_resource *out, struct store *store, struct connection *connection,
    const struct resource_head *head, uint64_t vid, enum store_want want, struct scope *scope) {
    struct version_head version;
    enum status status = version_head_read(&version, connection, vid, scope);
    if (status != STATUS_OK) {
        return status;
    }
    *out = (struct store_resource){.rid = head->rid,
        .type = head->type,
        .version = version.version,
        .seq = version.seq,
        .updated_us = version.time_us,
        .method = version.method};
    if (want == STORE_WANT_BODY && version.method != STORE_DELETED) {
        status = version_body_read(&out->body, &out->gap, store, connection, vid, scope);
    }
    out->id = id_unpack(scope->arena, head->id);
    return status;
}

/* Back from the current version to the first that `fits`, by strides where even their far end does not. */
typedef bool version_fits(const struct version_head *version, uint64_t bound);

static bool not_after_seq(const struct version_head *version, uint64_t seq) {
    return version->seq <= seq;
}

static bool not_after_number(const struct version_head *version, uint64_t number) {
    return version->version <= number;
}

/* In *out the newest version that fits; vid 0 when none does. Every step goes to a lower number, so that a damaged chain ends. */
static enum status version_back(struct version_head *out, struct connection *connection, uint64_t vid,
    version_fits *fits, uint64_t bound, struct scope *scope) {
    *out = (struct version_head){0};
    while (vid != 0) {
        enum status status = version_head_read(out, connection, vid, scope);
        if (status != STATUS_OK || fits(out, bound)) {
            return status;
        }
        struct version_head base = {0};
        if (out->previous >= vid || out->base >= vid) {
            return fault(scope, STATUS_FAILED, "", "the versions of a resource are damaged");
        }
        if (out->base != 0 && out->base != out->previous) {
            status = version_head_read(&base, connection, out->base, scope);
        }
        if (status != STATUS_OK) {
            return status;
        }
        vid = base.vid != 0 && !fits(&base, bound) ? base.vid : out->previous;
    }
    *out = (struct version_head){0};
    return STATUS_OK;
}

enum status view_current(
    uint64_t *vid_out, struct store_view *view, const struct resource_head *head, struct scope *scope) {
    if (head->version == 0 || head->seq <= view->seq) {
        *vid_out = head->vid;
        return STATUS_OK;
    }
    struct version_head version;
    enum status status = version_back(&version, view->connection, head->vid, not_after_seq, view->seq, scope);
    *vid_out = version.vid;
    return status;
}

enum status view_resource(
    struct store_resource *out, struct store_view *view, uint64_t rid, enum store_want want, struct scope *scope) {
    struct resource_head head;
    uint64_t vid = 0;
    enum status status = resource_head_read(&head, view->connection, rid, scope);
    if (status == STATUS_OK) {
        status = view_current(&vid, view, &head, scope);
    }
    if (status != STATUS_OK || vid == 0) {
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    if (vid != head.vid) {
        return version_resource_read(out, view->store, view->connection, &head, vid, want, scope);
    }
    *out = (struct store_resource){.rid = rid, /* what the resource table says is what its current version says */
        .type = head.type,
        .id = id_unpack(scope->arena, head.id),
        .version = head.version,
        .seq = head.seq,
        .updated_us = head.time_us,
        .method = head.method};
    return want == STORE_WANT_BODY && head.method != STORE_DELETED
               ? version_body_read(&out->body, &out->gap, view->store, view->connection, vid, scope)
               : STATUS_OK;
}

enum status store_view_get(struct store_resource *out, struct store_view *view, uint16_t type, struct text id,
    enum store_want want, struct scope *scope) {
    uint64_t rid = 0;
    enum status status = view_rid(&rid, view, type, id, scope);
    if (status != STATUS_OK) {
        return status;
    }
    return rid == 0 ? STATUS_NOT_FOUND : view_resource(out, view, rid, want, scope);
}

enum status store_view_get_version(struct store_resource *out, struct store_view *view, uint16_t type, struct text id,
    uint32_t version, struct scope *scope) {
    uint64_t rid = 0;
    struct resource_head head;
    uint64_t vid = 0;
    struct version_head found = {0};
    enum status status = view_rid(&rid, view, type, id, scope);
    if (status == STATUS_OK) {
        status = rid == 0 ? STATUS_NOT_FOUND : resource_head_read(&head, view->connection, rid, scope);
    }
    if (status == STATUS_OK) {
        status = view_current(&vid, view, &head, scope);
    }
    if (status == STATUS_OK) {
        status = version_back(&found, view->connection, vid, not_after_number, version, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (found.vid == 0 || found.version != version) {
        return STATUS_NOT_FOUND;
    }
    return version_resource_read(out, view->store, view->connection, &head, found.vid, STORE_WANT_BODY, scope);
}
