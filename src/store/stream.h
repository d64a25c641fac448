/* stream: the results of a plan in the order of rid, found as they are asked for.
 *
 * What is cheap to list (an exact key, a type, a small range) is listed; what is not (a wide range, a long join) becomes a
 * condition that is tested on what the rest of the plan lists: on the candidate's own rows first, and once that has cost
 * more than listing would, against the whole set. */
#ifndef SOYANG_STORE_STREAM_H
#define SOYANG_STORE_STREAM_H

#include "store/document.h"
#include "store/rid_set.h"

struct stream;
struct stream *stream_open(struct search_run *run, const struct store_plan *plan);
void stream_close(struct stream *stream); /* gives statements back; accepts NULL */
/* The first result at or behind `rid`, which must not decrease from call to call; RID_NONE: there is none. */
uint64_t stream_seek(struct stream *stream, uint64_t rid);

/* All results as a set. */
struct rid_set *plan_gather(struct search_run *run, const struct store_plan *plan);
uint64_t plan_count(struct search_run *run, const struct store_plan *plan);

/* True when the plan's results are the rows under one key; then which. */
bool plan_single_key(uint32_t *lane_out, struct text *key_out, struct search_run *run, const struct store_plan *plan);

/* All results of a plan that is made of exact keys alone, where no more than `most` rows have to be read for it; else NULL. */
struct rid_set *plan_list_keys(struct search_run *run, const struct store_plan *plan, uint64_t most);

/* A condition on single resources; see above. */
struct condition {
    const struct store_plan *plan;
    struct rid_set *set;       /* once gathered */
    uint64_t tested, list_at;  /* after how many tests it is tried to list it; 0: not tried yet */
    uint64_t held;             /* of the tests */
    uint64_t last, backward;   /* the resource tested last; how many lay before the one before */
    uint64_t tests_for_one;    /* how many of its tests cost about one of a resource's own rows */
    bool prepared, is_key;     /* key: a test is the lookup of one row */
    struct condition *sources; /* of a TARGETS plan: what holds for them */
};
/* All its results where they are listed already; NULL where they are not. The set is the stream's. */
struct rid_set *stream_set(const struct stream *stream);
bool condition_holds(struct condition *condition, struct search_run *run, struct document *document);

#endif
