#include "inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRIFT_EDGES = 4 };

/* ---- names ------------------------------------------------------------------------------------------------------------ */

static enum status name_add(struct inputs *inputs, struct text name, struct scope *scope) {
    if (inputs->count == TRIAGE_MODEL_FEATURES_MAX)
        return fault(scope, STATUS_TOO_LARGE, "features", "more than %d features", TRIAGE_MODEL_FEATURES_MAX);
    inputs->names[inputs->count++] = name;
    return STATUS_OK;
}

static enum status grams_add(struct inputs *inputs, struct text pattern, struct arena *arena, struct scope *scope) {
    struct text head = {pattern.at, pattern.size - 1}, rest = pattern;
    int64_t buckets = 0;
    (void)text_cut(&rest, ':');
    if (!text_to_int64(&buckets, text_cut(&rest, ':')))
        return fault(scope, STATUS_INVALID, "features", "grams are gram:BUCKETS:*");
    enum status status = STATUS_OK;
    for (int i = 0; i < (int)buckets && status == STATUS_OK; i++)
        status = name_add(inputs, text_format(arena, "%.*s%d", (int)head.size, head.at, i), scope);
    return status;
}

/* Adds those of `names` that at least `least` visits' complaints hold. */
static enum status frequent_add(struct inputs *inputs, const struct text *names, size_t count, size_t least,
    const struct visits *visits, const struct triage_policy *policy, struct arena *arena, struct scope *scope) {
    enum { SCRATCH_BYTES = 16 << 20 };
    const struct feature_set *set = NULL;
    float *values = ARENA_ARRAY(arena, float, count + 1);
    size_t *with = ARENA_ARRAY(arena, size_t, count + 1);
    enum status status = features_open(&set, names, count, NULL, 0, policy, arena, scope);
    struct arena *scratch = arena_open(SCRATCH_BYTES);
    for (size_t i = 0; i < visits->count && status == STATUS_OK && scratch; i++) {
        features_fill(values, set, &visits->at[i], scratch);
        for (size_t k = 0; k < count; k++)
            with[k] += values[k] > 0;
        arena_reset(scratch);
    }
    arena_close(scratch);
    for (size_t k = 0; k < count && status == STATUS_OK; k++) {
        if (with[k] >= least)
            status = name_add(inputs, names[k], scope);
    }
    return scratch ? status : STATUS_UNAVAILABLE;
}

static enum status concepts_add(struct inputs *inputs, const yyjson_val *model, const struct visits *visits,
    const struct triage_policy *policy, const yyjson_val *document, struct arena *arena, struct scope *scope) {
    const yyjson_val *concepts = json_get(json_get(document, "lexicon"), "concepts");
    int64_t least = 1;
    size_t i, count, named = 0;
    yyjson_val *concept;
    (void)json_get_int64(&least, model, "least_concept");
    struct text *names = ARENA_ARRAY(arena, struct text, yyjson_arr_size((yyjson_val *)concepts) + 1);
    yyjson_arr_foreach((yyjson_val *)concepts, i, count, concept) {
        struct text code = json_get_text(concept, "code");
        names[named++] = text_format(arena, "concept:%.*s", (int)code.size, code.at);
    }
    return frequent_add(inputs, names, named, (size_t)least, visits, policy, arena, scope);
}

/* "column:PATTERN" and "mark:PATTERN": the set's columns whose name fits, each in at least `least_column` visits. */
static enum status columns_add(struct inputs *inputs, struct text pattern, const yyjson_val *model,
    const struct visits *visits, struct arena *arena, struct scope *scope) {
    struct text rest = pattern, head = text_cut(&rest, ':');
    int64_t least = 1;
    enum status status = STATUS_OK;
    (void)json_get_int64(&least, model, "least_column");
    for (size_t c = 0; c < visits->column_count && status == STATUS_OK; c++) {
        struct text name = visits->columns[c];
        size_t with = 0;
        if (name.size < rest.size - 1 || memcmp(name.at, rest.at, rest.size - 1) != 0)
            continue;
        for (size_t i = 0; i < visits->count; i++)
            with += visits->at[i].columns[c] > 0;
        if (with >= (size_t)least)
            status = name_add(
                inputs, text_format(arena, "%.*s:%.*s", (int)head.size, head.at, (int)name.size, name.at), scope);
    }
    return status;
}

