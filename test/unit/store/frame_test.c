/* Versions in frames: read back as they were written, through updates, deletions, rows made anew, ends and restarts. */
#include "fixture.h"

#include "store/packer.h"

#include <sqlite3.h>

enum { PATIENT = 1, VERSIONS = 1500, LARGE = 100 * 1000 };

struct writing {
    unsigned number;
    bool deletes;
};

static struct text body_of(struct arena *arena, unsigned number) {
    if (number % 300 == 7) { /* too large for a frame */
        char *at = arena_bytes(arena, LARGE);
        uint32_t random = number;
        for (size_t i = 0; i < LARGE; i++) {
            random = random * 1664525 + 1013904223;
            at[i] = (char)('a' + (random >> 24) % 26);
        }
        return (struct text){at, LARGE};
    }
    return text_format(arena, "{\"resourceType\":\"Patient\",\"id\":\"r%u\",\"meta\":{},\"text\":\"%u\",\"n\":%u}",
        number, number * 2654435761U, number * 97);
}

static size_t rows_of(struct store_row rows[static 2], struct arena *arena, uint32_t space, unsigned number) {
    rows[0] = (struct store_row){.space = space, .key = text_format(arena, "even-%u", number % 2)};
    rows[1] = (struct store_row){.space = space, .key = text_format(arena, "key-%u", number)};
    return 2;
}

static struct store *store_now;
static uint32_t space_now;

static enum status write_one(void *context, struct store_unit *unit, struct scope *scope) {
    const struct writing *writing = context;
    struct text id = text_format(scope->arena, "r%u", writing->number);
    if (writing->deletes) {
        return store_unit_delete(NULL, unit, PATIENT, id, scope);
    }
    struct store_row rows[2];
    struct store_put put = {.type = PATIENT, .id = id, .method = STORE_CREATED, .rows = rows, .edition = 1};
    put.row_count = rows_of(rows, scope->arena, space_now, writing->number);
    enum status status = store_body_pack(&put.body, store_now, body_of(scope->arena, writing->number), 20, scope);
    return status == STATUS_OK ? store_unit_put(NULL, unit, &put, scope) : status;
}

static void write_all(struct fixture *f) {
    fixture_scope(f);
    assert_int_equal(store_space(&space_now, f->store, TEXT("key"), &f->scope), STATUS_OK);
    for (unsigned i = 0; i < VERSIONS; i++) {
        struct writing writing = {.number = i, .deletes = false};
        store_now = f->store;
        assert_int_equal(store_run(f->store, write_one, &writing, fixture_scope(f)), STATUS_OK);
    }
}

