/* Exact decimals, partial moments, units: the parts that FHIRPath's numbers stand on. */
#include "fhirpath/decimal.h"
#include "fhirpath/fhirpath.h"
#include "fhirpath/moment.h"
#include "fhirpath/unit.h"
#include "unit/cmocka_all.h"

#include <math.h>
#include <string.h>

static struct decimal decimal(const char *text) {
    struct decimal value;
    assert_true(decimal_parse(&value, text_from(text)));
    return value;
}

static void assert_decimal(struct decimal actual, const char *expected) {
    struct arena *arena = arena_open(1 << 16);
    struct text text = decimal_format(arena, actual);
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.at, expected, text.size);
    arena_close(arena);
}

static void decimals_keep_their_digits(void **state) {
    static const char *const written[] = {"0", "1.00", "-0.5", "120", "0.000000000000000000000001",
        "9999999999999999999999999999999999999", "-12345678901234567890.123"};
    struct decimal value;
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        assert_decimal(decimal(written[i]), written[i]);
    }
    assert_decimal(decimal("1.5e3"), "1500");
    assert_decimal(decimal("15e-1"), "1.5");
    assert_decimal(decimal("+7"), "7");
    assert_false(decimal_parse(&value, TEXT("")));
    assert_false(decimal_parse(&value, TEXT(".5")));
    assert_false(decimal_parse(&value, TEXT("5.")));
    assert_false(decimal_parse(&value, TEXT("1e")));
    assert_false(decimal_parse(&value, TEXT("1 ")));
    assert_false(decimal_parse(&value, TEXT("12345678901234567890123456789012345678"))); /* 38 digits */
}

static void decimals_are_exact(void **state) {
    struct decimal result;
    (void)state;
    assert_true(decimal_add(&result, decimal("0.1"), decimal("0.2")));
    assert_decimal(result, "0.3");
    assert_true(decimal_multiply(&result, decimal("1.1"), decimal("1.10")));
    assert_decimal(result, "1.210");
    assert_true(decimal_divide(&result, decimal("1"), decimal("8")));
    assert_decimal(result, "0.125");
    assert_true(decimal_divide(&result, decimal("-2"), decimal("3")));
    assert_decimal(result, "-0.6666666666666667");
    assert_false(decimal_divide(&result, decimal("1"), decimal("0.00")));
    assert_false(decimal_multiply(&result, decimal("9999999999999999999"), decimal("9999999999999999999")));
    assert_int_equal(decimal_compare(decimal("1.0"), decimal("1.000")), 0);
    assert_int_equal(decimal_compare(decimal("-1"), decimal("0.5")), -1);
    assert_int_equal(
        decimal_compare(decimal("1000000000000000000000000000000"), decimal("0.0000000000000000000001")), 1);
}

static void rounding(void **state) {
    static const struct {
        const char *value;
        int scale;
        const char *half_away, *floor, *ceiling, *toward_zero;
    } rows[] = {
        {"2.5", 0, "3", "2", "3", "2"},
        {"-2.5", 0, "-3", "-3", "-2", "-2"},
        {"1.2345", 2, "1.23", "1.23", "1.24", "1.23"},
        {"-0.001", 1, "0.0", "-0.1", "0.0", "0.0"},
        {"5", 2, "5.00", "5.00", "5.00", "5.00"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *expected[] = {rows[i].half_away, rows[i].floor, rows[i].ceiling, rows[i].toward_zero};
        for (int mode = DECIMAL_HALF_AWAY; mode <= DECIMAL_TOWARD_ZERO; mode++) {
            struct decimal result;
            assert_true(decimal_round(&result, decimal(rows[i].value), rows[i].scale, (enum decimal_rounding)mode));
            assert_decimal(result, expected[mode]);
        }
    }
}

/* Every day of 400 years forward by one: the calendar has no gap and no day twice. */
static void every_day_follows(void **state) {
    struct moment day, next;
    int days = 0;
    (void)state;
    assert_true(moment_parse(&day, TEXT("1900-01-01"), MOMENT_DATE));
    while (day.part[MOMENT_YEAR] < 2300) {
        assert_true(moment_add(&next, &day, 1, MOMENT_UNIT_DAY, 0));
        assert_int_equal(moment_compare(&day, &next), ORDER_LESS);
        assert_true(moment_add(&day, &next, -1, MOMENT_UNIT_DAY, 0));
        assert_true(moment_add(&day, &day, 1, MOMENT_UNIT_DAY, 0));
        assert_int_equal(moment_compare(&day, &next), ORDER_EQUAL);
        days++;
    }
    assert_int_equal(days, 146097); /* 400 Gregorian years */
}

static void moments_out_of_the_calendar(void **state) {
    static const struct {
        const char *text;
        enum moment_kind kind;
    } wrong[] = {{"2021-02-29", MOMENT_DATE}, {"2020-00", MOMENT_DATE}, {"0000", MOMENT_DATE}, {"2020-1", MOMENT_DATE},
        {"2020-01-01T", MOMENT_DATETIME}, {"2020-01-01T24", MOMENT_DATETIME}, {"2020-01-01T10:60", MOMENT_DATETIME},
        {"2020-01-01T10:00+15:00", MOMENT_DATETIME}, {"2020-01-01T10:00Zx", MOMENT_DATETIME}, {"10:00Z", MOMENT_TIME},
        {"1:00", MOMENT_TIME}, {"", MOMENT_TIME}};
    struct moment moment;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (moment_parse(&moment, text_from(wrong[i].text), wrong[i].kind)) {
            fail_msg("%s was read", wrong[i].text);
        }
    }
}

