#include "search/edition.h"
#include "search/query.h"

/* Every slot of references, of every type and of all types, asked for one target. */
static enum status list_slots(struct plan_list *out, struct planner *planner, const struct type_catalog *catalog,
    fhir_type type, struct text id) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < catalog->slot_count && status == STATUS_OK; i++) {
        plan_node node;
        const struct slot *slot = catalog->slots[i];
        bool is_served = !slot->is_uploaded || !atomic_load(&slot->is_pending);
        if (slot->type == FHIR_SEARCH_REFERENCE && is_served) {
            status = plan_sources_of(&node, planner, catalog->slots[i], type, id);
            plan_list_add(planner, out, node);
        }
    }
    return status;
}

enum status search_referrers(struct store_page *out, const struct search *search, fhir_type type, struct text id,
    struct store_unit *unit, size_t limit, struct scope *scope) {
    search = search_hold(search, scope);
    struct planner planner = {.search = search, .scope = scope};
    struct plan_list slots = {0};
    enum status status = list_slots(&slots, &planner, &search->types[0], type, id);
    for (int number = 1; number <= fhir_resource_count() && status == STATUS_OK; number++) {
        const struct type_catalog *catalog = catalog_of(search, fhir_resource_type((uint16_t)number));
        status = list_slots(&slots, &planner, catalog, type, id);
    }
    if (status == STATUS_OK) {
        status = planner_check(&planner);
    }
    *out = (struct store_page){0};
    if (status != STATUS_OK) {
        return status;
    }
    const struct store_query query = {
        .plan = plan_union(&planner, &slots), .limit = limit, .want = STORE_WANT_IDENTITY};
    return store_unit_select(out, unit, &query, scope);
}
