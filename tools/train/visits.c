#include "visits.h"

#include <math.h>
#include <string.h>
#include <zlib.h>

#include "triage/dataset.h"

enum { FILE_BYTES_MAX = 1 << 30, COLUMNS_MAX = 1024 };

/* How one column becomes a number. */
struct reading {
    int column;               /* -1: not in the plan */
    const yyjson_val *values; /* NULL: the number itself */
    double low, high, scale, shift;
};

static enum status reading_open(
    struct reading *out, const struct table *table, const yyjson_val *plan, const char *what, struct scope *scope) {
    struct text column = json_get_text(plan, "column");
    *out = (struct reading){table_column(table, column), json_get(plan, "values"), -HUGE_VAL, HUGE_VAL, 1, 0};
    (void)json_get_double(&out->low, plan, "low");
    (void)json_get_double(&out->high, plan, "high");
    (void)json_get_double(&out->scale, plan, "scale");
    (void)json_get_double(&out->shift, plan, "shift");
    if (out->column < 0)
        return fault(scope, STATUS_NOT_FOUND, what, "the file has no column %.*s", (int)column.size, column.at);
    return STATUS_OK;
}

static double mapped(const yyjson_val *values, struct text cell, struct arena *arena) {
    const char *name = text_string(arena, cell);
    double value = (double)NAN;
    if (json_get(values, name))
        (void)json_get_double(&value, values, name);
    else if (cell.size)
        (void)json_get_double(&value, values, "*");
    return value;
}

/* "36,6" as "36.6": some sets are written with decimal commas. */
static struct text pointed(struct text cell, struct arena *arena) {
    char *copy = arena_alloc(arena, cell.size + 1);
    for (size_t i = 0; i < cell.size; i++)
        copy[i] = cell.at[i] == ',' ? '.' : cell.at[i];
    return (struct text){copy, cell.size};
}

static double cell_value(const struct reading *reading, const struct text *cells, struct arena *arena) {
    struct text cell = cells[reading->column];
    double value = (double)NAN;
    if (reading->values)
        return mapped(reading->values, cell, arena);
    if (!text_to_double(&value, cell) && !text_to_double(&value, pointed(cell, arena)))
        return (double)NAN;
    value = value * reading->scale + reading->shift;
    return value < reading->low || value > reading->high ? (double)NAN : value;
}

/* ---- columns of the set itself ---------------------------------------------------------------------------------------- */

static bool name_fits(struct text name, struct text pattern) {
    if (!text_ends(pattern, "*"))
        return text_equal(name, pattern);
    return name.size >= pattern.size - 1 && memcmp(name.at, pattern.at, pattern.size - 1) == 0;
}

static bool is_listed(struct text name, const yyjson_val *list) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        if (name_fits(name, json_text(item)))
            return true;
    }
    return false;
}

