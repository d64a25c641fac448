/* FHIR XML: cases by hand, published examples there and back, XML examples against their JSON twins, limits. */
#include "fhir/fhir.h"
#include "unit/fhir/case_file.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_LIMIT = 1 << 30, FILE_LIMIT = 64 << 20 };

static const char *shared(void) {
    const char *folder = getenv("SOYANG_SHARED");
    return folder == NULL ? "../shared" : folder;
}

static const yyjson_val *parse(struct text json, struct scope *scope) {
    yyjson_doc *document;
    assert_int_equal(json_read(&document, json, scope), STATUS_OK);
    return yyjson_doc_get_root(document);
}

static const char *first_fault(const struct scope *scope) {
    static char text[1024];
    const struct issue *issue = scope->fault.first;
    snprintf(text, sizeof text, "%s: %s", issue == NULL ? "" : issue->path, issue == NULL ? "" : issue->text);
    return text;
}

/* "\n", "\t", "\r" and "\\" in a case file. */
static struct text unescaped(struct arena *arena, struct text field) {
    char *out = arena_alloc(arena, field.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < field.size; i++) {
        char c = field.at[i];
        if (c == '~' && i + 1 < field.size) {
            c = field.at[++i];
            c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
        }
        out[size++] = c;
    }
    return (struct text){out, size};
}

/* ---- by hand ---------------------------------------------------------------------------------------------------- */

static void both_ways_by_hand(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope outer = {.arena = arena};
    struct case_file file = case_file_open("test/cases/fhir/xml-both-ways.tsv", &outer);
    while (case_file_next(&file)) {
        struct scope scope = {.arena = arena};
        struct text json = unescaped(arena, file.field[0]), xml = unescaped(arena, file.field[1]), out;
        static const char declaration[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        if (fhir_xml_write(&out, parse(json, &scope), FHIR_XML_COMPACT, &scope) != STATUS_OK) {
            fail_msg("line %d: %s", file.line, first_fault(&scope));
        }
        assert_case(&file, text_starts(out, declaration));
        out = (struct text){out.at + sizeof declaration - 1, out.size - (sizeof declaration - 1)};
        if (!text_equal(out, xml)) {
            fail_msg("line %d: wrote %.*s", file.line, (int)out.size, out.at);
        }
        if (fhir_xml_read(&out, xml, &scope) != STATUS_OK) {
            fail_msg("line %d: %s", file.line, first_fault(&scope));
        }
        struct text back = file.field_count > 2 ? unescaped(arena, file.field[2]) : json;
        if (!text_equal(out, back)) {
            fail_msg("line %d: read %.*s", file.line, (int)out.size, out.at);
        }
    }
    arena_close(arena);
}

static void read_by_hand(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope outer = {.arena = arena};
    struct case_file file = case_file_open("test/cases/fhir/xml-read.tsv", &outer);
    while (case_file_next(&file)) {
        struct scope scope = {.arena = arena};
        struct text json, xml = unescaped(arena, file.field[0]);
        enum status status = fhir_xml_read(&json, xml, &scope);
        if (text_is(file.field[1], "ok")) {
            if (status != STATUS_OK) {
                fail_msg("line %d: %s", file.line, first_fault(&scope));
            }
            if (!text_equal(json, unescaped(arena, file.field[2]))) {
                fail_msg("line %d: read %.*s", file.line, (int)json.size, json.at);
            }
            continue;
        }
        assert_case(&file, status == STATUS_INVALID);
        if (scope.fault.count != 1 || !text_is(file.field[1], scope.fault.first->path) ||
            strstr(scope.fault.first->text, text_string(arena, file.field[2])) == NULL) {
            fail_msg("line %d: %d faults, %s", file.line, scope.fault.count, first_fault(&scope));
        }
        assert_null(strstr(scope.fault.first->text, "SECRET"));
    }
    arena_close(arena);
}

static void write_refuses(void **state) {
    (void)state;
    static const struct {
        const char *json, *path;
    } cases[] = {
        {"{\"resourceType\":\"Unicorn\"}", "Resource"},
        {"[]", "Resource"},
        {"{\"resourceType\":\"Patient\",\"colour\":\"blue\"}", "Patient"},
        {"{\"resourceType\":\"Patient\",\"name\":{\"family\":\"x\"}}", "Patient.name"},
        {"{\"resourceType\":\"Patient\",\"name\":[\"x\"]}", "Patient.name[0]"},
        {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[null]}]}", "Patient.name[0].given[0]"},
        {"{\"resourceType\":\"Patient\",\"gender\":{}}", "Patient.gender"},
        {"{\"resourceType\":\"Patient\",\"gender\":[\"male\"]}", "Patient.gender"},
        {"{\"resourceType\":\"Patient\",\"_gender\":\"x\"}", "Patient.gender"},
        {"{\"resourceType\":\"Patient\",\"id\":\"x\",\"_id\":{\"id\":\"y\"}}", "Patient.id"},
        {"{\"resourceType\":\"Patient\",\"deceasedBoolean\":true,\"deceasedDateTime\":\"2020\"}", "Patient.deceased"},
        {"{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"x\"}]}", "Patient.contained[0]"},
        {"{\"resourceType\":\"Patient\",\"extension\":[{\"url\":5}]}", "Patient.extension[0].url"},
        {"{\"resourceType\":\"Patient\",\"text\":{\"div\":5}}", "Patient.text.div"},
        {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\"],\"_given\":[null,{\"id\":\"x\"}]}]}",
            "Patient.name[0].given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(ARENA_LIMIT);
        struct scope scope = {.arena = arena};
        struct text out;
        const yyjson_val *root = parse(text_from(cases[i].json), &scope);
        assert_int_equal(fhir_xml_write(&out, root, FHIR_XML_COMPACT, &scope), STATUS_INVALID);
        assert_int_equal(scope.fault.count, 1);
        assert_string_equal(scope.fault.first->path, cases[i].path);
        arena_close(arena);
    }
}

