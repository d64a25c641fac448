/* statement: a database connection and its kept prepared statements. One thread at a time uses a connection.
 *
 * All SQL of the store stands in one table (statement.c); nobody else writes any. */
#ifndef SOYANG_STORE_STATEMENT_H
#define SOYANG_STORE_STATEMENT_H

#include "store/frame_cache.h"

#include <sqlite3.h>

enum sql {
    SQL_BEGIN_READ,
    SQL_BEGIN_WRITE,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVEPOINT,
    SQL_ROLLBACK_TO,
    SQL_RELEASE,
    SQL_STATE_GET,
    SQL_STATE_PUT,
    SQL_RESOURCE_GET,
    SQL_RESOURCE_ADD,
    SQL_RESOURCE_SET,
    SQL_RESOURCES_FROM,
    SQL_RESOURCE_EDITION,
    SQL_RESOURCES_OUTDATED,
    SQL_EDITIONS,
    SQL_VERSION_HEAD,
    SQL_VERSION_ADD,
    SQL_VERSION_SEQ_AT,
    SQL_VERSION_TIME_AT,
    SQL_VERSIONS_FROM,
    SQL_VERSION_BODIES,
    SQL_SINGLE_ADD,
    SQL_SINGLE_BODY,
    SQL_SINGLE_ROWS,
    SQL_SINGLE_ROWS_SET,
    SQL_SINGLE_REMOVE,
    SQL_SINGLES_FROM,
    SQL_FRAME_ADD,
    SQL_FRAME_AT,
    SQL_FRAME_ROWS_ADD,
    SQL_FRAME_ROWS_AT,
    SQL_FRAME_ROWS_SET,
    SQL_FRAME_LAST,
    SQL_FRAMES,
    SQL_REINDEXED_ADD,
    SQL_REINDEXED_FIRST,
    SQL_REINDEXED_AFTER,
    SQL_REINDEXED_FROM,
    SQL_REINDEXED_REMOVE,
    SQL_HISTORY_ALL,
    SQL_HISTORY_TYPE,
    SQL_HISTORY_COUNT_ALL,
    SQL_HISTORY_COUNT_TYPE,
    SQL_BLOCK_AT,
    SQL_BLOCK_BELOW,
    SQL_BLOCK_BEHIND,
    SQL_BLOCK_ADD,
    SQL_BLOCK_SET,
    SQL_BLOCK_REMOVE,
    SQL_BLOCK_LAST,
    SQL_BLOCKS,
    SQL_BLOCK_COUNT,
    SQL_FENCE_BEHIND,
    SQL_FENCES_BETWEEN,
    SQL_FENCES_ABOVE,
    SQL_FENCE_ADD,
    SQL_FENCE_REMOVE,
    SQL_PAST_KEY,
    SQL_PAST_RANGE,
    SQL_PAST_LAST,
    SQL_PAST_DOWN,
    SQL_PAST_ADD,
    SQL_PAST_EXPIRED,
    SQL_PAST_REMOVE,
    SQL_SPACES,
    SQL_SPACE_ADD,
    SQL_CLAIM_GET,
    SQL_CLAIM_ADD,
    SQL_CLAIM_REMOVE,
    SQL_DUE_SET,
    SQL_DUE_CLEAR,
    SQL_DUE_LIST,
    SQL_DUE_EARLIEST,
    SQL_NOTE_GET,
    SQL_NOTE_SET,
    SQL_AUDIT_ADD,
    SQL_AUDIT_LIST,
    SQL_MOMENTS,
    SQL_MOMENT_ADD,
    SQL_MOMENT_REMOVE,
    SQL_DICTIONARIES,
    SQL_DICTIONARY_ADD,
    SQL_RESOURCE_CURRENT,
    SQL_VERSION_TAIL,
    SQL_TEXT_MARK_GET,
    SQL_TEXT_MARK_SET,
    SQL_TEXT_ADD,
    SQL_TEXT_REMOVE,
    SQL_TEXT_HITS,
    SQL_DOCUMENT_ADD,
    SQL_DOCUMENT_GET,
    SQL_DOCUMENT_END,
    SQL_DOCUMENT_REMOVE,
    SQL_ENDED_ADD,
    SQL_ENDED_LIST,
    SQL_ENDED_REMOVE,
    SQL_ENDED_WRONG,
    SQL_DOCUMENTS,
    SQL_TEXT_INTEGRITY,
    SQL_TEXT_INSTANCES_OPEN,
    SQL_TEXT_INSTANCES,
    SQL_INTEGRITY,
    SQL_COUNT
};

struct statement {
    sqlite3_stmt *at;
    struct statement *next_free, *next;
    enum sql sql;
    bool taken;
};

struct snapshot;

struct connection {
    sqlite3 *database;
    struct snapshot *snapshot; /* what an idle reader keeps open; its view's memory is freed with the connection */
    struct statement *all, *free[SQL_COUNT];
    size_t statement_count;
    struct seen_cache *heads;      /* by rid, what the resource table says; NULL while no view's snapshot is open */
    struct seen_cache *row_places; /* by vid, where its rows lie; likewise */
    uint64_t snapshot_seq;         /* of the newest unit in that snapshot */
    struct block_cache *blocks;    /* NULL: none are kept */
    struct lending *lending;       /* while a page is filled: its bodies stay in their frames */
    struct frame *frames[2];       /* by frame_kind: the last that was read */
    bool rows_stand;               /* that of rows was read in the snapshot that is open */
    bool writes;                   /* the writer's */
    struct connection *next;       /* in the pool */
    enum status failed;            /* the worst since connection_calm: a fault of the database, not of the caller */
    int wal_pages;
};

enum connection_use {
    CONNECTION_READS,
    CONNECTION_WRITES,
    CONNECTION_CHECKPOINTS,
    CONNECTION_READS_TEXT,
    CONNECTION_WRITES_TEXT,
    CONNECTION_CHECKS_TEXT /* writes nothing, but FTS5 is asked by an INSERT */
};
enum status connection_open(struct connection **out, const char *path, enum connection_use use, struct scope *scope);
void connection_close(struct connection *connection); /* accepts NULL */
/* What the last call of SQLite says; adds an issue. Never STATUS_OK. */
enum status connection_fault(struct connection *connection, struct scope *scope);
/* Takes back all statements that are out. */
void connection_reset(struct connection *connection);

/* Begins to write. An undoing that failed, and so left the transaction before open, is made good first. */
enum status transaction_begin(struct connection *connection, struct scope *scope);

/* NULL when it cannot be prepared; then connection_fault says why. */
struct statement *statement_take(struct connection *connection, enum sql sql);
void statement_give(struct connection *connection, struct statement *statement); /* accepts NULL */
/* Steps once and gives it back: for statements without results. */
enum status statement_finish(struct connection *connection, struct statement *statement, struct scope *scope);
/* The same without parameters. */
enum status statement_run(struct connection *connection, enum sql sql, struct scope *scope);
/* Like sqlite3_step: SQLITE_ROW, SQLITE_DONE, or an error; for NULL, an error. */
int statement_step(struct statement *statement);

void bind_int(struct statement *statement, int index, int64_t value); /* statement may be NULL */
void bind_bytes(
    struct statement *statement, int index, struct text value); /* stays the caller's until the statement is reset */
int64_t column_int(struct statement *statement, int index);
struct text column_bytes(struct statement *statement, int index); /* until the next step */

#endif
