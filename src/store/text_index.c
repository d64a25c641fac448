/* text_index: its life, and who waits for whom. */
#include "store/text_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LAYOUT "2 " /* of the tables in text_file.c */

bool text_form_is_of(struct text form, const struct store_text_source *source) {
    struct text layout = TEXT(LAYOUT);
    return text_starts(form, layout.at) &&
           text_is((struct text){form.at + layout.size, form.size - layout.size}, source->form);
}

static char *joined(const char *a, const char *b) {
    size_t size = strlen(a) + strlen(b) + 1;
    char *out = malloc(size);
    if (out != NULL) {
        (void)snprintf(out, size, "%s%s", a, b);
    }
    return out;
}

static void index_free(struct text_index *index) {
    while (index->idle != NULL) {
        struct connection *connection = index->idle;
        index->idle = connection->next;
        connection_close(connection);
    }
    pthread_mutex_destroy(&index->lock);
    pthread_cond_destroy(&index->asked);
    pthread_cond_destroy(&index->moved);
    free((char *)index->path);
    free((char *)index->form);
    free(index);
}

static struct text_index *index_new(struct store *store, const struct store_text_source *source) {
    struct text_index *index = calloc(1, sizeof *index);
    if (index == NULL) {
        return NULL;
    }
    index->store = store;
    index->source = *source;
    index->path = joined(store->folder, "/text.db");
    index->form = joined(LAYOUT, source->form);
    pthread_mutex_init(&index->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&index->asked, &attributes);
    pthread_cond_init(&index->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    if (index->path == NULL || index->form == NULL) {
        index_free(index);
        return NULL;
    }
    return index;
}

/* Under the lock. A thread that cannot be started is tried again by the next who asks. */
static void start(struct text_index *index) {
    if (!index->started && !index->closing) {
        index->started = pthread_create(&index->thread, NULL, text_indexer_main, index) == 0;
    }
}

/* An index that was begun is kept up to date from the start on. */
enum status store_text_serve(struct store *store, const struct store_text_source *source, struct scope *scope) {
    if (atomic_load(&store->text) != NULL) {
        return STATUS_OK;
    }
    struct text_index *index = index_new(store, source), *none = NULL;
    if (index == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the text index");
    }
    if (!atomic_compare_exchange_strong(&store->text, &none, index)) {
        index_free(index);
        return STATUS_OK;
    }
    if (access(index->path, F_OK) == 0) {
        pthread_mutex_lock(&index->lock);
        start(index);
        pthread_mutex_unlock(&index->lock);
    }
    return STATUS_OK;
}

void store_text_know(struct store *store, const struct store_text_source *source) {
    store->known_words = source;
}

void text_index_close(struct text_index *index) {
    if (index == NULL) {
        return;
    }
    pthread_mutex_lock(&index->lock);
    index->closing = true;
    bool started = index->started;
    pthread_cond_broadcast(&index->asked);
    pthread_cond_broadcast(&index->moved);
    pthread_mutex_unlock(&index->lock);
    if (started) {
        pthread_join(index->thread, NULL);
    }
    index_free(index);
}

uint64_t text_index_bytes(struct text_index *index) {
    static const char *const ends[] = {"", "-wal"};
    uint64_t bytes = 0;
    for (size_t i = 0; index != NULL && i < sizeof ends / sizeof *ends; i++) {
        char name[4096];
        struct stat found;
        int size = snprintf(name, sizeof name, "%s%s", index->path, ends[i]);
        bytes += size > 0 && (size_t)size < sizeof name && stat(name, &found) == 0 ? (uint64_t)found.st_size : 0;
    }
    return bytes;
}

void text_index_ask(struct text_index *index) {
    pthread_mutex_lock(&index->lock);
    start(index);
    index->hurry = true;
    pthread_cond_signal(&index->asked);
    pthread_mutex_unlock(&index->lock);
}

void text_index_distrust(struct text_index *index) {
    pthread_mutex_lock(&index->lock);
    index->damaged = true;
    index->mark = 0;
    pthread_cond_signal(&index->asked);
    pthread_mutex_unlock(&index->lock);
}

static struct timespec moment_of(int64_t monotonic_us) {
    return (struct timespec){.tv_sec = monotonic_us / 1000000, .tv_nsec = monotonic_us % 1000000 * 1000};
}

/* Where the index stands when the waiting ends. */
static uint64_t wait_for(struct text_index *index, uint64_t vid, int64_t until_us) {
    struct timespec until = moment_of(until_us);
    int code = 0;
    pthread_mutex_lock(&index->lock);
    start(index);
    if (index->waiters < TEXT_WAITERS_MAX) {
        index->waiters++;
        pthread_cond_signal(&index->asked);
        while (index->mark < vid && !index->closing && code != ETIMEDOUT) {
            code = pthread_cond_timedwait(&index->moved, &index->lock, &until);
        }
        index->waiters--;
    }
    uint64_t mark = index->mark;
    pthread_mutex_unlock(&index->lock);
    return mark;
}

enum status text_index_reach(struct text_index *index, uint64_t vid, struct scope *scope) {
    int64_t until_us = clock_monotonic_us() + (int64_t)TEXT_WAIT_MS * 1000;
    if (scope->deadline_us != 0 && scope->deadline_us < until_us) {
        until_us = scope->deadline_us;
    }
    uint64_t mark = wait_for(index, vid, until_us);
    if (mark >= vid) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_UNAVAILABLE, "",
        "the text index is being made: %llu of %llu versions so far; try again later, or narrow the search so that at "
        "most "
        "%d resources are read one by one",
        (unsigned long long)(mark == 0 ? 0 : mark - 1), (unsigned long long)atomic_load(&index->store->versions),
        TEXT_TAIL_MAX);
}
