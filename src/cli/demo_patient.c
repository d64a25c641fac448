/* An invented patient of demo/patients.json as FHIR, labelled synthetic. */
#include <stdio.h>
#include <string.h>

#include "cli/demo.h"
#include "referral/referral.h"

enum { BUNDLE_MAX = 1024 * 1024, MINUTE_US = 60000000 };

struct bundle_writer {
    struct json_writer w;
    const char *patient; /* id */
    char now[TIME_TEXT_SIZE], day[TIME_TEXT_SIZE];
    int number; /* of the entry, for ids */
};

static void open_entry(struct bundle_writer *b, const char *type, const char *id) {
    struct json_writer *w = &b->w;
    json_object_open(w);
    json_name(w, "request");
    json_object_open(w);
    json_member_string(w, "method", "PUT");
    json_name(w, "url");
    json_string_text(w, text_format(w->buffer.arena, "%s/%s", type, id));
    json_object_close(w);
    json_name(w, "resource");
    json_object_open(w);
    json_member_string(w, "resourceType", type);
    json_member_string(w, "id", id);
    json_name(w, "meta");
    json_object_open(w);
    json_name(w, "tag");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "system", TRIAGE_BASE "/CodeSystem/label");
    json_member_string(w, "code", "synthetic");
    json_member_string(w, "display", "합성 환자 · synthetic patient");
    json_object_close(w);
    json_array_close(w);
    json_object_close(w);
}

static void close_entry(struct bundle_writer *b) {
    json_object_close(&b->w);
    json_object_close(&b->w);
}

static const char *next_id(struct bundle_writer *b, const char *kind) {
    return text_format(b->w.buffer.arena, "%s-%s-%d", b->patient, kind, ++b->number).at;
}

static void write_reference(struct bundle_writer *b, const char *name, const char *type, const char *id) {
    json_name(&b->w, name);
    json_object_open(&b->w);
    json_name(&b->w, "reference");
    json_string_text(&b->w, text_format(b->w.buffer.arena, "%s/%s", type, id));
    json_object_close(&b->w);
}

static void write_coding(struct json_writer *w, const char *system, struct text code) {
    json_name(w, "coding");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "system", system);
    json_member_text(w, "code", code);
    json_object_close(w);
    json_array_close(w);
}

/* {"text": "ko"}, {"text": "en"}: both languages of one statement stand beside each other. */
static void write_both(struct json_writer *w, const yyjson_val *item, const char *ko, const char *en) {
    json_name(w, "text");
    struct text words_ko = json_get_text(item, ko), words_en = json_get_text(item, en);
    json_string_text(w,
        text_format(w->buffer.arena, "%.*s · %.*s", (int)words_ko.size, words_ko.at, (int)words_en.size, words_en.at));
}

static void write_patient(struct bundle_writer *b, const yyjson_val *patient) {
    struct json_writer *w = &b->w;
    open_entry(b, "Patient", b->patient);
    json_name(w, "identifier");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "system", TRIAGE_BASE "/demonstration/patient");
    json_member_string(w, "value", b->patient);
    json_object_close(w);
    json_array_close(w);
    json_name(w, "name");
    json_array_open(w);
    json_object_open(w);
    json_member_text(w, "text", json_get_text(patient, "name_ko"));
    json_object_close(w);
    json_object_open(w);
    json_member_string(w, "use", "usual");
    json_member_text(w, "text", json_get_text(patient, "name_en"));
    json_object_close(w);
    json_array_close(w);
    json_member_text(w, "gender", json_get_text(patient, "sex"));
    json_member_text(w, "birthDate", json_get_text(patient, "birth_date"));
    close_entry(b);
}

