#include "search/kind.h"

const struct kind *kind_of(enum fhir_search_type type) {
    static const struct kind *const kinds[] = {[FHIR_SEARCH_NUMBER] = &kind_number,
        [FHIR_SEARCH_DATE] = &kind_date,
        [FHIR_SEARCH_STRING] = &kind_string,
        [FHIR_SEARCH_TOKEN] = &kind_token,
        [FHIR_SEARCH_REFERENCE] = &kind_reference,
        [FHIR_SEARCH_COMPOSITE] = &kind_composite,
        [FHIR_SEARCH_QUANTITY] = &kind_quantity,
        [FHIR_SEARCH_URI] = &kind_uri,
        [FHIR_SEARCH_SPECIAL] = &kind_near};
    return kinds[type];
}

enum status criterion_malformed(struct planner *planner, const struct criterion *criterion, const char *expected) {
    return fault(planner->scope, STATUS_INVALID, "", "%.*s: expected %s", (int)criterion->name.size, criterion->name.at,
        expected);
}
