/* Units, ranges and contradictions: corrected with a note, or refused with the path; never a quiet number. */
#include "triage/triage.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after what it needs */

enum { ARENA_BYTES = 64 << 20, LINE_BYTES = 512 };

static struct scope scope;

static int open_scope(void **state) {
    (void)state;
    scope = (struct scope){.arena = arena_open(ARENA_BYTES)};
    return 0;
}
static int close_scope(void **state) {
    (void)state;
    arena_close(scope.arena);
    return 0;
}

static enum triage_measure measure_of(const char *code) {
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        if (strcmp(triage_measure_code((enum triage_measure)i), code) == 0)
            return (enum triage_measure)i;
    }
    fail_msg("no measure %s", code);
    return TRIAGE_GCS;
}

static void check_line(char *line) {
    char *measure = strsep(&line, "\t"), *value = strsep(&line, "\t"), *unit = strsep(&line, "\t"),
         *outcome = strsep(&line, "\t"), *code = line;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    enum triage_measure which = measure_of(measure);
    scope.fault = (struct fault){0};
    enum status status = triage_facts_put(
        facts, which, strtod(value, NULL), text_from(unit), TEXT("Observation/x.valueQuantity"), 0, &scope);
    if (strcmp(outcome, "refused") == 0) {
        if (status != STATUS_UNPROCESSABLE || facts->values[which].known)
            fail_msg("%s %s %s: should be refused", measure, value, unit);
        assert_string_equal(scope.fault.first->path, "Observation/x.valueQuantity");
        return;
    }
    if (status != STATUS_OK || fabs(facts->values[which].value - strtod(outcome, NULL)) > 0.001)
        fail_msg("%s %s %s: expected %s got %g", measure, value, unit, outcome, facts->values[which].value);
    assert_int_equal(facts->note_count, code[0] ? 1 : 0);
    if (code[0])
        assert_string_equal(facts->notes[0].code, code);
}

static void test_values(void **state) {
    (void)state;
    char line[LINE_BYTES];
    FILE *file = fopen("test/cases/triage/values.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#' && strncmp(line, "measure\t", 8) != 0)
            check_line(line);
    }
    fclose(file);
}

static void put(struct triage_facts *facts, enum triage_measure measure, double value) {
    assert_int_equal(triage_facts_put(facts, measure, value, (struct text){0}, TEXT("x"), 0, &scope), STATUS_OK);
}

static void test_exchanged_pressures(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    put(facts, TRIAGE_SYSTOLIC, 70);
    put(facts, TRIAGE_DIASTOLIC, 130);
    assert_int_equal(triage_facts_check(facts, &scope), STATUS_OK);
    assert_int_equal((int)facts->values[TRIAGE_SYSTOLIC].value, 130);
    assert_int_equal((int)facts->values[TRIAGE_DIASTOLIC].value, 70);
    assert_string_equal(facts->notes[0].code, "swapped");
}

/* Of one moment the last stands, and the other is told; the same value twice is no news. */
static void test_two_values_of_one_moment(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    put(facts, TRIAGE_PULSE, 80);
    put(facts, TRIAGE_PULSE, 80);
    assert_int_equal(facts->note_count, 0);
    put(facts, TRIAGE_PULSE, 120);
    assert_int_equal((int)facts->values[TRIAGE_PULSE].value, 120);
    assert_int_equal(facts->note_count, 1);
    assert_string_equal(facts->notes[0].code, "not-used");
    assert_string_equal(text_string(scope.arena, facts->notes[0].en),
        "there are two values of heart rate without a time: 120 was used, 80 was not");
    assert_int_equal(
        triage_facts_put(facts, TRIAGE_PULSE, 90, (struct text){0}, TEXT("x"), 5, &scope), STATUS_OK); /* later */
    assert_int_equal(facts->note_count, 1);
}

static void test_age(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    scope.fault = (struct fault){0};
    assert_int_equal(triage_facts_put_age(facts, 200 * 12, TEXT("Patient/p.birthDate"), &scope), STATUS_UNPROCESSABLE);
    assert_string_equal(scope.fault.first->path, "Patient/p.birthDate");
    assert_int_equal(triage_facts_put_age(facts, -1, TEXT("Patient/p.birthDate"), &scope), STATUS_UNPROCESSABLE);
    assert_int_equal(facts->age_months, -1);
    assert_int_equal(triage_facts_put_age(facts, 0, TEXT("Patient/p.birthDate"), &scope), STATUS_OK);
}

