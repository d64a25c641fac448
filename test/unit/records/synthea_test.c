/* Synthea's bundles, as published: each posts, and every resource reads back equal once minified, member order and number text
 * kept, but for id, meta and rewritten references. */
#include "unit/records/fixture.h"

#include <bzlib.h>

static const char *shared(void) {
    const char *folder = getenv("SOYANG_SHARED");
    return folder == NULL ? "../shared" : folder;
}

static bool bundle_text(struct text *out, struct arena *arena, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/data/fhir/synthea/%s.json.bz2", shared(), name);
    BZFILE *file = BZ2_bzopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    struct buffer buffer = buffer_open(arena, (size_t)256 << 20);
    char part[64 * 1024];
    for (int size = 0; (size = BZ2_bzread(file, part, sizeof part)) > 0;) {
        buffer_put(&buffer, (struct text){part, (size_t)size});
    }
    BZ2_bzclose(file);
    *out = buffer_text(&buffer);
    return true;
}

/* Two resources as texts, walked member by member: only what the server may change may differ. */
static bool same(const yyjson_val *sent, const yyjson_val *read, const char *name) {
    if (yyjson_get_type((yyjson_val *)sent) != yyjson_get_type((yyjson_val *)read)) {
        return false;
    }
    if (yyjson_is_str((yyjson_val *)sent)) {
        struct text value = json_text(sent);
        bool rewritten = strcmp(name, "reference") == 0 &&
                         (text_starts(value, "urn:uuid:") || memchr(value.at, '?', value.size) != NULL);
        return rewritten ? !text_starts(json_text(read), "urn:") : text_equal(value, json_text(read));
    }
    if (yyjson_is_raw((yyjson_val *)sent)) {
        return text_equal(json_number_text(sent), json_number_text(read));
    }
    if (yyjson_is_arr((yyjson_val *)sent)) {
        size_t count = yyjson_arr_size((yyjson_val *)sent);
        bool equal = count == yyjson_arr_size((yyjson_val *)read);
        yyjson_arr_iter left = yyjson_arr_iter_with((yyjson_val *)sent),
                        right = yyjson_arr_iter_with((yyjson_val *)read);
        for (size_t i = 0; i < count && equal; i++) {
            equal = same(yyjson_arr_iter_next(&left), yyjson_arr_iter_next(&right), name);
        }
        return equal;
    }
    if (yyjson_is_obj((yyjson_val *)sent)) {
        bool equal = yyjson_obj_size((yyjson_val *)sent) == yyjson_obj_size((yyjson_val *)read);
        yyjson_obj_iter left = yyjson_obj_iter_with((yyjson_val *)sent),
                        right = yyjson_obj_iter_with((yyjson_val *)read);
        yyjson_val *key = NULL, *other = NULL;
        while (equal && (key = yyjson_obj_iter_next(&left)) != NULL && (other = yyjson_obj_iter_next(&right)) != NULL) {
            equal = text_equal(json_text(key), json_text(other)) &&
                    same(yyjson_obj_iter_get_val(key), yyjson_obj_iter_get_val(other), yyjson_get_str(key));
        }
        return equal;
    }
    return yyjson_equals((yyjson_val *)sent, (yyjson_val *)read);
}

static yyjson_val *next_kept(yyjson_obj_iter *members) {
    yyjson_val *key = NULL;
    do {
        key = yyjson_obj_iter_next(members);
    } while (key != NULL && (text_is(json_text(key), "id") || text_is(json_text(key), "meta")));
    return key;
}

static bool same_resource(const yyjson_val *sent, const yyjson_val *read) {
    yyjson_obj_iter left = yyjson_obj_iter_with((yyjson_val *)sent), right = yyjson_obj_iter_with((yyjson_val *)read);
    for (;;) {
        yyjson_val *key = next_kept(&left), *other = next_kept(&right);
        if (key == NULL || other == NULL) {
            return key == other;
        }
        if (!text_equal(json_text(key), json_text(other)) ||
            !same(yyjson_obj_iter_get_val(key), yyjson_obj_iter_get_val(other), yyjson_get_str(key))) {
            return false;
        }
    }
}

