/* One request and its answer, from the first byte to the last. Private to server.
 *
 * States: RECEIVING → RUNNING (handed to records or a worker) → DONE (answer filled) → answered by an HTTP thread.
 * `turn` settles the race between the thread that finishes the work and the one that suspends the connection. */
#ifndef SOYANG_SERVER_EXCHANGE_H
#define SOYANG_SERVER_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "server/server.h"

/* What route.c decided. */
enum exchange_step {
    EXCHANGE_ANSWERED,
    EXCHANGE_TO_RECORDS,
    EXCHANGE_TO_RECORDS_BY_WORKER, /* its preparation would hold an HTTP thread too long */
    EXCHANGE_TO_WORKER
};
/* What a client sends and gets; everything behind the edge is JSON. */
enum exchange_format { EXCHANGE_JSON, EXCHANGE_XML, EXCHANGE_NO_FORMAT };
enum exchange_turn { EXCHANGE_STARTED, EXCHANGE_WAITING, EXCHANGE_DONE };
enum { EXCHANGE_HEADERS_MAX = 12, EXCHANGE_PATH_MAX = 8, EXCHANGE_PAIRS_MAX = 256 };

struct exchange_header {
    const char *name, *value;
};

struct exchange;
/* Fills the exchange's answer; what fails is turned into an OperationOutcome. Runs on an HTTP thread or a worker. */
typedef enum status exchange_handler(struct exchange *exchange, struct scope *scope);

struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    struct arena *arena;
    struct scope scope;
    atomic_int turn;
    bool is_running;

    const char *method;
    struct text target;                  /* as sent: path and query, still encoded */
    struct text path[EXCHANGE_PATH_MAX]; /* decoded segments */
    size_t path_count;
    struct search_pair *pairs; /* decoded query parameters, without _format and _pretty */
    size_t pair_count;
    struct buffer body;
    bool is_pretty, is_head;
    enum exchange_format format; /* of the answer */
    bool is_format_given;        /* by _format, which Accept does not change */

    enum records_interaction interaction;
    struct records_request request;
    struct records_answer answer;
    enum exchange_step step;
    exchange_handler *worker_handler;          /* EXCHANGE_TO_WORKER: what runs there */
    const struct records_operation *operation; /* an upper module's, which worker_handler runs */

    unsigned http_status;
    const char *content_type;
    struct text content;
    struct exchange_header headers[EXCHANGE_HEADERS_MAX];
    size_t header_count;
    struct exchange *next; /* in the worker queue, or the free list of arenas */
};

void exchange_header(struct exchange *exchange, const char *name, const char *value);
const char *exchange_request_header(const struct exchange *exchange, const char *name); /* NULL when absent */
/* Called once by whoever finished the work; the connection goes on. */
void exchange_finish(struct exchange *exchange);
/* Hands the request to records, which finish it. */
void exchange_submit(struct exchange *exchange);

/* target.c */
MUST_CHECK enum status exchange_target_parse(struct exchange *exchange, struct scope *scope);
MUST_CHECK enum status target_parse_form(struct exchange *exchange, struct text form, struct scope *scope);

/* local.c */
MUST_CHECK enum status local_check(const struct exchange *exchange, struct scope *scope);
MUST_CHECK enum status local_caller(struct records_caller *out, const struct exchange *exchange, struct scope *scope);

/* route.c */
/* Answers, or fills `request` or `worker_handler` and sets `step`. */
MUST_CHECK enum status route_run(struct exchange *exchange, struct scope *scope);

/* format.c */
MUST_CHECK enum status format_take_parameter(struct exchange *exchange, struct text value, struct scope *scope);
/* 406 where Accept takes neither JSON nor XML. */
MUST_CHECK enum status format_take_accept(struct exchange *exchange, struct scope *scope);
/* The body as JSON; 415 where it is neither JSON nor XML. */
MUST_CHECK enum status format_take_body(struct text *out, struct exchange *exchange, struct scope *scope);
/* A resource in JSON, none for no body, becomes the answer's content in the format asked for. */
MUST_CHECK enum status format_present(struct exchange *exchange, struct text json, struct scope *scope);

/* answer.c */
unsigned answer_http_status(enum status status);
/* Renders records' answer, or the faults in exchange->scope. */
void answer_render(struct exchange *exchange);
void answer_fault(struct exchange *exchange, enum status status);
MUST_CHECK enum status answer_json(
    struct exchange *exchange, unsigned http_status, struct text json, struct scope *scope);

/* worker.c */
struct workers;
MUST_CHECK enum status workers_open(struct workers **out, int count, struct scope *scope);
void workers_close(struct workers *workers);
void workers_submit(struct workers *workers, struct exchange *exchange);

/* operation.c */
void operation_register(const struct server_config *config);
MUST_CHECK enum status operation_run(struct exchange *exchange, struct scope *scope);

/* page.c */
MUST_CHECK enum status page_answer(struct exchange *exchange, struct scope *scope);

/* capability.c */
MUST_CHECK enum status capability_answer(struct exchange *exchange, struct scope *scope);

/* service.c */
struct server {
    struct server_config config;
    struct MHD_Daemon *daemon;
    struct workers *workers;
    uint16_t port;
    char base[64]; /* http://127.0.0.1:PORT/fhir */
    struct exchange *free_exchanges;
    struct server_lock *lock;
    atomic_uint in_flight;
};

#endif
