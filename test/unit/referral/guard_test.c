/* The laws, each attempted through every door by a client that only knows Tasks: PUT, PATCH, create, transaction, batch, import,
 * deletion; then the ways a referral goes. */
#include "unit/referral/referral_fixture.h"

static int open_province(void **state) {
    struct province *p = calloc(1, sizeof *p);
    province_open(p);
    province_load(p);
    *state = p;
    return 0;
}

static int close_province(void **state) {
    province_close(*state);
    free(*state);
    return 0;
}

static struct records_caller place_of(struct province *p, const struct sent *sent, size_t n) {
    return receiver(p, sent->places[n]);
}

static struct text literal(struct province *p, const char *text) {
    return joined(p, "%s", text);
}

static struct text in_place(struct province *p, const char *format, struct text place) {
    return joined(p, format, (int)place.size, place.at);
}

/* ---- one acceptance, ever --------------------------------------------------------------------------------------------- */

static void the_first_yes_withdraws_the_others(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    assert_int_equal(sent.count, 2);
    struct records_caller first = place_of(p, &sent, 0), second = place_of(p, &sent, 1);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    assert_state(fetch(p, "Task", sent.offers[0]), "accepted", "accepted");
    assert_state(fetch(p, "Task", sent.offers[1]), "cancelled", "withdrawn");
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "accepted", "accepted");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), sent.places[0]));
    assert_true(text_is(json_get_text(json_get(loop, "owner"), "reference"), SENDER));
    assert_int_equal(
        change(p, &second, sent.offers[1], "{\"status\":\"accepted\",\"business\":\"accepted\"}"), STATUS_CONFLICT);
    assert_true(fixture_said(&p->f.scope, "closed"));
    assert_laws(p, sent.loop);
}

static void the_bser_code_is_the_same_as_ours(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = place_of(p, &sent, 0);
    change_ok(p, &first, sent.offers[0],
        "{\"status\":\"accepted\",\"businessStatus\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/us/bser/CodeSystem/"
        "TaskBusinessStatusCS\",\"code\":\"3.0\"}]}}");
    assert_state(fetch(p, "Task", sent.offers[0]), "accepted", "accepted");
    assert_true(
        text_is(json_get_text(at(fetch(p, "Task", sent.offers[0]), "/businessStatus/coding/1"), "code"), "3.0"));
}

/* A second loop of the same patient, drawn up by hand, finds the destination taken. */
static void a_second_loop_finds_the_destination_taken(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = place_of(p, &sent, 0);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    put(p, "ServiceRequest", "s2",
        TEXT("{\"resourceType\":\"ServiceRequest\",\"id\":\"s2\",\"status\":\"active\",\"intent\":\"order\","
             "\"subject\":{\"reference\":\"Patient/p1\"}}"));
    put(p, "Task", "l2",
        TEXT("{\"resourceType\":\"Task\",\"id\":\"l2\",\"status\":\"draft\",\"intent\":\"order\","
             "\"code\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/CodeSystem/task-code\",\"code\":\"fulfill\"}]},"
             "\"focus\":{\"reference\":\"ServiceRequest/s2\"},\"for\":{\"reference\":\"Patient/"
             "p1\"},\"requester\":{\"reference\":\"" SENDER "\"}}"));
    change_ok(p, &nurse, TEXT("l2"),
        text_string(p->f.arena,
            in_place(p, "{\"status\":\"requested\",\"owner\":{\"reference\":\"Organization/%.*s\"}}", sent.places[1])));
    struct sent other = offers_of(p, TEXT("l2"));
    assert_int_equal(other.count, 1);
    struct records_caller second = place_of(p, &other, 0);
    assert_int_equal(change(p, &second, other.offers[0], "{\"status\":\"accepted\"}"), STATUS_CONFLICT);
    assert_true(fixture_said(&p->f.scope, "destination"));
    assert_laws(p, TEXT("l2"));
}

static void both_yes_in_one_transaction_is_one_too_many(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct text one = changed(p, fetch(p, "Task", sent.offers[0]), "{\"status\":\"accepted\"}");
    struct text two = changed(p, fetch(p, "Task", sent.offers[1]), "{\"status\":\"accepted\"}");
    struct text bundle = joined(p,
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":%.*s,\"request\":{\"method\":"
        "\"PUT\",\"url\":\"Task/%.*s\"}},"
        "{\"resource\":%.*s,\"request\":{\"method\":\"PUT\",\"url\":\"Task/%.*s\"}}]}",
        (int)one.size, one.at, (int)sent.offers[0].size, sent.offers[0].at, (int)two.size, two.at,
        (int)sent.offers[1].size, sent.offers[1].at);
    assert_int_not_equal(
        fixture_send(&p->f, &fixture_operator, RECORDS_BUNDLE, NULL, (struct text){0}, bundle), STATUS_OK);
    assert_state(fetch(p, "Task", sent.offers[0]), "requested", "offered");
    assert_state(fetch(p, "Task", sent.offers[1]), "requested", "offered");
    assert_laws(p, sent.loop);
}

