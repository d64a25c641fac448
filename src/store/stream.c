#include "store/stream.h"

#include "store/text_index.h"

#include <string.h>

enum { TESTS_TO_JUDGE = 16 };

enum stream_kind { STREAM_SET, STREAM_KEY, STREAM_UNION, STREAM_ALL_OF, STREAM_TARGETS };

struct stream {
    struct search_run *run;
    enum stream_kind kind;
    uint64_t at; /* the last answer; valid once `started` */
    bool started;
    bool stands; /* targets: on a row that was not looked at yet */
    struct rid_set *set;
    struct walk *walk;
    struct stream **children; /* union: of any; all of: of each */
    size_t child_count;
    uint16_t type; /* targets: of this type; `walk` is over their reference rows, conditions[0] is for sources */
    struct condition *conditions;         /* all of: what holds for each result */
    size_t condition_count, negated_from; /* those from negated_from on must not hold */
};

static struct stream *try_open(struct search_run *run, const struct store_plan *plan, uint64_t *budget);
static struct stream *walk_targets(struct search_run *run, const struct store_plan *plan);
static struct rid_set *list_some(struct search_run *run, struct stream *stream, uint64_t most);
static bool only_key(struct text *out, struct search_run *run, uint32_t lane, const struct store_plan *plan);

static struct stream *stream_new(struct search_run *run, enum stream_kind kind) {
    struct stream *stream = ARENA_NEW(run->scope->arena, struct stream);
    stream->run = run;
    stream->kind = kind;
    return stream;
}

static struct rid_set *set_new(struct search_run *run) {
    return rid_set_open(run->scope->arena, run->view->state.rid_next);
}

static struct stream *stream_of_set(struct search_run *run, struct rid_set *set) {
    struct stream *stream = stream_new(run, STREAM_SET);
    stream->set = set;
    return stream;
}

static void child_add(struct stream *stream, struct stream *child) {
    size_t count = stream->child_count, size = sizeof(struct stream *);
    stream->children = arena_resize(stream->run->scope->arena, stream->children, count * size, (count + 1) * size);
    stream->children[stream->child_count++] = child;
}

static struct stream *stream_of_key(struct search_run *run, uint32_t lane, struct text key) {
    struct stream *stream = stream_new(run, STREAM_KEY);
    stream->walk = walk_open(run, WALK_KEY, lane, text_copy(run->scope->arena, key), (struct text){0});
    return stream;
}

void stream_close(struct stream *stream) {
    if (stream == NULL) {
        return;
    }
    if (stream->walk != NULL) {
        walk_close(stream->walk);
    }
    for (size_t i = 0; i < stream->child_count; i++) {
        stream_close(stream->children[i]);
    }
}

struct rid_set *stream_set(const struct stream *stream) {
    return stream->kind == STREAM_SET ? stream->set : NULL;
}

/* ---- seeking --------------------------------------------------------------------------------------------------------- */

static uint64_t seek_key(struct stream *stream, uint64_t rid) {
    return walk_seek(stream->walk, stream->walk->low, rid) ? stream->walk->rid : RID_NONE;
}

static uint64_t seek_union(struct stream *stream, uint64_t rid) {
    uint64_t least = RID_NONE;
    for (size_t i = 0; i < stream->child_count; i++) {
        uint64_t at = stream_seek(stream->children[i], rid);
        least = at < least ? at : least;
    }
    return least;
}

/* What holds less often is asked first, where a test of either costs about the same. */
static void condition_advance(struct stream *stream, size_t at) {
    struct condition *before = &stream->conditions[at - 1], *this = &stream->conditions[at];
    bool alike = before->set == NULL && this->set == NULL && before->tests_for_one == this->tests_for_one;
    if (alike && this->tested >= TESTS_TO_JUDGE && this->held * before->tested < before->held * this->tested) {
        struct condition swapped = *before;
        *before = *this;
        *this = swapped;
    }
}

static bool conditions_hold(struct stream *stream, uint64_t rid) {
    struct document document = document_of(rid);
    for (size_t i = 0; i < stream->condition_count; i++) {
        if (condition_holds(&stream->conditions[i], stream->run, &document) == (i >= stream->negated_from)) {
            if (i > 0 && i < stream->negated_from) {
                condition_advance(stream, i);
            }
            return false;
        }
    }
    return search_run_goes_on(stream->run);
}

/* Leapfrog: each child in turn is moved to the greatest answer of the others, until all agree. */
static uint64_t seek_all_of(struct stream *stream, uint64_t rid) {
    while (search_run_goes_on(stream->run)) {
        size_t agreed = 0;
        for (size_t i = 0; agreed < stream->child_count; i = (i + 1) % stream->child_count) {
            uint64_t at = stream_seek(stream->children[i], rid);
            if (at == RID_NONE) {
                return RID_NONE;
            }
            agreed = at == rid ? agreed + 1 : 1;
            rid = at;
        }
        if (conditions_hold(stream, rid)) {
            return rid;
        }
        rid++;
    }
    return RID_NONE;
}

