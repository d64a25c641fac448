/* Every expression that R4 itself publishes compiles, and those of search parameters make sense for their types. */
#include "fhirpath/fhirpath.h"
#include "unit/cmocka_all.h"

#include <stdio.h>

static enum status compile_and_check(const char *expression, fhir_type root, struct scope *scope) {
    const struct fhirpath *program = NULL;
    enum status status = fhirpath_compile(&program, text_from(expression), scope);
    return status != STATUS_OK || root == FHIR_TYPE_NONE ? status : fhirpath_check(program, root, scope);
}

static void search_parameters_compile(void **state) {
    struct scope scope = {.arena = arena_open(64 << 20)};
    int expressions = 0;
    (void)state;
    for (int i = 0; i < fhir_search_parameter_count(); i++) {
        const struct fhir_search_parameter *parameter = fhir_search_parameter_at(i);
        if (parameter->expression != NULL) {
            expressions++;
            if (compile_and_check(parameter->expression, FHIR_TYPE_NONE, &scope) != STATUS_OK) {
                fail_msg("%s: %s: %s", parameter->url, parameter->expression, scope.fault.last->text);
            }
        }
        for (int j = 0; j < parameter->component_count; j++) {
            expressions++;
            const char *component = parameter->components[j].expression;
            if (compile_and_check(component, FHIR_TYPE_NONE, &scope) != STATUS_OK) {
                fail_msg("%s, component: %s: %s", parameter->url, component, scope.fault.last->text);
            }
        }
    }
    printf("%d expressions of search parameters compile\n", expressions);
    assert_true(expressions > 1300);
    arena_close(scope.arena);
}

/* A parameter of one type may not name elements that the type lacks. */
static void search_parameters_check(void **state) {
    struct scope scope = {.arena = arena_open(64 << 20)};
    int checked = 0;
    (void)state;
    for (int i = 0; i < fhir_search_parameter_count(); i++) {
        const struct fhir_search_parameter *parameter = fhir_search_parameter_at(i);
        if (parameter->expression == NULL || parameter->base_count != 1) {
            continue;
        }
        checked++;
        if (compile_and_check(parameter->expression, parameter->bases[0], &scope) != STATUS_OK) {
            printf("%s: %s: %s\n", parameter->url, parameter->expression, scope.fault.last->text);
        }
    }
    printf("%d expressions of search parameters checked\n", checked);
    assert_int_equal(scope.fault.count, 0);
    arena_close(scope.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_parameters_compile),
        cmocka_unit_test(search_parameters_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
