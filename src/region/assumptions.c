#include "region/assumptions.h"

#include <string.h>

enum { HOURS = 24, WEEKDAY = 1, WEEKEND = 2 };

/* ---- hours ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *text;
    int days;
} day_sets[] = {{"mon-fri", WEEKDAY}, {"sat-sun", WEEKEND}, {"every", WEEKDAY | WEEKEND}};

/* "18:00", on the hour; 24:00 is an end. */
static bool parse_hour(int *out, struct text text) {
    int64_t hour = 0;
    if (text.size != 5 || !text_ends(text, ":00") || !text_to_int64(&hour, (struct text){text.at, 2})) {
        return false;
    }
    *out = (int)hour;
    return hour >= 0 && hour <= HOURS;
}

struct hour_band {
    struct text id;
    int days, from, to;
};

static bool parse_band(struct hour_band *out, const yyjson_val *band) {
    struct text days = json_get_text(band, "days");
    *out = (struct hour_band){.id = json_get_text(band, "id")};
    for (size_t i = 0; i < sizeof day_sets / sizeof *day_sets; i++) {
        out->days = text_is(days, day_sets[i].text) ? day_sets[i].days : out->days;
    }
    return out->id.size > 0 && out->days != 0 && parse_hour(&out->from, json_get_text(band, "from")) &&
           parse_hour(&out->to, json_get_text(band, "to")) && out->from != out->to && out->from < HOURS;
}

static bool band_holds(const struct hour_band *band, int hour) {
    return band->from < band->to ? hour >= band->from && hour < band->to : hour >= band->from || hour < band->to;
}

static void fill_hours(struct on_call_pattern *pattern, const struct hour_band *band, uint8_t percent) {
    for (int hour = 0; hour < HOURS; hour++) {
        if (!band_holds(band, hour)) {
            continue;
        }
        if ((band->days & WEEKDAY) != 0) {
            pattern->weekday[hour] = percent;
        }
        if ((band->days & WEEKEND) != 0) {
            pattern->weekend[hour] = percent;
        }
    }
}

static enum status read_cover(struct on_call_pattern *pattern, const struct document *doc, const yyjson_val *cover,
    const char *path, const struct hour_band *band, struct scope *scope) {
    double chance = 0;
    const char *where = text_format(scope->arena, "%s.cover", path).at;
    enum status status = document_number(&chance, doc, cover, where, text_string(scope->arena, band->id), scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (chance < 0 || chance > 1) {
        return document_fault(scope, doc, where, "a chance lies between 0 and 1");
    }
    fill_hours(pattern, band, (uint8_t)(chance * 100 + 0.5));
    return STATUS_OK;
}

enum { NOT_SAID = 255 };

static enum status read_pattern(struct on_call_pattern *out, const struct document *doc, const yyjson_val *pattern,
    const char *path, struct scope *scope) {
    const yyjson_val *bands = json_get(doc->root, "hour_bands");
    memset(out->weekday, NOT_SAID, sizeof out->weekday);
    memset(out->weekend, NOT_SAID, sizeof out->weekend);
    int64_t minutes = 0;
    enum status status = document_text(&out->id, doc, pattern, path, "id", scope);
    if (status == STATUS_OK) {
        status = document_count(&minutes, doc, pattern, path, "call_in_minutes", 0, scope);
    }
    out->call_in_minutes = (uint8_t)(minutes > 255 ? 255 : minutes);
    size_t index, max;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)bands, index, max, item) {
        struct hour_band band;
        if (status == STATUS_OK && !parse_band(&band, item)) {
            status = document_fault(
                scope, doc, "hour_bands", "band %zu: id, days, from and to (on the hour) are needed", index);
        }
        if (status == STATUS_OK) {
            status = read_cover(out, doc, json_get(pattern, "cover"), path, &band, scope);
        }
    }
    for (int hour = 0; hour < HOURS && status == STATUS_OK; hour++) {
        if (out->weekday[hour] == NOT_SAID || out->weekend[hour] == NOT_SAID) {
            status = document_fault(scope, doc, "hour_bands", "no band holds hour %d of every day", hour);
        }
    }
    return status;
}

