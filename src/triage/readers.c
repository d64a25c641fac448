/* Models opened and bound; whether they may speak; probabilities and escalations. */
#include "triage/readers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

extern const char triage_model_level[], triage_model_level_end[], triage_model_level_without_human[],
    triage_model_level_without_human_end[], triage_model_disposition[], triage_model_disposition_end[],
    triage_model_intensive_care[], triage_model_intensive_care_end[], triage_model_admission[],
    triage_model_admission_end[];

static const struct {
    const char *file, *from, *to;
} kinds[TRIAGE_MODEL_COUNT] = {
    [TRIAGE_MODEL_LEVEL] = {"level.model", triage_model_level, triage_model_level_end},
    [TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN] = {"level-without-human.model", triage_model_level_without_human,
        triage_model_level_without_human_end},
    [TRIAGE_MODEL_DISPOSITION] = {"disposition.model", triage_model_disposition, triage_model_disposition_end},
    [TRIAGE_MODEL_INTENSIVE_CARE] = {"intensive-care.model", triage_model_intensive_care,
        triage_model_intensive_care_end},
    [TRIAGE_MODEL_ADMISSION] = {"admission.model", triage_model_admission, triage_model_admission_end},
};

const char *triage_model_file_name(enum triage_model_kind kind) {
    return kinds[kind].file;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static enum status model_bind(
    struct reader_model *out, const struct triage_policy *policy, struct arena *arena, struct scope *scope) {
    const struct triage_model_source *content = triage_model_content(out->model);
    struct text *names = ARENA_ARRAY(arena, struct text, content->feature_count),
                *columns = ARENA_ARRAY(arena, struct text, content->feature_count);
    for (size_t i = 0; i < content->feature_count; i++) {
        names[i] = text_from(content->features[i].name);
        struct text rest = names[i], head = text_cut(&rest, ':');
        if (rest.at && (text_is(head, "column") || text_is(head, "mark")))
            columns[out->column_count++] = rest;
    }
    out->columns = columns;
    return features_open(
        &out->features, names, content->feature_count, columns, out->column_count, policy, arena, scope);
}

/* The outputs a model of this kind is asked for. */
static const char *model_lacks(const struct triage_model *model, enum triage_model_kind kind) {
    static const char *const outputs[] = {[TRIAGE_MODEL_LEVEL] = "under-triage",
        [TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN] = "level-1-2",
        [TRIAGE_MODEL_DISPOSITION] = "disposition",
        [TRIAGE_MODEL_INTENSIVE_CARE] = "intensive-care",
        [TRIAGE_MODEL_ADMISSION] = "admission"};
    if (triage_model_output_find(model, outputs[kind]) < 0)
        return outputs[kind];
    bool second = kind == TRIAGE_MODEL_LEVEL && triage_model_output_find(model, "level-1-2") < 0;
    return second ? "level-1-2" : NULL;
}

static enum status model_open(struct reader_model *out, enum triage_model_kind kind, struct text file,
    const struct triage_policy *policy, struct arena *arena, struct scope *scope) {
    enum status status = triage_model_open(&out->model, file, arena, scope);
    if (status != STATUS_OK)
        return fault(scope, status, kinds[kind].file, "the model cannot be opened");
    const char *lacking = model_lacks(out->model, kind);
    if (lacking)
        return fault(scope, STATUS_INVALID, kinds[kind].file, "the model has no output '%s'", lacking);
    status = model_bind(out, policy, arena, scope);
    return status == STATUS_OK
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, kinds[kind].file, "the model asks for an input that there is not");
}

