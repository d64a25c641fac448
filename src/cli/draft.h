/* draft: an OpenAI-compatible endpoint, which the operator has configured, asked to put a summary's numbered lines into sentences.
 *
 * POST URL/chat/completions with `model`, `messages`, `temperature` 0; the answer's choices[0].message.content is what is taken. No
 * redirect is followed, no proxy used, nothing asked twice. What it writes is held against the lines by `referral` before anybody
 * sees it. Threads: any. Private to cli. */
#ifndef SOYANG_CLI_DRAFT_H
#define SOYANG_CLI_DRAFT_H

#include "referral/referral.h"

struct draft_endpoint;
/* STATUS_INVALID unless `url` is http(s) without query, user or fragment. Lives in the scope's arena, or the process's. Says aloud
 * where patients' lines will go when that is not this machine. */
MUST_CHECK enum status draft_endpoint_open(
    struct draft_endpoint **out, const char *url, const char *model, struct scope *scope);
referral_draft_write draft_endpoint_write;

#endif
