/* Slices, numbers, UTF-8, the search form, buffers. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static int open_arena(void **state) {
    *state = arena_open(16 << 20);
    return *state == NULL;
}

static int close_arena(void **state) {
    arena_close(*state);
    return 0;
}

#define assert_text(actual, expected) assert_text_at((actual), (expected), __LINE__)
static void assert_text_at(struct text actual, const char *expected, int line) {
    if (!text_is(actual, expected)) {
        print_error("line %d: \"%.*s\" is not \"%s\"\n", line, (int)actual.size, actual.at, expected);
        fail();
    }
}

static void slices_compare(void **state) {
    (void)state;
    struct text none = text_from(NULL);
    assert_null(none.at);
    assert_true(text_equal(none, TEXT("")));
    assert_true(text_is(TEXT("abc"), "abc"));
    assert_false(text_is(TEXT("abc"), "abcd"));
    assert_true(text_starts(TEXT("Patient/1"), "Patient/"));
    assert_false(text_starts(TEXT("Pat"), "Patient"));
    assert_true(text_ends(TEXT("a.json"), ".json"));
    assert_false(text_ends(none, "x"));
    assert_true(text_starts(none, ""));
    assert_true(text_compare(TEXT("a"), TEXT("b")) < 0);
    assert_true(text_compare(TEXT("a"), TEXT("ab")) < 0);
    assert_true(text_compare(TEXT("ab"), TEXT("a")) > 0);
    assert_int_equal(text_compare(none, TEXT("")), 0);
    assert_text(text_trim(TEXT(" \t\r\n a b \v\f")), "a b");
    assert_text(text_trim(TEXT("  ")), "");
}

static void cutting_walks_through_parts(void **state) {
    (void)state;
    struct text rest = TEXT("a,,b");
    assert_text(text_cut(&rest, ','), "a");
    assert_text(text_cut(&rest, ','), "");
    assert_non_null(rest.at);
    assert_text(text_cut(&rest, ','), "b");
    assert_null(rest.at);
    rest = TEXT("x,");
    assert_text(text_cut(&rest, ','), "x");
    assert_non_null(rest.at); /* an empty part is left, and is no end */
    assert_text(text_cut(&rest, ','), "");
    assert_null(rest.at);
}

static void copies_are_terminated(void **state) {
    struct text copy = text_copy(*state, (struct text){"abcdef", 3});
    assert_string_equal(copy.at, "abc");
    assert_null(text_copy(*state, text_from(NULL)).at);
    assert_string_equal(text_string(*state, text_from(NULL)), "");
    assert_string_equal(text_format(*state, "%s-%d", "x", 5).at, "x-5");
}

static void integers_are_read_whole(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"42", true, 42},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1 ", false, 0},
        {" 1", false, 0},
        {"1.0", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        assert_int_equal(text_to_int64(&value, text_from(cases[i].text)), cases[i].fits);
        assert_true(value == cases[i].value);
    }
}

static void doubles_are_read_whole(void **state) {
    (void)state;
    double value = 0;
    assert_true(text_to_double(&value, TEXT("-12.50e1")));
    assert_true(value == -125.0);
    assert_true(text_to_double(&value, (struct text){"1.5garbage", 3}));
    assert_true(value == 1.5);
    static const char *const refused[] = {"", " 1", "1 ", "nan", "inf", "0x10", "1e999", "1,5", "--1", "1.2.3"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(text_to_double(&value, text_from(refused[i])));
    }
    assert_false(text_to_double(&value, (struct text){"1\0002", 3}));
}

static void utf8_is_the_strict_kind(void **state) {
    (void)state;
    static const char *const good[] = {"", "plain ascii text", "소양", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xC3", "12345678\xC3(",
        "\xF0\x90\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(text_is_utf8(text_from(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(text_is_utf8(text_from(bad[i])));
    }
}

static void the_search_form_ignores_what_people_ignore(void **state) {
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"", ""},
        {"  Kim \t Min  SU ", "kim min su"},
        {"café", "cafe"},
        {"CAFE\xCC\x81", "cafe"}, /* decomposed */
        {"Straße", "strasse"},
        {"Ångström", "angstrom"},
        {"Nguyễn Văn Đức", "nguyen van đuc"}, /* đ is a letter of its own, not d with a mark */
        {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE1\x84\x80\xE1\x85\xB3\xE1\x86\xAF", "한글"}, /* conjoining letters */
        {"한글", "한글"},
        {"김\xE3\x80\x80철수", "김 철수"}, /* ideographic space */
        {"й", "й"},                        /* Cyrillic keeps its breve */
        {"が", "が"},                      /* and kana its voicing */
        {"ΣΊΣΥΦΟΣ", "σίσυφοσ"},
        {"a\xFF"
         "b",
            "a\xEF\xBF\xBD"
            "b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_text(text_fold(*state, text_from(cases[i].from)), cases[i].to);
    }
    assert_null(text_fold(*state, text_from(NULL)).at);
}

static void folding_twice_changes_nothing(void **state) {
    static const char *const texts[] = {
        "Ǆ ﬁ İstanbul ẞ", "１２３ＡＢＣ", "e\xCC\x81\xCC\xA7", "ᄀ\xCC\x81", "x\xE2\x80\xA8y"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct text once = text_fold(*state, text_from(texts[i]));
        assert_true(text_equal(once, text_fold(*state, once)));
        assert_true(text_is_utf8(once));
    }
}

static void buffers_grow_up_to_their_limit(void **state) {
    struct buffer buffer = buffer_open(*state, 100000);
    assert_text(buffer_text(&buffer), "");
    for (int i = 0; i < 10000; i++) {
        buffer_put_format(&buffer, "%04d", i);
        if (i % 100 == 0) {
            arena_alloc(*state, 8); /* so that growing must move it at times */
        }
    }
    assert_int_equal(buffer.size, 40000);
    assert_memory_equal(buffer.at + 4 * 1234, "1234", 4);
    buffer_put(&buffer, (struct text){arena_alloc(*state, 59999), 59999});
    assert_int_equal(buffer.size, 99999);
    buffer_put_char(&buffer, 'x');
    assert_false(buffer.full);
    buffer_put_char(&buffer, 'y');
    assert_true(buffer.full);
    assert_int_equal(buffer.size, 100000);
    buffer_put_string(&buffer, "");
    assert_int_equal(buffer.size, 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare),
        cmocka_unit_test(cutting_walks_through_parts),
        cmocka_unit_test_setup_teardown(copies_are_terminated, open_arena, close_arena),
        cmocka_unit_test(integers_are_read_whole),
        cmocka_unit_test(doubles_are_read_whole),
        cmocka_unit_test(utf8_is_the_strict_kind),
        cmocka_unit_test_setup_teardown(the_search_form_ignores_what_people_ignore, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(folding_twice_changes_nothing, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(buffers_grow_up_to_their_limit, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
