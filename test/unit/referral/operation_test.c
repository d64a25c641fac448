/* $triage, $rank-places and $send on Gangwon, and decisions that replay to the byte. */
#include "unit/referral/referral_fixture.h"

#define INFARCTION_PARAMETERS                                                                                          \
    "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"patient\",\"valueReference\":{\"reference\":"         \
    "\"Patient/p1\"}}%s]}"

static int open_province(void **state) {
    struct province *p = calloc(1, sizeof *p);
    province_open(p);
    province_load(p);
    add_infarction(p, "p1");
    *state = p;
    return 0;
}

static int close_province(void **state) {
    province_close(*state);
    free(*state);
    return 0;
}

static void triage_reads_and_keeps(void **state) {
    struct province *p = *state;
    const yyjson_val *out = operate(p, referral_operation_triage, &nurse, joined(p, INFARCTION_PARAMETERS, ""));
    int64_t level = 0;
    assert_true(json_get_int64(&level, named(out, "level", 0), "valueInteger"));
    assert_true(level <= 2);
    assert_true(
        text_is(json_get_text(json_get(named(named(out, "need", 0), "code", 0), "valueCoding"), "code"), "Y0010"));
    assert_non_null(named(out, "reason", 0));
    struct text id = json_get_text(json_get(named(out, "reading", 0), "resource"), "id");
    assert_true(id.size > 0);
    assert_non_null(fetch(p, "RiskAssessment", id));
}

static void a_reading_may_stay_unsaved(void **state) {
    struct province *p = *state;
    const yyjson_val *out = operate(p, referral_operation_triage, &nurse,
        joined(p, INFARCTION_PARAMETERS, ",{\"name\":\"save\",\"valueBoolean\":false}"));
    assert_null(json_get(json_get(named(out, "reading", 0), "resource"), "id"));
}

static void places_are_ranked_and_kept(void **state) {
    struct province *p = *state;
    const yyjson_val *out = operate(p, referral_operation_rank, &nurse,
        joined(p, INFARCTION_PARAMETERS, ",{\"name\":\"limit\",\"valueInteger\":3}"));
    assert_non_null(named(out, "option", 0));
    assert_non_null(named(out, "option", 2));
    assert_null(named(out, "option", 3));
    double last = 1e9;
    for (int i = 0; i < 3; i++) {
        double score = 0, minutes = 0;
        assert_true(json_get_double(&score, named(named(out, "option", i), "score", 0), "valueDecimal"));
        assert_true(json_get_double(&minutes, named(named(out, "option", i), "minutes", 0), "valueDecimal"));
        assert_true(score <= last && minutes > 0);
        last = score;
        assert_non_null(named(named(out, "option", i), "reason", 0));
    }
    assert_non_null(named(out, "excluded", 0));
    struct text reference = json_get_text(json_get(named(out, "decision", 0), "valueReference"), "reference");
    fixture_ok(&p->f, referral_decision_replay(p->referral, &fixture_operator, id_after_slash(reference), &p->f.scope));
}

/* What is kept never changes; what somebody has made of it is put beside it, under another id. */
static struct text put_forged(struct province *p, struct text id, char *copy) {
    char *inside = strstr(copy, text_string(p->f.arena, id));
    assert_non_null(inside);
    inside[id.size - 1] = inside[id.size - 1] == '0' ? '1' : '0';
    struct text forged = text_copy(p->f.arena, (struct text){inside, id.size});
    put(p, "GuidanceResponse", text_string(p->f.arena, forged), text_from(copy));
    return forged;
}

