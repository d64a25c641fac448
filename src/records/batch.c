#include "records/bundle.h"
#include "records/patch.h"

/* Entries as interactions of their own. Each has its own memory, so that many are on their way at once; what a step starts has
 * ended before the next step begins. */

enum { WINDOW = 64 };
#define ENTRY_ARENA_BYTES ((size_t)512 * 1024 * 1024)

struct flight {
    struct bundle_entry *entry;
    struct arena *arena;
    struct scope scope;
    struct records_request request;
};

struct runway {
    struct bundle *bundle;
    const struct records_caller *caller;
    struct flight flights[WINDOW];
    size_t count;
    struct waiter *waiter;
};

static const enum records_interaction interactions[] = {
    [TARGET_SYSTEM] = RECORDS_SEARCH,
    [TARGET_SYSTEM_HISTORY] = RECORDS_HISTORY_SYSTEM,
    [TARGET_TYPE] = RECORDS_SEARCH,
    [TARGET_TYPE_HISTORY] = RECORDS_HISTORY_TYPE,
    [TARGET_INSTANCE] = RECORDS_READ,
    [TARGET_INSTANCE_HISTORY] = RECORDS_HISTORY_INSTANCE,
    [TARGET_VERSION] = RECORDS_VREAD,
    [TARGET_COMPARTMENT] = RECORDS_SEARCH,
};

static enum status resource_text(struct text *out, const yyjson_val *resource, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORDS_RESOURCE_BYTES_MAX);
    json_value(&w, resource);
    return json_finish(out, &w, scope);
}

static enum status request_of(struct flight *flight, const struct records_caller *caller, enum records_return returns,
    struct text base, struct scope *scope) {
    const struct bundle_entry *entry = flight->entry;
    const struct target *target = &entry->target;
    struct records_request *request = &flight->request;
    *request = (struct records_request){
        .caller = *caller,
        .base = base,
        .type = target->type,
        .id = target->id,
        .version = target->version,
        .if_match = entry->if_match,
        .if_none_match = entry->if_none_match,
        .if_none_exist = entry->if_none_exist,
        .if_modified_since = entry->if_modified_since,
        .is_conditional = target->kind == TARGET_TYPE,
        .returns = returns == RECORDS_RETURN_OUTCOME ? RECORDS_RETURN_OUTCOME : RECORDS_RETURN_UNSAID,
    };
    struct search_pair *pairs = NULL;
    enum status status = query_pairs(&pairs, &request->pair_count, target->query, entry->path, scope);
    request->pairs = pairs;
    if (status != STATUS_OK) {
        return status;
    }
    if (entry->operation != NULL) {
        request->interaction = RECORDS_OPERATION;
        request->operation = target->operation;
        return entry->resource == NULL ? STATUS_OK : resource_text(&request->body, entry->resource, scope);
    }
    switch (entry->method) {
    case BUNDLE_DELETE:
        request->interaction = RECORDS_DELETE;
        return STATUS_OK;
    case BUNDLE_POST:
        request->interaction = RECORDS_CREATE;
        return resource_text(&request->body, entry->resource, scope);
    case BUNDLE_PUT:
        request->interaction = RECORDS_UPDATE;
        return resource_text(&request->body, entry->resource, scope);
    case BUNDLE_PATCH:
        request->interaction = RECORDS_PATCH;
        return patch_of_entry(&request->patch_format, &request->body, entry->resource, entry->path, scope);
    case BUNDLE_GET:
        break;
    }
    request->interaction = interactions[target->kind];
    if (target->kind == TARGET_COMPARTMENT) {
        request->compartment.type = target->owner;
        request->compartment.id = target->id;
        request->id = (struct text){0};
    }
    return STATUS_OK;
}

struct start {
    struct flight *flight;
    const struct records_caller *caller;
    enum records_return returns;
    struct text base;
};

static enum status make_request(void *context, struct scope *scope) {
    const struct start *start = context;
    return request_of(start->flight, start->caller, start->returns, start->base, scope);
}

/* An upper module's operation waits for units of its own: here, in the bundle's worker, so that no worker waits for another. */
static enum status run_registered(void *context, struct scope *scope) {
    struct flight *flight = context;
    struct bundle_entry *entry = flight->entry;
    return records_operation_answer(&entry->answer.body, entry->operation, &flight->request, scope);
}

