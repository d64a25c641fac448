/* fhir_load PORT CONNECTIONS SECONDS FILE: sends the requests of FILE over keep-alive connections, each its next one as soon as
 * the answer is there, and prints one JSON line of what came back. SECONDS 0: the file once, to its end.
 *
 * FILE: records of {u32 kind, u32 follow, u32 weight, u32 size} and the request's bytes. `follow`: so many next links of the
 * answer are asked for afterwards. `weight`: what the request is worth; 0 takes the "total" of the answer's Bundle. In a request
 * each run of 12 '@' becomes 12 hex digits and each run of 6 '#' six decimal digits, other ones every time. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KINDS = 64, CONNECTIONS_MAX = 1024, STEPS = 64, OCTAVES = 36, ANSWER_MIN = 1 << 16, GRACE_S = 60 };

struct record {
    uint32_t kind, follow, weight, size;
};

/* Latencies in steps of under 2 %. */
struct kind {
    uint64_t count, refused, weight, max_us;
    uint64_t steps[OCTAVES * STEPS];
    int first_refusal;
};

struct connection {
    int socket;
    struct record record;
    const char *source; /* the request as the file has it, or own */
    char *request;
    size_t request_capacity, sent;
    char *answer;
    size_t answer_capacity, received, head_size, body_size;
    uint64_t start_us;
    bool busy;
};

static struct kind kinds[KINDS];
static struct connection connections[CONNECTIONS_MAX];
static const char *requests, *next_request, *requests_end;
static uint64_t number, end_us, in_flight;
static bool once;
static int epoll;
static unsigned port;

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "fhir_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static uint64_t mixed(uint64_t x) { /* splitmix64 */
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

/* ---- latencies ------------------------------------------------------------------------------------------------------ */

static unsigned step_of(uint64_t us) {
    if (us < STEPS) {
        return (unsigned)us;
    }
    unsigned octave = 63U - (unsigned)__builtin_clzll(us) - 5U; /* 1.. */
    unsigned step = octave * (STEPS / 2) + (unsigned)(us >> octave);
    return step < OCTAVES * STEPS ? step : OCTAVES * STEPS - 1;
}

static uint64_t step_us(unsigned step) { /* the step's upper end */
    if (step < STEPS) {
        return step;
    }
    unsigned octave = step / (STEPS / 2) - 1;
    return ((uint64_t)(step - octave * (STEPS / 2)) + 1) << octave;
}

static double percentile_ms(const struct kind *kind, double share) {
    uint64_t wanted = (uint64_t)((double)kind->count * share), seen = 0;
    for (unsigned i = 0; i < OCTAVES * STEPS; i++) {
        seen += kind->steps[i];
        if (seen > wanted) {
            uint64_t us = step_us(i);
            return (double)(us < kind->max_us ? us : kind->max_us) / 1e3;
        }
    }
    return (double)kind->max_us / 1e3;
}

static void note(struct kind *kind, uint64_t us, int status, uint64_t weight) {
    kind->count++;
    kind->steps[step_of(us)]++;
    kind->max_us = us > kind->max_us ? us : kind->max_us;
    if (status >= 200 && status < 300) {
        kind->weight += weight;
    } else {
        kind->first_refusal = kind->refused++ == 0 ? status : kind->first_refusal;
    }
}

static void print_kind(const char *name, const struct kind *kind) {
    printf(
        "\"%s\":{\"count\":%llu,\"refused\":%llu,\"first_refusal\":%d,\"weight\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
        "\"p999_ms\":%.3f,\"max_ms\":%.3f}",
        name, (unsigned long long)kind->count, (unsigned long long)kind->refused, kind->first_refusal,
        (unsigned long long)kind->weight, percentile_ms(kind, 0.5), percentile_ms(kind, 0.99),
        percentile_ms(kind, 0.999), (double)kind->max_us / 1e3);
}

