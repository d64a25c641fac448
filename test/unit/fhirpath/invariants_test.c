/* R4's published invariants over R4's published examples: every expression compiles, none fails, and what they say is true.
 * An invariant holds where it does not yield false (ref-1 is empty for a Reference without text). */
#include "fhirpath/fhirpath.h"
#include "unit/cmocka_all.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#define PACKAGE "build/deps/fhir/package/"

enum { INVARIANTS_MAX = 4096, EXAMPLE_SIZE_MAX = 400000, EXAMPLE_EVERY = 3 };

struct invariant_row {
    const char *key;
    fhir_type type; /* of the resource; Resource for those of data types, looked for in every resource */
    const struct fhirpath *program;
};

struct invariants {
    struct scope scope;
    struct invariant_row rows[INVARIANTS_MAX];
    int count, evaluated, false_count;
};

static void compile_row(struct invariants *all, struct text key, fhir_type type, struct text expression) {
    struct invariant_row *row = &all->rows[all->count++];
    assert_true(all->count < INVARIANTS_MAX);
    row->key = text_string(all->scope.arena, key);
    row->type = type;
    if (fhirpath_compile(&row->program, expression, &all->scope) != STATUS_OK) {
        fail_msg("%s: %s", row->key, all->scope.fault.last->text);
    }
}

/* PATH.exists((invariant).not()).not() for resources, over descendants of the type for data types. */
static void add_constraints(struct invariants *all, const yyjson_val *element, fhir_type type) {
    yyjson_val *constraints = (yyjson_val *)json_get(element, "constraint"), *each;
    struct text path = json_get_text(element, "path");
    bool is_resource = fhir_type_kind(type) == FHIR_RESOURCE;
    size_t index, count;
    if (constraints == NULL || (!is_resource && !text_is(path, fhir_type_name(type)))) {
        return;
    }
    struct buffer quoted = buffer_open(all->scope.arena, 4096); /* "Element.contains" needs its quotes */
    for (struct text rest = text_ends(path, "[x]") ? (struct text){path.at, path.size - 3} : path; rest.at != NULL;) {
        struct text part = text_cut(&rest, '.');
        buffer_put_format(&quoted, "%s`%.*s`", quoted.size > 0 ? "." : "", (int)part.size, part.at);
    }
    struct text where = is_resource ? buffer_text(&quoted)
                                    : text_format(all->scope.arena, "descendants().ofType(%s)", fhir_type_name(type));
    yyjson_arr_foreach(constraints, index, count, each) {
        struct text expression = json_get_text(each, "expression");
        bool is_everywhere = text_is(json_get_text(each, "key"), "ele-1"); /* on every element: thousands of copies */
        if (expression.size > 0 && !is_everywhere && text_is(json_get_text(each, "severity"), "error")) {
            compile_row(all, json_get_text(each, "key"), is_resource ? type : fhir_type_find(TEXT("Resource")),
                text_format(all->scope.arena, "%.*s.exists((%.*s).not()).not()", (int)where.size, where.at,
                    (int)expression.size, expression.at));
        }
    }
}

static void read_definition(struct invariants *all, const char *path) {
    yyjson_doc *doc = NULL;
    struct text source;
    assert_int_equal(file_read(&source, path, 64 << 20, &all->scope), STATUS_OK);
    assert_int_equal(json_read(&doc, source, &all->scope), STATUS_OK);
    const yyjson_val *root = yyjson_doc_get_root(doc);
    fhir_type type = fhir_type_find(json_get_text(root, "type"));
    struct text kind = json_get_text(root, "kind");
    yyjson_val *elements = (yyjson_val *)json_get(json_get(root, "snapshot"), "element"), *element;
    size_t index, count;
    if (elements == NULL || type == FHIR_TYPE_NONE || text_is(json_get_text(root, "derivation"), "constraint") ||
        !(text_is(kind, "resource") || text_is(kind, "complex-type"))) {
        return;
    }
    yyjson_arr_foreach(elements, index, count, element) {
        add_constraints(all, element, type);
    }
}

/* The logical models of R4 (Definition, Event, Request, FiveWs) have no baseDefinition, which sdf-4 forbids. */
static bool is_known_false(const char *key) {
    return strcmp(key, "sdf-4") == 0;
}

static void evaluate_row(struct invariants *all, const struct invariant_row *row, const yyjson_val *resource,
    const char *path, struct scope *scope) {
    struct fhirpath_environment environment = {
        .resource = resource, .now_us = INT64_C(1795316645678000), .steps_max = 5000000};
    struct fhirpath_items items;
    all->evaluated++;
    if (fhirpath_evaluate(&items, row->program, NULL, &environment, scope) != STATUS_OK) {
        fail_msg("%s over %s: %s", row->key, path, scope->fault.last->text);
    }
    if (!(items.count == 1 && items.at[0].boolean) && !is_known_false(row->key)) {
        printf("%s is false over %s\n", row->key, path);
        all->false_count++;
    }
}

static void evaluate_example(struct invariants *all, const char *path) {
    struct scope scope = {.arena = arena_open(1 << 30)};
    struct text source;
    yyjson_doc *doc = NULL;
    if (file_read(&source, path, EXAMPLE_SIZE_MAX, &scope) == STATUS_OK &&
        json_read(&doc, source, &scope) == STATUS_OK) {
        const yyjson_val *root = yyjson_doc_get_root(doc);
        fhir_type type = fhir_resource_type_of(root);
        for (int i = 0; type != FHIR_TYPE_NONE && i < all->count; i++) {
            if (fhir_type_is(type, all->rows[i].type)) {
                evaluate_row(all, &all->rows[i], root, path, &scope);
            }
        }
    }
    arena_close(scope.arena);
}

static void invariants_hold(void **state) {
    static struct invariants all;
    glob_t definitions, examples;
    (void)state;
    if (glob(PACKAGE "StructureDefinition-*.json", 0, NULL, &definitions) != 0) {
        printf("skipped: no " PACKAGE "\n");
        skip();
    }
    all.scope.arena = arena_open(1 << 30);
    for (size_t i = 0; i < definitions.gl_pathc; i++) {
        read_definition(&all, definitions.gl_pathv[i]);
    }
    assert_int_equal(glob(PACKAGE "*.json", 0, NULL, &examples), 0);
    for (size_t i = 0; i < examples.gl_pathc; i += EXAMPLE_EVERY) {
        evaluate_example(&all, examples.gl_pathv[i]);
    }
    printf("%d invariants, %d evaluations, %d false\n", all.count, all.evaluated, all.false_count);
    assert_true(all.count > 1500 && all.evaluated > 50000);
    assert_int_equal(all.false_count, 0);
    globfree(&definitions);
    globfree(&examples);
    arena_close(all.scope.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(invariants_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
