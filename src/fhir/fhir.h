/* fhir: what R4 (4.0.1) says, as tables generated at build time from the published definitions: types and their elements,
 * search parameters, compartments; the datatypes whose text has rules (dates, references, decimals); structural checks.
 *
 * Knows no store, no search index, no FHIRPath. No code here names a resource type: a type is a row.
 *
 * Everything returned as `const` lives in the program. Threads may share all of it. */
#ifndef SOYANG_FHIR_H
#define SOYANG_FHIR_H

#include "base/base.h"

#define FHIR_VERSION "4.0.1"

/* ---- types and elements ----------------------------------------------------------------------------------------- */

/* A row of the type table: primitives, complex datatypes, resources, and the backbone elements inside them
 * ("Patient.contact"). 0 is no type. */
typedef uint16_t fhir_type;
enum { FHIR_TYPE_NONE = 0 };

enum fhir_kind { FHIR_PRIMITIVE, FHIR_COMPLEX, FHIR_BACKBONE, FHIR_RESOURCE };

fhir_type fhir_type_find(struct text name); /* "Patient", "HumanName", "string", "Patient.contact"; NONE if unknown */
const char *fhir_type_name(fhir_type type);
enum fhir_kind fhir_type_kind(fhir_type type);
bool fhir_type_is_abstract(fhir_type type);
/* Patient → DomainResource → Resource → NONE; Age → Quantity; code → string */
fhir_type fhir_type_base(fhir_type type);
bool fhir_type_is(fhir_type type, fhir_type ancestor); /* itself counts */

/* Concrete resource types numbered 1..fhir_resource_count() by name: stable, since R4 is frozen. The store keeps these. */
int fhir_resource_count(void);
uint16_t fhir_resource_number(fhir_type type); /* 0: not a concrete resource */
fhir_type fhir_resource_type(uint16_t number);
/* The type named by `resourceType` of a JSON object; NONE when absent, unknown or abstract. */
fhir_type fhir_resource_type_of(const yyjson_val *object);

enum { FHIR_MAX_MANY = UINT16_MAX };
struct fhir_element {
    const char *name;  /* "value" for value[x] */
    uint16_t min, max; /* FHIR_MAX_MANY for * */
    bool is_choice, is_summary, is_modifier;
    bool is_bare; /* a plain value that takes no id and extensions, so no companion: ids, Extension.url */
    uint8_t type_count, target_count;
    const fhir_type *types;   /* a content reference is resolved to the backbone it names */
    const fhir_type *targets; /* what a Reference or canonical may name; may hold Resource; NULL when nothing is said */
    const char *binding;      /* value set URL of a required binding, else NULL */
};

/* Elements of a type, inherited ones included, in definition order. Equal elements of different types share one row. The
 * `value` of a primitive is no element here: in JSON it is the member itself, and its companion has `id` and `extension`. */
int fhir_element_count(fhir_type type);
const struct fhir_element *fhir_element_at(fhir_type type, int index);
/* Resolves a JSON member of `parent`: "name", "valueQuantity" (→ value, Quantity), "_birthDate" (→ birthDate, with
 * is_companion). Contained and entry resources have type Resource. False when R4 knows no such member. */
struct fhir_member {
    const struct fhir_element *element;
    fhir_type type;
    bool is_companion;
};
bool fhir_member_find(struct fhir_member *out, fhir_type parent, struct text member);
/* The element by its path name ("value", not "valueQuantity"); NULL when unknown. */
const struct fhir_element *fhir_element_find(fhir_type parent, struct text name);
/* A path from a resource, as _elements has it: "name", "name.family", "Patient.name", "valueQuantity", "value". `type` NONE: of any
 * resource type. */
bool fhir_path_exists(fhir_type type, struct text path);
/* Its first segment, where that is the name of a resource type; else NONE. Moves behind it. */
fhir_type fhir_path_type(struct text *path);

/* ---- checks ----------------------------------------------------------------------------------------------------- */

/* Structure of a whole resource: known members, cardinality, JSON kind, the format of every primitive, companions,
 * empty objects and arrays, ids, depth. Not: value sets, invariants, profiles (see `validate`).
 * STATUS_INVALID with one issue per fault (path like Patient.name[0].given[1]; a choice by its element's name,
 * Observation.value.unit); looks no further after FAULT_ISSUES_MAX of them. */
