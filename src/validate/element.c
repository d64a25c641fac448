/* One ElementDefinition laid over the tree: what it asks beyond R4 itself is kept, what merely repeats R4 is not. Elements come in
 * definition order, a base's before those of what is derived from it: the later one narrows. */
#include "validate/profile.h"

#include <string.h>

struct laying {
    struct validate_node *root;
    const struct validate *validate;
    const yyjson_val *element;
    const char *id; /* of the element: in faults */
    struct scope *scope;
};

/* ---- the way to its node ---------------------------------------------------------------------------------------- */

static struct validate_node *append(struct validate_node **list, struct arena *arena) {
    while (*list != NULL) {
        list = &(*list)->next;
    }
    *list = ARENA_NEW(arena, struct validate_node);
    (*list)->max = UINT32_MAX;
    return *list;
}

static struct validate_node *find_slice(struct validate_node *node, struct text name) {
    struct validate_node *slice = node->slices;
    while (slice != NULL && !text_equal(slice->slice, name)) {
        slice = slice->next;
    }
    return slice;
}

static void keep_discriminator(
    struct validate_node *node, struct arena *arena, enum validate_discriminator_kind kind, const char *path) {
    struct validate_discriminator *discriminator = ARENA_NEW(arena, struct validate_discriminator);
    *discriminator = (struct validate_discriminator){.kind = kind, .path = path};
    if (strcmp(path, "$this") != 0) {
        discriminator->steps = ARENA_NEW(arena, struct validate_step);
        *discriminator->steps = (struct validate_step){.kind = VALIDATE_STEP_CHILD, .name = text_from(path)};
    }
    node->discriminators = discriminator;
}

/* Extensions and choices are sliced in one way only, which need not be said. */
static void imply_slicing(struct validate_node *node, const struct laying *laying) {
    if (node->is_sliced || node->slices != NULL) {
        return;
    }
    if (node->element != NULL && node->element->types[0] == laying->validate->extension) {
        keep_discriminator(node, laying->scope->arena, VALIDATE_BY_VALUE, "url");
    } else if (node->element != NULL && node->element->is_choice) {
        keep_discriminator(node, laying->scope->arena, VALIDATE_BY_TYPE, "$this");
    }
}

/* "a/b" is the slice b of the slice a. */
static struct validate_node *slice_of(struct validate_node *node, struct text name, const struct laying *laying) {
    struct arena *arena = laying->scope->arena;
    const char *slash = name.size == 0 ? NULL : memchr(name.at, '/', name.size);
    struct text first = slash == NULL ? name : (struct text){name.at, (size_t)(slash - name.at)};
    struct validate_node *slice = find_slice(node, first);
    slice = slice != NULL ? slice : find_slice(node, name);
    if (slice == NULL) {
        imply_slicing(node, laying);
        slice = append(&node->slices, arena);
        slice->parent = node;
        slice->name = node->name;
        slice->slice = first;
        slice->type = node->type;
        slice->element = node->element;
        slice->id = text_format(arena, "%s:%.*s", node->id, (int)first.size, first.at).at;
    }
    if (slash == NULL || slice->slice.size == name.size) {
        return slice;
    }
    struct text rest = {slash + 1, name.size - first.size - 1};
    return slice_of(slice, rest, laying);
}

static struct validate_node *new_child(
    struct validate_node *parent, struct text name, const struct fhir_element *element, const struct laying *laying) {
    struct validate_node *child = append(&parent->children, laying->scope->arena);
    child->parent = parent;
    child->name = name;
    child->element = element;
    child->type = element != NULL && element->type_count == 1 ? element->types[0] : FHIR_TYPE_NONE;
    child->id = text_format(laying->scope->arena, "%s.%.*s", parent->id, (int)name.size, name.at).at;
    return child;
}

static struct validate_node *find_child(struct validate_node *parent, struct text name) {
    struct validate_node *child = parent->children;
    while (child != NULL && !text_equal(child->name, name)) {
        child = child->next;
    }
    return child;
}

/* "valueQuantity" is the slice of value[x] whose type is Quantity. */
static struct validate_node *choice_child(
    struct validate_node *parent, struct text name, const struct fhir_member *member, const struct laying *laying) {
    struct validate_node *choice = find_child(parent, text_from(member->element->name));
    choice = choice != NULL ? choice : new_child(parent, text_from(member->element->name), member->element, laying);
    struct validate_node *slice = slice_of(choice, name, laying);
    if (slice->kinds == NULL) {
        slice->kinds = ARENA_NEW(laying->scope->arena, struct validate_kind);
        slice->kinds->type = slice->type = member->type;
    }
    return slice;
}

