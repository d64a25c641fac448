/* What a model sees of a visit: names, units of derivation, words of the complaint, and what is missing. */
#include "triage/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* after what it needs */

enum { ARENA_BYTES = 64 << 20, VALUES_MAX = 64 };

struct bench {
    struct arena *arena;
    struct scope scope;
    const struct triage_policy *policy;
};

static int bench_open(void **state) {
    struct bench *bench = test_calloc(1, sizeof *bench);
    bench->arena = arena_open(ARENA_BYTES);
    bench->scope.arena = bench->arena;
    *state = bench;
    return triage_policy_open(&bench->policy, (struct text){0}, bench->arena, &bench->scope) == STATUS_OK ? 0 : -1;
}

static int bench_close(void **state) {
    struct bench *bench = *state;
    arena_close(bench->arena);
    test_free(bench);
    return 0;
}

static const struct feature_set *set_of(struct bench *bench, const char *const *names, size_t count) {
    struct text texts[VALUES_MAX];
    const struct feature_set *set = NULL;
    for (size_t i = 0; i < count; i++)
        texts[i] = text_from(names[i]);
    assert_int_equal(features_open(&set, texts, count, NULL, 0, bench->policy, bench->arena, &bench->scope), STATUS_OK);
    return set;
}

static void test_fields_and_derived(void **state) {
    struct bench *bench = *state;
    static const char *const names[] = {
        "age", "systolic", "shock-index", "mean-pressure", "pulse-pressure", "age-shock-index", "news2", "rems"};
    float out[8];
    const struct feature_set *set = set_of(bench, names, 8);
    struct visit visit = visit_new();
    visit.fields[VISIT_AGE] = 70;
    visit.fields[VISIT_SYSTOLIC] = 90;
    visit.fields[VISIT_DIASTOLIC] = 60;
    visit.fields[VISIT_PULSE] = 135;
    features_fill(out, set, &visit, bench->arena);
    static const float expected[] = {70, 90, 1.5F, 70, 30, 105, 6, 7}; /* NEWS2 3 + 3; REMS 5 (age) + 2 (pulse) */
    for (int i = 0; i < 8; i++)
        assert_float_equal(out[i], expected[i], 1e-6);
}

static void test_missing_is_nan(void **state) {
    struct bench *bench = *state;
    static const char *const names[] = {
        "age", "shock-index", "news2", "concept:chest-pain", "gram:64:3", "complaint-length", "human-level"};
    float out[7];
    struct visit visit = visit_new();
    features_fill(out, set_of(bench, names, 7), &visit, bench->arena);
    for (int i = 0; i < 7; i++)
        assert_true(isnan(out[i]));
    visit.complaint = TEXT("\xff\xfe"); /* no UTF-8: as good as none */
    features_fill(out, set_of(bench, names, 7), &visit, bench->arena);
    for (int i = 0; i < 7; i++)
        assert_true(isnan(out[i]));
}

static void test_words(void **state) {
    struct bench *bench = *state;
    static const char *const names[] = {"concept:chest-pain", "concept:dyspnoea", "complaint-length"};
    static const struct {
        const char *complaint;
        float chest_pain, dyspnoea;
    } rows[] = {
        {"chest pain, dyspnea", 1, 1},
        {"no chest pain, dyspnea", 0, 1},
        {"가슴 통증", 1, 0},
        {"가슴 통증 없음", 0, 0},
        {"r/o chest pain", 0.5F, 0},
    };
    const struct feature_set *set = set_of(bench, names, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        float out[3];
        struct visit visit = visit_new();
        visit.complaint = text_from(rows[i].complaint);
        features_fill(out, set, &visit, bench->arena);
        if (out[0] != rows[i].chest_pain || out[1] != rows[i].dyspnoea)
            fail_msg("%s: chest pain %g, dyspnoea %g", rows[i].complaint, (double)out[0], (double)out[1]);
    }
    struct visit visit = visit_new();
    visit.complaint = TEXT("가슴 통증");
    float out[3];
    features_fill(out, set, &visit, bench->arena);
    assert_float_equal(out[2], 5, 1e-6);
}

/* Which buckets of 16 a complaint falls into; the form (case, blanks, composition) changes nothing. */
static unsigned buckets_of(struct bench *bench, const char *complaint) {
    char names[16][32];
    const char *list[16];
    float out[16];
    unsigned bits = 0;
    for (int i = 0; i < 16; i++) {
        snprintf(names[i], sizeof names[i], "gram:16:%d", i);
        list[i] = names[i];
    }
    struct visit visit = visit_new();
    visit.complaint = text_from(complaint);
    features_fill(out, set_of(bench, list, 16), &visit, bench->arena);
    for (int i = 0; i < 16; i++)
        bits |= out[i] > 0 ? 1U << i : 0;
    return bits;
}

