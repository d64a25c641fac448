/* schema: the tables of a folder and the number that says which they are. docs/store.md tells what each holds. */
#include "store/store_internal.h"

#include <string.h>

/* PRAGMA application_id: "Soya"; PRAGMA user_version: SCHEMA_NUMBER. A change here is a step in migrate.c too. */
/* An empty folder is state 1: 0 means the newest to whoever opens a view. */
static const char *const tables[] = {
    "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one=1),seq INTEGER NOT NULL,time INTEGER NOT NULL,rid_next "
    "INTEGER NOT NULL,"
    "vid_next INTEGER NOT NULL,merge_from INTEGER NOT NULL,merge_from_rid INTEGER NOT NULL,active_from INTEGER NOT "
    "NULL,"
    "active_from_rid INTEGER NOT NULL,merged BLOB NOT NULL,horizon INTEGER NOT NULL,audit_number INTEGER NOT NULL,"
    "audit_hash BLOB NOT NULL,resources INTEGER NOT NULL,rows INTEGER NOT NULL)",
    "INSERT INTO state VALUES(1,1,0,1,1,2,1,2,1,x'',0,0,zeroblob(32),0,0)",
    "CREATE TABLE resource(rid INTEGER PRIMARY KEY,type INTEGER NOT NULL,id BLOB NOT NULL,version INTEGER NOT NULL,"
    "vid INTEGER NOT NULL,seq INTEGER NOT NULL,time INTEGER NOT NULL,method INTEGER NOT NULL,"
    "edition INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE version(vid INTEGER PRIMARY KEY,rid INTEGER NOT NULL,version INTEGER NOT NULL,previous INTEGER NOT "
    "NULL,"
    "base INTEGER NOT NULL,type INTEGER NOT NULL,seq INTEGER NOT NULL,time INTEGER NOT NULL,method INTEGER NOT NULL)",
    "CREATE TABLE single(vid INTEGER PRIMARY KEY,dictionary INTEGER NOT NULL,gap INTEGER NOT NULL,size INTEGER NOT "
    "NULL,"
    "rows BLOB NOT NULL,body BLOB NOT NULL)",
    "CREATE TABLE frame(last INTEGER PRIMARY KEY,first INTEGER NOT NULL,size INTEGER NOT NULL,dictionary INTEGER NOT "
    "NULL,"
    "body BLOB NOT NULL)",
    "CREATE TABLE frame_rows(last INTEGER PRIMARY KEY,first INTEGER NOT NULL,made INTEGER NOT NULL,size INTEGER NOT "
    "NULL,"
    "rows BLOB NOT NULL)",
    "CREATE INDEX version_type ON version(type)",
    "CREATE TABLE fence(lane INTEGER NOT NULL,key BLOB NOT NULL,rid INTEGER NOT NULL,number INTEGER NOT NULL,"
    "PRIMARY KEY(lane,key,rid)) WITHOUT ROWID",
    "CREATE TABLE block(number INTEGER PRIMARY KEY,entries BLOB NOT NULL)",
    "CREATE TABLE past(lane INTEGER NOT NULL,key BLOB NOT NULL,rid INTEGER NOT NULL,seq INTEGER NOT NULL,ended INTEGER "
    "NOT NULL,"
    "PRIMARY KEY(lane,key,rid,seq)) WITHOUT ROWID",
    "CREATE TABLE space(number INTEGER PRIMARY KEY,name BLOB NOT NULL UNIQUE)",
    "CREATE TABLE claim(space BLOB NOT NULL,key BLOB NOT NULL,holder BLOB NOT NULL,PRIMARY KEY(space,key)) WITHOUT "
    "ROWID",
    "CREATE TABLE due(owner BLOB NOT NULL,key BLOB NOT NULL,at INTEGER NOT NULL,PRIMARY KEY(owner,key)) WITHOUT ROWID",
    "CREATE INDEX due_at ON due(at,owner,key)",
    "CREATE TABLE audit(number INTEGER PRIMARY KEY,seq INTEGER NOT NULL,time INTEGER NOT NULL,entry BLOB NOT NULL,"
    "hash BLOB NOT NULL)",
    "CREATE TABLE note(name BLOB PRIMARY KEY,value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE moment(seq INTEGER PRIMARY KEY,time INTEGER NOT NULL)",
    "CREATE TABLE dictionary(number INTEGER PRIMARY KEY,bytes BLOB NOT NULL)",
    "CREATE TABLE reindexed(number INTEGER PRIMARY KEY,seq INTEGER NOT NULL,vid INTEGER NOT NULL,rows BLOB NOT NULL)",
    "CREATE UNIQUE INDEX reindexed_vid ON reindexed(vid,seq)",
};

static enum status run(struct connection *connection, const char *sql, struct scope *scope) {
    int code = sqlite3_exec(connection->database, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : connection_fault(connection, scope);
}

enum status schema_number(int64_t *out, struct connection *connection, const char *sql, struct scope *scope) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(connection->database, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        enum status status = connection_fault(connection, scope);
        sqlite3_finalize(statement);
        return status;
    }
    *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return STATUS_OK;
}

static enum status create(struct connection *connection, struct scope *scope) {
    enum status status = run(connection, "BEGIN IMMEDIATE", scope);
    for (size_t i = 0; status == STATUS_OK && i < sizeof tables / sizeof *tables; i++) {
        status = run(connection, tables[i], scope);
    }
    _Static_assert(APPLICATION_ID == 1399814497 && SCHEMA_NUMBER == 3, "the texts below name both");
    if (status == STATUS_OK) {
        status = run(connection, "PRAGMA application_id=1399814497; PRAGMA user_version=3; COMMIT", scope);
    }
    if (status != STATUS_OK) {
        sqlite3_exec(connection->database, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

enum status schema_open(struct store *store, struct connection *connection, struct scope *scope) {
    int64_t application = 0, number = 0, count = 0;
    enum status status = schema_number(&application, connection, "PRAGMA application_id", scope);
    if (status == STATUS_OK) {
        status = schema_number(&number, connection, "PRAGMA user_version", scope);
    }
    if (status == STATUS_OK) {
        status = schema_number(&count, connection, "SELECT count(*) FROM sqlite_schema", scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (application == 0 && number == 0 && count == 0) {
        return create(connection, scope);
    }
    if (application != APPLICATION_ID) {
        return fault(scope, STATUS_INVALID, "", "%s is a database, but not one of ours", store->path);
    }
    if (number != SCHEMA_NUMBER) {
        return number > SCHEMA_NUMBER
                   ? fault(scope, STATUS_UNSUPPORTED, "",
                         "%s has schema %lld, this program knows %d: a newer program wrote it, use that one",
                         store->path, (long long)number, SCHEMA_NUMBER)
                   : fault(scope, STATUS_UNSUPPORTED, "",
                         "%s has schema %lld, this program reads %d: run 'soyang migrate %s' once", store->path,
                         (long long)number, SCHEMA_NUMBER, store->folder);
    }
    return STATUS_OK;
}
