/* Arenas and units of work: alignment, growth, limits, and in which order things close. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <string.h>

/* Under AddressSanitizer malloc must fail as the system's does, and not end the test. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

static void gives_zeroed_aligned_memory(void **state) {
    (void)state;
    struct arena *arena = arena_open(64 << 20);
    for (size_t size = 0; size < 5000; size += 37) {
        unsigned char *at = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)at % 16, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(at[i], 0);
        }
        memset(at, 0xFF, size);
    }
    unsigned char *large = arena_alloc(arena, 4 << 20);
    assert_int_equal(large[(4 << 20) - 1], 0);
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    unsigned char *again = arena_alloc(arena, 4096);
    for (size_t i = 0; i < 4096; i++) {
        assert_int_equal(again[i], 0);
    }
    arena_close(arena);
    arena_close(NULL);
}

static void resizing_keeps_what_was_there(void **state) {
    (void)state;
    struct arena *arena = arena_open(64 << 20);
    char *first = arena_alloc(arena, 100);
    char *grown = arena_resize(arena, first, 100, 200);
    assert_ptr_equal(first, grown); /* the last object grows in place */
    char *other = arena_alloc(arena, 16);
    memset(grown, 'x', 200);
    memset(other, 'y', 16);
    char *moved = arena_resize(arena, grown, 200, 300000);
    assert_ptr_not_equal(moved, grown);
    char *huge = arena_resize(arena, moved, 300000, 3000000);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(huge[i], 'x');
    }
    assert_int_equal(huge[200], 0);
    assert_int_equal(huge[2999999], 0);
    assert_int_equal(other[15], 'y');
    assert_ptr_equal(arena_resize(arena, huge, 3000000, 10), huge);
    assert_non_null(arena_resize(arena, NULL, 0, 10));
    arena_close(arena);
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

struct record {
    char order[16];
    int count;
};

struct closing {
    struct record *record;
    char letter;
};

static void note_closing(void *object) {
    struct closing *closing = object;
    closing->record->order[closing->record->count++] = closing->letter;
}

static void defer(struct arena *arena, struct record *record, char letter) {
    struct closing *closing = ARENA_NEW(arena, struct closing);
    *closing = (struct closing){record, letter};
    arena_defer(arena, note_closing, closing);
}

static enum status take_without_end(void *context, struct scope *scope) {
    defer(scope->arena, context, 'a');
    defer(scope->arena, context, 'b');
    while (arena_used(scope->arena) < SIZE_MAX) {
        arena_alloc(scope->arena, 1000);
    }
    return STATUS_OK;
}

static void passing_the_limit_ends_the_unit(void **state) {
    (void)state;
    struct arena *arena = arena_open(100000);
    struct record record = {0};
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, take_without_end, &record), STATUS_TOO_COSTLY);
    assert_string_equal(record.order, "ba");
    assert_int_equal(scope.fault.count, 1);
    assert_int_equal(scope.fault.first->status, STATUS_TOO_COSTLY);
    assert_non_null(strstr(scope.fault.first->text, "memory"));
    assert_true(arena_used(arena) <= 100000);
    arena_close(arena);
    assert_int_equal(record.count, 2); /* closed once */
}

static enum status take_too_much_at_once(void *context, struct scope *scope) {
    size_t *size = context;
    arena_array(scope->arena, *size, 16);
    return STATUS_OK;
}

static void overflowing_sizes_are_a_limit(void **state) {
    (void)state;
    struct arena *arena = arena_open(SIZE_MAX);
    struct scope scope;
    size_t sizes[] = {SIZE_MAX, SIZE_MAX / 16, SIZE_MAX / 32};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(scope_run(&scope, arena, take_too_much_at_once, &sizes[i]), STATUS_TOO_COSTLY);
    }
    size_t beyond_the_system = (size_t)1 << 55;
    assert_int_equal(scope_run(&scope, arena, take_too_much_at_once, &beyond_the_system), STATUS_UNAVAILABLE);
    assert_int_equal(scope.fault.first->status, STATUS_UNAVAILABLE);
    arena_close(arena);
}

static enum status run_inner_twice(void *context, struct scope *scope) {
    struct record *record = context;
    defer(scope->arena, record, 'o');
    struct scope inner;
    assert_int_equal(scope_run(&inner, scope->arena, take_without_end, record), STATUS_TOO_COSTLY);
    assert_string_equal(record->order, "ba"); /* what the outer unit registered stays open */
    fault_carry(scope, &inner.fault);
    assert_int_equal(scope->fault.count, 1);
    arena_alloc(scope->arena, 1 << 20); /* must leave by the outer escape now */
    return STATUS_OK;
}

static void nested_units_restore_the_outer_escape(void **state) {
    (void)state;
    struct arena *arena = arena_open(100000);
    struct record record = {0};
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, run_inner_twice, &record), STATUS_TOO_COSTLY);
    assert_string_equal(record.order, "bao");
    assert_int_equal(scope.fault.count, 2);
    arena_close(arena);
}

static enum status fail_when_memory_is_gone(void *context, struct scope *scope) {
    (void)context;
    arena_alloc(scope->arena, 9984);
    char path[600];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    for (int i = 0; i < 100; i++) {
        fault(scope, STATUS_INVALID, path, "issue %d", i);
    }
    return STATUS_INVALID;
}

static void faults_can_be_said_past_the_limit(void **state) {
    (void)state;
    struct arena *arena = arena_open(10000);
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, fail_when_memory_is_gone, NULL), STATUS_INVALID);
    assert_int_equal(scope.fault.count, 100);
    assert_string_equal(scope.fault.first->text, "issue 0");
    assert_string_equal(scope.fault.last->text, "issue 31");
    arena_close(arena);
}

static enum status register_at_the_limit(void *context, struct scope *scope) {
    struct closing *closing = context;
    while (arena_used(scope->arena) + 32 <= 10000) {
        arena_alloc(scope->arena, 16);
    }
    arena_defer(scope->arena, note_closing, closing);
    return STATUS_OK;
}

static void registering_without_room_closes_at_once(void **state) {
    (void)state;
    struct arena *arena = arena_open(10000);
    struct record record = {0};
    struct closing closing = {&record, 'x'};
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, register_at_the_limit, &closing), STATUS_TOO_COSTLY);
    assert_string_equal(record.order, "x");
    arena_close(arena);
    assert_int_equal(record.count, 1);
}

static enum status keep_two(void *context, struct scope *scope) {
    defer(scope->arena, context, '1');
    defer(scope->arena, context, '2');
    return STATUS_OK;
}

static void closing_runs_last_first(void **state) {
    (void)state;
    struct arena *arena = arena_open(100000);
    struct record record = {0};
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, keep_two, &record), STATUS_OK);
    assert_string_equal(record.order, "");
    arena_reset(arena);
    assert_string_equal(record.order, "21");
    arena_close(arena);
    assert_int_equal(record.count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(resizing_keeps_what_was_there),
        cmocka_unit_test(passing_the_limit_ends_the_unit),
        cmocka_unit_test(overflowing_sizes_are_a_limit),
        cmocka_unit_test(nested_units_restore_the_outer_escape),
        cmocka_unit_test(faults_can_be_said_past_the_limit),
        cmocka_unit_test(registering_without_room_closes_at_once),
        cmocka_unit_test(closing_runs_last_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
