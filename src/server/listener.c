/* The listener: takes connections and hands them to the library's threads in turn. Left to themselves, the one that wakes first takes
 * most, and the other cores wait. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/exchange.h"

enum { PAUSE_NS = 10 * 1000 * 1000 };

struct listener {
    pthread_t thread;
    int socket, wake; /* `wake` is written to once, at the end */
    struct MHD_Daemon *daemon;
    struct patience *patience;
    unsigned most;
};

static bool has_room(const struct listener *listener) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL || info->num_connections < listener->most;
}

static void pause_briefly(void) {
    (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

/* False when there is nobody left, or no room. */
static bool take_one(const struct listener *listener) {
    if (!has_room(listener)) {
        pause_briefly();
        return false;
    }
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int connection = accept4(listener->socket, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection >= 0) {
        (void)MHD_add_connection(listener->daemon, connection, (struct sockaddr *)&peer, size);
        return true;
    }
    int why = errno;
    if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM)
        pause_briefly();
    return why == ECONNABORTED || why == EINTR;
}

static void *listen_on(void *context) {
    const struct listener *listener = context;
    struct pollfd events[] = {{.fd = listener->socket, .events = POLLIN}, {.fd = listener->wake, .events = POLLIN}};
    while ((events[1].revents & POLLIN) == 0) {
        int ready = poll(events, 2, patience_sweep(listener->patience));
        if (ready < 0 && errno != EINTR)
            break;
        while (ready > 0 && (events[0].revents & POLLIN) != 0 && take_one(listener)) {
        }
    }
    return NULL;
}

enum status listener_open(struct listener **out, const struct server *server, unsigned most, struct scope *scope) {
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the listener");
    *listener = (struct listener){.socket = server->config.socket,
        .daemon = server->daemon,
        .patience = server->patience,
        .most = most,
        .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (listener->wake < 0 || pthread_create(&listener->thread, NULL, listen_on, listener) != 0) {
        if (listener->wake >= 0)
            (void)close(listener->wake);
        free(listener);
        return fault(scope, STATUS_UNAVAILABLE, "", "the system refused the listener's thread");
    }
    *out = listener;
    return STATUS_OK;
}

void listener_close(struct listener *listener) {
    if (listener == NULL)
        return;
    (void)eventfd_write(listener->wake, 1);
    pthread_join(listener->thread, NULL);
    (void)close(listener->wake);
    free(listener);
}
