/* fixture: records over a store in a temporary folder, and short ways to ask them. */
#ifndef SOYANG_TEST_RECORDS_FIXTURE_H
#define SOYANG_TEST_RECORDS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "records/records.h"

#define BASE_URL "http://127.0.0.1:8080/fhir"
#define START_US INT64_C(1795305600000000) /* 2026-11-22T00:00:00Z */

struct house {
    char folder[64];
    struct clock *clock;
    struct store *store;
    struct search *search;
    struct records *records;
    struct arena *arena, *handle_arena;
    struct scope scope;
    enum records_reference_policy references;
};

static const struct records_caller nurse = {
    .who = {"Practitioner/nurse", 18},
    .organisation = {"Organization/post", 17},
    .role = {"primary-care", 12},
    .purpose = {"TREAT", 5},
};

static inline void print_issues(const struct scope *scope) {
    for (const struct issue *issue = scope->fault.first; issue != NULL; issue = issue->next) {
        print_message("  %s at \"%s\": %s\n", status_name(issue->status), issue->path, issue->text);
    }
}

static inline void house_start(struct house *house) {
    house->handle_arena = arena_open((size_t)64 << 20);
    struct scope scope = {.arena = house->handle_arena};
    const struct store_config store = {.folder = house->folder, .clock = house->clock};
    enum status status = store_open(&house->store, &store, &scope);
    print_issues(&scope);
    assert_int_equal(status, STATUS_OK);
    const struct search_config search = {.store = house->store, .own_base = TEXT(BASE_URL), .zone_minutes = 540};
    status = search_open(&house->search, &search, &scope);
    print_issues(&scope);
    assert_int_equal(status, STATUS_OK);
    const struct records_config records = {
        .store = house->store,
        .search = house->search,
        .clock = house->clock,
        .own_base = TEXT(BASE_URL),
        .references = house->references,
        .zone_minutes = 540,
    };
    status = records_open(&house->records, &records, &scope);
    print_issues(&scope);
    assert_int_equal(status, STATUS_OK);
}

static inline void house_stop(struct house *house) {
    records_close(house->records);
    search_close(house->search);
    store_close(house->store);
    arena_close(house->handle_arena);
}

static inline struct house *house_open_with(struct clock *clock, enum records_reference_policy references) {
    struct house *house = calloc(1, sizeof *house);
    snprintf(house->folder, sizeof house->folder, "/tmp/soyang-records-XXXXXX");
    assert_non_null(mkdtemp(house->folder));
    house->clock = clock;
    house->references = references;
    house->arena = arena_open((size_t)2 << 30);
    house->scope = (struct scope){.arena = house->arena};
    house_start(house);
    return house;
}

static inline int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw) {
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void house_close(struct house *house) {
    house_stop(house);
    clock_close(house->clock);
    arena_close(house->arena);
    nftw(house->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(house);
}

static inline int open_house(void **state) {
    *state = house_open_with(clock_open(1), RECORDS_REFERENCES_LOOSE);
    return 0;
}

static inline int close_house(void **state) {
    house_close(*state);
    return 0;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static inline fhir_type type_of(const char *name) {
    fhir_type type = fhir_type_find(text_from(name));
    assert_int_not_equal(type, FHIR_TYPE_NONE);
    return type;
}

static inline struct records_answer ask(struct house *house, struct records_request request) {
    struct records_answer answer;
    house->scope = (struct scope){.arena = house->arena};
    if (request.caller.who.at == NULL) {
        request.caller = nurse;
    }
    enum status status = records_run(&answer, house->records, &request, &house->scope);
    assert_int_equal(status, answer.status);
    if (status != STATUS_OK) {
        assert_true(house->scope.fault.count > 0); /* every error says why */
    }
    return answer;
}

static inline struct records_answer ask_ok(struct house *house, struct records_request request) {
    struct records_answer answer = ask(house, request);
    if (answer.status != STATUS_OK) {
        print_issues(&house->scope);
    }
    assert_int_equal(answer.status, STATUS_OK);
    return answer;
}

static inline struct records_request creation(const char *type, const char *body) {
    return (struct records_request){.interaction = RECORDS_CREATE, .type = type_of(type), .body = text_from(body)};
}

static inline struct records_request replacement(const char *type, const char *id, const char *body) {
    return (struct records_request){
        .interaction = RECORDS_UPDATE, .type = type_of(type), .id = text_from(id), .body = text_from(body)};
}

static inline struct records_request reading(const char *type, const char *id) {
    return (struct records_request){.interaction = RECORDS_READ, .type = type_of(type), .id = text_from(id)};
}

static inline struct records_request deletion(const char *type, const char *id) {
    return (struct records_request){.interaction = RECORDS_DELETE, .type = type_of(type), .id = text_from(id)};
}

static inline struct records_request posting(const char *bundle) {
    return (struct records_request){.interaction = RECORDS_BUNDLE, .body = text_from(bundle)};
}

static inline struct records_request searching(const char *type, const struct search_pair *pairs, size_t count) {
    return (struct records_request){
        .interaction = RECORDS_SEARCH, .type = type_of(type), .pairs = pairs, .pair_count = count};
}

#define PAIR(name, value) ((struct search_pair){TEXT(name), TEXT(value)})

static inline const yyjson_val *parse(struct house *house, struct text json) {
    yyjson_doc *doc = NULL;
    struct scope scope = {.arena = house->arena};
    enum status status = json_read(&doc, json, &scope);
    print_issues(&scope);
    assert_int_equal(status, STATUS_OK);
    return yyjson_doc_get_root(doc);
}

/* Follows names and indices: get(root, "entry/0/resource"). */
static inline const yyjson_val *get(const yyjson_val *root, const char *way) {
    return yyjson_ptr_get((yyjson_val *)root, way);
}

static inline void assert_text(struct text actual, const char *expected) {
    if (!text_is(actual, expected)) {
        print_message("actual \"%.*s\", expected \"%s\"\n", (int)actual.size, actual.at, expected);
    }
    assert_true(text_is(actual, expected));
}

static inline bool has_issue(const struct house *house, const char *part) {
    for (const struct issue *issue = house->scope.fault.first; issue != NULL; issue = issue->next) {
        if (strstr(issue->text, part) != NULL || strstr(issue->path, part) != NULL) {
            return true;
        }
    }
    print_issues(&house->scope);
    return false;
}

static inline int64_t count_of(struct house *house, const char *type) {
    const struct search_pair pairs[] = {PAIR("_summary", "count")};
    struct records_answer answer = ask_ok(house, searching(type, pairs, 1));
    int64_t total = -1;
    assert_true(json_get_int64(&total, parse(house, answer.body), "total"));
    return total;
}

/* ---- audit ------------------------------------------------------------------------------------------------------ */

static inline struct store_audit_entry *audit_entries(struct house *house, size_t *count_out) {
    struct scope scope = {.arena = house->arena};
    struct store_view *view = NULL;
    struct store_audit_entry *entries = NULL;
    assert_int_equal(store_view_open(&view, house->store, 0, &scope), STATUS_OK);
    assert_int_equal(store_view_audit(&entries, count_out, view, 0, 100000, &scope), STATUS_OK);
    store_view_close(view);
    return entries;
}

static inline const yyjson_val *last_audit(struct house *house) {
    size_t count = 0;
    struct store_audit_entry *entries = audit_entries(house, &count);
    assert_true(count > 0);
    return parse(house, entries[count - 1].entry);
}

#endif
