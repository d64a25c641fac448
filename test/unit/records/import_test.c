/* Loading many resources, single and in bundles, once and again. */
#include "unit/records/fixture.h"

static enum status load(struct house *house, const char *const *documents, size_t count, uint64_t *written_out) {
    struct records_import *import = NULL;
    house->scope = (struct scope){.arena = house->arena};
    assert_int_equal(records_import_open(&import, house->records, &nurse, &house->scope), STATUS_OK);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = records_import_feed(import, text_from(documents[i]), &house->scope);
    }
    enum status closed = records_import_close(written_out, import, &house->scope);
    return status == STATUS_OK ? closed : status;
}

static void test_many_resources(void **state) {
    struct house *house = *state;
    struct records_import *import = NULL;
    struct scope scope = {.arena = house->arena};
    assert_int_equal(records_import_open(&import, house->records, &nurse, &scope), STATUS_OK);
    char body[128];
    for (int i = 0; i < 4500; i++) {
        snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"gender\":\"%s\"}", i,
            i % 3 == 0 ? "male" : "female");
        assert_int_equal(records_import_feed(import, text_from(body), &scope), STATUS_OK);
    }
    uint64_t written = 0;
    assert_int_equal(records_import_close(&written, import, &scope), STATUS_OK);
    assert_int_equal(written, 4500);
    assert_int_equal(count_of(house, "Patient"), 4500);
    ask_ok(house, reading("Patient", "p4499"));
    const struct search_pair pairs[] = {PAIR("gender", "male"), PAIR("_summary", "count")};
    int64_t total = 0;
    assert_true(json_get_int64(&total, parse(house, ask_ok(house, searching("Patient", pairs, 2)).body), "total"));
    assert_int_equal(total, 1500);
    assert_text(json_get_text(last_audit(house), "do"), "search");
    assert_int_equal(store_check(NULL, house->store, NULL, NULL, &scope), STATUS_OK);
}

#define A "urn:uuid:11111111-1111-4111-8111-111111111111"

static const char bundle[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":["
    "{\"fullUrl\":\"" A "\",\"resource\":{\"resourceType\":\"Patient\"}},"
    "{\"resource\":{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
    "\"subject\":{\"reference\":\"" A "\"},\"performer\":[{\"reference\":\"Practitioner?identifier=http://x|1\"}]}},"
    "{\"search\":{\"mode\":\"outcome\"},\"resource\":{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":"
    "\"warning\",\"code\":\"informational\"}]}}]}";

static void test_bundles(void **state) {
    struct house *house = *state;
    const char *const documents[] = {
        "{\"resourceType\":\"Practitioner\",\"id\":\"dr\",\"identifier\":[{\"system\":\"http://x\",\"value\":\"1\"}]}",
        bundle,
        bundle,
    };
    uint64_t written = 0;
    enum status status = load(house, documents, 3, &written);
    print_issues(&house->scope);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(written, 5);
    struct records_answer answer = ask_ok(house, reading("Observation", "o"));
    assert_int_equal(answer.version, 2); /* the same again is a new version, not another resource */
    const yyjson_val *observation = parse(house, answer.body);
    assert_text(json_text(get(observation, "/subject/reference")), "Patient/11111111-1111-4111-8111-111111111111");
    assert_text(json_text(get(observation, "/performer/0/reference")), "Practitioner/dr");
    assert_int_equal(count_of(house, "Patient"), 1);
    assert_int_equal(count_of(house, "OperationOutcome"), 0);
}

static void test_faults_name_the_document(void **state) {
    struct house *house = *state;
    static const char *const bad[] = {
        "{",
        "[]",
        "{\"resourceType\":\"Patient\",\"birthDate\":\"x\"}",
        "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":{\"resourceType\":"
        "\"Observation\","
        "\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"" A "\"}}}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const documents[] = {"{\"resourceType\":\"Patient\",\"id\":\"p\"}", bad[i]};
        assert_int_equal(load(house, documents, 2, NULL), STATUS_INVALID);
        assert_true(has_issue(house, "document 2"));
    }
    const struct records_caller nobody = {0};
    struct records_import *import = NULL;
    struct scope scope = {.arena = house->arena};
    assert_int_equal(records_import_open(&import, house->records, &nobody, &scope), STATUS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_many_resources),
        TEST(test_bundles),
        TEST(test_faults_name_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
