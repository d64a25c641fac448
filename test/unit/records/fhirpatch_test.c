/* FHIRPath Patch: HL7's cases from ../shared where present, cases of our own, and the interaction. */
#include "unit/fhirpath/xml_document.h"
#include "unit/records/fixture.h"

#include "records/fhirpatch.h"

/* ---- HL7's cases ------------------------------------------------------------------------------------------------ */

static xmlNode *child_named(xmlNode *node, const char *name) {
    for (xmlNode *child = xml_next_element(node->children); child != NULL; child = xml_next_element(child->next)) {
        if (xmlStrEqual(child->name, (const xmlChar *)name)) {
            return child;
        }
    }
    return NULL;
}

static const yyjson_val *resource_in(xmlNode *part, struct scope *scope) {
    xmlNode *node = xml_next_element(part->children);
    struct json_writer w = json_writer_open(scope->arena, 1 << 20);
    struct text json;
    yyjson_doc *doc = NULL;
    xml_put_object(&w, node, fhir_type_find(text_from((const char *)node->name)));
    assert_int_equal(json_finish(&json, &w, scope), STATUS_OK);
    assert_int_equal(json_read(&doc, json, scope), STATUS_OK);
    return yyjson_doc_get_root(doc);
}

/* A narrative may be laid out and escaped in several ways. */
static struct text bare_markup(struct arena *arena, struct text markup) {
    char *at = arena_alloc(arena, markup.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < markup.size; i++) {
        struct text rest = {markup.at + i, markup.size - i};
        if (text_starts(rest, "&quot;")) {
            at[size++] = '"';
            i += 5;
        } else if (strchr(" \t\r\n", markup.at[i]) == NULL) {
            at[size++] = markup.at[i];
        }
    }
    return (struct text){at, size};
}

static bool same_resource(const yyjson_val *actual, const yyjson_val *expected, struct arena *arena) {
    yyjson_alc allocator = arena_json_allocator(arena);
    yyjson_doc *docs[2];
    struct scope scope = {.arena = arena};
    const yyjson_val *roots[] = {actual, expected};
    for (size_t i = 0; i < 2; i++) {
        yyjson_mut_doc *copy = yyjson_mut_doc_new(&allocator);
        copy->root = yyjson_val_mut_copy(copy, (yyjson_val *)roots[i]);
        yyjson_mut_val *div = yyjson_mut_ptr_get(copy->root, "/text/div");
        if (div != NULL) {
            struct text bare = bare_markup(arena, text_from(yyjson_mut_get_str(div)));
            yyjson_mut_set_strn(div, bare.at, bare.size);
        }
        struct text text = {0};
        text.at = yyjson_mut_write_opts(copy, 0, &allocator, &text.size, NULL);
        assert_int_equal(json_read(&docs[i], text, &scope), STATUS_OK);
    }
    return json_equal(yyjson_doc_get_root(docs[0]), yyjson_doc_get_root(docs[1]));
}

static bool run_case(xmlNode *node, struct arena *arena) {
    struct scope scope = {.arena = arena};
    const yyjson_val *input = resource_in(child_named(node, "input"), &scope);
    const yyjson_val *diff = resource_in(child_named(node, "diff"), &scope);
    xmlNode *output = child_named(node, "output");
    const struct fhirpatch *patch = NULL;
    struct text text = {0};
    enum status status = fhirpatch_read(&patch, diff, &scope);
    if (status == STATUS_OK) {
        status = fhirpatch_apply(&text, input, patch, START_US, &scope);
    }
    if (output == NULL) {
        return status == STATUS_UNPROCESSABLE;
    }
    yyjson_doc *doc = NULL;
    if (status != STATUS_OK || json_read(&doc, text, &scope) != STATUS_OK) {
        print_issues(&scope);
        return false;
    }
    bool same = same_resource(yyjson_doc_get_root(doc), resource_in(output, &scope), arena);
    if (!same) {
        print_message("  %.*s\n", (int)text.size, text.at);
    }
    return same;
}

static void test_published_cases(void **state) {
    (void)state;
    const char *folder = getenv("SOYANG_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/data/fhir/patch/fhir-patch-tests.xml", folder == NULL ? "../shared" : folder);
    if (access(path, R_OK) != 0) {
        print_message("skipped: no ../shared\n");
        skip();
    }
    struct arena *arena = arena_open((size_t)64 << 20);
    xmlDoc *doc = xmlReadFile(path, NULL, XML_PARSE_NONET);
    assert_non_null(doc);
    int run = 0, failed = 0;
    for (xmlNode *node = xml_next_element(xmlDocGetRootElement(doc)->children); node != NULL;
         node = xml_next_element(node->next), run++) {
        if (!run_case(node, arena)) {
            xmlChar *name = xmlGetNoNsProp(node, (const xmlChar *)"name");
            print_message("fails: %s\n", (const char *)name);
            xmlFree(name);
            failed++;
        }
    }
    xmlFreeDoc(doc);
    arena_close(arena);
    assert_int_equal(run, 33);
    assert_int_equal(failed, 0);
}