/* Walks the rows of the target that the walk stands on up to a source that fits; false when there is none. */
static bool target_has_source(struct stream *stream, uint64_t target) {
    struct walk *walk = stream->walk;
    struct condition *condition = &stream->conditions[0];
    uint8_t bytes[REFERENCE_KEY_MAX];
    struct text key = {(const char *)bytes, reference_key(bytes, stream->type, target)};
    while (stream->stands && !stream->run->gave_up && reference_key_rid(walk->key) == target) {
        struct document source = document_of(walk->rid);
        if (condition_holds(condition, stream->run, &source)) {
            return true;
        }
        uint64_t next = condition->set == NULL ? walk->rid + 1 : rid_set_seek(condition->set, walk->rid + 1);
        stream->stands = walk_seek(walk, key, next);
    }
    return false;
}

static uint64_t seek_targets(struct stream *stream, uint64_t rid) {
    struct walk *walk = stream->walk;
    uint8_t bytes[REFERENCE_KEY_MAX], type[2];
    struct text key = {(const char *)bytes, reference_key(bytes, stream->type, rid)};
    type_key(type, stream->type);
    if (!stream->stands || reference_key_rid(walk->key) < rid) {
        stream->stands = walk_seek(walk, key, 0);
    }
    while (stream->stands && search_run_goes_on(stream->run)) {
        uint64_t target = reference_key_rid(walk->key);
        if (target_has_source(stream, target)) {
            key.size = reference_key(bytes, stream->type, target + 1);
            stream->stands = walk_seek(walk, key, 0);
            if (walk_has(
                    stream->run, lane_of_keys(SPACE_TYPE), (struct text){(const char *)type, sizeof type}, target)) {
                return target;
            }
        }
    }
    return RID_NONE;
}

uint64_t stream_seek(struct stream *stream, uint64_t rid) {
    if (stream->started && stream->at >= rid) {
        return stream->at;
    }
    stream->started = true;
    if (!search_run_goes_on(stream->run)) {
        return stream->at = RID_NONE;
    }
    switch (stream->kind) {
    case STREAM_SET:
        stream->at = rid_set_seek(stream->set, rid);
        break;
    case STREAM_KEY:
        stream->at = seek_key(stream, rid);
        break;
    case STREAM_UNION:
        stream->at = seek_union(stream, rid);
        break;
    case STREAM_ALL_OF:
        stream->at = seek_all_of(stream, rid);
        break;
    case STREAM_TARGETS:
        stream->at = seek_targets(stream, rid);
        break;
    }
    if (stream->at != RID_NONE && !search_run_knows(stream->run, stream->at)) {
        stream->at = RID_NONE;
    }
    return stream->at;
}

static bool is_one_lookup(const struct store_plan *plan) {
    return plan->kind == STORE_PLAN_RANGE && plan->space != STORE_SPACE_UPDATED &&
           plan->filter.kind == STORE_FILTER_NONE && plan_is_one_key(plan);
}

/* How many tests of a condition cost about as much as one that reads a resource's own rows. */
enum { LOOKUPS_FOR_ONE = 10, LEAPS_FOR_ONE = 4 };

static uint64_t tests_for_one(const struct condition *condition) {
    const struct condition *sources = condition->sources;
    if (sources != NULL) {
        return sources->is_key || sources->set != NULL ? LEAPS_FOR_ONE : 1;
    }
    return condition->is_key ? LOOKUPS_FOR_ONE : 1;
}

/* A range that turns out to hold one key is looked up by it, and the sources of TARGETS are listed when they are few: a test
 * of a document's rows costs many times as much. */
static void condition_prepare(struct condition *condition, struct search_run *run) {
    const struct store_plan *plan = condition->plan;
    struct text key;
    condition->prepared = true;
    if (plan->kind == STORE_PLAN_RANGE && plan->space != STORE_SPACE_UPDATED && plan->low.at != NULL &&
        plan->filter.kind == STORE_FILTER_NONE && !plan_is_one_key(plan) &&
        only_key(&key, run, lane_of_keys(plan->space), plan)) {
        struct store_plan *exact = ARENA_NEW(run->scope->arena, struct store_plan);
        char *bytes = arena_alloc(run->scope->arena, key.size + 1); /* with a zero byte behind: the key after it */
        memcpy(bytes, key.at, key.size);
        *exact = *plan;
        exact->low = (struct text){bytes, key.size};
        exact->high = (struct text){bytes, key.size + 1};
        condition->plan = exact;
    }
    if (plan->kind == STORE_PLAN_TARGETS) {
        uint64_t budget = run->costs->list_rows;
        condition->sources = ARENA_NEW(run->scope->arena, struct condition);
        condition->sources->plan = plan->children[0];
        condition_prepare(condition->sources, run);
        if (!condition->sources->is_key) {
            struct stream *sources = try_open(run, plan->children[0], &budget);
            condition->sources->set = sources == NULL ? NULL : list_some(run, sources, run->costs->list_rows);
        }
    }
    condition->is_key = is_one_lookup(condition->plan);
    condition->tests_for_one = tests_for_one(condition);
}

