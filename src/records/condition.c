#include "records/condition.h"
#include "records/query.h"

enum { LIMIT = 2 }; /* none, one or several: more need not be known */

enum status condition_query(const struct search_query **out, const struct records *records, fhir_type type,
    const struct search_pair *pairs, size_t pair_count, size_t limit, struct scope *scope) {
    const struct search_request request = {
        .type = type,
        .pairs = pairs,
        .pair_count = pair_count,
        .handling = SEARCH_STRICT,
        .cursor_key = records->cursor_key,
        .count_default = limit,
        .count_max = limit,
    };
    return search_parse(out, records->search, &request, scope);
}

enum status condition_open(struct condition *out, const struct records *records, fhir_type type, struct text query,
    const char *path, struct scope *scope) {
    struct search_pair *pairs = NULL;
    size_t count = 0;
    enum status status = query_pairs(&pairs, &count, query, path, scope);
    if (status == STATUS_OK && count == 0) {
        status = fault(scope, STATUS_PRECONDITION, path, "a condition without parameters would match every %s",
            fhir_type_name(type));
    }
    *out = (struct condition){.path = path, .type = type};
    return status == STATUS_OK ? condition_query(&out->query, records, type, pairs, count, LIMIT, scope) : status;
}

static void conclude(struct condition *condition, const struct store_page *page) {
    condition->matches = page->count == 0 ? CONDITION_NONE : page->count == 1 ? CONDITION_ONE : CONDITION_MANY;
    condition->id = page->count == 1 ? page->at[0].id : (struct text){0};
}

enum status condition_look(struct condition *condition, const struct records *records, struct scope *scope) {
    struct search_result result = {0};
    enum status status = search_run(&result, records->search, condition->query, scope);
    if (status == STATUS_OK) {
        conclude(condition, &result.matches);
    }
    return status;
}

enum status condition_look_again(
    bool *changed, struct condition *condition, const struct records_unit *unit, struct scope *scope) {
    struct store_page page = {0};
    enum status status = search_match(&page, unit->records->search, condition->query, unit->store, LIMIT, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct condition before = *condition;
    conclude(condition, &page);
    if (condition->matches != before.matches || !text_equal(condition->id, before.id)) {
        *changed = true;
    }
    return STATUS_OK;
}

enum status condition_refuse_many(const struct condition *condition, struct scope *scope) {
    return fault_coded(scope, STATUS_PRECONDITION, "multiple-matches", condition->path,
        "the condition matches several resources of type %s", fhir_type_name(condition->type));
}

enum status condition_refuse_none(const struct condition *condition, struct scope *scope) {
    return fault(scope, STATUS_PRECONDITION, condition->path, "the reference's condition matches no %s",
        fhir_type_name(condition->type));
}
