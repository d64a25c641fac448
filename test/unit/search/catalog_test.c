/* The catalogue made from R4's own definitions, over a real store. */
#include "search/catalog.h"
#include "search/expression.h"
#include "unit/search/shelf.h"

static int setup(void **state) {
    struct shelf *shelf = calloc(1, sizeof *shelf);
    *state = shelf;
    shelf_open(shelf, 540, 0);
    return 0;
}

static int teardown(void **state) {
    shelf_close(*state);
    free(*state);
    return 0;
}

static void test_all_expressions_compile(void **state) {
    const struct shelf *shelf = *state;
    size_t branches = 0, slots = 0, parameters = 0;
    for (int number = 0; number <= fhir_resource_count(); number++) {
        const struct type_catalog *type = &shelf->search->types[number];
        for (size_t i = 0; i < type->branch_count; i++, branches++) {
            if (type->branches[i]->program == NULL) {
                fail_msg("%s", text_string(shelf->scope.arena, type->branches[i]->expression));
            }
        }
        for (size_t i = 0; i < type->slot_count; i++, slots++) {
            bool is_composite = type->slots[i]->type == FHIR_SEARCH_COMPOSITE;
            assert_true(is_composite == (type->slots[i]->component_count > 1));
            assert_true(type->slots[i]->branch_count > 0);
            for (size_t j = 0; j < i; j++) {
                assert_string_not_equal(type->slots[i]->name, type->slots[j]->name);
            }
        }
        parameters += type->parameter_count;
    }
    print_message("%zu parameters, %zu slots, %zu branches\n", parameters, slots, branches);
    assert_true(parameters > 1300);
}

/* The parameters that R4 defines without anything to evaluate, and no others. */
static void test_what_is_not_served(void **state) {
    const struct shelf *shelf = *state;
    for (int number = 0; number <= fhir_resource_count(); number++) {
        const struct type_catalog *type = &shelf->search->types[number];
        for (size_t i = 0; i < type->parameter_count; i++) {
            const struct parameter *parameter = &type->parameters[i];
            bool is_foreign = parameter->definition->expression != NULL &&
                              !expression_concerns(text_from(parameter->definition->expression), type->type);
            bool has_nothing = parameter->definition->expression == NULL ||
                               parameter->definition->type == FHIR_SEARCH_SPECIAL || is_foreign;
            if (parameter->role == ROLE_UNSERVED && !has_nothing) {
                fail_msg("%s.%s", fhir_type_name(type->type), parameter->code);
            }
        }
    }
}

static void test_shared_slots(void **state) {
    const struct search *search = ((struct shelf *)*state)->search;
    fhir_type observation = fhir_type_find(TEXT("Observation"));
    const struct parameter *code = catalog_find(search, observation, TEXT("code"));
    const struct parameter *combo = catalog_find(search, observation, TEXT("combo-code"));
    const struct parameter *subject = catalog_find(search, observation, TEXT("subject"));
    const struct parameter *patient = catalog_find(search, observation, TEXT("patient"));
    assert_int_equal(code->use_count, 1);
    assert_int_equal(combo->use_count, 2);
    assert_ptr_equal(combo->uses[0].slot, code->uses[0].slot);
    assert_ptr_equal(patient->uses[0].slot, subject->uses[0].slot);
    assert_int_equal(patient->uses[0].only, fhir_type_find(TEXT("Patient")));
    assert_int_equal(subject->uses[0].only, FHIR_TYPE_NONE);
    assert_non_null(catalog_find(search, observation, TEXT("_tag")));
    assert_null(catalog_find(search, observation, TEXT("birthdate")));
}

static void test_expressions(void **state) {
    (void)state;
    struct text rest = TEXT("(A.b as C) | D.where(x='|').e | f");
    assert_true(text_is(expression_cut(&rest), "(A.b as C)"));
    assert_true(text_is(expression_cut(&rest), "D.where(x='|').e"));
    assert_true(text_is(expression_cut(&rest), "f"));
    assert_null(rest.at);
    fhir_type patient = fhir_type_find(TEXT("Patient"));
    assert_true(expression_concerns(TEXT("Patient.name"), patient));
    assert_true(expression_concerns(TEXT("Resource.meta.tag"), patient));
    assert_false(expression_concerns(TEXT("(Observation.value as Quantity)"), patient));
    assert_true(text_is(expression_member(TEXT("(Observation.value as Quantity)")), "value"));
    assert_true(text_is(expression_member(TEXT("Patient.telecom.where(system='phone')")), "telecom"));
    assert_int_equal(expression_member(TEXT("Patient.deceased.exists() and Patient.deceased != false")).size, 0);
    assert_int_equal(expression_member(TEXT("Observation")).size, 0);
    struct text base;
    fhir_type only;
    assert_true(expression_narrowed(&base, &only, TEXT("Account.subject.where(resolve() is Patient)")));
    assert_true(text_is(base, "Account.subject") && only == patient);
    assert_false(expression_narrowed(&base, &only, TEXT("Account.subject")));
}

static void test_claims(void **state) {
    struct shelf *shelf = *state;
    struct search_parameter_claim *claims;
    size_t count;
    fhir_type patient = fhir_type_find(TEXT("Patient"));
    assert_int_equal(search_claims(&claims, &count, shelf->search, patient, &shelf->scope), STATUS_OK);
    bool has_name = false, has_id = false, has_text = false;
    for (size_t i = 0; i < count; i++) {
        has_name = has_name || strcmp(claims[i].name, "name") == 0;
        has_id = has_id || strcmp(claims[i].name, "_id") == 0;
        has_text = has_text || strcmp(claims[i].name, "_text") == 0;
    }
    assert_true(has_name && has_id && has_text);
    assert_string_equal(claims[0].url + strlen("http://hl7.org/fhir/SearchParameter/"), "Patient-active");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_expressions_compile),
        cmocka_unit_test(test_what_is_not_served), cmocka_unit_test(test_shared_slots),
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_claims)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