/* The least resource from `rid` on that may fit. */
static uint64_t condition_next(const struct condition *condition, struct search_run *run, uint64_t rid) {
    if (condition->set != NULL) {
        return rid_set_seek(condition->set, rid);
    }
    return condition->is_key ? walk_least(run, lane_of_keys(condition->plan->space), condition->plan->low, rid) : rid;
}

/* Whether some source of the resource fits: its sources and what fits are both in the order of rid, and leap over each other. */
static bool sources_hold(struct condition *condition, struct search_run *run, struct document *document) {
    struct condition *sources = condition->sources;
    if (!document_read(document, run)) {
        return false;
    }
    uint8_t bytes[REFERENCE_KEY_MAX];
    struct text key = {(const char *)bytes, reference_key(bytes, document->head.type, document->rid)};
    struct walk *walk = walk_open(
        run, WALK_KEY, lane_of_references(condition->plan->space), text_copy(run->scope->arena, key), (struct text){0});
    bool holds = false, more = walk_next(walk);
    while (more && !holds && search_run_goes_on(run)) {
        struct document source = document_of(walk->rid);
        holds = condition_holds(sources, run, &source);
        uint64_t next = holds ? RID_NONE : condition_next(sources, run, walk->rid + 1);
        more = !holds && next != RID_NONE && walk_seek(walk, walk->low, next);
    }
    walk_close(walk);
    return holds;
}

static bool condition_fits(struct condition *condition, struct search_run *run, struct document *document) {
    return condition->sources != NULL ? sources_hold(condition, run, document)
                                      : document_fits(document, run, condition->plan);
}

/* Listing may cost about what the tests so far have: where it was for nothing, little is lost. */
enum { ROWS_A_TEST = 8, LIST_AGAIN = 4, BACKWARD_FEW = 8, OTHERS_COST = 4 };

/* A test reads the rows of what the resource refers to. */
static bool reads_others(const struct condition *condition) {
    return condition->plan->kind == STORE_PLAN_SOURCES && condition->plan->child_count > 0;
}

bool condition_holds(struct condition *condition, struct search_run *run, struct document *document) {
    if (!condition->prepared && condition->set == NULL) {
        condition_prepare(condition, run);
    }
    bool is_text = condition->plan->kind == STORE_PLAN_TEXT; /* a test reads a body */
    uint64_t list_at = condition->list_at == 0 ? run->costs->tests_before_list : condition->list_at;
    condition->backward += document->rid < condition->last;
    condition->last = document->rid;
    /* Lookups of one key that go onward cost what listing it does, and leave out what lies between. */
    bool is_walked = condition->is_key && condition->backward * BACKWARD_FEW <= condition->tested;
    uint64_t most = run->costs->tests_before_set;
    if (is_text || (run->is_trial && reads_others(condition))) {
        most /= is_text ? TEXT_TEST_COST : OTHERS_COST;
    } else if (is_walked || !condition->is_key) {
        most *= condition->tests_for_one;
    }
    if (condition->set == NULL && condition->tested >= list_at && !is_walked) {
        condition->list_at = condition->tested * LIST_AGAIN + 1;
        condition->set = plan_list_keys(run, condition->plan, condition->tested * ROWS_A_TEST);
    }
    if (condition->set == NULL && condition->tested++ < most) {
        bool fits = condition_fits(condition, run, document);
        condition->held += fits;
        return fits;
    }
    if (condition->set == NULL && run->is_trial) {
        run->gave_up = true;
        return false;
    }
    if (condition->set == NULL) {
        condition->set = plan_gather(run, condition->plan);
    }
    return rid_set_has(condition->set, document->rid);
}

/* ---- opening: NULL when the budget does not reach --------------------------------------------------------------------- */

/* To the next key: what the filter refuses of a key's first row it refuses of all. `bytes` has room for a key and one more. */
static bool walk_past_key(struct walk *walk, char *bytes) {
    size_t size = walk->key.size;
    memcpy(bytes, walk->key.at, size);
    bytes[size] = '\0';
    return walk_seek(walk, (struct text){bytes, size + 1}, 0);
}