/* ---- only legal transitions ---------------------------------------------------------------------------------------------- */

static void a_referral_begins_as_a_draft(void **state) {
    struct province *p = *state;
    static const char *const bodies[] = {
        "\"status\":\"accepted\"",
        "\"status\":\"in-progress\"",
        "\"status\":\"requested\"",
        "\"status\":\"completed\"",
        "\"status\":\"draft\",\"businessStatus\":{\"coding\":[{\"system\":\"" STATE_SYSTEM
        "\",\"code\":\"en-route\"}]}",
        "\"status\":\"in-progress\",\"businessStatus\":{\"coding\":[{\"system\":\"" STATE_SYSTEM
        "\",\"code\":\"en-route\"}]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct text body = joined(p,
            "{\"resourceType\":\"Task\",\"id\":\"x\",\"intent\":\"order\",%s,\"code\":{\"coding\":[{\"system\":\"http:/"
            "/hl7.org/fhir/CodeSystem/task-code\","
            "\"code\":\"fulfill\"}]},\"focus\":{\"reference\":\"ServiceRequest/s\"},\"for\":{\"reference\":\"Patient/"
            "p\"},"
            "\"requester\":{\"reference\":\"" SENDER "\"},\"owner\":{\"reference\":\"Organization/A2200008\"}}",
            bodies[i]);
        assert_int_equal(fixture_send(&p->f, &nurse, RECORDS_UPDATE, "Task", TEXT("x"), body), STATUS_CONFLICT);
        assert_int_equal(fixture_send(&p->f, &nurse, RECORDS_CREATE, "Task", (struct text){0}, body), STATUS_CONFLICT);
        struct records_import *import = NULL;
        uint64_t count = 0;
        p->f.scope.fault = (struct fault){0};
        fixture_ok(&p->f, records_import_open(&import, p->f.records, &fixture_operator, &p->f.scope));
        enum status fed = records_import_feed(import, body, &p->f.scope),
                    closed = records_import_close(&count, import, &p->f.scope);
        assert_true(fed != STATUS_OK || closed != STATUS_OK);
    }
    const yyjson_val *found = fetch_all(p, "Task", "patient", TEXT("Patient/p"));
    assert_null(json_get(found, "entry"));
}

static void an_illegal_transition_names_the_legal_ones(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    assert_int_equal(
        change(p, &nurse, sent.loop, "{\"status\":\"in-progress\",\"business\":\"in-care\"}"), STATUS_CONFLICT);
    assert_true(fixture_said(&p->f.scope, "cancel"));
    assert_int_equal(change(p, &nurse, sent.loop, "{\"status\":\"completed\"}"), STATUS_CONFLICT);
    assert_int_equal(change(p, &nurse, sent.loop, "{\"business\":\"nonsense\"}"), STATUS_CONFLICT);
    struct records_caller first = place_of(p, &sent, 0);
    assert_int_equal(change(p, &first, sent.offers[0], "{\"status\":\"completed\"}"), STATUS_CONFLICT);
    assert_true(fixture_said(&p->f.scope, "accept"));
    assert_state(fetch(p, "Task", sent.loop), "requested", "offered");
}

static void only_who_may_may(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller stranger = receiver(p, TEXT("A9999999")), second = place_of(p, &sent, 1);
    assert_int_equal(change(p, &stranger, sent.offers[0], "{\"status\":\"accepted\"}"), STATUS_DENIED);
    assert_int_equal(change(p, &second, sent.offers[0], "{\"status\":\"accepted\"}"), STATUS_DENIED);
    assert_int_equal(change(p, &stranger, sent.loop, "{\"note\":[{\"text\":\"x\"}]}"), STATUS_DENIED);
    assert_int_equal(
        change(p, &nurse, sent.offers[0], "{\"status\":\"accepted\"}"), STATUS_UNPROCESSABLE); /* who spoke? */
    assert_true(fixture_said(&p->f.scope, "telephone"));
    assert_int_equal(change(p, &crew, sent.loop,
                         "{\"status\":\"cancelled\",\"business\":\"cancelled\",\"statusReason\":{\"text\":\"x\"}}"),
        STATUS_DENIED);
}

