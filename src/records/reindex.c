#include "records/reindex.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "records/operation.h"

enum {
    SLICE_RESOURCES = 100,
    UPLOADS_READ_MAX = 10000,
    WAIT_AFTER_FAILURE_MS = 5000,
    WAIT_FOR_UNIT_MS = 50,
    COUNT_GAP_US = 500 * 1000,
    COUNT_SHARE = 10, /* counting takes at most one part in this many of the time */
    BACKGROUND_NICE = 10,
};
#define SLICE_ARENA_BYTES ((size_t)1024 * 1024 * 1024)
#define SETTLE_ARENA_BYTES ((size_t)256 * 1024 * 1024)

static const char edition_note[] = "search.edition", tables_note[] = "search.tables";

/* A SearchParameter that is active, as text; the list is in the order in which they were met. */
struct kept {
    struct kept *next;
    char *id, *json;
};
struct touched {
    struct touched *next;
    char id[];
};

struct reindex {
    struct records *records;
    fhir_type type;

    /* Guarded by `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct touched *touched; /* written by units that may not be committed yet */
    bool closing, has_work;
    _Atomic bool is_touched;

    pthread_t thread;
    bool started;

    /* The writer's thread's; before requests come, the opener's. */
    struct kept *kept;
    uint64_t edition_next;
};

/* ---- active parameters ------------------------------------------------------------------------------------------------- */

static char *copy(struct text text) {
    char *out = malloc(text.size + 1);
    if (out != NULL) {
        if (text.size > 0) {
            memcpy(out, text.at, text.size);
        }
        out[text.size] = '\0';
    }
    return out;
}

static void kept_free(struct kept *kept) {
    free(kept->id);
    free(kept->json);
    free(kept);
}

static void kept_remove(struct reindex *reindex, struct text id) {
    for (struct kept **at = &reindex->kept; *at != NULL; at = &(*at)->next) {
        if (text_is(id, (*at)->id)) {
            struct kept *gone = *at;
            *at = gone->next;
            kept_free(gone);
            return;
        }
    }
}

static bool kept_add(struct reindex *reindex, struct text id, struct text json) {
    struct kept *kept = calloc(1, sizeof *kept);
    if (kept == NULL) {
        return false;
    }
    kept->id = copy(id);
    kept->json = copy(json);
    if (kept->id == NULL || kept->json == NULL) {
        kept_free(kept);
        return false;
    }
    struct kept **at = &reindex->kept;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = kept;
    return true;
}

/* What stands now takes the place of what was kept. */
static enum status kept_renew(struct reindex *reindex, const struct store_resource *resource, struct scope *scope) {
    yyjson_doc *doc = NULL;
    kept_remove(reindex, resource->id);
    if (resource->method == STORE_DELETED) {
        return STATUS_OK;
    }
    enum status status = json_read(&doc, resource->body, scope);
    if (status != STATUS_OK || !search_upload_is_active(yyjson_doc_get_root(doc))) {
        return status;
    }
    return kept_add(reindex, resource->id, resource->body)
               ? STATUS_OK
               : fault(scope, STATUS_UNAVAILABLE, "", "no memory for the search parameters");
}

static enum status kept_parse(
    struct search_upload **out, size_t *count_out, const struct reindex *reindex, struct scope *scope) {
    size_t count = 0;
    for (const struct kept *kept = reindex->kept; kept != NULL; kept = kept->next) {
        count++;
    }
    struct search_upload *uploads = ARENA_ARRAY(scope->arena, struct search_upload, count + 1);
    *count_out = 0;
    for (const struct kept *kept = reindex->kept; kept != NULL; kept = kept->next) {
        yyjson_doc *doc = NULL;
        enum status status = json_read(&doc, text_from(kept->json), scope);
        if (status != STATUS_OK) {
            return status;
        }
        uploads[(*count_out)++] = (struct search_upload){text_from(kept->id), yyjson_doc_get_root(doc), NULL};
    }
    *out = uploads;
    return STATUS_OK;
}

static void log_refusals(const struct search_upload *uploads, size_t count, struct arena *arena) {
    for (size_t i = 0; i < count; i++) {
        if (uploads[i].refusal != NULL) {
            log_event(LOG_WARNING, "search.parameter-not-served", "id", text_string(arena, uploads[i].id), "why",
                uploads[i].refusal, NULL);
        }
    }
}

/* ---- the guard ----------------------------------------------------------------------------------------------------------- */

