/* Events in memory: what a reader finds while the writer adds. */
#include "fixture.h"

#include "store/memtable.h"

#include <pthread.h>

enum { ADDED_BEFORE = 1000000 };

struct shared {
    struct mem_generation *generation;
    _Atomic bool done;
};

/* Rows that all lie before key "m", the next always the nearest to it. */
static void *add_before(void *context) {
    struct shared *shared = context;
    for (uint64_t rid = 1; rid <= ADDED_BEFORE; rid++) {
        const struct row_place place = {.lane = 7, .key = TEXT("l"), .rid = rid};
        if (mem_generation_add(shared->generation, &place, rid, MEM_ADDED) == NULL) {
            break;
        }
    }
    atomic_store(&shared->done, true);
    return NULL;
}

static void what_is_found_lies_behind_the_place(void **state) {
    (void)state;
    struct shared shared = {.generation = mem_generation_open(1, 1)};
    const struct row_place place = {.lane = 7, .key = TEXT("m"), .rid = 5};
    pthread_t writer;
    assert_non_null(mem_generation_add(shared.generation, &place, 1, MEM_ADDED));
    pthread_create(&writer, NULL, add_before, &shared);
    uint64_t wrong = 0;
    while (!atomic_load(&shared.done)) {
        const struct mem_node *found = mem_generation_seek(shared.generation, &place);
        wrong += found == NULL || found->rid != 5 || !text_is(mem_node_key(found), "m");
    }
    pthread_join(writer, NULL);
    mem_generation_drop(shared.generation);
    assert_int_equal(wrong, 0);
}

/* Added by batches, among others that were there; a walk meets all of them in order. */
static void batches_lie_in_order(void **state) {
    (void)state;
    enum { BATCHES = 3000, KEYS = 97, LANES = 5 };
    struct mem_generation *generation = mem_generation_open(1, 1);
    uint64_t random = 88172645463325252U, added = 0;
    for (uint64_t seq = 1; seq <= BATCHES; seq++) {
        struct mem_event events[MEM_BATCH];
        struct mem_node *nodes[MEM_BATCH];
        char keys[MEM_BATCH][4];
        size_t count = 1 + seq % MEM_BATCH;
        for (size_t i = 0; i < count; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (void)snprintf(keys[i], sizeof keys[i], "%02u", (unsigned)(random % KEYS));
            events[i] = (struct mem_event){.kind = seq % 2 == 0 ? MEM_ADDED : MEM_ENDED,
                .place = {
                    .lane = (uint32_t)(random >> 20) % LANES, .key = text_from(keys[i]), .rid = random >> 30 & 7}};
        }
        assert_int_equal(mem_generation_add_all(nodes, generation, events, count, seq), count);
        for (size_t i = 0; i < count; i++) {
            struct row_place place = mem_node_place(nodes[i]);
            assert_int_equal(row_place_compare(&place, &events[i].place), 0);
            assert_true(nodes[i]->seq == seq && nodes[i]->kind == events[i].kind && mem_node_alive(nodes[i]));
        }
        added += count;
    }
    const struct mem_node *before = NULL;
    uint64_t met = 0;
    for (const struct mem_node *at = mem_generation_seek(generation, &(struct row_place){0}); at != NULL;
         before = at, at = mem_node_next(at), met++) {
        struct row_place place = mem_node_place(at), last = before == NULL ? place : mem_node_place(before);
        int order = row_place_compare(&last, &place);
        assert_true(order < 0 || (order == 0 && (before == NULL || before->seq <= at->seq)));
        assert_ptr_equal(mem_generation_seek(generation, &place),
            order == 0 && before != NULL ? mem_generation_seek(generation, &last) : at);
    }
    assert_int_equal(met, added);
    assert_int_equal(mem_generation_count(generation), added);
    mem_generation_drop(generation);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found_lies_behind_the_place), cmocka_unit_test(batches_lie_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