static void telephone_answers_are_one_tap(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    change_ok(p, &crew, sent.offers[0],
        "{\"status\":\"rejected\",\"statusReason\":{\"coding\":[{\"system\":\"" DECLINE_SYSTEM
        "\",\"code\":\"in-theatre\"}]}" TELEPHONE "}");
    assert_state(fetch(p, "Task", sent.offers[0]), "rejected", "declined");
    change_ok(p, &nurse, sent.offers[1], "{\"status\":\"accepted\"" TELEPHONE "}");
    assert_state(fetch(p, "Task", sent.loop), "accepted", "accepted");
    assert_laws(p, sent.loop);
}

static void a_decline_needs_a_reason(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = place_of(p, &sent, 0);
    assert_int_equal(change(p, &first, sent.offers[0], "{\"status\":\"rejected\"}"), STATUS_UNPROCESSABLE);
    assert_true(fixture_said(&p->f.scope, "Task.statusReason"));
    assert_int_equal(change(p, &first, sent.offers[0], DECLINE("because")), STATUS_UNPROCESSABLE);
    change_ok(p, &first, sent.offers[0], DECLINE("icu-full"));
    assert_int_equal(
        change(p, &nurse, sent.loop, "{\"status\":\"cancelled\",\"business\":\"cancelled\"}"), STATUS_UNPROCESSABLE);
}

/* ---- what never changes ----------------------------------------------------------------------------------------------------- */

static void identity_does_not_change(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    static const char *const edits[] = {
        "{\"for\":{\"reference\":\"Patient/p9\"}}",
        "{\"focus\":{\"reference\":\"ServiceRequest/other\"}}",
        "{\"requester\":{\"reference\":\"Organization/x\"}}",
        "{\"partOf\":[{\"reference\":\"Task/x\"}]}",
        "{\"intent\":\"plan\"}",
        "{\"code\":{\"text\":\"other\"}}",
        "{\"input\":null}",
        "{\"requester\":null}",
        "{\"for\":null}",
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        assert_int_equal(change(p, &fixture_operator, sent.loop, edits[i]), STATUS_CONFLICT);
    }
    assert_int_equal(change(p, &fixture_operator, sent.offers[0], "{\"partOf\":null}"), STATUS_CONFLICT);
}

static void owner_and_deadline_cannot_be_taken_away(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct text end = json_get_text(at(fetch(p, "Task", sent.loop), "/restriction/period"), "end");
    change_ok(p, &nurse, sent.loop, "{\"owner\":null,\"restriction\":null,\"note\":[{\"text\":\"hello\"}]}");
    change_ok(p, &nurse, sent.loop, "{\"restriction\":{\"period\":{\"end\":\"2050-01-01T00:00:00Z\"}}}");
    assert_true(text_equal(end, json_get_text(at(fetch(p, "Task", sent.loop), "/restriction/period"), "end")));
    assert_laws(p, sent.loop);
    change_ok(p, &nurse, sent.loop, "{\"businessStatus\":null}");
    assert_state(fetch(p, "Task", sent.loop), "requested", "offered");
}

static enum status patch(struct province *p, struct text id, const char *operations) {
    struct records_answer answer;
    const struct records_request request = {.interaction = RECORDS_PATCH,
        .caller = fixture_operator,
        .type = fhir_type_find(TEXT("Task")),
        .id = id,
        .body = literal(p, operations),
        .patch_format = TEXT("application/json-patch+json")};
    p->f.scope.fault = (struct fault){0};
    return records_run(&answer, p->f.records, &request, &p->f.scope);
}

static void patches_meet_the_same_laws(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    assert_int_equal(
        patch(p, sent.loop, "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"completed\"}]"), STATUS_CONFLICT);
    assert_int_equal(patch(p, sent.loop, "[{\"op\":\"remove\",\"path\":\"/for\"}]"), STATUS_CONFLICT);
    assert_int_equal(patch(p, sent.loop, "[{\"op\":\"remove\",\"path\":\"/owner\"}]"), STATUS_OK);
    assert_laws(p, sent.loop);
    assert_int_equal(
        patch(p, sent.offers[0], "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"accepted\"}]"), STATUS_OK);
    assert_state(fetch(p, "Task", sent.offers[1]), "cancelled", "withdrawn");
    assert_int_equal(patch(p, sent.loop, "[{\"op\":\"remove\",\"path\":\"/location\"}]"), STATUS_UNPROCESSABLE);
}

