/* Each interaction, and each of its preconditions. */
#include "unit/records/fixture.h"

static void test_create_reads_back(void **state) {
    struct house *house = *state;
    struct records_answer made = ask_ok(house,
        creation("Patient", "{ \"resourceType\": \"Patient\", \"meta\": {\"versionId\": \"99\", \"profile\": "
                            "[\"http://x/p\"], \"lastUpdated\": "
                            "\"2001-01-01T00:00:00Z\"}, \"id\": \"mine\", \"name\": [ {\"family\": \"\xEA\xB9\x80\"} ],"
                            "\"multipleBirthInteger\": 2 }"));
    assert_true(made.created);
    assert_int_equal(made.version, 1);
    assert_false(text_is(made.id, "mine")); /* a server names what it creates */
    struct records_request read = {.interaction = RECORDS_READ, .type = type_of("Patient"), .id = made.id};
    struct records_answer answer = ask_ok(house, read);
    assert_int_equal(answer.version, 1);
    assert_true(text_equal(answer.body, made.body));
    const yyjson_val *patient = parse(house, answer.body);
    assert_true(text_equal(json_get_text(patient, "id"), made.id));
    assert_text(json_text(get(patient, "/meta/versionId")), "1");
    assert_text(json_text(get(patient, "/meta/profile/0")), "http://x/p");
    char time[TIME_TEXT_SIZE];
    time_format_utc(time, answer.updated_us);
    assert_text(json_text(get(patient, "/meta/lastUpdated")), time);
    assert_null(strstr(text_string(house->arena, answer.body), " "));
}

/* Members keep their places and numbers their text; only id and meta are ours. */
static void test_body_is_kept(void **state) {
    struct house *house = *state;
    const char *body =
        "{\"status\":\"final\",\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":1.00,\"unit\":"
        "\"a\\u0001\\n\\\"\\\\\"},"
        "\"code\":{\"text\":\"x\"},\"component\":[{\"valueQuantity\":{\"value\":-2e3},\"code\":{\"text\":\"/\"}}]}";
    struct records_answer made = ask(house, creation("Observation", body));
    assert_int_equal(made.status, STATUS_INVALID); /* U+0001 is no FHIR string */
    body = "{\"status\":\"final\",\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":1.00,\"unit\":"
           "\"a\\n\\\"\\\\\"},"
           "\"code\":{\"text\":\"x\"},\"component\":[{\"valueQuantity\":{\"value\":-2e3},\"code\":{\"text\":\"/\"}}]}";
    made = ask_ok(house, creation("Observation", body));
    char *stored = (char *)text_string(house->arena, made.body);
    char *after_type = strstr(stored, "\"Observation\"");
    assert_non_null(after_type);
    const char *rest = strstr(body, "\"Observation\"") + strlen("\"Observation\"");
    assert_non_null(strstr(after_type, rest));
    assert_memory_equal(stored, body, (size_t)(after_type - stored));
}

static void test_create_refuses(void **state) {
    struct house *house = *state;
    static const struct {
        const char *type, *body, *says;
    } cases[] = {
        {"Patient", "", "not JSON"},
        {"Patient", "{\"resourceType\":\"Patient\"", "not JSON"},
        {"Patient", "[]", "not a resource"},
        {"Patient", "{\"resourceType\":\"Nothing\"}", "not a resource"},
        {"Patient", "{\"resourceType\":\"DomainResource\"}", "not a resource"},
        {"Patient", "{\"resourceType\":\"Observation\"}", "Observation"},
        {"Patient", "{\"resourceType\":\"Patient\",\"birthDate\":\"yesterday\"}", "Patient.birthDate"},
        {"Patient", "{\"resourceType\":\"Patient\",\"nam\":[]}", "nam"},
        {"Patient", "{\"resourceType\":\"Patient\",\"active\":true,\"active\":false}", "duplicate"},
        {"Patient", "{\"resourceType\":\"Patient\",\"name\":{\"family\":\"x\"}}", "Patient.name"},
        {"Observation", "{\"resourceType\":\"Observation\",\"status\":\"final\"}", "code"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct records_answer answer = ask(house, creation(cases[i].type, cases[i].body));
        assert_int_equal(answer.status, STATUS_INVALID);
        assert_true(has_issue(house, cases[i].says));
    }
    assert_int_equal(count_of(house, "Patient"), 0);
}

static void test_limit_of_a_resource(void **state) {
    struct house *house = *state;
    size_t size = RECORDS_RESOURCE_BYTES_MAX + 1;
    char *body = arena_alloc(house->arena, size);
    memset(body, ' ', size);
    struct records_request request = {.interaction = RECORDS_CREATE, .type = type_of("Patient"), .body = {body, size}};
    assert_int_equal(ask(house, request).status, STATUS_TOO_LARGE);
    struct buffer deep = buffer_open(house->arena, 1 << 20);
    buffer_put_string(&deep, "{\"resourceType\":\"Patient\",\"extension\":");
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        buffer_put_string(&deep, "[");
    }
    request.body = buffer_text(&deep);
    assert_int_equal(ask(house, request).status, STATUS_INVALID);
}

