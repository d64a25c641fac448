/* The second reader at the scene: its error rates by Bayes, by hand, and files that say it badly. */
#include <math.h>
#include <string.h>

#include "region/region.h"
#include "unit/cmocka_all.h"

/* Two conditions of equal share, level and age: B is taken for A in half of its cases. */
static const char head[] =
    "{\"levels\":{\"exact\":1,\"over_one\":0,\"under_one\":0},\"ages\":{\"bands\":[0,5,15,65,75,85]},\"parameters\":{"
    "\"confusion\":{\"value\":1,\"source\":\"x\"},\"engine_confusion\":{\"value\":1,\"source\":\"x\"},"
    "\"stabilise_min\":{\"value\":30,\"source\":\"x\"},\"transfer_prepare_min\":{\"value\":25,\"source\":\"x\"},"
    "\"transfer_refuse\":{\"value\":0.5,\"source\":\"x\"},\"penalty_min\":{\"value\":360,\"source\":\"x\"}},"
    "\"conditions\":[{\"need\":\"A\",\"share_percent\":1,\"team\":false,\"source\":\"x\",\"levels\":[0,1,0,0,0],"
    "\"ages\":[1,1,1,1,1,1],\"seen\":[]},"
    "{\"need\":\"B\",\"share_percent\":1,\"team\":false,\"source\":\"x\",\"levels\":[0,1,0,0,0],"
    "\"ages\":[1,1,1,1,1,1],\"seen\":[{\"as\":\"A\",\"chance\":0.5}]}]";

#define TEST_OF_B                                                                                                      \
    "{\"id\":\"t\",\"of\":[\"A\"],\"age_from\":16,\"done\":1,\"positive\":[{\"need\":\"B\",\"chance\":0.8}],"          \
    "\"otherwise\":0.25,\"source\":\"x\"}"
#define CONSULT                                                                                                        \
    "{\"level\":2,\"not_of\":[\"B\"],\"answered\":0.64,\"minutes\":5,\"kept\":0.95,\"found\":0.5,\"source\":\"x\"}"

struct bench {
    struct arena *arena;
    struct scope scope;
    struct region_readings readings;
};

static int open_bench(void **state) {
    static struct bench bench;
    bench = (struct bench){.arena = arena_open(16 << 20)};
    bench.scope.arena = bench.arena;
    *state = &bench;
    return bench.arena == NULL;
}

static int close_bench(void **state) {
    struct bench *bench = *state;
    arena_close(bench->arena);
    return 0;
}

static enum status read_with(struct bench *bench, const char *reader) {
    yyjson_doc *document;
    struct text json = text_format(bench->arena, "%s%s}", head, reader);
    assert_int_equal(json_read(&document, json, &bench->scope), STATUS_OK);
    enum status status = region_readings_read(&bench->readings, yyjson_doc_get_root(document), &bench->scope);
    for (int i = 0; i < REGION_AGE_BANDS; i++) {
        bench->readings.people[i] = 1000;
    }
    return status;
}

static double chance_of_b(const struct bench *bench, const struct region_seen *seen) {
    double chance[REGION_CONDITIONS_MAX];
    (void)region_readings_weigh(chance, &bench->readings, seen);
    assert_true(fabs(chance[0] + chance[1] - 1) < 1e-12);
    return chance[1];
}

#define ASSERT_NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void a_test_is_weighed_by_bayes(void **state) {
    struct bench *bench = *state;
    assert_int_equal(read_with(bench, ",\"reader\":{\"tests\":[" TEST_OF_B "]}"), STATUS_OK);
    struct region_seen seen = {.condition = 0, .level = 2, .age_months = 600};
    ASSERT_NEAR(chance_of_b(bench, &seen), .5 / 1.5); /* 1 : .5 */
    assert_int_equal(region_tests_due(&bench->readings, &seen), 1);
    seen.done = 1;
    ASSERT_NEAR(chance_of_b(bench, &seen), .5 * .2 / (.75 + .5 * .2)); /* negative: .75 : .5 x .2 */
    seen.positive = 1;
    ASSERT_NEAR(chance_of_b(bench, &seen), .5 * .8 / (.25 + .5 * .8)); /* positive: .25 : .5 x .8 */
}

static void a_test_is_due_where_it_says(void **state) {
    struct bench *bench = *state;
    assert_int_equal(read_with(bench, ",\"reader\":{\"tests\":[" TEST_OF_B "]}"), STATUS_OK);
    const struct region_seen child = {.condition = 0, .level = 2, .age_months = 15 * 12 + 11},
                             adult = {.condition = 0, .level = 4, .age_months = 16 * 12},
                             unknown = {.condition = 0, .level = 2, .age_months = -1},
                             other = {.condition = 1, .level = 2, .age_months = 600};
    assert_int_equal(region_tests_due(&bench->readings, &child), 0);
    assert_int_equal(region_tests_due(&bench->readings, &adult), 1);
    assert_int_equal(region_tests_due(&bench->readings, &unknown), 0);
    assert_int_equal(region_tests_due(&bench->readings, &other), 0);
}

