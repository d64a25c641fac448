/* primitives: the text that each primitive type allows, as scanners of one pass. Private to fhir. */
#ifndef SOYANG_FHIR_PRIMITIVES_H
#define SOYANG_FHIR_PRIMITIVES_H

#include "fhir/fhir.h"

enum primitive_json { PRIMITIVE_STRING, PRIMITIVE_NUMBER, PRIMITIVE_BOOLEAN };

struct primitive {
    enum primitive_json json;
    bool (*is_valid)(struct text value);
    const char *expected; /* completes "expected ..." */
};

/* `type` is a primitive's. */
const struct primitive *primitive_of(fhir_type type);

#endif
