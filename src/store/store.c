/* store: opening a folder, closing it, figures. */
#include "store/frame.h"
#include "store/seen_cache.h"
#include "store/text_index.h"
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the folder's lock ----------------------------------------------------------------------------------------------- */

static enum status lock_fault(int file, const char *folder, struct scope *scope) {
    char owner[32] = "";
    ssize_t size = pread(file, owner, sizeof owner - 1, 0);
    owner[size > 0 ? size : 0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    (void)folder;
    return fault(
        scope, STATUS_CONFLICT, "", "the data folder is in use by process %s", owner[0] == '\0' ? "unknown" : owner);
}

enum status folder_lock(int *out, const char *folder, struct scope *scope) {
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return fault(scope, errno == ENOSPC ? STATUS_STORAGE_FULL : STATUS_FAILED, folder,
            "cannot make the data folder: %s", strerror(errno));
    }
    struct text path = text_format(scope->arena, "%s/lock", folder);
    int file = open(path.at, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fault(scope, STATUS_FAILED, folder, "cannot open the data folder: %s", strerror(errno));
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        enum status status = lock_fault(file, folder, scope);
        close(file);
        return status;
    }
    char owner[32];
    int size = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) == 0) {
        (void)!pwrite(file, owner, (size_t)size, 0); /* only for the message above */
    }
    *out = file;
    return STATUS_OK;
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static enum status moments_load(struct store *store, struct connection *connection, struct scope *scope) {
    struct statement *list = statement_take(connection, SQL_MOMENTS);
    int code;
    while ((code = statement_step(list)) == SQLITE_ROW) {
        moments_add(store, (struct moment){.seq = (uint64_t)column_int(list, 0), .time_us = column_int(list, 1)});
    }
    enum status status = code == SQLITE_DONE ? STATUS_OK : connection_fault(connection, scope);
    statement_give(connection, list);
    return status;
}

/* A folder without frames yields null, and so 0. */
static enum status frames_load(struct store *store, struct connection *connection, struct scope *scope) {
    struct statement *last = statement_take(connection, SQL_FRAME_LAST);
    enum status status = statement_step(last) == SQLITE_ROW ? STATUS_OK : connection_fault(connection, scope);
    if (status == STATUS_OK) {
        atomic_store(&store->packed_to, (uint64_t)column_int(last, 0) + 1);
    }
    statement_give(connection, last);
    return status;
}

static void figures_start(struct store *store, const struct store_state *state) {
    atomic_store(&store->committed_seq, state->seq);
    atomic_store(&store->resources, state->resources);
    atomic_store(&store->versions, state->vid_next - 1);
    atomic_store(&store->rows_merged, state->rows);
    atomic_store(&store->audit_entries, state->audit_number);
    atomic_store(&store->due_earliest_us, INT64_MAX);
    store->horizon = state->horizon;
}

static enum status folder_load(
    struct store *store, struct connection *connection, struct store_state *state, struct scope *scope) {
    enum status status = schema_open(store, connection, scope);
    if (status == STATUS_OK) {
        status = state_read(state, connection, scope);
    }
    if (status == STATUS_OK) {
        status = pack_load(store->pack, connection, scope);
    }
    if (status == STATUS_OK) {
        status = space_table_load(store->spaces, connection, scope);
    }
    if (status == STATUS_OK) {
        status = frames_load(store, connection, scope);
    }
    if (status == STATUS_OK) {
        figures_start(store, state);
        status = moments_load(store, connection, scope);
    }
    if (status == STATUS_OK && due_refresh(store, connection) != STATUS_OK) {
        status = connection_fault(connection, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    /* A merge that was going on goes on: its mark holds for the generation that it was made in, and for no other. */
    bool is_merging = state->merge_from < state->active_from;
    store->merging = is_merging ? mem_generation_open(state->merge_from, state->merge_from_rid) : NULL;
    store->active = mem_generation_open(state->active_from, state->active_from_rid);
    return store->active == NULL || (is_merging && store->merging == NULL)
               ? fault(scope, STATUS_UNAVAILABLE, "", "no memory to open the folder")
               : store_rebuild(store, state, connection, scope);
}

static const struct search_costs usual_costs = {.trial_rows = 500,
    .trial_tests = 400,
    .list_rows = 30000,
    .union_rows = 100,
    .list_documents = 100,
    .tests_before_set = 3000,
    .tests_before_list = 48,
    .targets_one_by_one = 5000,
    .fetch_trial = 100,
    .fetch_most = 1000,
    .walk_trial = 300,
    .walk_for_fetch = 30,
    .steps_before_seek = 6};

static struct store *store_new(const struct store_config *config) {
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return NULL;
    }
    store->lock_file = -1;
    store->costs = usual_costs;
    store->clock = config->clock;
    store->memory_rows_max = config->memory_rows_max == 0 ? MEMORY_ROWS_DEFAULT : config->memory_rows_max;
    store->queue_max = config->queue_max == 0 ? QUEUE_DEFAULT : config->queue_max;
    store->readers_kept = config->reader_connections <= 0 ? READERS_DEFAULT : (size_t)config->reader_connections;
    pthread_mutex_init(&store->publish, NULL);
    pthread_mutex_init(&store->readers_lock, NULL);
    pthread_cond_init(&store->readers_free, NULL);
    store->pack = pack_open();
    store->frames = frame_cache_open(FRAME_CACHE_BYTES);
    store->heads = seen_cache_open();
    store->row_places = seen_cache_open();
    store->pack_least = config->pack_least == 0 ? PACK_LEAST_DEFAULT : config->pack_least;
    store->packing = config->packing;
    store->spaces = space_table_open();
    store->folder = strdup(config->folder);
    size_t size = strlen(config->folder) + sizeof "/store.db";
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/store.db", config->folder);
    }
    store->path = path;
    return store;
}

