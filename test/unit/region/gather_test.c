/* The snapshot: what it holds, when it changes, who may change it; and the map. */
#include "unit/region/region_fixture.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#define CAPACITY_OF(place) TEXT("capacity-" place)

static const struct records_caller receiver = {
    {"Practitioner/nurse-1", 20}, {"Organization/A2200001", 21}, {"receiving", 9}, {"TREAT", 5}};
static const struct records_caller stranger = {
    {"Practitioner/nurse-2", 20}, {"Organization/A2200008", 21}, {"receiving", 9}, {"TREAT", 5}};
static const struct records_caller controller = {
    {"Practitioner/desk-1", 19}, {"Organization/gw-control-room", 28}, {"control-room", 12}, {"HOPERAT", 7}};

/* What a hospital's page sends. */
struct board {
    const char *place, *reporter, *date, *bed;
    int free, total;
};

static void put_concept(struct json_writer *w, const char *system, const char *code) {
    json_object_open(w);
    json_name(w, "coding");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "system", system);
    json_member_string(w, "code", code);
    json_object_close(w);
    json_array_close(w);
    json_object_close(w);
}

static void put_population(struct json_writer *w, const char *code, int count) {
    json_object_open(w);
    json_name(w, "code");
    put_concept(w, "https://fhir.soyang.example/CodeSystem/board-count", code);
    json_member_int(w, "count", count);
    json_object_close(w);
}

static void put_reference(struct json_writer *w, const char *name, const char *prefix, const char *id) {
    if (id == NULL) {
        return;
    }
    json_name(w, name);
    json_object_open(w);
    json_member_text(w, "reference", text_format(w->buffer.arena, "%s%s", prefix, id));
    json_object_close(w);
}

static void put_report(struct json_writer *w, const struct board *board) {
    json_object_open(w);
    json_member_string(w, "resourceType", "MeasureReport");
    json_member_text(w, "id", text_format(w->buffer.arena, "capacity-%s", board->place));
    json_member_string(w, "status", "complete");
    json_member_string(w, "type", "summary");
    json_member_string(w, "measure", "https://fhir.soyang.example/Measure/board");
    put_reference(w, "subject", "Location/", board->place);
    json_member_string(w, "date", board->date);
    put_reference(w, "reporter", "", board->reporter);
    json_name(w, "period");
    json_object_open(w);
    json_member_string(w, "start", "2026-11-22T02:00:00Z");
    json_object_close(w);
    json_name(w, "group");
    json_array_open(w);
    json_object_open(w);
    json_name(w, "code");
    put_concept(w, "https://fhir.soyang.example/CodeSystem/board-bed", board->bed);
    json_name(w, "population");
    json_array_open(w);
    put_population(w, "free", board->free);
    put_population(w, "total", board->total);
    json_array_close(w);
    json_object_close(w);
    json_array_close(w);
    json_object_close(w);
}

static struct text report_of(struct fixture *f, const struct board *board) {
    struct json_writer w = json_writer_open(f->arena, 1 << 16);
    struct text json;
    put_report(&w, board);
    assert_int_equal(json_finish(&json, &w, &f->scope), STATUS_OK);
    return json;
}

static enum status send_board(struct fixture *f, const struct records_caller *caller, const struct board *board) {
    struct text id = text_format(f->arena, "capacity-%s", board->place);
    return fixture_send(f, caller, RECORDS_UPDATE, "MeasureReport", id, report_of(f, board));
}

static const struct region_snapshot *hold(struct fixture *f) {
    const struct region_snapshot *snapshot = NULL;
    f->scope.fault = (struct fault){0};
    fixture_ok(f, region_hold(&snapshot, f->region, &f->scope));
    return snapshot;
}

static const struct region_place *place_of(const struct region_snapshot *snapshot, const char *id) {
    int index = region_place_find(snapshot, text_from(id));
    assert_true(index >= 0);
    return &snapshot->places[index];
}

static bool can(const struct region_snapshot *snapshot, const struct region_place *place, const char *need) {
    int index = region_need_find(snapshot, text_from(need));
    assert_true(index >= 0);
    return (place->needs >> index & 1) != 0;
}

/* ---- contents --------------------------------------------------------------------------------------------------- */