static enum status child_of(
    struct validate_node **out, struct validate_node *parent, struct text name, const struct laying *laying) {
    struct fhir_member member;
    name.size -= text_ends(name, "[x]") ? 3 : 0;
    *out = find_child(parent, name);
    if (*out != NULL) {
        return STATUS_OK;
    }
    const struct fhir_element *element = parent->type == FHIR_TYPE_NONE ? NULL : fhir_element_find(parent->type, name);
    bool is_value =
        text_is(name, "value") && parent->type != FHIR_TYPE_NONE && fhir_type_kind(parent->type) == FHIR_PRIMITIVE;
    if (element == NULL && parent->type != FHIR_TYPE_NONE && !is_value) {
        if (!fhir_member_find(&member, parent->type, name) || !member.element->is_choice || member.is_companion) {
            return fault(laying->scope, STATUS_INVALID, laying->id, "%s has no element %.*s in R4",
                fhir_type_name(parent->type), (int)name.size, name.at);
        }
        *out = choice_child(parent, name, &member, laying);
        return STATUS_OK;
    }
    *out = new_child(parent, name, element, laying);
    return STATUS_OK;
}

static size_t count_dots(struct text text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.at[i] == '.';
    }
    return count;
}

/* By the id, whose words carry the slices ("Patient.identifier:mrn.system"). Where there is none, by the path and the slice's
 * name; on the way to it stand what the elements before it named. */
static enum status find_node(struct validate_node **out, const struct laying *laying) {
    struct text path = json_get_text(laying->element, "path"), id = json_get_text(laying->element, "id");
    struct text name = json_get_text(laying->element, "sliceName");
    bool has_id = id.size > 0 && count_dots(id) == count_dots(path);
    struct text rest = has_id ? id : path;
    *out = laying->root;
    (void)text_cut(&rest, '.');
    while (rest.at != NULL) {
        struct text slice = text_cut(&rest, '.'), word = text_cut(&slice, ':');
        enum status status = child_of(out, *out, word, laying);
        if (status != STATUS_OK) {
            return status;
        }
        struct text wanted = rest.at == NULL && !has_id ? name : slice;
        if (wanted.size > 0 && !text_equal((*out)->slice, wanted)) {
            *out = slice_of((*out)->slice.size > 0 ? (*out)->parent : *out, wanted, laying);
        } else if (rest.at != NULL && !has_id && (*out)->current != NULL) {
            *out = (*out)->current;
        }
    }
    for (struct validate_node *node = *out; node->slice.size > 0; node = node->parent) {
        node->parent->current = *out;
    }
    (*out)->current = *out;
    return STATUS_OK;
}

/* ---- what it asks ----------------------------------------------------------------------------------------------- */

static enum status lay_counts(struct validate_node *node, const struct laying *laying) {
    bool is_slice = node->slice.size > 0;
    const struct fhir_element *base = is_slice ? NULL : node->element;
    struct text most = json_get_text(laying->element, "max");
    int64_t least, greatest;
    if (node == laying->root) {
        return STATUS_OK;
    }
    if (json_get_int64(&least, laying->element, "min") && least >= 0 && least < UINT32_MAX &&
        (base == NULL || least != base->min)) {
        node->min = least > node->min ? (uint32_t)least : node->min;
    }
    if (text_to_int64(&greatest, most) && greatest >= 0 && greatest < UINT32_MAX &&
        (base == NULL || greatest != base->max)) {
        node->max = greatest < node->max ? (uint32_t)greatest : node->max;
    }
    uint32_t ceiling = node->element == NULL || node->element->max == FHIR_MAX_MANY ? UINT32_MAX : node->element->max;
    ceiling = node->max < ceiling ? node->max : ceiling;
    return node->min <= ceiling
               ? STATUS_OK
               : fault(laying->scope, STATUS_INVALID, laying->id,
                     "at least %u and at most %u are asked for, which nothing can be", node->min, ceiling);
}

static struct validate_profile_url *read_urls(const yyjson_val *type, const char *name, struct arena *arena) {
    struct validate_profile_url *first = NULL, **end = &first;
    size_t index, count;
    yyjson_val *each;
    yyjson_arr_foreach((yyjson_val *)json_get(type, name), index, count, each) {
        if (json_text(each).size > 0) {
            *end = ARENA_NEW(arena, struct validate_profile_url);
            **end = validate_canonical(json_text(each));
            end = &(*end)->next;
        }
    }
    return first;
}

/* The targets of R4 itself, all of them, are no narrowing. */
static bool are_base_targets(const struct fhir_element *base, const struct validate_profile_url *targets) {
    int count = 0;
    for (; targets != NULL; targets = targets->next, count++) {
        fhir_type type = validate_core_type(targets->url);
        bool is_base = false;
        for (int i = 0; base != NULL && i < base->target_count; i++) {
            is_base |= base->targets[i] == type && type != FHIR_TYPE_NONE;
        }
        if (!is_base) {
            return false;
        }
    }
    return base != NULL && count == base->target_count;
}

