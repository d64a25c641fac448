#include "store/frame.h"

#include "store/seen_cache.h"

#include <string.h>

/* ---- layout -------------------------------------------------------------------------------------------------------- */

enum { SIZE_VARINT_MAX = 10, ENTRY_VARINTS = 3 };

/* What a frame may claim to hold, so that a damaged one asks for no more memory. */
enum { SIZE_MOST = 1 << 26 };

static size_t varint_put(uint8_t *out, uint64_t value) {
    size_t size = 0;
    while (value >= 0x80) {
        out[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[size++] = (uint8_t)value;
    return size;
}

struct cursor {
    const uint8_t *at, *end;
};

static bool varint_get(uint64_t *out, struct cursor *cursor) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

struct entry {
    uint64_t vid, gap, size;
};

static bool entry_get(struct entry *entry, struct cursor *cursor) {
    uint64_t distance = 0;
    if (!varint_get(&distance, cursor) || !varint_get(&entry->gap, cursor) || !varint_get(&entry->size, cursor)) {
        return false;
    }
    entry->vid += distance;
    return true;
}

enum found { FOUND, FOUND_NOT, FOUND_DAMAGED };

/* Looks through the list of a frame; the bytes lie one behind the other after it. */
static enum found entry_find(struct text *bytes, uint32_t *gap_out, const struct frame *frame, uint64_t vid) {
    const uint8_t *start = (const uint8_t *)frame->bytes;
    struct cursor cursor = {start, start + frame->size};
    struct entry entry = {.vid = frame->first}, wanted = {0};
    uint64_t count = 0, offset = 0, wanted_offset = 0;
    bool found = false;
    if (!varint_get(&count, &cursor)) {
        return FOUND_DAMAGED;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!entry_get(&entry, &cursor) || entry.size > frame->size) {
            return FOUND_DAMAGED;
        }
        if (entry.vid == vid) {
            wanted = entry;
            wanted_offset = offset;
            found = true;
        }
        offset += entry.size;
    }
    if (offset != (uint64_t)(cursor.end - cursor.at)) {
        return FOUND_DAMAGED;
    }
    *bytes = (struct text){(const char *)cursor.at + wanted_offset, wanted.size};
    *gap_out = (uint32_t)wanted.gap;
    return found ? FOUND : FOUND_NOT;
}

enum side { SIDE_BODY, SIDE_ROWS };

static struct text bytes_of(const struct frame_part *part, enum side side) {
    return side == SIDE_BODY ? part->body : part->rows;
}

static struct text write_frame(struct arena *arena, const struct frame_part *parts, size_t count, enum side side) {
    size_t most = SIZE_VARINT_MAX;
    for (size_t i = 0; i < count; i++) {
        most += ENTRY_VARINTS * SIZE_VARINT_MAX + bytes_of(&parts[i], side).size;
    }
    uint8_t *out = (uint8_t *)arena_bytes(arena, most);
    size_t size = varint_put(out, count);
    uint64_t before = parts[0].vid;
    for (size_t i = 0; i < count; i++) {
        size += varint_put(out + size, parts[i].vid - before);
        size += varint_put(out + size, side == SIDE_BODY ? parts[i].gap : 0);
        size += varint_put(out + size, bytes_of(&parts[i], side).size);
        before = parts[i].vid;
    }
    for (size_t i = 0; i < count; i++) {
        struct text bytes = bytes_of(&parts[i], side);
        if (bytes.size > 0) {
            memcpy(out + size, bytes.at, bytes.size);
        }
        size += bytes.size;
    }
    return (struct text){(const char *)out, size};
}

enum status frame_bodies_make(
    struct frame_made *out, struct pack *pack, const struct frame_part *parts, size_t count, struct scope *scope) {
    struct text raw = write_frame(scope->arena, parts, count, SIDE_BODY);
    *out = (struct frame_made){.first = parts[0].vid, .last = parts[count - 1].vid, .body_size = raw.size};
    return pack_frame(&out->body, &out->dictionary, pack, raw, scope);
}

enum status frame_rows_make(
    struct frame_made *out, struct pack *pack, const struct frame_part *parts, size_t count, struct scope *scope) {
    struct text raw = write_frame(scope->arena, parts, count, SIDE_ROWS);
    out->rows_size = raw.size;
    return pack_frame(&out->rows, NULL, pack, raw, scope);
}

/* ---- finding ------------------------------------------------------------------------------------------------------- */

static enum status damaged(struct scope *scope) {
    return fault(scope, STATUS_FAILED, "", "a frame of versions is damaged");
}

/* Its bytes, from the cache or out of the row that `at` stands on. The writer keeps no rows: what it reads may be undone and made
 * otherwise under the same number. */
static enum status frame_open(struct frame **out, struct store *store, struct connection *connection,
    const struct frame_key *key, struct statement *at, struct scope *scope) {
    *out = frame_cache_get(store->frames, key);
    if (*out != NULL) {
        return STATUS_OK;
    }
    int64_t size = column_int(at, 3);
    if (size < 0 || size > SIZE_MOST) {
        return damaged(scope);
    }
    struct frame *frame = frame_new(key, (uint64_t)column_int(at, 1), (size_t)size);
    if (frame == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for a frame of versions");
    }
    enum status status =
        pack_unframe(frame->bytes, frame->size, store->pack, column_bytes(at, 5), (uint32_t)column_int(at, 4), scope);
    if (status != STATUS_OK) {
        frame_drop(frame);
        return status;
    }
    if (key->kind == FRAME_BODIES || !connection->writes) {
        frame_cache_put(store->frames, frame);
    }
    *out = frame;
    return STATUS_OK;
}

/* The frame that held the version's rows when they were last looked for, where they have not been made anew since. */
static struct frame *rows_known(
    struct store *store, const struct connection *connection, enum frame_kind kind, uint64_t vid) {
    struct seen seen;
    if (kind != FRAME_ROWS || connection->row_places == NULL || !seen_cache_get(&seen, connection->row_places, vid) ||
        seen.as_of > connection->snapshot_seq) {
        return NULL;
    }
    const struct frame_key key = {.last = seen.words[0], .made = seen.words[1], .kind = FRAME_ROWS};
    return frame_cache_get(store->frames, &key);
}

/* The frame that may hold the version, the connection's own until it takes the next; NULL: none does. */
static enum status frame_find(struct frame **out, struct store *store, struct connection *connection,
    enum frame_kind kind, uint64_t vid, struct scope *scope) {
    struct frame **held = &connection->frames[kind];
    *out = NULL;
    bool stands = kind == FRAME_BODIES || connection->rows_stand;
    if (stands && *held != NULL && (*held)->first <= vid && vid <= (*held)->key.last) {
        *out = *held;
        return STATUS_OK;
    }
    bool may_hint = kind == FRAME_BODIES && !connection->writes; /* what the writer reads may be undone */
    struct frame *known = may_hint ? frame_cache_of(store->frames, vid) : rows_known(store, connection, kind, vid);
    if (known != NULL) {
        frame_drop(*held);
        *out = *held = known;
        connection->rows_stand = connection->rows_stand && kind == FRAME_BODIES; /* others' rows may be elsewhere */
        return STATUS_OK;
    }
    struct statement *at = statement_take(connection, kind == FRAME_BODIES ? SQL_FRAME_AT : SQL_FRAME_ROWS_AT);
    bind_int(at, 1, (int64_t)vid);
    int code = statement_step(at);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW && (uint64_t)column_int(at, 1) <= vid) {
        struct frame_key key = {.last = (uint64_t)column_int(at, 0), .made = (uint64_t)column_int(at, 2), .kind = kind};
        bool is_held =
            *held != NULL && frame_key_equal(&(*held)->key, &key) && (kind == FRAME_BODIES || !connection->writes);
        struct frame *frame = *held;
        status = is_held ? STATUS_OK : frame_open(&frame, store, connection, &key, at, scope);
        if (status == STATUS_OK && !is_held) {
            frame_drop(*held);
            *held = frame;
        }
        connection->rows_stand =
            kind == FRAME_ROWS ? status == STATUS_OK && !connection->writes : connection->rows_stand;
        *out = status == STATUS_OK ? *held : NULL;
        if (*out != NULL && may_hint) {
            frame_cache_hint(store->frames, vid, *out);
        }
        if (*out != NULL && kind == FRAME_ROWS && connection->row_places != NULL) {
            seen_cache_put(connection->row_places, vid,
                &(struct seen){.as_of = connection->snapshot_seq, .words = {key.last, key.made}});
        }
    } else if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    statement_give(connection, at);
    return status;
}

