/* A rule of the house holds on every path in, and may change and add what is written. */
#include "unit/records/fixture.h"

/* Refuses a Patient of gender "other"; writes a Basic beside one of gender "unknown"; corrects "female" with no name. */
static enum status guard_patient(void *context, struct records_change *change, struct scope *scope) {
    int *seen = context;
    (*seen)++;
    struct text gender = json_get_text(change->after, "gender");
    if (text_is(gender, "other")) {
        return fault(scope, STATUS_UNPROCESSABLE, "Patient.gender", "the house refuses this");
    }
    if (change->after == NULL && text_is(json_get_text(change->before, "gender"), "male")) {
        return fault(scope, STATUS_CONFLICT, "", "this one stays");
    }
    if (text_is(gender, "unknown")) {
        return records_unit_put(NULL, change->unit,
            TEXT("{\"resourceType\":\"Basic\",\"id\":\"beside\",\"code\":{\"text\":\"x\"}}"), scope);
    }
    if (text_is(gender, "female") && json_get(change->after, "name") == NULL) {
        change->replacement = text_format(scope->arena,
            "{\"resourceType\":\"Patient\",\"id\":\"%.*s\",\"gender\":\"female\",\"name\":[{\"family\":\"Replaced\"}]}",
            (int)change->id.size, change->id.at);
    }
    return STATUS_OK;
}

static int patients_seen;

static struct house *guarded(void **state) {
    struct house *house = *state;
    patients_seen = 0;
    records_guard_register(house->records, type_of("Patient"), guard_patient, &patients_seen);
    return house;
}

#define GENDER(value) "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"" value "\"}"
#define IN_BUNDLE(type, method, url)                                                                                   \
    "{\"resourceType\":\"Bundle\",\"type\":\"" type "\",\"entry\":[{\"request\":{\"method\":\"" method                 \
    "\",\"url\":\"" url "\"},\"resource\":" GENDER("other") "}]}"

static enum status put_in_unit(void *context, struct records_unit *unit, struct scope *scope) {
    (void)context;
    return records_unit_put(NULL, unit, TEXT(GENDER("other")), scope);
}

static void test_refused_on_every_path(void **state) {
    struct house *house = guarded(state);
    const struct search_pair pairs[] = {PAIR("identifier", "http://x|1")};
    struct records_request conditional =
        replacement("Patient", "", "{\"resourceType\":\"Patient\",\"gender\":\"other\"}");
    conditional.is_conditional = true;
    conditional.pairs = pairs;
    conditional.pair_count = 1;
    struct records_request if_none = creation("Patient", GENDER("other"));
    if_none.if_none_exist = TEXT("identifier=http://x|1");
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"));
    const struct records_request patch = {
        .interaction = RECORDS_PATCH,
        .type = type_of("Patient"),
        .id = TEXT("p"),
        .body = TEXT("[{\"op\":\"add\",\"path\":\"/gender\",\"value\":\"other\"}]"),
        .patch_format = TEXT("application/json-patch+json"),
    };
    const struct records_request requests[] = {
        creation("Patient", GENDER("other")),
        replacement("Patient", "p", GENDER("other")),
        conditional,
        if_none,
        patch,
        posting(IN_BUNDLE("transaction", "POST", "Patient")),
        posting(IN_BUNDLE("transaction", "PUT", "Patient/p")),
        posting(IN_BUNDLE("transaction", "PUT", "Patient?_id=p")),
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int seen = patients_seen;
        assert_int_equal(ask(house, requests[i]).status, STATUS_UNPROCESSABLE);
        assert_true(has_issue(house, "the house refuses this"));
        assert_int_equal(patients_seen, seen + 1);
    }
    const yyjson_val *batch = parse(house, ask_ok(house, posting(IN_BUNDLE("batch", "PUT", "Patient/p"))).body);
    assert_text(json_text(get(batch, "/entry/0/response/status")), "422 Unprocessable Content");
    house->scope = (struct scope){.arena = house->arena};
    assert_int_equal(
        records_unit_run(house->records, &nurse, "$test", put_in_unit, NULL, &house->scope), STATUS_UNPROCESSABLE);
    static const char *const documents[] = {GENDER("other"), IN_BUNDLE("collection", "PUT", "Patient/p")};
    for (int i = 0; i < 2; i++) {
        struct records_import *import = NULL;
        house->scope = (struct scope){.arena = house->arena};
        assert_int_equal(records_import_open(&import, house->records, &nurse, &house->scope), STATUS_OK);
        enum status status = records_import_feed(import, text_from(documents[i]), &house->scope);
        enum status closed = records_import_close(NULL, import, &house->scope);
        assert_int_equal(status == STATUS_OK ? closed : status, STATUS_UNPROCESSABLE);
        assert_true(has_issue(house, "document 1"));
    }
    assert_int_equal(ask_ok(house, reading("Patient", "p")).version, 1);
    assert_int_equal(count_of(house, "Patient"), 1);
}

