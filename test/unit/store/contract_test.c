/* What store.h promises, one promise a test. */
#include "unit/store/fixture.h"

#include <sqlite3.h>

enum { PATIENT = 1, TASK = 2 };

/* ---- units ------------------------------------------------------------------------------------------------------------ */

struct seen {
    struct fixture *fixture;
    uint64_t seq[3];
    int64_t time_us[3];
    uint32_t version;
    int calls;
};

static enum status write_and_look(void *context, struct store_unit *unit, struct scope *scope) {
    struct seen *seen = context;
    struct store_resource found;
    struct fixture_put put = {.fixture = seen->fixture, .type = PATIENT, .id = "p", .body = "{\"a\":1}"};
    seen->seq[seen->calls] = store_unit_sequence(unit);
    seen->time_us[seen->calls++] = store_unit_time_us(unit);
    assert_int_equal(fixture_put_apply(&put, unit, scope), STATUS_OK);
    assert_int_equal(store_unit_get(&found, unit, PATIENT, TEXT("p"), STORE_WANT_BODY, scope), STATUS_OK);
    assert_true(text_is(found.body, "{\"a\":1}"));
    seen->version = found.version;
    return seen->calls == 2 ? STATUS_CONFLICT : STATUS_OK;
}

static void units_are_all_or_nothing(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct seen seen = {.fixture = fixture};
    struct store_resource found;
    assert_int_equal(store_run(fixture->store, write_and_look, &seen, &fixture->scope), STATUS_OK);
    assert_int_equal(store_run(fixture->store, write_and_look, &seen, &fixture->scope), STATUS_CONFLICT);
    assert_int_equal(seen.version, 2);
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_get(&found, view, PATIENT, TEXT("p"), STORE_WANT_BODY, &fixture->scope), STATUS_OK);
    assert_int_equal(found.version, 1);
    assert_int_equal(found.gap, 1);
    assert_int_equal(found.method, STORE_UPDATED);
    assert_int_equal(store_view_get_version(&found, view, PATIENT, TEXT("p"), 2, &fixture->scope), STATUS_NOT_FOUND);
    store_view_close(view);
    assert_int_equal(store_run(fixture->store, write_and_look, &seen, &fixture->scope), STATUS_OK);
    assert_int_equal(seen.version, 2);
    assert_true(seen.seq[0] < seen.seq[1] && seen.seq[1] < seen.seq[2]);
    assert_true(seen.time_us[0] < seen.time_us[1] || seen.time_us[0] < seen.time_us[2]);
    assert_true(seen.time_us[0] < seen.time_us[2]); /* the clock stands still */
    fixture_check(fixture);
    fixture_close(fixture);
}

static enum status exhaust(void *context, struct store_unit *unit, struct scope *scope) {
    struct fixture_put put = {.fixture = context, .type = PATIENT, .id = "lost"};
    assert_int_equal(fixture_put_apply(&put, unit, scope), STATUS_OK);
    while (arena_alloc(scope->arena, 4096) != NULL) {
    }
    return STATUS_OK;
}

static void exhausted_memory_undoes_one_unit(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store_resource found;
    struct arena *small = arena_open(4 << 20);
    struct scope scope = {.arena = small};
    assert_int_equal(store_run(fixture->store, exhaust, fixture, &scope), STATUS_TOO_COSTLY);
    assert_int_equal(scope.fault.count, 1);
    arena_close(small);
    fixture_write(fixture, PATIENT, "kept", NULL, NULL, 0);
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(
        store_view_get(&found, view, PATIENT, TEXT("lost"), STORE_WANT_BODY, &fixture->scope), STATUS_NOT_FOUND);
    assert_int_equal(store_view_get(&found, view, PATIENT, TEXT("kept"), STORE_WANT_BODY, &fixture->scope), STATUS_OK);
    store_view_close(view);
    fixture_check(fixture);
    fixture_close(fixture);
}

