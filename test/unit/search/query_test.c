/* Cursors, lenient handling, self links, conditional matches. */
#include "unit/search/shelf.h"

enum { PATIENTS = 10 };

static enum status put_patient(struct shelf *shelf, int number, const char *family) {
    struct scope scope = {.arena = arena_open(1 << 24)};
    yyjson_doc *doc;
    struct text json = text_format(
        scope.arena, "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"name\":[{\"family\":\"%s\"}]}", number, family);
    enum status status = json_read(&doc, json, &scope);
    if (status == STATUS_OK) {
        const yyjson_val *resource = yyjson_doc_get_root(doc);
        status = shelf_put(shelf, &resource, 1, &scope);
    }
    arena_close(scope.arena);
    return status;
}

static int setup(void **state) {
    struct shelf *shelf = calloc(1, sizeof *shelf);
    *state = shelf;
    shelf_open(shelf, 540, INT64_C(1700000000000000));
    for (int i = 0; i < PATIENTS; i++) {
        assert_int_equal(put_patient(shelf, i, "Kim"), STATUS_OK);
    }
    return 0;
}

static int teardown(void **state) {
    shelf_close(*state);
    free(*state);
    return 0;
}

static struct search_request with_pair(
    const struct search_request *request, const char *name, struct text value, struct arena *arena) {
    struct search_request longer = *request;
    struct search_pair *pairs = ARENA_ARRAY(arena, struct search_pair, request->pair_count + 1);
    memcpy(pairs, request->pairs, request->pair_count * sizeof *pairs);
    pairs[longer.pair_count++] = (struct search_pair){text_from(name), value};
    longer.pairs = pairs;
    return longer;
}

static enum status try_cursor(struct shelf *shelf, const char *url, struct text cursor, struct search_result *result) {
    struct scope *scope = &shelf->scope;
    struct search_request request = shelf_request(url, scope->arena);
    request = with_pair(&request, "_cursor", cursor, scope->arena);
    return shelf_search(result, shelf, &request, scope);
}

static struct text first_cursor(struct shelf *shelf, const char *url) {
    struct search_result result;
    struct search_request request = shelf_request(url, shelf->scope.arena);
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_OK);
    assert_non_null(result.cursor.at);
    return result.cursor;
}

/* Every character changed in turn, cut short, lengthened, moved to another query or another key: refused. */
static void test_forged_cursors(void **state) {
    struct shelf *shelf = *state;
    struct search_result result;
    struct text cursor = first_cursor(shelf, "Patient?name=kim&_count=3");
    assert_int_equal(try_cursor(shelf, "Patient?name=kim&_count=3", cursor, &result), STATUS_OK);
    for (size_t i = 0; i < cursor.size; i++) {
        char *forged = arena_alloc(shelf->scope.arena, cursor.size);
        memcpy(forged, cursor.at, cursor.size);
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        enum status status =
            try_cursor(shelf, "Patient?name=kim&_count=3", (struct text){forged, cursor.size}, &result);
        if (status != STATUS_INVALID && i + 1 < cursor.size) { /* the last character has unused bits */
            fail_msg("character %zu", i);
        }
    }
    assert_int_equal(try_cursor(shelf, "Patient?name=kim&_count=3", (struct text){cursor.at, cursor.size - 4}, &result),
        STATUS_INVALID);
    assert_int_equal(try_cursor(shelf, "Patient?name=kim&_count=4", cursor, &result), STATUS_INVALID);
    assert_int_equal(try_cursor(shelf, "Patient?name=lee&_count=3", cursor, &result), STATUS_INVALID);
    assert_int_equal(try_cursor(shelf, "Person?name=kim&_count=3", cursor, &result), STATUS_INVALID);
    assert_int_equal(try_cursor(shelf, "Patient?name=kim&_count=3", TEXT(""), &result), STATUS_INVALID);
    struct search_request request = shelf_request("Patient?name=kim&_count=3", shelf->scope.arena);
    request = with_pair(&request, "_cursor", cursor, shelf->scope.arena);
    request.cursor_key = TEXT("another secret, as long as the one");
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_INVALID);
}

/* Pages belong to one moment: what is written between them is not seen, and no match is lost or doubled. */
static void test_pages_are_of_one_moment(void **state) {
    struct shelf *shelf = *state;
    struct search_result result;
    const char *url = "Patient?name=kim&_count=3&_sort=-_lastUpdated&_total=accurate";
    struct text cursor = first_cursor(shelf, url);
    size_t found = 3;
    for (int page = 0; cursor.at != NULL; page++) {
        assert_int_equal(put_patient(shelf, 5, page % 2 == 0 ? "Lee" : "Kim"), STATUS_OK);
        assert_int_equal(put_patient(shelf, 100 + page, "Kim"), STATUS_OK);
        assert_int_equal(try_cursor(shelf, url, cursor, &result), STATUS_OK);
        assert_true(result.has_total);
        assert_int_equal(result.total, PATIENTS);
        found += result.matches.count;
        cursor = result.cursor;
    }
    assert_int_equal(found, PATIENTS);
}

