#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/remote.h"

enum { REMOTE_ANSWER_MAX = 512 * 1024 * 1024, REMOTE_CONNECT_TIMEOUT_S = 5, REMOTE_TIMEOUT_S = 600 };

struct remote {
    CURL *curl;
    char base[256];
};

static bool is_loopback(const char *url) {
    static const char *const names[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size = strlen(names[i]);
        if (strncmp(url, names[i], size) == 0 && (url[size] == ':' || url[size] == '/' || url[size] == '\0'))
            return true;
    }
    return false;
}

enum status remote_open(struct remote **out, const char *url, struct scope *scope) {
    struct text base = text_from(url);
    while (text_ends(base, "/"))
        base.size--;
    if (text_ends(base, "/fhir"))
        base.size -= 5;
    if (!is_loopback(url) || base.size > 200)
        return fault(scope, STATUS_INVALID, "--url",
            "until sign-in exists the URL must be of this machine: http://127.0.0.1:PORT");
    struct remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL || (remote->curl = curl_easy_init()) == NULL) {
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
    curl_easy_cleanup(remote->curl);
    free(remote);
}

/* The body grows outside the arena: its escape must not jump over the HTTP library. */
struct received {
    char *at;
    size_t size, capacity;
    char etag[64];
};

static size_t take_body(char *data, size_t one, size_t count, void *context) {
    struct received *received = context;
    size_t size = one * count;
    if (received->size + size > REMOTE_ANSWER_MAX)
        return 0;
    if (received->size + size > received->capacity) {
        size_t capacity = (received->size + size) * 2;
        char *grown = realloc(received->at, capacity);
        if (grown == NULL)
            return 0;
        received->at = grown;
        received->capacity = capacity;
    }
    memcpy(received->at + received->size, data, size);
    received->size += size;
    return size;
}

static size_t take_header(char *data, size_t one, size_t count, void *context) {
    struct received *received = context;
    struct text value = {data, one * count};
    struct text name = text_cut(&value, ':');
    value = text_trim(value);
    if (name.size == 4 && strncasecmp(name.at, "ETag", 4) == 0 && value.size < sizeof received->etag) {
        memcpy(received->etag, value.at, value.size);
        received->etag[value.size] = '\0';
    }
    return one * count;
}

static void set_request(
    struct remote *remote, const char *method, const char *url, struct text body, struct received *received) {
    CURL *curl = remote->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)REMOTE_CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REMOTE_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, received);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, received);
    if (body.at != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    }
}

enum status remote_send(struct remote_answer *out, struct remote *remote, const char *method, const char *path,
    struct text body, const char *const *headers, struct scope *scope) {
    struct received received = {0};
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/fhir+json");
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
        list = curl_slist_append(list, headers[i]);
    list = curl_slist_append(list, "Expect:"); /* no 100-continue round trip */
    const char *url = text_format(scope->arena, "%s%s%s", remote->base, path[0] != '\0' ? "/" : "", path).at;
    set_request(remote, method, url, body, &received);
    curl_easy_setopt(remote->curl, CURLOPT_HTTPHEADER, list);
    CURLcode code = curl_easy_perform(remote->curl);
    curl_easy_getinfo(remote->curl, CURLINFO_RESPONSE_CODE, &out->http_status);
    curl_slist_free_all(list);
    arena_defer(scope->arena, free, received.at);
    out->body = (struct text){received.at, received.size};
    out->etag = text_copy(scope->arena, text_from(received.etag));
    if (code != CURLE_OK)
        return fault(scope, STATUS_UNAVAILABLE, remote->base, "%s", curl_easy_strerror(code));
    return STATUS_OK;
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
        return fault(scope, STATUS_FAILED, path, "the server answered %ld", answer.http_status);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(yyjson_doc_get_root(document), "issue"), index, count, item) {
        struct text words = json_get_text(item, "diagnostics");
        fault(scope, STATUS_INVALID, path, "%.*s", (int)words.size, words.at != NULL ? words.at : "");
    }
    return STATUS_INVALID;
}
