/* text_file: the file of the text index, and what a search sees of it. */
#include "store/text_index.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The words themselves are kept nowhere else (content=''): a version that leaves has them made again from its body. The
 * tokenizer `ascii` cuts at blanks only, given how words are made (store.h). */
static const char *const tables[] = {
    "CREATE VIRTUAL TABLE words USING fts5(field0,field1,content='',columnsize=0,tokenize='ascii')",
    "INSERT INTO words(words,rank) VALUES('hashsize',8388608)",
    "INSERT INTO words(words,rank) VALUES('automerge',8)",
    "CREATE TABLE document(vid INTEGER PRIMARY KEY,rid INTEGER NOT NULL,ended INTEGER NOT NULL)",
    "CREATE TABLE ended(seq INTEGER NOT NULL,vid INTEGER NOT NULL,PRIMARY KEY(seq,vid)) WITHOUT ROWID",
    ("CREATE TABLE mark(one INTEGER PRIMARY KEY CHECK(one=1),vid INTEGER NOT NULL,rid INTEGER NOT NULL,seq INTEGER NOT "
     "NULL,horizon INTEGER NOT NULL,form BLOB NOT NULL)"),
};

bool text_file_is_damaged(struct connection *file) {
    int code = sqlite3_errcode(file->database) & 0xff;
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void text_file_remove(struct text_index *index) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[4096];
        int size = snprintf(name, sizeof name, "%s%s", index->path, ends[i]);
        if (size > 0 && (size_t)size < sizeof name) {
            (void)unlink(name);
        }
    }
    atomic_fetch_add(&index->file_number, 1);
}

/* ---- the mark -------------------------------------------------------------------------------------------------------- */

enum status text_mark_read(struct text_mark *out, struct text *form_out, struct connection *file, struct scope *scope) {
    struct statement *get = statement_take(file, SQL_TEXT_MARK_GET);
    int code = statement_step(get);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        *out = (struct text_mark){.vid = (uint64_t)column_int(get, 0),
            .rid = (uint64_t)column_int(get, 1),
            .seq = (uint64_t)column_int(get, 2),
            .horizon = (uint64_t)column_int(get, 3)};
        if (form_out != NULL) {
            *form_out = text_copy(scope->arena, column_bytes(get, 4));
        }
    } else {
        status = code == SQLITE_DONE ? fault(scope, STATUS_FAILED, "", "the text index has no mark")
                                     : connection_fault(file, scope);
    }
    statement_give(file, get);
    return status;
}