static void versions_go_on_after_deletion(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store_resource found;
    assert_int_equal(fixture_write(fixture, PATIENT, "p", "{}", NULL, 0).version, 1);
    assert_int_equal(fixture_delete(fixture, PATIENT, "p").version, 2);
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_get(&found, view, PATIENT, TEXT("p"), STORE_WANT_BODY, &fixture->scope), STATUS_OK);
    assert_int_equal(found.method, STORE_DELETED);
    assert_null(found.body.at);
    store_view_close(view);
    assert_int_equal(fixture_write(fixture, PATIENT, "p", "{}", NULL, 0).version, 3);
    struct fixture_put absent = {.fixture = fixture, .type = PATIENT, .id = "never", .deletes = true};
    assert_int_equal(store_run(fixture->store, fixture_put_apply, &absent, &fixture->scope), STATUS_NOT_FOUND);
    assert_int_equal(fixture->scope.fault.count, 0);
    struct store_figures figures;
    store_figures(&figures, fixture->store);
    assert_int_equal(figures.resources, 1);
    assert_int_equal(figures.versions, 3);
    fixture_close(fixture);
}

static void bad_rows_are_refused(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    char key[STORE_KEY_MAX + 1] = {0};
    struct store_row row = {.space = fixture_space(fixture, "s"), .key = {key, sizeof key}};
    struct fixture_put put = {.fixture = fixture, .type = PATIENT, .id = "p", .rows = &row, .row_count = 1};
    assert_int_equal(store_run(fixture->store, fixture_put_apply, &put, &fixture->scope), STATUS_INVALID);
    row = (struct store_row){.space = STORE_SPACE_UPDATED, .key = TEXT("x")};
    assert_int_equal(store_run(fixture->store, fixture_put_apply, &put, &fixture->scope), STATUS_INVALID);
    row.space = fixture_space(fixture, "s");
    assert_int_equal(store_run(fixture->store, fixture_put_apply, &put, &fixture->scope), STATUS_OK);
    fixture_check(fixture);
    fixture_close(fixture);
}

struct made {
    uint32_t space;
    struct store_resource source, target;
};

static enum status put_made(void *context, struct store_unit *unit, struct scope *scope) {
    struct made *made = context;
    const struct store_row row = {.space = made->space, .target_type = 2, .target_id = TEXT("made")};
    struct store_put source = {.type = 1,
        .id = TEXT("source"),
        .method = STORE_CREATED,
        .origin = STORE_ID_MADE,
        .body = {.packed = TEXT("{}"), .size = 2, .gap = 1},
        .rows = &row,
        .row_count = 1};
    struct store_put target = {.type = 2,
        .id = TEXT("made"),
        .method = STORE_CREATED,
        .origin = STORE_ID_MADE,
        .body = {.packed = TEXT("{}"), .size = 2, .gap = 1}};
    enum status status = store_unit_put(&made->source, unit, &source, scope);
    return status == STATUS_OK ? store_unit_put(&made->target, unit, &target, scope) : status;
}

/* An id that was made for its put may be the target of a reference of the same unit. */
static void made_ids_are_found_in_their_unit(void **state) {
    (void)state;
    struct fixture *f = fixture_open(0);
    struct made made = {.space = fixture_space(f, "refers")};
    assert_int_equal(store_run(f->store, put_made, &made, fixture_scope(f)), STATUS_OK);
    assert_int_equal(made.source.rid, 1);
    assert_int_equal(made.target.rid, 2);
    assert_int_equal(made.target.version, 1);
    assert_int_equal(fixture_write(f, 2, "made", "{}", NULL, 0).rid, 2);
    fixture_check(f);
    fixture_close(f);
}

static void spaces_keep_their_numbers(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    uint32_t numbers[600];
    char name[16];
    for (size_t i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "space%zu", i);
        numbers[i] = fixture_space(fixture, name);
        assert_int_equal(numbers[i], STORE_SPACE_FIRST_OWN + i);
    }
    fixture_reopen(fixture);
    for (size_t i = 600; i-- > 0;) {
        snprintf(name, sizeof name, "space%zu", i);
        assert_int_equal(fixture_space(fixture, name), numbers[i]);
    }
    fixture_close(fixture);
}

/* ---- claims ----------------------------------------------------------------------------------------------------------- */

struct claiming {
    const char *holder;
    struct text held;
    bool releases;
};

static enum status claim_bed(void *context, struct store_unit *unit, struct scope *scope) {
    struct claiming *claiming = context;
    if (claiming->releases) {
        return store_unit_release(unit, TEXT("bed"), TEXT("7"), text_from(claiming->holder), scope);
    }
    return store_unit_claim(&claiming->held, unit, TEXT("bed"), TEXT("7"), text_from(claiming->holder), scope);
}

static enum status holder_of_bed(void *context, struct store_unit *unit, struct scope *scope) {
    return store_unit_holder(context, unit, TEXT("bed"), TEXT("7"), scope);
}

