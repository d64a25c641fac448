/* text_indexer: the thread that folds versions into the text index, slice by slice.
 *
 *      asked, or the file is there        slice: fold versions, remove ended ones, move the mark; one transaction
 *   (nothing) ─────────────▶ open the file ──▶ slice ──▶ somebody waits, or the store is quiet: at once again
 *                                 ▲              │  └──▶ the store is busy: after a pause of four slices' time
 *                                 └── damaged ───┘  └──▶ all folded: after a look at the store's number twice a second */
#include "store/text_index.h"

#include <errno.h>
#include <time.h>

enum {
    SLICE_US = 50 * 1000,
    SLICE_WAITED_US = 400 * 1000, /* few large slices merge less */
    PAUSE_SLICES = 4,
    PAUSE_MAX_MS = 1000,
    LOOK_MS = 500,
    FAILED_MS = 400,
    REMOVALS_MAX = 500,
    ARENA_BYTES_MAX = 1 << 30,
    DOCUMENT_BYTES_KEPT = 8 << 20,
};

struct indexer {
    struct text_index *index;
    struct connection *store, *file;
    struct arena *arena, *document_arena;
    struct text_mark mark;
    uint64_t horizon;
    int64_t slice_until_us;
    bool all_folded;
};

/* ---- one version ----------------------------------------------------------------------------------------------------- */

struct adding {
    struct indexer *indexer;
    enum sql sql;
    uint64_t vid, rid; /* rid: only when added */
};

static bool has_words(struct text field) {
    return field.size > 1;
}

/* Adds the words of a version, or takes them back. One without words never was in the index. */
static enum status use_words(void *context, const struct store_words *words, struct scope *scope) {
    const struct adding *adding = context;
    struct connection *file = adding->indexer->file;
    if (!has_words(words->fields[0]) && !has_words(words->fields[1])) {
        return STATUS_OK;
    }
    struct statement *statement = statement_take(file, adding->sql);
    bind_int(statement, 1, (int64_t)adding->vid);
    bind_bytes(statement, 2, words->fields[0]);
    bind_bytes(statement, 3, words->fields[1]);
    enum status status = statement_finish(file, statement, scope);
    if (status == STATUS_OK && adding->sql == SQL_TEXT_ADD) {
        struct statement *add = statement_take(file, SQL_DOCUMENT_ADD);
        bind_int(add, 1, (int64_t)adding->vid);
        bind_int(add, 2, (int64_t)adding->rid);
        status = statement_finish(file, add, scope);
    }
    return status;
}

/* Whether a view that is still kept may see the version: it is current, or was not long ago. */
static bool is_wanted(struct indexer *indexer, uint64_t rid, uint64_t vid) {
    struct statement *get = statement_take(indexer->store, SQL_RESOURCE_CURRENT);
    bind_int(get, 1, (int64_t)rid);
    bool wanted = statement_step(get) != SQLITE_ROW || (uint64_t)column_int(get, 0) == vid ||
                  (uint64_t)column_int(get, 1) > indexer->horizon;
    statement_give(indexer->store, get);
    return wanted;
}

static bool is_in(struct indexer *indexer, uint64_t vid) {
    struct statement *get = statement_take(indexer->file, SQL_DOCUMENT_GET);
    bind_int(get, 1, (int64_t)vid);
    bool found = statement_step(get) == SQLITE_ROW;
    statement_give(indexer->file, get);
    return found;
}

static enum status end_previous(struct indexer *indexer, uint64_t previous, uint64_t seq, struct scope *scope) {
    if (previous == 0 || !is_in(indexer, previous)) {
        return STATUS_OK;
    }
    struct statement *add = statement_take(indexer->file, SQL_ENDED_ADD);
    bind_int(add, 1, (int64_t)seq);
    bind_int(add, 2, (int64_t)previous);
    enum status status = statement_finish(indexer->file, add, scope);
    struct statement *end = statement_take(indexer->file, SQL_DOCUMENT_END);
    bind_int(end, 1, (int64_t)previous);
    bind_int(end, 2, (int64_t)seq);
    if (status != STATUS_OK) {
        statement_give(indexer->file, end);
        return status;
    }
    return statement_finish(indexer->file, end, scope);
}

