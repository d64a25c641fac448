/* Every resource that R4 publishes is valid by R4's own rules, but for those that are known not to be
 * (test/cases/validate/published-faults.tsv: file, code or key, number of errors, reason). With the program's own terminology. */
#include "unit/fhir/case_file.h"
#include "validate/validate.h"

#include <glob.h>
#include <string.h>

#define PACKAGE "build/deps/fhir/package/"
enum { EXAMPLE_SIZE_MAX = 4 << 20, KNOWN_MAX = 600, DEADLINE_US = 20000000 };

struct known {
    struct text file, rule;
    int count;
    bool was_met;
};

struct examples {
    struct validate *validate;
    struct terminology *terminology;
    struct known known[KNOWN_MAX];
    int known_count, checked, unexpected;
};

static enum status check_code(enum validate_membership *out, void *context, const struct validate_coding *coding,
    struct text value_set, struct scope *scope) {
    return validate_ask_terminology(out, ((struct examples *)context)->terminology, coding, value_set, scope);
}

static void read_known(struct examples *all, struct scope *scope) {
    struct case_file file = case_file_open("test/cases/validate/published-faults.tsv", scope);
    while (case_file_next(&file)) {
        int64_t count = 0;
        assert_case(&file, file.field_count >= 4 && text_to_int64(&count, file.field[2]));
        assert_true(all->known_count < KNOWN_MAX);
        all->known[all->known_count++] = (struct known){file.field[0], file.field[1], (int)count, false};
    }
}

static int count_rule(const struct validate_report *report, struct text rule) {
    int count = 0;
    for (const struct validate_issue *issue = report->first; issue != NULL; issue = issue->next) {
        count += issue->severity == VALIDATE_ERROR && text_is(rule, issue->key != NULL ? issue->key : issue->code);
    }
    return count;
}

static void judge(struct examples *all, const char *name, const struct validate_report *report) {
    int explained = 0;
    for (int i = 0; i < all->known_count; i++) {
        struct known *known = &all->known[i];
        if (text_is(known->file, name)) {
            known->was_met = count_rule(report, known->rule) == known->count;
            explained += known->count;
        }
    }
    if (explained == report->errors) {
        return;
    }
    all->unexpected++;
    for (const struct validate_issue *issue = report->first; issue != NULL; issue = issue->next) {
        if (issue->severity == VALIDATE_ERROR) {
            printf("%s\t%s\t%s\t%s\n", name, issue->key != NULL ? issue->key : issue->code, issue->path, issue->text);
        }
    }
}

static void check_example(struct examples *all, const char *path, struct scope *scope) {
    struct text source;
    yyjson_doc *doc = NULL;
    struct validate_report report;
    struct validate_environment environment = {
        .check_code = check_code, .context = all, .now_us = INT64_C(1795316645678000)};
    if (file_read(&source, path, EXAMPLE_SIZE_MAX, scope) != STATUS_OK || json_read(&doc, source, scope) != STATUS_OK) {
        return;
    }
    struct validate_request request = {.resource = yyjson_doc_get_root(doc)};
    if (fhir_resource_type_of(request.resource) == FHIR_TYPE_NONE) {
        return;
    }
    scope->deadline_us = clock_monotonic_us() + DEADLINE_US;
    assert_int_equal(validate_resource(&report, all->validate, &request, &environment, scope), STATUS_OK);
    all->checked++;
    judge(all, strrchr(path, '/') + 1, &report);
}

static void published_resources_are_valid(void **state) {
    static struct examples all;
    struct scope scope = {.arena = arena_open(64 << 20)};
    glob_t files;
    (void)state;
    if (glob(PACKAGE "*.json", 0, NULL, &files) != 0) {
        printf("skipped: no " PACKAGE "\n");
        skip();
    }
    assert_int_equal(validate_open(&all.validate, &scope), STATUS_OK);
    assert_int_equal(terminology_open(&all.terminology, &(struct terminology_config){0}, &scope), STATUS_OK);
    read_known(&all, &scope);
    struct arena *arena = arena_open(1 << 30);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct scope own = {.arena = arena};
        check_example(&all, files.gl_pathv[i], &own);
        arena_reset(arena);
    }
    for (int i = 0; i < all.known_count; i++) {
        if (!all.known[i].was_met) {
            printf("no longer so: %.*s %.*s\n", (int)all.known[i].file.size, all.known[i].file.at,
                (int)all.known[i].rule.size, all.known[i].rule.at);
            all.unexpected++;
        }
    }
    printf("%d resources checked, %d known faults\n", all.checked, all.known_count);
    assert_true(all.checked > 4000);
    assert_int_equal(all.unexpected, 0);
    globfree(&files);
    terminology_close(all.terminology);
    validate_close(all.validate);
    arena_close(arena);
    arena_close(scope.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(published_resources_are_valid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