static void claims_have_one_holder(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct claiming first = {.holder = "first"}, second = {.holder = "second"};
    struct text held;
    assert_int_equal(store_run(fixture->store, claim_bed, &first, &fixture->scope), STATUS_OK);
    assert_int_equal(store_run(fixture->store, claim_bed, &first, &fixture->scope), STATUS_OK);
    assert_int_equal(store_run(fixture->store, claim_bed, &second, &fixture->scope), STATUS_CONFLICT);
    assert_true(text_is(second.held, "first"));
    assert_int_equal(fixture->scope.fault.count, 0);
    second.releases = true;
    assert_int_equal(store_run(fixture->store, claim_bed, &second, &fixture->scope), STATUS_CONFLICT);
    fixture_reopen(fixture);
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_holder(&held, view, TEXT("bed"), TEXT("7"), &fixture->scope), STATUS_OK);
    assert_true(text_is(held, "first"));
    store_view_close(view);
    first.releases = true;
    assert_int_equal(store_run(fixture->store, claim_bed, &first, &fixture->scope), STATUS_OK);
    assert_int_equal(store_run(fixture->store, claim_bed, &second, &fixture->scope), STATUS_OK); /* nobody holds it */
    assert_int_equal(store_run(fixture->store, holder_of_bed, &held, &fixture->scope), STATUS_OK);
    assert_null(held.at);
    fixture_close(fixture);
}

/* ---- due times, notes --------------------------------------------------------------------------------------------------- */

struct due_change {
    const char *key;
    int64_t at_us; /* 0: clear */
    bool undo;
};

static enum status change_due(void *context, struct store_unit *unit, struct scope *scope) {
    const struct due_change *change = context;
    enum status status = change->at_us == 0
                             ? store_unit_due_clear(unit, TEXT("offers"), text_from(change->key), scope)
                             : store_unit_due_set(unit, TEXT("offers"), text_from(change->key), change->at_us, scope);
    return status == STATUS_OK && change->undo ? STATUS_CONFLICT : status;
}

static void due_times_come_in_order(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    static const struct due_change changes[] = {{"c", 300, false}, {"a", 100, false}, {"b", 200, false},
        {"d", 50, true}, {"a", 250, false}, {"e", 10, false}, {"e", 0, false}};
    struct store_due *due = NULL;
    size_t count = 0;
    assert_true(store_due_earliest_us(fixture->store) == INT64_MAX);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct due_change change = changes[i];
        assert_int_equal(
            store_run(fixture->store, change_due, &change, &fixture->scope), change.undo ? STATUS_CONFLICT : STATUS_OK);
    }
    assert_int_equal(store_due_earliest_us(fixture->store), 200);
    assert_int_equal(store_due_list(&due, &count, fixture->store, 250, 10, &fixture->scope), STATUS_OK);
    assert_int_equal(count, 2);
    assert_true(
        text_is(due[0].key, "b") && text_is(due[1].key, "a") && due[1].at_us == 250 && text_is(due[0].owner, "offers"));
    fixture_reopen(fixture);
    assert_int_equal(store_due_earliest_us(fixture->store), 200);
    assert_int_equal(store_due_list(&due, &count, fixture->store, INT64_MAX, 1, &fixture->scope), STATUS_OK);
    assert_int_equal(count, 1);
    fixture_close(fixture);
}

static enum status set_note(void *context, struct store_unit *unit, struct scope *scope) {
    return store_unit_note_set(unit, TEXT("region"), text_from(context), scope);
}

static void notes_are_kept(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct text value;
    assert_int_equal(store_run(fixture->store, set_note, (void *)"gangwon", &fixture->scope), STATUS_OK);
    assert_int_equal(store_run(fixture->store, set_note, (void *)"jeju", &fixture->scope), STATUS_OK);
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_note(&value, view, TEXT("region"), &fixture->scope), STATUS_OK);
    assert_true(text_is(value, "jeju"));
    assert_int_equal(store_view_note(&value, view, TEXT("other"), &fixture->scope), STATUS_OK);
    assert_null(value.at);
    store_view_close(view);
    fixture_close(fixture);
}

/* ---- searches ---------------------------------------------------------------------------------------------------------- */

