/* Index rows made anew for versions that stand: what views see of it, what a kill leaves, and how far it has come. */
#include "store/block.h"
#include "store/store_internal.h"
#include "unit/store/fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { PATIENT = 1, CONDITION = 2, TYPES = 3 };

struct remaking {
    const char *id;
    uint32_t version;
    const struct store_row *rows;
    size_t row_count;
    uint64_t edition;
    bool done;
};

static enum status remake_apply(void *context, struct store_unit *unit, struct scope *scope) {
    struct remaking *remaking = context;
    const struct store_reindex what = {.type = PATIENT,
        .id = text_from(remaking->id),
        .version = remaking->version,
        .rows = remaking->rows,
        .row_count = remaking->row_count,
        .edition = remaking->edition};
    return store_unit_reindex(&remaking->done, unit, &what, scope);
}

static bool remake(struct fixture *f, const char *id, uint32_t version, const struct store_row *rows, size_t row_count,
    uint64_t edition) {
    struct remaking remaking = {id, version, rows, row_count, edition, false};
    assert_int_equal(store_run(f->store, remake_apply, &remaking, &f->scope), STATUS_OK);
    return remaking.done;
}

static uint64_t count_in(struct fixture *f, uint64_t seq, uint32_t space, const char *key) {
    struct store_view *view = fixture_view(f, seq);
    struct store_plan plan = {.kind = STORE_PLAN_RANGE, .space = space, .low = text_from(key)};
    plan.high = store_prefix_end(f->arena, plan.low);
    uint64_t count = 0;
    assert_int_equal(store_view_count(&count, view, &plan, 0, &f->scope), STATUS_OK);
    store_view_close(view);
    return count;
}

static uint64_t count_edition(struct fixture *f, uint16_t type, uint64_t edition) {
    struct store_view *view = fixture_view(f, 0);
    struct store_edition *editions = NULL;
    size_t count = 0;
    uint64_t found = 0;
    assert_int_equal(store_view_editions(&editions, &count, view, &f->scope), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        found += editions[i].type == type && editions[i].edition == edition ? editions[i].count : 0;
    }
    store_view_close(view);
    return found;
}

/* ---- what is seen ------------------------------------------------------------------------------------------------------- */

static void rows_change_without_a_version(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    uint32_t old_space = fixture_space(f, "old"), new_space = fixture_space(f, "new");
    const struct store_row before[] = {{.space = old_space, .key = TEXT("a")}};
    const struct store_row after[] = {{.space = new_space, .key = TEXT("b")},
        {.space = new_space, .target_type = CONDITION, .target_id = TEXT("never-written")}};
    fixture_write(f, PATIENT, "p", NULL, before, 1);
    uint64_t seq_before = store_sequence(f->store);
    assert_true(remake(f, "p", 1, after, 2, 7));
    assert_int_equal(count_in(f, 0, old_space, "a"), 0);
    assert_int_equal(count_in(f, 0, new_space, "b"), 1);
    assert_int_equal(count_in(f, seq_before, old_space, "a"), 1); /* an older view keeps what it saw */
    assert_int_equal(count_in(f, seq_before, new_space, "b"), 0);
    assert_int_equal(count_edition(f, PATIENT, 7), 1);
    struct store_resource found = {0};
    struct store_view *view = fixture_view(f, 0);
    assert_int_equal(store_view_get(&found, view, PATIENT, TEXT("p"), STORE_WANT_IDENTITY, &f->scope), STATUS_OK);
    assert_int_equal(found.version, 1);
    store_view_close(view);
    assert_false(remake(f, "p", 2, before, 1, 8)); /* not the current version */
    assert_false(remake(f, "q", 1, before, 1, 8)); /* nobody */
    fixture_write(f, PATIENT, "p", NULL, before, 1);
    assert_int_equal(count_in(f, 0, new_space, "b"), 0);
    fixture_check(f);
    fixture_reopen(f);
    fixture_check(f);
    fixture_delete(f, PATIENT, "p");
    assert_false(remake(f, "p", 3, after, 2, 9));
    fixture_check(f);
    fixture_close(f);
}

