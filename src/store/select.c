/* select: pages of results, in any order. */
#include "store/plan.h"

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
        out->keys[i] = (struct sort_key){.has = bytes.at[at] != 0, .key = {bytes.at + at + 2, (uint8_t)bytes.at[at + 1]}};
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

/* A heap with the last in order on top, so that a better one replaces it. */
struct best {
    const struct store_query *query;
    struct position *at;
    size_t count, most;
};

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
        size_t at = best->count++;
        best->at[at] = *position;
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

static void sort_key_offer(struct sort_key *key, struct text found, bool descending) {
    int order = key->has ? text_compare(found, key->key) : 0;
    if (!key->has || (descending ? order > 0 : order < 0)) {
        *key = (struct sort_key){.has = true, .key = found};
    }
}

static bool position_of(struct position *out, struct search_run *run, const struct store_query *query, uint64_t rid) {
    struct resource_head head;
    struct text rows = {0};
    enum status status = document_read(&rows, &head, run, rid);
    if (status != STATUS_OK) {
        search_run_fail(run, status == STATUS_NOT_FOUND ? STATUS_OK : status);
        return false;
    }
    *out = (struct position){.rid = rid};
    struct lane_reader reader = lane_reader_open(rows);
    struct lane_row row;
    while (lane_reader_next(&row, &reader)) {
        for (size_t i = 0; i < query->sort_count; i++) {
            if (row.lane == lane_of_keys(query->sorts[i].space)) {
                sort_key_offer(&out->keys[i], row.key, query->sorts[i].descending);
            }
        }
    }
    for (size_t i = 0; i < query->sort_count; i++) {
        if (query->sorts[i].space == STORE_SPACE_UPDATED) {
            uint8_t *key = arena_alloc(run->scope->arena, 8);
            time_key(key, head.time_us);
            out->keys[i] = (struct sort_key){.has = true, .key = {(const char *)key, 8}};
        }
    }
    return run->status == STATUS_OK;
}

/* ---- pages ---------------------------------------------------------------------------------------------------------------- */

static void page_by_rid(struct best *best, const struct rid_set *set, uint64_t after) {
    for (uint64_t rid = rid_set_seek(set, after + 1); rid != UINT64_MAX && best->count < best->most; rid = rid_set_seek(set, rid + 1)) {
        best->at[best->count++] = (struct position){.rid = rid};
    }
}

static void page_by_keys(struct best *best, struct search_run *run, const struct rid_set *set, const struct position *after) {
    for (uint64_t rid = rid_set_seek(set, 0); rid != UINT64_MAX && run->status == STATUS_OK; rid = rid_set_seek(set, rid + 1)) {
        struct position position;
        if (position_of(&position, run, best->query, rid) &&
            (after == NULL || position_compare(&position, after, best->query) > 0)) {
            best_offer(best, &position);
        }
    }
    best_order(best);
}

static enum status page_fill(struct store_page *out, struct search_run *run, const struct best *best) {
    const struct store_query *query = best->query;
    size_t count = best->count < query->limit ? best->count : query->limit;
    *out = (struct store_page){.at = ARENA_ARRAY(run->scope->arena, struct store_resource, count)};
    for (size_t i = 0; i < count; i++) {
        enum status status = view_resource(&out->at[out->count], run->view, best->at[i].rid, query->want, run->scope);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
        out->count += status == STATUS_OK;
    }
    if (best->count > query->limit && count > 0) {
        out->next = position_write(run->scope->arena, &best->at[count - 1], query->sort_count);
    }
    return STATUS_OK;
}

enum status select_page(struct store_page *out, struct store_view *view, const struct store_query *query, struct scope *scope) {
    invariant(query->sort_count <= STORE_SORTS_MAX);
    struct search_run run = {.view = view, .scope = scope, .rows_max = query->rows_max == 0 ? ROWS_MAX_DEFAULT : query->rows_max};
    struct position after = {0};
    *out = (struct store_page){0};
    if (query->after.at != NULL && !position_read(&after, query->after, query->sort_count)) {
        return fault(scope, STATUS_INVALID, "", "this is no place where a page of this search goes on");
    }
    struct best best = {.query = query, .most = query->limit + 1};
    const struct rid_set *set = plan_gather(&run, query->plan);
    if (run.status != STATUS_OK) {
        return run.status;
    }
    best.most = best.most < set->count ? best.most : (size_t)set->count;
    best.at = ARENA_ARRAY(scope->arena, struct position, best.most);
    if (query->sort_count == 0) {
        page_by_rid(&best, set, after.rid);
    } else {
        page_by_keys(&best, &run, set, query->after.at == NULL ? NULL : &after);
    }
    return run.status != STATUS_OK ? run.status : page_fill(out, &run, &best);
}

enum status store_view_select(
    struct store_page *out, struct store_view *view, const struct store_query *query, struct scope *scope) {
    return select_page(out, view, query, scope);
}

enum status store_view_count(
    uint64_t *out, struct store_view *view, const struct store_plan *plan, size_t rows_max, struct scope *scope) {
    struct search_run run = {.view = view, .scope = scope, .rows_max = rows_max == 0 ? ROWS_MAX_DEFAULT : rows_max};
    const struct rid_set *set = plan_gather(&run, plan);
    *out = set->count;
    return run.status;
}
