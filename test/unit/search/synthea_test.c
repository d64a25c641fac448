/* Searches over some Synthea bundles (../shared/data/fhir/synthea), compared with a full scan that reads the JSON itself and
 * knows no index, no FHIRPath and no search parameter. Then every query of searches.tsv must be answered. Prints how fast
 * extraction was. */
#include <bzlib.h>

#include "unit/search/shelf.h"

enum { BUNDLES_MAX = 8, RESOURCES_MAX = 40000, BUNDLE_BYTES_MAX = 64 << 20 };

struct link {
    struct text from, to;
};

struct corpus {
    struct shelf shelf;
    const yyjson_val **at;
    size_t count;
    struct link *links;
    size_t link_count;
    const yyjson_val *entries[BUNDLES_MAX];
    size_t bundle_count;
    const char *shared;
};

/* ---- loading ------------------------------------------------------------------------------------------------------- */

static const char *shared_folder(void) {
    const char *folder = getenv("SOYANG_SHARED");
    return folder == NULL ? "../shared" : folder;
}

static struct text read_bz2(const char *path, struct arena *arena) {
    FILE *file = fopen(path, "rb");
    int error;
    assert_non_null(file);
    BZFILE *bz2 = BZ2_bzReadOpen(&error, file, 0, 0, NULL, 0);
    struct buffer out = buffer_open(arena, BUNDLE_BYTES_MAX);
    char block[65536];
    while (error == BZ_OK) {
        int size = BZ2_bzRead(&error, bz2, block, sizeof block);
        if (error == BZ_OK || error == BZ_STREAM_END) {
            buffer_put(&out, (struct text){block, (size_t)size});
        }
    }
    BZ2_bzReadClose(&error, bz2);
    fclose(file);
    assert_false(out.full);
    return buffer_text(&out);
}

static int link_compare(const void *a, const void *b) {
    return text_compare(((const struct link *)a)->from, ((const struct link *)b)->from);
}

static void links_collect(struct corpus *corpus, const yyjson_val *entries) {
    struct arena *arena = corpus->shelf.scope.arena;
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)entries);
    for (yyjson_val *entry; (entry = yyjson_arr_iter_next(&iter)) != NULL;) {
        const yyjson_val *resource = json_get(entry, "resource");
        struct text type = json_get_text(resource, "resourceType"), id = json_get_text(resource, "id");
        struct text name = text_format(arena, "%.*s/%.*s", (int)type.size, type.at, (int)id.size, id.at);
        assert_true(corpus->link_count + 2 < RESOURCES_MAX * 2);
        corpus->links[corpus->link_count++] = (struct link){json_get_text(entry, "fullUrl"), name};
        const yyjson_val *identifier = yyjson_arr_get_first(json_get(resource, "identifier"));
        struct text system = json_get_text(identifier, "system"), value = json_get_text(identifier, "value");
        if (identifier != NULL) {
            corpus->links[corpus->link_count++] =
                (struct link){text_format(arena, "%.*s?identifier=%.*s|%.*s", (int)type.size, type.at, (int)system.size,
                                  system.at, (int)value.size, value.at),
                    name};
        }
    }
}

static enum status rewrite(struct text *out, void *context, enum fhir_link_kind kind, struct text value,
    const char *path, struct scope *scope) {
    (void)path, (void)scope, (void)kind;
    const struct corpus *corpus = context;
    const struct link wanted = {.from = value};
    const struct link *link = bsearch(&wanted, corpus->links, corpus->link_count, sizeof wanted, link_compare);
    *out = link == NULL ? (struct text){NULL, 0} : link->to;
    return STATUS_OK;
}

static void resources_take(struct corpus *corpus, const yyjson_val *entries) {
    struct scope *scope = &corpus->shelf.scope;
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)entries);
    for (yyjson_val *entry; (entry = yyjson_arr_iter_next(&iter)) != NULL;) {
        struct json_writer writer = json_writer_open(scope->arena, BUNDLE_BYTES_MAX);
        struct text text;
        yyjson_doc *doc;
        assert_int_equal(fhir_write_rewritten(&writer, json_get(entry, "resource"), rewrite, corpus, scope), STATUS_OK);
        assert_int_equal(json_finish(&text, &writer, scope), STATUS_OK);
        assert_int_equal(json_read(&doc, text, scope), STATUS_OK);
        assert_true(corpus->count < RESOURCES_MAX);
        corpus->at[corpus->count++] = yyjson_doc_get_root(doc);
    }
}

