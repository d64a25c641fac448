/* Runs the JSON files of test/cases/search. A file holds resources and searches; a search is a URL and either the ids it must find
 * ("ids": in any order; "ordered": in this order), with "included" and "total" where they matter, or the "status" it must
 * end with. Resource i is written i hours after "start". Every search is run a second time page by page, one match a page. */
#include "unit/search/shelf.h"

static const char folder[] = "test/cases/search";

struct expectation {
    const char *file, *url;
    const yyjson_val *ids, *included, *total;
    bool is_ordered;
    struct text status;
};

static int name_compare(const void *a, const void *b) {
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static struct text joined(const struct text *names, size_t count, bool is_ordered, struct arena *arena) {
    struct text *sorted = ARENA_ARRAY(arena, struct text, count + 1);
    if (count > 0) {
        memcpy(sorted, names, count * sizeof *names);
    }
    if (!is_ordered && count > 0) {
        qsort(sorted, count, sizeof *sorted, name_compare);
    }
    struct buffer out = buffer_open(arena, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        buffer_put(&out, sorted[i]);
        buffer_put_char(&out, ' ');
    }
    return buffer_text(&out);
}

static struct text expected_names(const yyjson_val *list, bool is_ordered, struct arena *arena) {
    size_t count = yyjson_arr_size((yyjson_val *)list), i = 0;
    struct text *names = ARENA_ARRAY(arena, struct text, count + 1);
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)list);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        names[i++] = json_text(item);
    }
    return joined(names, count, is_ordered, arena);
}

static struct text found_names(const struct store_resource *at, size_t count, bool is_ordered, struct arena *arena) {
    struct text *names = ARENA_ARRAY(arena, struct text, count + 1);
    for (size_t i = 0; i < count; i++) {
        names[i] = shelf_name(&at[i], arena);
    }
    return joined(names, count, is_ordered, arena);
}

static int differ(const struct expectation *expectation, const char *what, struct text expected, struct text found) {
    if (text_equal(expected, found)) {
        return 0;
    }
    print_message("%s: %s\n  %s: expected %.*s\n  found %.*s\n", expectation->file, expectation->url, what,
        (int)expected.size, expected.size > 0 ? expected.at : "", (int)found.size, found.size > 0 ? found.at : "");
    return 1;
}

/* One match a page, following the cursors; the same as all at once. */
static struct text paged_names(
    const struct shelf *shelf, const struct search_request *whole, bool is_ordered, size_t most, struct scope *scope) {
    struct search_request request = *whole;
    struct search_pair pairs[66];
    struct text names[256];
    size_t count = 0;
    memcpy(pairs, whole->pairs, whole->pair_count * sizeof *pairs);
    request.pairs = pairs;
    request.count_default = 1;
    for (size_t page = 0; page <= most + 1 && count < 256; page++) {
        struct search_result result;
        if (shelf_search(&result, shelf, &request, scope) != STATUS_OK) {
            shelf_print_faults(scope);
            return TEXT("(a page failed)");
        }
        for (size_t i = 0; i < result.matches.count; i++) {
            names[count++] = shelf_name(&result.matches.at[i], scope->arena);
        }
        if (result.cursor.at == NULL) {
            return joined(names, count, is_ordered, scope->arena);
        }
        pairs[whole->pair_count] = (struct search_pair){TEXT("_cursor"), result.cursor};
        request.pair_count = whole->pair_count + 1;
    }
    return TEXT("(no last page)");
}

static int check_found(const struct expectation *expectation, const struct shelf *shelf,
    const struct search_request *request, const struct search_result *result, struct scope *scope) {
    bool is_ordered = expectation->is_ordered;
    struct text found = found_names(result->matches.at, result->matches.count, is_ordered, scope->arena);
    int failures = differ(expectation, "matches", expected_names(expectation->ids, is_ordered, scope->arena), found);
    struct text included = found_names(result->included, result->included_count, false, scope->arena);
    failures += differ(expectation, "included", expected_names(expectation->included, false, scope->arena), included);
    if (expectation->total != NULL) {
        struct text total =
            text_format(scope->arena, result->has_total ? "%llu" : "none", (unsigned long long)result->total);
        failures += differ(expectation, "total", json_number_text(expectation->total), total);
    }
    bool has_count = strstr(expectation->url, "_count") != NULL || strstr(expectation->url, "_summary=count") != NULL;
    if (!has_count) {
        failures += differ(
            expectation, "page by page", found, paged_names(shelf, request, is_ordered, result->matches.count, scope));
    }
    return failures;
}