/* What a block of short keys holds. Where they are longer, something that could be listed is tested instead. */
enum { BLOCK_ROWS = 200, BLOCKS_TO_COUNT = 64 };

/* Whether so many blocks lie between the keys that listing what they hold would be for nothing. What is in memory is not counted. */
static bool is_hopeless(struct search_run *run, uint32_t lane, const struct store_plan *plan, uint64_t budget) {
    struct connection *connection = run->view->connection;
    int64_t blocks = (int64_t)(budget / BLOCK_ROWS + 2);
    if (plan->filter.kind != STORE_FILTER_NONE || blocks > BLOCKS_TO_COUNT) {
        return false; /* a filter skips; so many are not worth counting */
    }
    struct statement *count = statement_take(connection, plan->high.at == NULL ? SQL_FENCES_ABOVE : SQL_FENCES_BETWEEN);
    bind_int(count, 1, lane);
    bind_bytes(count, 2, plan->low.at == NULL ? TEXT("") : plan->low);
    bind_int(count, 3, blocks);
    if (plan->high.at != NULL) {
        bind_bytes(count, 4, plan->high);
    }
    int code = statement_step(count);
    bool hopeless = code == SQLITE_ROW && column_int(count, 0) >= blocks;
    if (code != SQLITE_ROW) {
        search_run_fail(run, connection_fault(connection, run->scope));
    }
    statement_give(connection, count);
    return hopeless;
}

/* Rows of a lane between two keys into a set; false when there are more than the budget allows. */
static bool list_lane(
    struct rid_set *set, struct search_run *run, uint32_t lane, const struct store_plan *plan, uint64_t *budget) {
    struct text low = plan->low.at == NULL ? TEXT("") : plan->low;
    if (is_hopeless(run, lane, plan, *budget)) {
        *budget = 0;
        return false;
    }
    struct walk *walk = walk_open(run, WALK_RANGE, lane, low, plan->high);
    uint64_t before = run->rows;
    char *bytes = arena_alloc(run->scope->arena, UINT8_MAX + 1);
    bool within = true, more = walk_next(walk);
    while (within && more) {
        bool passes = plan_filter_passes(plan, walk->key);
        if (passes) {
            rid_set_add(set, walk->rid);
        }
        more = passes ? walk_next(walk) : walk_past_key(walk, bytes);
        within = run->rows - before <= *budget;
    }
    *budget -= within ? run->rows - before : *budget;
    walk_close(walk);
    return within;
}

/* When the range holds one key only, that key. */
static bool only_key(struct text *out, struct search_run *run, uint32_t lane, const struct store_plan *plan) {
    char bytes[UINT8_MAX];
    struct text last;
    struct walk *walk = walk_open(run, WALK_RANGE, lane, plan->low, plan->high);
    bool any = walk_next(walk);
    *out = any ? text_copy(run->scope->arena, walk->key) : plan->low;
    walk_close(walk);
    return any && walk_key_before(&last, bytes, run, lane, plan->high.at == NULL ? NULL : &plan->high) &&
           text_equal(*out, last);
}

bool plan_single_key(uint32_t *lane_out, struct text *key_out, struct search_run *run, const struct store_plan *plan) {
    uint8_t *bytes = arena_alloc(run->scope->arena, REFERENCE_KEY_MAX);
    uint64_t rid = 0;
    if (plan->kind == STORE_PLAN_TYPE && plan->type != 0) {
        type_key(bytes, plan->type);
        *lane_out = lane_of_keys(SPACE_TYPE);
        *key_out = (struct text){(const char *)bytes, 2};
        return true;
    }
    if (plan->kind == STORE_PLAN_SOURCES && plan->child_count == 0) {
        search_run_fail(run, view_rid(&rid, run->view, plan->type, plan->id, run->scope));
        *lane_out = lane_of_references(plan->space);
        *key_out = (struct text){(const char *)bytes, reference_key(bytes, plan->type, rid)};
        return rid != 0;
    }
    if (plan->kind != STORE_PLAN_RANGE) {
        return false;
    }
    *lane_out = lane_of_keys(plan->space);
    *key_out = plan->low;
    return (plan_is_one_key(plan) || (plan->low.at != NULL && only_key(key_out, run, *lane_out, plan))) &&
           plan_filter_passes(plan, *key_out);
}

static struct stream *open_lane(
    struct search_run *run, uint32_t lane, const struct store_plan *plan, uint64_t *budget) {
    struct text key = plan->low;
    bool one = plan_is_one_key(plan);
    if (!one && plan->low.at != NULL) {
        one = only_key(&key, run, lane, plan);
    }
    if (one) {
        return plan_filter_passes(plan, key) ? stream_of_key(run, lane, key) : stream_of_set(run, set_new(run));
    }
    struct rid_set *set = set_new(run);
    return list_lane(set, run, lane, plan, budget) ? stream_of_set(run, set) : NULL;
}