static void columns_open(struct visits *out, struct reading *readings, const yyjson_val *plan, struct arena *arena) {
    const yyjson_val *taken = json_get(plan, "columns"), *barred = json_get(plan, "never"),
                     *maps = json_get(plan, "column_values");
    out->columns = ARENA_ARRAY(arena, struct text, COLUMNS_MAX);
    for (size_t i = 0; i < out->table.column_count && out->column_count < COLUMNS_MAX; i++) {
        struct text name = out->table.names[i];
        if (!is_listed(name, taken) || is_listed(name, barred))
            continue;
        readings[out->column_count] =
            (struct reading){(int)i, json_get(maps, text_string(arena, name)), -HUGE_VAL, HUGE_VAL, 1, 0};
        out->columns[out->column_count++] = name;
    }
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

struct readings {
    struct reading fields[VISIT_FIELD_COUNT], columns[COLUMNS_MAX];
    int complaint, site, patient, period;
};

static enum status readings_open(
    struct readings *out, struct visits *visits, struct arena *arena, struct scope *scope) {
    const yyjson_val *fields = json_get(visits->plan, "fields"), *barred = json_get(visits->plan, "never");
    enum status status = STATUS_OK;
    for (int i = 0; i < VISIT_FIELD_COUNT && status == STATUS_OK; i++) {
        const char *name = visit_field_name((enum visit_field)i);
        const yyjson_val *plan = json_get(fields, name);
        out->fields[i].column = -1;
        if (plan && is_listed(json_get_text(plan, "column"), barred))
            return fault(scope, STATUS_INVALID, name, "the column is among those that may never be read");
        if (plan)
            status = reading_open(&out->fields[i], &visits->table, plan, name, scope);
    }
    columns_open(visits, out->columns, visits->plan, arena);
    out->complaint = table_column(&visits->table, json_get_text(visits->plan, "complaint"));
    out->site = table_column(&visits->table, json_get_text(visits->plan, "site"));
    out->patient = table_column(&visits->table, json_get_text(visits->plan, "patient"));
    out->period = table_column(&visits->table, json_get_text(visits->plan, "period"));
    return status;
}

static struct text cell_or_none(const struct text *cells, int column) {
    return column < 0 ? (struct text){0} : cells[column];
}

static void visit_take(struct visits *out, const struct readings *readings, const struct text *cells, size_t row,
    double least_age, struct arena *arena) {
    struct visit visit = visit_new();
    for (int i = 0; i < VISIT_FIELD_COUNT; i++) {
        if (readings->fields[i].column >= 0)
            visit.fields[i] = cell_value(&readings->fields[i], cells, arena);
    }
    if (!(visit.fields[VISIT_AGE] >= least_age)) {
        out->left_out++;
        return;
    }
    visit.complaint = cell_or_none(cells, readings->complaint);
    double *columns = ARENA_ARRAY(arena, double, out->column_count + 1);
    for (size_t i = 0; i < out->column_count; i++)
        columns[i] = cell_value(&readings->columns[i], cells, arena);
    visit.columns = columns;
    out->at[out->count] = visit;
    out->sites[out->count] = cell_or_none(cells, readings->site);
    out->patients[out->count] = cell_or_none(cells, readings->patient);
    out->periods[out->count] = cell_or_none(cells, readings->period);
    out->rows[out->count++] = row + 1;
}

/* ---- files ------------------------------------------------------------------------------------------------------------ */

/* Whole, and unpacked where it is packed (gzip). */
static enum status file_unpack(struct text *out, const char *path, struct arena *arena, struct scope *scope) {
    struct text packed = {0};
    enum status status = file_read(&packed, path, FILE_BYTES_MAX, scope);
    if (status != STATUS_OK || !text_ends(text_from(path), ".gz")) {
        *out = packed;
        return status;
    }
    struct buffer bytes = buffer_open(arena, FILE_BYTES_MAX);
    char part[1 << 16];
    int got = 0;
    gzFile file = gzopen(path, "rb");
    while (file && (got = gzread(file, part, sizeof part)) > 0)
        buffer_put(&bytes, (struct text){part, (size_t)got});
    bool whole = file && got == 0 && gzclose(file) == Z_OK;
    *out = buffer_text(&bytes);
    return whole ? STATUS_OK : fault(scope, STATUS_INVALID, path, "cannot be unpacked");
}

static struct text line_next(struct text *rest) {
    struct text line = text_cut(rest, '\n');
    return text_ends(line, "\r") ? (struct text){line.at, line.size - 1} : line;
}

/* One file of several: its lines, each with its line of the labels' file and its period behind it. */
static enum status file_add(struct buffer *out, const yyjson_val *plan, const char *folder, bool with_header,
    struct arena *arena, struct scope *scope) {
    struct text file = json_get_text(plan, "file"), labels = json_get_text(plan, "labels"), rows, outcomes = {0},
                period = json_get_text(plan, "period");
    const char *path = text_format(arena, "%s/%.*s", folder, (int)file.size, file.at).at;
    enum status status = file_unpack(&rows, path, arena, scope);
    if (status == STATUS_OK && labels.size)
        status =
            file_unpack(&outcomes, text_format(arena, "%s/%.*s", folder, (int)labels.size, labels.at).at, arena, scope);
    for (bool header = true; status == STATUS_OK && rows.size; header = false) {
        struct text row = line_next(&rows), outcome = line_next(&outcomes);
        if (labels.size && (row.size == 0) != (outcome.size == 0))
            return fault(scope, STATUS_INVALID, path, "its labels have another count of rows");
        if (row.size == 0 || (header && !with_header))
            continue;
        buffer_put(out, row);
        buffer_put_format(out, ",%.*s,%.*s\n", (int)outcome.size, outcome.at, header ? 6 : (int)period.size,
            header ? "period" : period.at);
    }
    return status;
}

/* The plan's "file", or its "files" as one table with the columns of their labels and "period". */
static enum status source_read(
    struct text *out, const yyjson_val *plan, const char *folder, struct arena *arena, struct scope *scope) {
    struct text file = json_get_text(plan, "file");
    if (file.size)
        return file_unpack(out, text_format(arena, "%s/%.*s", folder, (int)file.size, file.at).at, arena, scope);
    struct buffer all = buffer_open(arena, FILE_BYTES_MAX);
    enum status status = STATUS_OK;
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(plan, "files"), i, count, item) {
        if (status == STATUS_OK)
            status = file_add(&all, item, folder, i == 0, arena, scope);
    }
    *out = buffer_text(&all);
    return status;
}

