/* Tables, documents and bytes: how a region's files are read. */
#include <stdlib.h>
#include <string.h>

#include "region/base64.h"
#include "region/csv.h"
#include "region/document.h"
#include "region/locate.h"
#include "unit/cmocka_all.h"

static struct arena *arena;

static int open_arena(void **state) {
    (void)state;
    arena = arena_open(64 << 20);
    return arena == NULL;
}

static int close_arena(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static void assert_cell(const struct csv *table, size_t row, const char *column, const char *wanted) {
    struct text cell = csv_cell(table, &table->rows[row], column);
    if (wanted == NULL ? cell.at != NULL : !text_is(cell, wanted)) {
        fail_msg("row %zu, %s: '%.*s' is not '%s'", row, column, (int)cell.size, cell.at == NULL ? "" : cell.at,
            wanted == NULL ? "(none)" : wanted);
    }
}

static void test_csv(void **state) {
    (void)state;
    struct scope scope = {.arena = arena};
    struct csv table;
    struct text content = TEXT("\xEF\xBB\xBFid,name,note\r\n"
                               "1, 원주 ,\"a, \"\"b\"\"\nc\"\r\n"
                               "\r\n"
                               "2,,  \n"
                               "3,\"\",\"x\"");
    assert_int_equal(csv_read(&table, "t.csv", content, &scope), STATUS_OK);
    assert_int_equal(table.row_count, 3);
    assert_int_equal(table.rows[0].line, 2);
    assert_int_equal(table.rows[1].line, 5);
    assert_cell(&table, 0, "id", "1");
    assert_cell(&table, 0, "name", "원주");
    assert_cell(&table, 0, "note", "a, \"b\"\nc");
    assert_cell(&table, 1, "name", NULL);
    assert_cell(&table, 1, "note", NULL);
    assert_cell(&table, 2, "name", NULL);
    assert_cell(&table, 2, "note", "x");
    assert_cell(&table, 0, "absent", NULL);
    assert_ptr_equal(csv_find(&table, "id", TEXT("3")), &table.rows[2]);
    assert_null(csv_find(&table, "id", TEXT("4")));
    assert_null(csv_find(&table, "absent", TEXT("1")));
    struct text rest = TEXT(" a;; b ;");
    assert_true(text_is(csv_next_of(&rest), "a"));
    assert_true(text_is(csv_next_of(&rest), "b"));
    assert_null(csv_next_of(&rest).at);
}

static void test_csv_faults(void **state) {
    (void)state;
    static const struct {
        const char *content, *path;
    } cases[] = {
        {"", "t.csv:1:row"},
        {"a,b\n1\n", "t.csv:2:row"},
        {"a,b\n1,2\n1,2,3\n", "t.csv:3:row"},
        {"a,b,a\n", "t.csv:1:a"},
        {"a,b\n1,\"open\n2,3\n", "t.csv:2:row"},
        {"a,b\n1,o\"pen\n", "t.csv:2:row"},
        {"a,b\n1,\"shut\"x\n", "t.csv:2:row"},
        {"a,b\n1,\xFF\n", "t.csv:1:row"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scope scope = {.arena = arena};
        struct csv table;
        assert_int_equal(csv_read(&table, "t.csv", text_from(cases[i].content), &scope), STATUS_INVALID);
        assert_string_equal(scope.fault.first->path, cases[i].path);
    }
}

/* Any cut of a table is read or refused: never read past. */
static void test_csv_prefixes(void **state) {
    (void)state;
    const char content[] = "a,b\n\"x\"\"y\",2\r\n\"\n\",\"3\"\n";
    for (size_t size = 0; size < sizeof content; size++) {
        char *cut = malloc(size + 1);
        assert_non_null(cut);
        memcpy(cut, content, size);
        struct scope scope = {.arena = arena};
        struct csv table;
        enum status status = csv_read(&table, "t.csv", (struct text){cut, size}, &scope);
        assert_true(status == STATUS_OK || status == STATUS_INVALID);
        free(cut);
    }
}

static void test_locate(void **state) {
    (void)state;
    struct text source = TEXT("{\n \"a\": \"}\\\"{\",\n \"list\": [\n  {\"x\": 1},\n  {\"x\": [true,\n   null, "
                              "{\"deep\": -1.5}]}\n ],\n \"end\": {}\n}\n");
    static const struct {
        const char *path;
        int line;
    } cases[] = {{"", 1}, {"a", 2}, {"list", 3}, {"list[0]", 4}, {"list[0].x", 4}, {"list[1].x[1]", 6},
        {"list[1].x[2].deep", 6}, {"end", 8}, {"absent", 1}, {"list[7].x", 3}, {"end.absent", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int line = locate_line(source, cases[i].path);
        if (line != cases[i].line) {
            fail_msg("%s: line %d, not %d", cases[i].path, line, cases[i].line);
        }
    }
}

static void test_document(void **state) {
    (void)state;
    struct scope scope = {.arena = arena};
    struct document document;
    assert_int_equal(region_document_read(&document, "d.json", TEXT("{\"a\":\n {\"n\": \"x\"}}"), &scope), STATUS_OK);
    double number = 0;
    assert_int_equal(
        document_number(&number, &document, json_get(document.root, "a"), "a", "n", &scope), STATUS_INVALID);
    assert_string_equal(scope.fault.first->path, "d.json:2:a.n");
    scope.fault = (struct fault){0};
    assert_int_equal(region_document_read(&document, "d.json", TEXT("{\"a\": 1,}"), &scope), STATUS_INVALID);
    assert_string_equal(scope.fault.first->path, "d.json:1:");
    scope.fault = (struct fault){0};
    assert_int_equal(region_document_read(&document, "d.json", TEXT("[]"), &scope), STATUS_INVALID);
}

/* RFC 4648, section 10. */
static void test_base64(void **state) {
    (void)state;
    static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    struct text decoded;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_true(text_is(base64_encode(arena, text_from(vectors[i][0])), vectors[i][1]));
        assert_true(base64_decode(&decoded, arena, text_from(vectors[i][1])));
        assert_true(text_is(decoded, vectors[i][0]));
    }
    static const char *const refused[] = {"Z", "Zg", "Zg=", "Zg=x", "Z===", "Zm9v!", "====", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (base64_decode(&decoded, arena, text_from(refused[i]))) {
            fail_msg("'%s' was taken", refused[i]);
        }
    }
    assert_true(base64_decode(&decoded, arena, TEXT("Zm9v\r\nYmFy")));
    assert_true(text_is(decoded, "foobar"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_faults),
        cmocka_unit_test(test_csv_prefixes),
        cmocka_unit_test(test_locate),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
