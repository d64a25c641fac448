/* Dates, decimals, references and primitives, from test/cases/fhir, in three time zones of the process. */
#include "fhir/fhir.h"
#include "unit/fhir/case_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fixture {
    struct arena *arena;
    struct scope scope;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->arena = arena_open(64 << 20);
    fixture->scope.arena = fixture->arena;
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    arena_close(fixture->arena);
    free(fixture);
    return 0;
}

static void intervals(void **state) {
    struct fixture *fixture = *state;
    static const char *const zones[] = {"Asia/Seoul", "America/New_York", "UTC"};
    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
        setenv("TZ", zones[z], 1);
        tzset();
        struct case_file file = case_file_open("test/cases/fhir/intervals.tsv", &fixture->scope);
        while (case_file_next(&file)) {
            int64_t zone, start, end;
            struct fhir_interval interval;
            assert_true(text_to_int64(&zone, file.field[1]));
            bool is_read = fhir_interval_parse(&interval, file.field[0], (int)zone);
            if (text_is(file.field[2], "refused")) {
                assert_case(&file, !is_read);
                continue;
            }
            assert_case(&file, is_read);
            assert_case(&file, time_parse(&start, file.field[2]) && interval.start_us == start);
            assert_case(&file, time_parse(&end, file.field[3]) && interval.end_us == end);
        }
    }
}

/* Every day from 1600 to 2400 follows the one before, by a count that knows nothing of the formula. */
static void days_follow_days(void **state) {
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected = -135140 * INT64_C(86400000000); /* 1600-01-01 */
    for (int year = 1600; year < 2400; year++) {
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int days = lengths[month - 1] + (month == 2 && is_leap);
            for (int day = 1; day <= days; day++) {
                char text[40];
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                struct fhir_interval interval;
                assert_true(fhir_interval_parse(&interval, text_from(text), 0));
                assert_true(interval.start_us == expected);
                expected += INT64_C(86400000000);
                assert_true(interval.end_us == expected);
            }
        }
    }
}