static void a_changed_decision_does_not_replay(void **state) {
    struct province *p = *state;
    const yyjson_val *out = operate(p, referral_operation_rank, &nurse, joined(p, INFARCTION_PARAMETERS, ""));
    struct text id = id_after_slash(json_get_text(json_get(named(out, "decision", 0), "valueReference"), "reference"));
    const yyjson_val *stored = fetch(p, "GuidanceResponse", id);
    struct json_writer w = json_writer_open(p->f.arena, 4 << 20);
    json_value(&w, stored);
    struct text body = {0};
    fixture_ok(&p->f, json_finish(&body, &w, &p->f.scope));
    char *copy = (char *)text_string(p->f.arena, body);
    char *score = strstr(copy, "\\\"score\\\":0.");
    assert_non_null(score);
    score[14] = score[14] == '1' ? '2' : '1';
    id = put_forged(p, id, copy);
    p->f.scope.fault = (struct fault){0};
    assert_int_equal(referral_decision_replay(p->referral, &fixture_operator, id, &p->f.scope), STATUS_CONFLICT);
    assert_true(fixture_said(&p->f.scope, "byte"));
}

/* Twelve of one kind and one of another, of more than one place's beds; then a bed more and all beds gone. */
static void a_wave_is_kept_and_replays(void **state) {
    struct province *p = *state;
    const yyjson_val *out = operate(p, referral_operation_surge, &fixture_operator,
        TEXT("{\"resourceType\":\"Parameters\",\"parameter\":["
             "{\"name\":\"patient\",\"part\":[{\"name\":\"label\",\"valueString\":\"빨강\"},{\"name\":\"level\","
             "\"valueInteger\":1},"
             "{\"name\":\"count\",\"valueInteger\":12},{\"name\":\"need\",\"valueCode\":\"Y0010\"},"
             "{\"name\":\"latitude\",\"valueDecimal\":37.75},{\"name\":\"longitude\",\"valueDecimal\":128.9}]},"
             "{\"name\":\"patient\",\"part\":[{\"name\":\"level\",\"valueInteger\":3},"
             "{\"name\":\"latitude\",\"valueDecimal\":37.8},{\"name\":\"longitude\",\"valueDecimal\":127.7}]},"
             "{\"name\":\"change\",\"part\":[{\"name\":\"place\",\"valueReference\":{\"reference\":\"Organization/"
             "A2200008\"}},"
             "{\"name\":\"bed\",\"valueCode\":\"hvec\"},{\"name\":\"free\",\"valueInteger\":0}]}]}"));
    struct text id = id_after_slash(json_get_text(json_get(named(out, "decision", 0), "valueReference"), "reference"));
    fixture_ok(&p->f, referral_decision_replay(p->referral, &fixture_operator, id, &p->f.scope));
    const yyjson_val *stored = fetch(p, "GuidanceResponse", id);
    struct json_writer w = json_writer_open(p->f.arena, 4 << 20);
    json_value(&w, stored);
    struct text body = {0};
    fixture_ok(&p->f, json_finish(&body, &w, &p->f.scope));
    char *copy = (char *)text_string(p->f.arena, body);
    char *primal = strstr(copy, "\\\"primal\\\":");
    assert_non_null(primal);
    primal[11] = primal[11] == '1' ? '2' : '1';
    id = put_forged(p, id, copy);
    p->f.scope.fault = (struct fault){0};
    assert_int_equal(referral_decision_replay(p->referral, &fixture_operator, id, &p->f.scope), STATUS_CONFLICT);
    assert_true(fixture_said(&p->f.scope, "byte"));
}

static void sending_makes_everything_in_one_unit(void **state) {
    struct province *p = *state;
    const yyjson_val *out = send_patient(p, "p1", ",{\"name\":\"question\",\"valueString\":\"PCI?\"}");
    const yyjson_val *loop = json_get(named(out, "loop", 0), "resource");
    assert_state(loop, "requested", "offered");
    const yyjson_val *stored = fetch(p, "Task", json_get_text(loop, "id"));
    assert_state(stored, "requested", "offered");
    const yyjson_val *offer = json_get(named(out, "offer", 0), "resource");
    assert_state(fetch(p, "Task", json_get_text(offer, "id")), "requested", "offered");
    assert_non_null(named(out, "offer", 1)); /* level 2: two at once */
    const yyjson_val *request =
        fetch(p, "ServiceRequest", json_get_text(json_get(named(out, "request", 0), "resource"), "id"));
    assert_true(text_is(json_get_text(request, "status"), "active"));
    assert_non_null(
        fetch(p, "RiskAssessment", id_after_slash(json_get_text(at(request, "/supportingInfo/0"), "reference"))));
    struct text decision = id_after_slash(json_get_text(at(request, "/supportingInfo/1"), "reference"));
    fixture_ok(&p->f, referral_decision_replay(p->referral, &fixture_operator, decision, &p->f.scope));
    assert_laws(p, json_get_text(loop, "id"));
}

