/* What callers rely on beyond results: paths, callbacks, variables, limits, checks before evaluation, shared programs. */
#include "fhirpath/fhirpath.h"
#include "unit/cmocka_all.h"

#include <string.h>

static const char observation[] =
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{\"code\":\"a\"},{\"code\":\"b\"}]},"
    "\"subject\":{\"reference\":\"Patient/1\"},\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"c\"}],"
    "\"component\":[{\"code\":{},\"valueQuantity\":{\"value\":1}}]}";

static const yyjson_val *read_json(const char *json, struct scope *scope) {
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&doc, text_from(json), scope), STATUS_OK);
    return yyjson_doc_get_root(doc);
}

static enum status evaluate(struct fhirpath_items *out, const char *expression,
    const struct fhirpath_environment *environment, struct scope *scope) {
    const struct fhirpath *program = NULL;
    enum status status = fhirpath_compile(&program, text_from(expression), scope);
    return status != STATUS_OK ? status : fhirpath_evaluate(out, program, NULL, environment, scope);
}

static void paths(void **state) {
    static const struct {
        const char *expression, *path;
    } rows[] = {
        {"Observation", "Observation"},
        {"status", "Observation.status"},
        {"code.coding.where(code = 'b')", "Observation.code.coding[1]"},
        {"Observation.component.value.value", "Observation.component[0].value.value"},
        {"contained.id", "Observation.contained[0].id"},
        {"descendants().where($this is Quantity)", "Observation.component[0].value"},
    };
    struct scope scope = {.arena = arena_open(16 << 20)};
    struct fhirpath_environment environment = {.resource = read_json(observation, &scope), .want_paths = true};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fhirpath_items items;
        assert_int_equal(evaluate(&items, rows[i].expression, &environment, &scope), STATUS_OK);
        assert_int_equal(items.count, 1);
        assert_string_equal(items.at[0].path, rows[i].path);
    }
    arena_close(scope.arena);
}

struct answers {
    const yyjson_val *patient;
    int resolved, asked;
};

static enum status resolve(const yyjson_val **out, void *context, struct text reference, struct scope *scope) {
    struct answers *answers = context;
    (void)scope;
    answers->resolved++;
    *out = text_is(reference, "Patient/1") ? answers->patient : NULL;
    return STATUS_OK;
}

static enum status member_of(bool *out, bool *known, void *context, const struct fhirpath_item *code,
    struct text value_set, struct scope *scope) {
    struct answers *answers = context;
    answers->asked++;
    *known = text_is(value_set, "http://example.org/known");
    *out = text_is(fhirpath_item_text(code, scope), "final");
    return STATUS_OK;
}

static void callbacks(void **state) {
    struct scope scope = {.arena = arena_open(16 << 20)};
    struct answers answers = {
        .patient = read_json("{\"resourceType\":\"Patient\",\"id\":\"1\",\"gender\":\"male\"}", &scope)};
    struct fhirpath_environment environment = {
        .resource = read_json(observation, &scope), .resolve = resolve, .member_of = member_of, .context = &answers};
    struct fhirpath_items items;
    (void)state;
    assert_int_equal(evaluate(&items, "subject.resolve().gender", &environment, &scope), STATUS_OK);
    assert_int_equal(items.count, 1);
    assert_true(text_is(fhirpath_item_text(&items.at[0], &scope), "male"));
    /* what the caller does not know is not there, whatever its text says */
    assert_int_equal(evaluate(&items, "'Patient/2'.resolve()", &environment, &scope), STATUS_OK);
    assert_int_equal(items.count, 0);
    assert_int_equal(answers.resolved, 2);
    assert_int_equal(evaluate(&items, "status.memberOf('http://example.org/known')", &environment, &scope), STATUS_OK);
    assert_true(items.count == 1 && items.at[0].boolean);
    assert_int_equal(evaluate(&items, "status.memberOf('http://example.org/other')", &environment, &scope), STATUS_OK);
    assert_int_equal(items.count, 0);
    assert_int_equal(answers.asked, 2);
    arena_close(scope.arena);
}

static void variables_and_input(void **state) {
    struct scope scope = {.arena = arena_open(16 << 20)};
    struct fhirpath_item two[] = {{.kind = FHIRPATH_INTEGER, .integer = 3}, {.kind = FHIRPATH_INTEGER, .integer = 4}};
    struct fhirpath_environment environment = {.resource = read_json(observation, &scope)};
    __typeof__(*environment.variables) variable = {TEXT("limits"), {two, 2}};
    environment.variables = &variable;
    environment.variable_count = 1;
    struct fhirpath_items items, input = {two, 1};
    const struct fhirpath *program = NULL;
    (void)state;
    assert_int_equal(evaluate(&items, "%limits.select($this * 2)", &environment, &scope), STATUS_OK);
    assert_int_equal(items.count, 2);
    assert_int_equal(items.at[1].integer, 8);
    assert_int_equal(
        fhirpath_compile(&program, TEXT("$this + %context + %resource.component.count()"), &scope), STATUS_OK);
    assert_int_equal(fhirpath_evaluate(&items, program, &input, &environment, &scope), STATUS_OK);
    assert_int_equal(items.at[0].integer, 7);
    arena_close(scope.arena);
}

static struct text repeated(struct scope *scope, const char *before, const char *middle, const char *after, int count) {
    struct buffer buffer = buffer_open(scope->arena, 1 << 20);
    for (int i = 0; i < count; i++) {
        buffer_put_string(&buffer, before);
    }
    buffer_put_string(&buffer, middle);
    for (int i = 0; i < count; i++) {
        buffer_put_string(&buffer, after);
    }
    return buffer_text(&buffer);
}

