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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_found_lies_behind_the_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
