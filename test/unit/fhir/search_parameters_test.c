/* Search parameters and compartments against counts that were taken from the package by other means (Node over the files). */
#include "fhir/fhir.h"
#include "unit/cmocka_all.h"

#include <string.h>

static fhir_type type_named(const char *name) {
    return fhir_type_find(text_from(name));
}

static const struct fhir_search_parameter *parameter_of(const char *type, const char *code) {
    return fhir_search_parameter_find(type_named(type), text_from(code));
}

static void counts_are_those_of_the_package(void **state) {
    (void)state;
    static const int expected[] = {[FHIR_SEARCH_NUMBER] = 6,
        [FHIR_SEARCH_DATE] = 109,
        [FHIR_SEARCH_STRING] = 138,
        [FHIR_SEARCH_TOKEN] = 538,
        [FHIR_SEARCH_REFERENCE] = 474,
        [FHIR_SEARCH_COMPOSITE] = 46,
        [FHIR_SEARCH_QUANTITY] = 27,
        [FHIR_SEARCH_URI] = 45,
        [FHIR_SEARCH_SPECIAL] = 1};
    int counts[FHIR_SEARCH_SPECIAL + 1] = {0}, bases = 0;
    assert_int_equal(fhir_search_parameter_count(), 1384);
    for (int i = 0; i < fhir_search_parameter_count(); i++) {
        const struct fhir_search_parameter *parameter = fhir_search_parameter_at(i);
        counts[parameter->type]++;
        bases += parameter->base_count;
        assert_ptr_equal(fhir_search_parameter_by_url(text_from(parameter->url)), parameter);
        assert_true(i == 0 || strcmp(fhir_search_parameter_at(i - 1)->url, parameter->url) < 0);
        assert_true((parameter->type == FHIR_SEARCH_COMPOSITE) == (parameter->component_count > 0));
        for (int b = 0; b < parameter->base_count; b++) {
            assert_ptr_equal(fhir_search_parameter_find(parameter->bases[b], text_from(parameter->code)), parameter);
        }
        for (int c = 0; c < parameter->component_count; c++) {
            assert_non_null(fhir_search_parameter_by_url(text_from(parameter->components[c].parameter_url)));
        }
        assert_true(parameter->expression != NULL || parameter->code[0] == '_');
    }
    assert_memory_equal(counts, expected, sizeof expected);
    assert_int_equal(bases, 1715);
}

static void parameters_are_found_by_code(void **state) {
    (void)state;
    static const struct {
        const char *type, *code, *url;
    } cases[] = {
        {"Patient", "name", "http://hl7.org/fhir/SearchParameter/Patient-name"},
        {"Patient", "_id", "http://hl7.org/fhir/SearchParameter/Resource-id"},
        {"Patient", "_text", "http://hl7.org/fhir/SearchParameter/DomainResource-text"},
        {"Bundle", "_lastUpdated", "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated"},
        {"Condition", "subject", "http://hl7.org/fhir/SearchParameter/Condition-subject"},
        {"Observation", "code", "http://hl7.org/fhir/SearchParameter/clinical-code"},
        {"Condition", "code", "http://hl7.org/fhir/SearchParameter/clinical-code"},
        {"Location", "near", "http://hl7.org/fhir/SearchParameter/Location-near"},
        {"Task", "focus", "http://hl7.org/fhir/SearchParameter/Task-focus"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fhir_search_parameter *parameter = parameter_of(cases[i].type, cases[i].code);
        assert_non_null(parameter);
        assert_string_equal(parameter->url, cases[i].url);
    }
    assert_null(parameter_of("Bundle", "_text"));
    assert_null(parameter_of("Patient", "nonsense"));
    assert_null(parameter_of("Patient", ""));
    assert_null(parameter_of("Nonsense", "_id"));
    assert_null(parameter_of("Resource", "_filter")); /* published as an example only */
    assert_null(fhir_search_parameter_by_url(TEXT("http://hl7.org/fhir/SearchParameter/example")));
}

static void details_are_as_published(void **state) {
    (void)state;
    const struct fhir_search_parameter *pair = parameter_of("Observation", "code-value-quantity");
    assert_int_equal(pair->component_count, 2);
    assert_string_equal(pair->expression, "Observation");
    assert_string_equal(pair->components[0].expression, "code");
    assert_string_equal(pair->components[1].expression, "value.as(Quantity)");
    assert_string_equal(
        pair->components[1].parameter_url, "http://hl7.org/fhir/SearchParameter/Observation-value-quantity");
    const struct fhir_search_parameter *patient = parameter_of("Observation", "patient");
    assert_true(patient->base_count > 20);
    assert_non_null(strstr(patient->expression, "Observation.subject.where(resolve() is Patient)"));
    assert_int_equal(parameter_of("Location", "near")->type, FHIR_SEARCH_SPECIAL);
    assert_null(parameter_of("Patient", "_content")->expression);
}

static void compartments(void **state) {
    (void)state;
    const char *names[8];
    assert_int_equal(fhir_compartment_parameters(names, 8, type_named("Patient"), type_named("Observation")), 2);
    assert_string_equal(names[0], "subject");
    assert_string_equal(names[1], "performer");
    names[0] = names[1] = NULL;
    assert_int_equal(fhir_compartment_parameters(names, 1, type_named("Patient"), type_named("Observation")), 2);
    assert_string_equal(names[0], "subject");
    assert_null(names[1]);
    assert_int_equal(fhir_compartment_parameters(names, 8, type_named("Encounter"), type_named("Encounter")), 1);
    assert_string_equal(names[0], "{def}");
    assert_int_equal(fhir_compartment_parameters(names, 8, type_named("Patient"), type_named("Organization")), 0);
    assert_int_equal(fhir_compartment_parameters(names, 8, type_named("Organization"), type_named("Patient")), 0);
    static const struct {
        const char *owner;
        int types;
    } cases[] = {{"Patient", 66}, {"Encounter", 25}, {"RelatedPerson", 32}, {"Practitioner", 59}, {"Device", 32}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int types = 0;
        for (int n = 1; n <= fhir_resource_count(); n++) {
            types +=
                fhir_compartment_parameters(NULL, 0, type_named(cases[i].owner), fhir_resource_type((uint16_t)n)) > 0;
        }
        assert_int_equal(types, cases[i].types);
    }
    assert_string_equal(fhir_definitions_date, "2019-11-01T09:29:23+11:00");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_the_package),
        cmocka_unit_test(parameters_are_found_by_code),
        cmocka_unit_test(details_are_as_published),
        cmocka_unit_test(compartments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