static void the_clock_becomes_a_moment(void **state) {
    struct arena *arena = arena_open(1 << 16);
    struct moment moment = moment_from_clock(MOMENT_DATETIME, INT64_C(1795316645678901), 540);
    (void)state;
    assert_string_equal(text_string(arena, moment_format(arena, &moment)), "2026-11-22T12:04:05.678+09:00");
    moment = moment_from_clock(MOMENT_DATE, -1, 0);
    assert_string_equal(text_string(arena, moment_format(arena, &moment)), "1969-12-31");
    arena_close(arena);
}

/* Conversions by hand from UCUM 2.1's definitions. */
static void units_convert(void **state) {
    static const struct {
        const char *value, *from, *to, *result;
    } rows[] = {
        {"1", "kg", "g", "1000"},
        {"1", "[lb_av]", "g", "453.59237"},
        {"1", "[in_i]", "cm", "2.54"},
        {"5", "mmol/L", "mol/m3", "5"},
        {"90", "mg/dL", "g/L", "0.9"},
        {"37", "Cel", "K", "310.15"},
        {"212", "[degF]", "Cel", "100"},
        {"1", "h", "min", "60"},
        {"1", "wk", "d", "7"},
        {"2", "10*3/uL", "10*9/L", "2"},
        {"60", "/min", "Hz", "1"},
        {"1", "mm[Hg]", "Pa", "133.322"},
        {"100", "%", "1", "1"},
        {"7", "{score}", "1", "7"},
        {"1", "mL/min/{1.73_m2}", "mL/min", "1"},
        {"1", "L/(min.m2)", "mL/min/m2", "1000"},
        {"3", "m[IU]/L", "u[iU]/mL", "3"},
        {"2", "[arb'U]/mL", "[arb'U]/L", "2000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quantity from = {decimal(rows[i].value), text_from(rows[i].from)};
        struct decimal result;
        if (!quantity_convert(&result, &from, text_from(rows[i].to))) {
            fail_msg("%s does not become %s", rows[i].from, rows[i].to);
        }
        if (decimal_compare(result, decimal(rows[i].result)) != 0) {
            fail_msg("%s %s in %s", rows[i].value, rows[i].from, rows[i].to);
        }
    }
}

static void units_that_are_none(void **state) {
    static const char *const wrong[] = {
        "", "foo", "m//s", "m.", "(m", "m)", "{a", "m^2", "kg m", "[", "k[in_i]", "m[arb'U]", "m1000000000", "kkg"};
    struct unit unit;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (unit_parse(&unit, text_from(wrong[i]))) {
            fail_msg("%s was read", wrong[i]);
        }
    }
}

static void canonical_quantities(void **state) {
    static const struct {
        const char *number, *code, *unit;
        double value;
    } rows[] = {{"5", "mg/dL", "m-3.g", 50}, {"0.05", "g/L", "m-3.g", 50}, {"1", "mmol/L", "m-3.mol", 1},
        {"120", "mm[Hg]", "m-1.s-2.g", 120 * 133322.0}, {"72", "/min", "s-1", 1.2}, {"7", "1", "1", 7},
        {"37.0", "Cel", "K", 310.15}};
    struct scope scope = {.arena = arena_open(1 << 16)};
    double value;
    struct text unit;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(
            fhirpath_canonical_quantity(&value, &unit, text_from(rows[i].number), text_from(rows[i].code), &scope));
        assert_string_equal(text_string(scope.arena, unit), rows[i].unit);
        assert_true(fabs(value - rows[i].value) < 1e-9 * rows[i].value);
    }
    assert_false(fhirpath_canonical_quantity(&value, &unit, TEXT("1"), TEXT("month"), &scope));
    assert_false(fhirpath_canonical_quantity(&value, &unit, TEXT("x"), TEXT("m"), &scope));
    arena_close(scope.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_keep_their_digits),
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(rounding),
        cmocka_unit_test(every_day_follows),
        cmocka_unit_test(moments_out_of_the_calendar),
        cmocka_unit_test(the_clock_becomes_a_moment),
        cmocka_unit_test(units_convert),
        cmocka_unit_test(units_that_are_none),
        cmocka_unit_test(canonical_quantities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
