/* Two at once: of those that ask with the same If-Match or the same condition, one wins. */
#include "unit/records/fixture.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 25 };

struct racer {
    struct house *house;
    pthread_t thread;
    pthread_barrier_t *barrier;
    struct records_request request;
    enum status status;
    bool created;
};

static void *run(void *context) {
    struct racer *racer = context;
    struct arena *arena = arena_open((size_t)64 << 20);
    struct scope scope = {.arena = arena};
    struct records_answer answer;
    pthread_barrier_wait(racer->barrier);
    racer->status = records_run(&answer, racer->house->records, &racer->request, &scope);
    racer->created = answer.created;
    arena_close(arena);
    return NULL;
}

static void race(struct racer racers[static THREADS], struct house *house, const struct records_request *request) {
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.house = house, .barrier = &barrier, .request = *request};
        racers[i].request.caller = nurse;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, run, &racers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(racers[i].thread, NULL);
    }
    pthread_barrier_destroy(&barrier);
}

static void test_if_match(void **state) {
    struct house *house = *state;
    ask_ok(house, replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"));
    struct records_request update = replacement("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}");
    for (uint32_t version = 1; version <= ROUNDS; version++) {
        char tag[32];
        snprintf(tag, sizeof tag, "W/\"%u\"", version);
        update.if_match = text_from(tag);
        struct racer racers[THREADS];
        race(racers, house, &update);
        int won = 0;
        for (int i = 0; i < THREADS; i++) {
            won += racers[i].status == STATUS_OK;
            assert_true(racers[i].status == STATUS_OK || racers[i].status == STATUS_PRECONDITION);
        }
        assert_int_equal(won, 1);
        assert_int_equal(ask_ok(house, reading("Patient", "p")).version, version + 1);
    }
}

static void test_conditional_create(void **state) {
    struct house *house = *state;
    char body[160], condition[64];
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(body, sizeof body,
            "{\"resourceType\":\"Patient\",\"identifier\":[{\"system\":\"http://x\",\"value\":\"%d\"}]}", round);
        snprintf(condition, sizeof condition, "identifier=http://x|%d", round);
        struct records_request create = creation("Patient", body);
        create.if_none_exist = text_from(condition);
        struct racer racers[THREADS];
        race(racers, house, &create);
        int created = 0;
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(racers[i].status, STATUS_OK);
            created += racers[i].created;
        }
        assert_int_equal(created, 1);
        assert_int_equal(count_of(house, "Patient"), round + 1);
    }
}

/* Transactions that all want the same patient made, and refer to it: one makes it, and all refer to that one. */
static void test_conditional_transactions(void **state) {
    struct house *house = *state;
    char body[1024];
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(body, sizeof body,
            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
            "{\"fullUrl\":\"urn:uuid:11111111-1111-4111-8111-111111111111\",\"request\":{\"method\":\"POST\",\"url\":"
            "\"Patient\",\"ifNoneExist\":\"identifier=http://x|%d\"},\"resource\":{\"resourceType\":\"Patient\","
            "\"identifier\":[{\"system\":\"http://x\",\"value\":\"%d\"}]}},"
            "{\"request\":{\"method\":\"POST\",\"url\":\"Observation\"},\"resource\":{\"resourceType\":\"Observation\","
            "\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":"
            "\"urn:uuid:11111111-1111-4111-8111-111111111111\"}}}]}",
            round, round);
        const struct records_request request = posting(body);
        struct racer racers[THREADS];
        race(racers, house, &request);
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(racers[i].status, STATUS_OK);
        }
        assert_int_equal(count_of(house, "Patient"), round + 1);
    }
    const struct search_pair pairs[] = {PAIR("subject:Patient.identifier", "http://x|3"), PAIR("_summary", "count")};
    int64_t total = 0;
    assert_true(json_get_int64(&total, parse(house, ask_ok(house, searching("Observation", pairs, 2)).body), "total"));
    assert_int_equal(total, THREADS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_if_match),
        TEST(test_conditional_create),
        TEST(test_conditional_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
