#include "linear.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { BINS_MAX = 16, NEWTON_STEPS = 8, SWEEPS = 12 };
#define DEVIATIONS_MOST 3.0
#define WEIGHT_LEAST 1e-3 /* of a row in Newton's step */

struct column {
    float edges[BINS_MAX]; /* bin k lies below edge k and at or above edge k - 1 */
    int bins;
    double values[BINS_MAX + 1]; /* by bin; 0 for missing stands behind the last */
    double rows[BINS_MAX + 1];   /* of the sample, at least one */
    double weight, mean;         /* mean of what the column adds to the margin */
};
struct linear {
    size_t count;
    struct column *columns;
    double intercept;
};

static int float_compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static int bin_of(const struct column *column, float value) {
    int bin = 0;
    if (isnan(value))
        return column->bins;
    while (bin < column->bins - 1 && value >= column->edges[bin])
        bin++;
    return bin;
}

static void column_open(struct column *out, struct matrix matrix, struct sample sample, size_t index, float *known) {
    size_t count = 0;
    double sum = 0, squares = 0, sums[BINS_MAX] = {0};
    *out = (struct column){.bins = 1};
    for (size_t i = 0; i < sample.count; i++) {
        float value = matrix.at[sample.rows[i] * matrix.columns + index];
        if (isnan(value))
            continue;
        known[count++] = value;
        sum += (double)value;
        squares += (double)value * (double)value;
    }
    qsort(known, count, sizeof *known, float_compare);
    for (size_t k = 1; k < BINS_MAX && count; k++) {
        float edge = known[k * count / BINS_MAX];
        if (edge > known[0] && (out->bins == 1 || edge > out->edges[out->bins - 2]))
            out->edges[out->bins++ - 1] = edge;
    }
    if (count && out->bins == 1 && known[count - 1] > known[0]) /* a rare mark: its own bin */
        out->edges[out->bins++ - 1] = known[count - 1];
    for (size_t i = 0; i < count; i++) {
        int bin = bin_of(out, known[i]);
        sums[bin] += (double)known[i];
        out->rows[bin]++;
    }
    double mean = count ? sum / (double)count : 0;
    double deviation = count ? sqrt(fmax(squares / (double)count - mean * mean, 0)) : 0;
    for (int k = 0; k < out->bins; k++) {
        double value = out->rows[k] > 0 && deviation > 0 ? (sums[k] / out->rows[k] - mean) / deviation : 0;
        out->values[k] = fmin(fmax(value, -DEVIATIONS_MOST), DEVIATIONS_MOST);
    }
    out->rows[out->bins] = (double)(sample.count - count);
    for (int k = 0; k <= out->bins; k++)
        out->rows[k] = fmax(out->rows[k], 1);
}

/* The problem's rows: z[column * count + row]. */
struct problem {
    const double *z;
    const int8_t *labels;
    struct sample sample;
    double penalty;
    double *margins, *weights, *residuals;
};

/* Where Newton's quadratic stands: weights, and residuals of the working response. */
static void quadratic_set(const struct problem *p) {
    for (size_t i = 0; i < p->sample.count; i++) {
        double probability = 1 / (1 + exp(-p->margins[i]));
        p->weights[i] = fmax(probability * (1 - probability), WEIGHT_LEAST);
        p->residuals[i] = ((p->labels[p->sample.rows[i]] == 1) - probability) / p->weights[i];
    }
}

/* One coordinate (NULL: the intercept) to its least; returns by how much it moved. */
static double coordinate_step(const struct problem *p, const double *z, double weight) {
    double gradient = z ? -p->penalty * weight : 0, curve = z ? p->penalty : 0;
    for (size_t i = 0; i < p->sample.count; i++) {
        double x = z ? z[i] : 1, wx = p->weights[i] * x;
        gradient += wx * p->residuals[i];
        curve += wx * x;
    }
    double step = curve > 0 ? gradient / curve : 0;
    for (size_t i = 0; i < p->sample.count; i++)
        p->residuals[i] -= step * (z ? z[i] : 1);
    for (size_t i = 0; i < p->sample.count; i++)
        p->margins[i] += step * (z ? z[i] : 1);
    return step;
}

static void solve(struct linear *linear, const struct problem *p) {
    for (int step = 0; step < NEWTON_STEPS; step++) {
        quadratic_set(p);
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            linear->intercept += coordinate_step(p, NULL, 0);
            for (size_t c = 0; c < linear->count; c++) {
                struct column *column = &linear->columns[c];
                if (column->bins > 1)
                    column->weight += coordinate_step(p, p->z + c * p->sample.count, column->weight);
            }
        }
    }
}

static void means_set(struct linear *linear) {
    for (size_t c = 0; c < linear->count; c++) {
        struct column *column = &linear->columns[c];
        double sum = 0, rows = 0;
        for (int k = 0; k <= column->bins; k++) {
            sum += column->rows[k] * column->weight * column->values[k];
            rows += column->rows[k];
        }
        column->mean = sum / rows;
    }
}