static void run_here(struct runway *runway, struct flight *flight) {
    enum status status = shield_run(&flight->scope, run_registered, flight);
    flight->entry->answer.status = status;
    if (status != STATUS_OK && flight->scope.fault.count == 0) {
        fault(&flight->scope, status, "", "the operation ended with \"%s\"", status_name(status));
    }
    waiter_signal(runway->waiter);
}

static void start_entry(struct runway *runway, struct bundle_entry *entry) {
    struct flight *flight = &runway->flights[runway->count];
    *flight = (struct flight){.entry = entry, .arena = arena_open(ENTRY_ARENA_BYTES)};
    if (flight->arena == NULL) {
        entry->answer.status = STATUS_UNAVAILABLE;
        return;
    }
    runway->count++;
    struct start start = {
        .flight = flight, .caller = runway->caller, .returns = runway->bundle->returns, .base = runway->bundle->base};
    enum status status = scope_run(&flight->scope, flight->arena, make_request, &start);
    if (status == STATUS_OK && entry->operation != NULL && entry->operation->run != NULL) {
        run_here(runway, flight);
    } else if (status == STATUS_OK) {
        records_submit(
            &entry->answer, runway->bundle->records, &flight->request, waiter_signal, runway->waiter, &flight->scope);
    } else {
        entry->answer = (struct records_answer){.status = status};
        waiter_signal(runway->waiter);
    }
}

/* The answer moves into the bundle's memory. A write's body is sent back only where the client asked for it. */
static void land_entry(struct flight *flight, enum records_return returns, struct scope *scope) {
    struct bundle_entry *entry = flight->entry;
    struct records_answer *answer = &entry->answer;
    answer->id = text_copy(scope->arena, answer->id);
    bool asked = entry->method == BUNDLE_GET || entry->operation != NULL || returns == RECORDS_RETURN_REPRESENTATION;
    answer->body = asked && answer->status == STATUS_OK ? text_copy(scope->arena, answer->body) : (struct text){0};
    answer->hints = text_copy(scope->arena, answer->hints);
    if (answer->status != STATUS_OK) {
        struct scope own = {.arena = scope->arena};
        fault_carry(&own, &flight->scope.fault);
        entry->fault = own.fault;
    }
}

static void close_flights(void *context) {
    struct runway *runway = context;
    for (size_t i = 0; i < runway->count; i++) {
        arena_close(runway->flights[i].arena);
        runway->flights[i].arena = NULL;
    }
    runway->count = 0;
}

static void land_all(struct runway *runway, struct scope *scope) {
    for (size_t i = 0; i < runway->count; i++) {
        waiter_wait(runway->waiter);
    }
    for (size_t i = 0; i < runway->count; i++) {
        land_entry(&runway->flights[i], runway->bundle->returns, scope);
    }
    close_flights(runway);
}

static int step_of(enum bundle_method method) {
    return method == BUNDLE_PATCH ? BUNDLE_PUT : (int)method;
}

static void close_runway(void *context) {
    struct runway *runway = context;
    close_flights(runway);
    waiter_close(runway->waiter);
}

enum status bundle_run_entries(
    struct bundle *bundle, enum bundle_part part, const struct records_caller *caller, struct scope *scope) {
    struct runway *runway = ARENA_NEW(scope->arena, struct runway);
    *runway = (struct runway){.bundle = bundle, .caller = caller, .waiter = waiter_open()};
    if (runway->waiter == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later");
    }
    arena_defer(scope->arena, close_runway, runway);
    enum status status = STATUS_OK;
    for (int step = part == BUNDLE_READS ? BUNDLE_GET : BUNDLE_DELETE; step <= BUNDLE_GET && status == STATUS_OK;
         step++) {
        for (size_t i = 0; i < bundle->count && status == STATUS_OK; i++) {
            struct bundle_entry *entry = &bundle->entries[i];
            if (step_of(entry->method) != step || entry->answer.status != STATUS_OK) {
                continue;
            }
            start_entry(runway, entry);
            if (runway->count == WINDOW) {
                land_all(runway, scope);
                status = scope_check_deadline(scope);
            }
        }
        land_all(runway, scope);
    }
    return status;
}
