#include <math.h>
#include <string.h>

#include "search/key.h"
#include "search/value.h"
#include "unit/cmocka_all.h"

static void test_numbers_keep_their_order(void **state) {
    (void)state;
    const double values[] = {
        -INFINITY, -1e300, -2.5, -1, -1e-300, 0, 1e-300, 0.1, 1, 1.0000000001, 2.5, 1e300, INFINITY};
    for (size_t i = 1; i < sizeof values / sizeof values[0]; i++) {
        struct key a = {0}, b = {0};
        key_put_number(&a, values[i - 1]);
        key_put_number(&b, values[i]);
        assert_true(text_compare(key_text(&a), key_text(&b)) < 0);
    }
    assert_true(key_number_bits(-0.0) == key_number_bits(0.0));
}

static void test_times_keep_their_order(void **state) {
    (void)state;
    const int64_t values[] = {INT64_MIN, -5, -1, 0, 1, 1000000, INT64_MAX};
    for (size_t i = 1; i < sizeof values / sizeof values[0]; i++) {
        assert_true(key_int64_bits(values[i - 1]) < key_int64_bits(values[i]));
    }
}

static void test_long_values_are_bounded_and_told_apart(void **state) {
    (void)state;
    char first[1000], second[1000];
    memset(first, 'x', sizeof first);
    memset(second, 'x', sizeof second);
    second[sizeof second - 1] = 'y';
    struct key a = {0}, b = {0}, c = {0};
    key_put_bounded(&a, (struct text){first, sizeof first}, KEY_CODE_MAX);
    key_put_bounded(&b, (struct text){second, sizeof second}, KEY_CODE_MAX);
    key_put_bounded(&c, (struct text){first, sizeof first}, KEY_CODE_MAX);
    assert_int_equal(a.size, KEY_CODE_MAX);
    assert_false(text_equal(key_text(&a), key_text(&b)));
    assert_true(text_equal(key_text(&a), key_text(&c)));
}

/* The hash stands in data folders: it must never change. The bytes were computed by another implementation, checked
 * with the vector of the SipHash paper. */
static void test_hashes_stay(void **state) {
    (void)state;
    struct key none = {0}, a = {0}, again = {0}, other = {0};
    key_put_hash(&none, (struct text){NULL, 0});
    assert_memory_equal(none.at, "\0\0\0\0\0\0\0\0", KEY_HASH_SIZE);
    key_put_hash(&a, TEXT("http://loinc.org"));
    key_put_hash(&again, TEXT("http://loinc.org"));
    key_put_hash(&other, TEXT("http://loinc.orh"));
    assert_true(text_equal(key_text(&a), key_text(&again)));
    assert_false(text_equal(key_text(&a), key_text(&other)));
    struct key mark = {0};
    key_put_mark(&mark, TEXT("x"));
    assert_int_equal(mark.size, KEY_MARK_SIZE);
    for (size_t i = 0; i < mark.size; i++) {
        assert_int_equal((uint8_t)mark.at[i] & 0xc0, 0x80);
    }
    static const uint8_t loinc[KEY_HASH_SIZE] = {0xdb, 0xf1, 0xee, 0x42, 0x21, 0x24, 0xa2, 0xc9};
    assert_memory_equal(a.at, loinc, KEY_HASH_SIZE);
}

static void test_escapes(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 20);
    struct text rest = TEXT("a\\,b,c\\\\,d\\|e");
    assert_true(text_is(value_unescape(arena, value_cut(&rest, ',')), "a,b"));
    assert_true(text_is(value_unescape(arena, value_cut(&rest, ',')), "c\\"));
    assert_true(text_is(value_unescape(arena, value_cut(&rest, ',')), "d|e"));
    assert_null(rest.at);
    assert_false(value_has(TEXT("a\\|b"), '|'));
    assert_true(text_is(value_unescape(arena, TEXT("a\\nb\\")), "a\\nb\\"));
    arena_close(arena);
}

static void test_prefixes(void **state) {
    (void)state;
    enum value_prefix prefix;
    struct text value = TEXT("ge5");
    assert_true(value_take_prefix(&prefix, &value) && prefix == PREFIX_GE && text_is(value, "5"));
    value = TEXT("5");
    assert_true(value_take_prefix(&prefix, &value) && prefix == PREFIX_EQ && text_is(value, "5"));
    value = TEXT("xx5");
    assert_false(value_take_prefix(&prefix, &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers_keep_their_order),
        cmocka_unit_test(test_times_keep_their_order), cmocka_unit_test(test_long_values_are_bounded_and_told_apart),
        cmocka_unit_test(test_hashes_stay), cmocka_unit_test(test_escapes), cmocka_unit_test(test_prefixes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
