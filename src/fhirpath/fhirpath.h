/* fhirpath: FHIRPath 2.0.0 over R4 JSON: compile once, evaluate many.
 *
 * Knows types from `fhir`. Refuses to know stores and terminologies: `resolve` and `memberOf` are the caller's callbacks.
 *
 * A program is immutable and may be shared between threads. Values in and out are slices of the document evaluated or of the
 * scope's arena. Limits: FHIRPATH_DEPTH_MAX on nesting of expressions, `steps_max` on items touched; past it: STATUS_TOO_COSTLY. */
#ifndef SOYANG_FHIRPATH_H
#define SOYANG_FHIRPATH_H

#include "base/base.h"
#include "fhir/fhir.h"

struct fhirpath; /* a compiled program; lives in the arena it was compiled into */

enum { FHIRPATH_DEPTH_MAX = 100, FHIRPATH_STEPS_DEFAULT = 1000000 };

/* STATUS_INVALID with the column of the fault in the issue. */
MUST_CHECK enum status fhirpath_compile(const struct fhirpath **out, struct text expression, struct scope *scope);

enum fhirpath_kind {
    FHIRPATH_NODE,    /* an element of the document: `node` and `type`; primitives may have a companion (`_x`) only */
    FHIRPATH_BOOLEAN, /* computed values from here on */
    FHIRPATH_INTEGER,
    FHIRPATH_DECIMAL, /* `text` */
    FHIRPATH_STRING,
    FHIRPATH_DATE,
    FHIRPATH_DATETIME,
    FHIRPATH_TIME,     /* `text`, ISO without the @ */
    FHIRPATH_QUANTITY, /* `text` is the number, `unit` the UCUM code or calendar word */
    FHIRPATH_TYPE,     /* what type() yields: `text` is the name, `unit` the namespace, FHIR or System */
};
struct fhirpath_item {
    enum fhirpath_kind kind;
    fhir_type type;              /* of a node: FHIR type, e.g. code, HumanName, Patient; never NONE */
    const yyjson_val *node;      /* may be NULL when only the companion exists */
    const yyjson_val *companion; /* `_name` object of a primitive, else NULL */
    bool boolean;
    int64_t integer;
    struct text text, unit;
    const char *path; /* of a node, when `want_paths` was asked: "Patient.name[0]"; else NULL */
};
struct fhirpath_items {
    struct fhirpath_item *at;
    size_t count;
};

struct fhirpath_environment {
    const yyjson_val *resource;      /* %resource and %context's owner; the root of the evaluation */
    const yyjson_val *root_resource; /* %rootResource; NULL: the same */
    /* resolve(): the resource a reference names, parsed; *out NULL when unknown. May be NULL: resolve() then yields an empty
     * item typed by the reference's own text, so that `resolve() is Patient` works without a store. */
    enum status (*resolve)(const yyjson_val **out, void *context, struct text reference, struct scope *scope);
    enum status (*member_of)(bool *out, bool *known, void *context, const struct fhirpath_item *code,
        struct text value_set, struct scope *scope);
    /* trace(): its name, and the focus or what its projection yields. May be NULL: nothing is logged. */
    enum status (*trace)(void *context, struct text name, const struct fhirpath_items *items, struct scope *scope);
    void *context;
    int64_t now_us; /* now(), today(): fixed during an evaluation */
    int zone_minutes;
    size_t steps_max; /* 0: FHIRPATH_STEPS_DEFAULT */
    bool want_paths;
    struct {
        struct text name;
        struct fhirpath_items items;
    } * variables; /* %name beyond the standard ones */
    size_t variable_count;
};

/* Evaluates with the resource itself as focus (`input` NULL) or with the given items. */
MUST_CHECK enum status fhirpath_evaluate(struct fhirpath_items *out, const struct fhirpath *program,
    const struct fhirpath_items *input, const struct fhirpath_environment *environment, struct scope *scope);

/* The meaning checked against the type that evaluation starts with, as far as the types tell before there are data: elements
 * that do not exist, a type's name that is not the root's, order asked of what has none (children().skip(1)), as() over many,
 * functions on what they cannot take. STATUS_INVALID with the column. Evaluation itself is lenient: an unknown element is empty. */
MUST_CHECK enum status fhirpath_check(const struct fhirpath *program, fhir_type root, struct scope *scope);

/* The text of a primitive, node or computed ("true", "5", "2020-01"); none for complex nodes. */
struct text fhirpath_item_text(const struct fhirpath_item *item, struct scope *scope);

/* What a UCUM code stands for: (value + offset) * factor * 10^exponent, in base units. Two units with the same dimension and the same
 * arbitrary units measure the same thing. The dimension holds eight exponents of eight bits, of m s g rad K C cd mol; the mole is a base
 * unit here. `arbitrary` is a sum of hashes. The factor is free of powers of ten. */
struct fhirpath_unit {
    uint64_t dimension, arbitrary;
    long double factor, offset;
    int exponent;
};
enum fhirpath_base_unit {
    FHIRPATH_METRE,
    FHIRPATH_SECOND,
    FHIRPATH_GRAM,
    FHIRPATH_RADIAN,
    FHIRPATH_KELVIN,
    FHIRPATH_COULOMB,
    FHIRPATH_CANDELA,
    FHIRPATH_MOLE,
};
#define FHIRPATH_DIMENSION(base, power) ((UINT64_C(1) << 8 * (base)) * (uint64_t)(int64_t)(power))
/* False for what is no UCUM code that is known, and for numbers and annotations alone. */
bool fhirpath_unit_read(struct fhirpath_unit *out, struct text code);

/* A number with a UCUM code in base units, so that quantities of one dimension compare whatever their units: 5 with "mg/dL" is
 * 50 with "g.m-3". `unit` names the dimension. False for what is no UCUM code that is known. */
bool fhirpath_canonical_quantity(
    double *value, struct text *unit, struct text number, struct text code, struct scope *scope);

#endif
