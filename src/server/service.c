/* The listening service: libmicrohttpd, the life of an exchange, opening and closing. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/exchange.h"

enum {
    HTTP_THREADS_MIN = 2, /* as many as there are cores, between these */
    HTTP_THREADS_MAX = 8,
    WORKERS_DEFAULT = 4,
    CONNECTIONS_MAX = 4096,
    FILES_KEPT = 256, /* descriptors that are no connections: the database's, the log's */
    PATIENCE_DEFAULT_S = 10,
    CONNECTION_MEMORY = 40 * 1024, /* a target and headers; the library zeroes it for each request */
    FREE_EXCHANGES_MAX = 64,
    ARENA_BASE = 64 * 1024 * 1024, /* what any request may use, and */
    ARENA_PER_BODY_BYTE = 24,      /* what each byte of the largest body adds */
    CLOSING_PATIENCE_MS = 10000,
    LISTEN_BACKLOG = 511,
    ADDRESSES_ARENA = 1024 * 1024,
    LIGHTEN_FROM = 1024 * 1024, /* bytes in an exchange's arena */
};

struct server_lock {
    pthread_mutex_t mutex;
    size_t free_count;
};

/* ---- an exchange's life --------------------------------------------------------------------------------------------- */

static struct exchange *exchange_take(struct server *server) {
    pthread_mutex_lock(&server->lock->mutex);
    struct exchange *exchange = server->free_exchanges;
    if (exchange != NULL) {
        server->free_exchanges = exchange->next;
        server->lock->free_count--;
    }
    pthread_mutex_unlock(&server->lock->mutex);
    struct arena *arena =
        exchange != NULL ? exchange->arena : arena_open(ARENA_BASE + ARENA_PER_BODY_BYTE * server->config.body_max);
    if (exchange == NULL)
        exchange = malloc(sizeof *exchange);
    if (exchange == NULL || arena == NULL) {
        arena_close(arena);
        free(exchange);
        return NULL;
    }
    memset(exchange, 0, sizeof *exchange);
    exchange->server = server;
    exchange->arena = arena;
    exchange->scope.arena = arena;
    atomic_fetch_add(&server->in_flight, 1);
    return exchange;
}

static void exchange_give_back(struct exchange *exchange) {
    struct server *server = exchange->server;
    workers_release(server->workers, exchange);
    bool keeps_much = arena_used(exchange->arena) > 4 * 1024 * 1024;
    atomic_fetch_sub(&server->in_flight, 1);
    if (!keeps_much) {
        arena_reset(exchange->arena);
        pthread_mutex_lock(&server->lock->mutex);
        bool has_room = server->lock->free_count < FREE_EXCHANGES_MAX;
        if (has_room) {
            exchange->next = server->free_exchanges;
            server->free_exchanges = exchange;
            server->lock->free_count++;
        }
        pthread_mutex_unlock(&server->lock->mutex);
        if (has_room)
            return;
    }
    arena_close(exchange->arena);
    free(exchange);
}

void exchange_header(struct exchange *exchange, const char *name, const char *value) {
    invariant(exchange->header_count < EXCHANGE_HEADERS_MAX);
    exchange->headers[exchange->header_count++] = (struct exchange_header){name, value};
}

