/* MLLP: frames in, acknowledgements out. One thread takes connections, one serves each. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/region.h"
#include "server/server.h"

enum {
    START = 0x0b,
    END = 0x1c,
    LAST = 0x0d,
    CONNECTIONS_MAX = 32,
    CHUNK = 16 * 1024,
    BACKLOG = 16,
    ADDRESS_MAX = 64,
    PAUSE_MS = 200,           /* where the machine has no room for another connection */
    IDLE_MS = 10 * 60 * 1000, /* between messages */
    TIMEOUT_DEFAULT_S = 10,
};
#define UNIT_BYTES ((size_t)64 << 20)

struct connection {
    struct mllp *mllp;
    pthread_t thread;
    int socket;
    bool used, ended; /* under the lock */
};
struct mllp {
    struct region *region;
    int socket, wake; /* `wake` becomes readable at the end */
    int timeout_ms;
    struct sockaddr_in address;
    pthread_t thread;
    pthread_mutex_t lock;
    struct connection connections[CONNECTIONS_MAX];
};

/* ---- one connection ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct connection *connection;
    char *frame; /* REGION_HL7_MESSAGE_MAX + 1 */
    size_t size;
    bool inside; /* of a frame */
    bool ending; /* the end's first byte has come */
    int64_t began_us;
};

/* False: the other side takes nothing for too long, or all ends. */
static bool wait_to_send(const struct connection *connection) {
    struct pollfd events[] = {
        {.fd = connection->socket, .events = POLLOUT}, {.fd = connection->mllp->wake, .events = POLLIN}};
    int ready = poll(events, 2, connection->mllp->timeout_ms);
    return ready < 0 ? errno == EINTR : ready > 0 && (events[1].revents & POLLIN) == 0;
}

/* Never in the kernel with a sender that does not read: the end would wait for it. */
static bool send_all(const struct connection *connection, struct text bytes) {
    while (bytes.size > 0) {
        ssize_t sent = send(connection->socket, bytes.at, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes = (struct text){bytes.at + sent, bytes.size - (size_t)sent};
        } else if (sent == 0 || (errno != EINTR && errno != EAGAIN) || !wait_to_send(connection)) {
            return false;
        }
    }
    return true;
}

struct answering {
    struct region *region;
    struct text message, answer;
};

static enum status answer(void *context, struct scope *scope) {
    struct answering *answering = context;
    answering->answer = region_hl7_answer(answering->region, answering->message, scope);
    return STATUS_OK;
}

/* False: the connection ends. Without memory there is no answer; the sender sends again. */
static bool answer_frame(struct connection *connection, struct text message) {
    struct answering answering = {.region = connection->mllp->region, .message = message};
    struct scope scope;
    struct arena *arena = arena_open(UNIT_BYTES);
    bool sent = false;
    if (arena != NULL && scope_run(&scope, arena, answer, &answering) == STATUS_OK) {
        static const char start[] = {START}, end[] = {END, LAST};
        struct buffer frame = buffer_open(arena, answering.answer.size + 16);
        buffer_put(&frame, (struct text){start, sizeof start});
        buffer_put(&frame, answering.answer);
        buffer_put(&frame, (struct text){end, sizeof end});
        sent = send_all(connection, buffer_text(&frame));
    }
    arena_close(arena);
    return sent;
}

/* What came whole or too large is answered with what is wrong with it; the header of an unfinished frame names the message. */
static bool take_byte(struct reading *reading, char byte) {
    if (!reading->inside) {
        reading->inside = byte == START; /* bytes between frames say nothing */
        reading->size = 0;
        reading->ending = false;
        reading->began_us = clock_monotonic_us();
        return true;
    }
    if (reading->ending) {
        reading->inside = false;
        bool whole = byte == LAST;
        log_event(LOG_INFO, "hl7-message", "framed", whole ? "yes" : "no", NULL);
        return whole && answer_frame(reading->connection, (struct text){reading->frame, reading->size});
    }
    if (byte == END) {
        reading->ending = true;
        return true;
    }
    reading->frame[reading->size++] = byte;
    if (reading->size > REGION_HL7_MESSAGE_MAX) {
        (void)answer_frame(reading->connection, (struct text){reading->frame, reading->size});
        log_event(LOG_WARNING, "hl7-frame-too-large", NULL);
        return false;
    }
    return true;
}

static int wait_ms(const struct reading *reading) {
    if (!reading->inside) {
        return IDLE_MS;
    }
    int64_t left = reading->connection->mllp->timeout_ms - (clock_monotonic_us() - reading->began_us) / 1000;
    return left > 0 ? (int)left : 0;
}

static bool read_some(struct reading *reading) {
    char bytes[CHUNK];
    struct pollfd events[] = {{.fd = reading->connection->socket, .events = POLLIN},
        {.fd = reading->connection->mllp->wake, .events = POLLIN}};
    int ready = poll(events, 2, wait_ms(reading));
    if (ready < 0 && errno == EINTR) {
        return true;
    }
    if (ready == 0) {
        log_event(LOG_WARNING, reading->inside ? "hl7-sender-too-slow" : "hl7-connection-idle", NULL);
    }
    if (ready <= 0 || (events[1].revents & POLLIN) != 0) {
        return false;
    }
    ssize_t got = recv(reading->connection->socket, bytes, sizeof bytes, 0);
    if (got <= 0) {
        return got < 0 && errno == EINTR;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (!take_byte(reading, bytes[i])) {
            return false;
        }
    }
    return true;
}

static void *serve_connection(void *context) {
    struct connection *connection = context;
    struct reading reading = {.connection = connection, .frame = malloc(REGION_HL7_MESSAGE_MAX + 1)};
    while (reading.frame != NULL && read_some(&reading)) {
    }
    free(reading.frame);
    (void)shutdown(connection->socket, SHUT_RDWR);
    pthread_mutex_lock(&connection->mllp->lock);
    connection->ended = true;
    pthread_mutex_unlock(&connection->mllp->lock);
    return NULL;
}