static void open_referrals_are_not_deleted(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct text request = id_after_slash(json_get_text(json_get(fetch(p, "Task", sent.loop), "focus"), "reference"));
    assert_int_equal(
        fixture_send(&p->f, &fixture_operator, RECORDS_DELETE, "Task", sent.loop, (struct text){0}), STATUS_CONFLICT);
    assert_int_equal(fixture_send(&p->f, &fixture_operator, RECORDS_DELETE, "Task", sent.offers[0], (struct text){0}),
        STATUS_CONFLICT);
    assert_int_equal(
        fixture_send(&p->f, &fixture_operator, RECORDS_DELETE, "ServiceRequest", request, (struct text){0}),
        STATUS_CONFLICT);
    const yyjson_val *stored = fetch(p, "ServiceRequest", request);
    assert_int_equal(fixture_send(&p->f, &fixture_operator, RECORDS_UPDATE, "ServiceRequest", request,
                         changed(p, stored, "{\"status\":\"revoked\"}")),
        STATUS_CONFLICT);
    assert_int_equal(fixture_send(&p->f, &fixture_operator, RECORDS_UPDATE, "ServiceRequest", request,
                         changed(p, stored, "{\"subject\":{\"reference\":\"Patient/p9\"}}")),
        STATUS_CONFLICT);
    change_ok(p, &nurse, sent.loop,
        "{\"status\":\"cancelled\",\"business\":\"cancelled\",\"statusReason\":{\"text\":\"mistake\"}}");
    assert_true(text_is(json_get_text(fetch(p, "ServiceRequest", request), "status"), "revoked"));
    assert_state(fetch(p, "Task", sent.offers[0]), "cancelled", "withdrawn");
    assert_int_equal(change(p, &nurse, sent.loop, "{\"description\":\"x\"}"), STATUS_CONFLICT);
    change_ok(p, &nurse, sent.loop, "{\"note\":[{\"text\":\"kept\"}]}");
    assert_int_equal(
        fixture_send(&p->f, &fixture_operator, RECORDS_DELETE, "Task", sent.offers[0], (struct text){0}), STATUS_OK);
    send_patient(p, "p1", ""); /* and the patient may be sent again */
}

static void other_tasks_are_nobodys_business(void **state) {
    struct province *p = *state;
    put(p, "Task", "lab",
        TEXT("{\"resourceType\":\"Task\",\"id\":\"lab\",\"status\":\"in-progress\",\"intent\":\"order\",\"code\":{"
             "\"text\":\"lipids\"},"
             "\"businessStatus\":{\"text\":\"waiting\"}}"));
    put(p, "Task", "lab",
        TEXT("{\"resourceType\":\"Task\",\"id\":\"lab\",\"status\":\"completed\",\"intent\":\"order\",\"code\":{"
             "\"text\":\"lipids\"}}"));
    assert_int_equal(fixture_send(&p->f, &nurse, RECORDS_DELETE, "Task", TEXT("lab"), (struct text){0}), STATUS_OK);
}

static void nothing_slips_in_as_part_of_a_referral(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct text body = joined(p,
        "{\"resourceType\":\"Task\",\"id\":\"x\",\"status\":\"accepted\",\"intent\":\"order\",\"partOf\":[{"
        "\"reference\":\"Task/%.*s\"}]}",
        (int)sent.loop.size, sent.loop.at);
    assert_int_equal(fixture_send(&p->f, &fixture_operator, RECORDS_UPDATE, "Task", TEXT("x"), body), STATUS_CONFLICT);
    body = joined(p,
        "{\"resourceType\":\"Task\",\"id\":\"x\",\"status\":\"draft\",\"intent\":\"order\",\"partOf\":[{\"reference\":"
        "\"Task/%.*s\"}]}",
        (int)sent.loop.size, sent.loop.at);
    assert_int_equal(
        fixture_send(&p->f, &fixture_operator, RECORDS_UPDATE, "Task", TEXT("x"), body), STATUS_UNPROCESSABLE);
}