MUST_CHECK enum status fhir_check(const yyjson_val *resource, struct scope *scope);
/* The same for one primitive's text. */
bool fhir_primitive_is_valid(fhir_type type, struct text value);
bool fhir_id_is_valid(struct text id); /* [A-Za-z0-9\-\.]{1,64} */

/* ---- datatypes -------------------------------------------------------------------------------------------------- */

/* date, dateTime, instant, partial dates: the half-open interval [start, end) in µs since 1970 UTC that the text may mean.
 * A text without zone is read in the zone `zone_minutes` east of UTC (a date is local to where it was written). */
struct fhir_interval {
    int64_t start_us, end_us;
};
bool fhir_interval_parse(struct fhir_interval *out, struct text value, int zone_minutes);
/* Period: open ends are INT64_MIN and INT64_MAX. Also Timing: the span of its events or bounds. */
bool fhir_interval_of_period(struct fhir_interval *out, const yyjson_val *period, int zone_minutes);

/* Decimal as text ("1.00", "-2e3"): exact, order-preserving key; the implied precision as the half-open range
 * [low, high) of half a unit in the last place, that search compares with; "1e2" is read as 1.0e2, as R4's search page
 * reads it. Both refuse what is no decimal, or is beyond 128 digits or 1e±300. */
enum { FHIR_DECIMAL_KEY_SIZE = 20 };
/* memcmp of two keys orders their values; equal values ("1.0", "1.00") have equal keys. Exact for 34 digits. */
bool fhir_decimal_key(uint8_t out[static FHIR_DECIMAL_KEY_SIZE], struct text value);
struct fhir_decimal_range {
    double low, high;
};
bool fhir_decimal_range(struct fhir_decimal_range *out, struct text value);

/* A reference's text, taken apart. `own_base` is the server's public base URL: an absolute reference under it is ours. */
enum fhir_reference_kind {
    FHIR_REFERENCE_LOCAL,       /* Type/id, Type/id/_history/v, or the same under own_base */
    FHIR_REFERENCE_ABSOLUTE,    /* another server's URL */
    FHIR_REFERENCE_FRAGMENT,    /* #id */
    FHIR_REFERENCE_URN,         /* urn:uuid:, urn:oid: */
    FHIR_REFERENCE_CONDITIONAL, /* Type?query: only legal inside a transaction */
};
struct fhir_reference {
    enum fhir_reference_kind kind;
    fhir_type type; /* LOCAL, CONDITIONAL, and ABSOLUTE where the URL shows one */
    struct text id, version, query;
};
bool fhir_reference_parse(struct fhir_reference *out, struct text value, struct text own_base);

/* Every place of a resource where a reference, canonical, url/uri or a narrative link may stand; `rewrite` returns the new
 * text, or none to leave it. Used for urn:uuid rewriting in transactions and for reference checks. `path` lasts for the
 * call; a narrative's `value` is its attribute's text, entities undecoded, while what is returned is escaped here.
 * Writes the resource through `w` with the replacements, member order and number text kept. */
enum fhir_link_kind { FHIR_LINK_REFERENCE, FHIR_LINK_CANONICAL, FHIR_LINK_URI, FHIR_LINK_NARRATIVE };
typedef enum status fhir_rewrite(struct text *out, void *context, enum fhir_link_kind kind, struct text value,
    const char *path, struct scope *scope);
MUST_CHECK enum status fhir_write_rewritten(
    struct json_writer *w, const yyjson_val *resource, fhir_rewrite *rewrite, void *context, struct scope *scope);

/* ---- XML -------------------------------------------------------------------------------------------------------- */

/* A resource in XML (https://hl7.org/fhir/R4/xml.html) as minified JSON; elements must stand in definition order. What
 * the form alone forbids is refused, with the element's path: names, order, namespaces, attributes, text between elements,
 * empty elements, numbers and booleans that JSON could not hold, depth, a document type declaration, another encoding
 * than UTF-8. The rest is fhir_check's. Comments and instructions are dropped, the source of a narrative is kept. */
MUST_CHECK enum status fhir_xml_read(struct text *json_out, struct text xml, struct scope *scope);

/* A resource as XML, terminated by nothing, elements in definition order, numbers by their text. STATUS_INVALID where the
 * JSON is not of the definitions' form. A narrative that is not well-formed goes out as text inside a div, and characters
 * that XML has not become U+FFFD, so that no stored resource is kept from its readers. */
