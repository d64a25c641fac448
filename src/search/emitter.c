#include "search/emitter.h"

static struct store_row *row_add(struct emitter *emitter, enum facet facet) {
    if (emitter->status != STATUS_OK) {
        return NULL;
    }
    uint32_t space;
    emitter->status = slot_space(&space, emitter->search, emitter->slot, facet, emitter->scope);
    if (emitter->status == STATUS_OK && emitter->count == emitter->most) {
        emitter->status =
            fault(emitter->scope, STATUS_TOO_COSTLY, "", "the resource has more than %zu search values", emitter->most);
    }
    if (emitter->status != STATUS_OK) {
        return NULL;
    }
    if (emitter->count == emitter->capacity) {
        size_t capacity = emitter->capacity == 0 ? 64 : emitter->capacity * 2;
        emitter->rows = arena_resize(emitter->scope->arena, emitter->rows, emitter->capacity * sizeof *emitter->rows,
            capacity * sizeof *emitter->rows);
        emitter->capacity = capacity;
    }
    struct store_row *row = &emitter->rows[emitter->count++];
    *row = (struct store_row){.space = space};
    return row;
}

void emit_key(struct emitter *emitter, enum facet facet, const struct key *key) {
    struct store_row *row = row_add(emitter, facet);
    if (row != NULL) {
        row->key = key_copy(emitter->scope->arena, key);
    }
}

void emit_reference(struct emitter *emitter, fhir_type type, struct text id) {
    struct store_row *row = row_add(emitter, FACET_MAIN);
    if (row != NULL) {
        row->target_type = fhir_resource_number(type);
        row->target_id = text_copy(emitter->scope->arena, id);
    }
}
