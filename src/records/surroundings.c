#include "records/surroundings.h"

#include "records/body.h"
#include "records/condition.h"

enum { VERSIONS_MAX = 100 }; /* of one canonical URL */

/* ---- definitions ------------------------------------------------------------------------------------------------ */

/* Of "4.0.1" and "4.0.10" the second is the greater: numbers as numbers, else letter by letter. */
static int compare_versions(struct text a, struct text b) {
    while (a.at != NULL && b.at != NULL) {
        struct text part_a = text_cut(&a, '.'), part_b = text_cut(&b, '.');
        int64_t number_a, number_b;
        bool are_numbers = text_to_int64(&number_a, part_a) && text_to_int64(&number_b, part_b);
        int order = are_numbers ? (number_a > number_b) - (number_a < number_b) : text_compare(part_a, part_b);
        if (order != 0) {
            return order;
        }
    }
    return (a.at != NULL) - (b.at != NULL);
}

static int status_rank(const yyjson_val *definition) {
    struct text status = json_get_text(definition, "status");
    return text_is(status, "active") ? 3 : text_is(status, "draft") ? 2 : text_is(status, "unknown") ? 1 : 0;
}

/* Active before draft before retired, then the greater version, then the later change. */
static bool is_better(const yyjson_val *a, int64_t a_us, const yyjson_val *b, int64_t b_us) {
    int order = status_rank(a) - status_rank(b);
    order = order != 0 ? order : compare_versions(json_get_text(a, "version"), json_get_text(b, "version"));
    return order > 0 || (order == 0 && a_us > b_us);
}

static enum status find_definition(
    const yyjson_val **out, void *context, struct text url, struct text version, struct scope *scope) {
    const struct surroundings *surroundings = context;
    const struct records *records = surroundings->records;
    const struct search_pair pairs[] = {{TEXT("url"), url}};
    const struct search_query *query = NULL;
    struct search_result result = {0};
    int64_t best_us = 0;
    *out = NULL;
    for (size_t i = 0; i < url.size; i++) {
        if (url.at[i] == ',' || url.at[i] == '|' || url.at[i] == '\\') {
            return STATUS_OK; /* search would read more into it than a canonical URL holds */
        }
    }
    enum status status =
        condition_query(&query, records, fhir_type_find(TEXT("StructureDefinition")), pairs, 1, VERSIONS_MAX, scope);
    if (status == STATUS_OK) {
        status = search_run(&result, records->search, query, scope);
    }
    for (size_t i = 0; i < result.matches.count && status == STATUS_OK; i++) {
        const yyjson_val *each = NULL;
        int64_t each_us = result.matches.at[i].updated_us;
        status = body_parse(&each, &result.matches.at[i], scope);
        bool fits = status == STATUS_OK && (version.size == 0 || text_equal(json_get_text(each, "version"), version));
        if (fits && (*out == NULL || is_better(each, each_us, *out, best_us))) {
            *out = each;
            best_us = each_us;
        }
    }
    return status;
}

/* ---- codes and references --------------------------------------------------------------------------------------- */

static enum status check_code(enum validate_membership *out, void *context, const struct validate_coding *coding,
    struct text value_set, struct scope *scope) {
    const struct surroundings *surroundings = context;
    return validate_ask_terminology(out, surroundings->records->terminology, coding, value_set, scope);
}

static enum status resolve(const yyjson_val **out, void *context, struct text reference, struct scope *scope) {
    const struct surroundings *surroundings = context;
    struct fhir_reference parsed;
    struct store_resource found = {0};
    *out = NULL;
    if (!fhir_reference_parse(&parsed, reference, surroundings->records->own_base) ||
        parsed.kind != FHIR_REFERENCE_LOCAL || fhir_resource_number(parsed.type) == 0) {
        return STATUS_OK;
    }
    enum status status = store_view_get(
        &found, surroundings->view, fhir_resource_number(parsed.type), parsed.id, STORE_WANT_BODY, scope);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && found.method == STORE_DELETED)) {
        return STATUS_OK;
    }
    return status == STATUS_OK ? body_parse(out, &found, scope) : status;
}

void surroundings_of(struct surroundings *out, const struct records *records, struct store_view *view) {
    *out = (struct surroundings){
        .records = records,
        .view = view,
        .environment =
            {
                .find_definition = find_definition,
                .check_code = records->terminology != NULL ? check_code : NULL,
                .resolve = resolve,
                .context = out,
                .own_base = records->own_base,
                .now_us = clock_now_us(records->clock),
                .zone_minutes = records->zone_minutes,
            },
    };
}
