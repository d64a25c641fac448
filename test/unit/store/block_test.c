/* Blocks of index entries: their bytes, what damage does, and random changes against a plain sorted list. */
#include "fixture.h"

#include "store/block_edit.h"

#include <sqlite3.h>

static uint64_t random_state;

static uint64_t roll(uint64_t below) { /* xorshift64 */
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return below == 0 ? 0 : random_state % below;
}

/* ---- bytes ----------------------------------------------------------------------------------------------------------- */

static void bytes_are_as_described(void **state) {
    (void)state;
    uint8_t bytes[4096];
    struct block_writer writer;
    char longer[40];
    memset(longer, 'x', sizeof longer);
    block_writer_open(&writer, bytes);
    block_writer_add(&writer, TEXT("ab"), 7, 9);
    block_writer_add(&writer, TEXT("ab"), 8, 9);
    block_writer_add(&writer, TEXT("ac"), 5, 10);
    block_writer_add(&writer, (struct text){longer, sizeof longer}, 5, 10);
    static const uint8_t head[] = {
        0, 4, 7 * 2 * 4 + 3, 0x02, 'a', 'b', 18, 1 * 4, 5 * 4 + 3, 0x11, 'c', 2, 1, 0x0f, 40};
    struct text made = block_writer_bytes(&writer);
    assert_int_equal(made.size, sizeof head + sizeof longer);
    assert_memory_equal(made.at, head, sizeof head);
    assert_int_equal(block_count(made), 4);
    struct block_reader reader;
    block_reader_open(&reader, made);
    assert_true(block_reader_seek(&reader, TEXT("ab"), 8));
    assert_int_equal(reader.rid, 8);
    assert_true(block_reader_seek(&reader, TEXT("ab"), 9));
    assert_true(text_is(block_reader_key(&reader), "ac") && reader.rid == 5 && reader.seq == 10);
    assert_true(block_reader_next(&reader) && reader.key_size == sizeof longer);
    assert_false(block_reader_next(&reader) || reader.damaged);
}

static void damage_is_seen_or_harmless(void **state) {
    (void)state;
    random_state = 11;
    for (int round = 0; round < 4000; round++) {
        uint8_t made[4096];
        struct block_writer writer;
        block_writer_open(&writer, made);
        uint64_t rid = 0;
        char key[8] = "kkkkkkk";
        for (uint64_t i = roll(30); i > 0; i--) {
            key[0] = (char)(key[0] + (roll(3) == 0));
            rid += 1 + roll(1000);
            block_writer_add(&writer, (struct text){key, 1 + roll(7)}, rid, roll(1 << 20));
        }
        struct text whole = block_writer_bytes(&writer);
        size_t size = round % 2 == 0 ? roll(whole.size + 1) : whole.size;
        char *bytes = malloc(size + 1); /* exactly as long, so that a sanitizer sees what lies outside */
        memcpy(bytes, whole.at, size);
        if (round % 2 == 1) {
            bytes[roll(size)] = (char)roll(256);
        }
        char *exact = realloc(bytes, size == 0 ? 1 : size);
        struct block_reader reader;
        block_reader_open(&reader, (struct text){exact, size});
        uint32_t seen = 0;
        while (block_reader_next(&reader)) {
            seen++;
        }
        assert_true(reader.damaged || seen == block_count((struct text){exact, size}));
        assert_true(size == whole.size || reader.damaged);
        free(exact);
    }
}

/* ---- changes against a list --------------------------------------------------------------------------------------------- */

enum { ENTRIES_MAX = 30000, LANES = 3 };
static const uint32_t lanes[LANES] = {5, 32, UINT32_C(1) << 30}; /* the last beyond those with numbers of their own */

struct entry {
    uint32_t lane;
    uint8_t size;
    uint64_t rid, seq;
    char key[24];
};

struct model {
    struct connection *connection;
    struct arena *arena;
    struct scope scope;
    struct entry *entries, *changed;
    size_t count;
    char folder[256];
};

static struct row_place place_of(const struct entry *entry) {
    return (struct row_place){.lane = entry->lane, .key = {entry->key, entry->size}, .rid = entry->rid};
}

static int compare(const void *a, const void *b) {
    struct row_place left = place_of(a), right = place_of(b);
    return row_place_compare(&left, &right);
}