static void test_deletion_is_seen(void **state) {
    struct house *house = guarded(state);
    ask_ok(house, replacement("Patient", "p", GENDER("male")));
    assert_int_equal(ask(house, deletion("Patient", "p")).status, STATUS_CONFLICT);
    const struct search_pair pairs[] = {PAIR("_id", "p")};
    struct records_request conditional = deletion("Patient", "");
    conditional.is_conditional = true;
    conditional.pairs = pairs;
    conditional.pair_count = 1;
    assert_int_equal(ask(house, conditional).status, STATUS_CONFLICT);
    assert_int_equal(
        ask(house, posting("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{"
                           "\"method\":\"DELETE\",\"url\":\"Patient/p\"}}]}"))
            .status,
        STATUS_CONFLICT);
    ask_ok(house, reading("Patient", "p"));
}

static void test_writes_beside_are_one_unit(void **state) {
    struct house *house = guarded(state);
    ask_ok(house, replacement("Patient", "p", GENDER("unknown")));
    ask_ok(house, reading("Basic", "beside"));
    const char *spoiled =
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
        "{\"request\":{\"method\":\"PUT\",\"url\":\"Patient/"
        "q\"},\"resource\":{\"resourceType\":\"Patient\",\"id\":\"q\","
        "\"gender\":\"unknown\"}},{\"request\":{\"method\":\"PUT\",\"url\":\"Patient/p\"},\"resource\":" GENDER(
            "other") "}]}";
    assert_int_equal(ask(house, posting(spoiled)).status, STATUS_UNPROCESSABLE);
    assert_int_equal(ask_ok(house, reading("Basic", "beside")).version, 1);
    assert_int_equal(ask(house, reading("Patient", "q")).status, STATUS_NOT_FOUND);
}

static void test_replacement_is_written_and_found(void **state) {
    struct house *house = guarded(state);
    struct records_answer answer = ask_ok(house, replacement("Patient", "p", GENDER("female")));
    assert_text(json_text(get(parse(house, answer.body), "/name/0/family")), "Replaced");
    const struct search_pair pairs[] = {PAIR("family", "replaced")};
    const yyjson_val *found = parse(house, ask_ok(house, searching("Patient", pairs, 1)).body);
    assert_text(json_text(get(found, "/entry/0/resource/id")), "p");
}

/* A replacement is held to what a client's body is held to. */
static enum status guard_badly(void *context, struct records_change *change, struct scope *scope) {
    (void)scope;
    change->replacement = text_from(context);
    return STATUS_OK;
}

static void test_bad_replacement(void **state) {
    struct house *house = *state;
    records_guard_register(
        house->records, type_of("Patient"), guard_badly, "{\"resourceType\":\"Patient\",\"gender\":7}");
    records_guard_register(house->records, type_of("Organization"), guard_badly,
        "{\"resourceType\":\"Organization\",\"id\":\"z\",\"name\":\"x\"}");
    assert_int_equal(ask(house, creation("Patient", "{\"resourceType\":\"Patient\"}")).status, STATUS_INVALID);
    assert_int_equal(ask(house, creation("Organization", "{\"resourceType\":\"Organization\",\"name\":\"x\"}")).status,
        STATUS_FAILED);
    assert_int_equal(count_of(house, "Patient"), 0);
}