static bool touch(struct reindex *reindex, struct text id) {
    struct touched *touched = malloc(sizeof *touched + id.size + 1);
    pthread_mutex_lock(&reindex->lock);
    if (touched != NULL) {
        memcpy(touched->id, id.at, id.size);
        touched->id[id.size] = '\0';
        touched->next = reindex->touched;
        reindex->touched = touched;
    }
    reindex->has_work = true;
    atomic_store(&reindex->is_touched, true);
    pthread_cond_signal(&reindex->wake);
    pthread_mutex_unlock(&reindex->lock);
    return touched != NULL;
}

enum claim_change { CLAIM_TAKE, CLAIM_GIVE };

/* One parameter of a code for each base: "Patient:hair-colour". */
static enum status change_claims(
    struct records_change *change, const yyjson_val *resource, enum claim_change what, struct scope *scope) {
    struct store_unit *unit = records_unit_store(change->unit);
    struct text holder = text_format(scope->arena, "SearchParameter/%.*s", (int)change->id.size, change->id.at);
    struct text code = json_get_text(resource, "code");
    size_t index, count;
    yyjson_val *base;
    yyjson_arr_foreach(json_get(resource, "base"), index, count, base) {
        struct text key = text_format(scope->arena, "%s:%.*s", yyjson_get_str(base), (int)code.size, code.at);
        struct text other = {0};
        enum status status = what == CLAIM_TAKE
                                 ? store_unit_claim(&other, unit, TEXT("search.parameter"), key, holder, scope)
                                 : store_unit_release(unit, TEXT("search.parameter"), key, holder, scope);
        if (status == STATUS_CONFLICT && what == CLAIM_TAKE) {
            return fault(scope, STATUS_CONFLICT, "SearchParameter.code",
                "%s has a search parameter of this code already: %.*s", yyjson_get_str(base), (int)other.size,
                other.at);
        }
        if (status != STATUS_OK && status != STATUS_CONFLICT) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status guard(void *context, struct records_change *change, struct scope *scope) {
    struct reindex *reindex = context;
    bool was = search_upload_is_active(change->before), is = search_upload_is_active(change->after);
    enum status status = STATUS_OK;
    if (!was && !is) {
        return STATUS_OK;
    }
    if (was) {
        status = change_claims(change, change->before, CLAIM_GIVE, scope);
    }
    if (status == STATUS_OK && is) {
        const struct search_upload upload = {change->id, change->after, NULL};
        status = search_upload_check(reindex->records->search, &upload, scope);
    }
    if (status == STATUS_OK && is) {
        status = change_claims(change, change->after, CLAIM_TAKE, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (!touch(reindex, change->id)) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the search parameters; try again later");
    }
    struct text edition = text_format(scope->arena, "%llu", (unsigned long long)++reindex->edition_next);
    return store_unit_note_set(records_unit_store(change->unit), text_from(edition_note), edition, scope);
}

/* ---- settling -------------------------------------------------------------------------------------------------------------- */

static enum status read_edition(uint64_t *out, struct store_view *view, struct scope *scope) {
    struct text note = {0};
    int64_t edition = 0;
    enum status status = store_view_note(&note, view, text_from(edition_note), scope);
    if (status == STATUS_OK && note.size > 0 && (!text_to_int64(&edition, note) || edition < 0)) {
        return fault(scope, STATUS_FAILED, "", "the folder's note on search parameters is damaged");
    }
    *out = (uint64_t)edition;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct settling {
    struct reindex *reindex;
    const struct touched *touched;
};

static enum status settle(void *context, struct scope *scope) {
    const struct settling *settling = context;
    struct reindex *reindex = settling->reindex;
    struct store_view *view = NULL;
    uint64_t edition = 0;
    enum status status = store_view_open(&view, reindex->records->store, 0, scope);
    if (status == STATUS_OK) {
        status = read_edition(&edition, view, scope);
    }
    for (const struct touched *at = settling->touched; at != NULL && status == STATUS_OK; at = at->next) {
        struct store_resource resource = {0};
        status = store_view_get(
            &resource, view, fhir_resource_number(reindex->type), text_from(at->id), STORE_WANT_BODY, scope);
        if (status == STATUS_NOT_FOUND) { /* its unit was undone, and there never was one */
            kept_remove(reindex, text_from(at->id));
            status = STATUS_OK;
        } else if (status == STATUS_OK) {
            status = kept_renew(reindex, &resource, scope);
        }
    }
    store_view_close(view);
    struct search_upload *uploads = NULL;
    size_t count = 0;
    if (status == STATUS_OK) {
        status = kept_parse(&uploads, &count, reindex, scope);
    }
    if (status == STATUS_OK && edition > search_edition(reindex->records->search)) {
        status = search_tables_publish(reindex->records->search, uploads, count, edition, scope);
        log_refusals(uploads, count, scope->arena);
    }
    return status;
}

static struct touched *touched_take(struct reindex *reindex) {
    pthread_mutex_lock(&reindex->lock);
    struct touched *first = reindex->touched;
    reindex->touched = NULL;
    atomic_store(&reindex->is_touched, false);
    pthread_mutex_unlock(&reindex->lock);
    return first;
}

static void touched_free(struct touched *touched) {
    while (touched != NULL) {
        struct touched *next = touched->next;
        free(touched);
        touched = next;
    }
}

/* They are looked at again later. */
static void touched_return(struct reindex *reindex, struct touched *touched) {
    struct touched **end = &touched;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    pthread_mutex_lock(&reindex->lock);
    *end = reindex->touched;
    reindex->touched = touched;
    atomic_store(&reindex->is_touched, true);
    pthread_mutex_unlock(&reindex->lock);
}

void reindex_settle(struct reindex *reindex) {
    if (!atomic_load_explicit(&reindex->is_touched, memory_order_relaxed)) {
        return;
    }
    struct touched *touched = touched_take(reindex);
    struct settling settling = {reindex, touched};
    struct arena *arena = arena_open(SETTLE_ARENA_BYTES);
    struct scope scope = {.arena = arena};
    enum status status = arena == NULL ? STATUS_UNAVAILABLE : scope_run(&scope, arena, settle, &settling);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "search.publish-failed", "why",
            scope.fault.first == NULL ? status_name(status) : scope.fault.first->text, NULL);
        touched_return(reindex, touched);
    } else {
        touched_free(touched);
    }
    arena_close(arena);
    pthread_mutex_lock(&reindex->lock);
    reindex->has_work = true;
    pthread_cond_signal(&reindex->wake);
    pthread_mutex_unlock(&reindex->lock);
}

/* ---- notes ------------------------------------------------------------------------------------------------------------------ */

struct noting {
    struct text name, value;
};

static enum status apply_note(void *context, struct store_unit *unit, struct scope *scope) {
    const struct noting *noting = context;
    return store_unit_note_set(unit, noting->name, noting->value, scope);
}

static enum status write_tables(struct reindex *reindex, struct scope *scope) {
    struct noting noting = {.name = text_from(tables_note)};
    enum status status = search_tables_note(&noting.value, reindex->records->search, scope);
    return status == STATUS_OK ? store_run(reindex->records->store, apply_note, &noting, scope) : status;
}

/* ---- rows made anew ----------------------------------------------------------------------------------------------------------- */

/* What a body's rows are by the tables of now. */
static enum status extract(
    struct store_reindex *out, struct records *records, const struct store_resource *resource, struct scope *scope) {
    yyjson_doc *doc = NULL;
    struct store_row *rows = NULL;
    *out = (struct store_reindex){.type = resource->type, .id = resource->id, .version = resource->version};
    enum status status = json_read(&doc, resource->body, scope);
    if (status == STATUS_OK) {
        status = search_extract_edition(
            &rows, &out->row_count, &out->edition, records->search, yyjson_doc_get_root(doc), scope);
    }
    out->rows = rows;
    return status;
}

enum status reindex_written(
    struct records_unit *unit, fhir_type type, struct text id, uint64_t edition, struct scope *scope) {
    struct records *records = unit->records;
    if (edition >= search_edition_required(records->search, type)) {
        return STATUS_OK;
    }
    struct store_resource resource = {0};
    struct store_reindex what;
    bool done = false;
    enum status status = store_unit_get(&resource, unit->store, fhir_resource_number(type), id, STORE_WANT_BODY, scope);
    if (status == STATUS_OK) {
        status = extract(&what, records, &resource, scope);
    }
    if (status == STATUS_OK) {
        status = store_unit_reindex(&done, unit->store, &what, scope);
        invariant(status != STATUS_OK || done);
    }
    return status;
}

/* One stretch of resources that are behind. */
struct slice {
    struct reindex *reindex;
    uint64_t rid, next; /* where it begins; where the next one does, 0: nowhere */
    struct store_reindex *items;
    size_t count, remade, failed;
};

static void log_failure(const struct store_resource *resource, const struct fault *fault, struct arena *arena) {
    log_event(LOG_WARNING, "search.reindex-failed", "type", fhir_type_name(fhir_resource_type(resource->type)), "id",
        text_string(arena, resource->id), "why", fault->first == NULL ? "" : fault->first->text, NULL);
}

/* A resource whose rows cannot be made is named in the log and stays behind: others do not wait for it. */
static enum status slice_read(void *context, struct scope *scope) {
    struct slice *slice = context;
    struct records *records = slice->reindex->records;
    struct store_view *view = NULL;
    struct store_page page = {0};
    const struct store_outdated which = {.required = search_editions_required(records->search, scope),
        .type_count = (size_t)fhir_resource_count() + 1,
        .rid = slice->rid,
        .limit = SLICE_RESOURCES};
    slice->items = ARENA_ARRAY(scope->arena, struct store_reindex, SLICE_RESOURCES);
    enum status status = store_view_open(&view, records->store, 0, scope);
    if (status == STATUS_OK) {
        status = store_view_outdated(&page, &slice->next, view, &which, scope);
    }
    store_view_close(view);
    for (size_t i = 0; i < page.count && status == STATUS_OK; i++) {
        struct scope trial = {.arena = scope->arena};
        if (extract(&slice->items[slice->count], records, &page.at[i], &trial) == STATUS_OK) {
            slice->count++;
        } else {
            slice->failed++;
            log_failure(&page.at[i], &trial.fault, scope->arena);
        }
    }
    return status;
}

static enum status slice_apply(void *context, struct store_unit *unit, struct scope *scope) {
    struct slice *slice = context;
    enum status status = STATUS_OK;
    slice->remade = 0;
    for (size_t i = 0; i < slice->count && status == STATUS_OK; i++) {
        bool done = false;
        status = store_unit_reindex(&done, unit, &slice->items[i], scope);
        slice->remade += done; /* else it was written since, by the tables of then */
    }
    return status;
}

static enum status slice_run(struct slice *slice, struct arena *arena) {
    struct scope scope;
    arena_reset(arena);
    enum status status = scope_run(&scope, arena, slice_read, slice);
    if (status == STATUS_OK && slice->count > 0) {
        scope = (struct scope){.arena = arena};
        status = store_run(slice->reindex->records->store, slice_apply, slice, &scope);
    }
    if (status != STATUS_OK) {
        log_event(LOG_WARNING, "search.reindex-slice-failed", "why",
            scope.fault.first == NULL ? status_name(status) : scope.fault.first->text, NULL);
    }
    return status;
}

/* ---- counting ------------------------------------------------------------------------------------------------------------------- */

struct counted {
    struct reindex *reindex;
    size_t completed;
};

static enum status count_all(void *context, struct scope *scope) {
    struct counted *counted = context;
    struct records *records = counted->reindex->records;
    struct search_count count = {.edition_before = search_edition(records->search)};
    struct store_view *view = NULL;
    struct store_edition *editions = NULL;
    enum status status = store_view_open(&view, records->store, 0, scope);
    if (status == STATUS_OK) {
        status = store_view_editions(&editions, &count.edition_count, view, scope);
        count.editions = editions;
        count.seq = store_view_sequence(view);
    }
    store_view_close(view);
    if (status == STATUS_OK) {
        counted->completed = search_tables_count(records->search, &count);
    }
    return status;
}

static void log_completed(const struct records *records, size_t completed) {
    char slots[24], edition[24];
    (void)snprintf(slots, sizeof slots, "%zu", completed);
    (void)snprintf(edition, sizeof edition, "%llu", (unsigned long long)search_edition(records->search));
    log_event(LOG_INFO, "search.index-complete", "slots", slots, "edition", edition, NULL);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------------------- */

/* Waits until there is work, or for `wait_ms`. False: it is time to end. */
static bool wait_for_work(struct reindex *reindex, int wait_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)wait_ms % 1000 * 1000000;
    until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int code = 0;
    pthread_mutex_lock(&reindex->lock);
    while (!reindex->has_work && !reindex->closing && code == 0) {
        code = wait_ms > 0 ? pthread_cond_timedwait(&reindex->wake, &reindex->lock, &until)
                           : pthread_cond_wait(&reindex->wake, &reindex->lock);
    }
    reindex->has_work = false;
    bool goes_on = !reindex->closing;
    pthread_mutex_unlock(&reindex->lock);
    return goes_on;
}

static bool is_closing(struct reindex *reindex) {
    pthread_mutex_lock(&reindex->lock);
    bool closing = reindex->closing;
    pthread_mutex_unlock(&reindex->lock);
    return closing;
}

/* A turn of the thread's: what it has counted and noted. */
struct turn {
    struct reindex *reindex;
    struct arena *arena;
    int64_t count_next_us;
    uint64_t edition_noted;
    bool is_note_due;
};

static enum status write_note(void *context, struct scope *scope) {
    return write_tables(context, scope);
}

/* Notes what changed since the last time, and counts when that is due. */
static enum status keep_up(struct turn *turn) {
    struct scope scope;
    struct counted counted = {.reindex = turn->reindex};
    int64_t start_us = clock_monotonic_us();
    enum status status = STATUS_OK;
    uint64_t edition = search_edition(turn->reindex->records->search);
    arena_reset(turn->arena);
    if (start_us >= turn->count_next_us) {
        status = scope_run(&scope, turn->arena, count_all, &counted);
        int64_t took_us = clock_monotonic_us() - start_us;
        turn->count_next_us = start_us + COUNT_GAP_US + took_us * COUNT_SHARE;
        if (counted.completed > 0) {
            log_completed(turn->reindex->records, counted.completed);
            turn->is_note_due = true;
        }
    }
    if (status == STATUS_OK && (turn->is_note_due || turn->edition_noted != edition)) {
        arena_reset(turn->arena);
        status = scope_run(&scope, turn->arena, write_note, turn->reindex);
        turn->is_note_due = status != STATUS_OK;
        turn->edition_noted = edition;
    }
    return status;
}

/* Once over all resources. Says how many were made anew. */
static enum status pass(size_t *remade_out, struct turn *turn) {
    struct slice slice = {.reindex = turn->reindex, .next = 1};
    enum status status = STATUS_OK;
    *remade_out = 0;
    while (slice.next != 0 && status == STATUS_OK && !is_closing(turn->reindex)) {
        slice = (struct slice){.reindex = turn->reindex, .rid = slice.next};
        status = slice_run(&slice, turn->arena);
        *remade_out += slice.remade;
        if (status == STATUS_OK) {
            status = keep_up(turn);
        }
    }
    return status;
}

/* Until nothing is behind, or what is behind cannot be helped now: then false. */
static bool catch_up(struct turn *turn) {
    const struct search *search = turn->reindex->records->search;
    enum status status = STATUS_OK;
    size_t remade = 1;
    while (status == STATUS_OK && !is_closing(turn->reindex)) {
        turn->count_next_us = 0;
        turn->is_note_due = true;
        status = keep_up(turn);
        if (status != STATUS_OK || search_tables_are_complete(search) || remade == 0) {
            break;
        }
        status = pass(&remade, turn);
    }
    return status == STATUS_OK && search_tables_are_complete(search);
}

static enum status do_nothing(void *context, struct store_unit *unit, struct scope *scope) {
    (void)context;
    (void)unit;
    (void)scope;
    return STATUS_OK;
}

struct late_settling {
    struct reindex *reindex;
    struct waiter *waiter;
};

static void settle_late(void *context, enum status status, uint64_t seq) {
    const struct late_settling *late = context;
    (void)status;
    (void)seq;
    reindex_settle(late->reindex);
    waiter_signal(late->waiter);
}

/* A change that no operation's end has settled, or whose settling failed: in the writer's thread, like all. */
static void settle_leftovers(struct reindex *reindex, struct arena *arena) {
    if (!atomic_load(&reindex->is_touched)) {
        return;
    }
    const struct timespec unit = {.tv_nsec = WAIT_FOR_UNIT_MS * 1000000L};
    nanosleep(&unit, NULL); /* usually its operation is just ending */
    struct waiter *waiter = atomic_load(&reindex->is_touched) ? waiter_open() : NULL;
    if (waiter == NULL) {
        return;
    }
    struct late_settling late = {reindex, waiter};
    struct scope scope = {.arena = arena};
    struct store_work work = {.apply = do_nothing, .done = settle_late, .context = &late, .scope = &scope};
    if (store_submit(reindex->records->store, &work) == STATUS_OK) {
        waiter_wait(waiter);
    }
    waiter_close(waiter);
}

static void *run_thread(void *context) {
    struct reindex *reindex = context;
    struct turn turn = {.reindex = reindex, .arena = arena_open(SLICE_ARENA_BYTES)};
    pthread_setname_np(pthread_self(), "soyang-reindex");
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), BACKGROUND_NICE);
    int wait_ms = 0;
    while (turn.arena != NULL && wait_for_work(reindex, wait_ms)) {
        arena_reset(turn.arena);
        settle_leftovers(reindex, turn.arena);
        bool is_done = catch_up(&turn) && !atomic_load(&reindex->is_touched);
        arena_reset(turn.arena);
        wait_ms = is_done ? 0 : WAIT_AFTER_FAILURE_MS;
    }
    arena_close(turn.arena);
    return NULL;
}

