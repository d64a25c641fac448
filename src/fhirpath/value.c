#include "fhirpath/value.h"

#include <string.h>

/* ---- conversion ------------------------------------------------------------------------------------------------- */

/* A primitive's System kind, told by its JSON and, for strings, by the type's name. */
static enum fhirpath_kind string_kind(fhir_type type) {
    static const struct {
        const char *name;
        enum fhirpath_kind kind;
    } moments[] = {{"date", FHIRPATH_DATE}, {"dateTime", FHIRPATH_DATETIME}, {"instant", FHIRPATH_DATETIME},
        {"time", FHIRPATH_TIME}};
    const char *name = fhir_type_name(type);
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        if (name[0] == moments[i].name[0] && strcmp(name, moments[i].name) == 0) {
            return moments[i].kind;
        }
    }
    return FHIRPATH_STRING;
}

static bool quantity_value(struct fhirpath_item *out, const yyjson_val *node) {
    struct text number = json_number_text(json_get(node, "value"));
    if (number.at == NULL) {
        return false;
    }
    struct text code = json_get_text(node, "code"), unit = json_get_text(node, "unit");
    *out = (struct fhirpath_item){.kind = FHIRPATH_QUANTITY, .text = number};
    out->unit = code.size > 0 ? code : unit.size > 0 ? unit : TEXT("1");
    return true;
}

bool item_value(struct fhirpath_item *out, const struct machine *m, const struct fhirpath_item *item) {
    if (item->kind != FHIRPATH_NODE) {
        *out = *item;
        return item->kind != FHIRPATH_TYPE;
    }
    yyjson_val *node = (yyjson_val *)item->node;
    if (node == NULL) {
        return false;
    }
    if (yyjson_is_obj(node)) {
        return fhir_type_is(item->type, m->program->types.quantity) && quantity_value(out, node);
    }
    *out = (struct fhirpath_item){.kind = FHIRPATH_STRING};
    if (yyjson_is_str(node)) {
        out->kind = string_kind(item->type);
        out->text = json_text(node);
        return true;
    }
    if (yyjson_is_bool(node)) {
        out->kind = FHIRPATH_BOOLEAN;
        out->boolean = yyjson_get_bool(node);
        return true;
    }
    out->text = json_number_text(node);
    out->kind = item->type != m->program->types.decimal && text_to_int64(&out->integer, out->text) ? FHIRPATH_INTEGER
                                                                                                   : FHIRPATH_DECIMAL;
    return out->text.at != NULL;
}

bool item_decimal(struct decimal *out, const struct machine *m, const struct fhirpath_item *item) {
    struct fhirpath_item value;
    if (!item_value(&value, m, item)) {
        return false;
    }
    if (value.kind == FHIRPATH_INTEGER) {
        *out = decimal_from_int64(value.integer);
        return true;
    }
    return value.kind == FHIRPATH_DECIMAL && decimal_parse(out, value.text);
}

bool item_quantity(struct quantity *out, const struct machine *m, const struct fhirpath_item *item) {
    struct fhirpath_item value;
    if (!item_value(&value, m, item)) {
        return false;
    }
    out->unit = value.kind == FHIRPATH_QUANTITY ? value.unit : TEXT("1");
    return value.kind == FHIRPATH_QUANTITY ? decimal_parse(&out->value, value.text)
                                           : item_decimal(&out->value, m, &value);
}

bool item_moment(struct moment *out, const struct machine *m, const struct fhirpath_item *item) {
    struct fhirpath_item value;
    if (!item_value(&value, m, item)) {
        return false;
    }
    switch (value.kind) {
    case FHIRPATH_DATE:
        return moment_parse(out, value.text, MOMENT_DATE);
    case FHIRPATH_DATETIME:
        return moment_parse(out, value.text, MOMENT_DATETIME);
    case FHIRPATH_TIME:
        return moment_parse(out, value.text, MOMENT_TIME);
    default:
        return false;
    }
}

bool item_string(struct text *out, const struct machine *m, const struct fhirpath_item *item) {
    struct fhirpath_item value;
    if (!item_value(&value, m, item) || value.kind != FHIRPATH_STRING) {
        return false;
    }
    *out = value.text;
    return true;
}

