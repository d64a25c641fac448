/* Kept blocks against a table of all: what is found is what the table says, over slices that change lanes. */
#include "fixture.h"

#include "store/block_cache.h"

#include <stdlib.h>

enum { LANES = 3, BLOCKS = 1600, TURNS = 150000, ENTRIES = 40, RID_STEP = 100, BYTES = 2048 };

/* The table: block b of a lane begins at rid b * RID_STEP under one key, where it has a block there. */
struct table {
    bool has[LANES][BLOCKS];
    uint32_t edition[LANES]; /* grows with each slice that touches the lane; the first entry's seq */
};

static const struct text key = {"k", 1};

static uint64_t chance(uint64_t *seed) {
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 33;
}

/* What the database would say; false: no such block. */
static bool read_table(
    struct block_cursor *cursor, const struct table *table, enum block_side side, uint32_t lane, uint64_t rid) {
    int64_t at = (int64_t)(rid / RID_STEP);
    if (side == BLOCK_BEHIND) {
        for (at++; at < BLOCKS && !table->has[lane][at]; at++) {
        }
    } else {
        at -= side == BLOCK_BELOW && rid % RID_STEP == 0;
        at = at < BLOCKS ? at : BLOCKS - 1;
        for (; at >= 0 && !table->has[lane][at]; at--) {
        }
    }
    cursor->lane = lane;
    cursor->loaded = at >= 0 && at < BLOCKS;
    cursor->reader.has = false;
    if (!cursor->loaded) {
        return false;
    }
    uint8_t bytes[BLOCK_HEAD + ENTRIES * BLOCK_ENTRY_MAX];
    struct block_writer writer;
    block_writer_open(&writer, bytes);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        block_writer_add(&writer, key, (uint64_t)at * RID_STEP + i * 2, table->edition[lane]);
    }
    cursor->fence = (struct fence){.rid = (uint64_t)at * RID_STEP, .key_size = 1, .key = "k"};
    block_cursor_fill(cursor, block_writer_bytes(&writer));
    return true;
}

/* The first entry at or behind the place, as both see it. */
static bool same_entry(struct block_cursor *a, struct block_cursor *b, uint64_t rid) {
    bool in_a = block_reader_seek(&a->reader, key, rid), in_b = block_reader_seek(&b->reader, key, rid);
    return in_a == in_b && !a->reader.damaged && !b->reader.damaged &&
           (!in_a ||
               (a->reader.rid == b->reader.rid && a->reader.seq == b->reader.seq && a->reader.left == b->reader.left));
}

static bool same(struct block_cursor *found, struct block_cursor *read, enum block_side side, uint64_t rid) {
    if (found->loaded != read->loaded || !read->loaded) {
        return found->loaded == read->loaded;
    }
    return found->fence.rid == read->fence.rid && same_entry(found, read, side == BLOCK_AT ? rid : found->fence.rid);
}

static void change(struct table *table, struct slices *slices, uint64_t *seed) {
    uint32_t lane = (uint32_t)(chance(seed) % LANES);
    slices_begin(slices);
    slices_touch(slices, lane);
    table->edition[lane]++;
    for (int i = 0; i < 5; i++) {
        uint64_t at = chance(seed) % BLOCKS;
        table->has[lane][at] = at == 0 || !table->has[lane][at];
    }
    slices_end(slices);
}

static void what_is_found_is_what_the_table_says(void **state) {
    (void)state;
    struct slices slices = {0};
    struct table *table = calloc(1, sizeof *table);
    struct block_cache *cache = block_cache_open(&slices);
    uint8_t found_bytes[BYTES], read_bytes[BYTES];
    uint64_t seed = 20261122, hits = 0;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            table->has[lane][i] = i == 0 || chance(&seed) % 4 != 0;
        }
    }
    for (int turn = 0; turn < TURNS; turn++) {
        if (chance(&seed) % 5000 == 0) {
            change(table, &slices, &seed);
        }
        block_cache_stand(cache, slices_after(&slices, slices_before(&slices)));
        struct block_cursor found = {.bytes = found_bytes, .capacity = BYTES},
                            read = {.bytes = read_bytes, .capacity = BYTES};
        enum block_side side = (enum block_side)(chance(&seed) % 3);
        uint32_t lane = (uint32_t)(chance(&seed) % LANES);
        uint64_t rid = chance(&seed) % (BLOCKS * RID_STEP) / (chance(&seed) % 8 + 1);
        rid = chance(&seed) % 2 == 0 ? rid / RID_STEP * RID_STEP : rid;
        (void)read_table(&read, table, side, lane, rid);
        bool hit = block_cache_find(&found, cache, side, lane, key, rid);
        hits += hit;
        if (!hit) {
            block_cache_keep(cache, &read, side, lane, key, rid);
        } else {
            assert_true(same(&found, &read, side, rid));
        }
    }
    assert_true(hits > TURNS / 10);
    block_cache_close(cache);
    free(table);
}

static void an_uncertain_snapshot_keeps_nothing(void **state) {
    (void)state;
    struct slices slices = {0};
    struct block_cache *cache = block_cache_open(&slices);
    uint64_t before = slices_before(&slices);
    assert_int_equal(slices_after(&slices, before), 1);
    slices_begin(&slices);
    assert_int_equal(slices_after(&slices, before), 0);
    assert_int_equal(slices_after(&slices, slices_before(&slices)), 0); /* not ended yet */
    slices_end(&slices);
    assert_int_equal(slices_after(&slices, before), 0); /* ended in between */
    assert_int_equal(slices_after(&slices, slices_before(&slices)), 2);
    struct table *table = calloc(1, sizeof *table);
    uint8_t bytes[BYTES];
    struct block_cursor cursor = {.bytes = bytes, .capacity = BYTES};
    table->has[0][0] = true;
    block_cache_stand(cache, 0);
    assert_true(read_table(&cursor, table, BLOCK_AT, 0, 10));
    block_cache_keep(cache, &cursor, BLOCK_AT, 0, key, 10);
    block_cache_stand(cache, 2);
    assert_false(block_cache_find(&cursor, cache, BLOCK_AT, 0, key, 10));
    free(table);
    block_cache_close(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found_is_what_the_table_says),
        cmocka_unit_test(an_uncertain_snapshot_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
