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

/* yyjson reads a constant value as well as another, but does not say so. */
static size_t list_size(const yyjson_val *array) {
    return yyjson_arr_size((yyjson_val *)(uintptr_t)array);
}

static const yyjson_val *list_at(const yyjson_val *array, size_t index) {
    return yyjson_arr_get((yyjson_val *)(uintptr_t)array, index);
}

static double *number_of(struct planning_parameters *p, size_t row) {
    return (double *)(void *)((char *)p + rows[row].offset);
}

static enum status read_numbers(struct planning_parameters *p, const yyjson_val *object, struct scope *scope) {
    p->list = ARENA_ARRAY(scope->arena, struct planning_assumption, ROWS);
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

/* Exactly `count` numbers, none negative, not all zero. */
static enum status read_list(
    double *out, size_t count, const yyjson_val *array, const char *path, struct scope *scope) {
    double sum = 0;
    if (!yyjson_is_arr((yyjson_val *)(uintptr_t)array) || list_size(array) != count) {
        return fault(scope, STATUS_INVALID, path, "a list of %zu numbers is due", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!text_to_double(&out[i], json_number_text(list_at(array, i))) || out[i] < 0) {
            return fault(scope, STATUS_INVALID, path, "a number from 0 is due");
        }
        sum += out[i];
    }
    return sum > 0 ? STATUS_OK : fault(scope, STATUS_UNPROCESSABLE, path, "all are zero");
}

static int condition_find(const struct planning_parameters *p, struct text need) {
    for (int i = 0; i < p->condition_count; i++) {
        if (text_is(need, p->conditions[i].need)) {
            return i;
        }
    }
    return -1;
}

static enum status read_condition(
    struct condition *out, const yyjson_val *entry, const char *path, struct scope *scope) {
    struct text need = json_get_text(entry, "need"), stay = json_get_text(entry, "stay");
    int64_t window = 0;
    if (need.size == 0 || json_get_text(entry, "source").size == 0 || !json_get_bool(&out->team, entry, "team") ||
        !json_get_int64(&window, entry, "window_min") || !json_get_double(&out->share, entry, "share_percent") ||
        out->share < 0) {
        return fault(scope, STATUS_INVALID, path, "needs need, share_percent (from 0), team, window_min and source");
    }
    out->need = text_string(scope->arena, need);
    out->window_min = (int)window;
    out->stay = text_is(stay, "icu") ? STAY_ICU : text_is(stay, "ward") ? STAY_WARD : STAY_HOME;
    const yyjson_val *beds = json_get(entry, "beds");
    for (size_t i = 0; i < list_size(beds) && i < CONDITION_BEDS_MAX; i++) {
        out->beds[out->bed_count++] = text_string(scope->arena, json_text(list_at(beds, i)));
    }
    enum status status = read_list(out->levels, LEVELS, json_get(entry, "levels"), path, scope);
    return status == STATUS_OK ? read_list(out->ages, AGE_BANDS, json_get(entry, "ages"), path, scope) : status;
}

static enum status read_seen(struct planning_parameters *p, int index, const yyjson_val *entry, struct scope *scope) {
    struct condition *condition = &p->conditions[index];
    const yyjson_val *seen = json_get(entry, "seen");
    double sum = 0;
    for (size_t i = 0; i < list_size(seen) && i < SEEN_MAX; i++) {
        const yyjson_val *one = list_at(seen, i);
        int as = condition_find(p, json_get_text(one, "as"));
        double chance = -1;
        if (as < 0 || !json_get_double(&chance, one, "chance") || chance < 0) {
            return fault(scope, STATUS_INVALID, "conditions.seen", "needs a condition of this file and its chance");
        }
        condition->seen_as[condition->seen_count] = as;
        condition->seen_chance[condition->seen_count++] = chance;
        sum += chance;
    }
    return sum <= 1 ? STATUS_OK : fault(scope, STATUS_UNPROCESSABLE, "conditions.seen", "chances over 1");
}

static enum status read_conditions(struct planning_parameters *p, const yyjson_val *array, struct scope *scope) {
    size_t count = list_size(array);
    if (count == 0 || count > CONDITIONS_MAX) {
        return fault(scope, STATUS_INVALID, "conditions", "from 1 to %d are due", CONDITIONS_MAX);
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct text path = text_format(scope->arena, "conditions[%zu]", i);
        status = read_condition(&p->conditions[i], list_at(array, i), path.at, scope);
        p->condition_count++;
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = read_seen(p, (int)i, list_at(array, i), scope);
    }
    return status;
}

static enum status read_figures(struct planning_parameters *p, const yyjson_val *array, struct scope *scope) {
    for (size_t i = 0; i < list_size(array) && i < FIGURES_MAX; i++) {
        const yyjson_val *entry = list_at(array, i);
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
    const yyjson_val *levels = json_get(root, "levels");
    double ages[AGE_BANDS];
    if (!json_get_double(&p->level_exact, levels, "exact") || !json_get_double(&p->level_over, levels, "over_one") ||
        !json_get_double(&p->level_under, levels, "under_one") || p->level_exact + p->level_over + p->level_under > 1) {
        return fault(scope, STATUS_INVALID, "levels", "needs exact, over_one and under_one, together at most 1");
    }
    enum status status =
        read_list(p->hours, HOURS, json_get(json_get(root, "hours"), "percent"), "hours.percent", scope);
    if (status == STATUS_OK) {
        status = read_list(ages, AGE_BANDS, json_get(json_get(root, "ages"), "bands"), "ages.bands", scope);
    }
    for (int i = 0; i < AGE_BANDS && status == STATUS_OK; i++) {
        p->age_from[i] = (int)ages[i];
    }
    const yyjson_val *towns = json_get(json_get(root, "helicopter"), "not_reached");
    for (size_t i = 0; i < list_size(towns) && i < NO_FLIGHT_MAX; i++) {
        p->no_flight[p->no_flight_count++] = text_string(scope->arena, json_text(list_at(towns, i)));
    }
    return status;
}

double condition_seen_as(const struct condition *condition, int i, double scale) {
    double sum = 0;
    for (int k = 0; k < condition->seen_count; k++) {
        sum += scale * condition->seen_chance[k];
    }
    return scale * condition->seen_chance[i] / fmax(1, sum);
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
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            struct planning_parameters *copy = ARENA_NEW(scope->arena, struct planning_parameters);
            *copy = *base;
            copy->list = ARENA_ARRAY(scope->arena, struct planning_assumption, ROWS);
            memcpy(copy->list, base->list, ROWS * sizeof *copy->list);
            *number_of(copy, i) = value;
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
