/* library: a store in a fresh folder with a terminology over it; resources put and deleted; operations called as URLs. */
#ifndef SOYANG_TEST_TERMINOLOGY_LIBRARY_H
#define SOYANG_TEST_TERMINOLOGY_LIBRARY_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"
#include "terminology/terminology.h"
#include "unit/cmocka_all.h"

enum { LIBRARY_BYTES_MAX = 512 << 20 };

struct library {
    char folder[64];
    struct clock *clock;
    struct store *store;
    struct terminology *terminology;
    struct scope scope; /* for what lasts as long as the library */
};

static inline void library_open(struct library *library) {
    *library = (struct library){.folder = "/tmp/soyang-terms-XXXXXX"};
    assert_non_null(mkdtemp(library->folder));
    library->scope.arena = arena_open(LIBRARY_BYTES_MAX);
    library->clock = clock_open_manual(1700000000000000);
    const struct store_config config = {.folder = library->folder, .clock = library->clock};
    assert_int_equal(store_open(&library->store, &config, &library->scope), STATUS_OK);
    const struct terminology_config terms = {.store = library->store, .clock = library->clock};
    assert_int_equal(terminology_open(&library->terminology, &terms, &library->scope), STATUS_OK);
}

static inline void library_close(struct library *library) {
    arena_close(library->scope.arena); /* what is held is let go first */
    terminology_close(library->terminology);
    store_close(library->store);
    clock_close(library->clock);
    DIR *folder = opendir(library->folder);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", library->folder, entry->d_name);
        unlink(path);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    rmdir(library->folder);
}

struct library_change {
    struct library *library;
    fhir_type type;
    struct text id;
    struct store_put put;
    enum { LIBRARY_PUT, LIBRARY_DELETE, LIBRARY_PUT_UNDONE } kind;
};

static inline enum status library_apply(void *context, struct store_unit *unit, struct scope *scope) {
    struct library_change *change = context;
    struct store_resource resource;
    terminology_note_change(change->library->terminology, change->type, change->id, store_unit_sequence(unit));
    enum status status = change->kind == LIBRARY_DELETE
                             ? store_unit_delete(&resource, unit, fhir_resource_number(change->type), change->id, scope)
                             : store_unit_put(&resource, unit, &change->put, scope);
    return change->kind == LIBRARY_PUT_UNDONE && status == STATUS_OK ? STATUS_CONFLICT : status;
}

static inline enum status library_change(struct library *library, const yyjson_val *resource, int kind) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    struct library_change change = {
        .library = library, .type = fhir_resource_type_of(resource), .id = json_get_text(resource, "id"), .kind = kind};
    struct json_writer w = json_writer_open(scope.arena, 64 << 20);
    struct text body;
    json_value(&w, resource);
    assert_int_equal(json_finish(&body, &w, &scope), STATUS_OK);
    change.put =
        (struct store_put){.type = fhir_resource_number(change.type), .id = change.id, .method = STORE_UPDATED};
    assert_int_equal(store_body_pack(&change.put.body, library->store, body, 1, &scope), STATUS_OK);
    enum status status = store_run(library->store, library_apply, &change, &scope);
    arena_close(scope.arena);
    return status;
}

static inline const yyjson_val *library_json(const char *json, struct scope *scope) {
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&doc, text_from(json), scope), STATUS_OK);
    return yyjson_doc_get_root(doc);
}

static inline int library_hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static inline struct text library_decode(struct arena *arena, struct text part) {
    char *out = arena_alloc(arena, part.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < part.size; i++) {
        bool is_escape = part.at[i] == '%' && i + 2 < part.size && library_hex(part.at[i + 1]) >= 0;
        out[size++] = part.at[i];
        if (is_escape) {
            out[size - 1] = (char)(library_hex(part.at[i + 1]) << 4 | library_hex(part.at[i + 2]));
        }
        i += is_escape ? 2 : 0;
    }
    return (struct text){out, size};
}

/* "ValueSet/$expand?url=x", "CodeSystem/id/$subsumes?...". */
static inline enum status library_call(
    struct text *out, struct library *library, struct text url, struct text body, struct scope *scope) {
    struct text query = url, path = text_cut(&query, '?');
    fhir_type type = fhir_type_find(text_cut(&path, '/'));
    struct text id = text_cut(&path, '/'), name = path;
    if (path.at == NULL) {
        name = id;
        id = (struct text){NULL, 0};
    }
    struct terminology_pair pairs[32];
    struct terminology_call call = {.id = id, .body = body, .pairs = pairs};
    assert_true(text_starts(name, "$"));
    call.operation = terminology_operation_find(type, (struct text){name.at + 1, name.size - 1}, id.size > 0);
    if (call.operation == NULL) {
        return STATUS_UNSUPPORTED;
    }
    while (query.size > 0 && call.pair_count < 32) {
        struct text value = text_cut(&query, '&');
        struct text key = text_cut(&value, '=');
        pairs[call.pair_count++] =
            (struct terminology_pair){library_decode(scope->arena, key), library_decode(scope->arena, value)};
    }
    return terminology_run(out, library->terminology, &call, scope);
}

#endif
