#include "store/statement.h"

#include "store/block_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROW_COLUMNS "key,rid,seq"
/* A fence without its block is damage, not an absence. */
#define BLOCK_COLUMNS                                                                                                  \
    "f.key,f.rid,b.entries,f.number FROM fence f LEFT JOIN block b ON b.number=f.number WHERE f.lane=?1 AND "

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN_READ] = "BEGIN DEFERRED",
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVEPOINT] = "SAVEPOINT unit",
    [SQL_ROLLBACK_TO] = "ROLLBACK TO unit",
    [SQL_RELEASE] = "RELEASE unit",

    [SQL_STATE_GET] =
        ("SELECT seq,time,rid_next,vid_next,merge_from,merge_from_rid,active_from,active_from_rid,merged,horizon,"
         "audit_number,audit_hash,resources,rows FROM state WHERE one=1"),
    [SQL_STATE_PUT] =
        ("UPDATE state SET seq=?1,time=?2,rid_next=?3,vid_next=?4,merge_from=?5,merge_from_rid=?6,active_from=?7,"
         "active_from_rid=?8,merged=?9,horizon=?10,audit_number=?11,audit_hash=?12,resources=?13,rows=?14 WHERE one=1"),

    [SQL_RESOURCE_GET] = "SELECT type,id,version,vid,seq,time,method FROM resource WHERE rid=?1",
    [SQL_RESOURCE_ADD] =
        "INSERT INTO resource(rid,type,id,version,vid,seq,time,method,edition) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    [SQL_RESOURCE_SET] = "UPDATE resource SET version=?2,vid=?3,seq=?4,time=?5,method=?6,edition=?7 WHERE rid=?1",
    [SQL_RESOURCE_EDITION] = "UPDATE resource SET edition=?2 WHERE rid=?1",
    [SQL_RESOURCES_OUTDATED] = ("SELECT rid,type,edition FROM resource "
                                "WHERE rid>=?1 AND version>0 AND method<>3 ORDER BY rid LIMIT ?2"),
    [SQL_EDITIONS] = ("SELECT type,edition,count(*) FROM resource WHERE version>0 AND method<>3 "
                      "GROUP BY type,edition ORDER BY type,edition"),
    [SQL_RESOURCES_FROM] = "SELECT rid,type,id,version,vid,method,seq FROM resource WHERE rid>=?1 ORDER BY rid",

    [SQL_VERSION_HEAD] = "SELECT rid,version,previous,base,seq,time,method,type FROM version WHERE vid=?1",
    [SQL_VERSION_ADD] = ("INSERT INTO version(vid,rid,version,previous,base,type,seq,time,method) "
                         "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"),
    [SQL_VERSION_SEQ_AT] = "SELECT vid,seq FROM version WHERE vid>=?1 ORDER BY vid LIMIT 1",
    [SQL_VERSION_TIME_AT] = "SELECT vid,time FROM version WHERE vid>=?1 ORDER BY vid LIMIT 1",
    [SQL_VERSIONS_FROM] =
        "SELECT vid,rid,version,previous,type,seq,time,method FROM version WHERE vid>=?1 ORDER BY vid",
    [SQL_VERSION_BODIES] = "SELECT vid,method FROM version ORDER BY vid",

    [SQL_SINGLE_ADD] = "INSERT INTO single(vid,dictionary,gap,size,rows,body) VALUES(?1,?2,?3,?4,?5,?6)",
    [SQL_SINGLE_BODY] = "SELECT dictionary,gap,size,body FROM single WHERE vid=?1",
    [SQL_SINGLE_ROWS] = "SELECT rows FROM single WHERE vid=?1",
    [SQL_SINGLE_ROWS_SET] = "UPDATE single SET rows=?2 WHERE vid=?1",
    [SQL_SINGLE_REMOVE] = "DELETE FROM single WHERE vid=?1",
    [SQL_SINGLES_FROM] = "SELECT vid,dictionary,gap,size,rows,body FROM single WHERE vid>=?1 ORDER BY vid",

    [SQL_FRAME_ADD] = "INSERT INTO frame(last,first,size,dictionary,body) VALUES(?1,?2,?3,?4,?5)",
    [SQL_FRAME_AT] = "SELECT last,first,0,size,dictionary,body FROM frame WHERE last>=?1 ORDER BY last LIMIT 1",
    [SQL_FRAME_ROWS_ADD] = "INSERT INTO frame_rows(last,first,made,size,rows) VALUES(?1,?2,0,?3,?4)",
    [SQL_FRAME_ROWS_AT] = "SELECT last,first,made,size,0,rows FROM frame_rows WHERE last>=?1 ORDER BY last LIMIT 1",
    [SQL_FRAME_ROWS_SET] = "UPDATE frame_rows SET made=made+1,size=?2,rows=?3 WHERE last=?1",
    [SQL_FRAME_LAST] = "SELECT max(last) FROM frame",
    [SQL_FRAMES] = "SELECT first,last FROM frame ORDER BY last",

    [SQL_REINDEXED_ADD] = "INSERT OR IGNORE INTO reindexed(seq,vid,rows) VALUES(?1,?2,?3)",
    [SQL_REINDEXED_FIRST] = "SELECT seq FROM reindexed ORDER BY number LIMIT 1",
    [SQL_REINDEXED_AFTER] = "SELECT rows FROM reindexed WHERE vid=?1 AND seq>?2 ORDER BY seq LIMIT 1",
    [SQL_REINDEXED_FROM] = "SELECT seq,vid,rows FROM reindexed WHERE seq>=?1 ORDER BY number",
    [SQL_REINDEXED_REMOVE] =
        "DELETE FROM reindexed WHERE number IN (SELECT number FROM reindexed WHERE seq<?1 ORDER BY number LIMIT ?2)",

    [SQL_HISTORY_ALL] = "SELECT vid,rid FROM version WHERE vid<?1 AND vid>=?2 ORDER BY vid DESC",
    [SQL_HISTORY_TYPE] = "SELECT vid,rid FROM version WHERE type=?3 AND vid<?1 AND vid>=?2 ORDER BY vid DESC",
    [SQL_HISTORY_COUNT_ALL] = "SELECT count(*) FROM version WHERE vid<?1 AND vid>=?2",
    [SQL_HISTORY_COUNT_TYPE] = "SELECT count(*) FROM version WHERE type=?3 AND vid<?1 AND vid>=?2",

    [SQL_BLOCK_AT] = ("SELECT " BLOCK_COLUMNS "(f.key,f.rid)<=(?2,?3) ORDER BY f.key DESC,f.rid DESC LIMIT 1"),
    [SQL_BLOCK_BELOW] = ("SELECT " BLOCK_COLUMNS "(f.key,f.rid)<(?2,?3) ORDER BY f.key DESC,f.rid DESC LIMIT 1"),
    [SQL_BLOCK_BEHIND] = ("SELECT " BLOCK_COLUMNS "(f.key,f.rid)>(?2,?3) ORDER BY f.key,f.rid LIMIT 1"),
    [SQL_BLOCK_ADD] = "INSERT INTO block(number,entries) VALUES(?1,?2)",
    [SQL_BLOCK_SET] = "UPDATE block SET entries=?2 WHERE number=?1",
    [SQL_BLOCK_REMOVE] = "DELETE FROM block WHERE number=?1",
    [SQL_BLOCK_LAST] = "SELECT max(number) FROM block",
    [SQL_BLOCKS] = ("SELECT f.key,f.rid,b.entries,f.number,f.lane FROM fence f LEFT JOIN block b ON b.number=f.number "
                    "ORDER BY f.lane,f.key,f.rid"),
    [SQL_BLOCK_COUNT] = "SELECT count(*) FROM block",
    [SQL_FENCE_BEHIND] =
        "SELECT key,rid,number FROM fence WHERE lane=?1 AND (key,rid)>(?2,?3) ORDER BY key,rid LIMIT 1",
    [SQL_FENCES_BETWEEN] = "SELECT count(*) FROM (SELECT 1 FROM fence WHERE lane=?1 AND key>=?2 AND key<?4 LIMIT ?3)",
    [SQL_FENCES_ABOVE] = "SELECT count(*) FROM (SELECT 1 FROM fence WHERE lane=?1 AND key>=?2 LIMIT ?3)",
    [SQL_FENCE_ADD] = "INSERT INTO fence(lane,key,rid,number) VALUES(?1,?2,?3,?4)",
    [SQL_FENCE_REMOVE] = "DELETE FROM fence WHERE lane=?1 AND key=?2 AND rid=?3",

    [SQL_PAST_KEY] = "SELECT rid,seq,ended FROM past WHERE lane=?1 AND key=?2 AND rid>=?3 ORDER BY rid,seq",
    [SQL_PAST_RANGE] =
        ("SELECT " ROW_COLUMNS ",ended FROM past WHERE lane=?1 AND (key,rid)>=(?2,?3) ORDER BY key,rid,seq"),
    [SQL_PAST_LAST] = ("SELECT " ROW_COLUMNS " FROM past WHERE lane=?1 AND key<?2 ORDER BY key DESC LIMIT 1"),
    [SQL_PAST_DOWN] = ("SELECT " ROW_COLUMNS " FROM past WHERE lane=?1 AND key<?2 ORDER BY key DESC,rid DESC"),
    [SQL_PAST_ADD] = "INSERT OR REPLACE INTO past(lane,key,rid,seq,ended) VALUES(?1,?2,?3,?4,?5)",
    [SQL_PAST_EXPIRED] =
        "SELECT lane,key,rid,seq,ended FROM past WHERE (lane,key,rid,seq)>(?1,?2,?3,?4) ORDER BY lane,key,rid,seq",
    [SQL_PAST_REMOVE] = "DELETE FROM past WHERE lane=?1 AND key=?2 AND rid=?3 AND seq=?4",

    [SQL_SPACES] = "SELECT number,name FROM space ORDER BY number",
    [SQL_SPACE_ADD] = "INSERT INTO space(number,name) VALUES(?1,?2)",

    [SQL_CLAIM_GET] = "SELECT holder FROM claim WHERE space=?1 AND key=?2",
    [SQL_CLAIM_ADD] = "INSERT INTO claim(space,key,holder) VALUES(?1,?2,?3)",
    [SQL_CLAIM_REMOVE] = "DELETE FROM claim WHERE space=?1 AND key=?2",

    [SQL_DUE_SET] =
        "INSERT INTO due(owner,key,at) VALUES(?1,?2,?3) ON CONFLICT(owner,key) DO UPDATE SET at=excluded.at",
    [SQL_DUE_CLEAR] = "DELETE FROM due WHERE owner=?1 AND key=?2",
    [SQL_DUE_LIST] = "SELECT owner,key,at FROM due WHERE at<=?1 ORDER BY at,owner,key LIMIT ?2",
    [SQL_DUE_EARLIEST] = "SELECT min(at) FROM due",

    [SQL_NOTE_GET] = "SELECT value FROM note WHERE name=?1",
    [SQL_NOTE_SET] = "INSERT INTO note(name,value) VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=excluded.value",

    [SQL_AUDIT_ADD] = "INSERT INTO audit(number,seq,time,entry,hash) VALUES(?1,?2,?3,?4,?5)",
    [SQL_AUDIT_LIST] = "SELECT number,seq,time,entry,hash FROM audit WHERE number>?1 ORDER BY number",

    [SQL_MOMENTS] = "SELECT seq,time FROM moment ORDER BY seq",
    [SQL_MOMENT_ADD] = "INSERT OR REPLACE INTO moment(seq,time) VALUES(?1,?2)",
    [SQL_MOMENT_REMOVE] = "DELETE FROM moment WHERE seq<?1",

    [SQL_DICTIONARIES] = "SELECT number,bytes FROM dictionary ORDER BY number",
    [SQL_DICTIONARY_ADD] = "INSERT INTO dictionary(number,bytes) VALUES(?1,?2)",

    [SQL_RESOURCE_CURRENT] = "SELECT vid,seq FROM resource WHERE rid=?1",
    [SQL_VERSION_TAIL] = "SELECT vid,rid,previous,type,seq,method FROM version WHERE vid>=?1 ORDER BY vid",

    /* In the file of the text index; the others have none of these tables. */
    [SQL_TEXT_MARK_GET] = "SELECT vid,rid,seq,horizon,form FROM mark WHERE one=1",
    [SQL_TEXT_MARK_SET] = "INSERT OR REPLACE INTO mark(one,vid,rid,seq,horizon,form) VALUES(1,?1,?2,?3,?4,?5)",
    [SQL_TEXT_ADD] = "INSERT INTO words(rowid,field0,field1) VALUES(?1,?2,?3)",
    [SQL_TEXT_REMOVE] = "INSERT INTO words(words,rowid,field0,field1) VALUES('delete',?1,?2,?3)",
    [SQL_TEXT_HITS] =
        ("SELECT document.vid,document.rid,document.ended FROM words CROSS JOIN document ON document.vid=words.rowid "
         "WHERE words MATCH ?1"),
    [SQL_DOCUMENT_ADD] = "INSERT INTO document(vid,rid,ended) VALUES(?1,?2,0)",
    [SQL_DOCUMENT_GET] = "SELECT rid FROM document WHERE vid=?1",
    [SQL_DOCUMENT_END] = "UPDATE document SET ended=?2 WHERE vid=?1",
    [SQL_DOCUMENT_REMOVE] = "DELETE FROM document WHERE vid=?1",
    [SQL_ENDED_ADD] = "INSERT OR IGNORE INTO ended(seq,vid) VALUES(?1,?2)",
    [SQL_ENDED_LIST] = "SELECT seq,vid FROM ended WHERE seq<=?1 ORDER BY seq,vid LIMIT ?2",
    [SQL_ENDED_REMOVE] = "DELETE FROM ended WHERE seq=?1 AND vid=?2",
    [SQL_ENDED_WRONG] =
        ("SELECT (SELECT count(*) FROM ended LEFT JOIN document USING(vid) WHERE document.ended IS NOT ended.seq)+"
         "(SELECT count(*) FROM document WHERE ended<>0 AND NOT EXISTS(SELECT 1 FROM ended e WHERE "
         "e.seq=document.ended "
         "AND e.vid=document.vid))"),
    [SQL_DOCUMENTS] = "SELECT vid,rid,ended FROM document ORDER BY vid",
    [SQL_TEXT_INTEGRITY] = "INSERT INTO words(words) VALUES('integrity-check')",
    [SQL_TEXT_INSTANCES_OPEN] = "CREATE VIRTUAL TABLE temp.instances USING fts5vocab(main,words,instance)",
    [SQL_TEXT_INSTANCES] = "SELECT doc FROM temp.instances",

    [SQL_INTEGRITY] = "PRAGMA integrity_check(10)",
};