static void test_read_of_nothing(void **state) {
    struct house *house = *state;
    assert_int_equal(ask(house, reading("Patient", "none")).status, STATUS_NOT_FOUND);
    assert_int_equal(ask(house, reading("Patient", "not an id")).status, STATUS_NOT_FOUND);
    struct records_request vread = reading("Patient", "none");
    vread.interaction = RECORDS_VREAD;
    vread.version = TEXT("1");
    assert_int_equal(ask(house, vread).status, STATUS_NOT_FOUND);
}

static const char one[] = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\"}";
static const char two[] = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"female\"}";

static void test_update_as_create_and_versions(void **state) {
    struct house *house = *state;
    struct records_answer answer = ask_ok(house, replacement("Patient", "p", one));
    assert_true(answer.created);
    assert_int_equal(answer.version, 1);
    answer = ask_ok(house, replacement("Patient", "p", two));
    assert_false(answer.created);
    assert_int_equal(answer.version, 2);
    struct records_request vread = reading("Patient", "p");
    vread.interaction = RECORDS_VREAD;
    static const struct {
        const char *version, *gender;
        enum status status;
    } cases[] = {
        {"1", "male", STATUS_OK},
        {"2", "female", STATUS_OK},
        {"3", NULL, STATUS_NOT_FOUND},
        {"0", NULL, STATUS_NOT_FOUND},
        {"x", NULL, STATUS_NOT_FOUND},
        {"99999999999999999999", NULL, STATUS_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vread.version = text_from(cases[i].version);
        answer = ask(house, vread);
        assert_int_equal(answer.status, cases[i].status);
        if (answer.status == STATUS_OK) {
            assert_text(json_get_text(parse(house, answer.body), "gender"), cases[i].gender);
        }
    }
}

static void test_update_refuses_identities(void **state) {
    struct house *house = *state;
    assert_int_equal(ask(house, replacement("Patient", "q", one)).status, STATUS_INVALID);
    assert_int_equal(ask(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\"}")).status, STATUS_INVALID);
    assert_int_equal(ask(house, replacement("Observation", "p", one)).status, STATUS_INVALID);
    assert_int_equal(count_of(house, "Patient"), 0);
}

static void test_delete_and_return(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", one));
    struct records_answer answer = ask_ok(house, deletion("Patient", "p"));
    assert_int_equal(answer.version, 2);
    assert_null(answer.body.at);
    assert_int_equal(ask(house, reading("Patient", "p")).status, STATUS_GONE);
    assert_int_equal(ask_ok(house, deletion("Patient", "p")).version, 0); /* again: nothing happens */
    assert_int_equal(ask_ok(house, deletion("Patient", "never")).version, 0);
    assert_int_equal(count_of(house, "Patient"), 0);
    struct records_request vread = reading("Patient", "p");
    vread.interaction = RECORDS_VREAD;
    vread.version = TEXT("1");
    ask_ok(house, vread);
    vread.version = TEXT("2");
    assert_int_equal(ask(house, vread).status, STATUS_GONE);
    answer = ask_ok(house, replacement("Patient", "p", two));
    assert_true(answer.created);
    assert_int_equal(answer.version, 3);
    assert_int_equal(count_of(house, "Patient"), 1);
}

