/* Many hands at once: however they fall, one acceptance, one destination, one hold a bed. */
#include <pthread.h>
#include <stdatomic.h>

#include "unit/referral/referral_fixture.h"

enum { HANDS = 8, ROUNDS = 12 };
/* A question costs nothing here: two are asked until the first is known to say yes nearly always. */
#define LEVEL_ONE ",{\"name\":\"human-level\",\"valueInteger\":1}"

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

struct hand {
    struct province *p;
    pthread_barrier_t *start;
    struct text id, body;
    enum status status;
};

static void *write_task(void *context) {
    struct hand *hand = context;
    struct arena *arena = arena_open((size_t)64 << 20);
    struct scope scope = {.arena = arena};
    struct records_answer answer;
    const struct records_request request = {.interaction = RECORDS_UPDATE,
        .caller = fixture_operator,
        .type = fhir_type_find(TEXT("Task")),
        .id = hand->id,
        .body = hand->body};
    pthread_barrier_wait(hand->start);
    hand->status = records_run(&answer, hand->p->f.records, &request, &scope);
    arena_close(arena);
    return NULL;
}

/* Two places, each by several hands, say yes in the same moment. */
static void one_yes_wins(void **state) {
    struct province *p = *state;
    int raced = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct sent sent = send_infarction(p, text_string(p->f.arena, joined(p, "p%d", round)), LEVEL_ONE);
        if (sent.count < 2) {
            continue;
        }
        raced++;
        pthread_barrier_t start;
        pthread_t threads[HANDS];
        struct hand hands[HANDS];
        pthread_barrier_init(&start, NULL, HANDS);
        struct text bodies[2];
        for (size_t i = 0; i < 2; i++) {
            bodies[i] =
                changed(p, fetch(p, "Task", sent.offers[i]), "{\"status\":\"accepted\",\"business\":\"accepted\"}");
        }
        for (size_t i = 0; i < HANDS; i++) {
            hands[i] = (struct hand){p, &start, sent.offers[i % 2], bodies[i % 2], STATUS_OK};
            assert_int_equal(pthread_create(&threads[i], NULL, write_task, &hands[i]), 0);
        }
        int won[2] = {0, 0};
        for (size_t i = 0; i < HANDS; i++) {
            pthread_join(threads[i], NULL);
            won[i % 2] += hands[i].status == STATUS_OK ? 1 : 0;
            assert_true(hands[i].status == STATUS_OK || hands[i].status == STATUS_CONFLICT);
        }
        assert_true((won[0] > 0) != (won[1] > 0)); /* the same place may say the same yes again */
        assert_laws(p, sent.loop);
        assert_state(fetch(p, "Task", sent.loop), "accepted", "accepted");
        pthread_barrier_destroy(&start);
    }
    assert_true(raced >= 3);
}

static void a_bed_is_held_once(void **state) {
    struct province *p = *state;
    struct text holds[ROUNDS];
    size_t count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct sent sent = send_infarction(p, text_string(p->f.arena, joined(p, "h%d", round)), "");
        change_ok(p, &fixture_operator, sent.offers[0], "{\"status\":\"accepted\"}");
        struct text hold = json_get_text(at(fetch(p, "Task", sent.offers[0]), "/output/0"), "valueString");
        for (size_t i = 0; i < count && hold.size > 0; i++) {
            assert_false(text_equal(hold, holds[i]));
        }
        holds[count++] = hold;
    }
    assert_true(holds[0].size > 0);
}

struct sender {
    struct province *p;
    pthread_barrier_t *start;
    enum status status;
};

static void *send_again(void *context) {
    struct sender *sender = context;
    struct arena *arena = arena_open((size_t)128 << 20);
    struct scope scope = {.arena = arena};
    struct text out = {0};
    struct referral_call call = {.caller = &nurse,
        .type = FHIR_TYPE_NONE,
        .parameters = TEXT("{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"patient\",\"valueReference\":{"
                           "\"reference\":\"Patient/twice\"}}]}")};
    pthread_barrier_wait(sender->start);
    sender->status = referral_operation_send(&out, sender->p->referral, &call, &scope);
    arena_close(arena);
    return NULL;
}

static void one_patient_is_sent_once(void **state) {
    struct province *p = *state;
    add_infarction(p, "twice");
    pthread_barrier_t start;
    pthread_t threads[HANDS];
    struct sender senders[HANDS];
    pthread_barrier_init(&start, NULL, HANDS);
    for (size_t i = 0; i < HANDS; i++) {
        senders[i] = (struct sender){p, &start, STATUS_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, send_again, &senders[i]), 0);
    }
    int sent = 0;
    for (size_t i = 0; i < HANDS; i++) {
        pthread_join(threads[i], NULL);
        sent += senders[i].status == STATUS_OK ? 1 : 0;
        assert_true(senders[i].status == STATUS_OK || senders[i].status == STATUS_CONFLICT);
    }
    assert_int_equal(sent, 1);
    pthread_barrier_destroy(&start);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_province, close_province)
    const struct CMUnitTest tests[] = {TEST(one_yes_wins), TEST(a_bed_is_held_once), TEST(one_patient_is_sent_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