static int file_compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool bundles_read(struct corpus *corpus) {
    struct arena *arena = corpus->shelf.scope.arena;
    struct text folder = text_format(arena, "%s/data/fhir/synthea", corpus->shared);
    DIR *files = opendir(folder.at);
    if (files == NULL) {
        return false;
    }
    const char **names = ARENA_ARRAY(arena, const char *, 1000);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(files)) != NULL && count < 1000;) {
        if (text_ends(text_from(entry->d_name), ".json.bz2")) {
            names[count++] = text_string(arena, text_from(entry->d_name));
        }
    }
    closedir(files);
    qsort(names, count, sizeof *names, file_compare);
    for (size_t i = 0; i < count && corpus->bundle_count < BUNDLES_MAX; i++) {
        struct text path = text_format(arena, "%s/%s", folder.at, names[i]);
        yyjson_doc *doc;
        assert_int_equal(json_read(&doc, read_bz2(path.at, arena), &corpus->shelf.scope), STATUS_OK);
        corpus->entries[corpus->bundle_count++] = json_get(yyjson_doc_get_root(doc), "entry");
    }
    return corpus->bundle_count > 0;
}

static void corpus_extract_speed(struct corpus *corpus) {
    struct arena *arena = arena_open(SHELF_BYTES_MAX);
    size_t rows = 0, count;
    struct store_row *at;
    int64_t start = clock_monotonic_us();
    for (size_t i = 0; i < corpus->count; i++) {
        struct scope scope = {.arena = arena};
        assert_int_equal(search_extract(&at, &count, corpus->shelf.search, corpus->at[i], &scope), STATUS_OK);
        rows += count;
        arena_reset(arena);
    }
    double seconds = (double)(clock_monotonic_us() - start) / 1e6;
    print_message("%zu resources, %.1f rows each, extracted at %.0f a second\n", corpus->count,
        (double)rows / (double)corpus->count, (double)corpus->count / seconds);
    arena_close(arena);
}

static void corpus_put(struct corpus *corpus) {
    for (size_t i = 0; i < corpus->count; i += 500) {
        struct scope scope = {.arena = arena_open(SHELF_BYTES_MAX)};
        size_t count = corpus->count - i < 500 ? corpus->count - i : 500;
        enum status status = shelf_put(&corpus->shelf, corpus->at + i, count, &scope);
        shelf_print_faults(&scope);
        assert_int_equal(status, STATUS_OK);
        arena_close(scope.arena);
    }
}

static int setup(void **state) {
    struct corpus *corpus = calloc(1, sizeof *corpus);
    *state = corpus;
    corpus->shared = shared_folder();
    shelf_open(&corpus->shelf, 0, INT64_C(1700000000000000));
    struct arena *arena = corpus->shelf.scope.arena;
    corpus->at = ARENA_ARRAY(arena, const yyjson_val *, RESOURCES_MAX);
    corpus->links = ARENA_ARRAY(arena, struct link, RESOURCES_MAX * 2);
    if (!bundles_read(corpus)) {
        return 0;
    }
    for (size_t i = 0; i < corpus->bundle_count; i++) {
        links_collect(corpus, corpus->entries[i]);
    }
    qsort(corpus->links, corpus->link_count, sizeof *corpus->links, link_compare);
    for (size_t i = 0; i < corpus->bundle_count; i++) {
        resources_take(corpus, corpus->entries[i]);
    }
    corpus_extract_speed(corpus);
    corpus_put(corpus);
    return 0;
}

static int teardown(void **state) {
    struct corpus *corpus = *state;
    shelf_close(&corpus->shelf);
    free(corpus);
    return 0;
}

/* ---- the full scan ------------------------------------------------------------------------------------------------- */

typedef bool scan_matches(const struct corpus *corpus, const yyjson_val *resource);

static bool concept_has(const yyjson_val *concept, const char *system, const char *code) {
    yyjson_arr_iter codings = yyjson_arr_iter_with(json_get(concept, "coding"));
    for (yyjson_val *coding; (coding = yyjson_arr_iter_next(&codings)) != NULL;) {
        if (text_is(json_get_text(coding, "code"), code) &&
            (system == NULL || text_is(json_get_text(coding, "system"), system))) {
            return true;
        }
    }
    return false;
}

