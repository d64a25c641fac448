/* Deadlines by a clock moved by hand: something happens at every one, with the timer's own thread. */
#include "unit/referral/referral_fixture.h"

static int open_province(void **state) {
    struct province *p = calloc(1, sizeof *p);
    province_open(p);
    province_load(p);
    fixture_ok(&p->f, records_timer_start(p->f.records, &p->f.scope));
    *state = p;
    return 0;
}

static int close_province(void **state) {
    province_close(*state);
    free(*state);
    return 0;
}

static bool is_in(struct province *p, struct text task, const char *business) {
    return text_is(task_state(fetch(p, "Task", task)), business);
}

static void silence_leads_to_the_control_room_then_to_a_place(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    assert_int_equal(sent.count, 2);
    pass_minutes(p, 6); /* level 2: offers end and the control room should have confirmed at 5 */
    assert_true(is_in(p, sent.offers[0], "expired"));
    assert_true(is_in(p, sent.offers[1], "expired"));
    assert_laws(p, sent.loop);
    for (int i = 0; i < 6 && !is_in(p, sent.loop, "designated"); i++) {
        pass_minutes(p, 5);
        assert_laws(p, sent.loop);
    }
    assert_true(is_in(p, sent.loop, "designated"));
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    struct text place = id_after_slash(json_get_text(json_get(loop, "location"), "reference"));
    assert_true(place.size > 0);
    struct sent after = offers_of(p, sent.loop);
    assert_true(text_equal(after.places[after.count - 1], place));
    assert_state(fetch(p, "Task", after.offers[after.count - 1]), "accepted", "accepted");
}

/* The referral's own deadline comes in the same instant as that of the first offers, and before it: what an expiry brings, it brings then too,
 * though another place that was asked later has time left. */
static void silence_beside_a_later_offer_is_an_expiry(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", ",{\"name\":\"depart\",\"valueBoolean\":true}");
    struct text focus = json_get_text(json_get(fetch(p, "Task", sent.loop), "focus"), "reference");
    pass_minutes(p, 2);
    put(p, "Task", "more",
        joined(p,
            "{\"resourceType\":\"Task\",\"id\":\"more\",\"status\":\"draft\",\"intent\":\"order\",\"code\":{\"coding\":"
            "[{"
            "\"system\":\"http://hl7.org/fhir/CodeSystem/"
            "task-code\",\"code\":\"fulfill\"}]},\"partOf\":[{\"reference\":"
            "\"Task/%.*s\"}],\"focus\":{\"reference\":\"%.*s\"},\"for\":{\"reference\":\"Patient/p1\"},"
            "\"requester\":{\"reference\":\"" SENDER "\"},\"owner\":{\"reference\":\"Organization/A2200016\"}}",
            (int)sent.loop.size, sent.loop.at, (int)focus.size, focus.at));
    change_ok(p, &nurse, TEXT("more"), "{\"status\":\"requested\"}");
    pass_minutes(p, 4);
    assert_true(is_in(p, sent.offers[0], "expired"));
    assert_true(is_in(p, TEXT("more"), "offered"));
    struct text rolls = id_after_slash(json_get_text(json_get(fetch(p, "Task", sent.loop), "location"), "reference"));
    assert_true(text_is(rolls, "A2200016"));
    assert_laws(p, sent.loop);
}

static struct text heading_of(struct province *p, struct text loop) {
    return id_after_slash(json_get_text(json_get(fetch(p, "Task", loop), "location"), "reference"));
}

/* With the control room too: who rolls turns from a place that says no to one that is asked, and to whom the control room asks. */
static void rolling_turns_while_the_control_room_has_it(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", ",{\"name\":\"depart\",\"valueBoolean\":true}");
    pass_minutes(p, 6);
    assert_true(is_in(p, sent.loop, "with-controller"));
    struct sent again = offers_of(p, sent.loop);
    assert_int_equal(again.count, 4); /* two have been silent, two are asked */
    int ahead = text_equal(heading_of(p, sent.loop), again.places[2]) ? 2 : 3, other = 5 - ahead;
    struct records_caller first = receiver(p, again.places[ahead]), second = receiver(p, again.places[other]);
    change_ok(p, &first, again.offers[ahead], DECLINE("ed-full"));
    assert_true(is_in(p, sent.loop, "with-controller"));
    assert_true(text_equal(heading_of(p, sent.loop), again.places[other]));
    change_ok(p, &second, again.offers[other], DECLINE("ed-full"));
    assert_true(text_equal(heading_of(p, sent.loop), again.places[other])); /* nobody is asked: it rolls on */
    change_ok(p, &controller, sent.loop,
        "{\"status\":\"requested\",\"business\":\"offered\",\"owner\":{\"reference\":\"Organization/A2200016\"}}");
    assert_true(is_in(p, sent.loop, "offered"));
    assert_true(text_is(heading_of(p, sent.loop), "A2200016"));
    assert_laws(p, sent.loop);
}

