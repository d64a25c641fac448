/* A model, written: the sections of model.h in their order, strings told once, the checksum last. */
#include <stdlib.h>
#include <string.h>

#include "triage/model_file.h"

enum { STRINGS_MAX = 64 * 1024 };

struct writing {
    struct buffer bytes, strings;
    struct model_split *splits; /* in order, each once */
    size_t split_count;
};

static void put_u32(struct writing *w, size_t value) {
    uint32_t word = (uint32_t)value;
    buffer_put(&w->bytes, (struct text){(const char *)&word, sizeof word});
}

static void put_f32(struct writing *w, float value) {
    buffer_put(&w->bytes, (struct text){(const char *)&value, sizeof value});
}

/* The offset of a string, put where it is new. */
static size_t string_offset(struct writing *w, const char *string) {
    size_t size = string ? strlen(string) : 0;
    if (size == 0)
        return 0;
    for (size_t at = 0; at < w->strings.size; at += strlen(w->strings.at + at) + 1) {
        if (strcmp(w->strings.at + at, string) == 0)
            return at;
    }
    size_t offset = w->strings.size;
    buffer_put(&w->strings, (struct text){string, size + 1});
    return offset;
}

static void put_features(struct writing *w, const struct triage_model_source *source) {
    size_t first = 0;
    for (size_t i = 0; i < source->feature_count; i++) {
        const struct triage_model_feature *feature = &source->features[i];
        put_u32(w, string_offset(w, feature->name));
        put_u32(w, string_offset(w, feature->unit));
        put_u32(w, string_offset(w, feature->label_ko));
        put_u32(w, string_offset(w, feature->label_en));
        put_u32(w, string_offset(w, feature->group));
        put_u32(w, feature->flags);
        put_f32(w, feature->low);
        put_f32(w, feature->high);
        put_f32(w, feature->usual);
        put_f32(w, feature->missing_share);
        put_u32(w, first);
        put_u32(w, feature->edge_count);
        first += feature->edge_count;
    }
}

static void put_ensembles(struct writing *w, const struct triage_model_source *source) {
    size_t first = 0;
    for (size_t i = 0; i < source->output_count; i++) {
        const struct triage_model_output *output = &source->outputs[i];
        put_u32(w, string_offset(w, output->name));
        put_u32(w, (size_t)output->link);
        put_u32(w, output->softmax_group);
        put_f32(w, output->base);
        put_u32(w, first);
        put_u32(w, output->tree_count);
        put_f32(w, output->prevalence);
        first += output->tree_count;
    }
}

/* ---- trees ------------------------------------------------------------------------------------------------------------ */

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static int split_compare(const void *a, const void *b) {
    const struct model_split *x = a, *y = b;
    uint32_t left = bits_of(x->threshold), right = bits_of(y->threshold);
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    return left < right ? -1 : left > right;
}

/* Every split of the trees, each once. */
static void splits_list(
    struct writing *w, const struct triage_model_source *source, size_t nodes, struct arena *arena) {
    size_t count = 0, kept = 0;
    w->splits = ARENA_ARRAY(arena, struct model_split, nodes + 1);
    for (size_t i = 0; i < source->output_count; i++) {
        for (size_t k = 0; k < source->outputs[i].tree_count; k++) {
            const struct triage_model_tree *tree = &source->outputs[i].trees[k];
            for (size_t n = 0; n < tree->node_count; n++) {
                if (tree->nodes[n].feature != TRIAGE_MODEL_LEAF)
                    w->splits[count++] = (struct model_split){tree->nodes[n].threshold, tree->nodes[n].feature};
            }
        }
    }
    qsort(w->splits, count, sizeof *w->splits, split_compare);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || split_compare(&w->splits[kept - 1], &w->splits[i]) != 0)
            w->splits[kept++] = w->splits[i];
    }
    w->split_count = kept;
}

/* A tree's codes, or its leaves: both in the order node, left side, right side. The tree was checked: it is no deeper than
 * TRIAGE_MODEL_DEPTH_MAX. */
static void put_side(struct writing *w, const struct triage_model_tree *tree, size_t at, bool leaves) {
    const struct triage_model_node *node = &tree->nodes[at];
    uint16_t code = MODEL_NODE_LEAF;
    if (node->feature == TRIAGE_MODEL_LEAF) {
        if (leaves) {
            put_f32(w, node->threshold);
            put_f32(w, node->cover);
        } else {
            buffer_put(&w->bytes, (struct text){(const char *)&code, sizeof code});
        }
        return;
    }
    struct model_split own = {node->threshold, node->feature};
    const struct model_split *split = bsearch(&own, w->splits, w->split_count, sizeof own, split_compare);
    code = (uint16_t)((size_t)(split - w->splits) | (node->missing_left ? MODEL_NODE_MISSING_LEFT : 0));
    if (!leaves)
        buffer_put(&w->bytes, (struct text){(const char *)&code, sizeof code});
    put_side(w, tree, node->left, leaves);
    put_side(w, tree, node->right, leaves);
}

static void put_trees(struct writing *w, const struct triage_model_source *source) {
    buffer_put(&w->bytes, (struct text){(const char *)w->splits, w->split_count * sizeof *w->splits});
    for (int leaves = 0; leaves < 2; leaves++) {
        for (size_t i = 0; i < source->output_count; i++) {
            for (size_t k = 0; k < source->outputs[i].tree_count; k++)
                put_side(w, &source->outputs[i].trees[k], 0, leaves);
        }
    }
}

