/* Conversion between System kinds, questions about types, iif, not, the clock. */
#include "fhirpath/functions.h"
#include "fhirpath/value.h"

#include <string.h>
#include <strings.h>

/* ---- one kind into another (FHIRPath 5.5); false: there is no such value ------------------------------------------ */

typedef bool conversion(struct fhirpath_item *out, struct machine *machine, const struct fhirpath_item *value);

static bool word_in(struct text text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (text.size == strlen(words[i]) && strncasecmp(text.at, words[i], text.size) == 0) {
            return true;
        }
    }
    return false;
}

static bool to_boolean(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    static const char *const yes[] = {"true", "t", "yes", "y", "1", "1.0"}, *const no[] = {
                                                                                "false", "f", "no", "n", "0", "0.0"};
    struct decimal decimal;
    *out = (struct fhirpath_item){.kind = FHIRPATH_BOOLEAN, .boolean = value->boolean};
    if (value->kind == FHIRPATH_BOOLEAN) {
        return true;
    }
    if (value->kind == FHIRPATH_STRING) {
        out->boolean = word_in(value->text, yes, sizeof yes / sizeof *yes);
        return out->boolean || word_in(value->text, no, sizeof no / sizeof *no);
    }
    if (!item_decimal(&decimal, m, value)) {
        return false;
    }
    out->boolean = decimal_compare(decimal, decimal_from_int64(1)) == 0;
    return out->boolean || decimal.mantissa == 0;
}

static bool to_integer(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    (void)m;
    *out = (struct fhirpath_item){.kind = FHIRPATH_INTEGER, .integer = value->integer};
    switch (value->kind) {
    case FHIRPATH_INTEGER:
        return true;
    case FHIRPATH_BOOLEAN:
        out->integer = value->boolean;
        return true;
    case FHIRPATH_STRING: {
        bool plus = value->text.size > 1 && value->text.at[0] == '+' && value->text.at[1] != '-';
        struct text digits = {value->text.at + plus, value->text.size - plus};
        return text_to_int64(&out->integer, digits) && out->integer <= INT32_MAX && out->integer >= INT32_MIN;
    }
    default:
        return false;
    }
}

static bool to_decimal(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    struct decimal decimal;
    if (value->kind == FHIRPATH_BOOLEAN) {
        *out = (struct fhirpath_item){.kind = FHIRPATH_DECIMAL, .text = value->boolean ? TEXT("1.0") : TEXT("0.0")};
        return true;
    }
    bool is_text = value->kind == FHIRPATH_STRING && memchr(value->text.at, 'e', value->text.size) == NULL &&
                   memchr(value->text.at, 'E', value->text.size) == NULL;
    if (!(is_text ? decimal_parse(&decimal, value->text) : item_decimal(&decimal, m, value))) {
        return false;
    }
    *out = value_decimal(m->scope->arena, decimal);
    return true;
}

static bool to_moment(
    struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value, enum moment_kind kind) {
    struct moment moment;
    if (value->kind == FHIRPATH_STRING ? !moment_parse(&moment, value->text, kind) : !item_moment(&moment, m, value)) {
        return false;
    }
    if ((moment.kind == MOMENT_TIME) != (kind == MOMENT_TIME)) {
        return false;
    }
    moment.kind = kind;
    if (kind == MOMENT_DATE && moment.precision > MOMENT_DAY) {
        moment.precision = MOMENT_DAY;
        moment.has_zone = false;
    }
    *out = value_moment(m->scope->arena, &moment);
    return true;
}

static bool to_date(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    return to_moment(out, m, value, MOMENT_DATE);
}

static bool to_date_time(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    return to_moment(out, m, value, MOMENT_DATETIME);
}

static bool to_time(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    return to_moment(out, m, value, MOMENT_TIME);
}