const char *exchange_request_header(const struct exchange *exchange, const char *name) {
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

void exchange_finish(struct exchange *exchange) {
    struct MHD_Connection *connection = exchange->connection;
    if (atomic_exchange(&exchange->turn, EXCHANGE_DONE) == EXCHANGE_WAITING)
        MHD_resume_connection(connection);
}

static struct patience_row *row_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void await(const struct exchange *exchange, enum patience_step step, size_t bytes) {
    patience_await(exchange->server->patience, row_of(exchange->connection), step, bytes);
}

/* ---- callbacks of libmicrohttpd --------------------------------------------------------------------------------------- */

/* What a browser may do with an answer. JSON, which nothing renders, needs none. */
static const char *policy_of(const struct exchange *exchange) {
    static const char page_policy[] =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; frame-ancestors 'none'";
    static const char content_policy[] = "default-src 'none'; frame-ancestors 'none'; sandbox";
    if (exchange->binary == EXCHANGE_AS_CONTENT)
        return content_policy;
    return exchange->content_type == format_json_type ? NULL : page_policy;
}

/* Without one of them an answer may mean something else (Content-Encoding, ETag): all or none. */
static bool add_headers(struct MHD_Response *response, const struct exchange *exchange) {
    const char *policy = policy_of(exchange);
    bool fine = MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES;
    if (fine && exchange->content.size > 0)
        fine = MHD_add_response_header(response, "Content-Type", exchange->content_type) == MHD_YES;
    if (fine && policy != NULL)
        fine = MHD_add_response_header(response, "Content-Security-Policy", policy) == MHD_YES;
    for (size_t i = 0; fine && i < exchange->header_count; i++) {
        const struct exchange_header *header = &exchange->headers[i];
        fine = header->value[0] == '\0' || MHD_add_response_header(response, header->name, header->value) == MHD_YES;
    }
    return fine;
}

/* However slowly a client takes its answer, what its request was turned into does not wait for that. */
static enum MHD_Result queue_answer(struct exchange *exchange) {
    coding_encode(exchange);
    await(exchange, PATIENCE_FOR_ANSWER, exchange->content.size);
    size_t used = arena_used(exchange->arena);
    bool is_lightened = used > LIGHTEN_FROM && exchange->content.size < used / 4;
    struct MHD_Response *response = MHD_create_response_from_buffer(exchange->content.size,
        (void *)(uintptr_t)exchange->content.at, is_lightened ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = add_headers(response, exchange)
                                 ? MHD_queue_response(exchange->connection, exchange->http_status, response)
                                 : MHD_NO; /* no memory: the connection is closed */
    MHD_destroy_response(response);
    if (is_lightened)
        arena_reset(exchange->arena); /* nothing of the exchange is read any more */
    workers_release(exchange->server->workers, exchange);
    return result;
}

struct body_chunk {
    struct exchange *exchange;
    const char *at;
    size_t size;
};

static enum status take_body(void *context, struct scope *scope) {
    const struct body_chunk *chunk = context;
    (void)scope;
    buffer_put(&chunk->exchange->body, (struct text){chunk->at, chunk->size});
    return STATUS_OK;
}

static enum status run_route(void *context, struct scope *scope) {
    struct exchange *exchange = context;
    if (exchange->body.full)
        return fault(scope, STATUS_TOO_LARGE, "", "the request's body is larger than %zu bytes",
            exchange->server->config.body_max);
    return route_run(exchange, scope);
}

/* Answers that an HTTP thread would write for too long are written by a worker. */
static void on_records_done(void *context) {
    struct exchange *exchange = context;
    bool is_plain = exchange->format == EXCHANGE_JSON && !exchange->is_pretty &&
                    exchange->coding == EXCHANGE_IDENTITY && exchange->binary == EXCHANGE_AS_RESOURCE;
    if (is_plain || exchange->answer.body.size < EXCHANGE_LARGE) {
        exchange_finish(exchange);
        return;
    }
    exchange->step = EXCHANGE_TO_RENDER_BY_WORKER;
    workers_submit(exchange->server->workers, exchange);
}

void exchange_submit(struct exchange *exchange) {
    records_submit(&exchange->answer, exchange->server->config.records, &exchange->request, on_records_done, exchange,
        &exchange->scope);
}

static void route(struct exchange *exchange) {
    exchange->step = EXCHANGE_ANSWERED;
    enum status status = scope_run(&exchange->scope, exchange->arena, run_route, exchange);
    if (status == STATUS_OK)
        return;
    answer_fault(exchange, status);
    exchange->step = EXCHANGE_ANSWERED;
}

static enum status run_handler(void *context, struct scope *scope) {
    struct exchange *exchange = context;
    return exchange->worker_handler(exchange, scope);
}

void exchange_work(struct exchange *exchange) {
    if (exchange->step == EXCHANGE_TO_ROUTE_BY_WORKER) {
        route(exchange);
        workers_recharge(exchange->server->workers, exchange);
    }
    if (exchange->step == EXCHANGE_TO_RECORDS || exchange->step == EXCHANGE_TO_RECORDS_BY_WORKER) {
        exchange_submit(exchange);
        return;
    }
    if (exchange->step == EXCHANGE_TO_RENDER_BY_WORKER) {
        answer_render(exchange);
    } else if (exchange->step == EXCHANGE_TO_WORKER) {
        enum status status = scope_run(&exchange->scope, exchange->arena, run_handler, exchange);
        if (status != STATUS_OK)
            answer_fault(exchange, status);
    }
    exchange->is_rendered = true;
    coding_encode(exchange);
    exchange_finish(exchange);
}

static enum MHD_Result answer_now(struct exchange *exchange) {
    if (!exchange->is_rendered)
        answer_render(exchange);
    exchange->is_rendered = true;
    return queue_answer(exchange);
}

/* All of the request is here: do it. Records and workers get the exchange only after scope_run has let go of its arena;
 * then the connection is suspended until they have finished, unless they have already. */
static enum MHD_Result run_exchange(struct exchange *exchange) {
    await(exchange, PATIENCE_FOR_US, 0);
    if (exchange->body.size > EXCHANGE_LARGE)
        exchange->step = EXCHANGE_TO_ROUTE_BY_WORKER;
    else
        route(exchange);
    if (exchange->step == EXCHANGE_ANSWERED)
        return queue_answer(exchange);
    exchange->is_running = true;
    if (exchange->step == EXCHANGE_TO_RECORDS && exchange->body.size > EXCHANGE_LARGE)
        exchange->step = EXCHANGE_TO_RECORDS_BY_WORKER; /* it was coded, and short */
    if (exchange->step == EXCHANGE_TO_RECORDS)
        exchange_submit(exchange);
    else
        workers_submit(exchange->server->workers, exchange);
    if (atomic_load(&exchange->turn) == EXCHANGE_DONE)
        return answer_now(exchange);
    MHD_suspend_connection(exchange->connection);
    if (atomic_exchange(&exchange->turn, EXCHANGE_WAITING) == EXCHANGE_DONE)
        MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **state) {
    struct exchange *exchange = *state;
    if (exchange == NULL) { /* there was no memory for it: the connection is closed */
        return MHD_NO;
    }
    (void)context, (void)url;
    exchange->connection = connection;
    if (exchange->method == NULL) { /* headers only so far */
        await(exchange, PATIENCE_FOR_BODY, 0);
        (void)MHD_set_connection_option(
            connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)patience_rest_s(exchange->server->config.patience_s));
        exchange->method = method;
        exchange->version = version;
        exchange->is_head = strcmp(method, "HEAD") == 0;
        exchange->body = buffer_open(exchange->arena, exchange->server->config.body_max);
        exchange->is_sound = framing_is_sound(exchange);
        return exchange->is_sound ? MHD_YES : run_exchange(exchange); /* what follows is not read */
    }
    if (*upload_size > 0) {
        struct body_chunk chunk = {exchange, upload, *upload_size};
        *upload_size = 0;
        patience_came(row_of(connection), chunk.size);
        if (!exchange->body.full && scope_run(&exchange->scope, exchange->arena, take_body, &chunk) != STATUS_OK)
            exchange->body.full = true;
        return MHD_YES;
    }
    if (!exchange->is_running)
        return run_exchange(exchange);
    invariant(atomic_load(&exchange->turn) != EXCHANGE_STARTED);
    return answer_now(exchange);
}

/* One that sends half a request and waits gives its place back sooner than one that has been served. */
static void on_connection(
    void *context, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode code) {
    const struct server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        patience_end(server->patience, *state);
        *state = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *state = info != NULL ? patience_begin(server->patience, info->connect_fd) : NULL;
    (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)server->config.patience_s);
}

