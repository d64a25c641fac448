/* http: asking another server, one request at a time. Blocking, in the caller's thread; a client belongs to one thread at once and keeps
 * its connection between requests. Only http and https; no redirect is followed and nothing is asked twice: what is asked for once may
 * have happened once. */
#ifndef SOYANG_HTTP_H
#define SOYANG_HTTP_H

#include "base/base.h"

struct http_client;
MUST_CHECK enum status http_open(struct http_client **out, struct scope *scope);
void http_close(struct http_client *client); /* accepts NULL */

struct http_request {
    const char *method;         /* NULL: GET, or POST where there is a body */
    const char *url;            /* whole, escaped (http_put_escaped) */
    struct text body;           /* .at NULL: none */
    const char *const *headers; /* "Name: value", ended by NULL; may be NULL */
    int connect_s, timeout_s;   /* seconds until there is a connection; until the answer is whole */
    size_t answer_max;          /* bytes */
    bool direct;                /* past the proxy that the environment names */
};

struct http_answer {
    int status;             /* 200 ... */
    struct text body, etag; /* the client's, until its next request or its end; "" where there is none */
};

/* An HTTP error is no fault: look at `status`. STATUS_UNAVAILABLE: not reached, or broken off, said in the words of the library;
 * STATUS_TOO_COSTLY: no whole answer in time; STATUS_TOO_LARGE: more than `answer_max`. The fault's path is `where`. */
MUST_CHECK enum status http_send(struct http_answer *out, struct http_client *client,
    const struct http_request *request, const char *where, struct scope *scope);

/* `value` as a part of a query. */
void http_put_escaped(struct buffer *url, struct text value);
/* Whether `url` is http or https of this machine by its name: 127.0.0.1, localhost, [::1], with any port. */
bool http_is_loopback(struct text url);

#endif
