#include "records/explain.h"

enum status explain_take(
    bool *asked, struct search_request *request, const struct records_caller *caller, struct scope *scope) {
    struct search_pair *kept = ARENA_ARRAY(scope->arena, struct search_pair, request->pair_count + 1);
    size_t count = 0;
    *asked = false;
    for (size_t i = 0; i < request->pair_count; i++) {
        const struct search_pair *pair = &request->pairs[i];
        if (!text_is(pair->name, "_explain")) {
            kept[count++] = *pair;
        } else if (text_is(pair->value, "true")) {
            *asked = true;
        } else if (!text_is(pair->value, "false")) {
            return fault(scope, STATUS_INVALID, "_explain", "true or false");
        }
    }
    if (*asked && !text_is(caller->role, "administrator")) {
        return fault(scope, STATUS_DENIED, "_explain", "only an administrator may see a search's plan");
    }
    request->pairs = kept;
    request->pair_count = count;
    return STATUS_OK;
}

static void write_text(struct json_writer *w, const char *name, struct text value) {
    json_object_open(w);
    json_member_string(w, "name", name);
    json_member_text(w, "valueString", value);
    json_object_close(w);
}

static void write_int(struct json_writer *w, const char *name, int64_t value) {
    json_object_open(w);
    json_member_string(w, "name", name);
    json_member_int(w, "valueInteger", value);
    json_object_close(w);
}

static void write_used(struct json_writer *w, const struct search_pair *pair) {
    json_object_open(w);
    json_member_string(w, "name", "parameter");
    json_name(w, "part");
    json_array_open(w);
    write_text(w, "name", pair->name);
    if (pair->value.size > 0) {
        write_text(w, "value", pair->value);
    }
    json_array_close(w);
    json_object_close(w);
}

enum status explain_answer(
    struct operation *op, const struct search_query *query, int64_t parse_us, struct text path, struct scope *scope) {
    struct search_result result = {0};
    int64_t began_us = clock_monotonic_us();
    enum status status = search_run(&result, op->records->search, query, scope);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t run_us = clock_monotonic_us() - began_us;
    op->note.what = "explain";
    struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Parameters");
    json_name(&w, "parameter");
    json_array_open(&w);
    write_text(&w, "search", path.size > 0 ? path : TEXT("/"));
    for (size_t i = 0; i < result.self_count; i++) {
        write_used(&w, &result.self[i]);
    }
    write_text(&w, "plan", text_trim(search_query_explain(query, scope)));
    write_int(&w, "matches", (int64_t)result.matches.count);
    write_int(&w, "included", (int64_t)result.included_count);
    if (result.has_total) {
        write_int(&w, "total", (int64_t)result.total);
    }
    write_int(&w, "parse-us", parse_us);
    write_int(&w, "run-us", run_us);
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(&op->answer->body, &w, scope);
}
