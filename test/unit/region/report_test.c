/* Boards and visits that nobody would write on purpose: what is refused, and that nothing else suffers from them. */
#include "unit/region/region_fixture.h"

#define CODES "https://fhir.soyang.example/CodeSystem/"
#define PLACE "A2200001"
#define NOW "2026-11-22T03:00:00Z"

static const struct records_caller receiver = {
    {"Practitioner/nurse-1", 20}, {"Organization/" PLACE, 21}, {"receiving", 9}, {"TREAT", 5}};

static void put_group(struct buffer *out, const char *system, const char *code, const char *count, const char *number) {
    bool first = out->at[out->size - 1] == '[';
    buffer_put_format(out,
        "%s{\"code\":{\"coding\":[{\"system\":\"" CODES
        "%s\",\"code\":\"%s\"}]},\"population\":[{\"code\":{\"coding\":[{\"system\":\"" CODES
        "board-count\",\"code\":\"%s\"}]},\"count\":%s",
        first ? "" : ",", system, code, count, number);
    if (strcmp(count, "refuses") == 0) {
        buffer_put_string(out, ",\"extension\":[{\"url\":\"https://fhir.soyang.example/StructureDefinition/notice\","
                               "\"extension\":[{\"url\":\"from\",\"valueInstant\":\"" NOW "\"},{\"url\":\"until\","
                               "\"valueInstant\":\"2026-11-22T05:00:00Z\"}]}]");
    }
    buffer_put_string(out, "}]}");
}

static struct buffer board_open(struct fixture *f, const char *date) {
    struct buffer out = buffer_open(f->arena, 8 << 20);
    buffer_put_format(&out,
        "{\"resourceType\":\"MeasureReport\",\"id\":\"capacity-" PLACE
        "\",\"status\":\"complete\",\"type\":\"summary\",\"measure\":\"https://fhir.soyang.example/Measure/board\","
        "\"subject\":{\"reference\":\"Location/" PLACE "\"},\"date\":\"%s\",\"reporter\":{\"reference\":"
        "\"Organization/" PLACE "\"},\"period\":{\"start\":\"" NOW "\"},\"group\":[",
        date);
    return out;
}

static enum status board_send(struct fixture *f, struct buffer *board) {
    buffer_put_string(board, "]}");
    return fixture_send(f, &receiver, RECORDS_UPDATE, "MeasureReport", TEXT("capacity-" PLACE), buffer_text(board));
}

static const struct region_snapshot *hold(struct fixture *f) {
    const struct region_snapshot *snapshot = NULL;
    f->scope.fault = (struct fault){0};
    fixture_ok(f, region_hold(&snapshot, f->region, &f->scope));
    return snapshot;
}

/* ---- boards ----------------------------------------------------------------------------------------------------- */

/* A board of thousands of notices would make the whole region unreadable for everybody. */
static void test_a_board_has_a_limit(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    for (int round = 0; round < 2; round++) {
        struct buffer board = board_open(&f, NOW);
        for (int i = 0; i < (round == 0 ? 3000 : 400); i++) {
            put_group(&board, "board-notice", "Y0010", "refuses", "1");
        }
        enum status status = board_send(&f, &board);
        region_release(hold(&f));
        assert_int_equal(status, round == 0 ? STATUS_TOO_COSTLY : STATUS_OK);
    }
    fixture_close(&f);
}

static void test_counts_have_a_limit(void **state) {
    (void)state;
    static const char *const beyond[] = {"2147483647", "-2147483648", "100001", "-100001"};
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        struct buffer board = board_open(&f, NOW);
        put_group(&board, "board-bed", "hvec", "free", beyond[i]);
        assert_int_equal(board_send(&f, &board), STATUS_UNPROCESSABLE);
        assert_true(fixture_said(&f.scope, "100000"));
    }
    struct buffer board = board_open(&f, NOW);
    put_group(&board, "board-bed", "hvec", "free", "-100000");
    fixture_ok(&f, board_send(&f, &board));
    fixture_close(&f);
}

