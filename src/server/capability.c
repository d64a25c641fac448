/* GET /fhir/metadata: the envelope here, what is served from the tables that serve it
 * (https://hl7.org/fhir/R4/http.html#capabilities). */
#include <string.h>

#include "server/exchange.h"

enum { CAPABILITY_MAX = 16 * 1024 * 1024 };

/* What both kinds of statement begin with. */
static void write_envelope(struct json_writer *w, const struct exchange *exchange, const char *type, const char *name) {
    json_member_string(w, "resourceType", type);
    json_member_text(w, "url", text_format(w->buffer.arena, TRIAGE_BASE "/%s/server", type));
    json_member_string(w, "version", SOYANG_VERSION);
    json_member_string(w, "name", name);
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

static enum status write_full(struct text *out, const struct exchange *exchange, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, CAPABILITY_MAX);
    json_object_open(&w);
    write_envelope(&w, exchange, "CapabilityStatement", "Soyang");
    json_member_string(&w, "fhirVersion", FHIR_VERSION);
    format_write_names(&w);
    route_write_patch_formats(&w);
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
    return json_finish(out, &w, scope);
}

/* ---- normative -------------------------------------------------------------------------------------------------------- */

/* Elements of CapabilityStatement, of those that are written here, whose standards-status is trial-use in R4's StructureDefinition. */
static const struct {
    const char *parent, *name;
} trial_use[] = {
    {"rest", "security"},
    {"resource", "versioning"},
    {"resource", "readHistory"},
    {"resource", "updateCreate"},
    {"resource", "conditionalCreate"},
    {"resource", "conditionalRead"},
    {"resource", "conditionalUpdate"},
    {"resource", "conditionalDelete"},
    {"resource", "referencePolicy"},
    {"resource", "searchInclude"},
};

static bool is_trial_use(const char *parent, struct text name) {
    for (size_t i = 0; i < sizeof trial_use / sizeof trial_use[0]; i++)
        if (strcmp(parent, trial_use[i].parent) == 0 && text_is(name, trial_use[i].name))
            return true;
    return false;
}

/* `parent` is the name under which the value stands. Below a resource nothing is on trial. */
static void write_rest(struct json_writer *w, yyjson_val *value, const char *parent) {
    if (yyjson_is_arr(value)) {
        json_array_open(w);
        yyjson_arr_iter items = yyjson_arr_iter_with(value);
        for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;)
            write_rest(w, item, parent);
        json_array_close(w);
        return;
    }
    json_object_open(w);
    yyjson_obj_iter members = yyjson_obj_iter_with(value);
    for (yyjson_val *key = NULL; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        struct text name = json_text(key);
        bool leads_on =
            strcmp(parent, "") == 0 ? text_is(name, "rest") : strcmp(parent, "rest") == 0 && text_is(name, "resource");
        if (is_trial_use(parent, name))
            continue;
        json_name_text(w, name);
        if (leads_on)
            write_rest(w, yyjson_obj_iter_get_val(key), strcmp(parent, "") == 0 ? "rest" : "resource");
        else
            json_value(w, yyjson_obj_iter_get_val(key));
    }
    json_object_close(w);
}

static enum status write_normative(struct text *out, const struct exchange *exchange, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, CAPABILITY_MAX);
    struct text full;
    yyjson_doc *doc = NULL;
    enum status status = write_full(&full, exchange, scope);
    if (status == STATUS_OK)
        status = json_read(&doc, full, scope);
    if (status != STATUS_OK)
        return status;
    write_rest(&w, yyjson_doc_get_root(doc), "");
    return json_finish(out, &w, scope);
}

/* ---- terminology ------------------------------------------------------------------------------------------------------ */

static enum status write_terminology(struct text *out, const struct exchange *exchange, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, CAPABILITY_MAX);
    json_object_open(&w);
    write_envelope(&w, exchange, "TerminologyCapabilities", "SoyangTerminology");
    enum status status = records_terminology_capabilities(&w, exchange->server->config.records, scope);
    json_object_close(&w);
    return status == STATUS_OK ? json_finish(out, &w, scope) : status;
}

/* ---- by mode ---------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *mode; /* the first is what is meant where none is said */
    enum status (*write)(struct text *out, const struct exchange *exchange, struct scope *scope);
} modes[] = {
    {"full", write_full},
    {"normative", write_normative},
    {"terminology", write_terminology},
};

static enum status mode_of(size_t *out, const struct exchange *exchange, struct scope *scope) {
    *out = 0;
    for (size_t i = 0; i < exchange->pair_count; i++) {
        if (!text_is(exchange->pairs[i].name, "mode"))
            continue;
        for (*out = 0; *out < sizeof modes / sizeof modes[0]; ++*out)
            if (text_is(exchange->pairs[i].value, modes[*out].mode))
                return STATUS_OK;
        return fault(scope, STATUS_INVALID, "mode", "mode is full, normative or terminology");
    }
    return STATUS_OK;
}

static enum status write_answer(struct exchange *exchange, struct scope *scope) {
    size_t mode = 0;
    struct text json = {0};
    enum status status = mode_of(&mode, exchange, scope);
    if (status == STATUS_OK)
        status = modes[mode].write(&json, exchange, scope);
    return status == STATUS_OK ? answer_json(exchange, 200, json, scope) : status;
}

enum status capability_answer(struct exchange *exchange, struct scope *scope) {
    (void)scope;
    exchange->worker_handler = write_answer;
    exchange->step = EXCHANGE_TO_WORKER;
    return STATUS_OK;
}
