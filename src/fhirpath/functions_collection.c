/* Existence, filtering, subsetting, combining, order, aggregates, the tree. */
#include "fhirpath/functions.h"
#include "fhirpath/value.h"

#include <string.h>

/* ---- existence -------------------------------------------------------------------------------------------------- */

enum status empty_run(struct collection *out, const struct call *call) {
    return give_boolean(out, call, call->input->count == 0);
}

static enum status each_truth(enum truth *out, const struct call *call, size_t index) {
    struct collection result = {0};
    enum status status = call_each(&result, call, 0, &call->input->at[index], (int64_t)index);
    return status != STATUS_OK ? status : collection_truth(out, call->machine, call->node, &result);
}

enum status exists_run(struct collection *out, const struct call *call) {
    if (!call_has(call, 0)) {
        return give_boolean(out, call, call->input->count > 0);
    }
    for (size_t i = 0; i < call->input->count; i++) {
        enum truth truth;
        enum status status = each_truth(&truth, call, i);
        if (status != STATUS_OK) {
            return status;
        }
        if (truth == TRUTH_TRUE) {
            return give_boolean(out, call, true);
        }
    }
    return give_boolean(out, call, false);
}

enum status all_run(struct collection *out, const struct call *call) {
    for (size_t i = 0; i < call->input->count; i++) {
        enum truth truth;
        enum status status = each_truth(&truth, call, i);
        if (status != STATUS_OK) {
            return status;
        }
        if (truth != TRUTH_TRUE) {
            return give_boolean(out, call, false);
        }
    }
    return give_boolean(out, call, true);
}

enum status truths_run(struct collection *out, const struct call *call) {
    int detail = call->node->function->detail;
    bool wanted = detail == ANY_TRUE || detail == ALL_TRUE, is_all = detail == ALL_TRUE || detail == ALL_FALSE;
    bool answer = is_all;
    for (size_t i = 0; i < call->input->count; i++) {
        struct fhirpath_item value;
        if (!item_value(&value, call->machine, &call->input->at[i]) || value.kind != FHIRPATH_BOOLEAN) {
            return machine_fault(call->machine, call->node, "only true and false are allowed");
        }
        answer = is_all ? answer && value.boolean == wanted : answer || value.boolean == wanted;
    }
    return give_boolean(out, call, answer);
}

enum status subset_run(struct collection *out, const struct call *call) {
    struct collection other = {0};
    enum status status = call_argument(&other, call, 0);
    bool is_subset = call->node->function->detail == SUBSET, inside = true;
    const struct collection *small = is_subset ? call->input : &other, *large = is_subset ? &other : call->input;
    for (size_t i = 0; status == STATUS_OK && inside && i < small->count; i++) {
        status = collection_contains(&inside, call->machine, large, &small->at[i]);
    }
    return status != STATUS_OK ? status : give_boolean(out, call, inside);
}

enum status is_distinct_run(struct collection *out, const struct call *call) {
    struct collection distinct = {0};
    enum status status = collection_add_distinct(&distinct, call->machine, call->input);
    return status != STATUS_OK ? status : give_boolean(out, call, distinct.count == call->input->count);
}

enum status distinct_run(struct collection *out, const struct call *call) {
    return collection_add_distinct(out, call->machine, call->input);
}

enum status count_run(struct collection *out, const struct call *call) {
    return give_integer(out, call, (int64_t)call->input->count);
}

/* ---- filtering and projection ----------------------------------------------------------------------------------- */