static struct text asked_now(struct province *p, struct text loop) {
    const yyjson_val *bundle = fetch_all(p, "Task", "part-of", joined(p, "Task/%.*s", (int)loop.size, loop.at));
    size_t index, count;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)json_get(bundle, "entry"), index, count, entry) {
        if (text_is(json_get_text(json_get(entry, "resource"), "status"), "requested")) {
            return json_get_text(json_get(entry, "resource"), "id");
        }
    }
    return (struct text){0};
}

/* However often somebody asks, the deadline can still name a place. */
static void asking_without_end_leaves_room_for_the_deadline(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    pass_minutes(p, 6);
    assert_true(is_in(p, sent.loop, "with-controller"));
    int asked = 0;
    for (enum status status = STATUS_OK; status == STATUS_OK && asked < 100; asked++) {
        for (struct text open = asked_now(p, sent.loop); open.size > 0; open = asked_now(p, sent.loop)) {
            change_ok(p, &fixture_operator, open, DECLINE("ed-full"));
        }
        status = change(p, &controller, sent.loop,
            "{\"status\":\"requested\",\"business\":\"offered\",\"owner\":{\"reference\":\"Organization/A2200016\"}}");
    }
    print_message("asked %d times\n", asked);
    assert_true(asked < 64);
    assert_true(is_in(p, sent.loop, "with-controller"));
    pass_minutes(p, 6);
    assert_true(is_in(p, sent.loop, "designated"));
}

static void one_answers_late_and_is_told_so(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    pass_minutes(p, 6);
    struct records_caller first = receiver(p, sent.places[0]);
    assert_int_equal(
        change(p, &first, sent.offers[0], "{\"status\":\"accepted\",\"business\":\"accepted\"}"), STATUS_CONFLICT);
}

static void the_third_level_asks_one_after_the_other(void **state) {
    struct province *p = *state;
    add_patient(p, "p3", "1948-05-05", "female", "넘어진 뒤 고관절 통증, 대퇴경부 골절");
    add_vital(p, "p3", "8480-6", "138", "mm[Hg]");
    add_vital(p, "p3", "8867-4", "88", "/min");
    const yyjson_val *answer = send_patient(p, "p3", ",{\"name\":\"human-level\",\"valueInteger\":3}");
    struct sent sent = offers_of(p, json_get_text(json_get(named(answer, "loop", 0), "resource"), "id"));
    assert_int_equal(sent.count, 1);
    pass_minutes(p, 9);
    struct sent after = offers_of(p, sent.loop);
    assert_int_equal(after.count, 2);
    assert_true(is_in(p, sent.loop, "offered"));
    assert_false(text_equal(after.places[0], after.places[1]));
    pass_minutes(p, 3); /* at 10 the neighbouring provinces are asked too */
    assert_true(offers_of(p, sent.loop).count >= 2);
    pass_minutes(p, 4); /* at 15 the control room has it, offers stay open */
    assert_true(is_in(p, sent.loop, "with-controller"));
    struct records_caller second = receiver(p, after.places[1]);
    change_ok(p, &second, after.offers[1], "{\"status\":\"accepted\"}");
    assert_true(is_in(p, sent.loop, "accepted"));
    assert_laws(p, sent.loop);
}

static void reminders_go_to_the_control_room_and_come_again(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = receiver(p, sent.places[0]);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    struct text end = json_get_text(at(fetch(p, "Task", sent.loop), "/restriction/period"), "end");
    pass_minutes(p, 16);
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "accepted", "accepted");
    assert_true(text_is(json_get_text(json_get(loop, "owner"), "reference"), "Organization/gw-control-room"));
    assert_false(text_equal(end, json_get_text(at(loop, "/restriction/period"), "end")));
    change_ok(p, &nurse, sent.loop, "{\"status\":\"in-progress\",\"business\":\"en-route\"}");
    pass_minutes(p, 400);
    assert_state(fetch(p, "Task", sent.loop), "in-progress", "en-route");
    assert_laws(p, sent.loop);
    change_ok(p, &first, sent.loop, "{\"business\":\"arrived\"}");
    pass_minutes(p, 31);
    assert_laws(p, sent.loop);
    change_ok(p, &first, sent.loop, "{\"business\":\"in-care\"}");
    pass_minutes(p, 15 * 24 * 60);
    assert_true(text_is(
        json_get_text(json_get(fetch(p, "Task", sent.loop), "owner"), "reference"), "Organization/gw-control-room"));
    assert_laws(p, sent.loop);
}

