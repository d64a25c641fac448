/* Numbers: exact where the result is a decimal number, 15 digits where it is not. Boundaries and precision. */
#include "fhirpath/functions.h"
#include "fhirpath/value.h"

#include <math.h>

/* The one number of the input; *value keeps its kind. */
static enum status input_number(
    struct fhirpath_item *value, struct decimal *decimal, enum presence *presence, const struct call *call) {
    const struct fhirpath_item *item = NULL;
    enum status status = call_one(&item, call, call->input);
    *presence = item != NULL ? PRESENT : ABSENT;
    if (status != STATUS_OK || item == NULL) {
        return status;
    }
    struct quantity quantity;
    if (!item_value(value, call->machine, item) || !item_quantity(&quantity, call->machine, value)) {
        return machine_fault(call->machine, call->node, "a number is due");
    }
    *decimal = quantity.value;
    return STATUS_OK;
}

static enum status give_decimal(struct collection *out, const struct call *call, struct decimal decimal) {
    struct fhirpath_item item = value_decimal(call->machine->scope->arena, decimal);
    return collection_add(out, call->machine, &item);
}

static enum status give_real(struct collection *out, const struct call *call, long double value) {
    struct decimal decimal;
    return decimal_from_long_double(&decimal, value) ? give_decimal(out, call, decimal) : STATUS_OK;
}

static enum status give_absolute(
    struct collection *out, const struct call *call, const struct fhirpath_item *value, struct decimal decimal) {
    struct decimal absolute = decimal.mantissa < 0 ? decimal_negate(decimal) : decimal;
    if (value->kind == FHIRPATH_QUANTITY) {
        struct quantity quantity = {absolute, value->unit};
        struct fhirpath_item item = value_quantity(call->machine->scope->arena, &quantity);
        return collection_add(out, call->machine, &item);
    }
    int64_t integer;
    if (value->kind == FHIRPATH_INTEGER && decimal_to_int64(&integer, absolute)) {
        return give_integer(out, call, integer);
    }
    return value->kind == FHIRPATH_INTEGER ? STATUS_OK : give_decimal(out, call, absolute);
}

