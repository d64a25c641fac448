/* shelf: a store in a fresh folder with a search over it, filled resource by resource; queries as URLs. */
#ifndef SOYANG_TEST_SEARCH_SHELF_H
#define SOYANG_TEST_SEARCH_SHELF_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "search/search.h"
#include "store/store.h"
#include "unit/cmocka_all.h"

#define SHELF_BASE "http://soyang.test/fhir"
enum { SHELF_BYTES_MAX = 512 << 20 };

struct shelf {
    char folder[64];
    struct clock *clock;
    struct store *store;
    struct terminology *terminology;
    struct search *search;
    struct scope scope;
};

static inline void shelf_print_faults(const struct scope *scope) {
    for (const struct issue *issue = scope->fault.first; issue != NULL; issue = issue->next) {
        print_message("  %s: %s %s\n", status_name(issue->status), issue->path, issue->text);
    }
}

static inline void shelf_open(struct shelf *shelf, int zone_minutes, int64_t start_us) {
    *shelf = (struct shelf){.folder = "/tmp/soyang-search-XXXXXX"};
    assert_non_null(mkdtemp(shelf->folder));
    shelf->scope.arena = arena_open(SHELF_BYTES_MAX);
    shelf->clock = clock_open_manual(start_us);
    const struct store_config config = {.folder = shelf->folder, .clock = shelf->clock};
    enum status status = store_open(&shelf->store, &config, &shelf->scope);
    shelf_print_faults(&shelf->scope);
    assert_int_equal(status, STATUS_OK);
    const struct terminology_config terms = {.store = shelf->store, .clock = shelf->clock};
    assert_int_equal(terminology_open(&shelf->terminology, &terms, &shelf->scope), STATUS_OK);
    const struct search_config search_config = {.store = shelf->store,
        .terminology = shelf->terminology,
        .own_base = TEXT(SHELF_BASE),
        .zone_minutes = zone_minutes,
        .clock = shelf->clock};
    assert_int_equal(search_open(&shelf->search, &search_config, &shelf->scope), STATUS_OK);
}

static inline void shelf_close(struct shelf *shelf) {
    search_close(shelf->search);
    terminology_close(shelf->terminology);
    store_close(shelf->store);
    clock_close(shelf->clock);
    arena_close(shelf->scope.arena);
    DIR *folder = opendir(shelf->folder);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", shelf->folder, entry->d_name);
        unlink(path);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    rmdir(shelf->folder);
}

struct shelf_put {
    const yyjson_val *const *resources;
    size_t count;
    struct shelf *shelf;
    struct store_put *puts;
};

static inline enum status shelf_apply(void *context, struct store_unit *unit, struct scope *scope) {
    struct shelf_put *put = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < put->count && status == STATUS_OK; i++) {
        struct store_resource resource;
        status = store_unit_put(&resource, unit, &put->puts[i], scope);
    }
    return status;
}

/* Writes resources in one unit. */
static inline enum status shelf_put(
    struct shelf *shelf, const yyjson_val *const *resources, size_t count, struct scope *scope) {
    struct shelf_put put = {resources, count, shelf, ARENA_ARRAY(scope->arena, struct store_put, count + 1)};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct store_put *one = &put.puts[i];
        struct store_row *rows;
        one->type = fhir_resource_number(fhir_resource_type_of(resources[i]));
        one->id = json_get_text(resources[i], "id");
        one->method = STORE_UPDATED;
        status = search_extract(&rows, &one->row_count, shelf->search, resources[i], scope);
        one->rows = rows;
        struct json_writer writer = json_writer_open(scope->arena, 64 << 20);
        json_value(&writer, resources[i]);
        struct text body;
        if (status == STATUS_OK) {
            status = json_finish(&body, &writer, scope);
        }
        if (status == STATUS_OK) {
            status = store_body_pack(&one->body, shelf->store, body, 1, scope);
        }
    }
    return status == STATUS_OK ? store_run(shelf->store, shelf_apply, &put, scope) : status;
}

static inline int shelf_hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static inline struct text shelf_decode(struct arena *arena, struct text part) {
    char *out = arena_alloc(arena, part.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < part.size; i++) {
        if (part.at[i] == '%' && i + 2 < part.size && shelf_hex(part.at[i + 1]) >= 0) {
            out[size++] = (char)(shelf_hex(part.at[i + 1]) << 4 | shelf_hex(part.at[i + 2]));
            i += 2;
        } else {
            out[size++] = part.at[i];
        }
    }
    return (struct text){out, size};
}

/* "Patient?name=x", "?_type=...", "Patient/1/Observation?code=y". */
static inline struct search_request shelf_request(const char *url, struct arena *arena) {
    struct search_request request = {
        .cursor_key = TEXT("a secret of sixteen bytes or more"), .count_default = 1000, .count_max = 5000};
    struct text query = text_from(url);
    struct text path = text_cut(&query, '?');
    struct text first = text_cut(&path, '/');
    request.type = fhir_type_find(first);
    if (path.at != NULL) {
        request.compartment.type = request.type;
        request.compartment.id = text_cut(&path, '/');
        request.type = fhir_type_find(path);
    }
    struct search_pair *pairs = ARENA_ARRAY(arena, struct search_pair, 64);
    while (query.at != NULL && query.size > 0 && request.pair_count < 64) {
        struct text value = text_cut(&query, '&');
        struct text name = text_cut(&value, '=');
        pairs[request.pair_count++] = (struct search_pair){shelf_decode(arena, name), shelf_decode(arena, value)};
    }
    request.pairs = pairs;
    return request;
}

static inline enum status shelf_search(
    struct search_result *out, const struct shelf *shelf, const struct search_request *request, struct scope *scope) {
    const struct search_query *query;
    enum status status = search_parse(&query, shelf->search, request, scope);
    return status == STATUS_OK ? search_run(out, shelf->search, query, scope) : status;
}

static inline struct text shelf_name(const struct store_resource *resource, struct arena *arena) {
    return text_format(
        arena, "%s/%.*s", fhir_type_name(fhir_resource_type(resource->type)), (int)resource->id.size, resource->id.at);
}

#endif
