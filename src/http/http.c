#include "http/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ETAG_MAX = 128 };

/* The answer lies outside of any arena: an arena's escape must not jump over the library. */
struct http_client {
    CURL *curl;
    char *body;
    size_t size, capacity, most;
    bool is_too_large;
    char etag[ETAG_MAX];
};

enum status http_open(struct http_client **out, struct scope *scope) {
    struct http_client *client = calloc(1, sizeof *client);
    if (client == NULL || (client->curl = curl_easy_init()) == NULL) {
        free(client);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to ask another server");
    }
    *out = client;
    return STATUS_OK;
}

void http_close(struct http_client *client) {
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    free(client->body);
    free(client);
}

static size_t take_body(char *data, size_t one, size_t count, void *context) {
    struct http_client *client = context;
    size_t size = one * count;
    if (size > client->most - client->size) {
        client->is_too_large = true;
        return 0;
    }
    if (client->size + size > client->capacity) {
        size_t capacity = 2 * (client->size + size);
        char *grown = realloc(client->body, capacity);
        if (grown == NULL) {
            return 0;
        }
        client->body = grown;
        client->capacity = capacity;
    }
    memcpy(client->body + client->size, data, size);
    client->size += size;
    return size;
}

static size_t take_header(char *data, size_t one, size_t count, void *context) {
    struct http_client *client = context;
    struct text value = {data, one * count};
    struct text name = text_cut(&value, ':');
    value = text_trim(value);
    if (name.size == 4 && strncasecmp(name.at, "ETag", 4) == 0 && value.size < sizeof client->etag) {
        memcpy(client->etag, value.at, value.size);
        client->etag[value.size] = '\0';
    }
    return one * count;
}

static struct curl_slist *list_of(const struct http_request *request) {
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no round trip for 100-continue */
    for (size_t i = 0; list != NULL && request->headers != NULL && request->headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(list, request->headers[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
        }
        list = longer;
    }
    return list;
}

static void set_request(struct http_client *client, const struct http_request *request, struct curl_slist *headers) {
    CURL *curl = client->curl;
    curl_easy_reset(curl); /* the connection stays */
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)request->connect_s);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)request->timeout_s);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, client);
    if (request->direct) {
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    }
    if (request->body.at != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.at);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    }
    if (request->method != NULL) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

enum status http_send(struct http_answer *out, struct http_client *client, const struct http_request *request,
    const char *where, struct scope *scope) {
    long status = 0;
    struct curl_slist *headers = list_of(request);
    if (headers == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, where, "no memory to ask another server");
    }
    client->size = 0;
    client->most = request->answer_max;
    client->is_too_large = false;
    client->etag[0] = '\0';
    set_request(client, request, headers);
    CURLcode code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    *out = (struct http_answer){.status = (int)status,
        .body = {client->body != NULL ? client->body : "", client->size},
        .etag = text_from(client->etag)};
    if (client->is_too_large) {
        return fault(scope, STATUS_TOO_LARGE, where, "the answer has more than %zu bytes", request->answer_max);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return fault(scope, STATUS_TOO_COSTLY, where, "no whole answer within %d seconds", request->timeout_s);
    }
    return code == CURLE_OK
               ? STATUS_OK
               : fault(scope, STATUS_UNAVAILABLE, where, "the service does not answer: %s", curl_easy_strerror(code));
}

void http_put_escaped(struct buffer *url, struct text value) {
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        char escaped[3] = {'%', hex[byte >> 4], hex[byte & 15]};
        bool stays = byte != '\0' && strchr(plain, byte) != NULL; /* RFC 3986, 2.3 */
        buffer_put(url, stays ? (struct text){value.at + i, 1} : (struct text){escaped, 3});
    }
}

bool http_is_loopback(struct text url) {
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    size_t scheme = text_starts(url, "http://") ? 7 : text_starts(url, "https://") ? 8 : url.size;
    struct text rest = {url.at + scheme, url.size - scheme};
    struct text authority = text_cut(&rest, '/');
    bool has_user = authority.size > 0 && memchr(authority.at, '@', authority.size) != NULL;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0] && !has_user; i++) {
        size_t size = strlen(hosts[i]);
        if (text_starts(authority, hosts[i]) && (authority.size == size || authority.at[size] == ':')) {
            return true;
        }
    }
    return false;
}
