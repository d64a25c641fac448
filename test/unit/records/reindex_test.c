/* Tables that change: definitions other than those a folder was indexed by, folders without a note, and writes that were
 * prepared by older tables. */
#include "records/unit.h"
#include "search/catalog.h"
#include "unit/records/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PATIENTS = 1500, WAIT_STEP_US = 2000, WAIT_STEPS = 30000 };

/* The count that a search tells, or -1 while it is refused because the index is not complete. */
static int64_t count_found(struct house *house, const char *name, const char *value) {
    const struct search_pair pairs[] = {
        {text_from(name), text_from(value)},
        PAIR("_summary", "count"),
    };
    struct records_answer answer = ask(house, searching("Patient", pairs, 2));
    int64_t total = -1;
    if (answer.status == STATUS_UNAVAILABLE) {
        assert_non_null(strstr(house->scope.fault.first->text, "resources are indexed"));
        return -1;
    }
    assert_int_equal(answer.status, STATUS_OK);
    assert_true(json_get_int64(&total, parse(house, answer.body), "total"));
    return total;
}

static int64_t count_at_last(struct house *house, const char *name, const char *value, int *refused_out) {
    int64_t count;
    *refused_out = 0;
    while ((count = count_found(house, name, value)) < 0) {
        assert_true(++*refused_out < WAIT_STEPS);
        usleep(WAIT_STEP_US);
    }
    return count;
}

static void put_patients(struct house *house) {
    struct records_import *import = NULL;
    struct scope scope = {.arena = house->arena};
    uint64_t written = 0;
    char body[160];
    assert_int_equal(records_import_open(&import, house->records, &nurse, &scope), STATUS_OK);
    for (int i = 0; i < PATIENTS; i++) {
        snprintf(body, sizeof body,
            "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"gender\":\"%s\",\"birthDate\":\"1980-01-01\"}", i,
            i % 3 == 0 ? "male" : "female");
        assert_int_equal(records_import_feed(import, text_from(body), &scope), STATUS_OK);
    }
    assert_int_equal(records_import_close(&written, import, &scope), STATUS_OK);
    assert_int_equal(written, PATIENTS);
}

/* ---- what an older program would have left ------------------------------------------------------------------------------- */

struct aging {
    struct house *house;
    const struct slot *slot; /* that program did not know it */
};

static enum status age_rows(void *context, struct store_unit *unit, struct scope *scope) {
    const struct aging *aging = context;
    uint32_t space = 0;
    enum status status = store_space(&space, aging->house->store, text_from(aging->slot->name), scope);
    for (int i = 0; i < PATIENTS && status == STATUS_OK; i++) {
        struct text id = text_format(scope->arena, "p%d", i);
        uint16_t type = fhir_resource_number(type_of("Patient"));
        struct store_resource resource = {0};
        yyjson_doc *doc = NULL;
        struct store_row *rows = NULL;
        struct store_reindex what = {.type = type, .id = id, .version = 1, .edition = 1};
        size_t count = 0;
        bool done = false;
        status = store_unit_get(&resource, unit, type, id, STORE_WANT_BODY, scope);
        if (status == STATUS_OK) {
            status = json_read(&doc, resource.body, scope);
        }
        if (status == STATUS_OK) {
            status = search_extract(&rows, &count, aging->house->search, yyjson_doc_get_root(doc), scope);
        }
        for (size_t row = 0; row < count; row++) {
            if (rows[row].space != space) {
                rows[what.row_count++] = rows[row];
            }
        }
        what.rows = rows;
        if (status == STATUS_OK) {
            status = store_unit_reindex(&done, unit, &what, scope);
            assert_true(done && what.row_count < count);
        }
    }
    return status;
}

static enum status age_note(void *context, struct store_unit *unit, struct scope *scope) {
    const struct text *note = context;
    return store_unit_note_set(unit, TEXT("search.tables"), *note, scope);
}

static struct text read_note(struct house *house, struct scope *scope) {
    struct store_view *view = NULL;
    struct text note = {0};
    assert_int_equal(store_view_open(&view, house->store, 0, scope), STATUS_OK);
    assert_int_equal(store_view_note(&note, view, TEXT("search.tables"), scope), STATUS_OK);
    store_view_close(view);
    return note;
}

