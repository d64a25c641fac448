/* Walking the document: members and children of nodes, and what type a node has. */
#include "fhirpath/machine.h"
#include "fhirpath/value.h"

#include <string.h>

/* ---- one element's JSON ----------------------------------------------------------------------------------------- */

struct member {
    const struct fhir_element *element;
    fhir_type type; /* as declared; the JSON may say more (contained resources) */
    const yyjson_val *value, *companion;
};

static fhir_type actual_type(fhir_type declared, const yyjson_val *value) {
    if (fhir_type_kind(declared) != FHIR_RESOURCE) {
        return declared;
    }
    fhir_type own = fhir_resource_type_of(value);
    return own != FHIR_TYPE_NONE ? own : declared;
}

static const yyjson_val *present(const yyjson_val *value) {
    return value != NULL && !yyjson_is_null((yyjson_val *)value) ? value : NULL;
}

static const char *child_path(
    struct machine *m, const struct fhirpath_item *parent, const struct member *member, size_t index) {
    if (!m->environment->want_paths) {
        return NULL;
    }
    const char *base = parent->path != NULL ? parent->path : "";
    const char *dot = parent->path != NULL ? "." : "";
    struct text path = member->element->max > 1
                           ? text_format(m->scope->arena, "%s%s%s[%zu]", base, dot, member->element->name, index)
                           : text_format(m->scope->arena, "%s%s%s", base, dot, member->element->name);
    return path.at;
}

static enum status add_value(struct collection *out, struct machine *m, const struct fhirpath_item *parent,
    const struct member *member, const yyjson_val *value, const yyjson_val *companion, size_t index) {
    if (present(value) == NULL && present(companion) == NULL) {
        return STATUS_OK;
    }
    struct fhirpath_item item = {
        .kind = FHIRPATH_NODE,
        .type = actual_type(member->type, value),
        .node = present(value),
        .companion = present(companion),
        .path = child_path(m, parent, member, index),
    };
    return collection_add(out, m, &item);
}

/* The element's items: arrays run beside the array of their companions. */
static enum status add_items(
    struct collection *out, struct machine *m, const struct fhirpath_item *parent, const struct member *member) {
    yyjson_val *value = (yyjson_val *)member->value, *companion = (yyjson_val *)member->companion;
    if (!yyjson_is_arr(value) && !yyjson_is_arr(companion)) {
        return add_value(out, m, parent, member, value, companion, 0);
    }
    yyjson_arr_iter values, companions;
    yyjson_arr_iter_init(value, &values);
    yyjson_arr_iter_init(companion, &companions);
    enum status status = STATUS_OK;
    for (size_t index = 0; status == STATUS_OK; index++) {
        const yyjson_val *each = yyjson_arr_iter_next(&values), *beside = yyjson_arr_iter_next(&companions);
        if (each == NULL && beside == NULL) {
            return STATUS_OK;
        }
        status = add_value(out, m, parent, member, each, beside, index);
    }
    return status;
}

/* Where a node's own members stand: the object, or for a primitive its companion (id and extension). */
static yyjson_val *members_of(const struct fhirpath_item *item) {
    if (yyjson_is_obj((yyjson_val *)item->node)) {
        return (yyjson_val *)item->node;
    }
    return yyjson_is_obj((yyjson_val *)item->companion) ? (yyjson_val *)item->companion : NULL;
}

/* ---- by name ---------------------------------------------------------------------------------------------------- */

/* value[x]: the member whose name starts with the element's and goes on with one of its types. */
static bool find_choice(struct member *out, yyjson_val *object, fhir_type parent, const struct fhir_element *element) {
    size_t size = strlen(element->name), index, count;
    yyjson_val *key, *value;
    bool found = false;
    yyjson_obj_foreach(object, index, count, key, value) {
        struct text name = {yyjson_get_str(key), yyjson_get_len(key)};
        size_t skip = name.size > 0 && name.at[0] == '_';
        struct fhir_member member;
        if (name.size <= size + skip || memcmp(name.at + skip, element->name, size) != 0 ||
            !fhir_member_find(&member, parent, name) || member.element != element) {
            continue;
        }
        *(skip ? &out->companion : &out->value) = value;
        out->type = member.type;
        found = true;
    }
    return found;
}

