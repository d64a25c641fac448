/* soyang_train: makes the second reader's models and their cards from the plan.
 *
 *   soyang_train --plan FILE --data FOLDER --policy FILE --models FOLDER --cards FOLDER --predictions FOLDER [--inside FOLD] [MODEL...]
 *
 * Writes for each model MODELS/NAME.model, CARDS/NAME.json and .md, PREDICTIONS/NAME.csv (one line for each unseen prediction; it
 * holds outcomes of the data, so it stays outside the repository). Same plan and data, same bytes.
 *
 * --inside FOLD writes nothing: it runs each study, choice and calibration included, inside the training rows of that outer fold
 * (from 1) of the first repeat and prints what came of it. So two plans are compared before the fold's own visits are looked at. */
#include "card.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS_MAX = 16, JSON_BYTES_MAX = 8 << 20 };
#define ARENA_BYTES ((size_t)24 << 30)

struct options {
    const char *plan, *data, *policy, *models, *cards, *predictions;
    int inside; /* 0: no */
    char **only;
    int only_count;
};
struct training {
    const struct options *options;
    const yyjson_val *plan, *model, *policy_document;
    const struct triage_policy *policy;
    struct visits sets[SETS_MAX];
    struct text set_names[SETS_MAX];
    int set_count;
};
/* One model in the making. */
struct making {
    const struct visits *visits;
    struct inputs inputs;
    struct study studies[TRIAGE_MODEL_OUTPUTS_MAX];
    struct unseen unseen[TRIAGE_MODEL_OUTPUTS_MAX];
    struct chosen chosen[TRIAGE_MODEL_OUTPUTS_MAX];
    struct triage_model_outputs outputs;
    struct card_kept kept[TRIAGE_MODEL_OUTPUTS_MAX];
    size_t count;
    struct levels levels;
    struct escalation escalation;
    int *final;
    double *reviewed; /* the order of review */
    bool escalates;
};

static void say(const char *what, struct text name) {
    fprintf(stderr, "%s %.*s\n", what, (int)name.size, name.at);
}

static enum status file_write(
    const char *folder, struct text name, const char *ending, struct text bytes, struct scope *scope) {
    const char *path = text_format(scope->arena, "%s/%.*s%s", folder, (int)name.size, name.at, ending).at;
    FILE *file = fopen(path, "wb");
    bool whole = file && fwrite(bytes.at, 1, bytes.size, file) == bytes.size;
    whole = file && fclose(file) == 0 && whole;
    return whole ? STATUS_OK : fault(scope, STATUS_FAILED, path, "cannot be written: %s", strerror(errno));
}

/* ---- data ------------------------------------------------------------------------------------------------------------- */

static enum status set_find(
    const struct visits **out, struct training *training, struct text name, struct arena *arena, struct scope *scope) {
    size_t i, count;
    yyjson_val *plan;
    for (int k = 0; k < training->set_count; k++) {
        if (text_equal(training->set_names[k], name)) {
            *out = &training->sets[k];
            return STATUS_OK;
        }
    }
    yyjson_arr_foreach(json_get(training->plan, "sets"), i, count, plan) {
        if (!text_equal(json_get_text(plan, "name"), name) || training->set_count == SETS_MAX)
            continue;
        struct visits *set = &training->sets[training->set_count];
        training->set_names[training->set_count++] = name;
        say("reading", name);
        *out = set;
        return visits_read(set, plan, training->options->data, arena, scope);
    }
    return fault(scope, STATUS_INVALID, "set", "the plan has no set %.*s", (int)name.size, name.at);
}