/* Rows and note as of tables that lacked the slot. */
static void age(struct house *house, const char *code) {
    struct scope scope = {.arena = house->arena};
    const struct parameter *parameter = catalog_find(house->search, type_of("Patient"), text_from(code));
    struct aging aging = {house, parameter->uses[0].slot};
    struct text note = read_note(house, &scope);
    char hash[32];
    snprintf(hash, sizeof hash, "\"%016llx\"", (unsigned long long)aging.slot->hash);
    char *copy = strndup(note.at, note.size), *at = strstr(copy, hash);
    assert_non_null(at);
    memcpy(at, "\"00000000deadbeef\"", 18);
    struct text aged = text_from(copy);
    assert_int_equal(store_run(house->store, age_rows, &aging, &scope), STATUS_OK);
    assert_int_equal(store_run(house->store, age_note, &aged, &scope), STATUS_OK);
    assert_int_equal(count_found(house, code, "male"), 0);
    free(copy);
}

static void test_changed_definitions(void **state) {
    struct house *house = *state;
    int refused = 0;
    put_patients(house);
    age(house, "gender");
    house_stop(house);
    house_start(house);
    assert_int_equal(count_found(house, "birthdate", "1980"), PATIENTS); /* what did not change is served */
    assert_int_equal(count_at_last(house, "gender", "male", &refused), PATIENTS / 3);
    assert_true(refused > 0);
    struct scope scope = {.arena = house->arena};
    assert_int_equal(store_check(NULL, house->store, NULL, NULL, &scope), STATUS_OK);
    house_stop(house);
    house_start(house);
    assert_int_equal(count_found(house, "gender", "male"), PATIENTS / 3); /* and noted as done */
}

static void test_a_folder_without_a_note(void **state) {
    struct house *house = *state;
    int refused = 0;
    put_patients(house);
    struct text none = TEXT("");
    struct scope scope = {.arena = house->arena};
    assert_int_equal(store_run(house->store, age_note, &none, &scope), STATUS_OK);
    house_stop(house);
    house_start(house);
    assert_int_equal(count_at_last(house, "birthdate", "1980", &refused), PATIENTS);
    assert_int_equal(count_at_last(house, "gender", "male", &refused), PATIENTS / 3);
    assert_int_equal(store_check(NULL, house->store, NULL, NULL, &scope), STATUS_OK);
}

/* ---- a write on its way -------------------------------------------------------------------------------------------------- */

static const char tendency[] =
    "{\"resourceType\":\"SearchParameter\",\"id\":\"t\",\"url\":\"http://x/t\",\"name\":\"t\",\"status\":\"active\","
    "\"description\":\"d\",\"code\":\"tendency\",\"base\":[\"Patient\"],\"type\":\"token\","
    "\"expression\":\"Patient.extension('http://x/t').value\"}";
static const char calm[] =
    "{\"resourceType\":\"Patient\",\"id\":\"late\",\"extension\":[{\"url\":\"http://x/t\",\"valueCode\":\"calm\"}]}";

static enum status apply_late(void *context, struct records_unit *unit, struct scope *scope) {
    return write_apply(context, unit, scope);
}

static void test_a_write_prepared_by_older_tables(void **state) {
    struct house *house = *state;
    struct scope scope = {.arena = house->arena};
    yyjson_doc *doc = NULL;
    struct write write = {.kind = WRITE_UPDATE, .type = type_of("Patient"), .id = TEXT("late")};
    int refused = 0;
    assert_int_equal(json_read(&doc, text_from(calm), &scope), STATUS_OK);
    assert_int_equal(draft_make(&write.draft, house->records, yyjson_doc_get_root(doc), write.id, &scope), STATUS_OK);
    ask_ok(house, replacement("SearchParameter", "t", tendency));
    assert_int_equal(count_at_last(house, "tendency", "calm", &refused), 0);
    struct scope own = {.arena = house->arena};
    assert_int_equal(records_unit_run(house->records, &nurse, "$late", apply_late, &write, &own), STATUS_OK);
    assert_int_equal(count_found(house, "tendency", "calm"), 1);
    assert_int_equal(store_check(NULL, house->store, NULL, NULL, &own), STATUS_OK);
}

/* ---- all at once ------------------------------------------------------------------------------------------------------------- */

enum { STANDING = 150, TOGGLES = 12, SEARCHERS = 2, WRITERS = 2 };

struct busy {
    struct house *house;
    _Atomic bool *ends;
    int number;
    uint64_t complete, refused, unknown;
};

