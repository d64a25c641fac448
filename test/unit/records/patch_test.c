/* JSON Patch: the published cases from ../shared where present, and the interaction. */
#include "unit/records/fixture.h"

#include "records/patch.h"

static const char *shared(void) {
    const char *folder = getenv("SOYANG_SHARED");
    return folder == NULL ? "../shared" : folder;
}

static bool json_path(char *out, size_t size, const char *rest) {
    snprintf(out, size, "%s/%s", shared(), rest);
    return access(out, R_OK) == 0;
}

static struct text minified(struct arena *arena, const yyjson_val *value) {
    struct json_writer w = json_writer_open(arena, (size_t)1 << 20);
    struct scope scope = {.arena = arena};
    struct text out = {0};
    json_value(&w, value);
    assert_int_equal(json_finish(&out, &w, &scope), STATUS_OK);
    return out;
}

static void test_published_cases(void **state) {
    (void)state;
    char path[512];
    if (!json_path(path, sizeof path, "data/fhir/patch/json-patch-tests.json")) {
        print_message("skipped: no ../shared\n");
        skip();
    }
    struct arena *arena = arena_open((size_t)16 << 20);
    struct scope scope = {.arena = arena};
    struct text source = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(file_read(&source, path, (size_t)8 << 20, &scope), STATUS_OK);
    assert_int_equal(json_read(&doc, source, &scope), STATUS_OK);
    yyjson_arr_iter cases = yyjson_arr_iter_with(yyjson_doc_get_root(doc));
    int run = 0;
    for (yyjson_val *one = NULL; (one = yyjson_arr_iter_next(&cases)) != NULL; run++) {
        struct scope own = {.arena = arena};
        struct text out = {0};
        yyjson_doc *patched = NULL;
        const yyjson_val *expected = json_get(one, "expected");
        enum status status = patch_apply(&out, json_get(one, "doc"), json_get(one, "patch"), &own);
        struct text comment = json_get_text(one, "comment");
        if ((status == STATUS_OK) != (expected != NULL)) {
            print_message("%.*s: %s\n", (int)comment.size, comment.at, status_name(status));
        }
        assert_int_equal(status == STATUS_OK, expected != NULL);
        if (expected != NULL) {
            assert_int_equal(json_read(&patched, out, &own), STATUS_OK);
            struct text said = minified(arena, yyjson_doc_get_root(patched));
            if (!json_equal(yyjson_doc_get_root(patched), expected)) {
                print_message("%.*s: %.*s\n", (int)comment.size, comment.at, (int)said.size, said.at);
            }
            assert_true(json_equal(yyjson_doc_get_root(patched), expected));
        }
    }
    assert_true(run >= 16);
    arena_close(arena);
}

static struct records_request patching(const char *id, const char *body) {
    return (struct records_request){
        .interaction = RECORDS_PATCH,
        .type = type_of("Patient"),
        .id = text_from(id),
        .body = text_from(body),
        .patch_format = TEXT("application/json-patch+json; charset=utf-8"),
    };
}

static void test_interaction(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p",
                      "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\",\"multipleBirthInteger\":2,"
                      "\"extension\":[{\"url\":"
                      "\"http://e\",\"valueDecimal\":1.00}]}"));
    struct records_answer answer =
        ask_ok(house, patching("p", "[{\"op\":\"replace\",\"path\":\"/gender\",\"value\":\"female\"}]"));
    assert_int_equal(answer.version, 2);
    assert_non_null(strstr(text_string(house->arena, answer.body), "\"valueDecimal\":1.00")); /* number text stays */
    const struct search_pair pairs[] = {PAIR("gender", "female")};
    assert_non_null(get(parse(house, ask_ok(house, searching("Patient", pairs, 1)).body), "/entry/0"));
    static const struct {
        const char *id, *patch;
        enum status status;
    } cases[] = {
        {"p", "{}", STATUS_INVALID},
        {"p", "[{}]", STATUS_INVALID},
        {"p", "[{\"op\":\"erase\",\"path\":\"/gender\"}]", STATUS_INVALID},
        {"p", "[{\"op\":\"add\",\"path\":\"gender\",\"value\":1}]", STATUS_INVALID},
        {"p", "[{\"op\":\"add\",\"path\":\"/gender\"}]", STATUS_INVALID},
        {"p", "[{\"op\":\"test\",\"path\":\"/gender\",\"value\":\"male\"}]", STATUS_UNPROCESSABLE},
        {"p", "[{\"op\":\"remove\",\"path\":\"/name\"}]", STATUS_UNPROCESSABLE},
        {"p", "[{\"op\":\"remove\",\"path\":\"\"}]", STATUS_UNPROCESSABLE},
        {"p", "[{\"op\":\"add\",\"path\":\"/gender\",\"value\":7}]", STATUS_UNPROCESSABLE},
        {"p", "[{\"op\":\"replace\",\"path\":\"/id\",\"value\":\"q\"}]", STATUS_UNPROCESSABLE},
        {"p", "[{\"op\":\"move\",\"from\":\"/extension\",\"path\":\"/extension/0\"}]", STATUS_UNPROCESSABLE},
        {"never", "[]", STATUS_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer = ask(house, patching(cases[i].id, cases[i].patch));
        if (answer.status != cases[i].status) {
            print_message("%s: %s\n", cases[i].patch, status_name(answer.status));
        }
        assert_int_equal(answer.status, cases[i].status);
    }
    struct records_request request = patching("p", "[]");
    request.if_match = TEXT("W/\"1\"");
    assert_int_equal(ask(house, request).status, STATUS_PRECONDITION);
    request.patch_format = TEXT("application/xml-patch+xml");
    assert_int_equal(ask(house, request).status, STATUS_UNSUPPORTED);
    request = patching("", "[{\"op\":\"remove\",\"path\":\"/gender\"}]");
    request.is_conditional = true;
    request.pairs = pairs;
    request.pair_count = 1;
    assert_int_equal(ask_ok(house, request).version, 3);
    assert_int_equal(ask(house, request).status, STATUS_NOT_FOUND);
    ask_ok(house, deletion("Patient", "p"));
    assert_int_equal(ask(house, patching("p", "[]")).status, STATUS_GONE);
}

