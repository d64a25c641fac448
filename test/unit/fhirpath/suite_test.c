/* HL7's FHIRPath suite for R4 (../shared/data/fhir/fhirpath/tests-fhir-r4.xml). Each case is compiled, checked against its
 * input's type and evaluated. The cases named in test/cases/fhirpath/known.tsv, each with its reason, must fail and all others
 * must pass. */
#include "fhirpath/decimal.h"
#include "fhirpath/fhirpath.h"
#include "unit/cmocka_all.h"
#include "unit/fhirpath/xml_document.h"

#include <stdio.h>
#include <stdlib.h>

enum { INPUTS_MAX = 32, SUITE_PERCENT_LEAST = 99 };

struct suite {
    struct scope scope;
    char folder[512];
    struct text known; /* of known.tsv */
    struct {
        const char *name;
        const yyjson_val *resource;
    } inputs[INPUTS_MAX];
    int input_count, passed, failed, known_failed, surprises;
};

static enum status read_input(const yyjson_val **out, struct suite *suite, const char *name) {
    char path[1024];
    struct text source;
    yyjson_doc *doc = NULL;
    for (int i = 0; i < suite->input_count; i++) {
        if (strcmp(suite->inputs[i].name, name) == 0) {
            *out = suite->inputs[i].resource;
            return STATUS_OK;
        }
    }
    snprintf(path, sizeof path, "%s/%s", suite->folder, name);
    enum status status = file_read(&source, path, 16 << 20, &suite->scope);
    if (status == STATUS_OK) {
        status = text_ends(text_from(name), ".xml") ? xml_document_read(&doc, source, &suite->scope)
                                                    : json_read(&doc, source, &suite->scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    *out = yyjson_doc_get_root(doc);
    suite->inputs[suite->input_count].name = text_string(suite->scope.arena, text_from(name));
    suite->inputs[suite->input_count++].resource = *out;
    return STATUS_OK;
}

/* ---- comparison of results -------------------------------------------------------------------------------------- */

static const char *type_of(const struct fhirpath_item *item) {
    static const char *const names[] = {
        [FHIRPATH_BOOLEAN] = "boolean",
        [FHIRPATH_INTEGER] = "integer",
        [FHIRPATH_DECIMAL] = "decimal",
        [FHIRPATH_STRING] = "string",
        [FHIRPATH_DATE] = "date",
        [FHIRPATH_DATETIME] = "dateTime",
        [FHIRPATH_TIME] = "time",
        [FHIRPATH_QUANTITY] = "Quantity",
        [FHIRPATH_TYPE] = "type",
    };
    return item->kind == FHIRPATH_NODE ? fhir_type_name(item->type) : names[item->kind];
}

static bool output_matches(struct suite *suite, const struct fhirpath_item *item, xmlNode *output) {
    struct text actual = fhirpath_item_text(item, &suite->scope);
    xmlChar *type_attribute = xmlGetNoNsProp(output, (const xmlChar *)"type"), *content = xmlNodeGetContent(output);
    struct text expected = text_from((const char *)content);
    bool matches = type_attribute == NULL || strcmp((const char *)type_attribute, type_of(item)) == 0;
    bool is_moment = item->kind >= FHIRPATH_DATE && item->kind <= FHIRPATH_TIME;
    struct decimal x, y;
    if (text_starts(expected, "@T")) {
        expected = (struct text){expected.at + 2, expected.size - 2};
    } else if (text_starts(expected, "@") && (is_moment || item->kind == FHIRPATH_NODE)) {
        expected = (struct text){expected.at + 1, expected.size - 1};
    }
    bool same = text_equal(actual, expected) || (decimal_parse(&x, actual) && decimal_parse(&y, expected) &&
                                                    decimal_compare(x, y) == 0 && item->kind == FHIRPATH_DECIMAL);
    xmlFree(content);
    xmlFree(type_attribute);
    return matches && same;
}

static bool outputs_match(struct suite *suite, const struct fhirpath_items *items, xmlNode *test, bool ordered) {
    bool taken[256] = {false};
    size_t count = 0;
    for (xmlNode *each = xml_next_element(test->children); each != NULL; each = xml_next_element(each->next)) {
        if (!xmlStrEqual(each->name, (const xmlChar *)"output")) {
            continue;
        }
        bool found = false;
        for (size_t i = ordered ? count : 0; i < items->count && i < 256 && !found && (!ordered || i == count); i++) {
            found = !taken[i] && output_matches(suite, &items->at[i], each);
            taken[i] = taken[i] || found;
        }
        if (!found) {
            return false;
        }
        count++;
    }
    return count == items->count;
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static bool attribute_is(xmlNode *node, const char *name, const char *value) {
    xmlChar *attribute = xmlGetNoNsProp(node, (const xmlChar *)name);
    bool is = attribute != NULL && (value == NULL || strcmp((const char *)attribute, value) == 0);
    xmlFree(attribute);
    return is;
}

static xmlNode *expression_of(xmlNode *test) {
    xmlNode *each = xml_next_element(test->children);
    while (each != NULL && !xmlStrEqual(each->name, (const xmlChar *)"expression")) {
        each = xml_next_element(each->next);
    }
    return each;
}

static enum status evaluate(struct fhirpath_items *out, struct suite *suite, xmlNode *test) {
    xmlChar *file = xmlGetNoNsProp(test, (const xmlChar *)"inputfile");
    xmlChar *expression = xmlNodeGetContent(expression_of(test));
    struct text source = text_copy(suite->scope.arena, text_from((const char *)expression));
    const yyjson_val *resource = NULL;
    const struct fhirpath *program = NULL;
    enum status status = file != NULL ? read_input(&resource, suite, (const char *)file) : STATUS_OK;
    assert_int_equal(status, STATUS_OK);
    xmlFree(file);
    xmlFree(expression);
    struct fhirpath_environment environment = {
        .resource = resource, .now_us = INT64_C(1700000000000000), .zone_minutes = 540};
    status = fhirpath_compile(&program, source, &suite->scope);
    if (status == STATUS_OK) {
        status = fhirpath_check(program, fhir_resource_type_of(resource), &suite->scope);
    }
    if (status == STATUS_OK) {
        status = fhirpath_evaluate(out, program, NULL, &environment, &suite->scope);
    }
    if (status == STATUS_OK && attribute_is(test, "predicate", "true")) {
        struct fhirpath_item *exists = ARENA_NEW(suite->scope.arena, struct fhirpath_item);
        *exists = (struct fhirpath_item){.kind = FHIRPATH_BOOLEAN, .boolean = out->count > 0};
        *out = (struct fhirpath_items){exists, 1};
    }
    return status;
}

static bool is_known(const struct suite *suite, const char *name) {
    struct text rest = suite->known;
    while (rest.at != NULL) {
        struct text line = text_cut(&rest, '\n');
        if (text_is(text_cut(&line, '\t'), name)) {
            return true;
        }
    }
    return false;
}

static void say_failure(struct suite *suite, const char *name, enum status status, const struct fhirpath_items *items) {
    const struct issue *last = suite->scope.fault.last;
    printf("  %s: %s", name, status_name(status));
    if (status != STATUS_OK && last != NULL) {
        printf(" (%s)", last->text);
    }
    for (size_t i = 0; status == STATUS_OK && i < items->count && i < 8; i++) {
        struct text text = fhirpath_item_text(&items->at[i], &suite->scope);
        printf(" %s:%.*s", type_of(&items->at[i]), (int)text.size, text.at != NULL ? text.at : "");
    }
    printf("\n");
}

static void run_case(struct suite *suite, xmlNode *test) {
    struct fhirpath_items items = {0};
    xmlChar *name = xmlGetNoNsProp(test, (const xmlChar *)"name");
    suite->scope.fault = (struct fault){0};
    enum status status = evaluate(&items, suite, test);
    bool is_invalid = attribute_is(expression_of(test), "invalid", NULL);
    bool passed =
        is_invalid ? status == STATUS_INVALID
                   : status == STATUS_OK && outputs_match(suite, &items, test, !attribute_is(test, "ordered", "false"));
    bool known = is_known(suite, (const char *)name);
    suite->passed += passed;
    suite->failed += !passed;
    suite->known_failed += !passed && known;
    if (passed == known) {
        suite->surprises++;
        say_failure(suite, (const char *)name, status, &items);
    }
    xmlFree(name);
}

static void hl7_suite(void **state) {
    struct suite suite = {.scope = {.arena = arena_open((size_t)1 << 30)}};
    char path[1024];
    const char *shared = getenv("SOYANG_SHARED");
    (void)state;
    snprintf(suite.folder, sizeof suite.folder, "%s/data/fhir/fhirpath", shared != NULL ? shared : "../shared");
    snprintf(path, sizeof path, "%s/tests-fhir-r4.xml", suite.folder);
    xmlDoc *doc = xmlReadFile(path, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc == NULL) {
        printf("skipped: no %s\n", path);
        arena_close(suite.scope.arena);
        skip();
    }
    assert_int_equal(file_read(&suite.known, "test/cases/fhirpath/known.tsv", 1 << 20, &suite.scope), STATUS_OK);
    for (xmlNode *group = xml_next_element(xmlDocGetRootElement(doc)->children); group != NULL;
         group = xml_next_element(group->next)) {
        for (xmlNode *test = xml_next_element(group->children); test != NULL; test = xml_next_element(test->next)) {
            if (xmlStrEqual(test->name, (const xmlChar *)"test")) {
                run_case(&suite, test);
            }
        }
    }
    printf("R4 suite: %d of %d pass, %d of the others are explained in known.tsv\n", suite.passed,
        suite.passed + suite.failed, suite.known_failed);
    xmlFreeDoc(doc);
    arena_close(suite.scope.arena);
    assert_int_equal(suite.surprises, 0);
    assert_true(suite.passed * 100 >= (suite.passed + suite.failed) * SUITE_PERCENT_LEAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hl7_suite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