/* Another place asked by hand: as a draft with the referral's own members, then sent. */
static void a_further_place_is_asked_by_hand(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    struct text focus = json_get_text(json_get(loop, "focus"), "reference");
    const char *format =
        "{\"resourceType\":\"Task\",\"id\":\"more\",\"status\":\"draft\",\"intent\":\"order\",\"code\":{\"coding\":[{"
        "\"system\":"
        "\"http://hl7.org/fhir/CodeSystem/task-code\",\"code\":\"fulfill\"}]},\"partOf\":[{\"reference\":\"Task/"
        "%.*s\"}],\"focus\":{\"reference\":\"%.*s\"},"
        "\"for\":{\"reference\":\"Patient/p1\"},\"requester\":{\"reference\":\"" SENDER
        "\"},\"owner\":{\"reference\":\"Organization/%s\"}}";
    struct text asked = joined(p, format, (int)sent.loop.size, sent.loop.at, (int)focus.size, focus.at,
        text_string(p->f.arena, sent.places[0]));
    assert_int_equal(fixture_send(&p->f, &nurse, RECORDS_UPDATE, "Task", TEXT("more"), asked), STATUS_CONFLICT);
    struct text body = joined(p, format, (int)sent.loop.size, sent.loop.at, (int)focus.size, focus.at, "A2200016");
    struct records_caller stranger = receiver(p, TEXT("A9999999"));
    assert_int_equal(fixture_send(&p->f, &stranger, RECORDS_UPDATE, "Task", TEXT("more"), body), STATUS_DENIED);
    fixture_ok(&p->f, fixture_send(&p->f, &nurse, RECORDS_UPDATE, "Task", TEXT("more"), body));
    change_ok(p, &nurse, TEXT("more"), "{\"status\":\"requested\"}");
    struct records_caller third = receiver(p, TEXT("A2200016"));
    change_ok(p, &third, TEXT("more"), "{\"status\":\"accepted\"}");
    assert_state(fetch(p, "Task", sent.offers[0]), "cancelled", "withdrawn");
    assert_laws(p, sent.loop);
}

/* A department has at most two open questions at a time, from all referrals together; a third patient goes to the next place. */
static void a_department_is_not_flooded(void **state) {
    struct province *p = *state;
    struct text first = {0};
    int asked = 0;
    for (int i = 0; i < 4; i++) {
        struct sent sent = send_infarction(p, text_string(p->f.arena, joined(p, "f%d", i)), "");
        first = i == 0 ? sent.places[0] : first;
        assert_true(sent.count >= 1);
        for (size_t n = 0; n < sent.count; n++) {
            asked += text_equal(sent.places[n], first) ? 1 : 0;
        }
    }
    assert_int_equal(asked, 2);
}

/* ---- the way ------------------------------------------------------------------------------------------------------------------ */

static struct text letter(struct province *p, const char *id, const char *patient) {
    put(p, "DocumentReference", id,
        joined(p,
            "{\"resourceType\":\"DocumentReference\",\"id\":\"%s\",\"status\":\"current\",\"subject\":{\"reference\":"
            "\"Patient/%s\"},"
            "\"content\":[{\"attachment\":{\"contentType\":\"text/plain\",\"data\":\"aGVsbG8=\"}}]}",
            id, patient));
    return joined(p, "DocumentReference/%s", id);
}

#define LETTER(id)                                                                                                     \
    ",\"+output\":{\"type\":{\"coding\":[{\"system\":\"" OUTPUT_SYSTEM                                                 \
    "\",\"code\":\"return-letter\"}]},\"valueReference\":{\"reference\":\"DocumentReference/" id "\"}}"

static void there_and_back(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = place_of(p, &sent, 0);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    assert_int_equal(change(p, &nurse, sent.loop,
                         text_string(p->f.arena, in_place(p,
                                                     "{\"status\":\"in-progress\",\"business\":\"en-route\","
                                                     "\"location\":{\"reference\":\"Location/%.*s\"}}",
                                                     sent.places[1]))),
        STATUS_CONFLICT);
    change_ok(p, &crew, sent.loop, "{\"status\":\"in-progress\",\"business\":\"en-route\"}");
    assert_laws(p, sent.loop);
    assert_int_equal(change(p, &nurse, sent.loop, "{\"location\":null}"), STATUS_UNPROCESSABLE);
    assert_int_equal(change(p, &nurse, sent.loop,
                         "{\"location\":{\"reference\":\"Location/A2200008\"},\"note\":[{\"text\":\"turn\"}]}"),
        text_is(sent.places[0], "A2200008") ? STATUS_OK : STATUS_CONFLICT);
    change_ok(p, &first, sent.offers[0], "{\"business\":\"arrived\"}"); /* said on the offer, kept by the loop */
    assert_state(fetch(p, "Task", sent.loop), "in-progress", "arrived");
    change_ok(p, &first, sent.offers[0], "{\"business\":\"in-care\"}");
    assert_state(fetch(p, "Task", sent.loop), "in-progress", "in-care");
    assert_state(fetch(p, "Task", sent.offers[0]), "completed", "fulfilled");
    assert_int_equal(change(p, &first, sent.loop, "{\"business\":\"back-referred\"}"), STATUS_UNPROCESSABLE);
    letter(p, "wrong", "p9");
    assert_int_equal(
        change(p, &first, sent.loop, "{\"business\":\"back-referred\"" LETTER("wrong") "}"), STATUS_UNPROCESSABLE);
    assert_int_equal(
        change(p, &first, sent.loop, "{\"business\":\"back-referred\"" LETTER("none") "}"), STATUS_UNPROCESSABLE);
    letter(p, "d1", "p1");
    change_ok(p, &first, sent.offers[0], "{\"status\":\"completed\",\"business\":\"back-referred\"" LETTER("d1") "}");
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "in-progress", "back-referred");
    assert_true(text_is(json_get_text(json_get(loop, "owner"), "reference"), SENDER));
    assert_int_equal(
        change(p, &first, sent.loop, "{\"status\":\"completed\",\"business\":\"loop-acknowledged\"}"), STATUS_DENIED);
    change_ok(p, &nurse, sent.loop, "{\"status\":\"completed\",\"business\":\"loop-acknowledged\"}");
    struct text request = id_after_slash(json_get_text(json_get(loop, "focus"), "reference"));
    assert_true(text_is(json_get_text(fetch(p, "ServiceRequest", request), "status"), "completed"));
    const yyjson_val *back =
        fetch_all(p, "ServiceRequest", "based-on", joined(p, "ServiceRequest/%.*s", (int)request.size, request.at));
    assert_true(text_is(json_get_text(at(back, "/entry/0/resource"), "status"), "completed"));
    send_patient(p, "p1", ""); /* every claim is free again */
}

