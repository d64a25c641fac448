/* Words of bodies in a model and in the store: updated, deleted, undone, indexed or not, restarted, damaged, seen from old
 * states. Every search must agree, however far the indexer is. */
#include "store/store_internal.h"
#include "store/text_index.h"
#include "unit/store/fixture.h"

enum { TYPES = 2, IDS = 30, THINGS = TYPES * IDS, WORDS = 6, STATES_MAX = 60, DEPTH_MAX = 3, TEXT_MAX = 64 };

static const char *const vocabulary[WORDS] = {"a", "ab", "abc", "b", "ba", "\xea\xb3\xa0"};

struct thing_text {
    bool exists;
    char fields[STORE_TEXT_FIELDS][TEXT_MAX]; /* as in store_words */
};

struct kept_state {
    uint64_t seq;
    int64_t at_us;
    struct thing_text things[THINGS];
};

struct play {
    struct fixture *fixture;
    uint64_t random;
    struct thing_text now[THINGS];
    struct kept_state *kept;
    int kept_count;
};

static uint64_t roll(struct play *play, uint64_t below) {
    play->random = play->random * 6364136223846793005U + 1442695040888963407U;
    return (play->random >> 33) % below;
}

/* A body is its two fields with a bar between. */
static enum status read_bar(
    struct store_words *out, void *context, uint16_t type, struct text body, struct scope *scope) {
    (void)context, (void)type, (void)scope;
    struct text rest = body;
    out->fields[0] = text_cut(&rest, '|');
    out->fields[1] = rest;
    return STATUS_OK;
}

static const struct store_text_source bar_source = {.read = read_bar, .form = "bar"};

static void serve(struct play *play) {
    assert_int_equal(store_text_serve(play->fixture->store, &bar_source, &play->fixture->scope), STATUS_OK);
}

static uint16_t thing_type(int thing) {
    return (uint16_t)(1 + thing / IDS);
}

static const char *thing_id(struct arena *arena, int thing) {
    return text_format(arena, "id.%d", thing % IDS).at;
}

/* ---- units ------------------------------------------------------------------------------------------------------------ */

static void random_field(struct play *play, char *out) {
    size_t count = roll(play, 5);
    snprintf(out, TEXT_MAX, " ");
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(out);
        snprintf(out + used, TEXT_MAX - used, "%s ", vocabulary[roll(play, WORDS)]);
    }
}

struct random_unit {
    struct play *play;
    struct thing_text after[THINGS];
    bool undo;
};

static enum status apply_random(void *context, struct store_unit *unit, struct scope *scope) {
    struct random_unit *run = context;
    struct play *play = run->play;
    size_t writes = 1 + roll(play, 4);
    for (size_t i = 0; i < writes; i++) {
        int thing = (int)roll(play, THINGS);
        struct thing_text *text = &run->after[thing];
        struct fixture_put put = {
            .fixture = play->fixture, .type = thing_type(thing), .id = thing_id(scope->arena, thing)};
        put.deletes = text->exists && roll(play, 5) == 0;
        text->exists = !put.deletes;
        for (size_t f = 0; f < STORE_TEXT_FIELDS; f++) {
            random_field(play, text->fields[f]);
        }
        put.body = text_format(scope->arena, "%s|%s", text->fields[0], text->fields[1]).at;
        assert_int_equal(fixture_put_apply(&put, unit, scope), STATUS_OK);
    }
    return run->undo ? STATUS_PRECONDITION : STATUS_OK;
}

static void play_unit(struct play *play) {
    struct random_unit run = {.play = play, .undo = roll(play, 6) == 0};
    memcpy(run.after, play->now, sizeof run.after);
    clock_advance(play->fixture->clock, (int64_t)roll(play, 2000000));
    enum status status = store_run(play->fixture->store, apply_random, &run, fixture_scope(play->fixture));
    assert_int_equal(status, run.undo ? STATUS_PRECONDITION : STATUS_OK);
    if (run.undo) {
        return;
    }
    memcpy(play->now, run.after, sizeof run.after);
    if (roll(play, 6) == 0 && play->kept_count < STATES_MAX) {
        struct kept_state *kept = &play->kept[play->kept_count++];
        kept->seq = store_sequence(play->fixture->store);
        kept->at_us = clock_now_us(play->fixture->clock);
        memcpy(kept->things, play->now, sizeof play->now);
    }
}