struct fhirpath_item value_decimal(struct arena *arena, struct decimal decimal) {
    return (struct fhirpath_item){.kind = FHIRPATH_DECIMAL, .text = decimal_format(arena, decimal)};
}

struct fhirpath_item value_quantity(struct arena *arena, const struct quantity *quantity) {
    return (struct fhirpath_item){
        .kind = FHIRPATH_QUANTITY, .text = decimal_format(arena, quantity->value), .unit = quantity->unit};
}

struct fhirpath_item value_moment(struct arena *arena, const struct moment *moment) {
    static const enum fhirpath_kind kinds[] = {
        [MOMENT_DATE] = FHIRPATH_DATE, [MOMENT_DATETIME] = FHIRPATH_DATETIME, [MOMENT_TIME] = FHIRPATH_TIME};
    return (struct fhirpath_item){.kind = kinds[moment->kind], .text = moment_format(arena, moment)};
}

struct text fhirpath_item_text(const struct fhirpath_item *item, struct scope *scope) {
    switch (item->kind) {
    case FHIRPATH_NODE:
        if (item->node == NULL || yyjson_is_ctn((yyjson_val *)item->node)) {
            return (struct text){NULL, 0};
        }
        if (yyjson_is_bool((yyjson_val *)item->node)) {
            return yyjson_get_bool((yyjson_val *)item->node) ? TEXT("true") : TEXT("false");
        }
        return yyjson_is_str((yyjson_val *)item->node) ? json_text(item->node) : json_number_text(item->node);
    case FHIRPATH_BOOLEAN:
        return item->boolean ? TEXT("true") : TEXT("false");
    case FHIRPATH_INTEGER:
        return text_format(scope->arena, "%lld", (long long)item->integer);
    case FHIRPATH_QUANTITY: {
        enum moment_unit unit;
        bool is_word = false;
        unit_calendar(&unit, &is_word, item->unit);
        return text_format(scope->arena, is_word ? "%.*s %.*s" : "%.*s '%.*s'", (int)item->text.size, item->text.at,
            (int)item->unit.size, item->unit.at);
    }
    case FHIRPATH_TYPE:
        return text_format(
            scope->arena, "%.*s.%.*s", (int)item->unit.size, item->unit.at, (int)item->text.size, item->text.at);
    case FHIRPATH_DECIMAL:
    case FHIRPATH_STRING:
    case FHIRPATH_DATE:
    case FHIRPATH_DATETIME:
    case FHIRPATH_TIME:
        return item->text;
    }
    return (struct text){NULL, 0};
}

enum status collection_truth(enum truth *out, struct machine *m, const struct node *node, const struct collection *c) {
    struct fhirpath_item value;
    if (c->count > 1) {
        return machine_fault(m, node, "a condition is due, not several values");
    }
    if (c->count == 0) {
        *out = TRUTH_EMPTY;
    } else if (item_value(&value, m, &c->at[0]) && value.kind == FHIRPATH_BOOLEAN) {
        *out = value.boolean ? TRUTH_TRUE : TRUTH_FALSE;
    } else {
        *out = TRUTH_TRUE;
    }
    return STATUS_OK;
}

/* ---- order and equality of values ------------------------------------------------------------------------------- */

static bool is_number(enum fhirpath_kind kind) {
    return kind == FHIRPATH_INTEGER || kind == FHIRPATH_DECIMAL;
}

static bool is_moment(enum fhirpath_kind kind) {
    return kind == FHIRPATH_DATE || kind == FHIRPATH_DATETIME || kind == FHIRPATH_TIME;
}

static enum order number_order(const struct machine *m, const struct fhirpath_item *a, const struct fhirpath_item *b) {
    struct decimal x, y;
    if (a->kind == FHIRPATH_INTEGER && b->kind == FHIRPATH_INTEGER) {
        return (enum order)((a->integer > b->integer) - (a->integer < b->integer));
    }
    return item_decimal(&x, m, a) && item_decimal(&y, m, b) ? (enum order)decimal_compare(x, y) : ORDER_UNKNOWN;
}

