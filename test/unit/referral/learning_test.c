/* What answers teach, through the doors that answers come in by; and who may see it. */
#include <math.h>
#include <string.h>

#include "unit/referral/referral_fixture.h"

#include "referral/decision.h"

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

static enum status ask_trust(
    const yyjson_val **out, struct province *p, const struct records_caller *caller, struct text place) {
    struct referral_call call = {.caller = caller, .type = fhir_type_find(TEXT("Organization")), .id = place};
    struct text answer = {0};
    p->f.scope.fault = (struct fault){0};
    enum status status = referral_operation_trust(&answer, p->referral, &call, &p->f.scope);
    *out = status == STATUS_OK ? parse(p, answer) : NULL;
    return status;
}

static double figure(const yyjson_val *parameters, const char *name) {
    double value = -1;
    const yyjson_val *found = named(parameters, name, 0);
    return found != NULL && json_get_double(&value, found, "valueDecimal") ? value : -1;
}

static double trust_figure(struct province *p, struct text place, const char *name) {
    const yyjson_val *answer = NULL;
    fixture_ok(&p->f, ask_trust(&answer, p, &controller, place));
    return figure(answer, name);
}

static bool has_hint(struct province *p, struct text place, const char *code) {
    const yyjson_val *answer = NULL, *hint = NULL;
    struct records_caller own = receiver(p, place);
    fixture_ok(&p->f, ask_trust(&answer, p, &own, place));
    for (int i = 0; (hint = named(answer, "mend", i)) != NULL; i++) {
        if (text_is(json_get_text(at(hint, "/part/0"), "valueCode"), code)) {
            assert_true(json_get_text(at(hint, "/part/1"), "valueString").size > 0);
            return true;
        }
    }
    return false;
}

static void every_answer_teaches_once(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "one", ",{\"name\":\"human-level\",\"valueInteger\":1}");
    assert_true(sent.count >= 2);
    assert_true(trust_figure(p, sent.places[0], "answers") <= 0);
    struct records_caller first = receiver(p, sent.places[0]), second = receiver(p, sent.places[1]);
    /* a write that is refused teaches nothing */
    assert_int_equal(
        change(p, &first, sent.offers[0], "{\"status\":\"completed\",\"business\":\"fulfilled\"}"), STATUS_CONFLICT);
    assert_true(trust_figure(p, sent.places[0], "answers") <= 0);
    change_ok(p, &first, sent.offers[0], DECLINE("ed-full"));
    assert_true(trust_figure(p, sent.places[0], "answers") == 1);
    assert_true(trust_figure(p, sent.places[0], "accepted") == 0);
    change_ok(p, &second, sent.offers[1], "{\"status\":\"accepted\",\"business\":\"accepted\"}");
    assert_true(trust_figure(p, sent.places[1], "answers") == 1);
    assert_true(trust_figure(p, sent.places[1], "accepted") == 1);
    /* the same yes again is no second answer */
    change_ok(p, &second, sent.offers[1], "{\"status\":\"accepted\",\"business\":\"accepted\"}");
    assert_true(trust_figure(p, sent.places[1], "answers") == 1);
    struct sent silent = send_infarction(p, "two", "");
    double before = trust_figure(p, silent.places[0], "answers");
    pass_minutes(p, 6);
    assert_true(trust_figure(p, silent.places[0], "answers") > fmax(0, before));
    assert_true(trust_figure(p, silent.places[0], "answered") < 1);
}

static void a_board_that_lies_is_believed_less(void **state) {
    struct province *p = *state;
    struct text place = {0};
    for (int i = 0; i < 8; i++) {
        struct sent sent = send_infarction(p, text_string(p->f.arena, joined(p, "b%d", i)), "");
        struct records_caller caller = receiver(p, sent.places[0]);
        place = sent.places[0];
        change_ok(p, &caller, sent.offers[0], DECLINE("icu-full"));
    }
    assert_true(trust_figure(p, place, "answers") > 0);
    const yyjson_val *answer = NULL;
    fixture_ok(&p->f, ask_trust(&answer, p, &controller, place));
    assert_true(figure(answer, "board-trust") <= .9);
    assert_true(figure(answer, "accepted") == 0);
}

