/* Search parameters and compartments: binary searches over the generated, sorted tables. */
#include <string.h>

#include "fhir/definitions.h"

int fhir_search_parameter_count(void) {
    return fhir_search_parameter_rows;
}

const struct fhir_search_parameter *fhir_search_parameter_at(int index) {
    invariant(index >= 0 && index < fhir_search_parameter_rows);
    return &fhir_search_parameters[index];
}

static const struct fhir_search_parameter *find_on(fhir_type base, struct text code) {
    int low = 0, high = fhir_search_index_rows;
    while (low < high) {
        int middle = (low + high) / 2;
        const struct search_index_row *row = &fhir_search_index[middle];
        const struct fhir_search_parameter *parameter = &fhir_search_parameters[row->parameter];
        int order = row->base != base ? (int)row->base - base : text_compare(text_from(parameter->code), code);
        if (order == 0) {
            return parameter;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct fhir_search_parameter *fhir_search_parameter_find(fhir_type type, struct text code) {
    for (; type != FHIR_TYPE_NONE; type = fhir_type_base(type)) {
        const struct fhir_search_parameter *parameter = find_on(type, code);
        if (parameter != NULL) {
            return parameter;
        }
    }
    return NULL;
}

const struct fhir_search_parameter *fhir_search_parameter_by_url(struct text url) {
    int low = 0, high = fhir_search_parameter_rows;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = text_compare(text_from(fhir_search_parameters[middle].url), url);
        if (order == 0) {
            return &fhir_search_parameters[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

int fhir_compartment_parameters(const char **out, int capacity, fhir_type owner, fhir_type type) {
    int low = 0, high = fhir_compartment_rows;
    while (low < high) {
        int middle = (low + high) / 2;
        const struct compartment_row *row = &fhir_compartments[middle];
        int order = row->owner != owner ? (int)row->owner - owner : (int)row->type - type;
        if (order == 0) {
            for (int i = 0; i < row->name_count && i < capacity; i++) {
                out[i] = fhir_compartment_names[row->name_first + i];
            }
            return row->name_count;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return 0;
}
