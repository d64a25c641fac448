#include "store/checkpoint.h"

#include <limits.h>
#include <stdlib.h>

enum {
    PAGES = 2000,      /* 8 MB of log between checkpoints */
    LOG_PAGES = 12000, /* 48 MB: then the log shall begin anew */
    PASSES = 6,        /* over a log that grows meanwhile, until what came since is */
    LITTLE = 150,      /* pages, which the writer can copy itself */
};

/* All but `thread` and `asked_at` is guarded by `lock`; those are the writer's. */
struct checkpointer {
    const char *path;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, wanted, ended, closing;
    bool ends_log; /* what is wanted, or has ended, brings the log to its end */
    int asked_at;
};

static bool wait_until_wanted(bool *ends_log_out, struct checkpointer *checkpointer) {
    pthread_mutex_lock(&checkpointer->lock);
    while (!checkpointer->wanted && !checkpointer->closing) {
        pthread_cond_wait(&checkpointer->changed, &checkpointer->lock);
    }
    bool goes_on = !checkpointer->closing;
    *ends_log_out = checkpointer->ends_log;
    pthread_mutex_unlock(&checkpointer->lock);
    return goes_on;
}

/* The database syncs its file only where a checkpoint came to the end of a log that nobody is writing to: all that was copied
 * beside the writer would be left for the one that it runs itself. So what was copied is synced here. That it may fail is nothing:
 * the writer's own checkpoint syncs before the log begins anew. */
static void sync_copied(struct connection *connection) {
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(connection->database, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
        file != NULL && file->pMethods != NULL) {
        (void)file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    }
}

/* Each pass copies what the log has behind the one before; the writer goes on meanwhile. */
static void copy_log(struct connection *connection, bool ends_log) {
    int copied = 0, left = INT_MAX;
    for (int pass = 0; pass == 0 || (ends_log && pass < PASSES && left > LITTLE); pass++) {
        int before = copied, pages = 0;
        int code = sqlite3_wal_checkpoint_v2(connection->database, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
        sync_copied(connection);
        if (code != SQLITE_OK || copied < pages) {
            return; /* a reader needs what is there: at another time */
        }
        left = copied - before;
    }
}

static void *checkpointer_main(void *context) {
    struct checkpointer *checkpointer = context;
    struct connection *connection = NULL;
    struct arena *arena = arena_open(1024 * 1024);
    pthread_setname_np(pthread_self(), "soyang-log");
    bool ends_log = false;
    while (wait_until_wanted(&ends_log, checkpointer)) {
        struct scope scope = {.arena = arena};
        if (arena != NULL && connection == NULL &&
            connection_open(&connection, checkpointer->path, CONNECTION_CHECKPOINTS, &scope) != STATUS_OK) {
            log_event(LOG_WARNING, "store.checkpoint-failed", NULL);
        }
        if (connection != NULL) {
            copy_log(connection, ends_log);
        }
        pthread_mutex_lock(&checkpointer->lock);
        checkpointer->wanted = false;
        checkpointer->ended = true;
        pthread_mutex_unlock(&checkpointer->lock);
    }
    connection_close(connection);
    arena_close(arena);
    return NULL;
}

struct checkpointer *checkpointer_open(const char *path) {
    struct checkpointer *checkpointer = calloc(1, sizeof *checkpointer);
    if (checkpointer == NULL) {
        return NULL;
    }
    checkpointer->path = path;
    pthread_mutex_init(&checkpointer->lock, NULL);
    pthread_cond_init(&checkpointer->changed, NULL);
    checkpointer->started = pthread_create(&checkpointer->thread, NULL, checkpointer_main, checkpointer) == 0;
    if (!checkpointer->started) {
        checkpointer_close(checkpointer);
        return NULL;
    }
    return checkpointer;
}

void checkpointer_close(struct checkpointer *checkpointer) {
    if (checkpointer == NULL) {
        return;
    }
    if (checkpointer->started) {
        pthread_mutex_lock(&checkpointer->lock);
        checkpointer->closing = true;
        pthread_cond_signal(&checkpointer->changed);
        pthread_mutex_unlock(&checkpointer->lock);
        pthread_join(checkpointer->thread, NULL);
    }
    pthread_mutex_destroy(&checkpointer->lock);
    pthread_cond_destroy(&checkpointer->changed);
    free(checkpointer);
}

void checkpointer_turn(struct checkpointer *checkpointer, struct store *store, struct connection *writer) {
    int pages = writer->wal_pages;
    if (pages < checkpointer->asked_at) {
        checkpointer->asked_at = 0; /* the log began anew */
    }
    pthread_mutex_lock(&checkpointer->lock);
    bool ended = checkpointer->ended, ends_log = checkpointer->ends_log;
    checkpointer->ended = false;
    if (!ended && !checkpointer->wanted && pages >= checkpointer->asked_at + PAGES) {
        checkpointer->wanted = true;
        checkpointer->ends_log = pages >= LOG_PAGES;
        checkpointer->asked_at = pages;
        pthread_cond_signal(&checkpointer->changed);
    }
    pthread_mutex_unlock(&checkpointer->lock);
    if (ended && ends_log) {
        int64_t since_us = clock_monotonic_us();
        readers_refresh(store);
        sqlite3_wal_checkpoint_v2(writer->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        wait_ended(&store->waits, STORE_WAIT_LOG, since_us);
    }
}

bool checkpointer_is_copying(struct checkpointer *checkpointer) {
    pthread_mutex_lock(&checkpointer->lock);
    bool copying = checkpointer->wanted;
    pthread_mutex_unlock(&checkpointer->lock);
    return copying;
}

bool checkpointer_is_ending_log(struct checkpointer *checkpointer) {
    pthread_mutex_lock(&checkpointer->lock);
    bool ending = checkpointer->ends_log && (checkpointer->wanted || checkpointer->ended);
    pthread_mutex_unlock(&checkpointer->lock);
    return ending;
}
