/* How long the pure ranking takes over a whole region, beside one pass of its distances: the ceiling of any ranking.
 *
 *     soyang_rank_bench [REGION]       prints one line of JSON */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "referral/referral.h"

enum { RUNS = 4000, ARENA_MAX = 512 * 1024 * 1024, NEEDS_TRIED = 6, ZONE_KOREA = 540 };

static const struct records_caller operator_caller = {
    {"Device/local", 12}, {"Organization/local", 18}, {"administrator", 13}, {"HSYSADMIN", 9}};
static const char *const needs[NEEDS_TRIED] = {"Y0010", "Y0020", "Y0032", "SY-TRAUMA", "SY-ORTHO", "Y0111"};

static int by_value(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static enum status rank_once(
    double *us, const struct region_snapshot *snapshot, int run, bool planned, struct arena *arena) {
    struct scope scope = {.arena = arena};
    struct referral_ranking ranking;
    int origin = (run * 37) % (int)snapshot->place_count;
    while (!snapshot->places[origin].post) {
        origin = (origin + 1) % (int)snapshot->place_count;
    }
    int need = region_need_find(snapshot, text_from(needs[run % NEEDS_TRIED]));
    struct referral_case patient = {.level = 1 + run % 3,
        .needs = need >= 0 ? UINT64_C(1) << need : 0,
        .place = TRIAGE_PLACE_INSTITUTION,
        .window_minutes = 120,
        .age_months = 600,
        .origin = snapshot->places[origin].point,
        .origin_place = origin,
        .known_place = -1,
        .now_us = INT64_C(1795000000000000)};
    if (planned) { /* as the national protocol's levels ask: three, two and one at once, within a quarter of an hour */
        patient.asking = (struct referral_asking){.parallel_max = 4 - patient.level,
            .ask_cost_min = patient.level == 1 ? 0 : .5,
            .deadline_min = 15,
            .unplaced_min = 120,
            .silence_min = 3 + patient.level};
    }
    int64_t began = clock_monotonic_us();
    enum status status = referral_rank(&ranking, snapshot, &patient, REFERRAL_NUMBERS_ONLY, &scope);
    *us = (double)(clock_monotonic_us() - began);
    arena_reset(arena);
    return status;
}

static double distances_us(const struct region_snapshot *snapshot) {
    volatile double sum = 0;
    int64_t began = clock_monotonic_us();
    for (int run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < snapshot->place_count; i++) {
            sum += region_distance_km(snapshot->places[run % 60].point, snapshot->places[i].point);
        }
    }
    return (double)(clock_monotonic_us() - began) / RUNS;
}

struct bench {
    const char *region;
    char folder[64];
    struct clock *clock;
    struct store *store;
    struct search *search;
    struct records *records;
    struct region *places;
};

static enum status open_bench(struct bench *b, struct scope *scope) {
    struct region_loaded loaded;
    b->clock = clock_open(1);
    enum status status = store_open(&b->store, &(struct store_config){.folder = b->folder, .clock = b->clock}, scope);
    if (status == STATUS_OK) {
        status = search_open(&b->search,
            &(struct search_config){.store = b->store,
                .clock = b->clock,
                .own_base = TEXT("http://127.0.0.1/fhir"),
                .zone_minutes = ZONE_KOREA},
            scope);
    }
    if (status == STATUS_OK) {
        status = records_open(&b->records,
            &(struct records_config){.store = b->store,
                .search = b->search,
                .clock = b->clock,
                .own_base = TEXT("http://127.0.0.1/fhir"),
                .zone_minutes = ZONE_KOREA},
            scope);
    }
    if (status == STATUS_OK) {
        status = region_open(&b->places, b->records, scope);
    }
    return status == STATUS_OK
               ? region_load(&loaded, b->records, &operator_caller, b->region, REGION_WITH_ASSUMPTIONS, scope)
               : status;
}

static enum status run_bench(void *context, struct scope *scope) {
    struct bench *b = context;
    const struct region_snapshot *snapshot;
    static double us[RUNS];
    enum status status = open_bench(b, scope);
    if (status == STATUS_OK) {
        status = region_hold(&snapshot, b->places, scope);
    }
    struct arena *arena = arena_open(ARENA_MAX);
    for (int run = 0; run < RUNS && status == STATUS_OK; run++) {
        status = rank_once(&us[run], snapshot, run, false, arena);
    }
    static double planned_us[RUNS];
    for (int run = 0; run < RUNS && status == STATUS_OK; run++) {
        status = rank_once(&planned_us[run], snapshot, run, true, arena);
    }
    if (status != STATUS_OK) {
        return status;
    }
    qsort(us, RUNS, sizeof *us, by_value);
    qsort(planned_us, RUNS, sizeof *planned_us, by_value);
    printf("{\"places\":%zu,\"median_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"distances_us\":%.1f,"
           "\"planned_median_us\":%.1f,\"planned_p99_us\":%.1f}\n",
        snapshot->place_count, us[RUNS / 2], us[RUNS * 99 / 100], us[RUNS - 1], distances_us(snapshot),
        planned_us[RUNS / 2], planned_us[RUNS * 99 / 100]);
    arena_close(arena);
    region_release(snapshot);
    return STATUS_OK;
}

static void remove_folder(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    rmdir(path);
}

int main(int argc, char **argv) {
    struct bench b = {.region = argc > 1 ? argv[1] : "regions/gangwon", .folder = "/tmp/soyang-rank-XXXXXX"};
    struct arena *arena = arena_open(ARENA_MAX);
    struct scope scope = {.arena = arena};
    enum status status = mkdtemp(b.folder) != NULL ? scope_run(&scope, arena, run_bench, &b) : STATUS_FAILED;
    for (const struct issue *issue = scope.fault.first; issue != NULL; issue = issue->next) {
        fprintf(stderr, "%s: %s\n", issue->path, issue->text);
    }
    region_close(b.places);
    records_close(b.records);
    search_close(b.search);
    store_close(b.store);
    remove_folder(b.folder);
    return status == STATUS_OK ? 0 : 1;
}
