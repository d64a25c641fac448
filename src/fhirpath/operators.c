/* The binary operators, as a table. Each evaluates its own two arguments. */
#include "fhirpath/value.h"

#include <string.h>

enum { EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

static enum status both(struct collection *left, struct collection *right, const struct call *call) {
    enum status status = call_argument(left, call, 0);
    return status != STATUS_OK ? status : call_argument(right, call, 1);
}

/* Two single values; *ready is false when either is absent. */
static enum status both_single(
    struct fhirpath_item *left, struct fhirpath_item *right, bool *ready, const struct call *call) {
    struct collection first = {0}, second = {0};
    const struct fhirpath_item *a = NULL, *b = NULL;
    *ready = false;
    enum status status = both(&first, &second, call);
    if (status == STATUS_OK) {
        status = call_one(&a, call, &first);
    }
    if (status == STATUS_OK) {
        status = call_one(&b, call, &second);
    }
    if (status != STATUS_OK || a == NULL || b == NULL) {
        return status;
    }
    *ready = true;
    if ((a->kind == FHIRPATH_NODE && a->node == NULL) || (b->kind == FHIRPATH_NODE && b->node == NULL)) {
        *ready = false; /* a primitive that has an extension only */
        return STATUS_OK;
    }
    if (!item_value(left, call->machine, a) || !item_value(right, call->machine, b)) {
        return machine_fault(call->machine, call->node, "a simple value is due on both sides");
    }
    return STATUS_OK;
}

/* ---- equality --------------------------------------------------------------------------------------------------- */

static enum status collections_equal(
    enum truth *out, struct machine *m, const struct collection *a, const struct collection *b) {
    *out = a->count == b->count ? TRUTH_TRUE : TRUTH_FALSE;
    for (size_t i = 0; i < a->count && *out != TRUTH_FALSE; i++) {
        enum truth truth;
        enum status status = items_equal(&truth, m, &a->at[i], &b->at[i]);
        if (status != STATUS_OK) {
            return status;
        }
        if (truth != TRUTH_TRUE) {
            *out = truth;
        }
    }
    return STATUS_OK;
}

static enum status run_equality(struct collection *out, const struct call *call) {
    struct collection left = {0}, right = {0};
    enum truth truth;
    enum status status = both(&left, &right, call);
    if (status != STATUS_OK || left.count == 0 || right.count == 0) {
        return status;
    }
    status = collections_equal(&truth, call->machine, &left, &right);
    if (status != STATUS_OK || truth == TRUTH_EMPTY) {
        return status;
    }
    return give_boolean(out, call, (truth == TRUTH_TRUE) == (call->node->operation->detail == EQUAL));
}

/* In any order: each item of the left takes one of the right that none took before. */
static enum status collections_equivalent(
    bool *out, struct machine *m, const struct collection *a, const struct collection *b) {
    *out = a->count == b->count;
    bool *taken = *out && a->count > 0 ? ARENA_ARRAY(m->scope->arena, bool, a->count) : NULL;
    for (size_t i = 0; *out && i < a->count; i++) {
        bool found = false;
        for (size_t j = 0; j < b->count && !found; j++) {
            enum status status = taken[j] ? STATUS_OK : items_equivalent(&found, m, &a->at[i], &b->at[j]);
            if (status != STATUS_OK) {
                return status;
            }
            taken[j] = taken[j] || found;
        }
        *out = found;
    }
    return STATUS_OK;
}

static enum status run_equivalence(struct collection *out, const struct call *call) {
    struct collection left = {0}, right = {0};
    bool same = false;
    enum status status = both(&left, &right, call);
    if (status == STATUS_OK) {
        status = collections_equivalent(&same, call->machine, &left, &right);
    }
    return status != STATUS_OK ? status : give_boolean(out, call, same == (call->node->operation->detail == EQUAL));
}

static enum status run_comparison(struct collection *out, const struct call *call) {
    struct fhirpath_item left, right;
    bool ready;
    enum status status = both_single(&left, &right, &ready, call);
    if (status != STATUS_OK || !ready) {
        return status;
    }
    enum order order = items_order(call->machine, &left, &right);
    if (order == ORDER_INCOMPARABLE) {
        return machine_fault(call->machine, call->node, "these two cannot be compared");
    }
    if (order == ORDER_UNKNOWN) {
        return STATUS_OK;
    }
    switch (call->node->operation->detail) {
    case LESS:
        return give_boolean(out, call, order == ORDER_LESS);
    case LESS_OR_EQUAL:
        return give_boolean(out, call, order != ORDER_GREATER);
    case GREATER:
        return give_boolean(out, call, order == ORDER_GREATER);
    default:
        return give_boolean(out, call, order != ORDER_LESS);
    }
}

/* ---- logic ------------------------------------------------------------------------------------------------------ */

enum { AND, OR, XOR, IMPLIES };

/* [operator][left][right], false, true, empty (FHIRPath 6.5). */
static const enum truth truth_tables[][3][3] = {
    [AND] = {{TRUTH_FALSE, TRUTH_FALSE, TRUTH_FALSE}, {TRUTH_FALSE, TRUTH_TRUE, TRUTH_EMPTY},
        {TRUTH_FALSE, TRUTH_EMPTY, TRUTH_EMPTY}},
    [OR] = {{TRUTH_FALSE, TRUTH_TRUE, TRUTH_EMPTY}, {TRUTH_TRUE, TRUTH_TRUE, TRUTH_TRUE},
        {TRUTH_EMPTY, TRUTH_TRUE, TRUTH_EMPTY}},
    [XOR] = {{TRUTH_FALSE, TRUTH_TRUE, TRUTH_EMPTY}, {TRUTH_TRUE, TRUTH_FALSE, TRUTH_EMPTY},
        {TRUTH_EMPTY, TRUTH_EMPTY, TRUTH_EMPTY}},
    [IMPLIES] = {{TRUTH_TRUE, TRUTH_TRUE, TRUTH_TRUE}, {TRUTH_FALSE, TRUTH_TRUE, TRUTH_EMPTY},
        {TRUTH_EMPTY, TRUTH_TRUE, TRUTH_EMPTY}},
};

static enum status argument_truth(enum truth *out, const struct call *call, uint32_t argument) {
    struct collection collection = {0};
    enum status status = call_argument(&collection, call, argument);
    return status != STATUS_OK ? status
                               : collection_truth(out, call->machine, call->node->argument[argument], &collection);
}

static enum status run_logic(struct collection *out, const struct call *call) {
    const enum truth(*table)[3] = truth_tables[call->node->operation->detail];
    enum truth left, right = TRUTH_FALSE;
    enum status status = argument_truth(&left, call, 0);
    bool is_settled = status == STATUS_OK && table[left][0] == table[left][1] && table[left][1] == table[left][2] &&
                      table[left][0] != TRUTH_EMPTY;
    if (status == STATUS_OK && !is_settled) { /* invariants guard their right side by their left */
        status = argument_truth(&right, call, 1);
    }
    if (status != STATUS_OK || table[left][right] == TRUTH_EMPTY) {
        return status;
    }
    return give_boolean(out, call, table[left][right] == TRUTH_TRUE);
}

/* ---- collections ------------------------------------------------------------------------------------------------ */

static enum status run_union(struct collection *out, const struct call *call) {
    struct collection left = {0}, right = {0};
    enum status status = both(&left, &right, call);
    if (status != STATUS_OK) {
        return status;
    }
    if (left.count + right.count == 1) {
        return collection_add_all(out, call->machine, left.count > 0 ? &left : &right);
    }
    status = collection_add_distinct(out, call->machine, &left);
    return status != STATUS_OK ? status : collection_add_distinct(out, call->machine, &right);
}

enum { IN, CONTAINS };

static enum status run_membership(struct collection *out, const struct call *call) {
    struct collection left = {0}, right = {0};
    const struct fhirpath_item *item = NULL;
    bool found = false;
    enum status status = both(&left, &right, call);
    bool is_in = call->node->operation->detail == IN;
    const struct collection *single = is_in ? &left : &right, *many = is_in ? &right : &left;
    if (status == STATUS_OK) {
        status = call_one(&item, call, single);
    }
    if (status != STATUS_OK || item == NULL) {
        return status;
    }
    status = collection_contains(&found, call->machine, many, item);
    return status != STATUS_OK ? status : give_boolean(out, call, found);
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------- */

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, DIV, MOD };

static enum status give_decimal(struct collection *out, const struct call *call, struct decimal decimal) {
    struct fhirpath_item item = value_decimal(call->machine->scope->arena, decimal);
    return collection_add(out, call->machine, &item);
}

static enum status integer_arithmetic(struct collection *out, const struct call *call, int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflow = false;
    switch (call->node->operation->detail) {
    case ADD:
        overflow = __builtin_add_overflow(a, b, &result);
        break;
    case SUBTRACT:
        overflow = __builtin_sub_overflow(a, b, &result);
        break;
    case MULTIPLY:
        overflow = __builtin_mul_overflow(a, b, &result);
        break;
    default:
        overflow = b == 0 || (a == INT64_MIN && b == -1);
        if (!overflow) {
            result = call->node->operation->detail == DIV ? a / b : a % b;
        }
        break;
    }
    return overflow ? STATUS_OK : give_integer(out, call, result); /* no such number: empty (FHIRPath 6.6) */
}

static enum status decimal_arithmetic(
    struct collection *out, const struct call *call, struct decimal a, struct decimal b) {
    struct decimal result, quotient;
    int64_t whole = 0;
    bool exists = false;
    switch (call->node->operation->detail) {
    case ADD:
        exists = decimal_add(&result, a, b);
        break;
    case SUBTRACT:
        exists = decimal_add(&result, a, decimal_negate(b));
        break;
    case MULTIPLY:
        exists = decimal_multiply(&result, a, b);
        break;
    case DIVIDE:
        exists = decimal_divide(&result, a, b);
        break;
    case DIV:
        exists = decimal_divide(&quotient, a, b) && decimal_to_int64(&whole, quotient);
        return exists ? give_integer(out, call, whole) : STATUS_OK;
    default:
        exists = decimal_divide(&quotient, a, b) && decimal_round(&quotient, quotient, 0, DECIMAL_TOWARD_ZERO) &&
                 decimal_multiply(&quotient, quotient, b) && decimal_add(&result, a, decimal_negate(quotient));
        break;
    }
    return exists ? give_decimal(out, call, result) : STATUS_OK;
}

static enum status quantity_arithmetic(
    struct collection *out, const struct call *call, const struct quantity *a, const struct quantity *b) {
    struct arena *arena = call->machine->scope->arena;
    struct quantity result = {.unit = a->unit};
    struct decimal other;
    bool exists = false;
    switch (call->node->operation->detail) {
    case ADD:
        exists = quantity_convert(&other, b, a->unit) && decimal_add(&result.value, a->value, other);
        break;
    case SUBTRACT:
        exists = quantity_convert(&other, b, a->unit) && decimal_add(&result.value, a->value, decimal_negate(other));
        break;
    case MULTIPLY:
        exists = quantity_multiply(&result, a, b, arena);
        break;
    case DIVIDE:
        exists = quantity_divide(&result, a, b, arena);
        break;
    default:
        return machine_fault(call->machine, call->node, "quantities have no div and mod");
    }
    if (!exists) {
        return STATUS_OK;
    }
    struct fhirpath_item item = value_quantity(arena, &result);
    return collection_add(out, call->machine, &item);
}

/* The part of the amount after the point counts for seconds alone, and there for the calendar word only, as the R4 suite
 * has it (testPlusDate19). */
static enum status moment_arithmetic(
    struct collection *out, const struct call *call, const struct moment *moment, const struct quantity *quantity) {
    enum moment_unit unit;
    bool is_word = false, minus = call->node->operation->detail == SUBTRACT;
    struct decimal whole, rest, nanoseconds;
    int64_t amount = 0, fraction = 0;
    struct moment result;
    if (!unit_calendar(&unit, &is_word, quantity->unit)) {
        return machine_fault(call->machine, call->node, "a date or time takes calendar units only");
    }
    struct decimal value = minus ? decimal_negate(quantity->value) : quantity->value;
    if (!decimal_round(&whole, value, 0, DECIMAL_TOWARD_ZERO) || !decimal_to_int64(&amount, whole) ||
        !decimal_add(&rest, value, decimal_negate(whole)) ||
        !decimal_multiply(&nanoseconds, rest, decimal_from_int64(1000000000)) ||
        !decimal_to_int64(&fraction, nanoseconds)) {
        return STATUS_OK;
    }
    fraction = unit == MOMENT_UNIT_SECOND && is_word ? fraction : 0;
    if (!moment_add(&result, moment, amount, unit, fraction)) {
        return STATUS_OK; /* beyond the calendar */
    }
    struct fhirpath_item item = value_moment(call->machine->scope->arena, &result);
    return collection_add(out, call->machine, &item);
}

static enum status number_arithmetic(
    struct collection *out, const struct call *call, const struct fhirpath_item *a, const struct fhirpath_item *b) {
    struct machine *m = call->machine;
    struct decimal x, y;
    struct quantity p, q;
    if (a->kind == FHIRPATH_INTEGER && b->kind == FHIRPATH_INTEGER && call->node->operation->detail != DIVIDE) {
        return integer_arithmetic(out, call, a->integer, b->integer);
    }
    if (item_decimal(&x, m, a) && item_decimal(&y, m, b)) {
        return decimal_arithmetic(out, call, x, y);
    }
    if (item_quantity(&p, m, a) && item_quantity(&q, m, b)) {
        return quantity_arithmetic(out, call, &p, &q);
    }
    return machine_fault(m, call->node, "these two cannot be reckoned with");
}

static enum status run_arithmetic(struct collection *out, const struct call *call) {
    struct machine *m = call->machine;
    struct fhirpath_item a, b;
    bool ready;
    struct moment moment;
    enum status status = both_single(&a, &b, &ready, call);
    int detail = call->node->operation->detail;
    if (status != STATUS_OK || !ready) {
        return status;
    }
    if (detail == ADD && a.kind == FHIRPATH_STRING && b.kind == FHIRPATH_STRING) {
        struct buffer buffer = buffer_open(m->scope->arena, a.text.size + b.text.size);
        buffer_put(&buffer, a.text);
        buffer_put(&buffer, b.text);
        return give_text(out, call, FHIRPATH_STRING, buffer_text(&buffer));
    }
    if (item_moment(&moment, m, &a)) {
        struct quantity quantity;
        if (b.kind != FHIRPATH_QUANTITY || (detail != ADD && detail != SUBTRACT) || !item_quantity(&quantity, m, &b)) {
            return machine_fault(m, call->node, "a date or time takes + and - of a quantity");
        }
        return moment_arithmetic(out, call, &moment, &quantity);
    }
    return number_arithmetic(out, call, &a, &b);
}

/* a & b: an absent side is the empty string. */
static enum status run_concatenation(struct collection *out, const struct call *call) {
    struct collection left = {0}, right = {0};
    struct text a = {0}, b = {0};
    enum presence has_a = ABSENT, has_b = ABSENT;
    enum status status = both(&left, &right, call);
    if (status == STATUS_OK) {
        status = call_text(&a, &has_a, call, &left);
    }
    if (status == STATUS_OK) {
        status = call_text(&b, &has_b, call, &right);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct buffer buffer = buffer_open(call->machine->scope->arena, a.size + b.size);
    buffer_put(&buffer, has_a == PRESENT ? a : TEXT(""));
    buffer_put(&buffer, has_b == PRESENT ? b : TEXT(""));
    return give_text(out, call, FHIRPATH_STRING, buffer.size > 0 ? buffer_text(&buffer) : TEXT(""));
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static const struct operation operations[] = {
    {"implies", 1, run_logic, IMPLIES},
    {"or", 2, run_logic, OR},
    {"xor", 2, run_logic, XOR},
    {"and", 3, run_logic, AND},
    {"in", 4, run_membership, IN},
    {"contains", 4, run_membership, CONTAINS},
    {"=", 5, run_equality, EQUAL},
    {"!=", 5, run_equality, NOT_EQUAL},
    {"~", 5, run_equivalence, EQUAL},
    {"!~", 5, run_equivalence, NOT_EQUAL},
    {"<", 6, run_comparison, LESS},
    {"<=", 6, run_comparison, LESS_OR_EQUAL},
    {">", 6, run_comparison, GREATER},
    {">=", 6, run_comparison, GREATER_OR_EQUAL},
    {"|", 7, run_union, 0},
    {"+", 9, run_arithmetic, ADD},
    {"-", 9, run_arithmetic, SUBTRACT},
    {"&", 9, run_concatenation, 0},
    {"*", 10, run_arithmetic, MULTIPLY},
    {"/", 10, run_arithmetic, DIVIDE},
    {"div", 10, run_arithmetic, DIV},
    {"mod", 10, run_arithmetic, MOD},
};

const struct operation *operation_find(struct text symbol) {
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (text_is(symbol, operations[i].symbol)) {
            return &operations[i];
        }
    }
    return NULL;
}