/* number, then nothing, a unit in quotes, or a calendar word. */
static bool quantity_from_text(struct fhirpath_item *out, struct text text) {
    struct text rest = text;
    struct decimal decimal;
    while (rest.size > 0 && strchr("+-.0123456789", rest.at[0]) != NULL && rest.at[0] != '\0') {
        rest.at++;
        rest.size--;
    }
    struct text number = {text.at, text.size - rest.size};
    *out = (struct fhirpath_item){.kind = FHIRPATH_QUANTITY, .text = number, .unit = TEXT("1")};
    if (!decimal_parse(&decimal, number)) {
        return false;
    }
    rest = text_trim(rest);
    if (rest.size == 0) {
        return true;
    }
    enum moment_unit unit;
    bool is_word = false;
    if (rest.at[0] == '\'') {
        out->unit = (struct text){rest.at + 1, rest.size - 2};
        return rest.size > 2 && rest.at[rest.size - 1] == '\'' && memchr(out->unit.at, '\'', out->unit.size) == NULL;
    }
    out->unit = unit_singular(rest);
    return unit_calendar(&unit, &is_word, rest) && is_word;
}

static bool to_quantity(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    struct quantity quantity;
    if (value->kind == FHIRPATH_STRING) {
        return quantity_from_text(out, value->text);
    }
    if (value->kind == FHIRPATH_BOOLEAN) {
        *out = (struct fhirpath_item){
            .kind = FHIRPATH_QUANTITY, .text = value->boolean ? TEXT("1.0") : TEXT("0.0"), .unit = TEXT("1")};
        return true;
    }
    if (!item_quantity(&quantity, m, value)) {
        return false;
    }
    *out = value_quantity(m->scope->arena, &quantity);
    return true;
}

static bool to_string(struct fhirpath_item *out, struct machine *m, const struct fhirpath_item *value) {
    *out = (struct fhirpath_item){.kind = FHIRPATH_STRING, .text = fhirpath_item_text(value, m->scope)};
    return out->text.at != NULL;
}

static conversion *const conversions[] = {
    [FHIRPATH_BOOLEAN] = to_boolean,
    [FHIRPATH_INTEGER] = to_integer,
    [FHIRPATH_DECIMAL] = to_decimal,
    [FHIRPATH_STRING] = to_string,
    [FHIRPATH_DATE] = to_date,
    [FHIRPATH_DATETIME] = to_date_time,
    [FHIRPATH_TIME] = to_time,
    [FHIRPATH_QUANTITY] = to_quantity,
};

/* toQuantity(unit) also turns the value into that unit. */
static bool into_unit(struct fhirpath_item *value, struct machine *m, struct text unit) {
    struct quantity quantity;
    if (!item_quantity(&quantity, m, value) || !quantity_convert(&quantity.value, &quantity, unit)) {
        return false;
    }
    quantity.unit = unit;
    *value = value_quantity(m->scope->arena, &quantity);
    return true;
}

static enum status convert(struct fhirpath_item *out, bool *exists, enum presence *presence, const struct call *call) {
    const struct fhirpath_item *item = NULL;
    struct fhirpath_item value;
    struct text unit = {0};
    enum presence has_unit = ABSENT;
    enum status status = call_one(&item, call, call->input);
    *presence = item != NULL ? PRESENT : ABSENT;
    *exists = false;
    if (status == STATUS_OK && call_has(call, 0)) {
        status = call_argument_text(&unit, &has_unit, call, 0);
    }
    if (status != STATUS_OK || item == NULL) {
        return status;
    }
    *exists = item_value(&value, call->machine, item) &&
              conversions[call->node->function->detail](out, call->machine, &value) &&
              (has_unit == ABSENT || into_unit(out, call->machine, unit));
    return STATUS_OK;
}

enum status convert_run(struct collection *out, const struct call *call) {
    struct fhirpath_item value;
    bool exists;
    enum presence presence;
    enum status status = convert(&value, &exists, &presence, call);
    return status == STATUS_OK && exists ? collection_add(out, call->machine, &value) : status;
}

enum status converts_run(struct collection *out, const struct call *call) {
    struct fhirpath_item value;
    bool exists;
    enum presence presence;
    enum status status = convert(&value, &exists, &presence, call);
    return status != STATUS_OK || presence == ABSENT ? status : give_boolean(out, call, exists);
}

/* ---- types ------------------------------------------------------------------------------------------------------ */

enum status is_run(struct collection *out, const struct call *call) {
    const struct fhirpath_item *item = NULL;
    enum status status = call_one(&item, call, call->input);
    return status != STATUS_OK || item == NULL ? status
                                               : give_boolean(out, call, item_is_type(item, &call->node->type));
}

/* as() too: FHIRPath wants one item there, but R4's own invariants ask it of many (dom-3: %resource.descendants().as(uri)), so
 * that only fhirpath_check calls several a fault. */