/* FNV-1a 64 by hand, so that a change of the hash or the form is seen. */
static uint64_t fnv(const char *bytes) {
    uint64_t hash = 14695981039346656037ull;
    for (; *bytes; bytes++)
        hash = (hash ^ (unsigned char)*bytes) * 1099511628211ull;
    return hash;
}

static void test_grams_are_stable(void **state) {
    struct bench *bench = *state;
    static const char *const grams[] = {" ab", "ab ", " ab "};
    unsigned expected = 0;
    for (size_t i = 0; i < sizeof grams / sizeof grams[0]; i++)
        expected |= 1U << (fnv(grams[i]) % 16);
    assert_int_equal(buckets_of(bench, "ab"), expected);
    assert_int_equal(buckets_of(bench, "  AB "), expected);
    assert_int_equal(
        buckets_of(bench, "\xea\xb0\x80"), buckets_of(bench, "\xe1\x84\x80\xe1\x85\xa1")); /* 가, composed or not */
}

static void test_columns(void **state) {
    struct bench *bench = *state;
    const struct text names[] = {TEXT("column:b"), TEXT("column:a")}, columns[] = {TEXT("a"), TEXT("b")};
    const struct feature_set *set = NULL;
    assert_int_equal(features_open(&set, names, 2, columns, 2, bench->policy, bench->arena, &bench->scope), STATUS_OK);
    const double values[] = {1, 2};
    struct visit visit = visit_new();
    float out[2];
    visit.columns = values;
    features_fill(out, set, &visit, bench->arena);
    assert_float_equal(out[0], 2, 0);
    assert_float_equal(out[1], 1, 0);
    assert_int_equal(
        features_open(&set, names, 1, columns, 1, bench->policy, bench->arena, &bench->scope), STATUS_NOT_FOUND);
}

/* A mark is known only where its column holds more than 0. */
static void test_marks(void **state) {
    struct bench *bench = *state;
    const struct text names[] = {TEXT("mark:a"), TEXT("mark:b"), TEXT("mark:c")},
                      columns[] = {TEXT("a"), TEXT("b"), TEXT("c")};
    const struct feature_set *set = NULL;
    assert_int_equal(features_open(&set, names, 3, columns, 3, bench->policy, bench->arena, &bench->scope), STATUS_OK);
    float out[3];
    const double values[] = {2, 0, (double)NAN};
    struct visit visit = visit_new();
    features_fill(out, set, &visit, bench->arena);
    assert_true(isnan(out[0]) && isnan(out[1]) && isnan(out[2]));
    visit.columns = values;
    features_fill(out, set, &visit, bench->arena);
    assert_float_equal(out[0], 1, 0);
    assert_true(isnan(out[1]) && isnan(out[2]));
}

static void test_unknown_names(void **state) {
    struct bench *bench = *state;
    static const char *const names[] = {"", "agee", "concept:", "concept:nothing-such", "gram:16", "gram:16:16",
        "gram:0:0", "gram:99999999:0", "gram:16:-1", "diagnosis", "ktas-expert"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct feature_set *set = NULL;
        struct text name = text_from(names[i]);
        if (features_open(&set, &name, 1, NULL, 0, bench->policy, bench->arena, &bench->scope) != STATUS_INVALID)
            fail_msg("'%s' was taken", names[i]);
    }
}

static void test_from_facts(void **state) {
    struct bench *bench = *state;
    struct triage_facts *facts = triage_facts_new(bench->arena);
    facts->sex = TRIAGE_MALE;
    facts->mind = TRIAGE_VOICE;
    facts->age_months = 12 * 50 + 11;
    facts->human_level = 3;
    assert_int_equal(
        triage_facts_put(facts, TRIAGE_SYSTOLIC, 120, TEXT("mm[Hg]"), TEXT("x"), 0, &bench->scope), STATUS_OK);
    assert_int_equal(triage_facts_put_text(facts,
                         (struct triage_text){.kind = TRIAGE_TEXT_HISTORY, .text = TEXT("stroke")}, &bench->scope),
        STATUS_OK);
    struct visit visit = visit_from_facts(facts, bench->arena);
    assert_float_equal(visit.fields[VISIT_AGE], 50, 0);
    assert_float_equal(visit.fields[VISIT_MALE], 1, 0);
    assert_float_equal(visit.fields[VISIT_MIND], 2, 0);
    assert_float_equal(visit.fields[VISIT_SYSTOLIC], 120, 0);
    assert_float_equal(visit.fields[VISIT_HUMAN_LEVEL], 3, 0);
    assert_true(isnan(visit.fields[VISIT_PULSE]));
    assert_null(visit.complaint.at); /* a history is no complaint */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_and_derived),
        cmocka_unit_test(test_missing_is_nan),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_grams_are_stable),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_from_facts),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