static void test_if_match(void **state) {
    struct house *house = *state;
    static const struct {
        const char *tag;
        enum status status;
    } cases[] = {
        {"W/\"1\"", STATUS_OK}, /* → 2 */
        {"W/\"1\"", STATUS_PRECONDITION},
        {"\"2\"", STATUS_OK},            /* → 3 */
        {"3", STATUS_OK},                /* → 4 */
        {"*", STATUS_OK},                /* → 5 */
        {"W/\"9\", W/\"5\"", STATUS_OK}, /* → 6 */
        {"W/\"x\"", STATUS_PRECONDITION},
        {"W/\"\"", STATUS_PRECONDITION},
    };
    struct records_request update = replacement("Patient", "p", one);
    update.if_match = TEXT("W/\"1\"");
    assert_int_equal(ask(house, update).status, STATUS_PRECONDITION); /* nothing there yet */
    update.if_match = (struct text){0};
    ask_ok(house, update);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        update.if_match = text_from(cases[i].tag);
        assert_int_equal(ask(house, update).status, cases[i].status);
    }
    struct records_request delete = deletion("Patient", "p");
    delete.if_match = TEXT("W/\"5\"");
    assert_int_equal(ask(house, delete).status, STATUS_PRECONDITION);
    delete.if_match = TEXT("W/\"6\"");
    ask_ok(house, delete);
}

static void test_if_none_match(void **state) {
    struct house *house = *state;
    struct records_request update = replacement("Patient", "p", one);
    update.if_none_match = TEXT("*");
    assert_true(ask_ok(house, update).created);
    assert_int_equal(ask(house, update).status, STATUS_PRECONDITION);
    struct records_request read = reading("Patient", "p");
    read.if_none_match = TEXT("W/\"1\"");
    struct records_answer answer = ask_ok(house, read);
    assert_true(answer.not_modified);
    assert_null(answer.body.at);
    read.if_none_match = TEXT("W/\"2\"");
    assert_false(ask_ok(house, read).not_modified);
}