enum status triage_readers_open(const struct triage_readers **out, const struct triage_readers_config *config,
    struct arena *arena, struct scope *scope) {
    struct triage_readers *readers = ARENA_NEW(arena, struct triage_readers);
    for (int i = 0; i < TRIAGE_MODEL_COUNT; i++) {
        struct text file = config->models[i];
        if (!file.size && !config->only_given)
            file = (struct text){kinds[i].from, (size_t)(kinds[i].to - kinds[i].from)};
        if (!file.size)
            continue;
        enum status status =
            model_open(&readers->models[i], (enum triage_model_kind)i, file, config->policy, arena, scope);
        if (status != STATUS_OK)
            return status;
    }
    if (config->sites.size) {
        uint8_t digest[DIGEST_SIZE];
        digest_sha256(digest, config->sites);
        digest_text(readers->sites_digest, digest);
        enum status status = sites_read(&readers->sites, config->sites, arena, scope);
        if (status != STATUS_OK)
            return status;
    }
    *out = readers;
    return STATUS_OK;
}

const char *triage_readers_sites_digest(const struct triage_readers *readers) {
    return readers->sites_digest[0] ? readers->sites_digest : NULL;
}

const char *triage_readers_digest(const struct triage_readers *readers, enum triage_model_kind kind) {
    return readers->models[kind].model ? triage_model_digest(readers->models[kind].model) : NULL;
}

bool triage_readers_has_output(const struct triage_readers *readers, enum triage_model_kind kind, const char *output) {
    const struct triage_model *model = readers->models[kind].model;
    return model && triage_model_output_find(model, output) >= 0;
}

const char *triage_readers_output(const struct triage_readers *readers, enum triage_model_kind kind) {
    static const char *const names[] = {[TRIAGE_MODEL_LEVEL] = "under-triage",
        [TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN] = "level-1-2",
        [TRIAGE_MODEL_DISPOSITION] = "disposition",
        [TRIAGE_MODEL_INTENSIVE_CARE] = "intensive-care",
        [TRIAGE_MODEL_ADMISSION] = "admission"};
    const struct triage_model *model = readers->models[kind].model;
    return triage_model_content(model)->outputs[reader_output(model, names[kind], false)].name;
}

/* ---- may it speak --------------------------------------------------------------------------------------------------- */

static enum abstention judge_inputs(size_t *feature, const struct triage_model_source *content, const float *inputs) {
    unsigned measured = 0;
    for (size_t i = 0; i < content->feature_count; i++) {
        const struct triage_model_feature *f = &content->features[i];
        *feature = i;
        if (isnan(inputs[i])) {
            if (f->flags & TRIAGE_FEATURE_REQUIRED)
                return ABSTENTION_MISSING;
            continue;
        }
        if ((f->flags & TRIAGE_FEATURE_RANGED) && (inputs[i] < f->low || inputs[i] > f->high))
            return ABSTENTION_OUT_OF_RANGE;
        measured += (f->flags & TRIAGE_FEATURE_MEASURED) != 0;
    }
    return measured < content->least_measured ? ABSTENTION_TOO_FEW : ABSTENTION_NONE;
}

enum { ADULT_MONTHS = 16 * 12 }; /* no model may have learnt from children: none speaks of them */

struct reader_inputs reader_fill(const struct reader_model *model, const struct visit *visit, struct arena *arena) {
    struct reader_inputs inputs = {0};
    if (!model->model) {
        inputs.abstention = ABSTENTION_NO_MODEL;
        return inputs;
    }
    const struct triage_model_source *content = triage_model_content(model->model);
    double least = content->least_age_months > ADULT_MONTHS ? content->least_age_months : ADULT_MONTHS;
    double age = visit->fields[VISIT_AGE];
    inputs.at = ARENA_ARRAY(arena, float, content->feature_count);
    features_fill(inputs.at, model->features, visit, arena);
    if (isnan(age))
        inputs.abstention = ABSTENTION_NO_AGE;
    else if (age * 12 < least)
        inputs.abstention = ABSTENTION_TOO_YOUNG;
    else
        inputs.abstention = judge_inputs(&inputs.feature, content, inputs.at);
    return inputs;
}

/* ---- probabilities -------------------------------------------------------------------------------------------------- */

