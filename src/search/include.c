#include <string.h>

#include "search/query.h"

enum { SEEN_FIRST = 128, INCLUDED_FIRST = 32 };

/* Resources already in the answer, by rid + 1: open addressing, 0 is a free place. */
struct seen {
    uint64_t *at;
    size_t capacity, count;
};

static void seen_add(struct seen *seen, uint64_t mark) {
    size_t place = (size_t)((mark - 1) * UINT64_C(0x9e3779b97f4a7c15)) & (seen->capacity - 1);
    while (seen->at[place] != 0) {
        place = (place + 1) & (seen->capacity - 1);
    }
    seen->at[place] = mark;
}

/* Room for so many more, at most half of it taken. */
static void seen_reserve(struct seen *seen, size_t more, struct arena *arena) {
    struct seen before = *seen;
    size_t capacity = before.capacity == 0 ? SEEN_FIRST : before.capacity;
    while (capacity < (before.count + more) * 2) {
        capacity *= 2;
    }
    if (capacity == before.capacity) {
        return;
    }
    *seen = (struct seen){.at = ARENA_ARRAY(arena, uint64_t, capacity), .capacity = capacity, .count = before.count};
    for (size_t i = 0; i < before.capacity; i++) {
        if (before.at[i] != 0) {
            seen_add(seen, before.at[i]);
        }
    }
}

static bool seen_put(struct seen *seen, uint64_t rid) {
    size_t place = (size_t)(rid * UINT64_C(0x9e3779b97f4a7c15)) & (seen->capacity - 1);
    while (seen->at[place] != 0) {
        if (seen->at[place] == rid + 1) {
            return false;
        }
        place = (place + 1) & (seen->capacity - 1);
    }
    seen->at[place] = rid + 1;
    seen->count++;
    return true;
}

/* The resources found last, whose references are followed next. */
struct round {
    struct planner planner;
    const struct store_resource *at;
    size_t count;
    int number;
    struct plan_list plans;
};

static plan_node frontier_of(struct round *round, fhir_type type) {
    struct plan_list ids = {0};
    uint16_t number = fhir_resource_number(type);
    for (size_t i = 0; i < round->count; i++) {
        if (round->at[i].type == number) {
            plan_list_add(&round->planner, &ids, plan_found(&round->planner, &round->at[i]));
        }
    }
    return ids.count == 0 ? NULL : plan_union(&round->planner, &ids);
}

static enum status list_use(
    struct round *round, const struct slot_use *use, const struct include *include, plan_node sources) {
    struct planner *planner = &round->planner;
    fhir_type only = include->target != FHIR_TYPE_NONE ? include->target : use->only;
    plan_node node;
    if (include->target != FHIR_TYPE_NONE && use->only != FHIR_TYPE_NONE && include->target != use->only) {
        return STATUS_OK;
    }
    enum status status = plan_targets(&node, planner, use->slot, sources);
    if (status == STATUS_OK && only != FHIR_TYPE_NONE) {
        struct plan_list both = {0};
        plan_list_add(planner, &both, node);
        plan_list_add(planner, &both, plan_type(planner, only));
        node = plan_intersect(planner, &both);
    }
    plan_list_add(planner, &round->plans, node);
    return status;
}

/* Of all: those that are served, so no uploaded one that is not complete yet. */
static bool include_means(const struct include *include, const struct parameter *parameter) {
    if (include->parameter != NULL) {
        return include->parameter == parameter;
    }
    return parameter->upload.at == NULL || !atomic_load(&parameter->uses[0].slot->is_pending);
}

/* What resources of one type refer to. */
static enum status list_forward(struct round *round, const struct include *include, fhir_type type) {
    plan_node sources = frontier_of(round, type);
    if (sources == NULL) {
        return STATUS_OK;
    }
    const struct type_catalog *catalog = catalog_of(round->planner.search, type);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < catalog->parameter_count && status == STATUS_OK; i++) {
        const struct parameter *parameter = &catalog->parameters[i];
        bool is_meant = include_means(include, parameter);
        if (!is_meant || parameter->type != FHIR_SEARCH_REFERENCE) {
            continue;
        }
        for (size_t u = 0; u < parameter->use_count && status == STATUS_OK; u++) {
            status = list_use(round, &parameter->uses[u], include, sources);
        }
    }
    return status;
}

