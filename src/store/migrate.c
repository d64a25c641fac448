/* migrate: a folder of an older schema becomes one of this program's.
 *
 * A step leads from one number to the next. All steps and the number itself are one transaction: a folder is never between two
 * schemas, whatever ends the process. */
#include "store/block_edit.h"
#include "store/store_internal.h"

#include <string.h>
#include <unistd.h>

/* 1 -> 2: which edition of the search tables a resource's rows follow, and the log of rows that were made anew. */
static const char *const to_2[] = {
    "ALTER TABLE resource ADD COLUMN edition INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE reindexed(number INTEGER PRIMARY KEY,seq INTEGER NOT NULL,vid INTEGER NOT NULL,rows BLOB NOT NULL)",
    "CREATE UNIQUE INDEX reindexed_vid ON reindexed(vid,seq)",
    "PRAGMA user_version=2",
    NULL,
};
/* 2 -> 3: index rows in blocks, no more one by one. What a version holds leaves its head and lies alone; the packer puts it into
 * frames once the folder is served. */
static const char *const to_3_before[] = {
    "CREATE TABLE fence(lane INTEGER NOT NULL,key BLOB NOT NULL,rid INTEGER NOT NULL,number INTEGER NOT NULL,"
    "PRIMARY KEY(lane,key,rid)) WITHOUT ROWID",
    "CREATE TABLE block(number INTEGER PRIMARY KEY,entries BLOB NOT NULL)",
    NULL,
};
static const char *const to_3_after[] = {
    "DROP TABLE row",
    "CREATE TABLE single(vid INTEGER PRIMARY KEY,dictionary INTEGER NOT NULL,gap INTEGER NOT NULL,size INTEGER NOT "
    "NULL,"
    "rows BLOB NOT NULL,body BLOB NOT NULL)",
    "INSERT INTO single SELECT vid,dictionary,gap,size,rows,body FROM version ORDER BY vid",
    "CREATE TABLE head(vid INTEGER PRIMARY KEY,rid INTEGER NOT NULL,version INTEGER NOT NULL,previous INTEGER NOT NULL,"
    "base INTEGER NOT NULL,type INTEGER NOT NULL,seq INTEGER NOT NULL,time INTEGER NOT NULL,method INTEGER NOT NULL)",
    "INSERT INTO head SELECT vid,rid,version,previous,base,type,seq,time,method FROM version ORDER BY vid",
    "DROP TABLE version",
    "ALTER TABLE head RENAME TO version",
    "CREATE INDEX version_type ON version(type)",
    "CREATE TABLE frame(last INTEGER PRIMARY KEY,first INTEGER NOT NULL,size INTEGER NOT NULL,dictionary INTEGER NOT "
    "NULL,"
    "body BLOB NOT NULL)",
    "CREATE TABLE frame_rows(last INTEGER PRIMARY KEY,first INTEGER NOT NULL,made INTEGER NOT NULL,size INTEGER NOT "
    "NULL,"
    "rows BLOB NOT NULL)",
    "PRAGMA user_version=3",
    NULL,
};

struct migrating {
    struct connection *connection;
    store_progress *progress;
    void *progress_context;
    uint64_t done, total;
};

static enum status rows_to_blocks(struct migrating *migrating, struct scope *scope);

struct step {
    const char *const *before;
    enum status (*convert)(struct migrating *migrating, struct scope *scope); /* NULL: SQL is all there is to do */
    const char *const *after;
};
static const struct step steps[] = {
    /* by the number they start from */
    [1] = {.before = to_2},
    [2] = {.before = to_3_before, .convert = rows_to_blocks, .after = to_3_after},
};
_Static_assert(sizeof steps / sizeof *steps == SCHEMA_NUMBER, "a step leads to every schema");

static void advance(struct migrating *migrating) {
    migrating->done++;
    if (migrating->progress != NULL) {
        migrating->progress(migrating->progress_context, migrating->done, migrating->total);
    }
}