static int64_t ask(const struct fixture *f, const char *sql) {
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/store.db", f->folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    int code = sqlite3_step(statement);
    int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    assert_true(code == SQLITE_ROW || code == SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

static void expect_all(struct fixture *f, unsigned deleted) {
    for (unsigned round = 0; round < 2; round++) { /* in the order of writing, then across it */
        struct store_view *view = fixture_view(f, 0);
        for (unsigned i = 0; i < VERSIONS; i++) {
            unsigned number = round == 0 ? i : i * 7919 % VERSIONS;
            struct arena *arena = arena_open(1 << 20);
            struct scope scope = {.arena = arena};
            struct store_resource found = {0};
            struct text id = text_format(arena, "r%u", number);
            assert_int_equal(store_view_get(&found, view, PATIENT, id, STORE_WANT_BODY, &scope), STATUS_OK);
            if (number < deleted) {
                assert_int_equal(found.method, STORE_DELETED);
                assert_int_equal(store_view_get_version(&found, view, PATIENT, id, 1, &scope), STATUS_OK);
            }
            assert_true(text_equal(found.body, body_of(arena, number)));
            assert_int_equal(found.gap, 20);
            arena_close(arena);
        }
        store_view_close(view);
    }
}

static void expect_whole(struct fixture *f) {
    enum status status = store_check(NULL, f->store, NULL, NULL, fixture_scope(f));
    if (status != STATUS_OK) {
        fail_msg("store_check: %s", f->scope.fault.first == NULL ? "?" : f->scope.fault.first->text);
    }
}

static uint64_t count_of(struct fixture *f, const char *key) {
    struct store_view *view = fixture_view(f, 0);
    struct text low = text_from(key);
    struct store_plan plan = {.kind = STORE_PLAN_RANGE, .space = space_now, .low = low};
    plan.high = text_format(f->scope.arena, "%s", key);
    plan.high.size++; /* with its NUL: this key alone */
    uint64_t count = 0;
    assert_int_equal(store_view_count(&count, view, &plan, 0, &f->scope), STATUS_OK);
    store_view_close(view);
    return count;
}

static void read_back_from_frames(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    write_all(f);
    expect_all(f, 0);
    store_close(f->store);
    assert_true(ask(f, "SELECT count(*) FROM frame") > 3);
    assert_int_equal(ask(f, "SELECT count(*) FROM single WHERE size>65536"), VERSIONS / 300);
    assert_true(ask(f, "SELECT count(*) FROM single") < 300);
    assert_int_equal(ask(f, "SELECT count(*) FROM frame WHERE last NOT IN (SELECT last FROM frame_rows)"), 0);
    fixture_open_store(f);
    expect_all(f, 0);
    expect_whole(f);
    for (unsigned i = 0; i < 40; i++) {
        struct writing writing = {.number = i, .deletes = true};
        assert_int_equal(store_run(f->store, write_one, &writing, fixture_scope(f)), STATUS_OK);
    }
    expect_all(f, 40);
    expect_whole(f);
    assert_int_equal(count_of(f, "even-1"), VERSIONS / 2 - 20);
    fixture_reopen(f);
    expect_all(f, 40);
    expect_whole(f);
    fixture_close(f);
}

static enum status remake_some(void *context, struct store_unit *unit, struct scope *scope) {
    const unsigned *limit = context;
    for (unsigned number = 3; number < *limit; number += 11) {
        struct store_row rows[2];
        rows_of(rows, scope->arena, space_now, number);
        rows[1].key = TEXT("other");
        bool done = false;
        struct store_reindex reindex = {.type = PATIENT,
            .id = text_format(scope->arena, "r%u", number),
            .version = 1,
            .rows = rows,
            .row_count = 2,
            .edition = 2};
        enum status status = store_unit_reindex(&done, unit, &reindex, scope);
        if (status != STATUS_OK || !done) {
            return status == STATUS_OK ? STATUS_FAILED : status;
        }
    }
    return *limit == VERSIONS ? STATUS_OK : STATUS_CONFLICT;
}

static void rows_in_frames_are_made_anew(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    write_all(f);
    fixture_reopen(f);
    unsigned undone = VERSIONS / 2, all = VERSIONS;
    assert_int_equal(store_run(f->store, remake_some, &undone, fixture_scope(f)), STATUS_CONFLICT);
    assert_int_equal(count_of(f, "other"), 0);
    expect_whole(f);
    assert_int_equal(store_run(f->store, remake_some, &all, fixture_scope(f)), STATUS_OK);
    uint64_t remade = (VERSIONS - 3 + 10) / 11;
    assert_int_equal(count_of(f, "other"), remade);
    assert_int_equal(count_of(f, "key-3"), 0);
    expect_whole(f);
    fixture_reopen(f);
    assert_int_equal(count_of(f, "other"), remade);
    expect_all(f, 0);
    expect_whole(f);
    fixture_close(f);
}

static void a_damaged_frame_is_found(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    write_all(f);
    store_close(f->store);
    int64_t last = ask(f, "SELECT min(last) FROM frame");
    ask(f, "UPDATE frame SET body=zeroblob(100) WHERE last=(SELECT min(last) FROM frame)");
    fixture_open_store(f);
    struct store_view *view = fixture_view(f, 0);
    struct store_plan plan = {.kind = STORE_PLAN_TYPE, .type = PATIENT};
    struct store_query query = {.plan = &plan, .limit = VERSIONS, .want = STORE_WANT_BODY};
    struct store_page page = {0};
    assert_int_equal(store_view_select(&page, view, &query, &f->scope), STATUS_OK);
    assert_in_range(page.count, VERSIONS - (size_t)last, VERSIONS - 1);
    store_view_close(view);
    assert_int_equal(store_check(NULL, f->store, NULL, NULL, fixture_scope(f)), STATUS_FAILED);
    fixture_close(f);
}

static void the_packer_gives_way(void **state) {
    (void)state;
    static const struct {
        uint64_t behind, versions;
        unsigned least, most;
    } rows[] = {
        {0, 1000000, 2, 2},
        {1, 1, 2, 2},
        {1000000, 1000000, 2, 2}, /* a million may lie alone in any store */
        {1250000, 1250000, 50, 52},
        {2000000, 2000000, 100, 100},
        {3000000, 4000000, 2, 2}, /* and three quarters of a large one */
        {3300000, 4000000, 50, 52},
        {3600000, 4000000, 100, 100},
        {4000000, 4000000, 100, 100},
        {15000000, 20000000, 2, 2},
        {16500000, 20000000, 50, 52},
        {18000000, 20000000, 100, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_in_range(packer_share_percent(rows[i].behind, rows[i].versions), rows[i].least, rows[i].most);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_back_from_frames),
        cmocka_unit_test(rows_in_frames_are_made_anew),
        cmocka_unit_test(a_damaged_frame_is_found),
        cmocka_unit_test(the_packer_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
