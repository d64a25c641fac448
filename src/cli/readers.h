/* Trained readers as the options --models and --sites name them. Private to cli. */
#ifndef SOYANG_CLI_READERS_H
#define SOYANG_CLI_READERS_H

#include "triage/triage.h"

struct readers_question {
    const struct triage_policy *policy;
    const char *models; /* a folder; NULL: the built-in ones */
    const char *sites;  /* a sites document; NULL: none */
};
/* The files alone. */
MUST_CHECK enum status readers_take(
    struct triage_readers_config *out, const struct readers_question *question, struct scope *scope);
MUST_CHECK enum status readers_load(const struct triage_readers **out, const struct readers_question *question,
    struct arena *arena, struct scope *scope);

#endif
