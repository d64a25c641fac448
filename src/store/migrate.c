/* migrate: a folder of an older schema becomes one of this program's.
 *
 * A step leads from one number to the next. All steps and the number itself are one transaction: a folder is never between two
 * schemas, whatever ends the process. */
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
static const char *const *const steps[] = {NULL, to_2}; /* by the number they start from */
_Static_assert(sizeof steps / sizeof *steps == SCHEMA_NUMBER, "a step leads to every schema");

struct migrating {
    struct connection *connection;
    store_progress *progress;
    void *progress_context;
    uint64_t done, total;
};

static enum status run(struct migrating *migrating, const char *sql, struct scope *scope) {
    int code = sqlite3_exec(migrating->connection->database, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : connection_fault(migrating->connection, scope);
}

static uint64_t count_statements(int64_t from) {
    uint64_t count = 0;
    for (int64_t number = from; number < SCHEMA_NUMBER; number++) {
        for (const char *const *sql = steps[number]; *sql != NULL; sql++) {
            count++;
        }
    }
    return count;
}

static enum status run_steps(struct migrating *migrating, int64_t from, struct scope *scope) {
    migrating->total = count_statements(from);
    enum status status = run(migrating, "BEGIN IMMEDIATE", scope);
    for (int64_t number = from; number < SCHEMA_NUMBER && status == STATUS_OK; number++) {
        for (const char *const *sql = steps[number]; *sql != NULL && status == STATUS_OK; sql++) {
            status = run(migrating, *sql, scope);
            migrating->done++;
            if (migrating->progress != NULL) {
                migrating->progress(migrating->progress_context, migrating->done, migrating->total);
            }
        }
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