double reader_probability(const struct triage_readers *readers, enum triage_model_kind kind, size_t output,
    const float *inputs, struct text site_id, bool *calibrated) {
    const struct triage_model *model = readers->models[kind].model;
    const struct site *site = site_find(&readers->sites, site_id);
    const char *name = triage_model_content(model)->outputs[output].name;
    for (size_t i = 0; site && i < site->calibration_count; i++) {
        const struct site_calibration *own = &site->calibrations[i];
        if (strcmp(own->output, name) != 0 || strcmp(own->model, triage_model_digest(model)) != 0)
            continue;
        if (calibrated)
            *calibrated = true;
        /* Fitted to the logit of what the model says for no site in particular. */
        double said = (double)triage_model_probability(model, output, inputs, NULL, NULL);
        double bounded = fmin(fmax(said, 1e-6), 1 - 1e-6);
        return (double)triage_calibration_apply(&own->calibration, (float)log(bounded / (1 - bounded)));
    }
    char id[256] = "";
    if (site_id.size && site_id.size < sizeof id)
        memcpy(id, site_id.at, site_id.size);
    return (double)triage_model_probability(model, output, inputs, id[0] ? id : NULL, calibrated);
}

size_t reader_output(const struct triage_model *model, const char *name, bool columns_known) {
    char record[64];
    int length = snprintf(record, sizeof record, "%s-record", name);
    bool fits = length > 0 && (size_t)length < sizeof record;
    int output = columns_known || !fits ? -1 : triage_model_output_find(model, record);
    return (size_t)(output >= 0 ? output : triage_model_output_find(model, name));
}

int reader_escalates(const struct triage_model_escalation **which, const struct triage_readers *readers,
    enum triage_model_kind kind, int human_level, const float *inputs, struct text site) {
    const struct triage_model_source *content = triage_model_content(readers->models[kind].model);
    double probabilities[TRIAGE_MODEL_OUTPUTS_MAX];
    bool known[TRIAGE_MODEL_OUTPUTS_MAX] = {false};
    int level = 0;
    for (size_t i = 0; i < content->escalation_count; i++) {
        const struct triage_model_escalation *e = &content->escalations[i];
        bool meant = e->human == TRIAGE_MODEL_ANY_LEVEL || (int)e->human == human_level;
        bool raises = (!human_level || (int)e->level < human_level) && (!level || (int)e->level < level);
        if (!meant || !raises)
            continue;
        if (!known[e->output]) {
            probabilities[e->output] = reader_probability(readers, kind, e->output, inputs, site, NULL);
            known[e->output] = true;
        }
        if (probabilities[e->output] >= (double)e->probability) {
            level = (int)e->level;
            *which = e;
        }
    }
    return level;
}

static struct reader_visit reader_visit_of(
    const struct triage_readers *readers, const struct triage_facts *facts, struct arena *arena) {
    struct reader_visit out = {readers, visit_from_facts(facts, arena)};
    for (int i = 0; i < TRIAGE_MODEL_COUNT && !out.visit.words; i++) {
        if (readers->models[i].model) /* all were opened with one policy */
            visit_scan(&out.visit, readers->models[i].features, arena);
    }
    return out;
}

enum status triage_read_all(struct triage_reading *out, const struct triage_policy *policy,
    const struct triage_readers *readers, const struct triage_facts *facts, struct scope *scope) {
    if (!readers)
        return triage_read(out, policy, facts, NULL, 0, scope);
    enum triage_model_kind kind = facts->human_level ? TRIAGE_MODEL_LEVEL : TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN;
    struct reader_visit visit = reader_visit_of(readers, facts, scope->arena);
    struct triage_reader level = {.name = "trained-level",
        .digest = triage_readers_digest(readers, kind),
        .model = &visit,
        .read = reader_read_level};
    enum status status = triage_read(out, policy, facts, &level, level.digest ? 1 : 0, scope);
    out->sites_digest = triage_readers_sites_digest(readers);
    if (status == STATUS_OK)
        reader_forecast(out, &visit, facts, scope->arena);
    return status;
}