static void the_same_patient_is_not_sent_twice(void **state) {
    struct province *p = *state;
    const yyjson_val *out = NULL;
    send_patient(p, "p1", "");
    assert_int_equal(
        try_operation(&out, p, referral_operation_send, &nurse, joined(p, INFARCTION_PARAMETERS, "")), STATUS_CONFLICT);
    assert_true(fixture_said(&p->f.scope, "already"));
}

static void another_place_needs_a_reason(void **state) {
    struct province *p = *state;
    const yyjson_val *out = NULL;
    const char *choice = ",{\"name\":\"place\",\"valueReference\":{\"reference\":\"Organization/A2200009\"}}";
    const yyjson_val *ranked = operate(p, referral_operation_rank, &nurse, joined(p, INFARCTION_PARAMETERS, ""));
    struct text second =
        json_get_text(json_get(named(named(ranked, "option", 1), "place", 0), "valueReference"), "reference");
    (void)choice;
    struct text place =
        joined(p, ",{\"name\":\"place\",\"valueReference\":{\"reference\":\"%.*s\"}}", (int)second.size, second.at);
    struct text body = joined(p, INFARCTION_PARAMETERS, text_string(p->f.arena, place));
    assert_int_equal(try_operation(&out, p, referral_operation_send, &nurse, body), STATUS_UNPROCESSABLE);
    assert_true(fixture_said(&p->f.scope, "override-reason"));
    place = joined(p, "%.*s,{\"name\":\"override-reason\",\"valueString\":\"family\"}", (int)place.size, place.at);
    out = operate(p, referral_operation_send, &nurse, joined(p, INFARCTION_PARAMETERS, text_string(p->f.arena, place)));
    struct text owner = json_get_text(json_get(json_get(named(out, "offer", 0), "resource"), "owner"), "reference");
    assert_true(text_equal(owner, second));
    assert_null(named(out, "offer", 1));
}