static void is_private(void **state) {
    struct province *p = *state;
    const yyjson_val *answer = NULL;
    struct sent sent = send_infarction(p, "one", ",{\"name\":\"human-level\",\"valueInteger\":1}");
    struct records_caller own = receiver(p, sent.places[0]), other = receiver(p, sent.places[1]);
    const struct records_caller planner = CALLER("Practitioner/planner", "Organization/province", "planner"),
                                administrator = CALLER("Device/local", "Organization/local", "administrator");
    change_ok(p, &own, sent.offers[0], DECLINE("staff-absent"));
    assert_int_equal(ask_trust(&answer, p, &own, sent.places[0]), STATUS_OK);
    assert_int_equal(ask_trust(&answer, p, &controller, sent.places[0]), STATUS_OK);
    assert_int_equal(ask_trust(&answer, p, &other, sent.places[0]), STATUS_DENIED);
    assert_int_equal(ask_trust(&answer, p, &nurse, sent.places[0]), STATUS_DENIED);
    assert_int_equal(ask_trust(&answer, p, &planner, sent.places[0]), STATUS_DENIED);
    assert_int_equal(ask_trust(&answer, p, &administrator, sent.places[0]), STATUS_DENIED);
    /* over all places: planners and the control room; over so few, nothing but their number */
    assert_int_equal(ask_trust(&answer, p, &nurse, (struct text){0}), STATUS_DENIED);
    assert_int_equal(ask_trust(&answer, p, &own, (struct text){0}), STATUS_DENIED);
    assert_int_equal(ask_trust(&answer, p, &planner, (struct text){0}), STATUS_OK);
    assert_non_null(named(answer, "withheld", 0));
    assert_null(named(answer, "accepted", 0));
    assert_true(has_hint(p, sent.places[0], "too-few"));
}

/* Whoever asks a place by hand does not say since when it has been asked: it would be learned as slow for months. */
static void the_clock_of_an_answer_is_ours(void **state) {
    struct province *p = *state;
    static const char *const written[] = {"2026-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "2099-01-01T00:00:00Z"};
    for (int i = 0; i < 3; i++) {
        struct sent sent = send_infarction(p, text_string(p->f.arena, joined(p, "w%d", i)), "");
        struct text focus = json_get_text(json_get(fetch(p, "Task", sent.loop), "focus"), "reference");
        struct text id = joined(p, "by-hand-%d", i);
        struct text body = joined(p,
            "{\"resourceType\":\"Task\",\"id\":\"by-hand-%d\",\"status\":\"draft\",\"intent\":\"order\",\"authoredOn\":"
            "\"%s\","
            "\"code\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/CodeSystem/task-code\",\"code\":\"fulfill\"}]},"
            "\"partOf\":[{\"reference\":\"Task/"
            "%.*s\"}],\"focus\":{\"reference\":\"%.*s\"},\"for\":{\"reference\":\"Patient/w%d\"},"
            "\"requester\":{\"reference\":\"" SENDER "\"},\"owner\":{\"reference\":\"Organization/A2200016\"}}",
            i, written[i], (int)sent.loop.size, sent.loop.at, (int)focus.size, focus.at, i);
        fixture_ok(&p->f, fixture_send(&p->f, &nurse, RECORDS_UPDATE, "Task", id, body));
        change_ok(p, &nurse, id, "{\"status\":\"requested\"}");
        struct records_caller place = receiver(p, TEXT("A2200016"));
        change_ok(p, &place, id, "{\"status\":\"accepted\"}");
        double minutes = trust_figure(p, TEXT("A2200016"), "answer-minutes");
        print_message("%s: %g min\n", written[i], minutes);
        assert_true(minutes >= 0 && minutes < 5);
    }
}

/* The next ranking says so, and its decision replays with what was believed when it was made. */
static void the_next_ranking_knows(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "one", "");
    struct text place = sent.places[0];
    double before = 0, after = 0;
    for (int i = 0; i < 4; i++) {
        struct sent again = i == 0 ? sent : send_infarction(p, text_string(p->f.arena, joined(p, "n%d", i)), "");
        for (size_t o = 0; o < again.count; o++) {
            struct text decision = {0};
            const yyjson_val *task = fetch(p, "Task", again.offers[o]);
            size_t index, count;
            yyjson_val *input;
            yyjson_arr_foreach((yyjson_val *)json_get(task, "input"), index, count, input) {
                if (text_is(json_get_text(at(input, "/type/coding/0"), "code"), "decision")) {
                    decision = id_after_slash(json_get_text(json_get(input, "valueReference"), "reference"));
                }
            }
            p->f.scope.fault = (struct fault){0};
            fixture_ok(&p->f, referral_decision_replay(p->referral, &controller, decision, &p->f.scope));
            const yyjson_val *stored = fetch(p, "GuidanceResponse", decision);
            yyjson_doc *doc = NULL;
            fixture_ok(&p->f, json_read(&doc, json_get_text(at(stored, "/extension/1"), "valueString"), &p->f.scope));
            size_t option_index, option_count;
            yyjson_val *option;
            yyjson_arr_foreach(
                (yyjson_val *)json_get(yyjson_doc_get_root(doc), "options"), option_index, option_count, option) {
                if (text_equal(json_get_text(option, "place"), place)) {
                    assert_true(json_get_double(&after, option, "chance"));
                    before = before > 0 ? before : after;
                }
            }
            if (text_equal(again.places[o], place)) {
                struct records_caller caller = receiver(p, place);
                change_ok(p, &caller, again.offers[o], DECLINE("staff-absent"));
            }
        }
    }
    assert_true(before > 0 && after < before - .1);
}

