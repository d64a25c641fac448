/* catalog: which parameters a resource type has and in which index slots their values lie: those of the definitions, and in a
 * snapshot (edition.h) also uploaded ones.
 *
 * A published expression is a union over types ("Patient.name | Practitioner.name"). Per type it is cut into branches, and
 * a branch is compiled and evaluated once. Branches asked by the same set of parameters of one search type share a slot:
 * Observation.code serves `code` and `combo-code` with one row. A parameter "X.where(resolve() is Patient)" whose X is
 * another parameter's branch has no rows of its own: it uses X's slot, narrowed to that type of target.
 *
 * Slot names go into the data folder, through store_space: they follow from the R4 definitions alone and never change.
 *
 * An uploaded parameter has slots of its own, so that the others' never change by it.
 *
 * Read-only once open, but for the space numbers, which are looked up on first use and then kept, and how far a slot's
 * index has come (both atomic). */
#ifndef SOYANG_SEARCH_CATALOG_H
#define SOYANG_SEARCH_CATALOG_H

#include <stdatomic.h>

#include "base/base.h"
#include "fhir/fhir.h"
#include "fhirpath/fhirpath.h"
#include "search/search.h"

/* A slot's index spaces. Which of them a search type uses: docs/search.md. */
enum facet {
    FACET_MAIN,
    FACET_TEXT,       /* token: display and text, for :text */
    FACET_TYPED,      /* token: identifiers with their type, for :of-type */
    FACET_WORD,       /* string: later words of names and addresses */
    FACET_WIDE,       /* date: intervals of more than a day, by their end */
    FACET_CONVERTED,  /* quantity: in canonical units, where the given ones are not */
    FACET_ELSEWHERE,  /* reference: absolute URLs, canonicals, versions, and "there is one" */
    FACET_IDENTIFIER, /* reference: logical references, for :identifier */
    FACET_INSIDE,     /* string: from later characters on, in scripts without blanks, for :contains */
    FACET_COUNT
};

struct branch {
    size_t index; /* in its type's catalogue */
    struct text expression;
    const struct fhirpath *program;
    struct text member;      /* without this member of the resource it yields nothing; none: not known */
    bool member_is_choice;   /* the member's name goes on with a type */
    fhir_type element_type;  /* of the element a plain path leads to; NONE: not known */
    struct text code_system; /* last segment of the value set that binds a `code` element, else none */
};

struct component {
    enum fhir_search_type type;
    const struct fhir_search_parameter *definition;
    struct text expression;
    const struct fhirpath *program;
};
enum { COMPONENTS_MAX = 3 };

struct slot {
    const char *name;
    enum fhir_search_type type;
    fhir_type resource; /* NONE: shared by all types (_tag, ...) */
    const struct branch **branches;
    size_t branch_count;
    struct component components[COMPONENTS_MAX];
    size_t component_count;
    _Atomic uint32_t spaces[FACET_COUNT];

    const char *code; /* of a parameter that uses it, to speak of it */
    uint64_t hash;    /* of all that its rows follow from */
    uint64_t since;   /* the edition that first had it; set before others see the slot */
    bool is_uploaded;
    _Atomic bool is_pending;          /* there may be resources without its rows: nobody reads them yet */
    _Atomic uint64_t indexed, total;  /* while pending: how far it is */
    _Atomic uint64_t complete_at_seq; /* views below may miss rows */
};

struct slot_use {
    struct slot *slot;
    fhir_type only; /* narrowed to references to this type; NONE: not narrowed */
};

enum parameter_role {
    ROLE_INDEXED,
    ROLE_ID,
    ROLE_UPDATED,
    ROLE_NEAR,
    ROLE_WORDS,    /* _text, _content: the store's text index */
    ROLE_UNSERVED, /* known, but there is nothing to evaluate */
};
struct parameter {
    const char *code;
    enum fhir_search_type type;
    enum parameter_role role;
    const struct fhir_search_parameter *definition;
    struct text upload; /* id of its SearchParameter here; none: of the definitions */
    struct slot_use *uses;
    size_t use_count;
};

struct type_catalog {
    fhir_type type;
    struct parameter *parameters; /* sorted by code */
    size_t parameter_count;
    struct slot **slots;
    size_t slot_count;
    struct branch **branches;
    size_t branch_count;
};

/* Datatypes that search tells apart. */
struct datatypes {
    fhir_type coding, codeable_concept, identifier, contact_point, quantity, money, range, period, timing, human_name,
        address, reference, canonical, uri, extension, code, position;
};

struct search {
    struct arena *arena;
    struct store *store;
    struct terminology *terminology; /* NULL: none */
    const struct clock *clock;
    struct text own_base;
    int zone_minutes;
    struct datatypes datatypes;
    struct type_catalog *types;    /* by resource number; [0] holds what all types share */
    uint64_t edition;              /* of these tables */
    struct edition_keeper *keeper; /* NULL in a snapshot */
    _Atomic uint32_t users;        /* of a snapshot */
};

/* An uploaded definition. Its bases are only those that it serves: others have the same parameter by the definitions. */
struct search_definition {
    struct text id;
    struct fhir_search_parameter parameter;
};

MUST_CHECK enum status catalog_build(struct search *search, struct scope *scope);
/* The tables of `base`, and uploaded definitions beside them, in *search. */
void catalog_extend(struct search *search, const struct search *base, const struct search_definition *uploads,
    size_t upload_count, struct scope *scope);
/* Whether a definition is one of `type` (of what all types share: `is_shared`). */
bool catalog_has_base(const struct fhir_search_parameter *definition, fhir_type type, bool is_shared);
/* Whether a branch of an uploaded expression is one for `type` (NONE: for all types). */
bool catalog_concerns(struct text branch, fhir_type type);
/* The type's own, then the shared; NULL when there is none. Type NONE: the shared only. */
const struct parameter *catalog_find(const struct search *search, fhir_type type, struct text code);
/* The type's own, by the canonical of its definition; NULL when there is none. */
const struct parameter *catalog_find_by_url(const struct search *search, fhir_type type, const char *url);
const struct type_catalog *catalog_of(const struct search *search, fhir_type type);

/* Refuses a slot whose index is not complete: STATUS_UNAVAILABLE, telling how far it is. */
MUST_CHECK enum status slot_check_complete(const struct slot *slot, struct scope *scope);
MUST_CHECK enum status slot_space(
    uint32_t *out, const struct search *search, struct slot *slot, enum facet facet, struct scope *scope);
const char *search_type_name(enum fhir_search_type type);

#endif
