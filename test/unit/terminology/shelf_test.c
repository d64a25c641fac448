/* The shelf in time: changes seen once they are committed, units undone, many at once, threads, memory that is let go. And
 * the questions that other modules ask. */
#include <pthread.h>

#include "terminology/shelf.h"
#include "terminology/uploads.h"
#include "unit/terminology/library.h"

static const char system_json[] =
    "{\"resourceType\":\"CodeSystem\",\"id\":\"%s\",\"url\":\"http://x/%s\",\"version\":\"%s\","
    "\"status\":\"active\",\"content\":\"complete\",\"concept\":[{\"code\":\"%s\"}]}";

static const yyjson_val *make_system(
    const char *id, const char *url, const char *version, const char *code, struct scope *scope) {
    char json[400];
    snprintf(json, sizeof json, system_json, id, url, version, code);
    return library_json(json, scope);
}

static enum terminology_verdict ask(struct library *library, const char *system, const char *code) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    struct terminology_answer answer;
    const struct terminology_coding coding = {.system = text_from(system), .code = text_from(code)};
    struct text value_set = text_format(scope.arena, "%s?fhir_vs", system);
    assert_int_equal(
        terminology_validate(&answer, library->terminology, value_set, &coding, TERMINOLOGY_CODING, &scope), STATUS_OK);
    enum terminology_verdict verdict = answer.verdict;
    arena_close(scope.arena);
    return verdict;
}

static void test_versions_in_order(void **state) {
    static const char *const sorted[] = {
        "", "1", "1.2", "1.2.0", "1.2.10", "1.10", "2", "2.0-beta", "10", "2018-08-12", "2018-10-01"};
    (void)state;
    for (size_t i = 0; i + 1 < sizeof sorted / sizeof sorted[0]; i++) {
        assert_true(shelf_compare_versions(text_from(sorted[i]), text_from(sorted[i + 1])) < 0);
        assert_true(shelf_compare_versions(text_from(sorted[i + 1]), text_from(sorted[i])) > 0);
        assert_int_equal(shelf_compare_versions(text_from(sorted[i]), text_from(sorted[i])), 0);
    }
}

static void test_a_unit_undone_changes_nothing(void **state) {
    struct library library;
    (void)state;
    library_open(&library);
    struct scope *scope = &library.scope;
    assert_int_equal(ask(&library, "http://x/a", "one"), TERMINOLOGY_UNKNOWN);
    assert_int_equal(library_change(&library, make_system("a", "a", "1", "one", scope), LIBRARY_PUT), STATUS_OK);
    assert_int_equal(ask(&library, "http://x/a", "one"), TERMINOLOGY_YES);
    assert_int_equal(
        library_change(&library, make_system("a", "a", "1", "two", scope), LIBRARY_PUT_UNDONE), STATUS_CONFLICT);
    assert_int_equal(ask(&library, "http://x/a", "one"), TERMINOLOGY_YES);
    assert_int_equal(ask(&library, "http://x/a", "two"), TERMINOLOGY_NO);
    assert_int_equal(library_change(&library, make_system("b", "b", "1", "one", scope), LIBRARY_PUT), STATUS_OK);
    assert_int_equal(ask(&library, "http://x/a", "two"), TERMINOLOGY_NO);
    assert_int_equal(library_change(&library, make_system("a", "a", "1", "two", scope), LIBRARY_PUT), STATUS_OK);
    assert_int_equal(ask(&library, "http://x/a", "two"), TERMINOLOGY_YES);
    assert_int_equal(ask(&library, "http://x/a", "one"), TERMINOLOGY_NO);
    library_close(&library);
}

static void test_more_changes_than_marks(void **state) {
    struct library library;
    (void)state;
    library_open(&library);
    assert_int_equal(ask(&library, "http://x/0", "one"), TERMINOLOGY_UNKNOWN);
    for (int i = 0; i < SHELF_MARKS_MAX + 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(
            library_change(&library, make_system(id, id, "1", id, &library.scope), LIBRARY_PUT), STATUS_OK);
    }
    assert_true(library.terminology->must_scan);
    assert_int_equal(ask(&library, "http://x/0", "0"), TERMINOLOGY_YES);
    assert_int_equal(ask(&library, "http://x/531", "531"), TERMINOLOGY_YES);
    assert_false(library.terminology->must_scan);
    assert_int_equal(library.terminology->mark_count, 0);
    assert_int_equal(library.terminology->upload_count, SHELF_MARKS_MAX + 20);
    assert_int_equal(
        library_change(&library, make_system("7", "7", "1", "7", &library.scope), LIBRARY_DELETE), STATUS_OK);
    assert_int_equal(ask(&library, "http://x/7", "7"), TERMINOLOGY_UNKNOWN);
    library_close(&library);
}