static enum status names_add(struct inputs *inputs, const yyjson_val *model, const struct visits *visits,
    const struct triage_policy *policy, const yyjson_val *document, struct arena *arena, struct scope *scope) {
    size_t i, count;
    yyjson_val *item;
    enum status status = STATUS_OK;
    yyjson_arr_foreach(json_get(model, "features"), i, count, item) {
        struct text name = json_text(item);
        if (text_is(name, "concept:*"))
            status = concepts_add(inputs, model, visits, policy, document, arena, scope);
        else if (text_starts(name, "gram:") && text_ends(name, ":*"))
            status = grams_add(inputs, name, arena, scope);
        else if (text_ends(name, "*"))
            status = columns_add(inputs, name, model, visits, arena, scope);
        else
            status = name_add(inputs, name, scope);
        if (status != STATUS_OK)
            return status;
    }
    return inputs->count ? STATUS_OK : fault(scope, STATUS_INVALID, "features", "a model needs features");
}

/* The words of 100,000 visits would fill the arena: what scanning takes is given back visit by visit. */
static enum status matrix_fill(struct inputs *inputs, const struct visits *visits, struct arena *arena) {
    enum { SCRATCH_BYTES = 16 << 20 };
    struct arena *scratch = arena_open(SCRATCH_BYTES);
    float *at = ARENA_ARRAY(arena, float, visits->count * inputs->count);
    if (!scratch)
        return STATUS_UNAVAILABLE;
    for (size_t i = 0; i < visits->count; i++) {
        features_fill(at + i * inputs->count, inputs->set, &visits->at[i], scratch);
        arena_reset(scratch);
    }
    arena_close(scratch);
    bool *grams = ARENA_ARRAY(arena, bool, inputs->count);
    for (size_t i = 0; i < inputs->count; i++)
        grams[i] = text_starts(inputs->names[i], "gram:");
    inputs->matrix = (struct matrix){.at = at, .rows = visits->count, .columns = inputs->count, .grams = grams};
    return STATUS_OK;
}

/* The plan's "masked". */
static enum status masked_open(
    struct inputs *inputs, const yyjson_val *model, struct arena *arena, struct scope *scope) {
    const yyjson_val *list = json_get(model, "masked");
    size_t *masked = ARENA_ARRAY(arena, size_t, yyjson_arr_size((yyjson_val *)list) + 1), found = 0, i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        for (size_t k = 0; k < inputs->count; k++) {
            if (text_equal(inputs->names[k], json_text(item)))
                masked[found++] = k;
        }
        if (found != i + 1)
            return fault(scope, STATUS_INVALID, "masked", "names an input that the model does not have");
    }
    inputs->matrix.masked = masked;
    inputs->matrix.masked_count = found;
    return STATUS_OK;
}

enum status inputs_open(struct inputs *out, const yyjson_val *model, const struct visits *visits,
    const struct triage_policy *policy, const yyjson_val *policy_document, struct arena *arena, struct scope *scope) {
    *out = (struct inputs){.names = ARENA_ARRAY(arena, struct text, TRIAGE_MODEL_FEATURES_MAX)};
    enum status status = names_add(out, model, visits, policy, policy_document, arena, scope);
    if (status == STATUS_OK)
        status = features_open(
            &out->set, out->names, out->count, visits->columns, visits->column_count, policy, arena, scope);
    if (status == STATUS_OK)
        status = matrix_fill(out, visits, arena);
    return status == STATUS_OK ? masked_open(out, model, arena, scope) : status;
}

enum status inputs_monotone(
    const char **out, const struct inputs *inputs, const yyjson_val *plan, struct arena *arena, struct scope *scope) {
    struct buffer list = buffer_open(arena, 1 << 16);
    size_t named = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        int64_t sign = 0;
        named += json_get_int64(&sign, plan, text_string(arena, inputs->names[i]));
        buffer_put_format(&list, "%s%d", i ? "," : "(", sign > 0 ? 1 : sign < 0 ? -1 : 0);
    }
    buffer_put_char(&list, ')');
    if (named != yyjson_obj_size((yyjson_val *)plan))
        return fault(scope, STATUS_INVALID, "monotone", "names an input that the model does not have");
    *out = named ? text_string(arena, buffer_text(&list)) : NULL;
    return STATUS_OK;
}

static bool name_fits(struct text name, struct text pattern) {
    if (!text_ends(pattern, "*"))
        return text_equal(name, pattern);
    return name.size >= pattern.size - 1 && memcmp(name.at, pattern.at, pattern.size - 1) == 0;
}

