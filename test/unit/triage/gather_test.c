/* test/cases/triage/bundles.json: FHIR in, facts and reading out; what cannot be is refused with its path. */
#include "triage/triage.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after what it needs */

enum { ARENA_BYTES = 64 << 20, FILE_BYTES = 4 << 20, ZONE_KOREA_MINUTES = 540, CASES_MIN = 40 };

struct one {
    const char *name;
    const yyjson_val *expect, *bundle;
    struct triage_gather_options options;
    const struct triage_policy *policy;
};

static void expect_text(const yyjson_val *expect, const char *name, const char *got, const char *what) {
    struct text expected = json_get_text(expect, name);
    if (expected.at && !text_is(expected, got ? got : ""))
        fail_msg("%s: %s: expected %.*s got %s", what, name, (int)expected.size, expected.at, got ? got : "nothing");
}

static void expect_int(const yyjson_val *expect, const char *name, int64_t got, const char *what) {
    int64_t expected = 0;
    if (json_get_int64(&expected, expect, name) && expected != got)
        fail_msg("%s: %s: expected %lld got %lld", what, name, (long long)expected, (long long)got);
}

static const char *answer(enum triage_answer value) {
    return value == TRIAGE_YES ? "yes" : value == TRIAGE_NO ? "no" : "unknown";
}

static void check_values(const yyjson_val *expect, const struct triage_facts *facts, const char *what) {
    yyjson_val *values = json_get(expect, "values");
    int known = 0;
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        double expected = 0;
        bool listed = json_get_double(&expected, values, triage_measure_code((enum triage_measure)i));
        known += facts->values[i].known;
        if (listed && (!facts->values[i].known || fabs(facts->values[i].value - expected) > 0.051))
            fail_msg("%s: %s: expected %g got %g", what, triage_measure_code((enum triage_measure)i), expected,
                facts->values[i].value);
    }
    if (values && known != (int)yyjson_obj_size(values))
        fail_msg("%s: %d values are known", what, known);
}

static void check_lists(const yyjson_val *expect, const struct triage_facts *facts,
    const struct triage_reading *reading, const char *what) {
    static const char *const kinds[] = {"complaint", "finding", "history"};
    size_t i, count;
    yyjson_val *item, *list = json_get(expect, "notes");
    yyjson_arr_foreach(list, i, count, item) {
        if (i >= facts->note_count || !text_is(json_text(item), facts->notes[i].code))
            fail_msg("%s: note %zu", what, i);
    }
    if (list && yyjson_arr_size(list) != facts->note_count)
        fail_msg("%s: %zu notes", what, facts->note_count);
    list = json_get(expect, "kinds");
    if (list && yyjson_arr_size(list) != facts->text_count)
        fail_msg("%s: %zu texts", what, facts->text_count);
    yyjson_arr_foreach(list, i, count, item) {
        if (!text_is(json_text(item), kinds[facts->texts[i].kind]))
            fail_msg("%s: text %zu is %s", what, i, kinds[facts->texts[i].kind]);
    }
    list = json_get(expect, "needs");
    if (list && yyjson_arr_size(list) != reading->need_count)
        fail_msg("%s: %zu needs", what, reading->need_count);
    yyjson_arr_foreach(list, i, count, item) {
        if (!text_equal(json_text(item), reading->needs[i].need->code))
            fail_msg("%s: need %zu is %.*s", what, i, (int)reading->needs[i].need->code.size,
                reading->needs[i].need->code.at);
    }
}

/* "confirmed": need, the record's words and where they stand, of each. */
static void check_confirmed(const yyjson_val *expect, const struct triage_reading *reading, const char *what) {
    yyjson_val *list = json_get(expect, "confirmed");
    size_t at = 0;
    for (size_t i = 0; i < reading->need_count && list; i++) {
        const struct triage_needed *needed = &reading->needs[i];
        const struct triage_evidence *evidence = &needed->evidence[0];
        char got[400];
        if (!needed->confirmed)
            continue;
        (void)snprintf(got, sizeof got, "%.*s %.*s %.*s", (int)needed->need->code.size, needed->need->code.at,
            (int)evidence->quote.size, evidence->quote.at, (int)evidence->path.size, evidence->path.at);
        if (needed->possible || !text_is(json_text(yyjson_arr_get(list, at++)), got))
            fail_msg("%s: confirmed %s", what, got);
    }
    if (list && at != yyjson_arr_size(list))
        fail_msg("%s: %zu needs are confirmed", what, at);
}

