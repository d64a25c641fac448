#include "fhir/fhir.h"

void fhir_parameters_open(struct json_writer *w) {
    json_object_open(w);
    json_member_string(w, "resourceType", "Parameters");
    json_name(w, "parameter");
    json_array_open(w);
}

void fhir_parameters_close(struct json_writer *w) {
    json_array_close(w);
    json_object_close(w);
}

enum status fhir_parameters_finish(struct text *out, struct json_writer *w, struct scope *scope) {
    fhir_parameters_close(w);
    return json_finish(out, w, scope);
}

static void open_named(struct json_writer *w, const char *name) {
    json_object_open(w);
    json_member_string(w, "name", name);
}

void fhir_parameter_open(struct json_writer *w, const char *name) {
    open_named(w, name);
    json_name(w, "part");
    json_array_open(w);
}

void fhir_parameter_close(struct json_writer *w) {
    json_array_close(w);
    json_object_close(w);
}

void fhir_parameter_text(struct json_writer *w, const char *name, const char *member, struct text value) {
    if (value.size == 0) {
        return;
    }
    open_named(w, name);
    json_member_text(w, member, value);
    json_object_close(w);
}

void fhir_parameter_number(struct json_writer *w, const char *name, const char *member, struct text number) {
    if (number.size == 0) {
        return;
    }
    open_named(w, name);
    json_name(w, member);
    json_raw(w, number);
    json_object_close(w);
}

void fhir_parameter_integer(struct json_writer *w, const char *name, int64_t value) {
    open_named(w, name);
    json_member_int(w, "valueInteger", value);
    json_object_close(w);
}

void fhir_parameter_decimal(struct json_writer *w, const char *name, double value, int decimals) {
    open_named(w, name);
    json_member_decimal(w, "valueDecimal", value, decimals);
    json_object_close(w);
}

void fhir_parameter_boolean(struct json_writer *w, const char *name, bool value) {
    open_named(w, name);
    json_member_bool(w, "valueBoolean", value);
    json_object_close(w);
}

void fhir_parameter_coding(struct json_writer *w, const char *name, struct fhir_coding coding) {
    open_named(w, name);
    json_name(w, "valueCoding");
    fhir_write_coding(w, coding);
    json_object_close(w);
}

void fhir_parameter_reference(struct json_writer *w, const char *name, struct text reference, struct text display) {
    if (reference.size == 0) {
        return;
    }
    open_named(w, name);
    json_name(w, "valueReference");
    json_object_open(w);
    json_member_text(w, "reference", reference);
    if (display.size > 0) {
        json_member_text(w, "display", display);
    }
    json_object_close(w);
    json_object_close(w);
}

void fhir_parameter_resource(struct json_writer *w, const char *name, struct text resource) {
    open_named(w, name);
    json_name(w, "resource");
    json_raw(w, resource);
    json_object_close(w);
}