static void outdated_ones_are_listed(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    for (int i = 0; i < 10; i++) {
        char id[16];
        snprintf(id, sizeof id, "p%d", i);
        fixture_write(f, i % 2 == 0 ? PATIENT : CONDITION, id, NULL, NULL, 0);
    }
    fixture_delete(f, PATIENT, "p0");
    assert_true(remake(f, "p2", 1, NULL, 0, 5));
    const uint64_t required[TYPES] = {0, 5, 0};
    struct store_view *view = fixture_view(f, 0);
    uint64_t next = 1;
    size_t count = 0;
    while (next != 0) {
        struct store_page page = {0};
        const struct store_outdated which = {.required = required, .type_count = TYPES, .rid = next, .limit = 2};
        assert_int_equal(store_view_outdated(&page, &next, view, &which, &f->scope), STATUS_OK);
        for (size_t i = 0; i < page.count; i++) {
            assert_int_equal(page.at[i].type, PATIENT);
            assert_true(text_is(page.at[i].body, "{}"));
        }
        count += page.count;
    }
    store_view_close(view);
    assert_int_equal(count, 3); /* p4, p6, p8 */
    assert_int_equal(count_edition(f, PATIENT, 0), 3);
    assert_int_equal(count_edition(f, CONDITION, 0), 5);
    fixture_close(f);
}

static void one_bad_body_stops_nobody(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    const uint64_t required[TYPES] = {0, 1, 0};
    fixture_write(f, PATIENT, "a", NULL, NULL, 0);
    fixture_write(f, PATIENT, "b", NULL, NULL, 0);
    store_close(f->store);
    sqlite3 *database = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/store.db", f->folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "UPDATE single SET body=x'00' WHERE vid=1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    fixture_open_store(f);
    struct store_view *view = fixture_view(f, 0);
    struct store_page page = {0};
    uint64_t next = 1;
    const struct store_outdated which = {.required = required, .type_count = TYPES, .rid = 1, .limit = 10};
    assert_int_equal(store_view_outdated(&page, &next, view, &which, &f->scope), STATUS_OK);
    assert_int_equal(page.count, 1);
    assert_true(text_is(page.at[0].id, "b"));
    assert_int_equal(next, 0);
    store_view_close(view);
    fixture_close(f);
}

/* ---- kills -------------------------------------------------------------------------------------------------------------- */

enum { WRITERS = 2, NUMBERS = 40 };

struct child {
    struct fixture *fixture;
    uint32_t space, seed;
    bool remakes;
};

static enum status child_unit(void *context, struct store_unit *unit, struct scope *scope) {
    struct child *child = context;
    child->seed = child->seed * 1664525 + 1013904223;
    struct text id = text_format(scope->arena, "id-%u", child->seed % NUMBERS);
    struct store_resource before = {0};
    enum status status = store_unit_get(&before, unit, PATIENT, id, STORE_WANT_IDENTITY, scope);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    struct store_row rows[4];
    for (uint32_t i = 0; i < 4; i++) {
        rows[i] = (struct store_row){
            .space = child->space + i % 2, .key = text_format(scope->arena, "%u", (child->seed >> (8 + i)) % 7)};
    }
    rows[3] = (struct store_row){.space = child->space,
        .target_type = PATIENT,
        .target_id = text_format(scope->arena, "id-%u", (child->seed >> 9) % NUMBERS)};
    if (child->remakes && before.version > 0) {
        bool done = false;
        const struct store_reindex what = {.type = PATIENT,
            .id = id,
            .version = before.version,
            .rows = rows,
            .row_count = 4,
            .edition = child->seed % 5};
        return store_unit_reindex(&done, unit, &what, scope);
    }
    if (child->seed % 11 == 0 && before.version > 0) {
        return store_unit_delete(NULL, unit, PATIENT, id, scope);
    }
    struct fixture_put put = {
        .fixture = child->fixture, .type = PATIENT, .id = text_string(scope->arena, id), .rows = rows, .row_count = 4};
    status = fixture_put_apply(&put, unit, scope);
    if (status == STATUS_OK && child->seed % 3 == 0) { /* what the unit wrote itself */
        bool done = false;
        const struct store_reindex what = {
            .type = PATIENT, .id = id, .version = put.written.version, .rows = rows, .row_count = 2};
        status = store_unit_reindex(&done, unit, &what, scope);
    }
    return status;
}

