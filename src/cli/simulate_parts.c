/* Where the minutes of the severe go, by policy, by condition and by what became of the first place; and what `soyang` would do if it
 * knew what nobody there can know. Markdown on standard output. */
#include <math.h>
#include <stdio.h>

#include "cli/simulate.h"

enum { RUN_ARENA_MAX = 1 << 30 };

static const struct row {
    const char *says;
    enum planning_policy policy;
    unsigned told;
} rows[] = {
    {"memory", PLANNING_MEMORY, 0},
    {"capable", PLANNING_CAPABLE, 0},
    {"memory, given the second reader: asks for what the specialist reads", PLANNING_MEMORY, PLANNING_WITH_READER},
    {"memory, given the second reader: asks for what is most likely", PLANNING_MEMORY,
        PLANNING_WITH_READER | PLANNING_LIKELIEST},
    {"capable, given the second reader: asks for what the specialist reads", PLANNING_CAPABLE, PLANNING_WITH_READER},
    {"soyang without the second reader", PLANNING_SOYANG, PLANNING_NO_READER},
    {"soyang with the second reader's tests alone, no specialist", PLANNING_SOYANG, PLANNING_NO_CONSULT},
    {"soyang", PLANNING_SOYANG, 0},
    {"soyang, told who would say yes", PLANNING_SOYANG, PLANNING_TOLD_ACCEPT},
    {"soyang, told beds and teams as they are", PLANNING_SOYANG, PLANNING_TOLD_BOARD},
    {"soyang, answered at once", PLANNING_SOYANG, PLANNING_TOLD_NO_WAIT},
    {"soyang, nearest vehicle always free", PLANNING_SOYANG, PLANNING_TOLD_VEHICLE},
    {"soyang, told the need", PLANNING_SOYANG, PLANNING_TOLD_NEED | PLANNING_NO_READER},
    {"soyang, told need and level, who would say yes, beds and teams, answered at once", PLANNING_SOYANG,
        PLANNING_TOLD_NEED | PLANNING_TOLD_LEVEL | PLANNING_TOLD_ACCEPT | PLANNING_TOLD_BOARD | PLANNING_TOLD_NO_WAIT |
            PLANNING_NO_READER},
    {"soyang, refused between hospitals no more than a crew", PLANNING_SOYANG, PLANNING_TOLD_TRANSFER},
    {"soyang, refused between hospitals at half the odds", PLANNING_SOYANG, PLANNING_TRANSFER_HALF},
    {"soyang, between hospitals offers by terminal, several at once", PLANNING_SOYANG, PLANNING_TRANSFER_OFFERS},
    {"soyang, told the need, refused no more than a crew", PLANNING_SOYANG,
        PLANNING_TOLD_NEED | PLANNING_TOLD_TRANSFER | PLANNING_NO_READER},
    {"soyang, told where it can be treated as things stand", PLANNING_SOYANG, PLANNING_TOLD_START},
    {"clairvoyant", PLANNING_CLAIRVOYANT, 0},
};
enum { ROWS = sizeof rows / sizeof rows[0], ROW_MEMORY = 0, ROW_SOYANG = 7, ROW_CLAIRVOYANT = ROWS - 1 };

struct table {
    struct planning_outcome outcomes[ROWS];
    double batches[ROWS][32];
    struct planning_bound bound;
};

static enum status fill(struct table *table, int row, const struct planning_world *world, struct scope *scope) {
    struct arena *arena = arena_open(RUN_ARENA_MAX);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    }
    struct scope own = {.arena = arena};
    struct planning_outcome *out = &table->outcomes[row];
    struct planning_run_options run = {.policy = rows[row].policy, .told = rows[row].told};
    enum status status = planning_run(out, world, &run, &own);
    for (size_t i = 0; status == STATUS_OK && i < out->batch_count && i < 32; i++) {
        table->batches[row][i] = out->batch_minutes[i];
    }
    out->batch_minutes = NULL; /* of the arena that goes */
    fault_carry(scope, &own.fault);
    arena_close(arena);
    return status;
}

static void sum_parts(struct planning_parts *out, const struct planning_outcome *outcome, int condition, int first) {
    *out = (struct planning_parts){0};
    for (int c = 0; c < PLANNING_CONDITIONS_MAX; c++) {
        for (int f = 0; f < PLANNING_FIRSTS; f++) {
            if ((condition >= 0 && c != condition) || (first >= 0 && f != first)) {
                continue;
            }
            const struct planning_parts *one = &outcome->parts[c][f];
            out->patients += one->patients;
            for (int i = 0; i < PLANNING_PARTS; i++) {
                out->minutes[i] += one->minutes[i];
            }
        }
    }
}

static void print_parts(const char *says, const struct planning_parts *parts, size_t all) {
    double sum = 0, n = (double)(parts->patients > 0 ? parts->patients : 1);
    for (int i = 0; i < PLANNING_PARTS; i++) {
        sum += parts->minutes[i];
    }
    printf("| %s | %.1f | %.1f |", says, 100 * (double)parts->patients / (double)all, sum / n);
    for (int i = 0; i < PLANNING_PARTS; i++) {
        printf(" %.1f |", parts->minutes[i] / n);
    }
    printf("\n");
}

