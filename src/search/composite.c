/* Composites: one row for each pair (or triple) of component values that stand together, so that a query's parts meet in
 * one element. The first component is a token or a reference, asked for equality:
 *
 *     token     hash(code) hash(code2) hash(system2) hash(system)
 *     quantity  hash(code) value hash(unit's system) hash(unit) hash(system)   FACET_CONVERTED: in canonical units
 *     string    hash(code) folded text 0 hash(system)
 *     date      hash(code) hash(system or "any") start end                      twice, with and without the system
 *     numbers   hash(code) hash(system or "any") first second                   twice
 *
 * What is not asked for lies at the end, where one filter slice can pass over it. */
#include "search/kind.h"

#include <string.h>

enum { PARTS_MAX = 64, ROW_TEXT_MAX = 150 };
static const char any_system[] = "\x01"
                                 "any";

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

struct head {
    struct text code, system;
};

/* What one base element gives: its first component's values, and the row under way. */
struct row_maker {
    struct emitter *emitter;
    const struct slot *slot;
    struct fhirpath_items seconds, thirds;
    struct head head;
    double first_number;
};

static struct key key_after(const struct head *head) {
    struct key key = {0};
    key_put_hash(&key, head->code);
    return key;
}

static void on_second_token(void *context, const struct token *token) {
    struct row_maker *maker = context;
    struct key key = key_after(&maker->head);
    key_put_hash(&key, token->code);
    key_put_hash(&key, token->system);
    key_put_hash(&key, maker->head.system);
    emit_key(maker->emitter, FACET_MAIN, &key);
}

static void quantity_row(
    struct row_maker *maker, enum facet facet, struct text unit, struct text system, double value) {
    struct key key = key_after(&maker->head);
    key_put_number(&key, value);
    key_put_unit_hash(&key, system);
    key_put_unit_hash(&key, unit);
    key_put_hash(&key, maker->head.system);
    emit_key(maker->emitter, facet, &key);
}

static void on_second_quantity(void *context, const struct quantity *quantity) {
    struct row_maker *maker = context;
    double value;
    if (!text_to_double(&value, quantity->value)) {
        return;
    }
    bool is_coded = quantity->code.size > 0;
    quantity_row(maker, FACET_MAIN, is_coded ? quantity->code : quantity->unit, quantity->system, value);
    struct ucum_conversion conversion;
    if (quantity_in_canonical(&conversion, &value, quantity)) {
        quantity_row(maker, FACET_CONVERTED, text_from(conversion.canonical), TEXT(UCUM_SYSTEM), value);
    }
}

static void on_second_string(struct row_maker *maker, struct text value) {
    struct text folded = string_fold(maker->emitter->scope->arena, value);
    if (folded.size == 0) {
        return;
    }
    struct key key = key_after(&maker->head);
    key_put(&key, (struct text){folded.at, folded.size < ROW_TEXT_MAX ? folded.size : ROW_TEXT_MAX});
    key_put_char(&key, '\0');
    key_put_hash(&key, maker->head.system);
    emit_key(maker->emitter, FACET_MAIN, &key);
}

static void image_rows(struct row_maker *maker, uint64_t first, uint64_t second) {
    const struct text systems[] = {maker->head.system, {any_system, sizeof any_system - 1}};
    for (int i = 0; i < 2; i++) {
        struct key key = key_after(&maker->head);
        key_put_hash(&key, systems[i]);
        key_put_bits(&key, first);
        key_put_bits(&key, second);
        emit_key(maker->emitter, FACET_MAIN, &key);
    }
}

static void on_third_number(void *context, double value) {
    struct row_maker *maker = context;
    image_rows(maker, key_number_bits(maker->first_number), key_number_bits(value));
}

static void on_second_number(void *context, double value) {
    struct row_maker *maker = context;
    maker->first_number = value;
    for (size_t i = 0; i < maker->thirds.count; i++) {
        number_each(maker->emitter->search, &maker->thirds.at[i], on_third_number, maker, maker->emitter->scope);
    }
    if (maker->slot->component_count == 2) {
        image_rows(maker, key_number_bits(value), 0);
    }
}

