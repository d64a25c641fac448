#include "search/edition.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "search/upload.h"

#define SNAPSHOT_BYTES_MAX ((size_t)64 << 20)

/* Invariants: `required[n]` is at or above the `since` of each slot of type n; `done[n]` is at or below the edition of every
 * existing resource of type n that the last count saw. [0] stands for what all types share. */
struct edition_keeper {
    _Atomic(struct search *) current; /* NULL: the handle's own tables, without uploads */
    _Atomic uint32_t entering;        /* threads between reading `current` and counting themselves among its users */
    _Atomic uint64_t edition;
    _Atomic uint64_t *required; /* by resource number */
    pthread_mutex_t lock;       /* guards what follows, and slots while they are published and counted */
    uint64_t *done;
};

static size_t type_count(void) {
    return (size_t)fhir_resource_count() + 1;
}

/* ---- holding ---------------------------------------------------------------------------------------------------------- */

static void snapshot_release(struct search *snapshot) {
    if (snapshot != NULL && atomic_fetch_sub_explicit(&snapshot->users, 1, memory_order_acq_rel) == 1) {
        arena_close(snapshot->arena);
    }
}

struct hold {
    struct search *snapshot;
};

static void hold_end(void *hold) {
    snapshot_release(((struct hold *)hold)->snapshot);
}

const struct search *search_hold(const struct search *search, struct scope *scope) {
    struct edition_keeper *keeper = search->keeper;
    if (keeper == NULL || atomic_load_explicit(&keeper->current, memory_order_acquire) == NULL) {
        return search;
    }
    struct hold *hold = ARENA_NEW(scope->arena, struct hold);
    arena_defer(scope->arena, hold_end, hold);
    atomic_fetch_add(&keeper->entering, 1);
    hold->snapshot = atomic_load(&keeper->current);
    atomic_fetch_add(&hold->snapshot->users, 1);
    atomic_fetch_sub(&keeper->entering, 1);
    return hold->snapshot;
}

/* Whoever read the old pointer has counted itself once nobody is entering; later ones read the new. */
static void current_replace(struct edition_keeper *keeper, struct search *snapshot) {
    struct search *old = atomic_exchange(&keeper->current, snapshot);
    while (atomic_load(&keeper->entering) != 0) {
        sched_yield();
    }
    snapshot_release(old);
}

/* ---- opening ---------------------------------------------------------------------------------------------------------- */

enum status edition_keeper_open(struct search *search, struct scope *scope) {
    struct edition_keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper != NULL) {
        pthread_mutex_init(&keeper->lock, NULL);
        keeper->required = calloc(type_count(), sizeof *keeper->required);
        keeper->done = calloc(type_count(), sizeof *keeper->done);
    }
    search->keeper = keeper;
    return keeper != NULL && keeper->required != NULL && keeper->done != NULL
               ? STATUS_OK
               : fault(scope, STATUS_UNAVAILABLE, "", "no memory for the search parameters");
}

void edition_keeper_close(struct search *search) {
    struct edition_keeper *keeper = search->keeper;
    if (keeper == NULL) {
        return;
    }
    snapshot_release(atomic_load(&keeper->current));
    pthread_mutex_destroy(&keeper->lock);
    free((void *)keeper->required);
    free(keeper->done);
    free(keeper);
}

uint64_t search_edition(const struct search *search) {
    return atomic_load_explicit(&search->keeper->edition, memory_order_acquire);
}

static uint64_t required_of(const struct edition_keeper *keeper, size_t number) {
    uint64_t own = atomic_load_explicit(&keeper->required[number], memory_order_acquire);
    uint64_t shared = atomic_load_explicit(&keeper->required[0], memory_order_acquire);
    return own > shared ? own : shared;
}

uint64_t search_edition_required(const struct search *search, fhir_type type) {
    return required_of(search->keeper, fhir_resource_number(type));
}