/* ---- cases of our own ------------------------------------------------------------------------------------------- */

#define PART_TEXT(name, value) "{\"name\":\"" name "\",\"valueString\":\"" value "\"}"
#define PART_CODE(name, value) "{\"name\":\"" name "\",\"valueCode\":\"" value "\"}"
#define PART_INT(name, value) "{\"name\":\"" name "\",\"valueInteger\":" value "}"
#define OP(parts) "{\"name\":\"operation\",\"part\":[" parts "]}"
#define PATCH(operations) "{\"resourceType\":\"Parameters\",\"parameter\":[" operations "]}"
#define ADD(path, name, value)                                                                                         \
    OP(PART_CODE("type", "add") "," PART_TEXT("path", path) "," PART_TEXT("name", name) ",{\"name\":\"value\"," value  \
                                                                                        "}")
#define REPLACE(path, value)                                                                                           \
    OP(PART_CODE("type", "replace") "," PART_TEXT("path", path) ",{\"name\":\"value\"," value "}")
#define DELETE(path) OP(PART_CODE("type", "delete") "," PART_TEXT("path", path))
#define INSERT(path, index, value)                                                                                     \
    OP(PART_CODE("type", "insert") "," PART_TEXT("path", path) "," PART_INT(                                           \
        "index", index) ",{\"name\":\"value\"," value "}")
#define MOVE(path, source, destination)                                                                                \
    OP(PART_CODE("type", "move") "," PART_TEXT("path", path) "," PART_INT("source", source) "," PART_INT(              \
        "destination", destination))

#define EXTENSION "{\"url\":\"http://e\",\"valueBoolean\":true}"

