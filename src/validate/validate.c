/* A validator, and one validation from beginning to end. */
#include "validate/profile.h"

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

/* ---- the validator ---------------------------------------------------------------------------------------------- */

struct opening {
    struct validate *validate;
};

static enum status compile_rules(void *context, struct scope *scope) {
    struct validate *validate = ARENA_NEW(scope->arena, struct validate);
    ((struct opening *)context)->validate = validate;
    validate->invariants = ARENA_ARRAY(scope->arena, struct validate_invariant, (size_t)validate_rule_count);
    for (int i = 0; i < validate_rule_count; i++) {
        const struct validate_rule *rule = &validate_rules[i];
        struct validate_invariant *invariant = &validate->invariants[i];
        *invariant = (struct validate_invariant){rule->key, rule->human, NULL, (enum validate_severity)rule->severity};
        enum status status = fhirpath_compile(&invariant->program, text_from(rule->expression), scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static void name_types(struct validate *validate) {
    validate->extension = fhir_type_find(TEXT("Extension"));
    validate->reference = fhir_type_find(TEXT("Reference"));
    validate->codeable_concept = fhir_type_find(TEXT("CodeableConcept"));
    validate->coding = fhir_type_find(TEXT("Coding"));
    validate->quantity = fhir_type_find(TEXT("Quantity"));
    validate->bundle = fhir_type_find(TEXT("Bundle"));
    validate->structure_definition = fhir_type_find(TEXT("StructureDefinition"));
    validate->canonical = fhir_type_find(TEXT("canonical"));
}

enum status validate_open(struct validate **out, struct scope *scope) {
    struct arena *arena = arena_open(ARENA_BYTES_MAX);
    *out = NULL;
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the rules of R4");
    }
    struct opening opening = {NULL};
    struct scope own;
    enum status status = scope_run(&own, arena, compile_rules, &opening);
    if (status != STATUS_OK) {
        fault_carry(scope, &own.fault);
        arena_close(arena);
        return status;
    }
    opening.validate->arena = arena;
    name_types(opening.validate);
    *out = opening.validate;
    return STATUS_OK;
}

void validate_close(struct validate *validate) {
    if (validate != NULL) {
        arena_close(validate->arena);
    }
}

/* ---- one validation --------------------------------------------------------------------------------------------- */

static void close_bench(void *bench) {
    arena_close(bench);
}

/* Faults of structure, each at its own path. */
static void check_structure(struct validate_run *run, const yyjson_val *resource) {
    struct scope scope = validate_side_scope(run);
    enum status status = fhir_check(resource, &scope);
    if (validate_stops(run, status)) {
        return;
    }
    for (const struct issue *issue = scope.fault.first; issue != NULL; issue = issue->next) {
        struct validate_frame frame = {NULL, issue->path, VALIDATE_NO_INDEX};
        validate_say(
            run, VALIDATE_ERROR, issue->code != NULL ? issue->code : "structure", NULL, &frame, "%s", issue->text);
    }
    if (scope.fault.count >= FAULT_ISSUES_MAX) {
        validate_say(run, VALIDATE_ERROR, "too-costly", NULL, NULL,
            "faults of structure are looked for until %d are found", FAULT_ISSUES_MAX);
    }
}

static void check_mode(
    struct validate_run *run, const struct validate_request *request, const struct validate_frame *root) {
    struct text id = json_get_text(request->resource, "id");
    struct validate_frame frame = validate_frame_under(root, "id", VALIDATE_NO_INDEX);
    if (request->mode != VALIDATE_FOR_UPDATE) {
        return;
    }
    if (id.size == 0) {
        validate_say(run, VALIDATE_ERROR, "required", NULL, &frame, "an update needs the id");
    } else if (request->id.size > 0 && !text_equal(id, request->id)) {
        validate_say(run, VALIDATE_ERROR, "value", NULL, &frame, "is not the id of the resource to be updated");
    }
}

static void check_profile(
    struct validate_run *run, const struct validate_frame *root, const yyjson_val *resource, struct text canonical) {
    struct validate_profile_url url = validate_canonical(canonical);
    struct validate_place place = validate_place_within(run->validate, NULL, root, resource);
    struct validate_item item = {resource, NULL, place.type, VALIDATE_NO_INDEX};
    fhir_type core = validate_core_type(url.url);
    if (core != FHIR_TYPE_NONE && !fhir_type_is(place.type, core)) {
        validate_say(run, VALIDATE_ERROR, "structure", NULL, root, "is no %s", fhir_type_name(core));
    }
    if (core != FHIR_TYPE_NONE) {
        return;
    }
    const struct validate_profile *profile = validate_find_profile(run, root, url.url, url.version);
    if (profile == NULL) {
        validate_say(run, VALIDATE_ERROR, "not-found", NULL, root,
            "not checked against the profile %.*s: it is not known here, or cannot be used", (int)canonical.size,
            canonical.at);
        return;
    }
    validate_conform_profile(run, &place, root, profile, &item);
}

enum status validate_resource(struct validate_report *out, const struct validate *validate,
    const struct validate_request *request, const struct validate_environment *environment, struct scope *scope) {
    fhir_type type = fhir_resource_type_of(request->resource);
    struct validate_frame root = {NULL, type == FHIR_TYPE_NONE ? "Resource" : fhir_type_name(type), VALIDATE_NO_INDEX};
    *out = (struct validate_report){0};
    if (request->profile_count > VALIDATE_PROFILES_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "at most %d profiles at a time", VALIDATE_PROFILES_MAX);
    }
    struct validate_run run = {.validate = validate,
        .environment = environment,
        .scope = scope,
        .bench = arena_open(VALIDATE_INVARIANT_BYTES_MAX),
        .report = out,
        .ignores_declared = request->ignores_declared};
    if (run.bench == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for invariants");
    }
    arena_defer(scope->arena, close_bench, run.bench);
    check_structure(&run, request->resource);
    if (type != FHIR_TYPE_NONE) {
        check_mode(&run, request, &root);
        validate_walk_resource(&run, NULL, &root, request->resource);
        for (size_t i = 0; i < request->profile_count && !validate_is_over(&run); i++) {
            check_profile(&run, &root, request->resource, request->profiles[i]);
        }
    }
    return run.status;
}
