#include "fhirpath/machine.h"

#include "fhirpath/value.h"

#include <string.h>

enum { DEADLINE_EVERY_STEPS = 4096, COLLECTION_FIRST = 4 };

/* ---- limits and faults ------------------------------------------------------------------------------------------ */

enum status machine_step(struct machine *m, size_t count) {
    if (count > m->steps_left) {
        return fault(m->scope, STATUS_TOO_COSTLY, "", "FHIRPath: more steps than allowed");
    }
    m->steps_left -= count;
    m->steps_since_deadline += count;
    if (m->steps_since_deadline < DEADLINE_EVERY_STEPS) {
        return STATUS_OK;
    }
    m->steps_since_deadline = 0;
    return scope_check_deadline(m->scope);
}

enum status machine_fault(struct machine *m, const struct node *node, const char *what) {
    if (node->kind == NODE_FUNCTION) {
        return fault(m->scope, STATUS_INVALID, "", "FHIRPath, column %u: %s: %s", (unsigned)node->column,
            node->function->name, what);
    }
    return fault(m->scope, STATUS_INVALID, "", "FHIRPath, column %u: %s", (unsigned)node->column, what);
}

/* ---- collections ------------------------------------------------------------------------------------------------ */

static void reserve(struct collection *c, struct machine *m, size_t more) {
    if (c->count + more <= c->capacity) {
        return;
    }
    size_t capacity = c->capacity > 0 ? c->capacity * 2 : COLLECTION_FIRST;
    while (capacity < c->count + more) {
        capacity *= 2;
    }
    size_t item_size = sizeof(struct fhirpath_item);
    if (c->capacity == 0) {
        struct fhirpath_item *at = arena_array(m->scope->arena, capacity, item_size);
        if (c->count > 0) {
            memcpy(at, c->at, c->count * item_size);
        }
        c->at = at;
    } else {
        c->at = arena_resize(m->scope->arena, c->at, c->capacity * item_size, capacity * item_size);
    }
    c->capacity = capacity;
}

enum status collection_add(struct collection *c, struct machine *m, const struct fhirpath_item *item) {
    reserve(c, m, 1);
    c->at[c->count++] = *item;
    return machine_step(m, 1);
}

enum status collection_add_all(struct collection *c, struct machine *m, const struct collection *more) {
    if (more->count == 0) {
        return STATUS_OK;
    }
    if (c->count == 0 && c->capacity == 0) {
        *c = *more;
        c->capacity = 0; /* borrowed: `more` keeps its own */
        return machine_step(m, more->count);
    }
    reserve(c, m, more->count);
    memcpy(c->at + c->count, more->at, more->count * sizeof *more->at);
    c->count += more->count;
    return machine_step(m, more->count);
}

