/* case_shelf: one store for the whole run of a harness, with the resources of the search cases (test/cases/search), in a
 * folder of its own that goes when the process ends; and queries taken from URLs as the server takes them. */
#ifndef SOYANG_TEST_FUZZ_CASE_SHELF_H
#define SOYANG_TEST_FUZZ_CASE_SHELF_H

#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "records/query.h"
#include "search/search.h"
#include "store/store.h"

#define SHELF_BASE "http://soyang.test/fhir"
#define SHELF_KEY TEXT("a secret of sixteen bytes or more")
enum { SHELF_CASES_MAX = 8 << 20, SHELF_COUNT_MAX = 50, SHELF_DEADLINE_US = 4000000 };

struct shelf {
    char folder[64];
    struct arena *arena;
    struct clock *clock;
    struct store *store;
    struct terminology *terminology;
    struct search *search;
};
static struct shelf shelf;

static inline int shelf_remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw) {
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

static inline void shelf_close(void) {
    search_close(shelf.search);
    terminology_close(shelf.terminology);
    store_close(shelf.store);
    clock_close(shelf.clock);
    arena_close(shelf.arena);
    (void)nftw(shelf.folder, shelf_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline enum status shelf_apply(void *context, struct store_unit *unit, struct scope *scope) {
    struct store_resource resource;
    return store_unit_put(&resource, unit, context, scope);
}

static inline enum status shelf_put(const yyjson_val *resource, struct scope *scope) {
    struct store_put put = {.type = fhir_resource_number(fhir_resource_type_of(resource)),
        .id = json_get_text(resource, "id"),
        .method = STORE_UPDATED};
    struct store_row *rows = NULL;
    struct text body = {0};
    struct json_writer writer = json_writer_open(scope->arena, SHELF_CASES_MAX);
    json_value(&writer, resource);
    enum status status = search_extract(&rows, &put.row_count, shelf.search, resource, scope);
    put.rows = rows;
    if (status == STATUS_OK) {
        status = json_finish(&body, &writer, scope);
    }
    if (status == STATUS_OK) {
        status = store_body_pack(&put.body, shelf.store, body, 1, scope);
    }
    return status == STATUS_OK ? store_run(shelf.store, shelf_apply, &put, scope) : status;
}

static inline void shelf_put_file(const char *path, struct scope *scope) {
    struct text source = {0};
    yyjson_doc *doc = NULL;
    invariant(file_read(&source, path, SHELF_CASES_MAX, scope) == STATUS_OK);
    invariant(json_read(&doc, source, scope) == STATUS_OK);
    yyjson_arr_iter resources = yyjson_arr_iter_with(json_get(yyjson_doc_get_root(doc), "resources"));
    for (yyjson_val *resource = NULL; (resource = yyjson_arr_iter_next(&resources)) != NULL;) {
        invariant(shelf_put(resource, scope) == STATUS_OK);
    }
}

/* Run from the repository's root, as ./dev does. */
static inline void shelf_open(void) {
    shelf = (struct shelf){.folder = "/tmp/soyang-fuzz-XXXXXX", .arena = arena_open((size_t)512 << 20)};
    struct scope scope = {.arena = shelf.arena};
    glob_t cases;
    invariant(mkdtemp(shelf.folder) != NULL);
    (void)atexit(shelf_close);
    shelf.clock = clock_open_manual(INT64_C(1704067200000000)); /* 2024-01-01, as in the cases */
    const struct store_config store = {.folder = shelf.folder, .clock = shelf.clock};
    invariant(store_open(&shelf.store, &store, &scope) == STATUS_OK);
    const struct terminology_config terms = {.store = shelf.store, .clock = shelf.clock};
    invariant(terminology_open(&shelf.terminology, &terms, &scope) == STATUS_OK);
    const struct search_config search = {.store = shelf.store,
        .terminology = shelf.terminology,
        .own_base = TEXT(SHELF_BASE),
        .zone_minutes = 540,
        .clock = shelf.clock};
    invariant(search_open(&shelf.search, &search, &scope) == STATUS_OK);
    invariant(glob("test/cases/search/*.json", 0, NULL, &cases) == 0);
    for (size_t i = 0; i < cases.gl_pathc; i++) {
        shelf_put_file(cases.gl_pathv[i], &scope);
    }
    globfree(&cases);
}

/* A search as it stands in a URL below the base: "Patient?name=x", "?_type=...", "Patient/1/Observation?code=y". */
static inline enum status shelf_request(struct search_request *out, struct text url, struct scope *scope) {
    struct target target;
    struct search_pair *pairs = NULL;
    enum status status = target_parse(&target, url, TEXT(SHELF_BASE), "", scope);
    *out = (struct search_request){.cursor_key = SHELF_KEY, .count_default = 5, .count_max = SHELF_COUNT_MAX};
    if (status == STATUS_OK) {
        status = query_pairs(&pairs, &out->pair_count, target.query, "", scope);
    }
    out->pairs = pairs;
    if (status == STATUS_OK && target.kind == TARGET_COMPARTMENT) {
        out->compartment.type = target.owner;
        out->compartment.id = target.id;
    }
    if (status == STATUS_OK && target.kind != TARGET_SYSTEM && target.kind != TARGET_TYPE &&
        target.kind != TARGET_COMPARTMENT) {
        return fault(scope, STATUS_INVALID, "", "this is no search");
    }
    out->type = target.type;
    return status;
}

#endif