const uint64_t *search_editions_required(const struct search *search, struct scope *scope) {
    uint64_t *required = ARENA_ARRAY(scope->arena, uint64_t, type_count());
    for (size_t i = 1; i < type_count(); i++) {
        required[i] = required_of(search->keeper, i);
    }
    return required;
}

/* ---- building --------------------------------------------------------------------------------------------------------- */

struct building {
    const struct search *handle;
    struct search *snapshot;
    struct search_upload *uploads;
    size_t upload_count;
    struct search_definition *definitions;
    size_t definition_count;
    const char **refusals; /* in the snapshot's arena */
};

/* Two may have come by different ways (a restored folder): the first is served. */
static const struct search_definition *find_clash(
    const struct building *building, const struct fhir_search_parameter *parameter) {
    for (size_t i = 0; i < building->definition_count; i++) {
        const struct fhir_search_parameter *other = &building->definitions[i].parameter;
        for (uint16_t b = 0; b < parameter->base_count && strcmp(other->code, parameter->code) == 0; b++) {
            if (catalog_has_base(other, parameter->bases[b], fhir_type_is_abstract(parameter->bases[b])) ||
                fhir_type_is_abstract(parameter->bases[b])) {
                return &building->definitions[i];
            }
        }
    }
    return NULL;
}

static const char *refusal_of(struct building *building, struct search_upload *upload, struct scope *scope) {
    struct search_definition *definition = &building->definitions[building->definition_count];
    struct scope trial = {.arena = scope->arena};
    enum status status =
        upload_read(definition, building->handle, upload, building->definitions, building->definition_count, &trial);
    if (status != STATUS_OK) {
        return trial.fault.first == NULL ? status_name(status) : trial.fault.first->text;
    }
    const struct search_definition *other = find_clash(building, &definition->parameter);
    if (other != NULL) {
        return text_format(scope->arena, "SearchParameter/%.*s has its code", (int)other->id.size, other->id.at).at;
    }
    if (building->definition_count == UPLOADS_MAX) {
        return text_format(scope->arena, "more than %d uploaded search parameters", UPLOADS_MAX).at;
    }
    building->definition_count += definition->parameter.base_count > 0;
    return NULL;
}

static enum status build(void *context, struct scope *scope) {
    struct building *building = context;
    size_t count = building->upload_count;
    building->definitions = ARENA_ARRAY(scope->arena, struct search_definition, count + 1);
    building->refusals = ARENA_ARRAY(scope->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        building->refusals[i] = refusal_of(building, &building->uploads[i], scope);
    }
    catalog_extend(building->snapshot, building->handle, building->definitions, building->definition_count, scope);
    return STATUS_OK;
}

static enum status snapshot_build(struct search **out, const struct search *handle, struct search_upload *uploads,
    size_t upload_count, uint64_t edition, struct scope *scope) {
    struct arena *arena = arena_open(SNAPSHOT_BYTES_MAX);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the search parameters");
    }
    struct search *snapshot = ARENA_NEW(arena, struct search);
    memcpy(snapshot, handle, sizeof *snapshot);
    snapshot->arena = arena;
    snapshot->keeper = NULL;
    snapshot->edition = edition;
    atomic_store(&snapshot->users, 1);
    struct building building = {
        .handle = handle, .snapshot = snapshot, .uploads = uploads, .upload_count = upload_count};
    struct scope inner = {0};
    enum status status = scope_run(&inner, arena, build, &building);
    if (status != STATUS_OK) {
        fault_carry(scope, &inner.fault);
        arena_close(arena);
        return status;
    }
    for (size_t i = 0; i < upload_count; i++) {
        uploads[i].refusal =
            building.refusals[i] == NULL ? NULL : text_string(scope->arena, text_from(building.refusals[i]));
    }
    *out = snapshot;
    return STATUS_OK;
}

/* ---- what was there before ---------------------------------------------------------------------------------------------- */

struct past_slot {
    uint64_t hash, since;
    const struct slot *slot; /* NULL: from the note */
};
struct past {
    struct past_slot *at;
    size_t count;
};