static void a_specialist_is_weighed_by_bayes(void **state) {
    struct bench *bench = *state;
    assert_int_equal(read_with(bench, ",\"reader\":{\"consult\":" CONSULT "}"), STATUS_OK);
    struct region_seen seen = {.condition = 0, .level = 2, .age_months = 600};
    assert_true(region_consult_due(&bench->readings, &seen));
    seen.consult = 1;                                          /* reads A as the crew does */
    ASSERT_NEAR(chance_of_b(bench, &seen), .25 / (.95 + .25)); /* A: .95; B: .5 x (1 - .5) */
    seen.consult = 2;                                          /* reads B */
    ASSERT_NEAR(chance_of_b(bench, &seen), .25 / (.05 + .25)); /* A: .05, all of it to B; B: .5 x .5 */
    seen = (struct region_seen){.condition = 1, .level = 2, .age_months = 600, .consult = 2};
    ASSERT_NEAR(chance_of_b(bench, &seen), 1); /* nothing hides behind B */
    assert_false(region_consult_due(&bench->readings, &seen));
    seen = (struct region_seen){.condition = 0, .level = 3, .age_months = 600};
    assert_false(region_consult_due(&bench->readings, &seen));
}

static void both_are_weighed_together(void **state) {
    struct bench *bench = *state;
    assert_int_equal(read_with(bench, ",\"reader\":{\"tests\":[" TEST_OF_B "],\"consult\":" CONSULT "}"), STATUS_OK);
    const struct region_seen seen = {
        .condition = 0, .level = 2, .age_months = 600, .done = 1, .positive = 1, .consult = 1};
    ASSERT_NEAR(chance_of_b(bench, &seen), .25 * .8 / (.95 * .25 + .25 * .8));
}

static void what_hides_behind_a_reading(void **state) {
    struct bench *bench = *state;
    double hidden[REGION_CONDITIONS_MAX];
    assert_int_equal(read_with(bench, ""), STATUS_OK);
    region_hidden(hidden, &bench->readings, 0);
    ASSERT_NEAR(hidden[1], 1);
    ASSERT_NEAR(hidden[0], 0);
    region_hidden(hidden, &bench->readings, 1);
    ASSERT_NEAR(hidden[0] + hidden[1], 0);
    const struct region_seen seen = {.condition = 0, .level = 1, .age_months = 600};
    assert_int_equal(region_tests_due(&bench->readings, &seen), 0);
    assert_false(region_consult_due(&bench->readings, &seen)); /* a region without a reader */
}

static void bad_readers_are_refused(void **state) {
    struct bench *bench = *state;
    static const char *const bad[] = {
        "\"tests\":[{\"id\":\"t\",\"of\":[\"A\"],\"age_from\":16,\"done\":1,\"positive\":[],\"otherwise\":0.25}]",
        "\"tests\":[{\"id\":\"t\",\"of\":[\"C\"],\"age_from\":16,\"done\":1,\"positive\":[],\"otherwise\":0.25,"
        "\"source\":\"x\"}]",
        "\"tests\":[{\"id\":\"t\",\"of\":[\"A\"],\"age_from\":-1,\"done\":1,\"positive\":[],\"otherwise\":0.25,"
        "\"source\":\"x\"}]",
        "\"tests\":[{\"id\":\"t\",\"of\":[\"A\"],\"age_from\":16,\"done\":2,\"positive\":[],\"otherwise\":0.25,"
        "\"source\":\"x\"}]",
        "\"tests\":[{\"id\":\"t\",\"of\":[\"A\"],\"age_from\":16,\"done\":1,\"positive\":[{\"need\":\"B\",\"chance\":"
        "1.5}],\"otherwise\":0.25,\"source\":\"x\"}]",
        "\"consult\":{\"level\":6,\"answered\":1,\"minutes\":5,\"kept\":1,\"found\":1,\"source\":\"x\"}",
        "\"consult\":{\"level\":2,\"answered\":1,\"minutes\":-5,\"kept\":1,\"found\":1,\"source\":\"x\"}",
        "\"consult\":{\"level\":2,\"answered\":1,\"minutes\":5,\"kept\":1,\"found\":1}",
        "\"consult\":{\"level\":2,\"not_of\":[\"C\"],\"answered\":1,\"minutes\":5,\"kept\":1,\"found\":1,"
        "\"source\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bench->scope = (struct scope){.arena = bench->arena};
        struct text reader = text_format(bench->arena, ",\"reader\":{%s}", bad[i]);
        if (read_with(bench, reader.at) != STATUS_INVALID) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_test_is_weighed_by_bayes, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(a_test_is_due_where_it_says, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(a_specialist_is_weighed_by_bayes, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(both_are_weighed_together, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(what_hides_behind_a_reading, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(bad_readers_are_refused, open_bench, close_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
