#include <math.h>
#include <stddef.h>
#include <string.h>

#include "planning/parameters.h"

static const struct {
    const char *name;
    size_t offset;
} rows[] = {
#define X(name) {#name, offsetof(struct planning_parameters, name)},
    PARAMETER_ROWS(X)
#undef X
};
enum { ROWS = sizeof rows / sizeof rows[0], LAST_FITTED_YEAR = 2023 };

static double *number_of(struct planning_parameters *p, size_t row) {
    return (double *)(void *)((char *)p + rows[row].offset);
}

static enum status read_numbers(struct planning_parameters *p, const yyjson_val *object, struct scope *scope) {
    p->list = ARENA_ARRAY(scope->arena, struct planning_assumption, ROWS + READER_NUMBERS_MAX);
    p->list_count = ROWS;
    for (size_t i = 0; i < ROWS; i++) {
        const yyjson_val *entry = json_get(object, rows[i].name);
        double value = 0, low = 0, high = 0;
        struct text source = json_get_text(entry, "source");
        struct text path = text_format(scope->arena, "parameters.%s", rows[i].name);
        if (!json_get_double(&value, entry, "value") || !json_get_double(&low, entry, "low") ||
            !json_get_double(&high, entry, "high") || source.size == 0) {
            return fault(scope, STATUS_INVALID, path.at, "needs value, low, high and source");
        }
        if (value < low || value > high) {
            return fault(scope, STATUS_UNPROCESSABLE, path.at, "%g is outside %g to %g", value, low, high);
        }
        *number_of(p, i) = value;
        p->list[i] = (struct planning_assumption){.name = rows[i].name,
            .source = text_string(scope->arena, source),
            .value = value,
            .low = low,
            .high = high,
            .assumed = strstr(text_string(scope->arena, source), "assumption") != NULL};
    }
    return STATUS_OK;
}

/* ---- the second reader's numbers --------------------------------------------------------------------------------------- */

static double *reader_value(struct region_readings *readings, const struct reader_number *number, int condition) {
    struct region_test *test = &readings->tests[number->test];
    switch (number->kind) {
    case READER_ANSWERED:
        return &readings->consult.answered;
    case READER_MINUTES:
        return &readings->consult.minutes;
    case READER_KEPT:
        return &readings->consult.kept;
    case READER_FOUND:
        return &readings->consult.found;
    case READER_DONE:
        return &test->done;
    case READER_POSITIVE:
    case READER_OTHERWISE:
        break;
    }
    bool stated = (number->stated >> condition & 1) != 0;
    return stated == (number->kind == READER_POSITIVE) ? &test->positive[condition] : NULL;
}

static void set_reader_number(struct planning_parameters *p, const struct reader_number *number, double value) {
    for (int c = 0; c < p->readings.condition_count; c++) {
        double *at = reader_value(&p->readings, number, c);
        if (at != NULL) {
            *at = value;
        }
    }
}

static void add_reader_number(struct planning_parameters *p, const struct reader_number *number, const char *name,
    struct text source, struct scope *scope) {
    enum { MINUTES_MOST = 60 };
    double value = NAN;
    for (int c = 0; c < p->readings.condition_count; c++) {
        const double *at = reader_value(&p->readings, number, c);
        value = at != NULL && !isfinite(value) ? *at : value;
    }
    if (!isfinite(value)) {
        return;
    }
    p->reader_numbers[p->list_count - ROWS] = *number;
    p->list[p->list_count++] = (struct planning_assumption){.name = name,
        .source = text_string(scope->arena, source),
        .value = value,
        .low = 0,
        .high = number->kind == READER_MINUTES ? MINUTES_MOST : 1,
        .assumed = strstr(text_string(scope->arena, source), "assumption") != NULL};
}

/* After the readings: `reader` of the file was checked there. A test that names several conditions has one chance for all of them here. */
static void list_reader(struct planning_parameters *p, const yyjson_val *reader, struct scope *scope) {
    static const char *const consult[] = {"reader.answered", "reader.minutes", "reader.kept", "reader.found"};
    static const char *const of_test[] = {"done", "positive", "otherwise"};
    const yyjson_val *tests = json_get(reader, "tests"), *asked = json_get(reader, "consult");
    for (int k = READER_ANSWERED; k <= READER_FOUND && p->readings.consult.level > 0; k++) {
        struct reader_number number = {.kind = (enum reader_kind)k};
        add_reader_number(p, &number, consult[k], json_get_text(asked, "source"), scope);
    }
    for (int t = 0; t < p->readings.test_count; t++) {
        const yyjson_val *test = json_at(tests, (size_t)t), *positive = json_get(test, "positive");
        struct reader_number number = {.test = t};
        for (size_t i = 0; i < json_count(positive); i++) {
            int c = region_readings_find(&p->readings, json_get_text(json_at(positive, i), "need"));
            number.stated |= c >= 0 ? UINT32_C(1) << c : 0;
        }
        for (int k = READER_DONE; k <= READER_OTHERWISE; k++) {
            number.kind = (enum reader_kind)k;
            struct text name =
                text_format(scope->arena, "reader.%s.%s", p->readings.tests[t].id, of_test[k - READER_DONE]);
            add_reader_number(p, &number, name.at, json_get_text(test, "source"), scope);
        }
    }
}

static enum status read_condition(
    struct condition *out, const yyjson_val *entry, const char *path, struct scope *scope) {
    struct text stay = json_get_text(entry, "stay");
    int64_t window = 0;
    if (!json_get_bool(&out->team, entry, "team") || !json_get_int64(&window, entry, "window_min")) {
        return fault(scope, STATUS_INVALID, path, "needs team and window_min");
    }
    out->window_min = (int)window;
    out->stay = text_is(stay, "icu") ? STAY_ICU : text_is(stay, "ward") ? STAY_WARD : STAY_HOME;
    const yyjson_val *beds = json_get(entry, "beds");
    for (size_t i = 0; i < json_count(beds) && i < CONDITION_BEDS_MAX; i++) {
        out->beds[out->bed_count++] = text_string(scope->arena, json_text(json_at(beds, i)));
    }
    return STATUS_OK;
}