static void indented(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope scope = {.arena = arena};
    struct text out, back;
    const yyjson_val *root =
        parse(TEXT("{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Basic\",\"id\":"
                   "\"b\"}],\"name\":[{\"given\":[\"x\"]}]}"),
            &scope);
    assert_int_equal(fhir_xml_write(&out, root, FHIR_XML_INDENTED, &scope), STATUS_OK);
    assert_true(text_is(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Patient xmlns=\"http://hl7.org/fhir\">\n"
                             "  <contained>\n    <Basic>\n      <id value=\"b\"/>\n    </Basic>\n  </contained>\n"
                             "  <name>\n    <given value=\"x\"/>\n  </name>\n</Patient>"));
    assert_int_equal(fhir_xml_read(&back, out, &scope), STATUS_OK);
    assert_true(json_equal(parse(back, &scope), root));
    arena_close(arena);
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

static void put_times(struct buffer *out, const char *string, int times) {
    for (int i = 0; i < times; i++) {
        buffer_put_string(out, string);
    }
}

static enum status read_nested(
    struct scope *scope, const char *before, const char *open, const char *close, int times) {
    struct buffer xml = buffer_open(scope->arena, SIZE_MAX);
    struct text json;
    buffer_put_string(&xml, before);
    put_times(&xml, open, times);
    put_times(&xml, close, times);
    buffer_put_string(&xml, "</Patient>");
    return fhir_xml_read(&json, buffer_text(&xml), scope);
}

static void depth_is_limited(void **state) {
    (void)state;
    static const char patient[] = "<Patient xmlns=\"http://hl7.org/fhir\">";
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope scope = {.arena = arena};
    enum status status = read_nested(&scope, patient, "<extension url=\"u\">", "</extension>", 31);
    assert_int_equal(status, STATUS_OK);
    status = read_nested(&scope, patient, "<extension url=\"u\">", "</extension>", 100000);
    assert_int_equal(status, STATUS_INVALID);
    assert_non_null(strstr(scope.fault.first->text, "deeper"));
    scope = (struct scope){.arena = arena};
    status = read_nested(&scope, patient, "<contained><Patient>", "</Patient></contained>", 100000);
    assert_int_equal(status, STATUS_INVALID);
    assert_non_null(strstr(scope.fault.first->text, "deeper"));
    scope = (struct scope){.arena = arena};
    status = read_nested(&scope, patient, "<x>", "</x>", 100000);
    assert_int_equal(status, STATUS_INVALID);
    assert_int_equal(scope.fault.count, 1);
    scope = (struct scope){.arena = arena};
    status =
        read_nested(&scope, "<Patient xmlns=\"http://hl7.org/fhir\"><text><div xmlns=\"http://www.w3.org/1999/xhtml\">",
            "<p>", "</p>", 100000);
    assert_int_equal(status, STATUS_INVALID);
    assert_string_equal(scope.fault.first->path, "Patient.text.div");
    arena_close(arena);
}

/* libxml2's own loops over these are quadratic: without our limits each of them takes minutes. */
static void time_is_limited(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope scope = {.arena = arena};
    struct text json;
    struct buffer xml = buffer_open(arena, SIZE_MAX);
    buffer_put_string(&xml, "<Patient xmlns=\"http://hl7.org/fhir\"");
    for (int i = 0; i < 1000000; i++) {
        buffer_put_format(&xml, " a%d='>'", i);
    }
    buffer_put_string(&xml, "/>");
    assert_int_equal(fhir_xml_read(&json, buffer_text(&xml), &scope), STATUS_INVALID);
    assert_non_null(strstr(scope.fault.first->text, "attributes"));
    static const char *const places[] = {"", "<text><div xmlns='http://www.w3.org/1999/xhtml'>"};
    for (size_t place = 0; place < 2; place++) {
        scope = (struct scope){.arena = arena};
        xml = buffer_open(arena, SIZE_MAX);
        buffer_put_string(&xml, "<!-- it's \"so --><?p it's?><Patient xmlns=\"http://hl7.org/fhir\" xmlns:z='urn:z'>");
        buffer_put_string(&xml, places[place]);
        for (int i = 0; i < 1000000; i++) {
            buffer_put_format(&xml, "<z:a xmlns:n%d='urn:x'>", i);
        }
        assert_int_equal(fhir_xml_read(&json, buffer_text(&xml), &scope), STATUS_INVALID);
    }
    arena_close(arena);
}

static enum status read_in_scope(void *context, struct scope *scope) {
    struct text json;
    return fhir_xml_read(&json, *(const struct text *)context, scope);
}

static void memory_and_faults_are_limited(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT), *small = arena_open(1 << 20);
    struct scope scope = {.arena = arena};
    struct buffer xml = buffer_open(arena, SIZE_MAX);
    buffer_put_string(&xml, "<Patient xmlns=\"http://hl7.org/fhir\">");
    put_times(&xml, "<name><family value=\"x\"/></name>", 200000);
    buffer_put_string(&xml, "</Patient>");
    struct text source = buffer_text(&xml);
    assert_int_equal(read_in_scope(&source, &scope), STATUS_OK);
    assert_int_equal(scope_run(&scope, small, read_in_scope, &source), STATUS_TOO_COSTLY);
    arena_reset(small);
    xml = buffer_open(arena, SIZE_MAX);
    buffer_put_string(&xml, "<Patient xmlns=\"http://hl7.org/fhir\">");
    put_times(&xml, "<name value=\"x\"><family value=\"x\"/></name>", 200000);
    buffer_put_string(&xml, "</Patient>");
    source = buffer_text(&xml);
    assert_int_equal(scope_run(&scope, small, read_in_scope, &source), STATUS_INVALID);
    assert_int_equal(scope.fault.count, FAULT_ISSUES_MAX);
    assert_string_equal(scope.fault.last->path, "Patient.name[31]");
    arena_close(small);
    arena_close(arena);
}