enum status rounding_run(struct collection *out, const struct call *call) {
    static const enum decimal_rounding roundings[] = {
        [MATH_CEILING] = DECIMAL_CEILING, [MATH_FLOOR] = DECIMAL_FLOOR, [MATH_TRUNCATE] = DECIMAL_TOWARD_ZERO};
    struct fhirpath_item value;
    struct decimal decimal;
    enum presence presence;
    int64_t integer;
    int detail = call->node->function->detail;
    enum status status = input_number(&value, &decimal, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    if (detail == MATH_ABS) {
        return give_absolute(out, call, &value, decimal);
    }
    bool exists = decimal_round(&decimal, decimal, 0, roundings[detail]) && decimal_to_int64(&integer, decimal);
    return exists ? give_integer(out, call, integer) : STATUS_OK;
}

enum status real_run(struct collection *out, const struct call *call) {
    struct fhirpath_item value;
    struct decimal decimal;
    enum presence presence;
    enum status status = input_number(&value, &decimal, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    long double x = decimal_to_long_double(decimal);
    switch (call->node->function->detail) {
    case MATH_EXP:
        return give_real(out, call, expl(x));
    case MATH_LN:
        return x > 0 ? give_real(out, call, logl(x)) : STATUS_OK;
    default:
        return x >= 0 ? give_real(out, call, sqrtl(x)) : STATUS_OK;
    }
}

static enum status number_and_argument(struct fhirpath_item *value, struct decimal *x, struct decimal *y,
    enum presence *presence, const struct call *call) {
    struct collection argument = {0};
    const struct fhirpath_item *item = NULL;
    enum status status = input_number(value, x, presence, call);
    if (status == STATUS_OK) {
        status = call_argument(&argument, call, 0);
    }
    if (status == STATUS_OK) {
        status = call_one(&item, call, &argument);
    }
    if (status != STATUS_OK || item == NULL) {
        *presence = ABSENT;
        return status;
    }
    return item_decimal(y, call->machine, item) ? STATUS_OK
                                                : machine_fault(call->machine, call->node, "the argument is a number");
}

enum status log_run(struct collection *out, const struct call *call) {
    struct fhirpath_item value;
    struct decimal x, base;
    enum presence presence;
    enum status status = number_and_argument(&value, &x, &base, &presence, call);
    if (status != STATUS_OK || presence == ABSENT || x.mantissa <= 0 || base.mantissa <= 0) {
        return status;
    }
    return give_real(out, call, logl(decimal_to_long_double(x)) / logl(decimal_to_long_double(base)));
}

enum status power_run(struct collection *out, const struct call *call) {
    struct fhirpath_item value;
    struct decimal base, exponent, result;
    enum presence presence;
    int64_t integer;
    enum status status = number_and_argument(&value, &base, &exponent, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    exponent = decimal_trim(exponent);
    if (exponent.scale == 0 && decimal_to_int64(&integer, exponent) && decimal_power(&result, base, integer)) {
        bool is_integer = value.kind == FHIRPATH_INTEGER && decimal_to_int64(&integer, result);
        return is_integer ? give_integer(out, call, integer) : give_decimal(out, call, result);
    }
    return give_real(out, call, powl(decimal_to_long_double(base), decimal_to_long_double(exponent)));
}

enum status round_run(struct collection *out, const struct call *call) {
    struct fhirpath_item value;
    struct decimal decimal;
    enum presence presence, has_scale = PRESENT;
    int64_t scale = 0;
    enum status status = input_number(&value, &decimal, &presence, call);
    if (status == STATUS_OK && call_has(call, 0)) {
        status = call_argument_integer(&scale, &has_scale, call, 0);
    }
    if (status != STATUS_OK || presence == ABSENT || has_scale == ABSENT) {
        return status;
    }
    if (scale < 0 || scale > DECIMAL_DIGITS_MAX) {
        return machine_fault(call->machine, call->node, "a number of digits from 0 to 37 is due");
    }
    bool exists = scale >= decimal.scale || decimal_round(&decimal, decimal, (int)scale, DECIMAL_HALF_AWAY);
    return exists ? give_decimal(out, call, decimal) : STATUS_OK;
}

/* ---- boundaries ------------------------------------------------------------------------------------------------- */

enum { BOUNDARY_DIGITS_MAX = 28, BOUNDARY_DIGITS_DEFAULT = 8 };

/* Half a unit of the last digit written, below or above, cut outward to `digits`. A number whose digits all lie beyond
 * `digits` yields zero, as the R4 suite has it (LowBoundaryDecimal15, HighBoundaryDecimal15). */
static bool decimal_boundary(struct decimal *out, struct decimal value, enum moment_edge edge, int64_t digits) {
    if (digits < 0 || digits > BOUNDARY_DIGITS_MAX || value.scale >= DECIMAL_DIGITS_MAX) {
        return false;
    }
    struct decimal half = {edge == MOMENT_LOW ? -5 : 5, value.scale + 1}, cut;
    if (digits < value.scale && decimal_round(&cut, value, (int)digits, DECIMAL_TOWARD_ZERO) && cut.mantissa == 0) {
        *out = cut;
        return true;
    }
    return decimal_add(&value, value, half) &&
           decimal_round(out, value, (int)digits, edge == MOMENT_LOW ? DECIMAL_FLOOR : DECIMAL_CEILING);
}

static bool item_boundary(struct fhirpath_item *out, const struct call *call, const struct fhirpath_item *value,
    enum moment_edge edge, const int64_t *digits) {
    static const int64_t defaults[] = {[MOMENT_DATE] = 8, [MOMENT_DATETIME] = 17, [MOMENT_TIME] = 9};
    struct machine *m = call->machine;
    struct moment moment;
    struct quantity quantity;
    if (item_moment(&moment, m, value)) {
        if (!moment_boundary(&moment, &moment, edge, digits != NULL ? *digits : defaults[moment.kind])) {
            return false;
        }
        *out = value_moment(m->scope->arena, &moment);
        return true;
    }
    if (!item_quantity(&quantity, m, value) ||
        !decimal_boundary(&quantity.value, quantity.value, edge, digits != NULL ? *digits : BOUNDARY_DIGITS_DEFAULT)) {
        return false;
    }
    *out = value->kind == FHIRPATH_QUANTITY ? value_quantity(m->scope->arena, &quantity)
                                            : value_decimal(m->scope->arena, quantity.value);
    return true;
}

enum status low_high_run(struct collection *out, const struct call *call) {
    const struct fhirpath_item *item = NULL;
    struct fhirpath_item value, boundary;
    int64_t digits = 0;
    enum presence presence = PRESENT;
    enum status status = call_one(&item, call, call->input);
    if (status == STATUS_OK && call_has(call, 0)) {
        status = call_argument_integer(&digits, &presence, call, 0);
    }
    if (status != STATUS_OK || item == NULL || presence == ABSENT) {
        return status;
    }
    if (!item_value(&value, call->machine, item)) {
        return machine_fault(call->machine, call->node, "a number, date, time or quantity is due");
    }
    enum moment_edge edge = call->node->function->detail == 0 ? MOMENT_LOW : MOMENT_HIGH;
    bool exists = item_boundary(&boundary, call, &value, edge, call_has(call, 0) ? &digits : NULL);
    return exists ? collection_add(out, call->machine, &boundary) : STATUS_OK;
}

enum status precision_run(struct collection *out, const struct call *call) {
    const struct fhirpath_item *item = NULL;
    struct moment moment;
    struct decimal decimal;
    enum status status = call_one(&item, call, call->input);
    if (status != STATUS_OK || item == NULL) {
        return status;
    }
    if (item_moment(&moment, call->machine, item)) {
        return give_integer(out, call, moment_digits(&moment));
    }
    return item_decimal(&decimal, call->machine, item)
               ? give_integer(out, call, decimal.scale)
               : machine_fault(call->machine, call->node, "a decimal, date or time is due");
}

enum status comparable_run(struct collection *out, const struct call *call) {
    struct collection argument = {0};
    const struct fhirpath_item *a = NULL, *b = NULL;
    struct quantity x, y;
    struct unit p, q;
    enum status status = call_one(&a, call, call->input);
    if (status == STATUS_OK) {
        status = call_argument(&argument, call, 0);
    }
    if (status == STATUS_OK) {
        status = call_one(&b, call, &argument);
    }
    if (status != STATUS_OK || a == NULL || b == NULL) {
        return status;
    }
    if (!item_quantity(&x, call->machine, a) || !item_quantity(&y, call->machine, b)) {
        return machine_fault(call->machine, call->node, "quantities are due");
    }
    return give_boolean(out, call, unit_parse(&p, x.unit) && unit_parse(&q, y.unit) && unit_is_comparable(&p, &q));
}
