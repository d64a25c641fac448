#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROBABILITY_LEAST 1e-6
enum { PLATT_STEPS = 50 };

struct ranked {
    double probability;
    size_t index;
};

static int rank_compare(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->probability != y->probability)
        return x->probability < y->probability ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static struct ranked *ranks_of(struct predictions p, struct arena *arena) {
    struct ranked *ranks = ARENA_ARRAY(arena, struct ranked, p.count + 1);
    for (size_t i = 0; i < p.count; i++)
        ranks[i] = (struct ranked){p.probabilities[i], i};
    qsort(ranks, p.count, sizeof *ranks, rank_compare);
    return ranks;
}

static size_t events_of(struct predictions p) {
    size_t events = 0;
    for (size_t i = 0; i < p.count; i++)
        events += p.labels[i] == 1;
    return events;
}

/* Mann and Whitney's statistic, ties by their middle rank (Hanley and McNeil, Radiology 1982;143:29-36). */
double metric_auroc(struct predictions p, struct arena *arena) {
    struct ranked *ranks = ranks_of(p, arena);
    double events = (double)events_of(p), others = (double)p.count - events, sum = 0;
    for (size_t from = 0; from < p.count;) {
        size_t to = from;
        while (to < p.count && ranks[to].probability == ranks[from].probability)
            to++;
        double rank = ((double)from + 1 + (double)to) / 2;
        for (size_t i = from; i < to; i++)
            sum += p.labels[ranks[i].index] == 1 ? rank : 0;
        from = to;
    }
    return events > 0 && others > 0 ? (sum - events * (events + 1) / 2) / (events * others) : (double)NAN;
}

double metric_brier(struct predictions p) {
    double sum = 0;
    for (size_t i = 0; i < p.count; i++)
        sum += (p.probabilities[i] - p.labels[i]) * (p.probabilities[i] - p.labels[i]);
    return p.count ? sum / (double)p.count : (double)NAN;
}

/* Naeini et al., AAAI 2015, with bins of equal counts: bin b holds the ranks from b*n/10 up to (b+1)*n/10. */
double metric_ece(struct predictions p, struct arena *arena) {
    struct ranked *ranks = ranks_of(p, arena);
    double sum = 0;
    for (size_t bin = 0; bin < METRIC_BINS; bin++) {
        double difference = 0;
        for (size_t i = bin * p.count / METRIC_BINS; i < (bin + 1) * p.count / METRIC_BINS; i++)
            difference += ranks[i].probability - p.labels[ranks[i].index];
        sum += fabs(difference);
    }
    return p.count ? sum / (double)p.count : (double)NAN;
}

static double logit(double probability) {
    double bounded = fmin(fmax(probability, PROBABILITY_LEAST), 1 - PROBABILITY_LEAST);
    return log(bounded / (1 - bounded));
}

/* Newton's method on the logistic likelihood; Cox, Biometrika 1958;45:562-5 for slope and intercept as measures. */
bool metric_platt(double *slope, double *intercept, struct predictions p) {
    size_t events = events_of(p);
    double a = 0, b = 1;
    if (events == 0 || events == p.count)
        return false;
    for (int step = 0; step < PLATT_STEPS; step++) {
        double ga = 0, gb = 0, haa = 0, hab = 0, hbb = 0;
        for (size_t i = 0; i < p.count; i++) {
            double x = logit(p.probabilities[i]), q = 1 / (1 + exp(-(a + b * x))), w = q * (1 - q);
            ga += p.labels[i] - q;
            gb += (p.labels[i] - q) * x;
            haa += w;
            hab += w * x;
            hbb += w * x * x;
        }
        double determinant = haa * hbb - hab * hab;
        if (!(determinant > 1e-12))
            return false;
        double da = (hbb * ga - hab * gb) / determinant, db = (haa * gb - hab * ga) / determinant;
        double damp = fmin(1, 4 / fmax(fabs(da), fabs(db)));
        a += da * damp;
        b += db * damp;
        if (fabs(da) + fabs(db) < 1e-10)
            break;
    }
    *slope = b;
    *intercept = a;
    return isfinite(a) && isfinite(b) && fabs(a) < 50 && fabs(b) < 50;
}

