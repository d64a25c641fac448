/* JSON: what reading refuses and how it says so, numbers kept as text, equality, the writer. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int open_arena(void **state) {
    *state = arena_open(256 << 20);
    return *state == NULL;
}

static int close_arena(void **state) {
    arena_close(*state);
    return 0;
}

static yyjson_val *parse(struct arena *arena, const char *source) {
    struct scope scope = {.arena = arena};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&doc, text_from(source), &scope), STATUS_OK);
    assert_int_equal(scope.fault.count, 0);
    return yyjson_doc_get_root(doc);
}

/* Fails unless reading refuses `source` with one issue at `path` whose text has `part` in it. */
static void assert_refused(struct arena *arena, struct text source, const char *path, const char *part) {
    struct scope scope = {.arena = arena};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&doc, source, &scope), STATUS_INVALID);
    assert_null(doc);
    assert_int_equal(scope.fault.count, 1);
    assert_string_equal(scope.fault.first->path, path);
    if (strstr(scope.fault.first->text, part) == NULL) {
        print_error("\"%s\" does not say \"%s\"\n", scope.fault.first->text, part);
        fail();
    }
}

static void refusals_say_where(void **state) {
    static const struct {
        const char *source, *path, *part;
    } cases[] = {
        {"", "", "nothing there"}, {"{", "", "not JSON"}, {"{} x", "", "at byte 3, line 1"}, {"{}\n{}", "", "line 2"},
        {"{\"a\":1,}", "", "not JSON"}, {"[1,2,]", "", "not JSON"}, {"{\"a\":NaN}", "", "not JSON"},
        {"// c\n{}", "", "not JSON"}, {"\xEF\xBB\xBF{}", "", "not JSON"}, {"{\"a\":\"\xED\xA0\x80\"}", "", "not JSON"},
        {"{\"a\":\"\x80\"}", "", "not JSON"}, {"{\"a\":\"\\ud800\"}", "", "not JSON"}, {"{\"a\":01}", "", "not JSON"},
        {"{\"a\":1.}", "", "not JSON"}, {"{\"a\":-}", "", "not JSON"}, {"{\"a\":\"\n\"}", "", "not JSON"},
        {"{\"a\":1,\n\"b\":2,\"a\":3}", "", "duplicate member \"a\" at byte 15, line 2"},
        {"{\"\\u0061\":1,\"a\":2}", "", "duplicate member \"a\""},
        {"{\"resourceType\":\"Patient\",\"name\":[{},{\"family\":\"x\",\"family\":\"y\"}]}", "Patient.name[1]",
            "duplicate member \"family\""},
        {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"ok\",\"a\\u0000b\"]}]}", "Patient.name[0].given[1]",
            "U+0000"},
        {"{\"a\\u0000\":1}", "?", "U+0000"}, {"\"\\u0000\"", "", "U+0000"},
        {"{\"홍길동\":1,\"홍길동\":2}", "", "duplicate member \"?\""}, /* not the name of an element: might be data */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_refused(*state, text_from(cases[i].source), cases[i].path, cases[i].part);
    }
    assert_refused(*state, (struct text){NULL, 0}, "", "nothing there");
    assert_refused(*state, (struct text){"{\"a\":\"\0\"}", 9}, "", "not JSON");
}

static struct text nested(struct arena *arena, size_t depth) {
    char *at = arena_alloc(arena, depth * 2 + 1);
    memset(at, '[', depth);
    memset(at + depth, ']', depth);
    return (struct text){at, depth * 2};
}

static void depth_is_bounded(void **state) {
    struct scope scope = {.arena = *state};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&doc, nested(*state, JSON_DEPTH_MAX), &scope), STATUS_OK);
    struct text deep = nested(*state, JSON_DEPTH_MAX + 1);
    scope = (struct scope){.arena = *state};
    assert_int_equal(json_read(&doc, deep, &scope), STATUS_INVALID);
    assert_non_null(strstr(scope.fault.first->text, "nested deeper than 64 levels at byte 64, line 1"));
    scope = (struct scope){.arena = *state};
    assert_int_equal(json_read(&doc, nested(*state, 1000000), &scope), STATUS_INVALID);
    const char *braces = "[\"[[[[\\\"[[[[\"]"; /* brackets in strings do not count */
    assert_non_null(parse(*state, braces));
}