struct matrix inputs_without(const struct inputs *inputs, const yyjson_val *patterns, struct arena *arena) {
    struct matrix all = inputs->matrix;
    if (!patterns)
        return all;
    float *at = ARENA_ARRAY(arena, float, all.rows *all.columns);
    memcpy(at, all.at, all.rows * all.columns * sizeof *at);
    for (size_t c = 0; c < all.columns; c++) {
        size_t i, count;
        yyjson_val *pattern;
        bool left_out = false;
        yyjson_arr_foreach((yyjson_val *)patterns, i, count, pattern) left_out =
            left_out || name_fits(inputs->names[c], json_text(pattern));
        for (size_t row = 0; left_out && row < all.rows; row++)
            at[row * all.columns + c] = NAN;
    }
    all.at = at;
    return all;
}

/* ---- as the file holds them ------------------------------------------------------------------------------------------- */

static int float_compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Edges at quintiles of the known values; equal ones count once. */
static void drift_set(struct triage_model_feature *feature, const float *sorted, size_t count, struct arena *arena) {
    float *edges = ARENA_ARRAY(arena, float, DRIFT_EDGES), *shares = ARENA_ARRAY(arena, float, DRIFT_EDGES);
    size_t kept = 0, from = 0;
    for (size_t i = 1; i <= DRIFT_EDGES && count; i++) {
        float edge = sorted[i * count / (DRIFT_EDGES + 1)];
        if (!(edge > sorted[0]) || (kept && !(edge > edges[kept - 1])))
            continue;
        size_t to = from;
        while (to < count && sorted[to] < edge)
            to++;
        edges[kept] = edge;
        shares[kept++] = (float)((double)(to - from) / (double)count);
        from = to;
    }
    feature->edges = edges;
    feature->shares = shares;
    feature->edge_count = kept;
}

static bool is_listed(const yyjson_val *list, struct text name) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        if (text_equal(json_text(item), name))
            return true;
    }
    return false;
}

static void feature_describe(struct triage_model_feature *out, const struct inputs *inputs, size_t index,
    const yyjson_val *model, float *column, struct arena *arena) {
    struct feature_label label = features_label(inputs->set, index);
    size_t known = 0;
    bool yes_no = true;
    for (size_t row = 0; row < inputs->matrix.rows; row++) {
        float value = inputs->matrix.at[row * inputs->count + index];
        if (!isnan(value))
            column[known++] = value;
        yes_no = yes_no && (isnan(value) || value == 0 || value == 1);
    }
    qsort(column, known, sizeof *column, float_compare);
    *out = (struct triage_model_feature){.name = text_string(arena, label.name),
        .unit = label.unit,
        .label_ko = label.ko,
        .label_en = label.en,
        .group = label.is_word ? "words" : "",
        .low = known ? column[0] : 0,
        .high = known ? column[known - 1] : 0,
        .usual = known ? column[known / 2] : 0,
        .missing_share = (float)(1 - (double)known / (double)inputs->matrix.rows)};
    out->flags = (label.is_word ? TRIAGE_FEATURE_WORDS : 0U) | (yes_no ? TRIAGE_FEATURE_YES_NO : 0U) |
                 (is_listed(json_get(model, "required"), label.name) ? TRIAGE_FEATURE_REQUIRED : 0U) |
                 (is_listed(json_get(model, "ranged"), label.name) ? TRIAGE_FEATURE_RANGED : 0U) |
                 (is_listed(json_get(model, "measured"), label.name) ? TRIAGE_FEATURE_MEASURED : 0U);
    if (out->flags & TRIAGE_FEATURE_RANGED) {
        double share = 0.25;
        (void)json_get_double(&share, model, "range_beyond");
        float beyond = (out->high - out->low) * (float)share;
        out->low -= beyond;
        out->high += beyond;
    }
    if (!label.is_word)
        drift_set(out, column, known, arena);
}

struct triage_model_feature *inputs_features(
    const struct inputs *inputs, const yyjson_val *model, struct arena *arena) {
    struct triage_model_feature *features = ARENA_ARRAY(arena, struct triage_model_feature, inputs->count);
    float *column = ARENA_ARRAY(arena, float, inputs->matrix.rows + 1);
    for (size_t i = 0; i < inputs->count; i++)
        feature_describe(&features[i], inputs, i, model, column, arena);
    return features;
}
