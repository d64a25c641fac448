/* Whatever search a URL holds, it ends within its limits: with a page, or with what is wrong with it. What it says it used
 * (self) gives the same page again, and the next page repeats nothing of it. A '~' before the URL asks for lenient handling. */
#include "case_shelf.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

static enum status run_once(struct search_result *out, const struct search_request *request, struct scope *scope) {
    const struct search_query *query = NULL;
    enum status status = search_parse(&query, shelf.search, request, scope);
    if (status != STATUS_OK) {
        return status;
    }
    invariant(search_query_explain(query, scope).at != NULL);
    return search_run(out, shelf.search, query, scope);
}

static bool has_match(const struct search_result *result, uint64_t rid) {
    bool found = false;
    for (size_t i = 0; i < result->matches.count; i++) {
        found = found || result->matches.at[i].rid == rid;
    }
    return found;
}

static void check_page(const struct search_result *page) {
    invariant(page->matches.count <= SHELF_COUNT_MAX);
    for (size_t i = 0; i < page->included_count; i++) {
        invariant(!has_match(page, page->included[i].rid));
    }
    invariant(!page->has_total || page->total >= page->matches.count);
}

static enum status check_again(const struct search_result *first, struct search_request request, struct scope *scope) {
    struct search_result again = {0}, next = {0};
    request.pairs = first->self;
    request.pair_count = first->self_count;
    request.handling = SEARCH_STRICT;
    enum status status = run_once(&again, &request, scope);
    if (status == STATUS_TOO_COSTLY) { /* the time is over */
        return status;
    }
    invariant(status == STATUS_OK && again.matches.count == first->matches.count);
    for (size_t i = 0; i < again.matches.count; i++) {
        invariant(again.matches.at[i].rid == first->matches.at[i].rid);
    }
    if (first->cursor.at == NULL) {
        return STATUS_OK;
    }
    struct search_pair *pairs = ARENA_ARRAY(scope->arena, struct search_pair, first->self_count + 1);
    memcpy(pairs, first->self, first->self_count * sizeof *pairs);
    pairs[first->self_count] = (struct search_pair){TEXT("_cursor"), first->cursor};
    request.pairs = pairs;
    request.pair_count = first->self_count + 1;
    status = run_once(&next, &request, scope);
    invariant(status == STATUS_OK || status == STATUS_TOO_COSTLY);
    for (size_t i = 0; i < next.matches.count; i++) {
        invariant(!has_match(first, next.matches.at[i].rid));
    }
    return status;
}

static enum status search_url(void *context, struct scope *scope) {
    struct text url = *(const struct text *)context;
    struct search_request request;
    struct search_result page = {0};
    bool is_lenient = url.size > 0 && url.at[0] == '~';
    scope->deadline_us = clock_monotonic_us() + SHELF_DEADLINE_US;
    if (is_lenient) {
        url.at++;
        url.size--;
    }
    enum status status = shelf_request(&request, url, scope);
    if (status != STATUS_OK) {
        return status;
    }
    request.handling = is_lenient ? SEARCH_LENIENT : SEARCH_STRICT;
    status = run_once(&page, &request, scope);
    if (status != STATUS_OK) {
        return status;
    }
    check_page(&page);
    return check_again(&page, request, scope);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    shelf_open();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena *arena = arena_open((size_t)256 << 20);
    struct text url = {(const char *)bytes, size};
    struct scope scope;
    enum status status = scope_run(&scope, arena, search_url, &url);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    invariant(status != STATUS_FAILED && status != STATUS_UNAVAILABLE);
    arena_close(arena);
    return 0;
}
