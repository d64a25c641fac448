#include "cli/draft.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 256 * 1024, REQUEST_MAX = 2 * 1024 * 1024, CONNECT_TIMEOUT_S = 3, TIMEOUT_S = 20 };

struct draft_endpoint {
    const char *url, *model;
};

static bool is_loopback(const char *url) {
    static const char *const hosts[] = {"://127.0.0.1", "://localhost", "://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        const char *at = strstr(url, hosts[i]);
        char end = at != NULL ? at[strlen(hosts[i])] : 'x';
        if (end == ':' || end == '/' || end == '\0')
            return true;
    }
    return false;
}

enum status draft_endpoint_open(struct draft_endpoint **out, const char *url, const char *model, struct scope *scope) {
    struct text base = text_from(url);
    bool http = text_starts(base, "http://") || text_starts(base, "https://");
    if (!http || strpbrk(url, "?#@ \t\n") != NULL || base.size > 500)
        return fault(scope, STATUS_INVALID, "--draft-url",
            "an http or https URL without user, query and fragment, like http://127.0.0.1:11434/v1");
    while (text_ends(base, "/"))
        base.size--;
    struct draft_endpoint *endpoint = ARENA_NEW(scope->arena, struct draft_endpoint);
    endpoint->url = text_format(scope->arena, "%.*s/chat/completions", (int)base.size, base.at).at;
    endpoint->model = text_string(scope->arena, text_from(model));
    if (!is_loopback(url)) {
        (void)fprintf(stderr, "WARNING: --draft-url is not on this machine: lines of patients' records go there.\n");
        log_event(LOG_WARNING, "draft-endpoint-elsewhere", "url", endpoint->url, NULL);
    }
    *out = endpoint;
    return STATUS_OK;
}

static const char *instruction(const char *language) {
    return language[0] == 'k'
               ? "번호가 붙은 줄은 환자 기록에서 뽑은 것이다. 받는 의사가 읽을 짧은 문장으로 고쳐 써라. 문장마다 끝에 "
                 "근거가 된 줄의 "
                 "번호를 [3]처럼 붙여라. 줄에 없는 것은 쓰지 마라. 수와 단위는 그대로 둔다. 해석, 진단, 권고를 더하지 "
                 "마라."
               : "The numbered lines were taken from a patient's record. Put them into short sentences for the "
                 "receiving "
                 "doctor. End every sentence with the numbers of the lines it rests on, like [3]. Write nothing that "
                 "is "
                 "not in the lines. Keep numbers and units as they are. Add no interpretation, diagnosis or advice.";
}

static void write_message(struct json_writer *w, const char *role, struct text content) {
    json_object_open(w);
    json_member_string(w, "role", role);
    json_member_text(w, "content", content);
    json_object_close(w);
}

static enum status write_request(struct text *out, const struct draft_endpoint *endpoint, struct text lines,
    const char *language, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, REQUEST_MAX);
    json_object_open(&w);
    json_member_string(&w, "model", endpoint->model);
    json_member_int(&w, "temperature", 0);
    json_member_bool(&w, "stream", false);
    json_name(&w, "messages");
    json_array_open(&w);
    write_message(&w, "system", text_from(instruction(language)));
    write_message(&w, "user", lines);
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

/* The body grows outside of the arena: its escape must not jump over the HTTP library. */
struct received {
    char *at;
    size_t size;
};

static size_t take_body(char *data, size_t one, size_t count, void *context) {
    struct received *received = context;
    size_t size = one * count;
    if (received->size + size > ANSWER_MAX)
        return 0;
    memcpy(received->at + received->size, data, size);
    received->size += size;
    return size;
}

static const char *post(struct received *received, const char *url, struct text body) {
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    long http_status = 0;
    if (curl == NULL || headers == NULL) {
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        return "there is no memory for the HTTP client";
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, received);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return "the draft endpoint did not answer in time";
    if (code != CURLE_OK)
        return "the draft endpoint could not be reached, or sent too much";
    return http_status == 200 ? NULL : "the draft endpoint refused";
}

bool draft_endpoint_write(struct text *out, const char **problem, void *context, struct text lines,
    const char *language, struct scope *scope) {
    const struct draft_endpoint *endpoint = context;
    struct scope inner = {.arena = scope->arena};
    struct text request;
    yyjson_doc *document = NULL;
    if (write_request(&request, endpoint, lines, language, &inner) != STATUS_OK) {
        *problem = "the summary is too large for a draft";
        return false;
    }
    struct received received = {.at = arena_bytes(scope->arena, ANSWER_MAX)};
    *problem = post(&received, endpoint->url, request);
    if (*problem != NULL)
        return false;
    *problem = "the draft endpoint's answer is not of the expected form";
    if (json_read(&document, (struct text){received.at, received.size}, &inner) != STATUS_OK)
        return false;
    const yyjson_val *choice = yyjson_arr_get(json_get(yyjson_doc_get_root(document), "choices"), 0);
    *out = json_get_text(json_get(choice, "message"), "content");
    return out->size > 0;
}
