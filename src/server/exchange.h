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
    EXCHANGE_TO_WORKER,
    EXCHANGE_TO_ROUTE_BY_WORKER, /* a body whose decoding would */
    EXCHANGE_TO_RENDER_BY_WORKER /* an answer whose writing would */
};
/* What a client sends and gets; everything behind the edge is JSON. */
enum exchange_format { EXCHANGE_JSON, EXCHANGE_XML, EXCHANGE_NO_FORMAT };
/* Content codings (RFC 9110, 8.4.1; RFC 8878). */
enum exchange_coding { EXCHANGE_IDENTITY, EXCHANGE_GZIP, EXCHANGE_ZSTD, EXCHANGE_NO_CODING };
/* What a read of a Binary is to be answered with (https://hl7.org/fhir/R4/binary.html#rest). */
enum exchange_binary { EXCHANGE_AS_RESOURCE, EXCHANGE_AS_CONTENT };
enum exchange_turn { EXCHANGE_STARTED, EXCHANGE_WAITING, EXCHANGE_DONE };
enum { EXCHANGE_HEADERS_MAX = 20, EXCHANGE_PATH_MAX = 8, EXCHANGE_PAIRS_MAX = 256, EXCHANGE_FORM_MAX = 4 };
enum { EXCHANGE_LARGE = 64 * 1024 }; /* bytes that take an HTTP thread too long to decode or to encode */

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
    bool is_running, is_sound; /* sound: as framed */

    const char *method, *version; /* the library's; version: "HTTP/1.1" */
    struct text authority; /* of a target in absolute form, which goes before Host (RFC 9112, 3.2.2); else none */
    struct text target;    /* as sent: path and query, still encoded */
    struct text path[EXCHANGE_PATH_MAX]; /* decoded segments */
    size_t path_count;
    struct search_pair *pairs; /* decoded query parameters, without _format and _pretty */
    size_t pair_count;
    struct buffer body;
    struct search_pair form[EXCHANGE_FORM_MAX]; /* _format and _pretty, as given: links keep them */
    size_t form_count;
    bool is_pretty, is_head;
    enum exchange_format format; /* of the answer */
    bool is_format_given;        /* by _format, which Accept does not change */
    enum exchange_binary binary;
    struct text base;            /* of the links in the answer, without a slash at its end */
    enum exchange_coding coding; /* that the client likes best */
    bool is_identity_refused;    /* even a short answer must be coded */
    bool is_encoded, is_rendered;

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
    struct exchange *next; /* in a lane of the workers, or the free list of arenas */
    uint64_t ticket;       /* its place in the order of arrival there */
    int lane;              /* which `charged` is of */
    size_t charged;        /* bytes of its body that are in work; worker.c */
};

void exchange_header(struct exchange *exchange, const char *name, const char *value);
const char *exchange_request_header(const struct exchange *exchange, const char *name); /* NULL when absent */
/* Called once by whoever finished the work; the connection goes on. */
void exchange_finish(struct exchange *exchange);
/* Hands the request to records, which finish it. */
void exchange_submit(struct exchange *exchange);

/* target.c */
/* Takes the authority off a target in absolute form. */
void target_take_authority(struct exchange *exchange);
MUST_CHECK enum status exchange_target_parse(struct exchange *exchange, struct scope *scope);
MUST_CHECK enum status target_parse_form(struct exchange *exchange, struct text form, struct scope *scope);

/* framing.c */
bool framing_is_sound(const struct exchange *exchange);
/* STATUS_INVALID or STATUS_UNSUPPORTED, and the end of the connection, unless it is sound. */
MUST_CHECK enum status framing_check(struct exchange *exchange, struct scope *scope);

/* patience.c */
struct patience;
struct patience_row;
enum patience_step {
    PATIENCE_FOR_BODY,
    PATIENCE_FOR_US,     /* the request is here: no end */
    PATIENCE_FOR_ANSWER, /* of so many bytes to be taken */
    PATIENCE_FOR_NEXT,   /* the next request's head */
};
/* head_s: how long a request's head may take from the connection's begin. */
MUST_CHECK enum status patience_open(struct patience **out, int head_s, struct scope *scope);
void patience_close(struct patience *patience); /* accepts NULL */
int patience_rest_s(int head_s);                /* a connection that says nothing while more is due */
struct patience_row *patience_begin(struct patience *patience, int socket); /* NULL: no memory, and no limit */
void patience_end(struct patience *patience, struct patience_row *row); /* before the socket is closed; accepts NULL */
void patience_await(const struct patience *patience, struct patience_row *row, enum patience_step step, size_t bytes);
void patience_came(struct patience_row *row, size_t bytes); /* of a body */
/* Ends connections whose time is over; when to be called again, in ms. */
int patience_sweep(struct patience *patience);

/* local.c */
MUST_CHECK enum status local_check(struct exchange *exchange, struct scope *scope);
MUST_CHECK enum status local_caller(struct records_caller *out, const struct exchange *exchange, struct scope *scope);

