#include "records/fhirpatch.h"

#include <ctype.h>
#include <string.h>

#include "records/element.h"
#include "records/records.h"

enum { OPERATIONS_MAX = 1000 };

/* ---- the patch, understood -------------------------------------------------------------------------------------- */

/* What an operation puts: value[x], a resource, or the parts of an element whose type has no name. */
struct content {
    const yyjson_val *value, *companion, *parts;
    struct text suffix; /* of value[x]: "CodeableConcept" */
};

enum step_part { PART_TYPE, PART_PATH, PART_NAME, PART_VALUE, PART_INDEX, PART_SOURCE, PART_DESTINATION, PART_COUNT };
static const char *const part_names[PART_COUNT] = {
    [PART_TYPE] = "type",
    [PART_PATH] = "path",
    [PART_NAME] = "name",
    [PART_VALUE] = "value",
    [PART_INDEX] = "index",
    [PART_SOURCE] = "source",
    [PART_DESTINATION] = "destination",
};

struct step;
struct patching;
typedef enum status apply_step(struct patching *patching, const struct step *step);

/* The path of a list is the path of the element that holds it, and its name. */
struct step_kind {
    const char *name;
    enum { PATH_OF_ELEMENT, PATH_OF_LIST } path;
    enum step_part needs[3];
    apply_step *apply;
};

struct step {
    const struct step_kind *kind;
    const struct fhirpath *path;
    struct text name;
    struct content content;
    int64_t numbers[PART_COUNT]; /* index, source, destination */
};

struct fhirpatch {
    struct step *steps;
    size_t count;
};

struct patching {
    const yyjson_val *root; /* the resource as the operations before left it */
    struct element_editor editor;
    yyjson_alc allocator;
    size_t index; /* of the operation, for messages */
    int64_t now_us;
    struct scope *scope;
};

static enum status refuse(struct scope *scope, enum status status, size_t index, const char *what) {
    return fault(scope, status,
        text_string(scope->arena, text_format(scope->arena, "Parameters.parameter[%zu]", index)), "%s", what);
}

static enum status unprocessable(const struct patching *patching, const char *what) {
    return refuse(patching->scope, STATUS_UNPROCESSABLE, patching->index, what);
}

/* ---- building what is put --------------------------------------------------------------------------------------- */

static struct content content_of(const yyjson_val *part) {
    struct content content = {.value = json_get(part, "resource"), .parts = json_get(part, "part")};
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)part);
    for (yyjson_val *key = NULL; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        struct text name = json_text(key);
        if (text_starts(name, "value")) {
            content.value = yyjson_obj_iter_get_val(key);
            content.suffix = (struct text){name.at + 5, name.size - 5};
        } else if (text_starts(name, "_value")) {
            content.companion = yyjson_obj_iter_get_val(key);
            content.suffix = (struct text){name.at + 6, name.size - 6};
        }
    }
    return content;
}

static enum status build(
    struct element_value *out, struct patching *patching, fhir_type type, const struct content *content);

/* The element's name in JSON: that of a choice follows the type of what is put. */
static bool name_member(struct text *out, const struct fhir_element *element, struct text name,
    const struct content *content, struct arena *arena) {
    *out = name;
    if (element->is_choice && text_is(name, element->name)) {
        *out = text_format(arena, "%s%.*s", element->name, (int)content->suffix.size, content->suffix.at);
        return content->suffix.size > 0;
    }
    return true;
}

static bool has_element(yyjson_mut_val *owner, fhir_type type, const struct fhir_element *element) {
    yyjson_mut_obj_iter members = yyjson_mut_obj_iter_with(owner);
    for (yyjson_mut_val *key = NULL; (key = yyjson_mut_obj_iter_next(&members)) != NULL;) {
        struct fhir_member member = {0};
        struct text name = {yyjson_mut_get_str(key), yyjson_mut_get_len(key)};
        if (fhir_member_find(&member, type, name) && member.element == element) {
            return true;
        }
    }
    return false;
}