static enum status gather_one(void *context, struct scope *scope) {
    const struct one *one = context;
    struct triage_facts *facts = NULL;
    struct triage_reading reading;
    enum status status = triage_gather_bundle(&facts, one->bundle, &one->options, scope);
    if (status == STATUS_OK)
        status = triage_read(&reading, one->policy, facts, NULL, 0, scope);
    const char *what = one->name;
    if (status != STATUS_OK || json_get_text(one->expect, "status").at)
        return status;
    static const char *const letters[] = {"unknown", "A", "C", "V", "P", "U"};
    expect_int(one->expect, "ageMonths", facts->age_months, what);
    expect_int(one->expect, "onsetMinutes", facts->onset_minutes, what);
    expect_int(one->expect, "humanLevel", facts->human_level, what);
    expect_int(one->expect, "level", reading.level, what);
    expect_text(one->expect, "mind", letters[facts->mind], what);
    expect_text(one->expect, "oxygen", answer(facts->oxygen), what);
    expect_text(one->expect, "pregnant", answer(facts->pregnant), what);
    expect_text(one->expect, "hypercapnic", answer(facts->hypercapnic), what);
    check_values(one->expect, facts, what);
    check_lists(one->expect, facts, &reading, what);
    check_confirmed(one->expect, &reading, what);
    return STATUS_OK;
}

static void run_case(const yyjson_val *item, const struct triage_policy *policy) {
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    struct text name = json_get_text(item, "name");
    const yyjson_val *options = json_get(item, "options"), *expect = json_get(item, "expect");
    int64_t human = 0;
    (void)json_get_int64(&human, options, "humanLevel");
    struct one one = {.name = text_string(arena, name),
        .expect = expect,
        .bundle = json_get(item, "bundle"),
        .policy = policy,
        .options = {.encounter = json_get_text(options, "encounter"),
            .human_level = (int)human,
            .zone_minutes = ZONE_KOREA_MINUTES}};
    enum status status = scope_run(&scope, arena, gather_one, &one);
    struct text expected = json_get_text(expect, "status");
    if (strcmp(status_name(status), expected.at ? text_string(arena, expected) : "ok") != 0)
        fail_msg("%.*s: %s %s %s", (int)name.size, name.at, status_name(status),
            scope.fault.first ? scope.fault.first->path : "", scope.fault.first ? scope.fault.first->text : "");
    if (expected.at && !text_equal(json_get_text(expect, "path"), text_from(scope.fault.first->path)))
        fail_msg("%.*s: path is %s", (int)name.size, name.at, scope.fault.first->path);
    arena_close(arena);
}

struct loaded {
    yyjson_doc *doc;
    const struct triage_policy *policy;
};

static enum status load(void *context, struct scope *scope) {
    struct loaded *loaded = context;
    struct text source;
    enum status status = file_read(&source, "test/cases/triage/bundles.json", FILE_BYTES, scope);
    if (status == STATUS_OK)
        status = json_read(&loaded->doc, source, scope);
    return status == STATUS_OK ? triage_policy_open(&loaded->policy, (struct text){0}, scope->arena, scope) : status;
}

static void test_bundles(void **state) {
    (void)state;
    struct scope scope;
    struct loaded loaded = {0};
    struct arena *arena = arena_open(ARENA_BYTES);
    assert_int_equal(scope_run(&scope, arena, load, &loaded), STATUS_OK);
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(yyjson_doc_get_root(loaded.doc), i, count, item) run_case(item, loaded.policy);
    assert_true(count >= CASES_MIN);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bundles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
