#include "store/plan.h"

#include <string.h>

/* ---- keys ------------------------------------------------------------------------------------------------------------ */

static bool inside(struct text key, struct text low, struct text high) {
    return (low.at == NULL || text_compare(key, low) >= 0) && (high.at == NULL || text_compare(key, high) < 0);
}

static bool filter_passes(const struct store_plan *plan, struct text key) {
    if (plan->filter.kind == STORE_FILTER_NONE) {
        return true;
    }
    size_t back = plan->filter.offset < 0 ? (size_t)-plan->filter.offset : 0;
    size_t offset = plan->filter.offset < 0 ? (back <= key.size ? key.size - back : SIZE_MAX) : (size_t)plan->filter.offset;
    if (offset > key.size) {
        return false;
    }
    struct text slice = {key.at + offset, key.size - offset};
    if (plan->filter.kind == STORE_FILTER_CONTAINS) {
        return plan->filter.low.size == 0 || memmem(slice.at, slice.size, plan->filter.low.at, plan->filter.low.size) != NULL;
    }
    if (plan->filter.length > 0) {
        if ((size_t)plan->filter.length > slice.size) {
            return false;
        }
        slice.size = (size_t)plan->filter.length;
    }
    return inside(slice, plan->filter.low, plan->filter.high);
}

bool plan_key_fits(const struct store_plan *plan, struct text key) {
    return inside(key, plan->low, plan->high) && filter_passes(plan, key);
}

bool plan_is_one_key(const struct store_plan *plan) {
    return plan->low.at != NULL && plan->high.at != NULL && plan->high.size == plan->low.size + 1 &&
           plan->high.at[plan->low.size] == '\0' && memcmp(plan->low.at, plan->high.at, plan->low.size) == 0;
}

/* ---- documents ------------------------------------------------------------------------------------------------------- */