static const struct past_slot *past_find(const struct past *past, uint64_t hash) {
    for (size_t i = 0; i < past->count; i++) {
        if (past->at[i].hash == hash) {
            return &past->at[i];
        }
    }
    return NULL;
}

/* The slots of uploads in the snapshot before. */
static struct past *past_of_snapshot(const struct search *before, struct scope *scope) {
    struct past *past = ARENA_ARRAY(scope->arena, struct past, type_count());
    for (size_t n = 0; before != NULL && n < type_count(); n++) {
        const struct type_catalog *type = &before->types[n];
        past[n].at = ARENA_ARRAY(scope->arena, struct past_slot, type->slot_count + 1);
        for (size_t i = 0; i < type->slot_count; i++) {
            const struct slot *slot = type->slots[i];
            if (slot->is_uploaded) {
                past[n].at[past[n].count++] = (struct past_slot){slot->hash, slot->since, slot};
            }
        }
    }
    return past;
}

static void slot_inherit(struct slot *slot, const struct past_slot *past) {
    slot->since = past->since;
    if (past->slot == NULL) {
        return;
    }
    atomic_store(&slot->is_pending, atomic_load(&past->slot->is_pending));
    atomic_store(&slot->indexed, atomic_load(&past->slot->indexed));
    atomic_store(&slot->total, atomic_load(&past->slot->total));
    atomic_store(&slot->complete_at_seq, atomic_load(&past->slot->complete_at_seq));
}

enum slot_kinds { SLOTS_OF_UPLOADS, SLOTS_ALL };

/* Gives each slot the edition that first had it. A type whose slots are others than before needs rows of this one. */
static void slots_settle(struct edition_keeper *keeper, const struct search *tables, uint64_t edition,
    const struct past *past, enum slot_kinds kinds) {
    for (size_t n = 0; n < type_count(); n++) {
        const struct type_catalog *type = &tables->types[n];
        size_t matched = 0;
        bool is_changed = false;
        for (size_t i = 0; i < type->slot_count; i++) {
            struct slot *slot = type->slots[i];
            if (kinds == SLOTS_OF_UPLOADS && !slot->is_uploaded) {
                continue;
            }
            const struct past_slot *before = past_find(&past[n], slot->hash);
            matched += before != NULL;
            if (before != NULL) {
                slot_inherit(slot, before);
                continue;
            }
            is_changed = true;
            slot->since = edition;
            atomic_store(&slot->is_pending, true);
        }
        if (is_changed || matched < past[n].count) {
            atomic_store(&keeper->required[n], edition);
        }
    }
}

/* ---- publishing --------------------------------------------------------------------------------------------------------- */

enum status search_tables_publish(
    struct search *search, struct search_upload *uploads, size_t upload_count, uint64_t edition, struct scope *scope) {
    struct edition_keeper *keeper = search->keeper;
    struct search *snapshot = NULL;
    enum status status = snapshot_build(&snapshot, search, uploads, upload_count, edition, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct past *past = past_of_snapshot(atomic_load(&keeper->current), scope);
    pthread_mutex_lock(&keeper->lock);
    slots_settle(keeper, snapshot, edition, past, SLOTS_OF_UPLOADS);
    current_replace(keeper, snapshot);
    atomic_store(&keeper->edition, edition);
    pthread_mutex_unlock(&keeper->lock);
    return STATUS_OK;
}

enum status search_upload_check(const struct search *search, const struct search_upload *upload, struct scope *scope) {
    const struct search *tables = search_hold(search, scope);
    size_t count = 0;
    struct search_definition *peers = ARENA_ARRAY(scope->arena, struct search_definition, UPLOADS_MAX + 1);
    for (size_t n = 0; n < type_count(); n++) {
        const struct type_catalog *type = &tables->types[n];
        for (size_t i = 0; i < type->parameter_count && count < UPLOADS_MAX; i++) {
            const struct parameter *parameter = &type->parameters[i];
            if (parameter->upload.at != NULL && !text_equal(parameter->upload, upload->id)) {
                peers[count++] = (struct search_definition){parameter->upload, *parameter->definition};
            }
        }
    }
    if (count == UPLOADS_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "more than %d uploaded search parameters", UPLOADS_MAX);
    }
    struct search_definition unused;
    return upload_read(&unused, tables, upload, peers, count, scope);
}

