#include "records/bundle.h"

/* Many resources, fast. What is fed is prepared at once and gathered into batches, each a unit; a few units are on their way
 * while the next is prepared. A Bundle is a unit of its own, with its links rewritten. */

enum { UNIT_RESOURCES_MAX = 1000, FLIGHTS = 3 };
#define UNIT_BYTES_MAX ((size_t)24 * 1024 * 1024)
#define FLIGHT_ARENA_BYTES ((size_t)2 * 1024 * 1024 * 1024)

enum flight_state { FLIGHT_FREE, FLIGHT_FILLING, FLIGHT_IN_UNIT };

struct loaded {
    struct write write;
    uint64_t document; /* 1.. as fed */
};

struct flight {
    enum flight_state state;
    struct arena *arena;
    struct scope scope;
    struct operation *op;
    struct records_answer answer;
    struct loaded *loaded; /* single resources, or… */
    size_t count;
    struct bundle *bundle; /* …one Bundle */
    uint64_t document;     /* of the Bundle */
    uint64_t failed_document;
    struct waiter *waiter;
};

struct records_import {
    struct records *records;
    struct records_caller caller;
    struct arena *arena;
    struct flight flights[FLIGHTS];
    size_t current;
    uint64_t documents, written;
    enum status status; /* of the first that failed; the import goes no further */
};

/* ---- in the unit ------------------------------------------------------------------------------------------------ */

static enum status apply_loaded(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct flight *flight = op->plan;
    for (size_t i = 0; i < flight->count; i++) {
        enum status status = write_apply(&flight->loaded[i].write, unit, scope);
        if (status != STATUS_OK) {
            flight->failed_document = flight->loaded[i].document;
            return status;
        }
    }
    return STATUS_OK;
}

static enum status apply_bundle(struct operation *op, struct records_unit *unit, struct scope *scope) {
    struct flight *flight = op->plan;
    flight->failed_document = flight->document;
    return bundle_apply(&op->retry, flight->bundle, unit, scope);
}

static enum status prepare_loaded(struct operation *op, struct scope *scope) {
    (void)scope;
    const struct flight *flight = op->plan;
    op->apply = flight->bundle != NULL ? apply_bundle : apply_loaded;
    return STATUS_OK;
}

/* ---- flights ---------------------------------------------------------------------------------------------------- */

static enum status refuse_flight(struct records_import *import, const struct flight *flight, uint64_t document,
    enum status status, struct scope *scope) {
    import->status = status;
    fault_carry(scope, &flight->scope.fault);
    if (document == 0) {
        return fault(scope, status, "", "the import stops here; what came before is kept");
    }
    return fault(scope, status, "", "the import stops at document %llu; what was committed before is kept",
        (unsigned long long)document);
}

static enum status land(struct records_import *import, struct flight *flight, struct scope *scope) {
    if (flight->state != FLIGHT_IN_UNIT) {
        return STATUS_OK;
    }
    waiter_wait(flight->waiter);
    flight->state = FLIGHT_FREE;
    if (flight->answer.status != STATUS_OK) {
        return refuse_flight(import, flight, flight->failed_document, flight->answer.status, scope);
    }
    import->written += flight->bundle != NULL ? flight->bundle->count : flight->count;
    return STATUS_OK;
}

static enum status take_off(struct records_import *import, struct flight *flight, struct scope *scope) {
    if (flight->state != FLIGHT_FILLING || (flight->count == 0 && flight->bundle == NULL)) {
        return STATUS_OK;
    }
    const struct records_request request = {.interaction = RECORDS_BUNDLE, .caller = import->caller};
    enum status status = operation_open(&flight->op, &flight->answer, import->records, &request, &flight->scope);
    if (status != STATUS_OK) {
        return refuse_flight(import, flight, flight->document, status, scope);
    }
    struct operation *op = flight->op;
    op->note.what = "import";
    op->prepare = prepare_loaded;
    op->plan = flight;
    op->done = waiter_signal;
    op->done_context = flight->waiter;
    flight->state = FLIGHT_IN_UNIT;
    operation_start(op);
    import->current = (import->current + 1) % FLIGHTS;
    return STATUS_OK;
}