struct performance performance_of(struct predictions p, struct arena *arena) {
    struct performance out = {.count = p.count, .events = events_of(p)};
    double expected = 0;
    for (size_t i = 0; i < p.count; i++)
        expected += p.probabilities[i];
    out.auroc = metric_auroc(p, arena);
    out.brier = metric_brier(p);
    out.ece = metric_ece(p, arena);
    out.observed_expected = expected > 0 ? (double)out.events / expected : (double)NAN;
    if (!metric_platt(&out.slope, &out.intercept, p))
        out.slope = out.intercept = (double)NAN;
    return out;
}

/* Vickers and Elkin, Med Decis Making 2006;26:565-74. */
double metric_net_benefit(struct predictions p, double threshold) {
    double right = 0, wrong = 0;
    for (size_t i = 0; i < p.count; i++) {
        right += p.probabilities[i] >= threshold && p.labels[i] == 1;
        wrong += p.probabilities[i] >= threshold && p.labels[i] == 0;
    }
    return (right - wrong * threshold / (1 - threshold)) / (double)p.count;
}

void metric_split(double *sensitivity, double *specificity, double *flagged, struct predictions p, double threshold) {
    double hits = 0, rejected = 0, flags = 0, events = (double)events_of(p);
    for (size_t i = 0; i < p.count; i++) {
        bool flag = p.probabilities[i] >= threshold;
        flags += flag;
        hits += flag && p.labels[i] == 1;
        rejected += !flag && p.labels[i] == 0;
    }
    *sensitivity = hits / events;
    *specificity = rejected / ((double)p.count - events);
    *flagged = flags / (double)p.count;
}

double metric_threshold(struct predictions p, double sensitivity, struct arena *arena) {
    struct ranked *ranks = ranks_of(p, arena);
    double events = (double)events_of(p), hits = 0;
    for (size_t i = p.count; i-- > 0;) {
        hits += p.labels[ranks[i].index] == 1;
        if (hits >= sensitivity * events)
            return ranks[i].probability;
    }
    return 0;
}

size_t metric_caught(struct predictions p, double share, struct arena *arena) {
    struct ranked *ranks = ranks_of(p, arena);
    size_t reviewed = (size_t)((double)p.count * share), caught = 0;
    for (size_t i = 0; i < reviewed; i++)
        caught += p.labels[ranks[p.count - 1 - i].index] == 1;
    return caught;
}

/* Cohen's kappa with quadratic weights (Psychol Bull 1968;70:213-20). */
struct level_outcome level_outcome_of(const int *levels, const int *experts, size_t count) {
    struct level_outcome out = {.count = count};
    double rows[6] = {0}, columns[6] = {0}, seen = 0, chance = 0, n = (double)count;
    size_t right = 0, under = 0, over = 0;
    for (size_t i = 0; i < count; i++) {
        right += levels[i] == experts[i];
        under += levels[i] > experts[i];
        over += levels[i] < experts[i];
        out.urgent_missed += experts[i] <= 2 && levels[i] >= 3;
        rows[levels[i]]++;
        columns[experts[i]]++;
        seen += (levels[i] - experts[i]) * (levels[i] - experts[i]);
    }
    for (int a = 1; a <= 5; a++) {
        for (int b = 1; b <= 5; b++)
            chance += (a - b) * (a - b) * rows[a] * columns[b] / n;
    }
    out.accuracy = (double)right / n;
    out.under = (double)under / n;
    out.over = (double)over / n;
    out.kappa = chance > 0 ? 1 - seen / chance : (double)NAN;
    return out;
}

uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

size_t random_below(uint64_t *state, size_t limit) {
    return (size_t)(random_next(state) % limit);
}

static int double_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void interval_of(double out[static 2], double *values, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i]))
            values[kept++] = values[i];
    }
    qsort(values, kept, sizeof *values, double_compare);
    out[0] = kept ? values[(size_t)(0.025 * (double)(kept - 1))] : (double)NAN;
    out[1] = kept ? values[(size_t)(0.975 * (double)(kept - 1))] : (double)NAN;
}
