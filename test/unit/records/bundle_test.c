/* Transactions and batches: the good ones, and all the bad ones. */
#include "unit/records/fixture.h"

#define BUNDLE(type, entries) "{\"resourceType\":\"Bundle\",\"type\":\"" type "\",\"entry\":[" entries "]}"
#define REQUEST(method, url) "\"request\":{\"method\":\"" method "\",\"url\":\"" url "\"}"
#define A "urn:uuid:11111111-1111-4111-8111-111111111111"
#define B "urn:uuid:22222222-2222-4222-8222-222222222222"
#define OBSERVATION(subject)                                                                                           \
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":"     \
    "\"" subject "\"}}"
#define PATIENT "{\"resourceType\":\"Patient\"}"
#define IDENTIFIED(value)                                                                                              \
    "{\"resourceType\":\"Patient\",\"identifier\":[{\"system\":\"http://x\",\"value\":\"" value "\"}]}"

static int64_t all_of(struct house *house) {
    return count_of(house, "Patient") + count_of(house, "Observation") + count_of(house, "List");
}

static void test_links_are_rewritten(void **state) {
    struct house *house = *state;
    struct records_answer answer = ask_ok(house,
        posting(BUNDLE("transaction",
            "{\"fullUrl\":\"" B "\"," REQUEST("POST",
                "Observation") ",\"resource\":{\"resourceType\":\"Observation\","
                               "\"text\":{\"status\":\"generated\",\"div\":\"<div "
                               "xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><a href=\\\"" A
                               "\\\">p</a></div>\"},\"extension\":[{\"url\":\"http://e\",\"valueUri\":\"" A
                               "\"},{\"url\":\"http://e\","
                               "\"valueCanonical\":\"" A
                               "|2\"}],\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"" A
                               "\"}}},"
                               "{\"fullUrl\":\"" A "\"," REQUEST("POST", "Patient") ",\"resource\":" PATIENT "}")));
    const yyjson_val *bundle = parse(house, answer.body);
    struct scope scope = {.arena = house->arena};
    assert_int_equal(fhir_check(bundle, &scope), STATUS_OK);
    assert_text(json_get_text(bundle, "type"), "transaction-response");
    assert_text(json_text(get(bundle, "/entry/0/response/status")), "201 Created");
    assert_text(json_text(get(bundle, "/entry/0/response/etag")), "W/\"1\"");
    assert_non_null(get(bundle, "/entry/0/response/lastModified"));
    struct text location = json_text(get(bundle, "/entry/1/response/location"));
    assert_true(text_starts(location, "Patient/"));
    assert_true(text_ends(location, "/_history/1"));
    struct text identity = {location.at, location.size - strlen("/_history/1")};
    const yyjson_val *found = parse(house, ask_ok(house, searching("Observation", NULL, 0)).body);
    const yyjson_val *observation = get(found, "/entry/0/resource");
    assert_true(text_equal(json_text(get(observation, "/subject/reference")), identity));
    assert_true(text_equal(json_text(get(observation, "/extension/0/valueUri")), identity));
    assert_true(text_ends(json_text(get(observation, "/extension/1/valueCanonical")), "|2"));
    assert_true(text_starts(json_text(get(observation, "/extension/1/valueCanonical")), "Patient/"));
    const char *div = text_string(house->arena, json_text(get(observation, "/text/div")));
    assert_non_null(strstr(div, text_string(house->arena, identity)));
    assert_null(strstr(div, "urn:uuid"));
    const struct search_pair pairs[] = {{TEXT("subject"), identity}};
    found = parse(house, ask_ok(house, searching("Observation", pairs, 1)).body);
    assert_non_null(get(found, "/entry/0")); /* and found by the new reference */
}

static void test_absolute_full_urls(void **state) {
    struct house *house = *state;
    ask_ok(house, posting(BUNDLE("transaction",
                      "{\"fullUrl\":\"http://other/fhir/Patient/7\"," REQUEST(
                          "POST", "Patient") ",\"resource\":" PATIENT "},"
                                             "{\"fullUrl\":\"http://other/fhir/Observation/8\"," REQUEST("POST",
                                                 "Observation") ",\"resource\":" OBSERVATION("Patient/7") "}")));
    const yyjson_val *found = parse(house, ask_ok(house, searching("Patient", NULL, 0)).body);
    const struct search_pair pairs[] = {{TEXT("subject"), json_text(get(found, "/entry/0/resource/id"))}};
    found = parse(house, ask_ok(house, searching("Observation", pairs, 1)).body);
    assert_non_null(get(found, "/entry/0"));
}

