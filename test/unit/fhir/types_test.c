/* The tables against what is known of R4 4.0.1 from elsewhere: numbers of the published specification, and every row asked
 * for through every door. */
#include "fhir/fhir.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static fhir_type type_named(const char *name) {
    fhir_type type = fhir_type_find(text_from(name));
    assert_int_not_equal(type, FHIR_TYPE_NONE);
    assert_string_equal(fhir_type_name(type), name);
    return type;
}

static struct fhir_member member_of(const char *parent, const char *name) {
    struct fhir_member member;
    if (!fhir_member_find(&member, type_named(parent), text_from(name))) {
        fail_msg("%s has no %s", parent, name);
    }
    return member;
}

/* R4 lists 148 resources, two of them abstract: http://hl7.org/fhir/R4/resourcelist.html */
static void resources_are_numbered_by_name(void **state) {
    (void)state;
    assert_int_equal(fhir_resource_count(), 146);
    for (int i = 1; i <= fhir_resource_count(); i++) {
        fhir_type type = fhir_resource_type((uint16_t)i);
        assert_int_equal(fhir_resource_number(type), i);
        assert_int_equal(fhir_type_kind(type), FHIR_RESOURCE);
        assert_false(fhir_type_is_abstract(type));
        assert_true(fhir_type_is(type, type_named("Resource")));
        assert_true(i == 1 || strcmp(fhir_type_name(fhir_resource_type((uint16_t)(i - 1))), fhir_type_name(type)) < 0);
    }
    assert_int_equal(fhir_resource_type(0), FHIR_TYPE_NONE);
    assert_int_equal(fhir_resource_type(147), FHIR_TYPE_NONE);
    assert_int_equal(fhir_resource_number(type_named("DomainResource")), 0);
    assert_int_equal(fhir_resource_number(type_named("HumanName")), 0);
    assert_string_equal(fhir_type_name(fhir_resource_type(1)), "Account");
    assert_string_equal(fhir_type_name(fhir_resource_type(146)), "VisionPrescription");
}

static void kinds_and_bases(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum fhir_kind kind;
        const char *base;
        bool is_abstract;
    } cases[] = {
        {"Patient", FHIR_RESOURCE, "DomainResource", false},
        {"Bundle", FHIR_RESOURCE, "Resource", false},
        {"DomainResource", FHIR_RESOURCE, "Resource", true},
        {"Resource", FHIR_RESOURCE, NULL, true},
        {"Element", FHIR_COMPLEX, NULL, true},
        {"BackboneElement", FHIR_COMPLEX, "Element", true},
        {"Quantity", FHIR_COMPLEX, "Element", false},
        {"Age", FHIR_COMPLEX, "Quantity", false},
        {"Timing", FHIR_COMPLEX, "BackboneElement", false},
        {"Timing.repeat", FHIR_BACKBONE, "Element", false},
        {"Patient.contact", FHIR_BACKBONE, "BackboneElement", false},
        {"string", FHIR_PRIMITIVE, "Element", false},
        {"code", FHIR_PRIMITIVE, "string", false},
        {"canonical", FHIR_PRIMITIVE, "uri", false},
        {"positiveInt", FHIR_PRIMITIVE, "integer", false},
        {"xhtml", FHIR_PRIMITIVE, "Element", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fhir_type type = type_named(cases[i].name);
        assert_int_equal(fhir_type_kind(type), cases[i].kind);
        assert_string_equal(fhir_type_name(fhir_type_base(type)), cases[i].base == NULL ? "" : cases[i].base);
        assert_int_equal(fhir_type_is_abstract(type), cases[i].is_abstract);
    }
    assert_true(fhir_type_is(type_named("Patient"), type_named("Patient")));
    assert_false(fhir_type_is(type_named("Resource"), type_named("Patient")));
    assert_false(fhir_type_is(FHIR_TYPE_NONE, type_named("Patient")));
}

static void unknown_names_are_no_types(void **state) {
    (void)state;
    static const char *const names[] = {"", "patient", "Patien", "Patientx", "Patient.", "Patient.name",
        "MetadataResource", "MoneyQuantity", "http://hl7.org/fhirpath/System.String"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(fhir_type_find(text_from(names[i])), FHIR_TYPE_NONE);
    }
    assert_int_equal(fhir_type_find((struct text){"Patient\0", 8}), FHIR_TYPE_NONE);
    assert_int_equal(fhir_type_find((struct text){NULL, 0}), FHIR_TYPE_NONE);
}