/* ---- opening and closing ------------------------------------------------------------------------------------------------------------ */

static enum status read_uploads(struct reindex *reindex, struct store_view *view, struct scope *scope) {
    const struct store_plan all = {.kind = STORE_PLAN_TYPE, .type = fhir_resource_number(reindex->type)};
    const struct store_query query = {.plan = &all, .limit = UPLOADS_READ_MAX, .want = STORE_WANT_BODY};
    struct store_page page = {0};
    enum status status = store_view_select(&page, view, &query, scope);
    for (size_t i = 0; i < page.count && status == STATUS_OK; i++) {
        status = kept_renew(reindex, &page.at[i], scope);
    }
    return status;
}

static enum status write_edition(struct reindex *reindex, struct scope *scope) {
    struct noting noting = {.name = text_from(edition_note),
        .value = text_format(scope->arena, "%llu", (unsigned long long)search_edition(reindex->records->search))};
    enum status status = store_run(reindex->records->store, apply_note, &noting, scope);
    return status == STATUS_OK ? write_tables(reindex, scope) : status;
}

static enum status open_tables(struct reindex *reindex, struct scope *scope) {
    struct records *records = reindex->records;
    struct search_tables tables = {.seq = store_sequence(records->store)};
    struct store_figures figures;
    struct store_view *view = NULL;
    bool is_changed = false;
    store_figures(&figures, records->store);
    tables.is_empty = figures.resources == 0;
    enum status status = store_view_open(&view, records->store, 0, scope);
    if (status == STATUS_OK) {
        status = read_edition(&tables.edition, view, scope);
    }
    if (status == STATUS_OK) {
        status = store_view_note(&tables.note, view, text_from(tables_note), scope);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (status == STATUS_OK && !tables.is_empty) {
        status = read_uploads(reindex, view, scope);
    }
    store_view_close(view);
    if (status == STATUS_OK) {
        status = kept_parse(&tables.uploads, &tables.upload_count, reindex, scope);
    }
    if (status == STATUS_OK) {
        status = search_tables_open(&is_changed, records->search, &tables, scope);
        log_refusals(tables.uploads, tables.upload_count, scope->arena);
    }
    reindex->edition_next = search_edition(records->search);
    return status == STATUS_OK && is_changed ? write_edition(reindex, scope) : status;
}

static enum status start_thread(struct reindex *reindex, struct scope *scope) {
    reindex->has_work = !search_tables_are_complete(reindex->records->search);
    reindex->started = pthread_create(&reindex->thread, NULL, run_thread, reindex) == 0;
    return reindex->started ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "the system gives no more threads");
}

