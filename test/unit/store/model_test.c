/* A store and a naive model in memory take the same random units; every search, count, sort, page, old state and restart must
 * agree. SOYANG_STORE_MODEL_ROUNDS sets how many histories are played. */
#include "store/store_internal.h"
#include "unit/store/fixture.h"

enum {
    TYPES = 3,
    IDS = 24,
    THINGS = TYPES * IDS,
    KEY_SPACES = 3,
    REFERENCE_SPACES = 2,
    ROWS_MAX = 7,
    STATES_MAX = 400,
    DEPTH_MAX = 3
};

struct model_row {
    int space;  /* key spaces first */
    int target; /* thing, or -1 */
    char key[8];
};

struct thing_state {
    bool exists, ever;
    int64_t updated_us;
    int row_count;
    struct model_row rows[ROWS_MAX];
};

struct snapshot {
    uint64_t seq;
    struct thing_state things[THINGS];
};

struct model {
    struct fixture *fixture;
    uint64_t random;
    uint32_t spaces[KEY_SPACES + REFERENCE_SPACES];
    struct thing_state now[THINGS];
    struct snapshot *kept;
    int kept_count;
    uint64_t rids[THINGS];
};

static uint64_t roll(struct model *model, uint64_t below) {
    model->random = model->random * 6364136223846793005U + 1442695040888963407U;
    return (model->random >> 33) % below;
}

static uint16_t thing_type(int thing) {
    return (uint16_t)(1 + thing / IDS);
}

static struct text thing_id(struct arena *arena, int thing) {
    int id = thing % IDS;
    switch (id % 3) {
    case 0: /* in the order of ids, UUIDs and others alternate */
        return text_format(arena, "%x190c3a2-7b1e-7c3d-8e4f-%012x", id * 5 % 16, id);
    case 1:
        return text_format(arena, "%x190c3%c-7b1e.%d", id * 5 % 16, id % 2 == 0 ? 'Z' : 'a', id);
    default:
        return text_format(arena, "id.%d", id);
    }
}

static int thing_of(struct model *model, const struct store_resource *resource) {
    for (int thing = 0; thing < THINGS; thing++) {
        if (thing_type(thing) == resource->type && text_equal(thing_id(model->fixture->arena, thing), resource->id)) {
            return thing;
        }
    }
    fail_msg("an unknown resource came back");
    return -1;
}

static void random_key(struct model *model, char *key) {
    size_t size = 1 + roll(model, 3);
    for (size_t i = 0; i < size; i++) {
        key[i] = (char)('a' + roll(model, 3));
    }
    key[size] = '\0';
}

/* ---- units ------------------------------------------------------------------------------------------------------------ */

struct random_unit {
    struct model *model;
    struct thing_state after[THINGS];
    bool undo;
    uint64_t seq;
};

static enum status put_random(struct random_unit *run, struct store_unit *unit, int thing, struct scope *scope) {
    struct model *model = run->model;
    struct thing_state *state = &run->after[thing];
    struct store_row rows[ROWS_MAX];
    memset(state, 0, sizeof *state);
    state->exists = state->ever = true;
    state->updated_us = store_unit_time_us(unit);
    state->row_count = (int)roll(model, ROWS_MAX + 1);
    for (int i = 0; i < state->row_count; i++) {
        struct model_row *row = &state->rows[i];
        row->space = (int)roll(model, KEY_SPACES + REFERENCE_SPACES);
        row->target = row->space < KEY_SPACES ? -1 : (int)roll(model, THINGS);
        rows[i] = (struct store_row){.space = model->spaces[row->space]};
        if (row->target < 0) {
            random_key(model, row->key);
            rows[i].key = text_from(row->key);
        } else {
            rows[i].target_type = thing_type(row->target);
            rows[i].target_id = thing_id(scope->arena, row->target);
        }
    }
    struct store_put put = {.type = thing_type(thing),
        .id = thing_id(scope->arena, thing),
        .method = STORE_UPDATED,
        .rows = rows,
        .row_count = (size_t)state->row_count};
    enum status status = store_body_pack(&put.body, model->fixture->store, put.id, 1, scope);
    struct store_resource written;
    return status == STATUS_OK ? store_unit_put(&written, unit, &put, scope) : status;
}

