/* The published vectors against the C tables; totals, completeness, who a score fits; the two traps of REMS. */
#include "triage/triage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after what it needs */

enum { ARENA_BYTES = 64 << 20, LINE_BYTES = 512, VECTORS_MIN = 500, FITS_MIN = 50 };

static struct arena *arena;

static int open_arena(void **state) {
    (void)state;
    arena = arena_open(ARENA_BYTES);
    return 0;
}
static int close_arena(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static void input_put(struct triage_facts *facts, struct text name, struct text value) {
    static const char letters[] = "ACVPU";
    double number = 0;
    bool is_number = text_to_double(&number, value);
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        if (text_is(name, triage_measure_code((enum triage_measure)i)))
            facts->values[i] = (struct triage_value){.known = is_number, .value = number};
    }
    if (text_is(name, "age"))
        facts->age_months = (int)number * 12;
    else if (text_is(name, "months"))
        facts->age_months = (int)number;
    else if (text_is(name, "scale"))
        facts->hypercapnic = number == 2 ? TRIAGE_YES : TRIAGE_NO;
    else if (text_is(name, "oxygen"))
        facts->oxygen = text_is(value, "yes") ? TRIAGE_YES : TRIAGE_NO;
    else if (text_is(name, "pregnant"))
        facts->pregnant = text_is(value, "yes") ? TRIAGE_YES : TRIAGE_NO;
    else if (text_is(name, "injured"))
        facts->injury = text_is(value, "yes") ? TRIAGE_YES : TRIAGE_NO;
    else if (text_is(name, "mind"))
        facts->mind = (enum triage_mind)(TRIAGE_ALERT + (strchr(letters, value.at[0]) - letters));
}

static struct triage_facts *facts_of(const char *inputs) {
    struct triage_facts *facts = triage_facts_new(arena);
    struct text rest = text_from(inputs);
    while (rest.at) {
        struct text value = text_cut(&rest, ' '), name = text_cut(&value, '=');
        input_put(facts, name, value);
    }
    return facts;
}

static struct triage_score score_of(const char *code, const char *inputs) {
    for (int i = 0; i < TRIAGE_SCORE_COUNT; i++) {
        if (strcmp(triage_score_code((enum triage_score_kind)i), code) == 0)
            return triage_score((enum triage_score_kind)i, facts_of(inputs));
    }
    fail_msg("no score %s", code);
    return (struct triage_score){0};
}

static const struct triage_part *part_of(const struct triage_score *score, const char *code) {
    for (int i = 0; i < score->part_count; i++) {
        if (strcmp(score->parts[i].code, code) == 0)
            return &score->parts[i];
    }
    fail_msg("no part %s", code);
    return NULL;
}

static void test_published_vectors(void **state) {
    (void)state;
    char line[LINE_BYTES];
    int count = 0;
    FILE *file = fopen("test/cases/scores/vectors.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *rest = line, *score_code = strsep(&rest, "\t"), *part_code = strsep(&rest, "\t"),
             *inputs = strsep(&rest, "\t");
        if (line[0] == '#' || strcmp(score_code, "score") == 0)
            continue;
        assert_non_null(rest);
        struct triage_score score = score_of(score_code, inputs);
        const struct triage_part *part = part_of(&score, part_code);
        if (!part->known || part->points != strtol(rest, NULL, 10))
            fail_msg("%s %s with %s: expected %s got %d", score_code, part_code, inputs, rest, part->points);
        count++;
    }
    fclose(file);
    assert_true(count >= VECTORS_MIN);
}

static void test_published_fits(void **state) {
    (void)state;
    char line[LINE_BYTES];
    int count = 0;
    FILE *file = fopen("test/cases/scores/fits.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *rest = line, *score_code = strsep(&rest, "\t"), *inputs = strsep(&rest, "\t");
        if (line[0] == '#' || strcmp(score_code, "score") == 0)
            continue;
        struct triage_score score = score_of(score_code, inputs);
        if (score.fits != (strncmp(rest, "yes", 3) == 0) || score.fits == (score.unfit_ko && score.unfit_en))
            fail_msg("%s with %s: expected %s", score_code, inputs, rest);
        count++;
    }
    fclose(file);
    assert_true(count >= FITS_MIN);
}

/* Which score fits whom, and that those of children say nothing of others. */
static void test_children_only(void **state) {
    (void)state;
    struct triage_score adult = score_of("pals-pressure", "age=40 systolic=50");
    assert_false(adult.fits || adult.any || adult.complete);
    assert_non_null(adult.unfit_en);
    assert_true(score_of("pals-pressure", "months=191 systolic=89").total == 1);
    assert_false(score_of("pals-pressure", "months=192 systolic=89").any);
    assert_false(score_of("pals-pressure", "systolic=89").any); /* the age is not known */
    assert_false(score_of("sipa", "months=47 systolic=100 pulse=180").any);
    assert_false(score_of("sipa", "months=204 systolic=100 pulse=180").any);
    struct triage_score unhurt = score_of("sipa", "months=60 systolic=100 pulse=180");
    assert_true(unhurt.total == 1 && !unhurt.fits);
    struct triage_facts *facts = facts_of("months=60 systolic=100 pulse=180");
    facts->injury = TRIAGE_YES;
    assert_true(triage_score(TRIAGE_SIPA, facts).fits);
}

