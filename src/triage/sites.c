/* The sites document: which sites are calibrated, for which model and output, and which are silent. */
#include <math.h>
#include <string.h>

#include "triage/readers.h"

#define SITES_FORMAT "soyang-triage-sites/1"
enum { SITES_BYTES_MAX = 8 << 20 };

static enum status wrong(struct scope *scope, size_t site, const char *what) {
    return fault(scope, STATUS_INVALID, text_format(scope->arena, "sites[%zu]", site).at, "%s", what);
}

static enum status calibration_read(struct site_calibration *out, const yyjson_val *json, struct arena *arena) {
    double slope = NAN, intercept = NAN;
    int64_t visits = 0;
    out->model = text_string(arena, json_get_text(json, "model"));
    out->output = text_string(arena, json_get_text(json, "output"));
    bool read = json_get_double(&slope, json, "slope") && json_get_double(&intercept, json, "intercept") &&
                json_get_int64(&visits, json, "visits") && json_get_double(&out->observed, json, "observed") &&
                json_get_double(&out->expected, json, "expected");
    bool holds = read && (float)slope > 0 && isfinite((float)slope) && isfinite((float)intercept) && visits > 0 &&
                 visits < INT32_MAX && out->observed >= 0 && out->expected >= 0;
    out->calibration = (struct triage_model_calibration){.kind = TRIAGE_CALIBRATION_PLATT,
        .visits = (unsigned)visits,
        .slope = (float)slope,
        .intercept = (float)intercept};
    return holds && out->model[0] && out->output[0] ? STATUS_OK : STATUS_INVALID;
}

static enum status site_read(
    struct site *out, const yyjson_val *json, size_t index, struct arena *arena, struct scope *scope) {
    struct text mode = json_get_text(json, "mode");
    yyjson_val *list = (yyjson_val *)json_get(json, "calibrations"), *item;
    size_t i, count = yyjson_arr_size(list);
    if (!json_get_text(json, "site").at) /* "" speaks for all that are not listed: never by an omission */
        return wrong(scope, index, "'site' is a text");
    if (list && !yyjson_is_arr(list))
        return wrong(scope, index, "'calibrations' is a list");
    out->id = text_string(arena, json_get_text(json, "site"));
    out->silent = text_is(mode, "silent");
    if (mode.size && !out->silent && !text_is(mode, "shown"))
        return wrong(scope, index, "the mode is neither 'shown' nor 'silent'");
    if (count > SITE_CALIBRATIONS_MAX)
        return wrong(scope, index, "too many calibrations");
    struct site_calibration *calibrations = ARENA_ARRAY(arena, struct site_calibration, count + 1);
    yyjson_arr_foreach(list, i, count, item) {
        if (calibration_read(&calibrations[i], item, arena) != STATUS_OK)
            return wrong(
                scope, index, "a calibration lacks model, output, slope, intercept, visits, observed or expected");
    }
    out->calibrations = calibrations;
    out->calibration_count = count;
    return STATUS_OK;
}

enum status sites_read(struct sites *out, struct text document, struct arena *arena, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, document, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *list = (yyjson_val *)json_get(root, "sites"), *item;
    size_t i, count = yyjson_arr_size(list);
    if (!text_is(json_get_text(root, "format"), SITES_FORMAT) || !yyjson_is_arr(list) || count > SITES_MAX)
        return fault(scope, STATUS_INVALID, "", "no sites document: its format is '" SITES_FORMAT "'");
    *out = (struct sites){ARENA_ARRAY(arena, struct site, count + 2), count}; /* room for one more */
    yyjson_arr_foreach(list, i, count, item) {
        status = site_read(&out->at[i], item, i, arena, scope);
        if (status != STATUS_OK)
            return status;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(out->at[k].id, out->at[i].id) == 0)
                return wrong(scope, i, "the site stands there twice");
        }
    }
    return STATUS_OK;
}

enum status sites_write(struct text *out, const struct sites *sites, struct scope *scope) {
    struct json_writer writer = json_writer_open(scope->arena, SITES_BYTES_MAX), *w = &writer;
    json_object_open(w);
    json_member_string(w, "format", SITES_FORMAT);
    json_name(w, "sites");
    json_array_open(w);
    for (size_t i = 0; i < sites->count; i++) {
        const struct site *site = &sites->at[i];
        json_object_open(w);
        json_member_string(w, "site", site->id);
        json_member_string(w, "mode", site->silent ? "silent" : "shown");
        json_name(w, "calibrations");
        json_array_open(w);
        for (size_t k = 0; k < site->calibration_count; k++) {
            const struct site_calibration *c = &site->calibrations[k];
            json_object_open(w);
            json_member_string(w, "model", c->model);
            json_member_string(w, "output", c->output);
            json_member_decimal(w, "slope", (double)c->calibration.slope, 6);
            json_member_decimal(w, "intercept", (double)c->calibration.intercept, 6);
            json_member_int(w, "visits", c->calibration.visits);
            json_member_decimal(w, "observed", c->observed, 0);
            json_member_decimal(w, "expected", c->expected, 3);
            json_object_close(w);
        }
        json_array_close(w);
        json_object_close(w);
    }
    json_array_close(w);
    json_object_close(w);
    return json_finish(out, w, scope);
}

const struct site *site_find(const struct sites *sites, struct text id) {
    const struct site *other = NULL;
    for (size_t i = 0; i < sites->count; i++) {
        if (id.size && text_is(id, sites->at[i].id))
            return &sites->at[i];
        if (sites->at[i].id[0] == '\0')
            other = &sites->at[i];
    }
    return other;
}
