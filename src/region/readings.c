/* Readings: the confusion of what is read with what is, as a region's file states it, and what a wrong place costs. */
#include "region/reader.h"

#include <math.h>
#include <stdlib.h>

enum {
    MONTHS = 12,
    SEVERE_LEVELS = 2,
    CHILD_BELOW_MONTHS = 15 * MONTHS,
    CHILD_MONTHS = 5 * MONTHS,
    ADULT_MONTHS = 40 * MONTHS
};
#define NO_ANSWER_GAP_MIN 60. /* assumption: when all have refused, the nearest takes the patient so much later */

/* ---- reading the file ------------------------------------------------------------------------------------------------ */

int region_readings_find(const struct region_readings *readings, struct text need) {
    for (int i = 0; i < readings->condition_count; i++) {
        if (text_is(need, readings->conditions[i].need)) {
            return i;
        }
    }
    return -1;
}

static enum status read_condition(
    struct region_condition *out, const yyjson_val *entry, const char *path, struct scope *scope) {
    struct text need = json_get_text(entry, "need");
    if (need.size == 0 || json_get_text(entry, "source").size == 0 || !json_get_bool(&out->team, entry, "team") ||
        !json_get_double(&out->share, entry, "share_percent") || out->share < 0) {
        return fault(scope, STATUS_INVALID, path, "needs need, share_percent (from 0), team and source");
    }
    out->need = text_string(scope->arena, need);
    enum status status = json_shares(out->levels, REGION_LEVELS, json_get(entry, "levels"), path, scope);
    return status == STATUS_OK ? json_shares(out->ages, REGION_AGE_BANDS, json_get(entry, "ages"), path, scope)
                               : status;
}

