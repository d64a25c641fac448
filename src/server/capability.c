/* GET /fhir/metadata: the envelope here, what is served from the tables that serve it. */
#include "server/exchange.h"

enum { CAPABILITY_MAX = 16 * 1024 * 1024 };

static void write_envelope(struct json_writer *w, const struct exchange *exchange) {
    json_member_string(w, "resourceType", "CapabilityStatement");
    json_member_string(w, "url", TRIAGE_BASE "/CapabilityStatement/server");
    json_member_string(w, "version", SOYANG_VERSION);
    json_member_string(w, "name", "Soyang");
    json_member_string(w, "title", "Soyang (소양): a region's healthcare delivery");
    json_member_string(w, "status", "active");
    json_member_string(w, "date", fhir_definitions_date);
    json_member_string(w, "kind", "instance");
    json_member_string(w, "description",
        "Research and decision support; not a certified medical device. 연구 및 의사결정 지원용이며, 인증된 의료기기가 "
        "아닙니다.");
    json_name(w, "software");
    json_object_open(w);
    json_member_string(w, "name", "Soyang");
    json_member_string(w, "version", SOYANG_VERSION);
    json_object_close(w);
    json_name(w, "implementation");
    json_object_open(w);
    json_member_string(w, "description", "Soyang");
    json_member_string(w, "url", exchange->server->base);
    json_object_close(w);
    json_member_string(w, "fhirVersion", FHIR_VERSION);
    json_name(w, "format");
    json_array_open(w);
    json_string(w, "application/fhir+json");
    json_string(w, "application/fhir+xml");
    json_string(w, "json");
    json_string(w, "xml");
    json_array_close(w);
}

static enum status write_capability(struct exchange *exchange, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, CAPABILITY_MAX);
    struct text json;
    json_object_open(&w);
    write_envelope(&w, exchange);
    json_name(&w, "rest");
    json_array_open(&w);
    json_object_open(&w);
    json_member_string(&w, "mode", "server");
    json_name(&w, "security");
    json_object_open(&w);
    json_member_bool(&w, "cors", false);
    json_member_string(&w, "description",
        "No sign-in yet: loopback only, Host and Origin are checked, the caller is named by headers.");
    json_object_close(&w);
    enum status status = records_capabilities(&w, exchange->server->config.records, scope);
    if (status != STATUS_OK)
        return status;
    json_object_close(&w);
    json_array_close(&w);
    json_object_close(&w);
    status = json_finish(&json, &w, scope);
    return status == STATUS_OK ? answer_json(exchange, 200, json, scope) : status;
}

enum status capability_answer(struct exchange *exchange, struct scope *scope) {
    (void)scope;
    exchange->worker_handler = write_capability;
    exchange->step = EXCHANGE_TO_WORKER;
    return STATUS_OK;
}
