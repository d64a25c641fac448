/* select: pages of results, in any order. */
#include "store/frame.h"
#include "store/identity_walk.h"
#include "store/stream.h"

#include <stdlib.h>
#include <string.h>

/* ---- where a page goes on: for each sort a mark and the key (its size in one byte), then the rid ------------------------ */

struct sort_key {
    bool has;
    struct text key;
};

struct position {
    struct sort_key keys[STORE_SORTS_MAX];
    uint64_t rid;
};

static struct text position_write(struct arena *arena, const struct position *position, size_t sorts) {
    char *bytes = arena_alloc(arena, sorts * (2 + UINT8_MAX) + 8);
    size_t size = 0;
    for (size_t i = 0; i < sorts; i++) {
        const struct sort_key *key = &position->keys[i];
        bytes[size++] = key->has;
        bytes[size++] = (char)key->key.size;
        if (key->key.size > 0) {
            memcpy(bytes + size, key->key.at, key->key.size);
        }
        size += key->key.size;
    }
    for (int i = 0; i < 8; i++) {
        bytes[size++] = (char)(position->rid >> (56 - 8 * i));
    }
    return (struct text){bytes, size};
}

static bool position_read(struct position *out, struct text bytes, size_t sorts) {
    size_t at = 0;
    *out = (struct position){0};
    for (size_t i = 0; i < sorts; i++) {
        if (bytes.size - at < 2 || bytes.size - at - 2 < (uint8_t)bytes.at[at + 1]) {
            return false;
        }
        out->keys[i] =
            (struct sort_key){.has = bytes.at[at] != 0, .key = {bytes.at + at + 2, (uint8_t)bytes.at[at + 1]}};
        at += 2 + out->keys[i].key.size;
    }
    if (bytes.size - at != 8) {
        return false;
    }
    for (size_t i = 0; i < 8; i++) {
        out->rid = out->rid << 8 | (uint8_t)bytes.at[at + i];
    }
    return true;
}

static int sort_key_compare(const struct sort_key *a, const struct sort_key *b, bool descending) {
    if (a->has != b->has) {
        return a->has ? -1 : 1;
    }
    int order = a->has ? text_compare(a->key, b->key) : 0;
    return descending ? -order : order;
}

static int position_compare(const struct position *a, const struct position *b, const struct store_query *query) {
    for (size_t i = 0; i < query->sort_count; i++) {
        int order = sort_key_compare(&a->keys[i], &b->keys[i], query->sorts[i].descending);
        if (order != 0) {
            return order;
        }
    }
    return (a->rid > b->rid) - (a->rid < b->rid);
}

/* ---- the first `limit` in order ------------------------------------------------------------------------------------------ */

enum { BEST_FIRST = 32 };

/* A heap with the last in order on top, so that a better one replaces it. */
struct best {
    const struct store_query *query;
    struct arena *arena;
    struct position *at;
    size_t count, capacity, most;
};

/* A page's bound may be far beyond what it holds. */
static void best_push(struct best *best, const struct position *position) {
    if (best->count == best->capacity) {
        size_t more = best->capacity == 0 ? BEST_FIRST : best->capacity * 2, size = sizeof *best->at;
        best->at = arena_resize(best->arena, best->at, best->capacity * size, more * size);
        best->capacity = more;
    }
    best->at[best->count++] = *position;
}

static void best_sink(struct best *best, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= best->count) {
            return;
        }
        if (child + 1 < best->count && position_compare(&best->at[child + 1], &best->at[child], best->query) > 0) {
            child++;
        }
        if (position_compare(&best->at[child], &best->at[at], best->query) <= 0) {
            return;
        }
        struct position swapped = best->at[at];
        best->at[at] = best->at[child];
        best->at[child] = swapped;
        at = child;
    }
}

static void best_offer(struct best *best, const struct position *position) {
    if (best->count < best->most) {
        size_t at = best->count;
        best_push(best, position);
        while (at > 0 && position_compare(&best->at[at], &best->at[(at - 1) / 2], best->query) > 0) {
            struct position swapped = best->at[at];
            best->at[at] = best->at[(at - 1) / 2];
            best->at[(at - 1) / 2] = swapped;
            at = (at - 1) / 2;
        }
        return;
    }
    if (best->most > 0 && position_compare(position, &best->at[0], best->query) < 0) {
        best->at[0] = *position;
        best_sink(best, 0);
    }
}

