/* Models: opened, checked and evaluated. What is checked when opening is never looked at again. */
#include "triage/model.h"

#include <math.h>
#include <string.h>

#include "triage/model_file.h"

/* ---- reading the file ----------------------------------------------------------------------------------------------- */

/* A cursor that stays broken once it is: checked where a section ends. */
struct cursor {
    struct text bytes;
    size_t at;
    bool broken;
    const char *strings;
    size_t string_bytes;
};

static void take(void *out, struct cursor *cursor, size_t size) {
    if (cursor->broken || cursor->bytes.size - cursor->at < size) {
        memset(out, 0, size);
        cursor->broken = true;
        return;
    }
    memcpy(out, cursor->bytes.at + cursor->at, size);
    cursor->at += size;
}

static uint32_t take_u32(struct cursor *cursor) {
    uint32_t value;
    take(&value, cursor, sizeof value);
    return value;
}

static float take_f32(struct cursor *cursor) {
    float value;
    take(&value, cursor, sizeof value);
    return value;
}

static const char *take_string(struct cursor *cursor) {
    uint32_t offset = take_u32(cursor);
    if (offset < cursor->string_bytes)
        return cursor->strings + offset;
    cursor->broken = true;
    return "";
}

static enum status broken(struct scope *scope, const char *what) {
    return fault(scope, STATUS_INVALID, "", "not a model: %s", what);
}

struct sections {
    struct model_header header;
    float *edges, *shares, *margins, *probabilities;
    struct triage_model_tree *trees;
    struct triage_model_node *nodes;
    struct model_split *splits;
};

/* ---- checks --------------------------------------------------------------------------------------------------------- */

/* Within these neither a sum of leaves nor the product of the covers' shares along a path, leaf over root, leaves the numbers. */
#define COVER_LEAST 1e-9F
#define COVER_MOST 1e12F
#define COVER_ROUNDING 1.01F
#define MARGIN_MOST 1e6F

const char *model_tree_flaw(const struct triage_model_tree *tree, size_t feature_count) {
    uint8_t depths[TRIAGE_MODEL_TREE_NODES_MAX] = {0}; /* one more than the depth; 0: no parent seen */
    if (tree->node_count == 0 || tree->node_count > TRIAGE_MODEL_TREE_NODES_MAX)
        return "a tree has no nodes, or too many";
    depths[0] = 1;
    for (size_t i = 0; i < tree->node_count; i++) {
        const struct triage_model_node *node = &tree->nodes[i];
        if (depths[i] == 0)
            return "a node has no parent";
        if (!isfinite(node->threshold) || !(node->cover >= COVER_LEAST && node->cover <= COVER_MOST))
            return "a threshold, leaf or cover is not a number, or a cover is not above 0";
        if (node->feature == TRIAGE_MODEL_LEAF && fabsf(node->threshold) > MARGIN_MOST)
            return "a leaf is beyond any log odds";
        if (node->feature == TRIAGE_MODEL_LEAF)
            continue;
        if (node->feature >= feature_count)
            return "a node asks for a feature that is not there";
        if (depths[i] > TRIAGE_MODEL_DEPTH_MAX)
            return "a tree is too deep";
        const size_t children[] = {node->left, node->right};
        for (int k = 0; k < 2; k++) {
            if (children[k] <= i || children[k] >= tree->node_count || depths[children[k]] != 0)
                return "a child does not stand behind its parent, or has two";
            if (tree->nodes[children[k]].cover > node->cover * COVER_ROUNDING)
                return "more came by a child than by its parent";
            depths[children[k]] = (uint8_t)(depths[i] + 1);
        }
    }
    return NULL;
}

static bool rises(const float *values, size_t count, bool strictly) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]) || (i > 0 && (strictly ? values[i] <= values[i - 1] : values[i] < values[i - 1])))
            return false;
    }
    return true;
}

