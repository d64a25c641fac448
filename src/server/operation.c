/* The engines' operations: rows of the records' table, each a function of an engine. */
#include "server/exchange.h"

typedef enum status engine_function(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);

static enum status run(struct text *out, engine_function *function, void *context,
    const struct records_operation_call *call, struct scope *scope) {
    const struct referral_call inner = {call->caller, call->type, call->id, call->body, call->pairs, call->pair_count};
    return function(out, context, &inner, scope);
}

static enum status run_triage(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    return run(out, referral_operation_triage, context, call, scope);
}

static enum status run_rank(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    return run(out, referral_operation_rank, context, call, scope);
}

static enum status run_send(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    return run(out, referral_operation_send, context, call, scope);
}

static enum status run_summary(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    return run(out, referral_operation_summary, context, call, scope);
}

static enum status run_consult(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    return run(out, referral_operation_consult, context, call, scope);
}

static enum status run_surge(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    return run(out, referral_operation_surge, context, call, scope);
}

static enum status run_trust(
    struct text *out, void *context, const struct records_operation_call *call, struct scope *scope) {
    return run(out, referral_operation_trust, context, call, scope);
}

#define DEFINITION(name) TRIAGE_BASE "/OperationDefinition/" name
enum { LEVELS = RECORDS_AT_SYSTEM | RECORDS_AT_INSTANCE };

static const struct records_operation operations[] = {
    {.name = "triage",
        .levels = LEVELS,
        .effect = RECORDS_OPERATION_WRITES,
        .definition = DEFINITION("triage"),
        .run = run_triage},
    {.name = "rank-places",
        .levels = LEVELS,
        .effect = RECORDS_OPERATION_WRITES,
        .definition = DEFINITION("rank-places"),
        .run = run_rank},
    {.name = "send",
        .levels = LEVELS,
        .effect = RECORDS_OPERATION_WRITES,
        .definition = DEFINITION("send"),
        .run = run_send},
    {.name = "referral-summary",
        .levels = RECORDS_AT_INSTANCE,
        .effect = RECORDS_OPERATION_READS,
        .definition = DEFINITION("referral-summary"),
        .run = run_summary},
    {.name = "trust",
        .type = "Organization",
        .levels = RECORDS_AT_TYPE | RECORDS_AT_INSTANCE,
        .effect = RECORDS_OPERATION_READS,
        .definition = DEFINITION("trust"),
        .run = run_trust},
    {.name = "consult",
        .levels = LEVELS,
        .effect = RECORDS_OPERATION_WRITES,
        .definition = DEFINITION("consult"),
        .run = run_consult},
    {.name = "surge",
        .levels = RECORDS_AT_SYSTEM,
        .effect = RECORDS_OPERATION_WRITES,
        .definition = DEFINITION("surge"),
        .run = run_surge},
};

void operation_register(const struct server_config *config) {
    for (size_t i = 0; config->referral != NULL && i < sizeof operations / sizeof operations[0]; i++) {
        struct records_operation row = operations[i];
        if (row.type == NULL && row.levels != RECORDS_AT_SYSTEM) {
            row.type = "Patient";
        }
        row.context = config->referral;
        records_operation_register(config->records, &row);
    }
}

enum status operation_run(struct exchange *exchange, struct scope *scope) {
    struct text out = {0};
    enum status status = records_operation_answer(&out, exchange->operation, &exchange->request, scope);
    return status == STATUS_OK ? answer_json(exchange, 200, out, scope) : status;
}
