/* Whatever the patch is, applying it ends; what it leaves is JSON in FHIR's shape: nothing empty, and companions as long as their lists.
 * The first byte chooses the kind: 'f' FHIRPath Patch, anything else JSON Patch. */
#include "records/fhirpatch.h"
#include "records/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char resource[] =
    "{\"resourceType\":\"Patient\",\"id\":\"p\",\"active\":true,\"birthDate\":\"1950\",\"_birthDate\":{\"extension\":[{"
    "\"url\":"
    "\"http://"
    "e\",\"valueDecimal\":1.00}]},\"name\":[{\"family\":\"a\",\"given\":[\"b\",null,\"c\"],\"_given\":[null,{\"id\":"
    "\"g\"},{\"id\":\"h\"}]},{\"text\":\"d\"}],\"contained\":[{\"resourceType\":\"Observation\",\"id\":\"o\","
    "\"status\":"
    "\"final\",\"code\":{\"text\":\"x\"},\"valueQuantity\":{\"value\":1.50}}],\"deceasedBoolean\":false,\"contact\":[{"
    "\"name\":"
    "{\"text\":\"only\"}}]}";

static void check_shape(yyjson_val *value) {
    invariant(!yyjson_is_ctn(value) || unsafe_yyjson_get_len(value) > 0);
    yyjson_obj_iter members = yyjson_obj_iter_with(value);
    for (yyjson_val *key = NULL; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        yyjson_val *member = yyjson_obj_iter_get_val(key);
        const char *name = yyjson_get_str(key);
        yyjson_val *beside = name[0] == '_' ? yyjson_obj_get(value, name + 1) : NULL;
        if (beside != NULL && yyjson_is_arr(member)) {
            invariant(yyjson_arr_size(beside) == yyjson_arr_size(member));
        }
        check_shape(member);
    }
    yyjson_arr_iter items = yyjson_arr_iter_with(value);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        check_shape(item);
    }
}

static enum status apply_fhir(
    struct text *out, const yyjson_val *before, const yyjson_val *patch, struct scope *scope) {
    const struct fhirpatch *steps = NULL;
    enum status status = fhirpatch_read(&steps, patch, scope);
    return status == STATUS_OK ? fhirpatch_apply(out, before, steps, 0, scope) : status;
}

static enum status apply(void *context, struct scope *scope) {
    struct text source = *(const struct text *)context, out = {NULL, 0};
    bool is_fhir = source.at[0] == 'f';
    yyjson_doc *patch = NULL, *before = NULL, *after = NULL;
    source.at++;
    source.size--;
    scope->deadline_us = clock_monotonic_us() + 2000000;
    invariant(json_read(&before, TEXT(resource), scope) == STATUS_OK);
    enum status status = json_read(&patch, source, scope);
    const yyjson_val *root = yyjson_doc_get_root(patch);
    if (status == STATUS_OK && is_fhir) {
        status = fhir_check(root, scope);
    }
    if (status == STATUS_OK) {
        status = is_fhir ? apply_fhir(&out, yyjson_doc_get_root(before), root, scope)
                         : patch_apply(&out, yyjson_doc_get_root(before), root, scope);
    }
    if (status == STATUS_OK) {
        status = json_read(&after, out, scope); /* it may be too deep, and then is no resource */
    }
    if (status == STATUS_OK && is_fhir) {
        check_shape(yyjson_doc_get_root(after));
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct arena *arena = arena_open(256 << 20);
    struct text source = {(const char *)bytes, size};
    struct scope scope;
    enum status status = scope_run(&scope, arena, apply, &source);
    invariant((status == STATUS_OK) == (scope.fault.count == 0));
    arena_close(arena);
    return 0;
}