static void print_head(const char *what) {
    printf("\n| %s | patients %% | minutes | call to scene | scene | asking after it | first way | wait there | stay "
           "at a wrong "
           "place | ways onward | not placed |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        what);
}

static void print_row(const struct table *table, int row, double best) {
    const struct planning_outcome *out = &table->outcomes[row];
    double sum = 0, n = 0;
    for (size_t i = 0; i < out->batch_count; i++) {
        double by = table->batches[row][i] - table->batches[ROW_MEMORY][i];
        sum += isfinite(by) ? by : 0;
        n += isfinite(by);
    }
    double mean = sum / fmax(n, 1), minutes = out->measures[PLANNING_MINUTES_SEVERE].value;
    double half = planning_half_width(table->batches[row], table->batches[ROW_MEMORY], out->batch_count);
    char interval[64] = "[–]"; /* fewer than two batches */
    if (isfinite(half)) {
        (void)snprintf(interval, sizeof interval, "[%+.2f, %+.2f]", mean - half, mean + half);
    }
    printf("| %s | %.1f | %+.2f %s | %.0f | %.1f | %.2f | %.0f | %.2f |\n", rows[row].says, minutes, mean, interval,
        100 * (best - minutes) / (best - table->bound.dual_mean), out->measures[PLANNING_FIRST_WRONG].value,
        out->measures[PLANNING_ASKED_SEVERE].value, out->measures[PLANNING_OVERLOAD].value,
        out->measures[PLANNING_RETRANSFER].value);
}

static void print_knowing(const struct table *table) {
    double best = fmin(table->outcomes[0].measures[PLANNING_MINUTES_SEVERE].value,
        table->outcomes[1].measures[PLANNING_MINUTES_SEVERE].value);
    printf(
        "\n## What knowing more would be worth\n\n`memory`, `capable` and `soyang` are policies; `soyang` has the "
        "second reader of `simulation.json`. The lines between them tell what is due to it: who is given it, and who "
        "goes without. Every line after `soyang` is a developers' run with what "
        "nobody at the scene can know or grant: no policy. Against memory: paired by batches of days, 95 %%. Gap: "
        "from the "
        "better of memory and capable to the limit (%.2f minutes).\n\n"
        "| who | minutes, severe | against memory | gap closed %% | first place wrong %% | asked, severe | overload "
        "h | "
        "re-transfer %% |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
        table->bound.dual_mean);
    for (int row = 0; row < ROWS; row++) {
        print_row(table, row, best);
    }
}

static void print_ways(const struct table *table) {
    struct planning_parts parts;
    printf("\n## Where the minutes go\n");
    print_head("policy");
    static const int shown[] = {ROW_MEMORY, ROW_MEMORY + 1, ROW_SOYANG, ROW_CLAIRVOYANT};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        sum_parts(&parts, &table->outcomes[shown[i]], -1, -1);
        print_parts(rows[shown[i]].says, &parts, parts.patients);
    }
    static const char *const firsts[] = {"right", "first of two planned legs", "wrong: does not treat it",
        "wrong: no team", "wrong: no intensive-care bed"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (shown[i] == ROW_MEMORY + 1) {
            continue;
        }
        sum_parts(&parts, &table->outcomes[shown[i]], -1, -1);
        size_t all = parts.patients;
        printf("\n**%s**, by the first place\n", rows[shown[i]].says);
        print_head("first place");
        for (int first = 0; first < PLANNING_FIRSTS; first++) {
            sum_parts(&parts, &table->outcomes[shown[i]], -1, first);
            if (parts.patients > 0) {
                print_parts(firsts[first], &parts, all);
            }
        }
    }
}

static void print_conditions(const struct table *table, const struct planning_world *world) {
    static const int shown[] = {ROW_SOYANG, ROW_CLAIRVOYANT};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        struct planning_parts parts;
        sum_parts(&parts, &table->outcomes[shown[i]], -1, -1);
        size_t all = parts.patients;
        printf("\n**%s**, by what the patient has\n", rows[shown[i]].says);
        print_head("need");
        for (int c = 0; planning_world_condition(world, c) != NULL; c++) {
            sum_parts(&parts, &table->outcomes[shown[i]], c, -1);
            if (parts.patients > 0) {
                print_parts(planning_world_condition(world, c), &parts, all);
            }
        }
    }
}

enum status simulate_parts(const struct planning_world *world, struct scope *scope) {
    struct table *table = ARENA_NEW(scope->arena, struct table);
    enum status status = planning_bound_find(&table->bound, world, scope);
    for (int row = 0; row < ROWS && status == STATUS_OK; row++) {
        status = fill(table, row, world, scope);
    }
    if (status == STATUS_OK) {
        printf("# Where the minutes go, and what knowing more would be worth\n\nWritten by `soyang simulate --parts`. "
               "Synthetic "
               "patients; minutes from the call to definitive care of true levels 1 and 2.\n");
        print_knowing(table);
        print_ways(table);
        print_conditions(table, world);
    }
    return status;
}
