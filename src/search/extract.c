#include <stdlib.h>
#include <string.h>

#include "search/edition.h"
#include "search/kind.h"
#include "search/search.h"

/* Items already evaluated for one catalogue, by branch. */
struct evaluation {
    struct emitter *emitter;
    const yyjson_val *resource;
    struct fhirpath_items *items; /* of each branch */
    bool *is_done;
};

static bool has_member(const yyjson_val *resource, const struct branch *branch) {
    if (branch->member.size == 0) {
        return true;
    }
    if (!branch->member_is_choice) {
        return yyjson_obj_getn((yyjson_val *)resource, branch->member.at, branch->member.size) != NULL;
    }
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)resource);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        if (yyjson_get_len(name) > branch->member.size &&
            memcmp(yyjson_get_str(name), branch->member.at, branch->member.size) == 0) {
            return true;
        }
    }
    return false;
}

/* What an expression cannot make of odd data is no search value; what costs too much ends the work. */
static struct fhirpath_items evaluate(struct evaluation *evaluation, const struct branch *branch) {
    struct fhirpath_items *items = &evaluation->items[branch->index];
    if (evaluation->is_done[branch->index]) {
        return *items;
    }
    evaluation->is_done[branch->index] = true;
    if (branch->program == NULL || !has_member(evaluation->resource, branch)) {
        return *items;
    }
    struct emitter *emitter = evaluation->emitter;
    struct scope trial = {.arena = emitter->scope->arena, .deadline_us = emitter->scope->deadline_us};
    enum status status = fhirpath_evaluate(items, branch->program, NULL, emitter->environment, &trial);
    if (status != STATUS_OK) {
        *items = (struct fhirpath_items){NULL, 0};
    }
    if (status == STATUS_TOO_COSTLY || status == STATUS_UNAVAILABLE) {
        fault_carry(emitter->scope, &trial.fault);
        emitter->status = status;
    }
    return *items;
}

/* An expression that ends at an extension means its value. */
static struct fhirpath_item unwrapped(const struct search *search, const struct fhirpath_item *item) {
    if (item->kind != FHIRPATH_NODE || item->type != search->datatypes.extension) {
        return *item;
    }
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)item->node);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        struct text text = {yyjson_get_str(name), yyjson_get_len(name)};
        struct fhir_member member;
        if (text_starts(text, "value") && fhir_member_find(&member, item->type, text) && !member.is_companion) {
            struct fhirpath_item value = *item;
            value.node = yyjson_obj_iter_get_val(name);
            value.companion = NULL;
            value.type = member.type;
            return value;
        }
    }
    return *item;
}

static void extract_slots(struct emitter *emitter, const struct type_catalog *type, const yyjson_val *resource) {
    struct evaluation evaluation = {.emitter = emitter, .resource = resource};
    evaluation.items = ARENA_ARRAY(emitter->scope->arena, struct fhirpath_items, type->branch_count + 1);
    evaluation.is_done = ARENA_ARRAY(emitter->scope->arena, bool, type->branch_count + 1);
    for (size_t s = 0; s < type->slot_count && emitter->status == STATUS_OK; s++) {
        struct slot *slot = type->slots[s];
        const struct kind *kind = kind_of(slot->type);
        emitter->slot = slot;
        for (size_t b = 0; b < slot->branch_count; b++) {
            struct fhirpath_items items = evaluate(&evaluation, slot->branches[b]);
            for (size_t i = 0; i < items.count && emitter->status == STATUS_OK; i++) {
                struct fhirpath_item item = unwrapped(emitter->search, &items.at[i]);
                kind->emit(emitter, &item);
            }
        }
    }
}

static int row_compare(const void *left, const void *right) {
    const struct store_row *a = left, *b = right;
    if (a->space != b->space) {
        return a->space < b->space ? -1 : 1;
    }
    if (a->target_type != b->target_type) {
        return a->target_type < b->target_type ? -1 : 1;
    }
    return a->target_type == 0 ? text_compare(a->key, b->key) : text_compare(a->target_id, b->target_id);
}

/* In order, each once: a resource may say the same thing in two places. */
static size_t rows_settle(struct store_row *rows, size_t count) {
    if (count < 2) {
        return count;
    }
    qsort(rows, count, sizeof *rows, row_compare);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (row_compare(&rows[kept - 1], &rows[i]) != 0) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

enum status search_extract(struct store_row **out, size_t *count_out, const struct search *search,
    const yyjson_val *resource, struct scope *scope) {
    return search_extract_edition(out, count_out, NULL, search, resource, scope);
}

static size_t rows_most(fhir_type type) {
    static const char *const terminological[] = {"CodeSystem", "ValueSet", "ConceptMap"};
    for (size_t i = 0; i < sizeof terminological / sizeof terminological[0]; i++) {
        if (strcmp(fhir_type_name(type), terminological[i]) == 0) {
            return TERMINOLOGY_ROWS_MAX;
        }
    }
    return ROWS_MAX;
}

enum status search_extract_edition(struct store_row **out, size_t *count_out, uint64_t *edition_out,
    const struct search *search, const yyjson_val *resource, struct scope *scope) {
    search = search_hold(search, scope);
    if (edition_out != NULL) {
        *edition_out = search->edition;
    }
    fhir_type type = fhir_resource_type_of(resource);
    if (type == FHIR_TYPE_NONE) {
        return fault(scope, STATUS_INVALID, "resourceType", "no resource type of R4");
    }
    const struct fhirpath_environment environment = {.resource = resource, .zone_minutes = search->zone_minutes};
    struct emitter emitter = {
        .search = search, .scope = scope, .environment = &environment, .most = rows_most(type), .status = STATUS_OK};
    extract_slots(&emitter, catalog_of(search, type), resource);
    extract_slots(&emitter, &search->types[0], resource);
    *out = emitter.rows;
    *count_out = rows_settle(emitter.rows, emitter.count);
    return emitter.status;
}
