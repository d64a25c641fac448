/* What `soyang simulate` prints. Private to cli. */
#ifndef SOYANG_CLI_SIMULATE_H
#define SOYANG_CLI_SIMULATE_H

#include "planning/planning.h"

/* One cell of the sensitivity grid: the default world with some assumptions changed. */
/* What is due to reading and what to choosing: policies with and without the second reader (simulate_also). */
enum { SIMULATE_ALSO = 5 };
struct simulate_also {
    const char *says;
    enum planning_policy policy;
    unsigned told; /* bits of enum planning_ablation */
};
extern const struct simulate_also simulate_also[SIMULATE_ALSO];
struct simulate_cell {
    const char *name, *says;
    struct planning_outcome also[SIMULATE_ALSO];
    bool with_also;
    struct planning_outcome outcomes[PLANNING_POLICIES];
    struct planning_bound bound;
    bool bounded;
};
struct simulate_cells {
    struct simulate_cell *at;
    size_t count;
};
struct simulate_result {
    const char *region;
    struct planning_span span;
    const struct planning_parameters *parameters;
    const char *region_hash, *policy_hash;
    struct planning_validation validation;
    bool despite_misfit;
    bool chosen[PLANNING_POLICIES];
    bool frozen;                       /* the parameters' file is the one whose hash was written down before */
    struct simulate_cells cells;       /* the default world first */
    struct simulate_cells frontier;    /* the engine alone */
    struct simulate_cells sensitivity; /* two a parameter, where it can go both ways */
};
/* Share of the gap between the best honest baseline and the limit that is closed, percent, with its interval by paired batches. */
struct simulate_gap {
    enum planning_policy best;
    struct planning_estimate closed;
    struct planning_estimate minutes; /* soyang's less the best baseline's, by paired batches: below 0 is won */
    bool known;
    bool judged; /* there is an interval: two batches or more */
    bool lost;   /* the interval of `minutes` lies wholly above 0 */
};
void simulate_gap_find(struct simulate_gap *out, const struct simulate_cell *cell, const bool *chosen);

void simulate_print_validation(const struct simulate_result *result);
void simulate_print_table(const struct simulate_result *result);
/* Markdown: where the minutes go, and what `soyang` would do if it knew more (simulate_parts.c). */
enum status simulate_parts(const struct planning_world *world, struct scope *scope);
MUST_CHECK enum status simulate_json(struct text *out, const struct simulate_result *result, struct scope *scope);
MUST_CHECK enum status simulate_picture(struct text *out, const struct simulate_result *result, struct scope *scope);

#endif