/* The flight that takes the next document: emptied, once what it carried has landed. */
static enum status filling(struct flight **out, struct records_import *import, struct scope *scope) {
    struct flight *flight = &import->flights[import->current];
    enum status status = land(import, flight, scope);
    if (status == STATUS_OK && flight->state == FLIGHT_FREE) {
        arena_reset(flight->arena);
        flight->scope = (struct scope){.arena = flight->arena};
        flight->state = FLIGHT_FILLING;
        flight->count = 0;
        flight->loaded = NULL;
        flight->bundle = NULL;
        flight->failed_document = 0;
    }
    *out = flight;
    return status;
}

/* ---- documents -------------------------------------------------------------------------------------------------- */

struct feeding {
    struct records_import *import;
    struct flight *flight;
    struct text document;
    const yyjson_val *root;
};

static enum status load_resource(struct feeding *feeding, struct scope *scope) {
    struct flight *flight = feeding->flight;
    if (flight->loaded == NULL) {
        flight->loaded = ARENA_ARRAY(scope->arena, struct loaded, UNIT_RESOURCES_MAX);
    }
    enum status status = fhir_check(feeding->root, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct loaded *loaded = &flight->loaded[flight->count];
    struct text id = json_get_text(feeding->root, "id");
    if (id.size == 0) {
        char made[ID_TEXT_SIZE];
        id_new(made, feeding->import->records->clock);
        id = text_copy(scope->arena, text_from(made));
    }
    *loaded = (struct loaded){
        .write = {.kind = WRITE_UPDATE, .type = fhir_resource_type_of(feeding->root), .id = id},
        .document = feeding->import->documents,
    };
    status = draft_make(&loaded->write.draft, feeding->import->records, feeding->root, id, scope);
    flight->count += status == STATUS_OK;
    return status;
}

static enum status load_bundle(struct feeding *feeding, struct scope *scope) {
    struct flight *flight = feeding->flight;
    struct bundle *bundle = ARENA_NEW(scope->arena, struct bundle);
    enum status status = fhir_check(feeding->root, scope);
    if (status == STATUS_OK) {
        status = bundle_read(bundle, feeding->import->records, BUNDLE_IMPORT, feeding->root, scope);
    }
    for (size_t i = 0; status == STATUS_OK && i < bundle->condition_count; i++) {
        status = condition_look(bundle->conditions[i], feeding->import->records, scope);
    }
    if (status == STATUS_OK) {
        status = bundle_compose(bundle, scope);
    }
    if (status == STATUS_OK) {
        flight->bundle = bundle;
        flight->document = feeding->import->documents;
    }
    return status;
}

static enum status read_document(void *context, struct scope *scope) {
    struct feeding *feeding = context;
    if (feeding->document.size > RECORDS_BODY_BYTES_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "", "a document may have at most %d bytes", RECORDS_BODY_BYTES_MAX);
    }
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, feeding->document, scope);
    if (status != STATUS_OK) {
        return status;
    }
    feeding->root = yyjson_doc_get_root(doc);
    if (fhir_resource_type_of(feeding->root) == FHIR_TYPE_NONE) {
        return fault(scope, STATUS_INVALID, "resourceType", "the document is not a resource of FHIR %s", FHIR_VERSION);
    }
    return STATUS_OK;
}

static bool is_bundle(const struct feeding *feeding) {
    return text_is(json_get_text(feeding->root, "resourceType"), "Bundle");
}

static enum status load_document(void *context, struct scope *scope) {
    struct feeding *feeding = context;
    return is_bundle(feeding) ? load_bundle(feeding, scope) : load_resource(feeding, scope);
}

