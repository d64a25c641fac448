/* rules: the shape of the tables that tools/definitions/validate.py writes: what R4 asks beyond structure. Read-only, private
 * to validate. Rows of types stand in fhir's order: type n has row n - 1. Runs of rules are offsets into one list. */
#ifndef SOYANG_VALIDATE_RULES_H
#define SOYANG_VALIDATE_RULES_H

#include "validate/validate.h"

enum validate_strength { VALIDATE_NO_BINDING, VALIDATE_PREFERRED, VALIDATE_EXTENSIBLE, VALIDATE_REQUIRED };

struct validate_rule {
    const char *key, *human, *expression;
    uint8_t severity; /* enum validate_severity; best practice is information */
};
/* An element of a type that has something to say; ele-1, which all have, is not in the lists. */
struct validate_element_rule {
    const char *name;
    uint16_t first, count; /* in validate_rule_lists: what its types do not say already */
    uint8_t strength;
    const char *value_set, *max_value_set; /* NULL: none */
    const char *profile;                   /* of its type, SimpleQuantity; NULL: none */
};
struct validate_type_rule {
    uint16_t first, count;                 /* in validate_rule_lists: on every value of the type */
    uint16_t element_first, element_count; /* in validate_element_rules */
};
struct validate_published {
    const char *url;
    uint32_t at, size; /* in validate_published_text */
};

extern const int validate_rule_count, validate_type_rule_count, validate_published_count;
extern const struct validate_rule validate_rules[];
extern const uint16_t validate_rule_lists[];
extern const struct validate_element_rule validate_element_rules[];
extern const struct validate_type_rule validate_type_rules[];
extern const struct validate_published validate_published_rows[]; /* by url */
extern const char validate_published_text[];

static inline const struct validate_type_rule *validate_type_rule_of(fhir_type type) {
    invariant(type != FHIR_TYPE_NONE && type <= validate_type_rule_count);
    return &validate_type_rules[type - 1];
}

/* NULL: nothing beyond structure. */
const struct validate_element_rule *validate_element_rule_find(fhir_type owner, const char *name);

#endif