/* ---- the note ------------------------------------------------------------------------------------------------------------- */

/* {"edition":7,"types":[{"type":"Patient","required":7,"done":5,"slots":{"<hash>":1,…},"uploads":{"<hash>":7}},…]} */

static void write_slots(
    struct json_writer *w, const char *name, const struct type_catalog *type, enum slot_kinds kinds) {
    json_name(w, name);
    json_object_open(w);
    for (size_t i = 0; i < type->slot_count; i++) {
        const struct slot *slot = type->slots[i];
        if (slot->is_uploaded == (kinds == SLOTS_OF_UPLOADS)) {
            char hash[17];
            (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)slot->hash);
            json_member_int(w, hash, (int64_t)slot->since);
        }
    }
    json_object_close(w);
}

enum status search_tables_note(struct text *out, const struct search *search, struct scope *scope) {
    struct edition_keeper *keeper = search->keeper;
    uint64_t *required = ARENA_ARRAY(scope->arena, uint64_t, type_count());
    uint64_t *done = ARENA_ARRAY(scope->arena, uint64_t, type_count());
    const struct search *tables = NULL;
    uint64_t edition = 0;
    do { /* numbers and tables of one edition */
        edition = search_edition(search);
        tables = search_hold(search, scope);
        pthread_mutex_lock(&keeper->lock);
        for (size_t n = 0; n < type_count(); n++) {
            required[n] = atomic_load(&keeper->required[n]);
            done[n] = keeper->done[n];
        }
        pthread_mutex_unlock(&keeper->lock);
    } while (edition != search_edition(search));
    struct json_writer w = json_writer_open(scope->arena, SIZE_MAX);
    json_object_open(&w);
    json_member_int(&w, "edition", (int64_t)edition);
    json_name(&w, "types");
    json_array_open(&w);
    for (size_t n = 0; n < type_count(); n++) {
        json_object_open(&w);
        json_member_string(&w, "type", fhir_type_name(tables->types[n].type));
        json_member_int(&w, "required", (int64_t)required[n]);
        json_member_int(&w, "done", (int64_t)done[n]);
        write_slots(&w, "slots", &tables->types[n], SLOTS_ALL);
        write_slots(&w, "uploads", &tables->types[n], SLOTS_OF_UPLOADS);
        json_object_close(&w);
    }
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

static void past_read_slots(struct past *past, const yyjson_val *slots, struct scope *scope) {
    size_t count = yyjson_obj_size((yyjson_val *)slots);
    past->at = arena_resize(
        scope->arena, past->at, past->count * sizeof *past->at, (past->count + count + 1) * sizeof *past->at);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)slots);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        int64_t since = 0;
        (void)text_to_int64(&since, json_number_text(yyjson_obj_iter_get_val(name)));
        past->at[past->count++] = (struct past_slot){strtoull(yyjson_get_str(name), NULL, 16), (uint64_t)since, NULL};
    }
}

static uint64_t get_number(const yyjson_val *object, const char *name) {
    int64_t number = 0;
    return json_get_int64(&number, object, name) && number > 0 ? (uint64_t)number : 0;
}

/* `trusts_uploads` is false where the note is older than the last change of an uploaded parameter: what it says of their slots
 * may have been undone and done again since. */