static enum status read_seen(struct region_readings *out, int index, const yyjson_val *entry, struct scope *scope) {
    struct region_condition *condition = &out->conditions[index];
    const yyjson_val *seen = json_get(entry, "seen");
    double sum = 0;
    for (size_t i = 0; i < json_count(seen) && i < REGION_SEEN_MAX; i++) {
        const yyjson_val *one = json_at(seen, i);
        int as = region_readings_find(out, json_get_text(one, "as"));
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

static enum status read_conditions(struct region_readings *out, const yyjson_val *array, struct scope *scope) {
    size_t count = json_count(array);
    if (count == 0 || count > REGION_CONDITIONS_MAX) {
        return fault(scope, STATUS_INVALID, "conditions", "from 1 to %d are due", REGION_CONDITIONS_MAX);
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct text path = text_format(scope->arena, "conditions[%zu]", i);
        status = read_condition(&out->conditions[i], json_at(array, i), path.at, scope);
        out->condition_count++;
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = read_seen(out, (int)i, json_at(array, i), scope);
    }
    return status;
}

static enum status read_numbers(struct region_readings *out, const yyjson_val *parameters, struct scope *scope) {
    double confusion = 1, believed = 1;
    const struct {
        const char *name, *path;
        double *value;
    } rows[] = {
        {"confusion", "parameters.confusion", &confusion},
        {"engine_confusion", "parameters.engine_confusion", &believed},
        {"stabilise_min", "parameters.stabilise_min", &out->stabilise_min},
        {"transfer_prepare_min", "parameters.transfer_prepare_min", &out->prepare_min},
        {"transfer_refuse", "parameters.transfer_refuse", &out->refuse},
        {"penalty_min", "parameters.penalty_min", &out->unplaced_min},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const yyjson_val *entry = json_get(parameters, rows[i].name);
        if (!json_get_double(rows[i].value, entry, "value") || json_get_text(entry, "source").size == 0 ||
            *rows[i].value < 0) {
            return fault(scope, STATUS_INVALID, rows[i].path, "needs value (from 0) and source");
        }
    }
    out->scale = confusion * believed;
    return out->refuse < 1 ? STATUS_OK : fault(scope, STATUS_UNPROCESSABLE, "parameters.transfer_refuse", "is below 1");
}

enum status region_readings_read(struct region_readings *out, const yyjson_val *root, struct scope *scope) {
    const yyjson_val *levels = json_get(root, "levels");
    double ages[REGION_AGE_BANDS];
    *out = (struct region_readings){0};
    if (!json_get_double(&out->level_exact, levels, "exact") ||
        !json_get_double(&out->level_over, levels, "over_one") ||
        !json_get_double(&out->level_under, levels, "under_one") ||
        out->level_exact + out->level_over + out->level_under > 1) {
        return fault(scope, STATUS_INVALID, "levels", "needs exact, over_one and under_one, together at most 1");
    }
    enum status status =
        json_shares(ages, REGION_AGE_BANDS, json_get(json_get(root, "ages"), "bands"), "ages.bands", scope);
    for (int i = 0; i < REGION_AGE_BANDS && status == STATUS_OK; i++) {
        out->age_from[i] = (int)ages[i];
    }
    if (status == STATUS_OK) {
        status = read_conditions(out, json_get(root, "conditions"), scope);
    }
    if (status == STATUS_OK) {
        status = reader_read(out, root, scope);
    }
    return status == STATUS_OK ? read_numbers(out, json_get(root, "parameters"), scope) : status;
}

/* ---- the posterior ----------------------------------------------------------------------------------------------------- */

double region_condition_seen_as(const struct region_condition *condition, int i, double scale) {
    double sum = 0;
    for (int k = 0; k < condition->seen_count; k++) {
        sum += scale * condition->seen_chance[k];
    }
    return scale * condition->seen_chance[i] / fmax(1, sum);
}

static double level_seen_chance(const struct region_readings *r, int level, int seen) {
    double far = (1 - r->level_exact - r->level_over - r->level_under) / 2, sum = 0;
    const double chance[] = {far, r->level_over, r->level_exact, r->level_under, far};
    for (int by = -2; by <= 2; by++) {
        int as = level + by < 1 ? 1 : level + by > REGION_LEVELS ? REGION_LEVELS : level + by;
        sum += as == seen ? chance[by + 2] : 0;
    }
    return sum;
}

static double seen_as_chance(const struct region_condition *condition, bool same, int seen, double scale) {
    double sum = 0, others = 0;
    for (int i = 0; i < condition->seen_count; i++) {
        double chance = region_condition_seen_as(condition, i, scale);
        others += chance;
        sum += condition->seen_as[i] == seen ? chance : 0;
    }
    return same ? 1 - others : sum;
}

static double age_factor(const struct region_readings *r, const struct region_condition *condition, int age_months) {
    int band = 0;
    double people = 0;
    while (band + 1 < REGION_AGE_BANDS && age_months >= MONTHS * r->age_from[band + 1]) {
        band++;
    }
    for (int i = 0; i < REGION_AGE_BANDS; i++) {
        people += r->people[i] * condition->ages[i];
    }
    return people <= 0 ? 0 : age_months < 0 ? 1 : condition->ages[band] / people;
}

double region_readings_weigh(
    double out[REGION_CONDITIONS_MAX], const struct region_readings *r, const struct region_seen *seen) {
    double all = 0, weighed = 0, reader[REGION_CONDITIONS_MAX];
    reader_likelihood(reader, r, seen);
    for (int c = 0; c < r->condition_count; c++) {
        const struct region_condition *condition = &r->conditions[c];
        double level = 0, levels = 0, severe = 0;
        for (int i = 0; i < REGION_LEVELS; i++) {
            double both = condition->levels[i] * level_seen_chance(r, i + 1, seen->level);
            level += both;
            severe += i < SEVERE_LEVELS ? both : 0;
            levels += condition->levels[i];
        }
        double age = age_factor(r, condition, seen->age_months);
        double as = seen_as_chance(condition, c == seen->condition, seen->condition, r->scale);
        out[c] = levels > 0 ? condition->share * age * level / levels * as * reader[c] : 0;
        all += out[c];
        out[c] = level > 0 ? out[c] * severe / level : 0;
        weighed += out[c];
    }
    for (int c = 0; c < r->condition_count && weighed > 0; c++) {
        out[c] /= weighed;
    }
    return all > 0 ? weighed / all : 1;
}

/* ---- what a wrong place costs ----------------------------------------------------------------------------------------------- */

struct next_place {
    int place;
    double minutes;
};

static int by_minutes(const void *left, const void *right) {
    const struct next_place *a = left, *b = right;
    return a->minutes != b->minutes ? (a->minutes < b->minutes ? -1 : 1) : a->place - b->place;
}

bool region_serves(const struct region_place *place, int need, int age_months) {
    if (place->closed || (place->needs >> need & 1) == 0) {
        return false;
    }
    return age_months < 0 || (age_months >= place->age_min_months[need] && age_months <= place->age_max_months[need]);
}

/* One hospital after the other is asked, nearest first, each says no with the stated share. */
static double onward_of(const struct region_readings *r, const struct region_snapshot *snapshot,
    const struct next_place *order, size_t count, int need, int age_months) {
    double left = 1, minutes = 0, last = r->unplaced_min;
    for (size_t i = 0; i < count; i++) {
        if (region_serves(&snapshot->places[order[i].place], need, age_months)) {
            minutes += left * (1 - r->refuse) * order[i].minutes;
            last = left >= 1 ? order[i].minutes + NO_ANSWER_GAP_MIN : last;
            left *= r->refuse;
        }
    }
    return fmax(r->stabilise_min, r->prepare_min) + minutes + left * last;
}

static bool may_receive(const struct region_snapshot *snapshot, size_t place) {
    return !snapshot->places[place].post && !snapshot->places[place].control_room;
}

static float *onward_cell(const struct region_readings *r, size_t place_count, int child, size_t place, int condition) {
    size_t row = (size_t)child * place_count + place;
    return (float *)(uintptr_t)&r->onward[row * REGION_CONDITIONS_MAX + (size_t)condition];
}

void region_readings_settle(struct region_readings *r, const struct region_snapshot *snapshot, struct arena *arena) {
    size_t places = snapshot->place_count;
    struct next_place *order = ARENA_ARRAY(arena, struct next_place, places + 1);
    r->onward = ARENA_ARRAY(arena, float, 2 * (places + 1) * REGION_CONDITIONS_MAX);
    for (int c = 0; c < r->condition_count; c++) {
        r->needs[c] = region_need_find(snapshot, text_from(r->conditions[c].need));
    }
    for (size_t place = 0; place < places; place++) {
        size_t count = 0;
        for (size_t to = 0; to < places && may_receive(snapshot, place); to++) {
            if (to != place && may_receive(snapshot, to)) {
                struct region_travel travel;
                region_travel_between(&travel, snapshot, (int)place, (int)to);
                order[count++] = (struct next_place){(int)to, travel.minutes};
            }
        }
        qsort(order, count, sizeof *order, by_minutes);
        for (int c = 0; c < r->condition_count && count > 0; c++) {
            if (r->needs[c] >= 0) {
                *onward_cell(r, places, 0, place, c) =
                    (float)onward_of(r, snapshot, order, count, r->needs[c], ADULT_MONTHS);
                *onward_cell(r, places, 1, place, c) =
                    (float)onward_of(r, snapshot, order, count, r->needs[c], CHILD_MONTHS);
            }
        }
    }
}

double region_readings_onward_min(const struct region_snapshot *snapshot, int place, int condition, int age_months) {
    int child = age_months >= 0 && age_months < CHILD_BELOW_MONTHS ? 1 : 0;
    return (double)*onward_cell(snapshot->readings, snapshot->place_count, child, (size_t)place, condition);
}