/* What the rules' floor says of each visit. */
static enum status floors_read(
    int *out, const struct training *training, const struct visits *visits, struct scope *scope) {
    enum { SCRATCH_BYTES = 64 << 20 };
    static const enum triage_measure measures[VISIT_FIELD_COUNT] = {[VISIT_PAIN_SCORE] = TRIAGE_PAIN,
        [VISIT_SYSTOLIC] = TRIAGE_SYSTOLIC,
        [VISIT_DIASTOLIC] = TRIAGE_DIASTOLIC,
        [VISIT_PULSE] = TRIAGE_PULSE,
        [VISIT_RESPIRATION] = TRIAGE_RESPIRATION,
        [VISIT_TEMPERATURE] = TRIAGE_TEMPERATURE,
        [VISIT_SPO2] = TRIAGE_SPO2};
    struct arena *scratch = arena_open(SCRATCH_BYTES);
    for (size_t i = 0; i < visits->count && scratch; i++) {
        const struct visit *visit = &visits->at[i];
        struct scope inner = {.arena = scratch};
        struct triage_facts *facts = triage_facts_new(scratch);
        struct triage_reading reading;
        facts->age_months = (int)(visit->fields[VISIT_AGE] * 12);
        facts->sex = visit->fields[VISIT_MALE] > 0 ? TRIAGE_MALE : TRIAGE_FEMALE;
        facts->injury = visit->fields[VISIT_INJURY] > 0 ? TRIAGE_YES : TRIAGE_NO;
        if (!isnan(visit->fields[VISIT_MIND]))
            facts->mind = (enum triage_mind)(TRIAGE_ALERT + (int)visit->fields[VISIT_MIND]);
        for (int f = VISIT_PAIN_SCORE; f <= VISIT_SPO2; f++) {
            struct scope refused = {.arena = scratch}; /* a visit keeps what of it is possible */
            if (!isnan(visit->fields[f]))
                (void)!triage_facts_put(facts, measures[f], visit->fields[f], (struct text){0},
                    text_from(triage_measure_code(measures[f])), 0, &refused);
        }
        struct triage_text complaint = {.text = visit->complaint, .path = TEXT("complaint")};
        if (text_is_utf8(visit->complaint) && visit->complaint.size)
            (void)!triage_facts_put_text(facts, complaint, &inner);
        out[i] = triage_read(&reading, training->policy, facts, NULL, 0, &inner) == STATUS_OK ? reading.floor_level : 0;
        arena_reset(scratch);
    }
    arena_close(scratch);
    return scratch ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "no memory");
}

/* ---- making ----------------------------------------------------------------------------------------------------------- */

/* The written trees against libxgboost on visits of the set: probabilities, SHAP terms (of what has no stages), and that terms add up to
 * the margin. What does not agree is not written. */
static enum status output_agrees(const struct triage_model_output *output, struct booster *booster,
    const struct study *study, struct arena *arena, struct scope *scope) {
    enum { ROWS = 1000 };
    static const double probability_most = 1e-6, term_most = 1e-5, sum_most = 1e-5;
    struct sample sample = {study->rows, study->count < ROWS ? study->count : ROWS};
    size_t columns = study->matrix.columns;
    double *margins = ARENA_ARRAY(arena, double, sample.count), *terms = ARENA_ARRAY(arena, double, columns);
    float *theirs = ARENA_ARRAY(arena, float, sample.count *(columns + 1));
    struct triage_model_feature *features = ARENA_ARRAY(arena, struct triage_model_feature, columns);
    struct text bytes = {0};
    const struct triage_model *model = NULL;
    for (size_t i = 0; i < columns; i++)
        features[i] = (struct triage_model_feature){
            .name = text_format(arena, "f%zu", i).at, .unit = "", .label_ko = "", .label_en = "", .group = ""};
    struct triage_model_source source = {.name = "agreement",
        .version = "",
        .cohort = "",
        .card = "",
        .features = features,
        .feature_count = columns,
        .outputs = output,
        .output_count = 1};
    enum status status = triage_model_write(&bytes, &source, scope);
    if (status == STATUS_OK)
        status = triage_model_open(&model, bytes, arena, scope);
    if (status == STATUS_OK)
        status = booster_margins(margins, booster, study->matrix, sample, scope);
    bool staged = booster_is_staged(booster);
    if (status == STATUS_OK && !staged)
        status = booster_terms(theirs, booster, study->matrix, sample, scope);
    double probability_off = 0, term_off = 0, sum_off = 0;
    for (size_t i = 0; i < sample.count && status == STATUS_OK; i++) {
        const float *inputs = study->matrix.at + sample.rows[i] * columns;
        double margin = (double)triage_model_margin(model, 0, inputs),
               sum = triage_model_explain(terms, model, 0, inputs);
        double probability = 1 / (1 + exp(-margins[i]));
        probability_off = fmax(probability_off, fabs((double)triage_model_raw(model, 0, inputs) - probability));
        for (size_t k = 0; k < columns; k++) {
            if (!staged)
                term_off = fmax(term_off, fabs(terms[k] - (double)theirs[i * (columns + 1) + k]));
            sum += terms[k];
        }
        sum_off = fmax(sum_off, fabs(sum - margin));
    }
    if (status != STATUS_OK)
        return status;
    fprintf(stderr, "    against libxgboost, %zu visits: probability %.1e, SHAP terms %.1e, their sum %.1e\n",
        sample.count, probability_off, term_off, sum_off);
    if (probability_off > probability_most || term_off > term_most || sum_off > sum_most)
        return fault(scope, STATUS_FAILED, output->name, "the written trees do not agree with libxgboost");
    return STATUS_OK;
}

