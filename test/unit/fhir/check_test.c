/* fhir_check: cases by hand, published examples whole, and examples broken in every place in turn. */
#include "fhir/fhir.h"
#include "unit/fhir/case_file.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_LIMIT = 1 << 30, FILE_LIMIT = 64 << 20, MUTATED_VALUES_MAX = 150 };

static const char *shared(void) {
    const char *folder = getenv("SOYANG_SHARED");
    return folder == NULL ? "../shared" : folder;
}

static enum status check_text(struct scope *scope, struct text source) {
    yyjson_doc *document;
    assert_int_equal(json_read(&document, source, scope), STATUS_OK);
    return fhir_check(yyjson_doc_get_root(document), scope);
}

static void cases_by_hand(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope outer = {.arena = arena};
    struct case_file file = case_file_open("test/cases/fhir/checks.tsv", &outer);
    while (case_file_next(&file)) {
        struct scope scope = {.arena = arena};
        enum status status = check_text(&scope, file.field[0]);
        if (text_is(file.field[1], "ok")) {
            assert_case(&file, status == STATUS_OK && scope.fault.count == 0);
            continue;
        }
        assert_case(&file, status == STATUS_INVALID && scope.fault.count == 1);
        assert_string_equal(scope.fault.first->path, text_string(arena, file.field[1]));
        assert_case(&file, strstr(scope.fault.first->text, text_string(arena, file.field[2])) != NULL);
    }
    arena_close(arena);
}

static void faults_are_capped(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope scope = {.arena = arena};
    struct buffer buffer = buffer_open(arena, 1 << 20);
    buffer_put_string(&buffer, "{\"resourceType\":\"Patient\",\"name\":[");
    for (int i = 0; i < 10000; i++) {
        buffer_put_string(&buffer, i == 0 ? "{\"family\":1}" : ",{\"family\":1}");
    }
    buffer_put_string(&buffer, "]}");
    assert_int_equal(check_text(&scope, buffer_text(&buffer)), STATUS_INVALID);
    assert_int_equal(scope.fault.count, FAULT_ISSUES_MAX);
    assert_string_equal(scope.fault.last->path, "Patient.name[31].family");
    arena_close(arena);
}

static void no_value_is_told(void **state) {
    (void)state;
    static const char *const sources[] = {
        "{\"resourceType\":\"Patient\",\"birthDate\":\"SECRET\",\"gender\":\" SECRET\",\"active\":\"SECRET\"}",
        "{\"resourceType\":\"Patient\",\"SECRET 1\":\"SECRET\",\"name\":\"SECRET\",\"id\":\"SECRET SECRET\"}",
        "{\"resourceType\":\"SECRET\"}",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct arena *arena = arena_open(ARENA_LIMIT);
        struct scope scope = {.arena = arena};
        assert_int_equal(check_text(&scope, text_from(sources[i])), STATUS_INVALID);
        for (const struct issue *issue = scope.fault.first; issue != NULL; issue = issue->next) {
            assert_null(strstr(issue->text, "SECRET"));
            assert_null(strstr(issue->path, "SECRET"));
        }
        arena_close(arena);
    }
}

/* ---- examples --------------------------------------------------------------------------------------------------- */

struct known_invalid {
    struct text name, path;
};

/* The published examples that are not valid R4, and where. */
static int read_known_invalid(struct known_invalid out[64], struct scope *scope) {
    struct case_file file = case_file_open("test/cases/fhir/invalid-examples.tsv", scope);
    int count = 0;
    for (; case_file_next(&file); count++) {
        assert_true(count < 64);
        out[count] = (struct known_invalid){file.field[0], file.field[1]};
    }
    return count;
}

static const struct known_invalid *find_known(const struct known_invalid *known, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (text_is(known[i].name, name)) {
            return &known[i];
        }
    }
    return NULL;
}

static bool open_folder(glob_t *out, const char *pattern) {
    if (glob(pattern, 0, NULL, out) == 0) {
        return true;
    }
    print_message("skipped: no %s\n", pattern);
    return false;
}

static int check_folder(const char *pattern) {
    glob_t files;
    if (!open_folder(&files, pattern)) {
        skip();
    }
    struct arena *lasting = arena_open(ARENA_LIMIT), *arena = arena_open(ARENA_LIMIT);
    struct scope outer = {.arena = lasting};
    struct known_invalid known[64];
    int known_count = read_known_invalid(known, &outer), checked = 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *name = strrchr(files.gl_pathv[i], '/') + 1;
        struct scope scope = {.arena = arena};
        struct text source;
        if (strcmp(name, "package.json") == 0) {
            continue;
        }
        assert_int_equal(file_read(&source, files.gl_pathv[i], FILE_LIMIT, &scope), STATUS_OK);
        enum status status = check_text(&scope, source);
        const struct known_invalid *expected = find_known(known, known_count, name);
        const struct issue *first = scope.fault.first;
        if (expected == NULL ? status != STATUS_OK : status == STATUS_OK || !text_is(expected->path, first->path)) {
            fail_msg("%s: %s: %s", name, first == NULL ? "" : first->path, first == NULL ? "valid" : first->text);
        }
        checked++;
        arena_reset(arena);
    }
    globfree(&files);
    arena_close(arena);
    arena_close(lasting);
    return checked;
}

static void published_examples(void **state) {
    (void)state;
    assert_int_equal(check_folder("build/deps/fhir/package/*.json"), 5306);
}

