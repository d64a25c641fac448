/* The table: all 34 transitions of HL7 BSeR as published, and what must be true of every row. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "referral/policy.h"
#include "referral/transition.h"
#include "unit/cmocka_all.h"

static const char *shared_folder(void) {
    const char *folder = getenv("SOYANG_SHARED");
    return folder != NULL ? folder : "../shared";
}

static unsigned actor_of(const char *name) {
    return strcmp(name, "initiator") == 0   ? REFERRAL_INITIATOR
           : strcmp(name, "recipient") == 0 ? REFERRAL_RECIPIENT
                                            : 0;
}

static void all_published_transitions_are_legal(void **state) {
    (void)state;
    char path[512], line[512];
    snprintf(path, sizeof path, "%s/reference/bser_task_transitions.csv", shared_folder());
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("skipped: no ../shared\n");
        skip();
    }
    assert_non_null(fgets(line, sizeof line, file));
    int count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = line, *fields[7];
        line[strcspn(line, "\r\n")] = '\0';
        for (int i = 0; i < 7; i++) {
            fields[i] = strsep(&rest, ",");
            assert_non_null(fields[i]);
        }
        struct referral_state from = {fields[3], fields[4]}, to = {fields[5], fields[6]};
        for (int kind = REFERRAL_LOOP; kind <= REFERRAL_OFFER; kind++) {
            assert_non_null(referral_transition_find((enum referral_task_kind)kind, actor_of(fields[1]), from, to));
            unsigned other = actor_of(fields[1]) == REFERRAL_INITIATOR ? REFERRAL_RECIPIENT : REFERRAL_INITIATOR;
            assert_null(referral_transition_find((enum referral_task_kind)kind, other, from, to));
        }
        count++;
    }
    fclose(file);
    assert_int_equal(count, 34);
}

static void every_row_joins_known_states(void **state) {
    (void)state;
    size_t count = 0;
    const struct referral_transition *rows = referral_transitions(&count);
    assert_int_equal(count, 164);
    for (size_t i = 0; i < count; i++) {
        for (unsigned kind = REFERRAL_LOOP; kind <= REFERRAL_OFFER; kind++) {
            if ((rows[i].kinds & kind) == 0) {
                continue;
            }
            const struct state_row *from = state_find(
                (enum referral_task_kind)kind, text_from(rows[i].from.status), text_from(rows[i].from.business));
            const struct state_row *to =
                state_find((enum referral_task_kind)kind, text_from(rows[i].to.status), text_from(rows[i].to.business));
            assert_non_null(from);
            assert_non_null(to);
            bool known_bser_end = strcmp(from->code, "4.0") == 0 || strcmp(from->code, "7.0") == 0;
            assert_true(from->open || known_bser_end); /* nothing leaves what is closed */
            assert_true(
                !to->open || rows[i].owner_after != 0 || kind == REFERRAL_OFFER || strcmp(to->code, "4.0") == 0);
        }
    }
}

/* Law 4: whatever is open has a deadline, and the deadline a transition of the system that the table allows. */
static void every_open_state_has_something_at_its_deadline(void **state) {
    (void)state;
    for (size_t i = 0; i < state_row_count; i++) {
        const struct state_row *row = &state_rows[i];
        for (unsigned kind = REFERRAL_LOOP; kind <= REFERRAL_OFFER && row->open; kind++) {
            if ((row->kinds & kind) == 0) {
                continue;
            }
            assert_non_null(row->deadline);
            assert_non_null(row->at_deadline);
            assert_int_not_equal(row->owner, 0);
            const struct referral_transition *there = transition_by_trigger((enum referral_task_kind)kind,
                REFERRAL_SYSTEM, (struct referral_state){row->status, row->code}, row->at_deadline);
            if (there == NULL) {
                print_message("%s %s: %s\n", kind == REFERRAL_LOOP ? "loop" : "offer", row->code, row->at_deadline);
            }
            assert_non_null(there);
        }
    }
}

