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
    json_member_text(w, "url", exchange->base);
    json_object_close(w);
    json_member_string(w, "fhirVersion", FHIR_VERSION);
    format_write_names(w);
    route_write_patch_formats(w);
}

static void write_security(struct json_writer *w, const struct server *server) {
    static const char *const audits[] = {
        [RECORDS_AUDIT_ALL] = "Every interaction leaves an audit row.",
        [RECORDS_AUDIT_WRITES] =
            "WARNING: THE AUDIT OF READINGS IS OFF (--audit writes). For measuring only, never with patients.",
        [RECORDS_AUDIT_OFF] = "WARNING: THE AUDIT IS OFF (--audit off). For measuring only, never with patients.",
    };
    enum records_audit audit = records_audit_of(server->config.records);
    if (audit != RECORDS_AUDIT_ALL)
        json_member_string(w, "documentation", audits[audit]);
    json_name(w, "security");
    json_object_open(w);
    json_member_bool(w, "cors", server->cors_origin_count > 0);
    json_member_text(w, "description",
        text_format(w->buffer.arena,
            "No sign-in yet: loopback only, Host and Origin are checked, the caller is named by headers. %s",
            audits[audit]));
    json_object_close(w);
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
    write_security(&w, exchange->server);
    const struct records_served served = route_served();
    enum status status = records_capabilities(&w, exchange->server->config.records, &served, scope);
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
