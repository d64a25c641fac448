/* A visit reads and writes, and leaves one row. */
#include "unit/records/fixture.h"

struct tour {
    struct house *house;
    size_t found;
    struct text id; /* what is read */
};

static enum status look(void *context, struct records_visit *visit, struct scope *scope) {
    struct tour *tour = context;
    const yyjson_val *patient = NULL, **found = NULL;
    enum status status = records_visit_get(&patient, visit, type_of("Patient"), tour->id, scope);
    const struct search_pair pairs[] = {PAIR("patient", "Patient/p"), PAIR("_sort", "-date")};
    return status == STATUS_OK
               ? records_visit_find(&found, &tour->found, visit, type_of("Observation"), pairs, 2, 10, scope)
               : status;
}

static enum status note(void *context, struct records_unit *unit, struct scope *scope) {
    (void)context;
    return records_unit_put(
        NULL, unit, TEXT("{\"resourceType\":\"Basic\",\"id\":\"b\",\"code\":{\"text\":\"x\"}}"), scope);
}

static void prepare(struct house *house) {
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"));
    for (int i = 0; i < 3; i++) {
        char id[8] = {'o', (char)('0' + i), 0};
        const char *body = text_format(house->arena,
            "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
            "\"subject\":{\"reference\":\"Patient/p\"}}",
            id)
                               .at;
        ask_ok(house, replacement("Observation", id, body));
    }
}

static size_t row_count(struct house *house) {
    size_t count = 0;
    audit_entries(house, &count);
    return count;
}

static void test_one_row_for_all(void **state) {
    struct house *house = *state;
    struct tour tour = {.house = house, .id = TEXT("p")};
    prepare(house);
    size_t before = row_count(house);
    assert_int_equal(records_visit_run(house->records, &nurse, "$tour", look, note, &tour, &house->scope), STATUS_OK);
    assert_int_equal(tour.found, 3);
    assert_int_equal(row_count(house), before + 1);
    const yyjson_val *row = last_audit(house);
    assert_text(json_get_text(row, "do"), "$tour");
    assert_text(json_get_text(row, "who"), "Practitioner/nurse");
    assert_int_equal(
        yyjson_arr_size(json_get(row, "on")), 5); /* a Patient, three Observations, and the Basic written */
    assert_int_equal(count_of(house, "Basic"), 1);
}

static void test_only_reading(void **state) {
    struct house *house = *state;
    struct tour tour = {.house = house, .id = TEXT("p")};
    prepare(house);
    size_t before = row_count(house);
    assert_int_equal(records_visit_run(house->records, &nurse, "$tour", look, NULL, &tour, &house->scope), STATUS_OK);
    assert_int_equal(row_count(house), before + 1);
    assert_int_equal(yyjson_arr_size(json_get(last_audit(house), "on")), 4);
}

static void test_what_fails_writes_nothing(void **state) {
    struct house *house = *state;
    struct tour tour = {.house = house, .id = TEXT("nobody")};
    prepare(house);
    assert_int_equal(
        records_visit_run(house->records, &nurse, "$tour", look, note, &tour, &house->scope), STATUS_NOT_FOUND);
    const yyjson_val *row = last_audit(house);
    assert_text(json_get_text(row, "do"), "$tour");
    assert_text(json_get_text(row, "outcome"), "not-found");
    assert_text(json_text(get(row, "/on/0")), "Patient/nobody");
    assert_int_equal(count_of(house, "Basic"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_one_row_for_all),
        TEST(test_only_reading),
        TEST(test_what_fails_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
