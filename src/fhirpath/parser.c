/* The grammar of FHIRPath 2.0.0, by precedence climbing. Recursion is bounded by FHIRPATH_DEPTH_MAX, the tree's height by
 * PROGRAM_HEIGHT_MAX. */
#include "fhirpath/infer.h"
#include "fhirpath/lexer.h"
#include "fhirpath/machine.h"
#include "fhirpath/pattern.h"
#include "fhirpath/unit.h"

#include <string.h>

struct parser {
    struct lexer lexer;
    struct token token; /* the next one */
    struct scope *scope;
    int depth;
};

static enum status parse_expression(struct node **out, struct parser *p, int precedence);

static enum status bad(struct parser *p, uint32_t column, const char *what) {
    return fault(p->scope, STATUS_INVALID, "", "FHIRPath, column %u: %s", (unsigned)column, what);
}

static enum status advance(struct parser *p) {
    return lexer_next(&p->token, &p->lexer, p->scope);
}

static bool at_symbol(const struct parser *p, const char *symbol) {
    return p->token.kind == TOKEN_SYMBOL && text_is(p->token.value, symbol);
}

static bool at_word(const struct parser *p, const char *word) {
    return p->token.kind == TOKEN_IDENTIFIER && text_is(p->token.value, word);
}

static enum status expect(struct parser *p, const char *symbol) {
    if (!at_symbol(p, symbol)) {
        return fault(
            p->scope, STATUS_INVALID, "", "FHIRPath, column %u: '%s' is expected", (unsigned)p->token.column, symbol);
    }
    return advance(p);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

static struct node *node_new(struct parser *p, enum node_kind kind, uint32_t column) {
    struct node *node = ARENA_NEW(p->scope->arena, struct node);
    node->kind = kind;
    node->column = column;
    node->height = 1;
    return node;
}

static void raise_over(struct node *node, const struct node *child) {
    if (child != NULL && child->height >= node->height) {
        node->height = child->height + 1;
    }
}

static void add_argument(struct parser *p, struct node *node, struct node *argument) {
    size_t size = node->argument_count * sizeof(struct node *);
    node->argument = arena_resize(p->scope->arena, node->argument, size, size + sizeof(struct node *));
    node->argument[node->argument_count++] = argument;
    raise_over(node, argument);
}

static enum status check_height(struct parser *p, const struct node *node) {
    return node->height <= PROGRAM_HEIGHT_MAX
               ? STATUS_OK
               : fault(p->scope, STATUS_TOO_COSTLY, "", "FHIRPath, column %u: more than %d steps in a row",
                     (unsigned)node->column, PROGRAM_HEIGHT_MAX);
}

/* ---- types ------------------------------------------------------------------------------------------------------ */

static bool system_type(struct type_name *out, struct text name) {
    static const struct {
        const char *name;
        enum fhirpath_kind kind;
    } system_types[] = {
        {"Boolean", FHIRPATH_BOOLEAN},
        {"Integer", FHIRPATH_INTEGER},
        {"Decimal", FHIRPATH_DECIMAL},
        {"String", FHIRPATH_STRING},
        {"Date", FHIRPATH_DATE},
        {"DateTime", FHIRPATH_DATETIME},
        {"Time", FHIRPATH_TIME},
        {"Quantity", FHIRPATH_QUANTITY},
    };
    for (size_t i = 0; i < sizeof system_types / sizeof *system_types; i++) {
        if (text_is(name, system_types[i].name)) {
            out->is_system = true;
            out->system = system_types[i].kind;
            return true;
        }
    }
    return false;
}

/* FHIR.X, System.X, or a bare X, looked up in FHIR first. An unknown name of System is a type that nothing has. */
static bool resolve_type(struct type_name *out, struct text name) {
    *out = (struct type_name){.fhir = FHIR_TYPE_NONE};
    if (text_starts(name, "System.")) {
        if (!system_type(out, (struct text){name.at + 7, name.size - 7})) {
            out->is_system = true;
            out->system = FHIRPATH_NODE;
        }
        return true;
    }
    if (text_starts(name, "FHIR.")) {
        out->fhir = fhir_type_find((struct text){name.at + 5, name.size - 5});
        return out->fhir != FHIR_TYPE_NONE;
    }
    out->fhir = fhir_type_find(name);
    return system_type(out, name) || out->fhir != FHIR_TYPE_NONE;
}

static bool at_name(const struct parser *p) {
    return p->token.kind == TOKEN_IDENTIFIER || p->token.kind == TOKEN_DELIMITED;
}

static enum status parse_type(struct type_name *out, struct parser *p) {
    uint32_t column = p->token.column;
    struct buffer name = buffer_open(p->scope->arena, 256);
    for (;;) {
        if (!at_name(p)) {
            return bad(p, p->token.column, "the name of a type is expected");
        }
        buffer_put(&name, p->token.value);
        enum status status = advance(p);
        if (status != STATUS_OK) {
            return status;
        }
        if (!at_symbol(p, ".")) {
            break;
        }
        buffer_put_char(&name, '.');
        status = advance(p);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return resolve_type(out, buffer_text(&name)) ? STATUS_OK : bad(p, column, "an unknown type");
}

/* ---- literals --------------------------------------------------------------------------------------------------- */

static enum status parse_number(struct node **out, struct parser *p) {
    struct node *node = node_new(p, NODE_LITERAL, p->token.column);
    struct text number = p->token.value;
    struct decimal decimal;
    node->literal.text = number;
    node->literal.kind = memchr(number.at, '.', number.size) != NULL ? FHIRPATH_DECIMAL : FHIRPATH_INTEGER;
    if (!decimal_parse(&decimal, number) ||
        (node->literal.kind == FHIRPATH_INTEGER && !text_to_int64(&node->literal.integer, number))) {
        return bad(p, node->column, "a number with more digits than are supported");
    }
    enum status status = advance(p);
    if (status != STATUS_OK) {
        return status;
    }
    enum moment_unit unit;
    bool is_word = false;
    if (p->token.kind == TOKEN_STRING ||
        (p->token.kind == TOKEN_IDENTIFIER && unit_calendar(&unit, &is_word, p->token.value) && is_word)) {
        node->literal.kind = FHIRPATH_QUANTITY;
        node->literal.unit = p->token.kind == TOKEN_STRING ? p->token.value : unit_singular(p->token.value);
        status = advance(p);
    }
    *out = node;
    return status;
}

static enum status parse_literal(struct node **out, struct parser *p, enum fhirpath_kind kind) {
    struct node *node = node_new(p, NODE_LITERAL, p->token.column);
    struct moment moment;
    enum moment_kind moment_kind = kind == FHIRPATH_DATE   ? MOMENT_DATE
                                   : kind == FHIRPATH_TIME ? MOMENT_TIME
                                                           : MOMENT_DATETIME;
    if (kind != FHIRPATH_STRING && !moment_parse(&moment, p->token.value, moment_kind)) {
        return bad(p, node->column, "a date or time that does not exist");
    }
    node->literal.kind = kind;
    node->literal.text = p->token.value;
    *out = node;
    return advance(p);
}

static enum status parse_boolean(struct node **out, struct parser *p) {
    struct node *node = node_new(p, NODE_LITERAL, p->token.column);
    node->literal.kind = FHIRPATH_BOOLEAN;
    node->literal.boolean = at_word(p, "true");
    *out = node;
    return advance(p);
}

static enum status parse_variable(struct node **out, struct parser *p) {
    static const struct {
        const char *name;
        enum node_kind kind;
    } variables[] = {{"$this", NODE_THIS}, {"$index", NODE_ITEM_INDEX}, {"$total", NODE_TOTAL}};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        if (text_is(p->token.value, variables[i].name)) {
            *out = node_new(p, variables[i].kind, p->token.column);
            return advance(p);
        }
    }
    return bad(p, p->token.column, "only $this, $index and $total exist");
}

/* ---- invocations ------------------------------------------------------------------------------------------------ */

static bool is_type_function(const struct node *node) {
    return node->function->arguments == ARGUMENT_TYPE;
}

static enum status parse_arguments(struct parser *p, struct node *node) {
    if (at_symbol(p, ")")) {
        return advance(p);
    }
    if (is_type_function(node)) {
        enum status status = parse_type(&node->type, p);
        node->argument_count = 1;
        return status != STATUS_OK ? status : expect(p, ")");
    }
    for (;;) {
        struct node *argument = NULL;
        enum status status = parse_expression(&argument, p, PRECEDENCE_LOWEST);
        if (status != STATUS_OK) {
            return status;
        }
        if (node->argument_count == FUNCTION_ARGUMENTS_MAX) {
            return bad(p, node->column, "too many arguments");
        }
        if (argument->kind == NODE_NEGATE && text_is(node->name, "sort")) {
            argument->argument[0]->descending = true;
            argument = argument->argument[0];
        }
        add_argument(p, node, argument);
        if (!at_symbol(p, ",")) {
            return expect(p, ")");
        }
        status = advance(p);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

/* After the name and its bracket. */
static enum status parse_function(struct node *node, struct parser *p) {
    node->kind = NODE_FUNCTION;
    node->function = function_find(node->name);
    if (node->function == NULL) {
        return bad(p, node->column, "an unknown function");
    }
    enum status status = parse_arguments(p, node);
    if (status != STATUS_OK) {
        return status;
    }
    if (node->argument_count < node->function->arguments_min || node->argument_count > node->function->arguments_max) {
        return fault(p->scope, STATUS_INVALID, "", "FHIRPath, column %u: %s takes %d to %d arguments",
            (unsigned)node->column, node->function->name, node->function->arguments_min, node->function->arguments_max);
    }
    if (pattern_is_argument_of(node->function) && node->argument[0]->kind == NODE_LITERAL &&
        node->argument[0]->literal.kind == FHIRPATH_STRING) {
        return pattern_compile(&node->pattern, node->argument[0]->literal.text, node->function, p->scope);
    }
    return STATUS_OK;
}

static bool is_capital(struct text name) {
    return name.size > 0 && name.at[0] >= 'A' && name.at[0] <= 'Z';
}

/* identifier or function call; `focus` is NULL where an expression starts. */
static enum status parse_invocation(struct node **out, struct parser *p, struct node *focus) {
    if (p->token.kind == TOKEN_VARIABLE && focus != NULL) {
        return bad(p, p->token.column, "a variable cannot follow a dot");
    }
    if (!at_name(p)) {
        return bad(
            p, p->token.column, p->token.kind == TOKEN_END ? "the expression ends too early" : "a name is expected");
    }
    struct node *node = node_new(p, NODE_MEMBER, p->token.column);
    node->focus = focus;
    node->name = p->token.value;
    raise_over(node, focus);
    enum status status = advance(p);
    if (status == STATUS_OK && at_symbol(p, "(")) {
        status = advance(p);
        if (status == STATUS_OK) {
            status = parse_function(node, p);
        }
    } else if (status == STATUS_OK && focus == NULL && is_capital(node->name)) {
        node->type.fhir = fhir_type_find(node->name);
    }
    *out = node;
    return status != STATUS_OK ? status : check_height(p, node);
}

static enum status parse_parenthesis(struct node **out, struct parser *p) {
    enum status status = advance(p);
    if (status == STATUS_OK) {
        status = parse_expression(out, p, PRECEDENCE_LOWEST);
    }
    return status != STATUS_OK ? status : expect(p, ")");
}

static enum status parse_term(struct node **out, struct parser *p) {
    switch (p->token.kind) {
    case TOKEN_NUMBER:
        return parse_number(out, p);
    case TOKEN_STRING:
        return parse_literal(out, p, FHIRPATH_STRING);
    case TOKEN_DATE:
        return parse_literal(out, p, FHIRPATH_DATE);
    case TOKEN_DATETIME:
        return parse_literal(out, p, FHIRPATH_DATETIME);
    case TOKEN_TIME:
        return parse_literal(out, p, FHIRPATH_TIME);
    case TOKEN_VARIABLE:
        return parse_variable(out, p);
    case TOKEN_CONSTANT:
        *out = node_new(p, NODE_CONSTANT, p->token.column);
        (*out)->name = p->token.value;
        return advance(p);
    default:
        break;
    }
    if (at_word(p, "true") || at_word(p, "false")) {
        return parse_boolean(out, p);
    }
    if (at_symbol(p, "(")) {
        return parse_parenthesis(out, p);
    }
    if (at_symbol(p, "{")) {
        *out = node_new(p, NODE_EMPTY, p->token.column);
        enum status status = advance(p);
        return status != STATUS_OK ? status : expect(p, "}");
    }
    return parse_invocation(out, p, NULL);
}

static enum status parse_index(struct node **out, struct parser *p, struct node *focus) {
    struct node *node = node_new(p, NODE_INDEX, p->token.column), *index = NULL;
    node->focus = focus;
    raise_over(node, focus);
    enum status status = advance(p);
    if (status == STATUS_OK) {
        status = parse_expression(&index, p, PRECEDENCE_LOWEST);
    }
    if (status != STATUS_OK) {
        return status;
    }
    add_argument(p, node, index);
    *out = node;
    status = check_height(p, node);
    return status != STATUS_OK ? status : expect(p, "]");
}

static enum status parse_postfix(struct node **out, struct parser *p) {
    enum status status = parse_term(out, p);
    while (status == STATUS_OK && (at_symbol(p, ".") || at_symbol(p, "["))) {
        if (at_symbol(p, "[")) {
            status = parse_index(out, p, *out);
        } else {
            status = advance(p);
            if (status == STATUS_OK) {
                status = parse_invocation(out, p, *out);
            }
        }
    }
    return status;
}

static enum status parse_sign(struct node **out, struct parser *p) {
    struct node *node = node_new(p, at_symbol(p, "-") ? NODE_NEGATE : NODE_PLUS, p->token.column), *operand = NULL;
    enum status status = advance(p);
    if (status == STATUS_OK) {
        status = parse_expression(&operand, p, PRECEDENCE_UNARY);
    }
    if (status != STATUS_OK) {
        return status;
    }
    add_argument(p, node, operand);
    *out = node;
    return STATUS_OK;
}

/* ---- operators -------------------------------------------------------------------------------------------------- */

static enum status parse_type_operation(struct node **left, struct parser *p, enum node_kind kind) {
    struct node *node = node_new(p, kind, p->token.column);
    enum status status = advance(p);
    if (status == STATUS_OK) {
        status = parse_type(&node->type, p);
    }
    add_argument(p, node, *left);
    *left = node;
    return status != STATUS_OK ? status : check_height(p, node);
}

static enum status parse_operation(struct node **left, struct parser *p, const struct operation *operation) {
    struct node *node = node_new(p, NODE_OPERATION, p->token.column), *right = NULL;
    node->operation = operation;
    enum status status = advance(p);
    if (status == STATUS_OK) {
        status = parse_expression(&right, p, operation->precedence + 1);
    }
    if (status != STATUS_OK) {
        return status;
    }
    add_argument(p, node, *left);
    add_argument(p, node, right);
    *left = node;
    return check_height(p, node);
}

static enum status parse_operators(struct node **out, struct parser *p, int precedence) {
    for (;;) {
        if (p->token.kind != TOKEN_SYMBOL && p->token.kind != TOKEN_IDENTIFIER) {
            return STATUS_OK;
        }
        enum status status;
        if (at_word(p, "is") || at_word(p, "as")) {
            if (precedence > PRECEDENCE_TYPE) {
                return STATUS_OK;
            }
            status = parse_type_operation(out, p, at_word(p, "is") ? NODE_IS : NODE_AS);
        } else {
            const struct operation *operation = operation_find(p->token.value);
            if (operation == NULL || operation->precedence < precedence) {
                return STATUS_OK;
            }
            status = parse_operation(out, p, operation);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
}

static enum status parse_expression(struct node **out, struct parser *p, int precedence) {
    if (++p->depth > FHIRPATH_DEPTH_MAX) {
        return fault(p->scope, STATUS_TOO_COSTLY, "", "FHIRPath, column %u: nested deeper than %d",
            (unsigned)p->token.column, FHIRPATH_DEPTH_MAX);
    }
    enum status status = at_symbol(p, "-") || at_symbol(p, "+") ? parse_sign(out, p) : parse_postfix(out, p);
    if (status == STATUS_OK) {
        status = parse_operators(out, p, precedence);
    }
    p->depth--;
    return status;
}

static struct known_types known_types(void) {
    return (struct known_types){
        .quantity = fhir_type_find(TEXT("Quantity")),
        .reference = fhir_type_find(TEXT("Reference")),
        .extension = fhir_type_find(TEXT("Extension")),
        .string = fhir_type_find(TEXT("string")),
        .boolean = fhir_type_find(TEXT("boolean")),
        .integer = fhir_type_find(TEXT("integer")),
        .decimal = fhir_type_find(TEXT("decimal")),
        .date = fhir_type_find(TEXT("date")),
        .date_time = fhir_type_find(TEXT("dateTime")),
        .instant = fhir_type_find(TEXT("instant")),
        .time = fhir_type_find(TEXT("time")),
        .coding = fhir_type_find(TEXT("Coding")),
        .codeable_concept = fhir_type_find(TEXT("CodeableConcept")),
        .resource = fhir_type_find(TEXT("Resource")),
        .bundle = fhir_type_find(TEXT("Bundle")),
    };
}

enum status fhirpath_compile(const struct fhirpath **out, struct text expression, struct scope *scope) {
    struct parser p = {.lexer = {.source = {text_string(scope->arena, expression), expression.size}}, .scope = scope};
    if (!text_is_utf8(expression)) {
        return fault(scope, STATUS_INVALID, "", "FHIRPath: not UTF-8");
    }
    struct fhirpath *program = ARENA_NEW(scope->arena, struct fhirpath);
    enum status status = advance(&p);
    if (status == STATUS_OK) {
        status = parse_expression(&program->root, &p, PRECEDENCE_LOWEST);
    }
    if (status == STATUS_OK && p.token.kind != TOKEN_END) {
        status = bad(&p, p.token.column, "an operator or the end is expected");
    }
    if (status != STATUS_OK) {
        return status;
    }
    program->types = known_types();
    infer_annotate(program);
    *out = program;
    return STATUS_OK;
}
