/* The URLs of test/cases/search, spoiled in 20,000 ways by a fixed sequence: every one is answered or refused with an issue,
 * in bounded time, and never fails. */
#include "unit/search/shelf.h"

enum { SEEDS_MAX = 1000, MUTATIONS = 20000 };

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t seeds_read(const char **seeds, struct scope *scope) {
    static const char *const names[] = {"string", "token", "date", "number", "quantity", "reference", "uri",
        "composite", "result", "filter", "korean", "sort", "cells", "hierarchy"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct text source, path = text_format(scope->arena, "test/cases/search/%s.json", names[i]);
        yyjson_doc *doc = NULL;
        assert_int_equal(file_read(&source, path.at, 16 << 20, scope), STATUS_OK);
        assert_int_equal(json_read(&doc, source, scope), STATUS_OK);
        yyjson_arr_iter items = yyjson_arr_iter_with(json_get(yyjson_doc_get_root(doc), "searches"));
        for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
            assert_true(count < SEEDS_MAX);
            seeds[count++] = text_string(scope->arena, json_get_text(item, "search"));
        }
    }
    return count;
}

/* Replaces, drops, doubles or swaps in what stands behind the question mark. */
static const char *spoiled(const char *seed, const char *other, uint64_t *random, struct arena *arena) {
    static const char pieces[][16] = {"|", "$", ",", ":", ".", "\\", "=", "&", "_has:", ":missing", ":not", "%00",
        "%ff", "gt", "ap", "-", "9999999999", "1e400", "*", "Patient", "_sort=", "\xea\xb9\x80", "\xe3\x84\xb1", "{",
        "http://", "%20and%20", " or ", "not(", ")", "[", "].", "%22", "_filter="};
    size_t size = strlen(seed), other_size = strlen(other);
    struct buffer out = buffer_open(arena, 1 << 16);
    const char *mark = strchr(seed, '?');
    size_t start = mark == NULL ? size : (size_t)(mark - seed) + 1;
    buffer_put(&out, (struct text){seed, start});
    for (size_t i = start; i < size; i++) {
        uint64_t chance = next_random(random) % 24;
        if (chance == 0) {
            buffer_put_string(&out, pieces[next_random(random) % (sizeof pieces / sizeof pieces[0])]);
        } else if (chance == 1) {
            continue;
        } else if (chance == 2 && other_size > 0) {
            size_t from = next_random(random) % other_size;
            buffer_put(&out, (struct text){other + from, (other_size - from) / 2});
        }
        buffer_put_char(&out, seed[i]);
    }
    return text_string(arena, buffer_text(&out));
}

static void test_spoiled_urls(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 540, INT64_C(1700000000000000));
    const char **seeds = ARENA_ARRAY(shelf.scope.arena, const char *, SEEDS_MAX);
    size_t count = seeds_read(seeds, &shelf.scope);
    uint64_t random = 0x50594e41, answered = 0;
    struct arena *arena = arena_open(SHELF_BYTES_MAX);
    for (int i = 0; i < MUTATIONS; i++) {
        struct scope scope = {.arena = arena};
        const char *seed = seeds[next_random(&random) % count], *other = seeds[next_random(&random) % count];
        const char *url = spoiled(seed, other, &random, arena);
        struct search_request request = shelf_request(url, arena);
        struct search_result result;
        enum status status = shelf_search(&result, &shelf, &request, &scope);
        bool is_refused = status == STATUS_INVALID || status == STATUS_UNSUPPORTED || status == STATUS_TOO_COSTLY;
        if (status != STATUS_OK && !(is_refused && scope.fault.count > 0)) {
            fail_msg("%s: %s", url, status_name(status));
        }
        answered += status == STATUS_OK;
        arena_reset(arena);
    }
    print_message("%d spoiled URLs, %llu answered\n", MUTATIONS, (unsigned long long)answered);
    assert_true(answered > MUTATIONS / 50);
    arena_close(arena);
    shelf_close(&shelf);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spoiled_urls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