static struct stream *open_type(struct search_run *run, uint16_t type) {
    uint8_t bytes[2];
    struct text key = {(const char *)bytes, sizeof bytes};
    uint32_t lane = lane_of_keys(SPACE_TYPE);
    type_key(bytes, type);
    if (type != 0) {
        return stream_of_key(run, lane, key);
    }
    struct stream *all = stream_new(run, STREAM_UNION);
    struct walk *walk = walk_open(run, WALK_RANGE, lane, TEXT(""), (struct text){0});
    for (bool more = walk_next(walk); more; more = walk_seek(walk, key, RID_NONE)) {
        bytes[0] = (uint8_t)walk->key.at[0];
        bytes[1] = (uint8_t)walk->key.at[1];
        child_add(all, stream_of_key(run, lane, key));
    }
    walk_close(walk);
    return all;
}

static bool id_is_known(const struct store_plan *plan, const struct rid_set *set) {
    return plan->kind == STORE_PLAN_ID && plan->rid != 0 && plan->rid < set->size;
}

static struct stream *open_id(struct search_run *run, const struct store_plan *plan) {
    struct rid_set *set = set_new(run);
    if (id_is_known(plan, set)) {
        rid_set_add(set, plan->rid);
        return stream_of_set(run, set);
    }
    uint8_t key[2];
    uint64_t rid = 0;
    type_key(key, plan->type);
    search_run_fail(run, view_rid(&rid, run->view, plan->type, plan->id, run->scope));
    if (rid != 0 && rid < set->size &&
        walk_has(run, lane_of_keys(SPACE_TYPE), (struct text){(const char *)key, sizeof key}, rid)) {
        rid_set_add(set, rid);
    }
    return stream_of_set(run, set);
}

/* Sets of children are joined into one, and short streams too, so that a union of very many parts costs a few: what a longer
 * stream has left goes on beside the set. */
static struct stream *open_union(struct search_run *run, const struct store_plan *plan, uint64_t *budget) {
    struct stream *all = stream_new(run, STREAM_UNION);
    struct rid_set *set = set_new(run);
    child_add(all, stream_of_set(run, set));
    for (size_t i = 0; i < plan->child_count; i++) {
        if (id_is_known(plan->children[i], set)) {
            rid_set_add(set, plan->children[i]->rid);
            continue;
        }
        struct stream *child = try_open(run, plan->children[i], budget);
        if (child == NULL) {
            stream_close(all);
            return NULL;
        }
        uint64_t rid = stream_seek(child, 0), most = child->kind == STREAM_SET ? UINT64_MAX : run->costs->union_rows;
        for (uint64_t rows = 0; rid != RID_NONE && rows < most; rows++) {
            rid_set_add(set, rid);
            rid = stream_seek(child, rid + 1);
        }
        if (rid == RID_NONE) {
            stream_close(child);
        } else {
            child_add(all, child);
        }
    }
    return all;
}

/* Intersection and difference: one part at least must be listed, the others may be conditions. */
static struct stream *open_all_of(struct search_run *run, const struct store_plan *plan, const uint64_t *budget) {
    struct stream *all = stream_new(run, STREAM_ALL_OF);
    size_t required = plan->kind == STORE_PLAN_SUBTRACT && plan->child_count > 0 ? 1 : plan->child_count;
    const struct store_plan *walkable = NULL;
    all->conditions = ARENA_ARRAY(run->scope->arena, struct condition, plan->child_count);
    for (size_t i = 0; i < required; i++) {
        uint64_t own = *budget; /* a wide part must not leave nothing for a narrow one */
        struct stream *child = try_open(run, plan->children[i], &own);
        if (child != NULL) {
            child_add(all, child);
        } else if (plan->children[i]->kind == STORE_PLAN_TARGETS && walkable == NULL) {
            walkable = plan->children[i];
        } else {
            all->conditions[all->condition_count++].plan = plan->children[i];
        }
    }
    if (walkable != NULL && all->child_count == 0) {
        child_add(all, walk_targets(run, walkable));
    } else if (walkable != NULL) {
        all->conditions[all->condition_count++].plan = walkable;
    }
    all->negated_from = all->condition_count;
    for (size_t i = required; i < plan->child_count; i++) {
        all->conditions[all->condition_count++].plan = plan->children[i];
    }
    if (plan->child_count == 0) {
        return stream_of_set(run, set_new(run));
    }
    return all->child_count > 0 ? all : NULL;
}

