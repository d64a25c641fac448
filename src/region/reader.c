/* The second reader at the scene: what is due on a patient, and how likely what it says is under each condition. Pure. */
#include "region/reader.h"

#include <math.h>

enum { MONTHS = 12 };

/* ---- reading the file ------------------------------------------------------------------------------------------------ */

static bool share_of(double *out, const yyjson_val *entry, const char *name) {
    return json_get_double(out, entry, name) && *out >= 0 && *out <= 1;
}

static enum status read_set(uint32_t *out, const struct region_readings *readings, const yyjson_val *entry,
    const char *name, const char *path, struct scope *scope) {
    const yyjson_val *list = json_get(entry, name);
    *out = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        int c = region_readings_find(readings, json_text(json_at(list, i)));
        if (c < 0) {
            return fault(scope, STATUS_INVALID, path, "%s names no condition of this file", name);
        }
        *out |= UINT32_C(1) << c;
    }
    return STATUS_OK;
}

static enum status read_test(
    struct region_test *out, const struct region_readings *readings, const yyjson_val *entry, struct scope *scope) {
    static const char path[] = "reader.tests";
    struct text id = json_get_text(entry, "id");
    const yyjson_val *positive = json_get(entry, "positive");
    double otherwise = 0;
    int64_t age = 0;
    if (id.size == 0 || json_get_text(entry, "source").size == 0 || !share_of(&out->done, entry, "done") ||
        !share_of(&otherwise, entry, "otherwise") || !json_get_int64(&age, entry, "age_from") || age < 0 || age > 120) {
        return fault(
            scope, STATUS_INVALID, path, "needs id, of, age_from, done, positive, otherwise (0 to 1) and source");
    }
    out->id = text_string(scope->arena, id);
    out->from_months = (int)age * MONTHS;
    for (int c = 0; c < REGION_CONDITIONS_MAX; c++) {
        out->positive[c] = otherwise;
    }
    for (size_t i = 0; i < json_count(positive); i++) {
        const yyjson_val *one = json_at(positive, i);
        int c = region_readings_find(readings, json_get_text(one, "need"));
        if (c < 0 || !share_of(&out->positive[c], one, "chance")) {
            return fault(scope, STATUS_INVALID, path, "positive needs a condition of this file and its chance");
        }
    }
    return read_set(&out->of, readings, entry, "of", path, scope);
}

static enum status read_consult(
    struct region_consult *out, const struct region_readings *readings, const yyjson_val *entry, struct scope *scope) {
    int64_t level = 0;
    if (entry == NULL) {
        return STATUS_OK;
    }
    if (!json_get_int64(&level, entry, "level") || level < 1 || level > REGION_LEVELS ||
        json_get_text(entry, "source").size == 0 || !share_of(&out->answered, entry, "answered") ||
        !share_of(&out->kept, entry, "kept") || !share_of(&out->found, entry, "found") ||
        !json_get_double(&out->minutes, entry, "minutes") || !(out->minutes >= 0 && out->minutes <= 60)) {
        return fault(scope, STATUS_INVALID, "reader.consult",
            "needs level (1 to 5), answered, kept and found (0 to 1), minutes (0 to 60) and source");
    }
    out->level = (int)level;
    return read_set(&out->not_of, readings, entry, "not_of", "reader.consult", scope);
}

enum status reader_read(struct region_readings *out, const yyjson_val *root, struct scope *scope) {
    const yyjson_val *reader = json_get(root, "reader"), *tests = json_get(reader, "tests");
    enum status status = read_consult(&out->consult, out, json_get(reader, "consult"), scope);
    if (json_count(tests) > REGION_TESTS_MAX) {
        return fault(scope, STATUS_UNPROCESSABLE, "reader.tests", "at most %d", REGION_TESTS_MAX);
    }
    for (size_t i = 0; i < json_count(tests) && status == STATUS_OK; i++) {
        status = read_test(&out->tests[out->test_count++], out, json_at(tests, i), scope);
    }
    return status;
}

/* ---- what is due ------------------------------------------------------------------------------------------------------- */

unsigned region_tests_due(const struct region_readings *readings, const struct region_seen *seen) {
    unsigned due = 0;
    for (int t = 0; t < readings->test_count; t++) {
        const struct region_test *test = &readings->tests[t];
        bool old_enough = seen->age_months < 0 ? test->from_months == 0 : seen->age_months >= test->from_months;
        due |= (unsigned)(old_enough && (test->of >> seen->condition & 1) != 0) << t;
    }
    return due;
}

bool region_consult_due(const struct region_readings *readings, const struct region_seen *seen) {
    return seen->level <= readings->consult.level && (readings->consult.not_of >> seen->condition & 1) == 0;
}

/* ---- how likely it says what it says ----------------------------------------------------------------------------------- */

void region_hidden(double out[REGION_CONDITIONS_MAX], const struct region_readings *readings, int read) {
    double sum = 0;
    for (int c = 0; c < REGION_CONDITIONS_MAX; c++) {
        const struct region_condition *condition = &readings->conditions[c];
        out[c] = 0;
        for (int i = 0; c < readings->condition_count && c != read && i < condition->seen_count; i++) {
            bool so = condition->seen_as[i] == read;
            out[c] += so ? condition->share * region_condition_seen_as(condition, i, readings->scale) : 0;
        }
        sum += out[c];
    }
    for (int c = 0; c < REGION_CONDITIONS_MAX && sum > 0; c++) {
        out[c] /= sum;
    }
}

/* The specialist's reading under condition c. Where nothing can hide behind the crew's reading, it is the crew's. */
static double consult_chance(
    const struct region_consult *consult, const struct region_seen *seen, const double *hidden, int c) {
    int said = seen->consult - 1;
    double others = 0;
    for (int i = 0; i < REGION_CONDITIONS_MAX; i++) {
        others += hidden[i];
    }
    if (c == seen->condition) {
        double kept = others > 0 ? consult->kept : 1;
        return said == c ? kept : (1 - kept) * hidden[said];
    }
    return said == c ? consult->found : said == seen->condition ? 1 - consult->found : 0;
}

void reader_likelihood(
    double out[REGION_CONDITIONS_MAX], const struct region_readings *readings, const struct region_seen *seen) {
    double hidden[REGION_CONDITIONS_MAX] = {0};
    bool asked = seen->consult > 0 && seen->consult <= readings->condition_count;
    if (asked) {
        region_hidden(hidden, readings, seen->condition);
    }
    for (int c = 0; c < readings->condition_count; c++) {
        out[c] = asked ? consult_chance(&readings->consult, seen, hidden, c) : 1;
        for (int t = 0; t < readings->test_count; t++) {
            double positive = readings->tests[t].positive[c];
            bool was = (seen->positive >> t & 1) != 0;
            out[c] *= (seen->done >> t & 1) == 0 ? 1 : was ? positive : 1 - positive;
        }
    }
}
