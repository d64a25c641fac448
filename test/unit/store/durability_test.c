/* What is acknowledged stays: over kills, a full disk, tampering that must be found, locks and other schemas. */
#include "store/store_internal.h"
#include "store/writer.h"
#include "unit/store/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { PATIENT = 1 };

/* ---- kills --------------------------------------------------------------------------------------------------------------- */

enum { WRITERS = 4, NUMBERS = 64 };

struct acknowledged { /* written to the pipe once `done` was called */
    uint32_t number, version;
};

struct child_writer {
    struct fixture *fixture;
    uint32_t space, which;
    int pipe;
};

static void put_id(char *out, size_t size, uint32_t number) {
    snprintf(out, size, "id-%u", number);
}

struct counted_put {
    struct child_writer *writer;
    uint32_t number;
    struct store_resource written;
};

static enum status put_counted(void *context, struct store_unit *unit, struct scope *scope) {
    struct counted_put *counted = context;
    char id[16], body[64];
    struct store_resource before = {0};
    put_id(id, sizeof id, counted->number);
    enum status status = store_unit_get(&before, unit, PATIENT, text_from(id), STORE_WANT_IDENTITY, scope);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    snprintf(body, sizeof body, "{\"version\":%u}", before.version + 1);
    struct store_row rows[4] = {
        {.space = counted->writer->space, .key = text_format(scope->arena, "%u", before.version + 1)},
        {.space = counted->writer->space, .key = before.version % 2 == 0 ? TEXT("odd") : TEXT("even")},
        {.space = counted->writer->space, .key = text_format(scope->arena, "all")},
        {.space = counted->writer->space,
            .target_type = PATIENT,
            .target_id = text_format(scope->arena, "id-%u", before.version % NUMBERS)},
    };
    struct fixture_put put = {
        .fixture = counted->writer->fixture, .type = PATIENT, .id = id, .body = body, .rows = rows, .row_count = 4};
    status = fixture_put_apply(&put, unit, scope);
    counted->written = put.written;
    if (status == STATUS_OK) {
        status = store_unit_audit(unit, text_from(body), scope);
    }
    if (status == STATUS_OK) {
        status = store_unit_claim(NULL, unit, TEXT("holder"), text_from(id), text_from(id), scope);
    }
    return status;
}

static void *child_write(void *context) {
    struct child_writer *writer = context;
    struct arena *arena = arena_open(SIZE_MAX / 4);
    for (uint32_t i = 0;; i++) {
        struct scope scope = {.arena = arena};
        struct counted_put put = {.writer = writer, .number = (i * 7 + writer->which * 13) % NUMBERS};
        if (store_run(writer->fixture->store, put_counted, &put, &scope) != STATUS_OK) {
            _exit(3);
        }
        struct acknowledged acknowledged = {put.number, put.written.version};
        if (write(writer->pipe, &acknowledged, sizeof acknowledged) != sizeof acknowledged) {
            _exit(4);
        }
        arena_reset(arena);
    }
}

static struct store_plan all_of(uint32_t space) {
    return (struct store_plan){.kind = STORE_PLAN_RANGE, .space = space, .low = TEXT("all"), .high = TEXT("all\0")};
}

static struct store_plan even_of(uint32_t space) {
    return (struct store_plan){.kind = STORE_PLAN_RANGE, .space = space, .low = TEXT("even"), .high = TEXT("even\0")};
}

/* A count reads the table and memory apart, a page merges them: while rows move from one to the other both must agree. */
static void *child_count(void *context) {
    struct child_writer *writer = context;
    struct arena *arena = arena_open(SIZE_MAX / 4);
    for (;;) {
        struct scope scope = {.arena = arena};
        struct store_plan even = even_of(writer->space);
        struct store_query query = {.plan = &even, .limit = 2 * NUMBERS};
        struct store_view *view = NULL;
        struct store_page page = {0};
        uint64_t count = 0;
        if (store_view_open(&view, writer->fixture->store, 0, &scope) != STATUS_OK ||
            store_view_count(&count, view, &even, 0, &scope) != STATUS_OK ||
            store_view_select(&page, view, &query, &scope) != STATUS_OK || count != page.count) {
            _exit(6);
        }
        store_view_close(view);
        arena_reset(arena);
    }
}