struct collection collection_of(const struct fhirpath_item *item) {
    return (struct collection){(struct fhirpath_item *)item, 1, 0}; /* never written: its capacity is 0 */
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

bool call_has(const struct call *call, uint32_t argument) {
    return argument < call->node->argument_count;
}

enum status call_argument(struct collection *out, const struct call *call, uint32_t argument) {
    return node_evaluate(out, call->machine, call->node->argument[argument], call->frame);
}

enum status call_each(struct collection *out, const struct call *call, uint32_t argument,
    const struct fhirpath_item *item, int64_t index) {
    struct collection focus = collection_of(item);
    struct frame frame = {&focus, index, call->frame->total};
    return node_evaluate(out, call->machine, call->node->argument[argument], &frame);
}

enum status call_one(const struct fhirpath_item **out, const struct call *call, const struct collection *collection) {
    *out = collection->count > 0 ? &collection->at[0] : NULL;
    return collection->count <= 1 ? STATUS_OK
                                  : machine_fault(call->machine, call->node, "one value is due, not several");
}

enum status call_text(
    struct text *out, enum presence *presence, const struct call *call, const struct collection *collection) {
    const struct fhirpath_item *item = NULL;
    enum status status = call_one(&item, call, collection);
    *presence = item != NULL ? PRESENT : ABSENT;
    if (status != STATUS_OK || item == NULL) {
        return status;
    }
    if (item->kind == FHIRPATH_NODE && item->node == NULL) {
        *presence = ABSENT;
        return STATUS_OK;
    }
    return item_string(out, call->machine, item) ? STATUS_OK
                                                 : machine_fault(call->machine, call->node, "a string is due");
}

enum status call_integer(
    int64_t *out, enum presence *presence, const struct call *call, const struct collection *collection) {
    const struct fhirpath_item *item = NULL;
    enum status status = call_one(&item, call, collection);
    *presence = item != NULL ? PRESENT : ABSENT;
    if (status != STATUS_OK || item == NULL) {
        return status;
    }
    struct fhirpath_item value;
    if (!item_value(&value, call->machine, item) || value.kind != FHIRPATH_INTEGER) {
        return machine_fault(call->machine, call->node, "an integer is due");
    }
    *out = value.integer;
    return STATUS_OK;
}

enum status call_argument_text(struct text *out, enum presence *presence, const struct call *call, uint32_t argument) {
    struct collection collection = {0};
    enum status status = call_argument(&collection, call, argument);
    return status != STATUS_OK ? status : call_text(out, presence, call, &collection);
}

enum status call_argument_integer(int64_t *out, enum presence *presence, const struct call *call, uint32_t argument) {
    struct collection collection = {0};
    enum status status = call_argument(&collection, call, argument);
    return status != STATUS_OK ? status : call_integer(out, presence, call, &collection);
}

/* One computed item, in a collection of exactly its size. */
static enum status give(struct collection *out, struct machine *m, const struct fhirpath_item *item) {
    if (out->capacity == 0 && out->count == 0) {
        out->at = arena_alloc(m->scope->arena, sizeof *item);
        out->capacity = 1;
    }
    return collection_add(out, m, item);
}

enum status give_boolean(struct collection *out, const struct call *call, bool value) {
    struct fhirpath_item item = {.kind = FHIRPATH_BOOLEAN, .boolean = value};
    return give(out, call->machine, &item);
}

enum status give_integer(struct collection *out, const struct call *call, int64_t value) {
    struct fhirpath_item item = {.kind = FHIRPATH_INTEGER, .integer = value};
    return give(out, call->machine, &item);
}

enum status give_text(struct collection *out, const struct call *call, enum fhirpath_kind kind, struct text text) {
    struct fhirpath_item item = {.kind = kind, .text = text};
    return give(out, call->machine, &item);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

static enum status evaluate_member(
    struct collection *out, struct machine *m, const struct node *node, const struct collection *input) {
    for (size_t i = 0; i < input->count; i++) {
        const struct fhirpath_item *item = &input->at[i];
        enum status status;
        if (node->type.fhir != FHIR_TYPE_NONE) { /* a type's name where an expression starts */
            bool is_root = item->kind == FHIRPATH_NODE && fhir_type_is(item->type, node->type.fhir);
            status = is_root ? collection_add(out, m, item) : STATUS_OK;
        } else {
            status = member_add(out, m, item, node);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status evaluate_function(struct collection *out, struct machine *m, const struct node *node,
    const struct collection *input, const struct frame *frame) {
    struct call call = {m, node, input, frame};
    return node->function->run(out, &call);
}

static enum status evaluate_index(struct collection *out, struct machine *m, const struct node *node,
    const struct collection *input, const struct frame *frame) {
    struct call call = {m, node, input, frame};
    int64_t index = 0;
    enum presence presence;
    enum status status = call_argument_integer(&index, &presence, &call, 0);
    if (status != STATUS_OK || presence == ABSENT || index < 0 || (uint64_t)index >= input->count) {
        return status;
    }
    return collection_add(out, m, &input->at[index]);
}

static enum status evaluate_type(
    struct collection *out, struct machine *m, const struct node *node, const struct frame *frame) {
    struct collection input = {0};
    struct call call = {m, node, &input, frame};
    enum status status = call_argument(&input, &call, 0);
    if (status != STATUS_OK || input.count == 0) {
        return status;
    }
    if (node->kind == NODE_IS) {
        const struct fhirpath_item *item;
        status = call_one(&item, &call, &input);
        return status != STATUS_OK ? status : give_boolean(out, &call, item_is_type(item, &node->type));
    }
    /* `as` over several items filters, as R4's own search parameters need ("Observation.component.value as Quantity"). */
    for (size_t i = 0; i < input.count && status == STATUS_OK; i++) {
        if (item_is_exact_type(&input.at[i], &node->type)) {
            status = collection_add(out, m, &input.at[i]);
        }
    }
    return status;
}

static enum status evaluate_sign(
    struct collection *out, struct machine *m, const struct node *node, const struct frame *frame) {
    struct collection input = {0};
    struct call call = {m, node, &input, frame};
    const struct fhirpath_item *item = NULL;
    enum status status = call_argument(&input, &call, 0);
    if (status == STATUS_OK) {
        status = call_one(&item, &call, &input);
    }
    if (status != STATUS_OK || item == NULL) {
        return status;
    }
    struct fhirpath_item value;
    struct decimal decimal;
    struct quantity quantity;
    if (!item_value(&value, m, item)) {
        return machine_fault(m, node, "a sign needs a number");
    }
    if (value.kind == FHIRPATH_INTEGER && value.integer != INT64_MIN) {
        return give_integer(out, &call, node->kind == NODE_NEGATE ? -value.integer : value.integer);
    }
    if (value.kind == FHIRPATH_DECIMAL && item_decimal(&decimal, m, &value)) {
        value = value_decimal(m->scope->arena, node->kind == NODE_NEGATE ? decimal_negate(decimal) : decimal);
        return collection_add(out, m, &value);
    }
    if (value.kind == FHIRPATH_QUANTITY && item_quantity(&quantity, m, &value)) {
        quantity.value = node->kind == NODE_NEGATE ? decimal_negate(quantity.value) : quantity.value;
        value = value_quantity(m->scope->arena, &quantity);
        return collection_add(out, m, &value);
    }
    return machine_fault(m, node, "a sign needs a number");
}

static enum status add_resource(struct collection *out, struct machine *m, const yyjson_val *resource) {
    fhir_type type = fhir_resource_type_of(resource);
    struct fhirpath_item item = {.kind = FHIRPATH_NODE, .type = type, .node = resource};
    if (type == FHIR_TYPE_NONE) { /* of no type that R4 knows: a resource without elements of its own */
        item.type = m->program->types.resource;
    }
    if (m->environment->want_paths) {
        item.path = fhir_type_name(item.type);
    }
    return resource != NULL ? collection_add(out, m, &item) : STATUS_OK;
}

static enum status add_string(struct collection *out, struct machine *m, struct text text) {
    struct fhirpath_item item = {.kind = FHIRPATH_STRING, .text = text};
    return collection_add(out, m, &item);
}

/* %vs-x and %ext-x are URLs under HL7's base (R4, fhirpath.html). */
static struct text prefixed_url(struct machine *m, struct text name) {
    static const struct {
        const char *prefix, *base;
    } rows[] = {{"vs-", "http://hl7.org/fhir/ValueSet/"}, {"ext-", "http://hl7.org/fhir/StructureDefinition/"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = strlen(rows[i].prefix);
        if (text_starts(name, rows[i].prefix)) {
            return text_format(m->scope->arena, "%s%.*s", rows[i].base, (int)(name.size - size), name.at + size);
        }
    }
    return (struct text){NULL, 0};
}

static enum status evaluate_constant(struct collection *out, struct machine *m, const struct node *node) {
    static const struct {
        const char *name, *url;
    } systems[] = {
        {"sct", "http://snomed.info/sct"}, {"loinc", "http://loinc.org"}, {"ucum", "http://unitsofmeasure.org"}};
    const struct fhirpath_environment *environment = m->environment;
    for (size_t i = 0; i < environment->variable_count; i++) {
        if (text_equal(node->name, environment->variables[i].name)) {
            struct collection value = {environment->variables[i].items.at, environment->variables[i].items.count, 0};
            return collection_add_all(out, m, &value);
        }
    }
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        if (text_is(node->name, systems[i].name)) {
            return add_string(out, m, text_from(systems[i].url));
        }
    }
    if (text_is(node->name, "context")) {
        return collection_add_all(out, m, &m->context);
    }
    if (text_is(node->name, "resource")) {
        return add_resource(out, m, environment->resource);
    }
    if (text_is(node->name, "rootResource")) {
        return add_resource(
            out, m, environment->root_resource != NULL ? environment->root_resource : environment->resource);
    }
    struct text url = prefixed_url(m, node->name);
    return url.at != NULL ? add_string(out, m, url) : machine_fault(m, node, "an unknown % constant");
}

static enum status evaluate_with_focus(
    struct collection *out, struct machine *m, const struct node *node, const struct frame *frame) {
    struct collection computed = {0};
    const struct collection *input = frame->focus;
    if (node->focus != NULL) {
        enum status status = node_evaluate(&computed, m, node->focus, frame);
        if (status != STATUS_OK) {
            return status;
        }
        input = &computed;
    }
    switch (node->kind) {
    case NODE_MEMBER:
        return evaluate_member(out, m, node, input);
    case NODE_INDEX:
        return evaluate_index(out, m, node, input, frame);
    default:
        return evaluate_function(out, m, node, input, frame);
    }
}

enum status node_evaluate(
    struct collection *out, struct machine *m, const struct node *node, const struct frame *frame) {
    struct fhirpath_item index;
    struct collection literal;
    struct call call = {m, node, NULL, frame};
    *out = (struct collection){0};
    switch (node->kind) {
    case NODE_EMPTY:
        return STATUS_OK;
    case NODE_LITERAL:
        literal = collection_of(&node->literal);
        return collection_add_all(out, m, &literal);
    case NODE_MEMBER:
    case NODE_FUNCTION:
    case NODE_INDEX:
        return evaluate_with_focus(out, m, node, frame);
    case NODE_OPERATION:
        return node->operation->run(out, &call);
    case NODE_NEGATE:
    case NODE_PLUS:
        return evaluate_sign(out, m, node, frame);
    case NODE_IS:
    case NODE_AS:
        return evaluate_type(out, m, node, frame);
    case NODE_THIS:
        return collection_add_all(out, m, frame->focus);
    case NODE_ITEM_INDEX:
        index = (struct fhirpath_item){.kind = FHIRPATH_INTEGER, .integer = frame->index};
        return collection_add(out, m, &index);
    case NODE_TOTAL:
        return frame->total != NULL ? collection_add_all(out, m, frame->total) : STATUS_OK;
    case NODE_CONSTANT:
        return evaluate_constant(out, m, node);
    }
    return STATUS_OK;
}

enum status fhirpath_evaluate(struct fhirpath_items *out, const struct fhirpath *program,
    const struct fhirpath_items *input, const struct fhirpath_environment *environment, struct scope *scope) {
    struct machine m = {
        .program = program,
        .environment = environment,
        .scope = scope,
        .steps_left = environment->steps_max > 0 ? environment->steps_max : FHIRPATH_STEPS_DEFAULT,
    };
    struct collection result = {0}, focus = {0};
    enum status status = STATUS_OK;
    if (input != NULL) {
        focus = (struct collection){input->at, input->count, 0};
        for (size_t i = 0; i < focus.count; i++) {
            invariant(focus.at[i].kind != FHIRPATH_NODE || focus.at[i].type != FHIR_TYPE_NONE);
        }
    } else {
        status = add_resource(&focus, &m, environment->resource);
    }
    if (status != STATUS_OK) {
        return status;
    }
    m.context = focus;
    struct frame frame = {&focus, 0, NULL};
    status = node_evaluate(&result, &m, program->root, &frame);
    *out = (struct fhirpath_items){result.at, result.count};
    return status;
}
