/* Asking another server: what comes back, and what is said when it does not. The other side is a thread that answers as it is told. */
#include "http/http.h"
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct other {
    int listener;
    pthread_t thread;
    const char *answer; /* NULL: says nothing until the client goes */
    char asked[4096];
    char url[64];
};

static void *answer_once(void *context) {
    struct other *other = context;
    int one = accept(other->listener, NULL, NULL);
    size_t size = 0;
    ssize_t got;
    while ((got = recv(one, other->asked + size, sizeof other->asked - 1 - size, 0)) > 0) {
        size += (size_t)got;
        if (other->answer != NULL && strstr(other->asked, "\r\n\r\n") != NULL) {
            (void)send(one, other->answer, strlen(other->answer), MSG_NOSIGNAL);
            break;
        }
    }
    close(one);
    return NULL;
}

static void other_open(struct other *other, const char *answer) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *other = (struct other){.listener = socket(AF_INET, SOCK_STREAM, 0), .answer = answer};
    assert_int_equal(bind(other->listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(other->listener, 1), 0);
    assert_int_equal(getsockname(other->listener, (struct sockaddr *)&at, &size), 0);
    (void)snprintf(other->url, sizeof other->url, "http://127.0.0.1:%d/a?b=c", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&other->thread, NULL, answer_once, other), 0);
}

static void other_close(struct other *other) {
    pthread_join(other->thread, NULL);
    close(other->listener);
}

static enum status ask(struct http_answer *answer, char body[256], const char *said, struct http_request request,
    struct other *other, struct issue *issue) {
    struct arena *arena = arena_open(1 << 20);
    struct scope scope = {.arena = arena};
    struct http_client *client;
    other_open(other, said);
    assert_int_equal(http_open(&client, &scope), STATUS_OK);
    request.url = other->url;
    request.direct = true;
    request.connect_s = 2;
    request.timeout_s = 1;
    enum status status = http_send(answer, client, &request, "there", &scope);
    (void)snprintf(
        body, 256, "%.*s|%.*s", (int)answer->body.size, answer->body.at, (int)answer->etag.size, answer->etag.at);
    if (scope.fault.first != NULL) {
        assert_string_equal(scope.fault.first->path, "there");
        *issue = (struct issue){.status = scope.fault.first->status};
    }
    http_close(client);
    other_close(other);
    arena_close(arena);
    return status;
}

static void an_answer_comes_whole_with_its_etag(void **state) {
    (void)state;
    struct other other;
    struct http_answer answer;
    struct issue issue;
    char body[256];
    struct http_request request = {.answer_max = 5};
    assert_int_equal(ask(&answer, body, "HTTP/1.1 404 no\r\neTag: W/\"3\"\r\nContent-Length: 5\r\n\r\nabcde", request,
                         &other, &issue),
        STATUS_OK);
    assert_int_equal(answer.status, 404);
    assert_string_equal(body, "abcde|W/\"3\"");
    assert_non_null(strstr(other.asked, "GET /a?b=c HTTP/1.1\r\n"));
    assert_null(strstr(other.asked, "Expect"));
}

static void a_body_is_posted_with_the_headers(void **state) {
    (void)state;
    struct other other;
    struct http_answer answer;
    struct issue issue;
    char body[256];
    const char *const headers[] = {"Content-Type: application/fhir+json", "If-Match: W/\"1\"", NULL};
    struct http_request request = {.body = text_from("{}"), .headers = headers, .answer_max = 99};
    assert_int_equal(
        ask(&answer, body, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", request, &other, &issue), STATUS_OK);
    assert_string_equal(body, "|");
    assert_non_null(strstr(other.asked, "POST /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(other.asked, "\r\nContent-Type: application/fhir+json\r\n"));
    assert_non_null(strstr(other.asked, "\r\nIf-Match: W/\"1\"\r\n"));
    assert_non_null(strstr(other.asked, "\r\nContent-Length: 2\r\n"));
}

static void what_fails_is_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *said;
        enum status status;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef", STATUS_TOO_LARGE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", STATUS_UNAVAILABLE}, /* broken off */
        {"", STATUS_UNAVAILABLE}, {NULL, STATUS_TOO_COSTLY},
        {"HTTP/1.1 302 there\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            STATUS_OK}, /* not followed */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct other other;
        struct http_answer answer;
        struct issue issue = {.status = STATUS_OK};
        char body[256];
        struct http_request request = {.answer_max = 5};
        assert_int_equal(ask(&answer, body, rows[i].said, request, &other, &issue), rows[i].status);
        assert_int_equal(issue.status, rows[i].status);
    }
}

static void other_schemes_are_not_asked(void **state) {
    (void)state;
    struct scope scope = {.arena = arena_open(1 << 16)};
    struct http_client *client;
    struct http_answer answer;
    struct http_request request = {.url = "file:///etc/passwd", .connect_s = 1, .timeout_s = 1, .answer_max = 9};
    assert_int_equal(http_open(&client, &scope), STATUS_OK);
    assert_int_equal(http_send(&answer, client, &request, "", &scope), STATUS_UNAVAILABLE);
    assert_int_equal(answer.body.size, 0);
    http_close(client);
    arena_close(scope.arena);
}

static void values_are_escaped(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 16);
    struct buffer url = buffer_open(arena, 1000);
    http_put_escaped(&url, text_from("a-Z.0_~ +/&=%강"));
    struct text out = buffer_text(&url);
    assert_true(text_is(out, "a-Z.0_~%20%2B%2F%26%3D%25%EA%B0%95"));
    arena_close(arena);
}

static void this_machine_is_known_by_its_names(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool is;
    } rows[] = {
        {"http://127.0.0.1", true},
        {"http://127.0.0.1:8080/fhir", true},
        {"https://localhost/v1", true},
        {"http://[::1]:80", true},
        {"http://127.0.0.1.example.org", false},
        {"http://localhost@example.org", false},
        {"http://example.org/http://localhost", false},
        {"http://localhost:80@example.org/", false},
        {"http://127.0.0.1:1@example.org", false},
        {"ftp://localhost", false},
        {"localhost:80", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(http_is_loopback(text_from(rows[i].url)), rows[i].is);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_whole_with_its_etag),
        cmocka_unit_test(a_body_is_posted_with_the_headers),
        cmocka_unit_test(what_fails_is_told_apart),
        cmocka_unit_test(other_schemes_are_not_asked),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(this_machine_is_known_by_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
