/* inputs: what a model sees: the plan's list of features, spread out, bound and filled for every visit. */
#ifndef SOYANG_TRAIN_INPUTS_H
#define SOYANG_TRAIN_INPUTS_H

#include "study.h"
#include "triage/model.h"

struct inputs {
    struct text *names;
    size_t count;
    const struct feature_set *set;
    struct matrix matrix;
};
/* The plan's "features": names as in features.h, and "concept:*" (concepts in at least "least_concept" complaints), "gram:N:*",
 * "column:*". `policy_document` is the policy's JSON. */
MUST_CHECK enum status inputs_open(struct inputs *out, const yyjson_val *model, const struct visits *visits,
    const struct triage_policy *policy, const yyjson_val *policy_document, struct arena *arena, struct scope *scope);
/* libxgboost's monotone_constraints of {"age": 1, "spo2": -1}; NULL where there are none. STATUS_INVALID for a name that is no
 * input. */
MUST_CHECK enum status inputs_monotone(
    const char **out, const struct inputs *inputs, const yyjson_val *plan, struct arena *arena, struct scope *scope);
/* As the model's file holds them: labels, share missing, drift; the range is that of the training visits, and for those that the
 * plan lists under "ranged" a quarter of its span wider on either side. */
struct triage_model_feature *inputs_features(const struct inputs *inputs, const yyjson_val *model, struct arena *arena);

/* The matrix with the columns that an output's "without" names (NAME or PREFIX*) not known: what is left is what a record holds. */
struct matrix inputs_without(const struct inputs *inputs, const yyjson_val *patterns, struct arena *arena);

#endif