static int check_search(const struct expectation *expectation, const struct shelf *shelf) {
    struct scope scope = {.arena = arena_open(SHELF_BYTES_MAX)};
    struct search_request request = shelf_request(expectation->url, scope.arena);
    struct search_result result = {0};
    enum status status = shelf_search(&result, shelf, &request, &scope);
    struct text expected = expectation->status.size > 0 ? expectation->status : TEXT("ok");
    int failures = differ(expectation, "status", expected, text_from(status_name(status)));
    if (failures > 0) {
        shelf_print_faults(&scope);
    } else if (status == STATUS_OK) {
        failures = check_found(expectation, shelf, &request, &result, &scope);
    } else if (scope.fault.count == 0) {
        print_message("%s: %s: no issue says why\n", expectation->file, expectation->url);
        failures++;
    }
    arena_close(scope.arena);
    return failures;
}

static void put_all(struct shelf *shelf, const yyjson_val *resources, const char *file) {
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)resources);
    for (const yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        enum status status = fhir_check(item, &shelf->scope);
        if (status == STATUS_OK) {
            status = shelf_put(shelf, &item, 1, &shelf->scope);
        }
        if (status != STATUS_OK) {
            print_message("%s: resource %s\n", file, text_string(shelf->scope.arena, json_get_text(item, "id")));
            shelf_print_faults(&shelf->scope);
        }
        assert_int_equal(status, STATUS_OK);
        clock_advance(shelf->clock, INT64_C(3600) * 1000000);
    }
}

static int check_file(const char *name) {
    struct scope scope = {.arena = arena_open(SHELF_BYTES_MAX)};
    struct text source, path = text_format(scope.arena, "%s/%s", folder, name);
    yyjson_doc *doc = NULL;
    enum status status = file_read(&source, path.at, 16 << 20, &scope);
    if (status == STATUS_OK) {
        status = json_read(&doc, source, &scope);
    }
    shelf_print_faults(&scope);
    assert_int_equal(status, STATUS_OK);
    const yyjson_val *root = yyjson_doc_get_root(doc);
    int64_t zone = 0, start_us = 0;
    (void)json_get_int64(&zone, root, "zone");
    (void)time_parse(&start_us, json_get_text(root, "start"));
    struct shelf shelf;
    shelf_open(&shelf, (int)zone, start_us);
    put_all(&shelf, json_get(root, "resources"), name);
    int failures = 0, count = 0;
    yyjson_arr_iter items = yyjson_arr_iter_with(json_get(root, "searches"));
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL; count++) {
        const yyjson_val *ordered = json_get(item, "ordered");
        const struct expectation expectation = {.file = name,
            .url = text_string(scope.arena, json_get_text(item, "search")),
            .ids = ordered != NULL ? ordered : json_get(item, "ids"),
            .is_ordered = ordered != NULL,
            .included = json_get(item, "included"),
            .total = json_get(item, "total"),
            .status = json_get_text(item, "status")};
        failures += check_search(&expectation, &shelf);
    }
    print_message("%s: %d searches, %d faults\n", name, count, failures);
    assert_true(count > 0);
    shelf_close(&shelf);
    arena_close(scope.arena);
    return failures;
}

static void test_cases(void **state) {
    (void)state;
    DIR *files = opendir(folder);
    assert_non_null(files);
    int failures = 0, count = 0;
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        if (text_ends(text_from(entry->d_name), ".json")) {
            failures += check_file(entry->d_name);
            count++;
        }
    }
    closedir(files);
    assert_true(count > 0);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