const char *model_calibration_flaw(const struct triage_model_calibration *calibration, size_t output_count) {
    if (calibration->output >= output_count)
        return "a calibration is of no output";
    if (calibration->kind == TRIAGE_CALIBRATION_PLATT)
        return isfinite(calibration->slope) && isfinite(calibration->intercept) && calibration->slope > 0
                   ? NULL
                   : "a calibration's slope is not above 0";
    if (calibration->kind != TRIAGE_CALIBRATION_ISOTONIC || calibration->point_count == 0)
        return "a calibration has no points";
    size_t count = calibration->point_count;
    bool bounded = rises(calibration->margins, count, true) && rises(calibration->probabilities, count, false) &&
                   calibration->probabilities[0] >= 0 && calibration->probabilities[count - 1] <= 1;
    return bounded ? NULL : "a calibration's points do not rise";
}

static const char *feature_flaw(const struct triage_model_feature *feature) {
    if (feature->name[0] == '\0')
        return "a feature has no name";
    if ((feature->flags & TRIAGE_FEATURE_RANGED) && !(feature->low <= feature->high))
        return "a feature's range is none";
    if (!(feature->missing_share >= 0 && feature->missing_share <= 1))
        return "a feature's missing share is none";
    if (!rises(feature->edges, feature->edge_count, true))
        return "a feature's edges do not rise";
    float sum = 0;
    for (size_t i = 0; i < feature->edge_count; i++)
        sum += feature->shares[i] >= 0 ? feature->shares[i] : 2;
    return sum <= 1.0001F ? NULL : "a feature's shares are no shares";
}

static const char *output_flaw(const struct triage_model_output *output, size_t feature_count) {
    if (output->name[0] == '\0' || output->link > TRIAGE_LINK_SOFTMAX || !(fabsf(output->base) <= MARGIN_MOST))
        return "an output has no name, link or base";
    for (size_t i = 0; i < output->tree_count; i++) {
        const char *flaw = model_tree_flaw(&output->trees[i], feature_count);
        if (flaw)
            return flaw;
    }
    return NULL;
}

const char *model_flaw(const struct triage_model_source *source) {
    const char *flaw = NULL;
    if (source->name[0] == '\0' || source->output_count == 0 || source->feature_count == 0)
        return "no name, no output or no feature";
    if (source->feature_count > TRIAGE_MODEL_FEATURES_MAX || source->output_count > TRIAGE_MODEL_OUTPUTS_MAX)
        return "too many features or outputs";
    for (size_t i = 0; i < source->feature_count && !flaw; i++)
        flaw = feature_flaw(&source->features[i]);
    for (size_t i = 0; i < source->output_count && !flaw; i++)
        flaw = output_flaw(&source->outputs[i], source->feature_count);
    for (size_t i = 0; i < source->calibration_count && !flaw; i++)
        flaw = model_calibration_flaw(&source->calibrations[i], source->output_count);
    for (size_t i = 0; i < source->escalation_count && !flaw; i++) {
        const struct triage_model_escalation *e = &source->escalations[i];
        bool holds = e->human <= 5 && e->level >= 1 && e->level <= 5 && e->output < source->output_count &&
                     e->probability >= 0 && e->probability <= 2; /* over 1: never */
        flaw = holds ? NULL : "an escalation has no level, output or probability";
    }
    for (size_t i = 0; i < source->parameter_count && !flaw; i++)
        flaw = isfinite(source->parameters[i].value) ? NULL : "a parameter is not a number";
    return flaw;
}

/* ---- sections ------------------------------------------------------------------------------------------------------- */

static void take_features(struct triage_model_feature *out, struct cursor *cursor, const struct sections *sections) {
    for (size_t i = 0; i < sections->header.feature_count; i++) {
        struct triage_model_feature *feature = &out[i];
        feature->name = take_string(cursor);
        feature->unit = take_string(cursor);
        feature->label_ko = take_string(cursor);
        feature->label_en = take_string(cursor);
        feature->group = take_string(cursor);
        feature->flags = take_u32(cursor);
        feature->low = take_f32(cursor);
        feature->high = take_f32(cursor);
        feature->usual = take_f32(cursor);
        feature->missing_share = take_f32(cursor);
        uint32_t first = take_u32(cursor), count = take_u32(cursor);
        if (first > sections->header.edge_count || count > sections->header.edge_count - first)
            cursor->broken = true, first = count = 0;
        feature->edges = sections->edges + first;
        feature->shares = sections->shares + first;
        feature->edge_count = count;
    }
}