/* ---- searches --------------------------------------------------------------------------------------------------------- */

static const struct store_text *random_text(struct play *play, int depth) {
    struct arena *arena = play->fixture->arena;
    struct store_text *text = ARENA_NEW(arena, struct store_text);
    if (depth == 0 || roll(play, 3) == 0) {
        const char *first = vocabulary[roll(play, WORDS)], *second = vocabulary[roll(play, WORDS)];
        text->fields = 1 + (unsigned)roll(play, 3);
        text->words = roll(play, 2) == 0 ? text_from(first) : text_format(arena, "%s %s", first, second);
        text->end = roll(play, 3) == 0 ? STORE_TEXT_PREFIX : STORE_TEXT_WHOLE;
        return text;
    }
    static const enum store_text_kind kinds[] = {STORE_TEXT_ALL, STORE_TEXT_ANY, STORE_TEXT_WITHOUT};
    text->kind = kinds[roll(play, 3)];
    text->child_count = 2 + roll(play, 2);
    const struct store_text **children = ARENA_ARRAY(arena, const struct store_text *, text->child_count);
    for (size_t i = 0; i < text->child_count; i++) {
        children[i] = random_text(play, depth - 1);
    }
    text->children = children;
    return text;
}

static bool expected_phrase(const struct store_text *text, const struct thing_text *thing) {
    char sought[TEXT_MAX];
    snprintf(sought, sizeof sought, " %.*s%s", (int)text->words.size, text->words.at,
        text->end == STORE_TEXT_WHOLE ? " " : "");
    bool fits = false;
    for (unsigned f = 0; f < STORE_TEXT_FIELDS; f++) {
        fits = fits || ((text->fields >> f & 1) != 0 && strstr(thing->fields[f], sought) != NULL);
    }
    return fits;
}

static bool expected(const struct store_text *text, const struct thing_text *thing) {
    if (text->kind == STORE_TEXT_PHRASE) {
        return expected_phrase(text, thing);
    }
    bool first = expected(text->children[0], thing), any = false, all = true;
    for (size_t i = 1; i < text->child_count; i++) {
        bool fits = expected(text->children[i], thing);
        any = any || fits;
        all = all && fits;
    }
    return text->kind == STORE_TEXT_ALL ? first && all : text->kind == STORE_TEXT_ANY ? first || any : first && !any;
}

/* The words alone, those of a type, or a type's others. */
static const struct store_plan *random_plan(struct play *play, const struct store_text *text, int *shape_out) {
    struct arena *arena = play->fixture->arena;
    struct store_plan *leaf = ARENA_NEW(arena, struct store_plan), *type = ARENA_NEW(arena, struct store_plan);
    struct store_plan *whole = ARENA_NEW(arena, struct store_plan);
    const struct store_plan **children = ARENA_ARRAY(arena, const struct store_plan *, 2);
    *leaf = (struct store_plan){.kind = STORE_PLAN_TEXT, .text = text};
    *type = (struct store_plan){.kind = STORE_PLAN_TYPE, .type = 1};
    *shape_out = (int)roll(play, 3);
    children[0] = *shape_out == 2 ? type : leaf;
    children[1] = *shape_out == 2 ? leaf : type;
    *whole = (struct store_plan){
        .kind = *shape_out == 2 ? STORE_PLAN_SUBTRACT : STORE_PLAN_INTERSECT, .children = children, .child_count = 2};
    return *shape_out == 0 ? leaf : whole;
}