/* A group that is sent back as it stood keeps its age, whatever it says. */
static void test_what_stands_may_be_sent_back(void **state) {
    (void)state;
    static const char answer[] =
        "{\"response\":{\"header\":{\"resultCode\":\"00\"},\"body\":{\"items\":{\"item\":[{\"hpid\":\"" PLACE
        "\",\"MKioskTy1\":\"N\"}]},\"totalCount\":1}}}";
    struct fixture f;
    struct region_national_page page;
    const yyjson_val *stands = NULL;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    struct buffer empty = board_open(&f, NOW);
    put_group(&empty, "board-bed", "hvec", "free", "1");
    fixture_ok(&f, board_send(&f, &empty));
    fixture_ok(&f, region_national_take(&page, f.region, REGION_NATIONAL_CONDITIONS, text_from(answer), &f.scope));
    assert_int_equal(page.written, 1);
    fhir_type type = fhir_type_find(TEXT("MeasureReport"));
    fixture_ok(&f, records_read(&stands, f.records, &receiver, type, TEXT("capacity-" PLACE), &f.scope));
    assert_int_equal(json_count(json_get(stands, "group")), 2);
    for (int round = 0; round < 2; round++) {
        struct buffer board = board_open(&f, NOW);
        size_t index, count;
        yyjson_val *group;
        yyjson_arr_foreach((yyjson_val *)json_get(stands, "group"), index, count, group) {
            struct json_writer w = json_writer_open(f.arena, 1 << 16);
            struct text one;
            json_value(&w, group);
            assert_int_equal(json_finish(&one, &w, &f.scope), STATUS_OK);
            char *changed = strstr(one.at, "\"count\":0"); /* the condition, said otherwise under its old age */
            if (round == 1 && changed != NULL) {
                changed[8] = '1';
            }
            buffer_put_format(&board, "%s%.*s", index > 0 ? "," : "", (int)one.size, one.at);
        }
        enum status status = board_send(&f, &board);
        fixture_say(&f.scope);
        assert_int_equal(status, round == 0 ? STATUS_OK : STATUS_UNPROCESSABLE);
    }
    fixture_close(&f);
}

/* ---- visits ----------------------------------------------------------------------------------------------------- */

static struct text visit_id(struct fixture *f, const char *visit) {
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    digest_sha256(digest, text_format(f->arena, PLACE "\n%s\n", visit));
    digest_text(hex, digest);
    return text_format(f->arena, "adt-%.32s", hex);
}

static struct text tell_at(struct fixture *f, const char *event, const char *visit, const char *when) {
    static int number;
    return region_hl7_answer(f->region,
        text_format(f->arena,
            "MSH|^~\\&|HIS|" PLACE "|SOYANG|GW|20261122030000+0000||ADT^%s^ADT_A01|c%d|P|2.5.1\rEVN|%s|%s\r"
            "PID|1||5\rPV1|1|I|ICU^1^1|||ED^1^1|||||||||||||%s\r",
            event, ++number, event, when, visit),
        &f->scope);
}

static struct text tell(struct fixture *f, const char *event, const char *visit) {
    return tell_at(f, event, visit, "20261122030000+0000");
}

static bool holds(struct text answer, const char *wanted) {
    return memmem(answer.at, answer.size, wanted, strlen(wanted)) != NULL;
}

/* An Encounter of a visit, written by somebody else, that has been nowhere. */
static void test_a_visit_without_wards(void **state) {
    (void)state;
    static const struct {
        const char *event, *status, *code;
    } cases[] = {{"A02", "in-progress", "MSA|AA"}, {"A03", "in-progress", "MSA|AA"}, {"A11", "in-progress", "MSA|AE"},
        {"A12", "in-progress", "MSA|AE"}, {"A13", "finished", "MSA|AE"}, {"A08", "in-progress", "MSA|AA"}};
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *visit = text_format(f.arena, "V%zu", i).at;
        struct text id = visit_id(&f, visit);
        struct text encounter = text_format(f.arena,
            "{\"resourceType\":\"Encounter\",\"id\":\"%.*s\",\"status\":\"%s\",\"class\":{\"system\":"
            "\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"IMP\"}}",
            (int)id.size, id.at, cases[i].status);
        fixture_ok(&f, fixture_send(&f, &receiver, RECORDS_UPDATE, "Encounter", id, encounter));
        struct text answer = tell(&f, cases[i].event, visit);
        if (!holds(answer, cases[i].code)) {
            fail_msg("%s: %.*s", cases[i].event, (int)answer.size, answer.at);
        }
    }
    fixture_close(&f);
}

/* Times that no calendar shows, from a message, the national service and a board. */
static void test_times_beyond_the_calendar(void **state) {
    (void)state;
    static const char *const times[] = {"000001010000+0900", "00000101000000", "99991231235959-1200", "000100000000"};
    struct fixture f;
    struct region_national_page page;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct text answer = tell_at(&f, "A01", text_format(f.arena, "T%zu", i).at, times[i]);
        assert_true(holds(answer, "MSA|AE"));
    }
    struct text beds = TEXT("{\"response\":{\"header\":{\"resultCode\":\"00\"},\"body\":{\"items\":{\"item\":[{"
                            "\"hpid\":\"A2200008\",\"hvidate\":"
                            "\"00000101000000\",\"hvec\":\"1\"},{\"hpid\":\"" PLACE
                            "\",\"hvidate\":\"20261122115900\",\"hvec\":\"1\"}]},\"totalCount\":2}}}");
    fixture_ok(&f, region_national_take(&page, f.region, REGION_NATIONAL_BEDS, beds, &f.scope));
    assert_int_equal(page.written, 1);
    assert_int_equal(page.refused, 1);
    fixture_close(&f);
}