enum status on_call_read(struct on_call *out, const struct document *assumptions, struct scope *scope) {
    *out = (struct on_call){0};
    size_t index, max;
    yyjson_val *pattern;
    yyjson_arr_foreach(json_get(assumptions->root, "on_call"), index, max, pattern) {
        const char *path = text_format(scope->arena, "on_call[%zu]", index).at;
        if (out->count == ON_CALL_PATTERNS_MAX) {
            return document_fault(scope, assumptions, path, "more than %d patterns", ON_CALL_PATTERNS_MAX);
        }
        enum status status = read_pattern(&out->at[out->count++], assumptions, pattern, path, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

const struct on_call_pattern *on_call_find(const struct on_call *patterns, struct text id) {
    for (size_t i = 0; i < patterns->count; i++) {
        if (text_equal(patterns->at[i].id, id)) {
            return &patterns->at[i];
        }
    }
    return NULL;
}

/* ---- checks ----------------------------------------------------------------------------------------------------- */

struct checking {
    const struct document *doc;
    const struct table_context *context;
    struct on_call patterns;
    struct scope *scope;
    enum status status;
};

static void refuse(struct checking *c, const char *path, const char *why) {
    c->status = document_fault(c->scope, c->doc, path, "%s", why);
}

static const char *item_path(const struct checking *c, const char *path, const char *list, size_t index) {
    return text_format(c->scope->arena, "%s%s%s[%zu]", path, path[0] == '\0' ? "" : ".", list, index).at;
}

static const char *member_path(const struct checking *c, const char *path, const char *name) {
    return text_format(c->scope->arena, "%s.%s", path, name).at;
}

static bool has_row(const struct checking *c, enum table table, const char *column, struct text value) {
    const struct csv *csv = &c->context->tables[table];
    return csv->file != NULL && csv_find(csv, column, value) != NULL;
}

static bool is_need(const struct checking *c, struct text code) {
    return has_row(c, TABLE_CONDITIONS, "code", code) || has_row(c, TABLE_NEEDS_OWN, "code", code);
}

static bool is_rule(const struct checking *c, struct text id) {
    size_t index, max;
    yyjson_val *rule;
    yyjson_arr_foreach(json_get(c->doc->root, "rules"), index, max, rule) {
        if (text_equal(json_get_text(rule, "id"), id)) {
            return true;
        }
    }
    return false;
}

static void check_rule(struct checking *c, const yyjson_val *entry, const char *path) {
    if (!is_rule(c, json_get_text(entry, "rule"))) {
        refuse(c, member_path(c, path, "rule"),
            "names no rule of this file: every assumption says by which rule it was made");
    }
}

static void check_age(struct checking *c, const yyjson_val *entry, const char *path, const char *name) {
    int64_t years = 0;
    if (json_get(entry, name) != NULL && document_count(&years, c->doc, entry, path, name, 0, c->scope) != STATUS_OK) {
        c->status = STATUS_INVALID;
    }
}

static bool is_repeated(const yyjson_val *list, const yyjson_val *entry, const char *name) {
    struct text value = json_get_text(entry, name);
    size_t index, max;
    yyjson_val *other;
    yyjson_arr_foreach((yyjson_val *)list, index, max, other) {
        if (other == entry) {
            return false;
        }
        if (text_equal(json_get_text(other, name), value)) {
            return true;
        }
    }
    return false;
}

static void check_treats(struct checking *c, const yyjson_val *place, const char *place_path) {
    const yyjson_val *treats = json_get(place, "treats");
    size_t index, max;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)treats, index, max, entry) {
        const char *path = item_path(c, place_path, "treats", index);
        if (!is_need(c, json_get_text(entry, "need"))) {
            refuse(c, member_path(c, path, "need"), "is no known need");
        } else if (is_repeated(treats, entry, "need")) {
            refuse(c, member_path(c, path, "need"), "is listed twice");
        }
        if (on_call_find(&c->patterns, json_get_text(entry, "on_call")) == NULL) {
            refuse(c, member_path(c, path, "on_call"), "is no known on-call pattern");
        }
        check_age(c, entry, path, "age_from_y");
        check_age(c, entry, path, "age_below_y");
        check_rule(c, entry, path);
    }
}

static void check_beds(struct checking *c, const yyjson_val *place, const char *place_path) {
    const yyjson_val *beds = json_get(place, "beds");
    size_t index, max;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)beds, index, max, entry) {
        const char *path = item_path(c, place_path, "beds", index);
        int64_t total = 0, free = 0;
        if (!has_row(c, TABLE_BEDS, "total", json_get_text(entry, "code"))) {
            refuse(c, member_path(c, path, "code"), "is no known bed kind");
        } else if (is_repeated(beds, entry, "code")) {
            refuse(c, member_path(c, path, "code"), "is listed twice");
        }
        if (document_count(&total, c->doc, entry, path, "total", 0, c->scope) != STATUS_OK ||
            document_count(&free, c->doc, entry, path, "free", 0, c->scope) != STATUS_OK) {
            c->status = STATUS_INVALID;
        } else if (free > total) {
            refuse(c, member_path(c, path, "free"), "is more than the total");
        }
        check_rule(c, entry, path);
    }
}

