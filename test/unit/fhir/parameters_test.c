/* What the writers of Parameters and of datatypes write, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fhir/fhir.h"

static int open_arena(void **state) {
    *state = arena_open(16 << 20);
    return *state == NULL;
}

static int close_arena(void **state) {
    arena_close(*state);
    return 0;
}

static const char *finished(struct json_writer *w, struct arena *arena) {
    struct scope scope = {.arena = arena};
    struct text out = {0};
    assert_int_equal(json_finish(&out, w, &scope), STATUS_OK);
    return text_string(arena, out);
}

static void each_kind_of_value_has_its_member(void **state) {
    struct json_writer w = json_writer_open(*state, 4096);
    fhir_parameters_open(&w);
    fhir_parameter_text(&w, "code", "valueCode", TEXT("a"));
    fhir_parameter_number(&w, "exact", "valueDecimal", TEXT("1.00"));
    fhir_parameter_integer(&w, "count", -3);
    fhir_parameter_decimal(&w, "share", 0.5, 3);
    fhir_parameter_boolean(&w, "is", false);
    fhir_parameter_coding(&w, "coding", (struct fhir_coding){TEXT("urn:s"), TEXT("c"), {0}});
    fhir_parameter_reference(&w, "who", TEXT("Patient/1"), TEXT("김소양"));
    fhir_parameter_resource(&w, "what", TEXT("{\"resourceType\":\"Patient\"}"));
    fhir_parameters_close(&w);
    assert_string_equal(finished(&w, *state),
        "{\"resourceType\":\"Parameters\",\"parameter\":["
        "{\"name\":\"code\",\"valueCode\":\"a\"},"
        "{\"name\":\"exact\",\"valueDecimal\":1.00},"
        "{\"name\":\"count\",\"valueInteger\":-3},"
        "{\"name\":\"share\",\"valueDecimal\":0.500},"
        "{\"name\":\"is\",\"valueBoolean\":false},"
        "{\"name\":\"coding\",\"valueCoding\":{\"system\":\"urn:s\",\"code\":\"c\"}},"
        "{\"name\":\"who\",\"valueReference\":{\"reference\":\"Patient/1\",\"display\":\"김소양\"}},"
        "{\"name\":\"what\",\"resource\":{\"resourceType\":\"Patient\"}}]}");
}

static void parts_stand_inside(void **state) {
    struct json_writer w = json_writer_open(*state, 4096);
    fhir_parameters_open(&w);
    fhir_parameter_open(&w, "match");
    fhir_parameter_integer(&w, "n", 1);
    fhir_parameter_open(&w, "product");
    fhir_parameter_boolean(&w, "is", true);
    fhir_parameter_close(&w);
    fhir_parameter_close(&w);
    fhir_parameters_close(&w);
    assert_string_equal(finished(&w, *state),
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"match\",\"part\":["
        "{\"name\":\"n\",\"valueInteger\":1},"
        "{\"name\":\"product\",\"part\":[{\"name\":\"is\",\"valueBoolean\":true}]}]}]}");
}

static void what_has_no_value_is_left_out(void **state) {
    const struct text none = {0}, empty = {"", 0};
    struct json_writer w = json_writer_open(*state, 4096);
    fhir_parameters_open(&w);
    fhir_parameter_text(&w, "a", "valueString", none);
    fhir_parameter_text(&w, "b", "valueString", empty);
    fhir_parameter_number(&w, "c", "valueDecimal", none);
    fhir_parameter_reference(&w, "d", empty, TEXT("nobody"));
    fhir_parameter_reference(&w, "e", TEXT("Patient/1"), empty);
    fhir_parameters_close(&w);
    assert_string_equal(finished(&w, *state), "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"e\","
                                              "\"valueReference\":{\"reference\":\"Patient/1\"}}]}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_of_value_has_its_member, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(parts_stand_inside, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_has_no_value_is_left_out, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