/* address.c: how this server is known from outside, from its configuration and from what a trusted proxy says. */
struct address {
    struct text base;              /* https://fhir.example.org/fhir */
    struct text origin, authority; /* https://fhir.example.org, fhir.example.org */
};
MUST_CHECK enum status address_parse(struct address *out, struct text url, struct scope *scope);
/* Sets exchange->base. STATUS_INVALID for a forwarded header that is no address. */
MUST_CHECK enum status address_take(struct exchange *exchange, struct scope *scope);
bool address_is_of_page(const struct exchange *exchange, const char *origin);
/* References to our own absolute URL, as a proxy's clients know it, become relative. */
struct text address_localise_body(const struct exchange *exchange, struct text json, struct arena *arena);
struct text address_localise_value(const struct exchange *exchange, struct text value);

/* origin.c: pages of other origins (https://fetch.spec.whatwg.org/#http-cors-protocol). */
/* Permits an origin that the configuration lists: adds the answer's headers. */
bool origin_permit(struct exchange *exchange, const char *origin);
bool origin_is_preflight(const struct exchange *exchange);
MUST_CHECK enum status origin_preflight(struct exchange *exchange, struct scope *scope);

/* coding.c */
struct coders;
MUST_CHECK enum status coders_open(struct coders **out, struct scope *scope);
void coders_close(struct coders *coders); /* accepts NULL */
/* 406 where neither gzip nor zstd nor identity is taken. The page's files are there in gzip and as they are. */
enum exchange_codings { EXCHANGE_ALL_CODINGS, EXCHANGE_GZIP_ONLY };
MUST_CHECK enum status coding_take_accept(
    struct exchange *exchange, enum exchange_codings offered, struct scope *scope);
/* Decodes exchange->body in place; 415 for an unknown coding, STATUS_TOO_LARGE past the limit of a body. */
MUST_CHECK enum status coding_take_body(struct exchange *exchange, struct scope *scope);
/* Codes the content, once, where that is worth it. */
void coding_encode(struct exchange *exchange);

/* binary.c */
bool binary_is_read(const struct exchange *exchange);
/* Content or resource: what Accept says of a Binary. */
MUST_CHECK enum status binary_take_accept(struct exchange *exchange, struct scope *scope);
/* The body as a Binary in JSON: itself, when it is one, else wrapped; `id` none: without. */
MUST_CHECK enum status binary_take_body(
    struct text *out, struct exchange *exchange, struct text id, struct scope *scope);
/* The Binary's content becomes the answer's, unless its type is not accepted. */
MUST_CHECK enum status binary_present(struct exchange *exchange, struct text json, struct scope *scope);

/* route.c */
void route_write_patch_formats(struct json_writer *w);
struct records_served route_served(void);
/* Answers, or fills `request` or `worker_handler` and sets `step`. */
MUST_CHECK enum status route_run(struct exchange *exchange, struct scope *scope);

/* format.c */
extern const char format_json_type[];
MUST_CHECK enum status format_take_parameter(struct exchange *exchange, struct text value, struct scope *scope);
/* "q=0.85" among the parameters of a list's member, in thousandths; without it 1000. */
int format_weight(struct text parameters);
enum exchange_format format_find(struct text media_type);
bool format_names_fhir(struct text media_type); /* application/fhir+json and the like, not application/json */
void format_write_names(struct json_writer *w);
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

/* listener.c */
struct listener;
/* Takes connections from `socket`, which stays the caller's, for `daemon` until it is closed; while the daemon has `most`, new ones
 * wait. Ends those that take too long. */
MUST_CHECK enum status listener_open(
    struct listener **out, const struct server *server, unsigned most, struct scope *scope);
void listener_close(struct listener *listener); /* accepts NULL */

/* worker.c */
struct workers;
MUST_CHECK enum status workers_open(struct workers **out, int count, struct scope *scope);
void workers_close(struct workers *workers);
/* Runs one exchange's step; on a worker. */
void exchange_work(struct exchange *exchange);
/* A body over EXCHANGE_LARGE waits until there is room for it among those in work; then it is charged until workers_release. */
void workers_submit(struct workers *workers, struct exchange *exchange);
/* Its body has become larger: it was decoded. */
void workers_recharge(struct workers *workers, struct exchange *exchange);
/* What its body was turned into is no longer there, or soon will not be. Once or more often, by whoever has the exchange. */
void workers_release(struct workers *workers, struct exchange *exchange);

/* operation.c */
void operation_register(const struct server_config *config);
MUST_CHECK enum status operation_run(struct exchange *exchange, struct scope *scope);

/* metrics.c: figures for a monitor. */
bool metrics_is_asked(const struct exchange *exchange);
MUST_CHECK enum status metrics_route(struct exchange *exchange, struct scope *scope);

/* cds.c: CDS Hooks. */
bool cds_is_asked(const struct exchange *exchange);
MUST_CHECK enum status cds_route(struct exchange *exchange, struct scope *scope);

/* page.c */
MUST_CHECK enum status page_answer(struct exchange *exchange, struct scope *scope);

/* capability.c */
MUST_CHECK enum status capability_answer(struct exchange *exchange, struct scope *scope);

/* service.c */
struct server {
    struct server_config config;
    struct MHD_Daemon *daemon;
    struct patience *patience;
    struct listener *listener;
    struct workers *workers;
    uint16_t port;
    struct arena *arena;    /* of what follows, up to coders */
    struct address address; /* as configured */
    struct text port_text;
    const struct text *cors_origins;
    size_t cors_origin_count;
    const uint32_t *proxies; /* IPv4, network byte order */
    size_t proxy_count;
    struct coders *coders;
    struct exchange *free_exchanges;
    struct server_lock *lock;
    atomic_uint in_flight;
};

#endif