/* The first callback of a request; keeps its target as it was sent. */
static void *on_target(void *context, const char *uri, struct MHD_Connection *connection) {
    struct exchange *exchange = exchange_take(context);
    (void)connection;
    if (exchange == NULL)
        return NULL;
    exchange->target = text_copy(exchange->arena, text_from(uri));
    return exchange;
}

static void on_completed(
    void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
    const struct server *server = context;
    (void)code;
    patience_await(server->patience, row_of(connection), PATIENCE_FOR_NEXT, 0);
    if (*state != NULL)
        exchange_give_back(*state);
    *state = NULL;
}

/* Targets are decoded in target.c, once. */
static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text) {
    (void)context, (void)connection;
    return strlen(text);
}

/* ---- opening and closing ------------------------------------------------------------------------------------------------ */

enum status server_listen(int *socket_out, uint16_t *port_out, uint16_t port, struct scope *scope) {
    int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (socket_fd < 0)
        return fault(scope, STATUS_UNAVAILABLE, "", "no socket: %s", strerror(errno));
    setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(socket_fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(socket_fd, LISTEN_BACKLOG) != 0 ||
        getsockname(socket_fd, (struct sockaddr *)&address, &size) != 0) {
        enum status status = errno == EADDRINUSE ? STATUS_CONFLICT : STATUS_UNAVAILABLE;
        fault(scope, status, "", "cannot listen on 127.0.0.1:%u: %s", (unsigned)port, strerror(errno));
        close(socket_fd);
        return status;
    }
    *port_out = ntohs(address.sin_port);
    *socket_out = socket_fd;
    return STATUS_OK;
}

/* As many as the system lets us have, with descriptors left for the files. */
static unsigned connections_most(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return CONNECTIONS_MAX / 8;
    if (files.rlim_cur < files.rlim_max && files.rlim_cur < CONNECTIONS_MAX + FILES_KEPT) {
        files.rlim_cur = files.rlim_max < CONNECTIONS_MAX + FILES_KEPT ? files.rlim_max : CONNECTIONS_MAX + FILES_KEPT;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0 && getrlimit(RLIMIT_NOFILE, &files) != 0)
            return CONNECTIONS_MAX / 8;
    }
    rlim_t most = files.rlim_cur > 2 * FILES_KEPT ? files.rlim_cur - FILES_KEPT : FILES_KEPT;
    return most > CONNECTIONS_MAX ? CONNECTIONS_MAX : (unsigned)most;
}