/* Appends to a list; sets what is no list and not there yet. */
static enum status add_element(
    struct patching *patching, yyjson_mut_val *owner, fhir_type type, struct text name, const struct content *content) {
    struct fhir_member member = {.element = fhir_element_find(type, name)};
    bool known = member.element != NULL || (fhir_member_find(&member, type, name) && !member.is_companion);
    struct text in_json = {0};
    if (!known || !name_member(&in_json, member.element, name, content, patching->scope->arena) ||
        !fhir_member_find(&member, type, in_json)) {
        return unprocessable(patching, "the element has no member of this name and type");
    }
    bool is_list = member.element->max > 1;
    if (!is_list && has_element(owner, type, member.element)) {
        return unprocessable(patching, "what is added is there already and is no list");
    }
    struct element_value value;
    enum status status = build(&value, patching, member.type, content);
    if (status != STATUS_OK) {
        return status;
    }
    if (is_list) {
        size_t end = element_count(&patching->editor, owner, in_json);
        element_insert(&patching->editor, owner, in_json, end, value);
    } else {
        element_put(&patching->editor, owner, in_json, value);
    }
    return STATUS_OK;
}

/* Depth is bounded: the patch comes from json_read. */
static enum status build(
    struct element_value *out, struct patching *patching, fhir_type type, const struct content *content) {
    yyjson_mut_doc *doc = patching->editor.doc;
    *out = (struct element_value){
        yyjson_val_mut_copy(doc, (yyjson_val *)content->value),
        yyjson_val_mut_copy(doc, (yyjson_val *)content->companion),
    };
    if (content->parts == NULL) {
        return out->value != NULL || out->companion != NULL
                   ? STATUS_OK
                   : refuse(patching->scope, STATUS_INVALID, patching->index, "\"value\" holds nothing");
    }
    out->value = yyjson_mut_obj(doc);
    yyjson_arr_iter parts = yyjson_arr_iter_with((yyjson_val *)content->parts);
    enum status status = STATUS_OK;
    for (yyjson_val *part = NULL; status == STATUS_OK && (part = yyjson_arr_iter_next(&parts)) != NULL;) {
        const struct content inner = content_of(part);
        status = add_element(patching, out->value, type, json_get_text(part, "name"), &inner);
    }
    return status;
}

/* ---- operations ------------------------------------------------------------------------------------------------- */

static enum status find_one(
    struct element_place *out, fhir_type *type_out, bool *found, struct patching *patching, const struct step *step) {
    const struct fhirpath_environment environment = {.resource = patching->root, .now_us = patching->now_us};
    struct fhirpath_items items = {0};
    enum status status = fhirpath_evaluate(&items, step->path, NULL, &environment, patching->scope);
    if (status == STATUS_INVALID) {
        return unprocessable(patching, "the path cannot be evaluated on this resource");
    }
    *found = items.count > 0;
    if (status != STATUS_OK || !*found) {
        return status;
    }
    if (items.count > 1) {
        return unprocessable(patching, "the path leads to several elements");
    }
    *type_out = items.at[0].type;
    return element_find(out, &patching->editor, patching->root, &items.at[0])
               ? STATUS_OK
               : unprocessable(patching, "the path leads to a value that is no element of the resource");
}

static enum status find_element(
    struct element_place *out, fhir_type *type_out, struct patching *patching, const struct step *step) {
    bool found = false;
    enum status status = find_one(out, type_out, &found, patching, step);
    return status == STATUS_OK && !found ? unprocessable(patching, "the path leads to no element") : status;
}

static enum status apply_add(struct patching *patching, const struct step *step) {
    struct element_place place;
    fhir_type type = FHIR_TYPE_NONE;
    enum status status = find_element(&place, &type, patching, step);
    if (status != STATUS_OK) {
        return status;
    }
    return add_element(patching, element_members(&patching->editor, &place), type, step->name, &step->content);
}