static enum status apply_random(void *context, struct store_unit *unit, struct scope *scope) {
    struct random_unit *run = context;
    struct model *model = run->model;
    run->seq = store_unit_sequence(unit);
    int writes = 1 + (int)roll(model, 4);
    for (int i = 0; i < writes; i++) {
        int thing = (int)roll(model, THINGS);
        if (roll(model, 5) == 0) {
            enum status status = store_unit_delete(NULL, unit, thing_type(thing), thing_id(scope->arena, thing), scope);
            assert_int_equal(status, run->after[thing].ever ? STATUS_OK : STATUS_NOT_FOUND);
            run->after[thing].exists = false;
            run->after[thing].row_count = 0;
        } else {
            assert_int_equal(put_random(run, unit, thing, scope), STATUS_OK);
            if (roll(model, 4) == 0) { /* twice in one unit */
                assert_int_equal(put_random(run, unit, thing, scope), STATUS_OK);
            }
        }
    }
    return run->undo ? STATUS_PRECONDITION : STATUS_OK;
}

static void play_unit(struct model *model) {
    struct random_unit run = {.model = model, .undo = roll(model, 6) == 0};
    struct scope *scope = fixture_scope(model->fixture);
    memcpy(run.after, model->now, sizeof run.after);
    clock_advance(model->fixture->clock, (int64_t)roll(model, 2000000));
    enum status status = store_run(model->fixture->store, apply_random, &run, scope);
    assert_int_equal(status, run.undo ? STATUS_PRECONDITION : STATUS_OK);
    if (run.undo) {
        return;
    }
    memcpy(model->now, run.after, sizeof run.after);
    uint64_t seq = store_sequence(model->fixture->store);
    if (seq == run.seq && model->kept_count < STATES_MAX && roll(model, 8) == 0) {
        model->kept[model->kept_count].seq = seq;
        memcpy(model->kept[model->kept_count++].things, model->now, sizeof model->now);
    }
}

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

struct bits {
    bool at[THINGS];
};

static bool key_inside(const struct store_plan *plan, struct text key) {
    if ((plan->low.at != NULL && text_compare(key, plan->low) < 0) ||
        (plan->high.at != NULL && text_compare(key, plan->high) >= 0)) {
        return false;
    }
    if (plan->filter.kind == STORE_FILTER_CONTAINS) {
        int offset = plan->filter.offset;
        return (size_t)offset <= key.size &&
               memmem(key.at + offset, key.size - (size_t)offset, plan->filter.low.at, plan->filter.low.size) != NULL;
    }
    if (plan->filter.kind == STORE_FILTER_SLICE) {
        int offset = plan->filter.offset < 0 ? (int)key.size + plan->filter.offset : plan->filter.offset;
        if (offset < 0 || (size_t)offset + (size_t)plan->filter.length > key.size) {
            return false;
        }
        struct text slice = {key.at + offset, (size_t)plan->filter.length};
        return text_compare(slice, plan->filter.low) >= 0 && text_compare(slice, plan->filter.high) < 0;
    }
    return true;
}

static struct bits expect(struct model *model, const struct thing_state *things, const struct store_plan *plan);

static bool row_matches(struct model *model, const struct thing_state *things, const struct store_plan *plan,
    const struct model_row *row, const struct bits *child) {
    if (model->spaces[row->space] != plan->space) {
        return false;
    }
    switch (plan->kind) {
    case STORE_PLAN_RANGE:
        return row->target < 0 && key_inside(plan, text_from(row->key));
    case STORE_PLAN_SOURCES:
        if (row->target < 0) {
            return false;
        }
        return plan->child_count > 0 ? child->at[row->target]
                                     : thing_type(row->target) == plan->type &&
                                           text_equal(thing_id(model->fixture->arena, row->target), plan->id);
    case STORE_PLAN_REFERRING:
        return row->target >= 0 && (plan->type == 0 || thing_type(row->target) == plan->type);
    default:
        (void)things;
        return false;
    }
}

static struct bits expect_combined(
    struct model *model, const struct thing_state *things, const struct store_plan *plan) {
    struct bits all = {0};
    for (size_t i = 0; i < plan->child_count; i++) {
        struct bits child = expect(model, things, plan->children[i]);
        for (int thing = 0; thing < THINGS; thing++) {
            bool has = child.at[thing];
            all.at[thing] = i == 0                               ? has
                            : plan->kind == STORE_PLAN_UNION     ? all.at[thing] || has
                            : plan->kind == STORE_PLAN_INTERSECT ? all.at[thing] && has
                                                                 : all.at[thing] && !has;
        }
    }
    return all;
}