static _Noreturn void child_main(struct fixture *fixture, int pipe) {
    struct child_writer writers[WRITERS];
    pthread_t threads[WRITERS], counting;
    fixture_open_store(fixture);
    uint32_t space = fixture_space(fixture, "version");
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct child_writer){.fixture = fixture, .space = space, .which = i, .pipe = pipe};
        pthread_create(&threads[i], NULL, child_write, &writers[i]);
    }
    pthread_create(&counting, NULL, child_count, &writers[0]);
    pthread_join(threads[0], NULL);
    _exit(5);
}

static void expect_acknowledged(struct fixture *fixture, const uint32_t *versions) {
    struct store_view *view = fixture_view(fixture, 0);
    uint64_t count = 0, expected = 0;
    for (uint32_t number = 0; number < NUMBERS; number++) {
        char id[16], body[64];
        struct store_resource found = {0};
        put_id(id, sizeof id, number);
        enum status status = store_view_get(&found, view, PATIENT, text_from(id), STORE_WANT_BODY, &fixture->scope);
        assert_true(status == STATUS_OK || (status == STATUS_NOT_FOUND && versions[number] == 0));
        assert_true(found.version >= versions[number]);
        snprintf(body, sizeof body, "{\"version\":%u}", found.version);
        assert_true(status != STATUS_OK || text_is(found.body, body));
        expected += status == STATUS_OK;
    }
    struct store_plan all = all_of(fixture_space(fixture, "version"));
    assert_int_equal(store_view_count(&count, view, &all, 0, &fixture->scope), STATUS_OK);
    assert_int_equal(count, expected);
    store_view_close(view);
}

static int rounds(void) {
    const char *asked = getenv("SOYANG_STORE_KILLS");
    return asked == NULL ? 12 : (int)strtol(asked, NULL, 10);
}

static void kills_lose_nothing(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(400);
    uint32_t versions[NUMBERS] = {0};
    store_close(fixture->store);
    fixture->store = NULL;
    for (int round = 0; round < rounds(); round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            child_main(fixture, ends[1]);
        }
        close(ends[1]);
        struct acknowledged acknowledged;
        int until = 50 + round * 97 % 400;
        for (int i = 0; i < until && read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged; i++) {
            versions[acknowledged.number] = acknowledged.version > versions[acknowledged.number]
                                                ? acknowledged.version
                                                : versions[acknowledged.number];
        }
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        if (!WIFSIGNALED(status)) {
            fail_msg("the writing process ended by itself: %d", WEXITSTATUS(status));
        }
        while (read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
            versions[acknowledged.number] = acknowledged.version > versions[acknowledged.number]
                                                ? acknowledged.version
                                                : versions[acknowledged.number];
        }
        close(ends[0]);
        if (round % 3 != 2) {
            continue; /* killed again before a merge that was going on has ended */
        }
        fixture_scope(fixture);
        fixture_open_store(fixture);
        expect_acknowledged(fixture, versions);
        fixture_check(fixture);
        store_close(fixture->store);
        fixture->store = NULL;
    }
    fixture_close(fixture);
}

/* ---- a full disk ----------------------------------------------------------------------------------------------------------- */