/* ---- by the batch's reader -------------------------------------------------------------------------------------------- */

/* "reader": a format of `soyang triage batch`. Its rows are read by the batch's own reader, so that a model learns from what it
 * will be given. */
struct batch_reading {
    struct dataset *dataset;
    int site, patient, period;
    double least_age;
};

static enum status format_find(enum triage_batch_format *out, struct text name, struct scope *scope) {
    for (int i = 0; i < TRIAGE_BATCH_FORMAT_COUNT; i++) {
        *out = (enum triage_batch_format)i;
        if (text_is(name, triage_batch_format_name(*out)))
            return STATUS_OK;
    }
    return fault(scope, STATUS_INVALID, "reader", "no such format: %.*s", (int)name.size, name.at);
}

/* Patterns of the plan as names of the file's columns; "NAME=VALUE" and "NAME~PROFILE" stay as they are. */
static void columns_name(struct visits *out, const yyjson_val *plan, struct arena *arena) {
    const yyjson_val *taken = json_get(plan, "columns"), *barred = json_get(plan, "never");
    out->columns = ARENA_ARRAY(arena, struct text, COLUMNS_MAX);
    for (size_t i = 0; i < out->table.column_count && out->column_count < COLUMNS_MAX; i++) {
        if (is_listed(out->table.names[i], taken) && !is_listed(out->table.names[i], barred))
            out->columns[out->column_count++] = out->table.names[i];
    }
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)taken, i, count, item) {
        struct text value = json_text(item), profile = text_cut(&value, '='), name = text_cut(&profile, '~');
        if ((value.at || profile.at) && !is_listed(name, barred) && out->column_count < COLUMNS_MAX)
            out->columns[out->column_count++] = text_copy(arena, json_text(item));
    }
}

static enum status batch_row(struct visits *out, const struct batch_reading *reading, size_t row,
    const struct text *cells, struct arena *arena, struct arena *scratch) {
    struct scope inner = {.arena = scratch};
    struct dataset_row read;
    enum status status = dataset_read(&read, reading->dataset, out->table.rows[row], &inner);
    if (status != STATUS_OK)
        return status;
    if (!(read.visit.fields[VISIT_AGE] >= reading->least_age)) {
        out->left_out++;
        return STATUS_OK;
    }
    struct visit visit = read.visit;
    visit.complaint = text_copy(arena, visit.complaint);
    double *columns = ARENA_ARRAY(arena, double, out->column_count + 1);
    memcpy(columns, read.visit.columns, out->column_count * sizeof *columns);
    visit.columns = columns;
    out->at[out->count] = visit;
    out->sites[out->count] = cell_or_none(cells, reading->site);
    out->patients[out->count] = cell_or_none(cells, reading->patient);
    out->periods[out->count] = cell_or_none(cells, reading->period);
    out->rows[out->count++] = row + 1;
    return STATUS_OK;
}

static enum status batch_rows(
    struct visits *out, struct batch_reading *reading, struct text header, struct arena *arena, struct scope *scope) {
    enum { SCRATCH_BYTES = 16 << 20 };
    enum triage_batch_format format = TRIAGE_BATCH_KTAS;
    enum status status = format_find(&format, json_get_text(out->plan, "reader"), scope);
    columns_name(out, out->plan, arena);
    if (status == STATUS_OK)
        status = dataset_open(&reading->dataset, format, header, out->columns, out->column_count, arena, scope);
    reading->site = table_column(&out->table, json_get_text(out->plan, "site"));
    reading->patient = table_column(&out->table, json_get_text(out->plan, "patient"));
    reading->period = table_column(&out->table, json_get_text(out->plan, "period"));
    struct arena *scratch = arena_open(SCRATCH_BYTES);
    struct text *cells = ARENA_ARRAY(arena, struct text, out->table.column_count);
    for (size_t row = 0; row < out->table.row_count && status == STATUS_OK && scratch; row++) {
        if (table_cells(cells, &out->table, out->table.rows[row]))
            status = batch_row(out, reading, row, cells, arena, scratch);
        arena_reset(scratch);
    }
    arena_close(scratch);
    return scratch ? status : STATUS_UNAVAILABLE;
}