static void take_outputs(struct triage_model_output *out, struct cursor *cursor, const struct sections *sections) {
    for (size_t i = 0; i < sections->header.output_count; i++) {
        out[i].name = take_string(cursor);
        out[i].link = (enum triage_model_link)take_u32(cursor);
        out[i].softmax_group = take_u32(cursor);
        out[i].base = take_f32(cursor);
        uint32_t first = take_u32(cursor), count = take_u32(cursor);
        out[i].prevalence = take_f32(cursor);
        if (first > sections->header.tree_count || count > sections->header.tree_count - first)
            cursor->broken = true, first = count = 0;
        out[i].trees = sections->trees + first;
        out[i].tree_count = count;
    }
}

/* The codes of the nodes, and the leaves behind them. */
struct planting {
    struct cursor *codes, *leaves;
    const struct sections *sections;
    struct triage_model_node *nodes; /* of the tree */
    size_t count, room;
};

/* The next node and all below it; returns its place in the tree. Its cover in double precision goes to *cover. */
static uint16_t plant(double *cover, struct planting *p, int depth) {
    uint16_t code = MODEL_NODE_LEAF;
    size_t at = p->count, split = 0;
    *cover = 0;
    take(&code, p->codes, sizeof code);
    split = code & (MODEL_NODE_MISSING_LEFT - 1);
    bool leaf = code == MODEL_NODE_LEAF;
    if (p->codes->broken || at >= p->room || at >= TRIAGE_MODEL_TREE_NODES_MAX || depth > TRIAGE_MODEL_DEPTH_MAX ||
        (!leaf && split >= p->sections->header.split_count)) {
        p->codes->broken = true;
        return 0;
    }
    struct triage_model_node *node = &p->nodes[p->count++];
    if (leaf) {
        float value = take_f32(p->leaves), weight = take_f32(p->leaves);
        *node = (struct triage_model_node){.threshold = value, .cover = weight, .feature = TRIAGE_MODEL_LEAF};
        *cover = (double)weight;
        return (uint16_t)at;
    }
    double left = 0, right = 0;
    *node = (struct triage_model_node){.threshold = p->sections->splits[split].threshold,
        .feature = (uint16_t)p->sections->splits[split].feature,
        .missing_left = (code & MODEL_NODE_MISSING_LEFT) != 0};
    node->left = plant(&left, p, depth + 1);
    node->right = plant(&right, p, depth + 1);
    *cover = left + right;
    node->cover = (float)*cover;
    return (uint16_t)at;
}

static void take_trees(struct cursor *cursor, struct sections *sections) {
    const struct model_header *header = &sections->header;
    for (size_t i = 0; i < header->split_count; i++) {
        take(&sections->splits[i], cursor, sizeof *sections->splits);
        cursor->broken = cursor->broken || sections->splits[i].feature >= header->feature_count;
    }
    struct cursor codes = *cursor, leaves = *cursor;
    size_t bytes = header->node_count * sizeof(uint16_t), used = 0;
    leaves.broken = leaves.broken || bytes > leaves.bytes.size - leaves.at;
    leaves.at += leaves.broken ? 0 : bytes;
    for (size_t i = 0; i < header->tree_count; i++) {
        double cover = 0;
        struct planting planting = {&codes, &leaves, sections, sections->nodes + used, 0, header->node_count - used};
        (void)plant(&cover, &planting, 0);
        sections->trees[i] = (struct triage_model_tree){planting.nodes, planting.count};
        used += planting.count;
    }
    leaves.broken = leaves.broken || codes.broken || used != header->node_count;
    *cursor = leaves;
}