static bool expected_of(int shape, const struct store_text *text, const struct thing_text *things, int thing) {
    bool fits = expected(text, &things[thing]), is_first = thing_type(thing) == 1;
    return things[thing].exists && (shape == 0 ? fits : shape == 1 ? fits && is_first : is_first && !fits);
}

static void check_state(struct play *play, uint64_t seq, const struct thing_text *things) {
    struct scope *scope = fixture_scope(play->fixture);
    struct store_view *view = fixture_view(play->fixture, seq);
    const struct store_text *text = random_text(play, DEPTH_MAX);
    int shape;
    struct store_query query = {.plan = random_plan(play, text, &shape), .limit = 1 + roll(play, 2 * THINGS)};
    query.sort_count = roll(play, 2);
    query.sorts[0].space = STORE_SPACE_UPDATED;
    size_t found = 0, wanted = 0;
    bool seen[THINGS] = {false};
    do {
        struct store_page page;
        enum status status = store_view_select(&page, view, &query, scope);
        if (status != STATUS_OK) {
            fail_msg("%s: %s", status_name(status), fixture_issue(play->fixture));
        }
        for (size_t i = 0; i < page.count; i++) {
            struct text id = page.at[i].id;
            int64_t number = -1;
            assert_true(text_to_int64(&number, (struct text){id.at + 3, id.size - 3}));
            int thing = (page.at[i].type - 1) * IDS + (int)number;
            assert_false(seen[thing]);
            seen[thing] = true;
            assert_true(expected_of(shape, text, things, thing));
        }
        found += page.count;
        query.after = page.next;
    } while (query.after.at != NULL);
    for (int thing = 0; thing < THINGS; thing++) {
        wanted += expected_of(shape, text, things, thing);
    }
    assert_int_equal(found, wanted);
    uint64_t count;
    assert_int_equal(store_view_count(&count, view, query.plan, 0, scope), STATUS_OK);
    assert_int_equal(count, wanted);
}

static void check_all_states(struct play *play) {
    check_state(play, 0, play->now);
    for (int i = play->kept_count; i-- > 0;) {
        const struct kept_state *kept = &play->kept[i];
        if (clock_now_us(play->fixture->clock) - kept->at_us < INT64_C(800) * 1000 * 1000) {
            check_state(play, kept->seq, kept->things);
        }
    }
}

static void reach_the_end(struct play *play) {
    struct text_index *index = atomic_load(&play->fixture->store->text);
    uint64_t end = atomic_load(&play->fixture->store->versions) + 1;
    assert_int_equal(text_index_reach(index, end, fixture_scope(play->fixture)), STATUS_OK);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------ */

static struct play *play_open(uint64_t seed, size_t memory_rows_max) {
    struct play *play = calloc(1, sizeof *play);
    play->fixture = fixture_open(memory_rows_max);
    play->random = seed;
    play->kept = calloc(STATES_MAX, sizeof *play->kept);
    serve(play);
    return play;
}

static void play_reopen(struct play *play) {
    fixture_scope(play->fixture);
    fixture_reopen(play->fixture);
    serve(play);
}

static void play_close(struct play *play) {
    fixture_scope(play->fixture);
    store_close(play->fixture->store);
    play->fixture->store = NULL;
    static const char *const names[] = {"text.db", "text.db-wal", "text.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fixture_remove_file(play->fixture, names[i]);
    }
    fixture_close(play->fixture);
    free(play->kept);
    free(play);
}

static void test_random_histories(void **state) {
    (void)state;
    const char *rounds = getenv("SOYANG_STORE_MODEL_ROUNDS");
    for (uint64_t round = 0; round < (rounds == NULL ? 4 : strtoull(rounds, NULL, 10)); round++) {
        struct play *play = play_open(round * 7919 + 1, 200);
        for (int step = 0; step < 150; step++) {
            play_unit(play);
            uint64_t what = roll(play, 12);
            if (what == 0) {
                reach_the_end(play);
            } else if (what == 1 && step % 5 == 0) {
                play_reopen(play);
            } else if (what == 2 && step % 3 == 0) {
                clock_advance(play->fixture->clock, INT64_C(600) * 1000 * 1000);
            } else if (what < 7) {
                check_all_states(play);
            }
        }
        fixture_check(play->fixture);
        play_close(play);
    }
}

static uint64_t count_of(const char *path, const char *sql) {
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    }
    uint64_t count = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}

