/* definitions: the shape of the tables that tools/definitions/generate.py writes. Read-only, private to fhir.
 *
 * Types are numbered from 1 in the order primitives, datatypes, resources, backbones, by name within each; rows of
 * fhir_types are those numbers less 1. Strings are offsets into one pool; runs of numbers are offsets into one array each. */
#ifndef SOYANG_FHIR_DEFINITIONS_H
#define SOYANG_FHIR_DEFINITIONS_H

#include "fhir/fhir.h"

struct type_row {
    uint32_t name;
    fhir_type base;
    uint8_t kind;
    bool is_abstract;
    uint16_t resource_number;
    uint16_t element_first, element_count; /* in fhir_element_lists */
    uint16_t member_first;                 /* in fhir_members */
    uint16_t slot_first, slot_mask; /* in fhir_member_slots: 1-based positions among the type's members, 0 empty */
    uint64_t required;              /* bit n: element n of the type has min > 0 */
};

/* One JSON member name a type allows: an element, or an element's choice of one type. */
struct member_row {
    uint32_t name;
    uint8_t name_size;
    uint8_t position; /* of its element within the type */
    fhir_type type;
};

struct search_index_row {
    fhir_type base;
    uint16_t parameter;
};

struct compartment_row {
    fhir_type owner, type;
    uint16_t name_first, name_count; /* in fhir_compartment_names */
};

extern const char fhir_strings[];
extern const int fhir_type_rows, fhir_resource_rows, fhir_search_parameter_rows, fhir_search_index_rows;
extern const int fhir_compartment_rows;
extern const uint32_t fhir_type_slot_mask;
extern const uint16_t fhir_type_slots[];
extern const fhir_type fhir_type_lists[];
extern const struct type_row fhir_types[];
extern const fhir_type fhir_resources[];
extern const struct fhir_element fhir_elements[];
extern const uint16_t fhir_element_lists[];
extern const struct member_row fhir_members[];
extern const uint8_t fhir_member_slots[];
extern const struct fhir_search_component fhir_search_components[];
extern const struct fhir_search_parameter fhir_search_parameters[]; /* by url */
extern const struct search_index_row fhir_search_index[];           /* by base, then code */
extern const struct compartment_row fhir_compartments[];            /* by owner, then type */
extern const char *const fhir_compartment_names[];

/* The row of a member name, without a leading "_"; NULL when the type has no such member. */
const struct member_row *member_row_find(const struct type_row *type, const char *name, size_t size);

static inline const struct type_row *type_row_of(fhir_type type) {
    invariant(type != FHIR_TYPE_NONE && type <= fhir_type_rows);
    return &fhir_types[type - 1];
}

static inline const struct fhir_element *type_element(const struct type_row *type, int position) {
    return &fhir_elements[fhir_element_lists[type->element_first + position]];
}

#endif