enum { STATEMENTS_KEPT = 128 };

static void open_once(void) {
    /* One counter behind a lock for every allocation would be shared by all connections. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum status setting(struct connection *connection, const char *pragma, struct scope *scope) {
    int code = sqlite3_exec(connection->database, pragma, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : connection_fault(connection, scope);
}

static int count_wal_pages(void *context, sqlite3 *database, const char *name, int pages) {
    (void)database;
    (void)name;
    ((struct connection *)context)->wal_pages = pages;
    return SQLITE_OK;
}

static const char *const settings_of_readers[] = {"PRAGMA query_only=ON", "PRAGMA cache_size=-8192", NULL};
static const char *const settings_of_checkpoints[] = {"PRAGMA cache_size=-64", NULL};
static const char *const settings_of_writer[] = {"PRAGMA page_size=4096", "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0", "PRAGMA cache_size=-8192", "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864", NULL};
static const char *const settings_of_text_readers[] = {"PRAGMA query_only=ON", "PRAGMA cache_size=-1024", NULL};
/* What was not synced before a power loss is indexed again. */
static const char *const settings_of_text_writer[] = {"PRAGMA page_size=4096", "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=4000", "PRAGMA cache_size=-8192",
    "PRAGMA temp_store=MEMORY", "PRAGMA journal_size_limit=16777216", NULL};
static const char *const settings_of_text_checks[] = {"PRAGMA cache_size=-8192", "PRAGMA temp_store=MEMORY", NULL};
static const char *const *const settings_of[] = {
    [CONNECTION_READS] = settings_of_readers,
    [CONNECTION_WRITES] = settings_of_writer,
    [CONNECTION_CHECKPOINTS] = settings_of_checkpoints,
    [CONNECTION_READS_TEXT] = settings_of_text_readers,
    [CONNECTION_WRITES_TEXT] = settings_of_text_writer,
    [CONNECTION_CHECKS_TEXT] = settings_of_text_checks,
};

enum status connection_open(struct connection **out, const char *path, enum connection_use use, struct scope *scope) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for a database connection");
    }
    connection->writes = use == CONNECTION_WRITES;
    bool creates = use == CONNECTION_WRITES || use == CONNECTION_WRITES_TEXT;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (creates ? SQLITE_OPEN_CREATE : 0);
    enum status status = STATUS_OK;
    if (sqlite3_open_v2(path, &connection->database, flags, NULL) != SQLITE_OK) {
        status = connection_fault(connection, scope);
    }
    if (status == STATUS_OK) {
        sqlite3_busy_timeout(connection->database, 10000);
        sqlite3_extended_result_codes(connection->database, 1);
        for (const char *const *settings = settings_of[use]; status == STATUS_OK && *settings != NULL; settings++) {
            status = setting(connection, *settings, scope);
        }
    }
    if (status == STATUS_OK && use == CONNECTION_WRITES) {
        sqlite3_wal_hook(connection->database, count_wal_pages, connection);
    }
    if (status != STATUS_OK) {
        connection_close(connection);
        return status;
    }
    *out = connection;
    return STATUS_OK;
}