static void test_totals(void **state) {
    (void)state;
    static const struct {
        const char *score, *inputs;
        int total;
        bool complete;
    } cases[] = {
        {"news2", "age=40 respiration=25 spo2=91 oxygen=yes systolic=90 pulse=131 mind=U temperature=35.0", 20, true},
        {"news2", "age=40 respiration=16 spo2=98 oxygen=no systolic=120 pulse=70 mind=A temperature=37.0", 0, true},
        {"news2", "age=40 respiration=22", 2, false},
        {"mews", "age=40 systolic=70 pulse=130 respiration=30 temperature=38.5 mind=U", 14, true},
        {"rems", "age=75 systolic=240 diastolic=160 pulse=180 respiration=50 spo2=74 gcs=4", 26, true},
        {"rems", "age=75 systolic=69 diastolic=39 pulse=180 respiration=50 spo2=74 gcs=4", 26, true}, /* MAP 49 */
        {"qsofa", "age=40 respiration=22 systolic=100 gcs=14", 3, true},
        {"sirs", "age=40 temperature=38.1 pulse=91 respiration=21", 3, false},
        {"shock-index", "age=40 pulse=120 systolic=80", 150, true},
        {"ctas-vitals", "age=40 spo2=93 gcs=12 systolic=120 mind=V", 2, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct triage_score score = score_of(cases[i].score, cases[i].inputs);
        assert_int_equal(score.total, cases[i].total);
        assert_int_equal(score.complete, cases[i].complete);
        assert_true(score.fits);
    }
}

static void test_rems_counts_coma(void **state) {
    (void)state;
    const char *rest = "age=40 systolic=120 diastolic=80 pulse=80 respiration=16 spo2=97";
    char with_coma[128], with_mind[128];
    snprintf(with_coma, sizeof with_coma, "%s gcs=3", rest);
    snprintf(with_mind, sizeof with_mind, "%s mind=P", rest);
    assert_int_equal(score_of("rems", with_coma).total, 4);
    struct triage_score estimated = score_of("rems", with_mind);
    assert_int_equal(estimated.total, 2); /* P is read as GCS 8 */
    assert_true(part_of(&estimated, "gcs")->estimated);
    assert_false(score_of("rems", rest).complete);
}

/* What is missing is what is missing: the age and not the rates it is asked for; never a child's pressure that was given. */
static void test_names_what_is_missing(void **state) {
    (void)state;
    struct triage_score ageless = score_of("esi-danger", "pulse=120 respiration=30 spo2=97");
    assert_false(part_of(&ageless, "age")->known);
    assert_int_equal(ageless.part_count, 2); /* and the saturation */
    assert_true(ageless.any && !ageless.complete && ageless.total == 0);
    ageless = score_of("esi-danger", "pulse=120 spo2=97");
    assert_false(part_of(&ageless, "respiration")->known);
    struct triage_score adult = score_of("esi-danger", "age=40 pulse=120 respiration=30 spo2=97");
    assert_true(adult.part_count == 3 && adult.complete && adult.total == 2);
    struct triage_score child = score_of("ctas-vitals", "months=8 spo2=91 systolic=65 mind=V");
    for (int i = 0; i < child.part_count; i++)
        assert_string_not_equal(child.parts[i].code, "systolic");
    assert_true(child.total == 2 && !child.complete); /* children's rates stay unread */
    assert_int_equal(score_of("ctas-vitals", "months=8 systolic=65").total, 0);
}

/* Converted values fall into no gap between published steps. */
static void test_no_gap_between_bands(void **state) {
    (void)state;
    assert_int_equal(score_of("news2", "temperature=35.04").parts[6].points, 3);
    assert_int_equal(score_of("news2", "temperature=35.06").parts[6].points, 1);
    assert_int_equal(score_of("news2", "respiration=20.4").parts[0].points, 0);
    assert_int_equal(score_of("news2", "respiration=20.6").parts[0].points, 2);
}

static void test_whom_a_score_fits(void **state) {
    (void)state;
    struct triage_facts *facts = facts_of("months=191 respiration=16");
    assert_false(triage_score(TRIAGE_NEWS2, facts).fits);
    facts->age_months = 192;
    assert_true(triage_score(TRIAGE_NEWS2, facts).fits);
    assert_false(triage_score(TRIAGE_QSOFA, facts).fits);
    facts->pregnant = TRIAGE_YES;
    assert_false(triage_score(TRIAGE_NEWS2, facts).fits);
    assert_non_null(triage_score(TRIAGE_NEWS2, facts).unfit_ko);
    assert_true(triage_score(TRIAGE_CTAS_VITALS, facts).fits);
    facts->age_months = -1;
    assert_false(triage_score(TRIAGE_MEWS, facts).fits);
}

static void test_a_score_takes_microseconds(void **state) {
    (void)state;
    enum { ROUNDS = 20000 };
    struct triage_facts *facts = facts_of(
        "age=75 respiration=25 spo2=91 oxygen=yes systolic=90 diastolic=50 pulse=131 mind=U temperature=35.0 gcs=4");
    int64_t start = clock_monotonic_us();
    int sum = 0;
    for (int i = 0; i < ROUNDS; i++)
        sum += triage_score((enum triage_score_kind)(i % TRIAGE_SCORE_COUNT), facts).total;
    double each = (double)(clock_monotonic_us() - start) / ROUNDS;
    printf("a score: %.3f microseconds (checksum %d)\n", each, sum);
    assert_true(
        each < 50); /* far above what it takes: only a blunder reaches it, sanitizers and a busy machine included */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_published_fits),
        cmocka_unit_test(test_children_only),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_rems_counts_coma),
        cmocka_unit_test(test_names_what_is_missing),
        cmocka_unit_test(test_no_gap_between_bands),
        cmocka_unit_test(test_whom_a_score_fits),
        cmocka_unit_test(test_a_score_takes_microseconds),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
