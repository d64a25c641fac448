/* Keys: hash of the unit's code, hash of its system, value. A quantity whose UCUM unit is not the canonical one of its
 * dimension stands in FACET_CONVERTED, too, in that unit. */
#include "search/kind.h"

static const int value_offset = 2 * KEY_UNIT_SIZE;

static struct quantity quantity_of(const yyjson_val *node) {
    return (struct quantity){json_number_text(json_get(node, "value")), json_get_text(node, "system"),
        json_get_text(node, "code"), json_get_text(node, "unit")};
}

void quantity_each(
    const struct search *search, const struct fhirpath_item *item, quantity_visit *visit, void *context) {
    const struct datatypes *types = &search->datatypes;
    struct quantity quantity;
    if (item->kind != FHIRPATH_NODE || item->node == NULL) {
        return;
    }
    if (item->type == types->range) {
        static const char *const ends[] = {"low", "high"};
        for (int i = 0; i < 2; i++) {
            quantity = quantity_of(json_get(item->node, ends[i]));
            if (quantity.value.size > 0) {
                visit(context, &quantity);
            }
        }
        return;
    }
    quantity = quantity_of(item->node);
    if (item->type == types->money) {
        quantity = (struct quantity){
            quantity.value, TEXT("urn:iso:std:iso:4217"), json_get_text(item->node, "currency"), {NULL, 0}};
    } else if (!fhir_type_is(item->type, types->quantity)) {
        return;
    }
    if (quantity.value.size > 0) {
        visit(context, &quantity);
    }
}

bool quantity_in_canonical(struct ucum_conversion *conversion, double *value_out, const struct quantity *quantity) {
    if (!text_is(quantity->system, UCUM_SYSTEM) || !ucum_conversion_find(conversion, quantity->code) ||
        conversion->is_canonical) {
        return false;
    }
    *value_out = ucum_convert(conversion, quantity->value);
    return true;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static void emit_in(struct emitter *emitter, enum facet facet, struct text unit, struct text system, double value) {
    struct key key = {0};
    key_put_unit_hash(&key, unit);
    key_put_unit_hash(&key, system);
    key_put_number(&key, value);
    emit_key(emitter, facet, &key);
}

static void emit_visited(void *context, const struct quantity *quantity) {
    struct emitter *emitter = context;
    const struct text nothing = {NULL, 0};
    double value;
    if (!text_to_double(&value, quantity->value)) {
        return;
    }
    if (quantity->code.size > 0) {
        emit_in(emitter, FACET_MAIN, quantity->code, quantity->system, value);
    }
    if (quantity->code.size == 0 || (quantity->unit.size > 0 && !text_equal(quantity->unit, quantity->code))) {
        emit_in(emitter, FACET_MAIN, quantity->unit, nothing, value);
    }
    struct ucum_conversion conversion;
    if (quantity_in_canonical(&conversion, &value, quantity)) {
        emit_in(emitter, FACET_CONVERTED, text_from(conversion.canonical), TEXT(UCUM_SYSTEM), value);
    }
}

static void quantity_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    quantity_each(emitter->search, item, emit_visited, emitter);
}

/* ---- plans --------------------------------------------------------------------------------------------------------- */

enum status quantity_query_read(
    struct quantity_query *out, struct planner *planner, const struct criterion *criterion) {
    static const char *const expected = "number, number|system|code or number||code, with a comparison prefix or none";
    struct arena *arena = planner->scope->arena;
    struct text rest = criterion->value;
    struct text number = value_unescape(arena, value_cut(&rest, '|'));
    *out = (struct quantity_query){.any_unit = rest.at == NULL};
    if (!value_take_prefix(&out->prefix, &number)) {
        return criterion_malformed(planner, criterion, expected);
    }
    out->value = number;
    if (!out->any_unit) {
        out->system = value_unescape(arena, value_cut(&rest, '|'));
        out->unit = value_unescape(arena, rest);
        out->any_system = out->system.size == 0;
        if (out->unit.size == 0) {
            return criterion_malformed(planner, criterion, expected);
        }
        out->is_convertible =
            (out->any_system || text_is(out->system, UCUM_SYSTEM)) && ucum_conversion_find(&out->conversion, out->unit);
    }
    enum status status = number_ranges(&out->given, planner, criterion, out->prefix, out->value, NULL);
    if (status == STATUS_OK && out->is_convertible) {
        status = number_ranges(&out->canonical, planner, criterion, out->prefix, out->value, &out->conversion);
    }
    return status;
}

static enum status list_unit(struct plan_list *list, struct planner *planner, struct slot *slot, enum facet facet,
    struct text unit, struct text system, struct image_range range) {
    struct arena *arena = planner->scope->arena;
    struct key key = {0};
    key_put_unit_hash(&key, unit);
    key_put_unit_hash(&key, system);
    struct text prefix = key_copy(arena, &key);
    plan_node node;
    enum status status = plan_range(
        &node, planner, slot, facet, image_low(arena, prefix, range), image_high(arena, prefix, range), NULL);
    plan_list_add(planner, list, node);
    return status;
}

/* Whatever the unit, or the unit in whatever system: the value lies behind what is not asked. */
static enum status list_loose(
    struct plan_list *list, struct planner *planner, struct slot *slot, struct text unit, struct image_range range) {
    struct arena *arena = planner->scope->arena;
    struct key key = {0};
    if (unit.size > 0) {
        key_put_unit_hash(&key, unit);
    }
    struct plan_filter filter = image_filter(arena, value_offset, range);
    plan_node node;
    enum status status;
    if (unit.size > 0) {
        status = plan_prefix(&node, planner, slot, FACET_MAIN, key_copy(arena, &key), &filter);
    } else {
        const struct text unbounded = {NULL, 0};
        status = plan_range(&node, planner, slot, FACET_MAIN, unbounded, unbounded, &filter);
    }
    plan_list_add(planner, list, node);
    return status;
}

static enum status quantity_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct quantity_query query;
    enum status status = quantity_query_read(&query, planner, criterion);
    struct plan_list list = {0};
    for (int i = 0; status == STATUS_OK && i < query.given.count; i++) {
        if (query.any_unit || query.any_system) {
            status = list_loose(&list, planner, use->slot, query.unit, query.given.at[i]);
        } else if (!query.is_convertible) {
            status = list_unit(&list, planner, use->slot, FACET_MAIN, query.unit, query.system, query.given.at[i]);
        }
    }
    for (int i = 0; status == STATUS_OK && query.is_convertible && i < query.canonical.count; i++) {
        struct text unit = text_from(query.conversion.canonical), system = TEXT(UCUM_SYSTEM);
        unit = text_copy(planner->scope->arena, unit);
        status = list_unit(&list, planner, use->slot, FACET_MAIN, unit, system, query.canonical.at[i]);
        if (status == STATUS_OK) {
            status = list_unit(&list, planner, use->slot, FACET_CONVERTED, unit, system, query.canonical.at[i]);
        }
    }
    if (status == STATUS_OK) {
        *out = plan_union(planner, &list);
    }
    return status;
}

const struct kind kind_quantity = {quantity_emit, quantity_plan};