void connection_close(struct connection *connection) {
    if (connection == NULL) {
        return;
    }
    struct statement *statement = connection->all;
    while (statement != NULL) {
        struct statement *next = statement->next;
        sqlite3_finalize(statement->at);
        free(statement);
        statement = next;
    }
    sqlite3_close(connection->database);
    block_cache_close(connection->blocks);
    frame_drop(connection->frames[FRAME_BODIES]);
    frame_drop(connection->frames[FRAME_ROWS]);
    free(connection->snapshot);
    free(connection);
}

static enum status status_of_code(int code, int system_error) {
    switch (code & 0xff) {
    case SQLITE_FULL:
        return STATUS_STORAGE_FULL;
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_UNAVAILABLE;
    case SQLITE_IOERR:
        return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG ? STATUS_STORAGE_FULL
                                                                                         : STATUS_FAILED;
    default:
        return STATUS_FAILED;
    }
}

/* What the system said to the last failed call on the database file or its log. */
static int system_errno(struct connection *connection) {
    static const int files[] = {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER};
    int found = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files && found == 0; i++) {
        sqlite3_file *file = NULL;
        if (sqlite3_file_control(connection->database, "main", files[i], &file) == SQLITE_OK && file != NULL &&
            file->pMethods != NULL) {
            (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &found);
        }
    }
    return found;
}

