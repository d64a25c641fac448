#include "cli/folder.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

const struct records_caller folder_operator = {
    {"Device/local", 12}, {"Organization/local", 18}, {"administrator", 13}, {"HSYSADMIN", 9}};

enum status folder_stands(const char *path, struct scope *scope) {
    if (access(text_format(scope->arena, "%s/store.db", path).at, F_OK) == 0)
        return STATUS_OK;
    return errno == ENOENT || errno == ENOTDIR
               ? fault(scope, STATUS_NOT_FOUND, path, "is no data folder")
               : fault(scope, STATUS_FAILED, path, "cannot be opened: %s", strerror(errno));
}

enum status folder_open(struct folder *out, const struct folder_config *config, struct scope *scope) {
    memset(out, 0, sizeof *out);
    if (config->making == FOLDER_STANDS && folder_stands(config->path, scope) != STATUS_OK)
        return STATUS_NOT_FOUND;
    struct text base = text_from(config->public_base != NULL ? config->public_base : "http://127.0.0.1/fhir");
    out->clock = clock_open(config->speed);
    if (out->clock == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the clock");
    enum status status = store_open(&out->store,
        &(struct store_config){.folder = config->path,
            .clock = out->clock,
            .memory_rows_max = config->memory_rows_max,
            .packing = config->packing},
        scope);
    if (status == STATUS_OK)
        status = terminology_open(
            &out->terminology, &(struct terminology_config){.store = out->store, .clock = out->clock}, scope);
    if (status == STATUS_OK)
        status = search_open(&out->search,
            &(struct search_config){.store = out->store,
                .terminology = out->terminology,
                .clock = out->clock,
                .own_base = base,
                .zone_minutes = FOLDER_ZONE_KOREA_MINUTES},
            scope);
    if (status == STATUS_OK)
        status = records_open(&out->records,
            &(struct records_config){.store = out->store,
                .search = out->search,
                .terminology = out->terminology,
                .clock = out->clock,
                .own_base = base,
                .references = config->references,
                .deletes = config->deletes,
                .audit = config->audit,
                .zone_minutes = FOLDER_ZONE_KOREA_MINUTES},
            scope);
    if (status == STATUS_OK)
        status = region_open(&out->region, out->records, scope);
    if (status == STATUS_OK && config->roads != NULL)
        status = region_road_table_open(&out->roads, config->roads, scope->arena, scope);
    if (status == STATUS_OK)
        region_use_roads(out->region, out->roads);
    if (status == STATUS_OK)
        status = referral_open(&out->referral, out->records, out->region, scope);
    if (status != STATUS_OK)
        folder_close(out);
    return status;
}

void folder_close(struct folder *folder) {
    if (folder->records != NULL)
        records_timer_stop(folder->records);
    referral_close(folder->referral);
    region_close(folder->region);
    region_road_table_close(folder->roads);
    records_close(folder->records);
    search_close(folder->search);
    terminology_close(folder->terminology);
    store_close(folder->store);
    clock_close(folder->clock);
    memset(folder, 0, sizeof *folder);
}
