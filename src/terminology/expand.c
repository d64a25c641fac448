#include "terminology/expand.h"

/* A set of codes in which the expansion's positions are found again: open addressing, at most half full. */
struct expanding {
    struct inquiry *inquiry;
    const struct expand_request *request;
    struct expansion *expansion;
    struct wording_filter filter;
    uint32_t *slots; /* 1-based positions; 0: empty */
    size_t slot_count;
};

static uint64_t mix(uint64_t hash, struct text text) {
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(1099511628211); /* FNV-1a */
    }
    return hash ^ (hash >> 29);
}

static uint64_t hash_of(const struct candidate *candidate) {
    return mix(mix(UINT64_C(14695981039346656037), candidate->system), candidate->code);
}

static uint32_t *slot_of(const struct expanding *e, const struct candidate *candidate) {
    size_t at = hash_of(candidate) & (e->slot_count - 1);
    while (e->slots[at] != 0) {
        const struct candidate *there = &e->expansion->at[e->slots[at] - 1];
        if (text_equal(there->code, candidate->code) && text_equal(there->system, candidate->system)) {
            break;
        }
        at = (at + 1) & (e->slot_count - 1);
    }
    return &e->slots[at];
}

static void grow(struct expanding *e) {
    struct arena *arena = e->inquiry->scope->arena;
    struct expansion *expansion = e->expansion;
    size_t capacity = expansion->capacity == 0 ? 64 : expansion->capacity * 2;
    expansion->at = arena_resize(
        arena, expansion->at, sizeof *expansion->at * expansion->capacity, sizeof *expansion->at * capacity);
    expansion->capacity = capacity;
    e->slot_count = 2 * capacity;
    e->slots = ARENA_ARRAY(arena, uint32_t, e->slot_count);
    for (size_t i = 0; i < expansion->count; i++) {
        *slot_of(e, &expansion->at[i]) = (uint32_t)i + 1;
    }
}

static bool is_wanted(const struct expanding *e, const struct candidate *candidate) {
    const struct concept_row *concept = candidate_concept(candidate);
    if (e->request->inactive == EXPAND_ACTIVE_ONLY && concept != NULL && concept->is_inactive) {
        return false;
    }
    if (e->request->abstracts == EXPAND_SELECTABLE && concept != NULL && concept->is_abstract) {
        return false;
    }
    for (size_t i = 0; i < e->request->excluded_count; i++) {
        if (text_equal(e->request->excluded_systems[i], candidate->system)) {
            return false;
        }
    }
    return wording_filter_takes(&e->filter, e->inquiry, candidate);
}

static enum status add_code(void *context, const struct candidate *candidate) {
    struct expanding *e = context;
    struct expansion *expansion = e->expansion;
    if (!is_wanted(e, candidate)) {
        return STATUS_OK;
    }
    if (expansion->count == expansion->capacity) {
        grow(e);
    }
    uint32_t *slot = slot_of(e, candidate);
    if (*slot != 0) {
        return STATUS_OK;
    }
    if (expansion->count == TERMINOLOGY_EXPANSION_MAX) {
        return fault_coded(e->inquiry->scope, STATUS_TOO_COSTLY, "too-costly", "",
            "the expansion has more than %d codes; ask with a filter", TERMINOLOGY_EXPANSION_MAX);
    }
    expansion->at[expansion->count++] = *candidate;
    *slot = (uint32_t)expansion->count;
    return STATUS_OK;
}

static enum status add_whole(void *context, struct text system) {
    struct expanding *e = context;
    struct expansion *expansion = e->expansion;
    if (expansion->whole_count == expansion->whole_capacity) {
        size_t capacity = expansion->whole_capacity == 0 ? 8 : expansion->whole_capacity * 2;
        expansion->whole_systems = arena_resize(e->inquiry->scope->arena, expansion->whole_systems,
            sizeof(struct text) * expansion->whole_capacity, sizeof(struct text) * capacity);
        expansion->whole_capacity = capacity;
    }
    expansion->whole_systems[expansion->whole_count++] = system;
    return STATUS_OK;
}

enum status expand_codes(struct expansion *out, struct inquiry *inquiry, const struct expand_request *request) {
    struct expanding e = {.inquiry = inquiry, .request = request, .expansion = out};
    *out = (struct expansion){0};
    wording_filter_open(&e.filter, request->filter, inquiry->scope->arena);
    const struct compose_visitor visitor = {
        .code = add_code,
        .whole = request->whole == EXPAND_WHOLE_SYSTEMS ? add_whole : NULL,
        .context = &e,
    };
    return compose_each(inquiry, request->value_set, &visitor);
}