static struct bits expect(struct model *model, const struct thing_state *things, const struct store_plan *plan) {
    struct bits all = {0}, child = {0};
    if (plan->kind == STORE_PLAN_UNION || plan->kind == STORE_PLAN_INTERSECT || plan->kind == STORE_PLAN_SUBTRACT) {
        return expect_combined(model, things, plan);
    }
    if (plan->child_count > 0) {
        child = expect(model, things, plan->children[0]);
    }
    for (int thing = 0; thing < THINGS; thing++) {
        const struct thing_state *state = &things[thing];
        if (!state->exists) {
            continue;
        }
        if (plan->kind == STORE_PLAN_TYPE) {
            all.at[thing] = plan->type == 0 || plan->type == thing_type(thing);
        } else if (plan->kind == STORE_PLAN_ID) {
            all.at[thing] =
                plan->type == thing_type(thing) && text_equal(thing_id(model->fixture->arena, thing), plan->id);
        }
        for (int i = 0; i < state->row_count; i++) {
            const struct model_row *row = &state->rows[i];
            if (plan->kind == STORE_PLAN_TARGETS) {
                bool refers = row->target >= 0 && model->spaces[row->space] == plan->space && child.at[thing];
                if (refers && things[row->target].exists) {
                    all.at[row->target] = true;
                }
            } else if (row_matches(model, things, plan, row, &child)) {
                all.at[thing] = true;
            }
        }
    }
    return all;
}

static void random_range(struct model *model, struct store_plan *plan) {
    struct arena *arena = model->fixture->arena;
    char low[8], high[8];
    random_key(model, low);
    random_key(model, high);
    switch (roll(model, 5)) {
    case 0:
        break;
    case 1: /* one key */
        plan->low = text_copy(arena, text_from(low));
        plan->high = text_copy(arena, (struct text){low, strlen(low) + 1});
        break;
    case 2: /* a prefix */
        plan->low = text_copy(arena, text_from(low));
        plan->high = store_prefix_end(arena, plan->low);
        break;
    case 3:
        plan->low = text_copy(arena, text_from(low));
        plan->high = text_copy(arena, text_from(high));
        break;
    default:
        plan->filter.kind = roll(model, 2) == 0 ? STORE_FILTER_CONTAINS : STORE_FILTER_SLICE;
        plan->filter.offset =
            plan->filter.kind == STORE_FILTER_CONTAINS ? (int)roll(model, 2) : (int)roll(model, 4) - 2;
        plan->filter.length = 1;
        plan->filter.low = TEXT("b");
        plan->filter.high = TEXT("c");
        break;
    }
}

static const struct store_plan *random_plan(struct model *model, int depth) {
    struct arena *arena = model->fixture->arena;
    struct store_plan *plan = ARENA_NEW(arena, struct store_plan);
    static const enum store_plan_kind leaves[] = {STORE_PLAN_TYPE, STORE_PLAN_ID, STORE_PLAN_RANGE, STORE_PLAN_RANGE,
        STORE_PLAN_RANGE, STORE_PLAN_RANGE, STORE_PLAN_SOURCES, STORE_PLAN_REFERRING, STORE_PLAN_NONE};
    static const enum store_plan_kind branches[] = {STORE_PLAN_UNION, STORE_PLAN_INTERSECT, STORE_PLAN_INTERSECT,
        STORE_PLAN_SUBTRACT, STORE_PLAN_SOURCES, STORE_PLAN_TARGETS};
    bool leaf = depth >= DEPTH_MAX || roll(model, 3) == 0;
    plan->kind = leaf ? leaves[roll(model, sizeof leaves / sizeof *leaves)]
                      : branches[roll(model, sizeof branches / sizeof *branches)];
    plan->space = model->spaces[roll(model, KEY_SPACES)];
    plan->type = (uint16_t)roll(model, TYPES + 1);
    if (plan->kind == STORE_PLAN_RANGE) {
        random_range(model, plan);
    } else if (plan->kind == STORE_PLAN_SOURCES || plan->kind == STORE_PLAN_TARGETS ||
               plan->kind == STORE_PLAN_REFERRING) {
        plan->space = model->spaces[KEY_SPACES + roll(model, REFERENCE_SPACES)];
    }
    if (leaf && (plan->kind == STORE_PLAN_ID || plan->kind == STORE_PLAN_SOURCES)) {
        int thing = (int)roll(model, THINGS);
        plan->type = thing_type(thing);
        plan->id = thing_id(arena, thing);
    }
    if (!leaf) {
        bool single = plan->kind == STORE_PLAN_SOURCES || plan->kind == STORE_PLAN_TARGETS;
        plan->child_count = single ? 1 : 1 + roll(model, 3);
        const struct store_plan **children = ARENA_ARRAY(arena, const struct store_plan *, plan->child_count);
        for (size_t i = 0; i < plan->child_count; i++) {
            children[i] = random_plan(model, depth + 1);
        }
        plan->children = children;
    }
    return plan;
}

