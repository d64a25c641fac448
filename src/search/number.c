#include "search/kind.h"

/* Stored numbers are compared as they stand; the precision of the number asked for counts only for eq and ne
 * (https://hl7.org/fhir/R4/search.html#number). `ap` is a tenth of the value on both sides. */
enum status number_ranges(struct image_ranges *out, struct planner *planner, const struct criterion *criterion,
    enum value_prefix prefix, struct text decimal, const struct ucum_conversion *conversion) {
    struct fhir_decimal_range implied;
    double value;
    if (!text_to_double(&value, decimal) || !fhir_decimal_range(&implied, decimal)) {
        return criterion_malformed(planner, criterion, "a number, with a comparison prefix or none");
    }
    double tenth = (value < 0 ? -value : value) / 10;
    double least = value - tenth, most = value + tenth;
    if (conversion != NULL) {
        value = ucum_convert(conversion, decimal);
        implied.low = ucum_convert_number(conversion, implied.low);
        implied.high = ucum_convert_number(conversion, implied.high);
        least = ucum_convert_number(conversion, least);
        most = ucum_convert_number(conversion, most);
    }
    const uint64_t bits = key_number_bits(value), low = key_number_bits(implied.low),
                   high = key_number_bits(implied.high);
    *out = (struct image_ranges){.count = 1};
    switch (prefix) {
    case PREFIX_EQ:
        out->at[0] = (struct image_range){low, high};
        break;
    case PREFIX_NE:
        out->at[0] = (struct image_range){0, low};
        out->at[1] = (struct image_range){high, UINT64_MAX};
        out->count = 2;
        break;
    case PREFIX_GT:
    case PREFIX_SA:
        out->at[0] = (struct image_range){bits + 1, UINT64_MAX};
        break;
    case PREFIX_LT:
    case PREFIX_EB:
        out->at[0] = (struct image_range){0, bits};
        break;
    case PREFIX_GE:
        out->at[0] = (struct image_range){bits, UINT64_MAX};
        break;
    case PREFIX_LE:
        out->at[0] = (struct image_range){0, bits + 1};
        break;
    case PREFIX_AP:
        out->at[0] = (struct image_range){key_number_bits(least), key_number_bits(most) + 1};
        break;
    }
    return STATUS_OK;
}

void number_each(const struct search *search, const struct fhirpath_item *item,
    void (*visit)(void *context, double value), void *context, struct scope *scope) {
    double value;
    if (item->kind == FHIRPATH_NODE && item->type == search->datatypes.range) {
        static const char *const ends[] = {"low", "high"};
        for (int i = 0; i < 2; i++) {
            if (text_to_double(&value, json_number_text(json_get(json_get(item->node, ends[i]), "value")))) {
                visit(context, value);
            }
        }
    } else if (text_to_double(&value, fhirpath_item_text(item, scope))) {
        visit(context, value);
    }
}

static void emit_visited(void *context, double value) {
    struct key key = {0};
    key_put_number(&key, value);
    emit_key(context, FACET_MAIN, &key);
}

static void number_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    number_each(emitter->search, item, emit_visited, emitter, emitter->scope);
}

static enum status number_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct arena *arena = planner->scope->arena;
    const struct text nothing = {NULL, 0};
    struct text value = value_unescape(arena, criterion->value);
    enum value_prefix prefix;
    if (!value_take_prefix(&prefix, &value)) {
        return criterion_malformed(planner, criterion, "a number, with a comparison prefix or none");
    }
    struct image_ranges ranges;
    enum status status = number_ranges(&ranges, planner, criterion, prefix, value, NULL);
    struct plan_list list = {0};
    for (int i = 0; status == STATUS_OK && i < ranges.count; i++) {
        plan_node node;
        status = plan_range(&node, planner, use->slot, FACET_MAIN, image_low(arena, nothing, ranges.at[i]),
            image_high(arena, nothing, ranges.at[i]), NULL);
        plan_list_add(planner, &list, node);
    }
    if (status == STATUS_OK) {
        *out = plan_union(planner, &list);
    }
    return status;
}

const struct kind kind_number = {number_emit, number_plan};