enum status connection_fault(struct connection *connection, struct scope *scope) {
    int code = connection->database == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(connection->database);
    int system_error = (code & 0xff) == SQLITE_IOERR ? system_errno(connection) : 0;
    enum status status = status_of_code(code, system_error);
    connection->failed = status;
    if (status == STATUS_STORAGE_FULL) {
        return fault(scope, status, "", "there is no room left on the disk");
    }
    return fault(scope, status, "", "the database failed: %s (%d)", sqlite3_errstr(code), code);
}

/* A search of very many parts leaves many statements behind; what no other will need is not kept. */
static void statements_trim(struct connection *connection) {
    struct statement *statement = connection->all;
    connection->all = NULL;
    connection->statement_count = 0;
    memset(connection->free, 0, sizeof connection->free);
    while (statement != NULL) {
        struct statement *next = statement->next;
        if (connection->statement_count < STATEMENTS_KEPT) {
            statement->next = connection->all;
            connection->all = statement;
            statement->next_free = connection->free[statement->sql];
            connection->free[statement->sql] = statement;
            connection->statement_count++;
        } else {
            sqlite3_finalize(statement->at);
            free(statement);
        }
        statement = next;
    }
}

void connection_reset(struct connection *connection) {
    connection->lending = NULL;
    for (struct statement *statement = connection->all; statement != NULL; statement = statement->next) {
        if (statement->taken) {
            statement_give(connection, statement);
        }
    }
    if (connection->statement_count > STATEMENTS_KEPT) {
        statements_trim(connection);
    }
}