/* Leaves the positions in order. */
static void best_order(struct best *best) {
    size_t count = best->count;
    while (best->count > 1) {
        struct position last = best->at[0];
        best->at[0] = best->at[--best->count];
        best->at[best->count] = last;
        best_sink(best, 0);
    }
    best->count = count;
}

/* ---- keys of one resource ------------------------------------------------------------------------------------------------ */

/* The order of (type, id); its type is found at the start. */
static struct text identity_sort_key(struct arena *arena, uint16_t type, struct text id) {
    char *key = arena_alloc(arena, 2 + id.size);
    type_key((uint8_t *)key, type);
    memcpy(key + 2, id.at, id.size);
    return (struct text){key, 2 + id.size};
}

static void sort_key_offer(struct sort_key *key, struct text found, bool descending) {
    int order = key->has ? text_compare(found, key->key) : 0;
    if (!key->has || (descending ? order > 0 : order < 0)) {
        *key = (struct sort_key){.has = true, .key = found};
    }
}

/* Type and id of a reference row's target. */
static struct text target_key(struct search_run *run, struct text reference) {
    struct resource_head head;
    enum status status = resource_head_read(&head, run->view->connection, reference_key_rid(reference), run->scope);
    if (status != STATUS_OK) {
        search_run_fail(run, status == STATUS_NOT_FOUND ? STATUS_FAILED : status);
        return (struct text){"", 0};
    }
    return identity_sort_key(run->scope->arena, head.type, id_unpack(run->scope->arena, head.id));
}

static struct text row_sort_key(struct search_run *run, const struct store_sort *sort, struct text row_key) {
    return sort->by == STORE_SORT_TARGETS ? target_key(run, row_key) : row_key;
}

static uint32_t sort_lane(const struct store_sort *sort) {
    return sort->by == STORE_SORT_TARGETS ? lane_of_references(sort->space) : lane_of_keys(sort->space);
}

/* The keys that do not stand among the rows. */
static void position_of_head(
    struct position *out, struct search_run *run, const struct store_query *query, const struct document *document) {
    for (size_t i = 0; i < query->sort_count; i++) {
        if (query->sorts[i].by == STORE_SORT_ID) {
            out->keys[i] = (struct sort_key){.has = true, .key = id_unpack(run->scope->arena, document->head.id)};
        } else if (query->sorts[i].by == STORE_SORT_KEYS && query->sorts[i].space == STORE_SPACE_UPDATED) {
            uint8_t *key = arena_alloc(run->scope->arena, 8);
            time_key(key, document->head.time_us);
            out->keys[i] = (struct sort_key){.has = true, .key = {(const char *)key, 8}};
        }
    }
}

/* False where what a document's head says is all of it. */
static bool position_needs_rows(const struct store_query *query) {
    for (size_t i = 0; i < query->sort_count; i++) {
        const struct store_sort *sort = &query->sorts[i];
        if (sort->by != STORE_SORT_ID && (sort->by != STORE_SORT_KEYS || sort->space != STORE_SPACE_UPDATED)) {
            return true;
        }
    }
    return false;
}

static void position_of(
    struct position *out, struct search_run *run, const struct store_query *query, struct document *document) {
    *out = (struct position){.rid = document->rid};
    position_of_head(out, run, query, document);
    if (!position_needs_rows(query) || !document_rows(document, run)) {
        return;
    }
    struct lane_reader reader = lane_reader_open(document->rows);
    struct lane_row row;
    while (lane_reader_next(&row, &reader)) {
        for (size_t i = 0; i < query->sort_count; i++) {
            const struct store_sort *sort = &query->sorts[i];
            if (sort->by != STORE_SORT_ID && row.lane == sort_lane(sort)) {
                sort_key_offer(&out->keys[i], row_sort_key(run, sort, row.key), sort->descending);
            }
        }
    }
}

/* ---- pages ---------------------------------------------------------------------------------------------------------------- */

enum { WALK_CHEAP = 10, WALK_MEMBER = 10 }; /* times as far where tests are cheap; rows for each result to be met */