enum status of_type_run(struct collection *out, const struct call *call) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < call->input->count; i++) {
        if (item_is_exact_type(&call->input->at[i], &call->node->type)) {
            status = collection_add(out, call->machine, &call->input->at[i]);
        }
    }
    return status;
}

enum status type_run(struct collection *out, const struct call *call) {
    static const char *const names[] = {
        [FHIRPATH_BOOLEAN] = "Boolean",
        [FHIRPATH_INTEGER] = "Integer",
        [FHIRPATH_DECIMAL] = "Decimal",
        [FHIRPATH_STRING] = "String",
        [FHIRPATH_DATE] = "Date",
        [FHIRPATH_DATETIME] = "DateTime",
        [FHIRPATH_TIME] = "Time",
        [FHIRPATH_QUANTITY] = "Quantity",
        [FHIRPATH_TYPE] = "TypeInfo",
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < call->input->count; i++) {
        const struct fhirpath_item *item = &call->input->at[i];
        bool is_node = item->kind == FHIRPATH_NODE;
        struct fhirpath_item type = {.kind = FHIRPATH_TYPE, .unit = is_node ? TEXT("FHIR") : TEXT("System")};
        type.text = text_from(is_node ? fhir_type_name(item->type) : names[item->kind]);
        status = collection_add(out, call->machine, &type);
    }
    return status;
}

/* ---- logic ------------------------------------------------------------------------------------------------------ */

enum status not_run(struct collection *out, const struct call *call) {
    enum truth truth;
    enum status status = collection_truth(&truth, call->machine, call->node, call->input);
    return status != STATUS_OK || truth == TRUTH_EMPTY ? status : give_boolean(out, call, truth == TRUTH_FALSE);
}

/* Its arguments see the input as $this, but the $index and $total of where it stands. */
enum status iif_run(struct collection *out, const struct call *call) {
    struct collection criterion = {0};
    struct frame frame = {call->input, call->frame->index, call->frame->total};
    enum truth truth;
    if (call->input->count > 1) {
        return machine_fault(call->machine, call->node, "one value is due, not several");
    }
    enum status status = node_evaluate(&criterion, call->machine, call->node->argument[0], &frame);
    if (status == STATUS_OK) {
        status = collection_truth(&truth, call->machine, call->node, &criterion);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (truth != TRUTH_TRUE && !call_has(call, 2)) {
        return STATUS_OK;
    }
    return node_evaluate(out, call->machine, call->node->argument[truth == TRUTH_TRUE ? 1 : 2], &frame);
}

/* ---- the clock and trace ---------------------------------------------------------------------------------------- */

enum status clock_run(struct collection *out, const struct call *call) {
    static const enum moment_kind kinds[] = {
        [CLOCK_NOW] = MOMENT_DATETIME, [CLOCK_TODAY] = MOMENT_DATE, [CLOCK_TIME] = MOMENT_TIME};
    const struct fhirpath_environment *environment = call->machine->environment;
    struct moment moment =
        moment_from_clock(kinds[call->node->function->detail], environment->now_us, environment->zone_minutes);
    struct fhirpath_item item = value_moment(call->machine->scope->arena, &moment);
    return collection_add(out, call->machine, &item);
}

/* Nothing is logged: what passes here is a patient's. It goes to whoever asked for it, if anybody did. */
enum status trace_run(struct collection *out, const struct call *call) {
    const struct fhirpath_environment *environment = call->machine->environment;
    struct text name;
    enum presence presence;
    struct collection projected = {0};
    enum status status = call_argument_text(&name, &presence, call, 0);
    for (size_t i = 0; call_has(call, 1) && status == STATUS_OK && i < call->input->count; i++) {
        struct collection one = {0};
        status = call_each(&one, call, 1, &call->input->at[i], (int64_t)i);
        if (status == STATUS_OK) {
            status = collection_add_all(&projected, call->machine, &one);
        }
    }
    if (status == STATUS_OK && environment->trace != NULL) {
        const struct collection *traced = call_has(call, 1) ? &projected : call->input;
        const struct fhirpath_items items = {.at = traced->at, .count = traced->count};
        status = environment->trace(environment->context, name, &items, call->machine->scope);
    }
    return status != STATUS_OK ? status : collection_add_all(out, call->machine, call->input);
}