static void test_uploads_are_there_after_opening(void **state) {
    struct library library;
    struct terminology *second = NULL;
    (void)state;
    library_open(&library);
    assert_int_equal(
        library_change(&library, make_system("a", "a", "1", "one", &library.scope), LIBRARY_PUT), STATUS_OK);
    const struct terminology_config config = {.store = library.store, .clock = library.clock};
    assert_int_equal(terminology_open(&second, &config, &library.scope), STATUS_OK);
    struct terminology *first = library.terminology;
    library.terminology = second;
    assert_int_equal(ask(&library, "http://x/a", "one"), TERMINOLOGY_YES);
    terminology_close(second);
    library.terminology = first;
    library_close(&library);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static void test_what_is_kept_has_a_bound(void **state) {
    enum { CONCEPTS = 60000, SYSTEMS = 14 };
    struct library library;
    (void)state;
    library_open(&library);
    for (int i = 0; i < SYSTEMS; i++) {
        struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
        struct json_writer w = json_writer_open(scope.arena, 64 << 20);
        struct text json;
        json_object_open(&w);
        json_member_string(&w, "resourceType", "CodeSystem");
        json_name(&w, "id");
        json_string_text(&w, text_format(scope.arena, "big%d", i));
        json_name(&w, "url");
        json_string_text(&w, text_format(scope.arena, "http://x/big%d", i));
        json_member_string(&w, "status", "active");
        json_member_string(&w, "content", "complete");
        json_name(&w, "concept");
        json_array_open(&w);
        for (int j = 0; j < CONCEPTS; j++) {
            json_object_open(&w);
            json_name(&w, "code");
            json_string_text(&w, text_format(scope.arena, "code-%d", j));
            json_member_string(&w, "display", "a display of some length, as they are in practice");
            json_object_close(&w);
        }
        json_array_close(&w);
        json_object_close(&w);
        assert_int_equal(json_finish(&json, &w, &scope), STATUS_OK);
        assert_int_equal(
            library_change(&library, library_json(text_string(scope.arena, json), &scope), LIBRARY_PUT), STATUS_OK);
        arena_close(scope.arena);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < SYSTEMS; i++) {
            char url[40];
            snprintf(url, sizeof url, "http://x/big%d", i);
            assert_int_equal(ask(&library, url, "code-59999"), TERMINOLOGY_YES);
            assert_int_equal(ask(&library, url, "code-60000"), TERMINOLOGY_NO);
            assert_true(library.terminology->kept_bytes <= TERMINOLOGY_KEPT_BYTES_MAX);
        }
    }
    struct text out;
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    struct text url = TEXT("ValueSet/$expand?url=http://x/big0?fhir_vs");
    assert_int_equal(library_call(&out, &library, url, (struct text){NULL, 0}, &scope), STATUS_TOO_COSTLY);
    assert_non_null(strstr(scope.fault.first->text, "50000"));
    url = TEXT("ValueSet/$expand?url=http://x/big0?fhir_vs&filter=code-5999");
    assert_int_equal(library_call(&out, &library, url, (struct text){NULL, 0}, &scope), STATUS_OK);
    arena_close(scope.arena);
    library_close(&library);
}

/* ---- threads ---------------------------------------------------------------------------------------------------- */

struct asker {
    struct library *library;
    int wrong;
};

/* One of the two codes is always in: the resource is replaced, never missing. */
static void *keep_asking(void *context) {
    struct asker *asker = context;
    for (int i = 0; i < 400; i++) {
        enum terminology_verdict one = ask(asker->library, "http://x/a", "always");
        asker->wrong += one != TERMINOLOGY_YES;
    }
    return NULL;
}

static void test_threads_see_one_or_the_other(void **state) {
    struct library library;
    struct asker askers[4];
    pthread_t threads[4];
    (void)state;
    library_open(&library);
    assert_int_equal(
        library_change(&library, make_system("a", "a", "1", "always", &library.scope), LIBRARY_PUT), STATUS_OK);
    for (int i = 0; i < 4; i++) {
        askers[i] = (struct asker){.library = &library};
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &askers[i]), 0);
    }
    for (int i = 0; i < 100; i++) {
        char version[16];
        snprintf(version, sizeof version, "%d", i);
        assert_int_equal(
            library_change(&library, make_system("a", "a", version, "always", &library.scope), LIBRARY_PUT), STATUS_OK);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].wrong, 0);
    }
    library_close(&library);
}