static enum status output_inside(
    const struct study *study, int fold, const char *name, struct arena *arena, struct scope *scope) {
    static const double tenth = 0.1;
    struct study inside;
    struct unseen unseen;
    enum status status = study_inside(&inside, study, fold, arena, scope);
    if (status == STATUS_OK)
        status = study_unseen(&unseen, &inside, arena, scope);
    if (status != STATUS_OK)
        return status;
    int8_t *labels = ARENA_ARRAY(arena, int8_t, inside.count + 1);
    for (size_t i = 0; i < inside.count; i++)
        labels[i] = inside.labels[inside.rows[i]];
    for (int repeat = 0; repeat < inside.repeats; repeat++) {
        struct predictions p = {inside.count, labels, unseen.probabilities + (size_t)repeat * inside.count};
        printf("inside fold %d, %s, repeat %d: %zu visits, log loss %.6f, AUROC %.6f, in the top tenth %zu\n", fold,
            name, repeat + 1, p.count, study_log_loss(&inside, p.probabilities), metric_auroc(p, arena),
            metric_caught(p, tenth, arena));
    }
    return STATUS_OK;
}

static enum status output_make(struct making *making, const struct training *training, const yyjson_val *plan,
    struct arena *arena, struct scope *scope) {
    size_t at = making->count++;
    struct study *study = &making->studies[at];
    struct booster *booster = NULL;
    const char *monotone = NULL, *name = text_string(arena, json_get_text(plan, "name"));
    say("  output", json_get_text(plan, "name"));
    enum status status = inputs_monotone(&monotone, &making->inputs, json_get(plan, "monotone"), arena, scope);
    if (status == STATUS_OK)
        status = study_open(study, training->model, plan, making->visits,
            inputs_without(&making->inputs, json_get(plan, "without"), arena), making->inputs.names, monotone, arena,
            scope);
    if (status == STATUS_OK && training->options->inside)
        return output_inside(study, training->options->inside, name, arena, scope);
    if (status == STATUS_OK)
        status = study_unseen(&making->unseen[at], study, arena, scope);
    struct sample all = {study->rows, study->count};
    if (status == STATUS_OK)
        status = study_choose(&making->chosen[at], study, all, arena, scope);
    if (status == STATUS_OK && study->fixed)
        study_calibrate(&making->chosen[at], study, &making->unseen[at], arena);
    if (status == STATUS_OK && study->by_site)
        study_calibrate_sites(&making->chosen[at], &making->unseen[at], study, arena);
    if (status == STATUS_OK)
        status = study_fit(&booster, study, all, making->chosen[at].parameters, study->seed, arena, scope);
    if (status == STATUS_OK)
        status = booster_output(&making->outputs, booster, name, making->inputs.matrix, all, arena, scope);
    if (status == STATUS_OK)
        status = output_agrees(&making->outputs.at[at], booster, study, arena, scope);
    if (booster)
        booster_close(booster);
    return status;
}

/* Where the written model will abstain for too few measurements. */
static bool *silent_of(const struct making *making, const yyjson_val *model, struct arena *arena) {
    bool *silent = ARENA_ARRAY(arena, bool, making->visits->count);
    const struct inputs *inputs = &making->inputs;
    const struct triage_model_feature *features = inputs_features(inputs, model, arena);
    int64_t least = 0;
    (void)json_get_int64(&least, model, "least_measured");
    for (size_t row = 0; row < making->visits->count; row++) {
        int64_t measured = 0;
        for (size_t i = 0; i < inputs->count; i++)
            measured += (features[i].flags & TRIAGE_FEATURE_MEASURED) != 0 &&
                        !isnan(inputs->matrix.at[row * inputs->count + i]);
        silent[row] = measured < least;
    }
    return silent;
}

