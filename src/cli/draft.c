#include "cli/draft.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "http/http.h"

enum { ANSWER_MAX = 256 * 1024, REQUEST_MAX = 2 * 1024 * 1024, CONNECT_TIMEOUT_S = 3, TIMEOUT_S = 20 };

struct draft_endpoint {
    const char *url, *model;
};

enum status draft_endpoint_open(struct draft_endpoint **out, const char *url, const char *model, struct scope *scope) {
    struct text base = text_from(url);
    bool http = text_starts(base, "http://") || text_starts(base, "https://");
    if (!http || strpbrk(url, "?#@ \t\n") != NULL || base.size > 500)
        return fault(scope, STATUS_INVALID, "--draft-url", "%s",
            say("takes an http or https URL without user, query and fragment, like http://127.0.0.1:11434/v1",
                "사용자, 질의, 조각이 없는 http 또는 https URL을 적으십시오. 예: http://127.0.0.1:11434/v1"));
    while (text_ends(base, "/"))
        base.size--;
    struct draft_endpoint *endpoint = ARENA_NEW(scope->arena, struct draft_endpoint);
    endpoint->url = text_format(scope->arena, "%.*s/chat/completions", (int)base.size, base.at).at;
    endpoint->model = text_string(scope->arena, text_from(model));
    if (!http_is_loopback(base)) {
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

static const char *problem_of(enum status status) {
    switch (status) {
    case STATUS_TOO_COSTLY:
        return "the draft endpoint did not answer in time";
    case STATUS_TOO_LARGE:
        return "the draft endpoint sent too much";
    default:
        return "the draft endpoint could not be reached";
    }
}

static enum status read_content(struct text *out, const char **problem, struct text answer, struct scope *scope) {
    yyjson_doc *document = NULL;
    *problem = "the draft endpoint's answer is not of the expected form";
    enum status status = json_read(&document, answer, scope);
    if (status == STATUS_OK) {
        const yyjson_val *choice = yyjson_arr_get(json_get(yyjson_doc_get_root(document), "choices"), 0);
        *out = text_copy(scope->arena, json_get_text(json_get(choice, "message"), "content"));
    }
    return status;
}

static void discard(void *context) {
    http_close(context);
}

bool draft_endpoint_write(struct text *out, const char **problem, void *context, struct text lines,
    const char *language, struct scope *scope) {
    const struct draft_endpoint *endpoint = context;
    struct scope inner = {.arena = scope->arena};
    struct text request;
    if (write_request(&request, endpoint, lines, language, &inner) != STATUS_OK) {
        *problem = "the summary is too large for a draft";
        return false;
    }
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct http_request ask = {.url = endpoint->url,
        .body = request,
        .headers = headers,
        .connect_s = CONNECT_TIMEOUT_S,
        .timeout_s = TIMEOUT_S,
        .answer_max = ANSWER_MAX,
        .direct = true};
    struct http_client *client = NULL;
    struct http_answer answer = {0};
    enum status status = http_open(&client, &inner);
    if (status == STATUS_OK) {
        arena_defer(scope->arena, discard, client);
        status = http_send(&answer, client, &ask, "draft", &inner);
    }
    if (status != STATUS_OK || answer.status != 200) {
        *problem = status != STATUS_OK ? problem_of(status) : "the draft endpoint refused";
        return false;
    }
    if (read_content(out, problem, answer.body, &inner) != STATUS_OK)
        return false;
    return out->size > 0;
}