/* What a page is made of. `members` once all results have been listed. */
struct paging {
    struct search_run *run;
    const struct store_query *query;
    const struct position *after; /* NULL: from the start */
    struct best best;
    struct rid_set *members;
    struct condition condition;      /* tells members from others */
    const struct store_plan *within; /* the range of the first sort's lane that all results lie in; NULL: all of it */
    uint64_t walked, walk_most;
    bool is_trial; /* goes further once the results are listed */
};

static void offer(struct paging *paging, const struct position *position) {
    if (paging->after == NULL || position_compare(position, paging->after, paging->query) > 0) {
        best_offer(&paging->best, position);
    }
}

/* A trial costs little: it lists only short parts, tests few candidates and gives up otherwise. */
static void trial_begin(struct search_costs *costs, struct search_run *run) {
    *costs = *run->costs;
    costs->list_rows = costs->trial_rows < costs->list_rows ? costs->trial_rows : costs->list_rows;
    costs->tests_before_set =
        costs->trial_tests < costs->tests_before_set ? costs->trial_tests : costs->tests_before_set;
    run->costs = costs;
    run->is_trial = true;
    run->gave_up = false;
}

/* False when it gave up. */
static bool trial_end(struct search_run *run) {
    bool ended = !run->gave_up;
    run->costs = &run->view->store->costs;
    run->is_trial = run->gave_up = false;
    return ended;
}

static void walk_rids(struct paging *paging) {
    struct stream *stream = stream_open(paging->run, paging->query->plan);
    struct best *best = &paging->best;
    uint64_t rid = stream_seek(stream, paging->after == NULL ? 0 : paging->after->rid + 1);
    for (; rid != RID_NONE && best->count < best->most; rid = stream_seek(stream, rid + 1)) {
        best_push(best, &(struct position){.rid = rid});
    }
    stream_close(stream);
}

static void page_by_rid(struct paging *paging) {
    struct search_costs costs;
    trial_begin(&costs, paging->run);
    walk_rids(paging);
    if (!trial_end(paging->run)) {
        paging->best.count = 0;
        walk_rids(paging);
    }
}

/* Lists the results; false when there are more than `most`. */
static bool list_members(struct paging *paging, uint64_t most) {
    struct stream *stream = stream_open(paging->run, paging->query->plan);
    struct rid_set *listed = stream_set(stream);
    if (listed != NULL && listed->count <= paging->run->costs->fetch_most) { /* what is there costs no more */
        paging->members = listed;
        stream_close(stream);
        return true;
    }
    struct rid_set *set = rid_set_open(paging->run->scope->arena, paging->run->view->state.rid_next);
    uint64_t rid = stream_seek(stream, 0);
    for (; rid != RID_NONE && set->count < most; rid = stream_seek(stream, rid + 1)) {
        rid_set_add(set, rid);
    }
    stream_close(stream);
    paging->members = rid == RID_NONE ? set : NULL;
    return paging->members != NULL;
}

/* Lists the results if a trial suffices for it. */
static bool try_members(struct paging *paging, uint64_t most) {
    struct search_costs costs;
    trial_begin(&costs, paging->run);
    bool all = list_members(paging, most);
    if (!trial_end(paging->run)) {
        paging->members = NULL;
        return false;
    }
    return all;
}

static void page_by_fetching(struct paging *paging) {
    struct search_run *run = paging->run;
    for (uint64_t rid = rid_set_seek(paging->members, 0); rid != RID_NONE && run->status == STATUS_OK;
         rid = rid_set_seek(paging->members, rid + 1)) {
        struct document document = document_of(rid);
        struct position position;
        if (document_read(&document, run)) {
            position_of(&position, run, paging->query, &document);
            offer(paging, &position);
        }
    }
}

/* ---- along the first sort key ------------------------------------------------------------------------------------------------ */

/* Takes one row of the first sort's lane if its resource is a result and this is the key that it sorts by. */
static void walk_take(struct paging *paging, struct text key, uint64_t rid) {
    struct document document = document_of(rid);
    struct position position;
    paging->walked++;
    if (paging->within != NULL && !plan_key_fits(paging->within, key)) {
        return;
    }
    if (condition_holds(&paging->condition, paging->run, &document) && document_read(&document, paging->run)) {
        position_of(&position, paging->run, paging->query, &document);
        if (position.keys[0].has && text_equal(position.keys[0].key, key)) {
            offer(paging, &position);
        }
    }
}

