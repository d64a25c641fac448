#include "records/hints.h"
#include "records/invocation.h"
#include "records/surroundings.h"

/* $validate (https://hl7.org/fhir/R4/resource-operation-validate.html): would this resource be taken? The answer is an OperationOutcome;
 * the call itself fails only where there is nothing to judge. */

enum mode { MODE_NONE, MODE_CREATE, MODE_UPDATE, MODE_DELETE, MODE_PROFILE };
static const char *const modes[] = {
    [MODE_NONE] = "",
    [MODE_CREATE] = "create",
    [MODE_UPDATE] = "update",
    [MODE_DELETE] = "delete",
    [MODE_PROFILE] = "profile",
};

enum { TIME_MAX_US = 20000000 };

struct judgement {
    struct operation *op;
    enum mode mode;
    const yyjson_val *resource; /* NULL: the stored one is meant */
    struct scope *scope;
    struct validate_report report;
};

static enum status read_mode(struct judgement *judgement, const struct invocation *invocation) {
    struct text text = invocation_text(invocation, "mode", judgement->scope);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (text_is(text, modes[i])) {
            judgement->mode = (enum mode)i;
            return STATUS_OK;
        }
    }
    return text.at == NULL ? STATUS_OK
                           : fault(judgement->scope, STATUS_INVALID, "mode", "create, update, delete or profile");
}

static enum status read_stored(struct judgement *judgement) {
    struct store_view *view = NULL;
    struct store_resource stored = {0};
    enum status status = store_view_open(&view, judgement->op->records->store, 0, judgement->scope);
    if (status == STATUS_OK) {
        status = invocation_subject(&stored, judgement->op, view, judgement->scope);
    }
    if (status == STATUS_OK && judgement->resource == NULL) {
        status = body_parse(&judgement->resource, &stored, judgement->scope);
    }
    store_view_close(view);
    return status;
}

/* What there is to judge. An update is of what stands there, or makes it; a deletion needs something there. */
static enum status read_resource(struct judgement *judgement, const struct invocation *invocation) {
    struct invocation_value value;
    bool given = invocation_get(&value, invocation, "resource", 0, judgement->scope);
    bool at_instance = judgement->op->request.id.size > 0;
    judgement->resource = given ? value.value : NULL;
    if (judgement->mode == MODE_DELETE && !at_instance) {
        return fault(
            judgement->scope, STATUS_INVALID, "mode", "a deletion is judged at the resource: Type/id/$validate");
    }
    if (judgement->mode == MODE_DELETE || (!given && at_instance)) {
        return read_stored(judgement);
    }
    return given ? STATUS_OK : fault(judgement->scope, STATUS_INVALID, "resource", "a resource is due here");
}

static void note(struct judgement *judgement, enum validate_severity severity, const char *code, const char *path,
    const char *text) {
    const struct validate_issue issue = {.severity = severity, .code = code, .path = path, .text = text};
    validate_report_add(&judgement->report, &issue, judgement->scope->arena);
}

static void judge_identity(struct judgement *judgement) {
    const struct records_request *request = &judgement->op->request;
    struct text id = json_get_text(judgement->resource, "id");
    fhir_type type = fhir_resource_type_of(judgement->resource);
    if (type != FHIR_TYPE_NONE && type != request->type) {
        struct text text = text_format(judgement->scope->arena, "a %s is due here", fhir_type_name(request->type));
        note(judgement, VALIDATE_ERROR, "invalid", "resourceType", text.at);
    }
    if (judgement->mode == MODE_CREATE && id.size > 0) {
        note(judgement, VALIDATE_WARNING, "informational", "id",
            "a creation gives a new id; this one would not be kept");
    }
}

static const enum validate_mode validate_modes[] = {
    [MODE_NONE] = VALIDATE_AS_IT_IS,
    [MODE_CREATE] = VALIDATE_FOR_CREATE,
    [MODE_UPDATE] = VALIDATE_FOR_UPDATE,
    [MODE_DELETE] = VALIDATE_AS_IT_IS,
    [MODE_PROFILE] = VALIDATE_AS_IT_IS,
};

static enum status judge(struct judgement *judgement, const struct invocation *invocation) {
    struct scope *scope = judgement->scope;
    const struct records *records = judgement->op->records;
    struct surroundings surroundings;
    struct store_view *view = NULL;
    struct text *profiles = NULL;
    size_t count = 0;
    enum status status = invocation_list(&profiles, &count, invocation, "profile", scope);
    if (status == STATUS_OK && count == 0 && judgement->mode == MODE_PROFILE) {
        status = fault(scope, STATUS_INVALID, "profile", "the mode profile asks for a profile");
    }
    if (status == STATUS_OK) {
        status = store_view_open(&view, records->store, 0, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    surroundings_of(&surroundings, records, view);
    const struct validate_request request = {
        .resource = judgement->resource,
        .profiles = profiles,
        .profile_count = count,
        .mode = validate_modes[judgement->mode],
        .id = judgement->op->request.id,
    };
    scope->deadline_us = scope->deadline_us != 0 ? scope->deadline_us : clock_monotonic_us() + TIME_MAX_US;
    status = validate_resource(&judgement->report, records->validate, &request, &surroundings.environment, scope);
    store_view_close(view);
    if (status == STATUS_OK) {
        hints_add_terms(&judgement->report, records, judgement->resource, scope);
    }
    judge_identity(judgement);
    return status;
}

static enum status answer(struct judgement *judgement) {
    struct json_writer w = json_writer_open(judgement->scope->arena, RECORDS_ANSWER_BYTES_MAX);
    validate_write_outcome(&w, &judgement->report);
    return json_finish(&judgement->op->answer->body, &w, judgement->scope);
}

enum status judgement_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    struct judgement judgement = {.op = op, .scope = scope};
    enum status status = read_mode(&judgement, invocation);
    if (status == STATUS_OK) {
        status = read_resource(&judgement, invocation);
    }
    if (status == STATUS_OK && judgement.mode != MODE_DELETE) {
        status = judge(&judgement, invocation);
    }
    return status == STATUS_OK ? answer(&judgement) : status;
}