static bool are_base_kinds(const struct fhir_element *base, const struct validate_kind *kinds) {
    int count = 0;
    for (; kinds != NULL; kinds = kinds->next, count++) {
        bool is_base = false;
        for (int i = 0; base != NULL && i < base->type_count; i++) {
            fhir_type type = base->types[i];
            bool is_backbone = fhir_type_kind(type) == FHIR_BACKBONE; /* its definition calls it BackboneElement */
            is_base |= type == kinds->type || (is_backbone && fhir_type_is(type, kinds->type));
        }
        if (!is_base || kinds->profiles != NULL || kinds->targets != NULL) {
            return false;
        }
    }
    return base != NULL && count == base->type_count;
}

static enum status lay_types(struct validate_node *node, const struct laying *laying) {
    struct arena *arena = laying->scope->arena;
    struct validate_kind *first = NULL, **end = &first;
    size_t index, count;
    yyjson_val *each;
    yyjson_arr_foreach((yyjson_val *)json_get(laying->element, "type"), index, count, each) {
        struct text code = json_get_text(each, "code");
        fhir_type type = fhir_type_find(code);
        if (text_starts(code, "http://hl7.org/fhirpath/System.") || code.size == 0) {
            return STATUS_OK; /* the value of a primitive: JSON's own business */
        }
        if (type == FHIR_TYPE_NONE) {
            return fault(laying->scope, STATUS_INVALID, laying->id, "%.*s is no type of R4", (int)code.size, code.at);
        }
        *end = ARENA_NEW(arena, struct validate_kind);
        (*end)->type = type;
        (*end)->profiles = read_urls(each, "profile", arena);
        (*end)->targets = type == laying->validate->reference ? read_urls(each, "targetProfile", arena) : NULL;
        (*end)->targets = are_base_targets(node->element, (*end)->targets) ? NULL : (*end)->targets;
        end = &(*end)->next;
    }
    if (first == NULL || node == laying->root || are_base_kinds(node->element, first)) {
        return STATUS_OK;
    }
    node->kinds = first;
    if (first->next == NULL && (node->type == FHIR_TYPE_NONE || fhir_type_is(first->type, node->type))) {
        node->type = first->type;
    }
    return STATUS_OK;
}

static void lay_values(struct validate_node *node, const struct laying *laying) {
    static const struct {
        const char *prefix;
        size_t offset;
    } rows[] = {
        {"fixed", offsetof(struct validate_node, fixed)},
        {"pattern", offsetof(struct validate_node, pattern)},
        {"minValue", offsetof(struct validate_node, min_value)},
        {"maxValue", offsetof(struct validate_node, max_value)},
    };
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)laying->element);
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        struct text text = json_text(name);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (text_starts(text, rows[i].prefix)) {
                const yyjson_val **place = (const yyjson_val **)((char *)node + rows[i].offset);
                *place = yyjson_obj_iter_get_val(name);
            }
        }
    }
    int64_t length;
    if (json_get_int64(&length, laying->element, "maxLength") && length > 0 && length < UINT32_MAX) {
        node->max_length = (uint32_t)length;
    }
}

static void lay_binding(struct validate_node *node, const struct laying *laying) {
    const yyjson_val *binding = json_get(laying->element, "binding");
    struct text strength = json_get_text(binding, "strength"), value_set = json_get_text(binding, "valueSet");
    enum validate_strength read = text_is(strength, "required")     ? VALIDATE_REQUIRED
                                  : text_is(strength, "extensible") ? VALIDATE_EXTENSIBLE
                                                                    : VALIDATE_NO_BINDING;
    if (binding == NULL || value_set.size == 0 || read == VALIDATE_NO_BINDING) {
        return;
    }
    const struct validate_element_rule *base =
        node->parent == NULL || node->parent->type == FHIR_TYPE_NONE || node->element == NULL
            ? NULL
            : validate_element_rule_find(node->parent->type, node->element->name);
    struct text url = validate_canonical(value_set).url;
    if (base != NULL && base->value_set != NULL && base->strength == read &&
        text_equal(validate_canonical(text_from(base->value_set)).url, url)) {
        return;
    }
    node->strength = read;
    node->value_set = value_set;
}

static enum validate_severity severity_of(const yyjson_val *constraint) {
    size_t index, count;
    yyjson_val *each;
    bool is_best = false;
    yyjson_arr_foreach((yyjson_val *)json_get(constraint, "extension"), index, count, each) {
        bool holds = false;
        is_best |= text_is(json_get_text(each, "url"),
                       "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice") &&
                   json_get_bool(&holds, each, "valueBoolean") && holds;
    }
    return is_best                                                     ? VALIDATE_INFORMATION
           : text_is(json_get_text(constraint, "severity"), "warning") ? VALIDATE_WARNING
                                                                       : VALIDATE_ERROR;
}

