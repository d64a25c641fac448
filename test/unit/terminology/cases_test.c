/* Runs the JSON files of test/cases/terminology: a list of steps, in order:
 *   {"put": RESOURCE}, {"delete": "Type/id"}
 *   {"call": "ValueSet/$expand?url=x", "body": PARAMETERS, and what is expected:
 *      "status": "not-found" (ok where nothing is said), "says": what an issue must contain,
 *      "codes": the codes of the expansion in order, "true": FHIRPath expressions that hold of the answer} */
#include "fhirpath/fhirpath.h"
#include "unit/terminology/library.h"

static const char folder[] = "test/cases/terminology";

struct step {
    const char *file;
    struct text url;
    const yyjson_val *json;
};

static int complain(const struct step *step, const char *what, struct text expected, struct text found) {
    found.size = found.size > 700 ? 700 : found.size;
    print_message("%s: %.*s\n  %s: expected %.*s\n  found %.*s\n", step->file, (int)step->url.size, step->url.at, what,
        (int)expected.size, expected.size > 0 ? expected.at : "", (int)found.size, found.size > 0 ? found.at : "");
    return 1;
}

static int check_faults(const struct step *step, enum status status, const struct scope *scope) {
    struct text expected = json_get_text(step->json, "status"), says = json_get_text(step->json, "says");
    struct text found = text_from(status_name(status));
    struct text said = scope->fault.first == NULL ? TEXT("") : text_from(scope->fault.first->text);
    if (!text_equal(expected.size > 0 ? expected : text_from(status_name(STATUS_OK)), found)) {
        return complain(step, "status", expected, found) + complain(step, "said", says, said);
    }
    if (says.size > 0 && memmem(said.at, said.size, says.at, says.size) == NULL) {
        return complain(step, "said", says, said);
    }
    return 0;
}

static int check_codes(const struct step *step, const yyjson_val *answer, struct arena *arena) {
    struct buffer expected = buffer_open(arena, 1 << 20), found = buffer_open(arena, 1 << 20);
    yyjson_arr_iter wanted = yyjson_arr_iter_with(json_get(step->json, "codes"));
    for (yyjson_val *code; (code = yyjson_arr_iter_next(&wanted)) != NULL;) {
        buffer_put(&expected, json_text(code));
        buffer_put_char(&expected, ' ');
    }
    yyjson_arr_iter contains = yyjson_arr_iter_with(json_get(json_get(answer, "expansion"), "contains"));
    for (yyjson_val *code; (code = yyjson_arr_iter_next(&contains)) != NULL;) {
        buffer_put(&found, json_get_text(code, "code"));
        buffer_put_char(&found, ' ');
    }
    return text_equal(buffer_text(&expected), buffer_text(&found))
               ? 0
               : complain(step, "codes", buffer_text(&expected), buffer_text(&found));
}

static int check_truth(const struct step *step, const yyjson_val *answer, struct text body, struct scope *scope) {
    int failures = 0;
    yyjson_arr_iter expressions = yyjson_arr_iter_with(json_get(step->json, "true"));
    for (yyjson_val *expression; (expression = yyjson_arr_iter_next(&expressions)) != NULL;) {
        const struct fhirpath *program;
        struct fhirpath_items items = {0};
        const struct fhirpath_environment environment = {.resource = answer};
        assert_int_equal(fhirpath_compile(&program, json_text(expression), scope), STATUS_OK);
        enum status status = fhirpath_evaluate(&items, program, NULL, &environment, scope);
        bool holds =
            status == STATUS_OK && items.count == 1 && text_is(fhirpath_item_text(&items.at[0], scope), "true");
        failures += holds ? 0 : complain(step, "true", json_text(expression), body);
    }
    return failures;
}

static int run_call(struct library *library, struct step *step) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    const yyjson_val *body = json_get(step->json, "body");
    struct text sent = {NULL, 0}, out = {NULL, 0};
    int failures = 0;
    if (body != NULL) {
        struct json_writer w = json_writer_open(scope.arena, 64 << 20);
        json_value(&w, body);
        assert_int_equal(json_finish(&sent, &w, &scope), STATUS_OK);
    }
    enum status status = library_call(&out, library, step->url, sent, &scope);
    failures += check_faults(step, status, &scope);
    if (status == STATUS_OK && failures == 0) {
        yyjson_doc *doc = NULL;
        assert_int_equal(json_read(&doc, out, &scope), STATUS_OK);
        const yyjson_val *answer = yyjson_doc_get_root(doc);
        if (fhir_check(answer, &scope) != STATUS_OK) {
            failures += complain(step, "an answer that is R4", text_from(scope.fault.first->path), out);
        }
        if (json_get(step->json, "codes") != NULL) {
            failures += check_codes(step, answer, scope.arena);
        }
        failures += check_truth(step, answer, out, &scope);
    }
    arena_close(scope.arena);
    return failures;
}

static int run_step(struct library *library, struct step *step) {
    const yyjson_val *put = json_get(step->json, "put");
    struct text gone = json_get_text(step->json, "delete");
    step->url = json_get_text(step->json, "call");
    if (put != NULL) {
        assert_int_equal(library_change(library, put, LIBRARY_PUT), STATUS_OK);
        return 0;
    }
    if (gone.size > 0) {
        char json[200];
        struct text id = gone, type = text_cut(&id, '/');
        snprintf(json, sizeof json, "{\"resourceType\":\"%.*s\",\"id\":\"%.*s\"}", (int)type.size, type.at,
            (int)id.size, id.at);
        assert_int_equal(library_change(library, library_json(json, &library->scope), LIBRARY_DELETE), STATUS_OK);
        return 0;
    }
    return run_call(library, step);
}

static int run_file(const char *name, int *steps) {
    char path[300];
    struct library library;
    struct text source;
    int failures = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    library_open(&library);
    assert_int_equal(file_read(&source, path, 64 << 20, &library.scope), STATUS_OK);
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&doc, source, &library.scope), STATUS_OK);
    yyjson_arr_iter items = yyjson_arr_iter_with(yyjson_doc_get_root(doc));
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        struct step step = {.file = name, .json = item};
        failures += run_step(&library, &step);
        ++*steps;
    }
    library_close(&library);
    return failures;
}

static void test_cases(void **state) {
    (void)state;
    int files = 0, steps = 0, failures = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const char *end = strrchr(entry->d_name, '.');
        if (end != NULL && strcmp(end, ".json") == 0) {
            failures += run_file(entry->d_name, &steps);
            files++;
        }
    }
    closedir(directory);
    print_message("%d steps of %d files, %d failures\n", steps, files, failures);
    assert_true(files > 0);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