/* The resources of one type that refer to what was found. */
static enum status list_reverse(struct round *round, const struct include *include, fhir_type type) {
    const struct type_catalog *catalog = catalog_of(round->planner.search, type);
    enum status status = STATUS_OK;
    for (int number = 1; number <= fhir_resource_count() && status == STATUS_OK; number++) {
        fhir_type target = fhir_resource_type((uint16_t)number);
        plan_node found =
            include->target == FHIR_TYPE_NONE || include->target == target ? frontier_of(round, target) : NULL;
        for (size_t i = 0; found != NULL && i < catalog->parameter_count && status == STATUS_OK; i++) {
            const struct parameter *parameter = &catalog->parameters[i];
            bool is_meant = include_means(include, parameter);
            for (size_t u = 0; is_meant && u < parameter->use_count && status == STATUS_OK; u++) {
                const struct slot_use *use = &parameter->uses[u];
                if (use->slot->type == FHIR_SEARCH_REFERENCE && (use->only == FHIR_TYPE_NONE || use->only == target)) {
                    plan_node node;
                    status = plan_sources(&node, &round->planner, use->slot, found);
                    plan_list_add(&round->planner, &round->plans, node);
                }
            }
        }
    }
    return status;
}

static enum status round_plan(struct round *round, const struct search_query *query) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < query->include_count; i++) {
        const struct include *include = &query->includes[i];
        if (round->number > 0 && !include->is_iterated) {
            continue;
        }
        for (int number = 1; number <= fhir_resource_count() && status == STATUS_OK; number++) {
            fhir_type type = fhir_resource_type((uint16_t)number);
            if (include->source == FHIR_TYPE_NONE || include->source == type) {
                status = include->is_reverse ? list_reverse(round, include, type) : list_forward(round, include, type);
            }
        }
    }
    return status == STATUS_OK ? planner_check(&round->planner) : status;
}

static void included_add(struct search_result *result, const struct store_resource *resource, struct arena *arena) {
    size_t count = result->included_count, size = sizeof *resource;
    bool is_full = count == 0 || (count >= INCLUDED_FIRST && (count & (count - 1)) == 0); /* twice as much each time */
    if (is_full) {
        size_t capacity = count == 0 ? INCLUDED_FIRST : count * 2;
        result->included = arena_resize(arena, result->included, count * size, capacity * size);
    }
    result->included[result->included_count++] = *resource;
}

/* Adds what is new to the result; those are the next round's. */
static enum status round_take(struct search_result *result, struct round *round, struct seen *seen,
    const struct store_page *page, struct scope *scope) {
    size_t first = result->included_count;
    seen_reserve(seen, page->count, scope->arena);
    for (size_t i = 0; i < page->count; i++) {
        if (!seen_put(seen, page->at[i].rid)) {
            continue;
        }
        if (result->included_count == INCLUDED_MAX) {
            return fault(scope, STATUS_TOO_COSTLY, "", "the includes bring more than %d resources", INCLUDED_MAX);
        }
        included_add(result, &page->at[i], scope->arena);
    }
    round->count = result->included_count - first;
    round->at = round->count == 0 ? NULL : result->included + first;
    return STATUS_OK;
}

enum status include_run(struct search_result *result, const struct search *search, const struct search_query *query,
    struct store_view *view, struct scope *scope) {
    if (query->include_count == 0 || result->matches.count == 0) {
        return STATUS_OK;
    }
    struct seen seen = {0};
    seen_reserve(&seen, result->matches.count, scope->arena);
    for (size_t i = 0; i < result->matches.count; i++) {
        seen_put(&seen, result->matches.at[i].rid);
    }
    struct round round = {
        .planner = {.search = search, .scope = scope}, .at = result->matches.at, .count = result->matches.count};
    enum status status = STATUS_OK;
    for (; round.number < INCLUDE_ROUNDS_MAX && round.count > 0 && status == STATUS_OK; round.number++) {
        round.plans = (struct plan_list){0};
        status = round_plan(&round, query);
        if (status != STATUS_OK || round.plans.count == 0) {
            return status;
        }
        const struct store_query found = {.plan = plan_union(&round.planner, &round.plans),
            .limit = INCLUDED_MAX + result->matches.count + 1,
            .want = STORE_WANT_BODY};
        struct store_page page;
        status = store_view_select(&page, view, &found, scope);
        if (status == STATUS_OK) {
            status = round_take(result, &round, &seen, &page, scope);
        }
    }
    return status;
}
