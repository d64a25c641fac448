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

static void write_used(struct json_writer *w, const struct search_pair *pair) {
    fhir_parameter_open(w, "parameter");
    fhir_parameter_text(w, "name", "valueString", pair->name);
    fhir_parameter_text(w, "value", "valueString", pair->value);
    fhir_parameter_close(w);
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
    fhir_parameters_open(&w);
    fhir_parameter_text(&w, "search", "valueString", path.size > 0 ? path : TEXT("/"));
    for (size_t i = 0; i < result.self_count; i++) {
        write_used(&w, &result.self[i]);
    }
    fhir_parameter_text(&w, "plan", "valueString", text_trim(search_query_explain(query, scope)));
    fhir_parameter_integer(&w, "matches", (int64_t)result.matches.count);
    fhir_parameter_integer(&w, "included", (int64_t)result.included_count);
    if (result.has_total) {
        fhir_parameter_integer(&w, "total", (int64_t)result.total);
    }
    fhir_parameter_integer(&w, "parse-us", parse_us);
    fhir_parameter_integer(&w, "run-us", run_us);
    return fhir_parameters_finish(&op->answer->body, &w, scope);
}
