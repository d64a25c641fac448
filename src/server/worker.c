/* Workers: threads for operations and for large bodies, which may wait for commits or take long and so must not hold an HTTP thread.
 *
 * What a body is turned into takes some ten times its bytes until its answer is on its way, and more of them at once than there
 * are cores are not done sooner: so large bodies are taken into work within a bound of bytes, in the order in which they came, and
 * the others wait as the bytes that they are. Each lane has its own bound and leaves workers to the lanes before it: what is small
 * never waits behind what is large. */
#include <pthread.h>
#include <stdlib.h>

#include "server/exchange.h"

enum { LANE_OPERATIONS, LANE_BODIES, LANE_LARGE_BODIES, LANES };
enum { MB = 1024 * 1024 };

/* A body is taken while less than `bytes_most` is in work, so that one larger than that still gets its turn, and without
 * those before it having to end first. `left`: workers that the lane leaves free, though it always has one. */
static const struct {
    size_t body_most, bytes_most;
    int left;
} lane_rows[LANES] = {
    [LANE_OPERATIONS] = {0, 0, 0},
    [LANE_BODIES] = {MB / 4, MB, 1},
    [LANE_LARGE_BODIES] = {SIZE_MAX, 6 * MB, 1},
};

struct lane {
    struct exchange *first, *last;
    size_t bytes; /* of bodies in work */
    int busy;     /* workers */
};

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t ready;
    struct lane lanes[LANES];
    uint64_t tickets;
    bool is_closing;
    int wanted, count;
    pthread_t threads[];
};

static int lane_of(size_t body_size) {
    int lane = LANE_BODIES;
    while (body_size > lane_rows[lane].body_most)
        lane++;
    return lane;
}

static bool is_open(const struct workers *workers, int lane) {
    const struct lane *at = &workers->lanes[lane];
    int threads = workers->wanted - lane_rows[lane].left;
    return at->first != NULL && (workers->is_closing || lane == LANE_OPERATIONS ||
                                    (at->bytes < lane_rows[lane].bytes_most && at->busy < (threads > 1 ? threads : 1)));
}

/* The one that has waited longest of those that may be taken; NULL: none. */
static struct exchange *next(struct workers *workers, int *lane_out) {
    struct exchange *found = NULL;
    for (int i = 0; i < LANES; i++)
        if (is_open(workers, i) && (found == NULL || workers->lanes[i].first->ticket < found->ticket)) {
            found = workers->lanes[i].first;
            *lane_out = i;
        }
    return found;
}

static struct exchange *take(struct workers *workers, int *lane_out) {
    struct exchange *exchange = NULL;
    pthread_mutex_lock(&workers->mutex);
    while ((exchange = next(workers, lane_out)) == NULL && !workers->is_closing)
        pthread_cond_wait(&workers->ready, &workers->mutex);
    if (exchange != NULL) {
        struct lane *lane = &workers->lanes[*lane_out];
        lane->first = exchange->next;
        lane->busy++;
        if (*lane_out != LANE_OPERATIONS) {
            exchange->lane = *lane_out;
            exchange->charged = exchange->body.size;
            lane->bytes += exchange->charged;
        }
    }
    pthread_mutex_unlock(&workers->mutex);
    return exchange;
}

static void *work(void *context) {
    struct workers *workers = context;
    struct exchange *exchange;
    int lane = 0;
    while ((exchange = take(workers, &lane)) != NULL) {
        exchange->next = NULL;
        exchange_work(exchange); /* it may be another's by now */
        pthread_mutex_lock(&workers->mutex);
        workers->lanes[lane].busy--;
        pthread_cond_broadcast(&workers->ready);
        pthread_mutex_unlock(&workers->mutex);
    }
    return NULL;
}

enum status workers_open(struct workers **out, int count, struct scope *scope) {
    struct workers *workers = calloc(1, sizeof *workers + (size_t)count * sizeof(pthread_t));
    if (workers == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the worker threads");
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->ready, NULL);
    workers->wanted = count;
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
    bool brings_body = exchange->step == EXCHANGE_TO_ROUTE_BY_WORKER || exchange->step == EXCHANGE_TO_RECORDS_BY_WORKER;
    bool is_large = brings_body && exchange->charged == 0 && exchange->body.size > EXCHANGE_LARGE;
    exchange->next = NULL;
    pthread_mutex_lock(&workers->mutex);
    struct lane *lane = &workers->lanes[is_large ? lane_of(exchange->body.size) : LANE_OPERATIONS];
    exchange->ticket = workers->tickets++;
    if (lane->first == NULL)
        lane->first = exchange;
    else
        lane->last->next = exchange;
    lane->last = exchange;
    pthread_cond_signal(&workers->ready);
    pthread_mutex_unlock(&workers->mutex);
}

void workers_recharge(struct workers *workers, struct exchange *exchange) {
    if (exchange->charged == 0 || exchange->body.size <= exchange->charged)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->lanes[exchange->lane].bytes += exchange->body.size - exchange->charged;
    pthread_mutex_unlock(&workers->mutex);
    exchange->charged = exchange->body.size;
}

void workers_release(struct workers *workers, struct exchange *exchange) {
    if (exchange->charged == 0)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->lanes[exchange->lane].bytes -= exchange->charged;
    pthread_cond_broadcast(&workers->ready);
    pthread_mutex_unlock(&workers->mutex);
    exchange->charged = 0;
}
