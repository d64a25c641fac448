#include "search/search.h"

#include "search/edition.h"
#include "search/words.h"

enum { CATALOG_BYTES_MAX = 256 << 20 };

static enum status open_inside(void *context, struct scope *scope) {
    struct search *search = context;
    search->own_base = text_copy(search->arena, search->own_base);
    return catalog_build(search, scope);
}

const struct store_text_source *search_words(void) {
    return &words_source;
}

enum status search_open(struct search **out, const struct search_config *config, struct scope *scope) {
    *out = NULL;
    struct arena *arena = arena_open(CATALOG_BYTES_MAX);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the search parameters");
    }
    struct search *search = ARENA_NEW(arena, struct search);
    search->arena = arena;
    search->store = config->store;
    search->terminology = config->terminology;
    search->clock = config->clock;
    search->own_base = config->own_base;
    search->zone_minutes = config->zone_minutes;
    struct scope inner = {.arena = arena};
    enum status status = scope_run(&inner, arena, open_inside, search);
    if (status == STATUS_OK) {
        status = edition_keeper_open(search, &inner);
    }
    if (status == STATUS_OK) {
        status = store_text_serve(search->store, &words_source, &inner);
    }
    if (status != STATUS_OK) {
        fault_carry(scope, &inner.fault);
        search_close(search);
        return status;
    }
    *out = search;
    return STATUS_OK;
}

void search_close(struct search *search) {
    if (search != NULL) {
        edition_keeper_close(search);
        arena_close(search->arena);
    }
}

static void claims_add(struct search_parameter_claim *claims, size_t *count, const struct type_catalog *type) {
    for (size_t i = 0; i < type->parameter_count; i++) {
        const struct parameter *parameter = &type->parameters[i];
        bool is_complete = true;
        for (size_t u = 0; u < parameter->use_count; u++) {
            is_complete = is_complete && !atomic_load(&parameter->uses[u].slot->is_pending);
        }
        if (parameter->role != ROLE_UNSERVED && is_complete) {
            claims[(*count)++] =
                (struct search_parameter_claim){parameter->code, parameter->definition->url, parameter->type};
        }
    }
}

enum status search_claims(struct search_parameter_claim **out, size_t *count_out, const struct search *search,
    fhir_type type, struct scope *scope) {
    search = search_hold(search, scope);
    const struct type_catalog *own = catalog_of(search, type), *shared = &search->types[0];
    *out = ARENA_ARRAY(scope->arena, struct search_parameter_claim, own->parameter_count + shared->parameter_count + 1);
    *count_out = 0;
    if (own != shared) {
        claims_add(*out, count_out, own);
    }
    claims_add(*out, count_out, shared);
    return STATUS_OK;
}
