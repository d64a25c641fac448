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
    enum { ASSUME_NOTHING, ASSUME_MEMBER, ASSUME_NO_MEMBER } assumed; /* of codes of which nothing is known */
    enum validate_membership unknown; /* MEMBER: all that was asked of memberOf() is known; else why not */
    struct text unknown_set;
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
    struct evaluation *evaluation = context;
    struct validate_coding coding = {.code = fhirpath_item_text(code, scope)};
    enum validate_membership membership = VALIDATE_NO_MEMBER; /* what has no code */
    if (code->kind == FHIRPATH_NODE && yyjson_is_obj((yyjson_val *)code->node)) {
        struct validate_item item = {.value = code->node, .type = code->type, .index = VALIDATE_NO_INDEX};
        (void)validate_find_membership(&membership, evaluation->run, &item, value_set);
    } else if (coding.code.size > 0) {
        membership = validate_check_coding(evaluation->run, &coding, value_set);
    }
    *known = membership == VALIDATE_MEMBER || membership == VALIDATE_NO_MEMBER;
    *out = membership == VALIDATE_MEMBER;
    if (!*known) {
        evaluation->unknown = membership;
        evaluation->unknown_set = value_set;
        *known = evaluation->assumed != ASSUME_NOTHING;
        *out = evaluation->assumed == ASSUME_MEMBER;
    }
    return STATUS_OK;
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

static void say_unknown(struct evaluation *evaluation, const struct validate_frame *frame, const char *key) {
    struct validate_run *run = evaluation->run;
    struct text value_set = evaluation->unknown_set;
    bool has_terminology = run->environment->check_code != NULL;
    if (validate_first_time(run, key, value_set)) {
        validate_say(run, has_terminology ? VALIDATE_WARNING : VALIDATE_INFORMATION, "not-found", key, frame,
            "not checked: it asks memberOf() of value set %.*s: %s", (int)value_set.size, value_set.at,
            has_terminology ? validate_unknown_words(evaluation->unknown) : "there is no terminology here");
    }
}

/* False whatever the codes are of which nothing is known? An expression may well turn what is not known into false. */
static enum status judge(struct evaluation *evaluation, struct scope *scope) {
    struct validate_run *run = evaluation->run;
    enum status status = scope_run(scope, run->bench, evaluate, evaluation);
    if (evaluation->unknown == VALIDATE_MEMBER) {
        return status;
    }
    evaluation->unknown_set = text_copy(run->scope->arena, evaluation->unknown_set);
    for (int assumed = ASSUME_MEMBER; assumed <= ASSUME_NO_MEMBER && status == STATUS_OK && evaluation->is_false;
         assumed++) {
        struct text value_set = evaluation->unknown_set;
        arena_reset(run->bench);
        evaluation->assumed = assumed;
        status = scope_run(scope, run->bench, evaluate, evaluation);
        evaluation->unknown_set = value_set;
    }
    return status;
}

void validate_check_invariant(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct validate_invariant *invariant) {
    if (invariant->program == NULL || validate_is_over(run)) {
        return;
    }
    struct evaluation evaluation = {.run = run, .place = place, .item = item, .program = invariant->program};
    struct scope scope;
    enum status status = judge(&evaluation, &scope);
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
    } else if (!evaluation.is_false && evaluation.unknown != VALIDATE_MEMBER) {
        say_unknown(&evaluation, frame, invariant->key);
    }
    arena_reset(run->bench);
}
