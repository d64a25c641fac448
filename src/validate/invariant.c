/* One invariant on one element. It is violated when it yields false; empty is no violation. Best practice, which is
 * information, is said once in a report. Each has its own memory, so that
 * a large document costs no more than its dearest invariant. */
#include "validate/run.h"

struct evaluation {
    struct validate_run *run;
    const struct validate_place *place;
    const struct validate_item *item;
    const struct fhirpath *program;
    bool is_false;
};

/* The type that a reference tells, as a resource that has nothing else, so that `resolve() is Patient` needs no store. */
static enum status told_resource(const yyjson_val **out, struct text reference,
    const struct validate_environment *environment, struct scope *scope) {
    struct fhir_reference parsed;
    yyjson_doc *doc = NULL;
    if (!fhir_reference_parse(&parsed, reference, environment->own_base) || fhir_resource_number(parsed.type) == 0) {
        return STATUS_OK;
    }
    struct text json = text_format(scope->arena, "{\"resourceType\":\"%s\"}", fhir_type_name(parsed.type));
    enum status status = json_read(&doc, json, scope);
    *out = status == STATUS_OK ? yyjson_doc_get_root(doc) : NULL;
    return status;
}

static enum status resolve(const yyjson_val **out, void *context, struct text reference, struct scope *scope) {
    const struct evaluation *evaluation = context;
    *out = validate_resolve(evaluation->run, evaluation->place, reference);
    return *out != NULL ? STATUS_OK : told_resource(out, reference, evaluation->run->environment, scope);
}

static enum status member_of(bool *out, bool *known, void *context, const struct fhirpath_item *code,
    struct text value_set, struct scope *scope) {
    const struct evaluation *evaluation = context;
    const struct validate_environment *environment = evaluation->run->environment;
    struct validate_coding coding = {.code = fhirpath_item_text(code, scope)};
    enum validate_membership membership = VALIDATE_UNKNOWN_VALUE_SET;
    enum status status = STATUS_OK;
    *out = *known = false;
    if (environment->check_code == NULL) {
        return STATUS_OK;
    }
    if (code->kind == FHIRPATH_NODE && yyjson_is_obj((yyjson_val *)code->node)) {
        struct validate_item item = {.value = code->node, .type = code->type, .index = VALIDATE_NO_INDEX};
        *known = true;
        *out = validate_is_member(evaluation->run, &item, value_set);
        return STATUS_OK;
    }
    if (coding.code.at != NULL) {
        status = environment->check_code(&membership, environment->context, &coding, value_set, scope);
    }
    *known = membership == VALIDATE_MEMBER || membership == VALIDATE_NO_MEMBER;
    *out = membership == VALIDATE_MEMBER;
    return status;
}

static enum status evaluate(void *context, struct scope *scope) {
    struct evaluation *evaluation = context;
    const struct validate_run *run = evaluation->run;
    struct fhirpath_item focus = {.kind = FHIRPATH_NODE,
        .type = evaluation->item->type,
        .node = evaluation->item->value,
        .companion = evaluation->item->companion};
    struct fhirpath_items input = {&focus, 1}, items = {0};
    struct fhirpath_environment environment = {
        .resource = evaluation->place->resource,
        .root_resource = evaluation->place->root,
        .resolve = resolve,
        .member_of = member_of,
        .context = evaluation,
        .now_us = run->environment->now_us,
        .zone_minutes = run->environment->zone_minutes,
        .steps_max = VALIDATE_STEPS_MAX,
    };
    scope->deadline_us = run->scope->deadline_us;
    enum status status = fhirpath_evaluate(&items, evaluation->program, &input, &environment, scope);
    evaluation->is_false =
        status == STATUS_OK && items.count == 1 && text_is(fhirpath_item_text(&items.at[0], scope), "false");
    return status;
}

void validate_check_invariant(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct validate_invariant *invariant) {
    if (invariant->program == NULL || validate_is_over(run)) {
        return;
    }
    struct evaluation evaluation = {run, place, item, invariant->program, false};
    struct scope scope;
    enum status status = scope_run(&scope, run->bench, evaluate, &evaluation);
    if (validate_is_over(run) || validate_stops(run, status)) {
        return;
    }
    if (status == STATUS_TOO_COSTLY) {
        validate_say(run, VALIDATE_WARNING, "too-costly", invariant->key, frame,
            "not checked: the invariant takes more than %d steps, or %d MiB, on this element", VALIDATE_STEPS_MAX,
            VALIDATE_INVARIANT_BYTES_MAX >> 20);
    } else if (status != STATUS_OK) {
        validate_say(run, VALIDATE_WARNING, "not-supported", invariant->key, frame, "not checked: %s",
            scope.fault.first != NULL ? scope.fault.first->text : status_name(status));
    } else if (evaluation.is_false && (invariant->severity != VALIDATE_INFORMATION ||
                                          validate_first_time(run, "practice", text_from(invariant->key)))) {
        validate_say(run, invariant->severity, "invariant", invariant->key, frame, "%s", invariant->human);
    }
    arena_reset(run->bench);
}