static bool refers(const yyjson_val *resource, const char *member, const yyjson_val *target) {
    struct text reference = json_get_text(json_get(resource, member), "reference"), id = json_get_text(target, "id");
    return reference.size > id.size && id.size > 0 &&
           memcmp(reference.at + reference.size - id.size, id.at, id.size) == 0 &&
           reference.at[reference.size - id.size - 1] == '/';
}

static bool is_type(const yyjson_val *resource, const char *type) {
    return text_is(json_get_text(resource, "resourceType"), type);
}

static const yyjson_val *subject_of(const struct corpus *corpus, const yyjson_val *resource) {
    for (size_t i = 0; i < corpus->count; i++) {
        if (is_type(corpus->at[i], "Patient") && refers(resource, "subject", corpus->at[i])) {
            return corpus->at[i];
        }
    }
    return NULL;
}

static double quantity_of(const yyjson_val *quantity, const char *code) {
    double value = -1;
    if (!text_is(json_get_text(quantity, "code"), code) || !json_get_double(&value, quantity, "value")) {
        return -1;
    }
    return value;
}

static int64_t time_of(const yyjson_val *resource, const char *member) {
    int64_t time_us = INT64_MIN;
    return time_parse(&time_us, json_get_text(resource, member)) ? time_us : INT64_MIN;
}

static bool has_weight(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    return concept_has(json_get(r, "code"), "http://loinc.org", "29463-7");
}
static bool has_any_vital(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    const yyjson_val *code = json_get(r, "code");
    return concept_has(code, NULL, "8302-2") || concept_has(code, NULL, "29463-7") ||
           concept_has(code, NULL, "39156-5");
}
static bool is_final(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    return text_is(json_get_text(r, "status"), "final");
}
static bool is_not_ambulatory(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    return !text_is(json_get_text(json_get(r, "class"), "code"), "AMB");
}
static bool since_2019(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    return time_of(r, "effectiveDateTime") >= INT64_C(1546300800000000);
}
static bool in_june_2018(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    int64_t time_us = time_of(r, "occurrenceDateTime");
    return time_us >= INT64_C(1527811200000000) && time_us < INT64_C(1530403200000000);
}
static bool born_before_1960(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    return text_compare(json_get_text(r, "birthDate"), TEXT("1960")) < 0;
}
static bool is_heavy(const struct corpus *c, const yyjson_val *r) {
    return has_weight(c, r) && quantity_of(json_get(r, "valueQuantity"), "kg") > 80;
}
static bool has_systolic_over_120(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    yyjson_arr_iter components = yyjson_arr_iter_with(json_get(r, "component"));
    for (yyjson_val *component; (component = yyjson_arr_iter_next(&components)) != NULL;) {
        if (concept_has(json_get(component, "code"), "http://loinc.org", "8480-6") &&
            quantity_of(json_get(component, "valueQuantity"), "mm[Hg]") > 120) {
            return true;
        }
    }
    return false;
}
static bool has_sinusitis_text(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    struct text text = json_get_text(json_get(r, "code"), "text");
    return text.size > 0 && memmem(text.at, text.size, "sinusitis", 9) != NULL;
}
static bool has_reason(const struct corpus *c, const yyjson_val *r) {
    (void)c;
    return json_get(r, "reasonCode") != NULL;
}
static bool is_womans_bmi(const struct corpus *c, const yyjson_val *r) {
    return concept_has(json_get(r, "code"), NULL, "39156-5") &&
           text_is(json_get_text(subject_of(c, r), "gender"), "female");
}
static bool has_hypertension(const struct corpus *c, const yyjson_val *r) {
    for (size_t i = 0; i < c->count; i++) {
        if (is_type(c->at[i], "Condition") && refers(c->at[i], "subject", r) &&
            concept_has(json_get(c->at[i], "code"), NULL, "162864005")) {
            return true;
        }
    }
    return false;
}

static const struct {
    const char *url;
    scan_matches *matches;
} scans[] = {
    {"Observation?code=http://loinc.org|29463-7", has_weight},
    {"Observation?code=8302-2,29463-7,39156-5", has_any_vital},
    {"Observation?status=final", is_final},
    {"Encounter?class:not=AMB", is_not_ambulatory},
    {"Observation?date=ge2019-01-01", since_2019},
    {"Immunization?date=2018-06", in_june_2018},
    {"Patient?birthdate=lt1960-01-01", born_before_1960},
    {"Observation?code=29463-7&value-quantity=gt80|http://unitsofmeasure.org|kg", is_heavy},
    {"Observation?code=29463-7&value-quantity=gt80000|http://unitsofmeasure.org|g", is_heavy},
    {"Observation?component-code-value-quantity=http://loinc.org|8480-6$gt120", has_systolic_over_120},
    {"Condition?code:text=sinusitis", has_sinusitis_text},
    {"Encounter?reason-code:missing=false", has_reason},
    {"Observation?subject:Patient.gender=female&code=39156-5", is_womans_bmi},
    {"Patient?_has:Condition:patient:code=162864005", has_hypertension},
};