enum status store_open(struct store **out, const struct store_config *config, struct scope *scope) {
    struct store *store = store_new(config);
    struct connection *connection = NULL;
    struct store_state state = {0};
    *out = NULL;
    enum status status = STATUS_OK;
    if (store == NULL || store->pack == NULL || store->frames == NULL || store->heads == NULL ||
        store->row_places == NULL || store->spaces == NULL || store->folder == NULL || store->path == NULL) {
        status = fault(scope, STATUS_UNAVAILABLE, "", "no memory to open the folder");
        goto end;
    }
    status = folder_lock(&store->lock_file, store->folder, scope);
    if (status == STATUS_OK) {
        status = connection_open(&connection, store->path, CONNECTION_WRITES, scope);
    }
    if (status == STATUS_OK) {
        status = folder_load(store, connection, &state, scope);
    }
    if (status == STATUS_OK) {
        status = writer_open(store, connection, &state, scope);
        connection = NULL;
    }
end:
    connection_close(connection);
    if (status != STATUS_OK) {
        store_close(store);
        return status;
    }
    *out = store;
    return STATUS_OK;
}

void store_close(struct store *store) {
    if (store == NULL) {
        return;
    }
    text_index_close(atomic_load(&store->text));
    writer_close(store->writer);
    readers_close(store);
    mem_generation_drop(store->merging);
    mem_generation_drop(store->active);
    space_table_close(store->spaces);
    frame_cache_close(store->frames);
    seen_cache_close(store->heads);
    seen_cache_close(store->row_places);
    pack_close(store->pack);
    if (store->lock_file >= 0) {
        close(store->lock_file);
    }
    pthread_mutex_destroy(&store->publish);
    pthread_mutex_destroy(&store->readers_lock);
    pthread_cond_destroy(&store->readers_free);
    free((char *)store->folder);
    free((char *)store->path);
    free(store);
}

/* ---- figures --------------------------------------------------------------------------------------------------------- */

uint64_t store_sequence(const struct store *store) {
    return atomic_load_explicit(&store->committed_seq, memory_order_acquire);
}

static uint64_t file_size(const char *path, const char *end) {
    char name[4096];
    struct stat found;
    int size = snprintf(name, sizeof name, "%s%s", path, end);
    return size > 0 && (size_t)size < sizeof name && stat(name, &found) == 0 ? (uint64_t)found.st_size : 0;
}

void store_figures(struct store_figures *out, struct store *store) {
    pthread_mutex_lock(&store->publish);
    uint64_t in_memory =
        mem_generation_count(store->active) + (store->merging == NULL ? 0 : mem_generation_count(store->merging));
    pthread_mutex_unlock(&store->publish);
    pthread_mutex_lock(&store->writer->lock);
    uint64_t depth = store->writer->queue_count;
    pthread_mutex_unlock(&store->writer->lock);
    *out = (struct store_figures){
        .resources = atomic_load(&store->resources),
        .versions = atomic_load(&store->versions),
        .rows_in_memory = in_memory,
        .rows_merged = atomic_load(&store->rows_merged),
        .units = atomic_load(&store->units),
        .groups = atomic_load(&store->groups),
        .queue_depth = depth,
        .disk_bytes =
            file_size(store->path, "") + file_size(store->path, "-wal") + text_index_bytes(atomic_load(&store->text)),
        .audit_entries = atomic_load(&store->audit_entries),
    };
}
