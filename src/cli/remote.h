/* A running server, for commands with --url: the data folder then belongs to it. Private to cli. */
#ifndef SOYANG_CLI_REMOTE_H
#define SOYANG_CLI_REMOTE_H

#include "base/base.h"

struct remote;
/* `url`: the server's, with or without /fhir. Only loopback: 127.0.0.1, localhost, [::1]. */
MUST_CHECK enum status remote_open(struct remote **out, const char *url, struct scope *scope);
void remote_close(struct remote *remote); /* accepts NULL */
struct remote_answer {
    int http_status;
    struct text body, etag;
};
/* `path` below /fhir, "" for the base. An HTTP error is no fault: look at http_status; unreachable is STATUS_UNAVAILABLE. */
MUST_CHECK enum status remote_send(struct remote_answer *out, struct remote *remote, const char *method,
    const char *path, struct text body, const char *const *headers, struct scope *scope);
/* The same, where anything but 2xx is a fault that carries the OperationOutcome's words. */
MUST_CHECK enum status remote_post(
    struct text *out, struct remote *remote, const char *path, struct text body, struct scope *scope);

#endif