static struct past *past_of_note(
    struct edition_keeper *keeper, const yyjson_val *note, bool trusts_uploads, uint64_t edition, struct scope *scope) {
    struct past *past = ARENA_ARRAY(scope->arena, struct past, type_count());
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(note, "types"), index, count, item) {
        fhir_type type = fhir_type_find(json_get_text(item, "type"));
        size_t n = fhir_resource_number(type);
        if (n == 0 && (type == FHIR_TYPE_NONE || !fhir_type_is_abstract(type))) {
            continue;
        }
        atomic_store(&keeper->required[n], get_number(item, "required"));
        keeper->done[n] = get_number(item, "done");
        past_read_slots(&past[n], json_get(item, "slots"), scope);
        const yyjson_val *uploads = json_get(item, "uploads");
        if (trusts_uploads) {
            past_read_slots(&past[n], uploads, scope);
        } else if (yyjson_obj_size((yyjson_val *)uploads) > 0) {
            atomic_store(&keeper->required[n], edition);
        }
    }
    return past;
}

static uint64_t done_by_all(const struct edition_keeper *keeper) {
    uint64_t least = UINT64_MAX;
    for (size_t n = 1; n < type_count(); n++) {
        least = keeper->done[n] < least ? keeper->done[n] : least;
    }
    return least;
}

/* When an upload was complete is not noted: cursors of before the opening are not trusted to have seen its rows. */
static void pending_settle(const struct edition_keeper *keeper, const struct search *tables, uint64_t seq) {
    uint64_t all = done_by_all(keeper);
    for (size_t n = 0; n < type_count(); n++) {
        for (size_t i = 0; i < tables->types[n].slot_count; i++) {
            struct slot *slot = tables->types[n].slots[i];
            atomic_store(&slot->is_pending, slot->since > (n == 0 ? all : keeper->done[n]));
            atomic_store(&slot->complete_at_seq, slot->is_uploaded ? seq : 0);
        }
    }
}

static bool is_something_new(const struct edition_keeper *keeper, const struct search *tables, uint64_t edition) {
    for (size_t n = 0; n < type_count(); n++) {
        if (atomic_load(&keeper->required[n]) == edition) {
            return true;
        }
        for (size_t i = 0; i < tables->types[n].slot_count; i++) {
            if (tables->types[n].slots[i]->since == edition) {
                return true;
            }
        }
    }
    return false;
}