static enum status fold(struct indexer *indexer, struct statement *at, struct scope *scope) {
    struct text_body body = {
        .vid = (uint64_t)column_int(at, 0), .type = (uint16_t)column_int(at, 3), .connection = indexer->store};
    uint64_t rid = (uint64_t)column_int(at, 1), seq = (uint64_t)column_int(at, 4);
    enum status status = STATUS_OK;
    if ((enum store_method)column_int(at, 5) != STORE_DELETED && is_wanted(indexer, rid, body.vid)) {
        struct adding adding = {.indexer = indexer, .sql = SQL_TEXT_ADD, .vid = body.vid, .rid = rid};
        status = text_body_words(indexer->index, indexer->document_arena, &body, use_words, &adding);
    }
    if (status == STATUS_OK) {
        status = end_previous(indexer, (uint64_t)column_int(at, 2), seq, scope);
    }
    indexer->mark.vid = body.vid + 1;
    indexer->mark.rid = rid;
    indexer->mark.seq = seq;
    return status;
}

/* ---- a slice --------------------------------------------------------------------------------------------------------- */

static bool slice_is_over(struct indexer *indexer) {
    struct text_index *index = indexer->index;
    pthread_mutex_lock(&index->lock);
    bool over = index->closing || index->damaged;
    pthread_mutex_unlock(&index->lock);
    return over || clock_monotonic_us() >= indexer->slice_until_us;
}

static enum status fold_versions(struct indexer *indexer, struct scope *scope) {
    struct statement *tail = statement_take(indexer->store, SQL_VERSION_TAIL);
    bind_int(tail, 1, (int64_t)indexer->mark.vid);
    enum status status = STATUS_OK;
    int code = SQLITE_ROW;
    while (status == STATUS_OK && !slice_is_over(indexer) && (code = statement_step(tail)) == SQLITE_ROW) {
        status = fold(indexer, tail, scope);
        if (arena_used(indexer->document_arena) > DOCUMENT_BYTES_KEPT) {
            arena_reset(indexer->document_arena);
        }
    }
    indexer->all_folded = code == SQLITE_DONE;
    if (status == STATUS_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
        status = connection_fault(indexer->store, scope);
    }
    statement_give(indexer->store, tail);
    return status;
}

/* The version's words are what they were when it came in, since its body is. */
static enum status remove_one(struct indexer *indexer, uint64_t seq, uint64_t vid, struct scope *scope) {
    struct version_head version;
    enum status status = version_head_read(&version, indexer->store, vid, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct text_body body = {.vid = vid, .type = version.type, .connection = indexer->store};
    struct adding removing = {.indexer = indexer, .sql = SQL_TEXT_REMOVE, .vid = vid};
    status = text_body_words(indexer->index, indexer->document_arena, &body, use_words, &removing);
    struct statement *document = statement_take(indexer->file, SQL_DOCUMENT_REMOVE);
    bind_int(document, 1, (int64_t)vid);
    if (status == STATUS_OK) {
        status = statement_finish(indexer->file, document, scope);
    }
    struct statement *ended = statement_take(indexer->file, SQL_ENDED_REMOVE);
    bind_int(ended, 1, (int64_t)seq);
    bind_int(ended, 2, (int64_t)vid);
    return status == STATUS_OK ? statement_finish(indexer->file, ended, scope) : status;
}

static enum status remove_ended(struct indexer *indexer, struct scope *scope) {
    struct {
        uint64_t seq, vid;
    } *gone = arena_array(scope->arena, REMOVALS_MAX, sizeof *gone);
    size_t count = 0;
    struct statement *list = statement_take(indexer->file, SQL_ENDED_LIST);
    bind_int(list, 1, (int64_t)indexer->horizon);
    bind_int(list, 2, REMOVALS_MAX);
    while (count < REMOVALS_MAX && statement_step(list) == SQLITE_ROW) {
        gone[count].seq = (uint64_t)column_int(list, 0);
        gone[count++].vid = (uint64_t)column_int(list, 1);
    }
    statement_give(indexer->file, list);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = remove_one(indexer, gone[i].seq, gone[i].vid, scope);
    }
    indexer->all_folded = indexer->all_folded && count < REMOVALS_MAX;
    return status;
}