static void test_case_examples(void **state) {
    (void)state;
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s/data/fhir/examples/*.json", shared());
    assert_true(check_folder(pattern) > 50);
}

/* ---- mutations -------------------------------------------------------------------------------------------------- */

enum mutation { RENAME, MAKE_NULL, EMPTY_STRING, EMPTY_OBJECT, EMPTY_ARRAY, WRAP, UNWRAP, OTHER_KIND, MUTATION_COUNT };
static const char *const mutation_names[] = {
    "renamed", "null", "\"\"", "{}", "[]", "wrapped", "unwrapped", "of another kind"};

struct mutant {
    yyjson_mut_doc *document;
    enum mutation mutation;
    size_t target, visited;
    bool is_done;
    char name[64];
};

static yyjson_mut_val *other_kind(yyjson_mut_doc *document, yyjson_mut_val *value) {
    bool is_number = yyjson_mut_is_num(value) || yyjson_mut_is_raw(value);
    return yyjson_mut_is_str(value) || yyjson_mut_is_bool(value) ? yyjson_mut_raw(document, "1")
           : is_number                                           ? yyjson_mut_str(document, "1")
                                                                 : yyjson_mut_bool(document, true);
}

/* What the value becomes; NULL where the mutation means nothing. */
static yyjson_mut_val *mutated(struct mutant *mutant, yyjson_mut_val *value) {
    yyjson_mut_doc *document = mutant->document;
    bool is_array = yyjson_mut_is_arr(value);
    switch (mutant->mutation) {
    case MAKE_NULL:
        return yyjson_mut_null(document);
    case EMPTY_STRING:
        return yyjson_mut_str(document, "");
    case EMPTY_OBJECT:
        return yyjson_mut_obj(document);
    case EMPTY_ARRAY:
        return yyjson_mut_arr(document);
    case WRAP: {
        yyjson_mut_val *array = yyjson_mut_arr(document), *copy = yyjson_mut_val_mut_copy(document, value);
        return is_array || !yyjson_mut_arr_append(array, copy) ? NULL : array;
    }
    case UNWRAP:
        return is_array ? yyjson_mut_val_mut_copy(document, yyjson_mut_arr_get_first(value)) : NULL;
    case OTHER_KIND:
        return other_kind(document, value);
    default:
        return NULL;
    }
}

static void mutate(struct mutant *mutant, yyjson_mut_val *value) {
    size_t index, count;
    yyjson_mut_val *name, *member;
    if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_foreach(value, index, count, member) {
            mutate(mutant, member);
        }
        return;
    }
    yyjson_mut_obj_foreach(value, index, count, name, member) {
        if (mutant->visited++ != mutant->target) {
            mutate(mutant, member);
            continue;
        }
        snprintf(mutant->name, sizeof mutant->name, "%s", yyjson_mut_get_str(name));
        if (mutant->mutation == RENAME) {
            yyjson_mut_set_str(name, "nonsense");
            mutant->is_done = true;
            return;
        }
        yyjson_mut_val *replacement = mutated(mutant, member);
        if (replacement != NULL) {
            yyjson_mut_obj_put(value, yyjson_mut_strcpy(mutant->document, mutant->name), replacement);
            mutant->is_done = true;
        }
        return;
    }
}

static void break_everywhere(const char *path, struct arena *arena, int *mutants) {
    struct scope scope = {.arena = arena};
    struct text source;
    yyjson_doc *document;
    assert_int_equal(file_read(&source, path, FILE_LIMIT, &scope), STATUS_OK);
    assert_int_equal(json_read(&document, source, &scope), STATUS_OK);
    struct mutant count = {.document = yyjson_doc_mut_copy(document, NULL), .target = SIZE_MAX};
    mutate(&count, yyjson_mut_doc_get_root(count.document));
    yyjson_mut_doc_free(count.document);
    size_t step = count.visited / MUTATED_VALUES_MAX + 1;
    for (size_t target = 0; target < count.visited; target += step) {
        for (enum mutation mutation = RENAME; mutation < MUTATION_COUNT; mutation++) {
            struct mutant mutant = {yyjson_doc_mut_copy(document, NULL), mutation, .target = target};
            mutate(&mutant, yyjson_mut_doc_get_root(mutant.document));
            yyjson_doc *broken = yyjson_mut_doc_imut_copy(mutant.document, NULL);
            struct scope inner = {.arena = arena};
            if (mutant.is_done && fhir_check(yyjson_doc_get_root(broken), &inner) == STATUS_OK) {
                fail_msg("%s passes with member %zu (%s) %s", path, target, mutant.name, mutation_names[mutation]);
            }
            *mutants += mutant.is_done;
            yyjson_doc_free(broken);
            yyjson_mut_doc_free(mutant.document);
        }
    }
}

static void broken_examples(void **state) {
    (void)state;
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s/data/fhir/examples/*.json", shared());
    glob_t files;
    int mutants = 0;
    if (!open_folder(&files, pattern)) {
        skip();
    }
    struct arena *arena = arena_open(ARENA_LIMIT);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        break_everywhere(files.gl_pathv[i], arena, &mutants);
        arena_reset(arena);
    }
    globfree(&files);
    arena_close(arena);
    assert_true(mutants > 10000);
    print_message("%d mutants refused\n", mutants);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_by_hand),
        cmocka_unit_test(faults_are_capped),
        cmocka_unit_test(no_value_is_told),
        cmocka_unit_test(published_examples),
        cmocka_unit_test(test_case_examples),
        cmocka_unit_test(broken_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
