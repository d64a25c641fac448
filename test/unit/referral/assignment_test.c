/* Optimal assignment: against every possible assignment of small problems, and by its own certificate on larger ones. */
#include <string.h>

#include "referral/assignment.h"
#include "unit/cmocka_all.h"

enum { PATIENTS_MAX = 6, PLACES_MAX = 4, CASES = 4000, LARGE_PATIENTS = 400, LARGE_PLACES = 12, CHANGES = 300 };

static uint64_t next(uint64_t *seed) { /* SplitMix64 (Steele, Lea, Flood 2014) */
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct drawn {
    struct assignment_problem problem;
    int64_t costs[LARGE_PATIENTS][LARGE_PLACES];
    const int64_t *rows[LARGE_PATIENTS];
    int64_t unplaced[LARGE_PATIENTS];
    int capacity[LARGE_PLACES];
};

/* Small numbers, so that ties are many. */
static void draw(struct drawn *out, uint64_t *seed, size_t patients, size_t places, int most) {
    for (size_t i = 0; i < patients; i++) {
        out->rows[i] = out->costs[i];
        out->unplaced[i] = 5 + (int64_t)(next(seed) % 30);
        for (size_t j = 0; j < places; j++) {
            out->costs[i][j] = next(seed) % 5 == 0 ? ASSIGNMENT_NEVER : (int64_t)(next(seed) % 20) - 3;
        }
    }
    for (size_t j = 0; j < places; j++) {
        out->capacity[j] = (int)(next(seed) % (unsigned)(most + 1));
    }
    out->problem = (struct assignment_problem){patients, places, out->rows, out->unplaced, out->capacity};
}

static int64_t try_all(const struct assignment_problem *problem, size_t patient, int *free) {
    if (patient == problem->patient_count) {
        return 0;
    }
    int64_t best = problem->unplaced[patient] + try_all(problem, patient + 1, free);
    for (size_t j = 0; j < problem->place_count; j++) {
        int64_t cost = problem->cost[patient][j];
        if (cost == ASSIGNMENT_NEVER || free[j] == 0) {
            continue;
        }
        free[j]--;
        int64_t whole = cost + try_all(problem, patient + 1, free);
        free[j]++;
        best = whole < best ? whole : best;
    }
    return best;
}

static int64_t best_of_all(const struct assignment_problem *problem) {
    int free[PLACES_MAX];
    memcpy(free, problem->capacity, problem->place_count * sizeof *free);
    return try_all(problem, 0, free);
}

static void test_small(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 24);
    static struct drawn drawn;
    uint64_t seed = 1;
    for (int run = 0; run < CASES; run++) {
        struct scope scope = {.arena = arena};
        struct assignment *assignment;
        struct assignment_certificate certificate;
        draw(&drawn, &seed, next(&seed) % (PATIENTS_MAX + 1), next(&seed) % (PLACES_MAX + 1), 3);
        assert_int_equal(assignment_solve(&assignment, &drawn.problem, &scope), STATUS_OK);
        assignment_certify(&certificate, assignment, &drawn.problem);
        assert_true(certificate.optimal);
        assert_true(certificate.primal == best_of_all(&drawn.problem));
        arena_reset(arena);
    }
    arena_close(arena);
}

/* After each change the answer is that of the changed problem, and the moves lead from the old answer to it. */
static void test_small_changes(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 24);
    static struct drawn drawn;
    uint64_t seed = 2;
    for (int run = 0; run < CASES; run++) {
        struct scope scope = {.arena = arena};
        struct assignment *assignment;
        struct assignment_certificate certificate;
        struct assignment_move *moves;
        size_t count;
        int before[PATIENTS_MAX];
        draw(&drawn, &seed, next(&seed) % (PATIENTS_MAX + 1), 1 + next(&seed) % PLACES_MAX, 3);
        assert_int_equal(assignment_solve(&assignment, &drawn.problem, &scope), STATUS_OK);
        for (size_t i = 0; i < drawn.problem.patient_count; i++) {
            before[i] = assignment_place(assignment, (int)i);
        }
        int place = (int)(next(&seed) % drawn.problem.place_count);
        drawn.capacity[place] = (int)(next(&seed) % 6);
        assert_int_equal(
            assignment_change(&moves, &count, assignment, place, drawn.capacity[place], &scope), STATUS_OK);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(before[moves[i].patient], moves[i].from);
            before[moves[i].patient] = moves[i].to;
        }
        for (size_t i = 0; i < drawn.problem.patient_count; i++) {
            assert_int_equal(before[i], assignment_place(assignment, (int)i));
        }
        assignment_certify(&certificate, assignment, &drawn.problem);
        assert_true(certificate.optimal);
        assert_int_equal(assignment_capacity(assignment, place), drawn.capacity[place]);
        assert_true(certificate.primal == best_of_all(&drawn.problem));
        arena_reset(arena);
    }
    arena_close(arena);
}

