/* What goes back: status codes, ETag, Last-Modified, Location, OperationOutcome. */
#include <string.h>
#include <time.h>

#include "server/exchange.h"

enum { ANSWER_BODY_MAX = 512 * 1024 * 1024 };

/* https://hl7.org/fhir/R4/codesystem-issue-type.html */
static const struct {
    unsigned http;
    const char *issue;
} outcomes[] = {
    [STATUS_OK] = {200, "informational"},
    [STATUS_INVALID] = {400, "invalid"},
    [STATUS_DENIED] = {403, "forbidden"},
    [STATUS_NOT_FOUND] = {404, "not-found"},
    [STATUS_CONFLICT] = {409, "conflict"},
    [STATUS_GONE] = {410, "deleted"},
    [STATUS_PRECONDITION] = {412, "conflict"},
    [STATUS_TOO_LARGE] = {413, "too-long"},
    [STATUS_UNPROCESSABLE] = {422, "business-rule"},
    [STATUS_TOO_COSTLY] = {403, "too-costly"},
    [STATUS_UNSUPPORTED] = {501, "not-supported"},
    [STATUS_FAILED] = {500, "exception"},
    [STATUS_UNAVAILABLE] = {503, "transient"},
    [STATUS_STORAGE_FULL] = {507, "no-store"},
};

unsigned answer_http_status(enum status status) {
    return outcomes[status].http;
}

/* Said without the arena, when even the fault cannot be written. */
static const char last_words_json[] =
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"too-costly\","
    "\"diagnostics\":\"the answer passed the memory limit of one request\"}]}";

static const char last_words_xml[] =
    "<OperationOutcome xmlns=\"http://hl7.org/fhir\"><issue><severity value=\"error\"/>"
    "<code value=\"too-costly\"/>"
    "<diagnostics value=\"the answer passed the memory limit of one request\"/></issue></OperationOutcome>";

static void write_issue(struct json_writer *w, const struct issue *issue) {
    json_object_open(w);
    json_member_string(w, "severity", "error");
    json_member_string(w, "code", issue->code != NULL ? issue->code : outcomes[issue->status].issue);
    json_member_string(w, "diagnostics", issue->text);
    if (issue->path != NULL && issue->path[0] != '\0') {
        json_name(w, "expression");
        json_array_open(w);
        json_string(w, issue->path);
        json_array_close(w);
    }
    json_object_close(w);
}

struct outcome_request {
    struct exchange *exchange;
    struct fault fault;
    enum status status;
};

static enum status write_outcome(void *context, struct scope *scope) {
    struct outcome_request *request = context;
    struct json_writer w = json_writer_open(scope->arena, ANSWER_BODY_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "OperationOutcome");
    json_name(&w, "issue");
    json_array_open(&w);
    for (const struct issue *issue = request->fault.first; issue != NULL; issue = issue->next)
        write_issue(&w, issue);
    if (request->fault.first == NULL)
        write_issue(&w, &(struct issue){.status = request->status, .path = "", .text = status_name(request->status)});
    json_array_close(&w);
    json_object_close(&w);
    struct text json;
    enum status status = json_finish(&json, &w, scope);
    return status == STATUS_OK ? format_present(request->exchange, json, scope) : status;
}

void answer_fault(struct exchange *exchange, enum status status) {
    struct outcome_request request = {exchange, exchange->scope.fault, status};
    struct scope scope = {.arena = exchange->arena};
    if (exchange->http_status < 400)
        exchange->http_status = answer_http_status(status);
    if (status == STATUS_UNAVAILABLE)
        exchange_header(exchange, "Retry-After", "1");
    if (scope_run(&scope, exchange->arena, write_outcome, &request) != STATUS_OK)
        exchange->content = exchange->format == EXCHANGE_XML ? TEXT(last_words_xml) : TEXT(last_words_json);
}

enum status answer_json(struct exchange *exchange, unsigned http_status, struct text json, struct scope *scope) {
    exchange->http_status = http_status;
    return format_present(exchange, json, scope);
}