static bool page_is_full(const struct paging *paging) {
    return paging->best.count == paging->best.most;
}

static bool gives_up(const struct paging *paging) {
    uint64_t times = paging->is_trial && paging->condition.set != NULL ? WALK_CHEAP : 1;
    return paging->walked > paging->walk_most * times || paging->run->gave_up;
}

/* With one sort, equals are in the order of rid: the page goes on behind the one before. With more, all equals are looked at. */
static uint64_t first_rid(const struct paging *paging) {
    return paging->after != NULL && paging->query->sort_count == 1 ? paging->after->rid + 1 : 0;
}

static bool is_behind(const struct paging *paging, struct text key) {
    return paging->within != NULL && paging->within->high.at != NULL && text_compare(key, paging->within->high) >= 0;
}

static bool is_before(const struct paging *paging, struct text key) {
    return paging->within != NULL && paging->within->low.at != NULL && text_compare(key, paging->within->low) < 0;
}

static void walk_ascending(struct paging *paging, uint32_t lane, struct text from) {
    char last[UINT8_MAX];
    struct text last_key = {last, 0};
    bool ties_matter = paging->query->sort_count > 1;
    struct walk *walk = walk_open(paging->run, WALK_RANGE, lane, from, (struct text){0});
    bool more = walk_seek(walk, from, first_rid(paging));
    for (; more && !gives_up(paging); more = walk_next(walk)) {
        if ((page_is_full(paging) && !(ties_matter && text_equal(walk->key, last_key))) ||
            is_behind(paging, walk->key)) {
            break;
        }
        last_key.size = walk->key.size;
        memcpy(last, walk->key.at, walk->key.size);
        walk_take(paging, walk->key, walk->rid);
    }
    walk_close(walk);
}

static void walk_descending(struct paging *paging, uint32_t lane, const struct text *from) {
    char last[UINT8_MAX];
    struct text last_key = {last, 0}, key;
    uint64_t rid;
    bool ties_matter = paging->query->sort_count > 1;
    struct walk_down *down = walk_down_open(paging->run, lane, from, first_rid(paging));
    while (!gives_up(paging) && walk_down_next(&key, &rid, down)) {
        if ((page_is_full(paging) && !(ties_matter && text_equal(key, last_key))) || is_before(paging, key)) {
            break;
        }
        last_key.size = key.size;
        memcpy(last, key.at, key.size);
        walk_take(paging, last_key, rid);
    }
    walk_down_close(down);
}

/* ---- along identities ------------------------------------------------------------------------------------------------------- */

/* In the order of ids each key has one resource, so that no equals have to be looked at. */
static void walk_ids(struct paging *paging) {
    const struct store_sort *sort = &paging->query->sorts[0];
    struct text id, from = paging->after == NULL ? (struct text){0} : paging->after->keys[0].key;
    uint64_t rid;
    struct identity_walk *walk =
        identity_walk_open(paging->run, sort->type, from, sort->descending ? WALK_DOWN : WALK_UP);
    while (!page_is_full(paging) && !gives_up(paging) && identity_walk_next(&id, &rid, walk)) {
        walk_take(paging, id, rid);
    }
    identity_walk_close(walk);
}

/* The sources of one target, in the order of rid. */
static void walk_sources(struct paging *paging, struct walk *sources, uint16_t type, uint64_t target, struct text key) {
    uint8_t bytes[REFERENCE_KEY_MAX];
    struct text reference = {(const char *)bytes, reference_key(bytes, type, target)};
    bool is_first = paging->after != NULL && text_equal(paging->after->keys[0].key, key);
    bool ties_matter = paging->query->sort_count > 1;
    walk_reopen(sources, lane_of_references(paging->query->sorts[0].space), reference);
    bool more = walk_seek(sources, reference, is_first ? first_rid(paging) : 0);
    for (; more && !gives_up(paging) && (ties_matter || !page_is_full(paging)); more = walk_next(sources)) {
        walk_take(paging, key, sources->rid);
    }
}

