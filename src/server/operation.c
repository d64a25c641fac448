/* Operations: one table; each row is a function of an engine and the OperationDefinition that describes it. */
#include <string.h>

#include "server/exchange.h"

typedef enum status operation_function(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);

struct operation {
    const char *name;    /* without the dollar */
    const char *on_type; /* instance level on this type; NULL: system level only */
    operation_function *function;
};
static const struct operation operations[] = {
    {"triage", "Patient", referral_operation_triage},
    {"rank-places", "Patient", referral_operation_rank},
    {"send", "Patient", referral_operation_send},
};
enum { OPERATION_COUNT = sizeof operations / sizeof operations[0] };

const struct operation *server_operation_find(struct text name, fhir_type type, bool is_instance) {
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        const struct operation *operation = &operations[i];
        if (name.size < 2 || !text_is((struct text){name.at + 1, name.size - 1}, operation->name))
            continue;
        bool on_instance =
            is_instance && operation->on_type != NULL && strcmp(fhir_type_name(type), operation->on_type) == 0;
        if (on_instance || type == FHIR_TYPE_NONE)
            return operation;
    }
    return NULL;
}

enum status operation_run(struct exchange *exchange, struct scope *scope) {
    const struct records_request *request = &exchange->request;
    struct referral *referral = exchange->server->config.referral;
    struct text out = {0};
    if (referral == NULL)
        return fault(scope, STATUS_UNSUPPORTED, "", "this server runs without the engines");
    struct referral_call call = {&request->caller, request->type, request->id, request->body};
    enum status status = exchange->operation->function(&out, referral, &call, scope);
    return status == STATUS_OK ? answer_json(exchange, 200, out, scope) : status;
}

void operation_capabilities(struct json_writer *w) {
    json_name(w, "operation");
    json_array_open(w);
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        json_object_open(w);
        json_member_string(w, "name", operations[i].name);
        json_name(w, "definition");
        json_string_text(w, text_format(w->buffer.arena, TRIAGE_BASE "/OperationDefinition/%s", operations[i].name));
        json_object_close(w);
    }
    json_array_close(w);
}
