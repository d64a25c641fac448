/* The twelve patients of the demonstration on Gangwon's network: needs, and first places that make sense. */
#include "unit/referral/referral_fixture.h"

static void add_from_file(struct province *p, const yyjson_val *patient) {
    const char *id = text_string(p->f.arena, json_get_text(patient, "id"));
    struct text born = json_get_text(patient, "birth_date"), sex = json_get_text(patient, "sex"),
                words = json_get_text(patient, "complaint_ko");
    struct text all = words;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(patient, "findings"), index, count, item) {
        struct text finding = json_get_text(item, "text_ko");
        all = joined(p, "%.*s; %.*s", (int)all.size, all.at, (int)finding.size, finding.at);
    }
    add_patient(p, id, text_string(p->f.arena, born), text_string(p->f.arena, sex), text_string(p->f.arena, all));
    static const struct {
        const char *name, *loinc, *unit;
    } vitals[] = {{"systolic", "8480-6", "mm[Hg]"}, {"diastolic", "8462-4", "mm[Hg]"}, {"heart_rate", "8867-4", "/min"},
        {"respiratory_rate", "9279-1", "/min"}, {"oxygen_saturation", "59408-5", "%"}, {"temperature", "8310-5", "Cel"},
        {"gcs", "9269-2", "{score}"}, {"glucose", "2339-0", "mg/dL"}, {"pain", "72514-3", "{score}"}};
    for (size_t i = 0; i < sizeof vitals / sizeof *vitals; i++) {
        struct text value = json_number_text(json_get(json_get(patient, "vitals"), vitals[i].name));
        if (value.size > 0) {
            add_vital(p, id, vitals[i].loinc, text_string(p->f.arena, value), vitals[i].unit);
        }
    }
}

static bool has_need(const yyjson_val *reading, struct text code) {
    for (int i = 0;; i++) {
        const yyjson_val *need = named(reading, "need", i);
        if (need == NULL) {
            return false;
        }
        if (text_equal(json_get_text(json_get(named(need, "code", 0), "valueCoding"), "code"), code)) {
            return true;
        }
    }
}

static void show(const yyjson_val *out, const char *id, int64_t level) {
    print_message("%s level %d:", id, (int)level);
    for (int i = 0; i < 3; i++) {
        const yyjson_val *option = named(out, "option", i);
        struct text name = json_get_text(json_get(named(option, "place", 0), "valueReference"), "display");
        double minutes = 0, chance = 0, score = 0;
        if (option == NULL) {
            break;
        }
        assert_true(json_get_double(&minutes, named(option, "minutes", 0), "valueDecimal"));
        assert_true(json_get_double(&chance, named(option, "chance", 0), "valueDecimal"));
        assert_true(json_get_double(&score, named(option, "score", 0), "valueDecimal"));
        const yyjson_val *second = named(option, "second-leg", 0);
        struct text onward = json_get_text(json_get(named(second, "place", 0), "valueReference"), "display");
        print_message(" %.*s%s%.*s %.0f min %.2f (%.3f);", (int)name.size, name.at, onward.size > 0 ? ">" : "",
            (int)onward.size, onward.at, minutes, chance, score);
    }
    print_message("\n");
}

static void the_twelve_find_places(void **state) {
    (void)state;
    struct province p;
    struct text source = {0};
    province_open(&p);
    province_load(&p);
    fixture_ok(&p.f, file_read(&source, "regions/gangwon/demo/patients.json", 1 << 20, &p.f.scope));
    size_t index, count;
    yyjson_val *patient, *need;
    yyjson_arr_foreach((yyjson_val *)json_get(parse(&p, source), "patients"), index, count, patient) {
        const char *id = text_string(p.f.arena, json_get_text(patient, "id"));
        struct text post = json_get_text(patient, "post"), human = json_number_text(json_get(patient, "nurse_level"));
        add_from_file(&p, patient);
        const yyjson_val *out = operate(&p, referral_operation_rank, &nurse,
            joined(&p,
                "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"patient\",\"valueReference\":{"
                "\"reference\":\"Patient/%s\"}},"
                "{\"name\":\"human-level\",\"valueInteger\":%.*s},{\"name\":\"origin\",\"valueReference\":{"
                "\"reference\":\"Organization/%.*s\"}}]}",
                id, (int)human.size, human.at, (int)post.size, post.at));
        const yyjson_val *reading = named(out, "reading", 0);
        int64_t level = 0;
        bool expected_local = false;
        assert_true(json_get_int64(&level, named(reading, "level", 0), "valueInteger"));
        show(out, id, level);
        size_t need_index, need_count;
        yyjson_arr_foreach(
            (yyjson_val *)json_get(json_get(patient, "expected"), "needs"), need_index, need_count, need) {
            if (!has_need(reading, json_text(need))) {
                print_message("  %s: need %.*s is missing\n", id, (int)json_text(need).size, json_text(need).at);
            }
        }
        assert_true(json_get_bool(&expected_local, json_get(patient, "expected"), "stays_local"));
        bool local_first = text_is(
            json_get_text(named(named(named(out, "option", 0), "reason", 0), "code", 0), "valueString"), "local");
        assert_true(expected_local || !local_first);
        assert_non_null(named(out, "option", 0));
    }
    assert_int_equal(count, 12);
    province_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_twelve_find_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
