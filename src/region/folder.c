#include "region/folder.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/fhir.h"

enum { FILE_BYTES_MAX = 8 << 20, DEFINITIONS_MAX = 256 };

/* ---- files ------------------------------------------------------------------------------------------------------ */

static const char *in_folder(struct arena *arena, const char *folder, struct text file) {
    return text_format(arena, "%s/%.*s", folder, (int)file.size, file.at).at;
}

/* region.json names the file of `name` in one of its sections; what is named must be there. */
static enum status read_listed(struct text *source, const char **file, const struct region_folder *folder,
    const char *path, const char *section, const char *name, struct scope *scope) {
    const struct document *region = &folder->region;
    const char *where = text_format(scope->arena, "%s.%s", section, name).at;
    struct text listed;
    const yyjson_val *entry = json_get(json_get(region->root, section), name);
    enum status status = document_text(&listed, region, entry, where, "file", scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (listed.size > CSV_FILE_NAME_MAX || listed.at[0] == '/') {
        return document_fault(scope, region, where, "is no file name relative to the folder");
    }
    *file = text_string(scope->arena, listed);
    struct scope asked = {.arena = scope->arena};
    status = file_read(source, in_folder(scope->arena, path, listed), FILE_BYTES_MAX, &asked);
    return status == STATUS_OK ? STATUS_OK : document_fault(scope, region, where, "the file %s cannot be read", *file);
}

static enum status read_listed_document(struct document *out, const struct region_folder *folder, const char *path,
    const char *section, const char *name, struct scope *scope) {
    struct text source;
    const char *file = NULL;
    enum status status = read_listed(&source, &file, folder, path, section, name, scope);
    return status == STATUS_OK ? region_document_read(out, file, source, scope) : status;
}

static enum status read_tables(struct region_folder *folder, const char *path, const char *country,
    enum region_assumptions assumptions, struct scope *scope) {
    enum status all = STATUS_OK;
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        enum table_section section = table_section_of(table);
        if (section == SECTION_ASSUMED && assumptions == REGION_SOURCED_ONLY) {
            continue;
        }
        /* Wards are a region's choice: without them no admission is followed. */
        if (table == TABLE_WARDS && json_get(json_get(folder->region.root, "assumed_files"), "wards") == NULL) {
            continue;
        }
        const char *file = NULL;
        struct csv csv;
        enum status status = read_listed(&folder->table_sources[table], &file, folder,
            section == SECTION_COUNTRY ? country : path, table_section_name(section), table_name(table), scope);
        if (status == STATUS_OK) {
            status = csv_read(&csv, file, folder->table_sources[table], scope);
        }
        if (status == STATUS_OK) {
            folder->tables[table] = csv;
        }
        all = status == STATUS_OK ? all : status;
    }
    return all;
}

/* ---- definitions ------------------------------------------------------------------------------------------------ */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void close_directory(void *directory) {
    closedir(directory);
}

static size_t list_definitions(const char **names, const char *path, struct scope *scope) {
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return 0; /* a country need not have any */
    }
    arena_defer(scope->arena, close_directory, directory);
    size_t count = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL && count < DEFINITIONS_MAX;
         entry = readdir(directory)) {
        if (text_ends(text_from(entry->d_name), ".json")) {
            names[count++] = text_string(scope->arena, text_from(entry->d_name));
        }
    }
    qsort(names, count, sizeof *names, compare_names);
    return count;
}

static enum status read_definition(const yyjson_val **out, const char *path, const char *name, struct scope *scope) {
    struct document document = {0};
    struct text source;
    enum status status = file_read(&source, in_folder(scope->arena, path, text_from(name)), FILE_BYTES_MAX, scope);
    const char *file = text_format(scope->arena, "definitions/%s", name).at;
    if (status == STATUS_OK) {
        status = region_document_read(&document, file, source, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (fhir_resource_number(fhir_type_find(json_get_text(document.root, "resourceType"))) == 0) {
        return document_fault(scope, &document, "resourceType", "is no resource type");
    }
    if (!fhir_id_is_valid(json_get_text(document.root, "id"))) {
        return document_fault(scope, &document, "id", "a definition has an id");
    }
    struct scope asked = {.arena = scope->arena};
    if (fhir_check(document.root, &asked) != STATUS_OK) {
        const struct issue *issue = asked.fault.first;
        return document_fault(
            scope, &document, issue == NULL ? "" : issue->path, "%s", issue == NULL ? "" : issue->text);
    }
    *out = document.root;
    return STATUS_OK;
}

static enum status read_definitions(struct region_folder *folder, const char *country, struct scope *scope) {
    const char *path = in_folder(scope->arena, country, TEXT("definitions"));
    const char **names = ARENA_ARRAY(scope->arena, const char *, DEFINITIONS_MAX);
    size_t count = list_definitions(names, path, scope);
    folder->definitions = ARENA_ARRAY(scope->arena, const yyjson_val *, count + 1);
    enum status all = STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        enum status status = read_definition(&folder->definitions[folder->definition_count], path, names[i], scope);
        folder->definition_count += status == STATUS_OK;
        all = status == STATUS_OK ? all : status;
    }
    return all;
}

/* ---- checks over several files ---------------------------------------------------------------------------------- */

/* One id, one organisation: places, posts and neighbours share a space, the control room's id too. */
static enum status check_ids(const struct region_folder *folder, struct scope *scope) {
    static const enum table owners[] = {TABLE_PLACES, TABLE_POSTS, TABLE_NEIGHBOURS};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        const struct csv *table = &folder->tables[owners[i]];
        for (size_t row = 0; table->file != NULL && row < table->row_count; row++) {
            struct text id = csv_cell(table, &table->rows[row], "id");
            bool taken = text_equal(id, folder->settings.control_room_id);
            for (size_t j = 0; j < i; j++) {
                const struct csv *other = &folder->tables[owners[j]];
                taken = taken || (other->file != NULL && csv_find(other, "id", id) != NULL);
            }
            if (taken && id.size > 0) {
                status = csv_fault(scope, table, table->rows[row].line, "id", "another file has this id already");
            }
        }
    }
    return status;
}

