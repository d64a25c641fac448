/* program: a compiled expression: a tree of nodes that never changes after compilation.
 *
 * Everything that can be looked up once is looked up at compile time: functions, operators, type names, JSON member names of
 * an element whose parent type the expression itself tells, regular expressions given as literals. */
#ifndef SOYANG_FHIRPATH_PROGRAM_H
#define SOYANG_FHIRPATH_PROGRAM_H

#include "fhirpath/fhirpath.h"

struct function;
struct operation;
struct pattern;

enum node_kind {
    NODE_EMPTY, /* {} */
    NODE_LITERAL,
    NODE_MEMBER, /* name, or a type's name where an expression starts */
    NODE_FUNCTION,
    NODE_INDEX,     /* focus[argument] */
    NODE_OPERATION, /* two arguments */
    NODE_NEGATE,    /* -argument; + leaves no node but checks */
    NODE_PLUS,
    NODE_IS,
    NODE_AS, /* argument is TYPE */
    NODE_THIS,
    NODE_ITEM_INDEX,
    NODE_TOTAL,    /* $this, $index, $total */
    NODE_CONSTANT, /* %name */
};

/* What a name after is, as, ofType may mean: a FHIR type, else one of the System namespace. */
struct type_name {
    fhir_type fhir;
    bool is_system;            /* `system` counts too: System.X, or a bare name */
    enum fhirpath_kind system; /* FHIRPATH_NODE: System.Any or a name the System namespace lacks */
};

enum { FUNCTION_ARGUMENTS_MAX = 8, PROGRAM_HEIGHT_MAX = 500 };

struct node {
    enum node_kind kind;
    uint32_t column;    /* from 1 */
    uint32_t height;    /* of the tree under it: bounds the evaluator's recursion */
    struct node *focus; /* what the dot or bracket follows; NULL: the frame's own focus */
    struct node **argument;
    uint32_t argument_count;
    struct text name; /* member, constant, function */
    const struct function *function;
    const struct operation *operation;
    struct type_name type; /* is, as; a member that may be a type's name */
    struct fhirpath_item literal;
    const struct pattern *pattern; /* a literal regular expression, compiled */
    /* A member's parent type as the expression tells it, and its element; the evaluator checks that the item agrees. */
    fhir_type parent;
    const struct fhir_element *element;
    bool descending; /* sort(-key) */
};

/* Types the evaluator asks for by name. */
struct known_types {
    fhir_type quantity, reference, extension, string, boolean, integer, decimal, date, date_time, instant, time, coding,
        codeable_concept, resource, bundle;
};

struct fhirpath {
    struct node *root;
    struct known_types types;
};

#endif