/* The next type that a reference of the lane names, at or behind `type`; 0: none. */
static uint16_t type_in_lane(struct search_run *run, uint32_t lane, uint16_t type, bool descending) {
    uint8_t bound[2];
    char bytes[UINT8_MAX];
    struct text key;
    if (descending) {
        type_key(bound, (uint16_t)(type + 1));
        const struct text below = {(const char *)bound, type == UINT16_MAX ? 0 : sizeof bound};
        bool any = walk_key_before(&key, bytes, run, lane, type == UINT16_MAX ? NULL : &below);
        return any ? reference_key_type(key) : 0;
    }
    type_key(bound, type);
    struct walk *walk = walk_open(
        run, WALK_RANGE, lane, text_copy(run->scope->arena, (struct text){(const char *)bound, 2}), (struct text){0});
    uint16_t found = walk_next(walk) ? reference_key_type(walk->key) : 0;
    walk_close(walk);
    return found;
}

static void walk_targets_of(struct paging *paging, struct walk *sources, uint16_t type, struct text from) {
    struct search_run *run = paging->run;
    struct text id;
    uint64_t rid;
    struct identity_walk *walk =
        identity_walk_open(run, type, from, paging->query->sorts[0].descending ? WALK_DOWN : WALK_UP);
    while (!page_is_full(paging) && !gives_up(paging) && identity_walk_next(&id, &rid, walk)) {
        paging->walked++;
        walk_sources(paging, sources, type, rid, identity_sort_key(run->scope->arena, type, id));
    }
    identity_walk_close(walk);
}

/* Targets by type and id, and the resources that refer to each. */
static void walk_targets(struct paging *paging) {
    struct search_run *run = paging->run;
    bool descending = paging->query->sorts[0].descending;
    uint32_t lane = lane_of_references(paging->query->sorts[0].space);
    uint16_t type = descending ? UINT16_MAX : 0;
    struct text from = {0};
    if (paging->after != NULL && paging->after->keys[0].key.size >= 2) {
        struct text key = paging->after->keys[0].key;
        type = reference_key_type(key);
        from = (struct text){key.at + 2, key.size - 2};
    }
    char none[REFERENCE_KEY_MAX] = {0};
    struct walk *sources = walk_open(run, WALK_KEY, lane, (struct text){none, sizeof none}, (struct text){0});
    while (!page_is_full(paging) && !gives_up(paging)) {
        uint16_t next = type_in_lane(run, lane, type, descending);
        if (next == 0) {
            break;
        }
        walk_targets_of(paging, sources, next, next == type ? from : (struct text){0});
        from = (struct text){0};
        if (descending ? next == 1 : next == UINT16_MAX) {
            break;
        }
        type = (uint16_t)(descending ? next - 1 : next + 1);
    }
    walk_close(sources);
}

/* False when it gave up. */
static bool page_by_walking(struct paging *paging) {
    const struct store_sort *sort = &paging->query->sorts[0];
    const struct text *from = paging->after == NULL ? NULL : &paging->after->keys[0].key;
    if (from == NULL && paging->within != NULL) {
        const struct text *bound = sort->descending ? &paging->within->high : &paging->within->low;
        from = bound->at == NULL ? NULL : bound;
    }
    if (sort->by == STORE_SORT_ID) {
        walk_ids(paging);
    } else if (sort->by == STORE_SORT_TARGETS) {
        walk_targets(paging);
    } else if (sort->descending) {
        walk_descending(paging, lane_of_keys(sort->space), from);
    } else {
        walk_ascending(paging, lane_of_keys(sort->space), from == NULL ? TEXT("") : *from);
    }
    return !gives_up(paging);
}

/* Those without a first sort key come behind all others. */
static void page_of_missing(struct paging *paging) {
    struct search_run *run = paging->run;
    const struct store_query *query = paging->query;
    struct stream *stream = stream_open(run, query->plan);
    bool by_rid = query->sort_count == 1, in_missing = paging->after != NULL && !paging->after->keys[0].has;
    uint64_t rid = stream_seek(stream, by_rid && in_missing ? paging->after->rid + 1 : 0);
    if (query->sorts[0].by == STORE_SORT_ID) {
        stream_close(stream);
        return; /* none is without */
    }
    struct store_plan having = {
        .kind = query->sorts[0].by == STORE_SORT_TARGETS ? STORE_PLAN_REFERRING : STORE_PLAN_RANGE,
        .space = query->sorts[0].space};
    struct condition has_key = {.plan = &having};
    for (; rid != RID_NONE && !(by_rid && page_is_full(paging)); rid = stream_seek(stream, rid + 1)) {
        struct document document = document_of(rid);
        struct position position;
        if (!condition_holds(&has_key, run, &document) && document_read(&document, run)) {
            position_of(&position, run, query, &document);
            offer(paging, &position);
        }
    }
    stream_close(stream);
}

