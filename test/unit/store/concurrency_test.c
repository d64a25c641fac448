/* Many threads at once: paging over a still state, racing claims, the bounds of memory and of the queue. */
#include "unit/store/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PATIENT = 1, PEOPLE = 300, WRITERS = 3, WRITES_LEAST = 400 };

/* ---- paging under writes ------------------------------------------------------------------------------------------------------ */

struct crowd {
    struct fixture *fixture;
    uint32_t name, born;
    _Atomic bool stop;
    _Atomic uint64_t written;
    _Atomic size_t most_in_memory;
};

struct crowd_writer {
    struct crowd *crowd;
    uint64_t random;
};

static uint64_t roll(uint64_t *random, uint64_t below) {
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (*random >> 33) % below;
}

static enum status write_person(void *context, struct store_unit *unit, struct scope *scope) {
    struct crowd_writer *writer = context;
    const char *id = text_format(scope->arena, "person-%u", (unsigned)roll(&writer->random, PEOPLE)).at;
    struct fixture_put put = {.fixture = writer->crowd->fixture, .type = PATIENT, .id = id};
    if (roll(&writer->random, 8) == 0) {
        put.deletes = true;
        enum status status = fixture_put_apply(&put, unit, scope);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    struct store_row rows[3] = {
        {.space = writer->crowd->name, .key = text_format(scope->arena, "%c", (int)('a' + roll(&writer->random, 5)))},
        {.space = writer->crowd->born, .key = text_format(scope->arena, "%04u", (unsigned)roll(&writer->random, 50))},
        {.space = writer->crowd->born, .key = text_format(scope->arena, "%04u", (unsigned)roll(&writer->random, 50))},
    };
    put.rows = rows;
    put.row_count = roll(&writer->random, 4) == 0 ? 1 : 3;
    return fixture_put_apply(&put, unit, scope);
}

static void *keep_writing(void *context) {
    struct crowd_writer *writer = context;
    struct arena *arena = arena_open(SIZE_MAX / 4);
    while (!atomic_load(&writer->crowd->stop)) {
        struct scope scope = {.arena = arena};
        struct store_figures figures;
        if (store_run(writer->crowd->fixture->store, write_person, writer, &scope) != STATUS_OK) {
            invariant_broken(__FILE__, __LINE__, "a write of the crowd failed");
        }
        atomic_fetch_add(&writer->crowd->written, 1);
        store_figures(&figures, writer->crowd->fixture->store);
        if (figures.rows_in_memory > atomic_load(&writer->crowd->most_in_memory)) {
            atomic_store(&writer->crowd->most_in_memory, figures.rows_in_memory);
        }
        arena_reset(arena);
    }
    arena_close(arena);
    return NULL;
}

/* All pages of a query at one sequence number; the rids in order. */
static size_t all_pages(struct fixture *fixture, uint64_t seq, struct store_query query, uint64_t rids[static PEOPLE]) {
    size_t count = 0;
    for (;;) {
        struct store_view *view = fixture_view(fixture, seq);
        struct store_page page;
        assert_int_equal(store_view_select(&page, view, &query, &fixture->scope), STATUS_OK);
        for (size_t i = 0; i < page.count; i++) {
            assert_true(count < PEOPLE);
            rids[count++] = page.at[i].rid;
        }
        store_view_close(view);
        if (page.next.at == NULL) {
            return count;
        }
        query.after = page.next;
    }
}

static void pages_stand_still_under_writes(void **state) {
    (void)state;
    struct crowd crowd = {.fixture = fixture_open(600)};
    struct fixture *fixture = crowd.fixture;
    crowd.name = fixture_space(fixture, "name");
    crowd.born = fixture_space(fixture, "born");
    struct crowd_writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct crowd_writer){.crowd = &crowd, .random = (uint64_t)i + 1};
        pthread_create(&threads[i], NULL, keep_writing, &writers[i]);
    }
    uint64_t random = 99;
    for (int round = 0; round < 60 || atomic_load(&crowd.written) < WRITES_LEAST; round++) {
        fixture_scope(fixture);
        char low[2] = {(char)('a' + roll(&random, 5)), '\0'};
        struct store_plan plan = {.kind = STORE_PLAN_RANGE, .space = crowd.name, .low = text_from(low)};
        struct store_query query = {.plan = &plan, .limit = 7 + roll(&random, 20), .sort_count = roll(&random, 3)};
        query.sorts[0] = (struct store_sort){.space = crowd.born, .descending = roll(&random, 2) == 0};
        query.sorts[1] = (struct store_sort){.space = crowd.name, .descending = roll(&random, 2) == 0};
        uint64_t slowly[PEOPLE], at_once[PEOPLE], count = 0;
        struct store_view *view = fixture_view(fixture, 0);
        uint64_t seq = store_view_sequence(view);
        assert_int_equal(store_view_count(&count, view, &plan, 0, &fixture->scope), STATUS_OK);
        store_view_close(view);
        assert_int_equal(all_pages(fixture, seq, query, slowly), count);
        query.limit = PEOPLE;
        assert_int_equal(all_pages(fixture, seq, query, at_once), count);
        assert_memory_equal(slowly, at_once, count * sizeof *slowly);
    }
    atomic_store(&crowd.stop, true);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    /* memory_rows_max, and what the units of one group may add */
    assert_true(atomic_load(&crowd.most_in_memory) < 600 + WRITERS * 20);
    fixture_check(fixture);
    fixture_close(fixture);
}

