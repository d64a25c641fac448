/* Stored decisions replay to the byte, those of before the reading was doubted too. test/cases/decisions/format-N.json: as a server kept it. */
#include "referral/decision.h"
#include "referral/surge_record.h"

#include <setjmp.h>
#include <string.h>

#include "unit/cmocka_all.h"

enum { FILE_MAX = 1 << 20 };

static const yyjson_val *stored(const char *path, struct scope *scope) {
    struct text json;
    yyjson_doc *doc;
    assert_int_equal(file_read(&json, path, FILE_MAX, scope), STATUS_OK);
    assert_int_equal(json_read(&doc, json, scope), STATUS_OK);
    return yyjson_doc_get_root(doc);
}

static int arena_setup(void **state) {
    *state = arena_open(64 << 20);
    return *state == NULL ? -1 : 0;
}

static int arena_teardown(void **state) {
    arena_close(*state);
    return 0;
}

static void a_decision_without_doubts_replays(void **state) {
    struct scope scope = {.arena = *state};
    const yyjson_val *decision = stored("test/cases/decisions/format-2.json", &scope);
    assert_int_equal(decision_compare(decision, NULL, &scope), STATUS_OK);
    struct decision made;
    assert_int_equal(decision_replay(&made, decision_inputs_of(decision), NULL, &scope), STATUS_OK);
    assert_null(made.patient.wrong);
    assert_true(made.ranking.option_count > 0 && made.ranking.options[0].wrong <= 0);
}

static void a_decision_with_doubts_replays(void **state) {
    struct scope scope = {.arena = *state};
    const yyjson_val *decision = stored("test/cases/decisions/format-3.json", &scope);
    assert_int_equal(decision_compare(decision, NULL, &scope), STATUS_OK);
    struct decision made;
    assert_int_equal(decision_replay(&made, decision_inputs_of(decision), NULL, &scope), STATUS_OK);
    assert_true(made.patient.doubt_count > 0);
    assert_non_null(made.patient.wrong);
    bool doubted = false;
    for (size_t i = 0; i < made.ranking.option_count; i++) {
        doubted = doubted || made.ranking.options[i].wrong > 0;
    }
    assert_true(doubted);
}

/* What was learned stood in the case, and the sentences told the answers behind a chance. */
static void a_decision_with_what_was_learned_inside_replays(void **state) {
    struct scope scope = {.arena = *state};
    const yyjson_val *decision = stored("test/cases/decisions/format-3-learned.json", &scope);
    assert_int_equal(decision_compare(decision, NULL, &scope), STATUS_OK);
    struct decision made;
    assert_int_equal(decision_replay(&made, decision_inputs_of(decision), NULL, &scope), STATUS_OK);
    assert_true(made.patient.tells_learned);
    assert_non_null(made.patient.learned);
    assert_int_equal(made.apart.size, 0);
    const char *outputs = text_string(scope.arena, made.outputs);
    assert_non_null(strstr(outputs, "\"learned_from\":"));
    assert_non_null(strstr(outputs, "recent answers; "));
}

/* Waves: /1 of before readings were doubted, /2 with what they may hide. */
static void stored_waves_replay(void **state) {
    struct scope scope = {.arena = *state};
    static const char *const files[] = {"test/cases/decisions/surge-1.json", "test/cases/decisions/surge-2.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const yyjson_val *wave = stored(files[i], &scope);
        assert_true(surge_record_is(wave));
        assert_int_equal(surge_record_compare(wave, &scope), STATUS_OK);
    }
}

static void a_wave_of_another_format_is_none(void **state) {
    struct scope scope = {.arena = *state};
    struct text json;
    yyjson_doc *doc;
    assert_int_equal(file_read(&json, "test/cases/decisions/surge-2.json", FILE_MAX, &scope), STATUS_OK);
    char *text = (char *)(uintptr_t)text_string(scope.arena, json), *format = strstr(text, "soyang-surge/2");
    assert_non_null(format);
    format[strlen("soyang-surge/")] = '9';
    assert_int_equal(json_read(&doc, text_from(text), &scope), STATUS_OK);
    assert_int_equal(surge_record_compare(yyjson_doc_get_root(doc), &scope), STATUS_UNPROCESSABLE);
}

static void a_changed_decision_is_told(void **state) {
    struct scope scope = {.arena = *state};
    struct text json;
    yyjson_doc *doc;
    assert_int_equal(file_read(&json, "test/cases/decisions/format-3.json", FILE_MAX, &scope), STATUS_OK);
    char *text = (char *)(uintptr_t)text_string(scope.arena, json);
    char *doubt = strstr(text, "\\\"most\\\":");
    assert_non_null(doubt);
    char *chance = strstr(strstr(text, "\\\"wrong\\\":["), "\\\"chance\\\":0.");
    assert_non_null(chance);
    chance += strlen("\\\"chance\\\":0.");
    *chance = *chance == '9' ? '1' : '9';
    assert_int_equal(json_read(&doc, text_from(text), &scope), STATUS_OK);
    assert_int_equal(decision_compare(yyjson_doc_get_root(doc), NULL, &scope), STATUS_CONFLICT);
}

static struct text spoilt(struct text inputs, const char *from, const char *to, struct scope *scope) {
    const char *whole = text_string(scope->arena, inputs), *found = strstr(whole, from);
    assert_non_null(found);
    size_t rest = strcspn(found + strlen(from), ",}");
    return text_format(scope->arena, "%.*s%s%s%s", (int)(found - whole), whole, from, to, found + strlen(from) + rest);
}

/* Anybody may write a GuidanceResponse that calls itself a decision, and a Task may name it: what it says is held against what a region
 * can say before anything is reckoned with it. */
static void inputs_that_no_region_gives_are_refused(void **state) {
    struct scope scope = {.arena = *state};
    struct text inputs = decision_inputs_of(stored("test/cases/decisions/format-3.json", &scope));
    static const struct {
        const char *from, *to;
        enum status status;
    } cases[] = {{"\"tier\":", "1000000", STATUS_INVALID}, {"\"tier\":", "-1", STATUS_INVALID},
        {"\"far_kmh\":", "0", STATUS_INVALID}, {"\"near_kmh\":", "-60", STATUS_INVALID},
        {"\"detour\":", "1e308", STATUS_INVALID}, {"\"at_us\":", "9223372036854775807", STATUS_INVALID},
        {"\"said_us\":", "-9223372036854775808", STATUS_INVALID}, {"\"zone_minutes\":", "2147483647", STATUS_INVALID},
        {"\"level\":", "6", STATUS_INVALID}, {"\"free\":", "-2147483648", STATUS_OK},
        {"\"answer\":", "9e299", STATUS_OK}, {"\"latitude\":", "1e300", STATUS_OK},
        {"\"window_minutes\":", "-2147483648", STATUS_OK}, {"\"unplaced_min\":", "1e308", STATUS_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decision made;
        struct scope own = {.arena = scope.arena};
        enum status status = decision_replay(&made, spoilt(inputs, cases[i].from, cases[i].to, &scope), NULL, &own);
        print_message("%s%s: %s\n", cases[i].from, cases[i].to, status_name(status));
        assert_int_equal(status, cases[i].status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_decision_without_doubts_replays, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(a_decision_with_doubts_replays, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(a_decision_with_what_was_learned_inside_replays, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(stored_waves_replay, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(a_wave_of_another_format_is_none, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(a_changed_decision_is_told, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(inputs_that_no_region_gives_are_refused, arena_setup, arena_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