static const struct {
    const char *before, *patch, *after; /* after NULL: `status` */
    enum status status;
} cases[] = {
    /* a choice keeps one member, named by its type */
    {"{\"resourceType\":\"Observation\",\"valueString\":\"x\"}",
        PATCH(REPLACE("Observation.value", "\"valueQuantity\":{\"value\":1.50}")),
        "{\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":1.50}}", STATUS_OK},
    {"{\"resourceType\":\"Patient\"}", PATCH(ADD("Patient", "deceased", "\"valueDateTime\":\"2026\"")),
        "{\"resourceType\":\"Patient\",\"deceasedDateTime\":\"2026\"}", STATUS_OK},
    {"{\"resourceType\":\"Patient\",\"deceasedBoolean\":false}",
        PATCH(ADD("Patient", "deceased", "\"valueDateTime\":\"2026\"")), NULL, STATUS_UNPROCESSABLE},
    {"{\"resourceType\":\"Patient\"}", PATCH(ADD("Patient", "deceased", "\"valueQuantity\":{\"value\":1}")), NULL,
        STATUS_UNPROCESSABLE},
    /* a primitive's companion goes with it, and stands beside it in lists */
    {"{\"resourceType\":\"Patient\",\"birthDate\":\"1950\",\"_birthDate\":{\"id\":\"b\"}}",
        PATCH(REPLACE("Patient.birthDate", "\"valueDate\":\"1951\"")),
        "{\"resourceType\":\"Patient\",\"birthDate\":\"1951\"}", STATUS_OK},
    {"{\"resourceType\":\"Patient\",\"birthDate\":\"1950\"}",
        PATCH(ADD("Patient.birthDate", "extension",
            "\"part\":[{\"name\":\"url\",\"valueUri\":\"http://e\"},{\"name\":\"value\",\"valueBoolean\":true}]")),
        "{\"resourceType\":\"Patient\",\"birthDate\":\"1950\",\"_birthDate\":{\"extension\":[" EXTENSION "]}}",
        STATUS_OK},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",\"b\"],\"_given\":[null,{\"id\":\"i\"}]}]}",
        PATCH(MOVE("Patient.name[0].given", "1", "0")),
        "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"b\",\"a\"],\"_given\":[{\"id\":\"i\"},null]}]}",
        STATUS_OK},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",\"b\"],\"_given\":[null,{\"id\":\"i\"}]}]}",
        PATCH(DELETE("Patient.name.given.where($this='b')")),
        "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\"]}]}", STATUS_OK},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\"]}]}",
        PATCH(INSERT("Patient.name[0].given", "1", "\"_valueString\":{\"id\":\"i\"}")),
        "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",null],\"_given\":[null,{\"id\":\"i\"}]}]}",
        STATUS_OK},
    {"{\"resourceType\":\"Patient\",\"_birthDate\":{\"extension\":[" EXTENSION "]},\"active\":true}",
        PATCH(DELETE("Patient.birthDate.extension")), "{\"resourceType\":\"Patient\",\"active\":true}", STATUS_OK},
    {"{\"resourceType\":\"Patient\",\"birthDate\":\"1950\",\"_birthDate\":{\"extension\":[" EXTENSION "]}}",
        PATCH(DELETE("Patient.birthDate.extension[0]")), "{\"resourceType\":\"Patient\",\"birthDate\":\"1950\"}",
        STATUS_OK},
    /* lists */
    {"{\"resourceType\":\"Patient\"}", PATCH(INSERT("Patient.name", "0", "\"valueHumanName\":{\"text\":\"x\"}")),
        "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"x\"}]}", STATUS_OK},
    {"{\"resourceType\":\"Patient\"}", PATCH(INSERT("Patient.name", "1", "\"valueHumanName\":{\"text\":\"x\"}")), NULL,
        STATUS_UNPROCESSABLE},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"x\"}]}", PATCH(MOVE("Patient.name", "0", "1")), NULL,
        STATUS_UNPROCESSABLE},
    {"{\"resourceType\":\"Patient\",\"gender\":\"male\"}", PATCH(MOVE("Patient.gender", "0", "0")), NULL,
        STATUS_UNPROCESSABLE},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"x\"},{\"text\":\"y\"}]}", PATCH(DELETE("Patient.name")), NULL,
        STATUS_UNPROCESSABLE},
    /* deleting what is not there is fine, all else needs its element */
    {"{\"resourceType\":\"Patient\"}", PATCH(DELETE("Patient.gender")), "{\"resourceType\":\"Patient\"}", STATUS_OK},
    {"{\"resourceType\":\"Patient\"}", PATCH(REPLACE("Patient.gender", "\"valueCode\":\"male\"")), NULL,
        STATUS_UNPROCESSABLE},
    {"{\"resourceType\":\"Patient\"}", PATCH(DELETE("Patient")), NULL, STATUS_UNPROCESSABLE},
    {"{\"resourceType\":\"Patient\",\"gender\":\"male\"}", PATCH(REPLACE("1 + 1", "\"valueCode\":\"male\"")), NULL,
        STATUS_UNPROCESSABLE},
    /* inside a contained resource the types are its own */
    {"{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Observation\",\"id\":\"o\"}]}",
        PATCH(ADD("Patient.contained[0]", "value", "\"valueString\":\"v\"")),
        "{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Observation\",\"id\":\"o\",\"valueString\":"
        "\"v\"}]}",
        STATUS_OK},
    /* malformed */
    {"{\"resourceType\":\"Patient\"}", PATCH(OP(PART_CODE("type", "copy"))), NULL, STATUS_INVALID},
    {"{\"resourceType\":\"Patient\"}", PATCH(OP(PART_CODE("type", "delete"))), NULL, STATUS_INVALID},
    {"{\"resourceType\":\"Patient\"}", PATCH(DELETE("Patient.where(")), NULL, STATUS_INVALID},
    {"{\"resourceType\":\"Patient\"}", PATCH("{\"name\":\"other\"}"), NULL, STATUS_INVALID},
    {"{\"resourceType\":\"Patient\"}", PATCH(INSERT("Patient.name.first()", "0", "\"valueString\":\"x\"")), NULL,
        STATUS_INVALID},
    {"{\"resourceType\":\"Patient\"}", PATCH(OP(PART_CODE("type", "delete") "," PART_TEXT("road", "x"))), NULL,
        STATUS_INVALID},
};

static void test_own_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open((size_t)16 << 20);
        struct scope scope = {.arena = arena};
        yyjson_doc *before = NULL, *patch_doc = NULL, *after = NULL, *expected = NULL;
        const struct fhirpatch *patch = NULL;
        struct text text = {0};
        assert_int_equal(json_read(&before, text_from(cases[i].before), &scope), STATUS_OK);
        assert_int_equal(json_read(&patch_doc, text_from(cases[i].patch), &scope), STATUS_OK);
        enum status status = fhirpatch_read(&patch, yyjson_doc_get_root(patch_doc), &scope);
        if (status == STATUS_OK) {
            status = fhirpatch_apply(&text, yyjson_doc_get_root(before), patch, START_US, &scope);
        }
        if (status != cases[i].status) {
            print_message("case %zu: %s\n", i, cases[i].patch);
            print_issues(&scope);
        }
        assert_int_equal(status, cases[i].status);
        if (cases[i].after != NULL) {
            assert_int_equal(json_read(&after, text, &scope), STATUS_OK);
            assert_int_equal(json_read(&expected, text_from(cases[i].after), &scope), STATUS_OK);
            if (!json_equal(yyjson_doc_get_root(after), yyjson_doc_get_root(expected))) {
                print_message("case %zu: %.*s\n", i, (int)text.size, text.at);
            }
            assert_true(json_equal(yyjson_doc_get_root(after), yyjson_doc_get_root(expected)));
        }
        arena_close(arena);
    }
}