static void write_encounter(struct bundle_writer *b, const yyjson_val *patient) {
    struct json_writer *w = &b->w;
    const char *id = text_format(w->buffer.arena, "%s-visit", b->patient).at;
    open_entry(b, "Encounter", id);
    json_member_string(w, "status", "in-progress");
    json_name(w, "class");
    json_object_open(w);
    json_member_string(w, "system", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
    json_member_string(w, "code", "EMER");
    json_object_close(w);
    write_reference(b, "subject", "Patient", b->patient);
    json_name(w, "period");
    json_object_open(w);
    json_member_string(w, "start", b->now);
    json_object_close(w);
    json_name(w, "reasonCode");
    json_array_open(w);
    json_object_open(w);
    json_member_text(w, "text", json_get_text(patient, "complaint_ko"));
    json_object_close(w);
    json_object_open(w);
    json_member_text(w, "text", json_get_text(patient, "complaint_en"));
    json_object_close(w);
    json_array_close(w);
    write_reference(b, "serviceProvider", "Organization", text_string(w->buffer.arena, json_get_text(patient, "post")));
    close_entry(b);
}

static void open_observation(struct bundle_writer *b, const char *category) {
    struct json_writer *w = &b->w;
    open_entry(b, "Observation", next_id(b, "obs"));
    json_member_string(w, "status", "final");
    json_name(w, "category");
    json_array_open(w);
    json_object_open(w);
    write_coding(w, "http://terminology.hl7.org/CodeSystem/observation-category", text_from(category));
    json_object_close(w);
    json_array_close(w);
    write_reference(b, "subject", "Patient", b->patient);
    write_reference(b, "encounter", "Encounter", text_format(w->buffer.arena, "%s-visit", b->patient).at);
    json_member_string(w, "effectiveDateTime", b->now);
}

static void write_vital(struct bundle_writer *b, const yyjson_val *code, const yyjson_val *value) {
    struct json_writer *w = &b->w;
    open_observation(b, "vital-signs");
    json_name(w, "code");
    json_object_open(w);
    write_coding(w, "http://loinc.org", json_get_text(code, "code"));
    json_object_close(w);
    struct text unit = json_get_text(code, "unit"), word = json_text(value);
    if (word.at != NULL) {
        json_name(w, "valueCodeableConcept");
        json_object_open(w);
        json_member_text(w, "text", word);
        json_object_close(w);
    } else {
        json_name(w, "valueQuantity");
        json_object_open(w);
        json_name(w, "value");
        json_value(w, value);
        json_member_text(w, "unit", unit);
        json_member_string(w, "system", "http://unitsofmeasure.org");
        json_member_text(w, "code", unit);
        json_object_close(w);
    }
    close_entry(b);
}

/* LOINC 82810-3 "Pregnancy status", SNOMED CT 77386006 "Pregnant". */
static void write_pregnancy(struct bundle_writer *b, const yyjson_val *pregnancy) {
    struct json_writer *w = &b->w;
    if (!yyjson_is_obj((yyjson_val *)pregnancy))
        return;
    open_observation(b, "social-history");
    json_name(w, "code");
    json_object_open(w);
    write_coding(w, "http://loinc.org", TEXT("82810-3"));
    json_object_close(w);
    json_name(w, "valueCodeableConcept");
    json_object_open(w);
    write_coding(w, "http://snomed.info/sct", TEXT("77386006"));
    json_member_string(w, "text", "임신 · pregnant");
    json_object_close(w);
    close_entry(b);
}

static void write_condition(struct bundle_writer *b, const yyjson_val *item, const char *category) {
    struct json_writer *w = &b->w;
    open_entry(b, "Condition", next_id(b, "condition"));
    json_name(w, "clinicalStatus");
    json_object_open(w);
    write_coding(w, "http://terminology.hl7.org/CodeSystem/condition-clinical", TEXT("active"));
    json_object_close(w);
    json_name(w, "category");
    json_array_open(w);
    json_object_open(w);
    write_coding(w, "http://terminology.hl7.org/CodeSystem/condition-category", text_from(category));
    json_object_close(w);
    json_array_close(w);
    json_name(w, "code");
    json_object_open(w);
    if (json_get_text(item, "code").at != NULL)
        write_coding(w, "http://hl7.org/fhir/sid/icd-10", json_get_text(item, "code"));
    write_both(w, item, "text_ko", "text_en");
    json_object_close(w);
    write_reference(b, "subject", "Patient", b->patient);
    if (strcmp(category, "encounter-diagnosis") == 0)
        write_reference(b, "encounter", "Encounter", text_format(w->buffer.arena, "%s-visit", b->patient).at);
    json_member_string(w, "recordedDate", b->now);
    close_entry(b);
}

static void write_medicine(struct bundle_writer *b, const yyjson_val *item) {
    struct json_writer *w = &b->w;
    open_entry(b, "MedicationStatement", next_id(b, "medicine"));
    json_member_string(w, "status", "active");
    json_name(w, "medicationCodeableConcept");
    json_object_open(w);
    write_both(w, item, "text_ko", "text_en");
    json_object_close(w);
    write_reference(b, "subject", "Patient", b->patient);
    close_entry(b);
}

static void write_allergy(struct bundle_writer *b, const yyjson_val *item) {
    struct json_writer *w = &b->w;
    open_entry(b, "AllergyIntolerance", next_id(b, "allergy"));
    json_name(w, "clinicalStatus");
    json_object_open(w);
    write_coding(w, "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", TEXT("active"));
    json_object_close(w);
    json_name(w, "code");
    json_object_open(w);
    write_both(w, item, "text_ko", "text_en");
    json_object_close(w);
    write_reference(b, "patient", "Patient", b->patient);
    close_entry(b);
}

static void write_all(struct bundle_writer *b, const yyjson_val *file, const yyjson_val *patient) {
    size_t index, count;
    yyjson_val *name, *item;
    write_patient(b, patient);
    write_encounter(b, patient);
    yyjson_obj_foreach(json_get(patient, "vitals"), index, count, name, item) {
        const yyjson_val *code =
            json_get(json_get(file, "vital_codes"), text_string(b->w.buffer.arena, json_text(name)));
        if (code != NULL && !yyjson_is_null(item))
            write_vital(b, code, item);
    }
    write_pregnancy(b, json_get(patient, "pregnancy"));
    yyjson_arr_foreach(json_get(patient, "history"), index, count, item) write_condition(b, item, "problem-list-item");
    yyjson_arr_foreach(json_get(patient, "findings"), index, count, item)
        write_condition(b, item, "encounter-diagnosis");
    yyjson_arr_foreach(json_get(patient, "medicines"), index, count, item) write_medicine(b, item);
    yyjson_arr_foreach(json_get(patient, "allergies"), index, count, item) write_allergy(b, item);
}

enum status demo_patient_bundle(
    struct text *out, const yyjson_val *file, const yyjson_val *patient, int64_t now_us, struct scope *scope) {
    struct bundle_writer b = {.w = json_writer_open(scope->arena, BUNDLE_MAX),
        .patient = text_string(scope->arena, json_get_text(patient, "id"))};
    time_format_utc(b.now, now_us);
    json_object_open(&b.w);
    json_member_string(&b.w, "resourceType", "Bundle");
    json_member_string(&b.w, "type", "transaction");
    json_name(&b.w, "entry");
    json_array_open(&b.w);
    write_all(&b, file, patient);
    json_array_close(&b.w);
    json_object_close(&b.w);
    return json_finish(out, &b.w, scope);
}