static void periods(void **state) {
    struct fixture *fixture = *state;
    const int64_t day = INT64_C(86400000000);
    const struct {
        const char *json;
        bool is_read;
        int64_t start, end;
    } cases[] = {
        {"{\"start\":\"1970-01-02\",\"end\":\"1970-01-03\"}", true, day, 3 * day},
        {"{\"start\":\"1970-01-02\"}", true, day, INT64_MAX},
        {"{\"end\":\"1970-01-02\"}", true, INT64_MIN, 2 * day},
        {"{\"id\":\"x\"}", false, 0, 0},
        {"{\"start\":\"x\"}", false, 0, 0},
        {"{\"start\":\"1970-01-02\",\"end\":\"x\"}", false, 0, 0},
        {"{\"event\":[\"1970-01-05\",\"1970-01-02\",\"1970-01-03\"]}", true, day, 5 * day},
        {"{\"repeat\":{\"boundsPeriod\":{\"start\":\"1970-01-02\"}}}", true, day, INT64_MAX},
        {"{\"event\":[\"1970-01-01\"],\"repeat\":{\"boundsPeriod\":{\"start\":\"1970-01-02\",\"end\":\"1970-01-02\"}}}",
            true, 0, 2 * day},
        {"{\"repeat\":{\"boundsDuration\":{\"value\":1}}}", false, 0, 0},
        {"{\"event\":[]}", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yyjson_doc *document;
        struct fhir_interval interval;
        assert_int_equal(json_read(&document, text_from(cases[i].json), &fixture->scope), STATUS_OK);
        assert_int_equal(fhir_interval_of_period(&interval, yyjson_doc_get_root(document), 0), cases[i].is_read);
        assert_true(!cases[i].is_read || (interval.start_us == cases[i].start && interval.end_us == cases[i].end));
    }
    struct fhir_interval interval;
    assert_false(fhir_interval_of_period(&interval, NULL, 0));
}

static void decimals_keep_their_order(void **state) {
    struct fixture *fixture = *state;
    struct case_file file = case_file_open("test/cases/fhir/decimal-order.tsv", &fixture->scope);
    uint8_t last[FHIR_DECIMAL_KEY_SIZE] = {0};
    int lines = 0;
    for (; case_file_next(&file); lines++) {
        uint8_t first[FHIR_DECIMAL_KEY_SIZE], key[FHIR_DECIMAL_KEY_SIZE];
        assert_case(&file, fhir_decimal_key(first, file.field[0]));
        assert_case(&file, lines == 0 || memcmp(last, first, sizeof first) < 0);
        for (int i = 1; i < file.field_count; i++) {
            assert_case(&file, fhir_decimal_key(key, file.field[i]) && memcmp(key, first, sizeof key) == 0);
        }
        memcpy(last, first, sizeof last);
    }
    assert_true(lines > 30);
}

static void decimal_ranges(void **state) {
    struct fixture *fixture = *state;
    struct case_file file = case_file_open("test/cases/fhir/decimal-ranges.tsv", &fixture->scope);
    while (case_file_next(&file)) {
        struct fhir_decimal_range range;
        uint8_t key[FHIR_DECIMAL_KEY_SIZE];
        bool is_read = fhir_decimal_range(&range, file.field[0]);
        assert_case(&file, is_read == fhir_decimal_key(key, file.field[0]));
        if (text_is(file.field[1], "refused")) {
            assert_case(&file, !is_read);
            continue;
        }
        double low = 0, high = 0;
        assert_case(&file, is_read && text_to_double(&low, file.field[1]) && text_to_double(&high, file.field[2]));
        assert_case(&file, range.low == low && range.high == high);
    }
}

static bool is_field(struct text field, struct text value) {
    return text_is(field, "-") ? value.size == 0 : text_equal(field, value);
}

static void references(void **state) {
    static const char *const kinds[] = {[FHIR_REFERENCE_LOCAL] = "local",
        [FHIR_REFERENCE_ABSOLUTE] = "absolute",
        [FHIR_REFERENCE_FRAGMENT] = "fragment",
        [FHIR_REFERENCE_URN] = "urn",
        [FHIR_REFERENCE_CONDITIONAL] = "conditional"};
    struct fixture *fixture = *state;
    struct case_file file = case_file_open("test/cases/fhir/references.tsv", &fixture->scope);
    while (case_file_next(&file)) {
        struct fhir_reference reference;
        bool is_read = fhir_reference_parse(&reference, file.field[0], file.field[1]);
        if (text_is(file.field[2], "refused")) {
            assert_case(&file, !is_read);
            continue;
        }
        assert_case(&file, is_read);
        assert_case(&file, text_is(file.field[2], kinds[reference.kind]));
        assert_case(&file, is_field(file.field[3], text_from(fhir_type_name(reference.type))));
        assert_case(&file, is_field(file.field[4], reference.id));
        assert_case(&file, is_field(file.field[5], reference.version));
        assert_case(&file, is_field(file.field[6], reference.query));
    }
}

static struct text unescaped(struct text field, struct arena *arena) {
    struct buffer buffer = buffer_open(arena, 4096);
    for (size_t i = 0; i < field.size; i++) {
        if (field.at[i] != '\\') {
            buffer_put_char(&buffer, field.at[i]);
        } else if (field.at[++i] == 'x') {
            buffer_put_char(&buffer, '\x01');
            i += 2;
        } else {
            buffer_put_char(&buffer, field.at[i] == 'n' ? '\n' : '\t');
        }
    }
    return buffer_text(&buffer);
}

static void primitives(void **state) {
    struct fixture *fixture = *state;
    struct case_file file = case_file_open("test/cases/fhir/primitives.tsv", &fixture->scope);
    while (case_file_next(&file)) {
        fhir_type type = fhir_type_find(file.field[0]);
        assert_case(&file, type != FHIR_TYPE_NONE);
        bool is_valid = fhir_primitive_is_valid(type, unescaped(file.field[2], fixture->arena));
        if (is_valid != text_is(file.field[1], "valid")) {
            fail_msg("line %d of primitives.tsv: %d", file.line, is_valid);
        }
    }
    struct text long_text = {arena_alloc(fixture->arena, 1048577), 1048577};
    memset((char *)long_text.at, 'a', long_text.size);
    fhir_type string = fhir_type_find(TEXT("string"));
    assert_false(fhir_primitive_is_valid(string, long_text));
    long_text.size--;
    assert_true(fhir_primitive_is_valid(string, long_text));
    assert_false(fhir_primitive_is_valid(fhir_type_find(TEXT("HumanName")), TEXT("a")));
    assert_false(fhir_primitive_is_valid(FHIR_TYPE_NONE, TEXT("a")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals),
        cmocka_unit_test(days_follow_days),
        cmocka_unit_test(periods),
        cmocka_unit_test(decimals_keep_their_order),
        cmocka_unit_test(decimal_ranges),
        cmocka_unit_test(references),
        cmocka_unit_test(primitives),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
