#include "records/worker.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 2, WAITING_MAX = 256 };

struct worker {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_t threads[THREADS];
    int thread_count;
    struct job *first, *last;
    int waiting;
    bool closing;
};

static struct job *next_job(struct worker *worker) {
    pthread_mutex_lock(&worker->mutex);
    while (worker->first == NULL && !worker->closing) {
        pthread_cond_wait(&worker->wake, &worker->mutex);
    }
    struct job *job = worker->first;
    if (job != NULL) {
        worker->first = job->next;
        worker->last = worker->first == NULL ? NULL : worker->last;
        worker->waiting--;
    }
    pthread_mutex_unlock(&worker->mutex);
    return job;
}

static void *run_jobs(void *context) {
    struct worker *worker = context;
    for (struct job *job = NULL; (job = next_job(worker)) != NULL;) {
        job->run(job->context);
    }
    return NULL;
}

enum status worker_open(struct worker **out, struct scope *scope) {
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the worker threads");
    }
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&worker->threads[i], NULL, run_jobs, worker) != 0) {
            worker_close(worker);
            return fault(scope, STATUS_UNAVAILABLE, "", "the system gives no more threads");
        }
        worker->thread_count++;
    }
    *out = worker;
    return STATUS_OK;
}

void worker_close(struct worker *worker) {
    if (worker == NULL) {
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->closing = true;
    pthread_cond_broadcast(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    for (int i = 0; i < worker->thread_count; i++) {
        pthread_join(worker->threads[i], NULL);
    }
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

enum status worker_take(struct worker *worker, struct job *job, enum worker_bound bound) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&worker->mutex);
    if (bound == WORKER_REFUSES_WHEN_FULL && (worker->closing || worker->waiting >= WAITING_MAX)) {
        status = STATUS_UNAVAILABLE;
    } else {
        job->next = NULL;
        if (worker->last == NULL) {
            worker->first = job;
        } else {
            worker->last->next = job;
        }
        worker->last = job;
        worker->waiting++;
        pthread_cond_signal(&worker->wake);
    }
    pthread_mutex_unlock(&worker->mutex);
    return status;
}