/* ---- what others ask -------------------------------------------------------------------------------------------- */

static void test_codes_for_search(void **state) {
    struct library library;
    struct terminology_codes codes;
    (void)state;
    library_open(&library);
    struct scope *scope = &library.scope;
    assert_int_equal(terminology_codes(&codes, library.terminology,
                         TEXT("http://hl7.org/fhir/ValueSet/administrative-gender"), scope),
        STATUS_OK);
    assert_int_equal(codes.count, 4);
    assert_int_equal(codes.whole_count, 0);
    assert_true(text_is(codes.at[0].code, "male"));
    assert_int_equal(
        terminology_codes(&codes, library.terminology, TEXT("http://loinc.org?fhir_vs"), scope), STATUS_OK);
    assert_int_equal(codes.count, 0);
    assert_int_equal(codes.whole_count, 1);
    assert_true(text_is(codes.whole_systems[0], "http://loinc.org"));
    assert_int_equal(terminology_codes(&codes, library.terminology, TEXT("http://loinc.org?fhir_vs=isa/LP1"), scope),
        STATUS_NOT_FOUND);
    assert_int_equal(terminology_codes(&codes, library.terminology, TEXT("http://x/none"), scope), STATUS_NOT_FOUND);
    const struct terminology_coding cluster = {
        .system = TEXT("http://terminology.hl7.org/CodeSystem/v3-ActClass"), .code = TEXT("CLUSTER")};
    assert_int_equal(terminology_relatives(&codes, library.terminology, &cluster, TERMINOLOGY_ABOVE, scope), STATUS_OK);
    assert_int_equal(codes.count, 4); /* ACT, _ActClassRecordOrganizer, GROUPER and itself */
    const struct terminology_coding sct = {.system = TEXT("http://snomed.info/sct"), .code = TEXT("1")};
    assert_int_equal(
        terminology_relatives(&codes, library.terminology, &sct, TERMINOLOGY_BELOW, scope), STATUS_NOT_FOUND);
    library_close(&library);
}

static void check_member(
    struct library *library, const char *expression, const char *json, bool expected, bool expected_known) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    const struct fhirpath *program;
    struct fhirpath_items items;
    bool in = false, known = false;
    const struct fhirpath_environment environment = {.resource = library_json(json, &scope)};
    assert_int_equal(fhirpath_compile(&program, text_from(expression), &scope), STATUS_OK);
    assert_int_equal(fhirpath_evaluate(&items, program, NULL, &environment, &scope), STATUS_OK);
    assert_int_equal(items.count, 1);
    struct text value_set = TEXT("http://hl7.org/fhir/ValueSet/observation-status");
    if (strstr(expression, "code") != NULL) {
        value_set = TEXT("http://hl7.org/fhir/ValueSet/observation-codes");
    }
    assert_int_equal(
        terminology_member_of(&in, &known, library->terminology, &items.at[0], value_set, &scope), STATUS_OK);
    assert_int_equal(in, expected);
    assert_int_equal(known, expected_known);
    arena_close(scope.arena);
}

static void test_member_of(void **state) {
    struct library library;
    (void)state;
    library_open(&library);
    static const char good[] = "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{"
                               "\"system\":\"http://loinc.org\",\"code\":\"8867-4\"}]}}";
    static const char bad[] = "{\"resourceType\":\"Observation\",\"status\":\"done\",\"code\":{\"coding\":[{\"system\":"
                              "\"http://x\",\"code\":\"8867-4\"}]}}";
    check_member(&library, "status", good, true, true);
    check_member(&library, "status", bad, false, true);
    check_member(&library, "code", good, false, false); /* all of LOINC: not known here */
    check_member(&library, "code.coding", good, false, false);
    check_member(&library, "code", bad, false, true);
    library_close(&library);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_in_order),
        cmocka_unit_test(test_a_unit_undone_changes_nothing),
        cmocka_unit_test(test_more_changes_than_marks),
        cmocka_unit_test(test_uploads_are_there_after_opening),
        cmocka_unit_test(test_what_is_kept_has_a_bound),
        cmocka_unit_test(test_threads_see_one_or_the_other),
        cmocka_unit_test(test_codes_for_search),
        cmocka_unit_test(test_member_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