/* The conditions that `readings` has, in its order. */
static enum status read_conditions(struct planning_parameters *p, const yyjson_val *array, struct scope *scope) {
    enum status status = STATUS_OK;
    p->condition_count = p->readings.condition_count;
    for (int i = 0; i < p->condition_count && status == STATUS_OK; i++) {
        struct text path = text_format(scope->arena, "conditions[%d]", i);
        p->conditions[i].need = p->readings.conditions[i].need;
        status = read_condition(&p->conditions[i], json_at(array, (size_t)i), path.at, scope);
    }
    return status;
}

static enum status read_figures(struct planning_parameters *p, const yyjson_val *array, struct scope *scope) {
    for (size_t i = 0; i < json_count(array) && i < FIGURES_MAX; i++) {
        const yyjson_val *entry = json_at(array, i);
        struct figure_row *row = &p->figures[p->figure_count++];
        int64_t year = 0;
        row->id = text_string(scope->arena, json_get_text(entry, "id"));
        row->figure = text_string(scope->arena, json_get_text(entry, "figure"));
        row->source = text_string(scope->arena, json_get_text(entry, "source"));
        row->measure = text_string(scope->arena, json_get_text(entry, "measure"));
        row->judged = true;
        (void)json_get_bool(&row->judged, entry, "judged");
        (void)json_get_bool(&row->fitted, entry, "fitted");
        bool published = json_get_double(&row->published, entry, "published");
        row->published = published ? row->published : NAN;
        if (!json_get_int64(&year, entry, "year") || (!published && row->judged) ||
            !json_get_double(&row->tolerance, entry, "tolerance") || row->tolerance <= 0 ||
            !json_get_bool(&row->held_out, entry, "held_out") || row->source[0] == '\0' || row->measure[0] == '\0') {
            return fault(scope, STATUS_INVALID, "validation",
                "figure %zu needs measure, source, year, published where it is judged, tolerance over 0 and held_out",
                i);
        }
        if (row->fitted && (row->held_out || !row->judged || year > LAST_FITTED_YEAR)) {
            return fault(scope, STATUS_UNPROCESSABLE, "validation",
                "figure %zu is fitted: then it is judged, not held out, and not later than %d", i, LAST_FITTED_YEAR);
        }
        row->year = (int)year;
    }
    return p->figure_count > 0 ? STATUS_OK : fault(scope, STATUS_INVALID, "validation", "at least one figure is due");
}

static enum status read_rest(struct planning_parameters *p, const yyjson_val *root, struct scope *scope) {
    enum status status =
        json_shares(p->hours, HOURS, json_get(json_get(root, "hours"), "percent"), "hours.percent", scope);
    const yyjson_val *towns = json_get(json_get(root, "helicopter"), "not_reached");
    for (size_t i = 0; i < json_count(towns) && i < NO_FLIGHT_MAX; i++) {
        p->no_flight[p->no_flight_count++] = text_string(scope->arena, json_text(json_at(towns, i)));
    }
    return status;
}

enum status planning_parameters_read(const struct planning_parameters **out, struct text json, struct scope *scope) {
    yyjson_doc *document;
    uint8_t digest[DIGEST_SIZE];
    enum status status = json_read(&document, json, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(document);
    if (!text_is(json_get_text(root, "format"), "soyang-simulation/1")) {
        return fault(scope, STATUS_INVALID, "format", "soyang-simulation/1 is due");
    }
    struct planning_parameters *p = ARENA_NEW(scope->arena, struct planning_parameters);
    digest_sha256(digest, json);
    digest_text(p->hash, digest);
    status = read_numbers(p, json_get(root, "parameters"), scope);
    if (status == STATUS_OK) {
        status = read_rest(p, root, scope);
    }
    if (status == STATUS_OK) {
        status = region_readings_read(&p->readings, root, scope);
        p->believed = p->readings;
    }
    if (status == STATUS_OK) {
        list_reader(p, json_get(root, "reader"), scope);
    }
    if (status == STATUS_OK) {
        status = read_conditions(p, json_get(root, "conditions"), scope);
    }
    if (status == STATUS_OK) {
        status = read_figures(p, json_get(root, "validation"), scope);
    }
    *out = p;
    return status;
}

enum status planning_parameters_with(const struct planning_parameters **out, const struct planning_parameters *base,
    const char *name, double value, struct scope *scope) {
    for (size_t i = 0; i < base->list_count; i++) {
        if (strcmp(base->list[i].name, name) == 0) {
            struct planning_parameters *copy = ARENA_NEW(scope->arena, struct planning_parameters);
            *copy = *base;
            copy->list = ARENA_ARRAY(scope->arena, struct planning_assumption, base->list_count);
            memcpy(copy->list, base->list, base->list_count * sizeof *copy->list);
            if (i < ROWS) {
                *number_of(copy, i) = value;
            } else {
                set_reader_number(copy, &copy->reader_numbers[i - ROWS], value);
            }
            copy->list[i].value = value;
            copy->list[i].changed = true;
            *out = copy;
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_NOT_FOUND, name, "there is no such parameter");
}

const char *planning_parameters_hash(const struct planning_parameters *parameters) {
    return parameters->hash;
}

const struct planning_assumption *planning_parameters_list(
    size_t *count_out, const struct planning_parameters *parameters) {
    *count_out = parameters->list_count;
    return parameters->list;
}