/* ---- order ------------------------------------------------------------------------------------------------------------ */

struct ordered {
    int thing;
    uint64_t rid;
    const struct thing_state *state;
};

static struct model *order_model;
static const struct store_query *order_query;

enum { SORT_KEY_SIZE = 160 };

/* Type and id of what the row refers to. */
static void target_name(char out[static SORT_KEY_SIZE], const struct model_row *row) {
    struct text id = thing_id(order_model->fixture->arena, row->target);
    snprintf(out, SORT_KEY_SIZE, "%05d %.*s", thing_type(row->target), (int)id.size, id.at);
}

static bool sort_key(char out[static SORT_KEY_SIZE], const struct ordered *item, const struct store_sort *sort) {
    if (sort->by == STORE_SORT_ID) {
        struct text id = thing_id(order_model->fixture->arena, item->thing);
        snprintf(out, SORT_KEY_SIZE, "%.*s", (int)id.size, id.at);
        return true;
    }
    if (sort->space == STORE_SPACE_UPDATED) {
        snprintf(out, SORT_KEY_SIZE, "%020lld", (long long)item->state->updated_us);
        return true;
    }
    bool any = false;
    for (int i = 0; i < item->state->row_count; i++) {
        const struct model_row *row = &item->state->rows[i];
        bool is_target = row->target >= 0;
        if (is_target != (sort->by == STORE_SORT_TARGETS) || order_model->spaces[row->space] != sort->space) {
            continue;
        }
        char key[SORT_KEY_SIZE];
        snprintf(key, sizeof key, "%s", is_target ? "" : row->key);
        if (is_target) {
            target_name(key, row);
        }
        int order = any ? strcmp(key, out) : 0;
        if (!any || (sort->descending ? order > 0 : order < 0)) {
            memcpy(out, key, sizeof key);
            any = true;
        }
    }
    return any;
}

static int compare_ordered(const void *a, const void *b) {
    const struct ordered *left = a, *right = b;
    for (size_t i = 0; i < order_query->sort_count; i++) {
        char left_key[SORT_KEY_SIZE], right_key[SORT_KEY_SIZE];
        bool has_left = sort_key(left_key, left, &order_query->sorts[i]),
             has_right = sort_key(right_key, right, &order_query->sorts[i]);
        if (has_left != has_right) {
            return has_left ? -1 : 1;
        }
        int order = has_left ? strcmp(left_key, right_key) : 0;
        if (order != 0) {
            return order_query->sorts[i].descending ? -order : order;
        }
    }
    return (left->rid > right->rid) - (left->rid < right->rid);
}

static int expected_order(struct ordered *out, struct model *model, const struct thing_state *things,
    const struct bits *bits, const struct store_query *query, struct store_view *view) {
    int count = 0;
    for (int thing = 0; thing < THINGS; thing++) {
        if (!bits->at[thing]) {
            continue;
        }
        struct store_resource found;
        assert_int_equal(store_view_get(&found, view, thing_type(thing), thing_id(model->fixture->arena, thing),
                             STORE_WANT_BODY, &model->fixture->scope),
            STATUS_OK);
        assert_true(found.method != STORE_DELETED);
        assert_true(text_equal(found.body, found.id));
        assert_true(model->rids[thing] == 0 || model->rids[thing] == found.rid);
        model->rids[thing] = found.rid;
        out[count++] = (struct ordered){.thing = thing, .rid = found.rid, .state = &things[thing]};
    }
    order_model = model;
    order_query = query;
    qsort(out, (size_t)count, sizeof *out, compare_ordered);
    return count;
}

static void random_query(struct model *model, struct store_query *query) {
    query->plan = random_plan(model, 0);
    query->sort_count = roll(model, 4);
    for (size_t i = 0; i < query->sort_count; i++) {
        query->sorts[i] = (struct store_sort){.descending = roll(model, 2) == 0,
            .space = roll(model, 5) == 0 ? STORE_SPACE_UPDATED : model->spaces[roll(model, KEY_SPACES)]};
        if (roll(model, 5) == 0) {
            query->sorts[i].by = STORE_SORT_ID;
        } else if (roll(model, 5) == 0) {
            query->sorts[i].by = STORE_SORT_TARGETS;
            query->sorts[i].space = model->spaces[KEY_SPACES + roll(model, REFERENCE_SPACES)];
        }
    }
    if (roll(model, 3) == 0) { /* results of one type, said so: ids are walked */
        const struct store_plan **children = arena_alloc(model->fixture->arena, 2 * sizeof *children);
        struct store_plan *type = ARENA_NEW(model->fixture->arena, struct store_plan),
                          *both = ARENA_NEW(model->fixture->arena, struct store_plan);
        *type = (struct store_plan){.kind = STORE_PLAN_TYPE, .type = thing_type((int)roll(model, THINGS))};
        children[0] = query->plan;
        children[1] = type;
        *both = (struct store_plan){.kind = STORE_PLAN_INTERSECT, .children = children, .child_count = 2};
        query->plan = both;
        for (size_t i = 0; i < query->sort_count; i++) {
            query->sorts[i].type = type->type;
        }
    }
    query->limit = 1 + roll(model, 12);
}