/* A Bundle's conditions may ask for what was fed before: it waits until all of that is durable. */
static enum status land_all(struct records_import *import, struct scope *scope) {
    enum status status = take_off(import, &import->flights[import->current], scope);
    for (size_t i = 0; i < FLIGHTS; i++) {
        enum status landed = land(import, &import->flights[i], scope);
        status = status == STATUS_OK ? landed : status;
    }
    return status;
}

static enum status feed_bundle(struct feeding *feeding, struct scope *scope) {
    struct records_import *import = feeding->import;
    const struct flight *read_into = feeding->flight;
    enum status status = land_all(import, scope);
    if (status == STATUS_OK) {
        status = filling(&feeding->flight, import, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct flight *flight = feeding->flight;
    if (flight != read_into) { /* what it was read into is on its way with other resources */
        status = shield_run(&flight->scope, read_document, feeding);
    }
    if (status == STATUS_OK) {
        status = shield_run(&flight->scope, load_document, feeding);
    }
    return status == STATUS_OK ? take_off(import, flight, scope)
                               : refuse_flight(import, flight, import->documents, status, scope);
}

enum status records_import_feed(struct records_import *import, struct text document, struct scope *scope) {
    if (import->status != STATUS_OK) {
        return fault(scope, import->status, "", "the import has stopped");
    }
    import->documents++;
    struct feeding feeding = {.import = import, .document = document};
    enum status status = filling(&feeding.flight, import, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct flight *flight = feeding.flight;
    status = shield_run(&flight->scope, read_document, &feeding);
    if (status == STATUS_OK && is_bundle(&feeding)) {
        return feed_bundle(&feeding, scope);
    }
    if (status == STATUS_OK) {
        status = shield_run(&flight->scope, load_document, &feeding);
    }
    if (status != STATUS_OK) {
        return refuse_flight(import, flight, import->documents, status, scope);
    }
    bool full = flight->count == UNIT_RESOURCES_MAX || arena_used(flight->arena) > UNIT_BYTES_MAX;
    return full ? take_off(import, flight, scope) : STATUS_OK;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static void free_import(struct records_import *import) {
    for (size_t i = 0; i < FLIGHTS; i++) {
        arena_close(import->flights[i].arena);
        waiter_close(import->flights[i].waiter);
    }
    arena_close(import->arena);
}

enum status records_import_open(
    struct records_import **out, struct records *records, const struct records_caller *caller, struct scope *scope) {
    enum status status = audit_check_caller(caller, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct arena *arena = arena_open(64 * 1024);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for an import");
    }
    struct records_import *import = ARENA_NEW(arena, struct records_import);
    *import = (struct records_import){.records = records, .arena = arena};
    import->caller = (struct records_caller){
        .who = text_copy(arena, caller->who),
        .organisation = text_copy(arena, caller->organisation),
        .role = text_copy(arena, caller->role),
        .purpose = text_copy(arena, caller->purpose),
    };
    bool complete = true;
    for (size_t i = 0; i < FLIGHTS; i++) {
        import->flights[i].arena = arena_open(FLIGHT_ARENA_BYTES);
        import->flights[i].waiter = waiter_open();
        complete = complete && import->flights[i].arena != NULL && import->flights[i].waiter != NULL;
    }
    if (!complete) {
        free_import(import);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for an import");
    }
    *out = import;
    return STATUS_OK;
}

enum status records_import_close(uint64_t *count_out, struct records_import *import, struct scope *scope) {
    enum status status = import->status;
    if (status == STATUS_OK) {
        status = land_all(import, scope);
    } else {
        for (size_t i = 0; i < FLIGHTS; i++) {
            struct scope unheard = {.arena = scope->arena};
            enum status landed = land(import, &import->flights[i], &unheard);
            status = status == STATUS_OK ? landed : status;
        }
    }
    if (count_out != NULL) {
        *count_out = import->written;
    }
    free_import(import);
    return status;
}