/* ---- the rest --------------------------------------------------------------------------------------------------------- */

static void put_calibrations(struct writing *w, const struct triage_model_source *source) {
    size_t first = 0;
    for (size_t i = 0; i < source->calibration_count; i++) {
        const struct triage_model_calibration *calibration = &source->calibrations[i];
        put_u32(w, string_offset(w, calibration->site));
        put_u32(w, calibration->output);
        put_u32(w, (size_t)calibration->kind);
        put_u32(w, calibration->visits);
        put_f32(w, calibration->slope);
        put_f32(w, calibration->intercept);
        put_u32(w, first);
        put_u32(w, calibration->point_count);
        first += calibration->point_count;
    }
    for (size_t i = 0; i < source->calibration_count; i++) {
        for (size_t k = 0; k < source->calibrations[i].point_count; k++) {
            put_f32(w, source->calibrations[i].margins[k]);
            put_f32(w, source->calibrations[i].probabilities[k]);
        }
    }
}

static void put_rules(struct writing *w, const struct triage_model_source *source) {
    for (size_t i = 0; i < source->escalation_count; i++) {
        const struct triage_model_escalation *escalation = &source->escalations[i];
        put_u32(w, escalation->human);
        put_u32(w, escalation->level);
        put_u32(w, escalation->output);
        put_f32(w, escalation->probability);
    }
    for (size_t i = 0; i < source->parameter_count; i++) {
        put_u32(w, string_offset(w, source->parameters[i].name));
        put_u32(w, 0);
        buffer_put(
            &w->bytes, (struct text){(const char *)&source->parameters[i].value, sizeof source->parameters[i].value});
    }
    for (size_t i = 0; i < source->feature_count; i++) {
        for (size_t k = 0; k < source->features[i].edge_count; k++) {
            put_f32(w, source->features[i].edges[k]);
            put_f32(w, source->features[i].shares[k]);
        }
    }
}

static struct model_header header_of(struct writing *w, const struct triage_model_source *source) {
    struct model_header header = {.feature_count = (uint32_t)source->feature_count,
        .output_count = (uint32_t)source->output_count,
        .calibration_count = (uint32_t)source->calibration_count,
        .escalation_count = (uint32_t)source->escalation_count,
        .parameter_count = (uint32_t)source->parameter_count,
        .least_age_months = source->least_age_months,
        .least_measured = source->least_measured,
        .name = (uint32_t)string_offset(w, source->name),
        .version = (uint32_t)string_offset(w, source->version),
        .cohort = (uint32_t)string_offset(w, source->cohort),
        .card = (uint32_t)string_offset(w, source->card)};
    memcpy(header.magic, MODEL_MAGIC, sizeof header.magic);
    for (size_t i = 0; i < source->feature_count; i++)
        header.edge_count += (uint32_t)source->features[i].edge_count;
    for (size_t i = 0; i < source->calibration_count; i++)
        header.point_count += (uint32_t)source->calibrations[i].point_count;
    for (size_t i = 0; i < source->output_count; i++) {
        header.tree_count += (uint32_t)source->outputs[i].tree_count;
        for (size_t k = 0; k < source->outputs[i].tree_count; k++)
            header.node_count += (uint32_t)source->outputs[i].trees[k].node_count;
    }
    return header;
}

enum status triage_model_write(struct text *out, const struct triage_model_source *source, struct scope *scope) {
    struct triage_model_source checked = *source;
    checked.name = source->name ? source->name : "";
    const char *flaw = model_flaw(&checked);
    if (flaw)
        return fault(scope, STATUS_INVALID, "", "this makes no model: %s", flaw);
    struct writing w = {
        .bytes = buffer_open(scope->arena, TRIAGE_MODEL_BYTES_MAX), .strings = buffer_open(scope->arena, STRINGS_MAX)};
    buffer_put_char(&w.strings, '\0');
    struct model_header header = header_of(&w, &checked);
    splits_list(&w, &checked, header.node_count, scope->arena);
    header.split_count = (uint32_t)w.split_count;
    if (w.split_count >= MODEL_SPLITS_MAX)
        return fault(scope, STATUS_TOO_LARGE, "", "a model file holds fewer than %d splits", MODEL_SPLITS_MAX);
    buffer_put(&w.bytes, (struct text){(const char *)&header, sizeof header});
    put_features(&w, &checked);
    put_ensembles(&w, &checked);
    put_trees(&w, &checked);
    put_calibrations(&w, &checked);
    put_rules(&w, &checked);
    buffer_put(&w.bytes, buffer_text(&w.strings));
    if (w.bytes.full || w.strings.full || w.bytes.size + DIGEST_SIZE > TRIAGE_MODEL_BYTES_MAX)
        return fault(scope, STATUS_TOO_LARGE, "", "a model file holds at most %d bytes", TRIAGE_MODEL_BYTES_MAX);
    header.string_bytes = (uint32_t)w.strings.size;
    header.file_bytes = (uint32_t)(w.bytes.size + DIGEST_SIZE);
    memcpy(w.bytes.at, &header, sizeof header);
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(digest, buffer_text(&w.bytes));
    buffer_put(&w.bytes, (struct text){(const char *)digest, sizeof digest});
    *out = buffer_text(&w.bytes);
    return STATUS_OK;
}