static void from_every_open_state_there_is_a_way_to_an_end(void **state) {
    (void)state;
    for (unsigned kind = REFERRAL_LOOP; kind <= REFERRAL_OFFER; kind++) {
        for (size_t i = 0; i < state_row_count; i++) {
            bool reached[64] = {false}, grew = true, ended = false;
            assert_true(state_row_count <= 64);
            if (!state_rows[i].open || (state_rows[i].kinds & kind) == 0) {
                continue;
            }
            reached[i] = true;
            while (grew && !ended) {
                grew = false;
                for (size_t t = 0; t < transition_row_count && !ended; t++) {
                    const struct referral_transition *row = &transition_rows[t];
                    const struct state_row *from = state_find(
                        (enum referral_task_kind)kind, text_from(row->from.status), text_from(row->from.business));
                    const struct state_row *to = state_find(
                        (enum referral_task_kind)kind, text_from(row->to.status), text_from(row->to.business));
                    if ((row->kinds & kind) == 0 || !reached[from - state_rows] || reached[to - state_rows]) {
                        continue;
                    }
                    reached[to - state_rows] = true;
                    grew = true;
                    ended = !to->open;
                }
            }
            assert_true(ended);
        }
    }
}

static void what_is_refused_names_what_is_legal(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 20);
    struct scope scope = {.arena = arena};
    const struct referral_transition *out = NULL;
    struct transition_wish wish = {.kind = REFERRAL_OFFER,
        .actors = REFERRAL_RECIPIENT,
        .from = {"requested", "offered"},
        .status = TEXT("completed")};
    assert_int_equal(transition_choose(&out, &wish, &scope), STATUS_CONFLICT);
    assert_non_null(strstr(scope.fault.first->text, "accept"));
    assert_non_null(strstr(scope.fault.first->text, "decline"));
    wish.status = TEXT("accepted");
    assert_int_equal(transition_choose(&out, &wish, &scope), STATUS_OK);
    assert_string_equal(out->trigger, "accept");
    wish.actors = REFERRAL_INITIATOR;
    assert_int_equal(transition_choose(&out, &wish, &scope), STATUS_OK);
    assert_string_equal(out->trigger, "record-acceptance");
    wish.actors = 0;
    assert_int_equal(transition_choose(&out, &wish, &scope), STATUS_DENIED);
    arena_close(arena);
}

static void the_default_policy_reads(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 22);
    struct scope scope = {.arena = arena};
    struct policy policy;
    assert_int_equal(policy_read(&policy, (struct text){0}, &scope), STATUS_OK);
    assert_int_equal(policy.levels[1].mode, POLICY_CONFIRM);
    assert_int_equal(policy.levels[3].mode, POLICY_INQUIRE);
    assert_true(policy_minutes(&policy, "offer", 2, 0) == 5);
    assert_true(policy_minutes(&policy, "arrive", 2, 40) == 90);
    struct text arrest = TEXT("SY-ROSC");
    assert_non_null(policy_extreme_of(&policy, 1, &arrest, 1));
    assert_null(policy_extreme_of(&policy, 3, &arrest, 1));
    for (size_t i = 0; i < state_row_count; i++) {
        bool known = state_rows[i].deadline == NULL || strcmp(state_rows[i].deadline, "offer") == 0;
        for (size_t d = 0; d < policy.deadline_count && !known; d++) {
            known = text_is(policy.deadlines[d].key, state_rows[i].deadline);
        }
        assert_true(known);
    }
    static const char *const wrong[] = {
        "{}", "[]", "{\"levels\":[{\"level\":9}]}", "{\"levels\":[{\"level\":1,\"mode\":\"shout\"}]}", "{"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_not_equal(policy_read(&policy, text_from(wrong[i]), &scope), STATUS_OK);
    }
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_published_transitions_are_legal),
        cmocka_unit_test(every_row_joins_known_states),
        cmocka_unit_test(every_open_state_has_something_at_its_deadline),
        cmocka_unit_test(from_every_open_state_there_is_a_way_to_an_end),
        cmocka_unit_test(what_is_refused_names_what_is_legal),
        cmocka_unit_test(the_default_policy_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