/* What no view may see any more leaves the index, to the last posting. */
static void test_ended_versions_leave(void **state) {
    (void)state;
    struct play *play = play_open(5, 0);
    char path[512];
    snprintf(path, sizeof path, "%s/text.db", play->fixture->folder);
    for (int i = 0; i < 60; i++) {
        play_unit(play);
    }
    reach_the_end(play);
    uint64_t before = count_of(path, "SELECT count(*) FROM document");
    clock_advance(play->fixture->clock, INT64_C(3600) * 1000 * 1000);
    for (int i = 0; i < 3; i++) {
        play_unit(play);
        clock_advance(play->fixture->clock, INT64_C(3600) * 1000 * 1000);
        reach_the_end(play);
    }
    text_index_ask(atomic_load(&play->fixture->store->text));
    uint64_t wanted = 0;
    for (int i = 0; i < THINGS; i++) {
        const struct thing_text *thing = &play->now[i];
        wanted += thing->exists && (strlen(thing->fields[0]) > 1 || strlen(thing->fields[1]) > 1);
    }
    uint64_t left = count_of(path, "SELECT count(*) FROM document");
    assert_true(left < before && left <= wanted + 12); /* the last units' own ended versions may still be there */
    (void)count_of(path, "INSERT INTO words(words) VALUES('integrity-check')");
    check_all_states(play);
    play_close(play);
}

static void overwrite(const char *path, long at, size_t size) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    for (size_t i = 0; i < size; i++) {
        fputc('x', file);
    }
    fclose(file);
}

static void test_a_damaged_file_is_made_anew(void **state) {
    (void)state;
    static const long places[] = {0, 100, 4096 + 200};
    for (size_t place = 0; place < sizeof places / sizeof *places; place++) {
        struct play *play = play_open(17 + place, 0);
        char path[512];
        snprintf(path, sizeof path, "%s/text.db", play->fixture->folder);
        for (int i = 0; i < 40; i++) {
            play_unit(play);
        }
        reach_the_end(play);
        store_close(play->fixture->store);
        overwrite(path, places[place], 3000);
        fixture_open_store(play->fixture);
        serve(play);
        for (int i = 0; i < 10; i++) {
            play_unit(play);
        }
        reach_the_end(play);
        check_all_states(play);
        play_close(play);
    }
}