static enum status run(struct migrating *migrating, const char *sql, struct scope *scope) {
    int code = sqlite3_exec(migrating->connection->database, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : connection_fault(migrating->connection, scope);
}

/* ---- rows to blocks -------------------------------------------------------------------------------------------------- */

enum { ROWS_A_STEP = 100 * 1000 }; /* of progress */

static enum status add_row(struct block_edit *edit, sqlite3_stmt *list, uint64_t identity_lane) {
    struct row_place place = {.lane = (uint32_t)sqlite3_column_int64(list, 0),
        .key = {sqlite3_column_blob(list, 1), (size_t)sqlite3_column_bytes(list, 1)},
        .rid = (uint64_t)sqlite3_column_int64(list, 2)};
    uint64_t seq = place.lane == identity_lane ? 0 : (uint64_t)sqlite3_column_int64(list, 3);
    bool is_new;
    return block_edit_add(&is_new, edit, &place, seq);
}

static enum status rows_to_blocks(struct migrating *migrating, struct scope *scope) {
    struct connection *connection = migrating->connection;
    int64_t rows = 0, horizon = 0;
    enum status status = schema_number(&rows, connection, "SELECT rows FROM state", scope);
    if (status == STATUS_OK) {
        status = schema_number(&horizon, connection, "SELECT horizon FROM state", scope);
    }
    sqlite3_stmt *list = NULL;
    if (status == STATUS_OK &&
        sqlite3_prepare_v2(connection->database, "SELECT lane,key,rid,seq FROM row ORDER BY lane,key,rid", -1, &list,
            NULL) != SQLITE_OK) {
        status = connection_fault(connection, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    migrating->total += (uint64_t)rows / ROWS_A_STEP;
    struct block_edit *edit = block_edit_open(connection, (uint64_t)horizon, scope);
    int code = SQLITE_DONE;
    uint64_t count = 0;
    while (status == STATUS_OK && (code = sqlite3_step(list)) == SQLITE_ROW) {
        status = add_row(edit, list, lane_of_keys(SPACE_IDENTITY));
        if (++count % ROWS_A_STEP == 0) {
            advance(migrating);
        }
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    sqlite3_finalize(list);
    status = status == STATUS_OK ? block_edit_finish(edit) : status;
    return status;
}

/* ---- steps ----------------------------------------------------------------------------------------------------------- */

static uint64_t count_list(const char *const *list) {
    uint64_t count = 0;
    for (; list != NULL && *list != NULL; list++) {
        count++;
    }
    return count;
}

static enum status run_list(struct migrating *migrating, const char *const *list, struct scope *scope) {
    enum status status = STATUS_OK;
    for (; list != NULL && *list != NULL && status == STATUS_OK; list++) {
        status = run(migrating, *list, scope);
        advance(migrating);
    }
    return status;
}

static enum status run_step(struct migrating *migrating, const struct step *step, struct scope *scope) {
    enum status status = run_list(migrating, step->before, scope);
    if (status == STATUS_OK && step->convert != NULL) {
        status = step->convert(migrating, scope);
    }
    return status == STATUS_OK ? run_list(migrating, step->after, scope) : status;
}

static enum status run_steps(struct migrating *migrating, int64_t from, struct scope *scope) {
    for (int64_t number = from; number < SCHEMA_NUMBER; number++) {
        migrating->total += count_list(steps[number].before) + count_list(steps[number].after);
    }
    enum status status = run(migrating, "BEGIN IMMEDIATE", scope);
    for (int64_t number = from; number < SCHEMA_NUMBER && status == STATUS_OK; number++) {
        status = run_step(migrating, &steps[number], scope);
    }
    if (status == STATUS_OK) {
        status = run(migrating, "COMMIT", scope);
    }
    if (status != STATUS_OK) {
        sqlite3_exec(migrating->connection->database, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

static enum status migrate(
    struct store_migration *out, struct migrating *migrating, const char *folder, struct scope *scope) {
    int64_t application = 0, number = 0;
    enum status status = schema_number(&application, migrating->connection, "PRAGMA application_id", scope);
    if (status == STATUS_OK) {
        status = schema_number(&number, migrating->connection, "PRAGMA user_version", scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (application != APPLICATION_ID || number < 1) {
        return fault(scope, STATUS_INVALID, "", "%s holds a database, but not one of ours", folder);
    }
    if (number > SCHEMA_NUMBER) {
        return fault(scope, STATUS_UNSUPPORTED, "", "%s has schema %lld, this program knows %d: a newer one wrote it",
            folder, (long long)number, SCHEMA_NUMBER);
    }
    *out = (struct store_migration){.from = (int)number, .to = SCHEMA_NUMBER};
    return number == SCHEMA_NUMBER ? STATUS_OK : run_steps(migrating, number, scope);
}

enum status store_migrate(
    struct store_migration *out, const char *folder, store_progress *progress, void *context, struct scope *scope) {
    struct text path = text_format(scope->arena, "%s/store.db", folder);
    struct migrating migrating = {.progress = progress, .progress_context = context};
    int lock_file = -1;
    *out = (struct store_migration){0};
    if (access(path.at, F_OK) != 0) {
        return fault(scope, STATUS_NOT_FOUND, "", "%s is no data folder", folder);
    }
    enum status status = folder_lock(&lock_file, folder, scope);
    if (status == STATUS_OK) {
        status = connection_open(&migrating.connection, path.at, CONNECTION_WRITES, scope);
    }
    if (status == STATUS_OK) {
        status = migrate(out, &migrating, folder, scope);
    }
    connection_close(migrating.connection);
    if (lock_file >= 0) {
        close(lock_file);
    }
    return status;
}