static enum status levels_make(
    struct making *making, const struct training *training, struct arena *arena, struct scope *scope) {
    const yyjson_val *plan = json_get(training->model, "escalation");
    const struct study *study = &making->studies[0];
    size_t count = making->visits->count;
    const char *names[TRIAGE_MODEL_OUTPUTS_MAX];
    if (!plan)
        return STATUS_OK;
    int *human = ARENA_ARRAY(arena, int, count), *floor = ARENA_ARRAY(arena, int, count),
        *expert = ARENA_ARRAY(arena, int, count);
    for (size_t i = 0; i < making->count; i++) {
        names[i] = making->outputs.at[i].name;
        if (making->studies[i].count != study->count)
            return fault(scope, STATUS_INVALID, "escalation", "the outputs know of different visits");
    }
    enum status status = escalation_open(&making->escalation, json_get(plan, "rules"), names, making->count, scope);
    if (status == STATUS_OK)
        status = visits_integers(human, making->visits, json_get_text(plan, "human"), scope);
    if (status == STATUS_OK)
        status = visits_integers(expert, making->visits, json_get_text(plan, "expert"), scope);
    if (status == STATUS_OK)
        status = floors_read(floor, training, making->visits, scope);
    for (size_t i = 0; i < study->count && status == STATUS_OK; i++) {
        size_t row = study->rows[i];
        if (human[row] < 1 || human[row] > 5 || expert[row] < 1 || expert[row] > 5)
            return fault(scope, STATUS_INVALID, "escalation", "row %zu has no level 1 to 5", making->visits->rows[row]);
    }
    if (status != STATUS_OK)
        return status;
    making->levels = (struct levels){human, floor, expert, silent_of(making, training->model, arena)};
    making->escalates = true;
    making->final = ARENA_ARRAY(arena, int, (size_t)study->repeats * study->count);
    escalation_unseen(making->final, &making->escalation, study, making->unseen, making->count, &making->levels);
    making->reviewed = ARENA_ARRAY(arena, double, (size_t)study->repeats * study->count);
    escalation_review(making->reviewed, study, &making->unseen[0], &making->levels);
    return STATUS_OK;
}