/* Header values are put together by hand: they stand on every reading. */
static char *put_digits(char *at, unsigned value, int width) {
    for (int i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

static int width_of(unsigned value) {
    int width = 1;
    for (; value >= 10; value /= 10)
        width++;
    return width;
}

static char *put_text(char *at, const char *text, size_t size) {
    memcpy(at, text, size);
    return at + size;
}

/* IMF-fixdate, RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
static const char *http_date(struct exchange *exchange, int64_t time_us) {
    enum { SIZE = 30, NAME = 3 };
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    char *date = arena_bytes(exchange->arena, SIZE), *at = put_text(date, days + NAME * utc.tm_wday, NAME);
    at = put_digits(put_text(at, ", ", 2), (unsigned)utc.tm_mday, 2);
    at = put_text(put_text(at, " ", 1), months + NAME * utc.tm_mon, NAME);
    at = put_digits(put_text(at, " ", 1), (unsigned)(utc.tm_year + 1900), 4);
    at = put_digits(put_text(at, " ", 1), (unsigned)utc.tm_hour, 2);
    at = put_digits(put_text(at, ":", 1), (unsigned)utc.tm_min, 2);
    at = put_digits(put_text(at, ":", 1), (unsigned)utc.tm_sec, 2);
    (void)put_text(at, " GMT", 5);
    return date;
}

static const char *entity_tag(struct exchange *exchange, uint32_t version) {
    int width = width_of(version);
    char *tag = arena_bytes(exchange->arena, (size_t)width + 5), *at = put_text(tag, "W/\"", 3);
    (void)put_text(put_digits(at, version, width), "\"", 2);
    return tag;
}

static bool is_write(const struct exchange *exchange) {
    return exchange->interaction == RECORDS_CREATE || exchange->interaction == RECORDS_UPDATE ||
           exchange->interaction == RECORDS_PATCH || exchange->interaction == RECORDS_DELETE;
}

static const char *version_url(const struct exchange *exchange) {
    static const char history[] = "/_history/";
    const struct records_answer *answer = &exchange->answer;
    const char *type = fhir_type_name(answer->type);
    int width = width_of(answer->version);
    size_t type_size = strlen(type), history_size = sizeof history - 1;
    size_t size = exchange->base.size + type_size + answer->id.size + history_size + (size_t)width + 3;
    char *url = arena_bytes(exchange->arena, size), *at = put_text(url, exchange->base.at, exchange->base.size);
    at = put_text(put_text(at, "/", 1), type, type_size);
    at = put_text(put_text(at, "/", 1), answer->id.at, answer->id.size);
    at = put_digits(put_text(at, history, history_size), answer->version, width);
    *at = '\0';
    return url;
}

/* Is the body this version, and not what the client prefers instead? */
static bool shows_version(const struct exchange *exchange) {
    const struct records_answer *answer = &exchange->answer;
    bool is_other = is_write(exchange) && (exchange->request.returns == RECORDS_RETURN_MINIMAL ||
                                              exchange->request.returns == RECORDS_RETURN_OUTCOME);
    return (answer->body.size > 0 || answer->not_modified) && !is_other;
}

static void version_headers(struct exchange *exchange) {
    const struct records_answer *answer = &exchange->answer;
    if (answer->version == 0)
        return;
    exchange_header(exchange, "ETag", entity_tag(exchange, answer->version));
    exchange_header(exchange, "Last-Modified", http_date(exchange, answer->updated_us));
    bool has_place =
        answer->created || exchange->interaction == RECORDS_CREATE || exchange->interaction == RECORDS_UPDATE;
    if (!has_place && !shows_version(exchange))
        return;
    const char *url = version_url(exchange);
    if (has_place)
        exchange_header(exchange, "Location", url);
    if (shows_version(exchange))
        exchange_header(exchange, "Content-Location", url);
}

static enum status write_done(struct text *out, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, ANSWER_BODY_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "OperationOutcome");
    json_name(&w, "issue");
    json_array_open(&w);
    json_object_open(&w);
    json_member_string(&w, "severity", "information");
    json_member_string(&w, "code", "informational");
    json_member_string(&w, "diagnostics", "done");
    json_object_close(&w);
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

/* Prefer: return=minimal | representation | OperationOutcome (https://hl7.org/fhir/R4/http.html#ops). */
static enum status preferred_body(struct text *out, const struct exchange *exchange, struct scope *scope) {
    *out = exchange->answer.body;
    if (!is_write(exchange))
        return STATUS_OK;
    if (exchange->request.returns == RECORDS_RETURN_MINIMAL)
        *out = (struct text){0};
    if (exchange->request.returns == RECORDS_RETURN_OUTCOME && exchange->answer.hints.at != NULL)
        *out = exchange->answer.hints;
    else if (exchange->request.returns == RECORDS_RETURN_OUTCOME)
        return write_done(out, scope);
    return STATUS_OK;
}

static enum status render(void *context, struct scope *scope) {
    struct exchange *exchange = context;
    const struct records_answer *answer = &exchange->answer;
    version_headers(exchange);
    if (answer->not_modified)
        return answer_json(exchange, 304, (struct text){0}, scope);
    struct text body = {0};
    enum status status = preferred_body(&body, exchange, scope);
    if (status != STATUS_OK)
        return status;
    if (exchange->binary == EXCHANGE_AS_CONTENT && body.size > 0) {
        status = binary_present(exchange, body, scope);
        exchange->http_status = status == STATUS_OK ? 200 : exchange->http_status;
        return status;
    }
    bool is_empty = answer->body.size == 0 && body.size == 0;
    return answer_json(exchange, answer->created ? 201 : is_empty ? 204 : 200, body, scope);
}

void answer_render(struct exchange *exchange) {
    if (exchange->answer.status != STATUS_OK) {
        answer_fault(exchange, exchange->answer.status);
        return;
    }
    struct scope scope = {.arena = exchange->arena};
    enum status status = scope_run(&scope, exchange->arena, render, exchange);
    if (status != STATUS_OK) {
        exchange->scope.fault = scope.fault;
        answer_fault(exchange, status);
    }
}
