#include "records/patch.h"

#include "records/condition.h"
#include "records/operation.h"

#include <string.h>

enum { OPERATIONS_MAX = 1000 };

struct patching {
    yyjson_mut_doc *doc;
    size_t bytes;   /* of the document as it stands; of members that went and came the names are not counted */
    size_t carried; /* bytes copied and moved so far */
    size_t index;   /* of the operation, for messages */
    struct scope *scope;
};

static enum status refuse(const struct patching *patching, enum status status, const char *what) {
    return fault(patching->scope, status, "", "patch operation %zu: %s", patching->index, what);
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

/* What a value takes when written, escapes not counted, and how deep it is. What is measured has been read, copied or moved
 * in this patch, each of which is bounded, and so is all measuring together. */
struct measure {
    size_t bytes;
    uint32_t depth;
};

/* Depth is bounded: no step leaves the document deeper than what json_read takes. */
static struct measure measure_of(yyjson_mut_val *value) {
    struct measure all = {.bytes = yyjson_mut_is_raw(value) ? yyjson_mut_get_len(value) : 4};
    if (yyjson_mut_is_str(value)) {
        all.bytes = yyjson_mut_get_len(value) + 2;
    } else if (yyjson_mut_is_ctn(value)) {
        bool is_object = yyjson_mut_is_obj(value);
        yyjson_mut_arr_iter items = yyjson_mut_arr_iter_with(value);
        yyjson_mut_obj_iter members = yyjson_mut_obj_iter_with(value);
        all.bytes = 2;
        for (yyjson_mut_val *one = NULL;
             (one = is_object ? yyjson_mut_obj_iter_next(&members) : yyjson_mut_arr_iter_next(&items)) != NULL;) {
            struct measure own = measure_of(is_object ? yyjson_mut_obj_iter_get_val(one) : one);
            all.bytes += own.bytes + (is_object ? yyjson_mut_get_len(one) + 4 : 1);
            all.depth = own.depth > all.depth ? own.depth : all.depth;
        }
        all.depth++;
    }
    return all;
}

static uint32_t pointer_depth(struct text pointer) {
    uint32_t depth = 0;
    for (size_t i = 0; i < pointer.size; i++) {
        depth += pointer.at[i] == '/';
    }
    return depth;
}

/* Before a value of that measure comes to the place. */
static enum status check_growth(struct patching *patching, struct text pointer, struct measure measure) {
    patching->bytes += measure.bytes;
    if (patching->bytes > RECORDS_RESOURCE_BYTES_MAX) {
        return refuse(patching, STATUS_TOO_LARGE, "the resource becomes larger than a resource may be");
    }
    if (pointer_depth(pointer) + measure.depth > JSON_DEPTH_MAX) {
        return refuse(patching, STATUS_UNPROCESSABLE, "the resource becomes deeper than a resource may be");
    }
    return STATUS_OK;
}

static void shrink(struct patching *patching, yyjson_mut_val *gone) {
    size_t bytes = gone == NULL ? 0 : measure_of(gone).bytes;
    patching->bytes -= bytes < patching->bytes ? bytes : patching->bytes;
}

/* Copies stay in memory even where they are removed again. */
static enum status carry(struct patching *patching, struct measure measure) {
    patching->carried += measure.bytes;
    return patching->carried <= RECORDS_RESOURCE_BYTES_MAX
               ? STATUS_OK
               : refuse(patching, STATUS_TOO_COSTLY, "the patch copies and moves more than a resource may hold");
}

/* ---- pointers (RFC 6901) ---------------------------------------------------------------------------------------- */

static bool is_pointer(struct text pointer) {
    if (pointer.size > 0 && pointer.at[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < pointer.size; i++) {
        if (pointer.at[i] == '~' && (i + 1 == pointer.size || (pointer.at[i + 1] != '0' && pointer.at[i + 1] != '1'))) {
            return false;
        }
    }
    return true;
}

static yyjson_mut_val *value_at(const struct patching *patching, struct text pointer) {
    return yyjson_mut_ptr_getx(patching->doc->root, pointer.at, pointer.size, NULL, NULL);
}

static struct text parent_of(struct text pointer) {
    size_t size = pointer.size;
    while (size > 0 && pointer.at[size - 1] != '/') {
        size--;
    }
    return (struct text){pointer.at, size == 0 ? 0 : size - 1};
}

static enum status set_at(
    struct patching *patching, struct text pointer, yyjson_mut_val *value, struct measure measure) {
    yyjson_mut_val *parent = pointer.size == 0 ? NULL : value_at(patching, parent_of(pointer));
    if (pointer.size == 0 || yyjson_mut_is_obj(parent)) {
        shrink(patching, value_at(patching, pointer)); /* its place is taken */
    }
    enum status status = check_growth(patching, pointer, measure);
    if (status != STATUS_OK || pointer.size == 0) {
        patching->doc->root = status == STATUS_OK ? value : patching->doc->root;
        return status;
    }
    bool done = false;
    if (yyjson_mut_is_obj(parent)) {
        done =
            yyjson_mut_ptr_setx(patching->doc->root, pointer.at, pointer.size, value, patching->doc, false, NULL, NULL);
    } else if (yyjson_mut_is_arr(parent)) {
        done =
            yyjson_mut_ptr_addx(patching->doc->root, pointer.at, pointer.size, value, patching->doc, false, NULL, NULL);
    }
    return done ? STATUS_OK : refuse(patching, STATUS_UNPROCESSABLE, "\"path\" points to no place of the resource");
}

static bool same_number(struct text a, struct text b) {
    double left = 0, right = 0;
    return text_equal(a, b) ||
           (text_to_double(&left, a) && text_to_double(&right, b) && left <= right && left >= right);
}

static bool same_value(yyjson_mut_val *a, yyjson_mut_val *b);

static bool same_object(yyjson_mut_val *a, yyjson_mut_val *b) {
    yyjson_mut_obj_iter members = yyjson_mut_obj_iter_with(a);
    for (yyjson_mut_val *name = NULL; (name = yyjson_mut_obj_iter_next(&members)) != NULL;) {
        yyjson_mut_val *other = yyjson_mut_obj_getn(b, yyjson_mut_get_str(name), yyjson_mut_get_len(name));
        if (other == NULL || !same_value(yyjson_mut_obj_iter_get_val(name), other)) {
            return false;
        }
    }
    return yyjson_mut_obj_size(a) == yyjson_mut_obj_size(b);
}

/* Depth is bounded: both come from json_read. */
static bool same_value(yyjson_mut_val *a, yyjson_mut_val *b) {
    if (yyjson_mut_get_type(a) != yyjson_mut_get_type(b)) {
        return false;
    }
    if (yyjson_mut_is_raw(a)) {
        return same_number((struct text){yyjson_mut_get_raw(a), yyjson_mut_get_len(a)},
            (struct text){yyjson_mut_get_raw(b), yyjson_mut_get_len(b)});
    }
    if (yyjson_mut_is_obj(a)) {
        return same_object(a, b);
    }
    if (!yyjson_mut_is_arr(a)) {
        return yyjson_mut_equals(a, b);
    }
    if (yyjson_mut_arr_size(a) != yyjson_mut_arr_size(b)) {
        return false;
    }
    yyjson_mut_arr_iter left = yyjson_mut_arr_iter_with(a), right = yyjson_mut_arr_iter_with(b);
    for (yyjson_mut_val *item = NULL; (item = yyjson_mut_arr_iter_next(&left)) != NULL;) {
        if (!same_value(item, yyjson_mut_arr_iter_next(&right))) {
            return false;
        }
    }
    return true;
}

/* ---- operations ------------------------------------------------------------------------------------------------- */

struct step {
    struct text path, from;
    yyjson_mut_val *value;
};
typedef enum status apply_step(struct patching *patching, const struct step *step);

static enum status apply_add(struct patching *patching, const struct step *step) {
    return set_at(patching, step->path, step->value, measure_of(step->value));
}

static yyjson_mut_val *take_out(struct patching *patching, struct text pointer) {
    if (pointer.size == 0) {
        return NULL; /* a resource cannot be patched away */
    }
    yyjson_mut_val *gone = yyjson_mut_ptr_removex(patching->doc->root, pointer.at, pointer.size, NULL, NULL);
    shrink(patching, gone);
    return gone;
}

static enum status apply_remove(struct patching *patching, const struct step *step) {
    return take_out(patching, step->path) != NULL
               ? STATUS_OK
               : refuse(patching, STATUS_UNPROCESSABLE, "\"path\" points to nothing that could be removed");
}

static enum status apply_replace(struct patching *patching, const struct step *step) {
    if (step->path.size == 0) {
        return set_at(patching, step->path, step->value, measure_of(step->value));
    }
    yyjson_mut_val *gone =
        yyjson_mut_ptr_replacex(patching->doc->root, step->path.at, step->path.size, step->value, NULL, NULL);
    shrink(patching, gone);
    return gone != NULL ? check_growth(patching, step->path, measure_of(step->value))
                        : refuse(patching, STATUS_UNPROCESSABLE, "\"path\" points to nothing that could be replaced");
}

static enum status apply_move(struct patching *patching, const struct step *step) {
    bool into_itself = step->path.size > step->from.size &&
                       memcmp(step->path.at, step->from.at, step->from.size) == 0 &&
                       step->path.at[step->from.size] == '/';
    yyjson_mut_val *value = into_itself ? NULL : take_out(patching, step->from);
    if (value == NULL) {
        return refuse(patching, STATUS_UNPROCESSABLE, "\"from\" points to nothing that could be moved there");
    }
    struct measure measure = measure_of(value);
    enum status status = carry(patching, measure);
    return status == STATUS_OK ? set_at(patching, step->path, value, measure) : status;
}

static enum status apply_copy(struct patching *patching, const struct step *step) {
    yyjson_mut_val *value = value_at(patching, step->from);
    if (value == NULL) {
        return refuse(patching, STATUS_UNPROCESSABLE, "\"from\" points to nothing");
    }
    struct measure measure = measure_of(value);
    enum status status = carry(patching, measure);
    return status == STATUS_OK ? set_at(patching, step->path, yyjson_mut_val_mut_copy(patching->doc, value), measure)
                               : status;
}

static enum status apply_test(struct patching *patching, const struct step *step) {
    yyjson_mut_val *value = value_at(patching, step->path);
    return value != NULL && same_value(value, step->value) ? STATUS_OK
                                                           : refuse(patching, STATUS_UNPROCESSABLE, "the test fails");
}

static const struct {
    const char *name;
    apply_step *apply;
    enum { NEEDS_NOTHING, NEEDS_VALUE, NEEDS_FROM } needs;
} operations[] = {
    {"add", apply_add, NEEDS_VALUE},
    {"remove", apply_remove, NEEDS_NOTHING},
    {"replace", apply_replace, NEEDS_VALUE},
    {"move", apply_move, NEEDS_FROM},
    {"copy", apply_copy, NEEDS_FROM},
    {"test", apply_test, NEEDS_VALUE},
};

static enum status run_step(struct patching *patching, const yyjson_val *operation) {
    struct text name = json_get_text(operation, "op");
    const yyjson_val *value = json_get(operation, "value");
    struct step step = {.path = json_get_text(operation, "path"), .from = json_get_text(operation, "from")};
    if (step.path.at == NULL || !is_pointer(step.path)) {
        return refuse(patching, STATUS_INVALID, "\"path\" must be a JSON pointer");
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (!text_is(name, operations[i].name)) {
            continue;
        }
        if (operations[i].needs == NEEDS_VALUE && value == NULL) {
            return refuse(patching, STATUS_INVALID, "\"value\" is missing");
        }
        if (operations[i].needs == NEEDS_FROM && (step.from.at == NULL || !is_pointer(step.from))) {
            return refuse(patching, STATUS_INVALID, "\"from\" must be a JSON pointer");
        }
        step.value = yyjson_val_mut_copy(patching->doc, (yyjson_val *)value);
        return operations[i].apply(patching, &step);
    }
    return refuse(patching, STATUS_INVALID, "\"op\" must be add, remove, replace, move, copy or test");
}

enum status patch_apply(struct text *out, const yyjson_val *document, const yyjson_val *patch, struct scope *scope) {
    if (!yyjson_is_arr((yyjson_val *)patch)) {
        return fault(scope, STATUS_INVALID, "", "a JSON Patch is an array of operations");
    }
    if (json_count(patch) > OPERATIONS_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "a patch may have at most %d operations", OPERATIONS_MAX);
    }
    yyjson_alc allocator = arena_json_allocator(scope->arena);
    struct patching patching = {.doc = yyjson_mut_doc_new(&allocator), .scope = scope};
    patching.doc->root = yyjson_val_mut_copy(patching.doc, (yyjson_val *)document);
    patching.bytes = measure_of(patching.doc->root).bytes;
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)patch);
    enum status status = STATUS_OK;
    for (yyjson_val *item = NULL; status == STATUS_OK && (item = yyjson_arr_iter_next(&items)) != NULL;) {
        status = run_step(&patching, item);
        status = status == STATUS_OK ? scope_check_deadline(scope) : status;
        patching.index++;
    }
    if (status != STATUS_OK) {
        return status;
    }
    out->at = yyjson_mut_write_opts(patching.doc, YYJSON_WRITE_NOFLAG, &allocator, &out->size, NULL);
    return out->at != NULL ? STATUS_OK
                           : fault(scope, STATUS_UNPROCESSABLE, "", "the patched resource cannot be written");
}

