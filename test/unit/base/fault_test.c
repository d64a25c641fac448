/* Faults: said once, bounded, and always readable. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <string.h>

static int open_arena(void **state) {
    *state = arena_open(1 << 20);
    return *state == NULL;
}

static int close_arena(void **state) {
    arena_close(*state);
    return 0;
}

static void every_status_has_a_name(void **state) {
    (void)state;
    for (int status = STATUS_OK; status <= STATUS_STORAGE_FULL; status++) {
        assert_true(strlen(status_name((enum status)status)) > 1);
    }
    assert_string_equal(status_name(STATUS_NOT_FOUND), "not-found");
    assert_string_equal(status_name(STATUS_STORAGE_FULL), "storage-full");
}

static void texts_and_paths_are_copied(void **state) {
    struct scope scope = {.arena = *state};
    char path[] = "Patient.name[0]";
    assert_int_equal(fault(&scope, STATUS_INVALID, path, "%s %d", "element", 7), STATUS_INVALID);
    assert_int_equal(fault_coded(&scope, STATUS_CONFLICT, "duplicate", NULL, "twice"), STATUS_CONFLICT);
    path[0] = 'X';
    assert_string_equal(scope.fault.first->path, "Patient.name[0]");
    assert_string_equal(scope.fault.first->text, "element 7");
    assert_null(scope.fault.first->code);
    assert_string_equal(scope.fault.last->code, "duplicate");
    assert_string_equal(scope.fault.last->path, "");
    assert_ptr_equal(scope.fault.first->next, scope.fault.last);
}

static void further_issues_are_counted_not_kept(void **state) {
    struct scope scope = {.arena = *state}, other = {.arena = *state};
    for (int i = 0; i < 40; i++) {
        fault(&scope, STATUS_INVALID, "", "%d", i);
    }
    assert_int_equal(scope.fault.count, 40);
    assert_string_equal(scope.fault.last->text, "31");
    fault(&other, STATUS_INVALID, "", "own");
    fault_carry(&other, &scope.fault);
    assert_int_equal(other.fault.count, 41);
    assert_string_equal(other.fault.last->text, "30");
}

static void long_texts_are_cut_between_characters(void **state) {
    struct scope scope = {.arena = *state};
    char korean[3 * 1000 + 1];
    for (size_t i = 0; i < 1000; i++) {
        memcpy(korean + 3 * i, "가", 3);
    }
    korean[3000] = '\0';
    fault(&scope, STATUS_INVALID, "", "%s", korean);
    struct text said = text_from(scope.fault.first->text);
    assert_true(said.size > 1000 && said.size < 1024);
    assert_true(text_is_utf8(said));
}

static void deadlines_pass(void **state) {
    struct scope scope = {.arena = *state};
    assert_int_equal(scope_check_deadline(&scope), STATUS_OK);
    scope.deadline_us = clock_monotonic_us() + 60000000;
    assert_int_equal(scope_check_deadline(&scope), STATUS_OK);
    scope.deadline_us = clock_monotonic_us();
    assert_int_equal(scope_check_deadline(&scope), STATUS_TOO_COSTLY);
    assert_int_equal(scope.fault.count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test_setup_teardown(texts_and_paths_are_copied, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(further_issues_are_counted_not_kept, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(long_texts_are_cut_between_characters, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(deadlines_pass, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