struct statement *statement_take(struct connection *connection, enum sql sql) {
    struct statement *statement = connection->free[sql];
    if (statement != NULL) {
        connection->free[sql] = statement->next_free;
        statement->taken = true;
        return statement;
    }
    statement = calloc(1, sizeof *statement);
    if (statement == NULL) {
        return NULL;
    }
    if (sqlite3_prepare_v3(connection->database, sql_texts[sql], -1, SQLITE_PREPARE_PERSISTENT, &statement->at, NULL) !=
        SQLITE_OK) {
        free(statement);
        return NULL;
    }
    statement->sql = sql;
    statement->taken = true;
    statement->next = connection->all;
    connection->all = statement;
    connection->statement_count++;
    return statement;
}

void statement_give(struct connection *connection, struct statement *statement) {
    if (statement == NULL || !statement->taken) {
        return;
    }
    sqlite3_reset(statement->at);
    statement->taken = false;
    statement->next_free = connection->free[statement->sql];
    connection->free[statement->sql] = statement;
}

int statement_step(struct statement *statement) {
    return statement == NULL ? SQLITE_NOMEM : sqlite3_step(statement->at);
}

enum status statement_finish(struct connection *connection, struct statement *statement, struct scope *scope) {
    int code = statement_step(statement);
    enum status status = code == SQLITE_DONE || code == SQLITE_ROW ? STATUS_OK : connection_fault(connection, scope);
    statement_give(connection, statement);
    return status;
}