static void test_human_level(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    assert_int_equal(triage_facts_put_human_level(facts, 0, TEXT("ktas"), TEXT("x"), &scope), STATUS_UNPROCESSABLE);
    assert_int_equal(triage_facts_put_human_level(facts, 6, TEXT("ktas"), TEXT("x"), &scope), STATUS_UNPROCESSABLE);
    assert_int_equal(facts->human_level, 0);
    assert_int_equal(triage_facts_put_human_level(facts, 5, TEXT("ktas"), TEXT("x"), &scope), STATUS_OK);
}

static void test_nothing_known(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    struct triage_text history = {.kind = TRIAGE_TEXT_HISTORY, .text = TEXT("hypertension"), .path = TEXT("x")};
    assert_int_equal(triage_facts_put_text(facts, history, &scope), STATUS_OK);
    assert_int_equal(triage_facts_check(facts, &scope), STATUS_UNPROCESSABLE);
}

static void test_gcs_and_mind(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    put(facts, TRIAGE_GCS, 12);
    assert_int_equal(triage_facts_check(facts, &scope), STATUS_OK);
    assert_int_equal(facts->mind, TRIAGE_VOICE);
    assert_string_equal(facts->notes[0].code, "derived");
    facts = triage_facts_new(scope.arena);
    put(facts, TRIAGE_GCS, 15);
    facts->mind = TRIAGE_UNRESPONSIVE;
    assert_int_equal(triage_facts_check(facts, &scope), STATUS_OK);
    assert_string_equal(facts->notes[0].code, "doubtful");
}

static void test_the_later_value_wins(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    assert_int_equal(triage_facts_put(facts, TRIAGE_PULSE, 90, (struct text){0}, TEXT("b"), 200, &scope), STATUS_OK);
    assert_int_equal(triage_facts_put(facts, TRIAGE_PULSE, 70, (struct text){0}, TEXT("a"), 100, &scope), STATUS_OK);
    assert_int_equal((int)facts->values[TRIAGE_PULSE].value, 90);
}

static void test_texts_are_bounded(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    enum { LONG = 100000 };
    char *words = arena_alloc(scope.arena, LONG);
    for (int i = 0; i + 3 <= LONG; i += 3)
        memcpy(words + i, "\xEC\x97\xB4", 3);
    struct triage_text text = {.kind = TRIAGE_TEXT_COMPLAINT, .text = {words, LONG - LONG % 3}, .path = TEXT("x")};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(triage_facts_put_text(facts, text, &scope), STATUS_OK);
    size_t size = 0;
    for (size_t i = 0; i < facts->text_count; i++) {
        assert_true(text_is_utf8(facts->texts[i].text));
        size += facts->texts[i].text.size;
    }
    assert_true(size <= 64000 && facts->text_count <= TRIAGE_TEXTS_MAX && facts->note_count <= TRIAGE_NOTES_MAX);
    text.text = TEXT("\xFF\xFE");
    facts = triage_facts_new(scope.arena);
    assert_int_equal(triage_facts_put_text(facts, text, &scope), STATUS_UNPROCESSABLE);
}

static void test_text_is_composed(void **state) {
    (void)state;
    struct triage_facts *facts = triage_facts_new(scope.arena);
    struct triage_text text = {
        .text = TEXT("\xE1\x84\x8B\xE1\x85\xA7\xE1\x86\xAF"), .path = TEXT("x")}; /* 열, decomposed */
    assert_int_equal(triage_facts_put_text(facts, text, &scope), STATUS_OK);
    assert_true(text_is(facts->texts[0].text, "\xEC\x97\xB4"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_exchanged_pressures),
        cmocka_unit_test(test_two_values_of_one_moment),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_human_level),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_gcs_and_mind),
        cmocka_unit_test(test_the_later_value_wins),
        cmocka_unit_test(test_texts_are_bounded),
        cmocka_unit_test(test_text_is_composed),
    };
    return cmocka_run_group_tests(tests, open_scope, close_scope);
}