/* An expression of another dialect cannot be held against anybody: its program stays NULL. */
static void lay_constraints(struct validate_node *node, const struct laying *laying) {
    struct arena *arena = laying->scope->arena;
    struct validate_constraint **end = &node->constraints;
    size_t index, count;
    yyjson_val *each;
    yyjson_arr_foreach((yyjson_val *)json_get(laying->element, "constraint"), index, count, each) {
        struct text key = json_get_text(each, "key"), expression = json_get_text(each, "expression");
        struct scope own = {.arena = arena, .deadline_us = laying->scope->deadline_us};
        if (expression.size == 0 || validate_is_core_constraint(key, expression, json_get_text(each, "source"))) {
            continue;
        }
        while (*end != NULL && !text_is(key, (*end)->invariant.key)) {
            end = &(*end)->next;
        }
        struct validate_constraint *constraint = *end != NULL ? *end : ARENA_NEW(arena, struct validate_constraint);
        *end = constraint;
        constraint->invariant = (struct validate_invariant){
            text_string(arena, key), text_string(arena, json_get_text(each, "human")), NULL, severity_of(each)};
        if (fhirpath_compile(&constraint->invariant.program, expression, &own) != STATUS_OK) {
            constraint->invariant.program = NULL;
            constraint->fault = own.fault.first != NULL ? own.fault.first->text : "it does not compile";
        }
        end = &node->constraints;
    }
}

static enum status lay_slicing(struct validate_node *node, const struct laying *laying) {
    const yyjson_val *slicing = json_get(laying->element, "slicing");
    struct text rules = json_get_text(slicing, "rules");
    size_t index, count;
    yyjson_val *each;
    if (slicing == NULL) {
        return STATUS_OK;
    }
    struct validate_discriminator *first = NULL, **end = &first;
    node->is_sliced = true;
    node->rules = text_is(rules, "closed")      ? VALIDATE_CLOSED
                  : text_is(rules, "openAtEnd") ? VALIDATE_OPEN_AT_END
                                                : VALIDATE_OPEN;
    node->is_ordered = false;
    (void)json_get_bool(&node->is_ordered, slicing, "ordered");
    yyjson_arr_foreach((yyjson_val *)json_get(slicing, "discriminator"), index, count, each) {
        enum status status = validate_parse_discriminator(end, each, laying->id, laying->scope);
        if (status != STATUS_OK) {
            return status;
        }
        end = &(*end)->next;
    }
    node->discriminators = first != NULL ? first : node->discriminators;
    return STATUS_OK;
}

enum status validate_apply_element(
    struct validate_node *root, const struct validate *validate, const yyjson_val *element, struct scope *scope) {
    struct text id = json_get_text(element, "id"), path = json_get_text(element, "path");
    struct laying laying = {root, validate, element, text_string(scope->arena, id.size > 0 ? id : path), scope};
    struct validate_node *node = NULL;
    if (path.size == 0) {
        return fault(scope, STATUS_INVALID, laying.id, "an element has no path");
    }
    enum status status = find_node(&node, &laying);
    if (status == STATUS_OK) {
        status = lay_types(node, &laying);
    }
    if (status == STATUS_OK) {
        status = lay_counts(node, &laying);
    }
    if (status != STATUS_OK) {
        return status;
    }
    lay_values(node, &laying);
    lay_binding(node, &laying);
    lay_constraints(node, &laying);
    return lay_slicing(node, &laying);
}

/* ---- pruning ---------------------------------------------------------------------------------------------------- */

static bool asks_nothing(const struct validate_node *node) {
    bool is_sliced = node->slices != NULL || (node->is_sliced && node->rules == VALIDATE_CLOSED);
    return node->min == 0 && node->max == UINT32_MAX && node->kinds == NULL && node->fixed == NULL &&
           node->pattern == NULL && node->min_value == NULL && node->max_value == NULL && node->max_length == 0 &&
           node->value_set.size == 0 && node->constraints == NULL && node->children == NULL && !is_sliced;
}

/* Slices stay, since a closed slicing counts them. */
void validate_prune(struct validate_node *node) {
    for (struct validate_node *slice = node->slices; slice != NULL; slice = slice->next) {
        validate_prune(slice);
    }
    for (struct validate_node **child = &node->children; *child != NULL;) {
        validate_prune(*child);
        if (asks_nothing(*child)) {
            *child = (*child)->next;
        } else {
            child = &(*child)->next;
        }
    }
}
