/* card: what a model is, for whom, how it was made and how good it is: JSON, and the same as Markdown. Structure of the items:
 * Collins GS et al. TRIPOD+AI statement. BMJ 2024;385:e078378; the wording is the project's own. */
#ifndef SOYANG_TRAIN_CARD_H
#define SOYANG_TRAIN_CARD_H

#include "escalation.h"
#include "inputs.h"

enum { CARD_KEPT_MAX = 16 };
/* What hospitals and years that were held out were given. */
struct card_kept {
    const char *names[CARD_KEPT_MAX];
    struct held_out at[CARD_KEPT_MAX];
    size_t count;
};
struct card_output {
    const char *name;
    const struct study *study;
    const struct unseen *unseen;
    const struct chosen *chosen;
    struct card_kept *kept; /* filled by card_write; may be NULL */
};
struct card {
    const yyjson_val *plan, *model; /* the whole plan, and the model's entry */
    const struct visits *visits;
    const struct inputs *inputs;
    const struct card_output *outputs;
    size_t output_count;
    /* Where the model escalates; else NULL. */
    const struct levels *levels;
    const int *final;       /* by repeat and place of the first output's study */
    const double *reviewed; /* the same: the order of review (escalation_review) */
    const struct escalation *escalation;
    const char *digest; /* of the model's file */
    size_t model_bytes;
};
/* Goals are compared with the card's own numbers, and written with whether they are met. */
MUST_CHECK enum status card_write(struct text *json, const struct card *card, struct arena *arena, struct scope *scope);
MUST_CHECK enum status card_markdown(struct text *out, struct text json, struct arena *arena, struct scope *scope);

#endif
