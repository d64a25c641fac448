/* Slicing: which value belongs to which slice, how many each may have, in which order, and whether others may be. A slice may be
 * sliced again: its values are then its own slices' business. */
#include "validate/profile.h"

#include <string.h>

struct sorting {
    const struct validate_node **slice_of; /* of each item; NULL: none */
    bool is_uncertain;                     /* some slice could not be told from an item */
};

static bool is_default(const struct validate_node *slice) {
    return text_ends(slice->slice, "@default");
}

static const struct validate_node *find_slice(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_node *node, const struct validate_item *item,
    bool *is_uncertain) {
    const struct validate_node *otherwise = NULL;
    for (const struct validate_node *slice = node->slices; slice != NULL; slice = slice->next) {
        if (is_default(slice)) {
            otherwise = slice;
            continue;
        }
        enum validate_match match = validate_match_slice(run, place, frame, node, slice, item);
        if (match == VALIDATE_MATCHES) {
            return slice;
        }
        *is_uncertain |= match == VALIDATE_CANNOT_SAY;
    }
    return otherwise;
}

/* An item that fits no slice, or stands where it may not. */
static void check_places(struct validate_run *run, const struct validate_frame *frame, const struct validate_node *node,
    const struct validate_items *items, const struct sorting *sorting) {
    const char *name = items->count > 0 ? text_string(run->scope->arena, node->name) : "";
    const struct validate_node *reached = node->slices;
    bool is_past = false;
    for (size_t i = 0; i < items->count; i++) {
        const struct validate_node *slice = sorting->slice_of[i], *each = reached;
        struct validate_frame here = validate_frame_under(frame, name, items->at[i].index);
        if (slice == NULL) {
            is_past = true;
            if (node->rules == VALIDATE_CLOSED && !sorting->is_uncertain) {
                validate_say(run, VALIDATE_ERROR, "structure", NULL, &here,
                    "fits none of the slices of %s, which is closed", node->id);
            }
            continue;
        }
        if (is_past && node->rules == VALIDATE_OPEN_AT_END) {
            validate_say(run, VALIDATE_ERROR, "structure", NULL, &here,
                "what fits none of the slices of %s stands at the end", node->id);
        }
        for (; each != NULL && each != slice; each = each->next) {
        }
        if (each == NULL && node->is_ordered) {
            validate_say(
                run, VALIDATE_ERROR, "structure", NULL, &here, "the slices of %s stand in their order", node->id);
        }
        reached = each != NULL ? each : reached;
    }
}

static void check_slice(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_node *slice, const struct validate_items *items,
    const struct sorting *sorting) {
    struct validate_items mine = {ARENA_ARRAY(run->scope->arena, struct validate_item, items->count + 1), 0};
    const char *name = text_string(run->scope->arena, slice->name);
    for (size_t i = 0; i < items->count; i++) {
        if (sorting->slice_of[i] == slice) {
            mine.at[mine.count++] = items->at[i];
        }
    }
    struct validate_frame whole = validate_frame_under(frame, name, VALIDATE_NO_INDEX);
    if (mine.count < slice->min && !sorting->is_uncertain) {
        validate_say(run, VALIDATE_ERROR, "required", NULL, &whole, "at least %u of %s required, %zu found", slice->min,
            slice->id, mine.count);
    } else if (mine.count > slice->max) {
        validate_say(run, VALIDATE_ERROR, "structure", NULL, &whole, "at most %u of %s allowed, %zu found", slice->max,
            slice->id, mine.count);
    }
    for (size_t i = 0; i < mine.count; i++) {
        struct validate_frame here = validate_frame_under(frame, name, mine.at[i].index);
        validate_conform(run, place, &here, slice, &mine.at[i]);
    }
    if (slice->slices != NULL || slice->is_sliced) {
        validate_check_slices(run, place, frame, slice, &mine);
    }
}

void validate_check_slices(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_node *node, const struct validate_items *items) {
    struct sorting sorting = {ARENA_ARRAY(run->scope->arena, const struct validate_node *, items->count + 1), false};
    for (size_t i = 0; i < items->count && !validate_is_over(run); i++) {
        sorting.slice_of[i] = find_slice(run, place, frame, node, &items->at[i], &sorting.is_uncertain);
    }
    if (validate_is_over(run)) {
        return;
    }
    if (sorting.is_uncertain && validate_first_time(run, "slices", text_from(node->id))) {
        validate_say(run, VALIDATE_INFORMATION, "not-supported", NULL, frame,
            "slices of %s that nothing tells from each other here are not counted", node->id);
    }
    check_places(run, frame, node, items, &sorting);
    for (const struct validate_node *slice = node->slices; slice != NULL; slice = slice->next) {
        check_slice(run, place, frame, slice, items, &sorting);
    }
}