/* libxml2 refuses attributes over 10 MB by default. */
static void long_values_pass(void **state) {
    (void)state;
    struct arena *arena = arena_open(ARENA_LIMIT);
    struct scope scope = {.arena = arena};
    struct buffer xml = buffer_open(arena, SIZE_MAX);
    struct text json;
    buffer_put_string(&xml, "<Binary xmlns=\"http://hl7.org/fhir\"><contentType value=\"a/b\"/><data value=\"");
    put_times(&xml, "QUJDREVGR0hJSktM", 1 << 20);
    buffer_put_string(&xml, "\"/></Binary>");
    assert_int_equal(fhir_xml_read(&json, buffer_text(&xml), &scope), STATUS_OK);
    assert_int_equal(fhir_check(parse(json, &scope), &scope), STATUS_OK);
    arena_close(arena);
}

/* ---- published examples ----------------------------------------------------------------------------------------- */

/* Writes, reads back and compares; both layouts. */
static void round_trip(const char *name, const yyjson_val *resource, struct arena *arena) {
    for (int layout = FHIR_XML_COMPACT; layout <= FHIR_XML_INDENTED; layout++) {
        struct scope scope = {.arena = arena};
        struct text xml, json = {NULL, 0};
        if (fhir_xml_write(&xml, resource, (enum fhir_xml_layout)layout, &scope) != STATUS_OK ||
            fhir_xml_read(&json, xml, &scope) != STATUS_OK) {
            fail_msg("%s: %s", name, first_fault(&scope));
        }
        if (!json_equal(parse(json, &scope), resource)) {
            fail_msg("%s comes back otherwise:\n%.*s", name, json.size > 4000 ? 4000 : (int)json.size, json.at);
        }
    }
}