static struct text many_members(struct arena *arena, size_t count, const char *last) {
    struct buffer buffer = buffer_open(arena, 64 << 20);
    buffer_put_char(&buffer, '{');
    for (size_t i = 0; i < count; i++) {
        buffer_put_format(&buffer, "\"m%zu\":%zu,", i * 7919 % count, i);
    }
    buffer_put_format(&buffer, "\"%s\":0}", last);
    return buffer_text(&buffer);
}

static void duplicates_are_found_among_many_in_little_time(void **state) {
    struct scope scope = {.arena = *state};
    yyjson_doc *doc = NULL;
    int64_t start_us = clock_monotonic_us();
    assert_int_equal(json_read(&doc, many_members(*state, 200000, "other"), &scope), STATUS_OK);
    assert_int_equal(json_read(&doc, many_members(*state, 200000, "m777"), &scope), STATUS_INVALID);
    assert_non_null(strstr(scope.fault.first->text, "duplicate member \"m777\""));
    assert_true(clock_monotonic_us() - start_us < 10000000); /* pairwise it would take minutes */
    for (size_t count = 1; count < 40; count++) {            /* on both sides of where sorting begins */
        scope = (struct scope){.arena = *state};
        assert_int_equal(json_read(&doc, many_members(*state, count, "m0"), &scope), STATUS_INVALID);
        assert_int_equal(json_read(&doc, many_members(*state, count, "x"), &scope), STATUS_OK);
    }
}

static void members_are_read_by_kind(void **state) {
    yyjson_val *object =
        parse(*state, "{\"s\":\"t\",\"i\":-12,\"d\":1.00,\"b\":true,\"n\":null,\"e\":1e2,\"big\":1e400}");
    assert_true(text_is(json_get_text(object, "s"), "t"));
    assert_null(json_get_text(object, "i").at);
    assert_null(json_get_text(object, "absent").at);
    assert_null(json_get(NULL, "x"));
    assert_non_null(parse(*state, "{\"a\":\"\\\\u0000 is no zero\"}"));
    assert_null(json_get(json_get(object, "s"), "x"));
    int64_t whole = 5;
    assert_true(json_get_int64(&whole, object, "i"));
    assert_true(whole == -12);
    assert_false(json_get_int64(&whole, object, "d"));
    assert_false(json_get_int64(&whole, object, "s"));
    assert_true(whole == -12);
    double real = 0;
    assert_true(json_get_double(&real, object, "e") && real == 100);
    assert_false(json_get_double(&real, object, "big"));
    bool flag = false;
    assert_true(json_get_bool(&flag, object, "b") && flag);
    assert_false(json_get_bool(&flag, object, "n"));
    assert_true(text_is(json_number_text(json_get(object, "d")), "1.00"));
    assert_null(json_number_text(json_get(object, "s")).at);
}