/* ---- the interaction -------------------------------------------------------------------------------------------- */

static struct records_request patching(const char *id, const char *body) {
    return (struct records_request){
        .interaction = RECORDS_PATCH,
        .type = type_of("Patient"),
        .id = text_from(id),
        .body = text_from(body),
        .patch_format = TEXT("application/fhir+json; charset=utf-8"),
    };
}

static void test_interaction(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p",
                      "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\",\"extension\":[{\"url\":"
                      "\"http://e\",\"valueDecimal\":1.00}]}"));
    struct records_answer answer =
        ask_ok(house, patching("p", PATCH(REPLACE("Patient.gender", "\"valueCode\":\"female\"") "," ADD(
                                        "Patient", "name", "\"valueHumanName\":{\"text\":\"x\"}"))));
    const yyjson_val *patched = parse(house, answer.body);
    assert_int_equal(answer.version, 2);
    assert_text(json_get_text(patched, "gender"), "female");
    assert_text(json_number_text(get(patched, "/extension/0/valueDecimal")), "1.00");
    assert_text(json_get_text(last_audit(house), "do"), "patch");
    assert_int_equal(ask(house, patching("p", PATCH(REPLACE("Patient.gender", "\"valueCode\":\"x y z \"")))).status,
        STATUS_INVALID); /* the Parameters themselves are not R4 */
    assert_int_equal(
        ask(house, patching("p", PATCH(REPLACE("Patient.gender", "\"valueQuantity\":{\"value\":1}")))).status,
        STATUS_UNPROCESSABLE);
    assert_int_equal(
        ask(house, patching("p", PATCH(REPLACE("Patient.id", "\"valueId\":\"q\"")))).status, STATUS_UNPROCESSABLE);
    assert_int_equal(ask(house, patching("absent", PATCH(DELETE("Patient.gender")))).status, STATUS_NOT_FOUND);
    assert_int_equal(ask(house, patching("p", "{\"resourceType\":\"Patient\"}")).status, STATUS_INVALID);
    assert_int_equal(ask_ok(house, reading("Patient", "p")).version, 2);
}

#define ENTRY(resource)                                                                                                \
    "{\"resource\":" resource ",\"request\":{\"method\":\"PATCH\",\"url\":\"Patient/p\",\"ifMatch\":\"W/\\\"1\\\"\"}}"
#define BUNDLE(type, entries) "{\"resourceType\":\"Bundle\",\"type\":\"" type "\",\"entry\":[" entries "]}"

static void test_in_bundles(void **state) {
    struct house *house = *state;
    static const char *const types[] = {
        BUNDLE("transaction", ENTRY(PATCH(ADD("Patient", "gender", "\"valueCode\":\"female\"")))),
        BUNDLE("batch", ENTRY(PATCH(ADD("Patient", "gender", "\"valueCode\":\"female\"")))),
        /* {"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},
         * {"name":"path","valueString":"Patient.name"}]}]} */
        BUNDLE("transaction",
            ENTRY("{\"resourceType\":\"Binary\",\"contentType\":\"application/"
                  "fhir+json\",\"data\":\"eyJyZXNvdXJjZVR5cGUiO"
                  "iJQYXJhbWV0ZXJzIiwicGFyYW1ldGVyIjpbeyJuYW1lIjoib3BlcmF0aW9uIiwicGFydCI6W3sibmFtZSI6InR5cGUiLCJ2YWx1"
                  "ZUNvZGUiOiJkZWxldGUifSx7Im5hbWUiOiJwYXRoIiwidmFsdWVTdHJpbmciOiJQYXRpZW50Lm5hbWUifV19XX0=\"}")),
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ask_ok(house, deletion("Patient", "p"));
        struct records_answer made = ask_ok(house,
            replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"text\":\"x\"}]}"));
        char bundle[2048];
        const char *at = strstr(types[i], "W/\\\"1");
        snprintf(bundle, sizeof bundle, "%.*sW/\\\"%u%s", (int)(at - types[i]), types[i], made.version, at + 5);
        struct records_answer answer = ask_ok(house, posting(bundle));
        assert_text(json_get_text(get(parse(house, answer.body), "/entry/0/response"), "status"), "200 OK");
        const yyjson_val *patched = parse(house, ask_ok(house, reading("Patient", "p")).body);
        assert_true((json_get(patched, "gender") != NULL) != (json_get(patched, "name") == NULL));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_cases),
        cmocka_unit_test(test_own_cases),
        cmocka_unit_test_setup_teardown(test_interaction, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_in_bundles, open_house, close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
