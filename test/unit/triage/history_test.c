/* What the record tells of the time before a visit, as columns of a model's data set: from FHIR, through facts, their writing and back. */
#include "triage/history.h"
#include "triage/readers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h> /* after what it needs */

enum { ARENA_BYTES = 64 << 20 };
#define PATIENT                                                                                                        \
    "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\",\"birthDate\":\"1950-01-01\",\"gender\":\"female\"}}"
#define ENCOUNTER(id, state, class, start)                                                                             \
    "{\"resource\":{\"resourceType\":\"Encounter\",\"id\":\"" id "\",\"status\":\"" state                              \
    "\",\"class\":{\"code\":\"" class "\"},"                                                                           \
                                      "\"period\":{\"start\":\"" start "T09:00:00+09:00\"}}}"
#define NOW ENCOUNTER("now", "arrived", "EMER", "2026-03-01")
#define CONDITION(id, system, code, more)                                                                              \
    "{\"resource\":{\"resourceType\":\"Condition\",\"id\":\"" id                                                       \
    "\",\"category\":[{\"coding\":[{\"code\":\"problem-list-item\"}]}],"                                               \
    "\"code\":{\"coding\":[{\"system\":\"" system "\",\"code\":\"" code "\"}]}" more "}}"
#define COMPLAINT                                                                                                      \
    "{\"resource\":{\"resourceType\":\"Observation\",\"id\":\"c\",\"status\":\"final\",\"code\":{\"coding\":[{"        \
    "\"system\":"                                                                                                      \
    "\"http://"                                                                                                        \
    "loinc.org\",\"code\":\"8867-4\"}]},\"effectiveDateTime\":\"2026-03-01T09:00:00+09:00\",\"valueQuantity\":{"       \
    "\"value\":80,"                                                                                                    \
    "\"code\":\"/min\"}}}"
#define BUNDLE(entries)                                                                                                \
    "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[" PATIENT "," COMPLAINT "," NOW entries "]}"

static const struct {
    const char *name, *bundle, *column;
    double expected; /* NaN: not known */
} cases[] = {
    {"nothing from before", BUNDLE(""), "n_edvisits", NAN},
    {"nothing from before", BUNDLE(""), "n_admissions", NAN},
    {"a visit to the clinic: there were no others", BUNDLE("," ENCOUNTER("a", "finished", "AMB", "2025-12-01")),
        "n_edvisits", 0},
    {"an old visit tells that the record knows the patient",
        BUNDLE("," ENCOUNTER("a", "finished", "EMER", "2020-12-01")), "n_edvisits", 0},
    {"two visits and a stay",
        BUNDLE("," ENCOUNTER("a", "finished", "EMER", "2025-12-01") "," ENCOUNTER(
            "b", "finished", "EMER", "2025-06-01") "," ENCOUNTER("c", "finished", "IMP", "2025-06-02")),
        "n_edvisits", 2},
    {"two visits and a stay",
        BUNDLE("," ENCOUNTER("a", "finished", "EMER", "2025-12-01") "," ENCOUNTER(
            "b", "finished", "EMER", "2025-06-01") "," ENCOUNTER("c", "finished", "IMP", "2025-06-02")),
        "n_admissions", 1},
    {"what was cancelled or only planned was not",
        BUNDLE(
            "," ENCOUNTER("a", "cancelled", "EMER", "2025-12-01") "," ENCOUNTER("b", "planned", "IMP", "2025-06-01")),
        "n_edvisits", NAN},
    {"a later one is not from before", BUNDLE("," ENCOUNTER("a", "planned", "IMP", "2026-04-01")), "n_admissions", NAN},
    {"hypertension", BUNDLE("," CONDITION("x", "http://hl7.org/fhir/sid/icd-10", "I10", "")), "htn", 1},
    {"hypertension says nothing of COPD", BUNDLE("," CONDITION("x", "http://hl7.org/fhir/sid/icd-10", "I10", "")),
        "copd", NAN},
    {"SNOMED", BUNDLE("," CONDITION("x", "http://snomed.info/sct", "13645005", "")), "copd", 1},
    {"with a point", BUNDLE("," CONDITION("x", "http://hl7.org/fhir/sid/icd-10", "E11.9", "")), "diabmelnoc", 1},
    {"with a point", BUNDLE("," CONDITION("x", "http://hl7.org/fhir/sid/icd-10", "E11.9", "")), "diabmelwcm", NAN},
    {"with complications", BUNDLE("," CONDITION("x", "http://hl7.org/fhir/sid/icd-10", "E11.22", "")), "diabmelwcm", 1},
    {"a code of another system", BUNDLE("," CONDITION("x", "http://example.org/own", "I10", "")), "htn", NAN},
    {"a suspicion is no history",
        BUNDLE("," CONDITION("x", "http://hl7.org/fhir/sid/icd-10", "I10",
            ",\"verificationStatus\":{\"coding\":[{\"code\":\"provisional\"}]}")),
        "htn", NAN},
    {"refuted",
        BUNDLE("," CONDITION("x", "http://hl7.org/fhir/sid/icd-10", "I10",
            ",\"verificationStatus\":{\"coding\":[{\"code\":\"refuted\"}]}")),
        "htn", NAN},
    {"counts that no record tells", BUNDLE("," ENCOUNTER("a", "finished", "IMP", "2025-12-01")), "cxr_count", NAN},
};

static void expect(const struct triage_facts *facts, size_t row, struct scope *scope) {
    struct text column = text_from(cases[row].column);
    double value = history_columns(facts, &column, 1, scope->arena)[0];
    if (isnan(value) != isnan(cases[row].expected) || (!isnan(value) && value != cases[row].expected))
        fail_msg("%s: %s is %g", cases[row].name, cases[row].column, value);
}

static enum status all(void *context, struct scope *scope) {
    (void)context;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct triage_gather_options options = {.zone_minutes = 540};
        struct triage_facts *facts = NULL, *again = NULL;
        yyjson_doc *doc = NULL, *written = NULL;
        struct text json = {0};
        assert_int_equal(json_read(&doc, text_from(cases[i].bundle), scope), STATUS_OK);
        assert_int_equal(triage_gather_bundle(&facts, yyjson_doc_get_root(doc), &options, scope), STATUS_OK);
        expect(facts, i, scope);
        struct json_writer w = json_writer_open(scope->arena, 1 << 20);
        triage_write_facts(&w, facts);
        assert_int_equal(json_finish(&json, &w, scope), STATUS_OK);
        assert_int_equal(json_read(&written, json, scope), STATUS_OK);
        assert_int_equal(triage_facts_read(&again, yyjson_doc_get_root(written), scope), STATUS_OK);
        expect(again, i, scope);
    }
    return STATUS_OK;
}

static void test_columns(void **state) {
    (void)state;
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    assert_non_null(arena);
    assert_int_equal(scope_run(&scope, arena, all, NULL), STATUS_OK);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
