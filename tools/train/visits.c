#include "visits.h"

#include <math.h>
#include <string.h>

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

enum status visits_read(
    struct visits *out, const yyjson_val *plan, const char *folder, struct arena *arena, struct scope *scope) {
    struct text file = json_get_text(plan, "file"), source, separator = json_get_text(plan, "separator");
    const char *path = text_format(arena, "%s/%.*s", folder, (int)file.size, file.at).at;
    double least_age = 16;
    *out = (struct visits){.plan = plan};
    (void)json_get_double(&least_age, plan, "least_age");
    enum status status = file_read(&source, path, FILE_BYTES_MAX, scope);
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
    struct readings *readings = ARENA_NEW(arena, struct readings);
    status = readings_open(readings, out, arena, scope);
    if (status != STATUS_OK)
        return status;
    struct text *cells = ARENA_ARRAY(arena, struct text, out->table.column_count);
    for (size_t row = 0; row < out->table.row_count; row++) {
        if (table_cells(cells, &out->table, out->table.rows[row]))
            visit_take(out, readings, cells, row, least_age, arena);
    }
    if (out->count == 0)
        return fault(scope, STATUS_INVALID, path, "no visit of an adult");
    return STATUS_OK;
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