/* A resource has one time: where the plan bounds it and the page is sorted by it, no more is walked than lies within. What
 * else the plan asks for is the condition. */
static const struct store_plan *walk_within(struct paging *paging) {
    const struct store_plan *plan = paging->query->plan;
    const struct store_sort *sort = &paging->query->sorts[0];
    bool is_time = sort->by == STORE_SORT_KEYS && sort->space == STORE_SPACE_UPDATED;
    size_t parts = plan->kind == STORE_PLAN_INTERSECT ? plan->child_count : 0;
    for (size_t i = 0; is_time && i < parts; i++) {
        if (plan->children[i]->kind == STORE_PLAN_RANGE && plan->children[i]->space == STORE_SPACE_UPDATED) {
            struct arena *arena = paging->run->scope->arena;
            struct store_plan *rest = ARENA_NEW(arena, struct store_plan);
            const struct store_plan **children = ARENA_ARRAY(arena, const struct store_plan *, parts);
            *rest = *plan;
            rest->children = children;
            rest->child_count = 0;
            for (size_t j = 0; j < parts; j++) {
                if (j != i) {
                    children[rest->child_count++] = plan->children[j];
                }
            }
            paging->within = plan->children[i];
            return rest->child_count > 0 ? rest : plan;
        }
    }
    return plan;
}

static bool page_by_trying(struct paging *paging, uint64_t walk_most) {
    if (walk_most == 0) {
        return false;
    }
    paging->walked = 0;
    paging->walk_most = walk_most;
    paging->best.count = 0;
    return page_by_walking(paging);
}

/* Each is one lookup of an index row. */
static bool tests_are_cheap(const struct store_plan *plan) {
    bool cheap = plan->kind == STORE_PLAN_TYPE || plan->kind == STORE_PLAN_INTERSECT ||
                 plan->kind == STORE_PLAN_UNION || (plan->kind == STORE_PLAN_RANGE && plan_is_one_key(plan));
    for (size_t i = 0; cheap && i < plan->child_count; i++) {
        cheap = tests_are_cheap(plan->children[i]);
    }
    return cheap;
}

/* Along the sort key as far as it costs little. False: that was not far enough. */
static bool trial_walk(struct paging *paging) {
    struct search_costs costs;
    paging->condition = (struct condition){.plan = walk_within(paging)};
    trial_begin(&costs, paging->run);
    if (paging->within != NULL && tests_are_cheap(paging->condition.plan)) {
        costs.walk_trial *= WALK_CHEAP;
        costs.tests_before_set *= WALK_CHEAP;
    }
    paging->is_trial = true;
    bool done = page_by_trying(paging, costs.walk_trial);
    paging->is_trial = false;
    if (!trial_end(paging->run)) { /* what it has listed may be incomplete */
        paging->condition = (struct condition){.plan = paging->condition.plan};
        return false;
    }
    return done;
}

/* What a page would take, from what a short walk met of it; 0 when that is too much. */
static uint64_t walk_foreseen(const struct paging *paging) {
    uint64_t met = paging->best.count, foreseen = met == 0 ? UINT64_MAX : paging->walked * paging->best.most / met * 2;
    return foreseen > paging->run->costs->tests_before_set ? 0 : foreseen;
}

/* Ids lie by type: without it, no walk meets them in their order. */
static bool is_walkable(const struct store_sort *sort) {
    return sort->by != STORE_SORT_ID || sort->type != 0;
}

/* Results that are few are fetched and ordered. Where many are, a short walk along the sort key meets enough of them, or a
 * longer one with the results listed before. When they lie too far apart for that, all are fetched. */