static enum status limit_pages(void *context, struct store_unit *unit, struct scope *scope) {
    (void)scope;
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA max_page_count=%ld", *(const long *)context);
    return sqlite3_exec(unit->writer->connection->database, pragma, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                                                   : STATUS_FAILED;
}

static void set_pages(struct fixture *fixture, long pages) {
    assert_int_equal(store_run(fixture->store, limit_pages, &pages, &fixture->scope), STATUS_OK);
}

static void few_pages(struct fixture *fixture) {
    set_pages(fixture, 1);
}

static void many_pages(struct fixture *fixture) {
    set_pages(fixture, 1000000);
}

static void full_disk_is_survived(
    struct fixture *fixture, void (*fill)(struct fixture *), void (*make_room)(struct fixture *)) {
    char body[3000];
    uint32_t space = fixture_space(fixture, "s");
    struct store_row row = {.space = space, .key = TEXT("k")};
    struct store_resource found;
    for (size_t i = 0; i + 1 < sizeof body; i++) {
        body[i] = (char)(33 + (i * i * 7919 + i / 3) % 90);
    }
    body[sizeof body - 1] = '\0';
    fixture_write(fixture, PATIENT, "before", body, &row, 1);
    fill(fixture);
    enum status status = STATUS_OK;
    int written = 0;
    for (; status == STATUS_OK && written < 5000; written++) {
        char id[16];
        put_id(id, sizeof id, (uint32_t)written);
        struct fixture_put put = {
            .fixture = fixture, .type = PATIENT, .id = id, .body = body, .rows = &row, .row_count = 1};
        status = store_run(fixture->store, fixture_put_apply, &put, &fixture->scope);
    }
    assert_int_equal(status, STATUS_STORAGE_FULL);
    struct store_view *view = fixture_view(fixture, 0);
    struct store_plan plan = {.kind = STORE_PLAN_RANGE, .space = space};
    uint64_t count = 0;
    assert_int_equal(
        store_view_get(&found, view, PATIENT, TEXT("before"), STORE_WANT_BODY, &fixture->scope), STATUS_OK);
    assert_int_equal(store_view_count(&count, view, &plan, 0, &fixture->scope), STATUS_OK);
    assert_int_equal(count, written); /* the last of them failed, `before` did not */
    store_view_close(view);
    fixture_scope(fixture);
    make_room(fixture);
    fixture_write(fixture, PATIENT, "after", body, &row, 1);
    fixture_check(fixture);
    fixture_reopen(fixture);
    fixture_check(fixture);
    fixture_close(fixture);
}

static void a_full_disk_refuses_writes_only(void **state) {
    (void)state;
    full_disk_is_survived(fixture_open(0), few_pages, many_pages);
}

/* The system refuses the write itself, as on a file system without room. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void short_files(struct fixture *fixture) {
    (void)fixture;
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(600 * 1000);
}

static void long_files(struct fixture *fixture) {
    (void)fixture;
    limit_files(RLIM_INFINITY);
}

static void a_failing_write_refuses_writes_only(void **state) {
    (void)state;
    full_disk_is_survived(fixture_open(0), short_files, long_files);
}

/* ---- tampering --------------------------------------------------------------------------------------------------------------- */

static enum status add_audit(void *context, struct store_unit *unit, struct scope *scope) {
    return store_unit_audit(unit, text_from(context), scope);
}

static void tamper(struct fixture *fixture, const char *sql) {
    sqlite3 *database = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/store.db", fixture->folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(database) > 0);
    sqlite3_close(database);
}

static void check_finds(const char *sql, const char *what) {
    struct fixture *fixture = fixture_open(0);
    uint32_t space = fixture_space(fixture, "s");
    struct store_row row = {.space = space, .key = TEXT("k")};
    fixture_write(fixture, PATIENT, "p", "{}", &row, 1);
    fixture_write(fixture, PATIENT, "q", "{}", &row, 1);
    assert_int_equal(store_run(fixture->store, add_audit, (void *)"one", &fixture->scope), STATUS_OK);
    assert_int_equal(store_run(fixture->store, add_audit, (void *)"two", &fixture->scope), STATUS_OK);
    fixture_check(fixture);
    store_close(fixture->store);
    fixture->store = NULL;
    tamper(fixture, sql);
    fixture_scope(fixture);
    fixture_open_store(fixture);
    assert_int_equal(store_check(NULL, fixture->store, NULL, NULL, fixture_scope(fixture)), STATUS_FAILED);
    if (strstr(fixture_issue(fixture), what) == NULL) {
        fail_msg("'%s' was found as '%s'", sql, fixture_issue(fixture));
    }
    fixture_close(fixture);
}

static void tampering_is_found(void **state) {
    (void)state;
    check_finds("UPDATE audit SET entry=x'00' WHERE number=1", "chain of audit rows breaks");
    check_finds("DELETE FROM audit WHERE number=1", "chain of audit rows breaks");
    check_finds("DELETE FROM audit WHERE number=2", "cut off");
    /* Lane 32 holds, in one block: 2 entries, key "k" of rid 1 since 2, of rid 2 since 3. */
    check_finds("UPDATE block SET entries=x'00010b016b06' WHERE number=(SELECT number FROM fence WHERE lane=32)",
        "does not have as many rows");
    check_finds("UPDATE block SET entries=x'00020b016b060a02' WHERE number=(SELECT number FROM fence WHERE lane=32)",
        "is missing");
    check_finds("UPDATE block SET entries=x'00030b01000203016b020602' "
                "WHERE number=(SELECT number FROM fence WHERE lane=32);"
                "UPDATE state SET rows=rows+1",
        "belong to no current version");
    check_finds("UPDATE block SET entries=x'0002' WHERE number=(SELECT number FROM fence WHERE lane=32)", "is damaged");
    check_finds("DELETE FROM block WHERE number=(SELECT number FROM fence WHERE lane=32)", "is damaged");
    check_finds("DELETE FROM fence WHERE lane=32", "no place leads to");
    check_finds("UPDATE single SET body=x'0102' WHERE vid=2", "body of a version");
}

/* ---- folders ------------------------------------------------------------------------------------------------------------------ */

static void one_process_has_a_folder(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store *second = NULL;
    struct store_config config = {.folder = fixture->folder, .clock = fixture->clock};
    char owner[64];
    snprintf(owner, sizeof owner, "in use by process %ld", (long)getpid());
    assert_int_equal(store_open(&second, &config, &fixture->scope), STATUS_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(fixture_issue(fixture), owner));
    fixture_close(fixture);
}

static void other_schemas_are_refused(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store_config config = {.folder = fixture->folder, .clock = fixture->clock};
    struct store *again = NULL;
    char path[512];
    sqlite3 *database = NULL;
    store_close(fixture->store);
    fixture->store = NULL;
    snprintf(path, sizeof path, "%s/store.db", fixture->folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_exec(database, "PRAGMA user_version=99", NULL, NULL, NULL);
    sqlite3_close(database);
    assert_int_equal(store_open(&again, &config, &fixture->scope), STATUS_UNSUPPORTED);
    assert_non_null(strstr(fixture_issue(fixture), "99"));
    fixture_close(fixture);
}

static void a_foreign_file_is_refused(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store_config config = {.folder = fixture->folder, .clock = fixture->clock};
    struct store *again = NULL;
    char path[512];
    store_close(fixture->store);
    fixture->store = NULL;
    fixture_remove_file(fixture, "store.db");
    snprintf(path, sizeof path, "%s/store.db", fixture->folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 200; i++) {
        fputs("this is no database at all, only text. ", file);
    }
    fclose(file);
    assert_int_equal(store_open(&again, &config, &fixture->scope), STATUS_FAILED);
    assert_null(again);
    fixture_close(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_lose_nothing),
        cmocka_unit_test(a_full_disk_refuses_writes_only),
        cmocka_unit_test(a_failing_write_refuses_writes_only),
        cmocka_unit_test(tampering_is_found),
        cmocka_unit_test(one_process_has_a_folder),
        cmocka_unit_test(other_schemas_are_refused),
        cmocka_unit_test(a_foreign_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
