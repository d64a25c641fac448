/* test/cases/validate/NAME.json: definitions, value sets (url: {system: [codes]}), resources, and cases: one of the resources
 * changed by a JSON merge patch (RFC 7386), and all the errors and warnings that are expected of it, as
 * "severity code key path" (key - where no rule of its own speaks), in any order. Information is compared where a case has some. */
#include "unit/cmocka_all.h"
#include "validate/validate.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[] = {"error", "warning", "information"};

struct book {
    const yyjson_val *root;
};

static enum status find_definition(
    const yyjson_val **out, void *context, struct text url, struct text version, struct scope *scope) {
    yyjson_val *all = (yyjson_val *)json_get(((struct book *)context)->root, "definitions"), *each;
    size_t index, count;
    (void)version;
    (void)scope;
    *out = NULL;
    yyjson_arr_foreach(all, index, count, each) {
        if (text_equal(json_get_text(each, "url"), url)) {
            *out = each;
        }
    }
    return STATUS_OK;
}

static bool has_code(const yyjson_val *codes, struct text code) {
    size_t index, count;
    yyjson_val *each;
    yyjson_arr_foreach((yyjson_val *)codes, index, count, each) {
        if (text_equal(json_text(each), code)) {
            return true;
        }
    }
    return false;
}

static enum status check_code(enum validate_membership *out, void *context, const struct validate_coding *coding,
    struct text value_set, struct scope *scope) {
    const yyjson_val *sets = json_get(((struct book *)context)->root, "valueSets");
    const yyjson_val *set = json_get(sets, text_string(scope->arena, value_set));
    size_t index, count;
    yyjson_val *system, *codes;
    *out = set == NULL ? VALIDATE_UNKNOWN_VALUE_SET : VALIDATE_NO_MEMBER;
    yyjson_obj_foreach((yyjson_val *)set, index, count, system, codes) {
        bool fits = coding->system.size == 0 || text_equal(json_text(system), coding->system);
        if (fits && yyjson_is_null(codes)) {
            *out = VALIDATE_UNKNOWN_SYSTEM;
        } else if (fits && has_code(codes, coding->code)) {
            *out = VALIDATE_MEMBER;
        }
    }
    return STATUS_OK;
}

static const yyjson_val *patched(const yyjson_val *root, const yyjson_val *row, struct scope *scope) {
    const yyjson_val *resource =
        json_get(json_get(root, "resources"), text_string(scope->arena, json_get_text(row, "of")));
    const yyjson_val *patch = json_get(row, "change");
    assert_non_null(resource);
    if (patch == NULL) {
        return resource;
    }
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *merged = yyjson_merge_patch(doc, (yyjson_val *)resource, (yyjson_val *)patch);
    size_t size;
    char *json = yyjson_mut_val_write(merged, 0, &size);
    yyjson_doc *read = NULL;
    assert_non_null(json);
    assert_int_equal(json_read(&read, text_copy(scope->arena, (struct text){json, size}), scope), STATUS_OK);
    free(json);
    yyjson_mut_doc_free(doc);
    return yyjson_doc_get_root(read);
}

static struct text line_of(const struct validate_issue *issue, struct scope *scope) {
    return text_format(scope->arena, "%s %s %s %s", severities[issue->severity], issue->code,
        issue->key != NULL ? issue->key : "-", issue->path);
}

static bool expects_information(const yyjson_val *expected) {
    size_t index, count;
    yyjson_val *each;
    yyjson_arr_foreach((yyjson_val *)expected, index, count, each) {
        if (text_starts(json_text(each), "information")) {
            return true;
        }
    }
    return false;
}

static int compare(const yyjson_val *row, const struct validate_report *report, struct scope *scope) {
    const yyjson_val *expected = json_get(row, "expect");
    bool wants_all = expects_information(expected);
    size_t found = 0;
    int wrong = 0;
    for (const struct validate_issue *issue = report->first; issue != NULL; issue = issue->next) {
        if (issue->severity == VALIDATE_INFORMATION && !wants_all) {
            continue;
        }
        found++;
        if (!has_code(expected, line_of(issue, scope))) {
            wrong++;
            printf("  not expected: %s: %s\n", line_of(issue, scope).at, issue->text);
        }
    }
    if (wrong > 0 || found != yyjson_arr_size((yyjson_val *)expected)) {
        struct text name = json_get_text(row, "name");
        printf("%.*s: %zu issues, %zu expected\n", (int)name.size, name.at, found,
            yyjson_arr_size((yyjson_val *)expected));
        return 1;
    }
    return 0;
}

static int run_case(const struct validate *validate, struct book *book, const yyjson_val *row, struct scope *scope) {
    struct validate_environment environment = {.find_definition = find_definition,
        .check_code = check_code,
        .context = book,
        .now_us = INT64_C(1795316645678000)};
    struct text profiles[VALIDATE_PROFILES_MAX], mode = json_get_text(row, "mode");
    struct validate_request request = {.resource = patched(book->root, row, scope), .profiles = profiles};
    struct validate_report report;
    yyjson_val *asked = (yyjson_val *)json_get(row, "profiles"), *each;
    size_t index, count;
    yyjson_arr_foreach(asked, index, count, each) {
        profiles[request.profile_count++] = json_text(each);
    }
    request.mode = text_is(mode, "update")   ? VALIDATE_FOR_UPDATE
                   : text_is(mode, "create") ? VALIDATE_FOR_CREATE
                                             : VALIDATE_AS_IT_IS;
    request.id = json_get_text(row, "id");
    assert_int_equal(validate_resource(&report, validate, &request, &environment, scope), STATUS_OK);
    return compare(row, &report, scope);
}

static int run_file(const struct validate *validate, const char *path, int *cases) {
    struct scope scope = {.arena = arena_open(256 << 20)};
    struct text source;
    yyjson_doc *doc = NULL;
    size_t index, count;
    yyjson_val *row;
    int failed = 0;
    assert_int_equal(file_read(&source, path, 16 << 20, &scope), STATUS_OK);
    if (json_read(&doc, source, &scope) != STATUS_OK) {
        fail_msg("%s: %s", path, scope.fault.first->text);
    }
    struct book book = {yyjson_doc_get_root(doc)};
    yyjson_arr_foreach((yyjson_val *)json_get(book.root, "cases"), index, count, row) {
        failed += run_case(validate, &book, row, &scope);
        ++*cases;
    }
    arena_close(scope.arena);
    return failed;
}

static void cases_hold(void **state) {
    struct scope scope = {.arena = arena_open(16 << 20)};
    struct validate *validate = NULL;
    glob_t files;
    int cases = 0, failed = 0;
    (void)state;
    assert_int_equal(validate_open(&validate, &scope), STATUS_OK);
    assert_int_equal(glob("test/cases/validate/*.json", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        int before = cases, wrong = run_file(validate, files.gl_pathv[i], &cases);
        printf("%s: %d cases, %d failed\n", files.gl_pathv[i], cases - before, wrong);
        failed += wrong;
    }
    assert_true(cases >= 100);
    assert_int_equal(failed, 0);
    globfree(&files);
    validate_close(validate);
    arena_close(scope.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
