/* Workers: threads for operations, which may wait for commits or take long and so must not hold an HTTP thread. */
#include <pthread.h>
#include <stdlib.h>

#include "server/exchange.h"

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t ready;
    struct exchange *first, *last;
    bool is_closing;
    int count;
    pthread_t threads[];
};

static struct exchange *take(struct workers *workers) {
    pthread_mutex_lock(&workers->mutex);
    while (workers->first == NULL && !workers->is_closing)
        pthread_cond_wait(&workers->ready, &workers->mutex);
    struct exchange *exchange = workers->first;
    if (exchange != NULL)
        workers->first = exchange->next;
    pthread_mutex_unlock(&workers->mutex);
    return exchange;
}

static void *work(void *context) {
    struct workers *workers = context;
    struct exchange *exchange;
    while ((exchange = take(workers)) != NULL) {
        exchange->next = NULL;
        exchange_work(exchange);
    }
    return NULL;
}

enum status workers_open(struct workers **out, int count, struct scope *scope) {
    struct workers *workers = calloc(1, sizeof *workers + (size_t)count * sizeof(pthread_t));
    if (workers == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the worker threads");
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->ready, NULL);
    *out = workers;
    for (; workers->count < count; workers->count++)
        if (pthread_create(&workers->threads[workers->count], NULL, work, workers) != 0) {
            workers_close(workers);
            return fault(scope, STATUS_UNAVAILABLE, "", "the system refused a worker thread");
        }
    return STATUS_OK;
}

void workers_close(struct workers *workers) {
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->is_closing = true;
    pthread_cond_broadcast(&workers->ready);
    pthread_mutex_unlock(&workers->mutex);
    for (int i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->ready);
    pthread_mutex_destroy(&workers->mutex);
    free(workers);
}

void workers_submit(struct workers *workers, struct exchange *exchange) {
    exchange->next = NULL;
    pthread_mutex_lock(&workers->mutex);
    if (workers->first == NULL)
        workers->first = exchange;
    else
        workers->last->next = exchange;
    workers->last = exchange;
    pthread_cond_signal(&workers->ready);
    pthread_mutex_unlock(&workers->mutex);
}