static void rows_end_with_their_version(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    uint32_t space = fixture_space(fixture, "name");
    struct store_row kim = {.space = space, .key = TEXT("kim")}, lee = {.space = space, .key = TEXT("lee")};
    struct store_plan plan = {.kind = STORE_PLAN_RANGE, .space = space, .low = TEXT("kim"), .high = TEXT("kin")};
    uint64_t counts[3];
    fixture_write(fixture, PATIENT, "p", NULL, &kim, 1);
    uint64_t old = store_sequence(fixture->store);
    struct store_view *before = fixture_view(fixture, 0);
    fixture_write(fixture, PATIENT, "p", NULL, &lee, 1);
    struct store_view *after = fixture_view(fixture, 0), *again = fixture_view(fixture, old);
    assert_int_equal(store_view_count(&counts[0], before, &plan, 0, &fixture->scope), STATUS_OK);
    assert_int_equal(store_view_count(&counts[1], after, &plan, 0, &fixture->scope), STATUS_OK);
    assert_int_equal(store_view_count(&counts[2], again, &plan, 0, &fixture->scope), STATUS_OK);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[2], 1);
    fixture_close(fixture); /* also closes views that nobody closed: they are the arena's */
}

static void limits_are_named(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    uint32_t space = fixture_space(fixture, "name");
    for (int i = 0; i < 50; i++) {
        char id[16];
        snprintf(id, sizeof id, "p%d", i);
        struct store_row row = {.space = space, .key = text_from(id)};
        fixture_write(fixture, PATIENT, id, NULL, &row, 1);
    }
    struct store_plan plan = {.kind = STORE_PLAN_RANGE, .space = space};
    struct store_query query = {.plan = &plan, .limit = 5, .rows_max = 20};
    struct store_page page;
    uint64_t count;
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_select(&page, view, &query, &fixture->scope), STATUS_TOO_COSTLY);
    assert_non_null(strstr(fixture_issue(fixture), "20"));
    assert_int_equal(store_view_count(&count, view, &plan, 20, &fixture->scope), STATUS_TOO_COSTLY);
    query.rows_max = 0;
    query.after = TEXT("nowhere");
    assert_int_equal(store_view_select(&page, view, &query, &fixture->scope), STATUS_INVALID);
    store_view_close(view);
    fixture_close(fixture);
}

static void targets_are_named_once(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    uint32_t subject = fixture_space(fixture, "subject"), other = fixture_space(fixture, "other");
    struct store_row rows[] = {{.space = subject, .target_type = PATIENT, .target_id = TEXT("p")},
        {.space = other, .target_type = PATIENT, .target_id = TEXT("p")},
        {.space = other, .target_type = PATIENT, .target_id = TEXT("ghost")},
        {.space = other, .target_type = TASK, .target_id = TEXT("t")}};
    struct store_page page;
    fixture_write(fixture, PATIENT, "p", NULL, NULL, 0);
    fixture_write(fixture, TASK, "t", NULL, rows, 4);
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_targets(&page, view, TASK, TEXT("t"), 0, &fixture->scope), STATUS_OK);
    assert_int_equal(page.count, 3);
    assert_int_equal(store_view_targets(&page, view, TASK, TEXT("t"), other, &fixture->scope), STATUS_OK);
    assert_int_equal(page.count, 3);
    for (size_t i = 0; i < page.count; i++) {
        assert_int_equal(page.at[i].version == 0, text_is(page.at[i].id, "ghost"));
    }
    assert_int_equal(store_view_targets(&page, view, TASK, TEXT("t"), subject, &fixture->scope), STATUS_OK);
    assert_int_equal(page.count, 1);
    assert_int_equal(store_view_targets(&page, view, PATIENT, TEXT("ghost"), 0, &fixture->scope), STATUS_NOT_FOUND);
    store_view_close(view);
    fixture_close(fixture);
}

/* ---- history ------------------------------------------------------------------------------------------------------------ */

enum { MANY_VERSIONS = 300 };

static void history_pages(
    struct fixture *fixture, struct store_history_query *query, uint32_t newest, uint32_t oldest) {
    struct store_view *view = fixture_view(fixture, 0);
    uint64_t count = 0;
    uint32_t expected = newest;
    query->after = (struct text){0};
    for (;;) {
        struct store_page page;
        assert_int_equal(store_view_history(&page, view, query, &fixture->scope), STATUS_OK);
        for (size_t i = 0; i < page.count; i++) {
            assert_int_equal(page.at[i].version, expected--);
        }
        if (page.next.at == NULL) {
            break;
        }
        query->after = page.next;
    }
    assert_int_equal(expected, oldest - 1);
    assert_int_equal(store_view_history_count(&count, view, query, &fixture->scope), STATUS_OK);
    assert_int_equal(count, newest - oldest + 1);
    store_view_close(view);
}

