/* A cursor that the server did not write for this very search, or too long ago, is refused: 400 or 410, never anything else.
 * The first byte chooses what is tried, the second a search of the table:
 *      'r'  the rest is the cursor, as a client may invent it;
 *      'f'  the search's own cursor with the rest laid over it by exclusive or;
 *      'o'  the cursor of another search;
 *      's'  a history's seal with the rest laid over it;
 *      'p'  the rest is a position that reaches the store, as if the seal had been broken. */
#include "case_shelf.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

static const char *const searches[] = {
    "Observation?_count=2",
    "Patient?_count=1&_sort=family",
    "Patient?_count=1&_sort=-birthdate,family&_total=accurate",
    "Observation?_count=2&_sort=-date&status=final",
    "?_type=Patient,Observation&_count=3",
    "Encounter?_count=1&_include=Encounter:subject",
};
enum { SEARCHES = sizeof searches / sizeof *searches };
static struct text cursors[SEARCHES];
static struct text seal;

static enum status ask(struct search_result *out, size_t which, struct text cursor, struct scope *scope) {
    struct search_request request;
    const struct search_query *query = NULL;
    enum status status = shelf_request(&request, text_from(searches[which]), scope);
    invariant(status == STATUS_OK);
    if (cursor.at != NULL) {
        struct search_pair *pairs = ARENA_ARRAY(scope->arena, struct search_pair, request.pair_count + 1);
        memcpy(pairs, request.pairs, request.pair_count * sizeof *pairs);
        pairs[request.pair_count++] = (struct search_pair){TEXT("_cursor"), cursor};
        request.pairs = pairs;
    }
    status = search_parse(&query, shelf.search, &request, scope);
    return status == STATUS_OK ? search_run(out, shelf.search, query, scope) : status;
}

static struct text laid_over(struct text true_one, struct text mask, struct arena *arena) {
    char *at = arena_alloc(arena, true_one.size + 1);
    for (size_t i = 0; i < true_one.size; i++) {
        at[i] = (char)(true_one.at[i] ^ (i < mask.size ? mask.at[i] : 0));
    }
    return (struct text){at, true_one.size};
}

static enum status ask_with(size_t which, struct text cursor, struct scope *scope) {
    struct search_result page = {0};
    enum status status = ask(&page, which, cursor, scope);
    bool is_own = text_equal(cursor, cursors[which]);
    invariant(is_own ? status == STATUS_OK : status == STATUS_INVALID);
    return status;
}

static enum status open_seal(struct text mask, struct scope *scope) {
    struct text bytes, given = laid_over(seal, mask, scope->arena);
    bool opens = seal_open(&bytes, scope->arena, SHELF_KEY, TEXT("Patient/_history"), given);
    invariant(opens == text_equal(given, seal));
    invariant(!seal_open(&bytes, scope->arena, SHELF_KEY, TEXT("Patient/1/_history"), given));
    return STATUS_OK;
}

static enum status reach_store(size_t which, struct text position, struct scope *scope) {
    const struct store_plan all = {
        .kind = STORE_PLAN_TYPE, .type = fhir_resource_number(fhir_type_find(TEXT("Patient")))};
    struct store_query query = {
        .plan = &all, .sort_count = which % (STORE_SORTS_MAX + 1), .limit = 3, .after = position};
    const struct store_history_query history = {.limit = 3, .after = position};
    struct store_view *view = NULL;
    struct store_page page = {0};
    for (size_t i = 0; i < query.sort_count; i++) {
        query.sorts[i] =
            (struct store_sort){.space = STORE_SPACE_FIRST_OWN + (uint32_t)(i + which), .descending = i % 2 == 1};
    }
    enum status status = store_view_open(&view, shelf.store, 0, scope);
    invariant(status == STATUS_OK);
    status = store_view_select(&page, view, &query, scope);
    invariant(status == STATUS_OK || status == STATUS_INVALID);
    struct scope other = {.arena = scope->arena};
    enum status past = store_view_history(&page, view, &history, &other);
    invariant(past == STATUS_OK || past == STATUS_INVALID);
    store_view_close(view);
    return status;
}

static enum status try_cursor(void *context, struct scope *scope) {
    const struct text *input = context;
    size_t which = (uint8_t)input->at[1] % SEARCHES;
    struct text rest = {input->at + 2, input->size - 2};
    switch (input->at[0]) {
    case 'f':
        return ask_with(which, laid_over(cursors[which], rest, scope->arena), scope);
    case 'o':
        return ask_with(which, cursors[(which + 1 + rest.size % (SEARCHES - 1)) % SEARCHES], scope);
    case 's':
        return open_seal(rest, scope);
    case 'p':
        return reach_store((uint8_t)input->at[1], rest, scope);
    default:
        return ask_with(which, rest, scope);
    }
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    shelf_open();
    struct scope scope = {.arena = shelf.arena};
    for (size_t i = 0; i < SEARCHES; i++) {
        struct search_result page = {0};
        invariant(ask(&page, i, (struct text){0}, &scope) == STATUS_OK && page.cursor.at != NULL);
        cursors[i] = page.cursor;
    }
    seal = seal_close(shelf.arena, SHELF_KEY, TEXT("Patient/_history"), TEXT("\0\0\0\0\0\0\0\7position"));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct arena *arena = arena_open((size_t)64 << 20);
    struct text input = {(const char *)bytes, size};
    struct scope scope;
    enum status status = scope_run(&scope, arena, try_cursor, &input);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    arena_close(arena);
    return 0;
}