static void take_calibrations(
    struct triage_model_calibration *out, struct cursor *cursor, const struct sections *sections) {
    for (size_t i = 0; i < sections->header.calibration_count; i++) {
        out[i].site = take_string(cursor);
        out[i].output = take_u32(cursor);
        out[i].kind = (enum triage_calibration_kind)take_u32(cursor);
        out[i].visits = take_u32(cursor);
        out[i].slope = take_f32(cursor);
        out[i].intercept = take_f32(cursor);
        uint32_t first = take_u32(cursor), count = take_u32(cursor);
        if (first > sections->header.point_count || count > sections->header.point_count - first)
            cursor->broken = true, first = count = 0;
        out[i].margins = sections->margins + first;
        out[i].probabilities = sections->probabilities + first;
        out[i].point_count = count;
    }
}

static void take_pairs(float *first, float *second, struct cursor *cursor, size_t count) {
    for (size_t i = 0; i < count; i++) {
        first[i] = take_f32(cursor);
        second[i] = take_f32(cursor);
    }
}

static void take_rules(struct triage_model_escalation *escalations, struct triage_model_parameter *parameters,
    struct cursor *cursor, const struct sections *sections) {
    for (size_t i = 0; i < sections->header.escalation_count; i++) {
        uint32_t human = take_u32(cursor), level = take_u32(cursor), output = take_u32(cursor);
        escalations[i] = (struct triage_model_escalation){human, level, output, take_f32(cursor)};
    }
    for (size_t i = 0; i < sections->header.parameter_count; i++) {
        parameters[i].name = take_string(cursor);
        (void)take_u32(cursor);
        take(&parameters[i].value, cursor, sizeof parameters[i].value);
    }
}

static void take_all(struct triage_model_source *source, struct cursor *cursor, struct arena *arena) {
    struct sections sections;
    take(&sections.header, cursor, sizeof sections.header);
    const struct model_header *header = &sections.header;
    source->least_age_months = header->least_age_months;
    source->least_measured = header->least_measured;
    const uint32_t names[] = {header->name, header->version, header->cohort, header->card};
    const char **targets[] = {&source->name, &source->version, &source->cohort, &source->card};
    for (size_t i = 0; i < 4; i++) {
        cursor->broken = cursor->broken || names[i] >= cursor->string_bytes;
        *targets[i] = cursor->broken ? "" : cursor->strings + names[i];
    }
    sections.edges = ARENA_ARRAY(arena, float, header->edge_count + 1);
    sections.shares = ARENA_ARRAY(arena, float, header->edge_count + 1);
    sections.margins = ARENA_ARRAY(arena, float, header->point_count + 1);
    sections.probabilities = ARENA_ARRAY(arena, float, header->point_count + 1);
    sections.trees = ARENA_ARRAY(arena, struct triage_model_tree, header->tree_count + 1);
    sections.nodes = ARENA_ARRAY(arena, struct triage_model_node, header->node_count + 1);
    sections.splits = ARENA_ARRAY(arena, struct model_split, header->split_count + 1);
    struct triage_model_feature *features = ARENA_ARRAY(arena, struct triage_model_feature, header->feature_count + 1);
    struct triage_model_output *outputs = ARENA_ARRAY(arena, struct triage_model_output, header->output_count + 1);
    struct triage_model_calibration *calibrations =
        ARENA_ARRAY(arena, struct triage_model_calibration, header->calibration_count + 1);
    struct triage_model_escalation *escalations =
        ARENA_ARRAY(arena, struct triage_model_escalation, header->escalation_count + 1);
    struct triage_model_parameter *parameters =
        ARENA_ARRAY(arena, struct triage_model_parameter, header->parameter_count + 1);
    take_features(features, cursor, &sections);
    take_outputs(outputs, cursor, &sections);
    take_trees(cursor, &sections);
    take_calibrations(calibrations, cursor, &sections);
    take_pairs(sections.margins, sections.probabilities, cursor, header->point_count);
    take_rules(escalations, parameters, cursor, &sections);
    take_pairs(sections.edges, sections.shares, cursor, header->edge_count);
    source->features = features, source->feature_count = header->feature_count;
    source->outputs = outputs, source->output_count = header->output_count;
    source->calibrations = calibrations, source->calibration_count = header->calibration_count;
    source->escalations = escalations, source->escalation_count = header->escalation_count;
    source->parameters = parameters, source->parameter_count = header->parameter_count;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static double tree_mean(const struct triage_model_tree *tree, size_t at) {
    const struct triage_model_node *node = &tree->nodes[at];
    if (node->feature == TRIAGE_MODEL_LEAF)
        return (double)node->threshold;
    double left = tree_mean(tree, node->left) * (double)tree->nodes[node->left].cover;
    double right = tree_mean(tree, node->right) * (double)tree->nodes[node->right].cover;
    return (left + right) / (double)node->cover;
}

static const char *envelope_flaw(struct cursor *cursor, struct text file) {
    struct model_header header;
    uint8_t digest[DIGEST_SIZE];
    if (file.size < sizeof header + DIGEST_SIZE || file.size > TRIAGE_MODEL_BYTES_MAX)
        return "its size";
    memcpy(&header, file.at, sizeof header);
    if (memcmp(header.magic, MODEL_MAGIC, sizeof header.magic) != 0)
        return "its first eight bytes";
    if (header.file_bytes != file.size)
        return "it was cut or added to";
    struct text body = {file.at, file.size - DIGEST_SIZE};
    digest_sha256(digest, body);
    if (memcmp(digest, file.at + body.size, DIGEST_SIZE) != 0)
        return "its checksum does not fit: it was damaged";
    const uint32_t counts[] = {header.feature_count, header.output_count, header.tree_count, header.node_count,
        header.calibration_count, header.point_count, header.escalation_count, header.parameter_count,
        header.edge_count, header.split_count};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i] > TRIAGE_MODEL_BYTES_MAX)
            return "a count lies beyond the file";
    }
    if (header.string_bytes == 0 || header.string_bytes > body.size - sizeof header || body.at[body.size - 1] != '\0' ||
        body.at[body.size - header.string_bytes] != '\0' ||
        !text_is_utf8((struct text){body.at + body.size - header.string_bytes, header.string_bytes}))
        return "its strings";
    *cursor = (struct cursor){.bytes = {body.at, body.size - header.string_bytes},
        .strings = body.at + body.size - header.string_bytes,
        .string_bytes = header.string_bytes};
    return NULL;
}

