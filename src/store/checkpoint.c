#include "store/checkpoint.h"

#include <stdlib.h>

enum { PAGES = 2000 /* 8 MB of log between checkpoints */ };

/* All but `thread` and `asked_at` is guarded by `lock`; those are the writer's. */
struct checkpointer {
    const char *path;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, wanted, ended, closing;
    int asked_at;
};

static bool wait_until_wanted(struct checkpointer *checkpointer) {
    pthread_mutex_lock(&checkpointer->lock);
    while (!checkpointer->wanted && !checkpointer->closing) {
        pthread_cond_wait(&checkpointer->changed, &checkpointer->lock);
    }
    bool goes_on = !checkpointer->closing;
    pthread_mutex_unlock(&checkpointer->lock);
    return goes_on;
}

static void *checkpointer_main(void *context) {
    struct checkpointer *checkpointer = context;
    struct connection *connection = NULL;
    struct arena *arena = arena_open(1024 * 1024);
    pthread_setname_np(pthread_self(), "soyang-log");
    while (wait_until_wanted(checkpointer)) {
        struct scope scope = {.arena = arena};
        if (arena != NULL && connection == NULL &&
            connection_open(&connection, checkpointer->path, CONNECTION_CHECKPOINTS, &scope) != STATUS_OK) {
            log_event(LOG_WARNING, "store.checkpoint-failed", NULL);
        }
        if (connection != NULL) {
            sqlite3_wal_checkpoint_v2(connection->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
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
    bool ended = checkpointer->ended;
    checkpointer->ended = false;
    if (!ended && !checkpointer->wanted && pages >= checkpointer->asked_at + PAGES) {
        checkpointer->wanted = true;
        checkpointer->asked_at = pages;
        pthread_cond_signal(&checkpointer->changed);
    }
    pthread_mutex_unlock(&checkpointer->lock);
    if (ended) {
        readers_refresh(store);
        sqlite3_wal_checkpoint_v2(writer->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
}

bool checkpointer_is_busy(struct checkpointer *checkpointer) {
    pthread_mutex_lock(&checkpointer->lock);
    bool busy = checkpointer->wanted || checkpointer->ended;
    pthread_mutex_unlock(&checkpointer->lock);
    return busy;
}