enum status text_mark_write(
    const struct text_mark *mark, struct text_index *index, struct connection *file, struct scope *scope) {
    struct statement *set = statement_take(file, SQL_TEXT_MARK_SET);
    bind_int(set, 1, (int64_t)mark->vid);
    bind_int(set, 2, (int64_t)mark->rid);
    bind_int(set, 3, (int64_t)mark->seq);
    bind_int(set, 4, (int64_t)mark->horizon);
    bind_bytes(set, 5, text_from(index->form));
    return statement_finish(file, set, scope);
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static enum status create(struct connection *file, struct text_index *index, struct scope *scope) {
    enum status status = statement_run(file, SQL_BEGIN_WRITE, scope);
    for (size_t i = 0; status == STATUS_OK && i < sizeof tables / sizeof *tables; i++) {
        if (sqlite3_exec(file->database, tables[i], NULL, NULL, NULL) != SQLITE_OK) {
            status = connection_fault(file, scope);
        }
    }
    if (status == STATUS_OK) {
        status = text_mark_write(&(struct text_mark){.vid = 1}, index, file, scope);
    }
    return status == STATUS_OK ? statement_run(file, SQL_COMMIT, scope) : status;
}

/* The last version that was folded is the one that the store has under its number: a folder put back from a copy may have
 * another. */
bool text_mark_is_of(const struct text_mark *mark, struct connection *store, struct scope *scope) {
    if (mark->vid <= 1) {
        return true;
    }
    struct version_head version = {0};
    return version_head_read(&version, store, mark->vid - 1, scope) == STATUS_OK && version.rid == mark->rid &&
           version.seq == mark->seq;
}

static bool is_good(struct connection *file, struct text_index *index, struct connection *store, struct scope *scope) {
    struct scope trial = {.arena = scope->arena};
    struct text_mark mark;
    struct text form;
    return text_mark_read(&mark, &form, file, &trial) == STATUS_OK && text_is(form, index->form) &&
           text_mark_is_of(&mark, store, &trial);
}

enum status text_file_open(
    struct connection **out, struct text_index *index, struct connection *store, struct scope *scope) {
    *out = NULL;
    struct scope trial = {.arena = scope->arena};
    if (access(index->path, F_OK) == 0) {
        if (connection_open(out, index->path, CONNECTION_WRITES_TEXT, &trial) == STATUS_OK &&
            is_good(*out, index, store, scope)) {
            return STATUS_OK;
        }
        log_event(LOG_WARNING, "store.text-index-anew", NULL);
        connection_close(*out);
        *out = NULL;
        text_file_remove(index);
    }
    enum status status = connection_open(out, index->path, CONNECTION_WRITES_TEXT, scope);
    if (status == STATUS_OK) {
        status = create(*out, index, scope);
    }
    if (status != STATUS_OK) {
        connection_close(*out);
        *out = NULL;
        text_file_remove(index);
    }
    return status;
}

/* ---- readers --------------------------------------------------------------------------------------------------------- */

static void close_deferred(void *reader) {
    text_reader_close(reader);
}

static enum status reader_connect(struct text_reader *reader, struct scope *scope) {
    struct text_index *index = reader->index;
    pthread_mutex_lock(&index->lock);
    bool there = index->mark > 0;
    reader->file_number = atomic_load(&index->file_number);
    if (there && index->idle != NULL) {
        reader->connection = index->idle;
        index->idle = reader->connection->next;
        index->idle_count--;
    }
    pthread_mutex_unlock(&index->lock);
    if (!there || reader->connection != NULL) {
        return STATUS_OK;
    }
    return connection_open(&reader->connection, index->path, CONNECTION_READS_TEXT, scope);
}

enum status text_reader_open(struct text_reader **out, struct text_index *index, struct scope *scope) {
    struct text_reader *reader = ARENA_NEW(scope->arena, struct text_reader);
    reader->index = index;
    reader->mark.vid = 1;
    arena_defer(scope->arena, close_deferred, reader);
    enum status status = reader_connect(reader, scope);
    if (status == STATUS_OK && reader->connection != NULL) {
        status = statement_run(reader->connection, SQL_BEGIN_READ, scope);
        if (status == STATUS_OK) {
            status = text_mark_read(&reader->mark, NULL, reader->connection, scope);
        }
    }
    if (status != STATUS_OK) {
        text_reader_close(reader);
        return status;
    }
    *out = reader;
    return STATUS_OK;
}

/* Called under the lock. */
static bool may_keep(const struct text_reader *reader) {
    const struct text_index *index = reader->index;
    return reader->file_number == atomic_load(&index->file_number) && reader->connection->failed == STATUS_OK &&
           index->idle_count < TEXT_READERS_KEPT;
}

void text_reader_close(struct text_reader *reader) {
    if (reader == NULL || reader->connection == NULL) {
        return;
    }
    struct connection *connection = reader->connection;
    struct text_index *index = reader->index;
    connection_reset(connection);
    if (sqlite3_get_autocommit(connection->database) == 0) {
        sqlite3_exec(connection->database, "ROLLBACK", NULL, NULL, NULL);
    }
    sqlite3_db_release_memory(connection->database);
    pthread_mutex_lock(&index->lock);
    bool kept = may_keep(reader);
    if (kept) {
        connection->next = index->idle;
        index->idle = connection;
        index->idle_count++;
    }
    pthread_mutex_unlock(&index->lock);
    reader->connection = NULL;
    if (!kept) {
        connection_close(connection);
    }
}