static void test_if_modified_since(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", one));
    struct records_request read = reading("Patient", "p");
    static const struct {
        const char *since;
        bool not_modified;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", false},
        {"Fri, 01 Jan 2100 00:00:00 GMT", true},
        {"2100-01-01T00:00:00Z", true},
        {"no date", false},
        {"Sun, 06 Xyz 1994 08:49:37 GMT", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read.if_modified_since = text_from(cases[i].since);
        assert_int_equal(ask_ok(house, read).not_modified, cases[i].not_modified);
    }
    read.if_none_match = TEXT("W/\"7\""); /* goes first */
    read.if_modified_since = TEXT("Fri, 01 Jan 2100 00:00:00 GMT");
    assert_false(ask_ok(house, read).not_modified);
}

/* ---- conditional ------------------------------------------------------------------------------------------------ */

static const char identified[] =
    "{\"resourceType\":\"Patient\",\"identifier\":[{\"system\":\"http://x\",\"value\":\"1\"}],\"gender\":\"other\"}";

static void test_conditional_create(void **state) {
    struct house *house = *state;
    struct records_request create = creation("Patient", identified);
    create.if_none_exist = TEXT("identifier=http%3A%2F%2Fx%7C1");
    struct records_answer first = ask_ok(house, create);
    assert_true(first.created);
    struct records_answer second = ask_ok(house, create);
    assert_false(second.created);
    assert_true(text_equal(first.id, second.id));
    assert_int_equal(second.version, 1);
    assert_true(text_equal(first.body, second.body));
    ask_ok(house, creation("Patient", identified));
    assert_int_equal(ask(house, create).status, STATUS_PRECONDITION);
    assert_int_equal(count_of(house, "Patient"), 2);
    create.if_none_exist = TEXT("nonsense=1");
    assert_int_equal(ask(house, create).status, STATUS_INVALID);
    create.if_none_exist = TEXT("&");
    assert_int_equal(ask(house, create).status, STATUS_PRECONDITION);
    create.if_none_exist = TEXT("identifier=%zz");
    assert_int_equal(ask(house, create).status, STATUS_INVALID);
}

static void test_conditional_update(void **state) {
    struct house *house = *state;
    const struct search_pair pairs[] = {PAIR("identifier", "http://x|1")};
    struct records_request update = creation("Patient", identified);
    update.interaction = RECORDS_UPDATE;
    update.is_conditional = true;
    update.pairs = pairs;
    update.pair_count = 1;
    struct records_answer first = ask_ok(house, update);
    assert_true(first.created);
    struct records_answer second = ask_ok(house, update);
    assert_false(second.created);
    assert_int_equal(second.version, 2);
    assert_true(text_equal(first.id, second.id));
    update.body = TEXT("{\"resourceType\":\"Patient\",\"id\":\"other\"}");
    assert_int_equal(ask(house, update).status, STATUS_INVALID);
    ask_ok(house, creation("Patient", identified));
    update.body = text_from(identified);
    assert_int_equal(ask(house, update).status, STATUS_PRECONDITION);
    const struct search_pair none[] = {PAIR("identifier", "http://x|2")};
    update.pairs = none;
    update.body = TEXT("{\"resourceType\":\"Patient\",\"id\":\"other\"}");
    struct records_answer named = ask_ok(house, update);
    assert_true(named.created);
    assert_text(named.id, "other");
    assert_int_equal(ask(house, update).status, STATUS_CONFLICT); /* matches nothing, but the id is taken */
    update.pair_count = 0;
    assert_int_equal(ask(house, update).status, STATUS_PRECONDITION);
}

static void test_conditional_delete(void **state) {
    struct house *house = *state;
    const struct search_pair pairs[] = {PAIR("identifier", "http://x|1")};
    struct records_request delete = {.interaction = RECORDS_DELETE,
        .type = type_of("Patient"),
        .is_conditional = true,
        .pairs = pairs,
        .pair_count = 1};
    assert_int_equal(ask_ok(house, delete).version, 0);
    ask_ok(house, creation("Patient", identified));
    assert_int_equal(ask_ok(house, delete).version, 2);
    assert_int_equal(count_of(house, "Patient"), 0);
    ask_ok(house, creation("Patient", identified));
    ask_ok(house, creation("Patient", identified));
    assert_int_equal(ask(house, delete).status, STATUS_PRECONDITION);
    assert_int_equal(count_of(house, "Patient"), 2);
}

/* ---- parts ------------------------------------------------------------------------------------------------------ */

static void test_summary_and_elements(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p",
                      "{\"resourceType\":\"Patient\",\"id\":\"p\",\"text\":{\"status\":\"generated\",\"div\":\"<div "
                      "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">x</div>\"},\"active\":true,\"gender\":\"male\","
                      "\"maritalStatus\":{\"text\":\"m\"},\"contact\":[{\"gender\":\"male\"}]}"));
    static const struct {
        const char *name, *value, *there[4], *gone[4];
    } cases[] = {
        {"_summary", "true", {"/active", "/gender", "/meta/tag/0/code"}, {"/maritalStatus", "/contact", "/text"}},
        {"_summary", "text", {"/text", "/id"}, {"/active", "/gender"}},
        {"_summary", "data", {"/active", "/contact"}, {"/text"}},
        {"_summary", "false", {"/active", "/contact", "/text"}, {"/meta/tag"}},
        {"_elements", "gender,maritalStatus", {"/gender", "/maritalStatus", "/meta/versionId"}, {"/active", "/text"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct search_pair pair = {text_from(cases[i].name), text_from(cases[i].value)};
        struct records_request read = reading("Patient", "p");
        read.pairs = &pair;
        read.pair_count = 1;
        const yyjson_val *patient = parse(house, ask_ok(house, read).body);
        for (int j = 0; j < 4 && cases[i].there[j] != NULL; j++) {
            assert_non_null(get(patient, cases[i].there[j]));
        }
        for (int j = 0; j < 4 && cases[i].gone[j] != NULL; j++) {
            assert_null(get(patient, cases[i].gone[j]));
        }
    }
    const struct search_pair bad[] = {PAIR("_summary", "all"), PAIR("name", "x")};
    for (int i = 0; i < 2; i++) {
        struct records_request read = reading("Patient", "p");
        read.pairs = &bad[i];
        read.pair_count = 1;
        assert_int_equal(ask(house, read).status, STATUS_INVALID);
    }
}

/* ---- search ----------------------------------------------------------------------------------------------------- */

static void test_search_pages(void **state) {
    struct house *house = *state;
    char body[128];
    for (int i = 0; i < 7; i++) {
        snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"gender\":\"%s\"}", i < 5 ? "female" : "male");
        ask_ok(house, creation("Patient", body));
    }
    struct search_pair pairs[4] = {PAIR("gender", "female"), PAIR("_count", "2"), PAIR("_total", "accurate")};
    size_t seen = 0, pages = 0;
    for (size_t count = 3;;) {
        const yyjson_val *bundle = parse(house, ask_ok(house, searching("Patient", pairs, count)).body);
        assert_text(json_get_text(bundle, "type"), "searchset");
        int64_t total = 0;
        assert_true(json_get_int64(&total, bundle, "total"));
        assert_int_equal(total, 5);
        yyjson_val *entries = (yyjson_val *)json_get(bundle, "entry");
        seen += yyjson_arr_size(entries);
        pages++;
        assert_text(json_text(get(bundle, "/entry/0/search/mode")), "match");
        assert_true(text_starts(json_text(get(bundle, "/entry/0/fullUrl")), BASE_URL "/Patient/"));
        assert_text(json_text(get(bundle, "/link/0/relation")), "self");
        assert_true(text_starts(json_text(get(bundle, "/link/0/url")), BASE_URL "/Patient?"));
        struct text next = json_text(get(bundle, "/link/1/url"));
        if (next.at == NULL) {
            break;
        }
        const char *at = strstr(text_string(house->arena, next), "_cursor=");
        assert_non_null(at);
        pairs[3] = (struct search_pair){TEXT("_cursor"), text_from(at + strlen("_cursor="))};
        count = 4;
        ask_ok(house,
            creation("Patient", "{\"resourceType\":\"Patient\",\"gender\":\"female\"}")); /* unseen by later pages */
    }
    assert_int_equal(seen, 5);
    assert_int_equal(pages, 3);
}