/* *bytes.at is NULL where no frame has the version. */
static enum status framed_find(struct text *bytes, uint32_t *gap_out, struct store *store,
    struct connection *connection, enum frame_kind kind, uint64_t vid, struct scope *scope) {
    struct frame *frame = NULL;
    *bytes = (struct text){0};
    enum status status = frame_find(&frame, store, connection, kind, vid, scope);
    if (status != STATUS_OK || frame == NULL) {
        return status;
    }
    struct text found;
    enum found how = entry_find(&found, gap_out, frame, vid);
    if (how == FOUND) {
        *bytes = found;
    }
    return how == FOUND_DAMAGED ? damaged(scope) : STATUS_OK;
}

/* Stands on the version's row of `single`; NULL where it has none. */
static enum status single_find(
    struct statement **out, struct connection *connection, enum sql sql, uint64_t vid, struct scope *scope) {
    struct statement *get = statement_take(connection, sql);
    bind_int(get, 1, (int64_t)vid);
    int code = statement_step(get);
    *out = code == SQLITE_ROW ? get : NULL;
    if (code == SQLITE_ROW) {
        return STATUS_OK;
    }
    enum status status = code == SQLITE_DONE ? STATUS_OK : connection_fault(connection, scope);
    statement_give(connection, get);
    return status;
}