/* Before libxml2 is used: false where this thread has no memory for the library's own state, which it does not look at itself. */
bool fhir_xml_thread_is_ready(void);

enum fhir_xml_layout { FHIR_XML_COMPACT, FHIR_XML_INDENTED };
MUST_CHECK enum status fhir_xml_write(
    struct text *xml_out, const yyjson_val *resource, enum fhir_xml_layout layout, struct scope *scope);

/* ---- search parameters and compartments -------------------------------------------------------------------------- */

enum fhir_search_type {
    FHIR_SEARCH_NUMBER,
    FHIR_SEARCH_DATE,
    FHIR_SEARCH_STRING,
    FHIR_SEARCH_TOKEN,
    FHIR_SEARCH_REFERENCE,
    FHIR_SEARCH_COMPOSITE,
    FHIR_SEARCH_QUANTITY,
    FHIR_SEARCH_URI,
    FHIR_SEARCH_SPECIAL,
};
struct fhir_search_component {
    const char *parameter_url, *expression;
};
struct fhir_search_parameter {
    const char *url, *code;
    enum fhir_search_type type;
    const char *expression; /* FHIRPath over all its bases, as published; NULL for _text, _list, ... */
    uint16_t base_count, target_count, component_count;
    const fhir_type *bases;   /* may hold Resource or DomainResource */
    const fhir_type *targets; /* references */
    const struct fhir_search_component *components;
};
int fhir_search_parameter_count(void);
const struct fhir_search_parameter *fhir_search_parameter_at(int index); /* by url */
/* By code, for a type or its ancestors; NULL if there is none. */
const struct fhir_search_parameter *fhir_search_parameter_find(fhir_type type, struct text code);
/* By canonical URL, as a composite's components name their parameters; NULL if there is none. */
const struct fhir_search_parameter *fhir_search_parameter_by_url(struct text url);

/* Compartments: the reference parameters of `type` that put it into the compartment of `owner` ("patient", "subject").
 * "{def}" stands for the owner itself. Returns how many, at most `capacity` are written. */
int fhir_compartment_parameters(const char **out, int capacity, fhir_type owner, fhir_type type);

/* The date of the definitions, for the capability statement. */
extern const char *const fhir_definitions_date;

/* ---- writing datatypes ------------------------------------------------------------------------------------------------ */

/* What has no text is left out. `name` NULL: an element of a list, or behind a name that is written already. */
struct fhir_coding {
    struct text system, code, display;
};
void fhir_write_coding(struct json_writer *w, struct fhir_coding coding); /* an element of a list */
/* A CodeableConcept of one coding. */
void fhir_write_concept(struct json_writer *w, const char *name, struct fhir_coding coding, struct text words);
void fhir_write_reference(struct json_writer *w, const char *name, struct text reference);
void fhir_write_references(struct json_writer *w, const char *name, const struct text *references, size_t count);

/* ---- writing Parameters ------------------------------------------------------------------------------------------------ */

void fhir_parameters_open(struct json_writer *w); /* the resource and its list; then fhir_parameters_close */
void fhir_parameters_close(struct json_writer *w);
MUST_CHECK enum status fhir_parameters_finish(
    struct text *out, struct json_writer *w, struct scope *scope); /* closed */
void fhir_parameter_open(struct json_writer *w, const char *name); /* one with parts; then fhir_parameter_close */
void fhir_parameter_close(struct json_writer *w);
/* A parameter, or a part of one, with its value; a text of no bytes leaves the whole of it out. `member` is "valueCode" etc. */
void fhir_parameter_text(struct json_writer *w, const char *name, const char *member, struct text value);
void fhir_parameter_number(struct json_writer *w, const char *name, const char *member, struct text number);
void fhir_parameter_integer(struct json_writer *w, const char *name, int64_t value);
void fhir_parameter_decimal(struct json_writer *w, const char *name, double value, int decimals);
void fhir_parameter_boolean(struct json_writer *w, const char *name, bool value);
void fhir_parameter_coding(struct json_writer *w, const char *name, struct fhir_coding coding);
void fhir_parameter_reference(struct json_writer *w, const char *name, struct text reference, struct text display);
void fhir_parameter_resource(struct json_writer *w, const char *name, struct text resource); /* its JSON */

#endif