static void history_is_newest_first(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    uint64_t seqs[MANY_VERSIONS + 1];
    int64_t times[MANY_VERSIONS + 1];
    struct store_resource found;
    for (uint32_t i = 1; i <= MANY_VERSIONS; i++) {
        char body[32];
        snprintf(body, sizeof body, "{\"n\":%u}", i);
        clock_advance(fixture->clock, 1000);
        struct store_resource written = fixture_write(fixture, PATIENT, "p", body, NULL, 0);
        seqs[i] = written.seq;
        times[i] = written.updated_us;
    }
    struct store_view *view = fixture_view(fixture, 0);
    for (uint32_t i = 1; i <= MANY_VERSIONS; i += 7) {
        char body[32];
        snprintf(body, sizeof body, "{\"n\":%u}", i);
        assert_int_equal(store_view_get_version(&found, view, PATIENT, TEXT("p"), i, &fixture->scope), STATUS_OK);
        assert_true(text_is(found.body, body));
        struct store_view *then = fixture_view(fixture, seqs[i]);
        assert_int_equal(store_view_get(&found, then, PATIENT, TEXT("p"), STORE_WANT_BODY, &fixture->scope), STATUS_OK);
        assert_int_equal(found.version, i);
        assert_true(text_is(found.body, body));
        store_view_close(then);
    }
    store_view_close(view);
    struct store_history_query of_one = {.type = PATIENT, .id = TEXT("p"), .limit = 31},
                               of_type = {.type = PATIENT, .limit = 64}, of_all = {.limit = 1000};
    history_pages(fixture, &of_one, MANY_VERSIONS, 1);
    history_pages(fixture, &of_type, MANY_VERSIONS, 1);
    history_pages(fixture, &of_all, MANY_VERSIONS, 1);
    of_one.since_us = of_all.since_us = times[200];
    history_pages(fixture, &of_one, MANY_VERSIONS, 200);
    history_pages(fixture, &of_all, MANY_VERSIONS, 200);
    of_one.since_us = of_all.since_us = 0;
    of_one.at_us = of_all.at_us = times[200] + 10; /* version 200 was current then */
    history_pages(fixture, &of_one, MANY_VERSIONS, 200);
    history_pages(fixture, &of_all, MANY_VERSIONS, 200);
    struct store_history_query of_other = {.type = TASK, .limit = 5};
    struct store_page page;
    view = fixture_view(fixture, 0);
    assert_int_equal(store_view_history(&page, view, &of_other, &fixture->scope), STATUS_OK);
    assert_int_equal(page.count, 0);
    store_view_close(view);
    fixture_close(fixture);
}

/* ---- fifteen minutes ------------------------------------------------------------------------------------------------------ */

static void old_states_live_for_fifteen_minutes(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store_view *view = NULL;
    const int64_t second = 1000000;
    fixture_write(fixture, PATIENT, "p", NULL, NULL, 0);
    uint64_t old = store_sequence(fixture->store);
    clock_advance(fixture->clock, 3600 * second); /* nothing replaced it: it is still the newest */
    assert_int_equal(store_view_open(&view, fixture->store, old, &fixture->scope), STATUS_OK);
    store_view_close(view);
    fixture_write(fixture, PATIENT, "p", NULL, NULL, 0);
    fixture_write(fixture, PATIENT, "p", NULL, NULL, 0);
    clock_advance(fixture->clock, (STORE_CURSOR_LIFE_S - 5) * second);
    fixture_write(fixture, PATIENT, "p", NULL, NULL, 0);
    fixture_reopen(fixture);
    assert_int_equal(store_view_open(&view, fixture->store, old, &fixture->scope), STATUS_OK);
    store_view_close(view);
    clock_advance(fixture->clock, 10 * second);
    assert_int_equal(store_view_open(&view, fixture->store, old, &fixture->scope), STATUS_GONE);
    assert_int_equal(
        store_view_open(&view, fixture->store, store_sequence(fixture->store), &fixture->scope), STATUS_OK);
    store_view_close(view);
    assert_int_equal(
        store_view_open(&view, fixture->store, store_sequence(fixture->store) + 1, &fixture->scope), STATUS_INVALID);
    fixture_reopen(fixture);
    assert_int_equal(store_view_open(&view, fixture->store, old, &fixture->scope), STATUS_GONE);
    fixture_check(fixture);
    fixture_close(fixture);
}

