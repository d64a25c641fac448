/* A record in a fresh folder, with the region's guards, and ways to load the project's regions or spoilt copies of them. */
#ifndef SOYANG_TEST_REGION_FIXTURE_H
#define SOYANG_TEST_REGION_FIXTURE_H

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "records/records.h"
#include "region/region.h"
#include "unit/cmocka_all.h"

#define FIXTURE_NOW_US INT64_C(1795316400000000) /* 2026-11-22T03:00:00Z: noon of a Sunday in Seoul */

struct fixture {
    char folder[64];
    struct clock *clock;
    struct store *store;
    struct search *search;
    struct records *records;
    struct region *region;
    struct arena *arena;
    struct scope scope;
};

static const struct records_caller fixture_operator = {
    {"Device/local", 12}, {"Organization/local", 18}, {"administrator", 13}, {"HSYSADMIN", 9}};

static inline int fixture_remove_entry(const char *path, const struct stat *about, int kind, struct FTW *walk) {
    (void)about, (void)kind, (void)walk;
    return remove(path);
}

static inline void fixture_remove(const char *folder) {
    nftw(folder, fixture_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fixture_say(const struct scope *scope) {
    for (const struct issue *issue = scope->fault.first; issue != NULL; issue = issue->next) {
        print_message("  %s: %s: %s\n", status_name(issue->status), issue->path, issue->text);
    }
}

#define fixture_ok(fixture, expression)                                                                                \
    do {                                                                                                               \
        enum status fixture_status = (expression);                                                                     \
        if (fixture_status != STATUS_OK) {                                                                             \
            fixture_say(&(fixture)->scope);                                                                            \
        }                                                                                                              \
        assert_int_equal(fixture_status, STATUS_OK);                                                                   \
    } while (0)

static inline void fixture_open(struct fixture *f) {
    memset(f, 0, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/soyang-region-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->arena = arena_open((size_t)1 << 30);
    f->scope = (struct scope){.arena = f->arena};
    f->clock = clock_open_manual(FIXTURE_NOW_US);
    struct text base = TEXT("http://127.0.0.1/fhir");
    fixture_ok(f, store_open(&f->store, &(struct store_config){.folder = f->folder, .clock = f->clock}, &f->scope));
    fixture_ok(
        f, search_open(&f->search,
               &(struct search_config){.store = f->store, .own_base = base, .zone_minutes = 540, .clock = f->clock},
               &f->scope));
    const struct records_config config = {
        .store = f->store, .search = f->search, .clock = f->clock, .own_base = base, .zone_minutes = 540};
    fixture_ok(f, records_open(&f->records, &config, &f->scope));
    fixture_ok(f, region_open(&f->region, f->records, &f->scope));
}

static inline void fixture_close(struct fixture *f) {
    region_close(f->region);
    records_close(f->records);
    search_close(f->search);
    store_close(f->store);
    clock_close(f->clock);
    arena_close(f->arena);
    fixture_remove(f->folder);
}

static inline void fixture_load(struct fixture *f, enum region_assumptions assumptions) {
    struct region_loaded loaded;
    fixture_ok(f, region_load(&loaded, f->records, &fixture_operator, "regions/gangwon", assumptions, &f->scope));
}

static inline void fixture_copy_folder(const char *from, const char *to) {
    char source[512], target[512];
    assert_int_equal(mkdir(to, 0700), 0);
    DIR *directory = opendir(from);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        struct stat about;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (entry->d_name[0] == '.' || stat(source, &about) != 0) {
            continue;
        }
        if (S_ISDIR(about.st_mode)) {
            fixture_copy_folder(source, target);
            continue;
        }
        FILE *in = fopen(source, "rb"), *out = fopen(target, "wb");
        assert_non_null(in);
        assert_non_null(out);
        char bytes[8192];
        for (size_t size = fread(bytes, 1, sizeof bytes, in); size > 0; size = fread(bytes, 1, sizeof bytes, in)) {
            assert_int_equal(fwrite(bytes, 1, size, out), size);
        }
        fclose(in);
        fclose(out);
    }
    closedir(directory);
}

/* Sends one request as a client would. */
static inline enum status fixture_send(struct fixture *f, const struct records_caller *caller,
    enum records_interaction interaction, const char *type, struct text id, struct text body) {
    struct records_answer answer;
    const struct records_request request = {.interaction = interaction,
        .caller = *caller,
        .type = type == NULL ? FHIR_TYPE_NONE : fhir_type_find(text_from(type)),
        .id = id,
        .body = body};
    f->scope.fault = (struct fault){0};
    return records_run(&answer, f->records, &request, &f->scope);
}

static inline bool fixture_said(const struct scope *scope, const char *words) {
    for (const struct issue *issue = scope->fault.first; issue != NULL; issue = issue->next) {
        if (strstr(issue->text, words) != NULL || strstr(issue->path, words) != NULL) {
            return true;
        }
    }
    return false;
}

#endif