/* Where to look first; either place is right in some snapshot. */
static bool is_likely_framed(struct store *store, uint64_t vid) {
    return vid < atomic_load_explicit(&store->packed_to, memory_order_relaxed);
}

static enum status missing(struct scope *scope) {
    return fault(scope, STATUS_FAILED, "", "what a version holds is missing in the database");
}

static enum status body_framed(
    struct version_body *out, struct store *store, struct connection *connection, uint64_t vid, struct scope *scope) {
    struct text bytes;
    uint32_t gap = 0;
    enum status status = framed_find(&bytes, &gap, store, connection, FRAME_BODIES, vid, scope);
    if (status == STATUS_OK && bytes.at != NULL) {
        out->body = (struct store_body){.packed = bytes, .size = (uint32_t)bytes.size, .gap = gap};
    }
    return status;
}

static enum status body_single(
    struct version_body *out, struct connection *connection, uint64_t vid, struct scope *scope) {
    enum status status = single_find(&out->statement, connection, SQL_SINGLE_BODY, vid, scope);
    if (out->statement != NULL) {
        out->body = (struct store_body){.dictionary = (uint32_t)column_int(out->statement, 0),
            .gap = (uint32_t)column_int(out->statement, 1),
            .size = (uint32_t)column_int(out->statement, 2),
            .packed = column_bytes(out->statement, 3)};
        out->body.packed.at = out->body.packed.at == NULL ? "" : out->body.packed.at;
    }
    return status;
}

enum status version_body_take(
    struct version_body *out, struct store *store, struct connection *connection, uint64_t vid, struct scope *scope) {
    bool framed = is_likely_framed(store, vid);
    enum status status = STATUS_OK;
    *out = (struct version_body){0};
    for (int i = 0; i < 2 && status == STATUS_OK && out->body.packed.at == NULL; i++, framed = !framed) {
        status = framed ? body_framed(out, store, connection, vid, scope) : body_single(out, connection, vid, scope);
    }
    return status == STATUS_OK && out->body.packed.at == NULL ? missing(scope) : status;
}

void version_body_give(struct connection *connection, struct version_body *body) {
    statement_give(connection, body->statement);
    body->statement = NULL;
}

static void drop_lent(void *frame) {
    frame_drop(frame);
}

/* The body lies in the frame that the connection read last; true once that is the arena's too. */
static bool lend(struct connection *connection, struct arena *arena) {
    struct lending *lending = connection->lending;
    struct frame *frame = connection->frames[FRAME_BODIES];
    if (lending == NULL || frame == NULL) {
        return false;
    }
    if (lending->last == frame) {
        return true;
    }
    if (lending->left < frame->size) {
        return false;
    }
    atomic_fetch_add_explicit(&frame->users, 1, memory_order_relaxed);
    arena_defer(arena, drop_lent, frame);
    lending->left -= frame->size;
    lending->last = frame;
    return true;
}