static void a_late_no_leads_to_the_next_place(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = place_of(p, &sent, 0);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    change_ok(p, &first, sent.offers[0], DECLINE("equipment"));
    assert_state(fetch(p, "Task", sent.offers[0]), "rejected", "declined");
    assert_state(fetch(p, "Task", sent.loop), "requested", "offered");
    struct sent after = offers_of(p, sent.loop);
    assert_true(after.count > sent.count);
    for (size_t i = 2; i < after.count; i++) {
        assert_false(text_equal(after.places[i], after.places[0]) || text_equal(after.places[i], after.places[1]));
    }
    struct records_caller third = place_of(p, &after, 2);
    change_ok(p, &third, after.offers[2], "{\"status\":\"accepted\"}");
    assert_state(fetch(p, "Task", sent.loop), "accepted", "accepted");
    assert_laws(p, sent.loop);
}

static void nobody_left_means_the_control_room(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    for (size_t i = 0; i < 16; i++) {
        sent = offers_of(p, sent.loop);
        if (i >= sent.count || !text_is(task_state(fetch(p, "Task", sent.loop)), "offered")) {
            break;
        }
        change_ok(p, &fixture_operator, sent.offers[i], DECLINE("staff-absent"));
        assert_laws(p, sent.loop);
    }
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "requested", "with-controller");
    assert_true(sent.count >= 8 && sent.count <= 12);
    change_ok(p, &controller, sent.loop,
        text_string(p->f.arena,
            in_place(p,
                "{\"status\":\"accepted\",\"business\":\"designated\",\"owner\":{\"reference\":\"Organization/%.*s\"}}",
                sent.places[0])));
    loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "accepted", "designated");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), sent.places[0]));
    assert_laws(p, sent.loop);
}

static void the_way_may_change_never_vanish(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    struct records_caller first = place_of(p, &sent, 0);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    change_ok(p, &nurse, sent.loop, "{\"status\":\"in-progress\",\"business\":\"en-route\"}");
    change_ok(p, &first, sent.offers[0], DECLINE("in-theatre")); /* on the way */
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "in-progress", "diverted");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), sent.places[0]));
    assert_laws(p, sent.loop);
    struct sent after = offers_of(p, sent.loop);
    assert_true(after.count > sent.count);
    struct records_caller next = place_of(p, &after, 2);
    change_ok(p, &next, after.offers[2], "{\"status\":\"accepted\"}");
    loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "in-progress", "en-route");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), after.places[2]));
    change_ok(p, &controller, sent.loop,
        text_string(p->f.arena, in_place(p,
                                    "{\"business\":\"diverted\",\"statusReason\":{\"text\":\"road "
                                    "closed\"},\"location\":{\"reference\":\"Location/%.*s\"}}",
                                    sent.places[1])));
    change_ok(p, &controller, sent.loop, "{\"business\":\"en-route\"}"); /* confirmed as it is */
    loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "in-progress", "en-route");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), sent.places[1]));
    assert_state(fetch(p, "Task", after.offers[2]), "cancelled", "withdrawn");
    assert_laws(p, sent.loop);
}