static int64_t past_rows(struct fixture *fixture) {
    sqlite3 *database = NULL;
    sqlite3_stmt *count = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/store.db", fixture->folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, "SELECT count(*) FROM past", -1, &count, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    int64_t rows = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    sqlite3_close(database);
    return rows;
}

static void wait_for_past_rows(struct fixture *fixture, int64_t rows) {
    for (int i = 0; i < 200 && past_rows(fixture) != rows; i++) {
        usleep(50000);
    }
    assert_int_equal(past_rows(fixture), rows);
}

static void ended_rows_are_removed(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    uint32_t space = fixture_space(fixture, "s");
    struct store_row one = {.space = space, .key = TEXT("one")}, two = {.space = space, .key = TEXT("two")};
    fixture_write(fixture, PATIENT, "p", NULL, &one, 1);
    fixture_write(fixture, PATIENT, "p", NULL, &two, 1);
    fixture_write(fixture, PATIENT, "q", NULL, &one, 1);
    fixture_delete(fixture, PATIENT, "q");
    wait_for_past_rows(fixture, 5); /* of p its key and its time, of q these and its type */
    clock_advance(fixture->clock, (STORE_CURSOR_LIFE_S + 1) * INT64_C(1000000));
    fixture_write(fixture, PATIENT, "r", NULL, NULL, 0);
    clock_advance(fixture->clock, (STORE_CURSOR_LIFE_S + 1) * INT64_C(1000000));
    wait_for_past_rows(fixture, 0);
    fixture_check(fixture);
    fixture_close(fixture);
}

/* ---- damage ---------------------------------------------------------------------------------------------------------------- */

static void damage(struct fixture *fixture, const char *sql) {
    sqlite3 *database = NULL;
    char path[512];
    store_close(fixture->store);
    snprintf(path, sizeof path, "%s/store.db", fixture->folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(database), 1);
    sqlite3_close(database);
    fixture_open_store(fixture);
}

static void one_bad_row_fails_no_page(void **state) {
    (void)state;
    static const char *const damages[] = {
        "UPDATE single SET body=x'00' WHERE vid=1",
        "UPDATE single SET gap=0 WHERE vid=1",
        "UPDATE single SET gap=2 WHERE vid=1",
        "UPDATE single SET gap=-1 WHERE vid=1",
        "UPDATE resource SET id=x'' WHERE rid=1",
        "UPDATE resource SET id=x'0101' WHERE rid=1",
        "UPDATE resource SET id=x'0270' WHERE rid=1",
        "UPDATE resource SET id=zeroblob(999) WHERE rid=1",
        "UPDATE resource SET method=9223372036854775807 WHERE rid=1",
        "UPDATE resource SET version=-1 WHERE rid=1",
        "UPDATE resource SET type=65536 WHERE rid=1",
    };
    struct store_plan plan = {.kind = STORE_PLAN_TYPE, .type = PATIENT};
    struct store_query query = {.plan = &plan, .limit = 10, .want = STORE_WANT_BODY};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct fixture *fixture = fixture_open(0);
        struct store_page page;
        fixture_write(fixture, PATIENT, "p", "{}", NULL, 0);
        fixture_write(fixture, PATIENT, "q", "{}", NULL, 0);
        damage(fixture, damages[i]);
        for (int again = 0; again < 2; again++) { /* what was read once may be kept */
            struct store_view *view = fixture_view(fixture, 0);
            assert_int_equal(store_view_select(&page, view, &query, &fixture->scope), STATUS_OK);
            assert_int_equal(page.count, 1);
            assert_true(text_is(page.at[0].id, "q"));
            store_view_close(view);
        }
        fixture_close(fixture);
    }
}

/* Numbers of resources that were never given: in a state that says so, every row behind it is damage. */
static void rows_of_no_resource_are_a_fault(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    fixture_write(fixture, PATIENT, "p", "{}", NULL, 0);
    fixture_write(fixture, PATIENT, "q", "{}", NULL, 0);
    damage(fixture, "UPDATE state SET rid_next=2");
    struct store_plan type = {.kind = STORE_PLAN_TYPE, .type = PATIENT};
    const struct store_plan *children[] = {&type, &type};
    struct store_plan either = {.kind = STORE_PLAN_UNION, .children = children, .child_count = 2};
    struct store_query query = {.plan = &either, .limit = 10, .want = STORE_WANT_BODY};
    struct store_page page;
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_select(&page, view, &query, &fixture->scope), STATUS_FAILED);
    store_view_close(view);
    fixture_close(fixture);
}

