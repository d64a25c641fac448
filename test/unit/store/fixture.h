/* fixture: a store in a folder of its own under the system's folder for temporary files. */
#ifndef SOYANG_TEST_STORE_FIXTURE_H
#define SOYANG_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

struct fixture {
    char folder[256];
    struct clock *clock;
    struct store *store;
    struct arena *arena;
    struct scope scope;
    size_t memory_rows_max;
};

static const int64_t fixture_start_us = INT64_C(1790000000) * 1000000;

static inline void fixture_open_store(struct fixture *fixture) {
    struct store_config config = {.folder = fixture->folder,
        .clock = fixture->clock,
        .memory_rows_max = fixture->memory_rows_max,
        .pack_least = 16};
    enum status status = store_open(&fixture->store, &config, &fixture->scope);
    if (status != STATUS_OK) {
        fail_msg("store_open: %s", fixture->scope.fault.first == NULL ? "?" : fixture->scope.fault.first->text);
    }
}

static inline struct fixture *fixture_open(size_t memory_rows_max) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *temporary = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%s/soyang-store-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    assert_non_null(mkdtemp(fixture->folder));
    fixture->clock = clock_open_manual(fixture_start_us);
    fixture->arena = arena_open(SIZE_MAX / 4);
    fixture->scope = (struct scope){.arena = fixture->arena};
    fixture->memory_rows_max = memory_rows_max;
    fixture_open_store(fixture);
    return fixture;
}

static inline void fixture_remove_file(const struct fixture *fixture, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    unlink(path);
}

static inline void fixture_close(struct fixture *fixture) {
    arena_close(fixture->arena); /* with views that nobody closed */
    store_close(fixture->store);
    clock_close(fixture->clock);
    fixture_remove_file(fixture, "store.db");
    fixture_remove_file(fixture, "store.db-wal");
    fixture_remove_file(fixture, "store.db-shm");
    fixture_remove_file(fixture, "lock");
    rmdir(fixture->folder);
    free(fixture);
}

static inline void fixture_reopen(struct fixture *fixture) {
    store_close(fixture->store);
    fixture_open_store(fixture);
}

/* Forgets all that was allocated and said. */
static inline struct scope *fixture_scope(struct fixture *fixture) {
    arena_reset(fixture->arena);
    fixture->scope = (struct scope){.arena = fixture->arena};
    return &fixture->scope;
}

static inline void fixture_check(struct fixture *fixture) {
    struct scope *scope = fixture_scope(fixture);
    enum status status = store_check(NULL, fixture->store, NULL, NULL, scope);
    if (status != STATUS_OK) {
        fail_msg("store_check: %s", scope->fault.first == NULL ? "?" : scope->fault.first->text);
    }
}

static inline uint32_t fixture_space(struct fixture *fixture, const char *name) {
    uint32_t space = 0;
    assert_int_equal(store_space(&space, fixture->store, text_from(name), &fixture->scope), STATUS_OK);
    return space;
}

/* ---- one write in a unit of its own ------------------------------------------------------------------------------------- */

struct fixture_put {
    struct fixture *fixture;
    uint16_t type;
    const char *id, *body;
    const struct store_row *rows;
    size_t row_count;
    bool deletes;
    struct store_resource written;
};

static inline enum status fixture_put_apply(void *context, struct store_unit *unit, struct scope *scope) {
    struct fixture_put *put = context;
    if (put->deletes) {
        return store_unit_delete(&put->written, unit, put->type, text_from(put->id), scope);
    }
    struct store_put what = {.type = put->type,
        .id = text_from(put->id),
        .method = STORE_UPDATED,
        .rows = put->rows,
        .row_count = put->row_count};
    enum status status =
        store_body_pack(&what.body, put->fixture->store, text_from(put->body == NULL ? "{}" : put->body), 1, scope);
    return status == STATUS_OK ? store_unit_put(&put->written, unit, &what, scope) : status;
}

/* In an arena that lives until fixture_scope is called. */
static inline struct store_resource fixture_write(struct fixture *fixture, uint16_t type, const char *id,
    const char *body, const struct store_row *rows, size_t row_count) {
    struct fixture_put put = {
        .fixture = fixture, .type = type, .id = id, .body = body, .rows = rows, .row_count = row_count};
    assert_int_equal(store_run(fixture->store, fixture_put_apply, &put, &fixture->scope), STATUS_OK);
    return put.written;
}

static inline struct store_resource fixture_delete(struct fixture *fixture, uint16_t type, const char *id) {
    struct fixture_put put = {.fixture = fixture, .type = type, .id = id, .deletes = true};
    assert_int_equal(store_run(fixture->store, fixture_put_apply, &put, &fixture->scope), STATUS_OK);
    return put.written;
}

static inline struct store_view *fixture_view(struct fixture *fixture, uint64_t seq) {
    struct store_view *view = NULL;
    assert_int_equal(store_view_open(&view, fixture->store, seq, &fixture->scope), STATUS_OK);
    return view;
}

static inline const char *fixture_issue(const struct fixture *fixture) {
    return fixture->scope.fault.first == NULL ? "" : fixture->scope.fault.first->text;
}

#endif
