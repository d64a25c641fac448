#include "records/service.h"

#include <stdlib.h>

#include "records/page.h"
#include "records/reindex.h"
#include "records/timer.h"
#include "records/worker.h"

#define HANDLE_ARENA_BYTES ((size_t)16 * 1024 * 1024)

/* ---- the secret that signs cursors ------------------------------------------------------------------------------ */

/* Kept in the folder, so that a cursor outlives a restart. */
static const char cursor_key_note[] = "records.cursor-key";

static enum status note_key(void *context, struct store_unit *unit, struct scope *scope) {
    const struct text *key = context;
    return store_unit_note_set(unit, text_from(cursor_key_note), *key, scope);
}

enum status records_note(struct text *out, struct records *records, struct text name, struct scope *scope) {
    struct store_view *view = NULL;
    enum status status = store_view_open(&view, records->store, 0, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = store_view_note(out, view, name, scope);
    store_view_close(view);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

uint64_t records_sequence(const struct records *records) {
    return store_sequence(records->store);
}

static enum status open_key(struct records *records, struct scope *scope) {
    struct text key = {0};
    enum status status = records_note(&key, records, text_from(cursor_key_note), scope);
    if (status == STATUS_OK && key.size == 0) {
        uint8_t secret[DIGEST_SIZE];
        char text[DIGEST_TEXT_SIZE];
        random_bytes(secret, sizeof secret);
        digest_text(text, secret);
        key = text_copy(scope->arena, text_from(text));
        status = store_run(records->store, note_key, &key, scope);
    }
    if (status == STATUS_OK) {
        records->cursor_key = text_copy(records->arena, key);
    }
    return status;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static struct text base_without_slash(struct text base) {
    while (base.size > 0 && base.at[base.size - 1] == '/') {
        base.size--;
    }
    return base;
}

enum status records_open(struct records **out, const struct records_config *config, struct scope *scope) {
    struct arena *arena = arena_open(HANDLE_ARENA_BYTES);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the records");
    }
    struct records *records = ARENA_NEW(arena, struct records);
    *records = (struct records){
        .arena = arena,
        .store = config->store,
        .search = config->search,
        .terminology = config->terminology,
        .clock = config->clock,
        .own_base = text_copy(arena, base_without_slash(config->own_base)),
        .references = config->references,
        .deletes = config->deletes,
        .audit = config->audit,
        .zone_minutes = config->zone_minutes,
        .page_default = config->page_default == 0 ? RECORDS_PAGE_DEFAULT : config->page_default,
        .page_max = config->page_max == 0 ? RECORDS_PAGE_MAX : config->page_max,
        .guards = ARENA_ARRAY(arena, struct guard_row *, (size_t)fhir_resource_count() + 1),
    };
    concepts_register(records);
    records->base_in_json = page_base_in_json(arena, records->own_base);
    enum status status = open_key(records, scope);
    if (status == STATUS_OK) {
        status = validate_open(&records->validate, scope);
    }
    if (status == STATUS_OK) {
        status = timer_open(&records->timer, records, scope);
    }
    if (status == STATUS_OK) {
        status = worker_open(&records->worker, scope);
    }
    if (status == STATUS_OK) {
        reindex_status_register(records);
        status = reindex_open(&records->reindex, records, scope);
    }
    if (status != STATUS_OK) {
        records_close(records);
        return status;
    }
    *out = records;
    return STATUS_OK;
}

void records_close(struct records *records) {
    if (records == NULL) {
        return;
    }
    struct timer *timer = records->timer;
    reindex_close(records->reindex);
    worker_close(records->worker);
    timer_close(timer);
    validate_close(records->validate);
    arena_close(records->arena);
}

struct store *records_store(struct records *records) {
    return records->store;
}

enum records_audit records_audit_of(const struct records *records) {
    return records->audit;
}

const struct clock *records_clock(const struct records *records) {
    return records->clock;
}