enum status triage_model_open(
    const struct triage_model **out, struct text file, struct arena *arena, struct scope *scope) {
    struct cursor cursor = {0};
    struct triage_model *model = ARENA_NEW(arena, struct triage_model);
    file = file.size > 0 ? text_copy(arena, file) : file;
    const char *flaw = envelope_flaw(&cursor, file);
    if (flaw)
        return broken(scope, flaw);
    take_all(&model->content, &cursor, arena);
    if (cursor.broken || cursor.at != cursor.bytes.size)
        return broken(scope, "its sections do not fill it");
    flaw = model_flaw(&model->content);
    if (flaw)
        return broken(scope, flaw);
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(digest, file);
    digest_text(model->digest, digest);
    for (size_t i = 0; i < model->content.output_count; i++) {
        const struct triage_model_output *output = &model->content.outputs[i];
        model->means[i] = (double)output->base;
        for (size_t k = 0; k < output->tree_count; k++)
            model->means[i] += tree_mean(&output->trees[k], 0);
    }
    *out = model;
    return STATUS_OK;
}

const char *triage_model_digest(const struct triage_model *model) {
    return model->digest;
}
const struct triage_model_source *triage_model_content(const struct triage_model *model) {
    return &model->content;
}

int triage_model_output_find(const struct triage_model *model, const char *name) {
    for (size_t i = 0; i < model->content.output_count; i++) {
        if (strcmp(model->content.outputs[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

int triage_model_feature_find(const struct triage_model *model, const char *name) {
    for (size_t i = 0; i < model->content.feature_count; i++) {
        if (strcmp(model->content.features[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

bool triage_model_parameter_find(double *out, const struct triage_model *model, const char *name) {
    for (size_t i = 0; i < model->content.parameter_count; i++) {
        if (strcmp(model->content.parameters[i].name, name) == 0) {
            *out = model->content.parameters[i].value;
            return true;
        }
    }
    return false;
}

/* ---- evaluation ----------------------------------------------------------------------------------------------------- */

static float tree_value(const struct triage_model_tree *tree, const float *inputs) {
    const struct triage_model_node *node = tree->nodes;
    while (node->feature != TRIAGE_MODEL_LEAF) {
        float input = inputs[node->feature];
        bool left = isnan(input) ? node->missing_left : input < node->threshold;
        node = tree->nodes + (left ? node->left : node->right);
    }
    return node->threshold;
}

float triage_model_margin(const struct triage_model *model, size_t output, const float *inputs) {
    const struct triage_model_output *ensemble = &model->content.outputs[output];
    float margin = ensemble->base;
    for (size_t i = 0; i < ensemble->tree_count; i++)
        margin += tree_value(&ensemble->trees[i], inputs);
    return margin;
}

static float logistic(float margin) {
    return 1.0F / (1.0F + expf(-margin));
}

/* Each margin less the greatest, so that no exponential overflows. */
static float softmax(const struct triage_model *model, size_t output, float own, const float *inputs) {
    const struct triage_model_source *content = &model->content;
    float margins[TRIAGE_MODEL_OUTPUTS_MAX], greatest = own, sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < content->output_count; i++) {
        const struct triage_model_output *other = &content->outputs[i];
        if (other->link != TRIAGE_LINK_SOFTMAX || other->softmax_group != content->outputs[output].softmax_group)
            continue;
        margins[count] = i == output ? own : triage_model_margin(model, i, inputs);
        greatest = fmaxf(greatest, margins[count++]);
    }
    for (size_t i = 0; i < count; i++)
        sum += expf(margins[i] - greatest);
    return expf(own - greatest) / sum;
}

static float linked(const struct triage_model *model, size_t output, float margin, const float *inputs) {
    switch (model->content.outputs[output].link) {
    case TRIAGE_LINK_LOGISTIC:
        return logistic(margin);
    case TRIAGE_LINK_SOFTMAX:
        return softmax(model, output, margin, inputs);
    case TRIAGE_LINK_NONE:
        break;
    }
    return margin;
}

float triage_model_raw(const struct triage_model *model, size_t output, const float *inputs) {
    return linked(model, output, triage_model_margin(model, output, inputs), inputs);
}

float triage_calibration_apply(const struct triage_model_calibration *calibration, float margin) {
    if (calibration->kind == TRIAGE_CALIBRATION_PLATT)
        return logistic(calibration->slope * margin + calibration->intercept);
    const float *margins = calibration->margins, *probabilities = calibration->probabilities;
    size_t last = calibration->point_count - 1, at = 1;
    if (margin <= margins[0])
        return probabilities[0];
    if (margin >= margins[last])
        return probabilities[last];
    while (margin > margins[at])
        at++;
    float share = (margin - margins[at - 1]) / (margins[at] - margins[at - 1]);
    return probabilities[at - 1] + share * (probabilities[at] - probabilities[at - 1]);
}

float triage_model_probability(
    const struct triage_model *model, size_t output, const float *inputs, const char *site, bool *calibrated) {
    const struct triage_model_calibration *pooled = NULL, *own = NULL;
    for (size_t i = 0; i < model->content.calibration_count; i++) {
        const struct triage_model_calibration *calibration = &model->content.calibrations[i];
        if (calibration->output != output)
            continue;
        if (calibration->site[0] == '\0')
            pooled = calibration;
        else if (site && strcmp(calibration->site, site) == 0)
            own = calibration;
    }
    float margin = triage_model_margin(model, output, inputs);
    if (calibrated)
        *calibrated = own != NULL;
    if (own || pooled)
        return triage_calibration_apply(own ? own : pooled, margin);
    return linked(model, output, margin, inputs);
}