static void on_second(struct row_maker *maker, const struct fhirpath_item *item) {
    struct emitter *emitter = maker->emitter;
    struct fhir_interval interval;
    switch (maker->slot->components[1].type) {
    case FHIR_SEARCH_TOKEN:
        token_each(emitter->search, item, on_second_token, maker, emitter->scope);
        return;
    case FHIR_SEARCH_QUANTITY:
        quantity_each(emitter->search, item, on_second_quantity, maker);
        return;
    case FHIR_SEARCH_STRING:
        on_second_string(maker, fhirpath_item_text(item, emitter->scope));
        return;
    case FHIR_SEARCH_DATE:
        if (date_interval(&interval, emitter->search, item, emitter->scope)) {
            image_rows(maker, key_int64_bits(interval.start_us), key_int64_bits(interval.end_us));
        }
        return;
    case FHIR_SEARCH_NUMBER:
        number_each(emitter->search, item, on_second_number, maker, emitter->scope);
        return;
    default:
        return;
    }
}

static void on_head(void *context, const struct token *token) {
    struct row_maker *maker = context;
    maker->head = (struct head){token->code, token->system};
    for (size_t i = 0; i < maker->seconds.count; i++) {
        on_second(maker, &maker->seconds.at[i]);
    }
}

/* Bounded, since a base element may hold any number of values; what a program refuses to evaluate gives none. */
static struct fhirpath_items component_items(
    struct emitter *emitter, const struct component *component, const struct fhirpath_item *base) {
    struct fhirpath_item copy = *base;
    struct fhirpath_items input = {&copy, 1}, items = {NULL, 0};
    struct scope trial = {.arena = emitter->scope->arena, .deadline_us = emitter->scope->deadline_us};
    if (fhirpath_evaluate(&items, component->program, &input, emitter->environment, &trial) != STATUS_OK) {
        return (struct fhirpath_items){NULL, 0};
    }
    items.count = items.count < PARTS_MAX ? items.count : PARTS_MAX;
    return items;
}

static struct text reference_head(struct emitter *emitter, const struct fhirpath_item *item) {
    struct text value = reference_of_item(emitter->search, item, emitter->scope);
    struct fhir_reference reference;
    if (value.size > 0 && fhir_reference_parse(&reference, value, emitter->search->own_base) &&
        reference.kind == FHIR_REFERENCE_LOCAL) {
        return text_format(
            emitter->scope->arena, "%s/%.*s", fhir_type_name(reference.type), (int)reference.id.size, reference.id.at);
    }
    return value;
}

static void composite_emit(struct emitter *emitter, const struct fhirpath_item *base) {
    const struct slot *slot = emitter->slot;
    if (slot->component_count < 2) {
        return;
    }
    struct fhirpath_items heads = component_items(emitter, &slot->components[0], base);
    if (heads.count == 0) {
        return;
    }
    struct row_maker maker = {
        .emitter = emitter, .slot = slot, .seconds = component_items(emitter, &slot->components[1], base)};
    if (slot->component_count == 3) {
        maker.thirds = component_items(emitter, &slot->components[2], base);
    }
    for (size_t i = 0; i < heads.count && maker.seconds.count > 0; i++) {
        if (slot->components[0].type == FHIR_SEARCH_TOKEN) {
            token_each(emitter->search, &heads.at[i], on_head, &maker, emitter->scope);
        } else {
            const struct token token = {{NULL, 0}, reference_head(emitter, &heads.at[i])};
            on_head(&maker, &token);
        }
    }
}

/* ---- plans --------------------------------------------------------------------------------------------------------- */

/* A query, cut at its dollars; the head is read. */
struct composite_query {
    struct planner *planner;
    struct slot *slot;
    struct criterion parts[COMPONENTS_MAX];
    struct token_query head;
    struct plan_list list;
};

static struct key query_key(const struct composite_query *query) {
    struct key key = {0};
    key_put_hash(&key, query->head.code);
    return key;
}

/* The bytes that must stand at the key's end: some hashes in a row, then the head's system where it is asked for. */
static struct plan_filter tail_filter(struct composite_query *query, const struct key *before_system) {
    struct key tail = *before_system;
    int behind = KEY_HASH_SIZE;
    if (!query->head.any_system) {
        key_put_hash(&tail, query->head.system);
        behind = 0;
    }
    if (tail.size == 0) {
        return (struct plan_filter){.kind = STORE_FILTER_NONE};
    }
    return plan_filter_equal(query->planner, -(int)tail.size - behind, key_text(&tail));
}