enum status where_run(struct collection *out, const struct call *call) {
    for (size_t i = 0; i < call->input->count; i++) {
        enum truth truth;
        enum status status = each_truth(&truth, call, i);
        if (status == STATUS_OK && truth == TRUTH_TRUE) {
            status = collection_add(out, call->machine, &call->input->at[i]);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status select_run(struct collection *out, const struct call *call) {
    for (size_t i = 0; i < call->input->count; i++) {
        struct collection result = {0};
        enum status status = call_each(&result, call, 0, &call->input->at[i], (int64_t)i);
        if (status == STATUS_OK) {
            status = collection_add_all(out, call->machine, &result);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Breadth first. A cycle ends by the step limit, or by there being nothing new. */
enum status repeat_run(struct collection *out, const struct call *call) {
    struct collection current = *call->input;
    current.capacity = 0;
    bool is_distinct = call->node->function->detail == REPEAT_DISTINCT;
    while (current.count > 0) {
        struct collection found = {0};
        for (size_t i = 0; i < current.count; i++) {
            struct collection result = {0};
            enum status status = call_each(&result, call, 0, &current.at[i], (int64_t)i);
            if (status == STATUS_OK) {
                status = collection_add_all(&found, call->machine, &result);
            }
            if (status != STATUS_OK) {
                return status;
            }
        }
        size_t before = out->count;
        enum status status = is_distinct ? collection_add_distinct(out, call->machine, &found)
                                         : collection_add_all(out, call->machine, &found);
        if (status != STATUS_OK) {
            return status;
        }
        /* a copy: `out` may move while it grows, and what the next round finds may point into `current` */
        size_t fresh = out->count - before;
        current = (struct collection){ARENA_ARRAY(call->machine->scope->arena, struct fhirpath_item, fresh), fresh, 0};
        if (fresh > 0) {
            memcpy(current.at, out->at + before, fresh * sizeof *current.at);
        }
    }
    return STATUS_OK;
}

/* ---- subsetting ------------------------------------------------------------------------------------------------- */

/* Items [from, to) of the input. */
static enum status give_slice(struct collection *out, const struct call *call, size_t from, size_t to) {
    if (from >= to) {
        return STATUS_OK;
    }
    struct collection slice = {call->input->at + from, to - from, 0};
    return collection_add_all(out, call->machine, &slice);
}

enum status single_run(struct collection *out, const struct call *call) {
    if (call->input->count > 1) {
        return machine_fault(call->machine, call->node, "there are several");
    }
    return give_slice(out, call, 0, call->input->count);
}

enum status first_run(struct collection *out, const struct call *call) {
    return give_slice(out, call, 0, call->input->count > 0);
}

enum status last_run(struct collection *out, const struct call *call) {
    return call->input->count > 0 ? give_slice(out, call, call->input->count - 1, call->input->count) : STATUS_OK;
}

enum status tail_run(struct collection *out, const struct call *call) {
    return call->input->count > 0 ? give_slice(out, call, 1, call->input->count) : STATUS_OK;
}

static enum status argument_count_of_items(size_t *out, enum presence *presence, const struct call *call) {
    int64_t number = 0;
    enum status status = call_argument_integer(&number, presence, call, 0);
    size_t count = call->input->count;
    *out = number <= 0 ? 0 : (uint64_t)number < count ? (size_t)number : count;
    return status;
}

enum status skip_run(struct collection *out, const struct call *call) {
    size_t count;
    enum presence presence;
    enum status status = argument_count_of_items(&count, &presence, call);
    return status != STATUS_OK || presence == ABSENT ? status : give_slice(out, call, count, call->input->count);
}

enum status take_run(struct collection *out, const struct call *call) {
    size_t count;
    enum presence presence;
    enum status status = argument_count_of_items(&count, &presence, call);
    return status != STATUS_OK || presence == ABSENT ? status : give_slice(out, call, 0, count);
}

/* ---- combining -------------------------------------------------------------------------------------------------- */

/* Items of the input that the argument holds, or does not hold. */
static enum status filter_by(struct collection *out, const struct call *call, bool wanted) {
    struct collection other = {0};
    enum status status = call_argument(&other, call, 0);
    for (size_t i = 0; status == STATUS_OK && i < call->input->count; i++) {
        bool held = false;
        status = collection_contains(&held, call->machine, &other, &call->input->at[i]);
        if (status == STATUS_OK && held == wanted) {
            status = collection_add(out, call->machine, &call->input->at[i]);
        }
    }
    return status;
}

enum status intersect_run(struct collection *out, const struct call *call) {
    struct collection held = {0};
    enum status status = filter_by(&held, call, true);
    return status != STATUS_OK ? status : collection_add_distinct(out, call->machine, &held);
}

enum status exclude_run(struct collection *out, const struct call *call) {
    return filter_by(out, call, false);
}

enum status union_run(struct collection *out, const struct call *call) {
    struct collection other = {0};
    enum status status = call_argument(&other, call, 0);
    if (status == STATUS_OK) {
        status = collection_add_distinct(out, call->machine, call->input);
    }
    return status != STATUS_OK ? status : collection_add_distinct(out, call->machine, &other);
}

enum status combine_run(struct collection *out, const struct call *call) {
    struct collection other = {0};
    enum status status = call_argument(&other, call, 0);
    if (status == STATUS_OK) {
        status = collection_add_all(out, call->machine, call->input);
    }
    return status != STATUS_OK ? status : collection_add_all(out, call->machine, &other);
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

struct sort_entry {
    const struct fhirpath_item *item;
    struct fhirpath_item key[FUNCTION_ARGUMENTS_MAX];
    bool has_key[FUNCTION_ARGUMENTS_MAX];
};

static enum status sort_keys(struct sort_entry *entry, const struct call *call, size_t index) {
    entry->item = &call->input->at[index];
    if (!call_has(call, 0)) {
        entry->key[0] = *entry->item;
        entry->has_key[0] = true;
        return STATUS_OK;
    }
    for (uint32_t i = 0; call_has(call, i); i++) {
        struct collection result = {0};
        const struct fhirpath_item *key = NULL;
        enum status status = call_each(&result, call, i, entry->item, (int64_t)index);
        if (status == STATUS_OK) {
            status = call_one(&key, call, &result);
        }
        if (status != STATUS_OK) {
            return status;
        }
        entry->has_key[i] = key != NULL;
        if (key != NULL) {
            entry->key[i] = *key;
        }
    }
    return STATUS_OK;
}

/* An absent key comes first, in either direction (R4 suite, testSort10); what cannot be compared counts as equal. */
static int sort_order(const struct call *call, const struct sort_entry *a, const struct sort_entry *b) {
    uint32_t count = call_has(call, 0) ? call->node->argument_count : 1;
    for (uint32_t i = 0; i < count; i++) {
        if (a->has_key[i] != b->has_key[i]) {
            return a->has_key[i] - b->has_key[i];
        }
        enum order order = a->has_key[i] ? items_order(call->machine, &a->key[i], &b->key[i]) : ORDER_EQUAL;
        if (order == ORDER_LESS || order == ORDER_GREATER) {
            bool descending = call_has(call, 0) && call->node->argument[i]->descending;
            return descending ? -(int)order : (int)order;
        }
    }
    return 0;
}

/* Merge sort: stable, and it needs no context beyond the call. */
static enum status sort_entries(
    struct sort_entry *entries, struct sort_entry *scratch, size_t count, const struct call *call) {
    enum status status = machine_step(call->machine, count);
    for (size_t width = 1; status == STATUS_OK && width < count; width *= 2) {
        status = machine_step(call->machine, count);
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            size_t left = start, right = middle;
            for (size_t i = start; i < end; i++) {
                bool take_left =
                    left < middle && (right >= end || sort_order(call, &entries[left], &entries[right]) <= 0);
                scratch[i] = take_left ? entries[left++] : entries[right++];
            }
        }
        memcpy(entries, scratch, count * sizeof *entries);
    }
    return status;
}

enum status sort_run(struct collection *out, const struct call *call) {
    size_t count = call->input->count;
    struct arena *arena = call->machine->scope->arena;
    enum status status = machine_step(call->machine, count);
    if (status != STATUS_OK) {
        return status;
    }
    struct sort_entry *entries = ARENA_ARRAY(arena, struct sort_entry, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = sort_keys(&entries[i], call, i);
    }
    if (status == STATUS_OK) {
        status = sort_entries(entries, ARENA_ARRAY(arena, struct sort_entry, count), count, call);
    }
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = collection_add(out, call->machine, entries[i].item);
    }
    return status;
}

/* ---- aggregates and the tree ------------------------------------------------------------------------------------ */

enum status aggregate_run(struct collection *out, const struct call *call) {
    struct collection total = {0};
    enum status status = call_has(call, 1) ? call_argument(&total, call, 1) : STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < call->input->count; i++) {
        struct collection focus = collection_of(&call->input->at[i]), next = {0};
        struct frame frame = {&focus, (int64_t)i, &total};
        status = node_evaluate(&next, call->machine, call->node->argument[0], &frame);
        total = next;
    }
    return status != STATUS_OK ? status : collection_add_all(out, call->machine, &total);
}

enum status children_run(struct collection *out, const struct call *call) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < call->input->count; i++) {
        status = children_add(out, call->machine, &call->input->at[i]);
    }
    return status;
}

/* The output is its own queue. */
enum status descendants_run(struct collection *out, const struct call *call) {
    enum status status = children_run(out, call);
    for (size_t i = 0; status == STATUS_OK && i < out->count; i++) {
        struct fhirpath_item item = out->at[i]; /* the array may move */
        status = children_add(out, call->machine, &item);
    }
    return status;
}