static bool list_sources(
    struct rid_set *set, struct search_run *run, uint32_t space, uint64_t target, uint64_t *budget) {
    struct resource_head head;
    enum status status = resource_head_read(&head, run->view->connection, target, run->scope);
    if (status != STATUS_OK) {
        search_run_fail(run, status == STATUS_NOT_FOUND ? STATUS_OK : status);
        return true;
    }
    uint8_t bytes[REFERENCE_KEY_MAX];
    struct text key = {(const char *)bytes, reference_key(bytes, head.type, target)};
    struct walk *walk = walk_open(run, WALK_KEY, lane_of_references(space), key, (struct text){0});
    uint64_t before = run->rows;
    bool within = true;
    while (within && walk_next(walk)) {
        rid_set_add(set, walk->rid);
        within = run->rows - before <= *budget;
    }
    *budget -= within ? run->rows - before : *budget;
    walk_close(walk);
    return within;
}

static struct stream *open_sources(struct search_run *run, const struct store_plan *plan, uint64_t *budget) {
    if (plan->child_count == 0) {
        uint64_t rid = 0;
        uint8_t key[REFERENCE_KEY_MAX];
        search_run_fail(run, view_rid(&rid, run->view, plan->type, plan->id, run->scope));
        if (rid == 0) {
            return stream_of_set(run, set_new(run));
        }
        return stream_of_key(run, lane_of_references(plan->space),
            (struct text){(const char *)key, reference_key(key, plan->type, rid)});
    }
    struct stream *targets = try_open(run, plan->children[0], budget);
    if (targets == NULL) {
        return NULL;
    }
    struct rid_set *set = set_new(run);
    bool within = true;
    for (uint64_t rid = stream_seek(targets, 0); within && rid != RID_NONE; rid = stream_seek(targets, rid + 1)) {
        within = list_sources(set, run, plan->space, rid, budget);
    }
    stream_close(targets);
    return within ? stream_of_set(run, set) : NULL;
}

static void add_targets_of(struct rid_set *set, struct search_run *run, uint32_t space, uint64_t source) {
    struct document document = document_of(source);
    if (!document_rows(&document, run)) {
        return;
    }
    struct lane_reader reader = lane_reader_open(document.rows);
    struct lane_row row;
    while (lane_reader_next(&row, &reader)) {
        if (row.lane != lane_of_references(space)) {
            continue;
        }
        uint8_t type[2];
        uint64_t target = reference_key_rid(row.key);
        type_key(type, reference_key_type(row.key));
        if (!rid_set_has(set, target) &&
            walk_has(run, lane_of_keys(SPACE_TYPE), (struct text){(const char *)type, sizeof type}, target) &&
            search_run_knows(run, target)) {
            rid_set_add(set, target);
        }
    }
}

/* All results of a stream, or NULL when there are more than `most`. Closes it. */
static struct rid_set *list_some(struct search_run *run, struct stream *stream, uint64_t most) {
    if (stream_set(stream) != NULL && search_run_goes_on(run)) {
        return stream->set->count < most ? stream->set : NULL;
    }
    struct rid_set *set = set_new(run);
    uint64_t rid = stream_seek(stream, 0);
    for (; rid != RID_NONE && set->count < most; rid = stream_seek(stream, rid + 1)) {
        rid_set_add(set, rid);
    }
    stream_close(stream);
    return rid == RID_NONE ? set : NULL;
}

/* By the sources' own rows; NULL when there are more of them than the budget reaches. */
static struct stream *list_targets(struct search_run *run, const struct store_plan *plan, uint64_t *budget) {
    struct stream *sources = try_open(run, plan->children[0], budget);
    if (sources == NULL) {
        return NULL;
    }
    const struct rid_set *few = list_some(run, sources, run->costs->list_documents);
    if (few == NULL) {
        return NULL;
    }
    struct rid_set *set = set_new(run);
    for (uint64_t rid = rid_set_seek(few, 0); rid != RID_NONE; rid = rid_set_seek(few, rid + 1)) {
        add_targets_of(set, run, plan->space, rid);
    }
    return stream_of_set(run, set);
}

static struct stream *targets_of_type(
    struct search_run *run, const struct store_plan *plan, uint16_t type, struct rid_set *sources) {
    struct stream *stream = stream_new(run, STREAM_TARGETS);
    uint8_t *low = arena_alloc(run->scope->arena, 2);
    type_key(low, type);
    struct text prefix = {(const char *)low, 2};
    stream->type = type;
    stream->walk = walk_open(
        run, WALK_RANGE, lane_of_references(plan->space), prefix, store_prefix_end(run->scope->arena, prefix));
    stream->conditions = ARENA_NEW(run->scope->arena, struct condition);
    stream->conditions[0] = (struct condition){.plan = plan->children[0], .set = sources};
    return stream;
}