static enum status list_images(struct composite_query *query, enum facet facet, const struct key *prefix_key,
    struct image_range range, const struct plan_filter *filter) {
    struct arena *arena = query->planner->scope->arena;
    struct text prefix = key_copy(arena, prefix_key);
    plan_node node;
    enum status status = plan_range(&node, query->planner, query->slot, facet, image_low(arena, prefix, range),
        image_high(arena, prefix, range), filter);
    plan_list_add(query->planner, &query->list, node);
    return status;
}

static enum status plan_second_token(struct composite_query *query) {
    struct token_query second;
    enum status status = token_query_read(&second, query->planner, &query->parts[1]);
    if (status != STATUS_OK) {
        return status;
    }
    if (second.any_code) {
        return criterion_malformed(query->planner, &query->parts[1], "a code in each part of a composite");
    }
    struct key prefix = query_key(query), tail = {0};
    key_put_hash(&prefix, second.code);
    if (!second.any_system) {
        key_put_hash(&tail, second.system);
    }
    struct plan_filter filter = tail_filter(query, &tail);
    plan_node node;
    status = plan_prefix(
        &node, query->planner, query->slot, FACET_MAIN, key_copy(query->planner->scope->arena, &prefix), &filter);
    plan_list_add(query->planner, &query->list, node);
    return status;
}

static enum status list_quantity(struct composite_query *query, enum facet facet, const struct image_ranges *ranges,
    struct text unit, struct text system) {
    struct key tail = {0};
    if (system.size > 0) {
        key_put_unit_hash(&tail, system);
    }
    if (unit.size > 0) {
        key_put_unit_hash(&tail, unit);
    }
    struct plan_filter filter = tail_filter(query, &tail);
    struct key prefix = query_key(query);
    enum status status = STATUS_OK;
    for (int i = 0; i < ranges->count && status == STATUS_OK; i++) {
        status = list_images(query, facet, &prefix, ranges->at[i], &filter);
    }
    return status;
}

static enum status plan_second_quantity(struct composite_query *query) {
    const struct text nothing = {NULL, 0};
    struct quantity_query second;
    enum status status = quantity_query_read(&second, query->planner, &query->parts[1]);
    if (status == STATUS_OK && (second.any_unit || second.any_system || !second.is_convertible)) {
        status =
            list_quantity(query, FACET_MAIN, &second.given, second.unit, second.any_system ? nothing : second.system);
    }
    if (status != STATUS_OK || !second.is_convertible) {
        return status;
    }
    struct text unit = text_copy(query->planner->scope->arena, text_from(second.conversion.canonical));
    status = list_quantity(query, FACET_MAIN, &second.canonical, unit, TEXT(UCUM_SYSTEM));
    return status == STATUS_OK ? list_quantity(query, FACET_CONVERTED, &second.canonical, unit, TEXT(UCUM_SYSTEM))
                               : status;
}

static enum status plan_second_string(struct composite_query *query) {
    struct arena *arena = query->planner->scope->arena;
    struct text folded = string_fold(arena, value_unescape(arena, query->parts[1].value));
    if (folded.size == 0) {
        return criterion_malformed(query->planner, &query->parts[1], "some letters or digits");
    }
    if (folded.size > ROW_TEXT_MAX) {
        folded.size = ROW_TEXT_MAX;
    }
    struct key prefix = query_key(query), tail = {0};
    struct string_range range = string_prefix_range(arena, key_copy(arena, &prefix), folded);
    struct plan_filter filter = tail_filter(query, &tail);
    plan_node node;
    enum status status = plan_range(&node, query->planner, query->slot, FACET_MAIN, range.low, range.high, &filter);
    plan_list_add(query->planner, &query->list, node);
    return status;
}

static struct key head_and_system(const struct composite_query *query) {
    struct key key = query_key(query);
    key_put_hash(&key, query->head.any_system ? (struct text){any_system, sizeof any_system - 1} : query->head.system);
    return key;
}

static enum status list_image_pairs(
    struct composite_query *query, struct image_range first, struct image_range second) {
    struct key prefix = head_and_system(query);
    struct plan_filter filter = image_filter(query->planner->scope->arena, 3 * KEY_HASH_SIZE, second);
    return list_images(query, FACET_MAIN, &prefix, first, &filter);
}