static bool says(struct province *p, struct text json, const char *what) {
    return strstr(text_string(p->f.arena, json), what) != NULL;
}

/* What was learned lies apart from the decision: with it the decision replays, with another or without it never, and only a referral that is
 * under way goes on. */
static void what_was_learned_lies_apart(void **state) {
    struct province *p = *state;
    struct sent sent = send_infarction(p, "one", "");
    struct records_caller caller = receiver(p, sent.places[0]);
    change_ok(p, &caller, sent.offers[0], DECLINE("icu-full"));
    const yyjson_val *out = operate(p, referral_operation_rank, &nurse,
        TEXT("{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"patient\",\"valueReference\":{\"reference\":"
             "\"Patient/one\"}},{\"name\":\"origin\",\"valueReference\":{\"reference\":\"Organization/"
             "gw-post-1429\"}}]}"));
    struct text id = id_after_slash(json_get_text(json_get(named(out, "decision", 0), "valueReference"), "reference"));
    const yyjson_val *stored = fetch(p, "GuidanceResponse", id);
    struct text inputs = decision_inputs_of(stored);
    assert_true(says(p, inputs, "\"learned_digest\":\""));
    assert_false(says(p, inputs, "\"learned\":") || says(p, inputs, "corrections"));
    struct scope *scope = &p->f.scope;
    struct decision made;
    struct decision_source here = {.records = p->f.records}, none = {0}, on = {.goes_on = true},
                           wrong = {.given = TEXT("{}")};
    fixture_ok(&p->f, decision_compare(stored, &here, scope));
    fixture_ok(&p->f, decision_replay(&made, inputs, &here, scope));
    assert_non_null(made.patient.learned);
    assert_true(says(p, made.apart, "\"board_trust\":") && says(p, made.apart, "\"salt\":"));
    assert_false(says(p, made.outputs, "learned_from"));
    assert_int_equal(decision_compare(stored, &none, scope), STATUS_GONE);
    assert_true(fixture_said(scope, "is not in this store"));
    assert_int_equal(decision_compare(stored, NULL, scope), STATUS_GONE);
    scope->fault = (struct fault){0};
    assert_int_equal(decision_compare(stored, &wrong, scope), STATUS_CONFLICT);
    assert_true(fixture_said(scope, "is not what this decision was made with"));
    scope->fault = (struct fault){0};
    fixture_ok(&p->f, decision_replay(&made, inputs, &on, scope));
    assert_null(made.patient.learned);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_province, close_province)
    const struct CMUnitTest tests[] = {TEST(every_answer_teaches_once), TEST(the_clock_of_an_answer_is_ours),
        TEST(a_board_that_lies_is_believed_less), TEST(is_private), TEST(the_next_ranking_knows),
        TEST(what_was_learned_lies_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