static enum status plan_rows(struct visits *out, double least_age, struct arena *arena, struct scope *scope) {
    struct readings *readings = ARENA_NEW(arena, struct readings);
    enum status status = readings_open(readings, out, arena, scope);
    if (status != STATUS_OK)
        return status;
    struct text *cells = ARENA_ARRAY(arena, struct text, out->table.column_count);
    for (size_t row = 0; row < out->table.row_count; row++) {
        if (table_cells(cells, &out->table, out->table.rows[row]))
            visit_take(out, readings, cells, row, least_age, arena);
    }
    return STATUS_OK;
}

enum status visits_read(
    struct visits *out, const yyjson_val *plan, const char *folder, struct arena *arena, struct scope *scope) {
    struct text source, separator = json_get_text(plan, "separator");
    double least_age = 16;
    *out = (struct visits){.plan = plan};
    (void)json_get_double(&least_age, plan, "least_age");
    enum status status = source_read(&source, plan, folder, arena, scope);
    if (status == STATUS_OK)
        status = table_read(&out->table, source, separator.size ? separator.at[0] : ',', arena, scope);
    if (status != STATUS_OK)
        return status;
    size_t count = out->table.row_count + 1;
    out->at = ARENA_ARRAY(arena, struct visit, count);
    out->sites = ARENA_ARRAY(arena, struct text, count);
    out->patients = ARENA_ARRAY(arena, struct text, count);
    out->periods = ARENA_ARRAY(arena, struct text, count);
    out->rows = ARENA_ARRAY(arena, size_t, count);
    struct batch_reading reading = {.least_age = least_age};
    struct text rest = source;
    status = json_get(plan, "reader") ? batch_rows(out, &reading, line_next(&rest), arena, scope)
                                      : plan_rows(out, least_age, arena, scope);
    if (status == STATUS_OK && out->count == 0)
        return fault(scope, STATUS_INVALID, "sets", "no visit of an adult");
    return status;
}

/* ---- labels ----------------------------------------------------------------------------------------------------------- */

static enum status column_need(int *out, const struct visits *visits, struct text name, struct scope *scope) {
    *out = table_column(&visits->table, name);
    if (*out < 0)
        return fault(scope, STATUS_NOT_FOUND, "label", "the file has no column %.*s", (int)name.size, name.at);
    return STATUS_OK;
}

enum status visits_integers(int *out, const struct visits *visits, struct text column, struct scope *scope) {
    int at = -1;
    enum status status = column_need(&at, visits, column, scope);
    struct text *cells = ARENA_ARRAY(scope->arena, struct text, visits->table.column_count);
    for (size_t i = 0; i < visits->count && status == STATUS_OK; i++) {
        int64_t value = 0;
        if (!table_cells(cells, &visits->table, visits->table.rows[visits->rows[i] - 1]) ||
            !text_to_int64(&value, cells[at]) || value < 0 || value > INT32_MAX)
            value = 0;
        out[i] = (int)value;
    }
    return status;
}

static int8_t label_of(const yyjson_val *label, const struct text *cells, int column, int than) {
    int64_t value = 0, other = 0, most = 0;
    if (cells[column].size == 0)
        return -1;
    if (json_get(label, "values"))
        return is_listed(cells[column], json_get(label, "values"));
    if (!text_to_int64(&value, cells[column]))
        return -1;
    if (than >= 0)
        return text_to_int64(&other, cells[than]) ? (int8_t)(value < other) : (int8_t)-1;
    return json_get_int64(&most, label, "at_most") ? (int8_t)(value <= most) : (int8_t)-1;
}

enum status visits_label(int8_t *out, const struct visits *visits, const yyjson_val *label, struct scope *scope) {
    int column = -1, than = -1;
    enum status status = column_need(&column, visits, json_get_text(label, "column"), scope);
    if (status == STATUS_OK && json_get(label, "less_than"))
        status = column_need(&than, visits, json_get_text(label, "less_than"), scope);
    struct text *cells = ARENA_ARRAY(scope->arena, struct text, visits->table.column_count);
    for (size_t i = 0; i < visits->count && status == STATUS_OK; i++)
        out[i] = table_cells(cells, &visits->table, visits->table.rows[visits->rows[i] - 1])
                     ? label_of(label, cells, column, than)
                     : (int8_t)-1;
    return status;
}