static void test_empty(void **state) {
    (void)state;
    struct fixture f;
    struct text json;
    fixture_open(&f);
    const struct region_snapshot *snapshot = hold(&f);
    assert_int_equal(snapshot->place_count, 0);
    assert_int_equal(snapshot->control_room, -1);
    assert_int_equal(region_place_find(snapshot, TEXT("A2200001")), -1);
    region_release(snapshot);
    fixture_ok(&f, region_map_json(&json, f.region, &f.scope));
    fixture_load(&f, REGION_SOURCED_ONLY);
    snapshot = hold(&f);
    assert_true(snapshot->place_count > 300);
    region_release(snapshot);
    fixture_close(&f);
}

static void check_numbers(const struct region_snapshot *snapshot) {
    size_t departments = 0, posts = 0, neighbours = 0;
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct region_place *place = &snapshot->places[i];
        departments += place->tier != REGION_TIER_NONE && !place->neighbour;
        posts += place->post;
        neighbours += place->neighbour;
        assert_true(place->control_room == isnan(place->point.latitude));
        assert_int_equal(region_place_find(snapshot, place->id), i);
    }
    assert_int_equal(departments, 24);
    assert_int_equal(posts, 240); /* 242 less the two that are hospitals */
    assert_int_equal(neighbours, 8);
    assert_int_equal(snapshot->place_count, 62 + 8 + 240 + 1);
    assert_int_equal(snapshot->need_count, 41);
    assert_int_equal(snapshot->bed_count, 30);
    assert_true(snapshot->control_room >= 0);
    assert_true(text_is(snapshot->places[snapshot->control_room].id, "gw-control-room"));
}

static void test_contents(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    int64_t start_us = clock_monotonic_us();
    const struct region_snapshot *snapshot = hold(&f);
    print_message("the whole region gathered: %lld us\n", (long long)(clock_monotonic_us() - start_us));
    check_numbers(snapshot);
    const struct region_place *wonju = place_of(snapshot, "A2200001");
    assert_int_equal(wonju->tier, REGION_TIER_REGIONAL_CENTRE);
    assert_true(text_is(wonju->kind, "01"));
    assert_true(fabs(wonju->point.latitude - 37.347955) < 1e-9);
    assert_true(can(snapshot, wonju, "SY-TRAUMA") && can(snapshot, wonju, "Y0010"));
    int icu = region_bed_find(snapshot, TEXT("hv6"));
    assert_true(wonju->beds[icu].known);
    assert_int_equal(wonju->beds[icu].free, 4);
    assert_int_equal(wonju->beds[icu].total, 14);
    assert_true(text_is(wonju->beds[icu].author, "Organization/gangwon-assumptions"));
    assert_true(wonju->beds[icu].said_us == FIXTURE_NOW_US);
    assert_false(wonju->beds[region_bed_find(snapshot, TEXT("hv8"))].known);
    assert_true(wonju->answer_minutes == 6 && wonju->answer_night_factor == 1.5);
    /* the age a code's own name says, and who comes from home on a Sunday at noon */
    int scope_adult = region_need_find(snapshot, TEXT("Y0081")),
        scope_child = region_need_find(snapshot, TEXT("Y0082"));
    assert_int_equal(wonju->age_min_months[scope_adult], 180);
    assert_int_equal(wonju->age_max_months[scope_adult], INT_MAX);
    assert_int_equal(wonju->age_max_months[scope_child], 179);
    assert_int_equal(region_on_call(snapshot, wonju, scope_child, FIXTURE_NOW_US), 55);
    assert_int_equal(wonju->call_in_minutes[scope_child], 30);
    assert_int_equal(region_on_call(snapshot, wonju, scope_adult, FIXTURE_NOW_US), 93);
    const struct region_place *post = place_of(snapshot, "gw-post-1429");
    assert_true(post->post && can(snapshot, post, "SY-PRIMARY") && !can(snapshot, post, "SY-ED"));
    assert_false(place_of(snapshot, "E2200026")->post);
    assert_true(fabs(snapshot->travel.detour - 1.435) < 1e-9 && snapshot->zone_minutes == 540);
    assert_int_equal(snapshot->policy_hash.size, 64);
    assert_true(
        snapshot->board.fades_from_min > 0 && snapshot->board.ignored_after_min > snapshot->board.fades_from_min);
    region_release(snapshot);
    fixture_close(&f);
}