enum status search_tables_open(
    bool *changed_out, struct search *search, const struct search_tables *tables, struct scope *scope) {
    struct edition_keeper *keeper = search->keeper;
    const uint64_t edition = tables->edition + 1; /* if anything is new */
    yyjson_doc *doc = NULL;
    enum status status = STATUS_OK;
    if (tables->note.size > 0) {
        status = json_read(&doc, tables->note, scope);
    }
    struct search *snapshot = NULL;
    if (status == STATUS_OK && tables->upload_count > 0) {
        status = snapshot_build(&snapshot, search, tables->uploads, tables->upload_count, edition, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *note = doc == NULL ? NULL : yyjson_doc_get_root(doc);
    bool trusts_uploads = get_number(note, "edition") == tables->edition;
    const struct past *past = past_of_note(keeper, note, trusts_uploads, edition, scope);
    const struct search *now = snapshot == NULL ? search : snapshot;
    slots_settle(keeper, now, edition, past, SLOTS_ALL);
    for (size_t n = 0; n < type_count() && tables->is_empty; n++) {
        keeper->done[n] = edition; /* nothing is there that could lack rows */
    }
    pending_settle(keeper, now, tables->seq);
    *changed_out = is_something_new(keeper, now, edition);
    uint64_t settled = *changed_out ? edition : tables->edition;
    search->edition = settled;
    atomic_store(&keeper->edition, settled);
    if (snapshot != NULL) {
        snapshot->edition = settled;
        current_replace(keeper, snapshot);
    }
    return STATUS_OK;
}

/* ---- counting ------------------------------------------------------------------------------------------------------------- */

struct counting {
    const struct store_edition *editions;
    size_t edition_count;
    uint64_t edition_at_view, seq;
};

static void slot_count(
    uint64_t *indexed, uint64_t *total, const struct counting *counting, size_t number, uint64_t since) {
    *indexed = *total = 0;
    for (size_t i = 0; i < counting->edition_count; i++) {
        const struct store_edition *row = &counting->editions[i];
        if (number == 0 || row->type == number) {
            *total += row->count;
            *indexed += row->edition >= since ? row->count : 0;
        }
    }
}

static size_t type_complete(const struct counting *counting, const struct type_catalog *type, size_t number) {
    size_t completed = 0;
    for (size_t i = 0; i < type->slot_count; i++) {
        struct slot *slot = type->slots[i];
        if (!atomic_load(&slot->is_pending) || slot->since > counting->edition_at_view) {
            continue;
        }
        uint64_t indexed, total;
        slot_count(&indexed, &total, counting, number, slot->since);
        atomic_store(&slot->indexed, indexed);
        atomic_store(&slot->total, total);
        if (indexed == total) {
            atomic_store(&slot->complete_at_seq, counting->seq);
            atomic_store_explicit(&slot->is_pending, false, memory_order_release);
            completed++;
        }
    }
    return completed;
}

static uint64_t done_of(const struct counting *counting, size_t number) {
    uint64_t done = counting->edition_at_view;
    for (size_t i = 0; i < counting->edition_count; i++) {
        const struct store_edition *row = &counting->editions[i];
        done = row->type == number && row->edition < done ? row->edition : done;
    }
    return done;
}

size_t search_tables_count(struct search *search, const struct search_count *count) {
    struct edition_keeper *keeper = search->keeper;
    const struct counting counting = {count->editions, count->edition_count, count->edition_before, count->seq};
    size_t completed = 0;
    pthread_mutex_lock(&keeper->lock);
    const struct search *current = atomic_load(&keeper->current);
    const struct search *tables = current == NULL ? search : current;
    for (size_t n = 0; n < type_count(); n++) {
        keeper->done[n] = n == 0 ? 0 : done_of(&counting, n);
        completed += type_complete(&counting, &tables->types[n], n);
    }
    keeper->done[0] = done_by_all(keeper);
    pthread_mutex_unlock(&keeper->lock);
    return completed;
}

bool search_tables_are_complete(const struct search *search) {
    struct edition_keeper *keeper = search->keeper;
    bool complete = true;
    pthread_mutex_lock(&keeper->lock);
    for (size_t n = 1; n < type_count() && complete; n++) {
        complete = keeper->done[n] >= required_of(keeper, n);
    }
    pthread_mutex_unlock(&keeper->lock);
    return complete;
}

/* ---- telling ---------------------------------------------------------------------------------------------------------------- */

static void tell_slot(struct search_progress *out, const struct type_catalog *type, const struct slot *slot) {
    *out = (struct search_progress){
        .type = type->type, .code = slot->code, .since = slot->since, .is_complete = !atomic_load(&slot->is_pending)};
}

enum status search_progress_of(struct search_progress **out, size_t *count_out, const struct search *search,
    struct text upload, struct scope *scope) {
    const struct search *tables = search_hold(search, scope);
    size_t most = 1;
    for (size_t n = 0; n < type_count(); n++) {
        most += tables->types[n].parameter_count + tables->types[n].slot_count;
    }
    *out = ARENA_ARRAY(scope->arena, struct search_progress, most);
    *count_out = 0;
    for (size_t n = 0; n < type_count(); n++) {
        const struct type_catalog *type = &tables->types[n];
        for (size_t i = 0; i < type->parameter_count; i++) {
            const struct parameter *parameter = &type->parameters[i];
            bool is_meant = upload.at == NULL ? parameter->upload.at != NULL : text_equal(parameter->upload, upload);
            if (is_meant) {
                struct search_progress *progress = &(*out)[(*count_out)++];
                tell_slot(progress, type, parameter->uses[0].slot);
                progress->code = text_string(scope->arena, text_from(parameter->code));
                progress->upload = parameter->upload;
            }
        }
        for (size_t i = 0; i < type->slot_count && upload.at == NULL; i++) {
            if (!type->slots[i]->is_uploaded && atomic_load(&type->slots[i]->is_pending)) {
                tell_slot(&(*out)[(*count_out)++], type, type->slots[i]);
            }
        }
    }
    return STATUS_OK;
}