static void page_of_present(struct paging *paging) {
    const struct search_costs *costs = paging->run->costs;
    bool walkable = is_walkable(&paging->query->sorts[0]), few = try_members(paging, costs->fetch_trial + 1);
    bool done = !few && walkable && trial_walk(paging);
    if (!few && !done) {
        few = list_members(paging, costs->fetch_most + 1) && paging->members->count <= costs->fetch_most;
    }
    if (few && walkable && paging->members->count > costs->fetch_trial) {
        paging->condition = (struct condition){.plan = paging->query->plan, .set = paging->members};
        done = page_by_trying(paging, paging->members->count * WALK_MEMBER);
        few = !done;
    }
    if (!few && !done && !walkable) {
        few = list_members(paging, UINT64_MAX);
    }
    if (!few && !done && !page_by_trying(paging, walk_foreseen(paging))) {
        (void)list_members(paging, costs->list_rows);
        paging->condition.set = paging->members;
        uint64_t most =
            paging->members == NULL ? UINT64_MAX : costs->fetch_most + paging->members->count * costs->walk_for_fetch;
        few = !page_by_trying(paging, most);
    }
    if (few) {
        paging->best.count = 0;
        page_by_fetching(paging);
    } else if (!page_is_full(paging)) {
        page_of_missing(paging);
    }
}

static void page_by_keys(struct paging *paging) {
    if (paging->after != NULL && !paging->after->keys[0].has) {
        page_of_missing(paging);
    } else {
        page_of_present(paging);
    }
    best_order(&paging->best);
}

static enum status page_fill(struct store_page *out, struct search_run *run, const struct best *best) {
    const struct store_query *query = best->query;
    size_t count = best->count < query->limit ? best->count : query->limit;
    struct connection *connection = run->view->connection;
    struct lending lending = {.left = LENDING_MOST};
    *out = (struct store_page){.at = ARENA_ARRAY(run->scope->arena, struct store_resource, count)};
    connection->lending = connection->writes ? NULL : &lending;
    for (size_t i = 0; i < count; i++) {
        struct scope own = {.arena = run->scope->arena};
        enum status status = view_resource(&out->at[out->count], run->view, best->at[i].rid, query->want, &own);
        if (status == STATUS_FAILED && connection->failed == STATUS_OK) {
            log_event(LOG_ERROR, "store.resource-damaged", "rid",
                text_format(run->scope->arena, "%llu", (unsigned long long)best->at[i].rid).at, NULL);
            continue; /* one bad row fails no page */
        }
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            fault_carry(run->scope, &own.fault);
            connection->lending = NULL;
            return status;
        }
        out->count += status == STATUS_OK;
    }
    connection->lending = NULL;
    if (best->count > query->limit && count > 0) {
        out->next = position_write(run->scope->arena, &best->at[count - 1], query->sort_count);
    }
    return STATUS_OK;
}

enum status select_page(
    struct store_page *out, struct store_view *view, const struct store_query *query, struct scope *scope) {
    invariant(query->sort_count <= STORE_SORTS_MAX);
    struct search_run run = search_run_open(view, query->rows_max, scope);
    run.type = query->type;
    struct position after = {0};
    *out = (struct store_page){0};
    if (query->after.at != NULL && !position_read(&after, query->after, query->sort_count)) {
        return fault(scope, STATUS_INVALID, "", "this is no place where a page of this search goes on");
    }
    if (query->limit == 0) {
        return STATUS_OK;
    }
    size_t most = query->limit < view->state.rid_next ? query->limit + 1 : (size_t)view->state.rid_next;
    struct paging paging = {.run = &run, .query = query, .after = query->after.at == NULL ? NULL : &after};
    paging.best = (struct best){.query = query, .arena = scope->arena, .most = most};
    if (query->sort_count == 0) {
        page_by_rid(&paging);
    } else {
        page_by_keys(&paging);
    }
    return run.status != STATUS_OK ? run.status : page_fill(out, &run, &paging.best);
}

enum status store_view_select(
    struct store_page *out, struct store_view *view, const struct store_query *query, struct scope *scope) {
    return select_page(out, view, query, scope);
}

enum status store_view_count(
    uint64_t *out, struct store_view *view, const struct store_plan *plan, size_t rows_max, struct scope *scope) {
    struct search_run run = search_run_open(view, rows_max, scope);
    *out = plan_count(&run, plan);
    return run.status;
}