/* ---- taking connections ------------------------------------------------------------------------------------------------- */

static void join(struct connection *connection) {
    (void)pthread_join(connection->thread, NULL);
    (void)close(connection->socket);
    connection->used = connection->ended = false;
}

/* Those that ended make room. NULL: all are in use. */
static struct connection *find_room(struct mllp *mllp) {
    struct connection *room = NULL;
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &mllp->connections[i];
        pthread_mutex_lock(&mllp->lock);
        bool ended = connection->used && connection->ended;
        pthread_mutex_unlock(&mllp->lock);
        if (ended) {
            join(connection);
        }
        room = connection->used ? room : connection;
    }
    return room;
}

static void take_connection(struct mllp *mllp) {
    int socket = accept4(mllp->socket, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) {
        struct pollfd end = {.fd = mllp->wake, .events = POLLIN};
        (void)poll(&end, 1, PAUSE_MS); /* who waits outside would be asked for again at once */
        return;
    }
    struct connection *connection = find_room(mllp);
    if (connection != NULL) {
        *connection = (struct connection){.mllp = mllp, .socket = socket};
        connection->used = pthread_create(&connection->thread, NULL, serve_connection, connection) == 0;
    }
    if (connection == NULL || !connection->used) {
        log_event(LOG_WARNING, "hl7-too-many-connections", NULL);
        (void)close(socket);
    }
}

static void *take_connections(void *context) {
    struct mllp *mllp = context;
    struct pollfd events[] = {{.fd = mllp->socket, .events = POLLIN}, {.fd = mllp->wake, .events = POLLIN}};
    for (;;) {
        int ready = poll(events, 2, -1);
        if ((ready < 0 && errno != EINTR) || (events[1].revents & POLLIN) != 0) {
            return NULL;
        }
        if (ready > 0 && (events[0].revents & POLLIN) != 0) {
            take_connection(mllp);
        }
    }
}

/* ---- opening and closing -------------------------------------------------------------------------------------------------- */

static enum status read_address(struct sockaddr_in *out, const char *address, struct scope *scope) {
    struct text port = text_from(address), host = text_cut(&port, ':');
    char text[ADDRESS_MAX];
    int64_t number = -1;
    *out = (struct sockaddr_in){.sin_family = AF_INET};
    bool good =
        port.at != NULL && host.size < sizeof text && text_to_int64(&number, port) && number >= 0 && number <= 65535;
    if (good) {
        memcpy(text, host.at, host.size);
        text[host.size] = '\0';
        good = inet_pton(AF_INET, text, &out->sin_addr) == 1;
    }
    out->sin_port = htons((uint16_t)number);
    return good ? STATUS_OK : fault(scope, STATUS_INVALID, "--mllp", "an IPv4 address and a port, as 127.0.0.1:2575");
}

static enum status listen_at(struct mllp *mllp, struct scope *scope) {
    int on = 1;
    socklen_t size = sizeof mllp->address;
    mllp->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mllp->wake = eventfd(0, EFD_CLOEXEC);
    if (mllp->socket < 0 || mllp->wake < 0) {
        return fault(scope, STATUS_UNAVAILABLE, "--mllp", "no socket");
    }
    (void)setsockopt(mllp->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(mllp->socket, (struct sockaddr *)&mllp->address, sizeof mllp->address) != 0 ||
        listen(mllp->socket, BACKLOG) != 0 ||
        getsockname(mllp->socket, (struct sockaddr *)&mllp->address, &size) != 0) {
        return fault(scope, STATUS_CONFLICT, "--mllp", "this address cannot be listened on: %s", strerror(errno));
    }
    return pthread_create(&mllp->thread, NULL, take_connections, mllp) == 0
               ? STATUS_OK
               : fault(scope, STATUS_UNAVAILABLE, "--mllp", "no thread");
}

static void discard(struct mllp *mllp) {
    if (mllp->socket >= 0) {
        (void)close(mllp->socket);
    }
    if (mllp->wake >= 0) {
        (void)close(mllp->wake);
    }
    (void)pthread_mutex_destroy(&mllp->lock);
    free(mllp);
}

enum status mllp_open(struct mllp **out, const struct mllp_config *config, struct scope *scope) {
    struct mllp *mllp = calloc(1, sizeof *mllp);
    if (mllp == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "--mllp", "no memory");
    }
    mllp->region = config->region;
    mllp->timeout_ms = (int)(1000 * (config->timeout_s > 0 ? config->timeout_s : TIMEOUT_DEFAULT_S));
    mllp->socket = mllp->wake = -1;
    pthread_mutex_init(&mllp->lock, NULL);
    enum status status = read_address(&mllp->address, config->address, scope);
    status = status == STATUS_OK ? listen_at(mllp, scope) : status;
    if (status != STATUS_OK) {
        discard(mllp);
        return status;
    }
    *out = mllp;
    return STATUS_OK;
}

uint16_t mllp_port(const struct mllp *mllp) {
    return ntohs(mllp->address.sin_port);
}

bool mllp_is_loopback(const struct mllp *mllp) {
    return ntohl(mllp->address.sin_addr.s_addr) >> 24 == 127;
}

void mllp_close(struct mllp *mllp) {
    if (mllp == NULL) {
        return;
    }
    uint64_t one = 1;
    (void)!write(mllp->wake, &one, sizeof one);
    (void)pthread_join(mllp->thread, NULL);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (mllp->connections[i].used) {
            join(&mllp->connections[i]);
        }
    }
    discard(mllp);
}