/* ---- change ----------------------------------------------------------------------------------------------------- */

static void test_capacity_changes_snapshot(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const struct region_snapshot *before = hold(&f), *same = hold(&f);
    assert_ptr_equal(before, same);
    region_release(same);
    const struct board board = {"A2200001", "Organization/A2200001", "2026-11-22T11:50:00+09:00", "hv6", -2, 14};
    int64_t start_us = clock_monotonic_us();
    assert_int_equal(send_board(&f, &receiver, &board), STATUS_OK);
    const struct region_snapshot *after = hold(&f);
    print_message("a board typed and held again: %lld us\n", (long long)(clock_monotonic_us() - start_us));
    assert_ptr_not_equal(before, after);
    int icu = region_bed_find(after, TEXT("hv6"));
    const struct region_place *place = place_of(after, "A2200001"), *other = place_of(after, "A2200008");
    assert_int_equal(place->beds[icu].free, -2);
    assert_true(place->beds[icu].said_us == FIXTURE_NOW_US - 600000000);
    assert_true(text_is(place->beds[icu].author, "Organization/A2200001"));
    assert_false(place->beds[region_bed_find(after, TEXT("hvec"))].known); /* the report says nothing of it any more */
    assert_true(text_is(other->beds[icu].author, "Organization/gangwon-assumptions"));
    assert_ptr_equal(other->name_ko.at, place_of(before, "A2200008")->name_ko.at); /* nothing else was read again */
    assert_int_equal(place_of(before, "A2200001")->beds[icu].free, 4);             /* held: unchanged */
    region_release(before);
    /* loading again leaves a typed board alone */
    struct region_loaded loaded;
    fixture_ok(
        &f, region_load(&loaded, f.records, &fixture_operator, "regions/gangwon", REGION_WITH_ASSUMPTIONS, &f.scope));
    assert_int_equal(loaded.resources_written, 0);
    region_release(after);
    after = hold(&f);
    assert_int_equal(place_of(after, "A2200001")->beds[icu].free, -2);
    region_release(after);
    assert_int_equal(
        fixture_send(&f, &receiver, RECORDS_DELETE, "MeasureReport", CAPACITY_OF("A2200001"), (struct text){0}),
        STATUS_OK);
    after = hold(&f);
    assert_false(place_of(after, "A2200001")->beds[icu].known);
    region_release(after);
    fixture_close(&f);
}

static void test_structure_changes_snapshot(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const struct region_snapshot *snapshot = hold(&f);
    region_release(snapshot);
    /* without meta, as many clients write: the place stays on the map; its needs go with its service's types */
    struct text service =
        TEXT("{\"resourceType\":\"HealthcareService\",\"id\":\"A2200001-ed\",\"active\":true,"
             "\"providedBy\":{\"reference\":\"Organization/A2200001\"},\"type\":[{\"coding\":[{\"system\":"
             "\"https://fhir.soyang.example/CodeSystem/severe-condition\",\"code\":\"Y0010\"}]}]}");
    fixture_ok(&f, fixture_send(&f, &receiver, RECORDS_UPDATE, "HealthcareService", TEXT("A2200001-ed"), service));
    snapshot = hold(&f);
    const struct region_place *place = place_of(snapshot, "A2200001");
    int need = region_need_find(snapshot, TEXT("Y0010"));
    assert_true(place->needs == UINT64_C(1) << need && place->needs_sourced == place->needs);
    region_release(snapshot);
    struct text location =
        TEXT("{\"resourceType\":\"Location\",\"id\":\"A2200001\",\"status\":\"suspended\",\"name\":\"x\","
             "\"managingOrganization\":{\"reference\":\"Organization/A2200001\"},"
             "\"position\":{\"latitude\":37.3,\"longitude\":127.9}}");
    fixture_ok(&f, fixture_send(&f, &receiver, RECORDS_UPDATE, "Location", TEXT("A2200001"), location));
    snapshot = hold(&f);
    assert_true(place_of(snapshot, "A2200001")->closed);
    region_release(snapshot);
    /* what is no part of the region leaves the snapshot as it is */
    snapshot = hold(&f);
    struct text elsewhere = TEXT("{\"resourceType\":\"Organization\",\"id\":\"elsewhere\",\"name\":\"x\"}");
    fixture_ok(&f, fixture_send(&f, &receiver, RECORDS_UPDATE, "Organization", TEXT("elsewhere"), elsewhere));
    const struct region_snapshot *again = hold(&f);
    assert_ptr_equal(snapshot, again);
    region_release(snapshot);
    region_release(again);
    fixture_close(&f);
}

