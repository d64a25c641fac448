/* HL7 v2 in its bar notation: separators, escapes, character sets, times, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "region/hl7.h"
#include "unit/cmocka_all.h"

#define HEAD "MSH|^~\\&|HIS|A2200001|SOYANG|GW|20261122120000||ADT^A01^ADT_A01|M1|P|2.5.1"

struct read {
    struct arena *arena;
    struct hl7_message *message;
    struct hl7_problem problem;
    bool good;
};

static struct read take(const char *bytes, size_t size) {
    struct read read = {.arena = arena_open(1 << 24)};
    read.message = ARENA_NEW(read.arena, struct hl7_message);
    read.good = hl7_parse(read.message, &read.problem, (struct text){bytes, size}, read.arena);
    return read;
}

static struct text value(const struct read *read, const char *segment, int field, int component) {
    return hl7_value(read->message, hl7_find(read->message, segment), field, component, read->arena);
}

static bool holds(struct text answer, const char *wanted) {
    return memmem(answer.at, answer.size, wanted, strlen(wanted)) != NULL;
}

static void test_values(void **state) {
    (void)state;
    static const char bytes[] = HEAD
        "\rEVN|A01|202611221200\rPV1|1|I|ICU^101^2~ER^9|||\"\"|a\\T\\b\\F\\c\\S\\d\\R\\e\\E\\f\\X2041\\g\\.br\\h\r";
    struct read read = take(bytes, sizeof bytes - 1);
    assert_true(read.good);
    assert_true(text_is(value(&read, "MSH", 3, 1), "HIS"));
    assert_true(text_is(value(&read, "MSH", 9, 2), "A01"));
    assert_true(text_is(value(&read, "MSH", 12, 1), "2.5.1"));
    assert_true(text_is(value(&read, "PV1", 3, 1), "ICU"));
    assert_true(text_is(value(&read, "PV1", 3, 3), "2"));
    assert_int_equal(value(&read, "PV1", 6, 1).size, 0);
    assert_true(text_is(value(&read, "PV1", 7, 1), "a&b|c^d~e\\f Ag\nh"));
    assert_int_equal(value(&read, "PV1", 44, 1).size, 0);
    assert_int_equal(value(&read, "ZZZ", 1, 1).size, 0);
    arena_close(read.arena);
}

/* Other separators, and segments that end in LF or CR LF. */
static void test_separators(void **state) {
    (void)state;
    static const char *const ends[] = {"\r", "\n", "\r\n"};
    for (int i = 0; i < 3; i++) {
        char bytes[256];
        int size = snprintf(
            bytes, sizeof bytes, "MSH#!*?@#HIS#A2200001####x##ADT!A01#M1#P#2.3%sPV1#1#I#ICU!101%s", ends[i], ends[i]);
        struct read read = take(bytes, (size_t)size);
        assert_true(read.good);
        assert_true(text_is(value(&read, "PV1", 3, 1), "ICU"));
        assert_true(text_is(value(&read, "PV1", 3, 2), "101"));
        arena_close(read.arena);
    }
}

static void test_charsets(void **state) {
    (void)state;
    static const char korean[] = "\xea\xb0\x95"; /* 강 */
    static const struct {
        const char *name, *bytes;
        const char *utf8; /* NULL: refused */
    } cases[] = {{"", "x", "x"}, {"ASCII", "x", "x"}, {"UNICODE UTF-8", "\xea\xb0\x95", korean},
        {"KS X 1001", "\xb0\xad", korean}, {"8859/1", "\xe9", "\xc3\xa9"}, {"", "\xea\xb0\x95", NULL},
        {"UNICODE UTF-8", "\xb0\xad", NULL}, {"KS X 1001", "\xb0", NULL}, {"BIG-5", "x", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[512];
        int size = snprintf(bytes, sizeof bytes, HEAD "||||||%s\rPV1|1|I|%s\r", cases[i].name, cases[i].bytes);
        struct read read = take(bytes, (size_t)size);
        assert_int_equal(read.good, cases[i].utf8 != NULL);
        if (read.good) {
            assert_true(text_is(value(&read, "PV1", 3, 1), cases[i].utf8));
        } else {
            assert_int_equal(read.problem.field, 18);
        }
        arena_close(read.arena);
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        enum hl7_error error;
    } cases[] = {
        {"", HL7_SEQUENCE},
        {"MSH", HL7_SEQUENCE},
        {"PID|^~\\&|", HL7_SEQUENCE},
        {"MSH||||||||", HL7_DATA},
        {"MSH|^^\\&|HIS", HL7_DATA},
        {"MSH|ABCD|HIS", HL7_DATA},
        {"MSH|^~\\&x|HIS", HL7_DATA},
        {HEAD "\rPV\r", HL7_SEQUENCE},
        {HEAD "\rpv1|1\r", HL7_SEQUENCE},
        {HEAD "\rPV1x1|I\r", HL7_SEQUENCE},
        {HEAD "\rPV1|a\\Q\\b\r", HL7_DATA},
        {HEAD "\rPV1|a\\Xzz\\b\r", HL7_DATA},
        {HEAD "\rPV1|a\\X00\\b\r", HL7_DATA},
        {HEAD "\rPV1|a\\F\r", HL7_DATA},
        {HEAD "\r" HEAD "\r", HL7_SEQUENCE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct read read = take(cases[i].bytes, strlen(cases[i].bytes));
        assert_false(read.good);
        assert_int_equal(read.problem.error, cases[i].error);
        struct text answer = hl7_acknowledge(read.message, &read.problem, NULL, 0, read.arena);
        assert_true(text_starts(answer, "MSH|^~\\&|"));
        assert_true(holds(answer, "\rERR||"));
        arena_close(read.arena);
    }
}

static void test_time(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {{"202611221200", INT64_C(1795316400000000)}, {"20261122120030", INT64_C(1795316430000000)},
        {"202611221200+0000", INT64_C(1795348800000000)}, {"20261122120000.1234-0130", INT64_C(1795354200000000)},
        {"20240229", -1}, {"202402291200", INT64_C(1709175600000000)}, {"202302291200", -1}, {"202613221200", -1},
        {"202611222400", -1}, {"2026112212", -1}, {"202611221200x", -1}, {"202611221200+09", -1}, {"", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 0;
        bool good = hl7_time(&us, text_from(cases[i].text), 540);
        assert_int_equal(good, cases[i].us >= 0);
        if (good) {
            assert_true(us == cases[i].us);
        }
    }
}

static void test_acknowledge(void **state) {
    (void)state;
    static const char bytes[] = "MSH|^~\\&|H\\F\\S|A2200001|SOYANG|GW|x||ADT^A01|M\\T\\1|P|2.5\r";
    struct read read = take(bytes, sizeof bytes - 1);
    assert_true(read.good);
    struct text answer = hl7_acknowledge(read.message, &read.problem, "a|b", 0, read.arena);
    static const char wanted[] = "|SOYANG|GW|H\\F\\S|A2200001|19700101000000+0000||ACK^A01^ACK|";
    assert_true(holds(answer, wanted));
    assert_true(holds(answer, "\rMSA|AA|M\\T\\1|a\\F\\b\r"));
    (void)hl7_refuse(&read.problem, HL7_UNKNOWN_KEY, "PV1", 1, 3, "why");
    answer = hl7_acknowledge(read.message, &read.problem, NULL, 0, read.arena);
    assert_true(holds(answer, "\rMSA|AE|M\\T\\1\rERR||PV1^1^3|204^^HL70357|E||||why\r"));
    arena_close(read.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_separators),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_acknowledge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