/* The member and its companion in one pass. */
static bool find_plain(struct member *out, yyjson_val *object, const struct fhir_element *element, struct text wanted) {
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, index, count, key, value) {
        const char *name = yyjson_get_str(key);
        size_t size = yyjson_get_len(key);
        if (size == wanted.size && memcmp(name, wanted.at, size) == 0) {
            out->value = value;
        } else if (size == wanted.size + 1 && name[0] == '_' && memcmp(name + 1, wanted.at, wanted.size) == 0) {
            out->companion = value;
        }
    }
    out->type = element->type_count > 0 ? element->types[0] : FHIR_TYPE_NONE;
    return out->type != FHIR_TYPE_NONE && (out->value != NULL || out->companion != NULL);
}

static enum status add_element(struct collection *out, struct machine *m, const struct fhirpath_item *item,
    const struct fhir_element *element, struct text name) {
    yyjson_val *object = members_of(item);
    struct member member = {.element = element};
    if (object == NULL || element == NULL) {
        return STATUS_OK;
    }
    bool found = element->is_choice ? find_choice(&member, object, item->type, element)
                                    : find_plain(&member, object, element, name);
    return found ? add_items(out, m, item, &member) : STATUS_OK;
}

/* What type() yields has two members of its own. */
static enum status add_type_member(
    struct collection *out, struct machine *m, const struct fhirpath_item *item, struct text name) {
    struct fhirpath_item value = {.kind = FHIRPATH_STRING};
    if (text_is(name, "name")) {
        value.text = item->text;
    } else if (text_is(name, "namespace")) {
        value.text = item->unit;
    } else {
        return STATUS_OK;
    }
    return collection_add(out, m, &value);
}

enum status member_add_named(
    struct collection *out, struct machine *m, const struct fhirpath_item *item, struct text name) {
    if (item->kind == FHIRPATH_TYPE) {
        return add_type_member(out, m, item, name);
    }
    if (item->kind != FHIRPATH_NODE) {
        return STATUS_OK;
    }
    return add_element(out, m, item, fhir_element_find(item->type, name), name);
}

enum status member_add(
    struct collection *out, struct machine *m, const struct fhirpath_item *item, const struct node *node) {
    if (item->kind == FHIRPATH_NODE && item->type == node->parent && node->element != NULL) {
        return add_element(out, m, item, node->element, node->name);
    }
    return member_add_named(out, m, item, node->name);
}

/* ---- all children ----------------------------------------------------------------------------------------------- */

static yyjson_val *beside(yyjson_val *object, struct text name) {
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, index, count, key, value) {
        if (yyjson_get_len(key) == name.size + 1 && yyjson_get_str(key)[0] == '_' &&
            memcmp(yyjson_get_str(key) + 1, name.at, name.size) == 0) {
            return value;
        }
    }
    return NULL;
}

enum status children_add(struct collection *out, struct machine *m, const struct fhirpath_item *item) {
    yyjson_val *object = item->kind == FHIRPATH_NODE ? members_of(item) : NULL;
    size_t index, count;
    yyjson_val *key, *value;
    if (object == NULL) {
        return STATUS_OK;
    }
    yyjson_obj_foreach(object, index, count, key, value) {
        struct text name = {yyjson_get_str(key), yyjson_get_len(key)};
        struct fhir_member found;
        if (!fhir_member_find(&found, item->type, name)) {
            continue; /* resourceType, or nothing that R4 knows */
        }
        struct member member = {.element = found.element, .type = found.type, .value = value};
        if (!found.is_companion) {
            member.companion = fhir_type_kind(found.type) == FHIR_PRIMITIVE ? beside(object, name) : NULL;
        } else if (yyjson_obj_getn(object, name.at + 1, name.size - 1) != NULL) {
            continue; /* it came with its value */
        } else {
            member.value = NULL;
            member.companion = value;
        }
        enum status status = add_items(out, m, item, &member);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* ---- types ------------------------------------------------------------------------------------------------------ */

bool item_is_type(const struct fhirpath_item *item, const struct type_name *type) {
    if (item->kind == FHIRPATH_NODE) {
        return type->fhir != FHIR_TYPE_NONE && fhir_type_is(item->type, type->fhir);
    }
    return type->is_system && item->kind == type->system;
}

/* as and ofType look at a primitive's own type: a code is no string there (R4 suite, testInheritance). */
bool item_is_exact_type(const struct fhirpath_item *item, const struct type_name *type) {
    if (item->kind == FHIRPATH_NODE && fhir_type_kind(item->type) == FHIR_PRIMITIVE) {
        return item->type == type->fhir;
    }
    return item_is_type(item, type);
}
