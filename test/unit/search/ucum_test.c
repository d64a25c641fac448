#include <math.h>
#include <string.h>

#include "search/ucum.h"
#include "unit/cmocka_all.h"

static double converted(const char *decimal, const char *unit, const char *canonical) {
    struct ucum_conversion conversion;
    assert_true(ucum_conversion_find(&conversion, text_from(unit)));
    assert_string_equal(conversion.canonical, canonical);
    return ucum_convert(&conversion, text_from(decimal));
}

static void test_powers_of_ten_are_exact(void **state) {
    (void)state;
    assert_true(converted("1.85", "m", "cm") == 185);
    assert_true(converted("1850", "mm", "cm") == 185);
    assert_true(converted("18.5e1", "cm", "cm") == 185);
    assert_true(converted("0.1", "kg", "kg") == 0.1);
    assert_true(converted("100", "g", "kg") == 0.1);
    assert_true(converted("5.4", "mmol/L", "mmol/L") == 5.4);
    assert_true(converted("5400", "umol/L", "mmol/L") == 5.4);
    assert_true(converted("13.5", "g/dL", "mg/dL") == 13500);
    assert_true(converted("-1.5E+2", "mL", "mL") == -150);
    assert_true(converted("7.2", "10*9/L", "10*3/uL") == 7.2);
    assert_true(converted("7200", "/uL", "10*3/uL") == 7.2);
}

static void test_factors(void **state) {
    (void)state;
    static const struct {
        const char *decimal, *unit, *canonical;
        double expected;
    } rows[] = {
        {"1", "[lb_av]", "kg", 0.45359237},
        {"72", "[in_i]", "cm", 182.88},
        {"16", "kPa", "mm[Hg]", 120.0102},
        {"10", "cm[H2O]", "mm[Hg]", 7.3556},
        {"98.6", "[degF]", "Cel", 37},
        {"310.15", "K", "Cel", 37},
        {"1", "h", "s", 3600},
        {"2", "wk", "s", 1209600},
        {"1", "a", "s", 31557600},
        {"60", "{beats}/min", "/min", 60},
        {"1", "Hz", "/min", 60},
        {"0.5", "L/min", "mL/min", 500},
        {"22.5", "kg/m2", "kg/m2", 22.5},
        {"1", "10*-2", "%", 1},
        {"40", "%", "%", 40},
        {"1", "ug/mL", "mg/dL", 0.1},
        {"1", "U/mL", "U/L", 1000},
        {"1", "m[iU]/L", "[iU]/L", 0.001},
        {"80", "mL/min/{1.73_m2}", "mL/min", 80},
        {"1", "g/(8.h)", "=000000000000ff00.0000000000000000", 1.0 / 28800},
        {"3", "kg.m/s2", "=000000000000fe01.0000000000000000", 3000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = converted(rows[i].decimal, rows[i].unit, rows[i].canonical);
        if (fabs(value - rows[i].expected) > fabs(rows[i].expected) * 1e-4) {
            fail_msg("%s %s: %.9g, expected %.9g", rows[i].decimal, rows[i].unit, value, rows[i].expected);
        }
    }
}

/* A canonical unit spelled another way must come out the same: checks the table of preferred units against the reader. */
static void test_preferred_units_are_what_they_say(void **state) {
    (void)state;
    static const char *const spelled[][2] = {{"{x}.kg", "kg"}, {"cm{x}", "cm"}, {"mm[Hg]{x}", "mm[Hg]"},
        {"mg/dL{x}", "mg/dL"}, {"mmol/L{x}", "mmol/L"}, {"/min{x}", "/min"}, {"%{x}", "%"}, {"10*3/uL{x}", "10*3/uL"},
        {"mL{x}", "mL"}, {"kg/m2{x}", "kg/m2"}, {"U/L{x}", "U/L"}, {"[iU]/L{x}", "[iU]/L"}, {"mL/min{x}", "mL/min"},
        {"m2{x}", "m2"}, {"s{x}", "s"}, {"mol{x}", "mol"}, {"[iU]{x}", "[iU]"}, {"mV{x}", "mV"}, {"Cel{x}", "Cel"}};
    for (size_t i = 0; i < sizeof spelled / sizeof spelled[0]; i++) {
        double value = converted("1.5", spelled[i][0], spelled[i][1]);
        if (fabs(value - 1.5) > 1e-12) {
            fail_msg("%s is %.17g of itself", spelled[i][1], value / 1.5);
        }
    }
}

static void test_what_has_no_other_unit(void **state) {
    (void)state;
    static const char *const units[] = {"", "{score}", "1", "[pH]", "mmHg", "furlong", "kg/", "/", "kg..m", "m[", "kg)",
        "(kg", "10*", "0.kg", "mmm", "kg-", "a+b", "(((((((((kg)))))))))", "kg31", "{", "days", "[arb'U]"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct ucum_conversion conversion;
        bool is_number = strcmp(units[i], "10*") == 0; /* ten: a number with an atom */
        if (ucum_conversion_find(&conversion, text_from(units[i])) != is_number) {
            fail_msg("%s", units[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_powers_of_ten_are_exact), cmocka_unit_test(test_factors),
        cmocka_unit_test(test_preferred_units_are_what_they_say), cmocka_unit_test(test_what_has_no_other_unit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