static void test_old_cursors_are_gone(void **state) {
    struct shelf *shelf = *state;
    struct search_result result;
    struct text cursor = first_cursor(shelf, "Patient?_count=2");
    clock_advance(shelf->clock, (STORE_CURSOR_LIFE_S + 60) * INT64_C(1000000));
    assert_int_equal(put_patient(shelf, 200, "Park"), STATUS_OK);
    clock_advance(shelf->clock, (STORE_CURSOR_LIFE_S + 60) * INT64_C(1000000));
    assert_int_equal(put_patient(shelf, 201, "Park"), STATUS_OK);
    shelf->scope.fault = (struct fault){0};
    assert_int_equal(try_cursor(shelf, "Patient?_count=2", cursor, &result), STATUS_GONE);
    assert_true(shelf->scope.fault.count > 0);
}

static void test_lenient_leaves_out_what_it_does_not_know(void **state) {
    struct shelf *shelf = *state;
    struct search_result result;
    struct search_request request =
        shelf_request("Patient?name=kim&foo=1&birthdate=never&name:in=x&_sort=foo&_count=2&_format=json&_filter=x",
            shelf->scope.arena);
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_INVALID);
    request.handling = SEARCH_LENIENT;
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_OK);
    assert_int_equal(result.self_count, 2);
    assert_true(text_is(result.self[0].name, "name") && text_is(result.self[1].name, "_count"));
    int warnings = 0;
    for (const struct issue *issue = result.warnings; issue != NULL; issue = issue->next) {
        warnings++;
        assert_null(strstr(issue->text, "never"));
    }
    assert_int_equal(warnings, 5);
}

struct match {
    struct shelf *shelf;
    const char *url;
    size_t found;
};

static enum status match_in_unit(void *context, struct store_unit *unit, struct scope *scope) {
    struct match *match = context;
    struct search_request request = shelf_request(match->url, scope->arena);
    const struct search_query *query;
    struct store_page page;
    enum status status = search_parse(&query, match->shelf->search, &request, scope);
    if (status == STATUS_OK) {
        status = search_match(&page, match->shelf->search, query, unit, 2, scope);
    }
    match->found = page.count;
    return status;
}

static void test_matches_in_a_unit(void **state) {
    struct shelf *shelf = *state;
    struct match match = {shelf, "Patient?_id=p1", 0};
    assert_int_equal(store_run(shelf->store, match_in_unit, &match, &shelf->scope), STATUS_OK);
    assert_int_equal(match.found, 1);
    match.url = "Patient?name=kim";
    assert_int_equal(store_run(shelf->store, match_in_unit, &match, &shelf->scope), STATUS_OK);
    assert_int_equal(match.found, 2);
    match.url = "Patient?name=nobody";
    assert_int_equal(store_run(shelf->store, match_in_unit, &match, &shelf->scope), STATUS_OK);
    assert_int_equal(match.found, 0);
    match.url = "Patient?name=kim&_sort=name";
    assert_int_equal(store_run(shelf->store, match_in_unit, &match, &shelf->scope), STATUS_INVALID);
}

static void test_limits(void **state) {
    struct shelf *shelf = *state;
    struct search_result result;
    struct search_pair pairs[300];
    for (size_t i = 0; i < 300; i++) {
        pairs[i] = (struct search_pair){TEXT("name"), TEXT("x")};
    }
    struct search_request request = {.type = fhir_type_find(TEXT("Patient")),
        .pairs = pairs,
        .pair_count = 300,
        .cursor_key = TEXT("k"),
        .count_default = 10};
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_TOO_COSTLY);
    struct buffer many = buffer_open(shelf->scope.arena, 100000);
    for (int i = 0; i < 1500; i++) {
        buffer_put_format(&many, "%sp%d", i > 0 ? "," : "", i);
    }
    pairs[0] = (struct search_pair){TEXT("_id"), buffer_text(&many)};
    request.pair_count = 1;
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_TOO_COSTLY);
    char *huge = arena_alloc(shelf->scope.arena, 9000);
    memset(huge, 'x', 9000);
    pairs[0] = (struct search_pair){TEXT("name"), {huge, 9000}};
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_TOO_COSTLY);
    pairs[0].value.size = 5000;
    assert_int_equal(shelf_search(&result, shelf, &request, &shelf->scope), STATUS_OK);
    assert_int_equal(result.matches.count, 0);
}

static void test_explain(void **state) {
    struct shelf *shelf = *state;
    const struct search_query *query;
    struct search_request request = shelf_request("Patient?name=kim&gender:not=male", shelf->scope.arena);
    assert_int_equal(search_parse(&query, shelf->search, &request, &shelf->scope), STATUS_OK);
    struct text plan = search_query_explain(query, &shelf->scope);
    assert_true(text_starts(plan, "intersect\n  union\n    range space="));
    assert_non_null(memmem(plan.at, plan.size, "subtract\n    type Patient", 25));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forged_cursors),
        cmocka_unit_test(test_lenient_leaves_out_what_it_does_not_know), cmocka_unit_test(test_matches_in_a_unit),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_explain), cmocka_unit_test(test_pages_are_of_one_moment),
        cmocka_unit_test(test_old_cursors_are_gone)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