static void print_all(double seconds) {
    static struct kind all;
    printf("{\"seconds\":%.3f,\"kinds\":{", seconds);
    const char *comma = "";
    for (unsigned i = 0; i < KINDS; i++) {
        if (kinds[i].count == 0) {
            continue;
        }
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        printf("%s", comma);
        comma = ",";
        print_kind(name, &kinds[i]);
        all.count += kinds[i].count;
        all.refused += kinds[i].refused;
        all.weight += kinds[i].weight;
        all.first_refusal = all.first_refusal != 0 ? all.first_refusal : kinds[i].first_refusal;
        all.max_us = all.max_us > kinds[i].max_us ? all.max_us : kinds[i].max_us;
        for (unsigned step = 0; step < OCTAVES * STEPS; step++) {
            all.steps[step] += kinds[i].steps[step];
        }
    }
    printf("},");
    print_kind("all", &all);
    printf("}\n");
}

/* ---- requests ------------------------------------------------------------------------------------------------------- */

static void fill_places(char *text, size_t size) {
    for (char *at = text; (at = memchr(at, '@', size - (size_t)(at - text))) != NULL;) {
        if ((size_t)(at - text) + 12 <= size && memcmp(at, "@@@@@@@@@@@@", 12) == 0) {
            uint64_t random = mixed(++number);
            for (int i = 0; i < 12; i++) {
                at[i] = "0123456789abcdef"[random >> (4 * i) & 15];
            }
        }
        at++;
    }
    for (char *at = text; (at = memchr(at, '#', size - (size_t)(at - text))) != NULL;) {
        if ((size_t)(at - text) + 6 <= size && memcmp(at, "######", 6) == 0) {
            uint64_t random = mixed(++number) % 900000 + 100000;
            for (int i = 5; i >= 0; i--, random /= 10) {
                at[i] = (char)('0' + random % 10);
            }
        }
        at++;
    }
}