/* ---- guards ----------------------------------------------------------------------------------------------------- */

static void test_boards_refused(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const char *now = "2026-11-22T03:00:00Z", *place = "A2200001", *self = "Organization/A2200001";
    const struct {
        const struct records_caller *caller;
        struct board board;
        enum status status;
        const char *words;
    } cases[] = {
        {&receiver, {place, self, "2026-11-22T03:02:30Z", "hvec", 1, 2}, STATUS_UNPROCESSABLE, "future"},
        {&receiver, {place, self, "2026-11-22T03:01:59Z", "hvec", 1, 2}, STATUS_OK, NULL},
        {&receiver, {place, self, now, "hvec", 1, -2}, STATUS_UNPROCESSABLE, "negative"},
        {&receiver, {place, self, now, "hvec", 3, 2}, STATUS_UNPROCESSABLE, "more is free than there is"},
        {&receiver, {place, self, now, "hvec", -5, 2}, STATUS_OK, NULL},
        {&receiver, {place, NULL, now, "hvec", 1, 2}, STATUS_UNPROCESSABLE, "reported"},
        {&receiver, {place, "Organization/A2200008", now, "hvec", 1, 2}, STATUS_DENIED, "reporter"},
        {&receiver, {place, "Practitioner/nurse-1", now, "hvec", 1, 2}, STATUS_OK, NULL},
        {&receiver, {place, self, NULL, "hvec", 1, 2}, STATUS_UNPROCESSABLE, "when"},
        {&receiver, {place, self, "2026-11-22", "hvec", 1, 2}, STATUS_UNPROCESSABLE, "time of day"},
        {&stranger, {place, self, now, "hvec", 1, 2}, STATUS_DENIED, "only the place"},
        {&controller, {place, self, now, "hvec", 1, 2}, STATUS_OK, NULL},
        {&controller, {place, "Organization/gw-control-room", now, "hvec", 1, 2}, STATUS_OK, NULL},
        {&controller, {"nowhere", "Organization/gw-control-room", now, "hvec", 1, 2}, STATUS_UNPROCESSABLE, "no place"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum status status = send_board(&f, cases[i].caller, &cases[i].board);
        if (status != cases[i].status || (cases[i].words != NULL && !fixture_said(&f.scope, cases[i].words))) {
            fixture_say(&f.scope);
            fail_msg("case %zu: %s", i, status_name(status));
        }
    }
    fixture_close(&f);
}

/* The same by another door: a transaction. */
static void test_transaction_refused(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const struct board boards[] = {
        {"A2200001", "Organization/A2200001", "2026-11-22T04:00:00Z", "hvec", 1, 2},
        {"A2200001", "Organization/A2200001", "2026-11-22T03:00:00Z", "hvec", 1, -2},
        {"A2200001", "Organization/A2200001", "2026-11-22T03:00:00Z", "hvec", 1, 2},
    };
    for (size_t i = 0; i < sizeof boards / sizeof *boards; i++) {
        struct json_writer w = json_writer_open(f.arena, 1 << 16);
        struct text bundle;
        json_object_open(&w);
        json_member_string(&w, "resourceType", "Bundle");
        json_member_string(&w, "type", "transaction");
        json_name(&w, "entry");
        json_array_open(&w);
        json_object_open(&w);
        json_name(&w, "resource");
        put_report(&w, &boards[i]);
        json_name(&w, "request");
        json_object_open(&w);
        json_member_string(&w, "method", "PUT");
        json_member_string(&w, "url", "MeasureReport/capacity-A2200001");
        json_object_close(&w);
        json_object_close(&w);
        json_array_close(&w);
        json_object_close(&w);
        assert_int_equal(json_finish(&bundle, &w, &f.scope), STATUS_OK);
        enum status status = fixture_send(&f, &receiver, RECORDS_BUNDLE, NULL, (struct text){0}, bundle);
        if (i == 2) {
            fixture_ok(&f, status);
        } else {
            assert_int_equal(status, STATUS_UNPROCESSABLE);
        }
    }
    const struct region_snapshot *snapshot = hold(&f);
    int bed = region_bed_find(snapshot, TEXT("hvec"));
    assert_int_equal(place_of(snapshot, "A2200001")->beds[bed].total, 2);
    region_release(snapshot);
    fixture_close(&f);
}

static void test_positions_refused(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    static const struct {
        const char *id, *latitude, *longitude;
        enum status status;
    } cases[] = {{"A2200001", "37.4", "127.9", STATUS_OK}, {"A2200001", "40.7", "-74.0", STATUS_UNPROCESSABLE},
        {"A2200001", "127.9", "37.4", STATUS_UNPROCESSABLE}, {"kr-snuh", "37.58", "126.9", STATUS_OK},
        {"A2200001", "37.58", "126.9", STATUS_UNPROCESSABLE}, {"not-of-the-region", "40.7", "-74.0", STATUS_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_writer w = json_writer_open(f.arena, 1 << 12);
        struct text body;
        json_object_open(&w);
        json_member_string(&w, "resourceType", "Location");
        json_member_string(&w, "id", cases[i].id);
        put_reference(&w, "managingOrganization", "Organization/", cases[i].id);
        json_name(&w, "position");
        json_object_open(&w);
        json_name(&w, "latitude");
        json_raw(&w, text_from(cases[i].latitude));
        json_name(&w, "longitude");
        json_raw(&w, text_from(cases[i].longitude));
        json_object_close(&w);
        json_object_close(&w);
        assert_int_equal(json_finish(&body, &w, &f.scope), STATUS_OK);
        enum status status =
            fixture_send(&f, &fixture_operator, RECORDS_UPDATE, "Location", text_from(cases[i].id), body);
        if (status != cases[i].status) {
            fixture_say(&f.scope);
            fail_msg("case %zu: %s", i, status_name(status));
        }
    }
    fixture_close(&f);
}

/* ---- people on call --------------------------------------------------------------------------------------------- */

static const struct records_caller third = {
    {"Practitioner/nurse-3", 20}, {"Organization/A2200003", 21}, {"receiving", 9}, {"TREAT", 5}};
#define NEED_SURGERY "Y0032"
#define MINUTES_US INT64_C(60000000)

static enum status send_duty(
    struct fixture *f, const struct records_caller *caller, const char *person, const char *place, const char *need) {
    struct text id = text_format(f->arena, "%s-%s", person, place);
    struct json_writer w = json_writer_open(f->arena, 1 << 14);
    struct text json;
    json_object_open(&w);
    json_member_string(&w, "resourceType", "PractitionerRole");
    json_member_text(&w, "id", id);
    put_reference(&w, "practitioner", "Practitioner/", person);
    put_reference(&w, "organization", "Organization/", place);
    json_name(&w, "code");
    json_array_open(&w);
    put_concept(&w, "https://fhir.soyang.example/CodeSystem/practitioner-role", "on-call");
    json_array_close(&w);
    if (need != NULL) {
        json_name(&w, "specialty");
        json_array_open(&w);
        put_concept(&w, "https://fhir.soyang.example/CodeSystem/severe-condition", need);
        json_array_close(&w);
    }
    json_object_close(&w);
    assert_int_equal(json_finish(&json, &w, &f->scope), STATUS_OK);
    return fixture_send(f, caller, RECORDS_UPDATE, "PractitionerRole", id, json);
}

static void put_instant(struct json_writer *w, const char *url, const char *instant) {
    json_object_open(w);
    json_member_string(w, "url", url);
    if (instant != NULL) {
        json_member_string(w, "valueInstant", instant);
    }
    json_object_close(w);
}

/* `until` NULL: out of theatre. */
static enum status send_person(struct fixture *f, const struct records_caller *caller, const char *person,
    const char *until, const char *at, const char *by) {
    struct json_writer w = json_writer_open(f->arena, 1 << 14);
    struct text json;
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Practitioner");
    json_member_string(&w, "id", person);
    if (until != NULL) {
        json_name(&w, "extension");
        json_array_open(&w);
        json_object_open(&w);
        json_member_string(&w, "url", "https://fhir.soyang.example/StructureDefinition/in-theatre");
        json_name(&w, "extension");
        json_array_open(&w);
        put_instant(&w, "until", until);
        put_instant(&w, "at", at);
        json_object_open(&w);
        json_member_string(&w, "url", "by");
        put_reference(&w, "valueReference", "", by);
        json_object_close(&w);
        json_array_close(&w);
        json_object_close(&w);
        json_array_close(&w);
    }
    json_object_close(&w);
    assert_int_equal(json_finish(&json, &w, &f->scope), STATUS_OK);
    return fixture_send(f, caller, RECORDS_UPDATE, "Practitioner", text_from(person), json);
}

/* Minutes from `later_min` on until the first comes out; -1: somebody is free, or nobody says who is on call. */
static int theatre_min(struct fixture *f, const char *place, const char *need, int later_min) {
    const struct region_snapshot *snapshot = hold(f);
    int64_t now_us = FIXTURE_NOW_US + later_min * MINUTES_US;
    int64_t until_us =
        region_theatre_until(place_of(snapshot, place), region_need_find(snapshot, text_from(need)), now_us);
    region_release(snapshot);
    return until_us == INT64_MIN ? -1 : (int)((until_us - now_us) / MINUTES_US);
}

static void test_theatre_is_shared(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const char *until = "2026-11-22T05:20:00Z", *now = "2026-11-22T03:00:00Z", *self = "Organization/A2200001";
    fixture_ok(&f, send_person(&f, &receiver, "surgeon", NULL, NULL, NULL));
    fixture_ok(&f, send_duty(&f, &receiver, "surgeon", "A2200001", NEED_SURGERY));
    assert_int_equal(
        send_duty(&f, &stranger, "surgeon", "A2200008", NEED_SURGERY), STATUS_DENIED); /* nobody shares him yet */
    fixture_ok(&f, send_duty(&f, &controller, "surgeon", "A2200008", NEED_SURGERY));
    assert_int_equal(theatre_min(&f, "A2200001", NEED_SURGERY, 0), -1);
    fixture_ok(&f, send_person(&f, &receiver, "surgeon", until, now, self));
    assert_int_equal(theatre_min(&f, "A2200001", NEED_SURGERY, 0), 140);
    assert_int_equal(theatre_min(&f, "A2200008", NEED_SURGERY, 0), 140);
    assert_int_equal(theatre_min(&f, "A2200001", "Y0010", 0), -1);
    assert_int_equal(theatre_min(&f, "A2200001", NEED_SURGERY, 139), 1);
    assert_int_equal(theatre_min(&f, "A2200001", NEED_SURGERY, 140), -1); /* over by itself */
    /* a typed board reads one place anew: the other keeps what it had */
    const struct board board = {"A2200001", self, "2026-11-22T11:50:00+09:00", "hv6", 2, 14};
    fixture_ok(&f, send_board(&f, &receiver, &board));
    assert_int_equal(theatre_min(&f, "A2200001", NEED_SURGERY, 0), 140);
    assert_int_equal(theatre_min(&f, "A2200008", NEED_SURGERY, 0), 140);
    /* a second on call is free; then in theatre for less long */
    fixture_ok(&f, send_person(&f, &receiver, "second", NULL, NULL, NULL));
    fixture_ok(&f, send_duty(&f, &receiver, "second", "A2200001", NEED_SURGERY));
    assert_int_equal(theatre_min(&f, "A2200001", NEED_SURGERY, 0), -1);
    assert_int_equal(theatre_min(&f, "A2200008", NEED_SURGERY, 0), 140);
    fixture_ok(&f, send_person(&f, &controller, "second", "2026-11-22T04:00:00Z", now, "Organization/gw-control-room"));
    assert_int_equal(theatre_min(&f, "A2200001", NEED_SURGERY, 0), 60);
    fixture_ok(&f, send_person(&f, &stranger, "surgeon", NULL, NULL, NULL)); /* a place that shares him */
    assert_int_equal(theatre_min(&f, "A2200008", NEED_SURGERY, 0), -1);
    fixture_close(&f);
}

static void test_theatre_refused(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const char *until = "2026-11-22T05:20:00Z", *now = "2026-11-22T03:00:00Z", *self = "Organization/A2200001";
    fixture_ok(&f, send_person(&f, &receiver, "surgeon", NULL, NULL, NULL));
    fixture_ok(&f, send_duty(&f, &receiver, "surgeon", "A2200001", NEED_SURGERY));
    const struct {
        const struct records_caller *caller;
        const char *until, *at, *by;
        enum status status;
        const char *words;
    } cases[] = {
        {&third, until, now, "Organization/A2200003", STATUS_DENIED, "on call"},
        {&receiver, until, now, "Organization/A2200008", STATUS_DENIED, "neither"},
        {&receiver, until, now, NULL, STATUS_UNPROCESSABLE, "by whom"},
        {&receiver, until, NULL, self, STATUS_UNPROCESSABLE, "when it was said"},
        {&receiver, until, "2026-11-22T03:03:00Z", self, STATUS_UNPROCESSABLE, "future"},
        {&receiver, "2026-11-22T02:57:59Z", now, self, STATUS_UNPROCESSABLE, "past"},
        {&receiver, "2026-11-23T03:00:01Z", now, self, STATUS_UNPROCESSABLE, "24 hours"},
        {&receiver, "2026-11-23T03:00:00Z", now, self, STATUS_OK, NULL},
        {&controller, until, now, "Organization/gw-control-room", STATUS_OK, NULL},
        {&third, NULL, NULL, NULL, STATUS_DENIED, "on call"},
        {&third, until, now, "Organization/gw-control-room", STATUS_OK, NULL}, /* as it stands: nothing is said anew */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum status status = send_person(&f, cases[i].caller, "surgeon", cases[i].until, cases[i].at, cases[i].by);
        if (status != cases[i].status || (cases[i].words != NULL && !fixture_said(&f.scope, cases[i].words))) {
            fixture_say(&f.scope);
            fail_msg("case %zu: %s", i, status_name(status));
        }
    }
    assert_int_equal(send_duty(&f, &third, "surgeon", "A2200001", NEED_SURGERY), STATUS_DENIED);
    assert_int_equal(send_duty(&f, &receiver, "surgeon", "A2200001", NULL), STATUS_UNPROCESSABLE);
    fixture_close(&f);
}

/* ---- units ------------------------------------------------------------------------------------------------------ */

struct inside {
    struct fixture *f;
    struct text report;
    int seen;
    bool refuse;
};

static enum status look_inside(void *context, struct records_unit *unit, struct scope *scope) {
    struct inside *inside = context;
    const struct region_snapshot *snapshot = NULL;
    enum status status = records_unit_put(NULL, unit, inside->report, scope);
    if (status == STATUS_OK) {
        status = region_hold_within(&snapshot, inside->f->region, unit, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    inside->seen = place_of(snapshot, "A2200001")->beds[region_bed_find(snapshot, TEXT("hvec"))].free;
    region_release(snapshot);
    return inside->refuse ? fault(scope, STATUS_UNPROCESSABLE, "", "undone on purpose") : STATUS_OK;
}

static int free_now(struct fixture *f) {
    const struct region_snapshot *snapshot = hold(f);
    int free = place_of(snapshot, "A2200001")->beds[region_bed_find(snapshot, TEXT("hvec"))].free;
    region_release(snapshot);
    return free;
}

/* A unit sees what it wrote; everybody else, only what was committed. */
static void test_inside_units(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    for (int held_before = 0; held_before < 2; held_before++) {
        struct board board = {
            "A2200001", "Organization/A2200001", "2026-11-22T03:00:00Z", "hvec", 21 + held_before, 40};
        struct inside inside = {.f = &f, .report = report_of(&f, &board), .refuse = true};
        int before = held_before ? free_now(&f) : 8;
        assert_int_equal(records_unit_run(f.records, &fixture_operator, "test", look_inside, &inside, &f.scope),
            STATUS_UNPROCESSABLE);
        assert_int_equal(inside.seen, board.free);
        assert_int_equal(free_now(&f), before);
        f.scope.fault = (struct fault){0};
        inside.refuse = false;
        fixture_ok(&f, records_unit_run(f.records, &fixture_operator, "test", look_inside, &inside, &f.scope));
        assert_int_equal(inside.seen, board.free);
        assert_int_equal(free_now(&f), board.free);
    }
    fixture_close(&f);
}

/* ---- threads ---------------------------------------------------------------------------------------------------- */

enum { READERS = 4, ROUNDS = 60 };
struct crowd {
    struct fixture *f;
    atomic_bool stop;
    atomic_int holds;
};

/* A hospital's total is always twice its free count: a reader must never see half of an update. */
static void *read_along(void *context) {
    struct crowd *crowd = context;
    struct arena *arena = arena_open(256 << 20);
    while (!atomic_load(&crowd->stop)) {
        struct scope scope = {.arena = arena};
        const struct region_snapshot *snapshot = NULL;
        invariant(region_hold(&snapshot, crowd->f->region, &scope) == STATUS_OK);
        int index = region_place_find(snapshot, TEXT("A2200001"));
        const struct region_count *count = &snapshot->places[index].beds[region_bed_find(snapshot, TEXT("hvec"))];
        invariant(count->known && (count->total == 2 * count->free || text_ends(count->author, "assumptions")));
        invariant(count->author.size > 0 && text_is_utf8(count->author));
        region_release(snapshot);
        atomic_fetch_add(&crowd->holds, 1);
        arena_reset(arena);
    }
    arena_close(arena);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    struct fixture f;
    pthread_t readers[READERS];
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    struct crowd crowd = {.f = &f};
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_along, &crowd), 0);
    }
    for (int round = 1; round <= ROUNDS; round++) {
        const struct board board = {
            "A2200001", "Organization/A2200001", "2026-11-22T03:00:00Z", "hvec", round, 2 * round};
        assert_int_equal(send_board(&f, &receiver, &board), STATUS_OK);
        assert_int_equal(free_now(&f), round); /* what was acknowledged is seen at once */
    }
    atomic_store(&crowd.stop, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    print_message("%d holds beside %d updates\n", atomic_load(&crowd.holds), ROUNDS);
    fixture_close(&f);
}

/* ---- map -------------------------------------------------------------------------------------------------------- */

static void test_map(void **state) {
    (void)state;
    struct fixture f;
    struct text json;
    yyjson_doc *doc = NULL;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    fixture_ok(&f, region_map_json(&json, f.region, &f.scope));
    fixture_ok(&f, json_read(&doc, json, &f.scope));
    const yyjson_val *map = yyjson_doc_get_root(doc);
    print_message("region.json: %zu bytes\n", json.size);
    assert_true(text_is(json_get_text(map, "id"), "gangwon"));
    assert_true(text_is(json_get_text(map, "time"), "2026-11-22T03:00:00.000Z"));
    assert_true(text_is(json_get_text(json_get(map, "names"), "en"), "Gangwon State"));
    assert_true(text_starts(json_get_text(map, "attribution"), "경계"));
    assert_int_equal(yyjson_arr_size(json_get(map, "places")), 71);
    assert_int_equal(yyjson_arr_size(json_get(map, "posts")), 240);
    assert_int_equal(yyjson_arr_size(json_get(map, "sigungu")), 18);
    int64_t districts = 0, zone = 0;
    assert_true(json_get_int64(&districts, map, "districts") && districts == 188);
    assert_true(json_get_int64(&zone, map, "utcOffsetMinutes") && zone == 540);
    assert_true(text_is(json_get_text(json_get(map, "outline"), "type"), "Topology"));
    assert_true(text_is(json_get_text(json_get(json_get(map, "needs"), "Y0010"), "ko"), "심근경색 재관류중재술"));
    assert_true(text_is(json_get_text(json_get(json_get(map, "states"), "offered"), "en"), "Offered"));
    static const char *const members[] = {"beds", "departments", "reasons", "tiers", "kinds", "equipment"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        assert_true(yyjson_obj_size(json_get(map, members[i])) > 2);
    }
    assert_int_equal(json_get_text(map, "policy").size, 64);
    double speed = 0;
    assert_true(json_get_double(&speed, map, "speed"));
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_capacity_changes_snapshot),
        cmocka_unit_test(test_structure_changes_snapshot),
        cmocka_unit_test(test_boards_refused),
        cmocka_unit_test(test_theatre_is_shared),
        cmocka_unit_test(test_theatre_refused),
        cmocka_unit_test(test_transaction_refused),
        cmocka_unit_test(test_positions_refused),
        cmocka_unit_test(test_inside_units),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