static void faults_name_the_parameter(void **state) {
    struct province *p = *state;
    const yyjson_val *out = NULL;
    static const struct {
        const char *more, *path;
        enum status status;
    } rows[] = {
        {",{\"name\":\"limit\",\"valueInteger\":0}", "parameter[1].valueInteger", STATUS_INVALID},
        {",{\"name\":\"human-level\",\"valueInteger\":9}", "parameter[1].valueInteger", STATUS_INVALID},
        {",{\"name\":\"limit\",\"valueString\":\"3\"}", "parameter[1].valueInteger", STATUS_INVALID},
        {",{\"name\":\"colour\",\"valueString\":\"red\"}", "parameter[1].name", STATUS_INVALID},
        {",{\"name\":\"origin\",\"valueReference\":{\"reference\":\"Location/nowhere\"}}",
            "parameter[1].valueReference", STATUS_UNPROCESSABLE},
        {",{\"name\":\"origin\",\"part\":[{\"name\":\"latitude\",\"valueDecimal\":10},{\"name\":\"longitude\","
         "\"valueDecimal\":10}]}",
            "parameter[1].part", STATUS_UNPROCESSABLE},
        {",{\"name\":\"exclude\",\"valueReference\":{\"reference\":\"Organization/none\"}}",
            "parameter[1].valueReference", STATUS_UNPROCESSABLE},
        {",{\"name\":\"bundle\",\"resource\":{\"resourceType\":\"Bundle\",\"type\":\"collection\"}}",
            "Parameters.parameter", STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(
            try_operation(&out, p, referral_operation_rank, &nurse, joined(p, INFARCTION_PARAMETERS, rows[i].more)),
            rows[i].status);
        if (!fixture_said(&p->f.scope, rows[i].path)) {
            fixture_say(&p->f.scope);
        }
        assert_true(fixture_said(&p->f.scope, rows[i].path));
    }
    assert_int_not_equal(
        try_operation(&out, p, referral_operation_rank, &nurse, TEXT("{\"resourceType\":\"Patient\"}")), STATUS_OK);
    assert_int_not_equal(try_operation(&out, p, referral_operation_rank, &nurse, TEXT("{")), STATUS_OK);
}

static void what_stays_local_is_not_sent(void **state) {
    struct province *p = *state;
    const yyjson_val *out = NULL;
    add_patient(p, "p2", "1950-01-01", "female", "혈압 확인");
    add_vital(p, "p2", "8480-6", "138", "mm[Hg]");
    add_vital(p, "p2", "8867-4", "72", "/min");
    struct text body = joined(p, "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"patient\","
                                 "\"valueReference\":{\"reference\":\"Patient/p2\"}},"
                                 "{\"name\":\"human-level\",\"valueInteger\":5}]}");
    const yyjson_val *ranked = operate(p, referral_operation_rank, &nurse, body);
    bool local = false;
    assert_true(json_get_bool(&local, named(named(ranked, "reading", 0), "stay-local", 0), "valueBoolean"));
    assert_true(local);
    assert_true(text_is(
        json_get_text(named(named(named(ranked, "option", 0), "reason", 0), "code", 0), "valueString"), "local"));
    assert_int_equal(try_operation(&out, p, referral_operation_send, &nurse, body), STATUS_UNPROCESSABLE);
    assert_true(fixture_said(&p->f.scope, "local"));
}

static void ranking_is_fast(void **state) {
    struct province *p = *state;
    const struct region_snapshot *snapshot = NULL;
    fixture_ok(&p->f, region_hold(&snapshot, p->f.region, &p->f.scope));
    struct referral_case patient = {.level = 2,
        .needs = UINT64_C(1) << region_need_find(snapshot, TEXT("Y0010")),
        .place = TRIAGE_PLACE_LOCAL_CENTRE,
        .window_minutes = 120,
        .age_months = 700,
        .origin = {38.07, 128.17},
        .origin_place = -1,
        .known_place = -1,
        .now_us = FIXTURE_NOW_US};
    struct arena *arena = arena_open((size_t)64 << 20);
    enum { TURNS = 2000 };
    int64_t began = clock_monotonic_us();
    for (int i = 0; i < TURNS; i++) {
        struct scope scope = {.arena = arena};
        struct referral_ranking ranking;
        assert_int_equal(referral_rank(&ranking, snapshot, &patient, REFERRAL_NUMBERS_ONLY, &scope), STATUS_OK);
        assert_true(ranking.option_count > 3);
        arena_reset(arena);
    }
    double each = (double)(clock_monotonic_us() - began) / TURNS;
    print_message("ranking %zu places: %.1f us\n", snapshot->place_count, each);
    assert_true(each < 1000); /* the house's number is 100 us in a release build; sanitizers cost tenfold */
    arena_close(arena);
    region_release(snapshot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(triage_reads_and_keeps, open_province, close_province),
        cmocka_unit_test_setup_teardown(a_reading_may_stay_unsaved, open_province, close_province),
        cmocka_unit_test_setup_teardown(a_wave_is_kept_and_replays, open_province, close_province),
        cmocka_unit_test_setup_teardown(places_are_ranked_and_kept, open_province, close_province),
        cmocka_unit_test_setup_teardown(a_changed_decision_does_not_replay, open_province, close_province),
        cmocka_unit_test_setup_teardown(sending_makes_everything_in_one_unit, open_province, close_province),
        cmocka_unit_test_setup_teardown(the_same_patient_is_not_sent_twice, open_province, close_province),
        cmocka_unit_test_setup_teardown(another_place_needs_a_reason, open_province, close_province),
        cmocka_unit_test_setup_teardown(faults_name_the_parameter, open_province, close_province),
        cmocka_unit_test_setup_teardown(what_stays_local_is_not_sent, open_province, close_province),
        cmocka_unit_test_setup_teardown(ranking_is_fast, open_province, close_province),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
