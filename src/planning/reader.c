/* reader: the second reader at the scene, in the simulated year. What it says is drawn from the condition in truth by the error rates that
 * simulation.json states; nothing else of the truth is used. */
#include "planning/run.h"

static bool is_asked(const struct run *run, const struct region_seen *seen) {
    return (run->told & PLANNING_NO_CONSULT) == 0 && region_consult_due(&run->p->readings, seen);
}

static int consult_says(const struct run *run, int patient, const struct region_seen *seen) {
    const struct patient *who = &run->world->patients[patient];
    const struct region_consult *consult = &run->p->readings.consult;
    uint64_t seed = run->world->span.seed, id = (uint64_t)patient;
    if (random_unit(seed, STREAM_CONSULT, id, 0, 0) >= consult->answered) {
        return 0;
    }
    double right = random_unit(seed, STREAM_CONSULT, id, 1, 0), which = random_unit(seed, STREAM_CONSULT, id, 2, 0);
    if (who->condition != who->seen) {
        return 1 + (right < consult->found ? who->condition : who->seen);
    }
    if (right >= consult->kept) {
        double hidden[REGION_CONDITIONS_MAX];
        region_hidden(hidden, &run->p->readings, seen->condition);
        for (int c = 0; c < run->p->condition_count; c++) {
            if (which < hidden[c]) {
                return 1 + c;
            }
            which -= hidden[c];
        }
    }
    return 1 + who->seen;
}

static int likeliest(const struct run *run, const struct region_seen *seen) {
    double chance[REGION_CONDITIONS_MAX];
    int best = seen->condition;
    (void)region_readings_weigh(chance, &run->readings, seen);
    for (int c = 0; c < run->p->condition_count; c++) {
        best = chance[c] > chance[best] ? c : best;
    }
    return best;
}

void reader_look(struct run *run, int patient) {
    const struct patient *who = &run->world->patients[patient];
    const struct region_readings *readings = &run->p->readings;
    struct journey *journey = &run->journeys[patient];
    struct region_seen seen = {.condition = who->seen, .level = run_level(run, patient), .age_months = who->age_months};
    uint64_t seed = run->world->span.seed, id = (uint64_t)patient;
    unsigned due = region_tests_due(readings, &seen);
    for (int t = 0; t < readings->test_count; t++) {
        const struct region_test *test = &readings->tests[t];
        bool done = (due >> t & 1) != 0 && random_unit(seed, STREAM_TEST, id, (uint64_t)t, 0) < test->done;
        bool positive = random_unit(seed, STREAM_TEST, id, (uint64_t)t, 1) < test->positive[who->condition];
        seen.done |= (unsigned)done << t;
        seen.positive |= (unsigned)(done && positive) << t;
    }
    seen.consult = is_asked(run, &seen) ? consult_says(run, patient, &seen) : 0;
    journey->seen = seen;
    journey->read = seen.consult > 0 ? seen.consult - 1 : seen.condition;
    if ((run->told & PLANNING_LIKELIEST) != 0 && seen.level <= 3) {
        journey->read = likeliest(run, &seen);
    }
    journey->read_again = true;
}

double reader_minutes(const struct run *run, int patient) {
    const struct journey *journey = &run->journeys[patient];
    return run->reader && is_asked(run, &journey->seen) ? run->p->readings.consult.minutes : 0;
}