/* "Path of the element to delete (if found)": it may be gone already. */
static enum status apply_delete(struct patching *patching, const struct step *step) {
    struct element_place place;
    fhir_type type = FHIR_TYPE_NONE;
    bool found = false;
    enum status status = find_one(&place, &type, &found, patching, step);
    if (status != STATUS_OK || !found) {
        return status;
    }
    if (place.owner == NULL) {
        return unprocessable(patching, "a patch cannot delete the resource");
    }
    element_remove(&patching->editor, &place);
    return STATUS_OK;
}

static enum status apply_replace(struct patching *patching, const struct step *step) {
    struct element_place place;
    fhir_type type = FHIR_TYPE_NONE;
    enum status status = find_element(&place, &type, patching, step);
    if (status != STATUS_OK) {
        return status;
    }
    struct fhir_member member = {0};
    if (place.owner == NULL || !fhir_member_find(&member, place.owner_type, place.member)) {
        return unprocessable(patching, "the path leads to nothing that could be replaced");
    }
    struct text in_json = {0};
    if (!name_member(&in_json, member.element,
            member.element->is_choice ? text_from(member.element->name) : place.member, &step->content,
            patching->scope->arena)) {
        return unprocessable(patching, "a choice of types needs a value of one of them");
    }
    struct element_value value;
    status = build(&value, patching, member.type, &step->content);
    if (status == STATUS_OK) {
        element_replace(&patching->editor, &place, in_json, value);
    }
    return status;
}

struct list_place {
    yyjson_mut_val *owner;
    const struct fhir_element *element;
    fhir_type type;
    size_t count;
};

static enum status find_list(struct list_place *out, struct patching *patching, const struct step *step) {
    struct element_place place;
    fhir_type type = FHIR_TYPE_NONE;
    enum status status = find_element(&place, &type, patching, step);
    if (status != STATUS_OK) {
        return status;
    }
    *out = (struct list_place){.element = fhir_element_find(type, step->name)};
    if (out->element == NULL || out->element->max <= 1) {
        return unprocessable(patching, "the path does not lead to a list");
    }
    out->owner = element_members(&patching->editor, &place);
    out->type = out->element->types[0];
    out->count = element_count(&patching->editor, out->owner, step->name);
    return STATUS_OK;
}

static bool is_within(int64_t index, size_t count) {
    return index >= 0 && (uint64_t)index < count;
}

static enum status apply_insert(struct patching *patching, const struct step *step) {
    struct list_place list;
    struct element_value value;
    enum status status = find_list(&list, patching, step);
    if (status == STATUS_OK && !is_within(step->numbers[PART_INDEX], list.count + 1)) {
        status = unprocessable(patching, "\"index\" is beyond the end of the list");
    }
    if (status == STATUS_OK) {
        status = build(&value, patching, list.type, &step->content);
    }
    if (status == STATUS_OK) {
        element_insert(&patching->editor, list.owner, step->name, (size_t)step->numbers[PART_INDEX], value);
    }
    return status;
}

static enum status apply_move(struct patching *patching, const struct step *step) {
    struct list_place list;
    enum status status = find_list(&list, patching, step);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t from = step->numbers[PART_SOURCE], to = step->numbers[PART_DESTINATION];
    if (!is_within(from, list.count) || !is_within(to, list.count)) {
        return unprocessable(patching, "\"source\" or \"destination\" is beyond the end of the list");
    }
    struct element_value value = element_take(&patching->editor, list.owner, step->name, (size_t)from);
    element_insert(&patching->editor, list.owner, step->name, (size_t)to, value);
    return STATUS_OK;
}

