#include "records/invocation.h"
#include "records/page.h"

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

struct judgement {
    struct operation *op;
    enum mode mode;
    const yyjson_val *resource; /* NULL: the stored one is meant */
    struct scope *scope;
    struct scope errors, notes; /* what is found; their faults are the answer */
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

static void judge_identity(struct judgement *judgement) {
    const struct records_request *request = &judgement->op->request;
    struct text id = json_get_text(judgement->resource, "id");
    fhir_type type = fhir_resource_type_of(judgement->resource);
    if (type != FHIR_TYPE_NONE && type != request->type) {
        fault(&judgement->errors, STATUS_INVALID, "resourceType", "a %s is due here", fhir_type_name(request->type));
    }
    if (judgement->mode == MODE_UPDATE && request->id.size > 0 && !text_equal(id, request->id)) {
        fault(&judgement->errors, STATUS_INVALID, "id", "an update's body must hold the id of its URL");
    }
    if (judgement->mode == MODE_CREATE && id.size > 0) {
        fault_coded(&judgement->notes, STATUS_UNPROCESSABLE, "informational", "id",
            "a creation gives a new id; this one would not be kept");
    }
}

static enum status judge(struct judgement *judgement, const struct invocation *invocation) {
    struct invocation_value profile;
    if (judgement->mode != MODE_DELETE) {
        if (fhir_resource_type_of(judgement->resource) == FHIR_TYPE_NONE) {
            fault(
                &judgement->errors, STATUS_INVALID, "resourceType", "this is not a resource of FHIR %s", FHIR_VERSION);
        } else {
            enum status status = fhir_check(judgement->resource, &judgement->errors);
            if (status != STATUS_OK && status != STATUS_INVALID) {
                fault_carry(judgement->scope, &judgement->errors.fault);
                return status;
            }
        }
        judge_identity(judgement);
    }
    if (invocation_get(&profile, invocation, "profile", 0, judgement->scope)) {
        fault_coded(&judgement->notes, STATUS_UNPROCESSABLE, "not-supported", "profile",
            "structure, cardinalities and formats were judged by R4 itself, not by this profile");
    }
    return STATUS_OK;
}

static enum status answer(struct judgement *judgement) {
    struct json_writer w = json_writer_open(judgement->scope->arena, RECORDS_ANSWER_BYTES_MAX);
    const struct issue none = {.status = STATUS_OK, .path = "", .text = "nothing is wrong with it"};
    const struct page_issues lists[] = {
        {judgement->errors.fault.first, "error"},
        {judgement->notes.fault.first, "warning"},
        {judgement->errors.fault.first == NULL ? &none : NULL, "information"},
    };
    page_write_outcome_of(&w, lists, sizeof lists / sizeof *lists);
    return json_finish(&judgement->op->answer->body, &w, judgement->scope);
}

enum status judgement_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    struct judgement judgement = {.op = op, .scope = scope, .errors = *scope, .notes = *scope};
    enum status status = read_mode(&judgement, invocation);
    if (status == STATUS_OK) {
        status = read_resource(&judgement, invocation);
    }
    if (status == STATUS_OK) {
        status = judge(&judgement, invocation);
    }
    return status == STATUS_OK ? answer(&judgement) : status;
}
