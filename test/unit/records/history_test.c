/* Histories of an instance, a type and the system. */
#include "unit/records/fixture.h"

static struct records_request history(
    enum records_interaction interaction, const struct search_pair *pairs, size_t count) {
    return (struct records_request){
        .interaction = interaction,
        .type = interaction == RECORDS_HISTORY_SYSTEM ? FHIR_TYPE_NONE : type_of("Patient"),
        .id = interaction == RECORDS_HISTORY_INSTANCE ? TEXT("p") : (struct text){0},
        .pairs = pairs,
        .pair_count = count,
    };
}

static size_t entries_of(const yyjson_val *bundle) {
    return yyjson_arr_size((yyjson_val *)json_get(bundle, "entry"));
}

static void fill(struct house *house) {
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\"}"));
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"female\"}"));
    ask_ok(house, deletion("Patient", "p"));
    ask_ok(house, creation("Patient", "{\"resourceType\":\"Patient\"}"));
    ask_ok(house, creation("Organization", "{\"resourceType\":\"Organization\",\"name\":\"x\"}"));
}

static void test_instance(void **state) {
    struct house *house = *state;
    fill(house);
    const yyjson_val *bundle = parse(house, ask_ok(house, history(RECORDS_HISTORY_INSTANCE, NULL, 0)).body);
    assert_text(json_get_text(bundle, "type"), "history");
    int64_t total = 0;
    assert_true(json_get_int64(&total, bundle, "total"));
    assert_int_equal(total, 3);
    assert_int_equal(entries_of(bundle), 3);
    static const struct {
        const char *way, *text;
    } cases[] = {
        {"/entry/0/request/method", "DELETE"},
        {"/entry/0/response/status", "204"},
        {"/entry/0/response/etag", "W/\"3\""},
        {"/entry/1/request/method", "PUT"},
        {"/entry/1/request/url", "Patient/p"},
        {"/entry/1/resource/gender", "female"},
        {"/entry/1/resource/meta/versionId", "2"},
        {"/entry/2/response/status", "201"},
        {"/entry/2/resource/gender", "male"},
        {"/link/0/url", BASE_URL "/Patient/p/_history"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_text(json_text(get(bundle, cases[i].way)), cases[i].text);
    }
    assert_null(get(bundle, "/entry/0/resource"));
    struct scope scope = {.arena = house->arena};
    assert_int_equal(fhir_check(bundle, &scope), STATUS_OK);
    struct records_request none = history(RECORDS_HISTORY_INSTANCE, NULL, 0);
    none.id = TEXT("never");
    assert_int_equal(ask(house, none).status, STATUS_NOT_FOUND);
}

static void test_type_and_system(void **state) {
    struct house *house = *state;
    fill(house);
    assert_int_equal(entries_of(parse(house, ask_ok(house, history(RECORDS_HISTORY_TYPE, NULL, 0)).body)), 4);
    const yyjson_val *all = parse(house, ask_ok(house, history(RECORDS_HISTORY_SYSTEM, NULL, 0)).body);
    assert_int_equal(entries_of(all), 5);
    assert_text(json_text(get(all, "/entry/0/request/method")), "POST");
    assert_text(json_text(get(all, "/entry/0/request/url")), "Organization");
}

/* Pages are of one moment, whatever is written meanwhile. */
static void test_pages(void **state) {
    struct house *house = *state;
    fill(house);
    struct search_pair pairs[2] = {PAIR("_count", "2")};
    size_t count = 1, seen = 0, pages = 0;
    for (;;) {
        const yyjson_val *bundle = parse(house, ask_ok(house, history(RECORDS_HISTORY_SYSTEM, pairs, count)).body);
        seen += entries_of(bundle);
        pages++;
        ask_ok(house, creation("Patient", "{\"resourceType\":\"Patient\"}"));
        struct text next = json_text(get(bundle, "/link/1/url"));
        if (next.at == NULL) {
            break;
        }
        pairs[1] = (struct search_pair){
            TEXT("_cursor"), text_from(strstr(text_string(house->arena, next), "_cursor=") + strlen("_cursor="))};
        count = 2;
    }
    assert_int_equal(seen, 5);
    assert_int_equal(pages, 3);
}

static void test_parameters(void **state) {
    struct house *house = *state;
    fill(house);
    static const struct {
        const char *name, *value;
        enum status status;
        size_t entries;
    } cases[] = {
        {"_since", "2001-01-01T00:00:00Z", STATUS_OK, 3},
        {"_since", "2999-01-01T00:00:00Z", STATUS_OK, 0},
        {"_since", "soon", STATUS_INVALID, 0},
        {"_at", "2001", STATUS_OK, 0},
        {"_at", "soon", STATUS_INVALID, 0},
        {"_count", "0", STATUS_OK, 0},
        {"_count", "1", STATUS_OK, 1},
        {"_count", "-1", STATUS_INVALID, 0},
        {"_count", "many", STATUS_INVALID, 0},
        {"_cursor", "00", STATUS_INVALID, 0},
        {"_cursor", "zz", STATUS_INVALID, 0},
        {"_cursor", "000000000000000001", STATUS_INVALID, 0},
        {"_nonsense", "1", STATUS_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct search_pair pair = {text_from(cases[i].name), text_from(cases[i].value)};
        struct records_answer answer = ask(house, history(RECORDS_HISTORY_INSTANCE, &pair, 1));
        if (answer.status != cases[i].status) {
            print_message("%s=%s: %s\n", cases[i].name, cases[i].value, status_name(answer.status));
        }
        assert_int_equal(answer.status, cases[i].status);
        if (answer.status == STATUS_OK) {
            assert_int_equal(entries_of(parse(house, answer.body)), cases[i].entries);
        }
    }
    const struct search_pair odd = PAIR("_nonsense", "1");
    struct records_request lenient = history(RECORDS_HISTORY_INSTANCE, &odd, 1);
    lenient.handling = SEARCH_LENIENT;
    ask_ok(house, lenient);
}

/* _at with a moving hand: 00:00 male, 00:10 female, 00:20 deleted. */
static void test_at(void **state) {
    (void)state;
    struct house *house = house_open_with(clock_open_manual(START_US), RECORDS_REFERENCES_LOOSE);
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\"}"));
    clock_advance(house->clock, INT64_C(600000000));
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"female\"}"));
    clock_advance(house->clock, INT64_C(600000000));
    ask_ok(house, deletion("Patient", "p"));
    static const struct {
        const char *at;
        size_t entries;
    } cases[] = {
        {"2026-11-22T00:05:00Z", 1},
        {"2026-11-22T00:15:00Z", 1},
        {"2026-11-22T09:15:00+09:00", 1},
        {"2026-11-21", 0},
        {"2026", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct search_pair pair = {TEXT("_at"), text_from(cases[i].at)};
        struct records_answer answer = ask_ok(house, history(RECORDS_HISTORY_INSTANCE, &pair, 1));
        assert_int_equal(entries_of(parse(house, answer.body)), cases[i].entries);
    }
    house_close(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_instance),
        TEST(test_type_and_system),
        TEST(test_pages),
        TEST(test_parameters),
        cmocka_unit_test(test_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
