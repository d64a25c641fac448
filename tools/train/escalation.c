#include "escalation.h"

#include "triage/model.h"

#include <string.h>

static enum status rule_open(struct escalation_rule *out, const yyjson_val *plan, const char *const *names,
    size_t name_count, struct scope *scope) {
    int64_t human = 0, level = 0;
    struct text output = json_get_text(plan, "output");
    bool known = false;
    *out = (struct escalation_rule){.human = 0};
    for (size_t i = 0; i < name_count && !known; i++) {
        known = text_is(output, names[i]);
        out->output = (unsigned)i;
    }
    (void)json_get_int64(&human, plan, "human");
    bool whole = json_get_int64(&level, plan, "level") && json_get_double(&out->gain, plan, "gain") &&
                 json_get_double(&out->harm, plan, "harm");
    if (!known || !whole || human < 0 || human > 5 || level < 1 || level > 5 || (human && level >= human) ||
        out->gain <= 0 || out->harm <= 0)
        return fault(
            scope, STATUS_INVALID, "escalation", "a rule needs human, a more urgent level, output, gain and harm");
    out->human = (unsigned)human;
    out->level = (unsigned)level;
    out->probability = out->harm / (out->harm + out->gain);
    return STATUS_OK;
}

enum status escalation_open(
    struct escalation *out, const yyjson_val *rules, const char *const *names, size_t name_count, struct scope *scope) {
    size_t i, count;
    yyjson_val *rule;
    enum status status = STATUS_OK;
    *out = (struct escalation){.count = 0};
    yyjson_arr_foreach((yyjson_val *)rules, i, count, rule) {
        if (out->count == ESCALATION_RULES_MAX)
            return fault(scope, STATUS_TOO_LARGE, "escalation", "more than %d rules", ESCALATION_RULES_MAX);
        if (status == STATUS_OK)
            status = rule_open(&out->rules[out->count++], rule, names, name_count, scope);
    }
    return status == STATUS_OK && out->count == 0 ? fault(scope, STATUS_INVALID, "escalation", "needs rules") : status;
}

int escalation_level(const struct escalation *escalation, int human, int floor, const double *probabilities) {
    int level = floor && (!human || floor < human) ? floor : human;
    for (size_t i = 0; i < escalation->count; i++) {
        const struct escalation_rule *rule = &escalation->rules[i];
        bool meant = rule->human == TRIAGE_MODEL_ANY_LEVEL || (int)rule->human == human;
        bool raises = !level || (int)rule->level < level;
        if (meant && raises && probabilities[rule->output] >= rule->probability)
            level = (int)rule->level;
    }
    return level;
}

void escalation_unseen(int *final, const struct escalation *escalation, const struct study *study,
    const struct unseen *unseen, size_t output_count, const struct levels *levels) {
    double probabilities[TRIAGE_MODEL_OUTPUTS_MAX];
    for (size_t i = 0; i < (size_t)study->repeats * study->count; i++) {
        size_t row = study->rows[i % study->count];
        for (size_t o = 0; o < output_count; o++)
            probabilities[o] = unseen[o].probabilities[i];
        static const struct escalation none = {.count = 0};
        final[i] = escalation_level(
            levels->silent[row] ? &none : escalation, levels->human[row], levels->floor[row], probabilities);
    }
}

static bool rules_raise(const struct levels *levels, size_t row) {
    return levels->floor[row] && levels->floor[row] < levels->human[row];
}

double escalation_rules_right(const struct study *study, const struct levels *levels, const int *fold, int besides) {
    double raised = 0, right = 0;
    for (size_t i = 0; i < study->count; i++) {
        size_t row = study->rows[i];
        if ((fold && fold[i] == besides) || !rules_raise(levels, row))
            continue;
        raised++;
        right += levels->expert[row] < levels->human[row];
    }
    return (right + 1) / (raised + 2);
}

void escalation_review(
    double *out, const struct study *study, const struct unseen *unseen, const struct levels *levels) {
    for (int repeat = 0; repeat < study->repeats; repeat++) {
        size_t first = (size_t)repeat * study->count;
        const int *fold = unseen->fold + first;
        for (int k = 0; k < study->folds; k++) {
            double right = escalation_rules_right(study, levels, fold, k);
            for (size_t i = 0; i < study->count; i++) {
                double p = unseen->probabilities[first + i];
                if (fold[i] == k)
                    out[first + i] = rules_raise(levels, study->rows[i]) ? 1 - (1 - p) * (1 - right) : p;
            }
        }
    }
}