static void limits(void **state) {
    struct scope scope = {.arena = arena_open(64 << 20)};
    const struct fhirpath *program = NULL;
    struct fhirpath_items items;
    struct fhirpath_environment environment = {.resource = read_json(observation, &scope), .steps_max = 20};
    (void)state;
    assert_int_equal(
        fhirpath_compile(&program, repeated(&scope, "(", "1", ")", FHIRPATH_DEPTH_MAX - 1), &scope), STATUS_OK);
    assert_int_equal(
        fhirpath_compile(&program, repeated(&scope, "(", "1", ")", FHIRPATH_DEPTH_MAX), &scope), STATUS_TOO_COSTLY);
    assert_int_equal(fhirpath_compile(&program, repeated(&scope, "-", "1", "", 100000), &scope), STATUS_TOO_COSTLY);
    assert_int_equal(fhirpath_compile(&program, repeated(&scope, "", "a", ".a", 100000), &scope), STATUS_TOO_COSTLY);
    assert_int_equal(fhirpath_compile(&program, repeated(&scope, "", "a", " or a", 100000), &scope), STATUS_TOO_COSTLY);
    assert_int_equal(fhirpath_compile(&program, repeated(&scope, "", "a", " or a", 400), &scope), STATUS_OK);
    environment.steps_max = 1000;
    assert_int_equal(fhirpath_evaluate(&items, program, NULL, &environment, &scope), STATUS_OK);
    environment.steps_max = 20;
    assert_int_equal(evaluate(&items, "code.coding.code", &environment, &scope), STATUS_OK);
    assert_int_equal(
        evaluate(&items, "descendants().descendants().descendants()", &environment, &scope), STATUS_TOO_COSTLY);
    environment.steps_max = 0;
    scope.deadline_us = clock_monotonic_us() - 1;
    assert_int_equal(evaluate(&items, "Observation.repeatAll($this)", &environment, &scope), STATUS_TOO_COSTLY);
    arena_close(scope.arena);
}

static void faults_tell_the_column_and_no_value(void **state) {
    struct scope scope = {.arena = arena_open(16 << 20)};
    struct fhirpath_environment environment = {.resource = read_json(observation, &scope)};
    struct fhirpath_items items;
    (void)state;
    assert_int_equal(evaluate(&items, "status.foo(", &environment, &scope), STATUS_INVALID);
    assert_non_null(strstr(scope.fault.last->text, "column 8"));
    assert_int_equal(evaluate(&items, "1 > status", &environment, &scope), STATUS_INVALID);
    assert_non_null(strstr(scope.fault.last->text, "column 3"));
    assert_null(strstr(scope.fault.last->text, "final"));
    arena_close(scope.arena);
}

static void checks(void **state) {
    static const struct {
        const char *expression;
        enum status status;
    } rows[] = {
        {"Observation.value.unit", STATUS_OK},
        {"Observation.code.coding.code.startsWith('a')", STATUS_OK},
        {"component.where(value is Quantity).value.value", STATUS_OK},
        {"contained.name", STATUS_OK}, /* any resource may stand there */
        {"Observation.foo", STATUS_INVALID},
        {"Observation.code.coding.foo", STATUS_INVALID},
        {"Patient.name", STATUS_INVALID},
        {"component.where(foo = 1)", STATUS_INVALID},
        {"Observation.code.startsWith('a')", STATUS_INVALID},
        {"component.as(Quantity)", STATUS_INVALID},
        {"children().first()", STATUS_INVALID},
        {"(value as Period).unit", STATUS_INVALID},
        {"valueQuantity", STATUS_INVALID},
    };
    struct scope scope = {.arena = arena_open(16 << 20)};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fhirpath *program = NULL;
        assert_int_equal(fhirpath_compile(&program, text_from(rows[i].expression), &scope), STATUS_OK);
        if (fhirpath_check(program, fhir_type_find(TEXT("Observation")), &scope) != rows[i].status) {
            fail_msg("%s", rows[i].expression);
        }
    }
    arena_close(scope.arena);
}

/* One program over documents of several types: what was looked up for one must not be used for another. */
static void one_program_many_types(void **state) {
    struct scope scope = {.arena = arena_open(16 << 20)};
    const struct fhirpath *program = NULL;
    static const char *const documents[] = {
        "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"a\"}]}",
        "{\"resourceType\":\"Organization\",\"name\":\"b\"}",
        "{\"resourceType\":\"Nothing\",\"name\":\"c\"}",
        "{\"resourceType\":\"Practitioner\",\"name\":[{\"family\":\"d\"},{\"family\":\"e\"}]}",
    };
    static const size_t counts[] = {1, 1, 0, 2};
    (void)state;
    assert_int_equal(
        fhirpath_compile(&program, TEXT("Patient.name | Organization.name | Resource.name"), &scope), STATUS_OK);
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct fhirpath_items items;
        struct fhirpath_environment environment = {.resource = read_json(documents[i], &scope)};
        assert_int_equal(fhirpath_evaluate(&items, program, NULL, &environment, &scope), STATUS_OK);
        assert_int_equal(items.count, counts[i]);
    }
    arena_close(scope.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(callbacks),
        cmocka_unit_test(variables_and_input),
        cmocka_unit_test(limits),
        cmocka_unit_test(faults_tell_the_column_and_no_value),
        cmocka_unit_test(checks),
        cmocka_unit_test(one_program_many_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
