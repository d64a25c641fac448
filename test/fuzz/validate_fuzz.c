/* Whatever resource is judged by whatever definition, judging ends, and says how it ended. The input is a JSON object with
 * the members `resource` and `definition`; the definition answers to every canonical URL that is asked for. */
#include "validate/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { ARENA_BYTES = 512 << 20, DEADLINE_US = 8000000, ANSWER_BYTES = 16 << 20 };

struct trial {
    struct validate *validate;
    struct text source;
    const yyjson_val *definition;
};

static enum status find_definition(
    const yyjson_val **out, void *context, struct text url, struct text version, struct scope *scope) {
    (void)url;
    (void)version;
    (void)scope;
    *out = ((struct trial *)context)->definition;
    return STATUS_OK;
}

static enum status check_code(enum validate_membership *out, void *context, const struct validate_coding *coding,
    struct text value_set, struct scope *scope) {
    (void)context;
    (void)scope;
    *out = (enum validate_membership)((coding->code.size + value_set.size) % 4);
    return STATUS_OK;
}

static enum status judge(void *context, struct scope *scope) {
    struct trial *trial = context;
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, trial->source, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct text profile = TEXT("http://example.org/profile"), answer;
    struct validate_report report;
    struct validate_environment environment = {
        .find_definition = find_definition, .check_code = check_code, .context = trial};
    struct validate_request request = {
        .resource = json_get(yyjson_doc_get_root(doc), "resource"), .profiles = &profile, .profile_count = 1};
    trial->definition = json_get(yyjson_doc_get_root(doc), "definition");
    scope->deadline_us = clock_monotonic_us() + DEADLINE_US;
    status = validate_resource(&report, trial->validate, &request, &environment, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, ANSWER_BYTES);
    validate_write_outcome(&w, &report);
    status = json_finish(&answer, &w, scope);
    invariant(status == STATUS_OK);
    invariant(json_read(&doc, answer, scope) == STATUS_OK);
    invariant(fhir_check(yyjson_doc_get_root(doc), scope) == STATUS_OK);
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct validate *validate;
    struct scope scope;
    if (validate == NULL) {
        struct scope own = {.arena = arena_open(1 << 20)};
        invariant(validate_open(&validate, &own) == STATUS_OK);
        arena_close(own.arena);
    }
    struct arena *arena = arena_open(ARENA_BYTES);
    struct trial trial = {validate, {(const char *)bytes, size}, NULL};
    enum status status = scope_run(&scope, arena, judge, &trial);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    arena_close(arena);
    return 0;
}