static const struct step_kind kinds[] = {
    {"add", PATH_OF_ELEMENT, {PART_PATH, PART_NAME, PART_VALUE}, apply_add},
    {"insert", PATH_OF_LIST, {PART_PATH, PART_INDEX, PART_VALUE}, apply_insert},
    {"delete", PATH_OF_ELEMENT, {PART_PATH, PART_PATH, PART_PATH}, apply_delete},
    {"replace", PATH_OF_ELEMENT, {PART_PATH, PART_VALUE, PART_VALUE}, apply_replace},
    {"move", PATH_OF_LIST, {PART_PATH, PART_SOURCE, PART_DESTINATION}, apply_move},
};

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static const yyjson_val *simple_value(const yyjson_val *part) {
    return part == NULL ? NULL : content_of(part).value;
}

static struct text simple_text(const yyjson_val *part) {
    const yyjson_val *value = simple_value(part);
    return value == NULL ? (struct text){0} : json_text(value);
}

/* "Patient.contact[0].telecom" → "Patient.contact[0]" and "telecom". */
static bool split_list_path(struct text *holder, struct text *name, struct text path) {
    path = text_trim(path);
    size_t at = path.size;
    while (at > 0 && (isalnum((unsigned char)path.at[at - 1]) || path.at[at - 1] == '_')) {
        at--;
    }
    if (at == path.size || (at > 0 && path.at[at - 1] != '.')) {
        return false;
    }
    *name = (struct text){path.at + at, path.size - at};
    *holder = at == 0 ? TEXT("$this") : (struct text){path.at, at - 1};
    return true;
}

static enum status read_path(struct step *step, const yyjson_val *part, size_t index, struct scope *scope) {
    struct text path = simple_text(part);
    if (path.size == 0) {
        return refuse(scope, STATUS_INVALID, index, "\"path\" must be a FHIRPath expression");
    }
    if (step->kind->path == PATH_OF_LIST && !split_list_path(&path, &step->name, path)) {
        return refuse(scope, STATUS_INVALID, index, "the path of a list must end with the list's name");
    }
    return fhirpath_compile(&step->path, path, scope);
}

static enum status read_number(
    struct step *step, enum step_part which, const yyjson_val *part, size_t index, struct scope *scope) {
    const yyjson_val *value = simple_value(part);
    if (value == NULL || !text_to_int64(&step->numbers[which], json_number_text(value))) {
        return refuse(scope, STATUS_INVALID, index, "\"index\", \"source\" and \"destination\" must be integers");
    }
    return STATUS_OK;
}

static enum status read_part(
    struct step *step, enum step_part which, const yyjson_val *part, size_t index, struct scope *scope) {
    switch (which) {
    case PART_PATH:
        return read_path(step, part, index, scope);
    case PART_NAME:
        step->name = simple_text(part);
        return step->name.size > 0 ? STATUS_OK : refuse(scope, STATUS_INVALID, index, "\"name\" must be a string");
    case PART_VALUE:
        step->content = content_of(part);
        return STATUS_OK;
    case PART_INDEX:
    case PART_SOURCE:
    case PART_DESTINATION:
        return read_number(step, which, part, index, scope);
    case PART_TYPE:
    case PART_COUNT:
        break;
    }
    return STATUS_OK;
}

static enum status gather_parts(
    const yyjson_val *out[static PART_COUNT], const yyjson_val *parameter, size_t index, struct scope *scope) {
    yyjson_arr_iter parts = yyjson_arr_iter_with((yyjson_val *)json_get(parameter, "part"));
    for (yyjson_val *part = NULL; (part = yyjson_arr_iter_next(&parts)) != NULL;) {
        size_t which = 0;
        while (which < PART_COUNT && !text_is(json_get_text(part, "name"), part_names[which])) {
            which++;
        }
        if (which == PART_COUNT || out[which] != NULL) {
            return refuse(scope, STATUS_INVALID, index, "the operation has a part that is unknown or stands twice");
        }
        out[which] = part;
    }
    return STATUS_OK;
}