static void test_large(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 26);
    struct scope scope = {.arena = arena};
    static struct drawn drawn;
    struct assignment *assignment, *anew;
    struct assignment_certificate certificate, fresh;
    struct assignment_move *moves;
    size_t count;
    uint64_t seed = 3;
    draw(&drawn, &seed, LARGE_PATIENTS, LARGE_PLACES, 30);
    assert_int_equal(assignment_solve(&assignment, &drawn.problem, &scope), STATUS_OK);
    for (int run = 0; run < CHANGES; run++) {
        int place = (int)(next(&seed) % LARGE_PLACES);
        drawn.capacity[place] = (int)(next(&seed) % 50);
        assert_int_equal(
            assignment_change(&moves, &count, assignment, place, drawn.capacity[place], &scope), STATUS_OK);
        assignment_certify(&certificate, assignment, &drawn.problem);
        assert_true(certificate.optimal);
    }
    assert_int_equal(assignment_solve(&anew, &drawn.problem, &scope), STATUS_OK);
    assignment_certify(&fresh, anew, &drawn.problem);
    assert_true(fresh.primal == certificate.primal);
    arena_close(arena);
}

/* A certificate that cannot fail proves nothing: a problem with other costs than those that were solved is found out. */
static void test_certificate_fails(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 24);
    struct scope scope = {.arena = arena};
    const int64_t first[] = {1, 2}, second[] = {1, 9}, swapped[] = {9, 2};
    const int64_t *rows[] = {first, second}, *others[] = {swapped, second};
    const int64_t unplaced[] = {100, 100};
    const int capacity[] = {1, 1};
    struct assignment_problem problem = {2, 2, rows, unplaced, capacity};
    struct assignment *assignment;
    struct assignment_certificate certificate;
    assert_int_equal(assignment_solve(&assignment, &problem, &scope), STATUS_OK);
    assert_int_equal(assignment_place(assignment, 0), 1);
    assert_int_equal(assignment_place(assignment, 1), 0);
    assignment_certify(&certificate, assignment, &problem);
    assert_true(certificate.optimal && certificate.primal == 3);
    const int64_t worse[] = {1, 20};
    others[0] = worse;
    problem.cost = others;
    assignment_certify(&certificate, assignment, &problem);
    assert_false(certificate.optimal);
    arena_close(arena);
}

static void test_refused(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 24);
    struct scope scope = {.arena = arena};
    const int64_t row[] = {1}, wild[] = {ASSIGNMENT_COST_MAX + 1}, unplaced[] = {5};
    const int64_t *rows[] = {row}, *wild_rows[] = {wild};
    int capacity[] = {-1};
    struct assignment_problem problem = {1, 1, rows, unplaced, capacity};
    struct assignment *assignment;
    struct assignment_move *moves;
    size_t count;
    assert_int_equal(assignment_solve(&assignment, &problem, &scope), STATUS_UNPROCESSABLE);
    capacity[0] = 1;
    problem.cost = wild_rows;
    assert_int_equal(assignment_solve(&assignment, &problem, &scope), STATUS_UNPROCESSABLE);
    problem.cost = rows;
    assert_int_equal(assignment_solve(&assignment, &problem, &scope), STATUS_OK);
    assert_int_equal(assignment_change(&moves, &count, assignment, 0, -1, &scope), STATUS_UNPROCESSABLE);
    assert_int_equal(assignment_change(&moves, &count, assignment, 1, 1, &scope), STATUS_UNPROCESSABLE);
    struct scope late = {.arena = arena, .deadline_us = 1};
    assert_int_equal(assignment_change(&moves, &count, assignment, 0, 0, &late), STATUS_TOO_COSTLY);
    assert_int_equal(assignment_place(assignment, 0), 0);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_small_changes),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_certificate_fails),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