enum status version_body_read(struct text *out, uint32_t *gap_out, struct store *store, struct connection *connection,
    uint64_t vid, struct scope *scope) {
    struct version_body body;
    enum status status = version_body_take(&body, store, connection, vid, scope);
    if (status == STATUS_OK) {
        *gap_out = body.body.gap;
        if (body.statement == NULL && lend(connection, scope->arena)) {
            *out = body.body.packed; /* what lies in a frame is expanded */
        } else {
            status = pack_expand(out, store->pack, &body.body, scope);
        }
    }
    if (status == STATUS_OK && (*gap_out == 0 || *gap_out >= out->size)) {
        status = fault(scope, STATUS_FAILED, "", "the body of a version is damaged");
    }
    version_body_give(connection, &body);
    return status;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static enum status rows_single(struct text *out, struct connection *connection, uint64_t vid, struct scope *scope) {
    struct statement *at = NULL;
    enum status status = single_find(&at, connection, SQL_SINGLE_ROWS, vid, scope);
    if (at != NULL) {
        struct text rows = column_bytes(at, 0);
        *out = rows.size == 0 ? TEXT("") : text_copy(scope->arena, rows);
    }
    statement_give(connection, at);
    return status;
}

enum status version_rows_find(
    struct text *out, struct store *store, struct connection *connection, uint64_t vid, struct scope *scope) {
    bool framed = is_likely_framed(store, vid);
    enum status status = STATUS_OK;
    *out = (struct text){0};
    for (int i = 0; i < 2 && status == STATUS_OK && out->at == NULL; i++, framed = !framed) {
        uint32_t gap;
        struct text found = {0};
        if (!framed) {
            status = rows_single(out, connection, vid, scope);
            continue;
        }
        status = framed_find(&found, &gap, store, connection, FRAME_ROWS, vid, scope);
        if (status == STATUS_OK && found.at != NULL) {
            *out = found.size == 0 ? TEXT("") : text_copy(scope->arena, found);
        }
    }
    return status == STATUS_OK && out->at == NULL ? missing(scope) : status;
}

/* The frame's list again, with other rows for one version. */
static enum status rows_remake(struct frame_made *out, struct store *store, const struct frame *frame, uint64_t vid,
    struct text rows, struct scope *scope) {
    const uint8_t *start = (const uint8_t *)frame->bytes;
    struct cursor cursor = {start, start + frame->size};
    struct entry entry = {.vid = frame->first};
    uint64_t count = 0, offset = 0;
    if (!varint_get(&count, &cursor) || count == 0 || count > FRAME_COUNT_MAX) {
        return damaged(scope);
    }
    struct frame_part *parts = ARENA_ARRAY(scope->arena, struct frame_part, count);
    for (uint64_t i = 0; i < count; i++) {
        if (!entry_get(&entry, &cursor) || entry.size > frame->size) {
            return damaged(scope);
        }
        parts[i] = (struct frame_part){.vid = entry.vid, .rows = {NULL, entry.size}};
    }
    for (uint64_t i = 0; i < count; i++) {
        parts[i].rows.at = (const char *)cursor.at + offset;
        offset += parts[i].rows.size;
    }
    if (offset != (uint64_t)(cursor.end - cursor.at)) {
        return damaged(scope);
    }
    for (uint64_t i = 0; i < count; i++) {
        parts[i].rows = parts[i].vid == vid ? rows : parts[i].rows;
    }
    return frame_rows_make(out, store->pack, parts, count, scope);
}

static enum status rows_put_framed(
    struct store *store, struct connection *connection, uint64_t vid, struct text rows, struct scope *scope) {
    struct frame *frame = NULL;
    struct frame_made made = {0};
    enum status status = frame_find(&frame, store, connection, FRAME_ROWS, vid, scope);
    if (status == STATUS_OK) {
        status = frame == NULL ? missing(scope) : rows_remake(&made, store, frame, vid, rows, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct statement *set = statement_take(connection, SQL_FRAME_ROWS_SET);
    bind_int(set, 1, (int64_t)frame->key.last);
    bind_int(set, 2, (int64_t)made.rows_size);
    bind_bytes(set, 3, made.rows);
    return statement_finish(connection, set, scope);
}

enum status version_rows_put(bool *single_out, struct store *store, struct connection *connection, uint64_t vid,
    struct text rows, struct scope *scope) {
    struct statement *set = statement_take(connection, SQL_SINGLE_ROWS_SET);
    bind_int(set, 1, (int64_t)vid);
    bind_bytes(set, 2, rows);
    enum status status = statement_finish(connection, set, scope);
    *single_out = status == STATUS_OK && sqlite3_changes(connection->database) > 0;
    return status != STATUS_OK || *single_out ? status : rows_put_framed(store, connection, vid, rows, scope);
}