/* Along the reference rows, target by target: a stream for each type of target. */
static struct stream *walk_targets(struct search_run *run, const struct store_plan *plan) {
    uint64_t budget = run->costs->list_rows;
    struct stream *sources = try_open(run, plan->children[0], &budget);
    struct rid_set *set = sources == NULL ? NULL : list_some(run, sources, run->costs->list_rows);
    struct stream *all = stream_new(run, STREAM_UNION);
    struct walk *walk = walk_open(run, WALK_RANGE, lane_of_references(plan->space), TEXT(""), (struct text){0});
    uint8_t bytes[2];
    for (bool more = walk_next(walk); more;
         more = walk_seek(walk, (struct text){(const char *)bytes, sizeof bytes}, 0)) {
        uint16_t type = reference_key_type(walk->key);
        child_add(all, targets_of_type(run, plan, type, set));
        if (type == UINT16_MAX) {
            break;
        }
        type_key(bytes, (uint16_t)(type + 1));
    }
    walk_close(walk);
    return all;
}

static void referring_range(struct store_plan *out, struct search_run *run, const struct store_plan *plan) {
    *out = (struct store_plan){.kind = STORE_PLAN_RANGE};
    if (plan->type != 0) {
        uint8_t *low = arena_alloc(run->scope->arena, 2);
        type_key(low, plan->type);
        out->low = (struct text){(const char *)low, 2};
        out->high = store_prefix_end(run->scope->arena, out->low);
    }
}

static struct stream *open_referring(struct search_run *run, const struct store_plan *plan, uint64_t *budget) {
    struct store_plan range;
    referring_range(&range, run, plan);
    struct rid_set *set = set_new(run);
    return list_lane(set, run, lane_of_references(plan->space), &range, budget) ? stream_of_set(run, set) : NULL;
}

static struct stream *open_text(struct search_run *run, const struct store_plan *plan, const uint64_t *budget) {
    struct rid_set *set = text_list(run, plan->text, *budget / TEXT_HIT_COST);
    return set == NULL ? NULL : stream_of_set(run, set);
}

static struct stream *try_open(struct search_run *run, const struct store_plan *plan, uint64_t *budget) {
    switch (plan->kind) {
    case STORE_PLAN_NONE:
        break;
    case STORE_PLAN_TYPE:
        return open_type(run, plan->type);
    case STORE_PLAN_ID:
        return open_id(run, plan);
    case STORE_PLAN_RANGE:
        return open_lane(run, lane_of_keys(plan->space), plan, budget);
    case STORE_PLAN_UNION:
        return open_union(run, plan, budget);
    case STORE_PLAN_INTERSECT:
    case STORE_PLAN_SUBTRACT:
        return open_all_of(run, plan, budget);
    case STORE_PLAN_SOURCES:
        return open_sources(run, plan, budget);
    case STORE_PLAN_TARGETS:
        return list_targets(run, plan, budget);
    case STORE_PLAN_REFERRING:
        return open_referring(run, plan, budget);
    case STORE_PLAN_TEXT:
        return open_text(run, plan, budget);
    }
    return stream_of_set(run, set_new(run));
}

enum { TRIAL_ALONE = 6 };

/* A trial lists more of a range that stands alone: beside it there would only be the type's resources, tested one by one. */
struct stream *stream_open(struct search_run *run, const struct store_plan *plan) {
    bool is_range = plan->kind == STORE_PLAN_RANGE && plan->filter.kind != STORE_FILTER_CONTAINS;
    uint64_t budget = run->costs->list_rows * (run->is_trial && is_range ? TRIAL_ALONE : 1);
    struct stream *stream = try_open(run, plan, &budget);
    if (stream == NULL && plan->kind == STORE_PLAN_TARGETS) {
        stream = walk_targets(run, plan);
    }
    if (stream != NULL) {
        return stream;
    }
    struct stream *all = stream_new(run, STREAM_ALL_OF);
    child_add(all, open_type(run, run->type));
    all->conditions = ARENA_NEW(run->scope->arena, struct condition);
    all->conditions[all->condition_count++].plan = plan;
    all->negated_from = 1;
    return all;
}

/* ---- keys alone ------------------------------------------------------------------------------------------------------- */

static bool is_of_keys(const struct store_plan *plan) {
    bool combined = plan->kind == STORE_PLAN_INTERSECT || plan->kind == STORE_PLAN_UNION;
    for (size_t i = 0; combined && i < plan->child_count; i++) {
        if (!is_of_keys(plan->children[i])) {
            return false;
        }
    }
    return (combined && plan->child_count > 0) || (plan->kind == STORE_PLAN_TYPE && plan->type != 0) ||
           (plan->kind == STORE_PLAN_SOURCES && plan->child_count == 0) ||
           (plan->kind == STORE_PLAN_RANGE && plan_is_one_key(plan) && plan->filter.kind == STORE_FILTER_NONE);
}

