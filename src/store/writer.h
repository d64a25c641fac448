/* writer: the one thread that writes: queue, groups, units, merging. */
#ifndef SOYANG_STORE_WRITER_H
#define SOYANG_STORE_WRITER_H

#include "store/store_internal.h"
#include "store/view.h"

struct checkpointer;
struct packer;
struct identity_cache;
struct identity_cache *identity_cache_open(void);
void identity_cache_close(struct identity_cache *cache);
void identity_cache_clear(struct identity_cache *cache);
#define IDENTITY_ABSENT UINT64_MAX                                                /* looked for and found nowhere */
uint64_t identity_cache_get(const struct identity_cache *cache, struct text key); /* 0: the cache does not know */
void identity_cache_put(struct identity_cache *cache, struct text key, uint64_t rid);

enum { GROUP_UNITS_MAX = 1024, GROUP_TIME_US = 10 * 1000, EVENTS_LARGE = 16 * 1000 };

struct member { /* of the running group */
    struct store_work work;
    enum status status;
    uint64_t seq;
};

/* How many units that can wait a group waits for: more while as many come soon enough, fewer as soon as they do not. */
struct gathering {
    size_t wanted;
    unsigned content; /* groups until more are wished for again */
};

struct node_list {
    struct mem_node **at;
    size_t count, capacity;
};

struct writer {
    struct store *store;
    struct connection *connection;
    pthread_t thread;
    bool started;
    struct checkpointer *checkpointer;
    struct packer *packer;

    /* Guarded by `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t work_waits;
    struct store_work *queue; /* a ring */
    size_t queue_first, queue_count, queue_capacity;
    size_t hasty;       /* of the queue: units that cannot wait */
    size_t waits_until; /* so many are in the queue; 0: the writer does not wait for more */
    bool closing;

    /* The writer's own. */
    struct store_state state, group_state; /* now; when the group began */
    uint64_t seq_next;
    struct member *members;
    size_t member_count;
    struct gathering gathering;
    struct node_list nodes; /* events added by the group */
    size_t events_merged;   /* of the merging generation */
    size_t events_of_large; /* in the active generation, of units of EVENTS_LARGE and more */
    bool due_touched;
    bool changes; /* the group wrote more than audit rows */
    struct identity_cache *identities;
    struct mem_node *merge_at;
    struct place_kept purge_place;
    uint64_t reindexed_from; /* the log of rows made anew holds nothing below; 0: nothing at all */
    uint64_t purge_seq, purge_horizon, purge_swept; /* the sweep's place, its horizon, that of the last whole sweep */
    struct store_view view;                         /* of the running unit */
};

struct store_unit {
    struct writer *writer;
    uint64_t seq;
    int64_t time_us;
    bool wrote;   /* anything */
    bool changes; /* more than audit rows */
    struct store_state before;
    size_t first_node;
};

enum status writer_open(
    struct store *store, struct connection *connection, const struct store_state *state, struct scope *scope);
void writer_close(struct writer *writer); /* accepts NULL; finishes accepted units, merges what is in memory */
bool writer_is_this_thread(const struct writer *writer);
/* The view of the running unit: sees all that was written so far. */
struct store_view *unit_view(struct store_unit *unit);

/* group.c */
void group_run(struct writer *writer);
bool queue_pop(struct store_work *out, struct writer *writer);

/* merge.c. Between transactions only. */
size_t writer_rows_in_memory(const struct writer *writer);
enum merge_pace { MERGE_PACED, MERGE_IDLE };
/* Merges a slice if one is due; `*did_out` says whether anything was done. */
enum status merge_step(bool *did_out, struct writer *writer, enum merge_pace pace);
/* The least sequence number in the log of rows made anew; 0: it is empty. */
enum status log_first(uint64_t *out, struct connection *connection, struct scope *scope);
/* True when memory is full and units must wait. */
bool merge_is_behind(const struct writer *writer);

#endif