/* With thresholds at random, every way of evaluating a plan is taken. */
static void random_costs(struct model *model) {
    model->fixture->store->costs = (struct search_costs){.trial_rows = roll(model, 20),
        .trial_tests = roll(model, 20),
        .fetch_trial = roll(model, 6),
        .list_rows = roll(model, 30),
        .union_rows = roll(model, 4),
        .list_documents = roll(model, 6),
        .tests_before_set = roll(model, 10),
        .targets_one_by_one = roll(model, 6),
        .fetch_most = roll(model, 20),
        .walk_trial = roll(model, 30),
        .walk_for_fetch = roll(model, 4),
        .tests_before_list = roll(model, 20),
        .steps_before_seek = roll(model, 3)};
}

static void search_at(struct model *model, uint64_t seq, const struct thing_state *things) {
    struct scope *scope = fixture_scope(model->fixture);
    struct store_view *view = NULL;
    struct store_query query = {0};
    struct ordered expected[THINGS];
    uint64_t count = 0;
    assert_int_equal(store_view_open(&view, model->fixture->store, seq, scope), STATUS_OK);
    random_costs(model);
    random_query(model, &query);
    struct bits bits = expect(model, things, query.plan);
    int expected_count = expected_order(expected, model, things, &bits, &query, view);
    assert_int_equal(store_view_count(&count, view, query.plan, 0, scope), STATUS_OK);
    assert_int_equal(count, expected_count);
    uint64_t at = store_view_sequence(view);
    int seen = 0;
    for (;;) {
        struct store_page page;
        assert_int_equal(store_view_select(&page, view, &query, scope), STATUS_OK);
        for (size_t i = 0; i < page.count; i++) {
            assert_true(seen < expected_count);
            assert_int_equal(thing_of(model, &page.at[i]), expected[seen].thing);
            seen++;
        }
        if (page.next.at == NULL) {
            break;
        }
        assert_true(page.count > 0);
        query.after = page.next;
        if (roll(model, 3) == 0) { /* the next page from another view of the same state */
            store_view_close(view);
            assert_int_equal(store_view_open(&view, model->fixture->store, at, scope), STATUS_OK);
        }
    }
    assert_int_equal(seen, expected_count);
    store_view_close(view);
}

/* ---- rounds ----------------------------------------------------------------------------------------------------------- */

static void play(uint64_t seed, size_t memory_rows_max, int units) {
    struct model *model = calloc(1, sizeof *model);
    model->kept = calloc(STATES_MAX, sizeof *model->kept);
    model->random = seed;
    model->fixture = fixture_open(memory_rows_max);
    for (int i = 0; i < KEY_SPACES + REFERENCE_SPACES; i++) {
        char name[32];
        snprintf(name, sizeof name, "space %d", i);
        model->spaces[i] = fixture_space(model->fixture, name);
    }
    for (int i = 0; i < units; i++) {
        play_unit(model);
        search_at(model, 0, model->now);
        if (model->kept_count > 0) {
            const struct snapshot *kept = &model->kept[roll(model, (uint64_t)model->kept_count)];
            search_at(model, kept->seq, kept->things);
        }
        if (roll(model, 40) == 0) {
            usleep(30000); /* the writer merges while nobody writes */
        }
        if (roll(model, 60) == 0) {
            fixture_reopen(model->fixture);
        }
    }
    fixture_check(model->fixture);
    fixture_close(model->fixture);
    free(model->kept);
    free(model);
}

static int rounds(int normally) {
    const char *asked = getenv("SOYANG_STORE_MODEL_ROUNDS");
    return asked == NULL ? normally : (int)strtol(asked, NULL, 10);
}

static void agrees_with_small_memory(void **state) {
    (void)state;
    for (int i = 0; i < rounds(4); i++) {
        play(1 + (uint64_t)i, 64, 250);
    }
}

static void agrees_with_large_memory(void **state) {
    (void)state;
    for (int i = 0; i < rounds(2); i++) {
        play(1000 + (uint64_t)i, 0, 250);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_small_memory),
        cmocka_unit_test(agrees_with_large_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
