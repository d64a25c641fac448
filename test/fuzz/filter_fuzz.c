/* Whatever a _filter holds, the search ends within its limits, and what is wrong with it is said. The first line is the
 * resource type, the rest the filter. */
#include "case_shelf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

static enum status filter(void *context, struct scope *scope) {
    struct text rest = *(const struct text *)context, type = text_cut(&rest, '\n');
    const struct search_pair pair = {TEXT("_filter"), rest};
    const struct search_request request = {.type = fhir_type_find(type),
        .pairs = &pair,
        .pair_count = 1,
        .cursor_key = SHELF_KEY,
        .count_default = SHELF_COUNT_MAX,
        .count_max = SHELF_COUNT_MAX};
    const struct search_query *query = NULL;
    struct search_result page = {0};
    scope->deadline_us = clock_monotonic_us() + SHELF_DEADLINE_US;
    if (rest.at == NULL || !text_is_utf8(rest) || fhir_resource_number(request.type) == 0) {
        return fault(scope, STATUS_INVALID, "", "what the server refuses before");
    }
    enum status status = search_parse(&query, shelf.search, &request, scope);
    if (status != STATUS_OK) {
        return status;
    }
    invariant(search_query_explain(query, scope).at != NULL);
    status = search_run(&page, shelf.search, query, scope);
    invariant(page.matches.count <= SHELF_COUNT_MAX);
    return status;
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    shelf_open();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena *arena = arena_open((size_t)256 << 20);
    struct text source = {(const char *)bytes, size};
    struct scope scope;
    enum status status = scope_run(&scope, arena, filter, &source);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    invariant(status != STATUS_FAILED && status != STATUS_UNAVAILABLE);
    arena_close(arena);
    return 0;
}
