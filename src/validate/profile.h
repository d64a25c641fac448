/* profile: a compiled StructureDefinition: a tree of what it asks beyond R4; branches that ask nothing are cut. Private to
 * validate. */
#ifndef SOYANG_VALIDATE_PROFILE_H
#define SOYANG_VALIDATE_PROFILE_H

#include "validate/run.h"

enum validate_rules { VALIDATE_OPEN, VALIDATE_CLOSED, VALIDATE_OPEN_AT_END };
enum validate_discriminator_kind {
    VALIDATE_BY_VALUE, /* pattern and value: both mean what the slice fixes, matches or binds */
    VALIDATE_BY_EXISTS,
    VALIDATE_BY_TYPE,
    VALIDATE_BY_PROFILE,
};
enum validate_step_kind { VALIDATE_STEP_CHILD, VALIDATE_STEP_EXTENSION, VALIDATE_STEP_RESOLVE, VALIDATE_STEP_OF_TYPE };
struct validate_step {
    struct validate_step *next;
    enum validate_step_kind kind;
    struct text name; /* of the child, the extension's url */
    fhir_type type;
};
struct validate_discriminator {
    struct validate_discriminator *next;
    enum validate_discriminator_kind kind;
    const char *path;
    struct validate_step *steps; /* NULL: $this */
};

struct validate_profile_url {
    struct validate_profile_url *next;
    struct text url, version;
};
struct validate_kind {
    struct validate_kind *next;
    fhir_type type;
    struct validate_profile_url *profiles, *targets; /* one of each list is enough */
};

struct validate_constraint {
    struct validate_constraint *next;
    struct validate_invariant invariant;
    const char *fault; /* why it does not compile, else NULL */
};

struct validate_node {
    struct validate_node *parent, *next, *children, *slices; /* in definition order */
    struct validate_node *current; /* of the definition's words without ids: what children belong to */
    struct text name;              /* of the element, without [x] */
    struct text slice;             /* none: the element itself */
    const char *id;
    fhir_type type;                     /* of its values where there is but one; NONE: it depends */
    const struct fhir_element *element; /* NULL: the root, or it depends */
    uint32_t min, max;                  /* max UINT32_MAX: no bound of its own */
    struct validate_kind *kinds;        /* NULL: all that R4 allows */
    const yyjson_val *fixed, *pattern, *min_value, *max_value;
    uint32_t max_length; /* 0: none */
    enum validate_strength strength;
    struct text value_set;
    struct validate_constraint *constraints;
    bool is_sliced, is_ordered;
    enum validate_rules rules;
    struct validate_discriminator *discriminators;
};

struct validate_profile {
    const yyjson_val *contexts; /* of an extension: where it may stand */
    struct validate_node *root;
    const char *url;
    fhir_type type;
};

/* ---- profile.c ---- */
/* The profile of a canonical URL, once a run; NULL when it is not known, or cannot be used, which is said once at `frame`. */
const struct validate_profile *validate_find_profile(
    struct validate_run *run, const struct validate_frame *frame, struct text url, struct text version);
/* The type that "http://hl7.org/fhir/StructureDefinition/Patient" names; NONE when it is no type of R4. */
fhir_type validate_core_type(struct text url);
struct validate_profile_url validate_canonical(struct text canonical);

/* ---- element.c ---- */
/* Lays one ElementDefinition over the tree. */
MUST_CHECK enum status validate_apply_element(
    struct validate_node *root, const struct validate *validate, const yyjson_val *element, struct scope *scope);
/* Takes away what asks nothing. */
void validate_prune(struct validate_node *node);

/* ---- conform.c ---- */
void validate_conform(struct validate_run *run, const struct validate_place *place, const struct validate_frame *frame,
    const struct validate_node *node, const struct validate_item *item);
/* By the whole profile, which speaks meanwhile. */
void validate_conform_profile(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_profile *profile, const struct validate_item *item);
/* True when it finds no error; reports nothing. */
bool validate_is_conforming(struct validate_run *run, const struct validate_place *place,
    const struct validate_node *node, const struct validate_item *item);
bool validate_is_conforming_profile(struct validate_run *run, const struct validate_place *place,
    const struct validate_profile *profile, const struct validate_item *item);

/* ---- value.c ---- */
bool validate_is_fixed(const yyjson_val *value, const yyjson_val *fixed);
bool validate_has_pattern(const yyjson_val *value, const yyjson_val *pattern);
enum validate_order { VALIDATE_BELOW, VALIDATE_WITHIN, VALIDATE_ABOVE };
/* Certainly below the least or above the greatest; else within. */
enum validate_order validate_compare_bounds(
    struct validate_run *run, const struct validate_node *node, const struct validate_item *item);

/* ---- slice.c ---- */
void validate_check_slices(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_node *node, const struct validate_items *items);

/* ---- discriminator.c ---- */
enum validate_match { VALIDATE_DIFFERS, VALIDATE_MATCHES, VALIDATE_CANNOT_SAY };
enum validate_match validate_match_slice(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_node *node, const struct validate_node *slice,
    const struct validate_item *item);
MUST_CHECK enum status validate_parse_discriminator(
    struct validate_discriminator **out, const yyjson_val *discriminator, const char *id, struct scope *scope);

#endif