static void test_search_includes_and_leniency(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", one));
    ask_ok(house, creation("Observation", "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
                                          "\"x\"},\"subject\":{\"reference\":\"Patient/p\"}}"));
    struct search_pair pairs[] = {
        PAIR("subject", "Patient/p"), PAIR("_include", "Observation:subject"), PAIR("nonsense", "1")};
    const yyjson_val *bundle = parse(house, ask_ok(house, searching("Observation", pairs, 2)).body);
    assert_int_equal(yyjson_arr_size((yyjson_val *)json_get(bundle, "entry")), 2);
    assert_text(json_text(get(bundle, "/entry/1/search/mode")), "include");
    assert_text(json_text(get(bundle, "/entry/1/resource/id")), "p");
    assert_int_equal(ask(house, searching("Observation", pairs, 3)).status, STATUS_INVALID);
    struct records_request lenient = searching("Observation", pairs, 3);
    lenient.handling = SEARCH_LENIENT;
    bundle = parse(house, ask_ok(house, lenient).body);
    assert_text(json_text(get(bundle, "/entry/2/search/mode")), "outcome");
    assert_text(json_text(get(bundle, "/entry/2/resource/resourceType")), "OperationOutcome");
    assert_null(strstr(text_string(house->arena, json_text(get(bundle, "/link/0/url"))), "nonsense"));
    const struct search_pair elements[] = {PAIR("_elements", "code")};
    bundle = parse(house, ask_ok(house, searching("Observation", elements, 1)).body);
    assert_non_null(get(bundle, "/entry/0/resource/code"));
    assert_non_null(get(bundle, "/entry/0/resource/status")); /* mandatory */
    assert_null(get(bundle, "/entry/0/resource/subject"));
    assert_text(json_text(get(bundle, "/entry/0/resource/meta/tag/0/code")), "SUBSETTED");
}

static void test_upper_modules_read(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", one));
    house->scope = (struct scope){.arena = house->arena};
    const yyjson_val *patient = NULL;
    assert_int_equal(
        records_read(&patient, house->records, &nurse, type_of("Patient"), TEXT("p"), &house->scope), STATUS_OK);
    assert_text(json_get_text(patient, "gender"), "male");
    assert_text(json_text(get(patient, "/meta/versionId")), "1");
    assert_int_equal(
        records_read(&patient, house->records, &nurse, type_of("Patient"), TEXT("q"), &house->scope), STATUS_NOT_FOUND);
    const struct search_pair pairs[] = {PAIR("gender", "male")};
    const yyjson_val **found = NULL;
    size_t count = 0;
    assert_int_equal(
        records_find(&found, &count, house->records, &nurse, type_of("Patient"), pairs, 1, 10, &house->scope),
        STATUS_OK);
    assert_int_equal(count, 1);
    assert_text(json_get_text(found[0], "id"), "p");
    assert_text(json_get_text(last_audit(house), "do"), "search");
}

/* ---- restart ---------------------------------------------------------------------------------------------------- */

static void test_restart_keeps_all(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", one));
    ask_ok(house, replacement("Patient", "p", two));
    ask_ok(house, creation("Patient", identified));
    struct text before = ask_ok(house, reading("Patient", "p")).body;
    house_stop(house);
    house_start(house);
    assert_true(text_equal(before, ask_ok(house, reading("Patient", "p")).body));
    assert_int_equal(count_of(house, "Patient"), 2);
    const struct search_pair pairs[] = {PAIR("identifier", "http://x|1")};
    const yyjson_val *bundle = parse(house, ask_ok(house, searching("Patient", pairs, 1)).body);
    assert_int_equal(yyjson_arr_size((yyjson_val *)json_get(bundle, "entry")), 1);
    struct scope scope = {.arena = house->arena};
    enum status status = store_check(NULL, house->store, NULL, NULL, &scope);
    print_issues(&scope);
    assert_int_equal(status, STATUS_OK);
}

