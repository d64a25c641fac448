#include "fhirpath/infer.h"

#include <string.h>

/* What is known before evaluation. NONE and not `is_system`: nothing. */
struct inferred {
    fhir_type type;
    bool is_system;
    enum fhirpath_kind system;
    bool is_many, is_unordered;
};

struct inference {
    struct scope *scope; /* NULL while annotating: nothing is a fault */
};

static enum status infer(
    struct inferred *out, struct inference *inference, struct node *node, const struct inferred *focus);

static enum status infer_fault(const struct inference *inference, const struct node *node, const char *what) {
    return inference->scope == NULL
               ? STATUS_OK
               : fault(inference->scope, STATUS_INVALID, "", "FHIRPath, column %u: %s", (unsigned)node->column, what);
}

static struct inferred system_value(enum fhirpath_kind kind) {
    return (struct inferred){.is_system = true, .system = kind};
}

static struct inferred type_value(const struct type_name *type, bool is_many) {
    struct inferred known = {.type = type->fhir, .is_many = is_many};
    if (type->fhir == FHIR_TYPE_NONE && type->is_system) {
        known.is_system = true;
        known.system = type->system;
    }
    return known;
}

/* A resource inside another may be of any type: nothing is known of its members. */
static bool is_open(fhir_type type) {
    return type == FHIR_TYPE_NONE || (fhir_type_kind(type) == FHIR_RESOURCE && fhir_type_is_abstract(type));
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

static enum status infer_root(
    struct inferred *out, struct inference *inference, const struct node *node, const struct inferred *focus) {
    *out = (struct inferred){.type = node->type.fhir, .is_many = focus->is_many};
    if (is_open(focus->type) || fhir_type_is(focus->type, node->type.fhir)) {
        if (!is_open(focus->type)) {
            out->type = focus->type;
        }
        return STATUS_OK;
    }
    return infer_fault(inference, node, "a type that is not the root's");
}

static enum status infer_member(
    struct inferred *out, struct inference *inference, struct node *node, const struct inferred *focus) {
    if (node->type.fhir != FHIR_TYPE_NONE) {
        return infer_root(out, inference, node, focus);
    }
    *out = (struct inferred){.is_many = focus->is_many, .is_unordered = focus->is_unordered};
    if (focus->is_system && focus->system != FHIRPATH_TYPE) {
        return infer_fault(inference, node, "a simple value has no elements");
    }
    if (is_open(focus->type)) {
        return STATUS_OK;
    }
    const struct fhir_element *element = fhir_element_find(focus->type, node->name);
    if (element == NULL) {
        return infer_fault(inference, node, "an element that does not exist here");
    }
    if (inference->scope == NULL) {
        node->parent = focus->type;
        node->element = element;
    }
    out->is_many = out->is_many || element->max > 1;
    out->type = element->type_count == 1 ? element->types[0] : FHIR_TYPE_NONE;
    return STATUS_OK;
}

/* ---- functions -------------------------------------------------------------------------------------------------- */

/* Functions that take strings alone: a focus known to be complex is a fault. */
static bool takes_string(const struct function *function) {
    static const char *const names[] = {"startsWith", "endsWith", "contains", "indexOf", "substring", "upper", "lower",
        "replace", "matches", "matchesFull", "replaceMatches", "length", "toChars", "split", "trim"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(function->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool needs_order(const struct function *function) {
    static const char *const names[] = {"first", "last", "tail", "skip", "take"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(function->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_complex(const struct inferred *known) {
    return !known->is_system && known->type != FHIR_TYPE_NONE && fhir_type_kind(known->type) != FHIR_PRIMITIVE;
}

static enum status check_focus(struct inference *inference, const struct node *node, const struct inferred *focus) {
    if (takes_string(node->function) && is_complex(focus)) {
        return infer_fault(inference, node, "a string is due");
    }
    if (needs_order(node->function) && focus->is_unordered) {
        return infer_fault(inference, node, "what it works on has no order");
    }
    if (strcmp(node->function->name, "as") == 0 && focus->is_many) {
        return infer_fault(inference, node, "as() takes one item; ofType() takes several");
    }
    return STATUS_OK;
}

static enum status infer_arguments(struct inferred *first, struct inference *inference, struct node *node,
    const struct inferred *focus, const struct inferred *frame) {
    struct inferred each = *focus;
    bool is_conditional = strcmp(node->function->name, "iif") == 0;
    *first = (struct inferred){0};
    each.is_many = is_conditional && focus->is_many;
    if (node->function->arguments == ARGUMENT_TYPE) {
        return STATUS_OK;
    }
    if (node->function->result == RESULT_UNKNOWN && !is_conditional && node->function->arguments == ARGUMENT_EACH) {
        each = (struct inferred){0}; /* repeat, aggregate: what comes round again is not known */
    }
    for (uint32_t i = 0; i < node->argument_count; i++) {
        struct inferred result;
        bool is_each = node->function->arguments == ARGUMENT_EACH ||
                       (i == 1 && strcmp(node->function->name, "trace") == 0); /* its projection */
        enum status status = infer(&result, inference, node->argument[i], is_each ? &each : frame);
        if (status != STATUS_OK) {
            return status;
        }
        if (i == 0) {
            *first = result;
        }
        if (i == 0 && is_conditional && result.is_system && result.system != FHIRPATH_BOOLEAN) {
            return infer_fault(inference, node, "a condition is due");
        }
    }
    return STATUS_OK;
}

static enum status infer_function(struct inferred *out, struct inference *inference, struct node *node,
    const struct inferred *focus, const struct inferred *frame) {
    struct inferred argument;
    enum status status = check_focus(inference, node, focus);
    if (status == STATUS_OK) {
        status = infer_arguments(&argument, inference, node, focus, frame);
    }
    if (status != STATUS_OK) {
        return status;
    }
    switch (node->function->result) {
    case RESULT_FOCUS:
        *out = *focus;
        break;
    case RESULT_FOCUS_ONE:
        *out = *focus;
        out->is_many = false;
        break;
    case RESULT_SYSTEM:
        *out = system_value(node->function->result_system);
        break;
    case RESULT_ARGUMENT:
        *out = argument;
        out->is_many = out->is_many || focus->is_many;
        break;
    case RESULT_TYPE:
        *out = type_value(&node->type, focus->is_many);
        break;
    case RESULT_CHILDREN:
        *out = (struct inferred){.is_many = true, .is_unordered = true};
        break;
    case RESULT_UNKNOWN:
        *out = (struct inferred){.is_many = true};
        break;
    }
    return STATUS_OK;
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

static enum status infer_with_focus(
    struct inferred *out, struct inference *inference, struct node *node, const struct inferred *frame) {
    struct inferred own = *frame, index;
    enum status status = node->focus != NULL ? infer(&own, inference, node->focus, frame) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    switch (node->kind) {
    case NODE_MEMBER:
        return infer_member(out, inference, node, &own);
    case NODE_INDEX:
        *out = own;
        out->is_many = false;
        return infer(&index, inference, node->argument[0], frame);
    default:
        return infer_function(out, inference, node, &own, frame);
    }
}

static enum status infer_operation(
    struct inferred *out, struct inference *inference, struct node *node, const struct inferred *frame) {
    struct inferred left, right;
    enum status status = infer(&left, inference, node->argument[0], frame);
    if (status == STATUS_OK) {
        status = infer(&right, inference, node->argument[1], frame);
    }
    int precedence = node->operation->precedence;
    if (status != STATUS_OK) {
        return status;
    }
    if (precedence < 7) { /* logic and comparisons */
        *out = system_value(FHIRPATH_BOOLEAN);
    } else if (strcmp(node->operation->symbol, "|") == 0) {
        *out = (struct inferred){.is_many = true};
    } else {
        *out = (struct inferred){0};
    }
    return STATUS_OK;
}

static enum status infer_type_operation(
    struct inferred *out, struct inference *inference, struct node *node, const struct inferred *frame) {
    struct inferred left;
    enum status status = infer(&left, inference, node->argument[0], frame);
    *out = node->kind == NODE_IS ? system_value(FHIRPATH_BOOLEAN) : type_value(&node->type, left.is_many);
    return status;
}

static enum status infer(
    struct inferred *out, struct inference *inference, struct node *node, const struct inferred *frame) {
    *out = (struct inferred){0};
    switch (node->kind) {
    case NODE_LITERAL:
        *out = system_value(node->literal.kind);
        return STATUS_OK;
    case NODE_MEMBER:
    case NODE_FUNCTION:
    case NODE_INDEX:
        return infer_with_focus(out, inference, node, frame);
    case NODE_OPERATION:
        return infer_operation(out, inference, node, frame);
    case NODE_NEGATE:
    case NODE_PLUS:
        return infer(out, inference, node->argument[0], frame);
    case NODE_IS:
    case NODE_AS:
        return infer_type_operation(out, inference, node, frame);
    case NODE_THIS:
        *out = *frame;
        return STATUS_OK;
    case NODE_ITEM_INDEX:
        *out = system_value(FHIRPATH_INTEGER);
        return STATUS_OK;
    case NODE_EMPTY:
    case NODE_TOTAL:
    case NODE_CONSTANT:
        return STATUS_OK;
    }
    return STATUS_OK;
}

void infer_annotate(struct fhirpath *program) {
    struct inference inference = {NULL};
    struct inferred result, root = {0};
    enum status status = infer(&result, &inference, program->root, &root);
    invariant(status == STATUS_OK);
}

enum status fhirpath_check(const struct fhirpath *program, fhir_type root, struct scope *scope) {
    struct inference inference = {scope};
    struct inferred result, start = {.type = root};
    return infer(&result, &inference, program->root, &start);
}