static void *child_write(void *context) {
    struct child *child = context;
    struct arena *arena = arena_open(SIZE_MAX / 4);
    for (;;) {
        struct scope scope = {.arena = arena};
        if (store_run(child->fixture->store, child_unit, child, &scope) != STATUS_OK) {
            _exit(3);
        }
        arena_reset(arena);
    }
}

static _Noreturn void child_main(struct fixture *fixture, uint32_t round) {
    struct child children[WRITERS * 2];
    pthread_t threads[WRITERS * 2];
    fixture_open_store(fixture);
    uint32_t space = fixture_space(fixture, "one");
    (void)fixture_space(fixture, "two");
    for (uint32_t i = 0; i < WRITERS * 2; i++) {
        children[i] =
            (struct child){.fixture = fixture, .space = space, .seed = round * 977 + i, .remakes = i >= WRITERS};
        pthread_create(&threads[i], NULL, child_write, &children[i]);
    }
    pthread_join(threads[0], NULL);
    _exit(5);
}

static void kills_leave_a_sound_index(void **state) {
    (void)state;
    struct fixture *f = fixture_open(200); /* small: merging, remaking and the log's trimming all take place */
    store_close(f->store);
    f->store = NULL;
    for (uint32_t round = 0; round < 8; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            child_main(f, round);
        }
        usleep(30 * 1000 + round * 7 * 1000);
        kill(child, SIGKILL);
        int ended = 0;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
        fixture_open_store(f);
        fixture_check(f);
        fixture_reopen(f); /* after all is merged */
        fixture_check(f);
        store_close(f->store);
        f->store = NULL;
    }
    fixture_open_store(f);
    fixture_close(f);
}

/* ---- older schemas ------------------------------------------------------------------------------------------------------ */