/* region.json says how much there should be: a file cut short is noticed. */
static enum status check_expected(const struct region_folder *folder, struct scope *scope) {
    static const struct {
        const char *name;
        enum table table;
    } totals[] = {
        {"places", TABLE_PLACES}, {"posts", TABLE_POSTS}, {"districts", TABLE_DISTRICTS}, {"sigungu", TABLE_SIGUNGU}};
    const yyjson_val *expected = json_get(folder->region.root, "expected");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        int64_t count = 0;
        size_t rows = folder->tables[totals[i].table].row_count;
        if (json_get_int64(&count, expected, totals[i].name) && (size_t)count != rows) {
            const char *path = text_format(scope->arena, "expected.%s", totals[i].name).at;
            status = document_fault(scope, &folder->region, path, "%lld are expected, %s has %zu", (long long)count,
                folder->tables[totals[i].table].file, rows);
        }
    }
    return status;
}

/* The snapshot numbers what it knows in fixed tables. */
static enum status check_sizes(const struct region_folder *folder, struct scope *scope) {
    static const struct {
        enum table first, second;
        size_t most;
    } limits[] = {
        {TABLE_CONDITIONS, TABLE_NEEDS_OWN, REGION_NEEDS_MAX},
        {TABLE_BEDS, TABLE_BEDS, REGION_BEDS_MAX},
        {TABLE_DEPARTMENTS, TABLE_DEPARTMENTS, REGION_DEPARTMENTS_MAX},
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct csv *table = &folder->tables[limits[i].second];
        size_t rows = table->row_count;
        rows += limits[i].first != limits[i].second ? folder->tables[limits[i].first].row_count : 0;
        if (rows > limits[i].most) {
            status = csv_fault(
                scope, table, (int)limits[i].most, "row", "more codes than the program numbers (%zu)", limits[i].most);
        }
    }
    return status;
}

static enum status check_all(struct region_folder *folder, struct scope *scope) {
    const struct table_context context = {
        .tables = folder->tables,
        .sources = folder->settings.sources,
        .bounds = folder->settings.bounds,
        .neighbour_bounds = folder->settings.neighbour_bounds,
    };
    enum status all = STATUS_OK;
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        if (folder->tables[table].file != NULL && table_check(table, &context, scope) != STATUS_OK) {
            all = STATUS_INVALID;
        }
    }
    struct region_board_model board;
    const enum status others[] = {
        check_ids(folder, scope),
        check_expected(folder, scope),
        check_sizes(folder, scope),
        settings_read_board(&board, &folder->policy, scope),
        folder->assumptions.file == NULL
            ? STATUS_OK
            : assumptions_check(&folder->assumptions, &context, folder->settings.id, scope),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        all = others[i] == STATUS_OK ? all : others[i];
    }
    return all;
}

/* A region's choice: without it every reading is taken as certain. */
static enum status read_readings(struct region_folder *folder, const char *path, struct scope *scope) {
    struct region_readings read;
    if (json_get(json_get(folder->region.root, "assumed_files"), "readings") == NULL) {
        return STATUS_OK;
    }
    enum status status = read_listed_document(&folder->readings, folder, path, "assumed_files", "readings", scope);
    struct scope asked = {.arena = scope->arena};
    if (status != STATUS_OK || region_readings_read(&read, folder->readings.root, &asked) == STATUS_OK) {
        return status;
    }
    const struct issue *issue = asked.fault.first;
    return document_fault(
        scope, &folder->readings, issue == NULL ? "" : issue->path, "%s", issue == NULL ? "" : issue->text);
}

static enum status read_region(struct region_folder *folder, const char *path, struct scope *scope) {
    struct text source;
    enum status status = file_read(&source, in_folder(scope->arena, path, TEXT("region.json")), FILE_BYTES_MAX, scope);
    if (status == STATUS_OK) {
        status = region_document_read(&folder->region, "region.json", source, scope);
    }
    return status == STATUS_OK ? settings_read(&folder->settings, &folder->region, scope) : status;
}

enum status folder_read(
    struct region_folder *out, const char *path, enum region_assumptions assumptions, struct scope *scope) {
    *out = (struct region_folder){0};
    enum status status = read_region(out, path, scope);
    struct text country_name;
    if (status == STATUS_OK) {
        status = document_text(&country_name, &out->region, out->region.root, "", "country_files", scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const char *country = in_folder(scope->arena, path, country_name);
    const enum status parts[] = {
        read_listed_document(&out->policy, out, country, "country_file_list", "policy", scope),
        read_listed_document(&out->outline, out, path, "files", "outline", scope),
        assumptions == REGION_SOURCED_ONLY
            ? STATUS_OK
            : read_listed_document(&out->assumptions, out, path, "assumed_files", "assumptions", scope),
        assumptions == REGION_SOURCED_ONLY ? STATUS_OK : read_readings(out, path, scope),
        read_tables(out, path, country, assumptions, scope),
        read_definitions(out, country, scope),
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        status = parts[i] == STATUS_OK ? status : parts[i];
    }
    return status == STATUS_OK ? check_all(out, scope) : status;
}