static size_t scan_compare(const struct corpus *corpus, const char *url, scan_matches *matches) {
    struct scope scope = {.arena = arena_open(SHELF_BYTES_MAX)};
    struct search_request request = shelf_request(url, scope.arena);
    struct search_result result;
    request.count_default = RESOURCES_MAX;
    enum status status = shelf_search(&result, &corpus->shelf, &request, &scope);
    shelf_print_faults(&scope);
    assert_int_equal(status, STATUS_OK);
    size_t expected = 0, missed = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        const yyjson_val *resource = corpus->at[i];
        if (fhir_resource_type_of(resource) != request.type || !matches(corpus, resource)) {
            continue;
        }
        expected++;
        struct text id = json_get_text(resource, "id");
        bool is_found = false;
        for (size_t j = 0; j < result.matches.count && !is_found; j++) {
            is_found = text_equal(result.matches.at[j].id, id);
        }
        missed += !is_found;
    }
    print_message("%6zu %s\n", result.matches.count, url);
    size_t found = result.matches.count;
    arena_close(scope.arena);
    assert_int_equal(found, expected);
    assert_int_equal(missed, 0);
    return found;
}

static void test_scan(void **state) {
    const struct corpus *corpus = *state;
    if (corpus->count == 0) {
        print_message("skipped: no ../shared\n");
        skip();
    }
    size_t with_results = 0;
    for (size_t i = 0; i < sizeof scans / sizeof scans[0]; i++) {
        with_results += scan_compare(corpus, scans[i].url, scans[i].matches) > 0;
    }
    assert_true(with_results >= sizeof scans / sizeof scans[0] - 2);
}

/* ---- searches.tsv -------------------------------------------------------------------------------------------------- */

static void check_answered(const struct corpus *corpus, struct text kind, struct text query) {
    struct scope scope = {.arena = arena_open(SHELF_BYTES_MAX)};
    struct text patient = {NULL, 0};
    for (size_t i = 0; i < corpus->count && patient.at == NULL; i++) {
        if (is_type(corpus->at[i], "Patient")) {
            patient = json_get_text(corpus->at[i], "id");
        }
    }
    struct buffer url = buffer_open(scope.arena, 4096);
    struct text rest = query;
    rest = text_cut(&rest, ' '); /* what follows is a remark */
    for (size_t i = 0; i < rest.size; i++) {
        struct text here = {rest.at + i, rest.size - i};
        if (text_starts(here, "{patient}")) {
            buffer_put(&url, patient);
            i += 8;
        } else {
            buffer_put_char(&url, rest.at[i]);
        }
    }
    struct search_request request = shelf_request(text_string(scope.arena, buffer_text(&url)), scope.arena);
    struct search_result result;
    request.count_default = 20;
    int64_t start = clock_monotonic_us();
    enum status status = shelf_search(&result, &corpus->shelf, &request, &scope);
    int64_t took_us = clock_monotonic_us() - start;
    shelf_print_faults(&scope);
    assert_int_equal(status, STATUS_OK);
    print_message("%-20.*s %4zu matches %4zu included %6lld us\n", (int)kind.size, kind.at, result.matches.count,
        result.included_count, (long long)took_us);
    arena_close(scope.arena);
}

static void test_mix(void **state) {
    struct corpus *corpus = *state;
    if (corpus->count == 0) {
        print_message("skipped: no ../shared\n");
        skip();
    }
    struct text table, path = text_format(corpus->shelf.scope.arena, "%s/data/fhir/searches.tsv", corpus->shared);
    assert_int_equal(file_read(&table, path.at, 1 << 20, &corpus->shelf.scope), STATUS_OK);
    (void)text_cut(&table, '\n');
    size_t count = 0;
    for (; table.size > 0; count++) {
        struct text line = text_cut(&table, '\n');
        struct text kind = text_cut(&line, '\t');
        check_answered(corpus, kind, line);
    }
    assert_true(count > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scan), cmocka_unit_test(test_mix)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
