/* kind: one search parameter type: which rows its values make, and how a query's value becomes a plan over them.
 * One file a kind; docs/search.md tabulates their keys. */
#ifndef SOYANG_SEARCH_KIND_H
#define SOYANG_SEARCH_KIND_H

#include "search/emitter.h"
#include "search/planner.h"
#include "search/ucum.h"
#include "search/value.h"

enum modifier {
    MODIFIER_NONE,
    MODIFIER_MISSING,
    MODIFIER_EXACT,
    MODIFIER_CONTAINS,
    MODIFIER_TEXT,
    MODIFIER_NOT,
    MODIFIER_IN,
    MODIFIER_NOT_IN,
    MODIFIER_ABOVE,
    MODIFIER_BELOW,
    MODIFIER_OF_TYPE,
    MODIFIER_IDENTIFIER,
    MODIFIER_TYPE,
    /* what only _filter asks for */
    MODIFIER_EQUAL,    /* string: the whole value, folded */
    MODIFIER_UNEQUAL,  /* has a value that is another one */
    MODIFIER_STARTS,   /* string, uri */
    MODIFIER_ENDS,     /* string, uri */
    MODIFIER_OVERLAPS, /* date: has a moment in common */
};

/* One value of a criterion: what stands between two commas, escapes still in. */
struct criterion {
    struct text name; /* the whole parameter name as it was given, for issues */
    const struct parameter *parameter;
    enum modifier modifier;
    fhir_type modifier_type; /* MODIFIER_TYPE */
    struct text value;
};

struct kind {
    void (*emit)(struct emitter *emitter, const struct fhirpath_item *item);
    enum status (*plan)(
        plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion);
};
const struct kind *kind_of(enum fhir_search_type type);

extern const struct kind kind_number, kind_date, kind_string, kind_token, kind_reference, kind_composite, kind_quantity,
    kind_uri, kind_near;

/* The issue for a value that its parameter's type cannot read. Never shows the value. */
enum status criterion_malformed(struct planner *planner, const struct criterion *criterion, const char *expected);

/* ---- parts that kinds share ---------------------------------------------------------------------------------------- */

/* string: the folded form, trimmed. */
struct text string_fold(struct arena *arena, struct text value);
struct text string_normal(struct arena *arena, struct text value); /* NFC */
/* The keys that begin with `prefix` followed by `folded`, whose last Hangul syllable may be unfinished: 기 finds 김. */
struct string_range {
    struct text low, high;
};
struct string_range string_prefix_range(struct arena *arena, struct text prefix, struct text folded);

/* token: a code in a system, as an element holds it. */
struct token {
    struct text system, code;
};
typedef void token_visit(void *context, const struct token *token);
/* Visits the tokens of an element: every Coding of a CodeableConcept, the value of an Identifier, a primitive's text. */
void token_each(const struct search *search, const struct fhirpath_item *item, token_visit *visit, void *context,
    struct scope *scope);
/* A query's token. `any_system`: "code"; `any_code`: "system|". An empty system with any_system false is "|code". */
struct token_query {
    struct text system, code;
    bool any_system, any_code;
};
MUST_CHECK enum status token_query_read(
    struct token_query *out, struct planner *planner, const struct criterion *criterion);
/* :in, :not-in, :below, :above. */
MUST_CHECK enum status concept_plan(
    plan_node *out, struct planner *planner, struct slot *slot, const struct criterion *criterion);
/* The words of a display or text, for :text, and what :text asks of them. */
void token_emit_text(struct emitter *emitter, struct text value);
MUST_CHECK enum status token_plan_text(
    plan_node *out, struct planner *planner, struct slot *slot, const struct criterion *criterion);
void token_emit_key(struct emitter *emitter, enum facet facet, const struct token *token);
MUST_CHECK enum status token_plan_in(
    plan_node *out, struct planner *planner, struct slot *slot, enum facet facet, const struct token_query *query);

/* Half-open ranges of 8-byte images (key_int64_bits, key_number_bits): [low, high); high UINT64_MAX: unbounded. */
struct image_range {
    uint64_t low, high;
};
struct image_ranges {
    struct image_range at[2];
    int count;
};
extern const struct image_range image_all;
/* The bounds of keys that go on with such an image after `prefix`. */
struct text image_low(struct arena *arena, struct text prefix, struct image_range range);
struct text image_high(struct arena *arena, struct text prefix, struct image_range range);
/* A filter on the 8 bytes at `offset`. */
struct plan_filter image_filter(struct arena *arena, int offset, struct image_range range);

/* date */
bool date_interval(
    struct fhir_interval *out, const struct search *search, const struct fhirpath_item *item, struct scope *scope);
/* A date comparison as ranges over (start, end): a value matches when it lies in one of them. */
struct date_range {
    struct image_range start, end;
};
struct date_query {
    struct date_range at[3];
    int count;
    enum value_prefix prefix;
    struct fhir_interval interval; /* widened for `ap` */
};
MUST_CHECK enum status date_query_read(
    struct date_query *out, struct planner *planner, const struct criterion *criterion);
/* _lastUpdated: a moment, kept by the store itself. */
MUST_CHECK enum status date_updated_plan(plan_node *out, struct planner *planner, const struct criterion *criterion);

/* number */
MUST_CHECK enum status number_ranges(struct image_ranges *out, struct planner *planner,
    const struct criterion *criterion, enum value_prefix prefix, struct text decimal,
    const struct ucum_conversion *conversion); /* NULL: as it stands */
void number_each(const struct search *search, const struct fhirpath_item *item,
    void (*visit)(void *context, double value), void *context, struct scope *scope);

/* near: the middle of a circle, in degrees; and how far two are from each other. */
struct near_point {
    double latitude, longitude;
};
MUST_CHECK enum status near_point_read(
    struct near_point *out, struct planner *planner, const struct criterion *criterion);
double near_distance_km(const struct near_point *a, const struct near_point *b);

/* quantity: what an element holds. */
struct quantity {
    struct text value, system, code, unit;
};
typedef void quantity_visit(void *context, const struct quantity *quantity);
void quantity_each(const struct search *search, const struct fhirpath_item *item, quantity_visit *visit, void *context);
/* The converted form, where the unit is a UCUM one and not the canonical. */
bool quantity_in_canonical(struct ucum_conversion *conversion_out, double *value_out, const struct quantity *quantity);
struct quantity_query {
    enum value_prefix prefix;
    struct text value, system, unit;
    bool any_unit, any_system, is_convertible;
    struct ucum_conversion conversion;
    struct image_ranges given, canonical; /* the comparison in the unit asked for, and in the canonical one */
};
MUST_CHECK enum status quantity_query_read(
    struct quantity_query *out, struct planner *planner, const struct criterion *criterion);

/* reference */
struct text reference_of_item(const struct search *search, const struct fhirpath_item *item, struct scope *scope);

#endif