/* Whatever their order in the bundle: DELETE, POST, PUT, GET. */
static void test_order_of_processing(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "old", "{\"resourceType\":\"Patient\",\"id\":\"old\"}"));
    ask_ok(house, replacement("Patient", "kept", "{\"resourceType\":\"Patient\",\"id\":\"kept\",\"gender\":\"male\"}"));
    struct records_answer answer = ask_ok(house,
        posting(BUNDLE("transaction",
            "{" REQUEST("GET",
                "Patient/kept") "},"
                                "{" REQUEST("GET",
                                    "Patient?gender=female") "},"
                                                             "{" REQUEST("PUT",
                                                                 "Patient/kept") ",\"resource\":{\"resourceType\":"
                                                                                 "\"Patient\",\"id\":\"kept\","
                                                                                 "\"gender\":\"female\"}},"
                                                                                 "{\"request\":{\"method\":"
                                                                                 "\"POST\",\"url\":\"Patient\","
                                                                                 "\"ifNoneExist\":\"_id=old\"},"
                                                                                 "\"resource\":" PATIENT "},"
                                                                                 "{" REQUEST("GET",
                                                                                     "Patient/kept/_history/"
                                                                                     "1") "},"
                                                                                          "{" REQUEST("DELETE",
                                                                                              "Patient/old") "}")));
    const yyjson_val *bundle = parse(house, answer.body);
    static const struct {
        const char *way, *text;
    } cases[] = {
        {"/entry/0/resource/gender", "female"},
        {"/entry/0/response/status", "200 OK"},
        {"/entry/0/response/etag", "W/\"2\""},
        {"/entry/1/resource/type", "searchset"},
        {"/entry/1/resource/entry/0/resource/id", "kept"},
        {"/entry/2/response/status", "200 OK"},
        {"/entry/3/response/status", "201 Created"},
        {"/entry/4/resource/gender", "male"},
        {"/entry/5/response/status", "204 No Content"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_text(json_text(get(bundle, cases[i].way)), cases[i].text);
    }
}