/* ---- as it comes ------------------------------------------------------------------------------------------------ */

static enum status read_json_patch(struct patch *out, struct text body, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body, scope);
    if (status == STATUS_OK) {
        out->json = yyjson_doc_get_root(doc);
    }
    return status;
}

static enum status read_fhir_patch(struct patch *out, struct text body, struct scope *scope) {
    const yyjson_val *parameters = NULL;
    enum status status = body_read(&parameters, NULL, body, fhir_type_find(TEXT("Parameters")), scope);
    return status == STATUS_OK ? fhirpatch_read(&out->fhir, parameters, scope) : status;
}

static const struct {
    const char *type;
    enum status (*read)(struct patch *out, struct text body, struct scope *scope);
} formats[] = {
    {"application/json-patch+json", read_json_patch},
    {"application/fhir+json", read_fhir_patch},
    {"application/json", read_fhir_patch},
};

enum status patch_read(struct patch *out, struct text format, struct text body, struct scope *scope) {
    struct text rest = format, type = text_trim(text_cut(&rest, ';'));
    *out = (struct patch){0};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (text_is(type, formats[i].type)) {
            return formats[i].read(out, body, scope);
        }
    }
    return fault(scope, STATUS_UNSUPPORTED, "",
        "a patch must be a JSON Patch (application/json-patch+json) or a FHIRPath Patch (application/fhir+json)");
}