static struct records_answer ask_apart(struct house *house, struct scope *scope, const struct records_request *what) {
    struct records_answer answer;
    struct records_request request = *what;
    request.caller = nurse;
    enum status status = records_run(&answer, house->records, &request, scope);
    assert_int_equal(status, answer.status);
    return answer;
}

/* All of it, or nothing: never a part. */
static void *search_busily(void *context) {
    struct busy *busy = context;
    struct arena *arena = arena_open((size_t)256 << 20);
    const struct search_pair pairs[] = {PAIR("tendency", "calm"), PAIR("_id:missing", "false"), PAIR("_count", "1000")};
    while (!atomic_load(busy->ends)) {
        struct scope scope = {.arena = arena};
        const struct records_request what = searching("Patient", pairs, 3);
        struct records_answer answer = ask_apart(busy->house, &scope, &what);
        if (answer.status == STATUS_OK) {
            yyjson_doc *doc = NULL;
            int64_t total = -1;
            assert_int_equal(json_read(&doc, answer.body, &scope), STATUS_OK);
            assert_true(json_get_int64(&total, yyjson_doc_get_root(doc), "total"));
            assert_true(total >= STANDING);
        }
        busy->complete += answer.status == STATUS_OK;
        busy->refused += answer.status == STATUS_UNAVAILABLE;
        busy->unknown += answer.status == STATUS_INVALID;
        assert_true(answer.status == STATUS_OK || answer.status == STATUS_UNAVAILABLE ||
                    (answer.status == STATUS_INVALID && strstr(scope.fault.first->text, "no such") != NULL));
        arena_reset(arena);
    }
    arena_close(arena);
    return NULL;
}

static void *write_busily(void *context) {
    struct busy *busy = context;
    struct arena *arena = arena_open((size_t)256 << 20);
    for (int i = 0; !atomic_load(busy->ends); i++) {
        struct scope scope = {.arena = arena};
        char id[24], body[200];
        snprintf(id, sizeof id, "w%d-%d", busy->number, i % 20);
        snprintf(body, sizeof body,
            "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"extension\":[{\"url\":\"http://x/"
            "t\",\"valueCode\":\"%s\"}]}",
            id, i % 3 == 0 ? "calm" : "wild");
        const struct records_request what = replacement("Patient", id, body);
        assert_int_equal(ask_apart(busy->house, &scope, &what).status, STATUS_OK);
        arena_reset(arena);
    }
    arena_close(arena);
    return NULL;
}

static void put_standing(struct house *house) {
    for (int i = 0; i < STANDING; i++) {
        char id[16], body[200];
        snprintf(id, sizeof id, "s%d", i);
        snprintf(body, sizeof body,
            "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"extension\":[{\"url\":\"http://x/"
            "t\",\"valueCode\":\"calm\"}]}",
            id);
        ask_ok(house, replacement("Patient", id, body));
    }
}

static void test_published_while_all_goes_on(void **state) {
    struct house *house = *state;
    _Atomic bool ends = false;
    struct busy busy[SEARCHERS + WRITERS];
    pthread_t threads[SEARCHERS + WRITERS];
    int refused = 0;
    put_standing(house);
    for (int i = 0; i < SEARCHERS + WRITERS; i++) {
        busy[i] = (struct busy){.house = house, .ends = &ends, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, i < SEARCHERS ? search_busily : write_busily, &busy[i]), 0);
    }
    for (int i = 0; i < TOGGLES; i++) {
        ask_ok(house, replacement("SearchParameter", "t", tendency));
        if (i % 3 != 0) { /* else it leaves before it is complete */
            assert_true(count_at_last(house, "tendency", "calm", &refused) >= STANDING);
        }
        ask_ok(house, deletion("SearchParameter", "t"));
    }
    atomic_store(&ends, true);
    uint64_t complete = 0;
    for (int i = 0; i < SEARCHERS + WRITERS; i++) {
        pthread_join(threads[i], NULL);
        complete += busy[i].complete;
    }
    print_message("%llu searches were complete\n", (unsigned long long)complete);
    struct scope scope = {.arena = house->arena};
    assert_int_equal(store_check(NULL, house->store, NULL, NULL, &scope), STATUS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changed_definitions, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_a_folder_without_a_note, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_a_write_prepared_by_older_tables, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_published_while_all_goes_on, open_house, close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