static void shares_are_so_many_numbers_of_which_one_is_more_than_nothing(void **state) {
    static const struct {
        const char *list;
        const char *said; /* NULL: taken */
    } cases[] = {
        {"[1, 0, 2.5]", NULL},
        {"[1, 2]", "a list of 3 numbers is due"},
        {"[1, 2, 3, 4]", "a list of 3 numbers is due"},
        {"{}", "a list of 3 numbers is due"},
        {"[1, -1, 2]", "a number from 0 is due"},
        {"[1, \"2\", 3]", "a number from 0 is due"},
        {"[0, 0, 0]", "all are zero"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scope scope = {.arena = *state};
        double out[3];
        const yyjson_val *list = parse(*state, cases[i].list);
        enum status status = json_shares(out, 3, list, "here", &scope);
        if (cases[i].said == NULL) {
            assert_int_equal(status, STATUS_OK);
            assert_true(out[0] == 1 && out[1] == 0 && out[2] == 2.5);
            continue;
        }
        assert_int_not_equal(status, STATUS_OK);
        assert_string_equal(scope.fault.first->path, "here");
        assert_string_equal(scope.fault.first->text, cases[i].said);
    }
    assert_int_equal(json_count(parse(*state, "{}")), 0);
    assert_null(json_at(parse(*state, "[1]"), 1));
}

static void equality_ignores_order_not_number_text(void **state) {
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"{\"a\":1,\"b\":[true,null]}", "{\"b\":[true,null],\"a\":1}", true},
        {"{\"a\":1.0}", "{\"a\":1.00}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"true", "false", false},
        {"null", "null", true},
        {"{}", "[]", false},
        {"1", "\"1\"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(json_equal(parse(*state, cases[i].a), parse(*state, cases[i].b)), cases[i].equal);
    }
    assert_true(json_equal(NULL, NULL));
    assert_false(json_equal(NULL, parse(*state, "null")));
}

static void large_objects_are_compared_in_little_time(void **state) {
    struct buffer forward = buffer_open(*state, 16 << 20), backward = buffer_open(*state, 16 << 20);
    int count = 100000;
    for (int i = 0; i < count; i++) {
        buffer_put_format(&forward, "%c\"k%d\":%d", i == 0 ? '{' : ',', i, i);
        buffer_put_format(&backward, "%c\"k%d\":%d", i == 0 ? '{' : ',', count - 1 - i, count - 1 - i);
    }
    buffer_put_string(&forward, "}");
    buffer_put_string(&backward, "}");
    yyjson_val *a = parse(*state, text_string(*state, buffer_text(&forward)));
    yyjson_val *b = parse(*state, text_string(*state, buffer_text(&backward)));
    int64_t start_us = clock_monotonic_us();
    assert_true(json_equal(a, b));
    assert_true(clock_monotonic_us() - start_us < 5000000);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static const char *finished(struct json_writer *w, struct arena *arena) {
    struct scope scope = {.arena = arena};
    struct text out = {NULL, 0};
    assert_int_equal(json_finish(&out, w, &scope), STATUS_OK);
    return text_string(arena, out);
}

static void the_writer_places_commas(void **state) {
    struct json_writer w = json_writer_open(*state, 4096);
    json_object_open(&w);
    json_member_string(&w, "a", "x");
    json_member_string(&w, "left out", NULL);
    json_member_text(&w, "left out too", (struct text){NULL, 0});
    json_member_text(&w, "empty", TEXT(""));
    json_member_int(&w, "i", INT64_MIN);
    json_name(&w, "list");
    json_array_open(&w);
    json_int(&w, 1);
    json_array_open(&w);
    json_array_close(&w);
    json_object_open(&w);
    json_object_close(&w);
    json_null(&w);
    json_raw(&w, TEXT("[2]"));
    json_array_close(&w);
    json_member_bool(&w, "t", true);
    json_member_decimal(&w, "d", -1.005, 2);
    json_member_decimal(&w, "zero", -0.001, 2);
    json_object_close(&w);
    assert_string_equal(finished(&w, *state),
        "{\"a\":\"x\",\"empty\":\"\",\"i\":-9223372036854775808,\"list\":[1,[],{},null,[2]],\"t\":true,\"d\":-1.00,"
        "\"zero\":0.00}");
}

/* Against printf, over many sizes, and right beside the ties that the short way must leave to it. */
static void decimals_are_those_of_printf(void **state) {
    uint64_t seed = 42;
    for (int i = 0; i < 200000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int decimals = (int)(seed >> 33) % 12;
        double size = pow(10, (double)((seed >> 20) % 20) - 8);
        double value = ((double)(int64_t)(seed << 7) / 9.3e18) * size;
        if (i % 4 == 0) {
            value = floor(value * 1000) / 1000 + (i % 8 == 0 ? .0005 : .5);
        }
        struct json_writer w = json_writer_open(*state, 4096);
        char expected[400];
        json_decimal(&w, value, decimals);
        (void)snprintf(expected, sizeof expected, "%.*f", decimals, value);
        const char *from = expected[0] == '-' && strpbrk(expected, "123456789") == NULL ? expected + 1 : expected;
        assert_string_equal(finished(&w, *state), from);
    }
}

static void the_writer_escapes(void **state) {
    static const struct {
        struct text from;
        const char *to;
    } cases[] = {
        {{"plain and long enough for words of eight", 40}, "\"plain and long enough for words of eight\""},
        {{"q\"b\\s/", 6}, "\"q\\\"b\\\\s/\""},
        {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {{"\0\x01\x1F\x7F", 4}, "\"\\u0000\\u0001\\u001f\x7F\""},
        {{"소양강 \"봄\"", 15}, "\"소양강 \\\"봄\\\"\""},
        {{"a\xFF\"b", 4}, "\"a\xEF\xBF\xBD\\\"b\""},
        {{"1234567\"9", 9}, "\"1234567\\\"9\""},
        {{"12345678\n", 9}, "\"12345678\\n\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_writer w = json_writer_open(*state, 4096);
        json_string_text(&w, cases[i].from);
        assert_string_equal(finished(&w, *state), cases[i].to);
    }
}

static void every_string_reads_back(void **state) {
    for (int c = 1; c < 0x2000; c++) {
        char utf8[16] = "1234567";
        size_t size = 7;
        if (c < 0x80) {
            utf8[size++] = (char)c;
        } else if (c < 0x800) {
            utf8[size++] = (char)(0xC0 | c >> 6);
            utf8[size++] = (char)(0x80 | (c & 0x3F));
        } else {
            utf8[size++] = (char)(0xE0 | c >> 12);
            utf8[size++] = (char)(0x80 | (c >> 6 & 0x3F));
            utf8[size++] = (char)(0x80 | (c & 0x3F));
        }
        struct json_writer w = json_writer_open(*state, 64);
        json_string_text(&w, (struct text){utf8, size});
        assert_true(text_equal(json_text(parse(*state, finished(&w, *state))), (struct text){utf8, size}));
    }
}

static void subtrees_keep_order_and_number_text(void **state) {
    const char *source = "{\"z\":1.00,\"a\":[1e3,-0,true,null,\"\\n가\",{\"b\":{}}],\"m\":{}}";
    struct json_writer w = json_writer_open(*state, 4096);
    json_value(&w, parse(*state, source));
    assert_string_equal(finished(&w, *state), source);
}

static void a_full_writer_says_too_large(void **state) {
    struct json_writer w = json_writer_open(*state, 10);
    json_array_open(&w);
    for (int i = 0; i < 100; i++) {
        json_string(&w, "abc");
    }
    json_array_close(&w);
    struct scope scope = {.arena = *state};
    struct text out;
    assert_int_equal(json_finish(&out, &w, &scope), STATUS_TOO_LARGE);
    assert_int_equal(scope.fault.count, 1);
}

static void the_writer_goes_as_deep_as_the_reader(void **state) {
    struct json_writer w = json_writer_open(*state, 4096);
    json_value(&w, parse(*state, nested(*state, JSON_DEPTH_MAX).at));
    assert_string_equal(finished(&w, *state), nested(*state, JSON_DEPTH_MAX).at);
}

/* What was read as deep as can be is shown inside of something; depths share no bits. */
static void what_was_read_may_be_enclosed(void **state) {
    enum { AROUND = JSON_WRITE_DEPTH_MAX - JSON_DEPTH_MAX };
    struct json_writer w = json_writer_open(*state, 4096);
    struct buffer expected = buffer_open(*state, 4096);
    for (int i = 0; i < AROUND / 2; i++) {
        json_array_open(&w);
        json_object_open(&w);
        json_name(&w, "a");
        buffer_put_string(&expected, "[{\"a\":");
    }
    json_value(&w, parse(*state, nested(*state, JSON_DEPTH_MAX).at));
    buffer_put(&expected, nested(*state, JSON_DEPTH_MAX));
    for (int i = 0; i < AROUND / 2; i++) {
        json_member_int(&w, "b", i);
        json_object_close(&w);
        json_int(&w, i);
        json_array_close(&w);
        buffer_put_format(&expected, ",\"b\":%d},%d]", i, i);
    }
    assert_string_equal(finished(&w, *state), text_string(*state, buffer_text(&expected)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals_say_where, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(depth_is_bounded, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(duplicates_are_found_among_many_in_little_time, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(members_are_read_by_kind, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(
            shares_are_so_many_numbers_of_which_one_is_more_than_nothing, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(equality_ignores_order_not_number_text, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(large_objects_are_compared_in_little_time, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_writer_places_commas, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(decimals_are_those_of_printf, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_writer_escapes, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(every_string_reads_back, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(subtrees_keep_order_and_number_text, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_full_writer_says_too_large, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_writer_goes_as_deep_as_the_reader, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_was_read_may_be_enclosed, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