#define GOOD "{" REQUEST("POST", "Patient") ",\"resource\":" PATIENT "}"
#define WITH_GOOD(entry) BUNDLE("transaction", GOOD "," entry)
static const struct {
    const char *bundle;
    enum status status;
    const char *says;
} bad_transactions[] = {
    {"{", STATUS_INVALID, "not JSON"},
    {PATIENT, STATUS_INVALID, "Bundle"},
    {BUNDLE("searchset", GOOD), STATUS_INVALID, "transaction or a batch"},
    {"{\"resourceType\":\"Bundle\",\"entry\":[]}", STATUS_INVALID, "type"},
    {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":{}}", STATUS_INVALID, "entry"},
    {WITH_GOOD("{\"resource\":" PATIENT "}"), STATUS_INVALID, "Bundle.entry[1]"},
    {WITH_GOOD("{" REQUEST("POST", "Patient") "}"), STATUS_INVALID, "needs a resource"},
    {WITH_GOOD("{" REQUEST("POST", "Patient/1") ",\"resource\":" PATIENT "}"), STATUS_INVALID, "not possible"},
    {WITH_GOOD("{" REQUEST("POST", "Nothing") ",\"resource\":" PATIENT "}"), STATUS_INVALID, "names no"},
    {WITH_GOOD("{" REQUEST("POST", "") ",\"resource\":" PATIENT "}"), STATUS_INVALID, "url"},
    {WITH_GOOD("{" REQUEST("POST", "Observation") ",\"resource\":" PATIENT "}"), STATUS_INVALID, "type"},
    {WITH_GOOD("{" REQUEST("PUT", "Patient/2") ",\"resource\":" PATIENT "}"), STATUS_INVALID, "id"},
    {WITH_GOOD("{" REQUEST("PUT", "Patient") ",\"resource\":" PATIENT "}"), STATUS_INVALID, "not possible"},
    {WITH_GOOD("{" REQUEST("DELETE", "Patient") "}"), STATUS_INVALID, "not possible"},
    {WITH_GOOD("{" REQUEST("FETCH", "Patient/1") "}"), STATUS_INVALID, "method"},
    {WITH_GOOD("{" REQUEST("POST", "Patient") ",\"resource\":{\"resourceType\":\"Patient\",\"birthDate\":\"x\"}}"),
        STATUS_INVALID, "birthDate"},
    {WITH_GOOD("{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION(A) "}"), STATUS_INVALID,
        "Bundle.entry[1].resource.subject"},
    {WITH_GOOD("{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION("urn:oid:1.2.3") "}"), STATUS_INVALID,
        "not in the bundle"},
    {WITH_GOOD(
         "{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION("Organization?identifier=http://x|1") "}"),
        STATUS_PRECONDITION, "matches no"},
    {WITH_GOOD("{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION("Patient?identifier=http://x|1") "}"),
        STATUS_PRECONDITION, "matches no"},
    {WITH_GOOD("{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION("Patient?identifier=http://x|2") "}"),
        STATUS_PRECONDITION, "several"},
    {WITH_GOOD("{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION("Patient?nonsense=1") "}"),
        STATUS_INVALID, "nonsense"},
    {WITH_GOOD("{\"request\":{\"method\":\"POST\",\"url\":\"Patient\",\"ifNoneExist\":\"identifier=http://x|2\"},"
               "\"resource\":" PATIENT "}"),
        STATUS_PRECONDITION, "several"},
    {WITH_GOOD("{" REQUEST("PUT", "Patient?identifier=http://x|2") ",\"resource\":" PATIENT "}"), STATUS_PRECONDITION,
        "several"},
    {WITH_GOOD("{" REQUEST("DELETE", "Patient?identifier=http://x|2") "}"), STATUS_PRECONDITION, "several"},
    {WITH_GOOD("{\"request\":{\"method\":\"PUT\",\"url\":\"Patient/p\",\"ifMatch\":\"W/\\\"7\\\"\"},\"resource\":{"
               "\"resourceType\":\"Patient\",\"id\":\"p\"}}"),
        STATUS_PRECONDITION, "Bundle.entry[1]"},
    {WITH_GOOD("{\"request\":{\"method\":\"PUT\",\"url\":\"Patient/p\",\"ifNoneMatch\":\"*\"},\"resource\":{"
               "\"resourceType\":\"Patient\",\"id\":\"p\"}}"),
        STATUS_PRECONDITION, "Bundle.entry[1]"},
    {WITH_GOOD("{" REQUEST("GET", "Patient/never") "}"), STATUS_NOT_FOUND, "Bundle.entry[1]"},
    {WITH_GOOD("{" REQUEST("GET", "Patient?nonsense=1") "}"), STATUS_INVALID, "Bundle.entry[1]"},
    {WITH_GOOD("{\"fullUrl\":\"" A
               "\"," REQUEST("POST", "Patient") ",\"resource\":" PATIENT "},{\"fullUrl\":\"" A
                                                "\"," REQUEST("POST", "Patient") ",\"resource\":" PATIENT "}"),
        STATUS_INVALID, "same fullUrl"},
    {WITH_GOOD("{" REQUEST("PUT", "Patient/p") ",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\"}},{" REQUEST(
         "DELETE", "Patient/p") "}"),
        STATUS_INVALID, "same resource"},
    {WITH_GOOD("{" REQUEST("PUT", "Patient/p") ",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\"}},{" REQUEST(
         "DELETE", "Patient?_id=p") "}"),
        STATUS_INVALID, "same resource"},
    {WITH_GOOD("{" REQUEST("PATCH", "Patient/p") ",\"resource\":" PATIENT "}"), STATUS_UNSUPPORTED, "Binary"},
};

static void test_nothing_is_written_of_a_bad_transaction(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"));
    ask_ok(house, creation("Patient", IDENTIFIED("2")));
    ask_ok(house, creation("Patient", IDENTIFIED("2")));
    int64_t before = all_of(house);
    for (size_t i = 0; i < sizeof bad_transactions / sizeof *bad_transactions; i++) {
        struct records_answer answer = ask(house, posting(bad_transactions[i].bundle));
        if (answer.status != bad_transactions[i].status) {
            print_message("case %zu: %s\n", i, status_name(answer.status));
            print_issues(&house->scope);
        }
        assert_int_equal(answer.status, bad_transactions[i].status);
        assert_true(has_issue(house, bad_transactions[i].says));
        assert_int_equal(all_of(house), before);
    }
}

static void test_conditions_inside(void **state) {
    struct house *house = *state;
    const char *bundle = BUNDLE("transaction",
        "{\"fullUrl\":\"" A
        "\",\"request\":{\"method\":\"POST\",\"url\":\"Patient\",\"ifNoneExist\":\"identifier=http://x|1\"},"
        "\"resource\":" IDENTIFIED(
            "1") "},"
                 "{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION(
                     A) "},"
                        "{" REQUEST("PUT", "Patient?identifier=http://x|3") ",\"resource\":" IDENTIFIED(
                            "3") "},"
                                 "{" REQUEST("DELETE", "Patient?identifier=http://x|4") "}");
    const yyjson_val *first = parse(house, ask_ok(house, posting(bundle)).body);
    assert_text(json_text(get(first, "/entry/0/response/status")), "201 Created");
    assert_text(json_text(get(first, "/entry/2/response/status")), "201 Created");
    assert_text(json_text(get(first, "/entry/3/response/status")), "204 No Content");
    assert_int_equal(count_of(house, "Patient"), 2);
    const yyjson_val *second = parse(house, ask_ok(house, posting(bundle)).body);
    assert_text(json_text(get(second, "/entry/0/response/status")), "200 OK");
    assert_true(text_equal(
        json_text(get(first, "/entry/0/response/location")), json_text(get(second, "/entry/0/response/location"))));
    assert_text(json_text(get(second, "/entry/2/response/etag")), "W/\"2\"");
    assert_int_equal(count_of(house, "Patient"), 2);
    const struct search_pair pairs[] = {PAIR("subject:Patient.identifier", "http://x|1"), PAIR("_summary", "count")};
    int64_t total = 0;
    assert_true(json_get_int64(&total, parse(house, ask_ok(house, searching("Observation", pairs, 2)).body), "total"));
    assert_int_equal(total, 2);
}

/* A reference by condition is decided after the writes: it may mean a resource of the same bundle. */
static void test_condition_on_the_bundle_itself(void **state) {
    struct house *house = *state;
    const char *bundle = BUNDLE("transaction",
        "{" REQUEST("POST", "Observation") ",\"resource\":" OBSERVATION(
            "Patient?identifier=http://x|1") "},"
                                             "{" REQUEST("POST", "Patient") ",\"resource\":" IDENTIFIED("1") "}");
    ask_ok(house, posting(bundle));
    const yyjson_val *found = parse(house, ask_ok(house, searching("Observation", NULL, 0)).body);
    assert_true(text_starts(json_text(get(found, "/entry/0/resource/subject/reference")), "Patient/"));
    assert_null(strchr(text_string(house->arena, json_text(get(found, "/entry/0/resource/subject/reference"))), '?'));
    assert_text(json_text(get(found, "/entry/0/resource/meta/versionId")), "1");
    assert_int_equal(ask(house, posting(bundle)).status, STATUS_PRECONDITION); /* now there would be two */
    assert_int_equal(count_of(house, "Patient"), 1);
}

static void test_empty_and_limits(void **state) {
    struct house *house = *state;
    const yyjson_val *bundle =
        parse(house, ask_ok(house, posting("{\"resourceType\":\"Bundle\",\"type\":\"transaction\"}")).body);
    assert_text(json_get_text(bundle, "type"), "transaction-response");
    ask_ok(house, posting("{\"resourceType\":\"Bundle\",\"type\":\"batch\"}"));
    struct buffer many = buffer_open(house->arena, (size_t)64 << 20);
    buffer_put_string(&many, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{}");
    for (int i = 0; i < RECORDS_BUNDLE_ENTRIES_MAX; i++) {
        buffer_put_string(&many, ",{}");
    }
    buffer_put_string(&many, "]}");
    struct records_request request = {.interaction = RECORDS_BUNDLE, .body = buffer_text(&many)};
    assert_int_equal(ask(house, request).status, STATUS_TOO_LARGE);
    assert_true(has_issue(house, "50000"));
    request.body = (struct text){"", (size_t)RECORDS_BODY_BYTES_MAX + 1};
    assert_int_equal(ask(house, request).status, STATUS_TOO_LARGE);
}

/* clang-format off */
static const char independent_batch[] = BUNDLE("batch",
    "{" REQUEST("GET", "Patient/never") "},"
    "{" REQUEST("POST", "Patient") ",\"resource\":" PATIENT "},"
    "{" REQUEST("POST", "Patient") ",\"resource\":{\"resourceType\":\"Patient\",\"birthDate\":\"x\"}},"
    "{" REQUEST("NOTHING", "Patient") "},"
    "{\"request\":{\"method\":\"PUT\",\"url\":\"Patient/p\",\"ifMatch\":\"W/\\\"7\\\"\"},\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\"}},"
    "{" REQUEST("GET", "Patient?_id=p") "},"
    "{" REQUEST("DELETE", "Patient/p") "},"
    "{\"request\":{\"method\":\"POST\",\"url\":\"Patient\",\"ifNoneExist\":\"_id=p\"},\"resource\":" PATIENT "},"
    "{" REQUEST("PATCH", "Patient/p") ",\"resource\":{\"resourceType\":\"Binary\",\"contentType\":\"application/json-patch+json\",\"data\":\"W10=\"}}");
/* clang-format on */

static void test_batch_outcomes_are_independent(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"));
    struct records_answer answer = ask_ok(house, posting(independent_batch));
    const yyjson_val *bundle = parse(house, answer.body);
    struct scope scope = {.arena = house->arena};
    assert_int_equal(fhir_check(bundle, &scope), STATUS_OK);
    static const char *const lines[] = {"404 Not Found", "201 Created", "400 Bad Request", "400 Bad Request",
        "412 Precondition Failed", "200 OK", "204 No Content", "201 Created", "410 Gone"};
    char way[64];
    for (int i = 0; i < 9; i++) {
        snprintf(way, sizeof way, "/entry/%d/response/status", i);
        assert_text(json_text(get(bundle, way)), lines[i]);
        snprintf(way, sizeof way, "/entry/%d/response/outcome/issue/0/code", i);
        assert_int_equal(get(bundle, way) != NULL, lines[i][0] == '4');
    }
    assert_text(json_text(get(bundle, "/entry/2/response/outcome/issue/0/expression/0")), "Patient.birthDate");
    assert_text(json_text(get(bundle, "/entry/5/resource/type")), "searchset");
    assert_null(get(bundle, "/entry/5/resource/entry")); /* p was deleted before the GETs */
    assert_int_equal(count_of(house, "Patient"), 2);
}

static void test_a_large_batch(void **state) {
    struct house *house = *state;
    struct buffer many = buffer_open(house->arena, (size_t)64 << 20);
    buffer_put_string(&many, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[");
    for (int i = 0; i < 300; i++) {
        buffer_put_string(&many, i == 0 ? "" : ",");
        buffer_put_string(&many, "{" REQUEST("POST", "Patient") ",\"resource\":" PATIENT "}");
    }
    buffer_put_string(&many, "]}");
    struct records_request request = {.interaction = RECORDS_BUNDLE, .body = buffer_text(&many)};
    ask_ok(house, request);
    assert_int_equal(count_of(house, "Patient"), 300);
}

static void test_patch_inside(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\"}"));
    /* [{"op":"replace","path":"/gender","value":"female"}] */
    const yyjson_val *bundle = parse(house,
        ask_ok(house,
            posting(BUNDLE("transaction",
                "{" REQUEST("PATCH",
                    "Patient/p") ",\"resource\":{\"resourceType\":\"Binary\",\"contentType\":"
                                 "\"application/json-patch+json\",\"data\":"
                                 "\"W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9nZW5kZXIiLCJ2YWx1ZSI6ImZlbWFsZSJ9XQ==\"}}")))
            .body);
    assert_text(json_text(get(bundle, "/entry/0/response/etag")), "W/\"2\"");
    assert_text(json_get_text(parse(house, ask_ok(house, reading("Patient", "p")).body), "gender"), "female");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_links_are_rewritten),
        TEST(test_absolute_full_urls),
        TEST(test_order_of_processing),
        TEST(test_nothing_is_written_of_a_bad_transaction),
        TEST(test_conditions_inside),
        TEST(test_condition_on_the_bundle_itself),
        TEST(test_empty_and_limits),
        TEST(test_batch_outcomes_are_independent),
        TEST(test_a_large_batch),
        TEST(test_patch_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