static enum status start_daemon(struct server *server, struct scope *scope) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    const unsigned most = connections_most();
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)server->config.http_threads, MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)patience_rest_s(server->config.patience_s), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_target, server, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_encoded, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
    if (server->daemon == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "the HTTP library did not start");
    return listener_open(&server->listener, server, most, scope);
}

/* Origins and proxies as lists; the public address. They live as long as the server. */
static enum status keep_addresses(struct server *server, struct scope *scope) {
    const struct server_config *config = &server->config;
    struct text *origins;
    uint32_t *proxies;
    server->arena = arena_open(ADDRESSES_ARENA);
    if (server->arena == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the server");
    struct scope own = {.arena = server->arena};
    server->port_text = text_format(server->arena, "%u", (unsigned)server->port);
    const char *url = config->public_url != NULL
                          ? config->public_url
                          : text_format(server->arena, "http://127.0.0.1:%u/fhir", (unsigned)server->port).at;
    enum status status = address_parse(&server->address, text_from(url), &own);
    size_t origins_size = config->cors_origins != NULL ? strlen(config->cors_origins) : 0;
    size_t proxies_size = config->trusted_proxies != NULL ? strlen(config->trusted_proxies) : 0;
    origins = ARENA_ARRAY(server->arena, struct text, origins_size + 1);
    proxies = ARENA_ARRAY(server->arena, uint32_t, proxies_size + 1);
    for (struct text rest = {config->cors_origins, origins_size}; rest.size > 0;) {
        struct text one = text_trim(text_cut(&rest, ','));
        origins[server->cors_origin_count++] = text_from(text_string(server->arena, one));
    }
    for (struct text rest = {config->trusted_proxies, proxies_size}; rest.size > 0;) {
        const char *one = text_string(server->arena, text_trim(text_cut(&rest, ',')));
        if (inet_pton(AF_INET, one, &proxies[server->proxy_count]) == 1)
            server->proxy_count++;
    }
    server->cors_origins = origins;
    server->proxies = proxies;
    fault_carry(scope, &own.fault);
    return status;
}

static int threads_of_cores(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < HTTP_THREADS_MIN)
        return HTTP_THREADS_MIN;
    return cores > HTTP_THREADS_MAX ? HTTP_THREADS_MAX : (int)cores;
}

enum status server_open(struct server **out, const struct server_config *config, struct scope *scope) {
    struct server *server = calloc(1, sizeof *server);
    struct server_lock *lock = calloc(1, sizeof *lock);
    if (server == NULL || lock == NULL) {
        free(server);
        free(lock);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the server");
    }
    pthread_mutex_init(&lock->mutex, NULL);
    server->lock = lock;
    server->config = *config;
    server->port = config->port;
    if (server->config.body_max == 0)
        server->config.body_max = SERVER_BODY_MAX;
    if (server->config.http_threads == 0)
        server->config.http_threads = threads_of_cores();
    if (server->config.patience_s == 0)
        server->config.patience_s = PATIENCE_DEFAULT_S;
    if (server->config.workers == 0)
        server->config.workers = WORKERS_DEFAULT;
    operation_register(config);
    enum status status = keep_addresses(server, scope);
    if (status == STATUS_OK)
        status = coders_open(&server->coders, scope);
    if (status == STATUS_OK)
        status = workers_open(&server->workers, server->config.workers, scope);
    if (status == STATUS_OK)
        status = patience_open(&server->patience, server->config.patience_s, scope);
    if (status == STATUS_OK)
        status = start_daemon(server, scope);
    if (status != STATUS_OK)
        server_close(server);
    else
        *out = server;
    return status;
}

uint16_t server_port(const struct server *server) {
    return server->port;
}

/* Suspended connections must be answered before the library may stop. */
static void await_exchanges(const struct server *server) {
    for (int waited_ms = 0; atomic_load(&server->in_flight) > 0 && waited_ms < CLOSING_PATIENCE_MS; waited_ms += 5)
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

void server_close(struct server *server) {
    if (server == NULL)
        return;
    listener_close(server->listener);
    (void)close(server->config.socket);
    await_exchanges(server);
    workers_close(server->workers);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    for (struct exchange *exchange = server->free_exchanges; exchange != NULL;) {
        struct exchange *next = exchange->next;
        arena_close(exchange->arena);
        free(exchange);
        exchange = next;
    }
    patience_close(server->patience);
    coders_close(server->coders);
    arena_close(server->arena);
    pthread_mutex_destroy(&server->lock->mutex);
    free(server->lock);
    free(server);
}