/* ---- claims --------------------------------------------------------------------------------------------------------------------- */

struct racer {
    struct fixture *fixture;
    char name[16];
    int won, lost;
};

static enum status race(void *context, struct store_unit *unit, struct scope *scope) {
    struct racer *racer = context;
    struct text key = text_format(scope->arena, "bed %d", racer->won + racer->lost);
    return store_unit_claim(NULL, unit, TEXT("bed"), key, text_from(racer->name), scope);
}

static void *run_race(void *context) {
    struct racer *racer = context;
    struct arena *arena = arena_open(SIZE_MAX / 4);
    for (int i = 0; i < 200; i++) {
        struct scope scope = {.arena = arena};
        if (store_run(racer->fixture->store, race, racer, &scope) == STATUS_OK) {
            racer->won++;
        } else {
            racer->lost++;
        }
        arena_reset(arena);
    }
    arena_close(arena);
    return NULL;
}

static void one_of_two_racers_wins(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct racer racers[2] = {{.fixture = fixture, .name = "one"}, {.fixture = fixture, .name = "two"}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, run_race, &racers[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(racers[0].won + racers[1].won, 200);
    struct store_view *view = fixture_view(fixture, 0);
    int held[2] = {0};
    for (int i = 0; i < 200; i++) {
        struct text holder;
        assert_int_equal(
            store_view_holder(&holder, view, TEXT("bed"), text_format(fixture->arena, "bed %d", i), &fixture->scope),
            STATUS_OK);
        held[text_is(holder, "two")]++;
    }
    assert_int_equal(held[0], racers[0].won);
    assert_int_equal(held[1], racers[1].won);
    store_view_close(view);
    fixture_close(fixture);
}

/* ---- the queue ------------------------------------------------------------------------------------------------------------------ */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool inside, open;
    int done;
};

static enum status wait_at_gate(void *context, struct store_unit *unit, struct scope *scope) {
    struct gate *gate = context;
    (void)unit;
    (void)scope;
    pthread_mutex_lock(&gate->lock);
    gate->inside = true;
    pthread_cond_broadcast(&gate->moved);
    while (!gate->open) {
        pthread_cond_wait(&gate->moved, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
    return STATUS_OK;
}

static void count_done(void *context, enum status status, uint64_t seq) {
    struct gate *gate = context;
    (void)status;
    (void)seq;
    pthread_mutex_lock(&gate->lock);
    gate->done++;
    pthread_mutex_unlock(&gate->lock);
}

static void a_full_queue_refuses(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct store_work work = {.apply = wait_at_gate, .done = count_done, .context = &gate, .scope = &fixture->scope};
    int accepted = 1;
    assert_int_equal(store_submit(fixture->store, &work), STATUS_OK);
    pthread_mutex_lock(&gate.lock);
    while (!gate.inside) {
        pthread_cond_wait(&gate.moved, &gate.lock);
    }
    pthread_mutex_unlock(&gate.lock);
    while (store_submit(fixture->store, &work) == STATUS_OK) {
        accepted++;
    }
    assert_int_equal(accepted, 1 + 4096);
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
    fixture_reopen(fixture); /* closing answers all that was accepted */
    assert_int_equal(gate.done, accepted);
    fixture_close(fixture);
}

/* ---- gathering ----------------------------------------------------------------------------------------------------- */

enum { CLIENTS = 8, ROUNDS = 60 };

struct client {
    struct store *store;
    bool can_wait;
    int rounds;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool done;
    enum status worst;
};

static enum status leave_a_row(void *context, struct store_unit *unit, struct scope *scope) {
    (void)context;
    return store_unit_audit(unit, TEXT("a row"), scope);
}

static void hear(void *context, enum status status, uint64_t seq) {
    struct client *client = context;
    (void)seq;
    pthread_mutex_lock(&client->lock);
    client->done = true;
    client->worst = status != STATUS_OK ? status : client->worst;
    pthread_cond_signal(&client->moved);
    pthread_mutex_unlock(&client->lock);
}

static void *ask_again_and_again(void *context) {
    struct client *client = context;
    struct arena *arena = arena_open(SIZE_MAX / 4);
    for (int i = 0; i < client->rounds; i++) {
        struct scope scope = {.arena = arena};
        struct store_work work = {
            .apply = leave_a_row, .done = hear, .context = client, .scope = &scope, .can_wait = client->can_wait};
        client->done = false;
        if (store_submit(client->store, &work) != STATUS_OK) {
            invariant_broken(__FILE__, __LINE__, "the queue is full");
        }
        pthread_mutex_lock(&client->lock);
        while (!client->done) {
            pthread_cond_wait(&client->moved, &client->lock);
        }
        pthread_mutex_unlock(&client->lock);
        arena_reset(arena);
    }
    arena_close(arena);
    return NULL;
}

/* The groups that the rounds of so many clients took; the last of them, where there are several, cannot wait. */
static uint64_t groups_of(struct fixture *fixture, size_t count, int rounds) {
    struct client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    struct store_figures before, after;
    store_figures(&before, fixture->store);
    for (size_t i = 0; i < count; i++) {
        clients[i] = (struct client){.store = fixture->store,
            .can_wait = count == 1 || i + 1 < count,
            .rounds = rounds,
            .lock = PTHREAD_MUTEX_INITIALIZER,
            .moved = PTHREAD_COND_INITIALIZER};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_again_and_again, &clients[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(clients[i].worst, STATUS_OK);
    }
    store_figures(&after, fixture->store);
    assert_int_equal(after.audit_entries - before.audit_entries, count * (size_t)rounds);
    return after.groups - before.groups;
}

/* Whoever waits for others is answered all the same, with its row in the chain. */
static void rows_gather_and_none_is_lost(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    assert_int_equal(groups_of(fixture, 1, ROUNDS), ROUNDS); /* nobody to share with */
    uint64_t groups = groups_of(fixture, CLIENTS, ROUNDS);
    assert_true(groups < CLIENTS * ROUNDS);
    assert_int_equal(groups_of(fixture, 1, ROUNDS), ROUNDS); /* and goes on alone */
    fixture_close(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_stand_still_under_writes),
        cmocka_unit_test(one_of_two_racers_wins),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(rows_gather_and_none_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