static void a_diversion_that_nobody_decides_decides_itself(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = receiver(p, sent.places[0]);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    change_ok(p, &nurse, sent.loop, "{\"status\":\"in-progress\",\"business\":\"en-route\"}");
    change_ok(p, &first, sent.offers[0], DECLINE("in-theatre"));
    assert_true(is_in(p, sent.loop, "diverted"));
    pass_minutes(p, 6);
    assert_true(is_in(p, sent.loop, "en-route"));
    assert_laws(p, sent.loop);
    struct text place = id_after_slash(json_get_text(json_get(fetch(p, "Task", sent.loop), "location"), "reference"));
    assert_false(text_equal(place, sent.places[0]));
}

static void a_draft_left_alone_is_abandoned(void **state) {
    struct province *p = *state;
    put(p, "ServiceRequest", "s2",
        TEXT("{\"resourceType\":\"ServiceRequest\",\"id\":\"s2\",\"status\":\"active\",\"intent\":\"order\","
             "\"subject\":{\"reference\":\"Patient/p1\"}}"));
    put(p, "Task", "l2",
        TEXT("{\"resourceType\":\"Task\",\"id\":\"l2\",\"status\":\"draft\",\"intent\":\"order\","
             "\"code\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/CodeSystem/task-code\",\"code\":\"fulfill\"}]},"
             "\"focus\":{\"reference\":\"ServiceRequest/s2\"},\"for\":{\"reference\":\"Patient/"
             "p1\"},\"requester\":{\"reference\":\"" SENDER "\"}}"));
    assert_laws(p, TEXT("l2"));
    pass_minutes(p, 24 * 60 + 1);
    assert_state(fetch(p, "Task", TEXT("l2")), "cancelled", "abandoned");
}

static void a_bser_referral_that_nobody_answers_is_handed_on(void **state) {
    struct province *p = *state;
    put(p, "Task", "b1",
        TEXT("{\"resourceType\":\"Task\",\"id\":\"b1\",\"status\":\"draft\",\"intent\":\"order\","
             "\"code\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/CodeSystem/task-code\",\"code\":\"fulfill\"}]},"
             "\"focus\":{\"reference\":\"ServiceRequest/s\"},\"for\":{\"reference\":\"Patient/"
             "p1\"},\"requester\":{\"reference\":\"" SENDER "\"}}"));
    change_ok(p, &nurse, TEXT("b1"), "{\"status\":\"received\",\"owner\":{\"reference\":\"Organization/A2200008\"}}");
    pass_minutes(p, 9);
    assert_true(is_in(p, TEXT("b1"), "with-controller"));
    pass_minutes(p, 30); /* no case to rank by: the control room is asked again and again */
    assert_true(is_in(p, TEXT("b1"), "with-controller"));
    assert_laws(p, TEXT("b1"));
}

/* Down, and up again so many minutes later. */
static void restart_after(struct province *p, int64_t minutes) {
    records_timer_stop(p->f.records);
    referral_close(p->referral);
    region_close(p->f.region);
    records_close(p->f.records);
    search_close(p->f.search);
    store_close(p->f.store);
    clock_advance(p->f.clock, minutes * MINUTE);
    struct fixture *f = &p->f;
    struct text base = TEXT("http://127.0.0.1/fhir");
    fixture_ok(f, store_open(&f->store, &(struct store_config){.folder = f->folder, .clock = f->clock}, &f->scope));
    fixture_ok(
        f, search_open(&f->search,
               &(struct search_config){.store = f->store, .own_base = base, .zone_minutes = 540, .clock = f->clock},
               &f->scope));
    const struct records_config config = {
        .store = f->store, .search = f->search, .clock = f->clock, .own_base = base, .zone_minutes = 540};
    fixture_ok(f, records_open(&f->records, &config, &f->scope));
    fixture_ok(f, region_open(&f->region, f->records, &f->scope));
    fixture_ok(f, referral_open(&p->referral, f->records, f->region, &f->scope));
    fixture_ok(f, records_timer_start(f->records, &f->scope));
}

static void deadlines_missed_while_down_fall_due_at_once(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    restart_after(p, 12);
    pass_minutes(p, 0);
    assert_true(is_in(p, sent.offers[0], "expired"));
    assert_laws(p, sent.loop);
    pass_minutes(p, 30);
    assert_true(is_in(p, sent.loop, "designated"));
    struct sent after = offers_of(p, sent.loop);
    assert_int_equal(
        change(p, &fixture_operator, after.offers[0], "{\"status\":\"accepted\",\"business\":\"accepted\"}"),
        STATUS_CONFLICT);
}

/* ---- holds ------------------------------------------------------------------------------------------------------------ */