/* The order of two System values; also tells equality for all kinds but booleans. */
static enum order value_order(const struct machine *m, const struct fhirpath_item *a, const struct fhirpath_item *b) {
    if (a->kind == FHIRPATH_STRING && b->kind == FHIRPATH_STRING) {
        int order = text_compare(a->text, b->text); /* bytes of UTF-8 sort as code points do */
        return (enum order)((order > 0) - (order < 0));
    }
    if (is_number(a->kind) && is_number(b->kind)) {
        return number_order(m, a, b);
    }
    if (is_moment(a->kind) && is_moment(b->kind)) {
        struct moment x, y;
        return item_moment(&x, m, a) && item_moment(&y, m, b) ? moment_compare(&x, &y) : ORDER_UNKNOWN;
    }
    if ((a->kind == FHIRPATH_QUANTITY || is_number(a->kind)) && (b->kind == FHIRPATH_QUANTITY || is_number(b->kind))) {
        struct quantity x, y;
        return item_quantity(&x, m, a) && item_quantity(&y, m, b) ? quantity_compare(&x, &y) : ORDER_UNKNOWN;
    }
    return ORDER_INCOMPARABLE;
}

enum order items_order(const struct machine *m, const struct fhirpath_item *a, const struct fhirpath_item *b) {
    struct fhirpath_item x, y;
    return item_value(&x, m, a) && item_value(&y, m, b) ? value_order(m, &x, &y) : ORDER_INCOMPARABLE;
}

/* ---- deep comparison of JSON ------------------------------------------------------------------------------------ */

enum sameness { SAME_EQUAL, SAME_EQUIVALENT };

static bool text_is_equivalent(struct arena *arena, struct text a, struct text b);

static bool numbers_match(struct text a, struct text b, enum sameness sameness) {
    struct decimal x, y;
    if (a.at == NULL || b.at == NULL || !decimal_parse(&x, a) || !decimal_parse(&y, b)) {
        return text_equal(a, b);
    }
    if (sameness == SAME_EQUIVALENT) {
        x = decimal_trim(x);
        y = decimal_trim(y);
        int scale = x.scale < y.scale ? x.scale : y.scale;
        struct decimal p, q;
        return decimal_round(&p, x, scale, DECIMAL_HALF_AWAY) && decimal_round(&q, y, scale, DECIMAL_HALF_AWAY) &&
               decimal_compare(p, q) == 0;
    }
    return decimal_compare(x, y) == 0;
}

static enum status json_match(bool *out, struct machine *m, yyjson_val *a, yyjson_val *b, enum sameness sameness);

static enum status arrays_match(bool *out, struct machine *m, yyjson_val *a, yyjson_val *b, enum sameness sameness) {
    yyjson_arr_iter first, second;
    *out = yyjson_arr_size(a) == yyjson_arr_size(b);
    yyjson_arr_iter_init(a, &first);
    yyjson_arr_iter_init(b, &second);
    enum status status = STATUS_OK;
    while (*out && status == STATUS_OK && yyjson_arr_iter_has_next(&first)) {
        status = json_match(out, m, yyjson_arr_iter_next(&first), yyjson_arr_iter_next(&second), sameness);
    }
    return status;
}