static void send_more(struct connection *c) {
    while (c->sent < c->record.size) {
        ssize_t sent = send(c->socket, c->request + c->sent, c->record.size - c->sent, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (sent <= 0) {
            give_up("send");
        }
        c->sent += (size_t)sent;
    }
}

static void send_request(struct connection *c, const char *source) {
    if (c->request_capacity < c->record.size) {
        c->request_capacity = (size_t)c->record.size * 2;
        c->request = realloc(c->request, c->request_capacity);
    }
    memcpy(c->request, source, c->record.size);
    fill_places(c->request, c->record.size);
    c->sent = c->received = c->head_size = c->body_size = 0;
    c->busy = true;
    in_flight++;
    c->start_us = now_us();
    send_more(c);
}

static void send_next(struct connection *c) {
    if (!once && next_request == requests_end) {
        next_request = requests;
    }
    if (next_request == requests_end || (!once && now_us() >= end_us)) {
        return;
    }
    memcpy(&c->record, next_request, sizeof c->record);
    const char *source = next_request + sizeof c->record;
    next_request = source + c->record.size;
    send_request(c, source);
}

/* The request for the answer's next link, when one is due. */
static bool send_follow(struct connection *c) {
    static const char relation[] = "\"relation\":\"next\",\"url\":\"http://";
    if (c->record.follow == 0 || (!once && now_us() >= end_us)) {
        return false;
    }
    const char *body = c->answer + c->head_size;
    const char *found = memmem(body, c->body_size, relation, sizeof relation - 1);
    if (found == NULL) {
        return false;
    }
    const char *path = strchr(found + sizeof relation - 1, '/'), *quote = strchr(path, '"');
    static char request[1 << 16];
    int size = snprintf(
        request, sizeof request, "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", (int)(quote - path), path, port);
    if (size >= (int)sizeof request) {
        return false;
    }
    c->record.follow--;
    c->record.size = (uint32_t)size;
    send_request(c, request);
    return true;
}

/* ---- answers -------------------------------------------------------------------------------------------------------- */

static void read_head(struct connection *c) {
    char *end = memmem(c->answer, c->received, "\r\n\r\n", 4);
    if (end == NULL) {
        return;
    }
    c->head_size = (size_t)(end - c->answer) + 4;
    *end = '\0';
    const char *length = strcasestr(c->answer, "\nContent-Length:");
    c->body_size = length == NULL ? 0 : strtoull(length + sizeof "\nContent-Length:" - 1, NULL, 10);
    if (length == NULL && strcasestr(c->answer, "\nTransfer-Encoding:") != NULL) {
        errno = ENOTSUP;
        give_up("an answer without its length");
    }
}

static uint64_t total_of(const struct connection *c) {
    const char *found = memmem(c->answer + c->head_size, c->body_size, "\"total\":", 8);
    return found == NULL ? 0 : strtoull(found + 8, NULL, 10);
}

static void on_answer(struct connection *c) {
    int status = (int)strtol(c->answer + sizeof "HTTP/1.1", NULL, 10);
    c->answer[c->head_size + c->body_size] = '\0';
    note(&kinds[c->record.kind % KINDS], now_us() - c->start_us, status,
        c->record.weight != 0 ? c->record.weight : total_of(c));
    c->busy = false;
    in_flight--;
    if (!send_follow(c)) {
        send_next(c);
    }
}

static void on_readable(struct connection *c) {
    for (;;) {
        if (c->answer_capacity - c->received < ANSWER_MIN) {
            c->answer_capacity = c->answer_capacity * 2 + 2 * ANSWER_MIN;
            c->answer = realloc(c->answer, c->answer_capacity);
        }
        ssize_t got = recv(c->socket, c->answer + c->received, c->answer_capacity - c->received - 1, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            give_up("the server closed a connection");
        }
        c->received += (size_t)got;
        if (c->head_size == 0) {
            read_head(c);
        }
        if (c->busy && c->head_size != 0 && c->received >= c->head_size + c->body_size) {
            on_answer(c);
            return;
        }
    }
}

static void open_connection(struct connection *c) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        give_up("connect");
    }
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->socket, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->socket, &event) != 0) {
        give_up("epoll");
    }
}

static void map_requests(const char *path) {
    int file = open(path, O_RDONLY);
    struct stat stat;
    if (file < 0 || fstat(file, &stat) != 0 || stat.st_size == 0) {
        give_up(path);
    }
    requests = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (requests == MAP_FAILED) {
        give_up(path);
    }
    close(file);
    next_request = requests;
    requests_end = requests + stat.st_size;
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: fhir_load PORT CONNECTIONS SECONDS FILE\n");
        return 2;
    }
    long wanted = strtol(arguments[2], NULL, 10);
    if (wanted < 1 || wanted > CONNECTIONS_MAX) {
        return 2;
    }
    port = (unsigned)strtoul(arguments[1], NULL, 10);
    double seconds = strtod(arguments[3], NULL);
    once = seconds <= 0;
    map_requests(arguments[4]);
    number = mixed((uint64_t)getpid() ^ now_us());
    epoll = epoll_create1(0);
    for (long i = 0; i < wanted; i++) {
        open_connection(&connections[i]);
    }
    uint64_t start_us = now_us();
    end_us = start_us + (uint64_t)(seconds * 1e6);
    for (long i = 0; i < wanted; i++) {
        send_next(&connections[i]);
    }
    struct epoll_event events[256];
    while (in_flight > 0) {
        int ready = epoll_wait(epoll, events, 256, 1000);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->busy && (events[i].events & EPOLLOUT) != 0) {
                send_more(c);
            }
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
                on_readable(c);
            }
        }
        if (!once && now_us() > end_us + GRACE_S * 1000000ULL) {
            fprintf(stderr, "fhir_load: %llu requests were not answered\n", (unsigned long long)in_flight);
            break;
        }
    }
    print_all((double)(now_us() - start_us) / 1e6);
    return 0;
}