static void check_equipment(struct checking *c, const yyjson_val *place, const char *place_path) {
    size_t index, max;
    yyjson_val *entry;
    yyjson_arr_foreach(json_get(place, "equipment"), index, max, entry) {
        const char *path = item_path(c, place_path, "equipment", index);
        if (!has_row(c, TABLE_EQUIPMENT, "code", json_get_text(entry, "code"))) {
            refuse(c, member_path(c, path, "code"), "is no known equipment");
        }
        check_rule(c, entry, path);
    }
}

static void check_response(struct checking *c, const yyjson_val *place, const char *place_path) {
    const yyjson_val *response = json_get(place, "response");
    if (response == NULL) {
        return;
    }
    const char *path = member_path(c, place_path, "response");
    double minutes = 0, factor = 0;
    if (document_number(&minutes, c->doc, response, path, "minutes", c->scope) != STATUS_OK ||
        document_number(&factor, c->doc, response, path, "night_factor", c->scope) != STATUS_OK) {
        c->status = STATUS_INVALID;
    } else if (minutes < 0 || factor <= 0) {
        refuse(c, path, "minutes and factor must be above zero");
    }
    check_rule(c, response, path);
}

static void check_places(struct checking *c) {
    const yyjson_val *places = json_get(c->doc->root, "places");
    size_t index, max;
    yyjson_val *place;
    yyjson_arr_foreach((yyjson_val *)places, index, max, place) {
        const char *path = item_path(c, "", "places", index);
        struct text id = json_get_text(place, "place");
        if (!has_row(c, TABLE_PLACES, "id", id) && !has_row(c, TABLE_NEIGHBOURS, "id", id)) {
            refuse(c, member_path(c, path, "place"), "is no place of this region or its neighbours");
        } else if (is_repeated(places, place, "place")) {
            refuse(c, member_path(c, path, "place"), "is listed twice");
        }
        check_treats(c, place, path);
        check_beds(c, place, path);
        check_equipment(c, place, path);
        check_response(c, place, path);
    }
}

static void check_posts(struct checking *c) {
    size_t index, max, n, count;
    yyjson_val *entry, *need;
    yyjson_arr_foreach(json_get(c->doc->root, "posts_by_kind"), index, max, entry) {
        const char *path = item_path(c, "", "posts_by_kind", index);
        if (!has_row(c, TABLE_KINDS, "code", json_get_text(entry, "kind"))) {
            refuse(c, member_path(c, path, "kind"), "is no known kind");
        }
        yyjson_arr_foreach(json_get(entry, "treats"), n, count, need) {
            if (!is_need(c, json_text(need))) {
                refuse(c, member_path(c, path, "treats"), "holds what is no known need");
            }
        }
        if (on_call_find(&c->patterns, json_get_text(entry, "on_call")) == NULL) {
            refuse(c, member_path(c, path, "on_call"), "is no known on-call pattern");
        }
        check_rule(c, entry, path);
    }
}

enum status assumptions_check(const struct document *assumptions, const struct table_context *context,
    struct text region_id, struct scope *scope) {
    struct checking c = {.doc = assumptions, .context = context, .scope = scope};
    bool sourced = true;
    if (!text_equal(json_get_text(assumptions->root, "region"), region_id)) {
        refuse(&c, "region", "is another region's");
    }
    if (!json_get_bool(&sourced, assumptions->root, "sourced") || sourced) {
        refuse(&c, "sourced", "must be false: what has a source belongs into the region's tables");
    }
    enum status status = on_call_read(&c.patterns, assumptions, scope);
    if (status != STATUS_OK) {
        return status;
    }
    check_places(&c);
    check_posts(&c);
    return c.status;
}
