/* Which needs a region defines, of its folder or of the Library that keeps its files: before there is a snapshot. */
#include "region/base64.h"
#include "region/folder.h"
#include "region/naming.h"
#include "region/region.h"

static const struct {
    enum table table;
    const char *system;
} lists[] = {{TABLE_CONDITIONS, SYSTEM_CONDITION}, {TABLE_NEEDS_OWN, SYSTEM_NEED}};
enum { LISTS = sizeof lists / sizeof lists[0] };

static void add(struct region_needs *out, const struct csv *csv, const char *system) {
    for (size_t i = 0; i < csv->row_count && out->count < REGION_NEEDS_MAX; i++) {
        const struct csv_row *row = &csv->rows[i];
        out->codes[out->count++] = (struct region_code){
            .code = csv_cell(csv, row, "code"),
            .system = text_from(system),
            .name_ko = csv_cell(csv, row, "display_ko"),
            .name_en = csv_cell(csv, row, "display_en"),
        };
    }
}

enum status region_needs_read(struct region_needs *out, const char *folder, struct scope *scope) {
    struct region_folder *read = ARENA_NEW(scope->arena, struct region_folder);
    *out = (struct region_needs){0};
    enum status status = folder_read(read, folder, REGION_SOURCED_ONLY, scope);
    for (size_t i = 0; i < LISTS && status == STATUS_OK; i++) {
        add(out, &read->tables[lists[i].table], lists[i].system);
    }
    return status;
}

enum status region_needs_of(struct region_needs *out, const yyjson_val *library, struct scope *scope) {
    size_t index, max;
    yyjson_val *file;
    *out = (struct region_needs){0};
    yyjson_arr_foreach((yyjson_val *)json_get(library, "content"), index, max, file) {
        struct text title = json_get_text(file, "title"), bytes;
        for (size_t i = 0; i < LISTS; i++) {
            struct csv csv = {0};
            const char *name = text_format(scope->arena, "%s.csv", table_name(lists[i].table)).at;
            if (!text_is(title, name)) {
                continue;
            }
            if (!base64_decode(&bytes, scope->arena, json_get_text(file, "data"))) {
                return fault(scope, STATUS_INVALID, name, "the region's document is not base64");
            }
            enum status status = csv_read(&csv, name, bytes, scope);
            if (status != STATUS_OK) {
                return status;
            }
            add(out, &csv, lists[i].system);
        }
    }
    return STATUS_OK;
}

bool region_needs_have(const struct region_needs *needs, struct text code) {
    size_t i = 0;
    while (i < needs->count && !text_equal(needs->codes[i].code, code)) {
        i++;
    }
    return i < needs->count;
}
