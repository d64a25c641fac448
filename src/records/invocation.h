/* invocation: a FHIR operation called by name: its row, its parameters however they came, its answer.
 *
 * Parameters come in the URL, as a Parameters resource, or, where an operation takes one resource, as that resource itself. */
#ifndef SOYANG_RECORDS_INVOCATION_H
#define SOYANG_RECORDS_INVOCATION_H

#include "records/operation.h"

struct invocation;
typedef enum status invocation_start(struct operation *op, const struct invocation *invocation, struct scope *scope);

enum { INVOCATION_PARAMETERS_MAX = 12 };
struct invocation_row {
    struct records_operation operation;
    const char *parameters
        [INVOCATION_PARAMETERS_MAX]; /* those it knows; any others are its own to judge when the last is "*" */
    invocation_start *start;
};

struct invocation {
    const struct invocation_row *row;
    yyjson_val *parameters;     /* Parameters.parameter; NULL: none */
    const yyjson_val *resource; /* the body, when it was the one resource itself */
    const struct search_pair *pairs;
    size_t pair_count;
};

/* The n-th parameter of this name: in the URL first, then in the body. */
struct invocation_value {
    struct text text;        /* of a simple value */
    const yyjson_val *value; /* value[x] or resource; NULL when it stood in the URL */
    const yyjson_val
        *element; /* the whole Parameters.parameter; NULL when it stood in the URL, or was the body itself */
};
bool invocation_get(
    struct invocation_value *out, const struct invocation *invocation, const char *name, size_t n, struct scope *scope);
/* The first one's text; none when it is not given. */
struct text invocation_text(const struct invocation *invocation, const char *name, struct scope *scope);
/* value[x] or resource of a parameter or part; its text. */
const yyjson_val *invocation_value_of(const yyjson_val *parameter);
struct text invocation_text_of(const yyjson_val *value, struct scope *scope);
/* All values of a name, comma-separated ones taken apart. */
MUST_CHECK enum status invocation_list(
    struct text **out, size_t *count_out, const struct invocation *invocation, const char *name, struct scope *scope);
/* All simple parameters as pairs, for the links of an answer and for what searches. Without `_cursor`, `_format`, `_pretty`. */
void invocation_pairs(
    struct search_pair **out, size_t *count_out, const struct invocation *invocation, struct scope *scope);
/* `Type/id/$name`, the path of the call. */
struct text invocation_path(const struct operation *op, const struct invocation *invocation, struct arena *arena);

/* The resource it was called on, as of the view: STATUS_NOT_FOUND or STATUS_GONE with an issue. */
MUST_CHECK enum status invocation_subject(
    struct store_resource *out, const struct operation *op, struct store_view *view, struct scope *scope);

/* CapabilityStatement.rest.operation or rest.resource.operation; nothing when there are none. */
void invocation_write_capabilities(struct json_writer *w, const struct records *records, fhir_type type);

/* The built-in operations, in their files. */
invocation_start everything_start, lastn_start, meta_start, meta_add_start, meta_delete_start, judgement_start;
invocation_start evaluation_start, composition_start;

#endif