enum status document_read(struct text *rows_out, struct resource_head *head_out, struct search_run *run, uint64_t rid) {
    struct store_view *view = run->view;
    uint64_t vid = 0;
    struct version_head version = {0};
    (void)search_run_touch(run, 1);
    enum status status = resource_head_read(head_out, view->connection, rid, run->scope);
    if (status == STATUS_OK) {
        status = view_current(&vid, view, head_out, run->scope);
    }
    if (status == STATUS_OK && vid != 0) {
        status = version_rows_read(&version, view->connection, vid, run->scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (version.vid == 0 || version.method == STORE_DELETED) {
        return STATUS_NOT_FOUND;
    }
    *rows_out = version.rows;
    head_out->vid = version.vid;
    head_out->version = version.version;
    head_out->seq = version.seq;
    head_out->time_us = version.time_us;
    head_out->method = version.method;
    return STATUS_OK;
}

/* ---- gathering ------------------------------------------------------------------------------------------------------- */

static struct rid_set *set_open(struct search_run *run) {
    return rid_set_open(run->scope->arena, run->view->state.rid_next);
}

static void gather_lane(struct rid_set *set, struct search_run *run, const struct store_plan *plan, uint32_t lane) {
    bool one = plan_is_one_key(plan);
    struct text low = plan->low.at == NULL ? TEXT("") : plan->low;
    struct walk *walk = walk_open(run, one ? WALK_KEY : WALK_RANGE, lane, low, plan->high);
    while (walk_next(walk)) {
        if (filter_passes(plan, walk->key)) {
            rid_set_add(set, walk->rid);
        }
    }
    walk_close(walk);
}

static void gather_type(struct rid_set *set, struct search_run *run, uint16_t type) {
    uint8_t key[2];
    type_key(key, type);
    struct text low = {(const char *)key, type == 0 ? 0 : sizeof key};
    struct walk *walk =
        walk_open(run, type == 0 ? WALK_RANGE : WALK_KEY, lane_of_keys(SPACE_TYPE), low, (struct text){0});
    while (walk_next(walk)) {
        rid_set_add(set, walk->rid);
    }
    walk_close(walk);
}

static bool exists(struct search_run *run, uint16_t type, uint64_t rid) {
    uint8_t bytes[2];
    type_key(bytes, type);
    struct text key = {(const char *)bytes, sizeof bytes};
    struct walk *walk = walk_open(run, WALK_KEY, lane_of_keys(SPACE_TYPE), key, (struct text){0});
    bool found = walk_seek(walk, key, rid) && walk->rid == rid;
    walk_close(walk);
    return found;
}

static uint64_t rid_of(struct search_run *run, uint16_t type, struct text id) {
    uint64_t rid = 0;
    search_run_fail(run, view_rid(&rid, run->view, type, id, run->scope));
    return rid < run->view->state.rid_next ? rid : 0;
}

static void gather_id(struct rid_set *set, struct search_run *run, const struct store_plan *plan) {
    uint64_t rid = rid_of(run, plan->type, plan->id);
    if (rid != 0 && exists(run, plan->type, rid)) {
        rid_set_add(set, rid);
    }
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

static void gather_sources_of(struct rid_set *set, struct search_run *run, uint32_t space, uint16_t type, uint64_t target) {
    uint8_t key[REFERENCE_KEY_MAX];
    struct text low = {(const char *)key, reference_key(key, type, target)};
    struct walk *walk = walk_open(run, WALK_KEY, lane_of_references(space), low, (struct text){0});
    while (walk_next(walk)) {
        rid_set_add(set, walk->rid);
    }
    walk_close(walk);
}

/* Every reference row of the space: `sources` false adds the targets whose sources are in `of`, true the other way round. */
enum reference_end { END_SOURCES, END_TARGETS };

static void gather_references(struct rid_set *set, struct search_run *run, uint32_t space, const struct rid_set *of, enum reference_end end) {
    struct walk *walk = walk_open(run, WALK_RANGE, lane_of_references(space), TEXT(""), (struct text){0});
    while (walk_next(walk)) {
        uint64_t target = reference_key_rid(walk->key);
        if (end == END_SOURCES && rid_set_has(of, target)) {
            rid_set_add(set, walk->rid);
        } else if (end == END_TARGETS && rid_set_has(of, walk->rid)) {
            rid_set_add(set, target);
        }
    }
    walk_close(walk);
}

static void gather_sources(struct rid_set *set, struct search_run *run, const struct store_plan *plan) {
    if (plan->child_count == 0) {
        uint64_t target = rid_of(run, plan->type, plan->id);
        if (target != 0) {
            gather_sources_of(set, run, plan->space, plan->type, target);
        }
        return;
    }
    const struct rid_set *targets = plan_gather(run, plan->children[0]);
    gather_references(set, run, plan->space, targets, END_SOURCES);
}

/* Targets that do not exist are no results. */
static void gather_targets(struct rid_set *set, struct search_run *run, const struct store_plan *plan) {
    gather_references(set, run, plan->space, plan_gather(run, plan->children[0]), END_TARGETS);
    struct rid_set *existing = set_open(run);
    gather_type(existing, run, 0);
    rid_set_keep_all(set, existing);
}

static void gather_referring(struct rid_set *set, struct search_run *run, const struct store_plan *plan) {
    uint8_t low[2], high[2];
    struct store_plan range = {.kind = STORE_PLAN_RANGE};
    if (plan->type != 0) {
        type_key(low, plan->type);
        type_key(high, (uint16_t)(plan->type + 1));
        range.low = (struct text){(const char *)low, sizeof low};
        range.high = plan->type == UINT16_MAX ? (struct text){0} : (struct text){(const char *)high, sizeof high};
    }
    gather_lane(set, run, &range, lane_of_references(plan->space));
}

struct rid_set *plan_gather(struct search_run *run, const struct store_plan *plan) {
    struct rid_set *set = set_open(run);
    if (run->status != STATUS_OK) {
        return set;
    }
    switch (plan->kind) {
    case STORE_PLAN_NONE:
        break;
    case STORE_PLAN_TYPE:
        gather_type(set, run, plan->type);
        break;
    case STORE_PLAN_ID:
        gather_id(set, run, plan);
        break;
    case STORE_PLAN_RANGE:
        gather_lane(set, run, plan, lane_of_keys(plan->space));
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
        gather_targets(set, run, plan);
        break;
    case STORE_PLAN_REFERRING:
        gather_referring(set, run, plan);
        break;
    }
    return set;
}