static void sql(struct model *model, const char *text) {
    assert_int_equal(sqlite3_exec(model->connection->database, text, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t number(struct model *model, const char *text) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(model->connection->database, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

static void model_open(struct model *model) {
    const char *temporary = getenv("TMPDIR");
    *model = (struct model){.arena = arena_open(256 << 20)};
    model->scope = (struct scope){.arena = model->arena};
    model->entries = calloc(ENTRIES_MAX, sizeof *model->entries);
    model->changed = calloc(ENTRIES_MAX, sizeof *model->changed);
    snprintf(model->folder, sizeof model->folder, "%s/soyang-block-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    assert_non_null(mkdtemp(model->folder));
    struct text path = text_format(model->arena, "%s/store.db", model->folder);
    assert_int_equal(connection_open(&model->connection, path.at, CONNECTION_WRITES, &model->scope), STATUS_OK);
    sql(model,
        "CREATE TABLE fence(lane INTEGER NOT NULL,key BLOB NOT NULL,rid INTEGER NOT NULL,number INTEGER NOT NULL,"
        "PRIMARY KEY(lane,key,rid)) WITHOUT ROWID; CREATE TABLE block(number INTEGER PRIMARY KEY,entries BLOB NOT "
        "NULL)");
}

static void model_close(struct model *model) {
    char path[512];
    static const char *const ends[] = {"", "-wal", "-shm"};
    connection_close(model->connection);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s/store.db%s", model->folder, ends[i]);
        unlink(path);
    }
    rmdir(model->folder);
    free(model->entries);
    free(model->changed);
    arena_close(model->arena);
}

/* Few keys with many rids, many keys with one, and long keys that share most of their bytes. */
static void entry_roll(struct entry *entry, uint64_t rid) {
    *entry = (struct entry){.lane = lanes[roll(LANES)], .rid = 1 + rid, .seq = 1 + roll(50)};
    switch (roll(3)) {
    case 0:
        entry->size = (uint8_t)roll(2);
        entry->key[0] = (char)roll(3);
        return;
    case 1:
        entry->size = 10;
        for (int i = 0; i < 10; i++) {
            entry->key[i] = (char)roll(256);
        }
        return;
    default:
        entry->size = 22;
        memset(entry->key, 'z', 22);
        entry->key[20] = (char)roll(40);
        entry->key[21] = (char)roll(2);
    }
}

static bool model_has(const struct model *model, const struct entry *entry) {
    return bsearch(entry, model->entries, model->count, sizeof *entry, compare) != NULL;
}

enum { HORIZON = 10, GONE = 0 };

/* What one slice changes, in the order of the index: new entries, and old ones, marked GONE, that are taken away. */
static size_t changes_roll(struct model *model, size_t adds, uint64_t removal, uint64_t rid_from, uint64_t rid_range) {
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < adds && model->count + count < ENTRIES_MAX; i++) {
        entry_roll(&model->changed[count], rid_from + roll(rid_range));
        count += !model_has(model, &model->changed[count]);
    }
    for (size_t i = 0; removal > 0 && i < model->count && count < ENTRIES_MAX; i++) {
        if (roll(removal) == 0) {
            model->changed[count] = model->entries[i];
            model->changed[count++].seq = GONE;
        }
    }
    qsort(model->changed, count, sizeof *model->changed, compare);
    for (size_t i = 0; i < count; i++) { /* without doubles */
        if (kept == 0 || compare(&model->changed[kept - 1], &model->changed[i]) != 0) {
            model->changed[kept++] = model->changed[i];
        }
    }
    return kept;
}

static void change(struct model *model, size_t adds, uint64_t removal, uint64_t rid_from, uint64_t rid_range) {
    size_t count = changes_roll(model, adds, removal, rid_from, rid_range), old = model->count, kept = 0;
    struct block_edit *edit = block_edit_open(model->connection, HORIZON, &model->scope);
    sql(model, "BEGIN");
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &model->changed[i];
        struct row_place place = place_of(entry);
        bool there = false;
        uint64_t seq = 0;
        if (entry->seq != GONE) {
            assert_int_equal(block_edit_add(&there, edit, &place, entry->seq), STATUS_OK);
            assert_true(there);
            continue;
        }
        struct entry *at = bsearch(entry, model->entries, old, sizeof *at, compare);
        assert_int_equal(block_edit_remove(&there, &seq, edit, &place), STATUS_OK);
        assert_true(there && (seq == at->seq || (seq == 0 && at->seq <= HORIZON)));
        at->seq = GONE;
    }
    assert_int_equal(block_edit_finish(edit), STATUS_OK);
    sql(model, "COMMIT");
    for (size_t i = 0; i < old; i++) {
        if (model->entries[i].seq != GONE) {
            model->entries[kept++] = model->entries[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (model->changed[i].seq != GONE) {
            model->entries[kept++] = model->changed[i];
        }
    }
    model->count = kept;
    qsort(model->entries, kept, sizeof *model->entries, compare);
    arena_reset(model->arena);
}

static void stands_on(const struct model *model, const struct block_cursor *cursor, size_t i, uint32_t lane) {
    if (i == model->count || model->entries[i].lane != lane) {
        assert_false(block_cursor_has(cursor));
        return;
    }
    const struct entry *entry = &model->entries[i];
    assert_true(block_cursor_has(cursor));
    assert_true(text_equal(block_reader_key(&cursor->reader), (struct text){entry->key, entry->size}));
    assert_int_equal(cursor->reader.rid, entry->rid);
    assert_true(cursor->reader.seq == entry->seq || (cursor->reader.seq == 0 && entry->seq <= HORIZON));
}

static size_t first_at(const struct model *model, const struct entry *entry) {
    size_t i = 0;
    while (i < model->count && compare(&model->entries[i], entry) < 0) {
        i++;
    }
    return i;
}

/* Every lane from end to end, and places at random, from anywhere and onward. */
static void compare_all(struct model *model) {
    struct block_cursor cursor = {0};
    for (size_t lane = 0; lane < LANES; lane++) {
        size_t i = first_at(model, &(struct entry){.lane = lanes[lane]});
        assert_int_equal(
            block_cursor_seek(&cursor, model->connection, CURSOR_ANYWHERE, lanes[lane], TEXT(""), 0, &model->scope),
            STATUS_OK);
        for (; i < model->count && model->entries[i].lane == lanes[lane]; i++) {
            stands_on(model, &cursor, i, lanes[lane]);
            assert_int_equal(block_cursor_next(&cursor, model->connection, &model->scope), STATUS_OK);
        }
        stands_on(model, &cursor, i, lanes[lane]);
    }
    for (int round = 0; round < 60; round++) {
        struct entry entry, behind;
        uint64_t rid = 0;
        entry_roll(&entry, roll(2000));
        struct row_place place = place_of(&entry);
        size_t i = first_at(model, &entry);
        assert_int_equal(block_cursor_seek(&cursor, model->connection, CURSOR_ANYWHERE, place.lane, place.key,
                             place.rid, &model->scope),
            STATUS_OK);
        stands_on(model, &cursor, i, entry.lane);
        entry_roll(&behind, roll(2000));
        behind.lane = entry.lane;
        place = place_of(&behind);
        size_t next = first_at(model, &behind);
        if (next >= i && block_cursor_has(&cursor)) {
            assert_int_equal(block_cursor_seek(&cursor, model->connection, CURSOR_ONWARD, place.lane, place.key,
                                 place.rid, &model->scope),
                STATUS_OK);
            stands_on(model, &cursor, next, behind.lane);
        }
        behind.rid = 0;
        next = first_at(model, &behind);
        bool any = next < model->count && model->entries[next].lane == behind.lane &&
                   text_equal(place_of(&model->entries[next]).key, place.key);
        assert_int_equal(block_first_rid(&rid, model->connection, place.lane, place.key, &model->scope), STATUS_OK);
        assert_int_equal(rid, any ? model->entries[next].rid : 0);
    }
    assert_int_equal(number(model, "SELECT count(*) FROM fence JOIN block USING(number)"),
        number(model, "SELECT max((SELECT count(*) FROM fence),(SELECT count(*) FROM block))"));
    assert_true(number(model, "SELECT max(length(entries)) FROM block") <= BLOCK_MOST + BLOCK_ENTRY_MAX);
}

static void random_changes_stay_in_order(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct model model;
        random_state = seed * 77777;
        model_open(&model);
        uint64_t rid = 0;
        for (int round = 0; round < 24; round++) {
            uint64_t removal = roll(3) == 0 ? 1 + roll(20) : 0, range = roll(2) == 0 ? 40 : 4000;
            change(&model, roll(4) == 0 ? 3000 : roll(300), removal, seed % 2 == 0 ? rid : 0, range);
            rid += range;
            compare_all(&model);
        }
        change(&model, 0, 1, 0, 1);
        assert_int_equal(model.count, 0);
        compare_all(&model);
        assert_true(number(&model, "SELECT count(*) FROM block") <= LANES);
        change(&model, 500, 0, 0, 100);
        compare_all(&model);
        model_close(&model);
    }
}

/* A block that is written one entry at a time, always behind the last: its lane is not left half empty. */
static void what_grows_at_its_end_is_full(void **state) {
    (void)state;
    struct model model;
    model_open(&model);
    sql(&model, "BEGIN");
    for (uint64_t rid = 1; rid <= 20000; rid += 20) {
        struct block_edit *edit = block_edit_open(model.connection, 0, &model.scope);
        for (uint64_t i = 0; i < 20; i++) {
            struct row_place place = {.lane = 40, .key = TEXT("key"), .rid = rid + i};
            bool is_new = false;
            assert_int_equal(block_edit_add(&is_new, edit, &place, rid + i), STATUS_OK);
        }
        assert_int_equal(block_edit_finish(edit), STATUS_OK);
        arena_reset(model.arena);
    }
    sql(&model, "COMMIT");
    assert_true(number(&model, "SELECT avg(length(entries)) FROM block") > BLOCK_MOST * 8 / 10);
    assert_int_equal(number(&model, "SELECT count(*) FROM (SELECT number,lag(number) OVER (ORDER BY key,rid) AS before "
                                    "FROM fence) WHERE before>=number"),
        0);
    model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_described),
        cmocka_unit_test(damage_is_seen_or_harmless),
        cmocka_unit_test(random_changes_stay_in_order),
        cmocka_unit_test(what_grows_at_its_end_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
