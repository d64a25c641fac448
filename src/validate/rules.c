/* Look-ups in the generated tables. */
#include "validate/run.h"

#include <stdlib.h>
#include <string.h>

const struct validate_element_rule *validate_element_rule_find(fhir_type owner, const char *name) {
    const struct validate_type_rule *type = validate_type_rule_of(owner);
    for (uint16_t i = 0; i < type->element_count; i++) {
        const struct validate_element_rule *rule = &validate_element_rules[type->element_first + i];
        if (strcmp(rule->name, name) == 0) {
            return rule;
        }
    }
    return NULL;
}

/* What profiles copy from R4 into their snapshots, maybe in the words of another release. */
bool validate_is_core_constraint(struct text key, struct text expression, struct text source) {
    bool is_core_source =
        text_starts(source, "http://hl7.org/fhir/StructureDefinition/") || fhir_type_find(source) != FHIR_TYPE_NONE;
    if (text_is(key, "ele-1")) {
        return true;
    }
    for (int i = 0; i < validate_rule_count; i++) {
        if (text_is(key, validate_rules[i].key) &&
            (is_core_source || text_is(expression, validate_rules[i].expression))) {
            return true;
        }
    }
    return false;
}

static int compare_url(const void *url, const void *row) {
    return text_compare(*(const struct text *)url, text_from(((const struct validate_published *)row)->url));
}

struct text validate_published_definition(struct text url) {
    const struct validate_published *row =
        bsearch(&url, validate_published_rows, (size_t)validate_published_count, sizeof *row, compare_url);
    return row == NULL ? (struct text){0} : (struct text){validate_published_text + row->at, row->size};
}
