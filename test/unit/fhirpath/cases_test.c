/* Cases of our own: test/cases/fhirpath/NN-SECTION.txt, three lines each: expression, input, output. Input: a JSON resource on
 * one line, or -. Output: the items, ", " between them, strings in quotes, complex ones as JSON; {} for none; error for a
 * fault; costly for a limit. Blank lines and those that start with # stand between cases. Each file runs in three zones. */
#include "fhirpath/fhirpath.h"
#include "unit/cmocka_all.h"

#include <glob.h>
#include <stdio.h>

enum { CASE_ARENA = 64 << 20 };

static void put_item(struct buffer *out, const struct fhirpath_item *item, struct scope *scope) {
    struct text text = fhirpath_item_text(item, scope);
    bool is_node = item->kind == FHIRPATH_NODE;
    if (is_node && yyjson_is_ctn((yyjson_val *)item->node)) {
        struct json_writer w = json_writer_open(scope->arena, 1 << 20);
        json_value(&w, item->node);
        assert_int_equal(json_finish(&text, &w, scope), STATUS_OK);
        buffer_put(out, text);
    } else if (is_node && item->node == NULL) {
        buffer_put_format(out, "<%s>", fhir_type_name(item->type));
    } else if (item->kind == FHIRPATH_STRING || (is_node && yyjson_is_str((yyjson_val *)item->node))) {
        buffer_put_char(out, '\'');
        buffer_put(out, text);
        buffer_put_char(out, '\'');
    } else {
        bool is_moment = item->kind >= FHIRPATH_DATE && item->kind <= FHIRPATH_TIME;
        buffer_put_string(out, is_moment ? "@" : "");
        buffer_put_string(out, item->kind == FHIRPATH_TIME ? "T" : "");
        buffer_put(out, text);
    }
}

static struct text outcome(struct text expression, struct text input, int zone_minutes, struct scope *scope) {
    const struct fhirpath *program = NULL;
    struct fhirpath_items items = {0};
    /* 2026-11-22T03:04:05.678Z */
    struct fhirpath_environment environment = {
        .now_us = INT64_C(1795316645678000), .zone_minutes = zone_minutes, .steps_max = 100000};
    if (!text_is(input, "-")) {
        yyjson_doc *doc = NULL;
        assert_int_equal(json_read(&doc, input, scope), STATUS_OK);
        environment.resource = yyjson_doc_get_root(doc);
    }
    enum status status = fhirpath_compile(&program, expression, scope);
    if (status == STATUS_OK) {
        status = fhirpath_evaluate(&items, program, NULL, &environment, scope);
    }
    if (status != STATUS_OK) {
        return status == STATUS_TOO_COSTLY ? TEXT("costly") : TEXT("error");
    }
    struct buffer out = buffer_open(scope->arena, 1 << 20);
    for (size_t i = 0; i < items.count; i++) {
        buffer_put_string(&out, i > 0 ? ", " : "");
        put_item(&out, &items.at[i], scope);
    }
    return items.count > 0 ? buffer_text(&out) : TEXT("{}");
}

static bool next_line(struct text *line, struct text *rest, int *number) {
    while (rest->at != NULL) {
        *line = text_cut(rest, '\n');
        ++*number;
        if (line->size > 0 && line->at[0] != '#') {
            return true;
        }
    }
    return false;
}

static int run_file(const char *path, int zone_minutes, int *cases) {
    struct scope scope = {.arena = arena_open(CASE_ARENA)};
    struct text rest, expression, input, expected;
    int number = 0, failures = 0;
    assert_int_equal(file_read(&rest, path, 1 << 20, &scope), STATUS_OK);
    while (next_line(&expression, &rest, &number)) {
        assert_true(next_line(&input, &rest, &number) && next_line(&expected, &rest, &number));
        struct scope inner = {.arena = arena_open(CASE_ARENA)};
        struct text actual = outcome(expression, input, zone_minutes, &inner);
        if (!text_equal(actual, expected)) {
            printf("%s:%d (zone %d): %.*s\n  got  %.*s\n  want %.*s\n", path, number, zone_minutes,
                (int)expression.size, expression.at, (int)actual.size, actual.at, (int)expected.size, expected.at);
            failures++;
        }
        ++*cases;
        arena_close(inner.arena);
    }
    arena_close(scope.arena);
    return failures;
}

static void cases(void **state) {
    static const int zones[] = {0, 540, -600};
    glob_t found;
    int failures = 0, count = 0;
    (void)state;
    assert_int_equal(glob("test/cases/fhirpath/*.txt", 0, NULL, &found), 0);
    for (size_t zone = 0; zone < sizeof zones / sizeof *zones; zone++) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            failures += run_file(found.gl_pathv[i], zones[zone], &count);
        }
    }
    printf("%d cases in %zu files and 3 zones\n", count / 3, found.gl_pathc);
    globfree(&found);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
