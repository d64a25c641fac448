/* How long a connection may take. The library ends one that says nothing for a while; one that says a byte now and then would keep its
 * place for ever, so that each step of a request has an end of its own here, whatever trickles in. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/exchange.h"

enum {
    RESTS = 6,          /* a body, an answer, a connection between two requests: so many times as long as a head, and */
    BYTES_PER_S = 1024, /* a second more for each of these that came or goes */
    SWEEPS_PER_LIMIT = 4, /* how exactly the limit is kept */
    SWEEP_MAX_MS = 1000
};

struct patience_row {
    struct patience_row *next, **back;
    int socket;
    atomic_llong due_us; /* monotonic */
};

struct patience {
    pthread_mutex_t mutex; /* over the list: a row in it has an open socket */
    struct patience_row *first;
    int64_t head_us;
};

enum status patience_open(struct patience **out, int head_s, struct scope *scope) {
    struct patience *patience = calloc(1, sizeof *patience);
    if (patience == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the server");
    pthread_mutex_init(&patience->mutex, NULL);
    patience->head_us = (int64_t)head_s * 1000000;
    *out = patience;
    return STATUS_OK;
}

void patience_close(struct patience *patience) {
    if (patience == NULL)
        return;
    for (struct patience_row *row = patience->first; row != NULL;) {
        struct patience_row *next = row->next;
        free(row);
        row = next;
    }
    pthread_mutex_destroy(&patience->mutex);
    free(patience);
}

int patience_rest_s(int head_s) {
    return head_s * RESTS;
}

struct patience_row *patience_begin(struct patience *patience, int socket) {
    struct patience_row *row = calloc(1, sizeof *row);
    if (row == NULL)
        return NULL;
    row->socket = socket;
    atomic_init(&row->due_us, clock_monotonic_us() + patience->head_us);
    pthread_mutex_lock(&patience->mutex);
    row->next = patience->first;
    row->back = &patience->first;
    if (row->next != NULL)
        row->next->back = &row->next;
    patience->first = row;
    pthread_mutex_unlock(&patience->mutex);
    return row;
}

void patience_end(struct patience *patience, struct patience_row *row) {
    if (row == NULL)
        return;
    pthread_mutex_lock(&patience->mutex);
    *row->back = row->next;
    if (row->next != NULL)
        row->next->back = row->back;
    pthread_mutex_unlock(&patience->mutex);
    free(row);
}

static int64_t time_of(size_t bytes) {
    return (int64_t)(bytes / BYTES_PER_S) * 1000000;
}

void patience_await(const struct patience *patience, struct patience_row *row, enum patience_step step, size_t bytes) {
    if (row == NULL)
        return;
    int64_t rest_us = RESTS * patience->head_us, now_us = step == PATIENCE_FOR_US ? 0 : clock_monotonic_us();
    int64_t due_us = step == PATIENCE_FOR_US     ? INT64_MAX
                     : step == PATIENCE_FOR_NEXT ? now_us + rest_us + patience->head_us
                                                 : now_us + rest_us + time_of(bytes);
    atomic_store_explicit(&row->due_us, due_us, memory_order_relaxed);
}

void patience_came(struct patience_row *row, size_t bytes) {
    if (row != NULL)
        atomic_fetch_add_explicit(&row->due_us, (long long)bytes * 1000000 / BYTES_PER_S, memory_order_relaxed);
}

int patience_sweep(struct patience *patience) {
    int64_t now_us = clock_monotonic_us(), step_ms = patience->head_us / 1000 / SWEEPS_PER_LIMIT;
    pthread_mutex_lock(&patience->mutex);
    for (struct patience_row *row = patience->first; row != NULL; row = row->next)
        if (atomic_load_explicit(&row->due_us, memory_order_relaxed) < now_us) {
            atomic_store_explicit(&row->due_us, INT64_MAX, memory_order_relaxed);
            (void)shutdown(row->socket, SHUT_RDWR); /* the library sees its end and closes it */
        }
    pthread_mutex_unlock(&patience->mutex);
    return step_ms < SWEEP_MAX_MS ? (int)step_ms : SWEEP_MAX_MS;
}
