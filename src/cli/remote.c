#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/remote.h"
#include "http/http.h"

enum { REMOTE_ANSWER_MAX = 512 * 1024 * 1024, REMOTE_CONNECT_TIMEOUT_S = 5, REMOTE_TIMEOUT_S = 600 };

struct remote {
    struct http_client *client;
    char base[256];
};

enum status remote_open(struct remote **out, const char *url, struct scope *scope) {
    struct text base = text_from(url);
    while (text_ends(base, "/"))
        base.size--;
    if (text_ends(base, "/fhir"))
        base.size -= 5;
    if (!http_is_loopback(base) || text_starts(base, "https:") || base.size > 200)
        return fault(scope, STATUS_INVALID, "--url", "%s",
            say("until sign-in exists the URL must be of this machine: http://127.0.0.1:PORT",
                "로그인이 생길 때까지는 이 컴퓨터의 URL이어야 합니다: http://127.0.0.1:PORT"));
    struct remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL || http_open(&remote->client, scope) != STATUS_OK) {
        free(remote);
        return fault(scope, STATUS_UNAVAILABLE, "--url", "no memory for the HTTP client");
    }
    (void)snprintf(remote->base, sizeof remote->base, "%.*s/fhir", (int)base.size, base.at);
    *out = remote;
    return STATUS_OK;
}

void remote_close(struct remote *remote) {
    if (remote == NULL)
        return;
    http_close(remote->client);
    free(remote);
}

enum { HEADERS_MAX = 8 };

enum status remote_send(struct remote_answer *out, struct remote *remote, const char *method, const char *path,
    struct text body, const char *const *headers, struct scope *scope) {
    const char *list[HEADERS_MAX + 2] = {"Content-Type: application/fhir+json"};
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        invariant(i < HEADERS_MAX);
        list[i + 1] = headers[i];
    }
    struct http_request request = {.method = method,
        .url = text_format(scope->arena, "%s%s%s", remote->base, path[0] != '\0' ? "/" : "", path).at,
        .body = body,
        .headers = list,
        .connect_s = REMOTE_CONNECT_TIMEOUT_S,
        .timeout_s = REMOTE_TIMEOUT_S,
        .answer_max = REMOTE_ANSWER_MAX,
        .direct = true};
    struct http_answer answer = {0};
    enum status status = http_send(&answer, remote->client, &request, remote->base, scope);
    out->http_status = answer.status;
    out->body = text_copy(scope->arena, answer.body);
    out->etag = text_copy(scope->arena, answer.etag);
    return status;
}

enum status remote_post(
    struct text *out, struct remote *remote, const char *path, struct text body, struct scope *scope) {
    struct remote_answer answer = {0};
    yyjson_doc *document;
    enum status status = remote_send(&answer, remote, "POST", path, body, NULL, scope);
    if (status != STATUS_OK)
        return status;
    *out = answer.body;
    if (answer.http_status >= 200 && answer.http_status < 300)
        return STATUS_OK;
    status = json_read(&document, answer.body, scope);
    if (status != STATUS_OK)
        return fault(scope, STATUS_FAILED, path, "the server answered %d", answer.http_status);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(yyjson_doc_get_root(document), "issue"), index, count, item) {
        struct text words = json_get_text(item, "diagnostics");
        fault(scope, STATUS_INVALID, path, "%.*s", (int)words.size, words.at != NULL ? words.at : "");
    }
    return STATUS_INVALID;
}