enum status statement_run(struct connection *connection, enum sql sql, struct scope *scope) {
    return statement_finish(connection, statement_take(connection, sql), scope);
}

void bind_int(struct statement *statement, int index, int64_t value) {
    if (statement != NULL) {
        sqlite3_bind_int64(statement->at, index, value);
    }
}

void bind_bytes(struct statement *statement, int index, struct text value) {
    if (statement == NULL) {
        return;
    }
    if (value.at == NULL && value.size == 0) {
        sqlite3_bind_zeroblob(statement->at, index, 0);
        return;
    }
    sqlite3_bind_blob64(statement->at, index, value.at, value.size, SQLITE_STATIC);
}

int64_t column_int(struct statement *statement, int index) {
    return sqlite3_column_int64(statement->at, index);
}

struct text column_bytes(struct statement *statement, int index) {
    const void *at = sqlite3_column_blob(statement->at, index);
    return (struct text){at, (size_t)sqlite3_column_bytes(statement->at, index)};
}

enum status transaction_begin(struct connection *connection, struct scope *scope) {
    enum status status = STATUS_OK;
    if (sqlite3_get_autocommit(connection->database) == 0) {
        status = statement_run(connection, SQL_ROLLBACK, scope);
    }
    return status == STATUS_OK ? statement_run(connection, SQL_BEGIN_WRITE, scope) : status;
}