enum status linear_train(struct linear **out, struct matrix matrix, const int8_t *labels, struct sample sample,
    double penalty, double gram_scale, struct arena *arena, struct scope *scope) {
    struct linear *linear = ARENA_NEW(arena, struct linear);
    size_t cells = matrix.columns * sample.count;
    double *z = calloc(cells + 1, sizeof *z), *numbers = calloc(3 * sample.count + 1, sizeof *numbers);
    float *known = calloc(sample.count + 1, sizeof *known);
    enum status status = z && numbers && known ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    *linear = (struct linear){.count = matrix.columns, .columns = ARENA_ARRAY(arena, struct column, matrix.columns)};
    for (size_t c = 0; c < matrix.columns && status == STATUS_OK; c++) {
        struct column *column = &linear->columns[c];
        column_open(column, matrix, sample, c, known);
        for (int k = 0; k < column->bins && matrix.grams && matrix.grams[c]; k++)
            column->values[k] *= gram_scale;
        for (size_t i = 0; i < sample.count; i++)
            z[c * sample.count + i] = column->values[bin_of(column, matrix.at[sample.rows[i] * matrix.columns + c])];
    }
    if (status == STATUS_OK) {
        struct problem problem = {
            z, labels, sample, penalty, numbers, numbers + sample.count, numbers + 2 * sample.count};
        solve(linear, &problem);
        means_set(linear);
    }
    free(z);
    free(numbers);
    free(known);
    *out = linear;
    return status;
}

/* ---- what it says ----------------------------------------------------------------------------------------------------- */

double linear_intercept(const struct linear *linear) {
    return linear->intercept;
}

static double column_adds(const struct column *column, float value) {
    return column->weight * column->values[bin_of(column, value)];
}

double linear_margin(const struct linear *linear, const float *inputs) {
    double margin = linear->intercept;
    for (size_t c = 0; c < linear->count; c++)
        margin += column_adds(&linear->columns[c], inputs[c]);
    return margin;
}

void linear_terms(float *terms, const struct linear *linear, const float *inputs, double share) {
    double expected = linear->intercept;
    for (size_t c = 0; c < linear->count; c++) {
        const struct column *column = &linear->columns[c];
        terms[c] += (float)(share * (column_adds(column, inputs[c]) - column->mean));
        expected += column->mean;
    }
    terms[linear->count] += (float)(share * expected);
}

/* ---- as trees --------------------------------------------------------------------------------------------------------- */

size_t linear_tree_count(const struct linear *linear) {
    size_t count = 0;
    for (size_t c = 0; c < linear->count; c++)
        count += linear->columns[c].weight != 0;
    return count;
}

struct planting {
    const struct column *column;
    double share;
    uint16_t feature;
    struct triage_model_node *nodes;
    uint16_t count;
};

static uint16_t leaf_add(struct planting *planting, int bin) {
    const struct column *column = planting->column;
    planting->nodes[planting->count] =
        (struct triage_model_node){.threshold = (float)(planting->share * column->weight * column->values[bin]),
            .cover = (float)column->rows[bin],
            .feature = TRIAGE_MODEL_LEAF};
    return planting->count++;
}

/* The bins from..to, halved at an edge; depth is at most the bins' count's logarithm. */
static uint16_t bins_add(struct planting *planting, int from, int to) {
    if (from == to)
        return leaf_add(planting, from);
    int middle = (from + to) / 2;
    uint16_t at = planting->count++;
    uint16_t left = bins_add(planting, from, middle), right = bins_add(planting, middle + 1, to);
    planting->nodes[at] = (struct triage_model_node){.threshold = planting->column->edges[middle],
        .cover = planting->nodes[left].cover + planting->nodes[right].cover,
        .feature = planting->feature,
        .left = left,
        .right = right};
    return at;
}

/* No known value lies below the root's threshold, so only what is missing goes left. */
static struct triage_model_tree tree_plant(
    const struct column *column, size_t feature, double share, struct arena *arena) {
    struct planting planting = {column, share, (uint16_t)feature,
        ARENA_ARRAY(arena, struct triage_model_node, (size_t)column->bins * 2 + 1), 1};
    uint16_t left = leaf_add(&planting, column->bins), right = bins_add(&planting, 0, column->bins - 1);
    planting.nodes[0] = (struct triage_model_node){.threshold = -FLT_MAX,
        .cover = planting.nodes[left].cover + planting.nodes[right].cover,
        .feature = (uint16_t)feature,
        .left = left,
        .right = right,
        .missing_left = 1};
    return (struct triage_model_tree){planting.nodes, planting.count};
}

void linear_trees(struct triage_model_tree *trees, const struct linear *linear, double share, struct arena *arena) {
    size_t count = 0;
    for (size_t c = 0; c < linear->count; c++) {
        if (linear->columns[c].weight != 0)
            trees[count++] = tree_plant(&linear->columns[c], c, share, arena);
    }
}
