/* No interaction without its row, and no value in a row. */
#include "unit/records/fixture.h"

static void expect_row(struct house *house, const char *what, const char *outcome, const char *on) {
    const yyjson_val *row = last_audit(house);
    assert_text(json_get_text(row, "do"), what);
    assert_text(json_get_text(row, "outcome"), outcome);
    assert_text(json_get_text(row, "who"), "Practitioner/nurse");
    assert_text(json_get_text(row, "org"), "Organization/post");
    assert_text(json_get_text(row, "role"), "primary-care");
    assert_text(json_get_text(row, "purpose"), "TREAT");
    if (on != NULL) {
        assert_text(json_text(get(row, "/on/0")), on);
    }
}

static void test_each_interaction(void **state) {
    struct house *house = *state;
    const char *body = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"family\":\"Secretname\"}]}";
    ask_ok(house, replacement("Patient", "p", body));
    expect_row(house, "update", "ok", "Patient/p");
    ask_ok(house, reading("Patient", "p"));
    expect_row(house, "read", "ok", "Patient/p");
    struct records_request vread = reading("Patient", "p");
    vread.interaction = RECORDS_VREAD;
    vread.version = TEXT("1");
    ask_ok(house, vread);
    expect_row(house, "vread", "ok", "Patient/p");
    const struct search_pair pairs[] = {PAIR("family", "secretname")};
    ask_ok(house, searching("Patient", pairs, 1));
    expect_row(house, "search", "ok", "Patient/p");
    assert_text(json_text(get(last_audit(house), "/names/0")), "family");
    struct records_request history = reading("Patient", "p");
    history.interaction = RECORDS_HISTORY_INSTANCE;
    ask_ok(house, history);
    expect_row(house, "history-instance", "ok", "Patient/p");
    ask_ok(house,
        posting("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{\"method\":\"PUT\","
                "\"url\":\"Patient/q\"},\"resource\":{\"resourceType\":\"Patient\",\"id\":\"q\"}}]}"));
    expect_row(house, "transaction", "ok", "Patient/q");
    ask_ok(house, posting("{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\","
                          "\"url\":\"Patient/q\"}}]}"));
    expect_row(house, "read", "ok", "Patient/q");
    ask_ok(house, deletion("Patient", "p"));
    expect_row(house, "delete", "ok", "Patient/p");
    size_t count = 0;
    struct store_audit_entry *entries = audit_entries(house, &count);
    for (size_t i = 0; i < count; i++) {
        const char *entry = text_string(house->arena, entries[i].entry);
        assert_null(strstr(entry, "ecretname"));
    }
}

static void test_failures_are_told(void **state) {
    struct house *house = *state;
    ask(house, reading("Patient", "none"));
    expect_row(house, "read", "not-found", "Patient/none");
    ask(house, creation("Patient", "{"));
    expect_row(house, "create", "invalid", NULL);
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"));
    struct records_request update = replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}");
    update.if_match = TEXT("W/\"9\"");
    ask(house, update);
    expect_row(house, "update", "precondition", NULL);
    struct search_pair odd[] = {{TEXT("Kim Secretname; born 1950"), TEXT("x")}};
    ask(house, searching("Patient", odd, 1));
    expect_row(house, "search", "invalid", NULL);
    assert_text(json_text(get(last_audit(house), "/names/0")), "?");
}

static void test_callers_are_required(void **state) {
    struct house *house = *state;
    static const struct records_caller bad[] = {
        {.who = {"x", 1}, .role = {"crew", 4}, .purpose = {"TREAT", 5}},
        {.who = {"x", 1}, .organisation = {"y", 1}, .purpose = {"TREAT", 5}},
        {.who = {"x", 1}, .organisation = {"y", 1}, .role = {"crew", 4}},
        {.who = {"x", 1}, .organisation = {"y", 1}, .role = {"king", 4}, .purpose = {"TREAT", 5}},
        {.who = {"x", 1}, .organisation = {"y", 1}, .role = {"crew", 4}, .purpose = {"FUN", 3}},
        {.who = {"\xff", 1}, .organisation = {"y", 1}, .role = {"crew", 4}, .purpose = {"TREAT", 5}},
    };
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t before = 0, after = 0;
        audit_entries(house, &before);
        struct records_request requests[] = {
            reading("Patient", "p"), creation("Patient", "{\"resourceType\":\"Patient\"}")};
        for (size_t j = 0; j < 2; j++) {
            requests[j].caller = bad[i];
            assert_int_equal(ask(house, requests[j]).status, STATUS_DENIED);
            assert_text(json_get_text(last_audit(house), "outcome"), "denied");
        }
        audit_entries(house, &after);
        assert_int_equal(after, before + 2);
    }
    assert_int_equal(count_of(house, "Patient"), 1);
}

/* Numbers without gaps, each hash over the one before: what the store checks, over rows that records wrote. */
static void test_chain_is_whole(void **state) {
    struct house *house = *state;
    for (int i = 0; i < 20; i++) {
        ask(house, i % 2 == 0 ? creation("Patient", "{\"resourceType\":\"Patient\"}") : reading("Patient", "none"));
    }
    size_t count = 0;
    struct store_audit_entry *entries = audit_entries(house, &count);
    assert_int_equal(count, 20);
    for (size_t i = 1; i < count; i++) {
        assert_int_equal(entries[i].number, entries[i - 1].number + 1);
        assert_memory_not_equal(entries[i].hash, entries[i - 1].hash, DIGEST_SIZE);
        assert_true(entries[i].seq >= entries[i - 1].seq);
    }
    struct scope scope = {.arena = house->arena};
    assert_int_equal(store_check(NULL, house->store, NULL, NULL, &scope), STATUS_OK);
}

/* A request that runs out of its memory is a clean refusal, and is audited like any other. */
static void test_memory_runs_out(void **state) {
    struct house *house = *state;
    struct buffer body = buffer_open(house->arena, (size_t)8 << 20);
    buffer_put_string(&body, "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"x\"}");
    for (int i = 0; i < 20000; i++) {
        buffer_put_string(&body, ",{\"family\":\"x\"}");
    }
    buffer_put_string(&body, "]}");
    struct arena *small = arena_open(400 * 1024);
    struct scope scope = {.arena = small};
    struct records_answer answer;
    const struct records_request request = {
        .interaction = RECORDS_CREATE, .caller = nurse, .type = type_of("Patient"), .body = buffer_text(&body)};
    assert_int_equal(records_run(&answer, house->records, &request, &scope), STATUS_TOO_COSTLY);
    assert_true(scope.fault.count > 0);
    expect_row(house, "create", "too-costly", NULL);
    arena_close(small);
    assert_int_equal(count_of(house, "Patient"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_each_interaction),
        TEST(test_failures_are_told),
        TEST(test_callers_are_required),
        TEST(test_chain_is_whole),
        TEST(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
