/* machine: one evaluation of one program, and what functions and operators may ask of it.
 *
 * Collections grow in the scope's arena. One that was not made here (a literal, the input) is borrowed: capacity 0, copied
 * before the first append. Every item appended and every comparison made is a step; past the limit: STATUS_TOO_COSTLY. */
#ifndef SOYANG_FHIRPATH_MACHINE_H
#define SOYANG_FHIRPATH_MACHINE_H

#include "fhirpath/program.h"

struct collection {
    struct fhirpath_item *at;
    size_t count, capacity;
};

/* Where a name without a focus looks, and what $this, $index and $total are. */
struct frame {
    const struct collection *focus;
    int64_t index;
    const struct collection *total;
};

struct machine {
    const struct fhirpath *program;
    const struct fhirpath_environment *environment;
    struct scope *scope;
    size_t steps_left, steps_since_deadline;
    struct collection context; /* %context: the items the evaluation started with */
};

/* One function or operator at work. */
struct call {
    struct machine *machine;
    const struct node *node;
    const struct collection *input; /* of a function; operators have none */
    const struct frame *frame;
};

typedef enum status call_run(struct collection *out, const struct call *call);

/* What a function's arguments are: evaluated once in the caller's frame, once for each item, or the name of a type. */
enum argument_kind { ARGUMENT_VALUE, ARGUMENT_EACH, ARGUMENT_TYPE };

/* What is known of a function's result before evaluation. */
enum result_kind {
    RESULT_UNKNOWN,
    RESULT_FOCUS,     /* items of the focus, any number */
    RESULT_FOCUS_ONE, /* one of them */
    RESULT_SYSTEM,    /* one value of `result_system` */
    RESULT_ARGUMENT,  /* what the argument yields */
    RESULT_TYPE,      /* the type named */
    RESULT_CHILDREN,  /* anything, in no order */
};

struct function {
    const char *name;
    uint8_t arguments_min, arguments_max;
    enum argument_kind arguments;
    call_run *run;
    int detail; /* tells apart functions that share a `run` */
    enum result_kind result;
    enum fhirpath_kind result_system;
};
const struct function *function_find(struct text name);

struct operation {
    const char *symbol;
    uint8_t precedence; /* higher binds tighter */
    call_run *run;
    int detail;
};
const struct operation *operation_find(struct text symbol);
enum { PRECEDENCE_LOWEST = 1, PRECEDENCE_TYPE = 8, PRECEDENCE_UNARY = 11 };

/* ---- the machine ------------------------------------------------------------------------------------------------ */

MUST_CHECK enum status node_evaluate(
    struct collection *out, struct machine *machine, const struct node *node, const struct frame *frame);
MUST_CHECK enum status machine_step(struct machine *machine, size_t count);
/* A fault of the expression or its data, with the node's column. */
enum status machine_fault(struct machine *machine, const struct node *node, const char *what);

MUST_CHECK enum status collection_add(
    struct collection *collection, struct machine *machine, const struct fhirpath_item *item);
MUST_CHECK enum status collection_add_all(
    struct collection *collection, struct machine *machine, const struct collection *more);
struct collection collection_of(const struct fhirpath_item *item); /* borrowed, one item */

/* Items that an element or all elements of `item` hold. */
MUST_CHECK enum status member_add(
    struct collection *out, struct machine *machine, const struct fhirpath_item *item, const struct node *node);
MUST_CHECK enum status member_add_named(
    struct collection *out, struct machine *machine, const struct fhirpath_item *item, struct text name);
MUST_CHECK enum status children_add(struct collection *out, struct machine *machine, const struct fhirpath_item *item);
bool item_is_type(const struct fhirpath_item *item, const struct type_name *type); /* ancestors count */
bool item_is_exact_type(
    const struct fhirpath_item *item, const struct type_name *type); /* as, ofType: not for primitives */

/* ---- for functions ---------------------------------------------------------------------------------------------- */

bool call_has(const struct call *call, uint32_t argument);
MUST_CHECK enum status call_argument(struct collection *out, const struct call *call, uint32_t argument);
/* Evaluates an argument with one item as $this. */
MUST_CHECK enum status call_each(struct collection *out, const struct call *call, uint32_t argument,
    const struct fhirpath_item *item, int64_t index);

/* One value or none where one is due; several, or another kind, are faults. */
enum presence { ABSENT, PRESENT };
MUST_CHECK enum status call_one(
    const struct fhirpath_item **out, const struct call *call, const struct collection *collection);
MUST_CHECK enum status call_text(
    struct text *out, enum presence *presence, const struct call *call, const struct collection *collection);
MUST_CHECK enum status call_integer(
    int64_t *out, enum presence *presence, const struct call *call, const struct collection *collection);
MUST_CHECK enum status call_argument_text(
    struct text *out, enum presence *presence, const struct call *call, uint32_t argument);
MUST_CHECK enum status call_argument_integer(
    int64_t *out, enum presence *presence, const struct call *call, uint32_t argument);

MUST_CHECK enum status give_boolean(struct collection *out, const struct call *call, bool value);
MUST_CHECK enum status give_integer(struct collection *out, const struct call *call, int64_t value);
MUST_CHECK enum status give_text(
    struct collection *out, const struct call *call, enum fhirpath_kind kind, struct text text);

#endif