static enum status read_step(struct step *out, const yyjson_val *parameter, size_t index, struct scope *scope) {
    const yyjson_val *parts[PART_COUNT] = {NULL};
    if (!text_is(json_get_text(parameter, "name"), "operation")) {
        return refuse(scope, STATUS_INVALID, index, "a patch has parameters of the name \"operation\" only");
    }
    enum status status = gather_parts(parts, parameter, index, scope);
    if (status != STATUS_OK) {
        return status;
    }
    *out = (struct step){0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        out->kind = text_is(simple_text(parts[PART_TYPE]), kinds[i].name) ? &kinds[i] : out->kind;
    }
    if (out->kind == NULL) {
        return refuse(scope, STATUS_INVALID, index, "\"type\" must be add, insert, delete, replace or move");
    }
    for (size_t i = 0; i < 3 && status == STATUS_OK; i++) {
        enum step_part which = out->kind->needs[i];
        bool is_repeated = i > 0 && which == out->kind->needs[i - 1];
        if (parts[which] == NULL) {
            status = fault(scope, STATUS_INVALID,
                text_string(scope->arena, text_format(scope->arena, "Parameters.parameter[%zu]", index)),
                "a patch operation of type %s needs a part \"%s\"", out->kind->name, part_names[which]);
        } else if (!is_repeated) {
            status = read_part(out, which, parts[which], index, scope);
        }
    }
    return status;
}

enum status fhirpatch_read(const struct fhirpatch **out, const yyjson_val *parameters, struct scope *scope) {
    yyjson_val *operations = (yyjson_val *)json_get(parameters, "parameter");
    size_t count = yyjson_arr_size(operations);
    if (count > OPERATIONS_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "a patch may have at most %d operations", OPERATIONS_MAX);
    }
    struct fhirpatch *patch = ARENA_NEW(scope->arena, struct fhirpatch);
    *patch = (struct fhirpatch){.steps = ARENA_ARRAY(scope->arena, struct step, count + 1), .count = count};
    yyjson_arr_iter items = yyjson_arr_iter_with(operations);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = read_step(&patch->steps[i], yyjson_arr_iter_next(&items), i, scope);
    }
    *out = patch;
    return status;
}

/* ---- applying --------------------------------------------------------------------------------------------------- */

/* Each operation sees what those before it did: it works on a copy that is read anew for the next. */
static enum status apply_one(struct patching *patching, const struct step *step) {
    patching->editor.doc = yyjson_mut_doc_new(&patching->allocator);
    patching->editor.doc->root = yyjson_val_mut_copy(patching->editor.doc, (yyjson_val *)patching->root);
    enum status status = step->kind->apply(patching, step);
    struct text text = {0};
    if (status == STATUS_OK) {
        text.at =
            yyjson_mut_write_opts(patching->editor.doc, YYJSON_WRITE_NOFLAG, &patching->allocator, &text.size, NULL);
        if (text.at == NULL) {
            return unprocessable(patching, "the patched resource cannot be written");
        }
        yyjson_doc *next = NULL;
        status = json_read(&next, text, patching->scope);
        patching->root = status == STATUS_OK ? yyjson_doc_get_root(next) : NULL;
    }
    return status == STATUS_OK ? scope_check_deadline(patching->scope) : status;
}

enum status fhirpatch_apply(
    struct text *out, const yyjson_val *resource, const struct fhirpatch *patch, int64_t now_us, struct scope *scope) {
    struct patching patching = {
        .root = resource,
        .editor = {.arena = scope->arena},
        .allocator = arena_json_allocator(scope->arena),
        .now_us = now_us,
        .scope = scope,
    };
    enum status status = STATUS_OK;
    for (; patching.index < patch->count && status == STATUS_OK; patching.index++) {
        status = apply_one(&patching, &patch->steps[patching.index]);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, RECORDS_RESOURCE_BYTES_MAX);
    json_value(&w, patching.root);
    return json_finish(out, &w, scope);
}