enum status reindex_open(struct reindex **out, struct records *records, struct scope *scope) {
    struct reindex *reindex = calloc(1, sizeof *reindex);
    if (reindex == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the search parameters");
    }
    reindex->records = records;
    reindex->type = fhir_type_find(TEXT("SearchParameter"));
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&reindex->lock, NULL);
    pthread_cond_init(&reindex->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum status status = open_tables(reindex, scope);
    if (status == STATUS_OK) {
        records_guard_register(records, reindex->type, guard, reindex);
        status = start_thread(reindex, scope);
    }
    if (status != STATUS_OK) {
        reindex_close(reindex);
        return status;
    }
    *out = reindex;
    return STATUS_OK;
}

void reindex_close(struct reindex *reindex) {
    if (reindex == NULL) {
        return;
    }
    if (reindex->started) {
        pthread_mutex_lock(&reindex->lock);
        reindex->closing = true;
        pthread_cond_signal(&reindex->wake);
        pthread_mutex_unlock(&reindex->lock);
        pthread_join(reindex->thread, NULL);
    }
    touched_free(reindex->touched);
    while (reindex->kept != NULL) {
        struct kept *next = reindex->kept->next;
        kept_free(reindex->kept);
        reindex->kept = next;
    }
    pthread_mutex_destroy(&reindex->lock);
    pthread_cond_destroy(&reindex->wake);
    free(reindex);
}