static struct text output_of(struct province *p, struct text task, const char *code) {
    const yyjson_val *json = fetch(p, "Task", task);
    struct text value = {0};
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)at(json, "/output"), index, count, item) {
        if (text_is(json_get_text(at(item, "/type/coding/0"), "code"), code)) {
            value = json_get_text(item, "valueString");
            value = value.size > 0 ? value : json_get_text(item, "valueInstant");
        }
    }
    return value;
}

/* Accepted by one place with a hold there. */
static struct text held_at(struct province *p, const char *id) {
    struct sent sent = send_infarction(p, id,
        ",{\"name\":\"place\",\"valueReference\":{\"reference\":\"Organization/A2200013\"}},"
        "{\"name\":\"override-reason\",\"valueString\":\"가족이 있는 곳\"}");
    change_ok(p, &fixture_operator, sent.offers[0], "{\"status\":\"accepted\"}");
    assert_true(output_of(p, sent.offers[0], "hold").size > 0);
    assert_true(output_of(p, sent.offers[0], "hold-until").size > 0);
    return sent.offers[0];
}

static void assert_lease_over(struct province *p, struct text offer) {
    assert_true(output_of(p, offer, "hold-ended").size > 0);
    assert_state(fetch(p, "Task", offer), "accepted", "accepted"); /* the place's yes stands */
}

static void a_lease_that_ends_frees_the_bed(void **state) {
    struct province *p = *state;
    struct text first = held_at(p, "h1");
    pass_minutes(p, 60);
    assert_int_equal(output_of(p, first, "hold-ended").size, 0);
    struct text second = held_at(p, "h2");
    assert_false(text_equal(output_of(p, second, "hold"), output_of(p, first, "hold")));
    pass_minutes(p, 600);
    assert_lease_over(p, first);
    assert_lease_over(p, second);
    struct text third = held_at(p, "h3");
    assert_true(text_equal(output_of(p, third, "hold"), output_of(p, first, "hold")));
}

static void a_lease_that_ended_while_down_frees_the_bed(void **state) {
    struct province *p = *state;
    struct text first = held_at(p, "h1");
    restart_after(p, 600);
    pass_minutes(p, 0);
    assert_lease_over(p, first);
    assert_true(text_equal(output_of(p, held_at(p, "h2"), "hold"), output_of(p, first, "hold")));
}

/* Nobody waits for the timer: who asks for the bed first sees that its lease is over, and keeps it when the timer comes. */
static void a_lease_that_is_over_is_seen_before_the_timer(void **state) {
    struct province *p = *state;
    struct text first = held_at(p, "h1");
    records_timer_stop(p->f.records);
    clock_advance(p->f.clock, 600 * MINUTE);
    struct text second = held_at(p, "h2");
    assert_true(text_equal(output_of(p, second, "hold"), output_of(p, first, "hold")));
    fixture_ok(&p->f, records_timer_start(p->f.records, &p->f.scope));
    pass_minutes(p, 0);
    assert_lease_over(p, first);
    assert_int_equal(output_of(p, second, "hold-ended").size, 0);
    assert_false(text_equal(output_of(p, held_at(p, "h3"), "hold"), output_of(p, second, "hold")));
}

static void care_that_begins_ends_the_lease(void **state) {
    struct province *p = *state;
    struct text first = held_at(p, "h1");
    struct text loop = id_after_slash(json_get_text(at(fetch(p, "Task", first), "/partOf/0"), "reference"));
    change_ok(p, &fixture_operator, loop, "{\"status\":\"in-progress\",\"business\":\"en-route\"}");
    change_ok(p, &fixture_operator, loop, "{\"status\":\"in-progress\",\"business\":\"arrived\"}");
    change_ok(p, &fixture_operator, loop, "{\"status\":\"in-progress\",\"business\":\"in-care\"}");
    pass_minutes(p, 600);
    assert_int_equal(output_of(p, first, "hold-ended").size, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_province, close_province)
    const struct CMUnitTest tests[] = {
        TEST(silence_leads_to_the_control_room_then_to_a_place),
        TEST(silence_beside_a_later_offer_is_an_expiry),
        TEST(rolling_turns_while_the_control_room_has_it),
        TEST(asking_without_end_leaves_room_for_the_deadline),
        TEST(one_answers_late_and_is_told_so),
        TEST(the_third_level_asks_one_after_the_other),
        TEST(reminders_go_to_the_control_room_and_come_again),
        TEST(a_diversion_that_nobody_decides_decides_itself),
        TEST(a_draft_left_alone_is_abandoned),
        TEST(a_bser_referral_that_nobody_answers_is_handed_on),
        TEST(deadlines_missed_while_down_fall_due_at_once),
        TEST(a_lease_that_ends_frees_the_bed),
        TEST(a_lease_that_ended_while_down_frees_the_bed),
        TEST(a_lease_that_is_over_is_seen_before_the_timer),
        TEST(care_that_begins_ends_the_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