static int round_trip_folder(const char *pattern) {
    struct arena *arena = arena_open(ARENA_LIMIT);
    glob_t files;
    int count = 0;
    if (glob(pattern, 0, NULL, &files) != 0) {
        arena_close(arena);
        return -1;
    }
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct scope scope = {.arena = arena};
        struct text source;
        assert_int_equal(file_read(&source, files.gl_pathv[i], FILE_LIMIT, &scope), STATUS_OK);
        const yyjson_val *resource = parse(source, &scope);
        if (fhir_check(resource, &scope) == STATUS_OK) {
            round_trip(files.gl_pathv[i], resource, arena);
            count++;
        }
        arena_reset(arena);
    }
    globfree(&files);
    arena_close(arena);
    return count;
}

static void published_examples(void **state) {
    (void)state;
    assert_int_equal(round_trip_folder("build/deps/fhir/package/*.json"), 5292);
}

static void shared_examples(void **state) {
    (void)state;
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s/data/fhir/examples/*.json", shared());
    int count = round_trip_folder(pattern);
    if (count < 0) {
        print_message("skipped: no ../shared\n");
        skip();
    }
    assert_true(count > 50);
}

static bool is_same_number(const yyjson_val *a, const yyjson_val *b) {
    uint8_t key[FHIR_DECIMAL_KEY_SIZE], other[FHIR_DECIMAL_KEY_SIZE];
    return fhir_decimal_key(key, json_number_text(a)) && fhir_decimal_key(other, json_number_text(b)) &&
           memcmp(key, other, sizeof key) == 0;
}

/* Equal as JSON but for numbers, whose text the publisher's own converter changes ("1.0e0" to "1.0"). */
static bool is_twin(yyjson_val *a, yyjson_val *b) {
    size_t index, count;
    yyjson_val *name, *value;
    if (yyjson_is_arr(a) && yyjson_is_arr(b) && yyjson_arr_size(a) == yyjson_arr_size(b)) {
        yyjson_arr_foreach(a, index, count, value) {
            if (!is_twin(value, yyjson_arr_get(b, index))) {
                return false;
            }
        }
        return true;
    }
    if (yyjson_is_obj(a) && yyjson_is_obj(b) && yyjson_obj_size(a) == yyjson_obj_size(b)) {
        yyjson_obj_foreach(a, index, count, name, value) {
            if (!is_twin(value, yyjson_obj_get(b, yyjson_get_str(name)))) {
                return false;
            }
        }
        return true;
    }
    return json_equal(a, b) || is_same_number(a, b);
}

static void compare_with_twin(const char *path, const yyjson_val *resource, struct scope *scope, int *twins) {
    char twin[512];
    snprintf(twin, sizeof twin, "%.*sjson", (int)strlen(path) - 3, path);
    /* its twin lacks an extension, and has another narrative */
    bool differs = strstr(path, "/observation-example.xml") != NULL;
    if (differs || access(twin, R_OK) != 0) {
        return;
    }
    struct text source;
    assert_int_equal(file_read(&source, twin, FILE_LIMIT, scope), STATUS_OK);
    if (!is_twin((yyjson_val *)resource, (yyjson_val *)parse(source, scope))) {
        fail_msg("%s differs from its JSON twin", path);
    }
    (*twins)++;
}

static void xml_examples(void **state) {
    (void)state;
    char pattern[512];
    struct arena *arena = arena_open(ARENA_LIMIT);
    glob_t files;
    int twins = 0;
    snprintf(pattern, sizeof pattern, "%s/data/fhir/examples/*.xml", shared());
    if (glob(pattern, 0, NULL, &files) != 0) {
        print_message("skipped: no ../shared\n");
        arena_close(arena);
        skip();
    }
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct scope scope = {.arena = arena};
        struct text source, json;
        const char *path = files.gl_pathv[i];
        assert_int_equal(file_read(&source, path, FILE_LIMIT, &scope), STATUS_OK);
        if (fhir_xml_read(&json, source, &scope) != STATUS_OK || fhir_check(parse(json, &scope), &scope) != STATUS_OK) {
            fail_msg("%s: %s", path, first_fault(&scope));
        }
        const yyjson_val *resource = parse(json, &scope);
        compare_with_twin(path, resource, &scope, &twins);
        round_trip(path, resource, arena);
        arena_reset(arena);
    }
    assert_true(files.gl_pathc >= 10 && twins >= 4);
    globfree(&files);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_by_hand),
        cmocka_unit_test(read_by_hand),
        cmocka_unit_test(write_refuses),
        cmocka_unit_test(indented),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(memory_and_faults_are_limited),
        cmocka_unit_test(long_values_pass),
        cmocka_unit_test(xml_examples),
        cmocka_unit_test(shared_examples),
        cmocka_unit_test(published_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