static void compare(struct house *house, const yyjson_val *sent, const yyjson_val *response, struct arena *arena) {
    yyjson_arr_iter entries = yyjson_arr_iter_with((yyjson_val *)json_get(sent, "entry"));
    yyjson_arr_iter answers = yyjson_arr_iter_with((yyjson_val *)json_get(response, "entry"));
    for (yyjson_val *entry = NULL; (entry = yyjson_arr_iter_next(&entries)) != NULL;) {
        const yyjson_val *answer = json_get(yyjson_arr_iter_next(&answers), "response");
        assert_text(json_get_text(answer, "status"), "201 Created");
        struct text location = json_get_text(answer, "location");
        struct text type = text_cut(&location, '/');
        struct text id = text_cut(&location, '/');
        struct scope scope = {.arena = arena};
        struct records_answer read;
        const struct records_request request = {
            .interaction = RECORDS_READ, .caller = nurse, .type = fhir_type_find(type), .id = id};
        assert_int_equal(records_run(&read, house->records, &request, &scope), STATUS_OK);
        yyjson_doc *doc = NULL;
        assert_int_equal(json_read(&doc, read.body, &scope), STATUS_OK);
        bool equal = same_resource(json_get(entry, "resource"), yyjson_doc_get_root(doc));
        if (!equal) {
            print_message("%.*s differs: %.*s\n", (int)type.size, type.at, (int)read.body.size, read.body.at);
        }
        assert_true(equal);
    }
}

static size_t post(struct house *house, const char *name) {
    struct arena *arena = arena_open((size_t)3 << 30);
    struct text text = {0};
    if (!bundle_text(&text, arena, name)) {
        arena_close(arena);
        print_message("skipped: no ../shared\n");
        skip();
    }
    struct scope scope = {.arena = arena};
    struct records_answer answer;
    const struct records_request request = {.interaction = RECORDS_BUNDLE, .caller = nurse, .body = text};
    int64_t began_us = clock_monotonic_us();
    enum status status = records_run(&answer, house->records, &request, &scope);
    print_issues(&scope);
    assert_int_equal(status, STATUS_OK);
    yyjson_doc *sent = NULL, *response = NULL;
    int64_t took_us = clock_monotonic_us() - began_us;
    assert_int_equal(json_read(&sent, text, &scope), STATUS_OK);
    assert_int_equal(json_read(&response, answer.body, &scope), STATUS_OK);
    size_t count = yyjson_arr_size((yyjson_val *)json_get(yyjson_doc_get_root(sent), "entry"));
    print_message("%s: %zu resources in %lld ms, %zu MB of arena\n", name, count, (long long)took_us / 1000,
        arena_used(arena) >> 20);
    compare(house, yyjson_doc_get_root(sent), yyjson_doc_get_root(response), arena);
    arena_close(arena);
    return count;
}

static void test_round_trip(void **state) {
    struct house *house = *state;
    size_t count = post(house, "0-hospitalInformation1625911868739");
    count += post(house, "0-practitionerInformation1625911868739");
    count += post(house, "8708d3e1-f718-96bb-03f0-f2a6564ae1cd");
    count += post(house, "057aa36e-b892-9964-75b9-ffb46b097e34");
    count += post(house, "e5a8d3f4-4484-ebfd-7404-d9f02c9fe6a6");
    assert_int_equal(count_of(house, "Organization"), 194);
    const struct search_pair pairs[] = {PAIR("_type", "Patient"), PAIR("_summary", "count")};
    struct records_request search = searching("Patient", pairs, 2);
    search.type = FHIR_TYPE_NONE;
    int64_t total = 0;
    assert_true(json_get_int64(&total, parse(house, ask_ok(house, search).body), "total"));
    assert_int_equal(total, 3);
    struct scope scope = {.arena = house->arena};
    assert_int_equal(store_check(NULL, house->store, NULL, NULL, &scope), STATUS_OK);
    assert_true(count > 800);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, open_house, close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