static enum status slice_inside(void *context, struct scope *scope) {
    struct indexer *indexer = context;
    indexer->horizon = store_horizon(indexer->index->store);
    enum status status = statement_run(indexer->store, SQL_BEGIN_READ, scope);
    if (status == STATUS_OK) {
        status = statement_run(indexer->file, SQL_BEGIN_WRITE, scope);
    }
    if (status == STATUS_OK) {
        status = text_mark_read(&indexer->mark, NULL, indexer->file, scope);
    }
    if (status == STATUS_OK) {
        status = fold_versions(indexer, scope);
    }
    if (status == STATUS_OK) {
        status = remove_ended(indexer, scope);
    }
    if (status == STATUS_OK) {
        indexer->mark.horizon = indexer->horizon > indexer->mark.horizon ? indexer->horizon : indexer->mark.horizon;
        status = text_mark_write(&indexer->mark, indexer->index, indexer->file, scope);
    }
    return status == STATUS_OK ? statement_run(indexer->file, SQL_COMMIT, scope) : status;
}

static void transaction_end(struct connection *connection) {
    connection_reset(connection);
    if (sqlite3_get_autocommit(connection->database) == 0) {
        sqlite3_exec(connection->database, "ROLLBACK", NULL, NULL, NULL);
    }
}

static void say_failed(const struct scope *scope) {
    log_event(LOG_WARNING, "store.text-index-failed", "why", scope->fault.first == NULL ? "" : scope->fault.first->text,
        NULL);
}

static enum status slice(struct indexer *indexer) {
    struct scope scope;
    enum status status = scope_run(&scope, indexer->arena, slice_inside, indexer);
    bool damaged = status != STATUS_OK && (text_file_is_damaged(indexer->file) || status == STATUS_FAILED);
    if (status != STATUS_OK) {
        say_failed(&scope);
    }
    transaction_end(indexer->store);
    transaction_end(indexer->file);
    arena_reset(indexer->document_arena);
    arena_reset(indexer->arena);
    if (damaged) {
        text_index_distrust(indexer->index);
    }
    return status;
}

/* ---- the thread ------------------------------------------------------------------------------------------------------ */

static enum status open_inside(void *context, struct scope *scope) {
    struct indexer *indexer = context;
    const struct store *store = indexer->index->store;
    enum status status =
        indexer->store == NULL ? connection_open(&indexer->store, store->path, CONNECTION_READS, scope) : STATUS_OK;
    if (status == STATUS_OK) {
        status = text_file_open(&indexer->file, indexer->index, indexer->store, scope);
    }
    return status == STATUS_OK ? text_mark_read(&indexer->mark, NULL, indexer->file, scope) : status;
}

static enum status files_open(struct indexer *indexer) {
    struct scope scope;
    enum status status = scope_run(&scope, indexer->arena, open_inside, indexer);
    if (status != STATUS_OK) {
        say_failed(&scope);
    }
    if (indexer->store != NULL) {
        transaction_end(indexer->store);
    }
    arena_reset(indexer->arena);
    return status;
}

static void publish(struct indexer *indexer) {
    struct text_index *index = indexer->index;
    pthread_mutex_lock(&index->lock);
    if (!index->damaged) {
        index->mark = indexer->mark.vid;
    }
    pthread_cond_broadcast(&index->moved);
    pthread_mutex_unlock(&index->lock);
}