/* Leaves out the inputs that no tree asks for and that no rule of abstention names: they would only fill the file. */
static size_t features_prune(
    struct triage_model_feature *features, size_t count, struct triage_model_outputs *outputs, struct arena *arena) {
    uint16_t *place = ARENA_ARRAY(arena, uint16_t, count + 1);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        place[i] = features[i].flags & (TRIAGE_FEATURE_REQUIRED | TRIAGE_FEATURE_RANGED | TRIAGE_FEATURE_MEASURED);
    for (size_t o = 0; o < outputs->count; o++) {
        for (size_t t = 0; t < outputs->at[o].tree_count; t++) {
            const struct triage_model_tree *tree = &outputs->at[o].trees[t];
            for (size_t n = 0; n < tree->node_count; n++) {
                if (tree->nodes[n].feature != TRIAGE_MODEL_LEAF)
                    place[tree->nodes[n].feature] = 1;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!place[i])
            continue;
        place[i] = (uint16_t)kept;
        features[kept++] = features[i];
    }
    for (size_t o = 0; o < outputs->count; o++) {
        size_t trees = outputs->at[o].tree_count;
        struct triage_model_tree *renamed = ARENA_ARRAY(arena, struct triage_model_tree, trees + 1);
        for (size_t t = 0; t < trees; t++) {
            const struct triage_model_tree *tree = &outputs->at[o].trees[t];
            struct triage_model_node *nodes = ARENA_ARRAY(arena, struct triage_model_node, tree->node_count);
            for (size_t n = 0; n < tree->node_count; n++) {
                nodes[n] = tree->nodes[n];
                if (nodes[n].feature != TRIAGE_MODEL_LEAF)
                    nodes[n].feature = place[nodes[n].feature];
            }
            renamed[t] = (struct triage_model_tree){nodes, tree->node_count};
        }
        outputs->at[o].trees = renamed;
    }
    return kept;
}

static struct triage_model_calibration calibration_of(
    size_t output, const char *site, struct platt platt, size_t visits) {
    return (struct triage_model_calibration){.site = site,
        .output = (unsigned)output,
        .kind = TRIAGE_CALIBRATION_PLATT,
        .visits = (unsigned)visits,
        .slope = (float)platt.slope,
        .intercept = (float)platt.intercept};
}

/* Of each output that of all visits, and those of the hospitals that have their own. */
static struct triage_model_calibration *calibrations_of(
    size_t *count, const struct making *making, struct arena *arena) {
    size_t total = making->count;
    for (size_t i = 0; i < making->count; i++)
        total += making->chosen[i].site_count;
    struct triage_model_calibration *out = ARENA_ARRAY(arena, struct triage_model_calibration, total + 1);
    *count = 0;
    for (size_t i = 0; i < making->count; i++) {
        const struct chosen *chosen = &making->chosen[i];
        out[(*count)++] = calibration_of(i, "", chosen->platt, making->studies[i].count);
        for (size_t s = 0; s < chosen->site_count; s++)
            out[(*count)++] = calibration_of(
                i, text_string(arena, chosen->sites[s].site), chosen->sites[s].platt, chosen->sites[s].visits);
    }
    return out;
}

static enum status model_bytes(struct text *out, struct making *making, const struct training *training,
    struct arena *arena, struct scope *scope) {
    size_t calibration_count = 0;
    struct triage_model_calibration *calibrations = calibrations_of(&calibration_count, making, arena);
    struct triage_model_escalation *escalations =
        ARENA_ARRAY(arena, struct triage_model_escalation, ESCALATION_RULES_MAX);
    size_t escalation_count = 0;
    int64_t least_measured = 0;
    double least_age = 16;
    (void)json_get_int64(&least_measured, training->model, "least_measured");
    (void)json_get_double(&least_age, making->visits->plan, "least_age");
    for (size_t i = 0; i < making->count; i++) {
        size_t events = 0;
        for (size_t k = 0; k < making->studies[i].count; k++)
            events += making->studies[i].labels[making->studies[i].rows[k]] == 1;
        making->outputs.at[i].prevalence = (float)((double)events / (double)making->studies[i].count);
    }
    for (size_t i = 0; i < making->escalation.count; i++) {
        const struct escalation_rule *rule = &making->escalation.rules[i];
        escalations[escalation_count++] =
            (struct triage_model_escalation){rule->human, rule->level, rule->output, (float)rule->probability};
    }
    struct triage_model_parameter rules_right = {.name = TRIAGE_PARAMETER_RULES_RIGHT};
    if (making->escalates)
        rules_right.value = escalation_rules_right(&making->studies[0], &making->levels, NULL, 0);
    struct text name = json_get_text(training->model, "name");
    struct triage_model_feature *features = inputs_features(&making->inputs, training->model, arena);
    struct triage_model_outputs outputs = making->outputs;
    size_t feature_count = making->inputs.count;
    bool prune = false;
    (void)json_get_bool(&prune, training->model, "prune");
    if (prune)
        feature_count = features_prune(features, feature_count, &outputs, arena);
    struct triage_model_source source = {.name = text_string(arena, name),
        .version = text_string(arena, json_get_text(training->plan, "version")),
        .cohort = text_string(arena, json_get_text(making->visits->plan, "cohort")),
        .card = text_format(arena, "docs/models/%.*s.json", (int)name.size, name.at).at,
        .least_age_months = (unsigned)(least_age * 12),
        .least_measured = (unsigned)least_measured,
        .features = features,
        .feature_count = feature_count,
        .outputs = outputs.at,
        .output_count = outputs.count,
        .calibrations = calibrations,
        .calibration_count = calibration_count,
        .escalations = escalations,
        .escalation_count = escalation_count,
        .parameters = &rules_right,
        .parameter_count = making->escalates ? 1 : 0};
    return triage_model_write(out, &source, scope);
}

/* Hospitals and years that were held out: their name stands where the repeat's number stands. */
static void held_csv(struct buffer *out, const struct making *making, size_t output) {
    const struct study *study = &making->studies[output];
    for (size_t k = 0; k < making->kept[output].count; k++) {
        const struct held_out *held = &making->kept[output].at[k];
        for (size_t i = 0; i < held->sample.count; i++) {
            size_t row = held->sample.rows[i];
            buffer_put_format(out, "held out %s,%zu,%s,%d,%.17g,,,,,\n", making->kept[output].names[k],
                making->visits->rows[row], making->outputs.at[output].name, study->labels[row], held->probabilities[i]);
        }
    }
}

/* Where hospitals are calibrated by themselves, the first repeat before that stands once more.
 * repeat,row,output,label,probability and, where the model escalates, human,floor,final,expert,reviewed. */
static struct text predictions_csv(const struct making *making, struct arena *arena) {
    struct buffer out = buffer_open(arena, (size_t)4 << 30);
    buffer_put_string(&out, "repeat,row,output,label,probability,human,floor,final,expert,reviewed\n");
    for (size_t o = 0; o < making->count; o++) {
        const struct study *study = &making->studies[o];
        for (size_t i = 0; i < (size_t)study->repeats * study->count; i++) {
            size_t row = study->rows[i % study->count];
            buffer_put_format(&out, "%zu,%zu,%s,%d,%.17g", i / study->count, making->visits->rows[row],
                making->outputs.at[o].name, study->labels[row], making->unseen[o].probabilities[i]);
            if (making->escalates && o == 0)
                buffer_put_format(&out, ",%d,%d,%d,%d,%.17g\n", making->levels.human[row], making->levels.floor[row],
                    making->final[i], making->levels.expert[row], making->reviewed[i]);
            else
                buffer_put_string(&out, ",,,,,\n");
        }
        for (size_t i = 0; making->unseen[o].uncalibrated && i < study->count; i++)
            buffer_put_format(&out, "before calibration,%zu,%s,%d,%.17g,,,,,\n", making->visits->rows[study->rows[i]],
                making->outputs.at[o].name, study->labels[study->rows[i]], making->unseen[o].uncalibrated[i]);
        held_csv(&out, making, o);
    }
    return buffer_text(&out);
}

static enum status model_leave(
    struct making *making, const struct training *training, struct arena *arena, struct scope *scope) {
    struct text bytes, json, markdown, name = json_get_text(training->model, "name");
    struct card_output outputs[TRIAGE_MODEL_OUTPUTS_MAX];
    char digest[DIGEST_TEXT_SIZE];
    uint8_t raw[DIGEST_SIZE];
    enum status status = model_bytes(&bytes, making, training, arena, scope);
    if (status != STATUS_OK)
        return status;
    digest_sha256(raw, bytes);
    digest_text(digest, raw);
    for (size_t i = 0; i < making->count; i++)
        outputs[i] = (struct card_output){
            making->outputs.at[i].name, &making->studies[i], &making->unseen[i], &making->chosen[i], &making->kept[i]};
    struct card card = {training->plan, training->model, making->visits, &making->inputs, outputs, making->count,
        making->escalates ? &making->levels : NULL, making->final, making->reviewed, &making->escalation, digest,
        bytes.size};
    status = card_write(&json, &card, arena, scope);
    if (status == STATUS_OK)
        status = card_markdown(&markdown, json, arena, scope);
    const struct options *options = training->options;
    if (status == STATUS_OK)
        status = file_write(options->models, name, ".model", bytes, scope);
    if (status == STATUS_OK)
        status =
            file_write(options->cards, name, ".json", text_format(arena, "%.*s\n", (int)json.size, json.at), scope);
    if (status == STATUS_OK)
        status = file_write(options->cards, name, ".md", markdown, scope);
    if (status == STATUS_OK)
        status = file_write(options->predictions, name, ".csv", predictions_csv(making, arena), scope);
    return status;
}

static enum status model_make(struct training *training, struct arena *arena, struct scope *scope) {
    struct making *making = ARENA_NEW(arena, struct making);
    size_t i, count;
    yyjson_val *output;
    say("model", json_get_text(training->model, "name"));
    enum status status = set_find(&making->visits, training, json_get_text(training->model, "set"), arena, scope);
    if (status == STATUS_OK)
        status = inputs_open(&making->inputs, training->model, making->visits, training->policy,
            training->policy_document, arena, scope);
    if (status == STATUS_OK && yyjson_arr_size(json_get(training->model, "outputs")) == 0)
        status = fault(scope, STATUS_INVALID, "models", "a model needs outputs");
    yyjson_arr_foreach(json_get(training->model, "outputs"), i, count, output) {
        if (status == STATUS_OK && making->count < TRIAGE_MODEL_OUTPUTS_MAX)
            status = output_make(making, training, output, arena, scope);
    }
    if (status != STATUS_OK || training->options->inside)
        return status;
    status = levels_make(making, training, arena, scope);
    return status == STATUS_OK ? model_leave(making, training, arena, scope) : status;
}

static bool is_wanted(const struct options *options, struct text name) {
    for (int i = 0; i < options->only_count; i++) {
        if (text_is(name, options->only[i]))
            return true;
    }
    return options->only_count == 0;
}

static enum status train_all(void *context, struct scope *scope) {
    const struct options *options = context;
    struct training *training = ARENA_NEW(scope->arena, struct training);
    struct text plan, policy;
    yyjson_doc *plan_doc = NULL, *policy_doc = NULL;
    size_t i, count, made = 0;
    yyjson_val *model;
    enum status status = file_read(&plan, options->plan, JSON_BYTES_MAX, scope);
    if (status == STATUS_OK)
        status = file_read(&policy, options->policy, JSON_BYTES_MAX, scope);
    if (status == STATUS_OK)
        status = json_read(&plan_doc, plan, scope);
    if (status == STATUS_OK)
        status = json_read(&policy_doc, policy, scope);
    if (status == STATUS_OK)
        status = triage_policy_open(&training->policy, policy, scope->arena, scope);
    if (status != STATUS_OK)
        return status;
    training->options = options;
    training->plan = yyjson_doc_get_root(plan_doc);
    training->policy_document = yyjson_doc_get_root(policy_doc);
    yyjson_arr_foreach(json_get(training->plan, "models"), i, count, model) {
        if (status != STATUS_OK || !is_wanted(options, json_get_text(model, "name")))
            continue;
        training->model = model;
        status = model_make(training, scope->arena, scope);
        made++;
    }
    if (status == STATUS_OK && made == 0)
        return fault(scope, STATUS_NOT_FOUND, "models", "the plan has no such model");
    return status;
}

int main(int argc, char **argv) {
    static const struct option names[] = {{"plan", required_argument, NULL, 'p'},
        {"data", required_argument, NULL, 'd'}, {"policy", required_argument, NULL, 'y'},
        {"models", required_argument, NULL, 'm'}, {"cards", required_argument, NULL, 'c'},
        {"predictions", required_argument, NULL, 'r'}, {"inside", required_argument, NULL, 'i'}, {0}};
    struct options options = {0};
    const char *inside = NULL, **slots[] = {['p'] = &options.plan,
                                   ['d'] = &options.data,
                                   ['y'] = &options.policy,
                                   ['m'] = &options.models,
                                   ['c'] = &options.cards,
                                   ['r'] = &options.predictions,
                                   ['i'] = &inside};
    int option = 0;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == '?')
            return 2;
        *slots[option] = optarg;
    }
    if (!options.plan || !options.data || !options.policy || !options.models || !options.cards ||
        !options.predictions) {
        fprintf(stderr, "soyang_train: --plan --data --policy --models --cards --predictions are all needed\n");
        return 2;
    }
    options.inside = inside ? (int)strtol(inside, NULL, 10) : 0;
    if (inside && options.inside < 1) {
        fprintf(stderr, "soyang_train: --inside needs the number of an outer fold, from 1\n");
        return 2;
    }
    options.only = argv + optind;
    options.only_count = argc - optind;
    struct arena *arena = arena_open(ARENA_BYTES);
    struct scope scope;
    enum status status = arena ? scope_run(&scope, arena, train_all, &options) : STATUS_UNAVAILABLE;
    for (const struct issue *issue = arena ? scope.fault.first : NULL; issue; issue = issue->next)
        fprintf(stderr, "soyang_train: %s%s%s\n", issue->path, issue->path[0] ? ": " : "", issue->text);
    arena_close(arena);
    return status == STATUS_OK ? 0 : 1;
}