static void members_resolve(void **state) {
    (void)state;
    struct fhir_member member = member_of("Observation", "valueQuantity");
    assert_string_equal(member.element->name, "value");
    assert_string_equal(fhir_type_name(member.type), "Quantity");
    assert_true(member.element->is_choice && member.element->is_summary && !member.is_companion);
    assert_int_equal(member.element->type_count, 11);
    member = member_of("Patient", "_birthDate");
    assert_string_equal(member.element->name, "birthDate");
    assert_string_equal(fhir_type_name(member.type), "date");
    assert_true(member.is_companion);
    assert_string_equal(fhir_type_name(member_of("Extension", "valueBase64Binary").type), "base64Binary");
    assert_int_equal(member_of("Extension", "valueString").element->type_count, 50);
    assert_string_equal(fhir_type_name(member_of("Patient", "id").type), "id");
    assert_string_equal(fhir_type_name(member_of("HumanName", "id").type), "string");
    assert_string_equal(fhir_type_name(member_of("Extension", "url").type), "uri");
    assert_true(member_of("Extension", "url").element->is_bare && member_of("Patient", "id").element->is_bare);
    assert_false(member_of("Patient", "implicitRules").element->is_bare);
    assert_string_equal(fhir_type_name(member_of("Narrative", "div").type), "xhtml");
    assert_string_equal(fhir_type_name(member_of("Patient", "contained").type), "Resource");
    assert_string_equal(fhir_type_name(member_of("Bundle.entry", "resource").type), "Resource");
    assert_string_equal(fhir_type_name(member_of("Parameters.parameter", "resource").type), "Resource");
    assert_string_equal(fhir_type_name(member_of("Questionnaire.item", "item").type), "Questionnaire.item");
    assert_string_equal(fhir_type_name(member_of("Timing", "repeat").type), "Timing.repeat");
    assert_string_equal(fhir_type_name(member_of("Consent.provision", "provision").type), "Consent.provision");
    assert_true(member_of("Patient", "active").element->is_modifier);
    assert_string_equal(
        member_of("Patient", "gender").element->binding, "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1");
    assert_null(member_of("Patient", "maritalStatus").element->binding);
    static const char *const strangers[] = {"", "_", "value", "deceased", "_name", "names", "resourceType", "NAME"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        assert_false(fhir_member_find(&member, type_named("Patient"), text_from(strangers[i])));
    }
    assert_false(fhir_member_find(&member, FHIR_TYPE_NONE, TEXT("name")));
    assert_false(fhir_member_find(&member, type_named("string"), TEXT("value")));
}

static void references_know_their_targets(void **state) {
    (void)state;
    const struct fhir_element *subject = fhir_element_find(type_named("Condition"), TEXT("subject"));
    assert_int_equal(subject->min, 1);
    assert_int_equal(subject->target_count, 2);
    assert_string_equal(fhir_type_name(subject->targets[0]), "Patient");
    assert_string_equal(fhir_type_name(subject->targets[1]), "Group");
    const struct fhir_element *focus = fhir_element_find(type_named("Task"), TEXT("focus"));
    assert_int_equal(focus->target_count, 1);
    assert_string_equal(fhir_type_name(focus->targets[0]), "Resource");
    assert_null(fhir_element_find(type_named("Patient"), TEXT("name"))->targets);
    assert_null(fhir_element_find(type_named("Patient"), TEXT("deceasedBoolean")));
    assert_non_null(fhir_element_find(type_named("Patient"), TEXT("deceased")));
    assert_null(fhir_element_find(FHIR_TYPE_NONE, TEXT("name")));
}

/* Every element of every type is found by its member names, and says what the row says. */
static void every_element_is_found(void **state) {
    (void)state;
    int elements = 0;
    for (fhir_type parent = 1; parent <= 682; parent++) {
        assert_int_equal(fhir_type_find(text_from(fhir_type_name(parent))), parent);
        for (int i = 0; i < fhir_element_count(parent); i++, elements++) {
            const struct fhir_element *element = fhir_element_at(parent, i);
            assert_ptr_equal(fhir_element_find(parent, text_from(element->name)), element);
            assert_true(element->type_count > 0 && element->max >= element->min && element->max > 0);
            assert_true(element->is_choice == (element->type_count > 1));
            for (int t = 0; t < element->type_count; t++) {
                const char *type = fhir_type_name(element->types[t]);
                char name[128];
                snprintf(name, sizeof name, "%s%s", element->name, element->is_choice ? type : "");
                size_t at = strlen(element->name);
                name[at] = (char)(element->is_choice && name[at] >= 'a' ? name[at] - 32 : name[at]);
                struct fhir_member member;
                assert_true(fhir_member_find(&member, parent, text_from(name)));
                assert_ptr_equal(member.element, element);
                assert_int_equal(member.type, element->types[t]);
            }
        }
    }
    assert_int_equal(elements, 7445);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resources_are_numbered_by_name),
        cmocka_unit_test(kinds_and_bases),
        cmocka_unit_test(unknown_names_are_no_types),
        cmocka_unit_test(members_resolve),
        cmocka_unit_test(references_know_their_targets),
        cmocka_unit_test(every_element_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
