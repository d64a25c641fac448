/* run: one validation under way: where it stands, what it reports to, what it asks. Private to validate.
 *
 * A run that is over (the deadline passed, or a callback's disk failed) returns early everywhere; `status` says why. */
#ifndef SOYANG_VALIDATE_RUN_H
#define SOYANG_VALIDATE_RUN_H

#include "fhirpath/fhirpath.h"
#include "validate/rules.h"

/* One rule in FHIRPath. */
struct validate_invariant {
    const char *key, *human;
    const struct fhirpath *program; /* NULL: it does not compile, and is passed over */
    enum validate_severity severity;
};

struct validate {
    struct arena *arena;
    struct validate_invariant *invariants; /* one for each of validate_rules */
    fhir_type extension, reference, codeable_concept, coding, quantity, bundle, canonical, structure_definition;
};

enum { VALIDATE_NO_INDEX = -1 };

/* The way to an element, on the stack; written out only when there is something to say. */
struct validate_frame {
    const struct validate_frame *parent;
    const char *name;
    int index;
};

/* The resource that stands around an element: a contained one, an entry's, or the whole. */
struct validate_place {
    const struct validate_place *around; /* the container, or the Bundle; NULL: none */
    const yyjson_val *resource;          /* %resource */
    const yyjson_val *root;              /* %rootResource: of a contained resource, its container */
    fhir_type type;
    struct validate_entries *entries; /* of a Bundle: its resources by fullUrl, made when first asked */
};

/* One value of an element. */
struct validate_item {
    const yyjson_val *value;     /* NULL: only the companion is there */
    const yyjson_val *companion; /* `_name` of a primitive, or NULL */
    fhir_type type;
    int index; /* VALIDATE_NO_INDEX where the element does not repeat */
};
struct validate_items {
    struct validate_item *at;
    size_t count;
};

struct validate_run {
    const struct validate *validate;
    const struct validate_environment *environment;
    struct scope *scope;
    struct arena *bench;            /* an invariant's own memory, reset after each */
    struct validate_report *report; /* a trial's own while a slice is tried */
    enum status status;
    bool ignores_declared;
    int depth;                    /* of profiles asked for by profiles */
    int trials;                   /* under way: what they say is not heard */
    const char *profile;          /* who speaks; NULL: R4 itself */
    struct validate_known *known; /* profiles looked for */
    struct validate_said *said;   /* value sets and definitions that are not here: said once */
    struct validate_done *done;   /* (resource, profile) pairs that references led to */
};

/* ---- report.c ---- */
int *validate_report_count(struct validate_report *report, enum validate_severity severity);

/* ---- run.c ---- */
bool validate_is_over(struct validate_run *run);
/* Ends the run when a callback failed for a reason that is not the resource's; true when it ended. */
bool validate_stops(struct validate_run *run, enum status status);
/* A scope of the run's arena with faults of its own: what fails there is judged, not passed on. */
struct scope validate_side_scope(const struct validate_run *run);
struct validate_frame validate_frame_under(const struct validate_frame *parent, const char *name, int index);
void validate_say(struct validate_run *run, enum validate_severity severity, const char *code, const char *key,
    const struct validate_frame *frame, const char *format, ...) PRINTF_LIKE(6, 7);
/* True the first time that `what` is asked about. */
bool validate_first_time(struct validate_run *run, const char *what, struct text subject);
struct validate_items validate_items_of(struct validate_run *run, const struct validate_item *owner, const char *name);

/* ---- invariant.c ---- */
void validate_check_invariant(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct validate_invariant *invariant);

/* ---- binding.c ---- */
void validate_check_binding(struct validate_run *run, const struct validate_frame *frame,
    const struct validate_item *item, enum validate_strength strength, struct text value_set);
/* Whether a code of the item is certainly in the value set. */
bool validate_is_member(struct validate_run *run, const struct validate_item *item, struct text value_set);

enum validate_membership validate_check_coding(
    struct validate_run *run, const struct validate_coding *coding, struct text value_set);
/* What is known of the item's code; false when the item holds no code at all. */
bool validate_find_membership(
    enum validate_membership *out, struct validate_run *run, const struct validate_item *item, struct text value_set);
/* Why nothing can be said, for people. */
const char *validate_unknown_words(enum validate_membership membership);

/* ---- definition.c ---- */
/* Of a StructureDefinition that constrains: whether it can be used. */
void validate_check_definition(
    struct validate_run *run, const struct validate_frame *frame, const yyjson_val *definition);

/* ---- reference.c ---- */
struct validate_target {
    fhir_type type;              /* NONE: not told */
    const yyjson_val *resource;  /* where it is contained, or in the same Bundle; else NULL */
    struct validate_place place; /* of `resource` */
};
void validate_find_target(struct validate_target *out, struct validate_run *run, const struct validate_place *place,
    const yyjson_val *reference);
/* The same, and from outside when it is not in the document. */
const yyjson_val *validate_resolve(struct validate_run *run, const struct validate_place *place, struct text reference);
bool validate_allows_target(const fhir_type *targets, size_t count, fhir_type type);
void validate_check_reference(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct fhir_element *element);

/* ---- rules.c ---- */
bool validate_is_core_constraint(struct text key, struct text expression, struct text source);

/* ---- walk.c ---- */
/* A whole resource by R4's own rules, then by the profiles it declares. */
void validate_walk_resource(struct validate_run *run, const struct validate_place *around,
    const struct validate_frame *frame, const yyjson_val *resource);

struct validate_place validate_place_within(const struct validate *validate, const struct validate_place *around,
    const struct validate_frame *frame, const yyjson_val *resource);
/* Whether its JSON is of its type's kind; what is not was reported as structure. */
bool validate_is_sound(const struct validate_item *item);

/* ---- extension.c ---- */
/* Where an extension stands: the element that carries it. */
struct validate_holder {
    fhir_type type, owner; /* owner: the type that has the element; NONE for a resource */
    const char *name;      /* of the element; NULL for a resource */
    const yyjson_val *value;
};
void validate_check_extension(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct validate_holder *holder);

#endif