static enum status objects_match(bool *out, struct machine *m, yyjson_val *a, yyjson_val *b, enum sameness sameness) {
    size_t index, count;
    yyjson_val *key, *value;
    *out = yyjson_obj_size(a) == yyjson_obj_size(b);
    yyjson_obj_foreach(a, index, count, key, value) {
        yyjson_val *other = *out ? yyjson_obj_getn(b, yyjson_get_str(key), yyjson_get_len(key)) : NULL;
        if (other == NULL) {
            *out = false;
            return STATUS_OK;
        }
        enum status status = json_match(out, m, value, other, sameness);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static enum status json_match(bool *out, struct machine *m, yyjson_val *a, yyjson_val *b, enum sameness sameness) {
    enum status status = machine_step(m, 1);
    if (status != STATUS_OK) {
        return status;
    }
    if (yyjson_is_obj(a) && yyjson_is_obj(b)) {
        return objects_match(out, m, a, b, sameness);
    }
    if (yyjson_is_arr(a) && yyjson_is_arr(b)) {
        return arrays_match(out, m, a, b, sameness);
    }
    if (yyjson_is_str(a) && yyjson_is_str(b)) {
        *out = sameness == SAME_EQUAL ? text_equal(json_text(a), json_text(b))
                                      : text_is_equivalent(m->scope->arena, json_text(a), json_text(b));
    } else if (json_number_text(a).at != NULL) {
        *out = numbers_match(json_number_text(a), json_number_text(b), sameness);
    } else {
        *out = yyjson_get_type(a) == yyjson_get_type(b) && yyjson_get_subtype(a) == yyjson_get_subtype(b) &&
               !yyjson_is_ctn(a);
    }
    return STATUS_OK;
}

static enum status nodes_match(bool *out, struct machine *m, const struct fhirpath_item *a,
    const struct fhirpath_item *b, enum sameness sameness) {
    if (a->kind != b->kind || a->kind != FHIRPATH_NODE) {
        *out = a->kind == FHIRPATH_TYPE && b->kind == FHIRPATH_TYPE && text_equal(a->text, b->text) &&
               text_equal(a->unit, b->unit);
        return STATUS_OK;
    }
    if (a->node == b->node && a->companion == b->companion) {
        *out = true;
        return STATUS_OK;
    }
    const yyjson_val *first = a->node != NULL ? a->node : a->companion,
                     *second = b->node != NULL ? b->node : b->companion;
    if (first == NULL || second == NULL || (a->node == NULL) != (b->node == NULL)) {
        *out = false;
        return STATUS_OK;
    }
    return json_match(out, m, (yyjson_val *)first, (yyjson_val *)second, sameness);
}

/* ---- equality and equivalence ----------------------------------------------------------------------------------- */

enum status items_equal(
    enum truth *out, struct machine *m, const struct fhirpath_item *a, const struct fhirpath_item *b) {
    struct fhirpath_item x, y;
    bool has_x = item_value(&x, m, a), has_y = item_value(&y, m, b), same = false;
    enum status status = machine_step(m, 1);
    if (!has_x || !has_y) {
        if (status == STATUS_OK && has_x == has_y) {
            status = nodes_match(&same, m, a, b, SAME_EQUAL);
        }
        *out = same ? TRUTH_TRUE : TRUTH_FALSE;
        return status;
    }
    if (x.kind == FHIRPATH_BOOLEAN && y.kind == FHIRPATH_BOOLEAN) {
        *out = x.boolean == y.boolean ? TRUTH_TRUE : TRUTH_FALSE;
        return status;
    }
    enum order order = value_order(m, &x, &y);
    *out = order == ORDER_UNKNOWN ? TRUTH_EMPTY : order == ORDER_EQUAL ? TRUTH_TRUE : TRUTH_FALSE;
    return status;
}

/* Without case and with every run of white space as one blank (FHIRPath 6.1.2), by the house's search form. */
static bool text_is_equivalent(struct arena *arena, struct text a, struct text b) {
    return text_equal(a, b) || text_equal(text_fold(arena, text_trim(a)), text_fold(arena, text_trim(b)));
}

static bool values_are_equivalent(struct machine *m, const struct fhirpath_item *x, const struct fhirpath_item *y) {
    if (x->kind == FHIRPATH_BOOLEAN || y->kind == FHIRPATH_BOOLEAN) {
        return x->kind == y->kind && x->boolean == y->boolean;
    }
    if (x->kind == FHIRPATH_STRING && y->kind == FHIRPATH_STRING) {
        return text_is_equivalent(m->scope->arena, x->text, y->text);
    }
    if (is_number(x->kind) && is_number(y->kind)) {
        return numbers_match(fhirpath_item_text(x, m->scope), fhirpath_item_text(y, m->scope), SAME_EQUIVALENT);
    }
    if (x->kind == FHIRPATH_QUANTITY || y->kind == FHIRPATH_QUANTITY) {
        struct quantity p, q;
        return item_quantity(&p, m, x) && item_quantity(&q, m, y) && quantity_is_equivalent(&p, &q);
    }
    return value_order(m, x, y) == ORDER_EQUAL;
}

enum status items_equivalent(
    bool *out, struct machine *m, const struct fhirpath_item *a, const struct fhirpath_item *b) {
    struct fhirpath_item x, y;
    bool has_x = item_value(&x, m, a), has_y = item_value(&y, m, b);
    enum status status = machine_step(m, 1);
    *out = false;
    if (has_x && has_y) {
        *out = values_are_equivalent(m, &x, &y);
        return status;
    }
    return status == STATUS_OK && has_x == has_y ? nodes_match(out, m, a, b, SAME_EQUIVALENT) : status;
}

/* ---- sets ------------------------------------------------------------------------------------------------------- */

enum status collection_contains(
    bool *out, struct machine *m, const struct collection *c, const struct fhirpath_item *item) {
    *out = false;
    for (size_t i = 0; i < c->count; i++) {
        enum truth truth;
        enum status status = items_equal(&truth, m, &c->at[i], item);
        if (status != STATUS_OK) {
            return status;
        }
        if (truth == TRUTH_TRUE) {
            *out = true;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

enum { HASH_FROM_COUNT = 16 };

/* Equal items have equal hashes: strings by their text; the rest by what no equality overlooks. */
static uint64_t item_hash(const struct machine *m, const struct fhirpath_item *item) {
    struct fhirpath_item value;
    if (!item_value(&value, m, item)) {
        return yyjson_is_obj((yyjson_val *)item->node) ? 2 + yyjson_obj_size((yyjson_val *)item->node) : 1;
    }
    if (value.kind != FHIRPATH_STRING) {
        if (value.kind != FHIRPATH_INTEGER && value.kind != FHIRPATH_DECIMAL) {
            return 0;
        }
        struct decimal decimal;
        return item_decimal(&decimal, m, &value)
                   ? (uint64_t)decimal_trim(decimal).mantissa * UINT64_C(11400714819323198485)
                   : 0;
    }
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < value.text.size; i++) {
        hash = (hash ^ (unsigned char)value.text.at[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

/* Open addressing; a slot holds an index into the collection plus 1. Items of one hash are compared one by one. */
struct item_set {
    uint32_t *slots;
    uint64_t *hashes;
    size_t mask;
};

static enum status set_add(
    struct collection *out, struct item_set *set, struct machine *m, const struct fhirpath_item *item) {
    uint64_t hash = item_hash(m, item);
    size_t slot = (hash ^ (hash >> 32)) & set->mask;
    for (; set->slots[slot] != 0; slot = (slot + 1) & set->mask) {
        enum truth truth = TRUTH_FALSE;
        enum status status = machine_step(m, 1);
        if (status == STATUS_OK && set->hashes[slot] == hash) {
            status = items_equal(&truth, m, &out->at[set->slots[slot] - 1], item);
        }
        if (status != STATUS_OK || truth == TRUTH_TRUE) {
            return status;
        }
    }
    enum status status = collection_add(out, m, item);
    set->slots[slot] = (uint32_t)out->count;
    set->hashes[slot] = hash;
    return status;
}

/* A quantity of unit 1 equals a number of another hash; so collections that hold quantities are compared pair by pair. */
static bool may_hash(const struct machine *m, const struct collection *c) {
    for (size_t i = 0; i < c->count; i++) {
        struct fhirpath_item value;
        if (item_value(&value, m, &c->at[i]) && value.kind == FHIRPATH_QUANTITY) {
            return false;
        }
    }
    return true;
}

enum status collection_add_distinct(struct collection *out, struct machine *m, const struct collection *more) {
    enum status status = STATUS_OK;
    size_t total = out->count + more->count;
    if (total < HASH_FROM_COUNT || total > UINT32_MAX / 4 || !may_hash(m, out) || !may_hash(m, more)) {
        for (size_t i = 0; i < more->count && status == STATUS_OK; i++) {
            bool known = false;
            status = collection_contains(&known, m, out, &more->at[i]);
            if (status == STATUS_OK && !known) {
                status = collection_add(out, m, &more->at[i]);
            }
        }
        return status;
    }
    struct item_set set = {.mask = 31};
    while (set.mask < total * 2) {
        set.mask = set.mask * 2 + 1;
    }
    set.slots = ARENA_ARRAY(m->scope->arena, uint32_t, set.mask + 1);
    set.hashes = ARENA_ARRAY(m->scope->arena, uint64_t, set.mask + 1);
    struct collection before = *out;
    *out = (struct collection){0};
    for (size_t i = 0; i < before.count && status == STATUS_OK; i++) {
        status = set_add(out, &set, m, &before.at[i]);
    }
    for (size_t i = 0; i < more->count && status == STATUS_OK; i++) {
        status = set_add(out, &set, m, &more->at[i]);
    }
    return status;
}