static void rolling_keeps_a_destination_and_goes_on_by_itself(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", ",{\"name\":\"depart\",\"valueBoolean\":true}");
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "requested", "offered");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), sent.places[0]));
    change_ok(p, &crew, sent.loop,
        text_string(p->f.arena, in_place(p, "{\"location\":{\"reference\":\"Location/%.*s\"}}", sent.places[1])));
    assert_int_equal(change(p, &nurse, sent.loop, "{\"location\":null}"), STATUS_UNPROCESSABLE);
    assert_int_equal(
        change(p, &nurse, sent.loop, "{\"location\":{\"reference\":\"Location/nowhere\"}}"), STATUS_UNPROCESSABLE);
    struct records_caller first = place_of(p, &sent, 0);
    change_ok(p, &first, sent.offers[0], "{\"status\":\"accepted\"}");
    loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "in-progress", "en-route");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), sent.places[0]));
}

/* Who rolls does not roll on towards a place that has said no, nor must that place act any more: the other that is asked does. */
static void rolling_turns_from_a_place_that_said_no(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", ",{\"name\":\"depart\",\"valueBoolean\":true}");
    assert_int_equal(sent.count, 2);
    struct records_caller first = place_of(p, &sent, 0);
    change_ok(p, &first, sent.offers[0],
        "{\"status\":\"rejected\",\"statusReason\":{\"coding\":[{\"system\":\"" DECLINE_SYSTEM
        "\",\"code\":\"ed-full\"}]}}");
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "requested", "offered");
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "location"), "reference")), sent.places[1]));
    assert_true(text_equal(id_after_slash(json_get_text(json_get(loop, "owner"), "reference")), sent.places[1]));
    assert_laws(p, sent.loop);
}

static const yyjson_val *input_of(const yyjson_val *task, const char *code) {
    size_t index, count;
    yyjson_val *item, *found = NULL;
    yyjson_arr_foreach((yyjson_val *)json_get(task, "input"), index, count, item) {
        found = text_is(json_get_text(at(item, "/type/coding/0"), "code"), code) ? item : found;
    }
    return found;
}

/* The first of two legs is told what it is not asked for, where that follows, and how: in the offer, which it reads. */
static void the_first_of_two_legs_is_told(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(
        p, "p1", ",{\"name\":\"origin\",\"valueReference\":{\"reference\":\"Organization/gw-post-1550\"}}");
    const yyjson_val *offer = fetch(p, "Task", sent.offers[0]);
    assert_true(text_is(json_get_text(input_of(offer, "stabilise-for"), "valueCode"), "Y0010"));
    struct text second = json_get_text(json_get(input_of(offer, "second-leg"), "valueReference"), "reference");
    assert_true(second.size > 0 && !text_equal(id_after_slash(second), sent.places[0]));
    int64_t minutes = 0, away = 0;
    assert_true(json_get_int64(&minutes, input_of(offer, "second-leg-minutes"), "valueInteger") && minutes > 0);
    assert_true(json_get_int64(&away, input_of(offer, "vehicle-away-minutes"), "valueInteger") && away > 0);
    assert_true(text_is(json_get_text(input_of(offer, "escort"), "valueCode"), "physician"));
    assert_int_equal(change(p, &nurse, sent.offers[0],
                         "{\"+input\":{\"type\":{\"coding\":[{\"system\":\"" INPUT_SYSTEM
                         "\",\"code\":\"escort\"}]},\"valueCode\":\"physician\"}}"),
        STATUS_CONFLICT);
    struct sent direct = send_infarction(p, "p2", "");
    assert_null(input_of(fetch(p, "Task", direct.offers[0]), "stabilise-for"));
}

static void who_gets_worse_departs_at_once(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    change_ok(p, &nurse, sent.loop,
        text_string(p->f.arena, in_place(p,
                                    "{\"status\":\"in-progress\",\"business\":\"en-route\",\"location\":{\"reference\":"
                                    "\"Location/%.*s\"},\"+input\":{\"type\":{\"coding\":[{\"system\":\"" INPUT_SYSTEM
                                    "\",\"code\":\"level\"}]},\"valueInteger\":1}}",
                                    sent.places[1])));
    const yyjson_val *loop = fetch(p, "Task", sent.loop);
    assert_state(loop, "in-progress", "en-route");
    assert_laws(p, sent.loop);
    struct sent after = offers_of(p, sent.loop);
    assert_state(fetch(p, "Task", after.offers[after.count - 1]), "accepted", "accepted"); /* told, not asked */
    assert_true(text_equal(after.places[after.count - 1], sent.places[1]));
}

static void a_claimed_input_is_the_engines(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "p1", "");
    assert_int_equal(change(p, &nurse, sent.loop,
                         "{\"+input\":{\"type\":{\"coding\":[{\"system\":\"" INPUT_SYSTEM
                         "\",\"code\":\"decision\"}]},\"valueReference\":{\"reference\":\"GuidanceResponse/x\"}}}"),
        STATUS_CONFLICT);
}

