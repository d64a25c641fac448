/* What the region's second reader finds in a patient's facts. */
#include "referral/referral.h"
#include "unit/cmocka_all.h"

static struct arena *arena;
static struct scope scope;

static int open_arena(void **state) {
    (void)state;
    arena = arena_open(16 << 20);
    scope = (struct scope){.arena = arena};
    return arena == NULL;
}

static int close_arena(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static void put(struct triage_facts *facts, enum triage_measure measure, double value) {
    assert_int_equal(triage_facts_put(facts, measure, value, (struct text){0}, TEXT("x"), 0, &scope), STATUS_OK);
}

static struct triage_facts *adult(double pulse, double systolic) {
    struct triage_facts *facts = triage_facts_new(arena);
    assert_int_equal(triage_facts_put_age(facts, 70 * 12, TEXT("age"), &scope), STATUS_OK);
    put(facts, TRIAGE_PULSE, pulse);
    put(facts, TRIAGE_SYSTOLIC, systolic);
    put(facts, TRIAGE_RESPIRATION, 16);
    put(facts, TRIAGE_TEMPERATURE, 37);
    facts->mind = TRIAGE_ALERT;
    return facts;
}

/* Two tests, both of condition 0, and one that this program cannot read. */
static const struct region_readings readings = {
    .tests = {{.id = "mews-4", .of = 1, .from_months = 192, .done = 1}, {.id = "crystal-ball", .of = 1, .done = 1},
        {.id = "systolic-180", .of = 1, .done = 1}},
    .test_count = 3,
};

static struct region_seen observed(const struct triage_facts *facts, int condition) {
    struct region_seen seen = {.condition = condition, .level = 2, .age_months = 70 * 12};
    referral_observe(&seen, &readings, facts);
    return seen;
}

static void complete_vital_signs_are_both_tests(void **state) {
    (void)state;
    struct region_seen seen = observed(adult(80, 120), 0);
    assert_int_equal(seen.done, 5);
    assert_int_equal(seen.positive, 0);
    seen = observed(adult(135, 79), 0); /* MEWS 3 + 2 */
    assert_int_equal(seen.positive, 1);
    seen = observed(adult(125, 101), 0); /* MEWS 2 */
    assert_int_equal(seen.positive, 0);
}

static void the_pressure_counts_from_180(void **state) {
    (void)state;
    assert_int_equal(observed(adult(80, 179), 0).positive, 0);
    assert_int_equal(observed(adult(80, 180), 0).positive, 4);
}

static void what_is_missing_or_not_due_is_no_test(void **state) {
    (void)state;
    struct triage_facts *facts = adult(135, 79);
    facts->values[TRIAGE_TEMPERATURE].known = false;
    struct region_seen seen = observed(facts, 0);
    assert_int_equal(seen.done, 4);
    assert_int_equal(seen.positive, 0);
    seen = observed(adult(135, 79), 1); /* another condition is read */
    assert_int_equal(seen.done, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(complete_vital_signs_are_both_tests, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_pressure_counts_from_180, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_is_missing_or_not_due_is_no_test, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
