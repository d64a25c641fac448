/* Made-up models: random trees over real inputs, for tests of what carries models. They know nothing of patients. */
#ifndef SOYANG_TEST_MADE_UP_MODELS_H
#define SOYANG_TEST_MADE_UP_MODELS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "triage/features.h"
#include "triage/model.h"

enum { MADE_UP_TREES = 30, MADE_UP_DEPTH = 4 };

static uint64_t made_up_seed = 0x243F6A8885A308D3u;
static double made_up_chance(void) {
    made_up_seed ^= made_up_seed >> 12;
    made_up_seed ^= made_up_seed << 25;
    made_up_seed ^= made_up_seed >> 27;
    return (double)((made_up_seed * 0x2545F4914F6CDD1Du) >> 33) / (double)(1u << 31);
}

static const struct made_up_input {
    const char *name, *unit, *ko, *en;
    unsigned flags;
    float low, high;
} made_up_inputs[] = {
    {"age", "a", "나이", "age", TRIAGE_FEATURE_REQUIRED, 16, 105},
    {"male", "", "남성", "male sex", TRIAGE_FEATURE_YES_NO, 0, 1},
    {"mind", "", "의식 상태", "consciousness", 0, 0, 4},
    {"pain-score", "{score}", "통증 점수", "pain score", TRIAGE_FEATURE_MEASURED, 0, 10},
    {"systolic", "mm[Hg]", "수축기 혈압", "systolic pressure", TRIAGE_FEATURE_MEASURED | TRIAGE_FEATURE_RANGED, 40,
        280},
    {"diastolic", "mm[Hg]", "이완기 혈압", "diastolic pressure", TRIAGE_FEATURE_MEASURED, 20, 180},
    {"pulse", "/min", "맥박", "pulse", TRIAGE_FEATURE_MEASURED | TRIAGE_FEATURE_RANGED, 25, 220},
    {"respiration", "/min", "호흡수", "respiratory rate", TRIAGE_FEATURE_MEASURED, 4, 60},
    {"temperature", "Cel", "체온", "temperature", TRIAGE_FEATURE_MEASURED, 30, 42},
    {"spo2", "%", "산소포화도", "oxygen saturation", TRIAGE_FEATURE_MEASURED, 50, 100},
    {"shock-index", "", "쇼크 지수", "shock index", 0, 0, 3},
    {"gram:64:7", "", "주호소의 낱말", "words of the complaint", TRIAGE_FEATURE_WORDS, 0, 1},
    {"gram:64:21", "", "주호소의 낱말", "words of the complaint", TRIAGE_FEATURE_WORDS, 0, 1},
    {"human-level", "", "사람이 정한 단계", "the human's level", 0, 1, 5},
};
enum { MADE_UP_INPUTS = sizeof made_up_inputs / sizeof *made_up_inputs };

static void made_up_node(
    struct triage_model_node *nodes, size_t *count, size_t at, float cover, int depth, size_t inputs) {
    struct triage_model_node *node = &nodes[at];
    *node = (struct triage_model_node){.cover = cover, .feature = TRIAGE_MODEL_LEAF};
    if (depth == 0 || (depth < MADE_UP_DEPTH && made_up_chance() < 0.15)) {
        node->threshold = (float)(made_up_chance() * 0.4 - 0.2);
        return;
    }
    size_t feature = (size_t)(made_up_chance() * (double)inputs);
    const struct made_up_input *input = &made_up_inputs[feature];
    float share = (float)(0.1 + made_up_chance() * 0.8);
    node->feature = (uint16_t)feature;
    node->threshold = input->low + (input->high - input->low) * (float)(0.1 + made_up_chance() * 0.8);
    node->missing_left = made_up_chance() < 0.5;
    node->left = (uint16_t)(*count)++;
    made_up_node(nodes, count, node->left, cover * share, depth - 1, inputs);
    node->right = (uint16_t)(*count)++;
    made_up_node(nodes, count, node->right, cover * (1 - share), depth - 1, inputs);
}

static struct triage_model_output made_up_output(const char *name, float base, size_t inputs, struct arena *arena) {
    struct triage_model_tree *trees = ARENA_ARRAY(arena, struct triage_model_tree, MADE_UP_TREES);
    for (int i = 0; i < MADE_UP_TREES; i++) {
        struct triage_model_node *nodes = ARENA_ARRAY(arena, struct triage_model_node, 64);
        size_t count = 1;
        made_up_node(nodes, &count, 0, 1000, MADE_UP_DEPTH, inputs);
        trees[i] = (struct triage_model_tree){nodes, count};
    }
    return (struct triage_model_output){
        .name = name, .link = TRIAGE_LINK_LOGISTIC, .base = base, .trees = trees, .tree_count = MADE_UP_TREES};
}

/* `extra`: a further input of the data set, or NULL. */
static enum status made_up_model(
    struct text *file, enum triage_model_kind kind, const char *extra, struct arena *arena, struct scope *scope) {
    static const float edges[] = {30, 50, 70}, shares[] = {0.2F, 0.3F, 0.3F};
    static const char *const names[][2] = {{"under-triage", "level-1-2"}, {"level-1-2", NULL}, {"disposition", NULL},
        {"intensive-care", NULL}, {"admission", NULL}};
    struct triage_model_feature features[MADE_UP_INPUTS + 1];
    struct triage_model_output outputs[2];
    size_t inputs = kind == TRIAGE_MODEL_LEVEL ? MADE_UP_INPUTS : MADE_UP_INPUTS - 1, count = 0;
    for (size_t i = 0; i < inputs; i++) {
        const struct made_up_input *input = &made_up_inputs[i];
        features[i] = (struct triage_model_feature){.name = input->name,
            .unit = input->unit,
            .label_ko = input->ko,
            .label_en = input->en,
            .flags = input->flags,
            .low = input->low,
            .high = input->high,
            .usual = (input->low + input->high) / 2};
    }
    features[0].edges = edges, features[0].shares = shares, features[0].edge_count = 3;
    for (; count < 2 && names[kind][count]; count++)
        outputs[count] = made_up_output(names[kind][count], -1, inputs, arena);
    if (extra)
        features[inputs] = (struct triage_model_feature){.name = extra, .label_ko = extra, .label_en = extra};
    static const struct triage_model_escalation with_human[] = {
        {3, 2, 0, 0.35F}, {4, 3, 0, 0.35F}, {5, 3, 0, 0.5F}, {5, 4, 0, 0.3F}, {0, 1, 1, 0.7F}};
    static const struct triage_model_escalation without[] = {{0, 2, 0, 0.35F}, {0, 1, 0, 0.6F}};
    struct triage_model_source source = {.name = triage_model_file_name(kind),
        .version = "made-up",
        .cohort = "none: random trees",
        .least_age_months = 192,
        .least_measured = 3,
        .features = features,
        .feature_count = inputs + (extra != NULL),
        .outputs = outputs,
        .output_count = count,
        .escalations = kind == TRIAGE_MODEL_LEVEL ? with_human : without,
        .escalation_count = kind == TRIAGE_MODEL_LEVEL                 ? 5
                            : kind == TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN ? 2
                                                                       : 0};
    return triage_model_write(file, &source, scope);
}

#endif