/* ---- BSeR ----------------------------------------------------------------------------------------------------------------------- */

static void a_bser_referral_runs_its_course(void **state) {
    struct province *p = *state;
    struct records_caller clinic = receiver(p, TEXT("A2200008"));
    add_patient(p, "p5", "1980-01-01", "female", "checkup");
    put(p, "ServiceRequest", "s5",
        TEXT("{\"resourceType\":\"ServiceRequest\",\"id\":\"s5\",\"status\":\"active\",\"intent\":\"order\","
             "\"subject\":{\"reference\":\"Patient/p5\"}}"));
    fixture_ok(&p->f, fixture_send(&p->f, &nurse, RECORDS_UPDATE, "Task", TEXT("b5"),
                          TEXT("{\"resourceType\":\"Task\",\"id\":\"b5\",\"status\":\"draft\",\"intent\":\"order\","
                               "\"code\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/CodeSystem/"
                               "task-code\",\"code\":\"fulfill\"}]},"
                               "\"focus\":{\"reference\":\"ServiceRequest/s5\"},\"for\":{\"reference\":\"Patient/"
                               "p5\"},\"requester\":{\"reference\":\"" SENDER "\"}}")));
    change_ok(p, &nurse, TEXT("b5"), "{\"status\":\"received\",\"owner\":{\"reference\":\"Organization/A2200008\"}}");
    change_ok(p, &clinic, TEXT("b5"), "{\"status\":\"accepted\"}");
#define BSER(code)                                                                                                     \
    "\"businessStatus\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/us/bser/CodeSystem/"                            \
    "TaskBusinessStatusCS\",\"code\":\"" code "\"}]}"
    change_ok(p, &clinic, TEXT("b5"), "{\"status\":\"in-progress\"," BSER("5.1.1") "}");
    change_ok(p, &clinic, TEXT("b5"), "{\"status\":\"in-progress\"," BSER("5.1.2") "}");
    change_ok(p, &clinic, TEXT("b5"), "{\"status\":\"in-progress\"," BSER("5.1.1") "}");
    assert_int_equal(change(p, &nurse, TEXT("b5"), "{\"status\":\"completed\"," BSER("7.0") "}"), STATUS_DENIED);
    assert_int_equal(change(p, &clinic, TEXT("b5"), "{\"status\":\"cancelled\"," BSER("6.0") "}"), STATUS_CONFLICT);
    change_ok(p, &nurse, TEXT("b5"), "{\"status\":\"in-progress\"," BSER("5.2") "}");
    change_ok(p, &clinic, TEXT("b5"), "{\"status\":\"completed\"," BSER("7.0") "}");
    assert_true(json_get_text(at(fetch(p, "Task", TEXT("b5")), "/restriction/period"), "end").size > 0);
    change_ok(p, &nurse, TEXT("b5"), "{\"status\":\"completed\",\"business\":\"loop-acknowledged\"}");
    assert_state(fetch(p, "Task", TEXT("b5")), "completed", "loop-acknowledged");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_province, close_province)
    const struct CMUnitTest tests[] = {
        TEST(the_first_yes_withdraws_the_others),
        TEST(the_bser_code_is_the_same_as_ours),
        TEST(a_second_loop_finds_the_destination_taken),
        TEST(both_yes_in_one_transaction_is_one_too_many),
        TEST(a_referral_begins_as_a_draft),
        TEST(an_illegal_transition_names_the_legal_ones),
        TEST(only_who_may_may),
        TEST(telephone_answers_are_one_tap),
        TEST(a_decline_needs_a_reason),
        TEST(identity_does_not_change),
        TEST(owner_and_deadline_cannot_be_taken_away),
        TEST(patches_meet_the_same_laws),
        TEST(open_referrals_are_not_deleted),
        TEST(other_tasks_are_nobodys_business),
        TEST(nothing_slips_in_as_part_of_a_referral),
        TEST(a_further_place_is_asked_by_hand),
        TEST(a_department_is_not_flooded),
        TEST(there_and_back),
        TEST(a_late_no_leads_to_the_next_place),
        TEST(nobody_left_means_the_control_room),
        TEST(the_way_may_change_never_vanish),
        TEST(rolling_keeps_a_destination_and_goes_on_by_itself),
        TEST(rolling_turns_from_a_place_that_said_no),
        TEST(the_first_of_two_legs_is_told),
        TEST(who_gets_worse_departs_at_once),
        TEST(a_claimed_input_is_the_engines),
        TEST(a_bser_referral_runs_its_course),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