static int base64_digit(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static bool base64_decode(struct text *out, struct text coded, struct arena *arena) {
    char *at = arena_alloc(arena, coded.size + 1);
    size_t size = 0;
    uint32_t bits = 0;
    int bit_count = 0;
    while (coded.size > 0 && coded.at[coded.size - 1] == '=') {
        coded.size--;
    }
    for (size_t i = 0; i < coded.size; i++) {
        int digit = base64_digit(coded.at[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            at[size++] = (char)(bits >> bit_count & 0xFF);
        }
    }
    *out = (struct text){at, size};
    return true;
}

enum status patch_of_entry(
    struct text *format_out, struct text *body_out, const yyjson_val *resource, const char *path, struct scope *scope) {
    struct text type = json_get_text(resource, "resourceType");
    if (text_is(type, "Parameters")) {
        struct json_writer w = json_writer_open(scope->arena, RECORDS_RESOURCE_BYTES_MAX);
        json_value(&w, resource);
        *format_out = TEXT("application/fhir+json");
        return json_finish(body_out, &w, scope);
    }
    if (!text_is(type, "Binary")) {
        return fault(scope, STATUS_UNSUPPORTED, path,
            "a patch in a bundle must be the Parameters of a FHIRPath Patch, or a Binary that holds a patch");
    }
    *format_out = json_get_text(resource, "contentType");
    if (!base64_decode(body_out, json_get_text(resource, "data"), scope->arena)) {
        return fault(scope, STATUS_INVALID, path, "the Binary's data is not base64");
    }
    return STATUS_OK;
}

/* ---- the interaction -------------------------------------------------------------------------------------------- */

/* A patch that leaves what R4 does not allow is a patch that does not apply. */
static enum status read_patched(
    const yyjson_val **out, const struct write *write, struct text text, struct scope *scope) {
    enum status status = body_read(out, NULL, text, write->type, scope);
    if (status == STATUS_OK && !text_equal(json_get_text(*out, "id"), write->id)) {
        status = fault(scope, STATUS_UNPROCESSABLE, "id", "a patch may not change a resource's id");
    }
    return status == STATUS_INVALID ? STATUS_UNPROCESSABLE : status;
}

enum status patch_draft(
    struct write *write, struct records_unit *unit, const struct patch *patch, struct scope *scope) {
    struct standing standing;
    enum status status = unit_standing(&standing, unit, write->type, write->id, STORE_WANT_BODY, scope);
    if (status == STATUS_OK && !standing.exists) {
        status = fault(scope, standing.known ? STATUS_GONE : STATUS_NOT_FOUND, "", "there is no such %s to patch",
            fhir_type_name(write->type));
    }
    const yyjson_val *current = NULL, *patched = NULL;
    struct text text = {0};
    if (status == STATUS_OK) {
        status = body_parse(&current, &standing.resource, scope);
    }
    if (status == STATUS_OK) {
        status = patch->fhir != NULL ? fhirpatch_apply(&text, current, patch->fhir, records_unit_time_us(unit), scope)
                                     : patch_apply(&text, current, patch->json, scope);
    }
    if (status == STATUS_OK) {
        status = read_patched(&patched, write, text, scope);
    }
    return status == STATUS_OK ? draft_make(&write->draft, unit->records, patched, write->id, scope) : status;
}

struct patch_plan {
    struct patch patch;
    struct condition condition;
};

static enum status apply_patch(struct operation *op, struct records_unit *unit, struct scope *scope) {
    const struct records_request *request = &op->request;
    struct patch_plan *plan = op->plan;
    struct write write = {.kind = WRITE_PATCH, .type = request->type, .id = request->id, .if_match = request->if_match};
    enum status status = STATUS_OK;
    if (request->is_conditional) {
        bool changed = false;
        status = condition_look_again(&changed, &plan->condition, unit, scope);
        if (status == STATUS_OK && plan->condition.matches != CONDITION_ONE) {
            status =
                plan->condition.matches == CONDITION_MANY
                    ? condition_refuse_many(&plan->condition, scope)
                    : fault(scope, STATUS_NOT_FOUND, "", "the condition matches no %s", fhir_type_name(request->type));
        }
        write.id = plan->condition.id;
    }
    if (status == STATUS_OK) {
        status = patch_draft(&write, unit, &plan->patch, scope);
    }
    if (status == STATUS_OK) {
        status = write_apply(&write, unit, scope);
    }
    if (status == STATUS_OK) {
        struct records_answer *answer = op->answer;
        answer->id = write.id;
        answer->version = write.version;
        answer->updated_us = write.updated_us;
        answer->body =
            body_splice_parts(scope->arena, write.draft.json, write.draft.gap, write.version, write.updated_us);
    }
    return status;
}

enum status patch_prepare(struct operation *op, struct scope *scope) {
    const struct records_request *request = &op->request;
    struct patch_plan *plan = ARENA_NEW(scope->arena, struct patch_plan);
    op->plan = plan;
    op->apply = apply_patch;
    if (fhir_resource_number(request->type) == 0 || (!request->is_conditional && !fhir_id_is_valid(request->id))) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no such resource");
    }
    enum status status = patch_read(&plan->patch, request->patch_format, request->body, scope);
    if (status != STATUS_OK || !request->is_conditional) {
        return status;
    }
    if (request->pair_count == 0) {
        return fault(scope, STATUS_PRECONDITION, "", "a condition without parameters would match every %s",
            fhir_type_name(request->type));
    }
    plan->condition = (struct condition){.type = request->type, .path = ""};
    return condition_query(
        &plan->condition.query, op->records, request->type, request->pairs, request->pair_count, 2, scope);
}