/* Closes the store, lets `change` loose on its file of words, and says what a check finds then. */
static enum status checked_after(struct play *play, const char *change) {
    char path[512];
    snprintf(path, sizeof path, "%s/text.db", play->fixture->folder);
    store_close(play->fixture->store);
    if (change != NULL) {
        sqlite3 *file = NULL;
        assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
        assert_int_equal(sqlite3_exec(file, change, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(file);
    } else {
        overwrite(path, 100, 3000);
    }
    fixture_open_store(play->fixture); /* nobody serves words, so nobody mends them */
    store_text_know(play->fixture->store, &bar_source);
    uint64_t versions = 0;
    return store_check(&versions, play->fixture->store, NULL, NULL, fixture_scope(play->fixture));
}

static void test_a_check_finds_damage(void **state) {
    (void)state;
    static const struct {
        const char *change, *said;
    } rows[] = {
        {"SELECT 1", NULL},
        {NULL, "text index is damaged"},
        {"DELETE FROM document WHERE vid=(SELECT min(vid) FROM document)", "that is not listed"},
        {"INSERT INTO document SELECT 1000000,rid,0 FROM document LIMIT 1", "that the store does not have"},
        {"UPDATE document SET rid=rid+1 WHERE vid=(SELECT max(vid) FROM document)", "that the store does not have"},
        {"INSERT INTO words(rowid,field0,field1) VALUES(999999,' stray ',' ')", "not folded yet"},
        {"UPDATE document SET ended=7 WHERE vid=(SELECT max(vid) FROM document WHERE ended=0)", "one that ended"},
        {"UPDATE document SET ended=0", "as the current one that is not"},
        {"DELETE FROM ended", "not told as such"},
        {"UPDATE mark SET vid=vid+1000", "ahead of the store"},
        {"UPDATE mark SET seq=seq+1", "another store"},
        {"DELETE FROM mark", "text index is damaged"},
        {"INSERT INTO words(words) VALUES('delete-all'); DELETE FROM document; DELETE FROM ended",
            "the words of a current version are not in it"},
        {"INSERT INTO words(words) VALUES('delete-all'); DELETE FROM document; DELETE FROM ended; UPDATE mark SET "
         "form=CAST('another' AS BLOB)",
            NULL},
        {"DELETE FROM words_data WHERE id=(SELECT max(id) FROM words_data)", "text index is damaged"},
        {"UPDATE words_data SET block=zeroblob(length(block)) WHERE id=(SELECT max(id) FROM words_data)",
            "text index is damaged"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct play *play = play_open(31, 0);
        for (int n = 0; n < 30; n++) {
            play_unit(play);
        }
        reach_the_end(play);
        enum status status = checked_after(play, rows[i].change);
        const struct issue *issue = play->fixture->scope.fault.first;
        bool found = false;
        for (; issue != NULL && rows[i].said != NULL; issue = issue->next) {
            found = found || strstr(issue->text, rows[i].said) != NULL;
        }
        if (status != (rows[i].said == NULL ? STATUS_OK : STATUS_FAILED) || found != (rows[i].said != NULL)) {
            issue = play->fixture->scope.fault.first;
            fail_msg("%s: %s", rows[i].change, issue == NULL ? "nothing" : issue->text);
        }
        serve(play);
        play_unit(play);
        play_close(play);
    }
}

/* How many versions have words in the index, while it is being kept up. */
static void test_a_check_counts(void **state) {
    (void)state;
    struct play *play = play_open(37, 0);
    for (int i = 0; i < 30; i++) {
        play_unit(play);
    }
    reach_the_end(play);
    char path[512];
    snprintf(path, sizeof path, "%s/text.db", play->fixture->folder);
    uint64_t versions = 0;
    enum status status = store_check(&versions, play->fixture->store, NULL, NULL, fixture_scope(play->fixture));
    if (status != STATUS_OK) {
        fail_msg("%s", play->fixture->scope.fault.first->text);
    }
    assert_true(versions > 0);
    assert_int_equal(versions, count_of(path, "SELECT count(*) FROM document"));
    play_close(play);
}

static void copy(const char *from, const char *to) {
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in != NULL && out != NULL);
    char bytes[4096];
    for (size_t size; (size = fread(bytes, 1, sizeof bytes, in)) > 0;) {
        assert_int_equal(fwrite(bytes, 1, size, out), size);
    }
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* An older copy of the store under a newer index: other versions bear the numbers that are indexed. */
static void test_an_index_of_another_store(void **state) {
    (void)state;
    struct play *play = play_open(23, 0);
    char store[512], saved[520];
    snprintf(store, sizeof store, "%s/store.db", play->fixture->folder);
    snprintf(saved, sizeof saved, "%s.saved", store);
    for (int i = 0; i < 20; i++) {
        play_unit(play);
    }
    store_close(play->fixture->store);
    copy(store, saved);
    struct thing_text then[THINGS];
    memcpy(then, play->now, sizeof then);
    fixture_open_store(play->fixture);
    serve(play);
    for (int i = 0; i < 20; i++) {
        play_unit(play);
    }
    reach_the_end(play);
    store_close(play->fixture->store);
    copy(saved, store);
    unlink(saved);
    memcpy(play->now, then, sizeof then);
    play->kept_count = 0;
    fixture_open_store(play->fixture);
    serve(play);
    for (int i = 0; i < 15; i++) {
        play_unit(play);
    }
    reach_the_end(play);
    check_all_states(play);
    play_close(play);
}

static void test_nobody_serves(void **state) {
    (void)state;
    struct fixture *fixture = fixture_open(0);
    (void)fixture_write(fixture, 1, "a", " a | ", NULL, 0);
    struct store_text text = {.fields = 1, .words = TEXT("a")};
    struct store_plan plan = {.kind = STORE_PLAN_TEXT, .text = &text};
    struct store_page page;
    struct store_query query = {.plan = &plan, .limit = 5};
    assert_int_equal(store_view_select(&page, fixture_view(fixture, 0), &query, &fixture->scope), STATUS_UNSUPPORTED);
    fixture_close(fixture);
}

struct many {
    struct play *play;
    int from, count;
};

static enum status put_many(void *context, struct store_unit *unit, struct scope *scope) {
    const struct many *many = context;
    for (int i = many->from; i < many->from + many->count; i++) {
        struct fixture_put put = {.fixture = many->play->fixture,
            .type = 1,
            .id = text_format(scope->arena, "many.%d", i).at,
            .body = i % 100 == 0 ? " rare | b " : " often | b "};
        assert_int_equal(fixture_put_apply(&put, unit, scope), STATUS_OK);
    }
    return STATUS_OK;
}

struct unit_search {
    const struct store_query *query;
    struct store_page page;
};

static enum status select_inside(void *context, struct store_unit *unit, struct scope *scope) {
    struct unit_search *search = context;
    return store_unit_select(&search->page, unit, search->query, scope);
}

/* More than is read one by one: the writer is not kept waiting, a reader waits for the index. */
static void test_a_long_tail(void **state) {
    (void)state;
    struct play *play = play_open(29, 0);
    struct many many = {.play = play, .count = 3 * TEXT_TAIL_MAX};
    assert_int_equal(store_run(play->fixture->store, put_many, &many, &play->fixture->scope), STATUS_OK);
    struct store_text text = {.fields = 3, .words = TEXT("rare")};
    struct store_plan plan = {.kind = STORE_PLAN_TEXT, .text = &text};
    struct store_query query = {.plan = &plan, .limit = 1000};
    struct unit_search search = {.query = &query};
    play->fixture->store->costs.tests_before_set = 0;
    enum status status = store_run(play->fixture->store, select_inside, &search, fixture_scope(play->fixture));
    assert_true(status == STATUS_TOO_COSTLY || status == STATUS_OK); /* it may be ready already */
    struct store_page page;
    assert_int_equal(
        store_view_select(&page, fixture_view(play->fixture, 0), &query, &play->fixture->scope), STATUS_OK);
    assert_int_equal(page.count, many.count / 100);
    many = (struct many){.play = play, .from = many.count, .count = 500}; /* a tail that is read */
    fixture_scope(play->fixture);
    assert_int_equal(store_run(play->fixture->store, put_many, &many, &play->fixture->scope), STATUS_OK);
    assert_int_equal(store_run(play->fixture->store, select_inside, &search, fixture_scope(play->fixture)), STATUS_OK);
    assert_int_equal(search.page.count, (many.from + many.count) / 100);
    struct store_figures figures;
    store_figures(&figures, play->fixture->store);
    assert_true(figures.disk_bytes > 0);
    play_close(play);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_ended_versions_leave),
        cmocka_unit_test(test_a_damaged_file_is_made_anew),
        cmocka_unit_test(test_a_check_finds_damage),
        cmocka_unit_test(test_a_check_counts),
        cmocka_unit_test(test_an_index_of_another_store),
        cmocka_unit_test(test_nobody_serves),
        cmocka_unit_test(test_a_long_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