static enum status plan_second_date(struct composite_query *query) {
    struct date_query second;
    enum status status = date_query_read(&second, query->planner, &query->parts[1]);
    for (int i = 0; status == STATUS_OK && i < second.count; i++) {
        status = list_image_pairs(query, second.at[i].start, second.at[i].end);
    }
    return status;
}

static enum status number_part(struct image_ranges *out, struct composite_query *query, int part) {
    struct planner *planner = query->planner;
    struct text value = value_unescape(planner->scope->arena, query->parts[part].value);
    enum value_prefix prefix;
    if (!value_take_prefix(&prefix, &value)) {
        return criterion_malformed(planner, &query->parts[part], "numbers, with a comparison prefix or none");
    }
    return number_ranges(out, planner, &query->parts[part], prefix, value, NULL);
}

static enum status plan_numbers(struct composite_query *query) {
    struct image_ranges first, second = {.at = {{0, UINT64_MAX}}, .count = 1};
    enum status status = number_part(&first, query, 1);
    if (status == STATUS_OK && query->slot->component_count == 3) {
        status = number_part(&second, query, 2);
    }
    for (int i = 0; status == STATUS_OK && i < first.count; i++) {
        for (int j = 0; status == STATUS_OK && j < second.count; j++) {
            status = list_image_pairs(query, first.at[i], second.at[j]);
        }
    }
    return status;
}

static enum status head_read(struct composite_query *query) {
    struct planner *planner = query->planner;
    const struct criterion *part = &query->parts[0];
    if (query->slot->components[0].type == FHIR_SEARCH_TOKEN) {
        enum status status = token_query_read(&query->head, planner, part);
        return status == STATUS_OK && query->head.any_code
                   ? criterion_malformed(planner, part, "a code in each part of a composite")
                   : status;
    }
    struct text value = value_unescape(planner->scope->arena, part->value);
    struct fhir_reference reference;
    if (fhir_reference_parse(&reference, value, planner->search->own_base) && reference.kind == FHIR_REFERENCE_LOCAL) {
        value = text_format(
            planner->scope->arena, "%s/%.*s", fhir_type_name(reference.type), (int)reference.id.size, reference.id.at);
    } else if (memchr(value.at, ':', value.size) == NULL) {
        return criterion_malformed(planner, part, "Type/id or a URL");
    }
    query->head = (struct token_query){.code = value, .any_system = true};
    return STATUS_OK;
}

static enum status parts_cut(struct composite_query *query, const struct criterion *criterion) {
    struct text rest = criterion->value;
    size_t count = 0;
    for (; rest.at != NULL && count < query->slot->component_count; count++) {
        query->parts[count] = *criterion;
        query->parts[count].value = value_cut(&rest, '$');
        if (query->parts[count].value.size == 0) {
            break;
        }
    }
    if (rest.at != NULL || count != query->slot->component_count) {
        return criterion_malformed(query->planner, criterion,
            query->slot->component_count == 3 ? "three values with $ between" : "two values with $ between");
    }
    return STATUS_OK;
}

static enum status second_plan(struct composite_query *query) {
    switch (query->slot->components[1].type) {
    case FHIR_SEARCH_TOKEN:
        return plan_second_token(query);
    case FHIR_SEARCH_QUANTITY:
        return plan_second_quantity(query);
    case FHIR_SEARCH_STRING:
        return plan_second_string(query);
    case FHIR_SEARCH_DATE:
        return plan_second_date(query);
    case FHIR_SEARCH_NUMBER:
        return plan_numbers(query);
    default:
        return fault(query->planner->scope, STATUS_UNSUPPORTED, "", "%.*s: composites of this kind are not served",
            (int)query->parts[0].name.size, query->parts[0].name.at);
    }
}

static enum status composite_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct composite_query query = {.planner = planner, .slot = use->slot};
    enum status status = parts_cut(&query, criterion);
    if (status == STATUS_OK) {
        status = head_read(&query);
    }
    if (status == STATUS_OK) {
        status = second_plan(&query);
    }
    if (status == STATUS_OK) {
        *out = plan_union(planner, &query.list);
    }
    return status;
}

const struct kind kind_composite = {composite_emit, composite_plan};