static bool is_of_types(const struct store_plan *plan) {
    bool only = plan->kind == STORE_PLAN_TYPE || plan->kind == STORE_PLAN_INTERSECT || plan->kind == STORE_PLAN_UNION;
    for (size_t i = 0; only && i < plan->child_count; i++) {
        only = is_of_types(plan->children[i]);
    }
    return only;
}

struct rid_set *plan_list_keys(struct search_run *run, const struct store_plan *plan, uint64_t most) {
    uint64_t bound = run->view->store->costs.list_rows / 3, before = run->rows, budget;
    most = budget = most < bound ? most : bound;
    if (is_of_types(plan)) {
        return NULL; /* of a type there are many, and a test costs least */
    }
    if (!is_of_keys(plan)) {
        return NULL;
    }
    struct stream *stream = try_open(run, plan, &budget);
    struct rid_set *set = set_new(run);
    uint64_t rid = stream == NULL ? 0 : stream_seek(stream, 0);
    for (; rid != RID_NONE && run->rows - before <= most && stream != NULL; rid = stream_seek(stream, rid + 1)) {
        rid_set_add(set, rid);
    }
    stream_close(stream);
    return rid == RID_NONE && search_run_goes_on(run) ? set : NULL;
}

/* ---- whole sets ------------------------------------------------------------------------------------------------------- */

static void gather_stream(struct rid_set *set, struct stream *stream) {
    for (uint64_t rid = stream_seek(stream, 0); rid != RID_NONE; rid = stream_seek(stream, rid + 1)) {
        rid_set_add(set, rid);
    }
    stream_close(stream);
}

static void gather_lane(struct rid_set *set, struct search_run *run, uint32_t lane, const struct store_plan *plan) {
    uint64_t budget = UINT64_MAX;
    (void)list_lane(set, run, lane, plan, &budget);
}

static void gather_combined(struct rid_set *set, struct search_run *run, const struct store_plan *plan) {
    for (size_t i = 0; i < plan->child_count && run->status == STATUS_OK; i++) {
        const struct rid_set *child = plan_gather(run, plan->children[i]);
        if (i == 0 || plan->kind == STORE_PLAN_UNION) {
            rid_set_add_all(set, child);
        } else if (plan->kind == STORE_PLAN_INTERSECT) {
            rid_set_keep_all(set, child);
        } else {
            rid_set_remove_all(set, child);
        }
        if (plan->kind != STORE_PLAN_UNION && set->count == 0) {
            return;
        }
    }
}

static void gather_sources(struct rid_set *set, struct search_run *run, const struct store_plan *plan) {
    const struct rid_set *targets = plan_gather(run, plan->children[0]);
    uint64_t budget = UINT64_MAX;
    if (targets->count <= run->costs->targets_one_by_one) {
        for (uint64_t rid = rid_set_seek(targets, 0); rid != RID_NONE && run->status == STATUS_OK;
             rid = rid_set_seek(targets, rid + 1)) {
            (void)list_sources(set, run, plan->space, rid, &budget);
        }
        return;
    }
    struct walk *walk = walk_open(run, WALK_RANGE, lane_of_references(plan->space), TEXT(""), (struct text){0});
    while (walk_next(walk)) {
        if (rid_set_has(targets, reference_key_rid(walk->key))) {
            rid_set_add(set, walk->rid);
        }
    }
    walk_close(walk);
}

struct rid_set *plan_gather(struct search_run *run, const struct store_plan *plan) {
    struct rid_set *set = set_new(run);
    uint64_t budget = run->costs->list_rows;
    struct stream *stream = run->status == STATUS_OK ? try_open(run, plan, &budget) : NULL;
    if (stream != NULL) {
        gather_stream(set, stream);
        return set;
    }
    struct store_plan range;
    switch (run->status == STATUS_OK ? plan->kind : STORE_PLAN_NONE) {
    case STORE_PLAN_RANGE:
        gather_lane(set, run, lane_of_keys(plan->space), plan);
        break;
    case STORE_PLAN_REFERRING:
        referring_range(&range, run, plan);
        gather_lane(set, run, lane_of_references(plan->space), &range);
        break;
    case STORE_PLAN_UNION:
    case STORE_PLAN_INTERSECT:
    case STORE_PLAN_SUBTRACT:
        gather_combined(set, run, plan);
        break;
    case STORE_PLAN_SOURCES:
        gather_sources(set, run, plan);
        break;
    case STORE_PLAN_TARGETS:
        gather_stream(set, walk_targets(run, plan));
        break;
    case STORE_PLAN_TEXT:
        return text_gather(run, plan->text);
    default: /* the others are always listed */
        break;
    }
    return set;
}