/* Throws away what is damaged. True when a file is open. */
static bool stand(struct indexer *indexer) {
    struct text_index *index = indexer->index;
    pthread_mutex_lock(&index->lock);
    bool damaged = index->damaged;
    index->damaged = false;
    pthread_mutex_unlock(&index->lock);
    if (damaged && indexer->file != NULL) {
        connection_close(indexer->file);
        indexer->file = NULL;
        text_file_remove(index);
    }
    if (indexer->file == NULL && files_open(indexer) != STATUS_OK) {
        return false;
    }
    publish(indexer);
    return true;
}

static bool somebody_waits(struct text_index *index) {
    pthread_mutex_lock(&index->lock);
    bool waits = index->waiters > 0 || index->hurry;
    index->hurry = false;
    pthread_mutex_unlock(&index->lock);
    return waits;
}

enum pause { PAUSE_UNTIL_ASKED, PAUSE_WHOLE };

/* False when the store closes. Behind a failure the whole pause is kept: whoever waits would only see it fail again, and again. */
static bool pause_for(struct text_index *index, int64_t wait_ms, enum pause pause) {
    int64_t until_us = clock_monotonic_us() + wait_ms * 1000;
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    int code = 0;
    pthread_mutex_lock(&index->lock);
    while (wait_ms > 0 && !index->closing && code != ETIMEDOUT &&
           (pause == PAUSE_WHOLE || (!index->hurry && !index->damaged && index->waiters == 0))) {
        code = pthread_cond_timedwait(&index->asked, &index->lock, &until);
    }
    bool goes_on = !index->closing;
    pthread_mutex_unlock(&index->lock);
    return goes_on;
}

/* One slice, and how long to rest behind it; false when it failed. */
static bool turn(int64_t *rest_ms, struct indexer *indexer, uint64_t *seen) {
    struct text_index *index = indexer->index;
    *rest_ms = LOOK_MS;
    if (!stand(indexer)) {
        return false;
    }
    uint64_t now = store_sequence(index->store);
    if (indexer->all_folded && now == *seen) {
        return true;
    }
    int64_t start_us = clock_monotonic_us();
    indexer->slice_until_us = start_us + (somebody_waits(index) ? SLICE_WAITED_US : SLICE_US);
    if (slice(indexer) != STATUS_OK) {
        return false;
    }
    publish(indexer);
    bool busy = *seen != 0 && store_sequence(index->store) != now;
    *seen = now;
    if (indexer->all_folded) {
        sqlite3_db_release_memory(indexer->file->database);
        sqlite3_db_release_memory(indexer->store->database);
        return true;
    }
    int64_t pause_ms = (clock_monotonic_us() - start_us) * PAUSE_SLICES / 1000;
    *rest_ms = !busy ? 0 : pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
    return true;
}

void *text_indexer_main(void *context) {
    struct indexer indexer = {
        .index = context, .arena = arena_open(ARENA_BYTES_MAX), .document_arena = arena_open(ARENA_BYTES_MAX)};
    uint64_t seen = 0;
    pthread_setname_np(pthread_self(), "soyang-text");
    int64_t rest_ms = 0;
    enum pause pause = PAUSE_UNTIL_ASKED;
    while (pause_for(indexer.index, rest_ms, pause)) {
        bool able = indexer.arena != NULL && indexer.document_arena != NULL;
        pause = able && turn(&rest_ms, &indexer, &seen) ? PAUSE_UNTIL_ASKED : PAUSE_WHOLE;
        rest_ms = pause == PAUSE_WHOLE ? FAILED_MS : rest_ms;
    }
    connection_close(indexer.file);
    connection_close(indexer.store);
    arena_close(indexer.document_arena);
    arena_close(indexer.arena);
    return NULL;
}