static enum status guard_endlessly(void *context, struct records_change *change, struct scope *scope) {
    (void)context;
    return records_unit_put(NULL, change->unit, TEXT("{\"resourceType\":\"Basic\",\"code\":{\"text\":\"x\"}}"), scope);
}

static void test_depth_is_limited(void **state) {
    struct house *house = *state;
    records_guard_register(house->records, type_of("Basic"), guard_endlessly, NULL);
    assert_int_equal(ask(house, creation("Basic", "{\"resourceType\":\"Basic\",\"code\":{\"text\":\"x\"}}")).status,
        STATUS_TOO_COSTLY);
    assert_int_equal(count_of(house, "Basic"), 0);
}

/* ---- units ------------------------------------------------------------------------------------------------------ */

static enum status work(void *context, struct records_unit *unit, struct scope *scope) {
    struct text *id = context;
    const yyjson_val *patient = NULL;
    assert_int_equal(records_unit_get(&patient, unit, type_of("Patient"), TEXT("none"), scope), STATUS_NOT_FOUND);
    assert_int_equal(
        records_unit_put(id, unit, TEXT("{\"resourceType\":\"Patient\",\"gender\":\"male\"}"), scope), STATUS_OK);
    assert_int_equal(records_unit_get(&patient, unit, type_of("Patient"), *id, scope), STATUS_OK);
    assert_text(json_text(get(patient, "/meta/versionId")), "1");
    const struct search_pair pairs[] = {PAIR("gender", "male")};
    const yyjson_val **found = NULL;
    size_t count = 0;
    assert_int_equal(records_unit_search(&found, &count, unit, type_of("Patient"), pairs, 1, 10, scope), STATUS_OK);
    assert_int_equal(count, 1); /* what the unit wrote is seen in it */
    assert_true(text_equal(json_get_text(found[0], "id"), *id));
    assert_text(records_unit_caller(unit)->who, "Practitioner/nurse");
    assert_true(records_unit_time_us(unit) > 0);
    struct text holder = {0};
    assert_int_equal(
        store_unit_claim(&holder, records_unit_store(unit), TEXT("bed"), TEXT("1"), TEXT("Task/1"), scope), STATUS_OK);
    return STATUS_OK;
}

static enum status claim_again(void *context, struct records_unit *unit, struct scope *scope) {
    (void)context;
    struct text holder = {0};
    enum status status = records_unit_put(NULL, unit, TEXT("{\"resourceType\":\"Patient\"}"), scope);
    return status == STATUS_OK
               ? store_unit_claim(&holder, records_unit_store(unit), TEXT("bed"), TEXT("1"), TEXT("Task/2"), scope)
               : status;
}

static void test_units_of_upper_modules(void **state) {
    struct house *house = *state;
    struct text id = {0};
    house->scope = (struct scope){.arena = house->arena};
    enum status status = records_unit_run(house->records, &nurse, "$test", work, &id, &house->scope);
    print_issues(&house->scope);
    assert_int_equal(status, STATUS_OK);
    const yyjson_val *row = last_audit(house);
    assert_text(json_get_text(row, "do"), "$test");
    struct text reference = text_format(house->arena, "Patient/%.*s", (int)id.size, id.at);
    assert_true(text_equal(json_text(get(row, "/on/0")), reference));
    house->scope = (struct scope){.arena = house->arena};
    assert_int_equal(
        records_unit_run(house->records, &nurse, "$test", claim_again, NULL, &house->scope), STATUS_CONFLICT);
    assert_true(house->scope.fault.count > 0);
    assert_int_equal(count_of(house, "Patient"), 1); /* the losing unit left nothing */
    const struct records_caller nobody = {0};
    house->scope = (struct scope){.arena = house->arena};
    assert_int_equal(records_unit_run(house->records, &nobody, "$test", work, &id, &house->scope), STATUS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_refused_on_every_path),
        TEST(test_deletion_is_seen),
        TEST(test_writes_beside_are_one_unit),
        TEST(test_replacement_is_written_and_found),
        TEST(test_bad_replacement),
        TEST(test_depth_is_limited),
        TEST(test_units_of_upper_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