/* Each need is as old as it was said itself: one that was said just now makes no other fresh, or old. */
static void test_each_need_has_its_age(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    struct text answer =
        TEXT("{\"response\":{\"header\":{\"resultCode\":\"00\"},\"body\":{\"items\":{\"item\":[{\"hpid\":\"" PLACE
             "\",\"MKioskTy1\":\"N\"}]},\"totalCount\":1}}}");
    struct region_national_page page;
    const yyjson_val *stands = NULL;
    fixture_ok(&f, region_national_take(&page, f.region, REGION_NATIONAL_CONDITIONS, answer, &f.scope));
    clock_advance(f.clock, INT64_C(50) * 60 * 1000000); /* what was said has faded, all but a little */
    fhir_type type = fhir_type_find(TEXT("MeasureReport"));
    fixture_ok(&f, records_read(&stands, f.records, &receiver, type, TEXT("capacity-" PLACE), &f.scope));
    struct buffer board = board_open(&f, "2026-11-22T03:50:00Z");
    size_t index, count;
    yyjson_val *group;
    yyjson_arr_foreach((yyjson_val *)json_get(stands, "group"), index, count, group) {
        struct json_writer w = json_writer_open(f.arena, 1 << 16);
        struct text one;
        json_value(&w, group);
        assert_int_equal(json_finish(&one, &w, &f.scope), STATUS_OK);
        buffer_put_format(&board, "%s%.*s", index > 0 ? "," : "", (int)one.size, one.at);
    }
    put_group(&board, "severe-condition", "Y0020", "accepts", "0");
    fixture_ok(&f, board_send(&f, &board));
    const struct region_snapshot *snapshot = hold(&f);
    const struct region_place *place = &snapshot->places[region_place_find(snapshot, TEXT(PLACE))];
    int64_t now_us = clock_now_us(f.clock);
    int old = region_on_call(snapshot, place, region_need_find(snapshot, TEXT("Y0010")), now_us);
    int fresh = region_on_call(snapshot, place, region_need_find(snapshot, TEXT("Y0020")), now_us);
    print_message("said 50 minutes ago: %d percent; just now: %d percent\n", old, fresh);
    assert_int_equal(fresh, 5);
    assert_true(old > 50);
    region_release(snapshot);
    fixture_close(&f);
}

/* ---- services --------------------------------------------------------------------------------------------------- */

/* A time to answer that is none is not stated: one place's number stops nobody else's ranking. */
static void test_a_response_that_is_none(void **state) {
    (void)state;
    static const struct {
        const char *minutes, *factor;
        double answer, night;
    } cases[] = {{"7.5", "2", 7.5, 2}, {"9e299", "9e299", 0, 1}, {"-3", "10", 0, 10}, {"1441", "1e9", 0, 1},
        {"1440", "0", 1440, 1}};
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text service = text_format(f.arena,
            "{\"resourceType\":\"HealthcareService\",\"id\":\"" PLACE
            "-ed\",\"active\":true,\"providedBy\":{\"reference\":"
            "\"Organization/" PLACE
            "\"},\"extension\":[{\"url\":\"https://fhir.soyang.example/StructureDefinition/response\","
            "\"extension\":[{\"url\":\"minutes\",\"valueDecimal\":%s},{\"url\":\"night-factor\",\"valueDecimal\":%s}]}]"
            "}",
            cases[i].minutes, cases[i].factor);
        fixture_ok(&f, fixture_send(&f, &receiver, RECORDS_UPDATE, "HealthcareService", TEXT(PLACE "-ed"), service));
        const struct region_snapshot *snapshot = hold(&f);
        const struct region_place *place = &snapshot->places[region_place_find(snapshot, TEXT(PLACE))];
        print_message(
            "%s, %s: %g, %g\n", cases[i].minutes, cases[i].factor, place->answer_minutes, place->answer_night_factor);
        assert_true(place->answer_minutes == cases[i].answer && place->answer_night_factor == cases[i].night);
        region_release(snapshot);
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_stands_may_be_sent_back),
        cmocka_unit_test(test_a_visit_without_wards),
        cmocka_unit_test(test_a_response_that_is_none),
        cmocka_unit_test(test_times_beyond_the_calendar),
        cmocka_unit_test(test_each_need_has_its_age),
        cmocka_unit_test(test_a_board_has_a_limit),
        cmocka_unit_test(test_counts_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