/* A block's rows, one by one, as schema 2 had them. */
static void rows_again(sqlite3 *database) {
    sqlite3_stmt *list = NULL, *add = NULL;
    assert_int_equal(
        sqlite3_exec(database,
            "CREATE TABLE row(lane INTEGER NOT NULL,key BLOB NOT NULL,rid INTEGER NOT NULL,seq INTEGER NOT "
            "NULL,PRIMARY KEY(lane,key,rid)) WITHOUT ROWID",
            NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(
            database, "SELECT lane,entries FROM fence JOIN block USING(number) ORDER BY lane,key,rid", -1, &list, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, "INSERT INTO row VALUES(?1,?2,?3,?4)", -1, &add, NULL), SQLITE_OK);
    while (sqlite3_step(list) == SQLITE_ROW) {
        struct block_reader reader;
        block_reader_open(&reader, (struct text){sqlite3_column_blob(list, 1), (size_t)sqlite3_column_bytes(list, 1)});
        while (block_reader_next(&reader)) {
            sqlite3_bind_int64(add, 1, sqlite3_column_int64(list, 0));
            sqlite3_bind_blob(add, 2, reader.key, reader.key_size, SQLITE_STATIC);
            sqlite3_bind_int64(add, 3, (sqlite3_int64)reader.rid);
            sqlite3_bind_int64(add, 4, (sqlite3_int64)reader.seq);
            assert_int_equal(sqlite3_step(add), SQLITE_DONE);
            sqlite3_reset(add);
        }
        assert_false(reader.damaged);
    }
    sqlite3_finalize(list);
    sqlite3_finalize(add);
}

/* What schema 1 did not have goes; what a version holds stood beside its head. */
static const char to_schema_1[] =
    "CREATE TABLE whole(vid INTEGER PRIMARY KEY,rid INTEGER NOT NULL,version INTEGER NOT NULL,previous INTEGER NOT "
    "NULL,"
    "base INTEGER NOT NULL,type INTEGER NOT NULL,seq INTEGER NOT NULL,time INTEGER NOT NULL,method INTEGER NOT NULL,"
    "dictionary INTEGER NOT NULL,gap INTEGER NOT NULL,size INTEGER NOT NULL,rows BLOB NOT NULL,body BLOB NOT NULL);"
    "INSERT INTO whole SELECT v.vid,rid,version,previous,base,type,seq,time,method,dictionary,gap,size,rows,body FROM "
    "version v JOIN single USING(vid);"
    "DROP TABLE version;"
    "ALTER TABLE whole RENAME TO version;"
    "CREATE INDEX version_type ON version(type);"
    "DROP TABLE single;"
    "DROP TABLE frame;"
    "DROP TABLE frame_rows; DROP TABLE fence; DROP TABLE block;"
    "DROP TABLE reindexed; ALTER TABLE resource DROP COLUMN edition; PRAGMA user_version=1";

static void make_schema_1(struct fixture *f) {
    sqlite3 *database = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/store.db", f->folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    rows_again(database);
    assert_int_equal(sqlite3_exec(database, to_schema_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void count_progress(void *context, uint64_t done, uint64_t total) {
    uint64_t *last = context;
    assert_true(done == *last + 1 && done <= total);
    *last = done;
}

static void a_folder_of_schema_1_is_migrated(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    uint32_t space = fixture_space(f, "s");
    const struct store_row row = {.space = space, .key = TEXT("k")};
    fixture_write(f, PATIENT, "p", "{\"a\":1}", &row, 1);
    fixture_write(f, PATIENT, "p", "{\"a\":2}", &row, 1);
    store_close(f->store);
    f->store = NULL;
    make_schema_1(f);
    const struct store_config config = {.folder = f->folder, .clock = f->clock};
    assert_int_equal(store_open(&f->store, &config, fixture_scope(f)), STATUS_UNSUPPORTED);
    assert_non_null(strstr(fixture_issue(f), "soyang migrate"));
    struct store_migration migration = {0};
    uint64_t progress = 0;
    assert_int_equal(store_migrate(&migration, f->folder, count_progress, &progress, fixture_scope(f)), STATUS_OK);
    assert_int_equal(migration.from, 1);
    assert_int_equal(migration.to, SCHEMA_NUMBER);
    assert_true(progress > 0);
    assert_int_equal(store_migrate(&migration, f->folder, NULL, NULL, fixture_scope(f)), STATUS_OK);
    assert_int_equal(migration.from, SCHEMA_NUMBER); /* nothing was to be done */
    fixture_open_store(f);
    fixture_check(f);
    assert_int_equal(count_in(f, 0, space, "k"), 1);
    assert_int_equal(count_edition(f, PATIENT, 0), 1);
    assert_true(remake(f, "p", 2, &row, 1, 3));
    assert_int_equal(store_migrate(&migration, f->folder, NULL, NULL, &f->scope), STATUS_CONFLICT); /* it is in use */
    fixture_close(f);
    struct arena *arena = arena_open(1 << 20);
    struct scope scope = {.arena = arena};
    assert_int_equal(store_migrate(&migration, "/nowhere/at/all", NULL, NULL, &scope), STATUS_NOT_FOUND);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_change_without_a_version),
        cmocka_unit_test(outdated_ones_are_listed),
        cmocka_unit_test(one_bad_body_stops_nobody),
        cmocka_unit_test(kills_leave_a_sound_index),
        cmocka_unit_test(a_folder_of_schema_1_is_migrated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