/* What one operation would do to the document, many times over: refused where it starts to be too much, by its index. */
static struct text repeated(struct house *house, const char *operation, int count) {
    struct buffer patch = buffer_open(house->arena, (size_t)1 << 20);
    buffer_put(&patch, TEXT("["));
    for (int i = 0; i < count; i++) {
        buffer_put(&patch, i == 0 ? TEXT("") : TEXT(","));
        buffer_put_string(&patch, operation);
    }
    buffer_put(&patch, TEXT("]"));
    assert_false(patch.full);
    return buffer_text(&patch);
}

static struct text patient_with_text(struct house *house, size_t bytes) {
    struct buffer patient = buffer_open(house->arena, bytes + 100);
    char *text = arena_bytes(house->arena, bytes);
    memset(text, 'x', bytes);
    buffer_put(&patient, TEXT("{\"resourceType\":\"Patient\",\"contained\":[],\"text\":\""));
    buffer_put(&patient, (struct text){text, bytes});
    buffer_put(&patient, TEXT("\"}"));
    assert_false(patient.full);
    return buffer_text(&patient);
}

static void test_growth(void **state) {
    struct house *house = *state;
    static const struct {
        const char *operation;
        size_t text_bytes;
        int count;
        enum status status;
        const char *said;
    } cases[] = {
        {"{\"op\":\"copy\",\"from\":\"\",\"path\":\"/contained/-\"}", 1 << 10, 35, STATUS_TOO_COSTLY,
            "patch operation 15: the patch copies and moves more than a resource may hold"},
        {"{\"op\":\"copy\",\"from\":\"\",\"path\":\"/contained/-\"}", 30 << 20, 35, STATUS_TOO_LARGE,
            "patch operation 0: the resource becomes larger than a resource may be"},
        {"{\"op\":\"copy\",\"from\":\"\",\"path\":\"/contained\"}", 1, 100, STATUS_UNPROCESSABLE,
            "patch operation 62: the resource becomes deeper than a resource may be"},
        {"{\"op\":\"copy\",\"from\":\"/text\",\"path\":\"/contained/-\"}", 100 << 10, 1000, STATUS_TOO_LARGE,
            "patch operation 490: the resource becomes larger than a resource may be"},
        {"{\"op\":\"copy\",\"from\":\"/text\",\"path\":\"/extension\"}", 100 << 10, 1000, STATUS_TOO_COSTLY,
            "patch operation 491: the patch copies and moves more than a resource may hold"},
        {"{\"op\":\"move\",\"from\":\"/text\",\"path\":\"/text\"}", 100 << 10, 1000, STATUS_TOO_COSTLY,
            "patch operation 491: the patch copies and moves more than a resource may hold"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scope scope = {.arena = house->arena};
        struct text out = {0};
        yyjson_doc *document = NULL, *patch = NULL;
        assert_int_equal(json_read(&document, patient_with_text(house, cases[i].text_bytes), &scope), STATUS_OK);
        assert_int_equal(json_read(&patch, repeated(house, cases[i].operation, cases[i].count), &scope), STATUS_OK);
        enum status status = patch_apply(&out, yyjson_doc_get_root(document), yyjson_doc_get_root(patch), &scope);
        assert_non_null(scope.fault.first);
        assert_string_equal(scope.fault.first->text, cases[i].said);
        assert_int_equal(status, cases[i].status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_cases),
        cmocka_unit_test_setup_teardown(test_interaction, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_growth, open_house, close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
