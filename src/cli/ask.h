/* One question to an engine: in a data folder, over a region loaded for it alone, or to a server. Private to cli. */
#ifndef SOYANG_CLI_ASK_H
#define SOYANG_CLI_ASK_H

#include "cli/command.h"
#include "referral/referral.h"

struct asked {
    const char *name; /* "$surge" */
    enum status (*function)(
        struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);
};
/* The command lists --data, --region, --assumptions and --url. `question` is Parameters, as is the answer. */
MUST_CHECK enum status ask(struct text *answer, const struct arguments *arguments, const struct asked *asked,
    struct text question, struct scope *scope);

#endif