static void a_chain_of_versions_ends(void **state) {
    (void)state;
    static const char *const damages[] = {
        "UPDATE version SET previous=3 WHERE vid=2",
        "UPDATE version SET previous=3 WHERE vid=3",
        "UPDATE version SET previous=-1 WHERE vid=3",
        "UPDATE version SET base=3 WHERE vid=2",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct fixture *fixture = fixture_open(0);
        struct store_resource found;
        for (int version = 1; version <= 3; version++) {
            fixture_write(fixture, PATIENT, "p", "{}", NULL, 0);
        }
        damage(fixture, damages[i]);
        struct store_view *view = fixture_view(fixture, 0);
        assert_int_equal(store_view_get_version(&found, view, PATIENT, TEXT("p"), 1, &fixture->scope), STATUS_FAILED);
        assert_int_equal(store_view_get_version(&found, view, PATIENT, TEXT("p"), 3, &fixture->scope), STATUS_OK);
        store_view_close(view);
        fixture_close(fixture);
    }
}

static enum status write_one(void *context, struct store_unit *unit, struct scope *scope) {
    struct store_resource written;
    const struct store_put put = {
        .type = PATIENT, .id = TEXT("p"), .method = STORE_UPDATED, .body = {.packed = TEXT("{}"), .size = 2, .gap = 1}};
    (void)context;
    return store_unit_put(&written, unit, &put, scope);
}

static void a_missing_row_fails_its_unit(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    fixture_write(fixture, PATIENT, "p", "{}", NULL, 0);
    fixture_write(fixture, PATIENT, "q", "{}", NULL, 0);
    damage(fixture, "DELETE FROM resource WHERE rid=1");
    assert_int_equal(store_run(fixture->store, write_one, NULL, fixture_scope(fixture)), STATUS_FAILED);
    fixture_write(fixture, PATIENT, "q", "{}", NULL, 0);
    fixture_close(fixture);
}

/* ---- audit ---------------------------------------------------------------------------------------------------------------- */

static enum status add_audit(void *context, struct store_unit *unit, struct scope *scope) {
    return store_unit_audit(unit, text_from(context), scope);
}

static void audit_rows_form_a_chain(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    struct store_audit_entry *entries = NULL;
    size_t count = 0;
    assert_int_equal(store_run(fixture->store, add_audit, (void *)"one", &fixture->scope), STATUS_OK);
    fixture_reopen(fixture);
    assert_int_equal(store_run(fixture->store, add_audit, (void *)"two", &fixture->scope), STATUS_OK);
    assert_int_equal(store_run(fixture->store, add_audit, (void *)"three", &fixture->scope), STATUS_OK);
    struct store_view *view = fixture_view(fixture, 0);
    assert_int_equal(store_view_audit(&entries, &count, view, 1, 10, &fixture->scope), STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(entries[0].number, 2);
    assert_true(text_is(entries[0].entry, "two") && text_is(entries[1].entry, "three"));
    store_view_close(view);
    fixture_check(fixture);
    fixture_close(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_all_or_nothing),
        cmocka_unit_test(exhausted_memory_undoes_one_unit),
        cmocka_unit_test(versions_go_on_after_deletion),
        cmocka_unit_test(bad_rows_are_refused),
        cmocka_unit_test(made_ids_are_found_in_their_unit),
        cmocka_unit_test(spaces_keep_their_numbers),
        cmocka_unit_test(claims_have_one_holder),
        cmocka_unit_test(due_times_come_in_order),
        cmocka_unit_test(notes_are_kept),
        cmocka_unit_test(rows_end_with_their_version),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(targets_are_named_once),
        cmocka_unit_test(history_is_newest_first),
        cmocka_unit_test(old_states_live_for_fifteen_minutes),
        cmocka_unit_test(ended_rows_are_removed),
        cmocka_unit_test(one_bad_row_fails_no_page),
        cmocka_unit_test(rows_of_no_resource_are_a_fault),
        cmocka_unit_test(a_chain_of_versions_ends),
        cmocka_unit_test(a_missing_row_fails_its_unit),
        cmocka_unit_test(audit_rows_form_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
