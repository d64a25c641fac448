#include "fhir/fhir.h"

void fhir_write_coding(struct json_writer *w, struct fhir_coding coding) {
    json_object_open(w);
    json_member_text(w, "system", coding.system);
    json_member_text(w, "code", coding.code);
    json_member_text(w, "display", coding.display);
    json_object_close(w);
}

void fhir_write_concept(struct json_writer *w, const char *name, struct fhir_coding coding, struct text words) {
    if (name != NULL) {
        json_name(w, name);
    }
    json_object_open(w);
    json_name(w, "coding");
    json_array_open(w);
    fhir_write_coding(w, coding);
    json_array_close(w);
    json_member_text(w, "text", words);
    json_object_close(w);
}

void fhir_write_reference(struct json_writer *w, const char *name, struct text reference) {
    if (reference.size == 0) {
        return;
    }
    if (name != NULL) {
        json_name(w, name);
    }
    json_object_open(w);
    json_member_text(w, "reference", reference);
    json_object_close(w);
}

void fhir_write_references(struct json_writer *w, const char *name, const struct text *references, size_t count) {
    if (count == 0) {
        return;
    }
    json_name(w, name);
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        fhir_write_reference(w, NULL, references[i]);
    }
    json_array_close(w);
}