/* ---- strict references ------------------------------------------------------------------------------------------ */

static void test_strict_references(void **state) {
    (void)state;
    struct house *house = house_open_with(clock_open(1), RECORDS_REFERENCES_STRICT);
    const char *about_p = "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
                          "\"subject\":{\"reference\":\"Patient/p\"}}";
    assert_int_equal(ask(house, creation("Observation", about_p)).status, STATUS_UNPROCESSABLE);
    assert_true(has_issue(house, "Observation.subject"));
    ask_ok(house, replacement("Patient", "p", one));
    ask_ok(house, creation("Observation", about_p));
    ask_ok(house, posting("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
                          "{\"request\":{\"method\":\"POST\",\"url\":\"Observation\"},\"resource\":{\"resourceType\":"
                          "\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":"
                          "\"Patient/new\"}}},"
                          "{\"request\":{\"method\":\"PUT\",\"url\":\"Patient/new\"},\"resource\":{\"resourceType\":"
                          "\"Patient\",\"id\":\"new\"}}]}"));
    assert_int_equal(ask(house, deletion("Patient", "p")).status, STATUS_CONFLICT); /* an Observation refers to it */
    assert_true(has_issue(house, "Observation"));
    assert_int_equal(ask(house, deletion("Patient", "new")).status, STATUS_CONFLICT);
    ask_ok(house, posting("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
                          "{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/p\"}},"
                          "{\"request\":{\"method\":\"DELETE\",\"url\":\"Observation?patient=p\"}}]}"));
    assert_int_equal(ask(house, reading("Patient", "p")).status, STATUS_GONE);
    assert_int_equal(ask(house, creation("Observation", about_p)).status, STATUS_UNPROCESSABLE);
    ask_ok(house, deletion("Patient", "p")); /* nothing is deleted, so nothing is asked */
    house_close(house);
}

/* ---- claims ----------------------------------------------------------------------------------------------------- */

static void test_capabilities(void **state) {
    struct house *house = *state;
    struct scope scope = {.arena = house->arena};
    struct json_writer w = json_writer_open(house->arena, (size_t)16 << 20);
    json_object_open(&w);
    json_member_string(&w, "mode", "server");
    const struct records_served served = {.type_interactions = {"read", "create"}, .system_interactions = {"batch"}};
    assert_int_equal(records_capabilities(&w, house->records, &served, &scope), STATUS_OK);
    json_object_close(&w);
    struct text json = {0};
    assert_int_equal(json_finish(&json, &w, &scope), STATUS_OK);
    const yyjson_val *rest = parse(house, json);
    assert_int_equal(yyjson_arr_size((yyjson_val *)json_get(rest, "resource")), (size_t)fhir_resource_count());
    assert_non_null(strstr(text_string(house->arena, json), "\"general-practitioner\""));
    struct buffer whole = buffer_open(house->arena, (size_t)32 << 20);
    buffer_put_string(&whole,
        "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"date\":\"2026-11-22\",\"kind\":"
        "\"instance\",\"fhirVersion\":\"4.0.1\",\"format\":[\"json\"],\"rest\":[");
    buffer_put(&whole, json);
    buffer_put_string(&whole, "]}");
    enum status status = fhir_check(parse(house, buffer_text(&whole)), &scope);
    print_issues(&scope);
    assert_int_equal(status, STATUS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_create_reads_back),
        TEST(test_body_is_kept),
        TEST(test_create_refuses),
        TEST(test_limit_of_a_resource),
        TEST(test_read_of_nothing),
        TEST(test_update_as_create_and_versions),
        TEST(test_update_refuses_identities),
        TEST(test_delete_and_return),
        TEST(test_if_match),
        TEST(test_if_none_match),
        TEST(test_if_modified_since),
        TEST(test_conditional_create),
        TEST(test_conditional_update),
        TEST(test_conditional_delete),
        TEST(test_summary_and_elements),
        TEST(test_search_pages),
        TEST(test_search_includes_and_leniency),
        TEST(test_upper_modules_read),
        TEST(test_restart_keeps_all),
        cmocka_unit_test(test_strict_references),
        TEST(test_capabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
