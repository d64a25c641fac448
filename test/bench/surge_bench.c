/* How long many patients take to be assigned to all places, and one changed bed to be solved again.
 *
 *     soyang_surge_bench [PATIENTS PLACES]       prints one line of JSON
 *
 * Costs are drawn: each patient and place has a point in a square, the cost is the distance weighed by one of five levels; every
 * fifth pair is impossible; the beds are enough for two thirds. Beside it the ceiling: one pass over the costs that finds each patient's
 * cheapest place, which every method has to make. Processor time of this thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "referral/assignment.h"

enum { ARENA_MAX = 1 << 30, RUNS = 5, CHANGES = 400, SIDE = 100000, CEILING_RUNS = 20 };

struct wave {
    struct assignment_problem problem;
    int64_t *costs, *unplaced;
    const int64_t **rows;
    int *capacity;
};

static uint64_t draw(uint64_t *seed) { /* SplitMix64 */
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double cpu_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void make(struct wave *wave, size_t patients, size_t places, uint64_t seed, struct arena *arena) {
    static const int64_t weights[] = {16, 8, 4, 2, 1};
    int64_t *x = ARENA_ARRAY(arena, int64_t, places), *y = ARENA_ARRAY(arena, int64_t, places);
    wave->costs = ARENA_ARRAY(arena, int64_t, patients * places);
    wave->unplaced = ARENA_ARRAY(arena, int64_t, patients);
    wave->rows = ARENA_ARRAY(arena, const int64_t *, patients);
    wave->capacity = ARENA_ARRAY(arena, int, places);
    for (size_t j = 0; j < places; j++) {
        x[j] = (int64_t)(draw(&seed) % SIDE);
        y[j] = (int64_t)(draw(&seed) % SIDE);
        wave->capacity[j] = (int)(draw(&seed) % (4 * patients / (3 * places) + 1));
    }
    for (size_t i = 0; i < patients; i++) {
        int64_t weight = weights[draw(&seed) % 5];
        int64_t here_x = (int64_t)(draw(&seed) % SIDE), here_y = (int64_t)(draw(&seed) % SIDE);
        wave->rows[i] = &wave->costs[i * places];
        wave->unplaced[i] = weight * 3 * SIDE;
        for (size_t j = 0; j < places; j++) {
            int64_t cost = weight * (llabs(here_x - x[j]) + llabs(here_y - y[j]));
            wave->costs[i * places + j] = draw(&seed) % 5 == 0 ? ASSIGNMENT_NEVER : cost;
        }
    }
    wave->problem = (struct assignment_problem){patients, places, wave->rows, wave->unplaced, wave->capacity};
}

static double ceiling_ms(const struct wave *wave) {
    volatile int64_t sum = 0;
    double began = cpu_ms();
    for (int run = 0; run < CEILING_RUNS; run++) {
        for (size_t i = 0; i < wave->problem.patient_count; i++) {
            int64_t least = wave->unplaced[i];
            for (size_t j = 0; j < wave->problem.place_count; j++) {
                int64_t cost = wave->rows[i][j];
                least = cost < least ? cost : least;
            }
            sum += least;
        }
    }
    return (cpu_ms() - began) / CEILING_RUNS;
}

static int by_value(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static enum status measure(void *context, struct scope *scope) {
    const size_t *size = context;
    static double solve_ms[RUNS], change_ms[CHANGES];
    double certify_ms = 0, ceiling = 0;
    size_t longest = 0;
    bool optimal = true;
    for (int run = 0; run < RUNS; run++) {
        struct wave wave;
        struct assignment *assignment;
        struct assignment_certificate certificate;
        make(&wave, size[0], size[1], 1 + (uint64_t)run, scope->arena);
        double began = cpu_ms();
        enum status status = assignment_solve(&assignment, &wave.problem, scope);
        if (status != STATUS_OK) {
            return status;
        }
        solve_ms[run] = cpu_ms() - began;
        uint64_t seed = 77;
        for (int i = 0; i < CHANGES / RUNS; i++) {
            struct assignment_move *moves;
            size_t count = 0;
            int place = (int)(draw(&seed) % size[1]), beds = assignment_capacity(assignment, place);
            beds = beds > 0 && i % 2 == 0 ? beds - 1 : beds + 1;
            began = cpu_ms();
            status = assignment_change(&moves, &count, assignment, place, beds, scope);
            change_ms[run * (CHANGES / RUNS) + i] = cpu_ms() - began;
            if (status != STATUS_OK) {
                return status;
            }
            wave.capacity[place] = beds;
            longest = count > longest ? count : longest;
        }
        began = cpu_ms();
        assignment_certify(&certificate, assignment, &wave.problem);
        certify_ms = cpu_ms() - began;
        optimal = optimal && certificate.optimal;
        ceiling = ceiling_ms(&wave);
    }
    qsort(solve_ms, RUNS, sizeof *solve_ms, by_value);
    qsort(change_ms, CHANGES, sizeof *change_ms, by_value);
    printf("{\"patients\":%zu,\"places\":%zu,\"solve_median_ms\":%.1f,\"solve_max_ms\":%.1f,\"change_median_ms\":%.3f,"
           "\"change_max_ms\":%.3f,\"longest_path\":%zu,\"certify_ms\":%.2f,\"ceiling_ms\":%.2f,\"optimal\":%s}\n",
        size[0], size[1], solve_ms[RUNS / 2], solve_ms[RUNS - 1], change_ms[CHANGES / 2], change_ms[CHANGES - 1],
        longest, certify_ms, ceiling, optimal ? "true" : "false");
    return optimal ? STATUS_OK : STATUS_FAILED;
}

int main(int argc, char **argv) {
    size_t size[2] = {10000, 30};
    for (int i = 1; i < argc && i <= 2; i++) {
        size[i - 1] = strtoul(argv[i], NULL, 10);
    }
    struct arena *arena = arena_open(ARENA_MAX);
    struct scope scope = {.arena = arena};
    enum status status =
        arena != NULL && size[0] > 0 && size[1] > 0 ? scope_run(&scope, arena, measure, size) : STATUS_INVALID;
    for (const struct issue *issue = scope.fault.first; issue != NULL; issue = issue->next) {
        (void)fprintf(stderr, "%s: %s\n", issue->path, issue->text);
    }
    arena_close(arena);
    return status == STATUS_OK ? 0 : 1;
}
