/* store_bench [--resources N] [--folder DIR] [--seconds S]: what the store does at a size, beside what the disk does.
 *
 * Resources of three types with 12 index rows each and bodies of some 1.8 KB, ids at random; a tenth is updated, a hundredth
 * deleted. Then durable single creates from 64 waiting callers with updates among them, while readers search and page.
 * Every figure is of this run; ceilings are measured in it too. */
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TYPE_PATIENT = 1,
    TYPE_ENCOUNTER = 2,
    TYPE_OBSERVATION = 3,
    KEY_ROWS = 10,
    BODY_SIZE = 1800,
    CODES = 200,
    IMPORT_UNIT = 50,
    IN_FLIGHT = 256,
    SAMPLES_MAX = 4000000,
};

static const char *const space_names[KEY_ROWS + 2] = {"code", "date", "value", "category", "status", "identifier",
    "issued", "profile", "component", "method", "subject", "encounter"};

struct bench {
    struct store *store;
    struct clock *clock;
    uint32_t spaces[KEY_ROWS + 2];
    uint64_t resources;
    int seconds;
    const char *folder;
};

static uint64_t mixed(uint64_t x) { /* splitmix64 */
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

static double since_s(int64_t start_us) {
    return (double)(clock_monotonic_us() - start_us) / 1e6;
}

/* CPU time of the process: what a loaded machine cannot distort much. */
static double cpu_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static _Noreturn void give_up(const char *what, const struct scope *scope) {
    fprintf(stderr, "store_bench: %s: %s\n", what,
        scope != NULL && scope->fault.first != NULL ? scope->fault.first->text : "");
    exit(1);
}

/* ---- latencies --------------------------------------------------------------------------------------------------------- */

struct samples {
    _Atomic uint32_t count;
    uint32_t *at_us;
};

static void samples_add(struct samples *samples, int64_t us) {
    uint32_t at = atomic_fetch_add(&samples->count, 1);
    if (at < SAMPLES_MAX) {
        samples->at_us[at] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    }
}

static int compare_u32(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void samples_print(const char *name, struct samples *samples, double seconds) {
    uint32_t count = atomic_load(&samples->count) < SAMPLES_MAX ? atomic_load(&samples->count) : SAMPLES_MAX;
    if (count == 0) {
        printf("%-34s nothing was measured\n", name);
        return;
    }
    qsort(samples->at_us, count, sizeof *samples->at_us, compare_u32);
    printf("%-34s %10.0f /s   p50 %8.3f  p99 %8.3f  p99.9 %8.3f  max %8.3f ms\n", name, count / seconds,
        samples->at_us[count / 2] / 1e3, samples->at_us[(uint64_t)count * 99 / 100] / 1e3,
        samples->at_us[(uint64_t)count * 999 / 1000] / 1e3, samples->at_us[count - 1] / 1e3);
    fflush(stdout);
}

static void samples_clear(struct samples *samples) {
    atomic_store(&samples->count, 0);
}

/* ---- resources ---------------------------------------------------------------------------------------------------------- */

static uint16_t type_of(uint64_t number) {
    return number % 100 == 0 ? TYPE_PATIENT : number % 10 == 0 ? TYPE_ENCOUNTER : TYPE_OBSERVATION;
}

static struct text id_of(struct arena *arena, uint64_t number) {
    uint64_t high = mixed(number), low = mixed(~number);
    return text_format(arena, "%08x-%04x-4%03x-9%03x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
        (unsigned)(high & 0xfff), (unsigned)(low >> 48 & 0xfff), (unsigned long long)(low & 0xffffffffffff));
}

static struct text body_of(struct arena *arena, uint64_t number, uint64_t round) {
    struct json_writer w = json_writer_open(arena, 1 << 16);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Observation");
    json_member_text(&w, "id", id_of(arena, number));
    json_member_string(&w, "status", "final");
    json_name(&w, "component");
    json_array_open(&w);
    for (int i = 0; w.buffer.size < BODY_SIZE - 200; i++) {
        uint64_t random = mixed(number * 31 + round * 17 + (uint64_t)i);
        json_object_open(&w);
        json_name(&w, "code");
        json_object_open(&w);
        json_member_string(&w, "system", "http://loinc.org");
        json_member_int(&w, "code", (int64_t)(random % 100000));
        json_member_string(&w, "display", "Measured quantity of the specimen");
        json_object_close(&w);
        json_name(&w, "valueQuantity");
        json_object_open(&w);
        json_member_decimal(&w, "value", (double)(random >> 40) / 1000.0, 3);
        json_member_string(&w, "unit", "mmol/L");
        json_member_string(&w, "system", "http://unitsofmeasure.org");
        json_object_close(&w);
        json_object_close(&w);
    }
    json_array_close(&w);
    json_object_close(&w);
    struct text body = {0};
    struct scope scope = {.arena = arena};
    if (json_finish(&body, &w, &scope) != STATUS_OK) {
        give_up("body", &scope);
    }
    return body;
}

/* An exact code for a count, a date to sort by, a value for ranges, others as searches have them. */
static void put_make(
    struct store_put *out, const struct bench *bench, uint64_t number, uint64_t round, struct scope *scope) {
    struct arena *arena = scope->arena;
    struct store_row *rows = ARENA_ARRAY(arena, struct store_row, KEY_ROWS + 2);
    uint64_t random = mixed(number), changed = mixed(number + round * 1000003);
    *out = (struct store_put){.type = type_of(number),
        .id = id_of(arena, number),
        .method = round == 0 ? STORE_CREATED : STORE_UPDATED,
        .rows = rows,
        .row_count = KEY_ROWS + 2};
    for (int i = 0; i < KEY_ROWS; i++) {
        rows[i].space = bench->spaces[i];
    }
    rows[0].key = text_format(arena, "loinc|%04llu", (unsigned long long)(random % CODES));
    rows[1].key = text_format(arena, "%012llx", (unsigned long long)(changed % 4000000000U));
    rows[2].key =
        text_format(arena, "%04llu|%08llx", (unsigned long long)(random % CODES), (unsigned long long)(changed >> 40));
    rows[3].key = text_format(arena, "cat|%llu", (unsigned long long)(random >> 20 & 7));
    rows[4].key = text_format(arena, "st|%llu", (unsigned long long)(changed >> 30 & 3));
    rows[5].key = text_format(arena, "id|%016llx", (unsigned long long)random);
    rows[6].key = text_format(arena, "%012llx", (unsigned long long)(random >> 16 & 0xffffffff));
    rows[7].key = TEXT("profile|vital");
    rows[8].key = text_format(arena, "c|%llu", (unsigned long long)(random % 1000));
    rows[9].key = text_format(arena, "m|%llu", (unsigned long long)(random % 50));
    for (int i = KEY_ROWS; i < KEY_ROWS + 2; i++) {
        uint64_t target = i == KEY_ROWS ? number / 100 * 100 : number / 10 * 10;
        rows[i] = (struct store_row){
            .space = bench->spaces[i], .target_type = type_of(target), .target_id = id_of(arena, target)};
    }
    if (store_body_pack(&out->body, bench->store, body_of(arena, number, round), 1, scope) != STATUS_OK) {
        give_up("pack", scope);
    }
}

/* ---- units -------------------------------------------------------------------------------------------------------------- */

struct load {
    struct bench *bench;
    _Atomic uint64_t next, done, failed;
    uint64_t end;
    int unit;              /* resources a unit */
    uint64_t round_of_all; /* 0: create; otherwise which update */
    bool mixed_updates;    /* every tenth is an update of an older one */
    struct samples *samples;
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct flight *free;
    int in_flight;
    _Atomic bool stop;
};

struct flight {
    struct load *load;
    struct flight *next;
    struct arena *arena;
    struct scope scope;
    struct store_put puts[IMPORT_UNIT];
    bool deletes[IMPORT_UNIT];
    int count;
    int64_t start_us;
};

static enum status flight_apply(void *context, struct store_unit *unit, struct scope *scope) {
    struct flight *flight = context;
    enum status status = STATUS_OK;
    for (int i = 0; i < flight->count && status == STATUS_OK; i++) {
        struct store_resource written;
        status = flight->deletes[i] ? store_unit_delete(&written, unit, flight->puts[i].type, flight->puts[i].id, scope)
                                    : store_unit_put(&written, unit, &flight->puts[i], scope);
    }
    return status;
}

static void flight_done(void *context, enum status status, uint64_t seq) {
    struct flight *flight = context;
    struct load *load = flight->load;
    (void)seq;
    if (load->samples != NULL) {
        samples_add(load->samples, clock_monotonic_us() - flight->start_us);
    }
    atomic_fetch_add(status == STATUS_OK ? &load->done : &load->failed, (uint64_t)flight->count);
    pthread_mutex_lock(&load->lock);
    flight->next = load->free;
    load->free = flight;
    load->in_flight--;
    pthread_cond_signal(&load->ready);
    pthread_mutex_unlock(&load->lock);
}

static void flight_fill(struct flight *flight, uint64_t first) {
    struct load *load = flight->load;
    arena_reset(flight->arena);
    flight->scope = (struct scope){.arena = flight->arena};
    flight->count = 0;
    for (uint64_t number = first; number < first + (uint64_t)load->unit && number < load->end; number++) {
        uint64_t which = number, round = load->round_of_all;
        if (load->mixed_updates && number % 10 == 3) {
            which = mixed(number) % load->bench->resources;
            round = number;
        }
        flight->deletes[flight->count] = load->round_of_all != 0 && number % 110 == 0;
        put_make(&flight->puts[flight->count++], load->bench, which, round, &flight->scope);
    }
}

static void *load_main(void *context) {
    struct load *load = context;
    for (;;) {
        uint64_t step = load->round_of_all != 0 ? (uint64_t)load->unit * 10 : (uint64_t)load->unit;
        uint64_t first = atomic_fetch_add(&load->next, step);
        if (first >= load->end || atomic_load(&load->stop)) {
            return NULL;
        }
        pthread_mutex_lock(&load->lock);
        while (load->free == NULL) {
            pthread_cond_wait(&load->ready, &load->lock);
        }
        struct flight *flight = load->free;
        load->free = flight->next;
        load->in_flight++;
        pthread_mutex_unlock(&load->lock);
        flight_fill(flight, first);
        struct store_work work = {
            .apply = flight_apply, .done = flight_done, .context = flight, .scope = &flight->scope};
        flight->start_us = clock_monotonic_us();
        if (store_submit(load->bench->store, &work) != STATUS_OK) {
            give_up("the queue is full", NULL);
        }
    }
}

static void load_open(struct load *load, struct bench *bench, int flights) {
    load->bench = bench;
    pthread_mutex_init(&load->lock, NULL);
    pthread_cond_init(&load->ready, NULL);
    for (int i = 0; i < flights; i++) {
        struct flight *flight = calloc(1, sizeof *flight);
        flight->load = load;
        flight->arena = arena_open(64 << 20);
        flight->next = load->free;
        load->free = flight;
    }
}

static void load_wait(struct load *load) {
    pthread_mutex_lock(&load->lock);
    while (load->in_flight > 0) {
        pthread_cond_wait(&load->ready, &load->lock);
    }
    pthread_mutex_unlock(&load->lock);
    while (load->free != NULL) {
        struct flight *flight = load->free;
        load->free = flight->next;
        arena_close(flight->arena);
        free(flight);
    }
}

/* ---- ceilings ------------------------------------------------------------------------------------------------------------ */

static double disk_syncs(const char *folder) {
    char path[4096], block[4096] = {0};
    snprintf(path, sizeof path, "%s/ceiling", folder);
    int file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    int64_t start_us = clock_monotonic_us();
    int count = 0;
    while (since_s(start_us) < 2.0) {
        if (pwrite(file, block, sizeof block, (off_t)(count % 256) * (off_t)sizeof block) != (ssize_t)sizeof block ||
            fdatasync(file) != 0) {
            break;
        }
        count++;
    }
    double rate = count / since_s(start_us);
    close(file);
    unlink(path);
    return rate;
}

static double resident_mb(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long all = 0, resident = 0;
    if (file != NULL && fscanf(file, "%lu %lu", &all, &resident) != 2) {
        resident = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)resident * 4096 / 1e6;
}

/* ---- searches ------------------------------------------------------------------------------------------------------------ */

enum search_kind {
    SEARCH_READ,
    SEARCH_CODE,
    SEARCH_CODE_BY_DATE,
    SEARCH_TYPE_BY_DATE,
    SEARCH_VALUE,
    SEARCH_CHAIN,
    SEARCH_HAS,
    SEARCH_COUNT_CODE,
    SEARCH_CATEGORY_STATUS,
    SEARCH_KINDS
};
static const char *const search_names[SEARCH_KINDS] = {"read by id, with body", "code, 20 of them",
    "code, by date descending", "type, by date", "value range, 20", "chain: subject.identifier",
    "_has: subject of code and value", "count by code", "category and status, by date descending"};

static struct text copied_key(struct scope *scope, const char *format, uint64_t value) {
    (void)format;
    return text_format(scope->arena, "loinc|%04llu", (unsigned long long)value);
}

static const struct store_plan *range_plan(
    const struct bench *bench, int space, struct text low, struct text high, struct scope *scope) {
    struct store_plan *plan = ARENA_NEW(scope->arena, struct store_plan);
    *plan = (struct store_plan){.kind = STORE_PLAN_RANGE, .space = bench->spaces[space], .low = low, .high = high};
    if (high.at == NULL) {
        plan->high = store_prefix_end(scope->arena, low);
    }
    return plan;
}

static const struct store_plan *parent_plan(enum store_plan_kind kind, uint32_t space, const struct store_plan *a,
    const struct store_plan *b, struct scope *scope) {
    struct store_plan *plan = ARENA_NEW(scope->arena, struct store_plan);
    const struct store_plan **children = ARENA_ARRAY(scope->arena, const struct store_plan *, 2);
    children[0] = a;
    children[1] = b;
    *plan = (struct store_plan){.kind = kind, .space = space, .children = children, .child_count = b == NULL ? 1 : 2};
    return plan;
}

static const struct store_plan *search_plan(
    enum search_kind kind, const struct bench *bench, uint64_t random, struct scope *scope) {
    struct arena *arena = scope->arena;
    uint64_t code = random % CODES;
    struct store_plan *type = ARENA_NEW(arena, struct store_plan);
    *type = (struct store_plan){.kind = STORE_PLAN_TYPE, .type = TYPE_OBSERVATION};
    const struct store_plan *of_code = range_plan(bench, 0, copied_key(scope, "", code), (struct text){0}, scope);
    struct text value = text_format(arena, "%04llu|0080", (unsigned long long)code),
                above = text_format(arena, "%04llu}", (unsigned long long)code);
    switch (kind) {
    case SEARCH_TYPE_BY_DATE:
        return type;
    case SEARCH_VALUE:
        return range_plan(bench, 2, value, above, scope);
    case SEARCH_CHAIN: {
        uint64_t patient = random % bench->resources / 100 * 100;
        struct text key = text_format(arena, "id|%016llx", (unsigned long long)mixed(patient));
        return parent_plan(STORE_PLAN_SOURCES, bench->spaces[KEY_ROWS],
            range_plan(bench, 5, key, (struct text){0}, scope), NULL, scope);
    }
    case SEARCH_HAS:
        return parent_plan(STORE_PLAN_TARGETS, bench->spaces[KEY_ROWS],
            parent_plan(STORE_PLAN_INTERSECT, 0, of_code, range_plan(bench, 2, value, above, scope), scope), NULL,
            scope);
    case SEARCH_CATEGORY_STATUS:
        return parent_plan(STORE_PLAN_INTERSECT, 0,
            range_plan(
                bench, 3, text_format(arena, "cat|%llu", (unsigned long long)(random & 7)), (struct text){0}, scope),
            range_plan(bench, 4, text_format(arena, "st|%llu", (unsigned long long)(random >> 3 & 3)), (struct text){0},
                scope),
            scope);
    default:
        return of_code;
    }
}

struct reading {
    struct bench *bench;
    enum search_kind kind;
    uint64_t random, results;
};

static enum status search_once(void *context, struct scope *scope) {
    struct reading *reading = context;
    struct bench *bench = reading->bench;
    struct store_view *view = NULL;
    enum status status = store_view_open(&view, bench->store, 0, scope);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t random = reading->random = mixed(reading->random);
    if (reading->kind == SEARCH_READ) {
        struct store_resource found;
        uint64_t number = random % bench->resources;
        status = store_view_get(&found, view, type_of(number), id_of(scope->arena, number), STORE_WANT_BODY, scope);
        reading->results += status == STATUS_OK;
    } else if (reading->kind == SEARCH_COUNT_CODE) {
        uint64_t count = 0;
        status = store_view_count(&count, view, search_plan(SEARCH_CODE, bench, random, scope), 0, scope);
        reading->results += count;
    } else {
        struct store_query query = {
            .plan = search_plan(reading->kind, bench, random, scope), .limit = 20, .want = STORE_WANT_BODY};
        struct store_page page;
        if (reading->kind == SEARCH_CODE_BY_DATE || reading->kind == SEARCH_TYPE_BY_DATE ||
            reading->kind == SEARCH_CATEGORY_STATUS) {
            query.sort_count = 1;
            query.sorts[0] =
                (struct store_sort){.space = bench->spaces[1], .descending = reading->kind != SEARCH_TYPE_BY_DATE};
        }
        status = store_view_select(&page, view, &query, scope);
        reading->results += page.count;
    }
    store_view_close(view);
    return status;
}

static void search_kinds(struct bench *bench, struct samples *samples, double seconds, const char *when) {
    struct arena *arena = arena_open(256 << 20);
    printf("\nsearches, one reader, %s\n", when);
    for (int kind = 0; kind < SEARCH_KINDS; kind++) {
        struct reading reading = {.bench = bench, .kind = (enum search_kind)kind, .random = 7};
        struct scope scope;
        samples_clear(samples);
        double cpu = cpu_s();
        int64_t start_us = clock_monotonic_us();
        while (since_s(start_us) < seconds) {
            int64_t one_us = clock_monotonic_us();
            enum status status = scope_run(&scope, arena, search_once, &reading);
            if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                give_up(search_names[kind], &scope);
            }
            arena_reset(arena);
            samples_add(samples, clock_monotonic_us() - one_us);
        }
        double took = since_s(start_us), cpu_us = (cpu_s() - cpu) * 1e6 / atomic_load(&samples->count);
        samples_print(search_names[kind], samples, took);
        printf("%-34s %10.1f us of CPU each, %.1f results\n", "", cpu_us,
            (double)reading.results / atomic_load(&samples->count));
        if (kind == SEARCH_COUNT_CODE) {
            printf("%-34s %10.2f M/s\n", "  matching resources counted", (double)reading.results / took / 1e6);
        }
    }
    arena_close(arena);
}

/* One count that matches every resource. */
static void count_everything(struct bench *bench) {
    struct arena *arena = arena_open(256 << 20);
    struct scope scope = {.arena = arena};
    struct store_view *view = NULL;
    const struct store_plan *plan = range_plan(bench, 7, TEXT("profile|vital"), (struct text){0}, &scope);
    uint64_t count = 0, rounds = 0;
    int64_t start_us = clock_monotonic_us();
    while (since_s(start_us) < 2.0) {
        if (store_view_open(&view, bench->store, 0, &scope) != STATUS_OK ||
            store_view_count(&count, view, plan, 0, &scope) != STATUS_OK) {
            give_up("count", &scope);
        }
        store_view_close(view);
        rounds++;
    }
    printf("%-34s %10.2f M/s   (%llu results)\n", "count of one key of all",
        (double)(count * rounds) / since_s(start_us) / 1e6, (unsigned long long)count);
    arena_close(arena);
}

/* ---- paging under writes --------------------------------------------------------------------------------------------------- */

struct pager {
    struct bench *bench;
    struct samples samples;
    uint64_t pages, passes, wrong;
    _Atomic bool stop;
};

struct pass {
    struct pager *pager;
    uint64_t random;
};

static enum status page_through(void *context, struct scope *scope) {
    struct pass *pass = context;
    struct bench *bench = pass->pager->bench;
    struct store_view *view = NULL;
    enum status status = store_view_open(&view, bench->store, 0, scope);
    uint64_t expected = 0, seen = 0, seq = status == STATUS_OK ? store_view_sequence(view) : 0;
    struct store_query query = {
        .plan = search_plan(SEARCH_CODE, bench, pass->random, scope), .limit = 100, .sort_count = 1};
    query.sorts[0] = (struct store_sort){.space = bench->spaces[1], .descending = pass->random % 2 == 0};
    if (status == STATUS_OK) {
        status = store_view_count(&expected, view, query.plan, 0, scope);
        store_view_close(view);
    }
    for (int page_number = 0; status == STATUS_OK && page_number < 40; page_number++) {
        struct store_page page;
        int64_t start_us = clock_monotonic_us();
        status = store_view_open(&view, bench->store, seq, scope);
        if (status == STATUS_OK) {
            status = store_view_select(&page, view, &query, scope);
            store_view_close(view);
        }
        if (status != STATUS_OK) {
            break;
        }
        samples_add(&pass->pager->samples, clock_monotonic_us() - start_us);
        pass->pager->pages++;
        seen += page.count;
        query.after = page.next;
        if (page.next.at == NULL) {
            pass->pager->passes++;
            pass->pager->wrong += seen != expected;
            break;
        }
    }
    return status;
}

static void *pager_main(void *context) {
    struct pager *pager = context;
    struct arena *arena = arena_open(512 << 20);
    for (uint64_t random = 1; !atomic_load(&pager->stop); random = mixed(random)) {
        struct pass pass = {.pager = pager, .random = random};
        struct scope scope;
        if (scope_run(&scope, arena, page_through, &pass) != STATUS_OK) {
            give_up("paging", &scope);
        }
        arena_reset(arena);
    }
    arena_close(arena);
    return NULL;
}

/* ---- phases ---------------------------------------------------------------------------------------------------------------- */

static void phase_import(struct bench *bench) {
    struct load load = {.end = bench->resources, .unit = IMPORT_UNIT};
    pthread_t thread;
    load_open(&load, bench, IN_FLIGHT / IMPORT_UNIT * 8);
    double cpu = cpu_s();
    int64_t start_us = clock_monotonic_us();
    pthread_create(&thread, NULL, load_main, &load);
    load_main(&load);
    pthread_join(thread, NULL);
    load_wait(&load);
    printf("%-34s %10.0f /s   (%llu resources, %llu failed, %.1f s, %.1f us of CPU each)\n",
        "import in units of 50, searchable", (double)atomic_load(&load.done) / since_s(start_us),
        (unsigned long long)atomic_load(&load.done), (unsigned long long)atomic_load(&load.failed), since_s(start_us),
        (cpu_s() - cpu) * 1e6 / (double)atomic_load(&load.done));
    fflush(stdout);
}

static void phase_update(struct bench *bench) {
    struct load load = {.end = bench->resources, .unit = 10, .round_of_all = 1};
    load_open(&load, bench, IN_FLIGHT);
    int64_t start_us = clock_monotonic_us();
    load_main(&load);
    load_wait(&load);
    printf("%-34s %10.0f /s   (%llu, one in 11 a deletion)\n", "updates of a tenth",
        (double)atomic_load(&load.done) / since_s(start_us), (unsigned long long)atomic_load(&load.done));
    fflush(stdout);
}

static void phase_singles(struct bench *bench, struct samples *samples) {
    struct load load = {
        .next = bench->resources, .end = UINT64_MAX, .unit = 1, .mixed_updates = true, .samples = samples};
    struct pager pager = {.bench = bench};
    pthread_t loader, reader;
    samples_clear(samples);
    pager.samples.at_us = calloc(SAMPLES_MAX, sizeof *pager.samples.at_us);
    load_open(&load, bench, 64);
    struct store_figures before, after;
    store_figures(&before, bench->store);
    double cpu = cpu_s();
    int64_t start_us = clock_monotonic_us();
    pthread_create(&loader, NULL, load_main, &load);
    pthread_create(&reader, NULL, pager_main, &pager);
    while (since_s(start_us) < bench->seconds) {
        usleep(100000);
    }
    atomic_store(&load.stop, true);
    pthread_join(loader, NULL);
    double took = since_s(start_us);
    atomic_store(&pager.stop, true);
    pthread_join(reader, NULL);
    load_wait(&load);
    store_figures(&after, bench->store);
    printf("\n%d s of single durable writes, 64 waiting, a tenth updates, one reader paging sorted results\n",
        bench->seconds);
    samples_print("writes", samples, took);
    printf("%-34s %10.1f us of CPU each, the pager's included\n", "",
        (cpu_s() - cpu) * 1e6 / (double)atomic_load(&load.done));
    printf("%-34s %10.1f\n", "  units a group",
        (double)(after.units - before.units) / (double)(after.groups - before.groups));
    samples_print("pages of 100, by date", &pager.samples, took);
    printf("%-34s %10llu passes, %llu with a wrong number of results\n", "  paged to the end",
        (unsigned long long)pager.passes, (unsigned long long)pager.wrong);
    printf("%-34s %10.1f MB\n", "resident memory under load", resident_mb());
    free(pager.samples.at_us);
}

static double open_store(struct bench *bench, struct scope *scope) {
    struct store_config config = {.folder = bench->folder, .clock = bench->clock};
    int64_t start_us = clock_monotonic_us();
    if (store_open(&bench->store, &config, scope) != STATUS_OK) {
        give_up("open", scope);
    }
    return since_s(start_us) * 1e3;
}

static void print_sizes(struct bench *bench) {
    struct store_figures figures;
    store_figures(&figures, bench->store);
    double body = (double)BODY_SIZE * (double)figures.versions;
    printf("%-34s %10.2f GB, %.2f of the bodies; %llu rows merged, %llu in memory\n", "disk, indexes included",
        (double)figures.disk_bytes / 1e9, (double)figures.disk_bytes / body, (unsigned long long)figures.rows_merged,
        (unsigned long long)figures.rows_in_memory);
}

/* A child fills memory with index rows and is killed; how long does the folder take to open? */
static void phase_kill(struct bench *bench, struct scope *scope) {
    int ends[2];
    char byte;
    if (pipe(ends) != 0) {
        give_up("pipe", NULL);
    }
    pid_t child = fork();
    if (child == 0) {
        open_store(bench, scope);
        struct load load = {.next = bench->resources, .end = bench->resources + 40000, .unit = IMPORT_UNIT};
        load_open(&load, bench, IN_FLIGHT / IMPORT_UNIT * 8);
        load_main(&load);
        load_wait(&load);
        _exit(write(ends[1], "x", 1) == 1 ? (pause(), 0) : 1);
    }
    if (read(ends[0], &byte, 1) != 1) {
        give_up("the child failed", NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    double cpu = cpu_s(), took_ms = open_store(bench, scope), cpu_ms = (cpu_s() - cpu) * 1e3;
    struct store_figures figures;
    store_figures(&figures, bench->store);
    printf("%-34s %10.1f ms   (%llu rows in memory, %.1f ms of CPU)\n", "start after a kill under load", took_ms,
        (unsigned long long)figures.rows_in_memory, cpu_ms);
}

static bool take_number(long *out, const char *text, long most) {
    char *end = NULL;
    *out = text != NULL ? strtol(text, &end, 10) : 0;
    return text != NULL && end != text && *end == '\0' && *out >= 1 && *out <= most;
}

/* False, and said, where one is unknown or has no value. */
static bool take_options(struct bench *bench, int count, char **arguments) {
    enum { RESOURCES_MAX = 1000000000, SECONDS_MAX = 86400 };
    for (int i = 1; i < count; i += 2) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : NULL;
        bool resources = strcmp(name, "--resources") == 0, seconds = strcmp(name, "--seconds") == 0;
        long number = 0;
        if (!resources && !seconds && strcmp(name, "--folder") != 0) {
            (void)fprintf(stderr, "soyang_store_bench: unknown option %s\n", name);
            return false;
        }
        bool good = resources || seconds ? take_number(&number, value, resources ? RESOURCES_MAX : SECONDS_MAX)
                                         : value != NULL && value[0] != '\0';
        if (!good) {
            (void)fprintf(stderr, "soyang_store_bench: %s needs a value%s\n", name,
                resources || seconds ? ", a whole number from 1" : "");
            return false;
        }
        bench->resources = resources ? (uint64_t)number : bench->resources;
        bench->seconds = seconds ? (int)number : bench->seconds;
        bench->folder = resources || seconds ? bench->folder : value;
    }
    return true;
}

int main(int count, char **arguments) {
    struct bench bench = {.resources = 100000, .seconds = 10, .folder = "/tmp/soyang-store-bench"};
    if (!take_options(&bench, count, arguments)) {
        return 2;
    }
    struct arena *arena = arena_open(1 << 30);
    struct scope scope = {.arena = arena};
    struct samples samples = {.at_us = calloc(SAMPLES_MAX, sizeof *samples.at_us)};
    bench.clock = clock_open(1);
    open_store(&bench, &scope);
    for (size_t i = 0; i < KEY_ROWS + 2; i++) {
        if (store_space(&bench.spaces[i], bench.store, text_from(space_names[i]), &scope) != STATUS_OK) {
            give_up("space", &scope);
        }
    }
    printf("%-34s %10.0f /s\n", "ceiling: fdatasync of 4 KB", disk_syncs(bench.folder));
    phase_import(&bench);
    print_sizes(&bench);
    phase_update(&bench);
    search_kinds(&bench, &samples, 1.0, "after the updates");
    count_everything(&bench);
    phase_singles(&bench, &samples);
    int64_t start_us = clock_monotonic_us();
    store_close(bench.store);
    printf("%-34s %10.1f ms\n", "close, merging what is in memory", since_s(start_us) * 1e3);
    printf("%-34s %10.1f ms\n", "start", open_store(&bench, &scope));
    sleep(2);
    printf("%-34s %10.1f MB (with this program's own)\n", "resident memory idle", resident_mb());
    print_sizes(&bench);
    store_close(bench.store);
    phase_kill(&bench, &scope);
    store_close(bench.store);
    clock_close(bench.clock);
    arena_close(arena);
    free(samples.at_us);
    return 0;
}
