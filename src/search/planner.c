#include "search/planner.h"

#include <string.h>

enum status planner_check(struct planner *planner) {
    if (planner->nodes > PLAN_NODES_MAX) {
        return fault(planner->scope, STATUS_TOO_COSTLY, "", "the search has more than %d parts", PLAN_NODES_MAX);
    }
    return scope_check_deadline(planner->scope);
}

enum status planner_reads(struct planner *planner, const struct slot *slot) {
    enum status status = slot_check_complete(slot, planner->scope);
    uint64_t complete_at_seq = atomic_load_explicit(&slot->complete_at_seq, memory_order_relaxed);
    planner->met_pending = planner->met_pending || status != STATUS_OK;
    planner->reads_uploads = planner->reads_uploads || slot->is_uploaded;
    planner->complete_at_seq = complete_at_seq > planner->complete_at_seq ? complete_at_seq : planner->complete_at_seq;
    return status;
}

static struct store_plan *node_make(struct planner *planner, enum store_plan_kind kind) {
    planner->nodes++;
    struct store_plan *node = ARENA_NEW(planner->scope->arena, struct store_plan);
    node->kind = kind;
    return node;
}

void plan_list_add(struct planner *planner, struct plan_list *list, plan_node node) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        list->at = arena_resize(
            planner->scope->arena, list->at, list->capacity * sizeof *list->at, capacity * sizeof *list->at);
        list->capacity = capacity;
    }
    list->at[list->count++] = node;
}

plan_node plan_none(struct planner *planner) {
    return node_make(planner, STORE_PLAN_NONE);
}

plan_node plan_type(struct planner *planner, fhir_type type) {
    struct store_plan *node = node_make(planner, STORE_PLAN_TYPE);
    node->type = type == FHIR_TYPE_NONE ? 0 : fhir_resource_number(type);
    return node;
}

plan_node plan_id(struct planner *planner, fhir_type type, struct text id) {
    struct store_plan *node = node_make(planner, STORE_PLAN_ID);
    node->type = fhir_resource_number(type);
    node->id = id;
    return node;
}

plan_node plan_found(struct planner *planner, const struct store_resource *resource) {
    struct store_plan *node = node_make(planner, STORE_PLAN_ID);
    node->type = resource->type;
    node->id = resource->id;
    node->rid = resource->rid;
    return node;
}

static plan_node node_of_list(struct planner *planner, enum store_plan_kind kind, const struct plan_list *list) {
    if (list->count == 1) {
        return list->at[0];
    }
    struct store_plan *node = node_make(planner, kind);
    node->children = list->at;
    node->child_count = list->count;
    return node;
}

plan_node plan_union(struct planner *planner, const struct plan_list *list) {
    return list->count == 0 ? plan_none(planner) : node_of_list(planner, STORE_PLAN_UNION, list);
}

plan_node plan_intersect(struct planner *planner, const struct plan_list *list) {
    invariant(list->count > 0);
    return node_of_list(planner, STORE_PLAN_INTERSECT, list);
}

plan_node plan_without(struct planner *planner, plan_node all, plan_node excluded) {
    struct plan_list list = {0};
    plan_list_add(planner, &list, all);
    plan_list_add(planner, &list, excluded);
    return node_of_list(planner, STORE_PLAN_SUBTRACT, &list);
}

static enum status slot_node(
    struct store_plan **out, struct planner *planner, enum store_plan_kind kind, struct slot *slot, enum facet facet) {
    *out = node_make(planner, kind);
    enum status status = planner_reads(planner, slot);
    return status == STATUS_OK ? slot_space(&(*out)->space, planner->search, slot, facet, planner->scope) : status;
}

enum status plan_range(plan_node *out, struct planner *planner, struct slot *slot, enum facet facet, struct text low,
    struct text high, const struct plan_filter *filter) {
    struct store_plan *node;
    enum status status = slot_node(&node, planner, STORE_PLAN_RANGE, slot, facet);
    node->low = low;
    node->high = high;
    if (filter != NULL) {
        node->filter.kind = filter->kind;
        node->filter.offset = filter->offset;
        node->filter.length = filter->length;
        node->filter.low = filter->low;
        node->filter.high = filter->high;
    }
    *out = node;
    return status;
}

enum status plan_prefix(plan_node *out, struct planner *planner, struct slot *slot, enum facet facet,
    struct text prefix, const struct plan_filter *filter) {
    return plan_range(out, planner, slot, facet, prefix, store_prefix_end(planner->scope->arena, prefix), filter);
}

enum status plan_key(
    plan_node *out, struct planner *planner, struct slot *slot, enum facet facet, const struct key *key) {
    struct text low = key_text(key);
    char *next = arena_alloc(planner->scope->arena, low.size + 1); /* with a zero byte behind: the key after it */
    memcpy(next, low.at, low.size);
    return plan_range(
        out, planner, slot, facet, (struct text){next, low.size}, (struct text){next, low.size + 1}, NULL);
}

plan_node plan_words(struct planner *planner, const struct store_text *text) {
    struct store_plan *node = node_make(planner, STORE_PLAN_TEXT);
    node->text = text;
    return node;
}

static struct text image_text(struct planner *planner, uint64_t bits) {
    struct key key = {0};
    key_put_bits(&key, bits);
    return key_copy(planner->scope->arena, &key);
}

plan_node plan_updated(struct planner *planner, uint64_t low, uint64_t high) {
    struct store_plan *node = node_make(planner, STORE_PLAN_RANGE);
    node->space = STORE_SPACE_UPDATED;
    if (low > 0) {
        node->low = image_text(planner, low);
    }
    if (high < UINT64_MAX) {
        node->high = image_text(planner, high);
    }
    return node;
}

struct plan_filter plan_filter_equal(struct planner *planner, int offset, struct text bytes) {
    struct text own = text_copy(planner->scope->arena, bytes);
    return (struct plan_filter){.kind = STORE_FILTER_SLICE,
        .offset = offset,
        .length = (int)own.size,
        .low = own,
        .high = store_prefix_end(planner->scope->arena, own)};
}

enum status plan_sources(plan_node *out, struct planner *planner, struct slot *slot, plan_node of) {
    struct store_plan *node;
    enum status status = slot_node(&node, planner, STORE_PLAN_SOURCES, slot, FACET_MAIN);
    struct plan_list children = {0};
    plan_list_add(planner, &children, of);
    node->children = children.at;
    node->child_count = 1;
    *out = node;
    return status;
}

enum status plan_sources_of(
    plan_node *out, struct planner *planner, struct slot *slot, fhir_type type, struct text id) {
    struct store_plan *node;
    enum status status = slot_node(&node, planner, STORE_PLAN_SOURCES, slot, FACET_MAIN);
    node->type = fhir_resource_number(type);
    node->id = id;
    *out = node;
    return status;
}

enum status plan_targets(plan_node *out, struct planner *planner, struct slot *slot, plan_node of) {
    struct store_plan *node;
    enum status status = slot_node(&node, planner, STORE_PLAN_TARGETS, slot, FACET_MAIN);
    struct plan_list children = {0};
    plan_list_add(planner, &children, of);
    node->children = children.at;
    node->child_count = 1;
    *out = node;
    return status;
}

enum status plan_referring(plan_node *out, struct planner *planner, struct slot *slot, fhir_type type) {
    struct store_plan *node;
    enum status status = slot_node(&node, planner, STORE_PLAN_REFERRING, slot, FACET_MAIN);
    node->type = type == FHIR_TYPE_NONE ? 0 : fhir_resource_number(type);
    *out = node;
    return status;
}
